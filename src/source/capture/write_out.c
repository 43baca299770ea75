/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that a capture goes to: whole blocks are collected and written in large pieces, plain or
 * through gzip. A full disk leaves a plain file that ends with a whole block. It knows nothing of
 * what is in a block but its length.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "source/capture/write.h"

enum { GZIP_WINDOW = 15 + 16 /* deflateInit2(): with a gzip header */, GZIP_LEVEL = 6 };

static int init_gzip(struct out *o)
{
	o->z = calloc(1, sizeof(*o->z));
	o->zbuf = malloc(OUT_BUFFER);
	if (!o->z || !o->zbuf)
		return -ENOMEM;
	int r = deflateInit2(
		o->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY);
	return r == Z_OK ? 0 : -ENOMEM;
}

static int free_all(struct out *o)
{
	if (o->z)
		deflateEnd(o->z);
	free(o->z);
	free(o->zbuf);
	free(o->buf);
	o->z = NULL;
	o->buf = o->zbuf = NULL;
	int r = o->fd >= 0 && close(o->fd) < 0 ? -errno : 0;
	o->fd = -1;
	return r;
}

int out_open(struct out *o, const char *path, bool is_gzip)
{
	struct stat st;

	*o = (struct out){.fd = -1, .is_gzip = is_gzip};
	o->fd = strcmp(path, "-") == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
				       : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (o->fd < 0)
		return -errno;
	o->can_cut = !is_gzip && strcmp(path, "-") && fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode);
	o->buf = malloc(OUT_BUFFER);
	int r = o->buf ? 0 : -ENOMEM;
	if (r == 0 && is_gzip)
		r = init_gzip(o);
	if (r < 0)
		free_all(o);
	return r;
}

/* As write(2), going on after short writes; what was written is counted whatever comes. */
static int write_bytes(struct out *o, const uint8_t *p, size_t n)
{
	while (n && !o->error) {
		ssize_t done = write(o->fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			o->error = done < 0 ? -errno : -EIO;
			break;
		}
		p += done;
		n -= (size_t)done;
		o->out_bytes += (uint64_t)done;
	}
	return o->error;
}

/* Of these blocks only a part was written: what is left of the last one goes. */
static void cut_to_block(struct out *o, uint64_t start, const uint8_t *p, size_t n)
{
	size_t whole = 0;
	uint64_t written = o->out_bytes - start;
	uint32_t length;

	while (whole + BLOCK_HEADER_BYTES <= n) {
		memcpy(&length, p + whole + 4, sizeof(length));
		if (length < BLOCK_MIN_BYTES || whole + length > written)
			break;
		whole += length;
	}
	if (o->can_cut && ftruncate(o->fd, (off_t)(start + whole)) == 0)
		o->out_bytes = start + whole;
}

static int deflate_bytes(struct out *o, const uint8_t *p, size_t n, int flush)
{
	int r;

	o->z->next_in = (uint8_t *)p;
	o->z->avail_in = (unsigned)n;
	do {
		o->z->next_out = o->zbuf;
		o->z->avail_out = OUT_BUFFER;
		r = deflate(o->z, flush);
		if (r == Z_STREAM_ERROR)
			o->error = -EIO;
		else
			write_bytes(o, o->zbuf, OUT_BUFFER - o->z->avail_out);
	} while (!o->error && o->z->avail_out == 0);
	return o->error;
}

static int write_piece(struct out *o, const uint8_t *p, size_t n, int flush)
{
	uint64_t start = o->out_bytes;

	if (o->error)
		return o->error;
	if (o->is_gzip)
		return deflate_bytes(o, p, n, flush);
	if (write_bytes(o, p, n) < 0)
		cut_to_block(o, start, p, n);
	return o->error;
}

static int empty_buffer(struct out *o, int flush)
{
	int r = write_piece(o, o->buf, o->len, flush);

	o->len = 0;
	return r;
}

int out_block(struct out *o, const uint8_t *block, size_t size)
{
	if (o->error)
		return o->error;
	if (size > OUT_BUFFER - o->len && empty_buffer(o, Z_NO_FLUSH) < 0)
		return o->error;
	o->in_bytes += size;
	if (size > OUT_BUFFER)
		return write_piece(o, block, size, Z_NO_FLUSH);
	memcpy(o->buf + o->len, block, size);
	o->len += size;
	return 0;
}

int out_flush(struct out *o)
{
	return empty_buffer(o, Z_SYNC_FLUSH);
}

int out_close(struct out *o)
{
	if (o->fd < 0)
		return 0;
	int r = empty_buffer(o, Z_FINISH), closed = free_all(o);

	return r < 0 ? r : closed;
}

uint64_t out_size(const struct out *o)
{
	return o->out_bytes + (o->is_gzip ? 0 : o->len);
}
