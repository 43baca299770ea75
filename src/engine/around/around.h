/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What happened around a finding: the last events are kept in memory, as they came, and when a rule
 * matches, those of the same container or session, and of the process's ancestors, are told: before
 * the finding at once, after it some seconds later (in several records when events come fast).
 * Events are formatted only then. One owner thread; what the kernel keeps for itself (the pushdown)
 * is not among them.
 */
#include "base/err.h"
#include "engine/state/state.h"
#include "model/event/event.h"
#include "model/finding/finding.h"

enum { AROUND_BEFORE_MAX = 120, AROUND_AFTER_MAX = 80 };

struct around_options {
	size_t ring_bytes; /* 0 = 4 MiB */
	uint64_t after_ns; /* 0 = 5 s */
};

/* A record, one line of JSON: {"v":1,"type":"around","finding":ID,"events":[…]}. */
typedef void (*around_emit)(struct str record, void *arg);

struct around;
struct around *around_new(
	const struct around_options *o, around_emit emit, void *arg, struct err *e);
void around_free(struct around *a);
/* Every event, after state_apply() and before it is judged. Allocates nothing. */
void around_event(struct around *a, const struct event *ev, const struct process *proc);
/* After the finding itself was emitted. Emits what came before, with the finding's own event. */
void around_finding(struct around *a, const struct finding *f, const struct process *proc);
/* Once a second: emits what came after the findings whose time is up. */
void around_tick(struct around *a, uint64_t now_epoch_ns);

struct around_counters {
	uint64_t events;   /* kept */
	uint64_t evicted;  /* of them, forgotten for newer ones */
	uint64_t findings; /* told of */
	uint64_t skipped;  /* findings too many in a short time, or just told of */
};
struct around_counters around_counters(const struct around *a);
