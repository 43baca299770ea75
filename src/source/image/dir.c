/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir:PATH is a root file system as it lies in a folder: one layer without a digest, a tar that is
 * made on the way. Folders that other tools call "dir:" or that hold an image are told by what is
 * in them: skopeo's (a file `version`, manifest.json, blobs by their hex) and OCI layouts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "source/image/private.h"

static bool is_skopeo(const struct bag *b, struct arena *a)
{
	struct str text;

	return bag_has(b, STR("manifest.json")) &&
	       bag_read(b, STR("version"), 4096, a, &text, NULL) == 0 &&
	       str_starts(text, STR("Directory Transport Version:"));
}

/* ---- skopeo's layout ---- */

static int skopeo_manifest(struct image_source *s, struct str want, struct str *ret, struct err *e)
{
	struct str hex = want;
	struct image_stream *st;
	char name[160] = "manifest.json";

	if (want.len) {
		str_cut(&hex, ':');
		snprintf(name, sizeof(name), "%.*s.manifest.json", STR_ARG(hex));
	}
	int r = bag_stream(s->state, str_of(name), &st, e);

	if (r < 0)
		return r;
	image_stream_init(st, "%s: its manifest", s->name);
	r = verifier_init(&st->verifier, want, UINT64_MAX, e);
	if (r == 0)
		return image_stream_read_all(st, MANIFEST_MAX, &s->arena, ret, e);
	image_stream_close(st);
	return r;
}

static int skopeo_blob(struct image_source *s, const struct descriptor *d,
	struct image_stream **ret, struct err *e)
{
	struct str hex = d->digest;

	str_cut(&hex, ':');
	return bag_stream(s->state, hex, ret, e);
}

static const struct transport transport_skopeo_dir = {
	.scheme = "dir",
	.manifest = skopeo_manifest,
	.blob = skopeo_blob,
	.close = bag_detach,
};

/* ---- a root file system ---- */

static int dir_open(struct image_source *s, struct str rest, struct err *e)
{
	int r = bag_attach(s, rest, e);
	struct artifact_layer *layer;

	if (r < 0)
		return r;
	struct bag *b = s->state;

	if (b->is_tar)
		return err_set(e, ENOTDIR,
			"%s is no folder; archives are read with docker-archive: or oci-archive:",
			b->what);
	if (is_skopeo(b, &s->arena)) {
		s->transport = &transport_skopeo_dir;
		return 0;
	}
	if (bag_has(b, STR("oci-layout")) && bag_has(b, STR("index.json"))) {
		s->transport = &transport_oci;
		return 0;
	}
	layer = arena_new(&s->arena, struct artifact_layer);
	if (!layer)
		return err_set(e, ENOMEM, "out of memory");
	layer->media_type = STR("application/vnd.oci.image.layer.v1.tar");
	s->image.layers = layer;
	s->image.nlayers = 1;
	return 0;
}

static int dir_layer(struct image_source *s, size_t i, struct image_stream **ret, struct err *e)
{
	const struct bag *b = s->state;
	int fd = fcntl(b->fd, F_DUPFD_CLOEXEC, 3);

	(void)i;
	if (fd < 0)
		return err_set(e, errno, "%s: cannot open: %s", s->name, strerror(errno));
	return tree_stream(s, fd, &(struct tree_options){0}, ret, e);
}

const struct transport transport_dir = {
	.scheme = "dir",
	.open = dir_open,
	.layer = dir_layer,
	.close = bag_detach,
};
