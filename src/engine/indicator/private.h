/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of this room share and nobody else sees. */
#include "engine/indicator/indicator.h"

/* ---- wallets: each reads one whole word ----------------------------------------------------- */

enum {
	MONERO_CHARS = 95,      /* standard and subaddress: 69 bytes */
	MONERO_LONG_CHARS = 106 /* integrated: 77 bytes */
};

/* The digits of base58 (Bitcoin's alphabet: no 0, O, I, l) by character; -1 = none. */
int base58_digit(char c);
bool monero_parse(struct str word, struct wallet *ret);
bool bitcoin_parse(struct str word, struct wallet *ret);
bool bech32_parse(struct str word, struct wallet *ret);
bool ethereum_parse(struct str word, struct wallet *ret);

/* ---- sets of names ------------------------------------------------------------------------- */

/*
 * Many short names in little memory: the texts lie one behind the other in one block, and a table
 * of places points into it. A name is any bytes up to 255; a value and a note go with it. It only
 * grows; what was found stays valid until the next name is added.
 */
struct names {
	uint8_t *blob;
	size_t used, room;
	struct name_slot *slots;
	size_t nslots, count;
};
struct name_slot {
	uint32_t place; /* in blob, from 1; 0 = free */
	uint32_t tag;   /* of the hash: most misses end here */
};
struct name_entry {
	uint16_t value;
	struct str name, note;
};

void names_done(struct names *s);
/* Adds it, or leaves what is there: the first list that names it has it. 0, -ENOMEM, -E2BIG. */
int names_add(struct names *s, struct str name, uint16_t value, struct str note);
bool names_find(const struct names *s, struct str name, struct name_entry *ret);
bool names_has(const struct names *s, struct str name);
/* Gives back what was kept for growing. */
void names_trim(struct names *s);
/* All, in the order in which they were added: start with *pos = 0. */
bool names_next(const struct names *s, size_t *pos, struct name_entry *ret);

/* ---- lists --------------------------------------------------------------------------------- */

enum list_kind {
	LIST_NET, /* domains, addresses, hashes, of a category */
	LIST_ALGORITHM,
	LIST_MINER,
	LIST_PORT,
	LIST_OFFICIAL,
	LIST_PUBLISHER,
	LIST_LAYER,
	LIST_SUFFIX,
	LIST_SIGN,
	LIST_PROXY_FORM,
	LIST_PROXY_PROGRAM,
	LIST_MARK,
	LIST_KIND_COUNT
};
enum {
	LIST_MAX = 4096,           /* files */
	LIST_MAX_BYTES = 64 << 20, /* of one */
	DOMAIN_MAX = 253,          /* RFC 1035, as it is written */
	ADDRESS_KEY = 17,          /* 16 bytes of IPv6 (IPv4 mapped), length of the prefix */
	NEW_DAYS = 30,             /* how long a domain is new, unless its list says */
	MINER_IS_NODE = 1,         /* a node or wallet that can mine */
};

struct list {
	struct str name;
	enum list_kind kind;
	enum net_category category;
};

struct indicators {
	struct arena arena;
	struct names domains, addresses, hashes; /* value: the list */
	struct names suffixes, algorithms, miners, officials, publishers, layers;
	struct names signs;          /* value: the group */
	struct names proxy_forms;    /* name: the text; note: the form */
	struct names proxy_programs; /* note: the group */
	struct names marks;          /* of official images; note: the variable */
	uint8_t ports[65536 / 8];
	bool has_prefix[129]; /* lengths of prefixes in addresses */
	struct list lists[LIST_MAX];
	size_t nlists;
	uint64_t hash;
	int64_t today; /* days since the epoch: what decides whether a domain is new */
};

/* One file into i. */
int list_load(struct indicators *i, const char *path, struct err *e);
/* As domains are kept: small letters, without dots at the ends or "*." in front. False: none. */
bool domain_clean(struct str s, char out[DOMAIN_MAX + 1], struct str *ret);
/* "10.0.0.0/8", "2001:db8::1" as a key; false when it is none. */
bool address_key(struct str s, uint8_t ret[ADDRESS_KEY]);
void address_mask(const uint8_t address[16], unsigned prefix, uint8_t ret[ADDRESS_KEY]);
/* "2026-08-20", perhaps with a time behind it, as days since the epoch. */
bool day_parse(struct str s, int64_t *ret);
