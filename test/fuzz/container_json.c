/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a container in a capture: what is read can be written, and is then the same. */
#include <stdlib.h>

#include "engine/state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container c = {.refs = 1}, again = {.refs = 1};
	struct buf b = BUF_INIT(64 << 20);
	struct err e = {0};

	arena_init(&c.arena, 64 << 20);
	arena_init(&again.arena, 64 << 20);
	if (container_from_json(&c, str_make((const char *)data, size), &e) < 0) {
		if (!e.msg[0])
			abort();
	} else {
		container_to_json(&c, &b);
		if (!b.cut && b.len < 1 << 20) {
			if (container_from_json(&again, buf_str(&b), &e) < 0)
				abort();
			if (again.nlabels != c.nlabels || again.nmounts != c.nmounts ||
				again.type != c.type || again.id.len > 12)
				abort();
		}
	}
	buf_done(&b);
	arena_done(&again.arena);
	arena_done(&c.arena);
	return 0;
}
