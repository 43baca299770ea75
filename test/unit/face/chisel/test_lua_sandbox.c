/* SPDX-License-Identifier: Apache-2.0 */
/* What a script must not do: reach out, run for ever, fill the memory, end the process. */
#include "script.h"

static void reaches_nothing_outside(void **state)
{
	static const char *const gone[] = {"io.open('/etc/passwd')", "io.popen('id')",
		"io.lines('x')", "io.read()", "io.input('x')", "io.output('x')", "io.tmpfile()",
		"os.execute('id')", "os.remove('x')", "os.rename('x', 'y')", "os.tmpname()",
		"dofile('x')", "loadfile('x')", "sysdig.run_app('-w x')",
		"sysdig.udp_setpeername('127.0.0.1', '1')", "sysdig.udp_send('x')", NULL};
	char part[64];

	for (size_t i = 0; gone[i]; i++) {
		size_t n = strcspn(gone[i], "(");

		snprintf(part, sizeof(part), "%.*s is not there for scripts: ", (int)n, gone[i]);
		fails(gone[i], part);
	}
	says("print(package.loadlib, package.cpath, debug.getregistry, debug.sethook, debug.debug,"
	     "debug.getupvalue, debug.setmetatable, string.dump, os.setlocale, ffi, jit, utf8)",
		"nil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\n");
	says("print(os.getenv('PATH'))", "nil\n");
}

static void require_stays_in_the_folders(void **state)
{
	static const char *const names[] = {
		"../x", "/etc/passwd", "..", "a..b", ".a", "a.", "", "a/b", "a\\0b", "%s", NULL};
	char code[100];

	for (size_t i = 0; names[i]; i++) {
		snprintf(code, sizeof(code), "require '%s'", names[i]);
		fails(code, "not found");
	}
	fails("require 'ffi'", "scripts call no C");
	fails("require 'lpeg'", "modules in C are not loaded");
}

static void loads_text_only(void **state)
{
	says("print(load('return 1 + 1')())", "2\n");
	says("print(select(2, load('\\27Lua')))", "attempt to load a binary chunk (mode is 't')\n");
	says("print(select(2, load(function() return nil end, 'x', 'b')) == nil)", "true\n");
	says("print((load('\\27Lua', 'x', 'b')))", "nil\n");
	fails("local n = 0; load(function() n = n + 1 return 'x' end)", "");
}

static void ends_loops(void **state)
{
	static const char *const loops[] = {
		"while true do end",
		"repeat until false",
		"local function f() return f() end f()",
		/* what would catch the end of it */
		"while true do pcall(function() while true do end end) end",
		"local function f() xpcall(f, f) f() end f()",
		"while true do local c = coroutine.create(function() while true do end end) "
		"coroutine.resume(c) end",
		"local f = coroutine.wrap(function() while true do pcall(error) end end) "
		"while true do pcall(f) end",
		"while true do pcall(coroutine.wrap(function() while true do end end)) end",
		"while true do local x <close> = setmetatable({}, {__close = function() while true "
		"do "
		"end end}) end",
		"setmetatable(_G, {__index = function(t, k) return _G[k .. 'x'] end}) while true "
		"do "
		"pcall(function() return nothing end) end",
		"error(setmetatable({}, {__tostring = function() while true do end end}))\n"
		"while true do end",
		NULL,
	};

	for (size_t i = 0; loops[i]; i++) {
		struct run *r = run_new();

		r->env.max_call_ns = 20000000;
		r->env.max_memory = 16 << 20;
		assert_true(run_try(r, loops[i]) < 0);
		run_free(r);
	}
	fails_within(
		"while true do end", "script.lua:1: the script ran longer than 20 ms", 0, 20000000);
}

/* No instruction of Lua is executed in these: the hook alone would wait for ever. */
static void ends_long_work_in_c(void **state)
{
	static const char *const works[] = {
		"string.find(('a'):rep(50000), ('a-'):rep(30) .. 'b')",
		"string.find(('a'):rep(40), ('a*'):rep(40) .. 'b')",
		"string.match(('x'):rep(100000), ('.-'):rep(20) .. 'y')",
		"string.gsub(('a'):rep(100000), '(a*)*b', '')",
		"for _ in string.gmatch(('a'):rep(30000), ('a?'):rep(30) .. 'b') do end",
		"string.find(('('):rep(200000), '%b()')",
		"table.concat(setmetatable({}, {__index = getmetatable, __metatable = ''}), '', 1, "
		"2^52)",
		"table.sort(setmetatable({}, {__len = function() return 4000000 end, "
		"__index = getmetatable, __metatable = ('x'):rep(4000000)}))",
		"local t = {} for i = 1, 20000 do t[i] = ('x'):rep(10000) .. i end "
		"for i = 1, 1e9 do table.sort(t) end",
		"table.insert(setmetatable({}, {__len = function() return 2^52 end}), 1, 1)",
		"table.remove(setmetatable({}, {__len = function() return 2^52 end}), 1)",
		"table.foreachi(setmetatable({}, {__len = function() return 2^52 end}), os.getenv)",
		"local s = ('x'):rep(4000000) while true do s:upper() end",
		"while true do collectgarbage() end",
		"while true do collectgarbage('step') end",
		NULL,
	};

	for (size_t i = 0; works[i]; i++) {
		struct run *r = run_new();

		r->env.max_call_ns = 20000000;
		r->env.max_memory = 64 << 20;
		if (run_try(r, works[i]) == 0)
			fail_msg("%s\ncame to an end", works[i]);
		run_free(r);
	}
	says("print(#('').rep('', 1e18), ('x'):rep(-1), ('ab'):rep(2, ','))", "0\t\tab,ab\n");
	says("print(table.move, string.pack)", "nil\tnil\n");
}

static void bounds_memory(void **state)
{
	fails("local t = {} while true do t[#t + 1] = {} end", "needs more memory");
	fails("local s = 'x' while true do s = s .. s end", "needs more memory");
	fails("('x'):rep(1e9)", "string.rep: the result would be larger than 8192 KiB");
	fails("('x'):rep(2, ('y'):rep(8000000)):rep(2)", "larger than");
	fails("local t = {} for i = 1, 30 do t[i] = ('x'):rep(1000000) end return table.concat(t)",
		"needs more memory");
	fails("local s = ('x'):rep(1000000) string.format(('%s'):rep(9), s, s, s, s, s, s, s, s, "
	      "s)",
		"needs more memory");
	fails_within("local f = 'return 1' while true do f = 'return function() ' .. f .. ' end' "
		     "load(f) end",
		"", 16 << 20, 100000000);
	fails("return select('#', table.unpack({}, 1, 1e8))", "too many results");
	fails("local t = {} for i = 1, 1e9 do t[i] = coroutine.create(print) end",
		"needs more memory");
	/* what was caught once is not enough for ever */
	fails_within(
		"while true do pcall(string.rep, 'x', 8000000) local s = ('x'):rep(8000000) end",
		"ran longer", 64 << 20, 50000000);
}

static void bounds_the_stack(void **state)
{
	fails_within("local function f() return 1 + f() end f()", "stack overflow", 256 << 20,
		20000000000);
	fails("local function f(a) return pcall(f, {a}) end f() error('x')", "");
	fails("local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x", "loop");
	fails("local t = {} for i = 1, 300 do t = setmetatable({}, {__index = t, __call = t}) end "
	      "t()",
		"");
	fails("local s = ('('):rep(100000) load('return ' .. s)() ", "");
	fails("string.find('x', ('('):rep(40))", "too many captures");
	fails("string.find(('x'):rep(300), ('x?'):rep(300))", "pattern too complex");
	fails("string.rep = nil string.gsub(('x'):rep(300, ''), '.', string.gsub)", "");
}

static void has_no_finalizers(void **state)
{
	fails("setmetatable({}, {__gc = function() while true do end end})",
		"script.lua:1: __gc is not there for scripts");
	says("local mt = {} local t = setmetatable({}, mt) mt.__gc = function() print 'never' end "
	     "t = nil for i = 1, 1e5 do local x = {} end",
		"");
}

static void errors_are_sentences(void **state)
{
	fails("error('no')", "script: /tmp/koban-script-");
	fails("\n\nerror('no')", "/script.lua:3: no");
	fails("error({})", "script.lua:1: the script raised an error that is no text but a table");
	fails("error()", "but a nil value");
	fails("error(12.0)", "12");
	fails("error(print)", "but a function value");
	fails("local x = nil; x.y = 1", "script.lua:1: attempt to index a nil value (local 'x')");
	fails("x = = 1", "script.lua:1: unexpected symbol near '='");
	fails("error(setmetatable({}, {__tostring = function() return 'made up' end}))",
		"is no text but a table value");
}

static void cannot_swap_strings(void **state)
{
	says("print(pcall(setmetatable, '', {}))",
		"false\tbad argument #1 to 'setmetatable' (table expected, got string)\n");
	says("getmetatable('').x = 1 print(string.x, ('a').x)", "1\t1\n");
	says("string.find = nil print((pcall(function() return ('a'):find('a') end)))", "false\n");
}

static void fields_cannot_be_forged(void **state)
{
	struct run *r = run_new();

	run_open(r, "args = {} function on_init() f = chisel.request_field('proc.name') return "
		    "true end "
		    "function on_event() print(evt.field(f), evt.field(1), evt.field('x'), "
		    "evt.field({}), "
		    "evt.field(), evt.field(print), evt.field(coroutine.create(print)), "
		    "evt.field(io.stdout)) return true end");
	assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r), "cat\tnil\tnil\tnil\tnil\tnil\tnil\tnil\n");
	run_free(r);
	fails("for i = 1, 1e6 do chisel.request_field('proc.name') end", "");
	fails("chisel.request_field(('x'):rep(100000))", "may have 65536 bytes");
	fails("chisel.set_filter(('(')):rep(70000)", "");
}

static void a_call_in_time_is_no_crime(void **state)
{
	struct run *r = run_new();

	/* each call has its own time */
	r->env.max_call_ns = 400000000;
	run_open(r, "args = {} n = 0 function on_event() for i = 1, 20000 do n = n + 1 end "
		    "return true end function on_capture_end() print(n) end");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(run_event(r), 0);
	assert_int_equal(run_end(r), 0);
	assert_string_equal(run_text(r), "20000000\n");
	run_free(r);
}

static void exit_ends_the_script_only(void **state)
{
	struct run *r = run_new();

	fails("os.exit(0)", "ended itself with os.exit()");
	fails("pcall(os.exit) while true do end", "ended itself");
	fails("coroutine.wrap(function() pcall(os.exit) end)() while true do end", "ended itself");
	run_open(r, "args = {} function on_event() print 'one' os.exit() end "
		    "function on_capture_end() print 'never' end");
	assert_int_equal(run_event(r), 1);
	assert_int_equal(run_end(r), 0);
	assert_string_equal(run_text(r), "one\n");
	run_free(r);
}

/* On a terminal; the file name of the event holds an escape sequence. */
static void events_cannot_speak_to_the_terminal(void **state)
{
	struct run *r = run_new();

	r->env.is_tty = true;
	run_open(r, "args = {} function on_init() n = chisel.request_field('fd.name') "
		    "d = chisel.request_field('evt.rawarg.data') b = "
		    "chisel.request_field('evt.buffer') "
		    "return true end "
		    "function on_event() print('\\27[31m' .. evt.field(n) .. '\\27[0m\\27[2J') "
		    "print(evt.field(b)) print(evt.field(d)) print('\\27[8m\\27[31mred\\27[2J') "
		    "return true end");
	fixture_event(&r->fx, EV_WRITE);
	set_file(&r->fx, 3, "/tmp/\033]0;title\007\xc2\x9bx\n");
	set_number(&r->fx, "res", 6);
	set_bytes(&r->fx, "data", "\033[2Jx\n", 6);
	assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r),
		"\033[31m/tmp/\\x1b]0;title\\x07\\xc2\\x9bx\\n\033[0m\033[2J\n"
		".[2Jx.\n"
		"\\x1b[2Jx\n\n"
		"\033[31mred\\x1b[2J\n");
	run_free(r);
}

static void colours_are_for_who_sees_them(void **state)
{
	struct run *r = run_new();

	r->env.colour = false;
	run_open(r, "print('\\27[31mred\\27[0m \\27[2J')");
	assert_string_equal(run_text(r), "red \033[2J\n");
	run_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reaches_nothing_outside),
		cmocka_unit_test(require_stays_in_the_folders),
		cmocka_unit_test(loads_text_only),
		cmocka_unit_test(ends_loops),
		cmocka_unit_test(ends_long_work_in_c),
		cmocka_unit_test(bounds_memory),
		cmocka_unit_test(bounds_the_stack),
		cmocka_unit_test(has_no_finalizers),
		cmocka_unit_test(errors_are_sentences),
		cmocka_unit_test(cannot_swap_strings),
		cmocka_unit_test(fields_cannot_be_forged),
		cmocka_unit_test(a_call_in_time_is_no_crime),
		cmocka_unit_test(exit_ends_the_script_only),
		cmocka_unit_test(events_cannot_speak_to_the_terminal),
		cmocka_unit_test(colours_are_for_who_sees_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
