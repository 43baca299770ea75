/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Captures made by hand, block by block, each version as its writer wrote it. */
#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"
#include "source/capture/block.h"

enum { MADE_MAX_BYTES = 64 << 20 };

static inline void put(struct buf *b, const void *p, size_t n)
{
	buf_add(b, str_make(p, n));
}

static inline void put_u8(struct buf *b, uint8_t v)
{
	put(b, &v, sizeof(v));
}

static inline void put_u16(struct buf *b, uint16_t v)
{
	put(b, &v, sizeof(v));
}

static inline void put_u32(struct buf *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static inline void put_u64(struct buf *b, uint64_t v)
{
	put(b, &v, sizeof(v));
}

static inline void put_str16(struct buf *b, struct str s)
{
	put_u16(b, (uint16_t)s.len);
	buf_add(b, s);
}

static inline void patch_u32(struct buf *b, size_t at, uint32_t v)
{
	memcpy(b->s + at, &v, sizeof(v));
}

/* Returns what block_end() and entry_end() want. */
static inline size_t block_begin(struct buf *b, uint32_t type)
{
	size_t at = b->len;

	put_u32(b, type);
	put_u32(b, 0);
	return at;
}

static inline void block_end(struct buf *b, size_t at)
{
	while (b->len % 4)
		put_u8(b, 0);
	uint32_t length = (uint32_t)(b->len + 4 - at);
	patch_u32(b, at + 4, length);
	put_u32(b, length);
}

static inline size_t entry_begin(struct buf *b)
{
	put_u32(b, 0);
	return b->len - 4;
}

/* The entry's length counts itself. */
static inline void entry_end(struct buf *b, size_t at)
{
	patch_u32(b, at, (uint32_t)(b->len - at));
}

static inline void put_section(struct buf *b)
{
	size_t at = block_begin(b, BLOCK_SECTION);

	put_u32(b, SECTION_MAGIC);
	put_u16(b, SCAP_MAJOR);
	put_u16(b, SCAP_MINOR);
	put_u64(b, UINT64_MAX);
	block_end(b, at);
}

static inline void put_machine(struct buf *b, uint32_t type)
{
	char hostname[HOSTNAME_BYTES] = "lab";
	size_t at = block_begin(b, type);

	put_u32(b, 4);
	put_u64(b, 8ULL << 30);
	put_u64(b, 32768);
	put(b, hostname, sizeof(hostname));
	put_u64(b, 1600000000ULL * 1000000000);
	put_u64(b, 3);
	put_u64(b, 0);
	put_u64(b, 0);
	block_end(b, at);
}

/* Every number is one that no other field has. How much of V9's tail is written: tail_bytes. */
static inline void put_process(struct buf *b, unsigned version, uint64_t tid, size_t tail_bytes)
{
	struct buf tail = BUF_INIT(4096);
	size_t at = version >= 9 ? entry_begin(b) : 0;

	put_u64(b, tid);
	put_u64(b, 100);
	put_u64(b, 1);
	if (version >= 6)
		put_u64(b, 90);
	if (version >= 8)
		put_u64(b, 91);
	put_str16(b, STR("nginx"));
	put_str16(b, STR("nginx: worker"));
	if (version >= 7)
		put_str16(b, STR("/usr/sbin/nginx"));
	put_str16(b, STR("-g\0daemon off;\0"));
	put_str16(b, STR("/srv"));
	put_u64(b, 1024);
	put_u32(b, 0x10);
	put_u32(b, 33);
	put_u32(b, 34);
	if (version >= 2) {
		put_u32(b, 5000);
		put_u32(b, 4000);
		put_u32(b, 300);
		put_u64(b, 20);
		put_u64(b, 21);
	}
	if (version >= 3)
		put_str16(b, STR("HOME=/\0LANG=C"));
	if (version >= 4) {
		put_u64(b, 7);
		put_u64(b, 8);
		put_str16(b, STR("cpu=/a\0mem=/b\0"));
	}
	if (version >= 5)
		put_str16(b, STR("/root"));
	if (version < 9)
		return;
	if (tail_bytes > 29) {
		put_u64(&tail, 777);
		put_u32(&tail, 34816);
	}
	put_u32(&tail, 1000);
	put_u8(&tail, 1);
	put_u64(&tail, 0x11);
	put_u64(&tail, 0x12);
	put_u64(&tail, 0x13);
	put_u8(&tail, 1);
	put_u64(&tail, 555);
	put_u64(&tail, 556);
	put_u64(&tail, 557);
	put_u8(&tail, 1);
	put_u8(&tail, 1);
	put_u64(&tail, 92);
	put_u64(&tail, 0xfeed); /* of a later version */
	buf_add(b, str_head(buf_str(&tail), tail_bytes));
	buf_done(&tail);
	entry_end(b, at);
}

struct made_event {
	uint32_t block;
	uint16_t cpu, code;
	uint32_t flags;
	uint64_t ts, tid;
	unsigned nparams;
	struct str params[8];
	bool large_lengths;
};

static inline bool made_has_flags(uint32_t type)
{
	return type == BLOCK_EVENT_FLAGS || type == BLOCK_EVENT_FLAGS_LARGE ||
	       type == BLOCK_EVENT_FLAGS_V1;
}

static inline bool made_is_v1(uint32_t type)
{
	return type == BLOCK_EVENT_V1 || type == BLOCK_EVENT_FLAGS_V1 || type == BLOCK_EVENT_OLD;
}

static inline void put_event(struct buf *b, struct made_event e)
{
	size_t at = block_begin(b, e.block ? e.block : BLOCK_EVENT);
	uint32_t width = e.large_lengths ? 4 : 2;
	uint32_t len = made_is_v1(e.block) ? EVENT_HEADER_V1_BYTES : EVENT_HEADER_BYTES;

	for (unsigned i = 0; i < e.nparams; i++)
		len += width + (uint32_t)e.params[i].len;
	put_u16(b, e.cpu);
	if (made_has_flags(e.block))
		put_u32(b, e.flags);
	put_u64(b, e.ts);
	put_u64(b, e.tid);
	put_u32(b, len);
	put_u16(b, e.code);
	if (!made_is_v1(e.block))
		put_u32(b, e.nparams);
	for (unsigned i = 0; i < e.nparams; i++) {
		uint32_t n = (uint32_t)e.params[i].len;
		put(b, &n, width);
	}
	for (unsigned i = 0; i < e.nparams; i++)
		buf_add(b, e.params[i]);
	block_end(b, at);
}

static inline void put_interface(struct buf *b, bool has_length, uint16_t kind, const char *ip)
{
	bool is_v6 = kind == SCAP_IF_IPV6 || kind == SCAP_IF_IPV6_NO_SPEED;
	size_t size = is_v6 ? 16 : 4, at = b->len;
	uint8_t addr[16], rest[32] = {0};

	inet_pton(is_v6 ? AF_INET6 : AF_INET, ip, addr);
	if (has_length)
		put_u32(b, 0);
	put_u16(b, kind);
	put_u16(b, 4);
	put(b, addr, size);
	put(b, rest, 2 * size);
	if (kind == SCAP_IF_IPV4 || kind == SCAP_IF_IPV6)
		put_u64(b, 1000);
	buf_add_cstr(b, "eth0");
	if (has_length)
		patch_u32(b, at, (uint32_t)(b->len - at - 4));
}

static inline void put_user(struct buf *b, bool has_length, uint32_t uid, const char *name)
{
	size_t at = has_length ? entry_begin(b) : 0;

	put_u8(b, SCAP_USER);
	put_u32(b, uid);
	put_u32(b, uid + 1);
	put_str16(b, str_of(name));
	put_str16(b, STR("/home"));
	put_str16(b, STR("/bin/sh"));
	if (has_length)
		entry_end(b, at);
}

static inline void put_group(struct buf *b, bool has_length, uint32_t gid, const char *name)
{
	size_t at = has_length ? entry_begin(b) : 0;

	put_u8(b, SCAP_GROUP);
	put_u32(b, gid);
	put_str16(b, str_of(name));
	if (has_length)
		entry_end(b, at);
}

/* The head of a descriptor; fd_end() when its payload is written. */
static inline size_t fd_begin(struct buf *b, bool has_length, uint64_t num, uint8_t type)
{
	size_t at = has_length ? entry_begin(b) : 0;

	put_u64(b, num);
	put_u64(b, 900 + num);
	put_u8(b, type);
	return at;
}

static inline void fd_end(struct buf *b, bool has_length, size_t at)
{
	if (has_length)
		entry_end(b, at);
}

/* A whole little capture with what current writers write. */
static inline void put_small(struct buf *b)
{
	int64_t res = 3, fd = 3;
	size_t at, entry;

	put_section(b);
	put_machine(b, BLOCK_MACHINE);
	at = block_begin(b, BLOCK_INTERFACES_V2);
	put_interface(b, true, SCAP_IF_IPV4, "10.0.0.5");
	block_end(b, at);
	at = block_begin(b, BLOCK_USERS_V2);
	put_user(b, true, 33, "www");
	put_group(b, true, 34, "web");
	block_end(b, at);
	at = block_begin(b, BLOCK_PROCESSES_V9);
	put_process(b, 9, 100, SIZE_MAX);
	block_end(b, at);
	at = block_begin(b, BLOCK_FDS_V2);
	put_u64(b, 100);
	entry = fd_begin(b, true, 1, SCAP_FD_FILE_V2);
	put_u32(b, 2);
	put_str16(b, STR("/var/log/x"));
	put_u32(b, 0x801);
	fd_end(b, true, entry);
	block_end(b, at);
	put_event(b, (struct made_event){.ts = 1000,
			     .tid = 100,
			     .cpu = 1,
			     .code = 4, /* close, enter */
			     .nparams = 1,
			     .params = {{(char *)&fd, 8}}});
	put_event(b, (struct made_event){.ts = 1500,
			     .tid = 100,
			     .cpu = 1,
			     .code = 5,
			     .nparams = 1,
			     .params = {{(char *)&res, 8}}});
}
