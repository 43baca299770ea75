/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The skeleton of the probe, in one place: probe.c is the only file that defines its functions. */
struct sensor_bpf;

#include "source/sensor/sensor.h"

/* Opens, sets the constants, loads and attaches. */
int probe_load(
	const struct sensor_options *o, size_t ring_bytes, struct sensor_bpf **ret, struct err *e);
void probe_unload(struct sensor_bpf *skel);
void probe_detach(struct sensor_bpf *skel);
int probe_ring_fd(const struct sensor_bpf *skel);
int probe_known_fd(const struct sensor_bpf *skel);
/* Sums a per-CPU counter (enum probe_counter). */
uint64_t probe_counter_read(const struct sensor_bpf *skel, unsigned which);
void probe_want(struct sensor_bpf *skel, const uint64_t *codes, bool all_events, unsigned push);
struct verdict_key;
/* push: how the key was made, one of enum sensor_push. */
void probe_judge(
	struct sensor_bpf *skel, unsigned push, const struct verdict_key *key, bool is_dull);
/* The names that are not ordinary (sensor_tell_names()); NULL = no folder can be dull. */
bool probe_tell_names(struct sensor_bpf *skel, const struct sensor_name *names, size_t n);
/* Forgets all verdicts; or those of one process each. */
void probe_new_epoch(struct sensor_bpf *skel);
void probe_new_own_epoch(struct sensor_bpf *skel);
/* The numbers that the kernel has for a file that is about to be opened by this thread. */
struct known_key;
bool probe_identify(struct sensor_bpf *skel, const char *path, struct known_key *ret);
/* The same below another root; what is found is told to the probe at once as path number `id`. */
bool probe_know_inside(struct sensor_bpf *skel, int root, const char *path, uint32_t id);
void probe_forget_inside(struct sensor_bpf *skel);
/* Which inode numbers may be known, for a first quick look: a bit by hash; and how many. */
void probe_set_bloom(struct sensor_bpf *skel, const uint64_t *inodes, size_t n);
