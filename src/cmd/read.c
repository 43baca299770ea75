/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban read: the events of a capture, or of this machine now, as lines, or what chisels make of
 * them. This file is the loop; read_options.c is the command line, read_print.c writes lines,
 * read_chisels.c runs chisels, read_summary.c counts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/progress.h"
#include "cmd/read_private.h"
#include "cmd/services.h"
#include "cmd/stop.h"
#include "cmd/verbs.h"

struct reading {
	struct read_options *o;
	struct stream *stream;
	struct event_filter *filter, *display;
	struct printer *printer;
	struct summary *summary;
	struct progress progress;
	uint64_t passed, seen, first_ns, ends_ns;
};

static int open_stream(struct reading *r, struct err *e)
{
	const struct read_options *o = r->o;
	const struct cell_options cell = {.read_paths = chisels_read_paths(o->chisels)};
	const uint64_t *codes = r->filter ? event_filter_codes(r->filter) : NULL;
	struct stream_options so = {
		.cell = &cell,
		.path = o->path,
		.codes = chisels_codes(o->chisels, codes),
		.snaplen = o->snaplen ? (uint32_t)o->snaplen : chisels_snaplen(o->chisels),
		.keep_enters = o->enters || chisels_want_enters(o->chisels),
	};

	return stream_open(&so, &r->stream, e);
}

static int open_all(struct reading *r, struct err *e)
{
	struct read_options *o = r->o;
	int code = event_filter_open(o->filter, "filter", &r->filter, e);

	if (code == 0)
		code = event_filter_open(o->display_filter, "-d", &r->display, e);
	if (code == 0 && o->resolve)
		code = services_open("/etc/services", &o->services, e);
	if (code == 0)
		code = printer_open(o, &r->printer, e);
	if (code == 0 && o->summary && !(r->summary = summary_new()))
		code = err_set(e, ENOMEM, "out of memory");
	if (code == 0)
		code = chisels_open(o->chisels, o, r->printer, e);
	if (code == 0)
		code = open_stream(r, e);
	if (code == 0)
		code = chisels_start(o->chisels, r->stream, e);
	if (code == 0 && !o->path && o->duration_ns)
		r->ends_ns = clock_boot_ns() + o->duration_ns;
	/* lines that pass by are progress enough */
	progress_start(&r->progress, o->path && (!isatty(STDOUT_FILENO) || o->quiet || r->filter),
		o->progress);
	return code;
}

static void close_all(struct reading *r)
{
	chisels_free(r->o->chisels);
	services_close(r->o->services);
	printer_close(r->printer);
	stream_close(r->stream);
	summary_free(r->summary);
	event_filter_close(r->filter);
	event_filter_close(r->display);
}

/* Nobody asked for the tools' own bookkeeping: state records, events without a meaning here. */
static bool is_shown(const struct event *ev)
{
	return ev->def && !ev->is_state_only && ev->def->category != EC_INTERNAL;
}

static void show_progress(struct reading *r)
{
	if (!progress_is_due(&r->progress))
		return;
	if (isatty(STDOUT_FILENO) && !r->o->quiet)
		printer_flush(r->printer);
	progress_draw(&r->progress, stream_progress(r->stream), r->seen);
}

/* An event as a line, or for the chisels: 0 to go on, 1 = enough, or -errno. */
static int show(struct reading *r, struct field_subject *s, struct err *e)
{
	if (r->progress.is_drawn && isatty(STDOUT_FILENO))
		progress_hide(&r->progress);
	if (chisels_any(r->o->chisels)) {
		int code = chisels_event(r->o->chisels, s, e);

		return code ? code : printer_error(r->printer);
	}
	return r->o->quiet ? 0 : printer_event(r->printer, s);
}

/* Samples of CPU time are for chisels only. */
static bool is_sample(const struct event *ev)
{
	return ev->def && !ev->is_state_only && ev->def->category == EC_INTERNAL;
}

static int sampled(struct reading *r, struct field_subject *s, struct err *e)
{
	return event_filter_passes(r->display, s) ? chisels_event(r->o->chisels, s, e) : 0;
}

/* One event that is there: 0 to go on, 1 = enough, or -errno of the output. */
static int take(struct reading *r, struct field_subject *s, struct err *e)
{
	const struct read_options *o = r->o;

	r->seen++;
	if (!is_shown(s->ev))
		return is_sample(s->ev) && event_filter_passes(r->filter, s) ? sampled(r, s, e) : 0;
	if (!event_filter_passes(r->filter, s))
		return 0;
	if (!r->first_ns)
		r->first_ns = s->ev->ts_ns;
	if (o->duration_ns && s->ev->ts_ns >= r->first_ns + o->duration_ns)
		return 1;
	r->passed++;
	if (r->summary)
		summary_event(r->summary, s);
	if (event_filter_passes(r->display, s)) {
		int code = show(r, s, e);

		if (code != 0)
			return code;
	}
	return o->count && r->passed >= o->count;
}

/* Lines wait only as long as there is a next event at once. */
static int next(struct reading *r, struct field_subject *s, struct err *e)
{
	if (!stream_is_live(r->stream))
		return stream_next(r->stream, 0, s, e);
	int code = stream_next(r->stream, 0, s, e);

	if (code != 0)
		return code;
	code = chisels_tick(r->o->chisels, e);
	if (code == 0)
		code = printer_flush(r->printer);
	return code < 0 ? code : stream_next(r->stream, 100, s, e);
}

/* The events, as long as there are any and somebody wants them. */
static int go_through(struct reading *r, bool *is_source, struct err *e)
{
	struct field_subject s;
	int code = 0;

	while (!stop_asked() && code == 0) {
		if (r->ends_ns && clock_boot_ns() >= r->ends_ns)
			break;
		show_progress(r);
		code = next(r, &s, e);
		*is_source = code < 0;
		if (code > 0)
			code = take(r, &s, e);
	}
	progress_hide(&r->progress);
	return code > 0 || code == -ENODATA ? 0 : code;
}

/* 0, -EPIPE when the reader of our lines went, or -errno with the reason in e. */
static int run(struct reading *r, struct err *e)
{
	bool is_source = false;
	struct err end_error = {0};
	int code = go_through(r, &is_source, e);

	/* a capture that is damaged is summed up as far as it went */
	if (code == 0 || is_source) {
		int ended = chisels_end(r->o->chisels, &end_error);

		if (code == 0 && ended < 0) {
			*e = end_error;
			code = ended;
		}
	}
	int flushed = printer_flush(r->printer);

	if (flushed < 0)
		return flushed == -EPIPE
			       ? flushed
			       : err_set(e, -flushed, "standard output: %s", strerror(-flushed));
	return code;
}

static void tell_counts(struct reading *r)
{
	const struct capture_info *info = stream_capture(r->stream);
	struct sensor_counters c = stream_sensor(r->stream);

	if (info)
		log_info(
			"%llu events in the file, %llu joined, %llu without an exit, %llu unknown; "
			"%llu shown",
			(unsigned long long)info->events, (unsigned long long)info->joined,
			(unsigned long long)info->lone_enters,
			(unsigned long long)info->unknown_events, (unsigned long long)r->passed);
	else
		log_info("%llu events, %llu lost; %llu shown", (unsigned long long)c.in,
			(unsigned long long)(c.drop_ring + c.drop_size),
			(unsigned long long)r->passed);
}

static void end(struct reading *r)
{
	const char *no = getenv("NO_COLOR");
	struct buf b = BUF_INIT(1 << 20);

	if (r->summary) {
		summary_format(r->summary, stream_capture(r->stream), r->o->json,
			isatty(STDOUT_FILENO) && !(no && *no), &b);
		printer_add(r->printer, buf_str(&b));
		printer_flush(r->printer);
	}
	if (r->o->verbose)
		tell_counts(r);
	buf_done(&b);
}

int cmd_read(int argc, char **argv)
{
	struct read_command c = {0};
	struct reading r = {.o = &c.o};
	struct err e = {0};
	int code = read_options_parse(&c, argc, argv);

	if (code < 0) {
		stop_on_signals();
		code = open_all(&r, &e);
		if (code == 0) {
			code = run(&r, &e);
			if (code != -EPIPE)
				end(&r);
		}
		if (code < 0 && code != -EPIPE)
			log_error("%s", e.msg);
		code = code < 0 && code != -EPIPE ? 2 : 0;
	}
	close_all(&r);
	buf_done(&c.filter);
	return code;
}
