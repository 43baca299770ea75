/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of pieces. Each lies in one stretch of memory behind a head of sixteen bytes; what is too
 * short for a piece at the end of the memory is a piece without content.
 */
#include "base/byte_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct piece_head {
	uint32_t size, len; /* with the head and the padding; of the content, 0 = none */
	uint64_t ts_ns;
};

enum { ALIGN = sizeof(struct piece_head) };
_Static_assert(sizeof(struct piece_head) == 16, "pieces keep the ring aligned");

/* Mapped, not allocated: memory that no event has reached yet costs nothing. */
int byte_ring_init(struct byte_ring *r, size_t size)
{
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	*r = (struct byte_ring){.size = size};
	r->buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->buf == MAP_FAILED)
		r->buf = NULL;
	return r->buf ? 0 : -ENOMEM;
}

void byte_ring_done(struct byte_ring *r)
{
	if (r->buf)
		munmap(r->buf, r->size);
	*r = (struct byte_ring){0};
}

static struct piece_head head_at(const struct byte_ring *r, size_t at)
{
	struct piece_head h;

	memcpy(&h, r->buf + at, sizeof(h));
	return h;
}

static void evict(struct byte_ring *r)
{
	struct piece_head h = head_at(r, r->oldest);

	r->used -= h.size;
	r->oldest = r->oldest + h.size == r->size ? 0 : r->oldest + h.size;
	r->evicted += h.len > 0;
}

static uint8_t *append(struct byte_ring *r, uint64_t ts_ns, size_t len, size_t size)
{
	struct piece_head h = {(uint32_t)size, (uint32_t)len, ts_ns};
	uint8_t *p = r->buf + r->next + sizeof(h);

	memcpy(r->buf + r->next, &h, sizeof(h));
	r->next = r->next + size == r->size ? 0 : r->next + size;
	r->used += size;
	return p;
}

uint8_t *byte_ring_reserve(struct byte_ring *r, uint64_t ts_ns, size_t len)
{
	size_t size = (sizeof(struct piece_head) + len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	size_t rest = r->size - r->next, gap = size > rest ? rest : 0;

	if (!len || size > r->size / 2)
		return NULL;
	while (r->size - r->used < size + gap)
		evict(r);
	if (gap)
		append(r, ts_ns, 0, gap);
	return append(r, ts_ns, len, size);
}

int byte_ring_push(struct byte_ring *r, uint64_t ts_ns, const uint8_t *p, size_t len)
{
	uint8_t *to = byte_ring_reserve(r, ts_ns, len);

	if (to)
		memcpy(to, p, len);
	return to != NULL;
}

int byte_ring_next(const struct byte_ring *r, size_t *pos, struct ring_piece *ret)
{
	while (*pos < r->used) {
		size_t at = (r->oldest + *pos) % r->size;
		struct piece_head h = head_at(r, at);

		*pos += h.size;
		if (!h.len)
			continue;
		*ret = (struct ring_piece){h.ts_ns, r->buf + at + sizeof(h), h.len};
		return 1;
	}
	return 0;
}
