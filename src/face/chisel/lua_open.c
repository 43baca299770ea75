/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script from its file to the first event: loaded, described, given its arguments, started, and
 * replaced by another where it asks for that with chisel.exec(). When its callbacks are called is
 * lua.c's work.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "face/chisel/lua_private.h"

enum {
	ARENA_MAX = 64 << 20,
	SCRATCH_MAX = 64 << 20,
	TEXT_MAX = 2 * SCRIPT_STRING_MAX,
};

/* ---- life ------------------------------------------------------------------------------------ */

static void forget(struct script *s)
{
	script_vm_done(&s->vm);
	event_filter_close(s->filter);
	event_filter_close(s->global_filter);
	s->filter = s->global_filter = NULL;
	s->formatter = NULL;
	s->fields = NULL;
	s->nfields = s->nholders = 0;
	s->interval_ns = s->precise_ns = 0;
	arena_done(&s->arena);
	arena_init(&s->arena, ARENA_MAX);
}

static struct script *script_new(const struct chisel_env *env, const char *path, struct err *e)
{
	struct script *s = calloc(1, sizeof(*s));

	if (!s || !(s->path = strdup(path))) {
		free(s);
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	s->env = env;
	s->bytes = env->style.bytes;
	s->is_form_fixed = s->bytes != BYTES_DOTS;
	s->text = BUF_INIT(TEXT_MAX);
	s->shown = BUF_INIT(4 * TEXT_MAX);
	arena_init(&s->arena, ARENA_MAX);
	arena_init(&s->scratch, SCRATCH_MAX);
	return s;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	forget(s);
	arena_done(&s->arena);
	arena_done(&s->scratch);
	buf_done(&s->text);
	buf_done(&s->shown);
	free(s->path);
	free(s);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int run_file(lua_State *L)
{
	script_module_load(L, script_of(L)->path);
	lua_call(L, 0, 0);
	return 0;
}

static int load(struct script *s, struct err *e)
{
	const struct script_limits l = {s->env->max_memory, s->env->max_call_ns};
	int r = script_vm_init(&s->vm, &l, s, e);

	return r < 0 ? r : script_vm_call(&s->vm, run_file, NULL, e);
}

/* A text of the global or table field on the top of the stack, in the arena; pops it. */
static struct str take_text(lua_State *L, struct arena *a)
{
	struct str text = STR_NULL;

	if (lua_type(L, -1) == LUA_TSTRING) {
		script_push_text(L, str_make(lua_tostring(L, -1), lua_rawlen(L, -1)));
		text = arena_str(a, str_make(lua_tostring(L, -1), lua_rawlen(L, -1)));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return text;
}

static bool take_flag(lua_State *L)
{
	bool flag = lua_toboolean(L, -1);

	lua_pop(L, 1);
	return flag;
}

struct description {
	struct arena *arena;
	struct chisel_info *info;
	bool is_view;
};

static void read_arg(lua_State *L, struct arena *a, struct chisel_arg *arg)
{
	lua_getfield(L, -1, "name");
	arg->name = take_text(L, a);
	lua_getfield(L, -1, "description");
	arg->desc = take_text(L, a);
	lua_getfield(L, -1, "argtype");
	arg->type = take_text(L, a);
	lua_getfield(L, -1, "optional");
	arg->is_optional = take_flag(L);
	if (!arg->name.len)
		luaL_error(L, "an entry of the script's table \"args\" has no name");
	if (!arg->type.len)
		arg->type = STR("string");
}

/* The table "args" on the top of the stack; pops it. */
static void read_args(lua_State *L, struct arena *a, const struct chisel_arg **ret, size_t *ret_n)
{
	size_t n = lua_istable(L, -1) ? lua_rawlen(L, -1) : 0;
	struct chisel_arg *args = arena_array(a, struct chisel_arg, n + 1);

	if (n > SCRIPT_ARGS_MAX || !args)
		luaL_error(
			L, "the script's table \"args\" has more than %d entries", SCRIPT_ARGS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TTABLE)
			luaL_error(L, "entry %d of the script's table \"args\" is no table",
				(int)i + 1);
		read_arg(L, a, &args[i]);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	*ret = args;
	*ret_n = n;
}

static int read_description(lua_State *L)
{
	struct description *d = lua_touserdata(L, 1);
	struct chisel_info *info = d->info;

	lua_getglobal(L, "description");
	info->desc = take_text(L, d->arena);
	lua_getglobal(L, "short_description");
	info->summary = take_text(L, d->arena);
	lua_getglobal(L, "category");
	info->category = take_text(L, d->arena);
	lua_getglobal(L, "hidden");
	info->is_hidden = take_flag(L);
	lua_getglobal(L, "args");
	read_args(L, d->arena, &info->args, &info->nargs);
	lua_getglobal(L, "view_info");
	d->is_view = take_flag(L);
	return 0;
}

static struct str name_of(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');
	struct str name = str_skip(path, (size_t)(slash + 1));

	return str_ends(name, STR(".lua")) ? str_head(name, name.len - 4) : name;
}

int script_describe(const char *path, struct arena *a, struct chisel_info *ret, struct err *e)
{
	/* what a file says of itself is said quickly */
	static const struct chisel_env env = {.max_memory = 32 << 20, .max_call_ns = NSEC_PER_SEC};
	struct script *s = script_new(&env, path, e);
	struct description d = {a, ret, false};
	int r = s ? load(s, e) : -ENOMEM;

	if (r == 0)
		r = script_vm_call(&s->vm, read_description, &d, e);
	script_free(s);
	if (r < 0)
		return r;
	ret->name = arena_str(a, name_of(str_of(path)));
	ret->path = arena_str(a, str_of(path));
	ret->is_script = true;
	if (!ret->desc.len)
		ret->desc = ret->summary;
	/* views of csysdig and modules lie in the same folders */
	if (d.is_view)
		err_set(e, EINVAL,
			"%s is a view of csysdig, not a chisel; koban top has its own views", path);
	return d.is_view || !(ret->desc.len || ret->summary.len);
}

/* ---- opening --------------------------------------------------------------------------------- */

struct opening {
	struct script *s;
	struct chisel_info info;
	const struct str *args;
	size_t nargs;
};

static int read_own_args(lua_State *L)
{
	struct opening *o = lua_touserdata(L, 1);

	lua_getglobal(L, "args");
	read_args(L, &o->s->arena, &o->info.args, &o->info.nargs);
	lua_getglobal(L, "view_info");
	if (take_flag(L))
		return luaL_error(
			L, "a view of csysdig is no chisel; koban top has views of its own");
	return 0;
}

static int check_args(const struct opening *o, struct err *e)
{
	size_t needed = 0;

	for (size_t i = 0; i < o->info.nargs; i++)
		needed += !o->info.args[i].is_optional;
	if (o->nargs < needed) {
		/* values go by position: the first that has none is the one that is missing */
		const struct chisel_arg *missing = &o->info.args[o->nargs];

		return err_set(e, EINVAL, "the argument %.*s is missing%s%.*s",
			STR_ARG(missing->name), missing->desc.len ? ": " : "",
			STR_ARG(missing->desc));
	}
	if (o->nargs > o->info.nargs)
		return err_set(e, EINVAL, "the argument \"%.*s\" is one too many: it takes %zu",
			STR_ARG(o->args[o->info.nargs]), o->info.nargs);
	return 0;
}

static int set_args(lua_State *L)
{
	struct opening *o = lua_touserdata(L, 1);

	for (size_t i = 0; i < o->nargs; i++) {
		struct str name = o->info.args[i].name, value = o->args[i];

		if (lua_getglobal(L, "on_set_arg") != LUA_TFUNCTION)
			return luaL_error(L, "the script has arguments and no on_set_arg()");
		lua_pushlstring(L, name.s, name.len);
		lua_pushlstring(L, value.s ? value.s : "", value.len);
		if (!script_judge(L, "on_set_arg", 2, true))
			return luaL_error(L, "the argument %s is not accepted: \"%s\"",
				lua_pushlstring(L, name.s, name.len),
				lua_pushlstring(L, value.s ? value.s : "", value.len));
	}
	return 0;
}

static int call_init(lua_State *L)
{
	const struct script *s = script_of(L);

	if (lua_getglobal(L, "on_init") != LUA_TFUNCTION)
		return 0;
	bool says = script_judge(L, "on_init", 0, false);
	if (s->exec_name.len)
		return 0;
	if (!says)
		return luaL_error(
			L, "the script does not want to run: its on_init() did not return true");
	return 0;
}

static int open_file(struct script *s, const struct str *args, size_t nargs, struct err *e)
{
	struct opening o = {.s = s, .args = args, .nargs = nargs};
	int r = load(s, e);

	if (r == 0)
		r = script_vm_call(&s->vm, read_own_args, &o, e);
	if (r == 0)
		r = check_args(&o, e);
	if (r == 0)
		r = script_vm_call(&s->vm, set_args, &o, e);
	return r < 0 ? r : script_vm_call(&s->vm, call_init, NULL, e);
}

/* What chisel.exec() asked for, with everything of the present file gone. */
static int follow_exec(struct script *s, struct err *e)
{
	struct arena args_arena;
	struct str args[SCRIPT_ARGS_MAX + 1];
	size_t n = s->nexec_args;
	char path[PATH_MAX];

	if (++s->nexecs > SCRIPT_EXEC_MAX)
		return err_set(e, ELOOP, "more than %d scripts run one another with chisel.exec()",
			SCRIPT_EXEC_MAX);
	if (!script_module_find(s, s->exec_name, path, sizeof(path)))
		return err_set(e, ENOENT,
			"chisel.exec: there is no script \"%.*s\" in its folder or "
			"those of the chisels",
			STR_ARG(s->exec_name));
	char *copy = strdup(path);
	if (!copy)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&args_arena, 0);
	for (size_t i = 0; i < n; i++)
		args[i] = arena_str(&args_arena, s->exec_args[i]);
	free(s->path);
	s->path = copy;
	s->exec_name = STR_NULL;
	forget(s);
	int r = open_file(s, args, n, e);
	arena_done(&args_arena);
	return r;
}

int script_open(struct chisel *c, const struct str *args, size_t nargs, struct err *e)
{
	char path[PATH_MAX];

	if (!str_copy(c->info->path, path, sizeof(path)))
		return err_set(e, ENAMETOOLONG, "the script's path is too long");
	struct script *s = script_new(c->env, path, e);
	if (!s)
		return -ENOMEM;
	c->self = s;
	tzset();
	int r = open_file(s, args, nargs, e);
	while (r == 0 && s->exec_name.len)
		r = follow_exec(s, e);
	return r < 0 ? err_context(e, "%.*s", STR_ARG(c->info->name)) : 0;
}
