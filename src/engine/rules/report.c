/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issues: collecting them while loading, and writing them for people and machines. All errors of
 * all files are reported at once; a wrong item is said once, what depends on it stays silent.
 */
#include "engine/rules/private.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

enum { SUGGESTIONS_MAX = 500 }; /* each compares with every name: bounded work */

struct source *report_file(struct loader *l, struct str name, struct str text)
{
	struct load_file *f = arena_new(&l->report->arena, struct load_file);

	if (!f) {
		l->out_of_memory = true;
		return NULL;
	}
	f->name = arena_str(&l->report->arena, name);
	if (l->last_file)
		l->last_file->next = f;
	else
		l->report->files = f;
	l->last_file = f;
	struct source *src = source_new(&l->tmp, f, text);

	if (!src)
		l->out_of_memory = true;
	return src;
}

static size_t fill_locations(
	struct loader *l, const struct context *ctx, struct load_location **ret)
{
	struct arena *a = &l->report->arena;
	size_t n = 0;

	for (const struct context *c = ctx; c; c = c->parent)
		n++;
	struct load_location *locs = arena_array(a, struct load_location, n ? n : 1);

	if (!locs)
		return 0;
	*ret = locs;
	size_t i = n;

	for (const struct context *c = ctx; c; c = c->parent)
		locs[--i] = (struct load_location){
			.item_type = str_of(c->type),
			.item_name = arena_str(a, c->name),
			.file = c->at.src->report->name,
			.line = c->at.line,
			.column = c->at.column,
			.offset = source_offset(c->at.src, c->at.line, c->at.column),
		};
	return n;
}

void issue_add(
	struct loader *l, enum load_code code, const struct context *ctx, const char *fmt, ...)
{
	struct load_report *r = l->report;
	struct load_file *f = ctx->at.src->report;
	bool is_error = load_code_is_error(code);

	*(is_error ? &f->nerrors : &f->nwarnings) += 1;
	*(is_error ? &r->nerrors : &r->nwarnings) += 1;
	if (r->nerrors + r->nwarnings > RULES_ISSUES_MAX)
		return;
	struct load_issue *is = arena_new(&r->arena, struct load_issue);

	if (!is) {
		l->out_of_memory = true;
		return;
	}
	struct buf b = BUF_INIT(2000);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	is->code = code;
	is->message = arena_str(&r->arena, buf_str(&b));
	buf_done(&b);
	is->nlocations = fill_locations(l, ctx, &is->locations);
	is->snippet = place_snippet(&r->arena, ctx->at);
	is->next = f->issues; /* newest first until report_finish() */
	f->issues = is;
}

/* ---- "did you mean" ------------------------------------------------------------------------- */

struct best {
	struct str name;
	unsigned distance;
};

static void consider(struct best *b, struct str name, struct str candidate)
{
	unsigned d = str_distance(name, candidate, b->distance - 1);

	if (d < b->distance && candidate.len > 0) {
		b->distance = d;
		b->name = candidate;
	}
}

static bool may_suggest(struct loader *l, struct str name, struct best *b)
{
	unsigned limit = (unsigned)(name.len / 3);

	*b = (struct best){.distance = 1 + (limit > 3 ? 3 : limit < 1 ? 1 : limit)};
	return name.len > 1 && name.len < 100 && l->nsuggestions++ < SUGGESTIONS_MAX;
}

static const char *say(struct loader *l, const struct best *b)
{
	if (b->name.len == 0)
		return "";
	struct str s = arena_printf(&l->tmp, "; did you mean '%.*s'?", STR_ARG(b->name));

	return s.s ? s.s : "";
}

const char *suggest(struct loader *l, struct str name, const struct str *among, size_t n)
{
	struct best b;

	if (!may_suggest(l, name, &b))
		return "";
	for (size_t i = 0; i < n; i++)
		consider(&b, name, among[i]);
	return say(l, &b);
}

const char *suggest_def(struct loader *l, struct str name, const struct defs *defs)
{
	struct best b;

	if (!may_suggest(l, name, &b))
		return "";
	for (size_t i = 0; i < defs->n; i++)
		if (!str_eq(defs->all[i]->name, name))
			consider(&b, name, defs->all[i]->name);
	return say(l, &b);
}

const char *suggest_field(struct loader *l, struct str name)
{
	const struct field_set *set = &field_set_syscall;
	struct best b;

	if (!may_suggest(l, name, &b))
		return "";
	for (size_t c = 0; c < set->nclasses; c++)
		for (size_t i = 0; i < set->classes[c]->nfields; i++)
			consider(&b, name, str_of(set->classes[c]->fields[i].name));
	return say(l, &b);
}

const char *suggest_event(struct loader *l, struct str name)
{
	struct best b;

	if (!may_suggest(l, name, &b))
		return "";
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (def)
			consider(&b, name, str_of(def->name));
	}
	for (unsigned id = 0; id < 1024; id++)
		consider(&b, name, str_of(syscall_id_name(id)));
	return say(l, &b);
}

/* ---- order ---------------------------------------------------------------------------------- */

static const struct load_location *issue_place(const struct load_issue *is)
{
	return is->nlocations ? &is->locations[is->nlocations - 1] : NULL;
}

static bool comes_after(const struct load_issue *a, const struct load_issue *b)
{
	const struct load_location *x = issue_place(a), *y = issue_place(b);

	if (!x || !y)
		return false;
	return x->line != y->line ? x->line > y->line : x->column > y->column;
}

/* A stable merge sort of the list. */
static struct load_issue *sort_issues(struct load_issue *list)
{
	struct load_issue *half = list, *end = list, *b, *ret = NULL, **tail = &ret;

	if (!list || !list->next)
		return list;
	while (end->next && end->next->next) {
		half = half->next;
		end = end->next->next;
	}
	b = half->next;
	half->next = NULL;
	list = sort_issues(list);
	b = sort_issues(b);
	while (list && b) {
		struct load_issue **from = comes_after(list, b) ? &b : &list;

		*tail = *from;
		tail = &(*from)->next;
		*from = (*from)->next;
	}
	*tail = list ? list : b;
	return ret;
}

void report_finish(struct load_report *r)
{
	for (struct load_file *f = r->files; f; f = f->next) {
		struct load_issue *rev = NULL, *next;

		for (struct load_issue *is = f->issues; is; is = next) {
			next = is->next;
			is->next = rev;
			rev = is;
		}
		f->issues = sort_issues(rev);
	}
}

void load_report_free(struct load_report *r)
{
	if (!r)
		return;
	arena_done(&r->arena);
	free(r);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void add_colour(struct buf *out, bool colour, const char *code)
{
	if (colour)
		buf_add_cstr(out, code);
}

static void add_snippet(struct buf *out, struct str snippet, bool colour)
{
	struct str rest = snippet, line;

	while (rest.len) {
		line = str_cut(&rest, '\n');
		bool is_caret = rest.len == 0;

		buf_add_cstr(out, "  ");
		add_colour(out, colour && is_caret, "\033[32m");
		buf_add(out, line);
		add_colour(out, colour && is_caret, "\033[0m");
		buf_add_char(out, '\n');
	}
}

static void add_issue_text(struct buf *out, const struct load_file *f, const struct load_issue *is,
	bool colour, bool verbose)
{
	const struct load_location *at = issue_place(is);
	bool is_error = load_code_is_error(is->code);

	add_colour(out, colour, "\033[1m");
	buf_add(out, f->name);
	if (at && at->line)
		buf_printf(out, ":%u:%u", at->line, at->column);
	buf_add_cstr(out, ": ");
	add_colour(out, colour, is_error ? "\033[31m" : "\033[33m");
	buf_add_cstr(out, is_error ? "error" : "warning");
	add_colour(out, colour, "\033[0m");
	buf_add_cstr(out, ": ");
	buf_add(out, is->message);
	buf_printf(out, " [%s]\n", load_code_name(is->code));
	add_snippet(out, is->snippet, colour);
	if (!verbose)
		return;
	for (size_t i = is->nlocations; i-- > 1;) {
		const struct load_location *loc = &is->locations[i];

		buf_printf(out, "  in %.*s", STR_ARG(loc->item_type));
		if (loc->item_name.len)
			buf_printf(out, " '%.*s'", STR_ARG(loc->item_name));
		buf_printf(out, " (%.*s:%u:%u)\n", STR_ARG(loc->file), loc->line, loc->column);
	}
	buf_printf(out, "  %s\n", load_code_desc(is->code));
}

void load_report_format_text(
	const struct load_report *r, bool colour, bool verbose, struct buf *out)
{
	for (const struct load_file *f = r->files; f; f = f->next) {
		buf_add(out, f->name);
		buf_add_cstr(out, f->nerrors     ? ": Invalid"
				  : f->nwarnings ? ": Ok, with warnings"
						 : ": Ok");
		if (f->nerrors)
			buf_printf(out, ", %zu error%s", f->nerrors, f->nerrors == 1 ? "" : "s");
		if (f->nerrors && f->nwarnings)
			buf_printf(
				out, ", %zu warning%s", f->nwarnings, f->nwarnings == 1 ? "" : "s");
		buf_add_char(out, '\n');
		for (const struct load_issue *is = f->issues; is; is = is->next)
			add_issue_text(out, f, is, colour, verbose);
	}
	if (r->nerrors + r->nwarnings > RULES_ISSUES_MAX)
		buf_printf(out, "only the first %d of %zu issues are shown\n", RULES_ISSUES_MAX,
			r->nerrors + r->nwarnings);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_location_json(struct buf *out, const struct load_location *loc)
{
	buf_add_cstr(out, "{\"item_name\":");
	json_add_str(out, loc->item_name);
	buf_add_cstr(out, ",\"item_type\":");
	json_add_str(out, loc->item_type);
	buf_printf(
		out, ",\"position\":{\"column\":%u,\"line\":%u,\"name\":", loc->column, loc->line);
	json_add_str(out, loc->file);
	buf_printf(out, ",\"offset\":%zu}}", loc->offset);
}

static void add_issues_json(struct buf *out, const struct load_file *f, bool errors)
{
	bool first = true;

	buf_add_char(out, '[');
	for (const struct load_issue *is = f->issues; is; is = is->next) {
		if (load_code_is_error(is->code) != errors)
			continue;
		if (!first)
			buf_add_char(out, ',');
		first = false;
		buf_printf(out, "{\"code\":\"%s\",\"codedesc\":", load_code_name(is->code));
		json_add_str(out, str_of(load_code_desc(is->code)));
		buf_add_cstr(out, ",\"context\":{\"locations\":[");
		for (size_t i = 0; i < is->nlocations; i++) {
			if (i)
				buf_add_char(out, ',');
			add_location_json(out, &is->locations[i]);
		}
		buf_add_cstr(out, "],\"snippet\":");
		json_add_str(out, is->snippet);
		buf_add_cstr(out, "},\"message\":");
		json_add_str(out, is->message);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

void load_report_format_json(const struct load_report *r, struct buf *out)
{
	buf_add_cstr(out, "{\"falco_load_results\":[");
	for (const struct load_file *f = r->files; f; f = f->next) {
		if (f != r->files)
			buf_add_char(out, ',');
		buf_add_cstr(out, "{\"errors\":");
		add_issues_json(out, f, true);
		buf_add_cstr(out, ",\"name\":");
		json_add_str(out, f->name);
		buf_printf(out, ",\"successful\":%s,\"warnings\":", f->nerrors ? "false" : "true");
		add_issues_json(out, f, false);
		buf_add_char(out, '}');
	}
	buf_add_cstr(out, "]}");
}
