/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Lua state with limits. Memory: an allocator that counts and refuses. Time: Lua's own hook,
 * every so many instructions, and for what runs long between two of them (C functions, huge
 * strings) the allocator and script_vm_work() look at the clock too. The clock is that of CPU time:
 * a script that waits for a slow reader of its output is not slow. What a script can reach is
 * lua_lib.c's work.
 *
 * A call whose time is over is stopped for good: from then on each instruction raises, so that
 * pcall, coroutines and variables to be closed catch nothing. Finalizers run with hooks off, hence
 * there are none (lua_lib.c).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "face/chisel/lua_private.h"

enum {
	HOOK_INSTRUCTIONS = 1000,
	CHURN_BYTES = 8 << 20, /* allocated between two looks at the clock */
	WORK_UNITS = 1 << 12,
	MESSAGE_BYTES = 4096, /* what a message needs while it is being made */
	MEMORY_DEFAULT = 256 << 20,
};

#define CALL_NS_DEFAULT (5 * NSEC_PER_SEC)

static struct script_vm *vm_of(lua_State *L)
{
	return &script_of(L)->vm;
}

/* The first function of Lua on the stack: where it happened. */
static void push_place(lua_State *L)
{
	lua_Debug ar;

	for (int level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.currentline > 0) {
			lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
			return;
		}
	}
	lua_pushliteral(L, "");
}

/* ---- time ------------------------------------------------------------------------------------ */

/* The clock is read for the first time when a call has lasted a while: most end before. */
static bool is_late(struct script_vm *vm)
{
	uint64_t now = clock_cpu_ns();

	vm->churn = vm->work = 0;
	if (!vm->deadline_ns)
		vm->deadline_ns = now + vm->max_call_ns;
	return now >= vm->deadline_ns;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
	struct script_vm *vm = vm_of(L);

	(void)ar;
	if (vm->end != SCRIPT_RUNS || is_late(vm))
		script_vm_stop(L, SCRIPT_LATE);
}

int script_vm_stop(lua_State *L, enum script_end why)
{
	struct script_vm *vm = vm_of(L);

	if (vm->end == SCRIPT_RUNS)
		vm->end = why;
	lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
	lua_sethook(vm->L, on_count, LUA_MASKCOUNT, 1);
	push_place(L);
	lua_pushliteral(L, "stopped");
	lua_concat(L, 2);
	return lua_error(L);
}

void script_vm_work(lua_State *L, unsigned units)
{
	struct script_vm *vm = vm_of(L);

	vm->work += units;
	if (vm->work >= WORK_UNITS && is_late(vm))
		script_vm_stop(L, SCRIPT_LATE);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Lua tells what a new block is for in old_size. */
static bool is_refused(struct script_vm *vm, bool is_new, size_t old_size, size_t size)
{
	uint64_t old = is_new ? 0 : old_size;

	if (size <= old)
		return false;
	if (is_new && old_size == LUA_TSTRING && size > SCRIPT_STRING_MAX + 64)
		return true;
	if (vm->used - old + size > vm->max_memory)
		return true;
	vm->churn += size - old;
	if (vm->end == SCRIPT_RUNS && vm->churn >= CHURN_BYTES && is_late(vm))
		vm->end = SCRIPT_LATE; /* little more is given: it fails, and ends soon */
	return vm->end != SCRIPT_RUNS && size - old > MESSAGE_BYTES;
}

static void *allocate(void *arg, void *block, size_t old_size, size_t size)
{
	struct script_vm *vm = arg;

	if (!size) {
		vm->used -= block ? old_size : 0;
		free(block);
		return NULL;
	}
	if (is_refused(vm, !block, old_size, size)) {
		vm->was_full = true;
		return NULL;
	}
	void *p = realloc(block, size);

	if (p)
		vm->used += size - (block ? old_size : 0);
	return p;
}

int script_vm_init(struct script_vm *vm, const struct script_limits *l, void *owner, struct err *e)
{
	*vm = (struct script_vm){
		.max_memory = l->max_memory ? l->max_memory : MEMORY_DEFAULT,
		.max_call_ns = l->max_call_ns ? l->max_call_ns : CALL_NS_DEFAULT,
	};
	vm->L = lua_newstate(allocate, vm);
	if (!vm->L)
		return err_set(e, ENOMEM,
			"no memory for a script: it may have %llu bytes, and Lua itself takes some",
			(unsigned long long)vm->max_memory);
	*(void **)lua_getextraspace(vm->L) = owner;
	lua_sethook(vm->L, on_count, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
	return script_vm_call(vm, script_lib_open, NULL, e);
}

void script_vm_done(struct script_vm *vm)
{
	if (vm->L)
		lua_close(vm->L);
	vm->L = NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int on_error(lua_State *L)
{
	if (lua_type(L, 1) == LUA_TSTRING)
		return 1;
	if (lua_type(L, 1) == LUA_TNUMBER) {
		script_string_from_number(L, 1);
		return 1;
	}
	push_place(L);
	lua_pushfstring(L, "the script raised an error that is no text but a %s value",
		luaL_typename(L, 1));
	lua_concat(L, 2);
	return 1;
}

/* "x.lua:12: " of the message, which is Lua's or ours. */
static struct str place_of(const char *message)
{
	const char *end = message ? strstr(message, ": ") : NULL;

	return end && end > message && end[-1] >= '0' && end[-1] <= '9'
		       ? str_make(message, (size_t)(end - message) + 2)
		       : STR_NULL;
}

static int explain(struct script_vm *vm, int status, const char *message, struct err *e)
{
	struct str place = place_of(message);

	if (vm->end == SCRIPT_EXITED)
		return err_set(e, ECANCELED, "the script ended itself with os.exit()");
	if (vm->end == SCRIPT_LATE)
		return err_set(e, ETIMEDOUT,
			"%.*sthe script ran longer than %llu ms without coming back",
			STR_ARG(place), (unsigned long long)(vm->max_call_ns / 1000000));
	if (status == LUA_ERRMEM)
		return err_set(e, ENOMEM,
			"the script needs more memory than it may have: %llu KiB in all, %d KiB a "
			"string",
			(unsigned long long)(vm->max_memory >> 10), SCRIPT_STRING_MAX >> 10);
	return err_set(e, EINVAL, "%s", message ? message : "the script failed without a message");
}

int script_vm_call(struct script_vm *vm, lua_CFunction fn, void *arg, struct err *e)
{
	lua_State *L = vm->L;
	int top = lua_gettop(L);

	vm->deadline_ns = 0;
	vm->was_full = false;
	lua_pushcfunction(L, on_error);
	lua_pushcfunction(L, fn);
	lua_pushlightuserdata(L, arg);
	int status = lua_pcall(L, 1, 0, top + 1);
	int r = 0;

	/* a script may have caught what stopped it, and returned before its next instruction */
	if (status != LUA_OK || vm->end != SCRIPT_RUNS)
		r = explain(vm, status, status == LUA_OK ? NULL : lua_tostring(L, -1), e);
	lua_settop(L, top);
	return r;
}
