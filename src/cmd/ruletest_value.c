/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a rule test: one YAML node → a number, a text, an address, a set of capabilities; a
 * map of them → a row, by a table of its keys. Knows nothing of events.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "cmd/ruletest_private.h"

enum { VECTOR_BYTES_MAX = 64 << 10 };

int test_bad(struct builder *b, const struct yaml_node *at, const char *fmt, ...)
{
	struct buf msg = BUF_INIT(800);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	err_set(b->e, EINVAL, "%u:%u: %s", at->line, at->column, msg.s ? msg.s : "");
	buf_done(&msg);
	return -EINVAL;
}

bool test_number_of(struct str s, int64_t *ret)
{
	uint64_t u;
	bool negative = s.len > 1 && s.s[0] == '-';
	struct str digits = negative ? str_skip(s, 1) : s;
	int base = 10;

	if (str_starts(digits, STR("0x")) || str_starts(digits, STR("0X"))) {
		digits = str_skip(digits, 2);
		base = 16;
	} else if (digits.len > 1 && digits.s[0] == '0') {
		digits = str_skip(digits, str_starts(digits, STR("0o")) ? 2 : 1);
		base = 8;
	}
	if (!str_to_u64(digits, base, &u))
		return false;
	*ret = negative ? -(int64_t)u : (int64_t)u;
	return true;
}

int test_get_number(struct builder *b, const struct yaml_node *n, int64_t *ret)
{
	bool yes;

	if (n->kind == YAML_SCALAR && test_number_of(n->text, ret))
		return 0;
	if (yaml_to_bool(n, &yes)) {
		*ret = yes;
		return 0;
	}
	return test_bad(b, n, "expected a number");
}

int test_get_u32(struct builder *b, const struct yaml_node *n, uint32_t *ret)
{
	int64_t v = 0;
	int e = test_get_number(b, n, &v);

	if (e == 0)
		*ret = (uint32_t)v;
	return e;
}

int test_get_bool(struct builder *b, const struct yaml_node *n, bool *ret)
{
	return yaml_to_bool(n, ret) ? 0 : test_bad(b, n, "expected true or false");
}

int test_get_text(struct builder *b, const struct yaml_node *n, struct str *ret)
{
	if (n->kind != YAML_SCALAR && n->kind != YAML_NULL)
		return test_bad(b, n, "expected text");
	*ret = n->text;
	return 0;
}

/* Text split at blanks, or a sequence, or a map as KEY=value: NUL-separated. */
int test_get_vector(struct builder *b, const struct yaml_node *n, struct str *ret)
{
	struct buf out = BUF_INIT(VECTOR_BYTES_MAX);
	struct str rest = n->text;

	if (n->kind == YAML_SCALAR && n->text.len)
		while (rest.s) {
			buf_add(&out, str_cut(&rest, ' '));
			buf_add_char(&out, 0);
		}
	for (size_t i = 0; n->kind == YAML_SEQ && i < n->nitems; i++) {
		buf_add(&out, n->items[i]->text);
		buf_add_char(&out, 0);
	}
	for (size_t i = 0; n->kind == YAML_MAP && i < n->nitems; i++) {
		buf_add(&out, n->keys[i]->text);
		buf_add_char(&out, '=');
		buf_add(&out, n->items[i]->text);
		buf_add_char(&out, 0);
	}
	*ret = arena_str(b->a, buf_str(&out));
	buf_done(&out);
	return 0;
}

/* "CAP_SYS_ADMIN CAP_KILL", or a number. */
int test_get_capabilities(struct builder *b, const struct yaml_node *n, uint64_t *ret)
{
	struct str rest = n->text;
	struct buf name = BUF_INIT(100);
	int64_t v;

	*ret = 0;
	if (test_number_of(n->text, &v)) {
		*ret = (uint64_t)v;
		return 0;
	}
	while (rest.len) {
		struct str word = str_cut(&rest, ' ');
		int bit = 0;

		for (; bit < 64; bit++) {
			buf_clear(&name);
			capabilities_format(1ULL << bit, &name);
			if (word.len && str_eq(buf_str(&name), word))
				break;
		}
		if (word.len && bit == 64) {
			buf_done(&name);
			return test_bad(b, n, "'%.*s' is no capability", STR_ARG(word));
		}
		*ret |= word.len ? 1ULL << bit : 0;
	}
	buf_done(&name);
	return 0;
}

int test_get_end(struct builder *b, const struct yaml_node *n, uint16_t *family, uint8_t ip[16],
	uint16_t *port)
{
	char text[100], *colon;
	int64_t v;

	if (n->kind != YAML_SCALAR || !str_copy(n->text, text, sizeof(text)))
		return test_bad(b, n, "expected ADDRESS:PORT");
	colon = strrchr(text, ':');
	if (!colon || !test_number_of(str_of(colon + 1), &v) || v < 0 || v > 65535)
		return test_bad(b, n, "expected ADDRESS:PORT, as 10.0.0.1:443 or [::1]:443");
	*colon = 0;
	*port = (uint16_t)v;
	char *host = text[0] == '[' ? text + 1 : text;

	if (host != text && *host)
		host[strcspn(host, "]")] = 0;
	if (inet_pton(AF_INET, host, ip) == 1)
		*family = AF_INET;
	else if (inet_pton(AF_INET6, host, ip) == 1)
		*family = AF_INET6;
	else
		return test_bad(b, n, "'%s' is no address", host);
	return 0;
}

/* ---- keys of a map -------------------------------------------------------------------------- */

int test_unknown_key(
	struct builder *b, const struct yaml_node *key, const struct key *keys, size_t nkeys)
{
	const char *near = NULL;
	unsigned best = 4;

	for (size_t i = 0; i < nkeys; i++) {
		unsigned d = str_distance(key->text, str_of(keys[i].name), best - 1);

		if (d < best) {
			best = d;
			near = keys[i].name;
		}
	}
	return test_bad(b, key, "unknown key '%.*s'%s%s%s", STR_ARG(str_head(key->text, 60)),
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int test_read_map(struct builder *b, const struct yaml_node *map, const struct key *keys,
	size_t nkeys, void *row)
{
	if (map->kind != YAML_MAP)
		return test_bad(b, map, "expected a map");
	for (size_t i = 0; i < map->nitems; i++) {
		size_t k = 0;

		while (k < nkeys && !str_is(map->keys[i]->text, keys[k].name))
			k++;
		if (k == nkeys)
			return test_unknown_key(b, map->keys[i], keys, nkeys);
		int e = keys[k].set(b, map->items[i], row);

		if (e < 0)
			return e;
	}
	return 0;
}
