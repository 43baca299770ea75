/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysdig.* and chisel.*: what a script may ask of where it runs, and how it says what it wants. The
 * functions, their arguments and answers are sysdig's (userspace/chisel/chisel_api.cpp there). What
 * would start programs or send packets is refused; what only a live sensor of sysdig's can do
 * (snaplen, fat files) is taken and does nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "face/chisel/lua_private.h"

/* ---- what is known --------------------------------------------------------------------------- */

static int is_live(lua_State *L)
{
	lua_pushboolean(L, script_of(L)->env->is_live);
	return 1;
}

static int is_tty(lua_State *L)
{
	lua_pushboolean(L, script_of(L)->env->is_tty);
	return 1;
}

static void set_number(lua_State *L, const char *key, lua_Number n)
{
	lua_pushnumber(L, n);
	lua_setfield(L, -2, key);
}

static int get_terminal_info(lua_State *L)
{
	const struct chisel_env *env = script_of(L)->env;

	lua_newtable(L);
	set_number(L, "width", env->width ? (lua_Number)env->width : -1);
	set_number(L, "height", env->height ? (lua_Number)env->height : -1);
	return 1;
}

static int get_filter(lua_State *L)
{
	struct str filter = script_of(L)->env->filter;

	lua_pushlstring(L, filter.s ? filter.s : "", filter.len);
	return 1;
}

static struct capture_machine this_machine(void)
{
	struct capture_machine m = {
		.ncpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF),
		.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.max_pid = 1 << 22,
	};

	if (gethostname(m.hostname, sizeof(m.hostname) - 1) < 0)
		m.hostname[0] = 0;
	return m;
}

static int get_machine_info(lua_State *L)
{
	const struct chisel_env *env = script_of(L)->env;

	if (!env->is_live && !env->capture)
		return luaL_error(L, "sysdig.get_machine_info: nothing is known of the machine "
				     "before on_capture_start()");
	struct capture_machine m = env->capture ? env->capture->machine : this_machine();

	lua_newtable(L);
	set_number(L, "num_cpus", m.ncpus);
	set_number(L, "memory_size_bytes", (lua_Number)m.memory_bytes);
	set_number(L, "max_pid", (lua_Number)m.max_pid);
	script_push_text(L, str_make(m.hostname, strnlen(m.hostname, sizeof(m.hostname))));
	lua_setfield(L, -2, "hostname");
	return 1;
}

static int get_thread_table(lua_State *L)
{
	return script_threads_push(L, true, false);
}

static int get_thread_table_nofds(lua_State *L)
{
	return script_threads_push(L, false, false);
}

static int get_thread_table_barebone(lua_State *L)
{
	return script_threads_push(L, true, true);
}

static int get_thread_table_barebone_nofds(lua_State *L)
{
	return script_threads_push(L, false, true);
}

static int is_print_container_data(lua_State *L)
{
	const struct chisel_env *env = script_of(L)->env;

	lua_pushboolean(L, env->container || env->kubernetes);
	return 1;
}

static int get_output_format(lua_State *L)
{
	const struct script *s = script_of(L);

	lua_pushstring(L, s->env->json || s->json ? "json" : "normal");
	return 1;
}

static int get_evtsource_name(lua_State *L)
{
	const struct chisel_env *env = script_of(L)->env;

	lua_pushlstring(L, env->source.s ? env->source.s : "", env->source.len);
	return 1;
}

static void push_time(lua_State *L, uint64_t ns)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)ns);
	lua_pushstring(L, text);
}

static int get_firstevent_ts(lua_State *L)
{
	push_time(L, script_first_ns(script_of(L)));
	return 1;
}

static int get_lastevent_ts(lua_State *L)
{
	push_time(L, script_last_ns(script_of(L)));
	return 1;
}

static int get_read_progress(lua_State *L)
{
	const struct chisel_env *env = script_of(L)->env;
	double progress = env->progress ? env->progress(env->arg) : -1;

	lua_pushnumber(L, progress < 0 ? 0 : progress * 100);
	return 1;
}

/* ---- times as text, since a double has too few digits -------------------------------------- */

static int make_ts(lua_State *L)
{
	uint64_t s = (uint32_t)luaL_checknumber(L, 1), ns = (uint32_t)luaL_checknumber(L, 2);

	push_time(L, s * 1000000000 + ns);
	return 1;
}

static uint64_t check_ts(lua_State *L, int i)
{
	size_t len;
	const char *text = luaL_checklstring(L, i, &len);
	uint64_t ns;

	if (!str_to_u64(str_make(text, len), 10, &ns))
		luaL_argerror(L, i, "a time in nanoseconds is needed, as text");
	return ns;
}

static int add_ts(lua_State *L)
{
	push_time(L, check_ts(L, 1) + check_ts(L, 2));
	return 1;
}

static int subtract_ts(lua_State *L)
{
	push_time(L, check_ts(L, 1) - check_ts(L, 2));
	return 1;
}

/* ---- what is wanted -------------------------------------------------------------------------- */

static void replace_filter(lua_State *L, const char *what, struct event_filter **filter)
{
	struct err e = {0};
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	struct event_filter *f = NULL;

	script_check_filter(L, len);
	if (event_filter_open(str_make(text, len), what, &f, &e) < 0)
		luaL_error(L, "%s", e.msg);
	event_filter_close(*filter);
	*filter = f;
}

static int set_global_filter(lua_State *L)
{
	replace_filter(L, "sysdig.set_filter", &script_of(L)->global_filter);
	return 0;
}

static int set_filter(lua_State *L)
{
	replace_filter(L, "chisel.set_filter", &script_of(L)->filter);
	return 0;
}

static int take_number(lua_State *L)
{
	luaL_checknumber(L, 1);
	return 0;
}

static int take_anything(lua_State *L)
{
	luaL_checkany(L, 1);
	return 0;
}

static int set_output_format(lua_State *L)
{
	static const struct {
		const char *name;
		enum event_bytes bytes;
		bool json;
	} forms[] = {{"normal", BYTES_DOTS, false}, {"json", BYTES_DOTS, true},
		{"simple", BYTES_DOTS, false}, {"hex", BYTES_HEX, false},
		{"hexascii", BYTES_HEX_TEXT, false}, {"ascii", BYTES_TEXT, false},
		{"base64", BYTES_BASE64, false}, {"jsonbase64", BYTES_BASE64, true}};
	struct script *s = script_of(L);
	const char *name = luaL_checkstring(L, 1);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i].name, name) != 0)
			continue;
		/* what the command line asks for counts more */
		if (s->env->json || s->is_form_fixed)
			return 0;
		s->bytes = forms[i].bytes;
		s->json = forms[i].json;
		return 0;
	}
	return luaL_error(L,
		"sysdig.set_output_format: there is no format \"%s\"; normal, json, hex, hexascii, "
		"ascii, base64, jsonbase64 and simple exist",
		name);
}

static int set_event_formatter(lua_State *L)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_error fe = {0};
	struct script *s = script_of(L);
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	struct format *format;

	script_check_filter(L, len);
	struct str copy = arena_str(&s->arena, str_make(text, len));
	if (!copy.s || format_compile(&s->arena, copy, &o, &format, &fe) < 0)
		return luaL_error(L, "chisel.set_event_formatter: column %d: %s",
			(int)fe.pos.column, copy.s ? fe.msg : "out of memory");
	s->formatter = format;
	return 0;
}

/* A time as sysdig takes it: any number, cut; below 1 ms only a clock of its own would keep up. */
static uint64_t check_interval(lua_State *L, lua_Number unit_ns)
{
	lua_Number n = luaL_checknumber(L, 1) * unit_ns;

	luaL_argcheck(L, n >= 1e6 && n < 0x1p63, 1, "an interval of at least 1 ms is needed");
	return (uint64_t)n;
}

static int set_interval_ns(lua_State *L)
{
	script_of(L)->interval_ns = check_interval(L, 1);
	return 0;
}

static int set_interval_s(lua_State *L)
{
	script_of(L)->interval_ns = check_interval(L, 1e9);
	return 0;
}

static int set_precise_interval_ns(lua_State *L)
{
	script_of(L)->precise_ns = check_interval(L, 1);
	return 0;
}

static int exec(lua_State *L)
{
	struct script *s = script_of(L);
	int n = lua_gettop(L);
	size_t len;

	luaL_checkstring(L, 1);
	if (n - 1 > SCRIPT_ARGS_MAX)
		return luaL_error(L, "chisel.exec: more than %d arguments", SCRIPT_ARGS_MAX);
	s->exec_args = arena_array(&s->arena, struct str, SCRIPT_ARGS_MAX + 1);
	s->nexec_args = 0;
	/* the first that is no text ends them, as nil does in sysdig */
	for (int i = 1; s->exec_args && i <= n && lua_isstring(L, i); i++) {
		const char *text = (script_string_of(L, i, NULL), lua_tolstring(L, -1, &len));
		struct str copy = arena_str(&s->arena, str_make(text, len));

		lua_pop(L, 1);
		if (!copy.s)
			return luaL_error(L, "out of memory");
		if (i == 1)
			s->exec_name = copy;
		else
			s->exec_args[s->nexec_args++] = copy;
	}
	return 0;
}

static int end_capture(lua_State *L)
{
	script_of(L)->is_over = true;
	return 0;
}

/* sysdig keeps such lines in a log that is off unless asked for; here nobody can ask. */
static int log_line(lua_State *L)
{
	luaL_checkstring(L, 1);
	luaL_optstring(L, 2, "info");
	return 0;
}

/* Metrics go to an agent, which is not here; a wrong call is still a wrong call. */
static int push_metric(lua_State *L)
{
	luaL_checkstring(L, 1);
	luaL_checknumber(L, 2);
	luaL_checktype(L, 3, LUA_TTABLE);
	return 0;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static const luaL_Reg sysdig_functions[] = {
	{"set_filter", set_global_filter},
	{"set_snaplen", take_number},
	{"set_output_format", set_output_format},
	{"set_fatfile_dump_mode", take_anything},
	{"is_live", is_live},
	{"is_tty", is_tty},
	{"get_terminal_info", get_terminal_info},
	{"get_filter", get_filter},
	{"get_machine_info", get_machine_info},
	{"get_thread_table", get_thread_table},
	{"get_thread_table_nofds", get_thread_table_nofds},
	{"get_thread_table_barebone", get_thread_table_barebone},
	{"get_thread_table_barebone_nofds", get_thread_table_barebone_nofds},
	{"get_container_table", script_containers_push},
	{"is_print_container_data", is_print_container_data},
	{"get_output_format", get_output_format},
	{"get_evtsource_name", get_evtsource_name},
	{"get_firstevent_ts", get_firstevent_ts},
	{"get_lastevent_ts", get_lastevent_ts},
	{"make_ts", make_ts},
	{"add_ts", add_ts},
	{"subtract_ts", subtract_ts},
	{"end_capture", end_capture},
	{"log", log_line},
	{"get_read_progress", get_read_progress},
	{"push_metric", push_metric},
	{NULL, NULL},
};

static const luaL_Reg chisel_functions[] = {
	{"request_field", script_request_field},
	{"set_filter", set_filter},
	{"set_event_formatter", set_event_formatter},
	{"set_interval_ns", set_interval_ns},
	{"set_interval_s", set_interval_s},
	{"set_precise_interval_ns", set_precise_interval_ns},
	{"exec", exec},
	{NULL, NULL},
};

void script_api_open(lua_State *L)
{
	lua_newtable(L);
	script_lib_set(L, sysdig_functions);
	script_lib_refuse(L, "sysdig.run_app",
		"a chisel starts no programs; `koban capture -w FILE FILTER` saves events");
	lua_setfield(L, -2, "run_app");
	script_lib_refuse(L, "sysdig.udp_setpeername",
		"a chisel opens no connections; print, and send that on");
	lua_setfield(L, -2, "udp_setpeername");
	script_lib_refuse(
		L, "sysdig.udp_send", "a chisel opens no connections; print, and send that on");
	lua_setfield(L, -2, "udp_send");
	lua_setglobal(L, "sysdig");
	lua_newtable(L);
	script_lib_set(L, chisel_functions);
	lua_setglobal(L, "chisel");
}
