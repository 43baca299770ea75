/* SPDX-License-Identifier: Apache-2.0 */
/* Small files and folders. */

#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int read_fd(struct arena *a, int fd, size_t limit, struct str *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > limit)
		return -EFBIG;
	/* files of /proc say size 0: read to the end, up to the limit */
	size_t cap = st.st_size ? (size_t)st.st_size + 1 : 4096, len = 0;
	char *s = arena_raw(a, cap + 1);

	if (!s)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, s + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > limit)
			return -EFBIG;
		if (len == cap) {
			char *more = arena_raw(a, cap * 2 + 1);

			if (!more)
				return -ENOMEM;
			memcpy(more, s, len);
			s = more;
			cap *= 2;
		}
	}
	s[len] = 0;
	*ret = str_make(s, len);
	return 0;
}

int io_read_file(
	struct arena *a, int dirfd, const char *path, size_t limit, struct str *ret, struct err *e)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_set(e, errno, "%s: cannot open: %s", path, strerror(errno));
	int r = read_fd(a, fd, limit, ret);
	close(fd);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "%s: larger than the limit of %zu bytes", path, limit);
	return r < 0 ? err_set(e, -r, "%s: cannot read: %s", path, strerror(-r)) : 0;
}

int io_read_in_root(struct arena *a, int root, const char *path, size_t limit, struct str *ret)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd < 0)
		return -errno;
	int r = read_fd(a, fd, limit, ret);
	close(fd);
	return r;
}

ptrdiff_t io_read_proc(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int r = -errno;

			close(fd);
			return r;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	return (ptrdiff_t)len;
}

static bool has_suffix(struct str name, const char *const *suffixes)
{
	if (!suffixes)
		return true;
	for (; *suffixes; suffixes++)
		if (str_ends(name, str_of(*suffixes)))
			return true;
	return false;
}

static int cmp_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct names {
	struct arena *a;
	struct str *items;
	size_t n, cap, limit;
};

static int add_name(struct names *to, const char *dir, struct str name, struct err *e)
{
	if (to->n == to->limit)
		return err_set(e, EFBIG, "%s: more than %zu files", dir, to->limit);
	if (to->n == to->cap) {
		size_t cap = to->cap ? to->cap * 2 : 32;
		struct str *more = arena_array(to->a, struct str, cap);

		if (!more)
			return err_set(e, ENOMEM, "%s: out of memory", dir);
		if (to->n)
			memcpy(more, to->items, to->n * sizeof(*more));
		to->items = more;
		to->cap = cap;
	}
	struct str copy = arena_str(to->a, name);
	if (!copy.s)
		return err_set(e, ENOMEM, "%s: out of memory", dir);
	to->items[to->n++] = copy;
	return 0;
}

static int read_names(
	DIR *d, const char *dir, const char *const *suffixes, struct names *to, struct err *e)
{
	for (;;) {
		errno = 0; /* tells a folder that cannot be read on from its end */
		struct dirent *de = readdir(d);

		if (!de)
			return errno ? err_set(e, errno, "%s: cannot list: %s", dir,
					       strerror(errno))
				     : 0;
		struct str name = str_of(de->d_name);
		if (name.s[0] == '.' || !has_suffix(name, suffixes))
			continue;
		int r = add_name(to, dir, name, e);
		if (r < 0)
			return r;
	}
}

int io_list_dir(struct arena *a, const char *dir, const char *const *suffixes, size_t limit,
	struct str **ret, size_t *ret_n, struct err *e)
{
	struct names names = {.a = a, .limit = limit};
	DIR *d = opendir(dir);

	if (!d)
		return err_set(e, errno, "%s: cannot open the folder: %s", dir, strerror(errno));
	int r = read_names(d, dir, suffixes, &names, e);
	closedir(d);
	if (r < 0)
		return r;
	if (names.n)
		qsort(names.items, names.n, sizeof(*names.items), cmp_str);
	*ret = names.items;
	*ret_n = names.n;
	return 0;
}

int io_write_all(int fd, struct str s)
{
	while (s.len) {
		ssize_t n = write(fd, s.s, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

bool io_parse_stat(struct str text, struct str *comm, uint64_t field[IO_STAT_FIELDS])
{
	/* the name may hold blanks and brackets, the rest may not */
	ptrdiff_t open = str_find_char(text, '('), close = str_rfind_char(text, ')');

	memset(field, 0, IO_STAT_FIELDS * sizeof(*field));
	if (open < 0 || close < open)
		return false;
	*comm = str_make(text.s + open + 1, (size_t)(close - open - 1));
	struct str rest = str_trim(str_skip(text, (size_t)close + 1));

	for (int n = 3; n < IO_STAT_FIELDS && rest.s; n++)
		if (!str_to_u64(str_trim(str_cut(&rest, ' ')), 10, &field[n]))
			field[n] = 0;
	return true;
}

bool io_data_dir(const char *name, char *out, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n > 0) {
		exe[n] = 0;
		for (char *slash; (slash = strrchr(exe, '/')) && slash != exe;) {
			*slash = 0;
			snprintf(out, size, "%.3900s/data/%s", exe, name);
			if (access(out, R_OK) == 0)
				return true;
			snprintf(out, size, "%.3900s/share/koban/%s", exe, name);
			if (access(out, R_OK) == 0)
				return true;
		}
	}
	snprintf(out, size, "/usr/share/koban/%s", name);
	return access(out, R_OK) == 0;
}
