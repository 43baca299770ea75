/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Impostors: a name within reach of an official image's without that image's layers, labels that
 * claim to be somebody else, accounts that nobody would name so, labels that are advertising. Names
 * are weak: thousands of honest people have an "ubuntu" of their own. So a name alone is at most
 * low; it becomes more with a second sign, or when the layers are known not to be the original's.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/indicator/indicator.h"
#include "scan/image/analyzer.h"
#include "scan/image/excerpt.h"

struct masquerade {
	struct indicators *known;
};

/* ---- who it says it is ---------------------------------------------------------------------- */

enum lineage {
	LINEAGE_UNKNOWN, /* no layers of that name are in the lists */
	LINEAGE_SAME,    /* it has the official image's topmost layer */
	LINEAGE_UNLIKE,  /* it lacks what the official image sets */
	LINEAGE_OTHER,   /* it has none of its layers */
};

static bool has_env(const struct artifact_config *c, struct str name)
{
	for (size_t k = 0; k < c->nenv; k++)
		if (str_starts(c->env[k], name) && c->env[k].len > name.len &&
			c->env[k].s[name.len] == '=')
			return true;
	return false;
}

static enum lineage lineage_of(
	const struct indicators *known, const struct artifact_image *image, struct str official)
{
	const struct artifact_config *c = &image->config;

	struct str mark = indicators_official_mark(known, official);

	if (!indicators_knows_layers_of(known, official))
		return mark.len && !has_env(c, mark) ? LINEAGE_UNLIKE : LINEAGE_UNKNOWN;
	for (size_t k = 0; k < c->ndiff_ids; k++)
		if (indicators_is_official_layer(known, official, c->diff_ids[k]))
			return LINEAGE_SAME;
	for (size_t k = 0; k < image->nlayers; k++)
		if (indicators_is_official_layer(known, official, image->layers[k].diff_id))
			return LINEAGE_SAME;
	return LINEAGE_OTHER;
}

/* "someone" of "someone/ubuntu" and of "someone/tools/ubuntu". */
static struct str account_of(struct str repository)
{
	struct str rest = repository, first = str_cut(&rest, '/');

	return rest.s ? first : STR_NULL;
}

static bool is_hub(struct str registry)
{
	return registry.len == 0 || str_is(registry, "docker.io") ||
	       str_is(registry, "index.docker.io") || str_is(registry, "registry-1.docker.io");
}

/* ---- labels that lie ------------------------------------------------------------------------ */

/*
 * Labels of the OCI image-spec (annotations.md) and of Label Schema by which a publisher says who
 * it is, and words that only some publishers may use of themselves.
 */
static const char *const claim_labels[] = {"org.opencontainers.image.title",
	"org.label-schema.name", "org.opencontainers.image.vendor",
	"org.opencontainers.image.authors", "org.opencontainers.image.url",
	"org.opencontainers.image.source", "org.opencontainers.image.documentation",
	"org.label-schema.vendor", "org.label-schema.url", "org.label-schema.vcs-url", "vendor",
	"maintainer", NULL};

static const struct publisher {
	const char *words[3];    /* in a label */
	const char *accounts[6]; /* that may say so */
} publishers[] = {
	{{"docker official image", "github.com/docker-library/", "docker, inc"},
		{"library", "docker", NULL}},
	{{"canonical ltd", "canonical limited", "launchpad.net/cloud-images"},
		{"library", "ubuntu", "canonical", NULL}},
	{{"github.com/debuerreotype/", "debian project", NULL}, {"library", "debian", NULL}},
	{{"red hat, inc", "registry.access.redhat.com", NULL},
		{"redhat", "ubi8", "ubi9", "ubi7", "openshift", NULL}},
	{{"bitnami", "vmware, inc", "broadcom, inc"},
		{"bitnami", "bitnamicharts", "bitnamilegacy", "vmware", "tanzu", NULL}},
	{{"nginx docker maintainers", NULL, NULL}, {"library", "nginx", "nginxinc", NULL}},
	{{"microsoft corporation", NULL, NULL}, {"microsoft", "mcr", "dotnet", "azure-cli", NULL}},
	{{"google llc", "google inc", NULL}, {"google", "gcr", "googlecontainertools", NULL}},
	{{"amazon web services", "amazon.com, inc", NULL}, {"amazon", "aws", "amazonlinux", NULL}},
	{{"oracle corporation", NULL, NULL}, {"oracle", "oraclelinux", NULL}},
	{{"alpine linux development team", NULL, NULL}, {"library", "alpine", "alpinelinux", NULL}},
};

static bool is_claim_label(struct str key)
{
	for (size_t k = 0; claim_labels[k]; k++)
		if (str_ieq(key, str_of(claim_labels[k])))
			return true;
	return false;
}

static const struct publisher *claimed_by(struct str value)
{
	for (size_t p = 0; p < sizeof(publishers) / sizeof(publishers[0]); p++)
		for (size_t w = 0; w < 3 && publishers[p].words[w]; w++)
			if (str_ifind(value, str_of(publishers[p].words[w])) >= 0)
				return publishers + p;
	return NULL;
}

static bool may_claim(const struct publisher *p, struct str account)
{
	for (size_t k = 0; p->accounts[k]; k++)
		if (str_is(account, p->accounts[k]))
			return true;
	return account.len == 0;
}

/*
 * The first label that speaks for somebody whose account this is not. Labels are inherited: an
 * image that is built on an official one has its labels, so the history must not tell of a base
 * image of that publisher's; that is not known here, and confidence is low.
 */
static const struct artifact_pair *lying_label(
	const struct artifact_image *image, struct str account)
{
	const struct artifact_config *c = &image->config;

	for (size_t k = 0; k < c->nlabels; k++) {
		const struct publisher *p =
			is_claim_label(c->labels[k].key) ? claimed_by(c->labels[k].value) : NULL;

		if (p && !may_claim(p, account))
			return c->labels + k;
	}
	return NULL;
}

/* ---- spam ---------------------------------------------------------------------------------- */

/* What campaigns on public registries advertise (JFrog's report of April 2024): downloads, e-books,
 * search engine bait. Two different words and a link. */
static bool is_spam(struct str text)
{
	static const char *const words[] = {"free download", "full version", "crack", "keygen",
		"serial key", "torrent", "ebook", "e-book", "pdf free", "epub", "hack tool",
		"cheats", "generator", "no survey", "watch online", "full movie", "casino",
		"betting", "essay", "viagra", "porn", "seo", "backlink", "unlimited coins",
		"apk mod", NULL};
	unsigned n = 0;

	if (str_find(text, STR("://")) < 0 && str_ifind(text, STR("bit.ly")) < 0)
		return false;
	for (size_t k = 0; words[k]; k++)
		n += str_ifind(text, str_of(words[k])) >= 0;
	return n >= 2;
}

static void report_spam(
	const struct artifact_image *image, const struct artifact_pair *label, struct ledger *l)
{
	bool is_empty = image->nlayers == 0;
	struct artifact_finding f = {
		.check = STR("masquerade-spam"),
		.label = LABEL_OTHER,
		.severity = is_empty ? ARTIFACT_MEDIUM : ARTIFACT_LOW,
		.confidence = is_empty ? 85 : 60,
		.title = arena_printf(ledger_arena(l), "The label %.*s advertises downloads%s",
			STR_ARG(str_head(label->key, 60)),
			is_empty ? ", and the image is empty" : ""),
		.mend = STR("Do not follow the link; the repository is not what it says."),
		.excerpt = excerpt_of(ledger_arena(l), label->value),
	};

	ledger_find(l, &f);
}

/* ---- findings ------------------------------------------------------------------------------ */

static const char *way_of(enum imitation i)
{
	switch (i) {
	case IMITATION_SAME:
		return "has the name of";
	case IMITATION_EDIT:
		return "is a slip of the pen away from";
	case IMITATION_HOMOGLYPH:
		return "looks like";
	default:
		return "claims to be";
	}
}

struct look {
	const struct artifact_image *image;
	struct str account, official;
	enum imitation imitation;
	enum lineage lineage;
	const struct artifact_pair *lie;
	bool is_random;
};

/* A name that only looks alike was chosen for that; the same name may be an accident. */
static void weigh(const struct look *k, struct artifact_finding *f)
{
	bool is_made = k->imitation == IMITATION_HOMOGLYPH || k->imitation == IMITATION_EDIT;

	f->severity = ARTIFACT_LOW;
	f->confidence = is_made ? 50 : 30;
	/* mirrors in registries of one's own are called like what they mirror */
	if (!is_hub(k->image->registry) && !is_made) {
		f->severity = ARTIFACT_INFO;
		f->confidence = 20;
	}
	/* built on something else, which need not be a lie: it gives the label, no verdict */
	if (k->lineage == LINEAGE_UNLIKE && is_hub(k->image->registry))
		f->confidence = is_made ? 70 : 55;
	if (k->lineage == LINEAGE_OTHER) {
		f->severity = ARTIFACT_MEDIUM;
		f->confidence = is_made ? 85 : 75;
	}
	if (is_hub(k->image->registry) && (k->is_random || k->lie)) {
		f->severity = k->lineage == LINEAGE_OTHER ? ARTIFACT_HIGH : ARTIFACT_MEDIUM;
		f->confidence += 15;
	}
}

static void report_name(const struct look *k, struct ledger *l)
{
	static const char *const layers[] = {
		[LINEAGE_UNKNOWN] = "whether its layers are that image's is not known",
		[LINEAGE_SAME] = "and is built on it",
		[LINEAGE_UNLIKE] = "and lacks what that image sets in its environment",
		[LINEAGE_OTHER] = "and has none of its layers",
	};
	struct artifact_pair facts[] = {
		{STR("official"), k->official}, {STR("account"), k->account}};
	struct artifact_finding f = {
		.check = STR("masquerade-name"),
		.label = LABEL_MASQUERADE,
		.title = arena_printf(ledger_arena(l), "%.*s %s the official image %.*s, %s%s%s",
			STR_ARG(str_head(k->image->repository, 100)), way_of(k->imitation),
			STR_ARG(k->official), layers[k->lineage],
			k->is_random ? "; its account looks random" : "",
			k->lie ? "; its labels speak for somebody else" : ""),
		.mend = arena_printf(ledger_arena(l), "Use the official image %.*s, by its digest.",
			STR_ARG(k->official)),
		.excerpt = excerpt_of(ledger_arena(l), k->image->repository),
		.facts = facts,
		.nfacts = 2,
	};

	weigh(k, &f);
	ledger_find(l, &f);
}

static void report_lie(const struct look *k, struct ledger *l)
{
	struct artifact_pair facts[] = {{STR("account"), k->account}};
	/* no base image's labels say so: somebody wrote it */
	bool is_claim = str_ifind(k->lie->value, STR("docker official image")) >= 0;
	struct artifact_finding f = {
		.check = STR("masquerade-label"),
		.label = LABEL_MASQUERADE,
		/* most often inherited from a base image */
		.severity = is_claim ? ARTIFACT_LOW : ARTIFACT_INFO,
		.confidence = is_claim ? 60 : 30,
		.title = arena_printf(ledger_arena(l),
			"The label %.*s speaks for somebody whose account %.*s is not",
			STR_ARG(str_head(k->lie->key, 60)), STR_ARG(str_head(k->account, 60))),
		.mend = STR("Set labels of your own when you build on somebody's image."),
		.excerpt = excerpt_of(ledger_arena(l), k->lie->value),
		.facts = facts,
		.nfacts = 1,
	};

	ledger_find(l, &f);
}

static void report_random(const struct look *k, struct ledger *l)
{
	struct artifact_pair facts[] = {{STR("account"), k->account}};
	struct artifact_finding f = {
		.check = STR("masquerade-account"),
		.label = LABEL_OTHER,
		.severity = ARTIFACT_INFO,
		.confidence = 30,
		.title = arena_printf(ledger_arena(l), "The account %.*s looks random",
			STR_ARG(str_head(k->account, 60))),
		.mend = STR("Prefer images of publishers that you know."),
		.facts = facts,
		.nfacts = 1,
	};

	ledger_find(l, &f);
}

/* The name that a title claims: {"org.opencontainers.image.title": "Ubuntu"}. */
static enum imitation imitated_title(struct masquerade *m, const struct artifact_image *image,
	struct str account, struct str *official, struct arena *a)
{
	const struct artifact_config *c = &image->config;

	for (size_t k = 0; k < c->nlabels; k++) {
		if (!str_is(c->labels[k].key, "org.opencontainers.image.title") &&
			!str_is(c->labels[k].key, "org.label-schema.name") &&
			!str_is(c->labels[k].key, "org.opencontainers.image.ref.name"))
			continue;
		struct str s = arena_printf(a, "%.*s/%.*s", STR_ARG(account),
			STR_ARG(str_head(c->labels[k].value, 100)));
		enum imitation i =
			s.s ? indicators_imitates(m->known, s, official) : IMITATION_NONE;

		/* a title is inherited as well: only one that was made to look alike counts */
		if (i == IMITATION_HOMOGLYPH)
			return i;
	}
	return IMITATION_NONE;
}

static void masquerade_image(void *self, const struct artifact_image *image, struct ledger *l)
{
	struct masquerade *m = self;
	const struct artifact_config *c = &image->config;
	struct look k = {.image = image, .account = account_of(image->repository)};

	for (size_t n = 0; n < c->nlabels; n++) {
		if (!is_spam(c->labels[n].value))
			continue;
		report_spam(image, c->labels + n, l);
		break;
	}
	/* archives and folders have no account; "library" is what others imitate */
	if (!k.account.len || str_is(k.account, "library"))
		return;
	k.is_random = name_looks_random(k.account);
	k.lie = lying_label(image, k.account);
	k.imitation = indicators_imitates(m->known, image->repository, &k.official);
	if (k.imitation == IMITATION_NONE)
		k.imitation = imitated_title(m, image, k.account, &k.official, ledger_arena(l));
	if (k.imitation != IMITATION_NONE)
		k.lineage = lineage_of(m->known, image, k.official);
	if (k.imitation != IMITATION_NONE && k.lineage != LINEAGE_SAME)
		report_name(&k, l);
	else if (k.lie && k.lineage != LINEAGE_SAME)
		report_lie(&k, l);
	if (k.is_random)
		report_random(&k, l);
}

/* ---- the analyzer -------------------------------------------------------------------------- */

static void masquerade_close(void *self)
{
	struct masquerade *m = self;

	if (m)
		indicators_free(m->known);
	free(m);
}

static int masquerade_open(const struct analyzer_options *o, void **ret, struct err *e)
{
	struct masquerade *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(e, ENOMEM, "out of memory");
	int r = indicators_load(o->data_dir, o->feeds, &m->known, e);
	if (r < 0)
		masquerade_close(m);
	else
		*ret = m;
	return r;
}

/* It asks for no file's content. */
static bool masquerade_wants(void *self, const struct artifact_file *f)
{
	(void)self;
	(void)f;
	return false;
}

static uint64_t masquerade_knowledge(void *self)
{
	struct masquerade *m = self;

	return indicators_hash(m->known) + 1; /* + the version of this analyzer */
}

const struct analyzer_ops analyzer_masquerade = {
	.name = "masquerade",
	.doc = "names and labels that imitate official images, accounts that look random",
	.open = masquerade_open,
	.wants = masquerade_wants,
	.image = masquerade_image,
	.knowledge = masquerade_knowledge,
	.close = masquerade_close,
};
