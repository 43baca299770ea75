/* SPDX-License-Identifier: Apache-2.0 */
/* The finding that is made of evidence for mining: how grave it is, and the sentence that says it.
 */
#include "base/buf.h"
#include "scan/image/excerpt.h"
#include "scan/image/mining.h"

struct verdict {
	const char *check;
	enum artifact_label label;
	enum artifact_severity severity;
	unsigned confidence;
};

static struct verdict judge(const struct mining *m, enum file_role role)
{
	static const char *const checks[] = {
		[MINING_CONFIG] = "miner-config",
		[MINING_COMMAND] = "miner-command",
		[MINING_SETTINGS] = "miner-settings",
	};
	struct verdict v = {checks[m->form], LABEL_CRYPTOMINING, ARTIFACT_HIGH, 85};

	if (mining_is_stock(m))
		v = (struct verdict){
			"miner-config-stock", LABEL_MINER_CAPABLE, ARTIFACT_MEDIUM, 95};
	else if (mining_is_proof(m) && (mining_signs(m) || m->form != MINING_SETTINGS))
		v.severity = ARTIFACT_CRITICAL, v.confidence = 99;
	else if (mining_is_proof(m))
		v.confidence = 95;
	else if (!mining_has_wallet(m) && !mining_has_pool(m))
		v.severity = ARTIFACT_MEDIUM, v.confidence = 70;
	/* an example in an installed library, a page of documentation: a person should look */
	if (role == ROLE_DOC || (role == ROLE_LIBRARY && m->form != MINING_CONFIG)) {
		if (v.severity < ARTIFACT_MEDIUM)
			v.severity = ARTIFACT_MEDIUM;
		v.confidence = v.confidence > 30 ? v.confidence - 30 : v.confidence;
	}
	return v;
}

static void say_what(struct buf *b, const struct mining *m)
{
	const char *family = m->family;

	if (m->form == MINING_CONFIG)
		buf_printf(b, "%s configuration", family ? family : "A miner's");
	else if (m->form == MINING_COMMAND)
		buf_printf(b, "A command that mines");
	else
		buf_printf(b, "Settings for mining");
	if (m->form == MINING_COMMAND && m->program.len)
		buf_printf(b, " with %.*s", STR_ARG(str_head(m->program, 40)));
}

static struct str title_of(const struct mining *m, struct arena *a)
{
	struct buf b = BUF_INIT(400);
	const char *sep = m->form == MINING_COMMAND ? "," : " with";

	say_what(&b, m);
	if (m->host.len) {
		buf_printf(&b, "%s %s %.*s", sep, m->is_known_pool ? "the pool" : "a pool at",
			STR_ARG(str_head(m->pool, 80)));
		sep = ",";
	}
	if (mining_has_wallet(m)) {
		buf_printf(&b, "%s a %s wallet whose checksum is right", sep,
			m->wallet.coin == WALLET_MONERO    ? "Monero"
			: m->wallet.coin == WALLET_BITCOIN ? "Bitcoin"
							   : "Ethereum");
		sep = ",";
	} else if (mining_is_stock(m)) {
		buf_printf(&b, ", not filled in");
	}
	if (m->is_encoded)
		buf_printf(&b, ", hidden in base64");
	if (m->is_known_algorithm)
		buf_printf(&b, "%s the algorithm %.*s", sep, STR_ARG(m->algorithm));
	struct str title = arena_str(a, buf_str(&b));
	buf_done(&b);
	return title;
}

static size_t facts_of(const struct mining *m, struct artifact_pair facts[8])
{
	size_t n = 0;

	if (m->wallet.coin != WALLET_NONE) {
		facts[n++] = (struct artifact_pair){STR("wallet"), m->wallet.text};
		if (!m->coin.len)
			facts[n++] = (struct artifact_pair){
				STR("coin"), str_of(wallet_coin_name(m->wallet.coin))};
	}
	if (m->coin.len)
		facts[n++] = (struct artifact_pair){STR("coin"), m->coin};
	if (m->pool.len)
		facts[n++] = (struct artifact_pair){STR("pool"), m->pool};
	if (m->is_known_algorithm)
		facts[n++] = (struct artifact_pair){STR("algorithm"), m->algorithm};
	if (m->program.len)
		facts[n++] = (struct artifact_pair){STR("program"), m->program};
	if (m->family)
		facts[n++] = (struct artifact_pair){STR("family"), str_of(m->family)};
	return n;
}

void mining_report(const struct mining *m, enum file_role role, struct str content, uint64_t offset,
	struct ledger *l)
{
	struct verdict v = judge(m, role);
	struct artifact_pair facts[8];
	struct arena *a = ledger_arena(l);
	struct artifact_finding f = {
		.check = str_of(v.check),
		.label = v.label,
		.severity = v.severity,
		.confidence = v.confidence,
		.title = title_of(m, a),
		.mend = v.label == LABEL_MINER_CAPABLE
				? STR("Remove the miner and its configuration, unless mining is "
				      "what "
				      "this image is for.")
				: STR("Do not run this image; find out who put the miner there, "
				      "and "
				      "where else that wallet or pool is used."),
		.offset = offset + m->at,
		.excerpt = excerpt_line(a, content, m->at),
		.facts = facts,
		.nfacts = facts_of(m, facts),
	};

	if (offset == 0)
		f.line = excerpt_line_number(content, m->at);
	ledger_find(l, &f);
}
