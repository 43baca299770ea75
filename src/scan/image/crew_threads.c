/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which thread has which analyzer look at which batch. A thread that is free takes the analyzer
 * that is furthest behind, of those that nobody has at work; the thread of the pass does the same
 * while it waits. Batches are given back in order, when all analyzers have seen them. A thread that
 * is stuck in an analyzer holds up the whole layer, as it should: nothing may be left out. The
 * worker's limit of CPU time ends that.
 */
#include "scan/image/crew.h"

enum { STACK_BYTES = 4 << 20 };

/* ---- with the lock held --------------------------------------------------------------------- */

static struct lane *pick(struct crew *c)
{
	struct lane *best = NULL;

	for (size_t i = 0; i < c->nlanes; i++) {
		struct lane *n = &c->lanes[i];

		if (n->is_busy || n->next == c->head)
			continue;
		if (!best || c->head - n->next > c->head - best->next)
			best = n;
	}
	return best;
}

static void give_back(struct crew *c)
{
	while (c->tail != c->head && !c->batches[c->tail % BATCHES].nleft) {
		struct batch *b = &c->batches[c->tail++ % BATCHES];

		if (!b->window)
			continue;
		c->in_flight -= b->window->cap;
		window_unref(b->window);
		b->window = NULL;
	}
}

/* Lets go of the lock meanwhile. False: there is nothing to do. */
static bool work(struct crew *c)
{
	struct lane *n = pick(c);

	if (!n)
		return false;
	struct batch *b = &c->batches[n->next % BATCHES];

	n->is_busy = true;
	pthread_mutex_unlock(&c->lock);
	lane_see_batch(n, b);
	pthread_mutex_lock(&c->lock);
	n->is_busy = false;
	n->next++;
	b->nleft--;
	give_back(c);
	pthread_cond_broadcast(&c->changed);
	return true;
}

/* ---- the pass ------------------------------------------------------------------------------- */

static void set_busy(struct crew *c, bool is_busy)
{
	if (c->note)
		c->note->is_busy = is_busy;
}

static void wait(struct crew *c)
{
	if (!work(c))
		pthread_cond_wait(&c->changed, &c->lock);
}

void crew_publish(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	struct batch *b = &c->batches[c->head % BATCHES];

	b->nleft = (unsigned)c->nlanes;
	c->in_flight += b->window ? b->window->cap : 0;
	c->head++;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

void crew_wait_for_room(struct crew *c)
{
	set_busy(c, false);
	pthread_mutex_lock(&c->lock);
	while (c->head - c->tail == BATCHES || c->in_flight > IN_FLIGHT_MAX)
		wait(c);
	pthread_mutex_unlock(&c->lock);
	set_busy(c, true);
}

void crew_wait_for_all(struct crew *c)
{
	set_busy(c, false);
	pthread_mutex_lock(&c->lock);
	while (c->head != c->tail)
		wait(c);
	pthread_mutex_unlock(&c->lock);
	set_busy(c, true);
}

/* ---- the others ----------------------------------------------------------------------------- */

static void *help(void *arg)
{
	struct crew *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;)
		wait(c);
	return NULL;
}

void crew_start(struct crew *c)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (unsigned i = 1; i < c->nthreads; i++)
		if (pthread_create(&thread, &attr, help, c) != 0)
			break;
	pthread_attr_destroy(&attr);
}
