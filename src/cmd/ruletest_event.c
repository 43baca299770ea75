/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML map → an event with its process, ancestors and container, as a sensor and the state would
 * give them. The format is documented in docs/testing-rules.md. What a test leaves out gets the
 * value that a usual event has, so that a test says only what matters to its rule. The parts are
 * read by ruletest_actor.c, ruletest_object.c and ruletest_param.c.
 */
#include <errno.h>

#include "cmd/ruletest_private.h"

/* ---- what follows from the rest ------------------------------------------------------------- */

/* Which parameters are names of the first path, which of the second. */
static struct event_path *path_of_param(struct event *ev, const char *name)
{
	static const char *const first[] = {"name", "path", "filename", "oldpath", "target", "dev"},
				 *const second[] = {"newpath", "linkpath", "dir"};

	for (size_t i = 0; i < COUNT(first); i++)
		if (!strcmp(name, first[i]))
			return &ev->path;
	for (size_t i = 0; i < COUNT(second); i++)
		if (!strcmp(name, second[i]))
			return &ev->target;
	return NULL;
}

/* Paths from arguments, and arguments from paths: a test need not say the same thing twice. */
static void derive_paths(struct builder *b)
{
	struct event *ev = &b->t->ev;
	bool is_exec = str_starts(str_of(ev->def->name), STR("execve"));

	for (unsigned i = 0; i < ev->def->nparams && !is_exec; i++) {
		const struct param_def *def = &ev->def->params[i];
		struct event_path *p = path_of_param(ev, def->name);

		if (!p || (def->type != PT_FSPATH && def->type != PT_FSRELPATH &&
				  def->type != PT_CHARBUF))
			continue;
		struct str raw = event_param_str(ev, i);

		if (raw.len && !p->raw.len)
			p->raw = raw;
		if (raw.len && !p->name.len) {
			p->name = path_normalise(b->a, b->t->proc->cwd, raw);
		} else if (!raw.len && p->name.len) {
			p->raw = p->raw.len ? p->raw : p->name;
			ev->params[i] = arena_str(b->a, p->raw);
			ev->params[i].len++;
		}
	}
}

static void derive_fd(struct builder *b)
{
	struct event *ev = &b->t->ev;
	int i = event_param_index(ev->def, STR("fd")), flags;
	int64_t res;
	uint64_t v;

	if (ev->def->flags & EF_CREATES_FD) {
		bool known = event_result(ev, &res);

		if ((ev->def->flags & EF_OPEN) && ev->path.name.len && !ev->has_fd) {
			ev->has_fd = true;
			ev->fd.type = FD_FILE;
		}
		if (ev->has_fd && known)
			ev->fd.num = res;
	} else if (ev->has_fd && i >= 0 && !ev->params[i].len) {
		test_put_number(b, (unsigned)i, ev->def->params[i].type, (uint64_t)ev->fd.num);
	}
	flags = event_param_index(ev->def, STR("flags"));
	if ((ev->def->flags & EF_OPEN) && flags >= 0 && event_param_u64(ev, (unsigned)flags, &v))
		ev->fd.flags = (uint32_t)v;
}

static int put_vector(struct builder *b, const char *name, struct str v)
{
	int i = event_param_index(b->t->ev.def, str_of(name));

	if (i >= 0 && !b->t->ev.params[i].len)
		b->t->ev.params[i] = v;
	return 0;
}

static void put_text(struct builder *b, const char *name, struct str s)
{
	struct str v = arena_str(b->a, s);

	v.len++;
	put_vector(b, name, v);
}

/* The parameters of an exec that the process tells as well. */
static void derive_exec(struct builder *b)
{
	struct event *ev = &b->t->ev;
	const struct process *p = b->t->proc;

	if (!str_starts(str_of(ev->def->name), STR("execve")))
		return;
	ev->exepath = p->exepath;
	ev->cwd = p->cwd;
	put_text(b, "exe", p->exe);
	put_text(b, "comm", p->comm);
	put_text(b, "cwd", p->cwd);
	put_text(b, "trusted_exepath", p->exepath);
	put_vector(b, "args", p->args);
	put_vector(b, "env", p->env);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int find_code(struct builder *b, const struct yaml_node *type)
{
	uint16_t codes[32];
	struct event *ev = &b->t->ev;
	size_t n =
		type && type->kind == YAML_SCALAR ? event_codes_by_name(type->text, codes, 32) : 0;

	for (size_t i = 0; i < n && i < 32; i++) {
		const struct event_def *def = event_def(codes[i]);

		if (!def || (def->flags & (EF_OLD | EF_ENTER)))
			continue;
		ev->code = codes[i];
		ev->def = def;
	}
	int id = type && !ev->def ? syscall_id_by_name(type->text) : -1;

	if (id >= 0) {
		ev->code = 1;
		ev->def = event_def(1);
		test_put_number(b, 0, ev->def->params[0].type, (uint64_t)id);
	}
	return ev->def ? 0 : -ENOENT;
}

static const char *const event_keys[] = {
	"type", "args", "res", "fd", "path", "target", "proc", "parents", "container", "user"};

static int check_keys(struct builder *b, const struct yaml_node *map)
{
	struct key keys[COUNT(event_keys)];

	for (size_t i = 0; i < COUNT(event_keys); i++)
		keys[i] = (struct key){event_keys[i], NULL};
	for (size_t i = 0; i < map->nitems; i++) {
		size_t k = 0;

		while (k < COUNT(keys) && !str_is(map->keys[i]->text, keys[k].name))
			k++;
		if (k == COUNT(keys))
			return test_unknown_key(b, map->keys[i], keys, COUNT(keys));
	}
	return 0;
}

static int build_object(struct builder *b, const struct yaml_node *map)
{
	const struct yaml_node *fd = yaml_get(map, "fd"), *path = yaml_get(map, "path"),
			       *target = yaml_get(map, "target"), *args = yaml_get(map, "args");
	struct event *ev = &b->t->ev;
	int e = args ? test_build_args(b, args) : 0;

	if (e == 0 && path)
		e = test_build_path(b, path, &ev->path);
	if (e == 0 && target)
		e = test_build_path(b, target, &ev->target);
	if (e == 0 && fd)
		e = test_build_fd(b, fd);
	if (e == 0)
		e = test_build_result(b, yaml_get(map, "res"));
	return e;
}

int test_event_build(
	struct arena *a, const struct yaml_node *map, struct test_event *ret, struct err *e)
{
	struct builder b = {a, e, ret};
	const struct yaml_node *type = yaml_get(map, "type");
	int r;

	*ret = (struct test_event){
		.ev = {.num = 1, .ts_ns = 1767225600000000000ULL, .fd = {.num = INT64_MIN}}};
	if (map->kind != YAML_MAP)
		return test_bad(&b, map, "an event must be a map that begins with type");
	if (!type)
		return test_bad(&b, map, "the event has no 'type'");
	if (find_code(&b, type) < 0)
		return test_bad(&b, type, "'%.*s' is no event", STR_ARG(str_head(type->text, 60)));
	ret->ev.nparams = ret->ev.def->nparams;
	if ((r = check_keys(&b, map)) < 0 || (r = test_build_actor(&b, map)) < 0 ||
		(r = build_object(&b, map)) < 0)
		return r;
	ret->ev.pid = ret->ev.tid = ret->proc->pid;
	ret->ev.start_ns = ret->proc->start_ns;
	ret->ev.uid = ret->proc->uid;
	ret->ev.gid = ret->proc->gid;
	derive_paths(&b);
	derive_fd(&b);
	derive_exec(&b);
	return 0;
}
