/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transformers: tolower, toupper, b64, basename, len, join, concat, getopt. They take values
 * and make values in an arena; which inputs they accept was checked before (check.c). A list goes
 * through the one-text transformers item by item.
 */
#include "engine/filter/transform.h"

#include "engine/filter/parse.h"

static bool one_value(struct arena *a, struct value v, struct values *ret)
{
	struct value *p = arena_raw(a, sizeof(*p));

	if (!p)
		return false;
	*p = v;
	*ret = (struct values){p, 1};
	return true;
}

static bool one_text(struct arena *a, struct str s, struct values *ret)
{
	return one_value(a, (struct value){.type = VT_STR, .s = s}, ret);
}

/* ---- text to text ------------------------------------------------------------------------- */

static bool change_case(struct arena *a, struct str s, bool upper, struct str *ret)
{
	char *out = arena_raw(a, s.len + 1);

	if (!out)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];

		if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z')
			c ^= 32;
		out[i] = c;
	}
	*ret = str_make(out, s.len);
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 §4, padding optional. False on what is no base64. */
static bool base64_decode(struct arena *a, struct str s, struct str *ret)
{
	while (s.len && s.s[s.len - 1] == '=')
		s.len--;
	char *out = s.len % 4 == 1 ? NULL : arena_raw(a, s.len / 4 * 3 + 4);
	uint32_t bits = 0;
	size_t n = 0;

	if (!out)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int d = base64_digit(s.s[i]);

		if (d < 0)
			return false;
		bits = bits << 6 | (uint32_t)d;
		if (i % 4)
			out[n++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	*ret = str_make(out, n);
	return true;
}

static bool change_text(enum transformer t, struct arena *a, struct str s, struct str *ret)
{
	/* a text's terminator is no part of it, wherever it came from */
	while (s.len && s.s[s.len - 1] == 0)
		s.len--;
	switch (t) {
	case TR_TOLOWER:
	case TR_TOUPPER:
		return change_case(a, s, t == TR_TOUPPER, ret);
	case TR_B64:
		return base64_decode(a, s, ret);
	default: /* TR_BASENAME */
		*ret = str_skip(s, (size_t)(str_rfind_char(s, '/') + 1));
		return true;
	}
}

static bool change_texts(
	enum transformer t, struct arena *a, const struct values *in, struct values *ret)
{
	struct value *out = arena_raw(a, sizeof(*out) * in->n);

	if (!out)
		return false;
	for (size_t i = 0; i < in->n; i++) {
		out[i] = in->v[i];
		if (!value_type_is_text(in->v[i].type) || !change_text(t, a, in->v[i].s, &out[i].s))
			return false;
	}
	*ret = (struct values){out, in->n};
	return true;
}

/* ---- many to one -------------------------------------------------------------------------- */

/* The text of a value in the arena; other types as they are printed. */
static struct str text_of(struct arena *a, const struct value *v)
{
	char tmp[64];

	if (value_type_is_text(v->type))
		return v->s;
	/* numbers and addresses fit tmp, so the buffer never grows */
	struct buf b = {.s = tmp, .cap = sizeof(tmp), .max = sizeof(tmp) - 1};
	value_format(v, &b);
	return arena_str(a, buf_str(&b));
}

static bool join(struct arena *a, struct str separator, const struct values *items, size_t nargs,
	struct values *ret)
{
	size_t len = 0, at = 0, n = 0;

	for (size_t i = 0; i < nargs; i++) {
		for (size_t j = 0; j < items[i].n; j++)
			len += text_of(a, &items[i].v[j]).len + separator.len;
	}
	char *out = arena_raw(a, len + 1);
	if (!out)
		return false;
	for (size_t i = 0; i < nargs; i++) {
		for (size_t j = 0; j < items[i].n; j++) {
			struct str s = text_of(a, &items[i].v[j]);

			if (n++ && separator.len) {
				memcpy(out + at, separator.s, separator.len);
				at += separator.len;
			}
			if (s.len)
				memcpy(out + at, s.s, s.len);
			at += s.len;
		}
	}
	return one_text(a, str_make(out, at), ret);
}

static bool length(struct arena *a, const struct values *in, bool is_list, struct values *ret)
{
	uint64_t n = is_list ? in->n : in->v[0].s.len;

	return one_value(a, (struct value){.type = VT_U64, .u = n}, ret);
}

/* ---- getopt ------------------------------------------------------------------------------- */

struct options {
	uint64_t valid[4], with_value[4]; /* bits by option character */
};

static bool has_bit(const uint64_t *bits, unsigned char c)
{
	return bits[c / 64] >> (c % 64) & 1;
}

static struct options read_optstring(struct str s)
{
	struct options o = {0};

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c == ':')
			continue;
		o.valid[c / 64] |= 1ULL << (c % 64);
		if (i + 1 < s.len && s.s[i + 1] == ':')
			o.with_value[c / 64] |= 1ULL << (c % 64);
	}
	return o;
}

struct getopt_run {
	struct options options;
	struct str selector; /* one character, or empty: all options */
	const struct value *argv;
	size_t argc, at;
	struct value *out;
	size_t n;
};

static void emit(struct getopt_run *g, struct str s)
{
	g->out[g->n++] = (struct value){.type = VT_STR, .s = s};
}

/* The cluster "-nt…": options up to the first that takes a value. */
static void short_options(struct getopt_run *g, struct str arg)
{
	for (size_t i = 1; i < arg.len; i++) {
		unsigned char c = (unsigned char)arg.s[i];
		struct str name = str_make(arg.s + i, 1), value = str_skip(arg, i + 1);
		bool wanted = !g->selector.len || str_eq(name, g->selector);

		if (c == ':' || !has_bit(g->options.valid, c)) {
			if (!g->selector.len)
				emit(g, STR("?"));
			continue;
		}
		if (wanted && g->selector.len)
			g->n = 0; /* the last one wins */
		if (!has_bit(g->options.with_value, c)) {
			if (wanted)
				emit(g, name);
			continue;
		}
		bool missing = !value.len && g->at + 1 >= g->argc;
		if (!value.len && !missing)
			value = g->argv[++g->at].s;
		if (wanted && !g->selector.len && !missing)
			emit(g, name);
		if (wanted)
			emit(g, value); /* empty when it is missing */
		return;
	}
}

/* argv as one text is split at blanks: proc.args is such a text. */
static struct values split_args(struct arena *a, const struct values *in)
{
	struct str rest = in->n == 1 ? in->v[0].s : STR_NULL, word;
	size_t max = rest.len / 2 + 1, n = 0;

	if (in->n != 1 || str_find_char(rest, ' ') < 0)
		return *in;
	struct value *out = arena_raw(a, sizeof(*out) * max);
	while (out && rest.s) {
		word = str_cut(&rest, ' ');
		if (word.len && n < max)
			out[n++] = (struct value){.type = VT_STR, .s = word};
	}
	return (struct values){out, n};
}

/* getopt(3) over short options; "--" and the first word that is no option end it. */
static bool get_options(struct arena *a, const struct transform_call *c, struct values *ret)
{
	struct values argv = split_args(a, &c->args[0]);
	struct getopt_run g = {.argv = argv.v, .argc = argv.n, .selector = c->arg};
	size_t max = 1;

	for (size_t i = 0; i < argv.n; i++) {
		if (!value_type_is_text(argv.v[i].type))
			return false;
		max += argv.v[i].s.len + 2;
	}
	g.options = read_optstring(c->args[1].v[0].s);
	g.out = arena_raw(a, sizeof(*g.out) * max);
	for (; g.out && g.at < g.argc; g.at++) {
		struct str arg = g.argv[g.at].s;

		if (str_is(arg, "--") || arg.len < 2 || arg.s[0] != '-')
			break;
		if (arg.s[1] != '-')
			short_options(&g, arg);
	}
	*ret = (struct values){g.out, g.n};
	return g.n > 0;
}

/* ---- the calls ---------------------------------------------------------------------------- */

bool transform_apply(const struct transform_call *c, struct arena *a, struct values *ret)
{
	switch (c->transformer) {
	case TR_TOLOWER:
	case TR_TOUPPER:
	case TR_B64:
	case TR_BASENAME:
		return change_texts(c->transformer, a, &c->args[0], ret);
	case TR_LEN:
		return length(a, &c->args[0], c->is_list, ret);
	case TR_JOIN:
		return join(a, c->args[0].v[0].s, c->args + 1, 1, ret);
	case TR_CONCAT:
		return join(a, STR_NULL, c->args, c->nargs, ret);
	case TR_GETOPT:
		return get_options(a, c, ret);
	case TR_COUNT:
		break;
	}
	return false;
}

bool field_values(const struct field_def *f, const struct field_arg *arg,
	const struct field_ctx *ctx, struct values *ret)
{
	struct value v;

	if (f->flags & FIELD_LIST) {
		*ret = (struct values){0};
		return f->get_list && f->get_list(ctx, arg, ret) && ret->n;
	}
	return f->get && f->get(ctx, arg, &v) && one_value(ctx->arena, v, ret);
}

static bool list_values(const struct operand *op, const struct field_ctx *ctx, struct values *ret)
{
	struct value *out = arena_raw(ctx->arena, sizeof(*out) * (op->nargs + 1));
	struct values item;

	for (size_t i = 0; out && i < op->nargs; i++) {
		if (!operand_values(&op->args[i], ctx, &item))
			return false;
		out[i] = item.v[0];
	}
	*ret = (struct values){out, op->nargs};
	return out && op->nargs;
}

bool operand_values(const struct operand *op, const struct field_ctx *ctx, struct values *ret)
{
	switch (op->kind) {
	case OPERAND_FIELD:
		return op->field && field_values(op->field, &op->arg, ctx, ret);
	case OPERAND_LITERAL:
		return one_text(ctx->arena, op->text, ret);
	case OPERAND_LIST:
		return list_values(op, ctx, ret);
	case OPERAND_TRANSFORM:
		break;
	}
	struct values *args = arena_raw(ctx->arena, sizeof(*args) * op->nargs);
	for (size_t i = 0; args && i < op->nargs; i++)
		if (!operand_values(&op->args[i], ctx, &args[i]))
			return false;
	struct transform_call call = {.transformer = op->transformer,
		.arg = op->arg.text,
		.is_list = operand_type(&op->args[0]).is_list,
		.args = args,
		.nargs = op->nargs};
	return args && transform_apply(&call, ctx->arena, ret);
}
