/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands out what a text held: where two rules saw the same bytes the better one speaks, lines are
 * counted, and the line around a value is masked. What leaves here holds no value.
 */
#include <stdlib.h>

#include "engine/secret/private.h"

static int by_place(const void *x, const void *y)
{
	const struct secret_hit *a = x, *b = y;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->len < b->len ? 1 : a->len > b->len ? -1 : 0;
}

static unsigned weight(const struct secret_hit *h)
{
	return h->rule->rank * 1000 + (unsigned)h->validity * 200 + h->confidence;
}

static bool is_overlapped(const struct secret_hit *a, const struct secret_hit *b)
{
	return a->start < b->start + b->len && b->start < a->start + a->len;
}

/* Whether a better one covers some of the same bytes. Hits are sorted; neighbours suffice. */
static bool is_beaten(const struct secret_scanner *s, size_t i)
{
	const struct secret_hit *h = &s->hits[i];
	enum { NEIGHBOURS = 64 };
	size_t from = i > NEIGHBOURS ? i - NEIGHBOURS : 0;

	for (size_t k = from; k < s->nhits && k < i + NEIGHBOURS; k++) {
		const struct secret_hit *o = &s->hits[k];

		if (k == i || !is_overlapped(h, o))
			continue;
		if (weight(o) > weight(h) || (weight(o) == weight(h) && k < i))
			return true;
	}
	return false;
}

static unsigned line_of(struct secret_scanner *s, size_t offset)
{
	const char *p;

	if (!s->c->is_text)
		return 0;
	if (offset < s->line_at) {
		s->line_at = 0;
		s->line = s->c->line ? s->c->line : 1;
	}
	while (s->line_at < offset &&
		(p = memchr(s->text.s + s->line_at, '\n', offset - s->line_at))) {
		s->line_at = (size_t)(p - s->text.s) + 1;
		s->line++;
	}
	s->line_at = offset;
	return s->line;
}

void secret_report(struct secret_scanner *s)
{
	char excerpt[SECRET_EXCERPT_MAX];

	if (!s->nhits)
		return;
	qsort(s->hits, s->nhits, sizeof(*s->hits), by_place);
	for (size_t i = 0; i < s->nhits; i++) {
		const struct secret_hit *h = &s->hits[i];

		if (is_beaten(s, i))
			continue;
		struct secret out = {.id = h->rule->id,
			.title = h->rule->title,
			.mend = h->rule->mend,
			.severity = h->severity,
			.validity = h->validity,
			.confidence = h->confidence,
			.offset = s->c->offset + h->start,
			.len = h->len,
			.line = line_of(s, h->start),
			.value_hash = h->hash,
			.encoding = h->encoding,
			.how = h->how,
			.is_encrypted = h->is_encrypted,
			.is_wrong = h->is_wrong,
			.fingerprint = str_of(h->fingerprint),
			.account = str_of(h->account)};
		out.redacted = secret_redact(s, h, excerpt);
		s->found(s->arg, &out);
	}
	s->nhits = 0;
}
