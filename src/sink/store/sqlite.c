/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite as an engine of the store (https://www.sqlite.org/c3ref/intro.html). One connection is
 * used by one thread at a time; the store sees to it. Says nothing of the schema.
 *
 * Durability: in WAL mode a commit is in the log when it returns. With synchronous=FULL the log was
 * also synced, so a power cut loses nothing; with NORMAL it is synced at checkpoints only, which a
 * killed process survives all the same. https://www.sqlite.org/pragma.html#pragma_synchronous
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "sink/store/db.h"
#include "sink/store/sqlite.h"

enum {
	PROGRESS_OPS = 4000, /* virtual machine steps between two looks at the clock */
	BUSY_MS = 10000,     /* another process (a backup) holds the file that long at most */
};

struct lite {
	struct db db;
	sqlite3 *h;
	uint64_t timeout_ms, deadline_ns;
	bool (*leaf)(const void *leaf, struct str text, bool is_number, int64_t number);
};

struct lite_stmt {
	struct stmt st;
	sqlite3_stmt *h;
	bool is_running;
};

static struct lite *lite_of(struct stmt *st)
{
	return (struct lite *)st->db;
}

static sqlite3_stmt *handle(struct stmt *st)
{
	return ((struct lite_stmt *)st)->h;
}

sqlite3 *sqlite_handle(struct db *db)
{
	return ((struct lite *)db)->h;
}

/* The errno of a result code, https://www.sqlite.org/rescode.html */
static int errno_of(sqlite3 *h, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_IOERR: /* extending the shared memory says it this way */
		return h && sqlite3_system_errno(h) == ENOSPC ? ENOSPC : EIO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EAGAIN;
	case SQLITE_INTERRUPT:
		return ETIMEDOUT;
	case SQLITE_CONSTRAINT:
		return EEXIST;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_TOOBIG:
		return EFBIG;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EACCES;
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return EINVAL;
	default:
		return EIO;
	}
}

int sqlite_fail(sqlite3 *h, int rc, struct err *e)
{
	int code = errno_of(h, rc);
	const char *path = h ? sqlite3_db_filename(h, "main") : NULL;

	if (!path || !*path)
		path = "the database";
	if (code == ENOSPC)
		return err_set(e, code,
			"%s: the disk is full; nothing that was acknowledged is lost. Make room, "
			"or lower the store's retention",
			path);
	if (code == EUCLEAN)
		return err_set(e, code,
			"%s is damaged (%s). Stop koban and put a backup in its place; or "
			"save what can be read with: sqlite3 '%s' .recover | sqlite3 new.db; "
			"or move it aside: koban store move-aside",
			path, h ? sqlite3_errmsg(h) : sqlite3_errstr(rc), path);
	if (code == ETIMEDOUT)
		return err_set(e, code,
			"the query took too long and was stopped; narrow it, for example by time");
	if (code == EAGAIN)
		return err_set(e, code, "%s is locked by another program (%s); try again", path,
			h ? sqlite3_errmsg(h) : sqlite3_errstr(rc));
	return err_set(e, code, "%s: %s", path, h ? sqlite3_errmsg(h) : sqlite3_errstr(rc));
}

static int on_progress(void *arg)
{
	struct lite *l = arg;

	return l->deadline_ns && clock_boot_ns() > l->deadline_ns;
}

/* koban_leaf(leaf, value): one comparison of a filter that SQL cannot do exactly. */
static void leaf_function(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct lite *l = sqlite3_user_data(ctx);
	const void *leaf = sqlite3_value_pointer(argv[0], "koban_leaf");
	int type = sqlite3_value_type(argv[1]);
	bool yes = false;

	if (!leaf || type == SQLITE_NULL) {
		sqlite3_result_int(ctx, 0);
		return;
	}
	if (type == SQLITE_INTEGER) {
		yes = l->leaf(leaf, STR_NULL, true, sqlite3_value_int64(argv[1]));
	} else {
		const char *s = (const char *)sqlite3_value_text(argv[1]);

		yes = l->leaf(leaf, str_make(s, (size_t)sqlite3_value_bytes(argv[1])), false, 0);
	}
	sqlite3_result_int(ctx, yes);
}

static int make_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_set(e, errno,
			"cannot open or make %s: %s; the folder must exist and be writable", path,
			strerror(errno));
	close(fd);
	return 0;
}

/*
 * The log may grow to 64 MiB before its pages go to their places: a page that many commits touch
 * goes once a round. A transaction that writes the entities of many findings makes it longer, so
 * its file keeps more: to be cut and to grow again costs. Pages that are freed are not written once
 * more to be zeroed (FAST; Debian's SQLite does that by default), which merging the full-text index
 * does all the time; what is deleted inside of pages in use is.
 */
#define WRITER_PRAGMAS                                                                             \
	"PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA secure_delete=FAST;"      \
	"PRAGMA wal_autocheckpoint=16000; PRAGMA journal_size_limit=134217728;"

static int set_up(struct lite *l, const struct db_options *o, struct err *e)
{
	char sql[600];

	sqlite3_busy_timeout(l->h, BUSY_MS);
	sqlite3_extended_result_codes(l->h, 1);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_limit(l->h, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_progress_handler(l->h, PROGRESS_OPS, on_progress, l);
	if (sqlite3_create_function(l->h, "koban_leaf", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, l,
		    leaf_function, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(l->h, SQLITE_NOMEM, e);
	snprintf(sql, sizeof(sql),
		"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
		"PRAGMA cache_size=%d; PRAGMA synchronous=%s;%s",
		o->is_writer ? -65536 : -16384, o->is_power_safe ? "FULL" : "NORMAL",
		o->read_only   ? "PRAGMA query_only=ON;"
		: o->is_writer ? WRITER_PRAGMAS
			       : "");
	return db_sqlite.exec(&l->db, sql, e);
}

static int lite_open(const struct db_options *o, struct db **ret, struct err *e)
{
	bool in_memory = strcmp(o->place, ":memory:") == 0;
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_READWRITE;
	struct lite *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (!l)
		return err_set(e, ENOMEM, "no memory to open %s", o->place);
	l->db.ops = &db_sqlite;
	l->leaf = o->leaf;
	l->timeout_ms = o->timeout_ms;
	if (!in_memory && o->is_writer && !o->read_only)
		rc = make_file(o->place, e);
	if (rc == 0 && !in_memory && access(o->place, R_OK | W_OK) < 0)
		rc = err_set(e, errno, "cannot open %s: %s", o->place, strerror(errno));
	if (rc == 0) {
		int lite = sqlite3_open_v2(
			o->place, &l->h, flags | (in_memory ? SQLITE_OPEN_CREATE : 0), NULL);

		if (lite != SQLITE_OK)
			rc = sqlite_fail(l->h, lite, e);
	}
	if (rc == 0)
		rc = set_up(l, o, e);
	if (rc < 0) {
		db_close(&l->db);
		return rc;
	}
	*ret = &l->db;
	return 0;
}

static void lite_close(struct db *db)
{
	struct lite *l = (struct lite *)db;

	sqlite3_close_v2(l->h);
	free(l);
}

static int lite_revive(struct db *db, struct err *e)
{
	return 0; /* a file does not go away */
}

static void lite_set_timeout(struct db *db, uint64_t ms)
{
	((struct lite *)db)->timeout_ms = ms;
}

static void start_clock(struct lite *l)
{
	l->deadline_ns = l->timeout_ms ? clock_boot_ns() + l->timeout_ms * 1000000 : 0;
}

static int lite_exec(struct db *db, const char *sql, struct err *e)
{
	struct lite *l = (struct lite *)db;

	l->deadline_ns = 0;
	int rc = sqlite3_exec(l->h, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : sqlite_fail(l->h, rc, e);
}

static int lite_prepare(struct db *db, const char *sql, struct stmt **ret, struct err *e)
{
	struct lite *l = (struct lite *)db;
	struct lite_stmt *st = calloc(1, sizeof(*st));
	int rc = SQLITE_NOMEM;

	if (st)
		rc = sqlite3_prepare_v3(l->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->h, NULL);
	if (rc != SQLITE_OK) {
		free(st);
		return sqlite_fail(l->h, rc, e);
	}
	st->st.db = db;
	*ret = &st->st;
	return 0;
}

static void lite_finish(struct stmt *st)
{
	sqlite3_finalize(handle(st));
	free(st);
}

static void lite_reset(struct stmt *st)
{
	sqlite3_reset(handle(st));
	sqlite3_clear_bindings(handle(st));
	((struct lite_stmt *)st)->is_running = false;
	st->failed = false;
}

static void note(struct stmt *st, int rc)
{
	if (rc != SQLITE_OK)
		st->failed = true;
}

static void lite_bind_null(struct stmt *st, int i)
{
	note(st, sqlite3_bind_null(handle(st), i));
}

static void lite_bind_int(struct stmt *st, int i, int64_t v)
{
	note(st, sqlite3_bind_int64(handle(st), i, v));
}

static void lite_bind_double(struct stmt *st, int i, double v)
{
	note(st, sqlite3_bind_double(handle(st), i, v));
}

static void lite_bind_text(struct stmt *st, int i, struct str s)
{
	note(st, sqlite3_bind_text64(
			 handle(st), i, s.s ? s.s : "", s.len, SQLITE_STATIC, SQLITE_UTF8));
}

static void lite_bind_leaf(struct stmt *st, int i, const void *leaf)
{
	note(st, sqlite3_bind_pointer(handle(st), i, (void *)leaf, "koban_leaf", NULL));
}

static int lite_step(struct stmt *st, struct err *e)
{
	struct lite *l = lite_of(st);
	struct lite_stmt *ls = (struct lite_stmt *)st;

	if (st->failed)
		return err_set(e, ENOMEM, "no memory for a statement's values");
	if (!ls->is_running)
		start_clock(l);
	ls->is_running = true;
	int rc = sqlite3_step(handle(st));
	if (rc == SQLITE_ROW)
		return 1;
	ls->is_running = false;
	return rc == SQLITE_DONE ? 0 : sqlite_fail(l->h, rc, e);
}

static bool lite_is_null(struct stmt *st, int col)
{
	return sqlite3_column_type(handle(st), col) == SQLITE_NULL;
}

static int64_t lite_get_int(struct stmt *st, int col)
{
	return sqlite3_column_int64(handle(st), col);
}

static double lite_get_double(struct stmt *st, int col)
{
	return sqlite3_column_double(handle(st), col);
}

static struct str lite_get_text(struct stmt *st, int col)
{
	const char *s = (const char *)sqlite3_column_text(handle(st), col);

	return str_make(s ? s : "", s ? (size_t)sqlite3_column_bytes(handle(st), col) : 0);
}

static uint64_t lite_changes(struct stmt *st)
{
	return (uint64_t)sqlite3_changes64(lite_of(st)->h);
}

static int lite_insert(struct stmt *st, int64_t *ret_id, struct err *e)
{
	int rc = lite_step(st, e);

	*ret_id = rc == 0 && lite_changes(st) ? sqlite3_last_insert_rowid(lite_of(st)->h) : 0;
	return rc < 0 ? rc : 0;
}

const struct db_ops db_sqlite = {
	.name = "sqlite",
	.engine = DB_SQLITE,
	.open = lite_open,
	.close = lite_close,
	.revive = lite_revive,
	.set_timeout = lite_set_timeout,
	.exec = lite_exec,
	.prepare = lite_prepare,
	.finish = lite_finish,
	.reset = lite_reset,
	.bind_null = lite_bind_null,
	.bind_int = lite_bind_int,
	.bind_double = lite_bind_double,
	.bind_text = lite_bind_text,
	.bind_leaf = lite_bind_leaf,
	.step = lite_step,
	.is_null = lite_is_null,
	.get_int = lite_get_int,
	.get_double = lite_get_double,
	.get_text = lite_get_text,
	.changes = lite_changes,
	.insert = lite_insert,
};
