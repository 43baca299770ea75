/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ruleset as JSON, in the shape of `falco -L`: for every rule, macro and list what was written
 * and what it became. Names in a set are sorted, so that two runs give the same bytes.
 */
#include "engine/rules/private.h"

#include <stdlib.h>

#include "base/json.h"

enum { EVENT_NAMES_SEEN_MAX = 512 };

static void add_member(struct buf *out, const char *key, struct str value)
{
	buf_printf(out, "\"%s\":", key);
	json_add_str(out, value);
}

static void add_strs(struct buf *out, const char *key, const struct str *v, size_t n)
{
	buf_printf(out, "\"%s\":[", key);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(out, ',');
		json_add_str(out, v[i]);
	}
	buf_add_char(out, ']');
}

static void add_names(struct buf *out, const char *key, const struct name_set *set)
{
	add_strs(out, key, set->names, set->n);
}

static int compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* ---- what an AST uses ----------------------------------------------------------------------- */

struct uses {
	struct arena arena;
	struct name_set fields, operators;
};

static void set_add(struct arena *a, struct name_set *set, struct str name)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_eq(set->names[i], name))
			return;
	if ((set->n & (set->n - 1)) == 0) {
		struct str *more = arena_array(a, struct str, set->n ? set->n * 2 : 1);

		if (!more)
			return;
		if (set->n)
			memcpy(more, set->names, set->n * sizeof(*more));
		set->names = more;
	}
	set->names[set->n++] = name;
}

static int note_field(struct operand *op, struct ast *check, void *arg)
{
	struct uses *u = arg;

	set_add(&u->arena, &u->fields,
		op->arg.text.len ? arena_printf(&u->arena, "%.*s[%.*s]", STR_ARG(op->field_name),
					   STR_ARG(op->arg.text))
				 : op->field_name);
	return 0;
}

static int note_operator(struct ast *n, void *arg)
{
	struct uses *u = arg;

	if (n->kind == AST_CHECK)
		set_add(&u->arena, &u->operators, str_of(cmp_op_name(n->op)));
	return 0;
}

static void collect_uses(struct uses *u, struct ast *ast)
{
	arena_init(&u->arena, 0);
	u->fields = u->operators = (struct name_set){0};
	ast_walk(ast, note_operator, u);
	ast_walk_fields(ast, note_field, u);
	if (u->fields.n)
		qsort(u->fields.names, u->fields.n, sizeof(struct str), compare_str);
	if (u->operators.n)
		qsort(u->operators.names, u->operators.n, sizeof(struct str), compare_str);
}

static void add_events(struct buf *out, const uint64_t *codes)
{
	struct str names[EVENT_NAMES_SEEN_MAX];
	size_t n = 0, kept = 0;

	for (unsigned c = 0; c < EVENT_CODE_MAX && n < EVENT_NAMES_SEEN_MAX; c++) {
		const struct event_def *def = event_def((uint16_t)c);

		if (def && (codes[c / 64] >> (c % 64) & 1))
			names[n++] = str_of(def->name);
	}
	qsort(names, n, sizeof(names[0]), compare_str);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !str_eq(names[kept - 1], names[i]))
			names[kept++] = names[i];
	add_strs(out, "events", names, kept);
}

/* Fields that Falco has from its container plugin and koban has itself. */
static bool is_container_field(struct str f)
{
	return str_starts(f, STR("container.")) || str_starts(f, STR("k8s.")) ||
	       str_starts(f, STR("proc.is_container_"));
}

/* ---- rules, macros, lists ------------------------------------------------------------------- */

static void add_rule_info(struct buf *out, const struct rule *r)
{
	buf_printf(out, "\"info\":{\"capture\":%s,\"capture_duration\":%llu,",
		r->capture ? "true" : "false", (unsigned long long)r->capture_duration_ms);
	add_member(out, "condition", r->condition);
	buf_add_char(out, ',');
	add_member(out, "description", r->desc);
	buf_printf(out, ",\"enabled\":%s,", r->enabled ? "true" : "false");
	add_member(out, "name", r->name);
	buf_add_char(out, ',');
	add_member(out, "output", r->details->written_output);
	buf_add_char(out, ',');
	add_member(out, "priority", str_of(priority_name(r->priority)));
	buf_add_char(out, ',');
	add_member(out, "source", r->source);
	buf_add_char(out, ',');
	add_strs(out, "tags", r->tags, r->ntags);
	buf_add_char(out, '}');
}

static void add_rule(struct buf *out, const struct rule *r)
{
	const struct rule_details *d = r->details;
	struct name_set outputs = {0};
	struct uses u;
	bool container = false;

	collect_uses(&u, r->ast);
	for (size_t i = 0; i < format_nfields(r->format); i++)
		set_add(&u.arena, &outputs, format_field_name(r->format, i));
	for (size_t i = 0; i < u.fields.n; i++)
		container |= is_container_field(u.fields.names[i]);
	for (size_t i = 0; i < outputs.n; i++)
		container |= is_container_field(outputs.names[i]);
	buf_add_cstr(out, "{\"details\":{");
	add_member(out, "condition_compiled", r->condition_compiled);
	buf_add_char(out, ',');
	add_names(out, "condition_fields", &u.fields);
	buf_add_char(out, ',');
	add_names(out, "condition_operators", &u.operators);
	buf_add_char(out, ',');
	add_events(out, r->codes);
	buf_add_char(out, ',');
	add_names(out, "exception_fields", &d->exception_fields);
	buf_add_char(out, ',');
	add_names(out, "exception_names", &d->exception_names);
	buf_add_char(out, ',');
	add_names(out, "exception_operators", &d->exception_operators);
	buf_add_char(out, ',');
	add_names(out, "lists", &d->lists);
	buf_add_char(out, ',');
	add_names(out, "macros", &d->macros);
	buf_add_char(out, ',');
	add_member(out, "output_compiled", d->compiled_output);
	buf_add_char(out, ',');
	add_names(out, "output_fields", &outputs);
	buf_printf(out, ",\"plugins\":[%s]},", container ? "\"container\"" : "");
	add_rule_info(out, r);
	buf_add_char(out, '}');
	arena_done(&u.arena);
}

static void add_macro(struct buf *out, const struct macro_info *m, const struct macro_details *d)
{
	uint64_t codes[(EVENT_CODE_MAX + 63) / 64] = {0};
	struct uses u = {0};

	if (d->ast) {
		collect_uses(&u, d->ast);
		field_event_codes(d->ast, codes);
	}
	buf_add_cstr(out, "{\"details\":{");
	add_member(out, "condition_compiled", d->compiled);
	buf_add_char(out, ',');
	add_names(out, "condition_fields", &u.fields);
	buf_add_char(out, ',');
	add_names(out, "condition_operators", &u.operators);
	buf_add_char(out, ',');
	add_events(out, codes);
	buf_add_char(out, ',');
	add_names(out, "lists", &d->lists);
	buf_add_char(out, ',');
	add_names(out, "macros", &d->macros);
	buf_printf(out, ",\"plugins\":[],\"used\":%s},\"info\":{", m->used ? "true" : "false");
	add_member(out, "condition", m->condition);
	buf_add_char(out, ',');
	add_member(out, "name", m->name);
	buf_add_cstr(out, "}}");
	if (d->ast)
		arena_done(&u.arena);
}

static bool names_list(const struct list_details *d, struct str item)
{
	for (size_t i = 0; i < d->lists.n; i++)
		if (str_eq(d->lists.names[i], item))
			return true;
	return false;
}

static void add_list(struct buf *out, const struct list_info *l, const struct list_details *d)
{
	bool first = true;

	buf_add_cstr(out, "{\"details\":{");
	add_strs(out, "items_compiled", d->full, d->nfull);
	buf_add_char(out, ',');
	add_names(out, "lists", &d->lists);
	buf_printf(out, ",\"plugins\":[],\"used\":%s},\"info\":{\"items\":[",
		l->used ? "true" : "false");
	for (size_t i = 0; i < l->nitems; i++) {
		if (names_list(d, l->items[i]))
			continue;
		if (!first)
			buf_add_char(out, ',');
		first = false;
		json_add_str(out, l->items[i]);
	}
	buf_add_cstr(out, "],");
	add_member(out, "name", l->name);
	buf_add_cstr(out, "}}");
}

static void add_plugins(struct buf *out, const struct plugin_requirement *p, size_t n, bool nested)
{
	for (size_t i = 0; i < n; i++) {
		buf_add_cstr(out, i ? ",{" : "{");
		if (!nested) {
			buf_add_cstr(out, "\"alternatives\":[");
			add_plugins(out, p[i].alternatives, p[i].nalternatives, true);
			buf_add_cstr(out, "],");
		}
		add_member(out, "name", p[i].name);
		buf_add_char(out, ',');
		add_member(out, "version", p[i].version);
		buf_add_char(out, '}');
	}
}

static void add_rules(struct buf *out, const struct ruleset *r, struct str only)
{
	bool first = true;

	buf_add_cstr(out, "\"rules\":[");
	for (size_t i = 0; i < r->nrules; i++) {
		if (only.len && !str_eq(r->rules[i]->name, only))
			continue;
		if (!first)
			buf_add_char(out, ',');
		first = false;
		add_rule(out, r->rules[i]);
	}
	buf_add_char(out, ']');
}

void ruleset_describe_json(const struct ruleset *r, struct str only, struct buf *out)
{
	const struct ruleset_details *d = r->details;

	buf_add_char(out, '{');
	if (!only.len) {
		buf_add_cstr(out, "\"lists\":[");
		for (size_t i = 0; i < r->nlists; i++) {
			if (i)
				buf_add_char(out, ',');
			add_list(out, &r->lists[i], &d->lists[i]);
		}
		buf_add_cstr(out, "],\"macros\":[");
		for (size_t i = 0; i < r->nmacros; i++) {
			if (i)
				buf_add_char(out, ',');
			add_macro(out, &r->macros[i], &d->macros[i]);
		}
		buf_add_cstr(out, "],");
		add_member(out, "required_engine_version",
			r->required_engine.len ? r->required_engine : STR("0.0.0"));
		buf_add_cstr(out, ",\"required_plugin_versions\":[");
		add_plugins(out, d->plugins, d->nplugins, false);
		buf_add_cstr(out, "],");
	}
	add_rules(out, r, only);
	buf_add_char(out, '}');
}
