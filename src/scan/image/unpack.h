/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compressed bytes in, plain bytes out, as a stream. What they are is told by their first bytes:
 * media types and file names are strangers' words.
 */
#include <sys/types.h>

#include "base/str.h"

/*
 * Where bytes come from: each call gives the next block, which is good until the next call. Bytes
 * in it, 0 at the end, -errno (-EBADMSG: what comes is damaged).
 */
struct byte_source {
	ptrdiff_t (*next)(void *arg, const void **block);
	void *arg;
};

enum unpack_kind { UNPACK_NONE, UNPACK_GZIP, UNPACK_ZSTD };

struct unpack {
	enum unpack_kind kind;
	uint64_t in_bytes, out_bytes;
	const char *why;   /* of -EBADMSG: "its gzip stream is cut short" */
	bool has_trailing; /* bytes behind the end that belong to no stream */
	/* private */
	struct byte_source in;
	const uint8_t *p, *block; /* what is at hand, and what comes behind it */
	size_t left, block_left;
	uint8_t head[16];          /* bytes that lay across the border of two blocks */
	int failed;                /* what the next call says */
	bool is_ended, is_between; /* nothing more comes; no stream is begun */
	void *state;
};

enum { UNPACK_HEAD = 6 }; /* bytes that unpack_kind_of() wants to see */
enum unpack_kind unpack_kind_of(struct str head);

/* Looks at the first bytes. 0, -ENOMEM, or what the source says. */
int unpack_open(struct unpack *u, struct byte_source in);
/*
 * Up to `size` bytes, as many as there are. 0 at the end; -EBADMSG with `why` for damage, also when
 * the stream ends too early; what the source says.
 */
ptrdiff_t unpack_read(struct unpack *u, void *to, size_t size);
void unpack_close(struct unpack *u);
