/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Capture files (.scap): what happened on a machine, to be read again anywhere. pcapng framing,
 * the block numbers and entries of the Falco libs (userspace/libscap/scap_savefile.h and scap.h,
 * scap version 1.2), plain or gzip, from a file or a pipe. Every block version that was ever
 * written is read; only the current ones are written.
 *
 * The reader gives exit events: an enter event is kept until its exit comes and completes it
 * (event_upgrade()). Events are numbered as they lie in the file, enter events counted, so that a
 * number means the same event to every tool.
 */
#include "base/arena.h"
#include "base/err.h"
#include "engine/state/state.h"
#include "model/event/event.h"

/* ---- reading ---- */

struct capture_options {
	struct state
		*state;   /* gets processes, descriptors, users of the metadata blocks; or NULL */
	bool keep_enters; /* give enter events too, as they are, before they complete their exit */
	bool raw;         /* no joining at all: every event as the file has it (tools, tests) */
	/*
	 * Called when the file is open and before any of it is parsed, the time to enter the cell
	 * (base/cell.h); a negative result ends the opening.
	 */
	int (*opened)(void *arg, struct err *e);
	void *opened_arg;
};

struct capture_machine {
	uint32_t ncpus;
	uint64_t memory_bytes, max_pid, boot_ns, flags;
	char hostname[128];
};

struct capture_info {
	uint16_t major, minor;
	bool is_gzip, has_machine;
	struct capture_machine machine;
	uint64_t size_bytes,
		offset_bytes; /* of the file, and how far it was read; size 0 = a pipe */
	uint64_t blocks, unknown_blocks;
	uint64_t events;         /* in the file so far */
	uint64_t initial_events; /* of them, without a number (see capture_next) */
	uint64_t given;          /* returned to the caller */
	uint64_t joined;         /* enter events that completed an exit */
	uint64_t lone_enters;    /* enter events whose exit never came */
	uint64_t unknown_events; /* codes that the schema does not know: skipped */
	uint64_t state_only;     /* marked in the file, or initial: not to be shown */
	/* processes, descriptors, users that did not parse or that the state had no room for */
	uint64_t bad_entries;
	uint64_t threads, descriptors, users, interfaces;
	uint64_t first_ns, last_ns; /* of the events so far, epoch; 0 = none */
};

struct capture;
/*
 * path "-" is standard input. Reads up to the first event, so that the state and the info are
 * filled; o may be NULL. 0 or -errno with what is wrong and where.
 */
int capture_open(
	const char *path, const struct capture_options *o, struct capture **ret, struct err *e);
/* The same over bytes in memory, which it borrows: tests, the fuzzer, what came over a wire. */
int capture_open_memory(const void *data, size_t size, const struct capture_options *o,
	struct capture **ret, struct err *e);
/*
 * The next event: 1; 0 at the end of the file; -errno when the file is damaged from here on (the
 * error names the offset; what came before is good; later calls say the same). -EINTR when a signal
 * came while a pipe was waited for: call again or stop. The event borrows from the reader and the
 * arena until the next call.
 *
 * Events that only change the state come with ev->is_state_only set: those that the file marks so,
 * and the containers and users that lie in front of the first event, as the process list does.
 * sysdig gives the latter no number; they have 0, so that numbers agree. Every other event counts,
 * also enter events and unknown codes.
 */
int capture_next(struct capture *c, struct arena *a, struct event *ret, struct err *e);
const struct capture_info *capture_info(const struct capture *c);
/* 0.0 to 1.0, or negative when the size is not known. */
double capture_progress(const struct capture *c);
void capture_close(struct capture *c);

/* ---- writing ---- */

struct capture_writer_options {
	const char *path; /* "-" is standard output; with rotation a strftime pattern or a stem */
	bool gzip;
	uint64_t rotate_bytes, rotate_s; /* a new file after so much; 0 = never */
	uint64_t rotate_events;
	unsigned max_files; /* keep so many, the oldest is overwritten; 0 = all */
	/* what goes into no file: glob patterns (fnmatch) over NAME=value of the environment and
	 * over single arguments; the value is written as "(redacted)" */
	const char *const *redact;
	size_t nredact;
	bool no_environment;
	/* of a capture that is written anew, where it came from; NULL = this machine */
	const struct capture_machine *machine;
};

struct capture_writer_counters {
	uint64_t events, bytes, files, redacted;
};

struct capture_writer;
/*
 * Begins a file: header, machine, addresses, users, threads with their descriptors, containers, all
 * as the state has them now (options.descriptors must be on). 0 or -errno.
 */
int capture_writer_open(const struct capture_writer_options *o, const struct state *s,
	struct capture_writer **ret, struct err *e);
/*
 * Appends one event after state_apply(). What only changes state live (EVENT_FORK, EVENT_CGROUP)
 * is written as the events that other readers know, or left out where they follow anyway.
 */
int capture_write(struct capture_writer *w, const struct event *ev, const struct process *proc,
	struct err *e);
/* What is buffered goes to the file; it is done once a second anyway, by the events' time. */
int capture_flush(struct capture_writer *w, struct err *e);
struct capture_writer_counters capture_writer_counters(const struct capture_writer *w);
/* Flushes and closes; 0 or -errno (a full disk is said here at the latest). Frees it always. */
int capture_writer_close(struct capture_writer *w, struct err *e);

/*
 * Is the event one that a reader cannot do without, whatever else is left out of a file: of
 * processes, descriptors, credentials?
 */
bool capture_is_needed(uint16_t code);

/* ---- the flight recorder ---- */

struct recorder_options {
	size_t ring_bytes;                    /* in memory; 0 = 64 MiB */
	uint64_t before_ns, after_ns;         /* around a finding; 0 = 30 s, 10 s */
	const char *dir;                      /* where files go */
	uint64_t max_dir_bytes;               /* the oldest recordings go first; 0 = 1 GiB */
	struct capture_writer_options writer; /* gzip, redact; path is ignored */
};

struct recorder;
int recorder_new(const struct recorder_options *o, const struct state *s, struct recorder **ret,
	struct err *e);
/* Every event, after state_apply(). Allocates nothing. */
void recorder_event(struct recorder *r, const struct event *ev, const struct process *proc);
/*
 * A rule fired: what is in the ring is to be written out, and what comes in the next after_ns (0 =
 * the options'). Findings that fire while a recording goes on join it. Returns the file's path,
 * good until the next call; empty when it cannot be made. The writing is done by another thread.
 */
struct str recorder_fire(struct recorder *r, uint64_t ts_ns, struct str rule, uint64_t after_ns);
/* Once a second: ends a recording whose time is over though no event came. */
void recorder_tick(struct recorder *r, uint64_t now_ns);
struct recorder_counters {
	uint64_t events;       /* that went into the ring */
	uint64_t recordings;   /* begun */
	uint64_t bytes;        /* written to files */
	uint64_t failed;       /* files that could not be opened or written to their end */
	uint64_t lost_batches; /* the disk did not keep up */
	uint64_t removed;      /* old files, for max_dir_bytes */
	int last_error;        /* negative errno of the last failure */
};
struct recorder_counters recorder_counters(const struct recorder *r);
/* Finishes the recording and waits until it is written. */
void recorder_free(struct recorder *r);
