/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime's command line says of the container that it is about to start: containerd starts
 * a shim with the container's namespace and id, and the shim starts runc or crun with the folder of
 * the bundle. That is some time before the container's first process; a container that lives for a
 * moment only, on a machine under load, may be gone from the disk when that process is read of.
 * Text only; who may be believed, and what is done about it, is for container.c.
 */
#include "engine/state/private.h"

enum { ID_LEN = 64 };

/* The value behind an option, "--bundle DIR" or "--bundle=DIR". */
static struct str option(struct str args, struct str name)
{
	for (struct str rest = args; rest.s;) {
		struct str one = str_cut(&rest, 0);

		if (!str_starts(one, name))
			continue;
		struct str value = str_skip(one, name.len);

		if (value.len && value.s[0] == '=')
			return str_skip(value, 1);
		if (!value.len)
			return rest.s ? str_cut(&rest, 0) : STR_NULL;
	}
	return STR_NULL;
}

/* "…/io.containerd.runtime.v2.task/NAMESPACE/ID" */
static bool split_bundle(struct str bundle, struct str *ns, struct str *id)
{
	ptrdiff_t at = str_find(bundle, STR("/io.containerd.runtime."));
	struct str rest = at < 0 ? STR_NULL : str_skip(bundle, (size_t)at + 1);

	str_cut(&rest, '/');
	*ns = str_cut(&rest, '/');
	*id = str_cut(&rest, '/');
	return at >= 0;
}

bool container_announced(struct str comm, struct str args, struct cgroup_match *ret)
{
	struct str ns = STR_NULL, id = STR_NULL;

	if (str_starts(comm, STR("containerd-shim"))) {
		ns = option(args, STR("-namespace"));
		id = option(args, STR("-id"));
	} else if (str_is(comm, "runc") || str_is(comm, "crun")) {
		split_bundle(option(args, STR("--bundle")), &ns, &id);
	}
	if (!ns.len || !id.len)
		return false;
	/* the id must be what the cgroup will be read as */
	*ret = (struct cgroup_match){
		.type = str_is(ns, "moby") ? CONTAINER_DOCKER : CONTAINER_CONTAINERD,
		.id = id,
		.ns = ns,
		.is_guess = id.len != ID_LEN,
	};
	return true;
}
