/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL as an engine of the store, through libpq
 * (https://www.postgresql.org/docs/15/libpq.html). Values travel as text; a statement's whole
 * result is fetched at once, so every SELECT here has a LIMIT. A connection that was lost is made
 * again at the next transaction or read; what was under way fails with -EAGAIN. Says nothing of
 * the schema.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "sink/store/db.h"

enum {
	PARAMS_MAX = 2000,
	VALUES_MAX = 64 << 20, /* bytes of one statement's parameters */
};

struct pg {
	struct db db;
	PGconn *c;
	uint64_t timeout_ms;
	bool is_power_safe, read_only;
	unsigned serial; /* names of prepared statements */
};

struct pg_stmt {
	struct stmt st;
	char *sql;
	char name[24]; /* empty = not prepared on the server */
	struct arena values;
	const char *param[PARAMS_MAX];
	int nparams;
	PGresult *result;
	int row;
};

static struct pg_stmt *pg_stmt_of(struct stmt *st)
{
	return (struct pg_stmt *)st;
}

/* The errno of an SQLSTATE, https://www.postgresql.org/docs/15/errcodes-appendix.html */
static int errno_of(const char *state)
{
	static const struct {
		const char *prefix;
		int code;
	} rows[] = {
		{"53100", ENOSPC},    /* disk_full */
		{"53200", ENOMEM},    /* out_of_memory */
		{"53", EAGAIN},       /* too_many_connections … */
		{"57014", ETIMEDOUT}, /* query_canceled */
		{"57", EAGAIN},       /* admin_shutdown, cannot_connect_now */
		{"55P03", EAGAIN},    /* lock_not_available */
		{"08", EAGAIN},       /* connection exceptions */
		{"40", EAGAIN},       /* serialization, deadlock */
		{"23", EEXIST},       /* integrity constraints */
		{"22", EINVAL},       /* data exceptions */
		{"54", EFBIG},        /* program_limit_exceeded */
		{"25006", EROFS},     /* read_only_sql_transaction */
		{"42501", EACCES},    /* insufficient_privilege */
		{"28", EACCES},       /* invalid_authorization */
		{"58030", EIO},       /* io_error */
		{"XX001", EUCLEAN},   /* data_corrupted */
		{"XX002", EUCLEAN},   /* index_corrupted */
	};

	for (size_t i = 0; state && i < sizeof(rows) / sizeof(*rows); i++)
		if (strncmp(state, rows[i].prefix, strlen(rows[i].prefix)) == 0)
			return rows[i].code;
	return EIO;
}

/* The server's message on one line, without its line end. */
static int fail(struct pg *p, const PGresult *r, struct err *e)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	int code = PQstatus(p->c) == CONNECTION_BAD ? EAGAIN : errno_of(state);
	struct str said = str_trim(str_of(text ? text : PQerrorMessage(p->c)));

	if (code == ETIMEDOUT)
		return err_set(e, code,
			"the query took too long and was stopped; narrow it, for example by time");
	if (code == ENOSPC)
		return err_set(e, code,
			"PostgreSQL's disk is full (%.*s); nothing that was acknowledged is lost",
			STR_ARG(said));
	return err_set(e, code, "PostgreSQL: %.*s", STR_ARG(said));
}

static int run_text(struct pg *p, const char *sql, struct err *e)
{
	PGresult *r = PQexec(p->c, sql);
	ExecStatusType status = PQresultStatus(r);
	int rc = 0;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = fail(p, r, e);
	PQclear(r);
	return rc;
}

static void ignore_notice(void *arg, const PGresult *r)
{
}

static int set_up(struct pg *p, struct err *e)
{
	char sql[400];

	PQsetNoticeReceiver(p->c, ignore_notice, NULL);
	if (PQsetClientEncoding(p->c, "UTF8") != 0)
		return fail(p, NULL, e);
	if (PQserverVersion(p->c) < 120000)
		return err_set(e, ENOTSUP, "PostgreSQL %d is too old; koban needs 12 or newer",
			PQserverVersion(p->c) / 10000);
	const char *encoding = PQparameterStatus(p->c, "server_encoding");
	if (encoding && strcmp(encoding, "UTF8") != 0)
		return err_set(e, EINVAL,
			"the PostgreSQL database has the encoding %s; make one with ENCODING "
			"'UTF8'",
			encoding);
	snprintf(sql, sizeof(sql),
		"SET statement_timeout=%llu; SET synchronous_commit=%s; SET jit=off;"
		"SET standard_conforming_strings=on; SET default_transaction_read_only=%s",
		(unsigned long long)p->timeout_ms, p->is_power_safe ? "on" : "off",
		p->read_only ? "on" : "off");
	return run_text(p, sql, e);
}

static int pg_open(const struct db_options *o, struct db **ret, struct err *e)
{
	const char *const keys[] = {"dbname", "application_name", "connect_timeout", NULL};
	const char *const values[] = {o->place, "koban", "10", NULL};
	struct pg *p = calloc(1, sizeof(*p));
	int rc = 0;

	if (!p)
		return err_set(e, ENOMEM, "no memory to open the database");
	p->db.ops = &db_postgres;
	p->timeout_ms = o->timeout_ms;
	p->is_power_safe = o->is_power_safe;
	p->read_only = o->read_only;
	p->c = PQconnectdbParams(keys, values, 1);
	if (PQstatus(p->c) != CONNECTION_OK) {
		struct str said = str_trim(str_of(PQerrorMessage(p->c)));

		rc = err_set(e, EAGAIN, "cannot connect to PostgreSQL: %.*s", STR_ARG(said));
	} else {
		rc = set_up(p, e);
	}
	if (rc < 0) {
		db_close(&p->db);
		return rc;
	}
	*ret = &p->db;
	return 0;
}

static void pg_close(struct db *db)
{
	struct pg *p = (struct pg *)db;

	PQfinish(p->c);
	free(p);
}

static int pg_revive(struct db *db, struct err *e)
{
	struct pg *p = (struct pg *)db;

	if (PQstatus(p->c) == CONNECTION_OK)
		return 0;
	db_forget(db);
	PQreset(p->c);
	if (PQstatus(p->c) == CONNECTION_OK)
		return set_up(p, e);
	struct str said = str_trim(str_of(PQerrorMessage(p->c)));
	return err_set(e, EAGAIN, "PostgreSQL is away: %.*s", STR_ARG(said));
}

static void pg_set_timeout(struct db *db, uint64_t ms)
{
	struct pg *p = (struct pg *)db;
	char sql[80];
	struct err ignored;

	p->timeout_ms = ms;
	snprintf(sql, sizeof(sql), "SET statement_timeout=%llu", (unsigned long long)ms);
	(void)!run_text(p, sql, &ignored);
}

static int pg_exec(struct db *db, const char *sql, struct err *e)
{
	return run_text((struct pg *)db, sql, e);
}

/* The server sees the text at the first step: prepared if it is a cached one, else run once. */
static int pg_prepare(struct db *db, const char *sql, struct stmt **ret, struct err *e)
{
	struct pg_stmt *st = calloc(1, sizeof(*st));

	if (!st || !(st->sql = strdup(sql))) {
		free(st);
		return err_set(e, ENOMEM, "no memory for a statement");
	}
	st->st.db = db;
	arena_init(&st->values, VALUES_MAX);
	*ret = &st->st;
	return 0;
}

static void clear_result(struct pg_stmt *st)
{
	PQclear(st->result);
	st->result = NULL;
}

static void pg_finish(struct stmt *st)
{
	struct pg_stmt *s = pg_stmt_of(st);

	/* Those on the server go with the connection, or stay until then: names are not reused. */
	clear_result(s);
	arena_done(&s->values);
	free(s->sql);
	free(s);
}

static void pg_reset(struct stmt *st)
{
	struct pg_stmt *s = pg_stmt_of(st);

	clear_result(s);
	arena_reset(&s->values);
	memset(s->param, 0, sizeof(*s->param) * (size_t)s->nparams);
	s->nparams = 0;
	st->failed = false;
}

static void set_param(struct stmt *st, int i, const char *text)
{
	struct pg_stmt *s = pg_stmt_of(st);

	if (i < 1 || i > PARAMS_MAX) {
		st->failed = true;
		return;
	}
	s->param[i - 1] = text;
	if (i > s->nparams)
		s->nparams = i;
}

static void pg_bind_null(struct stmt *st, int i)
{
	set_param(st, i, NULL);
}

static void set_copy(struct stmt *st, int i, struct str s)
{
	char *copy = arena_cstr(&pg_stmt_of(st)->values, s);

	if (!copy)
		st->failed = true;
	set_param(st, i, copy);
}

static void pg_bind_int(struct stmt *st, int i, int64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	set_copy(st, i, str_of(text));
}

static void pg_bind_double(struct stmt *st, int i, double v)
{
	char text[40];

	snprintf(text, sizeof(text), "%.17g", v);
	set_copy(st, i, str_of(text));
}

static void pg_bind_text(struct stmt *st, int i, struct str s)
{
	set_copy(st, i, s);
}

static void pg_bind_leaf(struct stmt *st, int i, const void *leaf)
{
	st->failed = true; /* filter.c asks for no such thing here */
}

static int execute(struct pg *p, struct pg_stmt *s, struct err *e)
{
	if (s->st.is_cached && !s->name[0]) {
		snprintf(s->name, sizeof(s->name), "koban%u", ++p->serial);
		PGresult *r = PQprepare(p->c, s->name, s->sql, 0, NULL);
		int rc = PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : fail(p, r, e);

		PQclear(r);
		if (rc < 0) {
			s->name[0] = '\0';
			return rc;
		}
	}
	s->row = -1;
	if (s->name[0])
		s->result = PQexecPrepared(p->c, s->name, s->nparams, s->param, NULL, NULL, 0);
	else
		s->result = PQexecParams(p->c, s->sql, s->nparams, NULL, s->param, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(s->result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return 0;
	int rc = fail(p, s->result, e);
	clear_result(s);
	return rc;
}

static int pg_step(struct stmt *st, struct err *e)
{
	struct pg_stmt *s = pg_stmt_of(st);

	if (st->failed)
		return err_set(e, ENOMEM, "no memory for a statement's values, or too many");
	if (!s->result) {
		int rc = execute((struct pg *)st->db, s, e);

		if (rc < 0)
			return rc;
	}
	return ++s->row < PQntuples(s->result) ? 1 : 0;
}

static bool pg_is_null(struct stmt *st, int col)
{
	return PQgetisnull(pg_stmt_of(st)->result, pg_stmt_of(st)->row, col);
}

static struct str pg_get_text(struct stmt *st, int col)
{
	struct pg_stmt *s = pg_stmt_of(st);

	return str_make(
		PQgetvalue(s->result, s->row, col), (size_t)PQgetlength(s->result, s->row, col));
}

static int64_t pg_get_int(struct stmt *st, int col)
{
	struct pg_stmt *s = pg_stmt_of(st);

	return strtoll(PQgetvalue(s->result, s->row, col), NULL, 10);
}

static double pg_get_double(struct stmt *st, int col)
{
	struct pg_stmt *s = pg_stmt_of(st);

	return strtod(PQgetvalue(s->result, s->row, col), NULL);
}

static uint64_t pg_changes(struct stmt *st)
{
	return strtoull(PQcmdTuples(pg_stmt_of(st)->result), NULL, 10);
}

static int pg_insert(struct stmt *st, int64_t *ret_id, struct err *e)
{
	int rc = pg_step(st, e);

	*ret_id = rc > 0 ? pg_get_int(st, 0) : 0;
	return rc < 0 ? rc : 0;
}

const struct db_ops db_postgres = {
	.name = "postgresql",
	.engine = DB_POSTGRES,
	.open = pg_open,
	.close = pg_close,
	.revive = pg_revive,
	.set_timeout = pg_set_timeout,
	.exec = pg_exec,
	.prepare = pg_prepare,
	.finish = pg_finish,
	.reset = pg_reset,
	.bind_null = pg_bind_null,
	.bind_int = pg_bind_int,
	.bind_double = pg_bind_double,
	.bind_text = pg_bind_text,
	.bind_leaf = pg_bind_leaf,
	.step = pg_step,
	.is_null = pg_is_null,
	.get_int = pg_get_int,
	.get_double = pg_get_double,
	.get_text = pg_get_text,
	.changes = pg_changes,
	.insert = pg_insert,
};
