/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event as a script sees it: evt.*, and chisel.request_field, which compiles a field once so
 * that evt.field() only reads. Numbers and booleans come as such, addresses as text, what is
 * missing as nil. Text is cleaned of what a terminal would obey, as `koban read` does; raw bytes
 * are as they are (lua_output.c remembers that they were given out).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "face/chisel/lua_private.h"

enum { FILTER_MAX = 64 << 10 };

struct script_field {
	struct format *format; /* of this field alone */
	bool is_text;          /* given as it is printed */
	bool has_lines;        /* data: its line ends stay where the script asked for text */
	bool is_latency;
};

/* ---- text ------------------------------------------------------------------------------------ */

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.s[i] - 0x20u >= 0x5f)
			return false;
	return true;
}

/* Control bytes and what is no UTF-8 as \n, \x1b. */
static void add_clean(struct buf *b, struct str s)
{
	static const char names[] = "\n\t\r", letters[] = "ntr";

	while (s.len) {
		unsigned char c = (unsigned char)s.s[0];
		size_t n = utf8_len(s);
		bool is_c1 = n == 2 && c == 0xc2 && (unsigned char)s.s[1] < 0xa0;
		const char *name = c ? strchr(names, c) : NULL;

		if ((n > 1 && !is_c1) || (n == 1 && c >= 0x20 && c != 0x7f)) {
			buf_add(b, str_head(s, n));
		} else {
			n = 1;
			if (name)
				buf_printf(b, "\\%c", letters[name - names]);
			else
				buf_printf(b, "\\x%02x", c);
		}
		s = str_skip(s, n);
	}
}

void script_push_text(lua_State *L, struct str text)
{
	struct script *s = script_of(L);

	if (is_plain(text)) {
		lua_pushlstring(L, text.s ? text.s : "", text.len);
		return;
	}
	buf_clear(&s->text);
	add_clean(&s->text, text);
	lua_pushlstring(L, s->text.s, s->text.len);
}

static void push_bytes(lua_State *L, struct str bytes)
{
	struct script *s = script_of(L);

	for (size_t i = 0; i < bytes.len && !s->saw_controls; i++) {
		unsigned char c = (unsigned char)bytes.s[i];

		s->saw_controls = (c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f;
	}
	lua_pushlstring(L, bytes.s ? bytes.s : "", bytes.len);
}

/* ---- fields ---------------------------------------------------------------------------------- */

static bool is_data(struct str name)
{
	return str_is(name, "evt.buffer") || str_is(name, "evt.args") || str_is(name, "evt.info") ||
	       str_starts(name, STR("evt.arg.")) || str_starts(name, STR("evt.arg["));
}

static bool is_text_field(const struct operand *op)
{
	if (op->kind == OPERAND_TRANSFORM)
		return op->transformer != TR_LEN;
	if (!op->field || op->field->flags & FIELD_LIST)
		return true;
	return op->field->type == VT_STR || op->field->type == VT_PATH;
}

/* The field alone: as a condition first, which has the better words for what is wrong. */
static int compile_field(struct script *s, struct str name, struct script_field *f, struct err *e)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_error fe = {0};
	struct ast *ast;
	struct str condition = arena_printf(&s->arena, "%.*s exists", STR_ARG(name));
	struct str format = arena_printf(&s->arena, "%%%.*s", STR_ARG(name));

	if (!condition.s || !format.s)
		return err_set(e, ENOMEM, "out of memory");
	if (filter_parse(&s->arena, condition, &o, &ast, &fe) < 0 ||
		format_compile(&s->arena, format, &o, &f->format, &fe) < 0)
		return err_set(e, EINVAL, "the field \"%.*s\": %s", STR_ARG(name), fe.msg);
	if (format_nfields(f->format) != 1 || !str_eq(format_field_name(f->format, 0), name))
		return err_set(e, EINVAL, "\"%.*s\" is more than one field", STR_ARG(name));
	f->is_text = is_text_field(format_field_operand(f->format, 0)) || is_data(name);
	f->has_lines = is_data(name);
	f->is_latency = str_is(name, "evt.latency");
	return 0;
}

static struct script_field *add_field(struct script *s, struct str name, struct err *e)
{
	if (s->nfields == SCRIPT_FIELDS_MAX) {
		err_set(e, ENOSPC, "a script may request %d fields", SCRIPT_FIELDS_MAX);
		return NULL;
	}
	if (!s->fields)
		s->fields = arena_array(&s->arena, struct script_field *, SCRIPT_FIELDS_MAX);
	struct script_field *f = arena_new(&s->arena, struct script_field);
	if (!s->fields || !f) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	if (compile_field(s, name, f, e) < 0)
		return NULL;
	s->fields[s->nfields++] = f;
	return f;
}

void script_check_filter(lua_State *L, size_t len)
{
	if (len > FILTER_MAX)
		luaL_error(L, "a text to compile may have %d bytes, not %d", FILTER_MAX, (int)len);
	script_vm_work(L, 64 + (unsigned)len / 8);
}

/* What a script holds is the field's number, as a pointer: none that it makes up leads anywhere. */
int script_request_field(lua_State *L)
{
	struct script *s = script_of(L);
	struct err e = {0};
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);

	script_check_filter(L, len);
	if (!add_field(s, str_make(name, len), &e))
		return luaL_error(L, "chisel.request_field: %s", e.msg);
	lua_pushlightuserdata(L, (void *)(uintptr_t)s->nfields);
	return 1;
}

/* As it is printed; false when the field is missing. */
static bool push_printed(
	lua_State *L, const struct script_field *f, const struct field_ctx *ctx, bool lines)
{
	struct buf *b = &script_of(L)->text;

	buf_clear(b);
	if (!format_render_line(f->format, ctx, lines, b))
		return false;
	lua_pushlstring(L, b->s ? b->s : "", b->len);
	return true;
}

/* By its type at run time: evt.rawarg has that of the argument. */
static bool push_typed(
	lua_State *L, const struct script_field *f, const struct field_ctx *ctx, bool lines)
{
	struct value v;

	if (!format_field_value(f->format, 0, ctx, &v))
		return false;
	switch (v.type) {
	case VT_BOOL:
		lua_pushboolean(L, v.u != 0);
		return true;
	case VT_S64:
		lua_pushnumber(L, (lua_Number)v.i);
		return true;
	case VT_DOUBLE:
		lua_pushnumber(L, v.d);
		return true;
	case VT_BYTES:
		push_bytes(L, v.s);
		return true;
	case VT_U64:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT:
		lua_pushnumber(L, (lua_Number)v.u);
		return true;
	default:
		return push_printed(L, f, ctx, lines);
	}
}

static bool push_field(lua_State *L, const struct script_field *f)
{
	struct script *s = script_of(L);
	struct field_ctx ctx = {&s->subject, &s->scratch};
	bool lines = f->has_lines && s->bytes != BYTES_DOTS;

	arena_reset(&s->scratch);
	if (f->is_text ? push_printed(L, f, &ctx, lines) : push_typed(L, f, &ctx, lines))
		return true;
	/* sysdig's is 0 where it knows none, as while a call has not come back; scripts ask so */
	if (f->is_latency && s->subject.ev->def && !(s->subject.ev->def->flags & EF_META)) {
		lua_pushnumber(L, 0);
		return true;
	}
	return false;
}

static int evt_field(lua_State *L)
{
	struct script *s = script_of(L);
	uintptr_t n = (uintptr_t)lua_touserdata(L, 1);

	if (!lua_islightuserdata(L, 1) || !n || n > s->nfields || !s->subject.ev ||
		!push_field(L, s->fields[n - 1]))
		lua_pushnil(L);
	return 1;
}

/* ---- the rest of evt ------------------------------------------------------------------------- */

static const struct event *event_of(lua_State *L, const char *what)
{
	struct script *s = script_of(L);

	if (!s->subject.ev)
		luaL_error(L, "%s: no event has come yet; call it in on_event()", what);
	return s->subject.ev;
}

static int evt_get_num(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)event_of(L, "evt.get_num")->num);
	return 1;
}

static int evt_get_ts(lua_State *L)
{
	uint64_t ts_ns = event_of(L, "evt.get_ts")->ts_ns;
	uint64_t whole_s = ts_ns / NSEC_PER_SEC, rest_ns = ts_ns % NSEC_PER_SEC;

	lua_pushnumber(L, (lua_Number)whole_s);
	lua_pushnumber(L, (lua_Number)rest_ns);
	return 2;
}

static int evt_get_type(lua_State *L)
{
	script_push_text(L, event_type_name(event_of(L, "evt.get_type")));
	return 1;
}

static int evt_get_cpuid(lua_State *L)
{
	lua_pushnumber(L, event_of(L, "evt.get_cpuid")->cpu);
	return 1;
}

void script_field_open(lua_State *L)
{
	static const luaL_Reg own[] = {{"field", evt_field}, {"get_num", evt_get_num},
		{"get_ts", evt_get_ts}, {"get_type", evt_get_type}, {"get_cpuid", evt_get_cpuid},
		{NULL, NULL}};

	lua_newtable(L);
	script_lib_set(L, own);
	lua_setglobal(L, "evt");
}
