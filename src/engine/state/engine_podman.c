/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containers/storage keeps beside the bundles of Podman and CRI-O: containers.json (names,
 * image, a metadata string of JSON) and images.json (digests and names). See that project's
 * containers.go and images.go.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "engine/state/private.h"

static json_t *load(
	struct state *s, struct arena *a, struct str root, const char *driver, const char *what)
{
	char path[4096];
	struct str text;

	snprintf(path, sizeof(path), "%.*s/%s-%s/%s.json", STR_ARG(root), driver, what, what);
	return host_read(s, a, path, &text) < 0 ? NULL : json_load_bounded(text, NULL);
}

static const json_t *by_id(const json_t *list, struct str id)
{
	size_t i;
	json_t *one;

	json_array_foreach((json_t *)(uintptr_t)list, i,
		one) if (id.len && str_eq(json_text(one, "id"), id)) return one;
	return NULL;
}

static struct str keep(struct container *c, struct str s)
{
	return s.len ? arena_str(&c->arena, s) : STR_NULL;
}

static struct str first_string(const json_t *list)
{
	const json_t *v = json_array_get(list, 0);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NULL;
}

static void read_container(struct container *c, const json_t *one)
{
	json_t *meta = json_load_bounded(json_text(one, "metadata"), NULL);
	struct str name = first_string(json_object_get(one, "names"));

	if (c->type == CONTAINER_PODMAN && name.len)
		c->name = keep(c, name);
	if (!c->image.len)
		container_split_image(c, json_text(meta, "image-name"));
	if (!c->image_id.len)
		c->image_id = keep(c, json_text(meta, "image-id"));
	if (!c->image_id.len)
		c->image_id = keep(c, json_text(one, "image"));
	if (!c->created_ns)
		c->created_ns = time_from_rfc3339(json_text(one, "created"));
	json_decref(meta);
}

static void read_image(struct container *c, const json_t *one)
{
	struct str digest = json_text(one, "digest");

	if (!c->image_digest.len)
		c->image_digest = keep(c, digest);
	if (!c->image.len)
		container_split_image(c, first_string(json_object_get(one, "names")));
}

static int fill_from(
	struct state *s, struct container *c, struct arena *a, struct str root, const char *driver)
{
	json_t *containers = load(s, a, root, driver, "containers");
	const json_t *one = by_id(containers, c->full_id);

	if (!one) {
		json_decref(containers);
		return -ENOENT;
	}
	read_container(c, one);
	json_decref(containers);
	json_t *images = load(s, a, root, driver, "images");

	read_image(c, by_id(images, c->image_id));
	json_decref(images);
	return 0;
}

int podman_fill(struct state *s, struct container *c, struct arena *a, struct str storage_root)
{
	static const char *const drivers[] = {"overlay", "vfs", "btrfs", "zfs", "aufs"};
	/* CRI-O's bundles are in the run root, its lists in the graph root */
	struct str roots[] = {storage_root, STR("var/lib/containers/storage")};

	for (size_t r = 0; r < 2; r++)
		for (size_t d = 0; d < sizeof(drivers) / sizeof(*drivers); d++)
			if (roots[r].len && fill_from(s, c, a, roots[r], drivers[d]) == 0)
				return 0;
	return -ENOENT;
}
