/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The warden: the first process of the sandbox's pid namespace, with mounts, network, host name and
 * IPC of its own. It makes the file system, the network and the container, in this order, and then
 * waits. It is root, so it reads nothing that the image wrote: the unpacker and the sinkhole do,
 * each in a process of its own that has given up its rights.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "scan/detonate/private.h"

enum {
	UNPACK_S = 600,
	RUNTIME_S = 60,
	GRACE_S = 10,       /* koban ends the run; this much later the warden does */
	START_WAIT_S = 120, /* for koban to be ready to watch */
	RUNTIME_TEXT = 2000,
	FILES_MAX = 1024, /* open descriptors of a process of the container */
	INODES = 1 << 20,
};

struct warden {
	const struct sandbox_plan *plan;
	struct warden_fds fds;
	int signals;
	pid_t sink, container;
	struct steer_bpf *steer; /* the network's, until the end */
	bool has_ended;
	int status;
};

__attribute__((noreturn)) static void give_up(const struct warden *w, const char *why)
{
	note_send(w->fds.notes, NOTE_FAILED, 0, why);
	_exit(1);
}

__attribute__((noreturn, format(printf, 2, 3))) static void fail(
	const struct warden *w, const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	give_up(w, text);
}

/* ---- mounts -------------------------------------------------------------------------------- */

static void path_of(const struct warden *w, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", w->plan->dir, name);
}

static void mount_tmpfs(const struct warden *w, const char *name, uint64_t size)
{
	char path[PATH_LEN + 32], options[200];

	path_of(w, name, path, sizeof(path));
	snprintf(options, sizeof(options), "size=%llu,nr_inodes=%d,mode=0755",
		(unsigned long long)size, INODES);
	if (mount("tmpfs", path, "tmpfs", MS_NODEV | MS_NOSUID, options) < 0)
		fail(w, "cannot mount a file system in memory: %s", strerror(errno));
}

static void make_mounts(const struct warden *w)
{
	/* not the keeper's: it must still see the machine's when all this is gone */
	if (unshare(CLONE_NEWNS) < 0)
		fail(w, "cannot make a mount namespace: %s", strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail(w, "cannot make mounts private: %s", strerror(errno));
	if (mount("proc", "/proc", "proc", MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL) < 0)
		fail(w, "cannot mount /proc of the sandbox: %s", strerror(errno));
	/* crun refuses machines that have both versions of cgroups mounted; nobody but it is here
	 */
	if (w->plan->is_crun)
		(void)umount2("/sys/fs/cgroup/unified", MNT_DETACH);
	mount_tmpfs(w, "image", w->plan->max_disk_bytes);
	mount_tmpfs(w, "changes", w->plan->max_disk_bytes);
}

static void make_changes_dir(const struct warden *w, const char *path)
{
	if (mkdir(path, 0755) < 0 || chown(path, HOST_UID_BASE, HOST_UID_BASE) < 0)
		fail(w, "%s: %s", path, strerror(errno));
}

/*
 * What the container changes lies above the image, so that the sensor can tell one from the other.
 * The container can read the names of the folders in its mount table: they say nothing.
 */
static void make_root(const struct warden *w)
{
	if (chdir(w->plan->dir) < 0)
		fail(w, "%s: %s", w->plan->dir, strerror(errno));
	make_changes_dir(w, "changes/upper");
	make_changes_dir(w, "changes/work");
	if (mount("overlay", "root", "overlay", MS_NODEV | MS_NOSUID,
		    "lowerdir=image,upperdir=changes/upper,workdir=changes/work") < 0)
		fail(w, "cannot mount an overlay: %s (the kernel needs overlayfs)",
			strerror(errno));
	if (chdir("/") < 0)
		fail(w, "/: %s", strerror(errno));
}

/* ---- processes ----------------------------------------------------------------------------- */

/* Of children that end while another one is waited for. */
static void take_end(struct warden *w, pid_t pid, int status)
{
	if (pid == w->sink)
		fail(w, "the sinkhole died (%s %d)", WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (pid != w->container)
		return;
	w->has_ended = true;
	w->status = status;
}

/* Waits for one child; whatever else ends in this namespace is reaped on the way. */
static int wait_for(struct warden *w, pid_t pid, unsigned seconds, const char *what)
{
	uint64_t until_ns = clock_boot_ns() + seconds * NSEC_PER_SEC;

	for (;;) {
		struct signalfd_siginfo si;
		struct pollfd p = {.fd = w->signals, .events = POLLIN};
		int status;
		pid_t one = waitpid(-1, &status, WNOHANG);

		if (one == pid)
			return status;
		if (one > 0) {
			take_end(w, one, status);
			continue;
		}
		if (clock_boot_ns() > until_ns)
			fail(w, "%s took longer than %u seconds", what, seconds);
		if (poll(&p, 1, 1000) > 0)
			(void)!read(w->signals, &si, sizeof(si));
	}
}

static struct rootfs_answer unpack(struct warden *w)
{
	struct rootfs_answer a = {0};
	char root[PATH_LEN + 32];
	int ends[2];

	path_of(w, "image", root, sizeof(root));
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail(w, "cannot make a pipe: %s", strerror(errno));
	pid_t pid = unpacker_start(w->plan, root, w->fds.layers, ends[1]);
	if (pid < 0)
		fail(w, "cannot start the unpacker: %s", strerror(-pid));
	close(ends[1]);
	close(w->fds.layers);
	int status = wait_for(w, pid, UNPACK_S, "unpacking the image");
	ssize_t n = read(ends[0], &a, sizeof(a));
	close(ends[0]);
	if (n != sizeof(a))
		fail(w, "the unpacker died (%s %d): the image may have been made to harm it",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	a.error[sizeof(a.error) - 1] = a.gap[sizeof(a.gap) - 1] = 0;
	if (!a.ok)
		give_up(w, a.error);
	if (a.ngroups > 32)
		a.ngroups = 32;
	return a;
}

static void start_sink(struct warden *w)
{
	int fds[SINK_SOCKETS];
	struct err e = {0};

	if (network_make(fds, &w->steer, &e) < 0)
		give_up(w, e.msg);
	w->sink = fork();
	if (w->sink == 0)
		sink_run(fds, w->fds.sink_log, w->plan->authority);
	if (w->sink < 0)
		fail(w, "cannot start the sinkhole: %s", strerror(errno));
	for (int i = 0; i < SINK_SOCKETS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	close(w->fds.sink_log);
}

/* ---- the runtime --------------------------------------------------------------------------- */

static void limit(int what, rlim_t most)
{
	struct rlimit l;

	if (getrlimit(what, &l) < 0)
		return;
	if (l.rlim_max == RLIM_INFINITY || l.rlim_max > most)
		l.rlim_max = most;
	l.rlim_cur = l.rlim_max;
	setrlimit(what, &l);
}

/* The limits of a process of the container: they go from the runtime to it. */
static void limit_all(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
	limit(RLIMIT_MEMLOCK, 64 << 10);
	limit(RLIMIT_MSGQUEUE, 0);
	limit(RLIMIT_SIGPENDING, 1024);
}

/* In the child: nothing is open but standard input, output, error. */
__attribute__((noreturn)) static void run_runtime(
	const struct warden *w, const char *const *argv, int out, int errors)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = {path, NULL};
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	if (null < 0 || dup2(null, 0) < 0 || dup2(out >= 0 ? out : null, 1) < 0 ||
		dup2(errors >= 0 ? errors : null, 2) < 0)
		_exit(126);
	close_range(3, UINT32_MAX, 0);
	if (w->plan->is_crun && cgroup_enter(w->plan) < 0)
		_exit(125);
	limit_all();
	umask(0022);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	/* keeps the runtime's locks and files out of the machine's */
	if (chdir("/") < 0)
		_exit(126);
	execve(w->plan->runtime, (char *const *)argv, environment);
	_exit(127);
}

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : 0;

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* The runtime logs lines of JSON; the message of the last is why it gave up. */
static void read_reason(const char *path, char *text, size_t size)
{
	char log[RUNTIME_TEXT];
	struct str rest;

	read_text(path, log, sizeof(log));
	rest = str_trim(str_of(log));
	while (rest.len) {
		struct str line = str_cut(&rest, '\n');
		json_t *j = json_loadb(line.s, line.len, 0, NULL);
		const char *message = json_string_value(json_object_get(j, "msg"));

		snprintf(text, size, "%.*s", message ? (int)strlen(message) : (int)line.len,
			message ?: line.s);
		json_decref(j);
	}
}

/* `runc VERB …` to its end; what it logs is its reason. */
static int call_runtime(struct warden *w, const char *const *rest, bool gets_output)
{
	char state[PATH_LEN + 32], log[PATH_LEN + 32], text[RUNTIME_TEXT] = "";
	const char *argv[16];
	size_t n = 0;

	path_of(w, "changes/state", state, sizeof(state));
	path_of(w, "changes/log", log, sizeof(log));
	unlink(log);
	argv[n++] = w->plan->runtime;
	argv[n++] = "--root";
	argv[n++] = state;
	argv[n++] = "--log";
	argv[n++] = log;
	argv[n++] = "--log-format";
	argv[n++] = "json";
	/* runc makes a group of its own below koban's; crun knows no hybrid of both versions */
	if (w->plan->is_crun)
		argv[n++] = "--cgroup-manager=disabled";
	while (*rest && n < 15)
		argv[n++] = *rest++;
	argv[n] = NULL;
	pid_t pid = fork();
	if (pid == 0)
		run_runtime(w, argv, gets_output ? w->fds.output : -1,
			gets_output ? w->fds.output : -1);
	if (pid < 0)
		fail(w, "cannot start %s: %s", w->plan->runtime, strerror(errno));
	int status = wait_for(w, pid, RUNTIME_S, w->plan->runtime);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	read_reason(log, text, sizeof(text));
	fail(w, "%s refuses the sandbox, so the image is not run: %.700s", w->plan->runtime,
		*text ? text : "it does not say why");
}

static void make_container(struct warden *w)
{
	char bundle[PATH_LEN], pid_file[PATH_LEN + 32], text[32] = "";
	uint64_t pid = 0;

	snprintf(bundle, sizeof(bundle), "%s", w->plan->dir);
	path_of(w, "changes/pid", pid_file, sizeof(pid_file));
	const char *const argv[] = {
		"create", "--bundle", bundle, "--pid-file", pid_file, w->plan->id, NULL};
	call_runtime(w, argv, true);
	read_text(pid_file, text, sizeof(text));
	if (!str_to_u64(str_trim(str_of(text)), 10, &pid) || pid < 2 || pid > INT32_MAX)
		fail(w, "%s did not say which process the container is", w->plan->runtime);
	w->container = (pid_t)pid;
	close(w->fds.output);
	w->fds.output = -1;
}

/* ---- the run ------------------------------------------------------------------------------- */

static void wait_for_start(const struct warden *w)
{
	struct note n;

	for (unsigned i = 0; i < START_WAIT_S; i++) {
		int r = note_receive(w->fds.notes, 1000, &n);

		if (r < 0 || (r > 0 && n.kind != NOTE_START))
			_exit(0);
		if (r > 0)
			return;
	}
	fail(w, "koban did not start the run within %d seconds", START_WAIT_S);
}

static void reap(struct warden *w)
{
	struct signalfd_siginfo si;
	int status;
	pid_t one;

	while (read(w->signals, &si, sizeof(si)) > 0)
		;
	while ((one = waitpid(-1, &status, WNOHANG)) > 0)
		take_end(w, one, status);
}

/* Until the container ends, koban says so or is gone, or time is up. */
static void watch_over(struct warden *w)
{
	uint64_t until_ns = clock_boot_ns() + (w->plan->seconds + GRACE_S) * NSEC_PER_SEC;

	while (!w->has_ended) {
		struct pollfd p[2] = {{.fd = w->fds.notes, .events = POLLIN},
			{.fd = w->signals, .events = POLLIN}};

		if (poll(p, 2, 1000) < 0 && errno != EINTR)
			fail(w, "poll: %s", strerror(errno));
		reap(w);
		if (p[0].revents)
			break;
		if (clock_boot_ns() > until_ns) {
			note_send(w->fds.notes, NOTE_TIMEOUT, 0, NULL);
			break;
		}
	}
	/* its first process takes all others of its namespace with it */
	if (!w->has_ended)
		kill(w->container, SIGKILL);
	while (!w->has_ended) {
		struct pollfd p = {.fd = w->signals, .events = POLLIN};

		poll(&p, 1, 1000);
		reap(w);
	}
	note_send(w->fds.notes, NOTE_ENDED, w->status, NULL);
}

static void open_signals(struct warden *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0)
		fail(w, "signalfd: %s", strerror(errno));
}

void warden_run(const struct sandbox_plan *p, const struct warden_fds *fds)
{
	struct warden w = {.plan = p, .fds = *fds};
	const char *const start[] = {"start", p->id, NULL};
	struct err e = {0};
	struct note n;

	prctl(PR_SET_NAME, "koban-warden");
	/* pid 1 has no signal that kills it from inside; what is ignored goes to no child */
	signal(SIGTERM, SIG_IGN);
	open_signals(&w);
	make_mounts(&w);
	struct rootfs_answer a = unpack(&w);
	note_send(w.fds.notes, NOTE_UNPACKED, (int)a.left_out, a.left_out ? a.gap : NULL);
	make_root(&w);
	start_sink(&w);
	if (bundle_write(p, &a, &e) < 0)
		give_up(&w, e.msg);
	make_container(&w);
	note_send(w.fds.notes, NOTE_READY, 0, NULL);
	wait_for_start(&w);
	call_runtime(&w, start, false);
	watch_over(&w);
	/* koban reads what the sinkhole still has to say, and lets go */
	while (note_receive(w.fds.notes, 5000, &n) > 0)
		;
	_exit(0);
}
