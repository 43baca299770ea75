/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What around.c and keep.c share: the form in which an event is kept. */
#include "base/byte_ring.h"
#include "engine/around/around.h"

enum { COMM_BYTES = 15 };

/* The head of a kept event; what is behind it, only keep.c knows. */
struct kept {
	uint64_t start_ns;
	uint64_t group; /* container or session; 0 = unknown */
	uint32_t pid;
	uint16_t code;
	uint8_t nparams, fd_bytes;
	uint16_t name_len, raw_len, unix_len, other_len;
	uint8_t comm_len;
	char comm[COMM_BYTES];
};

/* Who belongs together: 0 when it is not known. */
uint64_t kept_group(const struct process *p);
/* False when the event is none to be shown. */
bool kept_push(struct byte_ring *r, const struct event *ev, const struct process *p);
/* Appends what it says, one line of text. */
void kept_format(const struct ring_piece *piece, struct buf *out);
static inline void kept_head(const struct ring_piece *piece, struct kept *ret)
{
	memcpy(ret, piece->p, sizeof(*ret));
}
