/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters as Falco prints them, by table: event, parameter, value, plain and resolved text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "make_event.h"

static const struct number_case {
	uint16_t code;
	const char *param;
	uint64_t value;
	const char *plain, *resolved;
} numbers[] = {
	{EV_OPENAT, "flags", 0x1001, "4097", "O_RDONLY|O_CLOEXEC"},
	{EV_OPENAT, "flags", 0x3, "3", "O_RDWR"},
	{EV_OPENAT, "flags", 0x106, "262", "O_TRUNC|O_CREAT|O_WRONLY"},
	{EV_OPENAT, "flags", 0, "0", "O_NONE"},
	{EV_OPENAT, "flags", 0x8000001, "134217729", "O_RDONLY"},
	{EV_OPENAT, "mode", 0644, "0644", ""},
	{EV_OPENAT, "mode", 0, "0", ""},
	{EV_OPENAT, "dev", 0xfd00, "FD00", ""},
	{EV_OPENAT, "fd", (uint64_t)-2, "-2", "ENOENT"},
	{EV_OPENAT, "dirfd", (uint64_t)-100, "-100", "AT_FDCWD"},
	{EV_OPENAT, "dirfd", 7, "7", ""},
	{EV_UNLINK, "res", (uint64_t)-1, "-1", "EPERM"},
	{EV_UNLINK, "res", 0, "0", ""},
	{EV_UNLINK, "res", 5, "5", ""},
	{EV_UNLINK, "res", (uint64_t)-512, "-512", "ERESTARTSYS"},
	{EV_UNLINK, "res", (uint64_t)-9999, "-9999", ""},
	{EV_UNLINK, "res", 1ULL << 63, "-9223372036854775808", ""},
	{EV_SOCKET, "domain", 2, "2", "AF_INET"},
	{EV_SOCKET, "domain", 1, "1", "AF_LOCAL|AF_UNIX"},
	{EV_SOCKET, "domain", 16, "16", "AF_ROUTE|AF_NETLINK"},
	{EV_SOCKET, "domain", 200, "200", ""},
	{EV_SOCKET, "type", 0xffffffff, "-1", ""},
	{EV_KILL, "sig", 9, "9", "SIGKILL"},
	{EV_KILL, "sig", 34, "34", ""},
	{EV_KILL, "pid", (uint64_t)-1, "-1", ""},
	{EV_CHMOD, "mode", 0755, "0755", "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR"},
	{EV_CHMOD, "mode", 04000, "04000", "S_ISUID"},
	{EV_MKNOD, "mode", 060600, "060600",
		"S_IWUSR|S_IRUSR|S_IFBLK"}, /* shares a bit with S_IFCHR */
	{EV_MKNOD, "mode", 0140000, "0140000", "S_IFSOCK"},
	{EV_MMAP, "addr", 0xffff800000000000, "FFFF800000000000", ""},
	{EV_MMAP, "prot", 0, "0", "PROT_NONE"},
	{EV_MMAP, "prot", 5, "5", "PROT_READ|PROT_EXEC"},
	{EV_LSEEK, "whence", 0, "0", "SEEK_SET"},
	{EV_LSEEK, "whence", 2, "2", "SEEK_END"},
	{EV_SHUTDOWN, "how", 0xff, "255", "SHUT_UNKNOWN"},
	{EV_NANOSLEEP, "interval", 1500000000, "1500000000", "1.5s"},
	{EV_NANOSLEEP, "interval", 0, "0", "0s"},
	{EV_NANOSLEEP, "interval", UINT64_MAX, "none", ""},
	{EV_SETUID, "uid", 1000, "1000", ""},
	{EV_SETUID, "uid", UINT32_MAX, "-1", "<NONE>"},
	{EV_PPOLL, "sigmask", 0x4001, "SIGHUP SIGTERM", ""},
	{EV_PPOLL, "sigmask", 0, "", ""},
	{EV_ACCESS, "mode", 6, "6", "R_OK|W_OK"},
	{EV_ACCESS, "mode", 0, "0", "F_OK"},
	{EV_BPF, "cmd", 10, "10", "BPF_PROG_TEST_RUN|BPF_PROG_RUN"},
	{EV_SYSCALL, "ID", 3, "3", "read"},
	{EV_PTRACE, "request", 11, "11", "PTRACE_ATTACH"},
};

static void test_numbers(void **state)
{
	struct buf b = BUF_INIT(4096);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct number_case *c = &numbers[i];
		struct made m;

		make_event(&m, c->code);
		unsigned p = make_num(&m, c->param, c->value);

		event_param_plain(&m.ev, p, &b);
		assert_buf(&b, c->plain);
		event_param_resolved(&m.ev, p, &b);
		assert_buf(&b, c->resolved);
		event_param_format(&m.ev, p, &b);
		assert_buf(&b, *c->resolved ? c->resolved : c->plain);
	}
	buf_done(&b);
}

static const struct raw_case {
	uint16_t code;
	const char *param;
	struct str raw;
	const char *text;
} raws[] = {
	{EV_WRITE, "data", {"GET /\r\n\0\xff", 9}, "GET /...."},
	{EV_WRITE, "data", {"", 0}, "NULL"},
	{EV_EXECVE, "args", {"-c\0id\0", 6}, "-c.id."},
	{EV_EXECVE, "args", {"", 0}, "NULL"},
	{EV_EXECVE, "exe", {"", 0}, "<NA>"},
	{EV_EXECVE, "exe", {"", 1}, ""},
	{EV_EXECVE, "exe", {"a\nb", 4}, "a\nb"},
	{EV_OPENAT, "flags", {"", 0}, "<NA>"},
	{EV_OPENAT, "flags", {"\1", 1}, "<NA>"},
	{EV_OPENAT, "fd", {"\1", 1}, "<NA>"},
	{EV_MKNOD, "dev", {"\1", 1}, "<NA>"},
	{EV_SETUID, "uid", {"\1", 1}, "<NA>"},
	{EV_NANOSLEEP, "interval", {"\1", 1}, "<NA>"},
	{EV_BIND, "addr", {"\2\x7f\0\0\1\x50\0", 7}, "127.0.0.1:80"},
	{EV_BIND, "addr", {"\2\x7f\0", 3}, "INVALID IPv4"},
	{EV_BIND, "addr", {"\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xbb\1", 19}, "::1:443"},
	{EV_BIND, "addr", {"\n\0", 2}, "INVALID IPv6"},
	{EV_BIND, "addr", {"\1/run/x", 8}, "/run/x"},
	{EV_BIND, "addr", {"\x28", 1}, "family 40"},
	{EV_BIND, "addr", {"", 0}, "<NA>"},
	{EV_CONNECT, "tuple", {"\2\n\0\0\1\xe8\x03\n\0\0\2\xbb\1", 13},
		"10.0.0.1:1000->10.0.0.2:443"},
	{EV_CONNECT, "tuple", {"\2\n\0\0\1\xe8\x03\n\0\0\2\xbb", 12}, "INVALID IPv4"},
	{EV_CONNECT, "tuple", {"", 0}, "NULL"},
	{EV_CONNECT, "tuple", {"\1\xab\0\0\0\0\0\0\0\xcd\0\0\0\0\0\0\0/run/x", 24},
		"ab->cd /run/x"},
	{EV_CONNECT, "tuple", {"\1\xab", 2}, "INVALID PATH"},
	{EV_POLL, "fds", {"\2\0\3\0\0\0\0\0\0\0\1\0\4\0\0\0\0\0\0\0\5\0", 22}, "3:?1 4:?5"},
	{EV_POLL, "fds", {"\2\0\3\0\0\0\0\0\0\0\1\0\4\0", 14}, "3:?1"},
	{EV_POLL, "fds", {"\xff\xff", 2}, ""},
	{EV_SETSOCKOPT, "val", {"\2\1\0\0\0", 5}, "1"},
	{EV_SETSOCKOPT, "val", {"\0ab\1", 4}, "ab."},
	{EV_SETSOCKOPT, "val", {"\1\xf3\xff\xff\xff\xff\xff\xff\xff", 9}, "EACCES"},
	{EV_SETSOCKOPT, "val", {"\x09", 1}, "INVALID DYNAMIC PARAMETER"},
	{EV_SETSOCKOPT, "val", {"", 0}, "NULL"},
	{EV_PTRACE, "addr", {"\0\xef\xbe\0\0\0\0\0\0", 9}, "BEEF"},
	{EV_PTRACE, "data", {"\1\x09", 2}, "SIGKILL"},
	{EV_KEYCTL, "arg2", {"\1user", 6}, "user"},
	{EV_TASK_FILE_SOCKET_INET, "local_ip", {"\1\2\3\4", 4}, "1.2.3.4"},
	{EV_TASK_FILE_SOCKET_INET, "local_ip", {"\1\2", 2}, "INVALID IPv4"},
};

static void test_bytes(void **state)
{
	struct buf b = BUF_INIT(4096);

	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		struct made m;

		make_event(&m, raws[i].code);
		event_param_format(
			&m.ev, make_raw(&m, raws[i].param, raws[i].raw.s, raws[i].raw.len), &b);
		assert_buf(&b, raws[i].text);
	}
	buf_done(&b);
}

static void test_absolute_time(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct made m;

	setenv("TZ", "UTC", 1);
	tzset();
	make_event(&m, EV_EXECVE);
	event_param_format(&m.ev, make_num(&m, "exe_ino_mtime", 1000000000000000007), &b);
	assert_buf(&b, "2001-09-09 01:46:40.000000007 +0000");
	buf_done(&b);
}

static void make_openat(struct made *m)
{
	make_event(m, EV_OPENAT);
	make_num(m, "fd", 3);
	make_num(m, "dirfd", (uint64_t)-100);
	make_str(m, "name", "passwd");
	make_num(m, "flags", 0x1001);
	make_num(m, "mode", 0);
	make_num(m, "dev", 0x801);
	make_num(m, "ino", 77);
	m->ev.has_fd = true;
	m->ev.fd.num = 3;
	m->ev.fd.type = FD_FILE;
	m->ev.path.raw = STR("passwd");
	m->ev.path.name = STR("/etc/passwd");
}

static void test_args(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct made m;

	make_openat(&m);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "fd=3(<f>/etc/passwd) dirfd=-100(AT_FDCWD) name=passwd(/etc/passwd) "
		       "flags=4097(O_RDONLY|O_CLOEXEC) mode=0 dev=801 ino=77");
	m.ev.nparams = 2; /* a capture of an older schema has fewer */
	event_args_format(&m.ev, &b);
	assert_buf(&b, "fd=3(<f>/etc/passwd) dirfd=-100(AT_FDCWD)");
	m.ev.nparams = EVENT_PARAMS_MAX; /* and a broken one says more than there are */
	event_args_format(&m.ev, &b);
	assert_int_equal(str_find(buf_str(&b), STR("ino=77")), b.len - 6);
	buf_clear(&b);
	make_event(&m, EV_SYSCALL);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "");
	make_event(&m, EV_GETSOCKNAME);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "");
	m.ev.def = NULL;
	event_args_format(&m.ev, &b);
	assert_buf(&b, "");
	buf_done(&b);
}

/* A buffer that is full at any place stays a whole, cut string. */
/* Old events of captures, shown as they are. */
static void test_args_of_old_events(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct made m;

	make_event(&m, EV_OPEN_E);
	make_str(&m, "name", "/etc/passwd");
	make_num(&m, "flags", 1);
	make_num(&m, "mode", 0);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "name=/etc/passwd flags=1(O_RDONLY) mode=0");
	m.ev.nparams = 0; /* it had none at first */
	event_args_format(&m.ev, &b);
	assert_buf(&b, "");
	make_event(&m, 102); /* openat, enter */
	make_num(&m, "dirfd", (uint64_t)-100);
	make_str(&m, "name", "x");
	make_num(&m, "flags", 6);
	make_num(&m, "mode", 0644);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "dirfd=-100(AT_FDCWD) name=x flags=6(O_CREAT|O_WRONLY) mode=0644");
	make_event(&m, 160); /* mmap, enter */
	make_num(&m, "length", 8192);
	make_num(&m, "prot", 3);
	make_num(&m, "flags", 10);
	make_num(&m, "addr", 0xbeef);
	make_num(&m, "fd", (uint64_t)-1);
	make_num(&m, "offset", 0);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "addr=BEEF length=8192 prot=3(PROT_READ|PROT_WRITE) "
		       "flags=10(MAP_PRIVATE|MAP_ANONYMOUS) fd=-1(EPERM) offset=0");
	make_event(&m, 297);
	make_raw(&m, "res_or_fd", "\1\376\377\377\377\377\377\377\377", 9);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "res_or_fd=-2(ENOENT)");
	make_event(&m, 0);
	make_num(&m, "ID", 3);
	event_args_format(&m.ev, &b);
	assert_buf(&b, "");
	buf_done(&b);
}

static void test_args_in_a_small_buffer(void **state)
{
	struct buf whole = BUF_INIT(4096);
	struct made m;

	make_openat(&m);
	event_args_format(&m.ev, &whole);
	for (size_t max = 1; max < whole.len; max++) {
		struct buf b = BUF_INIT(max);

		event_args_format(&m.ev, &b);
		assert_true(b.len <= max && b.cut);
		assert_int_equal(strlen(b.s), b.len);
		buf_done(&b);
		/* where there is room for the first ones only */
		b = BUF_INIT(whole.len + max);
		buf_reserve(&b, max);
		event_args_format(&m.ev, &b);
		assert_string_equal(b.s, whole.s);
		buf_done(&b);
	}
	buf_done(&whole);
}

/* evt.args as its two forms say it, one parameter by itself after the other. */
static void add_slowly(const struct event *ev, struct buf *out)
{
	for (unsigned i = 0; i < ev->def->nparams; i++) {
		uint8_t type = ev->def->params[i].type;
		struct buf name = BUF_INIT(4096);

		buf_printf(out, "%s%s=", i ? " " : "", ev->def->params[i].name);
		event_param_plain(ev, i, out);
		event_param_resolved(ev, i, &name);
		/* integers have one form, and so have results that are no error */
		if (name.len && type > PT_UINT64)
			buf_printf(out, "(%s)", name.s);
		buf_done(&name);
	}
}

/*
 * All numbers of all events, at values that mean something to one kind and nothing or something
 * else to another. The memo must not be seen, in whatever order it learns and forgets.
 */
static void test_memo(void **state)
{
	static const uint64_t values[] = {0, 1, 2, 3, 5, 9, 0x1001, 0106644, 0777, 0x7fffffff,
		0x80000000, UINT32_MAX, 1500000000, 1ULL << 63, (uint64_t)-1, (uint64_t)-2,
		(uint64_t)-100, (uint64_t)-512, (uint64_t)-9999};
	enum { NVALUES = sizeof(values) / sizeof(values[0]) };
	struct event_memo *memo = calloc(1, sizeof(*memo));
	const struct event_style with_memo = {.memo = memo}, without = {0};
	struct buf b = BUF_INIT(65536), plain = BUF_INIT(65536), want = BUF_INIT(65536);
	unsigned nshort = 0, nlong = 0;

	setenv("TZ", "UTC", 1);
	tzset();
	for (unsigned i = 0; i < 4 * NVALUES * EVENT_CODE_MAX; i++) {
		/* an event twice with a value, then all others, then again with the next value */
		uint16_t code = (uint16_t)(i / 2 % EVENT_CODE_MAX);
		uint64_t value = values[i / 2 / EVENT_CODE_MAX % NVALUES];
		struct made m;

		if (!event_def(code) || code <= EV_SYSCALL)
			continue;
		make_event(&m, code);
		for (unsigned k = 0; k < m.ev.def->nparams; k++) {
			bool is_signed;
			enum param_type t = m.ev.def->params[k].type;

			if (param_type_size(t, &is_signed) && t != PT_ABSTIME)
				make_num(&m, m.ev.def->params[k].name, value + (i & 1) * k);
		}
		buf_clear(&b);
		buf_clear(&plain);
		buf_clear(&want);
		event_args_format_as(&m.ev, &with_memo, &b);
		event_args_format_as(&m.ev, &without, &plain);
		add_slowly(&m.ev, &want);
		if (!str_eq(buf_str(&b), buf_str(&want)) ||
			!str_eq(buf_str(&plain), buf_str(&want)))
			fail_msg("%s: '%s' with a memo, '%s' without, '%s' expected",
				m.ev.def->name, b.s, plain.s, want.s);
	}
	for (unsigned i = 0; i < EVENT_MEMO_ROWS; i++) {
		nshort += memo->rows[i].def && memo->rows[i].len <= 32;
		nlong += memo->rows[i].def && memo->rows[i].len > 32;
	}
	assert_true(nshort && nlong); /* both ways out of it were gone */
	free(memo);
	buf_done(&b);
	buf_done(&plain);
	buf_done(&want);
}

/* What is too long to be kept is written all the same, and its row serves others. */
static void test_memo_of_long_names(void **state)
{
	struct event_memo memo = {0};
	const struct event_style style = {.memo = &memo};
	struct buf b = BUF_INIT(4096);
	struct made m;

	make_event(&m, EV_MOUNT);
	make_num(&m, "flags", UINT32_MAX);
	for (int i = 0; i < 2; i++) {
		buf_clear(&b);
		event_args_format_as(&m.ev, &style, &b);
		const char *text = strstr(b.s, " flags=4294967295(RDONLY|NOSUID|");

		assert_non_null(text);
		assert_non_null(strstr(text, "|ACTIVE|NOUSER)"));
		assert_true(strlen(text) > EVENT_MEMO_TEXT);
	}
	for (unsigned i = 0; i < EVENT_MEMO_ROWS; i++)
		assert_null(memo.rows[i].def);
	make_num(&m, "flags", 3);
	for (int i = 0; i < 2; i++) {
		buf_clear(&b);
		event_args_format_as(&m.ev, &style, &b);
		assert_non_null(strstr(b.s, " flags=3(RDONLY|NOSUID)"));
	}
	buf_done(&b);
}

static void test_descriptors(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct made m;

	make_event(&m, EV_READ);
	unsigned p = make_num(&m, "fd", 5);

	event_param_format(&m.ev, p, &b);
	assert_buf(&b, "5"); /* nothing is known of it */
	m.ev.has_fd = true;
	m.ev.fd.num = 5;
	m.ev.fd.type = FD_IPV4;
	m.ev.fd.sock = (struct event_sock){.l4proto = 6,
		.role = ROLE_CLIENT,
		.has_local = true,
		.has_remote = true,
		.local = {10, 0, 0, 1},
		.local_port = 40000,
		.remote = {1, 2, 3, 4},
		.remote_port = 443};
	event_param_format(&m.ev, p, &b);
	assert_buf(&b, "<4t>10.0.0.1:40000->1.2.3.4:443");
	m.ev.fd.type = FD_FIFO;
	m.ev.fd.other_name = STR("pipe:[12]");
	event_param_format(&m.ev, p, &b);
	assert_buf(&b, "<p>pipe:[12]");
	m.ev.fd.num = 6; /* another descriptor than the parameter's */
	event_param_format(&m.ev, p, &b);
	assert_buf(&b, "5");
	buf_done(&b);
}

static void test_second_path(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct made m;

	make_event(&m, EV_RENAME);
	m.ev.path = (struct event_path){.raw = STR("a"), .name = STR("/tmp/a")};
	m.ev.target = (struct event_path){.raw = STR("b"), .name = STR("/tmp/b")};
	event_param_format(&m.ev, make_str(&m, "oldpath", "a"), &b);
	assert_buf(&b, "/tmp/a");
	event_param_format(&m.ev, make_str(&m, "newpath", "b"), &b);
	assert_buf(&b, "/tmp/b");
	event_param_format(&m.ev, make_str(&m, "newpath", "/x/../b"), &b);
	assert_buf(&b, "/x/../b"); /* absolute: as given */
	event_param_format(&m.ev, make_str(&m, "newpath", "c"), &b);
	assert_buf(&b, "c"); /* not the path that the source resolved */
	buf_done(&b);
}

/* Any bytes in any parameter of any event: the sanitizers watch. */
static void test_hostile_bytes(void **state)
{
	struct buf b = BUF_INIT(65536);
	uint64_t seed = 1;

	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		struct event ev = {.code = (uint16_t)code, .def = event_def((uint16_t)code)};
		char *heap[EVENT_PARAMS_MAX];

		if (!ev.def)
			continue;
		ev.nparams = EVENT_PARAMS_MAX;
		ev.has_fd = true;
		for (int i = 0; i < EVENT_PARAMS_MAX; i++) {
			size_t len = (seed = hash_u64(seed + 1)) % 24;

			heap[i] = malloc(len ? len : 1); /* exactly so long, for the sanitizers */
			for (size_t k = 0; k < len; k++)
				heap[i][k] = (char)(seed = hash_u64(seed + 1));
			if (len && seed % 2)
				heap[i][0] = (char)(seed % 11);
			ev.params[i] = str_make(heap[i], len);
		}
		event_args_format(&ev, &b);
		for (unsigned i = 0; i < EVENT_PARAMS_MAX; i++)
			event_param_format(&ev, i, &b);
		buf_clear(&b);
		for (int i = 0; i < EVENT_PARAMS_MAX; i++)
			free(heap[i]);
	}
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_absolute_time),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_args_of_old_events),
		cmocka_unit_test(test_args_in_a_small_buffer),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_memo_of_long_names),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_second_path),
		cmocka_unit_test(test_hostile_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
