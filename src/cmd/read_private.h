/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The parts of `koban read`: its options, the lines, the table at the end. */
#include "cmd/event_filter.h"
#include "cmd/stream.h"

struct read_options {
	const char *path;                          /* NULL = this machine */
	struct str filter, display_filter, format; /* empty = none, none, the usual one */
	uint64_t count, duration_ns, snaplen;      /* 0 = no end, no end, 80 */
	enum field_time time;
	enum event_bytes bytes;
	bool json, verbose, quiet, summary, progress, enters, unbuffered, container, kubernetes;
};

/* read_print.c: lines on standard output. */
struct printer;
int printer_open(const struct read_options *o, struct printer **ret, struct err *e);
/* 0, or -EPIPE and the like when nobody reads any more. */
int printer_event(struct printer *p, struct field_subject *s);
/* Writes out what waits. */
int printer_flush(struct printer *p);
/* Text that is no event, behind all events. */
void printer_text(struct printer *p, struct str text);
void printer_close(struct printer *p);

/* read_summary.c */
struct summary;
struct summary *summary_new(void);
void summary_event(struct summary *s, const struct field_subject *sub);
void summary_format(const struct summary *s, const struct capture_info *info, bool json,
	bool colour, struct buf *out);
void summary_free(struct summary *s);
