/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fd.* fields of a socket's ends. Client and server follow from who connected, local and remote
 * from the socket itself. fd.ip, fd.port, fd.proto and fd.net have no side: they compare with both
 * ends, true when either fits, and for != when neither is equal. The names of addresses are those
 * that rules ask for (names.c); nothing here waits for a name server.
 */
#include <netinet/in.h>

#include "engine/field/names.h"
#include "engine/field/private.h"

enum end { END_CLIENT, END_SERVER, END_LOCAL, END_REMOTE };

struct end_addr {
	struct ip_addr ip;
	uint16_t port;
};

static bool is_server_socket(const struct event_fd *fd)
{
	return fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER;
}

static struct ip_addr ip_of(const struct event_fd *fd, const uint8_t *bytes)
{
	struct ip_addr ip = {.is_v6 = fd->type == FD_IPV6 || fd->type == FD_IPV6_SERVER};

	memcpy(ip.bytes, bytes, ip.is_v6 ? 16 : 4);
	return ip;
}

static const struct event_fd *inet_fd(const struct field_ctx *ctx)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && field_fd_is_inet(fd) ? fd : NULL;
}

static bool client_or_server(const struct event_fd *fd, enum end end, struct end_addr *ret)
{
	struct sock_ends e = event_sock_ends(&fd->sock);
	bool is_client = end == END_CLIENT;
	const uint8_t *ip = is_client ? e.client_ip : e.server_ip;

	if (!(is_client ? e.has_client : e.has_server) || !ip)
		return false;
	ret->ip = ip_of(fd, ip);
	ret->port = is_client ? e.client_port : e.server_port;
	return true;
}

/* One end; a listening socket has a server's end only, which is local. */
static bool find_end(const struct field_ctx *ctx, enum end end, struct end_addr *ret)
{
	const struct event_fd *fd = inet_fd(ctx);

	if (!fd)
		return false;
	if (is_server_socket(fd)) {
		if (end == END_CLIENT || end == END_REMOTE)
			return false;
		end = END_LOCAL;
	}
	switch (end) {
	case END_LOCAL:
		*ret = (struct end_addr){ip_of(fd, fd->sock.local), fd->sock.local_port};
		return fd->sock.has_local;
	case END_REMOTE:
		*ret = (struct end_addr){ip_of(fd, fd->sock.remote), fd->sock.remote_port};
		return fd->sock.has_remote;
	default:
		return client_or_server(fd, end, ret);
	}
}

static bool give_ip(struct value *ret, const struct ip_addr *ip)
{
	*ret = (struct value){.type = VT_IP, .ip = *ip};
	return true;
}

static bool give_port(struct value *ret, uint16_t port)
{
	*ret = (struct value){.type = VT_PORT, .u = port};
	return true;
}

/* A number, unless whoever prints has read /etc/services: that is nothing for the event path. */
static bool give_port_text(const struct field_ctx *ctx, uint16_t port, struct value *ret)
{
	const struct field_subject *s = subject_of(ctx);
	const char *name = s->style.service_of ? s->style.service_of(s->style.services, port,
							 event_of(ctx)->fd.sock.l4proto)
					       : NULL;
	struct buf b = field_buf(ctx, 8);

	if (name)
		return give_str(ret, str_of(name));
	buf_add_u64(&b, port);
	return give_str(ret, buf_str(&b));
}

/* ip, port, port as text, and host name of each end */
#define END_GETTERS(x, END)                                                                        \
	GET(get_##x##ip)                                                                           \
	{                                                                                          \
		struct end_addr a;                                                                 \
		return find_end(ctx, END, &a) && give_ip(ret, &a.ip);                              \
	}                                                                                          \
	GET(get_##x##port)                                                                         \
	{                                                                                          \
		struct end_addr a;                                                                 \
		return find_end(ctx, END, &a) && give_port(ret, a.port);                           \
	}                                                                                          \
	GET(get_##x##proto)                                                                        \
	{                                                                                          \
		struct end_addr a;                                                                 \
		return find_end(ctx, END, &a) && give_port_text(ctx, a.port, ret);                 \
	}                                                                                          \
	GET(get_##x##ip_name)                                                                      \
	{                                                                                          \
		return give_host(ctx, END, ret);                                                   \
	}                                                                                          \
	static bool compare_##x##ip_name(const struct field_ctx *ctx, const struct field_arg *arg, \
		const struct comparison *c)                                                        \
	{                                                                                          \
		return compare_host(ctx, END, c);                                                  \
	}

static bool give_host(const struct field_ctx *ctx, enum end end, struct value *ret)
{
	const struct field_names *names = subject_of(ctx)->names;
	struct end_addr a;
	struct str host;

	return names && find_end(ctx, end, &a) && field_names_host(names, &a.ip, &host) &&
	       give_str(ret, host);
}

/*
 * =, != and in ask whether the address is one of those that the rule's names resolve to; as long as
 * none of the names is resolved the answer is false for all of them, as for any missing value.
 * Other operators compare the name as a string.
 */
static bool compare_host(const struct field_ctx *ctx, enum end end, const struct comparison *c)
{
	const struct field_names *names = subject_of(ctx)->names;
	enum cmp_op op = comparison_op(c);
	bool is_known = false, is_match = false;
	struct end_addr a;
	struct value v;
	size_t n;

	if (op != OP_EQ && op != OP_NE && op != OP_IN)
		return give_host(ctx, end, &v) && comparison_holds(c, &v);
	if (!names || !find_end(ctx, end, &a))
		return false;
	const struct str *hosts = comparison_texts(c, &n);

	for (size_t i = 0; i < n && !is_match; i++) {
		int r = field_names_has(names, hosts[i], &a.ip);

		is_known |= r >= 0;
		is_match = r > 0;
	}
	return is_known && (op == OP_NE ? !is_match : is_match);
}

END_GETTERS(c, END_CLIENT)
END_GETTERS(s, END_SERVER)
END_GETTERS(l, END_LOCAL)
END_GETTERS(r, END_REMOTE)

/* ---- fields of both ends -------------------------------------------------------------------- */

/*
 * != wants both, every other operator either. An end that is not known counts as address 0.0.0.0 or
 * port 0, as in Falco.
 */
static bool holds_for_ends(const struct comparison *c, const struct value ends[2], unsigned n)
{
	bool all = comparison_op(c) == OP_NE;

	for (unsigned i = 0; i < n; i++)
		if (comparison_holds(c, &ends[i]) != all)
			return !all;
	return all;
}

static bool compare_ip(
	const struct field_ctx *ctx, const struct field_arg *arg, const struct comparison *c)
{
	const struct event_fd *fd = inet_fd(ctx);
	struct value ends[2];

	if (!fd)
		return false;
	ends[0] = (struct value){.type = VT_IP, .ip = ip_of(fd, fd->sock.local)};
	ends[1] = (struct value){.type = VT_IP, .ip = ip_of(fd, fd->sock.remote)};
	return holds_for_ends(c, ends, is_server_socket(fd) ? 1 : 2);
}

static bool compare_port(
	const struct field_ctx *ctx, const struct field_arg *arg, const struct comparison *c)
{
	const struct event_fd *fd = inet_fd(ctx);
	struct value ends[2];

	if (!fd)
		return false;
	give_port(&ends[0], fd->sock.local_port);
	give_port(&ends[1], fd->sock.remote_port);
	return holds_for_ends(c, ends, is_server_socket(fd) ? 1 : 2);
}

/* `fd.ip exists` and its like: true for any event with an open descriptor, socket or not. */
static bool has_any_fd(const struct field_ctx *ctx, const struct field_arg *arg)
{
	return field_open_fd(event_of(ctx)) != NULL;
}

/* ---- the rest of a socket ------------------------------------------------------------------- */

GET(get_l4proto)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	if (!fd)
		return false;
	switch (field_fd_is_inet(fd) ? fd->sock.l4proto : 0) {
	case IPPROTO_TCP:
		return give_str(ret, STR("tcp"));
	case IPPROTO_UDP:
		return give_str(ret, STR("udp"));
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return give_str(ret, STR("icmp"));
	case IPPROTO_RAW:
		return give_str(ret, STR("raw"));
	default:
		return give_str(ret, STR("<NA>"));
	}
}

GET(get_is_server)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_bool(ret, is_server_socket(fd) ||
					    (field_fd_is_inet(fd) && fd->sock.role == ROLE_SERVER));
}

#define BOTH_OPS (OP_BIT(OP_EQ) | OP_BIT(OP_NE) | OP_BIT(OP_IN) | OP_BIT(OP_EXISTS))
#define PORT_OPS (BOTH_OPS | OP_BIT(OP_LT) | OP_BIT(OP_LE) | OP_BIT(OP_GT) | OP_BIT(OP_GE))
#define NAME_DOC                                                                                   \
	" The names that rules mention are resolved beside the event path; until one is, and "     \
	"where there is no name server, the field is missing."

static const struct field_def fields[] = {
	{"fd.ip", VT_IP, FILTER_ONLY,
		"Either end's address: = and in are true when one end fits, != when neither is "
		"equal. Example: fd.ip = 1.2.3.4.",
		NULL, .compare = compare_ip, .exists = has_any_fd, .ops = BOTH_OPS},
	{"fd.cip", VT_IP, 0, "Address of the client, the end that connected.", get_cip},
	{"fd.sip", VT_IP, 0, "Address of the server, the end that was connected to.", get_sip},
	{"fd.lip", VT_IP, 0, "Address of the end on this host.", get_lip},
	{"fd.rip", VT_IP, 0, "Address of the far end.", get_rip},
	{"fd.port", VT_PORT, FILTER_ONLY,
		"Either end's port: true when one end fits, != when neither is equal. Example: "
		"fd.port in (22, 2222).",
		NULL, .compare = compare_port, .exists = has_any_fd, .ops = PORT_OPS},
	{"fd.cport", VT_PORT, 0, "Port of the client.", get_cport},
	{"fd.sport", VT_PORT, 0, "Port of the server: fd.sport = 443.", get_sport},
	{"fd.lport", VT_PORT, 0, "Port of the end on this host.", get_lport},
	{"fd.rport", VT_PORT, 0, "Port of the far end.", get_rport},
	{"fd.l4proto", VT_STR, 0, "tcp, udp, icmp or raw; <NA> for what is none of them.",
		get_l4proto},
	{"fd.is_server", VT_BOOL, 0,
		"True when this host's end is the server: it listened, or was connected to.",
		get_is_server},
	{"fd.proto", VT_PORT, FILTER_ONLY,
		"Either end's port, as fd.port; here for rules that use the old name.", NULL,
		.compare = compare_port, .exists = has_any_fd, .ops = PORT_OPS},
	{"fd.cproto", VT_STR, 0, "Port of the client as text.", get_cproto},
	{"fd.sproto", VT_STR, 0, "Port of the server as text.", get_sproto},
	{"fd.lproto", VT_STR, 0, "Port of the end on this host as text.", get_lproto},
	{"fd.rproto", VT_STR, 0, "Port of the far end as text.", get_rproto},
	{"fd.net", VT_NET, FILTER_ONLY,
		"Either end's address against networks: fd.net in (10.0.0.0/8, fd00::/8). != is "
		"true "
		"when neither end is in it, and for an address of the other IP version.",
		NULL, .compare = compare_ip, .exists = has_any_fd, .ops = BOTH_OPS},
	{"fd.cnet", VT_NET, FILTER_ONLY, "The client's address against networks.", get_cip},
	{"fd.snet", VT_NET, FILTER_ONLY, "The server's address against networks.", get_sip},
	{"fd.lnet", VT_NET, FILTER_ONLY, "The address on this host against networks.", get_lip},
	{"fd.rnet", VT_NET, FILTER_ONLY, "The far end's address against networks.", get_rip},
	{"fd.cip.name", VT_STR, OWN_COMPARE,
		"Host name of the client's address: fd.cip.name = example.org." NAME_DOC,
		get_cip_name, .compare = compare_cip_name},
	{"fd.sip.name", VT_STR, OWN_COMPARE,
		"Host name of the server's address: fd.sip.name in (pool.example.org)." NAME_DOC,
		get_sip_name, .compare = compare_sip_name},
	{"fd.lip.name", VT_STR, OWN_COMPARE, "Host name of the address on this host." NAME_DOC,
		get_lip_name, .compare = compare_lip_name},
	{"fd.rip.name", VT_STR, OWN_COMPARE, "Host name of the far end's address." NAME_DOC,
		get_rip_name, .compare = compare_rip_name},
};

const struct field_class field_class_fd_sock = {
	.name = "fd",
	.desc = "The socket that the event is about: addresses, ports, protocol.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
