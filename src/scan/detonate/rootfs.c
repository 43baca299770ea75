/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One root file system of an image's layers (OCI image-spec 1.1, layer.md: changesets, whiteouts).
 * It runs in the unpacker (unpacker.c), whose root is the folder that it fills: a path that climbs
 * out has nowhere to climb to, a link leads somewhere inside. Nothing here needs to be right for
 * that. Devices and pipes are not made; extended attributes are left out.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/detonate/private.h"

enum {
	PATHS_FIRST = 4096,
	PATHS_MAX = 1 << 22, /* of a layer: half of what the set may hold */
	OPEN_DIRS = 32,
};

/* Hashes of the paths that the layer at hand made: its own whiteouts do not hide them. */
struct path_set {
	uint64_t *slots;
	size_t nslots, count;
};

struct unpacker {
	struct rootfs_answer *answer;
	int in;
	bool layer_ended, all_ended;
	struct path_set made;
	char frame[FRAME_MAX];
};

/* ---- paths --------------------------------------------------------------------------------- */

static void set_insert(struct path_set *s, uint64_t h)
{
	size_t i = h & (s->nslots - 1);

	while (s->slots[i] && s->slots[i] != h)
		i = (i + 1) & (s->nslots - 1);
	s->count += !s->slots[i];
	s->slots[i] = h;
}

static bool set_grow(struct path_set *s)
{
	struct path_set wide = {.nslots = s->nslots ? s->nslots * 2 : PATHS_FIRST};

	wide.slots = wide.nslots <= PATHS_MAX * 2 ? calloc(wide.nslots, sizeof(uint64_t)) : NULL;
	if (!wide.slots)
		return false;
	for (size_t i = 0; i < s->nslots; i++)
		if (s->slots[i])
			set_insert(&wide, s->slots[i]);
	free(s->slots);
	*s = wide;
	return true;
}

static void set_add(struct path_set *s, const char *path)
{
	uint64_t h = str_hash(str_of(path)) | 1;

	if (s->count * 2 < s->nslots || set_grow(s))
		set_insert(s, h);
}

static bool set_has(const struct path_set *s, const char *path)
{
	uint64_t h = str_hash(str_of(path)) | 1;

	for (size_t i = h & (s->nslots - 1); s->nslots && s->slots[i];
		i = (i + 1) & (s->nslots - 1))
		if (s->slots[i] == h)
			return true;
	return false;
}

/* "./a//b/" as "/a/b"; false when it climbs or is too long. */
static bool clean_path(const char *raw, char *out, size_t size)
{
	struct str rest = str_of(raw);
	size_t n = 0;

	out[0] = '/';
	out[1] = 0;
	while (rest.len) {
		struct str part = str_cut(&rest, '/');

		if (!part.len || str_is(part, "."))
			continue;
		if (str_is(part, "..") || part.len > 255 || n + part.len + 2 > size)
			return false;
		out[n++] = '/';
		memcpy(out + n, part.s, part.len);
		n += part.len;
		out[n] = 0;
	}
	return true;
}

static void leave_out(struct unpacker *u, const char *path, const char *why)
{
	/* the container gets a /dev of its own */
	if (!strncmp(path, "/dev/", 5) || u->answer->left_out++)
		return;
	snprintf(u->answer->gap, sizeof(u->answer->gap), "%.180s: %s", path, why);
}

/* Makes the folders above a path. A link on the way leads somewhere inside the chroot. */
static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		int r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- removing ------------------------------------------------------------------------------ */

static const struct path_set *kept; /* of the walk at hand: nftw() has no argument for it */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	if (kept && (f->level == 0 || set_has(kept, path)))
		return 0;
	if (S_ISDIR(st->st_mode))
		rmdir(path); /* one that holds what is kept stays */
	else
		unlink(path);
	return 0;
}

static void remove_tree(const char *path)
{
	kept = NULL;
	nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

/* An opaque folder hides what lower layers put into it. */
static void remove_below(const char *path, const struct path_set *made)
{
	kept = made;
	nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

static bool apply_whiteout(struct unpacker *u, char *path)
{
	char *name = strrchr(path, '/') + 1, victim[PATH_LEN];

	if (strncmp(name, ".wh.", 4) != 0)
		return false;
	if (!strcmp(name, ".wh..wh..opq")) {
		name[name - path > 1 ? -1 : 0] = 0;
		remove_below(path, &u->made);
	} else if (strncmp(name, ".wh..wh.", 8) != 0 && name[4]) {
		snprintf(victim, sizeof(victim), "%.*s%s", (int)(name - path), path, name + 4);
		if (strcmp(name + 4, ".") != 0 && strcmp(name + 4, "..") != 0 &&
			!set_has(&u->made, victim))
			remove_tree(victim);
	}
	return true;
}

/* ---- making -------------------------------------------------------------------------------- */

/* Takes what is in the way; a folder over a folder stays. */
static void make_room(const char *path, bool is_dir)
{
	struct stat st;

	if (lstat(path, &st) < 0 || (is_dir && S_ISDIR(st.st_mode)))
		return;
	remove_tree(path);
}

static void set_owner(struct unpacker *u, int fd, const char *path, struct archive_entry *en)
{
	int64_t uid = archive_entry_uid(en), gid = archive_entry_gid(en);
	bool fits = uid >= 0 && uid < UID_COUNT && gid >= 0 && gid < UID_COUNT;

	if (!fits)
		leave_out(u, path, "its owner's number is above 65535: it is root's");
	else if (fd >= 0)
		(void)!fchown(fd, (uid_t)uid, (gid_t)gid);
	else
		(void)!lchown(path, (uid_t)uid, (gid_t)gid);
}

static int copy_data(struct archive *ar, int fd, int64_t size)
{
	const void *data;
	size_t n;
	int64_t at;
	int r;

	while ((r = archive_read_data_block(ar, &data, &n, &at)) == ARCHIVE_OK ||
		r == ARCHIVE_WARN) {
		const char *p = data;

		while (n) {
			ssize_t w = pwrite(fd, p, n, at);

			if (w <= 0)
				return w < 0 ? -errno : -EIO;
			p += w;
			n -= (size_t)w;
			at += w;
		}
	}
	if (r != ARCHIVE_EOF)
		return -EBADMSG;
	return ftruncate(fd, size) < 0 ? -errno : 0;
}

static int make_file(
	struct unpacker *u, struct archive *ar, struct archive_entry *en, const char *path)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT}, {.tv_sec = archive_entry_mtime(en)}};
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int r = copy_data(ar, fd, archive_entry_size(en));
	set_owner(u, fd, path, en);
	if (fchmod(fd, archive_entry_perm(en) & 07777) < 0 && r == 0)
		r = -errno;
	(void)futimens(fd, times);
	close(fd);
	return r;
}

static int make_dir(struct unpacker *u, struct archive_entry *en, const char *path)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	set_owner(u, fd, path, en);
	int r = fchmod(fd, archive_entry_perm(en) & 07777) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int make_hardlink(struct archive_entry *en, const char *path)
{
	char target[PATH_LEN];

	if (!clean_path(archive_entry_hardlink(en), target, sizeof(target)))
		return -EINVAL;
	return link(target, path) < 0 ? -errno : 0;
}

static int make_entry(
	struct unpacker *u, struct archive *ar, struct archive_entry *en, const char *path)
{
	mode_t type = archive_entry_filetype(en);

	if (archive_entry_hardlink(en))
		return make_hardlink(en, path);
	if (type == S_IFREG)
		return make_file(u, ar, en, path);
	if (type == S_IFDIR)
		return make_dir(u, en, path);
	if (type != S_IFLNK || !archive_entry_symlink(en))
		return -ENOTSUP;
	if (symlink(archive_entry_symlink(en), path) < 0)
		return -errno;
	set_owner(u, -1, path, en);
	return 0;
}

/* 0, or -errno when there is no point in going on. */
static int apply(struct unpacker *u, struct archive *ar, struct archive_entry *en)
{
	const char *raw = archive_entry_pathname(en);
	char path[PATH_LEN];

	if (!raw || !clean_path(raw, path, sizeof(path))) {
		leave_out(u, raw ? raw : "?", "its path leaves the image or is too long");
		return 0;
	}
	int r = make_parents(path);
	if (r == 0 && path[1] && apply_whiteout(u, path))
		return 0;
	if (r == 0 && path[1])
		make_room(path, archive_entry_filetype(en) == S_IFDIR);
	if (r == 0)
		r = make_entry(u, ar, en, path);
	if (r == -ENOSPC || r == -EBADMSG || r == -ENOMEM)
		return r;
	if (r < 0)
		leave_out(u, path, r == -ENOTSUP ? "is a device or a pipe" : strerror(-r));
	set_add(&u->made, path);
	u->answer->files++;
	return 0;
}

/* ---- the pipe ------------------------------------------------------------------------------ */

/* The next frame of the layer; 0 at its end. */
static la_ssize_t next_frame(struct archive *ar, void *arg, const void **data)
{
	struct unpacker *u = arg;
	uint32_t len;

	if (u->layer_ended)
		return 0;
	if (!read_exactly(u->in, &len, sizeof(len)) || (len > FRAME_MAX && len != LAYERS_END) ||
		(len != LAYERS_END && !read_exactly(u->in, u->frame, len))) {
		archive_set_error(ar, EPIPE, "koban stopped sending it");
		return -1;
	}
	u->all_ended = len == LAYERS_END;
	u->layer_ended = len == 0 || u->all_ended;
	*data = u->frame;
	return u->layer_ended ? 0 : (la_ssize_t)len;
}

static int explain(struct unpacker *u, unsigned layer, int r, struct archive *ar)
{
	char *text = u->answer->error;
	size_t size = sizeof(u->answer->error);

	if (r == -ENOSPC)
		snprintf(text, size, "layer %u does not fit: the image needs more than --disk",
			layer);
	else
		snprintf(text, size, "layer %u cannot be unpacked: %.300s", layer,
			archive_error_string(ar) ? archive_error_string(ar) : strerror(-r));
	return r;
}

static int unpack_layer(struct unpacker *u, unsigned layer)
{
	struct archive *ar = archive_read_new();
	struct archive_entry *en;
	int r = 0, got;

	if (!ar)
		return -ENOMEM;
	u->layer_ended = false;
	if (u->made.slots)
		memset(u->made.slots, 0, u->made.nslots * sizeof(uint64_t));
	u->made.count = 0;
	archive_read_support_filter_gzip(ar);
	archive_read_support_filter_zstd(ar);
	archive_read_support_filter_bzip2(ar);
	archive_read_support_filter_xz(ar);
	archive_read_support_format_tar(ar);
	archive_read_support_format_empty(ar);
	/* names stay the bytes that they are: no tables of character sets are looked for */
	archive_read_set_options(ar, "hdrcharset=BINARY");
	got = archive_read_open(ar, u, NULL, next_frame, NULL);
	while (r == 0 && got != ARCHIVE_FATAL &&
		(got = archive_read_next_header(ar, &en)) != ARCHIVE_EOF) {
		if (got == ARCHIVE_FATAL)
			break;
		r = apply(u, ar, en);
	}
	if (r == 0 && got == ARCHIVE_FATAL && !u->all_ended)
		r = -EBADMSG;
	if (r < 0)
		r = explain(u, layer, r, ar);
	archive_read_free(ar);
	/* what follows the archive inside the layer */
	const void *rest;
	while (r == 0 && !u->layer_ended)
		if (next_frame(NULL, u, &rest) < 0)
			r = -EPIPE;
	return r;
}

int rootfs_unpack(const struct sandbox_plan *p, int in, struct rootfs_answer *a)
{
	struct unpacker *u = calloc(1, sizeof(*u));
	int r = u ? 0 : -ENOMEM;

	if (u) {
		u->answer = a;
		u->in = in;
	}
	for (unsigned i = 0; r == 0 && i < p->image->nlayers; i++)
		r = unpack_layer(u, i);
	if (u)
		free(u->made.slots);
	free(u);
	return r < 0 ? r : rootfs_finish(p, a);
}
