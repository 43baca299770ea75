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

/* The oldest record into o->record; it stays where it is. */
static bool front(struct output *o)
{
	bool found;

	pthread_mutex_lock(&o->spool_lock);
	found = o->spool && spool_count(o->spool) && spool_front(o->spool, &o->record);
	if (!found) {
		size_t pos = 0;

		pthread_mutex_lock(&o->lock);
		found = queue_peek(&o->queue, &pos, &o->record);
		pthread_mutex_unlock(&o->lock);
	}
	pthread_mutex_unlock(&o->spool_lock);
	return found;
}

static void publish_spool(struct output *o)
{
	atomic_store(&o->spooled, spool_count(o->spool));
	atomic_store(&o->spool_size, spool_bytes(o->spool));
}

/* Removes the record that front() gave: it is still the oldest, wherever the keeper has put it. */
static void pop(struct output *o)
{
	pthread_mutex_lock(&o->spool_lock);
	if (spool_count(o->spool)) {
		spool_pop(o->spool);
		publish_spool(o);
	} else {
		pthread_mutex_lock(&o->lock);
		queue_pop(&o->queue);
		pthread_mutex_unlock(&o->lock);
	}
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
	if (o->backoff_ms > t->backoff_max_ms)
		o->backoff_ms = t->backoff_max_ms;
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

static void settle_ok(struct output *o)
{
	pop(o);
	atomic_fetch_add(&o->sent, 1);
	o->has_refused = false;
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

static void settle_refused(struct output *o, const struct err *e)
{
	pop(o);
	atomic_fetch_add(&o->dropped, 1);
	atomic_fetch_add(&o->refused, 1);
	if (!o->has_refused)
		log_warn("output %s: %s; the finding is dropped", o->config.name, e->msg);
	o->has_refused = true;
	set_up(o);
}

/* The reader has gone for good: what waits is counted as dropped, and so is all that comes. */
static void settle_ended(struct output *o, const struct err *e)
{
	atomic_store(&o->has_ended, true);
	log_info("output %s: %s; this output ends", o->config.name, e->msg);
	while (front(o)) {
		pop(o);
		atomic_fetch_add(&o->dropped, 1);
	}
}

/* False when the worker's time is up. */
static bool wait_for_work(struct output *o)
{
	bool go_on;

	pthread_mutex_lock(&o->lock);
	while (!o->queue.count && !atomic_load(&o->spooled) && !o->closing &&
		!atomic_load(&o->reopen))
		pthread_cond_wait(&o->wake, &o->lock);
	bool is_empty = !o->queue.count && !atomic_load(&o->spooled);
	/* what is on disk is safe: an output that is down need not be waited for */
	go_on = !o->closing || (!is_empty && clock_boot_ns() < o->close_deadline_ns &&
				       !(o->spool && atomic_load(&o->is_down)));
	pthread_mutex_unlock(&o->lock);
	return go_on;
}

static void send_one(struct output *o)
{
	struct err e = {0};

	if (!front(o)) {
		/* a damaged segment was skipped */
		pthread_mutex_lock(&o->spool_lock);
		publish_spool(o);
		pthread_mutex_unlock(&o->spool_lock);
		return;
	}
	switch (o->ops->send(o->state, buf_str(&o->record), &e)) {
	case SEND_OK:
		settle_ok(o);
		break;
	case SEND_RETRY:
		settle_retry(o, &e);
		break;
	case SEND_REFUSED:
		settle_refused(o, &e);
		break;
	case SEND_ENDED:
		settle_ended(o, &e);
		break;
	}
}

static void *work(void *arg)
{
	struct output *o = arg;

	while (wait_for_work(o)) {
		if (atomic_exchange(&o->reopen, false) && o->ops->reopen)
			o->ops->reopen(o->state);
		send_one(o);
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
