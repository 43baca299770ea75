/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: which transport a reference names, opening and closing, and what all transports share.
 * No transport is known here but by its row.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "source/image/private.h"

/* Where images lie. The last one takes what no scheme is in front of. */
static const struct transport *const transports[] = {
	&transport_docker_archive,
	&transport_oci_archive,
	&transport_oci,
	&transport_dir,
	&transport_containerd,
	&transport_podman,
	&transport_docker,
	&transport_registry,
};

static const struct transport *transport_of(struct str ref, struct str *rest)
{
	size_t i = 0;

	*rest = ref;
	/* "docker://NAME" is how other tools write a name in a registry */
	if (str_starts(ref, STR("docker://"))) {
		*rest = str_skip(ref, 9);
		return &transport_registry;
	}
	for (; transports[i]->scheme; i++) {
		struct str scheme = str_of(transports[i]->scheme);

		if (str_starts(ref, scheme) && ref.len > scheme.len && ref.s[scheme.len] == ':') {
			*rest = str_skip(ref, scheme.len + 1);
			return transports[i];
		}
	}
	return transports[i];
}

struct str image_printable(struct str s, size_t max, struct arena *a)
{
	struct buf b = BUF_INIT(max * 6 + 8);

	json_add_escaped(&b, str_head(s, max));
	struct str ret = arena_str(a, buf_str(&b));

	buf_done(&b);
	return ret;
}

bool source_stopped(const struct image_source *s)
{
	return s->options.stop && *s->options.stop;
}

enum { GAPS_MAX = 32 };

void source_gap(struct image_source *s, struct str what, const char *why, bool is_serious)
{
	for (size_t i = 0; i < s->ngaps; i++)
		if (str_is(s->gaps[i].why, why)) {
			s->gaps[i].count++;
			return;
		}
	if (!s->gaps)
		s->gaps = arena_array(&s->arena, struct artifact_gap, GAPS_MAX);
	if (!s->gaps || s->ngaps == GAPS_MAX)
		return;
	s->gaps[s->ngaps++] = (struct artifact_gap){
		.what = image_printable(what, 200, &s->arena),
		.why = arena_str(&s->arena, str_of(why)),
		.count = 1,
		.is_serious = is_serious,
	};
}

static int open_place(
	const char *ref, const struct image_options *o, struct image_source **ret, struct err *e)
{
	struct image_source *s = calloc(1, sizeof(*s));
	struct str rest;

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&s->arena, SOURCE_MEMORY);
	if (o)
		s->options = *o;
	s->image.ref = arena_str(&s->arena, str_of(ref));
	snprintf(s->name, sizeof(s->name), "%.*s",
		STR_ARG(image_printable(str_of(ref), 400, &s->arena)));
	s->transport = transport_of(s->image.ref, &rest);
	int r = rest.len ? s->transport->open(s, rest, e)
			 : err_set(e, EINVAL, "%s: the name or path of the image is missing",
				   s->name);
	if (r < 0) {
		image_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int image_open(
	const char *ref, const struct image_options *o, struct image_source **ret, struct err *e)
{
	struct image_source *s;
	int r = open_place(ref, o, &s, e);

	if (r < 0)
		return r;
	if (s->transport->manifest)
		r = describe_image(s, e);
	if (r == 0 && s->transport->settle)
		r = s->transport->settle(s, e);
	if (r < 0) {
		image_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

const struct artifact_image *image_describe(const struct image_source *s)
{
	return &s->image;
}

const struct artifact_gap *image_gaps(const struct image_source *s, size_t *n)
{
	*n = s->ngaps;
	return s->gaps;
}

void image_close(struct image_source *s)
{
	if (!s)
		return;
	if (s->state)
		s->transport->close(s);
	arena_done(&s->arena);
	free(s);
}

int image_platforms(const char *ref, const struct image_options *o, struct arena *a,
	struct str **ret, size_t *ret_n, struct err *e)
{
	struct image_source *s;
	int r = open_place(ref, o, &s, e);

	if (r < 0)
		return r;
	r = describe_platforms(s, a, ret, ret_n, e);
	image_close(s);
	return r;
}

/* ---- layers ---- */

/* A blob that somebody keeps by its digest: in DIR/sha256/HEX, as below an OCI layout's blobs/. */
static int kept_blob(struct image_source *s, const struct descriptor *d, struct image_stream **ret)
{
	const char *const *dir = s->options.blob_dirs;
	char path[4096];

	for (; dir && *dir && digest_is_valid(d->digest); dir++) {
		struct str hex = d->digest, algorithm = str_cut(&hex, ':');
		struct bag bag;
		int n = snprintf(path, sizeof(path), "%.*s/%.*s", STR_ARG(algorithm), STR_ARG(hex));

		if (n <= 0 || bag_open(s, str_of(*dir), &bag, NULL) < 0)
			continue;
		int r = bag_stream(&bag, str_of(path), ret, NULL);

		bag_close(&bag);
		if (r == 0)
			return 0;
	}
	return -ENOENT;
}

static int open_blob(struct image_source *s, const struct descriptor *d, struct image_stream **ret,
	struct err *e)
{
	int r = kept_blob(s, d, ret);

	return r < 0 ? s->transport->blob(s, d, ret, e) : r;
}

int source_blob(struct image_source *s, const struct descriptor *d, size_t limit, struct str *ret,
	struct err *e)
{
	struct image_stream *st;
	int r;

	if (d->size != UINT64_MAX && d->size > limit)
		return err_set(e, EFBIG,
			"%s: its config is said to have %" PRIu64
			" bytes, more than the limit of %zu MiB",
			s->name, d->size, limit >> 20);
	r = open_blob(s, d, &st, e);
	if (r < 0)
		return r;
	image_stream_init(st, "%s: config %.*s", s->name, STR_ARG(d->digest));
	r = verifier_init(&st->verifier, d->digest, d->size, e);
	if (r < 0) {
		image_stream_close(st);
		return r;
	}
	return image_stream_read_all(st, limit, &s->arena, ret, e);
}

int source_layer(struct image_source *s, const struct descriptor *d, struct image_stream **ret,
	struct err *e)
{
	struct image_stream *st;
	int r = open_blob(s, d, &st, e);

	if (r < 0)
		return r;
	image_stream_init(st, "%s: layer %.*s", s->name, STR_ARG(d->digest));
	r = verifier_init(&st->verifier, d->digest, d->size, e);
	if (r < 0) {
		image_stream_close(st);
		return r;
	}
	*ret = st;
	return 0;
}

int image_layer_open(struct image_source *s, size_t layer, struct image_stream **ret, struct err *e)
{
	if (layer >= s->image.nlayers)
		return err_set(e, EINVAL, "%s has no layer %zu", s->name, layer);
	if (s->transport->layer)
		return s->transport->layer(s, layer, ret, e);
	return source_layer(s, &s->layers[layer], ret, e);
}
