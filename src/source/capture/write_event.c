/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as a block, in the current form of the format: exit events alone, with all parameters
 * that the schema has. What the live sensor leaves to the state (who a clone made, under which
 * name) is filled in, because other readers have nothing but the file. The format is described in
 * block.h, the choices in docs/internals/capture.md.
 */
#include <string.h>

#include "source/capture/write.h"

void put_str16(struct encoder *c, struct str s, size_t max)
{
	s = str_head(s, max);
	put_u16(c, s.len);
	put_bytes(c, s.s, s.len);
}

size_t block_begin(struct encoder *c, uint32_t type)
{
	size_t at = encoder_len(c);

	put_u32(c, type);
	put_u32(c, 0);
	return at;
}

static void set_u32(struct encoder *c, size_t at, uint32_t v)
{
	if (!c->full)
		memcpy(c->start + at, &v, sizeof(v));
}

void block_end(struct encoder *c, size_t at)
{
	static const char zeros[4];

	put_bytes(c, zeros, (4 - (encoder_len(c) - at) % 4) % 4);
	uint32_t length = (uint32_t)(encoder_len(c) - at + BLOCK_TRAILER_BYTES);
	put_u32(c, length);
	set_u32(c, at + 4, length);
}

size_t entry_begin(struct encoder *c)
{
	size_t at = encoder_len(c);

	put_u32(c, 0);
	return at;
}

void entry_end(struct encoder *c, size_t at)
{
	set_u32(c, at, (uint32_t)(encoder_len(c) - at));
}

/* ---- what the state knows better ---- */

/* The event's parameters as they are to be written, filled and redacted. */
struct fill {
	struct event_writer *w;
	const struct event *ev;
	const struct process *proc;
	struct str params[EVENT_PARAMS_MAX];
	unsigned ntexts;
};

static bool wants(struct fill *f, const char *name, int *ret)
{
	*ret = event_param_index(f->ev->def, str_of(name));
	return *ret >= 0 && !f->params[*ret].len;
}

static void fill_number(struct fill *f, const char *name, uint64_t v)
{
	bool is_signed;
	int i;

	if (!wants(f, name, &i))
		return;
	f->w->numbers[i] = v;
	f->params[i] = str_make((const char *)&f->w->numbers[i],
		param_type_size(f->ev->def->params[i].type, &is_signed));
}

static void fill_text(struct fill *f, const char *name, struct str s)
{
	char *out = f->w->texts[f->ntexts & 3];
	int i;

	if (!s.len || !wants(f, name, &i))
		return;
	str_copy(s, out, sizeof(f->w->texts[0]));
	f->params[i] = str_make(out, strlen(out) + 1);
	f->ntexts++;
}

static void fill_vector(struct fill *f, const char *name, struct str s, unsigned slot)
{
	char *out = f->w->vectors[slot];
	int i;

	if (!s.len || !wants(f, name, &i))
		return;
	s = str_head(s, WRITE_VECTOR_MAX - 1);
	memcpy(out, s.s, s.len);
	out[s.len] = 0;
	f->params[i] = str_make(out, s.len + (s.s[s.len - 1] != 0));
}

/* What only a clone inherits: an exec has begun anew. */
static void fill_memory(struct fill *f)
{
	fill_number(f, "pgft_maj", f->proc->pfmajor);
	fill_number(f, "pgft_min", f->proc->pfminor);
	fill_number(f, "vm_size", f->proc->vmsize_kb);
	fill_number(f, "vm_rss", f->proc->vmrss_kb);
	fill_number(f, "vm_swap", f->proc->vmswap_kb);
}

/* Of a clone, what the one who returns from it is: the child (result 0) or its parent. */
static void fill_process(struct fill *f)
{
	const struct process *p = f->proc;
	const struct thread *t = state_thread_find(f->w->state, f->ev->tid);
	uint32_t vtid = t ? t->vtid : f->ev->tid == p->pid ? p->vpid : 0;

	fill_text(f, "exe", p->exe);
	fill_text(f, "comm", t && t->comm.len ? t->comm : p->comm);
	fill_text(f, "cwd", p->cwd);
	fill_vector(f, "args", p->args, 0);
	fill_vector(f, "cgroups", p->cgroups, 2);
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

/* Every new process is told by an EVENT_FORK before its clone returns; a new thread is not. */
static void note_fork(struct event_writer *w, const struct event *ev)
{
	w->forks[w->nforks++ % WRITE_FORKS] =
		(struct write_fork){ev->pid, ev->fork.child_pid, ev->fork.vpid};
}

static bool made_thread(const struct fill *f)
{
	int64_t res = 0;

	if (!event_result(f->ev, &res) || res <= 0)
		return res == 0 && f->ev->tid != f->ev->pid;
	for (unsigned i = 0; i < WRITE_FORKS; i++) {
		const struct write_fork *k = &f->w->forks[i];

		if (k->pid == f->ev->pid && (k->child == res || k->vpid == res))
			return false;
	}
	return true;
}

/*
 * Other readers tell threads from processes by the flags. The sensor reads those of clone; those of
 * clone3 lie in memory that the caller can change meanwhile, so that only what the kernel did says
 * which it was. CLONE_CHILD_IN_PIDNS is nobody's argument.
 */
static void fill_clone_flags(struct fill *f)
{
	enum { FILES = 0x1, FS = 0x2, SIGHAND = 0x800, THREAD = 0x2000, VM = 0x8000 };
	enum { VFORK = 0x8000000, IN_PIDNS = 0x20000000 };
	uint64_t flags = 0;
	int i = event_param_index(f->ev->def, STR("flags"));

	if (i < 0)
		return;
	if (f->params[i].len >= 4)
		memcpy(&flags, f->params[i].s, 4);
	else if (f->ev->code == EV_VFORK)
		flags = VFORK | VM;
	else if (f->ev->code == EV_CLONE3 && made_thread(f))
		flags = THREAD | SIGHAND | FILES | FS | VM;
	if (f->proc->vpid && f->proc->vpid != f->proc->pid)
		flags |= IN_PIDNS;
	f->params[i] = STR_NULL;
	fill_number(f, "flags", flags);
}

static bool is_clone(uint16_t code)
{
	return code == EV_CLONE || code == EV_FORK || code == EV_VFORK || code == EV_CLONE3;
}

static bool is_exec(uint16_t code)
{
	return code == EV_EXECVE || code == EV_EXECVEAT;
}

static void redact_param(struct fill *f, const char *name, bool is_environment, unsigned slot)
{
	int i = event_param_index(f->ev->def, str_of(name));

	/* what fill_vector() put into the same place is shorter and read before it is written */
	if (i >= 0 && f->params[i].len) {
		char copy[WRITE_VECTOR_MAX * 2];
		struct str out = redact_vector(
			&f->w->redact, f->params[i], is_environment, copy, sizeof(copy));

		if (out.s == copy) {
			memcpy(f->w->vectors[slot], copy, out.len);
			out.s = f->w->vectors[slot];
		}
		f->params[i] = out;
	}
}

static void fill(struct fill *f)
{
	const struct event *ev = f->ev;

	for (unsigned i = 0; i < ev->nparams && i < EVENT_PARAMS_MAX; i++)
		f->params[i] = ev->params[i];
	if (!is_clone(ev->code) && !is_exec(ev->code))
		return;
	if (f->proc)
		fill_process(f);
	if (is_clone(ev->code) && f->proc) {
		fill_memory(f);
		fill_clone_flags(f);
	}
	if (redact_wants(&f->w->redact)) {
		redact_param(f, "args", false, 0);
		redact_param(f, "env", true, 1);
	}
}

/* ---- the block ---- */

/* The longest parameters are cut until the event fits a block that every reader takes. */
static size_t cut_to_fit(struct str *params, unsigned n, size_t room)
{
	for (;;) {
		size_t total = 0;
		unsigned longest = 0;

		for (unsigned i = 0; i < n; i++) {
			total += params[i].len;
			if (params[i].len > params[longest].len)
				longest = i;
		}
		if (total <= room || !n)
			return total;
		size_t over = total - room, len = params[longest].len;
		params[longest].len = over < len ? len - over : 0;
	}
}

/*
 * Ids of syscalls that are younger than sysdig 0.29 (its PPM_SC_MAX) make it crash: they are
 * written as "unknown", and the id goes behind the event.
 */
enum { SYSCALL_ID_OLD_MAX = 329 };

static uint16_t hide_syscall(const struct event *ev, struct str *params)
{
	static const uint16_t unknown = 0;
	uint16_t id = 0;

	if (ev->code != EV_SYSCALL || params[0].len != sizeof(id))
		return 0;
	memcpy(&id, params[0].s, sizeof(id));
	if (id < SYSCALL_ID_OLD_MAX)
		return 0;
	params[0].s = (const char *)&unknown;
	return id;
}

static void put_option(struct encoder *c, uint16_t code, const void *value, uint16_t len)
{
	static const char zeros[4];

	put_u16(c, code);
	put_u16(c, len);
	put_bytes(c, value, len);
	put_bytes(c, zeros, (4 - len % 4u) % 4);
}

/*
 * Readers of sysdig 0.29 know no empty number and print what happens to lie there. They get zeros,
 * and the bits say that they are none.
 */
enum { EVENT_OLD_MAX = 336 /* sysdig 0.29 skips later ones */ };

static uint32_t fill_empty(const struct event_def *def, struct str *params, unsigned n)
{
	static const char zeros[8];
	uint32_t empty = 0;
	bool is_signed;

	for (unsigned i = 0; i < n && def->code < EVENT_OLD_MAX; i++) {
		unsigned size =
			params[i].len ? 0 : param_type_size(def->params[i].type, &is_signed);

		if (size && size <= sizeof(zeros)) {
			params[i] = str_make(zeros, size);
			empty |= 1U << i;
		}
	}
	return empty;
}

static void put_options(
	struct encoder *c, const struct event *ev, size_t at, uint16_t id, uint32_t empty)
{
	static const char zeros[4];

	if (!ev->enter_ns && !id && !empty)
		return;
	put_bytes(c, zeros, (4 - (encoder_len(c) - at) % 4) % 4);
	if (ev->enter_ns)
		put_option(c, OPTION_ENTER, &ev->enter_ns, sizeof(ev->enter_ns));
	if (empty)
		put_option(c, OPTION_EMPTY, &empty, sizeof(empty));
	if (id)
		put_option(c, OPTION_SYSCALL, &id, sizeof(id));
}

static void put_event(struct encoder *c, const struct event *ev, const struct event_def *def,
	struct str *params, unsigned n)
{
	bool is_large = def->flags & EF_LARGE;
	size_t head = EVENT_HEADER_BYTES + n * (is_large ? 4 : 2);
	size_t room = (is_large ? LARGE_BLOCK_MAX : EVENT_BLOCK_MAX) - BLOCK_MIN_BYTES - 64 - head;
	uint16_t id = hide_syscall(ev, params);
	uint32_t empty = fill_empty(def, params, n);
	size_t total = cut_to_fit(params, n, room);
	uint32_t type = ev->is_state_only ? (is_large ? BLOCK_EVENT_FLAGS_LARGE : BLOCK_EVENT_FLAGS)
					  : (is_large ? BLOCK_EVENT_LARGE : BLOCK_EVENT);
	size_t at = block_begin(c, type);

	put_u16(c, ev->cpu);
	if (ev->is_state_only)
		put_u32(c, EVENT_STATE_ONLY);
	put_u64(c, ev->ts_ns);
	/* what no thread did is of thread -1 */
	put_u64(c,
		ev->tid == UINT32_MAX || (def->flags & EF_META && !ev->tid) ? UINT64_MAX : ev->tid);
	put_u32(c, head + total);
	put_u16(c, ev->code);
	put_u32(c, n);
	for (unsigned i = 0; i < n; i++)
		is_large ? put_u32(c, params[i].len) : put_u16(c, params[i].len);
	for (unsigned i = 0; i < n; i++)
		put_bytes(c, params[i].s, params[i].len);
	put_options(c, ev, at, id, empty);
	block_end(c, at);
}

bool write_event(struct event_writer *w, struct encoder *c, const struct event *ev,
	const struct process *proc)
{
	struct fill f = {.w = w, .ev = ev, .proc = proc};

	if (ev->code == EVENT_FORK)
		note_fork(w, ev);
	if (!ev->def)
		return false;
	fill(&f);
	put_event(c, ev, ev->def, f.params, ev->nparams);
	return !c->full;
}

/* ---- containers ---- */

enum { CONTAINER_ENV_MAX = 1024, CONTAINER_ITEM_MAX = 2048 };

void write_container(struct event_writer *w, struct encoder *c, const struct container *k,
	uint64_t ts_ns, struct buf *json)
{
	struct container copy = *k;
	struct arena a;
	struct event ev = {.ts_ns = ts_ns, .code = EV_CONTAINER, .nparams = 1};

	arena_init(&a, CONTAINER_ENV_MAX * CONTAINER_ITEM_MAX);
	if (redact_wants(&w->redact)) {
		copy.env = arena_alloc(&a, k->nenv * sizeof(*copy.env));
		copy.nenv = 0;
		for (size_t i = 0; copy.env && i < k->nenv && i < CONTAINER_ENV_MAX; i++) {
			char text[CONTAINER_ITEM_MAX];
			struct str item =
				redact_vector(&w->redact, k->env[i], true, text, sizeof(text));

			if (item.len)
				copy.env[copy.nenv++] = arena_str(&a, item);
		}
	}
	buf_clear(json);
	container_to_json(&copy, json);
	buf_add_char(json, 0);
	struct str text = buf_str(json);
	put_event(c, &ev, event_def(EV_CONTAINER), &text, 1);
	arena_done(&a);
}
