/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both engines share of a connection: the table of prepared statements, transactions, small
 * helpers. Knows no table of the schema.
 */
#include "sink/store/db.h"

#include <errno.h>

static unsigned slot_of(const struct db *db, const char *literal)
{
	unsigned i = (unsigned)hash_u64((uint64_t)(uintptr_t)literal) & (DB_STATEMENTS - 1);

	while (db->cache[i].sql && db->cache[i].sql != literal)
		i = (i + 1) & (DB_STATEMENTS - 1);
	return i;
}

static int prepare(struct db *db, struct str sql, struct stmt **ret, struct err *e)
{
	struct buf own = BUF_INIT(1 << 20);
	int rc = 0;

	dialect_translate(db->ops->engine, sql, &own);
	rc = own.cut ? err_set(e, ENOMEM, "no memory for a statement")
		     : db->ops->prepare(db, own.s, ret, e);
	buf_done(&own);
	return rc;
}

int db_statement(struct db *db, const char *literal, struct stmt **ret, struct err *e)
{
	unsigned i = slot_of(db, literal);
	int rc = 0;

	if (db->cache[i].sql) {
		*ret = db->cache[i].st;
		return 0;
	}
	if (db->ncached >= DB_STATEMENTS * 3 / 4) { /* literals are few: cannot be, but bounded */
		db_forget(db);
		i = slot_of(db, literal);
	}
	rc = prepare(db, str_of(literal), ret, e);
	if (rc < 0)
		return rc;
	(*ret)->is_cached = true;
	db->cache[i].sql = literal;
	db->cache[i].st = *ret;
	db->ncached++;
	return 0;
}

int db_prepare(struct db *db, struct str sql, struct stmt **ret, struct err *e)
{
	return prepare(db, sql, ret, e);
}

void db_forget(struct db *db)
{
	for (unsigned i = 0; i < DB_STATEMENTS; i++) {
		if (db->cache[i].sql)
			db->ops->finish(db->cache[i].st);
		db->cache[i].sql = NULL;
		db->cache[i].st = NULL;
	}
	db->ncached = 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	db_forget(db);
	db->ops->close(db);
}

int db_run(struct db *db, const char *literal, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, literal, &st, e);

	return rc < 0 ? rc : stmt_run(st, NULL, e);
}

int db_script(struct db *db, const char *sql, struct err *e)
{
	struct buf own = BUF_INIT(1 << 20);
	int rc = 0;

	dialect_translate(db->ops->engine, str_of(sql), &own);
	rc = own.cut ? err_set(e, ENOMEM, "no memory for a statement")
		     : db->ops->exec(db, own.s, e);
	buf_done(&own);
	return rc;
}

int db_begin(struct db *db, struct err *e)
{
	int rc = db->ops->revive(db, e);

	if (rc == 0)
		rc = db_run(db, "{begin}", e);
	db->in_transaction = rc == 0;
	return rc;
}

int db_commit(struct db *db, struct err *e)
{
	int rc = db_run(db, "COMMIT", e);

	if (rc < 0)
		db_rollback(db);
	db->in_transaction = false;
	return rc;
}

void db_rollback(struct db *db)
{
	struct err ignored;

	/* What made it fail may have rolled it back already. */
	(void)!db->ops->exec(db, "ROLLBACK", &ignored);
	db->in_transaction = false;
}

void stmt_done(struct stmt *st)
{
	if (!st)
		return;
	if (st->is_cached)
		st->db->ops->reset(st);
	else
		st->db->ops->finish(st);
}

struct str stmt_take_text(struct stmt *st, int col, struct arena *a)
{
	struct str s = arena_str(a, stmt_get_text(st, col));

	return s.s ? s : STR("");
}

int stmt_run(struct stmt *st, uint64_t *ret_changes, struct err *e)
{
	int rc = 0;

	do
		rc = stmt_step(st, e);
	while (rc > 0);
	if (rc == 0 && ret_changes)
		*ret_changes = st->db->ops->changes(st);
	stmt_done(st);
	return rc;
}

int stmt_insert(struct stmt *st, int64_t *ret_id, struct err *e)
{
	int rc = st->db->ops->insert(st, ret_id, e);

	stmt_done(st);
	return rc;
}

int stmt_row(struct stmt *st, struct err *e)
{
	int rc = stmt_step(st, e);

	return rc == 0 ? -ENOENT : rc < 0 ? rc : 0;
}
