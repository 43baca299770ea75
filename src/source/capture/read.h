/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Private: the reader's parts. A block is parsed where it lies in the input's buffer. */
#include "base/cursor.h"
#include "source/capture/block.h"
#include "source/capture/capture.h"
#include "source/capture/enter.h"
#include "source/capture/input.h"

enum {
	/* one process, descriptor, user or interface of a list */
	ENTRY_MAX_BYTES = 1 << 20,
};

/* What the codes are to the reader, looked up once. */
struct code_kind {
	const struct event_def *def; /* NULL = unknown */
	bool is_enter, is_exit;      /* of a pair */
	bool is_large;               /* 32-bit lengths */
	bool ends_thread;
	bool is_plain;    /* current: no upgrade when all its parameters are there */
	bool wants_enter; /* even then it lacks what an enter event has */
};

struct capture {
	struct input in;
	struct capture_options o;
	struct capture_info info;
	struct event_upgrader *upgrader;
	struct enter_table enters;
	struct event enter; /* the one that completes an exit */
	struct code_kind kinds[EVENT_CODE_MAX];
	bool is_front;    /* no event of the section but initial ones */
	uint32_t fds_tid; /* whose descriptors are being read */
	int failed;
	struct err failure;
	char name[256]; /* of the file, for messages */
};

struct block {
	uint64_t offset;
	uint32_t type, length;
};

/* A list block entry by entry; a whole one may be larger than any buffer should be. */
struct list {
	struct capture *c;
	struct block block;
	uint64_t left; /* bytes of the body */
};

/* EBADMSG (or code) with the file's name and the place in front. */
int read_damage(struct capture *c, uint64_t offset, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The end of the file came inside this block. */
int read_cut_off(struct capture *c, const struct block *b, struct err *e);

/*
 * The rest of the list, as far as one entry may reach: 1; 0 when no entry follows; -errno. When
 * `is_cut`, the file ends before the block does.
 */
int list_window(struct list *l, struct cursor *ret, bool *is_cut, struct err *e);
int list_skip(struct list *l, uint64_t n, struct err *e);

/*
 * The readers of lists parse what lies between the block's header and its trailer. An entry that
 * does not parse is counted and skipped, with the rest of the block when its length is not told.
 */
typedef bool (*entry_reader)(struct capture *c, struct cursor *entry, unsigned version);
/* `counts_itself`: the entry's length counts its own four bytes; has_length: there is one. */
struct list_shape {
	bool has_length, counts_itself;
};
int read_list(struct list *l, struct list_shape shape, entry_reader read, unsigned version,
	struct err *e);

bool read_process(struct capture *c, struct cursor *entry, unsigned version);
bool read_interface(struct capture *c, struct cursor *entry, unsigned version);
bool read_user(struct capture *c, struct cursor *entry, unsigned version);
int read_fds(struct list *l, unsigned version, struct err *e);
int read_machine(struct list *l, struct err *e);

/*
 * An event block, complete at `p`: 1 with *ret decoded, 0 when its code is unknown, -errno. Of *ret
 * everything is set; parameters point into the block.
 */
int read_event(struct capture *c, const struct block *b, const uint8_t *p, struct event *ret,
	struct err *e);
/* What stands behind the event in its block, from a multiple of four bytes on. */
void read_options(const uint8_t *p, size_t len, struct event *ret);
void read_kinds(struct code_kind *kinds, const struct event_upgrader *u);

/* Numbers where it is known that there are so many bytes. */
static inline uint16_t load_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t load_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* A string with a 16-bit length in front, without NULs at its end. */
struct str cursor_str16(struct cursor *c);
/* The same up to its first NUL. */
struct str cursor_cstr16(struct cursor *c);
