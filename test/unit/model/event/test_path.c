/* SPDX-License-Identifier: Apache-2.0 */
/* Joining and cleaning, and that a clean path costs nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/event/event.h"

static const struct path_case {
	const char *base, *path, *result;
} cases[] = {
	{"", "", ""},
	{"", "../", ""},
	{"", "..", ""},
	{"/", "../", "/"},
	{"", "/foo", "/foo"},
	{"foo/", "..//a", "a"},
	{"/foo/", "..//a", "/a"},
	{"/foo", "a", "/foo/a"},
	{"", "./", ""},
	{"", "dir/term", "dir/term"},
	{"", "//dir/term", "/dir/term"},
	{"/", "dir/term", "/dir/term"},
	{"", "./dir/term", "dir/term"},
	{"/", "//dir//////term", "/dir/term"},
	{"/x", "/app/custom/dir/././././../../term/", "/app/term"},
	{"/x", "/app/.../term", "/app/.../term"},
	{"/root/", "../../../..", "/"},
	{"/root", "", "/root"},
	{"/root/./a/", "", "/root/a"},
	{"/a/b", "../..", "/"},
	{"/a/b", "..", "/a"},
	{"/", "", "/"},
	{"", "/..", "/"},
	{"", "/a/..b/.c", "/a/..b/.c"},
	{"", "/a/b/..", "/a"},
	{"", "/a/", "/a"},
	{"", "/", "/"},
	{"", "//", "/"},
	{"/root/", "../\xff\xfe/\x01\x1f/t", "/\xff\xfe/\x01\x1f/t"},
};

static void test_cases(void **state)
{
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str r = path_normalise(&a, str_of(cases[i].base), str_of(cases[i].path));

		if (!str_is(r, cases[i].result))
			fail_msg("'%s' + '%s' gave '%.*s'", cases[i].base, cases[i].path,
				STR_ARG(r));
	}
	arena_done(&a);
}

static void test_clean_paths_are_borrowed(void **state)
{
	struct arena a;
	struct str path = STR("/usr/lib/x86_64-linux-gnu/libc.so.6"), base = STR("/etc");

	arena_init(&a, 0);
	assert_ptr_equal(path_normalise(&a, base, path).s, path.s);
	assert_ptr_equal(path_normalise(&a, base, STR_NULL).s, base.s);
	assert_int_equal(a.nmallocs, 0);
	assert_int_equal(path_normalise(&a, base, STR("a")).len, 6);
	assert_int_equal(a.nmallocs, 1); /* so the count counts */
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_clean_paths_are_borrowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
