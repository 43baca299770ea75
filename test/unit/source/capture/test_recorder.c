/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flight recorder: a file has what came before the finding and after it, and processes that
 * had ended; findings join; the folder keeps its limit; the ring forgets the oldest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/capture/capture.h"
#include "base/byte_ring.h"

static struct state *live, *seen;
static struct arena arena;
static struct err err;
static char dir[64];

static struct state *make_state(void)
{
	struct state_options o = {.no_proc = true, .descriptors = true};

	return state_new(&o, &err);
}

static void add(uint32_t pid, struct str comm)
{
	struct process p = {.pid = pid, .ppid = 1, .vpid = pid, .comm = comm, .exe = comm};

	assert_int_equal(state_add_thread(live, pid, pid, &p), 0);
}

static int set_up(void **state)
{
	err = (struct err){0};
	arena_init(&arena, 1 << 24);
	snprintf(dir, sizeof(dir), "/tmp/koban-recorder-XXXXXX");
	assert_non_null(mkdtemp(dir));
	live = make_state();
	seen = make_state();
	add(100, STR("stays"));
	add(200, STR("ends"));
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	state_free(live);
	state_free(seen);
	arena_done(&arena);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct recorder *make_recorder(struct recorder_options o)
{
	struct recorder *r = NULL;

	o.dir = dir;
	o.ring_bytes = o.ring_bytes ? o.ring_bytes : 1 << 20;
	int n = recorder_new(&o, live, &r, &err);
	if (n < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(n, 0);
	return r;
}

static int64_t zero;

static void happen(struct recorder *r, uint64_t s, uint32_t pid, uint16_t code)
{
	struct event ev = {.ts_ns = s * NSEC_PER_SEC,
		.pid = pid,
		.tid = pid,
		.code = code,
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.def = event_def(code)};

	ev.nparams = ev.def->nparams;
	ev.params[0] = str_make((char *)&zero, 8);
	recorder_event(r, &ev, state_apply(live, &ev));
}

/* The seconds of all events, and what is known of process 200 when the file begins. */
static unsigned read_times(const char *path, uint64_t *times, char *name, size_t size)
{
	struct capture_options o = {.state = seen};
	struct capture *c;
	struct event ev;
	unsigned n = 0;
	int r = capture_open(path, &o, &c, &err);

	if (r < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
	while ((r = capture_next(c, &arena, &ev, &err)) > 0) {
		if (!n && name) {
			const struct process *p = state_process_by_pid(seen, 200);

			str_copy(p ? p->comm : STR_NULL, name, size);
		}
		times[n++] = ev.ts_ns / NSEC_PER_SEC;
	}
	assert_int_equal(r, 0);
	capture_close(c);
	return n;
}

static void test_before_and_after(void **state)
{
	struct recorder *r = make_recorder((struct recorder_options){
		.before_ns = 10 * NSEC_PER_SEC, .after_ns = 5 * NSEC_PER_SEC});
	char path[300], name[16] = "";
	uint64_t times[32];

	happen(r, 80, 100, EV_CLOSE); /* too long ago */
	happen(r, 91, 200, EV_CLOSE);
	happen(r, 95, 200, EV_PROCEXIT);
	happen(r, 100, 100, EV_CLOSE);
	assert_true(str_copy(recorder_fire(r, 100 * NSEC_PER_SEC, STR("A shell, in a Box!"), 0),
		path, sizeof(path)));
	assert_non_null(strstr(path, "19700101T000140.000000000Z-a-shell-in-a-box.scap"));
	happen(r, 104, 100, EV_CLOSE);
	happen(r, 106, 100, EV_CLOSE); /* later than that */
	recorder_free(r);
	assert_int_equal(read_times(path, times, name, sizeof(name)), 4);
	assert_int_equal(times[0], 91);
	assert_int_equal(times[1], 95);
	assert_int_equal(times[2], 100);
	assert_int_equal(times[3], 104);
	assert_string_equal(name, "ends");
}

static void test_findings_join(void **state)
{
	struct recorder *r = make_recorder(
		(struct recorder_options){.after_ns = 5 * NSEC_PER_SEC, .writer.gzip = true});
	char first[300], second[300];
	uint64_t times[32];

	happen(r, 100, 100, EV_CLOSE);
	str_copy(recorder_fire(r, 100 * NSEC_PER_SEC, STR("one"), 0), first, sizeof(first));
	happen(r, 104, 100, EV_CLOSE);
	str_copy(recorder_fire(r, 104 * NSEC_PER_SEC, STR("two"), 0), second, sizeof(second));
	assert_string_equal(first, second);
	happen(r, 108, 100, EV_CLOSE);
	happen(r, 110, 100, EV_CLOSE);
	/* the first is over: a file of its own, with what came before */
	str_copy(recorder_fire(r, 110 * NSEC_PER_SEC, STR("three"), NSEC_PER_SEC), second,
		sizeof(second));
	assert_string_not_equal(first, second);
	assert_int_equal(recorder_counters(r).recordings, 2);
	recorder_tick(r, 112 * NSEC_PER_SEC);
	recorder_free(r);
	assert_int_equal(read_times(first, times, NULL, 0), 3);
	assert_int_equal(read_times(second, times, NULL, 0), 4);
}

static unsigned count_files(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void test_folder_limit(void **state)
{
	struct recorder *r = make_recorder(
		(struct recorder_options){.after_ns = NSEC_PER_SEC, .max_dir_bytes = 1});
	char other[128];

	snprintf(other, sizeof(other), "%s/notes.txt", dir);
	fclose(fopen(other, "w"));
	for (unsigned i = 1; i < 5; i++) {
		happen(r, 100 * i, 100, EV_CLOSE);
		recorder_fire(r, 100 * i * NSEC_PER_SEC, STR("again"), 0);
	}
	recorder_free(r);
	/* the newest one and what is not the recorder's */
	assert_int_equal(count_files(), 2);
	assert_int_equal(access(other, F_OK), 0);
}

static void test_ring_forgets(void **state)
{
	struct byte_ring r;
	struct ring_piece p;
	uint8_t data[100];
	size_t pos = 0;
	uint64_t last = 0, n = 0;

	assert_int_equal(byte_ring_init(&r, 1000), 0);
	assert_int_equal(byte_ring_push(&r, 1, data, 600), 0); /* more than half of it */
	for (unsigned i = 1; i <= 1000; i++) {
		memset(data, (int)(i & 0xff), sizeof(data));
		assert_int_equal(byte_ring_push(&r, i, data, 1 + i % 100), 1);
	}
	while (byte_ring_next(&r, &pos, &p)) {
		assert_true(!last || p.ts_ns == last + 1);
		last = p.ts_ns;
		assert_int_equal(p.len, 1 + last % 100);
		for (size_t i = 0; i < p.len; i++)
			assert_int_equal(p.p[i], last & 0xff);
		n++;
	}
	assert_int_equal(last, 1000);
	assert_int_equal(n + r.evicted, 1000);
	assert_true(n > 5);
	byte_ring_done(&r);
}

static void test_no_folder(void **state)
{
	struct recorder_options o = {.dir = "/proc/no/such"};
	struct recorder *r;

	assert_true(recorder_new(&o, live, &r, &err) < 0);
	assert_non_null(strstr(err.msg, "/proc/no/such"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_before_and_after), T(test_findings_join),
		T(test_folder_limit), T(test_ring_forgets), T(test_no_folder)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
