/* SPDX-License-Identifier: Apache-2.0 */
/* Joining and cleaning, and that a clean path costs nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

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

/* The slow way: name by name. */
static void reference(char *out, const char *text)
{
	char copy[128], *rest = copy, *name;
	size_t len = 0, root = text[0] == '/';

	snprintf(copy, sizeof(copy), "%s", text);
	if (root)
		out[len++] = '/';
	while ((name = strsep(&rest, "/"))) {
		if (!*name || !strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			while (len > root && out[--len] != '/')
				;
			continue;
		}
		len += (size_t)sprintf(out + len, len > root ? "/%s" : "%s", name);
	}
	out[len] = 0;
}

/* Every path of seven bytes out of these, behind heads that move it through the sixteen bytes that
 * are looked at together. */
static void test_every_short_path(void **state)
{
	static const char letters[] = "a./";
	static const char *const heads[] = {
		"", "/usr/lib", "/usr/lib/x86_64", "/usr/lib/x86_64-linux"};
	char path[128], base[64], want[128];
	struct arena a;

	arena_init(&a, 0);
	for (int n = 0; n < 2187 * 4; n++) {
		const char *head = heads[n % 4];
		char tail[8] = {0};

		for (int i = 0, left = n / 4; i < 7; i++, left /= 3)
			tail[i] = letters[left % 3];
		arena_reset(&a);
		snprintf(path, sizeof(path), "%s%s", head, tail);
		reference(want, path);
		assert_true(str_is(path_normalise(&a, STR_NULL, str_of(path)), want));
		if (tail[0] == '/')
			continue;
		/* the same with a folder in front */
		snprintf(base, sizeof(base), "/home/%s", head);
		snprintf(path, sizeof(path), "%s/%s", base, tail);
		reference(want, path);
		assert_true(str_is(path_normalise(&a, str_of(base), str_of(tail)), want));
	}
	arena_done(&a);
}

/* Paths are looked at in pieces: a place to mend is found wherever it lies, and at both ends. */
static void test_a_bad_place_anywhere(void **state)
{
	static const char *const bad[] = {"//", "/./"};
	struct arena a;

	arena_init(&a, 0);
	for (size_t len = 4; len < 70; len++)
		for (size_t at = 1; at + 3 < len; at++)
			for (size_t b = 0; b < 2; b++) {
				char path[80], want[80];

				memset(path, 'x', len);
				path[0] = '/';
				path[len] = 0;
				assert_true(path_normalise(&a, STR_NULL, str_of(path)).s == path);
				memcpy(path + at, bad[b], strlen(bad[b]));
				reference(want, path);
				arena_reset(&a);
				assert_true(
					str_is(path_normalise(&a, STR_NULL, str_of(path)), want));
			}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_clean_paths_are_borrowed),
		cmocka_unit_test(test_every_short_path),
		cmocka_unit_test(test_a_bad_place_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
