/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The parts of the kind "script": a machine with limits (lua_vm.c), the libraries it offers
 * (lua_lib.c and its neighbours), sysdig's API on top (lua_api.c, lua_field.c, lua_threads.c), and
 * who calls the script when (lua.c).
 */
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>

#include "face/chisel/private.h"

/* ---- the machine (lua_vm.c) ------------------------------------------------------------------ */

enum script_end {
	SCRIPT_RUNS,
	SCRIPT_LATE,   /* a call took too long */
	SCRIPT_EXITED, /* os.exit() */
};

struct script_limits {
	uint64_t max_memory;  /* bytes; 0 = 256 MiB */
	uint64_t max_call_ns; /* of CPU time; 0 = 5 s */
};

/*
 * One Lua state that counts what it holds and how long a call runs. Nothing of Lua is called
 * outside script_vm_call(), so that no error of a script can end the process.
 */
struct script_vm {
	lua_State *L;
	uint64_t max_memory, max_call_ns;
	uint64_t used;        /* bytes now */
	uint64_t churn;       /* bytes handed out since the clock was read last */
	uint64_t deadline_ns; /* of CPU time; 0 = the clock was not read yet in this call */
	unsigned work;        /* units since the clock was read last */
	bool was_full;        /* an allocation was refused in this call */
	enum script_end end;
};

int script_vm_init(struct script_vm *vm, const struct script_limits *l, void *owner, struct err *e);
void script_vm_done(struct script_vm *vm);
/*
 * Calls fn(L) with `arg` as its light userdata. 0, or -errno with the script's message, which
 * begins with file:line; -ECANCELED when the script ended itself (vm->end).
 */
int script_vm_call(struct script_vm *vm, lua_CFunction fn, void *arg, struct err *e);
/* From C that a script called and that works long: raises when the call's time is over. */
void script_vm_work(lua_State *L, unsigned units);
/* Ends the script from within: nothing that it does can catch that for long. */
int script_vm_stop(lua_State *L, enum script_end why);

/* ---- a script -------------------------------------------------------------------------------- */

struct script_field; /* a requested field (lua_field.c) */

enum {
	SCRIPT_STRING_MAX = 8 << 20, /* bytes of one string */
	SCRIPT_FILE_MAX = 4 << 20,   /* bytes of one source file */
	SCRIPT_FIELDS_MAX = 4096,
	SCRIPT_ARGS_MAX = 64,
	SCRIPT_EXEC_MAX = 8, /* chisels that exec one another */
};

struct script {
	struct script_vm vm;
	const struct chisel_env *env;
	char *path;           /* of the file that runs */
	struct arena arena;   /* what is compiled; dies with the machine */
	struct arena scratch; /* of the event at hand */
	struct buf text;      /* one value, one line of output */
	struct buf shown;     /* that line as a terminal may have it */

	struct script_field **fields; /* what chisel.request_field() gave out */
	size_t nfields;
	struct event_filter *filter, *global_filter;
	struct format *formatter;
	enum event_bytes bytes;
	bool json;

	/* what a callback sees: an event, or one that only tells the time */
	struct field_subject subject; /* .ev is NULL before the first */
	struct event clock_event;
	struct process nobody;
	uint64_t first_ns, last_ns; /* of events, epoch; 0 = none yet */
	uint64_t interval_ns, precise_ns, sample_ns, last_interval_ns;
	bool is_started, is_over, has_failed;
	bool is_form_fixed; /* the command line says how data is printed */
	bool saw_controls;  /* was given raw bytes that a terminal could obey */

	unsigned nholders; /* lua_concat.c */

	/* chisel.exec() */
	struct str exec_name, *exec_args;
	size_t nexec_args;
	unsigned nexecs;
};

static inline struct script *script_of(lua_State *L)
{
	return *(struct script **)lua_getextraspace(L);
}

/* lua_open.c */
int script_describe(const char *path, struct arena *a, struct chisel_info *ret, struct err *e);
int script_open(struct chisel *c, const struct str *args, size_t nargs, struct err *e);
void script_free(struct script *s);
/*
 * Calls the function under its nargs arguments: does it say true? With must_say it raises when it
 * says neither true nor false.
 */
bool script_judge(lua_State *L, const char *name, int nargs, bool must_say);

/* ---- libraries ------------------------------------------------------------------------------- */

/* Makes the globals: what Lua offers without harm, what 5.1 had, sysdig's three tables. */
int script_lib_open(lua_State *L);
/* A function that says why it is not there. On the stack. */
void script_lib_refuse(lua_State *L, const char *name, const char *why);
/* The function of that name in the table on the top of the stack cuts its numbers from now on. */
void script_lib_cut(lua_State *L, const char *name);
/* Sets functions into the table on the top of the stack. */
void script_lib_set(lua_State *L, const luaL_Reg *functions);

void script_concat_open(lua_State *L);  /* lua_concat.c: the operator .. */
void script_string_open(lua_State *L);  /* lua_string.c */
void script_pattern_open(lua_State *L); /* lua_pattern.c: into string */
void script_table_open(lua_State *L);   /* lua_table.c */
void script_output_open(lua_State *L);  /* lua_output.c: print, io */
void script_module_open(lua_State *L);  /* lua_module.c: require, load, module … */
void script_field_open(lua_State *L);   /* lua_field.c: evt */
void script_api_open(lua_State *L);     /* lua_api.c: sysdig, chisel */

/* A number as Lua 5.1 writes it: 3.0 is "3". The value at i becomes text. */
void script_string_from_number(lua_State *L, int i);
/* Any value as tostring() gives it; pushed. */
const char *script_string_of(lua_State *L, int i, size_t *len);
/* Text of the script to where its output goes, made safe for a terminal. */
void script_output_write(struct script *s, struct str text);
/* The source with each `..` written so that script_concat_open() has a say in it. */
void script_concat_rewrite(struct str text, struct buf *out);
/* Loads a file as a function, on the stack; raises with a sentence. */
void script_module_load(lua_State *L, const char *path);
/* The file of a chisel or module in the catalogue's folders; false when there is none. */
bool script_module_find(const struct script *s, struct str name, char *path, size_t size);

/* ---- sysdig's API ---------------------------------------------------------------------------- */

/* Text from events, files' names and the like, cleaned of what a terminal would obey; pushed. */
void script_push_text(lua_State *L, struct str text);
int script_request_field(lua_State *L);
/* Before something is compiled: not too long, and it costs time. */
void script_check_filter(lua_State *L, size_t len);
/* Of all events so far, also those that the script did not get; 0 = none yet. */
uint64_t script_first_ns(const struct script *s);
uint64_t script_last_ns(const struct script *s);

/* get_thread_table and its three sisters (lua_threads.c). */
int script_threads_push(lua_State *L, bool with_fds, bool is_bare);
int script_containers_push(lua_State *L);
