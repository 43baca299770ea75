/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: what is past its time goes, and the oldest when the database is too large. A slice at
 * a time, each a short transaction of its own, so that puts wait for milliseconds only.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sink/store/read.h"

enum { SLICE = 500, VACUUM_PAGES = 2000 };

struct doomed {
	int64_t n;
	enum store_state state;
	enum priority priority;
	struct str id, entities;
};

void store_retention_set(struct store *s, const struct store_retention *r)
{
	s->retention_age_ns = r->age_ns;
	s->retention_size = r->size_bytes;
}

/* ---- findings ------------------------------------------------------------------------------- */

static int find_doomed(
	struct change *c, int64_t before_n, struct doomed *out, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(c->db,
		"SELECT f.n, f.id, f.state, f.priority, m.entities FROM finding f "
		"LEFT JOIN mention m ON m.n = f.n WHERE f.n < ?1 ORDER BY f.n LIMIT 500",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, before_n);
	while (*ret_n < SLICE && (rc = stmt_step(st, e)) > 0) {
		struct doomed *d = &out[(*ret_n)++];

		d->n = stmt_get_int(st, 0);
		d->id = stmt_take_text(st, 1, &c->arena);
		d->state = (enum store_state)stmt_get_int(st, 2);
		d->priority = (enum priority)stmt_get_int(st, 3);
		d->entities = stmt_take_text(st, 4, &c->arena);
	}
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

static int run_with_n(struct db *db, const char *literal, int64_t n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, literal, &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, n);
	return stmt_run(st, NULL, e);
}

static int delete_links(struct db *db, const struct doomed *d, struct err *e)
{
	struct str list = d->entities;

	while (list.len) {
		struct str one = str_cut(&list, ' '), id = str_cut(&one, ':');
		struct stmt *st = NULL;
		int64_t entity = 0;
		int rc = 0;

		if (!str_to_s64(id, 10, &entity))
			continue; /* most have none: an empty look-up costs little */
		rc = db_statement(
			db, "DELETE FROM finding_entity WHERE entity = ?1 AND n = ?2", &st, e);
		if (rc < 0)
			return rc;
		stmt_int(st, 1, entity);
		stmt_int(st, 2, d->n);
		rc = stmt_run(st, NULL, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int delete_around(struct db *db, struct str id, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, "DELETE FROM around WHERE finding = ?1", &st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, id);
	return stmt_run(st, NULL, e);
}

static int delete_finding(struct change *c, const struct doomed *d, struct err *e)
{
	int rc = delete_links(c->db, d, e);

	/* the index is told the words before they go */
	if (rc == 0 && c->db->ops->engine == DB_SQLITE)
		rc = run_with_n(c->db, "{drop_words}", d->n, e);
	if (rc == 0)
		rc = run_with_n(c->db, "DELETE FROM evidence WHERE n = ?1", d->n, e);
	if (rc == 0)
		rc = run_with_n(c->db, "DELETE FROM mention WHERE n = ?1", d->n, e);
	if (rc == 0)
		rc = run_with_n(c->db, "DELETE FROM finding WHERE n = ?1", d->n, e);
	if (rc == 0)
		rc = run_with_n(c->db, "DELETE FROM history WHERE n = ?1", d->n, e);
	if (rc == 0)
		rc = delete_around(c->db, d->id, e);
	if (rc == 0)
		rc = change_entities(c, d->entities, -1, -(d->state == STORE_OPEN), e);
	if ((unsigned)d->state < STORE_STATE_COUNT && (unsigned)d->priority < PRIORITY_COUNT)
		c->tally.n[d->state][d->priority]--;
	return rc;
}

static int delete_findings(struct store *s, int64_t before_n, bool *ret_more, struct err *e)
{
	struct doomed *doomed = NULL;
	struct change c;
	size_t n = 0;
	int rc = store_change_begin(s, e);

	if (rc < 0)
		return rc;
	change_init(&c, s);
	doomed = arena_array(&c.arena, struct doomed, SLICE);
	rc = doomed ? find_doomed(&c, before_n, doomed, &n, e)
		    : err_set(e, ENOMEM, "no memory to delete old findings");
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = delete_finding(&c, &doomed[i], e);
	if (rc == 0)
		rc = change_finish(&c, e);
	rc = store_write_end(s, rc, e);
	change_done(&c);
	*ret_more |= n == SLICE;
	return rc;
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* Each deletes a bounded number of rows; ?1 is the time before which they are too old. */
static const char *const old_rows[] = {
	"DELETE FROM relation WHERE source IN (SELECT id FROM entity WHERE findings = 0 AND "
	"last_ns < ?1 ORDER BY last_ns LIMIT 500)",
	"DELETE FROM relation WHERE target IN (SELECT id FROM entity WHERE findings = 0 AND "
	"last_ns < ?1 ORDER BY last_ns LIMIT 500)",
	"DELETE FROM entity WHERE id IN (SELECT id FROM entity WHERE findings = 0 AND "
	"last_ns < ?1 ORDER BY last_ns LIMIT 500)",
	"DELETE FROM container WHERE full_id IN (SELECT full_id FROM container c WHERE "
	"is_running = 0 AND last_ns < ?1 AND NOT EXISTS (SELECT 1 FROM entity x WHERE x.kind = 1 "
	"AND x.key = c.full_id) LIMIT 500)",
	"DELETE FROM around WHERE (finding, hash) IN (SELECT finding, hash FROM around WHERE "
	"time_ns < ?1 ORDER BY time_ns LIMIT 500)",
	"DELETE FROM run WHERE (type, id) IN (SELECT type, id FROM run WHERE start_ns < ?1 "
	"ORDER BY start_ns LIMIT 500)",
};

static int delete_old_rows(struct store *s, int64_t before_ns, bool *ret_more, struct err *e)
{
	uint64_t changes = 0;
	int rc = store_change_begin(s, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < sizeof(old_rows) / sizeof(*old_rows); i++) {
		struct stmt *st = NULL;

		rc = db_statement(s->writer, old_rows[i], &st, e);
		if (rc < 0)
			break;
		stmt_int(st, 1, before_ns);
		rc = stmt_run(st, &changes, e);
		*ret_more |= changes >= 500;
	}
	derived_forget(s); /* some ids are no more */
	return store_write_end(s, rc, e);
}

/* Seconds for six hours, minutes for 30 days, hours for two years. */
static int delete_samples(struct store *s, bool *ret_more, struct err *e)
{
	static const int64_t rows[][2] = {{1, 6 * 3600}, {60, 30 * 86400}, {3600, 2 * 366 * 86400}};
	int64_t now_s = (int64_t)(store_now(s) / NSEC_PER_SEC);
	int rc = store_write_begin(s, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < 3; i++) {
		struct stmt *st = NULL;
		uint64_t changes = 0;

		rc = db_statement(s->writer,
			"DELETE FROM sample WHERE (step, series, time_s) IN ("
			"SELECT step, series, time_s FROM sample WHERE step = ?1 AND time_s < ?2 "
			"AND series IN (SELECT id FROM series) LIMIT 20000)",
			&st, e);
		if (rc < 0)
			break;
		stmt_int(st, 1, rows[i][0]);
		stmt_int(st, 2, now_s - rows[i][1]);
		rc = stmt_run(st, &changes, e);
		*ret_more |= changes >= 20000;
	}
	return store_write_end(s, rc, e);
}

/* ---- size ----------------------------------------------------------------------------------- */

int read_number(struct db *db, const char *literal, uint64_t *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, literal, &st, e);

	*ret = 0;
	if (rc < 0)
		return rc;
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_u64(st, 0);
	stmt_done(st);
	return rc == -ENOENT ? 0 : rc;
}

static int read_used(struct store *s, uint64_t *ret_used, uint64_t *ret_free, struct err *e)
{
	struct db *db = NULL;
	uint64_t size = 0;
	int rc = store_reader_take(s, &db, e);

	if (rc < 0)
		return rc;
	rc = read_number(db, "{size}", &size, e);
	if (rc == 0)
		rc = read_number(db, "{free}", ret_free, e);
	store_reader_give(s, db);
	*ret_used = size > *ret_free ? size - *ret_free : 0;
	return rc;
}

static int give_back_pages(struct store *s, uint64_t free_bytes, bool *ret_more, struct err *e)
{
	int rc = 0;

	if (s->ops->engine != DB_SQLITE || !free_bytes)
		return 0;
	pthread_mutex_lock(&s->write_lock);
	rc = s->ops->exec(s->writer, "PRAGMA incremental_vacuum(2000)", e);
	pthread_mutex_unlock(&s->write_lock);
	*ret_more |= free_bytes > (uint64_t)VACUUM_PAGES * 4096;
	return rc;
}

/* PostgreSQL gives deleted rows' room back in its own time (autovacuum): its size is a bound on
 * what koban adds, so nothing is deleted for size there. */
static int keep_size(struct store *s, bool *ret_more, struct err *e)
{
	uint64_t used = 0, free_bytes = 0, most = s->retention_size;
	int rc = read_used(s, &used, &free_bytes, e);

	if (rc == 0 && most && used > most && s->ops->engine == DB_SQLITE)
		rc = delete_findings(s, INT64_MAX, ret_more, e);
	return rc < 0 ? rc : give_back_pages(s, free_bytes, ret_more, e);
}

int store_maintain(struct store *s, bool *ret_more, struct err *e)
{
	uint64_t now_ns = store_now(s), age_ns = s->retention_age_ns;
	bool more = false;
	int rc = delete_samples(s, &more, e);

	if (rc == 0 && age_ns && now_ns > age_ns) {
		int64_t before_ns = (int64_t)(now_ns - age_ns);

		rc = delete_findings(s, before_ns / 1000, &more, e);
		if (rc == 0)
			rc = delete_old_rows(s, before_ns, &more, e);
	}
	if (rc == 0)
		rc = keep_size(s, &more, e);
	if (ret_more)
		*ret_more = more;
	return rc;
}
