/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of processes: rows, who descends from whom, and who must go when it is full. It knows
 * no events and no /proc.
 *
 * Each row is live or a tombstone. A tombstone stays only while somebody names it as parent, so
 * that the ancestors of an orphan can still be told. Two lists keep the order of eviction: the
 * tombstones by death, the live ones by when they were last seen; at the cap the oldest tombstone
 * goes first. refs counts the children, live and dead, of a row.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "engine/state/private.h"

enum { ROWS_PER_CHUNK = 64 };

struct row_chunk {
	struct row_chunk *next;
	struct row rows[ROWS_PER_CHUNK];
};

static uint64_t key_hash(uint32_t pid, uint64_t start_ns)
{
	/* by tick, so that an exact and a truncated start meet */
	return hash_u64(hash_u64(start_ns / TICK_NS) ^ pid);
}

static uint64_t pid_hash(uint32_t pid)
{
	return hash_u64(pid);
}

static bool key_eq(const void *row, const void *key)
{
	const struct row *r = row;
	const struct lookup_key *k = key;

	/* one pid cannot have two lives in one tick: it would take a whole round of pids */
	return r->p.pid == k->pid && r->p.start_ns / TICK_NS == k->start_ns / TICK_NS;
}

static bool pid_eq(const void *row, const void *key)
{
	return ((const struct row *)row)->p.pid == *(const uint32_t *)key;
}

static void list_add(struct row_list *l, struct process *p)
{
	p->older = l->newest;
	p->newer = NULL;
	if (l->newest)
		l->newest->newer = p;
	else
		l->oldest = p;
	l->newest = p;
}

static void list_remove(struct row_list *l, struct process *p)
{
	if (p->older)
		p->older->newer = p->newer;
	else
		l->oldest = p->newer;
	if (p->newer)
		p->newer->older = p->older;
	else
		l->newest = p->older;
	p->older = p->newer = NULL;
}

int rows_init(struct state *s)
{
	/* one more: a row whose start is refined is in two slots for a moment */
	table_init(&s->by_key, key_eq, s->o.max_processes + 1);
	table_init(&s->by_pid, pid_eq, s->o.max_processes);
	s->nobody = calloc(1, sizeof(*s->nobody));
	return s->nobody ? 0 : -ENOMEM;
}

void rows_done(struct state *s)
{
	size_t pos = 0;

	for (struct row *r; (r = table_next(&s->by_key, &pos));) {
		text_drop(&s->texts, &r->p);
		container_unref(r->p.container);
		fds_close(s, r);
	}
	while (s->chunks) {
		struct row_chunk *next = s->chunks->next;

		free(s->chunks);
		s->chunks = next;
	}
	table_done(&s->by_key);
	table_done(&s->by_pid);
	free(s->nobody);
}

struct row *row_find(const struct state *s, uint32_t pid, uint64_t start_ns)
{
	struct lookup_key key = {pid, start_ns};

	return table_find(&s->by_key, key_hash(pid, start_ns), &key);
}

struct row *row_by_pid(const struct state *s, uint32_t pid)
{
	return table_find(&s->by_pid, pid_hash(pid), &pid);
}

void row_renew(struct state *s, struct row *r)
{
	if (row_is_dead(r) || r == s->nobody)
		return;
	list_remove(&s->live, &r->p);
	list_add(&s->live, &r->p);
}

static void unlink_parent(struct row *r)
{
	struct row *parent = (struct row *)r->p.parent;

	if (!parent)
		return;
	if (r->prev_sibling)
		r->prev_sibling->next_sibling = r->next_sibling;
	else
		parent->first_child = r->next_sibling;
	if (r->next_sibling)
		r->next_sibling->prev_sibling = r->prev_sibling;
	r->next_sibling = r->prev_sibling = NULL;
	r->p.parent = NULL;
	parent->p.refs--;
	if (!row_is_dead(r))
		parent->p.nchildren--;
}

/* Would the parent make r its own ancestor? Only a row with children can be in a chain. */
static bool makes_loop(const struct row *r, const struct row *parent)
{
	if (r == parent)
		return true;
	if (!r->first_child)
		return false;
	const struct process *p = &parent->p;

	for (unsigned i = 0; i < DEPTH_MAX && p; i++, p = p->parent)
		if (p == &r->p)
			return true;
	return p != NULL;
}

static void free_row(struct state *s, struct row *r);

/* A tombstone that nobody names any more goes, and so may its own ancestors. */
static void sweep_up(struct state *s, struct row *r)
{
	while (r && row_is_dead(r) && !r->p.refs) {
		struct row *parent = (struct row *)r->p.parent;

		free_row(s, r);
		r = parent;
	}
}

void row_set_parent(struct state *s, struct row *r, struct row *parent)
{
	struct row *old = (struct row *)r->p.parent;

	if (old == parent || (parent && makes_loop(r, parent)))
		return;
	unlink_parent(r);
	if (parent) {
		r->p.parent = &parent->p;
		r->next_sibling = parent->first_child;
		if (parent->first_child)
			parent->first_child->prev_sibling = r;
		parent->first_child = r;
		parent->p.refs++;
		if (!row_is_dead(r))
			parent->p.nchildren++;
	}
	sweep_up(s, old);
}

void row_set_container(struct process *p, struct container *c)
{
	if (p->container == c)
		return;
	if (c)
		c->refs++;
	container_unref(p->container);
	p->container = c;
}

void row_copy_values(struct state *s, struct row *r, const struct process *from)
{
	struct process *p = &r->p, mine;

	text_drop(&s->texts, p);
	mine = *p;
	*p = *from;
	p->pid = mine.pid;
	p->refs = mine.refs;
	p->start_ns = mine.start_ns;
	p->parent = mine.parent;
	p->nthreads = mine.nthreads;
	p->nchildren = mine.nchildren;
	p->container = mine.container;
	p->files = mine.files;
	p->older = mine.older;
	p->newer = mine.newer;
	p->sid_leader_cache = NULL;
	p->exit_epoch_ns = 0;
	p->comm = p->exe = p->exepath = p->cwd = p->root = STR_NULL;
	p->args = p->env = p->cgroups = STR_NULL;
	p->text = NULL;
}

/* A process that has ended holds no threads and no descriptors. */
static void drop_tables(struct state *s, struct row *r)
{
	if (!s->o.descriptors)
		return;
	threads_drop(s, r, 0);
	fds_close(s, r);
}

/* Takes the row out of everything; its children must be gone or moved. */
static void free_row(struct state *s, struct row *r)
{
	struct lookup_key key = {r->p.pid, r->p.start_ns};

	assert(!r->first_child && !r->p.refs);
	unlink_parent(r);
	table_take(&s->by_key, key_hash(key.pid, key.start_ns), &key);
	if (row_is_dead(r)) {
		list_remove(&s->dead, &r->p);
		s->n.tombstones--;
	} else {
		list_remove(&s->live, &r->p);
		table_take(&s->by_pid, pid_hash(r->p.pid), &r->p.pid);
		s->n.processes--;
	}
	text_drop(&s->texts, &r->p);
	row_set_container(&r->p, NULL);
	drop_tables(s, r);
	if (s->dying == r)
		s->dying = NULL;
	if (s->actor == r)
		s->actor = NULL;
	r->next_sibling = s->free_rows;
	s->free_rows = r;
}

/* The children of a row that goes get the live process of their ppid as parent, or none. */
static void orphan(struct state *s, struct row *r)
{
	while (r->first_child) {
		struct row *child = r->first_child;
		struct row *heir = row_by_pid(s, child->p.ppid);

		if (heir == r || heir == child || (heir && makes_loop(child, heir)))
			heir = NULL;
		unlink_parent(child);
		row_set_parent(s, child, heir);
	}
}

static void evict(struct state *s, struct row *r)
{
	struct row *parent = (struct row *)r->p.parent;

	if (row_is_dead(r))
		s->n.evicted_tombstones++;
	else
		s->n.evicted_live++;
	orphan(s, r);
	free_row(s, r);
	sweep_up(s, parent);
}

static struct row *new_row(struct state *s)
{
	if (s->free_rows) {
		struct row *r = s->free_rows;

		s->free_rows = r->next_sibling;
		return r;
	}
	struct row_chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->next = s->chunks;
	s->chunks = chunk;
	for (int i = 1; i < ROWS_PER_CHUNK; i++) {
		chunk->rows[i].next_sibling = s->free_rows;
		s->free_rows = &chunk->rows[i];
	}
	return &chunk->rows[0];
}

/* Room for one more, by the order of eviction. The two newest live rows are never taken. */
static void make_room(struct state *s)
{
	while (s->by_key.count >= s->o.max_processes) {
		if (s->dead.oldest)
			evict(s, row_of(s->dead.oldest));
		else
			evict(s, row_of(s->live.oldest));
	}
}

struct row *row_add(struct state *s, uint32_t pid, uint64_t start_ns)
{
	struct row *old = row_by_pid(s, pid);

	/* its exit was lost: pids are unique among the living */
	if (old)
		row_bury(s, old, s->now_ns);
	old = row_find(s, pid, start_ns);
	if (old) /* the same life again, after its exit */
		evict(s, old);
	make_room(s);
	struct row *r = new_row(s);

	if (!r)
		return NULL;
	*r = (struct row){.seen_ns = s->now_ns};
	r->p.pid = pid;
	r->p.start_ns = start_ns;
	r->p.loginuid = r->p.uid = r->p.gid = UINT32_MAX;
	r->p.nthreads = 1;
	if (table_put(&s->by_key, key_hash(pid, start_ns), r) < 0)
		goto no_memory;
	if (table_put(&s->by_pid, pid_hash(pid), r) < 0) {
		struct lookup_key key = {pid, start_ns};

		table_take(&s->by_key, key_hash(pid, start_ns), &key);
		goto no_memory;
	}
	list_add(&s->live, &r->p);
	s->n.processes++;
	if (s->o.descriptors)
		fds_open(s, r);
	return r;
no_memory:
	r->next_sibling = s->free_rows;
	s->free_rows = r;
	return NULL;
}

void row_refine_start(struct state *s, struct row *r, uint64_t start_ns)
{
	struct lookup_key key = {r->p.pid, r->p.start_ns};

	/* within a tick it is the same slot; else it is in two slots for a moment */
	if (r->p.start_ns / TICK_NS != start_ns / TICK_NS) {
		if (table_put(&s->by_key, key_hash(r->p.pid, start_ns), r) < 0)
			return;
		table_take(&s->by_key, key_hash(key.pid, key.start_ns), &key);
	}
	r->p.start_ns = start_ns;
}

void row_bury(struct state *s, struct row *r, uint64_t epoch_ns)
{
	if (row_is_dead(r))
		return;
	for (struct row *c = r->first_child; c; c = c->next_sibling)
		if (c->p.ppid == r->p.pid && (r->reaper || c->p.vpid == c->p.pid))
			c->p.ppid = r->reaper ? r->reaper : 1;
	table_take(&s->by_pid, pid_hash(r->p.pid), &r->p.pid);
	list_remove(&s->live, &r->p);
	s->n.processes--;
	r->p.exit_epoch_ns = epoch_ns ? epoch_ns : 1;
	if (r->p.parent)
		r->p.parent->nchildren--;
	list_add(&s->dead, &r->p);
	s->n.tombstones++;
	if (s->dying == r)
		s->dying = NULL;
	drop_tables(s, r);
	sweep_up(s, r);
}

void row_revive(struct state *s, struct row *r)
{
	struct row *now = row_by_pid(s, r->p.pid);

	if (!row_is_dead(r))
		return;
	if (now) {
		r->p.refs++; /* it may stay only because of the one that is buried */
		row_bury(s, now, s->now_ns);
		r->p.refs--;
	}
	if (table_put(&s->by_pid, pid_hash(r->p.pid), r) < 0)
		return;
	list_remove(&s->dead, &r->p);
	s->n.tombstones--;
	r->p.exit_epoch_ns = 0;
	r->reaper = 0;
	if (r->p.parent)
		r->p.parent->nchildren++;
	list_add(&s->live, &r->p);
	s->n.processes++;
	if (s->o.descriptors && !r->p.files)
		fds_open(s, r);
}
