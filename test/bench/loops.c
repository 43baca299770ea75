/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of the benchmark: each does one thing a fixed number of times and prints the
 * nanoseconds of one call, the least of its repeats, which is the figure that other load on the
 * machine disturbs least. `storm` and `forks` are no timings but load: as much as goes.
 *
 *   loops MODE [COUNT [REPEATS]]      prints "MODE NANOSECONDS"
 *   loops storm WORKERS SECONDS       prints "storm NANOSECONDS": wall time by pairs, all workers
 *
 * It measures; it judges nothing, and knows nothing of who watches it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- one call of each ------------------------------------------------------------------------ */

struct loop {
	const char *name;
	unsigned long count; /* calls by default: about half a second */
	void (*before)(void);
	void (*call)(void);
};

static int zero_fd, null_fd, listen_fd;
static struct sockaddr_in listen_address;

static void call_getppid(void)
{
	syscall(SYS_getppid);
}

static void call_stat(void)
{
	struct stat st;

	if (stat("/etc/hostname", &st) < 0 && errno != ENOENT)
		die("stat");
}

static void open_close(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	close(fd);
}

static void call_open_close(void)
{
	open_close("/etc/passwd");
}

static void open_devices(void)
{
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (zero_fd < 0 || null_fd < 0)
		die("/dev/zero, /dev/null");
}

static void call_read_write(void)
{
	char buf[64];

	if (read(zero_fd, buf, sizeof(buf)) != sizeof(buf) ||
		write(null_fd, buf, sizeof(buf)) != sizeof(buf))
		die("read, write");
}

static void listen_on_loopback(void)
{
	socklen_t len = sizeof(listen_address);

	listen_address.sin_family = AF_INET;
	listen_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listen_fd < 0 ||
		bind(listen_fd, (struct sockaddr *)&listen_address, sizeof(listen_address)) < 0 ||
		listen(listen_fd, 16) < 0 ||
		getsockname(listen_fd, (struct sockaddr *)&listen_address, &len) < 0)
		die("listen on 127.0.0.1");
}

static void call_connect_accept_close(void)
{
	/* an abortive close leaves no TIME_WAIT behind, or the ports would run out */
	const struct linger abort_at_close = {.l_onoff = 1};
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (client < 0 ||
		setsockopt(client, SOL_SOCKET, SO_LINGER, &abort_at_close, sizeof(abort_at_close)) <
			0 ||
		connect(client, (struct sockaddr *)&listen_address, sizeof(listen_address)) < 0)
		die("connect");
	int server = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		die("accept");
	close(client);
	close(server);
}

static void run_child(int is_exec)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (is_exec)
			execl("/bin/true", "true", (char *)NULL);
		_exit(is_exec ? 127 : 0);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		die(is_exec ? "/bin/true" : "fork");
}

static void call_fork_exec(void)
{
	run_child(1);
}

static void call_fork(void)
{
	run_child(0);
}

static const struct loop loops[] = {
	{"getppid", 400000, NULL, call_getppid},
	{"stat", 200000, NULL, call_stat},
	{"read_write", 200000, open_devices, call_read_write},
	{"open_close", 100000, NULL, call_open_close},
	{"connect_accept_close", 10000, listen_on_loopback, call_connect_accept_close},
	{"fork_exec", 400, NULL, call_fork_exec},
	{"forks", 2000, NULL, call_fork},
};

static uint64_t loop_min_ns(const struct loop *l, unsigned long count, unsigned long repeats)
{
	uint64_t best = UINT64_MAX;

	if (l->before)
		l->before();
	for (unsigned long r = 0; r < repeats; r++) {
		uint64_t start = now_ns();
		for (unsigned long i = 0; i < count; i++)
			l->call();
		uint64_t took = now_ns() - start;
		if (took < best)
			best = took;
	}
	return best;
}

/* ---- the storm ------------------------------------------------------------------------------- */

/* Open and close at full speed until `end`; adds its pairs to *pairs. */
static void storm_worker(uint64_t end, uint64_t *pairs)
{
	uint64_t n = 0;

	while (now_ns() < end) {
		for (int i = 0; i < 64; i++)
			open_close("/etc/passwd");
		n += 64;
	}
	__atomic_fetch_add(pairs, n, __ATOMIC_RELAXED);
}

static void storm(unsigned long workers, unsigned long seconds)
{
	uint64_t *pairs = mmap(
		NULL, sizeof(*pairs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t end = now_ns() + seconds * 1000000000u;

	if (pairs == MAP_FAILED)
		die("mmap");
	for (unsigned long i = 0; i < workers; i++) {
		pid_t pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0) {
			storm_worker(end, pairs);
			_exit(0);
		}
	}
	for (int status; wait(&status) > 0;)
		if (status != 0)
			exit(2);
	if (*pairs == 0)
		exit(2);
	printf("storm %.1f\n", (double)seconds * 1e9 / (double)*pairs);
}

static unsigned long number_arg(const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n == 0 || n > max) {
		fprintf(stderr, "loops: a number from 1 to %lu, not '%s'\n", max, text);
		exit(2);
	}
	return n;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: loops MODE [COUNT [REPEATS]] | loops storm WORKERS SECONDS\nmodes:");
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++)
		fprintf(stderr, " %s", loops[i].name);
	fprintf(stderr, "\n");
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "storm") == 0) {
		storm(number_arg(argv[2], 256), number_arg(argv[3], 3600));
		return 0;
	}
	if (argc < 2 || argc > 4)
		return usage();
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		const struct loop *l = &loops[i];
		if (strcmp(l->name, argv[1]) != 0)
			continue;
		unsigned long count = argc > 2 ? number_arg(argv[2], 100000000) : l->count;
		unsigned long repeats = argc > 3 ? number_arg(argv[3], 1000) : 3;
		double ns = (double)loop_min_ns(l, count, repeats) / (double)count;
		printf("%s %.1f\n", l->name, ns);
		return 0;
	}
	return usage();
}
