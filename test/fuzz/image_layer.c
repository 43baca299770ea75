/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of layers, as a worker that was taken over or a damaged cache may hand them in. */
#include <stdlib.h>

#include "scan/image/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct layer_report l, again;
	struct buf b = BUF_INIT(LAYER_REPORT_MAX);
	struct arena a;
	struct err e;

	arena_init(&a, 256 << 20);
	if (layer_report_from_json(str_make((const char *)data, size), &a, &l, &e) == 0) {
		/* what was read can be written, and read again */
		layer_report_to_json(&l, &b);
		if (!b.cut && layer_report_from_json(buf_str(&b), &a, &again, &e) < 0 && !a.failed)
			abort();
	}
	buf_done(&b);
	arena_done(&a);
	return 0;
}
