/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes captures: the head, each event as it comes, containers before their first event, and a new
 * file with a head of its own when one is full. It judges nothing and filters nothing.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/capture/write.h"
#include "source/capture/write_seen.h"

enum { CONTAINER_JSON_MAX = 8 << 20, FLUSH_NS = 1000000000 };

struct capture_writer {
	struct capture_writer_options o;
	char *base;
	const struct state *state;
	struct event_writer ew;
	struct out out;
	uint8_t *scratch; /* of LARGE_BLOCK_MAX, touched as far as blocks are long */
	struct buf json;
	struct seen seen; /* containers that this file has */
	struct capture_machine machine;
	char path[PATH_MAX];
	char **kept; /* of max_files: their names */
	unsigned index;
	bool is_open, has_time, failed;
	uint64_t file_events, began_ns, flushed_ns;
	uint64_t closed_bytes;
	struct capture_writer_counters n;
};

/* ---- names ---- */

static bool rotates(const struct capture_writer_options *o)
{
	return o->rotate_bytes || o->rotate_s || o->rotate_events;
}

static unsigned digits(unsigned n)
{
	return n < 10 ? 1 : 1 + digits(n / 10);
}

/* As sysdig names them: a strftime pattern, or a counter that has as many digits as the last. */
static int make_name(struct capture_writer *w, uint64_t now_ns)
{
	bool has_time = w->o.rotate_s && strchr(w->base, '%');
	struct buf b = BUF_INIT(PATH_MAX - 1);

	if (has_time)
		clock_add_strftime(&b, now_ns, w->base, false);
	else
		buf_add_cstr(&b, w->base);
	if (rotates(&w->o) && (!has_time || w->o.rotate_bytes || w->o.rotate_events))
		buf_printf(
			&b, "%0*u", w->o.max_files ? (int)digits(w->o.max_files - 1) : 1, w->index);
	bool ok = !b.cut && str_copy(buf_str(&b), w->path, sizeof(w->path));
	buf_done(&b);
	return ok ? 0 : -ENAMETOOLONG;
}

/* Of a ring, the file whose place is taken goes, unless it has the same name. */
static void keep_name(struct capture_writer *w)
{
	if (!w->kept)
		return;
	unsigned i = w->index % w->o.max_files;

	if (w->kept[i] && strcmp(w->kept[i], w->path))
		unlink(w->kept[i]);
	free(w->kept[i]);
	w->kept[i] = strdup(w->path);
}

/* ---- a file ---- */

static int say(struct capture_writer *w, int error, struct err *e)
{
	w->failed = true;
	return err_set(e, -error, "%s: %s, after %llu bytes",
		strcmp(w->path, "-") ? w->path : "standard output", strerror(-error),
		(unsigned long long)w->out.out_bytes);
}

static int put_block(void *arg, const uint8_t *block, size_t size)
{
	return out_block(&((struct capture_writer *)arg)->out, block, size);
}

static int write_file_head(struct capture_writer *w)
{
	struct head_writer h = {
		.state = w->state,
		.redact = &w->ew.redact,
		.machine = w->o.machine ? &w->machine : NULL,
		.buf = w->scratch,
		.size = WRITE_LIST_BYTES,
		.sink = put_block,
		.arg = w,
	};

	return write_head(&h);
}

static int open_file(struct capture_writer *w, struct err *e)
{
	int r = make_name(w, clock_epoch_ns());

	if (r < 0)
		return err_set(e, -r, "%s: the name becomes too long", w->base);
	keep_name(w);
	r = out_open(&w->out, w->path, w->o.gzip);
	if (r < 0)
		return err_set(e, -r, "cannot write %s: %s", w->path, strerror(-r));
	w->is_open = true;
	w->has_time = false;
	w->file_events = 0;
	w->n.files++;
	seen_clear(&w->seen);
	r = write_file_head(w);
	return r < 0 ? say(w, r, e) : 0;
}

static int close_file(struct capture_writer *w, struct err *e)
{
	if (!w->is_open)
		return 0;
	w->is_open = false;
	int r = out_close(&w->out);
	w->closed_bytes += w->out.out_bytes;
	w->out.out_bytes = r < 0 ? w->out.out_bytes : 0;
	return r < 0 && !w->failed ? say(w, r, e) : r;
}

static bool is_full(const struct capture_writer *w, uint64_t ts_ns)
{
	const struct capture_writer_options *o = &w->o;

	return (o->rotate_bytes && out_size(&w->out) >= o->rotate_bytes) ||
	       (o->rotate_events && w->file_events >= o->rotate_events) ||
	       (o->rotate_s && w->has_time && ts_ns >= w->began_ns + o->rotate_s * NSEC_PER_SEC);
}

static int rotate(struct capture_writer *w, struct err *e)
{
	int r = close_file(w, e);

	if (r < 0)
		return r;
	w->index++;
	if (w->o.max_files)
		w->index %= w->o.max_files;
	return open_file(w, e);
}

/* ---- events ---- */

static int put_container(struct capture_writer *w, const struct container *k, uint64_t ts_ns)
{
	struct encoder c = encoder_of(w->scratch, LARGE_BLOCK_MAX);

	if (!seen_add(&w->seen, k))
		return 0;
	write_container(&w->ew, &c, k, ts_ns, &w->json);
	return c.full ? 0 : out_block(&w->out, c.start, encoder_len(&c));
}

/* With the first event there is a time: all containers that are known by then. */
static int begin_events(struct capture_writer *w, uint64_t ts_ns)
{
	const struct container *k;
	size_t pos = 0;
	int r = 0;

	w->has_time = true;
	w->began_ns = w->flushed_ns = ts_ns;
	while (r == 0 && (k = state_container_next(w->state, &pos)))
		r = put_container(w, k, ts_ns);
	return r;
}

/* 0 too when the event is none for a file. */
static int put_event(struct capture_writer *w, const struct event *ev, const struct process *proc)
{
	struct encoder c = encoder_of(w->scratch, LARGE_BLOCK_MAX);
	int r = w->has_time || !ev->def ? 0 : begin_events(w, ev->ts_ns);

	if (r == 0 && ev->def && proc && proc->container)
		r = put_container(w, proc->container, ev->ts_ns);
	if (r < 0 || !write_event(&w->ew, &c, ev, proc))
		return r;
	r = out_block(&w->out, c.start, encoder_len(&c));
	w->file_events++;
	w->n.events++;
	/* who follows the file sees what happened a second ago at the latest */
	if (r == 0 && ev->ts_ns > w->flushed_ns + FLUSH_NS) {
		w->flushed_ns = ev->ts_ns;
		r = out_flush(&w->out);
	}
	return r;
}

/* A container's own event of a capture that is written anew would come twice. */
static bool is_container_event(const struct event *ev)
{
	return ev->code == EV_CONTAINER || ev->code == EV_ASYNCEVENT;
}

int capture_write(
	struct capture_writer *w, const struct event *ev, const struct process *proc, struct err *e)
{
	if (w->failed)
		return err_set(e, EIO, "%s: an earlier write failed", w->path);
	if (is_container_event(ev) && !ev->is_state_only)
		return 0;
	if (is_full(w, ev->ts_ns)) {
		int r = rotate(w, e);

		if (r < 0)
			return r;
	}
	int r = put_event(w, ev, proc);
	return r < 0 ? say(w, r, e) : 0;
}

bool capture_is_needed(uint16_t code)
{
	const struct event_def *def = event_def(code);

	if (!def || def->flags & (EF_OLD | EF_ENTER | EF_META))
		return false;
	switch (code) {
	case EV_CLOSE:
	case EV_CLOSE_RANGE:
	case EV_CONNECT:
	case EV_BIND:
	case EV_LISTEN:
		return true;
	default:
		return def->flags & (EF_STATE | EF_CREATES_FD);
	}
}

int capture_flush(struct capture_writer *w, struct err *e)
{
	int r = w->failed ? 0 : out_flush(&w->out);

	return r < 0 ? say(w, r, e) : 0;
}

/* ---- open and close ---- */

static int init(struct capture_writer *w, const struct capture_writer_options *o)
{
	w->o = *o;
	w->json = BUF_INIT(CONTAINER_JSON_MAX);
	w->base = strdup(o->path);
	w->scratch = malloc(LARGE_BLOCK_MAX);
	if (o->max_files && rotates(o))
		w->kept = calloc(o->max_files, sizeof(*w->kept));
	if (o->machine)
		w->machine = *o->machine;
	w->ew.state = w->state;
	if (!w->base || !w->scratch || (o->max_files && rotates(o) && !w->kept))
		return -ENOMEM;
	int r = seen_init(&w->seen);
	return r < 0 ? r : redact_init(&w->ew.redact, o);
}

int capture_writer_open(const struct capture_writer_options *o, const struct state *s,
	struct capture_writer **ret, struct err *e)
{
	struct capture_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return err_set(e, ENOMEM, "out of memory");
	w->state = s;
	w->out.fd = -1;
	int r = init(w, o);
	if (r < 0)
		err_set(e, -r, "out of memory");
	else if (rotates(o) && strcmp(o->path, "-") == 0)
		r = err_set(e, EINVAL, "standard output is one file: it cannot be rotated");
	else
		r = open_file(w, e);
	if (r < 0) {
		capture_writer_close(w, NULL);
		return r;
	}
	*ret = w;
	return 0;
}

struct capture_writer_counters capture_writer_counters(const struct capture_writer *w)
{
	struct capture_writer_counters n = w->n;

	n.bytes = w->closed_bytes + (w->is_open ? out_size(&w->out) : 0);
	n.redacted = w->ew.redact.count;
	return n;
}

int capture_writer_close(struct capture_writer *w, struct err *e)
{
	if (!w)
		return 0;
	int r = close_file(w, e);

	for (unsigned i = 0; w->kept && i < w->o.max_files; i++)
		free(w->kept[i]);
	free(w->kept);
	seen_done(&w->seen);
	redact_done(&w->ew.redact);
	buf_done(&w->json);
	free(w->scratch);
	free(w->base);
	free(w);
	return r;
}
