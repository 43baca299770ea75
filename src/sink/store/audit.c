/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log (who did what, from where) and the caller's small settings. */
#include <errno.h>
#include <inttypes.h>

#include "sink/store/read.h"

enum { SETTING_MAX = 64 << 10 };

/* Cut, cleaned where it must be: a line of the log is never refused. */
static struct str safe_text(struct arena *a, struct str s, size_t max)
{
	struct str cut = utf8_head(s, max);
	char *p = NULL;

	if (utf8_is_good(cut))
		return cut;
	p = arena_raw(a, cut.len + 1);
	if (!p)
		return STR("?");
	for (size_t i = 0; i < cut.len; i++)
		p[i] = cut.s[i] >= ' ' && cut.s[i] < 0x7f ? cut.s[i] : '?';
	return str_make(p, cut.len);
}

int store_audit_add(struct store *s, const struct store_audit *row, struct err *e)
{
	const struct str texts[] = {row->who, row->action, row->object, row->detail, row->address};
	struct stmt *st = NULL;
	struct arena a;
	int rc = store_write_begin(s, e);

	if (rc < 0)
		return rc;
	arena_init(&a, 1 << 20);
	rc = db_statement(s->writer,
		"INSERT INTO audit (time_ns, who, action, object, detail, address) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		&st, e);
	if (rc == 0) {
		stmt_int(st, 1, (int64_t)(row->time_ns ? row->time_ns : store_now(s)));
		for (int i = 0; i < 5; i++)
			stmt_text(st, i + 2, safe_text(&a, texts[i], STORE_TEXT_MAX));
		rc = stmt_run(st, NULL, e);
	}
	rc = store_write_end(s, rc, e);
	arena_done(&a);
	return rc;
}

static int read_audit(struct db *db, struct str who, int64_t before, unsigned limit,
	struct arena *a, struct store_audit *out, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT id, time_ns, who, action, object, detail, address FROM audit "
		"WHERE id < ?1 AND (?2 = '' OR who = ?2) ORDER BY id DESC LIMIT ?3",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, before);
	stmt_text(st, 2, who);
	stmt_int(st, 3, limit);
	while ((rc = stmt_step(st, e)) > 0 && *ret_n < limit) {
		struct store_audit *x = &out[(*ret_n)++];

		x->id = stmt_get_u64(st, 0);
		x->time_ns = stmt_get_u64(st, 1);
		x->who = stmt_take_text(st, 2, a);
		x->action = stmt_take_text(st, 3, a);
		x->object = stmt_take_text(st, 4, a);
		x->detail = stmt_take_text(st, 5, a);
		x->address = stmt_take_text(st, 6, a);
	}
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int store_audit_list(struct store *s, struct str who, struct str cursor, unsigned limit,
	struct arena *a, struct store_audit **ret, size_t *ret_n, struct str *ret_next,
	struct err *e)
{
	unsigned want = page_limit(limit);
	int64_t before = INT64_MAX, ignored = 0;
	struct db *db = NULL;
	int rc = cursor.len ? cursor_read(cursor, 'a', &before, &ignored, e) : 0;

	if (rc == 0 && !utf8_is_good(who))
		rc = err_set(e, EINVAL, "no such user");
	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret_next = STR("");
	*ret = arena_array(a, struct store_audit, want + 1);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for the audit log");
	rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = read_audit(db, who, before, want + 1, a, *ret, ret_n, e);
	store_reader_give(s, db);
	if (rc == 0 && *ret_n > want) {
		*ret_n = want;
		*ret_next = cursor_make(a, 'a', (int64_t)(*ret)[want - 1].id, 0);
	}
	return rc;
}

/* ---- settings ------------------------------------------------------------------------------- */

static int check_setting(struct str name, struct str value, struct err *e)
{
	if (!name.len || name.len > STORE_NAME_MAX || !utf8_is_good(name) ||
		str_starts(name, STR("store.")))
		return err_set(e, EINVAL, "no setting can have this name");
	if (value.len > SETTING_MAX || !utf8_is_good(value))
		return err_set(
			e, EINVAL, "a setting is at most %d bytes of UTF-8 text", SETTING_MAX);
	return 0;
}

int store_setting_get(
	struct store *s, struct str name, struct arena *a, struct str *ret, struct err *e)
{
	struct stmt *st = NULL;
	struct db *db = NULL;
	int rc = check_setting(name, STR_NULL, e);

	if (rc == 0)
		rc = store_reader_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = db_statement(db, "SELECT value FROM setting WHERE name = ?1", &st, e);
	if (rc == 0) {
		stmt_text(st, 1, name);
		rc = stmt_row(st, e);
	}
	if (rc == 0)
		*ret = stmt_take_text(st, 0, a);
	stmt_done(st);
	store_reader_give(s, db);
	return rc == -ENOENT ? err_set(e, ENOENT, "there is no setting '%.*s'", STR_ARG(name)) : rc;
}

int store_setting_set(struct store *s, struct str name, struct str value, struct err *e)
{
	struct stmt *st = NULL;
	int rc = check_setting(name, value, e);

	if (rc == 0)
		rc = store_write_begin(s, e);
	if (rc < 0)
		return rc;
	rc = db_statement(s->writer,
		"INSERT INTO setting (name, value) VALUES (?1, ?2) "
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		&st, e);
	if (rc == 0) {
		stmt_text(st, 1, name);
		stmt_text(st, 2, value);
		rc = stmt_run(st, NULL, e);
	}
	return store_write_end(s, rc, e);
}
