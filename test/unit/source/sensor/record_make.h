/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Records made by hand: head, reads, facts, as the probe writes them. */
#include <fcntl.h>
#include <string.h>

#include "source/sensor/decode.h"

struct made_record {
	_Alignas(8) uint8_t bytes[RECORD_MAX];
	size_t len;
};

static inline struct record_head *record_head(struct made_record *r)
{
	return (struct record_head *)(void *)r->bytes;
}

static inline void record_begin(struct made_record *r, uint16_t code, int64_t ret)
{
	memset(r, 0, sizeof(*r));
	r->len = sizeof(struct record_head);
	*record_head(r) = (struct record_head){.ts_ns = 5000,
		.start_ns = 1000,
		.ret = ret,
		.pid = 42,
		.tid = 43,
		.uid = 1000,
		.gid = 100,
		.code = code,
		.cpu = 1,
		.len = sizeof(struct record_head)};
}

static inline void record_put(struct made_record *r, const void *data, size_t n)
{
	memcpy(r->bytes + r->len, data, n);
	r->len += n;
	record_head(r)->len = (uint32_t)r->len;
}

/* Reads come in order and before facts. */
static inline void record_read(struct made_record *r, int slot, const void *data, size_t n)
{
	record_head(r)->read_lens[slot] = (uint16_t)n;
	record_put(r, data, n);
}

static inline void record_read_str(struct made_record *r, int slot, const char *text)
{
	record_read(r, slot, text, strlen(text) + 1);
}

static inline void record_fact(struct made_record *r, uint8_t tag, const void *data, size_t n)
{
	const uint8_t head[] = {tag, 0, (uint8_t)n, (uint8_t)(n >> 8)};

	record_put(r, head, sizeof(head));
	record_put(r, data, n);
}

static inline void record_fact_str(struct made_record *r, uint8_t tag, const char *text)
{
	record_fact(r, tag, text, strlen(text));
}
