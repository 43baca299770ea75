/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The fields of live and captured events: one file a class, one row a field. The subject that all
 * getters read is an event with the state after it was applied.
 */
#include "engine/filter/filter.h"
#include "engine/state/state.h"
#include "model/event/event.h"

/* Which name of the file is under judgement (event_path). */
enum name_kind { NAME_ASKED, NAME_REAL, NAME_KNOWN };

struct field_names;

/* What evt.outputtime shows: time of day; seconds since the epoch, since the first event; how long
 * the call took; since the event before. */
enum field_time { TIME_OF_DAY, TIME_EPOCH, TIME_RELATIVE, TIME_LATENCY, TIME_DELTA };

/* The second that was last written as a time of day: the next event mostly is of the same. */
struct field_clock {
	uint64_t begins_ns; /* since the epoch */
	char text[8];       /* "14:03:11", local; empty = none yet */
};

struct field_subject {
	const struct event *ev;
	const struct process *proc;
	struct state *state; /* user and group look-ups fill its cache */
	enum name_kind name;
	const char *hostname;
	uint64_t last_ts_ns;             /* of the event before, for evt.deltatime; 0 = none */
	uint64_t first_ts_ns;            /* of the first event, for evt.reltime */
	const struct field_names *names; /* for fd.*ip.name; NULL = those fields are missing */
	enum field_time outputtime;
	struct event_style style; /* of bytes in evt.args, evt.arg, evt.buffer when printed */
	bool names_ids; /* printed arguments name processes, users, all descriptors: pid=1(init) */
	struct field_clock *clock; /* of whoever prints many events; NULL = none */
};

/* All classes: evt, process, fd, fs.path, user, group, fdlist, util, container, k8s. */
extern const struct field_set field_set_syscall;

/* The name under judgement, of the event's (first) path or its target. */
struct str field_path_name(const struct field_subject *s, const struct event_path *p);
/* How many different names the event has: 1 … 3; kinds[] gets them, NAME_ASKED first. */
unsigned field_name_kinds(const struct event *ev, enum name_kind kinds[EVENT_NAMES_MAX]);
/*
 * Event codes that an expression can be true for, from its evt.type leaves (ppm_codes of Falco):
 * bits in codes[(EVENT_CODE_MAX + 63) / 64].
 */
void field_event_codes(const struct ast *ast, uint64_t *codes);
/* Can evt.type have this value? For the loader, which refuses rules on a misspelt one. */
bool field_event_type_exists(struct str name);

/*
 * Host names for fd.cip.name, fd.sip.name, fd.lip.name, fd.rip.name: the names that rules mention
 * are collected, then a thread resolves them over and over (every minute; kept for five). Events
 * only look up what is there, so that no name server can hold them up. Without one (subject.names
 * NULL, or nothing resolved) the fields are missing.
 */
struct field_names *field_names_new(void);
void field_names_free(struct field_names *n);
/* Adds one name, before the start. 0, -EINVAL for what is no name, -ENOSPC past 1024, -EBUSY. */
int field_names_add(struct field_names *n, struct str name);
/* Adds all that an expression compares those fields with. */
void field_names_collect(struct field_names *n, struct ast *ast);
/* Starts the thread, if there are names. 0 or -errno. */
int field_names_start(struct field_names *n);
/* Tells the addresses of a name that was added (tests, captures with their own names). */
/* Changes when an address comes, goes or is forgotten: what was said of names may hold no more. */
uint64_t field_names_stamp(const struct field_names *n);
void field_names_set(
	struct field_names *n, struct str name, const struct ip_addr *addrs, size_t naddrs);

/* ---- a condition by itself, asked about one event after the other -------------------------- */

struct event_filter;
/* An empty text is no filter: *ret is NULL. `what` names it in the error. 0 or -errno. */
int event_filter_open(struct str text, const char *what, struct event_filter **ret, struct err *e);
/* Events that can pass, as bits by code for a live source. */
const uint64_t *event_filter_codes(const struct event_filter *f);
/* Under any name of the event's file. NULL lets all pass. */
bool event_filter_passes(struct event_filter *f, struct field_subject *s);
void event_filter_close(struct event_filter *f);
/* "format:1:5: ..." with the text and a mark under the place. Returns -EINVAL. */
int event_filter_syntax_error(
	const char *what, struct str text, const struct filter_error *fe, struct err *e);
