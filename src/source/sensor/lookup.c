/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files that a call did not open, with their symbolic links resolved. */
#include "source/sensor/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void lookup_open(struct lookup *l, const struct mounts *mounts)
{
	struct stat st;

	l->mounts = mounts;

	l->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	l->mnt_ns = stat("/proc/self/ns/mnt", &st) == 0 ? (uint32_t)st.st_ino : 0;
}

void lookup_close(struct lookup *l)
{
	if (l->root >= 0)
		close(l->root);
	l->root = -1;
}

/* The call acts on the last part of the name itself, be it a symbolic link or not. */
static bool acts_on_name(uint16_t code)
{
	switch (code) {
	case EV_CHMOD:
	case EV_FCHMODAT:
	case EV_CHOWN:
	case EV_FCHOWNAT:
	case EV_MOUNT:
	case EV_QUOTACTL:
	case EV_UMOUNT:
	case EV_UMOUNT2:
		return false;
	default:
		return true;
	}
}

static int open_cached(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_CACHED | resolve};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* ---- part by part, where a link keeps the cache from doing it at once ---- */

enum { PARTS_MAX = 128, LINKS_MAX = 40, REST_MAX = 8192 };

struct walk {
	const struct mounts *mounts;
	int dirs[PARTS_MAX]; /* from the root, which is the caller's, to where we are */
	unsigned ndirs, nlinks;
	char rest[REST_MAX]; /* what is still to be walked */
};

static void back_to(struct walk *w, unsigned ndirs)
{
	while (w->ndirs > ndirs)
		close(w->dirs[--w->ndirs]);
}

/* The link's text takes its place in what is to be walked. */
static bool follow(struct walk *w, int link, const struct statx *st)
{
	char text[REST_MAX];
	ssize_t n;

	if (++w->nlinks > LINKS_MAX ||
		!mounts_is_local(w->mounts, st->stx_dev_major << 20 | st->stx_dev_minor))
		return false;
	n = readlinkat(link, "", text, sizeof(text));
	size_t rest = strlen(w->rest);
	if (n <= 0 || (size_t)n + 1 + rest >= sizeof(w->rest))
		return false;
	memmove(w->rest + n + 1, w->rest, rest + 1);
	memcpy(w->rest, text, (size_t)n);
	w->rest[n] = '/';
	if (text[0] == '/')
		back_to(w, 1);
	return true;
}

static bool step(struct walk *w, const char *part)
{
	struct statx st;

	if (!*part || !strcmp(part, "."))
		return true;
	if (!strcmp(part, "..")) {
		back_to(w, w->ndirs > 1 ? w->ndirs - 1 : 1);
		return true;
	}
	if (w->ndirs == PARTS_MAX)
		return false;
	int fd = open_cached(w->dirs[w->ndirs - 1], part, O_NOFOLLOW, 0);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0 ||
		!S_ISLNK(st.stx_mode)) {
		if (fd >= 0)
			w->dirs[w->ndirs++] = fd;
		return fd >= 0;
	}
	bool ok = follow(w, fd, &st);
	close(fd);
	return ok;
}

static int open_by_parts(const struct lookup *l, int root, const char *path)
{
	struct walk w = {.mounts = l->mounts, .dirs = {root}, .ndirs = 1};
	bool ok = str_copy(str_of(path), w.rest, sizeof(w.rest));

	while (ok && w.rest[0]) {
		char part[NAME_MAX + 1];
		size_t n = strcspn(w.rest, "/");

		ok = str_copy(str_make(w.rest, n), part, sizeof(part));
		n += w.rest[n] == '/';
		memmove(w.rest, w.rest + n, strlen(w.rest + n) + 1);
		ok = ok && step(&w, part);
	}
	int fd = ok ? dup(w.dirs[w.ndirs - 1]) : -1;
	back_to(&w, 1);
	return fd;
}

/* ---- names ---- */

/* The name of `path` in the kernel's own words; the length or 0. */
static size_t resolve(const struct lookup *l, int root, const char *path, char *out, size_t size)
{
	int fd = open_cached(root, path, 0, RESOLVE_IN_ROOT);
	char link[64];

	if (fd < 0 && errno == EAGAIN)
		fd = open_by_parts(l, root, path);
	if (fd < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, out, size);
	close(fd);
	return n > 0 && (size_t)n < size && out[0] == '/' ? (size_t)n : 0;
}

/* Folder and last part of an absolute name that ends in no slash. */
static bool split(const char *path, size_t len, char *dir, size_t size, struct str *last)
{
	ptrdiff_t slash = str_rfind_char(str_make(path, len), '/');

	*last = str_skip(str_make(path, len), (size_t)slash + 1);
	if (slash < 0 || !last->len || str_is(*last, ".") || str_is(*last, ".."))
		return false;
	return str_copy(slash ? str_make(path, (size_t)slash) : STR("/"), dir, size);
}

static void look(
	const struct lookup *l, int root, struct arena *a, bool on_name, struct event_path *p)
{
	char path[4096], dir[4096], found[4096];
	struct str last;
	/* an absolute argument as it came: ".." after a symbolic link is not what it looks like */
	struct str name = p->raw.len && p->raw.s[0] == '/' ? p->raw : p->name;

	/* the caller's own root by a detour; koban's "self" is another */
	for (struct str self = STR("/proc/self/root/"); str_starts(name, self);)
		name = str_skip(name, self.len - 1);
	while (name.len > 1 && name.s[name.len - 1] == '/')
		name.len--;
	if (!str_copy(name, path, sizeof(path)))
		return;
	size_t n = on_name ? 0 : resolve(l, root, path, found, sizeof(found));
	struct str real = str_make(found, n);

	if (!n) {
		if (!split(path, name.len, dir, sizeof(dir), &last) ||
			!(n = resolve(l, root, dir, found, sizeof(found))))
			return;
		real = arena_printf(
			a, "%.*s%s%.*s", (int)n, found, n > 1 ? "/" : "", STR_ARG(last));
	}
	if (!str_eq(real, p->name))
		p->real = real.s == found ? arena_str(a, real) : real;
}

/* A name with a folder in it; what starts from a folder's descriptor is real up to there. */
static bool may_differ(const struct event_path *p)
{
	return p->name.len && p->name.s[0] == '/' && !p->real.len &&
	       str_find_char(p->raw, '/') >= 0;
}

static bool is_in(uint32_t pid, uint32_t mnt_ns)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	return stat(path, &st) == 0 && (uint32_t)st.st_ino == mnt_ns;
}

/* The caller's root; when it ended already, that of its parent, if it lives in the same mounts. */
static int root_of(const struct lookup *l, const struct fact_mntns *ns, uint32_t pid)
{
	uint32_t pids[] = {pid, ns->parent_pid};
	char path[64];

	if (ns->inum == l->mnt_ns)
		return l->root;
	for (size_t i = 0; i < 2; i++) {
		if (!is_in(pids[i], ns->inum))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/root", pids[i]);
		int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

void lookup_names(struct lookup *l, const struct fact_mntns *ns, struct arena *a, struct event *ev)
{
	bool on_name = acts_on_name(ev->code);
	bool first = may_differ(&ev->path), second = may_differ(&ev->target);

	if (!first && !second)
		return;
	int root = root_of(l, ns, ev->pid);
	if (root < 0)
		return;
	if (first)
		look(l, root, a, on_name, &ev->path);
	if (second)
		look(l, root, a, on_name, &ev->target);
	if (root != l->root)
		close(root);
}
