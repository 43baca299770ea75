/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What would run a file of the image, and through what. */
#include "scan/image/tree.h"

struct reach;

struct reach *reach_new(const struct tree *t, const struct artifact_config *config);
void reach_free(struct reach *r);
/* Of a path (a member of an archive: of its archive). */
enum artifact_reach reach_of(const struct reach *r, struct str path);
