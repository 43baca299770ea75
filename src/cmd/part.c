/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part between fork and exec, and its first step after: it takes its descriptors, gives up what
 * it does not need, becomes who it is to be, and ties its life to the supervisor's. One thread, so
 * all of libc may be used.
 */
#include "cmd/part.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"

enum {
	LISTEN_FDS_START = 3,
	KEEP_FROM = 64, /* descriptors are moved up here before they get their numbers */
};
static const char supervisor_name[] = "KOBAN_SUPERVISOR";

static _Noreturn void give_up(const char *name, const char *what)
{
	log_error("the %s cannot start: %s: %s", name, what, strerror(errno));
	_exit(PART_UNUSABLE);
}

/* All capabilities, also those that an exec could bring back. */
static void drop_capabilities(const struct part *p)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			give_up(p->name, "capabilities");
}

static void become(const struct part *p)
{
	if (!p->is_unprivileged)
		return;
	drop_capabilities(p);
	if ((p->user ? initgroups(p->user, p->gid) : setgroups(0, NULL)) < 0 ||
		setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
		give_up(p->name, "user");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up(p->name, "no new privileges");
}

/* Each to its number, from copies that lie above all of these numbers. */
static void place_fds(const struct part *p, int ready_fd)
{
	int copies[PART_FDS], extra = -1;
	char names[128] = "", count[16], pid[16];

	for (unsigned i = 0; i < p->nfds; i++)
		if ((copies[i] = fcntl(p->fds[i], F_DUPFD_CLOEXEC, KEEP_FROM)) < 0)
			give_up(p->name, "sockets");
	if (p->extra_fd >= 0 && (extra = fcntl(p->extra_fd, F_DUPFD_CLOEXEC, KEEP_FROM)) < 0)
		give_up(p->name, "pipe");
	if (ready_fd >= 0 && (ready_fd = fcntl(ready_fd, F_DUPFD_CLOEXEC, KEEP_FROM)) < 0)
		give_up(p->name, "pipe");
	for (unsigned i = 0; i < p->nfds; i++) {
		if (dup2(copies[i], LISTEN_FDS_START + (int)i) < 0)
			give_up(p->name, "sockets");
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ":" : "",
			p->fd_names[i]);
	}
	if ((extra >= 0 && dup2(extra, p->extra_at) < 0) ||
		(ready_fd >= 0 && dup2(ready_fd, p->ready_at) < 0))
		give_up(p->name, "pipe");
	if (!p->nfds)
		return;
	snprintf(count, sizeof(count), "%u", p->nfds);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

static void leave_terminal(const struct part *p)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (p->is_foreground)
		return;
	/* Ctrl-C is the supervisor's, who ends the parts in their order */
	setpgid(0, 0);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		give_up(p->name, "standard input");
}

/*
 * By its path, so that process lists show a name; by the link where the path cannot be reached (a
 * build folder in a home) or names another file by now.
 */
static void exec_self(const struct part *p)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n > 0) {
		path[n] = 0;
		execv(path, (char *const *)p->argv);
	}
	execv("/proc/self/exe", (char *const *)p->argv);
	give_up(p->name, "exec");
}

_Noreturn void part_run(const struct part *p, pid_t parent, int ready_fd, const sigset_t *signals)
{
	char text[16];

	leave_terminal(p);
	place_fds(p, ready_fd);
	become(p);
	snprintf(text, sizeof(text), "%d", parent);
	setenv(supervisor_name, text, 1);
	sigprocmask(SIG_SETMASK, signals, NULL);
	exec_self(p);
	_exit(PART_UNUSABLE);
}

void supervise_join(void)
{
	const char *text = getenv(supervisor_name);
	uint64_t pid;

	if (!text)
		return;
	bool is_pid = str_to_u64(str_of(text), 10, &pid);
	unsetenv(supervisor_name); /* of this process alone */
	if (!is_pid || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || (uint64_t)getppid() != pid)
		_exit(0); /* it has ended already */
}
