/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * Building a record in a per-CPU scratch buffer and sending it. Every append first checks that it
 * starts within OFF_MAX; one append adds at most RECORD_STR_MAX, so that the buffer never ends.
 */
#include "kernel.h"

#include "record.h"

#define SEC_PRIVATE static __always_inline
enum { OFF_MAX = 16 * 1024 - 1 };

/* ---- knobs: written by user space, before load or while running -------------------------- */

const volatile u32 self_tgid = 0;       /* koban itself: its calls are no events */
const volatile u32 snaplen = 80;        /* bytes of data that an event carries */
const volatile bool want_enter = false; /* record entry times: needs the sys_enter program */
const volatile u64 ring_wake_bytes = 65536;
bool want_threads = false;            /* begin and end of threads, not only of processes */
struct plan plans[PROBE_CODES];       /* by event code */
struct wanted wanted[PROBE_SYSCALLS]; /* by syscall number */
struct socketcall socketcalls[PROBE_SOCKETCALLS]; /* by call */
u8 known_bloom[1024];        /* which inode numbers may be known: a bit by hash */
u8 known_bloom_inside[8192]; /* the same for files in containers */
u32 known_count = 0;
struct names names; /* that rules tell from others: verdict.h */
u32 epoch = 0;      /* grows when names of files may have changed: verdict.h */
u32 own_epoch = 0;  /* grows when a process may not be what it was taken for: verdict_sock.h */
/* identify: user space opens a file with this set and reads what the kernel calls it */
u32 identify_tid = 0;
struct known_key identified;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNT_MAX);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

enum { LOOKS = 3, LOOK_SIZE = 128 };

struct scratch {
	u8 bytes[RECORD_MAX];
	u8 looks[LOOKS][LOOK_SIZE]; /* see look() */
};

/* 0: sys_exit, 1: exec, fork, exit, 2: io_uring, cgroup: programs that may interrupt each other */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROBE_KNOWN_MAX);
	__type(key, struct known_key);
	__type(value, u32);
} known SEC(".maps");

/* Named files of containers, as their roots show them; the least used go first. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PROBE_KNOWN_INSIDE);
	__type(key, struct known_key);
	__type(value, u32);
} known_inside SEC(".maps");

SEC_PRIVATE void count(u32 what)
{
	u64 *n = bpf_map_lookup_elem(&counters, &what);

	if (n)
		*n += 1;
}

/* Plain loads instead of a helper's call for each member, where the kernel has it (5.11). */
SEC_PRIVATE bool has_typed_task(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

/* v & mask, in one register: what the compiler may not undo, the verifier can follow. */
SEC_PRIVATE u64 within(u64 v, u64 mask)
{
	barrier_var(v);
	v &= mask;
	barrier_var(v);
	return v;
}

/*
 * Where the next append goes. Between functions the offset is kept in the record's own `len`:
 * a GLOBAL function is verified once, by itself, and may take only numbers (kernels before 5.12),
 * so it takes the slot, loads the writer, appends and saves.
 */
struct writer {
	struct record_head *h;
	u8 *base;
	u64 off; /* 64 bits: the verifier loses track of narrower ones */
};
#define GLOBAL __attribute__((noinline))

SEC_PRIVATE bool writer_load(struct writer *w, u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratches, &slot);

	if (!s)
		return false;
	w->base = s->bytes;
	w->h = (void *)s->bytes;
	w->off = w->h->len;
	return true;
}

SEC_PRIVATE void writer_save(struct writer *w)
{
	w->h->len = w->off;
}

/*
 * The beginning of a kernel struct, in one read, behind the record: a helper's call for each member
 * is most of what an event costs. A member that some kernel has further down is read by itself;
 * which, is known when the program is loaded.
 */
SEC_PRIVATE u8 *look(struct writer *w, u32 i, const void *from)
{
	u8 *p = w->base + RECORD_MAX + i * LOOK_SIZE;

	bpf_probe_read_kernel(p, LOOK_SIZE, from);
	return p;
}

#define LOOKED(p, from, type, member)                                                              \
	({                                                                                         \
		typeof((from)->member) v_;                                                         \
		u32 at_ = bpf_core_field_offset(type, member);                                     \
                                                                                                   \
		if (at_ + sizeof(v_) <= LOOK_SIZE)                                                 \
			v_ = *(typeof(v_) *)((p) + at_);                                           \
		else                                                                               \
			bpf_core_read(&v_, sizeof(v_), &(from)->member);                           \
		v_;                                                                                \
	})

/* Who acts: the process by its begin, and its effective user. */
SEC_PRIVATE void put_actor(struct record_head *h)
{
	if (has_typed_task()) {
		struct task_struct *task = bpf_get_current_task_btf();
		const struct cred *cred = task->cred;

		h->start_ns = task->group_leader->start_boottime;
		/* never NULL, but where BTF tells of __rcu the verifier wants it looked at */
		if (cred) {
			h->uid = cred->euid.val;
			h->gid = cred->egid.val;
		}
		return;
	}
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct cred *cred = BPF_CORE_READ(task, cred);

	h->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	h->uid = BPF_CORE_READ(cred, euid.val);
	h->gid = BPF_CORE_READ(cred, egid.val);
}

SEC_PRIVATE bool writer_begin(struct writer *w, u32 slot, u16 code)
{
	count(COUNT_IN);
	if (!writer_load(w, slot)) {
		count(COUNT_DROP_SIZE);
		return false;
	}
	w->off = sizeof(struct record_head);
	struct record_head *h = w->h;
	u64 pid_tgid = bpf_get_current_pid_tgid();

	h->ts_ns = bpf_ktime_get_boot_ns();
	h->enter_ns = 0;
	h->ret = 0;
	h->pid = pid_tgid >> 32;
	h->tid = (u32)pid_tgid;
	put_actor(h);
	h->code = code;
	h->cpu = bpf_get_smp_processor_id();
	h->flags = 0;
	__builtin_memset(h->read_lens, 0, sizeof(h->read_lens));
	writer_save(w);
	return true;
}

/* Room for one more append? */
SEC_PRIVATE bool writer_room(struct writer *w)
{
	if (w->off > OFF_MAX) {
		w->h->flags |= RECORD_CUT;
		return false;
	}
	/* the mask changes nothing, but old verifiers follow it better than the comparison */
	w->off = within(w->off, OFF_MAX);
	return true;
}

#define WHOLE_WORDS(type) _Static_assert(sizeof(struct type) % 8 == 0, #type)
WHOLE_WORDS(fact_file);
WHOLE_WORDS(fact_known);
WHOLE_WORDS(fact_sock);
WHOLE_WORDS(fact_fork);
WHOLE_WORDS(fact_mntns);
WHOLE_WORDS(fact_exe);

/* The data is one of these structs. */
SEC_PRIVATE void put_fact(struct writer *w, u8 tag, const void *data, u32 size)
{
	const u64 *words = data;

	if (!writer_room(w))
		return;
	u8 *p = w->base + w->off;

	p[0] = tag;
	p[1] = 0;
	p[2] = size & 0xff;
	p[3] = size >> 8;
	/* both kinds of machine store a word anywhere */
	for (u32 i = 0; i < size / 8; i++)
		((u64 *)(p + 4))[i] = words[i];
	w->off += 4 + size;
}

SEC_PRIVATE void writer_send(u32 slot, bool is_state)
{
	u64 flags = BPF_RB_NO_WAKEUP, len;
	struct writer w;

	if (!writer_load(&w, slot))
		return;
	len = w.off;
	barrier_var(len);
	if (len > RECORD_MAX) {
		count(COUNT_DROP_SIZE);
		return;
	}
	/* the reader polls; wake it when much is waiting; when it is asked about a folder: until it
	 * answers, all that is opened there comes; and when a process enters a cgroup: a container
	 * that ends at once takes along what describes it */
	if ((w.h->second.a && plans[within(w.h->code, PROBE_CODES - 1)].npaths) ||
		w.h->code == RECORD_CGROUP ||
		bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > ring_wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (is_state)
		count(COUNT_STATE_IN);
	if (bpf_ringbuf_output(&ring, w.base, len, flags)) {
		count(COUNT_DROP_RING);
		if (is_state)
			count(COUNT_DROP_STATE);
	} else {
		count(COUNT_SENT);
	}
}
