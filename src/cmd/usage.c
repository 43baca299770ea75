/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU, memory and page faults of processes, read from /proc when a table is refreshed. CPU and
 * faults are differences to the last time, so that rows are kept by pid; those that nobody asked
 * for lately go.
 */
#include "cmd/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

enum { USAGE_MAX = 131072, STAT_BYTES = 2048, FORGET_S = 60 };

struct sighting {
	uint32_t pid;
	uint64_t start_ns, ticks, major, minor, at_ns;
};

struct usage {
	struct table rows;
	uint64_t swept_ns;
	double ns_per_tick;
	uint64_t page_bytes;
};

static bool is_pid(const void *row, const void *key)
{
	return ((const struct sighting *)row)->pid == *(const uint32_t *)key;
}

struct usage *usage_new(void)
{
	struct usage *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	table_init(&u->rows, is_pid, USAGE_MAX);
	u->ns_per_tick = 1e9 / (double)sysconf(_SC_CLK_TCK);
	u->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	return u;
}

static void sweep(struct usage *u, uint64_t before_ns)
{
	struct sighting *s;
	size_t pos = 0;

	while ((s = table_next(&u->rows, &pos)))
		if (s->at_ns < before_ns)
			free(table_take(&u->rows, hash_u64(s->pid), &s->pid));
}

void usage_free(struct usage *u)
{
	if (!u)
		return;
	sweep(u, UINT64_MAX);
	table_done(&u->rows);
	free(u);
}

static bool read_stat(uint32_t pid, uint64_t field[IO_STAT_FIELDS])
{
	char path[40], text[STAT_BYTES];
	struct str comm;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	ptrdiff_t n = io_read_proc(path, text, sizeof(text));
	return n > 0 && io_parse_stat(str_make(text, (size_t)n), &comm, field);
}

static struct sighting *sighting_of(struct usage *u, const struct process *p)
{
	struct sighting *s = table_find(&u->rows, hash_u64(p->pid), &p->pid);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->pid = p->pid;
	if (table_put(&u->rows, hash_u64(p->pid), s) == 0)
		return s;
	free(s);
	return NULL;
}

bool usage_ask(struct usage *u, const struct process *p, struct group_usage *ret)
{
	/* places in proc(5)'s list */
	enum { MINOR = 10, MAJOR = 12, UTIME = 14, STIME = 15, VSIZE = 23, RSS = 24 };
	uint64_t now = clock_boot_ns(), f[IO_STAT_FIELDS], ticks;
	struct sighting *s;

	if (now - u->swept_ns > FORGET_S * NSEC_PER_SEC) {
		sweep(u, now > FORGET_S * NSEC_PER_SEC ? now - FORGET_S * NSEC_PER_SEC : 0);
		u->swept_ns = now;
	}
	if (!read_stat(p->pid, f) || !(s = sighting_of(u, p)))
		return false;
	ticks = f[UTIME] + f[STIME];
	*ret = (struct group_usage){.vsize_bytes = f[VSIZE], .rss_bytes = f[RSS] * u->page_bytes};
	if (s->at_ns && s->start_ns == p->start_ns && now > s->at_ns) {
		ret->has_cpu = true;
		ret->cpu_percent = (double)(ticks - s->ticks) * u->ns_per_tick * 100 /
				   (double)(now - s->at_ns);
		ret->faults_major = f[MAJOR] - s->major;
		ret->faults_minor = f[MINOR] - s->minor;
	}
	s->start_ns = p->start_ns;
	s->ticks = ticks;
	s->major = f[MAJOR];
	s->minor = f[MINOR];
	s->at_ns = now;
	return true;
}
