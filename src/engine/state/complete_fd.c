/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What events do to the table of descriptors: open, copy, mark, close; and where a process goes by
 * chdir. Sockets are in complete_sock.c. A call that failed changes nothing.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "engine/state/private.h"

static struct desc *put(struct doing *d, int64_t num, struct event_fd *fd, struct str name)
{
	struct desc *desc = fd_put(d->s, d->row, num, fd, name, d->ev->ts_ns);

	show_fd(d, num, desc);
	return desc;
}

static uint32_t flags_at(const struct doing *d, int n)
{
	uint64_t flags;

	return did_u64(d, n, &flags) ? (uint32_t)flags : 0;
}

static uint8_t layer_of(uint32_t flags)
{
	return flags & FD_UPPER ? LAYER_UPPER : flags & FD_LOWER ? LAYER_LOWER : LAYER_NONE;
}

static void open_file(struct doing *d, uint32_t flags, int dev, int ino)
{
	static const struct event_fd file = {.type = FD_FILE};
	struct event_fd fd = file; /* copied faster than zeroed: it is long, but not very */
	uint64_t v;

	if (flags & FD_O_DIRECTORY)
		fd.type = FD_DIRECTORY;
	fd.flags = flags;
	fd.layer = layer_of(flags);
	if (did_u64(d, dev, &v))
		fd.dev = (uint32_t)v;
	if (did_u64(d, ino, &v))
		fd.ino = v;
	/* what the kernel opened, where the source knows it: a link's end */
	put(d, d->res, &fd, d->ev->path.real.len ? d->ev->path.real : d->ev->path.name);
}

/* flags, dev, ino */
static void did_open(struct doing *d)
{
	if (d->res >= 0)
		open_file(d, flags_at(d, 0), 1, 2);
}

/* creat has no flags; those of the layer come in a parameter of its own */
static void did_creat(struct doing *d)
{
	if (d->res >= 0)
		open_file(d, flags_at(d, 0) << 15, 1, 2);
}

/* flags: those of the new descriptor */
static void did_make(struct doing *d)
{
	struct event_fd fd = {.type = d->about->fd_type, .flags = flags_at(d, 0)};

	if (d->res >= 0)
		put(d, d->res, &fd, STR_NULL);
}

/* epoll_create1, userfaultfd: their flags are not in the encoding of open flags */
static void did_make_epoll(struct doing *d)
{
	struct event_fd fd = {.type = FD_EVENTPOLL, .flags = flags_at(d, 0) ? FD_O_CLOEXEC : 0};

	if (d->res >= 0)
		put(d, d->res, &fd, STR_NULL);
}

/* Of those that always close on exec. */
static void did_make_cloexec(struct doing *d)
{
	struct event_fd fd = {.type = d->about->fd_type, .flags = FD_O_CLOEXEC};

	if (d->res >= 0)
		put(d, d->res, &fd, STR_NULL);
}

/* Only some of bpf()'s commands return a descriptor: linux/bpf.h, enum bpf_cmd. */
static void did_bpf(struct doing *d)
{
	static const uint64_t makers = 1ULL << 0 | 1ULL << 5 | 1ULL << 7 | 1ULL << 13 | 1ULL << 14 |
				       1ULL << 17 | 1ULL << 18 | 1ULL << 19 | 1ULL << 28 |
				       1ULL << 30 | 1ULL << 32 | 1ULL << 33 | 1ULL << 36;
	uint64_t cmd;

	if (did_u64(d, 0, &cmd) && (cmd > 63 || !(makers >> cmd & 1)))
		return;
	did_make_cloexec(d);
}

/* signalfd with a descriptor changes that one */
static void did_signalfd(struct doing *d)
{
	if (d->res >= 0 && !fd_find(d->row, d->res))
		did_make(d);
}

static void did_memfd(struct doing *d)
{
	enum { MFD_CLOEXEC_SCAP = 1 };
	struct event_fd fd = {
		.type = FD_MEMFD, .flags = flags_at(d, 1) & MFD_CLOEXEC_SCAP ? FD_O_CLOEXEC : 0};
	struct str name = did_str(d, 0);

	/* as the kernel names the file */
	if (d->res >= 0)
		put(d, d->res, &fd, arena_printf(d->a, "/memfd:%.*s (deleted)", STR_ARG(name)));
}

/* fd1, fd2, ino, flags */
static void did_pipe(struct doing *d)
{
	struct event_fd fd = {.type = FD_FIFO, .flags = flags_at(d, 3)};
	int64_t fd1, fd2;
	struct str name = STR_NULL;

	if (d->res < 0 || !did_s64(d, 0, &fd1) || !did_s64(d, 1, &fd2))
		return;
	if (did_u64(d, 2, &fd.ino))
		name = arena_printf(d->a, "pipe:[%llu]", (unsigned long long)fd.ino);
	put(d, fd1, &fd, name);
	put(d, fd2, &fd, name);
}

/* ---- copies ---- */

static void copy_fd(struct doing *d, int64_t from, int64_t to, uint32_t cloexec)
{
	struct desc *old = fd_find(d->row, from);

	if (!old) {
		/* what it is, nobody knows; what was there is there no more */
		desc_unref(d->s, from == to ? NULL : fd_take(d->s, d->row, to));
		return;
	}
	if (from == to)
		return;
	struct event_fd fd = old->d.fd;

	fd.flags = (fd.flags & ~(uint32_t)FD_O_CLOEXEC) | cloexec;
	fd_put(d->s, d->row, to, &fd, old->d.name, old->d.opened_ns);
}

/* oldfd, flags */
static void did_dup(struct doing *d)
{
	int64_t old;

	if (d->res < 0 || !did_s64(d, 0, &old))
		return;
	copy_fd(d, old, d->res, flags_at(d, 1) & FD_O_CLOEXEC);
	show_fd(d, d->res, fd_find(d->row, d->res));
}

/* fd, cmd, arg; the numbers are those of .scap */
static void did_fcntl(struct doing *d)
{
	enum { DUPFD = 1, SETFD = 3, DUPFD_CLOEXEC = 0x1a };
	int64_t fd;
	uint64_t cmd, arg;

	if (d->res < 0 || !did_s64(d, 0, &fd) || !did_u64(d, 1, &cmd))
		return;
	if (cmd == DUPFD || cmd == DUPFD_CLOEXEC)
		copy_fd(d, fd, d->res, cmd == DUPFD ? 0 : FD_O_CLOEXEC);
	else if (cmd == SETFD && did_u64(d, 2, &arg))
		fd_set_cloexec(d->s, d->row, fd, arg & 1);
}

/* pid_fd, target_fd: a descriptor of another process, which the name of the pidfd tells */
static void did_pidfd_getfd(struct doing *d)
{
	const struct desc *pidfd, *theirs = NULL;
	int64_t fd, target;
	uint64_t pid;

	if (d->res < 0 || !did_s64(d, 0, &fd) || !did_s64(d, 1, &target))
		return;
	pidfd = fd_find(d->row, fd);
	if (pidfd && str_starts(pidfd->d.name, STR("pid:")) &&
		str_to_u64(str_skip(pidfd->d.name, 4), 10, &pid) && pid <= UINT32_MAX) {
		const struct row *other = row_by_pid(d->s, (uint32_t)pid);

		theirs = other ? fd_find(other, target) : NULL;
	}
	struct event_fd copy = theirs ? theirs->d.fd : (struct event_fd){.type = FD_UNKNOWN};

	copy.flags |= FD_O_CLOEXEC;
	if (theirs)
		put(d, d->res, &copy, theirs->d.name);
	else
		desc_unref(d->s, fd_take(d->s, d->row, d->res));
}

/* pid */
static void did_pidfd_open(struct doing *d)
{
	struct event_fd fd = {.type = FD_PIDFD, .flags = FD_O_CLOEXEC};
	int64_t pid = 0;

	did_s64(d, 0, &pid);
	if (d->res >= 0)
		put(d, d->res, &fd, arena_printf(d->a, "pid:%lld", (long long)pid));
}

/* ---- the end ---- */

/* The descriptor is still shown with the event, and forgotten with the next. */
static void did_close(struct doing *d)
{
	int64_t num;

	if (d->res >= 0 && did_s64(d, 0, &num))
		d->s->closed = fd_take(d->s, d->row, num);
}

/* first, last, flags */
static void did_close_range(struct doing *d)
{
	enum { RANGE_UNSHARE = 2, RANGE_CLOEXEC = 4 };
	uint64_t first, last, flags = 0;

	if (d->res < 0 || !did_u64(d, 0, &first) || !did_u64(d, 1, &last))
		return;
	did_u64(d, 2, &flags);
	if (flags & RANGE_UNSHARE)
		fds_unshare(d->s, d->row);
	if (flags & RANGE_CLOEXEC)
		fd_cloexec_range(d->s, d->row, (uint32_t)first, (uint32_t)last);
	else
		fd_close_range(d->s, d->row, (uint32_t)first, (uint32_t)last);
}

/* ---- where the process is ---- */

/* path */
static void did_chdir(struct doing *d)
{
	struct str path = did_str(d, 0);

	if (!d->is_live && d->res >= 0 && path.len)
		d->ev->cwd = path_normalise(d->a, did_cwd(d), path);
}

static void did_fchdir(struct doing *d)
{
	const struct desc *dir;
	int64_t num;

	if (d->is_live || d->res < 0 || !did_s64(d, 0, &num))
		return;
	dir = fd_find(d->row, num);
	if (dir && dir->d.name.len && dir->d.name.s[0] == '/')
		d->ev->cwd = dir->d.name;
}

/* The kernel's own word: it mends what a lost chdir broke. */
static void did_getcwd(struct doing *d)
{
	struct str path = did_str(d, 0);

	if (!d->is_live && d->res >= 0 && path.len && path.s[0] == '/')
		text_replace(d->s, &d->row->p, TEXT_CWD, path);
}

const struct did_row did_fd_rows[] = {
	{"open", did_open, 0, {"flags", "dev", "ino"}},
	{"openat", did_open, 0, {"flags", "dev", "ino"}},
	{"openat2", did_open, 0, {"flags", "dev", "ino"}},
	{"open_by_handle_at", did_open, 0, {"flags", "dev", "ino"}},
	{"creat", did_creat, 0, {"creat_flags", "dev", "ino"}},
	{"eventfd", did_make, FD_EVENT, {NULL}},
	{"eventfd2", did_make, FD_EVENT, {"flags"}},
	{"signalfd", did_signalfd, FD_SIGNAL, {NULL}},
	{"signalfd4", did_signalfd, FD_SIGNAL, {"flags"}},
	{"timerfd_create", did_make, FD_TIMER, {NULL}},
	{"inotify_init", did_make, FD_INOTIFY, {NULL}},
	{"inotify_init1", did_make, FD_INOTIFY, {"flags"}},
	{"userfaultfd", did_make, FD_USERFAULT, {"flags"}},
	{"epoll_create", did_make, FD_EVENTPOLL, {NULL}},
	{"epoll_create1", did_make_epoll, FD_EVENTPOLL, {"flags"}},
	{"io_uring_setup", did_make_cloexec, FD_IO_URING, {NULL}},
	{"bpf", did_bpf, FD_BPF, {"cmd"}},
	{"memfd_create", did_memfd, FD_MEMFD, {"name", "flags"}},
	{"pidfd_open", did_pidfd_open, FD_PIDFD, {"pid"}},
	{"pidfd_getfd", did_pidfd_getfd, 0, {"pid_fd", "target_fd"}},
	{"pipe", did_pipe, FD_FIFO, {"fd1", "fd2", "ino"}},
	{"pipe2", did_pipe, FD_FIFO, {"fd1", "fd2", "ino", "flags"}},
	{"dup", did_dup, 0, {"oldfd"}},
	{"dup2", did_dup, 0, {"oldfd"}},
	{"dup3", did_dup, 0, {"oldfd", "flags"}},
	{"fcntl", did_fcntl, 0, {"fd", "cmd", "arg"}},
	{"close", did_close, 0, {"fd"}},
	{"close_range", did_close_range, 0, {"first", "last", "flags"}},
	{"chdir", did_chdir, 0, {"path"}},
	{"fchdir", did_fchdir, 0, {"fd"}},
	{"getcwd", did_getcwd, 0, {"path"}},
	{NULL, NULL, 0, {NULL}},
};
