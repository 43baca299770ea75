/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel side of the sensor. One program on the exit of every syscall looks its number up in a
 * table and, for the few that rules or state want, reads what the event's plan says. Exec, fork,
 * exit, cgroup moves and io_uring have tracepoints of their own. Nothing here blocks, changes or
 * kills anything.
 */
#include "kernel.h"

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "exec.h"
#include "uring.h"
#include "verdict_sock.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { CODE_CLONE3 = 335, CODE_VFORK = 227, CODE_FORK = 225 }; /* model/event/schema.def */
enum { COMPAT_STATUS = 2 /* TS_COMPAT, arch/x86/include/asm/thread_info.h */ };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u64);
} enter_times SEC(".maps");

#if defined(__TARGET_ARCH_x86)
SEC_PRIVATE u32 syscall_nr(struct pt_regs *regs)
{
	/* bit 30 marks x32 (__X32_SYSCALL_BIT): the same calls by another door */
	return (u32)regs->orig_ax & ~0x40000000U;
}

SEC_PRIVATE const struct socketcall *socketcall_of(struct pt_regs *regs)
{
	return &socketcalls[within(regs->bx, PROBE_SOCKETCALLS - 1)];
}

/* The arguments of a call through socketcall(2): words in memory. */
SEC_PRIVATE void read_socketcall(u64 *args, struct pt_regs *regs)
{
	u32 words[8] = {};

	bpf_probe_read_user(words, within(socketcall_of(regs)->nargs, 7) * sizeof(*words),
		(void *)(u64)(u32)regs->cx);
	for (int i = 0; i < 6; i++)
		args[i] = words[i];
}

SEC_PRIVATE void read_args(u64 *args, struct pt_regs *regs, bool compat)
{
	if (compat) {
		args[0] = (u32)regs->bx;
		args[1] = (u32)regs->cx;
		args[2] = (u32)regs->dx;
		args[3] = (u32)regs->si;
		args[4] = (u32)regs->di;
		args[5] = (u32)regs->bp;
		return;
	}
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

SEC_PRIVATE bool is_compat(void)
{
	if (has_typed_task())
		return bpf_get_current_task_btf()->thread_info.status & COMPAT_STATUS;
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.status) & COMPAT_STATUS;
}
#elif defined(__TARGET_ARCH_arm64)
SEC_PRIVATE u32 syscall_nr(struct pt_regs *regs)
{
	return (u32)regs->syscallno;
}

SEC_PRIVATE const struct socketcall *socketcall_of(struct pt_regs *regs)
{
	return &socketcalls[0]; /* 32-bit ARM has the calls themselves */
}

SEC_PRIVATE void read_socketcall(u64 *args, struct pt_regs *regs)
{
}

SEC_PRIVATE void read_args(u64 *args, struct pt_regs *regs, bool compat)
{
	args[0] = regs->orig_x0;
	for (int i = 1; i < 6; i++)
		args[i] = regs->regs[i];
}

SEC_PRIVATE bool is_compat(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.flags) & (1UL << 22); /* TIF_32BIT */
}
#endif

enum door { DOOR_NATIVE, DOOR_COMPAT, DOOR_SOCKETCALL };

/* The event that a syscall stands for, or 0. Most calls end here: it must be short. */
SEC_PRIVATE u16 code_of(u32 nr, struct pt_regs *regs, enum door *door)
{
	if (nr >= PROBE_SYSCALLS)
		return 0;
	u64 i = within(nr, PROBE_SYSCALLS - 1);
	u16 native = wanted[i].native, other = wanted[i].compat;

	if (!(native | other))
		return 0;
	*door = DOOR_NATIVE;
	if (!is_compat())
		return native;
	*door = DOOR_COMPAT;
	if (other != PROBE_CODE_SOCKETCALL)
		return other;
	*door = DOOR_SOCKETCALL;
	return socketcall_of(regs)->code;
}

struct user_iovec {
	u64 base, len;
};
struct user_msghdr {
	u64 name;
	u32 namelen, pad;
	u64 iov, iovlen;
	u64 control, controllen;
};
struct compat_msghdr {
	u32 name, namelen, iov, iovlen, control, controllen;
};

SEC_PRIVATE void load_msghdr(struct user_msghdr *m, u64 ptr, bool compat)
{
	struct compat_msghdr c = {};

	if (!compat) {
		bpf_probe_read_user(m, sizeof(*m), (void *)ptr);
		return;
	}
	bpf_probe_read_user(&c, sizeof(c), (void *)ptr);
	m->name = c.name;
	m->namelen = c.namelen;
	m->iov = c.iov;
	m->iovlen = c.iovlen;
	m->control = c.control;
	m->controllen = c.controllen;
}

SEC_PRIVATE void load_iovec(struct user_iovec *v, u64 ptr, bool compat)
{
	if (!compat) {
		bpf_probe_read_user(v, sizeof(*v), (void *)ptr);
		return;
	}
	u32 c[2] = {};

	bpf_probe_read_user(c, sizeof(c), (void *)ptr);
	v->base = c[0];
	v->len = c[1];
}

/* Copies at most `max` user bytes behind what is written; the length. */
SEC_PRIVATE u32 read_bytes(struct writer *w, u64 ptr, u64 len, u32 max)
{
	if (len > max)
		len = max;
	u32 n = len & (RECORD_STR_MAX - 1);

	if (!n || !ptr || bpf_probe_read_user(w->base + w->off, n, (void *)ptr))
		return 0;
	return n;
}

SEC_PRIVATE u64 arg(const struct record_head *h, u8 i)
{
	/* 6 and 7 lie in comm: within the record, and never asked for */
	return h->args[within(i, 7)];
}

/* How much of an iovec's data was moved, at most. */
SEC_PRIVATE u64 moved(const struct record_head *h, u64 len)
{
	return h->ret > 0 && h->ret < (s64)len ? h->ret : len;
}

/* Read i of the event's plan: its length, behind what is written. Alone, to be verified once. */
GLOBAL u32 read_one(u32 code, u32 i)
{
	const struct plan *p = &plans[within(code, PROBE_CODES - 1)];
	u32 data_max = snaplen < RECORD_STR_MAX - 1 ? snaplen : RECORD_STR_MAX - 1;
	const struct plan_read *r = &p->reads[within(i, RECORD_READS_MAX - 1)];
	struct user_msghdr m = {};
	struct user_iovec v = {};
	struct writer wr, *w = &wr;
	long n;

	if (!writer_load(w, 0) || !writer_room(w))
		return 0;
	bool compat = w->h->flags & RECORD_COMPAT;
	u64 ptr = arg(w->h, r->a);
	s64 ret = w->h->ret;

	switch (r->kind) {
	case READ_STR:
		n = bpf_probe_read_user_str(w->base + w->off, RECORD_STR_MAX, (void *)ptr);
		return n > 0 ? n : 0;
	case READ_DATA:
		return read_bytes(w, ptr, ret > 0 ? ret : arg(w->h, r->b), data_max);
	case READ_SOCKADDR:
		return read_bytes(w, ptr, (u32)arg(w->h, r->b), 128);
	case READ_FIXED:
		return read_bytes(w, ptr, r->b, 255);
	case READ_IOV:
		load_iovec(&v, ptr, compat);
		return read_bytes(w, v.base, moved(w->h, v.len), data_max);
	case READ_MSG:
		load_msghdr(&m, ptr, compat);
		load_iovec(&v, m.iov, compat);
		return read_bytes(w, v.base, moved(w->h, v.len), data_max);
	case READ_POLL:
		return read_bytes(w, ptr, 8 * (u64)(u32)arg(w->h, r->b), 512);
	case READ_CONTROL:
		load_msghdr(&m, ptr, compat);
		return ret < 0 ? 0 : read_bytes(w, m.control, m.controllen, 1023);
	default:
		return 0;
	}
}

/* The address that one message went to or came from. */
GLOBAL int put_addr(u32 code)
{
	const struct plan *p = &plans[within(code, PROBE_CODES - 1)];
	struct writer wr, *w = &wr;
	u64 ptr, len;

	if (!writer_load(w, 0) || !writer_room(w))
		return 0;
	if (p->msg_arg != PLAN_NONE) {
		struct user_msghdr m = {};

		load_msghdr(&m, arg(w->h, p->msg_arg), w->h->flags & RECORD_COMPAT);
		ptr = m.name;
		len = m.namelen;
	} else {
		ptr = arg(w->h, p->addr_arg);
		len = p->addr_len_arg == PLAN_NONE ? 28 : (u32)arg(w->h, p->addr_len_arg);
	}
	u8 *fact = w->base + w->off;

	w->off += 4;
	u32 n = read_bytes(w, ptr, len, 128);
	if (!n)
		return 0;
	fact[0] = FACT_ADDR;
	fact[1] = 0;
	fact[2] = n;
	fact[3] = 0;
	w->off += n;
	writer_save(w);
	return 0;
}

GLOBAL int put_mntns(u32 slot)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fact_mntns f = {
		.inum = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum),
		.parent_pid = BPF_CORE_READ(task, real_parent, tgid),
	};
	struct writer w;

	if (!writer_load(&w, slot))
		return 0;
	put_fact(&w, FACT_MNTNS, &f, sizeof(f));
	writer_save(&w);
	return 0;
}

/* The descriptor that the event is about, or -1. */
SEC_PRIVATE s64 own_fd(const struct plan *p, const struct writer *w)
{
	s32 pair[2] = {-1, -1};

	if (p->fd == PLAN_NONE)
		return -1;
	if (p->fd == PLAN_FD_RET)
		return w->h->ret;
	if (p->fd != PLAN_FD_PAIR)
		return (s32)arg(w->h, p->fd);
	if (w->h->ret == 0 && w->h->read_lens[0] == sizeof(pair))
		bpf_probe_read_kernel(pair, sizeof(pair), w->base + sizeof(struct record_head));
	return pair[1];
}

GLOBAL int put_facts(u32 code, u32 starts)
{
	const struct plan *p = &plans[within(code, PROBE_CODES - 1)];
	struct writer w;

	if (!writer_load(&w, 0))
		return 0;
	s64 ret = w.h->ret;
	s64 fd = own_fd(p, &w);
	struct file *file = fd >= 0 ? file_of_own_fd(fd) : NULL;

	if (p->flags & PLAN_ADDR)
		put_addr(code);
	if (file)
		put_file(0, (u64)file, fd);
	if (p->npaths > 0 && !(starts & 1))
		put_dir(0, FACT_DIR,
			p->path_dir[0] == PLAN_NONE ? AT_CWD : (s32)arg(w.h, p->path_dir[0]));
	if (p->npaths > 1 && !(starts & 2))
		put_dir(0, FACT_DIR2,
			p->path_dir[1] == PLAN_NONE ? AT_CWD : (s32)arg(w.h, p->path_dir[1]));
	if (p->npaths > 0 && p->fd != PLAN_FD_RET)
		put_mntns(0);
	if ((p->flags & PLAN_CWD_AFTER) && ret == 0)
		put_dir(0, FACT_CWD, AT_CWD);
	return 0;
}

/* koban opens a file to learn by what numbers the kernel knows it (sensor_identify()). */
static __noinline void identify(s64 fd)
{
	struct file *file = file_of_own_fd(fd);

	if (!file)
		return;
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	identified.ino = BPF_CORE_READ(inode, i_ino);
	identified.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	identified.generation = BPF_CORE_READ(inode, i_generation);
}

/* The reads of the plan; bit i of the result: path i starts with '/'. */
SEC_PRIVATE u32 put_reads(const struct plan *p, u32 code)
{
	struct writer w;
	u32 starts = 0;

	for (u32 i = 0; i < RECORD_READS_MAX; i++) {
		if (i >= p->nreads)
			break;
		u32 n = read_one(code, i);

		if (!writer_load(&w, 0) || !writer_room(&w))
			break;
		if (n && w.base[w.off] == '/') {
			if (p->path_read[0] == i)
				starts |= 1;
			if (p->path_read[1] == i)
				starts |= 2;
		}
		w.h->read_lens[i] = n;
		w.off += within(n, 2 * RECORD_STR_MAX - 1);
		writer_save(&w);
	}
	return starts;
}

SEC("tp_btf/sys_exit")
int sys_exit(u64 *ctx)
{
	struct pt_regs *regs = (void *)ctx[0];
	s64 ret = (s64)ctx[1];
	u32 nr = syscall_nr(regs);
	struct writer w;
	enum door door;

	u16 code = code_of(nr, regs, &door);
	if (!code)
		return 0;
	u64 pid_tgid = bpf_get_current_pid_tgid();
	const struct plan *p = &plans[within(code, PROBE_CODES - 1)];

	if ((u32)(pid_tgid >> 32) == self_tgid) {
		count(COUNT_IGNORED_SELF);
		if (identify_tid == (u32)pid_tgid)
			identify(ret);
		return 0;
	}
	if (p->flags & PLAN_EPOCH && ret >= 0)
		__sync_fetch_and_add(&epoch, 1);
	if ((p->flags & PLAN_QUIET) || (ret < 0 && (p->flags & PLAN_OK_ONLY)) ||
		(ret == 0 && (p->flags & PLAN_FAIL_ONLY)))
		return 0;
	if (!writer_load(&w, 0)) {
		count(COUNT_IN);
		count(COUNT_DROP_SIZE);
		return 0;
	}
	if (door == DOOR_SOCKETCALL)
		read_socketcall((u64 *)w.h->args, regs);
	else
		read_args((u64 *)w.h->args, regs, door == DOOR_COMPAT);
	if (code == CODE_CLONE3 || code == CODE_FORK || code == CODE_VFORK)
		w.h->args[0] = ret < 0 ? 0 : clone_flags_of((u32)pid_tgid);
	if (!(p->flags & PLAN_VERDICT)) {
		w.h->verdict.a = w.h->verdict.b = w.h->second.a = w.h->second.b = 0;
	} else if (p->npaths ? verdict_of(code, ret) : sock_verdict_of(code, ret)) {
		count(COUNT_IN);
		count(COUNT_DULL);
		return 0;
	}
	if (!writer_begin(&w, 0, code))
		return 0;
	w.h->ret = ret;
	w.h->nr = nr;
	w.h->flags = door == DOOR_NATIVE ? 0 : RECORD_COMPAT;
	if (want_enter) {
		u32 tid = (u32)pid_tgid;
		u64 *t = bpf_map_lookup_elem(&enter_times, &tid);

		if (t)
			w.h->enter_ns = *t;
	}
	put_facts(code, put_reads(p, code));
	writer_send(0, false);
	return 0;
}

SEC("?tp_btf/sys_enter")
int sys_enter(u64 *ctx)
{
	u32 nr = (u32)ctx[1] & ~0x40000000U;
	enum door door;

	if (!code_of(nr, (void *)ctx[0], &door))
		return 0;
	u32 tid = (u32)bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_boot_ns();

	bpf_map_update_elem(&enter_times, &tid, &now, BPF_ANY);
	return 0;
}
