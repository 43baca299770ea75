/* SPDX-License-Identifier: Apache-2.0 */
/* Wallets in any bytes: the search goes forward, and what it finds is one by itself. */
#include <stdlib.h>

#include "engine/indicator/indicator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct wallet w, again;
	size_t at = 0, last = 0;

	while (wallet_next(text, &at, &w)) {
		if (at <= last || at > size || !wallet_parse(w.text, &again) ||
			again.coin != w.coin || w.text.s < text.s ||
			w.text.s + w.text.len != text.s + at)
			abort();
		last = at;
	}
	if (at != size)
		abort();
	return 0;
}
