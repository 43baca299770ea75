/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run inside a detonation: tries, one by one, the known ways out of a container, and prints for
 * each what came of it: "NAME refused" or "NAME ALLOWED". It does no harm where one of them works:
 * what would be written, mounted or loaded is empty or invalid. test_image_detonate.py reads it.
 *
 *   escape_probe HOST4 HOST6 PORT ABSTRACT    addresses and a socket of the machine, to be missed
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *name, int is_refused)
{
	printf("%s %s (%s)\n", name, is_refused ? "refused" : "ALLOWED",
		is_refused && errno ? strerror(errno) : "-");
	fflush(stdout);
}

/* A call that must fail with an error. */
#define REFUSED(name, call)                                                                        \
	do {                                                                                       \
		errno = 0;                                                                         \
		say(name, (long)(call) < 0);                                                       \
	} while (0)

static int opens(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* ---- files of the kernel -------------------------------------------------------------------- */

static void try_kernel_files(void)
{
	static const char *const writes[] = {"/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug", "/proc/sysrq-trigger",
		"/proc/sys/vm/panic_on_oom", "/proc/sys/fs/binfmt_misc/register",
		"/proc/sys/net/ipv4/ip_forward", "/sys/kernel/uevent_helper",
		"/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent",
		"/sys/kernel/debug", "/sys/firmware/efi/efivars"};
	static const char *const reads[] = {"/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/port",
		"/dev/vda", "/dev/sda", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/vsock",
		"/dev/cpu/0/msr", "/var/run/docker.sock", "/run/containerd/containerd.sock",
		"/run/koban"};
	static const char *const masked[] = {"/proc/kcore", "/proc/kallsyms", "/proc/keys",
		"/proc/timer_list", "/proc/iomem", "/proc/cmdline"};
	char byte, name[100];

	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		snprintf(name, sizeof(name), "write:%s", writes[i]);
		REFUSED(name, opens(writes[i], O_WRONLY));
	}
	for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++) {
		snprintf(name, sizeof(name), "read:%s", reads[i]);
		REFUSED(name, opens(reads[i], O_RDONLY));
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++) {
		int fd = open(masked[i], O_RDONLY);

		snprintf(name, sizeof(name), "masked:%s", masked[i]);
		errno = 0;
		say(name, fd < 0 || read(fd, &byte, 1) <= 0);
		if (fd >= 0)
			close(fd);
	}
}

/* ---- mounts and devices --------------------------------------------------------------------- */

static void try_mounts(void)
{
	static const char *const types[] = {"proc", "sysfs", "tmpfs", "devtmpfs", "cgroup",
		"cgroup2", "ext4", "overlay", "bpf", "debugfs", "fuse", "securityfs"};
	char name[100];

	mkdir("/tmp/mnt", 0755);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(name, sizeof(name), "mount:%s", types[i]);
		REFUSED(name, mount("none", "/tmp/mnt", types[i], 0, ""));
	}
	REFUSED("mount:bind", mount("/", "/tmp/mnt", NULL, MS_BIND, NULL));
	REFUSED("mount:remount-proc-sys",
		mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
	REFUSED("umount:mask", umount2("/proc/kcore", MNT_DETACH));
	REFUSED("umount:sys", umount2("/sys", MNT_DETACH));
	REFUSED("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	REFUSED("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
	REFUSED("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp/mnt", 0));
	REFUSED("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, NULL, 0));
	REFUSED("pivot_root", syscall(SYS_pivot_root, "/tmp/mnt", "/tmp/mnt"));
	REFUSED("chroot", chroot("/tmp/mnt"));
	for (unsigned i = 0; i < 4; i++) {
		const dev_t devices[] = {
			makedev(1, 1), makedev(8, 0), makedev(254, 0), makedev(10, 200)};

		snprintf(name, sizeof(name), "mknod:%u:%u", major(devices[i]), minor(devices[i]));
		mode_t type = i == 1 || i == 2 ? S_IFBLK : S_IFCHR;
		REFUSED(name, mknod("/tmp/device", type | 0600, devices[i]));
		unlink("/tmp/device");
	}
}

/* ---- namespaces and other processes --------------------------------------------------------- */

static void try_namespaces(void)
{
	static const struct {
		const char *name;
		int flag;
	} kinds[] = {{"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS}, {"net", CLONE_NEWNET},
		{"pid", CLONE_NEWPID}, {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
		{"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};
	char name[100], path[100];
	uint64_t clone3[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(name, sizeof(name), "unshare:%s", kinds[i].name);
		REFUSED(name, unshare(kinds[i].flag));
		snprintf(path, sizeof(path), "/proc/1/ns/%s", kinds[i].name);
		int fd = open(path, O_RDONLY);
		snprintf(name, sizeof(name), "setns:%s", kinds[i].name);
		REFUSED(name, setns(fd, 0));
		if (fd >= 0)
			close(fd);
	}
	errno = 0;
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	say("clone:user", pid < 0);
	errno = 0;
	pid = syscall(SYS_clone3, clone3, sizeof(clone3));
	if (pid == 0)
		_exit(0);
	say("clone3:user", pid < 0);
	REFUSED("uid_map",
		opens("/proc/self/uid_map", O_WRONLY) < 0
			? -1
			: (int)write(open("/proc/self/uid_map", O_WRONLY), "0 0 1\n", 6));
	REFUSED("setgid:outside", setresgid(100000, 100000, 100000));
	REFUSED("setuid:outside", setresuid(100000, 100000, 100000));
}

static void try_processes(void)
{
	struct stat mine, theirs;
	char path[64];
	int others = 0, foreign_root = 0;
	DIR *d = opendir("/proc");
	const struct dirent *one;

	REFUSED("ptrace:attach", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	REFUSED("ptrace:seize", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
	REFUSED("process_vm_readv", syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0));
	REFUSED("pidfd_getfd", syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, 1, 0), 0, 0));
	REFUSED("kcmp", syscall(SYS_kcmp, 1, 1, 0, 0, 0));
	stat("/", &mine);
	while (d && (one = readdir(d))) {
		if (one->d_name[0] < '0' || one->d_name[0] > '9')
			continue;
		others++;
		snprintf(path, sizeof(path), "/proc/%.20s/root", one->d_name);
		if (stat(path, &theirs) == 0 &&
			(theirs.st_dev != mine.st_dev || theirs.st_ino != mine.st_ino))
			foreign_root++;
	}
	errno = 0;
	say("proc:other-processes", others <= 4);
	say("proc:foreign-root", foreign_root == 0);
	snprintf(path, sizeof(path), "/proc/1/root/../../../../../../proc/1/root");
	say("proc:climb", stat(path, &theirs) < 0 || (theirs.st_ino == mine.st_ino));
}

/* ---- the kernel's other doors --------------------------------------------------------------- */

static void try_calls(void)
{
	char zero[256] = {0};

	REFUSED("keyctl", syscall(SYS_keyctl, 0, -3, 1));
	REFUSED("add_key", syscall(SYS_add_key, "user", "x", "x", 1, -3));
	REFUSED("request_key", syscall(SYS_request_key, "user", "x", NULL, -3));
	REFUSED("bpf", syscall(SYS_bpf, 0, zero, 48));
	REFUSED("perf_event_open", syscall(SYS_perf_event_open, zero, 0, -1, -1, 0));
	REFUSED("userfaultfd", syscall(SYS_userfaultfd, 0));
	REFUSED("io_uring_setup", syscall(SYS_io_uring_setup, 1, zero));
	REFUSED("init_module", syscall(SYS_init_module, zero, 1, ""));
	REFUSED("finit_module", syscall(SYS_finit_module, 0, "", 0));
	REFUSED("delete_module", syscall(SYS_delete_module, "none", 0));
	REFUSED("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	REFUSED("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, zero, 0));
	REFUSED("name_to_handle_at", syscall(SYS_name_to_handle_at, AT_FDCWD, "/", zero, zero, 0));
	REFUSED("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
	REFUSED("swapon", syscall(SYS_swapon, "/tmp/x", 0));
	REFUSED("clock_settime", syscall(SYS_clock_settime, 0, zero));
	REFUSED("settimeofday", syscall(SYS_settimeofday, zero, NULL));
	REFUSED("adjtimex", syscall(SYS_adjtimex, zero));
	REFUSED("acct", syscall(SYS_acct, "/tmp/x"));
	REFUSED("quotactl", syscall(SYS_quotactl, 0, "/dev/vda", 0, zero));
	REFUSED("syslog", syscall(SYS_syslog, 3, zero, 10));
	REFUSED("sethostname", syscall(SYS_sethostname, "x", 1));
	REFUSED("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
	REFUSED("vhangup", syscall(SYS_vhangup));
	REFUSED("lookup_dcookie", syscall(SYS_lookup_dcookie, 0, zero, 10));
	REFUSED("personality", syscall(SYS_personality, 0x0040000));
#ifdef SYS_iopl
	REFUSED("iopl", syscall(SYS_iopl, 3));
	REFUSED("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
#endif
	REFUSED("ioctl:TIOCSTI", ioctl(0, TIOCSTI, "x"));
	REFUSED("nice", setpriority(PRIO_PROCESS, 0, -5));
}

static void try_rights(void)
{
	struct {
		uint32_t version;
		int pid;
	} head = {0x20080522, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} all[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
	char text[4096] = "";
	int fd = open("/proc/self/status", O_RDONLY);

	REFUSED("capset", syscall(SYS_capset, &head, all));
	REFUSED("ambient", prctl(47, 2, 21, 0, 0));
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	errno = 0;
	say("status:CapEff", strstr(text, "CapEff:\t0000000000000000") != NULL);
	say("status:CapBnd", strstr(text, "CapBnd:\t0000000000000000") != NULL);
	say("status:NoNewPrivs", strstr(text, "NoNewPrivs:\t1") != NULL);
	say("status:Seccomp", strstr(text, "Seccomp:\t2") != NULL);
}

static void try_descriptors(void)
{
	char path[64], to[300];
	int leaked = 0;

	for (int fd = 3; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = 0;
		printf("descriptor %d -> %s\n", fd, to);
		leaked++;
	}
	errno = 0;
	say("descriptors", leaked == 0);
}

/* ---- the network ---------------------------------------------------------------------------- */

static void try_sockets(void)
{
	static const struct {
		const char *name;
		int family, type, protocol;
	} kinds[] = {{"packet", AF_PACKET, SOCK_RAW, 0x300},
		{"packet-dgram", AF_PACKET, SOCK_DGRAM, 0}, {"vsock", 40, SOCK_STREAM, 0},
		{"vsock-dgram", 40, SOCK_DGRAM, 0}, {"alg", 38, SOCK_SEQPACKET, 0},
		{"raw-icmp", AF_INET, SOCK_RAW, 1}, {"raw", AF_INET, SOCK_RAW, 255},
		{"sctp", AF_INET, SOCK_STREAM, 132}, {"mptcp", AF_INET, SOCK_STREAM, 262},
		{"dccp", AF_INET, 6, 33}, {"bluetooth", 31, SOCK_RAW, 0}, {"key", 15, SOCK_RAW, 2},
		{"can", 29, SOCK_RAW, 1}, {"tipc", 30, SOCK_STREAM, 0}, {"xdp", 44, SOCK_RAW, 0},
		{"rds", 21, SOCK_SEQPACKET, 0}, {"kcm", 41, SOCK_DGRAM, 0},
		{"smc", 43, SOCK_STREAM, 0}, {"netlink-audit", AF_NETLINK, SOCK_RAW, 9},
		{"netlink-generic", AF_NETLINK, SOCK_RAW, 16},
		{"netlink-uevent", AF_NETLINK, SOCK_RAW, 15},
		{"netlink-netfilter", AF_NETLINK, SOCK_RAW, 12},
		{"netlink-diag", AF_NETLINK, SOCK_RAW, 4},
		{"netlink-crypto", AF_NETLINK, SOCK_RAW, 21}};
	char name[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(name, sizeof(name), "socket:%s", kinds[i].name);
		REFUSED(name, socket(kinds[i].family, kinds[i].type, kinds[i].protocol));
	}
}

static void try_interfaces(void)
{
	struct ifreq q = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct if_nameindex *all = if_nameindex();
	int n = 0;

	for (; all && all[n].if_index; n++)
		if (strcmp(all[n].if_name, "lo") != 0)
			printf("interface %s\n", all[n].if_name);
	errno = 0;
	say("net:interfaces", n == 1);
	REFUSED("net:down", ioctl(fd, SIOCSIFFLAGS, &q));
	REFUSED("net:address", ioctl(fd, SIOCSIFADDR, &q));
	REFUSED("net:transparent", setsockopt(fd, 0, 19, &on, sizeof(on)));
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
	} del = {{sizeof(del), RTM_DELROUTE, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
		{AF_INET, 0, 0, 0, RT_TABLE_LOCAL, 0, 0, RTN_LOCAL, 0}};
	struct {
		struct nlmsghdr head;
		int error;
		char rest[200];
	} answer = {0};
	int nl = socket(AF_NETLINK, SOCK_RAW, 0);

	(void)!send(nl, &del, sizeof(del), 0);
	(void)!recv(nl, &answer, sizeof(answer), 0);
	errno = -answer.error;
	say("net:route", answer.error < 0);
}

/* Connects and says a word: the test sees who hears it. */
static void call_host(const char *what, int family, const char *ip, int port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	const void *to = family == AF_INET ? (void *)&v4 : (void *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	static const char word[] = "koban-escape-marker\n";

	inet_pton(family, ip, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
	int tcp = socket(family, SOCK_STREAM, 0), udp = socket(family, SOCK_DGRAM, 0);
	int r = connect(tcp, to, size);
	if (r == 0)
		(void)!send(tcp, word, sizeof(word) - 1, MSG_NOSIGNAL);
	(void)!sendto(udp, word, sizeof(word) - 1, 0, to, size);
	printf("called %s %s:%d %s\n", what, ip, port, r == 0 ? "answered" : strerror(errno));
	close(tcp);
	close(udp);
}

static void try_outside(char **argv)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int port = atoi(argv[3]), fd = socket(AF_UNIX, SOCK_STREAM, 0);

	call_host("host", AF_INET, argv[1], port);
	call_host("host", AF_INET6, argv[2], port);
	call_host("loopback", AF_INET, "127.0.0.1", port);
	call_host("loopback", AF_INET6, "::1", port);
	call_host("metadata", AF_INET, "169.254.169.254", 80);
	call_host("elsewhere", AF_INET, "203.0.113.77", port);
	call_host("broadcast", AF_INET, "255.255.255.255", port);
	call_host("multicast", AF_INET, "224.0.0.251", 5353);
	call_host("link-local", AF_INET6, "fe80::1", port);
	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%s", argv[4]);
	REFUSED("unix:abstract", connect(fd, (struct sockaddr *)&name,
					 (socklen_t)(sizeof(sa_family_t) + 1 + strlen(argv[4]))));
	REFUSED("shm", shmget((key_t)atoi(argv[3]), 0, 0));
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	try_descriptors();
	try_kernel_files();
	try_mounts();
	try_namespaces();
	try_processes();
	try_calls();
	try_rights();
	try_sockets();
	try_interfaces();
	try_outside(argv);
	printf("probe done\n");
	return 0;
}
