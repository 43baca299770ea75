/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding wallets in bytes of any kind. A wallet is a whole word of letters and digits, so the
 * search is for words of at least 26 characters: the look at every 26th byte tells whether one can
 * be there, and each word is judged once.
 */
#include "engine/indicator/private.h"

enum {
	SHORTEST = 26,
	ETHEREUM_CHARS = 42, /* "0x" and 40 hexadecimal digits */
};

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* EIP-55: a letter is large where the digit of the hash of the small letters is 8 or more. */
static bool case_is_right(const char *digits)
{
	char lower[40];
	uint8_t hash[32];

	for (size_t i = 0; i < sizeof(lower); i++)
		lower[i] =
			(char)(digits[i] >= 'A' && digits[i] <= 'F' ? digits[i] + 32 : digits[i]);
	keccak_256(lower, sizeof(lower), hash);
	for (size_t i = 0; i < sizeof(lower); i++) {
		unsigned nibble = i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4;

		if (hex_of(digits[i]) > 9 && (nibble >= 8) != (digits[i] < 'a'))
			return false;
	}
	return true;
}

/* Few different digits: a mask, a placeholder ("0x000…dead"), not somebody's key. */
static bool is_dull(const char *digits)
{
	unsigned seen = 0;

	for (size_t i = 0; i < 40; i++)
		seen |= 1U << hex_of(digits[i]);
	return __builtin_popcount(seen) < 7;
}

bool ethereum_parse(struct str word, struct wallet *ret)
{
	bool lower = false, upper = false;

	if (word.len != ETHEREUM_CHARS || word.s[0] != '0' || word.s[1] != 'x')
		return false;
	const char *digits = word.s + 2;
	for (size_t i = 0; i < 40; i++) {
		if (hex_of(digits[i]) < 0)
			return false;
		lower |= digits[i] >= 'a';
		upper |= digits[i] >= 'A' && digits[i] <= 'F';
	}
	bool is_checked = lower && upper;
	if (is_dull(digits) || (is_checked && !case_is_right(digits)))
		return false;
	*ret = (struct wallet){WALLET_ETHEREUM, is_checked ? WALLET_VALID : WALLET_UNCHECKED,
		is_checked ? "checksummed" : "plain", word};
	return true;
}

bool wallet_parse(struct str text, struct wallet *ret)
{
	if (text.len < SHORTEST || text.len > MONERO_LONG_CHARS)
		return false;
	return monero_parse(text, ret) || ethereum_parse(text, ret) || bech32_parse(text, ret) ||
	       bitcoin_parse(text, ret);
}

/*
 * The next word of at least SHORTEST characters at or behind *at. A byte that is none, SHORTEST - 1
 * behind where a word could begin, says that none begins up to there.
 */
static bool long_word(struct str text, size_t *at, struct str *ret)
{
	size_t begin = *at;

	while (begin + SHORTEST <= text.len) {
		size_t last = begin + SHORTEST - 1, i = last;

		while (i > begin && is_word(text.s[i]))
			i--;
		if (!is_word(text.s[i])) {
			begin = i + 1;
			continue;
		}
		while (last + 1 < text.len && is_word(text.s[last + 1]))
			last++;
		*ret = str_make(text.s + begin, last + 1 - begin);
		*at = last + 1;
		return true;
	}
	*at = text.len;
	return false;
}

bool wallet_next(struct str text, size_t *at, struct wallet *ret)
{
	struct str word;

	/* where the search begins may be the middle of a word: that word is not looked at */
	while (*at > 0 && *at < text.len && is_word(text.s[*at - 1]) && is_word(text.s[*at]))
		++*at;
	while (long_word(text, at, &word))
		if (wallet_parse(word, ret))
			return true;
	return false;
}

const char *wallet_coin_name(enum wallet_coin c)
{
	static const char *const names[WALLET_COIN_COUNT] = {
		[WALLET_NONE] = "none",
		[WALLET_MONERO] = "monero",
		[WALLET_BITCOIN] = "bitcoin",
		[WALLET_ETHEREUM] = "ethereum",
	};

	return (unsigned)c < WALLET_COIN_COUNT ? names[c] : "none";
}
