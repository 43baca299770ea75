/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread.* fields: the thread that made the event, and what the kernel keeps by thread but
 * koban by process (capabilities, cgroups, memory). CPU time is not among what a sensor of system
 * calls sees; captures may have it from the scheduler.
 */
#include "base/digits.h"
#include "engine/field/private.h"

static bool give_caps(const struct field_ctx *ctx, uint64_t caps, struct value *ret)
{
	struct buf b = field_buf(ctx, 1536);

	capabilities_format(caps, &b);
	return give_str(ret, buf_str(&b));
}

GET(get_cap_permitted)
{
	const struct process *p = process_of(ctx);

	return p && give_caps(ctx, p->cap_permitted, ret);
}

GET(get_cap_inheritable)
{
	const struct process *p = process_of(ctx);

	return p && give_caps(ctx, p->cap_inheritable, ret);
}

GET(get_cap_effective)
{
	const struct process *p = process_of(ctx);

	return p && give_caps(ctx, p->cap_effective, ret);
}

GET(get_pfmajor)
{
	const struct process *p = process_of(ctx);

	return p && give_u64(ret, p->pfmajor);
}

GET(get_pfminor)
{
	const struct process *p = process_of(ctx);

	return p && give_u64(ret, p->pfminor);
}

GET(get_tid)
{
	return give_s64(ret, (int32_t)event_of(ctx)->tid); /* -1 = of no thread */
}

PUT(put_tid)
{
	return digits_put_s64(to, (int32_t)event_of(ctx)->tid);
}

static bool is_main(const struct event *ev)
{
	return ev->tid == ev->pid;
}

GET(get_ismain)
{
	return give_bool(ret, is_main(event_of(ctx)));
}

/* The thread in the state's table, which captures have; NULL when it is not known. */
static const struct thread *thread_of(const struct field_ctx *ctx)
{
	const struct field_subject *s = subject_of(ctx);

	return s->state ? state_thread_find(s->state, s->ev->tid) : NULL;
}

/* Outside a pid namespace both ids are one; inside, live only the main thread's is kept. */
GET(get_vtid)
{
	const struct process *p = process_of(ctx);
	const struct event *ev = event_of(ctx);
	const struct thread *t = thread_of(ctx);

	if (!p || !p->vpid)
		return false;
	if (is_main(ev))
		return give_s64(ret, p->vpid);
	if (t)
		return give_s64(ret, t->vtid);
	return p->vpid == p->pid && give_s64(ret, ev->tid);
}

GET(get_exectime)
{
	const struct thread *t = thread_of(ctx);

	return t && event_of(ctx)->code == EV_SWITCH && give_reltime(ret, t->exec_ns);
}

GET(get_totexectime)
{
	const struct thread *t = thread_of(ctx);

	return t && t->total_exec_ns && give_reltime(ret, t->total_exec_ns);
}

/* A tick is 10 ms and samples come about once a second: ticks are percents. More than one CPU a
 * thread cannot have; samples that are late say so all the same. */
static bool give_ticks(struct value *ret, uint64_t ticks)
{
	*ret = (struct value){.type = VT_DOUBLE, .d = ticks > 100 ? 100 : (double)ticks};
	return true;
}

static const struct thread *sampled(const struct field_ctx *ctx)
{
	const struct event *ev = event_of(ctx);

	/* what tables let go by as a sample has no ticks */
	return ev->code == EV_PROCINFO && ev->num ? thread_of(ctx) : NULL;
}

GET(get_cpu)
{
	const struct thread *t = sampled(ctx);

	return t && give_ticks(ret, t->new_user_ticks + t->new_system_ticks);
}

GET(get_cpu_user)
{
	const struct thread *t = sampled(ctx);

	return t && give_ticks(ret, t->new_user_ticks);
}

GET(get_cpu_system)
{
	const struct thread *t = sampled(ctx);

	return t && give_ticks(ret, t->new_system_ticks);
}

GET(get_nametid)
{
	const struct process *p = process_of(ctx);
	struct buf b = field_buf(ctx, 64);

	const struct thread *t = thread_of(ctx);

	if (!p)
		return false;
	buf_add(&b, t ? t->comm : p->comm);
	buf_add_u64(&b, event_of(ctx)->tid);
	return give_str(ret, buf_str(&b));
}

/*
 * A subsystem by the name that rules have for it. Kernels before 4.0 called some otherwise, and
 * blkio is "io" to those since 4.5.
 */
static struct str subsystem_name(struct str name)
{
	static const struct {
		const char *kernel, *rules;
	} others[] = {{"io", "blkio"}, {"cpu_cgroup", "cpu"}, {"mem_cgroup", "memory"},
		{"perf", "perf_event"}};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (str_is(name, others[i].kernel))
			return str_of(others[i].rules);
	return name;
}

static struct str join_cgroups(const struct field_ctx *ctx, struct str cgroups)
{
	struct buf b = field_buf(ctx, 2 * cgroups.len + 4);

	while (cgroups.len) {
		struct str path = str_cut(&cgroups, '\0'), name = str_cut(&path, '=');

		if (b.len)
			buf_add_char(&b, ' ');
		buf_add(&b, subsystem_name(name));
		buf_add_char(&b, '=');
		buf_add(&b, path);
	}
	return buf_str(&b);
}

static bool find_cgroup(struct str cgroups, struct str wanted, struct str *ret)
{
	while (cgroups.len) {
		struct str path = str_cut(&cgroups, '\0'), name = str_cut(&path, '=');

		*ret = path;
		if (str_eq(name, wanted) || str_eq(subsystem_name(name), wanted))
			return true;
	}
	return false;
}

GET(get_cgroups)
{
	const struct process *p = process_of(ctx);

	return p && p->cgroups.len && give_str(ret, join_cgroups(ctx, p->cgroups));
}

GET(get_cgroup)
{
	const struct process *p = process_of(ctx);
	struct str s;

	return p && find_cgroup(p->cgroups, arg->text, &s) && give_str(ret, s);
}

/* Memory belongs to the process; it is counted at its main thread, so that sums come out right. */
static bool give_memory(const struct field_ctx *ctx, uint64_t size, struct value *ret)
{
	return give_u64(ret, is_main(event_of(ctx)) ? size : 0);
}

GET(get_vmsize)
{
	const struct process *p = process_of(ctx);

	return p && give_memory(ctx, p->vmsize_kb, ret);
}

GET(get_vmrss)
{
	const struct process *p = process_of(ctx);

	return p && give_memory(ctx, p->vmrss_kb, ret);
}

GET(get_vmsize_b)
{
	const struct process *p = process_of(ctx);

	return p && give_memory(ctx, p->vmsize_kb * 1024, ret);
}

GET(get_vmrss_b)
{
	const struct process *p = process_of(ctx);

	return p && give_memory(ctx, p->vmrss_kb * 1024, ret);
}

#define OF_SCHEDULER                                                                               \
	" Of switch events in captures that have them; no koban sensor records the scheduler."
#define SAMPLES                                                                                    \
	" Of procinfo events, which captures of sysdig's kernel module have about once a second; " \
	"live, koban top and chisels ask the kernel instead."

static const struct field_def fields[] = {
	{"thread.cap_permitted", VT_STR, 0,
		"Permitted capabilities, separated by blanks: thread.cap_permitted contains "
		"CAP_SYS_ADMIN.",
		get_cap_permitted},
	{"thread.cap_inheritable", VT_STR, 0, "Inheritable capabilities, separated by blanks.",
		get_cap_inheritable},
	{"thread.cap_effective", VT_STR, 0,
		"Effective capabilities, those that the kernel checks, separated by blanks.",
		get_cap_effective},
	{"thread.pfmajor", VT_U64, 0, "Page faults that had to read a disk, as of the last exec.",
		get_pfmajor},
	{"thread.pfminor", VT_U64, 0, "Page faults without a disk, as of the last exec.",
		get_pfminor},
	{"thread.tid", VT_S64, 0, "Thread id in the host's pid namespace.", get_tid,
		.put = put_tid},
	{"thread.ismain", VT_BOOL, 0, "True when it is the process's first thread.", get_ismain},
	{"thread.vtid", VT_S64, 0,
		"Thread id as the thread itself sees it; live, in a container, known for main "
		"threads only.",
		get_vtid},
	{"thread.nametid", VT_STR, TABLE_ONLY,
		"proc.name and thread.tid in one, to tell threads of the same name apart: "
		"java4711.",
		get_nametid},
	{"thread.exectime", VT_RELTIME, 0,
		"Nanoseconds of CPU time since the last switch to the thread." OF_SCHEDULER,
		get_exectime},
	{"thread.totexectime", VT_RELTIME, 0,
		"Nanoseconds of CPU time of the thread since the first event." OF_SCHEDULER,
		get_totexectime},
	{"thread.cgroups", VT_STR, 0, "Control groups as subsystem=path, separated by blanks.",
		get_cgroups},
	{"thread.cgroup", VT_STR, NEED_KEY,
		"Path of the control group of one subsystem: thread.cgroup.cpuset.", get_cgroup},
	{"thread.cpu", VT_DOUBLE, 0, "CPU use in percent." SAMPLES, get_cpu},
	{"thread.cpu.user", VT_DOUBLE, 0, "CPU use in user mode, in percent." SAMPLES,
		get_cpu_user},
	{"thread.cpu.system", VT_DOUBLE, 0, "CPU use in the kernel, in percent." SAMPLES,
		get_cpu_system},
	{"thread.vmsize", VT_U64, 0,
		"Virtual memory in KiB, counted at the main thread; 0 for the others.", get_vmsize},
	{"thread.vmrss", VT_U64, 0,
		"Resident memory in KiB, counted at the main thread; 0 for the others.", get_vmrss},
	{"thread.vmsize.b", VT_U64, TABLE_ONLY, "thread.vmsize in bytes.", get_vmsize_b},
	{"thread.vmrss.b", VT_U64, TABLE_ONLY, "thread.vmrss in bytes.", get_vmrss_b},
};

const struct field_class field_class_thread = {
	.name = "thread",
	.desc = "The thread that made the event.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
