/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * io_uring: what is asked through a ring appears as the ordinary event. When a request is submitted
 * the kernel has copied its names already (struct filename): they are kept by request. When it
 * completes, its result and its file make the event. One program a shape of the tracepoints:
 * io_uring_submit_req since 6.4, io_uring_submit_sqe in 6.0-6.3; io_uring_complete has three
 * arguments since 6.14, more before.
 */
#include "file.h"

enum {
	URING_NAME_MAX = 1024,
	URING_SENDMSG = 9,
	URING_RECVMSG = 10,
	URING_ACCEPT = 13,
	URING_CONNECT = 16,
	URING_OPENAT = 18,
	URING_SEND = 26,
	URING_RECV = 27,
	URING_OPENAT2 = 28,
	URING_RENAMEAT = 35,
	URING_UNLINKAT = 36,
	URING_MKDIRAT = 37,
	URING_SYMLINKAT = 38,
	URING_LINKAT = 39,
	URING_OPS = 64,
};

u16 uring_wanted[URING_OPS]; /* operation → event code; 0 = not wanted */

struct uring_request {
	u64 args[6];
	u64 submit_ns;
	u16 code;
	u8 op, nnames;
	u16 lens[2];
	char names[2][URING_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct uring_request);
} uring_requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct uring_request);
} uring_scratch SEC(".maps");

SEC_PRIVATE void keep_name(struct uring_request *r, u32 i, struct filename *f)
{
	long n = bpf_probe_read_kernel_str(r->names[i & 1], URING_NAME_MAX, BPF_CORE_READ(f, name));

	r->lens[i & 1] = n > 0 ? n : 0;
}

/* Arguments in the order of the syscall that the event stands for. */
SEC_PRIVATE void keep_arguments(struct uring_request *r, struct io_kiocb *req)
{
	struct io_open *open = (void *)req;
	struct io_unlink *un = (void *)req;
	struct io_rename *ren = (void *)req;
	struct io_mkdir *mk = (void *)req;
	struct io_link *ln = (void *)req;

	switch (r->op) {
	case URING_OPENAT:
	case URING_OPENAT2:
		r->args[0] = (s64)BPF_CORE_READ(open, dfd);
		r->args[2] = BPF_CORE_READ(open, how.flags);
		r->args[3] = BPF_CORE_READ(open, how.mode);
		keep_name(r, 0, BPF_CORE_READ(open, filename));
		r->nnames = 1;
		break;
	case URING_UNLINKAT:
		r->args[0] = (s64)BPF_CORE_READ(un, dfd);
		r->args[2] = BPF_CORE_READ(un, flags);
		keep_name(r, 0, BPF_CORE_READ(un, filename));
		r->nnames = 1;
		break;
	case URING_MKDIRAT:
		r->args[0] = (s64)BPF_CORE_READ(mk, dfd);
		r->args[2] = BPF_CORE_READ(mk, mode);
		keep_name(r, 0, BPF_CORE_READ(mk, filename));
		r->nnames = 1;
		break;
	case URING_RENAMEAT:
		r->args[0] = (s64)BPF_CORE_READ(ren, old_dfd);
		r->args[2] = (s64)BPF_CORE_READ(ren, new_dfd);
		r->args[4] = BPF_CORE_READ(ren, flags);
		keep_name(r, 0, BPF_CORE_READ(ren, oldpath));
		keep_name(r, 1, BPF_CORE_READ(ren, newpath));
		r->nnames = 2;
		break;
	case URING_SYMLINKAT:
	case URING_LINKAT:
		r->args[0] = (s64)BPF_CORE_READ(ln, old_dfd);
		r->args[r->op == URING_LINKAT ? 2 : 1] = (s64)BPF_CORE_READ(ln, new_dfd);
		r->args[4] = BPF_CORE_READ(ln, flags);
		keep_name(r, 0, BPF_CORE_READ(ln, oldpath));
		keep_name(r, 1, BPF_CORE_READ(ln, newpath));
		r->nnames = 2;
		break;
	default:
		break;
	}
}

SEC_PRIVATE int uring_submit(struct io_kiocb *req)
{
	u8 op = BPF_CORE_READ(req, opcode);
	u64 key = (u64)req;
	u32 zero = 0;

	if (op >= URING_OPS || !uring_wanted[op])
		return 0;
	struct uring_request *r = bpf_map_lookup_elem(&uring_scratch, &zero);
	if (!r)
		return 0;
	r->op = op;
	r->code = uring_wanted[op];
	r->nnames = 0;
	r->lens[0] = r->lens[1] = 0;
	r->submit_ns = bpf_ktime_get_boot_ns();
	__builtin_memset(r->args, 0, sizeof(r->args));
	keep_arguments(r, req);
	bpf_map_update_elem(&uring_requests, &key, r, BPF_ANY);
	return 0;
}

SEC_PRIVATE void put_name(struct writer *w, struct uring_request *r, u32 i)
{
	u32 len = r->lens[i & 1] & (2 * URING_NAME_MAX - 1);

	if (!writer_room(w) || !len || len > URING_NAME_MAX)
		return;
	bpf_probe_read_kernel(w->base + w->off, len, r->names[i & 1]);
	w->h->read_lens[i & 1] = len;
	w->off += len;
}

GLOBAL int uring_done(u64 request, s64 res)
{
	struct io_kiocb *req = (void *)request;
	u64 key = (u64)req;
	struct uring_request *r = bpf_map_lookup_elem(&uring_requests, &key);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct writer w;

	if (!r || res == -11 || res == -125) /* EAGAIN, ECANCELED: not done, or not at all */
		return 0;
	const struct plan *p = &plans[within(r->code, PROBE_CODES - 1)];

	if (p->flags & PLAN_EPOCH)
		__sync_fetch_and_add(&epoch, 1);
	if (p->flags & PLAN_QUIET) {
		bpf_map_delete_elem(&uring_requests, &key);
		return 0;
	}
	if (!writer_begin(&w, 2, r->code))
		return 0;
	w.h->verdict.a = w.h->verdict.b = w.h->second.a = w.h->second.b = 0;
	w.h->flags = RECORD_IO_URING;
	w.h->enter_ns = r->submit_ns;
	w.h->ret = res;
	__builtin_memcpy(w.h->args, r->args, sizeof(r->args));
	put_name(&w, r, 0);
	put_name(&w, r, 1);
	writer_save(&w);
	if (r->op == URING_OPENAT || r->op == URING_OPENAT2 || r->op == URING_ACCEPT) {
		struct file *file = file_of_fd(task, res);

		if (file)
			put_file(2, (u64)file, res);
	} else if (r->nnames == 0) {
		struct file *file = BPF_CORE_READ(req, file);

		if (file)
			put_file(2, (u64)file, -1);
	}
	if (r->nnames && r->names[0][0] != '/')
		put_dir(2, FACT_DIR, (s32)r->args[0]);
	if (r->nnames == 2 && r->names[1][0] != '/')
		put_dir(2, FACT_DIR2, (s32)(r->op == URING_SYMLINKAT ? r->args[1] : r->args[2]));
	bpf_map_delete_elem(&uring_requests, &key);
	writer_send(2, false);
	return 0;
}

SEC("?tp_btf/io_uring_submit_req")
int uring_submit_req(u64 *ctx)
{
	return uring_submit((void *)ctx[0]);
}

SEC("?tp_btf/io_uring_submit_sqe")
int uring_submit_sqe(u64 *ctx)
{
	return uring_submit((void *)ctx[0]);
}

SEC("?tp_btf/io_uring_complete")
int uring_complete_cqe(u64 *ctx)
{
	struct io_uring_cqe *cqe = (void *)ctx[2];

	return uring_done(ctx[1], BPF_CORE_READ(cqe, res));
}

SEC("?tp_btf/io_uring_complete")
int uring_complete_res(u64 *ctx)
{
	return uring_done(ctx[1], (s32)ctx[3]);
}
