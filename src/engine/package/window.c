/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and bytes of binary files in either byte order, with every step checked. */
#include "engine/package/private.h"

struct str window_bytes(struct window *w, uint64_t at, uint64_t size)
{
	if (at < w->offset || at - w->offset > w->s.len || size > w->s.len - (at - w->offset)) {
		w->bad = true;
		return STR_NULL;
	}
	return str_make(w->s.s + (at - w->offset), (size_t)size);
}

uint64_t window_number(struct window *w, uint64_t at, size_t size)
{
	struct str s = window_bytes(w, at, size);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v |= (uint64_t)(uint8_t)s.s[w->is_big ? s.len - 1 - i : i] << (8 * i);
	return v;
}
