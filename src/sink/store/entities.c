/* SPDX-License-Identifier: Apache-2.0 */
/* Entities as people see them: listed, found, one by one. How they come about is in entity.c. */
#include <errno.h>

#include "sink/store/read.h"

const char entity_columns[] =
	"x.id, x.kind, x.key, x.name, x.findings, x.open, x.worst, x.first_ns, x.last_ns, x.attrs";

void entity_take(struct stmt *st, struct arena *a, struct store_entity *ret)
{
	ret->id = stmt_get_u64(st, 0);
	ret->kind = (enum store_entity_kind)stmt_get_int(st, 1);
	ret->key = stmt_take_text(st, 2, a);
	ret->name = stmt_take_text(st, 3, a);
	ret->findings = stmt_get_u64(st, 4);
	ret->open = stmt_get_u64(st, 5);
	ret->worst = (enum priority)stmt_get_int(st, 6);
	ret->first_ns = stmt_get_u64(st, 7);
	ret->last_ns = stmt_get_u64(st, 8);
	ret->attrs = stmt_take_text(st, 9, a);
}

int entity_read(
	struct db *db, uint64_t id, struct arena *a, struct store_entity *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT x.id, x.kind, x.key, x.name, x.findings, x.open, x.worst, x.first_ns, "
		"x.last_ns, x.attrs FROM entity x WHERE x.id = ?1",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, (int64_t)id);
	rc = stmt_row(st, e);
	if (rc == 0)
		entity_take(st, a, ret);
	stmt_done(st);
	return rc == -ENOENT ? err_set(e, ENOENT, "there is no entity %llu", (unsigned long long)id)
			     : rc;
}

int store_entity_get(
	struct store *s, uint64_t id, struct arena *a, struct store_entity *ret, struct err *e)
{
	struct db *db = NULL;
	int rc = store_settled_take(s, &db, e);

	if (rc < 0)
		return rc;
	rc = entity_read(db, id, a, ret, e);
	store_reader_give(s, db);
	return rc;
}

static int find_by(struct db *db, const char *literal, enum store_entity_kind kind, struct str text,
	struct arena *a, struct store_entity *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, literal, &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, kind);
	stmt_text(st, 2, text);
	rc = stmt_row(st, e);
	if (rc == 0)
		entity_take(st, a, ret);
	stmt_done(st);
	return rc;
}

int store_entity_find(struct store *s, enum store_entity_kind kind, struct str key, struct arena *a,
	struct store_entity *ret, struct err *e)
{
	struct db *db = NULL;
	int rc = utf8_is_good(key) ? store_settled_take(s, &db, e)
				   : err_set(e, ENOENT, "there is no such entity");

	if (rc < 0)
		return rc;
	rc = find_by(db,
		"SELECT x.id, x.kind, x.key, x.name, x.findings, x.open, x.worst, x.first_ns, "
		"x.last_ns, x.attrs FROM entity x WHERE x.kind = ?1 AND x.key = ?2",
		kind, key, a, ret, e);
	if (rc == -ENOENT)
		rc = find_by(db,
			"SELECT x.id, x.kind, x.key, x.name, x.findings, x.open, x.worst, "
			"x.first_ns, x.last_ns, x.attrs FROM entity x "
			"WHERE x.kind = ?1 AND x.name = ?2 ORDER BY x.last_ns DESC LIMIT 1",
			kind, key, a, ret, e);
	store_reader_give(s, db);
	if (rc == -ENOENT)
		return err_set(e, ENOENT, "there is no %s '%.*s'", store_entity_kind_name(kind),
			STR_ARG(str_head(key, 80)));
	return rc;
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* LIKE's own characters mean themselves. */
static struct str like_pattern(struct arena *a, struct str text)
{
	struct buf b = BUF_INIT(4 * STORE_SEARCH_MAX + 8);

	buf_add_char(&b, '%');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.s[i];

		if (c == '%' || c == '_' || c == '\\')
			buf_add_char(&b, '\\');
		buf_add_char(&b, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	buf_add_char(&b, '%');
	struct str s = take_str(a, buf_str(&b));
	buf_done(&b);
	return s;
}

static int build_list(
	struct sql *q, const struct store_entity_query *want, unsigned limit, struct err *e)
{
	int64_t last = 0, id = 0;

	sql_add(q, "SELECT ");
	sql_add(q, entity_columns);
	sql_add(q, " FROM entity x WHERE 1 = 1");
	if (want->kinds) {
		const char *comma = " AND x.kind IN (";

		for (int k = 0; k < STORE_ENTITY_KIND_COUNT; k++) {
			if (!(want->kinds >> k & 1))
				continue;
			buf_printf(&q->text, "%s%d", comma, k);
			comma = ", ";
		}
		sql_add(q, *comma == ',' ? ")" : " AND 1 = 0");
	}
	if (want->search.len) {
		unsigned n = sql_bind_text(q, like_pattern(q->arena, want->search));

		buf_printf(&q->text,
			" AND (lower(x.name) LIKE ?%u ESCAPE '\\' OR lower(x.key) LIKE ?%u ESCAPE "
			"'\\')",
			n, n);
	}
	if (want->cursor.len) {
		int rc = cursor_read(want->cursor, 'e', &last, &id, e);

		if (rc < 0)
			return rc;
		unsigned a = sql_bind_int(q, last), b = sql_bind_int(q, id);
		buf_printf(&q->text, " AND (x.last_ns < ?%u OR (x.last_ns = ?%u AND x.id < ?%u))",
			a, a, b);
	}
	sql_add(q, " ORDER BY x.last_ns DESC, x.id DESC LIMIT ");
	sql_int(q, limit + 1);
	return 0;
}

static int read_list(struct db *db, const struct store_entity_query *want, unsigned limit,
	struct arena *a, struct store_entity *out, size_t *ret_n, struct str *ret_next,
	struct err *e)
{
	struct stmt *st = NULL;
	struct sql q;
	int rc = 0;

	sql_init(&q, db->ops->engine, a);
	rc = build_list(&q, want, limit, e);
	if (rc == 0)
		rc = sql_prepare(&q, db, &st, e);
	while (rc >= 0 && st && (rc = stmt_step(st, e)) > 0) {
		if (*ret_n == limit) {
			const struct store_entity *last = &out[limit - 1];

			*ret_next = cursor_make(a, 'e', (int64_t)last->last_ns, (int64_t)last->id);
			break;
		}
		entity_take(st, a, &out[(*ret_n)++]);
	}
	stmt_done(st);
	sql_done(&q);
	return rc < 0 ? rc : 0;
}

int store_entities(struct store *s, const struct store_entity_query *q, struct arena *a,
	struct store_entity **ret, size_t *ret_n, struct str *ret_next, struct err *e)
{
	unsigned limit = page_limit(q->limit);
	struct db *db = NULL;
	int rc = 0;

	if (q->search.len > STORE_SEARCH_MAX || !utf8_is_good(q->search))
		return err_set(e, EINVAL, "the search text is too long or no UTF-8");
	*ret_n = 0;
	*ret_next = STR("");
	*ret = arena_array(a, struct store_entity, limit + 1);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for a list of entities");
	rc = store_settled_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = read_list(db, q, limit, a, *ret, ret_n, ret_next, e);
	store_reader_give(s, db);
	return rc;
}
