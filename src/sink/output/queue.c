/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole records in a ring of bytes: a length, then the record, both wrapping around the end.
 * Bounded by bytes and by count; a push copies and allocates nothing. It has no lock: the output
 * that owns it holds one for the few microseconds that a copy takes.
 *
 * The ring may lie in a file of a memory file system instead of the process's own memory; then what
 * is in it outlives a process that is killed. Where it begins and ends is told by two numbers that
 * only grow, each changed by one store when the bytes are in place or done with: at any instant the
 * file is whole.
 *
 *   0      "koban queue 1\n\0\0", boot id (16 bytes), size, begin, end (u64)
 *   4096   the ring
 */
#include "sink/output/private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { HEAD_BYTES = 4096, FILE_RING_MAX = 1 << 30 };
static const char magic[16] = "koban queue 1\n";

struct queue_head {
	char magic[16], boot[16];
	uint64_t size;
	struct queue_marks marks;
};

/* ---- memory ---------------------------------------------------------------------------------- */

int queue_init(struct queue *q, size_t max_count, size_t size_bytes)
{
	/* pages that are never reached are never there: a quiet output costs nothing */
	void *p = mmap(NULL, HEAD_BYTES + size_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	struct queue_head *h = p;
	*q = (struct queue){.ring = (uint8_t *)p + HEAD_BYTES,
		.size = size_bytes,
		.max_count = max_count,
		.marks = &h->marks,
		.fd = -1};
	return 0;
}

void queue_done(struct queue *q)
{
	if (q->ring)
		munmap(q->ring - HEAD_BYTES, HEAD_BYTES + q->size);
	if (q->ring && q->fd >= 0)
		close(q->fd);
	*q = (struct queue){.fd = -1};
}

/* The machine's present run: what memory files hold is of this one, or it is nothing. */
static void boot_id(char ret[16])
{
	char text[64];
	ptrdiff_t n = io_read_proc("/proc/sys/kernel/random/boot_id", text, sizeof(text));
	uint64_t hash[2];

	hash[0] = str_hash(str_make(text, n > 0 ? (size_t)n : 0));
	hash[1] = hash_u64(hash[0]);
	memcpy(ret, hash, 16);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? -EINVAL : 0;
	if (r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

static int map_file(struct queue *q, int fd, size_t size)
{
	void *p = mmap(NULL, HEAD_BYTES + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*q = (struct queue){.ring = (uint8_t *)p + HEAD_BYTES,
		.size = size,
		.marks = &((struct queue_head *)p)->marks,
		.fd = fd};
	return 0;
}

/* ---- the ring -------------------------------------------------------------------------------- */

static void copy_in(struct queue *q, size_t at, const void *data, size_t n)
{
	size_t first = q->size - at < n ? q->size - at : n;

	memcpy(q->ring + at, data, first);
	memcpy(q->ring, (const uint8_t *)data + first, n - first);
}

static size_t offset_at(const struct queue *q, size_t pos)
{
	return (q->marks->begin + pos) % q->size;
}

static uint32_t length_at(const struct queue *q, size_t pos)
{
	uint32_t len;
	uint8_t *to = (uint8_t *)&len;

	for (size_t i = 0; i < sizeof(len); i++)
		to[i] = q->ring[offset_at(q, pos + i)];
	return len;
}

size_t queue_used(const struct queue *q)
{
	return q->marks->end - q->marks->begin;
}

bool queue_push(struct queue *q, struct str record)
{
	uint32_t len = (uint32_t)record.len;
	size_t used = queue_used(q);

	if (q->count == q->max_count || record.len > RECORD_MAX ||
		sizeof(len) + record.len > q->size - used)
		return false;
	copy_in(q, offset_at(q, used), &len, sizeof(len));
	if (len)
		copy_in(q, offset_at(q, used + sizeof(len)), record.s, len);
	/* the bytes are there before they count */
	__atomic_store_n(&q->marks->end, q->marks->end + sizeof(len) + len, __ATOMIC_RELEASE);
	q->count++;
	return true;
}

bool queue_append(const struct queue *q, size_t *pos, struct buf *out)
{
	if (*pos >= queue_used(q))
		return false;
	uint32_t len = length_at(q, *pos);
	size_t at = offset_at(q, *pos + sizeof(len));
	size_t first = q->size - at < len ? q->size - at : len;

	buf_add(out, str_make((const char *)q->ring + at, first));
	buf_add(out, str_make((const char *)q->ring, len - first));
	*pos += sizeof(len) + len;
	return true;
}

bool queue_peek(const struct queue *q, size_t *pos, struct buf *out)
{
	buf_clear(out);
	return queue_append(q, pos, out);
}

void queue_pop(struct queue *q)
{
	if (!q->count)
		return;
	size_t n = sizeof(uint32_t) + length_at(q, 0);

	__atomic_store_n(&q->marks->begin, q->marks->begin + n, __ATOMIC_RELEASE);
	q->count--;
}

/* ---- in a file ------------------------------------------------------------------------------- */

/* Whether what a file says of its ring holds; counts the records. */
static bool is_whole(struct queue *q)
{
	size_t used = queue_used(q), pos = 0;

	if (q->marks->end < q->marks->begin || used > q->size)
		return false;
	while (pos < used) {
		uint32_t len = used - pos < sizeof(len) ? UINT32_MAX : length_at(q, pos);

		if (len > RECORD_MAX || len > used - pos - sizeof(len))
			return false;
		pos += sizeof(len) + len;
		q->count++;
	}
	return true;
}

/* Maps what an earlier run left; false when there is nothing to be had. */
static bool map_left(struct queue *q, int fd)
{
	struct queue_head h;
	struct stat st;
	char boot[16];

	boot_id(boot);
	if (fstat(fd, &st) < 0 || pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
		memcmp(h.magic, magic, sizeof(magic)) != 0 ||
		memcmp(h.boot, boot, sizeof(boot)) != 0 || !h.size || h.size > FILE_RING_MAX ||
		(uint64_t)st.st_size != HEAD_BYTES + h.size || map_file(q, fd, h.size) < 0)
		return false;
	q->max_count = SIZE_MAX;
	if (is_whole(q) && q->count)
		return true;
	munmap(q->ring - HEAD_BYTES, HEAD_BYTES + q->size);
	return false;
}

int queue_open_file(struct queue *q, size_t max_count, size_t size_bytes, const char *path,
	int (*left)(void *arg, struct str record), void *arg)
{
	struct buf record = BUF_INIT(RECORD_MAX);
	struct queue_head head = {.size = size_bytes};
	int fd = open_file(path), r = 0;

	*q = (struct queue){.fd = -1};
	if (fd < 0)
		return fd;
	if (map_left(q, fd)) {
		for (size_t pos = 0; r == 0 && queue_peek(q, &pos, &record);)
			r = left(arg, buf_str(&record));
		munmap(q->ring - HEAD_BYTES, HEAD_BYTES + q->size);
	}
	buf_done(&record);
	memcpy(head.magic, magic, sizeof(magic));
	boot_id(head.boot);
	/* all of it at once: a file system that is full is an error here, not a signal later */
	if (r == 0 && (ftruncate(fd, 0) < 0 || pwrite(fd, &head, sizeof(head), 0) < 0))
		r = -errno;
	if (r == 0)
		r = -posix_fallocate(fd, 0, (off_t)(HEAD_BYTES + size_bytes));
	if (r == 0)
		r = map_file(q, fd, size_bytes);
	if (r < 0) {
		*q = (struct queue){.fd = -1};
		close(fd);
		return r;
	}
	q->max_count = max_count;
	return 0;
}
