/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests and indexes: OCI image-spec 1.1 (manifest.md, image-index.md) and Docker's schema 2,
 * which have the same shape. What a document is follows from its shape, not from what the server
 * calls it; one that could be both is refused, because programs would disagree about it.
 */
#include <errno.h>

#include "source/image/private.h"

static bool is_schema1(const json_t *j)
{
	json_t *version = image_json_get(j, "schemaVersion");

	return (json_is_integer(version) && json_integer_value(version) == 1) ||
	       image_json_get(j, "fsLayers") ||
	       str_starts(image_json_str(j, "mediaType"),
		       STR("application/vnd.docker.distribution.manifest.v1+"));
}

static struct str keep(struct arena *a, struct str s)
{
	return s.len ? arena_str(a, s) : STR_NULL;
}

static void read_platform(const json_t *p, struct arena *a, struct platform *ret)
{
	*ret = (struct platform){
		.os = keep(a, image_json_str(p, "os")),
		.arch = keep(a, image_json_str(p, "architecture")),
		.variant = keep(a, image_json_str(p, "variant")),
	};
}

static int read_descriptor(
	const json_t *j, const char *what, struct arena *a, struct descriptor *ret, struct err *e)
{
	struct str digest = image_json_str(j, "digest");
	json_t *size = image_json_get(j, "size"), *notes = image_json_get(j, "annotations");
	int r = json_is_object(j) ? image_json_keys(j, what, e)
				  : err_set(e, EBADMSG, "%s: a descriptor is no object", what);

	if (r < 0)
		return r;
	if (!digest_is_valid(digest))
		return err_set(
			e, EBADMSG, "%s: a descriptor has no digest that can be verified", what);
	if (size && (!json_is_integer(size) || json_integer_value(size) < 0))
		return err_set(e, EBADMSG, "%s: a descriptor has a size that is no number", what);
	*ret = (struct descriptor){
		.digest = keep(a, digest),
		.media_type = keep(a, image_json_str(j, "mediaType")),
		.size = size ? (uint64_t)json_integer_value(size) : UINT64_MAX,
		.ref_name = keep(a, image_json_text(json_object_get(
					    notes, "org.opencontainers.image.ref.name"))),
		.image_name = keep(
			a, image_json_text(json_object_get(notes, "io.containerd.image.name"))),
		.is_foreign = json_array_size(image_json_get(j, "urls")) > 0,
	};
	if (str_is(image_json_text(json_object_get(notes, "vnd.docker.reference.type")),
		    "attestation-manifest"))
		ret->platform = (struct platform){STR("unknown"), STR("unknown"), STR_NULL};
	else
		read_platform(image_json_get(j, "platform"), a, &ret->platform);
	return 0;
}

bool descriptor_is_image(const struct descriptor *d)
{
	return !str_is(d->platform.os, "unknown") && !str_is(d->platform.arch, "unknown");
}

static int read_items(const json_t *list, size_t max, const char *noun, const char *what,
	struct arena *a, struct manifest *m, struct err *e)
{
	size_t n = json_array_size(list);

	if (n > max)
		return err_set(e, EBADMSG, "%s has %zu %s; more than %zu are not read", what, n,
			noun, max);
	m->items = arena_array(a, struct descriptor, n ? n : 1);
	if (!m->items)
		return err_set(e, ENOMEM, "out of memory");
	for (; m->nitems < n; m->nitems++) {
		int r = read_descriptor(
			json_array_get(list, m->nitems), what, a, &m->items[m->nitems], e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_manifest(
	const json_t *j, const char *what, struct arena *a, struct manifest *m, struct err *e)
{
	json_t *manifests = image_json_get(j, "manifests"), *layers = image_json_get(j, "layers"),
	       *config = image_json_get(j, "config");
	struct str type = image_json_str(j, "mediaType");
	bool says_index = str_ends(type, STR(".image.index.v1+json")) ||
			  str_ends(type, STR(".manifest.list.v2+json"));
	int r = image_json_keys(j, what, e);

	if (r < 0)
		return r;
	if (is_schema1(j))
		return err_set(e, EPROTONOSUPPORT,
			"%s is in Docker's old format (schema 1), which has no config and is not "
			"read: push the image again with a current tool, for instance `skopeo copy "
			"--format v2s2`",
			what);
	m->is_index = json_is_array(manifests);
	if (m->is_index ? layers || config : !json_is_array(layers) || !json_is_object(config))
		return err_set(e, EBADMSG,
			m->is_index
				? "%s is an index and an image manifest at once: programs disagree "
				  "about what it means"
				: "%s is neither an image manifest nor an index of such",
			what);
	if (type.len && says_index != m->is_index)
		return err_set(e, EBADMSG, "%s says that it is of the type %.*s, and is not", what,
			STR_ARG(str_head(type, 100)));
	if (m->is_index)
		return read_items(manifests, INDEX_MAX, "manifests", what, a, m, e);
	r = read_descriptor(config, what, a, &m->config, e);
	return r < 0 ? r : read_items(layers, LAYERS_MAX, "layers", what, a, m, e);
}

int image_manifest_parse(
	struct str text, const char *what, struct arena *a, struct manifest *ret, struct err *e)
{
	json_t *j;
	int r = image_json(text, what, &j, e);

	*ret = (struct manifest){0};
	if (r < 0)
		return r;
	r = read_manifest(j, what, a, ret, e);
	json_decref(j);
	if (r == 0 && a->failed)
		r = err_set(e, ENOMEM, "out of memory");
	return r;
}
