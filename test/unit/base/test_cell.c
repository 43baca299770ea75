/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cell from inside: each case is a child that enters it and tries. What it may do works, what
 * it may not fails with an error, and what only an intruder would do kills.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cell.h"
#include "base/sanitized.h"

/* Returns 0 when all is as it should be, else the line. */
typedef int (*inmate)(void);
#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			return __LINE__;                                                           \
	} while (0)
#define REFUSED(what, code) MUST((what) < 0 && errno == (code))

static char folder[] = "/tmp/koban-cell-XXXXXX";
static char inside[64];

static int make_file(void)
{
	snprintf(inside, sizeof(inside), "%s/file", folder);
	int fd = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "hello", 5) != 5)
		return -1;
	close(fd);
	return 0;
}

static int set_up(void **state)
{
	return mkdtemp(folder) ? make_file() : -1;
}

static int tear_down(void **state)
{
	unlink(inside);
	rmdir(folder);
	return 0;
}

enum { CANNOT_ENTER = 1000 };

static int in_cell(const struct cell_options *o, inmate f)
{
	struct err e = {0};
	int r = cell_enter(o, &e);

	if (r < 0) {
		fprintf(stderr, "# %s\n", e.msg);
		return CANNOT_ENTER;
	}
	return f();
}

/* The child's wait status; its failing line is printed. */
static int lock_up(const struct cell_options *o, inmate f)
{
	int status, fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int line = in_cell(o, f);
		if (write(fds[1], &line, sizeof(line)) < 0)
			_exit(2);
		_exit(line != 0);
	}
	close(fds[1]);
	int line = 0;
	if (read(fds[0], &line, sizeof(line)) == sizeof(line) && line)
		print_message("# the child failed at line %d\n", line);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int report(void)
{
	return 0;
}

static int open_fd = -1;

static int what_reading_needs(void)
{
	char buf[16];
	struct stat st;
	struct timespec ts;
	int fds[2];

	MUST(pread(open_fd, buf, 5, 0) == 5 && memcmp(buf, "hello", 5) == 0);
	MUST(fstat(open_fd, &st) == 0 && st.st_size == 5);
	MUST(lseek(open_fd, 0, SEEK_SET) == 0);
	MUST(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	MUST(pipe2(fds, O_CLOEXEC) == 0 && write(fds[1], "x", 1) == 1 && read(fds[0], buf, 1) == 1);
	char *big = malloc(64 << 20);
	MUST(big);
	memset(big, 1, 64 << 20);
	free(big);
	MUST(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	MUST(raise(SIGUSR1) == 0);
	MUST(usleep(10) == 0);
	ioctl(STDOUT_FILENO, TIOCGWINSZ, buf);
	MUST(localtime(&ts.tv_sec) != NULL);
	return 0;
}

static int no_programs(void)
{
	char *argv[] = {"true", NULL};

	REFUSED(execv("/bin/true", argv), EPERM);
	if (!IS_SANITIZED)
		REFUSED(fork(), EPERM);
	REFUSED(vfork(), EPERM);
	return 0;
}

static int no_files(void)
{
	const int code = IS_SANITIZED ? EACCES : EPERM;

	REFUSED(open(inside, O_RDONLY | O_CLOEXEC), code);
	REFUSED(open("/etc/passwd", O_RDONLY | O_CLOEXEC), code);
	REFUSED(open("/tmp/koban-cell-new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), code);
	REFUSED(unlink(inside), EPERM);
	REFUSED(mkdir("/tmp/koban-cell-dir", 0700), EPERM);
	REFUSED(chmod(inside, 0777), EPERM);
	REFUSED(rename(inside, "/tmp/koban-cell-new"), EPERM);
	REFUSED(symlink("x", "/tmp/koban-cell-link"), EPERM);
	return 0;
}

static void *sleep_a_little(void *arg)
{
	usleep(10);
	return arg;
}

static int no_threads(void)
{
	pthread_t t;

	MUST(IS_SANITIZED || pthread_create(&t, NULL, sleep_a_little, NULL) == EPERM);
	return 0;
}

static int no_sockets(void)
{
	REFUSED(socket(AF_INET, SOCK_STREAM, 0), EPERM);
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0), EPERM);
	int fds[2];
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), EPERM);
	return 0;
}

static int no_code(void)
{
	if (IS_SANITIZED)
		return 0;
	MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0) == MAP_FAILED);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(p != MAP_FAILED);
	REFUSED(mprotect(p, 4096, PROT_READ | PROT_EXEC), EPERM);
	return 0;
}

static int no_signals_to_others(void)
{
	if (IS_SANITIZED)
		return 0;
	REFUSED(kill(getppid(), 0), EPERM);
	REFUSED(kill(1, 0), EPERM);
	return 0;
}

static int no_privileges(void)
{
	REFUSED(chown(inside, 12, 12), EPERM);
	REFUSED((int)syscall(SYS_capset, NULL, NULL), EPERM);
	return 0;
}

static void nothing_is_allowed(void **state)
{
	const inmate all[] = {report, what_reading_needs, no_programs, no_files, no_threads,
		no_sockets, no_code, no_signals_to_others, no_privileges};
	const struct cell_options o = {0};

	open_fd = open(inside, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(lock_up(&o, all[i]), 0);
	close(open_fd);
}

static int trace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 0;
}

static int load_bpf(void)
{
	union bpf_attr a = {0};

	syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
	return 0;
}

static int mount_something(void)
{
	syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL);
	return 0;
}

static int ask_for_keys(void)
{
	syscall(SYS_keyctl, 0, 0, 0, 0, 0);
	return 0;
}

static void intruders_die(void **state)
{
	const inmate all[] = {load_bpf, mount_something, ask_for_keys, trace};
	const struct cell_options o = {0};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) - IS_SANITIZED; i++) {
		int status = lock_up(&o, all[i]);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static int one_thread(void)
{
	pthread_t t;

	MUST(pthread_create(&t, NULL, sleep_a_little, NULL) == 0);
	MUST(pthread_join(t, NULL) == 0);
	if (!IS_SANITIZED)
		REFUSED(fork(), EPERM);
	return 0;
}

static void threads_when_asked_for(void **state)
{
	assert_int_equal(lock_up(&(struct cell_options){.threads = true}, one_thread), 0);
}

static int one_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	close(fd);
	return 0;
}

static void network_when_asked_for(void **state)
{
	assert_int_equal(lock_up(&(struct cell_options){.network = true}, one_socket), 0);
}

static int listening = -1; /* a socket from before the cell, with somebody waiting */

static int one_visitor(void)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	int one = 1, fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

	MUST(fd >= 0);
	MUST(getsockname(fd, (struct sockaddr *)&sa, &n) == 0);
	MUST(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) == 0);
	MUST(write(fd, "x", 1) == 1);
	REFUSED(socket(AF_INET, SOCK_STREAM, 0), EPERM);
	REFUSED(connect(fd, (struct sockaddr *)&sa, n), EPERM);
	REFUSED(listen(fd, 1), EPERM);
	return 0;
}

static void visitors_when_asked_for(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int visitor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(connect(visitor, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(lock_up(&(struct cell_options){.accept = true}, one_visitor), 0);
	close(visitor);
	close(listening);
}

static int read_by_name(void)
{
	struct stat st;
	int fd = open(inside, O_RDONLY | O_CLOEXEC);

	MUST(fd >= 0);
	MUST(stat(inside, &st) == 0);
	MUST(open(inside, O_WRONLY | O_CLOEXEC) < 0);
	MUST(open(inside, O_RDONLY | O_TRUNC | O_CLOEXEC) < 0);
	REFUSED(unlink(inside), EPERM);
	if (cell_has_landlock())
		REFUSED(open("/etc/passwd", O_RDONLY | O_CLOEXEC), EACCES);
	return 0;
}

static void paths_to_read(void **state)
{
	const char *dir[] = {folder, NULL}, *file[] = {inside, NULL}, *none[] = {"/nowhere", NULL};

	assert_int_equal(lock_up(&(struct cell_options){.read_paths = dir}, read_by_name), 0);
	assert_int_equal(lock_up(&(struct cell_options){.read_paths = file}, read_by_name), 0);
	if (cell_has_landlock())
		assert_int_not_equal(
			lock_up(&(struct cell_options){.read_paths = none}, report), 0);
}

static int write_by_name(void)
{
	char other[80];

	snprintf(other, sizeof(other), "%s/other", folder);
	int fd = open(other, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	MUST(ftruncate(fd, 0) == 0);
	close(fd);
	MUST(rename(other, inside) == 0);
	MUST(unlink(inside) == 0);
	if (cell_has_landlock()) {
		REFUSED(open("/tmp/koban-cell-new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), EACCES);
		REFUSED(open("/etc/passwd", O_RDONLY | O_CLOEXEC), EACCES);
	}
	char *argv[] = {"true", NULL};
	REFUSED(execv("/bin/true", argv), EPERM);
	return 0;
}

static void a_folder_to_write_in(void **state)
{
	assert_int_equal(lock_up(&(struct cell_options){.write_dir = folder}, write_by_name), 0);
	assert_int_equal(make_file(), 0); /* the child removed it */
}

static int restore(void)
{
	char link_path[80];
	struct stat st;

	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	MUST(symlink("/etc/passwd", link_path) == 0);
	MUST(lchown(link_path, getuid(), getgid()) == 0);
	MUST(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode));
	if (cell_has_landlock()) {
		REFUSED(open(link_path, O_RDONLY | O_CLOEXEC), EACCES);
		REFUSED(symlink("x", "/tmp/koban-cell-link"), EACCES);
		REFUSED(link(inside, "/tmp/koban-cell-link"), EACCES);
	}
	MUST(unlink(link_path) == 0);
	MUST(utimensat(AT_FDCWD, inside, NULL, 0) == 0);
	REFUSED(mknod("/tmp/koban-cell-device", S_IFCHR | 0600, 0), EPERM);
	return 0;
}

static int restore_unasked(void)
{
	REFUSED(symlink("x", "/tmp/koban-cell-link"), EPERM);
	REFUSED(lchown(inside, 1, 1), EPERM);
	return 0;
}

static void an_archive_to_unpack(void **state)
{
	struct cell_options o = {.write_dir = folder, .restores = true};

	(void)state;
	assert_int_equal(lock_up(&o, restore), 0);
	o.restores = false;
	assert_int_equal(lock_up(&o, restore_unasked), 0);
}

static int eat_memory(void)
{
	void *some = malloc(32 << 20), *much = malloc((size_t)1 << 30);

	MUST(some && !much);
	free(some);
	return 0;
}

static void memory_limit(void **state)
{
	if (IS_SANITIZED) {
		print_message("skipped: the sanitizer maps terabytes\n");
		skip();
	}
	assert_int_equal(
		lock_up(&(struct cell_options){.max_memory_bytes = 512 << 20}, eat_memory), 0);
}

static int spin(void)
{
	for (volatile uint64_t i = 0;; i++)
		;
	return 0;
}

static void cpu_limit(void **state)
{
	int status = lock_up(&(struct cell_options){.max_cpu_s = 1}, spin);

	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_allowed),
		cmocka_unit_test(intruders_die),
		cmocka_unit_test(threads_when_asked_for),
		cmocka_unit_test(network_when_asked_for),
		cmocka_unit_test(visitors_when_asked_for),
		cmocka_unit_test(paths_to_read),
		cmocka_unit_test(a_folder_to_write_in),
		cmocka_unit_test(an_archive_to_unpack),
		cmocka_unit_test(memory_limit),
		cmocka_unit_test(cpu_limit),
	};

	if (!cell_has_landlock())
		print_message("# this kernel has no landlock: folders are not tried\n");
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
