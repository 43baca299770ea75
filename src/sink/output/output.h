/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where findings go. Each output has a thread of its own, so that none waits for another; the
 * engine's thread only formats and queues. The queue is bounded; when it fills, or the output is
 * down, a keeper thread moves findings to the disk spool; they are counted when even that is full.
 * An output that is down is retried with backoff; what it has not taken stays in the spool and is
 * sent, in order, when it comes back, also after a restart.
 */
#include "base/err.h"
#include "base/yaml.h"
#include "model/finding/finding.h"

enum output_kind {
	OUTPUT_STDOUT,
	OUTPUT_FILE,
	OUTPUT_SYSLOG,
	OUTPUT_PROGRAM,
	OUTPUT_HTTP,
	OUTPUT_STORE, /* koban's own store: docs/outputs.md has the protocol */
	OUTPUT_KIND_COUNT
};

/* What stays the same for all kinds; NULL strings and zeros are the documented defaults. */
struct output_config {
	enum output_kind kind;
	const char *name; /* in metrics and messages; default: the kind */
	bool json;        /* a line of JSON instead of text */
	bool fold;        /* repeats within fold_ms become one with a count */
	uint64_t fold_ms; /* 0 = 30 s */
	struct finding_json_options json_options;
	bool iso_time, colour;
	/* file */
	const char *path;
	uint64_t max_bytes;  /* rotate at; 0 = never */
	unsigned keep_files; /* after rotation; 0 = 5 */
	/*
	 * file: false = look before each finding whether the path still names the open file, and
	 * reopen when it does not; true = reopen on outputs_reopen() only.
	 * program: false = one run of the command a finding; true = one that stays and reads lines.
	 */
	bool keep_alive;
	/* store: "unix:/run/koban/ingest.sock" */
	/* syslog: "unix:/dev/log", "udp://host:514", "tcp://host:601", "tls://host:6514" */
	const char *address;
	const char *facility; /* "daemon" … */
	bool rfc3164;         /* the old form that local daemons read; default RFC 5424 */
	/* program */
	const char *command; /* run by sh -c, one finding a line on its stdin */
	/* http; the TLS part is for syslog too */
	const char *url, *user_agent, *ca_cert, *ca_path, *client_cert, *client_key;
	const char *const *headers; /* "Name: value", NULL-terminated */
	bool insecure;
	uint64_t timeout_ms; /* of one finding's delivery, all kinds; 0 = 5 s, store: 30 s */
};

struct outputs_options {
	const struct output_config *outputs;
	size_t noutputs;
	size_t queue_capacity;    /* findings; 0 = 8192 */
	const char *spool_dir;    /* NULL = no spool: what does not fit is dropped and counted */
	uint64_t spool_max_bytes; /* per output; 0 = 256 MiB */
	/*
	 * A folder of a memory file system (below /run) where the queues of outputs that spool lie:
	 * what outputs_emit() has taken then outlives a koban that is killed. NULL = own memory.
	 */
	const char *memory_dir;
};

/*
 * For each output, at any time when nothing is on its way between two places:
 * emitted = sent + dropped + folded + spooled + queue_depth + held by the fold table.
 */
struct output_counters {
	const char *name;
	uint64_t emitted; /* findings given to outputs_emit(), and what an earlier run spooled */
	uint64_t sent;    /* taken by the other side */
	uint64_t failed_tries; /* deliveries that did not work and were or will be tried again */
	uint64_t refused;      /* of dropped: the other side will never take them (HTTP 400 …) */
	uint64_t dropped;     /* lost: queue and spool full, refused, output ended, spool damaged */
	uint64_t folded;      /* repeats that became part of a count */
	uint64_t spooled;     /* waiting in the spool now */
	uint64_t spool_bytes; /* on disk now */
	uint64_t spool_errors; /* writes to the spool that failed: full disk, full spool */
	uint64_t queue_depth;  /* waiting in memory now */
	bool is_up;
};

struct outputs;
int outputs_open(const struct outputs_options *o, struct outputs **ret, struct err *e);
/* Waits up to drain_ms for the queues to empty; what remains is in the spool. */
void outputs_close(struct outputs *o, uint64_t drain_ms);
/* From the engine's thread; never blocks on an output. */
void outputs_emit(struct outputs *o, const struct finding *f);
/*
 * A record that was made elsewhere, one line of JSON without its end, for outputs of kind
 * OUTPUT_STORE: kept, ordered, spooled and counted as findings are. From any thread.
 */
void outputs_emit_record(struct outputs *o, struct str record);
enum outputs_offer_slot { OFFER_METRICS, OFFER_INVENTORY, OFFER_SLOTS };
enum { OFFER_MAX = 1 << 20 }; /* bytes */
/*
 * The same for what is worth nothing later: it goes when the peer is there, and is replaced by a
 * newer one of its slot; neither spooled nor counted. From any thread.
 */
void outputs_offer(struct outputs *o, enum outputs_offer_slot slot, struct str record);
/* Is there an output of that kind? */
bool outputs_has_kind(const struct outputs *o, enum output_kind kind);
/* Reopens files (SIGUSR1, after logrotate). */
void outputs_reopen(struct outputs *o);
size_t outputs_counters(const struct outputs *o, struct output_counters *ret, size_t max);

/* ---- /healthz, /versions, /metrics over HTTP ------------------------------------------------- */

/* Writes Prometheus text (exposition format 0.0.4); called on the server's thread. */
typedef void (*metrics_fn)(struct buf *out, void *arg);
struct metrics_server;
/*
 * GET / HEAD of three paths; all else is 404 or 405. Connections, time and request size are
 * limited. listen_address NULL = 127.0.0.1; port 0 = any free one.
 */
int metrics_server_open(const char *listen_address, uint16_t port, metrics_fn fn, void *arg,
	struct metrics_server **ret, struct err *e);
uint16_t metrics_server_port(const struct metrics_server *m);
/* What /versions answers, a JSON object; {} until it is set. Copied. */
int metrics_server_set_versions(struct metrics_server *m, const char *json);
void metrics_server_close(struct metrics_server *m);
