/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A worker: a process in the cell that reads layers. The parent writes stored bytes into a socket
 * and gets a report back; what the worker says is believed as little as what a layer says.
 */
#include "scan/image/layer.h"
#include "scan/image/pass.h"

struct scan_worker;

/* Forks. The set stays the caller's and outlives the worker; so many threads analyze. */
int scan_worker_start(const struct analyzer_set *set, const struct scan_limits *limits,
	unsigned threads, struct scan_worker **ret, struct err *e);
/* Ends it, and waits for its end. */
void scan_worker_stop(struct scan_worker *w);

/* Some bytes of a layer as they are stored, 0 at the end, -errno. */
typedef ptrdiff_t (*worker_feed)(void *arg, void *to, size_t size, struct err *e);
/*
 * Has a layer read. 0 with a report (which is_partial when the feed failed: *e says why, and
 * *fed is its errno); -ECHILD when the worker died or hung, with a sentence: the caller starts
 * another.
 */
int scan_worker_layer(struct scan_worker *w, worker_feed feed, void *arg, struct arena *a,
	struct layer_report *ret, int *fed, struct err *e);
/* Has the config read: findings and gaps of the report are filled. */
int scan_worker_image(struct scan_worker *w, const struct artifact_image *image, struct arena *a,
	struct layer_report *ret, struct err *e);

/* ---- between worker.c and worker_main.c ----------------------------------------------------- */

enum frame_type { FRAME_LAYER = 1, FRAME_DATA, FRAME_END, FRAME_ABORT, FRAME_IMAGE, FRAME_REPORT };

struct frame {
	uint32_t type, size; /* of the bytes behind it */
};

enum { FRAME_MAX = 256 << 10, IMAGE_MAX = 32 << 20 };

/* The worker's life. */
_Noreturn void scan_worker_main(int fd, struct pass *p, struct ledger *l);
