/* SPDX-License-Identifier: Apache-2.0 */
/* The spool: order, restart, torn tails, damage, its bound, a full disk, a killed process. */
#include "common.h"

#include <glob.h>
#include <sys/mount.h>

static struct spool *open_it(const char *dir, uint64_t max)
{
	struct spool *s = NULL;
	struct err e = {0};

	assert_ok(&e, spool_open(in_dir(dir, "s"), max, &s, &e));
	return s;
}

static int append_number(struct spool *s, unsigned n, size_t padding)
{
	struct buf b = BUF_INIT(RECORD_MAX);

	buf_printf(&b, "number %u.", n);
	for (size_t i = 0; i < padding; i++)
		buf_add_char(&b, 'x');
	int r = spool_append(s, buf_str(&b));
	buf_done(&b);
	return r;
}

/* Takes the front and says its number; 0 = empty. */
static unsigned take(struct spool *s)
{
	struct buf b = BUF_INIT(RECORD_MAX);
	unsigned n = spool_front(s, &b) > 0 ? number_of(b.s) : 0;

	if (n)
		spool_pop(s);
	buf_done(&b);
	return n;
}

static size_t segment_files(const char *dir, char *last, size_t size)
{
	glob_t g = {0};

	glob(in_dir(dir, "s/*.seg"), 0, NULL, &g);
	size_t n = g.gl_pathc;
	if (n && last)
		snprintf(last, size, "%s", g.gl_pathv[n - 1]);
	globfree(&g);
	return n;
}

static void crc_is_castagnoli(void **state)
{
	/* the check value of CRC-32C, and RFC 3720 B.4: 32 bytes of zeros */
	uint8_t zeros[32] = {0};

	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void keeps_order_over_segments(void **state)
{
	struct spool *s = open_it(*state, 4 << 20);

	for (unsigned n = 1; n <= 500; n++)
		assert_int_equal(append_number(s, n, 2000), 0);
	assert_true(segment_files(*state, NULL, 0) > 2);
	assert_int_equal(spool_count(s), 500);
	for (unsigned n = 1; n <= 500; n++)
		assert_int_equal(take(s), n);
	assert_int_equal(take(s), 0);
	assert_int_equal(spool_bytes(s), 0);
	assert_int_equal(segment_files(*state, NULL, 0), 0);
	/* and begins again */
	assert_int_equal(append_number(s, 501, 0), 0);
	assert_int_equal(take(s), 501);
	spool_close(s);
}

static void goes_on_after_restart(void **state)
{
	unsigned next = 1, taken = 1;

	for (int run = 0; run < 20; run++) {
		struct spool *s = open_it(*state, 4 << 20);

		assert_int_equal(spool_count(s), next - taken);
		for (int i = 0; i < 100; i++)
			assert_int_equal(append_number(s, next++, 500), 0);
		for (int i = 0; i < 90; i++)
			assert_int_equal(take(s), taken++);
		spool_close(s);
	}
	struct spool *s = open_it(*state, 4 << 20);
	while (taken < next)
		assert_int_equal(take(s), taken++);
	assert_int_equal(take(s), 0);
	spool_close(s);
}

static void one_owner_at_a_time(void **state)
{
	struct spool *s = open_it(*state, 4 << 20), *other = NULL;
	struct err e = {0};

	assert_int_equal(spool_open(in_dir(*state, "s"), 1 << 20, &other, &e), -EWOULDBLOCK);
	assert_non_null(strstr(e.msg, "another koban"));
	spool_close(s);
}

/* Cut the file at every length of its last record: the records before it are all there. */
static void cuts_a_torn_tail(void **state)
{
	for (off_t cut = 1; cut < 18; cut++) {
		struct spool *s = open_it(*state, 4 << 20);
		char last[512];
		struct stat st;

		for (unsigned n = 1; n <= 3; n++)
			assert_int_equal(append_number(s, n, 0), 0);
		spool_close(s);
		assert_int_equal(segment_files(*state, last, sizeof(last)), 1);
		assert_int_equal(stat(last, &st), 0);
		assert_int_equal(truncate(last, st.st_size - cut), 0);

		s = open_it(*state, 4 << 20);
		assert_int_equal(spool_count(s), 2);
		assert_int_equal(append_number(s, 4, 0), 0);
		assert_int_equal(take(s), 1);
		assert_int_equal(take(s), 2);
		assert_int_equal(take(s), 4);
		assert_int_equal(take(s), 0);
		spool_close(s);
	}
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x40;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void stops_at_damage_and_says_so(void **state)
{
	struct spool *s = open_it(*state, 4 << 20);
	char last[512];

	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(append_number(s, n, 0), 0);
	spool_close(s);
	segment_files(*state, last, sizeof(last));
	flip(last, 16 + 17 + 8 + 3); /* in the second record's text */
	s = open_it(*state, 4 << 20);
	assert_int_equal(spool_damaged(s), 1);
	assert_int_equal(take(s), 1);
	assert_int_equal(take(s), 0);

	/* while it is open: the same, found when it is read */
	for (unsigned n = 4; n <= 6; n++)
		assert_int_equal(append_number(s, n, 0), 0);
	segment_files(*state, last, sizeof(last));
	flip(last, 16 + 8 + 3);
	assert_int_equal(take(s), 0);
	assert_int_equal(spool_damaged(s), 4);
	assert_int_equal(spool_count(s), 0);
	assert_int_equal(append_number(s, 7, 0), 0);
	assert_int_equal(take(s), 7);
	spool_close(s);
}

/* The keeper may bring a record here while it is being sent: then nobody has read it from here. */
static void what_nobody_looked_at_is_removed_too(void **state)
{
	struct spool *s = open_it(*state, 4 << 20);

	spool_pop(s);
	for (unsigned n = 1; n <= 5; n++)
		assert_int_equal(append_number(s, n, n * 10000), 0);
	spool_pop(s);
	spool_pop(s);
	assert_int_equal(spool_count(s), 3);
	assert_int_equal(take(s), 3);
	spool_pop(s);
	assert_int_equal(take(s), 5);
	spool_pop(s);
	assert_int_equal(spool_count(s), 0);
	spool_close(s);
}

static void a_bad_cursor_repeats_but_loses_nothing(void **state)
{
	struct spool *s = open_it(*state, 4 << 20);

	for (unsigned n = 1; n <= 5; n++)
		assert_int_equal(append_number(s, n, 0), 0);
	assert_int_equal(take(s), 1);
	spool_close(s);
	flip(in_dir(*state, "s/cursor"), 9);
	s = open_it(*state, 4 << 20);
	assert_int_equal(spool_count(s), 5);
	assert_int_equal(take(s), 1);
	spool_close(s);
}

static void is_bounded(void **state)
{
	struct spool *s = open_it(*state, 256 * 1024);
	unsigned n = 1, taken = 1;

	while (append_number(s, n, 1000) == 0)
		n++;
	assert_int_equal(append_number(s, n, 1000), -ENOSPC);
	assert_true(n > 200 && spool_bytes(s) <= 256 * 1024);
	/* the oldest are kept; room comes back with whole segments */
	while (append_number(s, n, 1000) == -ENOSPC)
		assert_int_equal(take(s), taken++);
	n++;
	while (taken < n)
		assert_int_equal(take(s), taken++);
	assert_int_equal(take(s), 0);
	spool_close(s);
}

static void refuses_what_is_too_large(void **state)
{
	struct spool *s = open_it(*state, 4 << 20);
	char *big = calloc(1, RECORD_MAX + 1);

	assert_int_equal(spool_append(s, str_make(big, RECORD_MAX + 1)), -EMSGSIZE);
	assert_int_equal(spool_append(s, str_make(big, RECORD_MAX)), 0);
	spool_close(s);
	free(big);
}

/* A small tmpfs runs full in the middle of a record; what was said to be there is there. */
static void a_full_disk_leaves_nothing_torn(void **state)
{
	if (geteuid() != 0 || mount("none", *state, "tmpfs", 0, "size=200k") < 0) {
		print_message("# skipped: needs root to mount a small tmpfs\n");
		skip();
	}
	struct spool *s = open_it(*state, 4 << 20);
	unsigned n = 1, taken = 1;
	int r;

	while ((r = append_number(s, n, 3000)) == 0)
		n++;
	assert_int_equal(r, -ENOSPC);
	assert_true(n > 30);
	assert_int_equal(append_number(s, n, 3000), -ENOSPC);
	spool_close(s);
	s = open_it(*state, 4 << 20);
	assert_int_equal(spool_damaged(s), 0);
	assert_int_equal(spool_count(s), n - 1);
	while (append_number(s, n, 3000) == -ENOSPC)
		assert_int_equal(take(s), taken++);
	while (taken <= n)
		assert_int_equal(take(s), taken++);
	spool_close(s);
	umount(*state);
}

/* The child says each number only after the spool took it, and is killed at some moment. */
static void a_killed_process_loses_nothing(void **state)
{
	for (int run = 0; run < 5; run++) {
		int p[2];
		char buf[4096];
		unsigned said = 0, n = 0;

		assert_int_equal(pipe(p), 0);
		pid_t pid = fork();
		if (pid == 0) {
			struct spool *s = NULL;

			if (spool_open(in_dir(*state, "s"), 4 << 20, &s, NULL) < 0)
				_exit(1);
			for (unsigned i = 1; append_number(s, i, 300) == 0; i++)
				if (write(p[1], &i, sizeof(i)) < 0)
					_exit(1);
			_exit(0);
		}
		close(p[1]);
		for (int i = 0; i < 100 + run * 37; i++)
			assert_int_equal(read(p[0], &said, sizeof(said)), sizeof(said));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		for (ssize_t got; (got = read(p[0], buf, sizeof(buf))) > 0;)
			memcpy(&said, buf + got - sizeof(said), sizeof(said));
		close(p[0]);

		struct spool *s = open_it(*state, 4 << 20);
		for (unsigned x; (x = take(s));)
			assert_int_equal(x, ++n);
		assert_true(n >= said);
		spool_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_castagnoli),
		cmocka_unit_test_setup_teardown(keeps_order_over_segments, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(goes_on_after_restart, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(one_owner_at_a_time, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(cuts_a_torn_tail, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(
			stops_at_damage_and_says_so, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(
			what_nobody_looked_at_is_removed_too, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(
			a_bad_cursor_repeats_but_loses_nothing, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(is_bounded, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_too_large, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(
			a_full_disk_leaves_nothing_torn, dir_setup, dir_teardown),
		cmocka_unit_test_setup_teardown(
			a_killed_process_loses_nothing, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
