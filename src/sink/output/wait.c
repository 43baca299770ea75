/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a descriptor with a deadline, in a way that outputs_close() can end. Every sender
 * that could block on its peer waits here and nowhere else.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

int wait_fd(int fd, short events, int stop_fd, uint64_t deadline_ns)
{
	struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = stop_fd, .events = POLLIN}};

	for (;;) {
		uint64_t now = clock_boot_ns();
		uint64_t left_ms = deadline_ns > now ? (deadline_ns - now + 999999) / 1000000 : 0;
		int n = poll(p, 2, left_ms > 60000 ? 60000 : (int)left_ms);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && p[0].revents)
			return 0;
		if (n > 0)
			return -ECANCELED;
		if (left_ms == 0)
			return -ETIMEDOUT;
	}
}

int write_fd(int fd, struct str s, int stop_fd, uint64_t deadline_ns, size_t *ret_done)
{
	struct str rest = s;
	int r = 0;

	while (rest.len) {
		ssize_t n = write(fd, rest.s, rest.len);

		if (n >= 0) {
			rest = str_skip(rest, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN) {
			r = -errno;
			break;
		}
		if ((r = wait_fd(fd, POLLOUT, stop_fd, deadline_ns)) < 0)
			break;
	}
	if (ret_done)
		*ret_done = s.len - rest.len;
	return r;
}
