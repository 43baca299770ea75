/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What speaks for mining in one place (a pool's entry in a configuration, a command line, settings
 * side by side), and what that adds up to. Structure counts, not words: a pool, a wallet whose
 * checksum is right, an algorithm, together.
 */
#include "engine/indicator/indicator.h"
#include "scan/image/role.h"

enum {
	MINING_MAX_CONFIG = 256 << 10, /* bytes of a configuration that is parsed */
	MINING_MAX_POOLS = 64,         /* entries of one configuration */
	MINING_MAX_TEXT = 256 << 10,   /* bytes of a text that are searched as a whole */
};

enum mining_form {
	MINING_CONFIG,   /* a parsed configuration */
	MINING_COMMAND,  /* a command line */
	MINING_SETTINGS, /* near one another in a text */
};

struct mining {
	enum mining_form form;
	const char *family; /* whose form it is: "XMRig", "xmr-stak"…; NULL = not known */
	struct str program; /* a miner's name, as it is called */
	struct str pool;    /* host:port, without scheme and user */
	struct str host;
	unsigned port;
	struct str user, algorithm, coin;
	struct wallet wallet; /* coin WALLET_NONE = none */
	bool is_stratum;      /* the URL's scheme says so */
	bool is_known_pool;   /* its host is in the lists */
	bool is_donation;     /* the pool of a program's authors: the stock configuration */
	bool is_known_algorithm;
	bool has_miner_keys; /* settings that only miners have: donate-level and its like */
	bool is_encoded;     /* it was base64 */
	size_t at;           /* of it in the text */
};

/* A pool as settings write it ("stratum+tcp://user:pass@host:port/path", "host:port"). */
void mining_set_pool(const struct indicators *i, struct mining *m, struct str url);
/* A user: the wallet in it, if it has one ("4…​.worker", "4…+diff", "XMR:4….rig#ref"). */
void mining_set_user(struct mining *m, struct str user);
void mining_set_algorithm(const struct indicators *i, struct mining *m, struct str name);
/* A wallet whose checksum is right. */
bool mining_has_wallet(const struct mining *m);
/* A pool that is one by its URL's scheme or by the lists, and not the program's authors' own. */
bool mining_has_pool(const struct mining *m);
/* How many signs stand beside pool and wallet. */
unsigned mining_signs(const struct mining *m);
/* A configuration as it came with the program: nobody has put in a wallet or a pool. */
bool mining_is_stock(const struct mining *m);
/* Whether it is worth a word at all. */
bool mining_is_evidence(const struct mining *m);
/* Whether pool and wallet are both proved: nothing else looks like that. */
bool mining_is_proof(const struct mining *m);

/*
 * The entries of a configuration in JSON, with comments and trailing commas, with or without braces
 * around it. How many were filled in; 0 when it is none. What they borrow lives in `a`.
 */
size_t mining_parse_config(const struct indicators *i, struct str text, struct arena *a,
	struct mining out[MINING_MAX_POOLS]);
/*
 * The command in one line (continuations joined): options of all common miners. False when nothing
 * in it is a miner's.
 */
bool mining_parse_command(
	const struct indicators *i, struct str line, struct arena *a, struct mining *ret);
/* What stands in a text near one another, from *at on, which is moved behind it. */
bool mining_next_settings(const struct indicators *i, struct str text, size_t *at, struct arena *a,
	struct mining *ret);

/* The bytes of the base64 in which `at` lies, in `a`; *begin is where it starts. Empty = none. */
struct str mining_decode(struct str text, size_t at, struct arena *a, size_t *begin);

/* Says it to the ledger; `content` is where m->at points into, `line` the number of its first. */
void mining_report(const struct mining *m, enum file_role role, struct str content, uint64_t offset,
	struct ledger *l);
