/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The real name of a file that a call names and does not open: unlink, rename, chmod, mkdir and
 * their kin. When such a call returns, the kernel holds no file for the probe to look at. But the
 * folders of the name were just walked and are in the kernel's cache of names; openat2(2) with
 * RESOLVE_CACHED walks them again, and never waits for a disk, a network or a FUSE server. (A
 * symbolic link whose time of access is due is no matter for the cache alone: it is read by itself,
 * if it lies on a file system that answers by itself.)
 *
 * What it finds is what the name means now, a moment after the call: an attacker who changes a
 * symbolic link in between is judged under the name that was asked for only.
 */
#include "base/arena.h"
#include "source/sensor/mounts.h"
#include "source/sensor/plan.h"

struct lookup {
	const struct mounts *mounts;
	int root;        /* of the host; -1 = none */
	uint32_t mnt_ns; /* of the host */
};

void lookup_open(struct lookup *l, const struct mounts *mounts);
void lookup_close(struct lookup *l);
/* Sets path.real and target.real where a folder of the name is none of that name. */
void lookup_names(struct lookup *l, const struct fact_mntns *ns, struct arena *a, struct event *ev);
