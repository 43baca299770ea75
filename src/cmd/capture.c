/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban capture: events of this machine into .scap files, or of a capture into another one. The
 * options are the ones that sysdig's users know. It shows events only beside writing them
 * (--print); to look without a file is `koban read`.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/read_private.h"
#include "cmd/stop.h"
#include "cmd/stream.h"
#include "cmd/verbs.h"

static const char help[] =
	"usage: koban capture -w FILE [OPTION]… [FILTER]\n"
	"\n"
	"Writes what happens on this machine into a capture (.scap) that koban, sysdig and Falco\n"
	"read. FILTER is a condition as in rules; without one everything is written.\n"
	"A capture carries the arguments and the environment of every process.\n"
	"\n"
	"  -w, --write FILE      where to; - is standard output\n"
	"  -r, --read FILE       from this capture instead of this machine: to filter, redact\n"
	"                        or compress one that you have\n"
	"  -z, --compress        gzip\n"
	"  -s, --snaplen N       bytes of data that an event carries (80)\n"
	"  -n, --numevents N     stop after N events\n"
	"  -M, --seconds N       stop after N seconds\n"
	"  -F, --fatfile         also what FILTER leaves out but readers need to know processes\n"
	"                        and files by; it stays hidden when the file is read\n"
	"      --print           shows what is written, as koban read does\n"
	"  -p, --format FMT      in this format (implies --print)\n"
	"  -j, --json            as JSON lines (implies --print)\n"
	"\n"
	"a new file, FILE0, FILE1, …, each complete in itself:\n"
	"  -C N                  after N million bytes\n"
	"  -G, --rotate N        after N seconds; FILE may have a strftime pattern: trace%H%M\n"
	"  -e N                  after N events\n"
	"  -W N                  keep N files, the oldest is written over\n"
	"\n"
	"what goes into no file:\n"
	"      --redact PATTERN  values of the environment and arguments whose name matches, as\n"
	"                        'AWS_*' or '--password'; can be given more than once\n"
	"      --no-env          no environment at all\n"
	"\n"
	"  -q, --quiet           only errors on stderr\n"
	"  -h, --help            this text\n"
	"\n"
	"examples:\n"
	"  koban capture -w trace.scap -M 10\n"
	"  koban capture -z -w trace.scap.gz -C 100 -W 5 container.id != host\n"
	"  koban capture -w trace.scap --print proc.name = nginx\n"
	"  koban capture -w - --redact '*TOKEN*' | koban read -\n";

/* ---- options -------------------------------------------------------------------------------- */

struct command {
	struct capture_writer_options writer;
	const char **redact;
	const char *read, *format; /* format: of --print; NULL = the usual one */
	struct buf filter;
	uint64_t count, seconds, snaplen;
	bool is_fat, is_quiet, prints, json;
};

enum { OPT_REDACT = 256, OPT_NO_ENV, OPT_PRINT, FILTER_MAX = 1 << 20, SNAPLEN_MAX = 65000 };

static int wrong(const char *what, const char *arg)
{
	log_error("%s '%s'; koban capture --help shows the usage", what, arg);
	return 2;
}

/* -1 to go on. */
static int number(const char *what, const char *arg, uint64_t max, uint64_t *ret)
{
	if (str_to_u64(str_of(arg), 10, ret) && *ret && *ret <= max)
		return -1;
	return wrong(what, arg);
}

static int add_redact(struct command *c, const char *pattern)
{
	const char **more =
		realloc((void *)c->redact, (c->writer.nredact + 1) * sizeof(*c->redact));

	if (!more)
		return wrong("out of memory at", pattern);
	c->redact = more;
	c->redact[c->writer.nredact++] = pattern;
	c->writer.redact = c->redact;
	return -1;
}

static int set_max_files(struct command *c, const char *arg)
{
	uint64_t n = 0;
	int code = number("not a number of files:", arg, 100000, &n);

	c->writer.max_files = (unsigned)n;
	return code;
}

static int set_size(struct command *c, const char *arg)
{
	uint64_t n = 0;
	int code = number("not a number of million bytes:", arg, 1 << 30, &n);

	c->writer.rotate_bytes = n * 1000000;
	return code;
}

static int set_limit(struct command *c, int opt, const char *arg)
{
	switch (opt) {
	case 's':
		return number("-s takes 1 to 65000 bytes, not", arg, SNAPLEN_MAX, &c->snaplen);
	case 'n':
		return number("not a number of events:", arg, UINT64_MAX, &c->count);
	case 'M':
		return number("not a number of seconds:", arg, UINT32_MAX, &c->seconds);
	case 'G':
		return number("not a number of seconds:", arg, UINT32_MAX, &c->writer.rotate_s);
	case 'e':
		return number("not a number of events:", arg, UINT64_MAX, &c->writer.rotate_events);
	case 'C':
		return set_size(c, arg);
	case 'W':
		return set_max_files(c, arg);
	default:
		fputs("koban capture --help shows the usage\n", stderr);
		return 2;
	}
}

static int set_print(struct command *c, int opt, const char *arg)
{
	c->prints = true;
	c->json |= opt == 'j';
	c->format = opt == 'p' ? arg : c->format;
	return -1;
}

static int set_option(struct command *c, int opt, const char *arg)
{
	switch (opt) {
	case 'w':
		c->writer.path = arg;
		return -1;
	case 'r':
		c->read = arg;
		return -1;
	case 'z':
		c->writer.gzip = true;
		return -1;
	case 'F':
		c->is_fat = true;
		return -1;
	case 'q':
		c->is_quiet = true;
		return -1;
	case OPT_PRINT:
	case 'p':
	case 'j':
		return set_print(c, opt, arg);
	case OPT_REDACT:
		return add_redact(c, arg);
	case OPT_NO_ENV:
		c->writer.no_environment = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		return set_limit(c, opt, arg);
	}
}

static int check(const struct command *c)
{
	const struct capture_writer_options *w = &c->writer;

	if (!w->path) {
		log_error("-w FILE says where the capture goes; to see events, use: koban read%s%s",
			c->read ? " " : "", c->read ? c->read : "");
		return 2;
	}
	if (w->max_files && !w->rotate_bytes && !w->rotate_s && !w->rotate_events) {
		log_error("-W needs -C, -G or -e: when is a file full?");
		return 2;
	}
	if (!strcmp(w->path, "-") && isatty(STDOUT_FILENO)) {
		log_error("a capture is no text for a terminal: give a pipe or a file");
		return 2;
	}
	if (c->prints && !strcmp(w->path, "-")) {
		log_error("--print and -w - both want standard output: give -w a file");
		return 2;
	}
	if (c->read && !strcmp(c->read, w->path) && strcmp(w->path, "-")) {
		log_error("%s cannot be read and written at once", c->read);
		return 2;
	}
	return -1;
}

static int parse(struct command *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{"write", required_argument, NULL, 'w'},
		{"read", required_argument, NULL, 'r'},
		{"compress", no_argument, NULL, 'z'},
		{"snaplen", required_argument, NULL, 's'},
		{"numevents", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 'M'},
		{"fatfile", no_argument, NULL, 'F'},
		{"print", no_argument, NULL, OPT_PRINT},
		{"format", required_argument, NULL, 'p'},
		{"json", no_argument, NULL, 'j'},
		{"rotate", required_argument, NULL, 'G'},
		{"redact", required_argument, NULL, OPT_REDACT},
		{"no-env", no_argument, NULL, OPT_NO_ENV},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, code;

	while ((opt = getopt_long(argc, argv, "w:r:zs:n:M:Fp:jC:G:e:W:qh", longs, NULL)) != -1)
		if ((code = set_option(c, opt, optarg)) >= 0)
			return code;
	for (int i = optind; i < argc; i++) {
		buf_add_cstr(&c->filter, c->filter.len ? " " : "");
		buf_add_cstr(&c->filter, argv[i]);
	}
	return check(c);
}

/* ---- the loop ------------------------------------------------------------------------------- */

struct job {
	const struct command *c;
	struct event_filter *filter;
	struct stream *stream;
	struct capture_writer *writer;
	struct printer *printer;                 /* NULL unless it shows what it writes */
	uint64_t written, ends_ns, next_line_ns; /* boot time */
	uint64_t last_ns;                        /* epoch: when it was asked to end; 0 = not yet */
	bool has_line;
};

static void show_progress(struct job *j)
{
	struct capture_writer_counters n = capture_writer_counters(j->writer);
	double part = stream_progress(j->stream);

	fprintf(stderr, "\r\033[K%llu events, %.1f MB%s", (unsigned long long)n.events,
		(double)n.bytes / 1e6, stream_is_live(j->stream) ? "; Ctrl-C ends it" : "");
	if (part >= 0)
		fprintf(stderr, ", %.0f %%", part * 100);
	fflush(stderr);
	j->has_line = true;
}

static int once_a_second(struct job *j, uint64_t now_ns, struct err *e)
{
	j->next_line_ns = now_ns + NSEC_PER_SEC;
	if (j->printer)
		printer_flush(j->printer);
	else if (!j->c->is_quiet && isatty(STDERR_FILENO))
		show_progress(j);
	if (stream_is_live(j->stream))
		state_tick(stream_state(j->stream), clock_epoch_ns());
	return stream_is_live(j->stream) ? capture_flush(j->writer, e) : 0;
}

/* When nobody reads the lines any more, the capture goes on without them. */
static int print_one(struct job *j, struct field_subject *s, struct err *e)
{
	int r = j->printer ? printer_event(j->printer, s) : 0;

	if (r == -EPIPE) {
		printer_close(j->printer);
		j->printer = NULL;
		return 0;
	}
	return r < 0 ? err_set(e, -r, "standard output: %s", strerror(-r)) : 0;
}

static int write_one(struct job *j, struct field_subject *s, struct err *e)
{
	struct event hidden;
	const struct event *ev = s->ev;
	int r = 0;

	if (!ev->def) {
		/* the writer learns from it */
	} else if (!ev->is_state_only && event_filter_passes(j->filter, s)) {
		j->written++;
		r = print_one(j, s, e);
	} else {
		if (!ev->is_state_only && !(j->c->is_fat && capture_is_needed(ev->code)))
			return 0;
		hidden = *ev;
		hidden.is_state_only = true;
		ev = &hidden;
	}
	return r < 0 ? r : capture_write(j->writer, ev, s->proc, e);
}

static bool is_asked_to_end(const struct job *j, uint64_t now_ns)
{
	return stop_asked() || (j->ends_ns && now_ns >= j->ends_ns);
}

/* Live, what happened before the end and still waits in the ring is a part of the capture. */
static bool is_behind_end(const struct job *j, int r, const struct field_subject *s)
{
	return j->last_ns && (!stream_is_live(j->stream) || r == 0 || s->ev->ts_ns > j->last_ns);
}

static int loop(struct job *j, struct err *e)
{
	struct field_subject s;
	uint64_t now_ns = clock_boot_ns();

	j->ends_ns = j->c->seconds ? now_ns + j->c->seconds * NSEC_PER_SEC : 0;
	for (unsigned i = 0; !j->c->count || j->written < j->c->count; i++) {
		if (!j->last_ns && is_asked_to_end(j, now_ns))
			j->last_ns = clock_epoch_ns();
		int r = stream_next(j->stream, j->last_ns ? 0 : 100, &s, e);

		if (r < 0)
			return r == -ENODATA ? 0 : r;
		if (is_behind_end(j, r, &s))
			return 0;
		if (r > 0 && (r = write_one(j, &s, e)) < 0)
			return r;
		if (r == 0 || (i & 63) == 0)
			now_ns = clock_boot_ns();
		if (now_ns >= j->next_line_ns && (r = once_a_second(j, now_ns, e)) < 0)
			return r;
	}
	return 0;
}

/* ---- begin and end -------------------------------------------------------------------------- */

static void tell_begin(const struct command *c)
{
	if (c->is_quiet)
		return;
	if (!c->read)
		log_info("recording to %s; Ctrl-C ends it",
			strcmp(c->writer.path, "-") ? c->writer.path : "standard output");
	if (!c->writer.no_environment)
		log_info("the capture carries every process's arguments and environment; "
			 "--redact PATTERN and --no-env leave them out");
	else
		log_info("the capture carries every process's arguments; --redact PATTERN leaves "
			 "them out");
}

static void tell_end(struct job *j, struct capture_writer_counters n)
{
	struct sensor_counters s = stream_sensor(j->stream);

	if (j->has_line)
		fputs("\r\033[K", stderr);
	if (j->c->is_quiet)
		return;
	log_info("%llu events, %llu bytes in %llu file%s; %llu values redacted",
		(unsigned long long)n.events, (unsigned long long)n.bytes,
		(unsigned long long)n.files, n.files == 1 ? "" : "s",
		(unsigned long long)n.redacted);
	if (stream_is_live(j->stream))
		log_info("lost: %llu ring full, %llu too large, %llu undecodable",
			(unsigned long long)s.drop_ring, (unsigned long long)s.drop_size,
			(unsigned long long)s.bad);
}

/* The one folder that files are made in; of standard output there is none. */
static char *folder_of(const char *path)
{
	char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (slash)
		slash[slash == copy] = 0;
	else if (copy)
		strcpy(copy, ".");
	return copy;
}

static int open_stream(struct job *j, struct err *e)
{
	const struct command *c = j->c;
	char *folder = strcmp(c->writer.path, "-") ? folder_of(c->writer.path) : NULL;
	const struct cell_options cell = {.write_dir = folder};
	struct stream_options o = {.path = c->read, .snaplen = (uint32_t)c->snaplen, .cell = &cell};
	int r = stream_open(&o, &j->stream, e);

	free(folder);
	return r;
}

static int open_job(struct job *j, struct err *e)
{
	const struct command *c = j->c;
	struct capture_writer_options w = c->writer;
	const struct read_options lines = {.format = str_of(c->format), .json = c->json};
	int r = event_filter_open(buf_str(&c->filter), "filter", &j->filter, e);

	if (r == 0 && c->prints)
		r = printer_open(&lines, &j->printer, e);
	if (r < 0 || (r = open_stream(j, e)) < 0)
		return r;
	if (c->read && stream_capture(j->stream)->has_machine)
		w.machine = &stream_capture(j->stream)->machine;
	return capture_writer_open(&w, stream_state(j->stream), &j->writer, e);
}

static int run(struct job *j)
{
	struct err e = {0};
	struct capture_writer_counters n = {0};
	int r = open_job(j, &e);

	if (r == 0) {
		tell_begin(j->c);
		r = loop(j, &e);
	}
	if (j->writer) {
		struct err closing = {0};
		int closed = capture_flush(j->writer, &closing);

		n = capture_writer_counters(j->writer);
		if (closed == 0)
			closed = capture_writer_close(j->writer, &closing);
		else
			capture_writer_close(j->writer, NULL);
		tell_end(j, n);
		if (r == 0 && closed < 0) {
			r = closed;
			e = closing;
		}
	}
	printer_close(j->printer);
	if (r < 0)
		log_error("%s", e.msg);
	stream_close(j->stream);
	event_filter_close(j->filter);
	return r < 0 ? 2 : 0;
}

int cmd_capture(int argc, char **argv)
{
	struct command c = {.filter = BUF_INIT(FILTER_MAX)};
	int code = parse(&c, argc, argv);

	if (code < 0) {
		struct job j = {.c = &c};

		stop_on_signals();
		code = run(&j);
	}
	buf_done(&c.filter);
	free((void *)c.redact);
	return code;
}
