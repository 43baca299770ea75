/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packed archive (docker save | gzip) cannot be read at the places where its layers begin, so it
 * is unpacked once, into a file that has no name and is gone with its last reader. That is done by
 * a process of its own in the cell, which can reach nothing but the two files. Blocks of zeros
 * become holes, so a bomb of them costs no disk; size and room are limited.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/cell.h"
#include "source/image/private.h"

enum { IN_SIZE = 128 << 10, OUT_SIZE = 256 << 10, HOLE = 4096, CPU_MAX_S = 3600 };
#define UNPACKED_MAX (128ULL << 30)
#define ROOM_LEFT    (256ULL << 20)

/* What the process says by its exit status. */
enum outcome {
	DONE,
	BROKEN,
	TOO_LARGE,
	NO_ROOM,
	READ_ERROR,
	WRITE_ERROR,
	NO_CELL,
	NO_MEMORY,
	DIED
};

struct unpacking {
	int in, out;
	uint64_t size, written, room;
	uint8_t from[IN_SIZE], to[OUT_SIZE];
};

static bool is_hole(const uint8_t *p, size_t n)
{
	return n == HOLE && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static enum outcome put(struct unpacking *u, size_t n)
{
	if (u->size + n > UNPACKED_MAX)
		return TOO_LARGE;
	for (size_t i = 0; i < n; i += HOLE) {
		size_t len = n - i < HOLE ? n - i : HOLE;

		if (is_hole(u->to + i, len))
			continue;
		u->written += len;
		if (u->written > u->room)
			return NO_ROOM;
		for (size_t done = 0; done < len;) {
			ssize_t w = pwrite(
				u->out, u->to + i + done, len - done, (off_t)(u->size + i + done));

			if (w <= 0)
				return errno == ENOSPC || errno == EDQUOT ? NO_ROOM : WRITE_ERROR;
			done += (size_t)w;
		}
	}
	u->size += n;
	return DONE;
}

/* Several members behind each other are one file, as gzip(1) reads them; zeros behind are padding.
 */
static enum outcome unpack_gzip(struct unpacking *u)
{
	z_stream z = {0};
	enum outcome o = DONE;
	int r = inflateInit2(&z, 15 + 16);
	ssize_t n;

	if (r != Z_OK)
		return NO_MEMORY;
	while (o == DONE && (n = read(u->in, u->from, sizeof(u->from))) > 0) {
		z.next_in = u->from;
		z.avail_in = (unsigned)n;
		while (o == DONE && z.avail_in) {
			if (r == Z_STREAM_END) {
				if (!*z.next_in) {
					z.next_in++;
					z.avail_in--;
					continue;
				}
				inflateReset(&z);
			}
			z.next_out = u->to;
			z.avail_out = sizeof(u->to);
			r = inflate(&z, Z_NO_FLUSH);
			if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
				return BROKEN;
			o = put(u, sizeof(u->to) - z.avail_out);
		}
	}
	return o != DONE ? o : n < 0 ? READ_ERROR : r == Z_STREAM_END ? DONE : BROKEN;
}

static enum outcome unpack_zstd(struct unpacking *u)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	enum outcome o = DONE;
	size_t r = 0;
	ssize_t n;

	if (!z)
		return NO_MEMORY;
	while (o == DONE && (n = read(u->in, u->from, sizeof(u->from))) > 0) {
		ZSTD_inBuffer in = {u->from, (size_t)n, 0};
		ZSTD_outBuffer out = {u->to, sizeof(u->to), sizeof(u->to)};

		while (o == DONE && (in.pos < in.size || out.pos == out.size)) {
			out.pos = 0;
			r = ZSTD_decompressStream(z, &out, &in);
			if (ZSTD_isError(r))
				return BROKEN;
			o = put(u, out.pos);
			if (in.pos == in.size && (r == 0 || out.pos < out.size))
				break;
		}
	}
	return o != DONE ? o : n < 0 ? READ_ERROR : r == 0 ? DONE : BROKEN;
}

static enum outcome unpack(int in, int out, uint64_t room)
{
	struct unpacking *u = calloc(1, sizeof(*u));
	const struct cell_options cell = {.max_cpu_s = CPU_MAX_S};
	uint8_t first = 0;

	if (!u)
		return NO_MEMORY;
	if (cell_enter(&cell, NULL) < 0)
		return NO_CELL;
	u->in = in;
	u->out = out;
	u->room = room;
	if (pread(in, &first, 1, 0) != 1 || lseek(in, 0, SEEK_SET) < 0)
		return READ_ERROR;
	enum outcome o = first == 0x1f ? unpack_gzip(u) : unpack_zstd(u);

	if (o == DONE && ftruncate(out, (off_t)u->size) < 0)
		return WRITE_ERROR;
	return o;
}

static const char *temporary_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir == '/' ? dir : "/var/tmp";
}

static int temporary_file(uint64_t *room, struct err *e)
{
	const char *dir = temporary_dir();
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct statvfs fs;
	char path[4096];

	if (fd < 0) { /* a file system that cannot do this */
		snprintf(path, sizeof(path), "%s/koban-XXXXXX", dir);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return err_set(e, errno, "%s: cannot write a temporary file there: %s", dir,
			strerror(errno));
	*room = UNPACKED_MAX;
	if (fstatvfs(fd, &fs) == 0) {
		uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;

		*room = free_bytes > ROOM_LEFT ? free_bytes - ROOM_LEFT : 0;
	}
	return fd;
}

static int say(enum outcome o, const char *what, struct err *e)
{
	switch (o) {
	case DONE:
		return 0;
	case BROKEN:
		return err_set(
			e, EBADMSG, "%s: its compression is broken, or it was cut off", what);
	case TOO_LARGE:
		return err_set(e, EFBIG, "%s unpacks to more than 128 GiB", what);
	case NO_ROOM:
		return err_set(e, ENOSPC,
			"%s: there is no room to unpack it in %s: set TMPDIR to a larger place, or "
			"unpack it yourself",
			what, temporary_dir());
	case NO_MEMORY:
		return err_set(e, ENOMEM, "out of memory");
	default:
		return err_set(e, EIO, "%s could not be unpacked: %s", what,
			o == READ_ERROR    ? "it cannot be read"
			: o == WRITE_ERROR ? "the temporary file cannot be written"
			: o == NO_CELL     ? "the process that should do it could not be confined"
					   : "the process that should do it died");
	}
}

/* Its exit status, or -EINTR when the user gave up: then it is gone. */
static int wait_for(struct image_source *s, pid_t pid)
{
	int status = 0;

	for (;;) {
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : DIED;
		if (done < 0 && errno != EINTR)
			return DIED;
		if (source_stopped(s)) {
			kill(pid, SIGKILL);
			while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
				;
			return -EINTR;
		}
		usleep(20000);
	}
}

int inflate_to_temporary(struct image_source *s, int fd, const char *what, int *ret, struct err *e)
{
	uint64_t room = 0;
	int out = temporary_file(&room, e), r;
	pid_t pid;

	if (out < 0)
		return out;
	pid = fork();
	if (pid == 0)
		_exit(unpack(fd, out, room));
	r = pid < 0 ? -errno : wait_for(s, pid);
	if (r < 0)
		err_set(e, -r, r == -EINTR ? "%s: stopped" : "%s: cannot start a process: %s", what,
			strerror(-r));
	else
		r = say((enum outcome)r, what, e);
	if (r < 0) {
		close(out);
		return r;
	}
	*ret = out;
	return 0;
}
