/* SPDX-License-Identifier: Apache-2.0 */
/* config.json of a bundle, as a stranger may have written it. */
#include <stdlib.h>

#include "engine/state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container c = {.refs = 1, .type = CONTAINER_CRI};
	struct err e = {0};

	arena_init(&c.arena, 32 << 20);
	if (container_parse_bundle(&c, str_make((const char *)data, size), &e) < 0 && !e.msg[0])
		abort();
	for (size_t i = 0; i < c.nmounts; i++)
		if (!c.mounts[i].source.len)
			abort();
	if (c.image_repo.len > c.image.len || c.pod_sandbox_id.len > 12)
		abort();
	arena_done(&c.arena);
	return 0;
}
