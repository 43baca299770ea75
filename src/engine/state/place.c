/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the engines put a container's bundle, and finding it: a list of paths with wildcards, all
 * of them below the host's root and resolved inside it. The runtime reads config.json before it
 * starts the first process, so whoever can be seen in a container has one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "engine/state/private.h"

enum { PATH_SIZE = 2048, ENTRIES_MAX = 4096, LOOK_ARENA_MAX = 64 << 20 };

/* "{id}" is the full id, "{home}" the home of the user whose process it is. */
static const char *const bundle_paths[] = {
	/* containerd, moby's own containerd, k3s and rke2, microk8s, containerd 1.x's v1 shim */
	"run/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",
	"run/docker/containerd/daemon/io.containerd.runtime.v2.task/*/{id}/config.json",
	"run/k3s/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",
	"var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",
	"run/containerd/io.containerd.runtime.v1.linux/*/{id}/config.json",
	"run/user/*/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",
	/* CRI-O, Podman, rootless Podman */
	"run/containers/storage/*-containers/{id}/userdata/config.json",
	"var/lib/containers/storage/*-containers/{id}/userdata/config.json",
	"{home}/.local/share/containers/storage/*-containers/{id}/userdata/config.json",
	"home/*/.local/share/containers/storage/*-containers/{id}/userdata/config.json",
	/* crun keeps a copy */
	"run/crun/{id}/config.json",
	"run/user/*/crun/{id}/config.json",
};

/* The runtimes' own state, which names the bundle. */
static const char *const state_paths[] = {
	"run/runc/{id}/state.json",
	"run/runc-*/{id}/state.json",
	"run/runc/*/{id}/state.json",
	"run/containerd/runc/*/{id}/state.json",
	"run/docker/runtime-*/*/{id}/state.json",
	"run/user/*/runc/{id}/state.json",
	"run/crun/{id}/status",
	"run/user/*/crun/{id}/status",
};

int host_open(const struct state *s, const char *path, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, s->root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int host_read(struct state *s, struct arena *a, const char *path, struct str *ret)
{
	return io_read_in_root(a, s->root_fd, path, BUNDLE_FILE_MAX, ret);
}

static bool exists(const struct state *s, const char *path)
{
	int fd = host_open(s, path, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool find_from(const struct state *s, char *path, size_t at);

/* Tries each entry of the folder path[0 … at) that the pattern fits, put in the pattern's place. */
static bool find_in_dir(
	const struct state *s, char *path, size_t at, const char *pattern, const char *rest)
{
	char saved = path[at];
	unsigned n = 0;
	bool found = false;

	path[at] = 0;
	int fd = host_open(s, at ? path : ".", O_RDONLY | O_DIRECTORY);

	path[at] = saved;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (struct dirent *de; !found && n < ENTRIES_MAX && (de = readdir(d)); n++) {
		char next[PATH_SIZE];

		if (de->d_name[0] == '.' || fnmatch(pattern, de->d_name, FNM_PERIOD))
			continue;
		int len = snprintf(next, sizeof(next), "%.*s%s%s", (int)at, path, de->d_name, rest);

		if (len < 0 || (size_t)len >= sizeof(next))
			continue;
		if ((found = find_from(s, next, at + strlen(de->d_name))))
			memcpy(path, next, strlen(next) + 1);
	}
	closedir(d);
	return found;
}

/* Resolves the wildcards of path from offset `at` on; the first that exists is left in path. */
static bool find_from(const struct state *s, char *path, size_t at)
{
	char *star = strchr(path + at, '*');

	if (!star)
		return exists(s, path);
	size_t begin = (size_t)(star - path), end = begin;
	char pattern[256], rest[PATH_SIZE];

	while (begin && path[begin - 1] != '/')
		begin--;
	while (path[end] && path[end] != '/')
		end++;
	if (!str_copy(str_make(path + begin, end - begin), pattern, sizeof(pattern)) ||
		!str_copy(str_of(path + end), rest, sizeof(rest)))
		return false;
	return find_in_dir(s, path, begin, pattern, rest);
}

/* Fills "{id}" and "{home}" in; false when it does not fit or there is no home. */
static bool expand(const char *template, struct str id, struct str home, char *out)
{
	struct buf b = BUF_INIT(PATH_SIZE - 1);
	bool ok = true;

	while (*template) {
		if (!strncmp(template, "{id}", 4)) {
			buf_add(&b, id);
			template += 4;
		} else if (!strncmp(template, "{home}", 6)) {
			ok = home.len > 0;
			buf_add(&b, home);
			template += 6;
		} else {
			buf_add_char(&b, *template ++);
		}
	}
	ok = ok && !b.cut && str_copy(buf_str(&b), out, PATH_SIZE);
	buf_done(&b);
	return ok;
}

static bool find_any(struct state *s, const char *const *templates, size_t n, struct str id,
	struct str home, char *path)
{
	for (size_t i = 0; i < n && templates[i]; i++)
		if (expand(templates[i], id, home, path) && find_from(s, path, 0))
			return true;
	return false;
}

bool containerd_has_task(struct state *s, struct str ns, struct str id)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < 4; i++) {
		if (!expand(bundle_paths[i], id, STR_NULL, path))
			continue;
		/* the namespace stands where the list has its wildcard */
		char *star = strchr(path, '*');
		char whole[PATH_SIZE];
		int n = !star ? -1
			      : snprintf(whole, sizeof(whole), "%.*s%.*s%s", (int)(star - path),
					path, STR_ARG(ns), star + 1);

		if (n > 0 && (size_t)n < sizeof(whole) && exists(s, whole))
			return true;
	}
	return false;
}

/* "…/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json": moby is Docker's namespace. */
static void type_from_path(struct container *c, struct str path)
{
	if (str_find(path, STR("io.containerd.runtime.")) < 0)
		return;
	c->type = str_find(path, STR("/moby/")) >= 0 ? CONTAINER_DOCKER : CONTAINER_CONTAINERD;
}

static struct str dir_of(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? STR_NULL : str_head(path, (size_t)slash);
}

static int read_bundle(struct state *s, struct container *c, struct arena *a, const char *path)
{
	struct str json;
	int r = host_read(s, a, path, &json);

	if (r < 0)
		return r;
	type_from_path(c, str_of(path));
	r = container_parse_bundle(c, json, NULL);
	if (r < 0)
		return r;
	struct str dir = dir_of(str_of(path));

	c->bundle = arena_printf(&c->arena, "%s%.*s", path[0] == '/' ? "" : "/", STR_ARG(dir));
	if (!c->created_ns) {
		struct stat st;
		int fd = host_open(s, path, O_PATH);

		if (fd >= 0 && fstat(fd, &st) == 0)
			c->created_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000ULL +
					(uint64_t)st.st_mtim.tv_nsec;
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

/* runc's state.json has "bundle=DIR" among config.labels, crun's status a key "bundle". */
static bool bundle_of_state(struct state *s, struct arena *a, const char *path, char *out)
{
	struct str text, dir;
	struct err e;

	if (host_read(s, a, path, &text) < 0)
		return false;
	struct json_t *j = json_load_bounded(text, &e);

	dir = json_text(j, "bundle");
	if (!dir.len)
		dir = runc_label(j, STR("bundle="));
	int n = dir.len ? snprintf(out, PATH_SIZE, "%.*s/config.json", STR_ARG(dir)) : -1;

	json_unref(j);
	return n > 0 && n < PATH_SIZE;
}

/* "/…/overlay-containers/ID/userdata" → "/…" */
static struct str storage_root(struct str bundle)
{
	struct str dir = dir_of(dir_of(bundle));

	return str_ends(dir, STR("-containers")) ? dir_of(dir) : STR_NULL;
}

static bool has_bundle(enum container_type t)
{
	return t == CONTAINER_DOCKER || t == CONTAINER_CRI || t == CONTAINER_CONTAINERD ||
	       t == CONTAINER_CRIO || t == CONTAINER_PODMAN;
}

static int find_and_read(struct state *s, struct container *c, struct arena *a, uint32_t uid)
{
	char path[PATH_SIZE], state_path[PATH_SIZE];
	const struct user *u = state_user(s, NULL, uid);
	struct str home = u && str_starts(u->home, STR("/")) ? str_skip(u->home, 1) : STR_NULL;
	size_t n = sizeof(bundle_paths) / sizeof(*bundle_paths);

	if (find_any(s, bundle_paths, n, c->full_id, home, path) ||
		(s->o.bundle_globs && find_any(s, s->o.bundle_globs, 64, c->full_id, home, path)))
		return read_bundle(s, c, a, path);
	n = sizeof(state_paths) / sizeof(*state_paths);
	if (find_any(s, state_paths, n, c->full_id, home, state_path) &&
		bundle_of_state(s, a, state_path, path))
		return read_bundle(s, c, a, path);
	return -ENOENT;
}

/* What a pod's containers share is told by the bundle of its sandbox. */
static void add_sandbox(struct state *s, struct container *c, struct arena *a, uint32_t uid)
{
	if (c->is_sandbox || !c->pod_full_sandbox_id.len ||
		str_eq(c->pod_full_sandbox_id, c->full_id))
		return;
	struct container *pod = container_new(c->type, c->pod_full_sandbox_id);

	if (pod && find_and_read(s, pod, a, uid) == 0) {
		if (pod->type == CONTAINER_CONTAINERD)
			containerd_fill(s, pod, a);
		c->host_pid |= pod->host_pid;
		c->host_network |= pod->host_network;
		c->host_ipc |= pod->host_ipc;
		if (!c->ip.len)
			c->ip = arena_str(&c->arena, pod->ip);
		if (!c->cni_json.len)
			c->cni_json = arena_str(&c->arena, pod->cni_json);
		for (size_t i = 0; i < pod->npod_labels; i++)
			container_add_pod_label(
				c, pod->pod_labels[i].key, pod->pod_labels[i].value);
	}
	container_unref(pod);
}

int container_look_up(struct state *s, struct container *c, uint32_t uid)
{
	struct arena a;

	if (!has_bundle(c->type) || s->root_fd < 0 || str_is(c->full_id, ".") ||
		str_is(c->full_id, ".."))
		return -ENOENT;
	arena_init(&a, LOOK_ARENA_MAX);
	int r = find_and_read(s, c, &a, uid);

	if (r == 0 && (c->type == CONTAINER_PODMAN || c->type == CONTAINER_CRIO))
		podman_fill(s, c, &a, storage_root(c->bundle));
	if (r == 0 && c->type == CONTAINER_CONTAINERD)
		containerd_fill(s, c, &a);
	if (r == 0 && c->type == CONTAINER_CONTAINERD && !c->name.len)
		/* containerd itself knows no names; ctr's ids are names, a runtime's are 64 digits
		 */
		c->name = c->full_id.len == 64 ? c->id : c->full_id;
	if (r == 0)
		add_sandbox(s, c, &a, uid);
	if (c->type == CONTAINER_DOCKER || c->type == CONTAINER_CRI)
		r = docker_fill(s, c, &a) == 0 ? 0 : r;
	arena_done(&a);
	return r;
}
