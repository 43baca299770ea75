/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a listen address, and what kind of address a socket has. */
#include "face/console/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "face/console/console.h"
#include "face/console/url.h"

enum { BACKLOG = 128 };

bool console_address_parse(struct str text, struct sockaddr_storage *ret, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	char name[INET6_ADDRSTRLEN];
	struct str host = STR("127.0.0.1"), digits = text;
	ptrdiff_t colon = str_rfind_char(text, ':');
	uint64_t port;

	*ret = (struct sockaddr_storage){0};
	if (colon >= 0) {
		host = str_head(text, (size_t)colon);
		digits = str_skip(text, (size_t)colon + 1);
	}
	if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
		host = str_make(host.s + 1, host.len - 2);
	if (str_is(host, "localhost"))
		host = STR("127.0.0.1");
	if (!str_to_u64(digits, 10, &port) || port > UINT16_MAX ||
		!str_copy(host, name, sizeof(name)))
		return false;
	if (inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*len = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, name, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*len = sizeof(*v6);
		return true;
	}
	return false;
}

static int open_socket(const char *text, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int one = 1;

	if (!console_address_parse(str_of(text), &sa, &len))
		return err_set(e, EINVAL,
			"'%s' is no address to listen on; write 127.0.0.1:%d or "
			"[::1]:%d",
			text, CONSOLE_PORT, CONSOLE_PORT);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, errno, "cannot make a socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, BACKLOG) < 0) {
		int problem = errno;

		close(fd);
		return err_set(e, problem, "cannot listen on %s: %s%s", text, strerror(problem),
			problem == EADDRINUSE ? "; choose another with --listen" : "");
	}
	return fd;
}

static int describe(int fd, struct listen_address *ret, struct err *e)
{
	struct sockaddr_storage sa = {0};
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&sa;
	socklen_t len = sizeof(sa);
	char name[INET6_ADDRSTRLEN];

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return err_set(e, errno, "the socket that was handed over: %s", strerror(errno));
	*ret = (struct listen_address){.fd = fd};
	if (sa.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, name, sizeof(name));
		snprintf(ret->name, sizeof(ret->name), "%s", name);
		ret->port = ntohs(v4->sin_port);
	} else if (sa.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, name, sizeof(name));
		snprintf(ret->name, sizeof(ret->name), "[%s]", name);
		ret->port = ntohs(v6->sin6_port);
	} else {
		return err_set(e, EINVAL, "the socket that was handed over is no TCP socket");
	}
	ret->is_loopback = host_is_loopback(str_of(name));
	return 0;
}

int listen_open(const char *text, int fd, struct listen_address *ret, struct err *e)
{
	char otherwise[32];
	bool is_given = fd >= 0;

	snprintf(otherwise, sizeof(otherwise), "127.0.0.1:%d", CONSOLE_PORT);
	if (!is_given)
		fd = open_socket(text ? text : otherwise, e);
	if (fd < 0)
		return fd;
	int r = describe(fd, ret, e);
	if (r < 0 && !is_given)
		close(fd);
	return r;
}
