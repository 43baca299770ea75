/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When is written what follows from findings: entities, relations, which entities a finding names.
 * It is a projection, it can be made again from the records, and its places in the database are as
 * good as random. So a large transaction, which says that senders are waiting, only writes the
 * findings and notes their keys in `underived`; what follows from them gathers in memory and is
 * written by a later transaction, which empties `underived`, once for many findings. A small
 * transaction writes all that waits, its own too.
 *
 * Nobody sees the difference: whoever reads entities, and whoever changes what is counted, calls
 * for it first (store_settle(), store_change_begin()). After a kill or a rollback memory holds
 * nothing, and what is in `underived` is derived again from the records.
 *
 * Under write_lock, but for store_settle().
 */
#include <errno.h>

#include "sink/store/read.h"

enum {
	LATER_MIN = 200,     /* findings of a transaction that leaves them for later */
	WAITING_MAX = 50000, /* findings that wait */
	HELD_MAX = 48 << 20, /* bytes of what waits */
	SLICE = 200,         /* findings that are derived again at a time */
};

void derived_forget(struct store *s)
{
	entities_forget(s->entities);
	s->is_derived_known = false;
}

/* ---- again from the records ----------------------------------------------------------------- */

static int add_again(struct store *s, struct stmt *st, struct arena *a, struct err *e)
{
	struct store_put_result result;
	struct record r = {.result = &result};
	struct str text = stmt_take_text(st, 2, a);

	if (!text.s)
		return err_set(e, ENOMEM, "no memory to derive findings again");
	if (!record_parse(a, text, s->ops->engine, &r))
		r.facts = (struct facts){0}; /* an older koban took it */
	r.row.n = stmt_get_int(st, 0);
	r.row.state = (enum store_state)stmt_get_int(st, 1);
	if (!entities_add(s->entities, &r, true))
		return err_set(e, ENOMEM, "no memory for a record's entities");
	return 0;
}

/* At most `max` findings behind *after, which is moved; -ENOENT: there is none. */
static int load_slice(struct store *s, int64_t *after, unsigned max, struct err *e)
{
	struct stmt *st = NULL;
	unsigned n = 0;
	struct arena a;
	int rc = db_statement(s->writer,
		"SELECT w.n, f.state, r.record FROM underived w JOIN finding f ON f.n = w.n "
		"JOIN evidence r ON r.n = w.n WHERE w.n > ?1 ORDER BY w.n LIMIT ?2",
		&st, e);

	if (rc < 0)
		return rc;
	arena_init(&a, 0);
	stmt_int(st, 1, *after);
	stmt_int(st, 2, max);
	while ((rc = stmt_step(st, e)) > 0) {
		*after = stmt_get_int(st, 0);
		rc = add_again(s, st, &a, e);
		if (rc < 0)
			break;
		n++;
	}
	stmt_done(st);
	if (rc == 0 && !entities_keep(s->entities))
		rc = err_set(e, ENOMEM, "no memory for a record's entities");
	arena_done(&a);
	return rc < 0 ? rc : n ? 0 : -ENOENT;
}

int derived_load(struct store *s, struct err *e)
{
	int64_t after = INT64_MIN;
	int rc = 0;

	if (s->is_derived_known)
		return 0;
	while ((rc = load_slice(s, &after, SLICE, e)) == 0)
		;
	s->is_derived_known = rc == -ENOENT;
	s->has_underived = after != INT64_MIN;
	return rc == -ENOENT ? 0 : rc;
}

/* ---- now or later --------------------------------------------------------------------------- */

bool derived_can_wait(const struct store *s, size_t nfindings)
{
	return nfindings >= LATER_MIN && entities_pending(s->entities) < WAITING_MAX &&
	       entities_held(s->entities) < HELD_MAX;
}

int derived_wait(struct store *s, int64_t n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(s->writer, "INSERT INTO underived (n) VALUES (?1)", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, n);
	s->has_underived = true;
	return stmt_run(st, NULL, e);
}

int derived_write(struct store *s, struct err *e)
{
	int rc = entities_flush(s->entities, s->writer, e);

	if (rc == 0 && s->has_underived)
		rc = db_run(s->writer, "DELETE FROM underived", e);
	if (rc == 0)
		s->has_underived = false;
	return rc;
}

void derived_committed(struct store *s)
{
	s->nwaiting = entities_pending(s->entities);
}

/* ---- all of it, now ------------------------------------------------------------------------- */

/* Ends a transaction that wrote what waited. */
static int finish(struct store *s, int rc, struct err *e)
{
	if (rc == 0)
		rc = db_commit(s->writer, e);
	else
		db_rollback(s->writer);
	if (rc < 0)
		derived_forget(s);
	else
		derived_committed(s);
	return rc;
}

static int write_all(struct store *s, struct err *e)
{
	int rc = db_begin(s->writer, e);

	if (rc < 0)
		return rc;
	rc = derived_load(s, e);
	if (rc == 0)
		rc = derived_write(s, e);
	return finish(s, rc, e);
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

/* One finding's, or without them that it names nothing. */
static int write_one(struct store *s, int64_t n, bool with_entities, struct err *e)
{
	int64_t after = n - 1;
	int rc = db_begin(s->writer, e);

	if (rc < 0)
		return rc;
	if (with_entities)
		rc = load_slice(s, &after, 1, e);
	else
		rc = run_with_n(
			s->writer, "INSERT INTO mention (n, entities) VALUES (?1, '')", n, e);
	if (rc == 0)
		rc = entities_flush(s->entities, s->writer, e);
	if (rc == 0)
		rc = run_with_n(s->writer, "DELETE FROM underived WHERE n = ?1", n, e);
	return finish(s, rc, e);
}

/* The database refuses something of it: that alone is left out, not what others say. */
static int write_each(struct store *s, struct err *e)
{
	for (;;) {
		uint64_t n = 0;
		int rc = read_number(s->writer, "SELECT coalesce(min(n), 0) FROM underived", &n, e);

		if (rc < 0 || !n)
			return rc;
		derived_forget(s);
		rc = write_one(s, (int64_t)n, true, e);
		if (put_is_data_fault(rc))
			rc = write_one(s, (int64_t)n, false, e);
		if (rc < 0)
			return rc;
	}
}

int derived_settle(struct store *s, struct err *e)
{
	int rc = write_all(s, e);

	return put_is_data_fault(rc) ? write_each(s, e) : rc;
}

int store_settle(struct store *s, struct err *e)
{
	int rc = 0;

	if (s->options.read_only || !s->nwaiting)
		return 0;
	pthread_mutex_lock(&s->write_lock);
	rc = derived_settle(s, e);
	pthread_mutex_unlock(&s->write_lock);
	return rc;
}
