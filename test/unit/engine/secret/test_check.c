/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums inside tokens: a token that is made here, by the published recipe, is right; with one
 * byte changed it is wrong, and loses weight.
 */
#include <openssl/evp.h>
#include <zlib.h>

#include "scan_text.h"

static struct secret_facts facts_of(const char *check, const char *value)
{
	struct secret_facts f = {0};
	secret_check_fn fn = secret_check_find(str_of(check));

	assert_non_null(fn);
	fn(str_of(value), &f);
	return f;
}

static void right(const char *check, const char *value)
{
	struct secret_facts f = facts_of(check, value);

	if (!f.is_checked || f.is_wrong)
		fail_msg("%s: \"%s\" is not right", check, value);
}

static void wrong(const char *check, const char *value)
{
	struct secret_facts f = facts_of(check, value);

	if (f.is_checked || !f.is_wrong)
		fail_msg("%s: \"%s\" is not wrong", check, value);
}

static void digits_of(uint32_t v, const char *digits, char *out, size_t n)
{
	unsigned base = (unsigned)strlen(digits);

	out[n] = '\0';
	while (n) {
		out[--n] = digits[v % base];
		v /= base;
	}
}

static uint32_t crc_of(const char *s)
{
	return (uint32_t)crc32(0, (const Bytef *)s, (uInt)strlen(s));
}

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char base36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static void test_github(void **state)
{
	static const char body[] = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";
	char token[64], sum[8];

	digits_of(crc_of(body), base62, sum, 6);
	snprintf(token, sizeof(token), "%s%s%s", "ghp_", body, sum);
	right("github", token);
	token[10] = token[10] == 'x' ? 'y' : 'x';
	wrong("github", token);
}

static void test_gitlab(void **state)
{
	char token[80], sum[8];

	snprintf(token, sizeof(token), "%s%s", "glpat-", "bzoxCnU6MmYKq83hd72bAHdj28aLmq0Q.01.0w");
	digits_of(crc_of(token), base36, sum, 7);
	strcat(token, sum);
	right("gitlab", token);
	token[12] ^= 1;
	wrong("gitlab", token);
}

static void test_grafana(void **state)
{
	char token[80];

	snprintf(token, sizeof(token), "%s%s", "glsa_", "HOruNAb7SOiCdshU9algkrq7FDsNSLAa");
	uint32_t crc = crc_of(token);
	sprintf(token + strlen(token), "_%08x", crc);
	right("grafana", token);
	token[8] ^= 1;
	wrong("grafana", token);
}

static void test_nkey(void **state)
{
	/* of the NATS documentation's format: prefix byte, type byte, 32 bytes, CRC-16 */
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t raw[36] = {18 << 3 | 20 >> 2, 0};
	uint16_t crc = 0;
	char out[64];
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 2; i < 34; i++)
		raw[i] = (uint8_t)(i * 37);
	for (size_t i = 0; i < 34; i++) {
		crc ^= (uint16_t)(raw[i] << 8);
		for (unsigned k = 0; k < 8; k++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	raw[34] = crc & 255;
	raw[35] = (uint8_t)(crc >> 8);
	for (size_t i = 0; i < sizeof(raw); i++) {
		bits = bits << 8 | raw[i];
		for (have += 8; have >= 5;) {
			have -= 5;
			out[n++] = alphabet[bits >> have & 31];
		}
	}
	out[n++] = alphabet[bits << (5 - have) & 31];
	out[n] = '\0';
	right("nkey", out);
	out[20] = out[20] == 'A' ? 'B' : 'A';
	wrong("nkey", out);
}

static void test_bech32(void **state)
{
	/* BIP 173's own vectors */
	right("bech32", "A12UEL5L");
	right("bech32", "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcluded"
			"charactersbio1tt5tgs");
	wrong("bech32", "A12UEL5A");
	wrong("bech32", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e2w");
}

static void test_jwt(void **state)
{
	char token[400];

	snprintf(token, sizeof(token), "%s.%s.%s", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
		"eyJzdWIiOiI0NzExIn0", "kq3aM8u0Hc1p9Zt5Yb7Nd2We4Rf6Tg8Yh0Uj1Ik3Ol5");
	right("jwt", token);
	snprintf(token, sizeof(token), "%s.%s.", "eyJhbGciOiJub25lIn0", "eyJzdWIiOiI0NzExIn0");
	wrong("jwt", token);
	wrong("jwt", "eyJub3RhIjoiaGVhZGVyIn0.eyJzdWIiOiI0NzExIn0.c2lnbmF0dXJl");
}

static void test_wireguard(void **state)
{
	char out[64];
	uint8_t key[32];

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 29 + 7);
	EVP_EncodeBlock((uint8_t *)out, key, sizeof(key));
	wrong("wireguard", out);
	key[0] &= 248;
	key[31] = (key[31] & 127) | 64;
	EVP_EncodeBlock((uint8_t *)out, key, sizeof(key));
	right("wireguard", out);
}

static void test_basic(void **state)
{
	assert_false(facts_of("basic", "ZGVwbG95Omg3R3Qy").is_wrong);
	wrong("basic", "bm9jb2xvbmhlcmU=");
	wrong("basic", "/////w==");
}

/* An account's number, and where it lies in the key's id; the number is an invented one. */
static void test_aws_account(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint64_t account = 123456789012, first48 = account << 7 | (uint64_t)1 << 47;
	char id[21];

	memset(id, 'A', 20);
	id[20] = '\0';
	memcpy(id, "AKIA", 4);
	for (unsigned i = 0; i < 10; i++)
		id[4 + i] = alphabet[(first48 << 2) >> (45 - 5 * i) & 31];
	assert_string_equal(facts_of("aws-key-id", id).account, "123456789012");
}

static void test_wrong_ones_weigh_less(void **state)
{
	char text[100], sum[8];
	static const char body[] = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";
	const struct seen *seen;

	digits_of(crc_of(body), base62, sum, 6);
	snprintf(text, sizeof(text), "token: %s%s%s\n", "ghp_", body, sum);
	seen = scan("/srv/a", str_of(text));
	assert_int_equal(seen->n, 1);
	assert_int_equal(seen->s[0].validity, SECRET_CHECKED);
	assert_int_equal(seen->s[0].severity, ARTIFACT_CRITICAL);
	assert_true(seen->s[0].confidence >= 97);
	text[15] = text[15] == 'x' ? 'y' : 'x';
	seen = scan("/srv/a", str_of(text));
	assert_int_equal(seen->n, 1);
	assert_true(seen->s[0].is_wrong);
	assert_int_equal(seen->s[0].severity, ARTIFACT_LOW);
	assert_true(seen->s[0].confidence < 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_github),
		cmocka_unit_test(test_gitlab),
		cmocka_unit_test(test_grafana),
		cmocka_unit_test(test_nkey),
		cmocka_unit_test(test_bech32),
		cmocka_unit_test(test_jwt),
		cmocka_unit_test(test_wireguard),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_aws_account),
		cmocka_unit_test(test_wrong_ones_weigh_less),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
