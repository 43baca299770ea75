/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as 5.1 has them: insert and remove take any position, concat writes whole numbers plainly;
 * getn, maxn, foreach. All count their steps, for a table that only pretends to be large would keep
 * C busy for years. sort is a merge sort: it keeps the order of what compares equal, so the same
 * events give the same lines.
 */
#include <math.h>

#include "face/chisel/lua_private.h"

enum { SORT_MAX = 4 << 20 };

static lua_Integer length_of(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	return luaL_len(L, 1);
}

/* A position as 5.1 took it: any number, cut. */
static lua_Integer position(lua_State *L, int i)
{
	lua_Number x = luaL_checknumber(L, i);

	return fabs(x) < 9e15 ? (lua_Integer)x : luaL_argerror(L, i, "no position");
}

static void move(lua_State *L, lua_Integer from, lua_Integer to)
{
	script_vm_work(L, 1);
	lua_geti(L, 1, from);
	lua_seti(L, 1, to);
}

static int table_insert(lua_State *L)
{
	lua_Integer end = length_of(L) + 1, at = end;

	switch (lua_gettop(L)) {
	case 2:
		break;
	case 3:
		at = position(L, 2);
		if (at > end)
			end = at;
		for (lua_Integer i = end; i > at; i--)
			move(L, i - 1, i);
		break;
	default:
		return luaL_error(L, "wrong number of arguments to 'insert'");
	}
	lua_settop(L, lua_gettop(L) > 2 ? 3 : 2);
	lua_seti(L, 1, at);
	return 0;
}

static int table_remove(lua_State *L)
{
	lua_Integer end = length_of(L);
	lua_Integer at = lua_isnoneornil(L, 2) ? end : position(L, 2);

	if (at < 1 || at > end)
		return 0;
	lua_geti(L, 1, at);
	for (; at < end; at++)
		move(L, at + 1, at);
	lua_pushnil(L);
	lua_seti(L, 1, end);
	return 1;
}

static void add_item(lua_State *L, luaL_Buffer *b, lua_Integer i)
{
	script_vm_work(L, 1);
	int type = lua_geti(L, 1, i);

	if (type != LUA_TSTRING && type != LUA_TNUMBER)
		luaL_error(L, "invalid value (%s) at index %d in table for 'concat'",
			lua_typename(L, type), (int)i);
	if (type == LUA_TNUMBER)
		script_string_from_number(L, -1);
	luaL_addvalue(b);
}

static int table_concat(lua_State *L)
{
	luaL_Buffer b;
	size_t len;
	lua_Integer n = length_of(L);
	const char *sep = luaL_optlstring(L, 2, "", &len);
	lua_Integer i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, n);

	lua_settop(L, 2); /* the separator stays where it is */
	luaL_buffinit(L, &b);
	for (; i <= last; i++) {
		add_item(L, &b, i);
		if (i == last)
			break;
		luaL_addlstring(&b, sep, len);
	}
	luaL_pushresult(&b);
	return 1;
}

/* ---- sort ------------------------------------------------------------------------------------ */

/* The stack while sorting: 1 the table, 2 the function or nil, 3 the order, 4 a copy of the table.
 */
enum { AT_FUNCTION = 2, AT_ORDER, AT_COPY };

static unsigned cost(lua_State *L, int i)
{
	return lua_type(L, i) == LUA_TSTRING ? 1 + (unsigned)(lua_rawlen(L, i) >> 8) : 1;
}

static bool is_less(lua_State *L, uint32_t a, uint32_t b)
{
	bool less;

	if (lua_isnil(L, AT_FUNCTION)) {
		lua_rawgeti(L, AT_COPY, a);
		lua_rawgeti(L, AT_COPY, b);
		script_vm_work(L, cost(L, -1) + cost(L, -2));
		less = lua_compare(L, -2, -1, LUA_OPLT);
		lua_pop(L, 2);
		return less;
	}
	script_vm_work(L, 1);
	lua_pushvalue(L, AT_FUNCTION);
	lua_rawgeti(L, AT_COPY, a);
	lua_rawgeti(L, AT_COPY, b);
	lua_call(L, 2, 1);
	less = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return less;
}

static void merge(
	lua_State *L, const uint32_t *from, uint32_t *to, size_t a, size_t mid, size_t end)
{
	size_t b = mid;

	for (size_t i = a; i < end; i++) {
		bool take_b = a == mid || (b < end && is_less(L, from[b], from[a]));

		to[i] = take_b ? from[b++] : from[a++];
	}
}

/* From runs of one to a single run; which of the two halves of `order` holds it. */
static const uint32_t *merge_all(lua_State *L, uint32_t *order, size_t n)
{
	uint32_t *from = order, *to = order + n;

	for (size_t run = 1; run < n; run *= 2) {
		for (size_t a = 0; a < n; a += 2 * run) {
			size_t mid = a + run < n ? a + run : n;

			merge(L, from, to, a, mid, a + 2 * run < n ? a + 2 * run : n);
		}
		uint32_t *was = from;

		from = to;
		to = was;
	}
	return from;
}

static int table_sort(lua_State *L)
{
	lua_Integer n = length_of(L);

	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	if (n < 2)
		return 0;
	if (n > SORT_MAX)
		return luaL_error(L, "table.sort: more than %d items", SORT_MAX);
	lua_settop(L, 2);
	uint32_t *order = lua_newuserdatauv(L, 2 * (size_t)n * sizeof(*order), 0);
	lua_createtable(L, (int)n, 0);
	for (lua_Integer i = 0; i < n; i++) {
		script_vm_work(L, 1);
		order[i] = (uint32_t)i + 1;
		lua_geti(L, 1, i + 1);
		lua_rawseti(L, AT_COPY, i + 1);
	}
	const uint32_t *sorted = merge_all(L, order, (size_t)n);
	for (lua_Integer i = 0; i < n; i++) {
		script_vm_work(L, 1);
		lua_rawgeti(L, AT_COPY, sorted[i]);
		lua_seti(L, 1, i + 1);
	}
	return 0;
}

/* ---- what 5.1 had ---------------------------------------------------------------------------- */

static int table_getn(lua_State *L)
{
	lua_pushinteger(L, length_of(L));
	return 1;
}

static int table_maxn(lua_State *L)
{
	lua_Number max = 0;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		script_vm_work(L, 1);
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) > max)
			max = lua_tonumber(L, -1);
	}
	lua_pushnumber(L, max);
	return 1;
}

/* The function of a foreach with key and value; true when it gave something back. */
static bool call_each(lua_State *L)
{
	script_vm_work(L, 1);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -3);
	lua_pushvalue(L, -3);
	lua_call(L, 2, 1);
	return !lua_isnil(L, -1);
}

static int table_foreach(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		if (call_each(L))
			return 1;
		lua_pop(L, 2);
	}
	return 0;
}

static int table_foreachi(lua_State *L)
{
	lua_Integer n = length_of(L);

	luaL_checktype(L, 2, LUA_TFUNCTION);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_pushinteger(L, i);
		lua_geti(L, 1, i);
		if (call_each(L))
			return 1;
		lua_pop(L, 3);
	}
	return 0;
}

void script_table_open(lua_State *L)
{
	static const luaL_Reg own[] = {{"insert", table_insert}, {"remove", table_remove},
		{"concat", table_concat}, {"sort", table_sort}, {"getn", table_getn},
		{"maxn", table_maxn}, {"foreach", table_foreach}, {"foreachi", table_foreachi},
		{NULL, NULL}};

	luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
	script_lib_set(L, own);
	lua_pushnil(L);
	lua_setfield(L, -2, "move"); /* 5.1 has none, and it counts no steps */
	script_lib_cut(L, "concat");
	script_lib_cut(L, "unpack");
	lua_getfield(L, -1, "unpack");
	lua_setglobal(L, "unpack");
	lua_pop(L, 1);
}
