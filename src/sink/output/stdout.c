/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard output: one line a finding, coloured by priority when a person watches. A reader that
 * goes away (EPIPE) ends this output and nothing else. The descriptor is shared with other
 * processes, so it is never made non-blocking: it is polled, and written in pieces that a pipe
 * which polls writable takes without waiting.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

struct stdout_state {
	struct sender_env env;
	size_t done; /* of the record that waits: a line is never begun twice */
};

static int stdout_open(const struct sender_env *env, void **ret, struct err *e)
{
	struct stdout_state *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	s->env = *env;
	*ret = s;
	return 0;
}

static void stdout_format(const struct output_config *c, const struct finding *f, struct buf *out)
{
	static const char *const colours[PRIORITY_COUNT] = {"\033[1;37;41m", "\033[1;31m",
		"\033[1;31m", "\033[31m", "\033[33m", "\033[36m", "", "\033[2m"};
	const char *colour =
		c->colour && !c->json && f->priority < PRIORITY_COUNT ? colours[f->priority] : "";

	buf_add_cstr(out, colour);
	format_message(c, f, out);
	buf_add_cstr(out, *colour ? "\033[0m\n" : "\n");
}

static enum send_result stdout_send(void *state, struct str record, struct err *e)
{
	struct stdout_state *s = state;
	uint64_t deadline_ns = clock_boot_ns() + s->env.timeout_ms * 1000000;

	while (s->done < record.len) {
		struct str rest = str_head(str_skip(record, s->done), PIPE_BUF);
		int r = wait_fd(STDOUT_FILENO, POLLOUT, s->env.stop_fd, deadline_ns);

		if (r < 0) {
			err_set(e, -r, "nobody reads standard output");
			return SEND_RETRY;
		}
		ssize_t n = write(STDOUT_FILENO, rest.s, rest.len);
		if (n >= 0) {
			s->done += (size_t)n;
			continue;
		}
		if (errno == EINTR || errno == EAGAIN)
			continue;
		err_set(e, errno, "cannot write to standard output: %s", strerror(errno));
		bool has_gone = errno == EPIPE || errno == EBADF || errno == EIO;
		return has_gone ? SEND_ENDED : SEND_RETRY;
	}
	s->done = 0;
	return SEND_OK;
}

const struct output_ops output_stdout = {
	.name = "stdout",
	.open = stdout_open,
	.format = stdout_format,
	.send = stdout_send,
	.close = free,
};
