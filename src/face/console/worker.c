/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few threads that run handlers, and the bounded queue before them: the thread that speaks to the
 * network never waits for a database or a password hash, and a flood waits in the queue until it is
 * full and the rest is refused.
 */
#include <errno.h>
#include <stdlib.h>

#include "face/console/private.h"

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct request *first, **last;
	size_t n, max;
	bool is_over;
	work_fn fn;
	unsigned nthreads;
	pthread_t threads[];
};

static struct request *next_request(struct workers *w)
{
	struct request *q;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->is_over)
		pthread_cond_wait(&w->more, &w->lock);
	q = w->first;
	if (q) {
		w->first = q->next;
		if (!w->first)
			w->last = &w->first;
		w->n--;
	}
	pthread_mutex_unlock(&w->lock);
	return q;
}

static void *work(void *arg)
{
	struct workers *w = arg;
	struct request *q;

	while ((q = next_request(w)))
		w->fn(q);
	return NULL;
}

int workers_new(unsigned n, size_t queue_max, work_fn fn, struct workers **ret, struct err *e)
{
	struct workers *w = calloc(1, sizeof(*w) + n * sizeof(w->threads[0]));

	if (!w)
		return err_set(e, ENOMEM, "out of memory");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->last = &w->first;
	w->max = queue_max;
	w->fn = fn;
	for (; w->nthreads < n; w->nthreads++) {
		int r = pthread_create(&w->threads[w->nthreads], NULL, work, w);

		if (r) {
			workers_free(w);
			return err_set(e, r, "cannot start a thread: %s", strerror(r));
		}
	}
	*ret = w;
	return 0;
}

bool workers_add(struct workers *w, struct request *q)
{
	pthread_mutex_lock(&w->lock);
	bool fits = w->n < w->max && !w->is_over;
	if (fits) {
		q->next = NULL;
		*w->last = q;
		w->last = &q->next;
		w->n++;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return fits;
}

size_t workers_waiting(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	size_t n = w->n;
	pthread_mutex_unlock(&w->lock);
	return n;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->is_over = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->nthreads; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
