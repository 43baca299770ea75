/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker:NAME: images of a Docker daemon, from its data root. Two kinds of store: its own
 * (image/DRIVER with repositories.json, imagedb, layerdb; the files in DRIVER/ID/diff), and, since
 * Docker 29 by default, containerd's (containerd.c).
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "source/image/local.h"

static const struct driver {
	const char *name, *layer; /* the folder of a layer, by its cache id */
} drivers[] = {
	{"overlay2", "overlay2/%s/diff"},
	{"fuse-overlayfs", "fuse-overlayfs/%s/diff"},
	{"vfs", "vfs/dir/%s"},
};

enum { SMALL_FILE = 4096, HEX = 64 };

/* "sha256:HEX" of what a small file says; empty when it says something else. */
static struct str read_digest(struct image_source *s, const char *path)
{
	struct str text;

	if (local_text(s, path, SMALL_FILE, &text) < 0)
		return STR_NULL;
	text = str_trim(text);
	return digest_is_valid(text) ? text : STR_NULL;
}

static struct str hex_of(struct str digest)
{
	return str_skip(digest, sizeof("sha256:") - 1);
}

/* Through all repositories' {"NAME:TAG": "sha256:ID"}. */
static struct str id_of_name(const json_t *repositories, struct str name)
{
	const char *repository;
	json_t *refs;

	json_object_foreach((json_t *)repositories, repository, refs)
	{
		char key[1024];

		if (str_copy(name, key, sizeof(key)) && json_object_get(refs, key))
			return image_json_text(json_object_get(refs, key));
	}
	return STR_NULL;
}

/* "478ffaaa4b09", as `docker images` shows it; of images that have a name. */
static struct str id_that_begins(const json_t *repositories, struct str want)
{
	const char *repository, *ref;
	json_t *refs, *id;

	if (want.len < 10)
		return STR_NULL;
	json_object_foreach((json_t *)repositories, repository, refs) json_object_foreach(refs, ref,
		id) if (str_starts(hex_of(image_json_text(id)), want)) return image_json_text(id);
	return STR_NULL;
}

static struct str find_id(struct image_source *s, const struct driver *d, struct str want)
{
	const struct local *st = s->state;
	struct str names[LOCAL_NAMES], id = STR_NULL;
	char path[4096];
	json_t *j;

	if (digest_is_valid(want) && local_has(st, "%.*s/image/%s/imagedb/content/sha256/%.*s",
					     STR_ARG(st->base), d->name, STR_ARG(hex_of(want))))
		return want;
	snprintf(path, sizeof(path), "%.*s/image/%s/repositories.json", STR_ARG(st->base), d->name);
	if (local_json(s, path, &j, NULL) < 0)
		return STR_NULL;
	local_names(want, &s->arena, names);
	for (size_t i = 0; names[i].len && !id.len; i++)
		id = id_of_name(json_object_get(j, "Repositories"), names[i]);
	if (!id.len)
		id = id_that_begins(json_object_get(j, "Repositories"), want);
	id = digest_is_valid(id) ? arena_str(&s->arena, id) : STR_NULL;
	json_decref(j);
	return id;
}

static bool is_plain_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] == '/' || s.s[i] == 0 || (s.s[i] == '.' && i == 0))
			return false;
	return s.len > 0 && s.len < 256;
}

static int find_layer(
	struct image_source *s, const struct driver *d, size_t i, struct str chain, struct err *e)
{
	const struct local *st = s->state;
	struct str cache = STR_NULL, size = STR_NULL, diff_id = s->image.config.diff_ids[i];
	char base[4096], path[4200];
	uint64_t bytes = 0;

	snprintf(base, sizeof(base), "%.*s/image/%s/layerdb/sha256/%.*s", STR_ARG(st->base),
		d->name, STR_ARG(hex_of(chain)));
	snprintf(path, sizeof(path), "%s/diff", base);
	if (!str_eq(read_digest(s, path), diff_id))
		return err_set(e, EBADMSG, "%s: the store has lost layer %zu of it (/%s)", s->name,
			i, base);
	snprintf(path, sizeof(path), "%s/cache-id", base);
	local_text(s, path, SMALL_FILE, &cache);
	cache = str_trim(cache);
	if (!is_plain_word(cache))
		return err_set(e, EBADMSG, "%s: /%s is damaged", s->name, path);
	snprintf(path, sizeof(path), "%s/size", base);
	if (local_text(s, path, SMALL_FILE, &size) < 0 || !str_to_u64(str_trim(size), 10, &bytes))
		bytes = 0;
	/* "layerdb's folder" and "files' folder", to be taken apart when it is opened */
	snprintf(path, sizeof(path), d->layer, arena_cstr(&s->arena, cache));
	local_set_layer(s, i, local_has(st, "%s/tar-split.json.gz", base),
		arena_printf(
			&s->arena, "%s/tar-split.json.gz\n%.*s/%s", base, STR_ARG(st->base), path),
		bytes);
	return 0;
}

static int describe(struct image_source *s, const struct driver *d, struct str id, struct err *e)
{
	const struct local *st = s->state;
	char path[4096], got[DIGEST_TEXT_SIZE];
	struct str config, chain = STR_NULL;

	snprintf(path, sizeof(path), "%.*s/image/%s/imagedb/content/sha256/%.*s", STR_ARG(st->base),
		d->name, STR_ARG(hex_of(id)));
	int r = local_text(s, path, CONFIG_MAX, &config);

	if (r < 0)
		return err_set(e, -r, "%s: /%s: cannot read: %s", s->name, path, strerror(-r));
	image_digest(config, id, got);
	if (!str_is(id, got))
		return err_set(e, EBADMSG,
			"%s: its config in the store is not what its digest says: it was damaged "
			"or replaced",
			s->name);
	s->image.config_digest = id;
	r = local_describe(s, config, e);
	for (size_t i = 0; r == 0 && i < s->image.nlayers; i++) {
		chain = local_chain(s, chain, s->image.config.diff_ids[i]);
		r = find_layer(s, d, i, chain, e);
	}
	return r < 0 ? r : describe_layers(s, e);
}

/* Where daemons keep their data; what daemon.json says comes first. */
static struct str configured_root(struct image_source *s)
{
	struct str root = STR_NULL;
	json_t *j;

	if (local_json(s, "etc/docker/daemon.json", &j, NULL) < 0)
		return STR_NULL;
	root = image_json_str(j, "data-root");
	root = root.len > 1 && root.s[0] == '/' ? arena_str(&s->arena, str_skip(root, 1))
						: STR_NULL;
	json_decref(j);
	return root;
}

static void take_name(struct image_source *s, struct str name)
{
	struct artifact_image im;

	if (digest_is_valid(name) || image_parse_name(name, &s->arena, &im, NULL) < 0)
		return;
	s->image.registry = im.registry;
	s->image.repository = im.repository;
	s->image.tag = im.tag;
}

static int docker_open(struct image_source *s, struct str rest, struct err *e)
{
	struct str places[] = {
		STR_NULL, STR("var/lib/docker"), STR("var/snap/docker/common/var-lib-docker")};
	struct local *st;
	int r = local_open(s, &st, e);

	if (r < 0)
		return r;
	places[0] = configured_root(s);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (size_t k = 0; places[i].len && k < sizeof(drivers) / sizeof(*drivers); k++) {
			st->base = places[i];
			struct str id = find_id(s, &drivers[k], rest);

			if (!id.len)
				continue;
			take_name(s, rest);
			return describe(s, &drivers[k], id, e);
		}
	s->transport = &transport_containerd;
	r = containerd_find(s, rest, STR("moby"), NULL);
	if (r == 0)
		return 0;
	st->base = places[0].len ? places[0] : places[1];
	return local_unknown(s, "Docker", e);
}

static int docker_layer(struct image_source *s, size_t i, struct image_stream **ret, struct err *e)
{
	struct str dir = s->layers[i].file, split = str_cut(&dir, '\n');

	return local_layer(s, i, arena_cstr(&s->arena, dir), arena_cstr(&s->arena, split), ret, e);
}

const struct transport transport_docker = {
	.scheme = "docker",
	.open = docker_open,
	.layer = docker_layer,
	.close = local_close,
};
