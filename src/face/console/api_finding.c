/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One finding, whole: the record as the sensor sent it, with what the rules and the knowledge of
 * techniques add: why it matters and what to do. The sentences are data; only their order is here.
 */
#include <stdlib.h>

#include "base/json.h"
#include "face/console/api_query.h"
#include "face/console/knowledge.h"
#include "face/console/rulebook.h"
#include "face/console/write.h"

enum { RELATED_MAX = 20, WHY_MAX = 8000 };

/* ---- why ------------------------------------------------------------------------------------ */

static struct str member(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

static void add_sentence(struct buf *b, struct str s)
{
	s = str_trim(s);
	if (!s.len)
		return;
	if (b->len)
		buf_add_char(b, ' ');
	for (size_t i = 0; i < s.len; i++)
		/* a folded text is one paragraph */
		buf_add_char(b, s.s[i] == '\n' || s.s[i] == '\t' ? ' ' : s.s[i]);
	if (!strchr(".!?", s.s[s.len - 1]))
		buf_add_char(b, '.');
}

static void add_who(struct buf *b, const struct store_finding *f, const json_t *record)
{
	const json_t *processes = json_object_get(record, "processes");
	struct str parent = member(json_array_get(processes, 1), "name");

	if (!f->process.len)
		return;
	buf_printf(b, "%sHere it was %.*s (pid %llu", b->len ? " " : "", STR_ARG(f->process),
		(unsigned long long)f->pid);
	if (f->exe.len)
		buf_printf(b, ", %.*s", STR_ARG(f->exe));
	buf_add_char(b, ')');
	if (parent.len)
		buf_printf(b, ", started by %.*s", STR_ARG(parent));
	if (f->user.len)
		buf_printf(b, ", as user %.*s", STR_ARG(f->user));
	if (f->container_id.len)
		buf_printf(b, ", in container %.*s%s%.*s",
			STR_ARG(f->container_name.len ? f->container_name : f->container_id),
			f->image.len ? " of image " : "", STR_ARG(f->image));
	else
		buf_printf(b, ", on the host %.*s", STR_ARG(f->hostname));
	buf_add_char(b, '.');
}

static bool has_flag(const json_t *process, const char *flag)
{
	const json_t *flags = json_object_get(process, "flags"), *v;
	size_t i;

	json_array_foreach((json_t *)flags, i, v)
	{
		if (json_is_string(v) && strcmp(json_string_value(v), flag) == 0)
			return true;
	}
	return false;
}

/* What makes this one worse than the rule alone says. */
static void add_aggravation(struct buf *b, const struct store_finding *f, const json_t *record)
{
	static const struct {
		const char *flag, *text;
	} flags[] = {
		{"upper_layer",
			"The program is not from the image: somebody put it there while the "
			"container ran."},
		{"memfd", "The program runs from memory and has no file to look at."},
		{"deleted", "The program's file was deleted while it ran."},
	};
	const json_t *process = json_array_get(json_object_get(record, "processes"), 0);

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (has_flag(process, flags[i].flag))
			add_sentence(b, str_of(flags[i].text));
	if (json_is_true(json_object_get(json_object_get(record, "container"), "privileged")))
		add_sentence(
			b, STR("The container is privileged: what holds in it holds on the host."));
	if (f->count > 1)
		buf_printf(b, " It happened %llu times.", (unsigned long long)f->count);
}

static void add_why(struct request *q, const struct store_detail *d, const json_t *record,
	struct str desc, const struct advice *a, bool *first)
{
	struct buf b = BUF_INIT(WHY_MAX);

	add_sentence(&b, desc);
	add_who(&b, &d->finding, record);
	add_aggravation(&b, &d->finding, record);
	if (a)
		add_sentence(&b, a->why);
	write_str(&q->out, first, "why", buf_str(&b));
	buf_done(&b);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void add_techniques(struct request *q, const struct store_finding *f, bool *first)
{
	const struct knowledge *k = q->console->knowledge;
	bool none = true;

	json_add_key(&q->out, first, "technique");
	buf_add_char(&q->out, '[');
	for (size_t i = 0; i < f->ntags; i++) {
		const struct technique *t = knowledge_technique(k, f->tags[i]);
		const struct tactic *tactic = t ? knowledge_tactic(k, t->tactics[0]) : NULL;
		struct buf url = BUF_INIT(120);
		bool inner = true;

		if (!knowledge_is_technique(f->tags[i]))
			continue;
		buf_add_cstr(&url, "https://attack.mitre.org/techniques/");
		for (size_t j = 0; j < f->tags[i].len; j++)
			buf_add_char(&url, f->tags[i].s[j] == '.'   ? '/'
					   : f->tags[i].s[j] == 't' ? 'T'
								    : f->tags[i].s[j]);
		buf_add_cstr(&q->out, none ? "{" : ",{");
		none = false;
		write_str(&q->out, &inner, "id", f->tags[i]);
		write_str(&q->out, &inner, "name", t ? t->name : STR(""));
		write_str(&q->out, &inner, "tactic", tactic ? tactic->name : STR(""));
		write_str(&q->out, &inner, "url", buf_str(&url));
		buf_add_char(&q->out, '}');
		buf_done(&url);
	}
	buf_add_char(&q->out, ']');
}

static void add_rule(struct request *q, struct str name, const struct rule *r, bool *first)
{
	bool inner = true;

	json_add_key(&q->out, first, "rule");
	buf_add_char(&q->out, '{');
	write_str(&q->out, &inner, "name", name);
	write_str(&q->out, &inner, "desc", r ? str_trim(r->desc) : STR(""));
	write_str(&q->out, &inner, "condition", r ? r->condition : STR(""));
	write_str(&q->out, &inner, "output", r ? r->output : STR(""));
	write_str(&q->out, &inner, "file", r ? r->where.file : STR(""));
	write_u64(&q->out, &inner, "line", r ? r->where.line : 0);
	write_str(&q->out, &inner, "text", r ? rulebook_text(q->console->rules, r) : STR(""));
	buf_add_char(&q->out, '}');
}

/* The record's own members, as they are. */
static void add_evidence(struct request *q, const json_t *record, bool *first)
{
	static const char *const names[] = {
		"event", "file", "connection", "processes", "container", "fields"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const json_t *v = json_object_get(record, names[i]);
		char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		bool is_list = strcmp(names[i], "processes") == 0;

		write_raw(&q->out, first, names[i], text ? str_of(text) : STR_NULL,
			is_list ? "[]" : "null");
		free(text);
	}
	write_str_or_null(&q->out, first, "capture", member(record, "capture"));
}

static void add_history(struct request *q, const struct store_detail *d, bool *first)
{
	bool none = true;

	json_add_key(&q->out, first, "comments");
	buf_add_char(&q->out, '[');
	for (size_t i = 0; i < d->nhistory; i++) {
		const struct store_history *h = &d->history[i];
		bool inner = true;

		if (!h->text.len || h->action == STORE_DID_ASSIGN || h->action == STORE_DID_MUTE)
			continue;
		buf_add_cstr(&q->out, none ? "{" : ",{");
		none = false;
		write_str(&q->out, &inner, "who", h->who);
		write_time(&q->out, &inner, "time", h->time_ns);
		write_str(&q->out, &inner, "text", h->text);
		buf_add_char(&q->out, '}');
	}
	buf_add_cstr(&q->out, "],\"history\":[");
	for (size_t i = 0; i < d->nhistory; i++) {
		const struct store_history *h = &d->history[i];
		bool inner = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		write_str(&q->out, &inner, "who", h->who);
		write_time(&q->out, &inner, "time", h->time_ns);
		write_str(&q->out, &inner, "action", str_of(store_action_name(h->action)));
		write_str(&q->out, &inner, "text", h->text);
		buf_add_char(&q->out, '}');
	}
	buf_add_char(&q->out, ']');
}

static void add_entities(struct request *q, const struct store_detail *d, bool *first)
{
	json_add_key(&q->out, first, "entities");
	buf_add_char(&q->out, '[');
	for (size_t i = 0; i < d->nentities; i++) {
		const struct store_entity *e = &d->entities[i];
		bool inner = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		write_id(&q->out, &inner, "id", e->id);
		write_str(&q->out, &inner, "kind", str_of(store_entity_kind_name(e->kind)));
		write_str(&q->out, &inner, "name", e->name.len ? e->name : e->key);
		write_str(&q->out, &inner, "role", d->roles[i]);
		buf_add_char(&q->out, '}');
	}
	buf_add_char(&q->out, ']');
}

/* ---- the finding ---------------------------------------------------------------------------- */

int api_finding(struct request *q)
{
	struct store_detail d;
	struct err e = {0};
	int r = store_finding_get(q->console->store, q->id, &q->arena, &d, &e);
	bool first = true;

	if (r < 0)
		return request_fail_err(q, r, &e);
	json_t *record = json_loadb(d.record.s, d.record.len, 0, NULL);
	const struct advice *a =
		knowledge_advice(q->console->knowledge, d.finding.tags, d.finding.ntags);
	const struct ruleset *rs = rulebook_read(q->console->rules);
	const struct rule *rule = rulebook_find(rs, d.finding.rule);
	buf_add_char(&q->out, '{');
	write_finding_row(&q->out, &first, &d.finding);
	add_rule(q, d.finding.rule, rule, &first);
	add_evidence(q, record, &first);
	add_why(q, &d, record, rule ? rule->desc : STR(""), a, &first);
	rulebook_done(q->console->rules);
	add_techniques(q, &d.finding, &first);
	write_strs(&q->out, &first, "advice", a ? a->steps : NULL, a ? a->nsteps : 0);
	add_history(q, &d, &first);
	add_entities(q, &d, &first);
	buf_add_char(&q->out, '}');
	json_decref(record);
	return 200;
}

int api_moments(struct request *q)
{
	struct store_moment *m;
	size_t n = 0;
	struct err e = {0};
	int r = store_moments(q->console->store, q->id, &q->arena, &m, &n, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		write_time(&q->out, &first, "time", m[i].time_ns);
		write_u64(&q->out, &first, "pid", m[i].pid);
		write_str(&q->out, &first, "process", m[i].process);
		write_str(&q->out, &first, "type", m[i].type);
		write_str(&q->out, &first, "text", m[i].text);
		write_bool(&q->out, &first, "is_finding", m[i].finding.len > 0);
		write_str_or_null(&q->out, &first, "finding", m[i].finding);
		buf_add_char(&q->out, '}');
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

static void add_page(struct request *q, bool *first, const char *key, const struct store_page *p)
{
	json_add_key(&q->out, first, key);
	buf_add_char(&q->out, '[');
	write_findings(&q->out, p->items, p->n);
	buf_add_char(&q->out, ']');
}

int api_related(struct request *q)
{
	struct store_related related;
	struct err e = {0};
	int r = store_related(q->console->store, q->id, RELATED_MAX, &q->arena, &related, &e);
	bool first = true;

	if (r < 0)
		return request_fail_err(q, r, &e);
	buf_add_char(&q->out, '{');
	add_page(q, &first, "same_fingerprint", &related.same_fingerprint);
	add_page(q, &first, "same_process", &related.same_process);
	add_page(q, &first, "same_container", &related.same_container);
	buf_add_char(&q->out, '}');
	return 200;
}
