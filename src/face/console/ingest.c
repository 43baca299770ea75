/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread takes lines from all senders into a batch, so that a commit is paid by many, reads
 * them, and leaves the putting to another (putter.c): two batches are on their way at most. It
 * acknowledges only what the store has; while the store takes nothing (its disk is full), it reads
 * nothing more, and the senders keep what they have.
 *
 * Only root and the user that runs this process may speak (SO_PEERCRED): a record can say anything.
 */
#include "face/console/ingest.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "face/console/putter.h"

enum {
	SENDERS_MAX = 16,
	GATHER_MS = 20,
	READ_BYTES = 256 << 10,
	ANSWERS_MAX = 1 << 20,
	SOCKET_MODE = 0600,
};

/* An empty batch must take the longest line that a sender's buffer holds. */
_Static_assert(PUTTER_BYTES > STORE_RECORD_MAX + READ_BYTES, "a line that fits in no batch");

struct sender {
	int fd;
	uint64_t id;
	struct buf in;         /* what came and is in no batch yet */
	struct buf out;        /* answers that are not sent yet */
	uint64_t line;         /* acknowledged since the connection */
	size_t in_flight;      /* its lines in batches */
	bool is_over, is_deaf; /* over: it sends no more; deaf: takes no answers */
};

struct ingest {
	int fd, wake;
	char *path; /* removed at the end; NULL = not ours */
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of counts */
	struct ingest_counts counts;
	struct sender senders[SENDERS_MAX];
	size_t nsenders;
	uint64_t last_id;
	struct putter *putter;
	bool is_stopping;
};

/* ---- the socket ----------------------------------------------------------------------------- */

static int bind_path(int fd, const char *path, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct stat st;

	if (!str_copy(str_of(path), sa.sun_path, sizeof(sa.sun_path)))
		return err_set(e, ENAMETOOLONG,
			"%s: too long for a socket; choose a shorter --ingest", path);
	/* what a killed process left; anything else is not ours to remove */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	mode_t old = umask(0777 & ~SOCKET_MODE);
	int r = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(old);
	if (r < 0 || listen(fd, SENDERS_MAX) < 0)
		return err_set(e, errno, "%s: cannot listen: %s", path, strerror(errno));
	return 0;
}

int ingest_new(const char *path, int fd, struct ingest **ret, struct err *e)
{
	struct ingest *i = calloc(1, sizeof(*i));
	int r = 0;

	if (!i)
		return err_set(e, ENOMEM, "out of memory");
	pthread_mutex_init(&i->lock, NULL);
	i->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	i->fd = fd >= 0 ? fd : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (i->wake < 0 || i->fd < 0)
		r = err_set(e, errno, "cannot make a socket: %s", strerror(errno));
	if (r == 0 && fd < 0) {
		r = bind_path(i->fd, path, e);
		i->path = r == 0 ? strdup(path) : NULL;
	}
	if (r < 0) {
		ingest_free(i);
		return r;
	}
	*ret = i;
	return 0;
}

static bool is_trusted(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void count(struct ingest *i, uint64_t *what, uint64_t n)
{
	pthread_mutex_lock(&i->lock);
	*what += n;
	pthread_mutex_unlock(&i->lock);
}

static void accept_sender(struct ingest *i)
{
	int fd = accept4(i->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (!is_trusted(fd) || i->nsenders == SENDERS_MAX) {
		count(i, &i->counts.strangers, 1);
		close(fd);
		return;
	}
	i->senders[i->nsenders++] = (struct sender){.fd = fd,
		.id = ++i->last_id,
		.in = BUF_INIT(STORE_RECORD_MAX + READ_BYTES + 1),
		.out = BUF_INIT(ANSWERS_MAX)};
	count(i, &i->counts.clients, 1);
}

static void drop_sender(struct ingest *i, size_t at)
{
	struct sender *s = &i->senders[at];

	close(s->fd);
	buf_done(&s->in);
	buf_done(&s->out);
	i->senders[at] = i->senders[--i->nsenders];
	count(i, &i->counts.clients, (uint64_t)-1);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void read_sender(struct sender *s)
{
	char part[16 << 10];

	while (s->in.len < READ_BYTES || str_find_char(buf_str(&s->in), '\n') < 0) {
		ssize_t n = recv(s->fd, part, sizeof(part), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			s->is_over = true;
			return;
		}
		buf_add(&s->in, str_make(part, (size_t)n));
		/* a line without an end: there is no place from which to go on */
		if (s->in.cut) {
			s->is_over = s->is_deaf = true;
			return;
		}
	}
}

static bool has_line(const struct sender *s)
{
	return str_find_char(buf_str(&s->in), '\n') >= 0;
}

/* Moves lines into the batch; false, it is full. */
static bool take_lines(struct sender *s, struct putter_batch *b)
{
	struct str rest = buf_str(&s->in);
	ptrdiff_t end = 0;
	bool fits = true;

	while (fits && (end = str_find_char(rest, '\n')) >= 0) {
		fits = putter_add(b, s->id, str_head(rest, (size_t)end));
		if (fits) {
			rest = str_skip(rest, (size_t)end + 1);
			s->in_flight++;
		}
	}
	memmove(s->in.s, rest.s, rest.len);
	s->in.len = rest.len;
	return fits;
}

static bool gather(struct ingest *i, struct putter_batch *b)
{
	for (size_t k = 0; k < i->nsenders; k++)
		if (!i->senders[k].is_deaf && !take_lines(&i->senders[k], b))
			return false;
	return true;
}

/* ---- answering ------------------------------------------------------------------------------ */

static void send_answers(struct sender *s)
{
	while (s->out.len && !s->is_deaf) {
		ssize_t n = send(s->fd, s->out.s, s->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			s->is_deaf = true;
			return;
		}
		memmove(s->out.s, s->out.s + n, s->out.len - (size_t)n);
		s->out.len -= (size_t)n;
	}
}

static void answer_sender(
	struct ingest *i, struct sender *s, const struct store_put_result *r, size_t n)
{
	bool is_open = false; /* lines since the last answer */

	for (size_t k = 0; k < n; k++) {
		s->line++;
		is_open = r[k].code != STORE_REFUSED;
		if (is_open)
			continue;
		buf_printf(&s->out, "no %llu %s\n", (unsigned long long)s->line, r[k].reason);
		count(i, &i->counts.refused, 1);
	}
	if (is_open)
		buf_printf(&s->out, "ok %llu\n", (unsigned long long)s->line);
	s->in_flight -= n;
	if (s->out.cut)
		s->is_deaf = true;
	send_answers(s);
}

/* NULL: it is gone. */
static struct sender *find_sender(struct ingest *i, uint64_t id)
{
	for (size_t k = 0; k < i->nsenders; k++)
		if (i->senders[k].id == id)
			return &i->senders[k];
	return NULL;
}

/* For every batch that is durable. */
static void answer_all(struct ingest *i)
{
	struct putter_batch *b = NULL;

	while ((b = putter_done(i->putter))) {
		const struct store_put_result *r = b->results;

		count(i, &i->counts.records, b->nrecords);
		count(i, &i->counts.batches, 1);
		for (size_t k = 0; k < b->nparts; k++) {
			struct sender *s = find_sender(i, b->parts[k].sender);

			if (s)
				answer_sender(i, s, r, b->parts[k].n);
			r += b->parts[k].n;
		}
		putter_release(i->putter);
	}
}

/* ---- the thread ----------------------------------------------------------------------------- */

static struct pollfd sender_poll(const struct sender *s, bool reads)
{
	short want = (short)((reads && !s->is_over ? POLLIN : 0) | (s->out.len ? POLLOUT : 0));

	/* without a wish it is left out: a hangup would be told again and again */
	return (struct pollfd){.fd = want ? s->fd : -1, .events = want};
}

/* Waits for lines (if it reads), answers, batches that were put. False: nothing came in time. */
static bool wait_for_any(struct ingest *i, bool reads, int timeout_ms)
{
	struct pollfd p[SENDERS_MAX + 3] = {{.fd = i->wake, .events = POLLIN},
		{.fd = i->fd, .events = POLLIN}, {.fd = putter_fd(i->putter), .events = POLLIN}};
	size_t n = i->nsenders;

	for (size_t k = 0; k < n; k++)
		p[k + 3] = sender_poll(&i->senders[k], reads);
	int ready = poll(p, n + 3, timeout_ms);
	if (ready <= 0)
		return false;
	if (p[0].revents)
		i->is_stopping = true;
	for (size_t k = 0; k < n; k++) {
		if (reads && p[k + 3].revents & (POLLIN | POLLHUP | POLLERR))
			read_sender(&i->senders[k]);
		if (p[k + 3].revents & (POLLOUT | POLLHUP | POLLERR))
			send_answers(&i->senders[k]);
	}
	if (p[2].revents)
		answer_all(i);
	if (p[1].revents)
		accept_sender(i);
	return true;
}

static bool has_lines(const struct ingest *i)
{
	for (size_t k = 0; k < i->nsenders; k++)
		if (!i->senders[k].is_deaf && has_line(&i->senders[k]))
			return true;
	return false;
}

/* A little patience makes a batch of what comes together. */
static void fill(struct ingest *i, struct putter_batch *b)
{
	uint64_t until = clock_boot_ns() + GATHER_MS * 1000000ULL;

	while (gather(i, b) && !i->is_stopping) {
		uint64_t now = clock_boot_ns();

		if (now >= until || !wait_for_any(i, true, (int)((until - now) / 1000000) + 1))
			return;
	}
}

static void drop_senders(struct ingest *i)
{
	for (size_t k = i->nsenders; k-- > 0;) {
		const struct sender *s = &i->senders[k];
		bool is_quiet = !s->in_flight && !s->out.len && !has_line(s);

		if (s->is_deaf || (s->is_over && is_quiet))
			drop_sender(i, k);
	}
}

static void *run(void *arg)
{
	struct ingest *i = arg;

	while (!i->is_stopping) {
		struct putter_batch *b = putter_free_batch(i->putter);

		if (b && has_lines(i)) {
			fill(i, b);
			putter_give(i->putter, b);
		} else {
			wait_for_any(i, b != NULL, -1);
		}
		drop_senders(i);
	}
	putter_stop(i->putter);
	answer_all(i);
	return NULL;
}

int ingest_start(struct ingest *i, struct store *s, struct err *e)
{
	int r = putter_new(s, &i->putter, e);
	if (r < 0)
		return r;
	r = pthread_create(&i->thread, NULL, run, i);
	if (r)
		return err_set(e, r, "cannot start a thread: %s", strerror(r));
	i->has_thread = true;
	return 0;
}

struct ingest_counts ingest_counts(struct ingest *i)
{
	pthread_mutex_lock(&i->lock);
	struct ingest_counts c = i->counts;
	pthread_mutex_unlock(&i->lock);
	if (i->putter) {
		struct putter_trouble t = putter_trouble(i->putter);

		c.retries = t.retries;
		c.is_stuck = t.is_stuck;
		memcpy(c.why, t.why, sizeof(c.why));
	}
	return c;
}

void ingest_stop(struct ingest *i)
{
	uint64_t one = 1;

	if (!i || !i->has_thread)
		return;
	/* cannot fail: the counter is far from its end */
	(void)!write(i->wake, &one, sizeof(one));
	pthread_join(i->thread, NULL);
	i->has_thread = false;
}

void ingest_free(struct ingest *i)
{
	if (!i)
		return;
	ingest_stop(i);
	putter_free(i->putter);
	while (i->nsenders)
		drop_sender(i, i->nsenders - 1);
	if (i->fd >= 0)
		close(i->fd);
	if (i->wake >= 0)
		close(i->wake);
	if (i->path)
		unlink(i->path);
	free(i->path);
	pthread_mutex_destroy(&i->lock);
	free(i);
}
