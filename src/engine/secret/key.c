/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys, read as what they are: PEM of OpenSSL's kinds and of OpenSSH, and PuTTY's files.
 * A key that parses is one, its public half gives the fingerprint by which it is known elsewhere
 * (as ssh-keygen -l prints it), and one behind a passphrase is worth less to a thief. Nothing here
 * asks for a passphrase, and no key leaves.
 *
 * Sources: RFC 7468, RFC 5958, RFC 4253 6.6, RFC 5656 3.1, RFC 8709; OpenSSH's PROTOCOL.key;
 * PuTTY's manual, appendix C.
 */
#include <ctype.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/cursor.h"
#include "engine/secret/private.h"

enum { DER_MAX = 24576, BLOB_MAX = 4096, LINE_MIN = 4 };

/* ---- fingerprints --------------------------------------------------------------------------- */

/* "SHA256:" and base64 without padding, as OpenSSH writes it. */
static void fingerprint(const uint8_t *blob, size_t n, struct secret_facts *f)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(blob, n, digest);
	memcpy(f->fingerprint, "SHA256:", 7);
	EVP_EncodeBlock((uint8_t *)f->fingerprint + 7, digest, sizeof(digest));
	f->fingerprint[7 + 43] = '\0';
}

static void add_string(struct buf *b, const void *s, size_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(n >> shift & 255));
	buf_add(b, str_make(s, n));
}

/* RFC 4251 mpint: a zero byte in front of what would look negative. */
static void add_number(struct buf *b, const EVP_PKEY *key, const char *name)
{
	BIGNUM *n = NULL;
	uint8_t bytes[1 + 2048];

	if (EVP_PKEY_get_bn_param(key, name, &n) != 1 || BN_num_bytes(n) > 2048) {
		BN_free(n);
		b->cut = true;
		return;
	}
	bytes[0] = 0;
	int len = BN_bn2bin(n, bytes + 1);
	bool has_zero = len > 0 && bytes[1] & 0x80;
	add_string(b, has_zero ? bytes : bytes + 1, (size_t)len + has_zero);
	BN_free(n);
}

static void add_curve(struct buf *b, const EVP_PKEY *key)
{
	static const struct {
		const char *group, *name, *kind;
	} curves[] = {
		{"prime256v1", "nistp256", "ecdsa-sha2-nistp256"},
		{"secp384r1", "nistp384", "ecdsa-sha2-nistp384"},
		{"secp521r1", "nistp521", "ecdsa-sha2-nistp521"},
	};
	char group[64];
	uint8_t point[256];
	size_t n = 0, i = 0, ncurves = sizeof(curves) / sizeof(*curves);

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
		while (i < ncurves && strcmp(group, curves[i].group) != 0)
			i++;
	else
		i = ncurves;
	if (i == ncurves || EVP_PKEY_get_octet_string_param(
				    key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1) {
		b->cut = true;
		return;
	}
	add_string(b, curves[i].kind, strlen(curves[i].kind));
	add_string(b, curves[i].name, strlen(curves[i].name));
	add_string(b, point, n);
}

static void add_ed25519(struct buf *b, const EVP_PKEY *key)
{
	uint8_t raw[64];
	size_t n = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1) {
		b->cut = true;
		return;
	}
	add_string(b, "ssh-ed25519", 11);
	add_string(b, raw, n);
}

/* The public half as OpenSSH would write it; of other kinds its SubjectPublicKeyInfo. */
static void fingerprint_of(EVP_PKEY *key, struct secret_facts *f)
{
	struct buf b = BUF_INIT(BLOB_MAX);
	uint8_t *der = NULL;
	int n;

	if (EVP_PKEY_is_a(key, "RSA")) {
		add_string(&b, "ssh-rsa", 7);
		add_number(&b, key, OSSL_PKEY_PARAM_RSA_E);
		add_number(&b, key, OSSL_PKEY_PARAM_RSA_N);
	} else if (EVP_PKEY_is_a(key, "EC")) {
		add_curve(&b, key);
	} else if (EVP_PKEY_is_a(key, "ED25519")) {
		add_ed25519(&b, key);
	} else {
		b.cut = true;
	}
	if (!b.cut) {
		fingerprint((const uint8_t *)b.s, b.len, f);
	} else {
		n = i2d_PUBKEY(key, &der);
		if (n > 0)
			fingerprint(der, (size_t)n, f);
		OPENSSL_free(der);
	}
	buf_done(&b);
}

/* ---- PEM ------------------------------------------------------------------------------------ */

/*
 * One line of a key as it stands in a source file: quotes, "\n", "+", commas and indents around it.
 * The longest run of base64 is the line.
 */
static struct str core_of(struct str line)
{
	struct str best = STR_NULL;

	for (size_t i = 0; i < line.len;) {
		size_t k = i;

		while (k < line.len &&
			(isalnum((unsigned char)line.s[k]) || strchr("+/=", line.s[k])))
			k++;
		if (k - i > best.len)
			best = str_make(line.s + i, k - i);
		i = k + 1;
	}
	return best;
}

/* The text up to the next line end, real or written as "\n"; cut off *rest. */
static struct str next_line(struct str *rest)
{
	struct str line;
	size_t i = 0;

	while (i < rest->len && rest->s[i] != '\n' && rest->s[i] != '\r' &&
		!(rest->s[i] == '\\' && i + 1 < rest->len &&
			(rest->s[i + 1] == 'n' || rest->s[i + 1] == 'r')))
		i++;
	line = str_head(*rest, i);
	*rest = str_skip(*rest, i + (i < rest->len && rest->s[i] == '\\' ? 2 : 1));
	return line;
}

/* Base64 of all lines, without headers ("Proc-Type: 4,ENCRYPTED"). */
static struct buf gather(struct str body, struct secret_facts *f)
{
	struct buf b = BUF_INIT(SECRET_AFTER_MAX);

	while (body.len) {
		struct str line = next_line(&body), core;

		if (str_find(line, STR("ENCRYPTED")) >= 0)
			f->is_encrypted = true;
		if (str_find(line, STR(": ")) >= 0 || str_find(line, STR("-----")) >= 0)
			continue;
		core = core_of(line);
		if (core.len >= LINE_MIN)
			buf_add(&b, core);
	}
	return b;
}

static void parse_der(const uint8_t *der, size_t n, struct secret_facts *f)
{
	const unsigned char *p = der;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)n);

	if (key) {
		f->is_checked = true;
		fingerprint_of(key, f);
	} else {
		f->is_wrong = true;
	}
	EVP_PKEY_free(key);
	ERR_clear_error();
}

static struct str take_string(struct cursor *c)
{
	return cursor_str(c, __builtin_bswap32(cursor_u32(c)));
}

static void parse_openssh(const uint8_t *raw, size_t n, struct secret_facts *f)
{
	static const char magic[] = "openssh-key-v1";
	struct cursor c = cursor_of(raw, n);
	struct str head = cursor_str(&c, sizeof(magic));
	struct str cipher = take_string(&c), blob;

	take_string(&c); /* kdf */
	take_string(&c); /* its options */
	cursor_u32(&c);
	blob = take_string(&c);
	struct str secret = take_string(&c);
	if (c.bad || !str_eq(head, str_make(magic, sizeof(magic))) || blob.len < 20 ||
		secret.len < 32) {
		f->is_wrong = true;
		return;
	}
	f->is_encrypted = !str_is(cipher, "none");
	/* unlocked ones begin with the same number twice */
	f->is_checked = f->is_encrypted || memcmp(secret.s, secret.s + 4, 4) == 0;
	f->is_wrong = !f->is_checked;
	fingerprint((const uint8_t *)blob.s, blob.len, f);
}

/* PKCS #8 in its locked form: SEQUENCE, SEQUENCE, OBJECT IDENTIFIER. */
static void parse_locked(const uint8_t *der, size_t n, struct secret_facts *f)
{
	const unsigned char *p = der;
	X509_SIG *sig = d2i_X509_SIG(NULL, &p, (long)n);

	f->is_encrypted = true;
	f->is_checked = sig != NULL;
	f->is_wrong = !sig;
	X509_SIG_free(sig);
	ERR_clear_error();
}

void secret_check_pem(struct str value, struct secret_facts *f)
{
	struct buf b = gather(value, f);
	struct buf der = BUF_INIT(DER_MAX);
	size_t n;

	buf_reserve(&der, DER_MAX);
	n = b.len && der.s ? secret_base64(buf_str(&b), (uint8_t *)der.s, DER_MAX) : 0;
	if (n < 40 || str_find(value, STR("...")) >= 0)
		f->is_none = true;
	else if (b.cut)
		f->is_wrong = true;
	else if (str_starts(buf_str(&b), STR("b3BlbnNzaC1rZXktdjE")))
		parse_openssh((const uint8_t *)der.s, n, f);
	else if (f->is_encrypted) /* the traditional form: what is locked looks random */
		f->is_checked = false;
	else if (der.s[0] == 0x30) {
		parse_der((const uint8_t *)der.s, n, f);
		if (f->is_wrong) {
			struct secret_facts locked = {0};
			parse_locked((const uint8_t *)der.s, n, &locked);
			if (locked.is_checked)
				*f = locked;
		}
	} else {
		f->is_wrong = true;
	}
	if (der.s)
		OPENSSL_cleanse(der.s, n);
	if (b.s)
		OPENSSL_cleanse(b.s, b.len);
	buf_done(&der);
	buf_done(&b);
}

/* ---- PuTTY ---------------------------------------------------------------------------------- */

static struct str field_of(struct str text, const char *name)
{
	ptrdiff_t at = str_find(text, str_of(name));

	if (at < 0)
		return STR_NULL;
	text = str_skip(text, (size_t)at + strlen(name));
	return str_trim(next_line(&text));
}

/* The base64 lines behind "Public-Lines: 6". */
static size_t lines_of(struct str text, const char *name, uint8_t *out, size_t size)
{
	uint64_t n;
	ptrdiff_t at = str_find(text, str_of(name));
	struct buf b = BUF_INIT(SECRET_AFTER_MAX);
	size_t len;

	if (at < 0 || !str_to_u64(field_of(text, name), 10, &n) || n > 200)
		return 0;
	text = str_skip(text, (size_t)at);
	next_line(&text);
	while (n && text.len) {
		struct str line = str_trim(next_line(&text));

		n -= line.len > 0;
		buf_add(&b, line);
	}
	len = secret_base64(buf_str(&b), out, size);
	buf_done(&b);
	return len;
}

void secret_check_putty(struct str value, struct secret_facts *f)
{
	uint8_t blob[BLOB_MAX];
	size_t n = lines_of(value, "Public-Lines: ", blob, sizeof(blob));
	struct str cipher = field_of(value, "Encryption: ");

	if (n < 20 || !cipher.len) {
		f->is_wrong = true;
		return;
	}
	f->is_checked = true;
	f->is_encrypted = !str_is(cipher, "none");
	fingerprint(blob, n, f);
}

/* Before the cell closes: OpenSSL reads its settings and fetches its decoders at first use. */
void secret_keys_init(void)
{
	static const uint8_t seed[32] = {1};
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	unsigned char *der = NULL;
	int n = key ? i2d_PrivateKey(key, &der) : 0;
	struct secret_facts f = {0};

	if (n > 0)
		parse_der(der, (size_t)n, &f);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}
