/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders, sockets and a lock, made as root in places where others may write: no step follows a
 * link, and nothing that is there is taken for what it should be.
 */
#include "cmd/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "face/console/console.h"

enum { USUAL_PORT = 8766, PORTS_TRIED = 10, BACKLOG = 128, PATH_BYTES = 4096 };

/* ---- folders ------------------------------------------------------------------------------- */

static int make_parents(const char *path, struct err *e)
{
	char part[PATH_BYTES];
	size_t len = strlen(path);

	if (!len || path[0] != '/' || len >= sizeof(part))
		return err_set(e, EINVAL, "'%s' must be an absolute path", path);
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_set(
				e, errno, "cannot make the folder %s: %s", part, strerror(errno));
	}
	return 0;
}

int place_dir(const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *e)
{
	int r = make_parents(path, e);

	if (r < 0)
		return r;
	bool is_new = mkdir(path, mode) == 0;
	if (!is_new && errno != EEXIST)
		return err_set(e, errno, "cannot make the folder %s: %s", path, strerror(errno));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, errno, "%s is no folder: %s", path, strerror(errno));
	/* the mask may have taken bits away */
	if (is_new && (fchmod(fd, mode) < 0 || fchown(fd, uid, gid) < 0))
		r = err_set(e, errno, "%s: %s", path, strerror(errno));
	close(fd);
	return r;
}

static uid_t new_uid;
static gid_t new_gid;

/* Links are changed, not followed; a file with a second name may be somebody else's. */
static int give(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && st->st_nlink > 1)
		return 0;
	return lchown(path, new_uid, new_gid) < 0 && errno != ENOENT ? -1 : 0;
}

int place_owner(const char *path, uid_t uid, gid_t gid, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	if (st.st_uid == uid)
		return 0;
	new_uid = uid;
	new_gid = gid;
	if (nftw(path, give, 16, FTW_PHYS | FTW_DEPTH) < 0)
		return err_set(e, errno, "cannot give %s to user %u: %s", path, (unsigned)uid,
			strerror(errno));
	return 0;
}

int place_lock(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return err_set(e, EBUSY,
		"another koban up runs here (%s); stop it, or give this one a --run-dir and a "
		"--data-dir of its own",
		path);
}

/* ---- sockets ------------------------------------------------------------------------------- */

int place_unix_socket(const char *path, mode_t mode, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct stat st;

	if (!str_copy(str_of(path), sa.sun_path, sizeof(sa.sun_path)))
		return err_set(e, ENAMETOOLONG, "%s: too long for a socket", path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, errno, "cannot make a socket: %s", strerror(errno));
	mode_t before = umask(0777 & ~mode);
	int r = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(before);
	if (r == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = errno;
	close(fd);
	return err_set(e, r, "%s: cannot listen: %s", path, strerror(r));
}

/* The descriptor or -errno. */
static int listen_on(const struct sockaddr_storage *sa, socklen_t len)
{
	int one = 1, fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)sa, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int r = -errno;
	close(fd);
	return r;
}

static int listen_usual(struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t len;
	char text[16];
	int r = -EADDRINUSE;

	for (int port = USUAL_PORT; port <= USUAL_PORT + PORTS_TRIED && r == -EADDRINUSE; port++) {
		snprintf(text, sizeof(text), "%d", port);
		console_address_parse(str_of(text), &sa, &len);
		r = listen_on(&sa, len);
		if (r >= 0 && port != USUAL_PORT)
			log_info("port %d is taken; the console listens on %d", USUAL_PORT, port);
	}
	return r < 0 ? err_set(e, -r, "no free port from %d to %d; choose one with --listen",
			       USUAL_PORT, USUAL_PORT + PORTS_TRIED)
		     : r;
}

int place_tcp_socket(const char *address, struct err *e)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (!address)
		return listen_usual(e);
	if (!console_address_parse(str_of(address), &sa, &len))
		return err_set(e, EINVAL,
			"'%s' is no address to listen on; write 127.0.0.1:%d or [::1]:%d", address,
			USUAL_PORT, USUAL_PORT);
	int r = listen_on(&sa, len);
	return r < 0 ? err_set(e, -r, "cannot listen on %s: %s%s", address, strerror(-r),
			       r == -EADDRINUSE ? "; choose another address with --listen" : "")
		     : r;
}
