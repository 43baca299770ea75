/* SPDX-License-Identifier: Apache-2.0 */
/* evt.* fields: times, types, arguments, results, opens, counts. */
#include "fixture.h"

static void times(void **state)
{
	struct fixture fx;

	setenv("TZ", "UTC", 1);
	fixture_init(&fx);
	fx.ev.ts_ns = NOW + 5000;
	fx.ev.enter_ns = NOW;
	assert_shown(&fx, "evt.time", "22:13:20.000005000");
	assert_shown(&fx, "evt.outputtime", "22:13:20.000005000");
	assert_shown(&fx, "evt.time.s", "22:13:20");
	assert_shown(&fx, "evt.datetime", "2023-11-14 22:13:20.000005000");
	assert_shown(&fx, "evt.datetime.s", "2023-11-14 22:13:20");
	assert_shown(&fx, "evt.time.iso8601", "2023-11-14T22:13:20.000005000Z");
	assert_shown(&fx, "evt.rawtime", "1700000000000005000");
	assert_shown(&fx, "evt.rawtime.s", "1700000000");
	assert_shown(&fx, "evt.rawtime.ns", "5000");
	assert_shown(&fx, "evt.reltime", "5000005000");
	assert_shown(&fx, "evt.reltime.s", "5");
	assert_shown(&fx, "evt.reltime.ns", "5000");
	assert_shown(&fx, "evt.deltatime", "6500");
	assert_shown(&fx, "evt.deltatime.s", "0");
	assert_shown(&fx, "evt.latency", "5000");
	assert_shown(&fx, "evt.latency.s", "0");
	assert_shown(&fx, "evt.latency.human", "5.00us");
	assert_shown(&fx, "evt.latency.quantized", "12");
	assert_missing(&fx, "evt.wait_latency"); /* openat waits for nothing */
	fx.ev.enter_ns = 0;
	assert_missing(&fx, "evt.latency");
	assert_missing(&fx, "evt.latency.human");
	fx.subject.last_ts_ns = 0;
	assert_shown(&fx, "evt.deltatime", "0");
	fixture_done(&fx);
}

static void around(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fx.ev.ts_ns = NOW + 400 * 1000000;
	assert_holds(&fx, "evt.around[1700000000000000000] = 500");
	assert_holds(&fx, "evt.around[1700000000800000000] = 400");
	assert_not(&fx, "evt.around[1700000000000000000] = 399");
	assert_false(parses(&fx, "evt.around[1700000000000000000] > 5"));
	assert_false(parses(&fx, "evt.around = 5"));
	assert_false(parses(&fx, "evt.around[x] = 5"));
	fixture_done(&fx);
}

static void types(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	assert_shown(&fx, "evt.type", "openat");
	assert_shown(&fx, "syscall.type", "openat");
	assert_shown(&fx, "evt.dir", "<");
	assert_shown(&fx, "evt.category", "file");
	assert_shown(&fx, "evt.source", "syscall");
	assert_shown(&fx, "evt.hostname", "node1");
	assert_shown(&fx, "evt.is_async", "false");
	assert_missing(&fx, "evt.asynctype");
	assert_missing(&fx, "evt.pluginname");
	assert_holds(&fx, "evt.type.is.openat = 1");
	assert_holds(&fx, "evt.type.is[307] = 1");
	assert_holds(&fx, "evt.type.is.open = 0");
	assert_false(parses(&fx, "evt.type.is.nothing = 1"));
	fixture_event(&fx, EV_SYSCALL);
	assert_missing(&fx, "evt.type");
	set_number(&fx, "ID", syscall_id_by_name(STR("getcpu")));
	assert_shown(&fx, "evt.type", "getcpu");
	assert_shown(&fx, "evt.args", "");
	assert_missing(&fx, "evt.rawres");
	fixture_event(&fx, 0); /* its enter event, in old captures */
	set_number(&fx, "ID", syscall_id_by_name(STR("getcpu")));
	assert_shown(&fx, "evt.type", "getcpu");
	assert_shown(&fx, "evt.dir", ">");
	assert_shown(&fx, "evt.args", "");
	fixture_event(&fx, EV_OPEN_E);
	set_text(&fx, "name", "/etc/passwd");
	assert_shown(&fx, "evt.type", "open");
	assert_shown(&fx, "evt.dir", ">");
	assert_shown(&fx, "evt.arg.name", "/etc/passwd");
	fixture_event(&fx, EV_ASYNCEVENT);
	set_text(&fx, "name", "container");
	assert_shown(&fx, "evt.type", "container");
	assert_shown(&fx, "evt.asynctype", "container");
	assert_shown(&fx, "evt.is_async", "true");
	assert_missing(&fx, "syscall.type");
	fixture_done(&fx);
}

static void categories_of_io(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_READ);
	assert_shown(&fx, "evt.category", "unknown");
	set_tcp(&fx, 3);
	assert_shown(&fx, "evt.category", "net");
	fx.ev.fd.type = FD_FIFO;
	assert_shown(&fx, "evt.category", "ipc");
	fx.ev.fd.type = FD_FILE;
	assert_shown(&fx, "evt.category", "file");
	fixture_done(&fx);
}

static void arguments(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_CHMOD);
	set_text(&fx, "filename", "/a b");
	set_number(&fx, "mode", 0755);
	set_number(&fx, "res", -13);
	assert_shown(&fx, "evt.arg[1]", "/a b");
	assert_shown(&fx, "evt.arg.filename", "/a b");
	assert_missing(&fx, "evt.arg[9]");
	assert_missing(&fx, "evt.arg.flags"); /* an argument of others */
	assert_shown(&fx, "evt.rawarg.res", "-13");
	assert_holds(&fx, "evt.rawarg.mode = 493");
	assert_holds(&fx, "evt.rawarg.mode > 400");
	assert_not(&fx, "evt.rawarg.mode < 400");
	assert_holds(&fx, "evt.rawarg.filename startswith /a");
	assert_holds(&fx, "evt.rawarg.res < 0");
	assert_not(&fx, "evt.rawarg.flags != 5"); /* missing is false whatever the operator */
	assert_false(parses(&fx, "evt.arg.nonsense = 1"));
	assert_false(parses(&fx, "evt.rawarg[1] = 1"));
	assert_false(parses(&fx, "evt.arg = 1"));
	/* not sent */
	fixture_event(&fx, EV_CHMOD);
	assert_missing(&fx, "evt.rawarg.filename");
	assert_missing(&fx, "evt.buffer");
	fixture_done(&fx);
}

static void buffers(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_WRITE);
	set_file(&fx, 4, "/tmp/a");
	set_number(&fx, "res", 5);
	set_bytes(&fx, "data", "ab\0cd", 5);
	assert_holds(&fx, "evt.buffer bcontains 620063");
	assert_holds(&fx, "evt.buffer contains cd");
	assert_not(&fx, "evt.buffer contains abc");
	assert_shown(&fx, "evt.buflen", "5");
	assert_shown(&fx, "evt.buflen.out", "5");
	assert_shown(&fx, "evt.buflen.file", "5");
	assert_shown(&fx, "evt.buflen.file.out", "5");
	assert_missing(&fx, "evt.buflen.in");
	assert_missing(&fx, "evt.buflen.net");
	assert_missing(&fx, "evt.buflen.net.out");
	assert_shown(&fx, "evt.is_io", "true");
	assert_shown(&fx, "evt.is_io_write", "true");
	assert_shown(&fx, "evt.is_io_read", "false");
	assert_shown(&fx, "evt.io_dir", "write");
	assert_shown(&fx, "evt.is_syslog", "false");
	fx.ev.path.name = STR("/dev/log");
	assert_shown(&fx, "evt.is_syslog", "true");
	set_number(&fx, "res", -5);
	assert_missing(&fx, "evt.buflen");
	fixture_done(&fx);
}

static void results(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	set_number(&fx, "fd", 3);
	assert_shown(&fx, "evt.res", "SUCCESS");
	assert_shown(&fx, "evt.rawres", "3");
	assert_shown(&fx, "evt.failed", "false");
	assert_shown(&fx, "evt.count", "1");
	assert_shown(&fx, "evt.count.exit", "1");
	assert_shown(&fx, "evt.count.error", "0");
	assert_shown(&fx, "evt.count.error.file", "0");
	set_number(&fx, "fd", -2);
	assert_shown(&fx, "evt.res", "ENOENT");
	assert_shown(&fx, "evt.failed", "true");
	assert_shown(&fx, "evt.count.error.file", "1");
	assert_missing(&fx, "evt.count.error.net");
	assert_missing(&fx, "evt.count.error.other");
	set_number(&fx, "fd", -9999);
	assert_shown(&fx, "evt.res", "-9999");
	set_number(&fx, "fd", INT64_MIN);
	assert_shown(&fx, "evt.failed", "true");
	assert_non_null(shown(&fx, "evt.res"));
	fixture_done(&fx);
}

static void opens(void **state)
{
	static const struct {
		uint16_t code;
		uint32_t flags, mode;
		int64_t fd;
		const char *read, *write, *exec, *create;
	} cases[] = {
		{EV_OPENAT, 1, 0, 3, "true", "false", "false", "false"},
		{EV_OPENAT, 2, 0, 3, "false", "true", "false", "false"},
		{EV_OPEN, 3, 0, 3, "true", "true", "false", "false"},
		/* makes an executable file; whether it was new is another question */
		{EV_OPENAT2, 2 | 4, 0755, 3, "false", "true", "true", "false"},
		{EV_OPENAT, 2 | 4 | 1 << 14, 0644, 3, "false", "true", "false", "true"},
		/* a mode without O_CREAT means nothing */
		{EV_OPENAT, 2, 0777, 3, "false", "true", "false", "false"},
		{EV_OPENAT, 2 | 1 << 13, 0700, 3, "false", "true", "true", "true"},
		{EV_OPENAT, 2 | 1 << 13, 0700, -13, "false", "true", "true", "false"},
	};
	struct fixture fx;

	fixture_init(&fx);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_event(&fx, cases[i].code);
		set_number(&fx, "flags", cases[i].flags);
		set_number(&fx, "mode", cases[i].mode);
		set_number(&fx, "fd", cases[i].fd);
		assert_shown(&fx, "evt.is_open_read", cases[i].read);
		assert_shown(&fx, "evt.is_open_write", cases[i].write);
		assert_shown(&fx, "evt.is_open_exec", cases[i].exec);
		assert_shown(&fx, "evt.is_open_create", cases[i].create);
	}
	fixture_event(&fx, EV_CREAT);
	set_number(&fx, "mode", 0711);
	assert_shown(&fx, "evt.is_open_exec", "true");
	assert_shown(&fx, "evt.is_open_write", "false");
	fixture_event(&fx, EV_OPEN_BY_HANDLE_AT);
	set_number(&fx, "flags", 1 | 4);
	assert_shown(&fx, "evt.is_open_read", "true");
	assert_shown(&fx, "evt.is_open_exec", "false");
	fixture_event(&fx, EV_CONNECT);
	assert_shown(&fx, "evt.is_open_read", "false");
	fixture_done(&fx);
}

static void abspath(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_RENAMEAT);
	fx.ev.path.raw = fx.ev.path.name = STR("/tmp/a");
	fx.ev.target.raw = fx.ev.target.name = STR("/etc/b");
	fx.ev.target.real = STR("/mnt/b");
	assert_shown(&fx, "evt.abspath", "/tmp/a");
	assert_shown(&fx, "evt.abspath.src", "/tmp/a");
	assert_shown(&fx, "evt.abspath.dst", "/etc/b");
	fx.subject.name = NAME_REAL;
	assert_shown(&fx, "evt.abspath.dst", "/mnt/b");
	assert_false(parses(&fx, "evt.abspath.both = /x"));
	fixture_event(&fx, EV_SETUID);
	assert_missing(&fx, "evt.abspath");
	/* the name of a descriptor is none that the call was given */
	fixture_event(&fx, EV_READ);
	fx.ev.path.name = STR("/tmp/a");
	assert_missing(&fx, "evt.abspath");
	fixture_done(&fx);
}

static void old_docker_events(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_INFRA);
	set_text(&fx, "description",
		"Event: start; ID: 0123456789abcdef; name: web; Image: nginx:1@sha256:aa");
	assert_shown(&fx, "evt.infra.docker.name", "start");
	assert_shown(&fx, "evt.infra.docker.container.id", "0123456789ab");
	assert_shown(&fx, "evt.infra.docker.container.name", "web");
	assert_shown(&fx, "evt.infra.docker.container.image", "nginx:1");
	set_text(&fx, "description", ";;:;Event");
	assert_missing(&fx, "evt.infra.docker.name");
	fixture_done(&fx);
}

/* Fields that put their text at a place put what their getters give. */
static void puts_as_gets(void **state)
{
	static const uint16_t codes[] = {
		EV_OPENAT, EV_OPENAT - 1, EV_SYSCALL, EV_ASYNCEVENT, EV_PROCEXIT, EVENT_FORK};
	static const uint64_t numbers[] = {0, 9, 10, 99999999, 100000000, UINT32_MAX};
	char name[FIELD_PUT_MAX + 2], long_name[FIELD_PUT_MAX + 2];
	struct field_clock clock = {0};
	struct fixture fx;
	size_t nfields = 0;

	setenv("TZ", "UTC", 1);
	memset(long_name, 'x', sizeof(long_name));
	for (size_t i = 0; i < 3 * 6 * 6 * 8; i++) {
		size_t len =
			(size_t[]){0, 1, 7, 8, 16, 17, FIELD_PUT_MAX, FIELD_PUT_MAX + 1}[i % 8];

		fixture_init(&fx);
		fixture_event(&fx, codes[i / 8 % 6]);
		if (fx.ev.code == EV_SYSCALL && i % 2)
			set_number(&fx, "ID", syscall_id_by_name(STR("getcpu")));
		if (fx.ev.code == EV_ASYNCEVENT)
			set_text(&fx, "name", i % 2 ? "long" : "");
		fx.ev.num = numbers[i / 48 % 6];
		fx.ev.tid = (uint32_t)numbers[i / 48 % 6];
		fx.ev.cpu = (uint16_t)numbers[i / 48 % 6];
		fx.ev.ts_ns += i / 3 * (SEC / 7); /* the same second, and the next */
		fx.subject.clock = i % 3 ? &clock : NULL;
		fx.subject.outputtime = i / 3 % 5;
		memcpy(name, long_name, sizeof(name));
		fx.proc.comm = str_make(len ? name : NULL, len);
		if (i / 288 == 1)
			enter_container(&fx);
		if (i / 288 == 2)
			fx.subject.proc = NULL;
		for (size_t k = 0; k < field_set_syscall.nclasses; k++) {
			const struct field_class *c = field_set_syscall.classes[k];

			for (size_t n = 0; n < c->nfields; n++) {
				const struct field_def *f = &c->fields[n];
				struct field_ctx ctx = {&fx.subject, &fx.event_arena};
				char text[FIELD_PUT_MAX + 1],
					*end = f->put ? f->put(&ctx, text) : NULL;

				nfields += f->put && i == 0;
				if (!end)
					continue;
				const char *want = shown(&fx, f->name);

				assert_non_null(want);
				*end = 0;
				assert_string_equal(text, want);
			}
		}
		fixture_done(&fx);
	}
	assert_true(nfields >= 8);
}

/* They are asked first, so it is seen here if one never answers. */
static void puts_what_is_usual(void **state)
{
	static const struct {
		const char *field, *text;
	} usual[] = {
		{"evt.num", "7"},
		{"evt.outputtime", "22:13:20.000000000"},
		{"evt.cpu", "0"},
		{"evt.dir", "<"},
		{"evt.type", "openat"},
		{"proc.name", "cat"},
		{"thread.tid", "300"},
		{"container.id", "host"},
	};
	struct field_clock clock = {0};
	struct fixture fx;

	setenv("TZ", "UTC", 1);
	fixture_init(&fx);
	fx.subject.clock = &clock;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		const struct field_def *f =
			field_set_find(&field_set_syscall, str_of(usual[i].field));
		struct field_ctx ctx = {&fx.subject, &fx.event_arena};
		char text[FIELD_PUT_MAX + 1], *end = f->put(&ctx, text);

		assert_non_null(end);
		*end = 0;
		assert_string_equal(text, usual[i].text);
	}
	fixture_done(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(around),
		cmocka_unit_test(types),
		cmocka_unit_test(puts_as_gets),
		cmocka_unit_test(puts_what_is_usual),
		cmocka_unit_test(categories_of_io),
		cmocka_unit_test(arguments),
		cmocka_unit_test(buffers),
		cmocka_unit_test(results),
		cmocka_unit_test(opens),
		cmocka_unit_test(abspath),
		cmocka_unit_test(old_docker_events),
	};

	return cmocka_run_group_tests_name("evt", tests, NULL, NULL);
}
