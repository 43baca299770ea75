/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * The pushdown of the rules about opened files. User space judges an open under all its names with
 * what is left of the rules when everything that the names, the flags and the result do not decide
 * is taken for true. If no rule is left, it remembers the open's key here as dull, and the same open
 * ends in the kernel from then on, whoever asks.
 *
 * The key holds all that the names follow from: the argument as written, the folder it starts from,
 * the file's dentry, its parent and name, its inode and its mount, the flags, and whether the call
 * failed or made the file. A parent's name higher up can change without any of these: every rename,
 * link, mount and move of a namespace begins a new epoch, which is in the key too, and old verdicts
 * age out of the map. The seed is secret, so that nobody can make two files share a key.
 */
#include "file.h"

enum { VERDICT_WORDS = RECORD_STR_MAX / 8, FMODE_CREATED_BIT = 0x100000 };

const volatile u64 verdict_seed = 0;
const volatile u64 verdict_seed2 = 0;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PROBE_VERDICTS);
	__type(key, struct verdict_key);
	__type(value, u8);
} verdicts SEC(".maps");

SEC_PRIVATE void mix(struct verdict_key *k, u64 v)
{
	k->a = (k->a ^ v) * 0x9fb21c651e98df25ULL;
	k->a ^= k->a >> 32;
	k->b = (k->b + v) * 0xd6e8feb86659fd93ULL;
	k->b ^= k->b >> 29;
}

/* The n bytes at the end of the record, in words; the last word may overlap the one before. */
SEC_PRIVATE void mix_text(struct verdict_key *k, struct writer *w, u32 n)
{
	u64 word = 0;

	mix(k, n);
	if (n < 8) {
		bpf_probe_read_kernel(&word, within(n, 7), w->base + w->off);
		mix(k, word);
		return;
	}
	for (u32 i = 0; i < VERDICT_WORDS; i++) {
		u32 at = i * 8;

		if (at + 8 > n)
			break;
		mix(k, *(u64 *)(w->base + w->off + within(at, RECORD_STR_MAX - 1)));
	}
	mix(k, *(u64 *)(w->base + w->off + within(n - 8, RECORD_STR_MAX - 1)));
}

SEC_PRIVATE void mix_path(struct verdict_key *k, struct path *path)
{
	struct path p = {};

	bpf_core_read(&p.mnt, sizeof(p.mnt), &path->mnt);
	bpf_core_read(&p.dentry, sizeof(p.dentry), &path->dentry);
	mix(k, (u64)p.mnt);
	mix(k, (u64)p.dentry);
}

SEC_PRIVATE void mix_file(struct verdict_key *k, struct file *file)
{
	struct path *path = (void *)file + bpf_core_field_offset(struct file, f_path);
	struct dentry *d = BPF_CORE_READ(file, f_path.dentry);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u64 name = 0;

	mix_path(k, path);
	bpf_probe_read_kernel(&name, sizeof(name),
		(void *)d + bpf_core_field_offset(struct dentry, d_name));
	mix(k, name);
	mix(k, (u64)BPF_CORE_READ(d, d_parent));
	mix(k, (u64)inode);
	mix(k, BPF_CORE_READ(inode, i_ino) << 1 | !BPF_CORE_READ(d, d_hash.pprev));
	mix(k, BPF_CORE_READ(file, f_flags) | (u64)(BPF_CORE_READ(file, f_mode) & FMODE_CREATED_BIT) << 32);
}

/* 1 if the open that the scratch record describes was found dull before; else its key is left in
 * the record. Reads the path argument behind the head. */
GLOBAL int verdict_of(u32 code, s64 ret)
{
	const struct plan *p = &plans[within(code, PROBE_CODES - 1)];
	struct task_struct *task = (void *)bpf_get_current_task();
	struct verdict_key k = {verdict_seed, verdict_seed2};
	struct writer wr, *w = &wr;

	if (!writer_load(w, 0))
		return 0;
	u64 *args = (u64 *)w->h->args;
	u64 ptr = args[within(p->reads[0].a, 7)];

	w->off = sizeof(struct record_head);
	w->h->verdict.a = w->h->verdict.b = 0;
	long n = bpf_probe_read_user_str(w->base + w->off, RECORD_STR_MAX, (void *)ptr);
	if (n <= 0)
		return 0;
	mix(&k, (u64)epoch << 32 | code);
	mix_text(&k, w, n);
	if (w->base[w->off] != '/') {
		s32 dirfd = p->path_dir[0] == PLAN_NONE ? AT_CWD : (s32)args[within(p->path_dir[0], 7)];
		struct file *dir = dirfd == AT_CWD ? NULL : file_of_fd(task, dirfd);
		struct fs_struct *fs = BPF_CORE_READ(task, fs);

		mix_path(&k, dir ? (void *)dir + bpf_core_field_offset(struct file, f_path)
				 : (void *)fs + bpf_core_field_offset(struct fs_struct, pwd));
	}
	if (ret < 0) {
		mix(&k, ret);
		mix(&k, args[1]);
		mix(&k, args[2]);
	} else {
		struct file *file = file_of_fd(task, ret);

		if (!file)
			return 0;
		mix_file(&k, file);
	}
	if (bpf_map_lookup_elem(&verdicts, &k))
		return 1;
	w->h->verdict = k;
	return 0;
}
