/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a child of koban that starts the sandbox and outlives it. When koban goes, however it
 * goes, the keeper kills the warden, with which the kernel kills everything in its pid namespace,
 * and clears away what has a name on the machine: cgroups and the bundle's folder. When the keeper
 * itself is killed, the warden dies with it, and the next run sweeps up. It runs nothing of the
 * image and reads nothing of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scan/detonate/private.h"

enum {
	END_MS = 5000, /* for the warden to end by itself */
	SWEEP_MAX = 1000,
};

int note_send(int fd, enum note_kind kind, int value, const char *text)
{
	struct note n = {.kind = kind, .value = value};

	snprintf(n.text, sizeof(n.text), "%s", text ? text : "");
	return send(fd, &n, sizeof(n), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int note_receive(int fd, int timeout_ms, struct note *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r = poll(&p, 1, timeout_ms);

	if (r <= 0)
		return r < 0 && errno != EINTR ? -errno : 0;
	ssize_t n = recv(fd, ret, sizeof(*ret), MSG_DONTWAIT);
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0
		       : errno == ECONNRESET             ? -EPIPE
							 : -errno;
	if (n != sizeof(*ret))
		return -EBADMSG;
	ret->text[sizeof(ret->text) - 1] = 0;
	return 1;
}

/* ---- clearing away ------------------------------------------------------------------------- */

/* The bundle's folder holds config.json, the lock and empty folders to mount on. */
static void remove_dir(const char *dir)
{
	static const char *const inside[] = {
		"config.json", "lock", "image", "changes", "root", "state"};
	char path[PATH_LEN + 32];

	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, inside[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
	rmdir(dir);
}

static bool is_id(const char *s)
{
	return strlen(s) == ID_LEN && strspn(s, "0123456789abcdef") == ID_LEN;
}

/* Of a run whose keeper is gone: nobody holds its lock any more. */
static void sweep_one(const char *scratch, const char *id)
{
	char path[PATH_LEN], name[40];

	snprintf(path, sizeof(path), "%s/%s/lock", scratch, id);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return;
	}
	snprintf(name, sizeof(name), "koban-detonate-%.12s", id);
	cgroup_remove(name);
	snprintf(path, sizeof(path), "%s/%s", scratch, id);
	remove_dir(path);
	if (fd >= 0)
		close(fd);
}

/* Between making a run's folder and locking it, nobody may sweep. The descriptor, or -errno. */
static int lock_scratch(const char *scratch)
{
	char path[PATH_LEN + 32];

	snprintf(path, sizeof(path), "%s/.lock", scratch);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			close(fd);
			return -EIO;
		}
	return fd;
}

void sandbox_sweep(const char *scratch)
{
	int lock = lock_scratch(scratch);
	DIR *d = lock >= 0 ? opendir(scratch) : NULL;
	const struct dirent *one;

	for (int i = 0; d && i < SWEEP_MAX && (one = readdir(d)); i++)
		if (is_id(one->d_name))
			sweep_one(scratch, one->d_name);
	if (d)
		closedir(d);
	if (lock >= 0)
		close(lock);
}

/* ---- the keeper's process ------------------------------------------------------------------ */

static int make_locked_dir(const struct sandbox_plan *p, int *ret_lock, struct err *e)
{
	static const char *const inside[] = {"image", "changes", "root", "state"};
	char path[PATH_LEN + 32];

	if (mkdir(p->dir, 0711) < 0)
		return err_set(e, errno, "%s: %s", p->dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/lock", p->dir);
	*ret_lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret_lock < 0 || flock(*ret_lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->dir, inside[i]);
		if (mkdir(path, 0711) < 0)
			return err_set(e, errno, "%s: %s", path, strerror(errno));
	}
	return 0;
}

static int make_dir(const struct sandbox_plan *p, int *ret_lock, struct err *e)
{
	char scratch[PATH_LEN];

	str_copy(str_make(p->dir, strlen(p->dir) - ID_LEN - 1), scratch, sizeof(scratch));
	int all = lock_scratch(scratch);
	if (all < 0)
		return err_set(e, -all, "%s/.lock: %s", scratch, strerror(-all));
	int r = make_locked_dir(p, ret_lock, e);
	close(all);
	return r;
}

static void die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static int unshare_all(void)
{
	const int flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

	return unshare(flags) < 0 ? -errno : 0;
}

static volatile sig_atomic_t asked_to_end;

static void on_end(int sig)
{
	(void)sig;
	asked_to_end = 1;
}

/* Until the warden ends by itself, koban is gone, or koban says so (SIGTERM). */
static void wait_for_an_end(int koban, int warden)
{
	struct pollfd p[2] = {{.fd = koban, .events = POLLIN}, {.fd = warden, .events = POLLIN}};

	while (!asked_to_end) {
		/* a signal between the look and poll() is noticed at the next second */
		int r = poll(p, 2, 1000);

		if (r > 0 && (p[0].revents || p[1].revents))
			return;
	}
}

static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void catch_signals(void)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
	struct sigaction act = {.sa_handler = on_end};
	sigset_t none;

	sigaction(SIGTERM, &act, NULL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Makes what has a name on the machine: from here on, it is the keeper's to remove. */
static int make_names(const struct sandbox_plan *p, struct err *e)
{
	int lock = -1; /* held as long as the keeper lives */
	int r = make_dir(p, &lock, e);

	return r < 0 ? r : cgroup_make(p, e);
}

/* Its pid, or -errno. */
static pid_t start_warden(const struct sandbox_plan *p, const struct warden_fds *fds, struct err *e)
{
	int r = make_names(p, e);

	if (r < 0)
		return r;
	if ((r = unshare_all()) < 0)
		return err_set(e, -r, "cannot make namespaces of its own (pid, net, ipc, uts): %s",
			strerror(-r));
	pid_t warden = fork();
	if (warden == 0) {
		const int kept[] = {fds->notes, fds->layers, fds->sink_log, fds->output};

		die_with_parent();
		close_all_but(kept, 4);
		warden_run(p, fds);
	}
	return warden > 0 ? warden
			  : err_set(e, errno, "cannot start a process: %s", strerror(errno));
}

__attribute__((noreturn)) static void keep(
	const struct sandbox_plan *p, const struct warden_fds *fds, pid_t koban)
{
	int koban_fd = pidfd_of(koban), warden_fd = -1;
	struct err e = {0};

	setsid();
	catch_signals();
	prctl(PR_SET_NAME, "koban-keeper");
	/* before anything is made: koban may be gone already */
	if (koban_fd < 0 || getppid() != koban)
		_exit(1);
	pid_t warden = start_warden(p, fds, &e);
	if (warden > 0 && (warden_fd = pidfd_of(warden)) < 0)
		err_set(&e, errno, "pidfd_open: %s (Linux 5.3 or later)", strerror(errno));
	if (warden_fd < 0)
		note_send(fds->notes, NOTE_FAILED, 0, e.msg);
	else
		wait_for_an_end(koban_fd, warden_fd);
	if (warden > 0) {
		kill(warden, SIGKILL);
		waitpid(warden, NULL, 0);
	}
	cgroup_remove(p->name);
	remove_dir(p->dir);
	_exit(0);
}

/* ---- koban's side -------------------------------------------------------------------------- */

struct ends {
	int notes[2], layers[2], sink_log[2], output[2];
};

static int make_ends(struct ends *x)
{
	*x = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, x->notes) < 0 ||
		/* a socket, because writing to one that nobody reads need not end koban */
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, x->layers) < 0 ||
		pipe2(x->sink_log, O_CLOEXEC) < 0 || pipe2(x->output, O_CLOEXEC) < 0)
		return -errno;
	/* to be opened again as /dev/stdout by the container's root */
	if (fchown(x->output[1], HOST_UID_BASE, HOST_UID_BASE) < 0)
		return -errno;
	fcntl(x->sink_log[0], F_SETFL, O_NONBLOCK);
	fcntl(x->output[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_pair(int *pair)
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static void close_ends(struct ends *x)
{
	close_pair(x->notes);
	close_pair(x->layers);
	close_pair(x->sink_log);
	close_pair(x->output);
}

void close_all_but(const int *keep_fds, size_t n)
{
	for (unsigned fd = 3; fd < 65536;) {
		bool keeps = false;
		unsigned next = UINT32_MAX;

		for (size_t i = 0; i < n; i++) {
			keeps |= (unsigned)keep_fds[i] == fd;
			if (keep_fds[i] >= 0 && (unsigned)keep_fds[i] > fd &&
				(unsigned)keep_fds[i] < next)
				next = (unsigned)keep_fds[i];
		}
		if (keeps) {
			fd++;
			continue;
		}
		close_range(fd, next == UINT32_MAX ? next : next - 1, 0);
		if (next == UINT32_MAX)
			return;
		fd = next;
	}
}

int sandbox_start(const struct sandbox_plan *p, struct sandbox *ret, struct err *e)
{
	struct ends x;
	int r = make_ends(&x);
	pid_t me = getpid(), keeper = -1;

	*ret = (struct sandbox){0, -1, -1, -1, -1};
	if (r < 0)
		r = err_set(e, -r, "cannot make pipes: %s", strerror(-r));
	else if ((keeper = fork()) < 0)
		r = err_set(e, errno, "cannot start a process: %s", strerror(errno));
	if (keeper == 0) {
		struct warden_fds fds = {x.notes[1], x.layers[0], x.sink_log[1], x.output[1]};
		const int kept[] = {fds.notes, fds.layers, fds.sink_log, fds.output};

		close_all_but(kept, 4);
		keep(p, &fds, me);
	}
	if (r < 0) {
		close_ends(&x);
		return r;
	}
	close(x.notes[1]);
	close(x.layers[0]);
	close(x.sink_log[1]);
	close(x.output[1]);
	*ret = (struct sandbox){keeper, x.notes[0], x.layers[1], x.sink_log[0], x.output[0]};
	return 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void sandbox_end(struct sandbox *s)
{
	if (s->keeper > 0) {
		int fd = pidfd_of(s->keeper);
		struct pollfd p = {.fd = fd, .events = POLLIN};

		/* the warden ends when nobody is at the other end */
		close_one(&s->notes);
		close_one(&s->layers);
		if (fd < 0 || poll(&p, 1, END_MS) <= 0)
			kill(s->keeper, SIGTERM);
		waitpid(s->keeper, NULL, 0);
		if (fd >= 0)
			close(fd);
	}
	s->keeper = 0;
	close_one(&s->notes);
	close_one(&s->layers);
	close_one(&s->sink_log);
	close_one(&s->output);
}
