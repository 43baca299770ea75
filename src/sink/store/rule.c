/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `rule` table: a row for each (name, source, tags) that findings came with, found by a table
 * in memory. Under write_lock. Tags hang on these rows, so that a finding carries a number only.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/private.h"

enum { RULES_MAX = 100000 };

struct known_rule {
	uint64_t hash;
	int64_t id;
	size_t len;
	char key[]; /* name, source and tags with NULs between */
};

struct rules {
	struct table table;
	struct buf key;
};

static bool rule_eq(const void *row, const void *key)
{
	const struct known_rule *r = row;
	const struct str *k = key;

	return str_eq(str_make(r->key, r->len), *k);
}

struct rules *rules_new(void)
{
	struct rules *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	table_init(&rs->table, rule_eq, RULES_MAX);
	rs->key = BUF_INIT(256 << 10);
	return rs;
}

void rules_forget(struct rules *rs)
{
	size_t pos = 0;
	void *row = NULL;

	while ((row = table_next(&rs->table, &pos)))
		free(row);
	table_done(&rs->table);
	table_init(&rs->table, rule_eq, RULES_MAX);
}

void rules_free(struct rules *rs)
{
	if (!rs)
		return;
	rules_forget(rs);
	table_done(&rs->table);
	buf_done(&rs->key);
	free(rs);
}

static int put_tags(struct db *db, int64_t id, const struct row *row, struct err *e)
{
	for (size_t i = 0; i < row->ntags; i++) {
		struct stmt *st = NULL;
		int rc = db_statement(db,
			"INSERT INTO rule_tag (tag, rule) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
			&st, e);

		if (rc < 0)
			return rc;
		stmt_text(st, 1, row->tag[i]);
		stmt_int(st, 2, id);
		rc = stmt_run(st, NULL, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The update that changes nothing makes RETURNING answer for a row that was there. */
static int fetch(struct db *db, const struct row *row, int64_t *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO rule (name, source, tags) VALUES (?1, ?2, ?3) "
		"ON CONFLICT (name, source, tags) DO UPDATE SET name = excluded.name "
		"RETURNING id",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, row->rule);
	stmt_text(st, 2, row->source);
	stmt_text(st, 3, row->tags);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_int(st, 0);
	stmt_done(st);
	return rc < 0 ? rc : put_tags(db, *ret, row, e);
}

int rules_id(struct rules *rs, struct db *db, const struct row *row, int64_t *ret, struct err *e)
{
	struct known_rule *r = NULL;

	buf_clear(&rs->key);
	buf_add(&rs->key, row->rule);
	buf_add_char(&rs->key, '\0');
	buf_add(&rs->key, row->source);
	buf_add_char(&rs->key, '\0');
	buf_add(&rs->key, row->tags);
	struct str key = buf_str(&rs->key);
	uint64_t hash = str_hash(key);
	r = table_find(&rs->table, hash, &key);
	if (r) {
		*ret = r->id;
		return 0;
	}
	int rc = fetch(db, row, ret, e);
	if (rc < 0)
		return rc;
	if (rs->table.count >= RULES_MAX)
		rules_forget(rs);
	r = malloc(sizeof(*r) + key.len);
	if (!r)
		return err_set(e, ENOMEM, "no memory for a rule's name");
	r->hash = hash;
	r->id = *ret;
	r->len = key.len;
	memcpy(r->key, key.s, key.len);
	if (table_put(&rs->table, hash, r) < 0)
		free(r); /* it will be asked for again */
	return 0;
}
