/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: which end is which, and how addresses are printed. Falco's forms: no brackets around
 * IPv6, IPv4-mapped addresses as IPv4 when both ends are, ports as
 * numbers unless the style names services. The addresses of
 * parameters (.scap's sockaddr and tuple) are read here as well.
 */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/cursor.h"
#include "model/event/param.h"

static const uint8_t no_ip[16];

enum fd_type fd_type_of_family(uint16_t family)
{
	switch (family) {
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
		return FD_OTHER;
	}
}

struct sock_ends event_sock_ends(const struct event_sock *s)
{
	struct sock_ends e = {0};
	bool local_is_server = s->role == ROLE_SERVER || (s->role == ROLE_NONE && !s->has_remote);

	if (local_is_server) {
		e.has_server = s->has_local;
		e.has_client = s->has_remote;
	} else {
		e.has_client = s->has_local;
		e.has_server = s->has_remote;
	}
	if (e.has_client) {
		e.client_ip = local_is_server ? s->remote : s->local;
		e.client_port = local_is_server ? s->remote_port : s->local_port;
	}
	if (e.has_server) {
		e.server_ip = local_is_server ? s->local : s->remote;
		e.server_port = local_is_server ? s->local_port : s->remote_port;
	}
	return e;
}

void ip_format(const uint8_t *ip, bool is_v6, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(is_v6 ? AF_INET6 : AF_INET, ip, text, sizeof(text)))
		buf_add_cstr(out, text);
}

static bool is_mapped(const uint8_t *ip)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

/* How ports are written. */
struct ports {
	const struct event_style *style; /* NULL = as numbers */
	uint8_t l4proto;
};

static void add_port(uint16_t port, const struct ports *ports, struct buf *out)
{
	const struct event_style *st = ports->style;
	const char *name =
		st && st->service_of ? st->service_of(st->services, port, ports->l4proto) : NULL;

	if (name)
		buf_add_cstr(out, name);
	else
		buf_add_u64(out, port);
}

static void add_end(
	const uint8_t *ip, uint16_t port, bool is_v6, const struct ports *ports, struct buf *out)
{
	ip_format(ip, is_v6, out);
	buf_add_char(out, ':');
	add_port(port, ports, out);
}

/* from and to: 4 or 16 bytes. */
static void add_pair(const uint8_t *from, uint16_t from_port, const uint8_t *to, uint16_t to_port,
	bool is_v6, const struct ports *ports, struct buf *out)
{
	if (is_v6 && is_mapped(from) && is_mapped(to)) {
		is_v6 = false;
		from += 12;
		to += 12;
	}
	add_end(from, from_port, is_v6, ports, out);
	buf_add_cstr(out, "->");
	add_end(to, to_port, is_v6, ports, out);
}

static void add_inet_name(
	const struct event_sock *s, bool is_v6, const struct event_style *style, struct buf *out)
{
	struct sock_ends e = event_sock_ends(s);
	struct ports ports = {style, s->l4proto};

	if (!s->has_local && !s->has_remote)
		return;
	if (!s->has_remote) { /* bound or listening: one end only */
		add_end(s->local, s->local_port, is_v6, &ports, out);
		return;
	}
	add_pair(e.client_ip ? e.client_ip : no_ip, e.client_port,
		e.server_ip ? e.server_ip : no_ip, e.server_port, is_v6, &ports, out);
}

void fd_name_format(const struct event_fd *fd, struct str path, const struct event_style *style,
	struct buf *out)
{
	switch (fd->type) {
	case FD_IPV4:
	case FD_IPV4_SERVER:
		add_inet_name(&fd->sock, false, style, out);
		break;
	case FD_IPV6:
	case FD_IPV6_SERVER:
		add_inet_name(&fd->sock, true, style, out);
		break;
	case FD_UNIX:
		buf_add(out, fd->sock.unix_path.len ? fd->sock.unix_path : path);
		break;
	case FD_DIRECTORY: /* of unlinkat and its kin the path is another one, below the folder */
		buf_add(out, fd->other_name.len ? fd->other_name : path);
		break;
	default:
		buf_add(out, path.len ? path : fd->other_name);
		break;
	}
}

void event_fd_name_format_as(
	const struct event *ev, struct str path, const struct event_style *style, struct buf *out)
{
	fd_name_format(&ev->fd, path, style, out);
}

void event_fd_name_format(const struct event *ev, struct str path, struct buf *out)
{
	event_fd_name_format_as(ev, path, NULL, out);
}

static const char *invalid_text(uint8_t family)
{
	switch (family) {
	case AF_UNIX:
		return "INVALID PATH";
	case AF_INET:
		return "INVALID IPv4";
	case AF_INET6:
		return "INVALID IPv6";
	default:
		return "INVALID SOCKADDR";
	}
}

void sockaddr_format(
	struct str raw, const struct event_style *style, uint8_t l4proto, struct buf *out)
{
	struct cursor c = cursor_of(raw.s, raw.len);
	uint8_t family = cursor_u8(&c);

	if (family == AF_UNIX) {
		buf_add(out, param_until_nul(cursor_str(&c, cursor_left(&c))));
		return;
	}
	if (family != AF_INET && family != AF_INET6) {
		buf_printf(out, "family %u", family);
		return;
	}
	const uint8_t *ip = cursor_take(&c, family == AF_INET6 ? 16 : 4);
	uint16_t port = cursor_u16(&c);

	if (c.bad)
		buf_add_cstr(out, invalid_text(family));
	else
		add_end(ip, port, family == AF_INET6, &(struct ports){style, l4proto}, out);
}

static void add_unix_tuple(struct cursor *c, struct buf *out)
{
	uint64_t source = cursor_u64(c), dest = cursor_u64(c);
	struct str path = param_until_nul(cursor_str(c, cursor_left(c)));

	if (c->bad) {
		buf_add_cstr(out, invalid_text(AF_UNIX));
		return;
	}
	buf_printf(out, "%llx->%llx ", (unsigned long long)source, (unsigned long long)dest);
	buf_add(out, path);
}

void socktuple_format(
	struct str raw, const struct event_style *style, uint8_t l4proto, struct buf *out)
{
	struct cursor c = cursor_of(raw.s, raw.len);
	uint8_t family = cursor_u8(&c);

	if (family == AF_UNIX) {
		add_unix_tuple(&c, out);
		return;
	}
	if (family != AF_INET && family != AF_INET6) {
		buf_printf(out, "family %u", family);
		return;
	}
	size_t size = family == AF_INET6 ? 16 : 4;
	const uint8_t *from = cursor_take(&c, size);
	uint16_t from_port = cursor_u16(&c);
	const uint8_t *to = cursor_take(&c, size);
	uint16_t to_port = cursor_u16(&c);

	if (c.bad)
		buf_add_cstr(out, invalid_text(family));
	else
		add_pair(from, from_port, to, to_port, family == AF_INET6,
			&(struct ports){style, l4proto}, out);
}

struct str event_fd_path(const struct event *ev)
{
	struct str path = ev->path.real.len ? ev->path.real : ev->path.name;

	if (ev->fd.type == FD_UNIX)
		return ev->fd.sock.unix_path;
	/* a FIFO of a folder goes by its path, one of pipe() has none */
	return ev->fd.other_name.len && !(ev->fd.type == FD_FIFO && path.len) ? ev->fd.other_name
									      : path;
}
