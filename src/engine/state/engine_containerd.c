/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containerd keeps of a container beside its bundle: the image's name and digest and the
 * labels, in its metadata database (core/metadata/buckets.go: v1/NAMESPACE/containers/ID,
 * v1/NAMESPACE/images/NAME/target/digest).
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/bolt.h"
#include "engine/state/private.h"

/* Where the state is decides where the database is. */
static const struct {
	struct str state;
	const char *db;
} places[] = {
	{STR("/run/containerd/"), "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"},
	{STR("/run/docker/containerd/"),
		"var/lib/docker/containerd/daemon/io.containerd.metadata.v1.bolt/meta.db"},
	{STR("/run/k3s/containerd/"),
		"var/lib/rancher/k3s/agent/containerd/io.containerd.metadata.v1.bolt/meta.db"},
	{STR("/var/snap/microk8s/"), "var/snap/microk8s/common/var/lib/containerd/"
				     "io.containerd.metadata.v1.bolt/meta.db"},
};

enum { LABELS_MAX = 256 };

/* Borrowed from the arena, to be used when it is sure that all of it was read whole. */
struct found {
	struct str image, digest, sandbox;
	struct label labels[LABELS_MAX];
	size_t nlabels;
};

static void add_label(void *arg, struct str key, struct str value)
{
	struct found *f = arg;

	if (f->nlabels < LABELS_MAX)
		f->labels[f->nlabels++] = (struct label){key, value};
}

static bool open_namespace(struct bolt *b, struct str ns, struct bolt_bucket *ret)
{
	*ret = b->root;
	return bolt_descend(b, ret, STR("v1")) && bolt_descend(b, ret, ns);
}

static bool find_in_db(struct bolt *b, struct str ns, struct str id, struct found *f)
{
	struct bolt_bucket top, record, image, labels;

	if (!open_namespace(b, ns, &top))
		return false;
	record = image = top;
	if (!bolt_descend(b, &record, STR("containers")) || !bolt_descend(b, &record, id))
		return false;
	f->image = bolt_get(b, &record, STR("image"));
	f->sandbox = bolt_get(b, &record, STR("sandboxid"));
	labels = record;
	if (bolt_descend(b, &labels, STR("labels")))
		bolt_each(b, &labels, add_label, f);
	if (f->image.len && bolt_descend(b, &image, STR("images")) &&
		bolt_descend(b, &image, f->image) && bolt_descend(b, &image, STR("target")))
		f->digest = bolt_get(b, &image, STR("digest"));
	return true;
}

static int fill_from(struct container *c, struct arena *a, int fd, struct str ns)
{
	struct found f = {0};
	struct bolt b;

	if (bolt_open(&b, fd, a) < 0 || !find_in_db(&b, ns, c->full_id, &f))
		return -ENOENT;
	if (!bolt_is_current(&b))
		return -EAGAIN;
	if (!c->image.len)
		container_split_image(c, f.image);
	if (!c->image_digest.len && str_eq(c->image, f.image))
		c->image_digest = arena_str(&c->arena, f.digest);
	if (!c->pod_full_sandbox_id.len && f.sandbox.len) {
		c->pod_full_sandbox_id = arena_str(&c->arena, f.sandbox);
		c->pod_sandbox_id = str_head(c->pod_full_sandbox_id, 12);
	}
	for (size_t i = 0; i < f.nlabels; i++) {
		container_add_label(c, f.labels[i].key, f.labels[i].value);
		/* the labels of a pod are those of its sandbox */
		if (c->is_sandbox)
			container_add_pod_label(c, f.labels[i].key, f.labels[i].value);
	}
	return 0;
}

/* "…/NAMESPACE/ID" */
static struct str namespace_of(struct str bundle)
{
	ptrdiff_t slash = str_rfind_char(bundle, '/');
	struct str dir = slash < 0 ? STR_NULL : str_head(bundle, (size_t)slash);

	slash = str_rfind_char(dir, '/');
	return slash < 0 ? STR_NULL : str_skip(dir, (size_t)slash + 1);
}

int containerd_fill(struct state *s, struct container *c, struct arena *a)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!str_starts(c->bundle, places[i].state))
			continue;
		int fd = host_open(s, places[i].db, O_RDONLY), r = -EAGAIN;

		if (fd < 0)
			return fd;
		for (int tries = 0; r == -EAGAIN && tries < 3; tries++)
			r = fill_from(c, a, fd, namespace_of(c->bundle));
		close(fd);
		return r;
	}
	return -ENOENT;
}
