/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Text that was appended to a buffer and must not break the line or the JSON that it is in. */
#include "base/arena.h"
#include "base/buf.h"

/* Nothing in it would be escaped in a line: printable ASCII. */
bool text_is_plain(struct str s);
/*
 * Rewrites what stands behind `from` in `b` with \n, \t, \r, \xHH for control bytes and what is no
 * UTF-8; with keep_lines, \n and \t stay as they are. The arena is for the rare copy.
 */
void line_escape(struct buf *b, size_t from, bool keep_lines, struct arena *a);
/* The same with JSON's escapes, for what stands between quotes. */
void json_escape(struct buf *b, size_t from, struct arena *a);
