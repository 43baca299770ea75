/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The layers' reports put together into one of the image. */
#include "scan/image/reach.h"

struct merge {
	const struct layer_report *const *layers; /* the lowest first; none is NULL */
	size_t nlayers;
	const struct layer_report *config; /* what the config says; NULL = it was not read */
	const struct artifact_image *image;
};

/*
 * Findings, packages, distro, coverage of *ret; strings stay those of the layers' reports. What was
 * deleted or replaced says by which layer; what would run a file is known. 0 or -ENOMEM.
 */
int merge_layers(const struct merge *m, struct arena *a, struct artifact_report *ret);
