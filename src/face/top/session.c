/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is shown, without a screen: the view at hand, the rows that led to it, the events that go
 * into its table. Live, one table gathers while the one of the interval before is shown; a capture
 * is read once for each view, from its start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "face/top/private.h"

enum { CONDITION_MAX = 8192 };

const struct view *session_view(const struct session *s)
{
	return s->levels[s->depth].view;
}

struct level *session_level(struct session *s)
{
	return &s->levels[s->depth];
}

/* ---- the table of a view ------------------------------------------------------------------- */

static void add_condition(struct buf *b, struct str more)
{
	if (more.len)
		buf_printf(b, "%s(%.*s)", b->len ? " and " : "", STR_ARG(more));
}

static int make_table(struct session *s, const struct view *v, const char *where,
	const char *filter, struct group_table **ret, struct err *e)
{
	struct buf condition = BUF_INIT(CONDITION_MAX);
	const struct level *level = &s->levels[s->depth];
	struct group_spec spec = {
		.columns = v->columns,
		.ncolumns = v->ncolumns,
		.sort_column = v->sort,
		.ascending = v->ascending,
		.fields = &s->views.fields,
	};

	add_condition(&condition, v->filter);
	add_condition(&condition, str_of(where));
	add_condition(&condition, str_of(filter));
	spec.filter = buf_str(&condition);
	int r = condition.cut ? err_set(e, E2BIG, "the filters are too long together")
			      : group_new(&spec, ret, e);
	buf_done(&condition);
	if (r >= 0 && level->view == v && level->sort >= 0)
		group_sort(*ret, level->sort, level->ascending);
	return r;
}

static void forget_tables(struct session *s)
{
	group_free(s->gather);
	if (s->shown != s->gather)
		group_free(s->shown);
	s->gather = s->shown = NULL;
	list_done(&s->list);
	s->rows = NULL;
	s->nrows = 0;
	s->nslices = 0;
}

static void start_interval(struct session *s)
{
	s->interval_start_ns = clock_boot_ns();
	s->interval_events = 0;
}

static int rewind_feed(struct session *s, struct err *e)
{
	int r = 0;

	if (s->is_live || !s->is_read)
		return 0;
	r = s->feed->rewind ? s->feed->rewind(s->feed->arg, e)
			    : err_set(e, ESPIPE, "this capture cannot be read again");
	s->is_over = false;
	s->is_read = false;
	s->events = 0;
	s->first_ev_ns = s->last_ev_ns = 0;
	return r;
}

/* Makes the tables of a view; when it cannot be, those that are there stay. */
static int begin(struct session *s, const struct view *v, const char *where, const char *filter,
	struct err *e)
{
	struct group_table *one = NULL, *two = NULL;
	int r = make_table(s, v, where, filter, &one, e);

	if (r >= 0 && s->is_live)
		r = make_table(s, v, where, filter, &two, e);
	if (r >= 0)
		r = rewind_feed(s, e);
	if (r < 0) {
		group_free(one);
		group_free(two);
		return r;
	}
	forget_tables(s);
	s->gather = one;
	s->shown = two ? two : one;
	s->slice_ns = s->is_live ? s->refresh_ns : NSEC_PER_SEC / 1000;
	s->slice_start_ns = 0;
	start_interval(s);
	if (v->type == VIEW_LIST && list_init(&s->list, v->ncolumns) < 0)
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}

int session_open(
	struct session *s, const struct top_feed *feed, const struct top_options *o, struct err *e)
{
	const struct view *v;
	int r;

	*s = (struct session){.feed = feed, .o = *o};
	s->is_live = !feed->rewind;
	s->refresh_ns = o->refresh_ns ? o->refresh_ns : 2 * NSEC_PER_SEC;
	s->last_refresh_ns = clock_boot_ns();
	s->cpu_start_ns = clock_cpu_ns();
	if (!str_copy(o->filter, s->filter, sizeof(s->filter)))
		return err_set(e, E2BIG, "the filter is longer than %d bytes", TEXT_MAX - 1);
	r = views_load(o, &s->views, e);
	if (r < 0)
		return r;
	s->slices = calloc(SLICES_MAX, sizeof(*s->slices));
	r = s->slices ? views_get(&s->views, o->view.len ? o->view : STR("procs"), &v, e)
		      : err_set(e, ENOMEM, "out of memory");
	if (r >= 0) {
		s->levels[0] = (struct level){.view = v, .sort = -1};
		r = begin(s, v, "", s->filter, e);
	}
	if (r < 0)
		session_close(s);
	return r;
}

void session_close(struct session *s)
{
	forget_tables(s);
	free(s->slices);
	s->slices = NULL;
	views_done(&s->views);
}

/* ---- events -------------------------------------------------------------------------------- */

/* Twice as long slices, half as many: any capture fits, whatever its length. */
static void merge_slices(struct session *s)
{
	for (size_t i = 0; i < s->nslices / 2; i++) {
		struct slice sum = s->slices[2 * i];

		for (size_t k = 0; k < LATENCY_BUCKETS; k++)
			sum.count[k] += s->slices[2 * i + 1].count[k];
		s->slices[i] = sum;
	}
	s->nslices /= 2;
	s->slice_ns *= 2;
}

static struct slice *new_slice(struct session *s)
{
	if (s->nslices == SLICES_MAX && s->is_live) {
		memmove(s->slices, s->slices + 1, (SLICES_MAX - 1) * sizeof(*s->slices));
		s->nslices--;
	} else if (s->nslices == SLICES_MAX) {
		merge_slices(s);
	}
	struct slice *slice = &s->slices[s->nslices++];
	*slice = (struct slice){.start_ns = s->slice_start_ns};
	return slice;
}

/* What was gathered becomes one line. */
static void close_slice(struct session *s)
{
	const struct group_row *rows;
	size_t n = group_rows(s->gather, 0, 0, &rows);
	struct slice *slice = new_slice(s);

	for (size_t i = 0; i < n; i++) {
		uint64_t bucket = rows[i].values[0].u;

		slice->count[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1] +=
			rows[i].events;
	}
	group_clear(s->gather);
}

/* Captures: by the time of events; what lies between, however long, are at most so many lines. */
static void advance_slices(struct session *s, uint64_t ts_ns)
{
	if (!s->slice_start_ns)
		s->slice_start_ns = ts_ns;
	while (ts_ns >= s->slice_start_ns + s->slice_ns) {
		close_slice(s);
		s->slice_start_ns += s->slice_ns;
		/* a long silence: as many slices as there are would all be merged away */
		while ((ts_ns - s->slice_start_ns) / s->slice_ns > SLICES_MAX)
			merge_slices(s);
	}
}

/* Not what only tells the state something: containers and processes that were there before. */
static bool is_shown(const struct event *ev)
{
	return ev->def && !ev->is_state_only && ev->code != EV_PROCINFO &&
	       !(ev->def->flags & EF_META && ev->def->category == EC_INTERNAL) &&
	       ev->ts_ns >= NSEC_PER_SEC;
}

static void take_event(struct session *s, const struct field_subject *subject)
{
	const struct view *v = session_view(s);
	const struct group_row *row;

	s->events++;
	s->interval_events++;
	if (s->is_paused || !is_shown(subject->ev))
		return;
	s->last_ev_ns = subject->ev->ts_ns;
	if (!s->first_ev_ns)
		s->first_ev_ns = s->last_ev_ns;
	if (v->type == VIEW_SPECTROGRAM && !s->is_live)
		advance_slices(s, s->last_ev_ns);
	if (!group_event(s->gather, subject) || v->type != VIEW_LIST)
		return;
	if (group_rows(s->gather, 0, 1, &row) == 1)
		list_add(&s->list, v, row);
	group_clear(s->gather);
}

static void take_sample(const struct field_subject *subject, void *arg)
{
	struct session *s = arg;

	group_sample(s->gather, subject);
}

static void sample(struct session *s)
{
	struct group_samples what = {s->feed->state(s->feed->arg), s->feed->usage, s->feed->arg};

	if (session_view(s)->type == VIEW_TABLE)
		group_samples_take(&what, session_view(s)->from,
			s->is_live ? clock_epoch_ns() : s->last_ev_ns, take_sample, s);
}

static void finish_capture(struct session *s)
{
	s->is_over = true;
	sample(s);
	if (session_view(s)->type == VIEW_SPECTROGRAM && s->first_ev_ns)
		close_slice(s);
}

int session_pump(struct session *s, int ms, struct err *e)
{
	uint64_t end_ns = clock_boot_ns() + (uint64_t)ms * 1000000, now;
	struct field_subject subject;
	unsigned n = 0;
	int r = 0;

	if (s->is_over)
		return -ENODATA;
	for (;;) {
		now = clock_boot_ns();
		if (now >= end_ns)
			return 0;
		/* the clock is looked at once in a while */
		do {
			r = s->feed->next(
				s->feed->arg, (int)((end_ns - now) / 1000000), &subject, e);
			s->is_read = true;
			if (r > 0)
				take_event(s, &subject);
		} while (r > 0 && ++n % 64);
		if (r == -ENODATA)
			finish_capture(s);
		if (r < 0)
			return r;
	}
}

/* ---- what is shown ------------------------------------------------------------------------- */

static uint64_t interval(const struct session *s, uint64_t now)
{
	if (s->is_live)
		return now - s->interval_start_ns;
	return s->last_ev_ns - s->first_ev_ns;
}

static void take_rows(struct session *s, uint64_t interval_ns)
{
	switch (session_view(s)->type) {
	case VIEW_TABLE:
		s->nrows = group_rows(s->shown, interval_ns, 0, &s->rows);
		break;
	case VIEW_LIST:
		s->nrows = s->list.n;
		break;
	case VIEW_SPECTROGRAM:
		s->nrows = s->nslices;
		break;
	}
}

/* The interval's table goes on show, the one that was there gathers from now on. */
static void swap(struct session *s)
{
	struct group_table *g = s->gather;

	if (session_view(s)->type == VIEW_TABLE) {
		sample(s);
		s->gather = s->shown;
		s->shown = g;
		group_clear(s->gather);
	} else if (session_view(s)->type == VIEW_SPECTROGRAM) {
		s->slice_start_ns = clock_epoch_ns();
		close_slice(s);
	}
}

static void measure(struct session *s, uint64_t now)
{
	uint64_t cpu = clock_cpu_ns(), wall = now - s->last_refresh_ns;

	if (!wall)
		return;
	s->events_s = (double)s->interval_events * (double)NSEC_PER_SEC / (double)wall;
	s->cpu_percent = (double)(cpu - s->cpu_start_ns) * 100 / (double)wall;
	s->cpu_start_ns = cpu;
	s->last_refresh_ns = now;
}

static void keep_selection(struct session *s)
{
	struct level *l = session_level(s);

	if (l->selected >= s->nrows)
		l->selected = s->nrows ? s->nrows - 1 : 0;
}

bool session_refresh(struct session *s, bool force)
{
	uint64_t now = clock_boot_ns();
	bool due = now - s->interval_start_ns >= s->refresh_ns;
	bool follows = session_view(s)->type == VIEW_LIST && s->is_live &&
		       session_level(s)->selected + 1 >= s->nrows;

	if (s->is_paused && !force)
		return false;
	if (!s->is_live) {
		take_rows(s, interval(s, now));
		keep_selection(s);
		return true;
	}
	if (!due && !force && session_view(s)->type != VIEW_LIST)
		return false;
	uint64_t length = interval(s, now);
	if (due || force) {
		measure(s, now);
		swap(s);
		start_interval(s);
	}
	take_rows(s, length);
	if (follows && s->nrows)
		session_level(s)->selected = s->nrows - 1;
	keep_selection(s);
	return true;
}

size_t session_count(const struct session *s)
{
	return s->nrows;
}

bool session_cell(const struct session *s, size_t row, size_t column, struct buf *out)
{
	const struct view *v = session_view(s);

	if (v->type == VIEW_LIST) {
		struct str text = list_cell(&s->list, row, column);

		buf_add(out, text);
		return text.s != NULL;
	}
	if (v->type != VIEW_TABLE)
		return false;
	const struct value *value = &s->rows[row].values[column];
	if (value->type == VT_STR && !value->s.s)
		return false;
	group_value_format(&v->columns[column], value, out);
	return true;
}

/* ---- moving around ------------------------------------------------------------------------- */

static void add_literal(struct buf *b, const struct value *v)
{
	char text[4200];
	struct buf plain = {.s = text, .cap = sizeof(text), .max = sizeof(text) - 1};

	text[0] = 0;
	value_format(v, &plain);
	buf_add_char(b, '"');
	for (size_t i = 0; i < plain.len; i++) {
		unsigned char c = (unsigned char)plain.s[i];

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 32 || c == 127)
			buf_printf(b, "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
	buf_add_char(b, '"');
}

/* The condition that is true for the events of the row that is selected. */
static void row_condition(const struct session *s, struct buf *where, struct buf *title)
{
	const struct view *v = session_view(s);
	const struct level *l = &s->levels[s->depth];

	buf_add_cstr(where, l->where);
	for (size_t i = 0; i < v->ncolumns; i++) {
		const struct group_column *c = &v->columns[i];

		if (c->agg != GROUP_KEY ||
			(v->drilldown_key.len && !str_eq(c->field, v->drilldown_key)))
			continue;
		const struct value *value = &s->rows[l->selected].values[i];
		buf_printf(where, "%s%.*s = ", where->len ? " and " : "", STR_ARG(c->field));
		add_literal(where, value);
		if (v->hidden[i] && !v->drilldown_key.len)
			continue;
		if (title->len)
			buf_add_char(title, ' ');
		buf_add(title, c->name);
		buf_add_char(title, ' ');
		group_value_format(c, value, title);
	}
}

bool session_applies(const struct session *s, const struct view *v)
{
	if (!v->napplies || !s->depth)
		return true;
	for (size_t i = 0; i < v->napplies; i++)
		if (strstr(s->levels[s->depth].where, v->applies_to[i].s))
			return true;
	return false;
}

const struct view *session_target(const struct session *s)
{
	const struct view *v = session_view(s);

	if (v->type != VIEW_TABLE)
		return NULL;
	return views_find(&s->views, v->drilldown.len ? v->drilldown : STR("events"));
}

int session_show(struct session *s, const struct view *v, struct err *e)
{
	struct level *l = session_level(s);
	int r = begin(s, v, l->where, s->filter, e);

	if (r < 0)
		return r;
	l->view = v;
	l->selected = l->top = 0;
	l->sort = -1;
	return 0;
}

int session_drill(struct session *s, const struct view *to, struct err *e)
{
	struct level next = {.view = to, .sort = -1};
	struct buf where = BUF_INIT(sizeof(next.where) - 1);
	struct buf title = BUF_INIT(sizeof(next.title) - 1);
	int r = 0;

	if (s->depth + 1 >= DEPTH_MAX)
		return err_set(e, E2BIG, "deeper than %d levels it does not go", DEPTH_MAX);
	if (session_view(s)->type == VIEW_TABLE && s->nrows)
		row_condition(s, &where, &title);
	else
		buf_add_cstr(&where, s->levels[s->depth].where);
	if (where.cut)
		r = err_set(e, E2BIG, "the row's name is too long to look for");
	if (!r)
		r = begin(s, to, where.s ? where.s : "", s->filter, e);
	if (!r) {
		str_copy(buf_str(&where), next.where, sizeof(next.where));
		str_copy(buf_str(&title), next.title, sizeof(next.title));
		s->levels[++s->depth] = next;
	}
	buf_done(&where);
	buf_done(&title);
	return r;
}

int session_up(struct session *s, struct err *e)
{
	if (!s->depth)
		return 0;
	const struct level *to = &s->levels[s->depth - 1];
	s->depth--;
	int r = begin(s, to->view, to->where, s->filter, e);
	if (r < 0)
		s->depth++;
	return r;
}

int session_filter(struct session *s, const char *text, struct err *e)
{
	const struct level *l = session_level(s);
	struct group_table *g = NULL;
	struct group_column one = {.name = STR("N"), .field = STR("evt.count"), .agg = GROUP_COUNT};
	struct group_spec spec = {.columns = &one,
		.ncolumns = 1,
		.filter = str_of(text),
		.sort_column = -1,
		.fields = &s->views.fields};
	int r = group_new(&spec, &g, e);

	/* alone first, so that the place is that in this text */
	if (r >= 0) {
		group_free(g);
		r = begin(s, l->view, l->where, text, e);
	}
	if (r >= 0)
		str_copy(str_of(text), s->filter, sizeof(s->filter));
	return r;
}

void session_sort(struct session *s, int column)
{
	struct level *l = session_level(s);
	const struct view *v = session_view(s);
	int now = l->sort >= 0 ? l->sort : v->sort;
	bool is_text = v->columns[column].agg == GROUP_KEY || v->columns[column].agg == GROUP_LAST;

	if (now == column)
		l->ascending = !(l->sort >= 0 ? l->ascending : v->ascending);
	else
		l->ascending = is_text;
	l->sort = column;
	group_sort(s->gather, column, l->ascending);
	group_sort(s->shown, column, l->ascending);
	if (v->type == VIEW_TABLE)
		take_rows(s, s->is_live ? s->refresh_ns : interval(s, 0));
}

void session_clear(struct session *s)
{
	group_clear(s->gather);
	if (s->shown != s->gather)
		group_clear(s->shown);
	s->list.n = s->list.first = 0;
	s->list.lost = 0;
	s->nslices = 0;
	s->rows = NULL;
	s->nrows = 0;
	start_interval(s);
	keep_selection(s);
}
