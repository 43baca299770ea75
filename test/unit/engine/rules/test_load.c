/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every folder of test/golden/rules: rule files (all *.yaml of it, in order of name) and what
 * loading them must give (expect.txt; its lines are explained in test/golden/rules/README.md).
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "engine/rules/rules.h"

#define CASES "test/golden/rules"

struct loaded {
	struct arena arena;
	struct ruleset *rs;
	struct load_report *report;
	const struct load_file *file; /* of the next issue */
	const struct load_issue *issue;
	const char *name;
	unsigned line;
};

static void fail_at(const struct loaded *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void fail_at(const struct loaded *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT(1 << 20), report = BUF_INIT(1 << 20);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	load_report_format_text(c->report, false, false, &report);
	print_error("%s/%s/expect.txt:%u: %.*s\n%.*s\n", CASES, c->name, c->line,
		STR_ARG(buf_str(&b)), STR_ARG(buf_str(&report)));
	buf_done(&b);
	buf_done(&report);
	fail();
}

static void next_issue(struct loaded *c)
{
	if (c->issue)
		c->issue = c->issue->next;
	while (!c->issue && c->file) {
		c->file = c->file->next;
		c->issue = c->file ? c->file->issues : NULL;
	}
}

/* error CODE LINE[:COLUMN] part of the message */
static void expect_issue(struct loaded *c, bool is_error, struct str rest)
{
	struct str code = str_cut(&rest, ' '), place = str_cut(&rest, ' ');
	const struct load_issue *is = c->issue;
	char at[40];

	if (!is) {
		fail_at(c, "no more issues, expected %.*s", STR_ARG(code));
		return;
	}
	const struct load_location *loc = &is->locations[is->nlocations - 1];

	if (load_code_is_error(is->code) != is_error || !str_is(code, load_code_name(is->code)))
		fail_at(c, "expected %.*s, got %s: %.*s", STR_ARG(code), load_code_name(is->code),
			STR_ARG(is->message));
	snprintf(at, sizeof(at), str_find_char(place, ':') >= 0 ? "%u:%u" : "%u", loc->line,
		loc->column);
	if (!str_is(place, at))
		fail_at(c, "expected it at %.*s, got %u:%u", STR_ARG(place), loc->line,
			loc->column);
	if (rest.len && str_find(is->message, rest) < 0)
		fail_at(c, "expected '%.*s' in '%.*s'", STR_ARG(rest), STR_ARG(is->message));
	next_issue(c);
}

static const struct rule *find_rule(struct loaded *c, struct str name)
{
	for (size_t i = 0; c->rs && i < c->rs->nrules; i++)
		if (str_eq(c->rs->rules[i]->name, name))
			return c->rs->rules[i];
	fail_at(c, "there is no rule '%.*s'", STR_ARG(name));
	return NULL;
}

static void expect_text(struct loaded *c, struct str want, struct str got)
{
	if (!str_eq(want, got))
		fail_at(c, "expected\n  %.*s\ngot\n  %.*s", STR_ARG(want), STR_ARG(got));
}

/* Both as the formatter writes them, so that only the meaning counts. */
static void expect_condition(struct loaded *c, struct str want, struct str got)
{
	struct filter_parse_options o = {.fields = &field_set_syscall, .source = "syscall"};
	struct buf b = BUF_INIT(1 << 20);
	struct filter_error fe;
	struct ast *ast;

	if (filter_parse(&c->arena, want, &o, &ast, &fe) < 0)
		fail_at(c, "the expected condition: %s", fe.msg);
	ast_format(ast, &b);
	expect_text(c, buf_str(&b), got);
	buf_done(&b);
}

static void add_tags(const struct rule *r, struct buf *b)
{
	for (size_t i = 0; i < r->ntags; i++)
		buf_printf(b, "%s%.*s", i ? " " : "", STR_ARG(r->tags[i]));
}

static void add_codes(const struct rule *r, struct buf *b)
{
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (def && !(def->flags & (EF_OLD | EF_ENTER)) &&
			(r->codes[code / 64] >> (code % 64) & 1))
			buf_printf(b, "%s%s", b->len ? " " : "", def->name);
	}
}

/* KEY RULE: value */
static void expect_of_rule(struct loaded *c, struct str key, struct str rest)
{
	struct str name = str_cut(&rest, ':'), want = str_trim(rest);
	const struct rule *r = find_rule(c, name);
	struct buf b = BUF_INIT(1 << 20);

	if (!r)
		return;
	if (str_is(key, "condition")) {
		expect_condition(c, want, r->condition_compiled);
		return;
	}
	if (str_is(key, "written"))
		buf_add(&b, r->condition);
	else if (str_is(key, "output"))
		buf_add(&b, r->output);
	else if (str_is(key, "desc"))
		buf_add(&b, r->desc);
	else if (str_is(key, "priority"))
		buf_add_cstr(&b, priority_name(r->priority));
	else if (str_is(key, "enabled"))
		buf_add_cstr(&b, r->enabled ? "yes" : "no");
	else if (str_is(key, "capture"))
		buf_printf(&b, "%s %llu", r->capture ? "yes" : "no",
			(unsigned long long)r->capture_duration_ms);
	else if (str_is(key, "tags"))
		add_tags(r, &b);
	else if (str_is(key, "events"))
		add_codes(r, &b);
	else
		fail_at(c, "unknown line");
	expect_text(c, want, buf_str(&b));
	buf_done(&b);
}

static void expect_ruleset(struct loaded *c, struct str key, struct str rest)
{
	struct buf b = BUF_INIT(1 << 20);

	if (!c->rs)
		fail_at(c, "no ruleset was made");
	for (size_t i = 0; str_is(key, "order") && i < c->rs->nrules; i++)
		buf_printf(&b, "%s%.*s", i ? ", " : "", STR_ARG(c->rs->rules[i]->name));
	for (size_t i = 0; str_is(key, "paths") && i < c->rs->npaths; i++)
		buf_printf(&b, "%s%.*s%s", i ? " " : "", STR_ARG(c->rs->paths[i].path),
			c->rs->paths[i].is_dir ? "/" : "");
	if (str_is(key, "engine"))
		buf_add(&b, c->rs->required_engine);
	if (str_is(key, "latency"))
		buf_add_cstr(&b, c->rs->needs_latency ? "yes" : "no");
	expect_text(c, rest, buf_str(&b));
	buf_done(&b);
}

static void check_line(struct loaded *c, struct str line)
{
	struct str rest = line, key = str_cut(&rest, ' ');

	if (!line.len || line.s[0] == '#')
		return;
	if (str_is(key, "ok") || str_is(key, "invalid")) {
		if (str_is(key, "ok") != (c->rs != NULL))
			fail_at(c, "expected %.*s", STR_ARG(key));
	} else if (str_is(key, "error") || str_is(key, "warning")) {
		expect_issue(c, str_is(key, "error"), rest);
	} else if (str_is(key, "order") || str_is(key, "paths") || str_is(key, "engine") ||
		   str_is(key, "latency")) {
		expect_ruleset(c, key, rest);
	} else {
		expect_of_rule(c, key, rest);
	}
}

static void run_case(void **state)
{
	struct loaded c = {.name = *state};
	char dir[300], expect[320];
	const char *paths[] = {dir};
	struct ruleset_options o = {.paths = paths, .npaths = 1, .min_priority = PRIORITY_DEBUG};
	struct str text;
	struct err e;

	arena_init(&c.arena, 0);
	snprintf(dir, sizeof(dir), "%s/%s", CASES, c.name);
	snprintf(expect, sizeof(expect), "%s/expect.txt", dir);
	assert_int_equal(io_read_file(&c.arena, AT_FDCWD, expect, 1 << 20, &text, &e), 0);
	int r = ruleset_load(&o, &c.rs, &c.report);

	assert_int_equal(r == 0, c.rs != NULL);
	c.file = c.report->files;
	c.issue = c.file ? c.file->issues : NULL;
	if (!c.issue)
		next_issue(&c);
	while (text.len) {
		c.line++;
		check_line(&c, str_cut(&text, '\n'));
	}
	if (c.issue)
		fail_at(&c, "an issue that was not expected: %s: %.*s",
			load_code_name(c.issue->code), STR_ARG(c.issue->message));
	ruleset_unref(c.rs);
	load_report_free(c.report);
	arena_done(&c.arena);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void)
{
	struct CMUnitTest tests[1024] = {0};
	char *names[1024];
	size_t n = 0;
	DIR *d = opendir(CASES);

	for (struct dirent *de; d && n < 1024 && (de = readdir(d));)
		if (de->d_name[0] != '.' && de->d_type == DT_DIR)
			names[n++] = strdup(de->d_name);
	if (d)
		closedir(d);
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){names[i], run_case, NULL, NULL, names[i]};
	if (n < 100) {
		printf("1..1\nnot ok 1 - only %zu cases in %s\n", n, CASES);
		return 1;
	}
	int failed = _cmocka_run_group_tests("rules", tests, n, NULL, NULL);

	for (size_t i = 0; i < n; i++)
		free(names[i]);
	return failed;
}
