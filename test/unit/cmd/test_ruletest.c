/* SPDX-License-Identifier: Apache-2.0 */
/* Events of rule tests, as they are built, and whole runs over folders made for the purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/rules.h"

/* ---- events --------------------------------------------------------------------------------- */

static struct arena arena;

static int build(const char *yaml, struct test_event *t, struct err *e)
{
	struct yaml_node **docs;
	size_t n;

	arena_reset(&arena);
	assert_int_equal(yaml_parse(&arena, str_of(yaml), NULL, &docs, &n, NULL), 0);
	*e = (struct err){0};
	return test_event_build(&arena, docs[0], t, e);
}

static void an_open(void **state)
{
	struct test_event t;
	struct err e;
	struct buf b = BUF_INIT(100);

	assert_int_equal(
		build("{type: openat, args: {name: /proc/self/environ, flags: O_RDWR|O_CREAT},"
		      " fd: {name: /proc/7/environ, real: /x, known: /y, num: 9},"
		      " proc: {exepath: /usr/bin/cat, args: a b, uid: 5}}",
			&t, &e),
		0);
	assert_int_equal(t.ev.code, EV_OPENAT);
	assert_true(str_is(t.ev.path.name, "/proc/7/environ"));
	assert_true(str_is(t.ev.path.raw, "/proc/self/environ"));
	assert_true(str_is(t.ev.path.real, "/x"));
	assert_true(str_is(t.ev.path.known, "/y"));
	assert_int_equal(t.ev.fd.num, 9);
	assert_int_equal(t.ev.fd.type, FD_FILE);
	event_param_resolved(&t.ev, 3, &b);
	assert_string_equal(b.s, "O_CREAT|O_RDWR");
	assert_true(str_is(t.proc->comm, "cat"));
	assert_true(str_eq(t.proc->args, STR("a\0b\0")));
	assert_int_equal(t.ev.uid, 5);
	buf_done(&b);
}

static void a_connection(void **state)
{
	struct test_event t;
	struct err e;

	assert_int_equal(build("{type: connect, fd: {sock: {local: \"10.0.0.1:4000\", remote: "
			       "\"[::1]:443\", proto: udp}}, res: ECONNREFUSED}",
				 &t, &e),
		0);
	assert_int_equal(t.ev.fd.type, FD_IPV6);
	assert_int_equal(t.ev.fd.sock.remote_port, 443);
	assert_int_equal(t.ev.fd.sock.l4proto, 17);
	assert_int_equal(t.ev.fd.sock.role, ROLE_CLIENT);
	int64_t res = 0;

	assert_true(event_result(&t.ev, &res));
	assert_int_equal(res, -111);
}

static void two_paths_and_a_container(void **state)
{
	struct test_event t;
	struct err e;

	assert_int_equal(build("{type: renameat2, args: {oldpath: a, newpath: ../b},"
			       " proc: {cwd: /tmp, name: mv}, parents: [{name: sh}, {name: init}],"
			       " container: {id: 0123456789abcdef, image: \"r.io:5000/a/b:1.2\","
			       " mounts: [\"/x:/y:ro\"]}}",
				 &t, &e),
		0);
	assert_true(str_is(t.ev.path.name, "/tmp/a"));
	assert_true(str_is(t.ev.target.name, "/b"));
	assert_true(str_is(t.proc->parent->parent->comm, "init"));
	assert_int_equal(t.proc->ppid, t.proc->parent->pid);
	assert_true(str_is(t.proc->container->id, "0123456789ab"));
	assert_true(str_is(t.proc->container->image_repo, "r.io:5000/a/b"));
	assert_true(str_is(t.proc->container->image_tag, "1.2"));
	assert_true(str_is(t.proc->container->mounts[0].dest, "/y"));
	assert_false(t.proc->container->mounts[0].is_rw);
}

static void mistakes_have_a_place(void **state)
{
	static const struct {
		const char *yaml, *message;
	} rows[] = {
		{"{args: {}}", "1:1: the event has no 'type'"},
		{"{type: opn}", "1:8: 'opn' is no event"},
		{"{type: openat, agrs: {}}", "1:16: unknown key 'agrs'; did you mean 'args'?"},
		{"{type: openat, args: {flgs: 1}}",
			"1:23: unknown key 'flgs'; did you mean 'flags'?"},
		{"{type: openat, args: {flags: O_NIX}}", "1:30: 'O_NIX' is no value of flags"},
		{"{type: openat, proc: {pid: x}}", "1:28: expected a number"},
		{"{type: openat, fd: {type: flie}}", "1:27: 'flie' is no descriptor type"},
		{"{type: openat, proc: {cap_effective: CAP_X}}", "1:38: 'CAP_X' is no capability"},
		{"{type: connect, fd: {sock: {remote: here}}}", "1:37: expected ADDRESS:PORT"},
		{"[a]", "1:1: an event must be a map"},
	};
	struct test_event t;
	struct err e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(build(rows[i].yaml, &t, &e) < 0);
		if (strncmp(e.msg, rows[i].message, strlen(rows[i].message)))
			print_error("%s: %s\n", rows[i].yaml, e.msg);
		assert_memory_equal(e.msg, rows[i].message, strlen(rows[i].message));
	}
}

/* ---- whole runs ----------------------------------------------------------------------------- */

static const char rule[] = "- rule: Shadow read\n  desc: d\n  condition: evt.type = openat and "
			   "fd.name = /etc/shadow and user.name != backup\n  output: x\n"
			   "  priority: INFO\n  enabled: false\n";

static int run(const char *tests, struct buf *out, struct buf *complaints)
{
	char dir[] = "/tmp/koban-ruletest-XXXXXX", path[2][100];
	const char *file = path[0];
	struct ruletest_options o = {.paths = &file, .npaths = 1};

	assert_non_null(mkdtemp(dir));
	snprintf(path[0], sizeof(path[0]), "%s/r.yaml", dir);
	snprintf(path[1], sizeof(path[1]), "%s/r_test.yaml", dir);
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(path[i], "w");

		assert_non_null(f);
		fputs(i ? tests : rule, f);
		fclose(f);
	}
	int r = ruletest_run(&o, out, complaints);

	unlink(path[0]);
	unlink(path[1]);
	rmdir(dir);
	return r;
}

static void expect(const char *tests, int code, const char *in_out, const char *in_complaints)
{
	struct buf out = BUF_INIT(1 << 16), complaints = BUF_INIT(1 << 16);
	int r = run(tests, &out, &complaints);

	if (r != code || !strstr(out.s ? out.s : "", in_out) ||
		!strstr(complaints.s ? complaints.s : "", in_complaints))
		print_error("%d\n%s\n%s\n", r, out.s, complaints.s);
	assert_int_equal(r, code);
	assert_non_null(strstr(out.s ? out.s : "", in_out));
	assert_non_null(strstr(complaints.s ? complaints.s : "", in_complaints));
	buf_done(&out);
	buf_done(&complaints);
}

static void runs(void **state)
{
	expect("- rule: Shadow read\n  match:\n    - {type: openat, fd: {name: /etc/shadow}}\n"
	       "    - {type: openat, fd: {name: /l, real: /etc/shadow}}\n"
	       "  no_match:\n    - {type: openat, fd: {name: /etc/passwd}}\n"
	       "    - {type: openat, fd: {name: /etc/shadow}, user: {uid: 34, name: backup}}\n"
	       "    - {type: openat, fd: {name: /etc/shadow}, user: {uid: 34, name: backup}, "
	       "container: {id: abcdefabcdef}}\n",
		0, "1 rules, 5 events: 1 passed, 0 failed", "");
	expect("- rule: Shadow read\n  match:\n    - {type: openat, fd: {name: /etc/x}}\n", 1,
		"false: fd.name = /etc/shadow", "");
	expect("- rule: Shadow read\n  no_match:\n    - {type: openat, fd: {name: /etc/shadow}}\n",
		1, "must not match, but does", "");
	expect("- rule: Shadow raed\n  match: []\n", 2, "", "did you mean 'Shadow read'?");
	expect("- rule: Shadow read\n  match:\n    - {type: nix}\n", 2, "",
		"r_test.yaml:3:14: 'nix' is no event");
	expect("- rule: Shadow read\n  mach: []\n", 2, "", "r_test.yaml:2:3: error: unknown key");
	expect("", 2, "", "no tests found");
}

static int setup(void **state)
{
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open),
		cmocka_unit_test(a_connection),
		cmocka_unit_test(two_paths_and_a_container),
		cmocka_unit_test(mistakes_have_a_place),
		cmocka_unit_test(runs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
