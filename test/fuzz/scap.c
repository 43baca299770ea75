/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture through the reader, with a state that completes and applies every event. Input: a .scap
 * file, plain or gzip; or, when it begins as neither, pieces of u8 kind, u16 length, bytes that are
 * put into the blocks of a file, so that bodies are reached whose frames are right. The seeds are
 * written by test/unit/source/capture/test_seeds.c.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "source/capture/block.h"
#include "source/capture/capture.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static const uint32_t kinds[] = {BLOCK_EVENT, BLOCK_EVENT_FLAGS, BLOCK_EVENT_LARGE,
	BLOCK_EVENT_FLAGS_LARGE, BLOCK_EVENT_V1, BLOCK_EVENT_FLAGS_V1, BLOCK_MACHINE,
	BLOCK_PROCESSES_V1, BLOCK_PROCESSES_V2, BLOCK_PROCESSES_V3, BLOCK_PROCESSES_V4,
	BLOCK_PROCESSES_V5, BLOCK_PROCESSES_V6, BLOCK_PROCESSES_V7, BLOCK_PROCESSES_V8,
	BLOCK_PROCESSES_V9, BLOCK_FDS_V1, BLOCK_FDS_V2, BLOCK_INTERFACES_V1, BLOCK_INTERFACES_V2,
	BLOCK_USERS_V1, BLOCK_USERS_V2, BLOCK_SECTION, 0x4711};

static void add_u32(struct buf *b, uint32_t v)
{
	buf_add(b, str_make((const char *)&v, sizeof(v)));
}

static void add_block(struct buf *b, uint32_t type, struct str body)
{
	uint32_t pad = (uint32_t)(-body.len & 3), length = (uint32_t)body.len + pad + 12;

	add_u32(b, type);
	add_u32(b, length);
	buf_add(b, body);
	buf_add(b, str_make("\0\0\0", pad));
	add_u32(b, length);
}

static void frame(const uint8_t *data, size_t size, struct buf *out)
{
	struct cursor c = cursor_of(data, size);

	add_block(out, BLOCK_SECTION,
		STR("\x4d\x3c\x2b\x1a\1\0\2\0\377\377\377\377\377\377\377\377"));
	while (cursor_left(&c) > 3) {
		uint8_t kind = cursor_u8(&c);
		size_t len = cursor_u16(&c);
		if (len > cursor_left(&c))
			len = cursor_left(&c);
		add_block(
			out, kinds[kind % (sizeof(kinds) / sizeof(kinds[0]))], cursor_str(&c, len));
	}
}

/* Reads every byte that the event borrows: the sanitizer says whose it is. */
static unsigned sum(struct str s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (uint8_t)s.s[i];
	return n;
}

static unsigned read_event(const struct event *ev, struct buf *out)
{
	unsigned n = sum(ev->cgroups) + sum(ev->cwd) + sum(ev->exepath) + sum(ev->fd.other_name) +
		     sum(ev->path.name) + sum(ev->target.name);

	if (ev->nparams > EVENT_PARAMS_MAX || !ev->def)
		abort();
	for (unsigned i = 0; i < ev->nparams; i++)
		n += sum(ev->params[i]);
	buf_clear(out);
	event_args_format(ev, out);
	event_fd_name_format(ev, ev->path.name, out);
	return n;
}

static struct state *make_state(void)
{
	/* small, so that the caps are reached */
	const struct state_options o = {.max_processes = 64,
		.max_containers = 8,
		.max_text_bytes = 1 << 16,
		.max_threads = 64,
		.max_descriptors = 64,
		.no_proc = true,
		.descriptors = true};

	return state_new(&o, NULL);
}

static void read_capture(const void *data, size_t size, bool raw, struct arena *a, struct buf *out)
{
	struct state *s = raw ? NULL : make_state();
	struct capture_options o = {.state = s, .raw = raw, .keep_enters = size % 2};
	struct event ev;
	struct err e;
	struct capture *c;
	volatile unsigned n;

	if (capture_open_memory(data, size, &o, &c, &e) == 0) {
		while (capture_next(c, a, &ev, &e) > 0) {
			if (s) {
				state_complete(s, a, &ev);
				state_apply(s, &ev);
			}
			n = read_event(&ev, out);
			arena_reset(a);
		}
		capture_close(c);
	}
	(void)n;
	if (s)
		state_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf file = BUF_INIT(FILE_MAX_BYTES), out = BUF_INIT(1 << 16);
	bool is_file = size > 2 && ((data[0] == 0x0a && data[1] == 0x0d) ||
					   (data[0] == 0x1f && data[1] == 0x8b));
	struct arena a;

	if (!size || size > FILE_MAX_BYTES / 2)
		return 0;
	arena_init(&a, 8 << 20);
	if (!is_file) {
		frame(data, size, &file);
		data = (const uint8_t *)file.s;
		size = file.len;
	}
	read_capture(data, size, false, &a, &out);
	read_capture(data, size, true, &a, &out);
	buf_done(&file);
	buf_done(&out);
	arena_done(&a);
	return 0;
}
