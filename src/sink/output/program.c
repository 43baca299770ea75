/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program, run by "sh -c", with findings on its standard input. With keep_alive one program stays
 * and reads a line a finding; without, each finding has a run of its own, which sees the end of its
 * input. The pipe is non-blocking: a program that does not read is stopped after the timeout. Its
 * exit status is nobody's business but the operator's: the finding was delivered when it was read.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

struct program_state {
	struct sender_env env;
	pid_t pid; /* 0 = none; leader of a process group of its own */
	int fd;    /* its standard input */
};

static int program_open(const struct sender_env *env, void **ret, struct err *e)
{
	struct program_state *s;

	if (!env->config->command || !*env->config->command)
		return err_set(e, EINVAL, "a program output needs a command");
	if (!(s = calloc(1, sizeof(*s))))
		return err_set(e, ENOMEM, "out of memory");
	s->env = *env;
	s->fd = -1;
	*ret = s;
	return 0;
}

static void program_format(const struct output_config *c, const struct finding *f, struct buf *out)
{
	format_message(c, f, out);
	buf_add_char(out, '\n');
}

static void close_pipe(struct program_state *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* Waits for its end until the deadline; true when it is gone. */
static bool reap(struct program_state *s, uint64_t deadline_ns, bool can_stop)
{
	int pidfd = s->pid ? (int)syscall(SYS_pidfd_open, s->pid, 0) : -1;

	if (pidfd >= 0) {
		/* its own descriptor in the place of stop_fd: then nothing cuts the wait short */
		wait_fd(pidfd, POLLIN, can_stop ? s->env.stop_fd : pidfd, deadline_ns);
		close(pidfd);
	}
	if (s->pid && waitpid(s->pid, NULL, WNOHANG) == 0)
		return false;
	s->pid = 0;
	return true;
}

static void stop(struct program_state *s)
{
	close_pipe(s);
	if (!s->pid)
		return;
	pid_t pid = s->pid;
	kill(-pid, SIGTERM);
	if (reap(s, clock_boot_ns() + 500 * 1000000ULL, false))
		return;
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
	s->pid = 0;
}

static int spawn(struct program_state *s, int in_fd)
{
	char *argv[] = {"sh", "-c", (char *)s->env.config->command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, defaults;

	sigemptyset(&none);
	sigfillset(&defaults);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in_fd, STDIN_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	int r = posix_spawn(&s->pid, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (r)
		s->pid = 0;
	return -r;
}

static int start(struct program_state *s, struct err *e)
{
	int p[2];

	if (s->pid)
		return 0;
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_set(e, errno, "cannot make a pipe: %s", strerror(errno));
	int r = spawn(s, p[0]);
	close(p[0]);
	if (r < 0) {
		close(p[1]);
		return err_set(e, -r, "cannot start /bin/sh: %s", strerror(-r));
	}
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	s->fd = p[1];
	return 0;
}

/* The run of one finding is over when the program has ended. */
static enum send_result finish(struct program_state *s, uint64_t deadline_ns, struct err *e)
{
	close_pipe(s);
	/* at the end of koban it may go on for a moment: program_close() waits for it */
	if (reap(s, deadline_ns, true) || clock_boot_ns() < deadline_ns)
		return SEND_OK;
	/* it has read the finding; running it again would only hang again */
	stop(s);
	err_set(e, ETIMEDOUT, "'%s' ran longer than %llu ms and was stopped",
		s->env.config->command, (unsigned long long)s->env.timeout_ms);
	return SEND_REFUSED;
}

static enum send_result program_send(void *state, struct str record, struct err *e)
{
	struct program_state *s = state;
	uint64_t deadline_ns = clock_boot_ns() + s->env.timeout_ms * 1000000;

	if (s->pid && waitpid(s->pid, NULL, WNOHANG) != 0) {
		s->pid = 0;
		close_pipe(s);
		err_set(e, ECHILD, "'%s' has ended", s->env.config->command);
		return SEND_RETRY;
	}
	if (start(s, e) < 0)
		return SEND_RETRY;
	int r = write_fd(s->fd, record, s->env.stop_fd, deadline_ns, NULL);
	if (r == -EPIPE && !s->env.config->keep_alive)
		r = 0; /* a command that does not care for its input */
	if (r < 0) {
		/* the rest of a line must not be mistaken for a line: begin anew */
		stop(s);
		err_set(e, -r,
			r == -ETIMEDOUT ? "'%s' does not read its input"
					: "'%s' has closed its input",
			s->env.config->command);
		return SEND_RETRY;
	}
	return s->env.config->keep_alive ? SEND_OK : finish(s, deadline_ns, e);
}

static void program_reopen(void *state)
{
	stop(state);
}

static void program_close(void *state)
{
	struct program_state *s = state;

	/* it sees the end of its input and may finish what it does */
	close_pipe(s);
	if (s->pid && !reap(s, clock_boot_ns() + 1000 * 1000000ULL, false))
		stop(s);
	free(s);
}

const struct output_ops output_program = {
	.name = "program",
	.spools = true,
	.open = program_open,
	.format = program_format,
	.send = program_send,
	.reopen = program_reopen,
	.close = program_close,
};
