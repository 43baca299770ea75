/* SPDX-License-Identifier: Apache-2.0 */
/* How many findings there are by state and priority: changed with them, in the same transaction. */
#include "sink/store/private.h"

static int add(struct db *db, int state, int priority, int64_t n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO tally (state, priority, findings) VALUES (?1, ?2, ?3) "
		"ON CONFLICT (state, priority) DO UPDATE "
		"SET findings = tally.findings + excluded.findings",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, state);
	stmt_int(st, 2, priority);
	stmt_int(st, 3, n);
	return stmt_run(st, NULL, e);
}

int tally_flush(struct tally *t, struct db *db, struct err *e)
{
	for (int s = 0; s < STORE_STATE_COUNT; s++) {
		for (int p = 0; p < PRIORITY_COUNT; p++) {
			int rc = t->n[s][p] ? add(db, s, p, t->n[s][p], e) : 0;

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
