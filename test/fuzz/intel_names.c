/* SPDX-License-Identifier: Apache-2.0 */
/* URLs, domains and addresses in any bytes, and all that is asked of them; names of images. */
#include <stdlib.h>

#include "engine/indicator/indicator.h"

static struct indicators *known(void)
{
	static struct indicators *i;
	struct err e = {0};

	if (!i && indicators_load(NULL, NULL, &i, &e) < 0)
		abort();
	return i;
}

static void ask(const struct net_name *n)
{
	struct str list, whole = indicators_registrable(known(), n->text);

	if (n->is_address)
		indicators_address(known(), n->text, &list);
	else if (indicators_domain(known(), n->text, &list) != NET_NONE && !list.len)
		abort();
	if (whole.s < n->text.s || whole.s + whole.len > n->text.s + n->text.len)
		abort();
	indicators_suggests_pool(n->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size), official;
	struct net_name n;
	size_t at = 0, last = 0;

	while (net_name_next(known(), text, &at, &n)) {
		if (at <= last || at > size || n.at >= at || n.port > 65535)
			abort();
		ask(&n);
		last = at;
	}
	if (at != size)
		abort();
	if (size < 300) {
		if (indicators_imitates(known(), text, &official) != IMITATION_NONE &&
			!official.len)
			abort();
		name_looks_random(text);
		indicators_is_mining_algorithm(known(), text);
	}
	return 0;
}
