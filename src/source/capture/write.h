/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Private: the writer's parts. A block is made in memory, whole, and then given to the file. */
#include "base/arena.h"
#include "source/capture/block.h"
#include "source/capture/capture.h"

enum {
	WRITE_EVENT_BYTES = LARGE_BLOCK_MAX, /* of one block, at most */
	/* strings of entries, as old readers' tables hold them: scap.h, SCAP_MAX_* */
	WRITE_PATH_MAX = 1023,
	WRITE_VECTOR_MAX = 4096,
	WRITE_NAME_MAX = 256,
	WRITE_MOVED = 256,
	/* where a list is cut into a second block */
	WRITE_LIST_BYTES = 1 << 20,
};

/* ---- bytes in memory ---- */

/* Appends to a fixed buffer; `full` when something did not fit, and nothing is written then. */
struct encoder {
	uint8_t *start, *p, *end;
	bool full;
};

static inline struct encoder encoder_of(void *buf, size_t size)
{
	return (struct encoder){buf, buf, (uint8_t *)buf + size, false};
}

static inline size_t encoder_len(const struct encoder *c)
{
	return (size_t)(c->p - c->start);
}

static inline void put_bytes(struct encoder *c, const void *s, size_t n)
{
	if (c->full || n > (size_t)(c->end - c->p))
		c->full = true;
	else if (n)
		c->p = mempcpy(c->p, s, n);
}

#define PUT_NUMBER(name, type)                                                                     \
	static inline void name(struct encoder *c, uint64_t v)                                     \
	{                                                                                          \
		type x = (type)v;                                                                  \
		put_bytes(c, &x, sizeof(x));                                                       \
	}
PUT_NUMBER(put_u8, uint8_t)
PUT_NUMBER(put_u16, uint16_t)
PUT_NUMBER(put_u32, uint32_t)
PUT_NUMBER(put_u64, uint64_t)
#undef PUT_NUMBER

/* A string with its 16-bit length in front, cut at `max` bytes. */
void put_str16(struct encoder *c, struct str s, size_t max);
/* block_begin() gives what block_end() needs to pad the block and to write its length twice. */
size_t block_begin(struct encoder *c, uint32_t type);
void block_end(struct encoder *c, size_t at);
/* An entry that begins with its own length, which counts itself. */
size_t entry_begin(struct encoder *c);
void entry_end(struct encoder *c, size_t at);

/* ---- what goes into no file ---- */

struct redact {
	const char *const *patterns; /* owned */
	size_t npatterns;
	bool no_environment;
	uint64_t count; /* values that were left out */
};

int redact_init(struct redact *r, const struct capture_writer_options *o);
void redact_done(struct redact *r);
/*
 * NUL-separated strings, of the environment or of arguments, as they may be written, into `out`
 * (which fits what is there). `vector` itself when nothing is left out.
 */
struct str redact_vector(
	struct redact *r, struct str vector, bool is_environment, char *out, size_t size);
bool redact_wants(const struct redact *r);

/* ---- one event ---- */

/* The scratch that events are made in, and what is known of the machine besides the event. */
struct event_writer {
	const struct state *state;
	struct redact redact;
	uint32_t moved[WRITE_MOVED]; /* processes whose cgroup changed since their last event */
	unsigned nmoved;
	char vectors[2][WRITE_VECTOR_MAX * 2]; /* arguments, environment */
};

/*
 * One event as a block. False when it is not for a file (koban's own codes; it learns from them).
 * It allocates nothing.
 */
bool write_event(struct event_writer *w, struct encoder *c, const struct event *ev,
	const struct process *proc);
/* The JSON of a container, at this time. */
void write_container(struct event_writer *w, struct encoder *c, const struct container *k,
	uint64_t ts_ns, struct buf *json);

/* ---- what a file begins with ---- */

/* Blocks are handed out whole, one call each. */
typedef int (*block_sink)(void *arg, const uint8_t *block, size_t size);
struct head_writer {
	const struct state *state;
	struct redact *redact;
	const struct capture_machine *machine; /* NULL = this one */
	uint64_t until_ns; /* without what began then or later: events tell of it; 0 = all */
	uint8_t *buf;      /* of WRITE_LIST_BYTES + one entry */
	size_t size;
	block_sink sink;
	void *arg;
	int error;
};
int write_head(struct head_writer *h);
/* One entry of the process list, of 64 KiB at most. */
void write_process(struct encoder *c, struct redact *r, const struct process *p, uint32_t tid,
	uint32_t vtid, struct str comm);
/* One entry of a descriptor list; nothing for what the format cannot say. */
void write_descriptor(struct encoder *c, const struct descriptor *d);

/* ---- the file ---- */

enum { OUT_BUFFER = 1 << 20 };

/* A plain or gzip file, written in large pieces and cut at whole blocks when the disk is full. */
struct out {
	int fd;
	bool is_gzip, can_cut;
	uint8_t *buf;
	size_t len;
	uint64_t in_bytes;  /* given to it */
	uint64_t out_bytes; /* written to the file */
	int error;          /* what went wrong first, negative; nothing is written after it */
	struct z_stream_s *z;
	uint8_t *zbuf;
};

/* path "-" is standard output. 0 or -errno. */
int out_open(struct out *o, const char *path, bool is_gzip);
/* One whole block. */
int out_block(struct out *o, const uint8_t *block, size_t size);
/* What is buffered goes to the file: a reader that follows it sees whole blocks. */
int out_flush(struct out *o);
/* 0 or what went wrong, first or now. */
int out_close(struct out *o);
/* Of the file, with what is still buffered. */
uint64_t out_size(const struct out *o);
