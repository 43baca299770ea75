/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A bar on stderr for what takes longer than a second. It is drawn only on a terminal, and asks the
 * clock only now and then, so that it may be told of every event.
 */
#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_on, is_drawn;
	uint64_t started_ns, next_ns, told;
};

void progress_start(struct progress *p, bool is_quiet);
/* One event more. True every few thousand events: then call progress_show(). */
static inline bool progress_is_due(struct progress *p)
{
	return p->is_on && (++p->told & 4095) == 0;
}
/* done: 0 to 1, negative when nobody knows; count: events so far. */
void progress_show(struct progress *p, double done, uint64_t count);
/* Takes the bar away. */
void progress_end(struct progress *p);
