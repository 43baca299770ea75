/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel numbers to .scap numbers, as this machine's own headers give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "model/event/event.h"

static uint64_t open_flags(uint64_t kernel)
{
	return event_convert(CONV_open_flags, kernel);
}

static void test_open_flags(void **state)
{
	/* glibc's O_LARGEFILE is 0 on 64 bits; the kernel's is not */
	assert_int_equal(open_flags(O_RDONLY), 0x1);
	assert_int_equal(open_flags(O_WRONLY), 0x2);
	assert_int_equal(open_flags(O_RDWR), 0x3);
	assert_int_equal(open_flags(O_RDONLY | O_CLOEXEC), 0x1001);
	assert_int_equal(open_flags(O_WRONLY | O_CREAT | O_TRUNC), 0x2 | 0x4 | 0x100);
	assert_int_equal(open_flags(O_WRONLY | O_APPEND | O_EXCL), 0x2 | 0x8 | 0x20);
	assert_int_equal(open_flags(O_RDONLY | O_DIRECTORY), 0x401); /* no O_TMPFILE */
	assert_int_equal(open_flags(O_RDWR | O_TMPFILE), 0x3 | 0x400 | 0x2000);
	assert_int_equal(open_flags(O_DSYNC), 0x11); /* no O_SYNC */
	assert_int_equal(open_flags(O_SYNC), 0x91);
	assert_int_equal(open_flags(O_DIRECT | O_NONBLOCK), 0x241);
	assert_int_equal(open_flags(3), 0x1); /* an access mode that does not exist */
	assert_int_equal(open_flags(UINT64_MAX) >> 17, 0);
}

static void test_open_mode(void **state)
{
	assert_int_equal(event_convert(CONV_open_mode, (uint64_t)O_CREAT << 32 | 04755), 04755);
	assert_int_equal(event_convert(CONV_open_mode, (uint64_t)O_TMPFILE << 32 | 0600), 0600);
	/* without O_CREAT the register holds anything */
	assert_int_equal(event_convert(CONV_open_mode, (uint64_t)O_DIRECTORY << 32 | 0777), 0);
	assert_int_equal(event_convert(CONV_creat_mode, 0640), 0640);
}

static void test_descriptor_flags_take_only_their_own(void **state)
{
	/* SOCK_STREAM is 1 as O_WRONLY is, EFD_SEMAPHORE too */
	assert_int_equal(event_convert(CONV_socket_flags, SOCK_STREAM | SOCK_CLOEXEC), 0x1000);
	assert_int_equal(event_convert(CONV_socket_flags, SOCK_DGRAM | SOCK_NONBLOCK), 0x40);
	assert_int_equal(event_convert(CONV_eventfd2_flags, 1), 0);
	assert_int_equal(event_convert(CONV_dup3_flags, O_CLOEXEC | O_NONBLOCK), 0x1000);
	assert_int_equal(event_convert(CONV_pipe2_flags, O_CLOEXEC | O_DIRECT | O_RDWR), 0x1200);
	assert_int_equal(event_convert(CONV_epoll_create1_flags, O_CLOEXEC), 1);
}

static void test_clone_flags(void **state)
{
	assert_int_equal(event_convert(CONV_clone_flags, CLONE_VM | CLONE_VFORK | 17),
		0x8000 | 0x8000000); /* the exit signal is no flag */
	assert_int_equal(
		event_convert(CONV_clone_flags, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET),
		0x100000 | 0x20 | 0x10);
	assert_int_equal(event_convert(CONV_clone_flags, CLONE_THREAD | CLONE_FILES), 0x2001);
	assert_int_equal(event_convert(CONV_clone_flags, CLONE_IO), 0x4);
}

static void test_enumerations(void **state)
{
	assert_int_equal(event_convert(CONV_socket_family, AF_INET6), 10);
	assert_int_equal(event_convert(CONV_socket_family, AF_NETLINK), 16);
	assert_int_equal(event_convert(CONV_rlimit_resource, RLIMIT_NOFILE), 7);
	assert_int_equal(event_convert(CONV_rlimit_resource, 99), 0xff);
	assert_int_equal(event_convert(CONV_fcntl_cmd, F_SETFL), 5);
	assert_int_equal(event_convert(CONV_fcntl_cmd, F_DUPFD_CLOEXEC), 26);
	assert_int_equal(event_convert(CONV_fcntl_cmd, 12345), 0);
	assert_int_equal(event_convert(CONV_ptrace_request, PTRACE_TRACEME), 1);
	assert_int_equal(event_convert(CONV_ptrace_request, PTRACE_ATTACH), 11);
	assert_int_equal(event_convert(CONV_ptrace_request, PTRACE_SEIZE), 20);
	assert_int_equal(event_convert(CONV_ptrace_request, 0xdead), 0);
	assert_int_equal(event_convert(CONV_shutdown_how, SHUT_RDWR), 2);
	assert_int_equal(event_convert(CONV_shutdown_how, 9), 0xff);
	assert_int_equal(event_convert(CONV_semctl_cmd, IPC_RMID), 4);
	assert_int_equal(event_convert(CONV_semctl_cmd, SETVAL), 0x1000);
	assert_int_equal(event_convert(CONV_futex_op, FUTEX_WAKE | FUTEX_PRIVATE_FLAG), 0x81);
	assert_int_equal(event_convert(CONV_quotactl_cmd, QCMD((uint32_t)Q_QUOTAON, GRPQUOTA)), 1);
	assert_int_equal(event_convert(CONV_quotactl_cmd, QCMD((uint32_t)Q_SYNC, USRQUOTA)), 0x80);
	assert_int_equal(event_convert(CONV_quotactl_type, QCMD((uint32_t)Q_QUOTAON, GRPQUOTA)), 2);
}

static void test_socket_options(void **state)
{
	uint64_t level = (uint64_t)SOL_SOCKET << 32;

	assert_int_equal(event_convert(CONV_sockopt_level, SOL_SOCKET), 1);
	assert_int_equal(event_convert(CONV_sockopt_level, 6), 2);
	assert_int_equal(event_convert(CONV_sockopt_level, 0), 0);
	assert_int_equal(event_convert(CONV_sockopt_name, level | SO_REUSEADDR), 2);
	assert_int_equal(event_convert(CONV_sockopt_name, level | SO_ATTACH_BPF), 50);
	assert_int_equal(event_convert(CONV_sockopt_name, (uint64_t)6 << 32 | SO_REUSEADDR), 0);
}

static void test_other_bits(void **state)
{
	assert_int_equal(event_convert(CONV_prot_flags, PROT_READ | PROT_WRITE | PROT_EXEC), 7);
	assert_int_equal(event_convert(CONV_mmap_flags, MAP_PRIVATE | MAP_ANONYMOUS), 0xa);
	assert_int_equal(event_convert(CONV_mmap_flags, MAP_FIXED | MAP_SHARED), 5);
	assert_int_equal(event_convert(CONV_mount_flags, 0xc0ed0000 | MS_BIND | MS_REC), 0x5000);
	assert_int_equal(event_convert(CONV_mount_flags, MS_PRIVATE), 0x40000);
	assert_int_equal(event_convert(CONV_fchownat_flags, AT_SYMLINK_NOFOLLOW), 0x100);
	assert_int_equal(event_convert(CONV_unlinkat_flags, AT_REMOVEDIR), 0x200);
	assert_int_equal(event_convert(CONV_openat2_resolve, 0x10), 2); /* RESOLVE_IN_ROOT */
	assert_int_equal(event_convert(CONV_mknod_mode, S_IFCHR | 0600), 0x2000 | 0600);
	assert_int_equal(event_convert(CONV_mknod_mode, 0600), 0x8000 | 0600);
	assert_int_equal(event_convert(CONV_poll_events, POLLIN | POLLHUP), 0x21);
	assert_int_equal(event_convert(CONV_io_uring_setup_flags, 2), 2); /* SQPOLL */
	assert_int_equal(event_convert(CONV_io_uring_setup_flags, 4), 8); /* SQ_AFF */
	assert_int_equal(event_convert(CONV_page_fault_flags, 6), 0x2 | 0x4 | 0x10);
	assert_int_equal(event_convert(CONV_delete_module_flags, O_NONBLOCK | O_TRUNC), 3);
}

static void test_plain_ones(void **state)
{
	assert_int_equal(event_convert(CONV_zero, 77), 0);
	assert_int_equal((int64_t)event_convert(CONV_s32, 0xffffffff), -1);
	assert_int_equal(event_convert(CONV_s32, 0xdead00000005), 5);
	assert_int_equal(event_convert(CONV_pair, 0x100000002), 0x100000002);
	assert_int_equal(event_convert(CONV_COUNT, 5), 5);
	for (int c = 0; c < CONV_COUNT; c++) /* none reads beyond its table */
		event_convert((enum event_converter)c, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_flags),
		cmocka_unit_test(test_open_mode),
		cmocka_unit_test(test_descriptor_flags_take_only_their_own),
		cmocka_unit_test(test_clone_flags),
		cmocka_unit_test(test_enumerations),
		cmocka_unit_test(test_socket_options),
		cmocka_unit_test(test_other_bits),
		cmocka_unit_test(test_plain_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
