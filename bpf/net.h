/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/* Sockets: both ends from struct sock, as the kernel has them, not as the caller said. */
#include "writer.h"

enum { FAMILY_UNIX = 1, FAMILY_INET = 2, FAMILY_INET6 = 10, UNIX_PATH_MAX_BYTES = 108 };

enum { LOCK_BIND_PORT = 8 /* SOCK_BINDPORT_LOCK, include/net/sock.h */ };
enum { STATE_ESTABLISHED = 1, STATE_SYN_SENT = 2, STATE_SYN_RECV = 3, STATE_CLOSE = 7 };

/*
 * Sockets that were accepted, until they close: the others that are connected are clients. A set of
 * addresses, a cache line for each hash, so that a connection costs a store and no map's update. A
 * full line loses one of its sockets, as do two CPUs that write to the same line at once: that
 * connection is told by its ports, like those that are older than the sensor.
 */
enum { ACCEPTED_BITS = 13, ACCEPTED_WAYS = 8 };
u64 accepted[1 << ACCEPTED_BITS][ACCEPTED_WAYS] __attribute__((aligned(64)));

SEC_PRIVATE u64 *accepted_line(u64 sk)
{
	u64 hash = sk * 0x9e3779b97f4a7c15ULL;

	return accepted[within(hash >> (64 - ACCEPTED_BITS), (1 << ACCEPTED_BITS) - 1)];
}

SEC_PRIVATE bool is_accepted(u64 sk)
{
	u64 *line = accepted_line(sk), differ = 1;

#pragma unroll
	for (u32 i = 0; i < ACCEPTED_WAYS; i++)
		differ = line[i] == sk ? 0 : differ;
	return !differ;
}

SEC_PRIVATE void accepted_add(u64 sk)
{
	u64 *line = accepted_line(sk);

#pragma unroll
	for (u32 i = 0; i < ACCEPTED_WAYS; i++) {
		if (line[i])
			continue;
		line[i] = sk;
		return;
	}
	line[bpf_get_prandom_u32() & (ACCEPTED_WAYS - 1)] = sk;
}

SEC_PRIVATE void accepted_remove(u64 sk)
{
	u64 *line = accepted_line(sk);

#pragma unroll
	for (u32 i = 0; i < ACCEPTED_WAYS; i++)
		if (line[i] == sk)
			line[i] = 0;
}

/* A raw tracepoint: to a typed one the address is a pointer, which cannot be hashed. */
SEC("raw_tp/inet_sock_set_state")
int tcp_state(u64 *ctx)
{
	int before = (int)ctx[1], after = (int)ctx[2];

	if (after == STATE_ESTABLISHED && before == STATE_SYN_RECV)
		accepted_add(ctx[0]);
	else if (after == STATE_CLOSE || after == STATE_SYN_SENT)
		accepted_remove(ctx[0]);
	return 0;
}

SEC_PRIVATE void put_unix_path(struct writer *w, struct unix_sock *u)
{
	struct unix_address *addr = BPF_CORE_READ(u, addr);
	s64 len = addr ? (s64)BPF_CORE_READ(addr, len) : 0;

	len -= 2; /* sun_family */
	if (len <= 0 || !writer_room(w))
		return;
	if (len > UNIX_PATH_MAX_BYTES)
		len = UNIX_PATH_MAX_BYTES;
	u8 *p = w->base + w->off;

	p[0] = FACT_UNIX;
	p[1] = 0;
	p[2] = len;
	p[3] = 0;
	len = within(len, 127);
	bpf_probe_read_kernel(
		p + 4, len, (void *)addr + bpf_core_field_offset(struct unix_address, name) + 2);
	w->off += 4 + len;
}

/* Type and protocol lie together in every kernel since 5.6. */
SEC_PRIVATE void read_sock_kind(struct fact_sock *f, struct sock *sk)
{
	u32 at = bpf_core_field_offset(struct sock, sk_type);
	u16 both[2] = {};

	if (bpf_core_field_offset(struct sock, sk_protocol) == at + 2) {
		bpf_probe_read_kernel(both, sizeof(both), (void *)sk + at);
		f->type = both[0];
		f->proto = both[1];
		return;
	}
	f->type = BPF_CORE_READ(sk, sk_type);
	f->proto = BPF_CORE_READ(sk, sk_protocol);
}

/* What a socket is, and both its ends. */
SEC_PRIVATE void read_sock(struct fact_sock *f, struct writer *w, struct sock *sk)
{
	u8 *s = look(w, 0, sk);

	read_sock_kind(f, sk);
	f->family = LOOKED(s, sk, struct sock, __sk_common.skc_family);
	f->state = LOOKED(s, sk, struct sock, __sk_common.skc_state);
	if (f->family != FAMILY_INET && f->family != FAMILY_INET6)
		return;
	f->lport = LOOKED(s, sk, struct sock, __sk_common.skc_num);
	f->rport = __builtin_bswap16(LOOKED(s, sk, struct sock, __sk_common.skc_dport));
	if (f->family == FAMILY_INET) {
		u32 local = LOOKED(s, sk, struct sock, __sk_common.skc_rcv_saddr);
		u32 remote = LOOKED(s, sk, struct sock, __sk_common.skc_daddr);

		if (!local)
			local = BPF_CORE_READ((struct inet_sock *)sk, inet_saddr);
		__builtin_memcpy(f->laddr, &local, 4);
		__builtin_memcpy(f->raddr, &remote, 4);
	} else {
		struct ip6 local = LOOKED(s, sk, struct sock, __sk_common.skc_v6_rcv_saddr);
		struct ip6 remote = LOOKED(s, sk, struct sock, __sk_common.skc_v6_daddr);

		__builtin_memcpy(f->laddr, &local, 16);
		__builtin_memcpy(f->raddr, &remote, 16);
	}
}

GLOBAL int put_sock(u32 slot, u64 sock)
{
	struct sock *sk = (void *)sock;
	struct fact_sock f = {.sock = sock};
	struct writer wr, *w = &wr;

	if (!sk || !writer_load(w, slot))
		return 0;
	read_sock(&f, w, sk);
	if (f.family == FAMILY_INET || f.family == FAMILY_INET6) {
		f.is_accepted = is_accepted(sock);
		f.is_bound = !!(BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & LOCK_BIND_PORT);
	}
	if (f.family == FAMILY_UNIX) {
		struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);

		f.peer = (u64)peer;
		put_fact(w, FACT_SOCK, &f, sizeof(f));
		/* the path that a client connected to is its peer's; a server's is its own */
		if (peer && BPF_CORE_READ((struct unix_sock *)peer, addr))
			put_unix_path(w, (struct unix_sock *)peer);
		else
			put_unix_path(w, (struct unix_sock *)sk);
	} else {
		put_fact(w, FACT_SOCK, &f, sizeof(f));
	}
	writer_save(w);
	return 0;
}
