/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: one thread that waits for signals and for its children. It reads no file and no
 * network, and of root's rights it keeps those to start parts and to end them. It knows nothing of
 * what the parts do.
 */
#include "cmd/part.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cell.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

enum {
	PARTS_MAX = 8,
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 30000,
	PROVEN_S = 60, /* a part that ran so long starts with a short pause again */
	STOP_S = 10,   /* from SIGTERM to SIGKILL */
	READY_BYTES = 4096,
	FORCE_MS = 500,
};

struct child {
	const struct part *part;
	pid_t pid; /* 0 = does not run */
	uint64_t started_ns, start_at_ns;
	uint64_t backoff_ms;
	bool has_failed;
	int ready_fd; /* -1 = it has said so, or says nothing */
	struct buf ready;
};

struct supervisor {
	const struct supervise_options *o;
	struct child children[PARTS_MAX];
	int signals;
	sigset_t before; /* of signals, for the children */
	bool is_stopping, is_forced;
	uint64_t asked_ns; /* to stop */
	int code;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- starting ------------------------------------------------------------------------------ */

static void start(struct supervisor *s, struct child *c)
{
	int ends[2] = {-1, -1};
	pid_t parent = getpid(), pid = -1;

	if (!c->part->ready_at || pipe2(ends, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		part_run(c->part, parent, ends[1], &s->before);
	close_fd(&ends[1]);
	close_fd(&c->ready_fd);
	c->ready_fd = ends[0];
	buf_clear(&c->ready);
	c->started_ns = clock_boot_ns();
	if (pid < 0) {
		log_error("the %s cannot start: %s", c->part->name, strerror(errno));
		c->start_at_ns = c->started_ns + BACKOFF_MAX_MS * 1000000ULL;
		return;
	}
	c->pid = pid;
	if (c->has_failed)
		log_info("the %s runs again (process %d)", c->part->name, pid);
}

static void start_due(struct supervisor *s, uint64_t now_ns)
{
	/* the first to be stopped comes last: the others are there when it needs them */
	for (size_t i = s->o->nparts; i-- > 0 && !s->is_stopping;)
		if (!s->children[i].pid && s->children[i].start_at_ns <= now_ns)
			start(s, &s->children[i]);
}

static int ms_to_next(const struct supervisor *s, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (size_t i = 0; i < s->o->nparts; i++)
		if (!s->children[i].pid && s->children[i].start_at_ns < next_ns)
			next_ns = s->children[i].start_at_ns;
	if (next_ns == UINT64_MAX)
		return -1;
	return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / 1000000 + 1);
}

/* ---- ending -------------------------------------------------------------------------------- */

static const char *how_it_ended(int status, char text[64])
{
	if (WIFSIGNALED(status))
		snprintf(text, 64, "was ended by signal %d (%s)", WTERMSIG(status),
			sigdescr_np(WTERMSIG(status)));
	else
		snprintf(text, 64, "ended with status %d", WEXITSTATUS(status));
	return text;
}

static void plan_restart(struct supervisor *s, struct child *c, int status, uint64_t now_ns)
{
	const struct supervise_options *o = s->o;
	uint64_t least = o->backoff_min_ms ? o->backoff_min_ms : BACKOFF_MIN_MS;
	uint64_t most = o->backoff_max_ms ? o->backoff_max_ms : BACKOFF_MAX_MS;
	bool is_proven = now_ns - c->started_ns > PROVEN_S * NSEC_PER_SEC;
	char text[64];

	c->backoff_ms = is_proven || !c->backoff_ms ? least : c->backoff_ms * 2;
	if (c->backoff_ms > most)
		c->backoff_ms = most;
	c->start_at_ns = now_ns + c->backoff_ms * 1000000;
	c->has_failed = true;
	log_warn("the %s %s; it starts again in %.1f s", c->part->name, how_it_ended(status, text),
		(double)c->backoff_ms / 1000);
}

static void settle(struct supervisor *s, struct child *c, int status)
{
	uint64_t now_ns = clock_boot_ns();
	bool is_exit = WIFEXITED(status);

	c->pid = 0;
	if (s->is_stopping) {
		/* by the signal itself: it had not come so far as to wait for it */
		bool is_good = is_exit ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGTERM;

		s->code = s->code || is_good ? s->code : 1;
		return;
	}
	if (is_exit && WEXITSTATUS(status) == 0 && c->part->is_main) {
		s->is_stopping = true;
		return;
	}
	/* what it says has been said; trying again would say it again */
	if (is_exit && WEXITSTATUS(status) == PART_UNUSABLE && !c->has_failed) {
		s->is_stopping = true;
		s->code = PART_UNUSABLE;
		return;
	}
	plan_restart(s, c, status, now_ns);
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < s->o->nparts; i++)
			if (s->children[i].pid == pid)
				settle(s, &s->children[i], status);
}

/* ---- notes: messages while nobody draws ---------------------------------------------------- */

static bool is_drawn(const struct supervisor *s)
{
	for (size_t i = 0; i < s->o->nparts; i++)
		if (s->o->parts[i].is_foreground && s->children[i].pid)
			return true;
	return false;
}

static void show_notes(const struct supervisor *s)
{
	char text[4096];
	ssize_t n;

	while (s->o->notes_fd >= 0 && (n = read(s->o->notes_fd, text, sizeof(text))) > 0)
		io_write_all(s->o->tty_fd, str_make(text, (size_t)n));
}

/* ---- readiness: a line of each part -------------------------------------------------------- */

static void hear_ready(const struct supervisor *s, struct child *c)
{
	char text[1024];
	ssize_t n = read(c->ready_fd, text, sizeof(text));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	buf_add(&c->ready, str_make(text, n > 0 ? (size_t)n : 0));
	struct str rest = buf_str(&c->ready);
	bool is_whole = str_find_char(rest, '\n') >= 0;
	if (is_whole && s->o->ready)
		s->o->ready(s->o->arg, c->part, str_cut(&rest, '\n'));
	if (is_whole || n <= 0 || c->ready.cut)
		close_fd(&c->ready_fd);
}

/* ---- signals ------------------------------------------------------------------------------- */

static void pass_on(const struct supervisor *s, int sig)
{
	for (size_t i = 0; i < s->o->nparts; i++)
		if (s->children[i].pid && s->o->parts[i].gets_signals)
			kill(s->children[i].pid, sig);
}

/* A second time, not in the same breath (some send a signal twice): at once. */
static void ask_to_stop(struct supervisor *s)
{
	uint64_t now_ns = clock_boot_ns();

	if (!s->asked_ns)
		s->asked_ns = now_ns;
	s->is_forced = now_ns - s->asked_ns > FORCE_MS * 1000000ULL;
	s->is_stopping = true;
}

/* A terminal that was closed says the same as somebody who asks to load the rules again. */
static bool has_hung_up(const struct supervisor *s)
{
	struct pollfd p = {.fd = s->o->tty_fd, .events = POLLOUT};

	return p.fd >= 0 && poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR));
}

static void take_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(s);
			break;
		case SIGHUP:
			if (has_hung_up(s)) {
				ask_to_stop(s);
				break;
			}
			pass_on(s, SIGHUP);
			break;
		case SIGUSR1:
			pass_on(s, (int)info.ssi_signo);
			break;
		default:
			ask_to_stop(s);
		}
	}
}

/* Waits for signals, messages, or the time. */
static void wait_some(struct supervisor *s, int timeout_ms)
{
	struct pollfd p[2 + PARTS_MAX] = {{.fd = s->signals, .events = POLLIN},
		{.fd = is_drawn(s) ? -1 : s->o->notes_fd, .events = POLLIN}};
	size_t n = s->o->nparts;

	for (size_t i = 0; i < n; i++)
		p[2 + i] = (struct pollfd){.fd = s->children[i].ready_fd, .events = POLLIN};
	if (poll(p, 2 + n, timeout_ms) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (p[2 + i].revents)
			hear_ready(s, &s->children[i]);
	if (p[0].revents)
		take_signals(s);
	if (!is_drawn(s))
		show_notes(s);
}

static void stop(struct supervisor *s, struct child *c)
{
	uint64_t until_ns = clock_boot_ns() + STOP_S * NSEC_PER_SEC, now_ns;

	if (c->pid)
		kill(c->pid, SIGTERM);
	while (c->pid && !s->is_forced && (now_ns = clock_boot_ns()) < until_ns)
		wait_some(s, (int)((until_ns - now_ns) / 1000000 + 1));
	if (!c->pid)
		return;
	log_warn("the %s %s; it is killed", c->part->name,
		s->is_forced ? "has not ended yet" : "does not end");
	kill(c->pid, SIGKILL);
	while (c->pid)
		wait_some(s, 1000);
}

/* ---- the door ------------------------------------------------------------------------------ */

/* What is left of root: to start parts as others, to end them. */
static int drop_own(struct err *e)
{
	static const int kept[] = {CAP_KILL, CAP_SETUID, CAP_SETGID, CAP_SETPCAP};

	return cell_keep_capabilities(kept, sizeof(kept) / sizeof(*kept), e);
}

static int catch_signals(struct supervisor *s, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &s->before);
	signal(SIGPIPE, SIG_IGN);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? err_set(e, errno, "signalfd: %s", strerror(errno)) : 0;
}

int supervise(const struct supervise_options *o, struct err *e)
{
	struct supervisor s = {.o = o};
	int r;

	if (o->nparts > PARTS_MAX)
		return err_set(e, EINVAL, "too many parts");
	for (size_t i = 0; i < o->nparts; i++)
		s.children[i] = (struct child){
			.part = &o->parts[i], .ready_fd = -1, .ready = BUF_INIT(READY_BYTES)};
	if ((r = catch_signals(&s, e)) < 0 || (r = drop_own(e)) < 0)
		return r;
	while (!s.is_stopping) {
		uint64_t now_ns = clock_boot_ns();

		start_due(&s, now_ns);
		wait_some(&s, ms_to_next(&s, now_ns));
	}
	for (size_t i = 0; i < o->nparts; i++)
		stop(&s, &s.children[i]);
	show_notes(&s);
	for (size_t i = 0; i < o->nparts; i++) {
		close_fd(&s.children[i].ready_fd);
		buf_done(&s.children[i].ready);
	}
	close(s.signals);
	return s.code;
}
