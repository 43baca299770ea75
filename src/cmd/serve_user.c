/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving root behind, and taking over sockets: the first steps of `koban serve`. */
#include "cmd/serve_user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cell.h"
#include "base/log.h"

enum { NOBODY = 65534, DIR_MODE = 0700, LISTEN_FDS_START = 3, LISTEN_FDS_MAX = 16 };

/* Parents as root's; the last one is the user's. */
static int make_dir(const char *path, uid_t uid, gid_t gid, struct err *e)
{
	char part[4096];

	if (!str_copy(str_of(path), part, sizeof(part)))
		return err_set(e, ENAMETOOLONG, "%s: too long", path);
	mode_t old = umask(022);
	for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(part, 0755);
		*slash = '/';
	}
	umask(old);
	if (mkdir(path, DIR_MODE) < 0 && errno != EEXIST)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	/* a link that somebody put there would give away what it leads to */
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, DIR_MODE) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r < 0 ? err_set(e, -r, "%s: %s", path, strerror(-r)) : 0;
}

int serve_become(void *arg, struct err *e)
{
	const struct serve_user *u = arg;
	uid_t uid = NOBODY;
	gid_t gid = NOBODY;

	if (geteuid() != 0)
		return 0;
	const struct passwd *p = getpwnam(u->name);
	if (p) {
		uid = p->pw_uid;
		gid = p->pw_gid;
	} else {
		log_info("there is no user '%s': the console runs as uid %d", u->name, NOBODY);
	}
	if (uid == 0)
		return err_set(e, EINVAL, "console.user: the console does not run as root");
	int r = make_dir(u->data_dir, uid, gid, e);
	if (r < 0)
		return r;
	if ((p ? initgroups(u->name, gid) : setgroups(0, NULL)) < 0 ||
		setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_set(e, errno, "cannot become %s: %s", u->name, strerror(errno));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return cell_keep_capabilities(NULL, 0, e);
}

static int take_socket(int fd, struct serve_sockets *ret, struct err *e)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return err_set(
			e, errno, "descriptor %d that was handed over: %s", fd, strerror(errno));
	int *slot = sa.ss_family == AF_UNIX ? &ret->ingest : &ret->http;
	if (*slot >= 0)
		return err_set(e, EINVAL,
			"more sockets were handed over than one for HTTP and one "
			"for records");
	*slot = fd;
	return 0;
}

int serve_take_sockets(struct serve_sockets *ret, struct err *e)
{
	struct str pid = str_of(getenv("LISTEN_PID")), count = str_of(getenv("LISTEN_FDS"));
	uint64_t who, n;

	*ret = (struct serve_sockets){-1, -1};
	if (!str_to_u64(pid, 10, &who) || who != (uint64_t)getpid() || !str_to_u64(count, 10, &n) ||
		n > LISTEN_FDS_MAX)
		return 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (uint64_t i = 0; i < n; i++) {
		int r = take_socket(LISTEN_FDS_START + (int)i, ret, e);

		if (r < 0)
			return r;
	}
	return 0;
}
