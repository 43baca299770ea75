/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `koban top`: tables of what runs, in a terminal, live or over a capture. Views are data
 * (data/views/): key and value columns of engine/group, a filter, and where a row leads. The face
 * asks a feed for events and draws; it knows neither sensor nor file.
 */
#include "base/err.h"
#include "engine/field/field.h"

/* The events to show. */
struct top_feed {
	/*
	 * 1 with an event in *ret (after state_apply()), 0 when none came within timeout_ms,
	 * -ENODATA at the end of a capture, another -errno with `e` filled.
	 */
	int (*next)(void *arg, int timeout_ms, struct field_subject *ret, struct err *e);
	double (*progress)(void *arg);           /* of a capture, 0 to 1; negative = live */
	int (*rewind)(void *arg, struct err *e); /* captures: from the start again; NULL = live */
	void *arg;
	struct state *state;
};

struct top_options {
	struct str view;         /* id to begin with; empty = containers' and processes' overview */
	struct str filter;       /* of the command line */
	const char *const *dirs; /* with views; NULL = the shipped ones */
	size_t ndirs;
	uint64_t refresh_ns; /* 0 = 2 s */
	bool no_colour, no_mouse;
};

/* Runs until the user quits. 0 or -errno. */
int top_run(const struct top_feed *feed, const struct top_options *o, struct err *e);
/* id, name and description of each view, one line each. */
int top_list(const struct top_options *o, struct buf *out, struct err *e);
