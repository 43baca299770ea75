/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Private: the recorder's way to the disk, a thread of its own, so that a slow disk or gzip never
 * holds up the events. What it has not written yet is bounded.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;
struct disk *disk_new(const char *dir, uint64_t max_dir_bytes, bool is_gzip, size_t max_pending);
/* A new file: the one before is finished. */
int disk_open(struct disk *d, const char *path);
/* Whole blocks; copied. -ENOBUFS when the disk does not keep up: they are not written. */
int disk_write(struct disk *d, const uint8_t *blocks, size_t size);
int disk_close(struct disk *d);
/* Waits until everything is written. */
void disk_free(struct disk *d);
struct disk_counters {
	uint64_t files, bytes, failed, removed;
	int last_error; /* negative errno of the last failure */
};
struct disk_counters disk_counters(struct disk *d);
