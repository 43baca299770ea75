/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The unix socket on which sensors hand over records: a line of JSON each. Line n of a connection
 * is answered with "ok N", N ≥ n, once it is durable, or with "no n REASON" when it can never be.
 */
#include "base/err.h"
#include "sink/store/store.h"

struct ingest;

struct ingest_counts {
	uint64_t records, refused, batches, retries, clients, strangers;
	bool is_stuck; /* the store takes nothing: see why */
	char why[300];
};

/* Makes the socket at path, or takes fd when it is not negative. 0 or -errno. */
int ingest_new(const char *path, int fd, struct ingest **ret, struct err *e);
/* Starts the thread. */
int ingest_start(struct ingest *i, struct store *s, struct err *e);
struct ingest_counts ingest_counts(struct ingest *i);
/* Ends the thread: what was not acknowledged is sent again by whoever sent it. */
void ingest_stop(struct ingest *i);
void ingest_free(struct ingest *i);
