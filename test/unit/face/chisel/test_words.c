/* SPDX-License-Identifier: Apache-2.0 */
/* Which words behind -c NAME are its arguments: sysdig's rules. */
#include "bench.h"

static const struct chisel_arg needed[] = {
	{.name = STR("a"), .type = STR("string")},
	{.name = STR("b"), .type = STR("string"), .is_optional = true},
};
static const struct chisel_arg optional[] = {
	{.name = STR("a"), .type = STR("string"), .is_optional = true},
	{.name = STR("b"), .type = STR("string"), .is_optional = true},
};
static const struct chisel_arg filter[] = {
	{.name = STR("f"), .type = STR("filter"), .is_optional = true},
};

static const struct chisel_info with_needed = {.args = needed, .nargs = 2};
static const struct chisel_info with_optional = {.args = optional, .nargs = 2};
static const struct chisel_info with_filter = {.args = filter, .nargs = 1};
static const struct chisel_info without = {.nargs = 0};

static void test_taken(void **state)
{
	static const struct {
		const struct chisel_info *info;
		const char *words[4];
		int taken;
		const char *values[4];
	} cases[] = {
		{&without, {"x"}, 0, {0}},
		{&with_needed, {0}, 0, {0}},
		{&with_needed, {"x", "y"}, 1, {"x"}},
		{&with_needed, {"x y"}, 1, {"x", "y"}},
		{&with_needed, {"-1"}, 1, {"-1"}}, /* needed: whatever it looks like */
		{&with_needed, {"proc.name=x"}, 1, {"proc.name=x"}},
		{&with_needed, {"  'a b'  \"c d\" "}, 1, {"a b", "c d"}},
		{&with_needed, {"''"}, 1, {""}},
		{&with_optional, {"x"}, 1, {"x"}},
		{&with_optional, {"-n", "5"}, 0, {0}},
		{&with_optional, {"proc.name=x"}, 0, {0}},
		{&with_optional, {"proc.name", "=", "x"}, 0, {0}}, /* only together a condition */
		{&with_optional, {"proc.name", "=", "and"}, 0, {0}},
		{&with_optional, {"x", "proc.name=x"}, 1, {"x"}},
		{&with_filter, {"proc.name=x or fd.num=1"}, 1, {"proc.name=x or fd.num=1"}},
		{&with_filter, {"-n"}, 0, {0}},
		{&with_filter, {0}, 0, {0}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str *values;
		size_t n, nwords = 0, nvalues = 0;
		struct arena a;
		struct err e = {0};

		while (nwords < 4 && cases[i].words[nwords])
			nwords++;
		while (nvalues < 4 && cases[i].values[nvalues])
			nvalues++;
		arena_init(&a, 0);
		int r = chisel_args_take(
			cases[i].info, (char *const *)cases[i].words, nwords, &a, &values, &n, &e);
		if (r != cases[i].taken || n != nvalues)
			fail_msg("case %zu (%s): took %d with %zu values", i, cases[i].words[0], r,
				n);
		for (size_t k = 0; k < n; k++)
			if (!str_is(values[k], cases[i].values[k]))
				fail_msg("case %zu: value %zu is \"%.*s\"", i, k,
					STR_ARG(values[k]));
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
