/* SPDX-License-Identifier: Apache-2.0 */
/* errno values, signals, capabilities, kinds of descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "make_event.h"

static void test_errno(void **state)
{
	assert_string_equal(errno_name(ENOENT), "ENOENT");
	assert_string_equal(errno_name(-EACCES), "EACCES");
	assert_string_equal(errno_name(EAGAIN), "EAGAIN"); /* not EWOULDBLOCK */
	assert_string_equal(errno_name(EDEADLK), "EDEADLK");
	assert_string_equal(errno_name(512), "ERESTARTSYS");
	assert_null(errno_name(0));
	assert_null(errno_name(41));
	assert_null(errno_name(4095));
	assert_null(errno_name(INT_MIN));
	assert_null(errno_name(INT_MAX));
}

static void test_signals(void **state)
{
	assert_string_equal(signal_name(SIGKILL), "SIGKILL");
	assert_string_equal(signal_name(SIGIO), "SIGIO"); /* not SIGPOLL */
	assert_string_equal(signal_name(31), "SIGSYS");
	assert_null(signal_name(0));
	assert_null(signal_name(32));
	assert_null(signal_name(-9));
}

static void test_capabilities(void **state)
{
	struct buf b = BUF_INIT(4096);

	capabilities_format(0, &b);
	assert_buf(&b, "");
	capabilities_format(1 << 5 | 1, &b);
	assert_buf(&b, "CAP_CHOWN CAP_KILL");
	capabilities_format(1ULL << 21, &b);
	assert_buf(&b, "CAP_SYS_ADMIN");
	capabilities_format(1ULL << 40 | 1ULL << 63, &b); /* the top bit has no name */
	assert_buf(&b, "CAP_CHECKPOINT_RESTORE");
	capabilities_format(UINT64_MAX, &b);
	assert_int_equal(b.s[b.len - 1], 'E');
	buf_done(&b);
}

static void test_descriptors(void **state)
{
	assert_string_equal(fd_type_name(FD_FILE), "file");
	assert_string_equal(fd_type_name(FD_FIFO), "pipe");
	assert_string_equal(fd_type_name(FD_IPV6_SERVER), "ipv6");
	assert_string_equal(fd_type_name((enum fd_type)99), "<NA>");
	assert_int_equal(fd_type_char(FD_DIRECTORY), 'd');
	assert_int_equal(fd_type_char(FD_PIDFD), 'P');
	assert_int_equal(fd_type_char((enum fd_type)99), '?');
	for (int t = FD_UNKNOWN; t <= FD_IPV6_SERVER; t++) {
		assert_non_null(fd_type_name((enum fd_type)t));
		assert_int_not_equal(fd_type_char((enum fd_type)t), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
