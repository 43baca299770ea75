/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions over a subject: what holds, what is shared, what is asked how often. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/engine/filter/subject.h"

static struct arena arena;

static struct ast *must_parse(const char *text)
{
	struct filter_error fe;
	struct ast *ast;

	if (filter_parse(&arena, str_of(text), &test_options, &ast, &fe))
		fail_msg("%s\n%u:%u: %s", text, fe.pos.line, fe.pos.column, fe.msg);
	return ast;
}

static struct filter_program *compile(const char *const *texts, size_t n, uint32_t *roots)
{
	struct filter_program *p = filter_program_new(&test_fields);
	struct filter_error fe;
	struct err e = {0};

	for (size_t i = 0; i < n; i++)
		if (filter_program_add(p, must_parse(texts[i]), &roots[i], &fe))
			fail_msg("%s: %s", texts[i], fe.msg);
	assert_int_equal(filter_program_seal(p, &e), 0);
	return p;
}

static bool holds(const char *text, const struct subject *s)
{
	uint32_t root;
	struct filter_program *p = compile(&text, 1, &root);
	struct filter_eval *ev = filter_eval_new(p);

	filter_eval_begin(ev, s);
	bool r = filter_eval_root(ev, root);
	filter_eval_free(ev);
	filter_program_free(p);
	return r;
}

/* About `usual`. */
static const struct {
	const char *text;
	bool expected;
} cases[] = {
	/* strings */
	{"proc.name = bash", true},
	{"proc.name == bas", false},
	{"proc.name != bash", false},
	{"proc.name != zsh", true},
	{"proc.name in (sh, bash)", true},
	{"proc.name in (a, b, c, d, e, f, bash)", true},
	{"proc.name in (a, b, c, d, e, f, bas)", false},
	{"proc.name in ()", false},
	{"not proc.name in ()", true},
	{"proc.name intersects (sh, bash)", true},
	{"proc.name contains as", true},
	{"proc.name contains ''", true},
	{"proc.name icontains AS", true},
	{"proc.name contains AS", false},
	{"proc.name startswith ba", true},
	{"proc.name startswith bashx", false},
	{"proc.name endswith ash", true},
	{"proc.name endswith as", false},
	{"proc.name > 5", true},
	{"proc.name < val(proc.cmdline)", true},
	{"proc.name >= val(proc.name)", true},
	{"proc.name glob b?s*", true},
	{"proc.name glob B*", false},
	{"proc.name iglob B*", true},
	{"proc.name glob '[a-c]ash'", true},
	{"fd.name glob /etc*dow", true},
	{"fd.name glob '/*/[!x]hadow'", true},
	{"proc.name regex 'b(a|o)sh'", true},
	{"proc.name regex 'as'", false},
	{"proc.cmdline regex '.*/etc/(shadow|passwd).*'", true},
	{"proc.cmdline contains '/etc/shadow'", true},
	{"proc.name exists", true},
	{"proc.pname exists", false},
	/* pmatch */
	{"fd.name pmatch (/etc)", true},
	{"fd.name pmatch (/etc/)", true},
	{"fd.name pmatch (/etc/sha)", false},
	{"fd.name pmatch (/etc/shadow)", true},
	{"fd.name pmatch (/etc/shadow/x)", false},
	{"fd.name pmatch (/)", true},
	{"fd.name pmatch (/var, /usr, /etc)", true},
	{"fd.name pmatch (/*/shadow)", true},
	{"fd.name pmatch (/et?/pass*, /usr)", false},
	{"fd.name pmatch ()", false},
	/* numbers */
	{"evt.num = 7", true},
	{"evt.num = 0x7", true},
	{"evt.num = 0x07", true},
	{"evt.num != 8", true},
	{"evt.num > 6", true},
	{"evt.num >= 8", false},
	{"evt.num in (1, 7)", true},
	{"evt.num in (1, 2, 3, 4, 5, 6, 8, 9, 10, 11)", false},
	{"evt.num in (1, 2, 3, 4, 5, 6, 8, 9, 10, 7)", true},
	{"evt.latency > 1000", true},
	{"proc.pid = -3", true},
	{"proc.pid < 0", true},
	{"proc.pid in (1, 2, 3, 4, 5, 6, 7, 8, 9, -3)", true},
	{"proc.pid < val(evt.num)", true},
	{"proc.fdusage > 2.25", true},
	{"proc.fdusage = 2.5", true},
	{"proc.fdusage < 2", false},
	{"evt.failed = true", true},
	{"evt.failed = false", false},
	{"evt.failed in (true, false)", true},
	{"fd.cport = 443", true},
	{"fd.cport = https", true},
	{"fd.cport in (80, 8080)", false},
	/* bytes */
	{"evt.buffer contains GET", true},
	{"evt.buffer startswith 'GET /'", true},
	{"evt.buffer bcontains 01ff", true},
	{"evt.buffer bcontains 01FF20", true},
	{"evt.buffer bcontains 02", false},
	{"evt.buffer bstartswith 474554", true},
	{"evt.buffer endswith HTTP", true},
	/* addresses */
	{"fd.cip = 10.1.2.3", true},
	{"fd.cip != 10.1.2.3", false},
	{"fd.cip != ::1", true},
	{"fd.cip in (10.1.2.4, 10.1.2.3)", true},
	{"fd.cnet = 10.0.0.0/8", true},
	{"fd.cnet = 10.1.2.2/31", true},
	{"fd.cnet = 10.1.2.4/31", false},
	{"fd.cnet != 2001:db8::/32", true},
	{"fd.cnet in (192.168.0.0/16, 10.0.0.0/8)", true},
	{"fd.cnet = 0.0.0.0/0", true},
	{"fd.ip = 192.0.2.7", true},
	{"fd.ip != 192.0.2.7", false},
	{"fd.ip != 192.0.2.8", true},
	{"fd.ip in (1.1.1.1, 10.1.2.3)", true},
	{"fd.ip exists", true},
	/* lists */
	{"fd.types in (file, ipv4, ipv6)", true},
	{"fd.types in (file)", false},
	{"fd.types intersects (ipv4)", true},
	{"fd.types intersects (ipv6)", false},
	{"fd.types exists", true},
	{"len(fd.types) = 2", true},
	{"tolower(fd.types) intersects (file)", true},
	/* own comparators */
	{"proc.aname = systemd", true},
	{"proc.aname = bash", false},
	{"proc.aname != sshd", true},
	{"proc.aname in (x, sshd)", true},
	{"proc.aname startswith ss", true},
	{"proc.aname regex 'sys.*'", true},
	{"proc.aname[0] = bash", true},
	{"proc.aname[2] = systemd", true},
	{"proc.aname[3] exists", false},
	/* modifiers */
	{"proc.name = anyof (a, bash)", true},
	{"proc.name = oneof (bash, bash)", false},
	{"proc.name = oneof (bash, b)", true},
	{"proc.name = allof (bash, b)", false},
	{"proc.name != allof (a, b)", true},
	{"proc.name != allof (a, bash)", false},
	{"proc.name != anyof (a, bash)", true},
	{"proc.name != oneof (a, bash)", true},
	{"proc.name startswith anyof (x, ba)", true},
	{"proc.name contains allof (a, s, h)", true},
	{"proc.name contains oneof (a, x)", true},
	{"proc.name contains oneof (a, s)", false},
	{"proc.name regex anyof (x, 'b.*')", true},
	{"proc.name = anyof ()", false},
	{"proc.name != allof ()", false},
	{"fd.cip = anyof (1.1.1.1, 10.1.2.3)", true},
	/* transformers */
	{"toupper(proc.name) = BASH", true},
	{"tolower(proc.cmdline) contains 'cat'", true},
	{"basename(fd.name) = shadow", true},
	{"len(proc.name) = 4", true},
	{"len(evt.buffer) = 12", true},
	{"b64(proc.name) exists", true},
	{"b64(concat('YmFz', 'aA==')) = val(proc.name)", true},
	{"proc.name = b64('YmFzaA')", true},
	{"b64('!') exists", false},
	{"join('-', (proc.name, 5, 'x')) = bash-5-x", true},
	{"join(',', fd.types) = 'file,ipv4'", true},
	{"concat(proc.name, proc.pname) exists", false},
	{"basename(b64(tolower('Ly9h'))) exists", true},
	{"getopt(proc.cmdline, 'c:i') exists", false}, /* "bash" is no option */
	{"getopt('-x -t val rest -y', 'xt:y') in (x, t, val)", true},
	{"getopt('-xtval', 'xt:')[t] = val", true},
	{"getopt('-t a -t b', 't:')[t] = b", true},
	{"getopt('-x', 't:')[t] exists", false},
	{"getopt('-t', 't:')[t] = ''", true},
	{"getopt('-q', 't:') intersects ('?')", true},
	/* arguments of the event, whatever their type */
	{"evt.rawarg.flags = 65", true},
	{"evt.rawarg.flags = 0x41", true},
	{"evt.rawarg[flags] > 64", true},
	{"evt.rawarg.flags = x", false},
	{"evt.rawarg.res < 0", true},
	{"evt.rawarg.res = -2", true},
	{"evt.rawarg.res in (1, -2)", true},
	{"evt.rawarg.none = 1", false},
	{"evt.arg.none exists", false},
	/* logic */
	{"true", true},
	{"false or not false", true},
	{"proc.name = bash and evt.num = 7 and not fd.name = x", true},
	{"proc.name = x or (evt.num = 7 and fd.name endswith shadow)", true},
	{"not (proc.name = bash or false)", false},
	{"proc.name = bash and proc.name = bash", true},
	{"false and proc.name = bash", false},
	/* missing values */
	{"proc.pname = x", false},
	{"proc.pname != x", false},
	{"not proc.pname = x", true},
	{"not proc.pname != x", true},
	{"proc.pname != val(proc.name)", false},
	{"proc.name != val(proc.pname)", false},
	{"tolower(proc.pname) != x", false},
	{"proc.pname in (x) or proc.pname contains ''", false},
	{"not proc.pname startswith x", true},
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (holds(cases[i].text, &usual) != cases[i].expected)
			fail_msg("%s should be %s", cases[i].text,
				cases[i].expected ? "true" : "false");
}

/* All cases in one program: whatever is shared must not change a result. */
static void test_cases_together(void **state)
{
	enum { N = sizeof(cases) / sizeof(*cases) };
	const char *texts[N];
	uint32_t roots[N];

	for (size_t i = 0; i < N; i++)
		texts[i] = cases[i].text;
	struct filter_program *p = compile(texts, N, roots);
	struct filter_eval *ev = filter_eval_new(p);
	struct filter_program_stats st = filter_program_stats(p);
	struct subject other = {.has_num = true};
	uint64_t mallocs = 0;

	assert_true(st.sets >= 1 && st.tries >= 3 && st.automata >= 1 && st.regexes >= 4);
	for (int round = 0; round < 4; round++) {
		filter_eval_begin(ev, &other);
		for (size_t i = 0; i < N; i++)
			filter_eval_root(ev, roots[i]);
		assert_false(filter_eval_root(ev, roots[0]));
		filter_eval_begin(ev, &usual);
		for (size_t i = 0; i < N; i++)
			if (filter_eval_root(ev, roots[i]) != cases[i].expected)
				fail_msg("together: %s should be %s", texts[i],
					cases[i].expected ? "true" : "false");
		if (round == 1)
			mallocs = filter_eval_mallocs(ev);
	}
	assert_int_equal(filter_eval_mallocs(ev), mallocs);
	filter_eval_free(ev);
	filter_program_free(p);
}

#define MACRO                                                                                      \
	"((evt.type in (open, openat) and evt.num >= 0) and (fd.name startswith /etc or fd.name "  \
	"= x))"

static void test_sharing(void **state)
{
	char texts[40][300];
	const char *list[40];
	uint32_t roots[40];
	unsigned calls = 0;
	struct subject s = usual;

	for (int i = 0; i < 40; i++) {
		snprintf(texts[i], sizeof(texts[i]), MACRO " and proc.pid != %d", i);
		list[i] = texts[i];
	}
	struct filter_program *p = compile(list, 40, roots);
	struct filter_program_stats st = filter_program_stats(p);
	/* a leaf and a root for each rule; the macro: 4 leaves, an `or`, an `and` */
	assert_int_equal(st.leaves, 40 + 4);
	assert_int_equal(st.nodes, 40 * 2 + 4 + 2);
	assert_int_equal(st.fields, 4);
	assert_int_equal(st.written, 40 * (1 + 1 + 1 + 1 + 4 + 1));

	struct filter_eval *ev = filter_eval_new(p);
	s.calls = &calls;
	filter_eval_begin(ev, &s);
	for (int i = 0; i < 40; i++)
		filter_eval_root(ev, roots[i]);
	assert_int_equal(calls, 4);
	filter_eval_begin(ev, &s);
	for (int i = 0; i < 40; i++)
		filter_eval_root(ev, roots[i]);
	assert_int_equal(calls, 8);
	filter_eval_free(ev);
	filter_program_free(p);
}

/* The same list in another order, the same kids in another order: one node. */
static void test_equal_nodes(void **state)
{
	const char *texts[] = {
		"proc.name in (a, b) and evt.num = 1",
		"evt.num = 1 and proc.name in (b, a)",
		"not not (evt.num = 1 and (proc.name in (b, a) and evt.num = 1))",
		"evt.arg.x = 1",
		"evt.arg[x] = 1",
		"proc.name in (ab)",
		"proc.name in (a, b, b)",
	};
	uint32_t roots[7];
	struct filter_program *p = compile(texts, 7, roots);

	assert_int_equal(roots[0], roots[1]);
	assert_int_equal(roots[3], roots[4]);
	assert_int_not_equal(roots[5], roots[6]);
	assert_int_not_equal(roots[0], roots[6]);
	filter_program_free(p);
}

static void test_rename(void **state)
{
	const char *texts[] = {"fd.name = /a and evt.num = 7",
		"fd.name startswith /b and proc.name = bash", "basename(fd.name) = c",
		"evt.num = 7 or proc.name = x"};
	uint32_t roots[4];
	struct filter_program *p = compile(texts, 4, roots);
	struct filter_eval *ev = filter_eval_new(p);
	unsigned calls = 0;
	struct subject s = usual;

	assert_true(filter_program_is_named(p, roots[0]));
	assert_true(filter_program_is_named(p, roots[2]));
	assert_false(filter_program_is_named(p, roots[3]));
	s.calls = &calls;
	s.path = "/a";
	filter_eval_begin(ev, &s);
	assert_true(filter_eval_root(ev, roots[0]));
	assert_false(filter_eval_root(ev, roots[1]));
	assert_false(filter_eval_root(ev, roots[2]));
	assert_true(filter_eval_root(ev, roots[3]));
	unsigned first = calls;
	s.path = "/b/c";
	assert_true(filter_eval_root(ev, roots[0])); /* still remembered */
	filter_eval_rename(ev);
	assert_false(filter_eval_root(ev, roots[0]));
	assert_true(filter_eval_root(ev, roots[1]));
	assert_true(filter_eval_root(ev, roots[2]));
	assert_true(filter_eval_root(ev, roots[3]));
	/* the name again, proc.name for the first time at most; evt.num not again */
	assert_true(calls - first <= 2);
	filter_eval_free(ev);
	filter_program_free(p);
}

static void test_identifiers(void **state)
{
	struct filter_program *p = filter_program_new(&test_fields);
	struct filter_error fe;
	uint32_t root;

	assert_int_not_equal(
		filter_program_add(p, must_parse("evt.num = 1 and some_macro"), &root, &fe), 0);
	assert_non_null(strstr(fe.msg, "some_macro"));
	assert_int_equal(fe.pos.column, 17);
	/* a name of a list that cannot be a value is refused each time that it is met */
	for (int i = 0; i < 2; i++)
		assert_int_not_equal(
			filter_program_add(p, must_parse("evt.num in ports"), &root, &fe), 0);
	assert_non_null(strstr(fe.msg, "'ports' is not"));
	filter_program_free(p);
	/* a list's name that nobody replaced is a string, as in Falco */
	assert_true(holds("proc.name in bash", &usual));
}

/* A program without a seal works too, only slower. */
static void test_unsealed(void **state)
{
	struct filter_program *p = filter_program_new(&test_fields);
	struct filter_error fe;
	uint32_t a, b;

	assert_int_equal(filter_program_add(p, must_parse("proc.name = bash"), &a, &fe), 0);
	assert_int_equal(filter_program_add(p, must_parse("proc.name = zsh"), &b, &fe), 0);
	struct filter_eval *ev = filter_eval_new(p);
	filter_eval_begin(ev, &usual);
	assert_true(filter_eval_root(ev, a));
	assert_false(filter_eval_root(ev, b));
	assert_false(filter_eval_root(ev, 99));
	filter_eval_free(ev);
	filter_program_free(p);
}

static void test_explain(void **state)
{
	const char *texts[] = {
		"proc.name = a and (evt.num = 1 or fd.name = x)", "not proc.name = a"};
	uint32_t roots[2];
	struct filter_program *p = compile(texts, 2, roots);
	struct buf out = BUF_INIT(4096);

	filter_program_explain(p, roots[0], &out);
	assert_non_null(strstr(out.s, "and\n"));
	assert_non_null(strstr(out.s, "proc.name = a  [shared by 2]"));
	assert_non_null(strstr(out.s, "[once a file name]"));
	buf_done(&out);
	filter_program_free(p);
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
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_cases_together),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_equal_nodes),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_unsealed),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests_name("eval", tests, setup, teardown);
}
