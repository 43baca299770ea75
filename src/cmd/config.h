/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the operator wants: koban.yaml, the drop-ins beside it, and -o key.path=value, as one struct
 * that says everything a watch needs. Falco's names are used where the same thing exists, so that a
 * falco.yaml loads; data/koban.yaml documents every option.
 */
#include "base/log.h"
#include "engine/rules/rules.h"
#include "engine/state/state.h"
#include "sink/output/output.h"

struct config {
	struct arena arena; /* owns every string here */

	/* rules: ready for struct ruleset_options */
	const char *const *rules_files; /* those that exist */
	size_t nrules_files;
	const struct rule_selection *selections;
	size_t nselections;
	enum priority priority;   /* the least that is loaded */
	const char *extra_output; /* append_output, or NULL */
	bool suggested_output;    /* the container's and pod's fields behind every output */
	bool first_match_only;    /* rule_matching: first */
	bool iso_time;
	bool resolve_names; /* host names in rules (fd.sip.name) are looked up */
	bool watch_config_files;

	/* json_output and json_include_*: for what is written outside the outputs */
	bool json_output;
	struct finding_json_options json_options;

	struct outputs_options outputs; /* complete: give it to outputs_open() */
	struct {
		bool enabled;          /* an output of kind store is among the outputs */
		bool around;           /* events around a finding go there … */
		uint64_t around_bytes; /* … from a memory so large; 0 = the default */
		bool inventory;        /* and what runs on this machine */
		const char *rules_dir; /* rules that were edited in its console; NULL = none */
	} store;
	struct state_options state; /* the limits and host_root; the rest is zero */
	struct {
		uint64_t ring_bytes;     /* 0 = the sensor's default */
		bool all_events;         /* every syscall that has an event */
		bool pushdown;           /* calls that no rule can match stay in the kernel */
		uint32_t snaplen;        /* bytes kept of read and written data */
		unsigned priority_boost; /* taken off the reader's niceness */
	} sensor;
	struct {
		bool enabled;
		bool all_rules;         /* not only those with `capture: true` … */
		enum priority priority; /* … when they are at least so important */
		uint64_t before_ms, after_ms;
		uint64_t ring_bytes, max_dir_bytes;
		const char *dir;
		bool compress, environment;
		const char *const *redact;
		size_t nredact;
	} recorder;
	struct {
		bool enabled;
		const char *listen_address;
		uint16_t port;
	} webserver;
	struct {
		const char *listen;         /* "127.0.0.1:8766" */
		const char *data_dir;       /* the console's own */
		const char *store, *ingest; /* NULL = in data_dir */
		const char *tls_cert, *tls_key;
		const char *const *hosts; /* names that browsers may use */
		size_t nhosts;
		const char *user;               /* that root becomes */
		uint64_t max_age_ms, max_bytes; /* of the store; 0 = no bound */
		uint64_t session_idle_ms, session_max_ms;
	} console;
	enum log_level log_level;

	const char *const *files; /* read, in order: what watch_config_files watches */
	size_t nfiles;
	const char *const *warnings; /* "file:line:column: …", to be logged once */
	size_t nwarnings;
};

/*
 * path NULL = /etc/koban/koban.yaml if it is there, else built-in defaults. overrides are the
 * arguments of -o. All errors are collected, one a line, each with file:line:column; e holds as
 * many as fit. 0 or -errno.
 */
int config_load(const char *path, const char *const *overrides, size_t n, struct config **ret,
	struct err *e);
/* The same; every error goes to `errors` in full, one a line. */
int config_load_report(const char *path, const char *const *overrides, size_t n,
	struct config **ret, struct buf *errors);
void config_free(struct config *c);

/* Every key that does something, in order: "webserver.listen_port". False at the end. */
bool config_key_at(size_t i, struct buf *ret);
