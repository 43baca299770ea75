/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proc.* fields of identity and time: pids in both namespaces, session and group leaders, ages,
 * resources. Who leads a session or group is looked up in the state by the host's pid, and among
 * the ancestors when the leader is gone.
 */
#include "engine/field/private.h"

GET(get_pid)
{
	const struct process *p = process_of(ctx);

	return p && give_s64(ret, p->pid);
}

GET(get_ppid)
{
	const struct process *p = process_of(ctx);

	if (!p)
		return false;
	if (p->parent)
		return give_s64(ret, p->parent->pid);
	return p->ppid && give_s64(ret, p->ppid);
}

/* Unlike its brothers, unindexed it prints the process's own pid (as Falco does). */
GET(get_apid)
{
	const struct process *p = process_of(ctx);

	if (!p || (arg->is_index && arg->index > PROCESS_ANCESTORS_MAX))
		return false;
	p = state_ancestor(p, arg->is_index ? (unsigned)arg->index : 0);
	return p && give_s64(ret, p->pid);
}

static bool compare_apid(
	const struct field_ctx *ctx, const struct field_arg *arg, const struct comparison *c)
{
	const struct process *p = process_of(ctx);
	struct value v;
	unsigned n = 0;

	if (arg->is_index)
		return get_apid(ctx, arg, &v) && comparison_holds(c, &v);
	for (p = p ? p->parent : NULL; p && n < PROCESS_ANCESTORS_MAX; p = p->parent, n++) {
		give_s64(&v, p->pid);
		if (comparison_holds(c, &v))
			return true;
	}
	return false;
}

GET(get_vpid)
{
	const struct process *p = process_of(ctx);

	return p && p->vpid && give_s64(ret, p->vpid);
}

GET(get_pvpid)
{
	const struct process *p = process_of(ctx);

	return p && p->parent && p->parent->vpid && give_s64(ret, p->parent->vpid);
}

/* ---- sessions and groups -------------------------------------------------------------------- */

static uint32_t virtual_sid(const struct process *p)
{
	return p->vsid ? p->vsid : p->sid;
}

static uint32_t virtual_pgid(const struct process *p)
{
	return p->vpgid ? p->vpgid : p->pgid;
}

static uint32_t host_pgid(const struct process *p)
{
	return p->pgid;
}

static uint32_t host_sid(const struct process *p)
{
	return p->sid;
}

typedef uint32_t (*id_of)(const struct process *p);

/*
 * The leader: the process whose host pid is the id, or the oldest ancestor that shares the id when
 * the leader is gone or the host's id is not known.
 */
static const struct process *leader(const struct field_ctx *ctx, id_of host, id_of virtual)
{
	const struct field_subject *s = subject_of(ctx);
	const struct process *p = s->proc, *found = NULL;
	unsigned n = 0;

	if (!p || !virtual(p))
		return NULL;
	if (host(p) == p->pid)
		return p;
	if (host(p) && s->state)
		found = state_process_by_pid(s->state, host(p));
	if (found)
		return found;
	if (virtual(p) == p->vpid)
		return p;
	for (const struct process *a = p->parent; a && n < PROCESS_ANCESTORS_MAX;
		a = a->parent, n++) {
		if (virtual(a) != virtual(p))
			break;
		found = a;
	}
	return found;
}

static bool give_name(const struct process *p, struct value *ret)
{
	return p && give_some_str(ret, p->comm);
}

static bool give_exe(const struct process *p, struct value *ret)
{
	return p && give_some_str(ret, p->exe);
}

static bool give_exepath(const struct process *p, struct value *ret)
{
	return p && p->exepath.len && give_path(ret, p->exepath);
}

GET(get_sid)
{
	const struct process *p = process_of(ctx);

	return p && give_s64(ret, virtual_sid(p));
}

GET(get_sname)
{
	return give_name(leader(ctx, host_sid, virtual_sid), ret);
}

GET(get_sid_exe)
{
	return give_exe(leader(ctx, host_sid, virtual_sid), ret);
}

GET(get_sid_exepath)
{
	return give_exepath(leader(ctx, host_sid, virtual_sid), ret);
}

GET(get_vpgid)
{
	const struct process *p = process_of(ctx);

	return p && give_s64(ret, virtual_pgid(p));
}

GET(get_vpgid_name)
{
	return give_name(leader(ctx, host_pgid, virtual_pgid), ret);
}

GET(get_vpgid_exe)
{
	return give_exe(leader(ctx, host_pgid, virtual_pgid), ret);
}

GET(get_vpgid_exepath)
{
	return give_exepath(leader(ctx, host_pgid, virtual_pgid), ret);
}

GET(get_pgid)
{
	const struct process *p = process_of(ctx);

	return p && give_s64(ret, p->pgid);
}

GET(get_pgid_name)
{
	return give_name(leader(ctx, host_pgid, host_pgid), ret);
}

GET(get_pgid_exe)
{
	return give_exe(leader(ctx, host_pgid, host_pgid), ret);
}

GET(get_pgid_exepath)
{
	return give_exepath(leader(ctx, host_pgid, host_pgid), ret);
}

GET(get_is_sid_leader)
{
	const struct process *p = process_of(ctx);

	return p && give_bool(ret, virtual_sid(p) == (p->vsid ? p->vpid : p->pid));
}

GET(get_is_vpgid_leader)
{
	const struct process *p = process_of(ctx);

	return p && give_bool(ret, virtual_pgid(p) == (p->vpgid ? p->vpid : p->pid));
}

GET(get_is_pgid_leader)
{
	const struct process *p = process_of(ctx);

	return p && give_bool(ret, p->pgid == p->pid);
}

/* The oldest of the process and its ancestors whose name ends in "sh". */
GET(get_loginshellid)
{
	const struct process *p = process_of(ctx);
	bool found = false;

	for (unsigned n = 0; p && n <= PROCESS_ANCESTORS_MAX; p = p->parent, n++)
		if (str_ends(p->comm, STR("sh")))
			found = give_s64(ret, p->pid);
	return found;
}

GET(get_tty)
{
	const struct process *p = process_of(ctx);

	return p && give_u64(ret, p->tty);
}

/* ---- times ---------------------------------------------------------------------------------- */

static bool give_age(const struct field_ctx *ctx, const struct process *p, struct value *ret)
{
	uint64_t now = event_of(ctx)->ts_ns;

	return p && p->start_epoch_ns &&
	       give_reltime(ret, now > p->start_epoch_ns ? now - p->start_epoch_ns : 0);
}

GET(get_duration)
{
	return give_age(ctx, process_of(ctx), ret);
}

GET(get_ppid_duration)
{
	const struct process *p = process_of(ctx);

	return p && give_age(ctx, p->parent, ret);
}

GET(get_pid_ts)
{
	const struct process *p = process_of(ctx);

	return p && p->start_epoch_ns && give_reltime(ret, p->start_epoch_ns);
}

GET(get_ppid_ts)
{
	const struct process *p = process_of(ctx);

	return p && p->parent && p->parent->start_epoch_ns &&
	       give_reltime(ret, p->parent->start_epoch_ns);
}

GET(get_pidns_init_start_ts)
{
	const struct process *p = process_of(ctx);

	return p && p->pidns_init_start_ns && give_u64(ret, p->pidns_init_start_ns);
}

/* ---- resources ------------------------------------------------------------------------------ */

GET(get_fdlimit)
{
	const struct process *p = process_of(ctx);

	return p && p->fdlimit && give_s64(ret, (int64_t)p->fdlimit);
}

GET(get_vmsize)
{
	const struct process *p = process_of(ctx);

	return p && give_u64(ret, p->vmsize_kb);
}

GET(get_vmrss)
{
	const struct process *p = process_of(ctx);

	return p && give_u64(ret, p->vmrss_kb);
}

GET(get_vmswap)
{
	const struct process *p = process_of(ctx);

	return p && give_u64(ret, p->vmswap_kb);
}

GET(get_nthreads)
{
	const struct process *p = process_of(ctx);

	return p && p->nthreads && give_u64(ret, p->nthreads);
}

GET(get_nchilds)
{
	const struct process *p = process_of(ctx);

	return p && p->nthreads && give_u64(ret, p->nthreads - 1);
}

static bool open_count(const struct field_ctx *ctx, size_t *ret)
{
	return state_descriptor_count(process_of(ctx), ret);
}

GET(get_fdopencount)
{
	size_t n;

	return open_count(ctx, &n) && give_u64(ret, n);
}

GET(get_fdusage)
{
	const struct process *p = process_of(ctx);
	size_t n;

	return open_count(ctx, &n) && p->fdlimit &&
	       give_double(ret, (double)n * 100 / (double)p->fdlimit);
}

/* ---- standard streams ----------------------------------------------------------------------- */

static bool give_stream_type(const struct field_ctx *ctx, int64_t num, struct value *ret)
{
	struct field_fd found;

	return field_find_fd(ctx, num, &found) && give_cstr(ret, fd_type_name(found.fd->type));
}

static bool give_stream_name(const struct field_ctx *ctx, int64_t num, struct value *ret)
{
	struct field_fd found;

	return field_find_fd(ctx, num, &found) && give_str(ret, field_found_name(ctx, &found));
}

GET(get_stdin_type)
{
	return give_stream_type(ctx, 0, ret);
}

GET(get_stdout_type)
{
	return give_stream_type(ctx, 1, ret);
}

GET(get_stderr_type)
{
	return give_stream_type(ctx, 2, ret);
}

GET(get_stdin_name)
{
	return give_stream_name(ctx, 0, ret);
}

GET(get_stdout_name)
{
	return give_stream_name(ctx, 1, ret);
}

GET(get_stderr_name)
{
	return give_stream_name(ctx, 2, ret);
}

static const struct field_def fields[] = {
	{"proc.loginshellid", VT_S64, 0,
		"Pid of the oldest shell (name ending in sh) among the process and its ancestors: "
		"mostly the login shell.",
		get_loginshellid},
	{"proc.tty", VT_U64, 0,
		"Number of the controlling terminal, 0 for none: proc.tty != 0 is somebody typing.",
		get_tty},
	{"proc.pid", VT_S64, 0, "Process id (thread group) in the host's pid namespace.", get_pid},
	{"proc.ppid", VT_S64, 0, "Process id of the parent.", get_ppid},
	{"proc.apid", VT_S64, ARG_INDEX | OWN_COMPARE,
		"Process id of an ancestor, by number; without one, a rule asks any ancestor.",
		get_apid, .compare = compare_apid},
	{"proc.vpid", VT_S64, 0,
		"Process id as the process itself sees it: 1 for a container's first process. "
		"Differs from proc.pid in a container.",
		get_vpid},
	{"proc.pvpid", VT_S64, 0, "proc.vpid of the parent.", get_pvpid},
	{"proc.sid", VT_S64, 0, "Session id as the process itself sees it.", get_sid},
	{"proc.sname", VT_STR, 0,
		"proc.name of the session's leader, such as the shell or service that started it "
		"all; missing when the leader is not known.",
		get_sname},
	{"proc.sid.exe", VT_STR, 0, "proc.exe of the session's leader.", get_sid_exe},
	{"proc.sid.exepath", VT_PATH, 0, "proc.exepath of the session's leader.", get_sid_exepath},
	{"proc.vpgid", VT_S64, 0, "Process group id as the process itself sees it.", get_vpgid},
	{"proc.vpgid.name", VT_STR, 0,
		"proc.name of the process group's leader; missing when it is not known.",
		get_vpgid_name},
	{"proc.vpgid.exe", VT_STR, 0, "proc.exe of the process group's leader.", get_vpgid_exe},
	{"proc.vpgid.exepath", VT_PATH, 0, "proc.exepath of the process group's leader.",
		get_vpgid_exepath},
	{"proc.pgid", VT_S64, 0, "Process group id in the host's pid namespace.", get_pgid},
	{"proc.pgid.name", VT_STR, 0,
		"proc.name of the process group's leader, looked up by proc.pgid.", get_pgid_name},
	{"proc.pgid.exe", VT_STR, 0,
		"proc.exe of the process group's leader, looked up by proc.pgid.", get_pgid_exe},
	{"proc.pgid.exepath", VT_PATH, 0,
		"proc.exepath of the process group's leader, looked up by proc.pgid.",
		get_pgid_exepath},
	{"proc.duration", VT_RELTIME, 0,
		"Age of the process at the event, in nanoseconds since it was cloned.",
		get_duration},
	{"proc.ppid.duration", VT_RELTIME, 0, "Age of the parent at the event, in nanoseconds.",
		get_ppid_duration},
	{"proc.pid.ts", VT_RELTIME, 0,
		"When the process was cloned, in nanoseconds since the epoch.", get_pid_ts},
	{"proc.ppid.ts", VT_RELTIME, 0,
		"When the parent was cloned, in nanoseconds since the epoch.", get_ppid_ts},
	{"proc.is_sid_leader", VT_BOOL, 0, "True when the process leads its session.",
		get_is_sid_leader},
	{"proc.is_vpgid_leader", VT_BOOL, 0,
		"True when the process leads its process group, by the ids of its own namespace. "
		"A command typed at a shell does; its helpers mostly do not.",
		get_is_vpgid_leader},
	{"proc.is_pgid_leader", VT_BOOL, 0,
		"True when the process leads its process group, by the host's ids.",
		get_is_pgid_leader},
	{"proc.pidns_init_start_ts", VT_U64, 0,
		"When the first process of the pid namespace began, in nanoseconds since the "
		"epoch: "
		"in a container, about its start. Missing in the host's namespace.",
		get_pidns_init_start_ts},
	{"proc.fdopencount", VT_U64, 0,
		"How many descriptors the process has open. Of captures; live it is missing, for "
		"koban keeps no table that a dropped event could corrupt.",
		get_fdopencount},
	{"proc.fdlimit", VT_S64, 0, "How many descriptors the process may open (RLIMIT_NOFILE).",
		get_fdlimit},
	{"proc.fdusage", VT_DOUBLE, 0,
		"Open descriptors in percent of the limit. Known where proc.fdopencount is.",
		get_fdusage},
	{"proc.vmsize", VT_U64, 0, "Virtual memory in KiB, as of the last exec or clone.",
		get_vmsize},
	{"proc.vmrss", VT_U64, 0, "Resident memory in KiB, as of the last exec or clone.",
		get_vmrss},
	{"proc.vmswap", VT_U64, 0, "Swapped-out memory in KiB, as of the last exec or clone.",
		get_vmswap},
	{"proc.nthreads", VT_U64, 0, "How many threads the process has, the first included.",
		get_nthreads},
	{"proc.nchilds", VT_U64, 0,
		"How many threads the process has beside the first. Despite its name it does not "
		"count child processes.",
		get_nchilds},
	{"proc.stdin.type", VT_STR, 0, "Type of standard input, as fd.type." FIELD_OF_TABLE,
		get_stdin_type},
	{"proc.stdout.type", VT_STR, 0, "Type of standard output, as fd.type." FIELD_OF_TABLE,
		get_stdout_type},
	{"proc.stderr.type", VT_STR, 0, "Type of standard error, as fd.type." FIELD_OF_TABLE,
		get_stderr_type},
	{"proc.stdin.name", VT_STR, NAMED, "Name of standard input, as fd.name." FIELD_OF_TABLE,
		get_stdin_name},
	{"proc.stdout.name", VT_STR, NAMED, "Name of standard output, as fd.name." FIELD_OF_TABLE,
		get_stdout_name},
	{"proc.stderr.name", VT_STR, NAMED, "Name of standard error, as fd.name." FIELD_OF_TABLE,
		get_stderr_name},
};

const struct field_class field_class_process_ids = {
	.name = "process",
	.desc = "The process that made the event: ids, leaders, age, resources.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
