/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A bar on standard error for what takes longer than a second. */
#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_on, is_drawn, is_tty;
	uint64_t started_ns, next_ns;
	unsigned calls;
};

/* `forced` draws also when standard error is no terminal: a line of percents for a program. */
void progress_start(struct progress *p, bool wanted, bool forced);
/* True once in a while: then a look at how far it is, and progress_draw(), are worth their time. */
bool progress_is_due(struct progress *p);
/* fraction: 0 to 1, negative = unknown. events: so far. */
void progress_draw(struct progress *p, double fraction, uint64_t events);
/* Takes the bar away, so that something else can be written. It comes back by itself. */
void progress_hide(struct progress *p);
/* The same for what counts in bytes and calls seldom. */
bool progress_is_time(struct progress *p);
/* "debian:12  layer 2 of 5 [███···]  41 %  120 MB/s  3 s left" */
void progress_draw_bytes(
	struct progress *p, const char *name, const char *what, uint64_t done, uint64_t all);
