/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of a detonated image, as the runtime's seccomp profile: what programs need, and
 * no more. Left out are calls that reach beyond the container or into the kernel's depths (modules,
 * bpf, perf, keys, mounts, namespaces, tracing, io_uring, userfaultfd, handles of files, clocks),
 * and all sockets but unix, IPv4, IPv6 and route: others load modules, or lead past the network
 * namespace, as vsock does to the hypervisor. What is left out fails; a program that asks goes on,
 * and the sensor has seen it ask.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "scan/detonate/private.h"

static const char *const allowed[] = {
	/* files */
	"access",
	"chdir",
	"chmod",
	"chown",
	"chown32",
	"close",
	"close_range",
	"copy_file_range",
	"creat",
	"dup",
	"dup2",
	"dup3",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fadvise64_64",
	"fallocate",
	"fchdir",
	"fchmod",
	"fchmodat",
	"fchown",
	"fchown32",
	"fchownat",
	"fcntl",
	"fcntl64",
	"fdatasync",
	"fgetxattr",
	"flistxattr",
	"flock",
	"fremovexattr",
	"fsetxattr",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"futimesat",
	"getcwd",
	"getdents",
	"getdents64",
	"getxattr",
	"inotify_add_watch",
	"inotify_init",
	"inotify_init1",
	"inotify_rm_watch",
	"ioctl",
	"lchown",
	"lchown32",
	"lgetxattr",
	"link",
	"linkat",
	"listxattr",
	"llistxattr",
	"_llseek",
	"lremovexattr",
	"lseek",
	"lsetxattr",
	"lstat",
	"lstat64",
	"mkdir",
	"mkdirat",
	"mknod",
	"mknodat",
	"newfstatat",
	"_newselect",
	"open",
	"openat",
	"openat2",
	"pread64",
	"preadv",
	"preadv2",
	"pwrite64",
	"pwritev",
	"pwritev2",
	"read",
	"readahead",
	"readlink",
	"readlinkat",
	"readv",
	"removexattr",
	"rename",
	"renameat",
	"renameat2",
	"rmdir",
	"sendfile",
	"sendfile64",
	"setxattr",
	"splice",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	"symlink",
	"symlinkat",
	"sync",
	"sync_file_range",
	"syncfs",
	"tee",
	"truncate",
	"truncate64",
	"umask",
	"unlink",
	"unlinkat",
	"utime",
	"utimensat",
	"utimensat_time64",
	"utimes",
	"vmsplice",
	"write",
	"writev",
	/* waiting */
	"alarm",
	"clock_getres",
	"clock_getres_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_ctl_old",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"epoll_wait_old",
	"eventfd",
	"eventfd2",
	"futex",
	"futex_time64",
	"futex_waitv",
	"getitimer",
	"gettimeofday",
	"io_cancel",
	"io_destroy",
	"io_getevents",
	"io_setup",
	"io_submit",
	"nanosleep",
	"pause",
	"poll",
	"ppoll",
	"ppoll_time64",
	"pselect6",
	"pselect6_time64",
	"select",
	"setitimer",
	"signalfd",
	"signalfd4",
	"time",
	"timer_create",
	"timer_delete",
	"timer_getoverrun",
	"timer_gettime",
	"timer_gettime64",
	"timer_settime",
	"timer_settime64",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_gettime64",
	"timerfd_settime",
	"timerfd_settime64",
	"times",
	/* memory */
	"brk",
	"madvise",
	"membarrier",
	"memfd_create",
	"mincore",
	"mlock",
	"mlock2",
	"mlockall",
	"mmap",
	"mmap2",
	"mprotect",
	"mremap",
	"msync",
	"munlock",
	"munlockall",
	"munmap",
	"pkey_alloc",
	"pkey_free",
	"pkey_mprotect",
	"remap_file_pages",
	"set_mempolicy_home_node",
	"shmat",
	"shmctl",
	"shmdt",
	"shmget",
	/* processes and signals */
	"arch_prctl",
	"capget",
	"capset",
	"execve",
	"execveat",
	"exit",
	"exit_group",
	"fork",
	"getcpu",
	"getegid",
	"getegid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getgroups",
	"getgroups32",
	"getpgid",
	"getpgrp",
	"getpid",
	"getppid",
	"getpriority",
	"getrandom",
	"getresgid",
	"getresgid32",
	"getresuid",
	"getresuid32",
	"getrlimit",
	"get_robust_list",
	"getrusage",
	"getsid",
	"get_thread_area",
	"gettid",
	"getuid",
	"getuid32",
	"ioprio_get",
	"ioprio_set",
	"kill",
	"modify_ldt",
	"pidfd_open",
	"pidfd_send_signal",
	"prctl",
	"prlimit64",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigqueueinfo",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"rt_tgsigqueueinfo",
	"sched_getaffinity",
	"sched_getattr",
	"sched_getparam",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"sched_getscheduler",
	"sched_rr_get_interval",
	"sched_setaffinity",
	"sched_setattr",
	"sched_setparam",
	"sched_setscheduler",
	"sched_yield",
	"seccomp",
	"setfsgid",
	"setfsgid32",
	"setfsuid",
	"setfsuid32",
	"setgid",
	"setgid32",
	"setgroups",
	"setgroups32",
	"setpgid",
	"setpriority",
	"setregid",
	"setregid32",
	"setresgid",
	"setresgid32",
	"setresuid",
	"setresuid32",
	"setreuid",
	"setreuid32",
	"setrlimit",
	"set_robust_list",
	"setsid",
	"set_thread_area",
	"set_tid_address",
	"setuid",
	"setuid32",
	"sigaltstack",
	"sigprocmask",
	"sigreturn",
	"sysinfo",
	"tgkill",
	"tkill",
	"ugetrlimit",
	"uname",
	"vfork",
	"wait4",
	"waitid",
	"waitpid",
	"landlock_add_rule",
	"landlock_create_ruleset",
	"landlock_restrict_self",
	/* between processes */
	"mq_getsetattr",
	"mq_notify",
	"mq_open",
	"mq_timedreceive",
	"mq_timedsend",
	"mq_unlink",
	"msgctl",
	"msgget",
	"msgrcv",
	"msgsnd",
	"pipe",
	"pipe2",
	"semctl",
	"semget",
	"semop",
	"semtimedop",
	/* sockets that are open: which may be is said below */
	"accept",
	"accept4",
	"bind",
	"connect",
	"getpeername",
	"getsockname",
	"getsockopt",
	"listen",
	"recv",
	"recvfrom",
	"recvmmsg",
	"recvmsg",
	"send",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	"socketpair",
};

/* libc has a substitute for them: it is to think that the kernel is older. */
static const char *const absent[] = {"clone3", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "fsopen", "fsmount", "fsconfig", "fspick", "move_mount", "open_tree",
	"mount_setattr", "pidfd_getfd", "process_madvise", "process_mrelease"};

static json_t *names_of(const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *argument(unsigned index, const char *op, uint64_t value, uint64_t two)
{
	return json_pack("{s:i, s:I, s:I, s:s}", "index", (int)index, "value", (json_int_t)value,
		"valueTwo", (json_int_t)two, "op", op);
}

static void add_rule(json_t *rules, json_t *names, const char *action, json_t *args)
{
	json_t *rule = json_pack("{s:o, s:s}", "names", names, "action", action);

	if (args)
		json_object_set_new(rule, "args", args);
	json_array_append_new(rules, rule);
}

static void allow_one(json_t *rules, const char *name, json_t *args)
{
	add_rule(rules, json_pack("[s]", name), "SCMP_ACT_ALLOW", args);
}

static void refuse(json_t *rules, const char *const *names, size_t n, int code)
{
	json_t *rule = json_pack("{s:o, s:s, s:i}", "names", names_of(names, n), "action",
		"SCMP_ACT_ERRNO", "errnoRet", code);

	json_array_append_new(rules, rule);
}

/* A family, a type (its flags do not count) and a protocol. */
static void allow_socket(json_t *rules, int family, int type, int protocol)
{
	json_t *args = json_array();

	json_array_append_new(args, argument(0, "SCMP_CMP_EQ", (uint64_t)family, 0));
	if (type)
		json_array_append_new(args, argument(1, "SCMP_CMP_MASKED_EQ", 0xf, (uint64_t)type));
	json_array_append_new(args, argument(2, "SCMP_CMP_EQ", (uint64_t)protocol, 0));
	allow_one(rules, "socket", args);
}

static void allow_sockets(json_t *rules)
{
	static const int families[] = {AF_INET, AF_INET6};

	allow_socket(rules, AF_UNIX, 0, 0);
	for (size_t i = 0; i < 2; i++) {
		int ping = families[i] == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

		allow_socket(rules, families[i], SOCK_STREAM, 0);
		allow_socket(rules, families[i], SOCK_STREAM, IPPROTO_TCP);
		allow_socket(rules, families[i], SOCK_DGRAM, 0);
		allow_socket(rules, families[i], SOCK_DGRAM, IPPROTO_UDP);
		allow_socket(rules, families[i], SOCK_DGRAM, ping);
	}
	allow_socket(rules, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	allow_socket(rules, AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
}

/* A new process or thread, in the namespaces that there are. */
static void allow_clone(json_t *rules)
{
	const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

	allow_one(
		rules, "clone", json_pack("[o]", argument(0, "SCMP_CMP_MASKED_EQ", namespaces, 0)));
}

static void allow_personality(json_t *rules)
{
	static const uint64_t values[] = {
		PER_LINUX, PER_LINUX32, UNAME26, PER_LINUX32 | UNAME26, 0xffffffff};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		allow_one(rules, "personality",
			json_pack("[o]", argument(0, "SCMP_CMP_EQ", values[i], 0)));
}

json_t *seccomp_profile(void)
{
	json_t *rules = json_array();

	add_rule(rules, names_of(allowed, sizeof(allowed) / sizeof(*allowed)), "SCMP_ACT_ALLOW",
		NULL);
	allow_sockets(rules);
	allow_clone(rules);
	allow_personality(rules);
	refuse(rules, absent, sizeof(absent) / sizeof(*absent), ENOSYS);
#if defined(__x86_64__)
	/* 32-bit programs run, but those whose libc has only socketcall(2) get no sockets: its
	 * arguments lie in memory, where no filter can look */
	json_t *architectures = json_pack("[s,s]", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86");
#elif defined(__aarch64__)
	json_t *architectures = json_pack("[s,s]", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM");
#else
#error "which architectures a profile may name is not known"
#endif
	return json_pack("{s:s, s:i, s:o, s:o}", "defaultAction", "SCMP_ACT_ERRNO",
		"defaultErrnoRet", EPERM, "architectures", architectures, "syscalls", rules);
}
