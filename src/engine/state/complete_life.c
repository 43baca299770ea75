/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of processes in captures: clone and its kin tell twice of each child, once from the
 * parent (the result is the child's number) and once from the child (the result is 0); either may
 * come first or be missing. What an exec and an exit change in the tables is here too; what they
 * change in a process is state_apply()'s.
 *
 * A captured process has no boot time. Its start, the second half of its identity, is the time of
 * the clone event, or of its first event when that was not seen; 0 for those of the file's list.
 */
#include <sched.h>
#include <stdlib.h>

#include "engine/state/private.h"

/* Places in the rows below. */
enum { AT_PID = 2, AT_PTID = 3 };
enum clone_param { C_FLAGS, C_VTID, C_PID, C_PTID, C_VPID };
enum exec_param { X_CWD, X_FILENAME, X_PID, X_PTID, X_EXEPATH, X_CGROUPS };

/* Clone flags as .scap numbers them (flags_task.c of the events has all). */
enum {
	SCAP_FILES = 0x1,
	SCAP_NEWPID = 0x40,
	SCAP_PARENT = 0x100,
	SCAP_THREAD = 0x2000,
	SCAP_VFORK = 0x8000000,
	SCAP_IN_PIDNS = 0x20000000,
};

#define STALE_NS 2000000000ULL /* an older thread of that number is another one */

static void did_clone(struct doing *d);
static void did_exec(struct doing *d);

static uint32_t pid_at(const struct doing *d, int n)
{
	int64_t pid;

	return did_s64(d, n, &pid) && pid > 0 && pid < UINT32_MAX ? (uint32_t)pid : 0;
}

static struct row *row_of_tid(const struct state *s, uint32_t tid)
{
	struct thread_row *t = thread_find(s, tid);

	return t ? t->row : row_by_pid(s, tid);
}

/* ---- what a clone says of the child ---- */

static struct str named(const struct doing *d, const char *name)
{
	int i = event_param_index(d->ev->def, str_of(name));

	return i < 0 ? STR_NULL : event_param_str(d->ev, (unsigned)i);
}

static bool named_u64(const struct doing *d, const char *name, uint64_t *ret)
{
	int i = event_param_index(d->ev->def, str_of(name));

	return i >= 0 && event_param_u64(d->ev, (unsigned)i, ret);
}

static void named_u32(const struct doing *d, const char *name, uint32_t *v)
{
	uint64_t got;

	if (named_u64(d, name, &got))
		*v = (uint32_t)got;
}

static void refresh_text(struct doing *d, struct row *r)
{
	static const struct {
		enum text_kind kind;
		const char *name;
	} texts[] = {{TEXT_COMM, "comm"}, {TEXT_EXE, "exe"}, {TEXT_ARGS, "args"}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct str v = named(d, texts[i].name);

		if (v.len)
			text_replace(d->s, &r->p, texts[i].kind, v);
	}
	if (!r->p.comm.len) /* files before there was a comm */
		text_replace(d->s, &r->p, TEXT_COMM, r->p.exe);
	/* a thread may have another folder than its leader */
	if (!r->p.cwd.len && named(d, "cwd").len)
		text_replace(d->s, &r->p, TEXT_CWD, named(d, "cwd"));
}

/* The clone's own words on a process: its child's, or of a stranger his own. */
static void refresh(struct doing *d, struct row *r)
{
	struct process *p = &r->p;
	struct str cgroups = named(d, "cgroups");

	refresh_text(d, r);
	named_u64(d, "fdlimit", &p->fdlimit);
	named_u64(d, "pgft_maj", &p->pfmajor);
	named_u64(d, "pgft_min", &p->pfminor);
	named_u64(d, "vm_size", &p->vmsize_kb);
	named_u64(d, "vm_rss", &p->vmrss_kb);
	named_u64(d, "vm_swap", &p->vmswap_kb);
	named_u32(d, "uid", &p->uid);
	named_u32(d, "gid", &p->gid);
	p->is_stub = false;
	if (cgroups.len && text_replace(d->s, p, TEXT_CGROUPS, cgroups))
		container_resolve(d->s, r, false);
}

static struct event_fork fork_of(const struct doing *d, uint32_t pid, uint32_t tid)
{
	uint64_t flags = 0;

	did_u64(d, C_FLAGS, &flags);
	return (struct event_fork){
		.child_pid = pid,
		.child_tid = tid,
		.child_start_ns = d->ev->ts_ns,
		.clone_flags = (flags & SCAP_THREAD ? CLONE_THREAD : 0) |
			       (flags & SCAP_FILES ? CLONE_FILES : 0) |
			       (flags & SCAP_NEWPID ? CLONE_NEWPID : 0) |
			       (flags & SCAP_PARENT ? CLONE_PARENT : 0),
	};
}

void life_forked(struct state *s, struct row *parent, struct row *child, const struct event_fork *f)
{
	fds_fork(s, child, parent, f->clone_flags & CLONE_FILES);
	struct thread_row *t =
		thread_add(s, f->child_tid ? f->child_tid : f->child_pid, f->vtid, child);

	if (t)
		t->cloner_pid = parent->p.pid;
}

/* The thread of that number is another one's by now; its exit was lost. */
static void forget(struct state *s, struct thread_row *t)
{
	struct row *r = t->row;

	if (r->p.pid == t->t.tid) {
		row_bury(s, r, s->now_ns);
		return;
	}
	r->p.nthreads -= r->p.nthreads > 1;
	thread_drop(s, t);
}

static struct thread_row *new_thread_of(struct doing *d, struct row *r, const struct event_fork *f)
{
	struct thread_row *t = thread_add(d->s, f->child_tid, f->vtid, r);
	struct str comm = named(d, "comm");

	r->p.nthreads++;
	if (r->p.uid == UINT32_MAX) {
		named_u32(d, "uid", &r->p.uid);
		named_u32(d, "gid", &r->p.gid);
	}
	if (t && comm.len && !str_eq(comm, r->p.comm))
		thread_rename(d->s, t, comm);
	return t;
}

static struct thread_row *new_process_of(
	struct doing *d, struct row *parent, const struct event_fork *f)
{
	struct row *child = apply_new_process(d->s, parent, f, d->ev->ts_ns, STR_NULL);

	if (!child)
		return NULL;
	refresh(d, child);
	return thread_find(d->s, f->child_tid);
}

/* ---- who acts ---- */

/* A thread that no event and no list told of: a process of which nothing is known. */
static struct thread_row *stranger(struct state *s, uint32_t tid, uint32_t pid)
{
	struct row *r = row_by_pid(s, pid);

	if (r && pid != tid) {
		r->p.nthreads++;
	} else if (!r) {
		if (!(r = row_add(s, pid, s->now_ns)))
			return NULL;
		r->p.is_stub = true;
		r->p.vpid = pid;
		r->looked_ns = s->now_ns | 1;
		s->n.stubs++;
		if (pid != tid)
			thread_add(s, pid, 0, r);
	}
	return thread_add(s, tid, 0, r);
}

/* The child's side of a clone: made by the parent's side a moment ago, or now. */
static struct thread_row *child_of(struct doing *d, struct thread_row *t)
{
	struct state *s = d->s;
	uint32_t tid = d->ev->tid, pid = pid_at(d, C_PID), ptid = pid_at(d, C_PTID);
	struct event_fork f = fork_of(d, pid ? pid : tid, tid);
	struct row *parent = ptid ? row_of_tid(s, ptid) : NULL;
	bool is_thread = f.clone_flags & CLONE_THREAD || f.child_pid != tid;

	f.vtid = pid_at(d, C_VTID);
	f.vpid = pid_at(d, C_VPID);
	if (t && !t->row->p.is_stub && d->ev->ts_ns - t->made_ns < STALE_NS) {
		t->t.vtid = f.vtid ? f.vtid : t->t.vtid;
		if (f.vpid && !is_thread)
			t->row->p.vpid = f.vpid;
		return t;
	}
	if (t)
		forget(s, t);
	if (is_thread) {
		struct row *r = row_by_pid(s, f.child_pid);

		if (!r && (t = stranger(s, f.child_pid, f.child_pid)))
			refresh(d, r = t->row);
		t = r ? new_thread_of(d, r, &f) : NULL;
	} else {
		struct row *cloner = NULL;

		if (d->ev->fork.cloner_pid)
			cloner = row_by_pid(s, d->ev->fork.cloner_pid);
		f.parent_pid = parent ? parent->p.pid : ptid;
		if (parent)
			row_touch(s, parent);
		t = new_process_of(d, cloner ? cloner : parent ? parent : s->nobody, &f);
	}
	if (t)
		t->awaits_parent = true;
	return t;
}

bool life_is_clone(did_fn fn)
{
	return fn == did_clone;
}

void life_actor(struct doing *d)
{
	struct thread_row *t = thread_find(d->s, d->ev->tid);
	bool is_clone = d->about->is_clone;
	uint32_t pid = 0;

	if (is_clone && d->res == 0)
		t = child_of(d, t);
	if (!t) {
		/* clone and exec say whose thread it is */
		if (is_clone || d->about->fn == did_exec)
			pid = pid_at(d, AT_PID);
		t = stranger(d->s, d->ev->tid, pid ? pid : d->ev->tid);
	}
	d->thread = t;
	d->row = t ? t->row : NULL;
}

/* A stranger's clone or exec tells who he is. */
static void introduce(struct doing *d)
{
	struct row *r = d->row, *parent;
	uint32_t ptid = pid_at(d, AT_PTID);

	if (!ptid || r->p.ppid)
		return;
	parent = row_of_tid(d->s, ptid);
	r->p.ppid = parent ? parent->p.pid : ptid;
	row_set_parent(d->s, r, parent);
	if (!parent || r->p.uid != UINT32_MAX)
		return;
	/* what he most probably has from his parent */
	r->p.uid = parent->p.uid;
	r->p.gid = parent->p.gid;
	r->p.loginuid = parent->p.loginuid;
	r->p.tty = parent->p.tty;
	r->p.sid = parent->p.sid;
	r->p.vsid = parent->p.vsid;
}

/* ---- the parent's side of a clone ---- */

/* Has the child come and gone before its parent's clone returned? */
static bool came_and_went(struct state *s, uint32_t tid, uint32_t ppid)
{
	for (int i = 0; i < EXITED_MAX; i++) {
		if (s->exited[i].tid != tid || s->exited[i].ppid != ppid)
			continue;
		s->exited[i].tid = 0;
		return true;
	}
	return false;
}

/*
 * In a pid namespace the result is a number of that namespace, and of a vfork the parent hears only
 * when the child has become something else: there the child's side alone tells.
 */
static bool leaves_it_to_child(const struct doing *d)
{
	uint64_t flags = 0;

	did_u64(d, C_FLAGS, &flags);
	return flags & (SCAP_IN_PIDNS | SCAP_NEWPID | SCAP_PARENT | SCAP_VFORK) ||
	       d->ev->code == EV_VFORK || d->thread->t.vtid != d->thread->t.tid;
}

static void did_clone(struct doing *d)
{
	struct state *s = d->s;
	struct thread_row *t;

	if (d->is_live || d->res <= 0 || d->res >= UINT32_MAX)
		return;
	if (d->row->p.is_stub) {
		refresh(d, d->row);
		introduce(d);
	}
	/* captures of koban say which child that is, by the number that all others use */
	bool is_told = d->ev->fork.child_tid;
	uint32_t tid = is_told ? d->ev->fork.child_tid : (uint32_t)d->res;
	struct event_fork f = fork_of(d, tid, tid);

	if ((!is_told && leaves_it_to_child(d)) || came_and_went(s, tid, d->row->p.pid))
		return;
	if ((t = thread_find(s, tid))) {
		if (t->awaits_parent) {
			t->awaits_parent = false;
			return;
		}
		if (t == d->thread)
			return;
		forget(s, t);
	}
	if (f.clone_flags & CLONE_THREAD) {
		f.child_pid = d->row->p.pid;
		new_thread_of(d, d->row, &f);
	} else {
		f.parent_pid = f.clone_flags & CLONE_PARENT ? d->row->p.ppid : d->row->p.pid;
		new_process_of(d, d->row, &f);
	}
}

/* ---- exec and exit ---- */

/* What is run: where the kernel found it, else as it was asked for. */
static void show_program(struct doing *d)
{
	struct event *ev = d->ev;
	struct str cwd = did_str(d, X_CWD), filename = did_str(d, X_FILENAME);
	struct str trusted = did_str(d, X_EXEPATH);

	if (cwd.len && cwd.s[0] == '/')
		ev->cwd = path_normalise(d->a, STR_NULL, cwd);
	else
		ev->cwd = did_cwd(d);
	ev->path.raw = filename;
	ev->path.name = filename.len ? path_normalise(d->a, ev->cwd, filename) : trusted;
	ev->exepath = trusted.len ? trusted : ev->path.name;
	if (!str_eq(ev->exepath, ev->path.name))
		ev->path.real = ev->exepath;
	ev->cgroups = did_raw(d, X_CGROUPS);
}

static void did_exec(struct doing *d)
{
	struct state *s = d->s;
	struct row *r = d->row;

	if (d->res != 0)
		return;
	if (!d->is_live) {
		if (r->p.is_stub)
			introduce(d);
		show_program(d);
	}
	/* the caller has become the leader, the other threads are gone; so are their names */
	threads_drop(s, r, r->p.pid);
	d->thread = thread_add(s, r->p.pid, 0, r);
	if (d->thread)
		thread_rename(s, d->thread, STR_NULL);
	fds_exec(s, r);
}

/* The thread stays until the next event, for what looks at this one. */
static void did_exit(struct doing *d)
{
	struct state *s = d->s;

	s->gone_tid = d->ev->tid;
	if (!d->thread->awaits_parent)
		return;
	unsigned i = s->exited_at++ % EXITED_MAX;

	s->exited[i].tid = d->ev->tid;
	s->exited[i].ppid = d->row->p.pid == d->ev->tid ? d->row->p.ppid : d->row->p.pid;
}

/* option, arg2_str: a thread's name; the leader's is that of the process (state_apply) */
static void did_prctl(struct doing *d)
{
	enum { SET_NAME = 15, NAME_MAX_LEN = 15 };
	int64_t option;

	if (d->res >= 0 && d->ev->tid != d->row->p.pid && did_s64(d, 0, &option) &&
		option == SET_NAME)
		thread_rename(d->s, d->thread, str_head(did_str(d, 1), NAME_MAX_LEN));
}

/* The thread leaves the CPU, which it had since the last switch there. */
static void did_switch(struct doing *d)
{
	struct thread *t = &d->thread->t;
	uint64_t *last;

	if (d->ev->cpu >= CPUS_MAX)
		return;
	last = &d->s->switched_ns[d->ev->cpu];
	t->exec_ns = *last && d->ev->ts_ns > *last ? d->ev->ts_ns - *last : 0;
	t->total_exec_ns += t->exec_ns;
	*last = d->ev->ts_ns;
}

/* Of a thread that was not heard of before it is not known what is new. */
static void did_procinfo(struct doing *d)
{
	struct thread *t = &d->thread->t;
	int64_t user, system;

	if (!did_s64(d, 0, &user) || !did_s64(d, 1, &system))
		return;
	bool is_first = !t->user_ticks && !t->system_ticks;

	t->new_user_ticks = is_first ? 0 : (uint64_t)user - t->user_ticks;
	t->new_system_ticks = is_first ? 0 : (uint64_t)system - t->system_ticks;
	t->user_ticks = (uint64_t)user;
	t->system_ticks = (uint64_t)system;
}

#define CLONE_PARAMS                                                                               \
	{                                                                                          \
		"flags", "vtid", "pid", "ptid", "vpid"                                             \
	}
#define EXEC_PARAMS                                                                                \
	{                                                                                          \
		"cwd", "filename", "pid", "ptid", "trusted_exepath", "cgroups"                     \
	}

const struct did_row did_life_rows[] = {
	{"clone", did_clone, 0, CLONE_PARAMS},
	{"clone3", did_clone, 0, CLONE_PARAMS},
	{"fork", did_clone, 0, CLONE_PARAMS},
	{"vfork", did_clone, 0, CLONE_PARAMS},
	{"execve", did_exec, 0, EXEC_PARAMS},
	{"execveat", did_exec, 0, EXEC_PARAMS},
	{"procexit", did_exit, 0, {NULL}},
	{"switch", did_switch, 0, {NULL}},
	{"procinfo", did_procinfo, 0, {"cpu_usr", "cpu_sys"}},
	{"prctl", did_prctl, 0, {"option", "arg2_str"}},
	{NULL, NULL, 0, {NULL}},
};
