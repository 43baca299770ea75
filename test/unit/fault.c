/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wrappers of fault injection. They are no allocator and no file system: a call that does not
 * fail is the real one. The linker (--wrap) sends calls of the objects that are linked here, so
 * neither cmocka's own nor libyaml's allocations are counted. Threads may call them.
 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
	atomic_ulong calls;
	atomic_ulong first, last; /* of the calls that fail; 0 = none */
	int code;
} kinds[FAULT_KINDS];

static atomic_bool was_reached;

static void arm(enum fault_kind kind, unsigned n, bool on, int code)
{
	unsigned long first = kinds[kind].calls + n;

	kinds[kind].code = code;
	kinds[kind].last = on ? -1UL : first;
	kinds[kind].first = first;
}

void fault_arm(enum fault_kind kind, unsigned n, int code)
{
	fault_disarm();
	was_reached = false;
	arm(kind, n, false, code);
}

void fault_arm_from(enum fault_kind kind, unsigned n, int code)
{
	fault_disarm();
	was_reached = false;
	arm(kind, n, true, code);
}

void fault_also_from(enum fault_kind kind, unsigned n, int code)
{
	arm(kind, n, true, code);
}

void fault_disarm(void)
{
	for (int k = 0; k < FAULT_KINDS; k++)
		kinds[k].first = kinds[k].last = 0;
}

bool fault_was_reached(void)
{
	return was_reached;
}

unsigned long fault_calls(enum fault_kind kind)
{
	return kinds[kind].calls;
}

static bool fails(enum fault_kind kind)
{
	unsigned long call = ++kinds[kind].calls;

	if (!kinds[kind].first || call < kinds[kind].first || call > kinds[kind].last)
		return false;
	was_reached = true;
	errno = kinds[kind].code;
	return true;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size)
{
	return fails(FAULT_ALLOC) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(FAULT_ALLOC) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails(FAULT_ALLOC) ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return fails(FAULT_ALLOC) ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails(FAULT_ALLOC) ? NULL : __real_strndup(s, n);
}

/* ---- files (Meson builds with 64-bit offsets, so these names) ------------------------------ */

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_pwrite64(int fd, const void *data, size_t size, off_t at);
ssize_t __real_pwritev64(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __real_pread64(int fd, void *data, size_t size, off_t at);
int __real_open64(const char *path, int flags, ...);
int __real_openat64(int dir, const char *path, int flags, ...);
int __real_ftruncate64(int fd, off_t size);
int __real_unlinkat(int dir, const char *path, int flags);
int __real_unlink(const char *path);
int __real_rename(const char *from, const char *to);

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	if (fails(FAULT_WRITE))
		return -1;
	return __real_write(fd, data, fails(FAULT_SHORT_WRITE) ? size / 2 : size);
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t at)
{
	if (fails(FAULT_WRITE))
		return -1;
	return __real_pwrite64(fd, data, fails(FAULT_SHORT_WRITE) ? size / 2 : size, at);
}

ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int n, off_t at)
{
	if (fails(FAULT_WRITE))
		return -1;
	if (!fails(FAULT_SHORT_WRITE))
		return __real_pwritev64(fd, iov, n, at);
	/* all but half of the last piece */
	struct iovec some[16];
	memcpy(some, iov, (size_t)n * sizeof(*iov));
	some[n - 1].iov_len /= 2;
	return __real_pwritev64(fd, some, n, at);
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
	return fails(FAULT_READ) ? -1 : __real_read(fd, data, size);
}

ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t at)
{
	return fails(FAULT_READ) ? -1 : __real_pread64(fd, data, size, at);
}

static unsigned mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, unsigned) : 0;
}

int __wrap_open64(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	unsigned mode = mode_of(flags, ap);
	va_end(ap);
	return fails(FAULT_OPEN) ? -1 : __real_open64(path, flags, mode);
}

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	unsigned mode = mode_of(flags, ap);
	va_end(ap);
	return fails(FAULT_OPEN) ? -1 : __real_openat64(dir, path, flags, mode);
}

/* No test cuts the power: what works need not wait for the disk. */
int __wrap_fsync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : 0;
}

int __wrap_fdatasync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : 0;
}

int __wrap_ftruncate64(int fd, off_t size)
{
	return fails(FAULT_TRUNCATE) ? -1 : __real_ftruncate64(fd, size);
}

int __wrap_unlinkat(int dir, const char *path, int flags)
{
	return fails(FAULT_UNLINK) ? -1 : __real_unlinkat(dir, path, flags);
}

int __wrap_unlink(const char *path)
{
	return fails(FAULT_UNLINK) ? -1 : __real_unlink(path);
}

int __wrap_rename(const char *from, const char *to)
{
	return fails(FAULT_UNLINK) ? -1 : __real_rename(from, to);
}
