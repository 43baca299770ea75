/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the helper processes of the console share: they are forked before the cell, and asked later.
 */
#include <stdbool.h>
#include <stddef.h>

/* All of n bytes; false at the end or an error. */
bool helper_read(int fd, void *p, size_t n);
/*
 * In the helper: everything else is closed, for ports and sockets are the console's, and a helper
 * that outlives it must not hold them. Its end of the pair, which has another number now.
 */
int helper_keep_only(int fd);
