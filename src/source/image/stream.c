/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of bytes from wherever they lie, with the check of size and digest in the one place that
 * all of them pass; and the simplest of them, a part of a file.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "source/image/private.h"

void image_stream_init(struct image_stream *st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(st->what, sizeof(st->what), fmt, ap);
	va_end(ap);
}

ptrdiff_t image_stream_read(struct image_stream *st, void *to, size_t size, struct err *e)
{
	if (st->failed)
		return err_set(e, -st->failed, "%s failed before", st->what);
	if (st->ended || !size)
		return 0;
	ptrdiff_t n = st->read(st, to, size, e);
	int r = n < 0 ? (int)n : 0;

	if (n > 0)
		r = verifier_add(&st->verifier, to, (size_t)n, st->what, e);
	else if (n == 0)
		r = verifier_end(&st->verifier, st->what, e);
	st->ended = n == 0;
	st->failed = r;
	return r < 0 ? r : n;
}

void image_stream_close(struct image_stream *st)
{
	if (!st)
		return;
	verifier_done(&st->verifier);
	st->close(st);
}

int image_stream_read_all(
	struct image_stream *st, size_t limit, struct arena *a, struct str *ret, struct err *e)
{
	struct buf b = BUF_INIT(limit + 1);
	char chunk[16384];
	ptrdiff_t n;

	while ((n = image_stream_read(st, chunk, sizeof(chunk), e)) > 0 && b.len <= limit)
		buf_add(&b, str_make(chunk, (size_t)n));
	int r = n < 0 ? (int)n : 0;

	if (r == 0 && b.len > limit)
		r = err_set(e, EFBIG, "%s is larger than %zu MiB, the limit for its kind", st->what,
			limit >> 20);
	if (r == 0 && b.cut)
		r = err_set(e, ENOMEM, "out of memory");
	if (r == 0) {
		*ret = arena_str(a, buf_str(&b));
		if (b.len && !ret->s)
			r = err_set(e, ENOMEM, "out of memory");
	}
	buf_done(&b);
	image_stream_close(st);
	return r;
}

/* ---- a part of a file ---- */

struct file_stream {
	struct image_stream st;
	int fd;
	uint64_t at, end;
};

static ptrdiff_t file_read(struct image_stream *st, void *to, size_t size, struct err *e)
{
	struct file_stream *f = (struct file_stream *)st;
	uint64_t left = f->end - f->at;
	ssize_t n;

	if (!left)
		return 0;
	do
		n = pread(f->fd, to, left < size ? (size_t)left : size, (off_t)f->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, errno, "%s: cannot read: %s", st->what, strerror(errno));
	f->at += (uint64_t)n;
	return n;
}

static void file_close(struct image_stream *st)
{
	struct file_stream *f = (struct file_stream *)st;

	close(f->fd);
	free(f);
}

int image_stream_of_file(
	int fd, uint64_t offset, uint64_t size, struct image_stream **ret, struct err *e)
{
	struct file_stream *f = calloc(1, sizeof(*f));

	if (!f || offset > INT64_MAX || size > INT64_MAX - offset) {
		free(f);
		close(fd);
		return err_set(e, ENOMEM, "out of memory");
	}
	*f = (struct file_stream){
		.st = {.read = file_read, .close = file_close, .verifier.size = UINT64_MAX},
		.fd = fd,
		.at = offset,
		.end = offset + size,
	};
	*ret = &f->st;
	return 0;
}
