/* SPDX-License-Identifier: Apache-2.0 */
/* What a key or the mouse does to a session. No terminal is known here. */
#include <stdio.h>
#include <stdlib.h>

#include "face/top/private.h"

enum { WHEEL_ROWS = 3 };

static void say(struct ui *ui, bool is_error, const char *text)
{
	ui->message_is_error = is_error;
	snprintf(ui->message, sizeof(ui->message), "%s", text);
}

static void tell(struct ui *ui, int r, const struct err *e)
{
	if (r < 0)
		say(ui, true, e->msg);
}

/* ---- the table ----------------------------------------------------------------------------- */

static void move(struct ui *ui, long by)
{
	struct level *l = session_level(ui->s);
	size_t n = session_count(ui->s);
	long to = (long)l->selected + by;

	if (session_view(ui->s)->type == VIEW_SPECTROGRAM) {
		to = (long)l->top + by;
		l->top = to < 0 ? 0 : (size_t)to < n ? (size_t)to : n ? n - 1 : 0;
		return;
	}
	l->selected = to < 0 || !n ? 0 : (size_t)to < n ? (size_t)to : n - 1;
}

static void drill_to(struct ui *ui, const struct view *to, const char *missing)
{
	struct err e = {0};

	if (!to) {
		say(ui, false, missing);
		return;
	}
	ui->first_column = 0;
	tell(ui, session_drill(ui->s, to, &e), &e);
}

static void enter_row(struct ui *ui)
{
	if (session_count(ui->s) || session_view(ui->s)->type != VIEW_TABLE)
		drill_to(ui, session_target(ui->s), "there is nothing below these rows");
}

static void go_up(struct ui *ui)
{
	struct err e = {0};

	ui->first_column = 0;
	tell(ui, session_up(ui->s, &e), &e);
}

static bool row_contains(const struct ui *ui, size_t row, struct str needle)
{
	const struct view *v = session_view(ui->s);
	struct buf b = BUF_INIT(2048);
	bool found = false;

	for (size_t i = 0; !found && i < v->ncolumns; i++) {
		buf_clear(&b);
		if (!v->hidden[i] && session_cell(ui->s, row, i, &b))
			found = str_ifind(buf_str(&b), needle) >= 0;
	}
	buf_done(&b);
	return found;
}

static void search(struct ui *ui, bool next)
{
	struct level *l = session_level(ui->s);
	size_t n = session_count(ui->s);

	if (!ui->search[0] || session_view(ui->s)->type == VIEW_SPECTROGRAM)
		return;
	for (size_t i = next; i < n + next; i++) {
		size_t row = (l->selected + i) % n;

		if (row_contains(ui, row, str_of(ui->search))) {
			l->selected = row;
			return;
		}
	}
	say(ui, false, "no row has that");
}

/* To the left or right of the column that sorts, over hidden ones. */
static void sort_beside(struct ui *ui, int step)
{
	const struct view *v = session_view(ui->s);
	const struct level *l = session_level(ui->s);
	int at = l->sort >= 0 ? l->sort : v->sort;

	if (v->type != VIEW_TABLE)
		return;
	do
		at += step;
	while (at >= 0 && at < (int)v->ncolumns && v->hidden[at]);
	if (at >= 0 && at < (int)v->ncolumns)
		session_sort(ui->s, at);
}

static void turn_round(struct ui *ui)
{
	const struct level *l = session_level(ui->s);
	int at = l->sort >= 0 ? l->sort : session_view(ui->s)->sort;

	if (session_view(ui->s)->type == VIEW_TABLE && at >= 0)
		session_sort(ui->s, at);
}

static void pick_view(struct ui *ui)
{
	const struct view *views[500];
	size_t n = picker_views(ui->s, views, 500);

	ui->mode = MODE_VIEWS;
	ui->pick = ui->pick_top = 0;
	for (size_t i = 0; i < n; i++)
		if (views[i] == session_view(ui->s))
			ui->pick = i;
}

static void edit(struct ui *ui, enum mode mode, const char *text)
{
	ui->mode = mode;
	snprintf(ui->line, sizeof(ui->line), "%s", text);
	ui->cursor = strlen(ui->line);
}

static void sideways(struct ui *ui, int step)
{
	const struct view *v = session_view(ui->s);
	size_t shown = 0;

	for (size_t i = 0; i < v->ncolumns; i++)
		shown += !v->hidden[i];
	if (step < 0 && ui->first_column)
		ui->first_column--;
	if (step > 0 && ui->first_column + 1 < shown)
		ui->first_column++;
}

static void click(struct ui *ui, const struct key_event *k, int columns)
{
	struct level *l = session_level(ui->s);

	if (k->y == ui->table_row - 1 && session_view(ui->s)->type == VIEW_TABLE) {
		int at = screen_column_at(ui, columns, k->x);

		if (at >= 0)
			session_sort(ui->s, at);
		return;
	}
	size_t row = l->top + (size_t)(k->y - ui->table_row);
	if (k->y < ui->table_row || row >= session_count(ui->s) ||
		k->y >= ui->table_row + ui->table_height)
		return;
	l->selected = row;
	if (k->key == KEY_DOUBLE_CLICK)
		enter_row(ui);
}

static void rows_move_key(struct ui *ui, uint32_t key)
{
	long page = ui->table_height > 1 ? ui->table_height - 1 : 1;

	switch (key) {
	case KEY_UP_:
	case 'k':
		move(ui, -1);
		break;
	case KEY_DOWN_:
	case 'j':
		move(ui, 1);
		break;
	case KEY_PAGE_UP:
		move(ui, -page);
		break;
	case KEY_PAGE_DOWN:
	case ' ':
		move(ui, page);
		break;
	case KEY_HOME_:
	case 'g':
		move(ui, -(1L << 30));
		break;
	case KEY_END_:
	case 'G':
		move(ui, 1L << 30);
		break;
	case KEY_WHEEL_UP:
		move(ui, -WHEEL_ROWS);
		break;
	case KEY_WHEEL_DOWN:
		move(ui, WHEEL_ROWS);
		break;
	case KEY_LEFT_:
		sideways(ui, -1);
		break;
	case KEY_RIGHT_:
		sideways(ui, 1);
		break;
	}
}

static void rows_key(struct ui *ui, const struct key_event *k, int columns)
{
	struct session *s = ui->s;

	switch (k->key) {
	case 'q':
	case KEY_FN + 10:
		ui->quit = true;
		break;
	case KEY_ENTER_:
		enter_row(ui);
		break;
	case KEY_BACK:
		go_up(ui);
		break;
	case '?':
	case 'h':
	case KEY_FN + 1:
	case KEY_FN + 7:
		ui->mode = MODE_HELP;
		ui->help_top = 0;
		break;
	case 'v':
	case KEY_FN + 2:
		pick_view(ui);
		break;
	case 'f':
	case KEY_FN + 4:
		edit(ui, MODE_FILTER, s->filter);
		break;
	case '/':
		edit(ui, MODE_SEARCH, "");
		break;
	case 'n':
		search(ui, true);
		break;
	case 'e':
	case KEY_FN + 5:
		drill_to(ui, views_find(&s->views, STR("echo")), "there is no view \"echo\"");
		break;
	case 'd':
	case KEY_FN + 6:
		drill_to(ui, views_find(&s->views, STR("events")), "there is no view \"events\"");
		break;
	case 's':
	case KEY_FN + 9:
		if (session_view(s)->type == VIEW_TABLE) {
			ui->mode = MODE_SORT;
			ui->pick = ui->pick_top = 0;
		}
		break;
	case '<':
		sort_beside(ui, -1);
		break;
	case '>':
		sort_beside(ui, 1);
		break;
	case 'i':
		turn_round(ui);
		break;
	case 'p':
		s->is_paused = !s->is_paused;
		break;
	case 'c':
	case KEY_DELETE:
		session_clear(s);
		break;
	case KEY_CLICK:
	case KEY_DOUBLE_CLICK:
		click(ui, k, columns);
		break;
	default:
		rows_move_key(ui, k->key);
	}
}

/* ---- a line that is typed ------------------------------------------------------------------ */

static void accept_line(struct ui *ui)
{
	struct err e = {0};

	if (ui->mode == MODE_SEARCH) {
		snprintf(ui->search, sizeof(ui->search), "%s", ui->line);
		ui->mode = MODE_ROWS;
		search(ui, false);
		return;
	}
	int r = session_filter(ui->s, ui->line, &e);
	tell(ui, r, &e);
	if (r >= 0)
		ui->mode = MODE_ROWS;
}

static void erase_before(struct ui *ui)
{
	size_t from = ui->cursor;

	if (!from)
		return;
	do
		from--;
	while (from && ((unsigned char)ui->line[from] & 0xc0) == 0x80);
	memmove(ui->line + from, ui->line + ui->cursor, strlen(ui->line + ui->cursor) + 1);
	ui->cursor = from;
}

static void insert(struct ui *ui, uint32_t ch)
{
	size_t len = strlen(ui->line);

	/* expressions are ASCII; other characters come byte by byte */
	if (len + 1 >= sizeof(ui->line) || ch > 255)
		return;
	memmove(ui->line + ui->cursor + 1, ui->line + ui->cursor, len - ui->cursor + 1);
	ui->line[ui->cursor++] = (char)ch;
}

static void line_key(struct ui *ui, uint32_t key)
{
	switch (key) {
	case KEY_ENTER_:
		accept_line(ui);
		break;
	case KEY_ESCAPE:
		ui->mode = MODE_ROWS;
		break;
	case KEY_BACK:
		erase_before(ui);
		break;
	case KEY_DELETE:
		if (ui->line[ui->cursor])
			memmove(ui->line + ui->cursor, ui->line + ui->cursor + 1,
				strlen(ui->line + ui->cursor));
		break;
	case KEY_LEFT_:
		ui->cursor -= ui->cursor > 0;
		break;
	case KEY_RIGHT_:
		ui->cursor += ui->line[ui->cursor] != 0;
		break;
	case KEY_HOME_:
		ui->cursor = 0;
		break;
	case KEY_END_:
		ui->cursor = strlen(ui->line);
		break;
	case 'U' - 64: /* as in a shell */
		ui->line[0] = 0;
		ui->cursor = 0;
		break;
	default:
		if (key >= 32 && key < 256 && key != 127)
			insert(ui, key);
	}
}

/* ---- lists to choose from ------------------------------------------------------------------ */

static void accept_choice(struct ui *ui)
{
	const struct view *views[500];
	struct err e = {0};
	bool sort = ui->mode == MODE_SORT;

	ui->mode = MODE_ROWS;
	if (sort) {
		session_sort(ui->s, (int)ui->pick);
		return;
	}
	if (picker_views(ui->s, views, 500) <= ui->pick)
		return;
	ui->first_column = 0;
	tell(ui, session_show(ui->s, views[ui->pick], &e), &e);
}

static void choice_move(struct ui *ui, long by)
{
	const struct view *views[500];
	size_t n = ui->mode == MODE_SORT ? session_view(ui->s)->ncolumns
					 : picker_views(ui->s, views, 500);
	long to = (long)ui->pick + by;

	ui->pick = to < 0 || !n ? 0 : (size_t)to < n ? (size_t)to : n - 1;
}

static void choice_key(struct ui *ui, const struct key_event *k)
{
	long page = ui->table_height > 1 ? ui->table_height - 1 : 1;

	switch (k->key) {
	case KEY_ENTER_:
		accept_choice(ui);
		break;
	case KEY_ESCAPE:
	case KEY_BACK:
	case 'q':
		ui->mode = MODE_ROWS;
		break;
	case KEY_UP_:
	case 'k':
	case KEY_WHEEL_UP:
		choice_move(ui, -1);
		break;
	case KEY_DOWN_:
	case 'j':
	case KEY_WHEEL_DOWN:
		choice_move(ui, 1);
		break;
	case KEY_PAGE_UP:
		choice_move(ui, -page);
		break;
	case KEY_PAGE_DOWN:
		choice_move(ui, page);
		break;
	case KEY_HOME_:
		choice_move(ui, -10000);
		break;
	case KEY_END_:
		choice_move(ui, 10000);
		break;
	case KEY_CLICK:
	case KEY_DOUBLE_CLICK:
		if (k->y >= ui->table_row) {
			ui->pick = 0;
			choice_move(ui, (long)ui->pick_top + k->y - ui->table_row);
			accept_choice(ui);
		}
		break;
	}
}

static void help_key(struct ui *ui, uint32_t key)
{
	if (key == KEY_DOWN_ || key == 'j' || key == KEY_WHEEL_DOWN)
		ui->help_top++;
	else if (key == KEY_PAGE_DOWN || key == ' ')
		ui->help_top += 10;
	else if ((key == KEY_UP_ || key == 'k' || key == KEY_WHEEL_UP) && ui->help_top)
		ui->help_top--;
	else if (key == KEY_PAGE_UP)
		ui->help_top = ui->help_top > 10 ? ui->help_top - 10 : 0;
	else if (key < KEY_RESIZED || key >= KEY_FN)
		ui->mode = MODE_ROWS;
}

void keys_handle(struct ui *ui, const struct key_event *k, int columns)
{
	if (k->key == KEY_RESIZED)
		return;
	ui->message[0] = 0;
	if (k->key == 3) { /* Ctrl-C, when the terminal hands it over */
		ui->quit = true;
		return;
	}
	switch (ui->mode) {
	case MODE_FILTER:
	case MODE_SEARCH:
		line_key(ui, k->key);
		break;
	case MODE_VIEWS:
	case MODE_SORT:
		choice_key(ui, k);
		break;
	case MODE_HELP:
		help_key(ui, k->key);
		break;
	default:
		rows_key(ui, k, columns);
	}
}
