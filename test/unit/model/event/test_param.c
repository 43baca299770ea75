/* SPDX-License-Identifier: Apache-2.0 */
/* Values: widths, signs, what is short, what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "make_event.h"

static void test_numbers_by_type(void **state)
{
	struct made m;
	int64_t s;
	uint64_t u;

	make_event(&m, EV_OPENAT);
	assert_true(event_param_s64(&m.ev, make_num(&m, "fd", (uint64_t)-2), &s));
	assert_int_equal(s, -2);
	assert_true(event_param_u64(&m.ev, make_num(&m, "flags", 0xffffffff), &u));
	assert_int_equal(u, 0xffffffff); /* flags have no sign */
	make_event(&m, EV_LISTEN);
	assert_true(event_param_s64(&m.ev, make_num(&m, "backlog", 0xffffffff), &s));
	assert_int_equal(s, -1); /* s32 */
	make_event(&m, EV_SEMOP);
	assert_true(event_param_s64(&m.ev, make_num(&m, "sem_op_0", 0xfffe), &s));
	assert_int_equal(s, -2); /* s16 */
	make_event(&m, EV_TASK);
	assert_true(event_param_s64(&m.ev, make_num(&m, "ppid", 0xffffffff), &s));
	assert_int_equal(s, -1); /* pid32 */
}

static void test_short_and_missing_values(void **state)
{
	struct made m;
	int64_t s = 42;

	make_event(&m, EV_OPENAT);
	assert_false(event_param_s64(&m.ev, 0, &s)); /* empty */
	assert_false(event_param_s64(&m.ev, make_raw(&m, "fd", "\1\0\0", 3), &s));
	assert_false(event_param_s64(&m.ev, 31, &s));
	assert_false(event_param_s64(&m.ev, make_str(&m, "name", "12345678"), &s)); /* no number */
	m.ev.nparams = 0;
	assert_false(event_param_s64(&m.ev, 0, &s));
	m.ev.def = NULL; /* koban's own codes */
	m.ev.nparams = 6;
	assert_false(event_param_s64(&m.ev, 0, &s));
	m.ev.def = event_def(202); /* an old event that never had a parameter */
	assert_false(event_param_s64(&m.ev, 0, &s));
	assert_int_equal(s, 42);
	m.ev.def = event_def(236); /* an old event with one */
	m.ev.params[0] = str_make("\3\0\0\0\0\0\0\0", 8);
	assert_true(event_param_s64(&m.ev, 0, &s));
	assert_int_equal(s, 3);
}

static void test_strings(void **state)
{
	struct made m;
	struct str s;

	make_event(&m, EV_EXECVE);
	s = event_param_str(&m.ev, make_str(&m, "exe", "/bin/sh"));
	assert_true(str_is(s, "/bin/sh"));
	s = event_param_str(&m.ev, make_raw(&m, "comm", "a\0hidden", 9));
	assert_true(str_is(s, "a"));
	s = event_param_str(&m.ev, make_raw(&m, "comm", "no end", 6));
	assert_true(str_is(s, "no end"));
	s = event_param_str(&m.ev, make_raw(&m, "args", "-c\0id\0", 6));
	assert_int_equal(s.len, 5);
	assert_memory_equal(s.s, "-c\0id", 5);
	s = event_param_str(&m.ev, make_str(&m, "cwd", ""));
	assert_non_null(s.s); /* there, and empty */
	assert_int_equal(s.len, 0);
	s = event_param_str(&m.ev, (unsigned)event_param_index(m.ev.def, STR("env")));
	assert_null(s.s);
	assert_null(event_param_str(&m.ev, make_num(&m, "res", 0)).s);
}

static void test_dynamic_values(void **state)
{
	struct made m;
	uint64_t u;
	int64_t s;

	make_event(&m, EV_SETSOCKOPT);
	assert_true(event_param_u64(&m.ev, make_raw(&m, "val", "\2\1\2\0\0", 5), &u));
	assert_int_equal(u, 0x201);
	assert_false(event_param_u64(&m.ev, make_raw(&m, "val", "\2\1", 2), &u));
	assert_false(event_param_u64(&m.ev, make_raw(&m, "val", "\x63\1\0\0\0", 5), &u));
	make_event(&m, EV_KEYCTL);
	assert_true(event_param_s64(
		&m.ev, make_raw(&m, "arg2", "\0\xff\xff\xff\xff\xff\xff\xff\xff", 9), &s));
	assert_int_equal(s, -1);
	assert_true(str_is(event_param_str(&m.ev, make_raw(&m, "arg3", "\1user\0", 6)), "user"));
}

static void test_results(void **state)
{
	struct made m;
	int64_t s;

	make_event(&m, EV_OPENAT);
	make_num(&m, "fd", (uint64_t)-13);
	assert_true(event_result(&m.ev, &s));
	assert_int_equal(s, -13);
	make_event(&m, EV_UNLINK);
	make_num(&m, "res", 0);
	assert_true(event_result(&m.ev, &s));
	assert_int_equal(s, 0);
	make_event(&m, EV_PROCEXIT);
	make_num(&m, "status", 256);
	assert_true(event_result(&m.ev, &s));
	assert_int_equal(s, 256);
	make_event(&m, EV_CONNECT_E); /* an enter event has none, though it has an fd */
	make_num(&m, "fd", 3);
	assert_false(event_result(&m.ev, &s));
	make_event(&m, EV_OPENAT); /* result not available */
	assert_false(event_result(&m.ev, &s));
	make_event(&m, EV_GETSOCKNAME); /* no parameters at all */
	assert_false(event_result(&m.ev, &s));
	m.ev.def = NULL;
	assert_false(event_result(&m.ev, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_by_type),
		cmocka_unit_test(test_short_and_missing_values),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_dynamic_values),
		cmocka_unit_test(test_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
