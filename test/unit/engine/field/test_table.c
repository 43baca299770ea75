/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that need the tables of descriptors and threads, which only captures have. */
#include "fixture.h"

struct tables {
	struct fixture fx;
	struct state *s;
};

/* A captured read of descriptor 3 by thread 301 of process 300, which has five open. */
static void tables_init(struct tables *t)
{
	static int64_t fd = 3, res = 1;
	const struct state_options o = {.no_proc = true, .descriptors = true};
	const struct process p = {.pid = 300, .vpid = 5, .fdlimit = 10, .comm = STR("cat")};
	const struct event_fd sock = {.num = 7,
		.type = FD_IPV4,
		.sock = {.has_local = true,
			.has_remote = true,
			.local = {10, 0, 0, 5},
			.remote = {192, 0, 2, 9},
			.local_port = 40000,
			.remote_port = 443}};
	struct err e = {0};

	fixture_init(&t->fx);
	t->s = state_new(&o, &e);
	assert_non_null(t->s);
	assert_int_equal(state_add_thread(t->s, 300, 5, &p), 0);
	assert_int_equal(state_add_thread(t->s, 301, 6, &p), 0);
	for (int64_t i = 0; i < 4; i++) {
		struct event_fd file = {.num = i, .type = i == 1 ? FD_FIFO : FD_FILE};

		assert_int_equal(state_add_descriptor(t->s, 300, &file,
					 i == 1 ? STR("pipe:[5]") : STR("/dev/tty")),
			0);
	}
	assert_int_equal(state_add_descriptor(t->s, 300, &sock, STR_NULL), 0);
	fixture_event(&t->fx, EV_READ);
	t->fx.ev.pid = 0;
	t->fx.ev.tid = 301;
	t->fx.ev.uid = t->fx.ev.gid = UINT32_MAX;
	t->fx.ev.params[0] = str_make((const char *)&res, sizeof(res));
	t->fx.ev.params[2] = str_make((const char *)&fd, sizeof(fd));
	state_complete(t->s, &t->fx.event_arena, &t->fx.ev);
	t->fx.subject.proc = state_apply(t->s, &t->fx.ev);
	t->fx.subject.state = t->s;
}

static void tables_done(struct tables *t)
{
	state_free(t->s);
	fixture_done(&t->fx);
}

static void descriptors(void **unused)
{
	struct tables t;

	tables_init(&t);
	assert_shown(&t.fx, "fd.name", "/dev/tty");
	assert_shown(&t.fx, "proc.fdopencount", "5");
	assert_shown(&t.fx, "proc.fdusage", "50.0");
	assert_shown(&t.fx, "proc.stdin.name", "/dev/tty");
	assert_shown(&t.fx, "proc.stdout.name", "pipe:[5]");
	assert_shown(&t.fx, "proc.stdout.type", "pipe");
	assert_shown(&t.fx, "proc.stderr.type", "file");
	assert_holds(&t.fx, "fd.types[7] in (ipv4)");
	assert_holds(&t.fx, "fd.types intersects (ipv4)");
	assert_not(&t.fx, "fd.types intersects (unix)");
	assert_not(&t.fx, "fd.types[9] in (file)");
	tables_done(&t);
}

static void poll_list(void **unused)
{
	static const uint8_t list[] = {
		2, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0};
	struct tables t;

	tables_init(&t);
	t.fx.ev.code = EV_POLL;
	t.fx.ev.def = event_def(EV_POLL);
	t.fx.ev.params[1] = str_make((const char *)list, sizeof(list));
	assert_shown(&t.fx, "fdlist.nums", "7,9");
	assert_shown(&t.fx, "fdlist.names", "10.0.0.5:40000->192.0.2.9:443,<NA>");
	assert_shown(&t.fx, "fdlist.sports", "443");
	tables_done(&t);
}

static void threads(void **unused)
{
	struct tables t;

	tables_init(&t);
	assert_shown(&t.fx, "thread.tid", "301");
	assert_shown(&t.fx, "thread.vtid", "6");
	assert_shown(&t.fx, "proc.pid", "300");
	assert_missing(&t.fx, "thread.exectime");
	assert_missing(&t.fx, "thread.totexectime");
	tables_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(poll_list),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
