/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What events tell of sockets: both ends, which of them is the client, the path of a unix socket.
 * A capture says it with tuples, the sender of the data first: of a connect, an accept and of
 * datagrams. Which end is the local one follows from the call.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cursor.h"
#include "engine/state/private.h"

enum { EINPROGRESS_RESULT = -115, TYPE_MASK = 0xff, SOCK_CLOEXEC_KERNEL = 02000000 };

static bool is_inet(uint16_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static struct str until_nul(struct cursor *c)
{
	struct str s = cursor_str(c, cursor_left(c));

	/* an abstract path begins with a NUL */
	if (s.len > 1 && !s.s[0])
		return s.s[s.len - 1] ? s : str_head(s, s.len - 1);
	s.len = s.len ? strnlen(s.s, s.len) : 0;
	return s;
}

struct end {
	uint8_t ip[16];
	uint16_t port;
};

static struct end read_end(struct cursor *c, size_t size)
{
	struct end e = {.port = 0};
	const uint8_t *ip = cursor_take(c, size);

	if (ip)
		memcpy(e.ip, ip, size);
	e.port = cursor_u16(c);
	return e;
}

static void set_local(struct event_sock *s, const struct end *e)
{
	if (!e->port && is_zero(e->ip, 16))
		return;
	memcpy(s->local, e->ip, 16);
	s->local_port = e->port;
	s->has_local = true;
}

static void set_remote(struct event_sock *s, const struct end *e)
{
	if (!e->port && is_zero(e->ip, 16))
		return;
	memcpy(s->remote, e->ip, 16);
	s->remote_port = e->port;
	s->has_remote = true;
}

/*
 * A tuple into s, which keeps what the tuple lacks. The path of a unix socket goes to *path. False
 * for what is no tuple.
 */
static bool take_tuple(struct event_sock *s, struct str raw, bool is_inbound, struct str *path)
{
	struct cursor c = cursor_of(raw.s, raw.len);
	uint8_t family = cursor_u8(&c);

	if (family == AF_UNIX) {
		uint64_t source = cursor_u64(&c), dest = cursor_u64(&c);

		if (c.bad)
			return false;
		s->family = family;
		s->unix_local = is_inbound ? dest : source;
		s->unix_peer = is_inbound ? source : dest;
		*path = until_nul(&c);
		return true;
	}
	if (!is_inet(family))
		return false;
	struct end from = read_end(&c, family == AF_INET6 ? 16 : 4);
	struct end to = read_end(&c, family == AF_INET6 ? 16 : 4);

	if (c.bad)
		return false;
	s->family = family;
	set_local(s, is_inbound ? &to : &from);
	set_remote(s, is_inbound ? &from : &to);
	return true;
}

/* An address: of the remote end, or of the local one. */
static bool take_address(struct event_sock *s, struct str raw, bool is_local, struct str *path)
{
	struct cursor c = cursor_of(raw.s, raw.len);
	uint8_t family = cursor_u8(&c);

	if (family == AF_UNIX) {
		s->family = family;
		*path = until_nul(&c);
		return !c.bad;
	}
	if (!is_inet(family))
		return false;
	struct end e = read_end(&c, family == AF_INET6 ? 16 : 4);

	if (c.bad)
		return false;
	s->family = family;
	if (is_local)
		set_local(s, &e);
	else
		set_remote(s, &e);
	return true;
}

/* The socket's new facts into the table, made there when it was not known, and into the event. */
static void update(
	struct doing *d, int64_t num, struct desc *desc, struct event_fd *fd, struct str name)
{
	const struct event_sock *s = &fd->sock;

	fd->type = fd_type_of_family(s->family);
	fd->connected = s->has_remote || s->unix_peer;
	if (!desc) {
		desc = fd_put(d->s, d->row, num, fd, name, d->ev->ts_ns);
		show_fd(d, num, desc);
		return;
	}
	bool is_changed = memcmp(desc->d.fd.sock.local, s->local, 16) != 0 ||
			  memcmp(desc->d.fd.sock.remote, s->remote, 16) != 0 ||
			  desc->d.fd.sock.local_port != s->local_port ||
			  desc->d.fd.sock.remote_port != s->remote_port ||
			  (name.len && !str_eq(desc->d.name, name));

	desc->d.fd = *fd;
	fd_rename(d->s, desc, name.len ? name : desc->d.name);
	show_fd(d, num, desc);
	if (!d->is_live)
		d->ev->fd.name_changed = is_changed;
}

static uint8_t protocol(uint16_t family, uint8_t type, uint64_t proto)
{
	if (proto || !is_inet(family))
		return (uint8_t)proto;
	return type == SOCK_STREAM ? IPPROTO_TCP : type == SOCK_DGRAM ? IPPROTO_UDP : 0;
}

/* domain, type, proto, flags */
static void did_socket(struct doing *d)
{
	uint64_t domain = 0, type = 0, proto = 0, flags = 0;

	if (d->res < 0)
		return;
	did_u64(d, 0, &domain);
	did_u64(d, 1, &type);
	did_u64(d, 2, &proto);
	did_u64(d, 3, &flags);
	struct event_fd fd = {
		.type = fd_type_of_family((uint16_t)domain),
		.flags = (uint32_t)flags | (type & SOCK_CLOEXEC_KERNEL ? FD_O_CLOEXEC : 0),
		.sock = {.family = (uint16_t)domain, .type = type & TYPE_MASK},
	};

	fd.sock.l4proto = protocol(fd.sock.family, fd.sock.type, proto);
	show_fd(d, d->res, fd_put(d->s, d->row, d->res, &fd, STR_NULL, d->ev->ts_ns));
}

/* fd1, fd2, source, peer, type */
static void did_socketpair(struct doing *d)
{
	struct event_fd fd = {.type = FD_UNIX, .connected = true, .sock = {.family = AF_UNIX}};
	uint64_t source = 0, peer = 0, type = 0;
	int64_t fd1, fd2;

	if (d->res < 0 || !did_s64(d, 0, &fd1) || !did_s64(d, 1, &fd2) || fd1 == fd2)
		return;
	did_u64(d, 2, &source);
	did_u64(d, 3, &peer);
	did_u64(d, 4, &type);
	fd.sock.type = type & TYPE_MASK;
	fd.flags = type & SOCK_CLOEXEC_KERNEL ? FD_O_CLOEXEC : 0;
	fd.sock.unix_local = source;
	fd.sock.unix_peer = peer;
	fd_put(d->s, d->row, fd1, &fd, STR_NULL, d->ev->ts_ns);
	fd.sock.unix_local = peer;
	fd.sock.unix_peer = source;
	show_fd(d, fd2, fd_put(d->s, d->row, fd2, &fd, STR_NULL, d->ev->ts_ns));
}

/* tuple, flags */
static void did_accept(struct doing *d)
{
	struct event_fd fd = {.type = FD_UNKNOWN};
	struct str path = STR_NULL;
	uint64_t flags = 0;

	if (d->res < 0)
		return;
	did_u64(d, 1, &flags);
	fd.flags = flags & FD_O_CLOEXEC || flags & SOCK_CLOEXEC_KERNEL ? FD_O_CLOEXEC : 0;
	fd.sock.role = ROLE_SERVER;
	if (!take_tuple(&fd.sock, did_raw(d, 0), true, &path)) {
		desc_unref(d->s, fd_take(d->s, d->row, d->res));
		return;
	}
	fd.sock.type = is_inet(fd.sock.family) ? SOCK_STREAM : 0;
	fd.sock.l4proto = is_inet(fd.sock.family) ? IPPROTO_TCP : 0;
	update(d, d->res, NULL, &fd, path);
}

/* What was asked of a connect that failed; the socket itself stays as it was. */
static void show_attempt(struct doing *d, struct str tuple, struct str address)
{
	struct event_fd *fd = &d->ev->fd;
	struct str path = STR_NULL;

	if (d->is_live || fd->type == FD_UNKNOWN)
		return;
	if (address.len ? !take_address(&fd->sock, address, false, &path)
			: !take_tuple(&fd->sock, tuple, false, &path))
		return;
	if (path.len)
		fd->sock.unix_path = path;
	if (fd->sock.role == ROLE_NONE)
		fd->sock.role = ROLE_CLIENT;
}

/* fd, tuple, addr */
static void did_connect(struct doing *d)
{
	struct event_fd fd = {.type = FD_UNKNOWN};
	struct str path = STR_NULL, tuple = did_raw(d, 1), address = did_raw(d, 2);
	struct desc *desc;
	int64_t num;

	if (!did_s64(d, 0, &num))
		return;
	desc = fd_find(d->row, num);
	if (d->res < 0 && d->res != EINPROGRESS_RESULT) {
		show_attempt(d, tuple, address);
		return;
	}
	if (desc)
		fd = desc->d.fd;
	/* connect(AF_UNSPEC) and its like leave nothing to tell */
	if (!take_tuple(&fd.sock, tuple, false, &path) &&
		!take_address(&fd.sock, address, false, &path))
		return;
	if (fd.sock.role == ROLE_NONE)
		fd.sock.role = ROLE_CLIENT;
	if (!path.len && fd.sock.family == AF_UNIX && address.len)
		take_address(&fd.sock, address, false, &path);
	update(d, num, desc, &fd, path);
}

/* fd, addr */
static void did_bind(struct doing *d)
{
	struct event_fd fd = {.type = FD_UNKNOWN};
	struct str path = STR_NULL;
	struct desc *desc;
	int64_t num;

	if (d->res < 0 || !did_s64(d, 0, &num))
		return;
	desc = fd_find(d->row, num);
	if (desc)
		fd = desc->d.fd;
	if (!take_address(&fd.sock, did_raw(d, 1), true, &path))
		return;
	/* with port 0 it is a client that chose its address */
	if (fd.sock.local_port || fd.sock.family == AF_UNIX)
		fd.sock.role = ROLE_SERVER;
	update(d, num, desc, &fd, path);
}

static void did_listen(struct doing *d)
{
	struct desc *desc;
	int64_t num;

	if (d->res < 0 || !did_s64(d, 0, &num) || !(desc = fd_find(d->row, num)))
		return;
	desc->d.fd.sock.role = ROLE_SERVER;
	show_fd(d, num, desc);
}

/*
 * fd, tuple: of send and recv and their kin. A stream keeps the ends that it was connected with;
 * a datagram may go to another each time. Who is which was settled when the socket was bound or
 * connected; else who speaks first is the client.
 */
static void did_transfer(struct doing *d)
{
	struct str path = STR_NULL, tuple = did_raw(d, 1);
	struct event_fd fd = {.type = FD_UNKNOWN};
	struct desc *desc;
	int64_t num;

	if (d->res < 0 || !tuple.len || !did_s64(d, 0, &num))
		return;
	desc = fd_find(d->row, num);
	if (desc && desc->d.fd.sock.l4proto == IPPROTO_TCP && desc->d.fd.sock.has_remote)
		return;
	if (desc && desc->d.fd.type == FD_UNIX && desc->d.fd.connected)
		return;
	if (desc)
		fd = desc->d.fd;
	if (!take_tuple(&fd.sock, tuple, d->about->is_read, &path))
		return;
	if (fd.sock.role == ROLE_NONE && is_inet(fd.sock.family))
		fd.sock.role = !desc && d->about->is_read ? ROLE_SERVER : ROLE_CLIENT;
	update(d, num, desc, &fd, path);
}

/*
 * Descriptors that came with a message (SCM_RIGHTS): which files they are is the sender's secret,
 * but what had their numbers is there no more. What a live one is shows at its first use.
 */
static void did_receive(struct doing *d)
{
	struct str control = did_raw(d, 2);
	struct cursor c = cursor_of(control.s, control.len);

	did_transfer(d);
	while (d->res >= 0 && cursor_left(&c) >= 16) {
		uint64_t len = cursor_u64(&c);
		uint32_t level = cursor_u32(&c), type = cursor_u32(&c);
		size_t n = len > 16 && len - 16 <= cursor_left(&c) ? (size_t)len - 16 : 0;
		bool is_rights = level == SOL_SOCKET && type == SCM_RIGHTS;

		if (!n)
			return;
		for (size_t i = 0; is_rights && i + 4 <= n; i += 4)
			desc_unref(d->s, fd_take(d->s, d->row, (int32_t)cursor_u32(&c)));
		/* up to the next one, which is aligned to eight bytes */
		size_t rest = (is_rights ? n % 4 : n) + (-n & 7);

		cursor_take(&c, rest < cursor_left(&c) ? rest : cursor_left(&c));
	}
}

const struct did_row did_sock_rows[] = {
	{"socket", did_socket, 0, {"domain", "type", "proto", "flags"}},
	{"socketpair", did_socketpair, 0, {"fd1", "fd2", "source", "peer", "type"}},
	{"accept", did_accept, 0, {"tuple", NULL}},
	{"accept4", did_accept, 0, {"tuple", "flags"}},
	{"connect", did_connect, 0, {"fd", "tuple", "addr"}},
	{"bind", did_bind, 0, {"fd", "addr"}},
	{"listen", did_listen, 0, {"fd"}},
	{"send", did_transfer, 0, {"fd", "tuple"}},
	{"sendto", did_transfer, 0, {"fd", "tuple"}},
	{"sendmsg", did_transfer, 0, {"fd", "tuple"}},
	{"sendmmsg", did_transfer, 0, {"fd", "tuple"}},
	{"recv", did_transfer, 0, {"fd", "tuple"}},
	{"recvfrom", did_transfer, 0, {"fd", "tuple"}},
	{"recvmsg", did_receive, 0, {"fd", "tuple", "msgcontrol"}},
	{"recvmmsg", did_receive, 0, {"fd", "tuple", "msgcontrol"}},
	{NULL, NULL, 0, {NULL}},
};
