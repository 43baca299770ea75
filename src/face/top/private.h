/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of this room share. views.c reads views; session.c puts events into the tables of
 * the view at hand; screen.c draws a session on a canvas; keys.c changes it; terminal.c alone knows
 * ncurses.
 */
#include "base/grid.h"
#include "engine/group/group.h"
#include "face/top/top.h"

/* ---- views ---- */

enum view_type { VIEW_TABLE, VIEW_LIST, VIEW_SPECTROGRAM };

struct view {
	struct str id, name, desc, file;
	struct str *tips;
	size_t ntips;
	enum view_type type;
	enum group_from from;
	struct str filter;
	struct str *applies_to; /* fields; none = always */
	size_t napplies;
	struct str drilldown;     /* id; empty = the events of the row */
	struct str drilldown_key; /* the column whose value is followed; empty = all keys */
	struct group_column *columns;
	bool *hidden;
	size_t ncolumns;
	int sort;
	bool ascending;
};

struct views {
	struct arena arena;
	struct field_set fields; /* those of events, and sample.* */
	struct view *v;
	size_t n;
};

/* All views of the folders; a later one replaces an earlier one of the same id. Errors name
 * file:line. */
int views_load(const struct top_options *o, struct views *ret, struct err *e);
void views_done(struct views *v);
const struct view *views_find(const struct views *v, struct str id);
/* -ENOENT with what was meant. */
int views_get(const struct views *v, struct str id, const struct view **ret, struct err *e);

/* ---- a session: what is shown, without a screen ---- */

enum {
	DEPTH_MAX = 16,
	LIST_MAX = 10000,    /* rows of a list; older ones go */
	TEXT_MAX = 512,      /* bytes of a filter line */
	SLICES_MAX = 256,    /* of a spectrogram's time */
	LATENCY_BUCKETS = 37 /* powers of two nanoseconds: to 68 s and above */
};

struct level {
	const struct view *view;
	char where[2048]; /* condition of the rows that led here; empty at the top */
	char title[256];  /* "nginx" */
	size_t selected, top;
	int sort; /* -1 = as the view says */
	bool ascending;
};

/* The newest events of a list view, as texts. */
struct list {
	size_t ncolumns, first, n;
	uint64_t lost;     /* older ones that had to go */
	struct str *cells; /* ncolumns a row; s NULL = missing */
	char **blocks;     /* with a row's texts */
	size_t *rooms;     /* bytes of the block */
	struct buf text;   /* of the row at hand */
	size_t *ends;      /* of its cells in `text` */
};

int list_init(struct list *l, size_t ncolumns);
void list_done(struct list *l);
void list_add(struct list *l, const struct view *v, const struct group_row *row);
struct str list_cell(const struct list *l, size_t row, size_t column);

struct slice {
	uint64_t count[LATENCY_BUCKETS];
	uint64_t start_ns;
};

struct session {
	const struct top_feed *feed;
	struct top_options o;
	struct views views;
	struct level levels[DEPTH_MAX];
	size_t depth; /* of the level at hand */
	char filter[TEXT_MAX];

	/* live, one gathers while the other is shown; a capture has one */
	struct group_table *gather, *shown;
	struct list list;
	/* of spectrograms */
	struct slice *slices;
	size_t nslices;
	uint64_t slice_ns, slice_start_ns;

	/* what is on screen */
	const struct group_row *rows;
	size_t nrows;

	uint64_t refresh_ns, interval_start_ns, last_refresh_ns;
	uint64_t first_ev_ns, last_ev_ns;
	uint64_t events, interval_events; /* all that came */
	double events_s, cpu_percent;
	uint64_t cpu_start_ns;
	bool is_live, is_paused, is_over, is_read;
};

int session_open(
	struct session *s, const struct top_feed *feed, const struct top_options *o, struct err *e);
void session_close(struct session *s);
/* Takes events for at most `ms`; 0, -ENODATA at the end (once), another -errno. */
int session_pump(struct session *s, int ms, struct err *e);
/* Rows, sorted, of what was gathered; live: when an interval is over, or when forced. True when
 * something changed. */
bool session_refresh(struct session *s, bool force);
const struct view *session_view(const struct session *s);
struct level *session_level(struct session *s);
/* Rows of the view at hand, whatever its type. */
size_t session_count(const struct session *s);
/* The text of a cell; false when it is missing. */
bool session_cell(const struct session *s, size_t row, size_t column, struct buf *out);
/* Another view at the same place; down into the row that is selected; up. 0 or -errno. */
int session_show(struct session *s, const struct view *v, struct err *e);
int session_drill(struct session *s, const struct view *to, struct err *e);
int session_up(struct session *s, struct err *e);
/* -EINVAL with the place of the mistake: the old one stays. */
int session_filter(struct session *s, const char *text, struct err *e);
void session_sort(struct session *s, int column);
void session_clear(struct session *s);
/* Where a row of this view leads; NULL when nowhere. */
const struct view *session_target(const struct session *s);
bool session_applies(const struct session *s, const struct view *v);

/* The whole table as text or JSON lines. */
void session_print(const struct session *s, bool json, struct buf *out);

/* ---- the canvas ---- */

enum style {
	STYLE_NORMAL,
	STYLE_TITLE,
	STYLE_DIM,
	STYLE_HEADER,
	STYLE_SORT, /* the header of the column that sorts */
	STYLE_SELECTED,
	STYLE_KEY,
	STYLE_LABEL,
	STYLE_ERROR,
	STYLE_BAR,
	STYLE_KEY_COLUMN,
	STYLE_HEAT, /* and HEAT_LEVELS - 1 behind it */
};
enum { HEAT_LEVELS = 10, STYLES = STYLE_HEAT + HEAT_LEVELS };

struct canvas_cell {
	uint32_t ch; /* 0 = the right half of a wide character */
	uint8_t style;
};

struct canvas {
	int rows, columns;
	int cursor_row, cursor_column; /* -1 = hidden */
	struct canvas_cell *cells;
};

int canvas_init(struct canvas *c, int rows, int columns);
void canvas_done(struct canvas *c);
void canvas_clear(struct canvas *c);
/* From a column on, at most `width` columns; the column behind it. Control characters are shown. */
int canvas_text(struct canvas *c, int row, int column, int width, enum style st, struct str s);
void canvas_fill(struct canvas *c, int row, int column, int width, enum style st);
/* Lines of text as they stand, for tests. */
void canvas_format(const struct canvas *c, struct buf *out);

/* ---- the screen ---- */

enum mode { MODE_ROWS, MODE_FILTER, MODE_SEARCH, MODE_SORT, MODE_VIEWS, MODE_HELP };

struct ui {
	struct session *s;
	enum mode mode;
	char line[TEXT_MAX], search[TEXT_MAX];
	size_t cursor;
	char message[1000];
	bool message_is_error;
	size_t pick, pick_top; /* in lists of views and columns */
	size_t help_top;
	size_t first_column; /* of the table, scrolled sideways */
	bool quit;
	/* where things were drawn, for the mouse */
	int table_row, table_height;
};

void screen_draw(struct ui *ui, struct canvas *c);
/* Column `column` of the screen is whose header? -1 = none's. */
int screen_column_at(const struct ui *ui, int columns, int x);
void spectrogram_draw(const struct session *s, struct canvas *c, int row, int height);
/* The indexes of the views that the picker shows. */
size_t picker_views(const struct session *s, const struct view **ret, size_t max);

/* Keys as the session knows them; characters are themselves. */
enum key {
	KEY_NOTHING = 0x110000,
	KEY_UP_,
	KEY_DOWN_,
	KEY_LEFT_,
	KEY_RIGHT_,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_HOME_,
	KEY_END_,
	KEY_ENTER_,
	KEY_BACK, /* Backspace */
	KEY_DELETE,
	KEY_ESCAPE,
	KEY_RESIZED,
	KEY_CLICK,
	KEY_DOUBLE_CLICK,
	KEY_WHEEL_UP,
	KEY_WHEEL_DOWN,
	KEY_FN, /* KEY_FN + 1 = F1 … */
};

struct key_event {
	uint32_t key;
	int x, y; /* of the mouse */
};

void keys_handle(struct ui *ui, const struct key_event *k, int columns);

/* ---- the terminal ---- */

struct terminal;
int terminal_open(const struct top_options *o, struct terminal **ret, struct err *e);
void terminal_close(struct terminal *t);
void terminal_size(const struct terminal *t, int *rows, int *columns);
void terminal_show(struct terminal *t, const struct canvas *c);
/* KEY_NOTHING when no key waits. */
struct key_event terminal_key(struct terminal *t);
