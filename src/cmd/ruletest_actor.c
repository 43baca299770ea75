/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did the event of a rule test: the process, its ancestors, its user and its container. A field
 * that a test leaves out gets what a usual process has.
 */
#include <errno.h>

#include "cmd/ruletest_private.h"

enum { PARENTS_MAX = 32, UNSET = 0xfffffffe };

/* ---- containers ----------------------------------------------------------------------------- */

SETTER(container, name, test_get_text, name)
SETTER(container, image, test_get_text, image)
SETTER(container, privileged, test_get_bool, is_privileged)
SETTER(container, host_pid, test_get_bool, host_pid)
SETTER(container, host_network, test_get_bool, host_network)
SETTER(container, host_ipc, test_get_bool, host_ipc)
SETTER(container, ip, test_get_text, ip)
SETTER(container, pod_name, test_get_text, pod_name)
SETTER(container, pod_ns, test_get_text, pod_ns)
SETTER(container, pod_uid, test_get_text, pod_uid)

static int set_container_id(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	c->full_id = n->text;
	c->id = str_head(n->text, 12);
	return n->text.len ? 0 : test_bad(b, n, "expected a container id");
}

static int set_container_type(struct builder *b, const struct yaml_node *n, void *row)
{
	static const struct {
		const char *name;
		enum container_type type;
	} types[] = {{"docker", CONTAINER_DOCKER}, {"containerd", CONTAINER_CONTAINERD},
		{"cri-o", CONTAINER_CRIO}, {"podman", CONTAINER_PODMAN}, {"lxc", CONTAINER_LXC}};

	for (size_t i = 0; i < COUNT(types); i++)
		if (str_is(n->text, types[i].name)) {
			((struct container *)row)->type = types[i].type;
			return 0;
		}
	return test_bad(b, n, "expected docker, containerd, cri-o, podman or lxc");
}

static int get_labels(struct builder *b, const struct yaml_node *n, struct label **ret, size_t *cnt)
{
	if (n->kind != YAML_MAP)
		return test_bad(b, n, "expected a map of labels");
	*ret = arena_array(b->a, struct label, n->nitems + 1);
	for (size_t i = 0; *ret && i < n->nitems; i++)
		(*ret)[i] = (struct label){n->keys[i]->text, n->items[i]->text};
	*cnt = n->nitems;
	return 0;
}

static int set_container_labels(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	return get_labels(b, n, &c->labels, &c->nlabels);
}

static int set_pod_labels(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	return get_labels(b, n, &c->pod_labels, &c->npod_labels);
}

SETTER(container_mount, source, test_get_text, source)
SETTER(container_mount, dest, test_get_text, dest)
SETTER(container_mount, mode, test_get_text, mode)
SETTER(container_mount, propagation, test_get_text, propagation)
SETTER(container_mount, rw, test_get_bool, is_rw)

static const struct key mount_keys[] = {{"source", set_container_mount_source},
	{"dest", set_container_mount_dest}, {"mode", set_container_mount_mode},
	{"propagation", set_container_mount_propagation}, {"rw", set_container_mount_rw}};

/* A map, or "source:dest" with an optional ":ro". */
static int read_mount(struct builder *b, const struct yaml_node *n, struct container_mount *m)
{
	struct str rest = n->text;

	m->is_rw = true;
	if (n->kind == YAML_MAP)
		return READ(b, n, mount_keys, m);
	if (n->kind != YAML_SCALAR)
		return test_bad(b, n, "expected source:dest or a map");
	m->source = str_cut(&rest, ':');
	m->dest = rest.s ? str_cut(&rest, ':') : m->source;
	m->mode = rest;
	m->is_rw = !str_is(rest, "ro");
	return 0;
}

static int set_container_mounts(struct builder *b, const struct yaml_node *n, void *row)
{
	struct container *c = row;

	if (n->kind != YAML_SEQ)
		return test_bad(b, n, "mounts must be a sequence");
	c->mounts = arena_array(b->a, struct container_mount, n->nitems + 1);
	c->nmounts = n->nitems;
	for (size_t i = 0; c->mounts && i < n->nitems; i++) {
		int e = read_mount(b, n->items[i], &c->mounts[i]);

		if (e < 0)
			return e;
	}
	return 0;
}

static const struct key pod_keys[] = {{"name", set_container_pod_name},
	{"ns", set_container_pod_ns}, {"uid", set_container_pod_uid}, {"labels", set_pod_labels}};

static int set_container_pod(struct builder *b, const struct yaml_node *n, void *row)
{
	return READ(b, n, pod_keys, row);
}

static const struct key container_keys[] = {{"id", set_container_id}, {"name", set_container_name},
	{"image", set_container_image}, {"type", set_container_type},
	{"privileged", set_container_privileged}, {"host_pid", set_container_host_pid},
	{"host_network", set_container_host_network}, {"host_ipc", set_container_host_ipc},
	{"ip", set_container_ip}, {"mounts", set_container_mounts},
	{"labels", set_container_labels}, {"pod", set_container_pod}};

static int build_container(struct builder *b, const struct yaml_node *map, struct container **ret)
{
	struct container *c = arena_new(b->a, struct container);
	ptrdiff_t at;

	if (!c)
		return -ENOMEM;
	c->refs = 1;
	c->type = CONTAINER_CONTAINERD;
	c->full_id = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	c->id = str_head(c->full_id, 12);
	c->name = STR("test");
	c->is_complete = true;
	int e = READ(b, map, container_keys, c);

	if (e < 0)
		return e;
	c->image_repo = c->image;
	at = str_rfind_char(c->image, ':');
	if (at > 0 && str_find_char(str_skip(c->image, (size_t)at), '/') < 0) {
		c->image_repo = str_head(c->image, (size_t)at);
		c->image_tag = str_skip(c->image, (size_t)at + 1);
	}
	*ret = c;
	return 0;
}

/* ---- processes ------------------------------------------------------------------------------ */

SETTER(process, name, test_get_text, comm)
SETTER(process, exe, test_get_text, exe)
SETTER(process, exepath, test_get_text, exepath)
SETTER(process, args, test_get_vector, args)
SETTER(process, cwd, test_get_text, cwd)
SETTER(process, env, test_get_vector, env)
SETTER(process, tty, test_get_u32, tty)
SETTER(process, pid, test_get_u32, pid)
SETTER(process, uid, test_get_u32, uid)
SETTER(process, gid, test_get_u32, gid)
SETTER(process, loginuid, test_get_u32, loginuid)
SETTER(process, sid, test_get_u32, sid)
SETTER(process, pgid, test_get_u32, pgid)
SETTER(process, vpid, test_get_u32, vpid)
SETTER(process, vpgid, test_get_u32, vpgid)
SETTER(process, vsid, test_get_u32, vsid)
SETTER(process, cap_effective, test_get_capabilities, cap_effective)
SETTER(process, cap_permitted, test_get_capabilities, cap_permitted)
SETTER(process, cap_inheritable, test_get_capabilities, cap_inheritable)
SETTER(process, exe_upper_layer, test_get_bool, exe_upper_layer)
SETTER(process, exe_lower_layer, test_get_bool, exe_lower_layer)
SETTER(process, exe_from_memfd, test_get_bool, exe_from_memfd)
SETTER(process, exe_writable, test_get_bool, exe_writable)

static int set_process_age(struct builder *b, const struct yaml_node *n, void *row)
{
	struct process *p = row;
	int64_t seconds;
	int e = test_get_number(b, n, &seconds);

	if (e == 0)
		p->start_epoch_ns = p->exec_epoch_ns =
			b->t->ev.ts_ns - (uint64_t)seconds * 1000000000ULL;
	return e;
}

static const struct key process_keys[] = {{"name", set_process_name}, {"exe", set_process_exe},
	{"exepath", set_process_exepath}, {"args", set_process_args}, {"cwd", set_process_cwd},
	{"env", set_process_env}, {"tty", set_process_tty}, {"pid", set_process_pid},
	{"uid", set_process_uid}, {"gid", set_process_gid}, {"loginuid", set_process_loginuid},
	{"sid", set_process_sid}, {"pgid", set_process_pgid}, {"vpid", set_process_vpid},
	{"vpgid", set_process_vpgid}, {"vsid", set_process_vsid},
	{"cap_effective", set_process_cap_effective}, {"cap_permitted", set_process_cap_permitted},
	{"cap_inheritable", set_process_cap_inheritable},
	{"is_exe_upper_layer", set_process_exe_upper_layer},
	{"is_exe_lower_layer", set_process_exe_lower_layer},
	{"is_exe_from_memfd", set_process_exe_from_memfd},
	{"is_exe_writable", set_process_exe_writable}, {"age", set_process_age}};

static struct str base_name(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static void fill_process(struct process *p)
{
	if (!p->exepath.len && p->exe.len && p->exe.s[0] == '/')
		p->exepath = p->exe;
	if (!p->comm.len)
		p->comm = str_head(base_name(p->exepath.len ? p->exepath : p->exe), 15);
	if (!p->exe.len)
		p->exe = p->exepath.len ? p->exepath : p->comm;
	uint32_t *ids[] = {&p->sid, &p->pgid, &p->vpid, &p->vpgid, &p->vsid};

	/* a shell's job: leader of its own group and session unless the test says otherwise */
	for (size_t i = 0; i < COUNT(ids); i++)
		if (*ids[i] == UNSET)
			*ids[i] = p->pid;
	p->vtid = p->vpid;
}

static int build_process(
	struct builder *b, const struct yaml_node *map, uint32_t pid, struct process **ret)
{
	struct process *p = arena_new(b->a, struct process);

	if (!p)
		return -ENOMEM;
	*p = (struct process){
		.pid = pid,
		.refs = 1,
		.start_ns = pid * 1000000000ULL,
		.start_epoch_ns = b->t->ev.ts_ns - 60 * 1000000000ULL,
		.exec_epoch_ns = b->t->ev.ts_ns - 60 * 1000000000ULL,
		.sid = UNSET,
		.pgid = UNSET,
		.vpid = UNSET,
		.vpgid = UNSET,
		.vsid = UNSET,
		.loginuid = UINT32_MAX,
		.nthreads = 1,
		.fdlimit = 1024,
		.cwd = STR("/"),
		.root = STR("/"),
	};
	int e = map ? READ(b, map, process_keys, p) : 0;

	fill_process(p);
	*ret = p;
	return e;
}

static int build_parents(struct builder *b, const struct yaml_node *seq)
{
	struct process *child = b->t->proc;

	if (seq && (seq->kind != YAML_SEQ || seq->nitems > PARENTS_MAX))
		return test_bad(b, seq,
			"parents must be a sequence of at most %d processes, the "
			"nearest first",
			PARENTS_MAX);
	for (size_t i = 0; seq && i < seq->nitems; i++) {
		int e = build_process(b, seq->items[i], (uint32_t)(900 - i), &child->parent);

		if (e < 0)
			return e;
		child->ppid = child->parent->pid;
		child = child->parent;
	}
	return 0;
}

static int build_user(struct builder *b, const struct yaml_node *map)
{
	const struct yaml_node *uid = yaml_get(map, "uid"), *name = yaml_get(map, "name");
	struct process *p = b->t->proc;

	if (map->kind != YAML_MAP)
		return test_bad(b, map, "user must be a map of uid and name");
	for (size_t i = 0; i < map->nitems; i++)
		if (!str_is(map->keys[i]->text, "uid") && !str_is(map->keys[i]->text, "name"))
			return test_bad(b, map->keys[i],
				"unknown key '%.*s': user has uid and name",
				STR_ARG(str_head(map->keys[i]->text, 60)));
	if (name)
		b->t->user_name = name->text;
	if (uid)
		return test_get_u32(b, uid, &p->uid);
	/* a name without a number: root's is known, another's does not matter */
	if (name && !str_is(name->text, "root") && p->uid == 0)
		p->uid = 1000;
	return 0;
}

int test_build_actor(struct builder *b, const struct yaml_node *map)
{
	const struct yaml_node *container = yaml_get(map, "container");
	const struct yaml_node *user = yaml_get(map, "user");
	struct container *c = NULL;
	int e = build_process(b, yaml_get(map, "proc"), 1000, &b->t->proc);

	if (e == 0)
		e = build_parents(b, yaml_get(map, "parents"));
	if (e == 0 && container)
		e = build_container(b, container, &c);
	for (struct process *p = b->t->proc; e == 0 && p; p = p->parent)
		p->container = c;
	return e == 0 && user ? build_user(b, user) : e;
}
