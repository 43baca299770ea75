/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values: reading them from a condition's literals, comparing two of them, printing them. One
 * value against one other only; sets and automata are built on top (compare.c, matcher.c).
 */
#include "engine/filter/value.h"

#include "engine/filter/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>

/* ---- literals ----------------------------------------------------------------------------- */

static int number_error(struct str text, struct err *e, const char *what)
{
	return err_set(e, EINVAL, "'%.*s' is not %s", (int)(text.len < 80 ? text.len : 80),
		text.s ? text.s : "", what);
}

static bool is_hex_number(struct str t)
{
	return t.len > 2 && t.s[0] == '0' && (t.s[1] == 'x' || t.s[1] == 'X');
}

/* Decimal or 0x…, with an optional sign; *ret_negative tells which half of the union is set. */
static bool parse_integer(struct str text, struct value *ret)
{
	struct str digits = text.len && text.s[0] == '+' ? str_skip(text, 1) : text;
	bool negative = digits.len && digits.s[0] == '-';

	if (negative) {
		ret->type = VT_S64;
		return str_to_s64(digits, 10, &ret->i);
	}
	ret->type = VT_U64;
	if (is_hex_number(digits))
		return str_to_u64(str_skip(digits, 2), 16, &ret->u);
	return str_to_u64(digits, 10, &ret->u);
}

/*
 * Unsigned fields take -1 as Falco does: it is the largest value of the field's width. Identifiers
 * (uid, gid) are 32 bits wide, and nothing else is compared with a negative number.
 */
static void wrap_negative(struct value *v)
{
	if (v->type == VT_S64)
		v->u = v->i >= INT32_MIN ? (uint32_t)v->i : (uint64_t)v->i;
}

static int parse_number(enum value_type type, struct str text, struct value *ret, struct err *e)
{
	if (type == VT_DOUBLE) {
		ret->type = VT_DOUBLE;
		return str_to_double(text, &ret->d) ? 0 : number_error(text, e, "a number");
	}
	if (!parse_integer(text, ret))
		return number_error(text, e, "a whole number that fits 64 bits");
	if (type == VT_S64) {
		if (ret->type == VT_U64 && ret->u > INT64_MAX)
			return number_error(text, e, "a number that fits 63 bits");
	} else {
		wrap_negative(ret);
	}
	ret->type = type;
	return 0;
}

static int parse_port(struct str text, struct value *ret, struct err *e)
{
	struct servent se, *found = NULL;
	char name[64], tmp[1024];

	ret->type = VT_PORT;
	if (str_to_u64(text, 10, &ret->u) && ret->u <= UINT16_MAX)
		return 0;
	if (is_hex_number(text) && str_to_u64(str_skip(text, 2), 16, &ret->u) && ret->u <= 0xffff)
		return 0;
	if (text.len && (text.s[0] < '0' || text.s[0] > '9') &&
		str_copy(text, name, sizeof(name)) &&
		!getservbyname_r(name, NULL, &se, tmp, sizeof(tmp), &found) && found) {
		ret->u = ntohs((uint16_t)se.s_port);
		return 0;
	}
	return number_error(text, e, "a port (0 to 65535 or a name from /etc/services)");
}

static bool parse_ip(struct str text, struct ip_addr *ret)
{
	char tmp[64];

	*ret = (struct ip_addr){.is_v6 = str_find_char(text, ':') >= 0};
	return !memchr(text.s ? text.s : "", 0, text.len) && str_copy(text, tmp, sizeof(tmp)) &&
	       inet_pton(ret->is_v6 ? AF_INET6 : AF_INET, tmp, ret->bytes) == 1;
}

static int parse_address(enum value_type type, struct str text, struct value *ret, struct err *e)
{
	ptrdiff_t slash = str_find_char(text, '/');
	struct str host = slash < 0 ? text : str_head(text, (size_t)slash);
	struct ip_addr ip;
	uint64_t bits;

	if (!parse_ip(host, &ip))
		return number_error(text, e,
			type == VT_NET ? "a network (192.0.2.0/24, 2001:db8::/32)"
				       : "an IP address");
	bits = ip.is_v6 ? 128 : 32;
	if (type == VT_IP) {
		if (slash >= 0)
			return number_error(text, e, "an IP address (a network needs fd.net)");
		*ret = (struct value){.type = VT_IP, .ip = ip};
		return 0;
	}
	if (slash < 0)
		return number_error(text, e, "a network: the prefix length (/24) is missing");
	if (!str_to_u64(str_skip(text, (size_t)slash + 1), 10, &bits) ||
		bits > (ip.is_v6 ? 128 : 32))
		return number_error(text, e, "a network: the prefix length is wrong");
	*ret = (struct value){.type = VT_NET, .net = {.addr = ip, .prefix_len = (uint8_t)bits}};
	return 0;
}

static int parse_hex(struct arena *a, struct str text, struct value *ret, struct err *e)
{
	char *out = arena_raw(a, text.len / 2 + 1);
	uint64_t byte;

	if (!out || text.len % 2)
		return number_error(text, e, "a string of hexadecimal byte pairs");
	for (size_t i = 0; i < text.len; i += 2) {
		if (!str_to_u64(str_make(text.s + i, 2), 16, &byte) || text.s[i + 1] == 'x' ||
			text.s[i + 1] == 'X')
			return number_error(text, e, "a string of hexadecimal byte pairs");
		out[i / 2] = (char)byte;
	}
	*ret = (struct value){.type = VT_BYTES, .s = str_make(out, text.len / 2)};
	return 0;
}

static int parse_text(enum value_type type, struct str text, struct value *ret, struct err *e)
{
	if (type != VT_BYTES && text.len && memchr(text.s, 0, text.len))
		return err_set(e, EINVAL, "a string that is compared with text cannot hold \\x00");
	*ret = (struct value){.type = type, .s = text};
	return 0;
}

int literal_parse(struct arena *a, enum value_type type, enum cmp_op op, struct str text,
	struct value *ret, struct err *e)
{
	*ret = (struct value){.type = type};
	if (op == OP_BCONTAINS || op == OP_BSTARTSWITH)
		return parse_hex(a, text, ret, e);
	switch (type) {
	case VT_STR:
	case VT_PATH:
	case VT_BYTES:
		return parse_text(type, text, ret, e);
	case VT_DYNAMIC: /* typed when the argument is at hand (compare.c) */
		return parse_text(VT_STR, text, ret, e);
	case VT_BOOL:
		ret->u = str_is(text, "true");
		if (ret->u || str_is(text, "false"))
			return 0;
		return number_error(text, e, "true or false");
	case VT_U64:
	case VT_S64:
	case VT_DOUBLE:
	case VT_RELTIME:
	case VT_ABSTIME:
		return parse_number(type, text, ret, e);
	case VT_PORT:
		return parse_port(text, ret, e);
	case VT_IP:
	case VT_NET:
		return parse_address(type, text, ret, e);
	}
	return err_set(e, EINVAL, "a value of this type cannot be written");
}

/* ---- comparing ---------------------------------------------------------------------------- */

static int sign_of(bool less, bool more)
{
	return more - less;
}

static int number_cmp(const struct value *a, const struct value *b)
{
	if (a->type == VT_DOUBLE || b->type == VT_DOUBLE) {
		double x = a->type == VT_DOUBLE ? a->d
			   : a->type == VT_S64  ? (double)a->i
						: (double)a->u;
		double y = b->type == VT_DOUBLE ? b->d
			   : b->type == VT_S64  ? (double)b->i
						: (double)b->u;

		return sign_of(x<y, x> y);
	}
	bool a_neg = a->type == VT_S64 && a->i < 0, b_neg = b->type == VT_S64 && b->i < 0;

	if (a_neg != b_neg)
		return a_neg ? -1 : 1;
	/* of one sign, two's complement keeps the order */
	return sign_of(a->u<b->u, a->u> b->u);
}

static bool order_holds(enum cmp_op op, int cmp)
{
	switch (op) {
	case OP_EQ:
	case OP_IN:
	case OP_INTERSECTS:
		return cmp == 0;
	case OP_NE:
		return cmp != 0;
	case OP_LT:
		return cmp < 0;
	case OP_LE:
		return cmp <= 0;
	case OP_GT:
		return cmp > 0;
	case OP_GE:
		return cmp >= 0;
	default:
		return false;
	}
}

static bool text_holds(enum cmp_op op, struct str v, struct str rhs)
{
	switch (op) {
	case OP_EQ:
	case OP_IN:
	case OP_INTERSECTS:
		return str_eq(v, rhs);
	case OP_NE:
		return !str_eq(v, rhs);
	case OP_CONTAINS:
	case OP_BCONTAINS:
		return str_find(v, rhs) >= 0;
	case OP_ICONTAINS:
		return str_ifind(v, rhs) >= 0;
	case OP_STARTSWITH:
	case OP_BSTARTSWITH:
		return str_starts(v, rhs);
	case OP_ENDSWITH:
		return str_ends(v, rhs);
	case OP_GLOB:
		return glob_match(rhs, v, false);
	case OP_IGLOB:
		return glob_match(rhs, v, true);
	default:
		return order_holds(op, str_cmp(v, rhs));
	}
}

static bool ip_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->is_v6 == b->is_v6 && !memcmp(a->bytes, b->bytes, a->is_v6 ? 16 : 4);
}

static bool ip_in_net(const struct ip_addr *ip, const struct ip_net *net)
{
	unsigned whole = net->prefix_len / 8, rest = net->prefix_len % 8;

	if (ip->is_v6 != net->addr.is_v6 || memcmp(ip->bytes, net->addr.bytes, whole) != 0)
		return false;
	return !rest || !((ip->bytes[whole] ^ net->addr.bytes[whole]) >> (8 - rest));
}

static bool address_holds(enum cmp_op op, const struct value *v, const struct value *rhs)
{
	bool same;

	if (rhs->type == VT_NET && v->type == VT_IP)
		same = ip_in_net(&v->ip, &rhs->net);
	else if (rhs->type == VT_IP && v->type == VT_IP)
		same = ip_eq(&v->ip, &rhs->ip);
	else if (rhs->type == VT_NET && v->type == VT_NET)
		same = v->net.prefix_len == rhs->net.prefix_len &&
		       ip_in_net(&v->net.addr, &rhs->net);
	else
		return false;
	return order_holds(op, !same);
}

bool value_holds(enum cmp_op op, const struct value *v, const struct value *rhs)
{
	if (value_type_is_text(v->type) && value_type_is_text(rhs->type))
		return text_holds(op, v->s, rhs->s);
	if (value_type_is_number(v->type) && value_type_is_number(rhs->type))
		return order_holds(op, number_cmp(v, rhs));
	if (v->type == VT_BOOL && rhs->type == VT_BOOL)
		return order_holds(op, !v->u != !rhs->u);
	return address_holds(op, v, rhs);
}

bool value_eq(const struct value *a, const struct value *b)
{
	return value_holds(OP_EQ, a, b);
}

/* ---- printing ----------------------------------------------------------------------------- */

static void add_ip(struct buf *out, const struct ip_addr *ip)
{
	char tmp[INET6_ADDRSTRLEN];

	buf_add_cstr(out, inet_ntop(ip->is_v6 ? AF_INET6 : AF_INET, ip->bytes, tmp, sizeof(tmp)));
}

static void add_bytes(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_add_char(out, s.s[i] >= ' ' && s.s[i] <= '~' ? s.s[i] : '.');
}

void value_format(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VT_STR:
	case VT_PATH:
	case VT_DYNAMIC:
		buf_add(out, v->s);
		break;
	case VT_BYTES:
		add_bytes(out, v->s);
		break;
	case VT_BOOL:
		buf_add_cstr(out, v->u ? "true" : "false");
		break;
	case VT_U64:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT:
		buf_add_u64(out, v->u);
		break;
	case VT_S64:
		buf_add_s64(out, v->i);
		break;
	case VT_DOUBLE:
		buf_printf(out, "%.1f", v->d);
		break;
	case VT_IP:
		add_ip(out, &v->ip);
		break;
	case VT_NET:
		add_ip(out, &v->net.addr);
		buf_printf(out, "/%u", v->net.prefix_len);
		break;
	}
}
