/* SPDX-License-Identifier: Apache-2.0 */
/* Times of RFC 3339 to nanoseconds since the epoch, strictly. Writing them is base/clock's work. */
#include "face/console/schema.h"

static bool digits(struct str *s, size_t n, unsigned *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		if (i >= s->len || s->s[i] < '0' || s->s[i] > '9')
			return false;
		*ret = *ret * 10 + (unsigned)(s->s[i] - '0');
	}
	*s = str_skip(*s, n);
	return true;
}

static bool mark(struct str *s, char a, char b)
{
	if (!s->len || (s->s[0] != a && s->s[0] != b))
		return false;
	*s = str_skip(*s, 1);
	return true;
}

/* Days since 1970-01-01 of a day of the Gregorian calendar. */
static int64_t days_of(unsigned y, unsigned m, unsigned d)
{
	int64_t year = (int64_t)y - (m <= 2);
	int64_t era = year / 400, yoe = year - era * 400;
	int64_t doy = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool parse_fraction(struct str *s, uint64_t *ns)
{
	uint64_t scale = 100000000;

	*ns = 0;
	if (!mark(s, '.', '.'))
		return true;
	size_t n = 0;
	for (; n < s->len && s->s[n] >= '0' && s->s[n] <= '9'; n++, scale /= 10)
		*ns += (uint64_t)(s->s[n] - '0') * scale;
	*s = str_skip(*s, n);
	return n > 0 && n <= 9;
}

static bool parse_offset(struct str *s, int64_t *seconds)
{
	unsigned h, m;
	int sign = s->len && s->s[0] == '-' ? -1 : 1;

	*seconds = 0;
	if (mark(s, 'Z', 'z'))
		return true;
	if (!mark(s, '+', '-') || !digits(s, 2, &h) || !mark(s, ':', ':') || !digits(s, 2, &m))
		return false;
	*seconds = sign * (int64_t)(h * 3600 + m * 60);
	return h < 24 && m < 60;
}

bool schema_parse_time(struct str s, uint64_t *ret_ns)
{
	enum { YEAR_LAST = 2261 }; /* the last whole one of a signed 64-bit count */
	unsigned y, mo, d, h, mi, sec;
	uint64_t ns;
	int64_t offset;

	if (!digits(&s, 4, &y) || !mark(&s, '-', '-') || !digits(&s, 2, &mo) ||
		!mark(&s, '-', '-') || !digits(&s, 2, &d) || !mark(&s, 'T', 't') ||
		!digits(&s, 2, &h) || !mark(&s, ':', ':') || !digits(&s, 2, &mi) ||
		!mark(&s, ':', ':') || !digits(&s, 2, &sec) || !parse_fraction(&s, &ns) ||
		!parse_offset(&s, &offset))
		return false;
	if (s.len || y < 1970 || y > YEAR_LAST || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 ||
		mi > 59 || sec > 60)
		return false;
	int64_t t = days_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - offset;
	if (t < 0)
		return false;
	*ret_ns = (uint64_t)t * 1000000000ULL + ns;
	return true;
}
