/* SPDX-License-Identifier: Apache-2.0 */
/* The two things that every helper process does. */
#include "face/console/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool helper_read(int fd, void *p, size_t n)
{
	char *at = p;

	while (n) {
		ssize_t got = read(fd, at, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

int helper_keep_only(int fd)
{
	enum { KEPT = 3 };

	if (fd != KEPT && dup2(fd, KEPT) < 0)
		_exit(1);
	close_range(KEPT + 1, ~0U, 0);
	fcntl(KEPT, F_SETFD, FD_CLOEXEC);
	return KEPT;
}
