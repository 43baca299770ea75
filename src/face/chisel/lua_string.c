/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings as 5.1 writes them: numbers that are whole without ".0", %d for any number, %u. What
 * could make strings without end (rep) is bounded. Patterns are lua_pattern.c's.
 */
#include <math.h>
#include <stdio.h>

#include "face/chisel/lua_private.h"

/* ---- numbers --------------------------------------------------------------------------------- */

void script_string_from_number(lua_State *L, int i)
{
	char text[64];

	if (lua_isinteger(L, i)) {
		lua_tolstring(L, i, NULL);
		return;
	}
	i = lua_absindex(L, i);
	snprintf(text, sizeof(text), "%.14g", lua_tonumber(L, i));
	lua_pushstring(L, text);
	lua_replace(L, i);
}

const char *script_string_of(lua_State *L, int i, size_t *len)
{
	if (lua_type(L, i) != LUA_TNUMBER)
		return luaL_tolstring(L, i, len);
	lua_pushvalue(L, i);
	script_string_from_number(L, -1);
	return lua_tolstring(L, -1, len);
}

/* The number at i as a whole one, cut towards zero, as C's %d would print a cast one. */
static void make_whole(lua_State *L, int i)
{
	if (lua_type(L, i) == LUA_TSTRING && lua_stringtonumber(L, lua_tostring(L, i)))
		lua_replace(L, i);
	if (lua_type(L, i) != LUA_TNUMBER || lua_isinteger(L, i))
		return;
	lua_Number x = trunc(lua_tonumber(L, i));
	if (isnan(x))
		x = 0;
	lua_pushinteger(L, x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (lua_Integer)x);
	lua_replace(L, i);
}

/* ---- format ---------------------------------------------------------------------------------- */

/* Behind a %: flags, width and precision; where the letter stands. */
static const char *skip_modifiers(const char *p, const char *end)
{
	while (p < end && strchr("-+ #0123456789.", *p) && *p)
		p++;
	return p;
}

/* What the conversion `c` wants of the value at i; the letter that Lua 5.4 knows for it. */
static char prepare_value(lua_State *L, char c, int i)
{
	if (c && strchr("diucxXo", c)) {
		if (lua_isnone(L, i))
			luaL_argerror(L, i, "no value");
		make_whole(L, i);
		return c == 'u' ? 'd' : c;
	}
	if (c == 's' && lua_type(L, i) == LUA_TNUMBER)
		script_string_from_number(L, i);
	return c;
}

/* The stack: 1 the format, then its values. Ours is made of it, then Lua's does the work. */
static int string_format(lua_State *L)
{
	size_t len;
	const char *p = luaL_checklstring(L, 1, &len), *end = p + len;
	int n = lua_gettop(L), value = 1;
	luaL_Buffer b;

	luaL_checkstack(L, n + 4, "too many values");
	luaL_buffinit(L, &b);
	while (p < end) {
		if (*p != '%' || (p + 1 < end && p[1] == '%')) {
			luaL_addlstring(&b, p, *p == '%' ? 2 : 1);
			p += *p == '%' ? 2 : 1;
			continue;
		}
		const char *letter = skip_modifiers(p + 1, end);

		luaL_addlstring(&b, p, (size_t)(letter - p));
		if (letter < end)
			luaL_addchar(&b, prepare_value(L, *letter, ++value));
		p = letter + 1;
	}
	luaL_pushresult(&b);
	lua_replace(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, 1);
	return 1;
}

/* ---- rep ------------------------------------------------------------------------------------- */

static int string_rep(lua_State *L)
{
	size_t len, sep_len;
	const char *s = luaL_checklstring(L, 1, &len);
	lua_Number times = luaL_checknumber(L, 2);
	const char *sep = luaL_optlstring(L, 3, "", &sep_len);
	luaL_Buffer b;

	if (!(times >= 1) || len + sep_len == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	if (times * (double)(len + sep_len) > SCRIPT_STRING_MAX)
		return luaL_error(L, "string.rep: the result would be larger than %d KiB",
			SCRIPT_STRING_MAX >> 10);
	luaL_buffinit(L, &b);
	for (size_t i = 0; i < (size_t)times; i++) {
		if (i)
			luaL_addlstring(&b, sep, sep_len);
		luaL_addlstring(&b, s, len);
	}
	luaL_pushresult(&b);
	return 1;
}

void script_string_open(lua_State *L)
{
	static const char *const gone[] = {"dump", "pack", "packsize", "unpack", NULL};
	static const luaL_Reg own[] = {{"rep", string_rep}, {NULL, NULL}};

	luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
	for (size_t i = 0; gone[i]; i++) {
		lua_pushnil(L);
		lua_setfield(L, -2, gone[i]);
	}
	script_lib_set(L, own);
	script_lib_cut(L, "sub");
	script_lib_cut(L, "byte");
	script_lib_cut(L, "char");
	lua_getfield(L, -1, "format");
	lua_pushcclosure(L, string_format, 1);
	lua_setfield(L, -2, "format");
	lua_pop(L, 1);
}
