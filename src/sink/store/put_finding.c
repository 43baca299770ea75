/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One finding on its way into the tables: its row under the next free number from its time on, then
 * its evidence and its words. Knows nothing of transactions.
 */
#include <errno.h>

#include "sink/store/put.h"

#define X_NAME(name, ...)              #name ", "
#define X_TEXT(name, max, is_searched) X_NAME(name)
static const char insert_finding[] = "INSERT INTO finding (" ROW_TEXTS(X_TEXT) ROW_NUMBERS(
	X_NAME) "n, id, time_ns, last_ns, count, rule, priority, state, mute, fingerprint, output) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
		"?17, ?18, "
		"?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, "
		"?35) "
		"ON CONFLICT DO NOTHING";
#undef X_TEXT
#undef X_NAME

static void bind_finding(struct stmt *st, const struct row *r)
{
	int i = 0;

#define X(name, max, is_searched) stmt_opt(st, ++i, r->name);
	ROW_TEXTS(X)
#undef X
#define X(name)                                                                                    \
	++i;                                                                                       \
	if (r->name.there)                                                                         \
		stmt_int(st, i, r->name.v);                                                        \
	else                                                                                       \
		stmt_null(st, i);
	ROW_NUMBERS(X)
#undef X
	stmt_int(st, ++i, r->n);
	stmt_text(st, ++i, r->id);
	stmt_int(st, ++i, r->time_ns);
	stmt_int(st, ++i, r->last_ns);
	stmt_int(st, ++i, r->count);
	stmt_int(st, ++i, r->rule_id);
	stmt_int(st, ++i, r->priority);
	stmt_int(st, ++i, r->state);
	if (r->mute)
		stmt_int(st, ++i, r->mute);
	else
		stmt_null(st, ++i);
	stmt_int(st, ++i, r->fingerprint);
	stmt_text(st, ++i, r->output);
}

/* The row of a finding's id: its key into *ret, -ENOENT when there is none. */
static int find_id(struct db *db, struct str id, int64_t *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, "SELECT n FROM finding WHERE id = ?1", &st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, id);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_int(st, 0);
	stmt_done(st);
	return rc;
}

/* A summary of repeats may come under the id of the first: then it counts more. */
static int update_count(struct db *db, const struct row *r, int64_t n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"UPDATE finding SET count = ?2, last_ns = {greatest}(last_ns, CAST(?3 AS BIGINT)) "
		"WHERE n = ?1 AND count < ?2",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, n);
	stmt_int(st, 2, r->count);
	stmt_int(st, 3, r->last_ns);
	return stmt_run(st, NULL, e);
}

/* One behind the last that is used of the `width` numbers from the row's time on. */
static int next_free(struct db *db, const struct row *r, int64_t width, int64_t *ret, struct err *e)
{
	int64_t first = r->time_ns / 1000;
	struct stmt *st = NULL;
	int rc = db_statement(
		db, "SELECT coalesce(max(n), 0) FROM finding WHERE n >= ?1 AND n < ?2", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, first);
	stmt_int(st, 2, first + width);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_int(st, 0) + 1;
	stmt_done(st);
	return rc;
}

/* Inserts the row under r->n; *ret_changes: 0 when the id or the number is there already. */
static int try_insert(struct db *db, const struct row *r, uint64_t *ret_changes, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, insert_finding, &st, e);

	if (rc < 0)
		return rc;
	bind_finding(st, r);
	return stmt_run(st, ret_changes, e);
}

/*
 * Inserts the row under its time or, when others have that number, under one close behind;
 * *ret_is_new: its id was not there.
 */
static int insert_row(struct db *db, struct row *r, bool *ret_is_new, struct err *e)
{
	static const int64_t widths[] = {64, 4096, N_SLACK / 2};
	uint64_t changes = 0;
	int64_t known = 0;
	int rc = try_insert(db, r, &changes, e);

	*ret_is_new = changes > 0;
	if (rc < 0 || changes)
		return rc;
	rc = find_id(db, r->id, &known, e);
	if (rc == 0)
		return update_count(db, r, known, e);
	for (size_t i = 0; rc == -ENOENT && i < sizeof(widths) / sizeof(*widths); i++) {
		rc = next_free(db, r, widths[i], &r->n, e);
		if (rc < 0)
			return rc;
		rc = try_insert(db, r, &changes, e);
		*ret_is_new = changes > 0;
		if (rc < 0 || changes)
			return rc;
		rc = -ENOENT;
	}
	return rc == -ENOENT ? err_set(e, EINVAL, "too many findings of the same microsecond") : rc;
}

int put_finding(struct put *p, struct record *r, struct err *e)
{
	struct row *row = &r->row;
	int rc = rules_id(p->s->rules, p->db, row, &row->rule_id, e);

	if (rc < 0)
		return rc;
	row->n = row->time_ns / 1000;
	row->mute = mutes_match(p->s->mutes, row, store_now(p->s));
	row->state = row->mute ? STORE_MUTED : STORE_OPEN;
	rc = insert_row(p->db, row, &r->is_new, e);
	if (rc < 0)
		return rc;
	if (!r->is_new) {
		mutes_unmatch(p->s->mutes, row->mute);
		r->result->code = STORE_KNOWN;
		return 0;
	}
	r->result->code = STORE_STORED;
	p->tally.n[row->state][row->priority]++;
	p->nfindings++;
	if (!entities_add(p->s->entities, r, true))
		return err_set(e, ENOMEM, "no memory for a record's entities");
	return container_put_finding(p->db, r, e);
}

int put_evidence(struct db *db, const struct record *r, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, "{put_evidence}", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, r->row.n);
	stmt_text(st, 2, r->text);
	stmt_text(st, 3, r->search);
	if (db->ops->engine == DB_POSTGRES)
		stmt_text(st, 4, r->words);
	rc = stmt_run(st, NULL, e);
	if (rc < 0 || db->ops->engine == DB_POSTGRES)
		return rc;
	rc = db_statement(db, "{put_words}", &st, e);
	if (rc < 0)
		return rc;
	stmt_int(st, 1, r->row.n);
	stmt_text(st, 2, r->search);
	return stmt_run(st, NULL, e);
}
