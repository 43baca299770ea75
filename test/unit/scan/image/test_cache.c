/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's report as JSON and back, and the folder that keeps it: damage is absence. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "scan/image/cache.h"

static char dir[] = "/tmp/koban-cache-XXXXXX";
static const uint64_t paths[] = {1, 5, UINT64_MAX}, dirs[] = {7};
static const struct str words[] = {{"a", 1}, {"\"q\"\n", 4}};
static const struct layer_link links[] = {{{"/bin", 4}, {"usr/bin", 7}}};
static const struct layer_runs runs[] = {{{"/x", 2}, STARTER_CRON, words, 2}};

static struct layer_report sample(void)
{
	static const struct artifact_finding f = {.check = {"secret-x", 8},
		.analyzer = {"secrets", 7},
		.title = {"t", 1},
		.path = {"/p", 2},
		.deleted_in = -1};

	return (struct layer_report){.found.findings = &f,
		.found.nfindings = 1,
		.diff_id = STR("sha256:00"),
		.unpacked_size = 12,
		.nfiles = 3,
		.paths = paths,
		.npaths = 3,
		.dirs = dirs,
		.ndirs = 1,
		.whiteouts = words,
		.nwhiteouts = 2,
		.links = links,
		.nlinks = 1,
		.runs = runs,
		.nruns = 1};
}

static void is_sample(const struct layer_report *l)
{
	assert_int_equal(l->found.nfindings, 1);
	assert_true(str_is(l->found.findings[0].check, "secret-x"));
	assert_true(str_is(l->diff_id, "sha256:00"));
	assert_int_equal(l->unpacked_size, 12);
	assert_int_equal(l->npaths, 3);
	assert_true(layer_has_path(l, UINT64_MAX) && layer_has_path(l, 1));
	assert_false(layer_has_path(l, 7));
	assert_true(layer_has_dir(l, 7));
	assert_true(str_is(l->whiteouts[1], "\"q\"\n"));
	assert_true(str_is(l->links[0].target, "usr/bin"));
	assert_int_equal(l->runs[0].by, STARTER_CRON);
	assert_true(str_is(l->runs[0].words[1], "\"q\"\n"));
}

static void there_and_back(void **state)
{
	struct layer_report l = sample(), back;
	struct buf b = BUF_INIT(1 << 20);
	struct arena a;
	struct err e;

	arena_init(&a, 0);
	layer_report_to_json(&l, &b);
	assert_int_equal(layer_report_from_json(buf_str(&b), &a, &back, &e), 0);
	is_sample(&back);
	/* cut anywhere: refused, never half */
	for (size_t i = 0; i + 2 < b.len; i++)
		assert_int_equal(
			layer_report_from_json(str_head(buf_str(&b), i), &a, &back, &e), -EBADMSG);
	arena_done(&a);
	buf_done(&b);
}

static void what_is_refused(void **state)
{
	static const char *const lines[] = {"{}\n{\"version\":2}\n", "{}\n[]\n", "{}\nnull", "\n\n",
		"{}\n{\"version\":1,\"version\":1}"};
	static const struct {
		const char *from, *to;
	} swaps[] = {{"\"cron\"", "\"noon\""}, {"\"dirs\":\"0000", "\"dirs\":\"000g"},
		{"\"links\":[", "\"links\":[\"odd\","}, {"\"nfiles\":3", "\"nfiles\":-3"},
		{"00000000000000010000000000000005", "00000000000000050000000000000001"}};
	struct layer_report l = sample(), back;
	struct buf b = BUF_INIT(1 << 20);
	struct arena a;
	struct err e;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(layer_report_from_json(str_of(lines[i]), &a, &back, &e), -EBADMSG);
	layer_report_to_json(&l, &b);
	for (size_t i = 0; i < sizeof(swaps) / sizeof(*swaps); i++) {
		struct buf c = BUF_INIT(1 << 20);
		ptrdiff_t at = str_find(buf_str(&b), str_of(swaps[i].from));

		assert_true(at > 0);
		buf_add(&c, str_head(buf_str(&b), (size_t)at));
		buf_add_cstr(&c, swaps[i].to);
		buf_add(&c, str_skip(buf_str(&b), (size_t)at + strlen(swaps[i].from)));
		assert_int_equal(layer_report_from_json(buf_str(&c), &a, &back, &e), -EBADMSG);
		buf_done(&c);
	}
	arena_done(&a);
	buf_done(&b);
}

/* The only file of the folder; opened. */
static int open_only(int flags)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int fd = -1;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			fd = openat(dirfd(d), e->d_name, flags);
	closedir(d);
	return fd;
}

static void kept_and_found(void **state)
{
	struct str digest = STR("sha256:0123abcd");
	struct layer_report l = sample(), back;
	struct layer_cache *c;
	struct arena a;
	struct err e;

	arena_init(&a, 0);
	assert_int_equal(layer_cache_open(dir, &c, &e), 0);
	assert_false(layer_cache_find(c, digest, 1, &a, &back));
	layer_cache_keep(c, digest, 1, &l);
	assert_true(layer_cache_find(c, digest, 1, &a, &back));
	is_sample(&back);
	assert_false(layer_cache_find(c, digest, 2, &a, &back));
	assert_false(layer_cache_find(c, STR("sha256:0123abce"), 1, &a, &back));
	/* names that lead elsewhere are no digests */
	assert_false(layer_cache_find(c, STR("sha256:../../etc/passwd"), 1, &a, &back));
	assert_false(layer_cache_find(c, STR(""), 1, &a, &back));
	l.is_partial = true;
	layer_cache_keep(c, STR("sha256:beef"), 1, &l);
	assert_false(layer_cache_find(c, STR("sha256:beef"), 1, &a, &back));
	/* one byte is another, at several places; the file is cut */
	int fd = open_only(O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at += 37) {
		char was, is;

		assert_int_equal(pread(fd, &was, 1, at), 1);
		is = was ^ 1;
		assert_int_equal(pwrite(fd, &is, 1, at), 1);
		assert_false(layer_cache_find(c, digest, 1, &a, &back));
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
	}
	assert_true(layer_cache_find(c, digest, 1, &a, &back));
	assert_int_equal(ftruncate(fd, size - 1), 0);
	assert_false(layer_cache_find(c, digest, 1, &a, &back));
	close(fd);
	layer_cache_keep(c, digest, 1, &back);
	layer_cache_close(c);
	arena_done(&a);
}

static void no_folder(void **state)
{
	struct layer_cache *c;
	struct err e;

	assert_true(layer_cache_open("/proc/nowhere/at-all", &c, &e) < 0);
	assert_non_null(strstr(e.msg, "/proc/nowhere/at-all"));
}

static atomic_bool is_read;

static void *wants_it_too(void *arg)
{
	int begun = layer_cache_begin(arg, STR("sha256:same"));
	bool was_read = is_read;

	layer_cache_end(begun);
	return was_read ? arg : NULL;
}

/* Whoever comes second waits until the first is done; another layer waits for nobody. */
static void one_reads_a_layer(void **state)
{
	struct layer_cache *c = NULL;
	const struct timespec a_moment = {.tv_nsec = 50000000};
	pthread_t second;
	void *waited = NULL;

	assert_int_equal(layer_cache_open(dir, &c, NULL), 0);
	int first = layer_cache_begin(c, STR("sha256:same"));
	assert_true(first >= 0);
	layer_cache_end(layer_cache_begin(c, STR("sha256:other")));
	assert_int_equal(pthread_create(&second, NULL, wants_it_too, c), 0);
	nanosleep(&a_moment, NULL); /* it would have gone on by now, were there no lock */
	is_read = true;
	layer_cache_end(first);
	assert_int_equal(pthread_join(second, &waited), 0);
	assert_non_null(waited);
	layer_cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(kept_and_found),
		cmocka_unit_test(no_folder),
		cmocka_unit_test(one_reads_a_layer),
	};

	if (!mkdtemp(dir))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) ? 1 : failed;
}
