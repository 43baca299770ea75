/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The text of YARA rules, as far as a gate must know it: names, strings, conditions. libyara
 * compiles rules and gives neither regular expressions nor conditions back.
 */
#include "base/arena.h"
#include "base/err.h"

enum yara_string_kind { YARA_TEXT, YARA_REGEX, YARA_HEX };

struct yara_string {
	struct str name; /* with its $ */
	enum yara_string_kind kind;
	/* of a text its bytes; of an expression what stands between the slashes; of hex nothing */
	struct str text;
	bool is_nocase, is_dotall;
	bool is_narrowed; /* a place where the text stands need not be a match: fullword */
	bool is_changed;  /* what matches is not the text itself: wide, xor, base64 */
};

struct yara_rule {
	struct str name, condition;
	struct yara_string *strings;
	size_t nstrings;
	bool is_global;
};

enum { YARA_MAX_STRINGS = 256 }; /* of a rule that is gated */

/*
 * Cuts the next rule off *rest: 1, or 0 when there is none, or -errno: -EINVAL for what it does not
 * understand. What it returns lives in `a` and in the text.
 */
int yara_source_next(struct str *rest, struct arena *a, struct yara_rule *ret, struct err *e);

enum yara_token_kind {
	TOKEN_END,
	TOKEN_NAME,   /* also keywords and numbers: and, filesize, 0x10, 512KB */
	TOKEN_STRING, /* of the rule: $a1, and $a* */
	TOKEN_TEXT,   /* "…", with its quotes */
	TOKEN_REGEX,  /* /…/is, with its slashes and letters */
	TOKEN_SIGN,   /* any other byte */
};

struct yara_token {
	enum yara_token_kind kind;
	struct str text;
};

/* Comments and blanks are skipped. A text or an expression without an end is one to the end. */
struct yara_token yara_token_next(struct str *rest);
bool yara_token_is(struct yara_token t, const char *text);
