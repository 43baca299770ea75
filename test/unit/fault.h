/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fault injection: the n-th call of a kind fails. A program that is listed in `fault_tests` of its
 * room's meson.build is linked with --wrap, so that the calls of koban's own code (not those
 * inside libraries) come by here. To try every step of something:
 *
 *   for (unsigned n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
 *           fault_arm(FAULT_ALLOC, n, ENOMEM);
 *           … the thing …
 *           fault_disarm();
 *           … what must hold …
 *   }
 */
#include <stdbool.h>

enum fault_kind {
	FAULT_ALLOC,       /* malloc, calloc, realloc, strdup, strndup */
	FAULT_WRITE,       /* write, pwrite, pwritev: nothing is written */
	FAULT_SHORT_WRITE, /* the same: half of it is, and no error says so */
	FAULT_READ,        /* read, pread */
	FAULT_OPEN,        /* open, openat */
	FAULT_SYNC,        /* fsync, fdatasync */
	FAULT_TRUNCATE,    /* ftruncate */
	FAULT_UNLINK,      /* unlinkat, unlink, rename */
	FAULT_KINDS
};

/* The n-th call of the kind from now on fails with the code, once. */
void fault_arm(enum fault_kind kind, unsigned n, int code);
/* The n-th and every later one. */
void fault_arm_from(enum fault_kind kind, unsigned n, int code);
/* The same for one more kind, beside what is armed. */
void fault_also_from(enum fault_kind kind, unsigned n, int code);
/* All calls work again; what fault_was_reached() says stays. */
void fault_disarm(void);
/* Whether a call has failed since the last fault_arm(). */
bool fault_was_reached(void);
/* How many calls of the kind there were since the program began. */
unsigned long fault_calls(enum fault_kind kind);
