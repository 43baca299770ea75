/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one analyzer of images costs, and what it finds, over the files below some folders: each is
 * read into memory and shown; only the analyzer's own time counts. Nothing leaves a file system or
 * follows a link.
 *
 *	build/test/bench-analyzer malware /usr/bin /usr/lib
 *	build/test/bench-analyzer -y rules.yar malware /usr/bin
 */
#include <fcntl.h>
#include <fts.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake_ledger.h"

enum { MAX_FILE = 1 << 30 };

static struct ledger ledger;
static uint64_t nbytes, nfiles, spent_ns, slowest_ns, hash_ns;
static char slowest[4096];
static size_t shown_findings;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct str read_whole(const char *path, size_t size)
{
	char *s = malloc(size + 1);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t n = 0;

	while (s && fd >= 0 && n < size) {
		ssize_t r = read(fd, s + n, size - n);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	if (fd >= 0)
		close(fd);
	return str_make(s, s ? n : 0);
}

static void show(const struct analyzer_ops *ops, void *self, const FTSENT *e)
{
	struct artifact_file f = {.path = str_of(e->fts_accpath),
		.kind = S_ISDIR(e->fts_statp->st_mode)   ? ARTIFACT_DIR
			: S_ISLNK(e->fts_statp->st_mode) ? ARTIFACT_SYMLINK
			: S_ISREG(e->fts_statp->st_mode) ? ARTIFACT_FILE
							 : ARTIFACT_FIFO,
		.mode = e->fts_statp->st_mode & 07777,
		.uid = e->fts_statp->st_uid,
		.size = (uint64_t)e->fts_statp->st_size};
	bool is_file = f.kind == ARTIFACT_FILE;
	struct str content =
		is_file && f.size <= MAX_FILE ? read_whole(e->fts_path, f.size) : STR_NULL;
	uint8_t sha[32];
	uint64_t before = now_ns();

	SHA256((const uint8_t *)(content.s ? content.s : ""), content.len, sha);
	uint64_t between = now_ns();
	fake_show_file(ops, self, &ledger, &f, content);
	/* the fake ledger hashes and copies as well: its hashing is taken off again */
	uint64_t took = now_ns() - between;
	took = took > between - before ? took - (between - before) : 0;
	hash_ns += between - before;
	spent_ns += took;
	nbytes += content.len;
	nfiles += is_file;
	if (took > slowest_ns) {
		slowest_ns = took;
		snprintf(slowest, sizeof(slowest), "%s (%zu bytes)", e->fts_path, content.len);
	}
	free((void *)content.s);
	shown_findings += ledger.nfindings;
	fake_print(&ledger);
	fake_ledger_clear(&ledger);
}

int main(int argc, char **argv)
{
	struct analyzer_options o = {0};
	const char *yara[2] = {NULL, NULL};
	const struct analyzer_ops *ops = NULL;
	struct err e = {0};
	void *self = NULL;
	int at = 1;

	if (argc > 3 && strcmp(argv[1], "-y") == 0) {
		yara[0] = argv[2];
		o.yara_paths = yara;
		at = 3;
	}
	for (size_t i = 0; at < argc && analyzers[i]; i++)
		if (strcmp(analyzers[i]->name, argv[at]) == 0)
			ops = analyzers[i];
	if (!ops || at + 1 >= argc) {
		fprintf(stderr, "usage: bench-analyzer [-y RULES] ANALYZER FOLDER…\n");
		return 2;
	}
	fake_ledger_init(&ledger);
	if (ops->open && ops->open(&o, &self, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 2;
	}
	FTS *walk = fts_open(argv + at + 1, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	for (FTSENT *entry; walk && (entry = fts_read(walk));)
		if (entry->fts_info != FTS_DP && entry->fts_statp)
			show(ops, self, entry);
	if (walk)
		fts_close(walk);
	fake_end_layer(ops, self, &ledger);
	fake_print(&ledger);
	shown_findings += ledger.nfindings;
	printf("%s: %lu files, %lu MB, %.2f s, %.0f MB/s (SHA-256: %.0f MB/s), %zu findings; "
	       "slowest %.2f s: %s\n",
		ops->name, (unsigned long)nfiles, (unsigned long)(nbytes / 1000000),
		(double)spent_ns / 1e9, spent_ns ? (double)nbytes * 1e3 / (double)spent_ns : 0.0,
		hash_ns ? (double)nbytes * 1e3 / (double)hash_ns : 0.0, shown_findings,
		(double)slowest_ns / 1e9, slowest);
	if (ops->close)
		ops->close(self);
	fake_ledger_done(&ledger);
	return 0;
}
