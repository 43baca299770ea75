/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be told of a running process's executable from outside: its path, inode and times,
 * whether its user may write it, whether it is deleted, in memory only, or lies in the upper or
 * a lower layer of an overlay. The kernel tells the same at an exec; this is for the processes
 * whose exec was not seen.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "engine/state/private.h"

#define OVERLAY_MAGIC 0x794c7630 /* include/uapi/linux/magic.h */

static bool may_write(const struct stat *st, uint32_t uid, uint32_t gid)
{
	if (uid == 0)
		return true; /* CAP_DAC_OVERRIDE */
	if (st->st_uid == uid)
		return st->st_mode & S_IWUSR;
	if (st->st_gid == gid)
		return st->st_mode & S_IWGRP;
	return st->st_mode & S_IWOTH;
}

/* The value of one option of "rw,lowerdir=a:b,upperdir=c,workdir=d". */
static struct str mount_option(struct str options, struct str name)
{
	while (options.s) {
		struct str one = str_cut(&options, ',');

		if (str_starts(one, name))
			return str_skip(one, name.len);
	}
	return STR_NULL;
}

/* The last mount on "/" of the process's own mount table, if it is an overlay: its upperdir. */
static struct str root_upperdir(struct str mountinfo)
{
	struct str upper = STR_NULL;

	while (mountinfo.s && mountinfo.len) {
		struct str line = str_cut(&mountinfo, '\n'), rest = line, point = STR_NULL;
		ptrdiff_t dash = str_find(line, STR(" - overlay "));

		for (int i = 0; i < 5 && rest.s; i++)
			point = str_cut(&rest, ' ');
		if (str_is(point, "/"))
			upper = dash < 0 ? STR_NULL
					 : mount_option(
						   str_skip(line,
							   (size_t)str_rfind_char(line, ' ') + 1),
						   STR("upperdir="));
	}
	return upper;
}

static void read_layer(struct state *s, uint32_t pid, struct proc_info *i)
{
	char path[PATH_MAX * 2];
	struct stat st;

	path_in_proc(s, pid, "mountinfo", path, sizeof(path));
	ptrdiff_t n = io_read_proc(path, s->proc_buf, PROC_BUF);
	struct str upper = n < 0 ? STR_NULL : root_upperdir(str_make(s->proc_buf, (size_t)n));

	if (!upper.len)
		return;
	snprintf(path, sizeof(path), "%s%.*s%.*s", s->host_root, STR_ARG(upper),
		STR_ARG(i->text.v[TEXT_EXEPATH]));
	i->exe_upper = lstat(path, &st) == 0;
	i->exe_lower = !i->exe_upper;
}

static uint64_t ns_of(struct timespec t)
{
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

void proc_read_exe(struct state *s, uint32_t pid, struct proc_info *i)
{
	char path[PATH_MAX];
	struct stat st;
	struct statfs fs;

	path_in_proc(s, pid, "exe", path, sizeof(path));
	ssize_t n = readlink(path, s->proc_buf, PATH_MAX);

	if (n <= 0)
		return;
	struct str exe = str_make(s->proc_buf, (size_t)n);

	if (str_ends(exe, STR(" (deleted)"))) {
		exe.len -= strlen(" (deleted)");
		i->exe_deleted = true;
	}
	i->exe_memfd = str_starts(exe, STR("/memfd:"));
	i->text.v[TEXT_EXEPATH] = arena_str(&s->scratch, exe);
	if (stat(path, &st) < 0)
		return;
	i->exe_ino = st.st_ino;
	i->exe_ctime_ns = ns_of(st.st_ctim);
	i->exe_mtime_ns = ns_of(st.st_mtim);
	i->exe_writable = may_write(&st, i->uid, i->gid);
	if (!i->exe_deleted && statfs(path, &fs) == 0 && fs.f_type == OVERLAY_MAGIC)
		read_layer(s, pid, i);
}
