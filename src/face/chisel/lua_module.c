/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source text into functions: require, load and what 5.1 had (loadstring, module, setfenv). Modules
 * are found in the folder of the script and in the catalogue's, nowhere else, and a name cannot
 * lead out of them. Only text is loaded: prepared bytecode can do to Lua what no text can.
 */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "face/chisel/lua_private.h"

/* Lua's own place in the registry, where it looks up names for its messages. */
#define LOADED LUA_LOADED_TABLE

/* ---- files ----------------------------------------------------------------------------------- */

/* "a.b" is a/b.lua; letters, digits, _ and - only, so that no name climbs. */
static bool file_of(struct str dir, struct str name, char *path, size_t size)
{
	size_t n = (size_t)snprintf(path, size, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name));

	if (!name.len || n + sizeof(".lua") > size)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char *c = &path[dir.len + 1 + i];

		if (*c == '.' && i && i + 1 < name.len && name.s[i + 1] != '.')
			*c = '/';
		else if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return false;
	}
	memcpy(path + n, ".lua", sizeof(".lua"));
	return access(path, R_OK) == 0;
}

bool script_module_find(const struct script *s, struct str name, char *path, size_t size)
{
	struct str own = str_of(s->path);
	ptrdiff_t slash = str_rfind_char(own, '/');

	if (slash >= 0 && file_of(str_head(own, (size_t)slash), name, path, size))
		return true;
	for (size_t i = 0; i < s->env->ndirs; i++)
		if (file_of(str_of(s->env->dirs[i]), name, path, size))
			return true;
	return false;
}

/* The function or the error on the stack; raises nothing. */
static int load_text(lua_State *L, struct str text, const char *name)
{
	/* "#!/…" in the first line is for the shell */
	if (text.len && text.s[0] == '#') {
		ptrdiff_t end = str_find_char(text, '\n');

		text = end < 0 ? STR_NULL : str_skip(text, (size_t)end);
	}
	struct buf b = BUF_INIT(4 * (size_t)SCRIPT_STRING_MAX);

	/* bytecode is for Lua to refuse, in its words */
	if (!text.len || text.s[0] != '\033') {
		script_concat_rewrite(text, &b);
		text = buf_str(&b);
	}
	int status = luaL_loadbufferx(L, text.s, text.len, name, "t");
	buf_done(&b);
	return status;
}

void script_module_load(lua_State *L, const char *path)
{
	struct arena a;
	struct str text;
	struct err e;
	int status = LUA_OK;

	arena_init(&a, 2 * SCRIPT_FILE_MAX);
	int r = io_read_file(&a, AT_FDCWD, path, SCRIPT_FILE_MAX, &text, &e);
	if (r == 0) {
		char name[PATH_MAX + 2];

		snprintf(name, sizeof(name), "@%s", path);
		status = load_text(L, text, name);
	}
	arena_done(&a);
	if (r < 0)
		luaL_error(L, "%s", e.msg);
	if (status != LUA_OK)
		lua_error(L);
}

/* ---- require --------------------------------------------------------------------------------- */

static const char *why_absent(const char *name)
{
	if (!strcmp(name, "ffi"))
		return ": scripts call no C";
	if (!strcmp(name, "lpeg") || !strcmp(name, "socket") || !strcmp(name, "lfs"))
		return ": modules in C are not loaded";
	return "";
}

static int require(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	char path[PATH_MAX];

	lua_settop(L, 1);
	lua_getfield(L, LUA_REGISTRYINDEX, LOADED);
	if (lua_getfield(L, 2, name) != LUA_TNIL)
		return 1;
	lua_pop(L, 1);
	if (!script_module_find(script_of(L), str_of(name), path, sizeof(path)))
		return luaL_error(L,
			"module '%s' not found in the folder of the script or those of the "
			"chisels%s",
			name, why_absent(name));
	script_module_load(L, path);
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	if (lua_isnil(L, -1)) {
		/* module() may have put it there already */
		if (lua_getfield(L, 2, name) != LUA_TNIL)
			return 1;
		lua_pop(L, 2);
		lua_pushboolean(L, true);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, 2, name);
	return 1;
}

/* ---- load ------------------------------------------------------------------------------------ */

/* The pieces that a function gives, in one string, in its place. */
static void gather_pieces(lua_State *L, int fn)
{
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	for (;;) {
		lua_pushvalue(L, fn);
		lua_call(L, 0, 1);
		if (lua_isnil(L, -1) || (lua_isstring(L, -1) && !lua_rawlen(L, -1)))
			break;
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "a reader for load must return strings");
		luaL_addvalue(&b);
	}
	lua_pop(L, 1);
	luaL_pushresult(&b);
	lua_replace(L, fn);
}

static bool set_env(lua_State *L, int fn, int env);

/* load(text or function, name, mode, env); loadstring is the same. */
static int load(lua_State *L)
{
	lua_settop(L, 4);
	if (lua_isfunction(L, 1))
		gather_pieces(L, 1);
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	const char *name = luaL_optstring(L, 2, text);

	if (load_text(L, str_make(text, len), name) != LUA_OK) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	if (!lua_isnoneornil(L, 4))
		set_env(L, 5, 4);
	return 1;
}

/* ---- environments, which in 5.4 are a variable --------------------------------------------- */

/* The number of the upvalue _ENV of the function at fn; 0 for one that names no global. */
static int find_env(lua_State *L, int fn)
{
	const char *name;

	for (int i = 1; (name = lua_getupvalue(L, fn, i)); i++) {
		lua_pop(L, 1);
		if (!strcmp(name, "_ENV"))
			return i;
	}
	return 0;
}

static bool set_env(lua_State *L, int fn, int env)
{
	int i = lua_iscfunction(L, fn) ? 0 : find_env(L, fn);

	if (!i)
		return false;
	lua_pushvalue(L, env);
	lua_setupvalue(L, fn, i);
	return true;
}

/* The function that argument 1 names: itself, or that of a level of the stack. On the stack. */
static void push_function(lua_State *L, int i, int level)
{
	lua_Debug ar;

	if (lua_isfunction(L, i)) {
		lua_pushvalue(L, i);
		return;
	}
	level = (int)luaL_optinteger(L, i, level);
	if (level < 0 || !lua_getstack(L, level, &ar) || !lua_getinfo(L, "f", &ar))
		luaL_argerror(L, i, "no such level");
}

static int setfenv(lua_State *L)
{
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	push_function(L, 1, 1);
	set_env(L, 3, 2);
	return 1;
}

static int getfenv(lua_State *L)
{
	lua_settop(L, 1);
	push_function(L, 1, 1);
	int i = lua_iscfunction(L, 2) ? 0 : find_env(L, 2);
	if (i)
		lua_getupvalue(L, 2, i);
	else
		lua_pushglobaltable(L);
	return 1;
}

/* package.seeall: what the module does not have is looked up among the globals. */
static int see_all(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	if (!lua_getmetatable(L, 1)) {
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_setmetatable(L, 1);
	}
	lua_pushglobaltable(L);
	lua_setfield(L, -2, "__index");
	return 0;
}

/* module(name, …): a table of that name, which the rest of the file writes its globals into. */
static int module(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	int n = lua_gettop(L);

	lua_getfield(L, LUA_REGISTRYINDEX, LOADED);
	if (lua_getfield(L, -1, name) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_setglobal(L, name);
		lua_pushvalue(L, -1);
		lua_setfield(L, -3, name);
	}
	lua_pushvalue(L, 1);
	lua_setfield(L, -2, "_NAME");
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "_M");
	int table = lua_gettop(L);
	lua_pushnil(L);
	push_function(L, table + 1, 1);
	set_env(L, lua_gettop(L), table);
	for (int i = 2; i <= n; i++) {
		if (!lua_isfunction(L, i))
			continue;
		lua_pushvalue(L, i);
		lua_pushvalue(L, table);
		lua_call(L, 1, 0);
	}
	return 0;
}

void script_module_open(lua_State *L)
{
	static const char *const there[] = {
		"_G", "bit", "coroutine", "debug", "io", "math", "os", "string", "table", NULL};
	static const luaL_Reg own[] = {{"require", require}, {"load", load}, {"loadstring", load},
		{"setfenv", setfenv}, {"getfenv", getfenv}, {"module", module}, {NULL, NULL}};

	lua_newtable(L);
	for (size_t i = 0; there[i]; i++) {
		lua_getglobal(L, there[i]);
		lua_setfield(L, -2, there[i]);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, LOADED);
	lua_newtable(L); /* package: what 5.1's modules touch of it */
	lua_insert(L, -2);
	lua_setfield(L, -2, "loaded");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "path");
	lua_pushcfunction(L, see_all);
	lua_setfield(L, -2, "seeall");
	lua_setglobal(L, "package");
	lua_pushglobaltable(L);
	script_lib_set(L, own);
	lua_pop(L, 1);
}
