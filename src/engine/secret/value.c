/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value looks like: something that only a machine would make up, a password of a person, or
 * one of the many things that stand where a secret could: a placeholder, a reference to the
 * environment, a name, a path, a digest, a word. It knows no rule and no context.
 */
#include <ctype.h>
#include <math.h>

#include "engine/secret/private.h"

enum { ENTROPY_MAX_BYTES = 4096 };

double secret_entropy(struct str v)
{
	unsigned count[256] = {0};
	size_t n = v.len < ENTROPY_MAX_BYTES ? v.len : ENTROPY_MAX_BYTES;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		count[(unsigned char)v.s[i]]++;
	for (unsigned i = 0; i < 256; i++)
		if (count[i])
			sum -= count[i] * log2((double)count[i] / (double)n);
	return n ? sum / (double)n : 0;
}

struct letters {
	size_t lower, upper, digit, mark, vowel, changes; /* changes between kinds */
};

static struct letters count_letters(struct str v)
{
	struct letters l = {0};
	int last = 0;

	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.s[i];
		int kind = islower(c) ? 1 : isupper(c) ? 2 : isdigit(c) ? 3 : 4;

		l.lower += kind == 1;
		l.upper += kind == 2;
		l.digit += kind == 3;
		l.mark += kind == 4;
		l.vowel += c && strchr("aeiouAEIOU", c) != NULL;
		l.changes += i && kind != last;
		last = kind;
	}
	return l;
}

bool secret_looks_random(struct str v)
{
	struct letters l = count_letters(v);
	size_t letters = l.lower + l.upper;

	if (v.len < 6)
		return false;
	if (l.digit && letters)
		return l.changes * 6 >= v.len || secret_entropy(v) > 3.5;
	/* letters alone: kinds that change, few vowels, or hardly a letter twice */
	if (!l.digit && l.lower && l.upper && l.changes * 3 >= v.len)
		return true;
	return letters >= 12 && l.vowel * 6 < letters;
}

/* Letters to digits, to marks that do not part words, and back. */
static size_t count_turns(struct str v)
{
	size_t turns = 0;
	int last = 0;

	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.s[i];
		int kind = isalpha(c) ? 1 : isdigit(c) ? 2 : strchr("_-./: ", c) ? 0 : 3;

		turns += i && kind && last && kind != last;
		last = kind;
	}
	return turns;
}

bool secret_is_made_up(struct str v)
{
	struct letters l = count_letters(v);
	double surprise = secret_surprise(v);
	size_t turns = count_turns(v);

	if (v.len < 5)
		return false;
	if (l.digit == v.len)
		return v.len >= 8 && secret_entropy(v) > 2.4;
	if (turns >= 3 || (turns == 2 && (surprise >= 2.9 || v.len < 10)))
		return v.len >= 6;
	if (v.len < 6)
		return surprise >= 4.2;
	return surprise >= (v.len >= 10 ? 3.0 : v.len >= 8 ? 3.2 : 3.3);
}

/* ---- sorts of what is no secret ------------------------------------------------------------- */

static bool is_repeated(struct str v)
{
	size_t same = 0, steps = 0;
	bool seen[256] = {0};
	unsigned kinds = 0;

	for (size_t i = 0; i < v.len; i++) {
		kinds += !seen[(unsigned char)v.s[i]];
		seen[(unsigned char)v.s[i]] = true;
		same += i && v.s[i] == v.s[i - 1];
		steps += i && (v.s[i] == v.s[i - 1] + 1 || v.s[i] == v.s[i - 1] - 1);
	}
	if (kinds <= 2 && v.len >= 4)
		return true;
	if (v.len >= 8 && (same + 1) * 3 >= v.len * 2)
		return true;
	return v.len >= 5 && (steps + 1) * 4 >= v.len * 3;
}

static bool has_any(struct str v, const char *const *list)
{
	for (; *list; list++)
		if (str_find(v, str_of(*list)) >= 0)
			return true;
	return false;
}

static bool is_reference(struct str v)
{
	static const char *const anywhere[] = {"${", "$(", "{{", "}}", "#{", "<%", "%>", "%(", "$[",
		"process.env", "os.environ", "getenv", "ENV[", "System.", "secrets.", "valueFrom",
		"@{", "{%", "vault:", "ssm:", "{$", "arn:aws:", "env(", "environ[", "lookup(",
		NULL};
	static const char *const heads[] = {"!Ref", "!vault", "!Sub", "!Get", "env:", "ENC[",
		"ref+", "file:", "op://", "akv://", "sops:", "base64decode(", "var.", "local.",
		"data.", "self.", "this.", "config.", "settings.", "options.", "params.", "args.",
		"req.", "request.", "props.", "state.", NULL};

	if (v.s[0] == '$' && v.len > 1 && (isalpha((unsigned char)v.s[1]) || v.s[1] == '_')) {
		/* $6$… is a hash, $NAME a reference */
		size_t i = 1;
		while (i < v.len &&
			(isalnum((unsigned char)v.s[i]) || strchr("_:.->[]'\"", v.s[i])))
			i++;
		if (i == v.len || v.s[i] == '(')
			return true;
	}
	if (v.len > 2 && v.s[0] == '%' && v.s[v.len - 1] == '%')
		return true;
	if (v.len == 2 && v.s[0] == '%')
		return true;
	if (v.len > 2 && v.s[0] == '{' && v.s[v.len - 1] == '}')
		return true;
	for (const char *const *h = heads; *h; h++)
		if (str_starts(v, str_of(*h)))
			return true;
	return has_any(v, anywhere);
}

static bool is_bracketed(struct str v)
{
	static const char pairs[] = "<>[](){}";
	char a = v.s[0], b = v.s[v.len - 1];

	for (size_t i = 0; pairs[i]; i += 2)
		if (a == pairs[i] && (b == pairs[i + 1] || str_find_char(v, pairs[i + 1]) > 0))
			return true;
	return a == '*' && b == '*';
}

static bool is_placeholder(const struct secret_rules *r, struct str v)
{
	if (is_bracketed(v) || str_find(v, STR("...")) >= 0 || str_find(v, STR("***")) >= 0 ||
		str_find(v, STR("\xe2\x80\xa6")) >= 0 || str_ifind(v, STR("xxxx")) >= 0)
		return true;
	for (size_t i = 0; i < r->nplaceholders; i++) {
		struct str w = r->placeholders[i];

		/* "=word" is the whole value, "word" a part of it */
		if (w.s[0] == '=' ? str_ieq(v, str_skip(w, 1)) : str_ifind(v, w) >= 0)
			return true;
	}
	return false;
}

static bool is_path(struct str v)
{
	static const char *const heads[] = {
		"/", "./", "../", "~/", "http://", "https://", "file://", "C:\\", "\\\\", NULL};
	static const char *const tails[] = {".pem", ".key", ".crt", ".json", ".yaml", ".yml",
		".txt", ".html", ".php", ".js", ".py", ".xml", ".conf", ".png", ".svg", ".md",
		".rb", ".com", ".org", ".net", ".io", ".css", ".jks", ".p12", ".java", ".sh", ".go",
		NULL};
	size_t slashes = 0;

	for (size_t i = 0; i < v.len; i++)
		slashes += v.s[i] == '/';
	for (const char *const *t = tails; *t; t++)
		if (str_ends(v, str_of(*t)) && str_find_char(v, '@') < 0)
			return true;
	for (const char *const *h = heads; *h; h++)
		if (str_starts(v, str_of(*h)))
			return strlen(*h) > 1 || slashes > 1 || !secret_looks_random(v);
	return slashes > 1 && !secret_looks_random(v);
}

static bool all_of(struct str v, const char *set, bool (*is)(int))
{
	for (size_t i = 0; i < v.len; i++)
		if (!is((unsigned char)v.s[i]) && !(v.s[i] && strchr(set, v.s[i])))
			return false;
	return v.len > 0;
}

static bool digit(int c)
{
	return isdigit(c);
}

static bool hex(int c)
{
	return isxdigit(c);
}

static bool is_uuid(struct str v)
{
	static const unsigned char dashes[] = {8, 13, 18, 23};

	if (v.len != 36 || !all_of(v, "-", hex))
		return false;
	for (size_t i = 0; i < sizeof(dashes); i++)
		if (v.s[dashes[i]] != '-')
			return false;
	return true;
}

static bool is_digest(struct str v)
{
	static const char *const heads[] = {
		"sha1-", "sha256-", "sha384-", "sha512-", "sha256:", "md5:", NULL};

	for (const char *const *h = heads; *h; h++)
		if (str_starts(v, str_of(*h)))
			return true;
	/* a number of a program */
	if (v.len <= 20 && (str_starts(v, STR("0x")) || str_starts(v, STR("-0x"))))
		return true;
	/* dates, times, versions, addresses */
	return v.len >= 6 && all_of(v, "-:./TZ+ ", digit) && !all_of(v, "", digit);
}

/* A name of a programming language: words joined by "_", "-", ".", ":" or by capitals. */
static bool is_code(struct str v)
{
	struct letters l = count_letters(v);

	size_t backslashes = 0;

	for (size_t i = 0; i < v.len; i++)
		backslashes += v.s[i] == '\\';
	if (backslashes > 1)
		return true;
	if (str_find(v, STR("()")) >= 0 || str_find(v, STR("=>")) >= 0 ||
		str_find(v, STR("::")) >= 0 || str_find(v, STR("->")) >= 0)
		return true;
	if (v.s[v.len - 1] == ')' && str_find_char(v, '(') > 0)
		return true;
	return l.digit == 0 && l.mark == 0 && l.upper > 1 && l.lower > l.upper * 2 &&
	       l.vowel * 5 > v.len && isupper((unsigned char)v.s[0]) && v.len > 16;
}

static bool is_prose(struct str v)
{
	size_t blanks = 0, high = 0;

	for (size_t i = 0; i < v.len; i++) {
		blanks += v.s[i] == ' ';
		high += (unsigned char)v.s[i] >= 0x80;
	}
	return blanks > 2 || high > 2 || (blanks && !secret_looks_random(v));
}

struct str secret_letters(struct str s, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < size; i++)
		if (isalnum((unsigned char)s.s[i]))
			out[n++] = (char)tolower((unsigned char)s.s[i]);
	return str_make(out, n);
}

bool secret_is_of_words(const struct secret_rules *r, struct str value)
{
	char flat[128];
	struct str v = secret_letters(value, flat, sizeof(flat));

	if (value.len > sizeof(flat))
		return false;
	while (v.len) {
		size_t best = 0;

		for (size_t i = 0; i < r->nwords; i++)
			if (r->words[i].len > best && str_starts(v, r->words[i]))
				best = r->words[i].len;
		if (!best)
			return false;
		v = str_skip(v, best);
	}
	return true;
}

enum value_kind secret_value_kind(const struct secret_rules *r, struct str v)
{
	if (!v.len)
		return VALUE_EMPTY;
	if (is_repeated(v))
		return VALUE_REPEATED;
	if (is_reference(v))
		return VALUE_REFERENCE;
	if (is_placeholder(r, v))
		return VALUE_PLACEHOLDER;
	if (is_digest(v))
		return VALUE_HASH;
	if (is_uuid(v))
		return VALUE_GOOD;
	if (is_path(v))
		return VALUE_PATH;
	if (is_code(v))
		return VALUE_CODE;
	return is_prose(v) ? VALUE_PROSE : VALUE_GOOD;
}

const char *secret_value_reason(enum value_kind k)
{
	static const char *const words[] = {
		[VALUE_GOOD] = "may be one",
		[VALUE_EMPTY] = "is empty",
		[VALUE_PLACEHOLDER] = "is a placeholder",
		[VALUE_REFERENCE] = "is read from somewhere else",
		[VALUE_CODE] = "is a name of the program",
		[VALUE_PATH] = "is a path or an address",
		[VALUE_HASH] = "is a digest, a date or a version",
		[VALUE_PROSE] = "is a text for people",
		[VALUE_REPEATED] = "repeats itself",
	};

	return words[k];
}
