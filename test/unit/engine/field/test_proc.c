/* SPDX-License-Identifier: Apache-2.0 */
/* proc.* and thread.* fields: the process, its ancestors, ids, times. */
#include "fixture.h"

static void ancestors(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	assert_shown(&fx, "proc.aname[0]", "cat");
	assert_shown(&fx, "proc.aname[1]", "bash");
	assert_missing(&fx, "proc.aname[3]");
	assert_missing(&fx, "proc.aname[99999999999]");
	assert_shown(&fx, "proc.aexe", "-bash /usr/sbin/sshd");
	assert_shown(&fx, "proc.acmdline[2]", "sshd -D");
	assert_shown(&fx, "proc.aargs[1]", "-c cat /etc/shadow");
	assert_shown(&fx, "proc.aargs", "-c cat /etc/shadow -D");
	assert_shown(&fx, "proc.apid[2]", "100");
	assert_shown(&fx, "proc.apid", "300");
	/* any ancestor, itself left out */
	assert_holds(&fx, "proc.aname = sshd");
	assert_holds(&fx, "proc.aname in (bash, zsh)");
	assert_not(&fx, "proc.aname = cat");
	assert_holds(&fx, "proc.aname != sshd"); /* bash is not sshd */
	assert_holds(&fx, "proc.aexepath endswith /sshd");
	assert_holds(&fx, "proc.acmdline contains shadow");
	assert_holds(&fx, "proc.aexe startswith -");
	assert_holds(&fx, "proc.apid = 100");
	assert_not(&fx, "proc.apid = 300");
	assert_holds(&fx, "proc.aenv contains LANG");
	assert_holds(&fx, "proc.aname[2] = sshd");
	assert_not(&fx, "proc.aname[3] != sshd"); /* missing */
	fx.proc.parent = NULL;
	assert_not(&fx, "proc.aname != sshd");
	assert_not(&fx, "proc.aname exists");
	assert_missing(&fx, "proc.aname");
	assert_missing(&fx, "proc.pname");
	fixture_done(&fx);
}

static void no_process(void **state)
{
	static const char *const fields[] = {"proc.name", "proc.aname", "proc.aname[1]", "proc.pid",
		"proc.sname", "proc.env[PATH]", "proc.aenv[PATH]", "proc.loginshellid", "user.uid",
		"group.gid", "container.id", "k8s.pod.name", "k8s.pod.labels", "thread.cgroups",
		"proc.duration", "proc.is_container_healthcheck", "proc.nthreads", "proc.exeline"};
	struct fixture fx;

	fixture_init(&fx);
	fx.subject.proc = NULL;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		assert_missing(&fx, fields[i]);
	assert_not(&fx, "proc.aname != x");
	assert_not(&fx, "proc.apid != 1");
	assert_not(&fx, "proc.aenv contains x");
	fixture_done(&fx);
}

static void arguments(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	assert_shown(&fx, "proc.args[0]", "-n");
	assert_shown(&fx, "proc.args[1]", "/etc/shadow");
	assert_shown(&fx, "proc.args[2]", "");
	assert_shown(&fx, "proc.cmdnargs", "2");
	assert_shown(&fx, "proc.cmdlenargs", "13");
	assert_shown(&fx, "proc.exeline", "/bin/cat -n /etc/shadow");
	fx.proc.args = STR("one"); /* not terminated */
	assert_shown(&fx, "proc.args", "one");
	assert_shown(&fx, "proc.cmdnargs", "1");
	fx.proc.args = STR("a\0\0b\0");
	assert_shown(&fx, "proc.args[1]", "");
	assert_shown(&fx, "proc.args[2]", "b");
	assert_shown(&fx, "proc.cmdnargs", "3");
	fx.proc.args = STR_NULL;
	assert_shown(&fx, "proc.args", "");
	assert_shown(&fx, "proc.cmdline", "cat");
	assert_shown(&fx, "proc.cmdnargs", "0");
	assert_shown(&fx, "proc.exeline", "/bin/cat ");
	fx.proc.comm = fx.proc.exe = STR_NULL;
	fx.proc.is_stub = true;
	assert_shown(&fx, "proc.name", "<NA>");
	assert_shown(&fx, "proc.cmdline", "<NA>");
	fixture_done(&fx);
}

static void environment(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	assert_shown(&fx, "proc.env[PATH]", "/bin");
	assert_shown(&fx, "proc.env.TERM", "xterm");
	assert_shown(&fx, "proc.env[TER]", "");
	assert_shown(&fx, "proc.env[HOME]", "");
	assert_shown(&fx, "proc.aenv[HOME]", "/root");
	assert_shown(&fx, "proc.aenv[SECRET]", "x");
	assert_shown(&fx, "proc.aenv[LANG]", "C");
	assert_shown(&fx, "proc.aenv[2]", "LANG=C");
	assert_shown(&fx, "proc.aenv", "PATH=/bin TERM=xterm");
	assert_holds(&fx, "proc.aenv[LANG] = C");
	assert_not(&fx, "proc.aenv[LANG] = D");
	fixture_done(&fx);
}

static void leaders(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	/* the parent leads the session; found among the ancestors, for there is no state */
	assert_shown(&fx, "proc.sid", "200");
	assert_shown(&fx, "proc.sname", "bash");
	assert_shown(&fx, "proc.sid.exe", "-bash");
	assert_shown(&fx, "proc.sid.exepath", "/usr/bin/bash");
	assert_shown(&fx, "proc.is_sid_leader", "false");
	assert_shown(&fx, "proc.pgid", "300");
	assert_shown(&fx, "proc.is_pgid_leader", "true");
	assert_shown(&fx, "proc.is_vpgid_leader", "true");
	assert_shown(&fx, "proc.vpgid.name", "cat");
	assert_shown(&fx, "proc.pgid.exepath", "/usr/bin/cat");
	/* in a container, ids of its own */
	fx.proc.vpid = 7;
	fx.proc.vpgid = 7;
	fx.proc.vsid = 7;
	assert_shown(&fx, "proc.vpid", "7");
	assert_shown(&fx, "proc.vpgid", "7");
	assert_shown(&fx, "proc.is_vpgid_leader", "true");
	assert_shown(&fx, "proc.is_sid_leader", "true");
	/* a leader that is gone and no ancestor */
	fx.proc.sid = 50;
	fx.proc.vsid = 50;
	assert_missing(&fx, "proc.sname");
	fx.proc.sid = fx.proc.vsid = 0;
	assert_missing(&fx, "proc.sname");
	fixture_done(&fx);
}

/* Leaders are found in the state by the host's pid, also when they are no ancestors. */
static void leaders_by_state(void **state)
{
	struct state_options o = {.no_proc = true, .host_root = "/"};
	struct fixture fx;
	struct err e = {0};

	fixture_init(&fx);
	fx.subject.state = state_new(&o, &e);
	assert_non_null(fx.subject.state);
	assert_shown(&fx, "proc.sname", "bash");
	state_free(fx.subject.state);
	fixture_done(&fx);
}

static void times(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	assert_shown(&fx, "proc.duration", "2000000000");
	assert_shown(&fx, "proc.ppid.duration", "100000000000");
	assert_shown(&fx, "proc.pid.ts", "1699999998000000000");
	assert_shown(&fx, "proc.ppid.ts", "1699999900000000000");
	assert_missing(&fx, "proc.pidns_init_start_ts");
	fx.proc.start_epoch_ns = NOW + 5; /* clocks */
	assert_shown(&fx, "proc.duration", "0");
	fx.proc.start_epoch_ns = 0;
	assert_missing(&fx, "proc.duration");
	fx.proc.pidns_init_start_ns = NOW - 50;
	fx.proc.exe_ino_ctime_ns = NOW - 20;
	assert_shown(&fx, "proc.exe_ino.ctime_duration_pidns_start", "30");
	assert_missing(&fx, "proc.exe_ino.ctime_duration_proc_start");
	fixture_done(&fx);
}

static void ids_and_resources(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	assert_shown(&fx, "proc.pid", "300");
	assert_shown(&fx, "proc.ppid", "200");
	assert_shown(&fx, "proc.pvpid", "200");
	assert_shown(&fx, "proc.loginshellid", "200");
	fx.grand.comm = STR("tsh");
	assert_shown(&fx, "proc.loginshellid", "100");
	fx.grand.comm = fx.parent.comm = STR("x");
	assert_missing(&fx, "proc.loginshellid");
	fx.proc.vmsize_kb = 10;
	fx.proc.fdlimit = 1024;
	assert_shown(&fx, "proc.vmsize", "10");
	assert_shown(&fx, "proc.fdlimit", "1024");
	assert_missing(&fx, "proc.fdopencount");
	assert_missing(&fx, "proc.fdusage");
	assert_shown(&fx, "proc.nthreads", "3");
	assert_shown(&fx, "proc.nchilds", "2");
	assert_missing(&fx, "proc.stdin.type");
	fixture_event(&fx, EV_DUP2);
	set_tcp(&fx, 1);
	assert_shown(&fx, "proc.stdout.type", "ipv4");
	assert_shown(&fx, "proc.stdout.name", "10.0.0.5:40000->192.0.2.9:443");
	assert_missing(&fx, "proc.stdin.name");
	fixture_done(&fx);
}

static void threads(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fx.proc.vmrss_kb = 8;
	assert_shown(&fx, "thread.ismain", "true");
	assert_shown(&fx, "thread.vmrss", "8");
	assert_shown(&fx, "thread.vmrss.b", "8192");
	assert_shown(&fx, "thread.vtid", "300");
	assert_shown(&fx, "thread.nametid", "cat300");
	assert_shown(&fx, "thread.cgroups", "cpuset=/a memory=/b");
	assert_shown(&fx, "thread.cgroup.memory", "/b");
	assert_missing(&fx, "thread.cgroup[pids]");
	fx.proc.cgroups = STR("cpuset=/a\0io=/b");
	assert_shown(&fx, "thread.cgroups", "cpuset=/a blkio=/b");
	assert_shown(&fx, "thread.cgroup.blkio", "/b");
	assert_shown(&fx, "thread.cgroup.io", "/b");
	assert_false(parses(&fx, "thread.cgroup = x"));
	assert_missing(&fx, "thread.cpu"); /* only procinfo events have it */
	assert_missing(&fx, "thread.exectime");
	fx.ev.tid = 301;
	assert_shown(&fx, "thread.tid", "301");
	assert_shown(&fx, "thread.ismain", "false");
	assert_shown(&fx, "thread.vmrss", "0");
	fx.proc.vpid = 5;
	assert_missing(&fx, "thread.vtid");
	fx.proc.cap_effective = 1ULL << 21;
	assert_holds(&fx, "thread.cap_effective contains CAP_SYS_ADMIN");
	assert_shown(&fx, "thread.cap_inheritable", "");
	fixture_done(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ancestors),
		cmocka_unit_test(no_process),
		cmocka_unit_test(arguments),
		cmocka_unit_test(environment),
		cmocka_unit_test(leaders),
		cmocka_unit_test(leaders_by_state),
		cmocka_unit_test(times),
		cmocka_unit_test(ids_and_resources),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
