/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts findings into a store and says on stdout which were acknowledged; what test_store_kill.py
 * kills and starts again. test_ingest_kill.py compares with what it makes anew.
 *
 *   store-writer put URL FIRST COUNT     ids FIRST … FIRST+COUNT-1 by three threads, batches of
 *                                        1 … 20; a line "A B" for each acknowledged range
 *   store-writer lines URL < records     puts them, 50 at a time
 *   store-writer check URL < ids         every id on stdin is there, the store is sound; prints
 *                                        "ok FINDINGS UNCLEAN" or what is wrong
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink/store/store.h"

enum { THREADS = 3, BATCH = 20, LINES = 50 };

static struct store *store;
static atomic_uint_fast64_t next_id;
static uint64_t end_id;

static void build(struct buf *b, uint64_t id)
{
	buf_clear(b);
	buf_printf(b,
		"{\"v\":1,\"type\":\"finding\",\"id\":\"k%" PRIu64 "\",\"time_ns\":%" PRIu64
		",\"rule\":\"Rule %" PRIu64 "\",\"priority\":\"Warning\",\"source\":\"syscall\","
		"\"output\":\"finding number %" PRIu64 " of a store that is killed, "
		"%0200d\",\"hostname\":\"node-1\",\"tags\":[\"T1059\"],\"processes\":[{\"pid\":"
		"%" PRIu64 ",\"start_ns\":1,\"name\":\"p%" PRIu64
		"\",\"uid\":0}],\"container\":{\"id\":\"c%" PRIu64
		"\",\"name\":\"web\",\"image\":\"nginx\"}}",
		id, (uint64_t)1800000000000000000 + id * 1000, id % 7, id, 0, id % 1000, id % 1000,
		id % 10);
}

static void fail(const char *what, const char *why)
{
	printf("failed %s: %s\n", what, why);
	fflush(stdout);
	_exit(1);
}

static void put_range(uint64_t first, uint64_t n)
{
	struct store_put_result results[BATCH];
	struct str lines[BATCH];
	struct buf b = BUF_INIT(1 << 20);
	struct arena a;
	struct err e = {0};
	char said[64];

	arena_init(&a, 0);
	for (uint64_t i = 0; i < n; i++) {
		build(&b, first + i);
		lines[i] = arena_str(&a, buf_str(&b));
	}
	if (store_put(store, lines, n, results, &e) < 0)
		fail("put", e.msg);
	for (uint64_t i = 0; i < n; i++)
		if (results[i].code == STORE_REFUSED)
			fail("refused", results[i].reason);
	int len = snprintf(said, sizeof(said), "%" PRIu64 " %" PRIu64 "\n", first, first + n);
	if (write(1, said, (size_t)len) != len) /* one write: a line is whole or not there */
		_exit(1);
	arena_done(&a);
	buf_done(&b);
}

static void *worker(void *arg)
{
	for (;;) {
		uint64_t n = 1 + next_id % BATCH, first = atomic_fetch_add(&next_id, n);

		if (first >= end_id)
			return NULL;
		put_range(first, n);
	}
}

static void put_all(uint64_t first, uint64_t count)
{
	pthread_t t[THREADS];

	next_id = first;
	end_id = first + count;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void put_lines(void)
{
	static struct store_put_result results[LINES];
	struct str lines[LINES];
	char *line = NULL;
	size_t cap = 0, n = 0;
	struct err e = {0};
	struct arena a;
	bool is_over = false;

	arena_init(&a, 0);
	while (!is_over) {
		is_over = getline(&line, &cap, stdin) < 0;
		if (!is_over)
			lines[n++] = arena_str(&a, str_of(line));
		if (n < LINES && !is_over)
			continue;
		if (store_put(store, lines, n, results, &e) < 0)
			fail("put", e.msg);
		for (size_t i = 0; i < n; i++)
			if (results[i].code != STORE_STORED)
				fail("refused", results[i].reason);
		n = 0;
		arena_reset(&a);
	}
	arena_done(&a);
	free(line);
}

static void check_all(void)
{
	struct store_stats st;
	char id[100];
	struct err e = {0};
	struct arena a;

	if (store_check(store, &e) < 0)
		fail("check", e.msg);
	while (fgets(id, sizeof(id), stdin)) {
		struct store_detail d;

		id[strcspn(id, "\n")] = '\0';
		arena_init(&a, 0);
		if (store_finding_get(store, str_of(id), &a, &d, &e) < 0)
			fail(id, e.msg);
		arena_done(&a);
	}
	arena_init(&a, 0);
	if (store_stats(store, &a, &st, &e) < 0)
		fail("stats", e.msg);
	printf("ok %" PRIu64 " %d\n", st.findings, st.was_unclean);
	arena_done(&a);
}

int main(int argc, char **argv)
{
	struct store_options o = {.url = argc > 2 ? argv[2] : NULL};
	struct err e = {0};

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (store_open(&o, &store, &e) < 0)
		fail("open", e.msg);
	if (strcmp(argv[1], "put") == 0 && argc > 4)
		put_all(strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	else if (strcmp(argv[1], "lines") == 0)
		put_lines();
	else
		check_all();
	store_close(store);
	return 0;
}
