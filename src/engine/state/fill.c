/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the live sensor leaves to the state: a clone says who returns from it, an exec who ran it,
 * and their parameters repeat what is known of that process. Captures hold them in full; with this
 * live events do too. Nothing is looked up anew and nothing that the event has is changed.
 */
#include "engine/state/private.h"

struct fill {
	struct event *ev;
	struct arena *a;
};

static bool is_clone(uint16_t code)
{
	return code == EV_CLONE || code == EV_FORK || code == EV_VFORK || code == EV_CLONE3;
}

static bool is_exec(uint16_t code)
{
	return code == EV_EXECVE || code == EV_EXECVEAT;
}

static bool lacks(const struct fill *f, const char *name, unsigned *ret)
{
	int i = event_param_index(f->ev->def, str_of(name));

	*ret = (unsigned)i;
	return i >= 0 && i < f->ev->nparams && !f->ev->params[i].len;
}

static void set_number(struct fill *f, unsigned i, uint64_t v)
{
	bool is_signed;
	uint64_t *n = arena_alloc(f->a, sizeof(*n));

	if (!n)
		return;
	*n = v;
	f->ev->params[i] =
		str_make((const char *)n, param_type_size(f->ev->def->params[i].type, &is_signed));
}

static void fill_number(struct fill *f, const char *name, uint64_t v)
{
	unsigned i;

	if (lacks(f, name, &i))
		set_number(f, i, v);
}

static void fill_text(struct fill *f, const char *name, struct str s)
{
	unsigned i;

	if (!s.len || !lacks(f, name, &i))
		return;
	struct str copy = arena_str(f->a, s);

	/* with its NUL */
	f->ev->params[i] = copy.s ? str_make(copy.s, copy.len + 1) : STR_NULL;
}

/* Of a clone, what the one who returns from it is: the child (result 0) or its parent. */
static void fill_process(struct fill *f, const struct process *p, const struct thread *t)
{
	uint32_t vtid = t ? t->vtid : f->ev->tid == p->pid ? p->vpid : 0;

	fill_text(f, "exe", p->exe);
	fill_text(f, "comm", t && t->comm.len ? t->comm : p->comm);
	fill_text(f, "cwd", p->cwd);
	fill_text(f, "args", p->args);
	fill_text(f, "cgroups", p->cgroups);
	fill_number(f, "tid", f->ev->tid);
	fill_number(f, "pid", p->pid);
	fill_number(f, "ptid", p->ppid);
	fill_number(f, "fdlimit", p->fdlimit);
	fill_number(f, "uid", p->uid);
	fill_number(f, "gid", p->gid);
	fill_number(f, "vtid", vtid ? vtid : f->ev->tid);
	fill_number(f, "vpid", p->vpid ? p->vpid : p->pid);
	fill_number(f, "pidns_init_start_ts", p->pidns_init_start_ns);
}

/* What only a clone inherits: an exec has begun anew. */
static void fill_memory(struct fill *f, const struct process *p)
{
	fill_number(f, "pgft_maj", p->pfmajor);
	fill_number(f, "pgft_min", p->pfminor);
	fill_number(f, "vm_size", p->vmsize_kb);
	fill_number(f, "vm_rss", p->vmrss_kb);
	fill_number(f, "vm_swap", p->vmswap_kb);
}

/* CLONE_CHILD_IN_PIDNS is nobody's argument: it says how the ids are to be read. */
static void add_namespace(struct fill *f, const struct process *p)
{
	enum { IN_PIDNS = 0x20000000 };
	int i = event_param_index(f->ev->def, STR("flags"));
	uint64_t flags = 0;

	if (i < 0 || !p->vpid || p->vpid == p->pid)
		return;
	event_param_u64(f->ev, (unsigned)i, &flags);
	set_number(f, (unsigned)i, flags | IN_PIDNS);
}

/*
 * Who is whose copy, where the call itself does not say it: its result is a number of a pid
 * namespace, or the child has another parent, by CLONE_PARENT or because his own has ended.
 */
static void fill_fork(const struct state *s, const struct process *p, struct event *ev)
{
	struct thread_row *t = thread_find(s, ev->tid);
	int64_t res;

	if (!t || !event_result(ev, &res) || res < 0)
		return;
	if (res == 0) {
		ev->fork.cloner_pid = t->cloner_pid != p->ppid ? t->cloner_pid : 0;
		return;
	}
	struct thread_row *child = t->newest_tid ? thread_find(s, t->newest_tid) : NULL;

	if (child && (child->t.tid != res || child->row->p.ppid != p->pid))
		ev->fork.child_tid = child->t.tid;
	t->newest_tid = 0;
}

void state_fill(const struct state *s, const struct process *p, struct arena *a, struct event *ev)
{
	struct fill f = {ev, a};

	if (!ev->def || !p || (!is_clone(ev->code) && !is_exec(ev->code)))
		return;
	fill_process(&f, p, state_thread_find(s, ev->tid));
	if (is_exec(ev->code))
		return;
	fill_fork(s, p, ev);
	fill_memory(&f, p);
	add_namespace(&f, p);
}
