/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the event of a rule test happened to: paths, a descriptor, both ends of a socket. What can
 * be told from the rest (the type of a descriptor from its address) need not be written.
 */
#include <errno.h>
#include <sys/socket.h>

#include "cmd/ruletest_private.h"

SETTER(event_path, name, test_get_text, name)
SETTER(event_path, real, test_get_text, real)
SETTER(event_path, known, test_get_text, known)
SETTER(event_path, raw, test_get_text, raw)

static const struct key path_keys[] = {{"name", set_event_path_name}, {"real", set_event_path_real},
	{"known", set_event_path_known}, {"raw", set_event_path_raw}};

int test_build_path(struct builder *b, const struct yaml_node *map, struct event_path *ret)
{
	return READ(b, map, path_keys, ret);
}

static int set_sock_local(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event_sock *s = row;

	s->has_local = true;
	return test_get_end(b, n, &s->family, s->local, &s->local_port);
}

static int set_sock_remote(struct builder *b, const struct yaml_node *n, void *row)
{
	struct event_sock *s = row;

	s->has_remote = true;
	return test_get_end(b, n, &s->family, s->remote, &s->remote_port);
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
	else if (test_get_number(b, n, &v) < 0)
		return test_bad(b, n, "expected tcp, udp, icmp or a number");
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
		return test_bad(b, n, "expected client, server or none");
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
	return test_bad(b, n, "expected ipv4, ipv6, unix, netlink or packet");
}

SETTER(event_sock, path, test_get_text, unix_path)

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
	return test_bad(b, n,
		"'%.*s' is no descriptor type: file, directory, ipv4, ipv6, unix, pipe …",
		STR_ARG(str_head(n->text, 60)));
}

static int set_fd_num(struct builder *b, const struct yaml_node *n, void *row)
{
	return test_get_number(b, n, &((struct event *)row)->fd.num);
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

SETTER(event, fd_name, test_get_text, path.name)
SETTER(event, fd_real, test_get_text, path.real)
SETTER(event, fd_known, test_get_text, path.known)
SETTER(event, fd_raw, test_get_text, path.raw)
SETTER(event, fd_connected, test_get_bool, fd.connected)
SETTER(event, fd_name_changed, test_get_bool, fd.name_changed)

static const struct key fd_keys[] = {{"name", set_event_fd_name}, {"real", set_event_fd_real},
	{"known", set_event_fd_known}, {"raw", set_event_fd_raw}, {"type", set_fd_type},
	{"num", set_fd_num}, {"sock", set_fd_sock}, {"connected", set_event_fd_connected},
	{"name_changed", set_event_fd_name_changed}};

int test_build_fd(struct builder *b, const struct yaml_node *map)
{
	struct event *ev = &b->t->ev;
	int e = READ(b, map, fd_keys, ev);

	if (e < 0)
		return e;
	ev->has_fd = true;
	if (ev->fd.num == INT64_MIN)
		ev->fd.num = 3;
	if (ev->fd.type == FD_UNKNOWN)
		ev->fd.type = ev->fd.sock.family ? fd_type_of_family(ev->fd.sock.family) : FD_FILE;
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
