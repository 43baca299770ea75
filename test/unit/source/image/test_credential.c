/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's config.json and containers' auth.json: whose login is for whom. */
#include "common.h"
#include "source/image/auth.h"

static struct arena arena;
static struct credential found;
static struct err error;

static int look(const char *config, const char *registry, const char *repository)
{
	error = (struct err){0};
	return credential_in_file(str_of(config), "config.json", str_of(registry),
		str_of(repository), false, &arena, &found, &error);
}

/* "dTpw" is "u:p" */
static void finds(void **unused)
{
	static const struct {
		const char *key, *registry, *repository;
		bool fits;
	} rows[] = {
		{"quay.io", "quay.io", "a/b", true},
		{"https://quay.io", "quay.io", "a/b", true},
		{"https://quay.io/v2/", "quay.io", "a/b", true},
		{"https://index.docker.io/v1/", "docker.io", "library/debian", true},
		{"index.docker.io", "docker.io", "a/b", true},
		{"docker.io", "docker.io", "a/b", true},
		{"quay.io/a", "quay.io", "a/b", true},
		{"quay.io/a/b", "quay.io", "a/b", true},
		{"quay.io/a/b", "quay.io", "a/bc", false},
		{"quay.io/a/b", "quay.io", "a", false},
		{"quay.io", "quay.io.evil.example", "a/b", false},
		{"quay.io.evil.example", "quay.io", "a/b", false},
		{"quay.io:443", "quay.io", "a/b", false},
		{"localhost:5000", "localhost:5000", "x", true},
		{"", "quay.io", "a/b", false},
	};
	char config[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(config, sizeof(config), "{\"auths\":{\"%s\":{\"auth\":\"dTpw\"}}}",
			rows[i].key);
		assert_int_equal(look(config, rows[i].registry, rows[i].repository), 0);
		if ((found.user.len > 0) != rows[i].fits)
			fail_msg("\"%s\" for %s/%s", rows[i].key, rows[i].registry,
				rows[i].repository);
		if (rows[i].fits) {
			assert_text(found.user, "u");
			assert_text(found.password, "p");
		}
	}
	/* the longest key counts */
	assert_int_equal(look("{\"auths\":{\"quay.io\":{\"auth\":\"dTpw\"},"
			      "\"quay.io/a\":{\"username\":\"x\",\"password\":\"y\"}}}",
				 "quay.io", "a/b"),
		0);
	assert_text(found.user, "x");
	/* a password with a colon, an identity token, an entry of a credential store */
	assert_int_equal(look("{\"auths\":{\"q.io\":{\"auth\":\"dTpwOng=\"}}}", "q.io", "a"), 0);
	assert_text(found.password, "p:x");
	assert_int_equal(look("{\"auths\":{\"q.io\":{\"identitytoken\":\"t\"}}}", "q.io", "a"), 0);
	assert_text(found.identity_token, "t");
	assert_int_equal(look("{\"auths\":{\"q.io\":{}}}", "q.io", "a"), 0);
	assert_int_equal(found.user.len, 0);
}

static void refuses(void **unused)
{
	assert_int_equal(look("{\"auths\":{\"q.io\":{\"auth\":\"%%\"}}}", "q.io", "a"), -EINVAL);
	assert_says(&error, "config.json");
	/* "dQ==" is "u": no colon */
	assert_int_equal(look("{\"auths\":{\"q.io\":{\"auth\":\"dQ==\"}}}", "q.io", "a"), -EINVAL);
	assert_int_equal(look("{\"auths\":{\"q.io\":{\"auth\":\"hunter2", "q.io", "a"), -EBADMSG);
	assert_null(strstr(error.msg, "hunter2"));
	assert_int_equal(look("{\"auths\":{\"q.io\":hunter2}}", "q.io", "a"), -EBADMSG);
	assert_null(strstr(error.msg, "hunter2"));
	/* a wrong kind is nothing */
	assert_int_equal(
		look("{\"auths\":[],\"credHelpers\":7,\"credsStore\":{}}", "q.io", "a"), 0);
	assert_int_equal(look("{\"auths\":{\"q.io\":7}}", "q.io", "a"), 0);
	assert_int_equal(found.user.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds), cmocka_unit_test(refuses)};

	arena_init(&arena, 8 << 20);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return r;
}
