/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as JSON and back: all that it can hold survives, what is empty is left out, and texts
 * that no koban wrote are refused with the member's name, in bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "model/artifact/artifact.h"

static const struct artifact_pair facts[] = {
	{STR("wallet"), STR("4…")}, {STR("coin"), STR("monero")}};
static const struct artifact_finding findings[] = {
	{.check = STR("miner-config"),
		.analyzer = STR("miners"),
		.label = LABEL_CRYPTOMINING,
		.severity = ARTIFACT_CRITICAL,
		.confidence = 99,
		.title = STR("a pool and a wallet"),
		.mend = STR("Delete it."),
		.place = PLACE_FILE,
		.path = STR("/opt/a\0b\n\"c"),
		.layer = 3,
		.offset = UINT64_C(1) << 40,
		.line = 7,
		.excerpt = STR("\"pools\": …"),
		.created_by = STR("COPY . ."),
		.reach = REACH_CRON,
		.deleted_in = 4,
		.facts = facts,
		.nfacts = 2,
		.is_ignored = true,
		.ignored_why = STR("ours")},
	{.check = STR("config-root"),
		.label = LABEL_CONFIGURATION,
		.place = PLACE_CONFIG,
		.deleted_in = -1},
};
static const uint64_t owned[] = {1, UINT64_MAX, 0x0123456789abcdef};
static const struct artifact_package packages[] = {
	{.type = PACKAGE_JAR,
		.name = STR("a"),
		.version = STR("1:2-3"),
		.group = STR("org.example"),
		.deleted_in = 0,
		.files = owned,
		.nfiles = 3},
	{.type = PACKAGE_DPKG, .name = STR("b"), .deleted_in = -1},
};
static const struct str words[] = {STR("/bin/sh"), STR("-c"), STR("")};
static const struct artifact_step steps[] = {{.created_by = STR("ENV x"), .is_empty = true}};
static const struct artifact_layer layers[] = {{.digest = STR("sha256:00"),
	.size = 5,
	.unpacked_size = 9,
	.nfiles = 2,
	.from_cache = true}};
static const struct artifact_gap gaps[] = {{STR("/x"), STR("too large"), 1, 3, true}};

static struct artifact_report sample(void)
{
	return (struct artifact_report){.image = {.ref = STR("localhost:5000/a"),
						.digest = STR("sha256:11"),
						.config = {.user = STR("root"),
							.entrypoint = words,
							.nentrypoint = 3,
							.labels = facts,
							.nlabels = 2,
							.history = steps,
							.nhistory = 1},
						.layers = layers,
						.nlayers = 1},
		.distro = {.id = STR("debian"), .version = STR("12"), .layer = 2, .is_ended = true},
		.packages = packages,
		.npackages = 2,
		.findings = findings,
		.nfindings = 2,
		.labels = 1U << LABEL_CRYPTOMINING | 1U << LABEL_OTHER,
		.verdict = VERDICT_MALICIOUS,
		.reason = STR("because"),
		.coverage = {.layers = 1, .bytes = 9, .gaps = gaps, .ngaps = 1},
		.scanned_ns = 1700000000123456789,
		.scanner = STR("koban"),
		.knowledge = UINT64_C(0xfedcba9876543210)};
}

static struct buf write_again(const struct artifact_report *r, struct arena *a)
{
	struct buf first = BUF_INIT(1 << 20), second = BUF_INIT(1 << 20);
	struct artifact_report back;
	struct err e = {0};

	artifact_report_to_json(r, true, &first);
	assert_int_equal(artifact_report_from_json(buf_str(&first), a, &back, &e), 0);
	artifact_report_to_json(&back, true, &second);
	assert_string_equal(first.s, second.s);
	buf_done(&second);
	return first;
}

static void all_of_it_survives(void **state)
{
	struct artifact_report r = sample(), back;
	struct arena a;
	struct err e = {0};

	arena_init(&a, 0);
	struct buf text = write_again(&r, &a);
	assert_int_equal(artifact_report_from_json(buf_str(&text), &a, &back, &e), 0);
	assert_true(str_eq(back.findings[0].path, findings[0].path));
	assert_int_equal(back.findings[0].offset, findings[0].offset);
	assert_int_equal(back.findings[0].deleted_in, 4);
	assert_int_equal(back.findings[1].deleted_in, -1);
	assert_int_equal(back.findings[0].reach, REACH_CRON);
	assert_true(back.findings[0].is_ignored && back.image.layers[0].from_cache);
	assert_int_equal(back.labels, r.labels);
	assert_true(back.knowledge == r.knowledge && back.scanned_ns == r.scanned_ns);
	assert_int_equal(back.packages[0].nfiles, 3);
	assert_memory_equal(back.packages[0].files, owned, sizeof(owned));
	assert_int_equal(back.image.config.nentrypoint, 3);
	assert_int_equal(back.packages[1].type, PACKAGE_DPKG);
	assert_true(artifact_finding_fingerprint(&back.findings[0]) ==
		    artifact_finding_fingerprint(&findings[0]));
	assert_true(str_is(artifact_finding_fact(&back.findings[0], "coin"), "monero"));
	buf_done(&text);
	arena_done(&a);
}

static void nothing_is_left_out_that_is_something(void **state)
{
	struct artifact_report r = {0};
	struct arena a;

	arena_init(&a, 0);
	struct buf text = write_again(&r, &a);
	json_t *j = json_loadb(text.s, text.len, 0, NULL);
	assert_non_null(j);
	assert_null(json_object_get(j, "findings"));
	assert_string_equal(json_string_value(json_object_get(j, "verdict")), "malicious");
	assert_int_equal(json_array_size(json_object_get(j, "labels")), 0);
	json_decref(j);
	buf_done(&text);
	arena_done(&a);
}

static void owned_files_only_when_asked(void **state)
{
	struct artifact_report r = sample();
	struct buf text = BUF_INIT(1 << 20);

	artifact_report_to_json(&r, false, &text);
	assert_null(strstr(text.s, "\"files\""));
	buf_done(&text);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "line 1"},
		{"[]", "an object"},
		{"{\"reason\":1}", "\"reason\" is not a string"},
		{"{\"verdict\":\"fine\"}", "\"verdict\" is not a word"},
		{"{\"verdict\":null}", "\"verdict\" is not a word"},
		{"{\"labels\":[\"x\"]}", "\"labels\""},
		{"{\"labels\":{}}", "\"labels\" is not a list"},
		{"{\"findings\":[{\"layer\":4294967296}]}", "\"layer\" is not a number"},
		{"{\"findings\":[{\"layer\":-1}]}", "\"layer\" is not a number"},
		{"{\"findings\":[{\"deleted_in\":2147483648}]}", "\"deleted_in\""},
		{"{\"findings\":[7]}", "an object"},
		{"{\"packages\":[{\"files\":\"0\"}]}", "\"files\""},
		{"{\"packages\":[{\"files\":\"000000000000000g\"}]}", "\"files\""},
		{"{\"knowledge\":\"\"}", "\"knowledge\""},
		{"{\"knowledge\":\"00000000 0000000\"}", "\"knowledge\""},
		{"{\"coverage\":{\"gaps\":[{\"is_serious\":1}]}}", "\"is_serious\""},
		{"{\"reason\":\"a\",\"reason\":\"b\"}", "duplicate"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct artifact_report r;
		struct arena a;
		struct err e = {0};

		arena_init(&a, 0);
		assert_int_equal(
			artifact_report_from_json(str_of(bad[i].text), &a, &r, &e), -EBADMSG);
		if (!strstr(e.msg, bad[i].says))
			fail_msg("%s: %s", bad[i].text, e.msg);
		arena_done(&a);
	}
}

static void memory_is_bounded(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	struct artifact_report r;
	struct arena a;
	struct err e = {0};

	buf_add_cstr(&text, "{\"findings\":[{}");
	for (int i = 0; i < 50000; i++)
		buf_add_cstr(&text, ",{}");
	buf_add_cstr(&text, "]}");
	arena_init(&a, 1 << 20);
	assert_int_equal(artifact_report_from_json(buf_str(&text), &a, &r, &e), -ENOMEM);
	assert_true(a.held <= 1 << 20);
	arena_done(&a);
	buf_done(&text);
}

static void names_read_back(void **state)
{
	for (int i = 0; i < LABEL_COUNT; i++) {
		enum artifact_label l;

		assert_true(artifact_label_parse(
			str_of(artifact_label_name((enum artifact_label)i)), &l));
		assert_int_equal(l, i);
		assert_true(artifact_label_title((enum artifact_label)i)[0]);
	}
	for (int i = 0; i < ARTIFACT_SEVERITY_COUNT; i++) {
		enum artifact_severity s;

		assert_true(artifact_severity_parse(
			str_of(artifact_severity_name((enum artifact_severity)i)), &s));
		assert_int_equal(s, i);
	}
	enum artifact_severity s;
	assert_false(artifact_severity_parse(STR("urgent"), &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_survives),
		cmocka_unit_test(nothing_is_left_out_that_is_something),
		cmocka_unit_test(owned_files_only_when_asked),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(names_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
