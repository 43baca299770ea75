/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an archive's entries try on who unpacks them: names that climb out of the root, links
 * through which later members would be written elsewhere, links into /proc, devices. koban unpacks
 * nothing, so none of it can do harm here; it is said because it was made to harm somebody. What
 * ordinary images have (/dev/null, /dev/fd, logs that are links to standard output) says nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/table.h"
#include "scan/image/pass.h"

enum { LINKS_MAX = 100000, LINK_BYTES = 16 << 20 };

void hostile_say(struct pass *p, const char *check, enum artifact_severity severity,
	unsigned confidence, const char *title, const char *mend)
{
	const struct artifact_finding f = {.check = str_of(check),
		.label = LABEL_HOSTILE,
		.severity = severity,
		.confidence = confidence,
		.title = str_of(title),
		.mend = str_of(mend)};

	ledger_find(p->ledger, &f);
}

/* ---- names ---------------------------------------------------------------------------------- */

/* Whether a path that begins in `from` (absolute; empty = the root) leads above the root. */
static bool climbs(struct str from, struct str path)
{
	long depth = 0;

	for (size_t i = 0; i < from.len; i++)
		depth += from.s[i] == '/';
	while (path.s) {
		struct str part = str_cut(&path, '/');

		if (!part.len || str_is(part, "."))
			continue;
		depth += str_is(part, "..") ? -1 : 1;
		if (depth < 0)
			return true;
	}
	return false;
}

/* The folder of "/a/b" is "/a", that of "/a" is "". */
static struct str folder_of(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return str_head(path, slash > 0 ? (size_t)slash : 0);
}

static void say_escape(struct pass *p, const struct artifact_file *f, const char *what)
{
	char title[400];

	snprintf(title, sizeof(title), "%s leads out of the image's root", what);
	hostile_say(p, "archive-escape", ARTIFACT_HIGH, 90, title,
		"Do not unpack this image with a tool that trusts names; find out who built it.");
}

/* ---- links ---------------------------------------------------------------------------------- */

struct link {
	struct str path;
	bool climbs;
};

static bool link_eq(const void *row, const void *key)
{
	return str_eq(((const struct link *)row)->path, *(const struct str *)key);
}

void hostile_reset(struct pass *p)
{
	if (!p->links)
		return;
	table_done(p->links);
	free(p->links);
	p->links = NULL;
	arena_done(&p->link_arena);
}

static void remember_link(struct pass *p, struct str path, bool is_climbing)
{
	if (!p->links) {
		p->links = malloc(sizeof(*p->links));
		if (!p->links)
			return;
		table_init(p->links, link_eq, LINKS_MAX);
		arena_init(&p->link_arena, LINK_BYTES);
	}
	if (table_find(p->links, str_hash(path), &path))
		return;
	struct link *l = arena_new(&p->link_arena, struct link);

	if (!l)
		return;
	*l = (struct link){arena_str(&p->link_arena, path), is_climbing};
	if (l->path.s && table_put(p->links, str_hash(path), l) < 0)
		return;
}

/* A member below a symbolic link of the same archive that climbs: what CVE after CVE is made of. */
static void check_through(struct pass *p, const struct artifact_file *f)
{
	struct str at = f->path;

	while ((at = folder_of(at)).len) {
		const struct link *l = table_find(p->links, str_hash(at), &at);

		if (!l || !l->climbs)
			continue;
		say_escape(p, f, "A member that lies behind a symbolic link");
		return;
	}
}

static bool is_number(struct str s)
{
	uint64_t n;

	return str_to_u64(s, 10, &n);
}

/* What a link into /proc reaches: a name for the title, or NULL when it is harmless. */
static const char *proc_reach(struct str target)
{
	static const char *const of_process[] = {
		"root", "cwd", "exe", "mem", "fd", "map_files", "task", NULL};
	static const char *const of_kernel[] = {"kcore", "sysrq-trigger", "kmsg", "sys", NULL};
	struct str rest = target, part;

	do
		part = str_cut(&rest, '/');
	while (rest.s && (!part.len || str_is(part, "..") || str_is(part, ".")));
	if (!str_is(part, "proc") || !rest.s)
		return NULL;
	part = str_cut(&rest, '/');
	for (size_t i = 0; of_kernel[i]; i++)
		if (str_is(part, of_kernel[i]))
			return "the kernel's own files";
	if (!str_is(part, "self") && !str_is(part, "thread-self") && !is_number(part))
		return NULL;
	bool is_self = !is_number(part);
	part = str_cut(&rest, '/');
	for (size_t i = 0; of_process[i]; i++) {
		uint64_t fd = 0;

		if (!str_is(part, of_process[i]))
			continue;
		/* /proc/self/fd and the three that every process has */
		if (is_self && str_is(part, "fd") &&
			(!rest.len || (str_to_u64(rest, 10, &fd) && fd <= 2)))
			return NULL;
		return "the process that runs it, and through it the host";
	}
	return NULL;
}

static void check_symlink(struct pass *p, const struct artifact_file *f)
{
	bool absolute = f->target.len && f->target.s[0] == '/';
	bool up = climbs(absolute ? STR("") : folder_of(f->path), f->target);
	const char *reach = proc_reach(f->target);

	if (f->depth == 0)
		remember_link(p, f->path, up);
	if (!reach)
		return;
	char title[300];

	snprintf(title, sizeof(title), "A symbolic link to %.*s reaches %s",
		STR_ARG(str_head(f->target, 100)), reach);
	hostile_say(p, "archive-proc-link", ARTIFACT_HIGH, 75, title,
		"Find out what it is for; ordinary images have no such link.");
}

/* ---- devices -------------------------------------------------------------------------------- */

/* Memory, kernel and disks (devices.txt of the kernel). */
static bool is_dangerous(unsigned major, unsigned minor)
{
	static const unsigned disks[] = {3, 7, 8, 9, 65, 66, 179, 202, 252, 253, 254, 259};

	if (major == 1)
		return minor == 1 || minor == 2 || minor == 4 || minor == 11;
	for (size_t i = 0; i < sizeof(disks) / sizeof(*disks); i++)
		if (disks[i] == major)
			return true;
	return false;
}

static void check_device(
	struct pass *p, const struct artifact_file *f, unsigned major, unsigned minor)
{
	char title[200];

	/* images made from a whole system bring its /dev */
	if (str_starts(f->path, STR("/dev/")) || f->depth)
		return;
	bool bad = is_dangerous(major, minor);
	snprintf(title, sizeof(title), "A device (%u:%u) lies outside /dev%s", major, minor,
		bad ? ": memory, the kernel or a disk of the host" : "");
	hostile_say(p, "archive-device", bad ? ARTIFACT_HIGH : ARTIFACT_LOW, bad ? 85 : 50, title,
		"Leave it out: a container gets its devices from its runtime.");
}

void hostile_entry(struct pass *p, const struct artifact_file *f, struct str raw_path,
	struct str raw_target, unsigned major, unsigned minor)
{
	if (memmem(raw_path.s, raw_path.len, "..", 2) && climbs(STR(""), raw_path))
		say_escape(p, f, "A member's name");
	if (f->kind == ARTIFACT_HARDLINK && climbs(STR(""), raw_target))
		say_escape(p, f, "A hard link's target");
	if (p->links && f->depth == 0)
		check_through(p, f);
	if (f->kind == ARTIFACT_SYMLINK)
		check_symlink(p, f);
	if (f->kind == ARTIFACT_DEVICE && (major || minor))
		check_device(p, f, major, minor);
}
