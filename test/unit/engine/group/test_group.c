/* SPDX-License-Identifier: Apache-2.0 */
/* Events grouped: keys, sums by type, filters, order, the cap, samples, no allocation once warm. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/group/group.h"

#define SEC 1000000000ULL

static int64_t moved;

static struct event reading(const char *file, int64_t bytes, uint64_t latency_ns)
{
	struct event ev = {
		.num = 1,
		.ts_ns = 100 * SEC,
		.enter_ns = 100 * SEC - latency_ns,
		.code = EV_READ,
		.def = event_def(EV_READ),
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE},
		.path = {.name = str_of(file)},
	};

	moved = bytes;
	ev.nparams = ev.def->nparams;
	ev.params[event_param_index(ev.def, STR("res"))] =
		str_make((const char *)&moved, sizeof(moved));
	return ev;
}

static struct process process(const char *name, uint32_t pid)
{
	return (struct process){.pid = pid, .comm = str_of(name), .vmrss_kb = 12, .nthreads = 2};
}

static bool feed(struct group_table *g, const char *proc, const char *file, int64_t bytes)
{
	struct event ev = reading(file, bytes, 1000000);
	struct process p = process(proc, 7);
	struct field_subject s = {.ev = &ev, .proc = &p};

	return group_event(g, &s);
}

static struct group_table *make(const struct group_spec *spec)
{
	struct group_table *g = NULL;
	struct err e = {0};

	if (group_new(spec, &g, &e) < 0)
		print_error("%s\n", e.msg);
	assert_non_null(g);
	return g;
}

/* name | sum | count | average | least | most | last file | rate */
static struct group_column all_columns[] = {
	{.name = STR("NAME"), .field = STR("proc.name"), .agg = GROUP_KEY},
	{.name = STR("SUM"), .field = STR("evt.buflen"), .agg = GROUP_SUM, .unit = GROUP_BYTES},
	{.name = STR("N"), .field = STR("evt.buflen"), .agg = GROUP_COUNT},
	{.name = STR("AVG"), .field = STR("evt.latency"), .agg = GROUP_AVG, .unit = GROUP_TIME},
	{.name = STR("MIN"), .field = STR("evt.buflen"), .agg = GROUP_MIN},
	{.name = STR("MAX"), .field = STR("evt.buflen"), .agg = GROUP_MAX},
	{.name = STR("LAST"), .field = STR("fd.name"), .agg = GROUP_LAST},
	{.name = STR("RATE"),
		.field = STR("evt.latency"),
		.agg = GROUP_RATE,
		.unit = GROUP_PERCENT},
	{.name = STR("ETC"),
		.field = STR("evt.buflen"),
		.filter = STR("fd.name startswith /etc"),
		.agg = GROUP_SUM},
};
enum { NAME, SUM, N, AVG, MIN, MAX, LAST, RATE, ETC, NCOLUMNS };

static struct group_spec spec_of(struct group_column *columns, size_t n)
{
	return (struct group_spec){.columns = columns, .ncolumns = n, .sort_column = -1};
}

static void test_aggregations(void **state)
{
	struct group_spec spec = spec_of(all_columns, NCOLUMNS);
	struct group_table *g = make(&spec);
	const struct group_row *rows;

	assert_true(feed(g, "cat", "/etc/passwd", 100));
	assert_true(feed(g, "cat", "/tmp/a", 300));
	assert_true(feed(g, "ls", "/tmp/long/enough/to/need/more/room", 1000));
	assert_int_equal(group_rows(g, 2 * SEC, 0, &rows), 2);
	assert_true(str_is(rows[0].values[NAME].s, "ls")); /* the larger sum comes first */
	const struct value *v = rows[1].values;
	assert_true(str_is(v[NAME].s, "cat"));
	assert_int_equal(rows[1].events, 2);
	assert_int_equal(v[SUM].type, VT_U64);
	assert_int_equal(v[SUM].u, 400);
	assert_int_equal(v[N].u, 2);
	assert_int_equal(v[AVG].type, VT_RELTIME);
	assert_int_equal(v[AVG].u, 1000000);
	assert_int_equal(v[MIN].u, 100);
	assert_int_equal(v[MAX].u, 300);
	assert_true(str_is(v[LAST].s, "/tmp/a"));
	/* two milliseconds of two seconds */
	assert_int_equal(v[RATE].type, VT_DOUBLE);
	assert_true(v[RATE].d > 0.0999 && v[RATE].d < 0.1001);
	assert_int_equal(v[ETC].u, 100);
	/* no event passed this column's filter: missing, not nothing */
	assert_int_equal(rows[0].values[ETC].type, VT_STR);
	assert_null(rows[0].values[ETC].s.s);
	group_free(g);
}

static void test_order(void **state)
{
	struct group_spec spec = spec_of(all_columns, NCOLUMNS);
	struct group_table *g = make(&spec);
	const struct group_row *rows;

	feed(g, "b", "/etc/x", 5);
	feed(g, "a", "/tmp/x", 5);
	feed(g, "c", "/etc/x", 9);
	assert_int_equal(group_rows(g, 0, 2, &rows), 2);
	assert_true(str_is(rows[0].values[NAME].s, "c"));
	assert_true(str_is(rows[1].values[NAME].s, "a")); /* equal sums: by key */
	group_sort(g, NAME, true);
	assert_int_equal(group_rows(g, 0, 0, &rows), 3);
	assert_true(str_is(rows[0].values[NAME].s, "a"));
	/* what is missing is last in both directions */
	for (int ascending = 0; ascending < 2; ascending++) {
		group_sort(g, ETC, ascending);
		group_rows(g, 0, 0, &rows);
		assert_true(str_is(rows[2].values[NAME].s, "a"));
	}
	group_free(g);
}

static void test_filter_and_keys(void **state)
{
	struct group_column columns[] = {
		{.name = STR("F"), .field = STR("basename(fd.name)"), .agg = GROUP_KEY},
		{.name = STR("K8S"), .field = STR("k8s.ns.name"), .agg = GROUP_KEY},
		{.name = STR("N"), .field = STR("evt.count"), .agg = GROUP_SUM},
	};
	struct group_spec spec = spec_of(columns, 3);
	struct group_table *g = make(&spec);
	const struct group_row *rows;

	assert_false(feed(g, "cat", "/tmp/x", 1)); /* a key is missing */
	assert_int_equal(group_count(g), 0);
	group_free(g);
	columns[1].field = STR("proc.name");
	spec.filter = STR("proc.name in (cat, ls)");
	g = make(&spec);
	assert_true(feed(g, "cat", "/tmp/x", 1));
	assert_true(feed(g, "cat", "/etc/x", 1));
	assert_true(feed(g, "ls", "/etc/x", 1));
	assert_false(feed(g, "sh", "/etc/x", 1));
	assert_int_equal(group_rows(g, 0, 0, &rows), 2);
	assert_int_equal(rows[0].values[2].u, 2);
	assert_true(str_is(rows[0].values[0].s, "x"));
	group_clear(g);
	assert_int_equal(group_rows(g, 0, 0, &rows), 0);
	assert_true(feed(g, "cat", "/tmp/x", 1));
	assert_int_equal(group_count(g), 1);
	group_free(g);
}

static void test_cap(void **state)
{
	struct group_column columns[] = {
		{.name = STR("FILE"), .field = STR("fd.name"), .agg = GROUP_KEY},
		{.name = STR("N"), .field = STR("evt.count"), .agg = GROUP_SUM},
	};
	struct group_spec spec = spec_of(columns, 2);
	char name[32];

	spec.max_rows = 3;
	struct group_table *g = make(&spec);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "/tmp/%d", i);
		assert_int_equal(feed(g, "cat", name, 1), i < 3);
	}
	assert_int_equal(group_count(g), 3);
	assert_int_equal(group_lost(g), 7);
	assert_true(feed(g, "cat", "/tmp/1", 1)); /* what is there still counts */
	group_clear(g);
	assert_int_equal(group_lost(g), 0);
	group_free(g);
}

static void test_samples(void **state)
{
	struct group_column columns[] = {
		{.name = STR("PID"), .field = STR("proc.pid"), .agg = GROUP_KEY},
		{.name = STR("RSS"), .field = STR("proc.vmrss"), .agg = GROUP_MAX},
		{.name = STR("N"), .field = STR("evt.count"), .agg = GROUP_SUM},
	};
	struct group_spec spec = spec_of(columns, 3);
	struct group_table *g = make(&spec);
	struct process p = process("idle", 9);
	struct event ev = {.code = EV_PROCINFO, .def = event_def(EV_PROCINFO), .pid = 9, .tid = 9};
	struct field_subject s = {.ev = &ev, .proc = &p};
	const struct group_row *rows;

	assert_true(group_sample(g, &s));
	assert_int_equal(group_rows(g, 0, 0, &rows), 1);
	assert_int_equal(rows[0].events, 0);
	assert_int_equal(rows[0].values[1].u, 12);
	assert_null(rows[0].values[2].s.s); /* evt.count is of the event */
	group_free(g);
}

/* How many different values: texts, numbers; the same again and again costs nothing. */
static void test_distinct(void **state)
{
	struct group_column columns[] = {
		{.name = STR("NAME"), .field = STR("proc.name"), .agg = GROUP_KEY},
		{.name = STR("FILES"), .field = STR("fd.name"), .agg = GROUP_DISTINCT},
		{.name = STR("SIZES"), .field = STR("evt.buflen"), .agg = GROUP_DISTINCT},
	};
	struct group_spec spec = spec_of(columns, 3);
	struct group_table *g = make(&spec);
	const struct group_row *rows;
	uint64_t warm = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++) {
			char name[16];

			snprintf(name, sizeof(name), "/%d", i);
			assert_true(feed(g, "cat", name, i % 7));
		}
		if (round == 1)
			warm = group_mallocs(g);
	}
	assert_true(feed(g, "ls", "/1", 1));
	assert_int_equal(group_rows(g, 0, 0, &rows), 2);
	assert_int_equal(rows[0].values[1].type, VT_U64);
	assert_int_equal(rows[0].values[1].u, 1000);
	assert_int_equal(rows[0].values[2].u, 7);
	assert_int_equal(rows[1].values[1].u, 1);
	group_clear(g);
	for (int i = 0; i < 1000; i++)
		feed(g, "cat", "/1", 1);
	assert_int_equal(group_rows(g, 0, 0, &rows), 1);
	assert_int_equal(rows[0].values[1].u, 1);
	assert_true(group_mallocs(g) <= warm + 2); /* the room for rows that are shown */
	group_free(g);
}

/* A key that is missing is a row of its own when the spec says so. */
static void test_missing_keys(void **state)
{
	struct group_column columns[] = {
		{.name = STR("NAME"), .field = STR("proc.name"), .agg = GROUP_KEY},
		{.name = STR("CIP"), .field = STR("fd.cip"), .agg = GROUP_KEY},
	};
	struct group_spec spec = spec_of(columns, 2);
	struct group_table *g = make(&spec);
	const struct group_row *rows;

	assert_false(feed(g, "cat", "/1", 1));
	group_free(g);
	spec.missing_keys = true;
	g = make(&spec);
	assert_true(feed(g, "cat", "/1", 1));
	assert_true(feed(g, "cat", "/1", 1));
	assert_int_equal(group_rows(g, 0, 0, &rows), 1);
	assert_null(rows[0].values[1].s.s);
	group_free(g);
}

static void test_warm(void **state)
{
	struct group_spec spec = spec_of(all_columns, NCOLUMNS);
	char name[32];
	uint64_t warm = 0;

	spec.filter = STR("evt.buflen > 10 and proc.name != nobody");
	struct group_table *g = make(&spec);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 500; i++) {
			snprintf(name, sizeof(name), "p%d", i % 100);
			assert_true(feed(g, name, "/etc/some/file", 100 + i));
		}
		group_clear(g);
		if (round == 2)
			warm = group_mallocs(g);
	}
	assert_true(warm > 0);
	assert_int_equal(group_mallocs(g), warm);
	group_free(g);
}

static void assert_refused(struct group_spec *spec, const char *part)
{
	struct group_table *g = NULL;
	struct err e = {0};

	assert_int_equal(group_new(spec, &g, &e), -EINVAL);
	assert_null(g);
	if (!strstr(e.msg, part))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, part);
}

static void test_mistakes(void **state)
{
	struct group_column c[] = {
		{.name = STR("A"), .field = STR("proc.nam"), .agg = GROUP_KEY},
		{.name = STR("B"), .field = STR("evt.count"), .agg = GROUP_SUM},
	};
	struct group_spec spec = spec_of(c, 2);

	assert_refused(&spec, "proc.name"); /* did you mean */
	c[0].field = STR("proc.name and");
	assert_refused(&spec, "column \"A\"");
	c[0].field = STR("proc.name");
	c[1].field = STR("proc.name");
	assert_refused(&spec, "cannot be added up");
	c[1].field = STR("evt.count");
	c[1].filter = STR("proc.pid = = 3");
	assert_refused(&spec, "column \"B\": its filter, line 1, column 12");
	c[1].filter = STR_NULL;
	spec.filter = STR("evt.typ = open");
	assert_refused(&spec, "the filter, line 1");
	spec.filter = STR_NULL;
	spec.sort_column = 2;
	assert_refused(&spec, "no column 2");
	spec.ncolumns = 0;
	spec.sort_column = -1;
	assert_refused(&spec, "needs a column");
}

static void assert_text(enum group_unit unit, struct value v, const char *want)
{
	struct group_column c = {.unit = unit};
	struct buf b = BUF_INIT(100);

	group_value_format(&c, &v, &b);
	assert_int_equal(b.len, strlen(want));
	assert_true(str_is(buf_str(&b), want));
	buf_done(&b);
}

static struct value number(uint64_t u)
{
	return (struct value){.type = VT_U64, .u = u};
}

static struct value fraction(double d)
{
	return (struct value){.type = VT_DOUBLE, .d = d};
}

static void test_format(void **state)
{
	assert_text(GROUP_BYTES, number(0), "0");
	assert_text(GROUP_BYTES, number(1023), "1023");
	assert_text(GROUP_BYTES, number(1024), "1.00K");
	assert_text(GROUP_BYTES, number(1239), "1.21K");
	assert_text(GROUP_BYTES, number(123 << 10), "123K");
	assert_text(GROUP_BYTES, number(1023 << 10), "1.00M");
	assert_text(GROUP_BYTES, fraction(5.5 * (1 << 30)), "5.50G");
	assert_text(GROUP_TIME, number(0), "0ns");
	assert_text(GROUP_TIME, number(950), "950ns");
	assert_text(GROUP_TIME, number(3400), "3.40us");
	assert_text(GROUP_TIME, number(12345678), "12.3ms");
	assert_text(GROUP_TIME, number(59 * SEC), "59.0s");
	assert_text(GROUP_TIME, number(61 * SEC), "1m01s");
	assert_text(GROUP_TIME, number(3720 * SEC), "1h02m");
	assert_text(GROUP_PERCENT, fraction(12.54), "12.5");
	assert_text(GROUP_PLAIN, number(1234567), "1234567");
	assert_text(GROUP_PLAIN, fraction(1.234), "1.23");
	assert_text(GROUP_PLAIN, fraction(1234.4), "1234");
	assert_text(GROUP_TIME, (struct value){.type = VT_STR, .s = STR_NULL}, "");
	assert_text(GROUP_BYTES, (struct value){.type = VT_STR, .s = STR("x")}, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aggregations),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_filter_and_keys),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_distinct),
		cmocka_unit_test(test_missing_keys),
		cmocka_unit_test(test_warm),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
