/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The files and folders that rules name, by what the kernel calls them: device and inode. The probe
 * itself says these numbers (user space opens the file, the probe looks at it), since stat()
 * answers otherwise on overlay and btrfs. A name that goes to another inode (an editor's rename) is
 * learnt anew; the old inode stays known until its place is needed, so that moving a file away does
 * not hide it.
 */
#include "source/sensor/plan.h"
#include "source/sensor/sensor.h"

struct sensor_bpf;

struct known_row {
	struct str path;
	struct known_key key, old; /* zero = none */
	/* by statx(), to notice a change without an open; the birth tells a number used again */
	uint64_t seen_dev, seen_ino, seen_birth_ns;
	uint32_t id;
};

struct known {
	struct sensor_bpf *skel;
	struct known_row *rows;
	struct str *paths; /* by id, for the decoder */
	size_t nrows;
	size_t changes; /* counted, to tell the probe only then */
	int map_fd;
};

int known_set(struct known *k, struct sensor_bpf *skel, const struct sensor_path *paths, size_t n);
/* Looks at every path again; how many are known. */
size_t known_look(struct known *k);
/* The same paths below a container's root folder; how many are there. */
size_t known_look_inside(struct known *k, int root);
void known_done(struct known *k);
