/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Chisels: small programs over a stream of events. The native ones are rows of tables here (top and
 * list by engine/group, spies and errors by a format and a filter, state listings); others are Lua
 * scripts written for sysdig's API (`sysdig.*`, `chisel.*`, `evt.*`), run by Lua 5.4 in a sandbox:
 * no files, no processes, no network, a limit on memory and on instructions for each call.
 */
#include "engine/field/field.h"

struct chisel_arg {
	struct str name, desc;
	struct str type; /* "string", "int", "ipv4", "filter" …: sysdig's words */
	bool optional;
};

struct chisel_info {
	struct str name, category, summary, desc;
	const struct chisel_arg *args;
	size_t nargs;
	bool is_script;
	struct str path; /* of a script */
};

/* Where text goes, and what the chisel may ask for. Callbacks may be NULL. */
struct chisel_host {
	void (*write)(struct str text, void *arg);
	/* the default display of events: the chisel may change format and filter */
	void (*show_event)(const struct field_subject *s, void *arg);
	void (*end_capture)(void *arg);
	double (*progress)(void *arg); /* 0 to 1 */
	void *arg;
	struct state *state;
	struct str filter; /* the command line's */
	const char *const *script_dirs;
	size_t nscript_dirs;
	unsigned columns, rows; /* of the terminal; 0 = none */
	unsigned top_n;         /* rows of tables; 0 = 10 */
	bool is_live, is_tty, is_json, show_container;
};

struct chisel;
/* All chisels, native first, then scripts in script_dirs; sorted by category and name. Arena-owned.
 */
int chisel_list(const struct chisel_host *host, struct arena *a, struct chisel_info **ret,
	size_t *n, struct err *e);
/*
 * Opens one with its arguments (strings, checked against its declaration). 0 or -errno: -ENOENT
 * with a suggestion for a misspelt name, -EINVAL with the script's file:line.
 */
int chisel_open(struct str name, const struct str *args, size_t nargs,
	const struct chisel_host *host, struct chisel **ret, struct err *e);
const struct chisel_info *chisel_describe(const struct chisel *c);
/* One event after state_apply(): 0, or -errno when the script failed (it is not called again). */
int chisel_event(struct chisel *c, const struct field_subject *s, struct err *e);
/* Time passed without an event (live): intervals that are due run. */
int chisel_tick(struct chisel *c, uint64_t now_ns, struct err *e);
/* The end of the capture: what it collected is written out. */
int chisel_end(struct chisel *c, struct err *e);
void chisel_close(struct chisel *c);
