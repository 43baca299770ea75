/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as a block, in the current form of the format: exit events alone, with all parameters
 * that the schema has (state_fill() gave clones theirs). What is beyond the parameters stands
 * behind the event, as options. The format is described in block.h, the choices in
 * docs/internals/capture.md.
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

/* ---- what goes into no file ---- */

/* The event's parameters as they are to be written. */
struct fill {
	struct event_writer *w;
	const struct event *ev;
	struct str params[EVENT_PARAMS_MAX];
};

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
	if ((!is_clone(ev->code) && !is_exec(ev->code)) || !redact_wants(&f->w->redact))
		return;
	redact_param(f, "args", false, 0);
	redact_param(f, "env", true, 1);
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

static void put_text(struct encoder *c, uint16_t code, struct str s)
{
	if (s.len && s.len <= UINT16_MAX)
		put_option(c, code, s.s, (uint16_t)s.len);
}

/* What an event that was lost, or is in no capture, would have told of the descriptor. */
static void put_news(struct encoder *c, const struct event *ev)
{
	const struct event_fd *fd = &ev->fd;
	const struct event_sock *s = &fd->sock;
	uint8_t bytes[OPTION_FD_BYTES + WRITE_PATH_MAX];
	struct encoder o = encoder_of(bytes, sizeof(bytes));
	struct str name = event_fd_path(ev);

	put_u8(&o, fd->type);
	put_u8(&o, fd->layer);
	put_u8(&o, s->role);
	put_u8(&o, (uint64_t)s->has_local | (uint64_t)s->has_remote << 1 |
			   (uint64_t)fd->connected << 2);
	put_u32(&o, fd->flags);
	put_u32(&o, fd->dev);
	put_u64(&o, fd->ino);
	put_u16(&o, s->family);
	put_u8(&o, s->type);
	put_u8(&o, s->l4proto);
	put_u16(&o, s->local_port);
	put_u16(&o, s->remote_port);
	put_bytes(&o, s->local, sizeof(s->local));
	put_bytes(&o, s->remote, sizeof(s->remote));
	put_u64(&o, s->unix_local);
	put_u64(&o, s->unix_peer);
	name = str_head(name, WRITE_PATH_MAX);
	put_bytes(&o, name.s, name.len);
	put_option(c, OPTION_FD, bytes, (uint16_t)encoder_len(&o));
}

/* Who was moved to another cgroup and has not been seen since. */
static bool was_moved(struct event_writer *w, uint32_t pid)
{
	for (unsigned i = 0; i < w->nmoved; i++) {
		if (w->moved[i] != pid)
			continue;
		w->moved[i] = w->moved[--w->nmoved];
		return true;
	}
	return false;
}

static size_t names_len(const struct event *ev)
{
	return ev->path.real.len + ev->path.known.len + ev->target.real.len + ev->target.known.len;
}

/* At most, heads and padding with it. */
static size_t options_room(const struct event *ev, struct str cgroups)
{
	return 128 + names_len(ev) + cgroups.len +
	       (ev->fd.is_news ? OPTION_FD_BYTES + WRITE_PATH_MAX : 0);
}

static bool has_fork(const struct event *ev)
{
	return is_clone(ev->code) && (ev->fork.cloner_pid || ev->fork.child_tid);
}

static void put_options(struct encoder *c, const struct event *ev, size_t at, uint16_t id,
	uint32_t empty, struct str cgroups)
{
	static const char zeros[4];
	bool is_plain = !ev->enter_ns && !id && !empty && !names_len(ev) && !cgroups.len;

	if (is_plain && !ev->fd.is_news && !has_fork(ev))
		return;
	put_bytes(c, zeros, (4 - (encoder_len(c) - at) % 4) % 4);
	if (ev->enter_ns)
		put_option(c, OPTION_ENTER, &ev->enter_ns, sizeof(ev->enter_ns));
	put_text(c, OPTION_REAL, ev->path.real);
	put_text(c, OPTION_KNOWN, ev->path.known);
	put_text(c, OPTION_TARGET_REAL, ev->target.real);
	put_text(c, OPTION_TARGET_KNOWN, ev->target.known);
	put_text(c, OPTION_CGROUPS, cgroups);
	if (has_fork(ev) && ev->fork.cloner_pid)
		put_option(c, OPTION_CLONER, &ev->fork.cloner_pid, 4);
	if (has_fork(ev) && ev->fork.child_tid)
		put_option(c, OPTION_CHILD, &ev->fork.child_tid, 4);
	if (ev->fd.is_news)
		put_news(c, ev);
	if (empty)
		put_option(c, OPTION_EMPTY, &empty, sizeof(empty));
	if (id)
		put_option(c, OPTION_SYSCALL, &id, sizeof(id));
}

static void put_event(struct encoder *c, const struct event *ev, const struct event_def *def,
	struct str *params, unsigned n, struct str cgroups)
{
	bool is_large = def->flags & EF_LARGE;
	size_t head = EVENT_HEADER_BYTES + n * (is_large ? 4 : 2);
	size_t room = (is_large ? LARGE_BLOCK_MAX : EVENT_BLOCK_MAX) - BLOCK_MIN_BYTES -
		      options_room(ev, cgroups) - head;
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
	put_options(c, ev, at, id, empty, cgroups);
	block_end(c, at);
}

bool write_event(struct event_writer *w, struct encoder *c, const struct event *ev,
	const struct process *proc)
{
	struct fill f = {.w = w, .ev = ev};

	if (ev->code == EVENT_CGROUP && w->nmoved < WRITE_MOVED)
		w->moved[w->nmoved++] = ev->pid;
	if (!ev->def)
		return false;
	fill(&f);
	/* an exec tells its cgroups itself; of a capture that is written anew the event does */
	struct str cgroups = is_exec(ev->code) ? STR_NULL : ev->cgroups;
	if (w->nmoved && proc && was_moved(w, proc->pid))
		cgroups = proc->cgroups;
	put_event(c, ev, ev->def, f.params, ev->nparams, str_head(cgroups, WRITE_VECTOR_MAX));
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
	put_event(c, &ev, event_def(EV_CONTAINER), &text, 1, STR_NULL);
	arena_done(&a);
}
