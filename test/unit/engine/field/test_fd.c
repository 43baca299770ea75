/* SPDX-License-Identifier: Apache-2.0 */
/* fd.* and fdlist.* fields: names of files, ends of sockets, comparators of both ends. */
#include "fixture.h"

static void file_names(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	set_file(&fx, 3, "/tmp/link");
	fx.ev.path.real = STR("/etc/shadow");
	fx.ev.path.known = STR("/etc/gshadow");
	assert_shown(&fx, "fd.name", "/tmp/link");
	assert_shown(&fx, "fd.realpath", "/etc/shadow");
	assert_shown(&fx, "fd.knownpath", "/etc/gshadow");
	fx.subject.name = NAME_REAL;
	assert_shown(&fx, "fd.name", "/etc/shadow");
	assert_shown(&fx, "fd.directory", "/etc");
	assert_shown(&fx, "fd.filename", "shadow");
	assert_shown(&fx, "fd.containername", ":/etc/shadow");
	assert_shown(&fx, "fd.nameraw", "/tmp/link");
	fx.subject.name = NAME_KNOWN;
	assert_shown(&fx, "fd.name", "/etc/gshadow");
	enter_container(&fx);
	assert_shown(&fx, "fd.containername", "3ad7b26ded6d:/etc/gshadow");
	assert_shown(&fx, "fd.containerdirectory", "3ad7b26ded6d:/etc");
	fx.subject.name = NAME_ASKED;
	fx.ev.path.real = fx.ev.path.known = STR_NULL;
	assert_shown(&fx, "fd.realpath", "/tmp/link");
	assert_missing(&fx, "fd.knownpath");
	assert_holds(&fx, "fd.name pmatch (/tmp, /var)");
	assert_not(&fx, "fd.name pmatch (/tm)");
	fixture_done(&fx);
}

static void directories(void **state)
{
	static const struct {
		const char *path, *dir, *file;
	} cases[] = {
		{"/etc/passwd", "/etc", "passwd"},
		{"/passwd", "/", "passwd"},
		{"passwd", "/", "passwd"},
		{"/etc/dir/", "/etc/dir/", "/etc/dir/"},
	};
	struct fixture fx;

	fixture_init(&fx);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_file(&fx, 3, cases[i].path);
		assert_shown(&fx, "fd.directory", cases[i].dir);
		assert_shown(&fx, "fd.filename", cases[i].file);
	}
	set_file(&fx, 3, "/etc");
	fx.ev.fd.type = FD_DIRECTORY;
	assert_shown(&fx, "fd.directory", "/etc");
	assert_missing(&fx, "fd.filename");
	set_tcp(&fx, 3);
	assert_missing(&fx, "fd.directory");
	fixture_done(&fx);
}

/* A failed open has a name but no descriptor. */
static void failed_open(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	set_number(&fx, "fd", -2);
	fx.ev.path.name = STR("/etc/nothing");
	assert_shown(&fx, "fd.num", "-1");
	assert_shown(&fx, "fd.name", "/etc/nothing");
	assert_shown(&fx, "fd.directory", "/etc");
	assert_shown(&fx, "fd.typechar", "f");
	assert_missing(&fx, "fd.type");
	assert_missing(&fx, "fd.filename");
	assert_missing(&fx, "fd.ino");
	assert_not(&fx, "fd.ip exists");
	fixture_done(&fx);
}

static void files(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	set_file(&fx, 3, "/etc/passwd");
	fx.ev.fd.dev = 8 << 20 | 1;
	fx.ev.fd.ino = 4711;
	fx.ev.fd.layer = LAYER_UPPER;
	assert_shown(&fx, "fd.type", "file");
	assert_shown(&fx, "fd.typechar", "f");
	assert_shown(&fx, "fd.uid", "3003");
	assert_shown(&fx, "fd.dev", "8388609");
	assert_shown(&fx, "fd.dev.major", "8");
	assert_shown(&fx, "fd.dev.minor", "1");
	assert_shown(&fx, "fd.ino", "4711");
	assert_shown(&fx, "fd.is_upper_layer", "true");
	assert_shown(&fx, "fd.is_lower_layer", "false");
	assert_shown(&fx, "fd.l4proto", "<NA>");
	assert_shown(&fx, "fd.is_server", "false");
	assert_missing(&fx, "fd.sockfamily");
	assert_holds(&fx, "fd.types[3] in (file)");
	assert_not(&fx, "fd.types[4] in (file)");
	assert_not(&fx, "fd.types intersects (file)");
	fixture_done(&fx);
}

static void ends(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_CONNECT);
	set_tcp(&fx, 3);
	assert_shown(&fx, "fd.name", "10.0.0.5:40000->192.0.2.9:443");
	assert_shown(&fx, "fd.cport", "40000");
	assert_shown(&fx, "fd.sproto", "443");
	assert_shown(&fx, "fd.lproto", "40000");
	assert_shown(&fx, "fd.is_server", "false");
	/* the same pair seen from the other end */
	fx.ev.fd.sock.role = ROLE_SERVER;
	assert_shown(&fx, "fd.cip", "192.0.2.9");
	assert_shown(&fx, "fd.sip", "10.0.0.5");
	assert_shown(&fx, "fd.lip", "10.0.0.5");
	assert_shown(&fx, "fd.rip", "192.0.2.9");
	assert_shown(&fx, "fd.is_server", "true");
	/* listening: a server's end only */
	fx.ev.fd.type = FD_IPV4_SERVER;
	fx.ev.fd.sock.has_remote = false;
	assert_shown(&fx, "fd.sip", "10.0.0.5");
	assert_shown(&fx, "fd.sport", "40000");
	assert_missing(&fx, "fd.cip");
	assert_missing(&fx, "fd.rport");
	assert_holds(&fx, "fd.ip != 0.0.0.0");
	fixture_done(&fx);
}

static void both_ends(void **state)
{
	static const struct {
		const char *condition;
		bool holds;
	} cases[] = {
		{"fd.ip = 10.0.0.5", true},
		{"fd.ip = 192.0.2.9", true},
		{"fd.ip = 1.1.1.1", false},
		{"fd.ip in (1.1.1.1, 192.0.2.9)", true},
		{"fd.ip != 192.0.2.9", false},
		{"fd.ip != 1.1.1.1", true},
		{"fd.port = 443", true},
		{"fd.port = 40000", true},
		{"fd.port in (22, 443)", true},
		{"fd.port != 443", false},
		{"fd.port != 22", true},
		{"fd.port < 1024", true},
		{"fd.port > 40000", false},
		{"fd.port >= 40000", true},
		{"fd.proto = 443", true},
		{"fd.net in (192.0.2.0/24)", true},
		{"fd.net = 192.0.2.0/24", true},
		{"fd.net = 172.16.0.0/12", false},
		{"fd.net != 192.0.2.0/24", false},
		{"fd.net != 172.16.0.0/12", true},
		{"fd.net = 2001:db8::/32", false},
		{"fd.net != 2001:db8::/32", true},
		{"fd.cnet = 10.0.0.0/8", true},
		{"fd.snet = 10.0.0.0/8", false},
		{"fd.snet != 10.0.0.0/8", true},
		{"fd.lnet in (10.0.0.0/8)", true},
		{"fd.ip exists", true},
		{"fd.net exists", true},
	};
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_CONNECT);
	set_tcp(&fx, 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (holds(&fx, cases[i].condition) != cases[i].holds)
			fail_msg("%s: not %s", cases[i].condition,
				cases[i].holds ? "true" : "false");
	assert_false(parses(&fx, "fd.ip > 1.1.1.1"));
	assert_false(parses(&fx, "fd.port startswith 4"));
	assert_false(parses(&fx, "fd.sport = val(fd.port)"));
	/* a file: exists is true, all else false, != too */
	fixture_event(&fx, EV_OPENAT);
	set_file(&fx, 3, "/etc/passwd");
	assert_holds(&fx, "fd.ip exists");
	assert_holds(&fx, "fd.port exists");
	assert_not(&fx, "fd.ip != 1.1.1.1");
	assert_not(&fx, "fd.net != 10.0.0.0/8");
	assert_not(&fx, "fd.port != 1");
	fixture_event(&fx, EV_RMDIR);
	assert_not(&fx, "fd.ip exists");
	fixture_done(&fx);
}

static void version_six(void **state)
{
	struct fixture fx;
	struct event_sock *s;

	fixture_init(&fx);
	fixture_event(&fx, EV_CONNECT);
	set_tcp(&fx, 3);
	s = &fx.ev.fd.sock;
	fx.ev.fd.type = FD_IPV6;
	s->family = AF_INET6;
	inet_pton(AF_INET6, "fd00::1", s->local);
	inet_pton(AF_INET6, "2001:db8::9", s->remote);
	assert_shown(&fx, "fd.sip", "2001:db8::9");
	assert_shown(&fx, "fd.sockfamily", "ip");
	assert_holds(&fx, "fd.ip = fd00::1");
	assert_holds(&fx, "fd.rnet in (10.0.0.0/8, 2001:db8::/32)");
	assert_not(&fx, "fd.net = 10.0.0.0/8");
	assert_holds(&fx, "fd.net != 10.0.0.0/8");
	fixture_done(&fx);
}

static void other_descriptors(void **state)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_event(&fx, EV_CONNECT);
	fx.ev.has_fd = true;
	fx.ev.fd.num = 3;
	fx.ev.fd.type = FD_UNIX;
	fx.ev.fd.sock.family = AF_UNIX;
	fx.ev.fd.sock.unix_path = STR("/run/docker.sock");
	assert_shown(&fx, "fd.sockfamily", "unix");
	assert_shown(&fx, "fd.name", "/run/docker.sock");
	assert_not(&fx, "fd.ip != 1.1.1.1");
	fx.ev.fd.type = FD_MEMFD;
	fx.ev.fd.sock = (struct event_sock){0};
	fx.ev.fd.other_name = STR("memfd:x");
	assert_shown(&fx, "fd.name", "memfd:x");
	assert_missing(&fx, "fd.realpath");
	fixture_done(&fx);
}

static void polled(void **state)
{
	static const uint8_t list[] = {2, 0, /* two */
		3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0};
	struct fixture fx;

	fixture_init(&fx);
	assert_missing(&fx, "fdlist.nums");
	fixture_event(&fx, EV_POLL);
	assert_missing(&fx, "fdlist.nums");
	set_bytes(&fx, "fds", list, sizeof(list));
	assert_shown(&fx, "fdlist.nums", "3,9");
	assert_shown(&fx, "fdlist.names", "<NA>,<NA>");
	assert_missing(&fx, "fdlist.sips");
	set_tcp(&fx, 9);
	assert_shown(&fx, "fdlist.names", "<NA>,10.0.0.5:40000->192.0.2.9:443");
	assert_shown(&fx, "fdlist.cips", "10.0.0.5");
	assert_shown(&fx, "fdlist.sips", "192.0.2.9");
	assert_shown(&fx, "fdlist.cports", "40000");
	assert_shown(&fx, "fdlist.sports", "443");
	set_bytes(&fx, "fds", list, 15); /* cut in the second */
	assert_shown(&fx, "fdlist.nums", "3");
	fixture_done(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_names),
		cmocka_unit_test(directories),
		cmocka_unit_test(failed_open),
		cmocka_unit_test(files),
		cmocka_unit_test(ends),
		cmocka_unit_test(both_ends),
		cmocka_unit_test(version_six),
		cmocka_unit_test(other_descriptors),
		cmocka_unit_test(polled),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
