/* SPDX-License-Identifier: Apache-2.0 */
/* What the grammar takes and refuses, and where it says that something is wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/engine/filter/subject.h"

static struct arena arena;

static int parse(const char *text, struct ast **ret, struct filter_error *fe)
{
	struct filter_parse_options o = {.fields = &test_fields, .allow_unknown_fields = true};

	arena_reset(&arena);
	return filter_parse(&arena, str_of(text), &o, ret, fe);
}

static void accepts(const char *text)
{
	struct filter_error fe;
	struct ast *ast;

	if (parse(text, &ast, &fe))
		fail_msg("refused: %s\n%s", text, fe.msg);
}

static void test_accepts(void **state)
{
	static const char *const good[] = {
		"  a",
		"(a)",
		"a and b",
		"a and b and(c)",
		"(a)and(b)and(c)",
		"a or b or(c)",
		"(a.a exists and b)",
		"a.a exists and b",
		"a.a=1 or b.b=2 and c",
		"not (a)",
		"not(a)",
		"not (not (a))",
		"not not a",
		"not not(a)",
		"not(a)and(not(b))",
		"not a.b=1",
		"a.b = bla",
		"a.b = 'bla'",
		"a.b = not",
		"a.b icontains 'bla'",
		"a.g in (1, 'a', b)",
		"fd.name=*.log",
		"a.b = a.a",
		"a and notb",
		"notz and a",
		"macro and not_macro",
		"macro and or_macro",
		"evt.arg[0] contains /bin",
		"evt.arg[a] contains /bin",
		"evt.arg.path contains /bin",
		"a.b = 0a!@#456:/\\.;!$%^&*[]{}|",
		"a.b = ''",
		"a.b['a aa'] = a",
		"a.b[\"test \\\"x\"] = a",
		"a.b[+0.25e+10] = a",
		"a.b = 'multiple \\' \\\\'",
		"a.b = 'mixed \"'",
		"a.b = \"bad \\ \"",
		"a.b < +1",
		"a.b >= -1",
		"a.b <= 0XaB00AB",
		"a.b > -0.1222e+10",
		"a.b = 0xAAA.1",
		"a.b in ()",
		"a.b in()",
		"a.b pmatch ()",
		"a.b intersects(x)",
		"a.b in (a,\"b\",'c')",
		"a.b existsand macro",
		"a.b ==value",
		"a.b bcontains 48545450",
		"a.b startswith oneof (a, b)",
		"a.b = anyof mylist",
		"a.b = oneof and c",
		"a.b != allof (a)",
		"a.b = oneof",
		"b64( b64(a.b) ) exists",
		"a.b = b64(toupper(a.b ))",
		"a.b = b64 and(m)",
		"a.b = val(c.d)",
		"a.b < val(c.d)",
		"a.b in val(c.d)",
		"getopt(proc.cmdline, \"nt:\")[t] = x",
		"getopt(proc.cmdline, 'nt:') in (x)",
		"join(\",\", (proc.name, 1, tolower(proc.pname))) = x",
		"concat(proc.name, '-', 5) = x",
		"len(fd.types) > 2",
		"true or false",
		"a.b\n=\tc\r\nand d",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		accepts(good[i]);
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"  ",
		"a andb",
		"aand b",
		"a and b and",
		"a or b or",
		"and a",
		"or a",
		"a not b",
		"a and or b",
		"(a)andnot(b)",
		"(a)ornot(b)",
		"not",
		"a orb",
		"evt.arg[] contains /bin",
		"a.b = b = 1",
		"(a.b = 1",
		"a.b = 1)",
		"a.a invalid xxx",
		"macro > 12",
		"a.g in ( 1 ,, , b)",
		"a.g in (a,)",
		"a.g in (",
		"a.g in )",
		"#a and b",
		"a.b=/var/lo);g",
		"a.b = a,",
		"a.b = a=",
		"a.b = '",
		"a.b = '\"",
		"a.b = \"mixed \\'\"",
		"a.b = two words",
		"a.b = '\\q'",
		"a.b = '\\x4'",
		"a.b[[] = a",
		"a.b]] = a",
		"a.b[   t ] = a",
		"a.b[ = a",
		"a.b ExIsTs",
		"a.b exists something",
		"a.b === v",
		"a.b startswithvalue",
		"a.b >",
		"a.b in",
		"a.b > (v)",
		"a.b != allof(a)",
		"a.b = (v)",
		"a.b < a",
		"a.b > !0.1",
		"a.b < 0xAAA.1",
		"val(a.b) exists",
		"b64(val(a.b)) exists",
		"b64 (a.b) exists",
		"b64(ab) exists",
		"nope(a.b) exists",
		"(a.b) exists",
		"b64(a.b exists",
		"a.b = b64and(m)",
		"a.b = val(c)",
		"a.b = val(c.d",
		"join(',', ((a.b))) = x",
		"a.b pmatch val(c.d) x",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct filter_error fe;
		struct ast *ast;

		if (!parse(bad[i], &ast, &fe))
			fail_msg("accepted: %s", bad[i]);
		assert_true(strlen(fe.msg) > 5);
		assert_true(fe.pos.line >= 1 && fe.pos.column >= 1);
	}
}

/* condition, line, column, part of the message */
static const struct {
	const char *text;
	unsigned line, column;
	const char *msg;
} faults[] = {
	{"proc.nam = x", 1, 1, "did you mean 'proc.name'?"},
	{"proc.name = x and\n  fd.nmae = y", 2, 3, "did you mean 'fd.name'?"},
	{"zzz.yyy = x", 1, 1, "unknown field 'zzz.yyy'"},
	{"proc.name = x an b", 1, 15, "expected 'and' or 'or', found 'an'"},
	{"proc.name and b", 1, 11, "an operator"},
	{"proc.name = ", 1, 13, "but the expression ends"},
	{"proc.name bcontains 00", 1, 1, "operator bcontains does not fit proc.name"},
	{"evt.num contains 7", 1, 1, "does not fit evt.num, which is of type unsigned number"},
	{"evt.failed < 1", 1, 1, "does not fit"},
	{"evt.failed = yes", 1, 14, "true or false"},
	{"evt.num = seven", 1, 11, "not a whole number"},
	{"evt.num = 1.5", 1, 11, "not a whole number"},
	{"fd.cip = 10.0.0.300", 1, 10, "IP address"},
	{"fd.cip = 10.0.0.0/8", 1, 10, "fd.net"},
	{"fd.cnet = 10.0.0.0/33", 1, 11, "prefix length"},
	{"fd.cnet = 10.0.0.1", 1, 11, "prefix length"},
	{"fd.cport = nosuchservice", 1, 12, "a port"},
	{"fd.cport = 65536", 1, 12, "a port"},
	{"evt.buffer bcontains xyz", 1, 22, "hexadecimal"},
	{"evt.buffer regex x", 1, 1, "does not fit"},
	{"proc.name regex '(a'", 1, 17, "regex"},
	{"proc.name = 'a\\x00b'", 1, 13, "\\x00"},
	{"fd.types = x", 1, 1, "list of"},
	{"fd.types in oneof", 0, 0, NULL},
	{"evt.arg = x", 1, 1, "needs an argument"},
	{"proc.name[1] = x", 1, 1, "takes no argument"},
	{"proc.aname[x] = y", 1, 1, "must be a number"},
	{"fd.ip = val(fd.cip)", 1, 13, "cannot be compared with a field"},
	{"fd.cip = val(fd.ip)", 1, 14, "right-hand side"},
	{"tolower(proc.aname) = x", 1, 9, "cannot be transformed"},
	{"join(',', (proc.name, evt.rawarg.x)) = x", 1, 23, "cannot be transformed"},
	{"tolower(evt.num) = x", 1, 1, "takes a string"},
	{"b64(evt.num) = x", 1, 1, "takes a string or a byte buffer"},
	{"len(evt.num) = 1", 1, 1, "takes a string"},
	{"join(',', proc.name) = x", 1, 1, "separator and a list"},
	{"concat(proc.name) = x", 1, 1, "two or more"},
	{"tolower(proc.name)[x] = y", 1, 1, "takes no [argument]"},
	{"getopt(proc.cmdline, 'a')[ab] = y", 1, 1, "one option character"},
	{"proc.name pmatch val(proc.pname)", 1, 22, "takes no field"},
	{"proc.name regex tolower(proc.pname)", 1, 17, "takes no field"},
	{"proc.name = val(evt.num)", 1, 17, "proc.name is of type string"},
	{"fd.ip contains x", 1, 1, "use one of = != in exists"},
	{"evt.num oneof (1)", 1, 9, "an operator"},
	{"proc.name = 'abc", 1, 13, "closing quote"},
	{"proc.name = 'a\\zc'", 1, 15, "unknown escape"},
	{"evt.num = 'a\\x1b[0m'", 1, 11, "'a?[0m' is not a whole number"},
	{"evt.num >= 99999999999999999999", 1, 12, "64 bits"},
};

static void test_faults(void **state)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct filter_error fe;
		struct ast *ast;
		int r = filter_parse(&arena, str_of(faults[i].text), &test_options, &ast, &fe);

		if (!faults[i].msg) {
			assert_int_equal(r, 0);
			continue;
		}
		if (!r)
			fail_msg("accepted: %s", faults[i].text);
		if (!strstr(fe.msg, faults[i].msg) || fe.pos.line != faults[i].line ||
			fe.pos.column != faults[i].column)
			fail_msg("%s\n  %u:%u: %s", faults[i].text, fe.pos.line, fe.pos.column,
				fe.msg);
	}
}

static void test_unknown_field_flag(void **state)
{
	struct filter_parse_options o = {.fields = &test_fields, .source = "syscall"};
	struct filter_error fe;
	struct ast *ast;

	assert_int_not_equal(filter_parse(&arena, STR("a and x.y = 1 and b"), &o, &ast, &fe), 0);
	assert_true(fe.unknown_field);
	/* another fault counts more */
	assert_int_not_equal(
		filter_parse(&arena, STR("x.y = 1 and evt.num = z"), &o, &ast, &fe), 0);
	assert_false(fe.unknown_field);
	assert_non_null(strstr(fe.msg, "whole number"));
	/* a field of another source */
	assert_int_not_equal(filter_parse(&arena, STR("ka.user = x"), &o, &ast, &fe), 0);
	assert_true(fe.unknown_field);
	assert_non_null(strstr(fe.msg, "source syscall"));
	o.source = "k8s_audit";
	assert_int_equal(
		filter_parse(&arena, STR("ka.user = x and evt.num = 1"), &o, &ast, &fe), 0);
	o.allow_unknown_fields = true;
	assert_int_equal(
		filter_parse(&arena, STR("x.y regex '(' and proc.name = 1"), &o, &ast, &fe), 0);
	assert_null(ast->kids[0]->left.field);
}

static void test_depth(void **state)
{
	static char deep[3001];
	struct filter_error fe;
	struct ast *ast;

	memset(deep, '(', 3000);
	assert_int_not_equal(parse(deep, &ast, &fe), 0);
	assert_non_null(strstr(fe.msg, "1000 levels"));
	memset(deep, '(', 900);
	deep[900] = 'a';
	memset(deep + 901, ')', 900);
	deep[1801] = 0;
	assert_int_equal(parse(deep, &ast, &fe), 0);
	struct filter_parse_options o = {.fields = &test_fields, .max_depth = 3};
	assert_int_equal(filter_parse(&arena, STR("(((a)))"), &o, &ast, &fe), 0);
	assert_int_not_equal(filter_parse(&arena, STR("((((a))))"), &o, &ast, &fe), 0);
}

static void test_tree(void **state)
{
	struct filter_error fe;
	struct ast *ast;

	assert_int_equal(parse("evt.arg.path in (a, 'b c') or not x and y", &ast, &fe), 0);
	assert_int_equal(ast->kind, AST_OR);
	assert_int_equal(ast->nkids, 2);
	assert_string_equal(ast->kids[0]->left.field->name, "evt.arg");
	assert_true(str_is(ast->kids[0]->left.arg.text, "path"));
	assert_int_equal(ast->kids[0]->nright, 2);
	assert_true(str_is(ast->kids[0]->right[1].text, "b c"));
	assert_true(ast->kids[0]->right[1].quoted);
	assert_int_equal(ast->kids[1]->kind, AST_AND);
	assert_int_equal(ast->kids[1]->kids[0]->kind, AST_NOT);
	assert_int_equal(ast->kids[1]->kids[1]->pos.column, 41);
	assert_int_equal(parse("a.b = '\\x41\\t\\\\\\/\\ '", &ast, &fe), 0);
	assert_true(str_is(ast->right[0].text, "A\t\\/\\"));
	assert_int_equal(parse("evt.arg[1] = x and proc.name in shells", &ast, &fe), 0);
	assert_true(ast->kids[0]->left.arg.is_index);
	assert_int_equal(ast->kids[0]->left.arg.index, 1);
	assert_true(ast->kids[1]->right_is_ident);
}

/* The AST outlives the text. */
static void test_text_is_copied(void **state)
{
	char text[] = "evt.arg.abc = def and ghi";
	struct filter_error fe;
	struct ast *ast;

	assert_int_equal(parse(text, &ast, &fe), 0);
	memset(text, 'x', sizeof(text) - 1);
	assert_true(str_is(ast->kids[0]->left.arg.text, "abc"));
	assert_true(str_is(ast->kids[0]->right[0].text, "def"));
	assert_true(str_is(ast->kids[1]->ident, "ghi"));
}

static int count_nodes(struct ast *node, void *arg)
{
	return ++*(int *)arg == 100;
}

static int count_fields(struct operand *op, struct ast *check, void *arg)
{
	assert_int_equal(op->kind, OPERAND_FIELD);
	++*(int *)arg;
	return 0;
}

static void test_walk(void **state)
{
	struct filter_error fe;
	struct ast *ast;
	int nodes = 0, fields = 0;

	assert_int_equal(parse("a and not (proc.name = val(proc.pname) or "
			       "join(',', (proc.name, fd.name)) = x)",
				 &ast, &fe),
		0);
	assert_int_equal(ast_walk(ast, count_nodes, &nodes), 0);
	assert_int_equal(nodes, 6);
	assert_int_equal(ast_walk_fields(ast, count_fields, &fields), 0);
	assert_int_equal(fields, 4);
}

static const char *last_warning;
static unsigned nwarnings;

static void on_warning(const struct filter_pos *pos, const char *msg, void *arg)
{
	static char copy[400];

	snprintf(copy, sizeof(copy), "%s", msg);
	last_warning = copy;
	nwarnings++;
}

static void test_lint(void **state)
{
	static const struct {
		const char *text, *msg; /* NULL = no warning */
	} cases[] = {
		{"proc.name = x", NULL},
		{"proc.name regex '.*abc$'", "regex"},
		{"proc.name regex 'a[bc]'", NULL},
		{"proc.name = proc.pname", "val("},
		{"proc.name = 'proc.aname[2]'", "val("},
		{"proc.name = ' toupper( proc.name )'", "transformer"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct filter_error fe;
		struct ast *ast;

		nwarnings = 0;
		assert_int_equal(parse(cases[i].text, &ast, &fe), 0);
		filter_lint(ast, &test_fields, on_warning, NULL);
		assert_int_equal(nwarnings, cases[i].msg != NULL);
		if (cases[i].msg)
			assert_non_null(strstr(last_warning, cases[i].msg));
	}
}

static int setup(void **state)
{
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_unknown_field_flag),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_text_is_copied),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_lint),
	};

	return cmocka_run_group_tests_name("parse", tests, setup, teardown);
}
