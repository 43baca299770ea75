/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Reading small files whole, with a limit; walking folders in a fixed order. */
#include "base/arena.h"
#include "base/err.h"

/*
 * Reads `path` (relative to dirfd, AT_FDCWD for none) into the arena, with a NUL behind it.
 * Refuses what is larger than `limit` bytes or no regular file. 0 or -errno (-EFBIG, -ENOENT, …);
 * the error names the file.
 */
int io_read_file(
	struct arena *a, int dirfd, const char *path, size_t limit, struct str *ret, struct err *e);
/*
 * The same for files of /proc, /sys and of other roots (`root` is a directory fd): the path is
 * resolved inside root with openat2(RESOLVE_IN_ROOT), so that a container's symlinks stay in it.
 */
int io_read_in_root(struct arena *a, int root, const char *path, size_t limit, struct str *ret);
/* Reads a /proc file (size unknown) into buf; the length or -errno. No allocation. */
ptrdiff_t io_read_proc(const char *path, char *buf, size_t size);
/*
 * The names in `dir` that end in one of the suffixes (NULL-terminated array; NULL = all), sorted
 * by byte order, not recursive, hidden ones left out. At most `limit` names.
 */
int io_list_dir(struct arena *a, const char *dir, const char *const *suffixes, size_t limit,
	struct str **ret, size_t *ret_n, struct err *e);
enum { IO_STAT_FIELDS = 53 };
/*
 * The text of /proc/PID/stat (proc(5)): its fields by their numbers, which begin at 3 behind the
 * name, negative ones as 0; *comm is the name, which may hold anything. False for another text.
 */
bool io_parse_stat(struct str text, struct str *comm, uint64_t field[IO_STAT_FIELDS]);
/* Writes all of it, going on after short writes and EINTR. 0 or -errno. */
int io_write_all(int fd, struct str s);
/*
 * A folder of koban's own data ("views"): beside the program when it runs from its source tree,
 * else where it was installed. False when there is none; `out` then names where it should be.
 */
bool io_data_dir(const char *name, char *out, size_t size);
