/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that can be left to the kernel (engine/rules/ordinary.c): where one open says that its
 * folder is dull, every other name without a mark must be dull in it too. Invented conditions,
 * folders and names from few letters, so that they meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "invent.h"

/* A text of such pieces, perhaps with wildcards. */
static void invent(struct buf *out, bool is_glob)
{
	static const char *const pieces[] = {"a", "b", "ab", ".a", "/", "/", "/a", "/b/", "b.a"};
	static const char *const globs[] = {"*", "*", "?", "[ab]", "/*", "*a"};

	for (unsigned i = 0, n = 1 + below(4); i < n; i++)
		buf_add_cstr(out, is_glob && below(2) ? ONE_OF(globs) : ONE_OF(pieces));
}

static void invent_leaf(struct buf *out)
{
	static const char *const fields[] = {"fd.name", "fd.name", "fd.name", "fd.filename",
		"fd.directory", "fd.nameraw", "evt.arg.name", "fs.path.name"};
	static const char *const ops[] = {
		"=", "!=", "startswith", "endswith", "contains", "glob", "in", "pmatch"};
	static const char *const others[] = {"evt.is_open_read = true", "evt.type = openat",
		"proc.name = cat", "fd.typechar = f"};

	if (below(5) == 0) {
		buf_add_cstr(out, ONE_OF(others));
		return;
	}
	const char *op = ONE_OF(ops);
	bool is_list = !strcmp(op, "in") || !strcmp(op, "pmatch");

	buf_printf(out, "%s %s %s", ONE_OF(fields), op, is_list ? "(" : "");
	for (unsigned i = 0, n = is_list ? 1 + below(2) : 1; i < n; i++) {
		buf_add_cstr(out, i ? ", \"" : "\"");
		invent(out, !strcmp(op, "glob"));
		buf_add_char(out, '"');
	}
	buf_add_cstr(out, is_list ? ")" : "");
}

static void invent_condition(struct buf *out)
{
	for (unsigned i = 0, n = 1 + below(3); i < n; i++) {
		if (i)
			buf_add_cstr(out, below(2) ? " and " : " or ");
		buf_add_cstr(out, below(4) ? "" : "not ");
		invent_leaf(out);
	}
}

static struct detect *invent_rules(void)
{
	struct buf text = BUF_INIT(1 << 16);
	struct detect *d = NULL;

	for (unsigned i = 0, n = 1 + below(3); i < n; i++) {
		buf_printf(
			&text, "- rule: r%u\n  desc: d\n  condition: evt.type = openat and (", i);
		invent_condition(&text);
		buf_add_cstr(&text, ")\n  output: o\n  priority: INFO\n");
	}
	d = detector_of(buf_str(&text), false);
	buf_done(&text);
	return d;
}

struct names {
	char asked[128], real[128], raw[128], param[128];
};

static struct event open_of(
	struct names *n, const char *folder, const char *other, const char *raw, const char *name)
{
	struct event ev = {.code = EV_OPENAT,
		.def = event_def(EV_OPENAT),
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE, .flags = 1}};

	snprintf(n->asked, sizeof(n->asked), "%s%s", folder, name);
	snprintf(n->real, sizeof(n->real), "%s%s", other, name);
	snprintf(n->raw, sizeof(n->raw), "%s%s", raw, name);
	ev.path.name = str_of(n->asked);
	if (strcmp(folder, other) != 0)
		ev.path.real = str_of(n->real);
	ev.path.raw = str_of(n->raw);
	ev.nparams = ev.def->nparams;
	ev.params[event_param_index(ev.def, STR("name"))] = str_make(n->raw, strlen(n->raw) + 1);
	return ev;
}

static bool has_mark(const struct ruleset *rs, struct str name)
{
	for (size_t i = 0; i < rs->nname_marks; i++) {
		const struct name_mark *m = &rs->name_marks[i];

		if ((m->kind == MARK_IS && str_eq(name, m->text)) ||
			(m->kind == MARK_STARTS && str_starts(name, m->text)) ||
			(m->kind == MARK_ENDS && str_ends(name, m->text)) ||
			(m->kind == MARK_HAS && str_find(name, m->text) >= 0))
			return true;
	}
	return false;
}

/* Asked of the program itself, as detect_is_dull() would say what it knows of the folder. */
static bool is_refused(
	const struct ruleset *rs, struct filter_eval *eval, struct event *ev, struct process *proc)
{
	struct field_subject s = {.ev = ev, .proc = proc, .hostname = "host"};
	enum name_kind kinds[EVENT_NAMES_MAX];
	unsigned nkinds = field_name_kinds(ev, kinds);

	filter_eval_begin(eval, &s);
	for (unsigned k = 0; k < nkinds; k++) {
		s.name = kinds[k];
		if (k)
			filter_eval_rename(eval);
		for (size_t i = 0; i < rs->push[PUSH_OPEN].nroots; i++)
			if (filter_eval_root(eval, rs->push[PUSH_OPEN].roots[i]))
				return false;
	}
	return true;
}

static void test_all_names_alike(void **arg)
{
	static const char *const folders[] = {"/", "/a/", "/b/", "/a/b/", "/ab/.a/", "/b/ab/"};
	static const char *const raws[] = {"", "a/", "../b/", "/a/", "/"};
	static const char *const names[] = {"a", "b", "ab", "ba", ".a", "b.a", "a.b", "bb", "aa",
		"abab", ".ab", "x", "xa", "ax", "x.a"};
	struct process proc = {.pid = 7, .comm = STR("cat"), .loginuid = UINT32_MAX};
	unsigned folders_dull = 0, names_asked = 0, rulesets = 0;

	for (seed = 1; rulesets < 4000;) {
		struct detect *d = invent_rules();

		if (!d)
			continue;
		rulesets++;
		const char *folder = ONE_OF(folders), *other = below(2) ? folder : ONE_OF(folders);
		const char *raw = ONE_OF(raws);
		struct names text;
		struct event ev = open_of(&text, folder, other, raw, "x");
		bool is_dull = detect_is_folder_dull(d, &ev, &proc, NULL);
		const struct ruleset *rs = detect_ruleset(d);
		struct filter_eval *eval = filter_eval_new(rs->program);

		folders_dull += is_dull;
		for (size_t i = 0; is_dull && i < sizeof(names) / sizeof(*names); i++) {
			bool is_ordinary = !has_mark(rs, str_of(names[i]));

			assert_int_equal(ruleset_is_ordinary(rs, str_of(names[i])), is_ordinary);
			if (!is_ordinary)
				continue;
			names_asked++;
			ev = open_of(&text, folder, other, raw, names[i]);
			assert_true(detect_is_dull(d, &ev, &proc, NULL));
			if (is_refused(rs, eval, &ev, &proc))
				continue;
			for (size_t r = 0; r < rs->nrules; r++)
				print_error("%.*s\n", STR_ARG(rs->rules[r]->condition));
			fail_msg("%s is not dull (asked: %s), its folder is", text.asked, text.raw);
		}
		filter_eval_free(eval);
		detect_free(d);
	}
	/* it must have had something to say */
	assert_true(folders_dull > 500);
	assert_true(names_asked > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_names_alike)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
