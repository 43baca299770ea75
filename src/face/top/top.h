/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `koban top`: tables of what runs, in a terminal, live or over a capture. Views are data
 * (data/views/): key and value columns of engine/group, a filter, and where a row leads. The face
 * asks a feed for events and draws; it knows neither sensor nor file.
 */
#include <signal.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/group/group.h"

/* The events to show. */
struct top_feed {
	/*
	 * Called once, before the first event, when views are loaded and the terminal is set up: a
	 * capture is opened here, so that from then on nothing else need be. NULL = it is open.
	 */
	int (*open)(void *arg, struct err *e);
	/*
	 * 1 with an event in *ret (after state_apply()), 0 when none came within timeout_ms,
	 * -ENODATA at the end of a capture, another -errno with `e` filled.
	 */
	int (*next)(void *arg, int timeout_ms, struct field_subject *ret, struct err *e);
	double (*progress)(void *arg);           /* of a capture, 0 to 1; negative = live */
	int (*rewind)(void *arg, struct err *e); /* captures: from the start again; NULL = live */
	/* The state as it is now: a rewind makes a new one. */
	struct state *(*state)(void *arg);
	/* Events that were lost so far; NULL = never. */
	uint64_t (*lost)(void *arg);
	/* Asked once a refresh for each process; NULL or false = not known. */
	bool (*usage)(void *arg, const struct process *p, struct group_usage *ret);
	void *arg;
	const char *name; /* of the source, for the header */
};

struct top_options {
	struct str view;         /* id to begin with; empty = the processes */
	struct str filter;       /* of the command line */
	const char *const *dirs; /* with views, besides the shipped ones, which they may replace */
	size_t ndirs;
	uint64_t refresh_ns; /* 0 = 2 s */
	bool no_colour, no_mouse;
	const volatile sig_atomic_t *stop; /* set by a signal: give the terminal back; or NULL */
};

/* Runs until the user quits. 0 or -errno. */
int top_run(const struct top_feed *feed, const struct top_options *o, struct err *e);
/*
 * The view's rows once, as a table or as JSON lines: of the whole capture, or of so much time live.
 */
int top_print(const struct top_feed *feed, const struct top_options *o, uint64_t live_ns, bool json,
	struct buf *out, struct err *e);
/* Every view checked; id, name and description of each, one line each. */
int top_list(const struct top_options *o, struct buf *out, struct err *e);
