/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitcoin's segwit addresses: bech32 (BIP 173) for version 0, bech32m (BIP 350) for the others.
 * Only those of the main net ("bc1…").
 */
#include "engine/indicator/private.h"

enum {
	PREFIX = 3,   /* "bc1" */
	CHECKSUM = 6, /* characters */
	MAX_CHARS = 90,
	CONST_BECH32 = 1,
	CONST_BECH32M = 0x2bc830a3,
};

static int digit_of(char c)
{
	static const char digits[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

static uint32_t polymod(uint32_t chk, uint8_t value)
{
	static const uint32_t generator[5] = {
		0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = chk >> 25;

	chk = (chk & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			chk ^= generator[i];
	return chk;
}

static uint32_t checksum(const uint8_t *values, size_t n)
{
	static const uint8_t prefix[] = {'b' >> 5, 'c' >> 5, 0, 'b' & 31, 'c' & 31};
	uint32_t chk = 1;

	for (size_t i = 0; i < sizeof(prefix); i++)
		chk = polymod(chk, prefix[i]);
	for (size_t i = 0; i < n; i++)
		chk = polymod(chk, values[i]);
	return chk;
}

/* All small or all large letters; false for a mixture and for what is no digit. */
static bool values_of(struct str s, uint8_t out[MAX_CHARS])
{
	bool lower = false, upper = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];

		lower |= c >= 'a' && c <= 'z';
		upper |= c >= 'A' && c <= 'Z';
		int d = digit_of((char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
		if (i >= PREFIX && d < 0)
			return false;
		out[i] = (uint8_t)d;
	}
	return !(lower && upper);
}

/* Bytes of the program from groups of five bits; 0 when the bits left over are not zero. */
static size_t program_bytes(const uint8_t *values, size_t n)
{
	size_t left = n * 5 % 8;

	if (left > 4 || (n && (values[n - 1] & ((1U << left) - 1)) != 0))
		return 0;
	return n * 5 / 8;
}

static const char *segwit_kind(unsigned version, size_t bytes)
{
	if (version == 0)
		return bytes == 20 ? "segwit (p2wpkh)" : bytes == 32 ? "segwit (p2wsh)" : NULL;
	if (bytes < 2 || bytes > 40)
		return NULL;
	return version == 1 && bytes == 32 ? "taproot" : "segwit (later version)";
}

bool bech32_parse(struct str word, struct wallet *ret)
{
	uint8_t values[MAX_CHARS];

	if (word.len < PREFIX + 1 + CHECKSUM || word.len > MAX_CHARS ||
		!str_ieq(str_head(word, PREFIX), STR("bc1")) || !values_of(word, values))
		return false;
	const uint8_t *data = values + PREFIX;
	size_t n = word.len - PREFIX;
	unsigned version = data[0];
	uint32_t wanted = version == 0 ? CONST_BECH32 : CONST_BECH32M;
	if (version > 16 || checksum(data, n) != wanted)
		return false;
	const char *kind = segwit_kind(version, program_bytes(data + 1, n - 1 - CHECKSUM));
	if (!kind)
		return false;
	*ret = (struct wallet){WALLET_BITCOIN, WALLET_VALID, kind, word};
	return true;
}
