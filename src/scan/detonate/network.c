/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a detonation: a namespace that holds its loopback and nothing else. There is no
 * second interface, so there is nowhere for a packet to go; every address there is counts as local
 * (a local route of length zero, as for an AnyIP service), and an sk_lookup program gives every
 * port of them to the sinkhole (bpf/steer.bpf.c). Made by the warden, while nobody else is there.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "scan/detonate/private.h"
#include "steer.skel.h"

enum { BACKLOG = 1024, LO_INDEX = 1 };

/* ---- rtnetlink(7) -------------------------------------------------------------------------- */

struct request {
	struct nlmsghdr head;
	union {
		struct rtmsg route;
		struct ifaddrmsg address;
	};
	char attributes[128];
};

static void add_attribute(struct request *r, uint16_t type, const void *data, uint16_t size)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(size);
	memcpy(RTA_DATA(a), data, size);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

/* Sends it and waits for the kernel's answer. */
static int ask(int fd, struct request *r)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[512];
	} answer;

	r->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		return -errno;
	ssize_t n = recv(fd, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof(answer.error)) || answer.head.nlmsg_type != NLMSG_ERROR)
		return -EBADMSG;
	return answer.error.error;
}

static int add_address(int fd, int family, const char *text, uint8_t prefix)
{
	struct request r = {
		.head = {.nlmsg_type = RTM_NEWADDR, .nlmsg_len = NLMSG_LENGTH(sizeof(r.address))}};
	uint8_t ip[16];
	uint16_t size = family == AF_INET ? 4 : 16;

	r.address.ifa_family = (uint8_t)family;
	r.address.ifa_prefixlen = prefix;
	r.address.ifa_index = LO_INDEX;
	/* nobody else is there to hold the address too: no waiting for that (RFC 4862) */
	r.address.ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
	inet_pton(family, text, ip);
	add_attribute(&r, IFA_LOCAL, ip, size);
	add_attribute(&r, IFA_ADDRESS, ip, size);
	return ask(fd, &r);
}

/* Every address is this machine's; what is sent comes from the container's own. */
static int add_local_route(int fd, int family, const char *from)
{
	struct request r = {
		.head = {.nlmsg_type = RTM_NEWROUTE, .nlmsg_len = NLMSG_LENGTH(sizeof(r.route))}};
	uint32_t lo = LO_INDEX;
	uint8_t ip[16];

	r.route.rtm_family = (uint8_t)family;
	r.route.rtm_table = RT_TABLE_LOCAL;
	r.route.rtm_protocol = RTPROT_STATIC;
	r.route.rtm_scope = RT_SCOPE_HOST;
	r.route.rtm_type = RTN_LOCAL;
	inet_pton(family, from, ip);
	add_attribute(&r, RTA_OIF, &lo, sizeof(lo));
	add_attribute(&r, RTA_PREFSRC, ip, family == AF_INET ? 4 : 16);
	return ask(fd, &r);
}

static int bring_up(void)
{
	struct ifreq q = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &q) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

/* More than lo would be a way out that this file did not make. */
static int check_alone(struct err *e)
{
	struct if_nameindex *all = if_nameindex();
	char other[IF_NAMESIZE] = "";

	for (size_t i = 0; all && all[i].if_index; i++) {
		struct ifreq q = {0};
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		/* some kernels give every namespace tunnels of their own, which are down */
		snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", all[i].if_name);
		if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &q) < 0 || (q.ifr_flags & IFF_UP))
			if (strcmp(all[i].if_name, "lo") != 0)
				snprintf(other, sizeof(other), "%s", all[i].if_name);
		if (fd >= 0)
			close(fd);
	}
	bool has_list = all != NULL;
	if_freenameindex(all);
	if (!has_list || other[0])
		return err_set(e, EPERM,
			"the sandbox's network is not alone (interface '%s'): nothing is run",
			other);
	return 0;
}

static int write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int r = io_write_all(fd, str_of(text));
	close(fd);
	return r;
}

static int make_routes(bool *has_v6)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int r = fd < 0 ? -errno : bring_up();

	if (r == 0)
		r = add_address(fd, AF_INET, NET_OWN4, 24);
	if (r == 0)
		r = add_local_route(fd, AF_INET, NET_OWN4);
	*has_v6 = r == 0 && access("/proc/net/if_inet6", F_OK) == 0 &&
		  add_address(fd, AF_INET6, NET_OWN6, 64) == 0 &&
		  add_local_route(fd, AF_INET6, NET_OWN6) == 0;
	if (fd >= 0)
		close(fd);
	return r;
}

/* ---- sockets ------------------------------------------------------------------------------- */

static int open_socket(int family, int type, struct err *e)
{
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	socklen_t size =
		family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return err_set(e, errno, "cannot open a socket: %s", strerror(errno));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (type == SOCK_DGRAM && family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on));
	else if (type == SOCK_DGRAM)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, size) == 0 &&
		(type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	int code = errno;
	close(fd);
	return err_set(e, code, "cannot listen in the sandbox: %s", strerror(code));
}

static int open_sockets(int fds[SINK_SOCKETS], bool has_v6, struct err *e)
{
	for (int i = 0; i < SINK_SOCKETS; i++) {
		bool is_v6 = i == SINK_TCP6 || i == SINK_UDP6;
		bool is_tcp = i == SINK_TCP4 || i == SINK_TCP6;

		fds[i] = -1;
		if (is_v6 && !has_v6)
			continue;
		fds[i] = open_socket(
			is_v6 ? AF_INET6 : AF_INET, is_tcp ? SOCK_STREAM : SOCK_DGRAM, e);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static int fill_map(const struct steer_bpf *s, const int fds[SINK_SOCKETS])
{
	for (uint32_t i = 0; i < SINK_SOCKETS; i++) {
		uint64_t value = (uint64_t)fds[i];

		if (fds[i] >= 0 &&
			bpf_map_update_elem(bpf_map__fd(s->maps.sinks), &i, &value, 0) < 0)
			return -errno;
	}
	return 0;
}

static int attach(struct steer_bpf *s)
{
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (netns < 0)
		return -errno;
	s->links.steer = bpf_program__attach_netns(s->progs.steer, netns);
	int r = s->links.steer ? 0 : -errno;
	close(netns);
	return r;
}

/* The program works as long as *ret is there. */
static int steer(const int fds[SINK_SOCKETS], struct steer_bpf **ret, struct err *e)
{
	libbpf_print_fn_t before = libbpf_set_print(quiet);
	int r = (*ret = steer_bpf__open()) ? 0 : -errno;

	if (r == 0) {
		inet_pton(AF_INET, NET_OWN4, (void *)(uintptr_t) & (*ret)->rodata->own4);
		inet_pton(AF_INET6, NET_OWN6, (void *)(uintptr_t)(*ret)->rodata->own6);
		r = steer_bpf__load(*ret);
	}
	if (r == 0)
		r = fill_map(*ret, fds);
	if (r == 0)
		r = attach(*ret);
	libbpf_set_print(before);
	if (r == 0)
		return 0;
	return err_set(e, -r,
		"cannot steer the sandbox's connections into the sinkhole: %s (an sk_lookup "
		"program: Linux 5.9 or later)",
		strerror(-r));
}

int network_make(int fds[SINK_SOCKETS], struct steer_bpf **ret, struct err *e)
{
	bool has_v6 = false;
	int r = check_alone(e);

	if (r < 0)
		return r;
	/* no capability is needed in there to serve port 80 */
	(void)write_setting("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	(void)write_setting("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
	r = make_routes(&has_v6);
	if (r < 0)
		return err_set(e, -r, "cannot make the sandbox's routes: %s", strerror(-r));
	r = open_sockets(fds, has_v6, e);
	return r < 0 ? r : steer(fds, ret, e);
}
