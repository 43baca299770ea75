/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output formats: "%proc.name opened %20fd.name" compiled to a list of operands with the texts in
 * front of them. The longest head of what stands behind % that is a field wins; what is left is
 * plain text.
 *
 * A line that must hold no control bytes is first written as it comes and looked at once, whole:
 * nearly all lines are clean. Only one that is not is written again, with escapes field by field.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/json.h"
#include "engine/filter/escape.h"
#include "engine/filter/parse.h"
#include "engine/filter/transform.h"

enum {
	WIDTH_MAX = 4096,
	FORMAT_TEXT_MAX = 1 << 20,
	VALUE_TEXT_MAX = 64 * 1024,
	TEXT_PADDING = 16, /* readable bytes behind the format's text */
};

/* How a token becomes text: those that ask a field's own functions need not look at operands. */
enum token_kind { TOKEN_PRINT, TOKEN_GET, TOKEN_VALUES };

struct token {
	struct str before; /* plain text */
	enum token_kind kind;
	unsigned width;  /* 0 = as long as it is */
	unsigned run;    /* so many from here on are short and simple: they can be put */
	struct str text; /* the field as written */
	struct operand operand;
};

struct member {
	struct str intro; /* `"proc.name":`, with the comma in front */
	const struct token *token;
};

struct format {
	bool allow_missing;
	bool is_plain; /* its own texts hold nothing that would be escaped */
	struct token *tokens;
	size_t ntokens;
	struct str tail;        /* plain text behind the last of them */
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

static struct token *add_token(struct compiling *c, struct str before, struct str text)
{
	struct format *f = c->format;

	f->tokens = array_room(c->arena, f->tokens, f->ntokens, sizeof(*f->tokens));
	if (!f->tokens)
		return NULL;
	f->tokens[f->ntokens] = (struct token){.before = before, .text = text};
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

static enum token_kind kind_of(const struct operand *op)
{
	if (op->kind != OPERAND_FIELD || !op->field)
		return TOKEN_VALUES;
	if (op->field->print)
		return TOKEN_PRINT;
	return op->field->flags & FIELD_LIST ? TOKEN_VALUES : TOKEN_GET;
}

/* Behind '%', which stands behind `before`. */
static int percent(struct compiling *c, struct str before)
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
	struct token *t = add_token(c, before, str_head(rest, n));
	if (!t)
		return fail(c, percent_at, "out of memory");
	op.pos = lex_pos(l, l->at);
	t->operand = op;
	t->width = w;
	t->kind = kind_of(&op);
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

/* Lists fields by name; runs when the tokens move no more. */
static int index_fields(struct compiling *c)
{
	struct format *f = c->format;
	size_t n = f->ntokens;

	f->members = arena_array(c->arena, struct member, n + 1);
	if (!f->members)
		return fail(c, 0, "out of memory");
	f->is_plain = text_is_plain(f->tail);
	for (size_t i = 0; i < n; i++) {
		f->is_plain = f->is_plain && text_is_plain(f->tokens[i].before);
		f->members[i].token = &f->tokens[i];
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

static bool can_be_put(const struct token *t)
{
	return t->kind != TOKEN_VALUES && t->operand.field->put && !t->width &&
	       t->before.len <= TEXT_PADDING;
}

static void count_runs(struct format *f)
{
	for (size_t i = f->ntokens; i > 0; i--) {
		struct token *t = &f->tokens[i - 1];

		t->run = can_be_put(t) ? 1 + (i < f->ntokens ? t[1].run : 0) : 0;
	}
}

/* A copy that lives as long as the tokens, which point into it. */
static struct str keep_text(struct arena *a, struct str text)
{
	char *copy = arena_alloc(a, text.len + TEXT_PADDING);

	if (!copy)
		return STR_NULL;
	memcpy(copy, text.s, text.len);
	return str_make(copy, text.len);
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
	c.lex.text = text = keep_text(a, text);
	if (!text.s)
		return fail(&c, 0, "out of memory");
	c.format->allow_missing = lex_text(&c.lex, "*");
	while (!r) {
		struct str rest = str_skip(text, c.lex.at);
		ptrdiff_t at = str_find_char(rest, '%');
		struct str plain = at < 0 ? rest : str_head(rest, (size_t)at);

		c.lex.at += plain.len;
		c.format->tail = plain;
		if (!lex_text(&c.lex, "%"))
			break;
		r = percent(&c, plain);
	}
	r = r ? r : index_fields(&c);
	if (r)
		return r;
	count_runs(c.format);
	*ret = c.format;
	return 0;
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
	buf_cut(out, start + w);
	while (out->len - start < w && !out->cut)
		buf_add_char(out, ' ');
}

enum { VALUE_ROOM = 64 }; /* for what most fields are: digits, a short name */

/* Text of the format: mostly a blank or a bracket, so that sixteen bytes are copied at once. */
static inline void add_plain(struct buf *out, struct str text)
{
	char *room = buf_room(out, TEXT_PADDING);

	if (!room || text.len > TEXT_PADDING) {
		buf_add(out, text);
		return;
	}
	memcpy(room, text.s, TEXT_PADDING);
	buf_filled(out, text.len);
}

static inline void add_value(struct buf *out, const struct value *v)
{
	bool is_text = v->type == VT_STR || v->type == VT_PATH;
	char *room = buf_room(out, VALUE_ROOM);

	if (room && is_text && v->s.len <= VALUE_ROOM)
		buf_filled_to(out, str_put(room, v->s));
	else if (room && (v->type == VT_U64 || v->type == VT_ABSTIME))
		buf_filled_to(out, digits_put_u64(room, v->u));
	else if (room && v->type == VT_S64)
		buf_filled_to(out, digits_put_s64(room, v->i));
	else
		value_format(v, out);
}

/* A field as text; false when it is missing. */
static inline bool add_field(
	const struct token *t, const struct field_ctx *ctx, struct buf *out, bool *is_text)
{
	const struct operand *op = &t->operand;
	struct value one;
	struct values v;

	if (t->kind == TOKEN_PRINT)
		return op->field->print(ctx, &op->arg, out);
	if (t->kind == TOKEN_GET) {
		if (!op->field->get(ctx, &op->arg, &one))
			return false;
		if (*is_text)
			*is_text = value_type_is_text(one.type);
		add_value(out, &one);
		return true;
	}
	if (!operand_values(op, ctx, &v))
		return false;
	add_values(out, &v, is_list(op));
	return true;
}

/* Puts a run, one behind the other, with one look at the room; how many of it were there. */
static inline size_t put_run(const struct token *t, const struct field_ctx *ctx, struct buf *out)
{
	const struct token *first = t, *end = t + t->run;
	char *to = buf_room(out, t->run * (TEXT_PADDING + FIELD_PUT_MAX)), *next;

	if (!to)
		return 0;
	for (; t < end; t++, to = next) {
		memcpy(to, t->before.s, TEXT_PADDING);
		next = t->operand.field->put(ctx, to + t->before.len);
		if (!next)
			break;
	}
	buf_filled_to(out, to);
	return (size_t)(t - first);
}

enum { KEEP_CONTROLS, ESCAPE_CONTROLS, ESCAPE_BUT_LINES };

static inline bool render(
	const struct format *f, const struct field_ctx *ctx, int escape, struct buf *out)
{
	bool complete = true;

	for (const struct token *t = f->tokens, *end = t + f->ntokens; t < end; t++) {
		bool is_text = escape; /* asked for only when something hangs on it */

		if (t->run && !escape) {
			t += put_run(t, ctx, out);
			if (t == end)
				break;
		}
		add_plain(out, t->before);
		size_t start = out->len;
		if (!add_field(t, ctx, out, &is_text)) {
			buf_add_cstr(out, "<NA>");
			complete = false;
		} else if (is_text) {
			line_escape(out, start, escape == ESCAPE_BUT_LINES, ctx->arena);
		}
		if (t->width)
			fit(out, start, t->width);
	}
	add_plain(out, f->tail);
	return complete || f->allow_missing;
}

bool format_render(const struct format *f, const struct field_ctx *ctx, struct buf *out)
{
	return render(f, ctx, KEEP_CONTROLS, out);
}

bool format_render_line(
	const struct format *f, const struct field_ctx *ctx, bool lines, struct buf *out)
{
	size_t start = out->len;

	/* where line ends are kept there are some, and what the format itself holds is its own */
	if (lines || !f->is_plain)
		return render(f, ctx, lines ? ESCAPE_BUT_LINES : ESCAPE_CONTROLS, out);
	bool shown = render(f, ctx, KEEP_CONTROLS, out);

	if (text_is_plain(str_skip(buf_str(out), start)))
		return shown;
	buf_cut(out, start);
	return render(f, ctx, ESCAPE_CONTROLS, out);
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

	add_value(out, v);
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
		add_value(out, v);
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
		buf_cut(out, before);
		return false;
	}
	json_escape(out, before + 1, ctx->arena);
	buf_add_char(out, '"');
	return true;
}

/* A field that puts its text; false = nothing was added. */
static bool add_json_put(const struct field_def *f, const struct field_ctx *ctx, struct buf *out)
{
	bool is_text = value_type_is_text(f->type);
	char *to = buf_room(out, FIELD_PUT_MAX + 2), *end;

	if (!to)
		return false;
	end = f->put(ctx, to + is_text);
	if (!end)
		return false;
	size_t from = out->len + 1;

	*to = is_text ? '"' : *to;
	buf_filled_to(out, end);
	if (is_text) {
		json_escape(out, from, ctx->arena);
		buf_add_char(out, '"');
	}
	return true;
}

static bool add_member_value(const struct token *t, const struct field_ctx *ctx, struct buf *out)
{
	const struct operand *op = &t->operand;
	const struct field_def *f = op->kind == OPERAND_FIELD ? op->field : NULL;
	struct values v = {0};
	struct value one;

	if (f && f->put && !f->json && add_json_put(f, ctx, out))
		return true;
	if (f && f->json) {
		if (!f->json(ctx, &op->arg, &one))
			return false;
	} else if (t->kind == TOKEN_PRINT) {
		return add_json_printed(op, ctx, out);
	} else if (t->kind == TOKEN_GET) {
		if (!f->get(ctx, &op->arg, &one))
			return false;
	} else {
		if (!operand_values(op, ctx, &v) ||
			(is_list(op) && !joined_list(&v, ctx->arena, &one)))
			return false;
		one = is_list(op) ? one : v.v[0];
	}
	add_json_value(&one, ctx->arena, out);
	return true;
}

bool format_render_json(const struct format *f, const struct field_ctx *ctx, struct buf *out)
{
	bool complete = true;

	buf_add_char(out, '{');
	for (size_t i = 0; i < f->nmembers; i++) {
		buf_add(out, f->members[i].intro);
		if (!add_member_value(f->members[i].token, ctx, out)) {
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
	return f->ntokens;
}

struct str format_field_name(const struct format *f, size_t i)
{
	return f->tokens[i].text;
}

const struct operand *format_field_operand(const struct format *f, size_t i)
{
	return &f->tokens[i].operand;
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
