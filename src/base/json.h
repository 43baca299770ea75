/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writing JSON (RFC 8259) straight into a buffer, for the paths where jansson's tree would
 * allocate. Reading JSON is jansson's work.
 */
#include "base/buf.h"

/* A quoted, escaped string; bytes that are no valid UTF-8 become U+FFFD, as Falco does. */
void json_add_str(struct buf *b, struct str s);
/* The same escapes without the quotes: a text line that no control byte can break. */
void json_add_escaped(struct buf *b, struct str s);
/* "key": with a comma in front unless *first; clears *first. */
void json_add_key(struct buf *b, bool *first, const char *key);
/* The length of the valid UTF-8 sequence at s (RFC 3629), 0 if it is none. */
size_t utf8_len(struct str s);
