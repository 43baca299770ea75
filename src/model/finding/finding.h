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

struct finding {
	uint64_t ts_ns; /* of the event, since the epoch */
	uint64_t num;   /* counted from 1 by the engine */
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
