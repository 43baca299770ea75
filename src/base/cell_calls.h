/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Private to the cell: its system calls. */
#include "base/cell.h"

/* Installs the seccomp filter in every thread. 0 or -errno. */
int cell_filter_calls(const struct cell_options *o, struct err *e);
