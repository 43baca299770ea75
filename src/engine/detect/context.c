/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands around a match: who acted and who started them, the file, the connection, the
 * container. Made once an event, after a rule has matched, from state that is in memory anyway; it
 * looks nothing up in /proc. It judges nothing: the rules read the same things through fields.
 */
#include "engine/detect/private.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { CMDLINE_BYTES = 4096, ADDRESS_BYTES = 128, ARGS_BYTES = 8192 };

/* ---- processes ----------------------------------------------------------------------------- */

/* argv as one line, argv[0] as it was given. */
static struct str command_line(struct arena *a, const struct process *p)
{
	size_t len = p->exe.len + 1 + p->args.len;
	char *s = arena_raw(a, (len < CMDLINE_BYTES ? len : CMDLINE_BYTES) + 1);

	if (!s)
		return STR_NULL;
	size_t n = p->exe.len < CMDLINE_BYTES ? p->exe.len : CMDLINE_BYTES;
	if (n)
		memcpy(s, p->exe.s, n);
	if (!p->args.len || n == CMDLINE_BYTES)
		return str_make(s, n);
	s[n++] = ' ';
	for (size_t i = 0; i < p->args.len && n < CMDLINE_BYTES; i++)
		s[n++] = p->args.s[i] ? p->args.s[i] : ' ';
	return str_make(s, n);
}

static unsigned flags_of(const struct process *p)
{
	return (p->exe_upper_layer ? FINDING_UPPER_LAYER : 0) |
	       (p->exe_from_memfd ? FINDING_MEMFD : 0) | (p->exe_deleted ? FINDING_DELETED : 0) |
	       (p->exe_writable ? FINDING_WRITABLE : 0);
}

static void describe_process(struct detect *d, const struct field_subject *s,
	const struct process *p, struct finding_process *ret)
{
	const struct user *u = s->state ? state_user(s->state, p, p->uid) : NULL;

	*ret = (struct finding_process){
		.pid = p->pid,
		.vpid = p->vpid,
		.uid = p->uid,
		.loginuid = p->loginuid,
		.tty = p->tty,
		.start_ns = p->start_ns,
		.started_ns = p->start_epoch_ns,
		.flags = flags_of(p),
		.name = p->comm,
		.exe = p->exepath,
		.cmdline = command_line(&d->arena, p),
		.cwd = p->cwd,
		/* the cache may lose it when the next one is looked up */
		.user = u && u->name.len ? arena_str(&d->arena, u->name) : STR_NULL,
	};
}

static void describe_processes(
	struct detect *d, const struct field_subject *s, struct finding_context *c)
{
	struct finding_process *to =
		arena_array(&d->arena, struct finding_process, FINDING_PROCESSES_MAX);
	const struct process *p = s->proc;

	for (; to && p && p->pid && c->nprocesses < FINDING_PROCESSES_MAX; p = p->parent)
		describe_process(d, s, p, &to[c->nprocesses++]);
	c->processes = to;
}

/* ---- the connection ------------------------------------------------------------------------ */

static const char *protocol_name(const struct event_sock *s)
{
	switch (s->l4proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	case IPPROTO_RAW:
		return "raw";
	default:
		return s->type == SOCK_DGRAM ? "udp" : "tcp";
	}
}

/* "10.0.0.1:443", "[2001:db8::1]:443" */
static struct str address_text(struct arena *a, const uint8_t *ip, bool is_v6, uint16_t port)
{
	struct buf b = buf_fixed(arena_raw(a, ADDRESS_BYTES), ADDRESS_BYTES);

	if (is_v6)
		buf_add_char(&b, '[');
	ip_format(ip, is_v6, &b);
	buf_printf(&b, is_v6 ? "]:%u" : ":%u", port);
	return buf_str(&b);
}

static void describe_inet(
	struct arena *a, const struct event_fd *fd, bool is_v6, struct finding_connection *ret)
{
	const struct event_sock *s = &fd->sock;

	ret->proto = protocol_name(s);
	ret->domain = is_v6 ? "ipv6" : "ipv4";
	if (s->has_local)
		ret->local = address_text(a, s->local, is_v6, s->local_port);
	if (s->has_remote)
		ret->remote = address_text(a, s->remote, is_v6, s->remote_port);
}

static void describe_connection(
	struct arena *a, const struct event *ev, struct finding_connection *ret)
{
	const struct event_fd *fd = &ev->fd;
	static const char *const roles[] = {
		[ROLE_NONE] = NULL, [ROLE_CLIENT] = "client", [ROLE_SERVER] = "server"};

	if (!ev->has_fd)
		return;
	switch (fd->type) {
	case FD_IPV4:
	case FD_IPV4_SERVER:
		describe_inet(a, fd, false, ret);
		break;
	case FD_IPV6:
	case FD_IPV6_SERVER:
		describe_inet(a, fd, true, ret);
		break;
	case FD_UNIX:
		ret->proto = ret->domain = "unix";
		ret->remote = fd->sock.unix_path;
		break;
	default:
		return;
	}
	ret->role = fd->sock.role <= ROLE_SERVER ? roles[fd->sock.role] : NULL;
	if (fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER)
		ret->role = "server";
}

/* ---- the container ------------------------------------------------------------------------- */

void detect_describe_container(
	const struct container *c, struct arena *a, struct finding_container *ret)
{
	struct finding_mount *mounts =
		c->nmounts ? arena_array(a, struct finding_mount, c->nmounts) : NULL;

	*ret = (struct finding_container){
		.id = c->id,
		.full_id = c->full_id,
		.name = c->name,
		.image = c->image,
		.digest = c->image_digest,
		.engine = container_type_name(c->type),
		.pod = c->pod_name,
		.pod_ns = c->pod_ns,
		.pod_uid = c->pod_uid,
		.is_privileged = c->is_privileged,
		.host_network = c->host_network,
		.host_pid = c->host_pid,
		.mounts = mounts,
		.nmounts = mounts ? c->nmounts : 0,
	};
	for (size_t i = 0; i < ret->nmounts; i++)
		mounts[i] = (struct finding_mount){
			c->mounts[i].source, c->mounts[i].dest, c->mounts[i].is_rw};
}

/* ---- all of it ----------------------------------------------------------------------------- */

static struct str arguments(struct arena *a, const struct event *ev)
{
	struct buf b = buf_fixed(arena_raw(a, ARGS_BYTES), ARGS_BYTES);

	event_args_format(ev, &b);
	return buf_str(&b);
}

const struct finding_context *context_build(struct detect *d, const struct field_subject *s)
{
	const struct event *ev = s->ev;
	struct finding_context *c = arena_new(&d->arena, struct finding_context);
	struct finding_container *k =
		s->proc->container ? arena_new(&d->arena, struct finding_container) : NULL;

	if (!c)
		return NULL;
	*c = (struct finding_context){
		.event_type = event_type_name(ev),
		.event_args = arguments(&d->arena, ev),
		.cpu = ev->cpu,
		.file = {ev->path.name, ev->path.real, ev->path.known},
		.container = k,
	};
	c->has_result = event_result(ev, &c->result);
	describe_connection(&d->arena, ev, &c->connection);
	describe_processes(d, s, c);
	if (k)
		detect_describe_container(s->proc->container, &d->arena, k);
	return c;
}
