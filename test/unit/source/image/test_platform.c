/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms: names for the same thing, and who runs what. */
#include "common.h"

static struct platform of(const char *text, struct arena *a)
{
	struct platform p;

	assert_int_equal(image_platform_parse(str_of(text), a, &p, NULL), 0);
	return p;
}

static void reads(void **unused)
{
	static const char *const same[][2] = {{"linux/amd64", "linux/amd64"},
		{"amd64", "linux/amd64"}, {"linux/x86_64", "linux/amd64"},
		{"linux/aarch64", "linux/arm64"}, {"linux/arm64/v8", "linux/arm64"},
		{"linux/arm", "linux/arm/v7"}, {"linux/armhf", "linux/arm/v7"},
		{"linux/arm/v6", "linux/arm/v6"}, {"windows/amd64", "windows/amd64"},
		{"linux/amd64/v1", "linux/amd64"}};
	static const char *const bad[] = {"", "/", "linux/", "/amd64", "a/b/c/d", "linux/amd 64",
		"linux/\x1b", "linux/amd64/"};
	struct arena a;
	struct platform p;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		p = of(same[i][0], &a);
		assert_text(image_platform_text(&p, &a), same[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(image_platform_parse(str_of(bad[i]), &a, &p, NULL), -EINVAL);
	arena_done(&a);
}

static void matches(void **unused)
{
	static const struct {
		const char *want, *have;
		bool fits;
	} pairs[] = {
		{"linux/amd64", "linux/amd64", true},
		{"linux/amd64", "windows/amd64", false},
		{"linux/amd64", "linux/arm64", false},
		{"linux/arm64", "linux/arm64/v8", true},
		{"linux/arm/v7", "linux/arm/v6", true},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/arm64", "linux/arm64/v9", false},
		{"linux/amd64/v3", "linux/amd64/v2", true},
		{"linux/amd64/v3", "linux/amd64", true},
		{"linux/amd64", "linux/amd64/v3", false},
	};
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct platform want = of(pairs[i].want, &a), have = of(pairs[i].have, &a);

		if ((image_platform_match(&want, &have) > 0) != pairs[i].fits)
			fail_msg("%s on %s", pairs[i].have, pairs[i].want);
	}
	struct platform want = of("linux/arm/v7", &a), v7 = of("linux/arm/v7", &a),
			v6 = of("linux/arm/v6", &a), v5 = of("linux/arm/v5", &a);

	assert_true(image_platform_match(&want, &v7) > image_platform_match(&want, &v6));
	assert_true(image_platform_match(&want, &v6) > image_platform_match(&want, &v5));
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(matches)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
