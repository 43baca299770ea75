/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named files, of which a few are read: a folder, or a tar, packed or not. Names come from
 * strangers' manifests; in a folder no link is followed and nothing outside is reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source/image/private.h"

int image_open_beneath(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static bool is_packed(int fd)
{
	uint8_t head[4] = {0};

	if (pread(fd, head, sizeof(head), 0) != sizeof(head))
		return false;
	return (head[0] == 0x1f && head[1] == 0x8b) || memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0;
}

static int open_tar(struct image_source *s, struct bag *b, struct err *e)
{
	b->is_tar = true;
	if (is_packed(b->fd)) {
		int plain = -1, r = inflate_to_temporary(s, b->fd, b->what, &plain, e);

		if (r < 0)
			return r;
		close(b->fd);
		b->fd = plain;
	}
	return tar_index_read(b->fd, b->what, &s->arena, &b->index, e);
}

int bag_open(struct image_source *s, struct str path, struct bag *ret, struct err *e)
{
	struct bag b = {.fd = -1};
	struct stat st;
	char p[4096];
	int r = 0;

	if (!str_copy(path, p, sizeof(p)) || memchr(path.s, 0, path.len))
		return err_set(e, ENAMETOOLONG, "%s: the path is too long", s->name);
	snprintf(b.what, sizeof(b.what), "%.*s", STR_ARG(image_printable(path, 200, &s->arena)));
	b.fd = open(p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (b.fd < 0 || fstat(b.fd, &st) < 0)
		r = err_set(e, errno, "%s: cannot open: %s", b.what, strerror(errno));
	else if (S_ISREG(st.st_mode))
		r = open_tar(s, &b, e);
	else if (!S_ISDIR(st.st_mode))
		r = err_set(e, EINVAL, "%s is neither a file nor a folder", b.what);
	if (r < 0) {
		bag_close(&b);
		return r;
	}
	*ret = b;
	return 0;
}

void bag_close(struct bag *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

/* An open descriptor with the place in it. */
static int locate(const struct bag *b, struct str name, int *fd, uint64_t *offset, uint64_t *size)
{
	const struct tar_file *f = b->is_tar ? tar_index_find(&b->index, name) : NULL;
	struct stat st;
	char path[4096];

	if (b->is_tar) {
		*fd = f ? fcntl(b->fd, F_DUPFD_CLOEXEC, 3) : -1;
		if (*fd < 0)
			return f ? -errno : -ENOENT;
		*offset = f->offset;
		*size = f->size;
		return 0;
	}
	if (!name.len || memchr(name.s, 0, name.len) || !str_copy(name, path, sizeof(path)))
		return -ENOENT;
	*fd = image_open_beneath(b->fd, path, O_RDONLY);
	if (*fd < 0)
		return *fd;
	int r = fstat(*fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;

	if (r < 0)
		close(*fd);
	*offset = 0;
	*size = r < 0 ? 0 : (uint64_t)st.st_size;
	return r;
}

bool bag_has(const struct bag *b, struct str name)
{
	uint64_t offset, size;
	int fd;

	if (locate(b, name, &fd, &offset, &size) < 0)
		return false;
	close(fd);
	return true;
}

uint64_t bag_size(const struct bag *b, struct str name)
{
	uint64_t offset, size;
	int fd;

	if (locate(b, name, &fd, &offset, &size) < 0)
		return 0;
	close(fd);
	return size;
}

int bag_stream(const struct bag *b, struct str name, struct image_stream **ret, struct err *e)
{
	uint64_t offset, size;
	int fd, r = locate(b, name, &fd, &offset, &size);

	if (r < 0)
		return err_set(e, -r, "%s: cannot read \"%.*s\" in it: %s", b->what,
			STR_ARG(str_head(name, 200)),
			r == -ELOOP ? "links in it are not followed" : strerror(-r));
	r = image_stream_of_file(fd, offset, size, ret, e);
	if (r == 0)
		image_stream_init(*ret, "%s: \"%.*s\"", b->what, STR_ARG(str_head(name, 100)));
	return r;
}

int bag_read(const struct bag *b, struct str name, size_t limit, struct arena *a, struct str *ret,
	struct err *e)
{
	struct image_stream *st;
	int r = bag_stream(b, name, &st, e);

	return r < 0 ? r : image_stream_read_all(st, limit, a, ret, e);
}

/* ---- as what a transport has open ---- */

int bag_attach(struct image_source *s, struct str path, struct err *e)
{
	struct bag *b = arena_new(&s->arena, struct bag);

	if (!b)
		return err_set(e, ENOMEM, "out of memory");
	int r = bag_open(s, path, b, e);

	if (r == 0)
		s->state = b;
	return r;
}

void bag_detach(struct image_source *s)
{
	bag_close(s->state);
	s->state = NULL;
}

static bool exists(struct str path)
{
	char p[4096];

	return path.len && str_copy(path, p, sizeof(p)) && access(p, F_OK) == 0;
}

static ptrdiff_t next_colon(struct str s, ptrdiff_t from)
{
	ptrdiff_t next = str_find_char(str_skip(s, (size_t)from + 1), ':');

	return next < 0 ? -1 : from + 1 + next;
}

void image_split_path(struct str rest, struct str *path, struct str *want)
{
	ptrdiff_t at = str_rfind_char(rest, '@'), colon = str_find_char(rest, ':');

	*path = rest;
	*want = STR_NULL;
	if (exists(rest))
		return;
	if (at > 0 && digest_is_valid(str_skip(rest, (size_t)at + 1))) {
		*path = str_head(rest, (size_t)at);
		*want = str_skip(rest, (size_t)at + 1);
		if (exists(*path))
			return;
		rest = *path; /* PATH:TAG@DIGEST: the digest counts */
		colon = str_find_char(rest, ':');
	}
	/* the shortest path that is there: a name behind it may have colons of its own */
	for (; colon >= 0; colon = next_colon(rest, colon))
		if (exists(str_head(rest, (size_t)colon))) {
			*path = str_head(rest, (size_t)colon);
			if (!want->len)
				*want = str_skip(rest, (size_t)colon + 1);
			return;
		}
}
