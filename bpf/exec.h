/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/* Life of a process: fork, exec, exit, and its move between cgroups. */
#include "file.h"

enum {
	CODE_EXECVE = 293, /* model/event/schema.def */
	CODE_EXECVEAT = 331,
	CODE_PROCEXIT = 186,
	CGROUP_SUBSYS = 14,
	CGROUP_DEPTH = 12,
	PID_TGID = 1, /* enum pid_type, include/linux/pid.h */
	PID_PGID = 2,
	PID_SID = 3,
	RLIMIT_FILES = 7,
	CAPABILITY_DAC_OVERRIDE = 1,
	READ_ARGS = 0, /* of an exec record */
	READ_ENV = 1,
	READ_FILENAME = 2,
};

SEC_PRIVATE struct kernfs_node *kernfs_up(struct kernfs_node *kn)
{
	struct kernfs_node___old *old = (void *)kn;

	if (bpf_core_field_exists(old->parent))
		return (void *)BPF_CORE_READ(old, parent);
	return BPF_CORE_READ(kn, __parent);
}

/* The path of a cgroup below its hierarchy's root, backwards into the walk buffer. */
GLOBAL u32 walk_cgroup(u32 slot, u64 node)
{
	struct walk *k = bpf_map_lookup_elem(&walks, &slot);
	struct kernfs_node *kn = (void *)node;
	u64 pos = WALK_SIZE;

	if (!k)
		return 0;
	for (int i = 0; i < CGROUP_DEPTH; i++) {
		struct kernfs_node *up = kernfs_up(kn);

		if (!up)
			break;
		/* the length is not stored: read behind the buffer, then copy to its place */
		long n = bpf_probe_read_kernel_str(
			k->text + WALK_SIZE, WALK_NAME, BPF_CORE_READ(kn, name));

		pos = walk_prepend(k, pos, k->text + WALK_SIZE, n > 0 ? n - 1 : 0);
		kn = up;
	}
	return pos == WALK_SIZE ? walk_prepend(k, pos, NULL, 0) : pos;
}

/* One "subsys=path" item of FACT_CGROUPS; the path is left out when it is the last one's. */
GLOBAL u32 put_cgroup_item(u32 slot, u64 cgroup, u64 name_address, u32 same)
{
	struct walk *k = bpf_map_lookup_elem(&walks, &slot);
	struct cgroup *cg = (void *)cgroup;
	const char *name = (void *)name_address;
	struct writer wr, *w = &wr;

	if (!k || !writer_load(w, slot) || !writer_room(w))
		return 0;
	u64 before = w->off;
	long n = name ? bpf_probe_read_kernel_str(w->base + w->off, 32, name) : 1;
	u64 len = within(n > 0 ? n - 1 : 0, 31);

	w->base[w->off + len] = '=';
	w->off += len + 1;
	if (!same) {
		u32 start = walk_cgroup(slot, (u64)BPF_CORE_READ(cg, kn));

		if (!writer_room(w))
			return 0;
		len = within(WALK_SIZE - start, WALK_SIZE - 1);
		bpf_probe_read_kernel(
			w->base + w->off, len, k->text + within(start, WALK_SIZE - 1));
		w->off += len;
	}
	if (!writer_room(w))
		return 0;
	w->base[w->off] = 0;
	w->off += 1;
	writer_save(w);
	return w->off - before;
}

GLOBAL int put_cgroups(u32 slot, u64 task_address)
{
	struct task_struct *task = (void *)task_address;
	struct css_set *cset = BPF_CORE_READ(task, cgroups);
	struct cgroup *last = NULL;
	struct writer wr, *w = &wr;
	u32 size = 0;

	if (!writer_load(w, slot) || !writer_room(w))
		return 0;
	u64 at = w->off;
	w->off += 4;
	writer_save(w);
	/* the unified hierarchy first: it is the whole truth where there is no other */
	last = BPF_CORE_READ(cset, dfl_cgrp);
	size += put_cgroup_item(slot, (u64)last, 0, false);
	for (int i = 0; i < CGROUP_SUBSYS; i++) {
		struct cgroup_subsys_state *css = NULL;

		bpf_core_read(&css, sizeof(css), &cset->subsys[i]);
		struct cgroup *cg = css ? BPF_CORE_READ(css, cgroup) : NULL;

		if (!cg || size > 3000)
			continue;
		size += put_cgroup_item(
			slot, (u64)cg, (u64)BPF_CORE_READ(css, ss, name), cg == last);
		last = cg;
	}
	barrier_var(at);
	if (at <= OFF_MAX) {
		u8 *p = w->base + at;

		p[0] = FACT_CGROUPS;
		p[1] = 0;
		p[2] = size & 0xff;
		p[3] = size >> 8;
	}
	return 0;
}

SEC_PRIVATE u32 pid_nr(struct pid *pid)
{
	unsigned int level = BPF_CORE_READ(pid, level);
	struct upid *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid last = {};

	bpf_core_read(&last, sizeof(last), numbers + (level & 31));
	return last.nr;
}

SEC_PRIVATE u32 pid_nr_root(struct pid *pid)
{
	struct upid *numbers = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid first = {};

	bpf_core_read(&first, sizeof(first), numbers);
	return first.nr;
}

SEC_PRIVATE u64 cap_bits(const struct cred *cred, u32 offset)
{
	u64 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (void *)cred + offset);
	return v;
}

SEC_PRIVATE void inode_times(struct inode *inode, u64 *ctime, u64 *mtime)
{
	struct inode___sec *sec = (void *)inode;
	struct inode___uts *uts = (void *)inode;
	struct inode___ts *ts = (void *)inode;

	if (bpf_core_field_exists(sec->i_ctime_sec)) {
		*ctime = BPF_CORE_READ(sec, i_ctime_sec) * 1000000000ULL +
			 BPF_CORE_READ(sec, i_ctime_nsec);
		*mtime = BPF_CORE_READ(sec, i_mtime_sec) * 1000000000ULL +
			 BPF_CORE_READ(sec, i_mtime_nsec);
	} else if (bpf_core_field_exists(uts->__i_ctime)) {
		*ctime = BPF_CORE_READ(uts, __i_ctime.tv_sec) * 1000000000ULL +
			 BPF_CORE_READ(uts, __i_ctime.tv_nsec);
		*mtime = 0;
		if (bpf_core_field_exists(ts->i_mtime))
			*mtime = BPF_CORE_READ(ts, i_mtime.tv_sec) * 1000000000ULL +
				 BPF_CORE_READ(ts, i_mtime.tv_nsec);
		else if (bpf_core_field_exists(uts->__i_mtime))
			*mtime = BPF_CORE_READ(uts, __i_mtime.tv_sec) * 1000000000ULL +
				 BPF_CORE_READ(uts, __i_mtime.tv_nsec);
	} else if (bpf_core_field_exists(ts->i_ctime)) {
		*ctime = BPF_CORE_READ(ts, i_ctime.tv_sec) * 1000000000ULL +
			 BPF_CORE_READ(ts, i_ctime.tv_nsec);
		*mtime = BPF_CORE_READ(ts, i_mtime.tv_sec) * 1000000000ULL +
			 BPF_CORE_READ(ts, i_mtime.tv_nsec);
	}
}

/* May the process write the file that it runs (fs/namei.c, generic_permission())? */
SEC_PRIVATE bool exe_writable(struct inode *inode, const struct cred *cred, u64 caps)
{
	u16 mode = BPF_CORE_READ(inode, i_mode);

	if (caps & (1ULL << CAPABILITY_DAC_OVERRIDE))
		return true;
	if (BPF_CORE_READ(inode, i_uid.val) == BPF_CORE_READ(cred, fsuid.val))
		return mode & 0200;
	if (BPF_CORE_READ(inode, i_gid.val) == BPF_CORE_READ(cred, fsgid.val))
		return mode & 0020;
	return mode & 0002;
}

SEC_PRIVATE u32 tty_nr(struct signal_struct *signal)
{
	struct tty_struct *tty = BPF_CORE_READ(signal, tty);

	if (!tty)
		return 0;
	u32 major = BPF_CORE_READ(tty, driver, major);
	u32 minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);

	/* new_encode_dev(), include/linux/kdev_t.h */
	return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}

SEC_PRIVATE void fill_exe(struct fact_exe *x, struct task_struct *task, struct inode *inode)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	const struct cred *cred = BPF_CORE_READ(task, cred);

	x->ino = BPF_CORE_READ(inode, i_ino);
	x->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	inode_times(inode, &x->ctime_ns, &x->mtime_ns);
	x->cap_inheritable = cap_bits(cred, bpf_core_field_offset(struct cred, cap_inheritable));
	x->cap_permitted = cap_bits(cred, bpf_core_field_offset(struct cred, cap_permitted));
	x->cap_effective = cap_bits(cred, bpf_core_field_offset(struct cred, cap_effective));
	x->pidns_start_ns =
		BPF_CORE_READ(task, nsproxy, pid_ns_for_children, child_reaper, start_boottime);
	x->fdlimit = BPF_CORE_READ(signal, rlim[RLIMIT_FILES].rlim_cur);
	x->pgft_maj = BPF_CORE_READ(task, maj_flt);
	x->pgft_min = BPF_CORE_READ(task, min_flt);
	x->vm_pages = BPF_CORE_READ(task, mm, total_vm);
	x->tty = tty_nr(signal);
	x->loginuid =
		bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val) : -1;
	x->vtid = pid_nr(BPF_CORE_READ(task, thread_pid));
	x->vpid = pid_nr(BPF_CORE_READ(signal, pids[PID_TGID]));
	x->vpgid = pid_nr(BPF_CORE_READ(signal, pids[PID_PGID]));
	x->pgid = pid_nr_root(BPF_CORE_READ(signal, pids[PID_PGID]));
	x->sid = pid_nr_root(BPF_CORE_READ(signal, pids[PID_SID]));
	x->ptid = BPF_CORE_READ(task, real_parent, tgid);
	x->writable = exe_writable(inode, cred, x->cap_effective);
	x->layer = file_layer(inode, BPF_CORE_READ(inode, i_sb, s_magic));
}

/* A vector of the new image (args, environment), which nobody else can change yet. */
SEC_PRIVATE void read_vector(struct writer *w, u32 i, unsigned long start, unsigned long end)
{
	u64 len = end > start ? end - start : 0;

	if (!writer_room(w) || !len)
		return;
	if (len > RECORD_STR_MAX - 1)
		len = RECORD_STR_MAX - 1;
	len = within(len, RECORD_STR_MAX - 1);
	if (bpf_probe_read_user(w->base + w->off, len, (void *)start))
		return;
	w->h->read_lens[i & 3] = len;
	w->off += len;
}

SEC_PRIVATE void exec_reads(struct writer *w, struct task_struct *task, struct linux_binprm *bprm)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	read_vector(w, READ_ARGS, BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_end));
	read_vector(w, READ_ENV, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end));
	if (!writer_room(w))
		return;
	long n = bpf_probe_read_kernel_str(
		w->base + w->off, RECORD_STR_MAX, BPF_CORE_READ(bprm, filename));

	if (n > 0) {
		w->h->read_lens[READ_FILENAME] = n;
		w->off += n & (2 * RECORD_STR_MAX - 1);
	}
}

SEC("tp_btf/sched_process_exec")
int exec(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	u64 path = (u64)file + bpf_core_field_offset(struct file, f_path);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct fact_exe x = {};
	struct writer w;

	if (!writer_begin(&w, 1, CODE_EXECVE))
		return 0;
	__builtin_memset(w.h->args, 0, sizeof(w.h->args));
	bpf_probe_read_kernel_str(w.h->comm, sizeof(w.h->comm), task->comm);
	exec_reads(&w, task, bprm);

	fill_exe(&x, task, inode);
	x.memfd = is_memfd(dentry);
	x.deleted = !BPF_CORE_READ(dentry, d_hash.pprev);
	put_fact(&w, FACT_EXE, &x, sizeof(x));
	writer_save(&w);
	put_path(1, FACT_REAL, path);
	put_dir(1, FACT_CWD, AT_CWD);
	put_cgroups(1, bpf_get_current_task());
	writer_send(1, false);
	return 0;
}

/*
 * What a clone was asked for, by the number of both who return from it: the arguments of clone3 lie
 * in memory that can be another's or gone when the call ends; this is the kernel's own copy.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64);
} clones SEC(".maps");

SEC("tp_btf/task_newtask")
int new_task(u64 *ctx)
{
	struct task_struct *child = (void *)ctx[0];
	u64 flags = ctx[1];
	u32 tid = child->pid, parent = (u32)bpf_get_current_pid_tgid();

	bpf_map_update_elem(&clones, &tid, &flags, BPF_ANY);
	bpf_map_update_elem(&clones, &parent, &flags, BPF_ANY);
	return 0;
}

SEC_PRIVATE u64 clone_flags_of(u32 tid)
{
	u64 *flags = bpf_map_lookup_elem(&clones, &tid);

	return flags ? *flags : 0;
}

SEC("tp_btf/sched_process_fork")
int fork(u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0], *child = (void *)ctx[1];
	struct fact_fork f = {};
	struct writer w;

	if (BPF_CORE_READ(parent, nsproxy, mnt_ns) != BPF_CORE_READ(child, nsproxy, mnt_ns))
		__sync_fetch_and_add(&epoch, 1);
	f.child_pid = child->tgid;
	f.parent_pid = parent->tgid;
	bool is_thread = f.child_pid == f.parent_pid;

	if (is_thread && !want_threads)
		return 0;
	if (!writer_begin(&w, 1, RECORD_FORK))
		return 0;
	f.child_tid = child->pid;
	f.child_start_ns = child->start_boottime;
	/* CLONE_PARENT: the parent is not who called */
	struct task_struct *real = BPF_CORE_READ(child, real_parent);

	if (!is_thread) {
		f.parent_pid = BPF_CORE_READ(real, tgid);
		f.parent_start_ns = BPF_CORE_READ(real, group_leader, start_boottime);
	}
	f.clone_flags = clone_flags_of(child->pid);
	f.vtid = pid_nr(BPF_CORE_READ(child, thread_pid));
	f.vpid = is_thread ? pid_nr(BPF_CORE_READ(child, signal, pids[PID_TGID])) : f.vtid;
	put_fact(&w, FACT_FORK, &f, sizeof(f));
	writer_save(&w);
	writer_send(1, true);
	return 0;
}

/* Who gets the orphans (kernel/exit.c, find_new_reaper()): a subreaper above or the namespace's. */
SEC_PRIVATE u32 reaper_of(struct task_struct *task)
{
	struct task_struct *p = task;

	for (int i = 0; i < 8; i++) {
		struct signal_struct *signal = BPF_CORE_READ(p, signal);

		if (i && BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper))
			return BPF_CORE_READ(p, tgid);
		if (!BPF_CORE_READ_BITFIELD_PROBED(signal, has_child_subreaper))
			break;
		p = BPF_CORE_READ(p, real_parent);
	}
	return BPF_CORE_READ(task, nsproxy, pid_ns_for_children, child_reaper, tgid);
}

SEC("tp_btf/sched_process_exit")
int leave(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct writer w;

	bool is_thread = BPF_CORE_READ(task, signal, live.counter) != 0;

	if (is_thread && !want_threads)
		return 0; /* its process lives on */
	if (!writer_begin(&w, 1, CODE_PROCEXIT))
		return 0;
	__builtin_memset(w.h->args, 0, sizeof(w.h->args));
	int code = is_thread ? 0 : BPF_CORE_READ(task, signal, group_exit_code);

	w.h->ret = code ? code : task->exit_code;
	w.h->args[0] = reaper_of(task);
	w.h->args[1] = is_thread;
	writer_send(1, true);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int cgroup_attach(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[2];
	struct writer w;

	if (task->pid != task->tgid)
		return 0;
	if (!writer_begin(&w, 2, RECORD_CGROUP))
		return 0;
	w.h->pid = w.h->tid = task->tgid;
	w.h->start_ns = task->start_boottime;
	w.h->uid = w.h->gid = -1;
	put_cgroups(2, (u64)BPF_CORE_READ(task, group_leader));
	writer_send(2, true);
	return 0;
}
