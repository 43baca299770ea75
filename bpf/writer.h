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

const volatile u32 self_tgid = 0;      /* koban itself: its calls are no events */
const volatile u32 snaplen = 80;       /* bytes of data that an event carries */
const volatile bool want_enter = false; /* record entry times: needs the sys_enter program */
const volatile u64 ring_wake_bytes = 65536;
struct plan plans[PROBE_CODES];        /* by event code */
struct wanted wanted[PROBE_SYSCALLS];  /* by syscall number */
u8 known_bloom[1024];                  /* which inode numbers may be known: a bit by hash */
u8 known_bloom_inside[8192];           /* the same for files in containers */
u32 known_count = 0;
u32 epoch = 0;                         /* grows when names of files may have changed: verdict.h */
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

struct scratch {
	u8 bytes[RECORD_MAX];
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

SEC_PRIVATE bool writer_begin(struct writer *w, u32 slot, u16 code)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct cred *cred;

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
	h->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	h->ret = 0;
	h->pid = pid_tgid >> 32;
	h->tid = (u32)pid_tgid;
	cred = BPF_CORE_READ(task, cred);
	h->uid = BPF_CORE_READ(cred, euid.val);
	h->gid = BPF_CORE_READ(cred, egid.val);
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

SEC_PRIVATE void put_fact(struct writer *w, u8 tag, const void *data, u32 size)
{
	if (!writer_room(w))
		return;
	u8 *p = w->base + w->off;

	p[0] = tag;
	p[1] = 0;
	p[2] = size & 0xff;
	p[3] = size >> 8;
	bpf_probe_read_kernel(p + 4, size, data);
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
	/* the reader polls; wake it only when much is waiting */
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > ring_wake_bytes)
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
