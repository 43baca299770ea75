/* SPDX-License-Identifier: Apache-2.0 */
/* sysdig's API, function by function: sysdig.* (29), chisel.* (7), evt.* (5), and the callbacks. */
#include "../../engine/state/captured.h"
#include "script.h"

static void all_41_are_there(void **state)
{
	says("for _, name in ipairs {'set_filter', 'set_snaplen', 'set_output_format', "
	     "'set_fatfile_dump_mode', 'is_live', 'is_tty', 'get_terminal_info', 'get_filter', "
	     "'get_machine_info', 'get_thread_table', 'get_thread_table_nofds', "
	     "'get_thread_table_barebone', 'get_thread_table_barebone_nofds', "
	     "'get_container_table', "
	     "'is_print_container_data', 'get_output_format', 'get_evtsource_name', "
	     "'get_firstevent_ts', 'get_lastevent_ts', 'make_ts', 'add_ts', 'subtract_ts', "
	     "'run_app', "
	     "'end_capture', 'log', 'udp_setpeername', 'udp_send', 'get_read_progress', "
	     "'push_metric'} "
	     "do assert(type(sysdig[name]) == 'function', name) end "
	     "for _, name in ipairs {'request_field', 'set_filter', 'set_event_formatter', "
	     "'set_interval_ns', 'set_interval_s', 'set_precise_interval_ns', 'exec'} "
	     "do assert(type(chisel[name]) == 'function', name) end "
	     "for _, name in ipairs {'field', 'get_num', 'get_ts', 'get_type', 'get_cpuid'} "
	     "do assert(type(evt[name]) == 'function', name) end",
		"");
}

/* ---- sysdig ---------------------------------------------------------------------------------- */

static void tells_where_it_runs(void **state)
{
	static const char ask[] = "local t = sysdig.get_terminal_info() "
				  "print(sysdig.is_live(), sysdig.is_tty(), t.width, t.height, "
				  "sysdig.get_filter(), sysdig.is_print_container_data(), "
				  "sysdig.get_output_format(), sysdig.get_evtsource_name(), "
				  "sysdig.get_read_progress())";
	struct run *r = run_new();

	r->progress = 0.25;
	run_open(r, ask);
	assert_string_equal(run_text(r), "false\tfalse\t-1\t-1\t\tfalse\tnormal\t\t25\n");
	run_free(r);
	r = run_new();
	r->env.is_live = r->env.is_tty = r->env.json = r->env.container = true;
	r->env.width = 80;
	r->env.height = 24;
	r->env.filter = STR("proc.name=x");
	r->env.source = STR("a.scap");
	r->progress = -1;
	run_open(r, ask);
	assert_string_equal(
		run_text(r), "true\ttrue\t80\t24\tproc.name=x\ttrue\tjson\ta.scap\t0\n");
	run_free(r);
}

static void tells_the_machine(void **state)
{
	struct capture_info info = {.machine = {.ncpus = 4,
					    .memory_bytes = 1ULL << 33,
					    .max_pid = 32768,
					    .hostname = "no\nde"}};
	static const char ask[] = "args = {} function on_capture_start() "
				  "local m = sysdig.get_machine_info() print(m.num_cpus, "
				  "m.memory_size_bytes, m.max_pid, m.hostname) return true end";
	struct run *r = run_new();

	run_open(r, ask);
	r->env.capture = &info;
	assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r), "4\t8589934592\t32768\tno\\nde\n");
	run_free(r);
	fails("sysdig.get_machine_info()", "before on_capture_start()");
	r = run_new();
	r->env.is_live = true;
	run_open(r, "args = {} assert(sysdig.get_machine_info().num_cpus > 0)");
	run_free(r);
}

static void times_as_text(void **state)
{
	says("print(sysdig.make_ts(1588262409, 999999999), type(sysdig.make_ts(1, 2)))",
		"1588262409999999999\tstring\n");
	says("print(sysdig.add_ts('1588262409999999999', '1'), sysdig.subtract_ts('5', '2'), "
	     "sysdig.make_ts(0, 5))",
		"1588262410000000000\t3\t5\n");
	fails("sysdig.add_ts('x', '1')", "a time in nanoseconds is needed, as text");
	says("print(sysdig.get_firstevent_ts(), sysdig.get_lastevent_ts())", "0\t0\n");
}

static void takes_what_does_nothing(void **state)
{
	says("sysdig.set_snaplen(2000) sysdig.set_fatfile_dump_mode(true) sysdig.log('x', 'error') "
	     "sysdig.log('x') sysdig.push_metric('a', 1, {'b'})",
		"");
	fails("sysdig.set_snaplen('x')", "number expected");
	fails("sysdig.push_metric('a', 1)", "table expected");
	fails("sysdig.log()", "string expected");
}

static void formats_of_data(void **state)
{
	struct run *r = run_new();

	run_open(r, "args = {} function on_init() b = chisel.request_field('evt.buffer') "
		    "d = chisel.request_field('evt.arg.data') n = 0 return true end "
		    "function on_event() print(evt.field(b), evt.field(d)) n = n + 1 "
		    "sysdig.set_output_format(({'ascii', 'base64', 'json', 'normal'})[n]) "
		    "print(sysdig.get_output_format()) return true end");
	fixture_event(&r->fx, EV_WRITE);
	set_number(&r->fx, "res", 4);
	set_bytes(&r->fx, "data", "a\n\x01z", 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r),
		"a..z\ta..z\nnormal\n\na\nz\t\na\nz\nnormal\nYQoBeg==\tYQoBeg==\njson\n");
	run_free(r);
	fails("sysdig.set_output_format('x')", "there is no format \"x\"");
}

static void the_thread_table(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct run *r = run_new();

	cap_add(&c, 10, 10, 1, "bash", "/");
	cap_add(&c, 11, 10, 1, "helper", "/");
	cap_add(&c, 20, 20, 10, "na\033[2Jme", "/");
	cap_open(&c, 10, 3, "/etc/passwd", 1);
	cap_open(&c, 20, 4, "/tmp/x\ny", 1);
	struct event_fd fd = {.num = 5, .type = FD_IPV4};
	fd.sock = (struct event_sock){.has_local = true,
		.has_remote = true,
		.local = {10, 0, 0, 1},
		.remote = {1, 2, 3, 4},
		.local_port = 5000,
		.remote_port = 80,
		.l4proto = 6};
	assert_int_equal(state_add_descriptor(c.s, 20, &fd, STR_NULL), 0);
	fd = (struct event_fd){.num = 6, .type = FD_IPV4_SERVER};
	fd.sock = (struct event_sock){.has_local = true, .local_port = 22, .l4proto = 6};
	assert_int_equal(state_add_descriptor(c.s, 20, &fd, STR_NULL), 0);
	r->env.state = c.s;
	run_open(r,
		"local function n(t) local i = 0 for _ in pairs(t) do i = i + 1 end return i end "
		"local t = sysdig.get_thread_table() "
		"print(n(t), t[10].tid, t[10].pid, t[11].pid, t[11].comm, t[20].comm, t[20].ptid, "
		"t[10].uid, t[10].username, type(t[10].clone_ts), n(t[10].args), n(t[10].env)) "
		"print(t[10].fdtable[3].name, t[10].fdtable[3].type, t[20].fdtable[4].name) "
		"local s = t[20].fdtable[5] print(s.type, s.name, s.cip, s.cport, s.sip, s.sport, "
		"s.is_server, s.l4proto) "
		"s = t[20].fdtable[6] print(s.type, s.cip, s.sip, s.sport, s.is_server) "
		"t = sysdig.get_thread_table('fd.type=ipv4') print(n(t), n(t[20].fdtable)) "
		"t = sysdig.get_thread_table_nofds() print(n(t), n(t[20].fdtable), t[10].comm) "
		"t = sysdig.get_thread_table_barebone() print(n(t), n(t[20].fdtable), t[10].comm, "
		"t[20].fdtable[4].name, t[20].fdtable[5].sport) "
		"t = sysdig.get_thread_table_barebone_nofds('proc.name=bash') "
		"print(n(t), n(t[10].fdtable), t[10].comm, t[10].pid)");
	assert_string_equal(run_text(r),
		"3\t10\t10\t10\thelper\tna\\x1b[2Jme\t10\t1000\t<NA>\tstring\t0\t0\n"
		"/etc/passwd\tfile\t/tmp/xy\n"
		"ipv4\t10.0.0.1:5000->1.2.3.4:80\t10.0.0.1\t5000\t1.2.3.4\t80\tfalse\ttcp\n"
		"ipv4\tnil\t0.0.0.0\t22\ttrue\n"
		"1\t2\n3\t0\tbash\n3\t3\tnil\tnil\t80\n2\t0\tnil\t10\n");
	run_free(r);
	cap_free(&c);
	fails("sysdig.get_thread_table()", "before on_capture_start()");
}

static void the_container_table(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct run *r = run_new();

	r->env.state = c.s;
	run_open(r, "print(#sysdig.get_container_table())");
	assert_string_equal(run_text(r), "0\n");
	run_free(r);
	cap_free(&c);
	fails("sysdig.get_container_table()", "before on_capture_start()");
}

static void ends_the_capture(void **state)
{
	struct run *r = run_new();

	run_open(r, "args = {} function on_event() sysdig.end_capture() return true end "
		    "function on_capture_end() print 'end' end");
	assert_int_equal(run_event(r), 1);
	assert_int_equal(run_end(r), 0);
	assert_string_equal(run_text(r), "end\n");
	run_free(r);
}

/* ---- chisel ---------------------------------------------------------------------------------- */

static void fields_have_types(void **state)
{
	struct run *r = run_new();

	run_open(r, "args = {} function on_init() f = {} for i, name in ipairs {'evt.num', "
		    "'proc.name', "
		    "'evt.rawarg.res', 'evt.rawarg.data', 'evt.is_io_write', 'fd.cip', 'fd.sport', "
		    "'evt.rawtime', 'evt.latency', 'container.id', 'proc.aname[1]', 'evt.arg.res', "
		    "'proc.pid', 'evt.arg[0]'} do f[i] = chisel.request_field(name) end return "
		    "true end "
		    "function on_event() for _, x in ipairs(f) do local v = evt.field(x) "
		    "io.write(type(v), ':', tostring(v), ' ') end print() return true end");
	fixture_event(&r->fx, EV_WRITE);
	r->fx.ev.enter_ns = r->fx.ev.ts_ns - 1500;
	set_tcp(&r->fx, 3);
	set_number(&r->fx, "res", 5);
	set_bytes(&r->fx, "data", "ab\0\1z", 5);
	assert_int_equal(run_event(r), 0);
	assert_memory_equal(run_text(r),
		"number:7 string:cat number:5 string:ab\0\1z boolean:true string:10.0.0.5 "
		"number:443 "
		"number:1.7e+18 number:1500 string:host string:bash string:5 number:300 string:5 "
		"\n",
		r->out.len);
	run_free(r);
	fails("chisel.request_field('proc.nme')", "unknown field 'proc.nme'");
	fails("chisel.request_field('proc.name %fd.name')", "chisel.request_field: ");
	fails("chisel.request_field()", "string expected");
}

static void filters(void **state)
{
	struct run *r = run_new();

	run_open(r,
		"args = {} chisel.set_filter('proc.name=cat') sysdig.set_filter('evt.type=openat') "
		"function on_event() print 'event' return true end");
	assert_int_equal(run_event(r), 0);
	r->fx.proc.comm = STR("dog");
	assert_int_equal(run_event(r), 0);
	r->fx.proc.comm = STR("cat");
	fixture_event(&r->fx, EV_WRITE);
	assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r), "event\n");
	run_free(r);
	fails("chisel.set_filter('proc.name=')", "chisel.set_filter:1:");
	fails("sysdig.set_filter('nonsense.x=1')", "sysdig.set_filter:1:1: unknown field");
	says("chisel.set_filter('') sysdig.set_filter(' ')", "");
}

static void formatter(void **state)
{
	struct run *r = run_new();

	run_open(r, "args = {} chisel.set_event_formatter('%proc.name: %evt.type') n = 0 "
		    "function on_event() n = n + 1 return n ~= 2 end");
	for (int i = 0; i < 3; i++)
		assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r), "cat: openat\ncat: openat\n");
	run_free(r);
	/* without on_event() every event is printed; one that lacks a field is not */
	r = run_new();
	run_open(r, "args = {} chisel.set_event_formatter('%proc.name %fd.num')");
	assert_int_equal(run_event(r), 0);
	set_file(&r->fx, 3, "/x");
	assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r), "cat 3\n");
	run_free(r);
	fails("chisel.set_event_formatter('%proc.nme')", "chisel.set_event_formatter: ");
}

static void at(struct run *r, double s)
{
	r->fx.ev.ts_ns = NOW + (uint64_t)(s * 1e9);
	assert_int_equal(run_event(r), 0);
}

static void intervals(void **state)
{
	struct run *r = run_new();

	run_open(r, "args = {} chisel.set_interval_s(1) function on_interval(s, ns, delta) "
		    "print(s, ns, delta) return true end function on_end_of_sample() print "
		    "'sample' end");
	at(r, 0.5);
	at(r, 0.9);
	at(r, 1.25);
	at(r, 1.5);
	at(r, 4);
	assert_string_equal(run_text(r),
		"1700000001\t250000000\t0\nsample\n1700000004\t0\t2750000000\nsample\n");
	run_free(r);
	r = run_new();
	run_open(r, "args = {} chisel.set_precise_interval_ns(500000000) "
		    "function on_interval(s, ns, delta) print(s, ns, delta) return true end");
	at(r, 0);
	at(r, 0.4);
	at(r, 1.2);
	assert_string_equal(
		run_text(r), "1700000000\t0\t500000000\n1700000000\t500000000\t500000000\n");
	run_free(r);
	r = run_new();
	run_open(r, "args = {} chisel.set_interval_ns(1000000000) t = "
		    "chisel.request_field('evt.time.s') "
		    "function on_interval() print(#evt.field(t)) end");
	assert_int_equal(chisel_ops_script.tick(&r->c, NOW, &r->e), 0);
	assert_int_equal(chisel_ops_script.tick(&r->c, NOW + 100, &r->e), 0);
	assert_int_equal(chisel_ops_script.tick(&r->c, NOW + SEC, &r->e), -EINVAL);
	assert_string_equal(run_text(r), "8\n");
	assert_non_null(strstr(r->e.msg, "its on_interval() did not return true"));
	run_free(r);
	fails("chisel.set_interval_ns(1)", "an interval of at least 1 ms");
	fails("chisel.set_interval_s(-1)", "an interval of at least 1 ms");
	fails("chisel.set_precise_interval_ns(0 / 0)", "an interval of at least 1 ms");
}

static void exec(void **state)
{
	struct run *r = run_new();

	run_write(r, "other.lua",
		"args = {{name = 'a'}, {name = 'b', optional = true}} got = '' "
		"function on_set_arg(n, v) got = got .. n .. '=' .. v .. ';' return true end "
		"function on_init() print(got, old) return true end "
		"function on_event() print 'event of other' return true end");
	run_open(r, "args = {} old = 1 chisel.set_filter('proc.name=never') "
		    "function on_init() chisel.exec('other', 'x y', 10 / 2) end");
	assert_int_equal(run_event(r), 0);
	assert_string_equal(run_text(r), "a=x y;b=5;\tnil\nevent of other\n");
	run_free(r);
	r = run_new();
	assert_int_equal(
		run_try(r, "args = {} function on_init() chisel.exec('script') end"), -ELOOP);
	run_free(r);
	fails("args = {} function on_init() chisel.exec('nowhere') end",
		"there is no script \"nowhere\"");
	fails("args = {} function on_init() chisel.exec('../x') end", "there is no script");
	fails("chisel.exec()", "string expected");
}

/* ---- evt and the callbacks ----------------------------------------------------------------- */

static void evt_functions(void **state)
{
	struct run *r = run_new();

	run_open(r, "args = {} function on_event() print(evt.get_num(), evt.get_type(), "
		    "evt.get_cpuid(), "
		    "evt.get_ts()) return true end function on_capture_end(s, ns, delta) "
		    "print(s, ns, delta, evt.field(nil), evt.get_num()) end");
	r->fx.ev.cpu = 3;
	assert_int_equal(run_event(r), 0);
	r->fx.ev.ts_ns += 250;
	assert_int_equal(run_event(r), 0);
	assert_int_equal(run_end(r), 0);
	assert_string_equal(run_text(r),
		"7\topenat\t3\t1700000000\t0\n7\topenat\t3\t1700000000\t250\n"
		"1700000000\t250\t250\tnil\t0\n");
	run_free(r);
	fails("evt.get_num()", "no event has come yet");
}

static void arguments(void **state)
{
	static const char script[] =
		"args = {{name = 'one', description = 'the first', argtype = 'int'}, "
		"{name = 'two', optional = true}} "
		"function on_set_arg(n, v) print(n, v) return v ~= 'bad' end";
	static const struct str args[] = {STR("1"), STR("bad"), STR("3")};
	struct run *r = run_new();

	assert_int_equal(run_open_with(r, script, args, 0), -EINVAL);
	assert_string_equal(r->e.msg, "script: the argument one is missing: the first");
	run_free(r);
	r = run_new();
	assert_int_equal(run_open_with(r, script, args, 3), -EINVAL);
	assert_string_equal(r->e.msg, "script: the argument \"3\" is one too many: it takes 2");
	run_free(r);
	r = run_new();
	assert_int_equal(run_open_with(r, script, args, 2), -EINVAL);
	assert_non_null(strstr(r->e.msg, "the argument two is not accepted: \"bad\""));
	run_free(r);
	r = run_new();
	assert_int_equal(run_open_with(r, script, args, 1), 0);
	assert_string_equal(run_text(r), "one\t1\n");
	run_free(r);
	r = run_new();
	assert_int_equal(run_open_with(r, "args = {{name = 'a'}}", args, 1), -EINVAL);
	assert_non_null(strstr(r->e.msg, "no on_set_arg()"));
	run_free(r);
	fails("args = {{}}", "has no name");
	fails("args = {1}", "is no table");
}

static void callbacks_must_agree(void **state)
{
	struct run *r = run_new();

	fails("args = {} function on_init() return false end", "its on_init() did not return true");
	run_open(r, "args = {} function on_capture_start() return false end");
	assert_int_equal(run_event(r), -EINVAL);
	assert_non_null(strstr(r->e.msg, "its on_capture_start() returned false"));
	run_free(r);
	r = run_new();
	run_open(r, "args = {} function on_capture_start() end");
	assert_int_equal(run_event(r), -EINVAL);
	assert_non_null(strstr(r->e.msg, "on_capture_start() must return true or false, not nil"));
	run_free(r);
	r = run_new();
	run_open(r, "args = {} function on_event()\nerror('here') end "
		    "function on_capture_end() print 'never' end");
	assert_int_equal(run_event(r), -EINVAL);
	assert_non_null(strstr(r->e.msg, "script.lua:2: here"));
	assert_int_equal(run_end(r), 0);
	assert_string_equal(run_text(r), "");
	run_free(r);
}

static void describes_itself(void **state)
{
	struct run *r = run_new();
	struct chisel_info info = {0};

	run_write(r, "script.lua",
		"description = 'Long\\27'; short_description = 'Short'; category = 'X'; "
		"hidden = true; args = {{name = 'a', description = 'd', argtype = 'int', "
		"optional = true}, {name = 'b'}} print 'unseen'");
	assert_int_equal(chisel_ops_script.describe(r->path, &r->arena, &info, &r->e), 0);
	assert_true(str_is(info.name, "script") && str_is(info.desc, "Long\\x1b"));
	assert_true(str_is(info.summary, "Short") && str_is(info.category, "X"));
	assert_true(info.is_script && info.is_hidden && info.nargs == 2);
	assert_true(str_is(info.args[0].type, "int") && info.args[0].is_optional);
	assert_true(str_is(info.args[1].type, "string") && !info.args[1].is_optional);
	run_write(r, "script.lua", "return {}");
	r->e = (struct err){0};
	assert_int_equal(chisel_ops_script.describe(r->path, &r->arena, &info, &r->e), 1);
	run_write(r, "script.lua", "view_info = {id = 'x'}");
	assert_int_equal(chisel_ops_script.describe(r->path, &r->arena, &info, &r->e), 1);
	assert_non_null(strstr(r->e.msg, "is a view of csysdig"));
	run_write(r, "script.lua", "description = ");
	assert_int_equal(chisel_ops_script.describe(r->path, &r->arena, &info, &r->e), -EINVAL);
	assert_non_null(strstr(r->e.msg, "script.lua:1: unexpected symbol"));
	run_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_41_are_there),
		cmocka_unit_test(tells_where_it_runs),
		cmocka_unit_test(tells_the_machine),
		cmocka_unit_test(times_as_text),
		cmocka_unit_test(takes_what_does_nothing),
		cmocka_unit_test(formats_of_data),
		cmocka_unit_test(the_thread_table),
		cmocka_unit_test(the_container_table),
		cmocka_unit_test(ends_the_capture),
		cmocka_unit_test(fields_have_types),
		cmocka_unit_test(filters),
		cmocka_unit_test(formatter),
		cmocka_unit_test(intervals),
		cmocka_unit_test(exec),
		cmocka_unit_test(evt_functions),
		cmocka_unit_test(arguments),
		cmocka_unit_test(callbacks_must_agree),
		cmocka_unit_test(describes_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
