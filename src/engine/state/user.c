/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups as a process sees them: the passwd and group files of its root, through
 * /proc/PID/root for containers. Read when first asked for, kept by container, and read again when
 * a file's modification time has changed, which is looked at once a second at most. The files may
 * be a stranger's: sizes and counts are limited, and links in them cannot lead out of the root.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "engine/state/private.h"

enum { FILE_MAX = 4 << 20, ENTRIES_MAX = 65536, RETRY_NS = 20000000 };

struct user_file {
	struct str id; /* the container's full id, or "" for the host; owned */
	struct arena arena;
	struct user *users;
	size_t nusers;
	struct group *groups;
	size_t ngroups;
	uint64_t passwd_mtime_ns, group_mtime_ns, checked_ns;
	struct user_file *older, *newer;
};

static bool file_eq(const void *row, const void *key)
{
	return str_eq(((const struct user_file *)row)->id, *(const struct str *)key);
}

static int cmp_user(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	/* of several names for one number the first in the file counts */
	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return (x->name.s > y->name.s) - (x->name.s < y->name.s);
}

static int cmp_group(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->gid != y->gid)
		return x->gid < y->gid ? -1 : 1;
	return (x->name.s > y->name.s) - (x->name.s < y->name.s);
}

static size_t count_lines(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.s[i] == '\n';
	return n < ENTRIES_MAX ? n : ENTRIES_MAX;
}

static bool to_id(struct str s, uint32_t *ret)
{
	uint64_t v;

	if (!str_to_u64(s, 10, &v) || v >= UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* passwd(5): name:password:uid:gid:gecos:home:shell */
size_t users_parse(struct arena *a, struct str text, struct user **ret)
{
	size_t max = count_lines(text), n = 0;
	struct user *users = arena_array(a, struct user, max);

	while (users && text.s && n < max) {
		struct str line = str_cut(&text, '\n');
		struct user u = {.name = str_cut(&line, ':')};

		str_cut(&line, ':');
		struct str uid = str_cut(&line, ':'), gid = str_cut(&line, ':');

		if (!u.name.len || !to_id(uid, &u.uid) || !to_id(gid, &u.gid))
			continue;
		str_cut(&line, ':');
		u.home = str_cut(&line, ':');
		u.shell = str_cut(&line, ':');
		users[n++] = u;
	}
	if (n)
		qsort(users, n, sizeof(*users), cmp_user);
	*ret = users;
	return users ? n : 0;
}

/* group(5): name:password:gid:members */
size_t groups_parse(struct arena *a, struct str text, struct group **ret)
{
	size_t max = count_lines(text), n = 0;
	struct group *groups = arena_array(a, struct group, max);

	while (groups && text.s && n < max) {
		struct str line = str_cut(&text, '\n');
		struct group g = {.name = str_cut(&line, ':')};

		str_cut(&line, ':');
		if (!g.name.len || !to_id(str_cut(&line, ':'), &g.gid))
			continue;
		groups[n++] = g;
	}
	if (n)
		qsort(groups, n, sizeof(*groups), cmp_group);
	*ret = groups;
	return groups ? n : 0;
}

/* ---- the cache ---- */

static void list_remove(struct state *s, struct user_file *f)
{
	if (f->older)
		f->older->newer = f->newer;
	else
		s->user_oldest = f->newer;
	if (f->newer)
		f->newer->older = f->older;
	else
		s->user_newest = f->older;
	f->older = f->newer = NULL;
}

static void list_add(struct state *s, struct user_file *f)
{
	f->older = s->user_newest;
	f->newer = NULL;
	if (s->user_newest)
		s->user_newest->newer = f;
	else
		s->user_oldest = f;
	s->user_newest = f;
}

static void file_free(struct state *s, struct user_file *f)
{
	table_take(&s->users, str_hash(f->id), &f->id);
	list_remove(s, f);
	arena_done(&f->arena);
	free((char *)(uintptr_t)f->id.s);
	free(f);
}

void users_init(struct state *s)
{
	table_init(&s->users, file_eq, s->o.max_user_files);
}

void users_done(struct state *s)
{
	while (s->user_oldest)
		file_free(s, s->user_oldest);
	table_done(&s->users);
}

static struct user_file *file_get(struct state *s, struct str id)
{
	struct user_file *f = table_find(&s->users, str_hash(id), &id);

	if (f) {
		list_remove(s, f);
		list_add(s, f);
		return f;
	}
	if (s->users.count >= s->o.max_user_files && s->user_oldest) {
		file_free(s, s->user_oldest);
		s->n.user_files_evicted++;
	}
	f = calloc(1, sizeof(*f));
	char *copy = malloc(id.len + 1);

	if (f && copy && str_copy(id, copy, id.len + 1)) {
		f->id = str_make(copy, id.len);
		arena_init(&f->arena, 4 * FILE_MAX);
		if (table_put(&s->users, str_hash(id), f) == 0) {
			list_add(s, f);
			return f;
		}
	}
	free(copy);
	free(f);
	return NULL;
}

static uint64_t mtime_in_root(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	struct stat st;
	uint64_t ns = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0)
		ns = (uint64_t)st.st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec;
	close(fd);
	return ns;
}

static void file_read(struct state *s, struct user_file *f, int root)
{
	uint64_t passwd = mtime_in_root(root, "etc/passwd"),
		 group = mtime_in_root(root, "etc/group");
	struct str text;

	if (passwd == f->passwd_mtime_ns && group == f->group_mtime_ns)
		return;
	arena_reset(&f->arena);
	f->passwd_mtime_ns = passwd;
	f->group_mtime_ns = group;
	f->nusers = f->ngroups = 0;
	s->n.user_files_read++;
	if (io_read_in_root(&f->arena, root, "etc/passwd", FILE_MAX, &text) == 0)
		f->nusers = users_parse(&f->arena, text, &f->users);
	if (io_read_in_root(&f->arena, root, "etc/group", FILE_MAX, &text) == 0)
		f->ngroups = groups_parse(&f->arena, text, &f->groups);
}

static int open_root(struct state *s, const struct process *p)
{
	char path[4096];

	if (!p || !p->container)
		return s->root_fd;
	path_in_proc(s, p->pid, "root", path, sizeof(path));
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The files of the process's root, at most a second old; NULL when there is no room. */
static struct user_file *file_of(struct state *s, const struct process *p)
{
	uint64_t now = clock_boot_ns();

	struct user_file *f = file_get(s, p && p->container ? p->container->full_id : STR(""));

	if (!f || (f->checked_ns && now - f->checked_ns < NSEC_PER_SEC))
		return f;
	f->checked_ns = now;
	int root = open_root(s, p);

	/* a process that has ended has no root any more: what was read before still holds; where
	 * nothing was, another process of the container is asked soon */
	if (root < 0) {
		if (!f->passwd_mtime_ns)
			f->checked_ns = now - NSEC_PER_SEC + RETRY_NS;
		return f;
	}
	file_read(s, f, root);
	if (root != s->root_fd)
		close(root);
	return f;
}

const struct user *state_user(struct state *s, const struct process *p, uint32_t uid)
{
	if (s->o.no_proc)
		return account_user(s, p, uid);
	struct user_file *f = file_of(s, p);
	size_t lo = 0, hi = f ? f->nusers : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->users[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return f && lo < f->nusers && f->users[lo].uid == uid ? &f->users[lo] : NULL;
}

const struct group *state_group(struct state *s, const struct process *p, uint32_t gid)
{
	if (s->o.no_proc)
		return account_group(s, p, gid);
	struct user_file *f = file_of(s, p);
	size_t lo = 0, hi = f ? f->ngroups : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->groups[mid].gid < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return f && lo < f->ngroups && f->groups[lo].gid == gid ? &f->groups[lo] : NULL;
}

/* Of the live host: its own files. They are read when the tables are filled. */
static const struct user_file *host_file(const struct state *s)
{
	struct str id = STR("");

	return table_find(&s->users, str_hash(id), &id);
}

const struct user *users_next(const struct state *s, size_t *pos)
{
	const struct user_file *f = host_file(s);

	return f && *pos < f->nusers ? &f->users[(*pos)++] : NULL;
}

const struct group *groups_next(const struct state *s, size_t *pos)
{
	const struct user_file *f = host_file(s);

	return f && *pos < f->ngroups ? &f->groups[(*pos)++] : NULL;
}
