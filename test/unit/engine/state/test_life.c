/* SPDX-License-Identifier: Apache-2.0 */
/* Processes and threads of captures: clone from both sides, in any order; exec, exit, strangers. */
#include "captured.h"

enum { THREAD = 0x2000, FILES = 1, IN_PIDNS = 0x20000000 };

static void clone_params(struct made_event *m, uint32_t pid, uint32_t ptid, uint32_t flags)
{
	set_str(m, "exe", "/bin/child");
	set_str(m, "comm", "child");
	set_num(m, "pid", pid);
	set_num(m, "ptid", ptid);
	set_num(m, "flags", flags);
	set_num(m, "uid", 7);
}

static void parent_side(struct cap *c, uint32_t tid, int64_t child, uint32_t flags)
{
	struct made_event *m = cap_make("clone", tid);

	set_num(m, "res", child);
	clone_params(m, tid, 1, flags);
	cap_apply(c, m);
}

static void child_side(struct cap *c, uint32_t tid, uint32_t pid, uint32_t ptid, uint32_t flags)
{
	struct made_event *m = cap_make("clone", tid);

	set_num(m, "res", 0);
	clone_params(m, pid, ptid, flags);
	cap_apply(c, m);
}

static void exits(struct cap *c, uint32_t tid)
{
	struct made_event *m = cap_make("procexit", tid);

	set_num(m, "status", 0);
	cap_apply(c, m);
}

static void check_child(struct cap *c)
{
	const struct process *p = state_process_by_pid(c->s, 20);

	assert_non_null(p);
	assert_non_null(p->parent);
	assert_int_equal(p->parent->pid, 10);
	assert_int_equal(p->ppid, 10);
	assert_int_equal(p->uid, 7);
	assert_str(p->comm, "child");
	assert_str(p->cwd, "/home");
	assert_true(p->start_ns != 0);
	assert_non_null(state_descriptor_find(p, 3));
	assert_int_equal(state_process_by_pid(c->s, 10)->nchildren, 1);
	assert_int_equal(c->s->n.stubs, 0);
}

static void both_sides(void **unused)
{
	for (int order = 0; order < 4; order++) {
		struct cap c = cap_new((struct state_options){0});

		cap_add(&c, 10, 10, 1, "parent", "/home");
		cap_open(&c, 10, 3, "/f", 0);
		if (order != 1 && order != 3)
			parent_side(&c, 10, 20, 0);
		if (order != 2)
			child_side(&c, 20, 20, 10, 0);
		if (order == 1)
			parent_side(&c, 10, 20, 0);
		check_child(&c);
		cap_free(&c);
	}
}

static void faster_than_its_parent(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 1, "parent", "/home");
	child_side(&c, 20, 20, 10, 0);
	exits(&c, 20);
	assert_int_equal(c.p->pid, 20);
	assert_str(c.p->comm, "child"); /* still there for the exit itself */
	parent_side(&c, 10, 20, 0);
	assert_null(state_process_by_pid(c.s, 20));
	assert_null(state_thread_find(c.s, 20));
	/* the number is used again */
	parent_side(&c, 10, 20, 0);
	assert_non_null(state_process_by_pid(c.s, 20));
	cap_free(&c);
}

static void threads(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 1, "parent", "/");
	parent_side(&c, 10, 21, THREAD | FILES);
	child_side(&c, 22, 10, 1, THREAD | FILES);
	parent_side(&c, 10, 22, THREAD | FILES);
	assert_int_equal(c.p->nthreads, 3);
	cap_open(&c, 21, 4, "/t", 0);
	assert_int_equal(c.p->pid, 10);
	cap_fd(&c, "read", 22, 4);
	assert_str(c.ev->path.name, "/t");
	assert_str(state_thread_find(c.s, 22)->comm, "child");
	m = cap_make("prctl", 22);
	set_num(m, "res", 0);
	set_num(m, "option", 15);
	set_str(m, "arg2_str", "worker");
	cap_apply(&c, m);
	assert_str(state_thread_find(c.s, 22)->comm, "worker");
	assert_str(c.p->comm, "parent");
	exits(&c, 22);
	exits(&c, 10); /* the leader goes, the process stays */
	cap_fd(&c, "read", 21, 4);
	assert_int_equal(c.p->pid, 10);
	assert_null(state_thread_find(c.s, 22));
	exits(&c, 21);
	cap_fd(&c, "read", 99, 0);
	assert_null(state_process_by_pid(c.s, 10));
	cap_free(&c);
}

static void exec_of_a_thread(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 1, "parent", "/");
	cap_add(&c, 11, 10, 1, "worker", "/");
	assert_str(state_thread_find(c.s, 11)->comm, "worker");
	m = cap_make("execve", 11);
	set_num(m, "res", 0);
	set_str(m, "exe", "/bin/new");
	set_str(m, "comm", "new");
	set_num(m, "pid", 10);
	cap_apply(&c, m);
	assert_int_equal(c.p->pid, 10);
	assert_str(c.p->comm, "new");
	assert_int_equal(c.p->nthreads, 1);
	assert_null(state_thread_find(c.s, 11));
	assert_str(state_thread_find(c.s, 10)->comm, "new");
	cap_free(&c);
}

static void strangers(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_fd(&c, "read", 50, 3);
	assert_int_equal(c.p->pid, 50);
	assert_true(c.p->is_stub);
	assert_int_equal(c.p->comm.len, 0);
	assert_int_equal(c.s->n.stubs, 1);
	m = cap_make("execve", 50);
	set_num(m, "res", 0);
	set_str(m, "exe", "/bin/x");
	set_str(m, "comm", "x");
	set_num(m, "pid", 50);
	set_num(m, "ptid", 4);
	cap_apply(&c, m);
	assert_false(c.p->is_stub);
	assert_int_equal(c.p->ppid, 4);
	/* no thread at all */
	m = cap_make("drop", 0);
	m->ev.tid = UINT32_MAX;
	cap_apply(&c, m);
	assert_int_equal(c.p->pid, 0);
	assert_int_equal(c.s->n.stubs, 1);
	cap_free(&c);
}

static void in_pid_namespaces(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 1, "runc", "/");
	parent_side(&c, 10, 2, IN_PIDNS); /* a number of the namespace */
	assert_null(state_process_by_pid(c.s, 2));
	m = cap_make("clone", 300);
	set_num(m, "res", 0);
	clone_params(m, 300, 10, IN_PIDNS);
	set_num(m, "vtid", 2);
	set_num(m, "vpid", 2);
	cap_apply(&c, m);
	assert_int_equal(c.p->pid, 300);
	assert_int_equal(c.p->vpid, 2);
	assert_int_equal(c.p->ppid, 10);
	assert_int_equal(state_thread_find(c.s, 300)->vtid, 2);
	cap_free(&c);
}

/* The list names parents before and after their children, and by their threads. */
static void listed(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 30, 30, 12, "child", "/");
	cap_add(&c, 12, 10, 1, "worker", "/");
	cap_add(&c, 10, 10, 1, "parent", "/");
	cap_fd(&c, "read", 30, 0);
	assert_int_equal(c.p->ppid, 10);
	assert_non_null(c.p->parent);
	assert_str(c.p->parent->comm, "parent");
	assert_int_equal(c.p->parent->nthreads, 2);
	size_t pos = 0, n = 0;

	while (state_thread_next(c.s, &pos))
		n++;
	assert_int_equal(n, 3);
	cap_free(&c);
}

static void cap_of_threads(void **unused)
{
	struct cap c = cap_new((struct state_options){.max_threads = 50});

	cap_add(&c, 10, 10, 1, "parent", "/");
	for (uint32_t i = 0; i < 200; i++)
		cap_fd(&c, "read", 1000 + i, 0);
	assert_int_equal(c.s->n.threads, 50);
	assert_true(c.s->n.evicted_threads >= 150);
	cap_fd(&c, "read", 10, 0); /* evicted, and back */
	assert_str(c.p->comm, "parent");
	cap_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides),
		cmocka_unit_test(faster_than_its_parent),
		cmocka_unit_test(threads),
		cmocka_unit_test(exec_of_a_thread),
		cmocka_unit_test(strangers),
		cmocka_unit_test(in_pid_namespaces),
		cmocka_unit_test(listed),
		cmocka_unit_test(cap_of_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
