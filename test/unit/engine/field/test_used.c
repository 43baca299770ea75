/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 90 fields that Falco's own rule files use, one row each: a subject where the field has a
 * value, and one where it has none (or, for what always has one, another value).
 */
#include "fixture.h"

/* What happens to the fixture before a field is asked for. */
typedef void (*scene)(struct fixture *fx);

/* cat opens /etc/shadow by a relative path, in a container */
static void opens(struct fixture *fx)
{
	fixture_event(fx, EV_OPENAT);
	enter_container(fx);
	set_file(fx, 3, "/etc/shadow");
	fx->ev.path.raw = STR("../etc//shadow");
	fx->ev.path.real = STR("/mnt/shadow");
	set_number(fx, "fd", 3);
	set_number(fx, "dirfd", -100);
	set_text(fx, "name", "../etc//shadow");
	set_number(fx, "flags", 1 | 2 | 4);
	set_number(fx, "mode", 0755);
	fx->ev.fd.connected = fx->ev.fd.name_changed = false;
	fx->proc.cap_permitted = fx->proc.cap_effective = 1 << 0 | 1 << 5;
	fx->proc.exe_upper_layer = fx->proc.exe_from_memfd = true;
	fx->proc.exe_ino_ctime_ns = NOW - 10 * SEC;
	fx->proc.exe_ino_mtime_ns = NOW - 20 * SEC;
}

static void open_fails(struct fixture *fx)
{
	opens(fx);
	fx->proc.container = NULL;
	fx->ev.fd.num = -2;
	fx->ev.fd.type = FD_UNKNOWN;
	set_number(fx, "fd", -2);
	set_number(fx, "flags", 0);
	set_number(fx, "mode", 0);
}

static void connects(struct fixture *fx)
{
	static struct ip_addr server = {.bytes = {192, 0, 2, 9}}, client = {.bytes = {10, 0, 0, 5}};

	fixture_event(fx, EV_CONNECT);
	set_tcp(fx, 5);
	set_number(fx, "res", 0);
	set_number(fx, "fd", 5);
	fx->ev.fd.connected = fx->ev.fd.name_changed = true;
	struct field_names *names = field_names_new();

	field_names_add(names, STR("pool.example.org"));
	field_names_add(names, STR("here.example.org"));
	field_names_set(names, STR("pool.example.org"), &server, 1);
	field_names_set(names, STR("here.example.org"), &client, 1);
	fx->subject.names = names;
}

static void socket_alone(struct fixture *fx)
{
	fixture_event(fx, EV_SOCKET);
	set_number(fx, "domain", 2);
	set_number(fx, "fd", 5);
}

static void renames(struct fixture *fx)
{
	fixture_event(fx, EV_RENAMEAT);
	set_number(fx, "res", 0);
	set_text(fx, "oldpath", "a");
	set_text(fx, "newpath", "/b");
}

static void links(struct fixture *fx)
{
	fixture_event(fx, EV_SYMLINK);
	set_number(fx, "res", 0);
	set_text(fx, "target", "/etc/shadow");
	set_text(fx, "linkpath", "/tmp/l");
}

static void chmods(struct fixture *fx)
{
	fixture_event(fx, EV_CHMOD);
	set_number(fx, "res", 0);
	set_text(fx, "filename", "/tmp/x");
	set_number(fx, "mode", 04755);
}

static void rmdirs(struct fixture *fx)
{
	fixture_event(fx, EV_RMDIR);
	set_number(fx, "res", -1);
	set_text(fx, "path", "/tmp/d");
}

static void ptraces(struct fixture *fx)
{
	fixture_event(fx, EV_PTRACE);
	set_number(fx, "res", 0);
	set_number(fx, "request", 0xb);
}

static void does_bpf(struct fixture *fx)
{
	fixture_event(fx, EV_BPF);
	set_number(fx, "fd", 4);
	set_number(fx, "cmd", 5);
}

static void setuids(struct fixture *fx)
{
	fixture_event(fx, EV_SETUID);
	set_number(fx, "res", 0);
	set_number(fx, "uid", 0);
	fx->proc.loginuid = 0;
	fx->ev.uid = 0;
	fx->ev.gid = 0;
}

static void writes(struct fixture *fx)
{
	fixture_event(fx, EV_WRITE);
	set_file(fx, 1, "/tmp/log");
	set_number(fx, "res", 3);
	set_bytes(fx, "data", "abc", 3);
}

/* An event of a source that has no process, of no known type. */
static void nobody(struct fixture *fx)
{
	fixture_event(fx, EVENT_CODE_MAX + 1);
	fx->subject.proc = NULL;
}

static const struct {
	const char *field;
	scene with;
	const char *value;
	scene without;
	const char *other; /* NULL = missing */
} cases[] = {
	{"container.id", opens, "3ad7b26ded6d", nobody, NULL},
	{"container.image.repository", opens, "docker.io/library/nginx", nobody, NULL},
	{"container.mount.dest[/proc*]", opens, "/host/proc", open_fails, NULL},
	{"container.privileged", opens, "true", nobody, NULL},
	{"container.mounts", opens,
		"/var/lib/x:/data:rw:true:rprivate,/proc:/host/proc:ro:false:rslave", nobody, NULL},
	{"container.start_ts", opens, "1699999940000000000", nobody, NULL},
	{"k8s.ns.name", opens, "shop", open_fails, NULL},
	{"k8s.pod.name", opens, "web-1", open_fails, NULL},
	{"evt.type", opens, "openat", nobody, NULL},
	{"evt.num", opens, "7", nobody, "7"},
	{"evt.res", open_fails, "ENOENT", nobody, NULL},
	{"evt.rawres", open_fails, "-2", nobody, NULL},
	{"evt.buffer", writes, "abc", opens, NULL},
	{"evt.is_open_read", opens, "true", open_fails, "false"},
	{"evt.is_open_write", opens, "true", open_fails, "false"},
	{"evt.is_open_exec", opens, "true", open_fails, "false"},
	{"evt.args", rmdirs, "res=-1(EPERM) path=/tmp/d", nobody, ""},
	{"evt.arg.cmd", does_bpf, "BPF_PROG_LOAD", opens, NULL},
	{"evt.arg.domain", socket_alone, "AF_INET", opens, NULL},
	{"evt.arg.filename", chmods, "/tmp/x", opens, NULL},
	{"evt.arg.flags", opens, "O_CREAT|O_RDWR", rmdirs, NULL},
	{"evt.arg.mode", chmods, "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID",
		rmdirs, NULL},
	{"evt.arg.name", opens, "/etc/shadow", rmdirs, NULL},
	{"evt.arg.newpath", renames, "/b", opens, NULL},
	{"evt.arg.oldpath", renames, "a", opens, NULL},
	{"evt.arg.path", rmdirs, "/tmp/d", opens, NULL},
	{"evt.arg.request", ptraces, "PTRACE_ATTACH", opens, NULL},
	{"evt.arg.target", links, "/etc/shadow", opens, NULL},
	{"evt.arg.uid", setuids, "0", opens, NULL},
	{"evt.arg.fd", connects, "<4t>10.0.0.5:40000->192.0.2.9:443", rmdirs, NULL},
	{"evt.arg.linkpath", links, "/tmp/l", opens, NULL},
	{"fd.name", opens, "/etc/shadow", rmdirs, NULL},
	{"fd.nameraw", opens, "../etc/shadow", rmdirs, NULL},
	{"fd.directory", opens, "/etc", connects, NULL},
	{"fd.filename", opens, "shadow", open_fails, NULL},
	{"fd.num", opens, "3", rmdirs, NULL},
	{"fd.type", connects, "ipv4", open_fails, NULL},
	{"fd.typechar", connects, "4", rmdirs, NULL},
	{"fd.sockfamily", connects, "ip", opens, NULL},
	{"fd.l4proto", connects, "tcp", rmdirs, NULL},
	{"fd.cip", connects, "10.0.0.5", opens, NULL},
	{"fd.sip", connects, "192.0.2.9", opens, NULL},
	{"fd.rip", connects, "192.0.2.9", opens, NULL},
	{"fd.sport", connects, "443", opens, NULL},
	{"fd.lport", connects, "40000", opens, NULL},
	{"fd.rport", connects, "443", opens, NULL},
	{"fd.cip.name", connects, "here.example.org", opens, NULL},
	{"fd.sip.name", connects, "pool.example.org", opens, NULL},
	{"fd.lip.name", connects, "here.example.org", opens, NULL},
	{"fd.rip.name", connects, "pool.example.org", opens, NULL},
	{"fd.connected", connects, "true", rmdirs, NULL},
	{"fd.name_changed", connects, "true", rmdirs, NULL},
	{"proc.name", opens, "cat", nobody, NULL},
	{"proc.exe", opens, "/bin/cat", nobody, NULL},
	{"proc.exepath", opens, "/usr/bin/cat", nobody, NULL},
	{"proc.args", opens, "-n /etc/shadow", nobody, NULL},
	{"proc.cmdline", opens, "cat -n /etc/shadow", nobody, NULL},
	{"proc.cwd", opens, "/root/", nobody, NULL},
	{"proc.env", opens, "PATH=/bin TERM=xterm", nobody, NULL},
	{"proc.tty", opens, "34816", nobody, NULL},
	{"proc.vpid", opens, "300", nobody, NULL},
	{"proc.duration", opens, "2000000000", nobody, NULL},
	{"proc.pname", opens, "bash", nobody, NULL},
	{"proc.pexe", opens, "-bash", nobody, NULL},
	{"proc.pexepath", opens, "/usr/bin/bash", nobody, NULL},
	{"proc.pcmdline", opens, "bash -c cat /etc/shadow", nobody, NULL},
	{"proc.aname[2]", opens, "sshd", nobody, NULL},
	{"proc.aname", opens, "bash sshd", nobody, NULL},
	{"proc.aexe[2]", opens, "/usr/sbin/sshd", nobody, NULL},
	{"proc.aexepath[2]", opens, "/usr/sbin/sshd", nobody, NULL},
	{"proc.sname", opens, "bash", nobody, NULL},
	{"proc.is_exe_upper_layer", opens, "true", nobody, NULL},
	{"proc.is_exe_from_memfd", opens, "true", nobody, NULL},
	{"proc.is_vpgid_leader", opens, "true", nobody, NULL},
	{"proc.exe_ino.ctime", opens, "1699999990000000000", connects, NULL},
	{"proc.exe_ino.mtime", opens, "1699999980000000000", connects, NULL},
	{"proc.exe_ino.ctime_duration_proc_start", opens, "8000000000", connects, NULL},
	{"thread.cap_permitted", opens, "CAP_CHOWN CAP_KILL", nobody, NULL},
	{"thread.cap_effective", opens, "CAP_CHOWN CAP_KILL", nobody, NULL},
	{"user.name", setuids, "root", nobody, NULL},
	{"user.uid", opens, "1000", nobody, NULL},
	{"user.loginuid", opens, "-1", nobody, NULL},
	{"user.loginname", setuids, "root", nobody, NULL},
	{"group.name", setuids, "root", nobody, NULL},
	{"group.gid", opens, "100", nobody, NULL},
};

/* The five that conditions can use but outputs cannot show. */
static const struct {
	const char *condition;
	scene with, without;
} filters[] = {
	{"fd.ip = 192.0.2.9", connects, opens},
	{"fd.port = 443", connects, opens},
	{"fd.net in (192.0.2.0/24)", connects, opens},
	{"fd.cnet in (10.0.0.0/8)", connects, opens},
	{"fd.snet in (192.0.2.0/24)", connects, opens},
	{"fd.rnet in (192.0.2.0/24)", connects, opens},
};

static void ask(const char *field, scene s, const char *expected)
{
	struct fixture fx;

	fixture_init(&fx);
	s(&fx);
	if (expected)
		assert_shown(&fx, field, expected);
	else
		assert_missing(&fx, field);
	field_names_free((struct field_names *)fx.subject.names);
	fixture_done(&fx);
}

static void every_used_field(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i].field, cases[i].with, cases[i].value);
		ask(cases[i].field, cases[i].without, cases[i].other);
	}
}

static void every_used_filter(void **state)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct fixture fx;

		fixture_init(&fx);
		filters[i].with(&fx);
		assert_holds(&fx, filters[i].condition);
		field_names_free((struct field_names *)fx.subject.names);
		fixture_done(&fx);
		fixture_init(&fx);
		filters[i].without(&fx);
		assert_not(&fx, filters[i].condition);
		fixture_done(&fx);
	}
}

/* Of the reference's 90, proc.aname counts once however it is indexed. */
static void they_are_ninety(void **state)
{
	size_t n = sizeof(cases) / sizeof(cases[0]) + sizeof(filters) / sizeof(filters[0]);

	assert_int_equal(n - 1 /* proc.aname[2] */, 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_used_field),
		cmocka_unit_test(every_used_filter),
		cmocka_unit_test(they_are_ninety),
	};

	return cmocka_run_group_tests_name("used", tests, NULL, NULL);
}
