/* SPDX-License-Identifier: Apache-2.0 */
/* Records of fork, exec and exit → events. An exec's strings are the new image's own. */
#include "source/sensor/decode.h"

#include <sys/wait.h>

/* Parameters of execve and execveat (codes 293, 331), by place. */
enum {
	X_RES,
	X_EXE,
	X_ARGS,
	X_TID,
	X_PID,
	X_PTID,
	X_CWD,
	X_FDLIMIT,
	X_PGFT_MAJ,
	X_PGFT_MIN,
	X_VM_SIZE,
	X_VM_RSS,
	X_VM_SWAP,
	X_COMM,
	X_CGROUPS,
	X_ENV,
	X_TTY,
	X_VPGID,
	X_LOGINUID,
	X_FLAGS,
	X_CAP_INHERITABLE,
	X_CAP_PERMITTED,
	X_CAP_EFFECTIVE,
	X_EXE_INO,
	X_EXE_INO_CTIME,
	X_EXE_INO_MTIME,
	X_UID,
	X_EXEPATH,
	X_PGID,
	X_GID,
	X_FILENAME,
};

/* "flags" of an exec event: PPM_EXE_* of the .scap format. */
enum { EXE_WRITABLE = 1, EXE_UPPER_LAYER = 2, EXE_FROM_MEMFD = 4, EXE_LOWER_LAYER = 8 };

enum { PAGE_KB = 4 };

/* "=path\0cpu=path\0memory=\0…": an empty path is the same as the one before; no name is the
 * unified hierarchy. */
struct str decode_cgroups(struct str items, struct arena *a)
{
	char *out = items.len ? arena_raw(a, 16384) : NULL, *p = out;
	struct str last = STR_NULL;

	if (!out)
		return STR_NULL;
	while (items.len) {
		struct str path = str_cut(&items, '\0'), name = str_cut(&path, '=');

		if (!name.len)
			name = STR("unified");
		if (path.len)
			last = path;
		if ((size_t)(p - out) + name.len + last.len + 2 > 16384)
			break;
		p = mempcpy(p, name.s, name.len);
		*p++ = '=';
		if (last.len)
			p = mempcpy(p, last.s, last.len);
		*p++ = 0;
	}
	return str_make(out, (size_t)(p - out));
}

static struct str with_nul(struct arena *a, struct str s)
{
	struct str copy = arena_str(a, s);

	return copy.s ? str_make(copy.s, copy.len + 1) : STR_NULL;
}

static void exec_strings(const struct record_view *v, struct arena *a, struct event *ev)
{
	struct str args = v->reads[0];
	struct str exe = str_cut(&args, '\0');

	if (exe.s)
		ev->params[X_EXE] = with_nul(a, exe);
	ev->params[X_ARGS] = args;
	ev->params[X_ENV] = v->reads[1];
	ev->params[X_COMM] =
		with_nul(a, str_make(v->h->comm, strnlen(v->h->comm, sizeof(v->h->comm))));
	ev->params[X_CWD] = with_nul(a, v->facts[FACT_CWD]);
	ev->params[X_CGROUPS] = ev->cgroups;
	ev->params[X_EXEPATH] = with_nul(a, v->facts[FACT_REAL]);
	if (ev->nparams > X_FILENAME)
		ev->params[X_FILENAME] = v->reads[2];
}

static void exec_numbers(struct decoder *d, const struct fact_exe *x, struct event *ev)
{
	uint64_t flags = (x->writable ? EXE_WRITABLE : 0) | (x->layer == 1 ? EXE_UPPER_LAYER : 0) |
			 (x->layer == 2 ? EXE_LOWER_LAYER : 0) | (x->memfd ? EXE_FROM_MEMFD : 0);
	const struct {
		uint8_t i, size;
		uint64_t value;
	} rows[] = {
		{X_RES, 8, 0},
		{X_TID, 8, ev->tid},
		{X_PID, 8, ev->pid},
		{X_PTID, 8, x->ptid},
		{X_FDLIMIT, 8, x->fdlimit},
		{X_PGFT_MAJ, 8, x->pgft_maj},
		{X_PGFT_MIN, 8, x->pgft_min},
		{X_VM_SIZE, 4, x->vm_pages * PAGE_KB},
		{X_TTY, 4, x->tty},
		{X_VPGID, 8, x->vpgid},
		{X_LOGINUID, 4, x->loginuid},
		{X_FLAGS, 4, flags},
		{X_CAP_INHERITABLE, 8, x->cap_inheritable},
		{X_CAP_PERMITTED, 8, x->cap_permitted},
		{X_CAP_EFFECTIVE, 8, x->cap_effective},
		{X_EXE_INO, 8, x->ino},
		{X_EXE_INO_CTIME, 8, x->ctime_ns},
		{X_EXE_INO_MTIME, 8, x->mtime_ns},
		{X_UID, 4, ev->uid},
		{X_PGID, 8, x->pgid},
		{X_GID, 4, ev->gid},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		decode_number(d, ev, rows[i].i, rows[i].value, rows[i].size);
}

void decode_exec(struct decoder *d, const struct record_view *v, struct arena *a, struct event *ev)
{
	struct fact_exe x = {0};
	struct str deleted = STR(" (deleted)");

	if (v->facts[FACT_EXE].len == sizeof(x))
		memcpy(&x, v->facts[FACT_EXE].s, sizeof(x));
	ev->nparams = ev->def->nparams;
	for (unsigned i = 0; i < ev->nparams; i++)
		ev->params[i] = STR_NULL;
	ev->exepath = v->facts[FACT_REAL];
	exec_strings(v, a, ev);
	exec_numbers(d, &x, ev);
	ev->fork = (struct event_fork){.vtid = x.vtid,
		.vpid = x.vpid,
		.child_pid = ev->pid,
		.child_tid = ev->tid,
		.parent_pid = x.ptid};
	ev->exec = (struct event_exec){.sid = x.sid,
		.pidns_init_start_ns = x.pidns_start_ns ? x.pidns_start_ns + d->epoch_offset_ns : 0,
		.is_deleted = x.deleted};
	ev->fd.dev = x.dev;
	ev->fd.ino = x.ino;
	ev->fd.layer = x.layer;
	ev->path.raw = str_head(v->reads[2], v->reads[2].len ? v->reads[2].len - 1 : 0);
	ev->path.name = path_normalise(a, ev->cwd, ev->path.raw);
	struct str real = v->facts[FACT_REAL];
	if (str_ends(real, deleted) && !x.deleted)
		real.len -= deleted.len;
	if (!str_eq(real, ev->path.name))
		ev->path.real = real;
	struct str known = decode_known(d, v, a, x.dev);
	if (!str_eq(known, ev->path.name) && !str_eq(known, ev->path.real))
		ev->path.known = known;
}

/* Of a call that failed, what was to be run; all else is still the caller's. */
void decode_exec_failed(const struct record_view *v, struct event *ev)
{
	if (ev->nparams > X_FILENAME)
		ev->params[X_FILENAME] = v->reads[0];
}

void decode_exit(struct decoder *d, const struct record_view *v, struct event *ev)
{
	int status = (int)v->h->ret;
	const uint64_t values[] = {
		(uint64_t)(int64_t)status,
		(uint64_t)(WIFEXITED(status) ? WEXITSTATUS(status) : 0),
		(uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		WIFSIGNALED(status) && WCOREDUMP(status),
		v->h->args[0],
	};

	ev->is_thread_exit = v->h->args[1];
	ev->nparams = ev->def->nparams;
	for (unsigned i = 0; i < ev->nparams && i < 5; i++)
		decode_number(d, ev, i, values[i], param_size(ev->def->params[i].type));
}

void decode_fork(const struct record_view *v, struct event *ev)
{
	struct fact_fork f = {0};

	if (v->facts[FACT_FORK].len == sizeof(f))
		memcpy(&f, v->facts[FACT_FORK].s, sizeof(f));
	ev->fork = (struct event_fork){
		.child_pid = f.child_pid,
		.child_tid = f.child_tid,
		.parent_pid = f.parent_pid,
		.child_start_ns = f.child_start_ns,
		.parent_start_ns = f.parent_start_ns,
		.vtid = f.vtid,
		.vpid = f.vpid,
		.clone_flags = f.clone_flags,
	};
}
