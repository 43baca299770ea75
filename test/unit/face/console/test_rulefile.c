/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files as text: items by their lines, switches, writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "engine/rules/rules.h"
#include "face/console/rulebook.h"
#include "face/console/rulefile.h"

static struct arena a;
static const char text[] = "# head\n"
			   "- macro: m\n"
			   "  condition: x\n"
			   "\n"
			   "# of the rule\n"
			   "- rule: One\n"
			   "  desc: >\n"
			   "    words\n"
			   "\n"
			   "    more words\n"
			   "  tags: [a,\n"
			   "    b]\n"
			   "\n"
			   "# of the next\n"
			   "- rule: \"Two\"\n"
			   "  enabled: false\n";

static void test_item(void **state)
{
	struct str one = rulefile_item_at(str_of(text), 6);

	assert_true(str_starts(one, STR("- rule: One")));
	assert_true(str_ends(one, STR("    b]")));
	assert_true(
		str_is(rulefile_item_at(str_of(text), 15), "- rule: \"Two\"\n  enabled: false"));
	assert_int_equal(rulefile_item_at(str_of(text), 99).len, 0);
	assert_int_equal(rulefile_item_at(STR(""), 1).len, 0);
	assert_int_equal(rulefile_item_at(STR("x"), 0).len, 0);
}

static void test_names(void **state)
{
	struct str names[8];

	assert_int_equal(rulefile_rule_names(&a, str_of(text), names, 8), 2);
	assert_true(str_is(names[0], "One") && str_is(names[1], "Two"));
	assert_int_equal(rulefile_rule_names(&a, str_of(text), names, 1), 1);
	assert_int_equal(rulefile_rule_names(&a, STR("{"), names, 8), 0);
	assert_int_equal(rulefile_rule_names(&a, STR("a: b"), names, 8), 0);
}

static bool is_there(void *arg, struct str rule)
{
	return !str_is(rule, "Gone");
}

static void test_toggle(void **state)
{
	struct buf first = BUF_INIT(4096), second = BUF_INIT(4096), third = BUF_INIT(4096);
	static const struct str odd = STR("A \"rule\": # {x}\\ ");

	assert_int_equal(rulefile_toggle(&a, STR(""), odd, false, is_there, NULL, &first, NULL), 0);
	assert_int_equal(rulefile_toggle(&a, buf_str(&first), STR("Two"), true, is_there, NULL,
				 &second, NULL),
		0);
	struct str names[4];
	assert_int_equal(rulefile_rule_names(&a, buf_str(&second), names, 4), 2);
	assert_true(str_eq(names[0], odd));
	/* once a rule, and none of a rule that is gone */
	assert_int_equal(
		rulefile_toggle(&a, buf_str(&second), odd, true, is_there, NULL, &third, NULL), 0);
	assert_int_equal(rulefile_rule_names(&a, buf_str(&third), names, 4), 2);
	buf_clear(&first);
	assert_int_equal(rulefile_toggle(&a, STR("- rule: Gone\n  enabled: false\n"), STR_NULL,
				 false, is_there, NULL, &first, NULL),
		0);
	assert_int_equal(rulefile_rule_names(&a, buf_str(&first), names, 4), 0);
	buf_done(&first);
	buf_done(&second);
	buf_done(&third);
}

static void test_write(void **state)
{
	char dir[] = "/tmp/koban-rulefile-XXXXXX", path[64];
	struct err e = {0};
	struct str got;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(rulefile_write(dir, STR("a.yaml"), STR("one"), &e), 0);
	assert_int_equal(rulefile_write(dir, STR("a.yaml"), STR("two"), &e), 0);
	snprintf(path, sizeof(path), "%s/a.yaml", dir);
	assert_int_equal(io_read_file(&a, -100, path, 100, &got, &e), 0);
	assert_true(str_is(got, "two"));
	assert_int_equal(rulefile_remove(dir, STR("a.yaml"), &e), 0);
	assert_true(rulefile_remove(dir, STR("a.yaml"), &e) < 0);
	assert_int_equal(rmdir(dir), 0);
	assert_true(rulefile_write(dir, STR("a.yaml"), STR("x"), &e) < 0);
}

static void test_file_names(void **state)
{
	static const char *const good[] = {"a.yaml", "10-mine.yml", "A_b.c.yaml"};
	static const char *const bad[] = {"", ".yaml", "a", "a.txt", ".a.yaml", "-a.yaml",
		"../a.yaml", "a/b.yaml", "a b.yaml", "zz-toggles.yaml", "zza.yaml", "a_test.yaml",
		"a.yaml\n"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(rulebook_is_name(str_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(rulebook_is_name(str_of(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_item),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_toggle),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_file_names),
	};

	arena_init(&a, 0);
	int failed = cmocka_run_group_tests_name("rulefile", tests, NULL, NULL);
	arena_done(&a);
	return failed;
}
