/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that die, hang, take too much memory or say nonsense: the parent notices and goes on. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sanitized.h"
#include "scan/image/worker.h"
#include "tars.h"

/* Does what the member's name says. */
static void do_it(void *self, const struct file_view *v, struct ledger *l)
{
	struct str path = v->file->path;

	if (str_is(path, "/crash"))
		raise(SIGSEGV);
	if (str_is(path, "/leave"))
		_exit(7);
	if (str_is(path, "/open"))
		assert_int_equal(access("/etc/passwd", R_OK), -1);
	if (str_is(path, "/hang"))
		for (;;)
			*(volatile int *)&(int){0} = 1;
	if (str_is(path, "/hog")) {
		size_t n = 0;

		while (n < 4000 && malloc(1 << 20))
			n++;
		if (n < 4000)
			ledger_gap(l, "no memory", true);
	}
	const struct artifact_finding f = {
		.check = STR("test-seen"), .title = path, .severity = ARTIFACT_LOW};
	ledger_find(l, &f);
}

static const struct analyzer_ops doer = {.name = "doer", .doc = "", .file = do_it};

static const struct scan_limits limits = {.max_layer_bytes = 1 << 30,
	.max_file_bytes = 100 << 20,
	.max_members = 1000,
	.max_depth = 4,
	.max_ratio = 200,
	.max_memory_bytes = 160 << 20,
	.max_layer_s = 1,
	.max_findings = 100};

static struct analyzer_set set = {.ops = {&doer}, .n = 1};

/* With one that has nothing to do with it. */
static void idle(void *self, const struct file_view *v, struct ledger *l)
{
}

static const struct analyzer_ops idler = {.name = "idler", .doc = "", .file = idle};
static struct analyzer_set two = {.ops = {&idler, &doer}, .n = 2};

static ptrdiff_t feed(void *arg, void *to, size_t size, struct err *e)
{
	struct blocks *b = arg;
	size_t left = b->s.len - b->at, n = left < b->step ? left : b->step;

	n = n < size ? n : size;
	memcpy(to, b->s.s + b->at, n);
	b->at += n;
	return (ptrdiff_t)n;
}

/* A layer with one member of this name. */
static int read_one(struct scan_worker *w, const char *name, struct arena *a,
	struct layer_report *l, struct err *e)
{
	struct tar t;
	int fed;

	tar_open(&t, false);
	tar_add(&t, name, S_IFREG, STR("content"));
	tar_end(&t);
	struct blocks b = {str_make(t.memory, t.used), 0, 1000};
	int r = scan_worker_layer(w, feed, &b, a, l, &fed, e);
	tar_done(&t);
	return r;
}

static void reads(const struct analyzer_set *who, unsigned threads)
{
	struct scan_worker *w;
	struct layer_report l;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 0);
	assert_int_equal(scan_worker_start(who, &limits, threads, &w, &e), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read_one(w, i ? "open" : "fine", &a, &l, &e), 0);
		assert_int_equal(l.found.nfindings, 1);
		assert_true(str_starts(l.diff_id, STR("sha256:")));
		assert_int_equal(l.found.coverage.ngaps, 0);
		assert_false(l.is_partial);
	}
	scan_worker_stop(w);
	arena_done(&a);
}

static void reads_layers(void **state)
{
	reads(&set, 1);
	reads(&two, 2);
}

static void dies_in(
	const struct analyzer_set *who, unsigned threads, const char *name, const char *why)
{
	struct scan_worker *w;
	struct layer_report l;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 0);
	assert_int_equal(scan_worker_start(who, &limits, threads, &w, &e), 0);
	assert_int_equal(read_one(w, name, &a, &l, &e), -ECHILD);
	assert_non_null(strstr(e.msg, why));
	assert_non_null(strstr(e.msg, "\"doer\""));
	assert_non_null(strstr(e.msg, name));
	scan_worker_stop(w);
	arena_done(&a);
}

static void dies(const char *name, const char *why)
{
	dies_in(&set, 1, name, why);
	dies_in(&two, 2, name, why);
}

static void dies_of_a_crash(void **state)
{
	dies("crash", "Segmentation fault");
}

static void dies_of_leaving(void **state)
{
	dies("leave", "ended with 7");
}

static void dies_of_hanging(void **state)
{
	dies("hang", "its time was over");
}

static void survives_no_memory(void **state)
{
	struct scan_worker *w;
	struct layer_report l;
	struct arena a;
	struct err e = {0};

	if (IS_SANITIZED)
		skip();
	arena_init(&a, 0);
	assert_int_equal(scan_worker_start(&set, &limits, 1, &w, &e), 0);
	assert_int_equal(read_one(w, "hog", &a, &l, &e), 0);
	assert_int_equal(l.found.coverage.ngaps, 1);
	scan_worker_stop(w);
	arena_done(&a);
}

/* A bomb is answered while it is still being sent. */
static void stops_early(void **state)
{
	struct scan_worker *w;
	struct layer_report l;
	struct arena a;
	struct err e = {0};
	struct tar t;
	struct scan_limits few = limits;
	int fed;
	char *big = malloc(1 << 20);

	few.max_members = 2;
	memset(big, 'x', 1 << 20);
	arena_init(&a, 0);
	tar_open(&t, false);
	for (int i = 0; i < 60; i++)
		tar_add(&t, "f", S_IFREG, str_make(big, 1 << 20));
	tar_end(&t);
	struct blocks b = {str_make(t.memory, t.used), 0, 1 << 20};
	assert_int_equal(scan_worker_start(&set, &few, 1, &w, &e), 0);
	assert_int_equal(scan_worker_layer(w, feed, &b, &a, &l, &fed, &e), 0);
	assert_int_equal(l.found.findings[l.found.nfindings - 1].label, LABEL_HOSTILE);
	assert_true(l.is_partial);
	assert_true(b.at < b.s.len);
	/* and the worker is ready for the next */
	assert_int_equal(read_one(w, "fine", &a, &l, &e), 0);
	assert_int_equal(l.found.nfindings, 1);
	scan_worker_stop(w);
	tar_done(&t);
	free(big);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_layers),
		cmocka_unit_test(dies_of_a_crash),
		cmocka_unit_test(dies_of_leaving),
		cmocka_unit_test(dies_of_hanging),
		cmocka_unit_test(survives_no_memory),
		cmocka_unit_test(stops_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
