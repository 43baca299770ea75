/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban image sbom REF: the packages of an image as a software bill of materials. It is a scan by
 * the analyzer of packages alone, written in one of two forms. Wiring.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/image.h"
#include "cmd/progress.h"
#include "face/report/report.h"
#include "scan/image/image.h"

enum { OUT_MAX = 1 << 30 };

static const char help[] =
	"usage: koban image sbom [OPTION]… REF\n"
	"\n"
	"Writes which packages an image has, as a software bill of materials: those of its\n"
	"distribution (dpkg, apk, rpm), of languages (npm, PyPI, RubyGems, Maven, Composer, "
	"NuGet),\n"
	"and what was linked into programs (Go, Rust). Packages of a distribution whose database\n"
	"was deleted are taken from the layer below. Nothing is unpacked or run.\n"
	"\n"
	"REF is an image's name in a registry, docker-archive:FILE, oci:DIR[:TAG],\n"
	"oci-archive:FILE, dir:DIR, containerd:NAME, podman:NAME or docker:NAME.\n"
	"\n"
	"  --format FORM        cyclonedx (1.6, the default) or spdx (2.3), both JSON\n"
	"  -o FILE              where to; standard output unless it is said\n"
	"  --all                also what a later layer deleted\n" IMAGE_PLACE_HELP IMAGE_CACHE_HELP
	"  -q, --quiet          no bar, no notes\n"
	"  --help               this text\n"
	"\n"
	"examples:\n"
	"  koban image sbom debian:12 > debian.cdx.json\n"
	"  koban image sbom --format spdx -o app.spdx.json docker-archive:app.tar\n"
	"  koban image sbom alpine | jq -r '.components[].purl'\n"
	"\n"
	"exit codes: 0 = written, 2 = it could not be done\n";

struct asked {
	struct image_place place;
	struct image_knowledge knowledge;
	const char *form, *file, *ref;
	bool is_all;
};

struct run {
	const struct asked *o;
	struct progress bar;
};

enum { FORMAT = 256, ALL };

static const struct option options[] = {{"format", required_argument, NULL, FORMAT},
	{"output", required_argument, NULL, 'o'}, {"all", no_argument, NULL, ALL},
	IMAGE_PLACE_OPTIONS, IMAGE_CACHE_OPTIONS, {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}};

static bool take_form(struct asked *o, const char *form)
{
	if (strcmp(form, "cyclonedx") != 0 && strcmp(form, "spdx") != 0) {
		fprintf(stderr, "koban image sbom: no form '%s': there are cyclonedx and spdx\n",
			form);
		return false;
	}
	o->form = form;
	return true;
}

static bool take_option(struct asked *o, int c)
{
	int taken = image_place_take(&o->place, c, optarg);

	if (!taken)
		taken = image_knowledge_take(&o->knowledge, c, optarg);
	if (taken)
		return taken > 0;
	switch (c) {
	case FORMAT:
		return take_form(o, optarg);
	case 'o':
		o->file = optarg;
		return true;
	case ALL:
		return o->is_all = true;
	default:
		fprintf(stderr, "Try \"koban image sbom --help\".\n");
		return false;
	}
}

/* 0 = go on; else the exit code plus 1. */
static int parse_options(int argc, char **argv, struct asked *o)
{
	int c;

	*o = (struct asked){.form = "cyclonedx", .knowledge = {.only = {"packages"}, .nonly = 1}};
	while ((c = getopt_long(argc, argv, "o:qh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (!take_option(o, c))
			return 3;
	}
	if (argc - optind != 1) {
		fprintf(stderr, "koban image sbom: %s: for example: koban image sbom debian:12\n",
			optind == argc ? "which image?" : "one image at a time");
		return 3;
	}
	o->ref = argv[optind];
	return image_place_check(&o->place, true) ? 0 : 3;
}

static void draw(void *arg, const char *what, uint64_t done, uint64_t all)
{
	struct run *r = arg;

	if (progress_is_time(&r->bar))
		progress_draw_bytes(&r->bar, r->o->ref, what, done, all);
}

/* Part of it may be missing: who reads the list alone would not know. */
static void say_gaps(const struct asked *o, const struct artifact_report *r)
{
	for (size_t i = 0; !o->place.is_quiet && i < r->coverage.ngaps; i++) {
		const struct artifact_gap *g = &r->coverage.gaps[i];

		fprintf(stderr, "koban: layer %u: %.*s: %.*s", g->layer + 1, STR_ARG(g->what),
			STR_ARG(g->why));
		if (g->count > 1)
			fprintf(stderr, " (and %llu more)", (unsigned long long)g->count - 1);
		fputc('\n', stderr);
	}
}

static int write_report(const struct asked *o, const struct artifact_report *r, struct err *e)
{
	const struct report_style style = {.all = o->is_all};
	struct buf out = BUF_INIT(OUT_MAX);
	int x = report_write(o->form, r, &style, &out, e);

	if (x == 0)
		x = image_write_out(o->file, buf_str(&out), e);
	if (x == 0)
		say_gaps(o, r);
	buf_done(&out);
	return x;
}

static int scan(struct run *r, struct scanner *scanner, struct err *e)
{
	struct artifact_report report;
	struct image_source *image;
	struct arena a;
	int x = image_place_open(&r->o->place, r->o->ref, r->o->place.platform, &image, e);

	if (x < 0)
		return x;
	arena_init(&a, 0);
	x = scanner_scan(scanner, image, &a, draw, r, &report, e);
	progress_hide(&r->bar);
	if (x == 0)
		x = write_report(r->o, &report, e);
	arena_done(&a);
	image_close(image);
	return x;
}

int cmd_image_sbom(int argc, char **argv)
{
	struct asked o;
	int parsed = parse_options(argc, argv, &o);
	struct run r = {.o = &o};
	struct scanner *scanner = NULL;
	struct err e = {0};

	if (parsed)
		return parsed - 1;
	progress_start(&r.bar, !o.place.is_quiet, false);
	int x = image_knowledge_open(&o.knowledge, &scanner, &e);
	if (x == 0)
		x = scan(&r, scanner, &e);
	progress_hide(&r.bar);
	scanner_close(scanner);
	if (x < 0) {
		fprintf(stderr, "koban: %s\n", e.msg);
		return 2;
	}
	return 0;
}
