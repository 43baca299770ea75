/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a container's id off a cgroup path. It looks at text only; whether a container of a
 * guessed name exists is for container.c to find out.
 *
 * The innermost component that names a container decides, so that a container in a container is
 * itself. The names are those that the engines make: moby (docker), containers/common (libpod),
 * cri-o, containerd's CRI plugin and nerdctl, lxc's cgroup.c, libvirt, BOSH's bpm; kubelet's
 * cgroup drivers put their slices around them.
 */
#include <ctype.h>

#include "engine/state/private.h"

enum { ID_HEX = 64, NAME_MAX_LEN = 76 }; /* containerd: identifiers.maxLength */

static bool is_hex_id(struct str s)
{
	if (s.len != ID_HEX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isxdigit((unsigned char)s.s[i]))
			return false;
	return true;
}

/* containerd's identifiers: alphanumerics, parted by single '-', '_' or '.' */
static bool is_containerd_name(struct str s)
{
	bool parted = true;

	if (!s.len || s.len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (isalnum(c))
			parted = false;
		else if ((c == '-' || c == '_' || c == '.') && !parted)
			parted = true;
		else
			return false;
	}
	return !parted;
}

static bool is_systemd_unit(struct str s)
{
	return str_ends(s, STR(".slice")) || str_ends(s, STR(".scope")) ||
	       str_ends(s, STR(".service")) || str_ends(s, STR(".mount")) ||
	       str_ends(s, STR(".socket")) || str_ends(s, STR(".swap"));
}

static bool strip(struct str *s, struct str prefix, struct str suffix)
{
	if (s->len < prefix.len + suffix.len || !str_starts(*s, prefix) || !str_ends(*s, suffix))
		return false;
	*s = str_make(s->s + prefix.len, s->len - prefix.len - suffix.len);
	return true;
}

/* What stands before a 64-digit id in one component, and who writes that. */
static const struct {
	struct str prefix;
	enum container_type type;
} prefixes[] = {
	{STR("docker-"), CONTAINER_DOCKER},
	{STR("libpod-payload-"), CONTAINER_PODMAN},
	{STR("libpod-"), CONTAINER_PODMAN},
	{STR("cri-containerd-"), CONTAINER_CONTAINERD},
	{STR("nerdctl-"), CONTAINER_CONTAINERD},
	{STR("crio-"), CONTAINER_CRIO},
};

static bool match_prefixed(struct str part, struct cgroup_match *m)
{
	struct str name = part;

	strip(&name, STR(""), STR(".scope"));
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		struct str id = name;

		if (strip(&id, prefixes[i].prefix, STR("")) && is_hex_id(id)) {
			*m = (struct cgroup_match){prefixes[i].type, id, STR_NULL, false};
			return true;
		}
	}
	/* containerd with a systemd slice and the cgroupfs driver: "slice:prefix:id" */
	ptrdiff_t colon = str_rfind_char(name, ':');

	if (colon > 0 && is_hex_id(str_skip(name, (size_t)colon + 1)) &&
		str_find(name, STR(":cri-containerd:")) >= 0) {
		*m = (struct cgroup_match){
			CONTAINER_CONTAINERD, str_skip(name, (size_t)colon + 1), STR_NULL, false};
		return true;
	}
	return false;
}

/* A bare id: whose it is shows in what is around it; a pod of libpod is no container. */
static bool match_bare(struct str part, struct str before, struct cgroup_match *m)
{
	ptrdiff_t slash = str_rfind_char(before, '/');
	struct str parent = slash < 0 ? before : str_skip(before, (size_t)slash + 1);
	enum container_type type = CONTAINER_DOCKER;

	if (!is_hex_id(part) || str_is(parent, "libpod_parent"))
		return false;
	if (str_find(before, STR("kubepods")) >= 0)
		type = CONTAINER_CRI;
	else if (str_is(before, "/k8s.io") || str_is(before, "/default"))
		type = CONTAINER_CONTAINERD;
	*m = (struct cgroup_match){type, part, STR_NULL, false};
	return true;
}

static bool match_lxc(struct str part, struct str before, struct cgroup_match *m)
{
	struct str id = part;

	if (strip(&id, STR("lxc.payload."), STR("")) && id.len) {
		*m = (struct cgroup_match){CONTAINER_LXC, id, STR_NULL, false};
		return true;
	}
	if ((str_ends(before, STR("/lxc")) && !str_ends(before, STR("/libvirt/lxc"))) ||
		str_ends(before, STR("/lxc.payload"))) {
		*m = (struct cgroup_match){CONTAINER_LXC, part, STR_NULL, false};
		return part.len > 0;
	}
	return false;
}

static bool match_libvirt(struct str part, struct str before, struct cgroup_match *m)
{
	struct str id = part;
	bool found =
		str_ends(before, STR("/libvirt/lxc")) || strip(&id, STR(""), STR(".libvirt-lxc"));

	/* systemd's escaped '-': machine-lxc\x2d42\x2dname.scope */
	if (!found && strip(&id, STR("machine-lxc\\x2d"), STR(".scope")))
		found = true;
	*m = (struct cgroup_match){CONTAINER_LIBVIRT_LXC, id, STR_NULL, false};
	return found && id.len;
}

static bool match_bpm(struct str part, struct str before, struct cgroup_match *m)
{
	struct str id = part;

	strip(&id, STR(""), STR(".scope"));
	if (!strip(&id, STR("bpm-"), STR("")) || !id.len)
		return false;
	*m = (struct cgroup_match){CONTAINER_BPM, id, STR_NULL, false};
	return true;
}

static bool match_part(struct str part, struct str before, struct cgroup_match *m)
{
	return match_prefixed(part, m) || match_bare(part, before, m) ||
	       match_lxc(part, before, m) || match_libvirt(part, before, m) ||
	       match_bpm(part, before, m);
}

/* "/namespace/name" of containerd's own clients: true of much else, hence a guess. */
static bool guess(struct str path, struct cgroup_match *m)
{
	struct str rest = str_skip(path, 1);
	struct str ns = str_cut(&rest, '/'), id = str_cut(&rest, '/');

	if (!is_containerd_name(ns) || !is_containerd_name(id) || is_systemd_unit(ns) ||
		is_systemd_unit(id) || str_is(ns, "libpod_parent"))
		return false;
	*m = (struct cgroup_match){CONTAINER_CONTAINERD, id, ns, true};
	return true;
}

bool cgroup_parse(struct str path, struct cgroup_match *m)
{
	struct str rest = path;

	if (!path.len || path.s[0] != '/')
		return false;
	while (rest.len) {
		ptrdiff_t slash = str_rfind_char(rest, '/');

		if (slash < 0)
			break;
		struct str part = str_skip(rest, (size_t)slash + 1);

		rest = str_head(rest, (size_t)slash);
		if (match_part(part, rest, m))
			return true;
	}
	return guess(path, m);
}

bool container_id_from_cgroup(
	struct str cgroup_path, struct str *ret_full_id, enum container_type *ret_type)
{
	struct cgroup_match m;

	if (!cgroup_parse(cgroup_path, &m) || m.is_guess)
		return false;
	*ret_full_id = m.id;
	*ret_type = m.type;
	return true;
}
