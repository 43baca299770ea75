/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files: their limit to the byte, what is no file, another root that cannot be left, folders
 * in order; reads that fail at each step and memory that is out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "fault.h"

static char folder[64];
static struct arena arena;

static const char *in_folder(const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, 512, "%s/%s", folder, name);
	return p;
}

static void make_file(const char *name, struct str text)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text), 0);
	close(fd);
}

static int set_up(void **state)
{
	strcpy(folder, "/tmp/koban-io-XXXXXX");
	arena_init(&arena, 64 << 20);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	return remove(path);
}

static int tear_down(void **state)
{
	arena_done(&arena);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int read_it(const char *name, size_t limit, struct str *ret, struct err *e)
{
	return io_read_file(&arena, AT_FDCWD, in_folder(name), limit, ret, e);
}

static void whole_files(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
	char *text = malloc(100000);
	struct str s;

	for (size_t i = 0; i < 100000; i++)
		text[i] = (char)(i % 251);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];
		struct err e = {0};

		make_file("f", str_make(text, n));
		assert_int_equal(read_it("f", n, &s, &e), 0);
		assert_true(str_eq(s, str_make(text, n)));
		assert_int_equal(s.s[n], 0);
		if (!n)
			continue;
		assert_int_equal(read_it("f", n - 1, &s, &e), -EFBIG);
		assert_non_null(strstr(e.msg, in_folder("f")));
		assert_non_null(strstr(e.msg, "limit"));
	}
	free(text);
	/* by a folder's descriptor */
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file("g", STR("by name"));
	assert_int_equal(io_read_file(&arena, dir, "g", 100, &s, NULL), 0);
	assert_true(str_is(s, "by name"));
	close(dir);
}

static void what_is_no_file(void **state)
{
	struct str s = STR("as it was");
	struct err e = {0};

	assert_int_equal(read_it("absent", 100, &s, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "absent: cannot open: No such file"));
	assert_int_equal(read_it(".", 100, &s, &e), -EISDIR);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(read_it("fifo", 100, &s, &e), -EINVAL); /* and does not wait */
	assert_int_equal(io_read_file(&arena, AT_FDCWD, "/dev/zero", 100, &s, &e), -EINVAL);
	assert_int_equal(symlink("loop", in_folder("loop")), 0);
	assert_int_equal(read_it("loop", 100, &s, &e), -ELOOP);
	assert_true(str_is(s, "as it was"));
}

/* Files of /proc say that they are empty. */
static void files_without_a_size(void **state)
{
	struct str s;
	struct err e = {0};

	assert_int_equal(io_read_file(&arena, AT_FDCWD, "/proc/self/maps", 8 << 20, &s, &e), 0);
	assert_true(s.len > 1000 && s.s[s.len - 1] == '\n');
	assert_int_equal(io_read_file(&arena, AT_FDCWD, "/proc/self/maps", 10, &s, &e), -EFBIG);
}

static void proc_files_into_a_buffer(void **state)
{
	char text[4096], one[1];

	ptrdiff_t n = io_read_proc("/proc/self/stat", text, sizeof(text));
	assert_true(n > 10 && text[n - 1] == '\n');
	assert_int_equal(io_read_proc("/proc/self/stat", one, 1), 1);
	assert_int_equal(io_read_proc("/proc/self/stat", one, 0), 0);
	assert_int_equal(io_read_proc("/proc/self/absent", one, 1), -ENOENT);
	assert_int_equal(io_read_proc("/proc/self", one, 1), -EISDIR);

	fault_arm(FAULT_READ, 1, EINTR);
	assert_int_equal(io_read_proc("/proc/self/stat", text, sizeof(text)), n);
	fault_arm(FAULT_READ, 2, ESRCH); /* the process ended meanwhile */
	assert_int_equal(io_read_proc("/proc/self/stat", text, sizeof(text)), -ESRCH);
	fault_disarm();
}

static int read_in(int root, const char *path)
{
	struct str s = STR_NULL;
	int r = io_read_in_root(&arena, root, path, 1000, &s);

	if (r == 0)
		assert_true(str_is(s, "inside"));
	return r;
}

static void another_root_cannot_be_left(void **state)
{
	make_file("secret", STR("outside"));
	assert_int_equal(mkdir(in_folder("root"), 0700), 0);
	assert_int_equal(mkdir(in_folder("root/etc"), 0700), 0);
	make_file("root/secret", STR("inside"));
	make_file("root/etc/f", STR("inside"));
	assert_int_equal(symlink("/secret", in_folder("root/etc/absolute")), 0);
	assert_int_equal(symlink("../../../../secret", in_folder("root/etc/up")), 0);
	assert_int_equal(symlink("/proc/self/root", in_folder("root/magic")), 0);
	assert_int_equal(symlink("..", in_folder("root/etc/parent")), 0);
	int root = open(in_folder("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);

	assert_int_equal(read_in(root, "etc/f"), 0);
	assert_int_equal(read_in(root, "/etc/f"), 0);
	assert_int_equal(read_in(root, "etc/absolute"), 0);
	assert_int_equal(read_in(root, "etc/up"), 0);
	assert_int_equal(read_in(root, "../secret"), 0);
	assert_int_equal(read_in(root, "etc/parent/secret"), 0);
	assert_int_equal(read_in(root, "magic/etc/passwd"), -ENOENT);
	assert_int_equal(read_in(root, "absent"), -ENOENT);
	assert_int_equal(read_in(root, "etc"), -EISDIR);
	assert_int_equal(mkfifo(in_folder("root/fifo"), 0600), 0);
	assert_int_equal(read_in(root, "fifo"), -EINVAL);
	close(root);

	/* not even by the links of the kernel itself */
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(read_in(root, "proc/self/exe"), -ELOOP);
	close(root);
}

static void reads_that_fail(void **state)
{
	struct str s = STR("as it was");
	struct err e = {0};

	make_file("f", STR("content"));
	fault_arm(FAULT_READ, 1, EINTR);
	assert_int_equal(read_it("f", 100, &s, &e), 0);
	assert_true(str_is(s, "content"));
	for (unsigned n = 1; n <= 2; n++) {
		fault_arm(FAULT_READ, n, EIO);
		assert_int_equal(read_it("f", 100, &s, &e), -EIO);
		assert_non_null(strstr(e.msg, "/f: cannot read: Input/output error"));
	}
	fault_disarm();
}

static void memory_that_is_out(void **state)
{
	const char *const yaml[] = {".yaml", NULL};
	struct str s, *names;
	size_t n;

	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file-with-a-name-%02d.yaml", i);
		make_file(name, STR("x"));
	}
	for (size_t limit = 0;; limit += 16) {
		struct err e = {0};
		struct arena a;

		arena_init(&a, limit ? limit : 1);
		int r = io_list_dir(&a, folder, yaml, 1000, &names, &n, &e);
		if (r == 0) {
			/* all or nothing */
			assert_int_equal(n, 100);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(names[i].len, strlen("file-with-a-name-00.yaml"));
			arena_done(&a);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_non_null(strstr(e.msg, "out of memory"));
		arena_done(&a);
	}
	fault_arm_from(FAULT_ALLOC, 1, ENOMEM);
	struct arena a;
	struct err e = {0};
	arena_init(&a, 0);
	int r = io_read_file(&a, AT_FDCWD, in_folder("file-with-a-name-01.yaml"), 10, &s, &e);
	fault_disarm();
	assert_int_equal(r, -ENOMEM);
	arena_done(&a);
}

static void folders_in_order(void **state)
{
	static const char *const names[] = {"b.yaml", "a.yml", "B.yaml", "a.yaml", ".hidden.yaml",
		"c.txt", "yaml", "\xff.yaml"};
	const char *const suffixes[] = {".yaml", ".yml", NULL};
	struct str *found = NULL;
	struct err e = {0};
	size_t n = 99;

	assert_int_equal(io_list_dir(&arena, folder, NULL, 10, &found, &n, &e), 0);
	assert_int_equal(n, 0);
	for (size_t i = 0; i < 8; i++)
		make_file(names[i], STR(""));
	assert_int_equal(io_list_dir(&arena, folder, suffixes, 5, &found, &n, &e), 0);
	assert_int_equal(n, 5);
	const char *const want[] = {"B.yaml", "a.yaml", "a.yml", "b.yaml", "\xff.yaml"};
	for (size_t i = 0; i < 5; i++)
		assert_true(str_is(found[i], want[i]));
	assert_int_equal(io_list_dir(&arena, folder, NULL, 100, &found, &n, &e), 0);
	assert_int_equal(n, 7);
	assert_int_equal(io_list_dir(&arena, folder, suffixes, 4, &found, &n, &e), -EFBIG);
	assert_non_null(strstr(e.msg, "more than 4"));
	assert_int_equal(
		io_list_dir(&arena, in_folder("absent"), NULL, 4, &found, &n, &e), -ENOENT);
	assert_int_equal(
		io_list_dir(&arena, in_folder("a.yml"), NULL, 4, &found, &n, &e), -ENOTDIR);
}

static void writing_all_of_it(void **state)
{
	int fd = open(in_folder("out"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct str s;

	assert_int_equal(io_write_all(fd, STR_NULL), 0);
	fault_arm(FAULT_WRITE, 1, EINTR);
	assert_int_equal(io_write_all(fd, STR("0123")), 0);
	fault_arm(FAULT_SHORT_WRITE, 1, 0);
	assert_int_equal(io_write_all(fd, STR("456789")), 0);
	fault_arm(FAULT_WRITE, 1, ENOSPC);
	assert_int_equal(io_write_all(fd, STR("lost")), -ENOSPC);
	fault_disarm();
	close(fd);
	assert_int_equal(read_it("out", 100, &s, NULL), 0);
	assert_true(str_is(s, "0123456789"));
	assert_int_equal(io_write_all(-1, STR("x")), -EBADF);
}

static void the_stat_of_a_process(void **state)
{
	uint64_t field[IO_STAT_FIELDS];
	struct str comm;

	assert_true(io_parse_stat(
		STR("42 (a ) (b) S 1 42 42 0 -1 4194560 7 18446744073709551615\n"), &comm, field));
	assert_true(str_is(comm, "a ) (b"));
	assert_int_equal(field[3], 0); /* the state is no number */
	assert_int_equal(field[4], 1);
	assert_int_equal(field[8], 0); /* negative */
	assert_int_equal(field[9], 4194560);
	assert_int_equal(field[11], UINT64_MAX);
	assert_int_equal(field[12], 0);
	assert_int_equal(field[IO_STAT_FIELDS - 1], 0);
	assert_true(io_parse_stat(STR("1 () R"), &comm, field));
	assert_int_equal(comm.len, 0);
	assert_true(io_parse_stat(STR("()"), &comm, field));
	assert_false(io_parse_stat(STR("1 )( R 1"), &comm, field));
	assert_false(io_parse_stat(STR("1 (x"), &comm, field));
	assert_false(io_parse_stat(STR("1 x)"), &comm, field));
	assert_false(io_parse_stat(STR_NULL, &comm, field));

	/* more fields than are known; the last one that is */
	struct buf {
		char s[1000];
	} b = {"1 (x)"};
	for (int i = 3; i < 100; i++)
		snprintf(b.s + strlen(b.s), sizeof(b.s) - strlen(b.s), " %d", i);
	assert_true(io_parse_stat(str_of(b.s), &comm, field));
	for (int i = 3; i < IO_STAT_FIELDS; i++)
		assert_int_equal(field[i], i);

	/* a real one */
	char text[4096];
	ptrdiff_t n = io_read_proc("/proc/self/stat", text, sizeof(text));
	assert_true(n > 0);
	assert_true(io_parse_stat(str_make(text, (size_t)n), &comm, field));
	assert_int_equal(field[4], getppid());
}

int main(void)
{
#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(whole_files),
		IN_FOLDER(what_is_no_file),
		IN_FOLDER(files_without_a_size),
		IN_FOLDER(proc_files_into_a_buffer),
		IN_FOLDER(another_root_cannot_be_left),
		IN_FOLDER(reads_that_fail),
		IN_FOLDER(memory_that_is_out),
		IN_FOLDER(folders_in_order),
		IN_FOLDER(writing_all_of_it),
		IN_FOLDER(the_stat_of_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
