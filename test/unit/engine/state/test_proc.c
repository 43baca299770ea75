/* SPDX-License-Identifier: Apache-2.0 */
/* The real /proc: seeding, repair, and what it tells of this very process. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"

static void self(const struct process *p)
{
	char cwd[4096];

	assert_non_null(p);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_str(p->comm, "unit-engine_sta");
	assert_true(str_ends(p->exepath, STR("unit-engine_state-test_proc")));
	assert_str(p->cwd, cwd);
	assert_str(p->root, "/");
	assert_int_equal(p->uid, geteuid());
	assert_int_equal(p->gid, getegid());
	assert_int_equal(p->ppid, getppid());
	assert_int_equal(p->pgid, getpgrp());
	assert_int_equal(p->sid, getsid(0));
	assert_true(p->start_ns > 0 && p->start_ns % TICK == 0);
	assert_true(p->start_epoch_ns > 1700000000ULL * 1000000000ULL);
	assert_true(p->exe_ino && p->exe_ino_mtime_ns && p->exe_ino_ctime_ns);
	assert_true(p->fdlimit > 0);
	assert_true(p->vmsize_kb > 0 && p->vmrss_kb > 0);
	assert_true(str_find(p->env, STR("KOBAN_TEST_MARK=")) < 0); /* set too late to be seen */
	assert_true(p->env.len > 0 && p->env.len <= PROC_STRING_MAX);
	assert_true(str_find_char(p->cgroups, '=') > 0);
	assert_true(p->is_from_proc && !p->is_stub);
	assert_true(!p->exe_from_memfd && !p->exe_deleted);
	assert_non_null(p->parent);
	assert_int_equal(p->parent->pid, getppid());
}

static void seeding(void **unused)
{
	struct state *s = new_state((struct state_options){0});
	struct err e = {0};

	setenv("KOBAN_TEST_MARK", "1", 1);
	assert_int_equal(state_seed(s, &e), 0);
	self(state_process_by_pid(s, (uint32_t)getpid()));
	size_t pos = 0, n = 0;
	while (state_process_next(s, &pos))
		n++;
	assert_true(n > 1 && n == state_counters(s).processes);
	/* twice is the same as once */
	assert_int_equal(state_seed(s, &e), 0);
	assert_true(state_counters(s).evicted_live == 0);
	state_tick(s, 5000000000ULL);
	assert_non_null(state_process_by_pid(s, (uint32_t)getpid()));
	state_free(s);
}

static void repair(void **unused)
{
	struct state *s = new_state((struct state_options){0});
	const struct process *p = apply(s, make(CODE_CLOSE, (uint32_t)getpid(), 0));

	self(p);
	assert_true(state_counters(s).repaired >= 2); /* and its ancestors */
	assert_int_equal(state_counters(s).stubs, 0);
	/* the exact start is in the tick that /proc told */
	uint64_t start = p->start_ns;
	assert_ptr_equal(apply(s, make(CODE_CLOSE, (uint32_t)getpid(), start + 77)), p);
	/* another life of the pid: not what /proc shows */
	p = apply(s, make(CODE_CLOSE, (uint32_t)getpid(), start - 50 * TICK));
	assert_true(p->is_stub);
	assert_int_equal(state_counters(s).stubs, 1);
	state_free(s);
}

static void gone(void **unused)
{
	struct state *s = new_state((struct state_options){0});
	struct made_event *m = make(CODE_CLOSE, 0x3ffffff0, TICK);
	struct process *p = apply(s, m);

	assert_true(p->is_stub);
	assert_int_equal(p->pid, 0x3ffffff0);
	struct row *r = row_of(p);
	uint64_t looked = r->looked_ns;
	apply(s, make(CODE_CLOSE, 0x3ffffff0, TICK));
	assert_true(r->looked_ns == looked); /* not again within a second */
	m = make(CODE_CLOSE, 0x3ffffff0, TICK);
	m->ev.ts_ns += 2000000000ULL;
	apply(s, m);
	assert_true(r->looked_ns > looked);
	state_free(s);
}

static void deleted_and_zombie(void **unused)
{
	char path[] = "/tmp/koban-exe-XXXXXX", cmd[256];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	snprintf(cmd, sizeof(cmd), "cp /bin/sleep %s && chmod 755 %s", path, path);
	assert_int_equal(system(cmd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl(path, "a name", "60", (char *)NULL);
		_exit(1);
	}
	/* until it has executed: the path shows in /proc */
	char link[64], target[4096];
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	for (int i = 0; i < 500; i++) {
		ssize_t n = readlink(link, target, sizeof(target) - 1);

		if (n > 0 && str_eq(str_make(target, (size_t)n), str_of(path)))
			break;
		usleep(10000);
	}
	unlink(path);
	struct state *s = new_state((struct state_options){0});
	const struct process *p = apply(s, make(CODE_CLOSE, (uint32_t)pid, 0));

	assert_str(p->exepath, path);
	assert_true(p->exe_deleted);
	assert_str(p->exe, "a name");
	assert_str(p->args, "60");
	state_free(s);
	kill(pid, SIGKILL);
	siginfo_t si;
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT); /* a zombie: no exe, no command line */
	s = new_state((struct state_options){0});
	p = apply(s, make(CODE_CLOSE, (uint32_t)pid, 0));
	assert_false(p->is_stub);
	assert_int_equal(p->exepath.len, 0);
	assert_true(p->comm.len > 0);
	waitpid(pid, NULL, 0);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeding),
		cmocka_unit_test(repair),
		cmocka_unit_test(gone),
		cmocka_unit_test(deleted_and_zombie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
