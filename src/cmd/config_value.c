/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One YAML value by its row: types, ranges, units, environment variables, and what to say when it
 * does not fit. It knows no option by name.
 */
#include "cmd/config_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what a person reads --------------------------------------------------------------------- */

const char *config_where(struct reader *r, const struct yaml_node *n)
{
	struct str s = n && n->line ? arena_printf(r->a, "%s:%u:%u", r->file, n->line, n->column)
				    : arena_printf(r->a, "%s", r->file);

	return s.s ? s.s : "";
}

static void message_start(struct reader *r, const struct yaml_node *n, struct buf *b)
{
	buf_printf(b, "%s: ", config_where(r, n));
	if (r->path.len)
		buf_printf(b, "%.*s: ", STR_ARG(buf_str(&r->path)));
}

void config_error(struct reader *r, const struct yaml_node *n, const char *fmt, ...)
{
	va_list ap;

	r->nerrors++;
	message_start(r, n, &r->errors);
	va_start(ap, fmt);
	buf_vprintf(&r->errors, fmt, ap);
	va_end(ap);
	buf_add_char(&r->errors, '\n');
}

void config_warn(struct reader *r, const struct yaml_node *n, const char *fmt, ...)
{
	struct buf b = BUF_INIT(4096);
	va_list ap;

	message_start(r, n, &b);
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	texts_add(r, &r->warnings, arena_cstr(r->a, buf_str(&b)));
	buf_done(&b);
}

void *config_grow(struct reader *r, void *items, size_t n, size_t size)
{
	if (n && (n & (n - 1)) != 0)
		return items;
	void *more = n < CONFIG_LIST_MAX ? arena_alloc(r->a, (n ? n * 2 : 1) * size) : NULL;
	if (!more) {
		config_error(r, NULL, "the list is too long (more than %d)", CONFIG_LIST_MAX);
		return NULL;
	}
	if (n)
		memcpy(more, items, n * size);
	return more;
}

bool texts_add(struct reader *r, struct texts *t, const char *text)
{
	const char **v = text ? config_grow(r, t->v, t->n, sizeof(*v)) : NULL;

	if (!v)
		return false;
	t->v = v;
	t->v[t->n++] = text;
	return true;
}

/* ---- ${NAME} --------------------------------------------------------------------------------- */

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '_' &&
			!(i && c >= '0' && c <= '9'))
			return false;
	}
	return s.len > 0;
}

/* The value of ${NAME} at the start of s; its length with the braces goes to *len. */
static bool variable_at(struct str s, struct str *name, size_t *len)
{
	ptrdiff_t end = str_starts(s, STR("${")) ? str_find_char(s, '}') : -1;

	if (end < 0)
		return false;
	*name = str_make(s.s + 2, (size_t)end - 2);
	*len = (size_t)end + 1;
	return is_name(*name);
}

static void add_variable(
	struct reader *r, const struct yaml_node *n, struct str name, struct buf *out)
{
	char key[256];
	const char *value = str_copy(name, key, sizeof(key)) ? getenv(key) : NULL;

	if (value)
		buf_add_cstr(out, value);
	else
		config_warn(r, n, "the environment has no %.*s; empty is taken", STR_ARG(name));
}

static void expand_scalar(struct reader *r, struct yaml_node *n)
{
	struct buf b = BUF_INIT(64 * 1024);
	struct str s = n->text, name;
	size_t len;

	if (str_find(s, STR("${")) < 0)
		return;
	while (s.len) {
		/* $${NAME} is the text ${NAME} */
		if (s.s[0] == '$' && variable_at(str_skip(s, 1), &name, &len)) {
			buf_add(&b, str_make(s.s + 1, len));
			s = str_skip(s, len + 1);
		} else if (variable_at(s, &name, &len)) {
			add_variable(r, n, name, &b);
			s = str_skip(s, len);
		} else {
			buf_add_char(&b, s.s[0]);
			s = str_skip(s, 1);
		}
	}
	if (b.cut)
		config_error(r, n, "longer than 64 KiB after ${…} was replaced");
	n->text = arena_str(r->a, buf_str(&b));
	if (n->plain && !n->text.len)
		n->kind = YAML_NULL;
	buf_done(&b);
}

void config_expand(struct reader *r, struct yaml_node *n)
{
	if (!n)
		return;
	if (n->kind == YAML_SCALAR)
		expand_scalar(r, n);
	for (size_t i = 0; (n->kind == YAML_SEQ || n->kind == YAML_MAP) && i < n->nitems; i++)
		config_expand(r, n->items[i]);
}

/* ---- scalars --------------------------------------------------------------------------------- */

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {{"", 1}, {"B", 1}, {"K", 1 << 10}, {"KB", 1 << 10},
	{"KiB", 1 << 10}, {"M", 1 << 20}, {"MB", 1 << 20}, {"MiB", 1 << 20}, {"G", 1 << 30},
	{"GB", 1 << 30}, {"GiB", 1 << 30}, {NULL, 0}};
static const struct unit time_units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

/* "1h30m": numbers with units, added up. */
static bool parse_units(struct str s, const struct unit *units, uint64_t *ret)
{
	uint64_t sum = 0;

	if (!s.len)
		return false;
	while (s.len) {
		size_t digits = 0, letters;
		uint64_t n, part;

		while (digits < s.len && s.s[digits] >= '0' && s.s[digits] <= '9')
			digits++;
		letters = digits;
		while (letters < s.len && (s.s[letters] < '0' || s.s[letters] > '9'))
			letters++;
		struct str unit = str_trim(str_make(s.s + digits, letters - digits));
		const struct unit *u = units;
		while (u->name && !str_ieq(unit, str_of(u->name)))
			u++;
		if (!u->name || !str_to_u64(str_head(s, digits), 10, &n) ||
			__builtin_mul_overflow(n, u->factor, &part) ||
			__builtin_add_overflow(sum, part, &sum))
			return false;
		s = str_skip(s, letters);
	}
	*ret = sum;
	return true;
}

static void wrong(struct reader *r, const struct yaml_node *n, const char *expected)
{
	if (n->kind == YAML_SCALAR)
		config_error(r, n, "expected %s, not '%.*s'", expected,
			(int)(n->text.len < 80 ? n->text.len : 80), n->text.s);
	else
		config_error(r, n, "expected %s, not a %s", expected,
			n->kind == YAML_SEQ ? "list" : "map");
}

static void read_number(
	struct reader *r, const struct option *o, const struct yaml_node *n, uint64_t *to)
{
	uint64_t v, max = o->max ? o->max : UINT64_MAX;
	char expected[128];
	bool ok = n->kind == YAML_SCALAR;

	if (o->type == OPT_SIZE)
		ok = ok && parse_units(n->text, size_units, &v);
	else if (o->type == OPT_DURATION)
		ok = ok && parse_units(n->text, time_units, &v);
	else
		ok = ok && str_to_u64(n->text, 10, &v);
	if (ok && v >= o->min && v <= max) {
		*to = v;
		return;
	}
	const char *what = o->type == OPT_NUMBER ? "a number"
			   : o->type == OPT_SIZE ? "a size such as 64K or 8MiB"
						 : "a duration such as 500ms, 30s or 1h30m";
	if (o->min || o->max)
		snprintf(expected, sizeof(expected), "%s from %llu to %llu%s", what,
			(unsigned long long)o->min, (unsigned long long)max,
			o->type == OPT_DURATION ? " ms" : "");
	else
		snprintf(expected, sizeof(expected), "%s", what);
	wrong(r, n, expected);
}

static void read_bool(struct reader *r, const struct yaml_node *n, bool *to)
{
	if (!yaml_to_bool(n, to))
		wrong(r, n, "true or false");
}

static const char *read_text(struct reader *r, const struct yaml_node *n)
{
	if (n->kind != YAML_SCALAR) {
		wrong(r, n, "a text");
		return NULL;
	}
	if (str_find_char(n->text, 0) >= 0) {
		config_error(r, n, "holds a NUL byte");
		return NULL;
	}
	return arena_cstr(r->a, n->text);
}

static void read_texts(struct reader *r, const struct yaml_node *n, struct texts *to)
{
	const struct yaml_node *one[1] = {n};
	bool is_list = n->kind == YAML_SEQ;
	const struct yaml_node *const *items =
		is_list ? (const struct yaml_node *const *)n->items : one;

	if (r->strategy == STRATEGY_OVERRIDE)
		*to = (struct texts){0};
	for (size_t i = 0; i < (is_list ? n->nitems : 1); i++) {
		const char *text = read_text(r, items[i]);

		if (text && !texts_add(r, to, text))
			return;
	}
}

static void read_choice(
	struct reader *r, const struct option *o, const struct yaml_node *n, unsigned *to)
{
	struct buf b = BUF_INIT(512);

	for (unsigned i = 0; o->choices[i]; i++) {
		if (n->kind == YAML_SCALAR && str_ieq(n->text, str_of(o->choices[i]))) {
			*to = i;
			buf_done(&b);
			return;
		}
		buf_printf(&b, "%s%s", i ? ", " : "one of ", o->choices[i]);
	}
	wrong(r, n, buf_str(&b).s);
	buf_done(&b);
}

static void read_priority(struct reader *r, const struct yaml_node *n, enum priority *to)
{
	static const char *const names[] = {"emergency", "alert", "critical", "error", "warning",
		"notice", "informational", "debug", "info", NULL};
	static const struct option row = {.choices = names};
	unsigned i = *to;

	read_choice(r, &row, n, &i);
	*to = i < PRIORITY_COUNT ? (enum priority)i : PRIORITY_INFORMATIONAL;
}

void config_read_value(
	struct reader *r, const struct option *o, const struct yaml_node *n, void *base)
{
	void *to = (char *)base + o->offset;

	switch (o->type) {
	case OPT_MAP:
		config_read_map(r, o->rows, n, to);
		break;
	case OPT_BOOL:
		read_bool(r, n, to);
		break;
	case OPT_NUMBER:
	case OPT_SIZE:
	case OPT_DURATION:
		read_number(r, o, n, to);
		break;
	case OPT_TEXT:
		*(const char **)to = read_text(r, n);
		break;
	case OPT_TEXTS:
		read_texts(r, n, to);
		break;
	case OPT_PRIORITY:
		read_priority(r, n, to);
		break;
	case OPT_CHOICE:
		read_choice(r, o, n, to);
		break;
	case OPT_CUSTOM:
		o->read(r, n, to);
		break;
	case OPT_UNUSED:
		config_warn(r, n, "not used by koban: %s", o->why);
		break;
	}
}

/* ---- maps ------------------------------------------------------------------------------------ */

static const struct option *find_row(const struct option *rows, struct str key)
{
	for (; rows->key; rows++)
		if (str_is(key, rows->key))
			return rows;
	return NULL;
}

static void unknown_key(struct reader *r, const struct option *rows, const struct yaml_node *key)
{
	const char *best = NULL;
	unsigned least = 4;

	for (; rows->key; rows++) {
		unsigned d = str_distance(key->text, str_of(rows->key), 3);

		if (d < least && d < key->text.len) {
			least = d;
			best = rows->key;
		}
	}
	if (best)
		config_error(
			r, key, "unknown key '%.*s'; did you mean '%s'?", STR_ARG(key->text), best);
	else
		config_error(r, key, "unknown key '%.*s'", STR_ARG(key->text));
}

static bool was_set(const struct reader *r)
{
	for (size_t i = 0; i < r->seen.n; i++)
		if (str_is(buf_str(&r->path), r->seen.v[i]))
			return true;
	return false;
}

static bool is_repeated(const struct yaml_node *map, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (str_eq(map->keys[j]->text, map->keys[i]->text))
			return true;
	return false;
}

static void read_entry(struct reader *r, const struct option *rows, const struct yaml_node *map,
	size_t i, void *base)
{
	const struct yaml_node *key = map->keys[i], *value = map->items[i];
	size_t len = r->path.len;

	if (key->kind != YAML_SCALAR) {
		config_error(r, key, "a key must be a text");
		return;
	}
	const struct option *o = find_row(rows, key->text);
	if (!o) {
		unknown_key(r, rows, key);
		return;
	}
	buf_printf(&r->path, "%s%s", len ? "." : "", o->key);
	if (is_repeated(map, i)) {
		config_error(r, key, "the key is here twice");
	} else if (!yaml_is_null(value)) {
		bool is_known = o->type != OPT_MAP && was_set(r);

		if (o->type != OPT_MAP && !is_known)
			texts_add(r, &r->seen, arena_cstr(r->a, buf_str(&r->path)));
		if (!is_known || r->strategy != STRATEGY_ADD_ONLY)
			config_read_value(r, o, value, base);
	}
	r->path.len = len;
}

void config_read_map(
	struct reader *r, const struct option *rows, const struct yaml_node *map, void *base)
{
	if (map->kind != YAML_MAP) {
		wrong(r, map, "a map of keys and values");
		return;
	}
	for (size_t i = 0; i < map->nitems; i++)
		read_entry(r, rows, map, i, base);
}
