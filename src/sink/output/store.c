/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban's own store, over a unix stream socket: a record is a line of JSON, and each is answered,
 * in order, once it is on the store's disk: "ok N" (the lines of this connection up to N are kept)
 * or "no N REASON" (line N never will be, those before it are). A window of records goes out at
 * once and is answered together; what was not answered is sent again over a new connection. That
 * may bring a record twice, but its id is part of it. It does not know what is in a record.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

enum { ANSWER_BYTES = 512 };

struct store_state {
	struct sender_env env;
	struct sockaddr_un address;
	int fd;
	uint64_t answered; /* lines of this connection */
	char answer[ANSWER_BYTES];
	size_t nanswer;
};

/* One window on its way. */
struct window {
	struct str rest; /* of the bytes, not written yet */
	uint64_t until;  /* lines of this connection when all are answered */
	uint64_t begin;  /* when it began */
	size_t refused;
	struct err *e;
};

/* ---- the connection ------------------------------------------------------------------------ */

static void drop(struct store_state *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->answered = s->nanswer = 0;
}

static int connect_store(struct store_state *s, struct err *e)
{
	const struct sockaddr *sa = (const struct sockaddr *)&s->address;

	if (s->fd >= 0)
		return 0;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return err_set(e, errno, "cannot make a socket: %s", strerror(errno));
	if (connect(s->fd, sa, sizeof(s->address)) == 0)
		return 0;
	int r = errno;
	drop(s);
	return err_set(e, r, "%s: cannot connect: %s", s->address.sun_path, strerror(r));
}

/* A peer that has gone since the last window is found out here, not by a timeout. */
static void notice_goodbye(struct store_state *s)
{
	char byte;
	ssize_t n = s->fd < 0 ? -1 : recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (s->fd >= 0 && (n >= 0 || (errno != EAGAIN && errno != EINTR)))
		drop(s); /* closed, or it speaks out of turn */
}

/* ---- answers ------------------------------------------------------------------------------- */

static int bad_answer(const struct store_state *s, struct str line, struct err *e)
{
	return err_set(e, EPROTO, "%s: an answer that makes no sense: %.*s", s->address.sun_path,
		(int)(line.len < 80 ? line.len : 80), line.s);
}

static int take_answer(struct store_state *s, struct window *w, struct str line)
{
	struct str rest = line, word = str_cut(&rest, ' '), number = str_cut(&rest, ' ');
	uint64_t n;

	if (!str_to_u64(number, 10, &n) || n <= s->answered || n > w->until)
		return bad_answer(s, line, w->e);
	if (!str_is(word, "ok") && !str_is(word, "no"))
		return bad_answer(s, line, w->e);
	s->answered = n;
	if (str_is(word, "ok"))
		return 0;
	w->refused++;
	err_set(w->e, EBADMSG, "the store refuses a record: %.*s",
		(int)(rest.len < 200 ? rest.len : 200), rest.len ? rest.s : "");
	return 0;
}

static int take_answers(struct store_state *s, struct window *w)
{
	char *line = s->answer, *end = s->answer + s->nanswer, *nl;
	int r = 0;

	while (r == 0 && (nl = memchr(line, '\n', (size_t)(end - line)))) {
		r = take_answer(s, w, str_make(line, (size_t)(nl - line)));
		line = nl + 1;
	}
	s->nanswer = (size_t)(end - line);
	memmove(s->answer, line, s->nanswer);
	if (r == 0 && s->nanswer == sizeof(s->answer))
		r = bad_answer(s, str_make(s->answer, s->nanswer), w->e);
	return r;
}

static int read_answers(struct store_state *s, struct window *w)
{
	ssize_t n = recv(s->fd, s->answer + s->nanswer, sizeof(s->answer) - s->nanswer, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return err_set(w->e, n ? errno : EPIPE, "%s: the store has gone: %s",
			s->address.sun_path, n ? strerror(errno) : "it closed the connection");
	s->nanswer += (size_t)n;
	return take_answers(s, w);
}

/* ---- a window ------------------------------------------------------------------------------ */

static int write_some(struct store_state *s, struct window *w)
{
	ssize_t n = w->rest.len ? send(s->fd, w->rest.s, w->rest.len, MSG_NOSIGNAL) : 0;

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_set(w->e, errno, "%s: the store has gone: %s", s->address.sun_path,
			strerror(errno));
	if (n > 0)
		w->rest = str_skip(w->rest, (size_t)n);
	return 0;
}

/* Until all is answered. The time runs anew with each answer: slow is not dead. */
static int exchange(struct store_state *s, struct window *w)
{
	uint64_t deadline_ns = 0, seen = s->answered;
	int r = 0;

	while (r == 0 && s->answered < w->until) {
		if (!deadline_ns || s->answered != seen)
			deadline_ns = clock_boot_ns() + s->env.timeout_ms * 1000000;
		seen = s->answered;
		if ((r = write_some(s, w)) < 0)
			break;
		r = wait_fd(s->fd, w->rest.len ? POLLIN | POLLOUT : POLLIN, s->env.stop_fd,
			deadline_ns);
		if (r < 0)
			err_set(w->e, -r, "%s: no answer: %s", s->address.sun_path, strerror(-r));
		else
			r = read_answers(s, w);
	}
	return r;
}

static enum send_result store_send(
	void *state, const struct str *records, size_t n, struct sent *ret, struct err *e)
{
	struct store_state *s = state;

	notice_goodbye(s);
	if (connect_store(s, e) < 0)
		return SEND_RETRY;
	size_t bytes = (size_t)(records[n - 1].s + records[n - 1].len - records[0].s);
	struct window w = {.rest = str_make(records[0].s, bytes),
		.until = s->answered + n,
		.begin = s->answered,
		.e = e};
	int r = exchange(s, &w);
	*ret = (struct sent){(size_t)(s->answered - w.begin), w.refused};
	if (r == 0)
		return SEND_OK;
	drop(s);
	return SEND_RETRY;
}

/* ---- the kind ------------------------------------------------------------------------------ */

static void store_format(const struct output_config *c, const struct finding *f, struct buf *out)
{
	finding_format_record(f, out);
	buf_add_char(out, '\n');
}

static int store_open(const struct sender_env *env, void **ret, struct err *e)
{
	struct str address = str_of(env->config->address), prefix = STR("unix:");
	struct store_state *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	s->env = *env;
	s->fd = -1;
	s->address.sun_family = AF_UNIX;
	if (str_starts(address, prefix) && address.len > prefix.len &&
		str_copy(str_skip(address, prefix.len), s->address.sun_path,
			sizeof(s->address.sun_path))) {
		*ret = s;
		return 0;
	}
	free(s);
	return err_set(e, EINVAL,
		"'%.*s' is no address of a store; write unix:/run/koban/ingest.sock (a path of at "
		"most 107 bytes)",
		STR_ARG(address));
}

static void store_reopen(void *state)
{
	drop(state);
}

static void store_close(void *state)
{
	drop(state);
	free(state);
}

const struct output_ops output_store = {
	.name = "store",
	.spools = true,
	.open = store_open,
	.format = store_format,
	.send_window = store_send,
	.window = WINDOW_MAX,
	.timeout_ms = 30000,
	.backoff_max_ms = 1000,
	.reopen = store_reopen,
	.close = store_close,
};
