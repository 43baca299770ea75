/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a detonation, settled before anything is made: what runs, with which limits, by which
 * runtime, under which name. What is not possible here is said here, while nothing has happened.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "scan/detonate/private.h"

enum {
	DEFAULT_SECONDS = 60,
	MAX_SECONDS = 3600,
	DEFAULT_PROCESSES = 256,
	DEFAULT_CPU_PERCENT = 100,
};
#define DEFAULT_SCRATCH "/run/koban/detonate"
#define DEFAULT_MEMORY  (512ULL << 20)
#define DEFAULT_DISK    (4ULL << 30)

static void make_id(struct sandbox_plan *p)
{
	uint8_t random[ID_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort(); /* without it names could meet: cannot happen after boot */
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(p->id + 2 * i, 3, "%02x", random[i]);
	snprintf(p->name, sizeof(p->name), "koban-detonate-%.12s", p->id);
}

/* The folder and those above it; others may pass through, not look. */
static int make_scratch(const char *path, struct err *e)
{
	char part[PATH_LEN];

	for (const char *s = path + 1; s; s = strchr(s, '/')) {
		s += *s == '/';
		const char *end = strchr(s, '/');

		if (!str_copy(str_make(path, end ? (size_t)(end - path) : strlen(path)), part,
			    sizeof(part)))
			return err_set(e, ENAMETOOLONG, "%s: too long", path);
		if (mkdir(part, 0711) < 0 && errno != EEXIST)
			return err_set(e, errno, "%s: %s", part, strerror(errno));
	}
	return 0;
}

static bool find_program(const char *name, char *out, size_t size)
{
	static const char *const dirs[] = {
		"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

	if (strchr(name, '/')) {
		snprintf(out, size, "%s", name);
		return access(out, X_OK) == 0;
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(out, size, "%s/%s", dirs[i], name);
		if (access(out, X_OK) == 0)
			return true;
	}
	return false;
}

static int choose_runtime(const struct detonate_options *o, struct sandbox_plan *p, struct err *e)
{
	static const char *const known[] = {"runc", "crun"};

	for (size_t i = 0; i < 2; i++) {
		const char *name = o->runtime ? o->runtime : known[i];

		if (find_program(name, p->runtime, sizeof(p->runtime))) {
			p->is_crun = strstr(name, "crun") != NULL;
			return 0;
		}
	}
	return err_set(e, ENOENT,
		"no container runtime (%s): install runc (apt install runc), or name one with "
		"--runtime",
		o->runtime ? o->runtime : "runc, crun");
}

static uint64_t free_memory(void)
{
	char text[4096];
	ptrdiff_t n = io_read_proc("/proc/meminfo", text, sizeof(text) - 1);
	uint64_t kib = 0;

	text[n > 0 ? n : 0] = 0;
	const char *at = strstr(text, "MemAvailable:");
	if (at)
		kib = strtoull(at + strlen("MemAvailable:"), NULL, 10);
	return kib << 10;
}

static void choose_limits(const struct detonate_options *o, struct sandbox_plan *p)
{
	uint64_t half = free_memory() / 2;

	p->seconds = o->seconds ? o->seconds : DEFAULT_SECONDS;
	if (p->seconds > MAX_SECONDS)
		p->seconds = MAX_SECONDS;
	p->max_memory_bytes = o->max_memory_bytes ? o->max_memory_bytes : DEFAULT_MEMORY;
	p->max_processes = o->max_processes ? o->max_processes : DEFAULT_PROCESSES;
	p->cpu_percent = o->cpu_percent ? o->cpu_percent : DEFAULT_CPU_PERCENT;
	p->max_disk_bytes = o->max_disk_bytes ? o->max_disk_bytes : DEFAULT_DISK;
	if (!o->max_disk_bytes && half && p->max_disk_bytes > half)
		p->max_disk_bytes = half;
}

int plan_make(const struct detonate_options *o, const struct artifact_image *image,
	struct sandbox_plan *p, struct err *e)
{
	const char *scratch = o->scratch_dir ? o->scratch_dir : DEFAULT_SCRATCH;
	const struct artifact_config *c = &image->config;

	if (geteuid() != 0)
		return err_set(e, EPERM,
			"a detonation needs root: it makes namespaces and cgroups, and watches "
			"through the kernel");
	p->image = image;
	p->argv = o->argv && o->argv[0] ? o->argv : NULL;
	if (!p->argv && !c->nentrypoint && !c->ncmd)
		return err_set(e, EINVAL,
			"the image says nothing to run (no ENTRYPOINT, no CMD): give a command "
			"behind --");
	choose_limits(o, p);
	p->has_rights = o->has_rights;
	if (scratch[0] != '/')
		return err_set(
			e, EINVAL, "%s: the scratch folder must be an absolute path", scratch);
	int r = choose_runtime(o, p, e);
	if (r == 0)
		r = make_scratch(scratch, e);
	if (r < 0)
		return r;
	sandbox_sweep(scratch);
	make_id(p);
	if (snprintf(p->dir, sizeof(p->dir), "%s/%s", scratch, p->id) >= PATH_LEN - 64)
		return err_set(e, ENAMETOOLONG, "%s: too long", scratch);
	return sink_authority_make(&p->authority, &p->ca_pem, e);
}

void plan_done(struct sandbox_plan *p)
{
	sink_authority_free(p->authority);
	p->authority = NULL;
}
