/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A thread that puts batches of records into the store, one after the other. There are two: while
 * one is put, whoever gathers fills and reads the next. One thread gathers and takes back; a
 * batch goes putter_free_batch() → putter_add() … → putter_give() → putter_done() →
 * putter_release().
 */
#include "base/buf.h"
#include "base/err.h"
#include "sink/store/store.h"

enum {
	PUTTER_RECORDS = 2000,
	PUTTER_BYTES = 4 << 20, /* of a batch's lines */
	PUTTER_PARTS = 64,
};

/* Lines that came from one sender, in their order. */
struct putter_part {
	uint64_t sender;
	size_t n;
};

struct putter_batch {
	struct buf text;
	struct str records[PUTTER_RECORDS];
	struct store_put_result results[PUTTER_RECORDS];
	size_t nrecords;
	struct putter_part parts[PUTTER_PARTS];
	size_t nparts;
	struct store_batch *read;
	bool is_read;
};

struct putter_trouble {
	uint64_t retries;
	bool is_stuck; /* the store takes nothing: see why */
	char why[300];
};

struct putter;

/* Starts the thread. */
int putter_new(struct store *s, struct putter **ret, struct err *e);
void putter_free(struct putter *p);
/* Ends the thread once what it is putting is put or refused; what was put can still be taken. */
void putter_stop(struct putter *p);
/* Becomes readable when a batch was put; putter_done() makes it unreadable. */
int putter_fd(const struct putter *p);
/* An empty batch to fill, or NULL while both are on their way. */
struct putter_batch *putter_free_batch(struct putter *p);
/* Adds a copy of a line; false, it is full. An empty batch takes any line up to PUTTER_BYTES. */
bool putter_add(struct putter_batch *b, uint64_t sender, struct str line);
/* Reads the batch in this thread and has it put. */
void putter_give(struct putter *p, struct putter_batch *b);
/* The oldest batch that is durable, or NULL; give it back with putter_release(). */
struct putter_batch *putter_done(struct putter *p);
void putter_release(struct putter *p);
struct putter_trouble putter_trouble(struct putter *p);
