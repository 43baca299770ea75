/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scans and sessions: things with a beginning, an end and a summary that other wings report. One
 * table for both; what is particular to a kind stays in its record. Also the events around
 * findings, which are kept as they come.
 */
#include <errno.h>

#include "sink/store/read.h"

int around_put(struct db *db, struct record *r, struct err *e)
{
	const struct node *events = node_get(r->json, "events");
	struct number first = node_number(node_at(events, 0), "time_ns");
	struct stmt *st = NULL;
	uint64_t changes = 0;
	int rc = db_statement(db,
		"INSERT INTO around (finding, hash, time_ns, events) "
		"VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
		&st, e);

	if (rc == 0) {
		stmt_text(st, 1, r->id);
		stmt_int(st, 2, (int64_t)str_hash(events->raw));
		stmt_int(st, 3, first.v);
		stmt_text(st, 4, events->raw);
		rc = stmt_run(st, &changes, e);
	}
	if (rc == 0 && !changes) {
		r->result->code = STORE_KNOWN;
		r->is_new = false;
	}
	return rc;
}

int run_put(struct db *db, const struct record *r, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO run (type, id, kind, target, state, start_ns, end_ns, record) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (type, id) DO UPDATE SET "
		"kind = excluded.kind, target = excluded.target, state = excluded.state, "
		"start_ns = excluded.start_ns, end_ns = excluded.end_ns, record = excluded.record",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, r->type);
	stmt_text(st, 2, r->id);
	stmt_text(st, 3, utf8_head(node_str(r->json, "kind"), NAME_COLUMN_MAX));
	stmt_text(st, 4, utf8_head(node_str(r->json, "target"), NAME_COLUMN_MAX));
	stmt_text(st, 5, utf8_head(node_str(r->json, "state"), NAME_COLUMN_MAX));
	stmt_int(st, 6, r->time_ns);
	stmt_int(st, 7, node_number(r->json, "end_ns").v);
	stmt_text(st, 8, r->text);
	return stmt_run(st, NULL, e);
}

/* ---- reading -------------------------------------------------------------------------------- */

#define RUN_COLUMNS "id, kind, target, state, start_ns, end_ns, record"

static void run_take(struct stmt *st, struct arena *a, struct store_run *ret)
{
	ret->id = stmt_take_text(st, 0, a);
	ret->kind = stmt_take_text(st, 1, a);
	ret->target = stmt_take_text(st, 2, a);
	ret->state = stmt_take_text(st, 3, a);
	ret->start_ns = stmt_get_u64(st, 4);
	ret->end_ns = stmt_get_u64(st, 5);
	ret->record = stmt_take_text(st, 6, a);
}

struct run_list {
	enum store_type type;
	struct str kind, cursor_id;
	int64_t cursor_ns;
	unsigned limit;
};

static int read_runs(struct db *db, const struct run_list *l, struct arena *a,
	struct store_run **ret, size_t *ret_n, struct str *ret_next, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT " RUN_COLUMNS " FROM run WHERE type = ?1 AND (?2 = '' OR kind = ?2) "
		"AND (start_ns < ?3 OR (start_ns = ?3 AND id < ?4)) "
		"ORDER BY start_ns DESC, id DESC LIMIT ?5",
		&st, e);

	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret_next = STR("");
	*ret = arena_array(a, struct store_run, l->limit + 1);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for a list");
	stmt_int(st, 1, l->type);
	stmt_text(st, 2, l->kind);
	stmt_int(st, 3, l->cursor_ns);
	stmt_text(st, 4, l->cursor_id);
	stmt_int(st, 5, l->limit + 1);
	while ((rc = stmt_step(st, e)) > 0) {
		if (*ret_n == l->limit) {
			const struct store_run *last = &(*ret)[l->limit - 1];
			struct str next = arena_printf(a, "r%llx.%.*s",
				(unsigned long long)last->start_ns, STR_ARG(last->id));

			*ret_next = next.s ? next : STR("");
			rc = 0;
			break;
		}
		run_take(st, a, &(*ret)[(*ret_n)++]);
	}
	stmt_done(st);
	return rc;
}

static int read_run_cursor(struct str text, struct run_list *l, struct err *e)
{
	struct str rest = str_skip(text, 1), first = str_cut(&rest, '.');
	uint64_t ns = 0;

	l->cursor_ns = INT64_MAX;
	if (!text.len)
		return 0;
	if (text.s[0] != 'r' || !str_to_u64(first, 16, &ns) || !utf8_is_good(rest))
		return err_set(e, EINVAL,
			"the cursor is not one that this list gave out; begin at the first page");
	l->cursor_ns = (int64_t)ns;
	l->cursor_id = rest;
	return 0;
}

int store_runs(struct store *s, enum store_type type, struct str kind, struct str cursor,
	unsigned limit, struct arena *a, struct store_run **ret, size_t *ret_n,
	struct str *ret_next, struct err *e)
{
	struct run_list l = {.type = type, .kind = kind, .limit = page_limit(limit)};
	struct db *db = NULL;
	int rc = read_run_cursor(cursor, &l, e);

	if (rc == 0 && !utf8_is_good(kind))
		rc = err_set(e, EINVAL, "no such kind");
	if (rc == 0)
		rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = read_runs(db, &l, a, ret, ret_n, ret_next, e);
	store_reader_give(s, db);
	return rc;
}

static int read_run(struct db *db, enum store_type type, struct str id, struct arena *a,
	struct store_run *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(
		db, "SELECT " RUN_COLUMNS " FROM run WHERE type = ?1 AND id = ?2", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, type);
	stmt_text(st, 2, id);
	rc = stmt_row(st, e);
	if (rc == 0)
		run_take(st, a, ret);
	stmt_done(st);
	if (rc == -ENOENT)
		return err_set(e, ENOENT, "there is no %s '%.*s'", store_type_name(type),
			STR_ARG(str_head(id, ID_MAX)));
	return rc;
}

int store_run_get(struct store *s, enum store_type type, struct str id, struct arena *a,
	struct store_run *ret, struct err *e)
{
	struct db *db = NULL;
	int rc = 0;

	if (!utf8_is_good(id))
		return err_set(e, ENOENT, "there is no such %s", store_type_name(type));
	rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = read_run(db, type, id, a, ret, e);
	store_reader_give(s, db);
	return rc;
}
