/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Private: findings in the making (evidence.c, evidence_net.c). */
#include "engine/indicator/indicator.h"
#include "scan/detonate/story.h"

enum { EVIDENCE_EXCERPT_MAX = 200 };

struct evidence {
	const struct story *story;
	const struct indicators *known;
	struct arena *a;
	struct artifact_finding *found;
	size_t nfound;
};

/* A new finding, with its fixed parts; never NULL. */
struct artifact_finding *evidence_find(struct evidence *v, const char *check,
	enum artifact_label label, enum artifact_severity severity, unsigned confidence);
/* At most six a finding; an empty value is none. */
void evidence_fact(struct artifact_finding *f, const char *key, struct str value);
void evidence_add_mining(struct evidence *v);
void evidence_add_network(struct evidence *v);
