/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random conditions: written, parsed, written again they stay the same, and the program with all
 * its sharing decides as a plain walk over the tree does. The walk here shares no code with it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "test/unit/engine/filter/subject.h"

enum { ROUNDS = 60, TOGETHER = 30, SUBJECTS = 12 };

static unsigned seed = 20261122;

static unsigned below(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

/* Few words, so that they hit, and are heads and tails of each other. */
static const char *const words[] = {
	"a",
	"b",
	"ab",
	"abc",
	"/a",
	"/a/b",
	"/a/b/c",
	"/ab",
	"/",
	"ba",
	"cab",
	"bc",
	"aab",
	"''",
	"x y",
	"/a/*",
	"A",
	"1",
	"7",
	"c",
};
enum { NWORDS = sizeof(words) / sizeof(*words) };

static const char *word(void)
{
	return words[below(NWORDS)];
}

static void add_word(struct buf *b)
{
	const char *w = word();

	if (strchr(w, ' '))
		buf_printf(b, "'%s'", w);
	else
		buf_add_cstr(b, w);
}

static void add_word_list(struct buf *b)
{
	unsigned n = below(8);

	buf_add_cstr(b, " (");
	for (unsigned i = 0; i < n; i++) {
		if (i)
			buf_add_cstr(b, ", ");
		add_word(b);
	}
	buf_add_char(b, ')');
}

static void add_check(struct buf *b)
{
	static const char *const fields[] = {"proc.name", "proc.pname", "fd.name", "evt.type"};
	static const char *const one[] = {
		"=", "!=", "contains", "icontains", "startswith", "endswith", "glob"};
	static const char *const many[] = {"in", "intersects", "pmatch"};
	static const char *const mods[] = {"oneof", "anyof", "allof"};
	const char *f = fields[below(4)];

	switch (below(8)) {
	case 0:
		buf_printf(b, "%s exists", f);
		break;
	case 1:
		buf_printf(b, "evt.num %s %u", (const char *[]){"<", ">=", "=", "!="}[below(4)],
			below(4));
		break;
	case 2:
	case 3:
		buf_printf(b, "%s %s", f, many[below(3)]);
		add_word_list(b);
		break;
	case 4:
		buf_printf(b, "%s %s %s", f, one[below(6)], mods[below(3)]);
		add_word_list(b);
		break;
	case 5:
		buf_printf(b, "%s %s val(%s)", f, one[below(6)], fields[below(4)]);
		break;
	default:
		buf_printf(b, "%s %s ", f, one[below(7)]);
		add_word(b);
		break;
	}
}

static void add_expr(struct buf *b, unsigned depth)
{
	unsigned kind = depth ? below(10) : 9;

	if (kind < 2)
		buf_add_cstr(b, "not ");
	if (kind < 8) {
		unsigned n = 2 + below(3);
		const char *joint = below(2) ? " and " : " or ";

		buf_add_char(b, '(');
		for (unsigned i = 0; i < n; i++) {
			if (i)
				buf_add_cstr(b, joint);
			add_expr(b, depth - 1);
		}
		buf_add_char(b, ')');
	} else if (below(30) == 0) {
		buf_add_cstr(b, below(2) ? "true" : "false");
	} else {
		add_check(b);
	}
}

/* ---- the plain walk ----------------------------------------------------------------------- */

static const char *text_of(const struct subject *s, const struct operand *op)
{
	switch (op->field->name[0]) {
	case 'f':
		return s->path;
	case 'e':
		return s->type;
	default:
		return strcmp(op->field->name, "proc.name") ? s->pname : s->name;
	}
}

/* "/a//b/" → "/a/b/", so that one path is below another when it starts with it. */
static void plain_path(const char *in, char *out)
{
	size_t n = 0;

	out[n++] = '/';
	for (; *in; in++)
		if (*in != '/' || out[n - 1] != '/')
			out[n++] = *in;
	if (out[n - 1] != '/')
		out[n++] = '/';
	out[n] = 0;
}

static bool plain_pmatch(const char *text, const char *path)
{
	char a[100], b[100];

	plain_path(text, a);
	plain_path(path, b);
	if (!strcmp(b, "/a/*/")) /* the one pattern among the words */
		return !strncmp(a, "/a/", 3) && a[3];
	return !strncmp(a, b, strlen(b));
}

static bool plain_glob(const char *text, const char *pattern)
{
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '*')
		return !strncmp(text, pattern, n - 1);
	return !strcmp(text, pattern);
}

static bool plain_one(enum cmp_op op, const char *text, const char *rhs)
{
	size_t nt = strlen(text), nr = strlen(rhs);

	switch (op) {
	case OP_NE:
		return strcmp(text, rhs) != 0;
	case OP_CONTAINS:
		return strstr(text, rhs) != NULL;
	case OP_ICONTAINS:
		return strcasestr(text, rhs) != NULL;
	case OP_STARTSWITH:
		return !strncmp(text, rhs, nr);
	case OP_ENDSWITH:
		return nt >= nr && !strcmp(text + nt - nr, rhs);
	case OP_GLOB:
		return plain_glob(text, rhs);
	case OP_PMATCH:
		return plain_pmatch(text, rhs);
	default:
		return !strcmp(text, rhs);
	}
}

static bool plain_number(const struct subject *s, const struct ast *c)
{
	uint64_t n = strtoull(c->right[0].text.s, NULL, 10);

	if (!s->has_num)
		return false;
	switch (c->op) {
	case OP_LT:
		return s->num < n;
	case OP_GE:
		return s->num >= n;
	case OP_NE:
		return s->num != n;
	default:
		return s->num == n;
	}
}

static bool plain_check(const struct subject *s, const struct ast *c)
{
	size_t hits = 0;

	if (!strcmp(c->left.field->name, "evt.num"))
		return plain_number(s, c);
	const char *text = text_of(s, &c->left);
	if (!text || c->op == OP_EXISTS)
		return text != NULL;
	if (c->nright == 1 && c->right[0].kind == OPERAND_FIELD) {
		const char *rhs = text_of(s, &c->right[0]);

		return rhs && plain_one(c->op, text, rhs);
	}
	for (size_t i = 0; i < c->nright; i++) {
		char rhs[64];

		str_copy(c->right[i].text, rhs, sizeof(rhs));
		hits += plain_one(c->op, text, rhs);
	}
	switch (c->modifier) {
	case MOD_ONEOF:
		return hits == 1;
	case MOD_ALLOF:
		return c->nright && hits == c->nright;
	default:
		return hits > 0;
	}
}

static bool plain_eval(const struct subject *s, const struct ast *n)
{
	switch (n->kind) {
	case AST_AND:
		for (size_t i = 0; i < n->nkids; i++)
			if (!plain_eval(s, n->kids[i]))
				return false;
		return true;
	case AST_OR:
		for (size_t i = 0; i < n->nkids; i++)
			if (plain_eval(s, n->kids[i]))
				return true;
		return false;
	case AST_NOT:
		return !plain_eval(s, n->kids[0]);
	case AST_CHECK:
		return plain_check(s, n);
	default:
		return n->kind == AST_TRUE;
	}
}

/* ---- the properties ----------------------------------------------------------------------- */

static bool same_operand(const struct operand *a, const struct operand *b)
{
	bool same = a->kind == b->kind && a->field == b->field && str_eq(a->text, b->text) &&
		    a->quoted == b->quoted && str_eq(a->arg.text, b->arg.text) &&
		    a->nargs == b->nargs && a->transformer == b->transformer;

	for (size_t i = 0; same && i < a->nargs; i++)
		same = same_operand(&a->args[i], &b->args[i]);
	return same;
}

static bool same_tree(const struct ast *a, const struct ast *b)
{
	bool same = a->kind == b->kind && a->nkids == b->nkids && a->op == b->op &&
		    a->modifier == b->modifier && a->nright == b->nright &&
		    a->right_is_ident == b->right_is_ident && str_eq(a->ident, b->ident) &&
		    same_operand(&a->left, &b->left);

	for (size_t i = 0; same && i < a->nkids; i++)
		same = same_tree(a->kids[i], b->kids[i]);
	for (size_t i = 0; same && i < a->nright; i++)
		same = same_operand(&a->right[i], &b->right[i]);
	return same;
}

static struct ast *must_parse(struct arena *a, const char *text)
{
	struct filter_error fe;
	struct ast *ast;

	if (filter_parse(a, arena_str(a, str_of(text)), &test_options, &ast, &fe))
		fail_msg("%s\n%u:%u: %s", text, fe.pos.line, fe.pos.column, fe.msg);
	return ast;
}

static void round_trip(struct arena *a, const char *text)
{
	struct buf out = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
	struct ast *first = must_parse(a, text);

	ast_format(first, &out);
	struct ast *second = must_parse(a, out.s);
	if (!same_tree(first, second))
		fail_msg("%s\nbecame\n%s", text, out.s);
	ast_format(second, &again);
	assert_string_equal(out.s, again.s);
	buf_done(&out);
	buf_done(&again);
}

static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		"a and (b or c) and not (d and not not e)",
		"(a or b) or (c and d) and true",
		"not (not a)",
		"not (not (a and b))",
		"a.b = x",
		"proc.name = \"a \\x01\\\"\\n'\\\\\"",
		"proc.name = 'oneof' and proc.name = oneof",
		"proc.name in ()",
		"proc.name in shells",
		"proc.name = anyof shells",
		"proc.name = val(proc.pname)",
		"proc.name in val(proc.pname)",
		"proc.name in tolower(proc.pname)",
		"evt.arg.name = 5 and evt.arg['a b'] = 6 and evt.arg[\"c]\"] exists",
		"join(\",\", (proc.name, 5, tolower(proc.pname))) contains allof (a, 'b c', \"\")",
		"getopt(proc.cmdline, 'ab:')[a] = 'x'",
		"proc.fdusage < -1.5e+10 or evt.num >= 0x10",
		"proc.name = 'true' and true or false",
		"x.y = \xc3\xa9 and x.y = '\xff'",
		"proc.name=a-b",
		"proc.cmdline contains '\\'' and proc.cmdline contains '\"'",
	};
	struct filter_parse_options o = {.fields = &test_fields, .allow_unknown_fields = true};
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct buf out = BUF_INIT(10000);
		struct filter_error fe;
		struct ast *first, *second;

		if (filter_parse(&a, str_of(texts[i]), &o, &first, &fe))
			fail_msg("%s\n%s", texts[i], fe.msg);
		ast_format(first, &out);
		if (filter_parse(&a, buf_str(&out), &o, &second, &fe))
			fail_msg("%s\nbecame\n%s\n%s", texts[i], out.s, fe.msg);
		if (!same_tree(first, second))
			fail_msg("%s\nbecame\n%s", texts[i], out.s);
		buf_done(&out);
	}
	arena_done(&a);
}

static const char *maybe(const char *w)
{
	return below(4) ? strcmp(w, "''") ? w : "" : NULL;
}

static struct subject random_subject(void)
{
	return (struct subject){.type = maybe(word()),
		.name = maybe(word()),
		.pname = maybe(word()),
		.path = maybe(word()),
		.has_num = below(4),
		.num = below(4)};
}

static void compare_all(
	struct filter_program *p, const uint32_t *roots, struct ast *const *asts, size_t n)
{
	struct filter_eval *ev = filter_eval_new(p);
	struct buf text = BUF_INIT(1 << 20);

	for (int k = 0; k < SUBJECTS; k++) {
		struct subject s = random_subject();

		filter_eval_begin(ev, &s);
		for (size_t i = 0; i < n; i++) {
			bool want = plain_eval(&s, asts[i]);

			if (filter_eval_root(ev, roots[i]) == want)
				continue;
			buf_clear(&text);
			ast_format(asts[i], &text);
			fail_msg("%s\nshould be %d for name=%s pname=%s path=%s type=%s num=%d/%d",
				text.s, want, s.name, s.pname, s.path, s.type, s.has_num,
				(int)s.num);
		}
		/* another name of the same file */
		s.path = maybe(word());
		filter_eval_rename(ev);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(filter_eval_root(ev, roots[i]), plain_eval(&s, asts[i]));
	}
	buf_done(&text);
	filter_eval_free(ev);
}

static void test_program_equals_tree(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct filter_program *p = filter_program_new(&test_fields);
		struct ast *asts[TOGETHER];
		uint32_t roots[TOGETHER];
		struct filter_error fe;
		struct err e = {0};
		struct arena a;

		arena_init(&a, 0);
		for (int i = 0; i < TOGETHER; i++) {
			struct buf b = BUF_INIT(1 << 20);

			add_expr(&b, below(4));
			round_trip(&a, b.s);
			asts[i] = must_parse(&a, b.s);
			assert_int_equal(filter_program_add(p, asts[i], &roots[i], &fe), 0);
			buf_done(&b);
		}
		assert_int_equal(filter_program_seal(p, &e), 0);
		compare_all(p, roots, asts, TOGETHER);
		filter_program_free(p);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_program_equals_tree),
	};

	return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
