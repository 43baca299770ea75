/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the tests of this room share: the shipped rules, and a text scanned with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/secret/private.h"

enum { SEEN_MAX = 64 };

struct seen {
	struct secret s[SEEN_MAX];
	char id[SEEN_MAX][64], fingerprint[SEEN_MAX][64], redacted[SEEN_MAX][SECRET_EXCERPT_MAX];
	char account[SEEN_MAX][16];
	size_t n;
};

static struct secret_rules *rules;
static struct secret_scanner *scanner;

static void keep(void *arg, const struct secret *s)
{
	struct seen *seen = arg;
	size_t i = seen->n;

	if (i == SEEN_MAX)
		return;
	seen->s[i] = *s;
	str_copy(s->id, seen->id[i], sizeof(seen->id[i]));
	str_copy(s->fingerprint, seen->fingerprint[i], sizeof(seen->fingerprint[i]));
	str_copy(s->redacted, seen->redacted[i], sizeof(seen->redacted[i]));
	str_copy(s->account, seen->account[i], sizeof(seen->account[i]));
	seen->n++;
}

static inline const struct seen *scan(const char *path, struct str text)
{
	static struct seen seen;
	struct secret_context c = {.path = str_of(path),
		.is_text = !memchr(text.s ? text.s : "", 0, text.len),
		.line = 1};

	seen.n = 0;
	secret_scan(scanner, text, &c, keep, &seen);
	return &seen;
}

/* The index of a finding of that rule, or SEEN_MAX. */
static inline size_t index_of(const struct seen *seen, const char *id)
{
	size_t i = 0;

	while (i < seen->n && strcmp(seen->id[i], id) != 0)
		i++;
	return i < seen->n ? i : SEEN_MAX;
}

static inline int load_rules(void **state)
{
	struct err e = {0};

	if (secret_rules_load("data", NULL, &rules, &e) < 0 ||
		secret_scanner_new(rules, &scanner, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static inline int drop_rules(void **state)
{
	secret_scanner_free(scanner);
	secret_rules_unref(rules);
	return 0;
}
