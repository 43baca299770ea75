/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of threads, kept only with options.descriptors: captures name a thread, never its
 * process. It knows who belongs to whom and nothing of events. At the cap the oldest goes; if it
 * lives, its next event brings it back.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/state/private.h"

enum { THREADS_PER_CHUNK = 64 };

void *chunk_add(struct chunk **list, size_t bytes)
{
	struct chunk *c = calloc(1, sizeof(*c) + bytes);

	if (!c)
		return NULL;
	c->next = *list;
	*list = c;
	return c->rows;
}

void chunks_free(struct chunk *list)
{
	while (list) {
		struct chunk *next = list->next;

		free(list);
		list = next;
	}
}

static bool thread_eq(const void *row, const void *key)
{
	return ((const struct thread_row *)row)->t.tid == *(const uint32_t *)key;
}

void threads_init(struct state *s)
{
	table_init(&s->threads, thread_eq, s->o.max_threads);
}

void threads_done(struct state *s)
{
	size_t pos = 0;

	for (struct thread_row *t; (t = table_next(&s->threads, &pos));)
		text_block_unref(&s->fds.names, t->text);
	table_done(&s->threads);
	chunks_free(s->thread_chunks);
}

static struct thread_row **recent(const struct state *s, uint32_t tid)
{
	return (struct thread_row **)&s->recent_threads[tid % RECENT_THREADS];
}

struct thread_row *thread_look_up(const struct state *s, uint32_t tid)
{
	struct thread_row *t = table_find(&s->threads, hash_u64(tid), &tid);

	if (t)
		*recent(s, tid) = t;
	return t;
}

static void join(struct thread_row *t, struct row *row)
{
	t->row = row;
	t->t.proc = &row->p;
	t->prev = NULL;
	t->next = row->threads;
	if (row->threads)
		row->threads->prev = t;
	row->threads = t;
}

static void leave(struct thread_row *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		t->row->threads = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->next = t->prev = NULL;
}

static void age_add(struct state *s, struct thread_row *t)
{
	t->older = s->thread_newest;
	t->newer = NULL;
	if (s->thread_newest)
		s->thread_newest->newer = t;
	else
		s->thread_oldest = t;
	s->thread_newest = t;
}

static void age_remove(struct state *s, struct thread_row *t)
{
	if (t->older)
		t->older->newer = t->newer;
	else
		s->thread_oldest = t->newer;
	if (t->newer)
		t->newer->older = t->older;
	else
		s->thread_newest = t->older;
}

static void set_name(struct state *s, struct thread_row *t, struct str comm)
{
	text_block_unref(&s->fds.names, t->text);
	t->text = text_block_new(&s->fds.names, comm, &t->t.comm);
}

void thread_rename(struct state *s, struct thread_row *t, struct str comm)
{
	if (!str_eq(t->t.comm, comm))
		set_name(s, t, comm);
}

void thread_drop(struct state *s, struct thread_row *t)
{
	leave(t);
	age_remove(s, t);
	table_take(&s->threads, hash_u64(t->t.tid), &t->t.tid);
	*recent(s, t->t.tid) = NULL;
	set_name(s, t, STR_NULL);
	s->n.threads--;
	t->next = s->free_threads;
	s->free_threads = t;
}

void threads_drop(struct state *s, struct row *row, uint32_t but)
{
	for (struct thread_row *t = row->threads, *next; t; t = next) {
		next = t->next;
		if (!but || t->t.tid != but)
			thread_drop(s, t);
	}
}

static struct thread_row *new_thread(struct state *s)
{
	if (!s->free_threads) {
		struct thread_row *rows =
			chunk_add(&s->thread_chunks, THREADS_PER_CHUNK * sizeof(*rows));

		for (int i = 0; rows && i < THREADS_PER_CHUNK; i++) {
			rows[i].next = s->free_threads;
			s->free_threads = &rows[i];
		}
	}
	struct thread_row *t = s->free_threads;

	if (t) {
		s->free_threads = t->next;
		*t = (struct thread_row){0};
	}
	return t;
}

struct thread_row *thread_add(struct state *s, uint32_t tid, uint32_t vtid, struct row *row)
{
	struct thread_row *t = thread_find(s, tid);

	if (t) {
		if (t->row != row) {
			leave(t);
			join(t, row);
		}
		t->t.vtid = vtid ? vtid : t->t.vtid;
		return t;
	}
	while (s->threads.count >= s->o.max_threads && s->thread_oldest) {
		thread_drop(s, s->thread_oldest);
		s->n.evicted_threads++;
	}
	if (!(t = new_thread(s)))
		return NULL;
	t->t.tid = tid;
	t->t.vtid = vtid ? vtid : tid;
	t->made_ns = s->now_ns;
	if (table_put(&s->threads, hash_u64(tid), t) < 0) {
		t->next = s->free_threads;
		s->free_threads = t;
		return NULL;
	}
	join(t, row);
	age_add(s, t);
	s->n.threads++;
	return t;
}

/* ---- the door ---- */

/* What the caller sees has the name that the thread goes by. */
const struct thread *state_thread_find(const struct state *s, uint32_t tid)
{
	struct thread_row *t = thread_find(s, tid);

	if (t && !t->text)
		t->t.comm = t->row->p.comm;
	return t ? &t->t : NULL;
}

const struct thread *state_thread_next(const struct state *s, size_t *pos)
{
	struct thread_row *t = table_next(&s->threads, pos);

	if (t && !t->text)
		t->t.comm = t->row->p.comm;
	return t ? &t->t : NULL;
}
