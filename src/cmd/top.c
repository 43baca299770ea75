/* SPDX-License-Identifier: Apache-2.0 */
/* koban top: tables of what runs, in a terminal; live, or over a capture. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/stream.h"
#include "cmd/usage.h"
#include "cmd/verbs.h"
#include "face/top/top.h"

enum { DIRS_MAX = 16, TEXT_MAX = 64 << 20, ECHO_SNAPLEN = 512 };

static const char help[] =
	"usage: koban top [VIEW] [-r FILE] [-d MS] [OPTION]… [FILTER]\n"
	"\n"
	"Tables of what runs on this machine, or ran when a capture was made: processes, "
	"containers,\n"
	"files, connections, errors, latencies … Enter goes into a row, Backspace back up, F2 "
	"shows\n"
	"all views, F4 takes a filter, F1 helps.\n"
	"\n"
	"  -r, --read FILE       a capture (.scap) instead of this machine\n"
	"  -d, --delay MS        refresh every so many milliseconds (2000)\n"
	"      --list-views      the views, one line each\n"
	"      --once            print the view once, for pipes\n"
	"      --json            the same as JSON lines\n"
	"  -M, --seconds N       with --once, live: look for so long (2)\n"
	"      --views DIR       more views; one with the id of a shipped one replaces it\n"
	"      --no-mouse        leave the mouse to the terminal\n"
	"  -s, --snaplen N       bytes of each read and write that are kept (512)\n"
	"  -h, --help            this text\n"
	"\n"
	"examples:\n"
	"  koban top                                processes, live\n"
	"  koban top containers                     containers, live\n"
	"  koban top connections fd.sport=443       one port\n"
	"  koban top -r trouble.scap files          what a capture read and wrote\n"
	"  koban top spectro_all -r trouble.scap    latencies over time\n"
	"  koban top --once --json procs_errors     five lines of jq away from an alarm\n";

struct top {
	struct stream_options options;
	struct stream *stream;
	struct usage *usage;
	uint32_t me;
};

/* ---- the feed ------------------------------------------------------------------------------ */

/* A capture, which strangers wrote: from here on it alone can be read. */
static int feed_open(void *arg, struct err *e)
{
	static const struct cell_options cell = {0};
	struct top *t = arg;

	t->options.cell = &cell;
	t->options.reads_again = true;
	return stream_open(&t->options, &t->stream, e);
}

static int feed_next(void *arg, int timeout_ms, struct field_subject *ret, struct err *e)
{
	struct top *t = arg;
	int r;

	/* live, what koban itself does is no news, and would never end */
	do
		r = stream_next(t->stream, timeout_ms, ret, e);
	while (r > 0 && t->me && ret->ev->pid == t->me);
	return r;
}

static double feed_progress(void *arg)
{
	return stream_progress(((struct top *)arg)->stream);
}

static int feed_rewind(void *arg, struct err *e)
{
	return stream_rewind(((struct top *)arg)->stream, e);
}

static struct state *feed_state(void *arg)
{
	return stream_state(((struct top *)arg)->stream);
}

static uint64_t feed_lost(void *arg)
{
	struct sensor_counters c = stream_sensor(((struct top *)arg)->stream);

	return c.drop_ring + c.drop_size;
}

static bool feed_usage(void *arg, const struct process *p, struct group_usage *ret)
{
	return usage_ask(((struct top *)arg)->usage, p, ret);
}

/* ---- signals: the terminal is given back whatever happens ---------------------------------- */

static volatile sig_atomic_t stop;
static struct termios cooked;

static void on_stop(int sig)
{
	stop = 1;
}

/* Only what is safe in a signal handler: the codes that end what ncurses began, as bytes. */
static void on_crash(int sig)
{
	static const char leave[] = "\033[?1006l\033[?1002l\033[?1000l\033[?1049l\033[?25h\033[0m";
	ssize_t n = write(STDOUT_FILENO, leave, sizeof(leave) - 1);

	(void)n;
	tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	raise(sig); /* SA_RESETHAND: as if nobody had caught it */
}

static void catch_signals(bool is_screen)
{
	static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	struct sigaction sa = {.sa_handler = on_stop};

	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		sigaction(stops[i], &sa, NULL);
	if (!is_screen || tcgetattr(STDIN_FILENO, &cooked) < 0)
		return;
	sa = (struct sigaction){.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &sa, NULL);
}

/* ---- the verb ------------------------------------------------------------------------------ */

struct arguments {
	struct top_options top;
	const char *path;
	const char *dirs[DIRS_MAX];
	uint64_t seconds;
	uint32_t snaplen;
	bool once, json, list;
	struct buf filter;
};

static int bad(const char *what, const char *value)
{
	fprintf(stderr, "koban top: %s '%s'; koban top --help says more\n", what, value);
	return 2;
}

static int number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	return str_to_u64(str_of(text), 10, ret) && *ret >= min && *ret <= max ? 0 : -EINVAL;
}

enum { OPT_LIST = 256, OPT_ONCE, OPT_JSON, OPT_VIEWS, OPT_NO_MOUSE };

static int take_option(struct arguments *a, int opt)
{
	uint64_t n;

	switch (opt) {
	case 'r':
		a->path = optarg;
		return -1;
	case 'd':
		if (number(optarg, 100, 3600000, &n) < 0)
			return bad("--delay takes 100 to 3600000 milliseconds, not", optarg);
		a->top.refresh_ns = n * 1000000;
		return -1;
	case 'M':
		if (number(optarg, 1, 86400, &a->seconds) < 0)
			return bad("--seconds takes 1 to 86400, not", optarg);
		return -1;
	case 's':
		if (number(optarg, 0, 65000, &n) < 0)
			return bad("--snaplen takes 0 to 65000 bytes, not", optarg);
		a->snaplen = (uint32_t)n;
		return -1;
	case OPT_VIEWS:
		if (a->top.ndirs == DIRS_MAX)
			return bad("too many folders of views at", optarg);
		a->dirs[a->top.ndirs++] = optarg;
		return -1;
	case OPT_LIST:
		a->list = true;
		return -1;
	case OPT_JSON:
		a->json = true;
		a->once = true;
		return -1;
	case OPT_ONCE:
		a->once = true;
		return -1;
	case OPT_NO_MOUSE:
		a->top.no_mouse = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		return 2;
	}
}

/* The first word is a view unless it looks like a condition; what follows is one. */
static bool is_view_name(const char *word)
{
	return word[0] && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-")] &&
	       strcmp(word, "not") != 0;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"read", required_argument, NULL, 'r'},
		{"delay", required_argument, NULL, 'd'},
		{"seconds", required_argument, NULL, 'M'},
		{"snaplen", required_argument, NULL, 's'},
		{"views", required_argument, NULL, OPT_VIEWS},
		{"list-views", no_argument, NULL, OPT_LIST},
		{"once", no_argument, NULL, OPT_ONCE},
		{"json", no_argument, NULL, OPT_JSON},
		{"no-mouse", no_argument, NULL, OPT_NO_MOUSE},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *no_colour = getenv("NO_COLOR");
	int opt, code = -1;

	a->seconds = 2;
	a->snaplen = ECHO_SNAPLEN;
	a->filter = BUF_INIT(511);
	a->top.dirs = a->dirs;
	a->top.stop = &stop;
	a->top.no_colour = no_colour && *no_colour;
	optind = 1;
	while (code < 0 && (opt = getopt_long(argc, argv, "r:d:M:s:h", options, NULL)) != -1)
		code = take_option(a, opt);
	if (code >= 0)
		return code;
	if (optind < argc && is_view_name(argv[optind]))
		a->top.view = str_of(argv[optind++]);
	for (; optind < argc; optind++)
		buf_printf(&a->filter, "%s%s", a->filter.len ? " " : "", argv[optind]);
	if (a->filter.cut)
		return bad("the filter is too long:", "511 bytes are the most");
	a->top.filter = buf_str(&a->filter);
	return -1;
}

static int list_views(const struct arguments *a)
{
	struct buf out = BUF_INIT(TEXT_MAX);
	struct err e = {0};
	int r = top_list(&a->top, &out, &e);

	if (r < 0)
		log_error("%s", e.msg);
	else
		fwrite(out.s, 1, out.len, stdout);
	buf_done(&out);
	return r < 0 ? 2 : 0;
}

static int show(struct top *t, const struct arguments *a, struct err *e)
{
	struct top_feed feed = {
		.next = feed_next,
		.progress = feed_progress,
		.state = feed_state,
		.arg = t,
		.name = a->path ? basename(a->path) : "this machine",
	};
	struct buf out = BUF_INIT(TEXT_MAX);
	int r;

	if (a->path) {
		feed.open = feed_open;
		feed.rewind = feed_rewind;
	} else {
		feed.usage = feed_usage;
		feed.lost = feed_lost;
	}
	if (!a->once)
		return top_run(&feed, &a->top, e);
	r = top_print(&feed, &a->top, a->seconds * NSEC_PER_SEC, a->json, &out, e);
	if (r >= 0)
		fwrite(out.s ? out.s : "", 1, out.len, stdout);
	buf_done(&out);
	return r;
}

static int run(const struct arguments *a)
{
	struct top t = {.options = {.path = a->path, .snaplen = a->snaplen}, .usage = usage_new()};
	struct err e = {0};
	int r = t.usage ? 0 : err_set(&e, ENOMEM, "out of memory");

	if (r >= 0 && !a->path) {
		t.me = (uint32_t)getpid();
		r = stream_open(&t.options, &t.stream, &e);
	}
	if (r >= 0)
		r = show(&t, a, &e);
	stream_close(t.stream);
	usage_free(t.usage);
	if (r < 0)
		log_error("%s", e.msg);
	return r < 0 ? 2 : 0;
}

int cmd_top(int argc, char **argv)
{
	struct arguments a = {0};
	int code = parse(&a, argc, argv);

	if (code < 0 && !a.list && !a.once && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		code = bad("it needs a terminal; for pipes there is", "--once");
	if (code < 0 && a.list)
		code = list_views(&a);
	if (code < 0) {
		catch_signals(!a.once);
		code = run(&a);
	}
	buf_done(&a.filter);
	return code;
}
