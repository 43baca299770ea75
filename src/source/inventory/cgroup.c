/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time and memory of containers: from their cgroups (cgroups(7), version 2 and 1), which count
 * processes that have ended, too; where a cgroup cannot be read, from /proc of the processes that
 * are there.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "source/inventory/private.h"

enum { TEXT_BYTES = 4096, PATH_BYTES = 4096 };

struct str cgroup_of_container(struct str path, struct str full_id)
{
	ptrdiff_t at = full_id.len ? str_find(path, full_id) : -1;

	/* the group whose name holds the id, not one that the container made below it */
	if (at >= 0) {
		struct str below = str_skip(path, (size_t)at);
		ptrdiff_t end = str_find_char(below, '/');

		if (end >= 0)
			path = str_head(path, (size_t)at + (size_t)end);
	}
	return path;
}

static bool read_text(const char *path, char *text, struct str *ret)
{
	ptrdiff_t n = io_read_proc(path, text, TEXT_BYTES - 1);

	*ret = str_make(text, n > 0 ? (size_t)n : 0);
	return n > 0;
}

static bool read_number(const char *root, const char *folder, struct str group, const char *file,
	const char *key, uint64_t *ret)
{
	char path[PATH_BYTES], text[TEXT_BYTES];
	struct str rest;

	if (snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s%.*s/%s", root, folder, STR_ARG(group),
		    file) >= (int)sizeof(path) ||
		!read_text(path, text, &rest))
		return false;
	if (!key)
		return str_to_u64(str_trim(rest), 10, ret);
	while (rest.len) {
		struct str line = str_cut(&rest, '\n'), name = str_cut(&line, ' ');

		if (str_is(name, key))
			return str_to_u64(str_trim(line), 10, ret);
	}
	return false;
}

static bool has_controller(struct str controllers, const char *name)
{
	while (controllers.len)
		if (str_is(str_cut(&controllers, ','), name))
			return true;
	return false;
}

/* One line of /proc/PID/cgroup: "0::/path" (version 2) or "4:cpu,cpuacct:/path". */
static void read_group(struct seen_container *c, struct str line, const char *root)
{
	struct str rest = line;

	str_cut(&rest, ':');
	struct str controllers = str_cut(&rest, ':');
	struct str group = cgroup_of_container(rest, c->full_id);
	/* of another cgroup namespace: it cannot be named from here */
	if (!group.len || str_find(group, STR("..")) >= 0 || str_is(group, "/"))
		return;
	if (!controllers.len) {
		uint64_t us;

		if (read_number(root, "", group, "cpu.stat", "usage_usec", &us)) {
			c->cpu_ns = us * 1000;
			c->has_cpu = true;
		}
		c->has_rss |= read_number(root, "", group, "memory.current", NULL, &c->rss_bytes);
	}
	if (has_controller(controllers, "cpuacct"))
		c->has_cpu |=
			read_number(root, "/cpuacct", group, "cpuacct.usage", NULL, &c->cpu_ns);
	if (has_controller(controllers, "memory"))
		c->has_rss |= read_number(
			root, "/memory", group, "memory.stat", "total_rss", &c->rss_bytes);
}

static void read_cgroups(struct seen_container *c, const char *root)
{
	char path[64], text[TEXT_BYTES];
	struct str rest;

	snprintf(path, sizeof(path), "/proc/%u/cgroup", c->first_pid);
	if (!c->first_pid || !read_text(path, text, &rest))
		return;
	while (rest.len)
		read_group(c, str_cut(&rest, '\n'), root);
}

enum { STAT_UTIME = 14, STAT_STIME = 15, STAT_RSS = 24 };

static void add_process(
	struct seen_container *c, const struct seen_process *p, bool wants_cpu, bool wants_rss)
{
	uint64_t field[IO_STAT_FIELDS], tick_ns = 1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK);
	char path[64], text[TEXT_BYTES];
	struct str s, comm;

	snprintf(path, sizeof(path), "/proc/%u/stat", p->pid);
	if (!read_text(path, text, &s) || !io_parse_stat(s, &comm, field))
		return;
	if (wants_cpu)
		c->cpu_ns += (field[STAT_UTIME] + field[STAT_STIME]) * tick_ns;
	if (wants_rss)
		c->rss_bytes += field[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE);
}

void resources_read(struct snapshot *n, const char *host_root)
{
	const char *root = host_root && strcmp(host_root, "/") != 0 ? host_root : "";

	for (size_t i = 0; i < n->ncontainers; i++)
		read_cgroups(&n->containers[i], root);
	for (size_t i = 0; i < n->nprocesses; i++) {
		const struct seen_process *p = &n->processes[i];
		struct seen_container *c = p->container >= 0 ? &n->containers[p->container] : NULL;

		if (c && (!c->has_cpu || !c->has_rss))
			add_process(c, p, !c->has_cpu, !c->has_rss);
	}
}
