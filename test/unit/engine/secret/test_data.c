/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shipped patterns: every rule finds its own examples, whatever the other rules think of them,
 * and none of what it must not find; ids are unique; and no excerpt shows six bytes of a value in a
 * row. Examples stand in data/secrets/ in parts, and are whole only in this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/secret/private.h"

static struct secret_rules *rules;
static struct secret_scanner *scanner;

struct seen {
	const struct secret_rule *rule;
	struct str text;
	unsigned nown, nall;
	char others[200];
};

static void note(void *arg, const struct secret *s)
{
	struct seen *seen = arg;

	seen->nall++;
	seen->nown += str_eq(s->id, seen->rule->id);
	snprintf(seen->others, sizeof(seen->others), "%.*s (%u %%, \"%.*s\")", STR_ARG(s->id),
		s->confidence, STR_ARG(s->redacted));
	assert_true(s->redacted.len <= SECRET_EXCERPT_MAX);
	struct str value = str_make(seen->text.s + s->offset, s->len);
	for (size_t i = 0; i + 6 <= s->redacted.len && value.len >= 6; i++)
		if (str_find(value, str_make(s->redacted.s + i, 6)) >= 0 &&
			memcmp(s->redacted.s + i, "******", 6) != 0)
			fail_msg("%.*s: the excerpt \"%.*s\" shows a piece of the value",
				STR_ARG(s->id), STR_ARG(s->redacted));
}

/* A path to which the rule applies: of its first pattern, stars are "x". */
static struct str path_of(const struct secret_rule *r, char *out, size_t size)
{
	size_t n = 0;

	if (!r->paths.n)
		return STR("/srv/shop/settings");
	for (size_t i = 0; i < r->paths.v[0].len && n + 1 < size; i++)
		out[n++] = r->paths.v[0].s[i] == '*' ? 'x' : r->paths.v[0].s[i];
	return str_make(out, n);
}

static struct seen scan(const struct secret_rule *r, struct str text)
{
	struct seen seen = {.rule = r, .text = text};
	char path[200];
	struct secret_context c = {.path = path_of(r, path, sizeof(path)), .is_text = true};

	secret_scan(scanner, text, &c, note, &seen);
	return seen;
}

static int setup(void **state)
{
	struct err e = {0};

	if (secret_rules_load("data", NULL, &rules, &e) < 0 ||
		secret_scanner_new(rules, &scanner, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static int teardown(void **state)
{
	secret_scanner_free(scanner);
	secret_rules_unref(rules);
	return 0;
}

static void test_count(void **state)
{
	assert_true(secret_rules_count(rules) >= 150);
	assert_true(secret_rules_hash(rules) != 0);
}

static void test_examples(void **state)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < rules->nrules; i++) {
		const struct secret_rule *r = &rules->rules[i];

		for (size_t k = 0; k < r->nexamples; k++) {
			struct seen seen = scan(r, r->examples[k]);

			if (seen.nown)
				continue;
			print_error("%.*s (%.*s): example %zu is not found%s%s\n", STR_ARG(r->id),
				STR_ARG(r->place), k + 1, seen.nall ? ", but " : "", seen.others);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Words that other rules look for, as many as fit: what makes the database of literals busy. */
static void add_noise(struct buf *b, size_t len, uint64_t *dice)
{
	for (size_t end = b->len + len; b->len < end;) {
		const struct secret_rule *r =
			&rules->rules[(*dice = hash_u64(*dice + 1)) % rules->nrules];

		if (r->nkeywords)
			buf_add(b, r->keywords[(*dice >> 32) % r->nkeywords]);
		buf_add_char(b, *dice >> 40 & 3 ? ' ' : '\n');
	}
}

/* An example is found wherever it stands in a text that keeps all other rules busy. */
static void test_among_others(void **state)
{
	enum { TIMES = 16, NOISE = 1500 };
	struct buf b = BUF_INIT(1 << 16);
	uint64_t dice = 1;
	unsigned wrong = 0;

	for (size_t i = 0; i < rules->nrules * TIMES; i++) {
		const struct secret_rule *r = &rules->rules[i / TIMES];

		for (size_t k = 0; k < r->nexamples; k++) {
			buf_clear(&b);
			add_noise(&b, hash_u64(dice) % NOISE, &dice);
			buf_add_cstr(&b, "\n\n");
			buf_add(&b, r->examples[k]);
			buf_add_cstr(&b, "\n\n");
			add_noise(&b, NOISE, &dice);
			if (scan(r, buf_str(&b)).nown)
				continue;
			print_error("%.*s: example %zu is not found in \"%.*s\"\n", STR_ARG(r->id),
				k + 1, STR_ARG(buf_str(&b)));
			wrong++;
		}
	}
	buf_done(&b);
	assert_int_equal(wrong, 0);
}

static void test_never(void **state)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < rules->nrules; i++) {
		const struct secret_rule *r = &rules->rules[i];

		for (size_t k = 0; k < r->nnever; k++) {
			struct seen seen = scan(r, r->never[k]);

			if (!seen.nown)
				continue;
			print_error("%.*s (%.*s): what it must not find (%zu) is found: %s\n",
				STR_ARG(r->id), STR_ARG(r->place), k + 1, seen.others);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* A rule has an example, unless it is one about keys, which test_key.c makes itself. */
static void test_all_have_examples(void **state)
{
	secret_check_fn pem = secret_check_find(STR("pem"));
	secret_check_fn putty = secret_check_find(STR("putty"));

	for (size_t i = 0; i < rules->nrules; i++) {
		const struct secret_rule *r = &rules->rules[i];

		if (!r->nexamples && r->check != pem && r->check != putty &&
			!str_is(r->id, "kerberos-stash"))
			fail_msg("%.*s: no example", STR_ARG(r->id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_among_others),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_all_have_examples),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
