/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Recognisers: wallets with their checksums, mining pools and algorithms, domains and addresses
 * sorted into categories, hashes, names that imitate others. Data comes from data/intel/ and from
 * the user's feeds; everything is loaded before the first stranger's byte. Nothing here resolves a
 * name or talks to anybody.
 */
#include "base/arena.h"
#include "base/err.h"

/* ---- wallets (no data needed) ------------------------------------------------------------- */

enum wallet_coin { WALLET_NONE, WALLET_MONERO, WALLET_BITCOIN, WALLET_ETHEREUM, WALLET_COIN_COUNT };
enum wallet_proof {
	WALLET_VALID,
	WALLET_UNCHECKED /* the form has no checksum (all-lower Ethereum) */
};
struct wallet {
	enum wallet_coin coin;
	enum wallet_proof proof;
	const char *kind; /* "standard", "subaddress", "integrated", "p2pkh", "segwit" … */
	struct str text;  /* borrowed from what was searched */
};
/*
 * The first wallet at or behind `*at`, which is moved behind it. False at the end. Linear in the
 * text. Monero: base58 in blocks and Keccak-256; Bitcoin: base58check, bech32 and bech32m (BIP 173,
 * 350); Ethereum: EIP-55.
 */
bool wallet_next(struct str text, size_t *at, struct wallet *ret);
bool wallet_parse(struct str text, struct wallet *ret); /* the whole text is one */
const char *wallet_coin_name(enum wallet_coin c);
void keccak_256(const void *data, size_t size, uint8_t ret[32]);

/* ---- domains, addresses, hashes ----------------------------------------------------------- */

enum net_category {
	NET_NONE,
	NET_MINING_POOL,
	NET_PROXY_AVOIDANCE,
	NET_DYNAMIC_DNS,
	NET_MALICIOUS,
	NET_NEW,   /* registered lately, from a feed with dates */
	NET_PASTE, /* where droppers keep their second stage: pastes, file drops, tunnels, webhooks
		    */
	NET_CATEGORY_COUNT
};
const char *net_category_name(enum net_category c);

struct indicators;
/* feeds: the user's files and folders (format: data/intel/README.md); NULL-terminated or NULL. */
int indicators_load(
	const char *data_dir, const char *const *feeds, struct indicators **ret, struct err *e);
void indicators_free(struct indicators *i);
uint64_t indicators_hash(const struct indicators *i);
/* The list, by longest suffix of whole labels; `list` (may be NULL) names where it stands. */
enum net_category indicators_domain(
	const struct indicators *i, struct str domain, struct str *list);
enum net_category indicators_address(const struct indicators *i, struct str ip, struct str *list);
/* What its list says behind the name: of pools, the coins. Empty when nothing. */
struct str indicators_domain_note(const struct indicators *i, struct str domain);
/* A user's list of known-bad SHA-256; `note` says what it is. */
bool indicators_sha256(const struct indicators *i, const uint8_t sha[32], struct str *note);
bool indicators_is_mining_algorithm(
	const struct indicators *i, struct str name); /* "rx/0", "kawpow" */
/* The coin that most mine with it; empty when it is none of one coin. */
struct str indicators_algorithm_coin(const struct indicators *i, struct str name);
bool indicators_is_mining_port(const struct indicators *i, unsigned port);
bool indicators_is_miner_name(const struct indicators *i, struct str program); /* "xmrig" */
/* A node or wallet with a miner inside, which people run for other reasons: "monerod". */
bool indicators_is_mining_node(const struct indicators *i, struct str program);
/* A host named as pools name theirs ("xmr-eu1.example.com"): weak, by habit only. */
bool indicators_suggests_pool(struct str host);
/*
 * Texts by which a file is worth a closer look (data/intel/miner-signs.txt), one by one: start with
 * *pos = 0. They stand in data so that koban itself has none in it.
 */
enum mining_sign {
	SIGN_SCHEME,    /* of a pool's URL */
	SIGN_METHOD,    /* of Stratum and its kin */
	SIGN_ALGORITHM, /* a proof of work */
	SIGN_OPTION,    /* of miners' command lines and configurations */
	SIGN_NODE,      /* of a full node that can mine */
	SIGN_PROGRAM,   /* a miner's name */
	SIGN_ENCODED,   /* one of the above in base64 */
	SIGN_COUNT
};
const char *mining_sign_name(enum mining_sign g);
bool indicators_sign(
	const struct indicators *i, size_t *pos, enum mining_sign *group, struct str *text);
/*
 * Texts of the settings of VPNs and other ways around a network's own (data/intel/proxy-forms.txt):
 * a file has a form ("circumvention/shadowsocks") when all texts of it occur. In file order, which
 * keeps a form's texts together; start with *pos = 0.
 */
bool indicators_proxy_form(
	const struct indicators *i, size_t *pos, struct str *form, struct str *text);
/* "v2ray": *group is "circumvention". */
bool indicators_is_proxy_program(const struct indicators *i, struct str program, struct str *group);
/* All domains of a category, in the same way. */
bool indicators_domains(
	const struct indicators *i, size_t *pos, enum net_category category, struct str *domain);
/* Whether it is a public suffix as a whole ("com", "co.uk"); small letters only. */
bool indicators_is_suffix(const struct indicators *i, struct str domain);
/* The registrable part ("example.co.uk"), by the public suffixes in data/intel/; else the whole. */
struct str indicators_registrable(const struct indicators *i, struct str domain);

struct net_name {
	struct str text;   /* domain or address, borrowed */
	struct str scheme; /* "http", "stratum+tcp", …; empty when it stood alone */
	unsigned port;     /* 0 = none written */
	bool is_address;
	size_t at; /* where the whole thing begins */
};
/*
 * The next URL, domain or address at or behind *at. Domains without a scheme count only when
 * their end is a public suffix and they do not look like a file or a symbol ("libc.so", "foo.py").
 */
bool net_name_next(const struct indicators *i, struct str text, size_t *at, struct net_name *ret);

/* ---- names that imitate ------------------------------------------------------------------- */

enum imitation {
	IMITATION_NONE,
	IMITATION_SAME,
	IMITATION_EDIT,
	IMITATION_HOMOGLYPH,
	IMITATION_TOKEN
};
/*
 * Whether `repository` ("vibersastra/ubuntu", "c43602f9cc95/openjdk") is or imitates the name of an
 * official image that is not its own; *official is that name.
 */
enum imitation indicators_imitates(
	const struct indicators *i, struct str repository, struct str *official);
/* A name that nobody would say: hexadecimal digits, no vowels, letters and digits in turn. */
bool name_looks_random(struct str account);
/*
 * Whether a layer is the topmost one of a tag of this official image (data/intel/, feeds): an image
 * that is built on it has that layer.
 */
bool indicators_is_official_layer(
	const struct indicators *i, struct str official, struct str diff_id);
bool indicators_knows_layers_of(const struct indicators *i, struct str official);
/*
 * The variable that this official image sets in its environment, and all that are built on it
 * inherit ("GOLANG_VERSION"). Empty when none is known.
 */
struct str indicators_official_mark(const struct indicators *i, struct str official);
