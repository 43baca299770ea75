/* SPDX-License-Identifier: Apache-2.0 */
/* The tables from /proc, held against what this very process has open. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "events.h"

static void *sleeper(void *arg)
{
	char c;

	pthread_setname_np(pthread_self(), "sleeper");
	*(int *)arg = gettid();
	while (read(((int *)arg)[1], &c, 1) < 0 && errno == EINTR)
		;
	return NULL;
}

static struct state *seeded(void)
{
	struct state *s = new_state((struct state_options){.descriptors = true});
	struct err e = {0};

	assert_int_equal(state_seed(s, &e), 0);
	assert_int_equal(state_seed_descriptors(s, &e), 0);
	return s;
}

static const struct descriptor *own(struct state *s, int fd)
{
	const struct process *p = state_process_by_pid(s, (uint32_t)getpid());
	const struct descriptor *d = p ? state_descriptor_find(p, fd) : NULL;

	assert_non_null(d);
	return d;
}

static void files(void **unused)
{
	int dir = open("/", O_RDONLY | O_DIRECTORY), ev = eventfd(0, 0), mem = memfd_create("m", 0);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), p[2];

	assert_int_equal(pipe(p), 0);
	struct state *s = seeded();

	assert_int_equal(own(s, dir)->fd.type, FD_DIRECTORY);
	assert_str(own(s, dir)->name, "/");
	assert_int_equal(own(s, ev)->fd.type, FD_EVENT);
	assert_int_equal(own(s, mem)->fd.type, FD_MEMFD);
	assert_int_equal(own(s, p[0])->fd.type, FD_FIFO);
	assert_true(str_starts(own(s, p[0])->fd.other_name, STR("pipe:[")));
	assert_int_equal(own(s, file)->fd.type, FD_FILE);
	assert_true(own(s, file)->fd.flags & FD_O_CLOEXEC);
	assert_false(own(s, dir)->fd.flags & FD_O_CLOEXEC);
	assert_true(own(s, file)->fd.ino != 0);
	size_t n = 0;

	assert_true(state_descriptor_count(state_process_by_pid(s, (uint32_t)getpid()), &n));
	assert_true(n >= 6);
	state_free(s);
	close(dir), close(ev), close(mem), close(file), close(p[0]), close(p[1]);
}

static void sockets(void **unused)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0koban-test-seed"};
	socklen_t len = sizeof(in);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int local = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_int_equal(bind(server, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&in, len), 0);
	assert_int_equal(bind(local, (struct sockaddr *)&un, sizeof(sa_family_t) + 16), 0);
	struct state *s = seeded();
	const struct event_fd *fd = &own(s, server)->fd;

	assert_int_equal(fd->type, FD_IPV4);
	assert_int_equal(fd->sock.role, ROLE_SERVER);
	assert_int_equal(fd->sock.local_port, ntohs(in.sin_port));
	assert_memory_equal(fd->sock.local, "\x7f\0\0\1", 4);
	assert_false(fd->sock.has_remote);
	fd = &own(s, client)->fd;
	assert_int_equal(fd->sock.remote_port, ntohs(in.sin_port));
	assert_true(fd->connected);
	assert_int_equal(own(s, local)->fd.type, FD_UNIX);
	assert_true(own(s, local)->name.len > 0);
	state_free(s);
	close(server), close(client), close(local);
}

static void threads(void **unused)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	_Atomic int arg[2] = {0, p[0]};
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, sleeper, (void *)arg), 0);
	while (!arg[0])
		usleep(1000);
	struct state *s = seeded();
	const struct thread *found = state_thread_find(s, (uint32_t)arg[0]);

	assert_non_null(found);
	assert_int_equal(found->proc->pid, getpid());
	assert_str(found->comm, "sleeper");
	assert_non_null(state_thread_find(s, (uint32_t)getpid()));
	size_t pos = 0;

	assert_non_null(state_user_next(s, &pos));
	state_free(s);
	assert_int_equal(write(p[1], "x", 1), 1);
	pthread_join(t, NULL);
	close(p[0]), close(p[1]);
}

static void not_of_a_capture(void **unused)
{
	struct state *s = new_state((struct state_options){.descriptors = true, .no_proc = true});
	struct err e = {0};

	assert_true(state_seed_descriptors(s, &e) < 0);
	assert_int_equal(state_counters(s).descriptors, 0);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(sockets),
		cmocka_unit_test(threads),
		cmocka_unit_test(not_of_a_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
