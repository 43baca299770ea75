/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What root is needed for after the start, and nothing else. */
#include "base/err.h"

/*
 * Gives up every capability but those that watching needs: BPF (map updates), PERFMON, SYS_PTRACE
 * (/proc of others, their roots), DAC_OVERRIDE (files of others: users of containers, outputs).
 * For this thread and all that it makes later. A program that it runs as root has them again
 * (capabilities(7), "Capabilities and execution of programs by root"). 0 or -errno.
 */
int privileges_drop(struct err *e);
