/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder as a tar, made while it is read (libarchive writes it). The folder is a stranger's and
 * may change meanwhile: no link is followed, nothing beyond a mount is entered, special files are
 * named and never opened, and a file that shrinks is filled up with zeros. What could not be read
 * becomes a gap of the image. Whiteouts of overlayfs become those of OCI (image-spec, layer.md).
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/table.h"
#include "source/image/private.h"

enum {
	DEPTH_MAX = 200, /* folders in folders, an open descriptor each */
	CHUNK = 64 << 10,
	LINKS_MAX = 1 << 16, /* hard links that are recognised */
	PATH_BYTES_MAX = 16 << 10,
};

struct link {
	dev_t dev;
	ino_t ino;
	char path[];
};

struct tree {
	struct image_stream st;
	struct image_source *source;
	struct tree_options o;
	struct archive *tar;
	struct buf out; /* made and not yet read */
	size_t out_at;
	struct buf path; /* of the folder that is read, with a "/" behind unless it is the root */
	struct {
		DIR *dir;
		size_t path_len;
	} level[DEPTH_MAX];
	unsigned depth; /* 0 = all was read */
	int file;       /* whose content is on its way; -1 = none */
	uint64_t file_left;
	struct table links;
	bool is_closed; /* the end of the tar was written */
	char chunk[CHUNK];
};

static bool same_link(const void *row, const void *key)
{
	const struct link *l = row, *k = key;

	return l->dev == k->dev && l->ino == k->ino;
}

static la_ssize_t take_bytes(struct archive *tar, void *arg, const void *p, size_t n)
{
	struct tree *t = arg;

	(void)tar;
	buf_add(&t->out, str_make(p, n));
	return t->out.cut ? -1 : (la_ssize_t)n;
}

static int tar_failed(struct tree *t, struct err *e)
{
	const char *why = archive_error_string(t->tar);

	return err_set(e, EIO, "%s: cannot be made a tar: %s", t->st.what, why ? why : "no reason");
}

static const char elsewhere[] = "another file system is mounted there: it is not part of the image";

static void gap(struct tree *t, const char *name, const char *why)
{
	struct buf b = BUF_INIT(4096);

	buf_printf(&b, "/%.*s%s", STR_ARG(buf_str(&t->path)), name);
	source_gap(t->source, buf_str(&b), why, why != elsewhere);
	buf_done(&b);
}

static const char *why_not(int error)
{
	return error == EACCES || error == EPERM ? "may not be read by this user"
	       : error == EXDEV                  ? elsewhere
	       : error == ELOOP                  ? "became a link while it was read"
						 : "cannot be read";
}

static int open_here(struct tree *t, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(
		SYS_openat2, dirfd(t->level[t->depth - 1].dir), name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* ---- entries ---- */

static int write_entry(struct tree *t, const char *name, const struct stat *st, const char *target,
	const char *hard, int fd, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	char value[256];
	ssize_t n;

	if (!entry)
		return err_set(e, ENOMEM, "out of memory");
	buf_add_cstr(&t->path, name);
	archive_entry_copy_pathname(entry, t->path.s);
	buf_cut(&t->path, t->level[t->depth - 1].path_len);
	archive_entry_copy_stat(entry, st);
	if (target)
		archive_entry_copy_symlink(entry, target);
	if (hard)
		archive_entry_copy_hardlink(entry, hard);
	if (target || hard || !S_ISREG(st->st_mode))
		archive_entry_set_size(entry, 0);
	n = fd >= 0 ? fgetxattr(fd, "security.capability", value, sizeof(value)) : -1;
	if (n > 0)
		archive_entry_xattr_add_entry(entry, "security.capability", value, (size_t)n);
	int r = archive_write_header(t->tar, entry);

	archive_entry_free(entry);
	return r < ARCHIVE_WARN ? tar_failed(t, e) : 0;
}

static int write_whiteout(struct tree *t, const char *name, const struct stat *st, struct err *e)
{
	struct stat empty = {.st_mode = S_IFREG, .st_mtim = st->st_mtim};
	char whiteout[NAME_MAX + 8];

	snprintf(whiteout, sizeof(whiteout), ".wh.%s", name);
	return write_entry(t, whiteout, &empty, NULL, NULL, -1, e);
}

static bool has_mark(int fd, const char *mark)
{
	static const char *const spaces[] = {
		"trusted.overlay.", "user.overlay.", "user.fuseoverlayfs."};
	char name[64], value[8];

	for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++) {
		snprintf(name, sizeof(name), "%s%s", spaces[i], mark);
		if (fgetxattr(fd, name, value, sizeof(value)) >= 0 || errno == ERANGE)
			return true;
	}
	return false;
}

/* The path under which this inode was written already; NULL = it is the first. */
static const char *known_link(struct tree *t, const char *name, const struct stat *st)
{
	struct link key = {.dev = st->st_dev, .ino = st->st_ino}, *l;
	uint64_t hash = hash_u64(hash_u64((uint64_t)st->st_dev) ^ (uint64_t)st->st_ino);

	if (st->st_nlink < 2)
		return NULL;
	l = table_find(&t->links, hash, &key);
	if (l)
		return l->path;
	size_t n = t->path.len + strlen(name) + 1;

	l = malloc(sizeof(*l) + n);
	if (!l)
		return NULL;
	*l = key;
	snprintf(l->path, n, "%.*s%s", STR_ARG(buf_str(&t->path)), name);
	if (table_put(&t->links, hash, l) < 0)
		free(l);
	return NULL;
}

static int add_file(struct tree *t, const char *name, struct err *e)
{
	int fd = open_here(t, name, O_RDONLY), r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		gap(t, name, why_not(fd < 0 ? -fd : EIO));
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (t->o.is_overlay && !st.st_size && has_mark(fd, "whiteout")) {
		close(fd);
		return write_whiteout(t, name, &st, e);
	}
	if (t->o.is_overlay && has_mark(fd, "metacopy"))
		gap(t, name, "has its content in another layer");
	const char *hard = known_link(t, name, &st);

	r = write_entry(t, name, &st, NULL, hard, fd, e);
	if (r < 0 || hard || !st.st_size) {
		close(fd);
		return r;
	}
	t->file = fd;
	t->file_left = (uint64_t)st.st_size;
	return 0;
}

static int enter(struct tree *t, int fd, const char *name, struct err *e)
{
	DIR *dir;

	if (t->depth == DEPTH_MAX || t->path.len + strlen(name) + 2 > PATH_BYTES_MAX) {
		close(fd);
		gap(t, name, "folders are nested too deep");
		return 0;
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_set(e, errno, "%s: cannot read: %s", t->st.what, strerror(errno));
	}
	if (*name) {
		buf_add_cstr(&t->path, name);
		buf_add_char(&t->path, '/');
	}
	t->level[t->depth].dir = dir;
	t->level[t->depth++].path_len = t->path.len;
	return 0;
}

static int add_dir(struct tree *t, const char *name, const struct stat *seen, struct err *e)
{
	int fd = open_here(t, name, O_RDONLY | O_DIRECTORY), r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		gap(t, name, why_not(fd < 0 ? -fd : errno));
		if (fd >= 0)
			close(fd);
		return write_entry(t, name, seen, NULL, NULL, -1, e);
	}
	bool is_opaque = t->o.is_overlay && has_mark(fd, "opaque");

	if (t->o.is_overlay && has_mark(fd, "redirect"))
		gap(t, name, "was renamed from a lower layer, and its content there is not read");
	r = write_entry(t, name, &st, NULL, NULL, -1, e);
	if (r < 0) {
		close(fd);
		return r;
	}
	unsigned depth = t->depth;

	r = enter(t, fd, name, e);
	/* the mark lies in the folder itself */
	return r == 0 && is_opaque && t->depth > depth ? write_whiteout(t, ".wh..opq", &st, e) : r;
}

static int add_link(struct tree *t, const char *name, const struct stat *st, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd(t->level[t->depth - 1].dir), name, target, sizeof(target) - 1);

	if (n < 0) {
		gap(t, name, why_not(errno));
		return 0;
	}
	target[n] = 0;
	return write_entry(t, name, st, target, NULL, -1, e);
}

static int add(struct tree *t, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(dirfd(t->level[t->depth - 1].dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT) /* gone meanwhile */
			gap(t, name, why_not(errno));
		return 0;
	}
	if (S_ISREG(st.st_mode))
		return add_file(t, name, e);
	if (S_ISDIR(st.st_mode))
		return add_dir(t, name, &st, e);
	if (S_ISLNK(st.st_mode))
		return add_link(t, name, &st, e);
	if (S_ISSOCK(st.st_mode))
		return 0; /* a tar has no such thing */
	if (t->o.is_overlay && S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		return write_whiteout(t, name, &st, e);
	return write_entry(t, name, &st, NULL, NULL, -1, e);
}

/* ---- the way through ---- */

static int copy_chunk(struct tree *t, struct err *e)
{
	size_t want = t->file_left < CHUNK ? (size_t)t->file_left : CHUNK;
	ssize_t n = read(t->file, t->chunk, want);

	if (n <= 0) { /* it shrank, or cannot be read: its size is written already */
		gap(t, "",
			n < 0 ? "a file could be read only in part"
			      : "a file became smaller while it was read");
		memset(t->chunk, 0, want);
		n = (ssize_t)want;
	}
	t->file_left -= (uint64_t)n;
	if (archive_write_data(t->tar, t->chunk, (size_t)n) < 0)
		return tar_failed(t, e);
	if (!t->file_left) {
		close(t->file);
		t->file = -1;
	}
	return 0;
}

static void leave(struct tree *t)
{
	closedir(t->level[--t->depth].dir);
	buf_cut(&t->path, t->depth ? t->level[t->depth - 1].path_len : 0);
}

/* Makes some more of the tar. */
static int advance(struct tree *t, struct err *e)
{
	if (t->file >= 0)
		return copy_chunk(t, e);
	if (!t->depth) {
		t->is_closed = true;
		return archive_write_close(t->tar) < ARCHIVE_WARN ? tar_failed(t, e) : 0;
	}
	errno = 0;
	const struct dirent *d = readdir(t->level[t->depth - 1].dir);

	if (!d) {
		if (errno)
			gap(t, "", why_not(errno));
		leave(t);
		return 0;
	}
	if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
		return 0;
	return add(t, d->d_name, e);
}

static ptrdiff_t tree_read(struct image_stream *st, void *to, size_t size, struct err *e)
{
	struct tree *t = (struct tree *)st;
	int r = 0;

	while (r == 0 && t->out_at == t->out.len && !t->is_closed) {
		buf_clear(&t->out);
		t->out_at = 0;
		if (source_stopped(t->source))
			return err_set(e, EINTR, "%s: stopped", t->st.what);
		r = advance(t, e);
	}
	if (r < 0)
		return r;
	struct str left = str_head(str_skip(buf_str(&t->out), t->out_at), size);

	memcpy(to, left.s, left.len);
	t->out_at += left.len;
	return (ptrdiff_t)left.len;
}

static void tree_close(struct image_stream *st)
{
	struct tree *t = (struct tree *)st;
	size_t pos = 0;
	void *row;

	while (t->depth)
		leave(t);
	if (t->file >= 0)
		close(t->file);
	archive_write_free(t->tar);
	while ((row = table_next(&t->links, &pos)))
		free(row);
	table_done(&t->links);
	buf_done(&t->out);
	buf_done(&t->path);
	free(t);
}

int tree_stream(struct image_source *s, int dirfd, const struct tree_options *o,
	struct image_stream **ret, struct err *e)
{
	struct tree *t = calloc(1, sizeof(*t));
	/* of its own: the place that is read is the descriptor's */
	int fd = t ? openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = t && fd < 0 ? err_set(e, errno, "%s: cannot open: %s", s->name, strerror(errno))
			    : 0;

	close(dirfd);
	if (!t || r < 0) {
		free(t);
		return t ? r : err_set(e, ENOMEM, "out of memory");
	}
	t->st = (struct image_stream){
		.read = tree_read, .close = tree_close, .verifier.size = UINT64_MAX};
	image_stream_init(&t->st, "%s", s->name);
	t->source = s;
	t->o = *o;
	t->file = -1;
	t->out = BUF_INIT(CHUNK * 4 + PATH_BYTES_MAX * 8);
	t->path = BUF_INIT(PATH_BYTES_MAX + NAME_MAX + 8);
	table_init(&t->links, same_link, LINKS_MAX);
	r = enter(t, fd, "", e);
	t->tar = r == 0 ? archive_write_new() : NULL;
	if (!t->tar || archive_write_set_format_pax_restricted(t->tar) != ARCHIVE_OK ||
		archive_write_set_bytes_per_block(t->tar, 0) != ARCHIVE_OK ||
		archive_write_open(t->tar, t, NULL, take_bytes, NULL) != ARCHIVE_OK) {
		tree_close(&t->st);
		return r < 0 ? r : err_set(e, ENOMEM, "out of memory");
	}
	*ret = &t->st;
	return 0;
}
