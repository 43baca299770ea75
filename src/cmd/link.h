/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the live loop does for a store beyond findings: events around them, what runs, the sensor's
 * own numbers. NULL when no output of that kind is configured; every function takes NULL.
 */
#include "cmd/live.h"

struct link;
int link_open(const struct config *c, struct outputs *outputs, const char *hostname,
	struct link **ret, struct err *e);
void link_close(struct link *k);
/* Every event, after state_apply() and before it is judged. */
void link_event(struct link *k, const struct event *ev, const struct process *proc);
/* After the finding went to the outputs. */
void link_finding(struct link *k, const struct finding *f, const struct process *proc);
/* Once a second, on the engine's thread. */
void link_tick(struct link *k, const struct live_snapshot *now, const struct state *s);
