/* SPDX-License-Identifier: Apache-2.0 */
/* The three public rule files: they load without a word, and need the events they are known to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/rules/rules.h"

static const struct public_file {
	const char *name;
	size_t rules, enabled, macros, lists;
	const char *syscalls; /* in byte order; of all rules, disabled ones too */
} files[] = {
	{"falco_rules.yaml", 25, 25, 87, 49,
		"connect dup dup2 dup3 execve execveat finit_module init_module link linkat open "
		"openat openat2 ptrace sendmsg sendto socket symlink symlinkat"},
	{"falco-incubating_rules.yaml", 31, 31, 82, 54,
		"accept accept4 bpf chmod connect creat execve execveat fchmod fchmodat listen "
		"open "
		"openat openat2 rename renameat renameat2 rmdir sendmsg sendto setns setuid unlink "
		"unlinkat unshare"},
	{"falco-sandbox_rules.yaml", 37, 25, 183, 60, NULL},
};

static const char *corpus(char *path, size_t size, const char *name)
{
	const char *shared = getenv("KOBAN_SHARED");

	snprintf(path, size, "%s/corpora/falco-rules/%s", shared ? shared : "../shared", name);
	return path;
}

static struct ruleset *load(const char *const *paths, size_t n)
{
	struct ruleset_options o = {.paths = paths, .npaths = n, .min_priority = PRIORITY_DEBUG};
	struct load_report *report;
	struct ruleset *rs;
	struct buf b = BUF_INIT(1 << 20);

	if (ruleset_load(&o, &rs, &report) < 0 || report->nwarnings) {
		load_report_format_text(report, false, false, &b);
		print_error("%.*s\n", STR_ARG(buf_str(&b)));
	}
	assert_non_null(rs);
	assert_int_equal(report->nwarnings, 0);
	buf_done(&b);
	load_report_free(report);
	return rs;
}

static size_t count_enabled(const struct ruleset *rs)
{
	size_t n = 0;

	for (size_t i = 0; i < rs->nrules; i++)
		n += rs->rules[i]->enabled;
	return n;
}

static int compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Names of the events that any rule can match. */
static size_t event_names(const struct ruleset *rs, struct buf *out)
{
	struct str names[EVENT_CODE_MAX] = {0};
	size_t n = 0, kept = 0;

	for (unsigned c = 0; c < EVENT_CODE_MAX; c++)
		for (size_t i = 0; i < rs->nrules; i++)
			if (rs->rules[i]->codes[c / 64] >> (c % 64) & 1) {
				names[n++] = str_of(event_def((uint16_t)c)->name);
				break;
			}
	qsort(names, n, sizeof(*names), compare_str);
	for (size_t i = 0; i < n; i++) {
		if (i && str_eq(names[i], names[i - 1]))
			continue;
		buf_printf(out, "%s%.*s", kept++ ? " " : "", STR_ARG(names[i]));
	}
	return kept;
}

static void each_file(void **state)
{
	char path[4096];

	for (size_t i = 0; i < 3; i++) {
		const char *p = corpus(path, sizeof(path), files[i].name);

		if (access(p, R_OK) < 0) {
			print_message("skipped: needs ../shared/corpora/falco-rules\n");
			skip();
		}
		struct ruleset *rs = load(&p, 1);
		struct buf names = BUF_INIT(1 << 16);
		size_t n = event_names(rs, &names);

		assert_int_equal(rs->nrules, files[i].rules);
		assert_int_equal(count_enabled(rs), files[i].enabled);
		assert_int_equal(rs->nmacros, files[i].macros);
		assert_int_equal(rs->nlists, files[i].lists);
		assert_int_equal(n, i == 0 ? 19 : i == 1 ? 25 : 26);
		if (files[i].syscalls)
			assert_string_equal(names.s, files[i].syscalls);
		assert_true(str_is(rs->required_engine, "0.57.0"));
		assert_int_equal(rs->sha256.len, 64);
		buf_done(&names);
		ruleset_unref(rs);
	}
}

static void all_together(void **state)
{
	char path[3][4096];
	const char *paths[3];

	for (size_t i = 0; i < 3; i++)
		paths[i] = corpus(path[i], sizeof(path[i]), files[i].name);
	if (access(paths[0], R_OK) < 0) {
		print_message("skipped: needs ../shared/corpora/falco-rules\n");
		skip();
	}
	struct ruleset *rs = load(paths, 3);
	struct buf names = BUF_INIT(1 << 16);
	struct filter_program_stats s = filter_program_stats(rs->program);

	assert_int_equal(rs->nrules, 93);
	assert_int_equal(count_enabled(rs), 81);
	assert_int_equal(event_names(rs, &names), 41);
	/* what rules share is one node: far fewer than were written */
	assert_true(s.nodes * 10 < s.written * 8);
	assert_false(rs->needs_latency);
	buf_done(&names);
	ruleset_unref(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_file),
		cmocka_unit_test(all_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
