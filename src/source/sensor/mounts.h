/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The mount table of the host: which folder shows the root of which file system. With it, a file
 * below a bind mount gets the name that it has without the bind mount.
 */
#include "base/arena.h"

struct mount_row {
	uint32_t dev;     /* major << 20 | minor, as the kernel's dev_t */
	struct str root;  /* folder of the file system that is mounted */
	struct str point; /* where */
	bool is_local;    /* of a file system that asks no server, in user space or elsewhere */
};

struct mounts {
	struct arena arena;
	struct mount_row *rows;
	size_t nrows;
	int fd; /* of /proc/self/mountinfo: polls when the table changes */
};

int mounts_open(struct mounts *m);
void mounts_close(struct mounts *m);
/* Reads the table again if it changed; true if so. */
bool mounts_refresh(struct mounts *m);
/* Parses mountinfo (proc_pid_mountinfo(5)) into m. */
void mounts_parse(struct mounts *m, struct str text);
/* Does this file system answer by itself? False for what the host has not mounted. */
bool mounts_is_local(const struct mounts *m, uint32_t dev);
/* The host's name of `path` of file system `dev`, or STR_NULL. */
struct str mounts_resolve(const struct mounts *m, uint32_t dev, struct str path, struct arena *a);
