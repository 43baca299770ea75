/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a script's words go: print, io.write and io.stdout, all to the env's print.
 *
 * A terminal obeys what it is sent. What comes out of events as text is cleaned before a script
 * sees it (lua_field.c), so escape sequences are the script's own and go through: its colours, its
 * clearing of the screen. Raw bytes (evt.rawarg.data) cannot be cleaned without being wrong. From
 * the moment that a script was given some with control bytes in them, all it may still send to a
 * terminal is colours.
 */
#include "base/json.h"
#include "face/chisel/lua_private.h"

/* ---- a terminal ------------------------------------------------------------------------------ */

/* ESC [ 38;5;10 m at the begin of s: its length, 0 when it is something else. */
static size_t colour_len(struct str s)
{
	size_t i = 2;

	if (s.len < 3 || s.s[0] != '\033' || s.s[1] != '[')
		return 0;
	while (i < s.len && i < 24 && ((s.s[i] >= '0' && s.s[i] <= '9') || s.s[i] == ';'))
		i++;
	return i < s.len && s.s[i] == 'm' ? i + 1 : 0;
}

/* 8 hides text. */
static bool is_harmless(struct str colour)
{
	for (size_t i = 2; i + 1 < colour.len; i++)
		if (colour.s[i] == '8' && (colour.s[i - 1] == '[' || colour.s[i - 1] == ';') &&
			(colour.s[i + 1] == 'm' || colour.s[i + 1] == ';'))
			return false;
	return true;
}

static void add_character(struct buf *b, struct str s, size_t *len)
{
	unsigned char c = (unsigned char)s.s[0];
	size_t n = utf8_len(s);
	bool is_c1 = n == 2 && c == 0xc2 && (unsigned char)s.s[1] < 0xa0;

	if ((n > 1 && !is_c1) || (n == 1 && (c >= 0x20 || c == '\n' || c == '\t') && c != 0x7f)) {
		buf_add(b, str_head(s, n));
		*len = n;
		return;
	}
	buf_printf(b, "\\x%02x", c);
	*len = 1;
}

/* Copies with colours kept or left out; with `clean`, other control bytes as \x1b. */
static void filter(struct buf *b, struct str s, bool colours, bool clean)
{
	while (s.len) {
		size_t n = colour_len(s);

		if (n && colours && (!clean || is_harmless(str_head(s, n)))) {
			buf_add(b, str_head(s, n));
		} else if (!n && clean) {
			add_character(b, s, &n);
		} else if (!n) {
			buf_add_char(b, s.s[0]);
			n = 1;
		}
		s = str_skip(s, n);
	}
}

void script_output_write(struct script *s, struct str text)
{
	const struct chisel_env *env = s->env;
	bool clean = s->saw_controls && env->is_tty;
	struct buf *b = &s->shown;

	if (!text.len || !env->print)
		return;
	/* raw bytes for a pipe stay what they are; colours nobody sees go */
	if (!clean && (env->colour || s->saw_controls || !memchr(text.s, '\033', text.len))) {
		env->print(text, env->arg);
		return;
	}
	buf_clear(b);
	filter(b, text, env->colour, clean);
	env->print(buf_str(b), env->arg);
}

/* ---- print, io ------------------------------------------------------------------------------- */

/* Makes texts of the values from `first` on, then adds them up. No script runs in between. */
static void gather(lua_State *L, int first, const char *sep, const char *end)
{
	struct script *s = script_of(L);
	int n = lua_gettop(L);

	luaL_checkstack(L, 4, "too many values");
	for (int i = first; i <= n; i++) {
		if (lua_type(L, i) == LUA_TSTRING)
			continue;
		script_string_of(L, i, NULL);
		lua_replace(L, i);
	}
	buf_clear(&s->text);
	for (int i = first; i <= n; i++) {
		size_t len;
		const char *text = lua_tolstring(L, i, &len);

		if (i > first)
			buf_add_cstr(&s->text, sep);
		buf_add(&s->text, str_make(text, len));
	}
	buf_add_cstr(&s->text, end);
	script_output_write(s, buf_str(&s->text));
}

static int print(lua_State *L)
{
	gather(L, 1, "\t", "\n");
	return 0;
}

static void check_writable(lua_State *L, int first)
{
	for (int i = first; i <= lua_gettop(L); i++)
		luaL_checkstring(L, i); /* also numbers, which become text 5.1's way in gather() */
}

static int io_write(lua_State *L)
{
	for (int i = 1; i <= lua_gettop(L); i++)
		if (lua_type(L, i) == LUA_TNUMBER)
			script_string_from_number(L, i);
	check_writable(L, 1);
	gather(L, 1, "", "");
	lua_pushboolean(L, true);
	return 1;
}

static int stdout_write(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	for (int i = 2; i <= lua_gettop(L); i++)
		if (lua_type(L, i) == LUA_TNUMBER)
			script_string_from_number(L, i);
	check_writable(L, 2);
	gather(L, 2, "", "");
	lua_settop(L, 1);
	return 1;
}

static int do_nothing(lua_State *L)
{
	lua_pushboolean(L, true);
	return 1;
}

void script_output_open(lua_State *L)
{
	static const char *const gone[] = {
		"close", "input", "lines", "open", "output", "popen", "read", "tmpfile", NULL};
	static const luaL_Reg own[] = {{"write", io_write}, {"flush", do_nothing}, {NULL, NULL}};
	static const luaL_Reg file[] = {{"write", stdout_write}, {"flush", do_nothing},
		{"setvbuf", do_nothing}, {"close", do_nothing}, {NULL, NULL}};

	lua_pushcfunction(L, print);
	lua_setglobal(L, "print");
	lua_newtable(L);
	script_lib_set(L, own);
	for (size_t i = 0; gone[i]; i++) {
		lua_pushfstring(L, "io.%s", gone[i]);
		script_lib_refuse(L, lua_tostring(L, -1),
			"a chisel opens no files; it sees events and prints");
		lua_setfield(L, -3, gone[i]);
		lua_pop(L, 1);
	}
	lua_newtable(L);
	script_lib_set(L, file);
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "stdout");
	lua_setfield(L, -2, "stderr");
	lua_setglobal(L, LUA_IOLIBNAME);
}
