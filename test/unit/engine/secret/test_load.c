/* SPDX-License-Identifier: Apache-2.0 */
/* A user's file of rules: what it adds and replaces, and how its mistakes are named. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "scan_text.h"

static int load(const char *text, struct secret_rules **ret, struct err *e)
{
	char path[] = "/tmp/koban-rules-XXXXXX.yaml";
	int fd = mkstemps(path, 5);
	const char *const paths[] = {path, NULL};

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, str_of(text)), 0);
	close(fd);
	int r = secret_rules_load("data", paths, ret, e);
	unlink(path);
	return r;
}

static void test_adds_and_replaces(void **state)
{
	struct secret_rules *mine;
	struct secret_scanner *s, *shipped = scanner;
	struct err e = {0};

	assert_int_equal(
		load("rules:\n"
		     "  - id: shop-token\n    title: A token of our shop\n    mend: Revoke it.\n"
		     "    keywords: [shop_]\n    pattern: '%{start}(shop_[0-9]{8})%{end}'\n"
		     "  - id: vault-service-token\n    title: Ours\n    mend: Do.\n"
		     "    keywords: [never-there]\n    pattern: 'never-there'\n",
			&mine, &e),
		0);
	assert_int_equal(secret_rules_count(mine), secret_rules_count(rules) + 1);
	assert_true(secret_rules_hash(mine) != secret_rules_hash(rules));
	assert_int_equal(secret_scanner_new(mine, &s, &e), 0);
	scanner = s;
	const struct seen *seen = scan("/x", STR("a shop_73920461 b\n"));
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->id[0], "shop-token");
	assert_int_equal(scan("/x", STR("xshop_73920461\n"))->n, 0);
	assert_int_equal(scan("/x", STR("hvs."
					"CAESIJkq83hd72bAHdj28aLmq0QzXw\n"))
				 ->n,
		0);
	scanner = shipped;
	secret_scanner_free(s);
	secret_rules_unref(mine);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"rules: 3", "must be a list"},
		{"rulez: []", "did you mean \"rules\"?"},
		{"rules:\n  - id: a\n    title: x\n", "\"mend\" is missing"},
		{"rules:\n  - id: A b\n    title: x\n    mend: y\n", "small letters"},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    pattern: x\n", "every byte"},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    pattern: x\n    keywords: "
		 "[ab]\n",
			"too common"},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    keywords: [abc]\n",
			"\"pattern\" is missing"},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    keywords: [abc]\n"
		 "    pattern: '(x'\n",
			"the pattern is wrong"},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    pattern: x\n"
		 "    trigger: '(?<=x)y'\n",
			"the trigger cannot be used"},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    keywords: [abc]\n"
		 "    pattern: x\n    check: luhn\n",
			"no check \"luhn\""},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    keywords: [abc]\n"
		 "    pattern: x\n    entropy: 9\n",
			"from 0 to 8"},
		{"rules:\n  - id: a\n    title: x\n    mend: y\n    severity: huge\n",
			"must be one of"},
		{"allow:\n  - reason: because\n", "hide everything"},
		{"allow:\n  - paths: ['*']\n", "\"reason\" is missing"},
		{"allow:\n  - reason: x\n    values: ['(']\n", "the pattern is wrong"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct secret_rules *r = NULL;
		struct err e = {0};
		int code = load(rows[i].text, &r, &e);

		if (code >= 0 || !strstr(e.msg, rows[i].message))
			fail_msg("%s: \"%s\", not: …%s…", rows[i].text, e.msg, rows[i].message);
	}
}

/* The file that docs/secrets.md shows is one: it loads, and its examples hold. */
static void test_documentation(void **state)
{
	struct arena a;
	struct str text;
	struct secret_rules *mine;
	struct secret_scanner *s, *shipped = scanner;
	struct err e = {0};

	arena_init(&a, 1 << 20);
	assert_int_equal(io_read_file(&a, AT_FDCWD, "docs/secrets.md", 1 << 19, &text, &e), 0);
	ptrdiff_t from = str_find(text, STR("```yaml\n"));
	assert_true(from > 0);
	text = str_skip(text, (size_t)from + 8);
	text = str_head(text, (size_t)str_find(text, STR("```")));
	if (load(arena_cstr(&a, text), &mine, &e) < 0 || secret_scanner_new(mine, &s, &e) < 0)
		fail_msg("%s", e.msg);
	scanner = s;
	const struct secret_rule *r = &mine->rules[mine->nrules - 1];
	assert_true(str_is(r->id, "shop-token"));
	assert_true(index_of(scan("/x", r->examples[0]), "shop-token") < SEEN_MAX);
	assert_int_equal(scan("/x", r->never[0])->n, 0);
	assert_int_equal(scan("/x", STR("shop_demo9F3bQ7xK2mV8cL5tZ1nWpR4sT6uY"))->n, 0);
	scanner = shipped;
	secret_scanner_free(s);
	secret_rules_unref(mine);
	arena_done(&a);
}

static void test_missing(void **state)
{
	const char *const paths[] = {"/no/such/file.yaml", NULL};
	struct secret_rules *r;
	struct err e = {0};

	assert_true(secret_rules_load("data", paths, &r, &e) < 0);
	assert_non_null(strstr(e.msg, "/no/such/file.yaml"));
	assert_true(secret_rules_load("/no/such/data", NULL, &r, &e) < 0);
}

static void test_user_allows(void **state)
{
	struct secret_rules *mine;
	struct secret_scanner *s, *shipped = scanner;
	struct err e = {0};

	assert_int_equal(load("allow:\n  - reason: revoked in spring\n    paths: ['/srv/old/*']\n"
			      "    rules: [vault-*]\n    values: ['^hvs']\n",
				 &mine, &e),
		0);
	assert_int_equal(secret_scanner_new(mine, &s, &e), 0);
	scanner = s;
	assert_int_equal(scan("/srv/old/x", STR("hvs."
						"CAESIJkq83hd72bAHdj28aLmq0QzXw\n"))
				 ->n,
		0);
	assert_int_equal(scan("/srv/new/x", STR("hvs."
						"CAESIJkq83hd72bAHdj28aLmq0QzXw\n"))
				 ->n,
		1);
	assert_int_equal(secret_scanner_allowed(s), 1);
	scanner = shipped;
	secret_scanner_free(s);
	secret_rules_unref(mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_and_replaces),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_documentation),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_user_allows),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
