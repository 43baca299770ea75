/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines of miners, in scripts, histories, units and ENTRYPOINT. Their options differ by
 * program, but what they mean is the same: where the pool is, for whom, with which algorithm. Words
 * are cut as a shell does, near enough: quotes, backslashes, NAME=VALUE in front.
 */
#include "scan/image/mining.h"

enum { MAX_WORDS = 256, MAX_LINE = 16 << 10 };

enum option { OPT_NONE, OPT_POOL, OPT_USER, OPT_ALGORITHM, OPT_COIN, OPT_PORT, OPT_MINER };

/*
 * By program: XMRig and kin (-o -u -a), cpuminer, ccminer, cgminer (the same), PhoenixMiner (-pool
 * -wal), Claymore (-epool -ewal), ethminer (-P), lolMiner (--pool --user), SRBMiner (--pool
 * --wallet --algorithm), NBMiner, T-Rex, GMiner (--server --port --user --algo), miniZ (--url),
 * nanominer (-wallet -coin), TeamRedMiner (-o -u -a), xmr-stak (--currency), minerd.
 */
static const struct {
	const char *name;
	enum option option;
} options[] = {
	{"-o", OPT_POOL},
	{"--url", OPT_POOL},
	{"--pool", OPT_POOL},
	{"-pool", OPT_POOL},
	{"--pool1", OPT_POOL},
	{"-epool", OPT_POOL},
	{"-zpool", OPT_POOL},
	{"-dpool", OPT_POOL},
	{"-P", OPT_POOL},
	{"--server", OPT_POOL},
	{"-s", OPT_POOL},
	{"--stratum", OPT_POOL},
	{"--proxy", OPT_NONE},
	{"--host", OPT_POOL},
	{"-S", OPT_POOL},
	{"--pools", OPT_POOL},
	{"-u", OPT_USER},
	{"--user", OPT_USER},
	{"--wallet", OPT_USER},
	{"-wal", OPT_USER},
	{"-wallet", OPT_USER},
	{"-ewal", OPT_USER},
	{"-zwal", OPT_USER},
	{"-dwal", OPT_USER},
	{"--userpass", OPT_USER},
	{"-O", OPT_USER},
	{"--address", OPT_USER},
	{"--login", OPT_USER},
	{"-w", OPT_USER},
	{"--username", OPT_USER},
	{"-a", OPT_ALGORITHM},
	{"--algo", OPT_ALGORITHM},
	{"--algorithm", OPT_ALGORITHM},
	{"-algo", OPT_ALGORITHM},
	{"-A", OPT_ALGORITHM},
	{"-k", OPT_ALGORITHM},
	{"--currency", OPT_ALGORITHM},
	{"--kernel", OPT_ALGORITHM},
	{"--coin", OPT_COIN},
	{"-coin", OPT_COIN},
	{"-c", OPT_COIN},
	{"--port", OPT_PORT},
	{"-n", OPT_PORT},
	{"--donate-level", OPT_MINER},
	{"--nicehash", OPT_MINER},
	{"--rig-id", OPT_MINER},
	{"--cpu-max-threads-hint", OPT_MINER},
	{"--randomx-1gb-pages", OPT_MINER},
	{"--randomx-mode", OPT_MINER},
	{"--randomx-no-rdmsr", OPT_MINER},
	{"--randomx-wrmsr", OPT_MINER},
	{"--donate-over-proxy", OPT_MINER},
	{"--cpu-priority", OPT_MINER},
	{"--no-huge-pages", OPT_MINER},
	{"--huge-pages-jit", OPT_MINER},
	{"--tls-fingerprint", OPT_MINER},
	{"--self-select", OPT_MINER},
	{"--gpu-boost", OPT_MINER},
	{"--disable-gpu", OPT_MINER},
	{"--noGPU", OPT_MINER},
	{"--noCPU", OPT_MINER},
	{"--use-nicehash", OPT_MINER},
	{"-esm", OPT_MINER},
	{"-mport", OPT_MINER},
	{"--proto", OPT_MINER},
	{"--ethstratum", OPT_MINER},
	{"--print-time", OPT_MINER},
	{"--cpu-affinity", OPT_MINER},
	{"--max-cpu-usage", OPT_MINER},
};

/* ---- words --------------------------------------------------------------------------------- */

static bool is_separator(char c)
{
	return c == ';' || c == '|' || c == '&' || c == '(' || c == ')' || c == '\n' || c == '`';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0' || c == ',';
}

/*
 * The next word of *rest, written to *out without its quotes. JSON lists (["xmrig","-o",…], as in
 * ENTRYPOINT and CMD) come apart by the same rules: brackets and commas are blanks.
 */
static bool cut_word(struct str *rest, char **out, struct str *ret)
{
	size_t n = 0, at = 0;
	char quote = 0;

	while (at < rest->len && (is_blank(rest->s[at]) || is_separator(rest->s[at]) ||
					 rest->s[at] == '[' || rest->s[at] == ']'))
		at++;
	if (at == rest->len)
		return false;
	for (; at < rest->len; at++) {
		char c = rest->s[at];

		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && quote != '\'' && at + 1 < rest->len) {
			c = rest->s[++at];
			if (c == '\n')
				continue;
		} else if (!quote && (is_blank(c) || is_separator(c) || c == ']')) {
			break;
		}
		(*out)[n++] = c;
	}
	*rest = str_skip(*rest, at);
	*ret = str_make(*out, n);
	*out += n;
	return true;
}

/* All words together are no longer than the line. */
static size_t words_of(struct str line, struct arena *a, struct str out[MAX_WORDS])
{
	size_t n = 0;

	line = str_head(line, MAX_LINE);
	char *room = arena_raw(a, line.len + 1);
	while (room && n < MAX_WORDS && cut_word(&line, &room, out + n))
		n++;
	return n;
}

static struct str base_name(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

/* ---- meaning ------------------------------------------------------------------------------- */

static enum option option_of(struct str word)
{
	for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
		if (str_is(word, options[k].name))
			return options[k].option;
	return OPT_NONE;
}

static void set_option(
	const struct indicators *i, struct mining *m, enum option o, struct str value)
{
	uint64_t port;

	switch (o) {
	case OPT_POOL:
		/* the first one counts; "-o out.txt" has no host with a dot and a port */
		if (!m->host.len || (!m->is_known_pool && !m->is_stratum))
			mining_set_pool(i, m, value);
		break;
	case OPT_USER:
		if (m->wallet.coin == WALLET_NONE)
			mining_set_user(m, value);
		break;
	case OPT_ALGORITHM:
		mining_set_algorithm(i, m, value);
		break;
	case OPT_COIN:
		if (value.len && value.len < 24)
			m->coin = value;
		break;
	case OPT_PORT:
		if (str_to_u64(value, 10, &port) && port < 65536 && !m->port)
			m->port = (unsigned)port;
		break;
	case OPT_MINER:
		m->has_miner_keys = true;
		break;
	default:
		break;
	}
}

/* A word that is a pool's URL by itself, wherever it stands. */
static void look_at_word(const struct indicators *i, struct mining *m, struct str word)
{
	struct mining other = *m;

	if (m->is_stratum || m->is_known_pool || str_find_char(word, '.') < 0)
		return;
	ptrdiff_t eq = str_find_char(word, '=');
	if (eq > 0)
		word = str_skip(word, (size_t)eq + 1);
	mining_set_pool(i, &other, word);
	if (other.is_stratum || other.is_known_pool)
		*m = other;
}

static void look_at_program(const struct indicators *i, struct mining *m, struct str word)
{
	struct str name = base_name(word);

	/* a file that is fetched or unpacked is not run here; its name has an end */
	if (!m->program.len && str_find(word, STR("://")) < 0 && indicators_is_miner_name(i, name))
		m->program = name;
}

bool mining_parse_command(
	const struct indicators *i, struct str line, struct arena *a, struct mining *ret)
{
	struct str *words = arena_array(a, struct str, MAX_WORDS);
	struct mining m = {.form = MINING_COMMAND};
	size_t n = words ? words_of(line, a, words) : 0;

	for (size_t k = 0; k < n; k++) {
		struct str value = words[k], name = str_cut(&value, '=');
		enum option o = option_of(name);

		if (o != OPT_NONE && o != OPT_MINER) {
			if (!value.s && k + 1 < n)
				value = words[++k];
			set_option(i, &m, o, value);
			continue;
		}
		set_option(i, &m, o, STR_NULL);
		look_at_program(i, &m, words[k]);
		look_at_word(i, &m, words[k]);
	}
	*ret = m;
	return (m.host.len && (m.is_stratum || m.is_known_pool || m.program.len ||
				      m.wallet.coin != WALLET_NONE)) ||
	       (m.program.len && m.has_miner_keys);
}

/* ---- settings side by side ------------------------------------------------------------------- */

enum { NEAR = 4096 };

/* The first wallet with a checksum within NEAR bytes of a place. */
static void find_wallet_near(struct str text, size_t place, struct mining *m)
{
	size_t from = place > NEAR ? place - NEAR : 0, at = from;
	struct wallet w;

	while (wallet_next(text, &at, &w) && (size_t)(w.text.s - text.s) < place + NEAR) {
		if (w.proof != WALLET_VALID)
			continue;
		m->wallet = w;
		m->user = w.text;
		return;
	}
}

/* Words that are algorithms by name, near the pool: "algo: rx/0", ALGO=kawpow. */
static void find_algorithm_near(
	const struct indicators *i, struct str text, size_t place, struct mining *m)
{
	size_t from = place > NEAR ? place - NEAR : 0;
	struct str part = str_head(str_skip(text, from), 2 * NEAR);

	for (size_t k = 0; k < part.len;) {
		ptrdiff_t hit = str_ifind(str_skip(part, k), STR("algo"));

		if (hit < 0)
			return;
		k += (size_t)hit + 4;
		/* the rest of the key, and what separates it from its value */
		size_t v = k + (str_ieq(str_head(str_skip(part, k), 5), STR("rithm")) ? 5 : 0);
		while (v < part.len && v < k + 16 && strchr("_\"'=: 	", part.s[v]))
			v++;
		size_t end = v;
		while (end < part.len && end < v + 40 && !strchr("\"' \t\r\n,;&|)}", part.s[end]))
			end++;
		struct str name = str_make(part.s + v, end - v);
		if (indicators_is_mining_algorithm(i, name)) {
			mining_set_algorithm(i, m, name);
			return;
		}
	}
}

bool mining_next_settings(const struct indicators *i, struct str text, size_t *at, struct arena *a,
	struct mining *ret)
{
	struct net_name n;

	(void)a;
	while (net_name_next(i, text, at, &n)) {
		struct mining m = {.form = MINING_SETTINGS, .at = n.at};

		mining_set_pool(i, &m, str_make(text.s + n.at, *at - n.at));
		if (!m.is_stratum && !m.is_known_pool)
			continue;
		if (m.wallet.coin == WALLET_NONE)
			find_wallet_near(text, n.at, &m);
		find_algorithm_near(i, text, n.at, &m);
		*ret = m;
		return true;
	}
	return false;
}

/* ---- hidden in base64 ------------------------------------------------------------------------ */

enum { MAX_ENCODED = 32 << 10, MIN_ENCODED = 24 };

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

struct str mining_decode(struct str text, size_t at, struct arena *a, size_t *begin)
{
	size_t from = at, to = at, n = 0;
	unsigned bits = 0, nbits = 0;

	while (from > 0 && at - from < MAX_ENCODED && base64_digit(text.s[from - 1]) >= 0)
		from--;
	while (to < text.len && to - at < MAX_ENCODED && base64_digit(text.s[to]) >= 0)
		to++;
	char *out = to - from >= MIN_ENCODED ? arena_raw(a, (to - from) / 4 * 3 + 4) : NULL;
	if (!out)
		return STR_NULL;
	for (size_t k = from; k < to; k++) {
		bits = bits << 6 | (unsigned)base64_digit(text.s[k]);
		nbits += 6;
		if (nbits < 8)
			continue;
		nbits -= 8;
		out[n++] = (char)(bits >> nbits);
	}
	*begin = from;
	return str_make(out, n);
}
