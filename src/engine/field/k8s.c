/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The k8s.* fields: the pod, as the container runtime wrote it down for the kubelet. What only the
 * API server knows (deployments, services, …) is deprecated by Falco's container plugin and
 * missing; the fields stay, so that rules which name them load.
 */
#include "engine/field/private.h"

static const struct container *container_at(const struct field_ctx *ctx)
{
	const struct process *p = process_of(ctx);

	return p ? p->container : NULL;
}

#define POD_GETTER(member)                                                                         \
	GET(get_##member)                                                                          \
	{                                                                                          \
		const struct container *c = container_at(ctx);                                     \
		return c && give_some_str(ret, c->member);                                         \
	}

POD_GETTER(pod_name)
POD_GETTER(pod_ns)
POD_GETTER(pod_uid)
POD_GETTER(pod_sandbox_id)
POD_GETTER(pod_full_sandbox_id)

/* The pod's sandbox, which holds what all its containers share; the container itself if unknown. */
static const struct container *sandbox(const struct field_ctx *ctx)
{
	const struct container *c = container_at(ctx), *box = NULL;
	const struct field_subject *s = subject_of(ctx);

	if (c && s->state && c->pod_sandbox_id.len && !c->is_sandbox)
		box = state_container_find(s->state,
			c->pod_full_sandbox_id.len ? c->pod_full_sandbox_id : c->pod_sandbox_id);
	return box ? box : c;
}

static bool find_label(const struct container *c, struct str key, struct str *ret)
{
	for (size_t i = 0; c && i < c->npod_labels; i++)
		if (str_eq(c->pod_labels[i].key, key)) {
			*ret = c->pod_labels[i].value;
			return true;
		}
	return false;
}

GET(get_pod_label)
{
	struct str s;

	return (find_label(sandbox(ctx), arg->text, &s) ||
		       find_label(container_at(ctx), arg->text, &s)) &&
	       give_str(ret, s);
}

GET(get_pod_labels)
{
	const struct container *own = container_at(ctx), *c = own;

	if (!own || !own->pod_name.len)
		return false;
	if (!c->npod_labels)
		c = sandbox(ctx);
	return give_str(ret, field_labels_text(ctx, c->pod_labels, c->npod_labels));
}

GET(get_pod_ip)
{
	const struct container *own = container_at(ctx);

	if (!own || !own->pod_name.len)
		return false;
	return give_some_str(ret, own->ip.len ? own->ip : sandbox(ctx)->ip);
}

GET(get_pod_cni)
{
	const struct container *own = container_at(ctx);

	if (!own || !own->pod_name.len)
		return false;
	return give_some_str(ret, own->cni_json.len ? own->cni_json : sandbox(ctx)->cni_json);
}

#define GONE                                                                                       \
	"Deprecated and always missing: only the Kubernetes API knows it, and nothing asks the "   \
	"API for an event."

static const struct field_def fields[] = {
	{"k8s.pod.name", VT_STR, 0, "Name of the pod. Missing outside Kubernetes.", get_pod_name},
	{"k8s.ns.name", VT_STR, 0, "Namespace of the pod: k8s.ns.name = kube-system.", get_pod_ns},
	{"k8s.pod.id", VT_STR, 0, "The pod's UID under its old name; see k8s.pod.uid.",
		get_pod_uid},
	{"k8s.pod.uid", VT_STR, 0,
		"UID that the API server gave the pod: 3e41dc6b-08a8-44db-bc2a-3724b18ab19a.",
		get_pod_uid},
	{"k8s.pod.sandbox_id", VT_STR, 0,
		"First 12 characters of the id of the pod's sandbox, the container that holds its "
		"namespaces.",
		get_pod_sandbox_id},
	{"k8s.pod.full_sandbox_id", VT_STR, 0, "Whole id of the pod's sandbox.",
		get_pod_full_sandbox_id},
	{"k8s.pod.label", VT_STR, NEED_KEY,
		"One label of the pod: k8s.pod.label.app, k8s.pod.label[app.kubernetes.io/name].",
		get_pod_label},
	{"k8s.pod.labels", VT_STR, 0,
		"All labels of the pod as key:value, separated by a comma and a blank.",
		get_pod_labels},
	{"k8s.pod.ip", VT_STR, 0, "The pod's first IPv4 address, where it is known.", get_pod_ip},
	{"k8s.pod.cni.json", VT_STR, 0,
		"What the network plugin answered for the pod, as JSON, where it is known.",
		get_pod_cni},
	{"k8s.rc.name", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.rc.id", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.rc.label", VT_STR, DEPRECATED | NEED_KEY, GONE, field_get_missing},
	{"k8s.rc.labels", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.svc.name", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.svc.id", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.svc.label", VT_STR, DEPRECATED | NEED_KEY, GONE, field_get_missing},
	{"k8s.svc.labels", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.ns.id", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.ns.label", VT_STR, DEPRECATED | NEED_KEY, GONE, field_get_missing},
	{"k8s.ns.labels", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.rs.name", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.rs.id", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.rs.label", VT_STR, DEPRECATED | NEED_KEY, GONE, field_get_missing},
	{"k8s.rs.labels", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.deployment.name", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.deployment.id", VT_STR, DEPRECATED, GONE, field_get_missing},
	{"k8s.deployment.label", VT_STR, DEPRECATED | NEED_KEY, GONE, field_get_missing},
	{"k8s.deployment.labels", VT_STR, DEPRECATED, GONE, field_get_missing},
};

const struct field_class field_class_k8s = {
	.name = "k8s",
	.desc = "The Kubernetes pod in which the event happened.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
};
