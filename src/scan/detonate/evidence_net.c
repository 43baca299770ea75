/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sinkhole heard, as findings: pools and who they pay, downloads, names and addresses that
 * lists know. A name that no list knows is a note: every server asks for names.
 */
#include "scan/detonate/evidence.h"

static struct str place_text(struct evidence *v, struct str name, struct str address, unsigned port)
{
	return arena_printf(v->a, "%.*s:%u", STR_ARG(name.len ? name : address), port);
}

/* Enough of a wallet to recognise it in a sentence. */
static struct str shorten(struct evidence *v, struct str s)
{
	return s.len <= 24 ? s : arena_printf(v->a, "%.*s…%.*s", 12, s.s, 6, s.s + s.len - 6);
}

/* ---- mining -------------------------------------------------------------------------------- */

static void add_pools(struct evidence *v)
{
	for (size_t i = 0; i < v->story->npools; i++) {
		const struct pool_talk *p = &v->story->pools[i];
		struct str pool = place_text(v, p->name, p->address, p->port);
		struct artifact_finding *f =
			evidence_find(v, "run-pool", LABEL_CRYPTOMINING, ARTIFACT_CRITICAL, 97);

		f->title = arena_printf(v->a, "It speaks a mining pool's protocol (%.*s) to %.*s%s",
			STR_ARG(p->method), STR_ARG(pool), p->is_tls ? " over TLS" : "");
		f->mend = STR("Do not run the image; if it runs already, stop it and see who "
			      "started it");
		f->excerpt = str_head(p->agent, EVIDENCE_EXCERPT_MAX);
		evidence_fact(f, "pool", pool);
		evidence_fact(f, "domain", p->name);
		evidence_fact(f, "program", str_head(p->agent, 100));
		evidence_fact(f, "algorithm", str_head(p->algorithms, 200));
	}
}

static bool find_wallet(struct str user, struct wallet *ret)
{
	size_t at = 0;

	return wallet_next(user, &at, ret);
}

static void add_wallets(struct evidence *v)
{
	for (size_t i = 0; i < v->story->npools; i++) {
		const struct pool_talk *p = &v->story->pools[i];
		struct wallet wallet;

		if (!p->user.len)
			continue;
		bool is_wallet = find_wallet(p->user, &wallet);
		struct str pool = place_text(v, p->name, p->address, p->port);
		struct artifact_finding *f =
			evidence_find(v, "run-wallet", LABEL_CRYPTOMINING, ARTIFACT_CRITICAL, 97);

		f->title = arena_printf(v->a, "It logs in to the pool %.*s to be paid as %.*s%s",
			STR_ARG(pool), STR_ARG(shorten(v, is_wallet ? wallet.text : p->user)),
			is_wallet && wallet.proof == WALLET_VALID ? ", a wallet that is right"
								  : "");
		f->mend = STR("Do not run the image; look for other images with the same wallet");
		f->excerpt = str_head(p->user, EVIDENCE_EXCERPT_MAX);
		evidence_fact(f, "wallet", is_wallet ? wallet.text : p->user);
		if (is_wallet)
			evidence_fact(f, "coin", str_of(wallet_coin_name(wallet.coin)));
		evidence_fact(f, "pool", pool);
	}
}

void evidence_add_mining(struct evidence *v)
{
	add_wallets(v);
	add_pools(v);
}

/* ---- the network --------------------------------------------------------------------------- */

static bool is_program(const struct request *q)
{
	static const char *const harmless[] = {".html", ".css", ".js", ".json", ".png", ".svg",
		".xml", ".txt", ".ico", ".woff2", "/"};
	struct str path = q->path, name = str_cut(&path, '?');

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (str_ends(name, str_of(harmless[i])))
			return false;
	return str_is(q->method, "GET");
}

static void add_requests(struct evidence *v)
{
	for (size_t i = 0; i < v->story->nrequests; i++) {
		const struct request *q = &v->story->requests[i];
		struct str host = q->host.len ? q->host : q->name.len ? q->name : q->address;
		bool fetches = is_program(q);
		struct artifact_finding *f =
			evidence_find(v, fetches ? "run-download" : "run-request", LABEL_OTHER,
				fetches ? ARTIFACT_MEDIUM : ARTIFACT_INFO, 70);

		f->title = fetches ? arena_printf(v->a, "It downloads %.*s from %.*s",
					     STR_ARG(str_head(q->path, 120)), STR_ARG(host))
				   : arena_printf(v->a, "It asks %.*s by HTTP (%.*s %.*s)",
					     STR_ARG(host), STR_ARG(q->method),
					     STR_ARG(str_head(q->path, 120)));
		f->mend = fetches ? STR("See what the image starts after it is scanned: what it "
					"downloads is in no layer")
				  : STR("See that this is what the image is for");
		f->excerpt = arena_printf(v->a, "%.*s http%s://%.*s%.*s (%.*s)", STR_ARG(q->method),
			q->is_tls ? "s" : "", STR_ARG(host), STR_ARG(str_head(q->path, 100)),
			STR_ARG(str_head(q->agent, 40)));
		f->excerpt = str_head(f->excerpt, EVIDENCE_EXCERPT_MAX);
		evidence_fact(f, "domain", q->name.len ? q->name : host);
	}
}

/* ---- names and addresses that lists know --------------------------------------------------- */

static const struct {
	enum artifact_label label;
	enum artifact_severity severity;
	unsigned confidence;
	const char *what, *mend;
} categories[NET_CATEGORY_COUNT] = {
	[NET_NONE] = {LABEL_OTHER, ARTIFACT_INFO, 100, "",
		"See that this is what the image is for"},
	[NET_MINING_POOL] = {LABEL_CRYPTOMINING, ARTIFACT_HIGH, 85, ", a mining pool",
		"Do not run the image, unless it is for mining"},
	[NET_PROXY_AVOIDANCE] = {LABEL_PROXY_AVOIDANCE, ARTIFACT_MEDIUM, 80,
		", a way around proxies", "See that this is what the image is for"},
	[NET_DYNAMIC_DNS] = {LABEL_DYNAMIC_DNS, ARTIFACT_MEDIUM, 80,
		", a name of a dynamic DNS service", "Find out whose machine it is"},
	[NET_MALICIOUS] = {LABEL_MALICIOUS_SITE, ARTIFACT_HIGH, 90,
		", which is listed as malicious",
		"Do not run the image; find out what uses that name"},
	[NET_NEW] = {LABEL_NEW_DOMAIN, ARTIFACT_MEDIUM, 70, ", a domain that was registered lately",
		"Find out whose domain it is"},
	[NET_PASTE] = {LABEL_OTHER, ARTIFACT_MEDIUM, 70, ", where droppers keep what they load",
		"Look at what is fetched from there"},
};

static void add_place(struct evidence *v, struct str text, enum net_category c, const char *deed)
{
	struct artifact_finding *f = evidence_find(
		v, deed, categories[c].label, categories[c].severity, categories[c].confidence);
	bool is_name = !strcmp(deed, "run-dns");

	f->title = arena_printf(v->a, "It %s %.*s%s", is_name ? "looks up" : "connects to",
		STR_ARG(text), categories[c].what);
	f->mend = str_of(categories[c].mend);
	f->excerpt = str_head(text, EVIDENCE_EXCERPT_MAX);
	evidence_fact(f, is_name ? "domain" : "address", text);
	if (c != NET_NONE)
		evidence_fact(f, "category", str_of(net_category_name(c)));
}

static void add_names(struct evidence *v)
{
	for (size_t i = 0; i < v->story->nnames; i++) {
		const struct detonate_name *n = &v->story->names[i];
		bool is_told = false;

		/* both kinds of address are asked for at once */
		for (size_t k = 0; k < i && !is_told; k++)
			is_told = str_eq(v->story->names[k].name, n->name);
		if (!is_told)
			add_place(
				v, n->name, indicators_domain(v->known, n->name, NULL), "run-dns");
	}
}

static void add_addresses(struct evidence *v)
{
	for (size_t i = 0; i < v->story->nconnections; i++) {
		const struct detonate_connection *c = &v->story->connections[i];
		enum net_category category = indicators_address(v->known, c->address, NULL);

		if (category != NET_NONE)
			add_place(v, c->address, category, "run-address");
	}
}

static void add_scan(struct evidence *v)
{
	if (v->story->naddresses < SCAN_ADDRESSES)
		return;
	struct artifact_finding *f = evidence_find(v, "run-scan", LABEL_HACKING, ARTIFACT_HIGH, 70);

	f->title = arena_printf(v->a,
		"It connects to more than %d addresses that no name led to: it scans or attacks",
		SCAN_ADDRESSES - 1);
	f->mend = STR("Do not run the image where it can reach others");
}

void evidence_add_network(struct evidence *v)
{
	add_scan(v);
	add_addresses(v);
	add_requests(v);
	add_names(v);
}
