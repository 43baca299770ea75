/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading rules when memory runs out, at each allocation in turn: either the same ruleset or a
 * report that says it failed; never fewer rules, or rules that match less, without a word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/rules/rules.h"
#include "fault.h"

/* A little of everything that takes memory of its own. */
static const char text[] =
	"- required_engine_version: 0.50.0\n"
	"- list: shells\n"
	"  items: [bash, sh, 'zsh']\n"
	"- list: more_shells\n"
	"  items: [shells, fish]\n"
	"- macro: is_shell\n"
	"  condition: proc.name in (more_shells)\n"
	"- macro: opens\n"
	"  condition: evt.type in (open, openat, openat2) and evt.is_open_read=true\n"
	"- rule: Reads a secret\n"
	"  desc: one\n"
	"  condition: opens and (fd.name startswith /etc/ssl/private or fd.name in (/etc/shadow,\n"
	"    /etc/gshadow) or fd.name glob /root/*.key or fd.name pmatch (/srv/keys, /var/lib/k))\n"
	"  output: read %fd.name by %proc.name (%proc.cmdline) %evt.time\n"
	"  priority: WARNING\n"
	"  tags: [a, b]\n"
	"  exceptions:\n"
	"    - name: known\n"
	"      fields: [proc.name, fd.name]\n"
	"      comps: [in, startswith]\n"
	"      values:\n"
	"        - [[sshd, sudo], /etc]\n"
	"- rule: Shell says a word\n"
	"  desc: two\n"
	"  condition: spawned and is_shell and (proc.args contains one or proc.args contains two\n"
	"    or proc.args contains three or proc.args regex '.*f(o|u)+r.*')\n"
	"  output: said %proc.cmdline\n"
	"  priority: ERROR\n"
	"- macro: spawned\n"
	"  condition: evt.type in (execve, execveat)\n"
	"- rule: Shell says a word\n"
	"  condition: and not proc.pname=cron\n"
	"  tags: [c]\n"
	"  override:\n"
	"    condition: append\n"
	"    tags: append\n"
	"- rule: Is off\n"
	"  desc: three\n"
	"  condition: evt.type=connect and fd.snet in (\"10.0.0.0/8\", \"192.168.0.0/16\")\n"
	"  output: off\n"
	"  priority: DEBUG\n"
	"  enabled: false\n";

static int load(struct ruleset **rs, struct load_report **report)
{
	const struct str texts[] = {str_of(text)}, names[] = {STR("rules.yaml")};
	struct ruleset_options o = {.min_priority = PRIORITY_DEBUG,
		.texts = texts,
		.text_names = names,
		.ntexts = 1,
		.suggested_output = true};

	*rs = NULL;
	*report = NULL;
	return ruleset_load(&o, rs, report);
}

/*
 * What is in a ruleset, as far as one can look. Without memory for it the pushdown may be off: that
 * costs time and no finding.
 */
static void describe(const struct ruleset *rs, struct buf *b)
{
	buf_printf(b, "%zu rules, %zu paths, %d\n", rs->nrules, rs->npaths, rs->needs_latency);
	if (rs->push[PUSH_OPEN].is_on) {
		buf_printf(b, "%zu open roots\n", rs->push[PUSH_OPEN].nroots);
		for (size_t i = 0; i < rs->nrules; i++)
			filter_program_explain(rs->program, rs->rules[i]->root, b);
		for (size_t i = 0; i < rs->push[PUSH_OPEN].nroots; i++)
			filter_program_explain(rs->program, rs->push[PUSH_OPEN].roots[i], b);
	}
	if (rs->can_push_folders)
		buf_printf(b, "%zu marks\n", rs->nname_marks);
	for (size_t i = 0; i < rs->npaths; i++)
		buf_printf(b, "%.*s\n", STR_ARG(rs->paths[i].path));
	for (unsigned c = 0; c < EVENT_CODE_MAX; c++)
		for (size_t i = 0; i < rs->nby_code[c]; i++)
			buf_printf(b, "%u:%u ", c, rs->by_code[c][i]);
	ruleset_describe_json(rs, STR_NULL, b);
}

static void assert_same(unsigned n, const struct buf *now, const struct buf *whole)
{
	size_t i = 0;

	while (i < whole->len && now->s[i] == whole->s[i])
		i++;
	if (i < whole->len)
		fail_msg("allocation %u: another ruleset, and no error:\n%.300s\nexpected:\n%.300s",
			n, now->s + i, whole->s + i);
}

static void memory_that_is_out(void **state)
{
	/* without pushdown, without that of folders, with both */
	struct buf whole[3] = {BUF_INIT(1 << 20), BUF_INIT(1 << 20), BUF_INIT(1 << 20)};
	struct buf now = BUF_INIT(1 << 20);
	struct ruleset *rs;
	struct load_report *report;
	unsigned refused = 0;

	if (load(&rs, &report) < 0) {
		load_report_format_text(report, false, true, &now);
		fail_msg("%s", now.s);
	}
	assert_int_equal(report->nerrors + report->nwarnings, 0);
	assert_int_equal(rs->nrules, 3);
	describe(rs, &whole[2]);
	rs->can_push_folders = false;
	describe(rs, &whole[1]);
	rs->push[PUSH_OPEN].is_on = false;
	describe(rs, &whole[0]);
	assert_false(whole[0].cut || whole[1].cut || whole[2].cut);
	ruleset_unref(rs);
	load_report_free(report);

	for (unsigned n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
		fault_arm(FAULT_ALLOC, n, ENOMEM);
		int r = load(&rs, &report);
		fault_disarm();
		if (r < 0) {
			assert_null(rs);
			refused++;
		} else {
			buf_clear(&now);
			describe(rs, &now);
			assert_same(
				n, &now, &whole[rs->push[PUSH_OPEN].is_on + rs->can_push_folders]);
			ruleset_unref(rs);
		}
		/* without memory for a report there is at least the number */
		if (r < 0)
			assert_true(r == -ENOMEM || report->nerrors > 0);
		load_report_free(report);
	}
	print_message("# %u allocations made loading fail\n", refused);
	assert_true(refused > 10);
	for (int i = 0; i < 3; i++)
		buf_done(&whole[i]);
	buf_done(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_is_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
