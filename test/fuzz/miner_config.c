/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations, command lines, settings and base64 of miners, as a stranger may write them. */
#include <stdlib.h>

#include "scan/image/mining.h"

static struct arena scratch;

static void check(const struct mining *m)
{
	if (mining_is_proof(m) && (!mining_is_evidence(m) || !m->host.len || !m->wallet.text.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct indicators *known;
	struct str text = str_make((const char *)data, size);
	struct mining m, found[MINING_MAX_POOLS];
	struct err e = {0};
	size_t at = 0, begin;

	if (!known && indicators_load(NULL, NULL, &known, &e) < 0)
		abort();
	arena_init(&scratch, 64 << 20);
	size_t n = mining_parse_config(known, text, &scratch, found);
	for (size_t k = 0; k < n; k++)
		check(found + k);
	if (mining_parse_command(known, text, &scratch, &m))
		check(&m);
	while (mining_next_settings(known, text, &at, &scratch, &m)) {
		if (at > size || m.at >= size)
			abort();
		check(&m);
	}
	if (size && mining_decode(text, size / 2, &scratch, &begin).len && begin > size / 2)
		abort();
	arena_done(&scratch);
	return 0;
}
