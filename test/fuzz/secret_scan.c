/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text through all rules: its first byte says what it is said to be (text or not, one of some
 * paths), the rest is searched. Every finding must lie in the text, and its excerpt must be short,
 * printable, and without six bytes of the value in a row.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/secret/secret.h"

static const char *const paths[] = {"", "/etc/shadow", "/root/.netrc", "/srv/app.py", "/srv/.env",
	"/root/.ssh/id_rsa", "/root/.docker/config.json", "/srv/a.yaml", "/usr/lib/python3/x.py",
	"/root/.pgpass", "/srv/x.tfstate", "/etc/ppp/chap-secrets"};

static void look(void *arg, const struct secret *s)
{
	const struct str *text = arg;
	struct str value;

	if (s->offset > text->len || s->len > text->len - s->offset || s->redacted.len > 200)
		abort();
	value = str_make(text->s + s->offset, s->len);
	for (size_t i = 0; i < s->redacted.len; i++)
		if (s->redacted.s[i] < 0x20 || s->redacted.s[i] > 0x7e)
			abort();
	for (size_t i = 0; i + 6 <= s->redacted.len; i++)
		if (str_find(value, str_make(s->redacted.s + i, 6)) >= 0 &&
			memcmp(s->redacted.s + i, "******", 6) != 0)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret_rules *rules;
	static struct secret_scanner *scanner;
	struct err e = {0};

	if (!scanner && (secret_rules_load(NULL, NULL, &rules, &e) < 0 ||
				secret_scanner_new(rules, &scanner, &e) < 0))
		abort();
	if (!size)
		return 0;
	struct str text = str_make((const char *)data + 1, size - 1);
	struct secret_context c = {
		.path = str_of(paths[(data[0] & 127) % (sizeof(paths) / sizeof(*paths))]),
		.is_text = !(data[0] & 128),
		.line = 1};
	secret_scan(scanner, text, &c, look, &text);
	return 0;
}
