/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Whose a file is: what a distribution brought and nobody changed is trusted more. */
#include "scan/image/merge.h"

/*
 * Findings in files of a distribution's packages weigh less: lower severity and confidence, with
 * the fact "package". Looks at layers as they came, since the one that installed a package matters.
 */
int own_apply(const struct merge *m, const struct tree *t, struct arena *a,
	struct artifact_finding *findings, size_t n);
/* What could not be read of archives inside such files is told, and is no reason for doubt. */
void own_excuse(const struct merge *m, struct artifact_gap *gaps, size_t n);
