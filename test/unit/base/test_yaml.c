/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML: the tree and its places, what a scalar means, files that are broken in many ways, files
 * made to hurt, and memory that is out at every step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/yaml.h"
#include "fault.h"

struct parsed {
	struct arena a;
	struct yaml_node **docs;
	size_t n;
	struct yaml_error e;
	int r;
};

static struct parsed parse_limited(struct str text, struct yaml_limits limits, size_t max_bytes)
{
	struct parsed p = {0};

	arena_init(&p.a, max_bytes);
	p.r = yaml_parse(&p.a, text, &limits, &p.docs, &p.n, &p.e);
	return p;
}

static struct parsed parse(struct str text)
{
	return parse_limited(text, (struct yaml_limits){0}, 0);
}

static struct parsed parse_well(struct str text)
{
	struct parsed p = parse(text);

	if (p.r < 0)
		fail_msg("%u:%u: %s", p.e.line, p.e.column, p.e.msg);
	return p;
}

static void assert_broken(struct str text, unsigned line, unsigned column, const char *why)
{
	struct parsed p = parse(text);

	assert_int_equal(p.r, -EINVAL);
	if (p.e.line != line || p.e.column != column || !strstr(p.e.msg, why))
		fail_msg("%u:%u: %s; expected %u:%u: %s", p.e.line, p.e.column, p.e.msg, line,
			column, why);
	arena_done(&p.a);
}

static void a_tree_with_places(void **state)
{
	struct parsed p = parse_well(STR("# first\n"
					 "- rule: A \xc3\xa4\n"
					 "  tags: [x, 'y', \"z\"]\n"
					 "  output: >\n"
					 "    folded\n"
					 "    text\n"
					 "- {}\n"
					 "- []\n"));

	assert_int_equal(p.n, 1);
	struct yaml_node *root = p.docs[0];
	assert_int_equal(root->kind, YAML_SEQ);
	assert_int_equal(root->nitems, 3);
	struct yaml_node *rule = root->items[0], *tags = yaml_get(rule, "tags");
	assert_int_equal(rule->kind, YAML_MAP);
	assert_int_equal(rule->nitems, 3);
	assert_true(str_is(rule->keys[0]->text, "rule"));
	assert_int_equal(rule->keys[0]->line, 2);
	assert_int_equal(rule->keys[0]->column, 3);
	assert_true(str_is(yaml_get(rule, "rule")->text, "A \xc3\xa4"));
	assert_int_equal(yaml_get(rule, "rule")->column, 9);
	assert_int_equal(tags->line, 3);
	assert_int_equal(tags->nitems, 3);
	assert_true(tags->items[0]->plain);
	assert_false(tags->items[1]->plain || tags->items[2]->plain);
	assert_int_equal(tags->items[2]->column, 18);
	assert_true(str_is(yaml_get(rule, "output")->text, "folded text\n"));
	assert_false(yaml_get(rule, "output")->plain);
	assert_int_equal(root->items[1]->kind, YAML_MAP);
	assert_int_equal(root->items[1]->nitems, 0);
	assert_int_equal(root->items[2]->kind, YAML_SEQ);
	assert_null(yaml_get(rule, "absent"));
	assert_null(yaml_get(root, "rule"));
	assert_null(yaml_get(NULL, "rule"));
	assert_int_equal(p.a.nmallocs, 1);
	arena_done(&p.a);
}

static void documents(void **state)
{
	static const struct {
		struct str text;
		size_t n;
	} cases[] = {{STR_NULL, 0}, {STR(""), 0}, {STR("# only a comment\n"), 0}, {STR("\n\n"), 0},
		{STR("---\n"), 1}, {STR("a"), 1}, {STR("--- a\n--- b\n"), 2},
		{STR("---\n---\n---\n"), 3}, {STR("a\n...\n"), 1}, {STR("\xef\xbb\xbf- a\n"), 1},
		{STR("%YAML 1.1\n--- a\n"), 1}, {STR("a: 1\r\nb: 2\r\n"), 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p = parse_well(cases[i].text);

		if (p.n != cases[i].n)
			fail_msg("case %zu: %zu documents", i, p.n);
		arena_done(&p.a);
	}
	/* what came before the broken one is there */
	struct parsed p = parse(STR("--- a\n--- b\n--- [c\n"));
	assert_int_equal(p.r, -EINVAL);
	assert_int_equal(p.n, 2);
	assert_true(str_is(p.docs[1]->text, "b"));
	arena_done(&p.a);
	/* NULL for limits and error */
	struct arena a;
	arena_init(&a, 0);
	assert_int_equal(yaml_parse(&a, STR("[a"), NULL, &p.docs, &p.n, NULL), -EINVAL);
	arena_done(&a);
}

static struct yaml_node *scalar(struct parsed *p, const char *text)
{
	*p = parse_well(str_of(text));
	assert_int_equal(p->n, 1);
	return p->docs[0];
}

static void what_scalars_mean(void **state)
{
	static const struct {
		const char *text;
		int is_null, boolean; /* -1 = none */
	} cases[] = {{"true", 0, 1}, {"True", 0, 1}, {"YES", 0, 1}, {"on", 0, 1}, {"false", 0, 0},
		{"No", 0, 0}, {"off", 0, 0}, {"'true'", 0, -1}, {"\"no\"", 0, -1}, {"y", 0, -1},
		{"1", 0, -1}, {"~", 1, -1}, {"null", 1, -1}, {"Null", 1, -1}, {"NULL", 1, -1},
		{"nuLL", 0, -1}, {"'~'", 0, -1}, {"''", 0, -1}, {"[]", 0, -1}, {"!!str", 1, -1},
		{"--- |\n  true\n", 0, -1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p;
		struct yaml_node *n = scalar(&p, cases[i].text);
		bool b = false;

		if (yaml_is_null(n) != cases[i].is_null ||
			yaml_to_bool(n, &b) != (cases[i].boolean >= 0) ||
			(cases[i].boolean >= 0 && b != cases[i].boolean))
			fail_msg("%s", cases[i].text);
		arena_done(&p.a);
	}
	assert_true(yaml_is_null(NULL));
	assert_false(yaml_to_bool(NULL, &(bool){0}));
	assert_false(yaml_to_s64(NULL, &(int64_t){0}));
}

static void whole_numbers(void **state)
{
	static const char *const no[] = {
		"'1'", "1.0", "0x10", "1_000", "9223372036854775808", "[1]", "~", "one"};
	struct parsed p;
	int64_t v;

	assert_true(yaml_to_s64(scalar(&p, "-9223372036854775808"), &v) && v == INT64_MIN);
	arena_done(&p.a);
	assert_true(yaml_to_s64(scalar(&p, "010"), &v) && v == 10);
	arena_done(&p.a);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		assert_false(yaml_to_s64(scalar(&p, no[i]), &v));
		arena_done(&p.a);
	}
}

static void anchors(void **state)
{
	struct parsed p = parse_well(STR("a: &x one\nb: *x\nc: &x two\nd: *x\n"));

	assert_true(str_is(yaml_get(p.docs[0], "b")->text, "one"));
	/* the last that bears the name */
	assert_true(str_is(yaml_get(p.docs[0], "d")->text, "two"));
	arena_done(&p.a);
	p = parse_well(STR("? &y k\n: *y\n"));
	assert_true(str_is(yaml_get(p.docs[0], "k")->text, "k"));
	arena_done(&p.a);
}

static void what_is_broken_says_where(void **state)
{
	assert_broken(STR("a: [1, 2\nb: 3\n"), 2, 2, "expected");
	assert_broken(STR("a: 'x\n"), 2, 1, "end of stream");
	assert_broken(STR("a:\n\t- b\n"), 2, 1, "cannot start any token");
	assert_broken(STR("a: b: c\n"), 1, 5, "mapping values are not allowed");
	assert_broken(STR("- a\nb: c\n"), 2, 1, "expected");
	assert_broken(STR("a: *nobody\n"), 1, 4, "alias without an anchor");
	assert_broken(STR("a: &x [1]\nb: *x\n"), 2, 4, "alias may stand for a scalar only");
	assert_broken(STR("&x [*x]\n"), 1, 5, "alias may stand for a scalar only");
	/* an anchor is good in its own document only */
	assert_broken(STR("--- &x a\n--- *x\n"), 2, 5, "alias without an anchor");
	assert_broken(STR("a: \"\\q\"\n"), 1, 5, "unknown escape");
	assert_broken(STR("%FOO\n"), 1, 5, "unknown directive");
	assert_broken(STR("a: @b\n"), 1, 4, "cannot start any token");
}

static void what_is_no_text(void **state)
{
	static const struct str bad[] = {STR("a: \xff\n"), STR("a: \xc3\n"),
		STR("a: \xed\xa0\x80\n"), STR("a: \x01\n"), STR("a: b\0c\n"), STR("\xff\xfe\x61"),
		STR("a: \xf4\x90\x80\x80\n"), STR("\xfe\xff\xd8\x00"), STR("a: \x7f\n")};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct parsed p = parse(bad[i]);

		if (p.r == 0 && p.n && p.docs[0])
			fail_msg("text %zu was taken", i);
		assert_true(p.e.line >= 1 && p.e.column >= 1 && p.e.msg[0]);
		arena_done(&p.a);
	}
	/* the place of a bad byte */
	struct parsed p = parse(STR("a: b\nc: \xff\n"));
	assert_int_equal(p.e.line, 2);
	arena_done(&p.a);
}

/* `open` n times, a value, `close` n times. */
static struct buf nest(size_t n, const char *open, const char *close)
{
	struct buf b = BUF_INIT(64 << 20);

	for (size_t i = 0; i < n; i++)
		buf_add_cstr(&b, open);
	buf_add_char(&b, 'x');
	for (size_t i = 0; i < n; i++)
		buf_add_cstr(&b, close);
	return b;
}

static void depth_has_a_limit(void **state)
{
	static const char *const kinds[][2] = {{"[", "]"}, {"{a: ", "}"}, {"- ", ""}, {"? ", ""}};

	for (size_t i = 0; i < 4; i++) {
		for (size_t n = 63; n < 67; n++) {
			struct buf b = nest(n, kinds[i][0], kinds[i][1]);
			struct parsed p = parse(buf_str(&b));

			assert_int_equal(p.r, n <= 64 ? 0 : -EINVAL);
			if (p.r < 0)
				assert_string_equal(p.e.msg, "nested too deeply");
			arena_done(&p.a);
			buf_done(&b);
		}
		struct buf b = nest(1000000, kinds[i][0], kinds[i][1]);
		struct parsed p = parse(buf_str(&b));
		assert_int_equal(p.r, -EINVAL);
		arena_done(&p.a);
		buf_done(&b);
	}
}

static void nodes_have_a_limit(void **state)
{
	struct str text = STR("[a, b, {c: d}]"); /* 6 nodes */
	struct parsed p = parse_limited(text, (struct yaml_limits){.max_nodes = 6}, 0);

	assert_int_equal(p.r, 0);
	arena_done(&p.a);
	p = parse_limited(text, (struct yaml_limits){.max_nodes = 5}, 0);
	assert_int_equal(p.r, -EINVAL);
	assert_string_equal(p.e.msg, "too many nodes");
	assert_int_equal(p.e.column, 12);
	arena_done(&p.a);
	/* an alias takes a place as well */
	p = parse_limited(STR("[&x a, *x, *x]"), (struct yaml_limits){.max_nodes = 3}, 0);
	assert_int_equal(p.r, -EINVAL);
	arena_done(&p.a);
	/* so do those of many documents together */
	p = parse_limited(STR("--- a\n--- b\n--- c\n"), (struct yaml_limits){.max_nodes = 2}, 0);
	assert_int_equal(p.r, -EINVAL);
	assert_int_equal(p.n, 2);
	arena_done(&p.a);
}

/* "Billion laughs": each level names the level below nine times. */
static void aliases_do_not_multiply(void **state)
{
	assert_broken(STR("a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
			  "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
			  "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"),
		2, 8, "alias may stand for a scalar only");
}

/* Many anchors, and as many aliases of the first: each look must not walk them all. */
static void many_anchors(void **state)
{
	enum { N = 100000 };
	struct buf b = BUF_INIT(64 << 20);

	for (int i = 0; i < N; i++)
		buf_printf(&b, "- &a%d x\n", i);
	for (int i = 0; i < N; i++)
		buf_add_cstr(&b, "- *a0\n");
	struct parsed p = parse_well(buf_str(&b));
	assert_int_equal(p.docs[0]->nitems, 2 * N);
	arena_done(&p.a);
	buf_done(&b);
}

static const struct str rich = STR("--- &x one\n"
				   "--- {a: &y b, c: *y, d: [1, 2, 3, 4, 5]}\n"
				   "---\n- |\n  text\n- 'q'\n- ~\n");

/* Whether p is the whole of `rich`. */
static void assert_rich(const struct parsed *p)
{
	assert_int_equal(p->n, 3);
	assert_true(str_is(p->docs[0]->text, "one"));
	assert_true(str_is(yaml_get(p->docs[1], "c")->text, "b"));
	assert_int_equal(yaml_get(p->docs[1], "d")->nitems, 5);
	assert_true(str_is(p->docs[2]->items[0]->text, "text\n"));
	assert_true(str_is(p->docs[2]->items[1]->text, "q"));
	assert_int_equal(p->docs[2]->items[1]->kind, YAML_SCALAR);
	assert_int_equal(p->docs[2]->items[2]->kind, YAML_NULL);
}

/* An arena of every size: never half a tree that is said to be whole. */
static void memory_that_is_out(void **state)
{
	size_t refused = 0;

	for (size_t bytes = 16;; bytes += 16) {
		struct parsed p = parse_limited(rich, (struct yaml_limits){0}, bytes);

		if (p.r == 0) {
			assert_rich(&p);
			arena_done(&p.a);
			break;
		}
		assert_int_equal(p.r, -ENOMEM);
		assert_string_equal(p.e.msg, "out of memory");
		arena_done(&p.a);
		refused++;
	}
	assert_true(refused > 50);
	for (unsigned n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
		fault_arm(FAULT_ALLOC, n, ENOMEM);
		struct parsed p = parse(rich);
		fault_disarm();
		if (!fault_was_reached())
			assert_rich(&p);
		else
			assert_true(p.r < 0);
		arena_done(&p.a);
	}
}

/* Every prefix of a file, and every byte of it changed, is a tree or an error. */
static void torn_and_bent_files(void **state)
{
	char text[200];

	for (size_t n = 0; n < rich.len; n++) {
		struct parsed p = parse(str_head(rich, n));

		arena_done(&p.a);
		for (unsigned c = 0; c < 256; c++) {
			memcpy(text, rich.s, rich.len);
			text[n] = (char)c;
			p = parse(str_make(text, rich.len));
			assert_true(p.r == 0 || (p.r == -EINVAL && p.e.line && p.e.msg[0]));
			arena_done(&p.a);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_with_places),
		cmocka_unit_test(documents),
		cmocka_unit_test(what_scalars_mean),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(anchors),
		cmocka_unit_test(what_is_broken_says_where),
		cmocka_unit_test(what_is_no_text),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(nodes_have_a_limit),
		cmocka_unit_test(aliases_do_not_multiply),
		cmocka_unit_test(many_anchors),
		cmocka_unit_test(memory_that_is_out),
		cmocka_unit_test(torn_and_bent_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
