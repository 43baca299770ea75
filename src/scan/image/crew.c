/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crew as the pass sees it: steps are copied into batches, and an analyzer is led through them.
 * Which thread does that is crew_threads.c's work. What no memory is left for is shown at once, on
 * the pass's own thread, when everything before it was seen: slower, and nothing is lost.
 */
#include "scan/image/crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- open and close ------------------------------------------------------------------------- */

static int open_batches(struct crew *c)
{
	c->batches = calloc(BATCHES, sizeof(*c->batches));
	for (size_t i = 0; c->batches && i < BATCHES; i++) {
		struct batch *b = &c->batches[i];

		b->memory = malloc(BATCH_BYTES);
		b->steps = malloc(BATCH_STEPS * sizeof(*b->steps));
		if (!b->memory || !b->steps)
			return -ENOMEM;
	}
	return c->batches ? 0 : -ENOMEM;
}

int crew_open(struct crew *c, const struct analyzer_set *set, struct ledger *ledger,
	struct pass_note *note, unsigned threads)
{
	*c = (struct crew){.note = note ? &note->at[0] : NULL, .nlanes = set->n};
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	window_pool_init(&c->windows);
	for (size_t i = 0; i < set->n; i++) {
		int r = ledger_open_lane(ledger, set->ops[i]->name);

		if (r < 0)
			return r;
		c->lanes[i] = (struct lane){.ops = set->ops[i],
			.self = set->self[i],
			.ledger = ledger_lane(ledger, i),
			.note = note ? &note->at[1 + i] : NULL,
			.bit = UINT32_C(1) << i};
	}
	c->nthreads = threads < CREW_MAX ? threads : CREW_MAX;
	if (c->nthreads > c->nlanes)
		c->nthreads = (unsigned)c->nlanes;
	return c->nthreads > 1 ? open_batches(c) : 0;
}

void crew_close(struct crew *c)
{
	for (size_t i = 0; c->batches && i < BATCHES; i++) {
		free(c->batches[i].memory);
		free(c->batches[i].steps);
		window_unref(c->batches[i].window);
	}
	free(c->batches);
	c->batches = NULL;
	window_pool_done(&c->windows);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
}

/* ---- an analyzer at its work ---------------------------------------------------------------- */

static void note_busy(struct lane *n, bool is_busy, struct str path)
{
	if (!n->note)
		return;
	n->note->is_busy = is_busy;
	if (is_busy)
		snprintf(n->note->analyzer, sizeof(n->note->analyzer), "%s", n->ops->name);
	if (is_busy)
		str_copy(path, n->note->path, sizeof(n->note->path));
}

void lane_see(struct lane *n, const struct step *s)
{
	bool is_entry = s->has_entry && n->ops->entry, is_view = s->has_view && s->want & n->bit;

	if (!is_entry && !is_view)
		return;
	/* the member before may have been cut short */
	if (s->has_entry)
		ledger_forget(n->ledger);
	note_busy(n, true, s->file.path);
	ledger_at_file(n->ledger, &s->file, s->number);
	if (is_entry)
		n->ops->entry(n->self, &s->file, n->ledger);
	if (is_view) {
		ledger_starter(n->ledger, s->starter);
		n->ops->file(n->self, &s->view, n->ledger);
		ledger_keep_runs(n->ledger);
		if (s->view.is_last)
			ledger_forget(n->ledger);
	}
}

static void end_layer(struct lane *n)
{
	static const struct artifact_file whole = {.path = STR("/")};

	ledger_forget(n->ledger);
	ledger_at_file(n->ledger, &whole, UINT64_MAX);
	note_busy(n, true, whole.path);
	if (n->ops->layer_end)
		n->ops->layer_end(n->self, n->ledger);
	ledger_forget(n->ledger);
	note_busy(n, false, STR_NULL);
}

void lane_see_batch(struct lane *n, const struct batch *b)
{
	for (size_t i = 0; i < b->nsteps; i++)
		lane_see(n, &b->steps[i]);
	if (b->is_end)
		end_layer(n);
	note_busy(n, false, STR_NULL);
}

/* All of them, here and now; nothing is handed out. */
static void see_here(struct crew *c, const struct step *s)
{
	struct step mine = *s;

	mine.view.file = &mine.file;
	if (c->note)
		c->note->is_busy = false;
	for (size_t i = 0; i < c->nlanes; i++) {
		lane_see(&c->lanes[i], &mine);
		note_busy(&c->lanes[i], false, STR_NULL);
	}
	if (c->note)
		c->note->is_busy = true;
}

/* ---- batches -------------------------------------------------------------------------------- */

static struct batch *open_batch(struct crew *c)
{
	struct batch *b = &c->batches[c->head % BATCHES];

	if (c->is_open)
		return b;
	crew_wait_for_room(c);
	b = &c->batches[c->head % BATCHES];
	b->used = b->nsteps = 0;
	b->is_end = false;
	c->is_open = true;
	return b;
}

static void close_batch(struct crew *c)
{
	if (!c->is_open)
		return;
	c->is_open = false;
	crew_publish(c);
}

static struct str copy(struct batch *b, struct str s)
{
	char *at = b->memory + b->used;

	if (!s.s)
		return s;
	memcpy(at, s.s, s.len);
	b->used += s.len;
	return str_make(at, s.len);
}

/* Where its content lies until all have seen it, when that is too large to be copied. */
static struct window *window_for(struct crew *c, const struct step *s, struct window *window)
{
	struct str content = s->view.content;

	if (window && content.s >= window->bytes && content.s < window->bytes + window->cap &&
		content.len >= window->cap / 2)
		return window_ref(window);
	window = window_new(&c->windows, content.len);
	if (window)
		memcpy(window->bytes, content.s, content.len);
	return window;
}

/* The names of a step are no longer than PATH_BYTES each. */
static bool has_room(const struct batch *b, const struct step *s, size_t content)
{
	return b->nsteps < BATCH_STEPS &&
	       b->used + s->file.path.len + s->file.target.len + content <= BATCH_BYTES;
}

static void add_step(struct batch *b, const struct step *s)
{
	struct step *last = b->nsteps ? &b->steps[b->nsteps - 1] : NULL;
	struct step *to = &b->steps[b->nsteps++];

	*to = *s;
	/* most members have two steps, one behind the other */
	if (last && last->number == s->number) {
		to->file = last->file;
	} else {
		to->file.path = copy(b, s->file.path);
		to->file.target = copy(b, s->file.target);
	}
	to->view.file = &to->file;
}

static void add_large(struct crew *c, const struct step *s, struct window *window)
{
	struct window *held = window_for(c, s, window);
	size_t at = window && held == window ? (size_t)(s->view.content.s - window->bytes) : 0;

	if (!held) {
		close_batch(c);
		crew_wait_for_all(c);
		see_here(c, s);
		return;
	}
	struct batch *b = open_batch(c);

	if (!has_room(b, s, 0)) {
		close_batch(c);
		b = open_batch(c);
	}
	add_step(b, s);
	b->steps[b->nsteps - 1].view.content.s = held->bytes + at;
	b->window = held;
	close_batch(c);
}

void crew_show(struct crew *c, const struct step *s, struct window *window)
{
	size_t content = s->has_view ? s->view.content.len : 0;

	if (!c->batches) {
		see_here(c, s);
		return;
	}
	if (content > BATCH_BYTES / 2) {
		add_large(c, s, window);
		return;
	}
	struct batch *b = open_batch(c);

	if (!has_room(b, s, content)) {
		close_batch(c);
		b = open_batch(c);
	}
	add_step(b, s);
	if (s->has_view)
		b->steps[b->nsteps - 1].view.content = copy(b, s->view.content);
}

void crew_end(struct crew *c)
{
	if (!c->batches) {
		for (size_t i = 0; i < c->nlanes; i++)
			end_layer(&c->lanes[i]);
		return;
	}
	open_batch(c)->is_end = true;
	close_batch(c);
	crew_wait_for_all(c);
}
