/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Private: what happened in the container, gathered with limits, and what it means. */
#include "engine/state/state.h"
#include "model/finding/finding.h"
#include "scan/detonate/private.h"

enum {
	PROCESSES_MAX = 2000,
	FILES_MAX_KEPT = 2000,
	NAMES_KEPT = 2000,
	CONNECTIONS_KEPT = 2000,
	HITS_MAX = 200, /* rules that fired */
	POOLS_MAX = 64,
	REQUESTS_MAX = 200,
	SCAN_ADDRESSES = 64, /* different addresses that nobody gave it: a scan */
};

/* A rule that fired, with its first alert. */
struct hit {
	struct str rule, output, tags; /* tags joined by ',' */
	enum priority priority;
	uint64_t at_ms, count;
};

struct pool_talk {
	struct str address, name, method, user, agent, algorithms;
	unsigned port;
	bool is_tls;
	uint64_t at_ms, count;
};

struct request { /* over HTTP */
	struct str address, name, host, method, path, agent;
	unsigned port;
	bool is_tls;
	uint64_t at_ms, count;
};

struct story {
	struct arena *a;
	uint64_t started_boot_ns, started_epoch_ns;
	struct detonate_process *processes;
	struct detonate_file *files;
	struct detonate_name *names;
	struct detonate_connection *connections;
	struct hit *hits;
	struct pool_talk *pools;
	struct request *requests;
	size_t nprocesses, nfiles, nnames, nconnections, nhits, npools, nrequests;
	uint64_t processes_left_out, files_left_out, names_left_out, connections_left_out;
	uint64_t hits_left_out, requests_left_out;
	uint64_t addresses[SCAN_ADDRESSES]; /* hashes of those that were dialled without a name */
	size_t naddresses;
};

int story_init(struct story *s, struct arena *a);
/* From the sensor. */
void story_exec(struct story *s, const struct event *ev, const struct process *p);
void story_file(struct story *s, const struct event *ev, const struct process *p);
void story_hit(struct story *s, const struct finding *f);
/* From the sinkhole: a line that may be anything. */
void story_sink_line(struct story *s, struct str line);
/* evidence.c: the findings that follow, appended to the report's. 0 or -ENOMEM. */
struct indicators;
int evidence_add(const struct story *s, const struct indicators *known, struct artifact_report *r);
