/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unpacker's process. It reads strangers' archives, so it is the root of a user namespace whose
 * users exist nowhere else, at home in the folder that it fills (chroot), in the cell. The warden
 * gives it its users, because only a root outside can.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cell.h"
#include "base/io.h"
#include "base/sanitized.h"
#include "scan/detonate/private.h"

enum { CPU_S = 500 };
#define ADDRESS_SPACE (4ULL << 30)

bool read_exactly(int fd, void *to, size_t n)
{
	for (char *p = to; n;) {
		ssize_t r = read(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static int go_home(const char *root, struct err *e)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(
			e, errno, "cannot become root of a user namespace: %s", strerror(errno));
	if (chroot(root) < 0 || chdir("/") < 0)
		return err_set(e, errno, "chroot: %s", strerror(errno));
	return 0;
}

static int confine(const char *root, struct err *e)
{
	const struct cell_options cell = {.write_dir = "/",
		.restores = true,
		.max_memory_bytes = IS_SANITIZED ? 0 : ADDRESS_SPACE,
		.max_cpu_s = CPU_S};
	int r = go_home(root, e);

	if (r == 0)
		r = cell_enter(&cell, e);
	umask(0);
	return r < 0 ? r : 0;
}

__attribute__((noreturn)) static void unpacker_run(
	const struct sandbox_plan *p, const char *root, int in, int out, int go)
{
	struct rootfs_answer answer = {0};
	struct err e = {0};
	char byte;

	prctl(PR_SET_NAME, "koban-unpack");
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* the warden writes the map once the namespace is there */
	if (!read_exactly(go, &byte, 1))
		_exit(1);
	close(go);
	if (confine(root, &e) < 0)
		snprintf(answer.error, sizeof(answer.error), "cannot confine the unpacker: %.500s",
			e.msg);
	else
		answer.ok = rootfs_unpack(p, in, &answer) == 0;
	if (!answer.ok && !answer.error[0])
		snprintf(answer.error, sizeof(answer.error), "the image cannot be unpacked");
	io_write_all(out, str_make((const char *)&answer, sizeof(answer)));
	_exit(0);
}

static int write_map(pid_t pid, const char *which)
{
	char path[64], map[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, which);
	snprintf(map, sizeof(map), "0 %d %d\n", HOST_UID_BASE, UID_COUNT);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = io_write_all(fd, str_of(map));
	close(fd);
	return r;
}

pid_t unpacker_start(const struct sandbox_plan *p, const char *root, int layers, int answers)
{
	int go[2], made[2];
	char byte = 0;

	if (chown(root, HOST_UID_BASE, HOST_UID_BASE) < 0 || pipe2(go, O_CLOEXEC) < 0 ||
		pipe2(made, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		const int kept_fds[] = {layers, answers, go[0], made[1]};

		close_all_but(kept_fds, 4);
		if (unshare(CLONE_NEWUSER) < 0 || io_write_all(made[1], str_make(&byte, 1)) < 0)
			_exit(1);
		close(made[1]);
		unpacker_run(p, root, layers, answers, go[0]);
	}
	close(made[1]);
	close(go[0]);
	int r = pid < 0 ? -errno : 0;
	if (r == 0 && !read_exactly(made[0], &byte, 1))
		r = -EPERM;
	if (r == 0)
		r = write_map(pid, "uid_map");
	if (r == 0)
		r = write_map(pid, "gid_map");
	if (r == 0)
		r = io_write_all(go[1], str_make(&byte, 1));
	close(made[0]);
	close(go[1]);
	return r < 0 ? r : pid;
}
