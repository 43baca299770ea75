/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a bbolt database, as far as looking a key up needs it. containerd keeps the image and
 * the labels of a container in one, and nowhere else on the disk.
 *
 * The format is bbolt's (page.go, bucket.go, db.go of go.etcd.io/bbolt): pages of one size; pages
 * 0 and 1 hold a meta record each, of which the valid one with the higher transaction counts; a
 * bucket is a B+ tree of branch and leaf pages, or, when small, one page inside its parent's
 * value. A writer never touches the pages of the last transaction, only those that it freed
 * before, and we hold no lock: what was read counts only if the writer was not two transactions
 * further in the end. All offsets are checked; nothing is written.
 */
#include <errno.h>
#include <unistd.h>

#include "base/bolt.h"
#include "base/cursor.h"

enum {
	PAGE_BRANCH = 0x01,
	PAGE_LEAF = 0x02,
	LEAF_BUCKET = 0x01,
	HEADER_SIZE = 16,
	ELEMENT_SIZE = 16,
	META_SIZE = 64, /* with its checksum */
	MAX_DEPTH = 24,
	PAGE_BYTES_MAX = 4 << 20,
	EACH_MAX = 4096,
};
#define BOLT_MAGIC 0xED0CDAEDU

/* FNV-1a, 64 bits: what bbolt puts behind its meta records */
static uint64_t checksum(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

static bool read_meta(int fd, uint64_t offset, struct bolt *b)
{
	uint8_t raw[HEADER_SIZE + META_SIZE];

	if (pread(fd, raw, sizeof(raw), (off_t)offset) != (ssize_t)sizeof(raw))
		return false;
	struct cursor c = cursor_of(raw + HEADER_SIZE, META_SIZE);
	uint32_t magic = cursor_u32(&c), version = cursor_u32(&c), page_size = cursor_u32(&c);

	cursor_u32(&c); /* flags */
	uint64_t root = cursor_u64(&c);

	cursor_take(&c, 16); /* the root's sequence, the free list */
	uint64_t npages = cursor_u64(&c), txid = cursor_u64(&c), sum = cursor_u64(&c);

	if (magic != BOLT_MAGIC || version != 2 || page_size < 512 || page_size > 1 << 20 ||
		sum != checksum(raw + HEADER_SIZE, META_SIZE - 8))
		return false;
	if (b->page_size && txid <= b->txid)
		return true;
	*b = (struct bolt){.fd = fd,
		.page_size = page_size,
		.npages = npages,
		.txid = txid,
		.root = {.page = root}};
	return true;
}

int bolt_open(struct bolt *b, int fd, struct arena *a)
{
	static const uint32_t sizes[] = {4096, 16384, 65536, 8192, 32768};
	bool found;

	*b = (struct bolt){0};
	found = read_meta(fd, 0, b);
	/* where the second one is depends on the size that the first one tells, if it is sound */
	if (found)
		read_meta(fd, b->page_size, b);
	for (size_t i = 0; !found && i < sizeof(sizes) / sizeof(*sizes); i++)
		found = read_meta(fd, sizes[i], b);
	b->arena = a;
	return found ? 0 : -EINVAL;
}

bool bolt_is_current(const struct bolt *b)
{
	struct bolt now = {0};

	return bolt_open(&now, b->fd, NULL) == 0 && now.txid <= b->txid + 1;
}

/* A page with its overflow; empty when anything about it is wrong. */
static struct str read_page(struct bolt *b, uint64_t id)
{
	uint8_t head[HEADER_SIZE];

	if (id < 2 || id >= b->npages || id > (uint64_t)INT64_MAX / b->page_size)
		return STR_NULL;
	off_t offset = (off_t)(id * b->page_size);

	if (pread(b->fd, head, sizeof(head), offset) != (ssize_t)sizeof(head))
		return STR_NULL;
	struct cursor c = cursor_of(head, sizeof(head));

	cursor_take(&c, 12);
	uint64_t bytes = ((uint64_t)cursor_u32(&c) + 1) * b->page_size;

	if (bytes > PAGE_BYTES_MAX)
		return STR_NULL;
	char *p = arena_raw(b->arena, bytes);
	ssize_t n = p ? pread(b->fd, p, bytes, offset) : -1;

	return n < HEADER_SIZE ? STR_NULL : str_make(p, (size_t)n);
}

struct element {
	struct str key, value;
	uint64_t child; /* of a branch */
	bool is_bucket;
};

static unsigned page_flags(struct str page, unsigned *count)
{
	struct cursor c = cursor_of(page.s, page.len);

	cursor_u64(&c);
	unsigned flags = cursor_u16(&c);

	*count = cursor_u16(&c);
	return c.bad ? 0 : flags;
}

/* Positions count from the element itself. */
static bool get_element(struct str page, unsigned flags, unsigned i, struct element *e)
{
	size_t at = HEADER_SIZE + (size_t)i * ELEMENT_SIZE;

	if (at + ELEMENT_SIZE > page.len)
		return false;
	struct cursor c = cursor_of(page.s + at, ELEMENT_SIZE), data;
	uint32_t first = cursor_u32(&c), second = cursor_u32(&c);
	bool is_leaf = flags & PAGE_LEAF;
	uint32_t pos = is_leaf ? second : first;

	*e = (struct element){0};
	data = cursor_of(page.s + at, page.len - at);
	cursor_take(&data, pos);
	if (is_leaf) {
		uint32_t ksize = cursor_u32(&c), vsize = cursor_u32(&c);

		e->is_bucket = first & LEAF_BUCKET;
		e->key = cursor_str(&data, ksize);
		e->value = cursor_str(&data, vsize);
	} else {
		e->child = cursor_u64(&c);
		e->key = cursor_str(&data, second);
	}
	return !data.bad;
}

static struct str bucket_page(struct bolt *b, const struct bolt_bucket *bucket)
{
	return bucket->page ? read_page(b, bucket->page) : bucket->inline_page;
}

/* The last child whose first key is not above the wanted one. */
static uint64_t child_for(struct str page, unsigned flags, unsigned count, struct str key)
{
	uint64_t child = 0;
	struct element e;

	for (unsigned i = 0; i < count && get_element(page, flags, i, &e); i++) {
		if (i && str_cmp(e.key, key) > 0)
			break;
		child = e.child;
	}
	return child;
}

static bool find(
	struct bolt *b, const struct bolt_bucket *bucket, struct str key, struct element *e)
{
	struct str page = bucket_page(b, bucket);

	for (unsigned depth = 0; page.len && depth < MAX_DEPTH; depth++) {
		unsigned count, flags = page_flags(page, &count);

		if (flags & PAGE_LEAF) {
			for (unsigned i = 0; i < count && get_element(page, flags, i, e); i++)
				if (str_eq(e->key, key))
					return true;
			return false;
		}
		if (!(flags & PAGE_BRANCH))
			return false;
		page = read_page(b, child_for(page, flags, count, key));
	}
	return false;
}

static bool to_bucket(const struct element *e, struct bolt_bucket *ret)
{
	struct cursor c = cursor_of(e->value.s, e->value.len);
	uint64_t page = cursor_u64(&c);

	cursor_u64(&c); /* sequence */
	if (!e->is_bucket || c.bad)
		return false;
	*ret = (struct bolt_bucket){page, str_skip(e->value, 16)};
	return true;
}

bool bolt_descend(struct bolt *b, struct bolt_bucket *bucket, struct str name)
{
	struct element e;

	return find(b, bucket, name, &e) && to_bucket(&e, bucket);
}

struct str bolt_get(struct bolt *b, const struct bolt_bucket *bucket, struct str key)
{
	struct element e;

	return find(b, bucket, key, &e) && !e.is_bucket ? e.value : STR_NULL;
}

struct each {
	struct bolt *b;
	unsigned left;
	bool buckets;
	bolt_fn fn;
	void *arg;
};

static void each_in(struct each *k, struct str page, unsigned depth)
{
	unsigned count, flags = page_flags(page, &count);
	struct element e;

	for (unsigned i = 0; i < count && k->left && get_element(page, flags, i, &e); i++) {
		k->left--;
		if (flags & PAGE_LEAF && e.is_bucket == k->buckets)
			k->fn(k->arg, e.key, k->buckets ? STR_NULL : e.value);
		else if (flags & PAGE_BRANCH && depth < MAX_DEPTH)
			each_in(k, read_page(k->b, e.child), depth + 1);
	}
}

void bolt_each(struct bolt *b, const struct bolt_bucket *bucket, bolt_fn fn, void *arg)
{
	struct each k = {b, EACH_MAX, false, fn, arg};

	each_in(&k, bucket_page(b, bucket), 0);
}

void bolt_each_bucket(struct bolt *b, const struct bolt_bucket *bucket, bolt_fn fn, void *arg)
{
	struct each k = {b, EACH_MAX, true, fn, arg};

	each_in(&k, bucket_page(b, bucket), 0);
}
