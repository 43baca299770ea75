/* SPDX-License-Identifier: Apache-2.0 */
/* Making, hashing and comparing secrets, with OpenSSL's primitives; nothing here is home-made. */
#include "face/console/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

enum { RAW = 32, SALT = 16, LOG_N = 15, BLOCK_R = 8, PARALLEL_P = 1 };
/* what a stored hash may ask for: more would be a way to stop the server */
enum { LOG_N_MAX = 18, BLOCK_R_MAX = 16, PARALLEL_P_MAX = 4, MEMORY_MAX = 600 << 20 };

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t base64_encode(const uint8_t *p, size_t n, char *out)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			out[len++] = base64url[bits >> (have - 6) & 63];
	}
	if (have)
		out[len++] = base64url[bits << (6 - have) & 63];
	out[len] = 0;
	return len;
}

/* The number of bytes, or -1. */
static ptrdiff_t base64_decode(struct str s, uint8_t *out, size_t size)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		const char *at = s.s[i] ? strchr(base64url, s.s[i]) : NULL;

		if (!at)
			return -1;
		bits = bits << 6 | (uint32_t)(at - base64url);
		have += 6;
		if (have < 8)
			continue;
		if (len == size)
			return -1;
		have -= 8;
		out[len++] = (uint8_t)(bits >> have);
	}
	return (ptrdiff_t)len;
}

int secret_make(char ret[SECRET_TEXT + 1])
{
	uint8_t raw[RAW];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return -EIO;
	base64_encode(raw, sizeof(raw), ret);
	OPENSSL_cleanse(raw, sizeof(raw));
	return 0;
}

int secret_hash(const char *prefix, struct str secret, char ret[SECRET_HASH_TEXT + 1])
{
	uint8_t md[EVP_MAX_MD_SIZE] = {0};
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(c, prefix, strlen(prefix) + 1) == 1 &&
		    EVP_DigestUpdate(c, secret.s, secret.len) == 1 &&
		    EVP_DigestFinal_ex(c, md, NULL) == 1;

	EVP_MD_CTX_free(c);
	ret[0] = 0;
	for (size_t i = 0; good && i < RAW; i++)
		snprintf(ret + 2 * i, 3, "%02x", md[i]);
	return good ? 0 : -ENOMEM;
}

bool secret_equal(struct str a, struct str b)
{
	return a.len == b.len && CRYPTO_memcmp(a.s, b.s, a.len) == 0;
}

void secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

/* ---- passwords ----------------------------------------------------------------------------- */

struct scrypt {
	uint64_t log_n, r, p;
	uint8_t salt[SALT];
	uint8_t hash[RAW];
};

static bool run_scrypt(struct str password, const struct scrypt *s, uint8_t out[RAW])
{
	return EVP_PBE_scrypt(password.s, password.len, s->salt, SALT, 1ULL << s->log_n, s->r, s->p,
		       MEMORY_MAX, out, RAW) == 1;
}

int password_hash(struct str password, char ret[PASSWORD_HASH_MAX])
{
	struct scrypt s = {.log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P};
	char salt[SALT * 2], hash[RAW * 2];

	if (RAND_bytes(s.salt, SALT) != 1)
		return -EIO;
	if (!run_scrypt(password, &s, s.hash))
		return -ENOMEM;
	base64_encode(s.salt, SALT, salt);
	base64_encode(s.hash, RAW, hash);
	snprintf(ret, PASSWORD_HASH_MAX, "$scrypt$ln=%d,r=%d,p=%d$%s$%s", LOG_N, BLOCK_R,
		PARALLEL_P, salt, hash);
	OPENSSL_cleanse(&s, sizeof(s));
	return 0;
}

static bool parse_number(struct str *rest, const char *name, char end, uint64_t max, uint64_t *ret)
{
	struct str word = str_cut(rest, end);

	return str_starts(word, str_of(name)) &&
	       str_to_u64(str_skip(word, strlen(name)), 10, ret) && *ret >= 1 && *ret <= max;
}

static bool parse_hash(struct str text, struct scrypt *ret)
{
	if (!str_starts(text, STR("$scrypt$")))
		return false;
	struct str rest = str_skip(text, strlen("$scrypt$"));
	if (!parse_number(&rest, "ln=", ',', LOG_N_MAX, &ret->log_n) ||
		!parse_number(&rest, "r=", ',', BLOCK_R_MAX, &ret->r) ||
		!parse_number(&rest, "p=", '$', PARALLEL_P_MAX, &ret->p))
		return false;
	struct str salt = str_cut(&rest, '$');
	return base64_decode(salt, ret->salt, SALT) == SALT &&
	       base64_decode(rest, ret->hash, RAW) == RAW;
}

bool password_verify(struct str password, struct str hash)
{
	struct scrypt s = {.log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P};
	uint8_t out[RAW];
	bool is_hash = parse_hash(hash, &s);

	if (!is_hash)
		s = (struct scrypt){.log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P};
	bool ran = password.len <= PASSWORD_MAX && run_scrypt(password, &s, out);
	bool is_same = ran && CRYPTO_memcmp(out, s.hash, RAW) == 0;
	OPENSSL_cleanse(out, sizeof(out));
	OPENSSL_cleanse(&s, sizeof(s));
	return is_hash && is_same;
}

bool password_is_fit(struct str password, struct str user, struct err *e)
{
	bool is_one_byte = true;

	for (size_t i = 1; i < password.len; i++)
		is_one_byte &= password.s[i] == password.s[0];
	if (password.len < PASSWORD_MIN)
		err_set(e, EINVAL, "a password has at least %d bytes", PASSWORD_MIN);
	else if (password.len > PASSWORD_MAX)
		err_set(e, EINVAL, "a password has at most %d bytes", PASSWORD_MAX);
	else if (is_one_byte || (user.len && str_ifind(password, user) >= 0))
		err_set(e, EINVAL,
			"a password that is one character over and over, or holds the "
			"user's name, is guessed first; choose another");
	else
		return true;
	return false;
}
