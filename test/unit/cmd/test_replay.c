/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `koban replay` by itself: what its options refuse, what it exits with, that a capture may come
 * from a pipe. What it finds is test/golden/test_replay.py's matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/verbs.h"
#include "engine/state/state.h"
#include "said.h"
#include "source/capture/capture.h"

static char dir[] = "/tmp/koban-replay-XXXXXX", capture[64], rules[64], config[64], broken[64];
static struct said said;

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Three opens of /etc/shadow, one of another file. */
static void write_capture(void)
{
	const struct state_options so = {.no_proc = true, .descriptors = true};
	const struct capture_writer_options o = {.path = capture};
	const char *const names[] = {"/etc/shadow", "/etc/shadow", "/etc/hosts", "/etc/shadow"};
	struct process p = {.pid = 10, .vpid = 10, .comm = STR("cat"), .exe = STR("cat")};
	struct state *s = state_new(&so, NULL);
	struct capture_writer *w;
	int64_t fd = 3;

	assert_int_equal(state_add_thread(s, 10, 10, &p), 0);
	assert_int_equal(capture_writer_open(&o, s, &w, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		struct event ev = {.ts_ns = 1000000000 * (i + 1),
			.tid = 10,
			.code = EV_OPENAT,
			.def = event_def(EV_OPENAT)};

		ev.nparams = ev.def->nparams;
		ev.params[0] = str_make((const char *)&fd, sizeof(fd));
		ev.params[2] = str_make(names[i], strlen(names[i]) + 1);
		assert_int_equal(capture_write(w, &ev, state_process_by_pid(s, 10), NULL), 0);
	}
	assert_int_equal(capture_writer_close(w, NULL), 0);
	state_free(s);
}

static int set_up(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(capture, sizeof(capture), "%s/a.scap", dir);
	snprintf(rules, sizeof(rules), "%s/rules.yaml", dir);
	snprintf(broken, sizeof(broken), "%s/broken.yaml", dir);
	snprintf(config, sizeof(config), "%s/koban.yaml", dir);
	write_file(rules, "- rule: Shadow is read\n  desc: test\n  priority: WARNING\n"
			  "  condition: evt.type = openat and fd.name = /etc/shadow\n"
			  "  output: \"%proc.name read it\"\n");
	write_file(broken, "- rule: Nothing\n  condition: (\n");
	write_file(config, "stdout_output:\n  enabled: true\n");
	write_capture();
	return 0;
}

static int tear_down(void **state)
{
	const char *const files[] = {capture, rules, broken, config};

	for (size_t i = 0; i < 4; i++)
		unlink(files[i]);
	return rmdir(dir);
}

#define REPLAY(...)                                                                                \
	said_run(&said, cmd_replay,                                                                \
		(const char *const[]){"replay", "-c", config, __VA_ARGS__, NULL})

static unsigned count(const char *text, const char *needle)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, needle)); at++)
		n++;
	return n;
}

static void finds(void **state)
{
	REPLAY(capture, "-r", rules);
	assert_int_equal(said.code, 0);
	assert_int_equal(count(said.out, "cat read it"), 3);
	assert_int_equal(count(said.err, "Shadow is read"), 1); /* the summary */
	REPLAY(capture, "-r", rules, "--json", "-q");
	assert_int_equal(count(said.out, "\"rule\":\"Shadow is read\""), 3);
	assert_string_equal(said.err, "");
	REPLAY(capture, "-r", rules, "-n", "3", "-q");
	assert_int_equal(count(said.out, "cat read it"), 2);
}

static void fails_on(void **state)
{
	REPLAY(capture, "-r", rules, "-q", "--fail-on", "warning");
	assert_int_equal(said.code, 1);
	REPLAY(capture, "-r", rules, "-q", "--fail-on", "debug");
	assert_int_equal(said.code, 1);
	REPLAY(capture, "-r", rules, "-q", "--fail-on", "error");
	assert_int_equal(said.code, 0);
	REPLAY(capture, "-r", rules, "-q", "-n", "1", "-o", "priority=error", "--fail-on", "debug");
	assert_int_equal(said.code, 0); /* the rule is not loaded */
}

static void refuses(void **state)
{
	REPLAY("-r", rules);
	assert_int_equal(said.code, 2);
	assert_non_null(strstr(said.err, "which capture?"));
	REPLAY(capture, "-n", "0");
	assert_int_equal(said.code, 2);
	assert_non_null(strstr(said.err, "not a number of events: '0'"));
	REPLAY(capture, "--fail-on", "horrible");
	assert_int_equal(said.code, 2);
	assert_non_null(strstr(said.err, "not a priority: 'horrible'"));
	REPLAY(capture, "--realtime=-1");
	assert_int_equal(said.code, 2);
	REPLAY(capture, "another");
	assert_int_equal(said.code, 2);
	REPLAY("--nonsense");
	assert_int_equal(said.code, 2);
	assert_string_equal(said.out, "");
}

static void names_what_is_wrong(void **state)
{
	REPLAY("/nowhere/a.scap", "-r", rules);
	assert_int_equal(said.code, 2);
	assert_non_null(strstr(said.err, "/nowhere/a.scap"));
	REPLAY(capture, "-r", broken);
	assert_int_equal(said.code, 2);
	assert_non_null(strstr(said.err, "broken.yaml"));
	REPLAY(rules, "-r", rules); /* no capture at all */
	assert_int_equal(said.code, 2);
	assert_non_null(strstr(said.err, rules));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(fails_on),
		cmocka_unit_test(refuses),
		cmocka_unit_test(names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
