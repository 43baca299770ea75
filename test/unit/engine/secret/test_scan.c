/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole texts: places and lines, two rules over the same bytes, what is encoded in what, binaries,
 * names and values of many languages, contexts and allow-lists, and more hits than are kept.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <zlib.h>

#include "scan_text.h"

/* A token that a rule knows, whole only here. */
#define TOKEN                                                                                      \
	"hvs."                                                                                     \
	"CAESIJkq83hd72bAHdj28aLmq0QzXw"

static void test_lines(void **state)
{
	const struct seen *seen =
		scan("/srv/app/x", STR("one\ntwo\n  vault " TOKEN " end\n\n# " TOKEN "\n"));

	assert_int_equal(seen->n, 2);
	assert_string_equal(seen->id[0], "vault-service-token");
	assert_int_equal(seen->s[0].line, 3);
	assert_int_equal(seen->s[0].offset, 16);
	assert_int_equal(seen->s[1].line, 5);
	assert_true(seen->s[0].value_hash == seen->s[1].value_hash);
	assert_string_equal(seen->redacted[0], "vault **** end");
}

static void test_better_rule_speaks(void **state)
{
	const struct seen *seen = scan("/srv/.env", STR("API_TOKEN=" TOKEN "\n"));

	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->id[0], "vault-service-token");
}

static struct buf base64_of(struct str s)
{
	struct buf b = BUF_INIT(1 << 20);

	buf_reserve(&b, s.len * 2);
	b.len = (size_t)EVP_EncodeBlock((uint8_t *)b.s, (const uint8_t *)s.s, (int)s.len);
	return b;
}

static struct buf gzip_of(struct str s)
{
	struct buf b = BUF_INIT(1 << 20);
	z_stream z = {.next_in = (Bytef *)(uintptr_t)s.s, .avail_in = (uInt)s.len};

	buf_reserve(&b, s.len + 100);
	z.next_out = (Bytef *)b.s;
	z.avail_out = (uInt)(s.len + 100);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.len = z.total_out;
	deflateEnd(&z);
	return b;
}

static void expect_encoded(struct str code, const char *encoding)
{
	struct buf text = BUF_INIT(1 << 20);
	const struct seen *seen;

	buf_add(&text, STR("a: 1\ndata: "));
	buf_add(&text, code);
	buf_add(&text, STR("\n"));
	seen = scan("/srv/x.yaml", buf_str(&text));
	size_t i = index_of(seen, "vault-service-token");
	if (i == SEEN_MAX)
		fail_msg("nothing found in %s", encoding);
	assert_non_null(seen->s[i].encoding);
	assert_string_equal(seen->s[i].encoding, encoding);
	assert_int_equal(seen->s[i].line, 2);
	assert_int_equal(seen->s[i].offset, 11);
	assert_null(strstr(seen->redacted[i], "CAES"));
	buf_done(&text);
}

static void test_encodings(void **state)
{
	struct str inner = STR("kind: Secret\nvault: " TOKEN "\n");
	struct buf once = base64_of(inner), zipped = gzip_of(inner), twice, zip64,
		   hex = BUF_INIT(4096);

	expect_encoded(buf_str(&once), "base64");
	twice = base64_of(buf_str(&once));
	expect_encoded(buf_str(&twice), "several");
	zip64 = base64_of(buf_str(&zipped));
	expect_encoded(buf_str(&zip64), "base64+gzip");
	for (size_t i = 0; i < inner.len; i++)
		buf_printf(&hex, "%02x", (unsigned char)inner.s[i]);
	expect_encoded(buf_str(&hex), "hex");
	buf_done(&once);
	buf_done(&twice);
	buf_done(&zipped);
	buf_done(&zip64);
	buf_done(&hex);
}

/* Base64 that is wrapped at 76 columns is one piece. */
static void test_wrapped(void **state)
{
	struct buf inner = BUF_INIT(4096), text = BUF_INIT(8192), code;

	for (unsigned i = 0; i < 8; i++)
		buf_printf(&inner, "line %u of a file that is long enough\n", i);
	buf_add_cstr(&inner, "vault " TOKEN "\n");
	code = base64_of(buf_str(&inner));
	buf_add_cstr(&text, "file: |\n");
	for (size_t i = 0; i < code.len; i += 76)
		buf_printf(&text, "  %.76s\n", code.s + i);
	const struct seen *seen = scan("/srv/x.yaml", buf_str(&text));
	assert_true(index_of(seen, "vault-service-token") < SEEN_MAX);
	buf_done(&inner);
	buf_done(&text);
	buf_done(&code);
}

/* A bomb of gzip in base64 is read for a megabyte and no further. */
static void test_bomb(void **state)
{
	size_t n = 64 << 20;
	char *zeros = calloc(1, n);
	memset(zeros, ' ', n);
	struct buf z = {.max = 1 << 20}, code;

	buf_reserve(&z, 1 << 20);
	z_stream s = {.next_in = (Bytef *)zeros,
		.avail_in = (uInt)n,
		.next_out = (Bytef *)z.s,
		.avail_out = 1 << 20};
	deflateInit2(&s, 9, Z_DEFLATED, 31, 8, 0);
	assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
	z.len = s.total_out;
	deflateEnd(&s);
	code = base64_of(buf_str(&z));
	assert_int_equal(scan("/x", buf_str(&code))->n, 0);
	buf_done(&z);
	buf_done(&code);
	free(zeros);
}

static void test_binary(void **state)
{
	static const char bytes[] = "\x7f"
				    "ELF\0\0\0\0 password=kT9!vq2Lwzr9\0 " TOKEN "\0\1\2";
	const struct seen *seen = scan("/usr/local/bin/x", str_make(bytes, sizeof(bytes) - 1));

	/* strong rules only: what looks like an assignment is no finding there */
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->id[0], "vault-service-token");
	assert_int_equal(seen->s[0].line, 0);
}

static void test_assignments(void **state)
{
	static const struct {
		const char *path, *text;
		bool is_found;
	} rows[] = {
		{"/a.env", "DB_PASSWORD=kT9!vq2Lwzr\n", true},
		{"/a.yaml", "  password: kT9!vq2Lwzr\n", true},
		{"/a.json", "{\"password\": \"kT9!vq2Lwzr\"}\n", true},
		{"/a.json", "\"{\\\"password\\\": \\\"kT9vq2Lwzr\\\"}\"\n", true},
		{"/a.py", "password = 'kT9!vq2Lwzr'\n", true},
		{"/a.go", "password := \"kT9!vq2Lwzr\"\n", true},
		{"/a.ts", "const password: string = `kT9!vq2Lwzr`;\n", true},
		{"/a.scala", "password = Some(\"kT9!vq2Lwzr\")\n", true},
		{"/a.rb", ":password => 'kT9!vq2Lwzr'\n", true},
		{"/a.php", "$cfg['password'] = 'kT9!vq2Lwzr';\n", true},
		{"/a.java", "cfg.put(\"password\", \"kT9!vq2Lwzr\");\n", true},
		{"/a.java", "cfg.setPassword(\"kT9!vq2Lwzr\");\n", true},
		{"/a.xml", "<password>kT9!vq2Lwzr</password>\n", true},
		{"/a.sh", "run --password kT9!vq2Lwzr\n", true},
		{"/a.py", "password = get_password(user)\n", false},
		{"/a.py", "password = os.environ['DB_PASSWORD']\n", false},
		{"/a.py", "password = kT9vq2Lwzr\n", true},
		{"/a.go", "password = kT9vq2Lwzr;\n", false},
		{"/a.js", "hash(\"password\", \"x9Kq2\", 3)\n", false},
		{"/a.yaml", "password: {{ db_password }}\n", false},
		{"/a.yaml", "password: ${DB_PASSWORD}\n", false},
		{"/a.yaml", "password: \"\"\n", false},
		{"/a.yaml", "password_file: /run/secrets/kT9vq2Lwzr\n", false},
		{"/a.yaml", "password_hash: kT9vq2Lwzr8\n", false},
		{"/a.html", "<label for=\"password\">Password</label>\n", false},
		{"/a.ini", "forgot_password = kT9!vq2Lwzr\n", false},
		{"/a.conf", "STEAM_KEY=9F3bQ7xK2mV8cL5tZ1nW\n", true},
		{"/a.conf", "monkey = 9F3b\n", false},
		{"/a.conf", "SHA256_PASSWORD=b1cb6e31e172577918c9e7806c572b5e\n", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct seen *seen = scan(rows[i].path, str_of(rows[i].text));

		if ((seen->n > 0) != rows[i].is_found)
			fail_msg("%s: %s is %sfound", rows[i].path, rows[i].text,
				seen->n ? "" : "not ");
	}
}

/* A word is a weak password in settings, and said with little weight. */
static void test_weak(void **state)
{
	const struct seen *seen = scan("/srv/.env", STR("DB_PASSWORD=dragonfly\n"));

	assert_int_equal(seen->n, 1);
	assert_true(seen->s[0].confidence < 40);
	assert_int_equal(seen->s[0].severity, ARTIFACT_LOW);
}

static void test_contexts(void **state)
{
	struct str text = STR("password = 'kT9!vq2Lwzr'\n");
	const struct seen *seen = scan("/srv/app/settings.py", text);

	assert_int_equal(seen->n, 1);
	assert_int_equal(seen->s[0].severity, ARTIFACT_MEDIUM);
	unsigned confidence = seen->s[0].confidence;
	seen = scan("/srv/app/tests/settings.py", text);
	assert_int_equal(seen->n, 1);
	assert_int_equal(seen->s[0].severity, ARTIFACT_INFO);
	assert_true(seen->s[0].confidence < confidence);
	uint64_t before = secret_scanner_allowed(scanner);
	seen = scan("/usr/share/perl5/settings.py", text);
	assert_int_equal(seen->n, 0);
	assert_int_equal(secret_scanner_allowed(scanner), before + 1);
	/* what is unmistakable is said there, too */
	seen = scan("/usr/share/perl5/settings.py", STR("t = '" TOKEN "'\n"));
	assert_int_equal(seen->n, 1);
}

static void test_files(void **state)
{
	const struct seen *seen =
		scan("/etc/shadow", STR("root:*:19000:0:99999:7:::\n"
					"daemon:!:19000:0:99999:7:::\n"
					"admin:$6$"
					"abcdefgh$Kq83hd72bAHdj28aLmq0QzXwKq83hd72bAHdj28aLmq0QzXw"
					"Kq83hd72bAHdj28aLmq0QzXw:19000:0:99999:7:::\n"
					"guest::19000:0:99999:7:::\n"));

	assert_int_equal(seen->n, 2);
	assert_string_equal(seen->id[0], "shadow-hash");
	assert_int_equal(seen->s[0].line, 3);
	assert_null(strstr(seen->redacted[0], "Kq83"));
	assert_string_equal(seen->id[1], "empty-password");
	assert_int_equal(seen->s[1].line, 4);
	assert_int_equal(scan("/home/x/notes", STR("guest::19000:0:99999:7:::\n"))->n, 0);
}

static void count(void *arg, const struct secret *s)
{
	++*(size_t *)arg;
}

/* More than are kept at once are all said, in portions. */
static void test_many(void **state)
{
	enum { MANY = 3 * SECRET_HITS_MAX / 2 };
	struct buf text = BUF_INIT(1 << 20);
	struct secret_context c = {.path = STR("/x"), .is_text = true, .line = 1};
	size_t n = 0;

	for (unsigned i = 0; i < MANY; i++)
		buf_printf(&text, "%s%05u\n", TOKEN, i);
	secret_scan(scanner, buf_str(&text), &c, count, &n);
	assert_int_equal(n, MANY);
	buf_done(&text);
}

/* A text of nothing but keywords is not tried at each of them, and that is counted. */
static void test_flood(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	uint64_t before = secret_scanner_skipped(scanner);

	for (unsigned i = 0; i < 20000; i++)
		buf_add_cstr(&text, "datadog\n");
	assert_int_equal(scan("/x", buf_str(&text))->n, 0);
	assert_true(secret_scanner_skipped(scanner) > before);
	buf_done(&text);
}

static void test_odd_texts(void **state)
{
	static const char *const texts[] = {"", "p", "password", "password=", "password='",
		"password=\"x",
		"-----BEGIN RSA "
		"PRIVATE KEY-----",
		"://:@", "eyJ.eyJ.", ".eyJ", "\"auth\":\"\"", "token\\", "key=\\\"", "password=@",
		"--password", "password: string ="};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(scan("/x.py", str_of(texts[i]))->n, 0);
	assert_int_equal(scan("/x", STR_NULL)->n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_better_rule_speaks),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_weak),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_odd_texts),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
