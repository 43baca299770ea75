/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban image scan REF…: options, the bar, the report in the wanted form, the exit code. Wiring:
 * scan/image reads and judges, face/report writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/image.h"
#include "cmd/progress.h"
#include "face/report/report.h"
#include "scan/image/image.h"

enum { OUT_MAX = 1 << 30, WIDTH_DEFAULT = 100, THREADS_MAX = 4 };

static const char help[] =
	"usage: koban image scan [OPTION]… REF…\n"
	"\n"
	"Reads an image once, layer by layer, without unpacking or running it, and says what is\n"
	"in it: packages, secrets, miners, malware, doors for others, names that imitate. What an\n"
	"upper layer deleted is seen as well. Ends with a verdict, its reason, and what could not\n"
	"be read.\n"
	"\n"
	"REF is an image's name in a registry, docker-archive:FILE, oci:DIR[:TAG],\n"
	"oci-archive:FILE, dir:DIR, containerd:NAME, podman:NAME or docker:NAME.\n"
	"\n"
	"  --format FORM        how it is written (below); --json is --format json\n"
	"  -o FILE              where to; standard output unless it is said\n"
	"  --all                packages, ignored and slight findings as well\n"
	"  --fail-on WHAT       exit code 1 when a finding is at least so severe (critical, high,\n"
	"                       medium, low, info) or the verdict at least so bad (malicious,\n"
	"                       suspicious, risky, unknown)\n" IMAGE_KNOWLEDGE_HELP IMAGE_PLACE_HELP
		IMAGE_CACHE_HELP
	"  --ignore FILE        findings that somebody looked at; .kobanignore unless it is said\n"
	"  --threads N          that look at a layer, 1 to 4; as many as there are processors\n"
	"  --progress           how far it is as lines of per cent, for a program that asks\n"
	"  -q, --quiet          no bar, no notes\n"
	"  --help               this text\n";

static const char examples[] =
	"\n"
	"examples:\n"
	"  koban image scan debian:12\n"
	"  koban image scan docker-archive:app.tar --fail-on high\n"
	"  koban image scan registry.example.org/team/app:1.2 --format sarif -o app.sarif\n"
	"  koban image scan --platform all --json nginx | jq '.verdict'\n"
	"\n"
	"exit codes: 0 = done, 1 = done, and --fail-on was met, 2 = it could not be done\n";

struct asked {
	struct image_place place;
	struct image_knowledge knowledge;
	const char *form, *file, *ignore;
	bool is_all, progress;
	int severity, verdict; /* of --fail-on; -1 = not asked */
	char **refs;
	size_t nrefs;
};

static int fault(const struct err *e)
{
	fprintf(stderr, "koban: %s\n", e->msg);
	return 2;
}

/* ---- options -------------------------------------------------------------------------------- */

static void print_help(void)
{
	const char *name, *doc;

	fputs(help, stdout);
	printf("\nforms:\n");
	for (size_t i = 0; report_form(i, &name, &doc); i++)
		printf("  %-13s %s\n", name, doc);
	printf("\nanalyzers:\n");
	for (size_t i = 0; scan_analyzer(i, &name, &doc); i++)
		printf("  %-13s %s\n", name, doc);
	fputs(examples, stdout);
}

static bool parse_fail_on(const char *text, struct asked *o)
{
	enum artifact_severity s;

	if (artifact_severity_parse(str_of(text), &s)) {
		o->severity = (int)s;
		return true;
	}
	for (int v = 0; v < VERDICT_CLEAN; v++) {
		if (strcmp(text, artifact_verdict_name((enum artifact_verdict)v)) != 0)
			continue;
		o->verdict = v;
		return true;
	}
	fprintf(stderr,
		"koban image scan: --fail-on %s: a severity (critical, high, medium, low, info) or "
		"a verdict (malicious, suspicious, risky, unknown)\n",
		text);
	return false;
}

static bool is_form(const char *form)
{
	const char *name, *doc;

	for (size_t i = 0; report_form(i, &name, &doc); i++)
		if (strcmp(form, name) == 0)
			return true;
	fprintf(stderr, "koban image scan: no form '%s': --help lists them\n", form);
	return false;
}

enum { FORMAT = 256, JSON, ALL, FAIL_ON, IGNORE, PROGRESS, THREADS };

static const struct option options[] = {{"format", required_argument, NULL, FORMAT},
	{"json", no_argument, NULL, JSON}, {"output", required_argument, NULL, 'o'},
	{"all", no_argument, NULL, ALL}, {"fail-on", required_argument, NULL, FAIL_ON},
	{"ignore", required_argument, NULL, IGNORE}, {"progress", no_argument, NULL, PROGRESS},
	{"threads", required_argument, NULL, THREADS}, IMAGE_KNOWLEDGE_OPTIONS, IMAGE_PLACE_OPTIONS,
	IMAGE_CACHE_OPTIONS, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

static bool take_threads(const char *text, struct asked *o)
{
	uint64_t n;

	if (!str_to_u64(str_of(text), 10, &n) || n < 1 || n > THREADS_MAX) {
		fprintf(stderr,
			"koban image scan: --threads wants a number from 1 to %d, not '%s'\n",
			THREADS_MAX, text);
		return false;
	}
	o->knowledge.threads = (unsigned)n;
	return true;
}

/* False: it is wrong, and that was said. */
static bool take_option(struct asked *o, int c)
{
	int taken = image_place_take(&o->place, c, optarg);

	if (!taken)
		taken = image_knowledge_take(&o->knowledge, c, optarg);
	if (taken)
		return taken > 0;
	switch (c) {
	case FORMAT:
		o->form = optarg;
		return is_form(optarg);
	case JSON:
		o->form = "json";
		return true;
	case 'o':
		o->file = optarg;
		return true;
	case ALL:
		return o->is_all = true;
	case FAIL_ON:
		return parse_fail_on(optarg, o);
	case PROGRESS:
		return o->progress = true;
	case THREADS:
		return take_threads(optarg, o);
	case IGNORE:
		o->ignore = optarg;
		return true;
	default:
		fprintf(stderr, "Try \"koban image scan --help\".\n");
		return false;
	}
}

/* 0 = go on; else the exit code plus 1. */
static int parse_options(int argc, char **argv, struct asked *o)
{
	int c;

	*o = (struct asked){.form = "table", .severity = -1, .verdict = -1};
	while ((c = getopt_long(argc, argv, "o:qh", options, NULL)) != -1) {
		if (c == 'h') {
			print_help();
			return 1;
		}
		if (!take_option(o, c))
			return 3;
	}
	o->refs = argv + optind;
	o->nrefs = (size_t)(argc - optind);
	if (!o->nrefs) {
		fprintf(stderr, "koban image scan: which image? For example: koban image scan "
				"debian:12\n");
		return 3;
	}
	return image_place_check(&o->place, o->nrefs == 1) ? 0 : 3;
}

/* ---- one image ------------------------------------------------------------------------------ */

struct run {
	const struct asked *o;
	struct scanner *scanner;
	struct scan_ignore *ignore;
	struct progress bar;
	struct report_style style;
	const char *ref;
	struct buf out;
	bool is_met; /* --fail-on */
	bool is_failed;
};

static void draw(void *arg, const char *what, uint64_t done, uint64_t all)
{
	struct run *r = arg;

	if (progress_is_time(&r->bar))
		progress_draw_bytes(&r->bar, r->ref, what, done, all);
}

static bool is_met(const struct asked *o, const struct artifact_report *r)
{
	if (o->verdict >= 0 && (int)r->verdict <= o->verdict)
		return true;
	for (size_t i = 0; i < r->nfindings; i++)
		if (!r->findings[i].is_ignored && (int)r->findings[i].severity <= o->severity)
			return true;
	return false;
}

/* Exceptions that have ended: said once each. */
static void say_ended(const struct run *r, const struct artifact_report *report)
{
	for (size_t i = 0; !r->o->place.is_quiet && i < report->nfindings; i++) {
		const struct artifact_finding *f = &report->findings[i];

		if (!f->is_ignored && f->ignored_why.len)
			fprintf(stderr, "koban: %.*s\n", STR_ARG(f->ignored_why));
	}
}

static int scan_one(struct run *r, struct image_source *image, struct err *e)
{
	struct artifact_report report;
	struct arena a;

	arena_init(&a, 0);
	int x = scanner_scan(r->scanner, image, &a, draw, r, &report, e);
	progress_hide(&r->bar);
	if (x == 0 && r->ignore) {
		scan_ignore_apply(r->ignore, &report, &a);
		say_ended(r, &report);
	}
	if (x == 0)
		x = report_write(r->o->form, &report, &r->style, &r->out, e);
	if (x == 0 && r->out.cut)
		x = err_set(e, E2BIG, "the report is larger than %d MiB", OUT_MAX >> 20);
	if (x == 0 && is_met(r->o, &report))
		r->is_met = true;
	arena_done(&a);
	return x;
}

static int scan_platform(struct run *r, const char *platform, struct err *e)
{
	struct image_source *image;
	int x = image_place_open(&r->o->place, r->ref, platform, &image, e);

	if (x < 0)
		return x;
	x = scan_one(r, image, e);
	image_close(image);
	return x;
}

static int scan_all_platforms(struct run *r, struct err *e)
{
	struct image_options io;
	struct arena a;
	struct str *platforms = NULL;
	size_t n = 0;

	arena_init(&a, 1 << 20);
	image_place_fill(&r->o->place, &io);
	io.platform = NULL;
	int x = image_platforms(r->ref, &io, &a, &platforms, &n, e);
	for (size_t i = 0; x == 0 && i < n; i++)
		x = scan_platform(r, arena_cstr(&a, platforms[i]), e);
	arena_done(&a);
	return x;
}

static void scan_ref(struct run *r, const char *ref)
{
	const char *platform = r->o->place.platform;
	struct err e = {0};

	r->ref = ref;
	int x = platform && strcmp(platform, "all") == 0 ? scan_all_platforms(r, &e)
							 : scan_platform(r, platform, &e);
	progress_hide(&r->bar);
	if (x < 0) {
		fault(&e);
		r->is_failed = true;
	}
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void set_style(struct run *r)
{
	const char *none = getenv("NO_COLOR");
	bool is_tty = !r->o->file && isatty(STDOUT_FILENO);
	struct winsize w;

	r->style.all = r->o->is_all;
	r->style.colour = is_tty && !(none && *none);
	if (is_tty)
		r->style.columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col
					   ? w.ws_col
					   : WIDTH_DEFAULT;
}

static int open_ignore(struct run *r, struct err *e)
{
	if (r->o->ignore)
		return scan_ignore_open(r->o->ignore, &r->ignore, e);
	return access(".kobanignore", F_OK) == 0 ? scan_ignore_open(".kobanignore", &r->ignore, e)
						 : 0;
}

/* Forms that are one document cannot hold two images. */
static bool is_too_many(const struct asked *o)
{
	static const char *const many[] = {"table", "json", "markdown", NULL};
	bool is_all = o->place.platform && strcmp(o->place.platform, "all") == 0;

	if (o->nrefs == 1 && !is_all)
		return false;
	for (size_t i = 0; many[i]; i++)
		if (strcmp(o->form, many[i]) == 0)
			return false;
	fprintf(stderr,
		"koban image scan: --format %s holds one image: scan them one after the other\n",
		o->form);
	return true;
}

int cmd_image_scan(int argc, char **argv)
{
	struct asked o;
	int parsed = parse_options(argc, argv, &o);
	struct run r = {.o = &o, .out = BUF_INIT(OUT_MAX)};
	struct err e = {0};

	if (parsed)
		return parsed - 1;
	if (is_too_many(&o))
		return 2;
	set_style(&r);
	progress_start(&r.bar, !o.place.is_quiet, o.progress);
	int x = open_ignore(&r, &e);
	if (x == 0)
		x = image_knowledge_open(&o.knowledge, &r.scanner, &e);
	for (size_t i = 0; x == 0 && i < o.nrefs; i++)
		scan_ref(&r, o.refs[i]);
	if (x == 0)
		x = image_write_out(o.file, buf_str(&r.out), &e);
	scanner_close(r.scanner);
	scan_ignore_close(r.ignore);
	buf_done(&r.out);
	if (x < 0)
		return fault(&e);
	return r.is_failed ? 2 : r.is_met ? 1 : 0;
}
