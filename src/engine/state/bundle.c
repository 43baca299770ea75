/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an OCI runtime bundle says of its container: config.json of the runtime specification 1.x
 * (opencontainers/runtime-spec, config.md and config-linux.md) and the annotations that engines
 * leave in it: containerd's CRI plugin (io.kubernetes.cri.*), CRI-O (io.kubernetes.cri-o.*),
 * kubelet (io.kubernetes.*), Podman (io.podman.*), nerdctl (nerdctl/…). The text may come from a
 * stranger: sizes and counts are limited, and a wrong type is an absent value. No file is opened
 * here.
 */
#include <errno.h>
#include <jansson.h>
#include <time.h>

#include "engine/state/private.h"

enum {
	MOUNTS_MAX = 512,
	ENV_MAX = 2048,
	LABELS_MAX = 512,
	LABEL_SIZE_MAX = 4096,
	ALL_CAPS = 37, /* the oldest kernels in use know 38; an engine may not know the last */
};

struct json_t *json_load_bounded(struct str text, struct err *e)
{
	json_error_t je;

	if (text.len > BUNDLE_FILE_MAX) {
		err_set(e, EFBIG, "larger than the limit of %d bytes", BUNDLE_FILE_MAX);
		return NULL;
	}
	json_t *j = json_loadb(text.s ? text.s : "", text.len, 0, &je);

	if (!j)
		err_set(e, EINVAL, "line %d, column %d: %s", je.line, je.column, je.text);
	return j;
}

static struct str string_of(const json_t *v)
{
	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NULL;
}

struct str json_text(const struct json_t *o, const char *key)
{
	return string_of(json_object_get(o, key));
}

void json_unref(struct json_t *j)
{
	json_decref(j);
}

struct str runc_label(const struct json_t *state, struct str prefix)
{
	const json_t *labels = json_object_get(json_object_get(state, "config"), "labels");
	size_t i;
	json_t *v;

	json_array_foreach((json_t *)(uintptr_t)labels, i,
		v) if (str_starts(string_of(v), prefix)) return str_skip(string_of(v), prefix.len);
	return STR_NULL;
}

uint64_t time_from_rfc3339(struct str s)
{
	char text[40];
	struct tm tm = {0};
	int64_t offset = 0;

	if (!str_copy(s, text, sizeof(text)))
		return 0;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t ns = 0, digit = 100 * 1000 * 1000;

	if (!rest)
		return 0;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, digit /= 10)
			ns += (uint64_t)(*rest - '0') * digit;
	if ((*rest == '+' || *rest == '-') && strlen(rest) == 6) {
		uint64_t h, m;

		if (str_to_u64(str_make(rest + 1, 2), 10, &h) &&
			str_to_u64(str_make(rest + 4, 2), 10, &m))
			offset = (int64_t)(h * 3600 + m * 60) * (*rest == '-' ? -1 : 1);
	}
	int64_t t = (int64_t)timegm(&tm) - offset;

	return t > 0 ? (uint64_t)t * 1000000000ULL + ns : 0;
}

/*
 * "registry:5000/name:tag@sha256:…" into its parts, as the distribution project's reference
 * grammar has them; an id in place of a name is an id.
 */
void container_split_image(struct container *c, struct str image)
{
	struct str repo;
	ptrdiff_t at = str_find_char(image, '@');

	if (!image.len)
		return;
	image = repo = arena_str(&c->arena, image);
	if (str_starts(image, STR("sha256:"))) {
		if (!c->image_id.len)
			c->image_id = str_skip(image, 7);
		return;
	}
	c->image = image;
	if (at >= 0) {
		c->image_digest = str_skip(image, (size_t)at + 1);
		repo = str_head(image, (size_t)at);
	}
	ptrdiff_t colon = str_rfind_char(repo, ':'), slash = str_rfind_char(repo, '/');

	c->image_tag = STR_NULL;
	if (colon > slash) {
		c->image_tag = str_skip(repo, (size_t)colon + 1);
		repo = str_head(repo, (size_t)colon);
	}
	c->image_repo = repo;
}

static bool has_label(const struct label *labels, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(labels[i].key, key))
			return true;
	return false;
}

static void add_to(
	struct container *c, struct label **labels, size_t *n, struct str key, struct str value)
{
	if (!key.len || key.len + value.len > LABEL_SIZE_MAX || *n >= LABELS_MAX ||
		has_label(*labels, *n, key))
		return;
	/* grows by doubling: the old array stays in the arena */
	if (!(*n & (*n - 1))) {
		struct label *more = arena_array(&c->arena, struct label, *n ? *n * 2 : 1);

		if (!more)
			return;
		if (*n)
			memcpy(more, *labels, *n * sizeof(*more));
		*labels = more;
	}
	(*labels)[(*n)++] = (struct label){arena_str(&c->arena, key), arena_str(&c->arena, value)};
}

void container_add_label(struct container *c, struct str key, struct str value)
{
	add_to(c, &c->labels, &c->nlabels, key, value);
}

void container_add_pod_label(struct container *c, struct str key, struct str value)
{
	add_to(c, &c->pod_labels, &c->npod_labels, key, value);
}

void container_labels_from_json(struct container *c, const struct json_t *o, bool is_pod)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, key, v)
	{
		if (!json_is_string(v))
			continue;
		if (is_pod)
			container_add_pod_label(c, str_of(key), string_of(v));
		else
			container_add_label(c, str_of(key), string_of(v));
	}
}

/* ---- the specification's own parts ---- */

static bool has_option(const json_t *options, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach(
		(json_t *)(uintptr_t)options, i, v) if (str_is(string_of(v), name)) return true;
	return false;
}

static struct str propagation_of(struct container *c, const json_t *options)
{
	static const char *const names[] = {"rprivate", "private", "rslave", "slave", "rshared",
		"shared", "runbindable", "unbindable"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (has_option(options, names[i]))
			return str_of(names[i]);
	return STR("rprivate");
}

/* /etc/hosts, /dev/shm and such, which the engine makes itself and nobody asked for. */
static bool is_engines_own(struct str source)
{
	return str_find(source, STR(".cri/sandboxes/")) >= 0 ||
	       (str_find(source, STR("-containers/")) >= 0 &&
		       str_find(source, STR("/userdata/")) >= 0);
}

/* Bind mounts only: /proc, /dev and the like are in every container. */
static void read_mounts(struct container *c, const json_t *mounts)
{
	size_t i, n = json_array_size(mounts);
	json_t *m;

	if (n > MOUNTS_MAX)
		n = MOUNTS_MAX;
	if (!n || !(c->mounts = arena_array(&c->arena, struct container_mount, n)))
		return;
	json_array_foreach((json_t *)(uintptr_t)mounts, i, m)
	{
		const json_t *options = json_object_get(m, "options");
		struct str source = json_text(m, "source");

		if (c->nmounts == n)
			break;
		if (!str_starts(source, STR("/")) || is_engines_own(source) ||
			(!str_is(json_text(m, "type"), "bind") && !has_option(options, "bind") &&
				!has_option(options, "rbind")))
			continue;
		c->mounts[c->nmounts++] = (struct container_mount){
			.source = arena_str(&c->arena, source),
			.dest = arena_str(&c->arena, json_text(m, "destination")),
			.mode = STR_NULL,
			.propagation = propagation_of(c, options),
			.is_rw = !has_option(options, "ro"),
		};
	}
}

static void read_env(struct container *c, const json_t *env)
{
	size_t i, n = json_array_size(env);
	json_t *v;

	if (n > ENV_MAX)
		n = ENV_MAX;
	if (!n || !(c->env = arena_array(&c->arena, struct str, n)))
		return;
	json_array_foreach((json_t *)(uintptr_t)env, i, v) if (c->nenv < n && json_is_string(v))
		c->env[c->nenv++] = arena_str(&c->arena, string_of(v));
}

static bool allows_all_devices(const json_t *linux_part)
{
	const json_t *list = json_object_get(json_object_get(linux_part, "resources"), "devices");
	size_t i;
	json_t *d;

	json_array_foreach((json_t *)(uintptr_t)list, i, d)
	{
		struct str type = json_text(d, "type"), access = json_text(d, "access");

		if (json_is_true(json_object_get(d, "allow")) && (!type.len || str_is(type, "a")) &&
			!json_object_get(d, "major") && (!access.len || str_is(access, "rwm")))
			return true;
	}
	return false;
}

/*
 * The specification has no word for "privileged". It is what engines do for that flag: every
 * capability, no masked path, every device.
 */
static bool looks_privileged(const json_t *root)
{
	const json_t *linux_part = json_object_get(root, "linux");
	const json_t *caps = json_object_get(
		json_object_get(json_object_get(root, "process"), "capabilities"), "bounding");

	return json_array_size(caps) >= ALL_CAPS && has_option(caps, "CAP_SYS_ADMIN") &&
	       json_array_size(json_object_get(linux_part, "maskedPaths")) == 0 &&
	       allows_all_devices(linux_part);
}

/* True when the container has no such namespace of its own: none named, or that of process 1. */
static bool is_host_ns(const json_t *namespaces, const char *type)
{
	size_t i;
	json_t *ns;

	json_array_foreach((json_t *)(uintptr_t)namespaces, i,
		ns) if (str_is(json_text(ns, "type"),
				type)) return str_starts(json_text(ns, "path"), STR("/proc/1/ns/"));
	return true;
}

static void read_namespaces(struct container *c, const json_t *linux_part)
{
	const json_t *ns = json_object_get(linux_part, "namespaces");

	if (!json_is_object(linux_part))
		return;
	c->host_pid = is_host_ns(ns, "pid");
	c->host_network = is_host_ns(ns, "network");
	c->host_ipc = is_host_ns(ns, "ipc");
}

/* ---- annotations ---- */

static struct str keep(struct container *c, struct str s)
{
	return s.len ? arena_str(&c->arena, s) : STR_NULL;
}

/* The first of these annotations that is there. */
static struct str first(const json_t *a, const char *const *keys)
{
	for (; *keys; keys++) {
		struct str v = json_text(a, *keys);

		if (v.len)
			return v;
	}
	return STR_NULL;
}
#define FIRST(a, ...) first(a, (const char *const[]){__VA_ARGS__, NULL})

static bool is_true(struct str s)
{
	return str_ieq(s, STR("true"));
}

static void read_type(struct container *c, const json_t *a)
{
	struct str manager = json_text(a, "io.container.manager");

	if (str_is(manager, "libpod"))
		c->type = CONTAINER_PODMAN;
	else if (str_is(manager, "cri-o") || json_text(a, "io.kubernetes.cri-o.ContainerType").len)
		c->type = CONTAINER_CRIO;
	else if (json_text(a, "io.kubernetes.cri.container-type").len ||
		 json_text(a, "nerdctl/name").len)
		c->type = CONTAINER_CONTAINERD;
}

static void read_pod(struct container *c, const json_t *a)
{
	c->pod_name = keep(c, FIRST(a, "io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name",
				      "io.kubernetes.cri-o.KubeName"));
	c->pod_ns =
		keep(c, FIRST(a, "io.kubernetes.cri.sandbox-namespace",
				"io.kubernetes.pod.namespace", "io.kubernetes.cri-o.Namespace"));
	c->pod_uid = keep(c, FIRST(a, "io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"));
	c->pod_full_sandbox_id =
		keep(c, FIRST(a, "io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"));
	c->pod_sandbox_id = str_head(c->pod_full_sandbox_id, 12);
	c->is_sandbox = str_is(
		FIRST(a, "io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"),
		"sandbox");
	c->ip = keep(c, FIRST(a, "io.kubernetes.cri-o.IP.0", "nerdctl/ip-address"));
	c->cni_json = keep(c, str_head(json_text(a, "io.kubernetes.cri-o.CNIResult"), 4096));
}

static void read_image(struct container *c, const json_t *a)
{
	struct str ref = json_text(a, "io.kubernetes.cri-o.ImageRef");

	container_split_image(c,
		FIRST(a, "io.kubernetes.cri.image-name", "io.kubernetes.cri.podsandbox.image-name",
			"io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image",
			"nerdctl/image"));
	ptrdiff_t at = str_find(ref, STR("@sha256:"));

	if (at >= 0 && !c->image_digest.len)
		c->image_digest = keep(c, str_skip(ref, (size_t)at + 1));
	else if (ref.len == 64 && !c->image_id.len)
		c->image_id = keep(c, ref);
}

/* A JSON object inside an annotation's string. */
static void read_nested_labels(struct container *c, struct str text, bool is_pod)
{
	json_t *o = text.len ? json_load_bounded(text, NULL) : NULL;

	container_labels_from_json(c, o, is_pod);
	json_decref(o);
}

static void read_labels(struct container *c, const json_t *a)
{
	struct str labels = json_text(a, "io.kubernetes.cri-o.Labels");

	read_nested_labels(c, labels, false);
	if (c->is_sandbox)
		read_nested_labels(c, labels, true);
	read_nested_labels(c, json_text(a, "nerdctl/labels"), false);
	if (!c->pod_full_sandbox_id.len || !c->pod_name.len)
		return;
	/* the labels that kubelet gives to every container of a pod */
	container_add_label(c, STR("io.kubernetes.sandbox.id"), c->pod_full_sandbox_id);
	container_add_label(c, STR("io.kubernetes.pod.name"), c->pod_name);
	container_add_label(c, STR("io.kubernetes.pod.namespace"), c->pod_ns);
	if (c->pod_uid.len)
		container_add_label(c, STR("io.kubernetes.pod.uid"), c->pod_uid);
	if (!c->is_sandbox && c->name.len)
		container_add_label(c, STR("io.kubernetes.container.name"), c->name);
}

static void read_annotations(struct container *c, const json_t *a)
{
	read_type(c, a);
	read_pod(c, a);
	c->name = keep(c, FIRST(a, "io.kubernetes.cri.container-name",
				  "io.kubernetes.container.name", "nerdctl/name"));
	if (!c->name.len && c->is_sandbox)
		c->name = STR("POD");
	read_image(c, a);
	read_labels(c, a);
	c->created_ns = time_from_rfc3339(json_text(a, "io.kubernetes.cri-o.Created"));
}

static bool read_privileged(const json_t *root, const json_t *a)
{
	struct str said = FIRST(
		a, "io.podman.annotations.privileged", "io.kubernetes.cri-o.PrivilegedRuntime");

	/* Podman always says it; CRI-O only of those that are */
	return is_true(said) || (!said.len && looks_privileged(root));
}

int container_parse_bundle(struct container *c, struct str json, struct err *e)
{
	json_t *root = json_load_bounded(json, e);

	if (!root)
		return err_context(e, "config.json");
	if (!json_is_object(root) || !json_text(root, "ociVersion").len) {
		json_decref(root);
		return err_set(
			e, EINVAL, "config.json: no ociVersion: this is no OCI runtime bundle");
	}
	const json_t *process = json_object_get(root, "process");
	const json_t *annotations = json_object_get(root, "annotations");
	const json_t *uid = json_object_get(json_object_get(process, "user"), "uid");

	read_annotations(c, annotations);
	read_mounts(c, json_object_get(root, "mounts"));
	read_env(c, json_object_get(process, "env"));
	read_namespaces(c, json_object_get(root, "linux"));
	if (json_is_integer(uid))
		c->uid = (uint32_t)json_integer_value(uid);
	c->is_privileged = read_privileged(root, annotations);
	json_decref(root);
	return 0;
}
