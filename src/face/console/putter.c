/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread behind ingest that waits for the database. Batches are a ring of two with three
 * counters; nothing of a batch is touched by two threads at once. A batch that the store cannot
 * take (its disk is full) is tried again until it is taken or koban ends: it is never dropped, and
 * never acknowledged before.
 */
#include "face/console/putter.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { BATCHES = 2, RETRY_S = 1, IDLE_MS = 100 };

struct putter {
	struct store *store;
	int fd;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	uint64_t given, put, released;
	bool is_settled; /* since the last batch */
	bool is_stopping;
	struct putter_trouble trouble;
	struct putter_batch batches[BATCHES]; /* not of these */
};

/* ---- the thread ----------------------------------------------------------------------------- */

static void note(struct putter *p, const struct err *e)
{
	bool is_new = e && strcmp(p->trouble.why, e->msg) != 0;

	if (!e && p->trouble.is_stuck)
		log_info("store: takes records again");
	p->trouble.is_stuck = e != NULL;
	p->trouble.retries += e != NULL;
	snprintf(p->trouble.why, sizeof(p->trouble.why), "%.299s", e ? e->msg : "");
	if (is_new)
		log_error("store: %s; records wait at their senders", e->msg);
}

static int try_put(struct putter_batch *b, struct err *e)
{
	int rc = 0;

	if (!b->is_read)
		rc = store_batch_read(b->read, b->records, b->nrecords, b->results, e);
	b->is_read = rc == 0;
	return rc < 0 ? rc : store_batch_put(b->read, e);
}

/* Locked. False: the time is over. */
static bool wait_for_change(struct putter *p, const struct timespec *until)
{
	return pthread_cond_clockwait(&p->changed, &p->lock, CLOCK_MONOTONIC, until) != ETIMEDOUT;
}

static struct timespec from_now(uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ms += (uint64_t)t.tv_nsec / 1000000;
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec = (long)(ms % 1000) * 1000000 + t.tv_nsec % 1000000;
	return t;
}

/* Locked. */
static void rest(struct putter *p)
{
	struct timespec until = from_now(RETRY_S * 1000);

	while (!p->is_stopping && wait_for_change(p, &until))
		;
}

/* Locked. Nothing is given: after a while the store does what it left for later, so that no reader
 * has to wait for that. */
static void idle(struct putter *p)
{
	struct timespec until = from_now(IDLE_MS);
	struct err ignored; /* the next batch meets it again */

	while (!p->is_stopping && p->put == p->given) {
		if (p->is_settled) {
			pthread_cond_wait(&p->changed, &p->lock);
		} else if (!wait_for_change(p, &until)) {
			pthread_mutex_unlock(&p->lock);
			(void)!store_settle(p->store, &ignored);
			pthread_mutex_lock(&p->lock);
			p->is_settled = true;
		}
	}
}

static void *run(void *arg)
{
	struct putter *p = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping) {
		struct putter_batch *b = &p->batches[p->put % BATCHES];
		struct err e = {0};

		if (p->put == p->given) {
			idle(p);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		int rc = try_put(b, &e);
		pthread_mutex_lock(&p->lock);
		note(p, rc < 0 ? &e : NULL);
		if (rc < 0) {
			rest(p);
			continue;
		}
		p->put++;
		p->is_settled = false;
		/* cannot fail: the counter is far from its end */
		(void)!write(p->fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int putter_new(struct store *s, struct putter **ret, struct err *e)
{
	struct putter *p = calloc(1, sizeof(*p));
	bool is_whole = p != NULL;

	if (!p)
		return err_set(e, ENOMEM, "out of memory");
	p->store = s;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (size_t i = 0; i < BATCHES; i++) {
		struct putter_batch *b = &p->batches[i];

		b->text = BUF_INIT(PUTTER_BYTES);
		buf_reserve(&b->text, PUTTER_BYTES); /* lines are pointed to: it must not move */
		b->read = store_batch_new(s);
		is_whole &= b->read && b->text.cap > PUTTER_BYTES;
	}
	int r = is_whole && p->fd >= 0 ? 0 : err_set(e, ENOMEM, "out of memory");
	if (r == 0) {
		int code = pthread_create(&p->thread, NULL, run, p);

		p->has_thread = code == 0;
		if (code)
			r = err_set(e, code, "cannot start a thread: %s", strerror(code));
	}
	if (r < 0)
		putter_free(p);
	else
		*ret = p;
	return r;
}

void putter_stop(struct putter *p)
{
	if (!p || !p->has_thread)
		return;
	pthread_mutex_lock(&p->lock);
	p->is_stopping = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	p->has_thread = false;
}

void putter_free(struct putter *p)
{
	if (!p)
		return;
	putter_stop(p);
	for (size_t i = 0; i < BATCHES; i++) {
		store_batch_free(p->batches[i].read);
		buf_done(&p->batches[i].text);
	}
	if (p->fd >= 0)
		close(p->fd);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- the gatherer's side -------------------------------------------------------------------- */

int putter_fd(const struct putter *p)
{
	return p->fd;
}

struct putter_batch *putter_free_batch(struct putter *p)
{
	pthread_mutex_lock(&p->lock);
	struct putter_batch *b =
		p->given - p->released < BATCHES ? &p->batches[p->given % BATCHES] : NULL;
	pthread_mutex_unlock(&p->lock);
	return b;
}

/* The last part if it is the sender's; a new one otherwise. */
static struct putter_part *part_of(struct putter_batch *b, uint64_t sender)
{
	if (b->nparts && b->parts[b->nparts - 1].sender == sender)
		return &b->parts[b->nparts - 1];
	if (b->nparts == PUTTER_PARTS)
		return NULL;
	b->parts[b->nparts] = (struct putter_part){.sender = sender};
	return &b->parts[b->nparts++];
}

bool putter_add(struct putter_batch *b, uint64_t sender, struct str line)
{
	size_t start = b->text.len;
	struct putter_part *part = NULL;

	if (b->nrecords == PUTTER_RECORDS || start + line.len > PUTTER_BYTES)
		return false;
	part = part_of(b, sender);
	if (!part)
		return false;
	part->n++;
	buf_add(&b->text, line);
	b->records[b->nrecords++] = str_make(b->text.s + start, line.len);
	return true;
}

void putter_give(struct putter *p, struct putter_batch *b)
{
	struct err ignored; /* the thread tries it again, and says what is wrong */

	b->is_read = store_batch_read(b->read, b->records, b->nrecords, b->results, &ignored) == 0;
	pthread_mutex_lock(&p->lock);
	p->given++;
	pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

struct putter_batch *putter_done(struct putter *p)
{
	uint64_t n = 0;

	(void)!read(p->fd, &n, sizeof(n));
	pthread_mutex_lock(&p->lock);
	struct putter_batch *b = p->released < p->put ? &p->batches[p->released % BATCHES] : NULL;
	pthread_mutex_unlock(&p->lock);
	return b;
}

void putter_release(struct putter *p)
{
	pthread_mutex_lock(&p->lock);
	struct putter_batch *b = &p->batches[p->released++ % BATCHES];
	buf_clear(&b->text);
	b->nrecords = b->nparts = 0;
	pthread_mutex_unlock(&p->lock);
}

struct putter_trouble putter_trouble(struct putter *p)
{
	pthread_mutex_lock(&p->lock);
	struct putter_trouble t = p->trouble;
	pthread_mutex_unlock(&p->lock);
	return t;
}
