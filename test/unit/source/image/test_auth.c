/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of registries (RFC 9110, 11.6.1), and how long they ask to wait. */
#include "common.h"
#include "source/image/registry.h"

static struct arena arena;

static bool parse(const char *lines, struct challenge *c)
{
	return challenge_parse(str_of(lines), &arena, c);
}

static void reads(void **unused)
{
	struct challenge c;

	assert_true(
		parse("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io"
		      "\",scope=\"repository:library/debian:pull\"\n",
			&c));
	assert_true(c.is_bearer);
	assert_text(c.realm, "https://auth.docker.io/token");
	assert_text(c.service, "registry.docker.io");
	assert_text(c.scope, "repository:library/debian:pull");
	/* blanks, case, tokens without quotes, escapes, an unknown parameter */
	assert_true(parse("  bEARER  Realm = \"https://a/\\\"b\\\"\" ,, x=y , SERVICE=s", &c));
	assert_text(c.realm, "https://a/\"b\"");
	assert_text(c.service, "s");
	/* Bearer is preferred, wherever it stands */
	assert_true(parse("Basic realm=\"x\", Bearer realm=\"https://t\"", &c));
	assert_true(c.is_bearer);
	assert_true(parse("Basic realm=\"x\"\nNegotiate\nBearer realm=\"https://t\"\n", &c));
	assert_true(c.is_bearer);
	assert_text(c.realm, "https://t");
	assert_true(parse("Negotiate, Basic realm=\"x\"", &c));
	assert_false(c.is_bearer);
	assert_true(parse("Basic", &c));
}

static void refuses(void **unused)
{
	static const char *const bad[] = {"", "\n\n", "Negotiate", "Bearer", "Bearer service=\"x\"",
		"Bearer realm=\"", "Bearer realm=\"x", "Bearer realm=\"x\\", "=", "Bearer =\"x\"",
		",", "Digest realm=\"x\", nonce=\"y\""};
	struct challenge c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parse(bad[i], &c))
			fail_msg("%s was taken", bad[i]);
}

static void says_basic(void **unused)
{
	struct credential c = {.user = STR("Aladdin"), .password = STR("open sesame")};

	assert_text(auth_basic(&c, &arena), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

static void waits(void **unused)
{
	/* 2026-01-01 00:00:00 UTC */
	const uint64_t now = 1767225600;

	assert_int_equal(retry_after_s(STR("120"), now), 120);
	assert_int_equal(retry_after_s(STR("0"), now), 0);
	assert_int_equal(retry_after_s(STR(""), now), 0);
	assert_int_equal(retry_after_s(STR("-5"), now), 0);
	assert_int_equal(retry_after_s(STR("soon"), now), 0);
	assert_int_equal(retry_after_s(STR("Thu, 01 Jan 2026 00:01:00 GMT"), now), 60);
	assert_int_equal(retry_after_s(STR("Wed, 31 Dec 2025 23:59:00 GMT"), now), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(says_basic),
		cmocka_unit_test(waits),
	};

	arena_init(&arena, 1 << 20);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return r;
}
