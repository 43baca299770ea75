/* SPDX-License-Identifier: Apache-2.0 */
/* Lives and deaths: identity, tombstones, reparenting, caps. */
#include "events.h"

static void settle(struct state *s)
{
	apply(s, make(CODE_CLOSE, 0, 0));
}

static void exit_and_reuse(void **unused)
{
	struct state *s = new_blind_state();

	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	struct process *p = apply(s, make_exit(10, TICK, 1));
	assert_str(p->comm, "a"); /* still there for the rules */
	settle(s);
	assert_null(state_process_by_pid(s, 10));
	assert_null(state_process_find(s, 10, TICK)); /* nobody names it */
	apply(s, make_exec(10, 5 * TICK, "/bin/b", "b"));
	assert_str(state_process_by_pid(s, 10)->comm, "b");
	assert_null(state_process_find(s, 10, TICK));
	assert_int_equal(state_counters(s).processes, 1);
	assert_int_equal(state_counters(s).tombstones, 0);
	state_free(s);
}

static void lost_exit(void **unused)
{
	struct state *s = new_blind_state();

	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	apply(s, make_fork(10, TICK, 11, 2 * TICK));
	/* the pid comes again with another start: the old life is over */
	apply(s, make_exec(10, 9 * TICK, "/bin/b", "b"));
	assert_str(state_process_by_pid(s, 10)->comm, "b");
	assert_str(state_process_find(s, 10, TICK)->comm, "a");
	assert_true(state_process_find(s, 10, TICK)->exit_epoch_ns > 0);
	assert_str(state_ancestor(state_process_by_pid(s, 11), 1)->comm, "a");
	assert_int_equal(state_counters(s).tombstones, 1);
	/* a fork that reuses the pid of a living one */
	apply(s, make_fork(10, 9 * TICK, 11, 20 * TICK));
	assert_int_equal(state_process_by_pid(s, 11)->ppid, 10);
	assert_str(state_ancestor(state_process_by_pid(s, 11), 1)->comm, "b");
	assert_int_equal(state_counters(s).tombstones, 0); /* "a" went with its child */
	state_free(s);
}

static void ticks(void **unused)
{
	struct state *s = new_blind_state();

	/* as /proc tells it, then as the kernel does */
	apply(s, make_exec(10, 7 * TICK, "/bin/a", "a"));
	assert_str(apply(s, make(CODE_CLOSE, 10, 7 * TICK + 123456))->comm, "a");
	assert_true(state_process_by_pid(s, 10)->start_ns == 7 * TICK + 123456);
	assert_str(state_process_find(s, 10, 7 * TICK)->comm, "a");
	assert_null(state_process_find(s, 10, 8 * TICK));
	assert_null(state_process_find(s, 10, 7 * TICK - 1));
	/* start unknown at first */
	apply(s, make(CODE_CLOSE, 20, 0));
	assert_int_equal(state_counters(s).stubs, 2);
	apply(s, make(CODE_CLOSE, 20, 3 * TICK));
	assert_int_equal(state_counters(s).processes, 2);
	assert_non_null(state_process_find(s, 20, 3 * TICK));
	assert_non_null(state_process_find(s, 20, 0));
	state_free(s);
}

static void orphans(void **unused)
{
	struct state *s = new_blind_state();

	apply(s, make_exec(1, 0, "/sbin/init", "init"));
	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	apply(s, make_fork(10, TICK, 11, 2 * TICK));
	apply(s, make_exec(11, 2 * TICK, "/bin/b", "b"));
	apply(s, make_fork(11, 2 * TICK, 12, 3 * TICK));
	apply(s, make_exec(12, 3 * TICK, "/bin/c", "c"));
	apply(s, make_exit(11, 2 * TICK, 1));
	settle(s);
	const struct process *c = state_process_by_pid(s, 12);

	/* the reaper is the parent now, and the chain still tells where it came from */
	assert_int_equal(c->ppid, 1);
	assert_str(state_ancestor(c, 0)->comm, "c");
	assert_str(state_ancestor(c, 1)->comm, "b");
	assert_true(state_ancestor(c, 1)->exit_epoch_ns > 0);
	assert_str(state_ancestor(c, 2)->comm, "a");
	assert_null(state_ancestor(c, 3));
	assert_int_equal(state_process_by_pid(s, 10)->nchildren, 0);
	apply(s, make_exit(12, 3 * TICK, 1));
	settle(s);
	assert_int_equal(state_counters(s).tombstones, 0);
	assert_int_equal(state_counters(s).processes, 2);
	state_free(s);
}

static void late_events(void **unused)
{
	struct state *s = new_blind_state();

	/* an event of a process that has ended, its tombstone kept by a child */
	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	apply(s, make_fork(10, TICK, 11, 2 * TICK));
	apply(s, make_exit(10, TICK, 1));
	settle(s);
	assert_null(state_process_by_pid(s, 10));
	assert_str(apply(s, make(CODE_CLOSE, 10, TICK))->comm, "a");
	assert_non_null(state_process_by_pid(s, 10));
	assert_int_equal(state_counters(s).tombstones, 0);
	/* revived while another life of the pid is there, whose death would free its tombstone */
	apply(s, make_fork(10, TICK, 10 + 5, 3 * TICK));
	apply(s, make_exit(15, 3 * TICK, 1));
	settle(s);
	apply(s, make_exit(10, TICK, 1));
	settle(s);
	apply(s, make_exec(10, 8 * TICK, "/bin/z", "z"));
	apply(s, make_exit(11, 2 * TICK, 1));
	settle(s);
	apply(s, make(CODE_CLOSE, 10, TICK));
	assert_int_equal(state_counters(s).processes, 1);
	state_free(s);
}

/* Its only child has its own pid: the death of one would free the other. */
static void revived_over_child(void **unused)
{
	struct state *s = new_blind_state();

	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	apply(s, make_fork(10, TICK, 11, 2 * TICK));
	apply(s, make_exit(10, TICK, 1));
	settle(s);
	apply(s, make_fork(11, 2 * TICK, 10, 3 * TICK));
	apply(s, make_exit(11, 2 * TICK, 1));
	settle(s);
	/* 10 (new) -> 11 (dead) -> 10 (dead): the oldest speaks again */
	assert_str(apply(s, make(CODE_CLOSE, 10, TICK))->comm, "a");
	assert_int_equal(state_counters(s).processes, 1);
	assert_int_equal(state_counters(s).tombstones, 0);
	state_free(s);
}

static void cap_of_tombstones(void **unused)
{
	struct state *s = new_state((struct state_options){.no_proc = true, .max_processes = 200});
	uint32_t pid = 1000;
	uint64_t start = TICK;

	apply(s, make_exec(pid, start, "/bin/a", "a"));
	/* each forks and exits: one alive, an ever longer chain of the dead */
	for (int i = 0; i < 1000; i++) {
		apply(s, make_fork(pid, start, pid + 1, start + TICK));
		apply(s, make_exit(pid, start, 1));
		pid++;
		start += TICK;
	}
	settle(s);
	struct state_counters n = state_counters(s);
	assert_int_equal(n.processes, 1);
	assert_int_equal(n.evicted_live, 0);
	assert_true(n.evicted_tombstones > 800);
	assert_true(n.processes + n.tombstones <= 200);
	unsigned depth = 0;
	for (const struct process *p = state_process_by_pid(s, pid); p; p = p->parent)
		depth++;
	assert_int_equal(depth, n.processes + n.tombstones);
	assert_non_null(state_ancestor(state_process_by_pid(s, pid), PROCESS_ANCESTORS_MAX));
	assert_null(state_ancestor(state_process_by_pid(s, pid), PROCESS_ANCESTORS_MAX + 1));
	state_free(s);
}

static void cap_of_living(void **unused)
{
	struct state *s = new_state((struct state_options){.no_proc = true, .max_processes = 200});

	apply(s, make_exec(1, TICK, "/sbin/init", "init"));
	for (uint32_t i = 0; i < 1000; i++) {
		apply(s, make_fork(1, TICK, 1000 + i, (2 + i) * TICK));
		assert_non_null(state_process_by_pid(s, 1000 + i));
	}
	struct state_counters n = state_counters(s);
	assert_int_equal(n.processes, 200);
	assert_int_equal(n.evicted_live, 801);
	/* the least recently seen went, the one that acts stayed */
	assert_non_null(state_process_by_pid(s, 1));
	assert_null(state_process_by_pid(s, 1000));
	assert_non_null(state_process_by_pid(s, 1999));
	assert_int_equal(state_process_by_pid(s, 1)->nchildren, 199);
	state_free(s);
}

/* Evicting a parent gives its children to the living process that they name. */
static void evicted_parent(void **unused)
{
	struct state *s = new_state((struct state_options){.no_proc = true, .max_processes = 130});

	apply(s, make_exec(1, TICK, "/sbin/init", "init"));
	apply(s, make_fork(1, TICK, 10, 2 * TICK));
	apply(s, make_fork(10, 2 * TICK, 11, 3 * TICK));
	apply(s, make_exit(10, 2 * TICK, 1));
	settle(s);
	assert_int_equal(state_process_by_pid(s, 11)->parent->pid, 10);
	for (uint32_t i = 0; i < 128; i++) {
		apply(s, make(CODE_CLOSE, 11, 3 * TICK));
		apply(s, make_fork(1, TICK, 1000 + i, (9 + i) * TICK));
	}
	assert_int_equal(state_counters(s).evicted_tombstones, 1);
	assert_int_equal(state_process_by_pid(s, 11)->parent->pid, 1);
	state_free(s);
}

static void clone_parent(void **unused)
{
	struct state *s = new_blind_state();

	apply(s, make_exec(1, TICK, "/sbin/init", "init"));
	apply(s, make_fork(1, TICK, 10, 2 * TICK));
	struct made_event *m = make_fork(10, 2 * TICK, 11, 3 * TICK);
	m->ev.fork.parent_pid = 1; /* CLONE_PARENT */
	m->ev.fork.parent_start_ns = TICK;
	apply(s, m);
	assert_int_equal(state_process_by_pid(s, 11)->parent->pid, 1);
	/* its own child, its own parent: lies make no loop */
	m = make_fork(11, 3 * TICK, 1, TICK);
	apply(s, m);
	unsigned depth = 0;
	for (const struct process *p = state_process_by_pid(s, 11); p && depth < 10; p = p->parent)
		depth++;
	assert_true(depth < 10);
	m = make_fork(10, 2 * TICK, 10, 2 * TICK);
	apply(s, m);
	assert_non_null(state_process_by_pid(s, 10));
	state_free(s);
}

static void lost_exits_are_found(void **unused)
{
	struct state *s =
		new_state((struct state_options){.host_root = "test/golden/bundles/runc"});

	apply(s, make(CODE_CLOSE, 77, TICK));
	assert_int_equal(state_counters(s).processes, 1);
	state_tick(s, 10 * 1000000000ULL);
	assert_int_equal(state_counters(s).processes, 1); /* its events may be late */
	state_tick(s, 100 * 1000000000ULL);               /* that root has no /proc/77 */
	assert_int_equal(state_counters(s).processes, 0);
	state_free(s);
}

static void bad_root(void **unused)
{
	struct err e = {0};
	struct state_options o = {.host_root = "/no/such/place"};

	assert_null(state_new(&o, &e));
	assert_non_null(strstr(e.msg, "/no/such/place"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_and_reuse),
		cmocka_unit_test(lost_exit),
		cmocka_unit_test(ticks),
		cmocka_unit_test(orphans),
		cmocka_unit_test(late_events),
		cmocka_unit_test(revived_over_child),
		cmocka_unit_test(cap_of_tombstones),
		cmocka_unit_test(cap_of_living),
		cmocka_unit_test(evicted_parent),
		cmocka_unit_test(clone_parent),
		cmocka_unit_test(lost_exits_are_found),
		cmocka_unit_test(bad_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
