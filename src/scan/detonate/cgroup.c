/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of the container, set by koban itself on a group above the one that the runtime makes,
 * so that they hold whatever the runtime does or cannot do. Version 1 (a hierarchy a controller),
 * version 2 (one for all) and both at once. What cannot be limited is not run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "scan/detonate/private.h"

enum { HIERARCHIES_MAX = 16, REMOVE_TRIES = 100, REMOVE_WAIT_MS = 20, CPU_PERIOD_US = 100000 };

struct hierarchy {
	char path[256];
	char controllers[256]; /* "memory,pids"; of version 2 what is on there */
	bool is_v2;
};

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = list; (s = strstr(s, word)); s += n)
		if ((s == list || strchr(", \n", s[-1])) && strchr(", \n", s[n]))
			return true;
	return false;
}

static bool read_text(const char *dir, const char *name, char *text, size_t size)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%.4000s/%.64s", dir, name);
	ptrdiff_t n = io_read_proc(path, text, size - 1);
	text[n > 0 ? n : 0] = 0;
	return n >= 0;
}

static int write_text(const char *dir, const char *name, const char *text)
{
	char path[PATH_LEN];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = io_write_all(fd, str_of(text));
	close(fd);
	return r;
}

static size_t find_hierarchies(struct hierarchy *h)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	size_t n = 0;

	while (f && n < HIERARCHIES_MAX && (m = getmntent(f))) {
		bool is_v2 = !strcmp(m->mnt_type, "cgroup2");

		if (!is_v2 && strcmp(m->mnt_type, "cgroup") != 0)
			continue;
		h[n].is_v2 = is_v2;
		snprintf(h[n].path, sizeof(h[n].path), "%s", m->mnt_dir);
		snprintf(h[n].controllers, sizeof(h[n].controllers), "%s", m->mnt_opts);
		if (is_v2)
			read_text(m->mnt_dir, "cgroup.controllers", h[n].controllers,
				sizeof(h[n].controllers));
		n++;
	}
	if (f)
		endmntent(f);
	return n;
}

static const struct hierarchy *hierarchy_of(
	const struct hierarchy *h, size_t n, const char *controller)
{
	for (size_t i = 0; i < n; i++)
		if (has_word(h[i].controllers, controller))
			return &h[i];
	return NULL;
}

/* ---- limits -------------------------------------------------------------------------------- */

struct limit {
	const char *controller, *v1, *v2;
	bool is_optional; /* there is no such file without swap accounting */
};

enum { LIMIT_MEMORY, LIMIT_SWAP, LIMIT_PIDS, LIMIT_CPU_PERIOD, LIMIT_CPU, LIMITS };

static const struct limit limits[LIMITS] = {
	[LIMIT_MEMORY] = {"memory", "memory.limit_in_bytes", "memory.max", false},
	[LIMIT_SWAP] = {"memory", "memory.memsw.limit_in_bytes", "memory.swap.max", true},
	[LIMIT_PIDS] = {"pids", "pids.max", "pids.max", false},
	[LIMIT_CPU_PERIOD] = {"cpu", "cpu.cfs_period_us", NULL, false},
	[LIMIT_CPU] = {"cpu", "cpu.cfs_quota_us", "cpu.max", false},
};

static void limit_text(const struct sandbox_plan *p, int which, bool is_v2, char *text, size_t size)
{
	unsigned quota = p->cpu_percent * (CPU_PERIOD_US / 100);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (which == LIMIT_MEMORY || (which == LIMIT_SWAP && !is_v2))
		snprintf(text, size, "%llu",
			(unsigned long long)(p->max_memory_bytes & ~(page - 1)));
	else if (which == LIMIT_SWAP)
		snprintf(text, size, "0");
	else if (which == LIMIT_PIDS)
		snprintf(text, size, "%u", p->max_processes);
	else if (which == LIMIT_CPU_PERIOD)
		snprintf(text, size, "%d", CPU_PERIOD_US);
	else if (is_v2)
		snprintf(text, size, "%u %d", quota, CPU_PERIOD_US);
	else
		snprintf(text, size, "%u", quota);
}

/* Sets it, and believes only what is read back. */
static int set_limit(
	const struct sandbox_plan *p, const struct hierarchy *h, int which, struct err *e)
{
	const struct limit *l = &limits[which];
	const char *file = h->is_v2 ? l->v2 : l->v1;
	char dir[PATH_LEN], want[64], got[64];

	if (!file)
		return 0;
	snprintf(dir, sizeof(dir), "%s/%s", h->path, p->name);
	limit_text(p, which, h->is_v2, want, sizeof(want));
	int r = write_text(dir, file, want);
	if (r == -ENOENT && l->is_optional)
		return 0;
	if (r < 0)
		return err_set(e, -r,
			"the image is not run, because it cannot be limited: %s/%s: %s", dir, file,
			strerror(-r));
	if (!read_text(dir, file, got, sizeof(got)) || !str_eq(str_trim(str_of(got)), str_of(want)))
		return err_set(e, EINVAL,
			"the image is not run, because it cannot be limited: %s/%s is '%.*s' "
			"instead of '%s'",
			dir, file, STR_ARG(str_trim(str_of(got))), want);
	return 0;
}

/* Children of the root have a controller only when it was switched on for them. */
static void switch_on(const struct hierarchy *h)
{
	static const char *const words[] = {"+memory", "+pids", "+cpu"};

	for (size_t i = 0; i < 3; i++)
		(void)write_text(h->path, "cgroup.subtree_control", words[i]);
}

static int make_one(const struct hierarchy *h, const char *name, struct err *e)
{
	char dir[PATH_LEN];

	snprintf(dir, sizeof(dir), "%s/%s", h->path, name);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return err_set(e, errno,
			"the image is not run, because it cannot be limited: %s: %s (koban needs "
			"to write below /sys/fs/cgroup; in a container it cannot)",
			dir, strerror(errno));
	return 0;
}

int cgroup_make(const struct sandbox_plan *p, struct err *e)
{
	struct hierarchy h[HIERARCHIES_MAX];
	size_t n = find_hierarchies(h);

	for (int i = 0; i < LIMITS; i++) {
		const struct hierarchy *at = hierarchy_of(h, n, limits[i].controller);

		if (!at)
			return err_set(e, ENOENT,
				"the image is not run, because it cannot be limited: no cgroup "
				"hierarchy with the controller '%s' is mounted",
				limits[i].controller);
		if (at->is_v2)
			switch_on(at);
		int r = make_one(at, p->name, e);
		if (r == 0)
			r = set_limit(p, at, i, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Of a runtime that makes no cgroups here: it starts in the container's, which it fills. */
int cgroup_enter(const struct sandbox_plan *p)
{
	struct hierarchy h[HIERARCHIES_MAX];
	size_t n = find_hierarchies(h);
	char dir[PATH_LEN];

	for (size_t i = 0; i < n; i++) {
		snprintf(dir, sizeof(dir), "%.255s/%.40s", h[i].path, p->name);
		if (access(dir, F_OK) < 0)
			continue;
		snprintf(dir, sizeof(dir), "%.255s/%.40s/%.64s", h[i].path, p->name, p->id);
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return -errno;
		int r = write_text(dir, "cgroup.procs", "0");
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the end ------------------------------------------------------------------------------- */

static void kill_all(const char *dir)
{
	char text[64 << 10];
	struct str rest;

	if (write_text(dir, "cgroup.kill", "1") == 0)
		return;
	if (!read_text(dir, "cgroup.procs", text, sizeof(text)))
		return;
	rest = str_of(text);
	while (rest.len) {
		uint64_t pid = 0;

		if (str_to_u64(str_cut(&rest, '\n'), 10, &pid) && pid > 1)
			kill((pid_t)pid, SIGKILL);
	}
}

/* The group of the runtime lies below ours; nothing is deeper than an image could make it. */
static void remove_tree(const char *dir, unsigned depth)
{
	char path[PATH_LEN];
	DIR *d = depth < 4 ? opendir(dir) : NULL;
	const struct dirent *one;

	while (d && (one = readdir(d))) {
		if (one->d_type != DT_DIR || one->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, one->d_name) < (int)sizeof(path))
			remove_tree(path, depth + 1);
	}
	if (d)
		closedir(d);
	for (int i = 0; i < REMOVE_TRIES && rmdir(dir) < 0 && errno == EBUSY; i++) {
		const struct timespec pause = {.tv_nsec = REMOVE_WAIT_MS * 1000000L};

		kill_all(dir);
		nanosleep(&pause, NULL);
	}
}

void cgroup_remove(const char *name)
{
	struct hierarchy h[HIERARCHIES_MAX];
	size_t n = find_hierarchies(h);
	char dir[PATH_LEN];

	for (size_t i = 0; i < n; i++) {
		snprintf(dir, sizeof(dir), "%.255s/%.40s", h[i].path, name);
		if (access(dir, F_OK) == 0)
			remove_tree(dir, 0);
	}
}

static uint64_t number_of(const char *dir, const char *file, const char *key)
{
	char text[4096];
	const char *at = text;
	uint64_t v = 0;

	if (!read_text(dir, file, text, sizeof(text)))
		return 0;
	if (key && !(at = strstr(text, key)))
		return 0;
	at += key ? strlen(key) : 0;
	str_to_u64(str_make(at, strspn(at, "0123456789")), 10, &v);
	return v;
}

void cgroup_measure(const struct sandbox_plan *p, uint64_t *peak_bytes, uint64_t *out_of_memory)
{
	struct hierarchy h[HIERARCHIES_MAX];
	size_t n = find_hierarchies(h);
	const struct hierarchy *at = hierarchy_of(h, n, "memory");
	char dir[PATH_LEN];

	*peak_bytes = *out_of_memory = 0;
	if (!at)
		return;
	const char *events = at->is_v2 ? "memory.events" : "memory.oom_control";

	snprintf(dir, sizeof(dir), "%s/%.40s", at->path, p->name);
	*peak_bytes = number_of(dir, at->is_v2 ? "memory.peak" : "memory.max_usage_in_bytes", NULL);
	*out_of_memory = number_of(dir, events, "oom_kill ");
	/* version 1 counts where the process was, version 2 in all above as well */
	snprintf(dir, sizeof(dir), "%.200s/%.40s/%.64s", at->path, p->name, p->id);
	if (!at->is_v2)
		*out_of_memory += number_of(dir, events, "oom_kill ");
}
