/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an output has not taken, on disk: segment files of records, oldest first, in a folder of the
 * output's own.
 *
 *   0000000000000001.seg   "koban spool 1\n\0\0", then records: length (u32), CRC-32C over length
 *                          and bytes (u32), bytes
 *   cursor                 segment and offset up to which all was taken, with a CRC
 *
 * Only the last segment is appended to; a segment whose records were all taken is unlinked. A
 * process that dies in the middle of a record leaves a tail that does not check: the next open cuts
 * it off. A cursor that is older than the truth means that findings are sent twice, never that one
 * is lost. Numbers are little-endian. It has no lock; a flock on the folder keeps other processes
 * out.
 */
#include "sink/output/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"

enum { HEAD_SIZE = 16, RECORD_HEAD = 8, CURSOR_SIZE = 20, MAX_SEGMENTS = 4096 };
enum { READ_TRIES = 8 };
enum { SEGMENT_MIN = 64 * 1024, SEGMENT_MAX = 8 * 1024 * 1024 };
static const char magic[HEAD_SIZE] = "koban spool 1\n";

struct segment {
	uint64_t seq;
	uint64_t size;  /* bytes of the file */
	uint64_t count; /* records that were not taken yet */
};

struct spool {
	char *path;
	int dir_fd, write_fd, read_fd, cursor_fd;
	struct segment segments[MAX_SEGMENTS];
	size_t nsegments;
	uint64_t next_seq;
	uint64_t read_offset; /* in the first segment */
	uint64_t front_size;  /* of the record at the front, 0 = not looked at yet */
	uint64_t bytes, count;
	uint64_t max_bytes, segment_bytes;
	uint64_t damaged;
	unsigned failed_reads; /* in a row */
};

static void segment_name(uint64_t seq, char name[32])
{
	snprintf(name, 32, "%016llx.seg", (unsigned long long)seq);
}

static int open_segment(struct spool *s, uint64_t seq, int flags)
{
	char name[32];

	segment_name(seq, name);
	int fd = openat(s->dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- the cursor ------------------------------------------------------------------------------ */

static void cursor_save(struct spool *s, uint64_t seq, uint64_t offset)
{
	uint8_t b[CURSOR_SIZE];

	memcpy(b, &seq, 8);
	memcpy(b + 8, &offset, 8);
	uint32_t crc = crc32c(0, b, 16);
	memcpy(b + 16, &crc, 4);
	/* a cursor that cannot be written costs a repeat, not a loss */
	if (pwrite(s->cursor_fd, b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return;
}

static void cursor_load(struct spool *s, uint64_t *seq, uint64_t *offset)
{
	uint8_t b[CURSOR_SIZE];
	uint32_t crc;

	*seq = *offset = 0;
	if (pread(s->cursor_fd, b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return;
	memcpy(&crc, b + 16, 4);
	if (crc != crc32c(0, b, 16))
		return;
	memcpy(seq, b, 8);
	memcpy(offset, b + 8, 8);
}

/* ---- opening: which segments are there, what is good in them --------------------------------- */

/* The length of the record at c, header included; 0 when it does not check. */
static size_t record_check(struct cursor c)
{
	uint32_t len = cursor_u32(&c), crc = cursor_u32(&c);
	const uint8_t *data = cursor_take(&c, len > RECORD_MAX ? SIZE_MAX : len);

	if (!data || crc32c(crc32c(0, &len, sizeof(len)), data, len) != crc)
		return 0;
	return RECORD_HEAD + (size_t)len;
}

/* Counts the good records behind `from`; the offset at which the good part ends. */
static uint64_t scan_records(
	const uint8_t *data, size_t size, uint64_t from, uint64_t *ret_from, uint64_t *ret_count)
{
	uint64_t at = HEAD_SIZE, start = HEAD_SIZE, n = 0;
	size_t len;

	if (size < HEAD_SIZE || memcmp(data, magic, HEAD_SIZE) != 0)
		return 0;
	while (at < size && (len = record_check(cursor_of(data + at, size - at)))) {
		/* a cursor that points into a record is not believed */
		if (at == from) {
			start = at;
			n = 0;
		}
		at += len;
		n++;
	}
	if (at == from) {
		start = at;
		n = 0;
	}
	*ret_from = start;
	*ret_count = n;
	return at;
}

static int scan_segment(struct spool *s, struct segment *seg, uint64_t from, uint64_t *ret_from)
{
	int fd = open_segment(s, seg->seq, O_RDWR);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		st.st_size > SEGMENT_MAX + RECORD_MAX + 4096) {
		close(fd);
		return -EINVAL;
	}
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size ? size : 1);
	if (!data || pread(fd, data, size, 0) != (ssize_t)size)
		r = data ? -EIO : -ENOMEM;
	if (r == 0) {
		seg->size = scan_records(data, size, from, ret_from, &seg->count);
		if (seg->size < size) {
			log_warn("spool %s: segment %016llx: cut %zu bytes that do not check",
				s->path, (unsigned long long)seg->seq, size - (size_t)seg->size);
			s->damaged++;
			if (ftruncate(fd, (off_t)seg->size) < 0)
				r = -errno;
		}
	}
	free(data);
	close(fd);
	return r;
}

static int cmp_segment(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int list_segments(struct spool *s)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -errno;
	for (struct dirent *de; (de = readdir(d));) {
		struct str name = str_of(de->d_name);
		uint64_t seq;

		if (name.len != 20 || !str_ends(name, STR(".seg")) ||
			!str_to_u64(str_head(name, 16), 16, &seq))
			continue;
		if (s->nsegments == MAX_SEGMENTS)
			break;
		s->segments[s->nsegments++].seq = seq;
	}
	closedir(d);
	qsort(s->segments, s->nsegments, sizeof(s->segments[0]), cmp_segment);
	return 0;
}

static void drop_segment(struct spool *s, size_t i)
{
	char name[32];

	segment_name(s->segments[i].seq, name);
	unlinkat(s->dir_fd, name, 0);
	s->nsegments--;
	memmove(s->segments + i, s->segments + i + 1, (s->nsegments - i) * sizeof(s->segments[0]));
}

static int load_segments(struct spool *s, struct err *e)
{
	uint64_t seq, offset, from;
	int r = list_segments(s);

	if (r < 0)
		return err_set(e, -r, "%s: cannot list the spool: %s", s->path, strerror(-r));
	cursor_load(s, &seq, &offset);
	s->next_seq = seq + 1;
	s->read_offset = HEAD_SIZE;
	for (size_t i = 0; i < s->nsegments;) {
		struct segment *seg = &s->segments[i];

		from = HEAD_SIZE;
		if (seg->seq >= s->next_seq)
			s->next_seq = seg->seq + 1;
		r = seg->seq < seq ? 0 : scan_segment(s, seg, seg->seq == seq ? offset : 0, &from);
		if (r < 0)
			return err_set(e, -r, "%s: cannot read segment %016llx: %s", s->path,
				(unsigned long long)seg->seq, strerror(-r));
		if (!seg->count) {
			drop_segment(s, i);
			continue;
		}
		if (i == 0)
			s->read_offset = from;
		s->bytes += seg->size;
		s->count += seg->count;
		i++;
	}
	return 0;
}

static int open_dir(struct spool *s, struct err *e)
{
	char parent[4096];
	struct str path = str_of(s->path);
	ptrdiff_t slash = str_rfind_char(path, '/');

	/* the folder of all spools is made too, but nothing above it */
	if (slash > 0 && str_copy(str_head(path, (size_t)slash), parent, sizeof(parent)))
		mkdir(parent, 0700);
	if (mkdir(s->path, 0700) < 0 && errno != EEXIST)
		return err_set(
			e, errno, "%s: cannot make the spool folder: %s", s->path, strerror(errno));
	s->dir_fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return err_set(
			e, errno, "%s: cannot open the spool folder: %s", s->path, strerror(errno));
	if (flock(s->dir_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, errno,
			"%s: another koban is using this spool; give this one a spool.dir of its "
			"own",
			s->path);
	s->cursor_fd = openat(s->dir_fd, "cursor", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->cursor_fd < 0)
		return err_set(e, errno, "%s/cursor: cannot open: %s", s->path, strerror(errno));
	return 0;
}

int spool_open(const char *dir, uint64_t max_bytes, struct spool **ret, struct err *e)
{
	struct spool *s = calloc(1, sizeof(*s));
	int r;

	if (!s || !(s->path = strdup(dir))) {
		free(s);
		return err_set(e, ENOMEM, "%s: out of memory", dir);
	}
	s->dir_fd = s->write_fd = s->read_fd = s->cursor_fd = -1;
	s->max_bytes = max_bytes;
	s->segment_bytes = max_bytes / 16;
	if (s->segment_bytes < SEGMENT_MIN)
		s->segment_bytes = SEGMENT_MIN;
	if (s->segment_bytes > SEGMENT_MAX)
		s->segment_bytes = SEGMENT_MAX;
	if ((r = open_dir(s, e)) < 0 || (r = load_segments(s, e)) < 0) {
		spool_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	spool_sync(s);
	close_fd(&s->write_fd);
	close_fd(&s->read_fd);
	close_fd(&s->cursor_fd);
	close_fd(&s->dir_fd);
	free(s->path);
	free(s);
}

/* ---- appending ------------------------------------------------------------------------------- */

static int begin_segment(struct spool *s)
{
	if (s->nsegments == MAX_SEGMENTS || s->bytes + HEAD_SIZE > s->max_bytes)
		return -ENOSPC;
	spool_sync(s);
	close_fd(&s->write_fd);
	/* the number is used up whatever comes: what cannot be removed again is in nobody's way */
	uint64_t seq = s->next_seq++;
	int fd = open_segment(s, seq, O_RDWR | O_CREAT | O_EXCL);
	if (fd < 0)
		return fd;
	ssize_t n = pwrite(fd, magic, HEAD_SIZE, 0);
	if (n != HEAD_SIZE) {
		int r = n < 0 ? -errno : -ENOSPC;
		char name[32];

		segment_name(seq, name);
		unlinkat(s->dir_fd, name, 0);
		close(fd);
		return r;
	}
	fsync(s->dir_fd);
	s->write_fd = fd;
	s->segments[s->nsegments++] = (struct segment){.seq = seq, .size = HEAD_SIZE};
	s->bytes += HEAD_SIZE;
	return 0;
}

static int writable_segment(struct spool *s, size_t need)
{
	struct segment *last = s->nsegments ? &s->segments[s->nsegments - 1] : NULL;

	if (!last || (last->size > HEAD_SIZE && last->size + need > s->segment_bytes))
		return begin_segment(s);
	if (s->write_fd < 0) {
		int fd = open_segment(s, last->seq, O_RDWR);

		if (fd < 0)
			return fd;
		s->write_fd = fd;
	}
	return 0;
}

int spool_append(struct spool *s, struct str record)
{
	uint32_t head[2] = {(uint32_t)record.len, 0};
	size_t need = RECORD_HEAD + record.len;

	if (record.len > RECORD_MAX)
		return -EMSGSIZE;
	if (s->bytes + need > s->max_bytes)
		return -ENOSPC;
	int r = writable_segment(s, need);
	if (r < 0)
		return r;
	if (s->bytes + need > s->max_bytes)
		return -ENOSPC;
	struct segment *last = &s->segments[s->nsegments - 1];
	head[1] = crc32c(crc32c(0, head, sizeof(head[0])), record.s, record.len);
	struct iovec iov[2] = {{head, sizeof(head)}, {(void *)record.s, record.len}};
	ssize_t n = pwritev(s->write_fd, iov, 2, (off_t)last->size);
	if (n != (ssize_t)need) {
		r = n < 0 ? -errno : -ENOSPC;
		/* if even this fails, the next record overwrites the torn one, or open cuts it */
		if (ftruncate(s->write_fd, (off_t)last->size) < 0)
			return r;
		return r;
	}
	last->size += need;
	last->count++;
	s->bytes += need;
	s->count++;
	return 0;
}

int spool_sync(struct spool *s)
{
	return s->write_fd >= 0 && fdatasync(s->write_fd) < 0 ? -errno : 0;
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* The first segment is done with. */
static void retire_first(struct spool *s)
{
	cursor_save(s, s->segments[0].seq, s->segments[0].size);
	close_fd(&s->read_fd);
	if (s->nsegments == 1)
		close_fd(&s->write_fd);
	s->bytes -= s->segments[0].size;
	s->count -= s->segments[0].count;
	drop_segment(s, 0);
	s->read_offset = HEAD_SIZE;
	s->front_size = 0;
}

/* The length and the CRC of the record at an offset of the first segment: 0, -EBADMSG or -errno. */
static int read_head(struct spool *s, uint64_t offset, uint32_t head[2])
{
	if (s->read_fd < 0) {
		int fd = open_segment(s, s->segments[0].seq, O_RDONLY);

		if (fd < 0) /* somebody removed it */
			return fd == -ENOENT ? -EBADMSG : fd;
		s->read_fd = fd;
	}
	ssize_t n = pread(s->read_fd, head, RECORD_HEAD, (off_t)offset);
	if (n < 0)
		return -errno;
	return n == RECORD_HEAD && head[0] <= RECORD_MAX ? 0 : -EBADMSG;
}

/* Appends `size` bytes; 0, -EBADMSG when the file ends before, or -errno. */
static int read_bytes(struct spool *s, off_t at, size_t size, struct buf *out)
{
	char tmp[4096];

	while (size) {
		ssize_t n = pread(s->read_fd, tmp, size < sizeof(tmp) ? size : sizeof(tmp), at);

		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		buf_add(out, str_make(tmp, (size_t)n));
		at += n;
		size -= (size_t)n;
	}
	return out->cut ? -ENOMEM : 0;
}

/*
 * Appends the record at an offset of the first segment; *ret is its size there. 0, -EBADMSG for one
 * that does not check, or -errno; then nothing was appended.
 */
static int read_record(struct spool *s, uint64_t offset, struct buf *out, uint64_t *ret)
{
	uint32_t head[2];
	size_t start = out->len;
	int r = read_head(s, offset, head);

	if (r < 0)
		return r;
	r = read_bytes(s, (off_t)offset + RECORD_HEAD, head[0], out);
	if (r == 0 && crc32c(crc32c(0, head, sizeof(head[0])), buf_str(out).s + start, head[0]) !=
			      head[1])
		r = -EBADMSG;
	if (r < 0)
		buf_cut(out, start);
	else
		*ret = RECORD_HEAD + (uint64_t)head[0];
	return r;
}

static void skip_damaged(struct spool *s)
{
	log_warn("spool %s: segment %016llx: %llu findings cannot be read back", s->path,
		(unsigned long long)s->segments[0].seq, (unsigned long long)s->segments[0].count);
	s->damaged += s->segments[0].count;
	retire_first(s);
}

int spool_front(struct spool *s, struct buf *out)
{
	buf_clear(out);
	while (s->nsegments) {
		if (s->segments[0].count == 0) {
			retire_first(s);
			continue;
		}
		int r = read_record(s, s->read_offset, out, &s->front_size);
		/* a disk that fails may work again; one that keeps failing must not hold up all */
		if (r < 0 && r != -EBADMSG && ++s->failed_reads < READ_TRIES)
			return r;
		s->failed_reads = 0;
		if (r == 0)
			return 1;
		skip_damaged(s);
	}
	return 0;
}

bool spool_append_next(struct spool *s, uint64_t *pos, struct buf *out)
{
	if (!*pos)
		*pos = s->front_size;
	if (s->read_offset + *pos >= s->segments[0].size)
		return false;
	uint64_t size;

	if (read_record(s, s->read_offset + *pos, out, &size) < 0)
		return false;
	*pos += size;
	return true;
}

void spool_pop(struct spool *s)
{
	uint32_t head[2];

	/* the keeper may have moved it here since it was looked at elsewhere */
	if (s->count && !s->front_size && read_head(s, s->read_offset, head) == 0)
		s->front_size = RECORD_HEAD + (uint64_t)head[0];
	if (!s->count || !s->front_size)
		return; /* one that cannot be read now comes again: repeated, not lost */
	s->read_offset += s->front_size;
	s->front_size = 0;
	s->count--;
	if (--s->segments[0].count == 0)
		retire_first(s);
	else
		cursor_save(s, s->segments[0].seq, s->read_offset);
}

uint64_t spool_count(const struct spool *s)
{
	return s ? s->count : 0;
}

uint64_t spool_bytes(const struct spool *s)
{
	return s ? s->bytes : 0;
}

uint64_t spool_damaged(const struct spool *s)
{
	return s ? s->damaged : 0;
}
