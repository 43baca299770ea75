/* SPDX-License-Identifier: Apache-2.0 */
/* One finding with all that belongs to it; the moments around it; what is like it. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sink/store/read.h"

enum {
	HISTORY_MAX = 1000,
	MOMENTS_MAX = 2000,
	MOMENTS_FINDINGS_MAX = 200,
	AROUND_ROWS_MAX = 100,
	AROUND_S = 120, /* other findings so far from this one belong to its moments */
};

static int no_finding(struct str id, struct err *e)
{
	return err_set(e, ENOENT, "there is no finding '%.*s'; it may be past its retention",
		STR_ARG(str_head(id, ID_MAX)));
}

int finding_key(struct db *db, struct str id, int64_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = utf8_is_good(id) ? db_statement(db, "SELECT n FROM finding WHERE id = ?1", &st, e)
				  : -ENOENT;

	if (rc == 0) {
		stmt_text(st, 1, id);
		rc = stmt_row(st, e);
	}
	if (rc == 0)
		*ret_n = stmt_get_int(st, 0);
	stmt_done(st);
	return rc == -ENOENT ? no_finding(id, e) : rc;
}

/* ---- one finding ---------------------------------------------------------------------------- */

static int read_row(struct db *db, int64_t n, struct arena *a, struct store_detail *ret,
	struct str *ret_entities, struct err *e)
{
	struct stmt *st = NULL;
	struct sql q;
	int64_t key = 0;
	int rc = 0;

	sql_init(&q, db->ops->engine, a);
	sql_add(&q, "SELECT ");
	sql_add(&q, finding_columns);
	sql_add(&q, ", r.record, m.entities FROM finding f JOIN rule u ON u.id = f.rule "
		    "JOIN evidence r ON r.n = f.n LEFT JOIN mention m ON m.n = f.n "
		    "WHERE f.n = ");
	sql_int(&q, n);
	rc = sql_prepare(&q, db, &st, e);
	if (rc == 0)
		rc = stmt_row(st, e);
	if (rc == 0) {
		finding_take(st, a, &ret->finding, &key);
		ret->record = stmt_take_text(st, 30, a);
		if (!stmt_is_null(st, 31))
			*ret_entities = stmt_take_text(st, 31, a);
	}
	stmt_done(st);
	sql_done(&q);
	return rc;
}

static int read_history(
	struct db *db, int64_t n, struct arena *a, struct store_detail *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT time_ns, who, action, content FROM history WHERE n = ?1 ORDER BY id "
		"LIMIT 1000",
		&st, e);

	if (rc < 0)
		return rc;
	ret->history = arena_array(a, struct store_history, HISTORY_MAX);
	if (!ret->history)
		return err_set(e, ENOMEM, "no memory for a finding");
	stmt_int(st, 1, n);
	while (ret->nhistory < HISTORY_MAX && (rc = stmt_step(st, e)) > 0) {
		struct store_history *h = &ret->history[ret->nhistory++];

		h->time_ns = stmt_get_u64(st, 0);
		h->who = stmt_take_text(st, 1, a);
		h->action = (enum store_history_action)stmt_get_int(st, 2);
		h->text = stmt_take_text(st, 3, a);
	}
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

/* The next "entity:role" of mention.entities. */
static bool next_entity(struct str *list, uint64_t *id, enum role *role)
{
	while (list->len) {
		struct str one = str_cut(list, ' '), first = str_cut(&one, ':');
		uint64_t r = 0;

		if (str_to_u64(first, 10, id) && str_to_u64(one, 10, &r) && r < ROLE_COUNT) {
			*role = (enum role)r;
			return true;
		}
	}
	return false;
}

static int read_entities(
	struct db *db, struct str list, struct arena *a, struct store_detail *ret, struct err *e)
{
	enum role role = ROLE_SUBJECT;
	uint64_t id = 0;

	ret->entities = arena_array(a, struct store_entity, ROLE_COUNT + 1);
	ret->roles = arena_array(a, struct str, ROLE_COUNT + 1);
	if (!ret->entities || !ret->roles)
		return err_set(e, ENOMEM, "no memory for a finding");
	while (ret->nentities < ROLE_COUNT && next_entity(&list, &id, &role)) {
		int rc = entity_read(db, id, a, &ret->entities[ret->nentities], e);

		if (rc == -ENOENT)
			continue;
		if (rc < 0)
			return rc;
		ret->roles[ret->nentities++] = str_of(role_name(role));
	}
	return 0;
}

/* *ret_is_waiting: its entities are not written yet. */
static int read_detail(struct db *db, struct str id, struct arena *a, struct store_detail *ret,
	bool *ret_is_waiting, struct err *e)
{
	struct str entities = STR_NULL;
	int64_t n = 0;
	int rc = finding_key(db, id, &n, e);

	*ret = (struct store_detail){0};
	if (rc == 0)
		rc = read_row(db, n, a, ret, &entities, e);
	if (rc == -ENOENT) /* it went in between, or had no evidence */
		return no_finding(id, e);
	if (rc == 0)
		rc = read_history(db, n, a, ret, e);
	*ret_is_waiting = rc == 0 && !entities.s;
	if (rc == 0)
		rc = read_entities(db, entities, a, ret, e);
	return rc;
}

int store_finding_get(
	struct store *s, struct str id, struct arena *a, struct store_detail *ret, struct err *e)
{
	bool is_waiting = true;
	int rc = 0;

	/* one that came since its entities were called for is seen the second time */
	for (int i = 0; rc == 0 && is_waiting && i < 2; i++) {
		struct db *db = NULL;

		rc = store_settled_take(s, &db, e);
		if (rc < 0)
			return rc;
		rc = read_detail(db, id, a, ret, &is_waiting, e);
		store_reader_give(s, db);
	}
	return rc;
}

/* ---- moments -------------------------------------------------------------------------------- */

struct moments {
	struct arena *a;
	struct store_moment *m;
	size_t n;
};

static void add_event(struct moments *ms, const struct node *x)
{
	struct store_moment *m = &ms->m[ms->n];

	if (ms->n >= MOMENTS_MAX || x->type != NODE_OBJECT)
		return;
	ms->n++;
	m->time_ns = (uint64_t)node_number(x, "time_ns").v;
	m->pid = (uint64_t)node_number(x, "pid").v;
	m->process = take_str(ms->a, node_str(x, "process"));
	m->type = take_str(ms->a, node_str(x, "type"));
	m->text = take_str(ms->a, node_str(x, "text"));
	m->finding = STR("");
}

static void add_finding(struct moments *ms, const struct store_finding *f)
{
	if (ms->n >= MOMENTS_MAX)
		return;
	ms->m[ms->n++] = (struct store_moment){.time_ns = f->time_ns,
		.pid = f->pid,
		.process = f->process,
		.type = f->event,
		.text = f->output,
		.finding = f->id};
}

static int read_around(struct db *db, struct str id, struct moments *ms, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT events FROM around WHERE finding = ?1 ORDER BY time_ns LIMIT 100", &st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, id);
	while ((rc = stmt_step(st, e)) > 0) {
		const char *why = NULL;
		size_t where = 0;
		const struct node *events =
			node_parse(ms->a, stmt_take_text(st, 0, ms->a), &why, &where);

		for (const struct node *x = node_first(events); x; x = x->next)
			add_event(ms, x);
	}
	stmt_done(st);
	return rc;
}

/* The entity of a role in a detail; 0 = none. */
static uint64_t entity_of(const struct store_detail *d, enum role role)
{
	for (size_t i = 0; i < d->nentities; i++)
		if (str_is(d->roles[i], role_name(role)))
			return d->entities[i].id;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct store_moment *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

int store_moments(struct store *s, struct str id, struct arena *a, struct store_moment **ret,
	size_t *ret_n, struct err *e)
{
	struct moments ms = {.a = a, .m = arena_array(a, struct store_moment, MOMENTS_MAX)};
	struct store_query q = {.limit = MOMENTS_FINDINGS_MAX};
	struct store_page others = {0};
	struct store_detail d;
	struct db *db = NULL;
	int rc = ms.m ? store_finding_get(s, id, a, &d, e)
		      : err_set(e, ENOMEM, "no memory for a finding's moments");

	if (rc == 0)
		rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = read_around(db, id, &ms, e);
	store_reader_give(s, db);
	q.entity = entity_of(&d, ROLE_CONTAINER);
	if (!q.entity)
		q.entity = entity_of(&d, ROLE_PROCESS);
	q.from_ns = d.finding.time_ns - AROUND_S * NSEC_PER_SEC;
	q.to_ns = d.finding.time_ns + AROUND_S * NSEC_PER_SEC;
	if (d.finding.time_ns < AROUND_S * NSEC_PER_SEC)
		q.from_ns = 0;
	if (rc == 0 && q.entity)
		rc = store_findings(s, &q, a, &others, NULL, e);
	if (rc < 0)
		return rc;
	add_finding(&ms, &d.finding);
	for (size_t i = 0; i < others.n; i++)
		if (!str_eq(others.items[i].id, d.finding.id))
			add_finding(&ms, &others.items[i]);
	qsort(ms.m, ms.n, sizeof(*ms.m), by_time);
	*ret = ms.m;
	*ret_n = ms.n;
	return 0;
}

/* ---- related -------------------------------------------------------------------------------- */

static void leave_out(struct store_page *p, struct str id)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!str_eq(p->items[i].id, id))
			p->items[n++] = p->items[i];
	p->n = n;
}

static int read_related(struct store *s, const struct store_query *q, struct str id,
	struct arena *a, struct store_page *ret, struct err *e)
{
	int rc = store_findings(s, q, a, ret, NULL, e);

	if (rc == 0)
		leave_out(ret, id);
	return rc;
}

int store_related(struct store *s, struct str id, unsigned limit, struct arena *a,
	struct store_related *ret, struct err *e)
{
	struct store_detail d;
	struct store_query q = {.limit = page_limit(limit)};
	int rc = store_finding_get(s, id, a, &d, e);

	*ret = (struct store_related){0};
	if (rc < 0)
		return rc;
	if (!str_is(d.finding.fingerprint, "0000000000000000")) {
		q.fingerprint = d.finding.fingerprint;
		rc = read_related(s, &q, id, a, &ret->same_fingerprint, e);
		q.fingerprint = STR_NULL;
	}
	q.entity = entity_of(&d, ROLE_PROCESS);
	if (rc == 0 && q.entity)
		rc = read_related(s, &q, id, a, &ret->same_process, e);
	q.entity = entity_of(&d, ROLE_CONTAINER);
	if (rc == 0 && q.entity)
		rc = read_related(s, &q, id, a, &ret->same_container, e);
	return rc;
}
