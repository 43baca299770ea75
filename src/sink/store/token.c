/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and tokens: by the hash of a secret that itself never comes here, with an end, and what
 * the caller wants to know of them again.
 */
#include <errno.h>

#include "base/clock.h"
#include "sink/store/read.h"

enum { TOKENS_MAX = 10000, HASH_MAX = 1024 };

#define TOKEN_COLUMNS "id, hash, kind, username, role, name, data, created_ns, expires_ns, last_ns"

static void token_take(struct stmt *st, struct arena *a, struct store_token *ret)
{
	ret->id = stmt_take_text(st, 0, a);
	ret->hash = stmt_take_text(st, 1, a);
	ret->kind = (enum store_token_kind)stmt_get_int(st, 2);
	ret->user = stmt_take_text(st, 3, a);
	ret->role = (enum store_role)stmt_get_int(st, 4);
	ret->name = stmt_take_text(st, 5, a);
	ret->data = stmt_take_text(st, 6, a);
	ret->created_ns = stmt_get_u64(st, 7);
	ret->expires_ns = stmt_get_u64(st, 8);
	ret->last_ns = stmt_get_u64(st, 9);
}

static int check_token(const struct store_token *t, struct err *e)
{
	int rc = account_check_text(t->hash, HASH_MAX, "the token's hash", e);

	if (rc == 0 && !t->hash.len)
		rc = err_set(e, EINVAL, "a token has a hash");
	if (rc == 0)
		rc = account_check_text(t->user, STORE_NAME_MAX, "the user's name", e);
	if (rc == 0)
		rc = account_check_text(t->name, STORE_NAME_MAX, "the token's name", e);
	if (rc == 0)
		rc = account_check_text(t->data, STORE_TEXT_MAX, "the token's data", e);
	return rc;
}

/* What has expired goes whenever another one comes: nobody has to sweep. */
static int add_token(struct db *db, const struct store_token *t, uint64_t now_ns, struct arena *a,
	struct str *ret_id, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(
		db, "DELETE FROM token WHERE expires_ns > 0 AND expires_ns <= ?1", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, (int64_t)now_ns);
	rc = stmt_run(st, NULL, e);
	if (rc == 0)
		rc = db_statement(db,
			"INSERT INTO token (hash, kind, username, role, name, data, created_ns, "
			"expires_ns, last_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7) "
			"ON CONFLICT DO NOTHING RETURNING id",
			&st, e);
	if (rc < 0)
		return rc;
	stmt_text(st, 1, t->hash);
	stmt_int(st, 2, t->kind);
	stmt_text(st, 3, t->user);
	stmt_int(st, 4, t->role);
	stmt_text(st, 5, t->name);
	stmt_text(st, 6, t->data);
	stmt_int(st, 7, (int64_t)now_ns);
	stmt_int(st, 8, (int64_t)t->expires_ns);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret_id = stmt_take_text(st, 0, a);
	stmt_done(st);
	return rc == -ENOENT ? err_set(e, EEXIST, "this token is there already") : rc;
}

int store_token_add(struct store *s, const struct store_token *t, struct arena *a,
	struct str *ret_id, struct err *e)
{
	int rc = check_token(t, e);

	if (rc == 0)
		rc = store_write_begin(s, e);
	if (rc < 0)
		return rc;
	return store_write_end(s, add_token(s->writer, t, store_now(s), a, ret_id, e), e);
}

static int find_token(struct db *db, struct str hash, uint64_t now_ns, struct arena *a,
	struct store_token *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT " TOKEN_COLUMNS " FROM token WHERE hash = ?1 "
		"AND (expires_ns = 0 OR expires_ns > ?2)",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, hash);
	stmt_int(st, 2, (int64_t)now_ns);
	rc = stmt_row(st, e);
	if (rc == 0)
		token_take(st, a, ret);
	stmt_done(st);
	return rc == -ENOENT ? err_set(e, ENOENT, "no such token, or it has expired") : rc;
}

static int note_use(struct store *s, const struct store_token *t, uint64_t now_ns, struct err *e)
{
	struct stmt *st = NULL;
	int rc = store_write_begin(s, e);

	if (rc < 0)
		return rc;
	rc = db_statement(s->writer, "UPDATE token SET last_ns = ?2 WHERE hash = ?1", &st, e);
	if (rc == 0) {
		stmt_text(st, 1, t->hash);
		stmt_int(st, 2, (int64_t)now_ns);
		rc = stmt_run(st, NULL, e);
	}
	return store_write_end(s, rc, e);
}

int store_token_use(
	struct store *s, struct str hash, struct arena *a, struct store_token *ret, struct err *e)
{
	uint64_t now_ns = store_now(s);
	struct db *db = NULL;
	int rc = utf8_is_good(hash) ? store_reader_take(s, &db, e)
				    : err_set(e, ENOENT, "no such token");

	if (rc < 0)
		return rc;
	rc = find_token(db, hash, now_ns, a, ret, e);
	store_reader_give(s, db);
	if (rc == 0 && !s->options.read_only && now_ns >= ret->last_ns + 60 * NSEC_PER_SEC) {
		struct err ignored; /* a full disk must not lock people out */

		(void)!note_use(s, ret, now_ns, &ignored);
	}
	return rc;
}

int store_token_take(
	struct store *s, struct str hash, struct arena *a, struct store_token *ret, struct err *e)
{
	int rc = utf8_is_good(hash) ? store_write_begin(s, e) : err_set(e, ENOENT, "no such token");

	if (rc < 0)
		return rc;
	rc = find_token(s->writer, hash, store_now(s), a, ret, e);
	if (rc == 0)
		rc = account_run(s->writer, "DELETE FROM token WHERE hash = ?1", hash, NULL, e);
	return store_write_end(s, rc, e);
}

int store_token_list(struct store *s, enum store_token_kind kind, struct str user, struct arena *a,
	struct store_token **ret, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	struct db *db = NULL;
	int rc = utf8_is_good(user) ? store_reader_take(s, &db, e)
				    : err_set(e, ENOENT, "there is no such user");

	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret = arena_array(a, struct store_token, TOKENS_MAX);
	rc = *ret ? db_statement(db,
			    "SELECT " TOKEN_COLUMNS " FROM token WHERE kind = ?1 "
			    "AND (?2 = '' OR username = ?2) "
			    "AND (expires_ns = 0 OR expires_ns > ?3) ORDER BY id LIMIT 10000",
			    &st, e)
		  : err_set(e, ENOMEM, "no memory for a list of tokens");
	if (rc == 0) {
		stmt_int(st, 1, kind);
		stmt_text(st, 2, user);
		stmt_int(st, 3, (int64_t)store_now(s));
	}
	while (rc >= 0 && st && *ret_n < TOKENS_MAX && (rc = stmt_step(st, e)) > 0) {
		token_take(st, a, &(*ret)[*ret_n]);
		(*ret)[(*ret_n)++].hash = STR("");
	}
	stmt_done(st);
	store_reader_give(s, db);
	return rc < 0 ? rc : 0;
}

int store_token_delete(struct store *s, struct str id, struct err *e)
{
	struct stmt *st = NULL;
	uint64_t changes = 0, n = 0;
	int rc = str_to_u64(id, 10, &n) ? store_write_begin(s, e)
					: err_set(e, ENOENT, "there is no such token");

	if (rc < 0)
		return rc;
	rc = db_statement(s->writer, "DELETE FROM token WHERE id = ?1", &st, e);
	if (rc == 0) {
		stmt_int(st, 1, (int64_t)n);
		rc = stmt_run(st, &changes, e);
	}
	if (rc == 0 && !changes)
		rc = err_set(e, ENOENT, "there is no such token");
	return store_write_end(s, rc, e);
}

int store_token_delete_sessions(
	struct store *s, struct str user, struct str keep_hash, struct err *e)
{
	struct stmt *st = NULL;
	int rc = utf8_is_good(user) && utf8_is_good(keep_hash)
			 ? store_write_begin(s, e)
			 : err_set(e, ENOENT, "there is no such user");

	if (rc < 0)
		return rc;
	rc = db_statement(s->writer,
		"DELETE FROM token WHERE kind = 0 AND username = ?1 AND hash <> ?2", &st, e);
	if (rc == 0) {
		stmt_text(st, 1, user);
		stmt_text(st, 2, keep_hash);
		rc = stmt_run(st, NULL, e);
	}
	return store_write_end(s, rc, e);
}
