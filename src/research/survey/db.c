/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database of a survey: opening, its tables, its one writer, and the few calls by which the
 * other files speak SQL.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "research/survey/private.h"

/* "koban" in the file's head tells a survey from other databases; then the version of its tables.
 */
enum { APPLICATION_ID = 0x6b737276, VERSION = 1, BUSY_MS = 10000, TEXT_LIMIT = 64 << 20 };

static const char tables[] =
	"CREATE TABLE target("
	"  ref TEXT PRIMARY KEY, state INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT "
	"0,"
	"  image TEXT, why TEXT, changed_s INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE INDEX target_state ON target(state, tries);"
	/* an image is its manifest, or its config where there is none */
	"CREATE TABLE image("
	"  id TEXT PRIMARY KEY, verdict TEXT NOT NULL, reason TEXT NOT NULL, system TEXT NOT NULL,"
	"  scanned_s INTEGER NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	"  packages INTEGER NOT NULL, knowledge TEXT NOT NULL, report TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE label(label TEXT, image TEXT, PRIMARY KEY(label, image)) WITHOUT ROWID;"
	"CREATE TABLE layer(digest TEXT, image TEXT, n INTEGER, size INTEGER,"
	"  PRIMARY KEY(digest, image, n)) WITHOUT ROWID;"
	"CREATE INDEX layer_image ON layer(image);"
	"CREATE TABLE finding("
	"  image TEXT, fingerprint TEXT, \"check\" TEXT NOT NULL, label TEXT NOT NULL,"
	"  severity TEXT NOT NULL, layer TEXT NOT NULL, path TEXT NOT NULL,"
	"  PRIMARY KEY(image, fingerprint)) WITHOUT ROWID;"
	"CREATE INDEX finding_check ON finding(\"check\", image);"
	"CREATE TABLE fact(key TEXT, value TEXT, image TEXT, \"check\" TEXT,"
	"  PRIMARY KEY(key, value, image, \"check\")) WITHOUT ROWID;"
	"CREATE INDEX fact_image ON fact(image);"
	"CREATE INDEX label_image ON label(image);";

int survey_error(struct survey *s, struct err *e)
{
	int code = sqlite3_errcode(s->db) & 0xff;

	return err_set(e,
		code == SQLITE_FULL    ? ENOSPC
		: code == SQLITE_NOMEM ? ENOMEM
		: code == SQLITE_BUSY  ? EBUSY
				       : EIO,
		"%s: %s", s->path, sqlite3_errmsg(s->db));
}

sqlite3_stmt *survey_prepare(struct survey *s, const char *sql, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
		survey_error(s, e);
	return st;
}

void survey_bind_str(sqlite3_stmt *st, int at, struct str v)
{
	sqlite3_bind_text64(st, at, v.s ? v.s : "", v.len, SQLITE_STATIC, SQLITE_UTF8);
}

int survey_run(struct survey *s, sqlite3_stmt *st, struct err *e)
{
	int r = st ? sqlite3_step(st) : SQLITE_ERROR;

	if (st && r != SQLITE_DONE && r != SQLITE_ROW) {
		r = survey_error(s, e);
		sqlite3_finalize(st);
		return r;
	}
	sqlite3_finalize(st);
	return st ? 0 : e ? -e->code : -EIO;
}

int survey_exec(struct survey *s, const char *sql, struct err *e)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : survey_error(s, e);
}

struct str survey_column_str(sqlite3_stmt *st, int column, struct arena *a)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return arena_str(a, str_make(text, (size_t)sqlite3_column_bytes(st, column)));
}

static int ask_number(struct survey *s, const char *sql, int64_t *ret, struct err *e)
{
	sqlite3_stmt *st = survey_prepare(s, sql, e);
	int r = st && sqlite3_step(st) == SQLITE_ROW ? 0 : survey_error(s, e);

	if (r == 0)
		*ret = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return r;
}

static int check_kind(struct survey *s, bool *is_empty, struct err *e)
{
	int64_t id = 0, version = 0, ntables = 0;
	int r = ask_number(s, "PRAGMA application_id", &id, e);

	r = r < 0 ? r : ask_number(s, "PRAGMA user_version", &version, e);
	r = r < 0 ? r : ask_number(s, "SELECT count(*) FROM sqlite_master", &ntables, e);
	if (r < 0)
		return err_set(e, EBADMSG, "%s is no survey of images: %s", s->path,
			sqlite3_errmsg(s->db));
	*is_empty = ntables == 0;
	if (!*is_empty && id != APPLICATION_ID)
		return err_set(e, EBADMSG,
			"%s is a database of something else; name a new file for the survey",
			s->path);
	if (version > VERSION)
		return err_set(e, EBADMSG, "%s was made by a newer koban (tables of version %lld)",
			s->path, (long long)version);
	return 0;
}

static int make_tables(struct survey *s, struct err *e)
{
	char marks[128];

	sqlite3_snprintf(sizeof(marks), marks, "PRAGMA application_id=%d;PRAGMA user_version=%d;",
		APPLICATION_ID, VERSION);
	int r = survey_exec(s, "BEGIN IMMEDIATE", e);

	r = r < 0 ? r : survey_exec(s, tables, e);
	r = r < 0 ? r : survey_exec(s, marks, e);
	return r < 0 ? r : survey_exec(s, "COMMIT", e);
}

/* One writer: a lock of the kernel, which goes with the process however that ends. */
static int lock(struct survey *s, struct err *e)
{
	char *name = sqlite3_mprintf("%s.lock", s->path);

	s->lock_fd = name ? open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	int r = s->lock_fd < 0 ? -errno : 0;

	if (r == 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	if (r == -EWOULDBLOCK)
		r = err_set(e, EBUSY, "another koban writes %s; wait for it or name another file",
			s->path);
	else if (r < 0)
		err_set(e, -r, "%s: %s", name ? name : s->path, strerror(-r));
	sqlite3_free(name);
	return r;
}

static int set_up(struct survey *s, enum survey_mode mode, struct err *e)
{
	bool is_empty = false;
	int r;

	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, TEXT_LIMIT);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if ((r = check_kind(s, &is_empty, e)) < 0)
		return r;
	if (mode == SURVEY_READ)
		return is_empty ? err_set(e, EBADMSG, "%s is empty: no survey was made", s->path)
				: 0;
	if ((r = survey_exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", e)) < 0)
		return r;
	if (is_empty && (r = make_tables(s, e)) < 0)
		return r;
	/* what a writer that died had taken; `tries` was counted when it was taken */
	return survey_exec(s, "UPDATE target SET state=0 WHERE state=1", e);
}

int survey_open(const char *path, enum survey_mode mode, struct survey **ret, struct err *e)
{
	int flags = mode == SURVEY_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
					 : SQLITE_OPEN_READONLY;
	struct survey *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s || !(s->path = strdup(path))) {
		free(s);
		return err_set(e, ENOMEM, "no memory left for the survey");
	}
	s->lock_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	if (mode == SURVEY_READ && access(path, F_OK) < 0)
		r = err_set(e, ENOENT, "there is no survey %s; koban image crawl makes one", path);
	if (r == 0 && mode == SURVEY_WRITE)
		r = lock(s, e);
	if (r == 0 && sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
		r = survey_error(s, e);
	r = r < 0 ? r : set_up(s, mode, e);
	if (r < 0)
		survey_close(s);
	else
		*ret = s;
	return r;
}

void survey_close(struct survey *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}
