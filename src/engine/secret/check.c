/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums and forms inside tokens: what can be told of a value without asking anybody. A check
 * says "right", "wrong" or nothing. Keys are in key.c. A row here is a name that data may use.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "engine/secret/private.h"

static uint32_t crc_of(struct str s)
{
	return (uint32_t)crc32(0, (const Bytef *)s.s, (uInt)s.len);
}

static void say(struct secret_facts *f, bool is_right)
{
	f->is_checked = is_right;
	f->is_wrong = !is_right;
	f->how = "whose checksum is right";
}

/* The same of a form that is no checksum. */
static void say_form(struct secret_facts *f, bool is_right)
{
	say(f, is_right);
	f->how = NULL;
}

/* A number in `digits`, the highest first, filled with its zero on the left. */
static void to_base(uint32_t v, const char *digits, unsigned base, char *out, size_t n)
{
	while (n) {
		out[--n] = digits[v % base];
		v /= base;
	}
}

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/*
 * GitHub (ghp_, gho_, ghu_, ghs_, ghr_) and npm (npm_): 30 random characters and 6 of base62, the
 * CRC-32 of them. Source: github.blog 2021-04-05 and 2021-09-23.
 */
static void check_github(struct str v, struct secret_facts *f)
{
	char want[6];
	struct str body = str_skip(v, 4);

	if (body.len != 36)
		return;
	to_base(crc_of(str_head(body, 30)), base62, 62, want, sizeof(want));
	say(f, memcmp(want, body.s + 30, sizeof(want)) == 0);
}

/* GitLab's routable tokens: the last 7 are the CRC-32 in base 36 of all before. */
static void check_gitlab(struct str v, struct secret_facts *f)
{
	char want[7];

	if (str_find_char(v, '.') < 0 || v.len < 30)
		return;
	to_base(crc_of(str_head(v, v.len - 7)), "0123456789abcdefghijklmnopqrstuvwxyz", 36, want,
		sizeof(want));
	say(f, memcmp(want, v.s + v.len - 7, sizeof(want)) == 0);
}

/* Grafana's service accounts: glsa_ + 32 + "_" + CRC-32 of what is before it, in hex. */
static void check_grafana(struct str v, struct secret_facts *f)
{
	ptrdiff_t cut = str_rfind_char(v, '_');
	uint64_t given;

	if (cut < 10 || !str_to_u64(str_skip(v, (size_t)cut + 1), 16, &given))
		return;
	uint32_t crc = crc_of(str_head(v, (size_t)cut));
	say(f, given == crc || given == __builtin_bswap32(crc));
}

static int base32_digit(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* The account's number in an AWS key id: 40 bits behind the first of its base32 part. */
static void check_aws_id(struct str v, struct secret_facts *f)
{
	uint64_t bits = 0;

	if (v.len != 20)
		return;
	for (size_t i = 4; i < 14; i++) {
		int d = base32_digit(v.s[i]);

		if (d < 0)
			return;
		bits = bits << 5 | (uint64_t)d;
	}
	/* 50 bits were read: the first 48 are six bytes, of which the account is bits 1 to 40 */
	uint64_t account = (bits >> 2 & 0x7fffffffff80) >> 7;
	if (v.s[4] >= 'Q' && account < 1000000000000ULL) {
		struct buf b = buf_fixed(f->account, sizeof(f->account));
		buf_printf(&b, "%012llu", (unsigned long long)account);
	}
}

/* {"alg": …}.{…}.signature, RFC 7519; unsigned ones are no secrets of weight. */
static void check_jwt(struct str v, struct secret_facts *f)
{
	uint8_t out[2048];
	struct str rest = v, head = str_cut(&rest, '.'), body = str_cut(&rest, '.');
	size_t n = head.len < 1024 ? secret_base64(head, out, sizeof(out)) : 0;
	struct str text = str_make((const char *)out, n);

	if (!n || out[0] != '{' || str_find(text, STR("\"alg\"")) < 0) {
		f->is_wrong = true;
		return;
	}
	if (str_ifind(text, STR("\"none\"")) >= 0 || !rest.len) {
		f->is_wrong = true;
		return;
	}
	n = body.len < 2700 ? secret_base64(body, out, sizeof(out)) : 1;
	say_form(f, n && (n == 1 || out[0] == '{'));
}

/* user:password in base64, as in "Authorization: Basic" (RFC 7617) and Docker's config. */
static void check_basic(struct str v, struct secret_facts *f)
{
	uint8_t out[512];
	size_t n = v.len < 600 ? secret_base64(v, out, sizeof(out)) : 0;
	struct str text = str_make((const char *)out, n);
	ptrdiff_t colon = str_find_char(text, ':');

	if (!n || colon < 1 || (size_t)colon + 2 > n || !secret_is_printable(out, n))
		f->is_wrong = true;
}

/* Bech32's polynomial, BIP 173: age's keys. */
static void check_bech32(struct str v, struct secret_facts *f)
{
	static const char set[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	static const uint32_t generator[] = {
		0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	ptrdiff_t one = str_rfind_char(v, '1');
	uint32_t c = 1;

	if (one < 1)
		return;
	for (size_t i = 0; i < 2 * (size_t)one + 1 + (v.len - (size_t)one - 1); i++) {
		size_t n = (size_t)one;
		uint32_t d, top = c >> 25;

		if (i < n) {
			d = (uint32_t)tolower((unsigned char)v.s[i]) >> 5;
		} else if (i == n) {
			d = 0;
		} else if (i <= 2 * n) {
			d = (uint32_t)tolower((unsigned char)v.s[i - n - 1]) & 31;
		} else {
			const char *at =
				strchr(set, tolower((unsigned char)v.s[i - 2 * n - 1 + n + 1]));
			if (!at || !*at) {
				f->is_wrong = true;
				return;
			}
			d = (uint32_t)(at - set);
		}
		c = (c & 0x1ffffff) << 5 ^ d;
		for (unsigned k = 0; k < 5; k++)
			c ^= top >> k & 1 ? generator[k] : 0;
	}
	say(f, c == 1);
}

/* NATS seeds: base32 of prefix, 32 bytes and their CRC-16 (XMODEM). */
static void check_nkey(struct str v, struct secret_facts *f)
{
	uint8_t raw[64];
	size_t n = 0;
	unsigned bits = 0, have = 0;
	uint16_t crc = 0;

	for (size_t i = 0; i < v.len && n < sizeof(raw); i++) {
		int d = base32_digit(v.s[i]);

		if (d < 0)
			return;
		bits = bits << 5 | (unsigned)d;
		have += 5;
		if (have >= 8) {
			have -= 8;
			raw[n++] = (uint8_t)(bits >> have);
		}
	}
	if (n < 4)
		return;
	for (size_t i = 0; i + 2 < n; i++) {
		crc ^= (uint16_t)(raw[i] << 8);
		for (unsigned k = 0; k < 8; k++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	say(f, crc == (raw[n - 2] | raw[n - 1] << 8));
}

/* Curve25519's private keys have five bits that are always the same (RFC 7748, 5). */
static void check_wireguard(struct str v, struct secret_facts *f)
{
	uint8_t key[48];
	size_t n = secret_base64(v, key, sizeof(key));

	say_form(f, n == 32 && (key[0] & 7) == 0 && (key[31] & 0xc0) == 0x40);
}

/* Discord's bots: the first part is the bot's number in base64. */
static void check_discord(struct str v, struct secret_facts *f)
{
	uint8_t out[64];
	ptrdiff_t dot = str_find_char(v, '.');
	size_t n = dot > 0 ? secret_base64(str_head(v, (size_t)dot), out, sizeof(out)) : 0;

	say_form(f, n >= 17 && n <= 20);
	for (size_t i = 0; i < n; i++)
		if (!isdigit(out[i]))
			say_form(f, false);
}

/* PyPI's and crates' macaroons: version 2, the location is the first field. */
static void check_macaroon(struct str v, struct secret_facts *f)
{
	uint8_t out[512];
	ptrdiff_t dash = str_find_char(v, '-');
	struct str body = str_head(str_skip(v, (size_t)(dash + 1)), 400);
	size_t n = secret_base64(str_head(body, body.len / 4 * 4), out, sizeof(out));

	say_form(
		f, n > 20 && out[0] == 2 && out[1] == 1 && out[2] < n &&
			   str_find(str_make((const char *)out + 3, out[2]), STR("pypi.org")) >= 0);
}

/* A list of what crypt(3) takes: the account can be logged into when the hash is guessed. */
static void check_crypt(struct str v, struct secret_facts *f)
{
	size_t dollars = 0;

	for (size_t i = 0; i < v.len; i++)
		dollars += v.s[i] == '$';
	f->is_wrong = v.s[0] != '$' || dollars < 2 || v.len < 20;
}

static const struct {
	const char *name;
	secret_check_fn check;
} rows[] = {
	{"github", check_github},
	{"npm", check_github},
	{"gitlab", check_gitlab},
	{"grafana", check_grafana},
	{"aws-key-id", check_aws_id},
	{"jwt", check_jwt},
	{"basic", check_basic},
	{"bech32", check_bech32},
	{"nkey", check_nkey},
	{"wireguard", check_wireguard},
	{"discord", check_discord},
	{"macaroon", check_macaroon},
	{"crypt", check_crypt},
	{"pem", secret_check_pem},
	{"putty", secret_check_putty},
};

secret_check_fn secret_check_find(struct str name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (str_is(name, rows[i].name))
			return rows[i].check;
	return NULL;
}
