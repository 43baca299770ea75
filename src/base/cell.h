/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The cell: before a process parses what strangers wrote, it gives up for good what parsing does
 * not need. A parser that is taken over then has open descriptors and memory, and nothing to reach
 * the machine with: no files by name, no programs, no processes, no sockets, no tracing.
 *
 * Enter it when every file is open, every rule compiled, the terminal set up and names of users,
 * zones and locales were looked up; before the first stranger's byte if that can be, and before
 * threads are started. There is no way back.
 */
#include "base/err.h"

struct cell_options {
	/* files and folders that may be read by name from now on; ends in NULL; NULL = none */
	const char *const *read_paths;
	const char *write_dir;     /* one folder in which files may be made, written, removed */
	/* and with owners, modes, times, links: an archive is unpacked there by a root of some kind
	 */
	bool restores;
	bool threads;              /* threads may be started */
	bool network;              /* sockets may be made and connected */
	bool accept;               /* sockets that listen already may accept */
	uint64_t max_memory_bytes; /* of address space; 0 = as before */
	uint64_t max_cpu_s;        /* of CPU time, then SIGXCPU; 0 = as before */
};

enum {
	/* the kernel has no landlock: names that seccomp lets through are not confined by folder */
	CELL_NO_LANDLOCK = 1,
};

/*
 * 0, CELL_NO_LANDLOCK, or -errno with a sentence: then part of it may be in force, and the caller
 * should end. -ENOENT for a path that is not there.
 *
 * What is not allowed fails with EPERM (clone3 and others that libc has a substitute for: ENOSYS);
 * what only an intruder would try (ptrace, bpf, modules, mounts, keys) kills the process.
 * Limits: Linux 3.17 for seccomp, 5.13 for landlock; threads that run already keep their landlock.
 */
int cell_enter(const struct cell_options *o, struct err *e);
/*
 * Gives up all capabilities but these (CAP_…, capabilities(7)), of which it keeps what it has: what
 * was never given (a container's koban) cannot be kept. 0 or -errno.
 */
int cell_keep_capabilities(const int *caps, size_t n, struct err *e);
/* Whether this kernel confines by folder. */
bool cell_has_landlock(void);
