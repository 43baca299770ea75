/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Private: the bytes of a capture, from a file, a pipe or memory, plain or gzip, in one buffer that
 * the blocks are parsed in. Pointers into it are good until the next input_want() or input_skip().
 */
#include <sys/types.h>
#include <zlib.h>

#include "base/err.h"

enum {
	INPUT_BUFFER_BYTES =
		512
		<< 10, /* what is copied into it stays near the CPU; grows to the largest block */
	INPUT_RAW_BYTES = 256 << 10, /* gzip: packed bytes */
};

struct input {
	int fd; /* -1 = memory */
	bool is_own_fd, is_gzip, is_memory;
	bool ended;           /* nothing comes after `end` */
	bool is_patient;      /* a signal does not end a wait */
	bool between;         /* gzip: at the border of two members */
	uint8_t *buf;         /* in memory mode: the caller's */
	size_t cap, pos, end; /* of buf; what is to be parsed lies between pos and end */
	uint64_t base;        /* offset of buf[0] in the (unpacked) capture */
	uint64_t size;        /* of the file; 0 = not known */
	uint64_t raw_bytes;   /* read from the file so far */
	z_stream z;
	uint8_t *raw;
	int failed; /* -errno, told when what came before is used up */
	struct err failure;
};

/* "-" is standard input. 0 or -errno; input_done() in either case. */
int input_open(struct input *in, const char *path, struct err *e);
/* Borrows the bytes, which must stay as they are. */
int input_memory(struct input *in, const void *data, size_t size, struct err *e);
void input_done(struct input *in);

/* input_want() when there are not enough in the buffer. */
ssize_t input_fill(struct input *in, size_t n, struct err *e);

static inline size_t input_left(const struct input *in)
{
	return in->end - in->pos;
}

static inline const uint8_t *input_at(const struct input *in)
{
	return in->buf + in->pos;
}

static inline uint64_t input_offset(const struct input *in)
{
	return in->base + in->pos;
}

static inline void input_take(struct input *in, size_t n)
{
	in->pos += n;
}

/*
 * At least n bytes in one piece, from input_at(): how many there are; fewer than n only at the end.
 * -EINTR when a signal came while it waited for a pipe: ask again. Another -errno for good.
 */
static inline ssize_t input_want(struct input *in, size_t n, struct err *e)
{
	return input_left(in) >= n ? (ssize_t)input_left(in) : input_fill(in, n, e);
}

/* Goes n bytes on; how many there were; -errno. */
ssize_t input_skip(struct input *in, uint64_t n, struct err *e);
/* How far the file was read: packed bytes when it is gzip. */
uint64_t input_file_offset(const struct input *in);
