/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban store: a look at the database of findings, a check, a copy of it while it is in use. Wiring
 * of sink/store; what can be done with findings is the console's.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/progress.h"
#include "cmd/verbs.h"
#include "sink/store/store.h"

static const char help[] =
	"usage: koban store stats      [STORE] [--json]\n"
	"       koban store check      [STORE]\n"
	"       koban store backup     [STORE] -o FILE\n"
	"       koban store move-aside [STORE]\n"
	"\n"
	"Looks after the database in which koban keeps findings. STORE is a path or a URL\n"
	"(postgresql://…); without it /var/lib/koban/console/koban.db.\n"
	"\n"
	"  stats        what it holds and how large it is\n"
	"  check        reads everything and says whether it is sound\n"
	"  backup       a whole copy into a new file, while koban goes on working\n"
	"  move-aside   renames a damaged database to FILE.damaged-TIME and begins a new\n"
	"               one; a sound one is left alone. Stop koban first\n"
	"  -o FILE      where the backup goes\n"
	"  --json       for programs\n"
	"  --help       this text\n"
	"\n"
	"examples:\n"
	"  koban store stats\n"
	"  koban store backup -o /backup/koban-$(date +%F).db\n"
	"  koban store check /backup/koban-2026-11-28.db\n";

struct asked {
	const char *verb, *url, *file;
	bool json;
};

static int fault(const struct err *e)
{
	fprintf(stderr, "koban: %s\n", e->msg);
	return 2;
}

/* ---- stats --------------------------------------------------------------------------------- */

static void add_time(struct buf *b, uint64_t ns)
{
	if (ns)
		clock_add_strftime(b, ns, "%Y-%m-%dT%H:%M:%SZ", true);
}

static void print_table(const struct store_stats *s)
{
	struct buf oldest = BUF_INIT(100), newest = BUF_INIT(100);

	add_time(&oldest, s->oldest_ns);
	add_time(&newest, s->newest_ns);
	printf("store      %s\n", s->path.s);
	printf("engine     %s %s, schema %u\n", s->engine, s->version.s, s->schema);
	printf("size       %.1f MiB, of which free %.1f MiB\n", (double)s->size_bytes / 1048576,
		(double)s->free_bytes / 1048576);
	printf("findings   %" PRIu64 "\n", s->findings);
	if (s->findings)
		printf("from, to   %s, %s\n", oldest.s, newest.s);
	printf("entities   %" PRIu64 "\n", s->entities);
	printf("relations  %" PRIu64 "\n", s->relations);
	buf_done(&oldest);
	buf_done(&newest);
}

static void print_json(const struct store_stats *s)
{
	struct buf b = BUF_INIT(64 << 10);

	buf_add_cstr(&b, "{\"path\":");
	json_add_str(&b, s->path);
	buf_printf(&b, ",\"engine\":\"%s\",\"engine_version\":", s->engine);
	json_add_str(&b, s->version);
	buf_printf(&b,
		",\"schema\":%u,\"size_bytes\":%" PRIu64 ",\"free_bytes\":%" PRIu64
		",\"findings\":%" PRIu64 ",\"entities\":%" PRIu64 ",\"relations\":%" PRIu64
		",\"oldest\":\"",
		s->schema, s->size_bytes, s->free_bytes, s->findings, s->entities, s->relations);
	add_time(&b, s->oldest_ns);
	buf_add_cstr(&b, "\",\"newest\":\"");
	add_time(&b, s->newest_ns);
	buf_add_cstr(&b, "\"}");
	puts(b.s);
	buf_done(&b);
}

static int run_stats(struct store *s, const struct asked *o, struct err *e)
{
	struct store_stats stats;
	struct arena a;
	int rc = 0;

	arena_init(&a, 1 << 20);
	rc = store_stats(s, &a, &stats, e);
	if (rc == 0 && o->json)
		print_json(&stats);
	else if (rc == 0)
		print_table(&stats);
	arena_done(&a);
	return rc;
}

/* ---- check, backup ------------------------------------------------------------------------- */

static int run_check(struct store *s, const struct asked *o, struct err *e)
{
	int rc = store_check(s, e);

	if (rc == 0)
		puts("the store is sound");
	return rc;
}

static bool draw(uint64_t done, uint64_t total, void *arg)
{
	if (progress_is_due(arg))
		progress_draw(arg, total ? (double)done / (double)total : -1, done);
	return true;
}

static int run_backup(struct store *s, const struct asked *o, struct err *e)
{
	struct progress p;
	int rc = 0;

	if (!o->file)
		return err_set(e, EINVAL, "a backup needs a file: koban store backup -o FILE");
	progress_start(&p, true, false);
	rc = store_backup(s, o->file, draw, &p, e);
	progress_hide(&p);
	if (rc == 0)
		printf("%s is a copy of the store\n", o->file);
	return rc;
}

/* Opening it has done it. */
static int run_move_aside(struct store *s, const struct asked *o, struct err *e)
{
	puts("the store is sound now; what was damaged lies beside it");
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct store *s, const struct asked *o, struct err *e);
	bool writes;
} verbs[] = {
	{"stats", run_stats, false},
	{"check", run_check, false},
	{"backup", run_backup, false},
	{"move-aside", run_move_aside, true},
};

static int run(const struct asked *o)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		struct store_options so = {.url = o->url,
			.read_only = !verbs[i].writes,
			.move_damaged_aside = verbs[i].writes};
		struct store *s = NULL;
		struct err e = {0};

		if (!o->verb || strcmp(o->verb, verbs[i].name) != 0)
			continue;
		int rc = store_open(&so, &s, &e);
		if (rc == 0)
			rc = verbs[i].run(s, o, &e);
		store_close(s);
		return rc < 0 ? fault(&e) : 0;
	}
	fprintf(stderr, "koban: store does stats, check, backup or move-aside; koban store --help "
			"says more\n");
	return 2;
}

int cmd_store(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
		{"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct asked o = {.url = "/var/lib/koban/console/koban.db"};
	int c = 0;

	while ((c = getopt_long(argc, argv, "o:h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c == 'j')
			o.json = true;
		else if (c == 'o')
			o.file = optarg;
		else
			return 2;
	}
	if (optind < argc)
		o.verb = argv[optind++];
	if (optind < argc)
		o.url = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "koban: one store at a time; koban store --help says more\n");
		return 2;
	}
	return run(&o);
}
