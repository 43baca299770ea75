/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm's database in SQLite (rpmdb.sqlite, since 4.16): the blobs of the table Packages, read from
 * the file format itself (sqlite.org/fileformat2.html). SQLite would do it, but it would run a
 * stranger's schema, and want a second copy of up to 64 MiB, because a file that was left in
 * write-ahead mode must be changed before it opens in memory. Nothing but a table is read: no SQL,
 * no index, no log.
 *
 * A b-tree page: type 1 (5 = interior, 13 = leaf of a table), first free block 2, cells 2, where
 * they begin 2, fragments 1, and on interior pages the last child 4; then an offset for each cell.
 * A cell is a child 4 and a row id, or the size of a record, a row id and the record, of which what
 * does not fit is on a chain of overflow pages. All numbers are big endian.
 */
#include "engine/package/private.h"

enum {
	SQLITE_HEADER = 100, /* at the beginning of page 1 */
	SQLITE_INTERIOR = 5,
	SQLITE_LEAF = 13,
	SQLITE_MAX_DEPTH = 20, /* as SQLite itself has it */
	SQLITE_MAX_COLUMNS = 16,
	SQLITE_ROOT_COLUMN = 3, /* of sqlite_schema: type, name, tbl_name, rootpage, sql */
};

struct sqlite {
	struct package_job *j;
	struct window w;
	uint64_t page_size, usable, npages;
	uint64_t left; /* pages that may still be read: a tree may be made to have rings */
	struct buf record;
	uint64_t root; /* of Packages, when the schema was read */
	bool bad, enough;
};

/* What is done with a record of a leaf. */
typedef void (*record_fn)(struct sqlite *s, struct str record);

/* Seven bits a byte, the high bit says that more come; of the ninth byte all eight count. */
static uint64_t read_varint(struct window *w, uint64_t *at)
{
	uint64_t v = 0;

	for (int i = 0; i < 9 && !w->bad; i++) {
		uint64_t byte = window_number(w, (*at)++, 1);

		if (i == 8)
			return v << 8 | byte;
		v = v << 7 | (byte & 0x7f);
		if (!(byte & 0x80))
			return v;
	}
	return v;
}

/* How many bytes of a record lie in the cell ("Cell payload overflow"). */
static uint64_t local_size(const struct sqlite *s, uint64_t size)
{
	uint64_t max = s->usable - 35, min = (s->usable - 12) * 32 / 255 - 23;

	if (size <= max)
		return size;
	uint64_t k = min + (size - min) % (s->usable - 4);
	return k <= max ? k : min;
}

static bool add_overflow(struct sqlite *s, uint64_t page, uint64_t size)
{
	while (s->record.len < size) {
		uint64_t at = (page - 1) * s->page_size, part = size - s->record.len;

		if (!page || page > s->npages || !s->left)
			return false;
		s->left--;
		if (part > s->usable - 4)
			part = s->usable - 4;
		page = window_number(&s->w, at, 4);
		buf_add(&s->record, window_bytes(&s->w, at + 4, part));
		if (s->w.bad || s->record.cut)
			return false;
	}
	return true;
}

static void read_cell(struct sqlite *s, uint64_t at, record_fn fn)
{
	uint64_t size = read_varint(&s->w, &at);

	read_varint(&s->w, &at); /* row id */
	if (s->w.bad || size > RPM_HEADER_BYTES) {
		s->bad = true;
		return;
	}
	uint64_t local = local_size(s, size);
	struct str part = window_bytes(&s->w, at, local);
	if (local == size && !s->w.bad) {
		fn(s, part);
		return;
	}
	buf_clear(&s->record);
	buf_add(&s->record, part);
	if (!s->w.bad && add_overflow(s, window_number(&s->w, at + local, 4), size))
		fn(s, buf_str(&s->record));
	else
		s->bad = true;
}

/* The nth column's type and bytes ("Record Format"); false if there is none. */
static bool read_column(struct str record, unsigned n, uint64_t *ret_type, struct str *ret)
{
	static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
	struct window w = {.s = record, .is_big = true};
	uint64_t at = 0, data = read_varint(&w, &at), end = data;

	for (unsigned i = 0; i <= n && at < end && !w.bad; i++) {
		uint64_t type = read_varint(&w, &at);
		uint64_t size = type < 10 ? sizes[type] : type < 12 ? 0 : (type - 12) / 2;

		if (i == n) {
			*ret_type = type;
			*ret = window_bytes(&w, data, size);
			return !w.bad;
		}
		if (size > record.len)
			return false;
		data += size;
	}
	return false;
}

static bool is_text(uint64_t type)
{
	return type >= 13 && type % 2 == 1;
}

/* A row of sqlite_schema. */
static void take_schema(struct sqlite *s, struct str record)
{
	uint64_t kind_type, name_type, root_type;
	struct str kind, name, root;

	if (!read_column(record, 0, &kind_type, &kind) ||
		!read_column(record, 1, &name_type, &name) ||
		!read_column(record, SQLITE_ROOT_COLUMN, &root_type, &root) ||
		!is_text(kind_type) || !is_text(name_type) || root_type < 1 || root_type > 4)
		return;
	if (str_is(kind, "table") && str_ieq(name, STR("Packages"))) {
		struct window w = {.s = root, .is_big = true};

		s->root = window_number(&w, 0, root.len);
	}
}

/* A row of Packages: hnum, which is the row id, and blob. */
static void take_blob(struct sqlite *s, struct str record)
{
	uint64_t type;
	struct str blob;

	if (!read_column(record, 1, &type, &blob) || type < 12 || type % 2 == 1)
		s->bad = true;
	else if (!rpm_take_header(s->j, blob))
		s->enough = true;
}

struct place {
	uint64_t page;
	uint64_t next; /* cell, or child, to look at */
};

static uint64_t page_start(const struct sqlite *s, uint64_t page)
{
	return (page - 1) * s->page_size + (page == 1 ? SQLITE_HEADER : 0);
}

/* The child behind cell i of an interior page; the last one stands in its head. */
static uint64_t child_of(struct sqlite *s, uint64_t page, uint64_t i, uint64_t ncells)
{
	uint64_t at = page_start(s, page), base = (page - 1) * s->page_size;

	if (i == ncells)
		return window_number(&s->w, at + 8, 4);
	return window_number(&s->w, base + window_number(&s->w, at + 12 + 2 * i, 2), 4);
}

static void read_leaf(struct sqlite *s, uint64_t page, uint64_t ncells, record_fn fn)
{
	uint64_t at = page_start(s, page), base = (page - 1) * s->page_size;

	for (uint64_t i = 0; i < ncells && !s->enough; i++) {
		read_cell(s, base + window_number(&s->w, at + 8 + 2 * i, 2), fn);
		if (s->w.bad) {
			s->bad = true;
			s->w.bad = false;
			return;
		}
	}
}

/* Walks a table from its root, without recursion. */
static void walk_table(struct sqlite *s, uint64_t root, record_fn fn)
{
	struct place stack[SQLITE_MAX_DEPTH] = {{root, 0}};
	int depth = 0;

	while (depth >= 0 && !s->enough) {
		struct place *p = &stack[depth];
		uint64_t at = page_start(s, p->page);

		if (!p->page || p->page > s->npages || !s->left) {
			s->bad = true;
			return;
		}
		s->left -= !p->next;
		uint64_t type = window_number(&s->w, at, 1),
			 ncells = window_number(&s->w, at + 3, 2);
		if (ncells * 2 > s->page_size)
			type = 0; /* their offsets would not fit */
		if (type == SQLITE_LEAF) {
			read_leaf(s, p->page, ncells, fn);
			depth--;
		} else if (type != SQLITE_INTERIOR || depth + 1 == SQLITE_MAX_DEPTH) {
			s->bad = true;
			depth--;
		} else if (p->next > ncells) {
			depth--;
		} else {
			uint64_t child = child_of(s, p->page, p->next++, ncells);

			stack[++depth] = (struct place){child, 0};
		}
		if (s->w.bad) {
			s->bad = true;
			return;
		}
	}
}

int rpm_read_sqlite(struct package_job *j)
{
	struct sqlite s = {
		.j = j,
		.w = {.s = j->content, .is_big = true},
		.record = BUF_INIT(RPM_HEADER_BYTES),
	};

	s.page_size = window_number(&s.w, 16, 2);
	if (s.page_size == 1)
		s.page_size = 65536;
	s.usable = s.page_size - window_number(&s.w, 20, 1);
	if (s.w.bad || s.page_size < 512 || (s.page_size & (s.page_size - 1)) || s.usable < 480)
		return job_bad(j, "is a SQLite database with a head that is not known");
	s.npages = j->content.len / s.page_size;
	s.left = s.npages + 2; /* the schema's root is read, too */
	walk_table(&s, 1, take_schema);
	if (s.root)
		walk_table(&s, s.root, take_blob);
	else
		s.bad = true;
	buf_done(&s.record);
	if (s.enough)
		return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	return s.bad ? job_bad(j, "is damaged: packages may be missing") : 0;
}
