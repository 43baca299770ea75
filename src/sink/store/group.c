/* SPDX-License-Identifier: Apache-2.0 */
/* Findings counted: in groups, over time, by technique, by state. Nothing here lists single ones.
 */
#include <errno.h>
#include <inttypes.h>

#include "sink/store/read.h"

/* Tags that are ATT&CK techniques: T and a digit. https://attack.mitre.org/techniques/ */
#define IS_TECHNIQUE                                                                               \
	"substr(t.tag, 1, 1) = 'T' AND substr(t.tag, 2, 1) >= '0' AND substr(t.tag, 2, 1) <= '9'"

static const struct {
	const char *key, *label, *join;
} group_rows[STORE_BY_COUNT] = {
	[STORE_BY_RULE] = {"u.name", "u.name", NULL},
	[STORE_BY_FINGERPRINT] = {"{fingerprint}", "u.name", NULL},
	[STORE_BY_CONTAINER] = {"f.container", "f.container_name", NULL},
	[STORE_BY_IMAGE] = {"f.image", "f.image", NULL},
	[STORE_BY_HOST] = {"f.hostname", "f.hostname", NULL},
	[STORE_BY_USER] = {"f.username", "f.username", NULL},
	[STORE_BY_TECHNIQUE] = {"t.tag", "t.tag",
		" JOIN rule_tag t ON t.rule = f.rule AND " IS_TECHNIQUE},
	[STORE_BY_PRIORITY] = {"f.priority", "f.priority", NULL},
	[STORE_BY_STATE] = {"f.state", "f.state", NULL},
	[STORE_BY_PROCESS] = {"f.exe", "f.process", NULL},
};

#define GROUP_NUMBERS                                                                              \
	"count(*), sum(f.count), sum(CASE WHEN f.state = 0 THEN 1 ELSE 0 END), min(f.time_ns), "   \
	"max(f.last_ns), min(f.priority)"

static void group_take(
	struct stmt *st, enum store_group_by by, struct arena *a, struct store_group *ret)
{
	ret->key = stmt_take_text(st, 0, a);
	ret->label = stmt_take_text(st, 1, a);
	if (by == STORE_BY_PRIORITY)
		ret->key = str_of(priority_name((enum priority)stmt_get_int(st, 0)));
	if (by == STORE_BY_STATE)
		ret->key = str_of(store_state_name((enum store_state)stmt_get_int(st, 0)));
	if (by == STORE_BY_PRIORITY || by == STORE_BY_STATE || !ret->label.len)
		ret->label = ret->key;
	ret->findings = stmt_get_u64(st, 2);
	ret->count = stmt_get_u64(st, 3);
	ret->open = stmt_get_u64(st, 4);
	ret->first_ns = stmt_get_u64(st, 5);
	ret->last_ns = stmt_get_u64(st, 6);
	ret->worst = (enum priority)stmt_get_int(st, 7);
}

static int take_groups(struct stmt *st, enum store_group_by by, unsigned limit, struct arena *a,
	struct store_group **ret, size_t *ret_n, struct err *e)
{
	int rc = 0;

	*ret_n = 0;
	*ret = arena_array(a, struct store_group, limit + 1);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for groups");
	while (*ret_n < limit && (rc = stmt_step(st, e)) > 0)
		group_take(st, by, a, &(*ret)[(*ret_n)++]);
	return rc < 0 ? rc : 0;
}

static int read_groups(struct select *sel, enum store_group_by by, struct store_group **ret,
	size_t *ret_n, struct err *e)
{
	unsigned limit = page_limit(sel->q->limit);
	struct stmt *st = NULL;
	struct sql sql;
	int rc = 0;

	sel->join = group_rows[by].join;
	sql_init(&sql, sel->db->ops->engine, sel->a);
	buf_printf(&sql.text, "SELECT %s, max(%s), " GROUP_NUMBERS, group_rows[by].key,
		group_rows[by].label);
	rc = select_from(sel, &sql, e);
	if (rc == 0) {
		buf_printf(&sql.text, " GROUP BY %s ORDER BY 3 DESC, 1 LIMIT ", group_rows[by].key);
		sql_int(&sql, limit);
		rc = sql_prepare(&sql, sel->db, &st, e);
	}
	if (rc == 0)
		rc = take_groups(st, by, limit, sel->a, ret, ret_n, e);
	stmt_done(st);
	sql_done(&sql);
	return rc;
}

int store_groups(struct store *s, const struct store_query *q, enum store_group_by by,
	struct arena *a, struct store_group **ret, size_t *ret_n, struct store_place *place,
	struct err *e)
{
	struct select sel = {0};
	struct db *db = NULL;
	int rc = 0;

	if ((unsigned)by >= STORE_BY_COUNT)
		return err_set(e, EINVAL, "findings cannot be grouped by that");
	rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = select_init(&sel, s, db, a, q, place, e);
	if (rc == 0)
		rc = read_groups(&sel, by, ret, ret_n, e);
	select_done(&sel);
	store_reader_give(s, db);
	return rc;
}

/* ---- over time ------------------------------------------------------------------------------ */

/* From the keys, which are times in microseconds. */
static int read_buckets(struct select *sel, unsigned buckets, int64_t from_us, int64_t width_us,
	struct store_bucket *out, struct err *e)
{
	struct stmt *st = NULL;
	struct sql sql;
	int rc = 0;

	sql_init(&sql, sel->db->ops->engine, sel->a);
	sql_add(&sql, "SELECT (f.n - CAST(");
	sql_int(&sql, from_us);
	sql_add(&sql, " AS BIGINT)) / CAST(");
	sql_int(&sql, width_us);
	sql_add(&sql, " AS BIGINT), f.priority, count(*)");
	rc = select_from(sel, &sql, e);
	sql_add(&sql, " GROUP BY 1, 2 LIMIT 50000");
	if (rc == 0)
		rc = sql_prepare(&sql, sel->db, &st, e);
	while (rc == 0 && (rc = stmt_step(st, e)) > 0) {
		int64_t b = stmt_get_int(st, 0), p = stmt_get_int(st, 1);

		/* the last one may lie a little behind its time */
		if (b >= (int64_t)buckets)
			b = buckets - 1;
		if (b >= 0 && p >= 0 && p < PRIORITY_COUNT)
			out[b].by_priority[p] += stmt_get_u64(st, 2);
		rc = 0;
	}
	stmt_done(st);
	sql_done(&sql);
	return rc;
}

int store_timeline(struct store *s, const struct store_query *q, unsigned buckets, struct arena *a,
	struct store_bucket **ret, struct store_place *place, struct err *e)
{
	struct select sel = {0};
	struct db *db = NULL;
	int64_t from_us = (int64_t)(q->from_ns / 1000), to_us = (int64_t)(q->to_ns / 1000);
	int64_t width = 0;
	int rc = 0;

	if (!buckets || buckets > STORE_POINTS_MAX || from_us >= to_us)
		return err_set(e, EINVAL,
			"a time line has 1 to %d parts and a range that is not empty",
			STORE_POINTS_MAX);
	width = (to_us - from_us + buckets - 1) / buckets;
	*ret = arena_array(a, struct store_bucket, buckets);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for a time line");
	for (unsigned i = 0; i < buckets; i++)
		(*ret)[i].start_ns = (uint64_t)(from_us + width * i) * 1000;
	rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = select_init(&sel, s, db, a, q, place, e);
	if (rc == 0)
		rc = read_buckets(&sel, buckets, from_us, width, *ret, e);
	select_done(&sel);
	store_reader_give(s, db);
	return rc;
}

/* ---- by state ------------------------------------------------------------------------------- */

static int read_counts(struct db *db, struct store_counts *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, "SELECT state, priority, findings FROM tally", &st, e);

	*ret = (struct store_counts){0};
	if (rc < 0)
		return rc;
	while ((rc = stmt_step(st, e)) > 0) {
		int64_t state = stmt_get_int(st, 0), priority = stmt_get_int(st, 1);
		uint64_t n = stmt_get_u64(st, 2);

		if (state < 0 || state >= STORE_STATE_COUNT || priority < 0 ||
			priority >= PRIORITY_COUNT)
			continue;
		ret->findings += n;
		ret->by_state[state] += n;
		if (state == STORE_OPEN)
			ret->open_by_priority[priority] += n;
	}
	stmt_done(st);
	return rc;
}

int store_counts(struct store *s, struct store_counts *ret, struct err *e)
{
	struct db *db = NULL;
	int rc = store_reader_take(s, &db, e);

	if (rc < 0)
		return rc;
	rc = read_counts(db, ret, e);
	store_reader_give(s, db);
	return rc;
}

/* ---- by technique and by rule --------------------------------------------------------------- */

enum { TECHNIQUES_MAX = 20000 };

/* Counted by rule first: an index has the rules in order, and tags are the rules'. */
#define BY_RULE                                                                                    \
	"(SELECT f.rule AS rule, count(*) AS findings, sum(f.count) AS total, "                    \
	"sum(CASE WHEN f.state = 0 THEN 1 ELSE 0 END) AS open, min(f.time_ns) AS first_ns, "       \
	"max(f.last_ns) AS last_ns, min(f.priority) AS worst FROM finding f "                      \
	"WHERE f.n >= ?1 AND f.n < ?2 GROUP BY f.rule) x JOIN rule u ON u.id = x.rule "

static void bind_range(struct stmt *st, uint64_t from_ns, uint64_t to_ns)
{
	stmt_int(st, 1, (int64_t)(from_ns / 1000));
	stmt_int(st, 2, to_ns ? (int64_t)(to_ns / 1000) : INT64_MAX);
}

static int read_techniques(struct db *db, uint64_t from_ns, uint64_t to_ns, struct arena *a,
	struct store_technique *out, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT t.tag, u.name, sum(x.findings), sum(x.open), max(x.last_ns) FROM " BY_RULE
		"JOIN rule_tag t ON t.rule = x.rule WHERE " IS_TECHNIQUE
		" GROUP BY t.tag, u.name ORDER BY t.tag, u.name LIMIT 20000",
		&st, e);

	if (rc < 0)
		return rc;
	bind_range(st, from_ns, to_ns);
	while (*ret_n < TECHNIQUES_MAX && (rc = stmt_step(st, e)) > 0) {
		struct store_technique *t = &out[(*ret_n)++];

		t->id = stmt_take_text(st, 0, a);
		t->rule = stmt_take_text(st, 1, a);
		t->findings = stmt_get_u64(st, 2);
		t->open = stmt_get_u64(st, 3);
		t->last_ns = stmt_get_u64(st, 4);
	}
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int store_techniques(struct store *s, uint64_t from_ns, uint64_t to_ns, struct arena *a,
	struct store_technique **ret, size_t *ret_n, struct err *e)
{
	struct db *db = NULL;
	int rc = store_reader_take(s, &db, e);

	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret = arena_array(a, struct store_technique, TECHNIQUES_MAX);
	rc = *ret ? read_techniques(db, from_ns, to_ns, a, *ret, ret_n, e)
		  : err_set(e, ENOMEM, "no memory for techniques");
	store_reader_give(s, db);
	return rc;
}

int store_rule_counts(struct store *s, uint64_t from_ns, uint64_t to_ns, struct arena *a,
	struct store_group **ret, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	struct db *db = NULL;
	int rc = store_reader_take(s, &db, e);

	if (rc < 0)
		return rc;
	rc = db_statement(db,
		"SELECT u.name, u.name, sum(x.findings), sum(x.total), sum(x.open), "
		"min(x.first_ns), max(x.last_ns), min(x.worst) FROM " BY_RULE
		"GROUP BY u.name ORDER BY 3 DESC, 1 LIMIT 20000",
		&st, e);
	if (rc == 0) {
		bind_range(st, from_ns, to_ns);
		rc = take_groups(st, STORE_BY_RULE, TECHNIQUES_MAX, a, ret, ret_n, e);
	}
	stmt_done(st);
	store_reader_give(s, db);
	return rc;
}
