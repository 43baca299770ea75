/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor with parts of the test's own (this very program, with another first argument):
 * order of the end, restarts, rights, sockets, signals, and that nothing is left when it is killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/place.h"
#include "cmd/supervise.h"

static pid_t running; /* the supervisor of the test at hand; 0 = none */
static char dir[64];  /* of the test at hand; parts find it in the environment */

/* ---- parts --------------------------------------------------------------------------------- */

/* One word a line, one write a word. */
static void note(const char *word)
{
	char path[128], line[128];

	snprintf(path, sizeof(path), "%s/log", getenv("TEST_DIR"));
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
	fchmod(fd, 0666); /* the first to come makes it, whoever that is */
	int n = snprintf(line, sizeof(line), "%s\n", word);
	if (write(fd, line, (size_t)n) != n)
		_exit(9);
	close(fd);
}

static volatile sig_atomic_t term, hup;

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		hup = 1;
	else
		term = 1;
}

static int run_until_term(const char *name)
{
	char word[64];

	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	snprintf(word, sizeof(word), "%s:start", name);
	note(word);
	while (!term) {
		if (hup) {
			hup = 0;
			snprintf(word, sizeof(word), "%s:hup", name);
			note(word);
		}
		usleep(2000);
	}
	snprintf(word, sizeof(word), "%s:stop", name);
	note(word);
	return 0;
}

static int tell_status(void)
{
	char path[512];

	snprintf(path, sizeof(path),
		"cat /proc/%d/status > %s/status; "
		"readlink /proc/%d/fd/3 > %s/fd3; "
		"echo $LISTEN_FDS $LISTEN_FDNAMES > %s/listen",
		getpid(), getenv("TEST_DIR"), getpid(), getenv("TEST_DIR"), getenv("TEST_DIR"));
	return system(path);
}

static int run_part(const char *what)
{
	if (strncmp(what, "run-", 4) == 0)
		return run_until_term(what + 4);
	if (strcmp(what, "status") == 0)
		return tell_status();
	if (strcmp(what, "deaf") == 0) {
		signal(SIGTERM, SIG_IGN);
		note("deaf:start");
		for (;;)
			pause();
	}
	if (strcmp(what, "ready") == 0) {
		if (write(20, "it is\nand more", 14) != 14)
			return 9;
		return run_until_term("ready");
	}
	note(what);
	return strcmp(what, "unusable") == 0 ? 2 : strcmp(what, "done") == 0 ? 0 : 3;
}

/* ---- what a test sees ---------------------------------------------------------------------- */

static void slurp(const char *name, char *ret, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : 0;
	ret[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

static unsigned count(const char *word)
{
	char text[8192];
	unsigned n = 0;

	slurp("log", text, sizeof(text));
	for (char *p = text; (p = strstr(p, word)); p++)
		n++;
	return n;
}

static void wait_for(const char *word, unsigned n)
{
	for (int i = 0; i < 5000 && count(word) < n; i++)
		usleep(2000);
	if (count(word) < n)
		fail_msg("never %u times: %s", n, word);
}

static const char *const *args_of(const char *what)
{
	static const char *all[8][3];
	static unsigned n;
	const char **a = all[n++ % 8];

	a[0] = "koban";
	a[1] = what;
	a[2] = NULL;
	return a;
}

static struct part part_of(const char *name, const char *what)
{
	return (struct part){.name = name, .argv = args_of(what), .extra_fd = -1};
}

static void hear(void *arg, const struct part *p, struct str line)
{
	char word[64];

	snprintf(word, sizeof(word), "heard %s: %.*s", p->name, STR_ARG(line));
	note(word);
}

/* Signals, capabilities and children are the process's own: each supervisor has one. */
static pid_t start(struct part *parts, size_t n)
{
	struct supervise_options o = {.parts = parts,
		.nparts = n,
		.notes_fd = -1,
		.tty_fd = -1,
		.backoff_min_ms = 20,
		.backoff_max_ms = 100,
		.ready = hear};
	pid_t pid = fork();

	if (pid == 0) {
		struct err e = {0};
		int code;

		log_set_level(LOG_LEVEL_ERROR);
		code = supervise(&o, &e);
		_exit(code < 0 ? 99 : code);
	}
	return running = pid;
}

static int end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	running = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/koban-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	chmod(dir, 0777);
	return setenv("TEST_DIR", dir, 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	if (running)
		kill(running, SIGKILL); /* the test has failed */
	running = 0;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void parts_end_in_order(void **state)
{
	struct part parts[] = {part_of("first", "run-first"), part_of("second", "run-second")};
	pid_t pid = start(parts, 2);
	char text[8192];

	wait_for(":start", 2);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
	slurp("log", text, sizeof(text));
	const char *a = strstr(text, "first:stop"), *b = strstr(text, "second:stop");
	assert_true(a && b && a < b);
	assert_int_equal(count(":start"), 2);
}

static void a_failed_part_starts_again(void **state)
{
	struct part parts[] = {part_of("main", "run-main"), part_of("bad", "fails")};
	pid_t pid = start(parts, 2);

	wait_for("fails", 4);
	kill(pid, SIGINT);
	assert_in_range(end_of(pid), 0, 1); /* it may be failing just then */
	assert_int_equal(count("main:start"), 1);
	assert_int_equal(count("main:stop"), 1);
}

static void a_killed_part_starts_again(void **state)
{
	struct part parts[] = {part_of("main", "run-main")};
	pid_t pid = start(parts, 1);
	char command[64];

	for (unsigned n = 1; n <= 3; n++) {
		wait_for("main:start", n);
		snprintf(command, sizeof(command), "pkill -KILL -P %d", pid);
		assert_int_equal(system(command), 0);
	}
	wait_for("main:start", 4);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
}

static void what_cannot_start_ends_all(void **state)
{
	struct part parts[] = {part_of("main", "run-main"), part_of("bad", "unusable")};
	pid_t pid = start(parts, 2);

	assert_int_equal(end_of(pid), 2);
	assert_int_equal(count("unusable"), 1);
	assert_int_equal(count("main:start"), count("main:stop"));
}

static void the_main_part_ends_all(void **state)
{
	struct part parts[] = {part_of("main", "done"), part_of("other", "run-other")};

	parts[0].is_main = true;
	assert_int_equal(end_of(start(parts, 2)), 0);
	assert_int_equal(count("done"), 1);
	assert_int_equal(count("other:start"), count("other:stop"));
}

static void a_second_signal_is_for_good(void **state)
{
	struct part parts[] = {part_of("deaf", "deaf")};
	pid_t pid = start(parts, 1);

	wait_for("deaf:start", 1);
	kill(pid, SIGTERM);
	kill(pid, SIGTERM); /* the same breath */
	usleep(700000);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 1); /* it was killed, and that is said */
}

static void signals_are_passed_on(void **state)
{
	struct part parts[] = {part_of("main", "run-main"), part_of("other", "run-other")};
	pid_t pid;

	parts[0].gets_signals = true;
	pid = start(parts, 2);
	wait_for(":start", 2);
	kill(pid, SIGHUP);
	wait_for("main:hup", 1);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(count("other:hup"), 0);
}

/* Nobody is left when the supervisor is killed: its parts are told by the kernel. */
static void no_orphans(void **state)
{
	struct part parts[] = {part_of("first", "run-first"), part_of("second", "run-second")};
	pid_t pid;

	if (geteuid() == 0) {
		parts[1].is_unprivileged = true;
		parts[1].uid = parts[1].gid = 65534;
	}
	pid = start(parts, 2);
	wait_for(":start", 2);
	kill(pid, SIGKILL);
	assert_int_equal(end_of(pid), -SIGKILL);
	wait_for(":stop", 2);
}

static void an_unprivileged_part(void **state)
{
	struct part parts[] = {part_of("plain", "status")};
	char text[8192];
	int ends[2];

	if (geteuid() != 0)
		skip();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	parts[0].is_unprivileged = true;
	parts[0].uid = parts[0].gid = 65534;
	parts[0].is_main = true;
	/* the higher number first: they must not overwrite each other */
	parts[0].fds[0] = ends[1];
	parts[0].fds[1] = ends[0];
	parts[0].fd_names[0] = "ingest";
	parts[0].fd_names[1] = "console";
	parts[0].nfds = 2;
	assert_int_equal(end_of(start(parts, 1)), 0);
	slurp("status", text, sizeof(text));
	assert_non_null(strstr(text, "\nUid:\t65534\t65534\t65534\t65534\n"));
	assert_non_null(strstr(text, "\nGid:\t65534\t65534\t65534\t65534\n"));
	assert_non_null(strstr(text, "\nGroups:\t \n"));
	assert_non_null(strstr(text, "\nCapPrm:\t0000000000000000\n"));
	assert_non_null(strstr(text, "\nCapBnd:\t0000000000000000\n"));
	assert_non_null(strstr(text, "\nNoNewPrivs:\t1\n"));
	slurp("listen", text, sizeof(text));
	assert_string_equal(text, "2 ingest:console\n");
	slurp("fd3", text, sizeof(text));
	assert_int_equal(strncmp(text, "socket:", 7), 0);
	close(ends[0]);
	close(ends[1]);
}

static void a_part_says_that_it_is_ready(void **state)
{
	struct part parts[] = {part_of("main", "ready")};
	pid_t pid;

	parts[0].ready_at = 20;
	pid = start(parts, 1);
	wait_for("heard main: it is\n", 1);
	wait_for("ready:start", 1);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
	assert_int_equal(count("heard"), 1);
}

/* ---- places -------------------------------------------------------------------------------- */

static void places(void **state)
{
	char path[200], path2[200];
	struct err e = {0};
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b/c", dir);
	assert_int_equal(place_dir(path, 0711, getuid(), getgid(), &e), 0);
	assert_int_equal(place_dir(path, 0700, getuid(), getgid(), &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	snprintf(path2, sizeof(path2), "%s/link", dir);
	assert_int_equal(symlink(path, path2), 0);
	assert_true(place_dir(path2, 0700, getuid(), getgid(), &e) < 0);
	assert_true(place_dir("relative", 0700, getuid(), getgid(), &e) < 0);

	snprintf(path, sizeof(path), "%s/lock", dir);
	int lock = place_lock(path, &e);
	assert_true(lock >= 0);
	assert_int_equal(place_lock(path, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "--run-dir"));
	close(lock);

	snprintf(path, sizeof(path), "%s/sock", dir);
	int fd = place_unix_socket(path, 0600, &e);
	assert_true(fd >= 0);
	close(fd);
	fd = place_unix_socket(path, 0600, &e); /* what was left is replaced */
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(fd);
	snprintf(path2, sizeof(path2), "%s/a", dir);
	assert_true(place_unix_socket(path2, 0600, &e) < 0); /* a folder is not */
}

static void owners(void **state)
{
	char path[200], file[300], other[300];
	struct err e = {0};
	struct stat st;

	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/data", dir);
	assert_int_equal(place_dir(path, 0700, 65534, 65534, &e), 0);
	snprintf(file, sizeof(file), "%s/koban.db", path);
	close(open(file, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(chown(file, 65534, 65534), 0);
	snprintf(other, sizeof(other), "%s/to-passwd", path);
	assert_int_equal(symlink("/etc/passwd", other), 0);
	assert_int_equal(place_owner(path, 65533, 65533, &e), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_uid, 65533);
	assert_int_equal(stat("/etc/passwd", &st), 0);
	assert_int_equal(st.st_uid, 0);
}

static void ports(void **state)
{
	struct err e = {0};
	int a = place_tcp_socket("127.0.0.1:0", &e), b = place_tcp_socket("[::1]:0", &e);

	assert_true(a >= 0);
	if (b >= 0)
		close(b);
	close(a);
	/* the usual port may be taken here or not: then it is the next */
	a = place_tcp_socket(NULL, &e);
	b = place_tcp_socket(NULL, &e);
	assert_true(a >= 0 && b >= 0);
	close(a);
	close(b);
	static const char *const bad[] = {
		"", "x", "127.0.0.1", "127.0.0.1:70000", "host:80", "1.2.3:80", "[::1:80", "-1"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(place_tcp_socket(bad[i], &e), -EINVAL);
	a = place_tcp_socket("127.0.0.1:0", &e);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char text[32];
	getsockname(a, (struct sockaddr *)&sa, &len);
	snprintf(text, sizeof(text), "127.0.0.1:%u",
		(unsigned)(((unsigned char *)&sa)[2] << 8 | ((unsigned char *)&sa)[3]));
	assert_int_equal(place_tcp_socket(text, &e), -EADDRINUSE);
	assert_non_null(strstr(e.msg, "--listen"));
	close(a);
}

int main(int argc, char **argv)
{
#define IN_DIR(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(parts_end_in_order),
		IN_DIR(a_failed_part_starts_again),
		IN_DIR(a_killed_part_starts_again),
		IN_DIR(what_cannot_start_ends_all),
		IN_DIR(the_main_part_ends_all),
		IN_DIR(a_second_signal_is_for_good),
		IN_DIR(signals_are_passed_on),
		IN_DIR(no_orphans),
		IN_DIR(an_unprivileged_part),
		IN_DIR(a_part_says_that_it_is_ready),
		IN_DIR(places),
		IN_DIR(owners),
		cmocka_unit_test(ports),
	};

	supervise_join();
	if (argc > 1 && strcmp(argv[0], "koban") == 0)
		return run_part(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
