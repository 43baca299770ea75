/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What processes use, from /proc/PID/stat: what no event tells. */
#include "engine/group/group.h"

struct usage;
struct usage *usage_new(void);
void usage_free(struct usage *u);
/* Since the process was asked for last; false when it is gone. */
bool usage_ask(struct usage *u, const struct process *p, struct group_usage *ret);
