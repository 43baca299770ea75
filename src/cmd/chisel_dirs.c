/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of chisels. The current folder is none of them, other than sysdig has it: a chisel is
 * a program, and who reads a stranger's capture in a stranger's folder should run none of his.
 */
#include "cmd/chisel_dirs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"

void chisel_dirs_init(struct chisel_dirs *d)
{
	*d = (struct chisel_dirs){.n = 0};
	arena_init(&d->arena, 0);
}

void chisel_dirs_done(struct chisel_dirs *d)
{
	arena_done(&d->arena);
	d->n = 0;
}

int chisel_dirs_add(struct chisel_dirs *d, const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return err_set(e, errno, "the chisel folder %s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "the chisel folder %s is no folder", dir);
	if (d->n == CHISEL_DIRS_MAX)
		return err_set(e, ENOSPC, "more than %d chisel folders", CHISEL_DIRS_MAX);
	d->dirs[d->n++] = arena_cstr(&d->arena, str_of(dir));
	return 0;
}

/* What is not there is no news. */
static void add_if_there(struct chisel_dirs *d, struct str dir)
{
	char path[PATH_MAX];

	if (dir.len && str_copy(dir, path, sizeof(path)))
		(void)!chisel_dirs_add(d, path, NULL);
}

void chisel_dirs_add_usual(struct chisel_dirs *d)
{
	struct str more = str_of(getenv("SYSDIG_CHISEL_DIR"));
	const char *home = getenv("HOME");
	char path[PATH_MAX];

	/* sysdig separates them by semicolons, everybody else by colons */
	while (more.len) {
		struct str part = str_cut(&more, ';');

		while (part.len)
			add_if_there(d, str_cut(&part, ':'));
	}
	if (io_data_dir("chisels", path, sizeof(path)))
		add_if_there(d, str_of(path));
	if (home && snprintf(path, sizeof(path), "%s/.chisels", home) < (int)sizeof(path))
		add_if_there(d, str_of(path));
	add_if_there(d, STR("/usr/share/sysdig/chisels"));
}
