/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cell that parses strangers' bytes: capabilities, limits, landlock (landlock(7)) and seccomp
 * (seccomp(2)), in this order, because each needs what the next one takes away. What is allowed is
 * listed in cell_calls.c. It makes no process: who wants a worker forks first.
 */
#include "base/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cell_calls.h"
#include "base/sanitized.h"

/* Later than the headers of Debian 12, by the numbers of the kernel's interface. */
enum {
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_NET = 4,
	ABI_IOCTL = 5,
	ABI_SCOPE = 6,
};
#define FS_TRUNCATE  (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_TCP      3ULL /* bind, connect */
#define SCOPE_ALL    3ULL /* abstract unix sockets, signals */
#define FS_READ      (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_ALL_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FS_WRITE                                                                                   \
	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                \
		LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                      \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)
/* what makes sense for something that is no folder */
#define FS_OF_FILES                                                                                \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |                            \
		LANDLOCK_ACCESS_FS_EXECUTE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

static int landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool cell_has_landlock(void)
{
	return landlock_abi() > 0;
}

static uint64_t handled_fs(int abi)
{
	uint64_t fs = FS_ALL_FIRST;

	if (abi >= ABI_REFER)
		fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		fs |= FS_TRUNCATE;
	if (abi >= ABI_IOCTL)
		fs |= FS_IOCTL_DEV;
	return fs;
}

static int make_ruleset(const struct cell_options *o, int abi)
{
	struct ruleset_attr a = {.fs = handled_fs(abi)};
	size_t size = sizeof(a.fs);

	if (abi >= ABI_NET) {
		a.net = o->network ? 0 : NET_TCP;
		size = sizeof(a.fs) + sizeof(a.net);
	}
	if (abi >= ABI_SCOPE) {
		a.scoped = o->network ? 0 : SCOPE_ALL;
		size = sizeof(a);
	}
	int fd = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
	return fd < 0 ? -errno : fd;
}

static int add_path(int ruleset, int abi, const char *path, uint64_t allowed, struct err *e)
{
	struct landlock_path_beneath_attr a = {.allowed_access = allowed & handled_fs(abi)};
	struct stat st;
	int r = 0;

	a.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (a.parent_fd < 0)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	if (fstat(a.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		a.allowed_access &= FS_OF_FILES;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
		r = err_set(e, errno, "%s: landlock refuses it: %s", path, strerror(errno));
	close(a.parent_fd);
	return r;
}

static int add_paths(int ruleset, int abi, const struct cell_options *o, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && o->read_paths && o->read_paths[i]; i++)
		r = add_path(ruleset, abi, o->read_paths[i], FS_READ, e);
	if (r == 0 && o->write_dir)
		r = add_path(ruleset, abi, o->write_dir,
			o->restores ? FS_WRITE | LANDLOCK_ACCESS_FS_MAKE_SYM : FS_WRITE, e);
	/* leak checking at the end of a process needs files that the product has no use for; who
	 * unpacks does so in a root without /proc */
	if (r == 0 && IS_SANITIZED && !o->restores)
		r = add_path(ruleset, abi, "/proc", FS_READ, e);
	return r;
}

static int enter_landlock(const struct cell_options *o, struct err *e)
{
	int abi = landlock_abi();

	if (abi <= 0)
		return CELL_NO_LANDLOCK;
	int ruleset = make_ruleset(o, abi);
	if (ruleset < 0)
		return err_set(e, -ruleset, "landlock: %s", strerror(-ruleset));
	int r = add_paths(ruleset, abi, o, e);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		r = err_set(e, errno, "landlock: %s", strerror(errno));
	close(ruleset);
	return r;
}

static int keep(cap_t now, cap_t want, cap_value_t cap)
{
	cap_flag_value_t has = CAP_CLEAR;

	if (cap_get_flag(now, cap, CAP_PERMITTED, &has) < 0 || has != CAP_SET)
		return 0;
	if (cap_set_flag(want, CAP_PERMITTED, 1, &cap, CAP_SET) < 0 ||
		cap_set_flag(want, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0)
		return -errno;
	return 0;
}

int cell_keep_capabilities(const int *caps, size_t n, struct err *e)
{
	cap_t now = cap_get_proc(), want = cap_init();
	int r = now && want ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = keep(now, want, caps[i]);
	if (r == 0 && cap_set_proc(want) < 0)
		r = -errno;
	cap_free(now);
	cap_free(want);
	return r < 0 ? err_set(e, -r, "cannot give up capabilities: %s", strerror(-r)) : 0;
}

static int limit(int what, uint64_t max, const char *name, struct err *e)
{
	struct rlimit l;

	if (!max || getrlimit(what, &l) < 0)
		return 0;
	if (l.rlim_max == RLIM_INFINITY || max < l.rlim_max)
		l.rlim_max = max;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(what, &l) < 0)
		return err_set(e, errno, "cannot limit %s: %s", name, strerror(errno));
	return 0;
}

int cell_enter(const struct cell_options *o, struct err *e)
{
	/* root without capabilities may still read what its files' modes let root read */
	static const int files[] = {
		CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_CHOWN, CAP_FOWNER, CAP_FSETID};
	bool has_paths = (o->read_paths && o->read_paths[0]) || o->write_dir;
	int r = cell_keep_capabilities(files, o->restores ? 5 : has_paths ? 2 : 0, e);

	/* localtime() would look for the zone when it cannot any more */
	tzset();
	if (r == 0 && !IS_SANITIZED)
		r = limit(RLIMIT_AS, o->max_memory_bytes, "memory", e);
	if (r == 0)
		r = limit(RLIMIT_CPU, o->max_cpu_s, "CPU time", e);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, errno, "no_new_privs: %s", strerror(errno));
	int landlock = enter_landlock(o, e);
	if (landlock < 0)
		return landlock;
	r = cell_filter_calls(o, e);
	return r < 0 ? r : landlock;
}
