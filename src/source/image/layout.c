/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCI image layouts (image-spec, image-layout.md): index.json and blobs/ALGORITHM/HEX, in a folder
 * (oci:) or in a tar (oci-archive:). index.json itself has no digest; all that it leads to has.
 */
#include <errno.h>
#include <stdio.h>

#include "source/image/private.h"

static int layout_open(struct image_source *s, struct str rest, struct err *e)
{
	struct str path;

	image_split_path(rest, &path, &s->want);
	int r = bag_attach(s, path, e);

	if (r == 0 && !bag_has(s->state, STR("index.json")))
		r = err_set(e, EINVAL,
			"%.*s is no OCI image layout: it has no index.json. An archive of `docker "
			"save` is docker-archive:PATH, an unpacked root file system is dir:PATH",
			STR_ARG(image_printable(path, 200, &s->arena)));
	return r;
}

static bool blob_path(struct str digest, char *out, size_t size)
{
	struct str hex = digest, algorithm = str_cut(&hex, ':');

	return digest_is_valid(digest) &&
	       snprintf(out, size, "blobs/%.*s/%.*s", STR_ARG(algorithm), STR_ARG(hex)) < (int)size;
}

static int layout_blob(struct image_source *s, const struct descriptor *d,
	struct image_stream **ret, struct err *e)
{
	char path[200];

	if (!blob_path(d->digest, path, sizeof(path)))
		return err_set(e, EBADMSG, "%s: a blob has no digest", s->name);
	return bag_stream(s->state, str_of(path), ret, e);
}

static int read_manifest_blob(
	struct image_source *s, struct str digest, struct str *ret, struct err *e)
{
	struct image_stream *st;
	int r = layout_blob(s, &(struct descriptor){.digest = digest}, &st, e);

	if (r < 0)
		return r;
	image_stream_init(st, "%s: manifest %.*s", s->name, STR_ARG(digest));
	r = verifier_init(&st->verifier, digest, UINT64_MAX, e);
	if (r == 0)
		return image_stream_read_all(st, MANIFEST_MAX, &s->arena, ret, e);
	image_stream_close(st);
	return r;
}

static bool is_named(const struct descriptor *d, struct str want)
{
	return str_eq(d->ref_name, want) || str_eq(d->image_name, want);
}

static int list_names(
	struct image_source *s, const struct manifest *m, struct str want, struct err *e)
{
	struct buf b = BUF_INIT(500);

	for (size_t i = 0; i < m->nitems; i++) {
		const struct descriptor *d = &m->items[i];
		struct str name = d->ref_name.len ? d->ref_name : d->digest;

		buf_printf(&b, "%s%.*s", b.len ? ", " : "",
			STR_ARG(image_printable(name, 80, &s->arena)));
	}
	err_set(e, ENOENT, "%s: %s%.*s; it has: %.*s. Choose one with PATH:TAG or PATH@DIGEST",
		s->name, want.len ? "there is no image named " : "there are several images in it",
		STR_ARG(image_printable(want, 80, &s->arena)), STR_ARG(buf_str(&b)));
	buf_done(&b);
	return -ENOENT;
}

static int layout_manifest(struct image_source *s, struct str want, struct str *ret, struct err *e)
{
	struct manifest m;
	struct str index;
	bool has_names = false;

	if (digest_is_valid(want))
		return read_manifest_blob(s, want, ret, e);
	int r = bag_read(s->state, STR("index.json"), MANIFEST_MAX, &s->arena, &index, e);

	if (r == 0)
		r = image_manifest_parse(index, s->name, &s->arena, &m, e);
	if (r < 0)
		return r;
	if (!m.is_index || !m.nitems)
		return err_set(e, EBADMSG, "%s: its index.json lists no image", s->name);
	for (size_t i = 0; i < m.nitems; i++) {
		has_names |= m.items[i].ref_name.len > 0;
		if (want.len && is_named(&m.items[i], want))
			return read_manifest_blob(s, m.items[i].digest, ret, e);
	}
	if (want.len || (m.nitems > 1 && has_names))
		return list_names(s, &m, want, e);
	*ret = index; /* one image, or one for each platform */
	return 0;
}

const struct transport transport_oci = {
	.scheme = "oci",
	.open = layout_open,
	.manifest = layout_manifest,
	.blob = layout_blob,
	.close = bag_detach,
};
const struct transport transport_oci_archive = {
	.scheme = "oci-archive",
	.open = layout_open,
	.manifest = layout_manifest,
	.blob = layout_blob,
	.close = bag_detach,
};
