/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The parts of `koban read`: its options, the lines, the table at the end. */
#include "cmd/stream.h"

struct read_options {
	const char *path;                          /* NULL = this machine */
	struct str filter, display_filter, format; /* empty = none, none, the usual one */
	uint64_t count, duration_ns, snaplen;      /* 0 = no end, no end, 80 */
	enum field_time time;
	enum event_bytes bytes;
	bool json, verbose, quiet, summary, progress, enters, unbuffered, container, kubernetes;
	bool resolve;              /* ports by their names */
	struct services *services; /* then */
	struct chisels *chisels;
};

/* read_options.c */
struct read_command {
	struct read_options o;
	struct buf filter; /* all words that are no option */
	bool is_live;
	int argc;
	char **argv;
};
/* -1 to go on, else the exit code. o.chisels and filter are the caller's to free in any case. */
int read_options_parse(struct read_command *c, int argc, char **argv);

/* read_print.c: lines on standard output. */
struct printer;
int printer_open(const struct read_options *o, struct printer **ret, struct err *e);
/* 0, or -EPIPE and the like when nobody reads any more. */
int printer_event(struct printer *p, struct field_subject *s);
/* Writes out what waits. */
int printer_flush(struct printer *p);
/* Text that is no event: written when it is much, or at once for a person who looks on. */
void printer_add(struct printer *p, struct str text);
/* What writing has come to so far. */
int printer_error(const struct printer *p);
void printer_close(struct printer *p);

/* read_summary.c */
struct summary;
struct summary *summary_new(void);
void summary_event(struct summary *s, const struct field_subject *sub);
void summary_format(const struct summary *s, const struct capture_info *info, bool json,
	bool colour, struct buf *out);
void summary_free(struct summary *s);

/* read_chisels.c: -c and --top. */
struct chisels *chisels_new(void);
void chisels_free(struct chisels *c);
/* A folder of the command line; in front of all -c. */
int chisels_add_dir(struct chisels *c, const char *dir, struct err *e);
int chisels_add_top(struct chisels *c, const char *text, struct err *e);
/* How many of the words behind it (0 or 1) are its arguments, or -errno. */
int chisels_add(
	struct chisels *c, const char *name, char *const *words, size_t nwords, struct err *e);
bool chisels_any(const struct chisels *c);
/* Before the source is opened: all but scripts. */
int chisels_open(
	struct chisels *c, const struct read_options *o, struct printer *printer, struct err *e);
/* What they want of the source: event codes (of `filter` at most; NULL = all), bytes of data. */
const uint64_t *chisels_codes(struct chisels *c, const uint64_t *filter);
uint32_t chisels_snaplen(const struct chisels *c);
/* Scripts were written for sysdig, which shows when a call begins. */
bool chisels_want_enters(const struct chisels *c);
/* What scripts must be able to read in the cell; ends in NULL; NULL = nothing. */
const char *const *chisels_read_paths(struct chisels *c);
/* Behind it: scripts, with what is known of the source. */
int chisels_start(struct chisels *c, struct stream *stream, struct err *e);
/* 0 to go on, 1 = all have seen enough, -errno with the reason. */
int chisels_event(struct chisels *c, struct field_subject *s, struct err *e);
int chisels_tick(struct chisels *c, struct err *e);
int chisels_end(struct chisels *c, struct err *e);
