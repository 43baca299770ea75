/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one output noun: what a rule says of an event. Its strings are borrowed from the arena in
 * which it was made; a sink that keeps it formats or copies it first.
 */
#include "base/arena.h"
#include "base/buf.h"

enum priority { /* as syslog (RFC 5424 §6.2.1) */
	PRIORITY_EMERGENCY,
	PRIORITY_ALERT,
	PRIORITY_CRITICAL,
	PRIORITY_ERROR,
	PRIORITY_WARNING,
	PRIORITY_NOTICE,
	PRIORITY_INFORMATIONAL,
	PRIORITY_DEBUG,
	PRIORITY_COUNT
};
/* "Emergency" … "Informational" … */
const char *priority_name(enum priority p);
/* Any case; "info" too. */
bool priority_parse(struct str s, enum priority *ret);

enum finding_value_type { FV_NULL, FV_STR, FV_U64, FV_S64, FV_DOUBLE, FV_BOOL };

struct finding_field {
	struct str name; /* as written in the rule's output: "proc.aname[2]" */
	enum finding_value_type type;
	union {
		struct str s;
		uint64_t u;
		int64_t i;
		double d;
		bool b;
	};
};

/*
 * What stood around a finding when its rule matched: what a store keeps and a person is shown.
 * Plain values without a link to the engine's tables; strings are borrowed like the finding's own.
 */
enum finding_process_flag {
	FINDING_UPPER_LAYER = 1 << 0, /* the program came into the container after it started */
	FINDING_MEMFD = 1 << 1,       /* it lives in memory only */
	FINDING_DELETED = 1 << 2,     /* its file has no name any more */
	FINDING_WRITABLE = 1 << 3,    /* who runs it may write its file */
};

struct finding_process {
	uint32_t pid, vpid, uid, loginuid, tty; /* loginuid UINT32_MAX = nobody logged in */
	uint64_t start_ns;                      /* boot time: with pid, who it is */
	uint64_t started_ns;                    /* since the epoch; 0 = unknown */
	unsigned flags;                         /* enum finding_process_flag */
	struct str name, exe, cmdline, cwd, user;
};

struct finding_file {
	struct str asked, real, known; /* as struct event_path has them; all empty = no file */
};

struct finding_connection {
	const char *proto, *role, *domain; /* "tcp", "client", "ipv4"; NULL proto = none */
	struct str local, remote;          /* "10.0.0.1:443", "[2001:db8::1]:443", a unix path */
};

struct finding_mount {
	struct str source, dest;
	bool is_rw;
};

struct finding_container {
	struct str id, full_id, name, image, digest, pod, pod_ns, pod_uid;
	const char *engine; /* "docker", "containerd" … */
	bool is_privileged, host_network, host_pid;
	const struct finding_mount *mounts;
	size_t nmounts;
};

enum { FINDING_PROCESSES_MAX = 16 };

struct finding_context {
	struct str event_type, event_args;
	bool has_result;
	int64_t result;
	uint16_t cpu;
	struct finding_file file;
	struct finding_connection connection;
	const struct finding_process *processes; /* who acted, its parent … */
	size_t nprocesses;
	const struct finding_container *container; /* NULL = the host */
	struct str capture;                        /* the recording's path; empty = none */
};

struct finding {
	uint64_t ts_ns; /* of the event, since the epoch */
	uint64_t num;   /* counted from 1 by the engine */
	uint64_t run;   /* random, of the engine's run: with num, which finding it is */
	enum priority priority;
	struct str rule, source; /* source: "syscall", "internal" … */
	struct str output;       /* the formatted rule output, without time and priority */
	struct str hostname;
	const struct str *tags; /* sorted */
	size_t ntags;
	const struct finding_field *fields;
	size_t nfields;
	uint64_t fingerprint; /* equal for repeats of the same alert: rule, process, file, container
			       */
	uint64_t count;       /* how often, after folding; 1 at first */
	uint64_t first_ns;    /* time of the first that was folded; ts_ns is the last */
	const struct finding_context *context; /* NULL unless the engine was asked for it */
};

struct finding_json_options {
	bool output, message, output_fields, tags; /* json_include_*_property */
	bool iso_time;                             /* time_format_iso_8601 */
	bool fold; /* adds "count" and "first_time" when count > 1 */
};
/* One line without the newline, keys and their order as Falco's alerts. */
void finding_format_json(
	const struct finding *f, const struct finding_json_options *o, struct buf *out);
/* "HH:MM:SS.nnnnnnnnn: Priority message", escaped so that nothing can break the line. */
void finding_format_text(const struct finding *f, bool iso_time, struct buf *out);

/* ---- the record that a store keeps ---- */

enum {
	FINDING_ID_CHARS = 32,
	FINDING_RECORD_MAX = 255 * 1024, /* bytes of one record, whatever the finding holds */
};
/* 32 hexadecimal digits and a NUL: the same for the same finding, unlike any other of any run. */
void finding_format_id(const struct finding *f, char ret[FINDING_ID_CHARS + 1]);
/*
 * One line of JSON without the newline: {"v":1,"type":"finding",…}, described in docs/outputs.md.
 * Strings that are too long are cut and end in "…".
 */
void finding_format_record(const struct finding *f, struct buf *out);
/* The members of a container's object, without its braces: other records say more of it. */
void finding_add_container(const struct finding_container *k, struct buf *out);
