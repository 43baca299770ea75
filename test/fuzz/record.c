/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the probe, decoded and printed. Input: the record as it lies in the ring buffer. The
 * seeds are made by record_seeds.py.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "source/sensor/decode.h"

static const struct str known[] = {{"/etc/shadow", 11}, {"/root", 5}};

/* Reads every byte that the event borrows: the sanitizer says whose it is. */
static unsigned sum(struct str s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (uint8_t)s.s[i];
	return n;
}

static unsigned read_all(const struct event *ev)
{
	unsigned n = sum(ev->cgroups) + sum(ev->cwd) + sum(ev->exepath) + sum(ev->fd.other_name) +
		     sum(ev->fd.sock.unix_path);
	const struct event_path *paths[] = {&ev->path, &ev->target};

	for (int i = 0; i < 2; i++)
		n += sum(paths[i]->raw) + sum(paths[i]->name) + sum(paths[i]->real) +
		     sum(paths[i]->known);
	for (unsigned i = 0; i < ev->nparams; i++)
		n += sum(ev->params[i]);
	return n;
}

/* The same table for every input. */
static const struct mounts *mount_table(void)
{
	static struct mounts m = {.fd = -1};

	if (!m.nrows) {
		arena_init(&m.arena, 4 << 20);
		mounts_parse(&m, STR("20 1 8:1 / / rw\n21 20 8:1 /srv /mnt rw\n"));
	}
	return &m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoder d = {
		.epoch_offset_ns = 1, .known = known, .nknown = 2, .mounts = mount_table()};
	struct buf out = BUF_INIT(1 << 20);
	struct event ev;
	struct arena a;
	volatile unsigned n;

	if (size > RECORD_MAX)
		return 0;
	/* the ring buffer's records begin at multiples of eight */
	void *record = aligned_alloc(8, (size + 8) & ~(size_t)7);
	if (!record)
		return 0;
	if (size)
		memcpy(record, data, size);
	arena_init(&a, 1 << 20);
	if (decode_record(&d, record, size, &a, &ev) == 0) {
		n = read_all(&ev);
		(void)n;
		if (ev.nparams > EVENT_PARAMS_MAX)
			abort();
		if (ev.def) {
			event_args_format(&ev, &out);
			event_fd_name_format(&ev, ev.path.name, &out);
		}
	}
	buf_done(&out);
	arena_done(&a);
	free(record);
	return 0;
}
