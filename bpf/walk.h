/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * Paths, as the kernel knows them: from a dentry up through its parents and across mounts to the
 * root of the mount namespace (fs/d_path.c, prepend_path()), but not stopping at a chroot. The text
 * is built backwards at the end of a per-CPU buffer. On the way, each inode is looked up among
 * those that rules name, so that a hard link or a bind mount cannot hide it.
 */
#include "writer.h"

enum {
	WALK_PARTS = 256, /* names and mounts; more are cut, and counted */
	WALK_SIZE = RECORD_STR_MAX,
	WALK_NAME = 256,
	MNT_INTERNAL_FLAG = 0x4000, /* MNT_INTERNAL, include/linux/mount.h */
};

/* The path is built backwards in text[0 … WALK_SIZE); the rest is room for one name. */
struct walk {
	u8 text[WALK_SIZE + WALK_NAME];
	u64 pos;                 /* the path so far is text[pos … WALK_SIZE) */
	u64 dentry, mount, root; /* where the walk is; the root of that mount */
	u32 in_fs, look;
	u32 known_id; /* 1 + id; 0 = none */
	u32 known_tail;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* 1 + the number of the named path that this inode is, or 0: on the host, then in containers. */
SEC_PRIVATE u32 known_find_ino(struct inode *inode, u64 ino)
{
	struct known_key key = {.ino = ino};
	u32 *id = NULL;
	u64 hash = key.ino * 0x9e3779b97f4a7c15ULL;
	u32 bit = hash >> 51, bit_inside = hash >> 48; /* 13 and 16 bits */
	bool outside = known_bloom[(bit >> 3) & 1023] & (1 << (bit & 7));
	bool inside = known_bloom_inside[(bit_inside >> 3) & 8191] & (1 << (bit_inside & 7));

	if (!outside && !inside)
		return 0;
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	key.generation = BPF_CORE_READ(inode, i_generation);
	if (outside)
		id = bpf_map_lookup_elem(&known, &key);
	if (!id && inside)
		id = bpf_map_lookup_elem(&known_inside, &key);
	return id ? *id + 1 : 0;
}

SEC_PRIVATE u32 known_find(struct inode *inode)
{
	return known_find_ino(inode, BPF_CORE_READ(inode, i_ino));
}

SEC_PRIVATE void walk_look(struct walk *k, struct inode *inode, u64 pos)
{
	if (k->known_id)
		return;
	k->known_id = known_find(inode);
	k->known_tail = WALK_SIZE - pos;
}

/* What a step needs of a dentry. The members lie together in every kernel so far (include/linux/
 * dcache.h): one read instead of four, where they still do. */
struct dentry_head {
	struct dentry *parent;
	u64 hash_len; /* of struct qstr: the length is the upper half */
	const unsigned char *name;
	struct inode *inode;
};

SEC_PRIVATE void read_dentry(struct dentry_head *h, struct dentry *d)
{
	u32 at = bpf_core_field_offset(struct dentry, d_parent);

	if (bpf_core_field_offset(struct dentry, d_name) == at + 8 &&
		bpf_core_field_offset(struct dentry, d_inode) == at + 24) {
		bpf_probe_read_kernel(h, sizeof(*h), (void *)d + at);
		return;
	}
	h->parent = BPF_CORE_READ(d, d_parent);
	h->hash_len = BPF_CORE_READ(d, d_name.hash_len);
	h->name = BPF_CORE_READ(d, d_name.name);
	h->inode = BPF_CORE_READ(d, d_inode);
}

SEC_PRIVATE u64 walk_prepend(struct walk *k, u64 pos, const void *name, u32 len)
{
	if (len > WALK_NAME - 1)
		len = WALK_NAME - 1;
	if (pos < len + 1)
		return pos;
	pos = within(pos - len - 1, WALK_SIZE - 1);
	k->text[pos] = '/';
	bpf_probe_read_kernel(k->text + pos + 1, within(len, WALK_NAME - 1), name);
	return pos;
}

SEC_PRIVATE u64 walk_prepend_dentry(struct walk *k, struct dentry *d)
{
	return walk_prepend(k, k->pos, BPF_CORE_READ(d, d_name.name), BPF_CORE_READ(d, d_name.len));
}

/* One name or one mount upwards; 1 at the end. By itself, so that it is verified only once. */
GLOBAL int walk_step(u32 slot)
{
	struct walk *k = bpf_map_lookup_elem(&walks, &slot);

	if (!k)
		return 1;
	struct dentry *d = (void *)k->dentry;
	struct dentry_head h = {};

	read_dentry(&h, d);
	if (k->look)
		walk_look(k, h.inode, k->pos);
	if (k->dentry == k->root || d == h.parent) {
		struct mount *m = (void *)k->mount, *above = BPF_CORE_READ(m, mnt_parent);

		if (k->in_fs || above == m || k->dentry != k->root)
			return 1;
		k->dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
		k->mount = (u64)above;
		k->root = (u64)BPF_CORE_READ(above, mnt.mnt_root);
		return 0;
	}
	u64 pos = walk_prepend(k, k->pos, h.name, h.hash_len >> 32);

	if (pos == k->pos)
		return 1;
	k->pos = pos;
	k->dentry = (u64)h.parent;
	return 0;
}

/* The offset of the path in the slot's text. in_fs: only to the root of the file system, whatever
 * is mounted where. */
GLOBAL u32 walk_path(u32 slot, u64 dentry, u64 vfsmount, u32 in_fs)
{
	struct walk *k = bpf_map_lookup_elem(&walks, &slot);
	struct dentry *d = (void *)dentry;
	struct vfsmount *mnt = (void *)vfsmount;
	int i;

	if (!k)
		return 0;
	k->root =
		in_fs ? (u64)BPF_CORE_READ(mnt, mnt_sb, s_root) : (u64)BPF_CORE_READ(mnt, mnt_root);
	k->mount = vfsmount - bpf_core_field_offset(struct mount, mnt);
	k->dentry = dentry;
	k->in_fs = in_fs;
	k->look = known_count != 0 && !in_fs;
	if (!in_fs)
		k->known_id = 0;
	k->pos = WALK_SIZE;
	if (!BPF_CORE_READ(d, d_hash.pprev) && dentry != k->root &&
		d != BPF_CORE_READ(d, d_parent)) {
		k->pos = WALK_SIZE - 10;
		__builtin_memcpy(k->text + WALK_SIZE - 10, " (deleted)", 10);
	}
	u64 first = k->pos;

	for (i = 0; i < WALK_PARTS; i++)
		if (walk_step(slot))
			break;
	if (i == WALK_PARTS)
		count(COUNT_PATH_CUT);
	u64 pos = k->pos;

	if (pos == first) { /* a root itself, or a file that hangs nowhere: "/memfd:x" */
		if (k->dentry == k->root)
			pos = walk_prepend(k, pos, NULL, 0);
		else
			pos = walk_prepend_dentry(k, (void *)k->dentry);
	}
	struct mount *m = (void *)k->mount;

	if (!in_fs && !BPF_CORE_READ(m, mnt_ns) &&
		!(BPF_CORE_READ(m, mnt.mnt_flags) & MNT_INTERNAL_FLAG) && pos >= 13) {
		pos = within(pos - 13, WALK_SIZE - 1);
		__builtin_memcpy(k->text + pos, "(unreachable)", 13);
	}
	return pos;
}

SEC_PRIVATE void put_walk(struct writer *w, struct walk *k, u8 tag, u32 start)
{
	if (!start || !writer_room(w))
		return;
	u64 len = within(WALK_SIZE - start, WALK_SIZE - 1);
	u64 from = within(start, WALK_SIZE - 1);
	u8 *p = w->base + w->off;

	p[0] = tag;
	p[1] = 0;
	p[2] = len & 0xff;
	p[3] = len >> 8;
	bpf_probe_read_kernel(p + 4, len, k->text + from);
	w->off += 4 + len;
}

/* Adds the path of (dentry, mount) as a fact; of a file also what rules know of it. */
GLOBAL int put_path(u32 slot, u8 tag, u64 path_address)
{
	struct walk *k = bpf_map_lookup_elem(&walks, &slot);
	struct path *path = (void *)path_address;
	struct writer wr, *w = &wr;
	struct dentry *d = BPF_CORE_READ(path, dentry);
	struct vfsmount *m = BPF_CORE_READ(path, mnt);

	if (!k || !d || !m || !writer_load(w, slot))
		return 0;
	put_walk(w, k, tag, walk_path(slot, (u64)d, (u64)m, false));
	if (tag == FACT_REAL && k->known_id) {
		struct fact_known fact = {.id = k->known_id - 1, .tail = k->known_tail};

		put_fact(w, FACT_KNOWN, &fact, sizeof(fact));
	}
	if (tag == FACT_REAL && BPF_CORE_READ(m, mnt_root) != BPF_CORE_READ(m, mnt_sb, s_root)) {
		struct task_struct *task = (void *)bpf_get_current_task();
		bool is_root = BPF_CORE_READ(m, mnt_sb) ==
			       BPF_CORE_READ(task, nsproxy, pid_ns_for_children, child_reaper, fs,
				       root.mnt, mnt_sb);

		put_walk(w, k, is_root ? FACT_FSPATH_ROOT : FACT_FSPATH,
			walk_path(slot, (u64)d, (u64)m, true));
	}
	writer_save(w);
	return 0;
}
