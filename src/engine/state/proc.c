/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes from /proc: all of them once at the start, and one by one those whose start was not
 * seen. Each file is read whole with a limit; a process may vanish or become another in between,
 * so what was read counts only if the start time is still the same at the end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "engine/state/private.h"

enum { SEED_MAX = 1 << 22, PATH_SIZE = 4096 };

void path_in_proc(const struct state *s, uint32_t pid, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/proc/%u/%s", s->host_root, pid, name);
}

/* One file of a process into proc_buf, at most `limit` bytes. */
static struct str read_one(struct state *s, uint32_t pid, const char *name, size_t limit)
{
	char path[PATH_SIZE];

	path_in_proc(s, pid, name, path, sizeof(path));
	ptrdiff_t n = io_read_proc(path, s->proc_buf, limit < PROC_BUF ? limit : PROC_BUF);

	return n < 0 ? STR_NULL : str_make(s->proc_buf, (size_t)n);
}

static struct str read_link(struct state *s, uint32_t pid, const char *name)
{
	char path[PATH_SIZE];

	path_in_proc(s, pid, name, path, sizeof(path));
	ssize_t n = readlink(path, s->proc_buf, PATH_SIZE);

	return n < 0 ? STR_NULL : arena_str(&s->scratch, str_make(s->proc_buf, (size_t)n));
}

static uint64_t number(struct str s)
{
	uint64_t v;

	return str_to_u64(str_trim(s), 10, &v) ? v : 0;
}

static int read_stat(struct state *s, uint32_t pid, struct proc_info *i)
{
	struct str comm, text = read_one(s, pid, "stat", PATH_SIZE);
	uint64_t f[IO_STAT_FIELDS];

	if (!io_parse_stat(text, &comm, f))
		return -ESRCH;
	i->text.v[TEXT_COMM] = arena_str(&s->scratch, comm);
	i->ppid = (uint32_t)f[4];
	i->pgid = (uint32_t)f[5];
	i->sid = (uint32_t)f[6];
	i->tty = (uint32_t)f[7];
	i->pfminor = f[10];
	i->pfmajor = f[12];
	i->nthreads = (uint32_t)f[20];
	i->start_ns = f[22] * TICK_NS;
	return 0;
}

static struct str nth_word(struct str s, unsigned n)
{
	while (s.s && s.len) {
		s = str_trim(s);
		size_t i = 0;

		while (i < s.len && s.s[i] != ' ' && s.s[i] != '\t')
			i++;
		struct str word = str_head(s, i);

		s = str_skip(s, i);
		if (!n--)
			return word;
	}
	return STR_NULL;
}

static struct str last_word(struct str s)
{
	s = str_trim(s);
	size_t i = s.len;

	while (i && s.s[i - 1] != ' ' && s.s[i - 1] != '\t')
		i--;
	return str_skip(s, i);
}

static void status_line(struct proc_info *i, struct str key, struct str value)
{
	uint64_t v;

	if (str_is(key, "Uid"))
		i->uid = (uint32_t)number(nth_word(value, 1));
	else if (str_is(key, "Gid"))
		i->gid = (uint32_t)number(nth_word(value, 1));
	else if (str_is(key, "NStgid"))
		i->vpid = (uint32_t)number(last_word(value));
	else if (str_is(key, "NSpgid"))
		i->vpgid = (uint32_t)number(last_word(value));
	else if (str_is(key, "NSsid"))
		i->vsid = (uint32_t)number(last_word(value));
	else if (str_is(key, "VmSize"))
		i->vmsize_kb = number(nth_word(value, 0));
	else if (str_is(key, "VmRSS"))
		i->vmrss_kb = number(nth_word(value, 0));
	else if (str_is(key, "VmSwap"))
		i->vmswap_kb = number(nth_word(value, 0));
	else if (str_is(key, "CapInh") && str_to_u64(str_trim(value), 16, &v))
		i->caps[0] = v;
	else if (str_is(key, "CapPrm") && str_to_u64(str_trim(value), 16, &v))
		i->caps[1] = v;
	else if (str_is(key, "CapEff") && str_to_u64(str_trim(value), 16, &v))
		i->caps[2] = v;
}

static void read_status(struct state *s, uint32_t pid, struct proc_info *i)
{
	struct str rest = read_one(s, pid, "status", PROC_BUF);

	while (rest.s && rest.len) {
		struct str line = str_cut(&rest, '\n');
		struct str key = str_cut(&line, ':');

		status_line(i, key, line);
	}
}

/* argv[0] and the rest, each without the last NUL */
static void read_cmdline(struct state *s, uint32_t pid, struct proc_info *i)
{
	struct str all = read_one(s, pid, "cmdline", PROC_STRING_MAX + PATH_SIZE);

	if (all.len && all.s[all.len - 1] == 0)
		all.len--;
	all = arena_str(&s->scratch, all);
	i->text.v[TEXT_EXE] = str_cut(&all, 0);
	if (all.len > PROC_STRING_MAX) {
		all = str_head(all, PROC_STRING_MAX);
		all.len -= all.s[all.len - 1] == 0;
	}
	if (all.s)
		i->text.v[TEXT_ARGS] = all;
	/* a kernel thread has no command line: it is known by its name */
	if (!i->text.v[TEXT_EXE].len)
		i->text.v[TEXT_EXE] = i->text.v[TEXT_COMM];
}

static void read_environ(struct state *s, uint32_t pid, struct proc_info *i)
{
	struct str all = read_one(s, pid, "environ", PROC_STRING_MAX);

	if (all.len && all.s[all.len - 1] == 0)
		all.len--;
	i->text.v[TEXT_ENV] = arena_str(&s->scratch, all);
}

static void add_cgroup(struct buf *b, struct str subsys, struct str path)
{
	if (b->len)
		buf_add_char(b, 0);
	buf_add(b, subsys);
	buf_add_char(b, '=');
	buf_add(b, path);
}

/*
 * "4:cpu,cpuacct:/x" becomes "cpu=/x" and "cpuacct=/x"; named hierarchies keep their name. Where
 * there is only version 2 ("0::/x"), its path counts for each controller, as the kernel side says.
 */
static void read_cgroup(struct state *s, uint32_t pid, struct proc_info *i)
{
	static const char *const v2[] = {"cpuset", "cpu", "cpuacct", "io", "memory"};
	struct str rest = read_one(s, pid, "cgroup", PROC_BUF), unified = STR_NULL;
	struct buf b = BUF_INIT(4 * PROC_STRING_MAX);

	while (rest.s && rest.len) {
		struct str line = str_cut(&rest, '\n');
		struct str id = str_cut(&line, ':'), subsystems = str_cut(&line, ':');

		if (!line.s)
			continue;
		if (str_is(id, "0") && !subsystems.len) {
			unified = line;
			continue;
		}
		while (subsystems.s) {
			struct str one = str_cut(&subsystems, ',');

			if (str_starts(one, STR("name=")))
				one = str_skip(one, 5);
			add_cgroup(&b, one, line);
		}
	}
	if (unified.len && b.len)
		add_cgroup(&b, STR("unified"), unified);
	else if (unified.len)
		for (size_t k = 0; k < sizeof(v2) / sizeof(*v2); k++)
			add_cgroup(&b, str_of(v2[k]), unified);
	i->text.v[TEXT_CGROUPS] = arena_str(&s->scratch, buf_str(&b));
	buf_done(&b);
}

static void read_limits(struct state *s, uint32_t pid, struct proc_info *i)
{
	struct str rest = read_one(s, pid, "limits", PROC_BUF);

	while (rest.s && rest.len) {
		struct str line = str_cut(&rest, '\n');

		if (str_starts(line, STR("Max open files")))
			i->fdlimit = number(nth_word(line, 3));
	}
}

static void read_pidns(struct state *s, uint32_t pid, struct proc_info *i)
{
	char path[PATH_SIZE];
	struct stat st;

	path_in_proc(s, pid, "ns/pid", path, sizeof(path));
	i->pidns = stat(path, &st) == 0 ? st.st_ino : 0;
}

static uint64_t start_of(struct state *s, uint32_t pid)
{
	struct proc_info again = {0};

	return read_stat(s, pid, &again) < 0 ? 0 : again.start_ns;
}

int proc_read(struct state *s, uint32_t pid, struct proc_info *ret)
{
	struct proc_info *i = ret;

	*i = (struct proc_info){.uid = UINT32_MAX, .gid = UINT32_MAX, .loginuid = UINT32_MAX};
	arena_reset(&s->scratch);
	int r = read_stat(s, pid, i);

	if (r < 0)
		return r;
	i->vpid = pid;
	i->vpgid = i->pgid;
	i->vsid = i->sid;
	read_status(s, pid, i);
	read_cmdline(s, pid, i);
	read_environ(s, pid, i);
	read_cgroup(s, pid, i);
	read_limits(s, pid, i);
	read_pidns(s, pid, i);
	struct str login = read_one(s, pid, "loginuid", 32);

	if (login.len)
		i->loginuid = (uint32_t)number(login);
	i->text.v[TEXT_CWD] = read_link(s, pid, "cwd");
	i->text.v[TEXT_ROOT] = read_link(s, pid, "root");
	proc_read_exe(s, pid, i);
	return start_of(s, pid) == i->start_ns ? 0 : -ESRCH;
}

/* The start of a pid namespace's first process; 0 for the host's. */
static uint64_t pidns_start(struct state *s, const struct row *r, uint64_t ino)
{
	struct ns_entry *e = &s->ns[hash_u64(ino) % NS_CACHE];

	if (!s->host_pidns) {
		char path[PATH_SIZE];
		struct stat st;

		path_in_proc(s, 1, "ns/pid", path, sizeof(path));
		s->host_pidns = stat(path, &st) == 0 ? st.st_ino : 1;
	}
	if (!ino || ino == s->host_pidns)
		return 0;
	if (r->p.vpid == 1)
		*e = (struct ns_entry){ino, r->p.start_epoch_ns};
	if (e->ino == ino)
		return e->start_epoch_ns;
	return r->p.parent ? r->p.parent->pidns_init_start_ns : 0;
}

void proc_to_row(struct state *s, struct row *r, const struct proc_info *i)
{
	struct process *p = &r->p;

	p->ppid = i->ppid;
	p->sid = i->sid;
	p->pgid = i->pgid;
	p->vpid = i->vpid ? i->vpid : p->pid;
	p->vtid = p->vpid;
	p->vpgid = i->vpgid;
	p->vsid = i->vsid;
	p->uid = i->uid;
	p->gid = i->gid;
	p->loginuid = i->loginuid;
	p->tty = i->tty;
	p->cap_inheritable = i->caps[0];
	p->cap_permitted = i->caps[1];
	p->cap_effective = i->caps[2];
	p->exe_ino = i->exe_ino;
	p->exe_ino_ctime_ns = i->exe_ctime_ns;
	p->exe_ino_mtime_ns = i->exe_mtime_ns;
	p->fdlimit = i->fdlimit;
	p->vmsize_kb = i->vmsize_kb;
	p->vmrss_kb = i->vmrss_kb;
	p->vmswap_kb = i->vmswap_kb;
	p->pfmajor = i->pfmajor;
	p->pfminor = i->pfminor;
	p->nthreads = i->nthreads ? i->nthreads : 1;
	p->exe_writable = i->exe_writable;
	p->exe_upper_layer = i->exe_upper;
	p->exe_lower_layer = i->exe_lower;
	p->exe_from_memfd = i->exe_memfd;
	p->exe_deleted = i->exe_deleted;
	p->is_from_proc = true;
	p->is_stub = false;
	p->start_epoch_ns = p->exec_epoch_ns = p->start_ns + clock_boot_to_epoch_ns();
	s->n.text_cut += !text_set(&s->texts, p, &i->text);
	p->pidns_init_start_ns = pidns_start(s, r, i->pidns);
	container_resolve(s, r, false);
}

int proc_fill(struct state *s, struct row *r)
{
	struct proc_info i;
	int ret = proc_read(s, r->p.pid, &i);

	if (ret < 0)
		return ret;
	if (r->p.start_ns && r->p.start_ns / TICK_NS != i.start_ns / TICK_NS)
		return -ESTALE;
	if (!r->p.start_ns) {
		if (row_find(s, r->p.pid, i.start_ns))
			return -ESTALE; /* it died, and its tombstone is here */
		row_refine_start(s, r, i.start_ns);
	}
	proc_to_row(s, r, &i);
	return 0;
}

bool proc_is_alive(const struct state *s, uint32_t pid)
{
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s/proc/%u", s->host_root, pid);
	return stat(path, &st) == 0;
}

/* ---- seeding ---- */

struct seed {
	uint32_t pid;
	uint64_t start_ns;
};

static int cmp_seed(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* All pids with their start, the oldest first: nearly always the parent before the child. */
static int list_pids(struct state *s, struct seed **ret, size_t *ret_n, struct err *e)
{
	char path[PATH_SIZE];
	struct seed *all = NULL;
	size_t n = 0, cap = 0;

	snprintf(path, sizeof(path), "%s/proc", s->host_root);
	DIR *d = opendir(path);

	if (!d)
		return err_set(e, errno, "%s: cannot open: %s", path, strerror(errno));
	for (struct dirent *de; (de = readdir(d)) && n < SEED_MAX;) {
		uint64_t pid;

		if (!str_to_u64(str_of(de->d_name), 10, &pid) || pid > UINT32_MAX)
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 1024;
			struct seed *more = realloc(all, cap * sizeof(*all));

			if (!more)
				break;
			all = more;
		}
		arena_reset(&s->scratch);
		all[n].pid = (uint32_t)pid;
		if ((all[n].start_ns = start_of(s, (uint32_t)pid)) || pid == 1)
			n++;
	}
	closedir(d);
	if (n)
		qsort(all, n, sizeof(*all), cmp_seed);
	*ret = all;
	*ret_n = n;
	return 0;
}

static void seed_one(struct state *s, uint32_t pid)
{
	struct proc_info i;

	if (proc_read(s, pid, &i) < 0 || row_find(s, pid, i.start_ns))
		return;
	struct row *r = row_add(s, pid, i.start_ns);

	if (!r)
		return;
	struct row *parent = i.ppid ? row_by_pid(s, i.ppid) : NULL;

	row_set_parent(s, r, parent);
	proc_to_row(s, r, &i);
}

int state_seed(struct state *s, struct err *e)
{
	struct seed *all = NULL;
	size_t n = 0;

	if (s->o.no_proc)
		return 0;
	s->now_ns = clock_epoch_ns();
	int r = list_pids(s, &all, &n, e);

	for (size_t k = 0; k < n; k++)
		seed_one(s, all[k].pid);
	/* those whose parent is younger: a subreaper adopted them */
	for (size_t k = 0; k < n; k++) {
		struct row *child = row_by_pid(s, all[k].pid);

		if (child && !child->p.parent && child->p.ppid)
			row_set_parent(s, child, row_by_pid(s, child->p.ppid));
	}
	free(all);
	return r;
}
