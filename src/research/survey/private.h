/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of the survey share. db.c alone talks to SQLite's C interface. */
#include <pthread.h>
#include <sqlite3.h>

#include "research/survey/survey.h"

struct survey {
	sqlite3 *db;
	pthread_mutex_t lock; /* a statement at a time */
	int lock_fd;          /* of a writer; -1 */
	char *path;
};

enum target_state { TARGET_WAITING, TARGET_TAKEN, TARGET_DONE, TARGET_FAILED };

/* ---- db.c ---- */
int survey_error(struct survey *s, struct err *e);
sqlite3_stmt *survey_prepare(struct survey *s, const char *sql, struct err *e);
void survey_bind_str(sqlite3_stmt *st, int at, struct str v);
/* Steps a statement that returns nothing and finishes it. */
int survey_run(struct survey *s, sqlite3_stmt *st, struct err *e);
int survey_exec(struct survey *s, const char *sql, struct err *e);
/* A column as a string in the arena. */
struct str survey_column_str(sqlite3_stmt *st, int column, struct arena *a);
