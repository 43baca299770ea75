/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * The pushdown of the rules about opened files. User space judges an open under all its names with
 * what is left of the rules when everything that the names, the flags and the result do not decide
 * is taken for true. If no rule is left, it remembers the open's key here as dull, and the same
 * open ends in the kernel from then on, whoever asks.
 *
 * The key holds all that the names follow from: the argument as written, the folder it starts from
 * and the one in which the file lies, each with all folders and mounts above it, the file's dentry
 * with its name's hash, its inode, the flags, and whether the call failed or made the file. So a
 * rename changes the keys of what it moves and no others. Mounts and moves of a namespace begin a
 * new epoch, which is in the key too, and old verdicts age out of the map. The seeds are secret, so
 * that nobody can make two files share a key.
 *
 * An open has two keys: its own, and that of its folder, which is the same without the last name
 * and the file. A folder is dull if no rule wants a file in it whose name is ordinary, one that no
 * rule tells from others (struct names). So the thousandth header below /usr/include costs no more
 * than the first one opened again.
 */
#include "file.h"

enum {
	VERDICT_WORDS = RECORD_STR_MAX / 8,
	FMODE_CREATED_BIT = 0x100000,
	FOLDER_DEPTH = 48,        /* folders and mounts; a file further down has no verdict */
	FOLDER_MARK = 0x666f6c64, /* ends a folder's key, and no file's */
};

const volatile u64 verdict_seed = 0;
const volatile u64 verdict_seed2 = 0;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PROBE_VERDICTS);
	__type(key, struct verdict_key);
	__type(value, u8); /* 1 = dull; 0 = a folder in which rules tell files by their names */
} verdicts SEC(".maps");

SEC_PRIVATE void mix(struct verdict_key *k, u64 v)
{
	k->a = (k->a ^ v) * 0x9fb21c651e98df25ULL;
	k->a ^= k->a >> 32;
	k->b = (k->b + v) * 0xd6e8feb86659fd93ULL;
	k->b ^= k->b >> 29;
}

/* A word of the text at `at` behind the head: 8 bytes that may reach beyond the text's end. */
SEC_PRIVATE u64 text_word(struct writer *w, u64 at)
{
	return *(u64 *)(w->base + sizeof(struct record_head) + within(at, 2 * RECORD_STR_MAX - 1));
}

/* The n < 8 bytes there, zeros behind them. */
SEC_PRIVATE u64 text_short(struct writer *w, u64 at, u64 n)
{
	return n ? text_word(w, at) & ~0ULL >> (64 - 8 * within(n, 7)) : 0;
}

/*
 * The n bytes there, in words, into the key in the record's head; the last word may overlap the one
 * before. By itself, as is_asked_name() and is_ordinary(): a loop is verified once.
 */
GLOBAL int mix_text(u32 at, u32 n)
{
	struct writer wr, *w = &wr;

	if (!writer_load(w, 0))
		return 0;
	struct verdict_key k = w->h->verdict;

	mix(&k, n);
	for (u32 i = 0; i < VERDICT_WORDS; i++) {
		if (i * 8 + 8 > n)
			break;
		mix(&k, text_word(w, at + i * 8));
	}
	mix(&k, n < 8 ? text_short(w, at, n) : text_word(w, at + n - 8));
	w->h->verdict = k;
	return 0;
}

/*
 * A folder: its name and all above it, up to the root of the mount namespace, with the mounts on
 * the way (as walk_path() goes); mnt_root is the first mount's. 0 when it lies too deep. Names come
 * as the kernel's hashes of them, which it salts with the parent's address.
 */
GLOBAL int mix_folder(u64 dentry, u64 vfsmount, u64 mnt_root)
{
	u64 mount = vfsmount - bpf_core_field_offset(struct mount, mnt);
	struct dentry *d = (void *)dentry, *root = (void *)mnt_root;
	struct writer wr, *w = &wr;

	if (!writer_load(w, 0))
		return 0;
	struct verdict_key k = w->h->verdict;

	for (u32 i = 0; i < FOLDER_DEPTH; i++) {
		struct dentry_head h = {};
		struct mount *m = (void *)mount;

		read_dentry(&h, d);
		mix(&k, (u64)d);
		if (d != root && d != h.parent) {
			mix(&k, h.hash_len);
			d = h.parent;
			continue;
		}
		struct mount *above = BPF_CORE_READ(m, mnt_parent);

		mix(&k, mount);
		if (above == m || d != root) {
			w->h->verdict = k;
			return 1;
		}
		d = BPF_CORE_READ(m, mnt_mountpoint);
		mount = (u64)above;
		root = BPF_CORE_READ(above, mnt.mnt_root);
	}
	return 0;
}

/* Two words, and the members of struct path in every kernel so far. */
SEC_PRIVATE void read_path(struct path *p, u64 path_address)
{
	struct path *path = (void *)path_address;

	if (bpf_core_field_offset(struct path, mnt) == 0 &&
		bpf_core_field_offset(struct path, dentry) == 8) {
		bpf_probe_read_kernel(p, sizeof(*p), path);
		return;
	}
	bpf_core_read(&p->mnt, sizeof(p->mnt), &path->mnt);
	bpf_core_read(&p->dentry, sizeof(p->dentry), &path->dentry);
}

/* Where a relative argument starts from: an open folder, or the working folder. */
SEC_PRIVATE void read_start(struct path *start, s64 dirfd)
{
	struct file *dir = dirfd == AT_CWD ? NULL : file_of_own_fd(dirfd);

	if (dir) {
		read_path(start, (u64)dir + bpf_core_field_offset(struct file, f_path));
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();

		read_path(start, (u64)BPF_CORE_READ(task, fs) +
					 bpf_core_field_offset(struct fs_struct, pwd));
	}
}

/* Is the file's own name the last one that was asked for, after a '/' or alone? The name is at `at`
 * of the text; the dentry's is put behind the text to be compared. */
GLOBAL int is_asked_name(u64 name, u32 at, u32 len)
{
	struct writer wr, *w = &wr;

	if (!writer_load(w, 0))
		return 0;
	u8 *own = w->base + sizeof(struct record_head) + RECORD_STR_MAX;

	if (at && w->base[sizeof(struct record_head) + within(at - 1, RECORD_STR_MAX - 1)] != '/')
		return 0;
	if (bpf_probe_read_kernel(own, within(len, WALK_NAME - 1), (void *)name))
		return 0;
	for (u32 i = 0; i < WALK_NAME; i += 8) {
		if (i >= len)
			break;
		u64 differ = text_word(w, at + i) ^ text_word(w, RECORD_STR_MAX + i);

		if (len - i < 8)
			differ &= ~0ULL >> (64 - 8 * within(len - i, 7));
		if (differ)
			return 0;
	}
	return 1;
}

SEC_PRIVATE bool holds(const struct name_word *n, u64 word)
{
	return (word & n->mask) == n->value;
}

/* No rule tells the name at `at` from others. By itself, to be verified once. */
GLOBAL int is_ordinary(u32 at, u32 len)
{
	struct writer wr, *w = &wr;

	if (!writer_load(w, 0) || len > 64 || len == 0)
		return 0;
	u64 first = len < 8 ? text_short(w, at, len) : text_word(w, at);
	u64 last = len < 8 ? first << (64 - 8 * within(len, 7)) : text_word(w, at + len - 8);
	u32 bit = name_bit(first, last, len);

	if (names.is[within(bit >> 3, sizeof(names.is) - 1)] & (1 << (bit & 7)))
		return 0;
	for (u32 i = 0; i < NAMES_STARTS_MAX; i++)
		if (i < names.nstarts && holds(&names.starts[i], first))
			return 0;
	for (u32 i = 0; i < NAMES_ENDS_MAX; i++)
		if (i < names.nends && holds(&names.ends[i], last))
			return 0;
	if (!names.nhas)
		return 1;
	for (u32 i = 0; i < 64; i++) {
		if (i >= len)
			break;
		u64 word = text_word(w, at + i);

		for (u32 j = 0; j < NAMES_HAS_MAX; j++)
			if (j < names.nhas && holds(&names.has[j], word))
				return 0;
	}
	return 1;
}

enum { MIX_DONE, MIX_DULL, MIX_FAILED };
enum { SAME_FOLDER = 1 }; /* stands for a walk that was mixed before; no dentry is at 1 */

/*
 * Goes on with the key of an open file. MIX_DULL: its folder was found dull, its name ordinary. The
 * folder and the mount that a relative argument started from are in the key already (0 = none).
 */
GLOBAL int mix_opened(u64 file_address, u32 n, u64 start_dentry, u64 start_mnt)
{
	struct file *file = (void *)file_address;
	struct writer wr, *w = &wr;

	if (!writer_load(w, 0))
		return MIX_FAILED;
	u8 *f = look(w, 0, file);
	struct vfsmount *mnt = LOOKED(f, file, struct file, f_path.mnt);
	struct dentry *d = LOOKED(f, file, struct file, f_path.dentry);
	struct dentry *root = BPF_CORE_READ(mnt, mnt_root);
	u8 *e = look(w, 1, d);
	struct dentry *parent = LOOKED(e, d, struct dentry, d_parent);
	struct inode *inode = LOOKED(e, d, struct dentry, d_inode);
	u64 hash_len = LOOKED(e, d, struct dentry, d_name.hash_len);
	bool is_hashed = LOOKED(e, d, struct dentry, d_hash.pprev) != NULL;
	/* a mount's root has its name from the mountpoint, and a file that hangs nowhere its own */
	bool is_root = d == root;

	if (!is_root && (u64)parent == start_dentry && (u64)mnt == start_mnt)
		mix(&w->h->verdict, SAME_FOLDER);
	else if (!mix_folder((u64)(is_root ? d : parent), (u64)mnt, (u64)root))
		return MIX_FAILED;
	struct verdict_key *k = &w->h->verdict, folder;
	u32 len = hash_len >> 32, at = n - len;
	u8 *i = look(w, 2, inode);
	u64 ino = LOOKED(i, inode, struct inode, i_ino);
	bool is_plain = names.is_on &&
			(LOOKED(i, inode, struct inode, i_mode) & MODE_TYPE) == MODE_REG &&
			parent != d && !is_root && is_hashed && len <= n && len < WALK_NAME &&
			is_asked_name((u64)LOOKED(e, d, struct dentry, d_name.name), at, len) &&
			!known_find_ino(inode, ino);

	mix(k, LOOKED(f, file, struct file, f_flags) |
			(u64)(LOOKED(f, file, struct file, f_mode) & FMODE_CREATED_BIT) << 32);
	struct super_block *sb = LOOKED(i, inode, struct inode, i_sb);

	mix(k, file_layer(inode, BPF_CORE_READ(sb, s_magic)));
	mix_text(0, is_plain ? at : n);
	if (is_plain) {
		folder = *k;
		mix(&folder, FOLDER_MARK);
		u8 *is_dull = bpf_map_lookup_elem(&verdicts, &folder);

		if (!is_dull)
			w->h->second = folder;
		else if (*is_dull && is_ordinary(at, len))
			return MIX_DULL;
		mix_text(at, len);
	}
	mix(k, (u64)d);
	mix(k, hash_len);
	mix(k, (u64)inode);
	mix(k, ino << 1 | !is_hashed);
	mix(k, BPF_CORE_READ(inode, i_generation));
	return MIX_DONE;
}

/* 1 if the open that the scratch record describes was found dull before; else its keys are left in
 * the record. Reads the path argument behind the head. */
GLOBAL int verdict_of(u32 code, s64 ret)
{
	const struct plan *p = &plans[within(code, PROBE_CODES - 1)];
	struct verdict_key none = {}, *k, copy;
	struct path start = {};
	struct writer wr, *w = &wr;
	bool failed = false;

	if (!writer_load(w, 0))
		return 0;
	u64 *args = (u64 *)w->h->args;
	u64 ptr = args[within(p->reads[0].a, 7)];

	k = &w->h->verdict;
	*k = w->h->second = none;
	w->off = sizeof(struct record_head);
	long n = bpf_probe_read_user_str(w->base + w->off, RECORD_STR_MAX, (void *)ptr);
	if (n <= 1)
		return 0;
	n = within(n - 1, RECORD_STR_MAX - 1);
	k->a = verdict_seed;
	k->b = verdict_seed2;
	mix(k, (u64)epoch << 32 | code);
	/* the flags as asked: an opened file has forgotten O_CREAT, O_EXCL and O_TRUNC */
	mix(k, p->verdict_flags == PLAN_NONE ? 0 : args[within(p->verdict_flags, 7)]);
	if (w->base[w->off] != '/') {
		s32 dirfd =
			p->path_dir[0] == PLAN_NONE ? AT_CWD : (s32)args[within(p->path_dir[0], 7)];

		read_start(&start, dirfd);
		failed = !mix_folder(
			(u64)start.dentry, (u64)start.mnt, (u64)BPF_CORE_READ(start.mnt, mnt_root));
	}
	if (ret < 0) {
		mix(k, ret);
		mix_text(0, n);
	} else {
		struct file *file = file_of_own_fd(ret);
		int r = file ? mix_opened((u64)file, n, (u64)start.dentry, (u64)start.mnt)
			     : MIX_FAILED;

		if (r == MIX_DULL && !failed)
			return 1;
		failed |= r == MIX_FAILED;
	}
	if (failed) {
		*k = w->h->second = none;
		return 0;
	}
	copy = *k;
	return bpf_map_lookup_elem(&verdicts, &copy) != NULL;
}
