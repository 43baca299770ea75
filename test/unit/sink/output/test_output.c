/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs as a whole, with the kinds that need no peer: stdout, files, programs. */
#include "common.h"

#include <poll.h>

#include "base/sanitized.h"

/* ---- counting allocations on the emitting thread --------------------------------------------- */

static _Thread_local unsigned long nmallocs;
#if !IS_SANITIZED
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *malloc(size_t n)
{
	nmallocs++;
	return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
	nmallocs++;
	return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
	nmallocs++;
	return __libc_realloc(p, n);
}
#endif

static struct outputs *open_one(const struct output_config *c, const char *spool, size_t capacity)
{
	struct outputs_options o = {
		.outputs = c, .noutputs = 1, .spool_dir = spool, .queue_capacity = capacity};
	struct outputs *all = NULL;
	struct err e = {0};

	assert_ok(&e, outputs_open_tuned(&o, &quick, &all, &e));
	return all;
}

/* The lines of a file are number first … last, in order, nothing else. */
static void assert_lines(const char *path, unsigned first, unsigned last)
{
	char *text = slurp(path), *rest = text, *line;
	unsigned n = first;

	while ((line = strsep(&rest, "\n")) && *line)
		assert_int_equal(number_of(line), n++);
	assert_int_equal(n, last + 1);
	free(text);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void a_file_gets_every_line(void **state)
{
	struct output_config c = {.kind = OUTPUT_FILE, .path = in_dir(*state, "out.txt")};
	struct outputs *o = open_one(&c, NULL, 0);

	for (unsigned n = 1; n <= 1000; n++)
		emit_number(o, n);
	wait_until(o, now.sent == 1000);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	assert_lines(in_dir(*state, "out.txt"), 1, 1000);
	char *text = slurp(in_dir(*state, "out.txt"));
	assert_non_null(strstr(text, ": Warning number 1.\n"));
	free(text);
}

static void json_is_one_object_a_line(void **state)
{
	struct output_config c = {.kind = OUTPUT_FILE,
		.path = in_dir(*state, "out.json"),
		.json = true,
		.json_options = {.output = true}};
	struct outputs *o = open_one(&c, NULL, 0);

	emit_number(o, 1);
	outputs_close(o, 2000);
	char *text = slurp(in_dir(*state, "out.json"));
	assert_non_null(strstr(text, "\"rule\":\"A rule\""));
	assert_int_equal(text[0], '{');
	assert_string_equal(text + strlen(text) - 2, "}\n");
	free(text);
}

static void closing_drains(void **state)
{
	struct output_config c = {.kind = OUTPUT_FILE, .path = in_dir(*state, "out.txt")};
	struct outputs *o = open_one(&c, NULL, 0);

	for (unsigned n = 1; n <= 3000; n++)
		emit_number(o, n);
	outputs_close(o, 5000);
	assert_lines(in_dir(*state, "out.txt"), 1, 3000);
}

static void a_file_rotates_by_size(void **state)
{
	struct output_config c = {.kind = OUTPUT_FILE,
		.path = in_dir(*state, "out.txt"),
		.max_bytes = 500,
		.keep_files = 3};
	struct outputs *o = open_one(&c, NULL, 0);
	struct stat st;
	unsigned n = 200, next = 0;

	for (unsigned i = 1; i <= n; i++)
		emit_number(o, i);
	outputs_close(o, 5000);
	assert_int_equal(access(in_dir(*state, "out.txt.4"), F_OK), -1);
	/* from the oldest kept to the newest: no gap, whole lines, no file above its bound */
	for (int i = 3; i >= 0; i--) {
		char name[32];

		snprintf(name, sizeof(name), i ? "out.txt.%d" : "out.txt", i);
		assert_int_equal(stat(in_dir(*state, name), &st), 0);
		assert_true(st.st_size > 0 && st.st_size <= 500);
		char *text = slurp(in_dir(*state, name)), *rest = text, *line;
		while ((line = strsep(&rest, "\n")) && *line) {
			assert_true(next == 0 || number_of(line) == next);
			next = number_of(line) + 1;
		}
		free(text);
	}
	assert_int_equal(next, n + 1);
}

static void a_moved_file_is_followed_or_reopened(void **state)
{
	for (int keep_alive = 0; keep_alive < 2; keep_alive++) {
		struct output_config c = {.kind = OUTPUT_FILE,
			.path = in_dir(*state, "out.txt"),
			.keep_alive = keep_alive};
		struct outputs *o = open_one(&c, NULL, 0);

		emit_number(o, 1);
		wait_until(o, now.sent == 1);
		assert_int_equal(rename(c.path, in_dir(*state, "old.txt")), 0);
		emit_number(o, 2);
		wait_until(o, now.sent == 2);
		outputs_reopen(o);
		/* the worker takes the request before the next finding */
		emit_number(o, 3);
		outputs_close(o, 2000);
		assert_lines(in_dir(*state, "old.txt"), 1, keep_alive ? 2 : 1);
		assert_lines(in_dir(*state, "out.txt"), keep_alive ? 3 : 2, 3);
		unlink(in_dir(*state, "out.txt"));
	}
}

static void bad_configurations_are_said(void **state)
{
	static const struct {
		struct output_config c;
		const char *says;
	} cases[] = {
		{{.kind = OUTPUT_FILE}, "output file: a file output needs a path"},
		{{.kind = OUTPUT_FILE, .path = "/nonexistent/x"}, "/nonexistent/x: cannot open"},
		{{.kind = OUTPUT_PROGRAM, .name = "p"},
			"output p: a program output needs a command"},
		{{.kind = OUTPUT_HTTP, .url = "ftp://x/"}, "no http or https URL"},
		{{.kind = OUTPUT_HTTP}, "no http or https URL"},
		{{.kind = OUTPUT_SYSLOG, .address = "host:514"}, "no syslog address"},
		{{.kind = OUTPUT_SYSLOG, .address = "tcp://[::1"}, "no syslog address"},
		{{.kind = OUTPUT_SYSLOG, .address = "udp://h:0"}, "no syslog address"},
		{{.kind = OUTPUT_SYSLOG, .facility = "x"}, "no such syslog facility"},
		{{.kind = (enum output_kind)99}, "no such kind"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outputs_options o = {.outputs = &cases[i].c, .noutputs = 1};
		struct outputs *all = NULL;
		struct err e = {0};

		assert_true(outputs_open(&o, &all, &e) < 0);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("'%s' does not say '%s'", e.msg, cases[i].says);
	}
}

/* ---- a full disk, a spool -------------------------------------------------------------------- */

static void a_full_disk_is_waited_for(void **state)
{
	/* /dev/full: every write is ENOSPC */
	struct output_config c = {.kind = OUTPUT_FILE, .path = "/dev/full"};
	struct outputs *o = open_one(&c, in_dir(*state, "spool"), 100);

	for (unsigned n = 1; n <= 50; n++)
		emit_number(o, n);
	wait_until(o, now.spooled == 50 && now.failed_tries > 2);
	assert_false(counters_of(o).is_up);
	assert_balanced(o, 0);
	outputs_close(o, 1000);

	/* the next run has a disk: the same name, so the same spool */
	c.path = in_dir(*state, "out.txt");
	o = open_one(&c, in_dir(*state, "spool"), 100);
	for (unsigned n = 51; n <= 60; n++)
		emit_number(o, n);
	wait_until(o, now.sent == 60);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	assert_lines(in_dir(*state, "out.txt"), 1, 60);
}

static void what_fits_nowhere_is_counted(void **state)
{
	struct output_config c = {.kind = OUTPUT_FILE, .path = "/dev/full"};
	struct outputs *o = open_one(&c, NULL, 10);

	for (unsigned n = 1; n <= 100; n++)
		emit_number(o, n);
	wait_until(o, now.dropped == 90 && now.queue_depth == 10);
	assert_balanced(o, 0);
	outputs_close(o, 50);
}

/* The spool's bound is reached too: the oldest are kept, the rest is counted. */
static void a_full_spool_keeps_the_oldest(void **state)
{
	struct output_config c = {.kind = OUTPUT_FILE, .path = "/dev/full"};
	struct outputs_options opts = {.outputs = &c,
		.noutputs = 1,
		.spool_dir = in_dir(*state, "spool"),
		.spool_max_bytes = 8192,
		.queue_capacity = 20};
	struct outputs *o = NULL;
	struct err e = {0};

	assert_ok(&e, outputs_open_tuned(&opts, &quick, &o, &e));
	unsigned n = 0;
	while (counters_of(o).dropped < 10 || !counters_of(o).spool_errors) {
		emit_number(o, ++n);
		if (n % 10 == 0)
			usleep(1000);
		assert_true(n < 100000);
	}
	assert_balanced(o, 0);
	struct output_counters last = counters_of(o);
	assert_true(last.spool_errors > 0 && last.spool_bytes <= 8192 && last.spooled > 50);
	outputs_close(o, 10);

	c.path = in_dir(*state, "out.txt");
	assert_ok(&e, outputs_open_tuned(&opts, &quick, &o, &e));
	wait_until(o, now.spooled == 0);
	outputs_close(o, 1000);
	char *text = slurp(c.path), *rest = text, *line;
	unsigned before = 0, lines = 0;
	for (; (line = strsep(&rest, "\n")) && *line; lines++) {
		assert_true(number_of(line) > before);
		before = number_of(line);
	}
	assert_true(lines >= last.spooled);
	free(text);
}

/* Killed while the output is down: what the counters called spooled is in the next run. */
static void a_killed_process_keeps_its_spool(void **state)
{
	struct output_config c = {.kind = OUTPUT_FILE, .path = "/dev/full"};
	int p[2];
	uint64_t said = 0, got;

	assert_int_equal(pipe(p), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct outputs *o = open_one(&c, in_dir(*state, "spool"), 1000);

		for (unsigned n = 1;; n++) {
			uint64_t spooled;

			emit_number(o, n);
			usleep(50);
			spooled = counters_of(o).spooled;
			if (write(p[1], &spooled, sizeof(spooled)) < 0)
				_exit(1);
		}
	}
	close(p[1]);
	while (said < 100 && read(p[0], &got, sizeof(got)) == sizeof(got))
		said = got;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(p[0], &got, sizeof(got)) == sizeof(got))
		said = got;
	close(p[0]);
	assert_true(said >= 100);

	c.path = in_dir(*state, "out.txt");
	struct outputs *o = open_one(&c, in_dir(*state, "spool"), 1000);
	uint64_t found = counters_of(o).emitted;
	assert_true(found >= said);
	wait_until(o, now.sent == found);
	outputs_close(o, 1000);
	assert_lines(c.path, 1, (unsigned)found);
}

/* ---- stdout ---------------------------------------------------------------------------------- */

struct taken_stdout {
	int saved, fd; /* fd: what koban writes comes out here */
};

static struct taken_stdout take_stdout(void)
{
	int p[2];

	fflush(stdout);
	struct taken_stdout t = {.saved = dup(STDOUT_FILENO)};
	assert_int_equal(pipe(p), 0);
	dup2(p[1], STDOUT_FILENO);
	close(p[1]);
	t.fd = p[0];
	return t;
}

static void give_back_stdout(struct taken_stdout t)
{
	dup2(t.saved, STDOUT_FILENO);
	close(t.saved);
}

static void stdout_ends_when_its_reader_goes(void **state)
{
	struct output_config c = {.kind = OUTPUT_STDOUT, .colour = true};
	struct taken_stdout t = take_stdout();
	struct outputs *o = open_one(&c, in_dir(*state, "spool"), 0);
	char line[256];

	emit_number(o, 1);
	ssize_t n = read(t.fd, line, sizeof(line) - 1);
	close(t.fd);
	emit_number(o, 2);
	struct output_counters last = counters_of(o);
	for (int i = 0; i < 2000 && last.dropped < 1; i++, last = counters_of(o))
		usleep(5000);
	emit_number(o, 3);
	last = counters_of(o);
	give_back_stdout(t);

	assert_true(n > 0);
	line[n] = 0;
	assert_non_null(strstr(line, "\033[33m"));
	assert_non_null(strstr(line, "Warning number 1.\033[0m\n"));
	assert_int_equal(last.sent, 1);
	assert_int_equal(last.dropped, 2);
	assert_int_equal(last.spooled, 0);
	assert_false(last.is_up);
	outputs_close(o, 1000);
}

/* Nobody reads: emitting goes on at full speed, closing does not hang, and lines stay whole. */
static void a_stalled_reader_holds_up_nobody(void **state)
{
	struct output_config c = {.kind = OUTPUT_STDOUT, .timeout_ms = 20};
	struct taken_stdout t = take_stdout();
	struct outputs *o = open_one(&c, NULL, 5000);
	char *text = calloc(1, 1 << 20);
	size_t len = 0;
	ssize_t n;

	fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 4096);
	uint64_t start = clock_boot_ns();
	for (unsigned i = 1; i <= 2000; i++)
		emit_number(o, i);
	uint64_t took = clock_boot_ns() - start;
	usleep(60000);
	struct output_counters before = counters_of(o);
	/* now somebody reads a part, then all */
	while (len < 50000 && (n = read(t.fd, text + len, 4096)) > 0)
		len += (size_t)n;
	start = clock_boot_ns();
	outputs_close(o, 50);
	uint64_t closing = clock_boot_ns() - start;
	give_back_stdout(t);
	while ((n = read(t.fd, text + len, 65536)) > 0)
		len += (size_t)n;
	close(t.fd);

	assert_true(took < NSEC_PER_SEC && closing < NSEC_PER_SEC);
	assert_true(before.failed_tries > 0 && !before.is_up);
	char *rest = text, *line;
	unsigned want = 1;
	while ((line = strsep(&rest, "\n")) && rest)
		assert_int_equal(number_of(line), want++);
	assert_true(want > 500);
	free(text);
}

/* ---- programs -------------------------------------------------------------------------------- */

static void a_program_that_stays_reads_lines(void **state)
{
	struct buf command = BUF_INIT(1024);

	buf_printf(&command, "while read -r l; do echo \"$$ $l\" >> %s/out; done", (char *)*state);
	struct output_config c = {.kind = OUTPUT_PROGRAM, .command = command.s, .keep_alive = true};
	struct outputs *o = open_one(&c, NULL, 0);
	for (unsigned n = 1; n <= 100; n++)
		emit_number(o, n);
	outputs_close(o, 5000);
	char *text = slurp(in_dir(*state, "out"));
	unsigned long pid = strtoul(text, NULL, 10);
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")) && *line)
		assert_int_equal(strtoul(line, NULL, 10), pid);
	free(text);
	assert_lines(in_dir(*state, "out"), 1, 100);
	buf_done(&command);
}

static void a_program_a_finding_sees_the_end(void **state)
{
	struct buf command = BUF_INIT(1024);

	buf_printf(&command, "cat >> %s/out; echo >> %s/runs", (char *)*state, (char *)*state);
	struct output_config c = {.kind = OUTPUT_PROGRAM, .command = command.s};
	struct outputs *o = open_one(&c, NULL, 0);
	for (unsigned n = 1; n <= 10; n++)
		emit_number(o, n);
	wait_until(o, now.sent == 10);
	outputs_close(o, 1000);
	assert_lines(in_dir(*state, "out"), 1, 10);
	char *runs = slurp(in_dir(*state, "runs"));
	assert_int_equal(strlen(runs), 10);
	free(runs);
	buf_done(&command);
}

/* It dies after each line, without reading on: the next line starts it again, nothing is lost. */
static void a_program_that_dies_is_started_again(void **state)
{
	struct buf command = BUF_INIT(1024);

	buf_printf(&command, "read -r l; echo \"$l\" >> %s/out", (char *)*state);
	struct output_config c = {.kind = OUTPUT_PROGRAM, .command = command.s, .keep_alive = true};
	struct outputs *o = open_one(&c, NULL, 0);
	for (unsigned n = 1; n <= 5; n++) {
		struct stat st;
		off_t size = stat(in_dir(*state, "out"), &st) == 0 ? st.st_size : 0;

		emit_number(o, n);
		wait_until(o, now.sent == n);
		for (int i = 0; i < 1000; i++) { /* until the program has written and gone */
			if (stat(in_dir(*state, "out"), &st) == 0 && st.st_size > size)
				break;
			usleep(2000);
		}
		usleep(20000);
	}
	assert_true(counters_of(o).failed_tries >= 4);
	outputs_close(o, 1000);
	assert_lines(in_dir(*state, "out"), 1, 5);
	buf_done(&command);
}

static void a_program_that_hangs_is_stopped(void **state)
{
	struct output_config c = {
		.kind = OUTPUT_PROGRAM, .command = "sleep 1000", .timeout_ms = 50};
	struct outputs *o = open_one(&c, NULL, 0);
	uint64_t start = clock_boot_ns();

	emit_number(o, 1);
	wait_until(o, now.refused == 1);
	assert_balanced(o, 0);
	/* one that stays and never reads: its pipe runs full */
	outputs_close(o, 100);
	c.keep_alive = true;
	o = open_one(&c, NULL, 8000);
	for (unsigned n = 1; n <= 4000; n++)
		emit_number(o, n);
	wait_until(o, now.failed_tries >= 1);
	outputs_close(o, 10);
	assert_true(clock_boot_ns() - start < 5 * NSEC_PER_SEC);
}

/* ---- all together ---------------------------------------------------------------------------- */

static void one_output_does_not_wait_for_another(void **state)
{
	const struct output_config c[] = {
		{.kind = OUTPUT_FILE, .path = in_dir(*state, "a")},
		{.kind = OUTPUT_PROGRAM, .command = "sleep 1000", .timeout_ms = 100000},
		{.kind = OUTPUT_FILE, .path = in_dir(*state, "b")},
	};
	struct outputs_options opts = {.outputs = c, .noutputs = 3};
	struct outputs *o = NULL;
	struct output_counters n[3];
	struct err e = {0};

	assert_ok(&e, outputs_open_tuned(&opts, &quick, &o, &e));
	for (unsigned i = 1; i <= 500; i++)
		emit_number(o, i);
	wait_until(o, outputs_counters(o, n, 3) == 3 && n[0].sent == 500 && n[2].sent == 500);
	assert_string_equal(n[0].name, "file");
	assert_string_equal(n[2].name, "file-2");
	assert_int_equal(n[1].sent, 0);
	uint64_t start = clock_boot_ns();
	outputs_close(o, 10);
	assert_true(clock_boot_ns() - start < 4 * NSEC_PER_SEC);
}

static _Atomic uint64_t test_now_ns;
static uint64_t test_clock(void)
{
	return test_now_ns;
}

static void repeats_are_folded(void **state)
{
	struct outputs_tuning t = quick;
	struct output_config c = {
		.kind = OUTPUT_FILE, .path = in_dir(*state, "out"), .fold = true, .fold_ms = 30000};
	struct outputs_options opts = {.outputs = &c, .noutputs = 1};
	struct outputs *o = NULL;
	struct err e = {0};

	t.now_ns = test_clock;
	test_now_ns = NSEC_PER_SEC;
	assert_ok(&e, outputs_open_tuned(&opts, &t, &o, &e));
	for (int i = 0; i < 10; i++)
		emit_number(o, 1);
	emit_number(o, 2);
	wait_until(o, now.sent == 2);
	assert_int_equal(counters_of(o).folded, 8);
	assert_balanced(o, 1);
	test_now_ns = 40 * NSEC_PER_SEC; /* the keeper notices */
	wait_until(o, now.sent == 3);
	assert_balanced(o, 0);
	emit_number(o, 1);
	assert_balanced(o, 1);
	outputs_close(o, 1000); /* closing ends all windows */
	char *text = slurp(c.path);
	assert_non_null(strstr(text, "number 1. (repeated 9 times in 30 s)\n"));
	assert_non_null(strstr(text, "number 1. (repeated 1 time in 30 s)\n"));
	free(text);
}

static void emitting_allocates_nothing(void **state)
{
#if IS_SANITIZED
	print_message("# skipped: needs a build without sanitizers\n");
	return;
#endif
	struct output_config c[2] = {
		{.kind = OUTPUT_FILE, .path = "/dev/null", .json = true, .fold = true},
		{.kind = OUTPUT_SYSLOG, .address = "udp://127.0.0.1:9"}};
	struct outputs_options opts = {.outputs = c, .noutputs = 2};
	struct outputs *o = NULL;
	struct err e = {0};

	assert_ok(&e, outputs_open_tuned(&opts, &quick, &o, &e));
	/* every entry of the fold table has had a repeat: warm */
	for (unsigned n = 0; n < 3000; n++) {
		emit_number(o, n);
		emit_number(o, n);
	}
	unsigned long before = nmallocs;
	for (unsigned n = 0; n < 3000; n++) {
		emit_number(o, n);
		emit_number(o, n);
	}
	assert_int_equal(nmallocs - before, 0);
	outputs_close(o, 0);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(a_file_gets_every_line),
		IN_DIR(json_is_one_object_a_line),
		IN_DIR(closing_drains),
		IN_DIR(a_file_rotates_by_size),
		IN_DIR(a_moved_file_is_followed_or_reopened),
		IN_DIR(bad_configurations_are_said),
		IN_DIR(a_full_disk_is_waited_for),
		IN_DIR(what_fits_nowhere_is_counted),
		IN_DIR(a_full_spool_keeps_the_oldest),
		IN_DIR(a_killed_process_keeps_its_spool),
		IN_DIR(stdout_ends_when_its_reader_goes),
		IN_DIR(a_stalled_reader_holds_up_nobody),
		IN_DIR(a_program_that_stays_reads_lines),
		IN_DIR(a_program_a_finding_sees_the_end),
		IN_DIR(a_program_that_dies_is_started_again),
		IN_DIR(a_program_that_hangs_is_stopped),
		IN_DIR(one_output_does_not_wait_for_another),
		IN_DIR(repeats_are_folded),
		IN_DIR(emitting_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
