/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations of miners, parsed: XMRig and its forks and proxy (config.json), xmr-stak
 * (config.txt, pools.txt: JSON without braces), T-Rex, NBMiner, ccminer, cpuminer, cgminer,
 * bfgminer, sgminer (JSON with "pools" or with "url" and "user" at the top). One reader for all: an
 * object that has a pool and a user is an entry, and what it lacks is looked for in the objects
 * around it.
 */
#include <jansson.h>

#include "base/buf.h"
#include "scan/image/mining.h"

enum { MAX_DEPTH = 8, MAX_MEMBERS = 4096 };

/* ---- the text, made strict ----------------------------------------------------------------- */

struct cleaning {
	struct str in;
	struct buf out;
	size_t at;
};

static void copy_string(struct cleaning *c)
{
	size_t from = c->at++;

	while (c->at < c->in.len && c->in.s[c->at] != '"' && c->in.s[c->at] != '\n')
		c->at += c->in.s[c->at] == '\\' ? 2 : 1;
	if (c->at < c->in.len)
		c->at++;
	else
		c->at = c->in.len;
	buf_add(&c->out, str_make(c->in.s + from, c->at - from));
}

static bool skip_comment(struct cleaning *c)
{
	struct str rest = str_skip(c->in, c->at);
	bool is_line = str_starts(rest, STR("//")) || str_starts(rest, STR("#"));

	if (!is_line && !str_starts(rest, STR("/*")))
		return false;
	ptrdiff_t end = str_find(str_skip(rest, is_line ? 0 : 2), is_line ? STR("\n") : STR("*/"));
	c->at = end < 0 ? c->in.len : c->at + (size_t)end + (is_line ? 0 : 4);
	buf_add_char(&c->out, ' ');
	return true;
}

/* A comma with nothing but blanks between it and what closes is taken back. */
static void drop_comma(struct buf *b)
{
	size_t n = b->len;

	while (n && strchr(" \t\r\n", b->s[n - 1]))
		n--;
	if (n && b->s[n - 1] == ',')
		b->s[n - 1] = ' ';
}

/* Without comments and trailing commas; braces around it when it begins with a key. */
static struct str clean(struct str text, struct arena *a)
{
	struct cleaning c = {.in = text, .out = BUF_INIT(MINING_MAX_CONFIG + 64)};
	bool is_bare = false, has_begun = false;

	while (c.at < text.len && !c.out.cut) {
		char ch = text.s[c.at];

		if (skip_comment(&c))
			continue;
		if (!has_begun && ch > ' ') {
			has_begun = true;
			is_bare = ch == '"';
			if (is_bare)
				buf_add_char(&c.out, '{');
		}
		if (ch == '"') {
			copy_string(&c);
			continue;
		}
		if (ch == '}' || ch == ']')
			drop_comma(&c.out);
		buf_add_char(&c.out, ch);
		c.at++;
	}
	if (is_bare) {
		drop_comma(&c.out);
		buf_add_char(&c.out, '}');
	}
	struct str s = c.out.cut ? STR_NULL : arena_str(a, buf_str(&c.out));
	buf_done(&c.out);
	return s;
}

/* ---- the tree ------------------------------------------------------------------------------ */

struct walk {
	const struct indicators *i;
	struct arena *a;
	struct mining *out;
	size_t n, members;
	struct str text; /* as it was, for places */
};

/* The value of the first of these keys that is a string (or a list that begins with one). */
static struct str text_of(const struct walk *w, const json_t *o, const char *const *keys)
{
	for (; *keys; keys++) {
		const json_t *v = json_object_get(o, *keys);

		if (json_is_array(v))
			v = json_array_get(v, 0);
		if (json_is_string(v) && json_string_length(v))
			return arena_str(
				w->a, str_make(json_string_value(v), json_string_length(v)));
	}
	return STR_NULL;
}

static const char *const pool_keys[] = {"url", "pool_address", "pool", "pools", "host", "server",
	"pool_url", "poolurl", "POOL", "Pool", "stratum", "address", "pool1", "proxy_url", NULL};
static const char *const user_keys[] = {"user", "wallet_address", "wallet", "username", "wal",
	"login", "account", "USER", "Wallet", "walletAddress", "payment_address", "wallet1",
	"mining_address", NULL};
static const char *const algorithm_keys[] = {
	"algo", "algorithm", "currency", "algo1", "kernel", NULL};
static const char *const coin_keys[] = {"coin", "Coin", NULL};
/* what only miners are told */
static const char *const miner_keys[] = {"donate-level", "donate-over-proxy", "rig-id", "rig_id",
	"nicehash", "use_nicehash", "pool_weight", "max-threads-hint", "randomx", "huge-pages-jit",
	"self-select", "submit-to-origin", "pool_password", "cpu_threads_conf", "gpu_threads_conf",
	"tls-fingerprint", "tls_fingerprint", "1gb-pages", "hw-aes", "api-bind-http", NULL};

/* How many of its keys only miners have. */
static unsigned count_miner_keys(const json_t *o)
{
	unsigned n = 0;

	for (size_t k = 0; miner_keys[k]; k++)
		n += json_object_get(o, miner_keys[k]) != NULL;
	return n;
}

static const char *family_of(const json_t *o)
{
	if (json_object_get(o, "donate-level") &&
		(json_object_get(o, "pools") || json_object_get(o, "cpu")))
		return json_is_array(json_object_get(o, "bind")) ? "XMRig proxy's" : "XMRig's";
	if (json_object_get(o, "pool_list") || json_object_get(o, "cpu_threads_conf"))
		return "xmr-stak's";
	if (json_object_get(o, "lhr-algo") || json_object_get(o, "api-bind-http"))
		return "T-Rex's";
	return NULL;
}

static struct mining *add_entry(struct walk *w, const json_t *o, const struct mining *around)
{
	struct str url = text_of(w, o, pool_keys), user = text_of(w, o, user_keys);
	struct mining m = *around;

	if (!url.len || w->n == MINING_MAX_POOLS)
		return NULL;
	mining_set_algorithm(w->i, &m, text_of(w, o, algorithm_keys));
	struct str coin = text_of(w, o, coin_keys);
	if (coin.len && coin.len < 40)
		m.coin = coin;
	mining_set_user(&m, user);
	mining_set_pool(w->i, &m, url);
	/* an entry is something with a host and with somebody or something of mining */
	if (!m.host.len || (!user.len && !m.wallet.text.len && !m.is_stratum && !m.is_known_pool))
		return NULL;
	ptrdiff_t at = str_find(w->text, url);
	m.at = at < 0 ? 0 : (size_t)at;
	w->out[w->n] = m;
	return w->out + w->n++;
}

static void visit(struct walk *w, const json_t *v, struct mining around, unsigned depth)
{
	const char *key;
	json_t *child;
	size_t index;

	if (depth > MAX_DEPTH || ++w->members > MAX_MEMBERS)
		return;
	if (json_is_object(v)) {
		const char *family = family_of(v);

		if (family)
			around.family = family;
		around.has_miner_keys |= count_miner_keys(v) >= 2 || family;
		mining_set_algorithm(w->i, &around, text_of(w, v, algorithm_keys));
		add_entry(w, v, &around);
		json_object_foreach(
			(json_t *)v, key, child) if (json_is_object(child) || json_is_array(child))
			visit(w, child, around, depth + 1);
	}
	json_array_foreach(v, index, child) if (json_is_object(child) || json_is_array(child))
		visit(w, child, around, depth + 1);
}

size_t mining_parse_config(const struct indicators *i, struct str text, struct arena *a,
	struct mining out[MINING_MAX_POOLS])
{
	struct walk w = {.i = i, .a = a, .out = out, .text = text};
	struct str head = str_trim(str_head(text, 4096));
	json_error_t wrong;

	if (text.len > MINING_MAX_CONFIG || !head.len || !strchr("{[\"/#", head.s[0]))
		return 0;
	struct str strict = clean(text, a);
	json_t *root = strict.len ? json_loadb(strict.s, strict.len, JSON_ALLOW_NUL, &wrong) : NULL;
	if (!root)
		return 0;
	visit(&w, root, (struct mining){.form = MINING_CONFIG}, 0);
	json_decref(root);
	return w.n;
}
