/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records made by hand become the events that they should; records that are cut short or lie about
 * their lengths become -EBADMSG or an event that can be printed, never a read beyond their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "record_make.h"

enum { DEV = 8 << 20 | 1, EPOCH = 1000000, FMODE_CREATED = 0x100000 };

static struct made_record rec;
static struct arena arena;
static struct mounts mounts;
static struct decoder decoder;
static const struct str known_paths[] = {{"/etc/shadow", 11}, {"/root", 5}};

static int set_up(void **state)
{
	arena_init(&arena, 16 << 20);
	mounts = (struct mounts){.fd = -1};
	arena_init(&mounts.arena, 16 << 20);
	mounts_parse(&mounts, STR("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				  "21 20 8:1 /srv/data /mnt rw - ext4 /dev/sda1 rw\n"));
	decoder = (struct decoder){
		.epoch_offset_ns = EPOCH, .known = known_paths, .nknown = 2, .mounts = &mounts};
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&arena);
	arena_done(&mounts.arena);
	return 0;
}

static struct event decode(void)
{
	struct event ev;

	arena_reset(&arena);
	assert_int_equal(decode_record(&decoder, rec.bytes, rec.len, &arena, &ev), 0);
	return ev;
}

static int decode_bad(void)
{
	struct event ev;

	return decode_record(&decoder, rec.bytes, rec.len, &arena, &ev);
}

#define assert_str(s_, text)                                                                       \
	do {                                                                                       \
		struct str got_ = (s_);                                                            \
		assert_int_equal(got_.len, strlen(text));                                          \
		if (got_.len)                                                                      \
			assert_memory_equal(got_.s, text, got_.len);                               \
	} while (0)

static uint64_t number(const struct event *ev, const char *name)
{
	uint64_t n = 0;
	int i = event_param_index(ev->def, str_of(name));

	assert_true(i >= 0);
	assert_true(event_param_u64(ev, (unsigned)i, &n));
	return n;
}

static struct str text(const struct event *ev, const char *name)
{
	int i = event_param_index(ev->def, str_of(name));

	assert_true(i >= 0);
	return event_param_str(ev, (unsigned)i);
}

/* ---- the records -------------------------------------------------------------------------- */

static void make_open(const char *path, const char *real, uint32_t f_mode, uint8_t layer)
{
	struct fact_file f = {.fd = 3,
		.ino = 77,
		.dev = DEV,
		.f_flags = O_CLOEXEC,
		.mode = S_IFREG | 0644,
		.f_mode = f_mode,
		.layer = layer};

	record_begin(&rec, EV_OPENAT, 3);
	record_head(&rec)->args[0] = (uint32_t)AT_FDCWD;
	record_head(&rec)->args[2] = O_RDONLY | O_CLOEXEC;
	record_read_str(&rec, 0, path);
	record_fact(&rec, FACT_FILE, &f, sizeof(f));
	record_fact_str(&rec, FACT_REAL, real);
	record_fact_str(&rec, FACT_DIR, "/home/me");
}

static void make_connect(int family, int64_t ret, bool has_remote)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
	struct fact_sock f = {.sock = 0x11,
		.family = (uint16_t)family,
		.lport = 40000,
		.rport = has_remote ? 443 : 0,
		.type = SOCK_STREAM,
		.proto = IPPROTO_TCP};

	inet_pton(AF_INET, "1.2.3.4", &in.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &in6.sin6_addr);
	memcpy(f.laddr, "\x0a\0\0\x01", 4);
	record_begin(&rec, EV_CONNECT, ret);
	record_head(&rec)->args[0] = 5;
	if (family == AF_INET) {
		memcpy(f.raddr, &in.sin_addr, has_remote ? 4 : 0);
		record_read(&rec, 0, &in, sizeof(in));
	} else {
		memcpy(f.raddr, &in6.sin6_addr, has_remote ? 16 : 0);
		record_read(&rec, 0, &in6, sizeof(in6));
	}
	record_fact(&rec, FACT_SOCK, &f, sizeof(f));
}

static void make_connect_unix(const char *path, size_t len)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct fact_sock f = {.sock = 0x11, .peer = 0x22, .family = AF_UNIX, .type = SOCK_STREAM};

	memcpy(un.sun_path, path, len);
	record_begin(&rec, EV_CONNECT, 0);
	record_head(&rec)->args[0] = 5;
	record_read(&rec, 0, &un, 2 + len);
	record_fact(&rec, FACT_SOCK, &f, sizeof(f));
}

static void make_exec(void)
{
	static const char args[] = "ls\0-l\0/tmp", env[] = "A=1\0B=2",
			  groups[] = "=/a\0cpu=\0memory=/b";
	struct fact_exe x = {.ino = 9,
		.dev = DEV,
		.fdlimit = 1024,
		.vm_pages = 10,
		.tty = 34816,
		.loginuid = 1000,
		.vpid = 7,
		.vtid = 7,
		.pgid = 40,
		.vpgid = 5,
		.sid = 41,
		.ptid = 40,
		.writable = 1,
		.layer = 1,
		.memfd = 1,
		.cap_effective = 3,
		.pidns_start_ns = 100};

	record_begin(&rec, EV_EXECVE, 0);
	memcpy(record_head(&rec)->comm, "ls", 3);
	record_read(&rec, 0, args, sizeof(args));
	record_read(&rec, 1, env, sizeof(env));
	record_read_str(&rec, 2, "bin/ls");
	record_fact(&rec, FACT_EXE, &x, sizeof(x));
	record_fact_str(&rec, FACT_REAL, "/usr/bin/ls");
	record_fact_str(&rec, FACT_CWD, "/usr");
	record_fact(&rec, FACT_CGROUPS, groups, sizeof(groups));
}

static void make_exec_failed(void)
{
	record_begin(&rec, EV_EXECVE, -ENOENT);
	record_read_str(&rec, 0, "/no/such");
}

static void make_fork(void)
{
	struct fact_fork f = {.child_start_ns = 2000,
		.parent_start_ns = 1000,
		.clone_flags = 0x20000000,
		.child_pid = 50,
		.child_tid = 50,
		.vtid = 3,
		.vpid = 3,
		.parent_pid = 42};

	record_begin(&rec, EVENT_FORK, 0);
	record_fact(&rec, FACT_FORK, &f, sizeof(f));
}

static void make_exit(void)
{
	record_begin(&rec, EV_PROCEXIT, 3 << 8);
	record_head(&rec)->args[0] = 1;
}

static void make_rename(void)
{
	record_begin(&rec, EV_RENAMEAT2, 0);
	record_head(&rec)->args[0] = (uint32_t)AT_FDCWD;
	record_head(&rec)->args[2] = 4;
	record_read_str(&rec, 0, "old");
	record_read_str(&rec, 1, "../new");
	record_fact_str(&rec, FACT_DIR, "/a");
	record_fact_str(&rec, FACT_DIR2, "/b/c");
}

static void make_sendto(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(53)};
	struct fact_sock f = {
		.family = AF_INET, .lport = 40000, .type = SOCK_DGRAM, .proto = IPPROTO_UDP};

	inet_pton(AF_INET, "9.9.9.9", &in.sin_addr);
	record_begin(&rec, EV_SENDTO, 4);
	record_head(&rec)->args[0] = 6;
	record_read(&rec, 0, "odd", 3); /* what follows is not aligned */
	record_fact(&rec, FACT_ADDR, &in, sizeof(in));
	record_fact(&rec, FACT_SOCK, &f, sizeof(f));
}

/* ---- what they become --------------------------------------------------------------------- */

static void test_open(void **state)
{
	int64_t result;

	make_open("../you/file", "/home/you/file", 0, 0);
	struct event ev = decode();

	assert_int_equal(ev.code, EV_OPENAT);
	assert_int_equal(ev.pid, 42);
	assert_int_equal(ev.tid, 43);
	assert_int_equal(ev.uid, 1000);
	assert_int_equal(ev.ts_ns, 5000 + EPOCH);
	assert_int_equal(ev.enter_ns, 0);
	assert_int_equal(ev.start_ns, 1000);
	assert_true(ev.has_fd);
	assert_int_equal(ev.fd.num, 3);
	assert_int_equal(ev.fd.type, FD_FILE);
	assert_int_equal(ev.fd.ino, 77);
	assert_str(ev.path.raw, "../you/file");
	assert_str(ev.path.name, "/home/you/file");
	assert_str(ev.path.real, "");
	assert_str(text(&ev, "name"), "../you/file");
	assert_int_equal(number(&ev, "dev"), DEV);
	assert_int_equal(number(&ev, "ino"), 77);
	assert_int_equal((int64_t)number(&ev, "dirfd"), AT_FDCWD);
	assert_true(event_result(&ev, &result));
	assert_int_equal(result, 3);
	assert_false(number(&ev, "flags") & 0x4000);
}

static void test_open_flags(void **state)
{
	make_open("f", "/home/me/f", FMODE_CREATED, 1);
	struct event ev = decode();
	uint64_t flags = number(&ev, "flags");

	assert_int_equal(flags & 0x1c000, 0x4000 | 0x8000); /* created, upper layer */
	make_open("f", "/home/me/f", 0, 2);
	ev = decode();
	assert_int_equal(number(&ev, "flags") & 0x1c000, 0x10000);
}

static void test_known(void **state)
{
	struct fact_known k = {.id = 1, .tail = 7};

	make_open("/mnt/x/.ssh/k", "/mnt/x/.ssh/k", 0, 0);
	record_fact(&rec, FACT_KNOWN, &k, sizeof(k));
	struct event ev = decode();
	assert_str(ev.path.known, "/root/.ssh/k");
	k = (struct fact_known){.id = 0};
	make_open("/tmp/link", "/tmp/link", 0, 0);
	record_fact(&rec, FACT_KNOWN, &k, sizeof(k));
	ev = decode();
	assert_str(ev.path.known, "/etc/shadow");
}

static void test_known_lies(void **state)
{
	const struct fact_known lies[] = {{.id = 2}, {.id = UINT32_MAX}, {.id = 0, .tail = 10},
		{.id = 0, .tail = UINT32_MAX}};

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		make_open("/tmp/link", "/tmp/link", 0, 0);
		record_fact(&rec, FACT_KNOWN, &lies[i], sizeof(lies[i]));
		struct event ev = decode();
		assert_str(ev.path.known, "");
	}
}

static void test_bind_mount(void **state)
{
	make_open("/mnt/f", "/mnt/f", 0, 0);
	record_fact_str(&rec, FACT_FSPATH, "/srv/data/f");
	struct event ev = decode();

	assert_str(ev.path.known, "/srv/data/f");
	decoder.mounts = NULL;
	ev = decode();
	assert_str(ev.path.known, "");
}

static void test_two_paths(void **state)
{
	make_rename();
	struct event ev = decode();

	assert_str(ev.path.name, "/a/old");
	assert_str(ev.target.name, "/b/new");
	assert_str(ev.target.raw, "../new");
}

static void test_connect(void **state)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (int i = 0; i < 2; i++) {
		make_connect(families[i], 0, true);
		struct event ev = decode();
		assert_int_equal(ev.fd.num, 5);
		assert_int_equal(ev.fd.type, i ? FD_IPV6 : FD_IPV4);
		assert_int_equal(ev.fd.sock.role, ROLE_CLIENT);
		assert_true(ev.fd.sock.has_remote && ev.fd.sock.has_local && ev.fd.connected);
		assert_int_equal(ev.fd.sock.remote_port, 443);
		assert_int_equal(ev.fd.sock.local_port, 40000);
		struct str tuple = ev.params[event_param_index(ev.def, STR("tuple"))];
		assert_int_equal(tuple.len, i ? 37 : 13);
		assert_int_equal(tuple.s[0], families[i]);
	}
}

static void test_connect_failed(void **state)
{
	make_connect(AF_INET, -ECONNREFUSED, false);
	struct event ev = decode();

	/* the kernel forgot the other end: it is what the caller asked for */
	assert_true(ev.fd.sock.has_remote);
	assert_int_equal(ev.fd.sock.remote_port, 443);
	assert_memory_equal(ev.fd.sock.remote, "\x01\x02\x03\x04", 4);
}

static void test_connect_unix(void **state)
{
	make_connect_unix("/run/x.sock", 12);
	struct event ev = decode();

	assert_int_equal(ev.fd.type, FD_UNIX);
	assert_str(ev.fd.sock.unix_path, "/run/x.sock");
	assert_int_equal(ev.fd.sock.unix_peer, 0x22);
	make_connect_unix("\0abstract", 9);
	ev = decode();
	assert_int_equal(ev.fd.sock.unix_path.len, 9);
	assert_memory_equal(ev.fd.sock.unix_path.s, "\0abstract", 9);
}

static void test_sendto(void **state)
{
	make_sendto();
	struct event ev = decode();

	assert_int_equal(ev.fd.sock.remote_port, 53);
	assert_memory_equal(ev.fd.sock.remote, "\x09\x09\x09\x09", 4);
	assert_int_equal(ev.fd.sock.role, ROLE_CLIENT);
	assert_str(ev.params[event_param_index(ev.def, STR("data"))], "odd");
}

static void test_exec(void **state)
{
	make_exec();
	struct event ev = decode();

	assert_str(text(&ev, "exe"), "ls");
	assert_int_equal(ev.params[2].len, 8);
	assert_memory_equal(ev.params[2].s, "-l\0/tmp", 8);
	assert_str(text(&ev, "comm"), "ls");
	assert_str(text(&ev, "cwd"), "/usr");
	assert_str(text(&ev, "filename"), "bin/ls");
	assert_str(ev.exepath, "/usr/bin/ls");
	assert_str(ev.path.name, "/usr/bin/ls");
	assert_str(ev.path.real, "");
	assert_int_equal(number(&ev, "pid"), 42);
	assert_int_equal(number(&ev, "ptid"), 40);
	assert_int_equal(number(&ev, "flags"), 1 | 2 | 4);
	assert_int_equal(number(&ev, "vm_size"), 40);
	assert_int_equal(number(&ev, "cap_effective"), 3);
	assert_int_equal(ev.fork.vpid, 7);
	assert_int_equal(ev.exec.sid, 41);
	assert_int_equal(ev.exec.pidns_init_start_ns, 100 + EPOCH);
	static const char groups[] = "unified=/a\0cpu=/a\0memory=/b";
	assert_int_equal(ev.cgroups.len, sizeof(groups));
	assert_memory_equal(ev.cgroups.s, groups, sizeof(groups));
}

static void test_exec_failed(void **state)
{
	int64_t result;

	make_exec_failed();
	struct event ev = decode();

	assert_true(event_result(&ev, &result));
	assert_int_equal(result, -ENOENT);
	assert_str(text(&ev, "filename"), "/no/such");
	assert_null(text(&ev, "exe").s);
}

static void test_fork_exit_cgroup(void **state)
{
	make_fork();
	struct event ev = decode();

	assert_null(ev.def);
	assert_int_equal(ev.fork.child_pid, 50);
	assert_int_equal(ev.fork.parent_start_ns, 1000);
	assert_int_equal(ev.fork.clone_flags, 0x20000000);
	make_exit();
	ev = decode();
	assert_false(ev.is_thread_exit);
	assert_int_equal(number(&ev, "status"), 3 << 8);
	assert_int_equal(number(&ev, "ret"), 3);
	assert_int_equal(number(&ev, "reaper_tid"), 1);
	record_begin(&rec, EV_PROCEXIT, 9 | 0x80);
	record_head(&rec)->args[1] = 1;
	ev = decode();
	assert_true(ev.is_thread_exit);
	assert_int_equal(number(&ev, "sig"), 9);
	assert_int_equal(number(&ev, "core"), 1);
	record_begin(&rec, EVENT_CGROUP, 0);
	record_fact(&rec, FACT_CGROUPS, "=/x\0", 4);
	ev = decode();
	assert_int_equal(ev.code, EVENT_CGROUP);
	assert_int_equal(ev.cgroups.len, sizeof("unified=/x"));
	assert_memory_equal(ev.cgroups.s, "unified=/x", sizeof("unified=/x"));
}

static void test_flags(void **state)
{
	make_open("f", "/home/me/f", 0, 0);
	record_head(&rec)->flags = RECORD_IO_URING;
	struct event ev = decode();
	assert_true(ev.is_io_uring && !ev.is_compat);
	record_head(&rec)->flags = RECORD_COMPAT;
	record_head(&rec)->enter_ns = 4000;
	ev = decode();
	assert_true(ev.is_compat && !ev.is_io_uring);
	assert_int_equal(ev.enter_ns, 4000 + EPOCH);
}

static void test_by_hand(void **state)
{
	record_begin(&rec, EV_PRCTL, 0);
	record_head(&rec)->args[0] = PR_SET_NAME;
	record_read_str(&rec, 0, "new");
	struct event ev = decode();
	assert_str(event_param_str(&ev, 2), "new");
	record_head(&rec)->args[0] = PR_SET_DUMPABLE;
	ev = decode();
	assert_null(ev.params[2].s);
	record_begin(&rec, EV_SYSCALL, 0);
	record_head(&rec)->nr = SYS_sync;
	ev = decode();
	assert_str(event_type_name(&ev), "sync");
}

/* ---- records that lie --------------------------------------------------------------------- */

static void test_lies(void **state)
{
	make_open("f", "/home/me/f", 0, 0);
	record_head(&rec)->len++;
	assert_int_equal(decode_bad(), -EBADMSG);
	record_head(&rec)->len = sizeof(struct record_head) - 1;
	assert_int_equal(decode_bad(), -EBADMSG);
	make_open("f", "/home/me/f", 0, 0);
	record_head(&rec)->read_lens[3] = 0xffff;
	assert_int_equal(decode_bad(), -EBADMSG);
	make_open("f", "/home/me/f", 0, 0);
	record_put(&rec, "\x02\0\xff\x7f", 4); /* a fact that goes on beyond the record */
	assert_int_equal(decode_bad(), -EBADMSG);
	record_begin(&rec, EVENT_CODE_MAX, 0);
	assert_int_equal(decode_bad(), -EBADMSG);
	record_begin(&rec, 0xffff, 0);
	assert_int_equal(decode_bad(), -EBADMSG);
	rec.len = 0;
	assert_int_equal(decode_bad(), -EBADMSG);
}

static void test_odd_facts(void **state)
{
	record_begin(&rec, EV_OPENAT, 3);
	record_read_str(&rec, 0, "/f");
	record_fact(&rec, FACT_FILE, "abc", 3); /* no such struct is three bytes long */
	record_fact(&rec, FACT_SOCK, "abc", 3);
	record_fact(&rec, FACT_KNOWN, "abc", 3);
	record_fact(&rec, FACT_MAX, "abc", 3);
	record_fact(&rec, 0xff, "", 0);
	struct event ev = decode();

	assert_str(ev.path.name, "/f");
	assert_int_equal(ev.fd.type, FD_UNKNOWN);
	assert_int_equal(ev.fd.num, 3);
}

/* Every byte that the event borrows can be read, and it can be printed. */
static void assert_sane(const struct event *ev)
{
	struct buf out = BUF_INIT(1 << 20);
	volatile uint8_t sum = 0;

	assert_true(ev->nparams <= EVENT_PARAMS_MAX);
	for (unsigned i = 0; i < ev->nparams; i++)
		for (size_t k = 0; k < ev->params[i].len; k++)
			sum = (uint8_t)(sum + ev->params[i].s[k]);
	if (ev->def) {
		event_args_format(ev, &out);
		event_fd_name_format(ev, ev->path.name, &out);
	}
	buf_done(&out);
}

static void decode_copy(size_t n, bool is_len_told)
{
	/* exactly as large as the record, so that ASan sees one byte too far */
	uint8_t *copy = malloc(n ? n : 1);
	struct event ev;

	assert_non_null(copy);
	memcpy(copy, rec.bytes, n);
	if (is_len_told && n >= sizeof(struct record_head))
		((struct record_head *)(void *)copy)->len = (uint32_t)n;
	arena_reset(&arena);
	int r = decode_record(&decoder, copy, n, &arena, &ev);
	if (r == 0)
		assert_sane(&ev);
	else
		assert_int_equal(r, -EBADMSG);
	if (!is_len_told)
		assert_int_equal(r, n == rec.len ? 0 : -EBADMSG);
	free(copy);
}

static void test_prefixes(void **state)
{
	for (int which = 0; which < 10; which++) {
		switch (which) {
		case 0:
			make_open("a/file", "/home/me/a/file", 0, 0);
			break;
		case 1:
			make_connect(AF_INET, 0, true);
			break;
		case 2:
			make_connect(AF_INET6, -EINPROGRESS, false);
			break;
		case 3:
			make_connect_unix("/run/x.sock", 12);
			break;
		case 4:
			make_exec();
			break;
		case 5:
			make_exec_failed();
			break;
		case 6:
			make_fork();
			break;
		case 7:
			make_exit();
			break;
		case 8:
			make_rename();
			break;
		default:
			make_sendto();
			break;
		}
		for (size_t n = 0; n <= rec.len; n++) {
			decode_copy(n, false);
			decode_copy(n, true);
		}
	}
}

static void assert_keys(
	struct verdict_key verdict, struct verdict_key folder, struct verdict_key own)
{
	record_head(&rec)->verdict = (struct verdict_key){1, 2};
	record_head(&rec)->second = (struct verdict_key){3, 4};
	decode();
	assert_memory_equal(&decoder.verdict, &verdict, sizeof(verdict));
	assert_memory_equal(&decoder.folder, &folder, sizeof(folder));
	assert_memory_equal(&decoder.own, &own, sizeof(own));
}

/* What the keys of a record are of; where a record has none, something old lies there. */
static void test_keys(void **state)
{
	const struct verdict_key first = {1, 2}, second = {3, 4}, none = {0};

	make_open("x", "/home/me/x", 0, 0);
	assert_keys(first, second, none);
	make_connect(AF_INET, 0, true);
	assert_keys(first, none, second);
	make_exec();
	assert_keys(none, none, none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_known_lies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bind_mount, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_paths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connect, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connect_failed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connect_unix, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sendto, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exec, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exec_failed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fork_exit_cgroup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_by_hand, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_odd_facts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prefixes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
