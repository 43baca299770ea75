/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events from this machine or from a capture, with the state applied. The one place that knows that
 * a captured event must be completed from the tables and a live one need not.
 */
#include "cmd/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/privileges.h"

enum { EVENT_ARENA_BYTES = 8 << 20 };

struct stream {
	struct stream_options o;
	struct sensor *sensor;
	struct capture *capture;
	struct state *state;
	struct arena arena;
	struct event ev;
	struct field_subject subject; /* what is the same for every event, the rest empty */
	uint64_t last_ns;
	char hostname[128];
};

static int open_state(struct stream *s, struct err *e)
{
	struct state_options so = s->o.state ? *s->o.state : (struct state_options){0};

	so.no_proc = s->o.path != NULL;
	so.descriptors = s->o.path || !s->o.no_descriptors;
	so.shows_closed = !s->o.path;
	s->state = state_new(&so, e);
	return s->state ? 0 : -ENOMEM;
}

/* What is asked for, and what the table of descriptors is kept by. */
static void want(const struct stream *s, uint64_t codes[SENSOR_CODE_WORDS])
{
	memcpy(codes, s->o.codes, SENSOR_CODE_WORDS * sizeof(*codes));
	for (uint16_t i = 0; i < EVENT_CODE_MAX && !s->o.no_descriptors; i++)
		if (capture_is_needed(i))
			codes[i / 64] |= 1ULL << (i % 64);
}

static int open_live(struct stream *s, struct err *e)
{
	uint64_t codes[SENSOR_CODE_WORDS] = {0};
	struct sensor_options o = {
		.codes = codes,
		.all_events = !s->o.codes,
		.want_latency = !s->o.no_latency,
		.snaplen = s->o.snaplen,
		.ring_bytes = s->o.ring_bytes,
	};
	if (s->o.codes)
		want(s, codes);
	int r = sensor_open(&o, &s->sensor, e);

	if (r < 0 || (r = open_state(s, e)) < 0)
		return r;
	/* after the sensor is attached, so that no process falls between */
	r = state_seed(s->state, e);
	if (r == 0 && !s->o.no_descriptors)
		r = state_seed_descriptors(s->state, e);
	return r < 0 ? r : privileges_drop(e);
}

static int enter_cell(void *arg, struct err *e)
{
	struct stream *s = arg;
	const char *paths[] = {s->o.path, NULL};
	struct cell_options cell = *s->o.cell;

	s->o.cell = NULL; /* once and for all */
	if (s->o.reads_again && strcmp(s->o.path, "-"))
		cell.read_paths = paths;
	return cell_enter(&cell, e);
}

static int open_capture(struct stream *s, struct err *e)
{
	int r = open_state(s, e);
	struct capture_options o = {
		.state = s->state,
		.keep_enters = s->o.keep_enters,
		.raw = s->o.raw,
		.opened = s->o.cell ? enter_cell : NULL,
		.opened_arg = s,
	};

	return r < 0 ? r : capture_open(s->o.path, &o, &s->capture, e);
}

static int open_source(struct stream *s, struct err *e)
{
	return s->o.path ? open_capture(s, e) : open_live(s, e);
}

static void close_source(struct stream *s)
{
	sensor_close(s->sensor);
	capture_close(s->capture);
	if (s->state)
		state_free(s->state);
	s->sensor = NULL;
	s->capture = NULL;
	s->state = NULL;
	s->subject = (struct field_subject){0};
	s->last_ns = 0;
}

int stream_open(const struct stream_options *o, struct stream **ret, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	s->o = *o;
	arena_init(&s->arena, EVENT_ARENA_BYTES);
	int r = open_source(s, e);
	if (r < 0) {
		stream_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* The machine that the events are of: a capture tells it in front of its first event. */
static void read_hostname(struct stream *s)
{
	if (s->capture)
		snprintf(s->hostname, sizeof(s->hostname), "%s",
			capture_info(s->capture)->machine.hostname);
	else if (gethostname(s->hostname, sizeof(s->hostname) - 1) < 0)
		s->hostname[0] = 0;
}

static void begin(struct stream *s)
{
	read_hostname(s);
	s->subject = (struct field_subject){
		.ev = &s->ev,
		.state = s->state,
		.hostname = s->hostname,
		.first_ts_ns = s->ev.ts_ns,
	};
}

static int next_event(struct stream *s, int timeout_ms, struct err *e)
{
	int r;

	arena_reset(&s->arena);
	if (s->capture) {
		r = capture_next(s->capture, &s->arena, &s->ev, e);
		return r == 0 ? -ENODATA : r;
	}
	r = sensor_next(s->sensor, &s->arena, timeout_ms, &s->ev);
	return r < 0 ? err_set(e, -r, "the sensor stopped: %s", strerror(-r)) : r;
}

int stream_next(struct stream *s, int timeout_ms, struct field_subject *ret, struct err *e)
{
	int r = next_event(s, timeout_ms, e);

	if (r <= 0)
		return r;
	if (s->capture || !s->o.no_descriptors)
		state_complete(s->state, &s->arena, &s->ev);
	if (!s->subject.first_ts_ns)
		begin(s);
	struct process *proc = state_apply(s->state, &s->ev);

	if (s->sensor)
		state_fill(s->state, proc, &s->arena, &s->ev);
	*ret = s->subject;
	ret->proc = proc;
	ret->last_ts_ns = s->last_ns;
	s->last_ns = s->ev.ts_ns;
	return 1;
}

int stream_rewind(struct stream *s, struct err *e)
{
	if (!s->o.path || !strcmp(s->o.path, "-"))
		return err_set(e, ESPIPE, "only a capture in a file can be read again");
	close_source(s);
	return open_source(s, e);
}

bool stream_is_live(const struct stream *s)
{
	return s->sensor != NULL;
}

struct state *stream_state(struct stream *s)
{
	return s->state;
}

double stream_progress(const struct stream *s)
{
	return s->capture ? capture_progress(s->capture) : -1;
}

const struct capture_info *stream_capture(const struct stream *s)
{
	return s->capture ? capture_info(s->capture) : NULL;
}

struct sensor_counters stream_sensor(const struct stream *s)
{
	return s->sensor ? sensor_counters(s->sensor) : (struct sensor_counters){0};
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	close_source(s);
	arena_done(&s->arena);
	free(s);
}
