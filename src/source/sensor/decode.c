/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the probe's record to an event: arguments become parameters in .scap encoding, as the SOURCE
 * column of schema.def says; facts become the event's file, names and socket. What the record does
 * not hold stays empty, which means "not available".
 */
#include "source/sensor/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cursor.h"

static int open_view(const void *record, size_t size, struct record_view *v)
{
	const struct record_head *h = record;
	struct cursor c = cursor_of(record, size);

	cursor_take(&c, sizeof(*h));
	if (c.bad || h->len > size || h->len < sizeof(*h))
		return -EBADMSG;
	memset(v, 0, sizeof(*v));
	v->h = h;
	c.end = (const uint8_t *)record + h->len;
	for (int i = 0; i < RECORD_READS_MAX; i++)
		v->reads[i] = cursor_str(&c, h->read_lens[i]);
	while (!c.bad && cursor_left(&c) >= 4) {
		uint8_t tag = cursor_u8(&c);

		cursor_u8(&c);
		struct str fact = cursor_str(&c, cursor_u16(&c));
		if (tag > 0 && tag < FACT_MAX)
			v->facts[tag] = fact;
	}
	return c.bad ? -EBADMSG : 0;
}

size_t param_size(uint8_t type)
{
	bool is_signed;

	return param_type_size(type, &is_signed);
}

void decode_number(struct decoder *d, struct event *ev, unsigned i, uint64_t value, size_t size)
{
	if (i >= EVENT_PARAMS_MAX)
		return;
	d->numbers[i] = value;
	ev->params[i] = str_make((const char *)&d->numbers[i], size);
}

static uint64_t number_at(struct str mem, size_t i, size_t size, bool *ok)
{
	uint64_t v = 0;

	*ok = (i + 1) * size <= mem.len;
	if (*ok)
		memcpy(&v, mem.s + i * size, size);
	return v;
}

static struct str slot_read(const struct record_view *v, uint8_t slot)
{
	return slot < RECORD_READS_MAX ? v->reads[slot] : STR_NULL;
}

static bool file_fact(const struct record_view *v, struct fact_file *f)
{
	if (v->facts[FACT_FILE].len != sizeof(*f))
		return false;
	memcpy(f, v->facts[FACT_FILE].s, sizeof(*f));
	return true;
}

/* The value of a parameter that is a number, by its source. */
static bool number_of(
	const struct param_source *s, const struct record_view *v, struct str mem, uint64_t *ret)
{
	const __u64 *args = v->h->args;
	struct fact_file file;
	bool ok = true;

	switch ((enum source_kind)s->kind) {
	case SRC_RET:
		*ret = (uint64_t)v->h->ret;
		return true;
	case SRC_ARG:
		*ret = args[s->a % 6];
		return true;
	case SRC_FDARG:
		*ret = (uint64_t)(int64_t)(int32_t)args[s->a % 6];
		return true;
	case SRC_CONV:
		*ret = event_convert(s->conv, args[s->a % 6]);
		return true;
	case SRC_CONV2:
		*ret = event_convert(s->conv, (uint32_t)args[s->a % 6] | args[s->b % 6] << 32);
		return true;
	case SRC_U32AT:
		*ret = (uint64_t)(int64_t)(int32_t)number_at(mem, s->b, 4, &ok);
		return ok;
	case SRC_U64AT:
		*ret = number_at(mem, s->b, 8, &ok);
		return ok;
	case SRC_CONV_U32AT:
		*ret = event_convert(s->conv, number_at(mem, s->b, 4, &ok));
		return ok;
	case SRC_CONV_U64AT:
		*ret = event_convert(s->conv, number_at(mem, s->b, 8, &ok));
		return ok;
	case SRC_TIMESPEC:
		*ret = number_at(mem, 0, 8, &ok) * 1000000000 + number_at(mem, 1, 8, &ok);
		return ok;
	case SRC_IOVSIZE:
	case SRC_MSGSIZE: /* what went through; the size that was offered is not read */
		*ret = (uint64_t)v->h->ret;
		return v->h->ret >= 0;
	case SRC_FILE_DEV:
	case SRC_FILE_INO:
		ok = file_fact(v, &file);
		*ret = !ok ? 0 : s->kind == SRC_FILE_DEV ? file.dev : file.ino;
		return ok;
	default:
		return false;
	}
}

static void decode_param(struct decoder *d, const struct event_plan *ep,
	const struct record_view *v, struct event *ev, unsigned i)
{
	const struct param_source *s = &ep->sources[i];
	struct str mem = slot_read(v, ep->slot[i]);
	size_t size = param_size(ev->def->params[i].type);
	uint64_t n;

	ev->params[i] = STR_NULL;
	switch ((enum source_kind)s->kind) {
	case SRC_STR:
	case SRC_CONTROL:
		ev->params[i] = mem;
		return;
	case SRC_DATA:
	case SRC_IOV:
	case SRC_MSG:
		/* a read that failed filled nothing */
		if (v->h->ret >= 0 || !(ev->def->flags & EF_READS_FD))
			ev->params[i] = mem;
		return;
	default:
		if (size && number_of(s, v, mem, &n))
			decode_number(d, ev, i, n, size);
	}
}

static enum fd_type inode_type(const struct fact_file *f)
{
	static const enum fd_type kinds[] = {
		[KIND_EVENTFD] = FD_EVENT,
		[KIND_EVENTPOLL] = FD_EVENTPOLL,
		[KIND_SIGNALFD] = FD_SIGNAL,
		[KIND_TIMERFD] = FD_TIMER,
		[KIND_INOTIFY] = FD_INOTIFY,
		[KIND_IO_URING] = FD_IO_URING,
		[KIND_USERFAULT] = FD_USERFAULT,
		[KIND_BPF] = FD_BPF,
		[KIND_PIDFD] = FD_PIDFD,
		[KIND_ANON] = FD_OTHER,
		[KIND_MEMFD] = FD_MEMFD,
		[KIND_FANOTIFY] = FD_OTHER,
	};

	if (f->kind > KIND_INODE && f->kind <= KIND_FANOTIFY)
		return kinds[f->kind];
	switch (f->mode & S_IFMT) {
	case S_IFREG:
		return FD_FILE;
	case S_IFDIR:
		return FD_DIRECTORY;
	case S_IFIFO:
		return FD_FIFO;
	case S_IFCHR:
	case S_IFBLK:
		return FD_FILE; /* Falco calls a device a file */
	case S_IFSOCK:
		return FD_UNKNOWN; /* the socket tells more */
	default:
		return FD_OTHER;
	}
}

static int64_t own_fd(const struct event_plan *ep, const struct record_view *v)
{
	bool ok = false;

	switch (ep->plan.fd) {
	case PLAN_NONE:
		return INT64_MIN;
	case PLAN_FD_RET:
		return v->h->ret;
	case PLAN_FD_PAIR:
		if (v->h->ret == 0) {
			int64_t second = (int32_t)number_at(v->reads[0], 1, 4, &ok);
			if (ok)
				return second;
		}
		return INT64_MIN;
	default:
		return (int32_t)v->h->args[ep->plan.fd % 6];
	}
}

static void decode_file(
	const struct event_plan *ep, const struct record_view *v, struct arena *a, struct event *ev)
{
	struct fact_file f;

	ev->fd.num = INT64_MIN;
	ev->fd.num = own_fd(ep, v);
	ev->has_fd = ev->fd.num != INT64_MIN;
	if (!file_fact(v, &f))
		return;
	ev->has_fd = true;
	ev->fd.type = inode_type(&f);
	ev->fd.flags = (uint32_t)event_convert(CONV_open_flags, f.f_flags);
	ev->fd.dev = f.dev;
	ev->fd.ino = f.ino;
	ev->fd.layer = f.layer;
	if (ev->fd.type == FD_FIFO)
		ev->fd.other_name = arena_printf(a, "pipe:[%llu]", (unsigned long long)f.ino);
}

static struct str cut_nul(struct str s)
{
	return s.len && s.s[s.len - 1] == 0 ? str_head(s, s.len - 1) : s;
}

/* The name by which rules know the file: its identity's, or without the bind mount. */
struct str decode_known(
	struct decoder *d, const struct record_view *v, struct arena *a, uint32_t dev)
{
	struct str real = v->facts[FACT_REAL], deleted = STR(" (deleted)");
	struct fact_known k;

	if (v->facts[FACT_KNOWN].len == sizeof(k)) {
		memcpy(&k, v->facts[FACT_KNOWN].s, sizeof(k));
		if (k.id < d->nknown && k.tail <= real.len) {
			struct str tail = k.tail ? str_skip(real, real.len - k.tail) : STR_NULL;

			if (str_ends(tail, deleted))
				tail.len -= deleted.len;
			return tail.len ? arena_printf(a, "%.*s%.*s", STR_ARG(d->known[k.id]),
						  STR_ARG(tail))
					: d->known[k.id];
		}
	}
	if (v->facts[FACT_FSPATH_ROOT].len)
		return v->facts[FACT_FSPATH_ROOT];
	if (v->facts[FACT_FSPATH].len && d->mounts)
		return mounts_resolve(d->mounts, dev, v->facts[FACT_FSPATH], a);
	return STR_NULL;
}

static void set_names(struct event_path *p, struct str real, struct str known)
{
	if (!p->name.len)
		p->name = real;
	if (!str_eq(real, p->name))
		p->real = real;
	if (!str_eq(known, p->name) && !str_eq(known, p->real))
		p->known = known;
}

/* Pipes and sockets have no place in the tree: what the kernel calls theirs is "/". */
static bool has_path(const struct record_view *v)
{
	enum { PIPEFS = 0x50495045 /* PIPEFS_MAGIC, include/uapi/linux/magic.h */ };
	struct fact_file f;

	if (!file_fact(v, &f))
		return true;
	return f.magic != PIPEFS && (f.mode & S_IFMT) != S_IFSOCK;
}

static void decode_paths(struct decoder *d, const struct event_plan *ep,
	const struct record_view *v, struct arena *a, struct event *ev)
{
	static const uint8_t dirs[] = {FACT_DIR, FACT_DIR2};
	struct event_path *paths[] = {&ev->path, &ev->target};

	for (int i = 0; i < ep->plan.npaths; i++) {
		struct str raw = cut_nul(slot_read(v, ep->plan.path_read[i]));

		/* an empty one means the descriptor itself */
		if (!raw.s || (!raw.len && !has_path(v)))
			continue;
		paths[i]->raw = raw;
		paths[i]->name = path_normalise(a, v->facts[dirs[i]], raw);
	}
	/* a symlink's first string is no path of its own: it may be relative to the link */
	if (ev->code == EV_SYMLINK || ev->code == EV_SYMLINKAT) {
		ev->target = ev->path;
		ev->path = (struct event_path){.raw = event_param_str(ev, 1)};
		ev->path.name = ev->path.raw;
	}
	if (v->facts[FACT_REAL].len && has_path(v))
		set_names(&ev->path, v->facts[FACT_REAL], decode_known(d, v, a, ev->fd.dev));
}

/* Of an open's flags, what the kernel knows and the caller does not (PPM_O_F_CREATED …). */
static void add_file_flags(struct decoder *d, const struct record_view *v, struct event *ev)
{
	enum { MODE_CREATED = 0x100000 /* FMODE_CREATED, include/linux/fs.h */ };
	enum { F_CREATED = 0x4000, UPPER_LAYER = 0x8000, LOWER_LAYER = 0x10000 };
	int i = event_param_index(
		ev->def, ev->code == EV_CREAT ? STR("creat_flags") : STR("flags"));
	struct fact_file f;

	if (i < 0 || !file_fact(v, &f))
		return;
	uint64_t extra = (f.f_mode & MODE_CREATED ? F_CREATED : 0) |
			 (f.layer == 1 ? UPPER_LAYER : 0) | (f.layer == 2 ? LOWER_LAYER : 0);

	if (ev->code == EV_CREAT)
		decode_number(d, ev, (unsigned)i, extra >> 15, 2);
	else if (extra && ev->params[i].len)
		d->numbers[i] |= extra;
}

static void decode_syscall(
	struct decoder *d, const struct record_view *v, struct arena *a, struct event *ev)
{
	const struct event_plan *ep = event_plan(ev->code);

	if (!ep)
		return;
	ev->nparams = ev->def->nparams;
	for (unsigned i = 0; i < ev->nparams; i++)
		decode_param(d, ep, v, ev, i);
	decode_file(ep, v, a, ev);
	decode_socket(v, ev);
	decode_addresses(ep, v, a, ev);
	decode_paths(d, ep, v, a, ev);
	decode_by_hand(d, ep, v, a, ev);
	if (ev->def->flags & EF_OPEN)
		add_file_flags(d, v, ev);
	if (ev->code == EV_EXECVE || ev->code == EV_EXECVEAT)
		decode_exec_failed(v, ev);
}

int decode_record(
	struct decoder *d, const void *record, size_t size, struct arena *a, struct event *ev)
{
	struct record_view v;
	int r = open_view(record, size, &v);

	if (r < 0)
		return r;
	const struct record_head *h = v.h;

	d->push = event_push(h->code);
	d->verdict = d->push ? h->verdict : (struct verdict_key){0};
	bool is_open = d->push == SENSOR_PUSH_OPENS;
	d->folder = is_open ? h->second : (struct verdict_key){0};
	d->own = d->push && !is_open ? h->second : (struct verdict_key){0};
	d->mnt_ns.inum = 0;
	if (v.facts[FACT_MNTNS].len == sizeof(d->mnt_ns))
		memcpy(&d->mnt_ns, v.facts[FACT_MNTNS].s, sizeof(d->mnt_ns));
	memset(ev, 0, offsetof(struct event, params));
	memset(&ev->fd, 0, sizeof(*ev) - offsetof(struct event, fd));
	ev->ts_ns = h->ts_ns + d->epoch_offset_ns;
	ev->enter_ns = h->enter_ns ? h->enter_ns + d->epoch_offset_ns : 0;
	ev->start_ns = h->start_ns;
	ev->pid = h->pid;
	ev->tid = h->tid;
	ev->uid = h->uid;
	ev->gid = h->gid;
	ev->code = h->code;
	ev->cpu = h->cpu;
	ev->is_io_uring = h->flags & RECORD_IO_URING;
	ev->is_compat = h->flags & RECORD_COMPAT;
	ev->fd.num = INT64_MIN;
	ev->cgroups = decode_cgroups(v.facts[FACT_CGROUPS], a);
	ev->cwd = v.facts[FACT_CWD];
	if (h->code == EVENT_FORK) {
		decode_fork(&v, ev);
		return 0;
	}
	if (h->code == EVENT_CGROUP)
		return 0;
	ev->def = event_def(h->code);
	if (!ev->def)
		return -EBADMSG;
	if (v.facts[FACT_EXE].len)
		decode_exec(d, &v, a, ev);
	else if (h->code == EV_PROCEXIT)
		decode_exit(d, &v, ev);
	else
		decode_syscall(d, &v, a, ev);
	return 0;
}
