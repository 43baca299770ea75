/* SPDX-License-Identifier: Apache-2.0 */
/* Captured events are completed from the tables: who acted, on which descriptor, by which names. */
#include "captured.h"

static void files(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 0, "a", "/home/x/");
	cap_open(&c, 10, 3, "../y/./f", 0x1000);
	assert_int_equal(c.p->pid, 10);
	assert_int_equal(c.ev->fd.num, 3);
	assert_int_equal(c.ev->fd.type, FD_FILE);
	assert_str(c.ev->path.raw, "../y/./f");
	assert_str(c.ev->path.name, "/home/y/f");
	cap_fd(&c, "read", 10, 3);
	assert_str(c.ev->path.name, "/home/y/f");
	assert_int_equal(c.ev->path.raw.len, 0);
	assert_true(c.ev->has_fd);
	cap_fd(&c, "close", 10, 3);
	assert_str(c.ev->path.name, "/home/y/f"); /* a close still tells what */
	cap_fd(&c, "read", 10, 3);
	assert_int_equal(c.ev->fd.type, FD_UNKNOWN);
	assert_int_equal(c.ev->fd.num, 3);
	/* a failed open names the file and opens nothing */
	cap_open(&c, 10, -2, "/none", 0);
	assert_str(c.ev->path.name, "/none");
	assert_int_equal(c.ev->fd.num, -2);
	assert_null(fd_find(row_by_pid(c.s, 10), 3));
	cap_free(&c);
}

static void folders(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 0, "a", "/");
	cap_open(&c, 10, 5, "/etc", FD_O_DIRECTORY);
	assert_int_equal(c.ev->fd.type, FD_DIRECTORY);
	m = cap_make("openat", 10);
	set_num(m, "fd", 6);
	set_num(m, "dirfd", 5);
	set_str(m, "name", "shadow");
	cap_apply(&c, m);
	assert_str(c.ev->path.name, "/etc/shadow");
	m = cap_make("unlinkat", 10);
	set_num(m, "res", 0);
	set_num(m, "dirfd", 5);
	set_str(m, "name", "x");
	cap_apply(&c, m);
	assert_str(c.ev->path.name, "/etc/x");
	assert_str(cap_fd_name(&c), "/etc"); /* of the folder, as arguments show it */
	m = cap_make("renameat", 10);
	set_num(m, "res", 0);
	set_num(m, "olddirfd", 5);
	set_str(m, "oldpath", "a");
	set_num(m, "newdirfd", -100);
	set_str(m, "newpath", "b");
	cap_apply(&c, m);
	assert_str(c.ev->path.name, "/etc/a");
	assert_str(c.ev->target.name, "/b");
	m = cap_make("symlink", 10);
	set_num(m, "res", 0);
	set_str(m, "target", "../x");
	set_str(m, "linkpath", "l");
	cap_apply(&c, m);
	assert_str(c.ev->path.name, "../x");
	assert_str(c.ev->target.name, "/l");
	m = cap_make("fchdir", 10);
	set_num(m, "res", 0);
	set_num(m, "fd", 5);
	cap_apply(&c, m);
	assert_str(c.p->cwd, "/etc");
	m = cap_make("chdir", 10);
	set_num(m, "res", 0);
	set_str(m, "path", "cron.d");
	cap_apply(&c, m);
	assert_str(c.p->cwd, "/etc/cron.d");
	m = cap_make("chdir", 10);
	set_num(m, "res", -2);
	set_str(m, "path", "none");
	cap_apply(&c, m);
	assert_str(c.p->cwd, "/etc/cron.d");
	cap_free(&c);
}

static void copies(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 0, "a", "/");
	cap_open(&c, 10, 3, "/f", FD_O_CLOEXEC);
	m = cap_make("dup2", 10);
	set_num(m, "res", 1);
	set_num(m, "oldfd", 3);
	set_num(m, "newfd", 1);
	cap_apply(&c, m);
	assert_int_equal(c.ev->fd.num, 1);
	assert_str(c.ev->path.name, "/f");
	m = cap_make("fcntl", 10);
	set_num(m, "res", 9);
	set_num(m, "fd", 3);
	set_num(m, "cmd", 1);
	cap_apply(&c, m);
	assert_non_null(fd_find(row_by_pid(c.s, 10), 9));
	m = cap_make("execve", 10);
	set_num(m, "res", 0);
	set_str(m, "exe", "sh");
	set_str(m, "filename", "bin/sh");
	set_str(m, "cwd", "/usr");
	cap_apply(&c, m);
	assert_str(c.ev->exepath, "/usr/bin/sh");
	assert_str(c.p->exepath, "/usr/bin/sh");
	assert_null(fd_find(row_by_pid(c.s, 10), 3)); /* closed by the exec */
	assert_non_null(fd_find(row_by_pid(c.s, 10), 1));
	assert_non_null(fd_find(row_by_pid(c.s, 10), 9));
	m = cap_make("close_range", 10);
	set_num(m, "res", 0);
	set_num(m, "first", 2);
	set_num(m, "last", 0xffffffff);
	cap_apply(&c, m);
	assert_null(fd_find(row_by_pid(c.s, 10), 9));
	cap_free(&c);
}

static void others(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 0, "a", "/");
	m = cap_make("pipe2", 10);
	set_num(m, "res", 0);
	set_num(m, "fd1", 3);
	set_num(m, "fd2", 4);
	set_num(m, "ino", 77);
	cap_apply(&c, m);
	cap_fd(&c, "write", 10, 3);
	assert_int_equal(c.ev->fd.type, FD_FIFO);
	assert_str(c.ev->fd.other_name, "pipe:[77]");
	m = cap_make("eventfd2", 10);
	set_num(m, "res", 5);
	cap_apply(&c, m);
	assert_int_equal(c.ev->fd.type, FD_EVENT);
	m = cap_make("memfd_create", 10);
	set_num(m, "fd", 6);
	set_str(m, "name", "x");
	cap_apply(&c, m);
	assert_str(c.ev->path.name, "/memfd:x (deleted)");
	/* this command of bpf returns no descriptor */
	m = cap_make("bpf", 10);
	set_num(m, "fd", 0);
	set_num(m, "cmd", 1);
	cap_apply(&c, m);
	assert_null(fd_find(row_by_pid(c.s, 10), 0));
	cap_free(&c);
}

/* ---- sockets ---- */

static void make_socket(struct cap *c, int64_t fd, int type)
{
	struct made_event *m = cap_make("socket", 10);

	set_num(m, "fd", fd);
	set_num(m, "domain", AF_INET);
	set_num(m, "type", type);
	cap_apply(c, m);
}

static void connections(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 0, "a", "/");
	make_socket(&c, 3, SOCK_STREAM);
	assert_int_equal(c.ev->fd.type, FD_IPV4);
	assert_int_equal(c.ev->fd.sock.l4proto, 6);
	m = cap_make("connect", 10);
	set_num(m, "res", -115); /* EINPROGRESS: it counts */
	set_num(m, "fd", 3);
	cap_tuple(m, "10.0.0.1", 40000, "1.2.3.4", 443);
	cap_apply(&c, m);
	assert_str(cap_fd_name(&c), "10.0.0.1:40000->1.2.3.4:443");
	assert_true(c.ev->fd.name_changed);
	cap_fd(&c, "read", 10, 3);
	assert_str(cap_fd_name(&c), "10.0.0.1:40000->1.2.3.4:443");
	assert_int_equal(c.ev->fd.sock.role, ROLE_CLIENT);
	assert_false(c.ev->fd.name_changed);
	m = cap_make("accept4", 10);
	set_num(m, "fd", 4);
	cap_tuple(m, "5.6.7.8", 50000, "10.0.0.1", 80);
	cap_apply(&c, m);
	assert_int_equal(c.ev->fd.sock.role, ROLE_SERVER);
	assert_int_equal(c.ev->fd.sock.local_port, 80);
	assert_str(cap_fd_name(&c), "5.6.7.8:50000->10.0.0.1:80");
	cap_free(&c);
}

static void failed_connect(void **unused)
{
	static const uint8_t address[] = {AF_INET, 1, 2, 3, 4, 0xbb, 1};
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 0, "a", "/");
	make_socket(&c, 3, SOCK_STREAM);
	m = cap_make("connect", 10);
	set_num(m, "res", -111);
	set_num(m, "fd", 3);
	set_raw(m, "addr", address, sizeof(address));
	cap_apply(&c, m);
	assert_int_equal(c.ev->fd.sock.remote_port, 443); /* what was tried */
	cap_fd(&c, "close", 10, 3);
	assert_false(c.ev->fd.sock.has_remote);
	/* a unix socket's says the path with the tuple */
	m = cap_make("socket", 10);
	set_num(m, "fd", 4);
	set_num(m, "domain", AF_UNIX);
	set_num(m, "type", SOCK_STREAM);
	cap_apply(&c, m);
	m = cap_make("connect", 10);
	set_num(m, "res", -2);
	set_num(m, "fd", 4);
	set_raw(m, "tuple", "\1\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\0/run/x", 24);
	cap_apply(&c, m);
	assert_str(cap_fd_name(&c), "/run/x");
	cap_free(&c);
}

static void datagrams(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_add(&c, 10, 10, 0, "a", "/");
	make_socket(&c, 3, SOCK_DGRAM);
	m = cap_make("sendto", 10);
	set_num(m, "res", 10);
	set_num(m, "fd", 3);
	cap_tuple(m, "10.0.0.1", 4000, "8.8.8.8", 53);
	cap_apply(&c, m);
	assert_str(cap_fd_name(&c), "10.0.0.1:4000->8.8.8.8:53");
	m = cap_make("recvfrom", 10);
	set_num(m, "res", 10);
	set_num(m, "fd", 3);
	cap_tuple(m, "8.8.4.4", 53, "10.0.0.1", 4000);
	cap_apply(&c, m);
	assert_str(cap_fd_name(&c), "10.0.0.1:4000->8.8.4.4:53");
	assert_true(c.ev->fd.name_changed);
	/* of a socket that was there before the capture */
	m = cap_make("recvfrom", 10);
	set_num(m, "res", 10);
	set_num(m, "fd", 9);
	cap_tuple(m, "9.9.9.9", 1000, "10.0.0.1", 53);
	cap_apply(&c, m);
	assert_int_equal(c.ev->fd.sock.role, ROLE_SERVER);
	assert_str(cap_fd_name(&c), "9.9.9.9:1000->10.0.0.1:53");
	cap_free(&c);
}

static void listed_sockets(void **unused)
{
	static const uint8_t own[] = {10, 0, 0, 1};
	struct cap c = cap_new((struct state_options){0});
	struct event_fd fd = {.num = 3, .type = FD_IPV4};

	cap_add(&c, 10, 10, 0, "a", "/");
	state_add_address(c.s, own, false);
	fd.sock = (struct event_sock){.has_local = true,
		.has_remote = true,
		.local = {1, 2, 3, 4},
		.remote = {10, 0, 0, 1},
		.local_port = 5000,
		.remote_port = 80};
	assert_int_equal(state_add_descriptor(c.s, 10, &fd, STR_NULL), 0);
	assert_int_equal(state_add_descriptor(c.s, 99, &fd, STR_NULL), -ENOENT);
	cap_fd(&c, "read", 10, 3);
	assert_int_equal(c.ev->fd.sock.role, ROLE_SERVER);
	assert_int_equal(c.ev->fd.sock.local_port, 80);
	assert_str(cap_fd_name(&c), "1.2.3.4:5000->10.0.0.1:80");
	/* both ends are this machine, whatever the interface lists */
	static const uint8_t lo[] = {127, 0, 0, 1};
	state_add_address(c.s, lo, false);
	fd.num = 4;
	fd.sock = (struct event_sock){.has_local = true,
		.has_remote = true,
		.local = {127, 0, 1, 1},
		.remote = {127, 0, 0, 1},
		.local_port = 40000,
		.remote_port = 80};
	assert_int_equal(state_add_descriptor(c.s, 10, &fd, STR_NULL), 0);
	cap_fd(&c, "read", 10, 4);
	assert_int_equal(c.ev->fd.sock.role, ROLE_CLIENT);
	assert_str(cap_fd_name(&c), "127.0.1.1:40000->127.0.0.1:80");
	cap_free(&c);
}

/* A live event is left as it is, and the tables learn from it; what they did not know is news. */
static void live(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	struct made_event *m;

	cap_apply(&c, make_exec(10, TICK, "/bin/a", "a"));
	cap_apply(&c, make_fork(10, TICK, 11, 2 * TICK));
	m = make(EV_OPENAT, 11, 2 * TICK);
	set_num(m, "fd", 3);
	set_num(m, "flags", 0x1001);
	m->ev.has_fd = true;
	m->ev.fd = (struct event_fd){.num = 3, .type = FD_FILE, .ino = 5};
	m->ev.path.name = STR("/etc/x");
	struct event before = m->ev;

	cap_apply(&c, m);
	before.fd.is_news = true; /* the parameters lack the inode */
	assert_memory_equal(&m->ev, &before, sizeof(before));
	const struct descriptor *d = state_descriptor_find(c.p, 3);

	assert_non_null(d);
	assert_str(d->name, "/etc/x");
	assert_int_equal(d->fd.ino, 5);
	assert_true(d->fd.flags & FD_O_CLOEXEC);
	assert_non_null(state_thread_find(c.s, 11));
	assert_int_equal(state_thread_find(c.s, 11)->proc->pid, 11);
	m = make(EV_READ, 11, 2 * TICK);
	set_num(m, "res", 1);
	set_num(m, "fd", 7);
	m->ev.has_fd = true;
	m->ev.fd = (struct event_fd){.num = 7, .type = FD_FILE, .ino = 6};
	m->ev.path.name = STR("/old");
	cap_apply(&c, m);
	assert_str(state_descriptor_find(c.p, 7)->name, "/old");
	assert_true(m->ev.fd.is_news);
	m->ev.fd.is_news = false;
	cap_apply(&c, m);
	assert_false(m->ev.fd.is_news);
	m = make(EV_CLOSE, 11, 2 * TICK);
	set_num(m, "res", 0);
	set_num(m, "fd", 3);
	m->ev.has_fd = true;
	m->ev.fd = (struct event_fd){.num = 3, .type = FD_FILE, .ino = 5};
	cap_apply(&c, m);
	assert_null(state_descriptor_find(c.p, 3));
	assert_null(state_descriptor_find(&row_by_pid(c.s, 10)->p, 7));
	cap_free(&c);
}

/* Live, a close finds nothing in the kernel: whoever lists events is told from the table. */
static void closed(void **unused)
{
	for (int shows = 0; shows < 2; shows++) {
		struct cap c = cap_new((struct state_options){.shows_closed = shows});

		cap_apply(&c, make_exec(10, TICK, "/bin/a", "a"));
		struct made_event *m = make(EV_READ, 10, TICK);
		set_num(m, "res", 1);
		set_num(m, "fd", 7);
		m->ev.has_fd = true;
		m->ev.fd = (struct event_fd){.num = 7, .type = FD_FILE, .ino = 6};
		m->ev.path.name = STR("/old");
		cap_apply(&c, m);
		m = make(EV_CLOSE, 10, TICK);
		set_num(m, "res", 0);
		set_num(m, "fd", 7);
		m->ev.has_fd = true;
		m->ev.fd = (struct event_fd){.num = 7};
		cap_apply(&c, m);
		assert_str(m->ev.path.name, shows ? "/old" : "");
		assert_int_equal(m->ev.fd.type, shows ? FD_FILE : FD_UNKNOWN);
		assert_null(state_descriptor_find(c.p, 7));
		cap_free(&c);
	}
}

/* A capture's event that tells itself what its descriptor is, as koban writes it. */
static void news(void **unused)
{
	struct cap c = cap_new((struct state_options){0});

	cap_add(&c, 10, 10, 0, "a", "/");
	struct made_event *m = cap_make("read", 10);
	set_num(m, "res", 1);
	set_num(m, "fd", 9);
	m->ev.fd = (struct event_fd){.num = INT64_MIN,
		.type = FD_FILE,
		.ino = 6,
		.is_news = true,
		.other_name = STR("/sent/over")};
	cap_apply(&c, m);
	assert_str(m->ev.path.name, "/sent/over");
	assert_int_equal(m->ev.fd.num, 9);
	cap_fd(&c, "read", 10, 9);
	assert_str(c.ev->path.name, "/sent/over");
	assert_false(c.ev->fd.is_news);
	/* of a call that has no descriptor it is nothing */
	m = cap_make("getuid", 10);
	m->ev.fd = (struct event_fd){.num = INT64_MIN, .type = FD_FILE, .is_news = true};
	cap_apply(&c, m);
	assert_false(m->ev.has_fd);
	assert_int_equal(m->ev.fd.type, FD_UNKNOWN);
	cap_free(&c);
}

/* A descriptor that was sent over takes the place of one that the table took for open. */
static void received(void **unused)
{
	struct cap c = cap_new((struct state_options){0});
	const struct {
		uint64_t len;
		uint32_t level, type;
		int32_t fds[2];
	} control = {24, SOL_SOCKET, SCM_RIGHTS, {3, 4}};

	cap_add(&c, 10, 10, 0, "a", "/");
	for (int lies = 0; lies < 3; lies++) {
		cap_open(&c, 10, 3, "/three", 1);
		cap_open(&c, 10, 4, "/four", 1);
		struct made_event *m = cap_make("recvmsg", 10);
		set_num(m, "res", lies == 2 ? -11 : 1);
		set_num(m, "fd", 9);
		/* as it is; cut short; of a call that failed */
		set_raw(m, "msgcontrol", &control, sizeof(control) - (lies == 1 ? 4 : 0));
		cap_apply(&c, m);
		assert_true(!state_descriptor_find(c.p, 3) == !lies);
		assert_true(!state_descriptor_find(c.p, 4) == !lies);
	}
	cap_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(folders),
		cmocka_unit_test(copies),
		cmocka_unit_test(others),
		cmocka_unit_test(connections),
		cmocka_unit_test(failed_connect),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(listed_sockets),
		cmocka_unit_test(live),
		cmocka_unit_test(closed),
		cmocka_unit_test(news),
		cmocka_unit_test(received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
