/* SPDX-License-Identifier: Apache-2.0 */
/* What each event does to its process. */
#include "events.h"

#include <unistd.h>

static void fork_inherits(void **unused)
{
	struct state *s = new_blind_state();
	struct made_event *m = make_exec(10, TICK, "/usr/bin/bash", "bash");

	set_raw(m, "args", "-c\0echo", 8);
	set_raw(m, "env", "A=1\0B=2", 8);
	set_num(m, "loginuid", 1000);
	set_num(m, "cap_effective", 0x3f);
	set_num(m, "flags", EXE_WRITABLE | EXE_UPPER_LAYER);
	m->ev.cwd = STR("/home");
	m->ev.uid = 1000;
	m->ev.gid = 100;
	struct process *p = apply(s, m);

	assert_str(p->comm, "bash");
	assert_true(str_eq(p->args, str_make("-c\0echo", 7)));
	assert_true(str_eq(p->env, str_make("A=1\0B=2", 7)));
	assert_true(p->exe_writable && p->exe_upper_layer && !p->exe_lower_layer);
	assert_false(p->is_stub);

	m = make_fork(10, TICK, 11, 2 * TICK + 5);
	m->ev.uid = 1000;
	uint64_t ts = m->ev.ts_ns;
	apply(s, m);
	const struct process *c = state_process_find(s, 11, 2 * TICK + 5);

	assert_non_null(c);
	assert_ptr_equal(c->parent, p);
	assert_ptr_equal(c->text, p->text); /* shared, not copied */
	assert_str(c->exepath, "/usr/bin/bash");
	assert_str(c->cwd, "/home");
	assert_int_equal(c->ppid, 10);
	assert_int_equal(c->uid, 1000);
	assert_int_equal(c->gid, 100);
	assert_int_equal(c->loginuid, 1000);
	assert_true(c->cap_effective == 0x3f && c->exe_writable);
	assert_true(c->start_epoch_ns == ts && c->exec_epoch_ns == ts);
	assert_int_equal(p->nchildren, 1);
	assert_int_equal(p->refs, 1);

	m = make_exec(11, 2 * TICK + 5, "/bin/id", "id");
	c = apply(s, m);
	assert_str(c->exepath, "/bin/id");
	assert_str(c->cwd, "/home");
	assert_int_equal(c->args.len, 0);
	assert_false(c->exe_writable);
	assert_true(c->exec_epoch_ns > c->start_epoch_ns);
	assert_str(p->exepath, "/usr/bin/bash");
	state_free(s);
}

static void failed_exec(void **unused)
{
	struct state *s = new_blind_state();

	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	struct made_event *m = make_exec(10, TICK, "/bin/b", "b");
	set_num(m, "res", -2);
	assert_str(apply(s, m)->exepath, "/bin/a");
	state_free(s);
}

static void threads(void **unused)
{
	struct state *s = new_blind_state();
	struct made_event *m = make_fork(10, TICK, 10, TICK);

	m->ev.fork.clone_flags = CLONE_THREAD;
	m->ev.fork.child_tid = 12;
	assert_int_equal(apply(s, m)->nthreads, 2);
	assert_int_equal(state_counters(s).processes, 1);

	/* the leader ends first: the process lives until the last thread ends */
	apply(s, make_exit(10, TICK, 1));
	apply(s, make(CODE_CLOSE, 99, TICK));
	assert_non_null(state_process_by_pid(s, 10));
	m = make_exit(10, TICK, 1);
	m->ev.tid = 12;
	apply(s, m);
	assert_non_null(state_process_by_pid(s, 10)); /* until the next event */
	apply(s, make(CODE_CLOSE, 99, TICK));
	assert_null(state_process_by_pid(s, 10));

	/* exec by another thread: it becomes the leader, alone */
	m = make_fork(20, TICK, 20, TICK);
	m->ev.fork.clone_flags = CLONE_THREAD;
	apply(s, m);
	apply(s, make_exit(20, TICK, 1));
	struct process *p = apply(s, make_exec(20, TICK, "/bin/x", "x"));
	assert_int_equal(p->nthreads, 1);
	apply(s, make_exit(20, TICK, 1));
	apply(s, make(CODE_CLOSE, 99, TICK));
	assert_null(state_process_by_pid(s, 20));
	state_free(s);
}

/* Live, the kernel says which thread was the last. */
static void threads_live(void **unused)
{
	char root[] = "/tmp/koban-apply-XXXXXX";

	assert_non_null(mkdtemp(root));
	struct state *s = new_state((struct state_options){.host_root = root});
	struct made_event *m = make_fork(10, TICK, 10, TICK);

	apply(s, make_exec(10, TICK, "/bin/x", "x"));
	m->ev.fork.clone_flags = CLONE_THREAD;
	m->ev.fork.child_tid = 12;
	assert_int_equal(apply(s, m)->nthreads, 2);
	/* its leader ends, then a thread whose start nobody told */
	m = make_exit(10, TICK, 1);
	m->ev.is_thread_exit = true;
	assert_int_equal(apply(s, m)->nthreads, 2); /* it is still there */
	m->ev.tid = 14;
	assert_int_equal(apply(s, m)->nthreads, 1);
	apply(s, make(CODE_CLOSE, 99, TICK));
	assert_non_null(state_process_by_pid(s, 10));
	/* the last is none that was known: the process ends all the same */
	m = make_exit(10, TICK, 1);
	m->ev.tid = 13;
	apply(s, m);
	apply(s, make(CODE_CLOSE, 99, TICK));
	assert_null(state_process_by_pid(s, 10));
	state_free(s);
	rmdir(root);
}

static void credentials(void **unused)
{
	struct state *s = new_blind_state();
	struct made_event *m = make(CODE_SETUID, 10, TICK);

	/* a capture: only the parameter tells */
	set_num(m, "res", 0);
	set_num(m, "uid", 1000);
	assert_int_equal(apply(s, m)->uid, 1000);
	m = make(CODE_SETRESUID, 10, TICK);
	set_num(m, "res", 0);
	set_num(m, "euid", UINT32_MAX); /* unchanged */
	assert_int_equal(apply(s, m)->uid, 1000);
	m = make(CODE_SETUID, 10, TICK);
	set_num(m, "res", -1);
	set_num(m, "uid", 0);
	assert_int_equal(apply(s, m)->uid, 1000);
	m = make(CODE_SETGID, 10, TICK);
	set_num(m, "res", 0);
	set_num(m, "gid", 7);
	assert_int_equal(apply(s, m)->gid, 7);
	/* live: the event tells, whatever it is */
	m = make(CODE_CLOSE, 10, TICK);
	m->ev.uid = 5;
	m->ev.gid = 6;
	assert_int_equal(apply(s, m)->uid, 5);
	assert_int_equal(state_process_by_pid(s, 10)->gid, 6);

	m = make(CODE_CAPSET, 10, TICK);
	set_num(m, "res", 0);
	set_num(m, "cap_inheritable", 1);
	set_num(m, "cap_permitted", 2);
	set_num(m, "cap_effective", 3);
	const struct process *p = apply(s, m);
	assert_true(p->cap_inheritable == 1 && p->cap_permitted == 2 && p->cap_effective == 3);
	state_free(s);
}

static void sessions(void **unused)
{
	struct state *s = new_blind_state();
	struct made_event *m;
	struct process *p = apply(s, make(CODE_CLOSE, 10, TICK));

	p->tty = 5;
	m = make(CODE_SETSID, 10, TICK);
	set_num(m, "res", 10);
	apply(s, m);
	assert_true(p->sid == 10 && p->pgid == 10 && p->vsid == p->vpid && p->tty == 0);

	/* the shell puts its child into a group of its own */
	apply(s, make_fork(10, TICK, 11, 2 * TICK));
	m = make(CODE_SETPGID, 10, TICK);
	set_num(m, "res", 0);
	set_num(m, "pid", 11);
	set_num(m, "pgid", 0);
	apply(s, m);
	const struct process *c = state_process_by_pid(s, 11);
	assert_int_equal(c->pgid, 11);
	assert_int_equal(c->vpgid, 11);
	assert_int_equal(p->pgid, 10);
	/* and itself into another */
	m = make(CODE_SETPGID, 10, TICK);
	set_num(m, "res", 0);
	set_num(m, "pid", 0);
	set_num(m, "pgid", 11);
	assert_int_equal(apply(s, m)->pgid, 11);
	state_free(s);
}

static void namespaces(void **unused)
{
	struct state *s = new_blind_state();
	struct made_event *m = make_fork(10, TICK, 500, 2 * TICK);

	m->ev.fork.vpid = m->ev.fork.vtid = 1;
	m->ev.fork.clone_flags = CLONE_NEWPID;
	uint64_t ts = m->ev.ts_ns;
	apply(s, m);
	m = make_fork(500, 2 * TICK, 501, 3 * TICK);
	m->ev.fork.vpid = 2;
	apply(s, m);
	const struct process *p = state_process_by_pid(s, 501);
	assert_int_equal(p->vpid, 2);
	assert_true(p->pidns_init_start_ns == ts);
	/* setpgid speaks the namespace's numbers */
	m = make(CODE_SETPGID, 500, 2 * TICK);
	set_num(m, "res", 0);
	set_num(m, "pid", 2);
	set_num(m, "pgid", 2);
	apply(s, m);
	assert_int_equal(p->vpgid, 2);
	assert_int_equal(p->pgid, 501);
	state_free(s);
}

static void places(void **unused)
{
	struct state *s = new_blind_state();
	struct made_event *m = make(CODE_CHDIR, 10, TICK);

	set_num(m, "res", 0);
	m->ev.cwd = STR("/tmp/x");
	assert_str(apply(s, m)->cwd, "/tmp/x");
	m = make(CODE_CHDIR, 10, TICK);
	set_num(m, "res", -2);
	m->ev.cwd = STR("/none");
	assert_str(apply(s, m)->cwd, "/tmp/x");
	m = make(CODE_CHROOT, 10, TICK);
	set_num(m, "res", 0);
	m->ev.path.name = STR("/jail");
	assert_str(apply(s, m)->root, "/jail");
	assert_str(state_process_by_pid(s, 10)->cwd, "/tmp/x");
	state_free(s);
}

static void names(void **unused)
{
	struct state *s = new_blind_state();
	struct made_event *m = make(CODE_PRCTL, 10, TICK);

	set_num(m, "res", 0);
	set_num(m, "option", 15);
	set_str(m, "arg2_str", "kworker/0:1-a-long-name");
	assert_str(apply(s, m)->comm, "kworker/0:1-a-l");
	m = make(CODE_PRCTL, 10, TICK);
	set_num(m, "res", 0);
	set_num(m, "option", 16);
	set_str(m, "arg2_str", "other");
	assert_str(apply(s, m)->comm, "kworker/0:1-a-l");
	/* a thread's name is its own */
	m = make(CODE_PRCTL, 10, TICK);
	m->ev.tid = 13;
	set_num(m, "res", 0);
	set_num(m, "option", 15);
	set_str(m, "arg2_str", "worker");
	assert_str(apply(s, m)->comm, "kworker/0:1-a-l");
	state_free(s);
}

static void nobody(void **unused)
{
	struct state *s = new_blind_state();

	assert_non_null(apply(s, make(CODE_CLOSE, 0, 0)));
	assert_non_null(apply(s, make(453, 0, 0)));
	assert_non_null(apply(s, make(EVENT_FORK, 0, 0)));
	assert_int_equal(state_counters(s).processes, 0);
	/* an event without parameters must not do anything */
	for (uint16_t code = 0; code < EVENT_CODE_MAX; code++) {
		struct made_event *m = make(code, 7, TICK);

		m->ev.nparams = 0;
		assert_non_null(apply(s, m));
	}
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_inherits),
		cmocka_unit_test(failed_exec),
		cmocka_unit_test(threads),
		cmocka_unit_test(threads_live),
		cmocka_unit_test(credentials),
		cmocka_unit_test(sessions),
		cmocka_unit_test(namespaces),
		cmocka_unit_test(places),
		cmocka_unit_test(names),
		cmocka_unit_test(nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
