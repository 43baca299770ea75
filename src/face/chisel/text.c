/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as people or programs read them. Where the text goes is the environment's business. */
#include "base/clock.h"
#include "base/grid.h"
#include "base/json.h"
#include "face/chisel/private.h"

enum { OUT_BYTES = 256 << 20, CELL_BYTES = 64 << 10 };

static bool is_missing(const struct value *v)
{
	return v->type == VT_STR && !v->s.s;
}

static bool is_number_column(const struct group_column *c)
{
	return c->agg != GROUP_KEY && c->agg != GROUP_LAST;
}

void text_add_value(const struct group_column *c, const struct value *v, struct buf *out)
{
	if (!is_missing(v))
		group_value_format(c, v, out);
}

static void add_text_rows(const struct text_rows *t, struct buf *out)
{
	const struct group_columns *columns = t->columns;
	struct grid_column shown[GROUP_COLUMNS_MAX] = {0};
	struct buf cell = BUF_INIT(CELL_BYTES);
	struct grid g;
	size_t nshown = 0;

	for (size_t i = 0; i < columns->n; i++)
		if (!columns->hidden[i])
			shown[nshown++] = (struct grid_column){
				.name = columns->columns[i].name,
				.right = is_number_column(&columns->columns[i]),
				.width = (int)columns->columns[i].width,
			};
	grid_init(&g, shown, nshown);
	g.no_heading = t->no_heading;
	g.max_width = (int)t->max_width;
	for (size_t row = 0; row < t->n; row++)
		for (size_t i = 0; i < columns->n; i++) {
			if (columns->hidden[i])
				continue;
			buf_clear(&cell);
			text_add_value(&columns->columns[i], &t->rows[row].values[i], &cell);
			grid_add(&g, buf_str(&cell));
		}
	out->cut = grid_print(&g, out) < 0 || out->cut;
	grid_done(&g);
	buf_done(&cell);
}

void text_add_json_value(const struct value *v, struct buf *out)
{
	struct buf text = BUF_INIT(CELL_BYTES);

	switch (v->type) {
	case VT_U64:
	case VT_S64:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT:
	case VT_BOOL:
		value_format(v, out);
		break;
	case VT_DOUBLE:
		buf_printf(out, "%.6g", v->d);
		break;
	case VT_STR:
	case VT_PATH:
		if (is_missing(v))
			buf_add_cstr(out, "null");
		else
			json_add_str(out, v->s);
		break;
	default:
		value_format(v, &text);
		json_add_str(out, buf_str(&text));
	}
	buf_done(&text);
}

void text_add_json_row(const struct group_columns *columns, const struct group_row *row,
	uint64_t time_ns, struct buf *out)
{
	const char *comma = "";

	buf_add_char(out, '{');
	if (time_ns) {
		buf_printf(out, "\"time_ns\":%llu", (unsigned long long)time_ns);
		comma = ",";
	}
	for (size_t i = 0; i < columns->n; i++) {
		if (columns->hidden[i])
			continue;
		buf_add_cstr(out, comma);
		comma = ",";
		json_add_str(out, columns->columns[i].name);
		buf_add_char(out, ':');
		text_add_json_value(&row->values[i], out);
	}
	buf_add_cstr(out, "}\n");
}

void text_print_rows(const struct chisel_env *env, const struct text_rows *t)
{
	struct buf out = BUF_INIT(OUT_BYTES);

	if (env->json) {
		for (size_t i = 0; i < t->n; i++)
			text_add_json_row(t->columns, &t->rows[i], t->time_ns, &out);
	} else {
		if (t->time_ns) {
			clock_add_strftime(&out, t->time_ns, "%H:%M:%S", false);
			buf_add_char(&out, '\n');
		}
		add_text_rows(t, &out);
	}
	env->print(buf_str(&out), env->arg);
	buf_done(&out);
}

const char *text_colour(struct str name)
{
	static const struct {
		const char *name, *escape;
	} colours[] = {
		{"red", "\033[31m"},
		{"green", "\033[32m"},
		{"yellow", "\033[33m"},
		{"blue", "\033[34m"},
		{"magenta", "\033[35m"},
		{"cyan", "\033[36m"},
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (str_is(name, colours[i].name))
			return colours[i].escape;
	return NULL;
}
