/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The crew: a few threads that have the analyzers look at a layer. The pass walks through the layer
 * and tells the crew what it comes by, step by step; steps are gathered in batches, and every
 * analyzer sees every batch, in order, on one thread at a time. So an analyzer needs no locks, and
 * what it sees does not depend on how many threads there are. Different analyzers may be at
 * different batches. How far the pass may be ahead of the last of them is bounded.
 *
 * With one thread there are no batches: the pass itself has all analyzers look at each step, where
 * its bytes lie. Private to scan/image.
 */
#include <pthread.h>

#include "scan/image/ledger.h"
#include "scan/image/set.h"
#include "scan/image/window.h"

enum {
	CREW_MAX = 4, /* threads */
	BATCH_BYTES = 256 << 10,
	BATCH_STEPS = 256,
	BATCHES = 24,
	/* the pass waits while so much content that is too large for a batch is not seen by all */
	IN_FLIGHT_MAX = 20 << 20,
};

/* Where somebody is, in memory that the parent shares: it is asked when the worker died. */
struct note {
	char analyzer[32];
	char path[512];
	bool is_busy;
};
/* The pass itself, then the analyzers. */
struct pass_note {
	struct note at[1 + ANALYZERS_MAX];
};

/* A member as the analyzers meet it: that it is there, or (a window of) its content. */
struct step {
	struct artifact_file file;
	struct file_view view;      /* with has_view; its file is set by the crew */
	uint64_t number;            /* of the member in the layer */
	uint32_t want;              /* analyzers that see the content, a bit each */
	enum layer_starter starter; /* of the words that the content has */
	bool has_entry, has_view;
};

struct batch {
	char *memory; /* BATCH_BYTES, of names and content */
	size_t used;
	struct step *steps;
	size_t nsteps;
	struct window *window; /* content that is too large for the memory; of the last step */
	bool is_end;           /* the layer ends with it */
	unsigned nleft;        /* analyzers that have not seen it */
};

/* An analyzer at its work. */
struct lane {
	const struct analyzer_ops *ops;
	void *self;
	struct ledger *ledger;
	struct note *note; /* NULL = none */
	uint32_t bit;      /* its own in what is wanted */
	unsigned next;     /* the batch that it sees next */
	bool is_busy;
};

struct crew {
	struct lane lanes[ANALYZERS_MAX];
	size_t nlanes;
	unsigned nthreads;          /* with that of the pass */
	struct note *note;          /* of the pass */
	struct window_pool windows; /* those of the pass with them */
	struct batch *batches;      /* BATCHES of them; NULL with one thread */
	bool is_open;               /* the batch at the head is being filled, by the pass */
	pthread_mutex_t lock;       /* of what is below, and of lanes' `next` and is_busy */
	pthread_cond_t changed;
	unsigned head, tail; /* handed out, seen by all; they only grow */
	size_t in_flight;    /* bytes of windows that are not seen by all */
};

/* The ledger gets a lane for each analyzer. 0 or -errno; after it, also when it failed, close. */
int crew_open(struct crew *c, const struct analyzer_set *set, struct ledger *ledger,
	struct pass_note *note, unsigned threads);
/*
 * Starts the threads but that of the pass, or as many as can be had: that of the pass does what
 * nobody else does. They end with the process.
 */
void crew_start(struct crew *c);
void crew_close(struct crew *c);

/*
 * A step more. What it points to may go once this returns; content that lies in `window` is not
 * copied, but shared, and stays as it is. Waits while too much is not seen yet.
 */
void crew_show(struct crew *c, const struct step *s, struct window *window);
/* The layer ends: returns when all analyzers have seen all of it. */
void crew_end(struct crew *c);

/* ---- between the files of the crew ---------------------------------------------------------- */

/* crew.c: has one analyzer look. */
void lane_see(struct lane *n, const struct step *s);
void lane_see_batch(struct lane *n, const struct batch *b);
/* crew_threads.c: hands the batch at the head out, … */
void crew_publish(struct crew *c);
/* … waits for room for another, or until all is seen, working meanwhile. */
void crew_wait_for_room(struct crew *c);
void crew_wait_for_all(struct crew *c);
