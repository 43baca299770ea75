/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of koban read. The options are sysdig's where it has them; what is no option is
 * the capture, if it is a file, and the condition.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/read_private.h"
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
	"  -c, --chisel NAME      runs a chisel instead: koban chisels lists them; the next word "
	"is\n"
	"                         its arguments, if it has any: -c fileslower 10\n"
	"      --chisel-dir DIR   looks for chisels there first; in front of -c\n"
	"      --top SPEC         a table: key=FIELD,…,value=FIELD:sum|avg|max|distinct|…,…\n"
	"                         with filter=CONDITION, n=20, sort=COLUMN:asc, every=SECONDS\n"
	"  -R, --resolve-ports    ports by their names in /etc/services\n"
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
	"  koban read trace.scap -c topfiles_bytes proc.name=nginx\n"
	"  koban read trace.scap --top key=proc.name,value=evt.buflen:sum,evt.latency:max\n"
	"  koban read -j evt.type=execve | jq -r '.[\"proc.name\"]'\n"
	"\n"
	"koban fields lists what FILTER and FORMAT can name; man koban-read says all.\n";

/* ---- options -------------------------------------------------------------------------------- */

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

static void add_word(struct read_command *c, const char *word)
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

static int set_format(struct read_command *c, const char *arg)
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

static int set_time(struct read_command *c, const char *arg)
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

static int set_seconds(struct read_command *c, const char *arg)
{
	uint64_t s = 0;
	int code = set_number("not a number of seconds:", arg, UINT32_MAX, &s);

	c->o.duration_ns = s * NSEC_PER_SEC;
	return code;
}

enum { OPT_LIVE = 256, OPT_ENTERS, OPT_UNBUFFERED, OPT_CHISEL_DIR, OPT_TOP, SNAPLEN_MAX = 65535 };

static bool set_flag(struct read_command *c, int opt)
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
	case 'R':
		return o->resolve = true;
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

/* ---- chisels -------------------------------------------------------------------------------- */

/* sysdig's -cl. */
static int list_chisels(void)
{
	char *argv[] = {"chisels", NULL};

	return cmd_chisels(1, argv);
}

/* sysdig's -i. */
static int describe_chisel(char *name)
{
	char *argv[] = {"chisels", name, NULL};

	return cmd_chisels(2, argv);
}

/* Is the word behind a chisel the capture, which is still to come? */
static bool is_capture(const struct read_command *c, const char *word)
{
	return !c->o.path && !c->is_live && (is_file(word) || looks_like_file(str_of(word)));
}

/* The words behind the name are its arguments as far as it takes them. */
static int add_chisel(struct read_command *c, const char *name)
{
	size_t left = c->argc > optind ? (size_t)(c->argc - optind) : 0;
	char **words = c->argv + optind;
	struct err e = {0};

	if (!strcmp(name, "l"))
		return list_chisels();
	if (left && is_capture(c, words[0]))
		left = 0;
	int taken = chisels_add(c->o.chisels, name, words, left, &e);
	if (taken < 0) {
		log_error("%s", e.msg);
		return 2;
	}
	optind += taken;
	return -1;
}

static int add_table_or_dir(struct read_command *c, int opt, const char *arg)
{
	struct err e = {0};
	int r = opt == OPT_TOP ? chisels_add_top(c->o.chisels, arg, &e)
			       : chisels_add_dir(c->o.chisels, arg, &e);

	if (r < 0)
		log_error("%s", e.msg);
	return r < 0 ? 2 : -1;
}

/* -1 to go on, else the exit code. */
static int set_option(struct read_command *c, int opt, const char *arg)
{
	switch (opt) {
	case 1:
		if (arg) /* as it is for words */
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
	case 'c':
		return add_chisel(c, arg);
	case 'i':
		return describe_chisel(optarg);
	case OPT_CHISEL_DIR:
	case OPT_TOP:
		return add_table_or_dir(c, opt, arg);
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

int read_options_parse(struct read_command *c, int argc, char **argv)
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
		{"chisel", required_argument, NULL, 'c'},
		{"chisel-info", required_argument, NULL, 'i'},
		{"chisel-dir", required_argument, NULL, OPT_CHISEL_DIR},
		{"top", required_argument, NULL, OPT_TOP},
		{"resolve-ports", no_argument, NULL, 'R'},
		{"snaplen", required_argument, NULL, 's'},
		{"progress", no_argument, NULL, 'P'},
		{"unbuffered", no_argument, NULL, OPT_UNBUFFERED},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, code = -1;

	c->filter = BUF_INIT(1 << 20);
	c->argc = argc;
	c->argv = argv;
	c->o.chisels = chisels_new();
	if (!c->o.chisels)
		return wrong("out of memory at", argv[0]);
	/* words come in order, as if they were options */
	while (code < 0 && (opt = getopt_long(argc, argv, "-r:p:jd:n:M:t:AxXbvSqs:PhRc:i:", longs,
				    NULL)) != -1)
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
