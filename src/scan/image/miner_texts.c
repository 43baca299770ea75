/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text in which a sign of mining was seen, looked at closely: as a configuration if it is one,
 * else line by line as commands, then for settings near one another, for base64, for downloads.
 */
#include "scan/image/excerpt.h"
#include "scan/image/miners.h"

enum {
	AROUND = 16 << 10,  /* bytes before and behind a sign that are looked at in a large text */
	MAX_REPORTS = 16,   /* of one window */
	MAX_SETTINGS = 256, /* pools of one window around which is looked */
};

static bool on_sign(void *arg, unsigned id, size_t end)
{
	struct miners *m = arg;

	m->seen[id] = 1;
	if (m->nplaces < MINERS_MAX_PLACES)
		m->places[m->nplaces++] = end;
	return false;
}

bool miners_look_for_signs(struct miners *m, struct str text, bool is_first)
{
	if (is_first)
		memset(m->seen, 0, m->nliterals);
	m->nplaces = 0;
	literals_find(m->literals, text, on_sign, m);
	return m->nplaces > 0;
}

unsigned miners_count_seen(const struct miners *m, unsigned group)
{
	unsigned n = 0;

	for (size_t k = 0; k < m->nliterals; k++)
		n += m->seen[k] && m->groups[k] == group;
	return n;
}

struct looking {
	struct miners *m;
	struct str content; /* the window */
	uint64_t offset;
	enum file_role role;
	struct ledger *l;
	bool is_list; /* of pools: only what proves itself is said */
	unsigned nreports;
	unsigned nsettings;
	struct str pools[MAX_REPORTS], wallets[MAX_REPORTS]; /* that were reported */
};

/* Not said before in this window: a pool without a wallet is not said beside the same with one. */
static bool is_news(struct looking *k, const struct mining *m)
{
	if (k->nreports == MAX_REPORTS)
		return false;
	for (unsigned n = 0; n < k->nreports; n++)
		if (str_eq(k->pools[n], m->pool) &&
			(!m->wallet.text.len || str_eq(k->wallets[n], m->wallet.text)))
			return false;
	k->pools[k->nreports] = m->pool;
	k->wallets[k->nreports++] = m->wallet.text;
	return true;
}

static void report(struct looking *k, const struct mining *what)
{
	if (k->is_list && !mining_is_proof(what))
		return;
	if (is_news(k, what))
		mining_report(what, k->role, k->content, k->offset, k->l);
}

static bool look_at_config(struct looking *k)
{
	struct arena *a = ledger_arena(k->l);
	struct mining *found = arena_array(a, struct mining, MINING_MAX_POOLS);
	size_t n = found ? mining_parse_config(k->m->known, k->content, a, found) : 0;
	bool has_said = false;

	/* the stock pool beside a real one says nothing */
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; found[i].is_donation && j < n; j++)
			if (!found[j].is_donation && mining_is_evidence(found + j))
				found[i].host = STR_NULL;
	for (size_t i = 0; i < n; i++) {
		if (!found[i].host.len || !mining_is_evidence(found + i))
			continue;
		if (k->role == ROLE_DOC && !mining_is_proof(found + i))
			continue;
		report(k, found + i);
		has_said = true;
	}
	return has_said;
}

/* A line with those that it continues: "\" at the end, also in a Dockerfile's RUN. */
static struct str line_around(struct str text, size_t at, size_t *end)
{
	size_t from = at, to = at;

	while (from > 0 && at - from < AROUND &&
		!(text.s[from - 1] == '\n' && (from < 2 || text.s[from - 2] != '\\')))
		from--;
	while (to < text.len && to - at < AROUND &&
		!(text.s[to] == '\n' && (to == 0 || text.s[to - 1] != '\\')))
		to++;
	*end = to;
	return str_make(text.s + from, to - from);
}

static void look_at_commands(struct looking *k, struct str part)
{
	size_t done = 0;
	struct arena *a = ledger_arena(k->l);

	for (size_t p = 0; p < k->m->nplaces; p++) {
		size_t at = k->m->places[p] ? k->m->places[p] - 1 : 0, end;
		struct mining m;

		if (at < (size_t)(part.s - k->content.s) || at < done ||
			at >= (size_t)(part.s - k->content.s) + part.len)
			continue;
		struct str line = line_around(k->content, at, &end);
		done = end;
		if (!mining_parse_command(k->m->known, line, a, &m) || !mining_is_evidence(&m))
			continue;
		m.at = at;
		report(k, &m);
	}
}

/* A pool without anything else beside it. */
static void report_pool(struct looking *k, const struct mining *m)
{
	struct arena *a = ledger_arena(k->l);
	struct artifact_pair facts[2] = {{STR("pool"), m->pool}, {STR("coin"), m->coin}};
	bool is_act = k->role == ROLE_SCRIPT || k->role == ROLE_CONFIG;
	struct artifact_finding f = {
		.check = STR("miner-pool"),
		.label = LABEL_CRYPTOMINING,
		.severity = is_act ? ARTIFACT_MEDIUM : ARTIFACT_LOW,
		.confidence = m->is_stratum && m->is_known_pool ? 80
			      : is_act                          ? 60
								: 30,
		.title = arena_printf(a, "The mining pool %.*s is named in a %s",
			STR_ARG(str_head(m->pool, 80)), file_role_name(k->role)),
		.mend = STR(
			"Find out what uses the pool; remove it unless mining is what this image "
			"is for."),
		.offset = k->offset + m->at,
		.line = k->offset ? 0 : excerpt_line_number(k->content, m->at),
		.excerpt = excerpt_line(a, k->content, m->at),
		.facts = facts,
		.nfacts = m->coin.len ? 2 : 1,
	};

	if (is_news(k, m))
		ledger_find(k->l, &f);
}

/* The line in which a pool was met, as a command; a sign that occurs twice was met once only. */
static bool look_at_line(struct looking *k, size_t at, size_t *done)
{
	struct mining m;

	if (at < *done)
		return false;
	struct str line = line_around(k->content, at, done);
	if (!mining_parse_command(k->m->known, line, ledger_arena(k->l), &m) ||
		!mining_is_evidence(&m))
		return false;
	m.at = at;
	report(k, &m);
	return true;
}

static void look_at_settings(struct looking *k, struct str part)
{
	size_t at = 0, base = (size_t)(part.s - k->content.s), done = 0;
	struct mining m;

	while (k->nreports < MAX_REPORTS && k->nsettings++ < MAX_SETTINGS &&
		mining_next_settings(k->m->known, part, &at, ledger_arena(k->l), &m)) {
		m.at += base;
		if (look_at_line(k, m.at, &done) || k->is_list)
			continue;
		if (mining_is_evidence(&m))
			report(k, &m);
		else if (!m.is_donation)
			report_pool(k, &m);
	}
}

/* "curl -LO https://…/xmrig-6.21.0-linux-static-x64.tar.gz", "git clone …/xmrig/xmrig". */
static void look_at_downloads(struct looking *k)
{
	static const char *const ways[] = {"curl", "wget", "git clone", "ADD ", "aria2c", "fetch(",
		"urlretrieve", "requests.get", NULL};
	struct arena *a = ledger_arena(k->l);

	if (k->role != ROLE_SCRIPT || !miners_count_seen(k->m, SIGN_PROGRAM))
		return;
	for (size_t p = 0; p < k->m->nplaces; p++) {
		size_t at = k->m->places[p] ? k->m->places[p] - 1 : 0, end;
		struct str line = line_around(k->content, at, &end);
		bool is_fetched = false;

		for (size_t w = 0; ways[w]; w++)
			is_fetched |= str_find(line, str_of(ways[w])) >= 0;
		if (!is_fetched || str_find(line, STR("://")) < 0)
			continue;
		struct artifact_finding f = {
			.check = STR("miner-download"),
			.label = LABEL_CRYPTOMINING,
			.severity = ARTIFACT_HIGH,
			.confidence = 75,
			.title = STR("A script fetches a miner"),
			.mend = STR("Do not run this image; look at what the script does with it."),
			.offset = k->offset + at,
			.line = k->offset ? 0 : excerpt_line_number(k->content, at),
			.excerpt = excerpt_line(a, k->content, at),
		};
		ledger_find(k->l, &f);
		return;
	}
}

/* echo …= | base64 -d | sh */
static void look_at_encoded(struct looking *k)
{
	struct arena *a = ledger_arena(k->l);
	size_t begin, done = 0;

	for (size_t p = 0; miners_count_seen(k->m, SIGN_ENCODED) && p < k->m->nplaces; p++) {
		size_t at = k->m->places[p] ? k->m->places[p] - 1 : 0;
		struct mining m;

		if (at < done)
			continue;
		struct str plain = mining_decode(k->content, at, a, &begin);
		if (!plain.len)
			continue;
		done = begin + plain.len;
		bool is_found = mining_parse_command(k->m->known, plain, a, &m);
		size_t from = 0;
		if (!is_found || !mining_is_evidence(&m))
			is_found = mining_next_settings(k->m->known, plain, &from, a, &m);
		if (!is_found || !mining_is_evidence(&m))
			continue;
		m.is_encoded = true;
		m.at = begin;
		report(k, &m);
	}
}

bool miners_is_pool_list(const struct miners *m)
{
	return miners_count_seen(m, SIGN_COUNT) >= MINERS_MANY_POOLS;
}

static void look_at_text(struct looking *k, bool is_whole)
{
	if (is_whole && k->content.len <= MINING_MAX_CONFIG && look_at_config(k))
		return;
	if (k->role == ROLE_DOC)
		return;
	k->is_list = miners_is_pool_list(k->m);
	if (k->content.len <= MINING_MAX_TEXT) {
		look_at_commands(k, k->content);
		look_at_settings(k, k->content);
	} else {
		size_t done = 0;

		for (size_t p = 0; p < k->m->nplaces; p++) {
			size_t at = k->m->places[p], from = at > AROUND ? at - AROUND : 0;

			if (at < done)
				continue;
			struct str part = str_head(str_skip(k->content, from), 2 * AROUND);
			look_at_commands(k, part);
			look_at_settings(k, part);
			done = from + part.len;
		}
	}
	look_at_encoded(k);
	look_at_downloads(k);
}

void miners_look_at_text(struct miners *m, struct str content, uint64_t offset, bool is_whole,
	enum file_role role, struct ledger *l)
{
	struct looking k = {.m = m, .content = content, .offset = offset, .role = role, .l = l};

	look_at_text(&k, is_whole);
}
