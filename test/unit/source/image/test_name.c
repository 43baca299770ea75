/* SPDX-License-Identifier: Apache-2.0 */
/* Names as Docker splits them, and what is none. */
#include "common.h"

static const struct {
	const char *name, *registry, *repository, *tag, *digest;
} good[] = {
	{"debian", "docker.io", "library/debian", "latest", ""},
	{"debian:12", "docker.io", "library/debian", "12", ""},
	{"docker.io/debian", "docker.io", "library/debian", "latest", ""},
	{"index.docker.io/a/b", "docker.io", "a/b", "latest", ""},
	{"a/b:c", "docker.io", "a/b", "c", ""},
	{"localhost/x", "localhost", "x", "latest", ""},
	{"localhost:5000/x", "localhost:5000", "x", "latest", ""},
	{"localhost:5000/x:5", "localhost:5000", "x", "5", ""},
	{"127.0.0.1:5000/a/b/c:t", "127.0.0.1:5000", "a/b/c", "t", ""},
	{"[::1]:5000/a", "[::1]:5000", "a", "latest", ""},
	{"ghcr.io/o/i_a__b---c.d:v1.2-X_", "ghcr.io", "o/i_a__b---c.d", "v1.2-X_", ""},
	{"HOST/x", "HOST", "x", "latest", ""},
	{"debian@" D0, "docker.io", "library/debian", "", D0},
	{"debian:12@" D0, "docker.io", "library/debian", "12", D0},
	{"localhost:1/x@" D0, "localhost:1", "x", "", D0},
	/* not a host: no dot, no colon, not localhost */
	{"myhost/x", "docker.io", "myhost/x", "latest", ""},
	{HEX64 "0", "docker.io", "library/" HEX64 "0", "latest", ""},
};

static void splits(void **unused)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct artifact_image im;
		struct err e = {0};
		struct arena a;

		arena_init(&a, 1 << 20);
		if (image_parse_name(str_of(good[i].name), &a, &im, &e) < 0)
			fail_msg("%s: %s", good[i].name, e.msg);
		assert_text(im.registry, good[i].registry);
		assert_text(im.repository, good[i].repository);
		assert_text(im.tag, good[i].tag);
		assert_text(im.digest, good[i].digest);
		assert_text(im.ref, good[i].name);
		arena_done(&a);
	}
}

static void refuses(void **unused)
{
	static const char *const bad[] = {"", ":", "@", "/", "a/", "/a", "a//b", "Debian", "a/B",
		"a:", "a:-b", "a:.b", "a:b c", "a b", "a@", "a@sha256:123", "a@md5:abc",
		"a@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
		"localhost:99999/a", "localhost:/a", "localhost:x/a", "[::1/a", "-host.x/a", "../a",
		"a/../b", "a/./b", ".a", "a.", "a..b", "a___b", "_a", "a_", "a\n", "a\x1b[1m",
		"a/b?x=y", "a/b#c", "http://host/a", "host.x\r\n/a", "ä", "a:\xff"};
	char long_tag[200] = "a:", long_name[400];

	memset(long_tag + 2, 'x', 129);
	memset(long_name, 'x', 256);
	long_name[256] = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad) + 2; i++) {
		const char *name = i < sizeof(bad) / sizeof(*bad)    ? bad[i]
				   : i == sizeof(bad) / sizeof(*bad) ? long_tag
								     : long_name;
		struct artifact_image im;
		struct err e = {0};
		struct arena a;

		arena_init(&a, 1 << 20);
		if (image_parse_name(str_of(name), &a, &im, &e) != -EINVAL)
			fail_msg("\"%s\" was taken for a name", name);
		assert_true(strlen(e.msg) > 10);
		arena_done(&a);
	}
}

static void splits_paths(void **unused)
{
	struct str path, want;

	image_split_path(STR("/etc/passwd"), &path, &want);
	assert_text(path, "/etc/passwd");
	assert_text(want, "");
	image_split_path(STR("/etc/passwd:localhost:5000/x:v1"), &path, &want);
	assert_text(path, "/etc/passwd");
	assert_text(want, "localhost:5000/x:v1");
	image_split_path(STR("/etc/passwd@" D0), &path, &want);
	assert_text(path, "/etc/passwd");
	assert_text(want, D0);
	image_split_path(STR("/etc/passwd:v1@" D0), &path, &want);
	assert_text(path, "/etc/passwd");
	assert_text(want, D0);
	/* nothing is there: all of it is the path, so that the message names it */
	image_split_path(STR("/nowhere:v1"), &path, &want);
	assert_text(path, "/nowhere:v1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits),
		cmocka_unit_test(refuses),
		cmocka_unit_test(splits_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
