/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a reference to the description of one image: index, platform, manifest, config, layers. Each
 * document was verified before it comes here; here they are held against each other.
 */
#include <errno.h>
#include <stdio.h>

#include "source/image/private.h"

/* "linux/amd64, linux/arm64": what an index has. */
static struct str list_platforms(struct arena *a, const struct manifest *m)
{
	struct buf b = BUF_INIT(600);

	for (size_t i = 0; i < m->nitems; i++) {
		struct str p = image_platform_text(&m->items[i].platform, a);

		if (descriptor_is_image(&m->items[i]) && p.len)
			buf_printf(&b, "%s%.*s", b.len ? ", " : "", STR_ARG(str_head(p, 40)));
	}
	struct str ret = image_printable(buf_str(&b), 600, a);

	buf_done(&b);
	return ret;
}

static int wanted_platform(const struct image_source *s, struct platform *ret, struct err *e)
{
	struct arena *a = (struct arena *)&s->arena;

	if (s->options.platform)
		return image_platform_parse(str_of(s->options.platform), a, ret, e);
	image_platform_here(ret);
	return 0;
}

/* The entry for the platform; the only image that there is, when nobody asked for a platform. */
static const struct descriptor *choose(
	const struct image_source *s, const struct manifest *m, const struct platform *want)
{
	const struct descriptor *best = NULL, *only = NULL;
	unsigned best_match = 0;
	size_t nimages = 0;

	for (size_t i = 0; i < m->nitems; i++) {
		const struct descriptor *d = &m->items[i];
		unsigned match = image_platform_match(want, &d->platform);

		if (!descriptor_is_image(d))
			continue;
		nimages++;
		only = d;
		if (match > best_match) {
			best = d;
			best_match = match;
		}
	}
	if (best)
		return best;
	return nimages == 1 && (!s->options.platform || !only->platform.arch.len) ? only : NULL;
}

static int parse(struct image_source *s, struct str text, struct manifest *m, struct err *e)
{
	char what[600];

	snprintf(what, sizeof(what), "%s: its manifest", s->name);
	return image_manifest_parse(text, what, &s->arena, m, e);
}

/* Down through indexes to a manifest. */
static int find_manifest(
	struct image_source *s, struct str text, struct manifest *m, struct str *ret, struct err *e)
{
	struct platform want;
	int r = wanted_platform(s, &want, e);

	for (unsigned depth = 0; r == 0; depth++) {
		r = parse(s, text, m, e);
		if (r < 0 || !m->is_index)
			break;
		const struct descriptor *d = choose(s, m, &want);

		if (depth >= INDEX_DEPTH_MAX)
			return err_set(e, EBADMSG, "%s: indexes in indexes, more than %d deep",
				s->name, INDEX_DEPTH_MAX);
		if (!d)
			return err_set(e, ENOENT,
				"%s has no image for %.*s; it has: %.*s. Choose one with "
				"--platform",
				s->name, STR_ARG(image_platform_text(&want, &s->arena)),
				STR_ARG(list_platforms(&s->arena, m)));
		r = s->transport->manifest(s, d->digest, &text, e);
	}
	*ret = text;
	return r;
}

/* Which step of the history made which layer, if there are as many as there are layers. */
static void name_steps(const struct artifact_config *c, struct artifact_layer *layers, size_t n)
{
	size_t nsteps = 0, layer = 0;

	for (size_t i = 0; i < c->nhistory; i++)
		nsteps += !c->history[i].is_empty;
	for (size_t i = 0; nsteps == n && i < c->nhistory; i++)
		if (!c->history[i].is_empty)
			layers[layer++].created_by = c->history[i].created_by;
}

int describe_layers(struct image_source *s, struct err *e)
{
	struct artifact_image *im = &s->image;
	struct artifact_layer *layers;

	if (im->config.ndiff_ids != im->nlayers)
		return err_set(e, EBADMSG,
			"%s: its manifest has %zu layers and its config %zu: they do not belong "
			"together",
			s->name, im->nlayers, im->config.ndiff_ids);
	layers = arena_array(&s->arena, struct artifact_layer, im->nlayers ? im->nlayers : 1);
	if (!layers)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < im->nlayers; i++) {
		const struct descriptor *d = &s->layers[i];

		layers[i] = (struct artifact_layer){
			.digest = d->digest,
			.diff_id = im->config.diff_ids[i],
			.media_type = d->media_type,
			.size = d->size == UINT64_MAX ? 0 : d->size,
		};
	}
	name_steps(&im->config, layers, im->nlayers);
	im->layers = layers;
	return 0;
}

int describe_config(struct image_source *s, struct str text, struct err *e)
{
	struct artifact_config *c = &s->image.config;
	char what[600], digest[DIGEST_TEXT_SIZE];
	struct platform have, want;

	snprintf(what, sizeof(what), "%s: its config", s->name);
	int r = image_config_parse(text, what, &s->arena, c, e);

	if (r < 0)
		return r;
	have = (struct platform){c->os, c->architecture, c->variant};
	s->image.platform = image_platform_text(&have, &s->arena);
	image_digest(text, s->image.config_digest, digest);
	s->image.config_digest = arena_str(&s->arena, str_of(digest));
	r = wanted_platform(s, &want, e);
	if (r == 0 && s->options.platform && have.arch.len && !image_platform_match(&want, &have))
		r = err_set(e, ENOENT, "%s is for %.*s, not for %.*s", s->name,
			STR_ARG(image_printable(s->image.platform, 60, &s->arena)),
			STR_ARG(image_platform_text(&want, &s->arena)));
	return r;
}

/* What somebody keeps in a registry beside images: charts, policies, WebAssembly, signatures. */
static int check_is_image(struct image_source *s, const struct manifest *m, struct err *e)
{
	static const char *const images[] = {"application/vnd.oci.image.config.v1+json",
		"application/vnd.docker.container.image.v1+json", "application/octet-stream", ""};

	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++)
		if (str_is(m->config.media_type, images[i]))
			return 0;
	return err_set(e, EPROTONOSUPPORT,
		"%s is no container image: its config is of the type %.*s", s->name,
		STR_ARG(image_printable(m->config.media_type, 100, &s->arena)));
}

int describe_manifest(struct image_source *s, struct str text, struct err *e)
{
	char digest[DIGEST_TEXT_SIZE];
	struct manifest m;
	struct str config;
	int r = find_manifest(s, text, &m, &text, e);

	if (r == 0)
		r = check_is_image(s, &m, e);
	if (r < 0)
		return r;
	image_digest(text, STR_NULL, digest);
	s->image.digest = arena_str(&s->arena, str_of(digest));
	s->image.config_digest = m.config.digest;
	s->layers = m.items;
	s->image.nlayers = m.nitems;
	r = source_blob(s, &m.config, CONFIG_MAX, &config, e);
	if (r == 0)
		r = describe_config(s, config, e);
	return r < 0 ? r : describe_layers(s, e);
}

int describe_image(struct image_source *s, struct err *e)
{
	struct str text;
	int r = s->transport->manifest(s, s->want, &text, e);

	return r < 0 ? r : describe_manifest(s, text, e);
}

/* ---- all platforms ---- */

static int platforms_of_index(struct image_source *s, const struct manifest *m, struct arena *a,
	struct str **ret, size_t *ret_n, struct err *e)
{
	struct str *list = arena_array(a, struct str, m->nitems ? m->nitems : 1);
	size_t n = 0;

	for (size_t i = 0; list && i < m->nitems; i++) {
		struct str p = image_platform_text(&m->items[i].platform, a);
		bool is_known = !p.len || !descriptor_is_image(&m->items[i]);

		for (size_t j = 0; j < n && !is_known; j++)
			is_known = str_eq(list[j], p);
		if (!is_known)
			list[n++] = p;
	}
	if (!list || a->failed)
		return err_set(e, ENOMEM, "out of memory");
	*ret = list;
	*ret_n = n;
	return 0;
}

int describe_platforms(
	struct image_source *s, struct arena *a, struct str **ret, size_t *ret_n, struct err *e)
{
	struct manifest m = {0};
	struct str text;
	int r = 0;

	/* an index may be wrapped in another one, as layouts do */
	for (unsigned depth = 0; s->transport->manifest && depth < INDEX_DEPTH_MAX; depth++) {
		r = s->transport->manifest(s, depth ? m.items[0].digest : s->want, &text, e);
		if (r == 0)
			r = parse(s, text, &m, e);
		if (r < 0)
			return r;
		if (!m.is_index || m.nitems != 1 || m.items[0].platform.arch.len)
			break;
	}
	if (m.is_index)
		return platforms_of_index(s, &m, a, ret, ret_n, e);
	s->options.platform = NULL;
	if (s->transport->manifest)
		r = describe_manifest(s, text, e);
	*ret = r < 0 ? NULL : arena_new(a, struct str);
	if (r == 0 && !*ret)
		r = err_set(e, ENOMEM, "out of memory");
	if (r < 0)
		return r;
	(*ret)[0] = arena_str(a, s->image.platform);
	*ret_n = 1;
	return 0;
}
