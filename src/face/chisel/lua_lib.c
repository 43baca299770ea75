/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a script finds: of Lua's own libraries what only computes, and under the names of the rest a
 * function that says why it is not there. What 5.1 and LuaJIT had and 5.4 has not is added, since
 * scripts were written for those. Nothing here reads a file; modules do (lua_module.c).
 */
#include <math.h>

#include "face/chisel/lua_private.h"

/* ---- helpers --------------------------------------------------------------------------------- */

void script_lib_set(lua_State *L, const luaL_Reg *functions)
{
	for (; functions->name; functions++) {
		lua_pushcfunction(L, functions->func);
		lua_setfield(L, -2, functions->name);
	}
}

static int refused(lua_State *L)
{
	return luaL_error(L, "%s is not there for scripts: %s",
		lua_tostring(L, lua_upvalueindex(1)), lua_tostring(L, lua_upvalueindex(2)));
}

void script_lib_refuse(lua_State *L, const char *name, const char *why)
{
	lua_pushstring(L, name);
	lua_pushstring(L, why);
	lua_pushcclosure(L, refused, 2);
}

/* 5.1 cut numbers where whole ones are needed: ("x"):sub(1, 2.5). 5.4 raises. */
static int call_with_cut(lua_State *L)
{
	int n = lua_gettop(L);

	for (int i = 1; i <= n; i++) {
		lua_Number x = lua_type(L, i) == LUA_TNUMBER ? lua_tonumber(L, i) : 0;

		if (x == trunc(x) && fabs(x) < 0x1p62)
			continue;
		x = isnan(x) ? 0 : trunc(x);
		lua_pushnumber(L, x > 0x1p62 ? 0x1p62 : x < -0x1p62 ? -0x1p62 : x);
		lua_replace(L, i);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, LUA_MULTRET);
	return lua_gettop(L);
}

void script_lib_cut(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, call_with_cut, 1);
	lua_setfield(L, -2, name);
}

/* Keeps of the table on the stack only what is named. */
static void keep_only(lua_State *L, const char *const *names)
{
	lua_newtable(L);
	for (; *names; names++) {
		lua_getfield(L, -2, *names);
		lua_setfield(L, -2, *names);
	}
	lua_remove(L, -2);
}

/* ---- base ------------------------------------------------------------------------------------ */

/* Finalizers run where no limit of time holds. */
static int set_metatable(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "__gc is not there for scripts: finalizers cannot be "
					     "limited in time");
	}
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	lua_settop(L, 2);
	lua_setmetatable(L, 1);
	return 1;
}

/* A full collection takes long and is not a script's business; how much it holds may be asked. */
static int collect_garbage(lua_State *L)
{
	const char *what = luaL_optstring(L, 1, "collect");

	if (!strcmp(what, "count"))
		lua_pushnumber(L, (lua_Number)script_of(L)->vm.used / 1024);
	else
		lua_pushinteger(L, 0);
	return 1;
}

/* ---- pcall and xpcall, which catch all but the end ------------------------------------------- */

/* What was called came back, or failed, or comes back after a yield; `below` values lie under it.
 */
static int finish_call(lua_State *L, int status, lua_KContext below)
{
	if (script_of(L)->vm.end != SCRIPT_RUNS)
		return script_vm_stop(L, SCRIPT_LATE);
	if (status == LUA_OK || status == LUA_YIELD)
		return lua_gettop(L) - (int)below;
	lua_pushboolean(L, false);
	lua_insert(L, -2);
	return 2;
}

static int protected_call(lua_State *L)
{
	luaL_checkany(L, 1);
	lua_pushboolean(L, true);
	lua_insert(L, 1);
	return finish_call(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call), 0);
}

/* The script's handler, which is not asked when nothing may run any more. */
static int handle(lua_State *L)
{
	if (script_of(L)->vm.end != SCRIPT_RUNS)
		return 1;
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	return 1;
}

/* The stack: the function, the handler in our clothes, true, the function, its arguments. */
static int protected_call_handled(lua_State *L)
{
	int n = lua_gettop(L);

	luaL_checkany(L, 2);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, handle, 1);
	lua_replace(L, 2);
	lua_pushboolean(L, true);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2);
	return finish_call(L, lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, finish_call), 2);
}

static int to_string(lua_State *L)
{
	luaL_checkany(L, 1);
	script_string_of(L, 1, NULL);
	return 1;
}

static void open_base(lua_State *L)
{
	static const char *const keep[] = {"assert", "error", "getmetatable", "ipairs", "next",
		"pairs", "rawequal", "rawget", "rawlen", "rawset", "select", "tonumber", "type",
		"_VERSION", NULL};
	static const luaL_Reg own[] = {{"setmetatable", set_metatable},
		{"collectgarbage", collect_garbage}, {"tostring", to_string},
		{"pcall", protected_call}, {"xpcall", protected_call_handled}, {NULL, NULL}};
	static const char *const files[] = {"dofile", "loadfile", NULL};

	/* luaopen_base() works on the globals: they are emptied and filled again */
	lua_pushglobaltable(L);
	luaL_requiref(L, "_G", luaopen_base, 0);
	keep_only(L, keep);
	lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pop(L, 1);
	lua_pushglobaltable(L);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "_G");
	script_lib_set(L, own);
	for (size_t i = 0; files[i]; i++) {
		script_lib_refuse(L, files[i], "use require, which looks in the chisels' folders");
		lua_setfield(L, -2, files[i]);
	}
	lua_pop(L, 1);
}

/* ---- math ------------------------------------------------------------------------------------ */

#define MATH_1(name, expr)                                                                         \
	static int name(lua_State *L)                                                              \
	{                                                                                          \
		lua_Number x = luaL_checknumber(L, 1);                                             \
		lua_pushnumber(L, expr);                                                           \
		return 1;                                                                          \
	}
MATH_1(math_log10, log10(x))
MATH_1(math_cosh, cosh(x))
MATH_1(math_sinh, sinh(x))
MATH_1(math_tanh, tanh(x))

static int math_pow(lua_State *L)
{
	lua_pushnumber(L, pow(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
	return 1;
}

static int math_atan2(lua_State *L)
{
	lua_pushnumber(L, atan2(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
	return 1;
}

static int math_ldexp(lua_State *L)
{
	double by = luaL_checknumber(L, 2);

	lua_pushnumber(L, ldexp(luaL_checknumber(L, 1), by > 9999    ? 9999
							: by < -9999 ? -9999
								     : (int)by));
	return 1;
}

static int math_frexp(lua_State *L)
{
	int exponent;

	lua_pushnumber(L, frexp(luaL_checknumber(L, 1), &exponent));
	lua_pushinteger(L, exponent);
	return 2;
}

static void open_math(lua_State *L)
{
	static const luaL_Reg old[] = {{"log10", math_log10}, {"cosh", math_cosh},
		{"sinh", math_sinh}, {"tanh", math_tanh}, {"pow", math_pow}, {"atan2", math_atan2},
		{"ldexp", math_ldexp}, {"frexp", math_frexp}, {NULL, NULL}};

	luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
	script_lib_set(L, old);
	lua_getfield(L, -1, "fmod");
	lua_setfield(L, -2, "mod");
	script_lib_cut(L, "random");
	lua_pop(L, 1);
}

/* ---- bit, which LuaJIT has ------------------------------------------------------------------- */

static uint32_t bits(lua_State *L, int i)
{
	lua_Number x = luaL_checknumber(L, i);

	return fabs(x) < 9e15 ? (uint32_t)(int64_t)floor(x) : 0;
}

static int give_bits(lua_State *L, uint32_t x)
{
	lua_pushinteger(L, (int32_t)x);
	return 1;
}

#define BIT_ALL(name, op)                                                                          \
	static int name(lua_State *L)                                                              \
	{                                                                                          \
		uint32_t x = bits(L, 1);                                                           \
		for (int i = lua_gettop(L); i > 1; i--)                                            \
			x = x op bits(L, i);                                                       \
		return give_bits(L, x);                                                            \
	}
BIT_ALL(bit_and, &)
BIT_ALL(bit_or, |)
BIT_ALL(bit_xor, ^)

#define BIT_TWO(name, expr)                                                                        \
	static int name(lua_State *L)                                                              \
	{                                                                                          \
		uint32_t x = bits(L, 1), n = bits(L, 2) & 31;                                      \
		return give_bits(L, expr);                                                         \
	}
BIT_TWO(bit_lshift, x << n)
BIT_TWO(bit_rshift, x >> n)
BIT_TWO(bit_arshift, (uint32_t)((int32_t)x >> n))
BIT_TWO(bit_rol, x << n | x >> ((32 - n) & 31))
BIT_TWO(bit_ror, x >> n | x << ((32 - n) & 31))

static int bit_not(lua_State *L)
{
	return give_bits(L, ~bits(L, 1));
}

static int bit_to(lua_State *L)
{
	return give_bits(L, bits(L, 1));
}

static int bit_tohex(lua_State *L)
{
	char text[9];

	snprintf(text, sizeof(text), "%08x", bits(L, 1));
	lua_pushstring(L, text);
	return 1;
}

static void open_bit(lua_State *L)
{
	static const luaL_Reg own[] = {{"band", bit_and}, {"bor", bit_or}, {"bxor", bit_xor},
		{"bnot", bit_not}, {"lshift", bit_lshift}, {"rshift", bit_rshift},
		{"arshift", bit_arshift}, {"rol", bit_rol}, {"ror", bit_ror}, {"tobit", bit_to},
		{"tohex", bit_tohex}, {NULL, NULL}};

	lua_newtable(L);
	script_lib_set(L, own);
	lua_setglobal(L, "bit");
}

/* ---- os, debug, the rest --------------------------------------------------------------------- */

static int os_exit(lua_State *L)
{
	return script_vm_stop(L, SCRIPT_EXITED);
}

static int os_getenv(lua_State *L)
{
	luaL_checkstring(L, 1);
	lua_pushnil(L); /* as if nothing were set: scripts then take their defaults */
	return 1;
}

static void open_os(lua_State *L)
{
	static const char *const keep[] = {"clock", "date", "difftime", "time", NULL};
	static const char *const gone[] = {"execute", "remove", "rename", "tmpname", NULL};
	static const luaL_Reg own[] = {{"exit", os_exit}, {"getenv", os_getenv}, {NULL, NULL}};

	luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
	keep_only(L, keep);
	script_lib_set(L, own);
	for (size_t i = 0; gone[i]; i++) {
		lua_pushfstring(L, "os.%s", gone[i]);
		script_lib_refuse(
			L, lua_tostring(L, -1), "a chisel starts no programs and changes no files");
		lua_setfield(L, -3, gone[i]);
		lua_pop(L, 1);
	}
	lua_setglobal(L, LUA_OSLIBNAME);
}

static int traceback(lua_State *L)
{
	if (!lua_isnoneornil(L, 1) && !lua_isstring(L, 1))
		return lua_settop(L, 1), 1;
	luaL_traceback(L, L, lua_tostring(L, 1), 1);
	return 1;
}

static void open_debug(lua_State *L)
{
	lua_newtable(L);
	lua_pushcfunction(L, traceback);
	lua_setfield(L, -2, "traceback");
	lua_setglobal(L, "debug");
}

/* x:find() works, and what it works on cannot be swapped. */
static void seal_string_metatable(lua_State *L)
{
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_getglobal(L, LUA_STRLIBNAME);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 2);
}

int script_lib_open(lua_State *L)
{
	open_base(L);
	luaL_requiref(L, LUA_COLIBNAME, luaopen_coroutine, 1);
	lua_pop(L, 1);
	open_math(L);
	open_bit(L);
	open_os(L);
	open_debug(L);
	script_concat_open(L);
	script_string_open(L);
	script_pattern_open(L);
	script_table_open(L);
	script_output_open(L);
	script_api_open(L);
	script_field_open(L);
	script_module_open(L);
	seal_string_metatable(L);
	return 0;
}
