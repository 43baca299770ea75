/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that imitate those of official images, and accounts that nobody would name so. All of it is
 * about names alone: whether the layers belong to the official image is asked elsewhere.
 */
#include "engine/indicator/private.h"

enum { NAME_MAX_BYTES = 128, TOKENS = 16 };

/* ---- how a name looks ---------------------------------------------------------------------- */

/*
 * Letters of other scripts, and signs, that look like an ASCII letter in most fonts: the lower-case
 * part of Unicode's confusables (UTS 39) for Cyrillic, Greek, Armenian, Latin with strokes.
 */
static char look_of(uint32_t c)
{
	static const struct {
		uint16_t code;
		char look;
	} looks[] = {
		{0x0430, 'a'},
		{0x0251, 'a'},
		{0x03b1, 'a'},
		{0x00e0, 'a'},
		{0x00e1, 'a'},
		{0x00e2, 'a'},
		{0x00e3, 'a'},
		{0x00e4, 'a'},
		{0x00e5, 'a'},
		{0x0101, 'a'},
		{0x0184, 'b'},
		{0x044c, 'b'},
		{0x1e05, 'b'},
		{0x0441, 'c'},
		{0x03f2, 'c'},
		{0x00e7, 'c'},
		{0x0107, 'c'},
		{0x0501, 'd'},
		{0x0111, 'd'},
		{0x0435, 'e'},
		{0x0451, 'e'},
		{0x00e8, 'e'},
		{0x00e9, 'e'},
		{0x00ea, 'e'},
		{0x00eb, 'e'},
		{0x04bd, 'e'},
		{0x0113, 'e'},
		{0x0117, 'e'},
		{0x0581, 'g'},
		{0x0261, 'g'},
		{0x011f, 'g'},
		{0x04bb, 'h'},
		{0x0570, 'h'},
		{0x0127, 'h'},
		{0x0456, 'l'},
		{0x0457, 'l'},
		{0x00ec, 'l'},
		{0x00ed, 'l'},
		{0x00ee, 'l'},
		{0x00ef, 'l'},
		{0x0131, 'l'},
		{0x03b9, 'l'},
		{0x04cf, 'l'},
		{0x0269, 'l'},
		{0x0142, 'l'},
		{0x0458, 'j'},
		{0x03f3, 'j'},
		{0x043a, 'k'},
		{0x03ba, 'k'},
		{0x0138, 'k'},
		{0x043c, 'm'},
		{0x0578, 'n'},
		{0x057c, 'n'},
		{0x00f1, 'n'},
		{0x0144, 'n'},
		{0x014b, 'n'},
		{0x043e, 'o'},
		{0x03bf, 'o'},
		{0x0585, 'o'},
		{0x00f2, 'o'},
		{0x00f3, 'o'},
		{0x00f4, 'o'},
		{0x00f5, 'o'},
		{0x00f6, 'o'},
		{0x00f8, 'o'},
		{0x03c3, 'o'},
		{0x0440, 'p'},
		{0x03c1, 'p'},
		{0x051b, 'q'},
		{0x0566, 'q'},
		{0x0433, 'r'},
		{0x0155, 'r'},
		{0x0455, 's'},
		{0x015b, 's'},
		{0x0161, 's'},
		{0x0442, 't'},
		{0x03c4, 't'},
		{0x0163, 't'},
		{0x057d, 'u'},
		{0x03c5, 'u'},
		{0x00f9, 'u'},
		{0x00fa, 'u'},
		{0x00fb, 'u'},
		{0x00fc, 'u'},
		{0x0446, 'u'},
		{0x03bd, 'v'},
		{0x0475, 'v'},
		{0x051d, 'w'},
		{0x0461, 'w'},
		{0x03c9, 'w'},
		{0x0445, 'x'},
		{0x03c7, 'x'},
		{0x0443, 'y'},
		{0x03b3, 'y'},
		{0x04af, 'y'},
		{0x00fd, 'y'},
		{0x00ff, 'y'},
		{0x0290, 'z'},
		{0x017e, 'z'},
		{0x017c, 'z'},
	};

	/* full-width forms */
	if (c >= 0xff21 && c <= 0xff3a)
		return (char)('a' + c - 0xff21);
	if (c >= 0xff41 && c <= 0xff5a)
		return (char)('a' + c - 0xff41);
	for (size_t k = 0; k < sizeof(looks) / sizeof(looks[0]); k++)
		if (looks[k].code == c)
			return looks[k].look;
	return '?';
}

/* Digits and letters that stand for one another: "n0de", "g1tlab", "5onar". */
static char ascii_look(char c)
{
	static const char pairs[] = "0o1l3e4a5s7t8b9gil|l!l$s@a";

	for (size_t k = 0; k + 1 < sizeof(pairs); k += 2)
		if (pairs[k] == c)
			return pairs[k + 1];
	return c;
}

/* One character off s as ASCII that looks like it. */
static char next_look(struct str *s)
{
	unsigned char c = (unsigned char)s->s[0];
	uint32_t code = 0;
	size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (n == 1) {
		*s = str_skip(*s, 1);
		return ascii_look((char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
	}
	if (n > s->len) {
		*s = str_skip(*s, s->len);
		return '?';
	}
	code = c & (0xffU >> (n + 1));
	for (size_t k = 1; k < n; k++)
		code = code << 6 | ((unsigned char)s->s[k] & 0x3f);
	*s = str_skip(*s, n);
	return look_of(code);
}

/* What is left of a name for the eye: letters that look alike are one, "rn" is "m", "vv" "w". */
static struct str skeleton(struct str s, char out[NAME_MAX_BYTES])
{
	size_t n = 0;

	while (s.len && n < NAME_MAX_BYTES) {
		char c = next_look(&s);

		if (n && ((c == 'n' && out[n - 1] == 'r') || (c == 'v' && out[n - 1] == 'v')))
			out[n - 1] = c == 'n' ? 'm' : 'w';
		else
			out[n++] = c;
	}
	return str_make(out, n);
}

/* ---- how far names are from each other ------------------------------------------------------ */

/* Changes, insertions, deletions and swaps of neighbours (optimal string alignment), up to 3. */
static unsigned distance(struct str a, struct str b)
{
	enum { FAR = 3, MAX = 64 };
	unsigned rows[3][MAX + 1];

	if (a.len > MAX || b.len > MAX || a.len > b.len + FAR || b.len > a.len + FAR)
		return FAR;
	for (unsigned j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned best = last[j - 1] + (a.s[i - 1] != b.s[j - 1]);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a.s[i - 1] == b.s[j - 2] &&
				a.s[i - 2] == b.s[j - 1] && older[j - 2] + 1 < best)
				best = older[j - 2] + 1;
			now[j] = best;
		}
	}
	unsigned d = rows[a.len % 3][b.len];
	return d < FAR ? d : FAR;
}

/* "ubuntuu", "debiann", "ngninx" is left: one letter written twice, or two swapped. */
static bool is_slip(struct str name, struct str official)
{
	if (name.len == official.len + 1) {
		for (size_t k = 1; k < name.len; k++)
			if (name.s[k] == name.s[k - 1] &&
				str_eq(str_head(name, k), str_head(official, k)) &&
				str_eq(str_skip(name, k + 1), str_skip(official, k)))
				return true;
		return false;
	}
	if (name.len != official.len)
		return false;
	size_t k = 0;
	while (k < name.len && name.s[k] == official.s[k])
		k++;
	return k + 1 < name.len && name.s[k] == official.s[k + 1] &&
	       name.s[k + 1] == official.s[k] &&
	       str_eq(str_skip(name, k + 2), str_skip(official, k + 2));
}

/*
 * Short words have too many neighbours that are words ("redis", "red", "reds"): up to four letters
 * nothing counts, five only slips of the hand, six to eight one step, longer ones two.
 */
static bool is_near(struct str name, struct str official)
{
	if (official.len < 5 || name.len < 5)
		return false;
	if (official.len == 5)
		return is_slip(name, official);
	unsigned d = distance(name, official);
	return d > 0 && d <= (official.len < 9 ? 1U : 2U);
}

/* ---- words of a name ----------------------------------------------------------------------- */

/* Words by which a copy says that it is the real thing. */
static bool is_claim(struct str word)
{
	static const char *const claims[] = {"official", "offical", "oficial", "officials",
		"original", "orig", "real", "genuine", "verified", "trusted", "library",
		"dockerhub", "docker", "hub", "image", "images", "latest", "stable", "base", "os",
		"linux", "lts", "server", "upstream", "mirror", "secure", "safe", NULL};

	for (size_t k = 0; claims[k]; k++)
		if (str_is(word, claims[k]))
			return true;
	return false;
}

static size_t split(struct str s, struct str out[TOKENS])
{
	size_t n = 0, begin = 0;

	for (size_t k = 0; k <= s.len && n < TOKENS; k++) {
		if (k < s.len && s.s[k] != '-' && s.s[k] != '_' && s.s[k] != '.')
			continue;
		if (k > begin)
			out[n++] = str_make(s.s + begin, k - begin);
		begin = k + 1;
	}
	return n;
}

/* "ubuntu-official", "official_nginx", "docker.io-debian-latest": one official name, else claims.
 */
static bool is_claimed(const struct indicators *i, struct str name, struct str *official)
{
	struct str words[TOKENS];
	struct name_entry e, found = {0};
	size_t n = split(name, words);

	for (size_t k = 0; k < n; k++) {
		if (is_claim(words[k]))
			continue;
		if (found.name.len || !names_find(&i->officials, words[k], &e))
			return false;
		found = e;
	}
	*official = found.name;
	return n > 1 && found.name.len > 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static enum imitation compare(const struct indicators *i, struct str name, struct str *official)
{
	char look[NAME_MAX_BYTES], other[NAME_MAX_BYTES];
	struct str mine = skeleton(name, look);
	struct name_entry e;
	size_t pos = 0;

	if (names_find(&i->officials, name, &e)) {
		*official = e.name;
		return IMITATION_SAME;
	}
	while (names_next(&i->officials, &pos, &e)) {
		*official = e.name;
		if (e.name.len > 2 && str_eq(mine, skeleton(e.name, other)))
			return IMITATION_HOMOGLYPH;
	}
	if (is_claimed(i, name, official))
		return IMITATION_TOKEN;
	for (pos = 0; names_next(&i->officials, &pos, &e);) {
		*official = e.name;
		if (is_near(name, e.name))
			return IMITATION_EDIT;
	}
	return IMITATION_NONE;
}

enum imitation indicators_imitates(
	const struct indicators *i, struct str repository, struct str *official)
{
	struct str account = STR_NULL, name = repository, unused;
	ptrdiff_t slash = str_rfind_char(repository, '/');

	if (slash >= 0) {
		account = str_head(repository, (size_t)slash);
		name = str_skip(repository, (size_t)slash + 1);
	}
	/* of ghcr.io/a/b/name, "a" is whose it is */
	struct str rest = account, owner = str_cut(&rest, '/');
	if (account.len == 0 || name.len == 0 || name.len > NAME_MAX_BYTES ||
		str_is(owner, "library") || names_has(&i->publishers, owner))
		return IMITATION_NONE;
	/* "grafana/grafana", "kong/kong": a project's own account */
	if (str_eq(owner, name))
		return IMITATION_NONE;
	return compare(i, name, official ? official : &unused);
}

/* ---- accounts that look random ------------------------------------------------------------- */

static bool is_vowel(char c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

struct shape {
	size_t letters, digits, vowels, turns, consonants; /* turns: from letter to digit or back */
	bool is_hex;
};

static bool shape_of(struct str s, struct shape *ret)
{
	size_t run = 0;
	int last = 0; /* 1 letter, 2 digit */

	*ret = (struct shape){.is_hex = true};
	for (size_t k = 0; k < s.len; k++) {
		char c = (char)(s.s[k] >= 'A' && s.s[k] <= 'Z' ? s.s[k] + 32 : s.s[k]);
		bool is_letter = c >= 'a' && c <= 'z', is_digit = c >= '0' && c <= '9';

		if (!is_letter && !is_digit)
			return false;
		ret->letters += is_letter;
		ret->digits += is_digit;
		ret->vowels += is_letter && is_vowel(c);
		ret->is_hex &= is_digit || c <= 'f';
		run = is_letter && !is_vowel(c) ? run + 1 : 0;
		ret->consonants = run > ret->consonants ? run : ret->consonants;
		ret->turns += last && last != 1 + is_digit;
		last = 1 + is_digit;
	}
	return true;
}

bool name_looks_random(struct str account)
{
	struct shape s;

	if (account.len < 6 || !shape_of(account, &s))
		return false;
	if (s.letters == 0)
		return account.len >= 8;
	/* c43602f9cc95 */
	if (s.is_hex && account.len >= 8 && s.digits >= 3 && s.turns >= 2)
		return true;
	/* 700888880a0: digits with a letter or two lost among them */
	if (account.len >= 9 && s.digits >= 3 * s.letters && s.turns >= 2)
		return true;
	if (s.turns >= 4 && account.len >= 8)
		return true;
	/* xkqzvbtr */
	return s.digits <= 2 && ((s.vowels == 0 && s.letters >= 7) || s.consonants >= 7);
}
