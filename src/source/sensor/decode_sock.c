/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of a record → the event's socket and its tuple and sockaddr parameters. The kernel's
 * struct sock is believed first; the caller's address only where there is no other (a datagram's
 * destination, a connect that failed).
 */
#include "source/sensor/decode.h"

#include <arpa/inet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static size_t address_size(uint16_t family)
{
	return family == AF_INET6 ? 16 : family == AF_INET ? 4 : 0;
}

enum { EPHEMERAL_PORT_MIN = 32768 /* net.ipv4.ip_local_port_range, as the kernel comes */ };

/*
 * Which end we are: what the call says; accepted sockets are servers; of the others a local port
 * that the kernel chose is a client's. For connections older than the sensor the guess is Falco's,
 * that the lower port is the server's.
 */
static enum sock_role role_of(uint16_t code, bool is_accepted, const struct event_sock *s)
{
	switch (code) {
	case EV_CONNECT:
		return ROLE_CLIENT;
	case EV_ACCEPT:
	case EV_ACCEPT4:
	case EV_LISTEN:
	case EV_BIND:
		return ROLE_SERVER;
	default:
		if (!s->has_remote || !s->has_local)
			return ROLE_NONE;
		if (is_accepted)
			return ROLE_SERVER;
		return s->local_port < EPHEMERAL_PORT_MIN && s->local_port < s->remote_port
			       ? ROLE_SERVER
			       : ROLE_CLIENT;
	}
}

void decode_socket(const struct record_view *v, struct event *ev)
{
	struct event_sock *s = &ev->fd.sock;
	struct fact_sock f;

	if (v->facts[FACT_SOCK].len != sizeof(f))
		return;
	memcpy(&f, v->facts[FACT_SOCK].s, sizeof(f));
	size_t n = address_size(f.family);
	s->family = f.family;
	s->type = f.type;
	s->l4proto = f.proto;
	s->local_port = f.lport;
	s->remote_port = f.rport;
	memcpy(s->local, f.laddr, n);
	memcpy(s->remote, f.raddr, n);
	s->has_local = n && (f.lport || !is_zero(f.laddr, n));
	/* a connect that failed leaves an address without a port behind */
	s->has_remote = n && f.rport;
	s->unix_local = f.sock;
	s->unix_peer = f.peer;
	s->unix_path = v->facts[FACT_UNIX];
	if (s->unix_path.len && s->unix_path.s[0])
		s->unix_path.len = strnlen(s->unix_path.s, s->unix_path.len);
	ev->fd.type = fd_type_of_family(s->family);
	ev->fd.connected = s->has_remote || f.peer;
	s->role = (uint8_t)role_of(ev->code, f.is_accepted, s);
}

/*
 * Of one message of a socket that is not connected: who sends asks, and who receives serves; but
 * what a port receives that the kernel chose, or one as high from a port of the system's, is the
 * answer.
 */
static enum sock_role role_of_message(const struct record_view *v, const struct event *ev)
{
	enum { SYSTEM_PORTS = 1024 };
	const struct event_sock *s = &ev->fd.sock;
	struct fact_sock f = {.is_bound = true};

	if (ev->code != EV_RECVFROM && ev->code != EV_RECVMSG)
		return ROLE_CLIENT;
	if (v->facts[FACT_SOCK].len == sizeof(f))
		memcpy(&f, v->facts[FACT_SOCK].s, sizeof(f));
	return !f.is_bound || (s->local_port >= EPHEMERAL_PORT_MIN && s->remote_port < SYSTEM_PORTS)
		       ? ROLE_CLIENT
		       : ROLE_SERVER;
}

/* A user sockaddr becomes the remote end, where the kernel knows of none. */
static void take_address(struct event_sock *s, struct str addr)
{
	uint16_t family;

	if (addr.len < 2)
		return;
	memcpy(&family, addr.s, 2);
	if (family == AF_INET && addr.len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in; /* in a record it lies anywhere */

		memcpy(&in, addr.s, sizeof(in));
		memcpy(s->remote, &in.sin_addr, 4);
		s->remote_port = ntohs(in.sin_port);
		s->has_remote = true;
	} else if (family == AF_INET6 && addr.len >= 24) {
		memcpy(s->remote, addr.s + 8, 16);
		memcpy(&s->remote_port, addr.s + 2, 2);
		s->remote_port = ntohs(s->remote_port);
		s->has_remote = true;
	} else if (family == AF_UNIX && addr.len > 2 && !s->unix_path.len) {
		struct str path = str_skip(addr, 2);

		if (path.s[0])
			path.len = strnlen(path.s, path.len);
		s->unix_path = path;
	} else {
		return;
	}
	if (!s->family)
		s->family = family;
}

static char *put(char *p, const void *data, size_t n)
{
	memcpy(p, data, n);
	return p + n;
}

/* .scap: family, source address and port, destination's; the client's end first. */
static struct str make_tuple(const struct event_sock *s, struct arena *a)
{
	size_t n = address_size(s->family);
	char *out = arena_raw(a, 64 + s->unix_path.len), *p = out;

	if (!out)
		return STR_NULL;
	*p++ = (char)s->family;
	if (s->family == AF_UNIX) {
		p = put(p, &s->unix_local, 8);
		p = put(p, &s->unix_peer, 8);
		if (s->unix_path.len)
			p = put(p, s->unix_path.s, s->unix_path.len);
		*p++ = 0;
		return str_make(out, (size_t)(p - out));
	}
	if (!n || (!s->has_local && !s->has_remote))
		return STR_NULL;
	bool is_server = s->role == ROLE_SERVER;
	const uint8_t *src = is_server ? s->remote : s->local,
		      *dst = is_server ? s->local : s->remote;
	uint16_t sport = is_server ? s->remote_port : s->local_port;
	uint16_t dport = is_server ? s->local_port : s->remote_port;

	p = put(p, src, n);
	p = put(p, &sport, 2);
	p = put(p, dst, n);
	p = put(p, &dport, 2);
	return str_make(out, (size_t)(p - out));
}

/* .scap: family, address, port in host order; or family and path. */
static struct str make_sockaddr(struct str addr, struct arena *a)
{
	struct event_sock s = {0};
	char *out = arena_raw(a, 160), *p = out;

	take_address(&s, addr);
	if (!out || !s.family)
		return STR_NULL;
	*p++ = (char)s.family;
	if (s.family == AF_UNIX) {
		if (s.unix_path.len)
			p = put(p, s.unix_path.s, s.unix_path.len < 128 ? s.unix_path.len : 128);
		*p++ = 0;
	} else {
		p = put(p, s.remote, address_size(s.family));
		p = put(p, &s.remote_port, 2);
	}
	return str_make(out, (size_t)(p - out));
}

void decode_addresses(
	const struct event_plan *ep, const struct record_view *v, struct arena *a, struct event *ev)
{
	struct event_sock *s = &ev->fd.sock;
	struct str user = v->facts[FACT_ADDR];

	for (unsigned i = 0; i < ev->nparams; i++) {
		if (ep->sources[i].kind != SRC_SOCKADDR || ep->slot[i] >= RECORD_READS_MAX)
			continue;
		ev->params[i] = make_sockaddr(v->reads[ep->slot[i]], a);
		if (ev->code == EV_CONNECT)
			user = v->reads[ep->slot[i]];
	}
	if (user.len && s->family && (!s->has_remote || s->family == AF_UNIX)) {
		take_address(s, user);
		s->role = (uint8_t)role_of_message(v, ev);
	}
	for (unsigned i = 0; i < ev->nparams; i++)
		if (ep->sources[i].kind == SRC_TUPLE && s->family)
			ev->params[i] = make_tuple(s, a);
}
