/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event to state: what each state-changing event does to the acting process. One row an event in
 * the list at the end; nothing is judged here and nothing is decoded that the schema can.
 */
#include <sched.h>

#include "engine/state/private.h"

enum { PR_SET_NAME_OPTION = 15 }; /* include/uapi/linux/prctl.h */

static bool param_u64(const struct state *s, const struct event *ev, int n, uint64_t *ret)
{
	int i = s->apply_param[ev->code][n];

	return i >= 0 && event_param_u64(ev, (unsigned)i, ret);
}

static bool param_s64(const struct state *s, const struct event *ev, int n, int64_t *ret)
{
	int i = s->apply_param[ev->code][n];

	return i >= 0 && event_param_s64(ev, (unsigned)i, ret);
}

static bool succeeded(const struct event *ev)
{
	int64_t res;

	return event_result(ev, &res) && res >= 0;
}

/* ---- exec ---- */

enum exec_param {
	X_EXE,
	X_ARGS,
	X_CWD,
	X_FDLIMIT,
	X_MAJ,
	X_MIN,
	X_SIZE,
	X_RSS,
	X_SWAP,
	X_COMM,
	X_CGROUPS,
	X_ENV,
	X_TTY,
	X_VPGID,
	X_LOGINUID,
	X_FLAGS,
	X_INH,
	X_PRM,
	X_EFF,
	X_INO,
	X_CTIME,
	X_MTIME,
	X_UID,
	X_GID,
	X_EXEPATH,
	X_PGID,
	X_COUNT
};

static const char *const exec_names[X_COUNT] = {
	[X_EXE] = "exe",
	[X_ARGS] = "args",
	[X_CWD] = "cwd",
	[X_FDLIMIT] = "fdlimit",
	[X_MAJ] = "pgft_maj",
	[X_MIN] = "pgft_min",
	[X_SIZE] = "vm_size",
	[X_RSS] = "vm_rss",
	[X_SWAP] = "vm_swap",
	[X_COMM] = "comm",
	[X_CGROUPS] = "cgroups",
	[X_ENV] = "env",
	[X_TTY] = "tty",
	[X_VPGID] = "vpgid",
	[X_LOGINUID] = "loginuid",
	[X_FLAGS] = "flags",
	[X_INH] = "cap_inheritable",
	[X_PRM] = "cap_permitted",
	[X_EFF] = "cap_effective",
	[X_INO] = "exe_ino",
	[X_CTIME] = "exe_ino_ctime",
	[X_MTIME] = "exe_ino_mtime",
	[X_UID] = "uid",
	[X_GID] = "gid",
	[X_EXEPATH] = "trusted_exepath",
	[X_PGID] = "pgid",
};

static const struct exec_index *exec_of(const struct state *s, uint16_t code)
{
	for (unsigned i = 0; i < s->nexec; i++)
		if (s->exec[i].code == code)
			return &s->exec[i];
	return NULL;
}

static struct str exec_str(const struct event *ev, const struct exec_index *x, enum exec_param p)
{
	return x->at[p] < 0 ? STR_NULL : event_param_str(ev, (unsigned)x->at[p]);
}

/* NUL-separated strings without the last NUL */
static struct str exec_strings(
	const struct event *ev, const struct exec_index *x, enum exec_param p)
{
	struct str v = x->at[p] < 0 ? STR_NULL : event_param(ev, (unsigned)x->at[p]);

	if (v.len && v.s[v.len - 1] == 0)
		v.len--;
	return v;
}

static void exec_u64(
	const struct event *ev, const struct exec_index *x, enum exec_param p, uint64_t *v)
{
	uint64_t got;

	if (x->at[p] >= 0 && event_param_u64(ev, (unsigned)x->at[p], &got))
		*v = got;
}

static void exec_u32(
	const struct event *ev, const struct exec_index *x, enum exec_param p, uint32_t *v)
{
	uint64_t got = *v;

	exec_u64(ev, x, p, &got);
	*v = (uint32_t)got;
}

static struct str first_of(struct str a, struct str b, struct str c)
{
	return a.len ? a : b.len ? b : c;
}

static struct str without_last_nul(struct str s)
{
	return s.len && s.s[s.len - 1] == 0 ? str_head(s, s.len - 1) : s;
}

static void exec_text(
	struct state *s, struct row *r, const struct event *ev, const struct exec_index *x)
{
	struct process *p = &r->p;
	struct text_values v = text_get(p);

	v.v[TEXT_COMM] = first_of(exec_str(ev, x, X_COMM), p->comm, STR_NULL);
	v.v[TEXT_EXE] = first_of(exec_str(ev, x, X_EXE), STR_NULL, STR_NULL);
	v.v[TEXT_EXEPATH] = first_of(ev->exepath, exec_str(ev, x, X_EXEPATH), STR_NULL);
	v.v[TEXT_CWD] = first_of(ev->cwd, exec_str(ev, x, X_CWD), p->cwd);
	v.v[TEXT_ARGS] = exec_strings(ev, x, X_ARGS);
	v.v[TEXT_ENV] = exec_strings(ev, x, X_ENV);
	v.v[TEXT_CGROUPS] =
		first_of(without_last_nul(ev->cgroups), exec_strings(ev, x, X_CGROUPS), p->cgroups);
	s->n.text_cut += !text_set(&s->texts, p, &v);
}

static void exec_numbers(struct process *p, const struct event *ev, const struct exec_index *x)
{
	uint64_t flags = 0;

	exec_u64(ev, x, X_FDLIMIT, &p->fdlimit);
	exec_u64(ev, x, X_MAJ, &p->pfmajor);
	exec_u64(ev, x, X_MIN, &p->pfminor);
	exec_u64(ev, x, X_SIZE, &p->vmsize_kb);
	exec_u64(ev, x, X_RSS, &p->vmrss_kb);
	exec_u64(ev, x, X_SWAP, &p->vmswap_kb);
	exec_u64(ev, x, X_INH, &p->cap_inheritable);
	exec_u64(ev, x, X_PRM, &p->cap_permitted);
	exec_u64(ev, x, X_EFF, &p->cap_effective);
	exec_u32(ev, x, X_TTY, &p->tty);
	exec_u32(ev, x, X_VPGID, &p->vpgid);
	exec_u32(ev, x, X_PGID, &p->pgid);
	exec_u32(ev, x, X_LOGINUID, &p->loginuid);
	if (ev->uid == UINT32_MAX)
		exec_u32(ev, x, X_UID, &p->uid);
	if (ev->gid == UINT32_MAX)
		exec_u32(ev, x, X_GID, &p->gid);
	p->exe_ino = p->exe_ino_ctime_ns = p->exe_ino_mtime_ns = 0;
	exec_u64(ev, x, X_INO, &p->exe_ino);
	exec_u64(ev, x, X_CTIME, &p->exe_ino_ctime_ns);
	exec_u64(ev, x, X_MTIME, &p->exe_ino_mtime_ns);
	exec_u64(ev, x, X_FLAGS, &flags);
	p->exe_writable = flags & EXE_WRITABLE;
	p->exe_upper_layer = flags & EXE_UPPER_LAYER;
	p->exe_lower_layer = flags & EXE_LOWER_LAYER;
	p->exe_from_memfd = flags & EXE_FROM_MEMFD;
	p->exe_deleted = false;
}

static void apply_exec(struct state *s, struct row *r, const struct event *ev)
{
	const struct exec_index *x = exec_of(s, ev->code);
	int64_t res;

	if (!x || !event_result(ev, &res) || res != 0)
		return;
	exec_text(s, r, ev, x);
	exec_numbers(&r->p, ev, x);
	r->p.exec_epoch_ns = ev->ts_ns;
	r->p.is_stub = false;
	/* the other threads are gone, and the caller has become the leader */
	r->p.nthreads = 1;
	r->leader_gone = false;
	container_resolve(s, r, true);
	container_foresee(s, &r->p);
}

/* ---- the others ---- */

/* Was it the last thread? The kernel knows; a capture has only the threads that it told of. */
static bool ends_process(const struct state *s, struct row *r, const struct event *ev)
{
	if (!s->o.no_proc)
		return !ev->is_thread_exit;
	if (ev->tid == ev->pid || !ev->tid)
		r->leader_gone = true;
	return r->leader_gone && r->p.nthreads <= 1;
}

static void apply_exit(struct state *s, struct row *r, const struct event *ev)
{
	uint64_t reaper = 0;

	if (!ends_process(s, r, ev)) {
		/* of one alone the start of the one that goes was lost */
		s->left = r->p.nthreads > 1 ? r : NULL;
		return;
	}
	param_u64(s, ev, 0, &reaper);
	r->reaper = reaper < UINT32_MAX ? (uint32_t)reaper : 0;
	s->dying = r;
	s->dying_ns = ev->ts_ns;
}

/* Live events carry the credentials themselves; captures tell them only here. */
static void apply_uid(struct state *s, struct row *r, const struct event *ev)
{
	uint64_t uid;

	if (ev->uid == UINT32_MAX && succeeded(ev) && param_u64(s, ev, 0, &uid) &&
		(uint32_t)uid != UINT32_MAX)
		r->p.uid = (uint32_t)uid;
}

static void apply_gid(struct state *s, struct row *r, const struct event *ev)
{
	uint64_t gid;

	if (ev->gid == UINT32_MAX && succeeded(ev) && param_u64(s, ev, 0, &gid) &&
		(uint32_t)gid != UINT32_MAX)
		r->p.gid = (uint32_t)gid;
}

static void apply_setsid(struct state *s, struct row *r, const struct event *ev)
{
	if (!succeeded(ev))
		return;
	r->p.sid = r->p.pgid = r->p.pid;
	r->p.vsid = r->p.vpgid = r->p.vpid;
	r->p.tty = 0;
}

/* setpgid(2) reaches only the caller and its children; numbers are of the caller's namespace. */
static struct row *setpgid_target(struct row *r, int64_t vpid)
{
	if (!vpid || (uint32_t)vpid == r->p.vpid)
		return r;
	for (struct row *c = r->first_child; c; c = c->next_sibling)
		if (!row_is_dead(c) && c->p.vpid == (uint32_t)vpid)
			return c;
	return NULL;
}

static void apply_setpgid(struct state *s, struct row *r, const struct event *ev)
{
	int64_t vpid, vpgid;

	if (!succeeded(ev) || !param_s64(s, ev, 0, &vpid) || !param_s64(s, ev, 1, &vpgid))
		return;
	struct row *t = setpgid_target(r, vpid);

	if (!t)
		return;
	if (!vpgid)
		vpgid = t->p.vpid;
	if ((uint32_t)vpgid == t->p.vpid)
		t->p.pgid = t->p.pid;
	else if ((uint32_t)vpgid == r->p.vpgid)
		t->p.pgid = r->p.pgid;
	else if (r->p.vpid == r->p.pid)
		t->p.pgid = (uint32_t)vpgid;
	t->p.vpgid = (uint32_t)vpgid;
}

static void apply_chdir(struct state *s, struct row *r, const struct event *ev)
{
	if (ev->cwd.len && succeeded(ev))
		text_replace(s, &r->p, TEXT_CWD, ev->cwd);
}

static void apply_chroot(struct state *s, struct row *r, const struct event *ev)
{
	struct str root = ev->path.real.len ? ev->path.real : ev->path.name;

	if (root.len && succeeded(ev))
		text_replace(s, &r->p, TEXT_ROOT, root);
}

static void apply_capset(struct state *s, struct row *r, const struct event *ev)
{
	if (!succeeded(ev))
		return;
	param_u64(s, ev, 0, &r->p.cap_inheritable);
	param_u64(s, ev, 1, &r->p.cap_permitted);
	param_u64(s, ev, 2, &r->p.cap_effective);
}

static void apply_prctl(struct state *s, struct row *r, const struct event *ev)
{
	int64_t option;
	int at = s->apply_param[ev->code][1];

	/* a process is named after its leader; other threads have names of their own */
	if (ev->tid != ev->pid || at < 0 || !succeeded(ev) || !param_s64(s, ev, 0, &option) ||
		option != PR_SET_NAME_OPTION)
		return;
	text_replace(s, &r->p, TEXT_COMM, str_head(event_param_str(ev, (unsigned)at), 15));
}

static void move_cgroup(struct state *s, struct row *r, struct str list)
{
	struct str cgroups = without_last_nul(list);

	if (cgroups.len && text_replace(s, &r->p, TEXT_CGROUPS, cgroups))
		container_resolve(s, r, false);
}

/* Captures have the sizes with each such call; live events leave them out. */
static void apply_memory(struct state *s, struct row *r, const struct event *ev)
{
	param_u64(s, ev, 0, &r->p.vmsize_kb);
	param_u64(s, ev, 1, &r->p.vmrss_kb);
	param_u64(s, ev, 2, &r->p.vmswap_kb);
}

static void apply_switch(struct state *s, struct row *r, const struct event *ev)
{
	apply_memory(s, r, ev);
	if (ev->tid != ev->pid) /* page faults are counted by thread */
		return;
	param_u64(s, ev, 3, &r->p.pfmajor);
	param_u64(s, ev, 4, &r->p.pfminor);
}

/* setrlimit, prlimit: cur, resource, pid; -1 = as it was */
static void apply_rlimit(struct state *s, struct row *r, const struct event *ev)
{
	enum { NOFILE = 7 }; /* RLIMIT_NOFILE, here and in .scap */
	int64_t cur, resource, pid = 0;

	if (!succeeded(ev) || !param_s64(s, ev, 1, &resource) || resource != NOFILE ||
		!param_s64(s, ev, 0, &cur) || cur < 0)
		return;
	param_s64(s, ev, 2, &pid);
	if (!pid || (uint32_t)pid == r->p.vpid)
		r->p.fdlimit = (uint64_t)cur;
}

static void apply_cgroup(struct state *s, struct row *r, const struct event *ev)
{
	move_cgroup(s, r, ev->cgroups);
}

/* ---- fork ---- */

static void inherit(struct state *s, struct row *child, const struct row *from,
	const struct event_fork *f, uint64_t ts_ns)
{
	struct process *c = &child->p;

	row_copy_values(s, child, &from->p);
	row_set_container(c, from->p.container);
	c->nthreads = 1;
	c->is_from_proc = false;
	c->vpid = f->vpid ? f->vpid : f->child_pid;
	c->vtid = f->vtid ? f->vtid : c->vpid;
	c->start_epoch_ns = c->exec_epoch_ns = ts_ns;
	if (f->clone_flags & CLONE_NEWPID)
		c->pidns_init_start_ns = ts_ns;
	text_share(c, &from->p);
}

struct row *apply_new_process(struct state *s, struct row *r, const struct event_fork *f,
	uint64_t ts_ns, struct str cgroups)
{
	struct row *child = row_find(s, f->child_pid, f->child_start_ns);
	bool is_new = !child || child->p.is_stub;

	if (child && row_is_dead(child))
		row_revive(s, child);
	if (!child)
		child = row_add(s, f->child_pid, f->child_start_ns);
	if (!child)
		return NULL;
	row_refine_start(s, child, f->child_start_ns);
	if (is_new)
		inherit(s, child, r, f, ts_ns); /* else seeded from /proc, which knew more */
	child->p.start_epoch_ns = ts_ns;
	child->p.ppid = f->parent_pid ? f->parent_pid : r->p.pid;

	struct row *parent =
		f->parent_pid && f->parent_pid != r->p.pid ? row_by_pid(s, f->parent_pid) : r;
	row_set_parent(s, child, parent == s->nobody ? NULL : parent);
	if (cgroups.len)
		move_cgroup(s, child, cgroups);
	if (s->o.descriptors && is_new)
		life_forked(s, r, child, f);
	return child;
}

static void apply_fork(struct state *s, struct row *r, const struct event *ev)
{
	const struct event_fork *f = &ev->fork;
	struct thread_row *t = s->o.descriptors ? thread_find(s, ev->tid) : NULL;

	if (t)
		t->newest_tid = f->child_tid;

	if (!(f->clone_flags & CLONE_THREAD) && f->child_pid != ev->pid && f->child_pid) {
		apply_new_process(s, r, f, ev->ts_ns, ev->cgroups);
		return;
	}
	r->p.nthreads++;
	if (s->o.descriptors && f->child_tid)
		thread_add(s, f->child_tid, f->vtid, r);
}

/* ---- who acts ---- */

enum { STUB_RETRY_NS = 1000 * 1000 * 1000, REPAIR_DEPTH = PROCESS_ANCESTORS_MAX };

/* The ancestors that /proc names and the table lacks, each read once. */
static void repair_ancestors(struct state *s, struct row *r)
{
	for (unsigned i = 0; i < REPAIR_DEPTH && r->p.ppid; i++) {
		struct row *parent = row_by_pid(s, r->p.ppid);

		if (parent) {
			row_set_parent(s, r, parent);
			return;
		}
		if (!(parent = row_add(s, r->p.ppid, 0)))
			return;
		parent->looked_ns = s->now_ns | 1;
		parent->p.is_stub = true;
		parent->p.vpid = parent->p.pid;
		row_set_parent(s, r, parent);
		if (proc_fill(s, parent) < 0) {
			s->n.stubs++;
			return;
		}
		s->n.repaired++;
		r = parent;
	}
}

static void repair(struct state *s, struct row *r)
{
	r->looked_ns = s->now_ns | 1;
	if (s->o.no_proc || proc_fill(s, r) < 0)
		return;
	s->n.repaired++;
	repair_ancestors(s, r);
}

static struct row *unknown(struct state *s, const struct event *ev)
{
	struct row *r = row_by_pid(s, ev->pid);

	if (r && !r->p.start_ns && ev->start_ns)
		row_refine_start(s, r, ev->start_ns); /* a stub: now we know when it began */
	else
		r = row_add(s, ev->pid, ev->start_ns);
	if (!r)
		return s->nobody;
	if (!r->looked_ns) {
		r->p.is_stub = true;
		r->p.vpid = ev->pid;
		repair(s, r);
		s->n.stubs += r->p.is_stub;
	}
	return r;
}

static __attribute__((noinline)) struct row *find_acting(struct state *s, const struct event *ev)
{
	struct row *r = ev->start_ns ? row_find(s, ev->pid, ev->start_ns) : row_by_pid(s, ev->pid);

	if (!r)
		return unknown(s, ev);
	if (row_is_dead(r))
		row_revive(s, r);
	if (ev->start_ns && r->p.start_ns != ev->start_ns)
		row_refine_start(s, r, ev->start_ns);
	if (r->p.is_stub && !s->o.no_proc && s->now_ns > r->looked_ns + STUB_RETRY_NS)
		repair(s, r);
	row_touch(s, r);
	return r;
}

struct row *apply_acting(struct state *s, const struct event *ev)
{
	if (!ev->pid)
		return s->nobody;
	if (s->actor && s->actor->p.pid == ev->pid && s->actor->p.start_ns == ev->start_ns)
		return s->actor; /* state_complete() found it a moment ago */
	return find_acting(s, ev);
}

void apply_end(struct state *s)
{
	struct row *r = s->dying;

	if (s->left)
		s->left->p.nthreads--;
	s->left = s->dying = NULL;
	if (r)
		row_bury(s, r, s->dying_ns);
}

struct process *state_apply(struct state *s, const struct event *ev)
{
	apply_finish(s);
	s->now_ns = ev->ts_ns;
	struct row *r = apply_acting(s, ev);

	s->actor = NULL;

	if (ev->uid != UINT32_MAX)
		r->p.uid = ev->uid;
	if (ev->gid != UINT32_MAX)
		r->p.gid = ev->gid;
	if (r == s->nobody) {
		captured_meta(s, ev);
		return &r->p;
	}
	if (ev->code == EVENT_FORK)
		apply_fork(s, r, ev);
	else if (ev->code == EVENT_CGROUP)
		apply_cgroup(s, r, ev);
	else if (ev->code < EVENT_CODE_MAX && s->apply[ev->code])
		s->apply[ev->code](s, r, ev);
	/* a capture of koban says with the next event that the process was moved */
	if (s->o.no_proc && ev->cgroups.len)
		move_cgroup(s, r, ev->cgroups);
	return &r->p;
}

/* ---- the list ---- */

static const struct {
	const char *name;
	apply_fn fn;
	const char *params[APPLY_PARAMS_MAX];
} applies[] = {
	{"execve", apply_exec, {NULL}},
	{"execveat", apply_exec, {NULL}},
	{"procexit", apply_exit, {"reaper_tid"}},
	{"setuid", apply_uid, {"uid"}},
	{"setreuid", apply_uid, {"euid"}},
	{"setresuid", apply_uid, {"euid"}},
	{"setgid", apply_gid, {"gid"}},
	{"setregid", apply_gid, {"egid"}},
	{"setresgid", apply_gid, {"egid"}},
	{"setsid", apply_setsid, {NULL}},
	{"setpgid", apply_setpgid, {"pid", "pgid"}},
	{"chdir", apply_chdir, {NULL}},
	{"fchdir", apply_chdir, {NULL}},
	{"chroot", apply_chroot, {NULL}},
	{"capset", apply_capset, {"cap_inheritable", "cap_permitted", "cap_effective"}},
	{"brk", apply_memory, {"vm_size", "vm_rss", "vm_swap"}},
	{"mmap", apply_memory, {"vm_size", "vm_rss", "vm_swap"}},
	{"mmap2", apply_memory, {"vm_size", "vm_rss", "vm_swap"}},
	{"munmap", apply_memory, {"vm_size", "vm_rss", "vm_swap"}},
	{"switch", apply_switch, {"vm_size", "vm_rss", "vm_swap", "pgft_maj", "pgft_min"}},
	{"getrlimit", apply_rlimit, {"cur", "resource"}},
	{"setrlimit", apply_rlimit, {"cur", "resource"}},
	{"prlimit", apply_rlimit, {"newcur", "resource", "pid"}},
	{"prctl", apply_prctl, {"option", "arg2_str"}},
};

static void add_exec(struct state *s, const struct event_def *def)
{
	if (s->nexec == EXEC_CODES_MAX)
		return;
	struct exec_index *x = &s->exec[s->nexec++];

	x->code = def->code;
	for (int i = 0; i < X_COUNT; i++)
		x->at[i] = (int8_t)event_param_index(def, str_of(exec_names[i]));
}

void apply_init(struct state *s)
{
	_Static_assert((int)X_COUNT <= (int)EXEC_PARAMS_MAX, "exec_index.at is too small");
	for (size_t i = 0; i < sizeof(applies) / sizeof(*applies); i++) {
		uint16_t codes[EXEC_CODES_MAX];
		size_t n = event_codes_by_name(str_of(applies[i].name), codes, EXEC_CODES_MAX);

		for (size_t k = 0; k < n && k < EXEC_CODES_MAX; k++) {
			const struct event_def *def = event_def(codes[k]);

			if (!def || def->flags & EF_ENTER)
				continue;
			s->apply[codes[k]] = applies[i].fn;
			for (int j = 0; j < APPLY_PARAMS_MAX; j++)
				s->apply_param[codes[k]][j] =
					(int8_t)(applies[i].params[j]
							 ? event_param_index(def,
								   str_of(applies[i].params[j]))
							 : -1);
			if (applies[i].fn == apply_exec)
				add_exec(s, def);
		}
	}
}
