/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crew: however many threads there are, each analyzer sees the same things in the same order,
 * and the report is the same to the byte. Analyzers here remember what they saw, say much, and
 * linger at odd places, so that threads overtake one another.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tars.h"

enum { NANALYZERS = 4, SMALL_FILES = 2000, MEMORY = 64 << 20 };

/* ---- analyzers that remember ---------------------------------------------------------------- */

struct watcher {
	unsigned which;
	uint64_t steps, hash; /* of all that it saw, in order */
	unsigned linger;      /* a number that decides where it is slow */
	struct buf tail;      /* of the member before */
};

static void see(struct watcher *w, struct str what)
{
	w->hash = hash_u64(w->hash ^ str_hash(what)) + w->steps++;
	w->linger = w->linger * 1103515245 + 12345;
	for (unsigned i = 0; i < (w->linger >> 16) % 64; i++)
		if (i > 60)
			sched_yield();
}

static void watch_entry(void *self, const struct artifact_file *f, struct ledger *l)
{
	struct watcher *w = self;

	see(w, f->path);
	see(w, f->target);
	/* something of the member before, which must still be known */
	if (w->steps % 97 == 0)
		ledger_find(l, &(struct artifact_finding){.check = STR("test-before"),
				       .severity = ARTIFACT_LOW,
				       .title = buf_str(&w->tail)});
	buf_clear(&w->tail);
	buf_add(&w->tail, f->path);
}

static void watch_file(void *self, const struct file_view *v, struct ledger *l)
{
	struct watcher *w = self;
	struct arena *a = ledger_arena(l);
	struct artifact_pair fact = {STR("size"),
		arena_printf(a, "%llu", (unsigned long long)v->offset + v->content.len)};

	see(w, v->content);
	see(w, v->file->path);
	if (w->which == 0 && v->is_last)
		assert_true(v->has_sha256);
	if (w->hash % 5 == w->which)
		ledger_find(l, &(struct artifact_finding){
				       .check = arena_printf(a, "test-%u-%u", w->which,
					       (unsigned)(w->hash >> 32) % 8),
				       .severity = (enum artifact_severity)(w->hash % 5),
				       .title = arena_str(a, STR("was seen")),
				       .facts = &fact,
				       .nfacts = 1,
			       });
	if (w->hash % 7 == w->which)
		ledger_gap(l, w->hash % 2 ? "an odd one" : "an even one", w->which & 1);
	if (w->which >= 2 && v->is_text) {
		ledger_runs(l, STR("sh"));
		ledger_runs(l, arena_printf(a, "by-%u", w->which));
	}
	if (w->which == 3)
		ledger_distro(l, &(struct artifact_distro){.id = v->file->path});
}

static void watch_end(void *self, struct ledger *l)
{
	struct watcher *w = self;

	ledger_find(l, &(struct artifact_finding){.check = STR("test-end"),
			       .severity = ARTIFACT_HIGH,
			       .title = arena_printf(ledger_arena(l), "%llu steps, %016llx",
				       (unsigned long long)w->steps, (unsigned long long)w->hash)});
	w->steps = w->hash = 0;
	buf_clear(&w->tail);
}

static bool watch_wants_some(void *self, const struct artifact_file *f)
{
	return str_hash(f->path) % 3 != 0;
}

static bool watch_wants_sha256(void *self)
{
	return ((struct watcher *)self)->which == 0;
}

static const struct analyzer_ops watchers[NANALYZERS] = {
	{.name = "one",
		.file = watch_file,
		.wants_sha256 = watch_wants_sha256,
		.layer_end = watch_end},
	{.name = "two", .entry = watch_entry, .file = watch_file, .layer_end = watch_end},
	{.name = "three",
		.entry = watch_entry,
		.file = watch_file,
		.wants = watch_wants_some,
		.layer_end = watch_end},
	{.name = "four", .file = watch_file, .layer_end = watch_end},
};

/* ---- a layer with something of everything --------------------------------------------------- */

static char *noise(size_t n)
{
	char *s = malloc(n);
	uint64_t x = 7;

	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005ULL + 1;
		s[i] = (char)(x >> 56);
	}
	return s;
}

static struct str make_layer(struct tar *t, const char *content)
{
	struct tar inner;
	char name[64], text[64];

	tar_open(&inner, true);
	tar_add(&inner, "a.sh", S_IFREG, STR("#!/bin/sh\nexec /bin/inner\n"));
	tar_add(&inner, "b", S_IFREG, str_make(content, 900000));
	tar_end(&inner);
	tar_open(t, false);
	for (int i = 0; i < SMALL_FILES; i++) {
		size_t size = (size_t)(i * 7919) % 1500;

		snprintf(name, sizeof(name), "d%d/%d%s", i % 50, i, i % 9 ? "" : ".sh");
		snprintf(text, sizeof(text), "#!/bin/sh\nexec /bin/%d\n", i);
		if (i % 9 == 0)
			tar_add(t, name, S_IFREG, str_of(text));
		else if (i % 11 == 0)
			tar_add(t, name, S_IFLNK, STR("to/somewhere"));
		else
			tar_add(t, name, S_IFREG, str_make(content + i, size));
		/* none fits into a batch; some are larger than a window */
		if (i % 250 == 0)
			tar_add(t, "large", S_IFREG,
				str_make(content + i, 150000 + (size_t)i * 13000));
		if (i % 500 == 0)
			tar_add(t, "a.jar", S_IFREG, str_make(inner.memory, inner.used));
	}
	tar_done(&inner);
	return tar_end(t);
}

/* ---- the report ----------------------------------------------------------------------------- */

struct world {
	struct watcher self[NANALYZERS];
	struct analyzer_set set;
	struct scan_limits limits;
	struct ledger *ledger;
	struct pass pass;
};

static void world_open(struct world *w, unsigned threads)
{
	*w = (struct world){.limits = {.max_layer_bytes = 1 << 30,
				    .max_file_bytes = 100 << 20,
				    .max_members = 100000,
				    .max_depth = 4,
				    .max_ratio = 200,
				    .max_layer_s = 900,
				    .max_findings = 1000}};
	for (unsigned i = 0; i < NANALYZERS; i++) {
		w->self[i] = (struct watcher){
			.which = i, .linger = i + threads, .tail = BUF_INIT(1 << 16)};
		w->set.ops[i] = &watchers[i];
		w->set.self[i] = &w->self[i];
	}
	w->set.n = NANALYZERS;
	assert_int_equal(ledger_open(&w->limits, &w->ledger), 0);
	assert_int_equal(pass_open(&w->pass, &w->set, &w->limits, w->ledger, NULL, threads), 0);
	pass_start(&w->pass);
}

static void world_read(struct world *w, struct str tar, struct buf *json)
{
	struct blocks b = {tar, 0, 512 << 10};
	struct layer_report report;

	pass_layer(&w->pass, (struct byte_source){blocks_next, &b});
	assert_int_equal(ledger_report(w->ledger, &report), 0);
	assert_true(report.found.nfindings > 500);
	assert_true(report.found.coverage.ngaps >= 4);
	assert_true(report.nruns > SMALL_FILES / 9);
	report.diff_id = STR("");
	buf_clear(json);
	layer_report_to_json(&report, json);
	assert_false(json->cut);
	ledger_reset(w->ledger);
}

/* The threads end with the process, so what they use is not freed. */
static void same_with_any_number_of_threads(void **state)
{
	static struct world worlds[CREW_MAX + 1];
	struct buf one = BUF_INIT(MEMORY), many = BUF_INIT(MEMORY);
	char *content = noise(41 << 20);
	struct tar t;
	struct str layer = make_layer(&t, content);

	world_open(&worlds[1], 1);
	world_read(&worlds[1], layer, &one);
	assert_true(one.len > 100000);
	for (unsigned threads = 1; threads <= CREW_MAX; threads++) {
		if (threads > 1)
			world_open(&worlds[threads], threads);
		for (int i = 0; i < 2; i++) {
			world_read(&worlds[threads], layer, &many);
			assert_int_equal(many.len, one.len);
			assert_memory_equal(many.s, one.s, one.len);
		}
	}
	buf_done(&one);
	buf_done(&many);
	tar_done(&t);
	free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_with_any_number_of_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
