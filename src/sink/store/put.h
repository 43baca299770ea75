/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One transaction of records; private to the room. */
#include "sink/store/read.h"

/* One transaction's work. */
struct put {
	struct store *s;
	struct db *db;
	struct record **records;
	size_t n, nfindings; /* nfindings: new ones so far */
	bool has_others;     /* other records speak of entities too */
	struct tally tally;
};

/* put_finding.c: the row of a finding, if it is new; its evidence and its words. */
int put_finding(struct put *p, struct record *r, struct err *e);
int put_evidence(struct db *db, const struct record *r, struct err *e);
