/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's credential helpers: docker-credential-NAME is a program that gets the server's name on
 * stdin and answers in JSON. The user's own configuration names it; it is found in $PATH, never by
 * a path of its own. It has a time limit: a keychain that waits for a person is not waited for
 * long.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "source/image/auth.h"

enum { TIME_LIMIT_S = 20, ANSWER_MAX = 64 << 10 };

extern char **environ;

static bool is_program_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.len > 0 && s.len < 64;
}

static int start(const char *program, int in, int out, pid_t *pid)
{
	char *argv[] = {(char *)program, "get", NULL};
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	r = posix_spawnp(pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* All that it says until it ends; -ETIMEDOUT. */
static int listen_to(int fd, struct buf *answer)
{
	uint64_t end = clock_boot_ns() + TIME_LIMIT_S * NSEC_PER_SEC;
	char chunk[4096];

	for (;;) {
		uint64_t now = clock_boot_ns();
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (now >= end)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((end - now) / 1000000) + 1) <= 0)
			continue;
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		buf_add(answer, str_make(chunk, (size_t)n));
		if (answer->cut)
			return -EFBIG;
	}
}

static int run(const char *program, struct str server, struct buf *answer, int *status)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, r;
	pid_t pid = -1;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		r = -errno;
	else if ((r = io_write_all(in[1], server)) == 0) /* fits into the pipe */
		r = start(program, in[0], out[1], &pid);
	close(in[0]);
	close(in[1]);
	close(out[1]);
	if (r == 0) {
		r = listen_to(out[0], answer);
		if (r < 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, status, 0) < 0 && errno == EINTR)
			;
	}
	close(out[0]);
	return r;
}

static int read_answer(struct str text, const char *program, struct arena *a,
	struct credential *ret, struct err *e)
{
	json_t *j;

	/* what it says is not to be quoted: it may be half a password */
	if (image_json(text, program, &j, NULL) < 0)
		return err_set(e, EBADMSG, "%s: its answer is no JSON", program);
	struct str user = image_json_str(j, "Username"), secret = image_json_str(j, "Secret");

	if (str_is(user, "<token>"))
		ret->identity_token = arena_str(a, secret);
	else {
		ret->user = arena_str(a, user);
		ret->password = arena_str(a, secret);
	}
	json_decref(j);
	return 0;
}

int credential_ask_helper(
	struct str name, struct str server, struct arena *a, struct credential *ret, struct err *e)
{
	struct buf answer = BUF_INIT(ANSWER_MAX);
	char program[100];
	int status = 0;

	if (!is_program_word(name) || server.len > 4096)
		return err_set(e, EINVAL, "\"%.*s\" is no name of a credential helper",
			STR_ARG(str_head(name, 64)));
	snprintf(program, sizeof(program), "docker-credential-%.*s", STR_ARG(name));
	int r = run(program, server, &answer, &status);

	if (r == -ENOENT)
		err_set(e, ENOENT,
			"%s, which Docker's configuration names for %.*s, is not installed",
			program, STR_ARG(server));
	else if (r == -ETIMEDOUT)
		err_set(e, ETIMEDOUT, "%s did not answer within %d seconds", program, TIME_LIMIT_S);
	else if (r == -EFBIG)
		err_set(e, EFBIG, "%s answers with more than %d KiB", program, ANSWER_MAX >> 10);
	else if (r < 0)
		err_set(e, -r, "%s: cannot be asked: %s", program, strerror(-r));
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		r = read_answer(buf_str(&answer), program, a, ret, e);
	else if (str_find(buf_str(&answer), STR("credentials not found")) < 0)
		r = err_set(e, EIO, "%s failed for %.*s", program, STR_ARG(server));
	if (answer.s)
		explicit_bzero(answer.s, answer.len);
	buf_done(&answer);
	return r;
}
