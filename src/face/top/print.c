/* SPDX-License-Identifier: Apache-2.0 */
/* A view once, for pipes: a table whose columns are as wide as what is in them, or JSON lines. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "face/top/private.h"

enum { CELL_MAX = 4096 };

static bool is_right(const struct group_column *c)
{
	return c->agg != GROUP_KEY && c->agg != GROUP_LAST;
}

static void print_table(const struct session *s, struct buf *out)
{
	const struct view *v = session_view(s);
	struct grid_column columns[GROUP_COLUMNS_MAX] = {0};
	struct buf cell = BUF_INIT(CELL_MAX);
	struct grid g;
	size_t n = 0;

	for (size_t i = 0; i < v->ncolumns; i++)
		if (!v->hidden[i])
			columns[n++] = (struct grid_column){
				.name = v->columns[i].name, .right = is_right(&v->columns[i])};
	grid_init(&g, columns, n);
	for (size_t row = 0; row < session_count(s); row++)
		for (size_t i = 0; i < v->ncolumns; i++) {
			if (v->hidden[i])
				continue;
			buf_clear(&cell);
			session_cell(s, row, i, &cell);
			grid_add(&g, buf_str(&cell));
		}
	out->cut = grid_print(&g, out) < 0 || out->cut;
	grid_done(&g);
	buf_done(&cell);
}

static void add_json_value(const struct session *s, size_t row, size_t i, struct buf *out)
{
	const struct view *v = session_view(s);
	struct buf b = BUF_INIT(CELL_MAX);
	struct value value = {.type = VT_STR};

	if (v->type == VIEW_TABLE)
		value = s->rows[row].values[i];
	switch (value.type) {
	case VT_U64:
	case VT_S64:
	case VT_BOOL:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT:
		value_format(&value, out);
		break;
	case VT_DOUBLE:
		buf_printf(out, "%.6g", value.d);
		break;
	default:
		if (session_cell(s, row, i, &b))
			json_add_str(out, buf_str(&b));
		else
			buf_add_cstr(out, "null");
	}
	buf_done(&b);
}

static void print_json(const struct session *s, struct buf *out)
{
	const struct view *v = session_view(s);

	for (size_t row = 0; row < session_count(s); row++) {
		bool first = true;

		buf_add_char(out, '{');
		for (size_t i = 0; i < v->ncolumns; i++) {
			buf_add_cstr(out, first ? "" : ",");
			first = false;
			json_add_str(out, v->columns[i].name);
			buf_add_char(out, ':');
			add_json_value(s, row, i, out);
		}
		buf_add_cstr(out, "}\n");
	}
}

static void print_slices_json(const struct session *s, struct buf *out)
{
	for (size_t i = 0; i < s->nslices; i++) {
		bool first = true;

		buf_printf(out, "{\"start_ns\":%llu,\"counts\":{",
			(unsigned long long)s->slices[i].start_ns);
		for (unsigned k = 0; k < LATENCY_BUCKETS; k++) {
			if (!s->slices[i].count[k])
				continue;
			buf_printf(out, "%s\"%llu\":%llu", first ? "" : ",", 1ULL << k,
				(unsigned long long)s->slices[i].count[k]);
			first = false;
		}
		buf_add_cstr(out, "}}\n");
	}
}

static void print_slices(const struct session *s, struct buf *out)
{
	struct canvas c;
	int rows = (int)s->nslices + 2;

	if (canvas_init(&c, rows, 80) < 0)
		return;
	spectrogram_draw(s, &c, 0, rows);
	canvas_format(&c, out);
	canvas_done(&c);
}

void session_print(const struct session *s, bool json, struct buf *out)
{
	if (session_view(s)->type == VIEW_SPECTROGRAM) {
		if (json)
			print_slices_json(s, out);
		else
			print_slices(s, out);
	} else if (json) {
		print_json(s, out);
	} else {
		print_table(s, out);
	}
}

int top_print(const struct top_feed *feed, const struct top_options *o, uint64_t live_ns, bool json,
	struct buf *out, struct err *e)
{
	struct session *s = calloc(1, sizeof(*s));
	struct top_options once = *o;
	int r;

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	if (!feed->rewind)
		once.refresh_ns = live_ns;
	r = session_open(s, feed, &once, e);
	if (r >= 0 && feed->open && (r = feed->open(feed->arg, e)) < 0)
		session_close(s);
	if (r < 0) {
		free(s);
		return r;
	}
	/* what a process uses is a difference: asked for at both ends */
	if (s->is_live)
		session_refresh(s, true);
	uint64_t end_ns = clock_boot_ns() + live_ns;
	do
		r = session_pump(s, 50, e);
	while (r == 0 && !(o->stop && *o->stop) && (!s->is_live || clock_boot_ns() < end_ns));
	if (r == 0 || r == -ENODATA) {
		session_refresh(s, true);
		session_print(s, json, out);
		r = 0;
	}
	session_close(s);
	free(s);
	return r;
}
