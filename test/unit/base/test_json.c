/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: whatever bytes go in, what comes out is valid, reads back as the same text, and
 * holds no byte that breaks a line or speaks to a terminal. jansson is the judge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/json.h"

static void assert_written(struct str in, const char *want)
{
	struct buf b = BUF_INIT(1000);

	json_add_str(&b, in);
	assert_string_equal(b.s, want);
	buf_done(&b);
}

static void escapes(void **state)
{
	assert_written(STR_NULL, "\"\"");
	assert_written(STR("plain /text/"), "\"plain /text/\"");
	assert_written(STR("a\"b\\c"), "\"a\\\"b\\\\c\"");
	assert_written(STR("\b\t\n\v\f\r"), "\"\\b\\t\\n\\u000b\\f\\r\"");
	assert_written(STR("a\0b"), "\"a\\u0000b\"");
	assert_written(STR("\x01\x1f\x7f"), "\"\\u0001\\u001f\\u007f\"");
	assert_written(STR("\xc3\xa4\xe4\xba\xa4\xf0\x9f\x91\xae"),
		"\"\xc3\xa4\xe4\xba\xa4\xf0\x9f\x91\xae\"");
}

/* Controls above ASCII, line ends of Unicode, and what turns the direction of a line around. */
static void what_rules_a_terminal_is_escaped(void **state)
{
	assert_written(STR("\xc2\x9b"
			   "2J"),
		"\"\\u009b2J\"");
	assert_written(STR("\xc2\x80\xc2\x9f\xc2\xa0"), "\"\\u0080\\u009f\xc2\xa0\"");
	assert_written(STR("\xe2\x80\xa8\xe2\x80\xa9"), "\"\\u2028\\u2029\"");
	assert_written(STR("gpj.\xe2\x80\xae"
			   "exe"),
		"\"gpj.\\u202eexe\"");
	assert_written(STR("\xe2\x81\xa6\xe2\x81\xa9"), "\"\\u2066\\u2069\"");
	/* the neighbours of these stay as they are */
	assert_written(STR("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"),
		"\"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\"");
}

static void utf8_is_that_of_rfc_3629(void **state)
{
	static const struct {
		struct str s;
		size_t len;
	} cases[] = {
		{STR_NULL, 0},
		{STR("\0"), 1},
		{STR("\x7f"), 1},
		{STR("\x80"), 0},
		{STR("\xbf"), 0},
		{STR("\xc0\x80"), 0}, /* overlong */
		{STR("\xc1\xbf"), 0},
		{STR("\xc2\x80"), 2},
		{STR("\xdf\xbf"), 2},
		{STR("\xc2"), 0}, /* cut */
		{STR("\xc2\x7f"), 0},
		{STR("\xc2\xc0"), 0},
		{STR("\xe0\x9f\xbf"), 0}, /* overlong */
		{STR("\xe0\xa0\x80"), 3},
		{STR("\xed\x9f\xbf"), 3},
		{STR("\xed\xa0\x80"), 0}, /* a surrogate */
		{STR("\xed\xbf\xbf"), 0},
		{STR("\xee\x80\x80"), 3},
		{STR("\xef\xbf\xbf"), 3},
		{STR("\xe2\x82"), 0},
		{STR("\xf0\x8f\xbf\xbf"), 0}, /* overlong */
		{STR("\xf0\x90\x80\x80"), 4},
		{STR("\xf4\x8f\xbf\xbf"), 4},
		{STR("\xf4\x90\x80\x80"), 0}, /* beyond U+10FFFF */
		{STR("\xf5\x80\x80\x80"), 0},
		{STR("\xf8\x88\x80\x80\x80"), 0},
		{STR("\xfe"), 0},
		{STR("\xff"), 0},
		{STR("\xf0\x9f\x91"), 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (utf8_len(cases[i].s) != cases[i].len)
			fail_msg("case %zu", i);
}

/* The JSON of `in`, read again. */
static void assert_round_trip(struct str in)
{
	struct buf b = BUF_INIT(100000), want = BUF_INIT(100000);
	json_error_t je;

	json_add_str(&b, in);
	json_t *j = json_loadb(b.s, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &je);
	if (!j)
		fail_msg("%s: %s", b.s, je.text);
	for (size_t i = 0; i < b.len; i++) {
		assert_true((unsigned char)b.s[i] >= 0x20 && b.s[i] != 0x7f);
		if ((unsigned char)b.s[i] == 0xc2)
			assert_true((unsigned char)b.s[i + 1] >= 0xa0);
	}
	for (struct str s = in; s.len;) {
		size_t n = utf8_len(s);

		buf_add(&want, n ? str_head(s, n) : STR("\xef\xbf\xbd"));
		s = str_skip(s, n ? n : 1);
	}
	assert_true(str_eq(str_make(json_string_value(j), json_string_length(j)), buf_str(&want)));
	json_decref(j);
	buf_done(&b);
	buf_done(&want);
}

static void any_bytes_are_valid_json(void **state)
{
	char text[64];
	uint64_t random = 1;

	/* every pair of bytes, at the end and before ASCII */
	for (unsigned i = 0; i < 0x10000; i++) {
		memcpy(text, (char[]){(char)i, (char)(i >> 8), 'x'}, 3);
		assert_round_trip(str_make(text, 2));
		if (i % 7 == 0)
			assert_round_trip(str_make(text, 3));
	}
	/* every code point, as UTF-8 */
	for (uint32_t c = 0x800; c < 0x110000; c += c < 0x3000 ? 1 : 61) {
		size_t n = c < 0x10000 ? 3 : 4;

		if (n == 3)
			memcpy(text,
				(char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
					(char)(0x80 | (c & 63))},
				3);
		else
			memcpy(text,
				(char[]){(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
					(char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))},
				4);
		assert_round_trip(str_make(text, n));
	}
	/* and noise, with many lead bytes in it */
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = i % sizeof(text);

		for (size_t k = 0; k < n; k++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			text[k] = (char)(random >> 56 | (random >> 20 & 0x80));
		}
		assert_round_trip(str_make(text, n));
	}
}

static void keys_and_commas(void **state)
{
	struct buf b = BUF_INIT(100);
	bool first = true;

	buf_add_char(&b, '{');
	json_add_key(&b, &first, "a\"");
	buf_add_char(&b, '1');
	assert_false(first);
	json_add_key(&b, &first, "b");
	json_add_str(&b, STR("x"));
	buf_add_char(&b, '}');
	assert_string_equal(b.s, "{\"a\\\"\":1,\"b\":\"x\"}");
	buf_done(&b);
}

static void lines_without_quotes(void **state)
{
	struct buf b = BUF_INIT(100);

	json_add_escaped(&b, STR("one\ntwo\xff"));
	assert_string_equal(b.s, "one\\ntwo\xef\xbf\xbd");
	buf_done(&b);
}

static void too_much_is_cut_and_said(void **state)
{
	struct buf b = BUF_INIT(8);

	json_add_str(&b, STR("\x01\x02\x03"));
	assert_true(b.cut);
	assert_int_equal(b.len, 8);
	buf_done(&b);
}

static size_t plain_len_byte_by_byte(struct str s)
{
	size_t i = 0;

	while (i < s.len && s.s[i] >= 0x20 && s.s[i] != '"' && s.s[i] != '\\')
		i++;
	return i;
}

/* Every byte at every place of a word, before and behind others. */
static void plain_runs_end_where_they_should(void **state)
{
	static const char others[] = "a\x20\x7f\"\\\x1f\x80\xff\x01";
	char text[20];

	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < sizeof(text); at++) {
			for (size_t k = 0; k < sizeof(others); k++) {
				memset(text, 'x', sizeof(text));
				text[at] = (char)c;
				text[(at + 1) % sizeof(text)] = others[k];
				struct str s = str_make(text, sizeof(text));
				assert_int_equal(json_plain_len(s), plain_len_byte_by_byte(s));
			}
		}
	}
	assert_int_equal(json_plain_len(STR_NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(what_rules_a_terminal_is_escaped),
		cmocka_unit_test(utf8_is_that_of_rfc_3629),
		cmocka_unit_test(any_bytes_are_valid_json),
		cmocka_unit_test(keys_and_commas),
		cmocka_unit_test(lines_without_quotes),
		cmocka_unit_test(too_much_is_cut_and_said),
		cmocka_unit_test(plain_runs_end_where_they_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
