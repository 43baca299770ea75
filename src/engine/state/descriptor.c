/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of open descriptors, one a process, kept only with options.descriptors. It knows no
 * events: who opens what is told by complete_fd.c and its neighbours.
 *
 * Three layers, as in the kernel: a process has `files`, which those that were cloned with
 * CLONE_FILES share for good; files have a table, which a forked child shares until one of the two
 * changes it; a table has descriptors, which its copies share. A socket that is connected after a
 * fork is so for both, for it is one socket; what belongs to the number alone (close on exec) is
 * changed in a copy. All descriptors in all tables count against one cap.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/state/private.h"

enum {
	DESCS_PER_CHUNK = 64,
	FILES_PER_CHUNK = 128,
	SLOTS_MIN = 8,
	SLOTS_MAX = 1 << (FD_TABLE_CLASSES - 1),
	PROBES_MAX = 16, /* numbers as the kernel gives them need one */
	SPARSE = 16,     /* slots a descriptor, at most: more is no table of a real process */
};

/* ---- memory ---- */

static struct desc *new_desc(struct state *s)
{
	struct fd_pool *pool = &s->fds;

	if (!pool->free_descs) {
		struct desc *rows = chunk_add(&pool->chunks, DESCS_PER_CHUNK * sizeof(*rows));

		pool->nmallocs++;
		for (int i = 0; rows && i < DESCS_PER_CHUNK; i++) {
			rows[i].next_free = pool->free_descs;
			pool->free_descs = &rows[i];
		}
	}
	struct desc *d = pool->free_descs;

	if (d) {
		pool->free_descs = d->next_free;
		d->refs = 1;
		d->text = NULL;
	}
	return d;
}

void desc_unref(struct state *s, struct desc *d)
{
	if (!d || --d->refs)
		return;
	text_block_unref(&s->fds.names, d->text);
	d->next_free = s->fds.free_descs;
	s->fds.free_descs = d;
}

static struct files *new_files(struct state *s)
{
	struct fd_pool *pool = &s->fds;

	if (!pool->free_files) {
		struct files *rows = chunk_add(&pool->chunks, FILES_PER_CHUNK * sizeof(*rows));

		pool->nmallocs++;
		for (int i = 0; rows && i < FILES_PER_CHUNK; i++) {
			rows[i].next_free = pool->free_files;
			pool->free_files = &rows[i];
		}
	}
	struct files *f = pool->free_files;

	if (f) {
		pool->free_files = f->next_free;
		*f = (struct files){.refs = 1};
	}
	return f;
}

static unsigned class_of(uint32_t nslots)
{
	return (unsigned)__builtin_ctz(nslots);
}

static struct fd_table *new_table(struct state *s, uint32_t nslots)
{
	struct fd_table **list = &s->fds.free_tables[class_of(nslots)], *t = *list;
	size_t bytes = nslots * sizeof(t->slots[0]);

	if (t) {
		*list = t->next_free;
	} else {
		t = malloc(sizeof(*t) + bytes);
		s->fds.nmallocs++;
		if (!t)
			return NULL;
	}
	*t = (struct fd_table){.refs = 1, .nslots = nslots};
	memset(t->slots, 0, bytes);
	return t;
}

static void table_recycle(struct state *s, struct fd_table *t)
{
	/* the big ones are rare: they go back to the heap */
	if (t->nslots > 4096) {
		free(t);
		return;
	}
	struct fd_table **list = &s->fds.free_tables[class_of(t->nslots)];

	t->next_free = *list;
	*list = t;
}

static void table_unref(struct state *s, struct fd_table *t)
{
	if (!t || --t->refs)
		return;
	for (uint32_t i = 0; i < t->nslots; i++)
		if (t->slots[i])
			desc_unref(s, t->slots[i]);
	s->fds.count -= t->count;
	table_recycle(s, t);
}

void fds_done(struct state *s)
{
	desc_unref(s, s->closed);
	text_pool_done(&s->fds.names);
	for (int i = 0; i < FD_TABLE_CLASSES; i++) {
		for (struct fd_table *t = s->fds.free_tables[i], *next; t; t = next) {
			next = t->next_free;
			free(t);
		}
	}
	chunks_free(s->fds.chunks);
}

/* ---- one table ---- */

static struct desc **slot_find(const struct fd_table *t, uint32_t num)
{
	uint32_t mask = t->nslots - 1;

	for (uint32_t i = num & mask, n = 0; n < PROBES_MAX; i = (i + 1) & mask, n++) {
		if (!t->slots[i])
			return NULL;
		if ((uint32_t)t->slots[i]->d.fd.num == num)
			return (struct desc **)&t->slots[i];
	}
	return NULL;
}

/* False when there is no slot within reach. */
static bool place(struct fd_table *t, struct desc *d)
{
	uint32_t mask = t->nslots - 1;

	for (uint32_t i = (uint32_t)d->d.fd.num & mask, n = 0; n < PROBES_MAX;
		i = (i + 1) & mask, n++) {
		if (t->slots[i])
			continue;
		t->slots[i] = d;
		t->count++;
		return true;
	}
	return false;
}

/* A table with what `t` holds, but for the descriptors with one of the flags. */
static struct fd_table *copy_table(
	struct state *s, const struct fd_table *t, uint32_t nslots, uint32_t but)
{
	for (; nslots <= SLOTS_MAX; nslots *= 2) {
		struct fd_table *copy = new_table(s, nslots);
		bool fits = copy;

		for (uint32_t i = 0; fits && i < t->nslots; i++)
			fits = !t->slots[i] || t->slots[i]->d.fd.flags & but ||
			       place(copy, t->slots[i]);
		if (fits)
			return copy;
		if (!copy)
			return NULL;
		table_recycle(s, copy);
	}
	return NULL;
}

static bool grow(struct state *s, struct files *f)
{
	struct fd_table *t = f->t;

	if (t->nslots > SLOTS_MIN && t->nslots / SPARSE > t->count)
		return false;
	struct fd_table *bigger = copy_table(s, t, t->nslots * 2, 0);

	if (!bigger)
		return false;
	f->t = bigger;
	table_recycle(s, t);
	return true;
}

/* A copy in the place of a table that others may still use. */
static struct fd_table *replace_table(struct state *s, struct files *f, uint32_t but)
{
	struct fd_table *copy = copy_table(s, f->t, f->t->nslots, but);

	if (!copy)
		return NULL;
	for (uint32_t i = 0; i < copy->nslots; i++)
		if (copy->slots[i])
			copy->slots[i]->refs++;
	s->fds.count += copy->count;
	table_unref(s, f->t);
	return f->t = copy;
}

/* A table that belongs to these files alone, to be changed. NULL when there is no room for it. */
static struct fd_table *own_table(struct state *s, struct files *f)
{
	struct fd_table *t = f->t;

	if (!t)
		return f->t = new_table(s, SLOTS_MIN);
	if (t->refs == 1)
		return t;
	if (s->fds.count + t->count > s->o.max_descriptors)
		return NULL;
	return replace_table(s, f, 0);
}

static bool insert(struct state *s, struct files *f, struct desc *d)
{
	struct fd_table *t = own_table(s, f);

	if (!t || s->fds.count >= s->o.max_descriptors)
		return false;
	/* at most 3/4 full */
	while ((t->count + 1) * 4 > t->nslots * 3 || !place(t, d)) {
		if (!grow(s, f))
			return false;
		t = f->t;
	}
	s->fds.count++;
	return true;
}

/* What lies behind a freed slot moves up, so that searches may stop at an empty one. */
static void close_gap(struct fd_table *t, uint32_t gap)
{
	uint32_t mask = t->nslots - 1;

	for (uint32_t i = (gap + 1) & mask; t->slots[i]; i = (i + 1) & mask) {
		uint32_t home = (uint32_t)t->slots[i]->d.fd.num & mask;

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		t->slots[gap] = t->slots[i];
		t->slots[i] = NULL;
		gap = i;
	}
}

/* ---- the tables of a process ---- */

int fds_open(struct state *s, struct row *row)
{
	row->p.files = new_files(s);
	return row->p.files ? 0 : -ENOMEM;
}

void fds_close(struct state *s, struct row *row)
{
	struct files *f = row->p.files;

	row->p.files = NULL;
	if (!f || --f->refs)
		return;
	table_unref(s, f->t);
	s->n.descriptors = s->fds.count;
	f->next_free = s->fds.free_files;
	s->fds.free_files = f;
}

void fds_fork(struct state *s, struct row *child, const struct row *parent, bool is_shared)
{
	if (!parent->p.files || child->p.files == parent->p.files)
		return;
	fds_close(s, child);
	if (is_shared) {
		child->p.files = parent->p.files;
		child->p.files->refs++;
	} else if (fds_open(s, child) == 0 && parent->p.files->t) {
		child->p.files->t = parent->p.files->t;
		child->p.files->t->refs++;
	}
}

static bool has_cloexec(const struct fd_table *t)
{
	for (uint32_t i = 0; i < t->nslots; i++)
		if (t->slots[i] && t->slots[i]->d.fd.flags & FD_O_CLOEXEC)
			return true;
	return false;
}

/* Files of its own, for one that shared them. */
void fds_unshare(struct state *s, struct row *row)
{
	struct files *f = row->p.files;

	if (!f || f->refs == 1 || fds_open(s, row) < 0)
		return;
	row->p.files->t = f->t;
	if (f->t)
		f->t->refs++;
	f->refs--;
}

void fds_exec(struct state *s, struct row *row)
{
	struct files *f;

	fds_unshare(s, row);
	f = row->p.files;

	if (!f || !f->t || !has_cloexec(f->t))
		return;
	/* the copy is never larger, but while both are there they may be past the cap */
	if (!replace_table(s, f, FD_O_CLOEXEC)) {
		s->n.dropped_descriptors += f->t->count;
		table_unref(s, f->t);
		f->t = NULL;
	}
	s->n.descriptors = s->fds.count;
}

struct desc *fd_find(const struct row *row, int64_t num)
{
	const struct files *f = row->p.files;

	if (!f || !f->t || num < 0 || num > INT32_MAX)
		return NULL;
	struct desc **slot = slot_find(f->t, (uint32_t)num);

	return slot ? *slot : NULL;
}

void fd_rename(struct state *s, struct desc *d, struct str name)
{
	struct event_fd *fd = &d->d.fd;

	if (!str_eq(d->d.name, name)) {
		struct text_block *old = d->text;

		d->text = text_block_new(&s->fds.names, name, &d->d.name);
		text_block_unref(&s->fds.names, old);
	}
	fd->other_name = fd->sock.unix_path = STR_NULL;
	if (fd->type == FD_UNIX)
		fd->sock.unix_path = d->d.name;
	else if (fd->type != FD_FILE && fd->type != FD_DIRECTORY && fd->type != FD_MEMFD)
		fd->other_name = d->d.name;
}

static void fill(struct state *s, struct desc *d, int64_t num, const struct event_fd *fd,
	struct str name, uint64_t opened_ns)
{
	/* the name may lie in the block that is replaced: fd_rename() drops it last */
	d->d.fd = *fd;
	d->d.fd.num = num;
	d->d.fd.name_changed = d->d.fd.is_news = false;
	d->d.opened_ns = opened_ns;
	fd_rename(s, d, name);
}

struct desc *fd_put(struct state *s, struct row *row, int64_t num, const struct event_fd *fd,
	struct str name, uint64_t opened_ns)
{
	if (!row->p.files || num < 0 || num > INT32_MAX)
		return NULL;
	struct desc *d = new_desc(s);

	if (!d)
		return NULL;
	d->d.name = STR_NULL;
	fill(s, d, num, fd, name, opened_ns);
	desc_unref(s, fd_take(s, row, num));
	if (!insert(s, row->p.files, d)) {
		desc_unref(s, d);
		s->n.dropped_descriptors++;
		return NULL;
	}
	s->n.descriptors = s->fds.count;
	return d;
}

struct desc *fd_take(struct state *s, struct row *row, int64_t num)
{
	struct desc *d = fd_find(row, num);
	struct fd_table *t = d ? own_table(s, row->p.files) : NULL;

	if (!t)
		return NULL;
	struct desc **slot = slot_find(t, (uint32_t)num);

	*slot = NULL;
	t->count--;
	s->fds.count--;
	close_gap(t, (uint32_t)(slot - t->slots));
	s->n.descriptors = s->fds.count;
	return d;
}

/* The flag is the number's, not the file's: a descriptor that others share is copied. */
void fd_set_cloexec(struct state *s, struct row *row, int64_t num, bool on)
{
	struct desc *d = fd_find(row, num);
	uint32_t flags =
		d ? (d->d.fd.flags & ~(uint32_t)FD_O_CLOEXEC) | (on ? FD_O_CLOEXEC : 0) : 0;

	if (!d || d->d.fd.flags == flags)
		return;
	if (d->refs > 1 || row->p.files->t->refs > 1) {
		struct event_fd fd = d->d.fd;

		d = fd_put(s, row, num, &fd, d->d.name, d->d.opened_ns);
	}
	if (d)
		d->d.fd.flags = flags;
}

/* ---- many at once ---- */

typedef void (*each_fn)(struct state *s, struct row *row, int64_t num);

/* Calls fn for each number in the range; fn may change the table. */
static void each_in_range(
	struct state *s, struct row *row, uint32_t first, uint32_t last, each_fn fn)
{
	size_t pos = 0, n = 0;
	int64_t *nums;

	if (!row->p.files || !row->p.files->t)
		return;
	arena_reset(&s->scratch);
	nums = arena_raw(&s->scratch, row->p.files->t->count * sizeof(*nums) + 1);
	for (const struct descriptor *d; nums && (d = state_descriptor_next(&row->p, &pos));)
		if (d->fd.num >= first && d->fd.num <= last)
			nums[n++] = d->fd.num;
	while (n-- > 0)
		fn(s, row, nums[n]);
}

static void close_one(struct state *s, struct row *row, int64_t num)
{
	desc_unref(s, fd_take(s, row, num));
}

static void mark_one(struct state *s, struct row *row, int64_t num)
{
	fd_set_cloexec(s, row, num, true);
}

void fd_close_range(struct state *s, struct row *row, uint32_t first, uint32_t last)
{
	each_in_range(s, row, first, last, close_one);
}

void fd_cloexec_range(struct state *s, struct row *row, uint32_t first, uint32_t last)
{
	each_in_range(s, row, first, last, mark_one);
}

/* ---- the door ---- */

const struct descriptor *state_descriptor_find(const struct process *p, int64_t num)
{
	struct desc *d = p ? fd_find(row_of(p), num) : NULL;

	return d ? &d->d : NULL;
}

const struct descriptor *state_descriptor_next(const struct process *p, size_t *pos)
{
	const struct files *f = p->files;

	while (f && f->t && *pos < f->t->nslots) {
		const struct desc *d = f->t->slots[(*pos)++];

		if (d)
			return &d->d;
	}
	return NULL;
}

bool state_descriptor_count(const struct process *p, size_t *ret)
{
	const struct files *f = p ? p->files : NULL;

	if (f)
		*ret = f->t ? f->t->count : 0;
	return f;
}
