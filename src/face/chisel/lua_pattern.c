/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string.find, match, gmatch and gsub over the matcher of lua_match.c, with what 5.1 and LuaJIT do
 * where 5.4 differs: a start behind the end counts as the end, an empty match moves on by one.
 */
#include "face/chisel/lua_match.h"
#include "face/chisel/lua_private.h"

static void push_capture(struct match *m, unsigned i, const char *start, const char *end)
{
	if (i >= m->ncaptures) {
		if (i != 0)
			luaL_error(m->L, "invalid capture index %%%d", (int)i + 1);
		lua_pushlstring(m->L, start, (size_t)(end - start));
		return;
	}
	const struct match_capture *c = &m->captures[i];
	if (c->len == MATCH_OPEN)
		luaL_error(m->L, "unfinished capture");
	if (c->len == MATCH_POSITION)
		lua_pushinteger(m->L, c->start - m->text.s + 1);
	else
		lua_pushlstring(m->L, c->start, (size_t)c->len);
}

/* All captures, or the whole match where there are none (and it is wanted); how many. */
static int push_captures(struct match *m, const char *start, const char *end, bool or_all)
{
	unsigned n = m->ncaptures || !or_all ? m->ncaptures : 1;

	luaL_checkstack(m->L, (int)n, "too many captures");
	for (unsigned i = 0; i < n; i++)
		push_capture(m, i, start, end);
	return (int)n;
}

static struct match match_of(lua_State *L, int text, int pattern)
{
	struct match m = {.L = L};

	m.text.s = luaL_checklstring(L, text, &m.text.len);
	m.pattern.s = luaL_checklstring(L, pattern, &m.pattern.len);
	return m;
}

/* A '^' in front is taken off. */
static bool take_anchor(struct match *m)
{
	bool is_anchored = m->pattern.len && m->pattern.s[0] == '^';

	m->pattern = str_skip(m->pattern, is_anchored ? 1 : 0);
	return is_anchored;
}

/* The first match at or behind *s, which is moved there; its end or NULL. */
static const char *search(struct match *m, const char **s, bool is_anchored)
{
	for (;; ++*s) {
		const char *end = match_at(m, *s);

		if (end || is_anchored || *s == m->text.s + m->text.len)
			return end;
	}
}

/* ---- find, match ----------------------------------------------------------------------------- */

static size_t start_offset(lua_State *L, int i, size_t len)
{
	lua_Number init = luaL_optnumber(L, i, 1);

	if (init < 0)
		init += (lua_Number)len + 1;
	if (!(init >= 1))
		return 0;
	return init > (lua_Number)len + 1 ? len : (size_t)init - 1;
}

static bool has_specials(struct str pattern)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (pattern.s[i] && strchr("^$*+?.([%-", pattern.s[i]))
			return true;
	return false;
}

static int find_plain(lua_State *L, struct match *m, size_t from)
{
	const char *start = m->text.s + from, *at;

	script_vm_work(L, (unsigned)((m->text.len - from) >> 8));
	at = m->pattern.len ? memmem(start, m->text.len - from, m->pattern.s, m->pattern.len)
			    : start;
	if (!at) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, at - m->text.s + 1);
	lua_pushinteger(L, at - m->text.s + (lua_Integer)m->pattern.len);
	return 2;
}

static int string_find(lua_State *L)
{
	struct match m = match_of(L, 1, 2);
	size_t from = start_offset(L, 3, m.text.len);

	if (lua_toboolean(L, 4) || !has_specials(m.pattern))
		return find_plain(L, &m, from);
	bool is_anchored = take_anchor(&m);
	const char *s = m.text.s + from, *end = search(&m, &s, is_anchored);

	if (!end) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, s - m.text.s + 1);
	lua_pushinteger(L, end - m.text.s);
	return 2 + push_captures(&m, s, end, false);
}

static int string_match(lua_State *L)
{
	struct match m = match_of(L, 1, 2);
	const char *s = m.text.s + start_offset(L, 3, m.text.len);
	const char *end = search(&m, &s, take_anchor(&m));

	if (end)
		return push_captures(&m, s, end, true);
	lua_pushnil(L);
	return 1;
}

/* ---- gmatch ---------------------------------------------------------------------------------- */

/* Upvalues: the text, the pattern, where to go on. */
static int gmatch_next(lua_State *L)
{
	struct match m = match_of(L, lua_upvalueindex(1), lua_upvalueindex(2));
	size_t from = (size_t)lua_tointeger(L, lua_upvalueindex(3));
	const char *s = m.text.s + from;

	if (from > m.text.len)
		return 0;
	const char *end = search(&m, &s, false);
	if (!end)
		return 0;
	lua_pushinteger(L, end - m.text.s + (end == s));
	lua_replace(L, lua_upvalueindex(3));
	return push_captures(&m, s, end, true);
}

static int string_gmatch(lua_State *L)
{
	luaL_checkstring(L, 1);
	luaL_checkstring(L, 2);
	lua_settop(L, 2);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, gmatch_next, 3);
	return 1;
}

/* ---- gsub ------------------------------------------------------------------------------------ */

/* "%1 and %%" with the captures put in. */
static void add_template(struct match *m, luaL_Buffer *b, const char *s, const char *end)
{
	size_t len;
	const char *t = lua_tolstring(m->L, 3, &len);

	for (size_t i = 0; i < len; i++) {
		if (t[i] != '%' || i + 1 == len) {
			luaL_addchar(b, t[i]);
			continue;
		}
		char c = t[++i];

		if (c < '0' || c > '9') {
			luaL_addchar(b, c);
		} else if (c == '0') {
			luaL_addlstring(b, s, (size_t)(end - s));
		} else {
			push_capture(m, (unsigned)(c - '1'), s, end);
			luaL_tolstring(m->L, -1, NULL); /* a position is a number */
			lua_remove(m->L, -2);
			luaL_addvalue(b);
		}
	}
}

static void add_replacement(struct match *m, luaL_Buffer *b, const char *s, const char *end)
{
	lua_State *L = m->L;
	int type = lua_type(L, 3);

	if (type == LUA_TSTRING) {
		add_template(m, b, s, end);
		return;
	}
	if (type == LUA_TFUNCTION) {
		lua_pushvalue(L, 3);
		lua_call(L, push_captures(m, s, end, true), 1);
	} else {
		push_capture(m, 0, s, end);
		lua_gettable(L, 3);
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		luaL_addlstring(b, s, (size_t)(end - s));
		return;
	}
	if (!lua_isstring(L, -1))
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	if (lua_type(L, -1) == LUA_TNUMBER)
		script_string_from_number(L, -1);
	luaL_addvalue(b);
}

static int string_gsub(lua_State *L)
{
	struct match m = match_of(L, 1, 2);
	const char *s = m.text.s, *text_end = s + m.text.len;
	lua_Number max = luaL_optnumber(L, 4, (lua_Number)m.text.len + 1), n = 0;
	bool is_anchored = take_anchor(&m), go_on = true;
	int type = lua_type(L, 3);
	luaL_Buffer b;

	luaL_argexpected(L,
		type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TTABLE ||
			type == LUA_TFUNCTION,
		3, "string, function or table");
	if (type == LUA_TNUMBER)
		script_string_from_number(L, 3);
	lua_settop(L, 3);
	luaL_buffinit(L, &b);
	while (go_on && n < max) {
		script_vm_work(L, 1);
		const char *end = match_at(&m, s);

		if (end) {
			n++;
			add_replacement(&m, &b, s, end);
		}
		if (end && end > s)
			s = end;
		else if (s < text_end)
			luaL_addchar(&b, *s++);
		else
			break;
		go_on = !is_anchored;
	}
	luaL_addlstring(&b, s, (size_t)(text_end - s));
	luaL_pushresult(&b);
	lua_pushinteger(L, (lua_Integer)n);
	return 2;
}

void script_pattern_open(lua_State *L)
{
	static const luaL_Reg own[] = {{"find", string_find}, {"match", string_match},
		{"gmatch", string_gmatch}, {"gfind", string_gmatch}, {"gsub", string_gsub},
		{NULL, NULL}};

	lua_getglobal(L, LUA_STRLIBNAME);
	script_lib_set(L, own);
	lua_pop(L, 1);
}
