/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strings of processes: one block a process, shared by reference between a parent and the
 * children that it forked, until one of them changes. Blocks come in size classes and go back to
 * free lists, so a storm of fork and exec does not fragment the heap; all together they stay under
 * one cap. This file knows no process but the strings of one.
 */
#include <stdlib.h>

#include "engine/state/private.h"

struct text_block {
	uint32_t refs;
	uint32_t cls;
	struct text_block *next; /* in a free list */
	char data[];
};

enum { STRING_MAX = 64 * 1024 }; /* of one string; the whole is 8 of them at most */

/* 64, 96, 128, 192, 256 … : a power of two, then half as much again */
static size_t class_size(uint32_t cls)
{
	size_t base = (size_t)64 << (cls / 2);

	return cls & 1 ? base + base / 2 : base;
}

static uint32_t class_of(size_t size)
{
	uint32_t cls = 0;

	while (cls < TEXT_CLASSES && class_size(cls) < size)
		cls++;
	return cls;
}

static void free_list(struct text_pool *pool, uint32_t cls)
{
	while (pool->free[cls]) {
		struct text_block *b = pool->free[cls];

		pool->free[cls] = b->next;
		pool->held -= class_size(cls);
		free(b);
	}
}

void text_pool_done(struct text_pool *pool)
{
	for (uint32_t cls = 0; cls < TEXT_CLASSES; cls++)
		free_list(pool, cls);
}

static struct text_block *block_get(struct text_pool *pool, size_t size)
{
	uint32_t cls = class_of(sizeof(struct text_block) + size);

	if (cls >= TEXT_CLASSES)
		return NULL;
	struct text_block *b = pool->free[cls];

	if (b) {
		pool->free[cls] = b->next;
		b->refs = 1;
		return b;
	}
	size_t bytes = class_size(cls);

	/* at the cap: what lies idle in other classes goes back first */
	for (uint32_t i = 0; i < TEXT_CLASSES && pool->held + bytes > pool->max; i++)
		free_list(pool, i);
	if (pool->held + bytes > pool->max || !(b = malloc(bytes)))
		return NULL;
	pool->nmallocs++;
	pool->held += bytes;
	*b = (struct text_block){.refs = 1, .cls = cls};
	return b;
}

struct text_block *text_block_new(struct text_pool *pool, struct str s, struct str *ret)
{
	*ret = STR_NULL;
	if (!s.len)
		return NULL;
	if (s.len > STRING_MAX)
		s.len = STRING_MAX;
	struct text_block *b = block_get(pool, s.len);

	if (!b)
		return NULL;
	memcpy(b->data, s.s, s.len);
	*ret = str_make(b->data, s.len);
	return b;
}

void text_block_unref(struct text_pool *pool, struct text_block *b)
{
	if (!b || --b->refs)
		return;
	b->next = pool->free[b->cls];
	pool->free[b->cls] = b;
}

static struct str *slot_of(struct process *p, enum text_kind kind)
{
	switch (kind) {
	case TEXT_COMM:
		return &p->comm;
	case TEXT_EXE:
		return &p->exe;
	case TEXT_EXEPATH:
		return &p->exepath;
	case TEXT_CWD:
		return &p->cwd;
	case TEXT_ROOT:
		return &p->root;
	case TEXT_ARGS:
		return &p->args;
	case TEXT_ENV:
		return &p->env;
	case TEXT_CGROUPS:
	case TEXT_COUNT:
		break;
	}
	return &p->cgroups;
}

struct text_values text_get(const struct process *p)
{
	return (struct text_values){
		{p->comm, p->exe, p->exepath, p->cwd, p->root, p->args, p->env, p->cgroups}};
}

void text_drop(struct text_pool *pool, struct process *p)
{
	struct text_block *b = p->text;

	for (int i = 0; i < TEXT_COUNT; i++)
		*slot_of(p, i) = STR_NULL;
	p->text = NULL;
	text_block_unref(pool, b);
}

void text_share(struct process *to, const struct process *from)
{
	struct text_values v = text_get(from);
	struct text_block *b = from->text;

	for (int i = 0; i < TEXT_COUNT; i++)
		*slot_of(to, i) = v.v[i];
	to->text = b;
	if (b)
		b->refs++;
}

static size_t total(const struct text_values *v)
{
	size_t n = 0;

	for (int i = 0; i < TEXT_COUNT; i++)
		n += v->v[i].len;
	return n;
}

bool text_set(struct text_pool *pool, struct process *p, const struct text_values *values)
{
	struct text_values v = *values;
	bool whole = true;

	for (int i = 0; i < TEXT_COUNT; i++)
		if (v.v[i].len > STRING_MAX)
			v.v[i].len = STRING_MAX, whole = false;
	struct text_block *b = block_get(pool, total(&v));

	if (!b) {
		/* at the cap: the name and the path are worth more than the arguments */
		whole = false;
		v.v[TEXT_ARGS] = v.v[TEXT_ENV] = v.v[TEXT_CWD] = STR_NULL;
		b = block_get(pool, total(&v));
	}
	/* the old block may hold what is copied: dropped after */
	struct process old = *p;
	char *at = b ? b->data : NULL;

	for (int i = 0; i < TEXT_COUNT; i++) {
		struct str *slot = slot_of(p, i);

		*slot = b ? str_make(at, v.v[i].len) : STR_NULL;
		if (!b || !v.v[i].len)
			continue;
		memcpy(at, v.v[i].s, v.v[i].len);
		at += v.v[i].len;
	}
	p->text = b;
	text_drop(pool, &old);
	return whole && b;
}

bool text_replace(struct state *s, struct process *p, enum text_kind kind, struct str value)
{
	if (str_eq(*slot_of(p, kind), value))
		return false;
	struct text_values v = text_get(p);

	v.v[kind] = value;
	s->n.text_cut += !text_set(&s->texts, p, &v);
	return true;
}
