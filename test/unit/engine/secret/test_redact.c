/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No six bytes of a value in a row leave the room, whatever stands around it: thousands of invented
 * lines with invented secrets, some twice in a line, some encoded, beside secrets of no rule.
 */
#include <openssl/evp.h>

#include "scan_text.h"

enum { ROUNDS = 4000, VALUES = 3 };

static uint64_t seed = 20261128;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

static void make_value(char *out, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < n; i++)
		out[i] = set[pick(sizeof(set) - 1)];
	out[n] = '\0';
}

/* One place of a value in a line, in one of many forms. */
static void add_place(struct buf *b, const char *value)
{
	static const char *const forms[] = {"password=%s ", "token: \"%s\", ",
		"postgres://shop:%s@db/shop ", "%s ", "hvs.%s ", "ghp_%s ", "<secret>%s</secret>",
		"Authorization: Bearer %s ", "\\\"api_key\\\": \\\"%s\\\" ", "-u me:%s ", "\t%s\t"};
	char code[200];

	if (pick(8) == 0) {
		EVP_EncodeBlock((uint8_t *)code, (const uint8_t *)value, (int)strlen(value));
		buf_add_cstr(b, code);
		buf_add_char(b, ' ');
		return;
	}
	switch (pick(sizeof(forms) / sizeof(*forms))) {
	default:
#define FORM(i)                                                                                    \
	case i:                                                                                    \
		buf_printf(b, forms[i], value);                                                    \
		break
		FORM(0);
		FORM(1);
		FORM(2);
		FORM(3);
		FORM(4);
		FORM(5);
		FORM(6);
		FORM(7);
		FORM(8);
		FORM(9);
		FORM(10);
	}
}

struct round {
	char values[VALUES][64];
	struct str text;
	size_t nfound;
};

static void look(void *arg, const struct secret *s)
{
	struct round *r = arg;
	struct str value = str_make(r->text.s + s->offset, s->len);

	r->nfound++;
	assert_true(s->redacted.len <= SECRET_EXCERPT_MAX);
	for (size_t i = 0; i + 6 <= s->redacted.len; i++) {
		struct str piece = str_make(s->redacted.s + i, 6);

		for (size_t k = 0; k < piece.len; k++)
			assert_true(piece.s[k] >= 0x20 && piece.s[k] < 0x7f);
		if (str_find(value, piece) < 0)
			continue;
		fail_msg("\"%.*s\" of \"%.*s\" shows a piece of the value", STR_ARG(s->redacted),
			STR_ARG(r->text));
	}
}

static void test_no_piece(void **state)
{
	size_t nfound = 0;

	for (unsigned n = 0; n < ROUNDS; n++) {
		struct round r = {0};
		struct buf text = BUF_INIT(8192);
		struct secret_context c = {.path = STR("/srv/x.conf"), .is_text = true, .line = 1};

		for (unsigned i = 0; i < VALUES; i++)
			make_value(r.values[i], 12 + pick(36));
		for (unsigned i = 0; i < 1 + pick(6); i++) {
			add_place(&text, r.values[pick(VALUES)]);
			if (pick(5) == 0)
				buf_add_char(&text, '\n');
			if (pick(20) == 0)
				buf_add_char(&text, (char)(1 + pick(31)));
		}
		r.text = buf_str(&text);
		secret_scan(scanner, r.text, &c, look, &r);
		nfound += r.nfound;
		buf_done(&text);
	}
	/* the property is about something */
	assert_true(nfound > ROUNDS / 2);
}

/* A value that also stands in the line without the rule's form around it. */
static void test_repeated_in_line(void **state)
{
	const struct seen *seen =
		scan("/x.conf", STR("# was Kq83hd72bAHd; password=Kq83hd72bAHd (Kq83hd72bAHd)\n"));

	assert_true(seen->n >= 1);
	for (size_t i = 0; i < seen->n; i++)
		assert_null(strstr(seen->redacted[i], "Kq83hd"));
}

/* Long random words that no rule took are masked too. */
static void test_unknown_neighbour(void **state)
{
	const struct seen *seen = scan("/x.conf",
		STR("password=Kq83hd72bAHd x-signature 7f3kQ9xK2mV8cL5tZ1nWpR4sT6uY end\n"));

	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->redacted[0], "password=**** x-signature **** end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_piece),
		cmocka_unit_test(test_repeated_in_line),
		cmocka_unit_test(test_unknown_neighbour),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
