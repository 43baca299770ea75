/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proc.* fields of what runs: names, command lines, environment, of the process and of its
 * ancestors. Numbers, leaders and times are in proc_ids.c. The fields of ancestors ("proc.aname")
 * compare without an index against any ancestor, the parent first, the process itself left out.
 */
#include <errno.h>

#include "engine/field/private.h"

/* Falco's name for what nobody knows; only for processes of which nothing but the pid is known. */
static struct str or_na(const struct process *p, struct str s)
{
	return s.len || !p->is_stub ? s : STR("<NA>");
}

/* One property of a process as text. */
typedef struct str (*property)(const struct field_ctx *ctx, const struct process *p);

static struct str name_of(const struct field_ctx *ctx, const struct process *p)
{
	return or_na(p, p->comm);
}

static struct str exe_of(const struct field_ctx *ctx, const struct process *p)
{
	return or_na(p, p->exe);
}

static struct str exepath_of(const struct field_ctx *ctx, const struct process *p)
{
	return p->exepath;
}

static struct str args_of(const struct field_ctx *ctx, const struct process *p)
{
	return field_join(ctx, STR_NULL, p->args);
}

static struct str cmdline_of(const struct field_ctx *ctx, const struct process *p)
{
	return field_join(ctx, or_na(p, p->comm), p->args);
}

static struct str env_of(const struct field_ctx *ctx, const struct process *p)
{
	return field_join(ctx, STR_NULL, p->env);
}

static bool give_own(const struct field_ctx *ctx, property of, struct value *ret)
{
	const struct process *p = process_of(ctx);

	return p && give_str(ret, of(ctx, p));
}

static bool give_parent(const struct field_ctx *ctx, property of, struct value *ret)
{
	const struct process *p = process_of(ctx);

	return p && p->parent && give_str(ret, of(ctx, p->parent));
}

/* All ancestors from the parent up, separated by blanks, as outputs print the unindexed form. */
static bool give_lineage(const struct field_ctx *ctx, property of, struct value *ret)
{
	enum { LINEAGE_MAX = 16 * 1024 };
	const struct process *p = process_of(ctx);

	if (!p || !p->parent)
		return false;
	struct buf b = field_buf(ctx, LINEAGE_MAX);
	unsigned n = 0;

	for (p = p->parent; p && n < PROCESS_ANCESTORS_MAX; p = p->parent, n++) {
		if (b.len)
			buf_add_char(&b, ' ');
		buf_add(&b, of(ctx, p));
	}
	return b.len && give_str(ret, buf_str(&b));
}

/* [n]: the n-th ancestor, 0 being the process itself. Without: all of them. */
static bool give_ancestor(
	const struct field_ctx *ctx, const struct field_arg *arg, property of, struct value *ret)
{
	const struct process *p = process_of(ctx);

	if (!arg->is_index)
		return give_lineage(ctx, of, ret);
	if (!p || arg->index > PROCESS_ANCESTORS_MAX)
		return false;
	p = state_ancestor(p, (unsigned)arg->index);
	return p && give_str(ret, of(ctx, p));
}

/* With an index it is one value like any other; without, any ancestor will do. */
static bool compare_ancestors(const struct field_ctx *ctx, const struct field_arg *arg, property of,
	const struct comparison *c)
{
	const struct process *p = process_of(ctx);
	struct value v;
	unsigned n = 0;

	if (arg->is_index)
		return give_ancestor(ctx, arg, of, &v) && comparison_holds(c, &v);
	if (!p)
		return false;
	for (p = p->parent; p && n < PROCESS_ANCESTORS_MAX; p = p->parent, n++) {
		give_str(&v, of(ctx, p));
		if (comparison_holds(c, &v))
			return true;
	}
	return false;
}

#define COMPARE(name)                                                                              \
	static bool name(const struct field_ctx *ctx, const struct field_arg *arg,                 \
		const struct comparison *c)

GET(get_name)
{
	return give_own(ctx, name_of, ret);
}

PUT(put_name)
{
	const struct process *p = process_of(ctx);

	return p ? put_text(to, name_of(ctx, p)) : NULL;
}

GET(get_pname)
{
	return give_parent(ctx, name_of, ret);
}

GET(get_aname)
{
	return give_ancestor(ctx, arg, name_of, ret);
}

COMPARE(compare_aname)
{
	return compare_ancestors(ctx, arg, name_of, c);
}

/* argv[0]; of the exec itself also the executed file, judged as its real and its known name. */
GET(get_exe)
{
	const struct field_subject *s = subject_of(ctx);

	if (s->name != NAME_ASKED && s->ev->exepath.len)
		return give_str(ret, s->name == NAME_KNOWN && s->ev->path.known.len
					     ? s->ev->path.known
					     : s->ev->exepath);
	return give_own(ctx, exe_of, ret);
}

GET(get_pexe)
{
	return give_parent(ctx, exe_of, ret);
}

GET(get_aexe)
{
	return give_ancestor(ctx, arg, exe_of, ret);
}

COMPARE(compare_aexe)
{
	return compare_ancestors(ctx, arg, exe_of, c);
}

GET(get_exepath)
{
	return give_own(ctx, exepath_of, ret);
}

GET(get_pexepath)
{
	return give_parent(ctx, exepath_of, ret);
}

GET(get_aexepath)
{
	return give_ancestor(ctx, arg, exepath_of, ret);
}

COMPARE(compare_aexepath)
{
	return compare_ancestors(ctx, arg, exepath_of, c);
}

GET(get_cmdline)
{
	return give_own(ctx, cmdline_of, ret);
}

GET(get_pcmdline)
{
	return give_parent(ctx, cmdline_of, ret);
}

GET(get_acmdline)
{
	return give_ancestor(ctx, arg, cmdline_of, ret);
}

COMPARE(compare_acmdline)
{
	return compare_ancestors(ctx, arg, cmdline_of, c);
}

GET(get_args)
{
	const struct process *p = process_of(ctx);
	struct str s = STR_NULL;

	if (!p)
		return false;
	if (!arg->is_index)
		return give_str(ret, args_of(ctx, p));
	field_vector_get(p->args, arg->index, &s);
	return give_str(ret, s);
}

GET(get_aargs)
{
	return give_ancestor(ctx, arg, args_of, ret);
}

GET(get_exeline)
{
	const struct process *p = process_of(ctx);

	if (!p)
		return false;
	struct str exe = exe_of(ctx, p);

	/* Falco puts the blank there with or without arguments */
	if (!p->args.len)
		return give_str(ret, arena_printf(ctx->arena, "%.*s ", STR_ARG(exe)));
	return give_str(ret, field_join(ctx, exe, p->args));
}

GET(get_cmdnargs)
{
	const struct process *p = process_of(ctx);

	return p && give_u64(ret, field_vector_count(p->args));
}

GET(get_cmdlenargs)
{
	const struct process *p = process_of(ctx);
	uint64_t n = 0;

	if (!p)
		return false;
	for (size_t i = 0; i < p->args.len; i++)
		n += p->args.s[i] != 0;
	return give_u64(ret, n);
}

/* ---- environment ---------------------------------------------------------------------------- */

static struct str variable_of(const struct process *p, struct str name)
{
	struct str s = STR_NULL;

	return field_vector_find(p->env, name, &s) ? str_trim(s) : STR_NULL;
}

GET(get_env)
{
	const struct process *p = process_of(ctx);

	if (!p)
		return false;
	return give_str(ret, arg->text.len ? variable_of(p, arg->text) : env_of(ctx, p));
}

/* [NAME]: the nearest ancestor that has it; [n]: all of the n-th; neither: the process's own. */
GET(get_aenv)
{
	const struct process *p = process_of(ctx);
	unsigned n = 0;

	if (!p)
		return false;
	if (!arg->text.len)
		return give_str(ret, env_of(ctx, p));
	if (arg->is_index)
		return give_ancestor(ctx, arg, env_of, ret);
	for (p = p->parent; p && n < PROCESS_ANCESTORS_MAX; p = p->parent, n++) {
		struct str s = variable_of(p, arg->text);

		if (s.len)
			return give_str(ret, s);
	}
	return give_str(ret, STR_NULL);
}

COMPARE(compare_aenv)
{
	struct value v;

	if (arg->text.len)
		return get_aenv(ctx, arg, &v) && comparison_holds(c, &v);
	return compare_ancestors(ctx, arg, env_of, c);
}

GET(get_cwd)
{
	const struct process *p = process_of(ctx);

	if (!p || !p->cwd.len)
		return false;
	/* Falco's ends in a slash, and its rules count on that: startswith "/dev/shm/" */
	return give_path(ret, str_ends(p->cwd, STR("/"))
				      ? p->cwd
				      : arena_printf(ctx->arena, "%.*s/", STR_ARG(p->cwd)));
}

/* ---- the executed file ---------------------------------------------------------------------- */

GET(get_is_exe_writable)
{
	const struct process *p = process_of(ctx);

	return p && give_bool(ret, p->exe_writable);
}

GET(get_is_exe_upper_layer)
{
	const struct process *p = process_of(ctx);

	return p && give_bool(ret, p->exe_upper_layer);
}

GET(get_is_exe_lower_layer)
{
	const struct process *p = process_of(ctx);

	return p && give_bool(ret, p->exe_lower_layer);
}

GET(get_is_exe_from_memfd)
{
	const struct process *p = process_of(ctx);

	return p && give_bool(ret, p->exe_from_memfd);
}

GET(get_exe_ino)
{
	const struct process *p = process_of(ctx);

	return p && p->exe_ino && give_s64(ret, (int64_t)p->exe_ino);
}

GET(get_exe_ino_ctime)
{
	const struct process *p = process_of(ctx);

	return p && p->exe_ino_ctime_ns && give_abstime(ret, p->exe_ino_ctime_ns);
}

GET(get_exe_ino_mtime)
{
	const struct process *p = process_of(ctx);

	return p && p->exe_ino_mtime_ns && give_abstime(ret, p->exe_ino_mtime_ns);
}

/* Negative (wrapped) in Falco when the file is younger than the process; here it is missing. */
GET(get_ctime_duration_proc)
{
	const struct process *p = process_of(ctx);

	return p && p->exe_ino_ctime_ns && p->start_epoch_ns > p->exe_ino_ctime_ns &&
	       give_abstime(ret, p->start_epoch_ns - p->exe_ino_ctime_ns);
}

GET(get_ctime_duration_pidns)
{
	const struct process *p = process_of(ctx);

	return p && p->pidns_init_start_ns && p->exe_ino_ctime_ns > p->pidns_init_start_ns &&
	       give_abstime(ret, p->exe_ino_ctime_ns - p->pidns_init_start_ns);
}

static const struct field_def fields[] = {
	{"proc.exe", VT_STR, FIELD_NAMED,
		"First argument of the command line (argv[0]), which the program's starter chose "
		"and may have forged; at its exec a rule is also judged with the real path of the "
		"executed file in its place. See proc.exepath.",
		get_exe},
	{"proc.pexe", VT_STR, 0, "proc.exe of the parent.", get_pexe},
	{"proc.aexe", VT_STR, ARG_INDEX | OWN_COMPARE,
		"proc.exe of an ancestor: proc.aexe[2] is the grandparent's. Without a number a "
		"rule "
		"asks whether any ancestor fits, and outputs print them all.",
		get_aexe, .compare = compare_aexe},
	{"proc.exepath", VT_PATH, 0,
		"Path of the executed file, symbolic links resolved: /usr/bin/dash where the "
		"program "
		"was started as /bin/sh.",
		get_exepath},
	{"proc.pexepath", VT_PATH, 0, "proc.exepath of the parent.", get_pexepath},
	{"proc.aexepath", VT_PATH, ARG_INDEX | OWN_COMPARE,
		"proc.exepath of an ancestor, by number; without one, of any ancestor.",
		get_aexepath, .compare = compare_aexepath},
	{"proc.name", VT_STR, 0,
		"The thread group's name as the kernel keeps it, at most 15 bytes: bash. A program "
		"can change it.",
		get_name, .put = put_name},
	{"proc.pname", VT_STR, 0, "proc.name of the parent.", get_pname},
	{"proc.aname", VT_STR, ARG_INDEX | OWN_COMPARE,
		"proc.name of an ancestor: [0] is the process itself, [1] the parent. Without a "
		"number: proc.aname in (sshd) is true when any ancestor, from the parent up, is "
		"sshd.",
		get_aname, .compare = compare_aname},
	{"proc.args", VT_STR, ARG_INDEX,
		"Arguments without the first (argv[0]), joined by blanks; proc.args[0] is the "
		"first "
		"of them, empty when there are not so many.",
		get_args},
	{"proc.aargs", VT_STR, ARG_INDEX,
		"proc.args of an ancestor, by number; without one, of all ancestors together.",
		get_aargs},
	{"proc.cmdline", VT_STR, 0, "proc.name and proc.args, joined by a blank: ls -l /tmp.",
		get_cmdline},
	{"proc.pcmdline", VT_STR, 0, "proc.cmdline of the parent.", get_pcmdline},
	{"proc.acmdline", VT_STR, ARG_INDEX | OWN_COMPARE,
		"proc.cmdline of an ancestor, by number; without one, of any ancestor.",
		get_acmdline, .compare = compare_acmdline},
	{"proc.cmdnargs", VT_U64, 0, "How many arguments there are, the first (argv[0]) left out.",
		get_cmdnargs},
	{"proc.cmdlenargs", VT_U64, 0, "Bytes of all arguments together, without the blanks.",
		get_cmdlenargs},
	{"proc.exeline", VT_STR, 0, "proc.exe and proc.args, joined by a blank.", get_exeline},
	{"proc.env", VT_STR, ARG_KEY,
		"Environment at the last exec, as NAME=value joined by blanks; proc.env[HOME] is "
		"one "
		"variable, empty when it is not set.",
		get_env},
	{"proc.aenv", VT_STR, FIELD_ARG_OPTIONAL | FIELD_ARG_KEY | FIELD_ARG_INDEX | OWN_COMPARE,
		"Environment of ancestors: proc.aenv[HOME] is the nearest ancestor's variable, "
		"proc.aenv[2] all of the grandparent's; without an argument a rule asks whether "
		"any "
		"ancestor's fits.",
		get_aenv, .compare = compare_aenv},
	{"proc.cwd", VT_PATH, 0, "Current directory, absolute, with a slash at the end: /root/.",
		get_cwd},
	{"proc.is_exe_writable", VT_BOOL, 0,
		"True when the process's user may write to the executed file.",
		get_is_exe_writable},
	{"proc.is_exe_upper_layer", VT_BOOL, 0,
		"True when the executed file was added to or changed in the container after its "
		"image was made (upper layer of overlayfs).",
		get_is_exe_upper_layer},
	{"proc.is_exe_lower_layer", VT_BOOL, 0,
		"True when the executed file comes unchanged from the image (lower layer of "
		"overlayfs).",
		get_is_exe_lower_layer},
	{"proc.is_exe_from_memfd", VT_BOOL, 0,
		"True when the executed file exists in memory only (memfd_create).",
		get_is_exe_from_memfd},
	{"proc.exe_ino", VT_S64, 0, "Inode number of the executed file.", get_exe_ino},
	{"proc.exe_ino.ctime", VT_ABSTIME, 0,
		"Last change of the executed file's inode, in nanoseconds since the epoch.",
		get_exe_ino_ctime},
	{"proc.exe_ino.mtime", VT_ABSTIME, 0,
		"Last change of the executed file's content, in nanoseconds since the epoch.",
		get_exe_ino_mtime},
	{"proc.exe_ino.ctime_duration_proc_start", VT_ABSTIME, 0,
		"Nanoseconds from the executed file's last inode change to the start of the "
		"process: "
		"small when a file was dropped and run at once.",
		get_ctime_duration_proc},
	{"proc.exe_ino.ctime_duration_pidns_start", VT_ABSTIME, 0,
		"Nanoseconds from the start of the container's first process to the executed "
		"file's "
		"last inode change; missing when the file is older.",
		get_ctime_duration_pidns},
};

const struct field_class field_class_process = {
	.name = "process",
	.desc = "The process that made the event: what runs, with what arguments, started by whom.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
