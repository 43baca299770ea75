/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * The pushdown of the rules about sockets, after the pattern of verdict.h: user space judges a call
 * once with what its key decides, and what no rule wants ends here from then on.
 *
 * Of socket() the key holds the arguments and whether it failed; of connect() the result, what the
 * socket is, its own address and the far end's address and port, all from struct sock. The port
 * that the kernel chose for this end is not in it, so the thousandth connection to a server costs
 * what the second did. Sockets of other families, and those whose far end the kernel does not
 * know, have no key.
 *
 * Rules ask who calls, too, so there is a second key, which has the caller in it: its begin, how
 * often it executed a program, its name. It is asked when the first one says nothing.
 */
#include "verdict.h"

enum { CODE_SOCKET = 19, CODE_CONNECT = 23 }; /* model/event/schema.def */

/* Apart from those of opens, which many far ends would push out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PROBE_SOCK_VERDICTS);
	__type(key, struct verdict_key);
	__type(value, u8);
} sock_verdicts SEC(".maps");

/* The socket behind a descriptor of the caller, or NULL. */
SEC_PRIVATE struct sock *sock_of_own_fd(struct writer *w, s64 fd)
{
	struct file *file = file_of_own_fd(fd);

	if (!file)
		return NULL;
	u8 *f = look(w, 0, file);
	struct socket *socket = LOOKED(f, file, struct file, private_data);
	struct inode *inode = LOOKED(f, file, struct file, f_inode);

	if ((BPF_CORE_READ(inode, i_mode) & MODE_TYPE) != MODE_SOCK)
		return NULL;
	return BPF_CORE_READ(socket, sk);
}

SEC_PRIVATE bool mix_peer(struct writer *w, struct verdict_key *k, s64 fd)
{
	struct sock *sk = sock_of_own_fd(w, fd);
	struct fact_sock f = {};
	u64 *remote = (u64 *)f.raddr, *local = (u64 *)f.laddr;

	if (!sk)
		return false;
	read_sock(&f, w, sk);
	if ((f.family != FAMILY_INET && f.family != FAMILY_INET6) || !f.rport)
		return false;
	/* one that is not bound may have no local end to be told by */
	mix(k, f.family | (u64)f.rport << 16 | (u64)f.type << 32 | (u64)f.proto << 40 |
			(u64) !!f.lport << 48);
	mix(k, remote[0]);
	mix(k, local[0]);
	if (f.family == FAMILY_INET6) {
		mix(k, remote[1]);
		mix(k, local[1]);
	}
	return true;
}

SEC_PRIVATE void mix_process(struct verdict_key *k)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	u64 comm[2] = {};

	bpf_core_read(comm, sizeof(comm), &leader->comm);
	mix(k, bpf_get_current_pid_tgid() >> 32 | BPF_CORE_READ(leader, self_exec_id) << 32);
	mix(k, BPF_CORE_READ(leader, start_boottime));
	mix(k, comm[0]);
	mix(k, comm[1]);
	mix(k, own_epoch);
}

/* 1 if the call whose arguments are in the scratch record was found dull before; else its keys
 * are left in the record. */
GLOBAL int sock_verdict_of(u32 code, s64 ret)
{
	struct verdict_key none = {}, k = {.a = verdict_seed, .b = verdict_seed2};
	struct writer wr, *w = &wr;

	if (!writer_load(w, 0))
		return 0;
	w->h->verdict = w->h->second = none;
	mix(&k, (u64)epoch << 32 | code);
	mix(&k, ret < 0 ? ret : 0);
	if (code == CODE_SOCKET) {
		mix(&k, (u32)w->h->args[0] | w->h->args[1] << 32);
		mix(&k, (u32)w->h->args[2]);
	} else if (code != CODE_CONNECT || !mix_peer(w, &k, (s32)w->h->args[0])) {
		return 0;
	}
	w->h->verdict = k;
	if (bpf_map_lookup_elem(&sock_verdicts, &k))
		return 1;
	if (!(plans[within(code, PROBE_CODES - 1)].flags & PLAN_OF_ONE))
		return 0;
	mix_process(&k);
	w->h->second = k;
	return bpf_map_lookup_elem(&sock_verdicts, &k) != NULL;
}
