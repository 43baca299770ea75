/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of connections. libmicrohttpd closes a connection on which nothing moves; a client that
 * sends a byte now and then could keep it for ever. So each connection has a time by which its
 * request, or the reading of its answer, has to be over; then its socket is shut.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "face/console/private.h"

struct connection {
	struct connection *prev, *next;
	int fd;
	uint64_t due_ns; /* 0 = never */
};

struct connections {
	pthread_mutex_t lock;
	struct connection *first;
	size_t n;
};

int connections_new(struct connections **ret)
{
	struct connections *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	*ret = l;
	return 0;
}

void connections_free(struct connections *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct connection *connection_open(struct connections *l, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = fd;
	c->due_ns = clock_boot_ns() + REQUEST_S * NSEC_PER_SEC;
	pthread_mutex_lock(&l->lock);
	c->next = l->first;
	if (c->next)
		c->next->prev = c;
	l->first = c;
	l->n++;
	pthread_mutex_unlock(&l->lock);
	return c;
}

void connection_close(struct connections *l, struct connection *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&l->lock);
	*(c->prev ? &c->prev->next : &l->first) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	l->n--;
	pthread_mutex_unlock(&l->lock);
	free(c);
}

void connection_expect(struct connections *l, struct connection *c, unsigned seconds)
{
	if (!c)
		return;
	pthread_mutex_lock(&l->lock);
	c->due_ns = seconds ? clock_boot_ns() + seconds * NSEC_PER_SEC : 0;
	pthread_mutex_unlock(&l->lock);
}

/* libmicrohttpd closes the descriptor after connection_close(): under the lock it is ours. */
static void shut(struct connection *c)
{
	shutdown(c->fd, SHUT_RDWR);
	c->due_ns = 0;
}

void connection_shut(struct connections *l, struct connection *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&l->lock);
	shut(c);
	pthread_mutex_unlock(&l->lock);
}

size_t connections_sweep(struct connections *l, uint64_t now_ns)
{
	size_t n = 0;

	pthread_mutex_lock(&l->lock);
	for (struct connection *c = l->first; c; c = c->next)
		if (c->due_ns && c->due_ns <= now_ns) {
			shut(c);
			n++;
		}
	pthread_mutex_unlock(&l->lock);
	return n;
}

size_t connections_count(struct connections *l)
{
	pthread_mutex_lock(&l->lock);
	size_t n = l->n;
	pthread_mutex_unlock(&l->lock);
	return n;
}
