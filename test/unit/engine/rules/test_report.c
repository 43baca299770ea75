/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people and machines, the description as JSON, folders, selections, the hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/rules/rules.h"

#define RULE(name, cond)                                                                           \
	"- rule: " name "\n  desc: d\n  condition: " cond                                          \
	"\n  output: \"%proc.name %fd.name\"\n  priority: NOTICE\n  tags: [x, y]\n"

static struct ruleset *load(
	const char *text, struct load_report **report, const struct ruleset_options *more)
{
	struct ruleset_options o = more ? *more : (struct ruleset_options){0};
	struct str name = STR("a.yaml"), body = str_of(text);
	struct ruleset *rs;

	if (!more)
		o.min_priority = PRIORITY_DEBUG;
	o.texts = &body;
	o.text_names = &name;
	o.ntexts = 1;
	int e = ruleset_load(&o, &rs, report);

	assert_int_equal(e == 0, rs != NULL);
	return rs;
}

static void text_has_place_and_caret(void **state)
{
	struct load_report *report;
	struct buf b = BUF_INIT(1 << 16);

	assert_null(load(RULE("r", "evt.type = open and fd.nmae = x"), &report, NULL));
	load_report_format_text(report, false, false, &b);
	assert_string_equal(b.s,
		"a.yaml: Invalid, 1 error\n"
		"a.yaml:3:34: error: unknown field 'fd.nmae'; did you mean 'fd.name'? "
		"[LOAD_ERR_COMPILE_CONDITION]\n"
		"    condition: evt.type = open and fd.nmae = x\n"
		"                                   ^\n");
	buf_clear(&b);
	load_report_format_text(report, true, true, &b);
	assert_non_null(strstr(b.s, "\033[31merror\033[0m"));
	assert_non_null(strstr(b.s, "  in rule 'r' (a.yaml:1:3)\n"));
	buf_done(&b);
	load_report_free(report);
}

static void text_of_a_good_file(void **state)
{
	struct load_report *report;
	struct buf b = BUF_INIT(1 << 16);
	struct ruleset *rs = load(RULE("r", "evt.type = open"), &report, NULL);

	load_report_format_text(report, false, false, &b);
	assert_string_equal(b.s, "a.yaml: Ok\n");
	buf_done(&b);
	load_report_free(report);
	ruleset_unref(rs);
	rs = load("- macro: m\n  condition: evt.type = open\n", &report, NULL);
	load_report_format_text(report, false, false, &b);
	assert_memory_equal(b.s, "a.yaml: Ok, with warnings\n", 26);
	buf_done(&b);
	load_report_free(report);
	ruleset_unref(rs);
}

static json_t *parse(const struct buf *b)
{
	json_error_t je;
	json_t *j = json_loadb(b->s, b->len, 0, &je);

	if (!j)
		print_error("%s in %s\n", je.text, b->s);
	assert_non_null(j);
	return j;
}

static void json_is_falcos(void **state)
{
	struct load_report *report;
	struct buf b = BUF_INIT(1 << 16);

	assert_null(load(RULE("r", "nix") "- what: 1\n", &report, NULL));
	load_report_format_json(report, &b);
	json_t *j = parse(&b), *r = json_array_get(json_object_get(j, "falco_load_results"), 0);
	json_t *err = json_array_get(json_object_get(r, "errors"), 0);
	json_t *warn = json_array_get(json_object_get(r, "warnings"), 0);
	json_t *context = json_object_get(err, "context");
	json_t *loc = json_array_get(json_object_get(context, "locations"), 1);

	assert_string_equal(json_string_value(json_object_get(r, "name")), "a.yaml");
	assert_true(json_is_false(json_object_get(r, "successful")));
	assert_string_equal(json_string_value(json_object_get(err, "code")), "LOAD_ERR_VALIDATE");
	assert_true(json_is_string(json_object_get(err, "codedesc")));
	assert_true(json_is_string(json_object_get(err, "message")));
	assert_non_null(strstr(json_string_value(json_object_get(context, "snippet")), "nix\n"));
	assert_string_equal(json_string_value(json_object_get(loc, "item_type")), "rule");
	assert_string_equal(json_string_value(json_object_get(loc, "item_name")), "r");
	loc = json_object_get(loc, "position");
	assert_string_equal(json_string_value(json_object_get(loc, "name")), "a.yaml");
	assert_int_equal(json_integer_value(json_object_get(loc, "line")), 1);
	assert_int_equal(json_integer_value(json_object_get(loc, "offset")), 2);
	assert_string_equal(json_string_value(json_object_get(warn, "code")), "LOAD_UNKNOWN_ITEM");
	json_decref(j);
	buf_done(&b);
	load_report_free(report);
}

static const char described[] =
	"- required_engine_version: 0.31.0\n"
	"- required_plugin_versions:\n    - name: container\n      version: 0.2.0\n"
	"- list: shells\n  items: [sh, bash]\n"
	"- macro: opens\n  condition: evt.type in (open, openat)\n"
	"- rule: r\n  desc: text\n  condition: opens and proc.name in (shells)\n"
	"  output: \"%container.id %proc.name\"\n  priority: NOTICE\n  tags: [x]\n"
	"  exceptions:\n    - name: e\n      fields: fd.name\n      values: [/x]\n";

static void describe_has_falcos_keys(void **state)
{
	struct load_report *report;
	struct buf b = BUF_INIT(1 << 16);
	struct ruleset *rs = load(described, &report, NULL);

	ruleset_describe_json(rs, STR_NULL, &b);
	json_t *j = parse(&b), *r = json_array_get(json_object_get(j, "rules"), 0);
	json_t *info = json_object_get(r, "info"), *d = json_object_get(r, "details");
	char *flat = json_dumps(d, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(
		json_string_value(json_object_get(j, "required_engine_version")), "0.31.0");
	assert_int_equal(json_array_size(json_object_get(j, "required_plugin_versions")), 1);
	assert_string_equal(json_string_value(json_object_get(info, "priority")), "Notice");
	assert_string_equal(json_string_value(json_object_get(info, "condition")),
		"opens and proc.name in (shells)");
	assert_non_null(strstr(flat, "\"macros\":[\"opens\"]"));
	assert_non_null(strstr(flat, "\"lists\":[\"shells\"]"));
	assert_non_null(strstr(flat, "\"events\":[\"open\",\"openat\"]"));
	assert_non_null(strstr(flat, "\"exception_names\":[\"e\"]"));
	assert_non_null(strstr(flat, "\"exception_operators\":[\"in\"]"));
	assert_non_null(strstr(flat, "\"condition_operators\":[\"in\"]"));
	assert_non_null(
		strstr(flat, "\"condition_fields\":[\"evt.type\",\"fd.name\",\"proc.name\"]"));
	assert_non_null(strstr(flat, "\"output_fields\":[\"container.id\",\"proc.name\"]"));
	assert_non_null(strstr(flat, "\"plugins\":[\"container\"]"));
	r = json_array_get(json_object_get(j, "lists"), 0);
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(r, "details"), "items_compiled")),
		2);
	free(flat);
	json_decref(j);
	buf_done(&b);
	load_report_free(report);
	ruleset_unref(rs);
}

static void selections_apply_in_order(void **state)
{
	struct rule_selection sel[] = {
		{.enable = false, .rule_glob = STR("*")},
		{.enable = true, .tag = STR("y")},
		{.enable = false, .rule_glob = STR("b*")},
	};
	struct ruleset_options o = {
		.selections = sel, .nselections = 3, .min_priority = PRIORITY_DEBUG};
	struct load_report *report;
	struct ruleset *rs =
		load(RULE("a", "evt.type = open") RULE("b1", "evt.type = open"), &report, &o);

	assert_true(rs->rules[0]->enabled);
	assert_false(rs->rules[1]->enabled);
	assert_int_equal(rs->nby_code[EV_OPEN], 1);
	load_report_free(report);
	ruleset_unref(rs);
	o.nselections = 0;
	o.min_priority = PRIORITY_WARNING;
	rs = load(RULE("a", "evt.type = open"), &report, &o);
	assert_false(rs->rules[0]->enabled);
	load_report_free(report);
	ruleset_unref(rs);
}

static void missing_file_is_an_error(void **state)
{
	const char *path = "/does/not/exist.yaml";
	struct ruleset_options o = {.paths = &path, .npaths = 1, .min_priority = PRIORITY_DEBUG};
	struct load_report *report;
	struct ruleset *rs;

	assert_true(ruleset_load(&o, &rs, &report) < 0);
	assert_null(rs);
	assert_int_equal(report->files->issues->code, LOAD_ERR_FILE_READ);
	load_report_free(report);
}

static void hash_is_of_the_text(void **state)
{
	struct load_report *report;
	struct ruleset *a = load("", &report, NULL);

	assert_true(str_is(
		a->sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	load_report_free(report);
	ruleset_unref(a);
}

/* 2^40 items if every level were written out. */
static void bombs_are_refused(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct load_report *report;

	buf_add_cstr(&b, "- list: l0\n  items: [a, b, c, d]\n");
	for (int i = 1; i < 40; i++)
		buf_printf(&b, "- list: l%d\n  items: [l%d, l%d, l%d, l%d]\n", i, i - 1, i - 1,
			i - 1, i - 1);
	buf_add_cstr(&b, RULE("r", "evt.type = open and proc.name in (l39)"));
	assert_null(load(b.s, &report, NULL));
	load_report_free(report);
	buf_clear(&b);
	buf_add_cstr(&b, "- macro: m0\n  condition: proc.name = a\n");
	for (int i = 1; i < 60; i++)
		buf_printf(&b, "- macro: m%d\n  condition: (m%d and m%d)\n", i, i - 1, i - 1);
	buf_add_cstr(&b, RULE("r", "evt.type = open and m59"));
	assert_null(load(b.s, &report, NULL));
	load_report_free(report);
	buf_clear(&b);
	/* lists that each name later ones: growth in the text, not in the lists */
	for (int i = 0; i < 40; i++)
		buf_printf(&b, "- list: n%d\n  items: [n%d, n%d, n%d, n%d]\n", i, i + 1, i + 1,
			i + 1, i + 1);
	buf_add_cstr(&b, RULE("r", "evt.type = open and proc.name in (n0)"));
	assert_null(load(b.s, &report, NULL));
	load_report_free(report);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_place_and_caret),
		cmocka_unit_test(text_of_a_good_file),
		cmocka_unit_test(json_is_falcos),
		cmocka_unit_test(describe_has_falcos_keys),
		cmocka_unit_test(selections_apply_in_order),
		cmocka_unit_test(missing_file_is_an_error),
		cmocka_unit_test(hash_is_of_the_text),
		cmocka_unit_test(bombs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
