/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker keeps of a container beside its bundle: config.v2.json and hostconfig.json in its
 * data root (moby, container/container.go), and the digests of repositories.json. Names, images,
 * labels are only there.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "engine/state/private.h"

static const char *const data_roots[] = {
	"var/lib/docker", "var/snap/docker/common/var-lib-docker", "mnt/docker-data"};
static const char *const drivers[] = {
	"overlay2", "overlayfs", "btrfs", "zfs", "vfs", "fuse-overlayfs"};

static json_t *load(struct state *s, struct arena *a, const char *path)
{
	struct str text;

	return host_read(s, a, path, &text) < 0 ? NULL : json_load_bounded(text, NULL);
}

static struct str keep(struct container *c, struct str s)
{
	return s.len ? arena_str(&c->arena, s) : STR_NULL;
}

/* repositories.json: {"Repositories": {"nginx": {"nginx:1": "sha256:ID", "nginx@sha256:…": …}}} */
static void read_digest(struct container *c, const json_t *repositories)
{
	const json_t *of = json_object_get(repositories, "Repositories");
	const char *repo, *ref;
	json_t *refs, *id;

	json_object_foreach((json_t *)(uintptr_t)of, repo, refs)
	{
		json_object_foreach(refs, ref, id)
		{
			struct str image = str_make(json_string_value(id), json_string_length(id));
			ptrdiff_t at = str_find_char(str_of(ref), '@');

			if (!json_is_string(id) || !str_ends(image, c->image_id) || at < 0)
				continue;
			c->image_digest = keep(c, str_skip(str_of(ref), (size_t)at + 1));
			if (!c->image_repo.len)
				c->image_repo = keep(c, str_of(repo));
		}
	}
}

static void read_digests(struct state *s, struct container *c, struct arena *a, const char *root)
{
	char path[512];

	for (size_t i = 0; c->image_id.len && i < sizeof(drivers) / sizeof(*drivers); i++) {
		snprintf(path, sizeof(path), "%s/image/%s/repositories.json", root, drivers[i]);
		json_t *j = load(s, a, path);

		read_digest(c, j);
		json_decref(j);
	}
}

static void read_mounts(struct container *c, const json_t *points)
{
	size_t n = json_object_size(points);
	const char *key;
	json_t *m;

	if (!n || n > 512)
		return;
	struct container_mount *mounts = arena_array(&c->arena, struct container_mount, n);

	if (!mounts)
		return;
	c->mounts = mounts;
	c->nmounts = 0;
	json_object_foreach((json_t *)(uintptr_t)points, key, m)
	{
		c->mounts[c->nmounts++] = (struct container_mount){
			.source = keep(c, json_text(m, "Source")),
			.dest = keep(c, str_of(key)),
			.mode = keep(c, json_text(m, "Mode")),
			.propagation = keep(c, json_text(m, "Propagation")),
			.is_rw = json_is_true(json_object_get(m, "RW")),
		};
	}
}

/* Docker's probe, as a command line: ["CMD", "curl", "x"] or ["CMD-SHELL", "curl x"]. */
static void read_healthcheck(struct container *c, const json_t *config)
{
	const json_t *test = json_object_get(json_object_get(config, "Healthcheck"), "Test");
	struct buf b = BUF_INIT(4096);
	size_t i;
	json_t *v;

	json_array_foreach((json_t *)(uintptr_t)test, i, v)
	{
		if (!i || !json_is_string(v))
			continue;
		if (b.len)
			buf_add_char(&b, ' ');
		buf_add_cstr(&b, json_string_value(v));
	}
	c->healthcheck = keep(c, buf_str(&b));
	buf_done(&b);
}

static void read_ip(struct container *c, const json_t *root)
{
	const json_t *settings = json_object_get(root, "NetworkSettings");
	const char *key;
	json_t *net;

	c->ip = keep(c, json_text(settings, "IPAddress"));
	json_object_foreach(json_object_get(settings, "Networks"), key, net)
	{
		if (!c->ip.len)
			c->ip = keep(c, json_text(net, "IPAddress"));
	}
}

static void read_config(struct container *c, const json_t *root)
{
	const json_t *config = json_object_get(root, "Config");
	struct str name = json_text(root, "Name"), image = json_text(root, "Image");

	c->name = keep(c, str_starts(name, STR("/")) ? str_skip(name, 1) : name);
	c->is_sandbox = str_find(name, STR("k8s_POD")) >= 0;
	container_split_image(c, json_text(config, "Image"));
	c->image_id = keep(c, str_starts(image, STR("sha256:")) ? str_skip(image, 7) : image);
	c->created_ns = time_from_rfc3339(json_text(root, "Created"));
	container_labels_from_json(c, json_object_get(config, "Labels"), false);
	read_mounts(c, json_object_get(root, "MountPoints"));
	read_healthcheck(c, config);
	read_ip(c, root);
	const json_t *labels = json_object_get(config, "Labels");

	if (!c->pod_name.len) { /* cri-dockerd */
		c->pod_name = keep(c, json_text(labels, "io.kubernetes.pod.name"));
		c->pod_ns = keep(c, json_text(labels, "io.kubernetes.pod.namespace"));
		c->pod_uid = keep(c, json_text(labels, "io.kubernetes.pod.uid"));
		c->pod_full_sandbox_id = keep(c, json_text(labels, "io.kubernetes.sandbox.id"));
		c->pod_sandbox_id = str_head(c->pod_full_sandbox_id, 12);
	}
}

static void read_hostconfig(struct container *c, const json_t *host)
{
	if (!host)
		return;
	c->is_privileged = json_is_true(json_object_get(host, "Privileged"));
	c->host_pid = str_is(json_text(host, "PidMode"), "host");
	c->host_ipc = str_is(json_text(host, "IpcMode"), "host");
	c->host_network = str_is(json_text(host, "NetworkMode"), "host");
}

int docker_fill(struct state *s, struct container *c, struct arena *a)
{
	char path[512];

	for (size_t i = 0; i < sizeof(data_roots) / sizeof(*data_roots); i++) {
		snprintf(path, sizeof(path), "%s/containers/%.*s/config.v2.json", data_roots[i],
			STR_ARG(c->full_id));
		json_t *root = load(s, a, path);

		if (!root)
			continue;
		c->type = CONTAINER_DOCKER;
		read_config(c, root);
		json_decref(root);
		snprintf(path, sizeof(path), "%s/containers/%.*s/hostconfig.json", data_roots[i],
			STR_ARG(c->full_id));
		json_t *host = load(s, a, path);

		read_hostconfig(c, host);
		json_decref(host);
		read_digests(s, c, a, data_roots[i]);
		return 0;
	}
	return -ENOENT;
}
