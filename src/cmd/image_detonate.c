/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban image detonate: opens the reference, scans the image, runs it in the sandbox, and prints
 * both as one report. Wiring of source/image, scan/image, scan/detonate and face/report.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cmd/image.h"
#include "cmd/stop.h"
#include "face/report/report.h"
#include "scan/detonate/detonate.h"
#include "scan/image/image.h"

enum { OUT_BYTES = 64 << 20, ARENA_BYTES = 512 << 20, MIB = 1 << 20 };

static const char help[] =
	"usage: koban image detonate REF [OPTION]… [-- COMMAND [ARGUMENT]…]\n"
	"\n"
	"Runs an image in a sandbox with no way out, watches it through the kernel, and tells\n"
	"what it did: programs, files, names asked, connections, and what the rules say to it.\n"
	"A sinkhole answers for the whole Internet: names, HTTP, TLS, mining pools. Nothing\n"
	"leaves the sandbox. Needs root and runc (or crun). COMMAND runs instead of the image's\n"
	"ENTRYPOINT and CMD. The image is scanned as well, as koban image scan does.\n"
	"\n"
	"  -M, --seconds N       ends the run after N seconds (60)\n"
	"      --memory MIB      it may use so much memory (512)\n"
	"      --processes N     so many processes (256)\n"
	"      --cpu PERCENT     of one core (100)\n"
	"      --disk MIB        for the image and what it writes; lies in memory (4096, at most\n"
	"                        half of what is free)\n"
	"      --rights          it may change owners, users and permissions of its own files, as\n"
	"                        under other engines; they end at its user namespace (none)\n"
	"      --runtime PROGRAM runc or crun; a name or a path\n"
	"  -r, --rules PATH      more rules, a file or a folder; may be given often\n"
	"      --record FILE     all events as a capture; the sinkhole's log beside it, "
	"FILE.jsonl\n"
	"      --scratch DIR     where its folders are made; /run/koban/detonate unless it is "
	"said\n"
	"      --no-scan         runs it only\n"
	"      --all             ignored and slight findings as well\n"
	"      --json            one JSON object: the report, with the run as \"run\"\n"
	"      --format FORM     table, json, sarif, junit, markdown …\n"
	"      --fail-on LEVEL   exit 1 when a finding is critical, high, medium, low or info, or\n"
	"                        worse (never)\n"
	"\n"
	"of the image and its scan:\n" IMAGE_KNOWLEDGE_HELP IMAGE_PLACE_HELP IMAGE_CACHE_HELP "\n"
	"  -q, --quiet           no progress on stderr\n"
	"  -h, --help            this text\n"
	"\n"
	"examples:\n"
	"  koban image detonate registry.example/team/app:1.2\n"
	"  koban image detonate oci:build/image --seconds 20 --json | jq .run.connections\n"
	"  koban image detonate docker-archive:app.tar -- /bin/sh -c 'run-the-tests'\n"
	"\n"
	"exit: 0 it ran, 1 findings as bad as --fail-on says, 2 it could not be run\n";

struct command {
	struct detonate_options detonate;
	struct image_place place;
	struct image_knowledge knowledge;
	const char *ref, *format;
	const char *rules[IMAGE_LIST_MAX + 1];
	size_t nrules;
	bool fails, runs_only, is_all;
	enum artifact_severity fail_on;
};

/* ---- options ------------------------------------------------------------------------------- */

enum {
	OPT_MEMORY = 256,
	OPT_PROCESSES,
	OPT_CPU,
	OPT_DISK,
	OPT_RIGHTS,
	OPT_RUNTIME,
	OPT_RECORD,
	OPT_SCRATCH,
	OPT_NO_SCAN,
	OPT_ALL,
	OPT_JSON,
	OPT_FORMAT,
	OPT_FAIL_ON,
};

static int number(const char *option, const char *arg, uint64_t most, uint64_t *ret)
{
	if (str_to_u64(str_of(arg), 10, ret) && *ret && *ret <= most)
		return -1;
	fprintf(stderr, "koban: %s takes a number from 1 to %llu, not '%s'\n", option,
		(unsigned long long)most, arg);
	return 2;
}

static int add(const char *option, const char **list, size_t *n, const char *arg)
{
	return image_list_add(list, n, arg, option) ? -1 : 2;
}

static int set_limit(struct command *c, int opt, const char *arg)
{
	struct detonate_options *d = &c->detonate;
	uint64_t v = 0;
	int code = 2;

	if (opt == 'M' && (code = number("--seconds", arg, 3600, &v)) < 0)
		d->seconds = (unsigned)v;
	if (opt == OPT_MEMORY && (code = number("--memory", arg, 1 << 20, &v)) < 0)
		d->max_memory_bytes = v * MIB;
	if (opt == OPT_PROCESSES && (code = number("--processes", arg, 100000, &v)) < 0)
		d->max_processes = (unsigned)v;
	if (opt == OPT_CPU && (code = number("--cpu", arg, 100000, &v)) < 0)
		d->cpu_percent = (unsigned)v;
	if (opt == OPT_DISK && (code = number("--disk", arg, 1 << 20, &v)) < 0)
		d->max_disk_bytes = v * MIB;
	return code;
}

static int set_fail_on(struct command *c, const char *arg)
{
	c->fails = artifact_severity_parse(str_of(arg), &c->fail_on);
	if (c->fails)
		return -1;
	fprintf(stderr, "koban: --fail-on takes critical, high, medium, low or info, not '%s'\n",
		arg);
	return 2;
}

/* What all verbs of images have, or a limit. */
static int set_shared(struct command *c, int opt, const char *arg)
{
	int taken = image_place_take(&c->place, opt, arg);

	if (!taken)
		taken = image_knowledge_take(&c->knowledge, opt, arg);
	return taken ? (taken > 0 ? -1 : 2) : set_limit(c, opt, arg);
}

static int set_option(struct command *c, int opt, const char *arg)
{
	switch (opt) {
	case 'r':
		return add("--rules", c->rules, &c->nrules, arg);
	case OPT_RIGHTS:
		c->detonate.has_rights = true;
		return -1;
	case OPT_RUNTIME:
		c->detonate.runtime = arg;
		return -1;
	case OPT_RECORD:
		c->detonate.record_path = arg;
		return -1;
	case OPT_SCRATCH:
		c->detonate.scratch_dir = arg;
		return -1;
	case OPT_JSON:
		c->format = "json";
		return -1;
	case OPT_FORMAT:
		c->format = arg;
		return -1;
	case OPT_FAIL_ON:
		return set_fail_on(c, arg);
	case OPT_NO_SCAN:
		c->runs_only = true;
		return -1;
	case OPT_ALL:
		c->is_all = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return 0;
	case '?':
		return 2;
	default:
		return set_shared(c, opt, arg);
	}
}

static int parse(struct command *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{"seconds", required_argument, NULL, 'M'},
		{"memory", required_argument, NULL, OPT_MEMORY},
		{"processes", required_argument, NULL, OPT_PROCESSES},
		{"cpu", required_argument, NULL, OPT_CPU},
		{"disk", required_argument, NULL, OPT_DISK},
		{"rights", no_argument, NULL, OPT_RIGHTS},
		{"runtime", required_argument, NULL, OPT_RUNTIME},
		{"rules", required_argument, NULL, 'r'},
		{"record", required_argument, NULL, OPT_RECORD},
		{"scratch", required_argument, NULL, OPT_SCRATCH},
		IMAGE_KNOWLEDGE_OPTIONS,
		IMAGE_PLACE_OPTIONS,
		IMAGE_CACHE_OPTIONS,
		{"no-scan", no_argument, NULL, OPT_NO_SCAN},
		{"all", no_argument, NULL, OPT_ALL},
		{"json", no_argument, NULL, OPT_JSON},
		{"format", required_argument, NULL, OPT_FORMAT},
		{"fail-on", required_argument, NULL, OPT_FAIL_ON},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt, code, end = argc;

	/* what stands behind "--" is the container's, options and all */
	for (int i = 1; i < argc && end == argc; i++)
		if (!strcmp(argv[i], "--"))
			end = i;
	while ((opt = getopt_long(end, argv, "M:r:qh", longs, NULL)) != -1)
		if ((code = set_option(c, opt, optarg)) >= 0)
			return code;
	if (optind != end - 1) {
		fprintf(stderr, "koban: give one image: koban image detonate REF (and the command "
				"behind --)\n");
		return 2;
	}
	c->ref = argv[optind];
	if (end < argc)
		c->detonate.argv = (const char *const *)argv + end + 1;
	c->detonate.rules = c->nrules ? c->rules : NULL;
	c->detonate.feeds = c->knowledge.nfeeds ? c->knowledge.feeds : NULL;
	c->detonate.stop = stop_flag();
	return image_place_check(&c->place, true) ? -1 : 2;
}

/* ---- the run ------------------------------------------------------------------------------- */

static void show_progress(void *arg, const char *what, unsigned second, unsigned of)
{
	const struct command *c = arg;

	if (c->place.is_quiet || !isatty(STDERR_FILENO))
		return;
	if (second)
		fprintf(stderr, "\r\033[K%s: %u of %u s; Ctrl-C ends it", what, second, of);
	else
		fprintf(stderr, "\r\033[K%s …", what);
	fflush(stderr);
}

static void end_progress(const struct command *c)
{
	if (!c->place.is_quiet && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static int print(const struct command *c, const struct artifact_report *r,
	const struct detonate_story *story, struct err *e)
{
	bool is_tty = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	const struct report_style style = {.colour = is_tty, .all = c->is_all};
	struct buf out = BUF_INIT(OUT_BYTES);
	int result = report_write(c->format, r, &style, &out, e);

	if (result == 0 && !strcmp(c->format, "table")) {
		buf_add_char(&out, '\n');
		detonate_story_to_text(story, is_tty, &out);
	} else if (result == 0 && !strcmp(c->format, "json")) {
		/* one object: the run is a member of the report */
		while (out.len && out.s[out.len - 1] != '}')
			buf_cut(&out, out.len - 1);
		buf_cut(&out, out.len ? out.len - 1 : 0);
		buf_add_cstr(&out, ",\"run\":");
		detonate_story_to_json(story, &out);
		buf_add_cstr(&out, "}\n");
	}
	if (result == 0)
		result = io_write_all(STDOUT_FILENO, buf_str(&out));
	buf_done(&out);
	return result;
}

static bool is_bad(const struct command *c, const struct artifact_report *r)
{
	for (size_t i = 0; c->fails && i < r->nfindings; i++)
		if (!r->findings[i].is_ignored && r->findings[i].severity <= c->fail_on)
			return true;
	return false;
}

/* What the layers say, before anything runs: the run adds to it. */
static int scan(const struct command *c, struct image_source *image, struct arena *a,
	struct artifact_report *r, struct err *e)
{
	struct scanner *s = NULL;
	int result = image_knowledge_open(&c->knowledge, &s, e);

	if (result < 0)
		return result;
	show_progress((void *)(uintptr_t)c, "scanning", 0, 0);
	result = scanner_scan(s, image, a, NULL, NULL, r, e);
	scanner_close(s);
	return result;
}

static int detonate(const struct command *c, struct arena *a, struct err *e)
{
	struct artifact_report report = {.scanner = STR("koban " KOBAN_VERSION)};
	struct image_source *image = NULL;
	struct detonate_story story;
	int r = image_place_open(&c->place, c->ref, NULL, &image, e);

	if (r < 0)
		return r;
	report.image = *image_describe(image);
	report.scanned_ns = clock_epoch_ns();
	if (!c->runs_only)
		r = scan(c, image, a, &report, e);
	if (r == 0)
		r = detonate_run(image, &c->detonate, a, show_progress, (void *)(uintptr_t)c,
			&report, &story, e);
	end_progress(c);
	if (r == 0) {
		scan_judge(&report, a);
		r = print(c, &report, &story, e);
	}
	image_close(image);
	return r < 0 ? r : is_bad(c, &report);
}

int cmd_image_detonate(int argc, char **argv)
{
	struct command c = {.format = "table"};
	struct arena a;
	struct err e = {0};
	int code = parse(&c, argc, argv);

	if (code >= 0)
		return code;
	stop_on_signals();
	arena_init(&a, ARENA_BYTES);
	code = detonate(&c, &a, &e);
	arena_done(&a);
	if (code < 0)
		fprintf(stderr, "koban: %s\n", e.msg[0] ? e.msg : strerror(-code));
	return code < 0 ? 2 : code;
}
