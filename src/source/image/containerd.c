/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd:NAME: images of containerd, from its metadata database (core/metadata/buckets.go:
 * v1/NAMESPACE/images/NAME/target/digest) and its content store, where blobs lie by their digest.
 * A containerd that was told to throw packed layers away once they are unpacked (many of
 * Kubernetes' are) has no blobs to read: the message says what to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bolt.h"
#include "source/image/local.h"

/* Where they keep their data. */
static const char *const places[] = {
	"var/lib/containerd",
	"var/lib/docker/containerd/daemon",
	"var/lib/rancher/k3s/agent/containerd",
	"var/snap/microk8s/common/var/lib/containerd",
};

enum { NAMESPACES_MAX = 64 };

struct namespaces {
	struct str name[NAMESPACES_MAX];
	size_t n;
};

static void add_namespace(void *arg, struct str key, struct str value)
{
	struct namespaces *ns = arg;

	(void)value;
	if (ns->n < NAMESPACES_MAX)
		ns->name[ns->n++] = key;
}

static struct str find_in_namespace(
	struct bolt *b, struct str ns, const struct str *names, struct str *ret_name)
{
	struct bolt_bucket images = b->root;

	if (!bolt_descend(b, &images, STR("v1")) || !bolt_descend(b, &images, ns) ||
		!bolt_descend(b, &images, STR("images")))
		return STR_NULL;
	for (size_t i = 0; names[i].len; i++) {
		struct bolt_bucket image = images;

		if (!bolt_descend(b, &image, names[i]) || !bolt_descend(b, &image, STR("target")))
			continue;
		*ret_name = names[i];
		return bolt_get(b, &image, STR("digest"));
	}
	return STR_NULL;
}

/* In the wanted namespace, or in any of them. */
static int find_in_db(struct image_source *s, int fd, struct str ns, const struct str *names,
	struct str *ret_digest, struct str *ret_name)
{
	struct namespaces all = {{STR_NULL}, 0};
	struct str digest = STR_NULL;
	struct bolt b;

	if (bolt_open(&b, fd, &s->arena) < 0)
		return -EBADMSG;
	struct bolt_bucket top = b.root;

	if (ns.len)
		add_namespace(&all, ns, STR_NULL);
	else if (bolt_descend(&b, &top, STR("v1")))
		bolt_each_bucket(&b, &top, add_namespace, &all);
	for (size_t i = 0; i < all.n && !digest.len; i++) {
		digest = find_in_namespace(&b, all.name[i], names, ret_name);
		((struct local *)s->state)->ns = all.name[i];
	}
	if (!bolt_is_current(&b))
		return -EAGAIN;
	*ret_digest = digest;
	return digest_is_valid(digest) ? 0 : -ENOENT;
}

static void take_name(struct image_source *s, struct str name)
{
	struct artifact_image im;

	if (image_parse_name(name, &s->arena, &im, NULL) < 0)
		return;
	s->image.registry = im.registry;
	s->image.repository = im.repository;
	s->image.tag = im.tag;
}

int containerd_find(struct image_source *s, struct str name, struct str ns, struct err *e)
{
	struct local *st = s->state;
	struct str names[LOCAL_NAMES], digest, found = STR_NULL;
	bool is_there = false;
	char path[300];

	local_names(name, &s->arena, names);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(
			path, sizeof(path), "%s/io.containerd.metadata.v1.bolt/meta.db", places[i]);
		int fd = local_at(st, path, O_RDONLY), r = -EAGAIN;

		if (fd == -EACCES || fd == -EPERM)
			return err_set(e, EACCES,
				"%s: /%s may not be read by this user: ask as root", s->name, path);
		if (fd < 0)
			continue;
		is_there = true;
		/* somebody may be writing to it */
		for (int tries = 0; r == -EAGAIN && tries < 5; tries++)
			r = find_in_db(s, fd, ns, names, &digest, &found);
		close(fd);
		if (r < 0)
			continue;
		st->base = str_of(places[i]);
		s->want = digest;
		take_name(s, found);
		return 0;
	}
	if (!is_there)
		return err_set(e, ENOENT, "%s: there is no containerd below %s", s->name,
			s->options.root ? s->options.root : "/");
	return local_unknown(s, "containerd", e);
}

static int containerd_open(struct image_source *s, struct str rest, struct err *e)
{
	struct local *st;
	int r = local_open(s, &st, e);

	return r < 0 ? r : containerd_find(s, rest, STR_NULL, e);
}

/* Where a blob lies, from the root. */
static bool blob_path(const struct local *st, struct str digest, char *out, size_t size)
{
	struct str hex = digest, algorithm = str_cut(&hex, ':');

	return digest_is_valid(digest) &&
	       snprintf(out, size, "%.*s/io.containerd.content.v1.content/blobs/%.*s/%.*s",
		       STR_ARG(st->base), STR_ARG(algorithm), STR_ARG(hex)) < (int)size;
}

static int containerd_blob(struct image_source *s, const struct descriptor *d,
	struct image_stream **ret, struct err *e)
{
	const struct local *st = s->state;
	char path[4096];
	off_t size;

	if (!blob_path(st, d->digest, path, sizeof(path)))
		return err_set(e, EBADMSG, "%s: a blob has no digest", s->name);
	int fd = local_at(st, path, O_RDONLY);

	if (fd == -ENOENT)
		return err_set(e, ENOENT,
			"%s: containerd does not keep the blob %.*s (it throws layers away that "
			"are "
			"unpacked, or has those of another platform only): `ctr content fetch`, or "
			"scan "
			"the image in its registry",
			s->name, STR_ARG(d->digest));
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 0) {
		int error = fd < 0 ? -fd : errno;

		if (fd >= 0)
			close(fd);
		return err_set(
			e, error, "%s: /%s: cannot read: %s", s->name, path, strerror(error));
	}
	int r = image_stream_of_file(fd, 0, (uint64_t)size, ret, e);

	if (r == 0)
		image_stream_init(*ret, "%s: blob %.*s", s->name, STR_ARG(d->digest));
	return r;
}

static int containerd_manifest(
	struct image_source *s, struct str want, struct str *ret, struct err *e)
{
	struct image_stream *st;
	int r = containerd_blob(s, &(struct descriptor){.digest = want}, &st, e);

	if (r < 0)
		return r;
	image_stream_init(st, "%s: manifest %.*s", s->name, STR_ARG(want));
	r = verifier_init(&st->verifier, want, UINT64_MAX, e);
	if (r == 0)
		return image_stream_read_all(st, MANIFEST_MAX, &s->arena, ret, e);
	image_stream_close(st);
	return r;
}

/* Layers that are only there unpacked. */
static int containerd_settle(struct image_source *s, struct err *e)
{
	struct artifact_layer *layers = (struct artifact_layer *)s->image.layers;
	struct str chain = STR_NULL;
	char path[4096];

	(void)e;
	for (size_t i = 0; i < s->image.nlayers; i++) {
		chain = local_chain(s, chain, s->image.config.diff_ids[i]);
		if (!blob_path(s->state, s->layers[i].digest, path, sizeof(path)) ||
			local_has(s->state, "%s", path))
			continue;
		s->layers[i].file = containerd_snapshot(s, chain);
		if (!s->layers[i].file.len)
			continue; /* opening it says what is missing */
		layers[i].digest = layers[i].diff_id = STR_NULL;
		layers[i].size = 0;
		layers[i].media_type = STR("application/vnd.oci.image.layer.v1.tar");
	}
	return 0;
}

static int containerd_layer(
	struct image_source *s, size_t i, struct image_stream **ret, struct err *e)
{
	struct descriptor d = s->layers[i];

	if (!d.file.len)
		return source_layer(s, &d, ret, e);
	s->layers[i].digest = STR_NULL;
	int r = local_layer(s, i, arena_cstr(&s->arena, d.file), "", ret, e);

	s->layers[i] = d;
	return r;
}

const struct transport transport_containerd = {
	.scheme = "containerd",
	.open = containerd_open,
	.manifest = containerd_manifest,
	.blob = containerd_blob,
	.settle = containerd_settle,
	.layer = containerd_layer,
	.close = local_close,
};
