/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a capture: reads large pieces, unpacks gzip, keeps what is not parsed yet in one
 * piece. Knows nothing of blocks. Files are read, not mapped: one that is cut short meanwhile is
 * then an end like any other and no SIGBUS.
 */
#include "source/capture/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	GZIP_WINDOW = 15 + 16, /* zlib: the largest window, a gzip header */
	GZIP_MAGIC_0 = 0x1f,
	GZIP_MAGIC_1 = 0x8b,
};

/* What was made before is told first; the failure when the caller asks for more. */
static void keep_failure(struct input *in, int code)
{
	in->failed = code;
	in->ended = true;
}

static ssize_t read_some(struct input *in, void *buf, size_t size)
{
	ssize_t n;

	/* a signal ends a wait for a pipe; a file does not wait */
	while ((n = read(in->fd, buf, size)) < 0 && errno == EAGAIN)
		if (poll(&(struct pollfd){.fd = in->fd, .events = POLLIN}, 1, -1) < 0)
			break;
	if (n < 0)
		return -errno;
	in->raw_bytes += (uint64_t)n;
	return n;
}

static int fill_plain(struct input *in)
{
	ssize_t n = read_some(in, in->buf + in->end, in->cap - in->end);

	if (n == -EINTR)
		return -EINTR;
	if (n < 0)
		keep_failure(in,
			err_set(&in->failure, (int)-n, "cannot be read: %s", strerror((int)-n)));
	else if (n == 0)
		in->ended = true;
	else
		in->end += (size_t)n;
	return 0;
}

/* More packed bytes, when all are used up; 0 at the end of the file. */
static ssize_t refill_raw(struct input *in)
{
	if (in->z.avail_in || in->is_memory)
		return in->z.avail_in;
	ssize_t n = read_some(in, in->raw, INPUT_RAW_BYTES);
	if (n > 0) {
		in->z.next_in = in->raw;
		in->z.avail_in = (uInt)n;
	}
	return n;
}

static void fail_gzip(struct input *in, const char *what)
{
	keep_failure(in, err_set(&in->failure, EBADMSG, "at byte %llu of the gzip file: %s",
				 (unsigned long long)input_file_offset(in), what));
}

/* Several gzip files behind each other are one; padding with zeroes is, as for gzip, the end. */
static bool begin_member(struct input *in)
{
	if (in->z.next_in[0] == 0) {
		in->ended = true;
		return false;
	}
	in->between = false;
	return inflateReset(&in->z) == Z_OK;
}

static void inflate_some(struct input *in)
{
	in->z.next_out = in->buf + in->end;
	in->z.avail_out = (uInt)(in->cap - in->end);
	int r = inflate(&in->z, Z_NO_FLUSH);
	in->end = in->cap - in->z.avail_out;
	if (r == Z_STREAM_END)
		in->between = true;
	else if (r == Z_MEM_ERROR)
		keep_failure(in, err_set(&in->failure, ENOMEM, "out of memory"));
	else if (r != Z_OK && r != Z_BUF_ERROR)
		fail_gzip(in, in->z.msg ? in->z.msg : "the data are damaged");
}

static int fill_gzip(struct input *in)
{
	ssize_t n = refill_raw(in);

	if (n == -EINTR)
		return -EINTR;
	if (n < 0)
		keep_failure(in,
			err_set(&in->failure, (int)-n, "cannot be read: %s", strerror((int)-n)));
	else if (n == 0 && in->between)
		in->ended = true;
	else if (n == 0)
		fail_gzip(in, "the file ends inside the packed data (was it cut off?)");
	else if (!in->between || begin_member(in))
		inflate_some(in);
	return 0;
}

/* Room for n bytes from pos on, and for a good read behind them. */
static int make_room(struct input *in, size_t n)
{
	if (in->pos && in->cap - in->pos < n + (in->cap >> 2)) {
		memmove(in->buf, in->buf + in->pos, in->end - in->pos);
		in->base += in->pos;
		in->end -= in->pos;
		in->pos = 0;
	}
	if (in->cap - in->pos >= n && in->end < in->cap)
		return 0;
	uint8_t *buf = realloc(in->buf, n + INPUT_BUFFER_BYTES);
	if (!buf)
		return -ENOMEM;
	in->buf = buf;
	in->cap = n + INPUT_BUFFER_BYTES;
	return 0;
}

ssize_t input_fill(struct input *in, size_t n, struct err *e)
{
	while (input_left(in) < n && !in->ended) {
		if (make_room(in, n) < 0)
			return err_set(e, ENOMEM, "out of memory for a block of %zu bytes", n);
		if ((in->is_gzip ? fill_gzip(in) : fill_plain(in)) == -EINTR && !in->is_patient)
			return err_set(e, EINTR, "interrupted");
	}
	if (input_left(in) < n && in->failed) {
		if (e)
			*e = in->failure;
		return in->failed;
	}
	return (ssize_t)input_left(in);
}

ssize_t input_skip(struct input *in, uint64_t n, struct err *e)
{
	uint64_t done = 0;

	while (done < n) {
		ssize_t have = input_want(in, 1, e);
		if (have < 0)
			return have;
		if (have == 0)
			break;
		uint64_t step = n - done < (uint64_t)have ? n - done : (uint64_t)have;
		input_take(in, (size_t)step);
		done += step;
	}
	return (ssize_t)done;
}

uint64_t input_file_offset(const struct input *in)
{
	return in->is_gzip ? in->raw_bytes - in->z.avail_in : input_offset(in);
}

static bool has_gzip_magic(const uint8_t *p, size_t n)
{
	return n >= 2 && p[0] == GZIP_MAGIC_0 && p[1] == GZIP_MAGIC_1;
}

static int begin_gzip(struct input *in, const uint8_t *packed, size_t n, struct err *e)
{
	if (inflateInit2(&in->z, GZIP_WINDOW) != Z_OK)
		return err_set(e, ENOMEM, "out of memory");
	in->is_gzip = true;
	in->z.next_in = (Bytef *)(uintptr_t)packed;
	in->z.avail_in = (uInt)n;
	return 0;
}

/* What was read so far to know the kind of file is the first of the packed bytes. */
static int begin_gzip_file(struct input *in, struct err *e)
{
	size_t n = input_left(in);

	in->raw = malloc(n > INPUT_RAW_BYTES ? n : INPUT_RAW_BYTES);
	if (!in->raw)
		return err_set(e, ENOMEM, "out of memory");
	memcpy(in->raw, input_at(in), n);
	in->pos = in->end = 0;
	in->ended = false;
	return begin_gzip(in, in->raw, n, e);
}

int input_open(struct input *in, const char *path, struct err *e)
{
	struct stat st;

	*in = (struct input){.fd = STDIN_FILENO};
	if (strcmp(path, "-") != 0) {
		in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (in->fd < 0)
			return err_set(e, errno, "%s", strerror(errno));
		in->is_own_fd = true;
	}
	if (fstat(in->fd, &st) < 0)
		return err_set(e, errno, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "is a folder; a capture is a file");
	if (S_ISREG(st.st_mode)) {
		in->size = (uint64_t)st.st_size;
		(void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	ssize_t n = input_want(in, 2, e);
	if (n < 0)
		return (int)n;
	return has_gzip_magic(input_at(in), (size_t)n) ? begin_gzip_file(in, e) : 0;
}

int input_memory(struct input *in, const void *data, size_t size, struct err *e)
{
	*in = (struct input){.fd = -1, .is_memory = true, .size = size, .raw_bytes = size};
	if (size > UINT_MAX)
		return err_set(e, EFBIG, "more than 4 GiB in memory");
	if (has_gzip_magic(data, size))
		return begin_gzip(in, data, size, e);
	in->buf = (uint8_t *)(uintptr_t)data;
	in->cap = in->end = size;
	in->ended = true;
	return 0;
}

void input_done(struct input *in)
{
	if (in->is_gzip)
		inflateEnd(&in->z);
	if (in->is_own_fd)
		close(in->fd);
	/* plain bytes in memory are the caller's */
	if (!in->is_memory || in->is_gzip)
		free(in->buf);
	free(in->raw);
	*in = (struct input){.fd = -1};
}
