/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952, several members one after the other, as estargz and pigz write them) and zstd
 * (RFC 8878, several frames, skippable ones as zstd:chunked has them). Inflating is ISA-L's work:
 * it is what a scan waits for, and zlib needs more than twice the time. Checksums are verified. It
 * does not look into what comes out, and it does not limit it: that is the pass's work.
 */
#include "scan/image/unpack.h"

#include <errno.h>
#include <isa-l.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	WINDOW_LOG_MAX = 27, /* of zstd: 128 MiB, what its own tool reads without being asked */
};

enum unpack_kind unpack_kind_of(struct str head)
{
	const uint8_t *h = (const uint8_t *)head.s;

	if (head.len >= 3 && h[0] == 0x1f && h[1] == 0x8b && h[2] == 8)
		return UNPACK_GZIP;
	if (head.len < 4)
		return UNPACK_NONE;
	if (h[0] == 0x28 && h[1] == 0xb5 && h[2] == 0x2f && h[3] == 0xfd)
		return UNPACK_ZSTD;
	/* a skippable frame in front */
	if ((h[0] & 0xf0) == 0x50 && h[1] == 0x2a && h[2] == 0x4d && h[3] == 0x18)
		return UNPACK_ZSTD;
	return UNPACK_NONE;
}

/* ---- what comes in -------------------------------------------------------------------------- */

static int damaged(struct unpack *u, const char *why)
{
	u->why = why;
	return -EBADMSG;
}

/* Asks for the block behind what is at hand. 1, 0 at the end, or -errno. */
static int fetch(struct unpack *u)
{
	const void *block = NULL;

	if (u->is_ended)
		return 0;
	ptrdiff_t n = u->in.next(u->in.arg, &block);
	if (n <= 0) {
		u->is_ended = n == 0;
		return (int)n;
	}
	u->block = block;
	u->block_left = (size_t)n;
	u->in_bytes += (uint64_t)n;
	return 1;
}

/* Something at hand: 1, 0 at the end, or -errno. */
static int refill(struct unpack *u)
{
	if (u->left)
		return 1;
	if (!u->block_left) {
		int r = fetch(u);

		if (r <= 0)
			return r;
	}
	u->p = u->block;
	u->left = u->block_left;
	u->block_left = 0;
	return 1;
}

/* n bytes in a row, or as many as there are; they stay to be read. 0 or -errno. */
static int look(struct unpack *u, size_t n, struct str *ret)
{
	int r = refill(u);

	if (r < 0)
		return r;
	if (u->left < n) {
		if (u->left)
			memmove(u->head, u->p, u->left);
		u->p = u->head;
	}
	while (u->left < n) {
		if (!u->block_left && (r = fetch(u)) <= 0) {
			if (r < 0)
				return r;
			break;
		}
		size_t take = u->block_left < n - u->left ? u->block_left : n - u->left;

		memcpy(u->head + u->left, u->block, take);
		u->left += take;
		u->block += take;
		u->block_left -= take;
	}
	*ret = str_make((const char *)u->p, u->left < n ? u->left : n);
	return 0;
}

/* ---- gzip ----------------------------------------------------------------------------------- */

static int gzip_begin(struct unpack *u)
{
	struct inflate_state *z = u->state;

	isal_inflate_init(z);
	z->crc_flag = ISAL_GZIP;
	return 0;
}

/* Between two members. 1 = another one begins, 0 = the end, or -errno. */
static int gzip_next(struct unpack *u)
{
	struct str head;
	int r = look(u, 3, &head);

	if (r < 0)
		return r;
	if (unpack_kind_of(head) != UNPACK_GZIP) {
		u->has_trailing = head.len > 0;
		return 0;
	}
	gzip_begin(u);
	u->is_between = false;
	return 1;
}

static ptrdiff_t gzip_some(struct unpack *u, uint8_t *to, size_t size)
{
	struct inflate_state *z = u->state;

	z->next_in = (uint8_t *)u->p;
	z->avail_in = (uint32_t)u->left;
	z->next_out = to;
	z->avail_out = (uint32_t)size;
	int r = isal_inflate(z);
	u->p = z->next_in;
	u->left = z->avail_in;
	/* what came out before the damage was found counts */
	if (r == ISAL_INCORRECT_CHECKSUM)
		u->failed = damaged(u, "the checksum of its gzip stream is wrong");
	else if (r != ISAL_DECOMP_OK)
		u->failed = damaged(u, "its gzip stream is damaged");
	u->is_between = z->block_state == ISAL_BLOCK_FINISH;
	return (ptrdiff_t)(size - z->avail_out);
}

/* ---- zstd ----------------------------------------------------------------------------------- */

static int zstd_next(struct unpack *u)
{
	struct str head;
	int r = look(u, 4, &head);

	if (r < 0)
		return r;
	if (unpack_kind_of(head) != UNPACK_ZSTD) {
		u->has_trailing = head.len > 0;
		return 0;
	}
	u->is_between = false;
	return 1;
}

static int zstd_failure(struct unpack *u, ZSTD_ErrorCode code)
{
	switch (code) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		return damaged(u, "its zstd stream asks for more than 128 MiB of memory");
	case ZSTD_error_checksum_wrong:
		return damaged(u, "the checksum of its zstd stream is wrong");
	default:
		return damaged(u, "its zstd stream is damaged");
	}
}

static ptrdiff_t zstd_some(struct unpack *u, uint8_t *to, size_t size)
{
	ZSTD_inBuffer in = {u->p, u->left, 0};
	ZSTD_outBuffer out = {to, size, 0};
	size_t r = ZSTD_decompressStream(u->state, &out, &in);

	if (ZSTD_isError(r))
		u->failed = zstd_failure(u, ZSTD_getErrorCode(r));
	u->p += in.pos;
	u->left -= in.pos;
	u->is_between = r == 0;
	return (ptrdiff_t)out.pos;
}

/* ---- both ----------------------------------------------------------------------------------- */

int unpack_open(struct unpack *u, struct byte_source in)
{
	struct str head;

	*u = (struct unpack){.in = in, .is_between = true};
	int r = look(u, UNPACK_HEAD, &head);
	if (r < 0)
		return r;
	u->kind = unpack_kind_of(head);
	if (u->kind == UNPACK_GZIP)
		u->state = malloc(sizeof(struct inflate_state));
	else if (u->kind == UNPACK_ZSTD)
		u->state = ZSTD_createDStream();
	if (u->kind == UNPACK_NONE)
		return 0;
	if (!u->state)
		return -ENOMEM;
	if (u->kind == UNPACK_ZSTD)
		ZSTD_DCtx_setParameter(u->state, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return 0;
}

static ptrdiff_t copy_some(struct unpack *u, uint8_t *to, size_t size)
{
	size_t n = u->left < size ? u->left : size;

	memcpy(to, u->p, n);
	u->p += n;
	u->left -= n;
	return (ptrdiff_t)n;
}

/* A step forward: bytes that came out (0 is no end), or -errno. */
static ptrdiff_t some(struct unpack *u, uint8_t *to, size_t size)
{
	/* what an inflater has inside may come out without more coming in */
	int r = refill(u);

	if (r < 0)
		return r;
	if (r == 0 && u->is_ended && u->state && !u->is_between) {
		const uint8_t *was = u->p;
		ptrdiff_t n =
			u->kind == UNPACK_GZIP ? gzip_some(u, to, size) : zstd_some(u, to, size);

		u->p = was;
		if (n != 0 || u->is_between || u->failed)
			return n;
		return damaged(u, u->kind == UNPACK_GZIP ? "its gzip stream is cut short"
							 : "its zstd stream is cut short");
	}
	return u->kind == UNPACK_GZIP ? gzip_some(u, to, size) : zstd_some(u, to, size);
}

/* What else may be there: 1, 0 at the end, or -errno. */
static int go_on(struct unpack *u)
{
	if (u->kind == UNPACK_NONE)
		return refill(u);
	if (!u->is_between)
		return 1;
	if (u->has_trailing)
		return 0;
	return u->kind == UNPACK_GZIP ? gzip_next(u) : zstd_next(u);
}

ptrdiff_t unpack_read(struct unpack *u, void *to, size_t size)
{
	size_t done = 0;

	/* what came out before the damage counts: the damage is said at the next call */
	while (!u->failed && done < size) {
		int r = go_on(u);

		if (r == 0)
			break;
		uint8_t *at = (uint8_t *)to + done;
		ptrdiff_t n = r < 0                    ? r
			      : u->kind == UNPACK_NONE ? copy_some(u, at, size - done)
						       : some(u, at, size - done);
		if (n < 0)
			u->failed = (int)n;
		else
			done += (size_t)n;
	}
	u->out_bytes += done;
	return done ? (ptrdiff_t)done : u->failed;
}

void unpack_close(struct unpack *u)
{
	if (u->kind == UNPACK_ZSTD)
		ZSTD_freeDStream(u->state);
	else
		free(u->state);
	u->state = NULL;
}
