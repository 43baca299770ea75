/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Live detection, wired: sensor, state, rules, outputs, metrics. `koban watch` and `koban up` are
 * this with different faces.
 */
#include "cmd/config.h"
#include "engine/detect/detect.h"
#include "source/sensor/sensor.h"

struct live_options {
	const char *config_path;      /* NULL = /etc/koban/koban.yaml, if there is one */
	const char *const *overrides; /* of -o */
	size_t noverrides;
	const char *const *rules; /* of -r; they replace rules_files */
	size_t nrules;
	bool json, all_events, is_quiet;
	bool no_fold; /* every repeat of an alert, too */
	/* standard output is a pipe to a screen: repeats are folded, and the fields that Falco's
	 * outputs end in are left out, as for people */
	bool on_screen, colour;
	bool panel;          /* on a terminal: the picture of what is watched, found and spent */
	int notes_fd;        /* lines that the panel shows above it; 0 = none */
	uint64_t duration_s; /* 0 = until a signal */
};

/* What a face may show; taken once a second by the engine's thread. */
struct live_snapshot {
	uint64_t up_s;
	uint64_t events, matched, unmatched, state_only, findings;
	uint64_t events_per_s;
	struct sensor_counters sensor;
	struct state_counters state;
	double cpu_percent; /* of one core, koban's own, last second */
	uint64_t rss_bytes;
	uint64_t by_priority[PRIORITY_COUNT];
	size_t nrules, nsyscalls, nknown;
	double load_ms; /* from start to watching */
	uint64_t reloads, failed_reloads;
	uint64_t mallocs; /* of the event path since it is warm */
	bool final;       /* the loop has ended: the counters add up */
};

struct live;
int live_open(const struct live_options *o, struct live **ret, struct err *e);
/* The loop; until a signal, the duration, or an error. */
int live_run(struct live *l, struct err *e);
void live_close(struct live *l);
/* From any thread. */
struct live_snapshot live_snapshot(struct live *l);
/* One sentence of where all events went: in = matched + unmatched + state + dropped by cause. */
void live_format_sum(const struct live_snapshot *s, struct buf *out);
/* Prometheus text; takes no lock of its own. */
void live_format_metrics(const struct live_snapshot *s, const struct detect *d,
	const struct outputs *outputs, struct buf *out);
