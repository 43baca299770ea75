/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML items → definitions and updates. Checks the form of each item (keys, types), not what items
 * mean to each other: that is collect.c. A wrong item is reported and left out, the next is read.
 */
#include "engine/rules/private.h"

#include <errno.h>

#define NAME_PATTERN "[a-zA-Z]+[a-zA-Z0-9_]*"
#define WORD_PATTERN "[^()\"'[:space:]=,]+"

/* ---- scalars -------------------------------------------------------------------------------- */

static const struct context *value_context(
	struct loader *l, const struct yaml_node *n, const char *key, const struct context *ctx)
{
	return context_new(l, ctx, "value for", str_of(key), place_of(ctx->at.src, n));
}

/* The node of a key whose value must be a scalar that is not empty; NULL and reported if it is not.
 */
static const struct yaml_node *get_scalar(
	struct loader *l, const struct yaml_node *item, const char *key, const struct context *ctx)
{
	const struct yaml_node *n = yaml_get(item, key);

	if (!n) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx, "the key '%s' is missing", key);
		return NULL;
	}
	const struct context *at = value_context(l, n, key, ctx);

	if (n->kind == YAML_NULL || (n->kind == YAML_SCALAR && n->text.len == 0))
		issue_add(l, LOAD_ERR_YAML_VALIDATE, at, "the value of '%s' is empty", key);
	else if (n->kind != YAML_SCALAR)
		issue_add(l, LOAD_ERR_YAML_VALIDATE, at, "the value of '%s' must be text, not a %s",
			key, n->kind == YAML_SEQ ? "sequence" : "map");
	else
		return n;
	return NULL;
}

static int get_text(struct loader *l, const struct yaml_node *item, const char *key,
	const struct context *ctx, struct str *ret)
{
	const struct yaml_node *n = get_scalar(l, item, key, ctx);

	if (!n)
		return -EINVAL;
	*ret = n->text;
	return 0;
}

/* Quoted booleans count too, as they do for Falco. */
static int get_bool(struct loader *l, const struct yaml_node *item, const char *key,
	const struct context *ctx, bool *ret)
{
	const struct yaml_node *n = get_scalar(l, item, key, ctx);

	if (!n)
		return -EINVAL;
	struct yaml_node plain = *n;

	plain.plain = true;
	if (yaml_to_bool(&plain, ret))
		return 0;
	issue_add(l, LOAD_ERR_YAML_VALIDATE, value_context(l, n, key, ctx),
		"'%s' must be true or false, not '%.*s'", key, STR_ARG(str_head(n->text, 60)));
	return -EINVAL;
}

/* A text with its place, for conditions and outputs. */
static int get_written(struct loader *l, const struct yaml_node *item, const char *key,
	const char *type, const struct context *ctx, struct written *ret)
{
	const struct yaml_node *n = get_scalar(l, item, key, ctx);

	if (!n)
		return -EINVAL;
	ret->text = n->text;
	ret->ctx = context_new(l, ctx, type, STR_NULL, place_of(ctx->at.src, n));
	ret->pieces = arena_new(&l->tmp, struct composed);
	if (!ret->pieces || !ret->ctx) {
		l->out_of_memory = true;
		return -ENOMEM;
	}
	/* the text itself stays in the YAML tree: only the spans are wanted here */
	ret->pieces->arena = &l->tmp;
	ret->pieces->spans = arena_new(&l->tmp, struct span);
	if (!ret->pieces->spans)
		return -ENOMEM;
	ret->pieces->spans[0] = (struct span){.ctx = ret->ctx, .scalar = n};
	ret->pieces->nspans = 1;
	return 0;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void warn_unknown_keys(struct loader *l, const struct yaml_node *item,
	const struct str *known, size_t nknown, const struct context *ctx)
{
	for (size_t i = 0; i < item->nitems; i++) {
		struct str key = item->keys[i]->text;
		size_t k = 0;

		while (k < nknown && !str_eq(known[k], key))
			k++;
		if (k < nknown)
			continue;
		const struct context *at =
			context_new(l, ctx, "value for", key, place_of(ctx->at.src, item->keys[i]));

		issue_add(l, LOAD_UNKNOWN_KEY, at, "a %s has no key '%.*s'; it is ignored%s",
			ctx->type, STR_ARG(str_head(key, 100)), suggest(l, key, known, nknown));
	}
}

/* `append: true`, which still works. */
static int read_append_flag(
	struct loader *l, const struct yaml_node *item, const struct context *ctx, bool *ret)
{
	*ret = false;
	if (!yaml_get(item, "append"))
		return 0;
	int e = get_bool(l, item, "append", ctx, ret);

	if (e == 0 && *ret)
		issue_add(l, LOAD_DEPRECATED_ITEM,
			value_context(l, yaml_get(item, "append"), "append", ctx),
			"'append: true' is deprecated: write 'override:' with an entry such as "
			"'%s: append'",
			str_is(str_of(ctx->type), "list") ? "items" : "condition");
	return e;
}

/* ---- override ------------------------------------------------------------------------------- */

struct override_key {
	const char *name;
	unsigned bit;
	bool can_append;
};

static const struct override_key rule_keys[] = {
	{"condition", KEY_CONDITION, true},
	{"output", KEY_OUTPUT, true},
	{"desc", KEY_DESC, true},
	{"tags", KEY_TAGS, true},
	{"exceptions", KEY_EXCEPTIONS, true},
	{"priority", KEY_PRIORITY, false},
	{"capture", KEY_CAPTURE, false},
	{"capture_duration", KEY_CAPTURE_DURATION, false},
	{"enabled", KEY_ENABLED, false},
	{"warn_evttypes", KEY_WARN_EVTTYPES, false},
	{"skip-if-unknown-filter", KEY_SKIP_UNKNOWN, false},
};
static const struct override_key list_keys[] = {{"items", 1, true}};
static const struct override_key macro_keys[] = {{"condition", 1, true}};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int bad_override(struct loader *l, const struct yaml_node *key, const struct yaml_node *op,
	const struct override_key *row, const struct override_key *rows, size_t nrows,
	const struct context *ctx)
{
	const struct context *at =
		context_new(l, ctx, "overrides", key->text, place_of(ctx->at.src, row ? op : key));
	struct str names[COUNT(rule_keys)];

	for (size_t i = 0; i < nrows; i++)
		names[i] = str_of(rows[i].name);
	if (!row)
		issue_add(l, LOAD_ERR_YAML_VALIDATE, at, "'%.*s' cannot be overridden%s",
			STR_ARG(str_head(key->text, 100)), suggest(l, key->text, names, nrows));
	else if (str_is(op->text, "append"))
		issue_add(l, LOAD_ERR_YAML_VALIDATE, at,
			"'%s' cannot be appended to; use '%s: replace'", row->name, row->name);
	else
		issue_add(l, LOAD_ERR_YAML_VALIDATE, at,
			"'%.*s' is no way to override '%s'; use %sreplace",
			STR_ARG(str_head(op->text, 100)), row->name,
			row->can_append ? "append or " : "");
	return -EINVAL;
}

static int read_override(struct loader *l, const struct yaml_node *item,
	const struct override_key *rows, size_t nrows, unsigned *append, unsigned *replace,
	const struct context *ctx)
{
	const struct yaml_node *map = yaml_get(item, "override");
	int e = 0;

	*append = *replace = 0;
	if (!map || map->kind == YAML_NULL)
		return 0;
	if (map->kind != YAML_MAP) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, value_context(l, map, "override", ctx),
			"'override' must be a map of key: append or key: replace");
		return -EINVAL;
	}
	for (size_t i = 0; i < map->nitems; i++) {
		const struct override_key *row = NULL;
		const struct yaml_node *op = map->items[i];

		for (size_t k = 0; k < nrows; k++)
			if (str_is(map->keys[i]->text, rows[k].name))
				row = &rows[k];
		if (row && str_is(op->text, "append") && row->can_append)
			*append |= row->bit;
		else if (row && str_is(op->text, "replace"))
			*replace |= row->bit;
		else
			e = bad_override(l, map->keys[i], op, row, rows, nrows, ctx);
	}
	return e;
}

static int check_append_override(
	struct loader *l, bool append, unsigned override, const struct context *ctx)
{
	if (!append || !override)
		return 0;
	issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx,
		"'override' and 'append: true' exclude each other: keep 'override'");
	return -EINVAL;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (memchr("()\"'=, \t\r\n\v\f", s.s[i], 12))
			return false;
	return s.len > 0;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!alpha && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
			return false;
	}
	return s.len > 0;
}

/* A sequence of scalars. */
static int read_words(struct loader *l, const struct yaml_node *item, const char *key,
	const struct context *ctx, struct str **ret, size_t *ret_n)
{
	const struct yaml_node *seq = yaml_get(item, key);

	*ret_n = 0;
	if (!seq || seq->kind != YAML_SEQ) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, seq ? value_context(l, seq, key, ctx) : ctx,
			seq ? "the value of '%s' must be a sequence: [a, b, c]"
			    : "the key '%s' is missing",
			key);
		return -EINVAL;
	}
	*ret = arena_array(&l->tmp, struct str, seq->nitems ? seq->nitems : 1);
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < seq->nitems; i++) {
		const struct yaml_node *n = seq->items[i];

		/* a bare ~ or null is the text that it was written as */
		if (n->kind != YAML_SCALAR && n->kind != YAML_NULL) {
			issue_add(l, LOAD_ERR_YAML_VALIDATE,
				context_new(l, value_context(l, seq, key, ctx), "list item",
					STR_NULL, place_of(ctx->at.src, n)),
				"an item of '%s' must be a single value", key);
			return -EINVAL;
		}
		(*ret)[i] = n->text;
	}
	*ret_n = seq->nitems;
	return 0;
}

static int read_list_body(struct loader *l, const struct yaml_node *item, struct list_def *def,
	const struct context *ctx)
{
	unsigned append, replace;
	bool flag;

	if (!is_word(def->d.name))
		issue_add(
			l, LOAD_INVALID_LIST_NAME, ctx, "a list's name should match " WORD_PATTERN);
	if (read_words(l, item, "items", ctx, &def->items, &def->nitems) < 0 ||
		read_append_flag(l, item, ctx, &flag) < 0 ||
		read_override(l, item, list_keys, COUNT(list_keys), &append, &replace, ctx) < 0 ||
		check_append_override(l, flag, append | replace, ctx) < 0)
		return -EINVAL;
	return collect_list(l, def, flag || append);
}

static void read_list(struct loader *l, const struct yaml_node *item, const struct context *parent)
{
	static const struct str keys[] = {
		STR("list"), STR("items"), STR("append"), STR("override")};
	struct place at = place_of(parent->at.src, item);
	struct list_def *def = arena_new(&l->tmp, struct list_def);
	const struct context *ctx = context_new(l, parent, "list", STR_NULL, at);

	if (!def || !ctx || get_text(l, item, "list", ctx, &def->d.name) < 0)
		return;
	ctx = context_new(l, parent, "list", def->d.name, at);
	def->d.ctx = ctx;
	if (read_list_body(l, item, def, ctx) < 0)
		collect_broken(l, &l->lists, def->d.name, sizeof(*def), ctx);
	warn_unknown_keys(l, item, keys, COUNT(keys), ctx);
}

/* ---- macros --------------------------------------------------------------------------------- */

static int read_macro_body(struct loader *l, const struct yaml_node *item, struct macro_def *def,
	const struct context *ctx)
{
	unsigned append, replace;
	bool flag;

	if (!is_name(def->d.name))
		issue_add(l, LOAD_INVALID_MACRO_NAME, ctx,
			"a macro's name should match " NAME_PATTERN
			", or no condition can refer to it");
	if (get_written(l, item, "condition", "macro condition", ctx, &def->cond) < 0 ||
		read_append_flag(l, item, ctx, &flag) < 0 ||
		read_override(l, item, macro_keys, COUNT(macro_keys), &append, &replace, ctx) < 0 ||
		check_append_override(l, flag, append | replace, ctx) < 0)
		return -EINVAL;
	return collect_macro(l, def, flag || append);
}

static void read_macro(struct loader *l, const struct yaml_node *item, const struct context *parent)
{
	static const struct str keys[] = {
		STR("macro"), STR("condition"), STR("append"), STR("override")};
	struct place at = place_of(parent->at.src, item);
	struct macro_def *def = arena_new(&l->tmp, struct macro_def);
	const struct context *ctx = context_new(l, parent, "macro", STR_NULL, at);

	if (!def || !ctx || get_text(l, item, "macro", ctx, &def->d.name) < 0)
		return;
	ctx = context_new(l, parent, "macro", def->d.name, at);
	def->d.ctx = ctx;
	if (read_macro_body(l, item, def, ctx) < 0)
		collect_broken(l, &l->macros, def->d.name, sizeof(*def), ctx);
	warn_unknown_keys(l, item, keys, COUNT(keys), ctx);
}

/* ---- exceptions ----------------------------------------------------------------------------- */

/* A scalar, or a sequence of scalars or of sequences (`depth` levels more). */
static int read_entry(struct loader *l, const struct yaml_node *n, unsigned depth,
	struct exception_entry *ret, const struct context *ctx)
{
	ret->is_set = true;
	if (n->kind == YAML_SCALAR && (n->text.len || !n->plain)) {
		ret->item = n->text;
		return 0;
	}
	if (n->kind != YAML_SEQ || depth == 0) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE,
			context_new(l, ctx, "exception value", STR_NULL, place_of(ctx->at.src, n)),
			n->kind == YAML_NULL  ? "the value is empty"
			: n->kind == YAML_MAP ? "a value must be text or a sequence, not a map"
					      : "values are nested too deeply");
		return -EINVAL;
	}
	ret->is_list = true;
	ret->nitems = n->nitems;
	ret->items = arena_array(&l->tmp, struct exception_entry, n->nitems ? n->nitems : 1);
	for (size_t i = 0; ret->items && i < n->nitems; i++) {
		int e = read_entry(l, n->items[i], depth - 1, &ret->items[i], ctx);

		if (e < 0)
			return e;
	}
	return ret->items ? 0 : -ENOMEM;
}

static int read_exception_values(
	struct loader *l, const struct yaml_node *item, struct exception_def *ex, bool append)
{
	const struct yaml_node *values = yaml_get(item, "values");
	const struct context *ctx;

	if (!values) {
		if (append)
			issue_add(l, LOAD_APPEND_NO_VALUES, ex->ctx,
				"the exception '%.*s' is appended to, but has no 'values'",
				STR_ARG(ex->name));
		return 0;
	}
	ctx = context_new(
		l, ex->ctx, "exception values", STR_NULL, place_of(ex->ctx->at.src, values));
	if (values->kind != YAML_SEQ) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx,
			"the values of an exception must be a sequence");
		return -EINVAL;
	}
	ex->values =
		arena_array(&l->tmp, struct exception_entry, values->nitems ? values->nitems : 1);
	if (!ex->values)
		return -ENOMEM;
	for (size_t i = 0; i < values->nitems; i++)
		if (read_entry(l, values->items[i], 2, &ex->values[i], ctx) < 0)
			return -EINVAL;
	ex->nvalues = values->nitems;
	return 0;
}

static struct exception_def *read_exception(
	struct loader *l, const struct yaml_node *item, bool append, const struct context *ctx)
{
	static const struct str keys[] = {STR("name"), STR("fields"), STR("comps"), STR("values")};
	struct exception_def *ex = arena_new(&l->tmp, struct exception_def);
	struct place at = place_of(ctx->at.src, item);
	const struct context *tmp = context_new(l, ctx, "exception", STR_NULL, at);
	const struct yaml_node *fields = yaml_get(item, "fields"), *comps = yaml_get(item, "comps");

	if (!ex || !tmp)
		return NULL;
	if (item->kind != YAML_MAP) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, tmp,
			"an exception must be a map with name, fields, comps, values");
		return NULL;
	}
	if (get_text(l, item, "name", tmp, &ex->name) < 0)
		return NULL;
	ex->ctx = context_new(l, ctx, "exception", ex->name, at);
	warn_unknown_keys(l, item, keys, COUNT(keys), ex->ctx);
	if (!fields && !append) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, ex->ctx, "the key 'fields' is missing");
		return NULL;
	}
	if ((fields && read_entry(l, fields, 1, &ex->fields, ex->ctx) < 0) ||
		(comps && read_entry(l, comps, 1, &ex->comps, ex->ctx) < 0) ||
		read_exception_values(l, item, ex, append) < 0)
		return NULL;
	return ex;
}

static int read_exceptions(
	struct loader *l, const struct yaml_node *item, bool append, struct rule_def *def)
{
	const struct yaml_node *seq = yaml_get(item, "exceptions");
	const struct context *ctx;
	struct exception_def **tail = &def->exceptions;

	if (!seq || seq->kind == YAML_NULL)
		return 0;
	ctx = context_new(l, def->d.ctx, "exceptions", STR_NULL, place_of(def->d.ctx->at.src, seq));
	if (seq->kind != YAML_SEQ) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx, "exceptions must be a sequence of maps");
		return -EINVAL;
	}
	for (size_t i = 0; i < seq->nitems; i++) {
		struct exception_def *ex = read_exception(l, seq->items[i], append, ctx);

		if (!ex)
			return -EINVAL;
		for (struct exception_def *x = def->exceptions; x; x = x->next)
			if (str_eq(x->name, ex->name))
				issue_add(l, LOAD_EXCEPTION_NAME_NOT_UNIQUE, ex->ctx,
					"the rule has two exceptions with the name '%.*s'",
					STR_ARG(ex->name));
		*tail = ex;
		tail = &ex->next;
	}
	return 0;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static int read_priority(struct loader *l, const struct yaml_node *item, struct rule_def *def)
{
	static const struct str names[] = {STR("Emergency"), STR("Alert"), STR("Critical"),
		STR("Error"), STR("Warning"), STR("Notice"), STR("Informational"), STR("Debug")};
	const struct yaml_node *n = get_scalar(l, item, "priority", def->d.ctx);

	if (!n)
		return -EINVAL;
	if (priority_parse(n->text, &def->priority))
		return 0;
	issue_add(l, LOAD_ERR_YAML_VALIDATE,
		context_new(
			l, def->d.ctx, "rule priority", STR_NULL, place_of(def->d.ctx->at.src, n)),
		"'%.*s' is no priority: one of EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, "
		"INFO, DEBUG%s",
		STR_ARG(str_head(n->text, 60)), suggest(l, n->text, names, COUNT(names)));
	return -EINVAL;
}

static int read_duration(struct loader *l, const struct yaml_node *item, struct rule_def *def)
{
	const struct yaml_node *n = get_scalar(l, item, "capture_duration", def->d.ctx);
	uint64_t ms;

	if (!n)
		return -EINVAL;
	if (str_to_u64(n->text, 10, &ms) && ms <= UINT32_MAX) {
		def->capture_duration_ms = ms;
		return 0;
	}
	issue_add(l, LOAD_ERR_YAML_VALIDATE, value_context(l, n, "capture_duration", def->d.ctx),
		"'capture_duration' must be a number of milliseconds, not '%.*s'",
		STR_ARG(str_head(n->text, 60)));
	return -EINVAL;
}

static int read_tags(struct loader *l, const struct yaml_node *item, struct rule_def *def)
{
	return read_words(l, item, "tags", def->d.ctx, &def->tags, &def->ntags);
}

/* One key of a rule into `def`. */
static int read_key(struct loader *l, const struct yaml_node *item, unsigned key, bool append,
	struct rule_def *def)
{
	const struct context *ctx = def->d.ctx;

	def->has |= key;
	switch (key) {
	case KEY_CONDITION:
		return get_written(l, item, "condition", "rule condition", ctx, &def->cond);
	case KEY_OUTPUT:
		return get_written(l, item, "output", "rule output", ctx, &def->output);
	case KEY_DESC:
		return get_text(l, item, "desc", ctx, &def->desc);
	case KEY_PRIORITY:
		return read_priority(l, item, def);
	case KEY_ENABLED:
		return get_bool(l, item, "enabled", ctx, &def->enabled);
	case KEY_CAPTURE:
		return get_bool(l, item, "capture", ctx, &def->capture);
	case KEY_CAPTURE_DURATION:
		return read_duration(l, item, def);
	case KEY_WARN_EVTTYPES:
		return get_bool(l, item, "warn_evttypes", ctx, &def->warn_evttypes);
	case KEY_SKIP_UNKNOWN:
		return get_bool(l, item, "skip-if-unknown-filter", ctx, &def->skip_unknown);
	case KEY_TAGS:
		return read_tags(l, item, def);
	default:
		return read_exceptions(l, item, append, def);
	}
}

/* Every key under `override` must be there, every overridable key that is there, under it. */
static int check_override_keys(struct loader *l, const struct yaml_node *item, unsigned append,
	unsigned replace, const struct context *ctx)
{
	int e = 0;

	for (size_t i = 0; i < COUNT(rule_keys); i++) {
		const struct override_key *k = &rule_keys[i];
		const struct yaml_node *n = yaml_get(item, k->name);
		unsigned named = (append | replace) & k->bit;

		if (named && !n) {
			issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx,
				"'override' says '%s: %s', but the item has no '%s'", k->name,
				append & k->bit ? "append" : "replace", k->name);
			e = -EINVAL;
		} else if (!named && n) {
			issue_add(l, LOAD_ERR_YAML_VALIDATE,
				context_new(l, ctx, "overrides", str_of(k->name),
					place_of(ctx->at.src, n)),
				"'%s' is given, but 'override' does not name it: add '%s: %s' "
				"there",
				k->name, k->name,
				k->can_append ? "append (or replace)" : "replace");
			e = -EINVAL;
		}
	}
	return e;
}

static int read_update(struct loader *l, const struct yaml_node *item, unsigned keys, bool append,
	struct rule_def *head)
{
	struct rule_def *u = arena_new(&l->tmp, struct rule_def);

	if (!u)
		return -ENOMEM;
	*u = *head;
	for (size_t i = 0; i < COUNT(rule_keys); i++)
		if ((keys & rule_keys[i].bit) && read_key(l, item, rule_keys[i].bit, append, u) < 0)
			return -EINVAL;
	return append ? collect_rule_append(l, u) : collect_rule_replace(l, u);
}

/* A rule must have all of these; all that are missing are named. */
static int read_definition(struct loader *l, const struct yaml_node *item, struct rule_def *def)
{
	static const unsigned required = KEY_CONDITION | KEY_OUTPUT | KEY_DESC | KEY_PRIORITY;
	int e = 0;

	def->enabled = def->warn_evttypes = true;
	for (size_t i = 0; i < COUNT(rule_keys); i++) {
		const struct override_key *k = &rule_keys[i];

		if ((required & k->bit) || yaml_get(item, k->name))
			e = read_key(l, item, k->bit, false, def) < 0 ? -EINVAL : e;
	}
	if (def->source.len == 0)
		def->source = STR("syscall");
	def->output.text = str_trim(def->output.text);
	return e < 0 ? e : collect_rule(l, def);
}

static int read_source(struct loader *l, const struct yaml_node *item, struct rule_def *def)
{
	const struct yaml_node *n = yaml_get(item, "source");

	if (!n || n->kind == YAML_NULL || (n->kind == YAML_SCALAR && n->text.len == 0))
		return 0;
	return get_text(l, item, "source", def->d.ctx, &def->source);
}

static int read_toggle(struct loader *l, const struct yaml_node *item, struct rule_def *def)
{
	int e = read_key(l, item, KEY_ENABLED, false, def);

	if (e < 0)
		return e;
	issue_add(l, LOAD_DEPRECATED_ITEM,
		value_context(l, yaml_get(item, "enabled"), "enabled", def->d.ctx),
		"'enabled' by itself is deprecated: add 'override:' with 'enabled: replace'");
	return collect_rule_enable(l, def);
}

static int read_rule_body(struct loader *l, const struct yaml_node *item, struct rule_def *def)
{
	const struct context *ctx = def->d.ctx;
	unsigned append, replace;
	bool flag;

	if (read_source(l, item, def) < 0 || read_append_flag(l, item, ctx, &flag) < 0 ||
		read_override(l, item, rule_keys, COUNT(rule_keys), &append, &replace, ctx) < 0 ||
		check_append_override(l, flag, append | replace, ctx) < 0)
		return -EINVAL;
	if (append | replace) {
		if (check_override_keys(l, item, append, replace, ctx) < 0)
			return -EINVAL;
		if (append && read_update(l, item, append, true, def) < 0)
			return -EINVAL;
		return replace ? read_update(l, item, replace, false, def) : 0;
	}
	if (flag)
		return read_update(l, item,
			(yaml_get(item, "condition") ? KEY_CONDITION : 0) |
				(yaml_get(item, "exceptions") ? KEY_EXCEPTIONS : 0),
			true, def);
	if (!yaml_get(item, "condition") && !yaml_get(item, "output") && !yaml_get(item, "desc") &&
		!yaml_get(item, "priority"))
		return read_toggle(l, item, def);
	return read_definition(l, item, def);
}

static void read_rule(struct loader *l, const struct yaml_node *item, const struct context *parent)
{
	static const struct str keys[] = {STR("rule"), STR("condition"), STR("output"), STR("desc"),
		STR("priority"), STR("source"), STR("enabled"), STR("capture"),
		STR("capture_duration"), STR("warn_evttypes"), STR("skip-if-unknown-filter"),
		STR("tags"), STR("exceptions"), STR("override"), STR("append")};
	struct place at = place_of(parent->at.src, item);
	struct rule_def *def = arena_new(&l->tmp, struct rule_def);
	const struct context *ctx = context_new(l, parent, "rule", STR_NULL, at);

	if (!def || !ctx || get_text(l, item, "rule", ctx, &def->d.name) < 0)
		return;
	def->d.ctx = context_new(l, parent, "rule", def->d.name, at);
	if (!def->d.ctx)
		return;
	if (read_rule_body(l, item, def) < 0)
		collect_broken(l, &l->rules, def->d.name, sizeof(*def), def->d.ctx);
	warn_unknown_keys(l, item, keys, COUNT(keys), def->d.ctx);
}

/* ---- files ---------------------------------------------------------------------------------- */

static void read_required_engine(
	struct loader *l, const struct yaml_node *item, const struct context *parent)
{
	static const struct str keys[] = {STR("required_engine_version")};
	const struct context *ctx =
		context_new(l, parent, keys[0].s, STR_NULL, place_of(parent->at.src, item));
	const struct yaml_node *n = get_scalar(l, item, keys[0].s, ctx);

	if (n)
		require_engine(l, n, ctx);
	warn_unknown_keys(l, item, keys, COUNT(keys), ctx);
}

static void read_required_plugins(
	struct loader *l, const struct yaml_node *item, const struct context *parent)
{
	static const struct str keys[] = {STR("required_plugin_versions")};
	const struct context *ctx = context_new(
		l, parent, "required plugin versions", STR_NULL, place_of(parent->at.src, item));

	require_plugins(l, yaml_get(item, keys[0].s), ctx);
	warn_unknown_keys(l, item, keys, COUNT(keys), ctx);
}

static const struct {
	const char *key;
	void (*read)(struct loader *l, const struct yaml_node *item, const struct context *parent);
} item_kinds[] = {
	{"required_engine_version", read_required_engine},
	{"required_plugin_versions", read_required_plugins},
	{"list", read_list},
	{"macro", read_macro},
	{"rule", read_rule},
};

static void read_item(struct loader *l, const struct yaml_node *item, const struct context *parent)
{
	struct str names[COUNT(item_kinds)];
	const struct context *ctx = context_new(
		l, parent, "rules content item", STR_NULL, place_of(parent->at.src, item));

	if (item->kind == YAML_NULL || !ctx)
		return;
	if (item->kind != YAML_MAP) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx,
			"an item must be a map that begins with rule, macro or list");
		return;
	}
	for (size_t i = 0; i < COUNT(item_kinds); i++) {
		names[i] = str_of(item_kinds[i].key);
		if (yaml_get(item, item_kinds[i].key)) {
			item_kinds[i].read(l, item, parent);
			return;
		}
	}
	struct str key = item->nitems ? item->keys[0]->text : STR_NULL;

	issue_add(l, LOAD_UNKNOWN_ITEM, ctx, "an item that begins with '%.*s' is ignored%s",
		STR_ARG(str_head(key, 100)), suggest(l, key, names, COUNT(names)));
}

void read_rules_text(struct loader *l, struct source *src)
{
	const struct context *ctx =
		context_new(l, NULL, "rules content", src->report->name, (struct place){src, 1, 1});
	struct yaml_node **docs;
	struct yaml_error ye;
	size_t ndocs;
	int e = yaml_parse(&l->tmp, src->text, NULL, &docs, &ndocs, &ye);

	if (!ctx)
		return;
	for (size_t i = 0; i < ndocs; i++) {
		if (!docs[i] || docs[i]->kind == YAML_NULL)
			continue;
		if (docs[i]->kind != YAML_SEQ) {
			issue_add(l, LOAD_ERR_YAML_VALIDATE,
				context_new(
					l, ctx, "rules content", STR_NULL, place_of(src, docs[i])),
				"a rules file must be a sequence of items, each beginning with "
				"'-'");
			continue;
		}
		for (size_t k = 0; k < docs[i]->nitems; k++)
			read_item(l, docs[i]->items[k], ctx);
	}
	if (e < 0) {
		l->incomplete = true;
		issue_add(l, LOAD_ERR_YAML_PARSE,
			context_new(l, ctx, "value for", STR_NULL,
				(struct place){src, ye.line, ye.column}),
			"%s", ye.msg);
	}
}
