/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One connection to a database, the same for both engines; private to the room.
 *
 * SQL is written once, in a text that dialect.c turns into the engine's own: parameters are ?1, ?2
 * …, what differs stands in braces ({int}, {pk}). Statements of string literals are prepared once a
 * connection and found again by the literal's address; texts that were built are prepared for one
 * use. Bound strings are borrowed until the statement is reset.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct db;
struct stmt;

enum db_engine { DB_SQLITE, DB_POSTGRES };

struct db_options {
	const char *place; /* a path, ":memory:", or a URL */
	bool read_only;
	bool is_power_safe; /* synchronous=FULL */
	bool is_writer;
	uint64_t timeout_ms; /* of one statement; 0 = none */
	/* SQLite: evaluates koban_leaf(leaf, value) in a filter's SQL (filter.c). */
	bool (*leaf)(const void *leaf, struct str text, bool is_number, int64_t number);
};

struct db_ops {
	const char *name;
	enum db_engine engine;
	int (*open)(const struct db_options *o, struct db **ret, struct err *e);
	void (*close)(struct db *db);
	/* Is it usable? Opens again a connection that was lost. */
	int (*revive)(struct db *db, struct err *e);
	void (*set_timeout)(struct db *db, uint64_t ms);
	/* Several statements without results, in the engine's own words. */
	int (*exec)(struct db *db, const char *sql, struct err *e);
	int (*prepare)(struct db *db, const char *sql, struct stmt **ret, struct err *e);
	void (*finish)(struct stmt *st);
	void (*reset)(struct stmt *st);
	void (*bind_null)(struct stmt *st, int i);
	void (*bind_int)(struct stmt *st, int i, int64_t v);
	void (*bind_double)(struct stmt *st, int i, double v);
	void (*bind_text)(struct stmt *st, int i, struct str s);
	void (*bind_leaf)(struct stmt *st, int i, const void *leaf);
	/* 1: a row, 0: no more, or -errno. */
	int (*step)(struct stmt *st, struct err *e);
	bool (*is_null)(struct stmt *st, int col);
	int64_t (*get_int)(struct stmt *st, int col);
	double (*get_double)(struct stmt *st, int col);
	struct str (*get_text)(struct stmt *st, int col);
	/* Rows that the last step changed. */
	uint64_t (*changes)(struct stmt *st);
	/* stmt_insert() without giving the statement back. */
	int (*insert)(struct stmt *st, int64_t *ret_id, struct err *e);
};
extern const struct db_ops db_sqlite, db_postgres;

enum { DB_STATEMENTS = 256 }; /* slots of the table of prepared statements, a power of two */

/* The head of each engine's connection. */
struct db {
	const struct db_ops *ops;
	struct db *next_free; /* the pool's */
	bool in_transaction;
	struct {
		const char *sql;
		struct stmt *st;
	} cache[DB_STATEMENTS];
	unsigned ncached;
};

/* The head of each engine's statement. */
struct stmt {
	struct db *db;
	bool is_cached, failed;
};

/* By the address of a literal. NULL and e on failure: *rc says which. */
int db_statement(struct db *db, const char *literal, struct stmt **ret, struct err *e);
/* A text that was built; give it back with stmt_done(). */
int db_prepare(struct db *db, struct str sql, struct stmt **ret, struct err *e);
/* Runs a literal with no parameters and no rows. */
int db_run(struct db *db, const char *literal, struct err *e);
/* Runs a script in the common language (migrations): no parameters. */
int db_script(struct db *db, const char *sql, struct err *e);
/* Forgets the statements (the connection was made anew). */
void db_forget(struct db *db);
void db_close(struct db *db);

int db_begin(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);

/* Resets a cached statement, frees the other kind. NULL is fine. */
void stmt_done(struct stmt *st);
static inline void stmt_null(struct stmt *st, int i)
{
	st->db->ops->bind_null(st, i);
}
static inline void stmt_int(struct stmt *st, int i, int64_t v)
{
	st->db->ops->bind_int(st, i, v);
}
static inline void stmt_double(struct stmt *st, int i, double v)
{
	st->db->ops->bind_double(st, i, v);
}
static inline void stmt_text(struct stmt *st, int i, struct str s)
{
	st->db->ops->bind_text(st, i, s);
}
/* NULL for an empty string: "absent". */
static inline void stmt_opt(struct stmt *st, int i, struct str s)
{
	if (s.len)
		st->db->ops->bind_text(st, i, s);
	else
		st->db->ops->bind_null(st, i);
}
static inline int stmt_step(struct stmt *st, struct err *e)
{
	return st->db->ops->step(st, e);
}
static inline int64_t stmt_get_int(struct stmt *st, int col)
{
	return st->db->ops->get_int(st, col);
}
static inline uint64_t stmt_get_u64(struct stmt *st, int col)
{
	return (uint64_t)st->db->ops->get_int(st, col);
}
static inline double stmt_get_double(struct stmt *st, int col)
{
	return st->db->ops->get_double(st, col);
}
static inline bool stmt_is_null(struct stmt *st, int col)
{
	return st->db->ops->is_null(st, col);
}
/* Borrowed until the next step. */
static inline struct str stmt_get_text(struct stmt *st, int col)
{
	return st->db->ops->get_text(st, col);
}
/* A copy; never NULL. */
struct str stmt_take_text(struct stmt *st, int col, struct arena *a);
/* Steps to the end and gives the statement back; *ret_changes may be NULL. */
int stmt_run(struct stmt *st, uint64_t *ret_changes, struct err *e);
/* Runs an INSERT … ON CONFLICT DO NOTHING{returning_id} of one row and gives it back: the new row's
 * id, 0 when nothing was inserted. (SQLite knows the id anyway; RETURNING made it build and drop a
 * table for each row.) */
int stmt_insert(struct stmt *st, int64_t *ret_id, struct err *e);
/* One row expected: 0, -ENOENT without filling e, or -errno. Does not give it back. */
int stmt_row(struct stmt *st, struct err *e);

/* ---- dialect.c: where the two engines' SQL differs ------------------------------------------ */

/* The engine's own text of a text in the common language. */
void dialect_translate(enum db_engine engine, struct str sql, struct buf *out);
/* An expression that reads a member of the record (r.record) as text, or as an integer: keys of
 * objects and numbers of array items, e.g. "processes", "1", "cmdline". */
void dialect_json(
	enum db_engine engine, const char *const *path, size_t n, bool as_number, struct buf *out);
/* The text of a full-text expression's parts (search.c). */
struct search;
void dialect_search(enum db_engine engine, const struct search *s, struct buf *out);
