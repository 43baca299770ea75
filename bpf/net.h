/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/* Sockets: both ends from struct sock, as the kernel has them, not as the caller said. */
#include "writer.h"

enum { FAMILY_UNIX = 1, FAMILY_INET = 2, FAMILY_INET6 = 10, UNIX_PATH_MAX_BYTES = 108 };

/* Sockets that were accepted, until they close: the others that are connected are clients. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u8);
} accepted_socks SEC(".maps");

enum { STATE_ESTABLISHED = 1, STATE_SYN_RECV = 3, STATE_CLOSE = 7 };

SEC("tp_btf/inet_sock_set_state")
int tcp_state(u64 *ctx)
{
	u64 sk = ctx[0];
	int before = (int)ctx[1], after = (int)ctx[2];
	u8 yes = 1;

	if (after == STATE_ESTABLISHED && before == STATE_SYN_RECV)
		bpf_map_update_elem(&accepted_socks, &sk, &yes, BPF_ANY);
	else if (after == STATE_CLOSE && bpf_map_lookup_elem(&accepted_socks, &sk))
		bpf_map_delete_elem(&accepted_socks, &sk);
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
	bpf_probe_read_kernel(p + 4, len,
		(void *)addr + bpf_core_field_offset(struct unix_address, name) + 2);
	w->off += 4 + len;
}

GLOBAL int put_sock(u32 slot, u64 sock)
{
	struct sock *sk = (void *)sock;
	struct fact_sock f = {.sock = sock};
	struct writer wr, *w = &wr;

	if (!sk || !writer_load(w, slot))
		return 0;
	f.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	f.type = BPF_CORE_READ(sk, sk_type);
	f.proto = BPF_CORE_READ(sk, sk_protocol);
	f.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (f.family == FAMILY_INET || f.family == FAMILY_INET6) {
		f.is_accepted = bpf_map_lookup_elem(&accepted_socks, &sock) != NULL;
		f.lport = BPF_CORE_READ(sk, __sk_common.skc_num);
		f.rport = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	}
	if (f.family == FAMILY_INET) {
		u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		u32 remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		if (!local)
			local = BPF_CORE_READ((struct inet_sock *)sk, inet_saddr);
		__builtin_memcpy(f.laddr, &local, 4);
		__builtin_memcpy(f.raddr, &remote, 4);
	} else if (f.family == FAMILY_INET6) {
		bpf_core_read(f.laddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(f.raddr, 16, &sk->__sk_common.skc_v6_daddr);
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
