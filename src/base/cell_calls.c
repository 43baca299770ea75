/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the cell, as tables: what reading, computing and printing need. Everything
 * else is refused with an error, so that a library that asks for more goes on without; what no part
 * of koban ever asks for kills.
 */
#include "base/cell_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/sanitized.h"

#define CALL(name) SCMP_SYS(name)

/* Descriptors that are open, memory, clocks, waiting, signals, the end. */
static const int always[] = {CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(preadv2),
	CALL(write), CALL(writev), CALL(pwrite64), CALL(pwritev), CALL(lseek), CALL(_llseek),
	CALL(fstat), CALL(fstat64), CALL(fstatfs), CALL(close), CALL(dup), CALL(dup2), CALL(dup3),
	CALL(fcntl), CALL(fcntl64), CALL(fsync), CALL(fdatasync), CALL(ftruncate), CALL(fadvise64),
	CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_create1), CALL(epoll_ctl),
	CALL(epoll_wait), CALL(epoll_pwait), CALL(eventfd2), CALL(pipe2), CALL(timerfd_create),
	CALL(timerfd_settime), CALL(signalfd4), CALL(brk), CALL(munmap), CALL(mremap),
	CALL(madvise), CALL(membarrier), CALL(futex), CALL(set_robust_list), CALL(get_robust_list),
	CALL(rseq), CALL(sched_yield), CALL(sched_getaffinity), CALL(getrandom),
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep),
	CALL(gettimeofday), CALL(time), CALL(times), CALL(setitimer), CALL(getitimer), CALL(alarm),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigpending), CALL(rt_sigtimedwait),
	CALL(rt_sigsuspend), CALL(rt_sigreturn), CALL(sigaltstack), CALL(pause),
	CALL(restart_syscall), CALL(getpid), CALL(gettid), CALL(getppid), CALL(getuid),
	CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getpgrp), CALL(getrusage), CALL(getrlimit),
	CALL(sysinfo), CALL(uname), CALL(umask), CALL(exit), CALL(exit_group), CALL(arch_prctl),
	CALL(set_tid_address)};

/* Names of files: with paths to read. */
static const int with_paths[] = {CALL(stat), CALL(lstat), CALL(stat64), CALL(lstat64),
	CALL(newfstatat), CALL(statx), CALL(access), CALL(faccessat), CALL(faccessat2),
	CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(getcwd)};

/* And with a folder to write in. Landlock says which. */
static const int with_write_dir[] = {CALL(open), CALL(openat), CALL(creat), CALL(mkdir),
	CALL(mkdirat), CALL(unlink), CALL(unlinkat), CALL(rmdir), CALL(rename), CALL(renameat),
	CALL(renameat2), CALL(fallocate), CALL(fchmod), CALL(flock)};

static const int with_restores[] = {CALL(chown), CALL(lchown), CALL(fchown), CALL(fchownat),
	CALL(fchmodat), CALL(symlink), CALL(symlinkat), CALL(link), CALL(linkat), CALL(utimensat)};

static const int with_network[] = {CALL(socket), CALL(socketpair), CALL(connect), CALL(bind),
	CALL(listen), CALL(accept), CALL(accept4), CALL(getsockname), CALL(getpeername),
	CALL(setsockopt), CALL(getsockopt), CALL(sendmmsg), CALL(recvmmsg)};

/* A server whose sockets were bound before; which connections come is not its choice. */
static const int with_accept[] = {CALL(accept), CALL(accept4), CALL(getsockname), CALL(getpeername),
	CALL(setsockopt), CALL(getsockopt)};

/* Sockets that are open: an output that was connected before. */
static const int on_sockets[] = {
	CALL(sendto), CALL(sendmsg), CALL(recvfrom), CALL(recvmsg), CALL(shutdown)};

/* libc has a substitute that can be looked into, or does without. */
static const int substituted[] = {CALL(clone3), CALL(openat2), CALL(close_range)};

/* What a parser that was not taken over never asks for. */
static const int kills[] = {CALL(process_vm_readv), CALL(process_vm_writev), CALL(bpf),
	CALL(perf_event_open), CALL(userfaultfd), CALL(init_module), CALL(finit_module),
	CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(mount), CALL(umount2),
	CALL(pivot_root), CALL(chroot), CALL(setns), CALL(unshare), CALL(keyctl), CALL(add_key),
	CALL(request_key), CALL(open_by_handle_at), CALL(io_uring_setup), CALL(io_uring_enter),
	CALL(reboot), CALL(swapon), CALL(settimeofday), CALL(acct), CALL(quotactl),
	CALL(pidfd_getfd), CALL(pidfd_send_signal), CALL(personality), CALL(setuid), CALL(setgid),
	CALL(setresuid), CALL(setresgid), CALL(ptrace)};

/* Leak checking stops the other threads and looks into them. */
static const int for_sanitizers[] = {CALL(clone), CALL(wait4), CALL(ptrace), CALL(prctl),
	CALL(open), CALL(openat), CALL(readlink), CALL(getdents), CALL(getdents64), CALL(mmap),
	CALL(mprotect), CALL(sched_setaffinity), CALL(tgkill), CALL(kill), CALL(prlimit64)};

struct table {
	const int *calls;
	size_t n;
};
#define TABLE(array) ((struct table){array, sizeof(array) / sizeof((array)[0])})

/* A call that this machine does not have is no error. */
static int add_all(scmp_filter_ctx f, uint32_t action, struct table t)
{
	for (size_t i = 0; i < t.n; i++) {
		int r = seccomp_rule_add(f, action, t.calls[i], 0);
		if (r < 0 && r != -EDOM && r != -EINVAL)
			return r;
	}
	return 0;
}

struct checked_call {
	int call;
	struct scmp_arg_cmp arg;
};

/* The call is allowed where its one argument is so. */
static int add_checked(scmp_filter_ctx f, const struct checked_call *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, calls[i].call, 1, &calls[i].arg);
	return r;
}

/* Calls of which one argument decides. */
static int add_by_argument(scmp_filter_ctx f)
{
	uint64_t me = (uint64_t)getpid();
	const struct checked_call calls[] = {
		/* no code is made */
		{CALL(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
		{CALL(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
		/* abort() and raise() */
		{CALL(kill), SCMP_A0(SCMP_CMP_EQ, me)},
		{CALL(tgkill), SCMP_A0(SCMP_CMP_EQ, me)},
		/* limits of oneself */
		{CALL(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0)},
		{CALL(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)},
		{CALL(prctl), SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TCSETS)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TCSETSW)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TCSETSF)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TCFLSH)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TIOCGWINSZ)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, TIOCGPGRP)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD)},
		{CALL(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO)},
		/* fstat(), as newer libcs spell it */
		{CALL(newfstatat), SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH)},
	};

	return add_checked(f, calls, sizeof(calls) / sizeof(calls[0]));
}

/* Opening to read: nothing is made, cut or written, whatever landlock can say. */
static int add_reading(scmp_filter_ctx f)
{
	const uint64_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
	const struct checked_call calls[] = {
		{CALL(open), SCMP_A1(SCMP_CMP_MASKED_EQ, writes, 0)},
		{CALL(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, writes, 0)},
	};
	int r = 0;

	/* a machine without open() has openat() */
	for (size_t i = 0; i < 2 && r == 0; i++) {
		r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, calls[i].call, 1, &calls[i].arg);
		if (r == -EDOM || r == -EINVAL)
			r = 0;
	}
	return r;
}

static int add_threads(scmp_filter_ctx f)
{
	const uint64_t flags = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
	const struct checked_call calls[] = {
		{CALL(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, flags, flags)},
	};

	return add_checked(f, calls, 1);
}

static int add_wishes(scmp_filter_ctx f, const struct cell_options *o)
{
	bool reads = o->read_paths && o->read_paths[0];
	int r = 0;

	if (reads || o->write_dir)
		r = add_all(f, SCMP_ACT_ALLOW, TABLE(with_paths));
	if (r == 0 && o->write_dir)
		r = add_all(f, SCMP_ACT_ALLOW, TABLE(with_write_dir));
	else if (r == 0 && reads)
		r = add_reading(f);
	if (r == 0 && o->restores)
		r = add_all(f, SCMP_ACT_ALLOW, TABLE(with_restores));
	if (r == 0 && o->threads)
		r = add_threads(f);
	if (r == 0 && o->network)
		r = add_all(f, SCMP_ACT_ALLOW, TABLE(with_network));
	if (r == 0 && o->accept)
		r = add_all(f, SCMP_ACT_ALLOW, TABLE(with_accept));
	return r;
}

static int add_rules(scmp_filter_ctx f, const struct cell_options *o)
{
	struct table killing = TABLE(kills);
	int r;

	/* ptrace is the last of them */
	killing.n -= IS_SANITIZED;
	r = add_all(f, SCMP_ACT_ALLOW, TABLE(always));
	if (r == 0)
		r = add_all(f, SCMP_ACT_ALLOW, TABLE(on_sockets));
	if (r == 0 && IS_SANITIZED)
		r = add_all(f, SCMP_ACT_ALLOW, TABLE(for_sanitizers));
	if (r == 0)
		r = add_all(f, SCMP_ACT_ERRNO(ENOSYS), TABLE(substituted));
	if (r == 0)
		r = add_all(f, SCMP_ACT_KILL_PROCESS, killing);
	if (r == 0)
		r = add_by_argument(f);
	return r < 0 ? r : add_wishes(f, o);
}

int cell_filter_calls(const struct cell_options *o, struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!f)
		return err_set(e, ENOMEM, "seccomp: out of memory");
	/* all threads at once; a tree instead of a list, if this libseccomp can */
	int r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = add_rules(f, o);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r < 0 ? err_set(e, -r, "seccomp: %s", strerror(-r)) : 0;
}
