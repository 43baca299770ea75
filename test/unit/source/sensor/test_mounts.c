/* SPDX-License-Identifier: Apache-2.0 */
/* The mount table: what its lines say, and which name a file has without a bind mount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/sensor/mounts.h"

static const char table[] = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
			    "23 22 0:5 / /dev rw - devtmpfs udev rw\n"
			    "24 22 8:1 /srv/data /mnt/data rw - ext4 /dev/sda1 rw\n"
			    "25 22 8:2 /sub /vol/part rw - ext4 /dev/sdb1 rw\n"
			    "26 22 8:2 /sub/deep /vol/deep rw - ext4 /dev/sdb1 rw\n"
			    "27 22 8:3 / /with\\040blank\\134and\\011tab rw - ext4 /dev/sdc1 rw\n";

static struct mounts m;
static struct arena a;

static int set_up(void **state)
{
	m = (struct mounts){.fd = -1};
	arena_init(&m.arena, 16 << 20);
	arena_init(&a, 1 << 20);
	mounts_parse(&m, str_of(table));
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&m.arena);
	arena_done(&a);
	return 0;
}

static void expect(uint32_t major, uint32_t minor, const char *path, const char *wanted)
{
	struct str got = mounts_resolve(&m, major << 20 | minor, str_of(path), &a);

	if (!wanted) {
		assert_null(got.s);
		return;
	}
	assert_int_equal(got.len, strlen(wanted));
	assert_memory_equal(got.s, wanted, got.len);
}

static void test_local(void **state)
{
	static const char more[] = "22 1 8:1 / / rw shared:1 master:2 - ext4 /dev/sda1 rw\n"
				   "23 22 0:40 / /mnt/far rw - fuse.sshfs host:/ rw\n"
				   "24 22 0:41 / /mnt/nfs rw - nfs4 host:/ rw\n"
				   "25 22 0:42 / /tmp rw - tmpfs tmpfs rw\n"
				   "26 22 0:43 / /odd rw\n";

	mounts_parse(&m, str_of(more));
	assert_true(mounts_is_local(&m, 8 << 20 | 1));
	assert_true(mounts_is_local(&m, 42));
	assert_false(mounts_is_local(&m, 40));
	assert_false(mounts_is_local(&m, 41));
	assert_false(mounts_is_local(&m, 43));
	assert_false(mounts_is_local(&m, 44));
}

static void test_parse(void **state)
{
	assert_int_equal(m.nrows, 6);
	assert_int_equal(m.rows[2].dev, 8 << 20 | 1);
	assert_true(str_is(m.rows[2].root, "/srv/data"));
	assert_true(str_is(m.rows[2].point, "/mnt/data"));
	assert_true(str_is(m.rows[5].point, "/with blank\\and\ttab"));
}

static void test_resolve(void **state)
{
	expect(8, 1, "/srv/data/f", "/srv/data/f"); /* the root shows more than the bind mount */
	expect(8, 1, "/", "/");
	expect(0, 5, "/null", "/dev/null");
	expect(0, 5, "/", "/dev/");
	expect(8, 2, "/sub/f", "/vol/part/f");
	expect(8, 2, "/sub/deep/f", "/vol/part/deep/f"); /* the mount that shows most */
	expect(8, 2, "/sub", "/vol/part");
	expect(8, 3, "/x", "/with blank\\and\ttab/x");
}

static void test_no_name(void **state)
{
	expect(8, 2, "/other", NULL);    /* not below what is mounted */
	expect(8, 2, "/subway/f", NULL); /* a name is not the beginning of another */
	expect(9, 9, "/f", NULL);
	expect(8, 2, "", NULL);
}

static void test_odd_lines(void **state)
{
	mounts_parse(&m, STR("\n\nno mount at all\n"
			     "1 2 x:y / / rw\n"
			     "1 2 8:1\n"
			     "1 2 8:1 /\n"
			     "1 2 8 / / rw\n"
			     "1 2 8:7 / /end\\04"));
	assert_int_equal(m.nrows, 1);
	assert_true(str_is(m.rows[0].point, "/end\\04"));
	mounts_parse(&m, STR_NULL);
	assert_int_equal(m.nrows, 0);
	expect(8, 1, "/f", NULL);
}

static void test_this_host(void **state)
{
	struct mounts here;

	assert_int_equal(mounts_open(&here), 0);
	assert_true(here.nrows > 0);
	mounts_refresh(&here);
	assert_true(here.nrows > 0);
	mounts_close(&here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_local, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parse, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resolve, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_odd_lines, set_up, tear_down),
		cmocka_unit_test(test_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
