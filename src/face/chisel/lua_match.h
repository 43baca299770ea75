/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Lua's patterns (Reference Manual, 6.4.1): one attempt at one place of a text. */
#include <lua5.4/lua.h>

#include "base/str.h"

enum { MATCH_CAPTURES = 32, MATCH_POSITION = -2, MATCH_OPEN = -1 };

struct match_capture {
	const char *start;
	ptrdiff_t len; /* or MATCH_OPEN, MATCH_POSITION */
};

struct match {
	lua_State *L;
	struct str text, pattern;
	unsigned ncaptures, depth;
	struct match_capture captures[MATCH_CAPTURES];
};

/*
 * The pattern at this place of the text: where the match ends, or NULL. Raises for a broken
 * pattern, one that is too deep, and when the call's time is over.
 */
const char *match_at(struct match *m, const char *s);
