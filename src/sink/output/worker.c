/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread an output: takes the oldest record, sends it, removes it when it was taken. An output
 * that is down is tried again after a growing, jittered wait; meanwhile the keeper moves what waits
 * to the disk. It formats nothing and knows no kind of output.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

int thread_start(pthread_t *t, void *(*fn)(void *), void *arg, const char *name)
{
	sigset_t all, before;

	/*
	 * Signals are the main thread's; and a blocked SIGPIPE makes a write to a pipe or socket
	 * whose reader has gone an EPIPE, also inside libraries.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(t, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_setname_np(*t, name);
	return -r;
}

static bool has_room(const struct output *o, size_t n)
{
	return n < (o->ops->send_window ? o->ops->window : 1) &&
	       (n == 0 || o->record.len < WINDOW_BYTES);
}

static void publish_spool(struct output *o)
{
	uint64_t damaged = spool_damaged(o->spool);

	atomic_fetch_add(&o->dropped, damaged - o->damaged);
	o->damaged = damaged;
	atomic_store(&o->spooled, spool_count(o->spool));
	atomic_store(&o->spool_size, spool_bytes(o->spool));
}

/* From the spool, or -errno; what lies behind its first segment is for another time. */
static int take_spooled(struct output *o)
{
	int n = 0, r = spool_front(o->spool, &o->record);
	uint64_t pos = 0;

	publish_spool(o);
	if (r <= 0)
		return r;
	o->ends[n++] = o->record.len;
	while (has_room(o, (size_t)n) && spool_append_next(o->spool, &pos, &o->record))
		o->ends[n++] = o->record.len;
	return n;
}

static int take_queued(struct output *o)
{
	size_t pos = 0;
	int n = 0;

	pthread_mutex_lock(&o->lock);
	while (has_room(o, (size_t)n) && queue_append(&o->queue, &pos, &o->record))
		o->ends[n++] = o->record.len;
	pthread_mutex_unlock(&o->lock);
	return n;
}

/*
 * The oldest records into o->record, as many as go at once; they stay where they are. -errno when
 * they cannot be read from the disk now: then what waits behind them in memory has to wait, too.
 */
static int front(struct output *o)
{
	int n = 0;

	buf_clear(&o->record);
	pthread_mutex_lock(&o->spool_lock);
	if (o->spool && spool_count(o->spool))
		n = take_spooled(o);
	if (n == 0)
		n = take_queued(o);
	pthread_mutex_unlock(&o->spool_lock);
	return n;
}

/* Removes the first of what front() gave: still the oldest, wherever the keeper has put them. */
static void pop(struct output *o, size_t n)
{
	pthread_mutex_lock(&o->spool_lock);
	for (; n && spool_count(o->spool); n--)
		spool_pop(o->spool);
	if (o->spool)
		publish_spool(o);
	pthread_mutex_lock(&o->lock);
	for (; n; n--)
		queue_pop(&o->queue);
	pthread_mutex_unlock(&o->lock);
	pthread_mutex_unlock(&o->spool_lock);
}

static void timespec_of(uint64_t boot_ns, struct timespec *ts)
{
	/* the condition uses CLOCK_MONOTONIC; a suspended machine only waits a little longer */
	uint64_t now = clock_boot_ns(), left = boot_ns > now ? boot_ns - now : 0;

	clock_gettime(CLOCK_MONOTONIC, ts);
	left += (uint64_t)ts->tv_nsec;
	ts->tv_sec += (time_t)(left / NSEC_PER_SEC);
	ts->tv_nsec = (long)(left % NSEC_PER_SEC);
}

/* Between half and the whole of the wait, so that a fleet does not come back at one instant. */
static uint64_t jittered(struct output *o, uint64_t ms)
{
	o->random ^= o->random << 13;
	o->random ^= o->random >> 7;
	o->random ^= o->random << 17;
	return ms / 2 + o->random % (ms / 2 + 1);
}

/* Sleeps out the backoff, unless the end comes: then what remains belongs to the spool. */
static void back_off(struct output *o)
{
	const struct outputs_tuning *t = &o->all->tuning;
	uint64_t asked = o->ops->retry_after_ms ? o->ops->retry_after_ms(o->state) : 0;
	struct timespec until;

	o->backoff_ms = o->backoff_ms ? o->backoff_ms * 2 : t->backoff_min_ms;
	if (o->backoff_ms < asked)
		o->backoff_ms = asked;
	uint64_t most = o->ops->backoff_max_ms && o->ops->backoff_max_ms < t->backoff_max_ms
				? o->ops->backoff_max_ms
				: t->backoff_max_ms;
	if (o->backoff_ms > most)
		o->backoff_ms = most;
	uint64_t until_ns = clock_boot_ns() + jittered(o, o->backoff_ms) * 1000000;
	pthread_mutex_lock(&o->lock);
	while (!(o->closing && o->spool) && !atomic_load(&o->reopen)) {
		bool is_cut = o->closing && o->close_deadline_ns < until_ns;

		timespec_of(is_cut ? o->close_deadline_ns : until_ns, &until);
		if (pthread_cond_timedwait(&o->wake, &o->lock, &until) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&o->lock);
}

/* Once a change, and at most once a minute: some (UDP) go up and down with every finding. */
static void say_down(struct output *o, const struct err *e)
{
	uint64_t now = clock_boot_ns();

	pthread_mutex_lock(&o->lock);
	bool is_end = o->closing; /* a try that the end cut short says nothing of the peer */
	pthread_mutex_unlock(&o->lock);
	if (is_end || o->has_said_down || (o->said_ns && now - o->said_ns < 60 * NSEC_PER_SEC))
		return;
	o->has_said_down = true;
	o->said_ns = now;
	log_warn("output %s: %s; %s until it works again", o->config.name, e->msg,
		o->spool ? "findings go to the spool" : "findings wait in memory");
}

static void set_up(struct output *o)
{
	o->backoff_ms = 0;
	if (atomic_exchange(&o->is_down, false) && o->has_said_down) {
		o->has_said_down = false;
		log_info("output %s: works again", o->config.name);
	}
}

/* What the peer has answered for. */
static void settle_taken(struct output *o, struct sent s, const struct err *e)
{
	if (!s.taken)
		return;
	pop(o, s.taken);
	atomic_fetch_add(&o->sent, s.taken - s.refused);
	atomic_fetch_add(&o->dropped, s.refused);
	atomic_fetch_add(&o->refused, s.refused);
	if (s.refused && !o->has_refused)
		log_warn("output %s: %s; the finding is dropped", o->config.name, e->msg);
	o->has_refused = s.refused > 0;
	set_up(o);
}

static void settle_retry(struct output *o, const struct err *e)
{
	atomic_fetch_add(&o->failed_tries, 1);
	if (!atomic_exchange(&o->is_down, true))
		say_down(o, e);
	keeper_wake(o->all);
	back_off(o);
}

/* The reader has gone for good: what waits is counted as dropped, and so is all that comes. */
static void settle_ended(struct output *o, const struct err *e)
{
	int n;

	atomic_store(&o->has_ended, true);
	log_info("output %s: %s; this output ends", o->config.name, e->msg);
	while ((n = front(o)) > 0) {
		pop(o, (size_t)n);
		atomic_fetch_add(&o->dropped, (uint64_t)n);
	}
}

/* False when the worker's time is up. */
static bool wait_for_work(struct output *o)
{
	bool go_on;

	pthread_mutex_lock(&o->lock);
	while (!o->queue.count && !atomic_load(&o->spooled) && !o->closing && !o->offered &&
		!atomic_load(&o->reopen))
		pthread_cond_wait(&o->wake, &o->lock);
	bool is_empty = !o->queue.count && !atomic_load(&o->spooled);
	/* what is on disk is safe: an output that is down need not be waited for */
	go_on = !o->closing || (!is_empty && clock_boot_ns() < o->close_deadline_ns &&
				       !(o->spool && atomic_load(&o->is_down)));
	pthread_mutex_unlock(&o->lock);
	return go_on;
}

static enum send_result send_window(struct output *o, size_t n, struct sent *ret, struct err *e)
{
	struct str records[WINDOW_MAX];
	enum send_result r;

	for (size_t i = 0, start = 0; i < n; start = o->ends[i++])
		records[i] = str_make(o->record.s + start, o->ends[i] - start);
	if (o->ops->send_window)
		return o->ops->send_window(o->state, records, n, ret, e);
	r = o->ops->send(o->state, records[0], e);
	ret->taken = r == SEND_OK || r == SEND_REFUSED;
	ret->refused = r == SEND_REFUSED;
	return r == SEND_REFUSED ? SEND_OK : r;
}

static void send_oldest(struct output *o)
{
	struct err e = {0};
	struct sent done = {0};
	int n = front(o);

	if (n == 0) /* a damaged segment was skipped */
		return;
	if (n < 0) {
		err_set(&e, -n, "the spool cannot be read: %s", strerror(-n));
		settle_retry(o, &e);
		return;
	}
	enum send_result r = send_window(o, (size_t)n, &done, &e);
	settle_taken(o, done, &e);
	if (r == SEND_RETRY)
		settle_retry(o, &e);
	else if (r == SEND_ENDED)
		settle_ended(o, &e);
}

/* The newest of one slot, if there is one: a peer that does not take it has missed it. */
static void send_offer(struct output *o)
{
	struct err e = {0};
	struct sent done = {0};
	bool found = false;

	buf_clear(&o->record);
	pthread_mutex_lock(&o->lock);
	for (unsigned i = 0; i < OFFER_SLOTS && !found; i++) {
		found = o->offered & (1U << i);
		if (!found)
			continue;
		buf_add(&o->record, buf_str(&o->offers[i]));
		o->offered &= ~(1U << i);
	}
	pthread_mutex_unlock(&o->lock);
	if (!found)
		return;
	o->ends[0] = o->record.len;
	if (send_window(o, 1, &done, &e) == SEND_RETRY)
		settle_retry(o, &e);
	else
		set_up(o);
}

static bool has_findings(struct output *o)
{
	pthread_mutex_lock(&o->lock);
	bool has = o->queue.count || atomic_load(&o->spooled);
	pthread_mutex_unlock(&o->lock);
	return has;
}

static void *work(void *arg)
{
	struct output *o = arg;

	while (wait_for_work(o)) {
		if (atomic_exchange(&o->reopen, false) && o->ops->reopen)
			o->ops->reopen(o->state);
		/* findings go first; an offer in between, so that a long spool hides nothing */
		if (has_findings(o))
			send_oldest(o);
		if (!atomic_load(&o->is_down) || !has_findings(o))
			send_offer(o);
	}
	pthread_mutex_lock(&o->lock);
	o->done = true;
	pthread_cond_broadcast(&o->wake);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

int worker_start(struct output *o, struct err *e)
{
	char name[16];

	str_copy(str_of(o->config.name), name, sizeof(name));
	int r = thread_start(&o->worker, work, o, name);
	if (r < 0)
		return err_set(e, -r, "output %s: cannot start a thread: %s", o->config.name,
			strerror(-r));
	o->has_worker = true;
	return 0;
}
