/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one piece of evidence for mining says: its parts, and what they add up to. How evidence is
 * read from configurations, commands and texts, and how it is told, is in the files beside this
 * one.
 */
#include "scan/image/mining.h"

/* ---- the parts ----------------------------------------------------------------------------- */

static bool is_stratum_scheme(struct str s)
{
	static const char *const begins[] = {
		"stratum", "ethproxy", "ethstratum", "daemon+", "zil", "nicehash", NULL};

	for (size_t k = 0; begins[k]; k++)
		if (s.len >= strlen(begins[k]) &&
			str_ieq(str_head(s, strlen(begins[k])), str_of(begins[k])))
			return true;
	return false;
}

static bool is_host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '-' || c == '_';
}

/* host and port of what stands behind the scheme and in front of a path */
static void set_host(struct mining *m, struct str s)
{
	size_t n = 0;
	uint64_t port;

	if (str_starts(s, STR("["))) {
		ptrdiff_t end = str_find_char(s, ']');

		m->host = end > 0 ? str_make(s.s + 1, (size_t)end - 1) : STR_NULL;
		n = end > 0 ? (size_t)end + 1 : 0;
	} else {
		while (n < s.len && is_host_char(s.s[n]))
			n++;
		m->host = str_head(s, n);
	}
	size_t end = n;
	if (n < s.len && s.s[n] == ':') {
		struct str digits = str_skip(s, n + 1);
		size_t k = 0;

		while (k < digits.len && digits.s[k] >= '0' && digits.s[k] <= '9')
			k++;
		if (str_to_u64(str_head(digits, k), 10, &port) && port <= 65535) {
			m->port = (unsigned)port;
			end = n + 1 + k;
		}
	}
	m->pool = str_head(s, end);
}

void mining_set_pool(const struct indicators *i, struct mining *m, struct str url)
{
	struct str rest = str_trim(url);
	ptrdiff_t scheme = str_find(rest, STR("://"));

	if (scheme >= 0) {
		m->is_stratum = is_stratum_scheme(str_head(rest, (size_t)scheme));
		rest = str_skip(rest, (size_t)scheme + 3);
	}
	ptrdiff_t slash = str_find_char(rest, '/');
	if (slash >= 0)
		rest = str_head(rest, (size_t)slash);
	ptrdiff_t at = str_rfind_char(rest, '@');
	if (at >= 0) {
		/* user, perhaps with a password */
		struct str user = str_head(rest, (size_t)at);

		mining_set_user(m, str_cut(&user, ':'));
		rest = str_skip(rest, (size_t)at + 1);
	}
	set_host(m, rest);
	m->is_known_pool = indicators_domain(i, m->host, NULL) == NET_MINING_POOL;
	m->is_donation = m->is_known_pool && str_ends(m->host, STR("xmrig.com"));
	if (m->is_known_pool && !m->coin.len && !m->is_donation) {
		struct str note = indicators_domain_note(i, m->host);

		/* only where the pool is one coin's */
		if (str_find_char(note, ' ') < 0)
			m->coin = note;
	}
}

void mining_set_user(struct mining *m, struct str user)
{
	struct wallet w;
	size_t at = 0;

	user = str_trim(user);
	m->user = user;
	while (wallet_next(user, &at, &w)) {
		m->wallet = w;
		if (w.proof == WALLET_VALID)
			break;
	}
}

void mining_set_algorithm(const struct indicators *i, struct mining *m, struct str name)
{
	name = str_trim(name);
	if (!name.len || name.len > 40)
		return;
	bool is_known = indicators_is_mining_algorithm(i, name);

	if (m->algorithm.len && !is_known)
		return;
	m->algorithm = name;
	m->is_known_algorithm = is_known;
	if (is_known && !m->coin.len)
		m->coin = indicators_algorithm_coin(i, name);
}

/* ---- what they add up to ------------------------------------------------------------------- */

bool mining_has_wallet(const struct mining *m)
{
	return m->wallet.coin != WALLET_NONE && m->wallet.proof == WALLET_VALID;
}

bool mining_has_pool(const struct mining *m)
{
	return m->host.len && (m->is_stratum || m->is_known_pool) && !m->is_donation;
}

/* What a person puts there who has not filled in the form. */
static bool is_placeholder(struct str user)
{
	static const char *const words[] = {"your", "wallet", "address", "username", "xxxx", "<",
		"example", "change", "replace", "here", "donate", NULL};

	if (user.len < 4)
		return true;
	for (size_t k = 0; words[k]; k++)
		if (str_ifind(user, str_of(words[k])) >= 0)
			return true;
	return false;
}

/* As it came with the program: nobody has put in a wallet or a pool. */
bool mining_is_stock(const struct mining *m)
{
	return m->form == MINING_CONFIG && !mining_has_wallet(m) &&
	       (m->is_donation || is_placeholder(m->user));
}

bool mining_is_proof(const struct mining *m)
{
	return mining_has_wallet(m) && mining_has_pool(m);
}

/* A name that nobody uses but for mining: "rx/0", "randomx", not "scrypt". */
static bool is_telling_algorithm(const struct mining *m)
{
	return m->is_known_algorithm &&
	       (str_find_char(m->algorithm, '/') > 0 ||
		       str_ieq(str_head(m->algorithm, 7), STR("randomx")) ||
		       str_ieq(str_head(m->algorithm, 11), STR("cryptonight")) ||
		       str_ieq(m->algorithm, STR("kawpow")) ||
		       str_ieq(m->algorithm, STR("etchash")) ||
		       str_ieq(m->algorithm, STR("ghostrider")));
}

/* Signs beside a pool and a wallet. */
unsigned mining_signs(const struct mining *m)
{
	return m->is_known_algorithm + m->has_miner_keys + (m->program.len > 0) +
	       (m->family != NULL) + (m->wallet.coin != WALLET_NONE && !mining_has_wallet(m));
}

bool mining_is_evidence(const struct mining *m)
{
	unsigned n = mining_signs(m);

	if (mining_is_proof(m) || (mining_has_pool(m) && n > 0))
		return true;
	/* a proxy of their own: any host, but a wallet, and something of a miner */
	if (mining_has_wallet(m) && m->host.len && n > 0)
		return true;
	if (m->form == MINING_COMMAND)
		return m->program.len && m->host.len && (n > 1 || m->is_stratum);
	return m->form == MINING_CONFIG && m->host.len &&
	       (m->has_miner_keys || is_telling_algorithm(m));
}
