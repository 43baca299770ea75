/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast secrets are searched, and what is found: reads folders into memory, searches them some
 * times on one core, and sets beside it what Vectorscan needs for the same database with nothing
 * done at a match, and what it needs for one word. Ratios count, the machine is shared.
 *
 *   bench-secrets FOLDER…           rates
 *   bench-secrets --list FOLDER     findings as lines of tabs, for test/bench/secrets.py
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/secret/private.h"

enum { FILE_MAX = 16 << 20, TURNS = 3 };
static const uint64_t ALL_MAX = (uint64_t)2 << 30;

struct file {
	char *path;
	struct str text;
	bool is_text;
};

static struct file *files;
static size_t nfiles, room;
static uint64_t nbytes, ntext;
static size_t nfound;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-secrets: %s: %s\n", what, why);
	exit(1);
}

static int add_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	if (kind != FTW_F || !S_ISREG(st->st_mode) || !st->st_size || nbytes > ALL_MAX)
		return 0;
	size_t size = st->st_size < FILE_MAX ? (size_t)st->st_size : FILE_MAX;
	char *bytes = malloc(size);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 || !bytes ? -1 : read(fd, bytes, size);

	if (fd >= 0)
		close(fd);
	if (n <= 0) {
		free(bytes);
		return 0;
	}
	if (nfiles == room) {
		room = room ? 2 * room : 1024;
		files = realloc(files, room * sizeof(*files));
		if (!files)
			die("files", strerror(ENOMEM));
	}
	bool is_text = !memchr(bytes, 0, n < 8192 ? (size_t)n : 8192);
	files[nfiles++] = (struct file){strdup(path), str_make(bytes, (size_t)n), is_text};
	nbytes += (uint64_t)n;
	ntext += is_text ? (uint64_t)n : 0;
	return 0;
}

static void count(void *arg, const struct secret *s)
{
	nfound++;
}

static void list(void *arg, const struct secret *s)
{
	const char *path = arg;

	printf("%s\t%u\t%.*s\t%s\t%u\t%u\t%.*s\n", path, s->line, STR_ARG(s->id),
		artifact_severity_name((enum artifact_severity)s->severity), s->confidence,
		(unsigned)s->validity, STR_ARG(s->redacted));
}

/* One turn over everything; `strip` bytes of each path are not part of it. */
static double scan_all(struct secret_scanner *s, secret_found found, size_t strip)
{
	uint64_t start = clock_cpu_ns();

	for (size_t i = 0; i < nfiles; i++) {
		const struct file *f = &files[i];
		struct secret_context c = {
			.path = str_of(f->path + strip), .is_text = f->is_text, .line = 1};

		secret_scan(s, f->text, &c, found, f->path + strip);
	}
	return (double)(clock_cpu_ns() - start) / 1e9;
}

static int ignore(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	return 0;
}

static double scan_bare(const struct secret_rules *r, const hs_database_t *one)
{
	hs_scratch_t *scratch = NULL;
	uint64_t start;

	if (hs_alloc_scratch(r->text, &scratch) || hs_alloc_scratch(r->binary, &scratch) ||
		(one && hs_alloc_scratch(one, &scratch)))
		die("scratch", "no memory");
	start = clock_cpu_ns();
	for (size_t i = 0; i < nfiles; i++)
		hs_scan(one                ? one
			: files[i].is_text ? r->text
					   : r->binary,
			files[i].text.s, (unsigned)files[i].text.len, 0, scratch, ignore, NULL);
	hs_free_scratch(scratch);
	return (double)(clock_cpu_ns() - start) / 1e9;
}

static void rate(const char *what, double seconds, double yard)
{
	printf("%-44s %8.0f MB/s   %5.2f x\n", what, (double)nbytes / 1e6 / seconds,
		seconds / yard);
}

static void measure(struct secret_rules *r, struct secret_scanner *s)
{
	hs_database_t *one = NULL;
	hs_compile_error_t *why = NULL;
	double best = 1e9, bare = 1e9, word = 1e9;

	if (hs_compile("kobanDoesNotStandThere", 0, HS_MODE_BLOCK, NULL, &one, &why) != HS_SUCCESS)
		die("compile", why->message);
	for (unsigned i = 0; i < TURNS; i++) {
		double t = scan_all(s, count, 0);

		best = t < best ? t : best;
		t = scan_bare(r, NULL);
		bare = t < bare ? t : bare;
		t = scan_bare(r, one);
		word = t < word ? t : word;
	}
	printf("%zu files, %.1f MB, %.0f %% of it text; %zu findings\n", nfiles,
		(double)nbytes / 1e6, 100.0 * (double)ntext / (double)nbytes, nfound / TURNS);
	rate("secrets", best, bare);
	rate("Vectorscan alone, the same database", bare, bare);
	rate("Vectorscan, one word", word, bare);
	hs_free_database(one);
}

int main(int argc, char **argv)
{
	bool is_list = argc > 1 && strcmp(argv[1], "--list") == 0;
	const char *data = getenv("KOBAN_DATA");
	struct secret_rules *rules;
	struct secret_scanner *scanner;
	struct err e = {0};
	uint64_t start = clock_cpu_ns();

	if (argc < 2 + is_list) {
		fprintf(stderr, "usage: bench-secrets [--list] FOLDER…\n");
		return 2;
	}
	size_t before = mallinfo2().uordblks;
	if (secret_rules_load(data, NULL, &rules, &e) < 0 ||
		secret_scanner_new(rules, &scanner, &e) < 0)
		die("rules", e.msg);
	if (!is_list)
		printf("%zu rules, loaded in %.2f s, %.1f MB of memory\n",
			secret_rules_count(rules), (double)(clock_cpu_ns() - start) / 1e9,
			(double)(mallinfo2().uordblks - before) / 1e6);
	for (int i = 1 + is_list; i < argc; i++)
		if (nftw(argv[i], add_file, 32, FTW_PHYS) < 0)
			die(argv[i], strerror(errno));
	if (is_list)
		scan_all(scanner, list, strlen(argv[2]));
	else if (nbytes)
		measure(rules, scanner);
	secret_scanner_free(scanner);
	secret_rules_unref(rules);
	return 0;
}
