/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML chisel as a tree: what every kind has (docs/chisels.md), arguments put in, and what is not
 * for this run left out ("only"). What the rest of the tree means is the kind's work.
 */
#include <errno.h>

#include "face/chisel/private.h"

enum { FILE_BYTES = 1 << 16, FILTER_MAX = 64 << 10, SNAPLEN_MAX = 65535, KEYS_MAX = 32 };

static const char *const common_keys[] = {
	"kind", "category", "summary", "description", "args", "filter", "snaplen", NULL};

static struct str stem(struct arena *a, const char *path)
{
	struct str name = str_of(path);
	ptrdiff_t slash = str_rfind_char(name, '/');

	name = str_skip(name, (size_t)(slash + 1));
	ptrdiff_t dot = str_rfind_char(name, '.');
	return arena_str(a, dot < 0 ? name : str_head(name, (size_t)dot));
}

static int read_info(struct yaml_reading *r, const struct yaml_node *root, struct chisel_info *ret)
{
	struct file_arg *args = NULL;
	struct chisel_arg *out;
	int64_t snaplen = 0;
	size_t n;

	if (root->kind != YAML_MAP)
		return yaml_mistake(r, root, "a chisel must be a map of keys and values");
	if (yaml_read_text(r, root, "kind", true, &ret->kind) < 0 ||
		yaml_read_text(r, root, "category", true, &ret->category) < 0 ||
		yaml_read_text(r, root, "summary", true, &ret->summary) < 0 ||
		yaml_read_text(r, root, "description", true, &ret->desc) < 0 ||
		yaml_read_number(r, root, "snaplen", 0, SNAPLEN_MAX, &snaplen) < 0 ||
		args_read(r, root, &args, &n) < 0)
		return -EINVAL;
	out = arena_array(r->arena, struct chisel_arg, n + 1);
	if (!out)
		return err_set(r->e, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		out[i] = args[i].a;
	ret->args = out;
	ret->nargs = n;
	ret->snaplen = (uint32_t)snaplen;
	return 0;
}

int chisel_file_describe(const char *path, struct arena *a, struct chisel_info *ret, struct err *e)
{
	struct yaml_reading r = {path, a, e};
	const struct yaml_node *root;
	int code = yaml_read_file(&r, FILE_BYTES, "chisel", &root);

	if (code == 0)
		code = read_info(&r, root, ret);
	ret->name = stem(a, path);
	return code;
}

/* ---- this run ------------------------------------------------------------------------------- */

struct expansion {
	struct yaml_reading *r;
	const struct file_arg *args;
	size_t nargs;
	const struct chisel_env *env;
};

static enum arg_place place_of(struct str key)
{
	static const char *const conditions[] = {"filter", "if"};

	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (str_is(key, conditions[i]))
			return PLACE_CONDITION;
	return str_is(key, "format") ? PLACE_FORMAT : PLACE_TEXT;
}

/* Is an item of a list for this run? Its "only" goes. */
static int is_for_us(struct expansion *x, struct yaml_node *map, bool *ret)
{
	static const char *const words[] = {
		"always", "containers", "kubernetes", "live", "captures", NULL};
	const struct chisel_env *env = x->env;
	const bool holds[] = {true, env->container, env->kubernetes, env->is_live, !env->is_live};
	unsigned word = 0;

	if (yaml_read_word(x->r, map, "only", words, &word) < 0)
		return -EINVAL;
	*ret = holds[word];
	for (size_t i = 0; i < map->nitems; i++) {
		if (!str_is(map->keys[i]->text, "only"))
			continue;
		map->keys[i] = map->keys[map->nitems - 1];
		map->items[i] = map->items[--map->nitems];
	}
	return 0;
}

static int expand(struct expansion *x, struct yaml_node *n, enum arg_place place);

static int expand_list(struct expansion *x, struct yaml_node *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->nitems; i++) {
		bool keep = true;

		if (n->items[i]->kind == YAML_MAP && is_for_us(x, n->items[i], &keep) < 0)
			return -EINVAL;
		if (!keep)
			continue;
		n->items[kept++] = n->items[i];
		if (expand(x, n->items[i], PLACE_TEXT) < 0)
			return -EINVAL;
	}
	n->nitems = kept;
	return 0;
}

static int expand_map(struct expansion *x, struct yaml_node *n, bool is_root)
{
	for (size_t i = 0; i < n->nitems; i++) {
		struct str key = n->keys[i]->text;

		/* arguments' own conditions come one by one, as they are wanted */
		if (is_root && (str_is(key, "args") || str_is(key, "description")))
			continue;
		if (expand(x, n->items[i], place_of(key)) < 0)
			return -EINVAL;
	}
	return 0;
}

/* The depth is the parser's limit. */
static int expand(struct expansion *x, struct yaml_node *n, enum arg_place place)
{
	if (n->kind == YAML_SEQ)
		return expand_list(x, n);
	if (n->kind == YAML_MAP)
		return expand_map(x, n, false);
	if (n->kind != YAML_SCALAR)
		return 0;
	/* "{number}" stands in quotes because YAML wants it so: it is the number all the same */
	n->plain = n->plain || str_starts(n->text, STR("{"));
	return args_expand(x->r, n, x->args, x->nargs, place, &n->text);
}

/* The file's filter and what its arguments add, each in brackets. */
static int join_filters(struct chisel_file *f, const struct file_arg *args, size_t nargs)
{
	struct buf b = BUF_INIT(FILTER_MAX);
	struct str own = STR_NULL;
	int r = yaml_read_text(&f->r, f->root, "filter", false, &own);

	if (own.len)
		buf_printf(&b, nargs ? "(%.*s)" : "%.*s", STR_ARG(own));
	for (size_t i = 0; r == 0 && i < nargs; i++) {
		struct str more;

		if (!args_condition(&args[i], &more))
			continue;
		r = args_expand(
			&f->r, yaml_get(f->root, "args"), args, nargs, PLACE_CONDITION, &more);
		buf_printf(&b, "%s(%.*s)", b.len ? " and " : "", STR_ARG(more));
	}
	if (r == 0 && b.cut)
		r = yaml_mistake(&f->r, f->root, "its filter is longer than %d bytes", FILTER_MAX);
	f->filter = arena_str(&f->arena, buf_str(&b));
	buf_done(&b);
	return r;
}

/* Which events can pass: what a live source need not send otherwise. */
static int find_codes(struct chisel_file *f, struct chisel *c)
{
	struct filter_parse_options o = {.fields = &f->fields};
	struct filter_error fe = {0};
	struct ast *ast;
	int r = group_filter_check(&f->r, yaml_get(f->root, "filter"), f->filter, &f->fields);

	if (r < 0 || !f->filter.len)
		return r;
	r = filter_parse(&f->arena, f->filter, &o, &ast, &fe);
	if (r < 0)
		return yaml_mistake(&f->r, yaml_get(f->root, "filter"), "%s", fe.msg);
	field_event_codes(ast, f->codes);
	c->codes = f->codes;
	return 0;
}

static int check_keys(struct yaml_reading *r, const struct yaml_node *root, const char *const *keys)
{
	const char *all[KEYS_MAX + 1] = {0};
	size_t n = 0;

	for (size_t i = 0; common_keys[i]; i++)
		all[n++] = common_keys[i];
	for (size_t i = 0; keys[i] && n < KEYS_MAX; i++)
		all[n++] = keys[i];
	return yaml_check_keys(r, root, all, "this kind of chisel");
}

static void find_no_colour(struct chisel_file *f, const struct file_arg *args, size_t nargs)
{
	for (size_t i = 0; i < nargs; i++)
		if (str_is(args[i].a.type, "nocolour") && args[i].value.s)
			f->no_colour = true;
}

int chisel_file_open(struct chisel_file *f, struct chisel *c, const struct str *values,
	size_t nvalues, const char *const *keys, struct err *e)
{
	struct file_arg *args = NULL;
	size_t nargs;

	*f = (struct chisel_file){.r = {c->info->path.s, &f->arena, e}};
	arena_init(&f->arena, 0);
	int r = yaml_read_file(&f->r, FILE_BYTES, "chisel", &f->root);
	if (r < 0)
		return r;
	if (group_field_set(&f->arena, &f->fields) < 0)
		return err_set(e, ENOMEM, "out of memory");
	if (check_keys(&f->r, f->root, keys) < 0 || args_read(&f->r, f->root, &args, &nargs) < 0)
		return -EINVAL;
	r = args_set(args, nargs, c->info, values, nvalues, e);
	if (r < 0)
		return r;
	struct expansion x = {&f->r, args, nargs, c->env};
	if (expand_map(&x, (struct yaml_node *)f->root, true) < 0)
		return -EINVAL;
	find_no_colour(f, args, nargs);
	r = join_filters(f, args, nargs);
	return r < 0 ? r : find_codes(f, c);
}

void chisel_file_close(struct chisel_file *f)
{
	arena_done(&f->arena);
}
