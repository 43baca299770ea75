/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listeners and their queues. One lock guards all: a message is a reference in each queue, so that
 * holding it is short whoever listens. A listener's connection sleeps in libmicrohttpd while its
 * queue is empty.
 */
#include "face/console/hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "face/console/private.h"

struct message {
	unsigned refs;
	uint64_t sequence, time_ns;
	size_t len;
	char text[];
};

struct listener {
	struct listener *prev, *next;
	struct hub *hub;
	struct MHD_Connection *mhd;
	struct connection *connection;
	char user[USER_NAME_MAX + 1], session[65];
	struct message *queue[HUB_QUEUE_MAX];
	size_t first, n, bytes;
	size_t sent; /* of the first message */
	uint64_t began_ns;
	bool sleeps, is_over;
};

struct hub {
	pthread_mutex_t lock;
	struct connections *connections;
	struct listener *listeners;
	struct message *kept[HUB_KEPT]; /* a ring, by sequence */
	uint64_t run, sequence;         /* of the last finding */
	struct hub_counts counts;
	bool is_closed;
};

int hub_new(struct connections *l, struct hub **ret, struct err *e)
{
	struct hub *h = calloc(1, sizeof(*h));

	if (!h)
		return err_set(e, ENOMEM, "out of memory");
	pthread_mutex_init(&h->lock, NULL);
	h->connections = l;
	/* tells this run's sequence from the one before */
	h->run = clock_epoch_ns() / 1000000;
	*ret = h;
	return 0;
}

/* ---- messages ------------------------------------------------------------------------------- */

static void message_unref(struct message *m)
{
	if (m && --m->refs == 0)
		free(m);
}

static struct message *message_new(struct str text, uint64_t sequence, uint64_t time_ns)
{
	struct message *m = malloc(sizeof(*m) + text.len);

	if (!m)
		return NULL;
	*m = (struct message){1, sequence, time_ns, text.len};
	memcpy(m->text, text.s, text.len);
	return m;
}

void hub_format(const struct hub *h, struct buf *out, const char *event, struct str data,
	uint64_t sequence, uint64_t time_ns)
{
	if (sequence || time_ns)
		/* what came from the store has no place in this run's sequence: only a time */
		buf_printf(out, "id: %llx-%llx-%llx\n", (unsigned long long)(sequence ? h->run : 0),
			(unsigned long long)sequence, (unsigned long long)time_ns);
	buf_printf(out, "event: %s\ndata: ", event);
	buf_add(out, data);
	buf_add_cstr(out, "\n\n");
}

static bool parse_hex(struct str *rest, uint64_t *ret)
{
	struct str word = str_cut(rest, '-');

	return word.len && str_to_u64(word, 16, ret);
}

bool hub_parse_place(struct str id, struct hub_place *ret)
{
	*ret = (struct hub_place){0};
	return parse_hex(&id, &ret->run) && parse_hex(&id, &ret->sequence) &&
	       parse_hex(&id, &ret->time_ns) && !id.s;
}

/* ---- queues --------------------------------------------------------------------------------- */

static void wake(struct listener *l)
{
	if (!l->sleeps)
		return;
	l->sleeps = false;
	MHD_resume_connection(l->mhd);
}

static void end(struct listener *l)
{
	l->is_over = true;
	wake(l);
}

static void push(struct listener *l, struct message *m)
{
	if (l->is_over)
		return;
	if (l->n == HUB_QUEUE_MAX || l->bytes + m->len > HUB_QUEUE_BYTES) {
		l->hub->counts.slow++;
		end(l);
		/* it may not read at all: nothing else would end it */
		connection_shut(l->hub->connections, l->connection);
		return;
	}
	l->queue[(l->first + l->n++) % HUB_QUEUE_MAX] = m;
	l->bytes += m->len;
	m->refs++;
	wake(l);
}

static void pop(struct listener *l)
{
	struct message *m = l->queue[l->first];

	l->first = (l->first + 1) % HUB_QUEUE_MAX;
	l->n--;
	l->bytes -= m->len;
	l->sent = 0;
	message_unref(m);
}

static void keep(struct hub *h, struct message *m)
{
	struct message **slot = &h->kept[m->sequence % HUB_KEPT];

	message_unref(*slot);
	*slot = m;
	m->refs++;
}

void hub_publish(
	struct hub *h, const char *event, struct str data, bool is_finding, uint64_t time_ns)
{
	struct buf text = BUF_INIT(HUB_MESSAGE_MAX);

	pthread_mutex_lock(&h->lock);
	uint64_t sequence = is_finding ? ++h->sequence : 0;
	if (is_finding || h->listeners) {
		hub_format(h, &text, event, data, sequence, is_finding ? time_ns : 0);
		struct message *m =
			text.cut ? NULL : message_new(buf_str(&text), sequence, time_ns);
		if (m) {
			h->counts.messages++;
			if (is_finding)
				keep(h, m);
			for (struct listener *l = h->listeners; l; l = l->next)
				push(l, m);
			message_unref(m);
		}
	}
	pthread_mutex_unlock(&h->lock);
	buf_done(&text);
}

void hub_ping(struct hub *h)
{
	uint64_t now = clock_boot_ns();

	hub_publish(h, "ping", STR("{}"), false, 0);
	pthread_mutex_lock(&h->lock);
	for (struct listener *l = h->listeners; l; l = l->next)
		if (now - l->began_ns > HUB_LIFE_S * NSEC_PER_SEC)
			end(l);
	pthread_mutex_unlock(&h->lock);
}

/* ---- listeners ------------------------------------------------------------------------------ */

static bool has_locked(const struct hub *h, const struct hub_place *p)
{
	if (p->run != h->run || p->sequence > h->sequence)
		return false;
	return h->sequence - p->sequence < HUB_KEPT;
}

bool hub_has(struct hub *h, const struct hub_place *p)
{
	pthread_mutex_lock(&h->lock);
	bool has = has_locked(h, p);
	pthread_mutex_unlock(&h->lock);
	return has;
}

uint64_t hub_sequence(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	uint64_t n = h->sequence;
	pthread_mutex_unlock(&h->lock);
	return n;
}

/*
 * Room for one more. A browser that is gone is noticed only when something is written to it, so
 * that one who reloads a page again and again would lock themselves out: the oldest stream of a
 * user who has too many makes room. False when there are too many in all.
 */
static bool make_room(struct hub *h, const char *user)
{
	struct listener *oldest = NULL;
	size_t of_user = 0, all = 0;

	for (struct listener *l = h->listeners; l; l = l->next) {
		if (l->is_over)
			continue;
		all++;
		if (strcmp(l->user, user) != 0)
			continue;
		of_user++;
		oldest = l; /* new ones are put in front */
	}
	if (of_user >= STREAMS_PER_USER) {
		end(oldest);
		connection_shut(h->connections, oldest->connection);
		all--;
	}
	return !h->is_closed && all < STREAMS_MAX;
}

static void replay(struct listener *l, const struct hub_place *from)
{
	struct hub *h = l->hub;

	for (uint64_t s = from->sequence + 1; s <= h->sequence; s++)
		if (h->kept[s % HUB_KEPT])
			push(l, h->kept[s % HUB_KEPT]);
}

struct listener *hub_listen(struct hub *h, const char *user, const char *session,
	const struct hub_place *from, struct connection *connection, struct MHD_Connection *mhd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->hub = h;
	l->mhd = mhd;
	l->connection = connection;
	l->began_ns = clock_boot_ns();
	str_copy(str_of(user), l->user, sizeof(l->user));
	str_copy(str_of(session), l->session, sizeof(l->session));
	pthread_mutex_lock(&h->lock);
	if (!make_room(h, user)) {
		pthread_mutex_unlock(&h->lock);
		free(l);
		return NULL;
	}
	l->next = h->listeners;
	if (l->next)
		l->next->prev = l;
	h->listeners = l;
	h->counts.listeners++;
	if (from && has_locked(h, from))
		replay(l, from);
	pthread_mutex_unlock(&h->lock);
	return l;
}

void listener_add(struct listener *l, struct str text)
{
	struct message *m = message_new(text, 0, 0);

	if (!m)
		return;
	pthread_mutex_lock(&l->hub->lock);
	push(l, m);
	message_unref(m);
	pthread_mutex_unlock(&l->hub->lock);
}

ssize_t listener_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct listener *l = arg;
	size_t n = 0;

	pthread_mutex_lock(&l->hub->lock);
	while (l->n && n < max) {
		struct message *m = l->queue[l->first];
		size_t part = m->len - l->sent < max - n ? m->len - l->sent : max - n;

		memcpy(buf + n, m->text + l->sent, part);
		n += part;
		l->sent += part;
		if (l->sent == m->len)
			pop(l);
	}
	bool is_over = l->is_over;
	if (!n && !is_over) {
		l->sleeps = true;
		MHD_suspend_connection(l->mhd);
	}
	pthread_mutex_unlock(&l->hub->lock);
	return n ? (ssize_t)n : is_over ? MHD_CONTENT_READER_END_OF_STREAM : 0;
}

void listener_free(void *arg)
{
	struct listener *l = arg;
	struct hub *h = l->hub;

	pthread_mutex_lock(&h->lock);
	*(l->prev ? &l->prev->next : &h->listeners) = l->next;
	if (l->next)
		l->next->prev = l->prev;
	h->counts.listeners--;
	while (l->n)
		pop(l);
	pthread_mutex_unlock(&h->lock);
	free(l);
}

void hub_end(struct hub *h, const char *user, const char *session)
{
	pthread_mutex_lock(&h->lock);
	for (struct listener *l = h->listeners; l; l = l->next)
		if (session ? strcmp(l->session, session) == 0 : strcmp(l->user, user) == 0)
			end(l);
	pthread_mutex_unlock(&h->lock);
}

struct hub_counts hub_counts(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	struct hub_counts c = h->counts;
	pthread_mutex_unlock(&h->lock);
	return c;
}

void hub_close(struct hub *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->is_closed = true;
	for (struct listener *l = h->listeners; l; l = l->next)
		end(l);
	pthread_mutex_unlock(&h->lock);
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HUB_KEPT; i++)
		message_unref(h->kept[i]);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
