/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of descriptors: sharing, copies, close on exec, caps, numbers chosen to hurt. */
#include "captured.h"

static struct row *row(struct cap *c, uint32_t pid)
{
	return row_by_pid(c->s, pid);
}

static struct desc *put(struct cap *c, uint32_t pid, int64_t num, const char *name, uint32_t flags)
{
	struct event_fd fd = {.type = FD_FILE, .flags = flags};

	return fd_put(c->s, row(c, pid), num, &fd, str_of(name), 1);
}

static void numbers(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 0, "a", "/");
	for (int i = 0; i < 500; i++) {
		char name[32];

		snprintf(name, sizeof(name), "/f%d", i);
		assert_non_null(put(&c, 10, i, name, 0));
	}
	size_t n = 0;

	assert_true(state_descriptor_count(&row(&c, 10)->p, &n));
	assert_int_equal(n, 500);
	for (int i = 0; i < 500; i += 2)
		desc_unref(c.s, fd_take(c.s, row(&c, 10), i));
	for (int i = 0; i < 500; i++) {
		char name[32];
		const struct descriptor *d = state_descriptor_find(&row(&c, 10)->p, i);

		snprintf(name, sizeof(name), "/f%d", i);
		assert_true(!d == !(i & 1));
		if (d)
			assert_str(d->name, name);
	}
	assert_null(put(&c, 10, -1, "/x", 0));
	assert_null(put(&c, 10, 1LL << 40, "/x", 0));
	assert_null(state_descriptor_find(&row(&c, 10)->p, -100));
	assert_int_equal(state_counters(c.s).descriptors, 250);
	cap_free(&c);
}

/* All in one slot: some are refused and counted, none costs more than a few probes. */
static void hostile_numbers(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 0, "a", "/");
	for (int64_t i = 0; i < 2000; i++)
		put(&c, 10, i << 19, "/x", 0);
	size_t n = 0;

	state_descriptor_count(&row(&c, 10)->p, &n);
	assert_true(n >= 16 && n < 2000);
	assert_int_equal(state_counters(c.s).dropped_descriptors, 2000 - n);
	cap_free(&c);
}

static void fork_copies(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 0, "a", "/");
	cap_add(&c, 11, 11, 10, "b", "/");
	put(&c, 10, 3, "/three", 0);
	fds_fork(c.s, row(&c, 11), row(&c, 10), false);
	assert_int_equal(state_counters(c.s).descriptors, 1); /* one table for both */
	put(&c, 11, 4, "/four", 0);
	assert_non_null(fd_find(row(&c, 11), 3));
	assert_null(fd_find(row(&c, 10), 4));
	assert_int_equal(state_counters(c.s).descriptors, 3);
	desc_unref(c.s, fd_take(c.s, row(&c, 10), 3));
	assert_non_null(fd_find(row(&c, 11), 3));
	/* the flag belongs to one of them */
	fds_fork(c.s, row(&c, 10), row(&c, 11), false);
	fd_set_cloexec(c.s, row(&c, 10), 3, true);
	assert_true(fd_find(row(&c, 10), 3)->d.fd.flags & FD_O_CLOEXEC);
	assert_false(fd_find(row(&c, 11), 3)->d.fd.flags & FD_O_CLOEXEC);
	cap_free(&c);
}

static void shared_files(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 0, "a", "/");
	cap_add(&c, 11, 11, 10, "b", "/");
	fds_fork(c.s, row(&c, 11), row(&c, 10), true);
	put(&c, 11, 3, "/three", FD_O_CLOEXEC);
	put(&c, 11, 4, "/four", 0);
	assert_non_null(fd_find(row(&c, 10), 3));
	fds_exec(c.s, row(&c, 11)); /* which makes them its own */
	assert_null(fd_find(row(&c, 11), 3));
	assert_non_null(fd_find(row(&c, 11), 4));
	assert_non_null(fd_find(row(&c, 10), 3));
	fds_close(c.s, row(&c, 10));
	assert_non_null(fd_find(row(&c, 11), 4));
	assert_int_equal(state_counters(c.s).descriptors, 1);
	cap_free(&c);
}

static void cap_of_all(void **unused)
{
	struct cap c = cap_new((struct state_options){.max_descriptors = 100});

	cap_add(&c, 10, 10, 0, "a", "/");
	cap_add(&c, 11, 11, 10, "b", "/");
	for (int i = 0; i < 200; i++)
		put(&c, 10, i, "/x", 0);
	assert_int_equal(state_counters(c.s).descriptors, 100);
	assert_int_equal(state_counters(c.s).dropped_descriptors, 100);
	/* a copy would be past the cap: the child keeps what it shares */
	fds_fork(c.s, row(&c, 11), row(&c, 10), false);
	assert_null(put(&c, 11, 3, "/y", 0));
	assert_str(fd_find(row(&c, 11), 3)->d.name, "/x");
	fds_close(c.s, row(&c, 10));
	assert_non_null(put(&c, 11, 3, "/y", 0));
	cap_free(&c);
}

static void ranges(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 0, "a", "/");
	for (int i = 0; i < 20; i++)
		put(&c, 10, i, "/x", 0);
	fd_cloexec_range(c.s, row(&c, 10), 3, 5);
	assert_true(fd_find(row(&c, 10), 4)->d.fd.flags & FD_O_CLOEXEC);
	assert_false(fd_find(row(&c, 10), 6)->d.fd.flags & FD_O_CLOEXEC);
	fd_close_range(c.s, row(&c, 10), 10, UINT32_MAX);
	assert_int_equal(state_counters(c.s).descriptors, 10);
	fds_exec(c.s, row(&c, 10));
	assert_int_equal(state_counters(c.s).descriptors, 7);
	assert_null(fd_find(row(&c, 10), 4));
	cap_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(hostile_numbers),
		cmocka_unit_test(fork_copies),
		cmocka_unit_test(shared_files),
		cmocka_unit_test(cap_of_all),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
