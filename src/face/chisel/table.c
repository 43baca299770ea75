/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two kinds that are tables of engine/group: "table" adds up events, and what is there if it says
 * so, until the end or for each interval; "list" shows what is there at the first event and is
 * done. Adding up is engine/group's work, writing text.c's.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "face/chisel/private.h"

enum { TOP_MAX = 1000000, INTERVAL_MAX_S = 86400, SCREEN_LINES = 2 };

struct table_chisel {
	struct chisel_file file;
	struct table_spec spec;
	struct group_column *own_columns; /* when there is no file */
	bool *own_hidden;
	struct group_table *g;
	struct group_row *picked; /* rows that are shown */
	size_t picked_room;
	uint64_t every_ns, start_ns, now_ns;
	bool has_file, is_screen, is_done, was_printed;
};

/* ---- opening -------------------------------------------------------------------------------- */

static const char *const table_keys[] = {"columns", "from", "top", "interval", "log", NULL};
static const char *const list_keys[] = {"columns", "from", "top", NULL};
static const char *const from_words[] = {
	"events", "processes", "threads", "descriptors", "containers", NULL};

/* In a list nothing is added up: whatever is no key is one. */
static void make_keys(struct group_columns *columns)
{
	for (size_t i = 0; i < columns->n; i++)
		if (columns->columns[i].agg == GROUP_LAST)
			columns->columns[i].agg = GROUP_KEY;
	if (columns->sort < 0) {
		columns->sort = 0;
		columns->ascending = true;
	}
}

static int read_spec(struct chisel_file *f, struct table_spec *spec)
{
	const struct yaml_node *root = f->root;
	unsigned from = GROUP_FROM_EVENTS;
	int64_t top = 0, interval = 0;

	if (group_columns_read(&f->r, root, &f->fields, &spec->columns) < 0 ||
		yaml_read_word(&f->r, root, "from", from_words, &from) < 0 ||
		yaml_read_number(&f->r, root, "top", 1, TOP_MAX, &top) < 0 ||
		yaml_read_number(&f->r, root, "interval", 1, INTERVAL_MAX_S, &interval) < 0 ||
		yaml_read_bool(&f->r, root, "log", &spec->is_log) < 0)
		return -EINVAL;
	if (!spec->columns.nkeys && !spec->is_list)
		return yaml_mistake(&f->r, yaml_get(root, "columns"),
			"no column has \"key: true\": nothing tells rows apart");
	if (spec->is_list && from == GROUP_FROM_EVENTS)
		return yaml_mistake(&f->r, root,
			"a list is \"from\" processes, threads, descriptors or containers");
	spec->from = (enum group_from)from;
	spec->top = (size_t)top;
	spec->every_ns = (uint64_t)interval * NSEC_PER_SEC;
	spec->filter = f->filter;
	spec->fields = &f->fields;
	return 0;
}

static int start(struct table_chisel *t, const struct chisel_env *env, struct err *e)
{
	const struct table_spec *spec = &t->spec;
	struct group_spec gs = {
		.columns = spec->columns.columns,
		.ncolumns = spec->columns.n,
		.filter = spec->filter,
		.sort_column = spec->columns.sort,
		.ascending = spec->columns.ascending,
		.fields = spec->fields,
		.missing_keys = spec->is_list,
	};

	t->is_screen = env->is_live && env->is_tty && !env->json && !spec->is_list && !spec->is_log;
	t->every_ns = spec->every_ns;
	if (t->is_screen && !t->every_ns)
		t->every_ns = NSEC_PER_SEC;
	return group_new(&gs, &t->g, e);
}

/* The columns may be those of somebody's stack. */
static int copy_columns(struct table_chisel *t, const struct group_columns *from)
{
	struct group_columns *to = &t->spec.columns;

	to->columns = t->own_columns = calloc(from->n, sizeof(*to->columns));
	to->hidden = t->own_hidden = calloc(from->n, sizeof(*to->hidden));
	if (!to->columns || !to->hidden)
		return -ENOMEM;
	memcpy(to->columns, from->columns, from->n * sizeof(*to->columns));
	memcpy(to->hidden, from->hidden, from->n * sizeof(*to->hidden));
	return 0;
}

int table_open(struct chisel *c, const struct table_spec *spec, struct err *e)
{
	struct table_chisel *t = calloc(1, sizeof(*t));

	c->self = t;
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	t->spec = *spec;
	if (copy_columns(t, &spec->columns) < 0)
		return err_set(e, ENOMEM, "out of memory");
	return start(t, c->env, e);
}

void table_set_codes(struct chisel *c, const uint64_t *codes)
{
	struct table_chisel *t = c->self;

	memcpy(t->file.codes, codes, sizeof(t->file.codes));
	c->codes = t->file.codes;
}

static int open_file(
	struct chisel *c, const struct str *args, size_t nargs, bool is_list, struct err *e)
{
	struct table_chisel *t = calloc(1, sizeof(*t));

	c->self = t;
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	t->has_file = true;
	t->spec.is_list = is_list;
	int r = chisel_file_open(&t->file, c, args, nargs, is_list ? list_keys : table_keys, e);
	if (r == 0)
		r = read_spec(&t->file, &t->spec);
	if (r < 0)
		return r;
	if (is_list)
		make_keys(&t->spec.columns);
	if (t->spec.from != GROUP_FROM_EVENTS && is_list)
		c->codes = NULL; /* any event will do */
	return start(t, c->env, e);
}

static int open_table(struct chisel *c, const struct str *args, size_t nargs, struct err *e)
{
	return open_file(c, args, nargs, false, e);
}

static int open_list(struct chisel *c, const struct str *args, size_t nargs, struct err *e)
{
	return open_file(c, args, nargs, true, e);
}

static void table_close(struct chisel *c)
{
	struct table_chisel *t = c->self;

	if (!t)
		return;
	group_free(t->g);
	free(t->picked);
	free(t->own_columns);
	free(t->own_hidden);
	if (t->has_file)
		chisel_file_close(&t->file);
	free(t);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void take_sample(const struct field_subject *s, void *arg)
{
	group_sample(((struct table_chisel *)arg)->g, s);
}

static void ignore_sample(const struct field_subject *s, void *arg)
{
}

static void sample(struct chisel *c, void (*fn)(const struct field_subject *s, void *arg))
{
	struct table_chisel *t = c->self;
	struct group_samples what = {c->env->state, c->env->usage, c->env->arg};

	if (t->spec.from != GROUP_FROM_EVENTS && what.state)
		group_samples_take(&what, t->spec.from, t->now_ns, fn, t);
}

static bool is_nothing(const struct value *v)
{
	switch (v->type) {
	case VT_STR:
		return !v->s.s;
	case VT_DOUBLE:
		return !(v->d < 0 || v->d > 0);
	default:
		return v->u == 0;
	}
}

/* A row in which nothing has added up is no news: who is there although it does nothing. */
static bool is_row(const struct group_columns *columns, const struct group_row *row)
{
	bool any = false;

	for (size_t i = 0; i < columns->n; i++) {
		if (columns->columns[i].agg == GROUP_KEY || columns->columns[i].agg == GROUP_LAST)
			continue;
		if (!is_nothing(&row->values[i]))
			return true;
		any = true;
	}
	return !any;
}

static bool make_room(struct table_chisel *t, size_t n)
{
	struct group_row *room;

	if (n <= t->picked_room)
		return true;
	room = realloc(t->picked, n * sizeof(*room));
	if (!room)
		return false;
	t->picked = room;
	t->picked_room = n;
	return true;
}

static size_t pick_rows(struct table_chisel *t, size_t max)
{
	const struct group_row *rows;
	size_t n = group_rows(t->g, t->now_ns - t->start_ns, 0, &rows), picked = 0;

	if (!make_room(t, n))
		return 0;
	for (size_t i = 0; i < n && (!max || picked < max); i++)
		if (is_row(&t->spec.columns, &rows[i]))
			t->picked[picked++] = rows[i];
	return picked;
}

static size_t most_rows(const struct chisel *c)
{
	const struct table_chisel *t = c->self;
	size_t room = c->env->height > SCREEN_LINES ? c->env->height - SCREEN_LINES : 0;

	if (t->is_screen && room && (!t->spec.top || t->spec.top > room))
		return room;
	return t->spec.top;
}

static void print(struct chisel *c)
{
	struct table_chisel *t = c->self;
	struct text_rows rows = {.columns = &t->spec.columns};

	sample(c, take_sample);
	rows.n = pick_rows(t, most_rows(c));
	rows.rows = t->picked;
	if (t->every_ns && !t->is_screen && !t->spec.is_log)
		rows.time_ns = t->now_ns;
	rows.no_heading = t->spec.is_log && (t->was_printed || !rows.n);
	rows.max_width = t->is_screen ? c->env->width : 0;
	if (t->is_screen)
		c->env->print(STR("\033[H\033[2J"), c->env->arg);
	text_print_rows(c->env, &rows);
	t->was_printed = t->was_printed || rows.n > 0 || !t->spec.is_log;
}

/* Intervals begin at whole multiples of their length, so that those of two runs fit. */
static void go_on(struct table_chisel *t)
{
	t->start_ns = t->now_ns;
	if (t->every_ns)
		t->start_ns -= t->now_ns % t->every_ns;
}

static void pass_time(struct chisel *c, uint64_t now_ns)
{
	struct table_chisel *t = c->self;

	if (!t->start_ns) {
		t->now_ns = now_ns;
		go_on(t);
		/* what a process uses is a difference: asked for at both ends */
		if (c->env->usage && t->spec.from == GROUP_FROM_PROCESSES)
			sample(c, ignore_sample);
	}
	if (t->every_ns && now_ns >= t->start_ns + t->every_ns) {
		t->now_ns = t->start_ns + t->every_ns;
		print(c);
		group_clear(t->g);
		t->now_ns = now_ns;
		go_on(t);
	}
	if (now_ns > t->now_ns)
		t->now_ns = now_ns;
}

/* ---- the kinds ------------------------------------------------------------------------------ */

static int table_event(struct chisel *c, struct field_subject *s, struct err *e)
{
	struct table_chisel *t = c->self;

	pass_time(c, s->ev->ts_ns);
	group_event(t->g, s);
	return 0;
}

static int table_tick(struct chisel *c, uint64_t now_ns, struct err *e)
{
	pass_time(c, now_ns);
	return 0;
}

static int table_end(struct chisel *c, struct err *e)
{
	struct table_chisel *t = c->self;

	/* what is on the screen stays there */
	if (!t->is_screen || !t->was_printed)
		print(c);
	return 0;
}

static int list_now(struct chisel *c, uint64_t now_ns)
{
	struct table_chisel *t = c->self;

	if (!t->is_done) {
		t->now_ns = now_ns;
		print(c);
		t->is_done = true;
	}
	return 1;
}

/* What a capture tells of its machine comes in front of what happened there. */
static int list_event(struct chisel *c, struct field_subject *s, struct err *e)
{
	if (s->ev->def && s->ev->def->flags & EF_META)
		return 0;
	return list_now(c, s->ev->ts_ns);
}

/* Nothing happened: what is there, is there all the same. */
static int list_end(struct chisel *c, struct err *e)
{
	list_now(c, ((struct table_chisel *)c->self)->now_ns);
	return 0;
}

const struct chisel_ops chisel_ops_table = {
	.kind = "table",
	.open = open_table,
	.event = table_event,
	.tick = table_tick,
	.end = table_end,
	.close = table_close,
};

const struct chisel_ops chisel_ops_list = {
	.kind = "list",
	.open = open_list,
	.event = list_event,
	.end = list_end,
	.close = table_close,
};
