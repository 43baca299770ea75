/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside the output room.
 *
 *   outputs_emit() ─fold─format─▶ queue (memory) ─▶ worker thread ─▶ ops->send()
 *                                    │    ▲ front of spool ++ queue
 *                                    ▼    │
 *                       keeper ─▶ spool (disk)
 *
 * Order: everything in the spool is older than everything in the queue. The worker looks at the
 * front, sends it, and only then removes it; the keeper moves from the queue's front to the spool's
 * end. Both hold spool_lock while they do, so the front stays the front wherever it lies.
 *
 * Locks, in the order in which they may be taken: spool_lock, emit_lock, lock. The engine's thread
 * takes emit_lock and lock, which are never held across a system call that can block.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "sink/output/output.h"

enum {
	RECORD_MAX = 256 * 1024, /* bytes of one formatted finding */
	WINDOW_MAX = 256,        /* records that are sent at once … */
	WINDOW_BYTES = 1 << 20,  /* … and their bytes; a first one that is longer goes alone */
};

/* ---- one kind of output ---------------------------------------------------------------------- */

enum send_result {
	SEND_OK,
	SEND_RETRY,   /* did not work now: again later, the same record */
	SEND_REFUSED, /* will never work for this record */
	SEND_ENDED,   /* will never work again for any record: the reader has gone */
};

struct sent {
	size_t taken, refused;
};

struct sender_env {
	const struct output_config *config; /* strings are not NULL where a default exists */
	int stop_fd;                        /* readable when waiting must end */
	uint64_t timeout_ms;
};

struct output_ops {
	const char *name;
	bool spools; /* what it has not taken is worth keeping on disk */
	/* Checks the configuration and makes the state; never waits for a peer. */
	int (*open)(const struct sender_env *env, void **ret, struct err *e);
	/* What one record is, on the engine's thread; NULL = a line of text or JSON. */
	void (*format)(const struct output_config *c, const struct finding *f, struct buf *out);
	/* On the worker's thread; e is filled unless SEND_OK. */
	enum send_result (*send)(void *state, struct str record, struct err *e);
	/*
	 * Instead of send(), for peers that answer each record: up to `window` records at once,
	 * oldest first, one behind the other in memory. The peer has answered for the first
	 * ret->taken of them, and refused ret->refused of these; the result is that of the rest
	 * (SEND_OK when nothing is left). e is filled when any was refused, and unless SEND_OK.
	 */
	enum send_result (*send_window)(
		void *state, const struct str *records, size_t n, struct sent *ret, struct err *e);
	size_t window;           /* 1 … WINDOW_MAX */
	uint64_t timeout_ms;     /* the default of this kind; 0 = that of all */
	uint64_t backoff_max_ms; /* 0 = that of all; for peers on this machine, which cost little */
	/* Opens again what it had open; NULL = nothing to do. */
	void (*reopen)(void *state);
	void (*close)(void *state);
	/* How long the peer asked us to stay away after SEND_RETRY; NULL or 0 = it did not. */
	uint64_t (*retry_after_ms)(void *state);
};

extern const struct output_ops output_stdout, output_file, output_syslog, output_program,
	output_http, output_store;

/* The record without a line end: text or JSON as the configuration says. */
void format_message(const struct output_config *c, const struct finding *f, struct buf *out);

/*
 * Waits for poll events on fd. 0, -ETIMEDOUT at the deadline (CLOCK_BOOTTIME ns), -ECANCELED when
 * stop_fd speaks.
 */
int wait_fd(int fd, short events, int stop_fd, uint64_t deadline_ns);
/* Writes all of it to a non-blocking descriptor. *ret_done, if given, says how much was written. */
int write_fd(int fd, struct str s, int stop_fd, uint64_t deadline_ns, size_t *ret_done);

/* ---- queue.c: whole records in a ring of bytes; the caller locks ----------------------------- */

struct queue_marks {
	uint64_t begin, end; /* bytes that were ever popped and pushed */
};

struct queue {
	uint8_t *ring;
	size_t size;
	size_t count, max_count;
	struct queue_marks *marks; /* beside the ring */
	int fd;                    /* of the file that holds both; -1 = memory */
};

int queue_init(struct queue *q, size_t max_count, size_t size_bytes);
/*
 * The same in a file of a memory file system, where records outlive a killed process. What an
 * earlier run left there is handed to left(), oldest first, and forgotten when that took it all. 0,
 * -EWOULDBLOCK (another process has it) or -errno.
 */
int queue_open_file(struct queue *q, size_t max_count, size_t size_bytes, const char *path,
	int (*left)(void *arg, struct str record), void *arg);
void queue_done(struct queue *q);
size_t queue_used(const struct queue *q);
/* False when it does not fit. */
bool queue_push(struct queue *q, struct str record);
/* The record at *pos (0 = the front) into out; moves *pos to the one behind. False at the end. */
bool queue_peek(const struct queue *q, size_t *pos, struct buf *out);
/* The same, behind what is in out. */
bool queue_append(const struct queue *q, size_t *pos, struct buf *out);
void queue_pop(struct queue *q);

/* ---- spool.c: the same on disk; one owner at a time ------------------------------------------ */

struct spool;
/* Repairs a cut tail; goes on where the last run stopped. One process at a time may hold it. */
int spool_open(const char *dir, uint64_t max_bytes, struct spool **ret, struct err *e);
void spool_close(struct spool *s);
/* 0, -ENOSPC (its bound, or the disk's), or -errno; nothing is left half written. */
int spool_append(struct spool *s, struct str record);
/* Makes what was appended survive a power cut. */
int spool_sync(struct spool *s);
/*
 * The oldest record: 1, or 0 when there is none. A damaged segment is skipped, counted and said.
 * -errno when the disk or memory fails just now: nothing is lost, ask again. (What cannot be read
 * after READ_TRIES is damaged.)
 */
int spool_front(struct spool *s, struct buf *out);
/*
 * After spool_front(): the records behind it in the same segment, appended to out. *pos = 0 for the
 * first; false at the end of the segment, and before one that does not check.
 */
bool spool_append_next(struct spool *s, uint64_t *pos, struct buf *out);
/* Takes the oldest record away, whether or not spool_front() has looked at it. */
void spool_pop(struct spool *s);
uint64_t spool_count(const struct spool *s);
uint64_t spool_bytes(const struct spool *s);
/* Records that could not be read back, since it was opened. */
uint64_t spool_damaged(const struct spool *s);
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4); start with crc 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* ---- fold.c ---------------------------------------------------------------------------------- */

enum fold_result {
	FOLD_EMIT,   /* new: emit it */
	FOLD_HELD,   /* the first repeat of a window: its summary will come */
	FOLD_FOLDED, /* a further repeat: counted in that summary */
};

struct fold;
struct fold *fold_new(size_t max_entries, uint64_t window_ns);
void fold_free(struct fold *f);
/*
 * *ret_evicted: NULL, or the summary of an older window that had to make room; emit it first. Valid
 * until the next call.
 */
enum fold_result fold_add(struct fold *f, const struct finding *x, uint64_t now_ns,
	const struct finding **ret_evicted);
/* The next summary whose window has ended, or NULL; valid until the next call. */
const struct finding *fold_next(struct fold *f, uint64_t now_ns);
/* Repeats that wait for their summary. */
size_t fold_held(const struct fold *f);

/* ---- the outputs ----------------------------------------------------------------------------- */

/* What only tests set. */
struct outputs_tuning {
	uint64_t backoff_min_ms;  /* 0 = 500 */
	uint64_t backoff_max_ms;  /* 0 = 30 s */
	uint64_t tick_ms;         /* how often the keeper looks at fold windows; 0 = 500 */
	uint64_t (*now_ns)(void); /* for fold; NULL = CLOCK_BOOTTIME */
	size_t queue_bytes;       /* 0 = 1 KiB a finding of the capacity */
};

struct output {
	struct outputs *all;
	const struct output_ops *ops;
	struct output_config config;
	struct sender_env env;
	void *state;
	pthread_t worker;
	bool has_worker;

	pthread_mutex_t emit_lock; /* fold and text */
	struct fold *fold;
	struct buf text;

	pthread_mutex_t lock; /* queue, closing, done */
	pthread_cond_t wake;
	struct queue queue;
	bool closing, done;
	uint64_t close_deadline_ns;

	pthread_mutex_t spool_lock; /* spool, moved, damaged */
	struct spool *spool;
	struct buf moved;
	uint64_t damaged; /* of spool_damaged(), what `dropped` counts */
	bool spool_is_bad;

	/* what is worth nothing later: the newest of each slot, until the worker takes it */
	struct buf offers[OFFER_SLOTS]; /* under lock */
	unsigned offered;               /* bits of slots */

	/* the worker's own */
	struct buf record; /* the window, one record behind the other */
	size_t ends[WINDOW_MAX];
	uint64_t backoff_ms, random;
	bool has_refused, has_said_down;
	uint64_t said_ns;

	atomic_bool reopen, is_down, has_ended;
	_Atomic uint64_t emitted, sent, failed_tries, refused, dropped, folded, spooled, spool_size,
		spool_errors;
};

struct outputs {
	struct arena arena; /* copies of the configuration's strings */
	struct outputs_tuning tuning;
	struct output *outputs;
	size_t noutputs;
	int stop_fd;   /* ends all waiting in senders */
	int keeper_fd; /* wakes the keeper */
	pthread_t keeper;
	bool has_keeper;
	atomic_bool keeper_stop;
};

int outputs_open_tuned(const struct outputs_options *o, const struct outputs_tuning *t,
	struct outputs **ret, struct err *e);
/* Sends the summaries of windows that have ended; UINT64_MAX ends all. */
void output_fold_tick(struct output *o, uint64_t now_ns);
/* worker.c */
int worker_start(struct output *o, struct err *e);
/* keeper.c */
int keeper_start(struct outputs *all, struct err *e);
void keeper_wake(struct outputs *all);
/* Moves what waits in memory to the disk, as far as it goes. */
void output_spool_queue(struct output *o);
/* A thread with all signals blocked; 0 or -errno. */
int thread_start(pthread_t *t, void *(*fn)(void *), void *arg, const char *name);
