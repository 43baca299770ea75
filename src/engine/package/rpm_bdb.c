/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Berkeley DB's hash, in which rpm kept its packages until 4.16 (Packages of RHEL to 8, CentOS,
 * Amazon Linux). No index is needed to read all: each hash page is looked at for values (libdb 5.3,
 * src/dbinc/db_page.h). Headers are longer than a page, so a value is the number of the first of a
 * chain of overflow pages. Numbers are in the byte order of the machine that made it.
 *
 * A page: lsn 8, own number 4, previous 4, next 4, entries 2, offset of the free space 2, level 1,
 * type 1; then an offset for each entry, key and value in turns, from the end of the page down.
 */
#include "engine/package/private.h"

enum {
	BDB_HEADER = 26,
	BDB_PAGE_HASH_UNSORTED = 2,
	BDB_PAGE_OVERFLOW = 7,
	BDB_PAGE_META = 8,
	BDB_PAGE_HASH = 13,
	BDB_ITEM_DATA = 1,
	BDB_ITEM_OFFPAGE = 3,
	BDB_MIN_PAGE = 512,
	BDB_MAX_PAGE = 65536,
};

struct bdb {
	struct package_job *j;
	struct window w;
	uint64_t page_size, npages;
	struct buf value;
	uint64_t left; /* overflow pages that may still be read: chains may be made to meet */
	bool bad;
};

static bool is_page_size(uint64_t n)
{
	return n >= BDB_MIN_PAGE && n <= BDB_MAX_PAGE && (n & (n - 1)) == 0;
}

/* Puts the chain's data together. */
static bool read_chain(struct bdb *b, uint64_t page, uint64_t size)
{
	buf_clear(&b->value);
	if (size > RPM_HEADER_BYTES)
		return false;
	while (page && b->value.len < size) {
		uint64_t at = page * b->page_size;

		if (page >= b->npages || !b->left)
			return false;
		b->left--;
		uint64_t next = window_number(&b->w, at + 16, 4),
			 len = window_number(&b->w, at + 22, 2);
		uint64_t type = window_number(&b->w, at + 25, 1);
		struct str data = window_bytes(&b->w, at + BDB_HEADER, len);
		if (b->w.bad || type != BDB_PAGE_OVERFLOW || len > b->page_size - BDB_HEADER ||
			!len)
			return false;
		buf_add(&b->value, data);
		page = next;
	}
	return b->value.len >= size && !b->value.cut;
}

/* The value that begins at `at`; it ends where the entry before it begins. False: enough. */
static bool read_value(struct bdb *b, uint64_t at, uint64_t end)
{
	switch (window_number(&b->w, at, 1)) {
	case BDB_ITEM_OFFPAGE:
		if (read_chain(b, window_number(&b->w, at + 4, 4), window_number(&b->w, at + 8, 4)))
			return rpm_take_header(b->j, buf_str(&b->value));
		b->bad = true;
		b->w.bad = false;
		return true;
	case BDB_ITEM_DATA:
		/* shorter than a page; the value of key 0 is a number and no header */
		return rpm_take_header(b->j, window_bytes(&b->w, at + 1, end - at - 1));
	default:
		b->bad = true;
		return true;
	}
}

static bool read_page(struct bdb *b, uint64_t page)
{
	uint64_t at = page * b->page_size, type = window_number(&b->w, at + 25, 1);
	uint64_t n = window_number(&b->w, at + 20, 2);

	if (type != BDB_PAGE_HASH && type != BDB_PAGE_HASH_UNSORTED)
		return true;
	for (uint64_t i = 1; i < n; i += 2) {
		uint64_t before = window_number(&b->w, at + BDB_HEADER + 2 * (i - 1), 2);
		uint64_t offset = window_number(&b->w, at + BDB_HEADER + 2 * i, 2);

		if (b->w.bad || offset < BDB_HEADER || offset >= before || before > b->page_size) {
			b->bad = true;
			b->w.bad = false;
			return true;
		}
		if (!read_value(b, at + offset, at + before))
			return false;
	}
	return true;
}

int rpm_read_bdb(struct package_job *j)
{
	struct bdb b = {.j = j, .w = {.s = j->content}, .value = BUF_INIT(RPM_HEADER_BYTES)};
	bool more = true;

	b.w.is_big = window_number(&b.w, 12, 4) != 0x061561;
	b.page_size = window_number(&b.w, 20, 4);
	if (!is_page_size(b.page_size) || window_number(&b.w, 25, 1) != BDB_PAGE_META)
		return job_bad(j, "is a Berkeley DB with a head that is not known");
	b.npages = j->content.len / b.page_size;
	b.left = b.npages;
	for (uint64_t page = 1; page < b.npages && more; page++)
		more = read_page(&b, page);
	b.bad |= b.npages * b.page_size != j->content.len || window_number(&b.w, 32, 4) >= b.npages;
	buf_done(&b.value);
	if (!more)
		return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	return b.bad ? job_bad(j, "is damaged: packages may be missing") : 0;
}
