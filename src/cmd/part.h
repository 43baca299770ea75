/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How a part becomes one: for supervise.c alone. */
#include <signal.h>

#include "cmd/supervise.h"

enum { PART_UNUSABLE = 2 }; /* exit status of a wrong command line or configuration */

/*
 * In the child after fork(): descriptors, user, rights, signal mask, exec. ready_fd: where it says
 * that it is ready; -1 = nowhere.
 */
_Noreturn void part_run(const struct part *p, pid_t parent, int ready_fd, const sigset_t *signals);
