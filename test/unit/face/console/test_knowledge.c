/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped knowledge: it loads, names every technique that a shipped rule names, and answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/rules/rules.h"
#include "face/console/knowledge.h"

static struct knowledge *k;

static void test_techniques(void **state)
{
	const struct technique *t = knowledge_technique(k, STR("t1059.004"));

	assert_non_null(t);
	assert_true(str_is(t->name, "Unix Shell"));
	assert_true(str_is(knowledge_tactic(k, t->tactics[0])->name, "Execution"));
	assert_null(knowledge_technique(k, STR("T9999")));
	assert_true(knowledge_is_technique(STR("T1059")));
	assert_true(knowledge_is_technique(STR("t1059.004")));
	static const char *const bad[] = {"", "T", "T105", "T10599", "T1059.4", "T1059,004",
		"X1059", "T1059.00a", "mitre_execution"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(knowledge_is_technique(str_of(bad[i])));
}

static void test_rules(void **state)
{
	static const char *const paths[] = {"data/rules"};
	const struct ruleset_options o = {
		.paths = paths, .npaths = 1, .min_priority = PRIORITY_DEBUG};
	struct load_report *report;
	struct ruleset *rs;
	size_t missing = 0;

	assert_int_equal(ruleset_load(&o, &rs, &report), 0);
	for (size_t i = 0; i < rs->nrules; i++) {
		const struct rule *r = rs->rules[i];

		for (size_t j = 0; j < r->ntags; j++)
			if (knowledge_is_technique(r->tags[j]) &&
				!knowledge_technique(k, r->tags[j])) {
				print_error("%.*s: %.*s is not in data/intel/attack.yaml\n",
					STR_ARG(r->name), STR_ARG(r->tags[j]));
				missing++;
			}
		assert_non_null(knowledge_advice(k, r->tags, r->ntags));
	}
	assert_int_equal(missing, 0);
	ruleset_unref(rs);
	load_report_free(report);
}

static void test_advice(void **state)
{
	const struct str sub[] = {STR("container"), STR("mitre_execution"), STR("T1059.004")};
	const struct str parent[] = {STR("mitre_impact"), STR("T1496.999")};
	const struct str tactic[] = {STR("host"), STR("mitre_impact")};

	assert_true(str_is(knowledge_advice(k, sub, 3)->tag, "T1059.004"));
	assert_true(str_is(knowledge_advice(k, parent, 2)->tag, "T1496"));
	assert_true(str_is(knowledge_advice(k, tactic, 2)->tag, "mitre_impact"));
	assert_true(str_is(knowledge_advice(k, NULL, 0)->tag, "*"));
}

static void test_broken(void **state)
{
	struct knowledge *none;
	struct err e = {0};

	assert_true(knowledge_new("/nowhere", &none, &e) < 0);
	assert_non_null(strstr(e.msg, "/nowhere/intel/attack.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_techniques),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_broken),
	};
	struct err e = {0};

	if (knowledge_new("data", &k, &e) < 0) {
		print_error("%s\n", e.msg);
		return 1;
	}
	int failed = cmocka_run_group_tests_name("knowledge", tests, NULL, NULL);
	knowledge_free(k);
	return failed;
}
