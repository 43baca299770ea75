/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Steers whatever a detonated image connects or sends to into the sinkhole's sockets, every port of
 * every address of its network namespace. What is meant for the container itself (loopback, its own
 * addresses) goes its usual way: an image may have a server, and talk to it.
 */
#include "kernel.h"

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10, PROTO_TCP = 6 };

/* By protocol and family: TCP, UDP over IPv4; TCP, UDP over IPv6 (scan/detonate/private.h). */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} sinks SEC(".maps");

const volatile __u32 own4;    /* network byte order */
const volatile __u32 own6[4]; /* the same */

static __always_inline int is_own(const struct bpf_sk_lookup *c)
{
	if (c->family == FAMILY_IPV4)
		return (c->local_ip4 & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000) ||
		       c->local_ip4 == own4;
	u32 a = c->local_ip6[0], b = c->local_ip6[1], d = c->local_ip6[2], e = c->local_ip6[3];

	if (!a && !b && !d && e == bpf_htonl(1))
		return 1;
	return a == own6[0] && b == own6[1] && d == own6[2] && e == own6[3];
}

SEC("sk_lookup")
int steer(struct bpf_sk_lookup *c)
{
	u32 key = (c->family == FAMILY_IPV6 ? 2 : 0) + (c->protocol == PROTO_TCP ? 0 : 1);

	if (is_own(c))
		return SK_PASS;
	struct bpf_sock *sk = bpf_map_lookup_elem(&sinks, &key);

	if (!sk)
		return SK_DROP;
	long r = bpf_sk_assign(c, sk, 0);

	bpf_sk_release(sk);
	return r ? SK_DROP : SK_PASS;
}
