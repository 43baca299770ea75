/* SPDX-License-Identifier: Apache-2.0 */
/* The mount table of the host, from /proc/self/mountinfo. */
#include "source/sensor/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/io.h"

enum { MOUNTS_MAX = 16384, MOUNTINFO_MAX = 8 << 20 };

/* \040 and its like stand for blanks in paths. */
static struct str unescape(struct arena *a, struct str s)
{
	struct str out = arena_str(a, s);
	char *w = (char *)out.s;
	uint64_t c;

	if (!w || str_find_char(s, '\\') < 0)
		return out;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '\\' && i + 3 < s.len &&
			str_to_u64(str_make(s.s + i + 1, 3), 8, &c)) {
			*w++ = (char)c;
			i += 3;
		} else {
			*w++ = s.s[i];
		}
	}
	out.len = (size_t)(w - out.s);
	return out;
}

static bool is_local_type(struct str type)
{
	static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs",
		"tmpfs", "ramfs", "devtmpfs", "overlay", "squashfs", "erofs", "vfat", "iso9660"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_is(type, types[i]))
			return true;
	return false;
}

static bool parse_row(struct arena *a, struct str line, struct mount_row *row)
{
	uint64_t major, minor;

	str_cut(&line, ' '); /* mount id */
	str_cut(&line, ' '); /* parent */
	struct str dev = str_cut(&line, ' ');
	struct str maj = str_cut(&dev, ':');

	if (!str_to_u64(maj, 10, &major) || !str_to_u64(dev, 10, &minor))
		return false;
	row->dev = (uint32_t)(major << 20 | minor);
	row->root = unescape(a, str_cut(&line, ' '));
	row->point = unescape(a, str_cut(&line, ' '));
	/* options and optional fields, of which there may be any number, end in a dash */
	while (line.len && !str_is(str_cut(&line, ' '), "-"))
		;
	row->is_local = is_local_type(str_cut(&line, ' '));
	return row->root.len && row->point.len;
}

void mounts_parse(struct mounts *m, struct str text)
{
	arena_reset(&m->arena);
	m->nrows = 0;
	m->rows = arena_array(&m->arena, struct mount_row, MOUNTS_MAX);
	while (m->rows && text.len && m->nrows < MOUNTS_MAX) {
		struct str line = str_cut(&text, '\n');

		if (parse_row(&m->arena, line, &m->rows[m->nrows]))
			m->nrows++;
	}
}

static void load(struct mounts *m)
{
	struct arena tmp;
	struct str text;

	arena_init(&tmp, MOUNTINFO_MAX * 4);
	if (io_read_file(&tmp, AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL) == 0)
		mounts_parse(m, text);
	arena_done(&tmp);
}

int mounts_open(struct mounts *m)
{
	*m = (struct mounts){.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)};
	arena_init(&m->arena, 64 << 20);
	if (m->fd < 0)
		return -errno;
	load(m);
	return 0;
}

void mounts_close(struct mounts *m)
{
	if (m->fd >= 0)
		close(m->fd);
	arena_done(&m->arena);
	m->fd = -1;
}

bool mounts_refresh(struct mounts *m)
{
	struct pollfd p = {.fd = m->fd, .events = POLLPRI};

	/* the kernel marks the table of this mount namespace as changed (proc_pid_mountinfo(5)) */
	if (m->fd < 0 || poll(&p, 1, 0) <= 0 || !(p.revents & (POLLPRI | POLLERR)))
		return false;
	load(m);
	return true;
}

static bool below(struct str path, struct str dir)
{
	if (dir.len == 1)
		return true;
	return str_starts(path, dir) && (path.len == dir.len || path.s[dir.len] == '/');
}

bool mounts_is_local(const struct mounts *m, uint32_t dev)
{
	for (size_t i = 0; i < m->nrows; i++)
		if (m->rows[i].dev == dev)
			return m->rows[i].is_local;
	return false;
}

struct str mounts_resolve(const struct mounts *m, uint32_t dev, struct str path, struct arena *a)
{
	const struct mount_row *best = NULL;

	/* the mount that shows most of the file system; of equals the first, which is the oldest */
	for (size_t i = 0; i < m->nrows; i++) {
		const struct mount_row *r = &m->rows[i];

		if (r->dev == dev && below(path, r->root) &&
			(!best || r->root.len < best->root.len))
			best = r;
	}
	if (!best)
		return STR_NULL;
	struct str rest = best->root.len == 1 ? path : str_skip(path, best->root.len);
	if (best->point.len == 1)
		return rest.len ? rest : best->point;
	char *p = arena_raw(a, best->point.len + rest.len);
	if (!p)
		return STR_NULL;
	memcpy(p, best->point.s, best->point.len);
	if (rest.len)
		memcpy(p + best->point.len, rest.s, rest.len);
	return str_make(p, best->point.len + rest.len);
}
