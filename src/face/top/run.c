/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: events, keys, a picture. One thread; an event costs what its view's table costs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "face/top/private.h"

enum { PUMP_MS = 40, DRAW_MS = 200 };

struct loop {
	struct session session;
	struct ui ui;
	struct terminal *terminal;
	struct canvas canvas;
	const struct top_options *o;
	uint64_t drawn_ns;
};

static int fit_canvas(struct loop *l)
{
	int rows, columns;

	terminal_size(l->terminal, &rows, &columns);
	if (l->canvas.cells && rows == l->canvas.rows && columns == l->canvas.columns)
		return 0;
	canvas_done(&l->canvas);
	return canvas_init(&l->canvas, rows, columns);
}

static int draw(struct loop *l)
{
	int r = fit_canvas(l);

	if (r < 0)
		return r;
	screen_draw(&l->ui, &l->canvas);
	terminal_show(l->terminal, &l->canvas);
	l->drawn_ns = clock_boot_ns();
	return 0;
}

/* True when there was one. */
static bool handle_keys(struct loop *l)
{
	bool any = false;

	for (;;) {
		struct key_event k = terminal_key(l->terminal);

		if (k.key == KEY_NOTHING)
			return any;
		any = true;
		/* a capture's rows go on changing while it is read */
		if (!l->session.is_live)
			session_refresh(&l->session, true);
		keys_handle(&l->ui, &k, l->canvas.columns);
		if (l->ui.quit)
			return true;
	}
}

/* Events for a moment; at the end of a capture or when paused there, only the moment. */
static int pump(struct loop *l, struct err *e)
{
	struct session *s = &l->session;
	bool rests = s->is_over || (!s->is_live && s->is_paused);

	if (rests) {
		nanosleep(&(struct timespec){.tv_nsec = PUMP_MS * 1000000L}, NULL);
		return 0;
	}
	int r = session_pump(s, PUMP_MS, e);
	if (r == 0 || r == -ENODATA)
		return r;
	if (s->is_live)
		return r;
	/* a damaged capture: what came before is good, and is shown */
	s->is_over = true;
	l->ui.message_is_error = true;
	snprintf(l->ui.message, sizeof(l->ui.message), "%s", e->msg);
	return 0;
}

static int loop(struct loop *l, struct err *e)
{
	int r = draw(l);

	while (r >= 0 && !l->ui.quit && !(l->o->stop && *l->o->stop)) {
		bool was_over = l->session.is_over;

		r = pump(l, e);
		bool changed = handle_keys(l) || was_over != l->session.is_over;
		bool late = clock_boot_ns() - l->drawn_ns > DRAW_MS * 1000000ULL;
		if (r == -ENODATA)
			r = 0;
		if (r < 0 || l->ui.quit)
			break;
		if (l->session.is_live)
			changed |= late && session_refresh(&l->session, false);
		else if (changed || (late && !l->session.is_over))
			changed = session_refresh(&l->session, true);
		if (changed)
			r = draw(l);
	}
	return r;
}

int top_run(const struct top_feed *feed, const struct top_options *o, struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	l->o = o;
	r = session_open(&l->session, feed, o, e);
	if (r >= 0) {
		r = terminal_open(o, &l->terminal, e);
		if (r >= 0 && feed->open)
			r = feed->open(feed->arg, e);
		if (r >= 0) {
			l->ui.s = &l->session;
			/* what is there already, before the first interval is over */
			session_refresh(&l->session, l->session.is_live);
			r = loop(l, e);
		}
		terminal_close(l->terminal);
		session_close(&l->session);
	}
	canvas_done(&l->canvas);
	free(l);
	return r;
}
