/* SPDX-License-Identifier: Apache-2.0 */
/* What Lua 5.1 and LuaJIT did and scripts rely on: numbers as text, old functions, modules. */
#include "script.h"

static void whole_numbers_have_no_point(void **state)
{
	says("print(10 / 2, 2 ^ 53, 1e3, 7 / 2, 0.1, -0.0, 1e15, 123456789012)",
		"5\t9.007199254741e+15\t1000\t3.5\t0.1\t-0\t1e+15\t123456789012\n");
	says("print(10 / 2 .. 'ms', 1 .. 2, 2 ^ 3 .. 'x' .. 1.5 .. -1)", "5ms\t12\t8x1.5-1\n");
	says("print(tostring(3.0), table.concat({1.0, 2, 3.5}, ','), ('%s|%s'):format(4 / 2, "
	     "1.25))",
		"3\t1,2,3.5\t2|1.25\n");
	says("io.write(6 / 2, ' ', 1.5, '\\n') io.stdout:write(8 / 2, '\\n')", "3 1.5\n4\n");
	says("print(('x'):gsub('x', function() return 2.0 end))", "2\t1\n");
	says("print(1 / 0, -1 / 0, tostring(0 / 0):match('nan'))", "inf\t-inf\tnan\n");
}

static void concatenation(void **state)
{
	says("local function f(x) return '<' .. x .. '>' end print('a' .. f('b' .. f('c')) .. "
	     "f(1))",
		"a<b<c>><1>\n");
	says("print([[..]] .. \"..\" .. '..' --[[ .. ]] .. [==[ ]] .. ]==]) -- x .. y",
		"...... ]] .. \n");
	says("print((function(...) return select('#', ...) end)(1, 2, nil) .. 'x', .5 .. '')",
		"3x\t0.5\n");
	says("print('a' .. 'b' == 'ab', 'a' .. 'b' < 'ac', #('a' .. 'bc'), not ('a' .. 'b'))",
		"true\ttrue\t3\tfalse\n");
	says("local t = setmetatable({}, {__concat = function(a, b) return type(a) .. type(b) "
	     "end}) "
	     "print(t .. 1, 'x' .. t, t .. t)",
		"tablenumber\tstringtable\ttabletable\n");
	says("local s = '' for i = 1, 3 do s = s .. i .. ',' end print(s)", "1,2,3,\n");
	fails("local x\nprint('a' .. x)", "script.lua:2: attempt to concatenate a nil value");
	fails("print('a' .. {})", "attempt to concatenate a table value");
	fails("print(true .. 'a')", "attempt to concatenate a boolean value");
	fails("print('a' .. false .. 'b')", "attempt to concatenate a boolean value");
	fails("print(1..2)", "malformed number");
	fails("x = 'a' ..", "unexpected symbol near");
	/* Debian 12's Lua loses its stack where it must grow in the metamethod of a real `..` */
	says("local m = setmetatable({}, {__concat = function(a, b) return a end}) "
	     "local t = setmetatable({}, {__index = function(t, k) return t[m .. 'x'] end}) "
	     "for i = 1, 4 do print((select(2, pcall(function() return t.a end))):match('C "
	     "stack.*')) "
	     "end",
		"C stack overflow\nC stack overflow\nC stack overflow\nC stack overflow\n");
	says("local function busy(...) return select('#', tostring(...), ...) end "
	     "local t = setmetatable({}, {__concat = function(a, b) busy(a, b, 1, 2, 3) return 'J' "
	     "end}) "
	     "print('a' .. 'b' .. t .. 'c' .. 'd' .. t, t .. 'x' .. 'y' .. 'z')",
		"J\tJyz\n");
}

static void formats_cut_numbers(void **state)
{
	says("print(('%d %i %5d|%-5d|%05d'):format(3.9, -3.9, 42, 42, 42))",
		"3 -3    42|42   |00042\n");
	says("print(('%u %.9u %x %X %o %c'):format(7.0, 5, 255, 255, 8, 65))",
		"7 000000005 ff FF 10 A\n");
	says("print(('%.2f %e %g %5.1f'):format(1.005, 1, 0.1, 2.25))",
		"1.00 1.000000e+00 0.1   2.2\n");
	says("print(('%s %s %s %-6.2s|'):format(nil, true, {} ~= nil, 'abcdef'))",
		"nil true true ab    |\n");
	says("print(('%%d %q'):format('a\\n'))", "%d \"a\\\n\"\n");
	says("print(('%d'):format('12'), ('%d'):format(1e300), ('%d'):format(0 / 0))",
		"12\t9223372036854775807\t0\n");
	fails("print(('%d'):format('x'))", "number expected, got string");
	fails("print(('%d'):format())", "no value");
	fails("print(('%y'):format(1))", "invalid conversion '%y'");
	says("print(('abcdef'):sub(1.9, 3.2), ('abc'):byte(1.5), ('x'):rep(2.7), "
	     "unpack({1, 2, 3}, 1.5, 2.5))",
		"abc\t97\txx\t1\t2\n");
}

static void old_functions(void **state)
{
	says("print(unpack({1, 2}), math.pow(2, 3), math.log10(1000), math.mod(7, 3))",
		"1\t8\t3\t1\n");
	says("print(table.getn({1, 2}), table.maxn({[7] = 1, x = 2}))", "2\t7\n");
	says("table.foreach({5}, print) table.foreachi({6, 7}, print) "
	     "print(table.foreachi({1, 2}, function(i, v) return v end))",
		"1\t5\n1\t6\n2\t7\n1\n");
	says("for a, b in string.gfind('a=1,b=2', '(%w)=(%w)') do print(a, b) end", "a\t1\nb\t2\n");
	says("print(loadstring('return ...')(5), pcall(loadstring('error(1)')))", "5\tfalse\t1\n");
	says("print(bit.band(12, 10), bit.bor(1, 2, 4), bit.bxor(5, 1), bit.bnot(0), "
	     "bit.lshift(1, 4), bit.rshift(-1, 28), bit.arshift(-16, 2), bit.tohex(255), "
	     "bit.rol(1, 33), bit.ror(1, 1), bit.tobit(2 ^ 32 + 1))",
		"8\t7\t4\t-1\t16\t15\t-4\t000000ff\t2\t-2147483648\t1\n");
	says("print(math.ldexp(1, 3), math.frexp(8), math.atan2(0, 1), math.random(3.9) <= 3)",
		"8\t0.5\t0\ttrue\n");
	says("print(#os.date('%Y'), os.time() > 1e9, type(os.clock()), os.difftime(2, 1))",
		"4\ttrue\tnumber\t1\n");
	says("print(collectgarbage('count') > 1, collectgarbage(), "
	     "debug.traceback('x'):match('^x'))",
		"true\t0\tx\n");
	says("print(xpcall(function() error('a', 0) end, function(m) return m .. '!' end))",
		"false\ta!\n");
	says("print(coroutine.wrap(function(a) print(coroutine.yield(a)) return 3 end)(1))", "1\n");
	says("local c = coroutine.create(function() pcall(coroutine.yield, 1) return 2 end) "
	     "print(coroutine.resume(c)) print(coroutine.resume(c))",
		"true\t1\ntrue\t2\n");
}

static void tables(void **state)
{
	says("local t = {1, 2} table.insert(t, 3) table.insert(t, 1, 'a') table.insert(t, 9, 'n') "
	     "print(t[1], t[2], t[3], t[4], t[9])",
		"a\t1\t2\t3\tn\n");
	says("local t = {1, 2} table.insert(t, 0, 'z') print(t[0], t[1], t[2], t[3])",
		"z\tnil\t1\t2\n");
	says("local t = {1, 2, 3} print(table.remove(t, 1), table.remove(t), table.remove(t, 9), "
	     "table.remove(t, 0), #t)",
		"1\t3\tnil\tnil\t1\n");
	says("local t = {3, 1, 2} table.sort(t) print(unpack(t)) "
	     "table.sort(t, function(a, b) return a > b end) print(unpack(t))",
		"1\t2\t3\n3\t2\t1\n");
	/* the order of equal ones is kept; a comparison without sense does no harm */
	says("local t = {} for i = 1, 100 do t[i] = {i % 3, i} end "
	     "table.sort(t, function(a, b) return a[1] < b[1] end) local last = {-1, 0} "
	     "for _, v in ipairs(t) do assert(v[1] > last[1] or v[2] > last[2]) last = v end "
	     "table.sort(t, function() return true end) print(#t)",
		"100\n");
	fails("table.sort({1, 'x'})", "attempt to compare");
	fails("table.concat({{}})", "invalid value (table) at index 1 in table for 'concat'");
	fails("table.insert({}, 1, 2, 3)", "wrong number of arguments");
}

static void patterns(void **state)
{
	says("print(('hello world'):find('o w')) print(('hello'):find('l+')) "
	     "print(('a.b'):find('.', 1, true)) print(('a.b'):find('.', 2))",
		"5\t7\n3\t4\n2\t2\n2\t2\n");
	says("print(('key = 12'):match('^(%w+)%s*=%s*(%d+)$'))", "key\t12\n");
	says("print(('abc'):find('b', -2)) print(('abc'):find('', 10)) print(('abc'):find('x')) "
	     "print((''):find(''))",
		"2\t2\n4\t3\nnil\n1\t0\n");
	says("print((('f(a(b)c)d'):match('%b()')), ('THE (quick) fox'):find('%((%a+)%)'))",
		"(a(b)c)\t5\t11\tquick\n");
	says("print(('hello'):match('()ll()')) print(('aa bb'):match('(%a)%1 (%a)%2'))",
		"3\t5\na\tb\n");
	says("print(('THE (quick) fox'):gsub('%f[%a]%a+', string.lower))", "the (quick) fox\t3\n");
	says("print(('hello world'):gsub('o', '0', 1)) print(('abc'):gsub('%w', '%0%0')) "
	     "print(('abc'):gsub('', '-')) print(('a%'):gsub('%%', '%%%%'))",
		"hell0 world\t1\naabbcc\t3\n-a-b-c-\t4\na%%\t1\n");
	says("print(('$name is $x'):gsub('%$(%w+)', {name = 'lua'}))", "lua is $x\t2\n");
	says("print(('x^2'):match('[%^%]]'), (']'):match('[]]'), ('a-z'):match('[a%-]+'), "
	     "('b'):match('[^a]'), ('-'):match('[a-]'))",
		"^\t]\ta-\tb\t-\n");
	says("print(#('a\\0b'):match('%z'), ('GET /x HTTP'):match('^(%u+) (%g+)'), "
	     "('0x1F'):match('%x+$'))",
		"1\tGET\t1F\n");
	says("for k in ('one two'):gmatch('%a+') do io.write(k, ';') end "
	     "for a in ('a,b,,c'):gmatch('([^,]*)') do io.write('[', a, ']') end print()",
		"one;two;[a][][b][][][c][]\n");
	says("print(('abc'):gsub('b*', 'x')) print(('  x '):match('^%s*(.-)%s*$'))",
		"xaxxcx\t4\nx\n");
	fails("('x'):find('[a')", "malformed pattern (missing ']')");
	fails("('x'):find('%')", "malformed pattern (ends with '%')");
	fails("('x'):find('(x')", "unfinished capture");
	fails("('x'):match('x)')", "invalid pattern capture");
	fails("('x'):find('%1')", "invalid capture index");
	fails("('x'):find('%f')", "missing '[' after '%f'");
	fails("('x'):find('%b')", "missing arguments to '%b'");
	fails("('x'):gsub('x', '%2')", "invalid capture index %2");
	fails("('x'):gsub('x', true)", "string, function or table expected");
}

static void modules(void **state)
{
	struct run *r = run_new();

	run_write(r, "plain.lua", "return {x = 1, name = ...}");
	run_write(r, "sets.lua", "global_of_it = 2");
	run_write(r, "old.lua",
		"module('old', package.seeall) function f() return type(print) .. 'x' end y = 5");
	run_write(r, "broken.lua", "\nerror('inside')");
	run_open(r, "local p = require 'plain' print(p.x, p.name, require('plain') == p, "
		    "package.loaded.plain == p) "
		    "print(require 'sets', global_of_it) "
		    "require 'old' print(old.f(), old.y, f, package.loaded.old == old) "
		    "print(require('string') == string, require 'os' == os) "
		    "print(select(2, pcall(require, 'broken')):match('broken.lua:2: inside'))");
	assert_string_equal(run_text(r), "1\tplain\ttrue\ttrue\ntrue\t2\nfunctionx\t5\tnil\ttrue\n"
					 "true\ttrue\nbroken.lua:2: inside\n");
	run_free(r);
}

static void environments(void **state)
{
	says("local f = loadstring('x = 1 return x') local env = {} setfenv(f, env) "
	     "print(f(), env.x, x, getfenv(f) == env, getfenv(print) == _G)",
		"1\t1\tnil\ttrue\ttrue\n");
	says("local g = _G setfenv(1, {print = print, getfenv = getfenv}) y = 1 "
	     "print(y, getfenv(1).y, g.y)",
		"1\t1\tnil\n");
	says("#!/usr/bin/env lua\nprint(1)", "1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_have_no_point),
		cmocka_unit_test(concatenation),
		cmocka_unit_test(formats_cut_numbers),
		cmocka_unit_test(old_functions),
		cmocka_unit_test(tables),
		cmocka_unit_test(patterns),
		cmocka_unit_test(modules),
		cmocka_unit_test(environments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
