/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule in data/yara/ has a sample in yara_samples.yaml that it matches and one that no rule
 * matches; each says what a finding needs. Shown to the analyzer itself, so that the gate of
 * anchors is tried with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "base/yaml.h"
#include "fake_ledger.h"
#include "scan/image/yara_set.h"

static struct ledger l;
static struct arena arena;
static struct yaml_node *samples;
static void *self;

extern const struct analyzer_ops analyzer_malware;

static int set_up(void **state)
{
	struct yaml_node **docs;
	struct yaml_error ye;
	struct str text;
	struct err e = {0};
	size_t n;

	arena_init(&arena, 0);
	fake_ledger_init(&l);
	assert_int_equal(io_read_file(&arena, AT_FDCWD, "test/unit/scan/image/yara_samples.yaml",
				 1 << 20, &text, &e),
		0);
	assert_int_equal(yaml_parse(&arena, text, NULL, &docs, &n, &ye), 0);
	samples = docs[0];
	if (analyzer_malware.open(&(struct analyzer_options){.data_dir = "data"}, &self, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static int tear_down(void **state)
{
	analyzer_malware.close(self);
	fake_ledger_done(&l);
	arena_done(&arena);
	return 0;
}

static void show(const struct yaml_node *pieces, bool is_binary)
{
	struct buf b = BUF_INIT(1 << 20);

	if (is_binary && !str_starts(pieces->items[0]->text, STR("#!")))
		buf_add(&b, STR("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0"));
	for (size_t i = 0; i < pieces->nitems; i++) {
		/* YAML writes bytes above 127 as UTF-8; samples have none */
		buf_add(&b, pieces->items[i]->text);
		buf_add_char(&b, is_binary ? 0 : '\n');
	}
	fake_ledger_clear(&l);
	fake_show(&analyzer_malware, self, &l, "/srv/sample", 0755, buf_str(&b));
	buf_done(&b);
}

static bool was_told(const char *rule)
{
	for (size_t i = 0; i < l.nfindings; i++)
		if (str_is(artifact_finding_fact(&l.findings[i], "rule"), rule))
			return true;
	return false;
}

static void check_rule(const YR_RULE *rule, bool is_binary)
{
	const struct yaml_node *sample = yaml_get(samples, rule->identifier);
	struct str severity = yara_rule_meta(rule, "severity", NULL);
	enum artifact_label label;
	enum artifact_severity s;
	int64_t confidence = 0;

	if (!sample)
		fail_msg("%s has no sample in yara_samples.yaml", rule->identifier);
	assert_true(str_starts(yara_rule_meta(rule, "check", NULL), STR("malware-")));
	assert_true(yara_rule_meta(rule, "description", NULL).len > 20);
	assert_true(artifact_severity_parse(severity, &s));
	assert_true(artifact_label_parse(yara_rule_meta(rule, "label", NULL), &label));
	yara_rule_meta(rule, "confidence", &confidence);
	assert_in_range(confidence, 50, 95);

	show(yaml_get(sample, "yes"), is_binary);
	if (!was_told(rule->identifier))
		fail_msg("%s does not match its sample", rule->identifier);
	show(yaml_get(sample, "no"), is_binary);
	if (l.nfindings) {
		fake_print(&l);
		fail_msg("what %s must not match is matched", rule->identifier);
	}
}

static size_t check_rules(const char *dir, bool is_binary)
{
	const char *const paths[] = {dir, NULL};
	struct yara_set *set;
	struct err e = {0};
	const YR_RULE *rule;
	size_t n = 0;

	assert_int_equal(yara_set_open(paths, YARA_GATED, &arena, NULL, &set, &e), 0);
	yr_rules_foreach(yara_set_rules(set), rule)
	{
		check_rule(rule, is_binary);
		n++;
	}
	assert_int_equal(n, yara_set_nrules(set));
	yara_set_close(set);
	return n;
}

static void every_rule_has_a_sample_that_matches_and_one_that_does_not(void **state)
{
	size_t n = check_rules("data/yara/binary", true);

	n += check_rules("data/yara/text", false);
	assert_int_equal(n, samples->nitems); /* a sample without a rule */
	assert_true(n >= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_has_a_sample_that_matches_and_one_that_does_not),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
