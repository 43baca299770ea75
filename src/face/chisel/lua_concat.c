/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `..` as 5.1 has it: 10 / 2 .. "ms" is "5ms" there and "5.0ms" in Lua 5.4, which turns numbers
 *into text inside its machine where no library can reach. So the operator is written differently,
 *with one that 5.1 does not have and that binds as `..` does; booleans get a metatable:
 *
 *	a .. b .. c   becomes   a <<true<< b <<true<< c,   which is   (((a << true) << b) << true)
 *<< c
 *
 * `a << true` gives a holder with a in it, `holder << b` the two as one text. A holder is only ever
 * between the two, so it is used again: scripts never see one. Lines stay where they were.
 *
 * It also keeps scripts from a fault of Debian 12's Lua (5.4.4-3+deb12u1, in its correction of
 * CVE-2022-33099): where the metamethod of its own `..` makes the stack move, it goes on with the
 *old one. Sources hold no `..` any more when Lua gets them.
 */
#include <ctype.h>

#include "face/chisel/lua_private.h"

enum { HOLDERS_MAX = 16 }; /* that wait to be used again */

/* ---- the source ------------------------------------------------------------------------------ */

struct scan {
	struct str rest;
	struct buf *out;
};

static char at(const struct scan *s, size_t i)
{
	return i < s->rest.len ? s->rest.s[i] : 0;
}

static void copy(struct scan *s, size_t n)
{
	n = n < s->rest.len ? n : s->rest.len;
	buf_add(s->out, str_head(s->rest, n));
	s->rest = str_skip(s->rest, n);
}

/* "[", "=" so often, "[": their number, or -1 when no long text begins here. */
static ptrdiff_t long_level(const struct scan *s, size_t from)
{
	size_t n = 1;

	if (at(s, from) != '[')
		return -1;
	while (at(s, from + n) == '=')
		n++;
	return at(s, from + n) == '[' ? (ptrdiff_t)n - 1 : -1;
}

static void copy_long(struct scan *s, size_t from, size_t level)
{
	size_t i = from + level + 2;

	for (; i < s->rest.len; i++) {
		size_t n = 1;

		if (at(s, i) != ']')
			continue;
		while (at(s, i + n) == '=')
			n++;
		if (n - 1 == level && at(s, i + n) == ']') {
			i += n + 1;
			break;
		}
	}
	copy(s, i);
}

static void copy_comment(struct scan *s)
{
	ptrdiff_t level = long_level(s, 2), end;

	if (level >= 0) {
		copy_long(s, 2, (size_t)level);
		return;
	}
	end = str_find_char(s->rest, '\n');
	copy(s, end < 0 ? s->rest.len : (size_t)end);
}

static void copy_quoted(struct scan *s)
{
	size_t i = 1;

	while (i < s->rest.len && at(s, i) != at(s, 0) && at(s, i) != '\n')
		i += at(s, i) == '\\' ? 2 : 1;
	copy(s, i + 1);
}

/* As Lua reads them: 1..2 is one broken number. */
static void copy_number(struct scan *s)
{
	size_t i = 1;

	while (isalnum((unsigned char)at(s, i)) || at(s, i) == '.' ||
		((at(s, i) == '+' || at(s, i) == '-') && strchr("eEpP", at(s, i - 1))))
		i++;
	copy(s, i);
}

static void copy_name(struct scan *s)
{
	size_t i = 1;

	while (isalnum((unsigned char)at(s, i)) || at(s, i) == '_')
		i++;
	copy(s, i);
}

static void copy_dots(struct scan *s)
{
	if (at(s, 1) == '.' && at(s, 2) == '.') {
		copy(s, 3);
	} else if (at(s, 1) == '.') {
		buf_add_cstr(s->out, "<<true<<");
		s->rest = str_skip(s->rest, 2);
	} else if (isdigit((unsigned char)at(s, 1))) {
		copy_number(s);
	} else {
		copy(s, 1);
	}
}

void script_concat_rewrite(struct str text, struct buf *out)
{
	struct scan s = {text, out};

	while (s.rest.len) {
		unsigned char c = (unsigned char)s.rest.s[0];
		ptrdiff_t level = c == '[' ? long_level(&s, 0) : -1;

		if (c == '-' && at(&s, 1) == '-')
			copy_comment(&s);
		else if (level >= 0)
			copy_long(&s, 0, (size_t)level);
		else if (c == '"' || c == '\'')
			copy_quoted(&s);
		else if (isdigit(c))
			copy_number(&s);
		else if (isalpha(c) || c == '_')
			copy_name(&s);
		else if (c == '.')
			copy_dots(&s);
		else
			copy(&s, 1);
	}
}

/* ---- the operator ---------------------------------------------------------------------------- */

static bool is_text(lua_State *L, int i)
{
	return lua_type(L, i) == LUA_TSTRING || lua_type(L, i) == LUA_TNUMBER;
}

/* a << true: a in a holder. Upvalues: those that are free, by number; their metatable. */
static int hold(lua_State *L)
{
	struct script *s = script_of(L);

	if (s->nholders) {
		lua_rawgeti(L, lua_upvalueindex(1), s->nholders--);
	} else {
		lua_newuserdatauv(L, 0, 1);
		lua_pushvalue(L, lua_upvalueindex(2));
		lua_setmetatable(L, -2);
	}
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	return 1;
}

/* The __concat of one of the two, the left one first; raises when neither has one. */
static int join_otherwise(lua_State *L)
{
	int wrong = is_text(L, 1) ? 2 : 1;
	bool is_boolean = lua_isboolean(L, 1) || lua_isboolean(L, 2); /* whose __concat is ours */

	if (is_boolean || (luaL_getmetafield(L, 1, "__concat") == LUA_TNIL &&
				  luaL_getmetafield(L, 2, "__concat") == LUA_TNIL))
		return luaL_error(L, "attempt to concatenate a %s value", luaL_typename(L, wrong));
	lua_insert(L, 1);
	lua_call(L, 2, 1);
	return 1;
}

/* holder << b. The upvalue: the free ones. */
static int join(lua_State *L)
{
	struct script *s = script_of(L);

	lua_settop(L, 2);
	lua_getiuservalue(L, 1, 1);
	lua_insert(L, 1);
	if (s->nholders < HOLDERS_MAX) {
		lua_pushvalue(L, 2);
		lua_pushnil(L);
		lua_setiuservalue(L, -2, 1);
		lua_rawseti(L, lua_upvalueindex(1), ++s->nholders);
	}
	lua_remove(L, 2);
	if (!is_text(L, 1) || !is_text(L, 2))
		return join_otherwise(L);
	for (int i = 1; i <= 2; i++)
		if (lua_type(L, i) == LUA_TNUMBER)
			script_string_from_number(L, i);
	lua_concat(L, 2);
	return 1;
}

static void seal(lua_State *L)
{
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
}

void script_concat_open(lua_State *L)
{
	lua_createtable(L, HOLDERS_MAX, 0);
	lua_newtable(L); /* of holders */
	lua_pushvalue(L, -2);
	lua_pushcclosure(L, join, 1);
	lua_setfield(L, -2, "__shl");
	seal(L);
	lua_pushcclosure(L, hold, 2);
	lua_newtable(L); /* of booleans */
	lua_insert(L, -2);
	lua_setfield(L, -2, "__shl");
	seal(L);
	lua_pushboolean(L, true);
	lua_insert(L, -2);
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}
