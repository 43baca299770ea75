/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading shapes, and writing them as JSON schemas. The texts are koban's own, so an error in one
 * is a bug and is found when the console starts.
 */
#include "face/console/schema.h"

#include <errno.h>

#include "base/json.h"

enum { FIELDS_MAX = 64, WORDS_MAX = 64, DEPTH_MAX = 16 };

/* ---- reading ------------------------------------------------------------------------------- */

struct shape_text {
	struct arena *a;
	struct str all, rest;
	struct err *e;
};

static bool parse_type(struct shape_text *t, struct schema *s, unsigned depth);

static bool complain(struct shape_text *t, const char *what)
{
	err_set(t->e, EINVAL, "shape '%.*s', column %zu: %s", STR_ARG(t->all),
		t->all.len - t->rest.len + 1, what);
	return false;
}

static bool take(struct shape_text *t, char c)
{
	if (!t->rest.len || t->rest.s[0] != c)
		return false;
	t->rest = str_skip(t->rest, 1);
	return true;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

static struct str take_word(struct shape_text *t)
{
	size_t n = 0;

	while (n < t->rest.len && is_word_char(t->rest.s[n]))
		n++;
	struct str w = str_head(t->rest, n);
	t->rest = str_skip(t->rest, n);
	return w;
}

static void skip_blanks(struct shape_text *t)
{
	while (take(t, ' ') || take(t, ',') || take(t, '\n') || take(t, '\t'))
		;
}

/* "(64)" or "(1..500)" */
static bool parse_bounds(struct shape_text *t, struct schema *s)
{
	if (!take(t, '('))
		return true;
	ptrdiff_t close = str_find_char(t->rest, ')');
	if (close < 0)
		return complain(t, "no ) behind (");
	struct str inner = str_head(t->rest, (size_t)close);
	ptrdiff_t dots = str_find(inner, STR(".."));
	bool good = dots < 0 ? str_to_s64(inner, 10, &s->max)
			     : str_to_s64(str_head(inner, (size_t)dots), 10, &s->min) &&
				       str_to_s64(str_skip(inner, (size_t)dots + 2), 10, &s->max);
	t->rest = str_skip(t->rest, (size_t)close + 1);
	return good || complain(t, "a bound is no number");
}

static bool parse_words(struct shape_text *t, struct schema *s)
{
	ptrdiff_t close = str_find_char(t->rest, '\'');

	if (close < 0)
		return complain(t, "no closing quote");
	struct str inner = str_head(t->rest, (size_t)close);
	t->rest = str_skip(t->rest, (size_t)close + 1);
	s->kind = SCHEMA_WORD;
	s->words = arena_array(t->a, struct str, WORDS_MAX);
	if (!s->words)
		return complain(t, "out of memory");
	while (inner.s) {
		if (s->nwords == WORDS_MAX)
			return complain(t, "too many words");
		s->words[s->nwords++] = str_cut(&inner, '|');
	}
	return true;
}

static bool parse_field(struct shape_text *t, struct schema *s, unsigned depth)
{
	struct schema_field *f = &s->fields[s->nfields];

	if (take(t, '*')) {
		struct schema *other = arena_new(t->a, struct schema);

		s->item = other;
		return other && take(t, ':') ? parse_type(t, other, depth)
					     : complain(t, "no : behind *");
	}
	if (s->nfields == FIELDS_MAX)
		return complain(t, "too many fields");
	f->name = take_word(t);
	f->optional = take(t, '?');
	if (!f->name.len || !take(t, ':'))
		return complain(t, "expected name:type");
	s->nfields++;
	return parse_type(t, &f->type, depth);
}

static bool parse_map(struct shape_text *t, struct schema *s, unsigned depth)
{
	s->kind = SCHEMA_MAP;
	s->fields = arena_array(t->a, struct schema_field, FIELDS_MAX);
	if (!s->fields)
		return complain(t, "out of memory");
	for (skip_blanks(t); !take(t, '}'); skip_blanks(t))
		if (!t->rest.len)
			return complain(t, "no closing }");
		else if (!parse_field(t, s, depth))
			return false;
	return true;
}

static bool parse_list(struct shape_text *t, struct schema *s, unsigned depth)
{
	struct schema *item = arena_new(t->a, struct schema);

	s->kind = SCHEMA_LIST;
	s->item = item;
	if (!item || !parse_type(t, item, depth))
		return false;
	return (take(t, ']') || complain(t, "no closing ]")) && parse_bounds(t, s);
}

static bool parse_name(struct shape_text *t, struct schema *s)
{
	static const struct {
		const char *name;
		enum schema_kind kind;
	} kinds[] = {{"str", SCHEMA_STR}, {"int", SCHEMA_INT}, {"num", SCHEMA_NUM},
		{"bool", SCHEMA_BOOL}, {"time", SCHEMA_TIME}, {"any", SCHEMA_ANY}};
	struct str w = take_word(t);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (str_is(w, kinds[i].name)) {
			s->kind = kinds[i].kind;
			return parse_bounds(t, s);
		}
	if (!w.len || w.s[0] < 'A' || w.s[0] > 'Z')
		return complain(t, "no such type");
	s->kind = SCHEMA_NAME;
	s->name = w;
	return true;
}

static bool parse_type(struct shape_text *t, struct schema *s, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return complain(t, "nested too deeply");
	s->nullable = take(t, '?');
	if (take(t, '{'))
		return parse_map(t, s, depth + 1);
	if (take(t, '['))
		return parse_list(t, s, depth + 1);
	if (take(t, '\''))
		return parse_words(t, s);
	return parse_name(t, s);
}

struct schema *schema_parse(struct arena *a, struct str text, struct err *e)
{
	struct shape_text t = {a, text, text, e};
	struct schema *s = arena_new(a, struct schema);

	if (!s || !parse_type(&t, s, 0))
		return NULL;
	if (t.rest.len) {
		complain(&t, "something behind the end");
		return NULL;
	}
	return s;
}

/* ---- as JSON schema ------------------------------------------------------------------------ */

static void add_bounds(const struct schema *s, const char *min, const char *max, struct buf *out)
{
	if (!schema_is_bounded(s))
		return;
	if (s->min)
		buf_printf(out, ",\"%s\":%lld", min, (long long)s->min);
	buf_printf(out, ",\"%s\":%lld", max, (long long)s->max);
}

static void add_words(const struct schema *s, struct buf *out)
{
	buf_add_cstr(out, ",\"enum\":[");
	for (size_t i = 0; i < s->nwords; i++) {
		if (i)
			buf_add_char(out, ',');
		json_add_str(out, s->words[i]);
	}
	if (s->nullable)
		buf_add_cstr(out, ",null");
	buf_add_char(out, ']');
}

static void add_required(const struct schema *s, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < s->nfields; i++) {
		if (s->fields[i].optional)
			continue;
		buf_add_cstr(out, first ? ",\"required\":[" : ",");
		json_add_str(out, s->fields[i].name);
		first = false;
	}
	if (!first)
		buf_add_char(out, ']');
}

static void add_map(const struct schema *s, struct buf *out)
{
	bool first = true;

	buf_add_cstr(out, ",\"properties\":{");
	for (size_t i = 0; i < s->nfields; i++) {
		if (!first)
			buf_add_char(out, ',');
		first = false;
		json_add_str(out, s->fields[i].name);
		buf_add_char(out, ':');
		schema_add_json(&s->fields[i].type, out);
	}
	buf_add_char(out, '}');
	add_required(s, out);
	buf_add_cstr(out, ",\"additionalProperties\":");
	if (s->item)
		schema_add_json(s->item, out);
	else
		buf_add_cstr(out, "false");
}

static void add_reference(const struct schema *s, struct buf *out)
{
	if (s->nullable)
		buf_add_cstr(out, "{\"anyOf\":[{\"type\":\"null\"},");
	buf_printf(out, "{\"$ref\":\"#/components/schemas/%.*s\"}", STR_ARG(s->name));
	if (s->nullable)
		buf_add_cstr(out, "]}");
}

void schema_add_json(const struct schema *s, struct buf *out)
{
	static const char *const types[] = {[SCHEMA_STR] = "string",
		[SCHEMA_INT] = "integer",
		[SCHEMA_NUM] = "number",
		[SCHEMA_BOOL] = "boolean",
		[SCHEMA_TIME] = "string",
		[SCHEMA_WORD] = "string",
		[SCHEMA_LIST] = "array",
		[SCHEMA_MAP] = "object"};

	if (s->kind == SCHEMA_ANY) {
		buf_add_cstr(out, "{}");
		return;
	}
	if (s->kind == SCHEMA_NAME) {
		add_reference(s, out);
		return;
	}
	buf_printf(out, s->nullable ? "{\"type\":[\"%s\",\"null\"]" : "{\"type\":\"%s\"",
		types[s->kind]);
	if (s->kind == SCHEMA_STR)
		add_bounds(s, "minLength", "maxLength", out);
	else if (s->kind == SCHEMA_INT)
		add_bounds(s, "minimum", "maximum", out);
	else if (s->kind == SCHEMA_TIME)
		buf_add_cstr(out, ",\"format\":\"date-time\"");
	else if (s->kind == SCHEMA_WORD)
		add_words(s, out);
	else if (s->kind == SCHEMA_MAP)
		add_map(s, out);
	if (s->kind == SCHEMA_LIST) {
		buf_add_cstr(out, ",\"items\":");
		schema_add_json(s->item, out);
		add_bounds(s, "minItems", "maxItems", out);
	}
	buf_add_char(out, '}');
}
