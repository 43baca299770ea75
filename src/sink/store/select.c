/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store_query as FROM and WHERE. The planner is not left to guess: one thing leads (the full-text
 * index, an entity's list, a rule, one priority, one state, or the findings in order
 * of time), and the others are written so that they cannot (a plus in front of the column). All
 * leaders yield rows by key, which is by time, so that a page stops reading when it is full.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/read.h"

enum { RULE_IDS_MAX = 50 };

static int bad_argument(struct store_place *place, struct err *e, const char *msg)
{
	if (place)
		*place = (struct store_place){0};
	return err_set(e, EINVAL, "%s", msg);
}

/* The rows of a rule's name: one for each set of tags it has had. */
static int find_rule(struct select *sel, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(
		sel->db, "SELECT id FROM rule WHERE name = ?1 ORDER BY id DESC LIMIT 50", &st, e);

	if (rc < 0)
		return rc;
	sel->rule_ids = arena_array(sel->a, int64_t, RULE_IDS_MAX);
	if (!sel->rule_ids)
		return err_set(e, ENOMEM, "no memory for a query");
	stmt_text(st, 1, sel->q->rule);
	while ((rc = stmt_step(st, e)) > 0 && sel->nrule_ids < RULE_IDS_MAX)
		sel->rule_ids[sel->nrule_ids++] = stmt_get_int(st, 0);
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

static void narrow_by(struct select *sel, struct str value)
{
	if (value.len && value.len <= NAME_COLUMN_MAX)
		(void)search_add_value(sel->a, &sel->search, value, ++sel->any);
}

static bool has_nul(struct str s)
{
	return s.len && memchr(s.s, '\0', s.len);
}

static int check_texts(const struct store_query *q, struct store_place *place, struct err *e)
{
	const struct str *const texts[] = {&q->rule, &q->container, &q->image, &q->hostname,
		&q->user, &q->technique, &q->fingerprint, &q->assignee, &q->cursor};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (has_nul(*texts[i]) || !utf8_is_good(*texts[i]) || texts[i]->len > 4096)
			return bad_argument(place, e, "a value is too long or no UTF-8 text");
	return 0;
}

int select_init(struct select *sel, struct store *s, struct db *db, struct arena *a,
	const struct store_query *q, struct store_place *place, struct err *e)
{
	uint64_t fp = 0;
	int rc = 0;

	*sel = (struct select){.s = s, .db = db, .a = a, .q = q};
	if (place)
		*place = (struct store_place){0};
	rc = check_texts(q, place, e);
	if (rc < 0)
		return rc;
	if (q->fingerprint.len && (q->fingerprint.len > 16 || !str_to_u64(q->fingerprint, 16, &fp)))
		return bad_argument(place, e, "a fingerprint is up to 16 hexadecimal digits");
	sel->fingerprint = (int64_t)fp;
	if (str_trim(q->filter).len)
		rc = filter_text_parse(a, q->filter, &sel->filter, place, e);
	if (rc == 0 && str_trim(q->search).len)
		rc = search_parse(a, q->search, &sel->search, e);
	if (rc == 0 && q->rule.len)
		rc = find_rule(sel, e);
	if (rc < 0)
		return rc;
	if (sel->nrule_ids > 1)
		narrow_by(sel, q->rule);
	narrow_by(sel, str_head(q->container, q->container.len == 64 ? 12 : q->container.len));
	narrow_by(sel, q->image);
	narrow_by(sel, q->hostname);
	narrow_by(sel, q->user);
	narrow_by(sel, q->technique);
	if (sel->fingerprint)
		narrow_by(sel, fingerprint_text(a, sel->fingerprint));
	if (q->entity)
		rc = entity_select(sel, e);
	sel->nterms_given = sel->search.nterms;
	return rc;
}

void select_done(struct select *sel)
{
	filter_sql_free(sel->leaves);
	sel->leaves = NULL;
}

/* ---- WHERE ---------------------------------------------------------------------------------- */

void select_add_time(struct sql *sql, const struct store_query *q)
{
	if (q->from_ns) {
		sql_add(sql, " AND f.n >= ");
		sql_int(sql, (int64_t)(q->from_ns / 1000));
		sql_add(sql, " AND f.time_ns >= ");
		sql_int(sql, (int64_t)q->from_ns);
	}
	if (q->to_ns) {
		sql_add(sql, " AND f.n <= ");
		sql_int(sql, (int64_t)(q->to_ns / 1000) + N_SLACK);
		sql_add(sql, " AND f.time_ns < ");
		sql_int(sql, (int64_t)q->to_ns);
	}
}

static bool is_one(uint32_t bits)
{
	return bits && !(bits & (bits - 1));
}

static void add_bits(struct sql *sql, const char *column, uint32_t bits, int count, bool leads)
{
	const char *comma = "";

	if (!bits)
		return;
	sql_add(sql, leads ? " AND f." : " AND {no}f.");
	sql_add(sql, column);
	sql_add(sql, " IN (");
	for (int i = 0; i < count; i++) {
		if (!(bits >> i & 1))
			continue;
		buf_printf(&sql->text, "%s%d", comma, i);
		comma = ", ";
	}
	sql_add(sql, *comma ? ")" : "-1)");
}

static void add_equal(struct sql *sql, const char *column, struct str value)
{
	if (!value.len)
		return;
	sql_add(sql, " AND ");
	sql_add(sql, column);
	sql_add(sql, " = ");
	sql_text(sql, value);
}

static void add_rules(struct select *sel, struct sql *sql, bool leads)
{
	if (!sel->q->rule.len)
		return;
	sql_add(sql, leads ? " AND f.rule IN (" : " AND {no}f.rule IN (");
	for (size_t i = 0; i < sel->nrule_ids; i++)
		buf_printf(&sql->text, "%s%lld", i ? ", " : "", (long long)sel->rule_ids[i]);
	sql_add(sql, sel->nrule_ids ? ")" : "-1)");
}

static void add_container(struct sql *sql, struct str id)
{
	if (!id.len)
		return;
	unsigned name = sql_bind_text(sql, id);
	unsigned head = sql_bind_text(sql, str_head(id, id.len == 64 ? 12 : id.len));

	buf_printf(&sql->text, " AND (f.container = ?%u OR f.container_name = ?%u)", head, name);
}

/* T1059 means T1059.004 too. */
static void add_technique(struct sql *sql, struct str tag)
{
	if (!tag.len)
		return;
	sql_add(sql, " AND EXISTS (SELECT 1 FROM rule_tag t WHERE t.rule = f.rule AND (t.tag = ");
	unsigned n = sql_bind_text(sql, tag);
	buf_printf(&sql->text, "?%u OR substr(t.tag, 1, length(?%u) + 1) = ?%u || '.'))", n, n, n);
}

static bool joins_entity(const struct select *sel)
{
	return sel->q->entity && !sel->by_columns;
}

static void add_conditions(struct select *sel, struct sql *sql)
{
	const struct store_query *q = sel->q;
	bool free = !sel->search.nterms && !joins_entity(sel); /* may something else lead? */
	bool rule = free && q->rule.len && sel->nrule_ids <= 1;
	bool priority = free && !rule && is_one(q->priorities);
	bool worst = free && q->order == STORE_WORST;
	bool state = free && !rule && !priority && !worst && is_one(q->states);

	entity_conditions(sel, sql);
	add_rules(sel, sql, rule);
	if (q->fingerprint.len) {
		sql_add(sql, " AND f.fingerprint = ");
		sql_int(sql, sel->fingerprint);
	}
	add_bits(sql, "priority", q->priorities, PRIORITY_COUNT, priority);
	add_bits(sql, "state", q->states, STORE_STATE_COUNT, state);
	add_container(sql, q->container);
	add_equal(sql, "f.image", q->image);
	add_equal(sql, "f.hostname", q->hostname);
	add_equal(sql, "f.username", q->user);
	add_equal(sql, "f.assignee", q->assignee);
	add_technique(sql, q->technique);
	select_add_time(sql, q);
}

static void add_search_range(struct select *sel, struct sql *sql)
{
	if (sel->q->from_ns) {
		sql_add(sql, " AND {search_n} >= ");
		sql_int(sql, (int64_t)(sel->q->from_ns / 1000));
	}
	if (sel->q->to_ns) {
		sql_add(sql, " AND {search_n} <= ");
		sql_int(sql, (int64_t)(sel->q->to_ns / 1000) + N_SLACK);
	}
}

static int add_filter(struct select *sel, struct sql *condition, struct err *e)
{
	if (!sel->filter)
		return 0;
	sql_add(condition, " AND ");
	return filter_to_sql(condition, sel->filter, &sel->search, sel->db, sel->q, &sel->leaves,
		&sel->reads_record, e);
}

/*
 * The filter is written first, because it decides what leads and which tables are joined; then the
 * FROM is put in front of it. Parameters are numbered, so their order does not matter.
 */
int select_from(struct select *sel, struct sql *sql, struct err *e)
{
	struct buf head = sql->text, filter = BUF_INIT(SQL_TEXT_MAX), words = BUF_INIT(64 << 10);
	int rc = 0;

	filter_sql_free(sel->leaves); /* of the SELECT before */
	sel->leaves = NULL;
	sel->search.nterms = sel->nterms_given;
	sql->text = filter;
	rc = add_filter(sel, sql, e);
	filter = sql->text;
	sql->text = head;
	if (rc == 0) {
		sql_add(sql, sel->search.nterms ? " FROM {from_search}"
			     : joins_entity(sel)
				     ? " FROM finding_entity x {then} finding f ON f.n = x.n"
				     : " FROM finding f");
		sql_add(sql, " {then} rule u ON u.id = f.rule");
		if (sel->reads_record)
			sql_add(sql, " {then} evidence r ON r.n = f.n");
		if (sel->search.nterms && joins_entity(sel))
			sql_add(sql, " JOIN finding_entity x ON x.n = f.n");
		if (sel->join)
			sql_add(sql, sel->join);
		sql_add(sql, " WHERE 1 = 1");
		if (sel->search.nterms) {
			dialect_search(sql->engine, &sel->search, &words);
			sql_add(sql, " AND {search_match}");
			sql_text(sql, arena_str(sel->a, buf_str(&words)));
			sql_add(sql, "{search_end}");
			add_search_range(sel, sql);
		}
		if (joins_entity(sel)) {
			sql_add(sql, " AND x.entity = ");
			sql_int(sql, (int64_t)sel->q->entity);
		}
		add_conditions(sel, sql);
		buf_add(&sql->text, buf_str(&filter));
	}
	buf_done(&words);
	buf_done(&filter);
	return rc;
}

const char *select_key(const struct select *sel)
{
	return sel->search.nterms ? "{search_n}" : joins_entity(sel) ? "x.n" : "f.n";
}
