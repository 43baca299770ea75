/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that does for all outputs what neither the engine nor a worker may wait for: moving
 * findings from memory to disk, and ending fold windows.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"

enum { MOVE_BATCH = 256 };

void keeper_wake(struct outputs *all)
{
	uint64_t one = 1;

	/* a full eventfd counter is awake already */
	if (write(all->keeper_fd, &one, sizeof(one)) < 0)
		return;
}

static void say_state(struct output *o, int r)
{
	if (r < 0 && !o->spool_is_bad)
		log_error("output %s: cannot write to the spool: %s; findings wait in memory, and "
			  "are dropped when that is full",
			o->config.name,
			r == -ENOSPC ? "it is full (spool.max_bytes or the disk)" : strerror(-r));
	else if (r == 0 && o->spool_is_bad)
		log_info("output %s: the spool takes findings again", o->config.name);
	o->spool_is_bad = r < 0;
}

/* Moves up to MOVE_BATCH records; how many, or -errno from the first that the disk did not take. */
static int move_batch(struct output *o)
{
	int n = 0, r = 0;

	for (; n < MOVE_BATCH; n++) {
		size_t pos = 0;

		pthread_mutex_lock(&o->lock);
		bool found = queue_peek(&o->queue, &pos, &o->moved);
		pthread_mutex_unlock(&o->lock);
		if (!found)
			break;
		if ((r = spool_append(o->spool, buf_str(&o->moved))) < 0)
			break;
		/* counted there before it is gone here: a reader may see it twice, never not at all
		 */
		atomic_store(&o->spooled, spool_count(o->spool));
		pthread_mutex_lock(&o->lock);
		queue_pop(&o->queue);
		pthread_mutex_unlock(&o->lock);
	}
	if (n) {
		int synced = spool_sync(o->spool);

		r = r < 0 ? r : synced;
	}
	atomic_store(&o->spool_size, spool_bytes(o->spool));
	if (r < 0)
		atomic_fetch_add(&o->spool_errors, 1);
	if (n || r < 0)
		say_state(o, r);
	return r < 0 ? r : n;
}

void output_spool_queue(struct output *o)
{
	int n;

	if (!o->spool)
		return;
	/* the lock is given up between batches, so that the worker comes through */
	do {
		pthread_mutex_lock(&o->spool_lock);
		n = move_batch(o);
		pthread_mutex_unlock(&o->spool_lock);
	} while (n == MOVE_BATCH);
}

static bool wants_spooling(struct output *o)
{
	if (!o->spool || atomic_load(&o->has_ended))
		return false;
	pthread_mutex_lock(&o->lock);
	const struct queue *q = &o->queue;
	bool is_half_full = q->count > q->max_count / 2 || queue_used(q) > q->size / 2;
	bool wants = q->count && (is_half_full || atomic_load(&o->is_down));
	pthread_mutex_unlock(&o->lock);
	return wants;
}

/* Until somebody wakes it; now and then by itself when windows may end. */
static void wait_tick(struct outputs *all)
{
	bool has_fold = false;

	for (size_t i = 0; i < all->noutputs; i++)
		has_fold = has_fold || all->outputs[i].fold;
	struct pollfd p = {.fd = all->keeper_fd, .events = POLLIN};
	poll(&p, 1, has_fold ? (int)all->tuning.tick_ms : -1);
}

static void *keep(void *arg)
{
	struct outputs *all = arg;

	while (!atomic_load(&all->keeper_stop)) {
		uint64_t n;

		wait_tick(all);
		if (read(all->keeper_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
			break;
		for (size_t i = 0; i < all->noutputs; i++) {
			output_fold_tick(&all->outputs[i], all->tuning.now_ns());
			if (wants_spooling(&all->outputs[i]))
				output_spool_queue(&all->outputs[i]);
		}
	}
	return NULL;
}

int keeper_start(struct outputs *all, struct err *e)
{
	int r = thread_start(&all->keeper, keep, all, "output-keeper");

	if (r < 0)
		return err_set(e, -r, "outputs: cannot start a thread: %s", strerror(-r));
	all->has_keeper = true;
	return 0;
}
