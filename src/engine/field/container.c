/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container.* fields and proc.is_container_*. The id comes from the cgroup and is always there;
 * the rest comes from the bundle that the runtime wrote, and is missing while nobody has found it.
 * A process outside containers is in the container "host", whose image is empty.
 */
#include <fnmatch.h>

#include "engine/field/private.h"

/* Is the process on the host? False too when there is no process. */
static bool on_host(const struct field_ctx *ctx)
{
	const struct process *p = process_of(ctx);

	return p && !p->container;
}

static const struct container *container_at(const struct field_ctx *ctx)
{
	const struct process *p = process_of(ctx);

	return p ? p->container : NULL;
}

/* The container if more than its id is known of it. */
static const struct container *complete(const struct field_ctx *ctx)
{
	const struct container *c = container_at(ctx);

	return c && c->is_complete ? c : NULL;
}

/* A text of the container: on the host its value there; missing when nothing is known. */
static bool give_text(const struct field_ctx *ctx, struct str s, struct str host, struct value *ret)
{
	if (on_host(ctx))
		return give_str(ret, host);
	return (s.len || complete(ctx)) && give_str(ret, s);
}

#define TEXT_GETTER(member, host)                                                                  \
	GET(get_##member)                                                                          \
	{                                                                                          \
		const struct container *c = container_at(ctx);                                     \
		return give_text(ctx, c ? c->member : STR_NULL, host, ret);                        \
	}

TEXT_GETTER(full_id, STR("host"))
TEXT_GETTER(name, STR("host"))
TEXT_GETTER(image, STR(""))
TEXT_GETTER(image_id, STR(""))
TEXT_GETTER(image_repo, STR(""))
TEXT_GETTER(image_tag, STR(""))
TEXT_GETTER(image_digest, STR(""))
TEXT_GETTER(ip, STR(""))
TEXT_GETTER(cni_json, STR(""))

GET(get_id)
{
	const struct container *c = container_at(ctx);

	if (on_host(ctx))
		return give_str(ret, STR("host"));
	return c && give_some_str(ret, c->id);
}

PUT(put_id)
{
	const struct container *c = container_at(ctx);

	if (on_host(ctx))
		return put_text(to, STR("host"));
	return c && c->id.len ? put_text(to, c->id) : NULL;
}

GET(get_type)
{
	const struct container *c = container_at(ctx);

	if (on_host(ctx))
		return give_str(ret, STR("host"));
	return c && give_cstr(ret, container_type_name(c->type));
}

#define FLAG_GETTER(member)                                                                        \
	GET(get_##member)                                                                          \
	{                                                                                          \
		const struct container *c = complete(ctx);                                         \
		if (on_host(ctx))                                                                  \
			return give_bool(ret, false);                                              \
		return c && give_bool(ret, c->member);                                             \
	}

FLAG_GETTER(is_privileged)
FLAG_GETTER(host_pid)
FLAG_GETTER(host_network)
FLAG_GETTER(host_ipc)

/* ---- mounts --------------------------------------------------------------------------------- */

enum mount_part { MOUNT_ALL, MOUNT_SOURCE, MOUNT_DEST, MOUNT_MODE, MOUNT_RDWR, MOUNT_PROPAGATION };

enum { MOUNT_TEXT_MAX = 32 * 1024, PATTERN_MAX = 4096 };

/* source:dest:mode:rdwr:propagation */
static void add_mount(struct buf *b, const struct container_mount *m)
{
	buf_add(b, m->source);
	buf_add_char(b, ':');
	buf_add(b, m->dest);
	buf_add_char(b, ':');
	buf_add(b, m->mode);
	buf_add_char(b, ':');
	buf_add_cstr(b, m->is_rw ? "true" : "false");
	buf_add_char(b, ':');
	buf_add(b, m->propagation);
}

GET(get_mounts)
{
	const struct container *c = complete(ctx);

	if (on_host(ctx))
		return give_str(ret, STR(""));
	if (!c)
		return false;
	struct buf b = field_buf(ctx, MOUNT_TEXT_MAX);

	for (size_t i = 0; i < c->nmounts; i++) {
		if (i)
			buf_add_char(&b, ',');
		add_mount(&b, &c->mounts[i]);
	}
	return give_str(ret, buf_str(&b));
}

static bool glob_matches(const char *pattern, struct str s)
{
	char text[PATTERN_MAX];

	return str_copy(s, text, sizeof(text)) && fnmatch(pattern, text, 0) == 0;
}

/* By number, or the first whose path fits the glob: its source, or its destination if `by_dest`. */
static const struct container_mount *find_mount(
	const struct container *c, const struct field_arg *arg, bool by_dest)
{
	char pattern[PATTERN_MAX];

	if (arg->is_index)
		return arg->index < c->nmounts ? &c->mounts[arg->index] : NULL;
	if (!str_copy(arg->text, pattern, sizeof(pattern)))
		return NULL;
	for (size_t i = 0; i < c->nmounts; i++)
		if (glob_matches(pattern, by_dest ? c->mounts[i].dest : c->mounts[i].source))
			return &c->mounts[i];
	return NULL;
}

static bool give_mount(const struct field_ctx *ctx, const struct field_arg *arg,
	enum mount_part part, struct value *ret)
{
	const struct container *c = complete(ctx);
	const struct container_mount *m = c ? find_mount(c, arg, part == MOUNT_SOURCE) : NULL;

	if (!m)
		return false;
	switch (part) {
	case MOUNT_SOURCE:
		return give_str(ret, m->source);
	case MOUNT_DEST:
		return give_str(ret, m->dest);
	case MOUNT_MODE:
		return give_str(ret, m->mode);
	case MOUNT_RDWR:
		return give_cstr(ret, m->is_rw ? "true" : "false");
	case MOUNT_PROPAGATION:
		return give_str(ret, m->propagation);
	case MOUNT_ALL:
		break;
	}
	struct buf b = field_buf(ctx, MOUNT_TEXT_MAX);

	add_mount(&b, m);
	return give_str(ret, buf_str(&b));
}

GET(get_mount)
{
	return give_mount(ctx, arg, MOUNT_ALL, ret);
}

GET(get_mount_source)
{
	return give_mount(ctx, arg, MOUNT_SOURCE, ret);
}

GET(get_mount_dest)
{
	return give_mount(ctx, arg, MOUNT_DEST, ret);
}

GET(get_mount_mode)
{
	return give_mount(ctx, arg, MOUNT_MODE, ret);
}

GET(get_mount_rdwr)
{
	return give_mount(ctx, arg, MOUNT_RDWR, ret);
}

GET(get_mount_propagation)
{
	return give_mount(ctx, arg, MOUNT_PROPAGATION, ret);
}

/* ---- labels, environment -------------------------------------------------------------------- */

GET(get_label)
{
	const struct container *c = container_at(ctx);

	for (size_t i = 0; c && i < c->nlabels; i++)
		if (str_eq(c->labels[i].key, arg->text))
			return give_str(ret, c->labels[i].value);
	return false;
}

GET(get_labels)
{
	const struct container *c = complete(ctx);

	if (on_host(ctx))
		return give_str(ret, STR(""));
	return c && give_str(ret, field_labels_text(ctx, c->labels, c->nlabels));
}

GET(get_env)
{
	const struct container *c = complete(ctx);

	for (size_t i = 0; c && i < c->nenv; i++) {
		struct str value = c->env[i], name = str_cut(&value, '=');

		if (str_eq(name, arg->text))
			return give_str(ret, value);
	}
	return false;
}

/* ---- time ----------------------------------------------------------------------------------- */

GET(get_start_ts)
{
	const struct process *p = process_of(ctx);

	return p && p->pidns_init_start_ns && give_abstime(ret, p->pidns_init_start_ns);
}

GET(get_duration)
{
	const struct process *p = process_of(ctx);
	uint64_t now = event_of(ctx)->ts_ns;

	return p && p->pidns_init_start_ns && now >= p->pidns_init_start_ns &&
	       give_reltime(ret, now - p->pidns_init_start_ns);
}

/* ---- probes --------------------------------------------------------------------------------- */

GET(get_healthcheck)
{
	const struct container *c = container_at(ctx);

	return c && give_some_str(ret, c->healthcheck);
}

GET(get_liveness)
{
	const struct container *c = container_at(ctx);

	return c && give_some_str(ret, c->liveness);
}

GET(get_readiness)
{
	const struct container *c = container_at(ctx);

	return c && give_some_str(ret, c->readiness);
}

/* Is the process, or an ancestor in the container, the probe's command line? */
static bool give_is_probe(const struct field_ctx *ctx, struct str line, struct value *ret)
{
	const struct process *p = process_of(ctx);
	unsigned n = 0;

	if (!p || !p->container || !line.len)
		return false;
	for (; p && p->container && n <= PROCESS_ANCESTORS_MAX; p = p->parent, n++)
		if (str_eq(field_join(ctx, p->exe, p->args), line))
			return give_bool(ret, true);
	return give_bool(ret, false);
}

GET(get_is_healthcheck)
{
	const struct container *c = container_at(ctx);

	return c && give_is_probe(ctx, c->healthcheck, ret);
}

GET(get_is_liveness)
{
	const struct container *c = container_at(ctx);

	return c && give_is_probe(ctx, c->liveness, ret);
}

GET(get_is_readiness)
{
	const struct container *c = container_at(ctx);

	return c && give_is_probe(ctx, c->readiness, ret);
}

#define PROBE_DOC                                                                                  \
	" Missing unless the container's configuration tells its probes, which bundles mostly do " \
	"not."

static const struct field_def fields[] = {
	{"container.id", VT_STR, 0,
		"First 12 characters of the container's id, taken from its control group, so "
		"always "
		"there: 3ad7b26ded6d. host for a process in no container.",
		get_id, .put = put_id},
	{"container.full_id", VT_STR, 0, "The container's whole id, 64 characters.", get_full_id},
	{"container.name", VT_STR, 0, "The container's name; host on the host.", get_name},
	{"container.image", VT_STR, 0,
		"Image with its tag: docker.io/library/nginx:1.27. Empty on the host.", get_image},
	{"container.image.id", VT_STR, 0, "Id of the image.", get_image_id},
	{"container.type", VT_STR, 0,
		"Who runs the container: docker, containerd, cri-o, podman, lxc and others; host "
		"on "
		"the host.",
		get_type},
	{"container.privileged", VT_BOOL, 0,
		"True when the container was started privileged, with all capabilities and "
		"devices.",
		get_is_privileged},
	{"container.mounts", VT_STR, 0,
		"All mounts as source:dest:mode:rdwr:propagation, separated by commas.",
		get_mounts},
	{"container.mount", VT_STR, NEED_EITHER,
		"One mount as source:dest:mode:rdwr:propagation, by number or by its source, which "
		"may be a glob: container.mount[/proc*] exists.",
		get_mount},
	{"container.mount.source", VT_STR, NEED_EITHER,
		"Host path of a mount, by number or by a glob on its destination: "
		"container.mount.source[/host/etc].",
		get_mount_source},
	{"container.mount.dest", VT_STR, NEED_EITHER,
		"Path of a mount inside the container, by number or by a glob on its source: "
		"container.mount.dest[/etc*] exists is a mount of the host's /etc.",
		get_mount_dest},
	{"container.mount.mode", VT_STR, NEED_EITHER,
		"Mode of a mount, by number or by a glob on its source.", get_mount_mode},
	{"container.mount.rdwr", VT_STR, NEED_EITHER,
		"true when a mount can be written to, else false; by number or by a glob on its "
		"source.",
		get_mount_rdwr},
	{"container.mount.propagation", VT_STR, NEED_EITHER,
		"Propagation of a mount, such as rprivate; by number or by a glob on its source.",
		get_mount_propagation},
	{"container.image.repository", VT_STR, 0,
		"Image without tag and digest: docker.io/library/nginx. Empty on the host, missing "
		"while the container's configuration is not known.",
		get_image_repo},
	{"container.image.tag", VT_STR, 0, "Tag of the image: 1.27, latest.", get_image_tag},
	{"container.image.digest", VT_STR, 0,
		"Digest of the image in its registry: sha256:d977378f890d and so on.",
		get_image_digest},
	{"container.healthcheck", VT_STR, DEPRECATED,
		"Command line of the container's health check." PROBE_DOC, get_healthcheck},
	{"container.liveness_probe", VT_STR, DEPRECATED,
		"Command line of the container's liveness probe." PROBE_DOC, get_liveness},
	{"container.readiness_probe", VT_STR, DEPRECATED,
		"Command line of the container's readiness probe." PROBE_DOC, get_readiness},
	{"container.start_ts", VT_ABSTIME, 0,
		"When the container's first process began, in nanoseconds since the epoch, as the "
		"kernel knows it. Missing on the host.",
		get_start_ts},
	{"container.duration", VT_RELTIME, 0, "Nanoseconds from container.start_ts to the event.",
		get_duration},
	{"container.ip", VT_STR, 0, "The container's first IPv4 address, where it is known.",
		get_ip},
	{"container.cni.json", VT_STR, 0,
		"What the network plugin answered for the pod, as JSON, where it is known.",
		get_cni_json},
	{"container.host_pid", VT_BOOL, 0,
		"True when the container shares the host's pid namespace.", get_host_pid},
	{"container.host_network", VT_BOOL, 0,
		"True when the container shares the host's network namespace.", get_host_network},
	{"container.host_ipc", VT_BOOL, 0,
		"True when the container shares the host's IPC namespace.", get_host_ipc},
	{"container.label", VT_STR, NEED_KEY,
		"One label of the container: container.label.maintainer, container.label[my-app].",
		get_label},
	{"container.labels", VT_STR, 0,
		"All labels as key:value, separated by a comma and a blank, without those that "
		"Kubernetes sets for itself.",
		get_labels},
	{"proc.is_container_healthcheck", VT_BOOL, DEPRECATED,
		"True when the process runs for the container's health check." PROBE_DOC,
		get_is_healthcheck},
	{"proc.is_container_liveness_probe", VT_BOOL, DEPRECATED,
		"True when the process runs for the container's liveness probe." PROBE_DOC,
		get_is_liveness},
	{"proc.is_container_readiness_probe", VT_BOOL, DEPRECATED,
		"True when the process runs for the container's readiness probe." PROBE_DOC,
		get_is_readiness},
	{"container.env", VT_STR, NEED_KEY,
		"koban's own: one variable of the environment that the container was configured "
		"with: container.env[PATH].",
		get_env},
};

const struct field_class field_class_container = {
	.name = "container",
	.desc = "The container in which the event happened.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
};
