/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Where chisels are looked for, the first folder first. */
#include "base/arena.h"
#include "base/err.h"

enum { CHISEL_DIRS_MAX = 32 };

struct chisel_dirs {
	struct arena arena;
	const char *dirs[CHISEL_DIRS_MAX];
	size_t n;
};

void chisel_dirs_init(struct chisel_dirs *d);
void chisel_dirs_done(struct chisel_dirs *d);
/* One of the command line; it must be there. 0 or -errno. */
int chisel_dirs_add(struct chisel_dirs *d, const char *dir, struct err *e);
/*
 * Behind those: the folders of SYSDIG_CHISEL_DIR, koban's own, the user's ~/.chisels, and sysdig's
 * scripts, as far as they are there.
 */
void chisel_dirs_add_usual(struct chisel_dirs *d);
