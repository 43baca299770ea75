/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keys, tokens and passwords in bytes: one Vectorscan database for the literals and patterns of all
 * rules, PCRE2 to cut the value out, then entropy, context, checksums and allow-lists. Encodings
 * (base64, hex, gzip inside base64) are looked into. Values leave this room only redacted.
 */
#include "base/arena.h"
#include "base/err.h"

struct secret_rules;   /* immutable; shared between threads */
struct secret_scanner; /* scratch of one thread */

enum secret_validity {
	SECRET_PLAUSIBLE, /* looks like one */
	SECRET_STRONG,    /* a form that nothing else has, or parsed as a key */
	SECRET_CHECKED,   /* a checksum inside it is right */
};

struct secret {
	struct str id, title, mend; /* of the rule: "github-token", … */
	unsigned severity;          /* enum artifact_severity */
	enum secret_validity validity;
	unsigned confidence; /* per cent */
	uint64_t offset;     /* of the value in the text; of its encoding when it was encoded */
	size_t len;
	unsigned line;          /* from 1; 0 = not a text */
	struct str redacted;    /* the line or what is around it, value masked: at most 200 bytes */
	uint64_t value_hash;    /* keyed by nothing: the same value in two images has the same */
	const char *encoding;   /* "base64", "hex", "base64+gzip"; NULL = plain */
	struct str fingerprint; /* of keys: "SHA256:…" of the public half, when it could be told;
				   else empty */
	struct str account;     /* of AWS keys: the account's number, which is written in them */
	const char *how;        /* SECRET_CHECKED: "whose checksum is right", …; else NULL */
	bool is_encrypted;      /* a key behind a passphrase */
	bool is_wrong;          /* its checksum or its form is wrong: made up, cut or masked */
};

/* paths: files or folders of rules in YAML (data/secrets/ first, then the user's). */
int secret_rules_load(
	const char *data_dir, const char *const *paths, struct secret_rules **ret, struct err *e);
void secret_rules_unref(struct secret_rules *r);
size_t secret_rules_count(const struct secret_rules *r);
uint64_t secret_rules_hash(const struct secret_rules *r);
int secret_scanner_new(struct secret_rules *r, struct secret_scanner **ret, struct err *e);
void secret_scanner_free(struct secret_scanner *s);
/* How many candidates the allow-lists of data/secrets/ sorted out so far, each with its reason. */
uint64_t secret_scanner_allowed(const struct secret_scanner *s);
/*
 * How many keywords were passed over because a text had many times more of them than any ordinary
 * one: it was made to cost time, and something may be hidden in it.
 */
uint64_t secret_scanner_skipped(const struct secret_scanner *s);

struct secret_context {
	struct str path; /* decides allow-lists, and rules that are about files; may be empty */
	uint64_t offset; /* of the text in the file */
	bool is_text;
	unsigned line; /* of the text's first byte; 0 = unknown */
};
typedef void (*secret_found)(void *arg, const struct secret *s);
/* Everything in `found` is valid during the call only. */
void secret_scan(struct secret_scanner *s, struct str text, const struct secret_context *c,
	secret_found found, void *arg);
