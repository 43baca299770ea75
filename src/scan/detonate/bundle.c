/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bundle's config.json (OCI runtime-spec 1.0.2, config.md and config-linux.md): what the image
 * asks to run, in a container that has nothing. No capability, no mount of the machine's, users
 * that exist nowhere else. Cgroup limits are not here: koban sets them itself (cgroup.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "scan/detonate/private.h"

enum { CONFIG_MAX = 4 << 20, WORDS_MAX = 1024, SHM_MIB = 64 };

static json_t *text(struct str s)
{
	/* what is no UTF-8 cannot be said in JSON: it is left out */
	return json_stringn(s.s ? s.s : "", s.len);
}

static json_t *strings(const char *const *names)
{
	json_t *list = json_array();

	for (size_t i = 0; names[i]; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static void add_text(json_t *list, struct str s)
{
	json_t *t = text(s);

	if (t && json_array_size(list) < WORDS_MAX)
		json_array_append_new(list, t);
}

static json_t *arguments(const struct sandbox_plan *p)
{
	const struct artifact_config *c = &p->image->config;
	json_t *list = json_array();

	for (size_t i = 0; p->argv && p->argv[i]; i++)
		add_text(list, str_of(p->argv[i]));
	for (size_t i = 0; !p->argv && i < c->nentrypoint; i++)
		add_text(list, c->entrypoint[i]);
	for (size_t i = 0; !p->argv && i < c->ncmd; i++)
		add_text(list, c->cmd[i]);
	return list;
}

static bool has_variable(const struct artifact_config *c, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < c->nenv; i++)
		if (str_starts(c->env[i], str_of(name)) && c->env[i].len > n &&
			c->env[i].s[n] == '=')
			return true;
	return false;
}

/* What the image sets, and where the sinkhole's authority is: for programs with lists of their own.
 */
static json_t *environment(const struct sandbox_plan *p)
{
	static const char *const stores[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE",
		"REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "PIP_CERT"};
	const struct artifact_config *c = &p->image->config;
	json_t *list = json_array();
	char line[200];

	for (size_t i = 0; i < c->nenv; i++)
		add_text(list, c->env[i]);
	if (!has_variable(c, "PATH"))
		add_text(list,
			STR("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	if (!has_variable(c, "HOSTNAME"))
		add_text(list, STR("HOSTNAME=web-1"));
	for (size_t i = 0; i < sizeof(stores) / sizeof(*stores); i++)
		if (!has_variable(c, stores[i])) {
			snprintf(line, sizeof(line), "%s=/etc/ssl/certs/ca-certificates.crt",
				stores[i]);
			add_text(list, str_of(line));
		}
	return list;
}

/*
 * None, unless they were asked for: then those of engines that end at the container's own files and
 * users, because its user namespace has no others.
 */
static json_t *capabilities(const struct sandbox_plan *p, const struct rootfs_answer *a)
{
	static const char *const sets[] = {
		"bounding", "effective", "permitted", "inheritable", "ambient"};
	static const char *const rights[] = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER",
		"CAP_FSETID", "CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL};
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		bool has = p->has_rights && (i == 0 || (i < 3 && a->uid == 0));

		json_object_set_new(all, sets[i], has ? strings(rights) : json_array());
	}
	return all;
}

static json_t *process(const struct sandbox_plan *p, const struct rootfs_answer *a)
{
	struct str cwd = p->image->config.workdir;
	json_t *groups = json_array();

	for (uint32_t i = 0; i < a->ngroups; i++)
		json_array_append_new(groups, json_integer(a->groups[i]));
	return json_pack("{s:b, s:{s:i, s:i, s:o}, s:o, s:o, s:o, s:o, s:b}", "terminal", 0, "user",
		"uid", (int)a->uid, "gid", (int)a->gid, "additionalGids", groups, "args",
		arguments(p), "env", environment(p), "cwd", text(cwd.len ? cwd : STR("/")),
		"capabilities", capabilities(p, a), "noNewPrivileges", 1);
}

static json_t *mount_of(
	const char *destination, const char *type, const char *source, const char *const *options)
{
	json_t *list = json_array();

	for (size_t i = 0; options[i]; i++)
		json_array_append_new(list, json_string(options[i]));
	return json_pack("{s:s, s:s, s:s, s:o}", "destination", destination, "type", type, "source",
		source, "options", list);
}

/* All of them new file systems. There is no sysfs: what it tells of is the machine. */
static json_t *mounts(void)
{
	static const char *const proc[] = {"nosuid", "noexec", "nodev", NULL};
	static const char *const dev[] = {"nosuid", "strictatime", "mode=755", "size=1m", NULL};
	static const char *const pts[] = {
		"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", NULL};
	static const char *const shm[] = {
		"nosuid", "noexec", "nodev", "mode=1777", "size=64m", NULL};
	static const char *const queue[] = {"nosuid", "noexec", "nodev", NULL};
	static const char *const sys[] = {
		"nosuid", "noexec", "nodev", "ro", "mode=555", "size=4k", NULL};
	json_t *list = json_array();

	json_array_append_new(list, mount_of("/proc", "proc", "proc", proc));
	json_array_append_new(list, mount_of("/dev", "tmpfs", "tmpfs", dev));
	json_array_append_new(list, mount_of("/dev/pts", "devpts", "devpts", pts));
	json_array_append_new(list, mount_of("/dev/shm", "tmpfs", "shm", shm));
	json_array_append_new(list, mount_of("/dev/mqueue", "mqueue", "mqueue", queue));
	json_array_append_new(list, mount_of("/sys", "tmpfs", "tmpfs", sys));
	return list;
}

static json_t *namespaces(void)
{
	static const char *const own[] = {"pid", "ipc", "uts", "mount", "cgroup", "user"};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		json_array_append_new(list, json_pack("{s:s}", "type", own[i]));
	/* the warden's, in which the sinkhole is; it belongs to a user namespace above the
	 * container's, so that nobody in there can change it. By the warden's pid, not as "self":
	 * the runtime opens it from a process of its own */
	json_array_append_new(
		list, json_pack("{s:s, s:s}", "type", "network", "path", "/proc/1/ns/net"));
	return list;
}

static json_t *ids(void)
{
	return json_pack(
		"[{s:i, s:i, s:i}]", "containerID", 0, "hostID", HOST_UID_BASE, "size", UID_COUNT);
}

static json_t *linux_part(const struct sandbox_plan *p)
{
	static const char *const masked[] = {"/proc/acpi", "/proc/asound", "/proc/kcore",
		"/proc/keys", "/proc/key-users", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/proc/kallsyms",
		"/proc/modules", "/proc/kmsg", "/proc/kpagecount", "/proc/kpageflags",
		"/proc/kpagecgroup", "/proc/iomem", "/proc/ioports", "/proc/interrupts",
		"/proc/cmdline", "/proc/vmallocinfo", "/proc/slabinfo", "/proc/diskstats",
		"/proc/partitions", "/proc/swaps", "/proc/config.gz", NULL};
	static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
		"/proc/sysrq-trigger", "/proc/driver", "/proc/pressure", NULL};
	char cgroup[128];

	snprintf(cgroup, sizeof(cgroup), "/%s/%s", p->name, p->id);
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s}", "uidMappings", ids(),
		"gidMappings", ids(), "cgroupsPath", cgroup, "namespaces", namespaces(),
		"maskedPaths", strings(masked), "readonlyPaths", strings(read_only), "seccomp",
		seccomp_profile(), "rootfsPropagation", "private");
}

/* For the sensor, which reads the bundle to know which container it sees. */
static json_t *annotations(const struct sandbox_plan *p)
{
	json_t *o = json_object();

	json_object_set_new(o, "io.kubernetes.cri.container-name", json_string("detonation"));
	json_object_set_new(o, "io.kubernetes.cri.image-name", text(p->image->ref));
	return o;
}

int bundle_write(const struct sandbox_plan *p, const struct rootfs_answer *a, struct err *e)
{
	char path[PATH_LEN + 32], root[PATH_LEN + 32];

	snprintf(root, sizeof(root), "%s/root", p->dir);
	snprintf(path, sizeof(path), "%s/config.json", p->dir);
	json_t *config = json_pack("{s:s, s:o, s:{s:s, s:b}, s:s, s:o, s:o, s:o}", "ociVersion",
		"1.0.2", "process", process(p, a), "root", "path", root, "readonly", 0, "hostname",
		"web-1", "mounts", mounts(), "linux", linux_part(p), "annotations", annotations(p));
	char *out = config ? json_dumps(config, JSON_COMPACT) : NULL;
	json_decref(config);
	if (!out)
		return err_set(e, ENOMEM,
			"the image's config cannot be written as JSON (no UTF-8, or out of "
			"memory)");
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 ? -errno : io_write_all(fd, str_of(out));
	if (fd >= 0)
		close(fd);
	free(out);
	return r < 0 ? err_set(e, -r, "%s: %s", path, strerror(-r)) : 0;
}
