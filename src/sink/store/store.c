/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and closing a store; the writer's transactions and the readers' pool. What is in the
 * database is the work of the other files.
 *
 * Was the last end clean? The setting "clean" is 0 while a store is open and 1 after a close. A
 * killed koban leaves a sound file behind (that is what the write-ahead log is for), but a machine
 * that lost power may not have kept its promises: then the file is looked through before use, for
 * at most CHECK_MS.
 */
#include "sink/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/store/read.h"
#include "sink/store/upkeep.h"

enum { READERS_DEFAULT = 4, READERS_MAX = 64, QUERY_MS_DEFAULT = 5000, CHECK_MS = 10000 };

uint64_t store_now(const struct store *s)
{
	return s->options.now_ns ? s->options.now_ns() : clock_epoch_ns();
}

/* ---- the URL -------------------------------------------------------------------------------- */

static int parse_url(struct store *s, struct err *e)
{
	struct str url = str_of(s->options.url);

	if (!url.len)
		return err_set(e, EINVAL, "the store has no path and no URL");
	if (str_starts(url, STR("postgresql://")) || str_starts(url, STR("postgres://"))) {
		s->ops = &db_postgres;
	} else {
		s->ops = &db_sqlite;
		if (str_starts(url, STR("sqlite:")))
			url = str_skip(url, 7);
		if (str_starts(url, STR("//")))
			url = str_skip(url, 2);
		else if (str_find(url, STR("://")) >= 0)
			return err_set(e, EINVAL,
				"no store of this kind: %s; give a path, sqlite:PATH or "
				"postgresql://…",
				s->options.url);
		s->in_memory = str_is(url, ":memory:");
	}
	s->place = strndup(url.s, url.len);
	return s->place ? 0 : err_set(e, ENOMEM, "no memory to open a store");
}

static int open_connection(struct store *s, bool is_writer, struct db **ret, struct err *e)
{
	struct db_options o = {.place = s->place,
		.read_only = s->options.read_only,
		.is_power_safe = s->options.durability == STORE_DURABLE_POWER,
		.is_writer = is_writer,
		.timeout_ms = is_writer ? 0 : s->options.query_timeout_ms,
		.leaf = filter_leaf_holds};

	return s->ops->open(&o, ret, e);
}

/* ---- one koban at a time -------------------------------------------------------------------- */

/* Two writers would not harm the file, but each keeps in memory what the other changes. */
static int lock_file(struct store *s, struct err *e)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s.lock", s->place) >= (int)sizeof(path))
		return err_set(e, ENAMETOOLONG, "%s: the path is too long", s->place);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return err_set(e, errno,
			"cannot make %s: %s; the folder must exist and be writable", path,
			strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(
			e, EBUSY, "%s is in use by another koban; stop that one first", s->place);
	return 0;
}

static int lock_server(struct store *s, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(s->writer,
		"SELECT CASE WHEN pg_try_advisory_lock(hashtext(current_schema()), 1801675105) "
		"THEN 1 ELSE 0 END",
		&st, e);
	bool is_mine = false;

	if (rc < 0)
		return rc;
	rc = stmt_row(st, e);
	if (rc == 0)
		is_mine = stmt_get_int(st, 0) == 1;
	stmt_done(st);
	if (rc == 0 && !is_mine)
		return err_set(e, EBUSY,
			"the PostgreSQL database is in use by another koban; stop that one first");
	return rc;
}

/* ---- clean ends ----------------------------------------------------------------------------- */

static int mark_clean(struct store *s, bool is_clean, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(s->writer,
		"INSERT INTO setting (name, value) VALUES ('store.clean', ?1) "
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, is_clean ? STR("1") : STR("0"));
	return stmt_run(st, NULL, e);
}

static int read_clean(struct store *s, bool *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(
		s->writer, "SELECT value FROM setting WHERE name = 'store.clean'", &st, e);

	*ret = true;
	if (rc < 0)
		return rc;
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = str_is(stmt_get_text(st, 0), "1");
	stmt_done(st);
	return rc == -ENOENT ? 0 : rc;
}

static int check_after_unclean_end(struct store *s, struct err *e)
{
	bool is_clean = true;
	int rc = read_clean(s, &is_clean, e);

	if (rc < 0 || is_clean)
		return rc;
	s->was_unclean = true;
	if (s->ops->engine != DB_SQLITE)
		return 0; /* the server looks after its own files */
	return upkeep_quick_check(s, CHECK_MS, &s->check_unfinished, e);
}

/* ---- opening -------------------------------------------------------------------------------- */

static int open_writer(struct store *s, struct err *e)
{
	bool locks = !s->options.read_only && !s->in_memory;
	int rc = 0;

	if (locks && s->ops->engine == DB_SQLITE && s->lock_fd < 0)
		rc = lock_file(s, e);
	if (rc == 0)
		rc = open_connection(s, true, &s->writer, e);
	if (rc == 0 && locks && s->ops->engine == DB_POSTGRES)
		rc = lock_server(s, e);
	if (rc == 0)
		rc = migrate(s->writer, s->options.read_only, &s->schema, e);
	if (rc == 0 && !s->options.read_only)
		rc = check_after_unclean_end(s, e);
	if (rc == 0 && !s->options.read_only)
		rc = mark_clean(s, false, e);
	if (rc == 0 && !s->options.read_only)
		rc = derived_settle(s, e); /* what a kill left underived */
	if (rc == 0)
		rc = mutes_load(s, e);
	return rc;
}

/* A damaged file goes aside with its log, so that nothing of it leaks into the new one. */
static int move_aside(struct store *s, struct err *e)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char from[4096], to[4096];

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		int a = snprintf(from, sizeof(from), "%s%s", s->place, ends[i]);
		int b = snprintf(to, sizeof(to), "%s.damaged-%llu%s", s->place,
			(unsigned long long)(store_now(s) / NSEC_PER_SEC), ends[i]);

		if (a >= (int)sizeof(from) || b >= (int)sizeof(to))
			return err_set(e, ENAMETOOLONG, "%s: the path is too long", s->place);
		if (rename(from, to) < 0 && errno != ENOENT)
			return err_set(
				e, errno, "cannot rename %s to %s: %s", from, to, strerror(errno));
	}
	return 0;
}

static int open_or_begin_anew(struct store *s, struct err *e)
{
	int rc = open_writer(s, e);

	if (rc != -EUCLEAN || !s->options.move_damaged_aside || s->in_memory ||
		s->ops->engine != DB_SQLITE || s->options.read_only)
		return rc;
	db_close(s->writer);
	s->writer = NULL;
	rc = move_aside(s, e);
	return rc < 0 ? rc : open_writer(s, e);
}

static struct store *new_store(const struct store_options *o)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = *o;
	s->lock_fd = -1;
	s->jobs_end = &s->jobs;
	if (!s->options.query_timeout_ms)
		s->options.query_timeout_ms = QUERY_MS_DEFAULT;
	s->nreaders = o->nreaders ? o->nreaders : READERS_DEFAULT;
	if (s->nreaders > READERS_MAX)
		s->nreaders = READERS_MAX;
	store_retention_set(s, &o->retention);
	pthread_mutex_init(&s->put_lock, NULL);
	pthread_cond_init(&s->put_done, NULL);
	pthread_mutex_init(&s->write_lock, NULL);
	pthread_mutex_init(&s->pool_lock, NULL);
	pthread_cond_init(&s->pool_free, NULL);
	return s;
}

int store_open(const struct store_options *o, struct store **ret, struct err *e)
{
	struct store *s = new_store(o);
	int rc = 0;

	if (!s)
		return err_set(e, ENOMEM, "no memory to open a store");
	s->entities = entities_new();
	s->rules = rules_new();
	if (!s->entities || !s->rules)
		rc = err_set(e, ENOMEM, "no memory to open a store");
	if (rc == 0)
		rc = parse_url(s, e);
	if (rc == 0)
		rc = open_or_begin_anew(s, e);
	if (rc < 0) {
		s->options.read_only = true; /* it was not ours to mark */
		store_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	struct db *db = NULL;

	if (!s)
		return;
	while ((db = s->readers)) {
		s->readers = db->next_free;
		db_close(db);
	}
	if (s->writer && !s->options.read_only) {
		struct err ignored;

		(void)!store_settle(s, &ignored);
		(void)!mark_clean(s, true, &ignored);
	}
	db_close(s->writer);
	mutes_free(s->mutes);
	entities_free(s->entities);
	rules_free(s->rules);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_cond_destroy(&s->pool_free);
	pthread_mutex_destroy(&s->pool_lock);
	pthread_mutex_destroy(&s->write_lock);
	pthread_cond_destroy(&s->put_done);
	pthread_mutex_destroy(&s->put_lock);
	free(s->place);
	free(s);
}

/* ---- readers -------------------------------------------------------------------------------- */

/* A free connection, or the right to open one (*ret NULL). */
static struct db *wait_for_reader(struct store *s)
{
	struct db *db = NULL;

	pthread_mutex_lock(&s->pool_lock);
	while (!s->readers && s->nopen >= s->nreaders)
		pthread_cond_wait(&s->pool_free, &s->pool_lock);
	db = s->readers;
	if (db)
		s->readers = db->next_free;
	else
		s->nopen++;
	pthread_mutex_unlock(&s->pool_lock);
	return db;
}

static void drop_reader(struct store *s, struct db *db)
{
	db_close(db);
	pthread_mutex_lock(&s->pool_lock);
	s->nopen--;
	pthread_cond_signal(&s->pool_free);
	pthread_mutex_unlock(&s->pool_lock);
}

int store_reader_take(struct store *s, struct db **ret, struct err *e)
{
	struct db *db = NULL;
	int rc = 0;

	if (s->in_memory) { /* there is one connection to such a database */
		pthread_mutex_lock(&s->write_lock);
		s->ops->set_timeout(s->writer, s->options.query_timeout_ms);
		*ret = s->writer;
		return 0;
	}
	db = wait_for_reader(s);
	rc = db ? s->ops->revive(db, e) : open_connection(s, false, &db, e);
	if (rc < 0) {
		drop_reader(s, db);
		return rc;
	}
	*ret = db;
	return 0;
}

int store_settled_take(struct store *s, struct db **ret, struct err *e)
{
	struct err ignored; /* a full disk: what is written can be read all the same */

	(void)!store_settle(s, &ignored);
	return store_reader_take(s, ret, e);
}

void store_reader_give(struct store *s, struct db *db)
{
	if (s->in_memory) {
		s->ops->set_timeout(s->writer, 0);
		pthread_mutex_unlock(&s->write_lock);
		return;
	}
	pthread_mutex_lock(&s->pool_lock);
	db->next_free = s->readers;
	s->readers = db;
	pthread_cond_signal(&s->pool_free);
	pthread_mutex_unlock(&s->pool_lock);
}

/* ---- the writer ----------------------------------------------------------------------------- */

int store_write_begin(struct store *s, struct err *e)
{
	int rc = 0;

	if (s->options.read_only)
		return err_set(e, EROFS, "the store was opened for reading only");
	pthread_mutex_lock(&s->write_lock);
	rc = db_begin(s->writer, e);
	if (rc < 0)
		pthread_mutex_unlock(&s->write_lock);
	return rc;
}

int store_change_begin(struct store *s, struct err *e)
{
	int rc = 0;

	if (s->options.read_only)
		return err_set(e, EROFS, "the store was opened for reading only");
	pthread_mutex_lock(&s->write_lock);
	if (s->nwaiting)
		rc = derived_settle(s, e);
	if (rc == 0)
		rc = db_begin(s->writer, e);
	if (rc < 0)
		pthread_mutex_unlock(&s->write_lock);
	return rc;
}

int store_write_end(struct store *s, int rc, struct err *e)
{
	if (rc < 0)
		db_rollback(s->writer);
	else
		rc = db_commit(s->writer, e);
	if (rc == 0)
		s->commits++;
	pthread_mutex_unlock(&s->write_lock);
	return rc;
}
