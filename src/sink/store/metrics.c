/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics over time. Every value goes into a second, a minute and an hour at once, each a sum with
 * its least and greatest; upkeep drops what is past its time. So nothing ever has to be summed up
 * later, and a long range is read from few rows.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "sink/store/read.h"

enum { SERIES_MAX = 5000, VALUES_MAX = 200, NAME_MAX_BYTES = 100 };

static const int64_t steps[] = {1, 60, 3600};
enum { NSTEPS = sizeof(steps) / sizeof(*steps) };

/* ---- putting -------------------------------------------------------------------------------- */

static int series_id(
	struct db *db, struct str hostname, struct str name, int64_t *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc =
		db_statement(db, "SELECT id FROM series WHERE name = ?1 AND hostname = ?2", &st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, name);
	stmt_text(st, 2, hostname);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_int(st, 0);
	stmt_done(st);
	if (rc != -ENOENT)
		return rc;
	rc = db_statement(db,
		"INSERT INTO series (hostname, name) SELECT ?1, ?2 "
		"WHERE (SELECT count(*) FROM series) < 5000 RETURNING id",
		&st, e);
	if (rc < 0)
		return rc;
	stmt_text(st, 1, hostname);
	stmt_text(st, 2, name);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_int(st, 0);
	stmt_done(st);
	return rc == -ENOENT ? err_set(e, EINVAL, "more than %d series of metrics", SERIES_MAX)
			     : rc;
}

static int put_sample(
	struct db *db, int64_t series, int64_t step, int64_t time_s, double v, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO sample (series, step, time_s, n, total, low, high) "
		"VALUES (?1, ?2, ?3, 1, ?4, ?4, ?4) "
		"ON CONFLICT (step, series, time_s) DO UPDATE SET n = sample.n + 1, "
		"total = sample.total + excluded.total, low = {least}(sample.low, excluded.low), "
		"high = {greatest}(sample.high, excluded.high)",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, series);
	stmt_int(st, 2, step);
	stmt_int(st, 3, time_s - time_s % step);
	stmt_double(st, 4, v);
	return stmt_run(st, NULL, e);
}

struct value_put {
	struct db *db;
	struct str hostname;
	int64_t time_s;
	unsigned left;
	struct err *e;
};

static int put_value(struct value_put *p, struct str name, const struct node *v)
{
	int64_t series = 0;
	int rc = 0;

	if ((v->type != NODE_INT && v->type != NODE_REAL) || name.len > NAME_MAX_BYTES || !p->left)
		return 0;
	p->left--;
	rc = series_id(p->db, p->hostname, name, &series, p->e);
	for (int i = 0; rc == 0 && i < NSTEPS; i++)
		rc = put_sample(p->db, series, steps[i], p->time_s,
			v->type == NODE_INT ? (double)v->i : v->d, p->e);
	return rc;
}

int metrics_put(struct db *db, const struct record *r, struct err *e)
{
	struct value_put p = {.db = db,
		.hostname = utf8_head(node_str(r->json, "hostname"), NAME_COLUMN_MAX),
		.time_s = r->time_ns / (int64_t)NSEC_PER_SEC,
		.left = VALUES_MAX,
		.e = e};
	const struct node *v = node_first(node_get(r->json, "values")), *inner = NULL;
	char name[2 * NAME_MAX_BYTES];
	int rc = 0;

	for (; v; v = v->next) {
		rc = put_value(&p, v->key, v);
		inner = v->type == NODE_OBJECT ? node_first(v) : NULL;
		for (; rc == 0 && inner; inner = inner->next) {
			int n = snprintf(name, sizeof(name), "%.*s.%.*s", STR_ARG(v->key),
				STR_ARG(inner->key));

			if (n < (int)sizeof(name))
				rc = put_value(&p, str_of(name), inner);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct range {
	int64_t from_s, to_s, step, width; /* width: seconds of a point, a multiple of step */
};

/* The finest step that is kept that long and gives at most `points`. */
static struct range choose_range(int64_t from_s, int64_t to_s, unsigned points, int64_t now_s)
{
	static const int64_t kept_s[] = {6 * 3600, 30 * 86400, 2 * 366 * 86400};
	struct range r = {from_s, to_s, steps[NSTEPS - 1], 0};
	int64_t wanted = (to_s - from_s + points - 1) / points;

	for (int i = 0; i < NSTEPS; i++) {
		bool is_kept = now_s - from_s <= kept_s[i] || i == NSTEPS - 1;
		bool is_coarser = i + 1 < NSTEPS && steps[i + 1] <= wanted;

		if (is_kept && !is_coarser) {
			r.step = steps[i];
			break;
		}
	}
	r.width = (wanted + r.step - 1) / r.step * r.step;
	if (r.width < r.step)
		r.width = r.step;
	return r;
}

static int read_points(struct db *db, int64_t series, const struct range *r, unsigned points,
	struct arena *a, struct store_series *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT time_s / CAST(?4 AS BIGINT) AS bucket, sum(total) / sum(n), min(low), "
		"max(high) FROM sample "
		"WHERE step = ?1 AND series = ?2 AND time_s >= ?3 AND time_s < ?5 "
		"GROUP BY time_s / CAST(?4 AS BIGINT) ORDER BY bucket LIMIT ?6",
		&st, e);

	if (rc < 0)
		return rc;
	ret->points = arena_array(a, struct store_point, points + 2);
	if (!ret->points)
		return err_set(e, ENOMEM, "no memory for a series");
	stmt_int(st, 1, r->step);
	stmt_int(st, 2, series);
	stmt_int(st, 3, r->from_s - r->from_s % r->step);
	stmt_int(st, 4, r->width);
	stmt_int(st, 5, r->to_s);
	stmt_int(st, 6, points + 2);
	while ((rc = stmt_step(st, e)) > 0 && ret->npoints < points + 2) {
		struct store_point *p = &ret->points[ret->npoints++];

		p->time_ns = stmt_get_u64(st, 0) * (uint64_t)r->width * NSEC_PER_SEC;
		p->mean = stmt_get_double(st, 1);
		p->min = stmt_get_double(st, 2);
		p->max = stmt_get_double(st, 3);
	}
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

enum { SERIES_READ_MAX = 200 };

static int find_series(struct db *db, const struct str *names, size_t nnames, struct str hostname,
	struct arena *a, int64_t *ids, struct store_series *out, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	struct sql q;
	int rc = 0;

	sql_init(&q, db->ops->engine, a);
	sql_add(&q, "SELECT id, name, hostname FROM series WHERE 1 = 1");
	if (hostname.len) {
		sql_add(&q, " AND hostname = ");
		sql_text(&q, hostname);
	}
	for (size_t i = 0; i < nnames; i++) {
		sql_add(&q, i ? ", " : " AND name IN (");
		sql_text(&q, names[i]);
	}
	sql_add(&q, nnames ? ") ORDER BY name, hostname LIMIT 200"
			   : " ORDER BY name, hostname LIMIT 200");
	rc = sql_prepare(&q, db, &st, e);
	while (rc >= 0 && *ret_n < SERIES_READ_MAX && (rc = stmt_step(st, e)) > 0) {
		ids[*ret_n] = stmt_get_int(st, 0);
		out[*ret_n].name = stmt_take_text(st, 1, a);
		out[*ret_n].hostname = stmt_take_text(st, 2, a);
		++*ret_n;
	}
	stmt_done(st);
	sql_done(&q);
	return rc < 0 ? rc : 0;
}

int store_metrics(struct store *s, const struct str *names, size_t nnames, struct str hostname,
	uint64_t from_ns, uint64_t to_ns, unsigned points, struct arena *a,
	struct store_series **ret, size_t *ret_n, struct err *e)
{
	int64_t ids[SERIES_READ_MAX], now_s = (int64_t)(store_now(s) / NSEC_PER_SEC);
	struct db *db = NULL;
	int rc = 0;

	if (points == 0 || points > STORE_POINTS_MAX || from_ns >= to_ns)
		return err_set(e, EINVAL, "ask for 1 to %d points of a range that is not empty",
			STORE_POINTS_MAX);
	for (size_t i = 0; i < nnames; i++)
		if (!utf8_is_good(names[i]) || nnames > SERIES_READ_MAX)
			return err_set(e, EINVAL, "no such metric");
	if (!utf8_is_good(hostname))
		return err_set(e, EINVAL, "no such host");
	struct range r = choose_range((int64_t)(from_ns / NSEC_PER_SEC),
		(int64_t)((to_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC), points, now_s);
	*ret_n = 0;
	*ret = arena_array(a, struct store_series, SERIES_READ_MAX);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for metrics");
	rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = find_series(db, names, nnames, hostname, a, ids, *ret, ret_n, e);
	for (size_t i = 0; rc == 0 && i < *ret_n; i++)
		rc = read_points(db, ids[i], &r, points, a, &(*ret)[i], e);
	store_reader_give(s, db);
	return rc;
}
