/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Chisels: small programs over a stream of events, named on the command line, that print what they
 * found. sysdig's users have habits and scripts; both work here. A chisel is a file: *.yaml is one
 * of koban's, declared as a table, lines, a picture of who talks to whom, …; *.lua is a script for
 * sysdig's chisel API, run by Lua 5.4 in a sandbox with limits of time and memory.
 */
#include "base/buf.h"
#include "base/err.h"
#include "engine/group/group.h"
#include "source/capture/capture.h"

struct chisel_arg {
	/* type: "string", "int", "ms", "port", "ip", "ipv4", "field", "filter", "timestamp" … */
	struct str name, desc, type;
	bool is_optional;
};

struct chisel_info {
	struct str name;     /* "topprocs_cpu": the file's name without its ending */
	struct str category; /* "CPU Usage", "Security" … */
	struct str summary;  /* one line */
	struct str desc;     /* a paragraph */
	struct str path;     /* of the file */
	const struct chisel_arg *args;
	size_t nargs;
	struct str kind;  /* "table", "lines", … "script" */
	bool is_script;   /* Lua */
	bool is_hidden;   /* made to be run by others: found by its name, not listed */
	uint32_t snaplen; /* bytes of data an event should carry; 0 = does not matter */
};

/*
 * The chisels of some folders; a name that stands in two is the first folder's. Broken files don't
 * hide the others: each is in `bad` with its sentence. Owns everything it lists.
 */
struct chisel_catalogue {
	struct arena arena;
	struct chisel_info *chisels; /* sorted by name */
	size_t nchisels;
	struct str *bad;
	size_t nbad;
};
int chisel_catalogue_load(
	const char *const *dirs, size_t ndirs, struct chisel_catalogue **ret, struct err *e);
/*
 * The same with the files of one name only, for who wants that one: a script says what it is by
 * being run, and dozens of them are noticed.
 */
int chisel_catalogue_load_name(const char *const *dirs, size_t ndirs, struct str name,
	struct chisel_catalogue **ret, struct err *e);
void chisel_catalogue_free(struct chisel_catalogue *c);
/*
 * By name, or by a file's path (which is read then). NULL and an error with a suggestion, or with
 * what is wrong with the file, when there is none.
 */
const struct chisel_info *chisel_catalogue_find(
	struct chisel_catalogue *c, struct str name, struct err *e);

/*
 * What a chisel can know of where it runs, and where its output goes. `state` and `capture` are
 * there for scripts when they are opened, for the others from the first event on.
 */
struct chisel_env {
	bool is_live, is_tty, colour, json;
	bool container, kubernetes; /* -pc, -pk */
	unsigned width, height;     /* of the terminal; 0 = none */
	uint32_t snaplen;
	struct str filter;       /* of the command line; empty = none */
	struct str source;       /* the capture's path; empty = live */
	const char *const *dirs; /* where scripts find their modules: the catalogue's folders */
	size_t ndirs;
	struct state *state;
	const struct capture_info *capture; /* NULL = live */
	void (*print)(struct str text, void *arg);
	double (*progress)(void *arg); /* 0 to 1, negative = unknown */
	void *arg;
	uint64_t max_memory;      /* of a script; 0 = 256 MiB */
	uint64_t max_call_ns;     /* of one call into a script; 0 = 5 s */
	struct event_style style; /* -A, -x, -X, -b: how data is printed */
	enum field_time time;     /* -t */
	/* What a process uses, live; NULL, or false = as the state knows it. */
	bool (*usage)(void *arg, const struct process *p, struct group_usage *ret);
};

/*
 * The words behind `-c NAME`, by sysdig's rules: a chisel that needs arguments takes the next word;
 * one whose arguments are all optional takes it unless it begins with - or it and all words behind
 * it are a condition (a single argument of type filter takes it all the same). The word is split at
 * blanks, quotes hold together. 1 = the word was taken, 0 = it was not, or -EINVAL.
 */
int chisel_args_take(const struct chisel_info *info, char *const *words, size_t nwords,
	struct arena *a, struct str **ret, size_t *ret_n, struct err *e);

struct chisel;
/*
 * The chisel with its arguments, ready for events. -EINVAL names the argument that is missing, too
 * much or wrong. The env is borrowed for as long as the chisel lives.
 */
int chisel_open(const struct chisel_info *info, const struct str *args, size_t nargs,
	const struct chisel_env *env, struct chisel **ret, struct err *e);
/*
 * A table from its description on the command line (`koban read --top`), as if it were a chisel:
 * key=FIELD[,FIELD…],value=FIELD[:AGGREGATE][:UNIT][,…][,filter=CONDITION][,n=N]
 * [,sort=COLUMN[:asc]][,every=SECONDS]. -EINVAL with the place in the text.
 */
int chisel_open_top(
	struct str text, const struct chisel_env *env, struct chisel **ret, struct err *e);
/* Event codes that it can want: bits by code; NULL = all. */
const uint64_t *chisel_codes(const struct chisel *c);
/*
 * One event that passed the command line's filter, after state_apply(). It asks its own filter
 * first. 0 = go on, 1 = it has seen enough, -errno with the reason (a script's error with its
 * line).
 */
int chisel_event(struct chisel *c, struct field_subject *s, struct err *e);
/* Time goes by without events (live): intervals may be due. now_ns since the epoch. As above. */
int chisel_tick(struct chisel *c, uint64_t now_ns, struct err *e);
/* The end of the stream: what it sums up is printed. */
int chisel_end(struct chisel *c, struct err *e);
void chisel_close(struct chisel *c);
