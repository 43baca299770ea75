/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scans of images that were asked for in the console: a queue, one at a time. A helper process,
 * forked before the cell like the runner of rules, runs `koban image scan` as an ordinary program
 * with the user's few rights; what it says comes back over a socket. Only names in registries are
 * taken: a page must not make the server read its own files.
 */
#include "base/arena.h"
#include "base/err.h"

struct scanjobs;

struct scanjobs_options {
	const char *program;         /* koban */
	const char *cache_dir;       /* of layers; made when it is not there */
	const char *const *insecure; /* registries that may be asked over http; NULL-terminated */
	void (*forget)(void *arg);   /* as the runner's */
	void *forget_arg;
	/* A report in JSON, on the thread of the jobs; an empty answer = it was kept. */
	void (*done)(void *arg, struct str ref, struct str report, char problem[200]);
	void *done_arg;
};

enum scanjob_state { SCANJOB_WAITING, SCANJOB_RUNNING, SCANJOB_DONE, SCANJOB_FAILED };
const char *scanjob_state_name(enum scanjob_state s);

struct scanjob {
	uint64_t id; /* from 1 */
	char ref[512], by[65], problem[300];
	enum scanjob_state state;
	double percent;
	uint64_t asked_ns, ended_ns; /* since the epoch; 0 = not yet */
};

enum { SCANJOBS_WAITING_MAX = 16, SCANJOBS_KEPT = 50 };

/* Forks: before threads are started and before the cell. The strings have to stay. 0 or -errno. */
int scanjobs_new(const struct scanjobs_options *o, struct scanjobs **ret, struct err *e);
/* After the cell: its thread. */
int scanjobs_start(struct scanjobs *j, struct err *e);
/* 0 with the job's number; -EINVAL for what is no name in a registry, -EBUSY when many wait. */
int scanjobs_add(
	struct scanjobs *j, struct str ref, struct str by, uint64_t *ret_id, struct err *e);
/* The newest first; how many. */
size_t scanjobs_list(struct scanjobs *j, struct scanjob ret[SCANJOBS_KEPT]);
/* Ends what is under way. */
void scanjobs_stop(struct scanjobs *j);
void scanjobs_free(struct scanjobs *j);
