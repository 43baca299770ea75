/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that parse are stored as they are; only others are cleaned first. So whatever cleaning
 * would change or refuse must not parse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sink/store/private.h"

static const char *const pieces[] = {"{", "}", "[", "]", "\"", "\"", "\"", ":", ",", " ", "\n", "a",
	"é", "\xff", "\xc3", "\xed\xa0\x80", "\x01", "\x7f", "\\n", "\\u0041", "\\u0000", "\\ud800",
	"\\ud83d\\ude00", "\\udc00", "\\", "0", "-1", "01", "1.5", "1e400", "-1e-400",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808",
	"-9223372036854775809", "99999999999999999999", "1.00000000000000000000000000000000000000",
	"0.000000000000000000000000000000000000000000000000000000000001e1", "null", "true",
	"a long run of plain text"};

/* 0 = does not parse, 1 = parses and cleaning changes nothing. */
static bool parses(struct str line)
{
	struct str cleaned = STR_NULL;
	const char *why = NULL;
	char reason[120] = "";
	size_t where = 0;
	struct arena a;

	arena_init(&a, 0);
	bool yes = node_parse(&a, line, &why, &where) != NULL;
	if (yes) {
		assert_true(record_clean(&a, line, &cleaned, reason, sizeof(reason)));
		assert_true(str_eq(cleaned, str_trim(line)));
	}
	arena_done(&a);
	return yes;
}

static void what_parses_needs_no_cleaning(void **state)
{
	static const char *const forms[] = {
		"%s", "\"%s\"", "[%s]", "{\"a\":%s}", "{\"%s\":\"%s\"}", "{\"a\":[%s,\"%s\"]}"};
	size_t good = 0, bad = 0;

	srandom(1);
	for (unsigned i = 0; i < 200000; i++) {
		struct buf inner = BUF_INIT(1000), b = BUF_INIT(10000);
		const char *form = forms[(unsigned)random() % 6];

		for (unsigned k = (unsigned)random() % 4 + 1; k; k--)
			buf_add_cstr(&inner,
				pieces[(unsigned)random() % (sizeof(pieces) / sizeof(*pieces))]);
		for (; *form; form++) {
			if (form[0] == '%') {
				buf_add(&b, buf_str(&inner));
				form++;
			} else {
				buf_add_char(&b, *form);
			}
		}
		*(parses(buf_str(&b)) ? &good : &bad) += 1;
		buf_done(&inner);
		buf_done(&b);
	}
	assert_true(good > 10000 && bad > 10000);
}

static void nesting_ends_at_the_limit(void **state)
{
	struct buf b = BUF_INIT(1000);

	for (unsigned depth = NODE_DEPTH_MAX; depth <= NODE_DEPTH_MAX + 1; depth++) {
		buf_clear(&b);
		for (unsigned i = 0; i < depth; i++)
			buf_add_char(&b, '[');
		for (unsigned i = 0; i < depth; i++)
			buf_add_char(&b, ']');
		assert_int_equal(parses(buf_str(&b)), depth == NODE_DEPTH_MAX);
	}
	buf_done(&b);
}

static void numbers_keep_their_value(void **state)
{
	static const struct {
		const char *text;
		int64_t v;
	} rows[] = {{"0", 0}, {"-0", 0}, {"7", 7}, {"-12", -12},
		{"999999999999999999", 999999999999999999},
		{"-999999999999999999", -999999999999999999}, {"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN}};
	const char *why = NULL;
	size_t where = 0;
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct node *n = node_parse(&a, str_of(rows[i].text), &why, &where);

		assert_non_null(n);
		assert_int_equal(n->type, NODE_INT);
		assert_true(n->i == rows[i].v);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_parses_needs_no_cleaning),
		cmocka_unit_test(nesting_ends_at_the_limit),
		cmocka_unit_test(numbers_keep_their_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
