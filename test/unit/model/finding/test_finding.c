/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as text and JSON: Falco's keys and order, and nothing that breaks a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "model/finding/finding.h"

static const struct finding_json_options all = {
	.output = true, .message = true, .output_fields = true, .tags = true};

static struct finding sample(void)
{
	static const struct str tags[] = {STR("container"), STR("mitre_execution")};
	static const struct finding_field fields[] = {
		{.name = STR("proc.pid"), .type = FV_S64, .i = -42},
		{.name = STR("evt.arg.flags"), .type = FV_NULL},
		{.name = STR("proc.name"), .type = FV_STR, .s = STR("cat")},
		{.name = STR("proc.name"), .type = FV_STR, .s = STR("twice")},
		{.name = STR("proc.aname[2]"), .type = FV_STR, .s = STR("")},
		{.name = STR("fd.num"), .type = FV_U64, .u = UINT64_MAX},
		{.name = STR("x.ratio"), .type = FV_DOUBLE, .d = 0.1},
		{.name = STR("x.whole"), .type = FV_DOUBLE, .d = 3},
		{.name = STR("x.none"), .type = FV_DOUBLE, .d = NAN},
		{.name = STR("thread.vtid.is"), .type = FV_BOOL, .b = true},
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return (struct finding){.ts_ns = 1700000000123456789,
		.num = 1,
		.priority = PRIORITY_WARNING,
		.rule = STR("Read sensitive file"),
		.source = STR("syscall"),
		.output = STR("A file was read (file=/etc/shadow)"),
		.hostname = STR("node-1"),
		.tags = tags,
		.ntags = 2,
		.fields = fields,
		.nfields = sizeof(fields) / sizeof(fields[0]),
		.count = 1};
}

static void test_priorities(void **state)
{
	enum priority p;

	for (int i = 0; i < PRIORITY_COUNT; i++) {
		assert_true(priority_parse(str_of(priority_name((enum priority)i)), &p));
		assert_int_equal(p, i);
	}
	assert_true(priority_parse(STR("iNFO"), &p));
	assert_int_equal(p, PRIORITY_INFORMATIONAL);
	assert_true(priority_parse(STR("EMERGENCY"), &p));
	assert_int_equal(p, PRIORITY_EMERGENCY);
	assert_false(priority_parse(STR("warn"), &p));
	assert_false(priority_parse(STR_NULL, &p));
	assert_string_equal(priority_name((enum priority)99), "Unknown");
}

static void test_text(void **state)
{
	struct finding f = sample();
	struct buf b = BUF_INIT(4096);

	finding_format_text(&f, false, &b);
	assert_string_equal(b.s, "22:13:20.123456789: Warning A file was read (file=/etc/shadow)");
	buf_clear(&b);
	finding_format_text(&f, true, &b);
	assert_string_equal(b.s, "2023-11-14T22:13:20.123456789+0000: Warning "
				 "A file was read (file=/etc/shadow)");
	buf_done(&b);
}

static void test_text_cannot_be_broken(void **state)
{
	struct finding f = sample();
	struct buf b = BUF_INIT(4096);

	f.output = (struct str){"a\n22:13:20: Debug fake\x1b[2J\r\0\xff\"\\", 31};
	finding_format_text(&f, false, &b);
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.s[i] >= 0x20);
	assert_non_null(
		strstr(b.s, "a\\n22:13:20: Debug fake\\u001b[2J\\r\\u0000\xef\xbf\xbd\\\"\\\\"));
	buf_done(&b);
}

static void test_json_bytes(void **state)
{
	struct finding f = sample();
	struct buf b = BUF_INIT(8192);

	finding_format_json(&f, &all, &b);
	assert_string_equal(b.s,
		"{\"hostname\":\"node-1\","
		"\"message\":\"A file was read (file=/etc/shadow)\","
		"\"output\":\"22:13:20.123456789: Warning A file was read (file=/etc/shadow)\","
		"\"output_fields\":{\"evt.arg.flags\":null,\"evt.time\":1700000000123456789,"
		"\"fd.num\":18446744073709551615,\"proc.aname[2]\":\"\",\"proc.name\":\"cat\","
		"\"proc.pid\":-42,\"thread.vtid.is\":true,\"x.none\":null,\"x.ratio\":0.1,"
		"\"x.whole\":3.0},"
		"\"priority\":\"Warning\",\"rule\":\"Read sensitive file\",\"source\":\"syscall\","
		"\"tags\":[\"container\",\"mitre_execution\"],"
		"\"time\":\"2023-11-14T22:13:20.123456789Z\"}");
	buf_done(&b);
}

static json_t *parse(const struct finding *f, const struct finding_json_options *o)
{
	struct buf b = BUF_INIT(65536);
	json_error_t e;

	finding_format_json(f, o, &b);
	assert_null(memchr(b.s, '\n', b.len));
	json_t *j = json_loadb(b.s, b.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);

	if (!j)
		fail_msg("%s in %s", e.text, b.s);
	buf_done(&b);
	return j;
}

static void test_json_options(void **state)
{
	struct finding f = sample();
	struct finding_json_options o = {0};

	f.fields = NULL;
	f.nfields = 0;
	json_t *j = parse(&f, &o);

	assert_int_equal(json_object_size(j), 5); /* hostname, priority, rule, source, time */
	json_decref(j);
	o.output_fields = o.iso_time = o.output = true;
	j = parse(&f, &o);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(j, "output_fields"), "evt.time.iso8601")),
		"2023-11-14T22:13:20.123456789+0000");
	assert_int_equal(json_object_size(json_object_get(j, "output_fields")), 1);
	json_decref(j);
	f.count = 5;
	f.first_ns = 1600000000000000001;
	j = parse(&f, &o);
	assert_null(json_object_get(j, "count")); /* only when asked for */
	json_decref(j);
	o.fold = true;
	j = parse(&f, &o);
	assert_int_equal(json_integer_value(json_object_get(j, "count")), 5);
	assert_string_equal(json_string_value(json_object_get(j, "first_time")),
		"2020-09-13T12:26:40.000000001Z");
	json_decref(j);
}

/* %evt.time in a rule's output is the same member as the one that is always there. */
static void test_json_time_field_once(void **state)
{
	struct finding_field field = {
		.name = STR("evt.time"), .type = FV_STR, .s = STR("22:13:20.123456789")};
	struct finding_json_options o = {.output_fields = true};
	struct finding f = sample();

	f.fields = &field;
	f.nfields = 1;
	json_t *j = parse(&f, &o);

	assert_true(
		json_is_integer(json_object_get(json_object_get(j, "output_fields"), "evt.time")));
	json_decref(j);
}

static void test_json_internal_messages(void **state)
{
	struct finding f = sample();

	f.source = STR("internal");
	f.nfields = 3;
	json_t *j = parse(&f, &all);

	assert_null(json_object_get(j, "tags"));
	assert_null(json_object_get(json_object_get(j, "output_fields"), "evt.time"));
	json_decref(j);
}

static void test_json_hostile_strings(void **state)
{
	static const struct str hostile[] = {
		{"", 0},
		{"\"}\n{\"rule\":\"fake\"}", 18},
		{"\0\1\2\x1f\x7f", 5},
		{"\xff\xfe\xc0\x80\xed\xa0\x80", 7},
		{"\xf0\x9f\x98", 3},
		{"\\u0022\\", 7},
	};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct finding f = sample();
		struct finding_field field = {
			.name = STR("proc.cmdline"), .type = FV_STR, .s = hostile[i]};
		struct buf clean = BUF_INIT(256);

		f.rule = f.output = f.hostname = hostile[i];
		f.tags = &hostile[i];
		f.ntags = 1;
		f.fields = &field;
		f.nfields = 1;
		json_t *j = parse(&f, &all), *rule = json_object_get(j, "rule");

		/* the same bytes come back, but for those that are no UTF-8 */
		for (struct str s = hostile[i]; s.len;) {
			size_t n = utf8_len(s);

			buf_add(&clean, n ? str_head(s, n) : STR("\xef\xbf\xbd"));
			s = str_skip(s, n ? n : 1);
		}
		assert_int_equal(json_string_length(rule), clean.len);
		if (clean.len)
			assert_memory_equal(json_string_value(rule), clean.s, clean.len);
		json_decref(j);
		buf_done(&clean);
	}
}

/* A buffer that was once large enough is not grown again. */
static void test_no_allocation_once_warm(void **state)
{
	struct finding f = sample();
	struct buf b = BUF_INIT(8192);

	finding_format_json(&f, &all, &b);
	const char *s = b.s;
	size_t cap = b.cap;

	for (int i = 0; i < 3; i++) {
		buf_clear(&b);
		finding_format_json(&f, &all, &b);
		assert_ptr_equal(b.s, s);
		assert_int_equal(b.cap, cap);
	}
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_cannot_be_broken),
		cmocka_unit_test(test_json_bytes),
		cmocka_unit_test(test_json_options),
		cmocka_unit_test(test_json_time_field_once),
		cmocka_unit_test(test_json_internal_messages),
		cmocka_unit_test(test_json_hostile_strings),
		cmocka_unit_test(test_no_allocation_once_warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
