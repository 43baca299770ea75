/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban image crawl: the images of a registry or a list, several at once, into a survey. What was
 * done is done: stopped or killed, it goes on where it was. One thread an image at a time, each
 * with a scanner of its own; they share the folder of layers that are known, so that a layer that
 * many images have is read once.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/image.h"
#include "cmd/stop.h"
#include "research/survey/survey.h"
#include "scan/image/image.h"

enum { JOBS_MAX = 64, TRIES_MAX = 3, REF_MAX = 4096, REFS_AT_ONCE = 1000, TICK_NS = 200000000 };

static const char help[] =
	"usage: koban image crawl DB [OPTION]… [REF…]\n"
	"\n"
	"Scans many images into the database DB, which is made when it is not there. Run again,\n"
	"it goes on where it was stopped. `koban image stats DB` prints what it adds up to, also\n"
	"while it runs.\n"
	"\n"
	"which images:\n"
	"  REF…                 these\n"
	"  --list FILE          a reference a line, # begins a comment; - is standard input\n"
	"  --registry REG       every repository of this registry that it lists\n"
	"  --tags N             of a repository the newest-named N tags (1: latest if it is\n"
	"                       there); 0 = all\n"
	"  (none)               go on with what DB has waiting\n"
	"  --again              what was done is done again;  --failed: what failed, only\n"
	"\n"
	"  -j, --jobs N         images at once; as many as there are "
	"processors\n" IMAGE_KNOWLEDGE_HELP IMAGE_PLACE_HELP
	"  --cache DIR          where layers that were read are remembered; DB.layers\n"
	"  -q, --quiet          no progress, no summary\n"
	"  --help               this text\n"
	"\n"
	"examples:\n"
	"  koban image crawl survey.db --registry registry.example.org --tags 3\n"
	"  koban image crawl survey.db --list images.txt -j 8\n"
	"  koban image crawl survey.db                       goes on after a crash\n"
	"  koban image stats survey.db\n"
	"\n"
	"exit codes: 0 = all was tried, 1 = stopped before that, 2 = it could not be done\n";

struct crawl {
	struct image_place place;
	struct image_knowledge knowledge;
	const char *db, *list;
	const char *registries[IMAGE_LIST_MAX + 1];
	size_t nregistries;
	uint64_t tags, jobs;
	bool again, only_failed;
	char **refs;
	size_t nrefs;

	struct survey *survey;
	struct scanner *scanners[JOBS_MAX];
	pthread_t threads[JOBS_MAX];
	size_t nthreads, running; /* running: guarded by lock */
	pthread_mutex_t lock;
	struct err broken; /* of the database: then it ends; guarded by lock */
	uint64_t started_ns;
	struct survey_counts begun;
};

static int fault(const struct err *e)
{
	fprintf(stderr, "koban: %s\n", e->msg);
	return 2;
}

/* ---- options ------------------------------------------------------------------------------ */

enum { LIST = 256, REGISTRY, TAGS, AGAIN, FAILED };

static const struct option options[] = {{"list", required_argument, NULL, LIST},
	{"registry", required_argument, NULL, REGISTRY}, {"tags", required_argument, NULL, TAGS},
	{"again", no_argument, NULL, AGAIN}, {"failed", no_argument, NULL, FAILED},
	{"jobs", required_argument, NULL, 'j'}, {"cache", required_argument, NULL, IMAGE_OPT_CACHE},
	IMAGE_KNOWLEDGE_OPTIONS, IMAGE_PLACE_OPTIONS, {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}};

static bool take_number(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
	if (str_to_u64(str_of(text), 10, ret) && *ret <= max)
		return true;
	fprintf(stderr, "koban image crawl: %s %s: a number of at most %llu\n", option, text,
		(unsigned long long)max);
	return false;
}

static bool take_option(struct crawl *c, int opt)
{
	int taken = image_place_take(&c->place, opt, optarg);

	if (!taken)
		taken = image_knowledge_take(&c->knowledge, opt, optarg);
	if (taken)
		return taken > 0;
	switch (opt) {
	case LIST:
		c->list = optarg;
		return true;
	case REGISTRY:
		return image_list_add(c->registries, &c->nregistries, optarg, "--registry");
	case TAGS:
		return take_number("--tags", optarg, 1000000, &c->tags);
	case AGAIN:
		return c->again = true;
	case FAILED:
		return c->only_failed = true;
	case 'j':
		return take_number("--jobs", optarg, JOBS_MAX, &c->jobs);
	default:
		fputs("Try \"koban image crawl --help\".\n", stderr);
		return false;
	}
}

/* 0 = go on; else the exit code plus 1. */
static int parse_options(struct crawl *c, int argc, char **argv)
{
	int opt;

	c->tags = 1;
	while ((opt = getopt_long(argc, argv, "j:qh", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (!take_option(c, opt))
			return 3;
	}
	if (optind == argc) {
		fputs("koban image crawl: into which database? For example: koban image crawl "
		      "survey.db --registry registry.example.org\n",
			stderr);
		return 3;
	}
	c->db = argv[optind];
	c->refs = argv + optind + 1;
	c->nrefs = (size_t)(argc - optind - 1);
	if (!c->jobs) {
		long n = sysconf(_SC_NPROCESSORS_ONLN);

		c->jobs = n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (uint64_t)n;
	}
	return image_place_check(&c->place, false) ? 0 : 3;
}

/* ---- which images ------------------------------------------------------------------------- */

/* A reference a line; what is behind # and blank lines are passed over. */
static int add_lines(struct crawl *c, FILE *f, struct err *e)
{
	struct str refs[REFS_AT_ONCE];
	struct arena a;
	char *line = NULL;
	size_t size = 0, n = 0, number = 0;
	ssize_t len = 0;
	int r = 0;

	arena_init(&a, 0);
	while (r == 0 && len >= 0) {
		len = getline(&line, &size, f);
		struct str ref = str_make(line, len < 0 ? 0 : (size_t)len);
		ptrdiff_t hash = str_find_char(ref, '#');

		number++;
		ref = str_trim(hash < 0 ? ref : str_head(ref, (size_t)hash));
		if (ref.len > REF_MAX)
			r = err_set(e, EINVAL, "%s:%zu: a reference of %zu bytes", c->list, number,
				ref.len);
		else if (ref.len)
			refs[n++] = arena_str(&a, ref);
		if (r == 0 && (n == REFS_AT_ONCE || len < 0)) {
			r = survey_add(c->survey, refs, n, e);
			arena_reset(&a);
			n = 0;
		}
	}
	free(line);
	arena_done(&a);
	return r;
}

static int add_list(struct crawl *c, struct err *e)
{
	FILE *f = strcmp(c->list, "-") == 0 ? stdin : fopen(c->list, "re");

	if (!f)
		return err_set(e, errno, "%s: cannot be read: %s", c->list, strerror(errno));
	int r = add_lines(c, f, e);

	if (f != stdin)
		fclose(f);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return -str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Of all tags those that are asked for: "latest", then by name, the last first. */
static size_t choose_tags(const struct crawl *c, struct str *tags, size_t n)
{
	if (!c->tags || n <= c->tags)
		return n;
	qsort(tags, n, sizeof(*tags), compare_names);
	for (size_t i = 0; i < n; i++) {
		struct str latest = tags[i];

		if (!str_is(latest, "latest"))
			continue;
		memmove(tags + 1, tags, i * sizeof(*tags));
		tags[0] = latest;
	}
	return c->tags;
}

static int add_repository(struct crawl *c, struct str name, const struct image_options *o,
	struct arena *a, struct err *e)
{
	struct str *tags = NULL;
	size_t n = 0;
	int r = image_tags(arena_cstr(a, name), o, a, &tags, &n, e);

	/* one that lists nothing, or that we may not read, is not the end */
	if (r < 0 && r != -EINTR && r != -ENOMEM) {
		fprintf(stderr, "koban: %s\n", e->msg);
		*e = (struct err){0};
		return 0;
	}
	n = r < 0 ? 0 : choose_tags(c, tags, n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		tags[i] = arena_printf(a, "%.*s:%.*s", STR_ARG(name), STR_ARG(tags[i]));
		r = survey_add(c->survey, &tags[i], 1, e);
	}
	return r;
}

static int add_registry(
	struct crawl *c, const char *registry, const struct image_options *o, struct err *e)
{
	struct arena all, one;
	struct str *names = NULL;
	size_t n = 0;

	arena_init(&all, 0);
	arena_init(&one, 0);
	int r = image_catalog(registry, o, &all, &names, &n, e);

	for (size_t i = 0; r == 0 && i < n && !stop_asked(); i++) {
		struct str name = arena_printf(&one, "%s/%.*s", registry, STR_ARG(names[i]));

		r = add_repository(c, name, o, &one, e);
		arena_reset(&one);
		if (!c->place.is_quiet && isatty(STDERR_FILENO))
			fprintf(stderr, "\r\033[K%s: %zu of %zu repositories listed", registry,
				i + 1, n);
	}
	if (!c->place.is_quiet && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	arena_done(&one);
	arena_done(&all);
	return r;
}

static int add_all(struct crawl *c, struct err *e)
{
	struct image_options o;
	int r = 0;

	image_place_fill(&c->place, &o);
	for (size_t i = 0; r == 0 && i < c->nrefs; i++) {
		struct str ref = str_of(c->refs[i]);

		r = survey_add(c->survey, &ref, 1, e);
	}
	if (r == 0 && c->list)
		r = add_list(c, e);
	for (size_t i = 0; r == 0 && i < c->nregistries && !stop_asked(); i++)
		r = add_registry(c, c->registries[i], &o, e);
	if (r == 0 && (c->again || c->only_failed))
		r = survey_redo(c->survey, c->only_failed, e);
	return r;
}

/* ---- one image ---------------------------------------------------------------------------- */

/* What may be different in a minute. */
static bool is_passing(int code)
{
	static const int passing[] = {EIO, EAGAIN, ETIMEDOUT, ECONNRESET, ECONNREFUSED, ENETUNREACH,
		EHOSTUNREACH, EPIPE, ENOMEM, EMFILE, ENFILE, ENOSPC};

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (-code == passing[i])
			return true;
	return false;
}

static int scan(struct crawl *c, struct scanner *scanner, struct str ref, struct arena *a,
	struct artifact_report *report, struct err *e)
{
	struct image_source *image = NULL;
	char *name = arena_cstr(a, ref);
	int r = name ? image_place_open(&c->place, name, c->place.platform, &image, e)
		     : err_set(e, ENOMEM, "no memory left");

	if (r == 0)
		r = scanner_scan(scanner, image, a, NULL, NULL, report, e);
	image_close(image);
	return r;
}

static int work_on(struct crawl *c, struct scanner *scanner, struct str ref, unsigned tries,
	struct arena *a, struct err *e)
{
	struct artifact_report report;
	struct err why = {0};

	/* it was taken before and nobody came back: perhaps it is what ends koban */
	if (tries >= TRIES_MAX)
		return survey_failed(
			c->survey, ref, "koban ended each time while it was scanned", false, e);
	int r = scan(c, scanner, ref, a, &report, &why);

	if (stop_asked() && r < 0)
		return survey_give_back(c->survey, ref, e);
	if (r < 0)
		return survey_failed(
			c->survey, ref, why.msg, is_passing(r) && tries + 1 < TRIES_MAX, e);
	return survey_done(c->survey, ref, &report, e);
}

struct job {
	struct crawl *c;
	struct scanner *scanner;
};

static void end_job(struct crawl *c, const struct err *e)
{
	pthread_mutex_lock(&c->lock);
	c->running--;
	if (e->code && !c->broken.code)
		c->broken = *e;
	pthread_mutex_unlock(&c->lock);
}

static bool is_broken(struct crawl *c)
{
	pthread_mutex_lock(&c->lock);
	bool broken = c->broken.code != 0;

	pthread_mutex_unlock(&c->lock);
	return broken;
}

static void *run_job(void *arg)
{
	struct job *j = arg;
	struct err e = {0};
	struct arena a;
	int r = 1;

	arena_init(&a, 0);
	while (r >= 0 && !stop_asked() && !is_broken(j->c)) {
		struct str ref;
		unsigned tries;

		arena_reset(&a);
		r = survey_take(j->c->survey, &a, &ref, &tries, &e);
		if (r == 0)
			break;
		if (r > 0)
			r = work_on(j->c, j->scanner, ref, tries, &a, &e);
	}
	arena_done(&a);
	end_job(j->c, &e);
	return NULL;
}

/* ---- all of them -------------------------------------------------------------------------- */

static void add_time(uint64_t s, struct buf *out)
{
	if (s >= 3600)
		buf_printf(out, "%llu h %llu min left", (unsigned long long)(s / 3600),
			(unsigned long long)(s / 60 % 60));
	else if (s >= 60)
		buf_printf(out, "%llu min left", (unsigned long long)(s / 60));
	else
		buf_printf(out, "%llu s left", (unsigned long long)s);
}

/* "123 of 500 names  1,640 an hour  14 min left  3 malicious  1 failed" */
static void draw(struct crawl *c, bool is_last)
{
	struct survey_counts n;
	struct err e = {0};
	struct buf line = BUF_INIT(512);

	if (c->place.is_quiet || survey_count(c->survey, &n, &e) < 0)
		return;
	uint64_t ended = n.done + n.failed, left = n.waiting + n.taken;
	uint64_t now = ended - (c->begun.done + c->begun.failed);
	double hours = (double)(clock_boot_ns() - c->started_ns) / 3.6e12;
	double rate = hours > 0 ? (double)now / hours : 0;

	buf_printf(&line, "%llu of %llu names scanned", (unsigned long long)ended,
		(unsigned long long)(ended + left));
	if (now)
		buf_printf(&line, ", %.0f an hour", rate);
	if (now && left && !is_last) {
		buf_add_cstr(&line, ", ");
		add_time((uint64_t)((double)left / rate * 3600), &line);
	}
	buf_printf(&line, "; %llu different images, %llu malicious, %llu suspicious, %llu failed",
		(unsigned long long)n.images, (unsigned long long)n.malicious,
		(unsigned long long)n.suspicious, (unsigned long long)n.failed);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s%s", line.s, is_last ? "\n" : "");
	else if (is_last)
		fprintf(stderr, "koban: %s\n", line.s);
	fflush(stderr);
	buf_done(&line);
}

/* Processors are shared by the images that are scanned at once. */
static unsigned threads_each(uint64_t jobs)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > (long)jobs ? (unsigned)(n / (long)jobs) : 1;
}

static int open_scanners(struct crawl *c, struct err *e)
{
	char dir[4096];
	int r = 0;

	if (!c->knowledge.cache) {
		if (snprintf(dir, sizeof(dir), "%s.layers", c->db) >= (int)sizeof(dir))
			return err_set(e, ENAMETOOLONG, "%s: too long a name", c->db);
		c->knowledge.cache = dir;
	}
	c->knowledge.threads = threads_each(c->jobs);
	/* before there are threads, because each forks workers */
	for (size_t i = 0; r == 0 && i < c->jobs; i++)
		r = image_knowledge_open(&c->knowledge, &c->scanners[i], e);
	return r;
}

static int run_all(struct crawl *c, struct err *e)
{
	struct job jobs[JOBS_MAX];
	const struct timespec tick = {.tv_nsec = TICK_NS};
	bool is_running = true;

	c->started_ns = clock_boot_ns();
	for (size_t i = 0; i < c->jobs; i++) {
		jobs[i] = (struct job){c, c->scanners[i]};
		c->running++;
		if (pthread_create(&c->threads[i], NULL, run_job, &jobs[i]) != 0) {
			c->running--;
			break;
		}
		c->nthreads++;
	}
	while (is_running && c->nthreads) {
		nanosleep(&tick, NULL);
		if (isatty(STDERR_FILENO))
			draw(c, false);
		pthread_mutex_lock(&c->lock);
		is_running = c->running > 0;
		pthread_mutex_unlock(&c->lock);
	}
	for (size_t i = 0; i < c->nthreads; i++)
		pthread_join(c->threads[i], NULL);
	draw(c, true);
	if (!c->nthreads)
		return err_set(e, EAGAIN, "no thread could be started");
	if (c->broken.code) {
		*e = c->broken;
		return -e->code;
	}
	return 0;
}

static int crawl(struct crawl *c, struct err *e)
{
	int r = survey_open(c->db, SURVEY_WRITE, &c->survey, e);

	r = r < 0 ? r : open_scanners(c, e);
	r = r < 0 ? r : add_all(c, e);
	r = r < 0 ? r : survey_count(c->survey, &c->begun, e);
	if (r == 0 && !c->begun.waiting && !c->place.is_quiet)
		fprintf(stderr, "koban: nothing waits in %s: name images, --list or --registry\n",
			c->db);
	return r < 0 ? r : run_all(c, e);
}

int cmd_image_crawl(int argc, char **argv)
{
	struct crawl c = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct err e = {0};
	struct survey_counts n = {0};
	int parsed = parse_options(&c, argc, argv);

	if (parsed)
		return parsed - 1;
	stop_on_signals();
	int r = crawl(&c, &e);

	if (r == 0)
		r = survey_count(c.survey, &n, &e);
	for (size_t i = 0; i < c.jobs; i++)
		scanner_close(c.scanners[i]);
	survey_close(c.survey);
	if (r < 0)
		return fault(&e);
	if (!c.place.is_quiet && n.images)
		fprintf(stderr, "koban: koban image stats %s shows what it adds up to\n", c.db);
	return n.waiting ? 1 : 0;
}
