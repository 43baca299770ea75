/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as a hostile capture may have them, one after the other through the tables of threads and
 * descriptors. An event of the input: code (2 bytes), thread (1), CPU (1), then for each parameter
 * of the schema its length (1) and its bytes. Two codes mean entries of the file's lists.
 */
#include <stdlib.h>

#include "base/cursor.h"
#include "engine/state/state.h"

enum { LISTED_THREAD = 0xfffe, LISTED_FD = 0xfffd, EVENTS_MAX = 4096 };

static void list_thread(struct state *s, struct cursor *c, uint8_t tid)
{
	struct process p = {.pid = cursor_u8(c), .ppid = cursor_u8(c)};

	p.comm = cursor_str(c, cursor_u8(c));
	p.cwd = cursor_str(c, cursor_u8(c));
	(void)!state_add_thread(s, tid, cursor_u8(c), &p);
}

static void list_fd(struct state *s, struct cursor *c, uint8_t tid)
{
	struct event_fd fd = {.num = (int32_t)cursor_u32(c), .type = cursor_u8(c) % 23};

	fd.sock.has_local = fd.sock.has_remote = cursor_u8(c) & 1;
	fd.sock.local_port = cursor_u16(c);
	fd.sock.remote_port = cursor_u16(c);
	(void)!state_add_descriptor(s, tid, &fd, cursor_str(c, cursor_u8(c)));
}

static void check(struct state *s, const struct event *ev, const struct process *p)
{
	struct state_counters n = state_counters(s);
	size_t pos = 0, open = 0, count = 0;

	if (!p || n.threads > 64 || n.descriptors > 256 || n.processes > 128)
		abort();
	while (state_descriptor_next(p, &pos))
		open++;
	if (state_descriptor_count(p, &count) && count != open)
		abort();
	if (ev->pid && ev->pid != p->pid)
		abort();
}

static void one_event(struct state *s, struct arena *a, struct cursor *c, uint16_t code,
	uint8_t tid, uint64_t ts_ns)
{
	struct event ev = {.code = code,
		.tid = tid,
		.cpu = cursor_u8(c),
		.ts_ns = ts_ns,
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.def = event_def(code)};

	ev.fd.num = INT64_MIN;
	ev.nparams = ev.def ? ev.def->nparams : 0;
	for (unsigned i = 0; i < ev.nparams; i++)
		ev.params[i] = cursor_str(c, cursor_u8(c));
	arena_reset(a);
	state_complete(s, a, &ev);
	check(s, &ev, state_apply(s, &ev));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct state_options o = {.no_proc = true,
		.descriptors = true,
		.max_threads = 64,
		.max_descriptors = 256,
		.max_containers = 8,
		.max_text_bytes = 1 << 20};
	struct cursor c = cursor_of(data, size);
	struct err e = {0};
	struct state *s = state_new(&o, &e);
	struct arena a;

	if (!s)
		return 0;
	arena_init(&a, 1 << 20);
	for (uint64_t n = 1; n < EVENTS_MAX && cursor_left(&c) && !c.bad; n++) {
		uint16_t code = cursor_u16(&c);
		uint8_t tid = cursor_u8(&c);

		if (code == LISTED_THREAD)
			list_thread(s, &c, tid);
		else if (code == LISTED_FD)
			list_fd(s, &c, tid);
		else
			one_event(s, &a, &c, code % EVENT_CODE_MAX, tid, n * 1000000);
	}
	arena_done(&a);
	state_free(s);
	return 0;
}
