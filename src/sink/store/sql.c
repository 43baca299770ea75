/* SPDX-License-Identifier: Apache-2.0 */
/* A query that is put together: its text, and the values that belong to its parameters. */
#include <errno.h>

#include "sink/store/read.h"

void sql_init(struct sql *q, enum db_engine engine, struct arena *a)
{
	*q = (struct sql){.engine = engine, .arena = a, .text = BUF_INIT(SQL_TEXT_MAX)};
}

void sql_done(struct sql *q)
{
	buf_done(&q->text);
}

void sql_add(struct sql *q, const char *text)
{
	buf_add_cstr(&q->text, text);
}

static unsigned bind(struct sql *q, struct sql_bind b)
{
	if (q->nbinds == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 32;
		struct sql_bind *p = NULL;

		if (cap <= SQL_BINDS_MAX * 2)
			p = arena_array(q->arena, struct sql_bind, cap);
		if (!p || q->nbinds >= SQL_BINDS_MAX) {
			q->failed = true;
			return 1;
		}
		if (q->nbinds)
			memcpy(p, q->binds, q->nbinds * sizeof(*p));
		q->binds = p;
		q->cap = cap;
	}
	q->binds[q->nbinds] = b;
	return (unsigned)++q->nbinds;
}

unsigned sql_bind_text(struct sql *q, struct str s)
{
	return bind(q, (struct sql_bind){.type = SQL_TEXT, .s = s});
}

unsigned sql_bind_int(struct sql *q, int64_t v)
{
	return bind(q, (struct sql_bind){.type = SQL_INT, .i = v});
}

void sql_int(struct sql *q, int64_t v)
{
	buf_printf(&q->text, "?%u", sql_bind_int(q, v));
}

void sql_text(struct sql *q, struct str s)
{
	buf_printf(&q->text, "?%u", sql_bind_text(q, s));
}

void sql_leaf(struct sql *q, const void *leaf)
{
	buf_printf(&q->text, "?%u", bind(q, (struct sql_bind){.type = SQL_LEAF, .leaf = leaf}));
}

int sql_prepare(struct sql *q, struct db *db, struct stmt **ret, struct err *e)
{
	int rc = 0;

	if (q->failed || q->text.cut)
		return err_set(e, EINVAL, "the filter is too large to be searched for");
	rc = db_prepare(db, buf_str(&q->text), ret, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < q->nbinds; i++) {
		const struct sql_bind *b = &q->binds[i];

		if (b->type == SQL_INT)
			stmt_int(*ret, (int)i + 1, b->i);
		else if (b->type == SQL_TEXT)
			stmt_text(*ret, (int)i + 1, b->s);
		else
			db->ops->bind_leaf(*ret, (int)i + 1, b->leaf);
	}
	return 0;
}
