/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A secret that was found is printed by nobody: not by other analyzers, not by the config. */
#include "model/artifact/artifact.h"

/* Excerpts that lie beside a secret lose their text; secrets' own ones when another is near. */
void redact_findings(struct artifact_finding *list, size_t n);
/*
 * The same for the config's texts in which a secret was found (or whose name says so), and for what
 * the layers say of the step that made them. The image is the caller's own copy; new texts are in
 * `a`.
 */
void redact_image(struct artifact_image *image, const struct artifact_finding *list, size_t n,
	struct arena *a);
