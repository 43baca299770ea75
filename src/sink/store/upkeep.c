/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking after the database: what it holds, whether it is sound, a copy of it while it is in use.
 */
#include "sink/store/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/store/read.h"
#include "sink/store/sqlite.h"

enum { BACKUP_PAGES = 1000 /* a step: between two, progress is told */ };

/* ---- what it holds -------------------------------------------------------------------------- */

/* "postgresql://user:secret@host/db" → without the secret, which nobody shall see on a screen. */
static struct str without_password(struct arena *a, const char *url)
{
	struct str s = str_of(url), rest = str_skip(s, (size_t)(str_find(s, STR("://")) + 3));
	ptrdiff_t at = str_rfind_char(rest, '@');
	struct str login = str_head(rest, at < 0 ? 0 : (size_t)at);
	ptrdiff_t colon = str_find_char(login, ':');
	ptrdiff_t query = str_find(rest, STR("password="));

	if (query >= 0)
		return STR("postgresql://…");
	if (colon < 0)
		return take_str(a, s);
	struct str out = arena_printf(a, "postgresql://%.*s%.*s", (int)colon, login.s,
		STR_ARG(str_skip(rest, (size_t)at)));
	return out.s ? out : STR("");
}

static int read_counts(struct db *db, struct store_stats *ret, struct err *e)
{
	uint64_t first_us = 0, last_us = 0;
	int rc = read_number(db, "SELECT coalesce(sum(findings), 0) FROM tally", &ret->findings, e);

	if (rc == 0)
		rc = read_number(db, "SELECT count(*) FROM entity", &ret->entities, e);
	if (rc == 0)
		rc = read_number(db, "SELECT count(*) FROM relation", &ret->relations, e);
	if (rc == 0)
		rc = read_number(db, "SELECT coalesce(min(n), 0) FROM finding", &first_us, e);
	if (rc == 0)
		rc = read_number(db, "SELECT coalesce(max(n), 0) FROM finding", &last_us, e);
	if (rc == 0)
		rc = read_number(db, "{size}", &ret->size_bytes, e);
	if (rc == 0)
		rc = read_number(db, "{free}", &ret->free_bytes, e);
	ret->oldest_ns = first_us * 1000;
	ret->newest_ns = last_us * 1000;
	return rc;
}

static int read_engine_version(struct db *db, struct arena *a, struct str *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, "{engine_version}", &st, e);

	*ret = STR("");
	if (rc < 0)
		return rc;
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_take_text(st, 0, a);
	stmt_done(st);
	return rc;
}

int store_stats(struct store *s, struct arena *a, struct store_stats *ret, struct err *e)
{
	struct db *db = NULL;
	int rc = store_settled_take(s, &db, e);

	if (rc < 0)
		return rc;
	*ret = (struct store_stats){
		.engine = s->ops->name,
		.path = s->ops->engine == DB_SQLITE ? take_str(a, str_of(s->place))
						    : without_password(a, s->place),
		.retention = {s->retention_age_ns, s->retention_size},
		.schema = s->schema,
		.was_unclean = s->was_unclean,
		.check_unfinished = s->check_unfinished,
		.put_records = s->put_records,
		.put_refused = s->put_refused,
		.put_known = s->put_known,
		.commits = s->commits,
	};
	rc = read_counts(db, ret, e);
	if (rc == 0)
		rc = read_engine_version(db, a, &ret->version, e);
	store_reader_give(s, db);
	return rc;
}

/* ---- is it sound? --------------------------------------------------------------------------- */

/* Runs a check's pragma: its first line that is not "ok" is the complaint. */
static int run_check(struct store *s, struct db *db, const char *literal, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, literal, &st, e);

	if (rc < 0)
		return rc;
	rc = stmt_step(st, e);
	if (rc > 0) {
		struct str said = stmt_get_text(st, 0);

		rc = 0;
		if (!str_is(said, "ok"))
			rc = err_set(e, EUCLEAN,
				"%s is damaged: %.*s. Stop koban and put a backup in its place; "
				"or save what can be read with: sqlite3 '%s' .recover | sqlite3 "
				"new.db; or move it aside: koban store move-aside",
				s->place, STR_ARG(str_head(said, 300)), s->place);
	}
	stmt_done(st);
	return rc;
}

int upkeep_quick_check(struct store *s, uint64_t ms, bool *ret_unfinished, struct err *e)
{
	int rc = 0;

	s->ops->set_timeout(s->writer, ms);
	rc = run_check(s, s->writer, "PRAGMA quick_check(1)", e);
	s->ops->set_timeout(s->writer, 0);
	*ret_unfinished = rc == -ETIMEDOUT;
	return rc == -ETIMEDOUT ? 0 : rc;
}

/* What the tables say of each other. */
static int check_counts(struct store *s, struct db *db, struct err *e)
{
	static const struct {
		const char *what, *sql;
	} rows[] = {
		{"findings without their evidence",
			"SELECT count(*) FROM finding f LEFT JOIN evidence r ON r.n = f.n "
			"WHERE r.n IS NULL"},
		{"evidence without its finding",
			"SELECT count(*) FROM evidence r LEFT JOIN finding f ON f.n = r.n "
			"WHERE f.n IS NULL"},
		{"findings whose entities are neither known nor to be derived",
			"SELECT count(*) FROM finding f LEFT JOIN mention m ON m.n = f.n LEFT JOIN "
			"underived w ON w.n = f.n WHERE (m.n IS NULL) = (w.n IS NULL)"},
		{"findings to be derived that are gone",
			"SELECT count(*) FROM underived w LEFT JOIN finding f ON f.n = w.n "
			"WHERE f.n IS NULL"},
		{"mentions whose finding is gone",
			"SELECT count(*) FROM mention m LEFT JOIN finding f ON f.n = m.n "
			"WHERE f.n IS NULL"},
		{"states whose count is wrong",
			"SELECT count(*) FROM (SELECT state, priority, count(*) AS c FROM finding "
			"GROUP BY state, priority) x LEFT JOIN tally t ON t.state = x.state AND "
			"t.priority = x.priority WHERE coalesce(t.findings, 0) <> x.c"},
		{"links to findings that are gone",
			"SELECT count(*) FROM finding_entity x LEFT JOIN finding f ON f.n = x.n "
			"WHERE f.n IS NULL"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t n = 0;
		int rc = read_number(db, rows[i].sql, &n, e);

		if (rc == 0 && n)
			rc = err_set(e, EUCLEAN, "the store holds %" PRIu64 " %s; restore a backup",
				n, rows[i].what);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The full-text index against the text that it is of; it is asked by a write. */
static int check_words(struct store *s, struct err *e)
{
	int rc = 0;

	if (s->ops->engine != DB_SQLITE || s->options.read_only)
		return 0;
	pthread_mutex_lock(&s->write_lock);
	rc = s->ops->exec(
		s->writer, "INSERT INTO fts (fts, rank) VALUES ('integrity-check', 1)", e);
	pthread_mutex_unlock(&s->write_lock);
	return rc;
}

int store_check(struct store *s, struct err *e)
{
	struct db *db = NULL;
	int rc = store_settled_take(s, &db, e);

	if (rc < 0)
		return rc;
	s->ops->set_timeout(db, 0);
	if (s->ops->engine == DB_SQLITE)
		rc = run_check(s, db, "PRAGMA integrity_check(1)", e);
	if (rc == 0)
		rc = check_counts(s, db, e);
	s->ops->set_timeout(db, s->options.query_timeout_ms);
	store_reader_give(s, db);
	return rc < 0 ? rc : check_words(s, e);
}

/* ---- backup --------------------------------------------------------------------------------- */

/*
 * The source's connection holds a read transaction from the first page to the last, so that writers
 * go on and the copy is of one moment; without it each write would make the copy begin anew.
 */
static int copy_pages(
	sqlite3 *to, sqlite3 *from, store_progress_fn progress, void *arg, struct err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc = SQLITE_OK;

	if (!b)
		return sqlite_fail(to, sqlite3_errcode(to), e);
	do {
		rc = sqlite3_backup_step(b, BACKUP_PAGES);
		uint64_t total = (uint64_t)sqlite3_backup_pagecount(b);
		uint64_t done = total - (uint64_t)sqlite3_backup_remaining(b);

		if (progress && (rc == SQLITE_OK || rc == SQLITE_DONE) &&
			!progress(done, total, arg)) {
			sqlite3_backup_finish(b);
			return err_set(e, ECANCELED, "the backup was stopped");
		}
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			sqlite3_sleep(50);
	} while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	sqlite3_backup_finish(b);
	return rc == SQLITE_DONE ? 0 : sqlite_fail(to, rc, e);
}

static int copy_database(
	struct store *s, const char *path, store_progress_fn progress, void *arg, struct err *e)
{
	struct db_options o = {.place = s->place, .is_power_safe = true, .leaf = filter_leaf_holds};
	struct db *from = NULL;
	sqlite3 *to = NULL;
	int rc = s->ops->open(&o, &from, e);

	if (rc < 0)
		return rc;
	rc = s->ops->exec(from, "BEGIN; SELECT count(*) FROM setting", e);
	if (rc == 0) {
		int lite = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE, NULL);

		rc = lite == SQLITE_OK ? 0 : sqlite_fail(to, lite, e);
	}
	if (rc == 0)
		rc = copy_pages(to, sqlite_handle(from), progress, arg, e);
	sqlite3_close(to);
	db_close(from);
	return rc;
}

static int sync_path(const char *path, int flags, struct err *e)
{
	int fd = open(path, flags | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = err_set(e, errno, "cannot sync %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int sync_folder_of(const char *path, struct err *e)
{
	ptrdiff_t slash = str_rfind_char(str_of(path), '/');
	char folder[4096];

	if (slash == 0)
		slash = 1;
	if (!str_copy(slash < 0 ? STR(".") : str_head(str_of(path), (size_t)slash), folder,
		    sizeof(folder)))
		return err_set(e, ENAMETOOLONG, "%s: the path is too long", path);
	return sync_path(folder, O_RDONLY | O_DIRECTORY, e);
}

static int make_empty(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, errno, "cannot make %s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int finish_backup(const char *part, const char *path, struct err *e)
{
	int rc = sync_path(part, O_RDONLY, e);

	if (rc == 0 && renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) < 0)
		rc = err_set(e, errno, "cannot make %s: %s", path, strerror(errno));
	return rc < 0 ? rc : sync_folder_of(path, e);
}

int store_backup(
	struct store *s, const char *path, store_progress_fn progress, void *arg, struct err *e)
{
	char part[4096];
	int rc = 0;

	if (s->ops->engine != DB_SQLITE)
		return err_set(e, ENOTSUP,
			"koban does not back up PostgreSQL; use pg_dump --format=custom, or what "
			"the database's keepers use");
	if (s->in_memory)
		return err_set(e, ENOTSUP, "a database in memory has no backup");
	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return err_set(e, ENAMETOOLONG, "%s: the path is too long", path);
	if (access(path, F_OK) == 0)
		return err_set(e, EEXIST, "%s is there already; name a new file", path);
	rc = make_empty(part, e);
	if (rc < 0)
		return rc;
	rc = copy_database(s, part, progress, arg, e);
	if (rc == 0)
		rc = finish_backup(part, path, e);
	if (rc < 0)
		unlink(part);
	return rc;
}
