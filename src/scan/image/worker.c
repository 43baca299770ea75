/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of a worker: starting it, feeding it, reading its report, noticing its death.
 * The worker has an address space with a limit and a limit of CPU time of its own; the parent adds
 * a limit of patience, and reads no more of a report than one can have.
 */
#include "scan/image/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cell.h"
#include "base/io.h"
#include "base/sanitized.h"

enum { SOCKET_BYTES = 1 << 20, PATIENCE = 3 /* times the CPU time, plus */, GRACE_S = 60 };

struct scan_worker {
	pid_t pid;
	int fd;
	struct pass_note *note;
	struct pass pass;
	struct ledger *ledger;
	struct scan_limits limits;
	uint8_t *chunk;
	bool is_hung; /* it let the parent wait for too long */
};

/* ---- starting ------------------------------------------------------------------------------- */

/* Pages of address space that it has now. */
static uint64_t mapped_bytes(void)
{
	char text[256];
	ptrdiff_t n = io_read_proc("/proc/self/statm", text, sizeof(text));
	struct str s = str_make(text, n > 0 ? (size_t)n : 0);
	uint64_t pages = 0;

	if (!str_to_u64(str_cut(&s, ' '), 10, &pages))
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Nothing of the parent's stays open but the socket and, for what must never happen, stderr. */
static void close_others(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (!IS_SANITIZED)
			dup2(null, STDERR_FILENO);
	}
	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0U, 0);
}

static _Noreturn void live(struct scan_worker *w, int fd, pid_t parent)
{
	const struct rlimit none = {0, 0};
	uint64_t now = mapped_bytes();
	struct cell_options cell = {.threads = true};
	struct err e = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "koban-worker");
	if (getppid() != parent)
		_exit(1);
	close_others(fd);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	signal(SIGINT, SIG_IGN); /* the parent ends it */
	setrlimit(RLIMIT_CORE, &none);
	if (now && !IS_SANITIZED)
		cell.max_memory_bytes = now + w->limits.max_memory_bytes;
	if (cell_enter(&cell, &e) < 0) {
		str_copy(str_of(e.msg), w->note->at[0].path, sizeof(w->note->at[0].path));
		_exit(2);
	}
	scan_worker_main(fd, &w->pass, w->ledger);
}

static int fork_it(struct scan_worker *w, struct err *e)
{
	int fds[2], size = SOCKET_BYTES;
	pid_t me = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(e, errno, "cannot make a socket for a worker: %s", strerror(errno));
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	w->pid = fork();
	if (w->pid < 0) {
		int r = err_set(e, errno, "cannot start a worker: %s", strerror(errno));

		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (w->pid == 0)
		live(w, fds[1], me);
	close(fds[1]);
	w->fd = fds[0];
	return 0;
}

int scan_worker_start(const struct analyzer_set *set, const struct scan_limits *limits,
	unsigned threads, struct scan_worker **ret, struct err *e)
{
	struct scan_worker *w = calloc(1, sizeof(*w));

	*ret = NULL;
	if (!w)
		return err_set(e, ENOMEM, "no memory left for a worker");
	w->fd = -1;
	w->limits = *limits;
	w->chunk = malloc(FRAME_MAX);
	w->note = mmap(
		NULL, sizeof(*w->note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r = w->chunk && w->note != MAP_FAILED && ledger_open(limits, &w->ledger) == 0 &&
				pass_open(&w->pass, set, limits, w->ledger, w->note, threads) == 0
			? 0
			: err_set(e, ENOMEM, "no memory left for a worker");
	if (r == 0)
		r = fork_it(w, e);
	if (r < 0)
		scan_worker_stop(w);
	else
		*ret = w;
	return r;
}

void scan_worker_stop(struct scan_worker *w)
{
	if (!w)
		return;
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	if (w->fd >= 0)
		close(w->fd);
	pass_close(&w->pass);
	ledger_free(w->ledger);
	if (w->note != MAP_FAILED && w->note)
		munmap(w->note, sizeof(*w->note));
	free(w->chunk);
	free(w);
}

/* ---- its death ------------------------------------------------------------------------------ */

static const char *describe_end(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		snprintf(out, size, "its time was over");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(out, size, "it asked for something that reading needs not");
	else if (WIFSIGNALED(status))
		snprintf(out, size, "%s", strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "it ended with %d", WEXITSTATUS(status));
	return out;
}

/* What the note says is a stranger's: cut, and without control bytes. */
static struct str clean(char *text, size_t size)
{
	text[size - 1] = 0;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return str_of(text);
}

/* It may have been at several places: a thread each. */
static void say_where(struct scan_worker *w, struct buf *out)
{
	bool is_any = false;

	for (size_t i = 0; i < sizeof(w->note->at) / sizeof(w->note->at[0]); i++) {
		struct note *n = &w->note->at[i];

		if (!n->is_busy)
			continue;
		struct str who = clean(n->analyzer, sizeof(n->analyzer));
		struct str where = clean(n->path, sizeof(n->path));
		buf_printf(out, "%sin \"%.*s\", at %.*s", is_any ? "; or " : "", STR_ARG(who),
			STR_ARG(where));
		is_any = true;
	}
	/* before there was any member, it says why it could not begin */
	struct str why = clean(w->note->at[0].path, sizeof(w->note->at[0].path));
	if (!is_any)
		buf_add(out, why.len ? why : STR("between two files"));
}

static int dead(struct scan_worker *w, const char *hung, struct err *e)
{
	char why[128];
	int status = 0;

	kill(w->pid, SIGKILL);
	waitpid(w->pid, &status, 0);
	w->pid = -1;
	if (!hung && w->is_hung)
		hung = "it did not answer in time";
	if (!hung)
		hung = describe_end(status, why, sizeof(why));
	struct buf at = BUF_INIT(4096);
	say_where(w, &at);
	int r = err_set(
		e, ECHILD, "the process that read it died (%s) %.*s", hung, STR_ARG(buf_str(&at)));
	buf_done(&at);
	return r;
}

/* Ready to be written or read: what of both, or 0 when patience is over. */
static short wait_for(struct scan_worker *w, short what)
{
	struct pollfd p = {w->fd, what, 0};
	int ms = (int)(w->limits.max_layer_s < 100000 ? w->limits.max_layer_s : 100000) * 1000 *
			 PATIENCE +
		 GRACE_S * 1000;
	int r;

	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	w->is_hung = r == 0;
	return r > 0 ? p.revents : 0;
}

/* ---- talking -------------------------------------------------------------------------------- */

/* 1 = sent, 0 = it has an answer already, -EPIPE. */
static int send_frame(struct scan_worker *w, enum frame_type type, const void *data, size_t size)
{
	struct frame f = {type, (uint32_t)size};
	struct iovec v[2] = {{&f, sizeof(f)}, {(void *)data, size}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	size_t left = sizeof(f) + size;

	while (left) {
		short ready = wait_for(w, POLLOUT | POLLIN);

		if (!ready || ready & (POLLERR | POLLNVAL))
			return -EPIPE;
		/* an answer before all was said: only between two frames */
		if (ready & POLLIN && left == sizeof(f) + size && type == FRAME_DATA)
			return 0;
		ssize_t n = sendmsg(w->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -EPIPE;
		left -= (size_t)n;
		for (int i = 0; n > 0 && i < 2; i++) {
			size_t some = (size_t)n < v[i].iov_len ? (size_t)n : v[i].iov_len;

			v[i].iov_base = (char *)v[i].iov_base + some;
			v[i].iov_len -= some;
			n -= (ssize_t)some;
		}
	}
	return 1;
}

static bool receive(struct scan_worker *w, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		if (!(wait_for(w, POLLIN) & (POLLIN | POLLHUP)))
			return false;
		ssize_t n = read(w->fd, (char *)to + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static int take_report(
	struct scan_worker *w, struct arena *a, struct layer_report *ret, struct err *e)
{
	struct frame f;

	if (!receive(w, &f, sizeof(f)))
		return dead(w, NULL, e);
	if (f.type != FRAME_REPORT || f.size > LAYER_REPORT_MAX)
		return dead(w, "it speaks nonsense", e);
	char *text = malloc(f.size + 1);
	if (!text)
		return err_set(e, ENOMEM, "no memory left for a layer's report");
	int r = receive(w, text, f.size) ? 0 : dead(w, NULL, e);
	if (r == 0)
		r = layer_report_from_json(str_make(text, f.size), a, ret, e);
	free(text);
	if (r < 0 && r != -ECHILD) {
		dead(w, "it speaks nonsense", NULL);
		return err_context(e, "a worker's report"), -ECHILD;
	}
	return r;
}

/* Stored bytes, until they end (1) or it has enough (0). -EPIPE when it does not listen. */
static int send_layer(struct scan_worker *w, worker_feed feed, void *arg, int *fed, struct err *e)
{
	int r = send_frame(w, FRAME_LAYER, NULL, 0);

	*fed = 0;
	while (r > 0) {
		ptrdiff_t n = feed(arg, w->chunk, FRAME_MAX, e);

		if (n < 0)
			*fed = (int)n;
		if (n <= 0)
			break;
		r = send_frame(w, FRAME_DATA, w->chunk, (size_t)n);
	}
	if (r < 0)
		return r;
	int ended = send_frame(w, *fed < 0 ? FRAME_ABORT : FRAME_END, NULL, 0);
	return ended < 0 ? ended : r;
}

int scan_worker_layer(struct scan_worker *w, worker_feed feed, void *arg, struct arena *a,
	struct layer_report *ret, int *fed, struct err *e)
{
	struct err failed = {0};

	memset(w->note, 0, sizeof(*w->note));
	int sent = send_layer(w, feed, arg, fed, &failed);
	if (sent < 0)
		return dead(w, NULL, e);
	int r = take_report(w, a, ret, e);
	if (r < 0)
		return r;
	/* what was not read to its end was not verified */
	if (*fed < 0 || sent == 0)
		ret->is_partial = true;
	if (*fed < 0 && e)
		*e = failed;
	return 0;
}

int scan_worker_image(struct scan_worker *w, const struct artifact_image *image, struct arena *a,
	struct layer_report *ret, struct err *e)
{
	const struct artifact_report r = {.image = *image};
	struct buf b = BUF_INIT(IMAGE_MAX);
	int sent = -E2BIG;

	memset(w->note, 0, sizeof(*w->note));
	artifact_report_to_json(&r, false, &b);
	if (!b.cut)
		sent = send_frame(w, FRAME_IMAGE, b.s, b.len);
	buf_done(&b);
	if (sent == -E2BIG)
		return err_set(
			e, E2BIG, "the image's config is larger than %d MiB", IMAGE_MAX >> 20);
	return sent < 0 ? dead(w, NULL, e) : take_report(w, a, ret, e);
}
