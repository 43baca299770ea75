/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal: a canvas is shown, keys and the mouse are read. Everything of ncurses is here. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

/* curses and this room both name keys */
enum {
	CURSES_UP = KEY_UP,
	CURSES_DOWN = KEY_DOWN,
	CURSES_LEFT = KEY_LEFT,
	CURSES_RIGHT = KEY_RIGHT,
	CURSES_MOUSE = KEY_MOUSE,
	CURSES_RESIZE = KEY_RESIZE,
	CURSES_F0 = KEY_F0,
};

#include "face/top/private.h"

struct terminal {
	SCREEN *screen;
	attr_t attributes[STYLES];
	short pairs[STYLES];
	bool has_utf8, is_colour;
};

/* foreground, background in 8 colours; attributes without any */
static const struct look {
	short fg, bg;
	attr_t with, without;
} looks[STYLE_HEAT] = {
	[STYLE_NORMAL] = {-1, -1, 0, 0},
	[STYLE_TITLE] = {-1, -1, A_BOLD, A_BOLD},
	[STYLE_DIM] = {-1, -1, A_DIM, A_DIM},
	[STYLE_HEADER] = {COLOR_BLACK, COLOR_GREEN, 0, A_REVERSE},
	[STYLE_SORT] = {COLOR_BLACK, COLOR_CYAN, 0, A_REVERSE | A_BOLD | A_UNDERLINE},
	[STYLE_SELECTED] = {COLOR_BLACK, COLOR_CYAN, 0, A_REVERSE},
	[STYLE_KEY] = {-1, -1, A_BOLD, A_BOLD},
	[STYLE_LABEL] = {COLOR_BLACK, COLOR_CYAN, 0, A_REVERSE},
	[STYLE_ERROR] = {COLOR_WHITE, COLOR_RED, A_BOLD, A_REVERSE | A_BOLD},
	[STYLE_BAR] = {COLOR_BLACK, COLOR_CYAN, 0, A_UNDERLINE},
	[STYLE_KEY_COLUMN] = {-1, -1, A_BOLD, A_BOLD},
};

/* cold to hot: violet, red, orange, yellow, nearly white */
static const short heat_256[HEAT_LEVELS] = {-1, 17, 54, 90, 125, 160, 202, 208, 220, 229};
static const short heat_8[HEAT_LEVELS] = {-1, COLOR_BLUE, COLOR_BLUE, COLOR_CYAN, COLOR_CYAN,
	COLOR_GREEN, COLOR_GREEN, COLOR_YELLOW, COLOR_RED, COLOR_MAGENTA};

static void set_colours(struct terminal *t)
{
	use_default_colors();
	for (short i = 0; i < STYLES; i++) {
		short pair = (short)(i + 1);

		if (i < STYLE_HEAT) {
			init_pair(pair, looks[i].fg, looks[i].bg);
		} else {
			int heat = i - STYLE_HEAT;

			init_pair(pair, COLOR_BLACK, COLORS >= 256 ? heat_256[heat] : heat_8[heat]);
		}
		t->pairs[i] = pair;
		t->attributes[i] = i < STYLE_HEAT ? looks[i].with : 0;
	}
}

static void set_plain(struct terminal *t)
{
	for (int i = 0; i < STYLES; i++)
		t->attributes[i] = i < STYLE_HEAT ? looks[i].without : 0;
}

static void set_mouse(void)
{
	/* no wait for a second click: it is a click of its own, told apart by time below */
	mouseinterval(0);
	mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
			  BUTTON5_PRESSED,
		NULL);
}

int terminal_open(const struct top_options *o, struct terminal **ret, struct err *e)
{
	struct terminal *t;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ENOTTY, "koban top needs a terminal; for pipes there is --once");
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	t->has_utf8 = MB_CUR_MAX > 1;
	set_escdelay(25);
	t->screen = newterm(NULL, stdout, stdin);
	if (!t->screen) {
		free(t);
		return err_set(e, ENOTTY,
			"this terminal's kind (TERM) is not known here; try TERM=xterm koban top");
	}
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	t->is_colour = !o->no_colour && has_colors() && start_color() == OK;
	if (t->is_colour)
		set_colours(t);
	else
		set_plain(t);
	if (!o->no_mouse)
		set_mouse();
	*ret = t;
	return 0;
}

void terminal_close(struct terminal *t)
{
	if (!t)
		return;
	mousemask(0, NULL);
	endwin();
	delscreen(t->screen);
	free(t);
}

void terminal_size(const struct terminal *t, int *rows, int *columns)
{
	getmaxyx(stdscr, *rows, *columns);
}

static wchar_t shown(const struct terminal *t, const struct canvas_cell *cell)
{
	if (t->is_colour && cell->style >= STYLE_HEAT)
		return L' ';
	return cell->ch < 128 || t->has_utf8 ? (wchar_t)cell->ch : L'?';
}

static void show_row(struct terminal *t, const struct canvas *c, int row)
{
	for (int i = 0; i < c->columns; i++) {
		const struct canvas_cell *cell = &c->cells[row * c->columns + i];
		wchar_t text[2] = {shown(t, cell), 0};
		cchar_t ch;

		if (!cell->ch)
			continue;
		setcchar(&ch, text, t->attributes[cell->style], t->pairs[cell->style], NULL);
		mvadd_wch(row, i, &ch);
	}
}

void terminal_show(struct terminal *t, const struct canvas *c)
{
	erase();
	for (int row = 0; row < c->rows; row++)
		show_row(t, c, row);
	if (c->cursor_row >= 0)
		move(c->cursor_row, c->cursor_column);
	curs_set(c->cursor_row >= 0 ? 1 : 0);
	refresh();
}

static struct key_event mouse_key(void)
{
	struct key_event k = {.key = KEY_NOTHING};
	MEVENT m;

	if (getmouse(&m) != OK)
		return k;
	k.x = m.x;
	k.y = m.y;
	if (m.bstate & BUTTON4_PRESSED)
		k.key = KEY_WHEEL_UP;
	else if (m.bstate & BUTTON5_PRESSED)
		k.key = KEY_WHEEL_DOWN;
	else if (m.bstate & BUTTON1_DOUBLE_CLICKED)
		k.key = KEY_DOUBLE_CLICK;
	else if (m.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
		k.key = KEY_CLICK;
	return k;
}

static uint32_t function_key(int ch)
{
	static const struct {
		int curses;
		uint32_t key;
	} keys[] = {{CURSES_UP, KEY_UP_}, {CURSES_DOWN, KEY_DOWN_}, {CURSES_LEFT, KEY_LEFT_},
		{CURSES_RIGHT, KEY_RIGHT_}, {KEY_PPAGE, KEY_PAGE_UP}, {KEY_NPAGE, KEY_PAGE_DOWN},
		{KEY_HOME, KEY_HOME_}, {KEY_END, KEY_END_}, {KEY_ENTER, KEY_ENTER_},
		{KEY_BACKSPACE, KEY_BACK}, {KEY_DC, KEY_DELETE}, {CURSES_RESIZE, KEY_RESIZED}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == ch)
			return keys[i].key;
	if (ch > CURSES_F0 && ch <= CURSES_F0 + 12)
		return KEY_FN + (uint32_t)(ch - CURSES_F0);
	return KEY_NOTHING;
}

struct key_event terminal_key(struct terminal *t)
{
	int ch = getch();

	if (ch == ERR)
		return (struct key_event){.key = KEY_NOTHING};
	if (ch == CURSES_MOUSE)
		return mouse_key();
	if (ch > 255)
		return (struct key_event){.key = function_key(ch)};
	if (ch == '\r' || ch == '\n')
		return (struct key_event){.key = KEY_ENTER_};
	if (ch == 127 || ch == 8)
		return (struct key_event){.key = KEY_BACK};
	return (struct key_event){.key = ch == 27 ? KEY_ESCAPE : (uint32_t)ch};
}
