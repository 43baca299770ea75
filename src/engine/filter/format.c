/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output formats: "%proc.name opened %20fd.name" compiled to a list of texts and operands. The
 * longest head of what stands behind % that is a field wins; what is left is plain text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "engine/filter/escape.h"
#include "engine/filter/parse.h"
#include "engine/filter/transform.h"

enum { WIDTH_MAX = 4096, FORMAT_TEXT_MAX = 1 << 20, VALUE_TEXT_MAX = 64 * 1024 };

struct token {
	struct str text; /* plain text when `is_field` is false, else the field as written */
	struct operand operand;
	unsigned width; /* 0 = as long as it is */
	bool is_field;
};

struct member {
	struct str intro; /* `"proc.name":`, with the comma in front */
	const struct token *token;
};

struct format {
	bool allow_missing;
	struct token *tokens;
	size_t ntokens;
	size_t *fields; /* the tokens that are fields */
	size_t nfields;
	struct member *members; /* for JSON: in byte order of their names, each once */
	size_t nmembers;
};

/* ---- compiling ---------------------------------------------------------------------------- */

struct compiling {
	struct arena *arena;
	const struct filter_parse_options *options;
	struct filter_error *fe;
	struct lexer lex; /* over the whole text: places */
	struct format *format;
};

static int fail(struct compiling *c, size_t offset, const char *msg)
{
	*c->fe = (struct filter_error){.pos = lex_pos(&c->lex, offset)};
	snprintf(c->fe->msg, sizeof(c->fe->msg), "%s", msg);
	return -EINVAL;
}

static struct token *add_token(struct compiling *c, struct str text)
{
	struct format *f = c->format;

	f->tokens = array_room(c->arena, f->tokens, f->ntokens, sizeof(*f->tokens));
	if (!f->tokens)
		return NULL;
	f->tokens[f->ntokens] = (struct token){.text = text};
	return &f->tokens[f->ntokens++];
}

/* One try at `text`; the bytes taken, 0 = it is no operand, with the reason in `fe`. */
static size_t try_operand(
	struct compiling *c, struct str text, struct operand *ret, struct filter_error *fe)
{
	struct parser p;

	parser_init(&p, c->arena, text, c->options, fe);
	if (parse_operand(&p, ret) || p.failed || p.unknown_field)
		return 0;
	return p.lex.at;
}

/*
 * A field: the longest head of the dotted name that is known, with its argument if it takes one.
 * `full` keeps the first reason, which is about the name as it was written.
 */
static size_t field_token(struct compiling *c, struct str text, size_t name_len,
	struct operand *ret, struct filter_error *full)
{
	struct filter_error fe;
	size_t n = try_operand(c, text, ret, full);

	for (size_t len = name_len; !n && len > 2 && !c->options->allow_unknown_fields; len--) {
		struct str name = str_head(text, len);
		struct lexer l = {.text = name};
		struct str whole;

		if (!lex_field_name(&l, &whole) || whole.len != len)
			continue;
		/* with what follows (an argument), when the name ends here anyway */
		n = try_operand(c, name, ret, &fe);
	}
	return n;
}

/* Whether all fields in it can be printed; the name of one that cannot. */
static const char *unprintable(const struct operand *op)
{
	const char *name = NULL;

	if (op->kind == OPERAND_FIELD && op->field && op->field->flags & FIELD_FILTER_ONLY)
		return op->field->name;
	for (size_t i = 0; !name && i < op->nargs; i++)
		name = unprintable(&op->args[i]);
	return name;
}

static unsigned width(struct lexer *l)
{
	unsigned w = 0;

	for (; l->at < l->text.len && l->text.s[l->at] >= '0' && l->text.s[l->at] <= '9'; l->at++)
		w = w < WIDTH_MAX ? w * 10 + (unsigned)(l->text.s[l->at] - '0') : w;
	return w < WIDTH_MAX ? w : WIDTH_MAX;
}

static int not_a_field(struct compiling *c, size_t start, const struct filter_error *why)
{
	bool unknown = why->unknown_field;
	char msg[sizeof(why->msg)];

	snprintf(msg, sizeof(msg), "behind %%: %.300s", why->msg);
	fail(c, start, msg);
	c->fe->unknown_field = unknown;
	return -EINVAL;
}

/* Behind '%'. */
static int percent(struct compiling *c)
{
	struct lexer *l = &c->lex;
	size_t percent_at = l->at - 1;
	unsigned w = width(l);
	struct filter_error why;
	struct operand op = {0};
	struct str rest = str_skip(l->text, l->at), name = STR_NULL;
	struct lexer ahead = {.text = str_head(rest, FIELD_NAME_MAX)};

	if (!rest.len)
		return fail(c, percent_at,
			"a format cannot end with % or a width: a field must follow");
	bool is_field = lex_field_name(&ahead, &name);
	size_t n = is_field ? field_token(c, rest, name.len, &op, &why)
			    : try_operand(c, rest, &op, &why);
	if (!n)
		return not_a_field(c, l->at, &why);
	const char *hidden = unprintable(&op);
	if (hidden) {
		char msg[200];

		snprintf(msg, sizeof(msg), "%s is for conditions only and cannot be printed",
			hidden);
		return fail(c, l->at, msg);
	}
	struct token *t = add_token(c, str_head(rest, n));
	if (!t)
		return fail(c, percent_at, "out of memory");
	op.pos = lex_pos(l, l->at);
	t->operand = op;
	t->width = w;
	t->is_field = true;
	c->format->nfields++;
	l->at += n;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return str_cmp(x->token->text, y->token->text);
}

static struct str member_intro(struct compiling *c, struct str name, bool is_first)
{
	struct buf b = BUF_INIT(2 * FORMAT_TEXT_MAX);

	if (!is_first)
		buf_add_char(&b, ',');
	json_add_str(&b, name);
	buf_add_char(&b, ':');
	struct str s = arena_str(c->arena, buf_str(&b));

	buf_done(&b);
	return s;
}

/* Lists fields by place and by name; runs when the tokens move no more. */
static int index_fields(struct compiling *c)
{
	struct format *f = c->format;
	size_t n = 0;

	f->fields = arena_array(c->arena, size_t, f->nfields + 1);
	f->members = arena_array(c->arena, struct member, f->nfields + 1);
	if (!f->fields || !f->members)
		return fail(c, 0, "out of memory");
	for (size_t i = 0; i < f->ntokens; i++) {
		if (!f->tokens[i].is_field)
			continue;
		f->members[n].token = &f->tokens[i];
		f->fields[n++] = i;
	}
	qsort(f->members, n, sizeof(*f->members), compare_members);
	for (size_t i = 0; i < n; i++) {
		struct member *m = &f->members[f->nmembers];

		m->token = f->members[i].token;
		if (f->nmembers && str_eq(m[-1].token->text, m->token->text))
			continue;
		m->intro = member_intro(c, m->token->text, f->nmembers == 0);
		if (!m->intro.s)
			return fail(c, 0, "out of memory");
		f->nmembers++;
	}
	return 0;
}

int format_compile(struct arena *a, struct str text, const struct filter_parse_options *o,
	struct format **ret, struct filter_error *fe)
{
	struct filter_error unused = {0};
	struct compiling c = {
		.arena = a, .options = o, .fe = fe ? fe : &unused, .lex = {.text = text}};
	int r = 0;

	c.format = arena_new(a, struct format);
	if (!c.format)
		return fail(&c, 0, "out of memory");
	if (!text.len || text.len > FORMAT_TEXT_MAX)
		return fail(&c, 0, text.len ? "the format is too long" : "the format is empty");
	/* the tokens point into a copy that lives as long as they do */
	c.lex.text = text = arena_str(a, text);
	if (!text.s)
		return fail(&c, 0, "out of memory");
	c.format->allow_missing = lex_text(&c.lex, "*");
	while (!r && c.lex.at < text.len) {
		struct str rest = str_skip(text, c.lex.at);
		ptrdiff_t at = str_find_char(rest, '%');
		size_t plain = at < 0 ? rest.len : (size_t)at;

		if (plain && !add_token(&c, str_head(rest, plain)))
			return fail(&c, c.lex.at, "out of memory");
		c.lex.at += plain;
		if (lex_text(&c.lex, "%"))
			r = percent(&c);
	}
	r = r ? r : index_fields(&c);
	if (!r)
		*ret = c.format;
	return r;
}

/* ---- rendering ---------------------------------------------------------------------------- */

static bool is_list(const struct operand *op)
{
	return operand_type(op).is_list;
}

static void add_values(struct buf *out, const struct values *v, bool list)
{
	if (list)
		buf_add_char(out, '(');
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			buf_add_char(out, ',');
		value_format(&v->v[i], out);
	}
	if (list)
		buf_add_char(out, ')');
}

/* Cuts or pads what was added behind `start`. */
static void fit(struct buf *out, size_t start, unsigned w)
{
	if (!w)
		return;
	if (out->len - start > w) {
		out->len = start + w;
		out->s[out->len] = 0;
	}
	while (out->len - start < w && !out->cut)
		buf_add_char(out, ' ');
}

/* A field as text; false when it is missing. */
static inline bool add_field(
	const struct operand *op, const struct field_ctx *ctx, struct buf *out, bool *is_text)
{
	struct values v;

	if (op->kind == OPERAND_FIELD && op->field && op->field->print)
		return op->field->print(ctx, &op->arg, out);
	if (op->kind == OPERAND_FIELD && op->field && !(op->field->flags & FIELD_LIST)) {
		struct value one;

		if (!op->field->get(ctx, &op->arg, &one))
			return false;
		*is_text = value_type_is_text(one.type);
		value_format(&one, out);
		return true;
	}
	if (!operand_values(op, ctx, &v))
		return false;
	add_values(out, &v, is_list(op));
	return true;
}

enum { KEEP_CONTROLS, ESCAPE_CONTROLS, ESCAPE_BUT_LINES };

static bool render(const struct format *f, const struct field_ctx *ctx, int escape, struct buf *out)
{
	bool complete = true;

	for (size_t i = 0; i < f->ntokens; i++) {
		const struct token *t = &f->tokens[i];
		size_t start = out->len;
		bool is_text = true;

		if (!t->is_field) {
			buf_add(out, t->text);
			continue;
		}
		if (!add_field(&t->operand, ctx, out, &is_text)) {
			buf_add_cstr(out, "<NA>");
			complete = false;
		} else if (escape && is_text) {
			line_escape(out, start, escape == ESCAPE_BUT_LINES, ctx->arena);
		}
		fit(out, start, t->width);
	}
	return complete || f->allow_missing;
}

bool format_render(const struct format *f, const struct field_ctx *ctx, struct buf *out)
{
	return render(f, ctx, KEEP_CONTROLS, out);
}

bool format_render_line(
	const struct format *f, const struct field_ctx *ctx, bool lines, struct buf *out)
{
	return render(f, ctx, lines ? ESCAPE_BUT_LINES : ESCAPE_CONTROLS, out);
}

/* "(a,b)" in the arena: measured first, so that a warm arena needs no other buffer. */
static bool joined_list(const struct values *v, struct arena *a, struct value *ret)
{
	char *text = arena_raw(a, VALUE_TEXT_MAX);
	struct buf b = {.s = text, .cap = VALUE_TEXT_MAX, .max = VALUE_TEXT_MAX - 1};

	if (!text)
		return false;
	add_values(&b, v, true);
	*ret = (struct value){.type = VT_STR, .s = buf_str(&b)};
	return true;
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void add_json_text(const struct value *v, struct arena *a, struct buf *out)
{
	buf_add_char(out, '"');
	size_t from = out->len;

	value_format(v, out);
	json_escape(out, from, a);
	buf_add_char(out, '"');
}

static void add_json_value(const struct value *v, struct arena *a, struct buf *out)
{
	switch (v->type) {
	case VT_BOOL:
	case VT_U64:
	case VT_S64:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT:
		value_format(v, out);
		break;
	case VT_DOUBLE: /* JSON has no word for what is no number */
		if (v->d - v->d == 0)
			value_format(v, out);
		else
			buf_add_cstr(out, "null");
		break;
	default:
		add_json_text(v, a, out);
		break;
	}
}

static bool add_json_printed(const struct operand *op, const struct field_ctx *ctx, struct buf *out)
{
	size_t before = out->len;

	buf_add_char(out, '"');
	if (!op->field->print(ctx, &op->arg, out)) {
		buf_cut_to(out, before);
		return false;
	}
	json_escape(out, before + 1, ctx->arena);
	buf_add_char(out, '"');
	return true;
}

static bool add_member_value(const struct operand *op, const struct field_ctx *ctx, struct buf *out)
{
	const struct field_def *f = op->kind == OPERAND_FIELD ? op->field : NULL;
	struct values v = {0};
	struct value one;

	if (f && f->json) {
		if (!f->json(ctx, &op->arg, &one))
			return false;
		add_json_value(&one, ctx->arena, out);
		return true;
	}
	if (f && f->print)
		return add_json_printed(op, ctx, out);
	if (!operand_values(op, ctx, &v) || (is_list(op) && !joined_list(&v, ctx->arena, &one)))
		return false;
	add_json_value(is_list(op) ? &one : &v.v[0], ctx->arena, out);
	return true;
}

bool format_render_json(const struct format *f, const struct field_ctx *ctx, struct buf *out)
{
	bool complete = true;

	buf_add_char(out, '{');
	for (size_t i = 0; i < f->nmembers; i++) {
		buf_add(out, f->members[i].intro);
		if (!add_member_value(&f->members[i].token->operand, ctx, out)) {
			buf_add_cstr(out, "null");
			complete = false;
		}
	}
	buf_add_char(out, '}');
	return complete || f->allow_missing;
}

/* ---- tokens ------------------------------------------------------------------------------- */

size_t format_nfields(const struct format *f)
{
	return f->nfields;
}

struct str format_field_name(const struct format *f, size_t i)
{
	return f->tokens[f->fields[i]].text;
}

const struct operand *format_field_operand(const struct format *f, size_t i)
{
	return &f->tokens[f->fields[i]].operand;
}

bool format_field_value(
	const struct format *f, size_t i, const struct field_ctx *ctx, struct value *ret)
{
	const struct operand *op = format_field_operand(f, i);
	struct values v;

	if (!operand_values(op, ctx, &v))
		return false;
	if (is_list(op))
		return joined_list(&v, ctx->arena, ret);
	*ret = v.v[0];
	return true;
}
