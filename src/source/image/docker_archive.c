/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `docker save`, `podman save` and skopeo's docker-archive write: manifest.json lists images
 * with the paths of their config and layers. A layer's stored bytes have a digest to be held
 * against in two cases: it lies under its digest (blobs/sha256/HEX, since Docker 25), or it is a
 * plain tar, whose digest is the diffID of the config. What is packed and lies under another name
 * is verified by the diffID once it is unpacked, which is the reader's to do.
 */
#include <errno.h>
#include <stdio.h>

#include "source/image/private.h"

/* "blobs/sha256/HEX" or "HEX.json": the digest that a path promises; else empty. */
static struct str digest_of_path(struct str path, struct arena *a)
{
	ptrdiff_t slash = str_rfind_char(path, '/');
	struct str hex = slash < 0 ? path : str_skip(path, (size_t)slash + 1);

	if (str_ends(hex, STR(".json")))
		hex.len -= 5;
	else if (slash < 0 || !str_ends(str_head(path, (size_t)slash), STR("blobs/sha256")))
		return STR_NULL;
	struct str digest = arena_printf(a, "sha256:%.*s", STR_ARG(str_head(hex, 65)));

	return digest_is_valid(digest) ? digest : STR_NULL;
}

static bool same_name(struct str one, struct str other, struct arena *a)
{
	struct artifact_image x, y;

	if (str_eq(one, other))
		return true;
	return image_parse_name(one, a, &x, NULL) == 0 &&
	       image_parse_name(other, a, &y, NULL) == 0 && str_eq(x.registry, y.registry) &&
	       str_eq(x.repository, y.repository) && str_eq(x.tag, y.tag);
}

static int list_images(struct image_source *s, const json_t *images, struct str want, struct err *e)
{
	struct buf b = BUF_INIT(500);

	for (size_t i = 0; i < json_array_size(images); i++) {
		struct str tag = image_json_text(
			json_array_get(image_json_get(json_array_get(images, i), "RepoTags"), 0));

		buf_printf(&b, "%s%.*s", b.len ? ", " : "",
			STR_ARG(tag.len ? image_printable(tag, 100, &s->arena)
					: STR("one without a name")));
	}
	err_set(e, ENOENT, "%s: %s%.*s; it has: %.*s. Choose one with docker-archive:PATH:NAME:TAG",
		s->name, want.len ? "there is no image named " : "there are several images in it",
		STR_ARG(image_printable(want, 80, &s->arena)), STR_ARG(buf_str(&b)));
	buf_done(&b);
	return -ENOENT;
}

/* The one that is wanted by name, or "@" and its place, or the only one. */
static const json_t *choose(struct image_source *s, const json_t *images, struct str want)
{
	size_t n = json_array_size(images);
	uint64_t at;

	if (!want.len)
		return n == 1 ? json_array_get(images, 0) : NULL;
	if (want.s[0] == '@' && str_to_u64(str_skip(want, 1), 10, &at))
		return at < n ? json_array_get(images, (size_t)at) : NULL;
	for (size_t i = 0; i < n; i++) {
		const json_t *image = json_array_get(images, i),
			     *tags = image_json_get(image, "RepoTags");

		for (size_t j = 0; j < json_array_size(tags); j++)
			if (same_name(image_json_text(json_array_get(tags, j)), want, &s->arena))
				return image;
	}
	return NULL;
}

static const struct {
	struct str magic, type;
} kinds[] = {
	{STR("\x1f\x8b"), STR("application/vnd.docker.image.rootfs.diff.tar.gzip")},
	{STR("\x28\xb5\x2f\xfd"), STR("application/vnd.oci.image.layer.v1.tar+zstd")},
	{STR(""), STR("application/vnd.docker.image.rootfs.diff.tar")},
};

static int add_layer(struct image_source *s, size_t i, struct str path, struct err *e)
{
	struct descriptor *d = &s->layers[i];
	struct image_stream *st;
	char head[4] = {0};
	size_t kind = 0;
	int r = bag_stream(s->state, path, &st, e);

	if (r < 0)
		return r;
	ptrdiff_t n = image_stream_read(st, head, sizeof(head), e);

	image_stream_close(st);
	if (n < 0)
		return (int)n;
	while (!str_starts(str_make(head, (size_t)n), kinds[kind].magic))
		kind++;
	*d = (struct descriptor){
		.digest = digest_of_path(path, &s->arena),
		.media_type = kinds[kind].type,
		.size = bag_size(s->state, path),
		.file = arena_str(&s->arena, path),
	};
	/* a plain tar is what the diffID was made of */
	if (!d->digest.len && !kinds[kind].magic.len)
		d->digest = s->image.config.diff_ids[i];
	return 0;
}

static int read_layers(struct image_source *s, const json_t *paths, struct err *e)
{
	size_t n = json_array_size(paths);
	int r = 0;

	if (n > LAYERS_MAX)
		return err_set(e, EBADMSG, "%s has %zu layers; more than %d are not read", s->name,
			n, LAYERS_MAX);
	if (n != s->image.config.ndiff_ids)
		return err_set(e, EBADMSG,
			"%s: its manifest has %zu layers and its config %zu: they do not belong "
			"together",
			s->name, n, s->image.config.ndiff_ids);
	s->layers = arena_array(&s->arena, struct descriptor, n ? n : 1);
	if (!s->layers)
		return err_set(e, ENOMEM, "out of memory");
	s->image.nlayers = n;
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_layer(s, i, image_json_text(json_array_get(paths, i)), e);
	return r < 0 ? r : describe_layers(s, e);
}

static void take_name(struct image_source *s, const json_t *image)
{
	struct str tag = image_json_text(json_array_get(image_json_get(image, "RepoTags"), 0));
	struct artifact_image named;

	if (!tag.len || image_parse_name(tag, &s->arena, &named, NULL) < 0)
		return;
	s->image.registry = named.registry;
	s->image.repository = named.repository;
	s->image.tag = named.tag;
}

static int describe(struct image_source *s, const json_t *image, struct err *e)
{
	struct str path = image_json_str(image, "Config"), text;
	struct image_stream *st;
	int r = image_json_keys(image, s->name, e);

	if (r == 0)
		r = bag_stream(s->state, path, &st, e);
	if (r < 0)
		return r;
	image_stream_init(st, "%s: its config", s->name);
	r = verifier_init(&st->verifier, digest_of_path(path, &s->arena), UINT64_MAX, e);
	if (r < 0) {
		image_stream_close(st);
		return r;
	}
	r = image_stream_read_all(st, CONFIG_MAX, &s->arena, &text, e);
	if (r == 0)
		r = describe_config(s, text, e);
	if (r == 0)
		take_name(s, image);
	return r < 0 ? r : read_layers(s, image_json_get(image, "Layers"), e);
}

static int read_list(struct image_source *s, struct str want, struct err *e)
{
	struct str text;
	json_t *images;
	int r = bag_read(s->state, STR("manifest.json"), MANIFEST_MAX, &s->arena, &text, e);

	if (r == 0)
		r = image_json(text, s->name, &images, e);
	if (r < 0)
		return r;
	const json_t *image = choose(s, images, want);

	r = image ? describe(s, image, e) : list_images(s, images, want, e);
	json_decref(images);
	return r;
}

static int docker_archive_open(struct image_source *s, struct str rest, struct err *e)
{
	struct str path, want;

	image_split_path(rest, &path, &want);
	int r = bag_attach(s, path, e);

	if (r < 0)
		return r;
	if (bag_has(s->state, STR("manifest.json")))
		return read_list(s, want, e);
	if (bag_has(s->state, STR("index.json"))) {
		s->transport = &transport_oci_archive;
		s->want = want;
		return 0;
	}
	return err_set(e, EINVAL, "%.*s is no archive of `docker save`: it has no manifest.json%s",
		STR_ARG(image_printable(path, 200, &s->arena)),
		bag_has(s->state, STR("repositories"))
			? ". It was written by a Docker older than 1.10: load and save it again"
			: "");
}

static int docker_archive_blob(struct image_source *s, const struct descriptor *d,
	struct image_stream **ret, struct err *e)
{
	return bag_stream(s->state, d->file, ret, e);
}

const struct transport transport_docker_archive = {
	.scheme = "docker-archive",
	.open = docker_archive_open,
	.blob = docker_archive_blob,
	.close = bag_detach,
};
