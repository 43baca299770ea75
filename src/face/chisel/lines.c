/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind "lines": a line for each event that passes, in columns or in a format; or the lines of
 * the events in which a field is greatest, at the end.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/grid.h"
#include "face/chisel/private.h"

enum {
	COLOURS_MAX = 16,
	KEEP_MAX = 10000,
	LINE_BYTES = 1 << 20,
	SCRATCH_BYTES = 64 << 20,
};

struct colour_rule {
	struct event_filter *filter; /* NULL = always */
	const char *escape;
};

/* A line that waits for the end. */
struct kept {
	double by;
	char *s;
	size_t len;
};

/* A column of group_columns, ready for one event after the other. */
struct line_column {
	struct format *format;       /* of its field */
	struct event_filter *filter; /* NULL = always */
};

struct lines_chisel {
	struct chisel_file file;
	struct event_filter *filter;
	struct group_columns columns;
	struct line_column *ready; /* one each */
	struct format *format;     /* or a format */
	struct format *by;         /* the field of lines that are kept */
	struct kept *kept;
	size_t nkept, keep;
	struct colour_rule colours[COLOURS_MAX];
	size_t ncolours;
	struct arena scratch;
	struct buf line, cell;
	struct event_style style;
	bool has_heading;
};

/* ---- opening -------------------------------------------------------------------------------- */

static const char *const keys[] = {"columns", "format", "data", "colours", "keep", "by", NULL};

static int compile_format(
	struct lines_chisel *l, const char *key, struct str text, struct format **ret)
{
	struct filter_parse_options o = {.fields = &l->file.fields};
	struct filter_error fe = {0};

	if (format_compile(&l->file.arena, text, &o, ret, &fe) < 0)
		return yaml_mistake(&l->file.r, yaml_get(l->file.root, key),
			"the %s, column %u: %s", key, fe.pos.column, fe.msg);
	return 0;
}

static int compile_column(struct lines_chisel *l, size_t i)
{
	const struct group_column *c = &l->columns.columns[i];
	struct str text = arena_printf(&l->file.arena, "%%%.*s", STR_ARG(c->field));
	struct err why = {0};

	if (event_filter_open(c->filter, "filter", &l->ready[i].filter, &why) < 0)
		return yaml_mistake(&l->file.r, yaml_get(l->file.root, "columns"), "%s", why.msg);
	return compile_format(l, "columns", text, &l->ready[i].format);
}

static int read_columns(struct lines_chisel *l)
{
	struct chisel_file *f = &l->file;

	if (group_columns_read(&f->r, f->root, &f->fields, &l->columns) < 0)
		return -EINVAL;
	l->ready = arena_array(&f->arena, struct line_column, l->columns.n);
	if (!l->ready)
		return err_set(f->r.e, ENOMEM, "out of memory");
	for (size_t i = 0; i < l->columns.n; i++)
		if (compile_column(l, i) < 0)
			return -EINVAL;
	return 0;
}

static int read_lines(struct lines_chisel *l)
{
	struct chisel_file *f = &l->file;
	struct str format = STR_NULL;

	if (yaml_read_text(&f->r, f->root, "format", false, &format) < 0)
		return -EINVAL;
	if (!format.len == !yaml_get(f->root, "columns"))
		return yaml_mistake(
			&f->r, f->root, "lines have either \"columns\" or a \"format\"");
	return format.len ? compile_format(l, "format", format, &l->format) : read_columns(l);
}

static int read_kept(struct lines_chisel *l, struct err *e)
{
	struct chisel_file *f = &l->file;
	struct str by = STR_NULL;
	int64_t keep = 0;

	if (yaml_read_number(&f->r, f->root, "keep", 1, KEEP_MAX, &keep) < 0 ||
		yaml_read_text(&f->r, f->root, "by", keep > 0, &by) < 0)
		return -EINVAL;
	if (!keep)
		return 0;
	l->keep = (size_t)keep;
	l->kept = calloc(l->keep + 1, sizeof(*l->kept));
	if (!l->kept)
		return err_set(e, ENOMEM, "out of memory");
	return compile_format(l, "by", arena_printf(&f->arena, "*%%%.*s", STR_ARG(by)), &l->by);
}

static int read_colour(struct lines_chisel *l, const struct yaml_node *at, struct err *e)
{
	static const char *const rule_keys[] = {"if", "colour", NULL};
	struct colour_rule *c = &l->colours[l->ncolours];
	struct str condition = STR_NULL, colour = STR_NULL;
	struct yaml_reading *r = &l->file.r;
	struct err why = {0};

	if (yaml_check_keys(r, at, rule_keys, "a colour") < 0 ||
		yaml_read_text(r, at, "if", false, &condition) < 0 ||
		yaml_read_text(r, at, "colour", true, &colour) < 0)
		return -EINVAL;
	c->escape = text_colour(colour);
	if (!c->escape)
		return yaml_mistake(r, at,
			"\"%.*s\" is none of the colours: red, green, yellow, blue, magenta, cyan",
			STR_ARG(colour));
	if (event_filter_open(condition, "if", &c->filter, &why) < 0)
		return yaml_mistake(r, at, "%s", why.msg);
	l->ncolours++;
	return 0;
}

static int read_colours(struct lines_chisel *l, struct err *e)
{
	const struct yaml_node *list = yaml_get(l->file.root, "colours");

	if (!list)
		return 0;
	if (list->kind != YAML_SEQ || list->nitems > COLOURS_MAX)
		return yaml_mistake(&l->file.r, list,
			"\"colours\" must be a list of at most %d conditions with a colour",
			COLOURS_MAX);
	for (size_t i = 0; i < list->nitems; i++)
		if (read_colour(l, list->items[i], e) < 0)
			return -EINVAL;
	return 0;
}

/* How data is printed, unless the command line says otherwise. */
static int read_data(struct lines_chisel *l, const struct chisel_env *env)
{
	static const char *const words[] = {"dots", "text", "hex", "both", "base64", NULL};
	static const enum event_bytes bytes[] = {
		BYTES_DOTS, BYTES_TEXT, BYTES_HEX, BYTES_HEX_TEXT, BYTES_BASE64};
	unsigned word = 0;

	if (yaml_read_word(&l->file.r, l->file.root, "data", words, &word) < 0)
		return -EINVAL;
	l->style = env->style;
	if (l->style.bytes == BYTES_DOTS)
		l->style.bytes = bytes[word];
	l->style.max_bytes = 0;
	return 0;
}

static int lines_open(struct chisel *c, const struct str *args, size_t nargs, struct err *e)
{
	struct lines_chisel *l = calloc(1, sizeof(*l));

	c->self = l;
	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&l->scratch, SCRATCH_BYTES);
	l->line = l->cell = BUF_INIT(LINE_BYTES);
	int r = chisel_file_open(&l->file, c, args, nargs, keys, e);
	if (r == 0)
		r = read_lines(l);
	if (r == 0)
		r = read_kept(l, e);
	if (r == 0)
		r = read_colours(l, e);
	if (r == 0)
		r = read_data(l, c->env);
	if (r == 0)
		r = event_filter_open(l->file.filter, "filter", &l->filter, e);
	if (!c->env->colour || c->env->json || l->file.no_colour)
		l->ncolours = 0;
	return r;
}

static void lines_close(struct chisel *c)
{
	struct lines_chisel *l = c->self;

	if (!l)
		return;
	for (size_t i = 0; i < COLOURS_MAX; i++)
		event_filter_close(l->colours[i].filter);
	for (size_t i = 0; l->kept && i < l->nkept; i++)
		free(l->kept[i].s);
	free(l->kept);
	event_filter_close(l->filter);
	for (size_t i = 0; l->ready && i < l->columns.n; i++)
		event_filter_close(l->ready[i].filter);
	buf_done(&l->line);
	buf_done(&l->cell);
	arena_done(&l->scratch);
	chisel_file_close(&l->file);
	free(l);
}

/* ---- a line --------------------------------------------------------------------------------- */

static void add_cell(struct lines_chisel *l, size_t i, struct str text)
{
	bool is_last = i + 1 == l->columns.n;

	text_add_padded(&l->line, text, is_last ? 0 : (int)l->columns.columns[i].width, false);
	buf_add_char(&l->line, is_last ? '\n' : ' ');
}

static void print_heading(struct chisel *c)
{
	struct lines_chisel *l = c->self;

	l->has_heading = true;
	if (!l->ready || c->env->json)
		return;
	buf_clear(&l->line);
	for (size_t i = 0; i < l->columns.n; i++)
		add_cell(l, i, l->columns.columns[i].name);
	c->env->print(buf_str(&l->line), c->env->arg);
}

/* Text as outputs print it, numbers with a unit as tables do; nothing when it is missing. */
static void add_column(struct lines_chisel *l, size_t i, struct field_subject *s)
{
	const struct group_column *c = &l->columns.columns[i];
	const struct line_column *ready = &l->ready[i];
	struct field_ctx ctx = {s, &l->scratch};
	struct value v;

	buf_clear(&l->cell);
	if (event_filter_passes(ready->filter, s)) {
		if (c->unit == GROUP_PLAIN) {
			if (!format_render_line(ready->format, &ctx, false, &l->cell))
				buf_clear(&l->cell);
		} else if (format_field_value(ready->format, 0, &ctx, &v)) {
			group_value_format(c, &v, &l->cell);
		}
	}
	add_cell(l, i, buf_str(&l->cell));
}

static void add_json_columns(struct lines_chisel *l, struct field_subject *s)
{
	struct value values[GROUP_COLUMNS_MAX];
	struct group_row row = {.values = values};
	struct field_ctx ctx = {s, &l->scratch};

	for (size_t i = 0; i < l->columns.n; i++)
		if (!event_filter_passes(l->ready[i].filter, s) ||
			!format_field_value(l->ready[i].format, 0, &ctx, &values[i]))
			values[i] = (struct value){.type = VT_STR};
	text_add_json_row(&l->columns, &row, 0, &l->line);
}

static bool add_columns(
	struct lines_chisel *l, const struct chisel_env *env, struct field_subject *s)
{
	if (env->json)
		add_json_columns(l, s);
	for (size_t i = 0; !env->json && i < l->columns.n; i++)
		add_column(l, i, s);
	return true;
}

static bool add_format(
	struct lines_chisel *l, const struct chisel_env *env, const struct field_subject *s)
{
	struct field_ctx ctx = {s, &l->scratch};
	bool lines = l->style.bytes != BYTES_DOTS && l->style.bytes != BYTES_BASE64;
	size_t start = l->line.len;

	if (env->json ? !format_render_json(l->format, &ctx, &l->line)
		      : !format_render_line(l->format, &ctx, lines, &l->line))
		return false;
	if (!str_ends(buf_str(&l->line), STR("\n")))
		buf_add_char(&l->line, '\n');
	/* data begins a line of its own: at the front there is one already */
	if (l->line.len > start + 1 && l->line.s[start] == '\n') {
		memmove(l->line.s + start, l->line.s + start + 1, l->line.len - start);
		l->line.len--;
	}
	return true;
}

static const char *colour_of(struct lines_chisel *l, struct field_subject *s)
{
	for (size_t i = 0; i < l->ncolours; i++)
		if (event_filter_passes(l->colours[i].filter, s))
			return l->colours[i].escape;
	return NULL;
}

/* The line in l->line; false when a value is missing that the format needs. */
static bool render(struct chisel *c, struct field_subject *s)
{
	struct lines_chisel *l = c->self;
	const char *colour = colour_of(l, s);

	buf_clear(&l->line);
	arena_reset(&l->scratch);
	if (colour)
		buf_add_cstr(&l->line, colour);
	if (!(l->ready ? add_columns(l, c->env, s) : add_format(l, c->env, s)))
		return false;
	if (colour) {
		l->line.len--;
		buf_add_cstr(&l->line, "\033[0m\n");
	}
	return true;
}

/* ---- lines that wait for the end ------------------------------------------------------------ */

static double number_of(const struct value *v)
{
	switch (v->type) {
	case VT_S64:
		return (double)v->i;
	case VT_DOUBLE:
		return v->d;
	case VT_U64:
	case VT_BOOL:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT:
		return (double)v->u;
	default:
		return 0;
	}
}

/* Where a line belongs, greatest first; an equal one goes behind those that are there. */
static size_t place_of(const struct lines_chisel *l, double by)
{
	size_t i = l->nkept;

	while (i > 0 && l->kept[i - 1].by < by)
		i--;
	return i;
}

static int keep(struct chisel *c, struct field_subject *s, struct err *e)
{
	struct lines_chisel *l = c->self;
	struct field_ctx ctx = {s, &l->scratch};
	struct value v;

	arena_reset(&l->scratch);
	if (!format_field_value(l->by, 0, &ctx, &v))
		return 0;
	double by = number_of(&v);
	size_t at = place_of(l, by);
	if (at >= l->keep || !render(c, s))
		return 0;
	struct kept new = {by, malloc(l->line.len + 1), l->line.len};
	if (!new.s)
		return err_set(e, ENOMEM, "out of memory");
	memcpy(new.s, l->line.s, new.len);
	if (l->nkept == l->keep)
		free(l->kept[--l->nkept].s);
	memmove(&l->kept[at + 1], &l->kept[at], (l->nkept - at) * sizeof(l->kept[0]));
	l->kept[at] = new;
	l->nkept++;
	return 0;
}

/* ---- the kind ------------------------------------------------------------------------------- */

static int lines_event(struct chisel *c, struct field_subject *s, struct err *e)
{
	struct lines_chisel *l = c->self;
	struct field_subject mine = *s;

	if (!event_filter_passes(l->filter, &mine))
		return 0;
	mine.style = l->style;
	mine.outputtime = c->env->time;
	mine.names_ids = true;
	if (l->keep)
		return keep(c, &mine, e);
	if (!l->has_heading)
		print_heading(c);
	if (render(c, &mine))
		c->env->print(buf_str(&l->line), c->env->arg);
	return 0;
}

static int lines_end(struct chisel *c, struct err *e)
{
	struct lines_chisel *l = c->self;

	if (!l->has_heading)
		print_heading(c);
	for (size_t i = 0; i < l->nkept; i++)
		c->env->print(str_make(l->kept[i].s, l->kept[i].len), c->env->arg);
	return 0;
}

const struct chisel_ops chisel_ops_lines = {
	.kind = "lines",
	.open = lines_open,
	.event = lines_event,
	.end = lines_end,
	.close = lines_close,
};
