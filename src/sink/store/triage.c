/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people do with findings: acknowledge, resolve, reopen, assign, comment; and what a mute does
 * to those that are there. One transaction, all or nothing. Each change is a line of history; the
 * tally and the entities' count of open findings change with it.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/read.h"

enum { CHANGE_MAX = 200000 };

struct delta {
	int64_t entity, findings, open;
};

static bool delta_eq(const void *row, const void *key)
{
	return ((const struct delta *)row)->entity == *(const int64_t *)key;
}

void change_init(struct change *c, struct store *s)
{
	*c = (struct change){.s = s, .db = s->writer, .now_ns = store_now(s)};
	table_init(&c->deltas, delta_eq, 1 << 20);
	arena_init(&c->arena, 256 << 20);
}

void change_done(struct change *c)
{
	table_done(&c->deltas);
	arena_done(&c->arena);
}

/* ---- the counts of entities ----------------------------------------------------------------- */

static int add_delta(
	struct change *c, int64_t entity, int64_t findings, int64_t open, struct err *e)
{
	uint64_t hash = hash_u64((uint64_t)entity);
	struct delta *d = table_find(&c->deltas, hash, &entity);

	if (!d) {
		d = arena_new(&c->arena, struct delta);
		if (!d || table_put(&c->deltas, hash, d) < 0)
			return err_set(e, ENOMEM, "too many entities in one change");
		d->entity = entity;
	}
	d->findings += findings;
	d->open += open;
	return 0;
}

/* mention.entities: "12:0 15:3" */
int change_entities(
	struct change *c, struct str entities, int64_t findings, int64_t open, struct err *e)
{
	while (entities.len) {
		struct str one = str_cut(&entities, ' '), id = str_cut(&one, ':');
		bool counts = !str_is(one, ROLE_PARENT_TEXT);
		int64_t n = 0;
		int rc = counts && str_to_s64(id, 10, &n) ? add_delta(c, n, findings, open, e) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int flush_deltas(struct change *c, struct err *e)
{
	struct delta *d = NULL;
	size_t pos = 0;

	while ((d = table_next(&c->deltas, &pos))) {
		struct stmt *st = NULL;
		int rc = 0;

		if (d->open || d->findings)
			rc = db_statement(c->db,
				"UPDATE entity SET open = {greatest}(open + ?2, 0), "
				"findings = {greatest}(findings + ?3, 0) WHERE id = ?1",
				&st, e);
		if (rc == 0 && st) {
			stmt_int(st, 1, d->entity);
			stmt_int(st, 2, d->open);
			stmt_int(st, 3, d->findings);
			rc = stmt_run(st, NULL, e);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int change_finish(struct change *c, struct err *e)
{
	int rc = flush_deltas(c, e);

	return rc < 0 ? rc : tally_flush(&c->tally, c->db, e);
}

/* ---- one finding ---------------------------------------------------------------------------- */

struct current {
	int64_t n;
	enum store_state state;
	enum priority priority;
	struct str assignee, entities;
};

static int read_current(struct change *c, struct current *x, struct arena *a, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(c->db,
		"SELECT f.state, f.priority, f.assignee, m.entities FROM finding f "
		"LEFT JOIN mention m ON m.n = f.n WHERE f.n = ?1",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, x->n);
	rc = stmt_row(st, e);
	if (rc == 0) {
		x->state = (enum store_state)stmt_get_int(st, 0);
		x->priority = (enum priority)stmt_get_int(st, 1);
		x->assignee = stmt_take_text(st, 2, a);
		x->entities = stmt_take_text(st, 3, a);
	}
	stmt_done(st);
	return rc;
}

static int set_state(struct change *c, const struct current *x, enum store_state to, struct err *e)
{
	struct stmt *st = NULL;
	int open = (to == STORE_OPEN) - (x->state == STORE_OPEN);
	int rc = db_statement(
		c->db, "UPDATE finding SET state = ?2, mute = ?3 WHERE n = ?1", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, x->n);
	stmt_int(st, 2, to);
	if (c->mute)
		stmt_int(st, 3, c->mute);
	else
		stmt_null(st, 3);
	rc = stmt_run(st, NULL, e);
	if ((unsigned)x->state < STORE_STATE_COUNT && (unsigned)x->priority < PRIORITY_COUNT) {
		c->tally.n[x->state][x->priority]--;
		c->tally.n[to][x->priority]++;
	}
	return rc < 0 || !open ? rc : change_entities(c, x->entities, 0, open, e);
}

static int set_assignee(struct change *c, const struct current *x, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(c->db, "UPDATE finding SET assignee = ?2 WHERE n = ?1", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, x->n);
	stmt_opt(st, 2, c->assignee);
	return stmt_run(st, NULL, e);
}

static int add_history(struct change *c, int64_t n, enum store_history_action action,
	struct str text, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(c->db,
		"INSERT INTO history (n, time_ns, who, action, content) "
		"VALUES (?1, ?2, ?3, ?4, ?5)",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, n);
	stmt_int(st, 2, (int64_t)c->now_ns);
	stmt_text(st, 3, c->who);
	stmt_int(st, 4, action);
	stmt_text(st, 5, text);
	return stmt_run(st, NULL, e);
}

static bool target_state(enum store_history_action action, enum store_state *ret)
{
	static const struct {
		enum store_history_action action;
		enum store_state state;
	} rows[] = {{STORE_DID_ACKNOWLEDGE, STORE_ACKNOWLEDGED},
		{STORE_DID_RESOLVE, STORE_RESOLVED}, {STORE_DID_REOPEN, STORE_OPEN},
		{STORE_DID_MUTE, STORE_MUTED}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].action == action) {
			*ret = rows[i].state;
			return true;
		}
	}
	return false;
}

static int change_one(struct change *c, int64_t n, struct err *e)
{
	struct current x = {.n = n};
	enum store_state to = STORE_OPEN;
	struct arena a;
	bool is_change = true;
	int rc = 0;

	arena_init(&a, 8 << 20);
	rc = read_current(c, &x, &a, e);
	if (rc == 0 && target_state(c->action, &to)) {
		is_change = to != x.state;
		if (is_change)
			rc = set_state(c, &x, to, e);
	} else if (rc == 0 && c->action == STORE_DID_ASSIGN) {
		is_change = !str_eq(c->assignee, x.assignee);
		if (is_change)
			rc = set_assignee(c, &x, e);
	}
	bool is_assign = c->action == STORE_DID_ASSIGN;
	if (rc == 0 && is_change)
		rc = add_history(c, n, c->action, is_assign ? c->assignee : c->text, e);
	/* a comment that comes with an assignment, or with what changes nothing */
	if (rc == 0 && c->text.len && (is_assign || !is_change)) {
		rc = add_history(c, n, STORE_DID_COMMENT, c->text, e);
		is_change = true;
	}
	c->changed += rc == 0 && is_change;
	arena_done(&a);
	return rc == -ENOENT ? 0 : rc;
}

/* ---- which ones ----------------------------------------------------------------------------- */

static int collect(struct select *sel, int64_t **ret, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	struct sql sql;
	int rc = 0;

	*ret_n = 0;
	*ret = calloc(CHANGE_MAX + 1, sizeof(**ret));
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for a change");
	sql_init(&sql, sel->db->ops->engine, sel->a);
	sql_add(&sql, "SELECT f.n");
	rc = select_from(sel, &sql, e);
	sql_add(&sql, " LIMIT ");
	sql_int(&sql, CHANGE_MAX + 1);
	if (rc == 0)
		rc = sql_prepare(&sql, sel->db, &st, e);
	while (rc >= 0 && st && *ret_n <= CHANGE_MAX && (rc = stmt_step(st, e)) > 0)
		(*ret)[(*ret_n)++] = stmt_get_int(st, 0);
	stmt_done(st);
	sql_done(&sql);
	if (rc >= 0 && *ret_n > CHANGE_MAX)
		return err_set(e, EINVAL,
			"more than %d findings at once; narrow the selection, for example by time",
			CHANGE_MAX);
	return rc < 0 ? rc : 0;
}

int change_selected(
	struct change *c, const struct store_query *q, struct store_place *place, struct err *e)
{
	struct select sel = {0};
	int64_t *n = NULL;
	size_t count = 0;
	int rc = select_init(&sel, c->s, c->db, &c->arena, q, place, e);

	if (rc == 0) {
		c->db->ops->set_timeout(c->db, c->s->options.query_timeout_ms);
		rc = collect(&sel, &n, &count, e);
		c->db->ops->set_timeout(c->db, 0);
	}
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = change_one(c, n[i], e);
	select_done(&sel);
	free(n);
	return rc;
}

static int change_listed(struct change *c, const struct store_triage *t, struct err *e)
{
	for (size_t i = 0; i < t->nids; i++) {
		int64_t n = 0;
		int rc = finding_key(c->db, t->ids[i], &n, e);

		if (rc == 0)
			rc = change_one(c, n, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_triage(const struct store_triage *t, struct err *e)
{
	if (t->nids > STORE_BATCH_MAX || (t->nids == 0) == (t->query == NULL))
		return err_set(e, EINVAL, "name up to %d findings, or a filter that selects them",
			STORE_BATCH_MAX);
	if ((unsigned)t->action >= STORE_DID_MUTE)
		return err_set(e, EINVAL,
			"no such action; there are acknowledge, resolve, reopen, "
			"assign, comment");
	if (t->action == STORE_DID_COMMENT && !str_trim(t->text).len)
		return err_set(e, EINVAL, "a comment needs a text");
	if (t->text.len > STORE_TEXT_MAX || t->assignee.len > STORE_NAME_MAX ||
		t->who.len > STORE_NAME_MAX)
		return err_set(e, EINVAL, "the text is longer than %d bytes, or a name than %d",
			STORE_TEXT_MAX, STORE_NAME_MAX);
	if (!utf8_is_good(t->text) || !utf8_is_good(t->assignee) || !utf8_is_good(t->who))
		return err_set(e, EINVAL, "the text is no UTF-8");
	return 0;
}

int store_triage(struct store *s, const struct store_triage *t, uint64_t *ret_changed,
	struct store_place *place, struct err *e)
{
	struct change c;
	int rc = check_triage(t, e);

	if (place)
		*place = (struct store_place){0};
	if (rc == 0)
		rc = store_change_begin(s, e);
	if (rc < 0)
		return rc;
	change_init(&c, s);
	c.action = t->action;
	c.assignee = t->assignee;
	c.text = t->text;
	c.who = t->who;
	rc = t->query ? change_selected(&c, t->query, place, e) : change_listed(&c, t, e);
	if (rc == 0)
		rc = change_finish(&c, e);
	rc = store_write_end(s, rc, e);
	if (rc == 0)
		*ret_changed = c.changed;
	change_done(&c);
	return rc;
}
