/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users: names, roles, the hashes of their passwords. Hashing and checking passwords is the
 * caller's work; sessions and tokens are in token.c.
 */
#include <errno.h>
#include <inttypes.h>

#include "sink/store/read.h"

enum { USERS_MAX = 10000, HASH_MAX = 1024 };

int account_check_text(struct str s, size_t max, const char *what, struct err *e)
{
	if (s.len > max)
		return err_set(e, EINVAL, "%s is longer than %zu bytes", what, max);
	if (!utf8_is_good(s))
		return err_set(e, EINVAL, "%s is no UTF-8 text", what);
	return 0;
}

/* Letters, digits and a few marks: a name that nobody can mistake in a log. */
static int check_name(struct str name, struct err *e)
{
	int rc = account_check_text(name, STORE_NAME_MAX, "the user's name", e);

	if (rc < 0)
		return rc;
	if (!name.len || str_trim(name).len != name.len)
		return err_set(e, EINVAL,
			"a user's name must not be empty, nor begin or end with a blank");
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.s[i] < 0x20 || name.s[i] == 0x7f)
			return err_set(e, EINVAL, "a user's name has no control characters");
	return 0;
}

/* ---- users ---------------------------------------------------------------------------------- */

#define USER_COLUMNS                                                                               \
	"name, role, password_hash, must_change, is_disabled, created_ns, last_login_ns"

static void user_take(struct stmt *st, struct arena *a, struct store_user *ret)
{
	ret->name = stmt_take_text(st, 0, a);
	ret->role = (enum store_role)stmt_get_int(st, 1);
	ret->password_hash = stmt_take_text(st, 2, a);
	ret->must_change_password = stmt_get_int(st, 3);
	ret->is_disabled = stmt_get_int(st, 4);
	ret->created_ns = stmt_get_u64(st, 5);
	ret->last_login_ns = stmt_get_u64(st, 6);
}

static int check_user(const struct store_user *u, struct err *e)
{
	int rc = check_name(u->name, e);

	if (rc == 0)
		rc = account_check_text(u->password_hash, HASH_MAX, "the password's hash", e);
	if (rc == 0 && (unsigned)u->role >= STORE_ROLE_COUNT)
		rc = err_set(e, EINVAL, "no such role; there are viewer, analyst, admin");
	return rc;
}

static int add_user(struct db *db, const struct store_user *u, uint64_t now_ns, struct err *e)
{
	struct stmt *st = NULL;
	uint64_t changes = 0;
	int rc = db_statement(db,
		"INSERT INTO account (" USER_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) "
		"ON CONFLICT DO NOTHING",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, u->name);
	stmt_int(st, 2, u->role);
	stmt_text(st, 3, u->password_hash);
	stmt_int(st, 4, u->must_change_password);
	stmt_int(st, 5, u->is_disabled);
	stmt_int(st, 6, (int64_t)now_ns);
	rc = stmt_run(st, &changes, e);
	if (rc == 0 && !changes)
		return err_set(e, EEXIST, "there is a user '%.*s' already", STR_ARG(u->name));
	return rc;
}

int store_user_add(struct store *s, const struct store_user *u, struct err *e)
{
	int rc = check_user(u, e);

	if (rc == 0)
		rc = store_write_begin(s, e);
	if (rc < 0)
		return rc;
	return store_write_end(s, add_user(s->writer, u, store_now(s), e), e);
}

/* Somebody must be able to let others in. */
static int check_admin_left(struct db *db, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(
		db, "SELECT count(*) FROM account WHERE role = 2 AND is_disabled = 0", &st, e);

	if (rc < 0)
		return rc;
	rc = stmt_row(st, e);
	if (rc == 0 && stmt_get_int(st, 0) == 0)
		rc = err_set(e, EPERM, "this is the last admin; make another one first");
	stmt_done(st);
	return rc;
}

static int has_admin(struct db *db, bool *ret, struct err *e)
{
	int rc = check_admin_left(db, e);

	*ret = rc == 0;
	return rc == -EPERM ? 0 : rc;
}

static int no_user(struct str name, struct err *e)
{
	return err_set(e, ENOENT, "there is no user '%.*s'", STR_ARG(str_head(name, 80)));
}

static int change_user(struct db *db, const struct store_user *u, struct err *e)
{
	struct stmt *st = NULL;
	uint64_t changes = 0;
	bool had_admin = false;
	int rc = has_admin(db, &had_admin, e);

	if (rc == 0)
		rc = db_statement(db,
			"UPDATE account SET role = ?2, password_hash = ?3, must_change = ?4, "
			"is_disabled = ?5 WHERE name = ?1",
			&st, e);
	if (rc < 0)
		return rc;
	stmt_text(st, 1, u->name);
	stmt_int(st, 2, u->role);
	stmt_text(st, 3, u->password_hash);
	stmt_int(st, 4, u->must_change_password);
	stmt_int(st, 5, u->is_disabled);
	rc = stmt_run(st, &changes, e);
	if (rc == 0 && !changes)
		return no_user(u->name, e);
	return rc == 0 && had_admin ? check_admin_left(db, e) : rc;
}

int store_user_change(struct store *s, const struct store_user *u, struct err *e)
{
	int rc = check_user(u, e);

	if (rc == 0)
		rc = store_write_begin(s, e);
	if (rc < 0)
		return rc;
	return store_write_end(s, change_user(s->writer, u, e), e);
}

int account_run(
	struct db *db, const char *sql, struct str name, uint64_t *ret_changes, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, sql, &st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, name);
	return stmt_run(st, ret_changes, e);
}

static int delete_user(struct db *db, struct str name, struct err *e)
{
	uint64_t changes = 0;
	bool had_admin = false;
	int rc = has_admin(db, &had_admin, e);

	if (rc == 0)
		rc = account_run(db, "DELETE FROM account WHERE name = ?1", name, &changes, e);
	if (rc == 0 && !changes)
		return no_user(name, e);
	if (rc == 0)
		rc = account_run(db, "DELETE FROM token WHERE username = ?1", name, NULL, e);
	return rc == 0 && had_admin ? check_admin_left(db, e) : rc;
}

int store_user_delete(struct store *s, struct str name, struct err *e)
{
	int rc = check_name(name, e);

	if (rc == 0)
		rc = store_write_begin(s, e);
	if (rc < 0)
		return rc;
	return store_write_end(s, delete_user(s->writer, name, e), e);
}

int store_user_logged_in(struct store *s, struct str name, struct err *e)
{
	struct stmt *st = NULL;
	int rc = check_name(name, e);

	if (rc == 0)
		rc = store_write_begin(s, e);
	if (rc < 0)
		return rc;
	rc = db_statement(
		s->writer, "UPDATE account SET last_login_ns = ?2 WHERE name = ?1", &st, e);
	if (rc == 0) {
		stmt_text(st, 1, name);
		stmt_int(st, 2, (int64_t)store_now(s));
		rc = stmt_run(st, NULL, e);
	}
	return store_write_end(s, rc, e);
}

int store_user_get(
	struct store *s, struct str name, struct arena *a, struct store_user *ret, struct err *e)
{
	struct stmt *st = NULL;
	struct db *db = NULL;
	int rc = utf8_is_good(name) ? store_reader_take(s, &db, e) : no_user(STR("?"), e);

	if (rc < 0)
		return rc;
	rc = db_statement(db, "SELECT " USER_COLUMNS " FROM account WHERE name = ?1", &st, e);
	if (rc == 0) {
		stmt_text(st, 1, name);
		rc = stmt_row(st, e);
	}
	if (rc == 0)
		user_take(st, a, ret);
	stmt_done(st);
	store_reader_give(s, db);
	return rc == -ENOENT ? no_user(name, e) : rc;
}

int store_user_list(
	struct store *s, struct arena *a, struct store_user **ret, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	struct db *db = NULL;
	int rc = store_reader_take(s, &db, e);

	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret = arena_array(a, struct store_user, USERS_MAX);
	rc = *ret ? db_statement(db,
			    "SELECT " USER_COLUMNS " FROM account ORDER BY name LIMIT 10000", &st,
			    e)
		  : err_set(e, ENOMEM, "no memory for a list of users");
	while (rc >= 0 && st && *ret_n < USERS_MAX && (rc = stmt_step(st, e)) > 0)
		user_take(st, a, &(*ret)[(*ret_n)++]);
	stmt_done(st);
	store_reader_give(s, db);
	return rc < 0 ? rc : 0;
}
