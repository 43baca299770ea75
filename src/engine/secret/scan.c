/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the rules over a text: Vectorscan says where a keyword ends, the rule's own pattern is tried
 * in a window around it, and what matches is handed to the judge. A text is read once; nothing is
 * found twice by the same rule. What lies encoded in it is a pass of its own, one level deeper.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/secret/private.h"

enum {
	MATCH_LIMIT = 20000, /* of PCRE2, for one window */
	DEPTH_LIMIT = 2000,
	HEAP_LIMIT_KIB = 1024,
	JIT_STACK_MIN = 32 * 1024,
	JIT_STACK_MAX = 256 * 1024,
	LOOKBEHIND = 8,   /* bytes before a window that a pattern may look at */
	BYTES_A_TRY = 64, /* ordinary texts have a keyword in 500 bytes */
	TRIES_MIN = 4000,
	MATCHES_MAX = 64, /* of one pattern in one window */
};

/* ---- the scanner ---------------------------------------------------------------------------- */

static int make_scratch(struct secret_scanner *s, struct err *e)
{
	for (unsigned i = 0; i < SECRET_LEVELS; i++) {
		if (s->rules->text &&
			hs_alloc_scratch(s->rules->text, &s->scratch[i]) != HS_SUCCESS)
			return err_set(e, ENOMEM, "out of memory");
		if (s->rules->binary &&
			hs_alloc_scratch(s->rules->binary, &s->scratch[i]) != HS_SUCCESS)
			return err_set(e, ENOMEM, "out of memory");
		s->last_end[i] = calloc(s->rules->nrules + 1, sizeof(**s->last_end));
		s->decoded[i] = i ? malloc(SECRET_DECODED_MAX) : NULL;
		if (!s->last_end[i] || (i && !s->decoded[i]))
			return err_set(e, ENOMEM, "out of memory");
	}
	return 0;
}

int secret_scanner_new(struct secret_rules *r, struct secret_scanner **ret, struct err *e)
{
	struct secret_scanner *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	s->rules = r;
	s->match = pcre2_match_data_create(10, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	s->is_active = malloc(r->nrules + 1);
	s->hits = malloc(SECRET_HITS_MAX * sizeof(*s->hits));
	if (!s->match || !s->context || !s->is_active || !s->hits || make_scratch(s, e) < 0) {
		secret_scanner_free(s);
		return err_set(e, ENOMEM, "out of memory");
	}
	pcre2_set_match_limit(s->context, MATCH_LIMIT);
	pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
	if (s->stack)
		pcre2_jit_stack_assign(s->context, NULL, s->stack);
	secret_keys_init();
	*ret = s;
	return 0;
}

void secret_scanner_free(struct secret_scanner *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < SECRET_LEVELS; i++) {
		hs_free_scratch(s->scratch[i]);
		free(s->last_end[i]);
		free(s->decoded[i]);
	}
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	free(s->is_active);
	free(s->hits);
	secret_rules_unref(s->rules);
	free(s);
}

uint64_t secret_scanner_allowed(const struct secret_scanner *s)
{
	return s->nallowed;
}

uint64_t secret_scanner_skipped(const struct secret_scanner *s)
{
	return s->nskipped;
}

bool secret_match(struct secret_scanner *s, const pcre2_code *code, struct str text, size_t from)
{
	return pcre2_match(code, (PCRE2_SPTR)(text.s ? text.s : ""), text.len, from, 0, s->match,
		       s->context) > 0;
}

/* ---- candidates ----------------------------------------------------------------------------- */

/* Where in the window the value is: the first group that took part, else the whole. */
static void value_of(struct secret_scanner *s, size_t *start, size_t *end)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->match);
	uint32_t n = pcre2_get_ovector_count(s->match);

	*start = v[0];
	*end = v[1];
	for (uint32_t i = 1; i < n; i++)
		if (v[2 * i] != PCRE2_UNSET && v[2 * i + 1] > v[2 * i]) {
			*start = v[2 * i];
			*end = v[2 * i + 1];
			return;
		}
}

static void try_pattern(struct secret_pass *p, unsigned index, size_t end, size_t keyword)
{
	const struct secret_rule *r = &p->s->rules->rules[index];
	size_t *last = &p->s->last_end[p->level][index];
	size_t back = r->before + keyword;
	size_t from = end > back ? end - back : 0, to = end + r->after;
	size_t base, at;

	if (end <= *last)
		return;
	if (!p->s->tries) {
		p->s->nskipped++;
		return;
	}
	p->s->tries--;
	from = from < *last ? *last : from;
	to = to < p->text.len ? to : p->text.len;
	base = from > LOOKBEHIND ? from - LOOKBEHIND : 0;
	at = from - base;
	for (unsigned i = 0; i < MATCHES_MAX; i++) {
		struct str window = str_make(p->text.s + base, to - base);
		size_t start, stop, whole;

		if (!secret_match(p->s, r->code, window, at))
			return;
		const PCRE2_SIZE *v = pcre2_get_ovector_pointer(p->s->match);
		if (base + v[0] >= end || v[1] <= at)
			return;
		whole = v[1];
		if (base + whole >= end) {
			value_of(p->s, &start, &stop);
			*last = base + whole;
			secret_judge(p, r, base + start, stop - start, r->confidence);
			return;
		}
		at = whole;
	}
}

static bool is_active(struct secret_scanner *s, unsigned index)
{
	const struct secret_rule *r = &s->rules->rules[index];

	if (!r->paths.n)
		return true;
	if (s->is_active[index] < 0)
		s->is_active[index] = path_globs_match(&r->paths, s->c->path);
	return s->is_active[index];
}

static int on_keyword(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	struct secret_pass *p = arg;
	const struct secret_trigger *t = &p->s->rules->triggers[id];

	if (id >= p->s->rules->ntriggers)
		return 0;
	for (size_t i = 0; i < t->nrules; i++) {
		unsigned index = t->rules[i];
		const struct secret_rule *r = &p->s->rules->rules[index];

		if ((!p->s->c->is_text && !r->in_binaries) || !is_active(p->s, index))
			continue;
		if (r->kind == RULE_ASSIGNMENT)
			secret_assignment(p, r, (size_t)to);
		else
			try_pattern(p, index, (size_t)to, t->is_pattern ? 0 : t->text.len);
	}
	return 0;
}

/* Rules about files of a name, which are small: their patterns are tried over all of it. */
static void run_whole(struct secret_pass *p)
{
	struct secret_scanner *s = p->s;
	struct str text = str_head(p->text, SECRET_WHOLE_MAX);

	for (size_t i = 0; i < s->rules->nwhole; i++) {
		unsigned index = s->rules->whole[i];
		const struct secret_rule *r = &s->rules->rules[index];
		size_t at = 0, start, end;

		if ((!s->c->is_text && !r->in_binaries) || !is_active(s, index))
			continue;
		while (at < text.len && secret_match(s, r->code, text, at)) {
			const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->match);
			size_t next = v[1] > at ? v[1] : at + 1;

			value_of(s, &start, &end);
			secret_judge(p, r, start, end - start, r->confidence);
			at = next;
		}
	}
}

void secret_pass_run(struct secret_pass *p)
{
	struct secret_scanner *s = p->s;
	const hs_database_t *db = s->c->is_text ? s->rules->text : s->rules->binary;

	memset(s->last_end[p->level], 0, s->rules->nrules * sizeof(**s->last_end));
	if (db && p->text.len && p->text.len <= UINT32_MAX)
		hs_scan(db, p->text.s, (unsigned)p->text.len, 0, s->scratch[p->level], on_keyword,
			p);
	if (p->level == 0 && s->c->path.len)
		run_whole(p);
	if (s->c->is_text && p->level + 1 < SECRET_LEVELS)
		secret_decode(p);
}

/* ---- the door ------------------------------------------------------------------------------- */

static const struct {
	const char *suffix;
	enum text_form form;
} forms[] = {
	{".py", FORM_CODE},
	{".js", FORM_CODE},
	{".mjs", FORM_CODE},
	{".cjs", FORM_CODE},
	{".ts", FORM_CODE},
	{".tsx", FORM_CODE},
	{".jsx", FORM_CODE},
	{".vue", FORM_CODE},
	{".go", FORM_CODE},
	{".java", FORM_CODE},
	{".kt", FORM_CODE},
	{".kts", FORM_CODE},
	{".scala", FORM_CODE},
	{".groovy", FORM_CODE},
	{".gradle", FORM_CODE},
	{".c", FORM_CODE},
	{".h", FORM_CODE},
	{".cc", FORM_CODE},
	{".cpp", FORM_CODE},
	{".hpp", FORM_CODE},
	{".cs", FORM_CODE},
	{".fs", FORM_CODE},
	{".vb", FORM_CODE},
	{".m", FORM_CODE},
	{".mm", FORM_CODE},
	{".swift", FORM_CODE},
	{".rb", FORM_CODE},
	{".rs", FORM_CODE},
	{".php", FORM_CODE},
	{".pl", FORM_CODE},
	{".pm", FORM_CODE},
	{".lua", FORM_CODE},
	{".ex", FORM_CODE},
	{".exs", FORM_CODE},
	{".erl", FORM_CODE},
	{".hs", FORM_CODE},
	{".clj", FORM_CODE},
	{".dart", FORM_CODE},
	{".tf", FORM_CODE},
	{".json", FORM_CODE},
	{".html", FORM_CODE},
	{".erb", FORM_CODE},
	{".css", FORM_CODE},
	{".sql", FORM_CODE},
	{".coffee", FORM_CODE},
	{".pyx", FORM_CODE},
	{".ps1", FORM_CODE},
	{".psm1", FORM_CODE},
	{".proto", FORM_CODE},
	{".r", FORM_CODE},
	{".jl", FORM_CODE},
	{".zig", FORM_CODE},
	{".svelte", FORM_CODE},
	{".jsp", FORM_CODE},
	{".aspx", FORM_CODE},
	{".ejs", FORM_CODE},
	{".cshtml", FORM_CODE},
	{".htm", FORM_CODE},
	{".pod", FORM_PROSE},
	{".ipynb", FORM_CODE},
	{".yaml", FORM_CONFIG},
	{".yml", FORM_CONFIG},
	{".env", FORM_CONFIG},
	{".ini", FORM_CONFIG},
	{".cfg", FORM_CONFIG},
	{".conf", FORM_CONFIG},
	{".cnf", FORM_CONFIG},
	{".config", FORM_CONFIG},
	{".properties", FORM_CONFIG},
	{".toml", FORM_CONFIG},
	{".sh", FORM_CONFIG},
	{".bash", FORM_CONFIG},
	{".zsh", FORM_CONFIG},
	{".bat", FORM_CONFIG},
	{".cmd", FORM_CONFIG},
	{".service", FORM_CONFIG},
	{".xml", FORM_CONFIG},
	{".pgpass", FORM_CONFIG},
	{".md", FORM_PROSE},
	{".rst", FORM_PROSE},
	{".adoc", FORM_PROSE},
	{".asciidoc", FORM_PROSE},
	{".tex", FORM_PROSE},
	{".texi", FORM_PROSE},
	{".markdown", FORM_PROSE},
};

static enum text_form form_of(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');
	struct str name = str_skip(path, (size_t)(slash + 1));
	ptrdiff_t dot = str_rfind_char(name, '.');

	if (!path.len || str_find(name, STR(".env")) >= 0 || str_find(name, STR("rc")) >= 0)
		return FORM_CONFIG;
	for (size_t i = 0; dot >= 0 && i < sizeof(forms) / sizeof(*forms); i++)
		if (str_ieq(str_skip(name, (size_t)dot), str_of(forms[i].suffix)))
			return forms[i].form;
	return FORM_PLAIN;
}

void secret_scan(struct secret_scanner *s, struct str text, const struct secret_context *c,
	secret_found found, void *arg)
{
	struct secret_pass p = {.s = s, .text = text};

	s->text = text;
	s->c = c;
	s->form = form_of(c->path);
	s->found = found;
	s->arg = arg;
	s->nhits = 0;
	s->tries = TRIES_MIN + text.len / BYTES_A_TRY;
	s->line_at = 0;
	s->line = c->line ? c->line : 1;
	memset(s->is_active, -1, s->rules->nrules);
	secret_pass_run(&p);
	secret_report(s);
}
