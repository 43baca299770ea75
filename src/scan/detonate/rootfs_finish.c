/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps in the unpacker, at home in the new root: folders that the runtime mounts on, the
 * sinkhole as name server, its authority among the trusted ones, the working folder, the user.
 * Every file here is the image's, so nothing is believed and all sizes are limited.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/io.h"
#include "scan/detonate/private.h"

enum { ACCOUNTS_MAX = 1 << 20, OPEN_DIRS = 32 };

static int fail(struct rootfs_answer *a, const char *what, const char *why)
{
	snprintf(a->error, sizeof(a->error), "%s: %s", what, why);
	return -EINVAL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)kind;
	(void)f;
	if (S_ISDIR(st->st_mode))
		rmdir(path);
	else
		unlink(path);
	return 0;
}

/* An empty folder, whatever was there: what is mounted on it cannot be what a link leads to. */
static int make_mount_point(struct rootfs_answer *a, const char *path)
{
	struct stat st;

	nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail(a, path, strerror(errno));
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return fail(a, path, "is no folder");
	return 0;
}

static void make_parents(const char *path)
{
	char part[PATH_LEN];

	for (const char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/'))
		if (str_copy(str_make(path, (size_t)(s - path)), part, sizeof(part)))
			mkdir(part, 0755);
}

/* The folder itself as well. False when its name is too long. */
static bool make_folder(struct str name, char path[PATH_LEN])
{
	if (snprintf(path, PATH_LEN, "%.*s/", STR_ARG(name)) >= PATH_LEN ||
		strlen(path) != name.len + 1)
		return false;
	make_parents(path);
	return true;
}

static int write_new(struct rootfs_answer *a, const char *path, struct str text)
{
	make_parents(path);
	nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(a, path, strerror(errno));
	int r = io_write_all(fd, text);
	close(fd);
	return r < 0 ? fail(a, path, strerror(-r)) : 0;
}

/* ---- certificates -------------------------------------------------------------------------- */

/* Where distributions keep the bundle that OpenSSL, GnuTLS, curl and wget read. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem",
	"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ca-certificates/extracted/tls-ca-bundle.pem"};

static bool append(const char *path, struct str text)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_END) >= 0 &&
		  io_write_all(fd, text) == 0;
	close(fd);
	return ok;
}

static int trust(struct rootfs_answer *a, struct str pem)
{
	bool is_there = false;

	for (size_t i = 0; i < sizeof(bundles) / sizeof(*bundles); i++)
		is_there |= append(bundles[i], pem);
	/* the environment names the first (bundle.c) */
	if (!is_there || access(bundles[0], R_OK) < 0)
		return write_new(a, bundles[0], pem);
	return 0;
}

/* ---- the working folder -------------------------------------------------------------------- */

/*
 * It must be a folder of the image. /proc, /dev and /sys are empty here and are something else when
 * the container runs: a way through them leads to the machine's descriptors (CVE-2024-21626).
 */
static int check_workdir(const struct sandbox_plan *p, struct rootfs_answer *a)
{
	static const char *const foreign[] = {"/proc", "/dev", "/sys"};
	struct str want = p->image->config.workdir;
	char path[PATH_LEN], *real;
	struct stat st;

	if (!want.len)
		return 0;
	if (want.s[0] != '/' || !make_folder(want, path))
		return fail(a, "the image's WORKDIR", "is no absolute path");
	real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0 || !S_ISDIR(st.st_mode)) {
		free(real);
		return fail(a, "the image's WORKDIR",
			"leads to no folder of the image (through /proc, /dev or a broken link)");
	}
	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(foreign[i]);

		if (!strncmp(real, foreign[i], n) && (real[n] == '/' || !real[n])) {
			free(real);
			return fail(a, "the image's WORKDIR",
				"leads into /proc, /dev or /sys, as a way to escape does");
		}
	}
	free(real);
	return 0;
}

/* Engines make folders of them; nothing of the machine is mounted there. */
static void make_volumes(const struct artifact_config *c)
{
	char path[PATH_LEN];

	for (size_t i = 0; i < c->nvolumes; i++)
		if (c->volumes[i].len && c->volumes[i].s[0] == '/')
			(void)make_folder(c->volumes[i], path);
}

/* ---- the user ------------------------------------------------------------------------------ */

/* Fields of a line of passwd(5) or group(5). */
static size_t split(struct str line, struct str *fields, size_t max)
{
	size_t n = 0;

	while (n < max && line.s)
		fields[n++] = str_cut(&line, ':');
	return n;
}

/* The line whose name or number (field 2) is `who`; its fields. */
static bool find_account(struct str text, struct str who, struct str fields[4])
{
	while (text.len)
		if (split(str_cut(&text, '\n'), fields, 4) >= 3 &&
			(str_eq(fields[0], who) || str_eq(fields[2], who)))
			return true;
	return false;
}

static bool list_has(struct str list, struct str name)
{
	while (list.len)
		if (str_eq(str_cut(&list, ','), name))
			return true;
	return false;
}

static void add_groups(struct rootfs_answer *a, struct str text, struct str name)
{
	struct str fields[4];
	uint64_t gid;

	while (text.len && name.len && a->ngroups < 32)
		if (split(str_cut(&text, '\n'), fields, 4) == 4 && list_has(fields[3], name) &&
			str_to_u64(fields[2], 10, &gid) && gid < UID_COUNT)
			a->groups[a->ngroups++] = (uint32_t)gid;
}

static bool to_id(struct str s, uint32_t *ret)
{
	uint64_t v;

	if (!str_to_u64(s, 10, &v) || v >= UID_COUNT)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* "name", "uid", "name:group", "uid:gid", as the image's config has it. */
static int find_user(const struct sandbox_plan *p, struct rootfs_answer *a)
{
	struct arena arena;
	struct str group = p->image->config.user, user = str_cut(&group, ':'), fields[4];
	struct str passwd = STR_NULL, groups = STR_NULL, name = STR_NULL;
	int r = 0;

	arena_init(&arena, 4 * ACCOUNTS_MAX);
	io_read_file(&arena, AT_FDCWD, "/etc/passwd", ACCOUNTS_MAX, &passwd, NULL);
	io_read_file(&arena, AT_FDCWD, "/etc/group", ACCOUNTS_MAX, &groups, NULL);
	if (user.len && find_account(passwd, user, fields)) {
		name = fields[0];
		if (!to_id(fields[2], &a->uid))
			r = fail(a, "/etc/passwd", "the image's USER has no number below 65536");
		if (!to_id(fields[3], &a->gid))
			a->gid = 0;
	} else if (user.len && !to_id(user, &a->uid)) {
		r = fail(a, "the image's USER", "is no account of its /etc/passwd");
	}
	if (r == 0 && group.len && find_account(groups, group, fields))
		group = fields[2];
	if (r == 0 && group.len && !to_id(group, &a->gid))
		r = fail(a, "the image's USER", "names no group of its /etc/group");
	if (r == 0 && !group.len)
		add_groups(a, groups, name);
	arena_done(&arena);
	return r;
}

int rootfs_finish(const struct sandbox_plan *p, struct rootfs_answer *a)
{
	static const char *const points[] = {"/proc", "/sys", "/dev"};
	struct stat st;
	int r = 0;

	for (size_t i = 0; r == 0 && i < 3; i++)
		r = make_mount_point(a, points[i]);
	if (r == 0 && (stat("/etc", &st) < 0 || !S_ISDIR(st.st_mode)))
		r = make_mount_point(a, "/etc");
	if (stat("/tmp", &st) < 0 && mkdir("/tmp", 0755) == 0) {
		int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			(void)!fchmod(fd, 01777), close(fd);
	}
	if (r == 0)
		r = write_new(a, "/etc/resolv.conf", STR("nameserver " NET_SERVER4 "\n"));
	if (r == 0)
		r = write_new(a, "/etc/hosts",
			STR("127.0.0.1\tlocalhost\n::1\tlocalhost\n" NET_OWN4 "\tweb-1\n"));
	if (r == 0)
		r = write_new(a, "/etc/hostname", STR("web-1\n"));
	if (r == 0)
		r = trust(a, p->ca_pem);
	if (r == 0)
		r = check_workdir(p, a);
	if (r == 0)
		make_volumes(&p->image->config);
	return r < 0 ? r : find_user(p, a);
}
