/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading findings; private to the room. A query is built as text with numbered parameters and a
 * list of what is bound to them: no value ever stands in the text.
 *
 * Names in every such query: f is finding, u its rule, r its evidence (only where a filter reads
 * the record), s the full-text index.
 */
#include "sink/store/private.h"

struct sql_bind {
	enum { SQL_INT, SQL_TEXT, SQL_LEAF } type;
	int64_t i;
	struct str s;
	const void *leaf;
};

struct sql {
	enum db_engine engine;
	struct arena *arena;
	struct buf text;
	struct sql_bind *binds;
	size_t nbinds, cap;
	bool failed; /* memory, or too large */
};

enum { SQL_TEXT_MAX = 256 << 10, SQL_BINDS_MAX = 1500 };

void sql_init(struct sql *q, enum db_engine engine, struct arena *a);
void sql_done(struct sql *q);
/* Adds text. */
void sql_add(struct sql *q, const char *text);
/* Adds a parameter "?N" with its value. */
void sql_int(struct sql *q, int64_t v);
void sql_text(struct sql *q, struct str s);
void sql_leaf(struct sql *q, const void *leaf);
/* Binds a value without writing its "?N"; the number. */
unsigned sql_bind_text(struct sql *q, struct str s);
unsigned sql_bind_int(struct sql *q, int64_t v);
/* Adds a query that stands as part of another (its parameters are renumbered by being added in
 * order): the caller builds in place instead. Prepares and binds. */
int sql_prepare(struct sql *q, struct db *db, struct stmt **ret, struct err *e);

/* ---- fields.c ------------------------------------------------------------------------------- */

struct store_column {
	const char *sql;     /* an expression, or NULL: a member of the record */
	const char *path[4]; /* of the member */
	unsigned npath;
	bool is_number;
	bool narrows; /* its words are in the full-text index, whole */
	bool is_list; /* the rule's tags */
};
extern const struct field_set store_field_set;
/* The column of a field of that set. */
const struct store_column *store_column_of(const struct field_def *f);

/* ---- filter.c ------------------------------------------------------------------------------- */

struct filter_sql;
/* Parses and checks. The AST lives in the arena. */
int filter_text_parse(struct arena *a, struct str text, struct ast **ret, struct store_place *place,
	struct err *e);
/*
 * Adds the condition to q, and what the full-text index can narrow to `search`. *ret keeps what the
 * statement's parameters point to: free it when the statement is done. `db` is asked for distinct
 * values where PostgreSQL cannot compare exactly; `scope` bounds that.
 */
int filter_to_sql(struct sql *q, const struct ast *ast, struct search *search, struct db *db,
	const struct store_query *scope, struct filter_sql **ret, bool *ret_reads_record,
	struct err *e);
void filter_sql_free(struct filter_sql *f);
/* narrow.c: adds to `s` the words that the full-text index must find in every row it selects. */
void filter_narrow(struct arena *a, const struct ast *ast, struct search *s);
/* koban_leaf()'s other half. */
bool filter_leaf_holds(const void *leaf, struct str text, bool is_number, int64_t number);

/* Valid UTF-8 without NULs: what may be bound. */
bool utf8_is_good(struct str s);

/* ---- select.c ------------------------------------------------------------------------------- */

/* A store_query, looked through: what its WHERE is made of. */
struct select {
	struct store *s;
	struct db *db;
	struct arena *a;
	const struct store_query *q;
	struct ast *filter;
	struct search search;
	struct filter_sql *leaves;
	const char *join; /* one more table, or NULL */
	bool reads_record;
	int64_t fingerprint;
	int64_t *rule_ids; /* of q->rule */
	size_t nrule_ids;
	size_t nterms_given;        /* of `search`, before the filter added to it */
	unsigned any;               /* numbers of alternatives in `search` */
	struct store_entity entity; /* of q->entity */
	bool by_columns;            /* it has columns: no join */
};
/* entity_where.c: reads q->entity; what its columns' words narrow goes to sel->search. */
int entity_select(struct select *sel, struct err *e);
/* Adds " AND …" for its columns. */
void entity_conditions(struct select *sel, struct sql *sql);
/* Parses filter and search text, checks the rest. */
int select_init(struct select *sel, struct store *s, struct db *db, struct arena *a,
	const struct store_query *q, struct store_place *place, struct err *e);
void select_done(struct select *sel);
/* Adds " AND …" for the time range. */
void select_add_time(struct sql *sql, const struct store_query *q);
/* Adds " FROM … WHERE …". */
int select_from(struct select *sel, struct sql *sql, struct err *e);
/* After it: the column that holds the key, in the table that leads. */
const char *select_key(const struct select *sel);

/* finding.c: "SELECT" columns of a finding and how to read them. */
extern const char finding_columns[];
void finding_take(struct stmt *st, struct arena *a, struct store_finding *ret, int64_t *ret_n);
void finding_of_row(struct arena *a, const struct row *row, struct store_finding *ret);
struct str fingerprint_text(struct arena *a, int64_t fingerprint);
/* Copies with a NUL behind, never NULL. */
struct str take_str(struct arena *a, struct str s);

/* retain.c: the number that a literal SELECT yields; 0 when there is no row. */
int read_number(struct db *db, const char *literal, uint64_t *ret, struct err *e);

/* detail.c: a finding's key by its id. */
int finding_key(struct db *db, struct str id, int64_t *ret_n, struct err *e);

/* triage.c: findings on their way to another state, gathered in one transaction. */
struct change {
	struct store *s;
	struct db *db;
	enum store_history_action action;
	struct str assignee, text, who;
	int64_t mute; /* STORE_DID_MUTE */
	uint64_t now_ns, changed;
	struct tally tally;
	struct table deltas; /* of entities' counts */
	struct arena arena;
};
int change_selected(
	struct change *c, const struct store_query *q, struct store_place *place, struct err *e);
void change_init(struct change *c, struct store *s);
/* What mention.entities names loses or gains so many findings, and open ones. */
int change_entities(
	struct change *c, struct str entities, int64_t findings, int64_t open, struct err *e);
int change_finish(struct change *c, struct err *e);
void change_done(struct change *c);

/* account.c, for token.c: a text's limits; a literal with one text. */
int account_check_text(struct str s, size_t max, const char *what, struct err *e);
int account_run(
	struct db *db, const char *sql, struct str name, uint64_t *ret_changes, struct err *e);

/* entities.c */
void entity_take(struct stmt *st, struct arena *a, struct store_entity *ret);
extern const char entity_columns[];
int entity_read(
	struct db *db, uint64_t id, struct arena *a, struct store_entity *ret, struct err *e);
/* Cursors: one or two numbers in hexadecimal with a letter in front that says whose they are. */
struct str cursor_make(struct arena *a, char kind, int64_t x, int64_t y);
int cursor_read(struct str text, char kind, int64_t *x, int64_t *y, struct err *e);
/* The page's size for a wish. */
unsigned page_limit(unsigned wish);
