/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session drawn on a canvas: a title line, a line of where one is, the table, the keys. It
 * changes nothing but where things are, for the mouse and for scrolling.
 */
#include <stdio.h>
#include <stdlib.h>

#include "face/top/private.h"

enum { CELL_MAX = 2048, MIN_LAST = 12, TITLE_ROWS = 2 };

/* ---- the head ------------------------------------------------------------------------------ */

static void add_count(struct buf *b, double n)
{
	static const char units[] = " kMG";
	size_t i = 0;

	for (; n >= 999.5 && units[i + 1]; i++)
		n /= 1000;
	buf_printf(b, "%.*f", i && n < 99.95 ? 1 : 0, n);
	if (i)
		buf_add_char(b, units[i]);
}

static void add_status(const struct session *s, struct buf *b)
{
	uint64_t lost = s->feed->lost ? s->feed->lost(s->feed->arg) : 0;
	uint64_t full = session_view(s)->type == VIEW_TABLE ? group_lost(s->shown) : 0;

	if (s->is_live) {
		buf_add_cstr(b, s->is_paused ? "PAUSED  " : "");
		add_count(b, s->events_s);
		buf_printf(b, " ev/s  %llu lost  koban %.1f%% cpu", (unsigned long long)lost,
			s->cpu_percent);
	} else {
		add_count(b, (double)s->events);
		buf_add_cstr(b, " events  ");
		struct group_column time = {.unit = GROUP_TIME};
		struct value span = {.type = VT_RELTIME, .u = s->last_ev_ns - s->first_ev_ns};
		group_value_format(&time, &span, b);
	}
	if (full)
		buf_printf(b, "  %llu found no row", (unsigned long long)full);
}

static void draw_title(const struct session *s, struct canvas *c)
{
	const struct view *v = session_view(s);
	struct buf b = BUF_INIT(400);
	int at, w;

	canvas_fill(c, 0, 0, c->columns, STYLE_NORMAL);
	at = canvas_text(c, 0, 0, c->columns, STYLE_TITLE, STR("koban top "));
	at = canvas_text(c, 0, at, c->columns - at, STYLE_KEY_COLUMN, v->name);
	buf_printf(&b, " of %s", s->feed->name);
	add_status(s, &b);
	struct str source = str_head(buf_str(&b), strlen(s->feed->name) + 4);
	struct str status = str_skip(buf_str(&b), source.len);
	w = text_width(status);
	if (at + 2 + w <= c->columns)
		canvas_text(c, 0, at, c->columns - w - 1 - at, STYLE_NORMAL, source);
	canvas_text(c, 0, c->columns - w > at ? c->columns - w : at + 1, w, STYLE_NORMAL, status);
	buf_done(&b);
}

static void draw_progress(const struct session *s, struct canvas *c, int row)
{
	double done = s->feed->progress ? s->feed->progress(s->feed->arg) : -1;
	int width = c->columns > 60 ? 30 : c->columns / 2;
	char text[32];

	if (done < 0)
		snprintf(text, sizeof(text), " reading");
	else
		snprintf(text, sizeof(text), " reading %3.0f %%", done * 100);
	canvas_fill(c, row, c->columns - width, width, STYLE_HEADER);
	canvas_text(c, row, c->columns - width, width, STYLE_HEADER, str_of(text));
	for (int i = 0; done > 0 && i < (int)(done * width); i++)
		c->cells[row * c->columns + c->columns - width + i].style = STYLE_BAR;
}

static void draw_place(struct ui *ui, struct canvas *c)
{
	const struct session *s = ui->s;
	struct buf b = BUF_INIT(2000);

	if (ui->mode == MODE_FILTER || ui->mode == MODE_SEARCH) {
		int at = canvas_text(c, 1, 0, c->columns, STYLE_TITLE,
			ui->mode == MODE_FILTER ? STR("Filter: ") : STR("Search: "));
		struct str line = str_of(ui->line);
		int room = c->columns - at > 1 ? c->columns - at - 1 : 0;

		/* the end of a long line is what one types at */
		while (text_width(str_head(line, ui->cursor - (size_t)(line.s - ui->line))) > room)
			line = str_skip(line, 1);
		canvas_text(c, 1, at, room, STYLE_NORMAL, line);
		c->cursor_row = 1;
		c->cursor_column =
			at + text_width(str_make(line.s, ui->cursor - (size_t)(line.s - ui->line)));
		return;
	}
	for (size_t i = 1; i <= s->depth; i++)
		buf_printf(&b, "%s%s", i > 1 ? " > " : "In ", s->levels[i].title);
	if (s->filter[0])
		buf_printf(&b, "%sFilter: %s", b.len ? "   " : "", s->filter);
	if (!b.len)
		buf_printf(&b, "%.*s", STR_ARG(session_view(s)->desc));
	canvas_text(c, 1, 0, c->columns, s->depth || s->filter[0] ? STYLE_NORMAL : STYLE_DIM,
		buf_str(&b));
	buf_done(&b);
	if (!s->is_live && !s->is_over)
		draw_progress(s, c, 1);
}

/* ---- the table ----------------------------------------------------------------------------- */

static bool is_right(const struct group_column *c)
{
	return c->agg != GROUP_KEY && c->agg != GROUP_LAST;
}

/* Where column i begins and how wide it is; false when it is not shown. Columns go from left. */
static bool place_column(const struct ui *ui, int columns, size_t i, int *ret_x, int *ret_width)
{
	const struct view *v = session_view(ui->s);
	int x = 0;
	size_t seen = 0;

	for (size_t k = 0; k <= i; k++) {
		const struct group_column *c = &v->columns[k];
		int w = (int)c->width;

		if (v->hidden[k] || seen++ < ui->first_column) {
			if (k == i)
				return false;
			continue;
		}
		if (!w)
			w = columns - x > MIN_LAST ? columns - x : MIN_LAST;
		if (k == i) {
			*ret_x = x;
			*ret_width = w < columns - x ? w : columns - x;
			return x < columns;
		}
		x += w + 1;
	}
	return false;
}

int screen_column_at(const struct ui *ui, int columns, int x)
{
	const struct view *v = session_view(ui->s);
	int at, w;

	for (size_t i = 0; i < v->ncolumns; i++)
		if (place_column(ui, columns, i, &at, &w) && x >= at && x <= at + w)
			return (int)i;
	return -1;
}

static int sorting_column(const struct session *s)
{
	const struct level *l = &s->levels[s->depth];

	return l->sort >= 0 ? l->sort : session_view(s)->sort;
}

static void draw_cell(
	struct canvas *c, int row, int x, int width, bool right, enum style st, struct str text)
{
	int w = text_width(text);

	if (right && w < width)
		x += width - w;
	canvas_text(c, row, x, right && w < width ? w : width, st, text);
}

static void draw_header(const struct ui *ui, struct canvas *c, int row)
{
	const struct view *v = session_view(ui->s);
	int x, w;

	canvas_fill(c, row, 0, c->columns, STYLE_HEADER);
	for (size_t i = 0; i < v->ncolumns; i++) {
		enum style st = (int)i == sorting_column(ui->s) ? STYLE_SORT : STYLE_HEADER;

		if (place_column(ui, c->columns, i, &x, &w))
			draw_cell(c, row, x, w, is_right(&v->columns[i]), st, v->columns[i].name);
	}
}

static void draw_row(const struct ui *ui, struct canvas *c, int y, size_t row, struct buf *b)
{
	const struct session *s = ui->s;
	const struct view *v = session_view(s);
	bool selected = row == s->levels[s->depth].selected;
	int x, w;

	if (selected)
		canvas_fill(c, y, 0, c->columns, STYLE_SELECTED);
	for (size_t i = 0; i < v->ncolumns; i++) {
		enum style st = v->columns[i].agg == GROUP_KEY ? STYLE_KEY_COLUMN : STYLE_NORMAL;

		if (!place_column(ui, c->columns, i, &x, &w))
			continue;
		buf_clear(b);
		if (session_cell(s, row, i, b))
			draw_cell(c, y, x, w, is_right(&v->columns[i]),
				selected ? STYLE_SELECTED : st, buf_str(b));
	}
}

static void scroll_to_selected(struct level *l, size_t n, int height)
{
	size_t h = height > 0 ? (size_t)height : 1;

	if (l->selected < l->top)
		l->top = l->selected;
	if (l->selected >= l->top + h)
		l->top = l->selected - h + 1;
	if (l->top + h > n)
		l->top = n > h ? n - h : 0;
}

static void draw_table(struct ui *ui, struct canvas *c, int row, int height)
{
	struct session *s = ui->s;
	struct level *l = session_level(s);
	struct buf b = BUF_INIT(CELL_MAX);
	size_t n = session_count(s);

	ui->table_row = row + 1;
	ui->table_height = height - 1;
	if (session_view(s)->type == VIEW_SPECTROGRAM) {
		spectrogram_draw(s, c, row, height);
		return;
	}
	draw_header(ui, c, row);
	scroll_to_selected(l, n, height - 1);
	for (int i = 0; i < height - 1 && l->top + (size_t)i < n; i++)
		draw_row(ui, c, row + 1 + i, l->top + (size_t)i, &b);
	if (!n)
		canvas_text(c, row + 2, 2, c->columns - 2, STYLE_DIM,
			s->is_live || !s->is_over ? STR("nothing yet …")
						  : STR("nothing in this capture"));
	buf_done(&b);
}

enum { CHOICE_MIN = 12 };

/* ---- lists to choose from, and texts ------------------------------------------------------- */

size_t picker_views(const struct session *s, const struct view **ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < s->views.n && n < max; i++)
		if (session_applies(s, &s->views.v[i]))
			ret[n++] = &s->views.v[i];
	return n;
}

static void draw_choice(const struct ui *ui, struct canvas *c, int y, size_t i, int width,
	struct str name, struct str desc)
{
	enum style st = i == ui->pick ? STYLE_SELECTED : STYLE_NORMAL;

	canvas_fill(c, y, 0, c->columns, st);
	canvas_text(c, y, 1, width, i == ui->pick ? st : STYLE_KEY_COLUMN, name);
	canvas_text(c, y, width + 2, c->columns - width - 2, st, desc);
}

static void draw_choices(struct ui *ui, struct canvas *c, int row, int height)
{
	const struct view *views[500], *v = session_view(ui->s);
	bool sort = ui->mode == MODE_SORT;
	size_t n = sort ? v->ncolumns : picker_views(ui->s, views, 500);
	size_t h = height > 1 ? (size_t)height - 1 : 1;

	canvas_fill(c, row, 0, c->columns, STYLE_HEADER);
	canvas_text(c, row, 1, c->columns, STYLE_HEADER,
		sort ? STR("Sort by") : STR("Views (Enter takes one, Escape goes back)"));
	if (ui->pick < ui->pick_top)
		ui->pick_top = ui->pick;
	if (ui->pick >= ui->pick_top + h)
		ui->pick_top = ui->pick - h + 1;
	ui->table_row = row + 1;
	ui->table_height = height - 1;
	/* names are what is chosen by: descriptions have the rest */
	int width = CHOICE_MIN;

	for (size_t i = 0; i < n; i++) {
		int len = (int)(sort ? v->columns[i].name : views[i]->name).len;

		width = len > width && len < c->columns / 2 ? len : width;
	}
	for (size_t i = 0; i < h && ui->pick_top + i < n; i++) {
		size_t at = ui->pick_top + i;

		draw_choice(ui, c, row + 1 + (int)i, at, width,
			sort ? v->columns[at].name : views[at]->name,
			sort ? v->columns[at].desc : views[at]->desc);
	}
}

/* Lines of words, `skip` of them scrolled away; the row behind it. */
static int draw_words(struct canvas *c, int row, int end, int indent, enum style st,
	struct str text, size_t *skip)
{
	while (text.len) {
		int room = c->columns - indent - 1;
		size_t take = text.len;

		for (struct str line = text; text_width(line) > room;) {
			ptrdiff_t blank = str_rfind_char(line, ' ');

			take = blank > 0 ? (size_t)blank : (size_t)(room > 0 ? room : 1);
			line = str_head(text, take);
			if (blank <= 0)
				break;
		}
		if (*skip)
			(*skip)--;
		else if (row < end)
			canvas_text(c, row++, indent, room, st, str_head(text, take));
		text = str_trim(str_skip(text, take));
	}
	return row;
}

static const char *const help_lines[] = {
	"Enter        into the row: container > process > descriptor > events",
	"Backspace    back up",
	"F2 v         another view; with a row chosen, of that row's events",
	"F4 f         filter: any condition, e.g. proc.name=nginx and fd.port=443",
	"/            search in the rows; n = next",
	"F9 s         sort by a column; < > the column to the left, right; i = reverse",
	"F5 e         what the row reads and writes",
	"F6 d         the row's events, one line each",
	"p            pause and go on (live)",
	"c Delete     begin at nothing again",
	"Left Right   more columns",
	"mouse        a row, a header (sorts), the wheel; twice = Enter",
	"F1 ? h       this page",
	"F10 q        quit",
	NULL,
};

static void draw_help(struct ui *ui, struct canvas *c, int row, int height)
{
	const struct view *v = session_view(ui->s);
	size_t skip = ui->help_top;
	int end = row + height;
	char line[600];

	row = draw_words(c, row, end, 1, STYLE_TITLE, v->name, &skip);
	row = draw_words(c, row, end, 1, STYLE_NORMAL, v->desc, &skip);
	for (size_t i = 0; i < v->ntips; i++)
		row = draw_words(c, row, end, 1, STYLE_DIM, v->tips[i], &skip);
	row = draw_words(c, row, end, 0, STYLE_NORMAL, STR(" "), &skip);
	for (size_t i = 0; help_lines[i]; i++)
		row = draw_words(c, row, end, 1, STYLE_NORMAL, str_of(help_lines[i]), &skip);
	row = draw_words(c, row, end, 0, STYLE_NORMAL, STR(" "), &skip);
	row = draw_words(c, row, end, 1, STYLE_TITLE, STR("Columns"), &skip);
	for (size_t i = 0; i < v->ncolumns; i++) {
		if (v->hidden[i])
			continue;
		snprintf(line, sizeof(line), "%-12.*s %.*s (%.*s)", STR_ARG(v->columns[i].name),
			STR_ARG(v->columns[i].desc), STR_ARG(v->columns[i].field));
		row = draw_words(c, row, end, 1, STYLE_NORMAL, str_of(line), &skip);
	}
}

/* ---- the foot ------------------------------------------------------------------------------ */

static void draw_keys(const struct ui *ui, struct canvas *c, int row)
{
	static const char *const rows[] = {"F1", "Help", "F2", "Views", "F4", "Filter", "F5",
		"Echo", "F6", "Events", "F9", "Sort", "/", "Search", "p", "Pause", "F10", "Quit",
		NULL};
	static const char *const lines[] = {"Enter", "Take it", "Esc", "Leave it", NULL};
	const char *const *keys = ui->mode == MODE_ROWS ? rows : lines;
	int at = 0;

	for (size_t i = 0; keys[i]; i += 2) {
		at = canvas_text(c, row, at, c->columns - at, STYLE_KEY, str_of(keys[i]));
		at = canvas_text(c, row, at, c->columns - at, STYLE_LABEL, str_of(keys[i + 1]));
		at = canvas_text(c, row, at, c->columns - at, STYLE_LABEL, STR(" "));
	}
	canvas_fill(c, row, at, c->columns - at, STYLE_LABEL);
}

static void draw_message(const struct ui *ui, struct canvas *c, int row)
{
	canvas_fill(c, row, 0, c->columns, ui->message_is_error ? STYLE_ERROR : STYLE_LABEL);
	canvas_text(c, row, 0, c->columns, ui->message_is_error ? STYLE_ERROR : STYLE_LABEL,
		str_of(ui->message));
}

void screen_draw(struct ui *ui, struct canvas *c)
{
	int height = c->rows - TITLE_ROWS - 1;

	canvas_clear(c);
	if (c->rows < 1 || c->columns < 1)
		return;
	draw_title(ui->s, c);
	if (c->rows > 1)
		draw_place(ui, c);
	if (height > 0) {
		if (ui->mode == MODE_VIEWS || ui->mode == MODE_SORT)
			draw_choices(ui, c, TITLE_ROWS, height);
		else if (ui->mode == MODE_HELP)
			draw_help(ui, c, TITLE_ROWS, height);
		else
			draw_table(ui, c, TITLE_ROWS, height);
	}
	if (c->rows > 2)
		draw_keys(ui, c, c->rows - 1);
	if (ui->message[0] && c->rows > 2)
		draw_message(ui, c, ui->mode == MODE_FILTER && height > 0 ? 2 : c->rows - 1);
}
