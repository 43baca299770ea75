/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading from end to end: read all files, collect, expand, compile every rule, put the enabled
 * ones into one shared program, index them by event code. Disabled rules are checked like the
 * others: a rule that is switched on later must not be the one that breaks.
 */
#include "engine/rules/private.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"

enum { TOO_MANY_CODES = 100 }; /* as Falco's LOAD_NO_EVTTYPE */

/* ---- one rule ------------------------------------------------------------------------------- */

/*
 * Fields and event types that do not exist: an error, or for a rule with skip-if-unknown-filter a
 * warning and no rule. A macro's fault is reported once, however many rules use it.
 */
static bool report_unknown(
	struct loader *l, const struct rule_def *r, struct unknown_field *list, bool inherited)
{
	for (struct unknown_field *u = list; u; u = u->next) {
		if (r->skip_unknown)
			issue_add(l, LOAD_UNKNOWN_FILTER, inherited ? r->d.ctx : u->ctx,
				"%.*s; the rule is skipped", STR_ARG(u->message));
		else if (!u->reported)
			issue_add(
				l, LOAD_ERR_COMPILE_CONDITION, u->ctx, "%.*s", STR_ARG(u->message));
		u->reported |= !r->skip_unknown;
		if (r->skip_unknown || inherited)
			break;
	}
	return list != NULL;
}

static int compile_condition(
	struct loader *l, const struct rule_def *def, struct rule *r, struct rule_details *details)
{
	struct composed in = {.text = BUF_INIT(RULES_TEXT_MAX), .arena = &l->tmp};
	struct composed text = {.text = BUF_INIT(RULES_TEXT_MAX), .arena = &l->tmp};
	struct parsed p = {0};
	int e = exceptions_compose(l, def, &in, details);

	if (e == 0)
		e = condition_parse(l, &in, &text, &p, def->cond.ctx);
	if (e == 0)
		e = condition_resolve(l, &p, UINT32_MAX, &text, def->cond.ctx);
	composed_done(&in);
	composed_done(&text);
	if (e == 0 && (report_unknown(l, def, p.unknown, false) ||
			      report_unknown(l, def, p.inherited, true)))
		e = -EINVAL;
	r->ast = p.ast;
	details->macros = p.macros;
	details->lists = p.lists;
	return e;
}

static void warn_deprecated_output(
	struct loader *l, const struct format *f, const struct context *ctx)
{
	for (size_t i = 0; i < format_nfields(f); i++) {
		const struct operand *op = format_field_operand(f, i);

		if (op && op->kind == OPERAND_FIELD && op->field &&
			(op->field->flags & FIELD_DEPRECATED))
			issue_add(l, LOAD_DEPRECATED_ITEM, ctx,
				"the output uses the deprecated field '%.*s'",
				STR_ARG(op->field_name));
	}
}

static struct str without(struct arena *a, struct str s, struct str what)
{
	ptrdiff_t at;

	while ((at = str_find(s, what)) >= 0) {
		struct str rest = str_skip(s, (size_t)at + what.len);

		s = arena_printf(a, "%.*s%.*s", (int)at, s.s, STR_ARG(rest));
	}
	return s;
}

/* What Falco's container plugin suggests for every output, unless the rule names it itself. */
static struct str add_suggested(struct loader *l, struct str text)
{
	static const char *const fields[][2] = {
		{"container_id", "%container.id"},
		{"container_name", "%container.name"},
		{"container_image_repository", "%container.image.repository"},
		{"container_image_tag", "%container.image.tag"},
		{"k8s_pod_name", "%k8s.pod.name"},
		{"k8s_ns_name", "%k8s.ns.name"},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (str_find(text, str_of(fields[i][1])) < 0)
			text = arena_printf(&l->rs->arena, "%.*s %s=%s", STR_ARG(text),
				fields[i][0], fields[i][1]);
	return text;
}

/* "*" in front: an alert is given even if some of its values are missing. */
static int compile_output(
	struct loader *l, const struct rule_def *def, struct rule *r, struct rule_details *details)
{
	struct filter_parse_options o = {.fields = &field_set_syscall, .source = "syscall"};
	static const struct str info = STR("%container.info");
	struct str text = def->output.text;
	struct filter_error fe;

	if (str_find(text, info) >= 0) {
		issue_add(l, LOAD_DEPRECATED_ITEM, def->output.ctx,
			"%%container.info prints nothing any more: name the container fields that "
			"you want");
		text = without(&l->tmp, text, info);
	}
	text = arena_printf(&l->rs->arena, "*%.*s%s%s", STR_ARG(text),
		l->o->extra_output ? " " : "", l->o->extra_output ? l->o->extra_output : "");
	if (l->o->suggested_output)
		text = add_suggested(l, text);
	details->compiled_output = str_skip(text, 1);
	if (format_compile(&l->rs->arena, text, &o, &r->format, &fe) == 0) {
		warn_deprecated_output(l, r->format, def->output.ctx);
		return 0;
	}
	size_t at = fe.pos.offset ? fe.pos.offset - 1 : 0;
	const struct context *ctx = context_new(l, def->output.ctx, "rule output expression",
		STR_NULL,
		at < def->output.text.len ? composed_place(def->output.pieces, at, def->output.ctx)
					  : def->output.ctx->at);

	if (fe.unknown_field && def->skip_unknown)
		issue_add(l, LOAD_UNKNOWN_FILTER, ctx, "%s; the rule is skipped", fe.msg);
	else
		issue_add(l, LOAD_ERR_COMPILE_OUTPUT, ctx, "%s", fe.msg);
	return -EINVAL;
}

static int compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void set_tags(struct loader *l, const struct rule_def *def, struct rule *r)
{
	struct str *tags = arena_array(&l->rs->arena, struct str, def->ntags + 1);
	size_t n = 0;

	if (!tags || def->ntags == 0)
		return;
	for (size_t i = 0; i < def->ntags; i++)
		tags[i] = arena_str(&l->rs->arena, def->tags[i]);
	qsort(tags, def->ntags, sizeof(*tags), compare_str);
	for (size_t i = 0; i < def->ntags; i++)
		if (n == 0 || !str_eq(tags[n - 1], tags[i]))
			tags[n++] = tags[i];
	r->tags = tags;
	r->ntags = n;
}

static struct load_location location_of(struct arena *a, const struct context *ctx)
{
	return (struct load_location){
		.item_type = str_of(ctx->type),
		.item_name = arena_str(a, ctx->name),
		.file = arena_str(a, ctx->at.src->report->name),
		.line = ctx->at.line,
		.column = ctx->at.column,
		.offset = source_offset(ctx->at.src, ctx->at.line, ctx->at.column),
	};
}

static struct str format_ast(struct loader *l, const struct ast *ast)
{
	struct buf b = BUF_INIT(RULES_TEXT_MAX);

	ast_format(ast, &b);
	struct str s = arena_str(&l->rs->arena, buf_str(&b));

	l->out_of_memory |= buf_has_gap(&b);
	buf_done(&b);
	return s;
}

static bool is_selected(const struct ruleset_options *o, const struct rule *r, bool enabled)
{
	if (r->priority > o->min_priority)
		return false;
	for (size_t i = 0; i < o->nselections; i++) {
		const struct rule_selection *s = &o->selections[i];
		char name[512], glob[512];
		bool hit = false;

		if (s->rule_glob.len && str_copy(r->name, name, sizeof(name)) &&
			str_copy(s->rule_glob, glob, sizeof(glob)))
			hit = fnmatch(glob, name, 0) == 0;
		for (size_t k = 0; s->tag.len && k < r->ntags; k++)
			hit |= str_eq(r->tags[k], s->tag);
		if (hit)
			enabled = s->enable;
	}
	return enabled;
}

static void set_codes(struct loader *l, const struct rule_def *def, struct rule *r)
{
	size_t n = 0;

	field_event_codes(r->ast, r->codes);
	for (size_t i = 0; i < sizeof(r->codes) / sizeof(r->codes[0]); i++)
		n += (size_t)__builtin_popcountll(r->codes[i]);
	if (n > TOO_MANY_CODES && def->warn_evttypes)
		issue_add(l, LOAD_NO_EVTTYPE, def->d.ctx,
			"the condition can be true for %zu kinds of event: add an evt.type", n);
}

static struct name_set keep_names(struct loader *l, struct name_set in)
{
	struct name_set out = {arena_array(&l->rs->arena, struct str, in.n + 1), 0};

	for (; out.names && out.n < in.n; out.n++)
		out.names[out.n] = arena_str(&l->rs->arena, in.names[out.n]);
	if (out.n)
		qsort(out.names, out.n, sizeof(struct str), compare_str);
	return out;
}

static void keep_details(struct loader *l, struct rule_details *d, const struct rule_def *def)
{
	d->macros = keep_names(l, d->macros);
	d->lists = keep_names(l, d->lists);
	d->exception_names = keep_names(l, d->exception_names);
	d->exception_fields = keep_names(l, d->exception_fields);
	d->exception_operators = keep_names(l, d->exception_operators);
	d->written_output = arena_str(&l->rs->arena, def->output.text);
}

static void compile_rule(struct loader *l, const struct rule_def *def)
{
	struct arena *a = &l->rs->arena;
	struct rule *r = arena_new(a, struct rule), **all;
	struct rule_details *details = arena_new(a, struct rule_details);

	if (!r || !details) {
		l->out_of_memory = true;
		return;
	}
	/* both, so that both are reported */
	int bad_output = compile_output(l, def, r, details);
	int bad_condition = compile_condition(l, def, r, details);

	if (bad_output || bad_condition)
		return;
	r->name = arena_str(a, def->d.name);
	r->desc = arena_str(a, def->desc);
	r->condition = arena_str(a, def->cond.text);
	r->output = details->compiled_output;
	r->source = arena_str(a, def->source);
	r->condition_compiled = format_ast(l, r->ast);
	r->priority = def->priority;
	r->capture = def->capture;
	r->capture_duration_ms = def->capture_duration_ms;
	r->where = location_of(a, def->d.ctx);
	r->details = details;
	set_tags(l, def, r);
	set_codes(l, def, r);
	keep_details(l, details, def);
	r->enabled = is_selected(l->o, r, def->enabled);
	r->index = (uint32_t)l->rs->nrules;
	all = loader_grow(l, a, l->rs->rules, l->rs->nrules, sizeof(*all));
	if (!all)
		return;
	l->rs->rules = all;
	l->rs->rules[l->rs->nrules++] = r;
}

/* ---- the ruleset's program and index -------------------------------------------------------- */

static bool has_code(const uint64_t *codes, unsigned code)
{
	return codes[code / 64] >> (code % 64) & 1;
}

static const struct context *rule_context(struct loader *l, const struct rule *r)
{
	return ((struct def *)defs_find(&l->rules, r->name))->ctx;
}

static void build_program(struct loader *l)
{
	struct ruleset *rs = l->rs;
	struct err e = {0};

	rs->program = filter_program_new(&field_set_syscall);
	if (!rs->program) {
		l->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < rs->nrules; i++) {
		struct rule *r = rs->rules[i];
		struct filter_error fe;

		if (!r->enabled)
			continue;
		if (filter_program_add(rs->program, r->ast, &r->root, &fe) < 0)
			issue_add(l, LOAD_ERR_COMPILE_CONDITION, rule_context(l, r), "%s", fe.msg);
		else
			r->is_named = filter_program_is_named(rs->program, r->root);
	}
	if (l->report->nerrors == 0)
		rules_project(l);
	if (l->report->nerrors == 0 && filter_program_seal(rs->program, &e) < 0)
		issue_add(l, LOAD_ERR_COMPILE_CONDITION,
			rs->nrules ? rule_context(l, rs->rules[0]) : NULL, "%s", e.msg);
}

static void build_index(struct loader *l)
{
	struct ruleset *rs = l->rs;

	for (size_t i = 0; i < rs->nrules; i++)
		for (unsigned c = 0; rs->rules[i]->enabled && c < EVENT_CODE_MAX; c++)
			rs->nby_code[c] += has_code(rs->rules[i]->codes, c);
	for (unsigned c = 0; c < EVENT_CODE_MAX; c++) {
		uint32_t n = 0;

		if (rs->nby_code[c] == 0)
			continue;
		rs->codes[c / 64] |= 1ULL << (c % 64);
		rs->by_code[c] = arena_array(&rs->arena, uint32_t, rs->nby_code[c]);
		if (!rs->by_code[c]) {
			l->out_of_memory = true;
			return;
		}
		for (uint32_t i = 0; i < rs->nrules; i++)
			if (rs->rules[i]->enabled && has_code(rs->rules[i]->codes, c))
				rs->by_code[c][n++] = i;
	}
}

static int sees_latency(struct operand *op, struct ast *check, void *arg)
{
	return str_starts(op->field_name, STR("evt.latency"));
}

static bool wants_latency(const struct rule *r)
{
	if (ast_walk_fields(r->ast, sees_latency, NULL))
		return true;
	for (size_t i = 0; i < format_nfields(r->format); i++)
		if (str_find(format_field_name(r->format, i), STR("evt.latency")) >= 0)
			return true;
	return false;
}

/* ---- what else the ruleset keeps ------------------------------------------------------------ */

static void keep_macros(struct loader *l, struct ruleset_details *d)
{
	struct ruleset *rs = l->rs;
	struct arena *a = &rs->arena;

	rs->macros = arena_array(a, struct macro_info, l->macros.n + 1);
	d->macros = arena_array(a, struct macro_details, l->macros.n + 1);
	for (size_t i = 0; rs->macros && d->macros && i < l->macros.n; i++) {
		const struct macro_def *m = (const struct macro_def *)l->macros.all[i];

		rs->macros[i] = (struct macro_info){arena_str(a, m->d.name),
			arena_str(a, m->cond.text), location_of(a, m->d.ctx), m->d.used};
		d->macros[i] = (struct macro_details){m->d.broken ? NULL : m->p.ast,
			keep_names(l, m->p.macros), keep_names(l, m->p.lists),
			m->d.broken ? STR_NULL : format_ast(l, m->p.ast)};
		rs->nmacros++;
	}
}

static struct str *keep_strs(struct arena *a, const struct str *in, size_t n)
{
	struct str *out = arena_array(a, struct str, n + 1);

	for (size_t i = 0; out && i < n; i++)
		out[i] = arena_str(a, in[i]);
	return out;
}

static void keep_lists(struct loader *l, struct ruleset_details *d)
{
	struct ruleset *rs = l->rs;
	struct arena *a = &rs->arena;

	rs->lists = arena_array(a, struct list_info, l->lists.n + 1);
	d->lists = arena_array(a, struct list_details, l->lists.n + 1);
	for (size_t i = 0; rs->lists && d->lists && i < l->lists.n; i++) {
		const struct list_def *x = (const struct list_def *)l->lists.all[i];

		rs->lists[i] = (struct list_info){arena_str(a, x->d.name),
			keep_strs(a, x->items, x->nitems), x->nitems, location_of(a, x->d.ctx),
			x->d.used};
		d->lists[i] = (struct list_details){keep_strs(a, x->full, x->nfull), x->nfull,
			keep_names(l, (struct name_set){x->lists, x->nlists})};
		rs->nlists++;
	}
}

static struct plugin_requirement *keep_plugins(
	struct loader *l, const struct plugin_requirement *in, size_t n)
{
	struct arena *a = &l->rs->arena;
	struct plugin_requirement *out = arena_array(a, struct plugin_requirement, n + 1);

	for (size_t i = 0; out && i < n; i++) {
		out[i].name = arena_str(a, in[i].name);
		out[i].version = arena_str(a, in[i].version);
		out[i].nalternatives = in[i].nalternatives;
		if (in[i].nalternatives)
			out[i].alternatives =
				keep_plugins(l, in[i].alternatives, in[i].nalternatives);
	}
	return out;
}

static void keep_rest(struct loader *l)
{
	struct ruleset_details *d = arena_new(&l->rs->arena, struct ruleset_details);

	if (!d) {
		l->out_of_memory = true;
		return;
	}
	keep_macros(l, d);
	keep_lists(l, d);
	d->plugins = keep_plugins(l, l->plugins, l->nplugins);
	d->nplugins = l->nplugins;
	l->rs->details = d;
	l->rs->required_engine = required_engine_version(l);
}

static void warn_unused(struct loader *l)
{
	for (size_t i = 0; i < l->macros.n; i++)
		if (!l->macros.all[i]->used)
			issue_add(l, LOAD_UNUSED_MACRO, l->macros.all[i]->ctx,
				"no rule or macro uses the macro '%.*s'",
				STR_ARG(l->macros.all[i]->name));
	for (size_t i = 0; i < l->lists.n; i++)
		if (!l->lists.all[i]->used)
			issue_add(l, LOAD_UNUSED_LIST, l->lists.all[i]->ctx,
				"no rule, macro or list uses the list '%.*s'",
				STR_ARG(l->lists.all[i]->name));
}

void compile_all(struct loader *l)
{
	expand_lists(l);
	expand_macros(l);
	for (size_t i = 0; i < l->rules.n; i++) {
		const struct rule_def *def = (const struct rule_def *)l->rules.all[i];

		if (!def->d.broken && !def->unknown_source)
			compile_rule(l, def);
	}
	if (l->report->nerrors)
		return;
	build_program(l);
	build_index(l);
	for (size_t i = 0; i < l->rs->nrules; i++)
		l->rs->needs_latency |= l->rs->rules[i]->enabled && wants_latency(l->rs->rules[i]);
	keep_rest(l);
	warn_unused(l);
	if (ruleset_collect_paths(l->rs) < 0)
		l->out_of_memory = true;
}

/* ---- files ---------------------------------------------------------------------------------- */

static void load_text(struct loader *l, EVP_MD_CTX *hash, struct str name, struct str text)
{
	struct source *src = report_file(l, name, text);

	EVP_DigestUpdate(hash, text.s, text.len);
	if (src)
		read_rules_text(l, src);
}

static void load_failed(struct loader *l, const char *path, const char *why)
{
	struct source *src = report_file(l, str_of(path), STR_NULL);

	l->incomplete = true;
	if (!src)
		return;
	const struct context *ctx =
		context_new(l, NULL, "rules content", src->report->name, (struct place){src, 0, 0});

	if (ctx)
		issue_add(l, LOAD_ERR_FILE_READ, ctx, "%s", why);
}

static void load_file(struct loader *l, EVP_MD_CTX *hash, const char *path, size_t *nfiles)
{
	struct str text;
	struct err e;

	if (++*nfiles > RULES_FILES_MAX) {
		if (*nfiles == RULES_FILES_MAX + 1)
			load_failed(l, path, "more than 1024 rules files");
		return;
	}
	if (io_read_file(&l->tmp, AT_FDCWD, path, RULES_FILE_BYTES_MAX, &text, &e) < 0)
		load_failed(l, path, e.msg);
	else
		load_text(l, hash, str_of(path), text);
}

/* Tests of rules may lie beside them; they are no rules. */
static bool is_test_file(struct str name)
{
	return str_ends(name, STR("_test.yaml")) || str_ends(name, STR("_test.yml")) ||
	       str_ends(name, STR(".events.yaml")) || str_ends(name, STR(".events.yml"));
}

static void load_folder(struct loader *l, EVP_MD_CTX *hash, const char *path, size_t *nfiles)
{
	static const char *const suffixes[] = {".yaml", ".yml", NULL};
	struct str *names;
	size_t n;
	struct err e;

	if (io_list_dir(&l->tmp, path, suffixes, RULES_FILES_MAX * 2, &names, &n, &e) < 0) {
		load_failed(l, path, e.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct str file = arena_printf(&l->tmp, "%s/%.*s", path, STR_ARG(names[i]));

		if (!file.s)
			load_failed(l, path, "out of memory");
		else if (!is_test_file(names[i]))
			load_file(l, hash, file.s, nfiles);
	}
}

static void load_sources(struct loader *l, EVP_MD_CTX *hash)
{
	size_t nfiles = 0;

	for (size_t i = 0; i < l->o->npaths; i++) {
		struct stat st;

		if (stat(l->o->paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			load_folder(l, hash, l->o->paths[i], &nfiles);
		else
			load_file(l, hash, l->o->paths[i], &nfiles);
	}
	for (size_t i = 0; i < l->o->ntexts; i++)
		load_text(l, hash, l->o->text_names[i], l->o->texts[i]);
}

static void finish_hash(struct loader *l, EVP_MD_CTX *hash)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned n = 0;

	EVP_DigestFinal_ex(hash, md, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", md[i]);
	l->rs->sha256 = arena_str(&l->rs->arena, str_of(hex));
}

static bool name_eq(const void *row, const void *key)
{
	return str_eq(((const struct def *)row)->name, *(const struct str *)key);
}

static void run(struct loader *l, EVP_MD_CTX *hash)
{
	table_init(&l->lists.names, name_eq, RULES_NAMES_MAX);
	table_init(&l->macros.names, name_eq, RULES_NAMES_MAX);
	table_init(&l->rules.names, name_eq, RULES_RULES_MAX);
	load_sources(l, hash);
	finish_hash(l, hash);
	compile_all(l);
	/* most of what is kept is only for people to read, and not looked at one by one */
	l->out_of_memory |= l->rs->arena.failed || l->tmp.failed || l->report->arena.failed;
	if (l->out_of_memory)
		load_failed(l, "(memory)", "out of memory while loading the rules");
	table_done(&l->lists.names);
	table_done(&l->macros.names);
	table_done(&l->rules.names);
	report_finish(l->report);
}

int ruleset_load(
	const struct ruleset_options *o, struct ruleset **ret, struct load_report **ret_report)
{
	struct loader l = {.o = o};
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	int e = -ENOMEM;

	*ret = NULL;
	*ret_report = l.report = calloc(1, sizeof(*l.report));
	l.rs = calloc(1, sizeof(*l.rs));
	if (!l.report || !l.rs || !hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		goto out;
	arena_init(&l.report->arena, 0);
	arena_init(&l.rs->arena, 0);
	arena_init(&l.tmp, 0);
	l.rs->refs = 1;
	run(&l, hash);
	arena_done(&l.tmp);
	e = l.report->nerrors ? -EINVAL : l.out_of_memory ? -ENOMEM : 0;
	if (e == 0) {
		*ret = l.rs;
		l.rs = NULL;
	}
out:
	EVP_MD_CTX_free(hash);
	if (l.rs && l.rs->refs)
		ruleset_unref(l.rs);
	else
		free(l.rs);
	return e;
}

struct ruleset *ruleset_ref(struct ruleset *r)
{
	if (r)
		__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	return r;
}

struct ruleset *ruleset_unref(struct ruleset *r)
{
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return NULL;
	filter_program_free(r->program);
	arena_done(&r->arena);
	free(r);
	return NULL;
}
