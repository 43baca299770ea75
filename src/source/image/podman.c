/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman:NAME: images of Podman, Buildah and CRI-O, as containers-storage keeps them with its
 * overlay driver: overlay-images/images.json with names, a folder of "big data" for each image
 * (manifest, config), overlay-layers/layers.json with what lies on what, overlay/ID/diff with the
 * files.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "source/image/local.h"

enum { CONF_MAX = 256 << 10 };

/* graphroot = "/srv/containers" in storage.conf (containers-storage.conf(5)), from the root. */
static struct str configured_base(struct image_source *s)
{
	struct str text;

	if (local_text(s, "etc/containers/storage.conf", CONF_MAX, &text) < 0)
		return STR_NULL;
	while (text.s) {
		struct str value = str_cut(&text, '\n'), key = str_trim(str_cut(&value, '='));

		value = str_trim(value);
		if (!str_is(key, "graphroot") || value.len < 4 || value.s[0] != '"' ||
			value.s[1] != '/' || value.s[value.len - 1] != '"')
			continue;
		return str_make(value.s + 2, value.len - 3);
	}
	return STR_NULL;
}

/* The stores that there may be, from the root: this user's, then the machine's. */
static bool find_base(struct image_source *s, struct local *st)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	struct str places[] = {
		STR_NULL, STR_NULL, configured_base(s), STR("var/lib/containers/storage")};

	if (!s->options.root && getuid()) {
		if (data && *data)
			places[0] = arena_printf(&s->arena, "%s/containers/storage", data);
		if (home && *home)
			places[1] =
				arena_printf(&s->arena, "%s/.local/share/containers/storage", home);
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		st->base = places[i];
		if (places[i].len &&
			local_has(st, "%.*s/overlay-images/images.json", STR_ARG(places[i])))
			return true;
	}
	return false;
}

static bool is_id(struct str want, struct str id)
{
	if (str_starts(want, STR("sha256:")))
		want = str_skip(want, 7);
	for (size_t i = 0; i < want.len; i++)
		if (!(want.s[i] >= '0' && want.s[i] <= '9') &&
			!(want.s[i] >= 'a' && want.s[i] <= 'f'))
			return false;
	return want.len >= 10 && str_starts(id, want);
}

static bool has_name(const json_t *image, struct str name)
{
	json_t *names = json_object_get(image, "names");
	ptrdiff_t at = str_find_char(name, '@');

	for (size_t i = 0; i < json_array_size(names); i++) {
		struct str n = image_json_text(json_array_get(names, i));

		if (str_eq(n, name))
			return true;
		/* NAME@DIGEST: the names have tags, the digest stands beside them */
		if (at > 0 && str_starts(n, str_head(name, (size_t)at)) && n.len > (size_t)at &&
			(n.s[at] == ':' || n.s[at] == '@') &&
			str_eq(image_json_str(image, "digest"), str_skip(name, (size_t)at + 1)))
			return true;
	}
	return false;
}

static const json_t *find_image(
	struct image_source *s, const json_t *images, struct str want, struct str *ret_name)
{
	struct str names[LOCAL_NAMES];

	local_names(want, &s->arena, names);
	for (size_t k = 0; names[k].len; k++)
		for (size_t i = 0; i < json_array_size(images); i++)
			if (has_name(json_array_get(images, i), names[k])) {
				*ret_name = names[k];
				return json_array_get(images, i);
			}
	for (size_t i = 0; i < json_array_size(images); i++)
		if (is_id(want, image_json_str(json_array_get(images, i), "id")))
			return json_array_get(images, i);
	return NULL;
}

/* "manifest" lies under its name, others under "=" and the name in base64. */
static int read_big_data(struct image_source *s, struct str id, struct str key, size_t limit,
	struct str *ret, struct err *e)
{
	const struct local *st = s->state;
	unsigned char name[300];
	char path[4096];

	if (key.len > 200)
		return err_set(e, EBADMSG, "%s: its record in the store is damaged", s->name);
	if (str_find_char(key, ':') >= 0) {
		name[0] = '=';
		EVP_EncodeBlock(name + 1, (const unsigned char *)key.s, (int)key.len);
	} else {
		str_copy(key, (char *)name, sizeof(name));
	}
	snprintf(path, sizeof(path), "%.*s/overlay-images/%.*s/%s", STR_ARG(st->base), STR_ARG(id),
		(char *)name);
	int r = local_text(s, path, limit, ret);

	return r < 0 ? err_set(e, -r, "%s: /%s: cannot read: %s", s->name, path, strerror(-r)) : 0;
}

static int check(
	struct image_source *s, struct str text, struct str digest, const char *noun, struct err *e)
{
	char got[DIGEST_TEXT_SIZE];

	image_digest(text, digest, got);
	return str_is(digest, got)
		       ? 0
		       : err_set(e, EBADMSG,
				 "%s: its %s in the store is not what its digest says: it "
				 "was damaged or replaced",
				 s->name, noun);
}

static const json_t *layer_of(const json_t *layers, struct str id)
{
	for (size_t i = 0; i < json_array_size(layers); i++)
		if (str_eq(image_json_str(json_array_get(layers, i), "id"), id))
			return json_array_get(layers, i);
	return NULL;
}

/* From the top layer down to the lowest. */
static int read_layers(struct image_source *s, struct str top, struct err *e)
{
	const struct local *st = s->state;
	char path[4096];
	json_t *layers;
	struct str id = top;

	snprintf(path, sizeof(path), "%.*s/overlay-layers/layers.json", STR_ARG(st->base));
	int r = local_json(s, path, &layers, e);

	if (r < 0)
		return r == -ENOENT ? err_set(e, ENOENT, "/%s is not there", path) : r;
	for (size_t i = s->image.nlayers; r == 0 && i-- > 0;) {
		const json_t *layer = layer_of(layers, id);

		if (!layer || str_find_char(id, '/') >= 0) {
			r = err_set(
				e, EBADMSG, "%s: the store has lost layer %zu of it", s->name, i);
			break;
		}
		local_set_layer(s, i,
			local_has(st, "%.*s/overlay-layers/%.*s.tar-split.gz", STR_ARG(st->base),
				STR_ARG(id)),
			arena_str(&s->arena, id),
			(uint64_t)json_integer_value(json_object_get(layer, "diff-size")));
		id = image_json_str(layer, "parent");
	}
	json_decref(layers);
	return r;
}

static int describe(struct image_source *s, const json_t *image, struct err *e)
{
	struct str id = arena_str(&s->arena, image_json_str(image, "id")),
		   top = arena_str(&s->arena, image_json_str(image, "layer")),
		   digest = arena_str(&s->arena, image_json_str(image, "digest")), text, config;
	struct manifest m;
	int r = read_big_data(s, id, STR("manifest"), MANIFEST_MAX, &text, e);

	if (r == 0 && digest_is_valid(digest))
		r = check(s, text, digest, "manifest", e);
	if (r == 0)
		r = image_manifest_parse(text, s->name, &s->arena, &m, e);
	if (r == 0 && m.is_index)
		r = err_set(e, EBADMSG, "%s: its manifest in the store is an index", s->name);
	if (r == 0)
		r = read_big_data(s, id, m.config.digest, CONFIG_MAX, &config, e);
	if (r == 0)
		r = check(s, config, m.config.digest, "config", e);
	if (r < 0)
		return r;
	s->image.digest = digest;
	s->image.config_digest = m.config.digest;
	r = local_describe(s, config, e);
	if (r == 0)
		r = read_layers(s, top, e);
	return r < 0 ? r : describe_layers(s, e);
}

/* By what it was found; by its first name, if that was its id. */
static void take_name(struct image_source *s, const json_t *image, struct str name)
{
	struct artifact_image im;

	if (!name.len)
		name = image_json_text(json_array_get(json_object_get(image, "names"), 0));
	if (!name.len || image_parse_name(name, &s->arena, &im, NULL) < 0)
		return;
	s->image.registry = im.registry;
	s->image.repository = im.repository;
	s->image.tag = im.tag;
}

static int podman_open(struct image_source *s, struct str rest, struct err *e)
{
	struct local *st;
	char path[4096];
	json_t *images;
	int r = local_open(s, &st, e);

	if (r < 0)
		return r;
	if (!find_base(s, st))
		return err_set(e, ENOENT,
			"%s: there is no store of Podman below %s that this user can read", s->name,
			s->options.root ? s->options.root : "/");
	snprintf(path, sizeof(path), "%.*s/overlay-images/images.json", STR_ARG(st->base));
	r = local_json(s, path, &images, e);
	if (r < 0)
		return r;
	struct str name = STR_NULL;
	const json_t *image = find_image(s, images, rest, &name);

	r = image ? describe(s, image, e) : local_unknown(s, "Podman", e);
	if (r == 0)
		take_name(s, image, name);
	json_decref(images);
	return r;
}

static int podman_layer(struct image_source *s, size_t i, struct image_stream **ret, struct err *e)
{
	const struct local *st = s->state;
	struct str id = s->layers[i].file;
	char dir[4096], split[4096];

	snprintf(dir, sizeof(dir), "%.*s/overlay/%.*s/diff", STR_ARG(st->base), STR_ARG(id));
	snprintf(split, sizeof(split), "%.*s/overlay-layers/%.*s.tar-split.gz", STR_ARG(st->base),
		STR_ARG(id));
	return local_layer(s, i, dir, split, ret, e);
}

const struct transport transport_podman = {
	.scheme = "podman",
	.open = podman_open,
	.layer = podman_layer,
	.close = local_close,
};
