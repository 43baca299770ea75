/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A candidate becomes a hit or is sorted out: entropy, the look of the value, words that must be
 * near, its checksum, allow-lists, and what the path says of the weight of it. Nothing is sorted
 * out here for its path alone but by a row of data with a reason, and such rows count what they
 * hide.
 */
#include <openssl/sha.h>

#include "engine/secret/private.h"

enum {
	NEAR_BYTES = 200,
	WEAK = 40, /* per cent: below it nobody is woken up */
};

static bool is_near(const struct secret_pass *p, const struct secret_rule *r, size_t start)
{
	size_t from = start > NEAR_BYTES ? start - NEAR_BYTES : 0;
	size_t to = start + NEAR_BYTES < p->text.len ? start + NEAR_BYTES : p->text.len;
	struct str around = str_make(p->text.s + from, to - from);

	for (size_t i = 0; i < r->nnear; i++)
		if (str_ifind(around, r->near[i]) >= 0 || str_ifind(p->s->c->path, r->near[i]) >= 0)
			return true;
	return r->nnear == 0;
}

/* 64 bits of SHA-256: the same value has the same in every image, and does not tell itself. */
static uint64_t hash_value(struct str v)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint64_t ret;

	SHA256((const uint8_t *)v.s, v.len, digest);
	memcpy(&ret, digest, sizeof(ret));
	return ret;
}

static bool allow_row_applies(const struct secret_pass *p, const struct secret_allow *w,
	const struct secret_hit *h, struct str value)
{
	if (w->only_weak && h->validity != SECRET_PLAUSIBLE)
		return false;
	if (w->rules.n && !path_globs_match(&w->rules, h->rule->id))
		return false;
	if (w->paths.n && !path_globs_match(&w->paths, p->s->c->path))
		return false;
	if (!w->nvalues && !w->nkeys)
		return true;
	for (size_t i = 0; i < w->nkeys; i++)
		if (h->fingerprint[0] && str_is(w->keys[i], h->fingerprint))
			return true;
	for (size_t i = 0; i < w->nvalues; i++)
		if (secret_match(p->s, w->codes[i], value, 0))
			return true;
	return false;
}

/* False when a row sorts it out. */
static bool weigh(const struct secret_pass *p, struct secret_hit *h, struct str value)
{
	const struct secret_rules *rules = p->s->rules;

	for (size_t i = 0; i < rules->nallow; i++) {
		const struct secret_allow *w = &rules->allow[i];

		if (!allow_row_applies(p, w, h, value))
			continue;
		if (!w->is_context) {
			p->s->nallowed++;
			return false;
		}
		if (h->severity < w->severity_max)
			h->severity = w->severity_max;
		h->confidence = h->confidence * w->confidence / 100;
	}
	return true;
}

/* What the check says; false when it takes the candidate away. */
static bool check(const struct secret_rule *r, struct secret_hit *h, struct str value)
{
	struct secret_facts f = {0};

	h->validity = r->is_strong ? SECRET_STRONG : SECRET_PLAUSIBLE;
	if (!r->check)
		return true;
	r->check(value, &f);
	memcpy(h->fingerprint, f.fingerprint, sizeof(h->fingerprint));
	memcpy(h->account, f.account, sizeof(h->account));
	if (f.is_checked) {
		h->validity = SECRET_CHECKED;
		h->how = f.how ? f.how : "which parses as one";
		h->confidence = h->confidence < 97 ? 97 : h->confidence;
	}
	h->is_encrypted = f.is_encrypted;
	if (f.is_encrypted && h->severity < ARTIFACT_LOW)
		h->severity = ARTIFACT_LOW;
	if (f.is_none || (f.is_wrong && r->needs_check))
		return false;
	if (f.is_wrong) {
		/* made up, cut or masked; said all the same, with little weight */
		h->is_wrong = true;
		h->validity = SECRET_PLAUSIBLE;
		h->confidence = h->confidence / 2;
		h->severity = h->severity < ARTIFACT_LOW ? ARTIFACT_LOW : h->severity;
	}
	return true;
}

static bool is_good(const struct secret_pass *p, const struct secret_rule *r, struct str value)
{
	if (!value.len || (r->entropy > 0 && secret_entropy(value) < r->entropy))
		return false;
	if (r->takes_anything || r->kind == RULE_ASSIGNMENT)
		return true;
	if (!r->is_strong && secret_is_of_words(p->s->rules, value))
		return false;
	return secret_value_kind(p->s->rules, value) == VALUE_GOOD;
}

void secret_judge(struct secret_pass *p, const struct secret_rule *r, size_t start, size_t len,
	unsigned confidence)
{
	struct secret_scanner *s = p->s;
	struct str value = str_make(p->text.s + start, len);
	struct secret_hit h = {.rule = r,
		.start = p->encoding ? p->outer : start,
		.len = p->encoding ? p->outer_len : len,
		.severity = r->severity,
		.confidence = confidence,
		.encoding = p->encoding};

	if (len > SECRET_AFTER_MAX || !is_good(p, r, value) || !is_near(p, r, start))
		return;
	if (confidence < WEAK && h.severity < ARTIFACT_LOW)
		h.severity = ARTIFACT_LOW;
	if (!check(r, &h, value) || !weigh(p, &h, value))
		return;
	h.hash = hash_value(value);
	if (s->nhits == SECRET_HITS_MAX)
		secret_report(s);
	s->hits[s->nhits++] = h;
}
