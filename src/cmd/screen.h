/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The picture of `koban up`: findings scroll by above, a panel of what is watched, found and spent
 * stays below. Not on a terminal, findings go out as plain lines and there is no panel.
 */
#include "cmd/live.h"

struct screen;
/*
 * Takes standard output over (through a pipe) when it is a terminal; NULL when it is none. What
 * comes from notes_fd (0 = nothing does) is shown among the lines.
 */
struct screen *screen_open(int notes_fd);
/*
 * From then on a thread paints; live is asked for its snapshot once a second. After capabilities
 * were given up, which are a thread's own.
 */
int screen_start(struct screen *s, struct live *live);
/* Are colours wanted (no-color.org)? */
bool screen_is_colour(void);
/* Shows what is left and gives the terminal back. */
void screen_close(struct screen *s);
/* One panel, as text of at most `width` columns a line, for tests; the number of lines. */
int screen_format_panel(const struct live_snapshot *s, int width, struct buf *out);
