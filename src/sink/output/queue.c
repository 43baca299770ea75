/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole records in a ring of bytes: a length, then the record, both wrapping around the end.
 * Bounded by bytes and by count; a push copies and allocates nothing. It has no lock: the output
 * that owns it holds one for the few microseconds that a copy takes.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <sys/mman.h>

int queue_init(struct queue *q, size_t max_count, size_t size_bytes)
{
	/* pages that are never reached are never there: a quiet output costs nothing */
	void *p = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	*q = (struct queue){.ring = p, .size = size_bytes, .max_count = max_count};
	return 0;
}

void queue_done(struct queue *q)
{
	if (q->ring)
		munmap(q->ring, q->size);
	*q = (struct queue){0};
}

static void copy_in(struct queue *q, size_t at, const void *data, size_t n)
{
	size_t first = q->size - at < n ? q->size - at : n;

	memcpy(q->ring + at, data, first);
	memcpy(q->ring, (const uint8_t *)data + first, n - first);
}

static size_t offset_at(const struct queue *q, size_t pos)
{
	size_t at = q->head + pos;

	return at >= q->size ? at - q->size : at;
}

static uint32_t length_at(const struct queue *q, size_t pos)
{
	uint32_t len;
	uint8_t *to = (uint8_t *)&len;

	for (size_t i = 0; i < sizeof(len); i++)
		to[i] = q->ring[offset_at(q, pos + i)];
	return len;
}

bool queue_push(struct queue *q, struct str record)
{
	uint32_t len = (uint32_t)record.len;

	if (q->count == q->max_count || record.len > RECORD_MAX ||
		sizeof(len) + record.len > q->size - q->used)
		return false;
	copy_in(q, offset_at(q, q->used), &len, sizeof(len));
	if (len)
		copy_in(q, offset_at(q, q->used + sizeof(len)), record.s, len);
	q->used += sizeof(len) + len;
	q->count++;
	return true;
}

bool queue_peek(const struct queue *q, size_t *pos, struct buf *out)
{
	buf_clear(out);
	if (*pos >= q->used)
		return false;
	uint32_t len = length_at(q, *pos);
	size_t at = offset_at(q, *pos + sizeof(len));
	size_t first = q->size - at < len ? q->size - at : len;

	buf_add(out, str_make((const char *)q->ring + at, first));
	buf_add(out, str_make((const char *)q->ring, len - first));
	*pos += sizeof(len) + len;
	return true;
}

void queue_pop(struct queue *q)
{
	if (!q->count)
		return;
	size_t n = sizeof(uint32_t) + length_at(q, 0);

	q->head = offset_at(q, n);
	q->used -= n;
	q->count--;
}
