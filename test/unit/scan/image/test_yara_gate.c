/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate in front of koban's own YARA rules loses nothing: for files made at random of what each
 * rule looks for, the gated set and one without a gate tell the same rules. Expressions are tried
 * with texts that are made from them. And what the gate refuses to stand in front of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/io.h"
#include "scan/image/yara_gate.h"
#include "scan/image/yara_source.h"

enum { ROUNDS = 60, MAX_RULES = 512 };

static struct arena arena;
static uint64_t dice = 1;

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

static unsigned roll(unsigned n)
{
	dice = hash_u64(dice);
	return (unsigned)(dice >> 20) % n;
}

/* ---- texts that an expression matches ----------------------------------------------------- */

static bool dots_are_lines; /* of the expression that is being made */

static void add_example(struct buf *out, struct str re);

/* The length of the atom at the begin of re: \x, [...], (...), a letter. */
static size_t atom_length(struct str re)
{
	size_t n = 0;
	int depth = 0;
	bool in_class = false;

	do {
		if (re.s[n] == '\\') {
			n += re.s[n + 1] == 'x' ? 4 : 2;
			continue;
		}
		depth += !in_class && re.s[n] == '(';
		depth -= !in_class && re.s[n] == ')';
		in_class = re.s[n] == '[' || (in_class && re.s[n] != ']');
		n++;
	} while (n < re.len && (depth || in_class));
	return n;
}

static char one_of_escape(char c)
{
	static const char blanks[] = " \t", digits[] = "0179", words[] = "aZ_5";

	switch (c) {
	case 's':
		return blanks[roll(2)];
	case 'd':
		return digits[roll(4)];
	case 'w':
		return words[roll(4)];
	case 'S':
		return words[roll(4)];
	case 'n':
		return '\n';
	case 't':
		return '\t';
	default:
		return c;
	}
}

/* Of a class one of what stands in it; of one that begins with ^ something harmless. */
static char one_of_class(struct str in)
{
	char choices[256];
	size_t n = 0;

	if (in.s[0] == '^')
		return str_find(in, STR("x")) < 0 ? 'x' : 'q';
	for (size_t i = 0; i < in.len; i++) {
		if (in.s[i] == '\\')
			choices[n++] = one_of_escape(in.s[++i]);
		else if (i + 2 < in.len && in.s[i + 1] == '-')
			for (char c = in.s[i], last = in.s[(i += 2)]; c <= last; c++)
				choices[n++] = c;
		else
			choices[n++] = in.s[i];
	}
	return choices[roll((unsigned)n)];
}

static void add_atom(struct buf *out, struct str atom)
{
	struct str in = str_make(atom.s + 1, atom.len > 2 ? atom.len - 2 : 0);

	if (atom.s[0] == '(')
		add_example(out, in);
	else if (atom.s[0] == '[')
		buf_add_char(out, one_of_class(in));
	else if (atom.s[0] == '.')
		buf_add_char(out, dots_are_lines ? '\n' : 'x');
	else if (str_starts(atom, STR("\\x")))
		buf_add_char(out, (char)strtol(arena_cstr(&arena, str_skip(atom, 2)), NULL, 16));
	else if (atom.s[0] == '\\' && atom.s[1] != 'b')
		buf_add_char(out, one_of_escape(atom.s[1]));
	else if (atom.s[0] != '\\')
		buf_add_char(out, atom.s[0]);
}

/* How often the atom before it stands; takes the count off *re. */
static unsigned take_count(struct str *re)
{
	unsigned least = 1, most = 1;
	char c = re->len ? re->s[0] : 0;

	if (c == '{') {
		char *end;

		least = most = (unsigned)strtoul(re->s + 1, &end, 10);
		if (*end == ',')
			most = end[1] == '}' ? least + 9 : (unsigned)strtoul(end + 1, &end, 10);
		*re = str_skip(*re, (size_t)str_find_char(*re, '}') + 1);
	} else if (c == '?' || c == '*' || c == '+') {
		least = c == '+';
		most = c == '?' ? 1 : 3;
		*re = str_skip(*re, 1);
	}
	return roll(2) ? least : least + roll(most - least + 1);
}

/* One alternative of those at the top of re. */
static struct str choose_alternative(struct str re)
{
	struct str found = STR_NULL, rest = re;
	unsigned n = 0;
	size_t begin = 0;

	for (;;) {
		bool is_end = !rest.len || rest.s[0] == '|';

		if (is_end && roll(++n) == 0)
			found = str_make(re.s + begin, (size_t)(rest.s - re.s) - begin);
		if (!rest.len)
			return found;
		if (is_end)
			begin = (size_t)(rest.s - re.s) + 1;
		rest = str_skip(rest, is_end ? 1 : atom_length(rest));
	}
}

static void add_example(struct buf *out, struct str re)
{
	re = choose_alternative(re);
	while (re.len) {
		struct str atom = str_head(re, atom_length(re));

		re = str_skip(re, atom.len);
		for (unsigned n = take_count(&re); n > 0; n--)
			add_atom(out, atom);
	}
}

/* ---- with and without a gate -------------------------------------------------------------- */

struct told {
	struct yara_set *set;
	bool by[MAX_RULES];
	size_t n;
};

static void take_match(void *arg, const struct yara_match *m)
{
	struct told *t = arg;

	t->by[m->rule - yara_set_rules(t->set)->rules_table] = true;
	t->n++;
}

static void scan(struct told *t, struct str content)
{
	const struct yara_window w = {.path = STR("/x"),
		.content = content,
		.file_size = content.len,
		.type = "TEXT",
		.is_first = true,
		.is_last = true};

	memset(t->by, 0, sizeof(t->by));
	t->n = 0;
	assert_int_equal(yara_set_scan(t->set, &w, take_match, t), 0);
}

static void add_string(struct buf *b, const struct yara_string *s)
{
	size_t begin = b->len;

	dots_are_lines = s->is_dotall;
	if (s->kind == YARA_REGEX)
		add_example(b, s->text);
	else
		buf_add(b, s->text);
	for (size_t i = begin; s->is_nocase && i < b->len; i++)
		if (roll(2))
			b->s[i] = (char)toupper((unsigned char)b->s[i]);
	buf_add_char(b, roll(4) ? '\n' : ' ');
}

static void make_file(struct buf *b, const struct yara_rule *r)
{
	unsigned skip = roll(3) ? 0 : 4; /* of three files two have nearly all, one misses some */

	buf_clear(b);
	buf_add(b, roll(2) ? STR("#!/bin/sh\n") : STR("\n"));
	for (size_t i = 0; i < r->nstrings; i++) {
		const struct yara_string *s = &r->strings[i];

		if (s->kind == YARA_HEX || (skip && !roll(skip)) ||
			str_starts(s->name, STR("$not")) || str_starts(s->name, STR("$local")))
			continue;
		add_string(b, s);
	}
}

static size_t compare_rule(struct told *gated, struct told *all, const struct yara_rule *r)
{
	static const char *const hidden[] = {"\xff", "\n"};
	struct buf b = BUF_INIT(1 << 20);
	size_t n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		make_file(&b, r);
		buf_add(&b, str_of(hidden[roll(2)]));
		scan(gated, buf_str(&b));
		scan(all, buf_str(&b));
		n += all->n;
		if (memcmp(gated->by, all->by, sizeof(all->by)) != 0)
			fail_msg("%.*s: the gate loses what stands in\n%.*s", STR_ARG(r->name),
				STR_ARG(buf_str(&b)));
	}
	buf_done(&b);
	return n;
}

static struct yara_set *open_set(const char *path, unsigned how)
{
	const char *const paths[] = {path, NULL};
	struct yara_set *set;
	struct err e = {0};

	if (yara_set_open(paths, how, &arena, NULL, &set, &e) < 0)
		fail_msg("%s", e.msg);
	return set;
}

/* What the gate reads in the text is what libyara compiled. */
static void check_reading(const YR_RULE *theirs, const struct yara_rule *ours)
{
	const YR_STRING *s;
	size_t n = 0;

	assert_true(str_is(ours->name, theirs->identifier));
	yr_rule_strings_foreach(theirs, s)
	{
		if (s->chained_to) /* a long expression is cut into several strings */
			continue;
		assert_true(n < ours->nstrings);
		const struct yara_string *o = &ours->strings[n++];
		assert_true(str_is(o->name, s->identifier));
		assert_int_equal(o->is_nocase, STRING_IS_NO_CASE(s) != 0);
		if (o->kind == YARA_TEXT)
			assert_true(str_eq(
				o->text, str_make((const char *)s->string, (size_t)s->length)));
	}
	assert_int_equal(n, ours->nstrings);
}

static void compare_folder(const char *dir)
{
	struct told gated = {.set = open_set(dir, YARA_GATED)}, all = {.set = open_set(dir, 0)};
	const YR_RULE *theirs = yara_set_rules(all.set)->rules_table;
	size_t nfiles, nrules = 0, nmatches = 0;
	struct err e = {0};
	struct str *names, text;

	assert_int_equal(io_list_dir(&arena, dir, NULL, 100, &names, &nfiles, &e), 0);
	for (size_t i = 0; i < nfiles; i++) {
		struct str path = arena_printf(&arena, "%s/%.*s", dir, STR_ARG(names[i]));
		struct yara_rule r;

		assert_int_equal(io_read_file(&arena, AT_FDCWD, path.s, 1 << 20, &text, &e), 0);
		while (yara_source_next(&text, &arena, &r, &e) > 0) {
			check_reading(&theirs[nrules++], &r);
			nmatches += compare_rule(&gated, &all, &r);
		}
	}
	assert_int_equal(nrules, yara_set_nrules(all.set));
	/* most files match what they were made of, else this test says nothing */
	assert_true(nmatches > nrules * ROUNDS / 2);
	yara_set_close(gated.set);
	yara_set_close(all.set);
}

static void the_gate_of_texts_loses_nothing(void **state)
{
	compare_folder("data/yara/text");
}

static void the_gate_of_programs_loses_nothing(void **state)
{
	compare_folder("data/yara/binary");
}

/* ---- what it does not let pass, and what it refuses --------------------------------------- */

static struct yara_gate *make_gate(const char *rules, struct err *e)
{
	struct yara_gate *g = yara_gate_new(&arena);

	assert_non_null(g);
	if (yara_gate_add(g, str_of(rules), e) == 0 && yara_gate_compile(g, e) == 0)
		return g;
	yara_gate_free(g);
	return NULL;
}

static bool lets_pass(struct yara_gate *g, const char *content)
{
	return yara_gate_lets_pass(
		g, &(struct yara_window){
			   .content = str_of(content), .is_first = true, .is_last = true});
}

static void only_what_could_match_passes(void **state)
{
	struct err e = {0};
	struct yara_gate *g =
		make_gate("rule x { strings: $a1 = \"anchor\" $a2 = \"other\" fullword "
			  "$s1 = \"second\" nocase $re1 = /third\\s\\d{2}/ $not = \"not this\" "
			  "condition: 1 of ($a*) and $s1 and $re1 and not $not and filesize < 50 }",
			&e);

	assert_non_null(g);
	assert_int_equal(yara_gate_nrules(g), 1);
	assert_true(lets_pass(g, "anchor SECOND third 33"));
	assert_true(lets_pass(g, "others SECOND third 33")); /* libyara looks at what is around */
	assert_false(lets_pass(g, ""));
	assert_false(lets_pass(g, "SECOND third 33"));
	assert_false(lets_pass(g, "anchor third 33"));
	assert_false(lets_pass(g, "anchor second third 3"));
	assert_false(lets_pass(g, "anchor second third 33 not this"));
	assert_false(lets_pass(g, "anchor second third 33, and more than fifty letters"));
	yara_gate_free(g);
}

/* What a dot matches, and a blank, and letters of any case, as libyara has them. */
static void expressions_mean_what_they_mean_to_yara(void **state)
{
	static const struct {
		const char *expression, *content;
		bool is_there;
	} cases[] = {
		{"/x.y/", "x\ry", true}, {"/x.y/", "x\ny", false}, {"/x.y/s", "x\ny", true},
		{"/x\\sy/", "x\vy", true}, {"/x\\by/", "xy", false}, {"/xy/", "XY", false},
		{"/xy/i", "XY", true}, {"/x{,3}y/", "y", true}, /* no count to PCRE2: let pass */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = {0};
		struct str rule = arena_printf(&arena,
			"rule x { strings: $a1 = \"anchor\" $re = %s condition: $a1 and $re }",
			cases[i].expression);
		struct yara_gate *g = make_gate(rule.s, &e);

		assert_non_null(g);
		rule = arena_printf(&arena, "anchor %s", cases[i].content);
		if (lets_pass(g, rule.s) != cases[i].is_there)
			fail_msg("%s", cases[i].expression);
		yara_gate_free(g);
	}
}

/* Of a file of many windows only this one is known: whatever is missing may stand in others. */
static void windows_pass_by_their_anchors(void **state)
{
	struct err e = {0};
	struct yara_gate *g = make_gate("rule x { strings: $a1 = \"anchor\" $s1 = \"second\" "
					"condition: all of them and filesize < 200 }"
					"rule y { strings: $a1 = \"yyyy\" condition: $a1 }",
		&e);
	struct yara_window w = {
		.content = STR("an anchor"), .offset = 100, .file_size = 100, .is_last = true};

	assert_non_null(g);
	assert_true(yara_gate_lets_pass(g, &w));
	w.content = STR("second");
	assert_false(yara_gate_lets_pass(g, &w));
	w.content = STR("an anchor");
	w.offset = 1000;
	assert_false(yara_gate_lets_pass(g, &w));
	w.content = STR("yyyy");
	assert_true(yara_gate_lets_pass(g, &w));
	yara_gate_free(g);
}

static void rules_without_a_gate_are_refused(void **state)
{
	static const char *const rules[][2] = {
		{"rule x { condition: true }", "no anchor"},
		{"rule x { strings: $a = /abcd/ condition: $a }", "plain text"},
		{"rule x { strings: $a = \"abc\" condition: $a }", "plain text"},
		{"rule x { strings: $a = \"abcd\" wide condition: $a }", "plain text"},
		{"rule x { strings: $a = \"abcd\" $b = \"bbbb\" condition: any of them }",
			"without one of its anchors"},
		{"rule x { strings: $a = \"abcd\" condition: not $a }",
			"without one of its anchors"},
		{"rule x { strings: $a = \"abcd\" condition: $a or #a == 0 }",
			"without one of its anchors"},
		{"global rule x { strings: $a = \"abcd\" condition: $a }", "global"},
		{"rule x { strings: $a = \"abcd\" $b = /(/ condition: all of them }",
			"cannot read"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct err e = {0};

		assert_null(make_gate(rules[i][0], &e));
		if (!strstr(e.msg, rules[i][1]))
			fail_msg("%s: %s", rules[i][0], e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gate_of_texts_loses_nothing),
		cmocka_unit_test(the_gate_of_programs_loses_nothing),
		cmocka_unit_test(only_what_could_match_passes),
		cmocka_unit_test(expressions_mean_what_they_mean_to_yara),
		cmocka_unit_test(windows_pass_by_their_anchors),
		cmocka_unit_test(rules_without_a_gate_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
