/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writing JSON (RFC 8259) straight into a buffer, for the paths where jansson's tree would
 * allocate. Reading JSON is jansson's work.
 */
#include "base/buf.h"

/*
 * A quoted, escaped string; bytes that are no valid UTF-8 become U+FFFD, as Falco does. Characters
 * that rule a terminal (all controls, line ends, overrides of direction) are escaped as well.
 */
void json_add_str(struct buf *b, struct str s);
/* The same escapes without the quotes: a text line that no control byte can break. */
void json_add_escaped(struct buf *b, struct str s);
/*
 * A quoted string of about `max` bytes at most, as they are written: what is longer is cut between
 * two characters and ends in "…". A NUL becomes U+FFFD: it is no text, and databases and readers of
 * JSON refuse it.
 */
void json_add_text(struct buf *b, struct str s, size_t max);
/* "key": with a comma in front unless *first; clears *first. */
void json_add_key(struct buf *b, bool *first, const char *key);
/* How many bytes at the head of s stand for themselves in a JSON string: printable ASCII that is
 * neither a quote nor a backslash. What ends the run is for the caller to look at. */
size_t json_plain_len(struct str s);
/* The length of the valid UTF-8 sequence at s (RFC 3629), 0 if it is none. */
size_t utf8_len(struct str s);
/* A character as UTF-8 (RFC 3629); how many bytes it took. */
size_t utf8_put(char out[4], uint32_t c);
