/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text on a terminal: how wide it is, and tables of it whose columns are as wide as what is in
 * them.
 */
#include "base/buf.h"

/*
 * One character off the front of *s, and how many columns it takes. What is no UTF-8, controls a
 * terminal or moves what stands beside it becomes a visible mark.
 */
uint32_t text_next(struct str *s, int *width);
/* A character as UTF-8 (RFC 3629). */
void text_add_char(struct buf *out, uint32_t ch);
/* The text as text_next() sees it: nothing in it can move the cursor or turn the line around. */
void text_add_visible(struct buf *out, struct str text);
/* Columns on a terminal. */
int text_width(struct str s);
/* The text and blanks up to `width`, in front of it when it is numbers. */
void text_add_padded(struct buf *out, struct str text, int width, bool right);

/* As much of it as has room in so many columns. */
struct str text_head(struct str text, int width);

struct grid_column {
	struct str name; /* borrowed */
	bool right;      /* numbers */
	int width;       /* at least; grows with what is in it */
};

struct grid {
	struct grid_column *columns;
	size_t ncolumns, ncells, room;
	size_t *ends; /* of each cell, in `text` */
	struct buf text;
	int max_width; /* lines are cut there; 0 = not at all */
	bool no_memory, no_heading;
};

/* Columns are borrowed, and their widths changed. */
void grid_init(struct grid *g, struct grid_column *columns, size_t n);
void grid_done(struct grid *g);
/* The next cell, from left to right, row by row; control bytes are escaped. */
void grid_add(struct grid *g, struct str text);
/* The heading and the rows; 0 or -ENOMEM when something had to be left out. */
int grid_print(const struct grid *g, struct buf *out);
