/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Private: the enter events of old captures, one a thread, until their exits come. Copies, since
 * the block is gone by then.
 */
#include "model/event/event.h"

enum {
	ENTER_THREADS_MAX = 65536,       /* more, and the oldest is lost */
	ENTER_BYTES_MAX = 64 << 20,      /* of all copies */
	ENTER_SLOT_MAX_BYTES = 64 << 10, /* of one */
};

struct enter_slot {
	uint32_t tid;
	uint32_t next; /* of the same hash: index + 1 */
	uint64_t num, ts_ns;
	uint16_t code, cpu;
	uint8_t nparams;
	bool is_pending;
	uint32_t cap;   /* of bytes */
	uint8_t *bytes; /* the parameters one after the other */
	uint16_t lengths[EVENT_PARAMS_MAX];
};

struct enter_table {
	struct enter_slot *slots;
	uint32_t *heads;                     /* by hash of the tid: index + 1; 0 = none */
	uint32_t nslots, nheads, hand, free; /* free: list of unused slots, by next */
	size_t bytes;
	uint64_t lost; /* enters whose exit did not come */
	uint64_t npending;
};

void enter_table_done(struct enter_table *t);
/* Keeps a copy; what the thread had before is lost. -ENOMEM. */
int enter_keep(struct enter_table *t, const struct event *ev);
/*
 * The enter that this exit ends: its slot, good until the next call, or NULL. Another enter of the
 * thread is lost: its exit was not recorded.
 */
struct enter_slot *enter_take(struct enter_table *t, uint32_t tid, uint16_t exit_code);
/* The thread is gone. */
void enter_forget(struct enter_table *t, uint32_t tid);
/* Into an event that was zeroed once and is used for nothing else. */
void enter_unpack(const struct enter_slot *s, const struct event_def *def, struct event *ret);
