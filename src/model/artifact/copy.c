/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that owns nothing of what it was made from. */
#include <errno.h>

#include "model/artifact/shapes.h"

static bool copy_strings(struct arena *a, const struct shape *of, void *base);

static bool copy_string(struct arena *a, struct str *s)
{
	if (s->len)
		*s = arena_str(a, *s);
	return !s->len || s->s;
}

static void *copy_list(struct arena *a, const struct member *m, void *base, size_t size)
{
	size_t n = VALUE(size_t, base, m->count);
	const void *from = VALUE(const void *, base, m->offset);
	void *list = arena_alloc_array(a, n ? n : 1, size);

	if (list && n)
		memcpy(list, from, n * size);
	memcpy((char *)base + m->offset, &list, sizeof(list));
	return list;
}

static bool copy_member(struct arena *a, const struct member *m, void *base)
{
	size_t n = m->count ? VALUE(size_t, base, m->count) : 0;
	bool ok = true;

	if (m->kind == STRING)
		return copy_string(a, (struct str *)(void *)((char *)base + m->offset));
	if (m->kind == STRUCT)
		return copy_strings(a, m->of, (char *)base + m->offset);
	if (m->kind == HASHES)
		return copy_list(a, m, base, sizeof(uint64_t));
	if (m->kind == STRINGS) {
		struct str *list = copy_list(a, m, base, sizeof(*list));

		for (size_t i = 0; list && i < n; i++)
			ok &= copy_string(a, &list[i]);
		return list && ok;
	}
	if (m->kind == STRUCTS) {
		char *list = copy_list(a, m, base, m->of->size);

		for (size_t i = 0; list && i < n; i++)
			ok &= copy_strings(a, m->of, list + i * m->of->size);
		return list && ok;
	}
	return true;
}

/* All that the struct points at becomes the arena's. */
static bool copy_strings(struct arena *a, const struct shape *of, void *base)
{
	bool ok = true;

	for (const struct member *m = of->members; m->name; m++)
		ok &= copy_member(a, m, base);
	return ok;
}

int artifact_image_copy(
	const struct artifact_image *from, struct arena *a, struct artifact_image *ret)
{
	*ret = *from;
	return copy_strings(a, &artifact_image_shape, ret) ? 0 : -ENOMEM;
}
