/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Events with the state applied, from this machine or from a capture: what `koban read`, `replay`,
 * `capture` and `top` loop over. It owns the source, the state and the event's arena.
 */
#include "base/arena.h"
#include "base/cell.h"
#include "base/err.h"
#include "engine/field/field.h"
#include "source/capture/capture.h"
#include "source/sensor/sensor.h"

struct stream_options {
	const char *path;      /* a capture, "-" for standard input; NULL = this machine, live */
	const uint64_t *codes; /* live: only these; NULL = all that have an event */
	uint32_t snaplen;      /* live: 0 = 80 */
	size_t ring_bytes;
	bool no_latency;       /* live: don't pay for entry times */
	bool no_descriptors;   /* live: no descriptor table (nobody writes a capture) */
	bool keep_enters, raw; /* captures: as in capture_options */
	/*
	 * Captures: entered once the file is open and before a byte of it is parsed, for strangers
	 * wrote it. A file that is to be read again is added to what may be read. NULL = no cell.
	 */
	const struct cell_options *cell;
	bool reads_again;                  /* stream_rewind() will be called */
	const struct state_options *state; /* caps, places of bundles; NULL = defaults */
};

struct stream;
/*
 * 0 or -errno with a sentence. Live, capabilities are given up once the sensor is attached
 * (privileges.h).
 */
int stream_open(const struct stream_options *o, struct stream **ret, struct err *e);
/*
 * The next event, applied: 1 with *ret filled; 0 when none came within timeout_ms (live only);
 * -ENODATA at the end of a capture; another -errno with `e` filled. Good until the next call.
 */
int stream_next(struct stream *s, int timeout_ms, struct field_subject *ret, struct err *e);
/* Captures in files: from the start, with a fresh state. -ESPIPE for a pipe. */
int stream_rewind(struct stream *s, struct err *e);
bool stream_is_live(const struct stream *s);
struct state *stream_state(struct stream *s);
/* 0 to 1; negative when unknown or live. */
double stream_progress(const struct stream *s);
/* NULL when live. */
const struct capture_info *stream_capture(const struct stream *s);
struct sensor_counters stream_sensor(const struct stream *s);
void stream_close(struct stream *s);
