/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes: reading them, holding values against them, writing them as JSON schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "face/console/schema.h"

static struct arena a;

static const struct schema *shape(const char *text)
{
	struct err e = {0};
	const struct schema *s = schema_parse(&a, str_of(text), &e);

	if (!s)
		print_error("%s\n", e.msg);
	assert_non_null(s);
	return s;
}

static const struct schema *find(struct str name, void *arg)
{
	return str_is(name, "Box") ? arg : NULL;
}

static bool fits(const struct schema *s, const char *json, const char *complaint)
{
	struct err e = {0};
	json_t *v = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(v);
	int r = schema_check(s, v, find, (void *)shape("{size:int}"), &e);
	json_decref(v);
	if (complaint)
		assert_string_equal(e.msg, complaint);
	return r == 0;
}

static void test_broken_shapes(void **state)
{
	static const char *const bad[] = {"", "{", "{a}", "{a:}", "{a:strange}", "[str", "'a|b",
		"str(", "str(x)", "int(1..y)", "str}", "{*}", "{a:str} "};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = {0};

		assert_null(schema_parse(&a, str_of(bad[i]), &e));
		assert_true(e.code == EINVAL);
	}
}

static void test_values(void **state)
{
	const struct schema *s = shape("{id:str(1..4) n?:int(1..9) state:'on|off' tags?:[str](2) "
				       "box?:?Box at?:time more?:{*:bool}}");

	assert_true(fits(s, "{\"id\":\"x\",\"state\":\"on\"}", NULL));
	assert_true(fits(s,
		"{\"id\":\"x\",\"state\":\"off\",\"n\":9,\"tags\":[\"a\",\"b\"],\"box\":null,"
		"\"at\":\"2026-01-31T12:00:00Z\",\"more\":{\"y\":true}}",
		NULL));
	assert_true(fits(s, "{\"id\":\"x\",\"state\":\"on\",\"box\":{\"size\":3}}", NULL));
	assert_false(fits(s, "[]", "the body has to be an object"));
	assert_false(fits(s, "{\"state\":\"on\"}", "id: is missing"));
	assert_false(fits(
		s, "{\"id\":\"\",\"state\":\"on\"}", "id: has to be between 1 and 4 bytes long"));
	assert_false(
		fits(s, "{\"id\":\"x\",\"state\":\"up\"}", "state: has to be one of: on, off"));
	assert_false(fits(
		s, "{\"id\":\"x\",\"state\":\"on\",\"n\":10}", "n: has to be between 1 and 9"));
	assert_false(fits(
		s, "{\"id\":\"x\",\"state\":\"on\",\"n\":1.5}", "n: has to be a whole number"));
	assert_false(fits(s, "{\"id\":\"x\",\"state\":\"on\",\"tags\":[\"a\",1]}",
		"tags[1]: has to be a text"));
	assert_false(fits(s, "{\"id\":\"x\",\"state\":\"on\",\"tags\":[\"a\",\"b\",\"c\"]}", NULL));
	assert_false(fits(s, "{\"id\":\"x\",\"state\":\"on\",\"box\":{\"size\":\"3\"}}",
		"box.size: has to be a whole number"));
	assert_false(
		fits(s, "{\"id\":\"x\",\"state\":\"on\",\"other\":1}", "other: is not known here"));
	assert_false(fits(s, "{\"id\":\"x\",\"state\":\"on\",\"more\":{\"y\":1}}",
		"more.y: has to be true or false"));
	assert_false(fits(s, "{\"id\":\"a\\u0000\",\"state\":\"on\"}", "id: must not hold a NUL"));
}

static void test_times(void **state)
{
	uint64_t ns;

	assert_true(schema_parse_time(STR("1970-01-01T00:00:00Z"), &ns) && ns == 0);
	assert_true(schema_parse_time(STR("2026-01-31T12:00:00.5Z"), &ns));
	assert_true(ns == 1769860800500000000ULL);
	assert_true(schema_parse_time(STR("2026-01-31T14:00:00.500000000+02:00"), &ns));
	assert_true(ns == 1769860800500000000ULL);
	assert_true(schema_parse_time(STR("2024-02-29t00:00:00z"), &ns));
	static const char *const bad[] = {"", "2026", "2026-01-31", "2026-01-31T12:00:00",
		"2026-13-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z",
		"1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "2026-01-31T12:00:00.Z",
		"2026-01-31T12:00:00.1234567890Z", "2026-01-31T12:00:00ZZ",
		"2026-01-31T12:00:00+2:00", "1970-01-01T00:00:00+01:00", "-026-01-31T12:00:00Z"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(schema_parse_time(str_of(bad[i]), &ns));
}

static void test_parameters(void **state)
{
	struct err e = {0};

	assert_int_equal(schema_check_text(shape("int(1..500)"), STR("limit"), STR("500"), &e), 0);
	assert_int_equal(
		schema_check_text(shape("int(1..500)"), STR("limit"), STR("501"), &e), -EINVAL);
	assert_string_equal(e.msg, "limit: has to be between 1 and 500");
	assert_int_equal(schema_check_text(shape("int"), STR("n"), STR("1 "), &e), -EINVAL);
	assert_int_equal(schema_check_text(shape("bool"), STR("b"), STR("yes"), &e), -EINVAL);
	assert_int_equal(schema_check_text(shape("'a|b'"), STR("w"), STR("b"), &e), 0);
	assert_int_equal(schema_check_text(shape("time"), STR("t"), STR("now"), &e), -EINVAL);
}

static void writes(const char *text, const char *json)
{
	struct buf b = BUF_INIT(4096);

	schema_add_json(shape(text), &b);
	assert_string_equal(b.s, json);
	buf_done(&b);
}

static void test_json(void **state)
{
	writes("str(64)", "{\"type\":\"string\",\"maxLength\":64}");
	writes("?int(1..9)", "{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":9}");
	writes("any", "{}");
	writes("'a|b'", "{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}");
	writes("?Box", "{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/components/schemas/Box\"}]}");
	writes("{a:bool b?:[time]}",
		"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"boolean\"},\"b\":{\"type\":"
		"\"array\",\"items\":{\"type\":\"string\",\"format\":\"date-time\"}}},\"required\":"
		"[\"a\"],\"additionalProperties\":false}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_shapes),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_json),
	};

	arena_init(&a, 0);
	int failed = cmocka_run_group_tests_name("schema", tests, NULL, NULL);
	arena_done(&a);
	return failed;
}
