/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The room's inside. Rules come from YAML (load.c), are compiled once (database.c), are run over a
 * text (scan.c, assign.c, decode.c), and what they find is judged (judge.c, value.c, check.c,
 * key.c), masked (redact.c) and handed out (report.c).
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <hs/hs.h>
#include <pcre2.h>

#include "base/yaml_read.h"
#include "engine/secret/secret.h"
#include "model/artifact/artifact.h"

enum {
	SECRET_RULES_MAX = 2000,
	SECRET_TRIGGERS_MAX = 8000,
	SECRET_LEVELS = 3,            /* the text itself, and two encodings deep */
	SECRET_HITS_MAX = 4096,       /* more in one text are reported in portions */
	SECRET_DECODED_MAX = 1 << 20, /* of one encoded piece; the rest of it is not looked into */
	SECRET_VALUE_MAX = 16384,
	SECRET_EXCERPT_MAX = 200,
	SECRET_BEFORE = 64, /* bytes that a rule sees around its keyword, if it says nothing else */
	SECRET_AFTER = 512,
	SECRET_AFTER_MAX = 32768,
	SECRET_WHOLE_MAX = 1 << 20, /* bytes of a file that a rule without a keyword is tried on */
};

/* What kind of file a path promises: whether a value has to stand in quotes. */
enum text_form {
	FORM_PLAIN,  /* not known */
	FORM_CONFIG, /* .yaml, .env, .ini, scripts, ENV of an image: words are values */
	FORM_CODE,   /* only what is quoted is a value */
	FORM_PROSE,  /* .md, .rst, man pages */
};

enum rule_kind {
	RULE_PATTERN,    /* a pattern says where the value is */
	RULE_ASSIGNMENT, /* something is given to a name that says "secret" (assign.c) */
};

/* What is known of a value beyond its look. */
struct secret_facts {
	bool is_none;      /* nothing is there, but a frame or a few letters for show */
	bool is_wrong;     /* the check says that it is none */
	bool is_checked;   /* … that its checksum is right, or that it parses as a key */
	bool is_encrypted; /* … that it is locked with a passphrase */
	const char *how;   /* it is known: "whose checksum is right"; NULL = it parses as one */
	char fingerprint[64];
	char account[16];
};
typedef void (*secret_check_fn)(struct str value, struct secret_facts *f);
/* The row of data that names it, or NULL. */
secret_check_fn secret_check_find(struct str name);

struct path_globs {
	struct str *v; /* fnmatch(3) patterns with a NUL behind; '*' also matches '/' */
	size_t n;
	struct str *core; /* the longest text of each that is no wildcard: asked first */
};
bool path_globs_match(const struct path_globs *g, struct str path);

struct secret_rule {
	struct str id, title, mend;
	enum rule_kind kind;
	enum artifact_severity severity;
	bool is_strong;      /* a form that nothing else has */
	bool in_binaries;    /* is searched in what is no text, too */
	bool takes_anything; /* values that look like examples are not sorted out */
	bool needs_check;    /* what fails the check is no finding at all */
	bool ends_name;      /* RULE_ASSIGNMENT: the keyword is the end of the name */
	bool needs_noise;    /* … and only a value that a generator made counts */
	unsigned confidence; /* per cent, before context */
	unsigned rank;       /* of two rules over the same bytes the higher one speaks */
	double entropy;      /* bits a byte, at least */
	size_t min, max;     /* bytes of a value (RULE_ASSIGNMENT) */
	secret_check_fn check;
	struct str pattern, trigger;
	struct str *keywords, *near, *examples, *never;
	size_t nkeywords, nnear, nexamples, nnever;
	struct path_globs paths; /* only there */
	size_t before, after;    /* bytes around the keyword */
	struct str place;        /* "file:line" of the row */
	pcre2_code *code;        /* NULL for RULE_ASSIGNMENT */
};

/* Rows that sort out or lower what was found, with the reason. */
struct secret_allow {
	struct str reason;
	struct path_globs paths, rules; /* empty = any */
	struct str *values, *keys;      /* patterns over the value; fingerprints of public halves */
	size_t nvalues, nkeys;
	pcre2_code **codes;
	bool only_weak;  /* leaves alone what was checked or is strong */
	bool is_context; /* lowers, does not sort out */
	enum artifact_severity severity_max;
	unsigned confidence; /* per cent of what it was */
};

struct secret_trigger {
	struct str text; /* literal or pattern */
	bool is_pattern, in_binaries;
	unsigned *rules; /* indexes */
	size_t nrules, room;
};

struct secret_rules {
	struct arena arena;
	int refs; /* atomic */
	struct secret_rule *rules;
	size_t nrules;
	struct secret_allow *allow;
	size_t nallow;
	struct secret_trigger *triggers;
	size_t ntriggers;
	struct str *not_names, *placeholders,
		*words; /* of assignments (data/secrets/assign.yaml) */
	size_t nnot_names, nplaceholders, nwords;
	unsigned *whole; /* rules without a keyword: tried over all of the files that they name */
	size_t nwhole;
	hs_database_t *text, *binary;
	uint64_t hash;
};

struct secret_hit {
	const struct secret_rule *rule;
	size_t start, len; /* in the text that was given */
	uint64_t hash;
	enum artifact_severity severity;
	enum secret_validity validity;
	unsigned confidence;
	const char *encoding;
	bool is_wrong, is_encrypted;
	const char *how;
	char fingerprint[64], account[16];
};

struct secret_scanner {
	struct secret_rules *rules;
	hs_scratch_t *scratch[SECRET_LEVELS];
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	size_t *last_end[SECRET_LEVELS]; /* a rule's last match: nothing is found twice */
	int8_t *is_active;               /* by the path: -1 not yet asked */
	uint8_t *decoded[SECRET_LEVELS];
	struct secret_hit *hits;
	size_t nhits;
	uint64_t nallowed, nskipped;
	size_t tries; /* of patterns that are left for this text */
	/* of the scan that runs */
	struct str text;
	const struct secret_context *c;
	enum text_form form;
	secret_found found;
	void *arg;
	size_t line_at; /* offset up to which lines are counted */
	unsigned line;
};

/* One text at one level: the file, or what an encoding in it held. */
struct secret_pass {
	struct secret_scanner *s;
	struct str text;
	unsigned level;
	size_t outer, outer_len; /* where its encoding lies in the text that was given */
	const char *encoding;    /* NULL = plain */
};

/* load.c */
int secret_load_file(struct secret_rules *r, const char *path, struct err *e);
/* database.c */
int secret_compile(struct secret_rules *r, struct err *e);
pcre2_code *secret_pattern_compile(struct arena *a, struct str pattern, struct err *e);
/* scan.c */
void secret_pass_run(struct secret_pass *p);
/* Whether the pattern is in the text; the vector is of the scanner's match data. */
bool secret_match(struct secret_scanner *s, const pcre2_code *code, struct str text, size_t from);
/* assign.c: `end` is behind the keyword. */
void secret_assignment(struct secret_pass *p, const struct secret_rule *r, size_t end);
/* decode.c */
void secret_decode(struct secret_pass *p);
/* Base64 of either alphabet, padding or not; bytes written, 0 = it is none. */
size_t secret_base64(struct str s, uint8_t *out, size_t size);
bool secret_is_printable(const uint8_t *s, size_t n);
/* judge.c: the value at `start` of p->text is a candidate of the rule. */
void secret_judge(struct secret_pass *p, const struct secret_rule *r, size_t start, size_t len,
	unsigned confidence);
/* report.c */
void secret_report(struct secret_scanner *s);
/* redact.c: the line around a hit with all that is secret masked. */
struct str secret_redact(
	const struct secret_scanner *s, const struct secret_hit *h, char out[SECRET_EXCERPT_MAX]);

/* value.c */
enum value_kind {
	VALUE_GOOD,
	VALUE_EMPTY,
	VALUE_PLACEHOLDER, /* "changeme", "<your key>", "xxxx" */
	VALUE_REFERENCE,   /* ${VAR}, {{ template }}, process.env.X, $(cmd), !Ref */
	VALUE_CODE,        /* a name, a call, a type */
	VALUE_PATH,        /* of a file, or a URL without a password */
	VALUE_HASH,        /* a digest, a UUID, a date, a version */
	VALUE_PROSE,       /* words of a language */
	VALUE_REPEATED,    /* aaaa, 1234 1234, abcdef */
};
enum value_kind secret_value_kind(const struct secret_rules *r, struct str v);
const char *secret_value_reason(enum value_kind k);
double secret_entropy(struct str v);
/* Shares no words with a language: letters and digits mixed, or marks in it. */
bool secret_looks_random(struct str v);

/* A generator made it, or a person who took care: no word of a program or of a language. */
bool secret_is_made_up(struct str v);
/* Its letters and digits, in small. */
struct str secret_letters(struct str s, char *out, size_t size);
/* Made of the words of names and labels and of nothing else: "access_token", "new password". */
bool secret_is_of_words(const struct secret_rules *r, struct str v);

/* letters.c: bits that a letter of it surprises with, on average; 0 when it has too few. */
double secret_surprise(struct str v);

/* key.c */
void secret_check_pem(struct str value, struct secret_facts *f);
void secret_check_putty(struct str value, struct secret_facts *f);
void secret_keys_init(void);
