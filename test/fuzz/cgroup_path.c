/* SPDX-License-Identifier: Apache-2.0 */
/* The path of a cgroup, which anyone may name who can make one. */
#include <stdlib.h>

#include "engine/state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str path = str_make((const char *)data, size), id = STR_NULL;
	enum container_type type;

	if (!container_id_from_cgroup(path, &id, &type))
		return 0;
	/* the id is a part of the path, one component or less */
	if (!id.len || id.s < path.s || id.s + id.len > path.s + path.len ||
		str_find_char(id, '/') >= 0)
		abort();
	return 0;
}
