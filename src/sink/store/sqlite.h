/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What backup and check need of SQLite beyond the common connection; private to the room. */
#include <sqlite3.h>

#include "base/err.h"

struct db;

sqlite3 *sqlite_handle(struct db *db);
/* Fills e for a result code; returns -errno. */
int sqlite_fail(sqlite3 *h, int rc, struct err *e);
