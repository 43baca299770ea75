/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the text of YARA rules and asking their conditions what could hold. "no" must be certain:
 * whatever is not understood has to answer "perhaps", also behind a "not".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/buf.h"
#include "scan/image/yara_condition.h"

static struct arena arena;

static int set_up(void **state)
{
	arena_init(&arena, 0);
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&arena);
	return 0;
}

static struct yara_rule read_rule(const char *text)
{
	struct str rest = str_of(text);
	struct yara_rule r;
	struct err e = {0};

	if (yara_source_next(&rest, &arena, &r, &e) != 1)
		fail_msg("%s: %s", text, e.msg);
	return r;
}

/* With $a there, $b not, $c and $d perhaps, in a file of 1,000 to 2,000 bytes. */
static enum yara_answer ask_facts(const char *condition, bool is_partial)
{
	static const uint32_t signs[] = {0, 1, 2, YARA_NO_SIGN};
	static const uint8_t found[] = {YARA_YES, YARA_NO, YARA_PERHAPS};
	const struct yara_facts facts = {
		.found = found, .size = 1000, .max_size = 2000, .is_partial = is_partial};
	struct str text = arena_printf(&arena,
		"rule x { strings: $a = \"aaaa\" $b = \"bbbb\" $c = /c+/ $d = { 01 02 } "
		"condition: %s }",
		condition);
	struct yara_rule r = read_rule(text.s);
	struct yara_condition *c = yara_condition_read(&arena, &r);

	assert_non_null(c);
	return yara_condition_ask(c, signs, &facts);
}

static void check(const char *condition, enum yara_answer want)
{
	if (ask_facts(condition, false) != want)
		fail_msg("%s: %d", condition, ask_facts(condition, false));
}

static void what_is_known_decides(void **state)
{
	check("$a", YARA_YES);
	check("$b", YARA_NO);
	check("$c", YARA_PERHAPS);
	check("$d", YARA_PERHAPS);
	check("not $a", YARA_NO);
	check("not not $a", YARA_YES);
	check("not $c", YARA_PERHAPS);
	check("$a and $b or $a", YARA_YES);
	check("$a and ($b or $c)", YARA_PERHAPS);
	check("$b and ($a or $c)", YARA_NO);
	check("$a or $b and $b", YARA_YES);
	check("not ($b or $b)", YARA_YES);
}

static void sets_are_counted(void **state)
{
	check("any of them", YARA_YES);
	check("all of them", YARA_NO);
	check("all of ($a, $c, $d)", YARA_PERHAPS);
	check("1 of ($b)", YARA_NO);
	check("1 of ($b*)", YARA_NO);
	check("2 of ($a, $b)", YARA_NO);
	check("2 of ($a*, $b*, $c*)", YARA_PERHAPS);
	check("3 of ($a, $b, $c)", YARA_NO);
	check("none of ($b)", YARA_YES);
	check("none of ($a, $b)", YARA_NO);
	check("none of ($b, $c)", YARA_PERHAPS);
	check("not 1 of ($a*)", YARA_NO);
}

static void sizes_are_bounds(void **state)
{
	check("filesize < 1000", YARA_NO);
	check("filesize <= 1000", YARA_PERHAPS);
	check("filesize < 1KB", YARA_PERHAPS);
	check("filesize < 2000", YARA_PERHAPS);
	check("filesize <= 2000", YARA_YES);
	check("filesize < 1MB", YARA_YES);
	check("filesize > 2000", YARA_NO);
	check("filesize >= 2000", YARA_PERHAPS);
	check("filesize > 0x3e7", YARA_YES);
	check("not filesize > 2000", YARA_YES);
}

static void what_is_not_understood_may_hold(void **state)
{
	check("#b > 2", YARA_PERHAPS);
	check("not #b > 2", YARA_PERHAPS);
	check("@b[1] < 10 and $a", YARA_PERHAPS);
	check("uint16(0) == 0x2123", YARA_PERHAPS);
	check("uint16(0) == 0x2123 and $b", YARA_NO);
	check("filesize < 10 * 100", YARA_PERHAPS);
	check("filesize == 10", YARA_PERHAPS);
	check("(filesize - 900) < 50", YARA_PERHAPS);
	check("(1 + 2) > 2 and $a", YARA_PERHAPS);
	check("for any i in (0..255) : (uint32(i * 4) == 1 and $b)", YARA_PERHAPS);
	check("for any of them : ($ at 0 or $b)", YARA_PERHAPS);
	check("for all of them : (# > 1) or $a", YARA_YES);
	check("other_rule and $a", YARA_PERHAPS);
	check("filename matches /a or b)/is and $b", YARA_NO);
	check("filename contains \") or (\" and $b", YARA_NO);
	check("50% of them", YARA_PERHAPS);
	check("pe.imports(\"a\", \"b\") or $b", YARA_PERHAPS);
	check("$a and // $b\n /* or $b */ $a", YARA_YES);
}

/* A string at a place is there only when the string is. */
static void a_place_makes_a_yes_uncertain(void **state)
{
	check("$a at 0", YARA_PERHAPS);
	check("not $a at 0", YARA_PERHAPS);
	check("$b at 0", YARA_NO);
	check("not $b in (0..100)", YARA_YES);
	check("$a in (0..100) and $b", YARA_NO);
	check("any of ($a, $b) in (0..100)", YARA_PERHAPS);
	check("none of ($a) in (0..100)", YARA_PERHAPS);
}

static void other_parts_of_a_file_may_hold_the_rest(void **state)
{
	assert_int_equal(ask_facts("$a", true), YARA_YES);
	assert_int_equal(ask_facts("$b", true), YARA_PERHAPS);
	assert_int_equal(ask_facts("not $b", true), YARA_PERHAPS);
	assert_int_equal(ask_facts("not $a", true), YARA_NO);
	assert_int_equal(ask_facts("all of them", true), YARA_PERHAPS);
	assert_int_equal(ask_facts("all of them and filesize < 10", true), YARA_NO);
}

static void too_much_may_hold(void **state)
{
	struct buf b = BUF_INIT(1 << 16);

	for (int i = 0; i < 40; i++)
		buf_add(&b, STR("("));
	buf_add(&b, STR("$b"));
	for (int i = 0; i < 40; i++)
		buf_add(&b, STR(")"));
	buf_add_char(&b, '\0');
	check(buf_str(&b).s, YARA_PERHAPS);
	buf_done(&b);
	b = BUF_INIT(1 << 16);
	for (int i = 0; i < 400; i++)
		buf_add(&b, STR("$b and "));
	buf_add(&b, STR("$b"));
	buf_add_char(&b, '\0');
	check(buf_str(&b).s, YARA_PERHAPS);
	buf_done(&b);
}

static void strings_are_read_as_written(void **state)
{
	struct yara_rule r = read_rule(
		"import \"pe\"\n"
		"private rule odd : tag other { // with { and }\n"
		"meta: strings = 1 condition = \"condition:\" x = true\n"
		"strings: /* none: $no = */ $t = \"a\\\"\\\\\\n\\x41\\t}\" nocase fullword "
		"private\n"
		"$r = /[\"}\\/]\\s/is $w = \"wide\" wide ascii $x = \"xor\" xor(0x01-0xff)\n"
		"$h = { 01 ?? [2-4] } $b = \"base\" base64(\"abc\")\n"
		"condition: all of them }\n");

	assert_true(str_is(r.name, "odd"));
	assert_int_equal(r.nstrings, 6);
	assert_true(str_is(r.strings[0].name, "$t"));
	assert_true(str_is(r.strings[0].text, "a\"\\\nA\t}"));
	assert_true(r.strings[0].is_nocase && r.strings[0].is_narrowed);
	assert_int_equal(r.strings[1].kind, YARA_REGEX);
	assert_true(str_is(r.strings[1].text, "[\"}\\/]\\s"));
	assert_true(r.strings[1].is_nocase && r.strings[1].is_dotall);
	assert_true(r.strings[2].is_changed && r.strings[3].is_changed && r.strings[5].is_changed);
	assert_int_equal(r.strings[4].kind, YARA_HEX);
	assert_true(str_is(str_trim(r.condition), "all of them"));
}

static void a_text_has_many_rules_or_none(void **state)
{
	struct str rest = STR("// rule no { condition: true }\n include \"x\"\n"
			      "rule a { condition: true } global rule b { condition: false }");
	struct yara_rule r;
	struct err e = {0};

	assert_int_equal(yara_source_next(&rest, &arena, &r, &e), 1);
	assert_true(str_is(r.name, "a") && !r.is_global);
	assert_int_equal(yara_source_next(&rest, &arena, &r, &e), 1);
	assert_true(str_is(r.name, "b") && r.is_global);
	assert_int_equal(yara_source_next(&rest, &arena, &r, &e), 0);
}

static void what_is_cut_off_is_refused(void **state)
{
	static const char *const texts[] = {"rule", "rule x", "rule x {",
		"rule x { strings:", "rule x { strings: $a",
		"rule x { strings: $a =", "rule x { strings: $a = \"", "rule x { strings: $a = /x",
		"rule x { strings: $a = { 01", "rule x { meta: a = 1 }",
		"rule x { strings: $a = \"a\" xor(", "rule x { /* "};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct str rest = str_of(texts[i]);
		struct yara_rule r;
		struct err e = {0};

		assert_int_equal(yara_source_next(&rest, &arena, &r, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "gate"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_decides),
		cmocka_unit_test(sets_are_counted),
		cmocka_unit_test(sizes_are_bounds),
		cmocka_unit_test(what_is_not_understood_may_hold),
		cmocka_unit_test(a_place_makes_a_yes_uncertain),
		cmocka_unit_test(other_parts_of_a_file_may_hold_the_rest),
		cmocka_unit_test(too_much_may_hold),
		cmocka_unit_test(strings_are_read_as_written),
		cmocka_unit_test(a_text_has_many_rules_or_none),
		cmocka_unit_test(what_is_cut_off_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
