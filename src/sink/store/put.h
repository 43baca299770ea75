/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One transaction of records; private to the room. */
#include "sink/store/read.h"

/* One transaction's work. */
struct put {
	struct store *s;
	struct db *db;
	struct record **records;
	size_t n;
	struct tally tally;
};

/* put_finding.c: the row of a finding, if it is new; what follows once its entities have ids. */
int put_finding(struct put *p, struct record *r, struct err *e);
int put_finding_rest(struct put *p, const struct record *r, struct err *e);
