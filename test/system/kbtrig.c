/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kbtrig does one suspicious-looking, harmless thing at a time, so that a test can see whether the
 * rule for it fires on a real kernel. It connects to addresses of this machine only, it never
 * writes a byte into a file, it empties no file that has content, and most of its calls are meant
 * to fail. It is no attack tool: what it cannot do without harm is not in the table.
 *
 * Under any name that does not begin with "kbtrig" it does nothing and succeeds, unless its first
 * argument is --do. So "kbtrig as NAME ARGS" is a process called NAME with these arguments, and
 * "kbtrig as NAME --do WHAT ARGS" one that also does WHAT.
 *
 * Built statically (cc -static -o kbtrig kbtrig.c), to run in any container.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(int argc, char **argv);

/* 0 for a result that is no error; else says what failed and returns 1. */
static int check(const char *what, long result)
{
	if (result >= 0)
		return 0;
	fprintf(stderr, "kbtrig: %s: %s\n", what, strerror(errno));
	return 1;
}

static void find_self(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	path[n < 0 ? 0 : n] = '\0';
}

static int wait_for(pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return check("child", -1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* A child that only waits to be looked at; end it with end_sleeper(). */
static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void end_sleeper(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- processes and their names ----------------------------------------------------------- */

static int do_true(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static int do_as(int argc, char **argv)
{
	char self[PATH_MAX], path[PATH_MAX];
	pid_t pid;
	int ret;

	(void)argc;
	find_self(self);
	snprintf(path, sizeof path, "./%s", argv[1]);
	if (symlink(self, path) < 0)
		return check(path, -1);
	pid = fork();
	if (pid == 0) {
		execv(path, argv + 1);
		_exit(check(path, -1));
	}
	ret = wait_for(pid);
	unlink(path);
	return ret;
}

static int do_argv0(int argc, char **argv)
{
	char self[PATH_MAX];

	(void)argc;
	find_self(self);
	return check(self, execv(self, argv + 1));
}

static int do_wait(int argc, char **argv)
{
	sleep((unsigned)atoi(argv[1]));
	return run(argc - 2, argv + 2);
}

static int do_setuid(int argc, char **argv)
{
	if (check("setuid", setuid((uid_t)atoi(argv[1]))))
		return 1;
	return run(argc - 2, argv + 2);
}

static int do_memfdexec(int argc, char **argv)
{
	static char *const args[] = {"memory", NULL}, *const env[] = {NULL};
	char buf[65536];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = (int)syscall(SYS_memfd_create, "kbtrig", 0);

	(void)argc;
	(void)argv;
	while ((n = read(in, buf, sizeof buf)) > 0) {
		if (write(out, buf, (size_t)n) != n)
			return check("memfd", -1);
	}
	return check("execveat", syscall(SYS_execveat, out, "", args, env, AT_EMPTY_PATH));
}

static int do_execdeleted(int argc, char **argv)
{
	static char *const args[] = {"deleted", NULL}, *const env[] = {NULL};
	char self[PATH_MAX];
	int fd;

	(void)argc;
	(void)argv;
	find_self(self);
	fd = open(self, O_RDONLY);
	if (fd < 0 || unlink(self) < 0)
		return check(self, -1);
	return check("execveat", syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH));
}

static int do_prctl_name(int argc, char **argv)
{
	(void)argc;
	return check("prctl", prctl(PR_SET_NAME, argv[1]));
}

static int do_ptrace_child(int argc, char **argv)
{
	pid_t pid = start_sleeper();
	int ret;

	(void)argc;
	(void)argv;
	ret = check("ptrace", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	if (!ret)
		waitpid(pid, NULL, __WALL);
	end_sleeper(pid);
	return ret;
}

static int do_ptrace_me(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return check("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int do_pvreadv(int argc, char **argv)
{
	char word[] = "kbtrig", copy[sizeof word];
	struct iovec local = {copy, sizeof copy}, remote = {word, sizeof word};
	pid_t pid = start_sleeper();
	int ret = check("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));

	(void)argc;
	(void)argv;
	end_sleeper(pid);
	return ret;
}

static int do_open_sibling(int argc, char **argv)
{
	char path[64];
	pid_t pid = start_sleeper();
	int ret;

	(void)argc;
	snprintf(path, sizeof path, "/proc/%d/%.32s", (int)pid, argv[1]);
	ret = check(path, open(path, O_RDONLY | O_CLOEXEC));
	end_sleeper(pid);
	return ret;
}

/* ---- files -------------------------------------------------------------------------------- */

/* r read; w write, made if absent; a append; rw both; t emptied, refused if it has content. */
static const struct {
	const char *name;
	int flags;
} modes[] = {
	{"r", O_RDONLY},
	{"w", O_WRONLY | O_CREAT},
	{"a", O_WRONLY | O_APPEND},
	{"rw", O_RDWR},
	{"t", O_WRONLY | O_CREAT | O_TRUNC},
};

/* r or w, for those that need no more. */
static int mode_flags(const char *name)
{
	return strcmp(name, "w") ? O_RDONLY : O_WRONLY | O_CREAT;
}

static int do_openat(int argc, char **argv)
{
	int dir = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)argc;
	return dir < 0 ? check(argv[1], -1)
		       : check(argv[2], openat(dir, argv[2], mode_flags(argv[3]), 0600));
}

static int do_chrootopen(int argc, char **argv)
{
	(void)argc;
	if (chroot(argv[1]) < 0 || chdir("/") < 0)
		return check("chroot", -1);
	return check(argv[2], open(argv[2], mode_flags(argv[3]), 0600));
}

static int do_execat(int argc, char **argv)
{
	char *const args[] = {argv[2], NULL}, *const env[] = {NULL};
	int dir = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)argc;
	return check(argv[2], (int)syscall(SYS_execveat, dir, argv[2], args, env, 0));
}

static int do_chrootexec(int argc, char **argv)
{
	char *const args[] = {argv[2], NULL}, *const env[] = {NULL};

	(void)argc;
	if (chroot(argv[1]) < 0 || chdir("/") < 0)
		return check("chroot", -1);
	return check(argv[2], execve(argv[2], args, env));
}

static int do_open(int argc, char **argv)
{
	struct stat st;

	(void)argc;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		if (strcmp(argv[2], modes[i].name))
			continue;
		if ((modes[i].flags & O_TRUNC) && !stat(argv[1], &st) && st.st_size) {
			fprintf(stderr, "kbtrig: %s has content\n", argv[1]);
			return 1;
		}
		return check(argv[1], open(argv[1], modes[i].flags | O_CLOEXEC, 0600));
	}
	fprintf(stderr, "kbtrig: no mode %s\n", argv[2]);
	return 2;
}

/* Submits one request and waits for it, so that no open system call is made. */
static int do_iouring_open(int argc, char **argv)
{
	struct io_uring_params p = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	char *sq, *cq;

	if (ring < 0)
		return check("io_uring_setup", -1);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t), PROT_READ | PROT_WRITE,
		MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof *cqe, PROT_READ | PROT_WRITE,
		MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof *sqe, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		return check("mmap", -1);
	memset(sqe, 0, sizeof *sqe);
	sqe->opcode = IORING_OP_OPENAT;
	sqe->fd = AT_FDCWD;
	sqe->addr = (uint64_t)(uintptr_t)argv[1];
	sqe->open_flags = (uint32_t)mode_flags(argc > 2 ? argv[2] : "r");
	sqe->len = 0600;
	((uint32_t *)(void *)(sq + p.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(void *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return check("io_uring_enter", -1);
	cqe = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
	if (cqe->res < 0) {
		errno = -cqe->res;
		return check(argv[1], -1);
	}
	return 0;
}

static int do_symlink(int argc, char **argv)
{
	(void)argc;
	return check(argv[2], symlink(argv[1], argv[2]));
}

static int do_link(int argc, char **argv)
{
	(void)argc;
	return check(argv[2], link(argv[1], argv[2]));
}

/* Removes its own executable, and no other file. */
static int do_unlink(int argc, char **argv)
{
	char self[PATH_MAX];

	(void)argc;
	find_self(self);
	if (strcmp(self, argv[1])) {
		fprintf(stderr, "kbtrig: %s is not this program\n", argv[1]);
		return 1;
	}
	return check(self, unlink(self));
}

static int do_chdir(int argc, char **argv)
{
	(void)argc;
	return check(argv[1], chdir(argv[1]));
}

/* For paths whose folder does not exist: fails, and is seen. */
static int do_mknod(int argc, char **argv)
{
	mode_t type = *argv[2] == 'b' ? S_IFBLK : *argv[2] == 'c' ? S_IFCHR : S_IFIFO;

	(void)argc;
	return check(argv[1], mknod(argv[1], type | 0600, makedev(7, 255)));
}

/* For a folder that does not exist: fails, and is seen. */
static int do_mount(int argc, char **argv)
{
	struct stat st;

	(void)argc;
	if (!stat(argv[2], &st)) {
		fprintf(stderr, "kbtrig: %s exists: nothing is mounted for real\n", argv[2]);
		return 1;
	}
	return check(argv[2], mount(argv[1], argv[2], argv[3], 0, NULL));
}

static int do_open_by_handle(int argc, char **argv)
{
	struct {
		struct file_handle head;
		unsigned char bytes[8];
	} h = {.head = {.handle_bytes = 8, .handle_type = 1}};
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)argc;
	(void)argv;
	return check("open_by_handle_at", open_by_handle_at(root, &h.head, O_RDONLY));
}

/* ---- network: this machine only ----------------------------------------------------------- */

struct peer {
	struct sockaddr_in addr;
	int fd;       /* connected to the address */
	int listener; /* the other end */
};

/* Connects with an address that this machine has itself; all others are refused. */
static int connect_self(const char *addr, const char *port, int type, struct peer *p)
{
	struct sockaddr_in local;
	int one = 1;
	int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(&local, 0, sizeof local);
	local.sin_family = AF_INET;
	if (inet_pton(AF_INET, addr, &local.sin_addr) != 1) {
		errno = EINVAL;
		return check(addr, -1);
	}
	if (bind(probe, (struct sockaddr *)&local, sizeof local) < 0)
		return check("not an address of this machine", -1);
	close(probe);
	p->addr = local;
	p->addr.sin_port = htons((uint16_t)atoi(port));
	p->listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(p->listener, (struct sockaddr *)&p->addr, sizeof p->addr) < 0 &&
		errno != EADDRINUSE)
		return check("bind", -1);
	if (type == SOCK_STREAM && listen(p->listener, 1) < 0 && errno != EADDRINUSE)
		return check("listen", -1);
	if (!p->addr.sin_port) {
		socklen_t len = sizeof p->addr;

		getsockname(p->listener, (struct sockaddr *)&p->addr, &len);
	}
	p->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	return check("connect", connect(p->fd, (struct sockaddr *)&p->addr, sizeof p->addr));
}

static int do_connect(int argc, char **argv)
{
	struct peer p;

	(void)argc;
	return connect_self(argv[1], argv[2], SOCK_STREAM, &p);
}

static int do_udpconnect(int argc, char **argv)
{
	struct peer p;

	(void)argc;
	return connect_self(argv[1], argv[2], SOCK_DGRAM, &p);
}

static int do_tcpsend(int argc, char **argv)
{
	struct peer p;

	(void)argc;
	if (connect_self(argv[1], argv[2], SOCK_STREAM, &p))
		return 1;
	return check("send", send(p.fd, argv[3], strlen(argv[3]), MSG_NOSIGNAL));
}

static int do_udpsend(int argc, char **argv)
{
	struct peer p;

	(void)argc;
	if (connect_self(argv[1], argv[2], SOCK_DGRAM, &p))
		return 1;
	return check("send", send(p.fd, argv[3], strlen(argv[3]), MSG_NOSIGNAL));
}

/* What a reverse shell does, with a program that does nothing in the shell's place. */
static int do_dupsock(int argc, char **argv)
{
	struct peer p;
	char self[PATH_MAX];

	(void)argc;
	(void)argv;
	find_self(self);
	if (connect_self("127.0.0.1", "0", SOCK_STREAM, &p))
		return 1;
	if (dup2(p.fd, 0) < 0 || dup2(p.fd, 1) < 0)
		return check("dup2", -1);
	return check(self, execl(self, "true", (char *)NULL));
}

/* Listens on a socket of its own and connects to it. */
static int do_unixconnect(int argc, char **argv)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)argc;
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", argv[1]);
	if (bind(listener, (struct sockaddr *)&sun, sizeof sun) < 0 || listen(listener, 1) < 0)
		return check(argv[1], -1);
	return check(argv[1], connect(fd, (struct sockaddr *)&sun, sizeof sun));
}

static int do_packetsock(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return check("socket", socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int do_rawsock(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return check("socket", socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
}

/* ---- kernel ------------------------------------------------------------------------------- */

/* Joins the namespace that it is in already. */
static int do_setns(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return check("setns", setns(open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), CLONE_NEWUTS));
}

static int do_unshare(int argc, char **argv)
{
	(void)argc;
	return check("unshare", unshare(strcmp(argv[1], "user") ? CLONE_NEWUTS : CLONE_NEWUSER));
}

/* No module: the kernel refuses it. */
static int do_init_module(int argc, char **argv)
{
	static char image[] = "this is no module";

	(void)argc;
	(void)argv;
	return check("init_module", syscall(SYS_init_module, image, sizeof image, ""));
}

/* A program of two instructions that is attached to nothing and gone with this process. */
static int do_bpf(int argc, char **argv)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;

	(void)argc;
	(void)argv;
	memset(&attr, 0, sizeof attr);
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = 2;
	attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
	return check("bpf", syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
}

static int do_userfaultfd(int argc, char **argv)
{
	enum { UFFD_USER_MODE_ONLY_FLAG = 1 };

	(void)argc;
	(void)argv;
	return check("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY_FLAG));
}

/* Asks for the list of keys in its own process keyring. */
static int do_keyctl(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return check(
		"keyctl", syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, NULL, 0UL));
}

/* ---- the table ---------------------------------------------------------------------------- */

static const struct trigger {
	const char *name;
	int nargs; /* at least */
	int (*run)(int argc, char **argv);
	const char *args;
} triggers[] = {
	{"true", 0, do_true, ""},
	{"as", 1, do_as, "NAME [--do WHAT] [ARG]…"},
	{"argv0", 1, do_argv0, "NAME [ARG]…"},
	{"wait", 2, do_wait, "SECONDS WHAT [ARG]…"},
	{"setuid", 2, do_setuid, "UID WHAT [ARG]…"},
	{"memfdexec", 0, do_memfdexec, ""},
	{"execdeleted", 0, do_execdeleted, ""},
	{"prctl-name", 1, do_prctl_name, "NAME"},
	{"ptrace-self-child", 0, do_ptrace_child, ""},
	{"ptrace-traceme", 0, do_ptrace_me, ""},
	{"pvreadv", 0, do_pvreadv, ""},
	{"opensibling", 1, do_open_sibling, "FILE-OF-PROC"},
	{"open", 2, do_open, "FILE r|w|a|rw|t"},
	{"openat", 3, do_openat, "FOLDER NAME r|w"},
	{"chrootopen", 3, do_chrootopen, "FOLDER FILE r|w"},
	{"execat", 2, do_execat, "FOLDER NAME"},
	{"chrootexec", 2, do_chrootexec, "FOLDER FILE"},
	{"iouring-open", 1, do_iouring_open, "FILE [r|w]"},
	{"symlink", 2, do_symlink, "TARGET NAME"},
	{"link", 2, do_link, "OLD NEW"},
	{"unlink", 1, do_unlink, "OWN-EXECUTABLE"},
	{"chdir", 1, do_chdir, "FOLDER"},
	{"mknod", 2, do_mknod, "NAME b|c|p"},
	{"mount", 3, do_mount, "DEVICE ABSENT-FOLDER TYPE"},
	{"open_by_handle", 0, do_open_by_handle, ""},
	{"connect", 2, do_connect, "OWN-ADDRESS PORT"},
	{"udpconnect", 2, do_udpconnect, "OWN-ADDRESS PORT"},
	{"tcpsend", 3, do_tcpsend, "OWN-ADDRESS PORT TEXT"},
	{"udpsend", 3, do_udpsend, "OWN-ADDRESS PORT TEXT"},
	{"dupsock", 0, do_dupsock, ""},
	{"unixconnect", 1, do_unixconnect, "PATH"},
	{"packetsock", 0, do_packetsock, ""},
	{"rawsock", 0, do_rawsock, ""},
	{"setns", 0, do_setns, ""},
	{"unshare", 1, do_unshare, "user|uts"},
	{"init_module", 0, do_init_module, ""},
	{"bpf-socket-filter", 0, do_bpf, ""},
	{"userfaultfd", 0, do_userfaultfd, ""},
	{"keyctl", 0, do_keyctl, ""},
};

/* argv[0] is what to do. */
static int run(int argc, char **argv)
{
	for (size_t i = 0; argc > 0 && i < sizeof triggers / sizeof *triggers; i++) {
		if (!strcmp(argv[0], triggers[i].name) && argc - 1 >= triggers[i].nargs)
			return triggers[i].run(argc, argv);
	}
	for (size_t i = 0; i < sizeof triggers / sizeof *triggers; i++)
		fprintf(stderr, "kbtrig %s %s\n", triggers[i].name, triggers[i].args);
	return 2;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";

	if (argc > 1 && !strcmp(argv[1], "--do"))
		return run(argc - 2, argv + 2);
	if (strncmp(name, "kbtrig", 6))
		return 0;
	return run(argc - 1, argv + 1);
}
