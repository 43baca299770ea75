/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wallets in base58: Monero's, in blocks with a Keccak checksum (Monero, src/common/base58.cpp;
 * CryptoNote standard 007), and Bitcoin's, one big number with a checksum of SHA-256 twice
 * (Base58Check). Only addresses of the main nets count.
 */
#include <openssl/sha.h>

#include "engine/indicator/private.h"

enum {
	CHECKSUM = 4,
	BLOCK = 8,        /* bytes that become one block of digits */
	BLOCK_CHARS = 11, /* of a whole block */
	MONERO_MAX = 77,
	BITCOIN_BYTES = 25, /* version, 20 bytes of hash, checksum */
};

int base58_digit(char c)
{
	static const int8_t digits[128] = {
		['1'] = 1,
		['2'] = 2,
		['3'] = 3,
		['4'] = 4,
		['5'] = 5,
		['6'] = 6,
		['7'] = 7,
		['8'] = 8,
		['9'] = 9,
		['A'] = 10,
		['B'] = 11,
		['C'] = 12,
		['D'] = 13,
		['E'] = 14,
		['F'] = 15,
		['G'] = 16,
		['H'] = 17,
		['J'] = 18,
		['K'] = 19,
		['L'] = 20,
		['M'] = 21,
		['N'] = 22,
		['P'] = 23,
		['Q'] = 24,
		['R'] = 25,
		['S'] = 26,
		['T'] = 27,
		['U'] = 28,
		['V'] = 29,
		['W'] = 30,
		['X'] = 31,
		['Y'] = 32,
		['Z'] = 33,
		['a'] = 34,
		['b'] = 35,
		['c'] = 36,
		['d'] = 37,
		['e'] = 38,
		['f'] = 39,
		['g'] = 40,
		['h'] = 41,
		['i'] = 42,
		['j'] = 43,
		['k'] = 44,
		['m'] = 45,
		['n'] = 46,
		['o'] = 47,
		['p'] = 48,
		['q'] = 49,
		['r'] = 50,
		['s'] = 51,
		['t'] = 52,
		['u'] = 53,
		['v'] = 54,
		['w'] = 55,
		['x'] = 56,
		['y'] = 57,
		['z'] = 58,
	};
	unsigned char u = (unsigned char)c;

	return u < 128 ? digits[u] - 1 : -1;
}

/* ---- Monero --------------------------------------------------------------------------------- */

/* Bytes that a block of so many digits stands for; 0 = no block has that length. */
static size_t block_bytes(size_t chars)
{
	static const uint8_t bytes[BLOCK_CHARS + 1] = {0, 0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8};

	return chars <= BLOCK_CHARS ? bytes[chars] : 0;
}

/* One block, big-endian. False when a digit is none or the number is larger than its bytes. */
static bool block_decode(struct str s, uint8_t *out)
{
	size_t n = block_bytes(s.len);
	unsigned __int128 v = 0;

	for (size_t i = 0; i < s.len; i++) {
		int d = base58_digit(s.s[i]);

		if (d < 0)
			return false;
		v = v * 58 + (unsigned)d;
	}
	if (n == 0 || v >> (8 * n) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	return true;
}

/* The bytes of the whole text; 0 when it is no base58 of blocks. */
static size_t blocks_decode(struct str s, uint8_t out[MONERO_MAX])
{
	size_t n = 0;

	while (s.len) {
		struct str block = str_head(s, BLOCK_CHARS);

		if (n + block_bytes(block.len) > MONERO_MAX || !block_decode(block, out + n))
			return 0;
		n += block_bytes(block.len);
		s = str_skip(s, block.len);
	}
	return n;
}

/* By the first byte (Monero, src/cryptonote_config.h) and the length that belongs to it. */
static const char *monero_kind(uint8_t prefix, size_t chars)
{
	if (prefix == 18 && chars == MONERO_CHARS)
		return "standard";
	if (prefix == 42 && chars == MONERO_CHARS)
		return "subaddress";
	if (prefix == 19 && chars == MONERO_LONG_CHARS)
		return "integrated";
	return NULL;
}

bool monero_parse(struct str word, struct wallet *ret)
{
	uint8_t bytes[MONERO_MAX], hash[32];

	if (word.len != MONERO_CHARS && word.len != MONERO_LONG_CHARS)
		return false;
	size_t n = blocks_decode(word, bytes);
	const char *kind = n ? monero_kind(bytes[0], word.len) : NULL;
	if (!kind)
		return false;
	keccak_256(bytes, n - CHECKSUM, hash);
	if (memcmp(hash, bytes + n - CHECKSUM, CHECKSUM) != 0)
		return false;
	*ret = (struct wallet){WALLET_MONERO, WALLET_VALID, kind, word};
	return true;
}

/* ---- Bitcoin -------------------------------------------------------------------------------- */

/* As one big-endian number of exactly 25 bytes; each leading zero byte must be a leading '1'. */
static bool number_decode(struct str s, uint8_t out[BITCOIN_BYTES])
{
	size_t ones = 0, zeros = 0;

	memset(out, 0, BITCOIN_BYTES);
	for (size_t i = 0; i < s.len; i++) {
		int carry = base58_digit(s.s[i]);

		if (carry < 0)
			return false;
		for (size_t j = BITCOIN_BYTES; j-- > 0;) {
			carry += 58 * out[j];
			out[j] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			return false;
	}
	while (ones < s.len && s.s[ones] == '1')
		ones++;
	while (zeros < BITCOIN_BYTES && out[zeros] == 0)
		zeros++;
	return ones == zeros;
}

bool bitcoin_parse(struct str word, struct wallet *ret)
{
	uint8_t bytes[BITCOIN_BYTES], hash[SHA256_DIGEST_LENGTH];

	if (word.len < 26 || word.len > 35 || (word.s[0] != '1' && word.s[0] != '3'))
		return false;
	if (!number_decode(word, bytes) || (bytes[0] != 0x00 && bytes[0] != 0x05))
		return false;
	SHA256(bytes, BITCOIN_BYTES - CHECKSUM, hash);
	SHA256(hash, sizeof(hash), hash);
	if (memcmp(hash, bytes + BITCOIN_BYTES - CHECKSUM, CHECKSUM) != 0)
		return false;
	*ret = (struct wallet){
		WALLET_BITCOIN, WALLET_VALID, bytes[0] == 0x00 ? "p2pkh" : "p2sh", word};
	return true;
}
