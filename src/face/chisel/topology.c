/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind "topology": who talks to whom. Each connection that an event is about is remembered with
 * what was seen of its two ends: when both ends are on this machine, the same connection comes by
 * twice, once from each process, and that is how one process is known to call the other. At the end
 * connections become edges between nodes; topology_draw.c draws them.
 */
#include "face/chisel/topology.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

enum {
	CONNECTIONS_MAX = 65536,
	LABEL_MAX = 256,
	KEY_MAX = 1024,
	OUT_BYTES = 64 << 20,
	GRAPH_BYTES = 512 << 20
};

enum drawing { DRAW_TREE, DRAW_DOT };

struct topology_chisel {
	struct chisel_file file;
	struct event_filter *filter, *of_all; /* the file's, the command line's */
	struct format *node;
	struct table connections; /* by key */
	struct arena arena, scratch;
	struct buf label, key; /* of the event at hand */
	uint64_t lost;
	size_t top;
	enum drawing drawing;
	bool wants_idle; /* connections that are open at the first event, also if nothing moves */
};

/* Which connection an event is about lies in t->key; this is the rest. */
struct seen {
	bool is_path;
	size_t own, server; /* ends: the event's, and that which it takes for the server */
	uint64_t vote;
};

/* ---- opening -------------------------------------------------------------------------------- */

static const char *const keys[] = {"node", "draw", "top", "idle", NULL};
static const char *const drawings[] = {"tree", "dot", NULL};

static bool has_key(const void *row, const void *key)
{
	return str_eq(((const struct connection *)row)->key, *(const struct str *)key);
}

static int read_file(struct topology_chisel *t)
{
	struct filter_parse_options o = {.fields = &t->file.fields};
	struct yaml_reading *r = &t->file.r;
	const struct yaml_node *root = t->file.root;
	struct filter_error fe = {0};
	unsigned drawing = DRAW_TREE;
	struct str node = STR_NULL;
	int64_t top = 0;

	if (yaml_read_text(r, root, "node", true, &node) < 0 ||
		yaml_read_word(r, root, "draw", drawings, &drawing) < 0 ||
		yaml_read_number(r, root, "top", 1, CONNECTIONS_MAX, &top) < 0 ||
		yaml_read_bool(r, root, "idle", &t->wants_idle) < 0)
		return -EINVAL;
	if (format_compile(&t->file.arena, node, &o, &t->node, &fe) < 0)
		return yaml_mistake(r, yaml_get(root, "node"), "the node, column %u: %s",
			fe.pos.column, fe.msg);
	t->top = (size_t)top;
	t->drawing = (enum drawing)drawing;
	return 0;
}

static int topology_open(struct chisel *c, const struct str *args, size_t nargs, struct err *e)
{
	struct topology_chisel *t = calloc(1, sizeof(*t));

	c->self = t;
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&t->arena, GRAPH_BYTES);
	arena_init(&t->scratch, 0);
	table_init(&t->connections, has_key, CONNECTIONS_MAX);
	t->label = BUF_INIT(LABEL_MAX);
	t->key = BUF_INIT(KEY_MAX);
	int r = chisel_file_open(&t->file, c, args, nargs, keys, e);
	if (r == 0)
		r = read_file(t);
	if (r == 0)
		r = event_filter_open(t->file.filter, "filter", &t->filter, e);
	if (r == 0 && t->wants_idle)
		r = event_filter_open(c->env->filter, "filter", &t->of_all, e);
	return r;
}

static void topology_close(struct chisel *c)
{
	struct topology_chisel *t = c->self;

	if (!t)
		return;
	event_filter_close(t->filter);
	event_filter_close(t->of_all);
	table_done(&t->connections);
	buf_done(&t->label);
	buf_done(&t->key);
	arena_done(&t->arena);
	arena_done(&t->scratch);
	chisel_file_close(&t->file);
	free(t);
}

/* ---- connections ---------------------------------------------------------------------------- */

/* An end as it is before anybody needs its text. */
struct raw_end {
	uint8_t ip[16];
	uint16_t port;
};

static struct raw_end raw_end(const uint8_t *ip, uint16_t port)
{
	struct raw_end e = {.port = port};

	memcpy(e.ip, ip, sizeof(e.ip));
	return e;
}

static bool is_v6(const struct event_fd *fd)
{
	return fd->type == FD_IPV6 || fd->type == FD_IPV6_SERVER;
}

static struct str add_bytes(struct buf *b, const void *bytes, size_t n)
{
	size_t from = b->len;

	buf_add(b, str_make(bytes, n));
	return str_skip(buf_str(b), from);
}

/* The path is all that both ends of a unix socket share. */
static bool look_unix(struct topology_chisel *t, const struct event *ev, struct seen *ret)
{
	const struct event_sock *sock = &ev->fd.sock;
	bool is_server = sock->role == ROLE_SERVER;

	ret->is_path = true;
	ret->own = is_server;
	add_bytes(&t->key, "u", 1);
	add_bytes(&t->key, sock->unix_path.s, sock->unix_path.len);
	add_bytes(&t->key, "", 1);
	if (!is_server)
		buf_add(&t->key, buf_str(&t->label));
	return sock->unix_path.len > 0;
}

/*
 * Who is the server: sure for a socket that listened or connected while we looked. For one that is
 * older it is a guess: if no end is sure, the lower port serves.
 */
static bool look_inet(struct topology_chisel *t, const struct event *ev, struct seen *ret)
{
	const struct event_sock *sock = &ev->fd.sock;
	struct raw_end local = raw_end(sock->local, sock->local_port);
	struct raw_end remote = raw_end(sock->remote, sock->remote_port);
	int order = memcmp(&local, &remote, sizeof(local));

	ret->own = order > 0;
	ret->server = sock->role == ROLE_SERVER ? ret->own : !ret->own;
	ret->vote = sock->role == ROLE_NONE ? VOTE_GUESS : VOTE_SURE;
	add_bytes(&t->key, "i", 1);
	add_bytes(&t->key, &sock->l4proto, 1);
	add_bytes(&t->key, order > 0 ? &remote : &local, sizeof(local));
	add_bytes(&t->key, order > 0 ? &local : &remote, sizeof(local));
	return sock->has_remote; /* else it listens, or is not connected yet */
}

static struct str ip_text(struct topology_chisel *t, const uint8_t *ip, bool v6)
{
	struct buf b = BUF_INIT(64);

	ip_format(ip, v6, &b);
	struct str s = arena_str(&t->arena, buf_str(&b));
	buf_done(&b);
	return s;
}

static struct str proto_text(const struct event_sock *sock)
{
	switch (sock->l4proto) {
	case IPPROTO_TCP:
		return STR("tcp");
	case IPPROTO_UDP:
		return STR("udp");
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return STR("icmp");
	default:
		return STR("raw");
	}
}

static void describe(struct topology_chisel *t, const struct event *ev, const struct seen *seen,
	struct connection *c)
{
	const struct event_sock *sock = &ev->fd.sock;
	bool v6 = is_v6(&ev->fd);

	if (seen->is_path) {
		c->proto = STR("unix");
		c->path = arena_str(&t->arena, sock->unix_path);
		return;
	}
	c->proto = proto_text(sock);
	c->l4proto = sock->l4proto;
	c->ends[seen->own].ip = ip_text(t, sock->local, v6);
	c->ends[seen->own].port = sock->local_port;
	c->ends[!seen->own].ip = ip_text(t, sock->remote, v6);
	c->ends[!seen->own].port = sock->remote_port;
}

/* The connection of t->key, made when it is new; NULL when there is no room. */
static struct connection *connection_of(
	struct topology_chisel *t, const struct event *ev, const struct seen *seen)
{
	struct str key = buf_str(&t->key);
	uint64_t hash = str_hash(key);
	struct connection *c = table_find(&t->connections, hash, &key);

	if (c)
		return c;
	c = t->connections.count < CONNECTIONS_MAX ? arena_new(&t->arena, struct connection) : NULL;
	if (!c)
		return NULL;
	c->key = arena_str(&t->arena, key);
	describe(t, ev, seen, c);
	return c->key.s && table_put(&t->connections, hash, c) == 0 ? c : NULL;
}

static void count(struct topology_chisel *t, const struct event *ev, const struct seen *seen,
	struct connection *c)
{
	struct end *end = &c->ends[seen->own];
	int64_t res;

	if (!end->label.s)
		end->label = arena_str(&t->arena, buf_str(&t->label));
	c->ends[seen->server].votes += seen->vote;
	end->calls += ev->code != EV_PROCINFO; /* what is only there has not called */
	if (!event_result(ev, &res) || res <= 0)
		return;
	if (ev->def->category == EC_IO_WRITE)
		end->bytes_out += (uint64_t)res;
	else if (ev->def->category == EC_IO_READ)
		end->bytes_in += (uint64_t)res;
}

static bool is_inet(const struct event_fd *fd)
{
	return is_v6(fd) || fd->type == FD_IPV4 || fd->type == FD_IPV4_SERVER;
}

/* An event, or a descriptor that is there, which the filters have let pass. */
static void take(struct topology_chisel *t, const struct field_subject *s)
{
	struct field_ctx ctx = {s, &t->scratch};
	const struct event *ev = s->ev;
	struct seen seen = {.own = 0};
	struct connection *known;

	arena_reset(&t->scratch);
	buf_clear(&t->label);
	buf_clear(&t->key);
	if (!format_render_line(t->node, &ctx, false, &t->label) || !t->label.len)
		return;
	if (ev->fd.type == FD_UNIX ? !look_unix(t, ev, &seen)
				   : !is_inet(&ev->fd) || !look_inet(t, ev, &seen))
		return;
	known = connection_of(t, ev, &seen);
	if (known)
		count(t, ev, &seen, known);
	else
		t->lost++;
}

/* Of unix sockets that are older than the look it is not known who called. */
static void take_idle(const struct field_subject *s, void *arg)
{
	struct topology_chisel *t = arg;
	struct field_subject mine = *s;

	if (is_inet(&s->ev->fd) && event_filter_passes(t->filter, &mine) &&
		event_filter_passes(t->of_all, &mine))
		take(t, &mine);
}

static void look_around(struct chisel *c, uint64_t now_ns)
{
	struct topology_chisel *t = c->self;
	struct group_samples what = {.state = c->env->state};

	t->wants_idle = false;
	if (what.state)
		group_samples_take(&what, GROUP_FROM_DESCRIPTORS, now_ns, take_idle, t);
}

static int topology_event(struct chisel *c, struct field_subject *s, struct err *e)
{
	struct topology_chisel *t = c->self;

	if (t->wants_idle && s->ev->def && !(s->ev->def->flags & EF_META))
		look_around(c, s->ev->ts_ns);
	if (s->ev->has_fd && s->ev->def && event_filter_passes(t->filter, s))
		take(t, s);
	return 0;
}

/* ---- the end -------------------------------------------------------------------------------- */

static int topology_end(struct chisel *c, struct err *e)
{
	struct topology_chisel *t = c->self;
	struct topology_graph g = {
		.top = t->top, .lost = t->lost, .colour = c->env->colour && !t->file.no_colour};
	struct buf out = BUF_INIT(OUT_BYTES);

	if (t->wants_idle)
		look_around(c, 0);
	if (topology_graph_build(&t->connections, &c->env->style, &t->arena, &g) < 0)
		return err_set(e, ENOMEM, "topology: out of memory");
	if (c->env->json)
		topology_draw_json(&g, &out);
	else if (t->drawing == DRAW_DOT)
		topology_draw_dot(&g, &out);
	else
		topology_draw_tree(&g, &out);
	c->env->print(buf_str(&out), c->env->arg);
	buf_done(&out);
	return 0;
}

const struct chisel_ops chisel_ops_topology = {
	.kind = "topology",
	.open = topology_open,
	.event = topology_event,
	.end = topology_end,
	.close = topology_close,
};
