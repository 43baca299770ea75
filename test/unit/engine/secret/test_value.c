/* SPDX-License-Identifier: Apache-2.0 */
/* What is no secret, and why; and what noise is, told from words. */
#include "scan_text.h"

static void test_kinds(void **state)
{
	static const struct {
		const char *value;
		enum value_kind kind;
	} rows[] = {
		{"", VALUE_EMPTY},
		{"changeme", VALUE_PLACEHOLDER},
		{"<your password>", VALUE_PLACEHOLDER},
		{"abc...xyz", VALUE_PLACEHOLDER},
		{"ghp_a9Xxxxxb7Kd", VALUE_PLACEHOLDER},
		{"${DB_PASSWORD}", VALUE_REFERENCE},
		{"$DB_PASSWORD", VALUE_REFERENCE},
		{"%DB_PASSWORD%", VALUE_REFERENCE},
		{"{{ .Values.password }}", VALUE_REFERENCE},
		{"process.env.TOKEN", VALUE_REFERENCE},
		{"op://vault/item", VALUE_REFERENCE},
		{"getToken()", VALUE_CODE},
		{"Foo::bar", VALUE_CODE},
		{"/run/secrets/db", VALUE_PATH},
		{"https://shop.internal/login", VALUE_PATH},
		{"server.key", VALUE_PATH},
		{"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
			VALUE_HASH},
		{"2024-01-02", VALUE_HASH},
		{"the password of the user", VALUE_PROSE},
		{"aaaaaaaa", VALUE_REPEATED},
		{"12345678", VALUE_REPEATED},
		{"kT9!vq2Lwzr", VALUE_GOOD},
		{"$6$abcdefgh$x7", VALUE_GOOD},
		{"9F3bQ7xK2mV8cL5t", VALUE_GOOD},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum value_kind kind = secret_value_kind(rules, str_of(rows[i].value));

		if (kind != rows[i].kind)
			fail_msg("\"%s\" %s, not: %s", rows[i].value, secret_value_reason(kind),
				secret_value_reason(rows[i].kind));
	}
}

static void test_noise(void **state)
{
	static const char *const noise[] = {"kT9!vq2Lw", "uwgqzt", "xcjkeoddmiracjc", "fcaytoqx",
		"9F3bQ7xK2mV8", "b1cb6e31e172577918c9e780", "Tr0ub4dor3", "73920461857"};
	static const char *const words[] = {"password", "hello", "test-password", "pass4321",
		"administrator", "access_token", "CurrentToken", "postgres", "secret2-value",
		"user1", "GenerateKeyPair"};

	for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++)
		if (!secret_is_made_up(str_of(noise[i])))
			fail_msg("\"%s\" is taken for words", noise[i]);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (secret_is_made_up(str_of(words[i])))
			fail_msg("\"%s\" is taken for noise", words[i]);
}

static void test_entropy(void **state)
{
	assert_true(secret_entropy(STR("")) == 0);
	assert_true(secret_entropy(STR("aaaa")) == 0);
	assert_true(secret_entropy(STR("abcd")) == 2);
	assert_true(secret_entropy(STR("0123456789abcdef")) == 4);
}

static void test_words(void **state)
{
	assert_true(secret_is_of_words(rules, STR("access_token")));
	assert_true(secret_is_of_words(rules, STR("newPassword")));
	assert_false(secret_is_of_words(rules, STR("accessXq")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_entropy),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
