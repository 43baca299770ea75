/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML map → an event with its process, ancestors and container, as a sensor and the state would
 * give them. The format is documented in docs/testing-rules.md. What a test leaves out gets the
 * value that a usual event has, so that a test says only what matters to its rule.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "cmd/rules.h"

enum { PARAM_BYTES_MAX = 64 << 10, PARENTS_MAX = 32, ERRNO_MAX = 133, SIGNAL_MAX = 64 };

struct builder {
	struct arena *a;
	struct err *e;
	struct test_event *t;
};

static int bad(struct builder *b, const struct yaml_node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(struct builder *b, const struct yaml_node *at, const char *fmt, ...)
{
	struct buf msg = BUF_INIT(800);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	err_set(b->e, EINVAL, "%u:%u: %s", at->line, at->column, msg.s ? msg.s : "");
	buf_done(&msg);
	return -EINVAL;
}

/* ---- values --------------------------------------------------------------------------------- */

static bool number_of(struct str s, int64_t *ret)
{
	uint64_t u;
	bool negative = s.len > 1 && s.s[0] == '-';
	struct str digits = negative ? str_skip(s, 1) : s;
	int base = 10;

	if (str_starts(digits, STR("0x")) || str_starts(digits, STR("0X"))) {
		digits = str_skip(digits, 2);
		base = 16;
	} else if (digits.len > 1 && digits.s[0] == '0') {
		digits = str_skip(digits, str_starts(digits, STR("0o")) ? 2 : 1);
		base = 8;
	}
	if (!str_to_u64(digits, base, &u))
		return false;
	*ret = negative ? -(int64_t)u : (int64_t)u;
	return true;
}

static int get_number(struct builder *b, const struct yaml_node *n, int64_t *ret)
{
	bool yes;

	if (n->kind == YAML_SCALAR && number_of(n->text, ret))
		return 0;
	if (yaml_to_bool(n, &yes)) {
		*ret = yes;
		return 0;
	}
	return bad(b, n, "expected a number");
}

static int get_u32(struct builder *b, const struct yaml_node *n, uint32_t *ret)
{
	int64_t v;
	int e = get_number(b, n, &v);

	if (e == 0)
		*ret = (uint32_t)v;
	return e;
}

static int get_bool(struct builder *b, const struct yaml_node *n, bool *ret)
{
	return yaml_to_bool(n, ret) ? 0 : bad(b, n, "expected true or false");
}

static int get_text(struct builder *b, const struct yaml_node *n, struct str *ret)
{
	if (n->kind != YAML_SCALAR && n->kind != YAML_NULL)
		return bad(b, n, "expected text");
	*ret = n->text;
	return 0;
}

/* Text split at blanks, or a sequence, or a map as KEY=value: NUL-separated. */
static int get_vector(struct builder *b, const struct yaml_node *n, struct str *ret)
{
	struct buf out = BUF_INIT(PARAM_BYTES_MAX);
	struct str rest = n->text;

	if (n->kind == YAML_SCALAR && n->text.len)
		while (rest.s) {
			buf_add(&out, str_cut(&rest, ' '));
			buf_add_char(&out, 0);
		}
	for (size_t i = 0; n->kind == YAML_SEQ && i < n->nitems; i++) {
		buf_add(&out, n->items[i]->text);
		buf_add_char(&out, 0);
	}
	for (size_t i = 0; n->kind == YAML_MAP && i < n->nitems; i++) {
		buf_add(&out, n->keys[i]->text);
		buf_add_char(&out, '=');
		buf_add(&out, n->items[i]->text);
		buf_add_char(&out, 0);
	}
	*ret = arena_str(b->a, buf_str(&out));
	buf_done(&out);
	return 0;
}

/* "CAP_SYS_ADMIN CAP_KILL", or a number. */
static int get_capabilities(struct builder *b, const struct yaml_node *n, uint64_t *ret)
{
	struct str rest = n->text;
	struct buf name = BUF_INIT(100);
	int64_t v;

	*ret = 0;
	if (number_of(n->text, &v)) {
		*ret = (uint64_t)v;
		return 0;
	}
	while (rest.len) {
		struct str word = str_cut(&rest, ' ');
		int bit = 0;

		for (; bit < 64; bit++) {
			buf_clear(&name);
			capabilities_format(1ULL << bit, &name);
			if (word.len && str_eq(buf_str(&name), word))
				break;
		}
		if (word.len && bit == 64) {
			buf_done(&name);
			return bad(b, n, "'%.*s' is no capability", STR_ARG(word));
		}
		*ret |= word.len ? 1ULL << bit : 0;
	}
	buf_done(&name);
	return 0;
}

/* ---- keys of a map -------------------------------------------------------------------------- */

typedef int (*setter)(struct builder *b, const struct yaml_node *n, void *row);

struct key {
	const char *name;
	setter set;
};

static int unknown_key(
	struct builder *b, const struct yaml_node *key, const struct key *keys, size_t nkeys)
{
	const char *near = NULL;
	unsigned best = 4;

	for (size_t i = 0; i < nkeys; i++) {
		unsigned d = str_distance(key->text, str_of(keys[i].name), best - 1);

		if (d < best) {
			best = d;
			near = keys[i].name;
		}
	}
	return bad(b, key, "unknown key '%.*s'%s%s%s", STR_ARG(str_head(key->text, 60)),
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int read_map(struct builder *b, const struct yaml_node *map, const struct key *keys,
	size_t nkeys, void *row)
{
	if (map->kind != YAML_MAP)
		return bad(b, map, "expected a map");
	for (size_t i = 0; i < map->nitems; i++) {
		size_t k = 0;

		while (k < nkeys && !str_is(map->keys[i]->text, keys[k].name))
			k++;
		if (k == nkeys)
			return unknown_key(b, map->keys[i], keys, nkeys);
		int e = keys[k].set(b, map->items[i], row);

		if (e < 0)
			return e;
	}
	return 0;
}
#define COUNT(a)           (sizeof(a) / sizeof((a)[0]))
#define READ(b, map, k, r) read_map(b, map, k, COUNT(k), r)
#define SETTER(type, name, get, member)                                                            \
	static int set_##type##_##name(struct builder *b, const struct yaml_node *n, void *row)    \
	{                                                                                          \
		return get(b, n, &((struct type *)row)->member);                                   \
	}

/* ---- paths and descriptors ------------------------------------------------------------------ */

SETTER(event_path, name, get_text, name)
SETTER(event_path, real, get_text, real)
SETTER(event_path, known, get_text, known)
SETTER(event_path, raw, get_text, raw)

static const struct key path_keys[] = {{"name", set_event_path_name}, {"real", set_event_path_real},
	{"known", set_event_path_known}, {"raw", set_event_path_raw}};

static int parse_end(struct builder *b, const struct yaml_node *n, uint16_t *family, uint8_t ip[16],
	uint16_t *port)
{
	char text[100], *colon;
	int64_t v;

	if (n->kind != YAML_SCALAR || !str_copy(n->text, text, sizeof(text)))
		return bad(b, n, "expected ADDRESS:PORT");
	colon = strrchr(text, ':');
	if (!colon || !number_of(str_of(colon + 1), &v) || v < 0 || v > 65535)
		return bad(b, n, "expected ADDRESS:PORT, as 10.0.0.1:443 or [::1]:443");
	*colon = 0;
	*port = (uint16_t)v;
	char *host = text[0] == '[' ? text + 1 : text;

	if (host != text && *host)
		host[strcspn(host, "]")] = 0;
	if (inet_pton(AF_INET, host, ip) == 1)
		*family = AF_INET;
	else if (inet_pton(AF_INET6, host, ip) == 1)
		*family = AF_INET6;
	else
		return bad(b, n, "'%s' is no address", host);
	return 0;
}

static int set_sock_local(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event_sock *s = row;

	s->has_local = true;
	return parse_end(b, n, &s->family, s->local, &s->local_port);
}

static int set_sock_remote(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event_sock *s = row;

	s->has_remote = true;
	return parse_end(b, n, &s->family, s->remote, &s->remote_port);
}

static int set_sock_proto(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event_sock *s = row;
	int64_t v = 0;

	if (str_ieq(n->text, STR("tcp")))
		v = 6;
	else if (str_ieq(n->text, STR("udp")))
		v = 17;
	else if (str_ieq(n->text, STR("icmp")))
		v = 1;
	else if (get_number(b, n, &v) < 0)
		return bad(b, n, "expected tcp, udp, icmp or a number");
	s->l4proto = (uint8_t)v;
	s->type = v == 6 ? 1 : 2;
	return 0;
}

static int set_sock_role(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event_sock *s = row;

	if (str_is(n->text, "client"))
		s->role = ROLE_CLIENT;
	else if (str_is(n->text, "server"))
		s->role = ROLE_SERVER;
	else if (!str_is(n->text, "none"))
		return bad(b, n, "expected client, server or none");
	return 0;
}

static int set_sock_family(struct builder *b, const struct yaml_node *n, void *row)
{
	static const struct {
		const char *name;
		uint16_t family;
	} families[] = {{"ip", AF_INET}, {"ipv4", AF_INET}, {"inet", AF_INET}, {"ipv6", AF_INET6},
		{"inet6", AF_INET6}, {"unix", AF_UNIX}, {"netlink", AF_NETLINK},
		{"packet", AF_PACKET}};

	for (size_t i = 0; i < COUNT(families); i++)
		if (str_is(n->text, families[i].name)) {
			((struct event_sock *)row)->family = families[i].family;
			return 0;
		}
	return bad(b, n, "expected ipv4, ipv6, unix, netlink or packet");
}

SETTER(event_sock, path, get_text, unix_path)

static const struct key sock_keys[] = {{"proto", set_sock_proto}, {"local", set_sock_local},
	{"remote", set_sock_remote}, {"role", set_sock_role}, {"family", set_sock_family},
	{"path", set_event_sock_path}};

static int set_fd_type(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event *ev = row;

	for (int t = FD_FILE; t <= FD_IPV6_SERVER; t++)
		if (str_is(n->text, fd_type_name((enum fd_type)t))) {
			ev->fd.type = (enum fd_type)t;
			return 0;
		}
	return bad(b, n, "'%.*s' is no descriptor type: file, directory, ipv4, ipv6, unix, pipe …",
		STR_ARG(str_head(n->text, 60)));
}

static int set_fd_num(struct builder *b, const struct yaml_node *n, void *row)
{
	return get_number(b, n, &((struct event *)row)->fd.num);
}

static int set_fd_sock(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event_sock *s = &((struct event *)row)->fd.sock;

	/* a connection is usually TCP, and seen from the client */
	s->l4proto = 6;
	s->type = 1;
	s->role = ROLE_CLIENT;
	return READ(b, n, sock_keys, s);
}

SETTER(event, fd_name, get_text, path.name)
SETTER(event, fd_real, get_text, path.real)
SETTER(event, fd_known, get_text, path.known)
SETTER(event, fd_raw, get_text, path.raw)
SETTER(event, fd_connected, get_bool, fd.connected)
SETTER(event, fd_name_changed, get_bool, fd.name_changed)

static const struct key fd_keys[] = {{"name", set_event_fd_name}, {"real", set_event_fd_real},
	{"known", set_event_fd_known}, {"raw", set_event_fd_raw}, {"type", set_fd_type},
	{"num", set_fd_num}, {"sock", set_fd_sock}, {"connected", set_event_fd_connected},
	{"name_changed", set_event_fd_name_changed}};

static enum fd_type sock_type(const struct event_sock *s)
{
	switch (s->family) {
	case AF_INET:
		return FD_IPV4;
	case AF_INET6:
		return FD_IPV6;
	case AF_UNIX:
		return FD_UNIX;
	case AF_NETLINK:
		return FD_NETLINK;
	case AF_PACKET:
		return FD_PACKET;
	default:
		return FD_UNKNOWN;
	}
}

static int build_fd(struct builder *b, const struct yaml_node *map)
{
	struct event *ev = &b->t->ev;
	int e = READ(b, map, fd_keys, ev);

	if (e < 0)
		return e;
	ev->has_fd = true;
	if (ev->fd.num == INT64_MIN)
		ev->fd.num = 3;
	if (ev->fd.type == FD_UNKNOWN)
		ev->fd.type = ev->fd.sock.family ? sock_type(&ev->fd.sock) : FD_FILE;
	if (ev->fd.type == FD_UNIX && !ev->fd.sock.unix_path.len)
		ev->fd.sock.unix_path = ev->path.name;
	if (ev->fd.type != FD_FILE && ev->fd.type != FD_DIRECTORY) {
		ev->fd.other_name = ev->path.name;
		ev->path.name = STR_NULL;
	}
	if (ev->fd.type == FD_UNIX)
		ev->fd.sock.family = AF_UNIX;
	ev->fd.connected |= ev->fd.sock.has_remote;
	return 0;
}

/* ---- parameters ----------------------------------------------------------------------------- */

static void put_number(struct builder *b, unsigned i, enum param_type type, uint64_t v)
{
	static const uint8_t widths[] = {
		[PT_INT8] = 1,
		[PT_UINT8] = 1,
		[PT_SIGTYPE] = 1,
		[PT_L4PROTO] = 1,
		[PT_SOCKFAMILY] = 1,
		[PT_FLAGS8] = 1,
		[PT_ENUMFLAGS8] = 1,
		[PT_INT16] = 2,
		[PT_UINT16] = 2,
		[PT_SYSCALLID] = 2,
		[PT_PORT] = 2,
		[PT_FLAGS16] = 2,
		[PT_ENUMFLAGS16] = 2,
		[PT_INT64] = 8,
		[PT_UINT64] = 8,
		[PT_ERRNO] = 8,
		[PT_FD] = 8,
		[PT_PID] = 8,
		[PT_RELTIME] = 8,
		[PT_ABSTIME] = 8,
		[PT_DOUBLE] = 8,
	};
	size_t width = (unsigned)type < COUNT(widths) && widths[type] ? widths[type] : 4;

	b->t->ev.params[i] = arena_str(b->a, str_make((const char *)&v, width));
}

static bool name_of_flag(const struct flag_name *f, struct str name, uint64_t *ret)
{
	for (; f && f->name; f++)
		if (str_is(name, f->name)) {
			*ret = f->value;
			return true;
		}
	return false;
}

static bool errno_of(struct str name, int64_t *ret)
{
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *s = errno_name(i);

		if (s && str_is(name, s)) {
			*ret = -i;
			return true;
		}
	}
	return false;
}

static bool signal_of(struct str name, int64_t *ret)
{
	for (int i = 1; i <= SIGNAL_MAX; i++) {
		const char *s = signal_name(i);

		if (s && str_is(name, s)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int put_numeric(
	struct builder *b, const struct yaml_node *n, unsigned i, const struct param_def *def)
{
	struct str rest = n->text, word;
	uint64_t bits = 0, one;
	int64_t v;

	if (number_of(n->text, &v) || (def->type == PT_ERRNO && errno_of(n->text, &v)) ||
		(def->type == PT_FD && errno_of(n->text, &v)) ||
		(def->type == PT_SIGTYPE && signal_of(n->text, &v))) {
		put_number(b, i, def->type, (uint64_t)v);
		return 0;
	}
	bool yes;

	if (yaml_to_bool(n, &yes) && !def->flags) {
		put_number(b, i, def->type, yes);
		return 0;
	}
	while (rest.s) {
		word = str_trim(str_cut(&rest, '|'));
		if (!name_of_flag(def->flags, word, &one))
			return bad(b, n, "'%.*s' is no value of %s", STR_ARG(str_head(word, 60)),
				def->name);
		bits |= one;
	}
	put_number(b, i, def->type, bits);
	return 0;
}

/* family, address, port as .scap stores a sockaddr. */
static int put_sockaddr(struct builder *b, const struct yaml_node *n, unsigned i)
{
	uint8_t raw[1 + 16 + 2], ip[16] = {0};
	uint16_t family = 0, port = 0;
	int e = parse_end(b, n, &family, ip, &port);
	size_t len = family == AF_INET6 ? 16 : 4;

	if (e < 0)
		return e;
	raw[0] = (uint8_t)family;
	memcpy(raw + 1, ip, len);
	memcpy(raw + 1 + len, &port, sizeof(port));
	b->t->ev.params[i] = arena_str(b->a, str_make((const char *)raw, 1 + len + 2));
	return 0;
}

static int put_param(struct builder *b, const struct yaml_node *n, unsigned i)
{
	const struct param_def *def = &b->t->ev.def->params[i];
	struct str *to = &b->t->ev.params[i];

	switch (def->type) {
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		if (n->kind != YAML_SCALAR && n->kind != YAML_NULL)
			return bad(b, n, "%s is text", def->name);
		*to = arena_str(b->a, n->text);
		to->len++; /* with its NUL */
		return 0;
	case PT_BYTEBUF:
		*to = arena_str(b->a, n->text);
		return 0;
	case PT_STRINGS:
		return get_vector(b, n, to);
	case PT_SOCKADDR:
		return put_sockaddr(b, n, i);
	case PT_SOCKTUPLE:
	case PT_FDLIST:
	case PT_DYN:
		return bad(b, n, "%s cannot be given in a test", def->name);
	default:
		return put_numeric(b, n, i, def);
	}
}

static int build_args(struct builder *b, const struct yaml_node *map)
{
	const struct event_def *def = b->t->ev.def;

	if (map->kind != YAML_MAP)
		return bad(b, map, "args must be a map of parameter: value");
	for (size_t i = 0; i < map->nitems; i++) {
		int at = event_param_index(def, map->keys[i]->text);
		struct key names[EVENT_PARAMS_MAX];

		for (unsigned k = 0; k < def->nparams; k++)
			names[k] = (struct key){def->params[k].name, NULL};
		if (at < 0)
			return unknown_key(b, map->keys[i], names, def->nparams);
		int e = put_param(b, map->items[i], (unsigned)at);

		if (e < 0)
			return e;
	}
	return 0;
}

/* ---- what follows from the rest ------------------------------------------------------------- */

static int result_index(const struct event_def *def)
{
	int i = event_param_index(def, STR("res"));

	if (i < 0 && (def->flags & EF_CREATES_FD))
		i = event_param_index(def, STR("fd"));
	return i < 0 ? event_param_index(def, STR("status")) : i;
}

static int build_result(struct builder *b, const struct yaml_node *res)
{
	struct event *ev = &b->t->ev;
	int i = result_index(ev->def);

	if (i < 0)
		return res ? bad(b, res, "a %s event has no result", ev->def->name) : 0;
	if (res)
		return put_param(b, res, (unsigned)i);
	if (ev->params[i].len)
		return 0;
	bool creates = ev->def->flags & EF_CREATES_FD;
	int64_t v = creates ? (ev->has_fd ? ev->fd.num : 3) : 0;

	put_number(b, (unsigned)i, ev->def->params[i].type, (uint64_t)v);
	return 0;
}

/* Which parameters are names of the first path, which of the second. */
static struct event_path *path_of_param(struct event *ev, const char *name)
{
	static const char *const first[] = {"name", "path", "filename", "oldpath", "target", "dev"},
				 *const second[] = {"newpath", "linkpath", "dir"};

	for (size_t i = 0; i < COUNT(first); i++)
		if (!strcmp(name, first[i]))
			return &ev->path;
	for (size_t i = 0; i < COUNT(second); i++)
		if (!strcmp(name, second[i]))
			return &ev->target;
	return NULL;
}

/* Paths from arguments, and arguments from paths: a test need not say the same thing twice. */
static void derive_paths(struct builder *b)
{
	struct event *ev = &b->t->ev;
	bool is_exec = str_starts(str_of(ev->def->name), STR("execve"));

	for (unsigned i = 0; i < ev->def->nparams && !is_exec; i++) {
		const struct param_def *def = &ev->def->params[i];
		struct event_path *p = path_of_param(ev, def->name);

		if (!p || (def->type != PT_FSPATH && def->type != PT_FSRELPATH &&
				  def->type != PT_CHARBUF))
			continue;
		struct str raw = event_param_str(ev, i);

		if (raw.len && !p->raw.len)
			p->raw = raw;
		if (raw.len && !p->name.len) {
			p->name = path_normalise(b->a, b->t->proc->cwd, raw);
		} else if (!raw.len && p->name.len) {
			p->raw = p->raw.len ? p->raw : p->name;
			ev->params[i] = arena_str(b->a, p->raw);
			ev->params[i].len++;
		}
	}
}

static void derive_fd(struct builder *b)
{
	struct event *ev = &b->t->ev;
	int i = event_param_index(ev->def, STR("fd")), flags;
	int64_t res;
	uint64_t v;

	if (ev->def->flags & EF_CREATES_FD) {
		bool known = event_result(ev, &res);

		if ((ev->def->flags & EF_OPEN) && ev->path.name.len && !ev->has_fd) {
			ev->has_fd = true;
			ev->fd.type = FD_FILE;
		}
		if (ev->has_fd && known)
			ev->fd.num = res;
	} else if (ev->has_fd && i >= 0 && !ev->params[i].len) {
		put_number(b, (unsigned)i, ev->def->params[i].type, (uint64_t)ev->fd.num);
	}
	flags = event_param_index(ev->def, STR("flags"));
	if ((ev->def->flags & EF_OPEN) && flags >= 0 && event_param_u64(ev, (unsigned)flags, &v))
		ev->fd.flags = (uint32_t)v;
}

static int put_vector(struct builder *b, const char *name, struct str v)
{
	int i = event_param_index(b->t->ev.def, str_of(name));

	if (i >= 0 && !b->t->ev.params[i].len)
		b->t->ev.params[i] = v;
	return 0;
}

static void put_text(struct builder *b, const char *name, struct str s)
{
	struct str v = arena_str(b->a, s);

	v.len++;
	put_vector(b, name, v);
}

/* The parameters of an exec that the process tells as well. */
static void derive_exec(struct builder *b)
{
	struct event *ev = &b->t->ev;
	const struct process *p = b->t->proc;

	if (!str_starts(str_of(ev->def->name), STR("execve")))
		return;
	ev->exepath = p->exepath;
	ev->cwd = p->cwd;
	put_text(b, "exe", p->exe);
	put_text(b, "comm", p->comm);
	put_text(b, "cwd", p->cwd);
	put_text(b, "trusted_exepath", p->exepath);
	put_vector(b, "args", p->args);
	put_vector(b, "env", p->env);
}

/* ---- containers ----------------------------------------------------------------------------- */

SETTER(container, name, get_text, name)
SETTER(container, image, get_text, image)
SETTER(container, privileged, get_bool, is_privileged)
SETTER(container, host_pid, get_bool, host_pid)
SETTER(container, host_network, get_bool, host_network)
SETTER(container, host_ipc, get_bool, host_ipc)
SETTER(container, ip, get_text, ip)
SETTER(container, pod_name, get_text, pod_name)
SETTER(container, pod_ns, get_text, pod_ns)
SETTER(container, pod_uid, get_text, pod_uid)

static int set_container_id(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	c->full_id = n->text;
	c->id = str_head(n->text, 12);
	return n->text.len ? 0 : bad(b, n, "expected a container id");
}

static int set_container_type(struct builder *b, const struct yaml_node *n, void *row)
{
	static const struct {
		const char *name;
		enum container_type type;
	} types[] = {{"docker", CONTAINER_DOCKER}, {"containerd", CONTAINER_CONTAINERD},
		{"cri-o", CONTAINER_CRIO}, {"podman", CONTAINER_PODMAN}, {"lxc", CONTAINER_LXC}};

	for (size_t i = 0; i < COUNT(types); i++)
		if (str_is(n->text, types[i].name)) {
			((struct container *)row)->type = types[i].type;
			return 0;
		}
	return bad(b, n, "expected docker, containerd, cri-o, podman or lxc");
}

static int get_labels(struct builder *b, const struct yaml_node *n, struct label **ret, size_t *cnt)
{
	if (n->kind != YAML_MAP)
		return bad(b, n, "expected a map of labels");
	*ret = arena_array(b->a, struct label, n->nitems + 1);
	for (size_t i = 0; *ret && i < n->nitems; i++)
		(*ret)[i] = (struct label){n->keys[i]->text, n->items[i]->text};
	*cnt = n->nitems;
	return 0;
}

static int set_container_labels(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	return get_labels(b, n, &c->labels, &c->nlabels);
}

static int set_pod_labels(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	return get_labels(b, n, &c->pod_labels, &c->npod_labels);
}

SETTER(container_mount, source, get_text, source)
SETTER(container_mount, dest, get_text, dest)
SETTER(container_mount, mode, get_text, mode)
SETTER(container_mount, propagation, get_text, propagation)
SETTER(container_mount, rw, get_bool, is_rw)

static const struct key mount_keys[] = {{"source", set_container_mount_source},
	{"dest", set_container_mount_dest}, {"mode", set_container_mount_mode},
	{"propagation", set_container_mount_propagation}, {"rw", set_container_mount_rw}};

/* A map, or "source:dest" with an optional ":ro". */
static int read_mount(struct builder *b, const struct yaml_node *n, struct container_mount *m)
{
	struct str rest = n->text;

	m->is_rw = true;
	if (n->kind == YAML_MAP)
		return READ(b, n, mount_keys, m);
	if (n->kind != YAML_SCALAR)
		return bad(b, n, "expected source:dest or a map");
	m->source = str_cut(&rest, ':');
	m->dest = rest.s ? str_cut(&rest, ':') : m->source;
	m->mode = rest;
	m->is_rw = !str_is(rest, "ro");
	return 0;
}

static int set_container_mounts(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	if (n->kind != YAML_SEQ)
		return bad(b, n, "mounts must be a sequence");
	c->mounts = arena_array(b->a, struct container_mount, n->nitems + 1);
	c->nmounts = n->nitems;
	for (size_t i = 0; c->mounts && i < n->nitems; i++) {
		int e = read_mount(b, n->items[i], &c->mounts[i]);

		if (e < 0)
			return e;
	}
	return 0;
}

static const struct key pod_keys[] = {{"name", set_container_pod_name},
	{"ns", set_container_pod_ns}, {"uid", set_container_pod_uid}, {"labels", set_pod_labels}};

static int set_container_pod(struct builder *b, const struct yaml_node *n, void *row)
{
	return READ(b, n, pod_keys, row);
}

static const struct key container_keys[] = {{"id", set_container_id}, {"name", set_container_name},
	{"image", set_container_image}, {"type", set_container_type},
	{"privileged", set_container_privileged}, {"host_pid", set_container_host_pid},
	{"host_network", set_container_host_network}, {"host_ipc", set_container_host_ipc},
	{"ip", set_container_ip}, {"mounts", set_container_mounts},
	{"labels", set_container_labels}, {"pod", set_container_pod}};

static int build_container(struct builder *b, const struct yaml_node *map, struct container **ret)
{
	struct container *c = arena_new(b->a, struct container);
	ptrdiff_t at;

	if (!c)
		return -ENOMEM;
	c->refs = 1;
	c->type = CONTAINER_CONTAINERD;
	c->full_id = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	c->id = str_head(c->full_id, 12);
	c->name = STR("test");
	c->is_complete = true;
	int e = READ(b, map, container_keys, c);

	if (e < 0)
		return e;
	c->image_repo = c->image;
	at = str_rfind_char(c->image, ':');
	if (at > 0 && str_find_char(str_skip(c->image, (size_t)at), '/') < 0) {
		c->image_repo = str_head(c->image, (size_t)at);
		c->image_tag = str_skip(c->image, (size_t)at + 1);
	}
	*ret = c;
	return 0;
}

/* ---- processes ------------------------------------------------------------------------------ */

SETTER(process, name, get_text, comm)
SETTER(process, exe, get_text, exe)
SETTER(process, exepath, get_text, exepath)
SETTER(process, args, get_vector, args)
SETTER(process, cwd, get_text, cwd)
SETTER(process, env, get_vector, env)
SETTER(process, tty, get_u32, tty)
SETTER(process, pid, get_u32, pid)
SETTER(process, uid, get_u32, uid)
SETTER(process, gid, get_u32, gid)
SETTER(process, loginuid, get_u32, loginuid)
SETTER(process, sid, get_u32, sid)
SETTER(process, pgid, get_u32, pgid)
SETTER(process, vpid, get_u32, vpid)
SETTER(process, vpgid, get_u32, vpgid)
SETTER(process, vsid, get_u32, vsid)
SETTER(process, cap_effective, get_capabilities, cap_effective)
SETTER(process, cap_permitted, get_capabilities, cap_permitted)
SETTER(process, cap_inheritable, get_capabilities, cap_inheritable)
SETTER(process, exe_upper_layer, get_bool, exe_upper_layer)
SETTER(process, exe_lower_layer, get_bool, exe_lower_layer)
SETTER(process, exe_from_memfd, get_bool, exe_from_memfd)
SETTER(process, exe_writable, get_bool, exe_writable)

static int set_process_age(struct builder *b, const struct yaml_node *n, void *row)
{
	struct process *p = row;
	int64_t seconds;
	int e = get_number(b, n, &seconds);

	if (e == 0)
		p->start_epoch_ns = p->exec_epoch_ns =
			b->t->ev.ts_ns - (uint64_t)seconds * 1000000000ULL;
	return e;
}

static const struct key process_keys[] = {{"name", set_process_name}, {"exe", set_process_exe},
	{"exepath", set_process_exepath}, {"args", set_process_args}, {"cwd", set_process_cwd},
	{"env", set_process_env}, {"tty", set_process_tty}, {"pid", set_process_pid},
	{"uid", set_process_uid}, {"gid", set_process_gid}, {"loginuid", set_process_loginuid},
	{"sid", set_process_sid}, {"pgid", set_process_pgid}, {"vpid", set_process_vpid},
	{"vpgid", set_process_vpgid}, {"vsid", set_process_vsid},
	{"cap_effective", set_process_cap_effective}, {"cap_permitted", set_process_cap_permitted},
	{"cap_inheritable", set_process_cap_inheritable},
	{"is_exe_upper_layer", set_process_exe_upper_layer},
	{"is_exe_lower_layer", set_process_exe_lower_layer},
	{"is_exe_from_memfd", set_process_exe_from_memfd},
	{"is_exe_writable", set_process_exe_writable}, {"age", set_process_age}};

enum { UNSET = 0xfffffffe };

static struct str base_name(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static void fill_process(struct process *p)
{
	if (!p->exepath.len && p->exe.len && p->exe.s[0] == '/')
		p->exepath = p->exe;
	if (!p->comm.len)
		p->comm = str_head(base_name(p->exepath.len ? p->exepath : p->exe), 15);
	if (!p->exe.len)
		p->exe = p->exepath.len ? p->exepath : p->comm;
	uint32_t *ids[] = {&p->sid, &p->pgid, &p->vpid, &p->vpgid, &p->vsid};

	/* a shell's job: leader of its own group and session unless the test says otherwise */
	for (size_t i = 0; i < COUNT(ids); i++)
		if (*ids[i] == UNSET)
			*ids[i] = p->pid;
	p->vtid = p->vpid;
}

static int build_process(
	struct builder *b, const struct yaml_node *map, uint32_t pid, struct process **ret)
{
	struct process *p = arena_new(b->a, struct process);

	if (!p)
		return -ENOMEM;
	*p = (struct process){
		.pid = pid,
		.refs = 1,
		.start_ns = pid * 1000000000ULL,
		.start_epoch_ns = b->t->ev.ts_ns - 60 * 1000000000ULL,
		.exec_epoch_ns = b->t->ev.ts_ns - 60 * 1000000000ULL,
		.sid = UNSET,
		.pgid = UNSET,
		.vpid = UNSET,
		.vpgid = UNSET,
		.vsid = UNSET,
		.loginuid = UINT32_MAX,
		.nthreads = 1,
		.fdlimit = 1024,
		.cwd = STR("/"),
		.root = STR("/"),
	};
	int e = map ? READ(b, map, process_keys, p) : 0;

	fill_process(p);
	*ret = p;
	return e;
}

static int build_parents(struct builder *b, const struct yaml_node *seq)
{
	struct process *child = b->t->proc;

	if (seq && (seq->kind != YAML_SEQ || seq->nitems > PARENTS_MAX))
		return bad(b, seq,
			"parents must be a sequence of at most %d processes, the "
			"nearest first",
			PARENTS_MAX);
	for (size_t i = 0; seq && i < seq->nitems; i++) {
		int e = build_process(b, seq->items[i], (uint32_t)(900 - i), &child->parent);

		if (e < 0)
			return e;
		child->ppid = child->parent->pid;
		child = child->parent;
	}
	return 0;
}

static int build_user(struct builder *b, const struct yaml_node *map)
{
	const struct yaml_node *uid = yaml_get(map, "uid"), *name = yaml_get(map, "name");
	struct process *p = b->t->proc;

	if (map->kind != YAML_MAP)
		return bad(b, map, "user must be a map of uid and name");
	for (size_t i = 0; i < map->nitems; i++)
		if (!str_is(map->keys[i]->text, "uid") && !str_is(map->keys[i]->text, "name"))
			return bad(b, map->keys[i], "unknown key '%.*s': user has uid and name",
				STR_ARG(str_head(map->keys[i]->text, 60)));
	if (name)
		b->t->user_name = name->text;
	if (uid)
		return get_u32(b, uid, &p->uid);
	/* a name without a number: root's is known, another's does not matter */
	if (name && !str_is(name->text, "root") && p->uid == 0)
		p->uid = 1000;
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int find_code(struct builder *b, const struct yaml_node *type)
{
	uint16_t codes[32];
	struct event *ev = &b->t->ev;
	size_t n =
		type && type->kind == YAML_SCALAR ? event_codes_by_name(type->text, codes, 32) : 0;

	for (size_t i = 0; i < n && i < 32; i++) {
		const struct event_def *def = event_def(codes[i]);

		if (!def || (def->flags & (EF_OLD | EF_ENTER)))
			continue;
		ev->code = codes[i];
		ev->def = def;
	}
	int id = type && !ev->def ? syscall_id_by_name(type->text) : -1;

	if (id >= 0) {
		ev->code = 1;
		ev->def = event_def(1);
		put_number(b, 0, ev->def->params[0].type, (uint64_t)id);
	}
	return ev->def ? 0 : -ENOENT;
}

static const char *const event_keys[] = {
	"type", "args", "res", "fd", "path", "target", "proc", "parents", "container", "user"};

static int check_keys(struct builder *b, const struct yaml_node *map)
{
	struct key keys[COUNT(event_keys)];

	for (size_t i = 0; i < COUNT(event_keys); i++)
		keys[i] = (struct key){event_keys[i], NULL};
	for (size_t i = 0; i < map->nitems; i++) {
		size_t k = 0;

		while (k < COUNT(keys) && !str_is(map->keys[i]->text, keys[k].name))
			k++;
		if (k == COUNT(keys))
			return unknown_key(b, map->keys[i], keys, COUNT(keys));
	}
	return 0;
}

static int build_actor(struct builder *b, const struct yaml_node *map)
{
	const struct yaml_node *container = yaml_get(map, "container");
	const struct yaml_node *user = yaml_get(map, "user");
	struct container *c = NULL;
	int e = build_process(b, yaml_get(map, "proc"), 1000, &b->t->proc);

	if (e == 0)
		e = build_parents(b, yaml_get(map, "parents"));
	if (e == 0 && container)
		e = build_container(b, container, &c);
	for (struct process *p = b->t->proc; e == 0 && p; p = p->parent)
		p->container = c;
	return e == 0 && user ? build_user(b, user) : e;
}

static int build_object(struct builder *b, const struct yaml_node *map)
{
	const struct yaml_node *fd = yaml_get(map, "fd"), *path = yaml_get(map, "path"),
			       *target = yaml_get(map, "target"), *args = yaml_get(map, "args");
	struct event *ev = &b->t->ev;
	int e = args ? build_args(b, args) : 0;

	if (e == 0 && path)
		e = READ(b, path, path_keys, &ev->path);
	if (e == 0 && target)
		e = READ(b, target, path_keys, &ev->target);
	if (e == 0 && fd)
		e = build_fd(b, fd);
	if (e == 0)
		e = build_result(b, yaml_get(map, "res"));
	return e;
}

int test_event_build(
	struct arena *a, const struct yaml_node *map, struct test_event *ret, struct err *e)
{
	struct builder b = {a, e, ret};
	const struct yaml_node *type = yaml_get(map, "type");
	int r;

	*ret = (struct test_event){
		.ev = {.num = 1, .ts_ns = 1767225600000000000ULL, .fd = {.num = INT64_MIN}}};
	if (map->kind != YAML_MAP)
		return bad(&b, map, "an event must be a map that begins with type");
	if (!type)
		return bad(&b, map, "the event has no 'type'");
	if (find_code(&b, type) < 0)
		return bad(&b, type, "'%.*s' is no event", STR_ARG(str_head(type->text, 60)));
	ret->ev.nparams = ret->ev.def->nparams;
	if ((r = check_keys(&b, map)) < 0 || (r = build_actor(&b, map)) < 0 ||
		(r = build_object(&b, map)) < 0)
		return r;
	ret->ev.pid = ret->ev.tid = ret->proc->pid;
	ret->ev.start_ns = ret->proc->start_ns;
	ret->ev.uid = ret->proc->uid;
	ret->ev.gid = ret->proc->gid;
	derive_paths(&b);
	derive_fd(&b);
	derive_exec(&b);
	return 0;
}
