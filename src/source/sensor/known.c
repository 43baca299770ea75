/* SPDX-License-Identifier: Apache-2.0 */
/* Named files by device and inode: learning them and telling the probe. */
#include "source/sensor/known.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "source/sensor/probe.h"

static bool same(const struct known_key *a, const struct known_key *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->generation == b->generation;
}

static bool see(const char *path, struct known_row *ret)
{
	struct statx st;

	if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st) < 0)
		return false;
	ret->seen_dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	ret->seen_ino = st.stx_ino;
	ret->seen_birth_ns =
		st.stx_mask & STATX_BTIME
			? (uint64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec
			: 0;
	return true;
}

/* One row a path; the probe's map says which row an inode belongs to. */
static bool look(struct known *k, struct known_row *r)
{
	struct known_key now = {0};
	char path[4096];
	struct known_row seen;

	if (!str_copy(r->path, path, sizeof(path)) || !see(path, &seen))
		return r->key.ino != 0; /* gone: the inode that it was stays known */
	if (r->key.ino && seen.seen_dev == r->seen_dev && seen.seen_ino == r->seen_ino &&
		seen.seen_birth_ns == r->seen_birth_ns)
		return true;
	if (!probe_identify(k->skel, path, &now))
		return r->key.ino != 0;
	r->seen_dev = seen.seen_dev;
	r->seen_ino = seen.seen_ino;
	r->seen_birth_ns = seen.seen_birth_ns;
	if (same(&now, &r->key))
		return true;
	if (r->old.ino && !same(&r->old, &now))
		bpf_map_delete_elem(k->map_fd, &r->old);
	k->changes++;
	r->old = r->key;
	r->key = now;
	/* the first path that names an inode keeps it: a hard link of a named file is that file */
	if (bpf_map_update_elem(k->map_fd, &now, &r->id, BPF_NOEXIST) < 0 && errno != EEXIST)
		return false;
	return true;
}

static void tell_bloom(struct known *k)
{
	uint64_t *inodes = calloc(k->nrows * 2 + 1, sizeof(*inodes));
	size_t n = 0;

	if (!inodes)
		return;
	for (size_t i = 0; i < k->nrows; i++) {
		if (k->rows[i].key.ino)
			inodes[n++] = k->rows[i].key.ino;
		if (k->rows[i].old.ino)
			inodes[n++] = k->rows[i].old.ino;
	}
	probe_set_bloom(k->skel, inodes, n);
	free(inodes);
}

size_t known_look(struct known *k)
{
	size_t n = 0, changes = k->changes;

	for (size_t i = 0; i < k->nrows; i++)
		n += look(k, &k->rows[i]);
	if (k->changes != changes)
		tell_bloom(k);
	return n;
}

size_t known_look_inside(struct known *k, int root)
{
	char path[4096];
	size_t n = 0;

	for (size_t i = 0; i < k->nrows; i++)
		if (str_copy(k->rows[i].path, path, sizeof(path)))
			n += probe_know_inside(k->skel, root, path, k->rows[i].id);
	return n;
}

void known_done(struct known *k)
{
	probe_forget_inside(k->skel);
	for (size_t i = 0; i < k->nrows; i++) {
		if (k->rows[i].key.ino)
			bpf_map_delete_elem(k->map_fd, &k->rows[i].key);
		if (k->rows[i].old.ino)
			bpf_map_delete_elem(k->map_fd, &k->rows[i].old);
	}
	free(k->rows);
	free(k->paths);
	k->rows = NULL;
	k->paths = NULL;
	k->nrows = 0;
}

int known_set(struct known *k, struct sensor_bpf *skel, const struct sensor_path *paths, size_t n)
{
	if (k->skel)
		known_done(k);
	if (n > PROBE_KNOWN_MAX / 2)
		n = PROBE_KNOWN_MAX / 2;
	k->skel = skel;
	k->map_fd = probe_known_fd(skel);
	k->rows = calloc(n ? n : 1, sizeof(*k->rows));
	k->paths = calloc(n ? n : 1, sizeof(*k->paths));
	if (!k->rows || !k->paths)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		k->rows[i] = (struct known_row){.path = paths[i].path, .id = (uint32_t)i};
		k->paths[i] = paths[i].path;
	}
	k->nrows = n;
	return 0;
}
