/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of YAML chisels: what the file declares, the values of the command line checked against
 * it, and {name} replaced in texts. How words of the command line become values is words.c's work.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "face/chisel/private.h"

enum { ARGS_MAX = 16, EXPANDED_MAX = 64 << 10 };

/* ---- declarations --------------------------------------------------------------------------- */

static const char *const arg_keys[] = {"name", "description", "type", "optional", "default",
	"filter", "otherwise", "choices", NULL};
static const char *const types[] = {
	"string", "int", "ms", "port", "ip", "field", "filter", "nocolour", NULL};

static int read_choices(
	struct yaml_reading *r, const struct yaml_node *at, const struct yaml_node **ret)
{
	const struct yaml_node *map = yaml_get(at, "choices");

	if (!map)
		return 0;
	if (map->kind != YAML_MAP || !map->nitems)
		return yaml_mistake(r, map,
			"\"choices\" must be a map: each word with its condition, or with nothing");
	for (size_t i = 0; i < map->nitems; i++)
		if (map->items[i]->kind != YAML_SCALAR && !yaml_is_null(map->items[i]))
			return yaml_mistake(
				r, map->items[i], "a choice's condition must be a text");
	*ret = map;
	return 0;
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", s.s[i]))
			return false;
	return s.len > 0;
}

static int read_arg(struct yaml_reading *r, const struct yaml_node *at, struct file_arg *arg)
{
	unsigned type = 0;

	if (yaml_check_keys(r, at, arg_keys, "an argument") < 0 ||
		yaml_read_text(r, at, "name", true, &arg->a.name) < 0 ||
		yaml_read_text(r, at, "description", true, &arg->a.desc) < 0 ||
		yaml_read_word(r, at, "type", types, &type) < 0 ||
		yaml_read_bool(r, at, "optional", &arg->a.is_optional) < 0 ||
		yaml_read_text(r, at, "default", false, &arg->preset) < 0 ||
		yaml_read_text(r, at, "filter", false, &arg->filter) < 0 ||
		yaml_read_text(r, at, "otherwise", false, &arg->otherwise) < 0 ||
		read_choices(r, at, &arg->choices) < 0)
		return -EINVAL;
	if (!is_word(arg->a.name))
		return yaml_mistake(r, yaml_get(at, "name"),
			"an argument's name has small letters, digits and _ only");
	arg->a.type = str_of(types[type]);
	if (arg->preset.s)
		arg->a.is_optional = true;
	return 0;
}

int args_read(
	struct yaml_reading *r, const struct yaml_node *root, struct file_arg **ret, size_t *ret_n)
{
	const struct yaml_node *list = yaml_get(root, "args");

	*ret_n = 0;
	if (!list)
		return 0;
	if (list->kind != YAML_SEQ || list->nitems > ARGS_MAX)
		return yaml_mistake(
			r, list, "\"args\" must be a list of at most %d arguments", ARGS_MAX);
	*ret = arena_array(r->arena, struct file_arg, list->nitems + 1);
	if (!*ret)
		return err_set(r->e, ENOMEM, "out of memory");
	for (size_t i = 0; i < list->nitems; i++) {
		struct file_arg *arg = &(*ret)[i];

		if (read_arg(r, list->items[i], arg) < 0)
			return -EINVAL;
		if (i && arg[-1].a.is_optional && !arg->a.is_optional)
			return yaml_mistake(r, list->items[i],
				"an argument that is needed stands in front of the optional ones");
	}
	*ret_n = list->nitems;
	return 0;
}

/* ---- values --------------------------------------------------------------------------------- */

/* The condition behind a word; NULL = there is no such word. */
static const struct yaml_node *choice(const struct file_arg *arg, struct str value)
{
	for (size_t i = 0; i < arg->choices->nitems; i++)
		if (str_ieq(arg->choices->keys[i]->text, value))
			return arg->choices->items[i];
	return NULL;
}

static int check_choice(const struct file_arg *arg, struct err *e)
{
	char all[200];
	struct buf b = {.s = all, .cap = sizeof(all), .max = sizeof(all) - 1};

	if (!arg->choices || choice(arg, arg->value))
		return 0;
	for (size_t i = 0; i < arg->choices->nitems; i++)
		buf_printf(&b, "%s%.*s", i ? ", " : "", STR_ARG(arg->choices->keys[i]->text));
	return err_set(e, EINVAL, "its argument %.*s must be one of %s, not \"%.*s\"",
		STR_ARG(arg->a.name), all, STR_ARG(arg->value));
}

static int not_a(const char *what, const struct file_arg *arg, struct err *e)
{
	return err_set(e, EINVAL, "its argument %.*s must be %s, not \"%.*s\"",
		STR_ARG(arg->a.name), what, STR_ARG(arg->value));
}

static bool is_address(struct str s)
{
	char text[64];
	unsigned char bytes[16];

	return str_copy(s, text, sizeof(text)) &&
	       (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1);
}

static int check_filter(const struct file_arg *arg, const char *form, struct err *e)
{
	struct arena scratch;
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_error fe = {0};
	struct ast *ast;
	char what[100];

	snprintf(what, sizeof(what), "its argument %.*s", STR_ARG(arg->a.name));
	arena_init(&scratch, 0);
	struct str text = arena_printf(&scratch, form, STR_ARG(arg->value));
	int r = filter_parse(&scratch, text, &o, &ast, &fe);
	if (r < 0)
		r = event_filter_syntax_error(what, text, &fe, e);
	arena_done(&scratch);
	return r;
}

static int check_value(const struct file_arg *arg, struct err *e)
{
	struct str type = arg->a.type;
	uint64_t n;
	double d;

	if (str_is(type, "int") && !str_to_u64(arg->value, 10, &n))
		return not_a("a whole number", arg, e);
	if (str_is(type, "port") && (!str_to_u64(arg->value, 10, &n) || n > 65535))
		return not_a("a port, 0 to 65535", arg, e);
	if (str_is(type, "ms") &&
		(!str_to_double(arg->value, &d) || !isfinite(d) || d < 0 || d > 1e12))
		return not_a("a number of milliseconds", arg, e);
	if (str_is(type, "ip") && !is_address(arg->value))
		return not_a("an IPv4 or IPv6 address", arg, e);
	if (str_is(type, "field"))
		return check_filter(arg, "%.*s exists", e);
	if (str_is(type, "filter"))
		return check_filter(arg, "%.*s", e);
	return check_choice(arg, e);
}

int args_set(struct file_arg *args, size_t nargs, const struct chisel_info *info,
	const struct str *values, size_t nvalues, struct err *e)
{
	int r = 0;

	if (nvalues > nargs)
		r = err_set(e, EINVAL, "it takes %zu arguments: \"%.*s\" is too much", nargs,
			STR_ARG(values[nargs]));
	for (size_t i = 0; !r && i < nargs; i++) {
		struct file_arg *arg = &args[i];

		arg->is_given = i < nvalues;
		arg->value = arg->is_given ? values[i] : arg->preset;
		if (!arg->is_given && !arg->a.is_optional)
			r = err_set(e, EINVAL, "its argument %.*s is missing: %.*s",
				STR_ARG(arg->a.name), STR_ARG(arg->a.desc));
		else if (arg->value.s)
			r = check_value(arg, e);
	}
	if (r < 0)
		err_context(e, "chisel %.*s", STR_ARG(info->name));
	return r;
}

bool args_condition(const struct file_arg *arg, struct str *ret)
{
	const struct yaml_node *c = arg->choices && arg->value.s ? choice(arg, arg->value) : NULL;

	if (!arg->value.s)
		*ret = arg->otherwise;
	else if (c && c->text.len)
		*ret = c->text;
	else
		*ret = arg->filter;
	return ret->len > 0;
}

/* ---- {name} --------------------------------------------------------------------------------- */

static void add_quoted(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c == '"' || c == '\\')
			buf_add_char(out, '\\');
		if (c < 32)
			buf_printf(out, "\\x%02x", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '"');
}

/* In a condition a value is one literal, whatever it holds; only a filter is more. */
static void add_literal(struct buf *out, const struct file_arg *arg)
{
	double ms = 0;

	if (str_is(arg->a.type, "filter")) {
		buf_printf(out, "(%.*s)", STR_ARG(arg->value));
	} else if (str_is(arg->a.type, "ms")) {
		str_to_double(arg->value, &ms);
		buf_add_u64(out, (uint64_t)(ms * 1e6 + 0.5));
	} else if (str_is(arg->a.type, "string")) {
		add_quoted(out, arg->value);
	} else {
		buf_add(out, arg->value);
	}
}

static const struct file_arg *find_arg(const struct file_arg *args, size_t nargs, struct str name)
{
	for (size_t i = 0; i < nargs; i++)
		if (str_eq(args[i].a.name, name))
			return &args[i];
	return NULL;
}

static int add_value(struct yaml_reading *r, const struct yaml_node *at, const struct file_arg *arg,
	enum arg_place place, struct buf *out)
{
	if (!arg->value.s)
		return yaml_mistake(r, at,
			"{%.*s} is an argument that need not be given: it wants a \"default\"",
			STR_ARG(arg->a.name));
	if (place == PLACE_FORMAT && str_find_char(arg->value, '%') >= 0)
		return yaml_mistake(
			r, at, "the argument %.*s must have no %% in it", STR_ARG(arg->a.name));
	if (place == PLACE_CONDITION)
		add_literal(out, arg);
	else
		buf_add(out, arg->value);
	return 0;
}

int args_expand(struct yaml_reading *r, const struct yaml_node *at, const struct file_arg *args,
	size_t nargs, enum arg_place place, struct str *text)
{
	struct buf out = BUF_INIT(EXPANDED_MAX);
	struct str rest = *text;
	int code = 0;

	if (!nargs || str_find_char(rest, '{') < 0)
		return 0;
	while (code == 0 && rest.len) {
		ptrdiff_t open = str_find_char(rest, '{');
		struct str behind = open < 0 ? STR_NULL : str_skip(rest, (size_t)open + 1);
		ptrdiff_t close = str_find_char(behind, '}');
		const struct file_arg *arg =
			close < 0 ? NULL : find_arg(args, nargs, str_head(behind, (size_t)close));

		if (open < 0) {
			buf_add(&out, rest);
			break;
		}
		buf_add(&out, str_head(rest, (size_t)open + !arg));
		rest = arg ? str_skip(behind, (size_t)close + 1) : behind;
		code = arg ? add_value(r, at, arg, place, &out) : 0;
	}
	if (code == 0 && out.cut)
		code = yaml_mistake(
			r, at, "with its arguments this is longer than %d bytes", EXPANDED_MAX);
	if (code == 0) {
		*text = arena_str(r->arena, buf_str(&out));
		code = text->s ? 0 : err_set(r->e, ENOMEM, "out of memory");
	}
	buf_done(&out);
	return code;
}
