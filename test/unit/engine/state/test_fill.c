/* SPDX-License-Identifier: Apache-2.0 */
/* Live clones and execs get the parameters that the sensor leaves to the state. */
#include "captured.h"

static struct state *s;
static struct arena arena;

static int set_up(void **unused)
{
	s = new_state((struct state_options){.no_proc = true, .descriptors = true});
	arena_init(&arena, 1 << 20);
	struct made_event *m = make_exec(10, TICK, "/bin/sh", "sh");

	set_raw(m, "args", "-c\0true", 8);
	m->ev.cwd = STR("/home");
	m->ev.uid = 1000;
	state_complete(s, &arena, &m->ev);
	state_apply(s, &m->ev);
	return 0;
}

static int tear_down(void **unused)
{
	state_free(s);
	arena_done(&arena);
	return 0;
}

static void fill(struct made_event *m)
{
	state_complete(s, &arena, &m->ev);
	state_fill(s, state_apply(s, &m->ev), &arena, &m->ev);
}

static struct str param(const struct made_event *m, const char *name)
{
	return event_param(&m->ev, (unsigned)event_param_index(m->ev.def, str_of(name)));
}

static int64_t number(const struct made_event *m, const char *name)
{
	int64_t v = INT64_MIN;

	event_param_s64(&m->ev, (unsigned)event_param_index(m->ev.def, str_of(name)), &v);
	return v;
}

static void clones(void **unused)
{
	struct made_event *m = make(EV_CLONE, 10, TICK);

	set_num(m, "res", 11);
	set_num(m, "flags", 0x40);
	fill(m);
	assert_true(str_eq(param(m, "comm"), str_make("sh", 3)));
	assert_true(str_eq(param(m, "args"), str_make("-c\0true", 8)));
	assert_true(str_eq(param(m, "cwd"), str_make("/home", 6)));
	assert_int_equal(number(m, "tid"), 10);
	assert_int_equal(number(m, "vpid"), 10);
	assert_int_equal(number(m, "flags"), 0x40); /* what is there stays */
	assert_int_equal(m->ev.fork.cloner_pid, 0);
}

/* In a pid namespace, by another's hand (CLONE_PARENT): 10 made 12 as a child of 1. */
static void namespaced(void **unused)
{
	struct made_event *m = make_fork(10, TICK, 12, 2 * TICK);

	m->ev.fork.parent_pid = 1;
	m->ev.fork.vpid = m->ev.fork.vtid = 2;
	fill(m);
	m = make(EV_CLONE3, 12, 2 * TICK);
	set_num(m, "res", 0);
	set_num(m, "flags", 0x100);
	fill(m);
	assert_int_equal(number(m, "pid"), 12);
	assert_int_equal(number(m, "ptid"), 1);
	assert_int_equal(number(m, "vtid"), 2);
	assert_int_equal(number(m, "flags"), 0x100 | 0x20000000);
	assert_int_equal(m->ev.fork.cloner_pid, 10);
}

static void threads(void **unused)
{
	struct made_event *m = make_fork(10, TICK, 10, TICK);

	m->ev.fork.clone_flags = 0x10000; /* CLONE_THREAD */
	m->ev.fork.child_tid = 14;
	m->ev.fork.vtid = 14;
	fill(m);
	m = make(EV_PRCTL, 10, TICK);
	m->ev.tid = 14;
	set_num(m, "res", 0);
	set_num(m, "option", 15);
	set_str(m, "arg2_str", "worker");
	fill(m);
	m = make(EV_CLONE, 10, TICK);
	m->ev.tid = 14;
	set_num(m, "res", 15);
	fill(m);
	assert_true(str_eq(param(m, "comm"), str_make("worker", 7)));
	assert_int_equal(number(m, "tid"), 14);
}

static void others(void **unused)
{
	struct made_event *m = make_exec(10, TICK, "/bin/true", "true");

	set_num(m, "vm_size", 5);
	fill(m);
	assert_int_equal(number(m, "uid"), 1000);
	assert_int_equal(number(m, "vm_size"), 5);
	assert_int_equal(param(m, "vm_rss").len, 0); /* it has begun anew: nobody measured */
	m = make(EV_CLOSE, 10, TICK);
	fill(m);
	assert_int_equal(param(m, "res").len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(namespaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(others, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
