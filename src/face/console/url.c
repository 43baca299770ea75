/* SPDX-License-Identifier: Apache-2.0 */
/* URLs, cookies and Host headers: bytes of strangers, read strictly. */
#include "face/console/url.h"

#include <arpa/inet.h>

#include "base/json.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_clean(struct str s, bool is_form)
{
	while (s.len) {
		size_t n = utf8_len(s);
		unsigned char c = (unsigned char)s.s[0];
		bool is_space = is_form && (c == '\n' || c == '\r' || c == '\t');

		if (n == 0 || c == 0x7f || (c < 0x20 && !is_space))
			return false;
		s = str_skip(s, n);
	}
	return true;
}

bool url_decode(struct arena *a, struct str s, bool is_form, struct str *ret)
{
	char *out = arena_raw(a, s.len + 1);
	size_t n = 0;

	if (!out)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];

		if (c == '%') {
			bool is_whole = s.len - i > 2;
			int high = is_whole ? hex_digit(s.s[i + 1]) : -1;
			int low = is_whole ? hex_digit(s.s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && is_form) {
			c = ' ';
		}
		out[n++] = c;
	}
	out[n] = 0;
	*ret = str_make(out, n);
	return is_clean(*ret, is_form);
}

static bool is_plain_segment(struct str s)
{
	return s.len && !str_is(s, ".") && !str_is(s, "..");
}

bool url_parse_path(struct arena *a, struct str path, struct path *ret)
{
	*ret = (struct path){0};
	if (!path.len || path.s[0] != '/')
		return false;
	struct str rest = str_skip(path, 1);
	if (!rest.len)
		return true;
	while (rest.s) {
		struct str raw = str_cut(&rest, '/');

		if (ret->n == SEGMENTS_MAX || !url_decode(a, raw, false, &ret->segment[ret->n]) ||
			!is_plain_segment(ret->segment[ret->n]))
			return false;
		ret->n++;
	}
	return true;
}

static bool add_param(struct arena *a, struct url_params *ret, struct str pair)
{
	ptrdiff_t eq = str_find_char(pair, '=');
	struct str name = eq < 0 ? pair : str_head(pair, (size_t)eq);
	struct str value = eq < 0 ? STR("") : str_skip(pair, (size_t)eq + 1);

	if (ret->n == PARAMS_MAX)
		return false;
	struct param *p = &ret->p[ret->n];
	if (!url_decode(a, name, true, &p->name) || !url_decode(a, value, true, &p->value))
		return false;
	for (size_t i = 0; i < ret->n; i++)
		if (str_eq(ret->p[i].name, p->name))
			return false;
	ret->n++;
	return true;
}

bool url_parse_query(struct arena *a, struct str query, struct url_params *ret)
{
	ret->n = 0;
	while (query.len) {
		struct str pair = str_cut(&query, '&');

		if (pair.len && !add_param(a, ret, pair))
			return false;
	}
	return true;
}

struct str params_get(const struct url_params *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_is(p->p[i].name, name))
			return p->p[i].value;
	return STR_NULL;
}

struct str cookie_get(struct str header, struct str name)
{
	struct str found = STR_NULL;

	while (header.len) {
		struct str pair = str_trim(str_cut(&header, ';'));
		ptrdiff_t eq = str_find_char(pair, '=');

		if (eq < 0 || !str_eq(str_head(pair, (size_t)eq), name))
			continue;
		/* another host of the domain can set a second one: trust neither */
		if (found.s)
			return STR_NULL;
		found = str_skip(pair, (size_t)eq + 1);
	}
	return found;
}

bool host_parse(struct str header, struct str *name, uint16_t *port)
{
	struct str h = str_trim(header), digits;
	uint64_t n = 0;

	*port = 0;
	if (str_starts(h, STR("["))) {
		ptrdiff_t close = str_find_char(h, ']');

		if (close < 0)
			return false;
		*name = str_make(h.s + 1, (size_t)close - 1);
		h = str_skip(h, (size_t)close + 1);
		if (h.len && h.s[0] != ':')
			return false;
		digits = str_skip(h, h.len ? 1 : 0);
	} else {
		ptrdiff_t colon = str_find_char(h, ':');

		*name = colon < 0 ? h : str_head(h, (size_t)colon);
		digits = colon < 0 ? STR_NULL : str_skip(h, (size_t)colon + 1);
	}
	if (digits.len && (!str_to_u64(digits, 10, &n) || n == 0 || n > UINT16_MAX))
		return false;
	*port = (uint16_t)n;
	for (size_t i = 0; i < name->len; i++)
		if ((unsigned char)name->s[i] <= ' ' || strchr("/\\@?#,", name->s[i]))
			return false;
	return name->len > 0;
}

bool host_is_loopback(struct str name)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;

	if (str_ieq(name, STR("localhost")))
		return true;
	if (!str_copy(name, text, sizeof(text)))
		return false;
	if (inet_pton(AF_INET, text, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
