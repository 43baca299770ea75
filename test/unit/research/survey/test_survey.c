/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A survey: the queue that a crash does not empty, one image under two names, shares with their
 * intervals, and a file that is something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "research/survey/survey.h"

static char folder[] = "/tmp/koban-survey-XXXXXX", path[100];

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/s.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT: a folder of our own */
}

static struct survey *open_it(void)
{
	struct survey *s = NULL;
	struct err e = {0};

	if (survey_open(path, SURVEY_WRITE, &s, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

static void add(struct survey *s, const char *ref)
{
	struct str one = str_of(ref);

	assert_int_equal(survey_add(s, &one, 1, NULL), 0);
}

static void take(struct survey *s, const char *wanted, unsigned wanted_tries)
{
	unsigned tries = 99;
	struct str ref;
	struct arena a;

	arena_init(&a, 0);
	assert_int_equal(survey_take(s, &a, &ref, &tries, NULL), wanted ? 1 : 0);
	if (wanted) {
		assert_true(str_is(ref, wanted));
		assert_int_equal(tries, wanted_tries);
	}
	arena_done(&a);
}

static const struct artifact_pair wallet[] = {{STR("wallet"), STR("4A")}};
static const struct artifact_finding mined[] = {{.check = STR("miner-config"),
	.label = LABEL_CRYPTOMINING,
	.severity = ARTIFACT_CRITICAL,
	.place = PLACE_FILE,
	.path = STR("/c"),
	.deleted_in = -1,
	.facts = wallet,
	.nfacts = 1}};
static const struct artifact_layer layers[] = {
	{.digest = STR("sha256:l"), .diff_id = STR("sha256:d")}};

static struct artifact_report report_of(const char *digest, uint32_t labels)
{
	return (struct artifact_report){.image = {.ref = STR("x"),
						.digest = str_of(digest),
						.layers = layers,
						.nlayers = 1},
		.findings = mined,
		.nfindings = labels ? 1 : 0,
		.labels = labels,
		.verdict = labels ? VERDICT_MALICIOUS : VERDICT_CLEAN,
		.reason = STR("because"),
		.scanned_ns = UINT64_C(1700000000000000000)};
}

static void done(struct survey *s, const char *ref, const char *digest, uint32_t labels)
{
	struct artifact_report r = report_of(digest, labels);
	struct err e = {0};

	if (survey_done(s, str_of(ref), &r, &e) < 0)
		fail_msg("%s", e.msg);
}

static void what_was_taken_comes_back(void **state)
{
	struct survey *s = open_it();

	add(s, "a");
	add(s, "b");
	add(s, "a");
	take(s, "a", 0);
	survey_close(s); /* as if it had died: nobody said what became of it */
	s = open_it();
	take(s, "b", 0); /* what was never tried goes first */
	take(s, "a", 1);
	take(s, NULL, 0);
	assert_int_equal(survey_give_back(s, STR("a"), NULL), 0);
	take(s, "a", 1);
	assert_int_equal(survey_failed(s, STR("a"), "away", true, NULL), 0);
	take(s, "a", 2);
	assert_int_equal(survey_failed(s, STR("a"), "gone", false, NULL), 0);
	take(s, NULL, 0);
	assert_int_equal(survey_redo(s, true, NULL), 0);
	take(s, "a", 0);
	survey_close(s);
	unlink(path);
}

static void one_writer_many_readers(void **state)
{
	struct survey *s = open_it(), *other = NULL;
	struct err e = {0};

	assert_int_equal(survey_open(path, SURVEY_WRITE, &other, &e), -EBUSY);
	assert_non_null(strstr(e.msg, path));
	assert_int_equal(survey_open(path, SURVEY_READ, &other, &e), 0);
	survey_close(other);
	survey_close(s);
	unlink(path);
	assert_int_equal(survey_open(path, SURVEY_READ, &other, &e), -ENOENT);
}

static void images_are_counted_once(void **state)
{
	struct survey *s = open_it();
	struct survey_stats st;
	struct arena a;

	arena_init(&a, 0);
	for (int i = 0; i < 4; i++) {
		char ref[2] = {(char)('a' + i), 0};

		add(s, ref);
	}
	done(s, "a", "sha256:1", 1U << LABEL_CRYPTOMINING | 1U << LABEL_SECRETS);
	done(s, "b", "sha256:1",
		1U << LABEL_CRYPTOMINING | 1U << LABEL_SECRETS); /* the same image */
	done(s, "c", "sha256:2", 1U << LABEL_CRYPTOMINING);
	done(s, "d", "sha256:3", 0);
	assert_int_equal(survey_stats(s, &a, &st, NULL), 0);
	assert_int_equal(st.counts.done, 4);
	assert_int_equal(st.counts.images, 3);
	assert_int_equal(st.counts.malicious, 2);
	assert_int_equal(st.flagged, 2);
	assert_int_equal(st.labels, 3);
	for (size_t i = 0; i < st.ntables; i++) {
		const struct survey_table *t = &st.tables[i];

		if (strcmp(t->name, "categories") == 0) {
			assert_int_equal(t->base, 2);
			assert_true(str_is(t->rows[0].name, "cryptomining"));
			assert_int_equal(t->rows[0].images, 2);
			assert_true(fabs(t->rows[0].label_share - 2.0 / 3) < 1e-9);
		}
		if (strcmp(t->name, "wallets") == 0)
			assert_int_equal(t->rows[0].images, 2);
		if (strcmp(t->name, "bad-layers") == 0)
			assert_true(str_is(t->rows[0].name, "sha256:d"));
	}
	/* scanned again, it is clean now */
	done(s, "c", "sha256:2", 0);
	assert_int_equal(survey_stats(s, &a, &st, NULL), 0);
	assert_int_equal(st.flagged, 1);
	struct artifact_report back;
	assert_int_equal(survey_report(s, STR("b"), &a, &back, NULL), 0);
	assert_true(str_is(back.reason, "because"));
	assert_int_equal(survey_report(s, STR("z"), &a, &back, NULL), -ENOENT);
	arena_done(&a);
	survey_close(s);
	unlink(path);
}

static void something_else_is_left_alone(void **state)
{
	struct survey *s = NULL;
	struct err e = {0};
	FILE *f = fopen(path, "w");

	fputs("this is no database, and it is long enough to be taken for one by its size\n", f);
	fclose(f);
	assert_int_equal(survey_open(path, SURVEY_WRITE, &s, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, path));
	unlink(path);
}

/* Newcombe, Statistics in Medicine 17 (1998) 857–872, table I: Wilson's intervals. */
static void intervals_are_wilsons(void **state)
{
	static const struct {
		uint64_t k, n;
		double low, high;
	} known[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718}, {29, 29, 0.8830, 1}};
	double low, high;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		survey_interval(known[i].k, known[i].n, &low, &high);
		assert_true(fabs(low - known[i].low) < 6e-5);
		assert_true(fabs(high - known[i].high) < 6e-5);
	}
	survey_interval(0, 0, &low, &high);
	assert_true(low == 0 && high == 1);
}

static void forms(void **state)
{
	struct survey *s = open_it();
	struct survey_stats st;
	struct arena a;
	struct buf out = BUF_INIT(1 << 20);
	struct err e = {0};

	arena_init(&a, 0);
	add(s, "a");
	done(s, "a", "sha256:1", 1U << LABEL_CRYPTOMINING);
	assert_int_equal(survey_failed(s, STR("b"), "=cmd|' /C calc'!A0", false, NULL), 0);
	add(s, "b");
	assert_int_equal(survey_failed(s, STR("b"), "=cmd|' /C calc'!A0", false, NULL), 0);
	assert_int_equal(survey_stats(s, &a, &st, NULL), 0);
	assert_int_equal(survey_write(&st, "csv", 0, false, &out, &e), 0);
	assert_non_null(strstr(out.s, "failures,\" =cmd"));
	buf_clear(&out);
	assert_int_equal(survey_write(&st, "table", 100, true, &out, &e), 0);
	assert_non_null(strstr(out.s, "cryptomining"));
	assert_int_equal(survey_write(&st, "xml", 0, false, &out, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "csv"));
	buf_done(&out);
	arena_done(&a);
	survey_close(s);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_taken_comes_back),
		cmocka_unit_test(one_writer_many_readers),
		cmocka_unit_test(images_are_counted_once),
		cmocka_unit_test(something_else_is_left_alone),
		cmocka_unit_test(intervals_are_wilsons),
		cmocka_unit_test(forms),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
