/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban read: the events of a capture, or of this machine now, as lines. The options are sysdig's
 * where it has them. This file is the options and the loop; event_filter.c chooses events,
 * read_print.c writes them, read_summary.c counts them.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/progress.h"
#include "cmd/read_private.h"
#include "cmd/stop.h"
#include "cmd/verbs.h"

static const char help[] =
	"usage: koban read FILE [OPTION]… [FILTER]\n"
	"       koban read --live [OPTION]… [FILTER]\n"
	"\n"
	"Prints the events of a capture (.scap, also of sysdig and Falco; - is standard input),\n"
	"or of this machine as they happen. FILTER is a condition as rules have it.\n"
	"\n"
	"  -r, --read FILE        the capture, as sysdig has it\n"
	"      --live             this machine (needs root); the same without a FILE\n"
	"  -p, --print FORMAT     what a line shows: '%evt.num %proc.name %fd.name'; with * in\n"
	"                         front also events that lack a field. -pc and -pk: the usual\n"
	"                         line with the container or the pod; -pp prints that format\n"
	"  -j, --json             one JSON object a line\n"
	"  -d, --displayflt EXPR  prints only what passes; -n and -S still see the rest\n"
	"  -n, --numevents N      stops after N events that passed FILTER\n"
	"  -M, --seconds N        stops N seconds after the first event\n"
	"  -t, --timetype T       h time of day, a since 1970, r since the first event, d how\n"
	"                         long the call took, D since the event before\n"
	"  -A, -x, -X, -b         data as text, hexadecimal, both, base64\n"
	"  -v, --verbose          long data uncut; counts at the end\n"
	"  -S, --summary          a table of event types at the end\n"
	"  -q, --quiet            no events\n"
	"      --enters           the begin of calls too, as the capture has it (>)\n"
	"  -s, --snaplen N        live: bytes of data an event carries (80)\n"
	"  -P, --progress         how far it is, on stderr (a terminal gets it anyway)\n"
	"      --unbuffered       writes each line at once\n"
	"  -h, --help             this text\n"
	"\n"
	"examples:\n"
	"  koban read trace.scap proc.name=curl and evt.type=connect\n"
	"  koban read trace.scap -p '%proc.name %fd.name' evt.type=openat\n"
	"  koban read trace.scap -S -q           what is in it?\n"
	"  koban read -j evt.type=execve | jq -r '.[\"proc.name\"]'\n"
	"\n"
	"koban fields lists what FILTER and FORMAT can name; man koban-read says all.\n";

/* ---- options -------------------------------------------------------------------------------- */

struct command {
	struct read_options o;
	struct buf filter; /* all words that are no option */
	bool is_live;
};

static int wrong(const char *what, const char *arg)
{
	log_error("%s '%s'; koban read --help shows the usage", what, arg);
	return 2;
}

static bool is_file(const char *word)
{
	return !strcmp(word, "-") || access(word, F_OK) == 0;
}

/* "traces/x.scap" that is not there is a file that is not there, not a condition. */
static bool looks_like_file(struct str word)
{
	return str_find_char(word, '=') < 0 &&
	       (str_find_char(word, '/') >= 0 || str_ends(word, STR(".scap")) ||
		       str_ends(word, STR(".scap.gz")));
}

static void add_word(struct command *c, const char *word)
{
	bool is_first = !c->filter.len && !c->o.path && !c->is_live;

	if (is_first && (is_file(word) || looks_like_file(str_of(word)))) {
		c->o.path = word;
		return;
	}
	if (c->filter.len)
		buf_add_char(&c->filter, ' ');
	buf_add_cstr(&c->filter, word);
}

static int set_format(struct command *c, const char *arg)
{
	struct str a = str_of(arg);

	if (str_is(a, "p")) {
		puts("*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir "
		     "%evt.type %evt.info");
		return 0;
	}
	if (str_is(a, "c") || str_is(a, "container"))
		c->o.container = true;
	else if (str_is(a, "k") || str_is(a, "kubernetes"))
		c->o.kubernetes = true;
	else
		c->o.format = a;
	return a.len ? -1 : wrong("the format is empty:", arg);
}

static int set_time(struct command *c, const char *arg)
{
	static const char letters[] = "hardD"; /* in the order of enum field_time */
	const char *at = arg[0] && !arg[1] ? strchr(letters, arg[0]) : NULL;

	if (!at)
		return wrong("-t takes h, a, r, d or D, not", arg);
	c->o.time = (enum field_time)(at - letters);
	return -1;
}

static int set_number(const char *what, const char *arg, uint64_t max, uint64_t *ret)
{
	if (!str_to_u64(str_of(arg), 10, ret) || *ret > max || *ret == 0)
		return wrong(what, arg);
	return -1;
}

static int set_seconds(struct command *c, const char *arg)
{
	uint64_t s = 0;
	int code = set_number("not a number of seconds:", arg, UINT32_MAX, &s);

	c->o.duration_ns = s * NSEC_PER_SEC;
	return code;
}

enum { OPT_LIVE = 256, OPT_ENTERS, OPT_UNBUFFERED, SNAPLEN_MAX = 65535 };

static bool set_flag(struct command *c, int opt)
{
	struct read_options *o = &c->o;

	switch (opt) {
	case 'j':
		return o->json = true;
	case 'v':
		return o->verbose = true;
	case 'S':
		return o->summary = true;
	case 'q':
		return o->quiet = true;
	case 'P':
		return o->progress = true;
	case OPT_LIVE:
		return c->is_live = true;
	case OPT_ENTERS:
		return o->enters = true;
	case OPT_UNBUFFERED:
		return o->unbuffered = true;
	case 'A':
		o->bytes = BYTES_TEXT;
		return true;
	case 'b':
		o->bytes = BYTES_BASE64;
		return true;
	case 'x':
		o->bytes = BYTES_HEX;
		return true;
	case 'X':
		o->bytes = BYTES_HEX_TEXT;
		return true;
	default:
		return false;
	}
}

/* -1 to go on, else the exit code. */
static int set_option(struct command *c, int opt, const char *arg)
{
	switch (opt) {
	case 1:
		add_word(c, arg);
		return -1;
	case 'r':
		c->o.path = arg;
		return -1;
	case 'p':
		return set_format(c, arg);
	case 'd':
		c->o.display_filter = str_of(arg);
		return -1;
	case 'n':
		return set_number("not a number of events:", arg, UINT64_MAX, &c->o.count);
	case 'M':
		return set_seconds(c, arg);
	case 's':
		return set_number(
			"not a number of bytes below 65536:", arg, SNAPLEN_MAX, &c->o.snaplen);
	case 't':
		return set_time(c, arg);
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		if (set_flag(c, opt))
			return -1;
		fputs("koban read --help shows the usage\n", stderr);
		return 2;
	}
}

static int parse(struct command *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{"read", required_argument, NULL, 'r'},
		{"live", no_argument, NULL, OPT_LIVE},
		{"print", required_argument, NULL, 'p'},
		{"json", no_argument, NULL, 'j'},
		{"displayflt", required_argument, NULL, 'd'},
		{"numevents", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 'M'},
		{"timetype", required_argument, NULL, 't'},
		{"print-ascii", no_argument, NULL, 'A'},
		{"print-hex", no_argument, NULL, 'x'},
		{"print-hex-ascii", no_argument, NULL, 'X'},
		{"print-base64", no_argument, NULL, 'b'},
		{"verbose", no_argument, NULL, 'v'},
		{"summary", no_argument, NULL, 'S'},
		{"quiet", no_argument, NULL, 'q'},
		{"enters", no_argument, NULL, OPT_ENTERS},
		{"snaplen", required_argument, NULL, 's'},
		{"progress", no_argument, NULL, 'P'},
		{"unbuffered", no_argument, NULL, OPT_UNBUFFERED},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, code = -1;

	/* words come in order, as if they were options */
	while (code < 0 &&
		(opt = getopt_long(argc, argv, "-r:p:jd:n:M:t:AxXbvSqs:Ph", longs, NULL)) != -1)
		code = set_option(c, opt, optarg);
	for (; code < 0 && optind < argc; optind++)
		add_word(c, argv[optind]);
	if (code >= 0)
		return code;
	if (c->is_live && c->o.path)
		return wrong("--live and a capture exclude each other:", c->o.path);
	c->o.filter = buf_str(&c->filter);
	/* one word cannot be a condition: it is the name of a file that is not there */
	if (!c->o.path && !c->is_live && c->o.filter.len &&
		!strpbrk(c->o.filter.s, " \t\n=<>()!")) {
		c->o.path = c->o.filter.s;
		c->o.filter = STR_NULL;
	}
	return -1;
}

/* ---- the loop ------------------------------------------------------------------------------- */

struct reading {
	const struct read_options *o;
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
	const struct cell_options cell = {0};
	struct stream_options so = {
		.cell = &cell,
		.path = o->path,
		.codes = r->filter ? event_filter_codes(r->filter) : NULL,
		.snaplen = (uint32_t)o->snaplen,
		.no_descriptors = true,
		.keep_enters = o->enters,
	};

	return stream_open(&so, &r->stream, e);
}

static int open_all(struct reading *r, struct err *e)
{
	const struct read_options *o = r->o;
	int code = event_filter_open(o->filter, "filter", &r->filter, e);

	if (code == 0)
		code = event_filter_open(o->display_filter, "-d", &r->display, e);
	if (code == 0)
		code = printer_open(o, &r->printer, e);
	if (code == 0 && o->summary && !(r->summary = summary_new()))
		code = err_set(e, ENOMEM, "out of memory");
	if (code == 0)
		code = open_stream(r, e);
	if (code == 0 && !o->path && o->duration_ns)
		r->ends_ns = clock_boot_ns() + o->duration_ns;
	/* lines that pass by are progress enough */
	progress_start(&r->progress, o->path && (!isatty(STDOUT_FILENO) || o->quiet || r->filter),
		o->progress);
	return code;
}

static void close_all(struct reading *r)
{
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

/* One event that is there: 0 to go on, 1 = enough, or -errno of the output. */
static int take(struct reading *r, struct field_subject *s)
{
	const struct read_options *o = r->o;

	r->seen++;
	if (!is_shown(s->ev) || !event_filter_passes(r->filter, s))
		return 0;
	if (!r->first_ns)
		r->first_ns = s->ev->ts_ns;
	if (o->duration_ns && s->ev->ts_ns >= r->first_ns + o->duration_ns)
		return 1;
	r->passed++;
	if (r->summary)
		summary_event(r->summary, s);
	if (!o->quiet && event_filter_passes(r->display, s)) {
		if (r->progress.is_drawn && isatty(STDOUT_FILENO))
			progress_hide(&r->progress);
		int code = printer_event(r->printer, s);
		if (code < 0)
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
	code = printer_flush(r->printer);
	return code < 0 ? code : stream_next(r->stream, 100, s, e);
}

/* 0, -EPIPE when the reader of our lines went, or -errno with the reason in e. */
static int run(struct reading *r, struct err *e)
{
	struct field_subject s;
	int code = 0;

	while (!stop_asked() && code == 0) {
		if (r->ends_ns && clock_boot_ns() >= r->ends_ns)
			break;
		show_progress(r);
		code = next(r, &s, e);
		if (code > 0)
			code = take(r, &s);
	}
	progress_hide(&r->progress);
	int flushed = printer_flush(r->printer);

	if (flushed < 0)
		return flushed == -EPIPE
			       ? flushed
			       : err_set(e, -flushed, "standard output: %s", strerror(-flushed));
	return code > 0 || code == -ENODATA ? 0 : code;
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
		printer_text(r->printer, buf_str(&b));
	}
	if (r->o->verbose)
		tell_counts(r);
	buf_done(&b);
}

int cmd_read(int argc, char **argv)
{
	struct command c = {.filter = BUF_INIT(1 << 20)};
	struct reading r = {.o = &c.o};
	struct err e = {0};
	int code = parse(&c, argc, argv);

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
