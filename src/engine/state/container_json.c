/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of a container in captures: {"container":{…}} with the keys of Falco's container plugin
 * (container_info), which are also those of the libs before it. Older files lack some, and have
 * null where others have an object. The text may be a stranger's: sizes and counts are limited, and
 * a wrong type is an absent value.
 */
#include <errno.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/state/private.h"

enum { MOUNTS_MAX = 512, ENV_MAX = 2048, PROBE_MAX = 4096 };

/* ---- reading ---- */

static struct str keep(struct container *c, const json_t *o, const char *key)
{
	struct str s = json_text(o, key);

	return s.len ? arena_str(&c->arena, s) : STR_NULL;
}

static bool is_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static uint64_t number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) && json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v)
							       : 0;
}

static void read_mounts(struct container *c, const json_t *mounts)
{
	size_t n = json_array_size(mounts);

	if (n > MOUNTS_MAX)
		n = MOUNTS_MAX;
	if (!n || !(c->mounts = arena_array(&c->arena, struct container_mount, n)))
		return;
	for (size_t i = 0; i < n; i++) {
		const json_t *m = json_array_get(mounts, i);

		c->mounts[c->nmounts++] = (struct container_mount){
			.source = keep(c, m, "Source"),
			.dest = keep(c, m, "Destination"),
			.mode = keep(c, m, "Mode"),
			.propagation = keep(c, m, "Propagation"),
			.is_rw = is_true(m, "RW"),
		};
	}
}

static void read_env(struct container *c, const json_t *env)
{
	size_t n = json_array_size(env);

	if (n > ENV_MAX)
		n = ENV_MAX;
	if (!n || !(c->env = arena_array(&c->arena, struct str, n)))
		return;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(env, i);

		if (json_is_string(v))
			c->env[c->nenv++] = arena_str(
				&c->arena, str_make(json_string_value(v), json_string_length(v)));
	}
}

/* {"exe":…,"args":[…]} as one line */
static struct str read_probe(struct container *c, const json_t *o, const char *key)
{
	const json_t *probe = json_object_get(o, key), *args = json_object_get(probe, "args");
	struct buf b = BUF_INIT(PROBE_MAX);
	struct str line;

	buf_add(&b, json_text(probe, "exe"));
	for (size_t i = 0; i < json_array_size(args); i++) {
		const json_t *v = json_array_get(args, i);

		buf_add_char(&b, ' ');
		buf_add_cstr(&b, json_is_string(v) ? json_string_value(v) : "");
	}
	line = b.len ? arena_str(&c->arena, buf_str(&b)) : STR_NULL;
	buf_done(&b);
	return line;
}

static struct str label(const struct container *c, const char *key)
{
	for (size_t i = 0; i < c->nlabels; i++)
		if (str_is(c->labels[i].key, key))
			return c->labels[i].value;
	return STR_NULL;
}

/* kubelet's labels say whose pod it is. */
static void read_pod(struct container *c, const json_t *o)
{
	c->is_sandbox = is_true(o, "is_pod_sandbox");
	c->pod_name = label(c, "io.kubernetes.pod.name");
	c->pod_ns = label(c, "io.kubernetes.pod.namespace");
	c->pod_uid = label(c, "io.kubernetes.pod.uid");
	c->pod_full_sandbox_id = keep(c, o, "pod_sandbox_id");
	if (!c->pod_full_sandbox_id.len)
		c->pod_full_sandbox_id = label(c, "io.kubernetes.sandbox.id");
	c->pod_sandbox_id = str_head(c->pod_full_sandbox_id, 12);
	c->cni_json = keep(c, o, "cni_json");
}

static void read_id(struct container *c, const json_t *o)
{
	struct str id = json_text(o, "id"), full = json_text(o, "full_id");

	c->full_id = arena_str(&c->arena, full.len ? full : id);
	c->id = str_head(c->full_id, 12);
	if (id.len && !str_eq(c->id, str_head(id, 12)))
		c->id = arena_str(&c->arena, str_head(id, 12));
}

int container_from_json(struct container *c, struct str json, struct err *e)
{
	json_t *root = json_load_bounded(json, e);
	const json_t *o = json_object_get(root, "container");
	const json_t *type = json_object_get(o, "type");
	struct str user;
	uint64_t uid;

	if (!root)
		return err_context(e, "the JSON of a container");
	if (!json_is_object(o)) {
		json_decref(root);
		return err_set(e, EINVAL, "the JSON of a container has no object \"container\"");
	}
	read_id(c, o);
	c->type = json_is_integer(type) ? (enum container_type)json_integer_value(type)
					: CONTAINER_UNKNOWN;
	c->name = keep(c, o, "name");
	c->image = keep(c, o, "image");
	c->image_id = keep(c, o, "imageid");
	c->image_repo = keep(c, o, "imagerepo");
	c->image_tag = keep(c, o, "imagetag");
	c->image_digest = keep(c, o, "imagedigest");
	c->ip = keep(c, o, "ip");
	user = json_text(o, "User");
	c->uid = str_to_u64(str_cut(&user, ':'), 10, &uid) ? (uint32_t)uid : UINT32_MAX;
	c->created_ns = number(o, "created_time") * NSEC_PER_SEC;
	c->is_privileged = is_true(o, "privileged");
	c->host_pid = is_true(o, "host_pid");
	c->host_network = is_true(o, "host_network");
	c->host_ipc = is_true(o, "host_ipc");
	container_labels_from_json(c, json_object_get(o, "labels"), false);
	container_labels_from_json(c, json_object_get(o, "pod_sandbox_labels"), true);
	read_mounts(c, json_object_get(o, "Mounts"));
	read_env(c, json_object_get(o, "env"));
	read_pod(c, o);
	c->healthcheck = read_probe(c, o, "Healthcheck");
	c->liveness = read_probe(c, o, "LivenessProbe");
	c->readiness = read_probe(c, o, "ReadinessProbe");
	c->is_complete = true;
	json_decref(root);
	return 0;
}

/* ---- writing ---- */

struct writer {
	struct buf *b;
	bool first;
};

static void add_key(struct writer *w, const char *key)
{
	json_add_key(w->b, &w->first, key);
}

static void add_str(struct writer *w, const char *key, struct str s)
{
	add_key(w, key);
	json_add_str(w->b, s);
}

static void add_bool(struct writer *w, const char *key, bool v)
{
	add_key(w, key);
	buf_add_cstr(w->b, v ? "true" : "false");
}

static void add_number(struct writer *w, const char *key, uint64_t v)
{
	add_key(w, key);
	buf_add_u64(w->b, v);
}

static void add_labels(struct writer *w, const char *key, const struct label *labels, size_t n)
{
	add_key(w, key);
	buf_add_char(w->b, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(w->b, ',');
		json_add_str(w->b, labels[i].key);
		buf_add_char(w->b, ':');
		json_add_str(w->b, labels[i].value);
	}
	buf_add_char(w->b, '}');
}

static void add_mounts(struct writer *w, const struct container *c)
{
	add_key(w, "Mounts");
	buf_add_char(w->b, '[');
	for (size_t i = 0; i < c->nmounts; i++) {
		struct writer m = {w->b, true};

		buf_add_cstr(w->b, i ? ",{" : "{");
		add_str(&m, "Source", c->mounts[i].source);
		add_str(&m, "Destination", c->mounts[i].dest);
		add_str(&m, "Mode", c->mounts[i].mode);
		add_bool(&m, "RW", c->mounts[i].is_rw);
		add_str(&m, "Propagation", c->mounts[i].propagation);
		buf_add_char(w->b, '}');
	}
	buf_add_char(w->b, ']');
}

static void add_env(struct writer *w, const struct container *c)
{
	add_key(w, "env");
	buf_add_char(w->b, '[');
	for (size_t i = 0; i < c->nenv; i++) {
		if (i)
			buf_add_char(w->b, ',');
		json_add_str(w->b, c->env[i]);
	}
	buf_add_char(w->b, ']');
}

static void add_probe(struct writer *w, const char *key, struct str line)
{
	struct writer p = {w->b, true};

	if (!line.len)
		return;
	add_key(w, key);
	buf_add_char(w->b, '{');
	add_str(&p, "exe", str_cut(&line, ' '));
	add_key(&p, "args");
	buf_add_char(w->b, '[');
	for (bool first = true; line.s; first = false) {
		if (!first)
			buf_add_char(w->b, ',');
		json_add_str(w->b, str_cut(&line, ' '));
	}
	buf_add_cstr(w->b, "]}");
}

static void add_image(struct writer *w, const struct container *c)
{
	add_str(w, "image", c->image);
	add_str(w, "imageid", c->image_id);
	add_str(w, "imagerepo", c->image_repo);
	add_str(w, "imagetag", c->image_tag);
	add_str(w, "imagedigest", c->image_digest);
}

/* What koban does not know of a container, readers expect all the same. */
static void add_unknown(struct writer *w)
{
	static const char *const limits[] = {"cpu_period", "cpu_quota", "cpu_shares",
		"cpuset_cpu_count", "memory_limit", "swap_limit", "metadata_deadline"};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		add_number(w, limits[i], 0);
	add_key(w, "port_mappings");
	buf_add_cstr(w->b, "[]");
	add_number(w, "lookup_state", 1); /* successful */
}

static void add_user(struct writer *w, const struct container *c)
{
	add_key(w, "User");
	if (c->uid == UINT32_MAX)
		buf_add_cstr(w->b, "\"\"");
	else
		buf_printf(w->b, "\"%u\"", c->uid);
}

void container_to_json(const struct container *c, struct buf *out)
{
	struct writer w = {out, true};

	buf_add_cstr(out, "{\"container\":{");
	add_number(&w, "type", (uint64_t)c->type);
	add_str(&w, "id", c->id);
	add_str(&w, "full_id", c->full_id);
	add_str(&w, "name", c->name);
	add_image(&w, c);
	add_str(&w, "ip", c->ip);
	add_user(&w, c);
	add_number(&w, "created_time", c->created_ns / NSEC_PER_SEC);
	add_bool(&w, "privileged", c->is_privileged);
	add_bool(&w, "host_pid", c->host_pid);
	add_bool(&w, "host_network", c->host_network);
	add_bool(&w, "host_ipc", c->host_ipc);
	add_bool(&w, "is_pod_sandbox", c->is_sandbox);
	add_str(&w, "pod_sandbox_id", c->pod_full_sandbox_id);
	add_str(&w, "cni_json", c->cni_json);
	add_labels(&w, "labels", c->labels, c->nlabels);
	add_labels(&w, "pod_sandbox_labels", c->pod_labels, c->npod_labels);
	add_mounts(&w, c);
	add_env(&w, c);
	add_probe(&w, "Healthcheck", c->healthcheck);
	add_probe(&w, "LivenessProbe", c->liveness);
	add_probe(&w, "ReadinessProbe", c->readiness);
	add_unknown(&w);
	buf_add_cstr(out, "}}");
}
