/* SPDX-License-Identifier: Apache-2.0 */
/* What there is: containers, entities and how they hang together, techniques. */
#include "base/json.h"
#include "face/console/api_query.h"
#include "face/console/knowledge.h"
#include "face/console/latest.h"
#include "face/console/rulebook.h"
#include "face/console/write.h"

enum { CONTAINERS_DEFAULT = 1000, GRAPH_DEPTH = 2, GRAPH_LIMIT = 500 };

/* ---- containers ----------------------------------------------------------------------------- */

static struct str member(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

static void add_number(struct buf *b, bool *first, const char *key, const json_t *o)
{
	const json_t *v = json_object_get(o, key);

	write_u64(b, first, key, json_is_integer(v) ? (uint64_t)json_integer_value(v) : 0);
}

static void add_container(
	struct buf *b, bool *first, const struct store_container *c, const json_t *record)
{
	const json_t *started = json_object_get(record, "started_ns");

	write_str(b, first, "id", c->id);
	write_str(b, first, "name", c->name);
	write_str(b, first, "image", c->image);
	write_str(b, first, "hostname", c->hostname);
	write_str(b, first, "pod", c->pod);
	write_str(b, first, "namespace", c->namespace_name);
	write_bool(b, first, "running", c->is_running);
	write_bool(b, first, "privileged", c->is_privileged);
	write_time(b, first, "first", c->first_ns);
	write_time(b, first, "last", c->last_ns);
	write_id(b, first, "entity", c->entity);
	write_u64(b, first, "findings", c->findings);
	write_u64(b, first, "open", c->open);
	write_priority(b, first, "worst_priority", c->worst);
	add_number(b, first, "nprocesses", record);
	add_number(b, first, "cpu_ns", record);
	add_number(b, first, "rss_bytes", record);
	write_time(b, first, "started",
		json_is_integer(started) ? (uint64_t)json_integer_value(started) : 0);
	write_u64(
		b, first, "nconnections", json_array_size(json_object_get(record, "connections")));
}

int api_containers(struct request *q)
{
	struct store_container *list;
	size_t n = 0;
	struct err e = {0};
	int r = store_containers(q->console->store, str_is(request_query(q, "running"), "true"),
		(unsigned)request_query_int(q, "limit", CONTAINERS_DEFAULT), &q->arena, &list, &n,
		&e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		json_t *record = json_loadb(list[i].record.s, list[i].record.len, 0, NULL);
		bool first = true;

		buf_add_cstr(&q->out, i ? ",{" : "{");
		add_container(&q->out, &first, &list[i], record);
		buf_add_char(&q->out, '}');
		json_decref(record);
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

static void add_list(struct buf *b, bool *first, const char *key, const json_t *record)
{
	const json_t *v = json_object_get(record, key);
	char *text = json_is_array(v) ? json_dumps(v, JSON_COMPACT) : NULL;

	write_raw(b, first, key, text ? str_of(text) : STR_NULL, "[]");
	free(text);
}

int api_container(struct request *q)
{
	struct store_container c;
	struct err e = {0};
	int r = store_container_get(q->console->store, q->id, &q->arena, &c, &e);
	bool first = true;

	if (r < 0)
		return request_fail_err(q, r, &e);
	json_t *record = json_loadb(c.record.s, c.record.len, 0, NULL);
	buf_add_char(&q->out, '{');
	add_container(&q->out, &first, &c, record);
	write_str(&q->out, &first, "full_id", member(record, "full_id"));
	write_str(&q->out, &first, "digest", member(record, "digest"));
	write_str(&q->out, &first, "engine", member(record, "engine"));
	write_str(&q->out, &first, "pod_uid", member(record, "pod_uid"));
	write_bool(&q->out, &first, "host_network",
		json_is_true(json_object_get(record, "host_network")));
	write_bool(&q->out, &first, "host_pid", json_is_true(json_object_get(record, "host_pid")));
	add_list(&q->out, &first, "mounts", record);
	add_list(&q->out, &first, "connections", record);
	buf_add_char(&q->out, '}');
	json_decref(record);
	return 200;
}

/* ---- entities and the graph ----------------------------------------------------------------- */

static bool parse_kind(struct str s, unsigned *ret)
{
	enum store_entity_kind k;

	if (!store_entity_kind_parse(s, &k))
		return false;
	*ret = k;
	return true;
}

static void add_entities(struct buf *b, const struct store_entity *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, ',');
		write_entity(b, &list[i]);
	}
}

int api_entities(struct request *q)
{
	struct str search = request_query(q, "q"), cursor = request_query(q, "cursor"), next;
	struct store_entity_query query = {.search = search.s ? search : STR(""),
		.cursor = cursor.s ? cursor : STR(""),
		.limit = (unsigned)request_query_int(q, "limit", 0)};
	struct store_entity *list;
	size_t n = 0;
	struct err e = {0};
	int status = query_bits(q, "kind", parse_kind, &query.kinds), r;

	if (status)
		return status;
	r = store_entities(q->console->store, &query, &q->arena, &list, &n, &next, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	add_entities(&q->out, list, n);
	write_list_end(&q->out, next, 0, false);
	return 200;
}

static int answer_graph(struct request *q, const struct store_graph *g)
{
	struct buf *b = &q->out;

	buf_add_cstr(b, "{\"nodes\":[");
	add_entities(b, g->nodes, g->nnodes);
	buf_add_cstr(b, "],\"edges\":[");
	for (size_t i = 0; i < g->nedges; i++) {
		const struct store_relation *k = &g->edges[i];
		bool first = true;

		buf_add_cstr(b, i ? ",{" : "{");
		write_id(b, &first, "from", k->from);
		write_id(b, &first, "to", k->to);
		write_str(b, &first, "kind", k->kind);
		write_u64(b, &first, "count", k->count);
		write_time(b, &first, "first", k->first_ns);
		write_time(b, &first, "last", k->last_ns);
		buf_add_char(b, '}');
	}
	buf_printf(b, "],\"truncated\":%s}", g->is_cut ? "true" : "false");
	return 200;
}

int api_graph(struct request *q)
{
	struct store_graph g = {0};
	struct err e = {0};
	uint64_t root = 0;
	int status = query_entity(q, request_query(q, "root"), &root), r;

	if (status)
		return status;
	r = store_graph_around(q->console->store, root,
		(unsigned)request_query_int(q, "depth", GRAPH_DEPTH),
		(unsigned)request_query_int(q, "limit", GRAPH_LIMIT), &q->arena, &g, &e);
	return r < 0 ? request_fail_err(q, r, &e) : answer_graph(q, &g);
}

int api_graph_path(struct request *q)
{
	struct str end = request_query(q, "to");
	struct store_graph g = {0};
	struct err e = {0};
	uint64_t from = 0, to = 0;
	int status = query_entity(q, request_query(q, "from"), &from), r;

	if (status == 0 && end.len && !str_is(end, "internet"))
		status = query_entity(q, end, &to);
	if (status)
		return status;
	r = store_graph_path(q->console->store, from, to, &q->arena, &g, &e);
	return r < 0 ? request_fail_err(q, r, &e) : answer_graph(q, &g);
}

/* ---- ATT&CK --------------------------------------------------------------------------------- */

struct matrix {
	const struct store_technique *counts;
	size_t ncounts;
	const struct ruleset *rules;
};

static bool has_tag(const struct rule *r, struct str id)
{
	for (size_t i = 0; i < r->ntags; i++)
		if (str_ieq(r->tags[i], id))
			return true;
	return false;
}

static void add_cell(struct buf *b, const struct matrix *m, const struct technique *t)
{
	uint64_t findings = 0, open = 0;
	bool first = true, none = true;

	for (size_t i = 0; i < m->ncounts; i++)
		if (str_ieq(m->counts[i].id, t->id)) {
			findings += m->counts[i].findings;
			open += m->counts[i].open;
		}
	buf_add_char(b, '{');
	write_str(b, &first, "id", t->id);
	write_str(b, &first, "name", t->name);
	write_u64(b, &first, "findings", findings);
	write_u64(b, &first, "open", open);
	json_add_key(b, &first, "rules");
	buf_add_char(b, '[');
	for (size_t i = 0; m->rules && i < m->rules->nrules; i++) {
		const struct rule *r = m->rules->rules[i];

		if (!r->enabled || !has_tag(r, t->id))
			continue;
		if (!none)
			buf_add_char(b, ',');
		none = false;
		json_add_str(b, r->name);
	}
	buf_add_cstr(b, "]}");
}

static bool is_of(const struct technique *t, struct str tactic)
{
	for (size_t i = 0; i < t->ntactics; i++)
		if (str_eq(t->tactics[i], tactic))
			return true;
	return false;
}

static void add_tactic(struct request *q, const struct matrix *m, const struct tactic *tactic)
{
	size_t n;
	const struct technique *t = knowledge_techniques(q->console->knowledge, &n);
	bool first = true, none = true;

	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "id", tactic->id);
	write_str(&q->out, &first, "name", tactic->name);
	json_add_key(&q->out, &first, "techniques");
	buf_add_char(&q->out, '[');
	for (size_t i = 0; i < n; i++) {
		if (!is_of(&t[i], tactic->key))
			continue;
		if (!none)
			buf_add_char(&q->out, ',');
		none = false;
		add_cell(&q->out, m, &t[i]);
	}
	buf_add_cstr(&q->out, "]}");
}

int api_attack(struct request *q)
{
	struct store_technique *counts;
	struct matrix m = {0};
	struct err e = {0};
	size_t n;
	int r = store_techniques(q->console->store, request_query_time(q, "from"),
		request_query_time(q, "to"), &q->arena, &counts, &m.ncounts, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	const struct tactic *tactics = knowledge_tactics(q->console->knowledge, &n);
	m.counts = counts;
	m.rules = rulebook_read(q->console->rules);
	buf_add_cstr(&q->out, "{\"tactics\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&q->out, ',');
		add_tactic(q, &m, &tactics[i]);
	}
	buf_add_cstr(&q->out, "]}");
	rulebook_done(q->console->rules);
	return 200;
}
