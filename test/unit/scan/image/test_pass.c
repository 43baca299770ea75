/* SPDX-License-Identifier: Apache-2.0 */
/* The pass over archives made in memory: what is shown, in which windows, and where it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tars.h"

/* ---- an analyzer that writes down ----------------------------------------------------------- */

struct seen {
	struct buf log;    /* a line for each entry and view */
	uint64_t end, sum; /* of the member at hand; of all bytes that are new */
	bool is_open;      /* between first and last */
	unsigned nfirst, nlast, nwindows;
	struct str want; /* only members that end so; empty = all */
};

static void see_entry(void *self, const struct artifact_file *f, struct ledger *l)
{
	static const char kinds[] = "fdlhDpWO";
	struct seen *s = self;

	buf_printf(&s->log, "%c %.*s\n", kinds[f->kind], STR_ARG(f->path));
}

static bool see_wants(void *self, const struct artifact_file *f)
{
	return str_ends(f->path, ((struct seen *)self)->want);
}

static void see_file(void *self, const struct file_view *v, struct ledger *l)
{
	struct seen *s = self;

	assert_true(v->content.len <= ANALYZER_WINDOW);
	assert_int_equal(v->is_first, !s->is_open);
	if (v->is_first)
		s->end = v->offset;
	/* windows overlap, and leave nothing out */
	assert_true(v->offset <= s->end);
	uint64_t end = v->offset + v->content.len;
	s->sum += end > s->end ? end - s->end : 0;
	s->end = end;
	s->is_open = !v->is_last;
	s->nfirst += v->is_first;
	s->nlast += v->is_last;
	s->nwindows++;
	if (v->is_last && v->is_text)
		buf_printf(&s->log, "  text %zu\n", v->content.len);
}

static const struct analyzer_ops see = {
	.name = "see", .doc = "", .wants = see_wants, .entry = see_entry, .file = see_file};

struct world {
	struct seen seen;
	struct analyzer_set set;
	struct scan_limits limits;
	struct ledger *ledger;
	struct pass pass;
	struct layer_report report;
	unsigned threads;
};

static void world_open(struct world *w)
{
	*w = (struct world){.seen.log = BUF_INIT(4 << 20), .threads = 1};
	w->set = (struct analyzer_set){.ops = {&see}, .self = {&w->seen}, .n = 1};
	w->limits = (struct scan_limits){.max_layer_bytes = 1 << 30,
		.max_file_bytes = 100 << 20,
		.max_members = 1000,
		.max_depth = 4,
		.max_ratio = 200,
		.max_layer_s = 900,
		.max_findings = 100};
}

static void world_read(struct world *w, struct str tar, size_t step)
{
	struct blocks b = {tar, 0, step};

	assert_int_equal(ledger_open(&w->limits, &w->ledger), 0);
	assert_int_equal(pass_open(&w->pass, &w->set, &w->limits, w->ledger, NULL, w->threads), 0);
	pass_start(&w->pass);
	pass_layer(&w->pass, (struct byte_source){blocks_next, &b});
	assert_int_equal(ledger_report(w->ledger, &w->report), 0);
}

static void world_done(struct world *w)
{
	pass_close(&w->pass);
	ledger_free(w->ledger);
	buf_done(&w->seen.log);
}

static bool has_check(const struct world *w, const char *check)
{
	for (size_t i = 0; i < w->report.found.nfindings; i++)
		if (str_is(w->report.found.findings[i].check, check))
			return true;
	return false;
}

static bool has_gap(const struct world *w, const char *text)
{
	for (size_t i = 0; i < w->report.found.coverage.ngaps; i++)
		if (str_find(w->report.found.coverage.gaps[i].why, str_of(text)) >= 0)
			return true;
	for (size_t i = 0; i < w->report.found.coverage.ngaps; i++)
		print_message("# gap: %.*s\n", STR_ARG(w->report.found.coverage.gaps[i].why));
	return false;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void names_and_kinds(void **state)
{
	struct world w;
	struct tar t;

	tar_open(&t, false);
	tar_add(&t, "./", S_IFDIR, STR_NULL);
	tar_add(&t, "./etc/./x", S_IFREG, STR("text\n"));
	tar_add(&t, "etc//y", S_IFLNK, STR("x"));
	tar_add(&t, "etc/.wh.z", S_IFREG, STR(""));
	tar_add(&t, "opt/.wh..wh..opq", S_IFREG, STR(""));
	tar_add(&t, ".wh..wh..opq", S_IFREG, STR(""));
	tar_add(&t, ".wh..wh.plnk/7", S_IFREG, STR(""));
	tar_add(&t, "opt/.wh..wh.aufs", S_IFREG, STR(""));
	tar_add(&t, "caf\xc3\xa9/\xff", S_IFREG, STR("x"));
	tar_end(&t);
	for (size_t step = 1; step < 100000; step *= 17) {
		world_open(&w);
		world_read(&w, str_make(t.memory, t.used), step);
		assert_string_equal(w.seen.log.s,
			"d /\nf /etc/x\n  text 5\nl /etc/y\nW /etc/z\nO /opt\nO /\n"
			"f /.wh..wh.plnk/7\n  text 0\nf /caf\xc3\xa9/\\xff\n  text 1\n");
		assert_int_equal(w.report.nwhiteouts, 1);
		assert_int_equal(w.report.nopaques, 2);
		assert_true(layer_has_path(&w.report, str_hash(STR("/etc/y"))));
		assert_true(layer_has_dir(&w.report, str_hash(STR("/"))));
		world_done(&w);
	}
	tar_done(&t);
}

static struct str noise(size_t n)
{
	char *s = malloc(n);
	uint64_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005ULL + 1;
		s[i] = (char)(x >> 56);
	}
	return str_make(s, n);
}

static void windows(void **state)
{
	static const size_t sizes[] = {0, 1, 1000, ANALYZER_WINDOW - 1, ANALYZER_WINDOW,
		ANALYZER_WINDOW + 1, 2 * (size_t)ANALYZER_WINDOW,
		2 * (size_t)ANALYZER_WINDOW - ANALYZER_OVERLAP, 40 << 20};
	struct str big = noise(40 << 20);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct world w;
		struct tar t;

		tar_open(&t, false);
		tar_add(&t, "a", S_IFREG, str_head(big, sizes[i]));
		tar_add(&t, "b", S_IFREG, STR("b"));
		tar_end(&t);
		world_open(&w);
		world_read(&w, str_make(t.memory, t.used), 300000);
		assert_int_equal(w.seen.sum, sizes[i] + 1);
		assert_int_equal(w.seen.nfirst, 2);
		assert_int_equal(w.seen.nlast, 2);
		assert_int_equal(w.report.found.coverage.ngaps, 0);
		assert_int_equal(w.report.found.coverage.read_bytes, sizes[i] + 1);
		world_done(&w);
		tar_done(&t);
	}
	free((char *)big.s);
}

/* Also of an archive that is larger than a window, whole or damaged, all bytes or members are seen.
 */
static void large_archives(void **state)
{
	struct str big = noise(40 << 20);
	struct tar inner, t;

	for (unsigned is_cut = 0; is_cut < 2; is_cut++) {
		struct world w;

		tar_open(&inner, false);
		tar_add(&inner, "m1", S_IFREG, str_head(big, 30 << 20));
		tar_add(&inner, "m2", S_IFREG, STR("end"));
		tar_end(&inner);
		if (is_cut)
			memset(inner.memory + (30 << 20) + 512, 'x', 2048);
		tar_open(&t, false);
		tar_add(&t, "a.tar", S_IFREG, str_make(inner.memory, inner.used));
		tar_add(&t, "after", S_IFREG, STR("b"));
		tar_end(&t);
		world_open(&w);
		world_read(&w, str_make(t.memory, t.used), 1 << 20);
		assert_int_equal(w.seen.nfirst, w.seen.nlast);
		assert_true(str_find(buf_str(&w.seen.log), STR("f /a.tar!/m1\n")) >= 0);
		assert_true(is_cut || str_find(buf_str(&w.seen.log), STR("f /a.tar!/m2\n")) >= 0);
		assert_true(str_find(buf_str(&w.seen.log), STR("f /after\n")) >= 0);
		assert_int_equal(has_gap(&w, "damaged archive"), is_cut);
		world_done(&w);
		tar_done(&inner);
		tar_done(&t);
	}
	free((char *)big.s);
}

static void too_many_members(void **state)
{
	struct world w;
	struct tar t;

	tar_open(&t, false);
	for (int i = 0; i < 60; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		tar_add(&t, name, S_IFREG, STR("x"));
	}
	tar_end(&t);
	world_open(&w);
	w.limits.max_members = 50;
	world_read(&w, str_make(t.memory, t.used), 4096);
	assert_true(has_check(&w, "archive-members"));
	assert_true(has_gap(&w, "too many members"));
	assert_int_equal(w.report.nfiles, 50);
	world_done(&w);
	world_open(&w);
	w.limits.max_members = 60;
	world_read(&w, str_make(t.memory, t.used), 4096);
	assert_int_equal(w.report.found.nfindings, 0);
	world_done(&w);
	tar_done(&t);
}

static void too_many_bytes(void **state)
{
	struct str big = noise(3 << 20);
	struct world w;
	struct tar t;

	tar_open(&t, false);
	tar_add(&t, "a", S_IFREG, big);
	tar_add(&t, "b", S_IFREG, big);
	tar_add(&t, "c", S_IFREG, STR("c"));
	tar_end(&t);
	world_open(&w);
	w.limits.max_layer_bytes = 4 << 20;
	world_read(&w, str_make(t.memory, t.used), 1 << 20);
	assert_true(has_check(&w, "archive-bomb"));
	assert_true(str_find(buf_str(&w.seen.log), STR("f /c")) < 0);
	world_done(&w);
	world_open(&w);
	w.limits.max_file_bytes = 1 << 20;
	world_read(&w, str_make(t.memory, t.used), 100000);
	assert_true(has_gap(&w, "larger than 1 MiB"));
	assert_int_equal(w.report.found.nfindings, 0);
	assert_int_equal(w.seen.nfirst, 3);
	assert_int_equal(w.seen.nlast, 3);
	world_done(&w);
	tar_done(&t);
	free((char *)big.s);
}

static void nested(struct tar *t, unsigned depth)
{
	struct str inner = STR("the bottom");
	struct tar last = {0};

	for (unsigned i = 0; i < depth; i++) {
		struct tar z;

		tar_open(&z, true);
		tar_add(&z, i ? "inner.zip" : "bottom", S_IFREG, inner);
		inner = tar_end(&z);
		tar_done(&last);
		last = z;
	}
	tar_open(t, false);
	tar_add(t, "a.zip", S_IFREG, inner);
	tar_end(t);
	tar_done(&last);
}

static void depth(void **state)
{
	struct world w;
	struct tar t;

	nested(&t, 4);
	world_open(&w);
	world_read(&w, str_make(t.memory, t.used), 4096);
	assert_true(str_find(buf_str(&w.seen.log),
			    STR("f /a.zip!/inner.zip!/inner.zip!/inner.zip!/bottom\n")) >= 0);
	assert_int_equal(w.report.found.nfindings, 0);
	assert_int_equal(w.report.npaths, 1);
	world_done(&w);
	tar_done(&t);
	nested(&t, 5);
	world_open(&w);
	world_read(&w, str_make(t.memory, t.used), 4096);
	assert_true(has_check(&w, "archive-depth"));
	assert_true(str_find(buf_str(&w.seen.log), STR("/bottom")) < 0);
	world_done(&w);
	tar_done(&t);
}

static void scripts(void **state)
{
	static const char script[] = "#!/bin/sh\nset -e\n# not /a/comment\n"
				     "[ -x /usr/bin/one ] && exec two \"$@\"\nfoo | three -x\n"
				     "X=/opt/four run-parts /etc/five.d\n";
	struct world w;
	struct tar t;
	struct buf words = BUF_INIT(4096);

	tar_open(&t, false);
	tar_add(&t, "run.sh", S_IFREG, str_of(script));
	tar_add(&t, "etc/cron.d/x", S_IFREG, STR("*/5 * * * * root /opt/job --now\n"));
	tar_add(&t, "etc/ld.so.preload", S_IFREG, STR("/lib/x.so\n"));
	tar_add(&t, "data", S_IFREG, STR("/usr/bin/nothing\n"));
	tar_end(&t);
	world_open(&w);
	world_read(&w, str_make(t.memory, t.used), 4096);
	assert_int_equal(w.report.nruns, 3);
	for (size_t i = 0; i < w.report.runs[0].nwords; i++) {
		buf_add(&words, w.report.runs[0].words[i]);
		buf_add_char(&words, ' ');
	}
	assert_true(str_find(buf_str(&words), STR("/bin/sh ")) >= 0);
	assert_true(str_find(buf_str(&words), STR("/usr/bin/one ")) >= 0);
	assert_true(str_find(buf_str(&words), STR("two ")) >= 0);
	assert_true(str_find(buf_str(&words), STR("three ")) >= 0);
	assert_true(str_find(buf_str(&words), STR("/etc/five.d ")) >= 0);
	assert_true(str_find(buf_str(&words), STR("comment")) < 0);
	assert_int_equal(w.report.runs[1].by, STARTER_CRON);
	assert_int_equal(w.report.runs[2].by, STARTER_PRELOAD);
	world_done(&w);
	tar_done(&t);
	buf_done(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_kinds),
		cmocka_unit_test(windows),
		cmocka_unit_test(large_archives),
		cmocka_unit_test(too_many_members),
		cmocka_unit_test(too_many_bytes),
		cmocka_unit_test(depth),
		cmocka_unit_test(scripts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
