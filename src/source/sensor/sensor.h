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

/* open, openat, creat by their names; socket by its arguments; connect by both addresses and the
 * far end's port. */
enum sensor_push {
	SENSOR_PUSH_OPENS = 1 << 0,
	SENSOR_PUSH_SOCKETS = 1 << 1,
	SENSOR_PUSH_CONNECTS = 1 << 2,
	/* … and by the process */
	SENSOR_PUSH_OWN_SOCKETS = 1 << 3,
	SENSOR_PUSH_OWN_CONNECTS = 1 << 4,
};

struct sensor_options {
	const uint64_t *codes; /* wanted event codes, SENSOR_CODE_WORDS words */
	bool all_events;       /* every syscall that has an event */
	unsigned push;         /* enum sensor_push: what sensor_dull() may keep in the kernel */
	bool want_latency;     /* record entry times: one more program on every syscall */
	uint32_t snaplen;      /* bytes of data an event carries; 0 = 80 */
	size_t ring_bytes;     /* a power of two; 0 = 16 MiB */
	bool watch_self;       /* koban's own syscalls too (tests) */
	/* How much nicer the host must be to the calling thread, which is to read the events; where
	 * that is not allowed it stays as it is. */
	unsigned priority_boost;
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
	uint64_t dull;       /* of `in`: calls that no rule can match, kept in the kernel */
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
void sensor_want(struct sensor *s, const uint64_t *codes, bool all_events, unsigned push);
/* Can calls like the last event be kept in the kernel from now on? Then sensor_dull() does it, for
 * everybody or for the process that called, as long as it executes nothing and keeps its name. */
bool sensor_can_be_dull(const struct sensor *s);
void sensor_dull(struct sensor *s, bool of_one);
/* Forgets all that was kept so, or only what was said of one process. */
void sensor_forget_dull(struct sensor *s, bool of_one);
/*
 * Does the probe ask about the last event's folder? Then sensor_tell_folder() answers: true keeps
 * all opens like this one in the kernel, of files in that folder whose names have none of the
 * pieces that sensor_tell_names() was given and that no rule knows by identity.
 */
bool sensor_asks_for_folder(const struct sensor *s);
void sensor_tell_folder(struct sensor *s, bool is_dull);
/* What rules tell file names by, whatever the folder. */
struct sensor_name {
	enum { SENSOR_NAME_IS, SENSOR_NAME_STARTS, SENSOR_NAME_ENDS, SENSOR_NAME_HAS } how;
	struct str text;
};
/* Replaces them, before sensor_want(). False when they are more than the probe looks at: then no
 * folder can be dull. */
bool sensor_tell_names(struct sensor *s, const struct sensor_name *names, size_t n);
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
