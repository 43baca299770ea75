/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen on, and what kind of address a socket has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "face/console/listen.h"

static void listens(const char *text, const char *name, bool is_loopback)
{
	struct listen_address a;
	struct err e = {0};

	if (listen_open(text, -1, &a, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_string_equal(a.name, name);
	assert_int_equal(a.is_loopback, is_loopback);
	assert_true(a.port > 0);
	/* a socket that is handed over says the same of itself */
	struct listen_address again;
	assert_int_equal(listen_open("nonsense", a.fd, &again, &e), 0);
	assert_int_equal(again.port, a.port);
	/* two cannot have it */
	char taken[80];
	snprintf(taken, sizeof(taken), "%s:%u", a.name, a.port);
	assert_true(listen_open(taken, -1, &again, &e) < 0);
	close(a.fd);
}

static void test_good(void **state)
{
	listens("127.0.0.1:0", "127.0.0.1", true);
	listens("localhost:0", "127.0.0.1", true);
	listens("0", "127.0.0.1", true);
	listens("127.9.9.9:0", "127.9.9.9", true);
	listens("0.0.0.0:0", "0.0.0.0", false);
}

static void test_bad(void **state)
{
	static const char *const bad[] = {"", "x", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
		"example.org:80", ":80", "[::1", "127.0.0.1:80:80"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct listen_address a;
		struct err e = {0};

		assert_true(listen_open(bad[i], -1, &a, &e) < 0);
		assert_non_null(strstr(e.msg, "is no address to listen on"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
