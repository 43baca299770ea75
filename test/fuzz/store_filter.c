/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text as a filter and as a search text over a store in memory: refused with a message, or run;
 * a filter selects as many findings as it and its negation leave out.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/store.h"

enum { INPUT_MAX = 4096 };

static const char *const findings[] = {
	"{\"v\":1,\"type\":\"finding\",\"id\":\"a\",\"time_ns\":1800000000000000000,\"rule\":"
	"\"Shell\","
	"\"priority\":\"Critical\",\"output\":\"a "
	"shell\",\"processes\":[{\"pid\":1,\"name\":\"bash\","
	"\"cmdline\":\"bash -i\",\"user\":\"root\",\"uid\":0}],\"fields\":{\"k\":\"v\"}}",
	"{\"v\":1,\"type\":\"finding\",\"id\":\"b\",\"time_ns\":1800000001000000000,\"rule\":"
	"\"Miner\","
	"\"priority\":\"Notice\",\"output\":\"xmrig\",\"tags\":[\"T1496\"],\"connection\":{"
	"\"remote\":"
	"\"203.0.113.9:3333\"},\"container\":{\"id\":\"0123456789ab\",\"image\":\"nginx:1\"}}",
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static struct store *open_store(void)
{
	struct store_options o = {.url = "sqlite::memory:", .query_timeout_ms = 20000};
	struct store *s = NULL;
	struct err e = {0};

	require(store_open(&o, &s, &e) == 0);
	for (size_t i = 0; i < 2; i++) {
		struct str line = str_of(findings[i]);
		struct store_put_result r;

		require(store_put(s, &line, 1, &r, &e) == 0 && r.code == STORE_STORED);
	}
	return s;
}

/* How many it selects; -1 when it is refused. */
static int count(struct store *s, const struct store_query *q)
{
	struct store_page p = {0};
	struct err e = {0};
	struct arena a;
	int rc = 0;

	arena_init(&a, 0);
	rc = store_findings(s, q, &a, &p, NULL, &e);
	if (rc < 0)
		require(rc == -EINVAL && e.msg[0]);
	if (rc == 0 && q->want_total)
		require(p.total == p.n);
	arena_done(&a);
	return rc < 0 ? -1 : (int)p.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *s;
	struct store_query q = {.filter = str_make((const char *)data, size), .want_total = true};
	struct buf not = BUF_INIT(INPUT_MAX + 100);
	int n = 0, others = 0;

	if (size > INPUT_MAX)
		return 0;
	if (!s)
		s = open_store();
	n = count(s, &q);
	if (n >= 0 && str_trim(q.filter).len) {
		buf_add_cstr(&not, "not (");
		buf_add(&not, q.filter);
		buf_add_cstr(&not, ")");
		q.filter = buf_str(&not );
		others = count(s, &q);
		require(others < 0 || n + others == 2);
	}
	q = (struct store_query){.search = str_make((const char *)data, size)};
	count(s, &q);
	q = (struct store_query){.rule = q.search, .cursor = q.search, .technique = q.search};
	count(s, &q);
	buf_done(&not );
	return 0;
}
