/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record's line into a store in memory: it is stored, known or refused with a reason, nothing
 * else; what was stored can be read back, and the store stays sound.
 */
#include <stdlib.h>

#include "base/json.h"
#include "sink/store/store.h"

static struct store *store;
static unsigned stored;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void read_back(void)
{
	struct store_query q = {.limit = 3, .order = STORE_WORST};
	struct store_page p;
	struct err e = {0};
	struct arena a;

	arena_init(&a, 0);
	require(store_findings(store, &q, &a, &p, NULL, &e) == 0);
	for (size_t i = 0; i < p.n; i++) {
		struct store_detail d;

		require(store_finding_get(store, p.items[i].id, &a, &d, &e) == 0);
		for (struct str rest = d.record; rest.len;) {
			size_t n = utf8_len(rest);

			require(n > 0 && rest.s[0] != '\0');
			rest = str_skip(rest, n);
		}
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_options o = {.url = "sqlite::memory:"};
	struct str line = str_make((const char *)data, size);
	struct store_put_result first, again;
	struct err e = {0};

	if (!store || stored > 500) {
		store_close(store);
		require(store_open(&o, &store, &e) == 0);
		stored = 0;
	}
	require(store_put(store, &line, 1, &first, &e) == 0);
	require(store_put(store, &line, 1, &again, &e) == 0);
	require((first.code == STORE_REFUSED) == (again.code == STORE_REFUSED));
	if (first.code == STORE_REFUSED) {
		require(first.reason[0] != '\0');
		return 0;
	}
	stored++;
	read_back();
	if (stored % 100 == 0)
		require(store_check(store, &e) == 0);
	return 0;
}
