/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict of an image, with its labels and its reason. One rule holds it together: a single
 * string never makes an image malicious. That takes a proof (a critical finding that is as good as
 * certain), a grave thing that would run, or grave signs of different kinds. Judging twice gives
 * the same: detonation adds findings and asks again.
 */
#include <stdlib.h>

#include "scan/image/image.h"

enum {
	PROVEN = 90,   /* per cent of confidence */
	LIKELY = 60,   /* counts among several signs */
	LABELLED = 50, /* gives the image its label */
	SURE_KEY = 50, /* a secret that makes an image risky */
};

static bool has_label(const struct artifact_finding *f, uint32_t set)
{
	return set >> f->label & 1;
}

#define BIT(l) (UINT32_C(1) << (l))
static const uint32_t of_attackers = BIT(LABEL_CRYPTOMINING) | BIT(LABEL_MALICIOUS_SITE) |
				     BIT(LABEL_HACKING) | BIT(LABEL_MALWARE) | BIT(LABEL_BACKDOOR) |
				     BIT(LABEL_HOSTILE) | BIT(LABEL_MASQUERADE);
static const uint32_t of_networks = BIT(LABEL_PROXY_AVOIDANCE) | BIT(LABEL_NEW_DOMAIN) |
				    BIT(LABEL_DYNAMIC_DNS) | BIT(LABEL_OTHER);
/* Facts about an image, whatever their weight. */
static const uint32_t always = BIT(LABEL_MINER_CAPABLE) | BIT(LABEL_OUTDATED);

static bool is_in_image(const struct artifact_finding *f)
{
	return f->deleted_in < 0;
}

static bool runs(const struct artifact_finding *f)
{
	return f->place == PLACE_RUN || f->place == PLACE_ENTRYPOINT || f->reach > REACH_NONE;
}

/* ---- signs ---------------------------------------------------------------------------------- */

struct signs {
	const struct artifact_finding *proof;  /* the gravest, when it is certain or would run */
	const struct artifact_finding *grave;  /* the gravest of an attacker */
	const struct artifact_finding *second; /* of another kind than `grave` */
	const struct artifact_finding *risk;
	const struct artifact_gap *unread;
	uint64_t nunread;
};

static bool is_proof(const struct artifact_finding *f)
{
	if (!is_in_image(f) || f->confidence < LIKELY)
		return false;
	if (f->severity == ARTIFACT_CRITICAL && f->confidence >= PROVEN)
		return true;
	return f->severity <= ARTIFACT_HIGH && runs(f) && f->confidence >= 75 &&
	       f->label != LABEL_MASQUERADE && f->label != LABEL_HOSTILE;
}

static bool is_grave(const struct artifact_finding *f)
{
	return f->severity <= ARTIFACT_HIGH || (f->severity == ARTIFACT_MEDIUM && runs(f));
}

/* Two findings that one and the same cause could not make. */
static bool is_independent(const struct artifact_finding *a, const struct artifact_finding *b)
{
	return a->label != b->label && !str_eq(a->analyzer, b->analyzer);
}

static bool is_risk(const struct artifact_finding *f)
{
	if (f->label == LABEL_SECRETS)
		return f->severity <= ARTIFACT_MEDIUM && f->confidence >= SURE_KEY;
	if (f->label == LABEL_CONFIGURATION || has_label(f, of_networks))
		return f->severity <= ARTIFACT_HIGH;
	/* deleted things of attackers are a matter of who built it */
	return has_label(f, of_attackers) && f->severity <= ARTIFACT_MEDIUM && !is_grave(f) &&
	       f->confidence >= LIKELY;
}

static void look(struct signs *s, const struct artifact_finding *f)
{
	if (f->is_ignored)
		return;
	if (has_label(f, of_attackers)) {
		if (!s->proof && is_proof(f))
			s->proof = f;
		if (is_grave(f) && f->confidence >= 40 && !s->grave)
			s->grave = f;
		else if (s->grave && !s->second && is_in_image(f) && is_in_image(s->grave) &&
			 f->severity <= ARTIFACT_HIGH && f->confidence >= LIKELY &&
			 s->grave->severity <= ARTIFACT_HIGH && s->grave->confidence >= LIKELY &&
			 is_independent(s->grave, f))
			s->second = f;
	}
	if (!s->risk && is_risk(f))
		s->risk = f;
}

/* ---- the reason ----------------------------------------------------------------------------- */

static const char *run_by(const struct artifact_finding *f)
{
	switch (f->reach) {
	case REACH_ENTRYPOINT:
		return ", and the image's own command runs it";
	case REACH_CRON:
		return ", and cron runs it";
	case REACH_SERVICE:
		return ", and a service runs it";
	case REACH_LOGIN:
		return ", and a login runs or uses it";
	case REACH_PRELOAD:
		return ", and every program loads it";
	default:
		return "";
	}
}

/* A title as the first half of a sentence. */
static struct str stem(struct str title)
{
	while (title.len && (title.s[title.len - 1] == '.' || title.s[title.len - 1] == ' '))
		title.len--;
	return title;
}

static struct str where(struct arena *a, const struct artifact_finding *f)
{
	if (f->place != PLACE_FILE || f->path.len < 2 || str_find(f->title, f->path) >= 0)
		return STR("");
	return arena_printf(a, " in %.*s", STR_ARG(f->path));
}

static struct str tell(struct arena *a, const struct artifact_finding *f)
{
	const char *gone = f->deleted_in >= 0 ? " (in a lower layer, deleted above)" : "";

	return arena_printf(
		a, "%.*s%.*s%s%s", STR_ARG(stem(f->title)), STR_ARG(where(a, f)), gone, run_by(f));
}

static struct str reason_of(struct arena *a, const struct artifact_report *r, const struct signs *s)
{
	switch (r->verdict) {
	case VERDICT_MALICIOUS:
		if (s->proof)
			return arena_printf(a, "%.*s.", STR_ARG(tell(a, s->proof)));
		return arena_printf(a, "%.*s; also: %.*s.", STR_ARG(tell(a, s->grave)),
			STR_ARG(tell(a, s->second)));
	case VERDICT_SUSPICIOUS:
		return arena_printf(a, "%.*s.", STR_ARG(tell(a, s->grave)));
	case VERDICT_RISKY:
		return arena_printf(a, "%.*s.", STR_ARG(tell(a, s->risk)));
	case VERDICT_UNKNOWN:
		return arena_printf(a,
			"Nothing was found, but not all could be read: %.*s: %.*s%s.",
			STR_ARG(s->unread->what), STR_ARG(s->unread->why),
			s->nunread > 1 ? ", and more" : "");
	default:
		return STR("Nothing was found that a person must act on.");
	}
}

/* ---- order, labels, verdict ----------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
	const struct artifact_finding *x = a, *y = b;

	if (x->is_ignored != y->is_ignored)
		return x->is_ignored - y->is_ignored;
	if (x->severity != y->severity)
		return x->severity < y->severity ? -1 : 1;
	if ((x->deleted_in >= 0) != (y->deleted_in >= 0))
		return x->deleted_in >= 0 ? 1 : -1;
	if (x->confidence != y->confidence)
		return x->confidence > y->confidence ? -1 : 1;
	int r = str_cmp(x->check, y->check);
	if (r == 0)
		r = str_cmp(x->path, y->path);
	if (r == 0 && x->offset != y->offset)
		r = x->offset < y->offset ? -1 : 1;
	if (r == 0 && x->index != y->index)
		r = x->index < y->index ? -1 : 1;
	if (r == 0 && x->layer != y->layer)
		r = x->layer < y->layer ? -1 : 1;
	return r ? r : str_cmp(x->title, y->title);
}

static void sort(struct artifact_report *r, struct arena *a)
{
	struct artifact_finding *v = arena_raw(a, r->nfindings * sizeof(*v) + 1);

	if (!v || !r->nfindings)
		return;
	memcpy(v, r->findings, r->nfindings * sizeof(*v));
	qsort(v, r->nfindings, sizeof(*v), by_weight);
	r->findings = v;
}

static bool gives_label(const struct artifact_finding *f)
{
	if (f->is_ignored)
		return false;
	if (has_label(f, always))
		return true;
	return f->severity < ARTIFACT_INFO && f->confidence >= LABELLED;
}

void scan_judge(struct artifact_report *r, struct arena *a)
{
	struct signs s = {0};

	sort(r, a);
	r->labels = 0;
	for (size_t i = 0; i < r->nfindings; i++) {
		if (gives_label(&r->findings[i]))
			r->labels |= BIT(r->findings[i].label);
		look(&s, &r->findings[i]);
	}
	for (size_t i = 0; i < r->coverage.ngaps; i++) {
		if (!r->coverage.gaps[i].is_serious)
			continue;
		s.unread = s.unread ? s.unread : &r->coverage.gaps[i];
		s.nunread++;
	}
	r->verdict = s.proof || (s.grave && s.second) ? VERDICT_MALICIOUS
		     : s.grave                        ? VERDICT_SUSPICIOUS
		     : s.risk                         ? VERDICT_RISKY
		     : s.unread                       ? VERDICT_UNKNOWN
						      : VERDICT_CLEAN;
	r->reason = reason_of(a, r, &s);
}
