/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding JSON values and URL parameters against their shapes. The values are anybody's: what does
 * not fit is named by its place, and nothing of it reaches a handler.
 */
#include <errno.h>
#include <stdio.h>

#include "face/console/schema.h"

enum { DEPTH_MAX = 16 };

struct check {
	schema_find_fn find;
	void *arg;
	struct buf at; /* where in the value: "ids[3]" */
	struct err *e;
};

static bool check_value(struct check *c, const struct schema *s, const json_t *v, unsigned depth);

static bool wrong(struct check *c, const char *what)
{
	if (c->at.len)
		err_set(c->e, EINVAL, "%.*s: %s", STR_ARG(buf_str(&c->at)), what);
	else
		err_set(c->e, EINVAL, "the body %s", what);
	return false;
}

static bool check_range(struct check *c, const struct schema *s, int64_t n, const char *of)
{
	char text[120];

	if (!schema_is_bounded(s) || (n >= s->min && n <= s->max))
		return true;
	snprintf(text, sizeof(text), "has to be between %lld and %lld%s", (long long)s->min,
		(long long)s->max, of);
	return wrong(c, text);
}

static bool check_str(struct check *c, const struct schema *s, struct str v)
{
	if (memchr(v.s, 0, v.len))
		return wrong(c, "must not hold a NUL");
	return check_range(c, s, (int64_t)v.len, " bytes long");
}

static bool check_word(struct check *c, const struct schema *s, struct str v)
{
	struct buf text = BUF_INIT(500);

	for (size_t i = 0; i < s->nwords; i++)
		if (str_eq(s->words[i], v))
			return true;
	buf_add_cstr(&text, "has to be one of: ");
	for (size_t i = 0; i < s->nwords; i++)
		buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(s->words[i]));
	wrong(c, text.s);
	buf_done(&text);
	return false;
}

static bool check_time(struct check *c, struct str v)
{
	uint64_t ns;

	return schema_parse_time(v, &ns) || wrong(c, "has to be a time like 2026-01-31T12:00:00Z");
}

static bool check_list(struct check *c, const struct schema *s, const json_t *v, unsigned depth)
{
	size_t n = json_array_size(v), len = c->at.len;

	if (!check_range(c, s, (int64_t)n, " items long"))
		return false;
	for (size_t i = 0; i < n; i++) {
		buf_printf(&c->at, "[%zu]", i);
		if (!check_value(c, s->item, json_array_get(v, i), depth))
			return false;
		c->at.len = len;
	}
	return true;
}

static const struct schema_field *find_field(const struct schema *s, struct str name)
{
	for (size_t i = 0; i < s->nfields; i++)
		if (str_eq(s->fields[i].name, name))
			return &s->fields[i];
	return NULL;
}

static bool check_keys(struct check *c, const struct schema *s, json_t *v, unsigned depth)
{
	size_t len = c->at.len;
	const char *key;
	json_t *value;

	json_object_foreach(v, key, value)
	{
		const struct schema_field *f = find_field(s, str_of(key));
		const struct schema *type = f ? &f->type : s->item;

		buf_printf(&c->at, "%s%.60s", len ? "." : "", key);
		if (!type)
			return wrong(c, "is not known here");
		if (!check_value(c, type, value, depth))
			return false;
		c->at.len = len;
	}
	return true;
}

static bool check_map(struct check *c, const struct schema *s, const json_t *v, unsigned depth)
{
	for (size_t i = 0; i < s->nfields; i++) {
		const struct schema_field *f = &s->fields[i];

		if (f->optional || json_object_getn(v, f->name.s, f->name.len))
			continue;
		buf_printf(&c->at, "%s%.*s", c->at.len ? "." : "", STR_ARG(f->name));
		return wrong(c, "is missing");
	}
	/* jansson iterates only over what may be changed */
	return check_keys(c, s, (json_t *)v, depth);
}

static struct str text_of(const json_t *v)
{
	return str_make(json_string_value(v), json_string_length(v));
}

static bool check_named(struct check *c, const struct schema *s, const json_t *v, unsigned depth)
{
	const struct schema *named = c->find ? c->find(s->name, c->arg) : NULL;

	return named ? check_value(c, named, v, depth) : wrong(c, "has a shape that is not known");
}

static bool check_value(struct check *c, const struct schema *s, const json_t *v, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return wrong(c, "is nested too deeply");
	if (s->nullable && json_is_null(v))
		return true;
	switch (s->kind) {
	case SCHEMA_ANY:
		return true;
	case SCHEMA_STR:
		return json_is_string(v) ? check_str(c, s, text_of(v))
					 : wrong(c, "has to be a text");
	case SCHEMA_INT:
		return json_is_integer(v) ? check_range(c, s, json_integer_value(v), "")
					  : wrong(c, "has to be a whole number");
	case SCHEMA_NUM:
		return json_is_number(v) || wrong(c, "has to be a number");
	case SCHEMA_BOOL:
		return json_is_boolean(v) || wrong(c, "has to be true or false");
	case SCHEMA_TIME:
		return json_is_string(v) ? check_time(c, text_of(v)) : wrong(c, "has to be a time");
	case SCHEMA_WORD:
		return json_is_string(v) ? check_word(c, s, text_of(v))
					 : wrong(c, "has to be a text");
	case SCHEMA_LIST:
		return json_is_array(v) ? check_list(c, s, v, depth + 1)
					: wrong(c, "has to be a list");
	case SCHEMA_MAP:
		return json_is_object(v) ? check_map(c, s, v, depth + 1)
					 : wrong(c, "has to be an object");
	case SCHEMA_NAME:
		return check_named(c, s, v, depth + 1);
	}
	return false;
}

enum { PLACE_MAX = 400 };

int schema_check(
	const struct schema *s, const json_t *v, schema_find_fn find, void *arg, struct err *e)
{
	struct check c = {find, arg, BUF_INIT(PLACE_MAX), e};
	bool good = check_value(&c, s, v, 0);

	buf_done(&c.at);
	return good ? 0 : -EINVAL;
}

static bool check_text(struct check *c, const struct schema *s, struct str v)
{
	int64_t n;
	double d;

	switch (s->kind) {
	case SCHEMA_INT:
		return str_to_s64(v, 10, &n) ? check_range(c, s, n, "")
					     : wrong(c, "has to be a whole number");
	case SCHEMA_NUM:
		return str_to_double(v, &d) || wrong(c, "has to be a number");
	case SCHEMA_BOOL:
		return str_is(v, "true") || str_is(v, "false") ||
		       wrong(c, "has to be true or false");
	case SCHEMA_TIME:
		return check_time(c, v);
	case SCHEMA_WORD:
		return check_word(c, s, v);
	default:
		return check_str(c, s, v);
	}
}

int schema_check_text(const struct schema *s, struct str name, struct str value, struct err *e)
{
	struct check c = {NULL, NULL, BUF_INIT(PLACE_MAX), e};

	buf_add(&c.at, name);
	bool good = check_text(&c, s, value);
	buf_done(&c.at);
	return good ? 0 : -EINVAL;
}
