/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The flight recorder in the live loop: which events it needs, when it fires, what a finding says.
 */
#include "base/arena.h"
#include "cmd/config.h"
#include "model/finding/finding.h"
#include "source/capture/capture.h"
#include "source/sensor/sensor.h"

/* NULL in *ret when the configuration has none. Call it after capabilities were given up. */
int record_open(
	const struct config *c, const struct state *s, struct recorder **ret, struct err *e);
/* Adds the events by which a reader knows processes and descriptors. */
void record_want(uint64_t codes[SENSOR_CODE_WORDS]);
/*
 * Fires when the rule is one that records. The finding as it is to be emitted: with the file's name
 * behind its output and among its fields, in the arena; or the same.
 */
struct finding record_finding(struct recorder *r, const struct config *c, const struct finding *f,
	const struct rule *rule, struct arena *a);
/* One line about a failure that was not told yet; empty when there is none. */
void record_tick(struct recorder *r, uint64_t now_ns, uint64_t *told);
