/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* koban rules: checks, lists, explains and tests rule files. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"
#include "engine/detect/detect.h"

/* ---- rule tests (ruletest.c, ruletest_*.c) -------------------------------------------------- */

struct ruletest_options {
	const char *const *paths; /* rule files and folders */
	size_t npaths;
	bool json, colour, verbose;
};
/* Runs the tests beside the rule files. 0 = all passed, 1 = some failed, 2 = could not run. */
int ruletest_run(const struct ruletest_options *o, struct buf *out, struct buf *complaints);

/* An event of a test, with what it happened to. */
struct test_event {
	struct event ev;
	struct process *proc; /* with its ancestors */
	struct str user_name; /* of proc's user; len 0 = not given */
};

/* Builds the event of the map (docs/testing-rules.md). The error begins with line:column. */
int test_event_build(
	struct arena *a, const struct yaml_node *map, struct test_event *ret, struct err *e);
