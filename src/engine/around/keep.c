/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event in the ring: its parameters and names as raw bytes, one behind the other, each cut to
 * what a line of text can show. This is on the way of every event, so nothing is looked up or
 * formatted here; that is done for the few that are asked for.
 *
 *   struct kept, the first fd_bytes of struct event_fd, u16 length of each parameter,
 *   parameters, name, raw name, unix path, other name
 */
#include "engine/around/private.h"

#include <stddef.h>

enum {
	PARAM_MAX = 256,
	ARGV_MAX = 512,
	NAME_MAX_BYTES = 512,
	OTHER_MAX = 128,
	/* of an exec: res, exe, args; the rest is the state's */
	EXEC_PARAMS = 3,
	FORK_PARAMS = 1,
	OPENAT_FLAGS = 3,
	SCAP_O_WRONLY = 2, /* also part of O_RDWR */
};

static bool is_exec(uint16_t code)
{
	return code == EV_EXECVE || code == EV_EXECVEAT;
}

static bool is_fork(uint16_t code)
{
	return code == EV_CLONE || code == EV_FORK || code == EV_VFORK || code == EV_CLONE3;
}

/*
 * What the loader and the locale of every program open for reading: many events that tell nothing
 * of anybody, and a place that nothing else would get.
 */
static bool is_usual(const struct event *ev)
{
	static const struct str places[] = {
		STR("/usr/lib/"), STR("/lib/"), STR("/usr/share/"), STR("/etc/ld.so.cache")};
	struct str name = ev->path.name;
	uint64_t flags;

	/* most names end here: "/home", "/proc", "/dev" … */
	if (ev->code != EV_OPENAT || name.len < 5 ||
		(name.s[1] != 'u' && name.s[1] != 'l' && name.s[1] != 'e'))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (str_starts(name, places[i]))
			return event_param_u64(ev, OPENAT_FLAGS, &flags) &&
			       !(flags & SCAP_O_WRONLY);
	return false;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What was asked for: of an exec that failed, whose process is what it was, all that there is. */
static struct str asked_name(const struct event *ev)
{
	int64_t res;

	if (!is_exec(ev->code))
		return ev->path.name.len ? STR_NULL : ev->path.raw;
	if (ev->path.raw.len || !event_result(ev, &res) || res == 0)
		return ev->path.raw;
	int i = event_param_index(ev->def, STR("filename"));
	return i >= 0 ? event_param_str(ev, (unsigned)i) : STR_NULL;
}

uint64_t kept_group(const struct process *p)
{
	uint64_t group = p->sid;

	/* the first characters of a container's id tell containers apart as well as all do */
	if (p->container && p->container->id.len >= sizeof(group))
		memcpy(&group, p->container->id.s, sizeof(group));
	return group;
}

/* ---- in ------------------------------------------------------------------------------------ */

/* How many parameters; *mask has a bit for each that is kept, the others count as empty. */
static uint8_t params_of(const struct event *ev, uint32_t *mask)
{
	*mask = UINT32_MAX;
	switch (ev->code) {
	case EV_EXECVE:
	case EV_EXECVEAT:
		return (uint8_t)least(ev->nparams, EXEC_PARAMS);
	case EV_CLONE:
	case EV_CLONE3:
	case EV_FORK:
	case EV_VFORK:
		return (uint8_t)least(ev->nparams, FORK_PARAMS);
	case EV_OPENAT:
	case EV_OPENAT2: /* its name is kept anyway */
		*mask = 1 | 1 << OPENAT_FLAGS;
		return (uint8_t)least(ev->nparams, OPENAT_FLAGS + 1);
	default:
		return ev->nparams;
	}
}

/* Addresses are kept of sockets only. */
static uint8_t fd_bytes_of(const struct event *ev)
{
	if (!ev->has_fd)
		return 0;
	switch (ev->fd.type) {
	case FD_IPV4:
	case FD_IPV6:
	case FD_IPV4_SERVER:
	case FD_IPV6_SERVER:
	case FD_UNIX:
		return offsetof(struct event_fd, other_name);
	default:
		return offsetof(struct event_fd, sock);
	}
}

/* Most parameters are numbers: a copy of known size is one instruction. */
static uint8_t *put(uint8_t *p, struct str s, size_t len)
{
	if (len == 8) {
		memcpy(p, s.s, 8);
		return p + 8;
	}
	if (len == 4) {
		memcpy(p, s.s, 4);
		return p + 4;
	}
	return len ? mempcpy(p, s.s, len) : p;
}

bool kept_push(struct byte_ring *r, const struct event *ev, const struct process *p)
{
	uint16_t lens[EVENT_PARAMS_MAX];

	if (!ev->def || is_usual(ev))
		return false;
	uint32_t mask;
	struct str asked = asked_name(ev);
	struct kept k = {
		.start_ns = p->start_ns,
		.group = kept_group(p),
		.pid = p->pid,
		.code = ev->code,
		.nparams = params_of(ev, &mask),
		.fd_bytes = fd_bytes_of(ev),
		.name_len = (uint16_t)least(ev->path.name.len, NAME_MAX_BYTES),
		.raw_len = (uint16_t)least(asked.len, NAME_MAX_BYTES),
		.comm_len = (uint8_t)least(p->comm.len, COMM_BYTES),
	};
	size_t most = is_exec(ev->code) ? ARGV_MAX : PARAM_MAX, size = 0;

	for (unsigned i = 0; i < k.nparams; i++) {
		lens[i] = mask >> i & 1 ? (uint16_t)least(ev->params[i].len, most) : 0;
		size += lens[i];
	}
	if (k.fd_bytes) {
		k.unix_len = (uint16_t)least(ev->fd.sock.unix_path.len, OTHER_MAX);
		k.other_len = (uint16_t)least(ev->fd.other_name.len, OTHER_MAX);
	}
	size += sizeof(k) + k.fd_bytes + k.nparams * sizeof(*lens) + k.name_len + k.raw_len +
		k.unix_len + k.other_len;
	uint8_t *to = byte_ring_reserve(r, ev->ts_ns, size);
	if (!to)
		return false;
	if (k.comm_len)
		memcpy(k.comm, p->comm.s, k.comm_len);
	to = mempcpy(to, &k, sizeof(k));
	to = mempcpy(to, &ev->fd, k.fd_bytes);
	to = mempcpy(to, lens, k.nparams * sizeof(*lens));
	for (unsigned i = 0; i < k.nparams; i++)
		to = put(to, ev->params[i], lens[i]);
	to = put(to, ev->path.name, k.name_len);
	to = put(to, asked, k.raw_len);
	if (k.unix_len)
		to = put(to, ev->fd.sock.unix_path, k.unix_len);
	if (k.other_len)
		put(to, ev->fd.other_name, k.other_len);
	return true;
}

/* ---- out ----------------------------------------------------------------------------------- */

static struct str take(const uint8_t **p, size_t len)
{
	struct str s = str_make((const char *)*p, len);

	*p += len;
	return s;
}

/* Borrows from the piece. */
static void restore(const struct ring_piece *piece, const struct kept *k, struct event *ev)
{
	const uint8_t *p = piece->p + sizeof(*k);
	uint16_t lens[EVENT_PARAMS_MAX];

	*ev = (struct event){.ts_ns = piece->ts_ns,
		.pid = k->pid,
		.tid = k->pid,
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.code = k->code,
		.nparams = k->nparams,
		.has_fd = k->fd_bytes > 0,
		.def = event_def(k->code),
		.fd.num = INT64_MIN};
	memcpy(&ev->fd, p, k->fd_bytes);
	p += k->fd_bytes;
	memcpy(lens, p, k->nparams * sizeof(*lens));
	p += k->nparams * sizeof(*lens);
	for (unsigned i = 0; i < k->nparams; i++)
		ev->params[i] = take(&p, lens[i]);
	ev->path.name = take(&p, k->name_len);
	ev->path.raw = take(&p, k->raw_len);
	ev->fd.sock.unix_path = take(&p, k->unix_len);
	ev->fd.other_name = take(&p, k->other_len);
}

static void add_vector(struct str v, struct buf *out)
{
	while (v.len && v.s[v.len - 1] == 0)
		v.len--;
	while (v.s && v.len) {
		buf_add_char(out, ' ');
		buf_add(out, str_cut(&v, 0));
	}
}

static void add_failure(const struct event *ev, struct buf *out)
{
	int64_t res;

	if (event_result(ev, &res) && res < 0) {
		const char *name = res >= -4095 ? errno_name((int)res) : NULL;

		buf_printf(out, " → %s", name ? name : "failed");
	}
}

/* Of an exec that failed, the file that could not be run. */
static void add_command(const struct event *ev, struct buf *out)
{
	struct str exe = event_param_str(ev, 1);

	buf_add(out, exe.len ? exe : ev->path.name.len ? ev->path.name : ev->path.raw);
	add_vector(event_param(ev, 2), out);
	add_failure(ev, out);
}

static void add_open(const struct event *ev, struct buf *out)
{
	int flags = event_param_index(ev->def, STR("flags"));

	buf_add(out, ev->path.name.len ? ev->path.name : ev->path.raw);
	if (flags >= 0 && event_param(ev, (unsigned)flags).len) {
		buf_add_char(out, ' ');
		event_param_resolved(ev, (unsigned)flags, out);
	}
	add_failure(ev, out);
}

void kept_format(const struct ring_piece *piece, struct buf *out)
{
	struct event ev;
	struct kept k;
	int64_t res;

	kept_head(piece, &k);
	restore(piece, &k, &ev);
	if (is_exec(k.code)) {
		add_command(&ev, out);
	} else if (is_fork(k.code)) {
		if (event_result(&ev, &res) && res > 0)
			buf_printf(out, "child %lld", (long long)res);
		else if (res == 0)
			buf_add_cstr(out, "it begins");
		add_failure(&ev, out);
	} else if (ev.def->flags & EF_OPEN) {
		add_open(&ev, out);
	} else {
		event_args_format_as(&ev, &(struct event_style){.max_bytes = 80}, out);
	}
}
