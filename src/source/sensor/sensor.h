/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The live source: an eBPF probe on this host's kernel (bpf/), read as events. It needs root (or
 * CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH), Linux 5.8 or later with BTF, and
 * leaves nothing in the kernel: all links and maps go with the process that holds them.
 */
#include "base/arena.h"
#include "base/err.h"
#include "model/event/event.h"

enum { SENSOR_CODE_WORDS = (EVENT_CODE_MAX + 63) / 64 };

/* A file or folder that rules name: events on it carry its name, however it was reached. */
struct sensor_path {
	struct str path; /* absolute, normalised */
};

struct sensor_options {
	const uint64_t *codes; /* wanted event codes, SENSOR_CODE_WORDS words */
	bool all_events;       /* every syscall that has an event */
	bool push_opens;       /* let sensor_dull() keep opens in the kernel */
	bool want_latency;     /* record entry times: one more program on every syscall */
	uint32_t snaplen;      /* bytes of data an event carries; 0 = 80 */
	size_t ring_bytes;     /* a power of two; 0 = 16 MiB */
	bool watch_self;       /* koban's own syscalls too (tests) */
};

struct sensor_counters {
	uint64_t in;         /* wanted and happened, in the kernel */
	uint64_t sent;       /* of these, put into the ring buffer */
	uint64_t drop_ring;  /* lost: the ring buffer was full */
	uint64_t drop_size;  /* lost: no scratch buffer or an impossible size */
	uint64_t state_in;   /* of `in`: fork, exit, cgroup moves, which no rule sees */
	uint64_t drop_state; /* of drop_ring: such records */
	uint64_t received;   /* read from the ring buffer and given to the caller */
	uint64_t bad;        /* read, but not decodable */
	uint64_t path_cut;   /* paths of more than 256 parts, cut */
	uint64_t dull;       /* of `in`: opens that no rule can match, kept in the kernel */
	uint64_t own;        /* koban's own syscalls, not counted in `in` */
	uint64_t ring_used;  /* bytes waiting */
	uint64_t ring_size;
};

struct sensor;
/* Loads and attaches. 0 or -errno with a sentence that says what is missing and what to do. */
int sensor_open(const struct sensor_options *o, struct sensor **ret, struct err *e);
void sensor_close(struct sensor *s);
/* Detaches from the kernel: nothing new comes, what is in the ring buffer can still be read. */
void sensor_stop(struct sensor *s);
/* Switches events on and off while running (rules were reloaded). */
void sensor_want(struct sensor *s, const uint64_t *codes, bool all_events, bool push_opens);
/* Can the last event be kept in the kernel from now on? Then sensor_dull() does it. */
bool sensor_can_be_dull(const struct sensor *s);
void sensor_dull(struct sensor *s);
/*
 * Replaces the named paths. Missing files are looked for again by sensor_tick(). Paths are borrowed
 * until the next call. The number of paths known by identity now.
 */
size_t sensor_know(struct sensor *s, const struct sensor_path *paths, size_t n);
/*
 * Learns the named paths of a container too: root is its root folder (/proc/PID/root). Once for
 * each container, and again after sensor_know(). How many of them are there.
 */
size_t sensor_know_inside(struct sensor *s, int root);
/* Looks again at named paths that changed or appeared and at the mount table; call once a second.
 */
void sensor_tick(struct sensor *s);
/*
 * The next event: 1, or 0 when none came within timeout_ms, or -errno. The event borrows from the
 * ring buffer and from the arena, until the next call; the caller resets the arena.
 */
int sensor_next(struct sensor *s, struct arena *a, int timeout_ms, struct event *ret);
struct sensor_counters sensor_counters(const struct sensor *s);
/* Is this event a change of a named path (created, renamed, removed)? Then sensor_tick() sooner. */
bool sensor_is_rename(const struct event *ev);
