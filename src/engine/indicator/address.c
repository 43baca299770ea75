/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains, addresses and days as they stand in lists, brought to the one form in which they are
 * kept. Nothing is guessed: what is not in that form is refused, and the list's reader says where.
 */
#include <arpa/inet.h>
#include <time.h>

#include "engine/indicator/private.h"

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool domain_clean(struct str s, char out[DOMAIN_MAX + 1], struct str *ret)
{
	size_t label = 0, n = 0;

	if (str_starts(s, STR("*.")))
		s = str_skip(s, 2);
	else if (str_starts(s, STR(".")))
		s = str_skip(s, 1);
	if (str_ends(s, STR(".")))
		s.len--;
	if (s.len == 0 || s.len > DOMAIN_MAX)
		return false;
	for (; n < s.len; n++) {
		char c = s.s[n];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c == '.' ? label == 0 : !is_label_char(c))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
		out[n] = c;
	}
	out[n] = 0;
	*ret = str_make(out, n);
	return label > 0;
}

void address_mask(const uint8_t address[16], unsigned prefix, uint8_t ret[ADDRESS_KEY])
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = prefix > 8 * i ? prefix - 8 * i : 0;

		ret[i] = (uint8_t)(bits >= 8 ? address[i] : address[i] & (uint8_t)(0xff00 >> bits));
	}
	ret[16] = (uint8_t)prefix;
}

bool address_key(struct str s, uint8_t ret[ADDRESS_KEY])
{
	uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
	struct str rest = s, text = str_cut(&rest, '/');
	char tmp[64];
	uint64_t bits = 128, first = 0;

	if (!str_copy(text, tmp, sizeof(tmp)) || memchr(text.s, 0, text.len))
		return false;
	if (inet_pton(AF_INET, tmp, address + 12) == 1)
		first = 96;
	else if (inet_pton(AF_INET6, tmp, address) != 1)
		return false;
	if (rest.s) {
		if (!str_to_u64(rest, 10, &bits) || bits + first > 128)
			return false;
		bits += first;
	}
	address_mask(address, (unsigned)bits, ret);
	return true;
}

bool day_parse(struct str s, int64_t *ret)
{
	struct tm tm = {0};
	uint64_t y, m, d;

	if (s.len < 10 || s.s[4] != '-' || s.s[7] != '-' ||
		(s.len > 10 && s.s[10] != 'T' && s.s[10] != ' '))
		return false;
	if (!str_to_u64(str_head(s, 4), 10, &y) || !str_to_u64(str_make(s.s + 5, 2), 10, &m) ||
		!str_to_u64(str_make(s.s + 8, 2), 10, &d))
		return false;
	if (y < 1970 || m < 1 || m > 12 || d < 1 || d > 31)
		return false;
	tm.tm_year = (int)y - 1900;
	tm.tm_mon = (int)m - 1;
	tm.tm_mday = (int)d;
	time_t t = timegm(&tm);
	*ret = t / 86400;
	/* the 31st of April would have become the 1st of May */
	return tm.tm_mday == (int)d;
}
