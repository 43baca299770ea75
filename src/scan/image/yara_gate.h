/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The gate in front of a set of YARA rules: tells, many times faster than libyara could try them,
 * that none of the rules can match a file. Compiled before the cell; asking allocates nothing.
 */
#include "base/arena.h"
#include "base/err.h"
#include "scan/image/yara_set.h"

struct yara_gate;

/*
 * Reads the rules of that text (a file of rules) and adds them. The text must live as long as the
 * gate is being made. 0 or -errno: -EINVAL for a rule that cannot be gated.
 */
struct yara_gate *yara_gate_new(struct arena *a);
int yara_gate_add(struct yara_gate *g, struct str rules, struct err *e);
int yara_gate_compile(struct yara_gate *g, struct err *e);
void yara_gate_free(struct yara_gate *g);
size_t yara_gate_nrules(const struct yara_gate *g);

/*
 * False: no rule can match the file that this window is. Of a file of several windows: no rule can
 * match that has an anchor in this window.
 */
bool yara_gate_lets_pass(struct yara_gate *g, const struct yara_window *w);
