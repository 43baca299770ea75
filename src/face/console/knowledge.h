/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What koban can say about a finding beyond the finding: the names of ATT&CK's techniques
 * (data/intel/attack.yaml), why a technique matters and what to do (data/advice/). All of it is
 * data; a new rule needs no new code.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct knowledge;

struct tactic {
	struct str id, name, key; /* "TA0002", "Execution", "mitre_execution" */
};

struct technique {
	struct str id, name;       /* "T1059.004" */
	const struct str *tactics; /* keys of tactics, the main one first */
	size_t ntactics;
};

struct advice {
	struct str tag; /* a technique, a tag of rules, or "*" */
	struct str why; /* one or two sentences */
	const struct str *steps;
	size_t nsteps;
};

/* `dir` has intel/attack.yaml and advice/. 0 or -errno. */
int knowledge_new(const char *dir, struct knowledge **ret, struct err *e);
void knowledge_free(struct knowledge *k);

const struct tactic *knowledge_tactics(const struct knowledge *k, size_t *ret_n);
const struct technique *knowledge_techniques(const struct knowledge *k, size_t *ret_n);
/* NULL when there is none. Case does not matter: rules write t1059 or T1059. */
const struct technique *knowledge_technique(const struct knowledge *k, struct str id);
const struct tactic *knowledge_tactic(const struct knowledge *k, struct str key);
/* Does this tag name a technique: "T1059.004", "t1059"? */
bool knowledge_is_technique(struct str tag);
/* The advice that fits the tags best: a sub-technique's before its technique's before a tactic's.
 */
const struct advice *knowledge_advice(const struct knowledge *k, const struct str *tags, size_t n);
