/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a captured event is about: which process acted, which descriptor and which names it means.
 * Which parameter says so follows from the schema; what an event does to the tables is a row of
 * complete_fd.c, complete_sock.c or complete_life.c. Nothing here judges, and nothing here changes
 * a process: that is state_apply()'s.
 *
 * An event of the live sensor passes the same rows, so that the tables are right when a capture is
 * written from them, but it stays as it is.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "engine/state/private.h"

/* ---- reading parameters ---- */

bool did_s64(const struct doing *d, int n, int64_t *ret)
{
	int i = d->about->at[n];

	return i >= 0 && event_param_s64(d->ev, (unsigned)i, ret);
}

bool did_u64(const struct doing *d, int n, uint64_t *ret)
{
	int i = d->about->at[n];

	return i >= 0 && event_param_u64(d->ev, (unsigned)i, ret);
}

struct str did_str(const struct doing *d, int n)
{
	int i = d->about->at[n];

	return i >= 0 ? event_param_str(d->ev, (unsigned)i) : STR_NULL;
}

struct str did_raw(const struct doing *d, int n)
{
	int i = d->about->at[n];

	return i >= 0 ? event_param(d->ev, (unsigned)i) : STR_NULL;
}

struct str did_cwd(const struct doing *d)
{
	return d->row->p.cwd;
}

static __attribute__((noinline)) int64_t narrow(const struct event *ev, int i)
{
	int64_t v;

	return event_param_s64(ev, (unsigned)i, &v) ? v : INT64_MIN;
}

/* A result or a descriptor, INT64_MIN = none: 8 bytes, mostly; the schema's types make it so. */
static int64_t wide(const struct event *ev, int i)
{
	struct str raw = event_param(ev, (unsigned)i);
	int64_t v;

	if (raw.len != sizeof(v))
		return narrow(ev, i);
	memcpy(&v, raw.s, sizeof(v));
	return v;
}

/* Descriptors have 32 bits; some files have their -1 without its sign. */
static int64_t fd_number(const struct event *ev, int i)
{
	int64_t num = wide(ev, i);

	return num > INT32_MAX && num <= UINT32_MAX ? (int32_t)num : num;
}

/* ---- showing ---- */

void show_fd(struct doing *d, int64_t num, const struct desc *desc)
{
	struct event *ev = d->ev;

	if (d->is_live)
		return;
	ev->has_fd = true;
	if (!desc) {
		ev->fd.num = num;
		return;
	}
	ev->fd = desc->d.fd;
	ev->fd.num = num;
	switch (desc->d.fd.type) {
	case FD_FIFO:
		if (!desc->d.name.len || desc->d.name.s[0] != '/')
			break; /* of pipe() */
			       /* fall through */
	case FD_FILE:
	case FD_DIRECTORY:
	case FD_MEMFD:
		/* an event with a path of its own, as unlinkat, is about that one */
		if (!ev->path.name.len)
			ev->path.name = desc->d.name;
		else if (!d->about->fd_is_result)
			ev->fd.other_name = desc->d.name;
		break;
	default:
		break;
	}
}

/* The folder that a path is relative to; STR_NULL when it is not known. */
static struct str folder(const struct doing *d, int n)
{
	int64_t num = AT_FDCWD;

	if (d->about->dir_at[n] >= 0)
		num = fd_number(d->ev, d->about->dir_at[n]);
	if (num == AT_FDCWD || num == INT64_MIN)
		return did_cwd(d);
	const struct desc *dir = fd_find(d->row, num);

	return dir ? dir->d.name : STR_NULL;
}

static __attribute__((noinline)) void show_paths(struct doing *d)
{
	struct event *ev = d->ev;
	struct event_path *paths[] = {&ev->path, &ev->target};

	for (int i = 0; i < 2 && d->about->path_at[i] >= 0; i++) {
		struct str raw = event_param_str(ev, (unsigned)d->about->path_at[i]);

		struct str base = folder(d, i);

		/* an empty one means the descriptor itself, which need not be a file */
		if (!raw.s || (!raw.len && base.len && base.s[0] != '/'))
			continue;
		paths[i]->raw = raw;
		paths[i]->name = path_normalise(d->a, base, raw);
	}
	/* a symlink's first string is no path of its own: it may be relative to the link */
	if (ev->code == EV_SYMLINK || ev->code == EV_SYMLINKAT) {
		ev->target = ev->path;
		ev->path = (struct event_path){.raw = event_param_str(ev, 1)};
		ev->path.name = ev->path.raw;
	}
}

/* ---- live events: what they carry is learnt ---- */

static bool same_fd(const struct event_fd *a, const struct event_fd *b)
{
	return a->type == b->type && a->dev == b->dev && a->ino == b->ino &&
	       a->sock.role == b->sock.role && a->sock.local_port == b->sock.local_port &&
	       a->sock.remote_port == b->sock.remote_port &&
	       memcmp(a->sock.local, b->sock.local, 16) == 0 &&
	       memcmp(a->sock.remote, b->sock.remote, 16) == 0;
}

static void learn_fd(struct doing *d)
{
	const struct event *ev = d->ev;
	bool is_gone = ev->code == EV_CLOSE && d->res >= 0;

	if (!ev->has_fd || ev->fd.num < 0 || ev->fd.type == FD_UNKNOWN || is_gone)
		return;
	struct desc *old = fd_find(d->row, ev->fd.num);

	if (old && same_fd(&old->d.fd, &ev->fd))
		return;
	struct event_fd fd = ev->fd;

	d->ev->fd.is_news = true;
	/* of its flags the kernel's file does not know that one */
	if (old)
		fd.flags |= old->d.fd.flags & FD_O_CLOEXEC;
	fd_put(d->s, d->row, ev->fd.num, &fd, event_fd_path(ev),
		old ? old->d.opened_ns : ev->ts_ns);
}

/* When it is closed the kernel has it no more. */
static void show_closed(struct doing *d)
{
	const struct event_fd *fd = &d->ev->fd;

	if (d->ev->code != EV_CLOSE || d->res < 0 || fd->type != FD_UNKNOWN)
		return;
	d->is_live = false;
	show_fd(d, fd->num, fd_find(d->row, fd->num));
	d->is_live = true;
}

static void complete_live(struct state *s, struct arena *a, struct event *ev)
{
	struct doing d = {.s = s, .a = a, .ev = ev, .res = INT64_MIN, .is_live = true};

	if (ev->code >= EVENT_CODE_MAX)
		return;
	d.row = apply_acting(s, ev);
	if (d.row == s->nobody)
		return;
	s->actor = d.row;
	d.thread = thread_find(s, ev->tid);
	if (!d.thread || d.thread->row != d.row)
		d.thread = thread_add(s, ev->tid, 0, d.row);
	d.about = &s->about[ev->code];
	if (d.about->res_at >= 0)
		d.res = wide(ev, d.about->res_at);
	if (s->o.shows_closed)
		show_closed(&d);
	if (d.about->fn && d.thread)
		d.about->fn(&d);
	learn_fd(&d);
}

/* ---- the whole ---- */

static void begin(struct state *s, uint64_t ts_ns)
{
	struct thread_row *gone;

	apply_finish(s);
	if (s->gone_tid) {
		if ((gone = thread_find(s, s->gone_tid)))
			thread_drop(s, gone);
		s->gone_tid = 0;
	}
	if (s->closed) {
		desc_unref(s, s->closed);
		s->closed = NULL;
	}
	if (s->nunlinked)
		captured_link(s);
	s->actor = NULL;
	s->now_ns = ts_ns;
}

/* The event itself tells what its descriptor is (captures of koban). */
static void take_news(struct doing *d, const struct event_fd *news)
{
	struct event *ev = d->ev;

	if (ev->fd.num < 0 || !ev->has_fd)
		return;
	const struct desc *old = fd_find(d->row, ev->fd.num);
	struct event_fd fd = *news;

	/* of its flags the kernel's file, from which this is, does not know that one */
	if (old)
		fd.flags |= old->d.fd.flags & FD_O_CLOEXEC;
	show_fd(d, ev->fd.num,
		fd_put(d->s, d->row, ev->fd.num, &fd, fd.other_name,
			old ? old->d.opened_ns : ev->ts_ns));
	ev->fd.is_news = true;
}

static void show_own_fd(struct doing *d)
{
	const struct about *about = d->about;
	int64_t num;

	if (about->fd_is_result) {
		if (d->res == INT64_MIN)
			return;
		d->ev->has_fd = true;
		d->ev->fd.num = d->res;
	} else if ((num = fd_number(d->ev, about->fd_at)) != INT64_MIN) {
		show_fd(d, num, fd_find(d->row, num));
	}
}

static void act(struct doing *d)
{
	const struct about *about = d->about;

	if (about->has_paths)
		show_paths(d);
	if (about->fd_is_result || about->fd_at >= 0)
		show_own_fd(d);
	if (about->fn)
		about->fn(d);
}

static void act_with_news(struct doing *d)
{
	static const struct event_fd none = {.num = INT64_MIN};
	struct event_fd news = d->ev->fd;

	d->ev->fd = none;
	if (d->about->is_any)
		act(d);
	take_news(d, &news);
}

/* Samples of CPU time are of threads, and tell of many that nobody else does: kernel threads. */
static bool is_of_thread(const struct state *s, const struct event *ev)
{
	if (ev->code == EV_PROCINFO)
		return thread_find(s, ev->tid);
	return !ev->def || !(ev->def->flags & EF_META);
}

void state_complete(struct state *s, struct arena *a, struct event *ev)
{
	if (!s->o.descriptors)
		return;
	begin(s, ev->ts_ns);
	if (ev->pid || ev->code >= EVENT_CODE_MAX) {
		complete_live(s, a, ev);
		return;
	}
	const struct about *about = &s->about[ev->code];

	/* events of no thread: the idle task, containers, users, drops */
	if (!ev->tid && ev->code == EV_SWITCH && ev->cpu < CPUS_MAX)
		s->switched_ns[ev->cpu] = ev->ts_ns;
	if (!ev->tid || ev->tid == UINT32_MAX || !is_of_thread(s, ev))
		return;
	struct doing d = {.s = s, .a = a, .ev = ev, .about = about, .res = INT64_MIN};

	if (about->res_at >= 0)
		d.res = wide(ev, about->res_at);
	d.thread = thread_find(s, ev->tid);
	if (d.thread && !about->is_clone)
		d.row = d.thread->row;
	else
		life_actor(&d);
	if (!d.row)
		return;
	row_touch(s, d.row);
	if (ev->fd.is_news)
		act_with_news(&d);
	else if (about->is_any)
		act(&d);
	s->actor = d.row;
	ev->pid = d.row->p.pid;
	ev->start_ns = d.row->p.start_ns;
}

/* ---- the rows ---- */

static bool is_path(const struct param_def *p)
{
	return p->type == PT_FSPATH || p->type == PT_FSRELPATH;
}

static bool is_number_of_fd(const struct param_def *p)
{
	return p->type == PT_FD || p->type == PT_FD32;
}

/* Their path is where the process will be, or the program that it will be. */
static bool has_no_paths(uint16_t code)
{
	return code == EV_CHDIR || code == EV_FCHDIR || code == EV_EXECVE || code == EV_EXECVEAT;
}

static void add_paths(struct about *about, const struct event_def *def)
{
	for (int i = 0, n = 0; i < def->nparams && n < 2 && !has_no_paths(def->code); i++) {
		if (!is_path(&def->params[i]))
			continue;
		about->has_paths = true;
		about->path_at[n] = (int8_t)i;
		/* openat(dirfd, path) and all its kin */
		if (def->params[i].type == PT_FSRELPATH && i > 0 &&
			is_number_of_fd(&def->params[i - 1]))
			about->dir_at[n] = (int8_t)(i - 1);
		n++;
	}
}

/* The same choice as the live sensor's: the result, else "fd", else the first descriptor. */
static void add_fd(struct about *about, const struct event_def *def)
{
	if (def->flags & EF_CREATES_FD && !(def->flags & EF_ENTER)) {
		about->fd_is_result = true;
		return;
	}
	if (!(def->flags & EF_USES_FD))
		return;
	for (int i = 0; i < def->nparams; i++)
		if (is_number_of_fd(&def->params[i]) && (about->fd_at < 0 || i > 0) &&
			(about->fd_at < 0 || strcmp(def->params[i].name, "fd") == 0))
			about->fd_at = (int8_t)i;
}

static bool is_result(const struct event_def *def)
{
	const char *name = def->nparams ? def->params[0].name : "";

	return strcmp(name, "res") == 0 || strcmp(name, "status") == 0 ||
	       (def->flags & EF_CREATES_FD && !(def->flags & EF_ENTER) && strcmp(name, "fd") == 0);
}

static void about_event(struct about *about, const struct event_def *def)
{
	*about = (struct about){.fd_at = -1, .res_at = -1, .path_at = {-1, -1}, .dir_at = {-1, -1}};
	memset(about->at, -1, sizeof(about->at));
	if (!def || !def->params)
		return;
	if (is_result(def))
		about->res_at = 0;
	about->is_read = def->flags & EF_READS_FD;
	add_fd(about, def);
	if (!(def->flags & EF_META))
		add_paths(about, def);
	about->is_any = about->has_paths || about->fd_is_result || about->fd_at >= 0;
}

static void add_row(struct state *s, const struct did_row *row)
{
	enum { CODES_MAX = 16 };
	uint16_t codes[CODES_MAX];
	size_t n = event_codes_by_name(str_of(row->event), codes, CODES_MAX);

	for (size_t k = 0; k < n && k < CODES_MAX; k++) {
		const struct event_def *def = event_def(codes[k]);
		struct about *about = &s->about[codes[k]];

		if (!def || !def->params || def->flags & (EF_ENTER | EF_OLD))
			continue;
		about->fn = row->fn;
		about->is_clone = life_is_clone(row->fn);
		about->fd_type = (uint8_t)row->type;
		about->is_any = true;
		for (int i = 0; i < ABOUT_PARAMS_MAX; i++)
			about->at[i] = (int8_t)(row->params[i] ? event_param_index(def,
									 str_of(row->params[i]))
							       : -1);
	}
}

void about_init(struct state *s)
{
	const struct did_row *const lists[] = {did_fd_rows, did_sock_rows, did_life_rows};

	for (uint16_t code = 0; code < EVENT_CODE_MAX; code++)
		about_event(&s->about[code], event_def(code));
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (const struct did_row *row = lists[i]; row->event; row++)
			add_row(s, row);
}
