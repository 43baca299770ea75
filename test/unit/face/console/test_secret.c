/* SPDX-License-Identifier: Apache-2.0 */
/* Random secrets, hashes, passwords. The scrypt vector is RFC 7914's, section 12. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "face/console/secret.h"

static void test_make(void **state)
{
	char a[SECRET_TEXT + 1], b[SECRET_TEXT + 1];

	assert_int_equal(secret_make(a), 0);
	assert_int_equal(secret_make(b), 0);
	assert_int_equal(strlen(a), SECRET_TEXT);
	assert_string_not_equal(a, b);
	assert_int_equal(
		strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		SECRET_TEXT);
}

static void test_hash(void **state)
{
	char a[SECRET_HASH_TEXT + 1], b[SECRET_HASH_TEXT + 1];

	assert_int_equal(secret_hash("session", STR("x"), a), 0);
	assert_int_equal(secret_hash("token", STR("x"), b), 0);
	/* what is good as one is not good as the other */
	assert_string_not_equal(a, b);
	assert_int_equal(secret_hash("session", STR("x"), b), 0);
	assert_string_equal(a, b);
	/* the border between prefix and secret cannot be moved */
	assert_int_equal(secret_hash("sessionx", STR(""), b), 0);
	assert_string_not_equal(a, b);
}

static void test_equal(void **state)
{
	assert_true(secret_equal(STR("abc"), STR("abc")));
	assert_false(secret_equal(STR("abc"), STR("abd")));
	assert_false(secret_equal(STR("abc"), STR("ab")));
	assert_false(secret_equal(STR(""), STR("a")));
}

/* The library under us does what the RFC says. */
static void test_scrypt(void **state)
{
	static const unsigned char wanted[] = {0xfd, 0xba, 0xbe, 0x1c, 0x9d, 0x34, 0x72, 0x00};
	unsigned char got[64];

	assert_int_equal(EVP_PBE_scrypt("password", 8, (const unsigned char *)"NaCl", 4, 1024, 8,
				 16, 64 << 20, got, sizeof(got)),
		1);
	assert_memory_equal(got, wanted, sizeof(wanted));
}

static void test_password(void **state)
{
	char a[PASSWORD_HASH_MAX], b[PASSWORD_HASH_MAX];

	assert_int_equal(password_hash(STR("correct horse"), a), 0);
	assert_int_equal(password_hash(STR("correct horse"), b), 0);
	assert_string_not_equal(a, b);
	assert_null(strstr(a, "correct"));
	assert_true(password_verify(STR("correct horse"), str_of(a)));
	assert_true(password_verify(STR("correct horse"), str_of(b)));
	assert_false(password_verify(STR("correct horsf"), str_of(a)));
	assert_false(password_verify(STR(""), str_of(a)));
}

static void test_broken_hash(void **state)
{
	char good[PASSWORD_HASH_MAX];
	static const char *const bad[] = {"", "x", "$scrypt$", "$scrypt$ln=15,r=8,p=1$$",
		"$scrypt$ln=40,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$scrypt$ln=15,r=8000,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
		"$scrypt$ln=0,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(password_verify(STR("anything at all"), str_of(bad[i])));
	assert_int_equal(password_hash(STR("anything at all"), good), 0);
	good[strlen(good) - 1] ^= 4;
	assert_false(password_verify(STR("anything at all"), str_of(good)));
}

static void test_fit(void **state)
{
	struct err e = {0};

	assert_true(password_is_fit(STR("twelve bytes"), STR("ann"), &e));
	assert_false(password_is_fit(STR("eleven byte"), STR("ann"), &e));
	assert_false(password_is_fit(STR("aaaaaaaaaaaaaaaa"), STR("bob"), &e));
	assert_false(password_is_fit(STR("I am Ann, and it is me"), STR("ann"), &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_scrypt),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_broken_hash),
		cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
