/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flight recorder: the last seconds as blocks in a ring in memory. When a rule fires, the head
 * of a capture and what the ring has are handed to a thread that writes them, and the events after
 * it go the same way. The state is that of now, while the file begins some seconds ago: processes
 * that ended in between are kept in a second ring and come into the file's process list.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "source/capture/recorder_disk.h"
#include "base/byte_ring.h"
#include "source/capture/write.h"
#include "source/capture/write_seen.h"

enum {
	RING_BYTES = 64 << 20,
	GONE_SHARE = 16, /* of the ring's size, for processes that ended */
	GONE_MIN = 1 << 20,
	BEFORE_S = 30,
	AFTER_S = 10,
	JOIN_MAX = 16, /* findings that join make a recording so many times as long at most */
	BATCH_BYTES = 256 << 10,
	PENDING_MIN = 32 << 20,
	JSON_MAX = 8 << 20,
	SLUG_MAX = 60,
};

struct recorder {
	struct recorder_options o;
	const struct state *state;
	struct byte_ring ring, gone;
	struct event_writer ew;
	uint8_t *scratch;
	struct buf json;
	struct seen seen;
	struct disk *disk;
	uint8_t *batch; /* events after the finding, until there are enough to hand over */
	size_t batch_len;
	char dir[PATH_MAX / 2], path[PATH_MAX];
	bool is_recording;
	uint64_t ends_ns, latest_ns; /* of the recording; however many findings join */
	struct recorder_counters n;
};

/* ---- what comes after the finding ---- */

static void flush_batch(struct recorder *r)
{
	if (r->batch_len && disk_write(r->disk, r->batch, r->batch_len) < 0)
		r->n.lost_batches++;
	r->batch_len = 0;
}

static void add_to_batch(struct recorder *r, const uint8_t *block, size_t size)
{
	if (r->batch_len + size > BATCH_BYTES)
		flush_batch(r);
	if (size > BATCH_BYTES) {
		r->n.lost_batches += disk_write(r->disk, block, size) < 0;
		return;
	}
	memcpy(r->batch + r->batch_len, block, size);
	r->batch_len += size;
}

static void finish(struct recorder *r)
{
	if (!r->is_recording)
		return;
	flush_batch(r);
	disk_close(r->disk);
	r->is_recording = false;
}

static void add_container(struct recorder *r, const struct container *k, uint64_t ts_ns)
{
	struct encoder c = encoder_of(r->scratch, LARGE_BLOCK_MAX);

	if (!seen_add(&r->seen, k))
		return;
	write_container(&r->ew, &c, k, ts_ns, &r->json);
	if (!c.full)
		add_to_batch(r, c.start, encoder_len(&c));
}

/* ---- events ---- */

static void keep_gone(struct recorder *r, const struct event *ev, const struct process *p)
{
	struct encoder c = encoder_of(r->scratch, LARGE_BLOCK_MAX);
	const struct thread *t = state_thread_find(r->state, p->pid);

	put_u64(&c, p->start_epoch_ns); /* for write_gone() alone */
	write_process(&c, &r->ew.redact, p, p->pid, t ? t->vtid : p->vtid, t ? t->comm : STR_NULL);
	if (!c.full)
		byte_ring_push(&r->gone, ev->ts_ns, c.start, encoder_len(&c));
}

void recorder_event(struct recorder *r, const struct event *ev, const struct process *proc)
{
	struct encoder c = encoder_of(r->scratch, LARGE_BLOCK_MAX);

	if (r->is_recording && ev->ts_ns > r->ends_ns)
		finish(r);
	if (!write_event(&r->ew, &c, ev, proc))
		return;
	byte_ring_push(&r->ring, ev->ts_ns, c.start, encoder_len(&c));
	r->n.events++;
	if (r->is_recording) {
		size_t len = encoder_len(&c);

		/* the container's JSON is made in the same scratch */
		add_to_batch(r, c.start, len);
		if (proc && proc->container)
			add_container(r, proc->container, ev->ts_ns);
	}
	if (ev->code == EV_PROCEXIT && proc && !ev->is_thread_exit)
		keep_gone(r, ev, proc);
}

void recorder_tick(struct recorder *r, uint64_t now_ns)
{
	if (r->is_recording && now_ns > r->ends_ns)
		finish(r);
	else if (r->is_recording)
		flush_batch(r);
}

/* ---- the file's beginning ---- */

static int hand_over(void *arg, const uint8_t *block, size_t size)
{
	add_to_batch(arg, block, size);
	return 0;
}

/* Of the first event that the file has. */
static uint64_t first_ns(const struct recorder *r, uint64_t since_ns)
{
	struct ring_piece p;
	size_t pos = 0;

	while (byte_ring_next(&r->ring, &pos, &p))
		if (p.ts_ns >= since_ns)
			return p.ts_ns;
	return UINT64_MAX;
}

/* Ended within the file. What began in it too is told by its events alone. */
static void write_gone(struct recorder *r, uint64_t since_ns)
{
	struct encoder c = encoder_of(r->scratch, LARGE_BLOCK_MAX);
	size_t at = block_begin(&c, BLOCK_PROCESSES_V9), pos = 0;
	struct ring_piece g;
	uint64_t tid, start_ns;

	while (byte_ring_next(&r->gone, &pos, &g)) {
		struct str entry = str_make((const char *)g.p + 8, g.len - 8);

		memcpy(&start_ns, g.p, sizeof(start_ns));
		memcpy(&tid, entry.s + 4, sizeof(tid)); /* behind the entry's length */
		/* gone before the file begins; begun in it; the number has a new owner */
		if (g.ts_ns < since_ns || start_ns >= since_ns ||
			state_thread_find(r->state, (uint32_t)tid))
			continue;
		put_bytes(&c, entry.s, entry.len);
		if (encoder_len(&c) < WRITE_LIST_BYTES)
			continue;
		block_end(&c, at);
		add_to_batch(r, c.start, encoder_len(&c));
		c = encoder_of(r->scratch, LARGE_BLOCK_MAX);
		at = block_begin(&c, BLOCK_PROCESSES_V9);
	}
	block_end(&c, at);
	add_to_batch(r, c.start, encoder_len(&c));
}

static void write_ring(struct recorder *r, uint64_t since_ns)
{
	struct ring_piece p;
	size_t pos = 0, kpos = 0;
	const struct container *k;
	bool is_first = true;

	while (byte_ring_next(&r->ring, &pos, &p)) {
		if (p.ts_ns < since_ns)
			continue;
		while (is_first && (k = state_container_next(r->state, &kpos)))
			add_container(r, k, p.ts_ns);
		is_first = false;
		add_to_batch(r, p.p, p.len);
	}
}

static void write_beginning(struct recorder *r, uint64_t since_ns)
{
	struct head_writer h = {
		.state = r->state,
		.redact = &r->ew.redact,
		.buf = r->scratch,
		.size = WRITE_LIST_BYTES,
		.until_ns = first_ns(r, since_ns),
		.sink = hand_over,
		.arg = r,
	};

	seen_clear(&r->seen);
	write_head(&h);
	write_gone(r, h.until_ns);
	write_ring(r, since_ns);
	flush_batch(r);
}

/* "Terminal shell in container" → "terminal-shell-in-container" */
static void make_slug(struct str rule, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < rule.len && n < SLUG_MAX; i++) {
		unsigned char ch = (unsigned char)rule.s[i];

		if (isalnum(ch) && ch < 0x80)
			out[n++] = (char)tolower(ch);
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = 0;
}

static void make_path(struct recorder *r, uint64_t ts_ns, struct str rule)
{
	struct buf when = BUF_INIT(64);
	char slug[SLUG_MAX + 1];

	clock_add_strftime(&when, ts_ns, "%Y%m%dT%H%M%S", true);
	make_slug(rule, slug);
	snprintf(r->path, sizeof(r->path), "%s/%.*s.%09lluZ-%s.scap%s", r->dir,
		STR_ARG(buf_str(&when)), (unsigned long long)(ts_ns % NSEC_PER_SEC), slug,
		r->o.writer.gzip ? ".gz" : "");
	buf_done(&when);
}

struct str recorder_fire(struct recorder *r, uint64_t ts_ns, struct str rule, uint64_t after_ns)
{
	uint64_t ends_ns = ts_ns + (after_ns ? after_ns : r->o.after_ns);

	if (r->is_recording && ts_ns <= r->ends_ns) {
		if (ends_ns > r->latest_ns)
			ends_ns = r->latest_ns;
		if (ends_ns > r->ends_ns)
			r->ends_ns = ends_ns;
		return str_of(r->path);
	}
	finish(r);
	make_path(r, ts_ns, rule);
	if (disk_open(r->disk, r->path) < 0)
		return STR_NULL;
	r->is_recording = true;
	r->ends_ns = ends_ns;
	r->latest_ns = ts_ns + JOIN_MAX * (ends_ns - ts_ns);
	r->n.recordings++;
	write_beginning(r, ts_ns > r->o.before_ns ? ts_ns - r->o.before_ns : 0);
	return str_of(r->path);
}

/* ---- open and close ---- */

static int init(struct recorder *r, struct err *e)
{
	size_t gone = r->o.ring_bytes / GONE_SHARE;
	size_t pending = 2 * r->o.ring_bytes + PENDING_MIN;

	if (mkdir(r->dir, 0700) < 0 && errno != EEXIST)
		return err_set(e, errno, "cannot make the folder of recordings %s: %s", r->dir,
			strerror(errno));
	r->scratch = malloc(LARGE_BLOCK_MAX);
	r->batch = malloc(BATCH_BYTES);
	r->json = BUF_INIT(JSON_MAX);
	r->ew.state = r->state;
	if (!r->scratch || !r->batch || byte_ring_init(&r->ring, r->o.ring_bytes) < 0 ||
		byte_ring_init(&r->gone, gone > GONE_MIN ? gone : GONE_MIN) < 0 ||
		seen_init(&r->seen) < 0 || redact_init(&r->ew.redact, &r->o.writer) < 0)
		return err_set(e, ENOMEM, "no memory for a recorder of %zu bytes", r->o.ring_bytes);
	r->disk = disk_new(r->dir, r->o.max_dir_bytes, r->o.writer.gzip, pending);
	return r->disk ? 0 : err_set(e, ENOMEM, "the recorder's thread cannot be started");
}

int recorder_new(const struct recorder_options *o, const struct state *s, struct recorder **ret,
	struct err *e)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	r->o = *o;
	r->o.ring_bytes = o->ring_bytes ? o->ring_bytes : RING_BYTES;
	r->o.before_ns = o->before_ns ? o->before_ns : BEFORE_S * NSEC_PER_SEC;
	r->o.after_ns = o->after_ns ? o->after_ns : AFTER_S * NSEC_PER_SEC;
	r->o.max_dir_bytes = o->max_dir_bytes ? o->max_dir_bytes : 1ULL << 30;
	r->state = s;
	int n = str_copy(str_of(o->dir), r->dir, sizeof(r->dir))
			? init(r, e)
			: err_set(e, ENAMETOOLONG, "the folder's name is too long: %s", o->dir);
	if (n < 0) {
		recorder_free(r);
		return n;
	}
	*ret = r;
	return 0;
}

struct recorder_counters recorder_counters(const struct recorder *r)
{
	struct recorder_counters n = r->n;
	struct disk_counters d = disk_counters(r->disk);

	n.bytes = d.bytes;
	n.failed = d.failed;
	n.removed = d.removed;
	n.last_error = d.last_error;
	return n;
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	if (r->disk)
		finish(r);
	disk_free(r->disk);
	byte_ring_done(&r->ring);
	byte_ring_done(&r->gone);
	seen_done(&r->seen);
	redact_done(&r->ew.redact);
	buf_done(&r->json);
	free(r->scratch);
	free(r->batch);
	free(r);
}
