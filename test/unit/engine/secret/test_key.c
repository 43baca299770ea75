/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that are made here, in the frames in which they are found: PEM of all kinds, in a source
 * file, in JSON, behind a passphrase, damaged; OpenSSH's and PuTTY's own. Their public halves give
 * the fingerprints that ssh-keygen -l would print.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cell.h"

#include "scan_text.h"

static struct buf pem_of(EVP_PKEY *key, bool is_traditional, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const EVP_CIPHER *cipher = passphrase ? EVP_aes_128_cbc() : NULL;
	int n = passphrase ? (int)strlen(passphrase) : 0;
	struct buf b = BUF_INIT(1 << 16);
	char *data;

	if (is_traditional)
		PEM_write_bio_PrivateKey_traditional(
			bio, key, cipher, (const unsigned char *)passphrase, n, NULL, NULL);
	else
		PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, passphrase, n, NULL, NULL);
	long len = BIO_get_mem_data(bio, &data);
	buf_add(&b, str_make(data, (size_t)len));
	BIO_free(bio);
	return b;
}

static void test_kinds(void **state)
{
	static const struct {
		const char *kind, *param, *id;
		bool is_traditional;
	} rows[] = {
		{"RSA", "2048", "private-key-rsa", true},
		{"RSA", "2048", "private-key-pkcs8", false},
		{"EC", "P-256", "private-key-ec", true},
		{"EC", "P-384", "private-key-pkcs8", false},
		{"ED25519", NULL, "private-key-pkcs8", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EVP_PKEY *key = strcmp(rows[i].kind, "RSA") == 0 ? EVP_RSA_gen(2048)
				: rows[i].param                  ? EVP_EC_gen(rows[i].param)
						: EVP_PKEY_Q_keygen(NULL, NULL, rows[i].kind);
		struct buf b = pem_of(key, rows[i].is_traditional, NULL);
		const struct seen *seen = scan("/srv/app/tls.pem", buf_str(&b));

		if (seen->n != 1 || strcmp(seen->id[0], rows[i].id) != 0)
			fail_msg("row %zu: %zu findings, first %s", i, seen->n, seen->id[0]);
		assert_int_equal(seen->s[0].validity, SECRET_CHECKED);
		assert_int_equal(seen->s[0].severity, ARTIFACT_HIGH);
		assert_int_equal(seen->s[0].line, 1);
		assert_int_equal(strlen(seen->fingerprint[0]), 7 + 43);
		assert_non_null(strstr(seen->redacted[0], "PRIVATE KEY-----****"));
		buf_done(&b);
		EVP_PKEY_free(key);
	}
}

/* "SHA256:" of the blob that RFC 8709 gives for Ed25519, made here by other means. */
static void test_fingerprint(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	uint8_t blob[51] = "\0\0\0\x0bssh-ed25519\0\0\0\x20", digest[32];
	size_t n = 32;
	char want[64] = "SHA256:";
	struct buf b = pem_of(key, false, NULL);

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, blob + 19, &n), 1);
	SHA256(blob, sizeof(blob), digest);
	EVP_EncodeBlock((uint8_t *)want + 7, digest, 32);
	want[50] = '\0';
	const struct seen *seen = scan("/x", buf_str(&b));
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->fingerprint[0], want);
	buf_done(&b);
	EVP_PKEY_free(key);
}

static void test_locked(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf b = pem_of(key, false, "open sesame");
	const struct seen *seen = scan("/x", buf_str(&b));

	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->id[0], "private-key-encrypted");
	assert_true(seen->s[0].is_encrypted);
	assert_int_equal(seen->s[0].severity, ARTIFACT_LOW);
	buf_done(&b);
	b = pem_of(key, true, "open sesame");
	seen = scan("/x", buf_str(&b));
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->id[0], "private-key-ec");
	assert_true(seen->s[0].is_encrypted);
	assert_int_equal(seen->s[0].severity, ARTIFACT_LOW);
	buf_done(&b);
	EVP_PKEY_free(key);
}

/* In JSON and in a program line ends are written, and quotes and signs stand around the lines. */
static void test_in_source(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf b = pem_of(key, true, NULL), json = BUF_INIT(1 << 16), java = BUF_INIT(1 << 16);
	struct str rest = buf_str(&b);

	buf_add_cstr(&json, "{\"key\": \"");
	while (rest.len) {
		struct str line = str_cut(&rest, '\n');
		buf_printf(&json, "%.*s\\n", STR_ARG(line));
		buf_printf(&java, "\t\t+ \"%.*s\\n\"\n", STR_ARG(line));
	}
	buf_add_cstr(&json, "\"}");
	const struct seen *seen = scan("/srv/key.json", buf_str(&json));
	assert_int_equal(seen->n, 1);
	assert_int_equal(seen->s[0].validity, SECRET_CHECKED);
	char first[64];
	strcpy(first, seen->fingerprint[0]);
	seen = scan("/srv/Key.java", buf_str(&java));
	assert_int_equal(seen->n, 1);
	assert_int_equal(seen->s[0].validity, SECRET_CHECKED);
	assert_string_equal(seen->fingerprint[0], first);
	buf_done(&b);
	buf_done(&json);
	buf_done(&java);
	EVP_PKEY_free(key);
}

static void test_damaged(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf b = pem_of(key, true, NULL);
	const struct seen *seen;

	memcpy(b.s + 60, "AAAAAAAA", 8);
	b.s[40] = b.s[40] == 'Q' ? 'R' : 'Q';
	seen = scan("/x", buf_str(&b));
	for (size_t i = 0; i < seen->n; i++)
		assert_true(seen->s[i].severity >= ARTIFACT_LOW);
	/* a frame with dots in it is no key at all */
	seen = scan("/x", STR("-----BEGIN RSA "
			      "PRIVATE KEY-----\nMIIEowIBAAKCAQEA...\n"
			      "-----END RSA "
			      "PRIVATE KEY-----\n"));
	assert_int_equal(seen->n, 0);
	buf_done(&b);
	EVP_PKEY_free(key);
}

static void add_string(struct buf *b, const void *s, size_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(n >> shift & 255));
	buf_add(b, str_make(s, n));
}

/* PROTOCOL.key of OpenSSH: magic, cipher, kdf, options, count, public, private. */
static void test_openssh(void **state)
{
	struct buf raw = BUF_INIT(4096), pub = BUF_INIT(256), priv = BUF_INIT(1024);
	struct buf text = BUF_INIT(8192);
	char out[4096];
	uint8_t noise[64];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * 73 + 11);
	add_string(&pub, "ssh-ed25519", 11);
	add_string(&pub, noise, 32);
	buf_add(&priv, STR("\1\2\3\4\1\2\3\4"));
	buf_add(&priv, str_make(pub.s, pub.len));
	add_string(&priv, noise, 64);
	buf_add(&raw, str_make("openssh-key-v1", 15));
	add_string(&raw, "none", 4);
	add_string(&raw, "none", 4);
	add_string(&raw, "", 0);
	buf_add(&raw, str_make("\0\0\0\1", 4));
	add_string(&raw, pub.s, pub.len);
	add_string(&raw, priv.s, priv.len);
	int n = EVP_EncodeBlock((uint8_t *)out, (const uint8_t *)raw.s, (int)raw.len);
	buf_printf(&text, "-----BEGIN %s KEY-----\n", "OPENSSH PRIVATE");
	for (int i = 0; i < n; i += 70)
		buf_printf(&text, "%.70s\n", out + i);
	buf_printf(&text, "-----END %s KEY-----\n", "OPENSSH PRIVATE");
	const struct seen *seen = scan("/root/.ssh/id_ed25519", buf_str(&text));
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->id[0], "private-key-openssh");
	assert_int_equal(seen->s[0].validity, SECRET_CHECKED);
	assert_int_equal(strlen(seen->fingerprint[0]), 50);
	seen = scan("/etc/ssh/ssh_host_ed25519_key", buf_str(&text));
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->id[0], "ssh-host-key-file");
	buf_done(&raw);
	buf_done(&pub);
	buf_done(&priv);
	buf_done(&text);
}

static void test_putty(void **state)
{
	struct buf text = BUF_INIT(4096);
	const struct seen *seen;

	buf_printf(
		&text, "%s-User-Key-File-2: ssh-ed25519\nEncryption: none\nComment: me\n", "PuTTY");
	buf_add_cstr(&text,
		"Public-Lines: 2\n"
		"AAAAC3NzaC1lZDI1NTE5AAAAIJ8q5vX3y0k2q7b6h1Zt0o4Xn8s2kq9r3mF7dY1e\n"
		"W5cT\nPrivate-Lines: 1\nAAAAIKx3p9Lq1v7Zt5Yb7Nd2We4Rf6Tg8Yh0Uj1Ik3Ol5Pq\n"
		"Private-MAC: 0123456789abcdef0123456789abcdef01234567\n");
	seen = scan("/root/key.ppk", buf_str(&text));
	assert_true(seen->n >= 1);
	assert_true(index_of(seen, "putty-key") < SEEN_MAX);
	assert_int_equal(strlen(seen->fingerprint[index_of(seen, "putty-key")]), 50);
	buf_done(&text);
}

/* In the cell there are no files any more: what OpenSSL needs it was asked for before. */
static void test_in_cell(void **state)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-384");
	struct buf a = pem_of(rsa, true, NULL), b = pem_of(ec, false, NULL);
	int status;
	pid_t pid;

	/* a scanner that has parsed nothing yet, as a worker's */
	drop_rules(state);
	load_rules(state);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = {0};
		const struct seen *seen;
		int wrong = cell_enter(&(struct cell_options){.max_memory_bytes = 1 << 30}, &e) < 0;

		seen = scan("/x", buf_str(&a));
		wrong += seen->n != 1 || seen->s[0].validity != SECRET_CHECKED;
		seen = scan("/x", buf_str(&b));
		wrong += seen->n != 1 || seen->s[0].validity != SECRET_CHECKED;
		_exit(wrong);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	buf_done(&a);
	buf_done(&b);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_in_source),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_openssh),
		cmocka_unit_test(test_putty),
		cmocka_unit_test(test_in_cell),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
