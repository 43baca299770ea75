/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A helper process that runs `koban replay` for the console. The console itself is in a cell in
 * which no program can be started; the helper was started before, knows nothing but rule texts, and
 * starts this one program, with limits of time, memory and output.
 */
#include "base/arena.h"
#include "base/err.h"

struct runner;

struct runner_options {
	const char *program;      /* koban */
	const char *const *rules; /* files and folders for -r, before the text that is tried */
	size_t nrules;
	const char *captures_dir; /* the newest recordings there are tried; may be NULL */
	const char *demo_capture; /* when there are none; may be NULL */
	const char *temp_dir;     /* for the text that is tried */
	/* called in the helper: what it inherits and need not know, such as keys, is wiped there */
	void (*forget)(void *arg);
	void *forget_arg;
};

struct trial {
	unsigned captures;
	uint64_t events;
	bool is_demo, is_cut; /* cut: the time or the room for the output was over */
	struct str output;    /* findings as JSON lines */
	struct str complaint; /* what the program said when it failed; empty = it did not */
};

/* Forks: before threads are started and before the cell. The strings have to stay. 0 or -errno. */
int runner_new(const struct runner_options *o, struct runner **ret, struct err *e);
/* One at a time: -EBUSY while another is under way. The strings live in the arena. 0 or -errno. */
int runner_try(
	struct runner *r, struct str rules, struct arena *a, struct trial *ret, struct err *e);
/* Ends a trial that is under way; there are no more. */
void runner_stop(struct runner *r);
void runner_free(struct runner *r);
