/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What items mean to each other: definitions, appends, replacements, in the order of the files.
 * Each takes a growing index. The first definition of a name fixes its position (index); every
 * later change moves only its visibility: up to where it sees the names of others.
 */
#include "engine/rules/private.h"

#include <errno.h>

void *loader_grow(struct loader *l, struct arena *a, void *items, size_t n, size_t item_size)
{
	if ((n & (n - 1)) != 0)
		return items;
	void *more = arena_alloc(a, (n ? n * 2 : 1) * item_size);

	if (!more)
		l->out_of_memory = true;
	else if (n)
		memcpy(more, items, n * item_size);
	return more;
}

const struct context *context_new(struct loader *l, const struct context *parent, const char *type,
	struct str name, struct place at)
{
	struct context *c = arena_new(&l->tmp, struct context);

	if (!c) {
		l->out_of_memory = true;
		return parent;
	}
	*c = (struct context){parent, type, name, at};
	return c;
}

void name_set_add(struct loader *l, struct arena *a, struct name_set *set, struct str name)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_eq(set->names[i], name))
			return;
	struct str *more = loader_grow(l, a, set->names, set->n, sizeof(*more));

	if (!more)
		return;
	set->names = more;
	set->names[set->n++] = name;
}

/* ---- names ---------------------------------------------------------------------------------- */

void *defs_find(const struct defs *defs, struct str name)
{
	return table_find(&defs->names, str_hash(name), &name);
}

static int defs_add(
	struct loader *l, struct defs *defs, struct def *d, size_t max, const char *what)
{
	struct def **more;

	if (defs->n >= max) {
		issue_add(l, LOAD_ERR_VALIDATE, d->ctx, "more than %zu %ss", max, what);
		return -E2BIG;
	}
	more = loader_grow(l, &l->tmp, defs->all, defs->n, sizeof(*more));
	if (!more || table_put(&defs->names, str_hash(d->name), d) < 0) {
		l->out_of_memory = true;
		return -ENOMEM;
	}
	defs->all = more;
	defs->all[defs->n++] = d;
	d->index = d->visibility = l->next_index++;
	return 0;
}

void collect_broken(struct loader *l, struct defs *defs, struct str name, size_t size,
	const struct context *ctx)
{
	struct def *d = defs_find(defs, name);

	if (!d) {
		d = arena_alloc(&l->tmp, size);
		if (!d)
			return;
		d->name = name;
		d->ctx = ctx;
		if (defs_add(l, defs, d, RULES_NAMES_MAX, "item") < 0)
			return;
	}
	d->broken = true;
}

/*
 * Puts a new body into an earlier definition of the name, which keeps its place. A good definition
 * does not mend a broken one: the error was reported, and the load fails anyway.
 */
static void redefine(struct loader *l, struct def *old, struct def *new, size_t size)
{
	new->index = old->index;
	new->visibility = l->next_index++;
	new->broken = old->broken;
	memcpy(old, new, size);
}

static int no_previous(struct loader *l, const struct def *d, const struct defs *defs,
	const char *what, const char *how)
{
	if (!l->incomplete)
		issue_add(l, LOAD_ERR_VALIDATE, d->ctx, "there is no %s '%.*s' to %s before this%s",
			what, STR_ARG(d->name), how, suggest_def(l, d->name, defs));
	return -EINVAL;
}

/* ---- lists and macros ----------------------------------------------------------------------- */

int collect_list(struct loader *l, struct list_def *def, bool append)
{
	struct list_def *old = defs_find(&l->lists, def->d.name);

	if (!append && old) {
		redefine(l, &old->d, &def->d, sizeof(*def));
		return 0;
	}
	if (!append)
		return defs_add(l, &l->lists, &def->d, RULES_NAMES_MAX, "list");
	if (!old)
		return no_previous(l, &def->d, &l->lists, "list", "append to");
	struct str *all = arena_array(&l->tmp, struct str, old->nitems + def->nitems + 1);

	if (!all)
		return -ENOMEM;
	if (old->nitems)
		memcpy(all, old->items, old->nitems * sizeof(*all));
	if (def->nitems)
		memcpy(all + old->nitems, def->items, def->nitems * sizeof(*all));
	old->items = all;
	old->nitems += def->nitems;
	old->d.visibility = l->next_index++;
	return 0;
}

int written_append(struct loader *l, struct written *to, const struct written *from)
{
	struct str joined =
		arena_printf(&l->tmp, "%.*s %.*s", STR_ARG(to->text), STR_ARG(from->text));
	struct composed *pieces = arena_new(&l->tmp, struct composed);

	if (!joined.s || !pieces)
		return -ENOMEM;
	size_t n = to->pieces->nspans + from->pieces->nspans;

	pieces->arena = &l->tmp;
	pieces->nspans = n;
	pieces->spans = arena_array(&l->tmp, struct span, n);
	if (!pieces->spans)
		return -ENOMEM;
	memcpy(pieces->spans, to->pieces->spans, to->pieces->nspans * sizeof(struct span));
	for (size_t i = 0; i < from->pieces->nspans; i++) {
		struct span *sp = &pieces->spans[to->pieces->nspans + i];

		*sp = from->pieces->spans[i];
		sp->start += to->text.len + 1;
	}
	to->text = joined;
	to->pieces = pieces;
	return 0;
}

int collect_macro(struct loader *l, struct macro_def *def, bool append)
{
	struct macro_def *old = defs_find(&l->macros, def->d.name);

	if (!append && old) {
		redefine(l, &old->d, &def->d, sizeof(*def));
		return 0;
	}
	if (!append)
		return defs_add(l, &l->macros, &def->d, RULES_NAMES_MAX, "macro");
	if (!old)
		return no_previous(l, &def->d, &l->macros, "macro", "append to");
	old->d.visibility = l->next_index++;
	return old->d.broken ? 0 : written_append(l, &old->cond, &def->cond);
}

/* ---- rules ---------------------------------------------------------------------------------- */

/* The rule that an item speaks of; -EINVAL and reported when the sources contradict each other. */
static int find_rule(struct loader *l, const struct rule_def *item, struct rule_def **ret)
{
	struct rule_def *old = *ret = defs_find(&l->rules, item->d.name);

	if (!old || !old->source.len || !item->source.len || str_eq(old->source, item->source))
		return 0;
	issue_add(l, LOAD_ERR_VALIDATE, item->d.ctx,
		"the rule '%.*s' is for source '%.*s' before and '%.*s' here",
		STR_ARG(item->d.name), STR_ARG(old->source), STR_ARG(item->source));
	return -EINVAL;
}

int collect_rule(struct loader *l, struct rule_def *def)
{
	struct rule_def *old;

	if (find_rule(l, def, &old) < 0)
		return -EINVAL;
	if (!str_is(def->source, "syscall")) {
		def->unknown_source = true;
		issue_add(l, LOAD_UNKNOWN_SOURCE, def->d.ctx,
			"there is no event source '%.*s' here; the rule is skipped",
			STR_ARG(def->source));
	}
	for (struct exception_def *ex = def->exceptions; ex; ex = ex->next)
		if (exception_check(l, ex, !def->unknown_source) < 0)
			return -EINVAL;
	if (!old)
		return defs_add(l, &l->rules, &def->d, RULES_RULES_MAX, "rule");
	redefine(l, &old->d, &def->d, sizeof(*def));
	return 0;
}

static int append_values(
	struct loader *l, struct exception_def *to, const struct exception_def *from)
{
	struct exception_entry *all =
		arena_array(&l->tmp, struct exception_entry, to->nvalues + from->nvalues + 1);

	if (!all)
		return -ENOMEM;
	if (to->nvalues)
		memcpy(all, to->values, to->nvalues * sizeof(*all));
	if (from->nvalues)
		memcpy(all + to->nvalues, from->values, from->nvalues * sizeof(*all));
	to->values = all;
	to->nvalues += from->nvalues;
	return 0;
}

static int append_exception(struct loader *l, struct rule_def *r, const struct exception_def *ex)
{
	struct exception_def **tail = &r->exceptions;

	for (; *tail; tail = &(*tail)->next) {
		if (!str_eq((*tail)->name, ex->name))
			continue;
		if (ex->fields.is_set || ex->comps.is_set) {
			issue_add(l, LOAD_ERR_VALIDATE, ex->ctx,
				"the exception '%.*s' exists: only values can be appended to it, "
				"not fields or comps",
				STR_ARG(ex->name));
			return -EINVAL;
		}
		return append_values(l, *tail, ex);
	}
	if (!ex->fields.is_set || ex->nvalues == 0) {
		issue_add(l, LOAD_ERR_VALIDATE, ex->ctx,
			"the rule has no exception '%.*s' yet, and a new one needs '%s'",
			STR_ARG(ex->name), ex->fields.is_set ? "values" : "fields");
		return -EINVAL;
	}
	struct exception_def *copy = arena_new(&l->tmp, struct exception_def);

	if (!copy)
		return -ENOMEM;
	*copy = *ex;
	copy->next = NULL;
	if (exception_check(l, copy, !r->unknown_source) < 0)
		return -EINVAL;
	*tail = copy;
	return 0;
}

static struct str join_text(struct loader *l, struct str a, struct str b)
{
	struct str s = arena_printf(&l->tmp, "%.*s %.*s", STR_ARG(a), STR_ARG(b));

	if (!s.s)
		l->out_of_memory = true;
	return s;
}

static int append_tags(struct loader *l, struct rule_def *r, const struct rule_def *u)
{
	struct str *all = arena_array(&l->tmp, struct str, r->ntags + u->ntags + 1);

	if (!all)
		return -ENOMEM;
	if (r->ntags)
		memcpy(all, r->tags, r->ntags * sizeof(*all));
	if (u->ntags)
		memcpy(all + r->ntags, u->tags, u->ntags * sizeof(*all));
	r->tags = all;
	r->ntags += u->ntags;
	return 0;
}

int collect_rule_append(struct loader *l, struct rule_def *u)
{
	struct rule_def *r;

	if (find_rule(l, u, &r) < 0)
		return -EINVAL;
	if (!r)
		return no_previous(l, &u->d, &l->rules, "rule", "append to");
	if (!u->has) {
		issue_add(l, LOAD_ERR_VALIDATE, u->d.ctx,
			"nothing to append: give a condition or exceptions");
		return -EINVAL;
	}
	if (r->d.broken)
		return 0;
	if ((u->has & KEY_CONDITION) && written_append(l, &r->cond, &u->cond) < 0)
		return -ENOMEM;
	if ((u->has & KEY_OUTPUT) && written_append(l, &r->output, &u->output) < 0)
		return -ENOMEM;
	if (u->has & KEY_DESC)
		r->desc = join_text(l, r->desc, u->desc);
	if ((u->has & KEY_TAGS) && append_tags(l, r, u) < 0)
		return -ENOMEM;
	for (struct exception_def *ex = u->exceptions; ex; ex = ex->next)
		if (append_exception(l, r, ex) < 0)
			return -EINVAL;
	r->d.visibility = l->next_index++;
	return 0;
}

int collect_rule_replace(struct loader *l, struct rule_def *u)
{
	struct rule_def *r;

	if (find_rule(l, u, &r) < 0)
		return -EINVAL;
	if (!r)
		return no_previous(l, &u->d, &l->rules, "rule", "override");
	if (r->d.broken)
		return 0;
	for (struct exception_def *ex = u->exceptions; ex; ex = ex->next)
		if (exception_check(l, ex, !r->unknown_source) < 0)
			return -EINVAL;
	if (u->has & KEY_CONDITION)
		r->cond = u->cond;
	if (u->has & KEY_OUTPUT)
		r->output = u->output;
	if (u->has & KEY_DESC)
		r->desc = u->desc;
	if (u->has & KEY_TAGS) {
		r->tags = u->tags;
		r->ntags = u->ntags;
	}
	if (u->has & KEY_EXCEPTIONS)
		r->exceptions = u->exceptions;
	if (u->has & KEY_PRIORITY)
		r->priority = u->priority;
	if (u->has & KEY_CAPTURE)
		r->capture = u->capture;
	if (u->has & KEY_CAPTURE_DURATION)
		r->capture_duration_ms = u->capture_duration_ms;
	if (u->has & KEY_ENABLED)
		r->enabled = u->enabled;
	if (u->has & KEY_WARN_EVTTYPES)
		r->warn_evttypes = u->warn_evttypes;
	if (u->has & KEY_SKIP_UNKNOWN)
		r->skip_unknown = u->skip_unknown;
	r->d.visibility = l->next_index++;
	return 0;
}

int collect_rule_enable(struct loader *l, struct rule_def *u)
{
	struct rule_def *r = defs_find(&l->rules, u->d.name);

	if (!r) {
		if (!l->incomplete)
			issue_add(l, LOAD_ERR_VALIDATE, u->d.ctx,
				"there is no rule '%.*s' to enable or disable before this%s",
				STR_ARG(u->d.name), suggest_def(l, u->d.name, &l->rules));
		return -EINVAL;
	}
	r->enabled = u->enabled;
	return 0;
}
