/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writer writes, the reader reads: processes, descriptors, events, what is not available;
 * new files when one is full; values that are left out; a disk that is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/capture/capture.h"

static struct state *live, *seen;
static struct arena arena;
static struct err err;
static char dir[64], path[128];

static struct state *make_state(void)
{
	struct state_options o = {.no_proc = true, .descriptors = true};

	return state_new(&o, &err);
}

static int set_up(void **state)
{
	err = (struct err){0};
	arena_init(&arena, 1 << 24);
	snprintf(dir, sizeof(dir), "/tmp/koban-writer-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.scap", dir);
	live = make_state();
	seen = make_state();
	struct process p = {.pid = 100,
		.ppid = 1,
		.uid = 7,
		.gid = 8,
		.vpid = 100,
		.sid = 90,
		.pgid = 95,
		.vpgid = 95,
		.fdlimit = 1024,
		.tty = 3,
		.loginuid = 1000,
		.cap_effective = 0x55,
		.exe_ino = 77,
		.exe_writable = true};
	p.comm = STR("cat");
	p.exe = STR("cat");
	p.exepath = STR("/bin/cat");
	p.args = STR("-n\0--token=abc\0--password\0hunter2");
	p.env = STR("HOME=/root\0AWS_KEY=s3cret");
	p.cwd = STR("/srv/");
	p.cgroups = STR("cpu=/x\0memory=/y");
	p.root = STR("/");
	assert_int_equal(state_add_thread(live, 100, 100, &p), 0);
	assert_int_equal(state_add_thread(live, 101, 101, &p), 0);
	struct event_fd fd = {.num = 3, .type = FD_FILE, .flags = 1, .dev = 8, .ino = 55};
	assert_int_equal(state_add_descriptor(live, 100, &fd, STR("/etc/hosts")), 0);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	state_free(live);
	state_free(seen);
	arena_done(&arena);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static int64_t res = 3, at_fdcwd = -100;
static uint32_t flags = 1, mode;

/* openat without device and inode, as when it failed */
static struct event made_openat(uint64_t ts_ns)
{
	struct event ev = {.ts_ns = ts_ns,
		.enter_ns = ts_ns - 500,
		.pid = 100,
		.tid = 100,
		.uid = 7,
		.gid = 8,
		.code = EV_OPENAT,
		.cpu = 1,
		.def = event_def(EV_OPENAT)};

	ev.nparams = ev.def->nparams;
	ev.params[0] = str_make((char *)&res, 8);
	ev.params[1] = str_make((char *)&at_fdcwd, 8);
	ev.params[2] = str_make("/etc/passwd", 12);
	ev.params[3] = str_make((char *)&flags, 4);
	ev.params[4] = str_make((char *)&mode, 4);
	return ev;
}

static void write_events(struct capture_writer_options o, unsigned n)
{
	struct capture_writer *w;

	o.path = o.path ? o.path : path;
	assert_int_equal(capture_writer_open(&o, live, &w, &err), 0);
	for (unsigned i = 0; i < n; i++) {
		struct event ev = made_openat(1000000000ULL * (10 + i));
		const struct process *p = state_process_by_pid(live, 100);

		assert_int_equal(capture_write(w, &ev, p, &err), 0);
	}
	assert_int_equal(capture_writer_counters(w).events, n);
	assert_int_equal(capture_writer_close(w, &err), 0);
}

static struct capture *open_file(const char *name)
{
	struct capture_options o = {.state = seen};
	struct capture *c = NULL;
	int r = capture_open(name, &o, &c, &err);

	if (r < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
	return c;
}

static unsigned count(const char *name)
{
	struct capture *c = open_file(name);
	struct event ev;
	unsigned n = 0;
	int r;

	while ((r = capture_next(c, &arena, &ev, &err)) > 0)
		n++;
	assert_int_equal(r, 0);
	capture_close(c);
	return n;
}

static void assert_str(struct str got, struct str wanted)
{
	if (!str_eq(got, wanted))
		print_error("got '%.*s', wanted '%.*s'\n", STR_ARG(got), STR_ARG(wanted));
	assert_true(str_eq(got, wanted));
}

static void check_process(const struct process *p)
{
	assert_non_null(p);
	assert_int_equal(p->ppid, 1);
	assert_int_equal(p->uid, 7);
	assert_int_equal(p->gid, 8);
	assert_int_equal(p->sid, 90);
	assert_int_equal(p->pgid, 95);
	assert_int_equal(p->vpgid, 95);
	assert_int_equal(p->fdlimit, 1024);
	assert_int_equal(p->tty, 3);
	assert_int_equal(p->loginuid, 1000);
	assert_int_equal(p->cap_effective, 0x55);
	assert_int_equal(p->exe_ino, 77);
	assert_true(p->exe_writable);
	assert_str(p->comm, STR("cat"));
	assert_str(p->exepath, STR("/bin/cat"));
	assert_str(p->cwd, STR("/srv"));
}

static void test_head(void **state)
{
	write_events((struct capture_writer_options){0}, 0);
	struct capture *c = open_file(path);
	struct event ev;

	assert_int_equal(capture_next(c, &arena, &ev, &err), 0);
	assert_int_equal(capture_info(c)->threads, 2);
	assert_int_equal(capture_info(c)->descriptors, 1);
	assert_int_equal(capture_info(c)->bad_entries, 0);
	assert_true(capture_info(c)->has_machine);
	assert_int_equal(capture_info(c)->machine.ncpus, sysconf(_SC_NPROCESSORS_CONF));
	const struct process *p = state_process_by_pid(seen, 100);
	check_process(p);
	assert_str(str_head(p->args, 14), STR("-n\0--token=abc"));
	const struct descriptor *d = state_descriptor_find(p, 3);
	assert_non_null(d);
	assert_str(d->name, STR("/etc/hosts"));
	assert_int_equal(d->fd.ino, 55);
	assert_int_equal(d->fd.dev, 8);
	assert_non_null(state_thread_find(seen, 101));
	capture_close(c);
}

/* Arguments that are longer than what tables of processes keep come back as far as that. */
static void test_long_arguments(void **state)
{
	static char text[4097];
	struct event ev;

	memset(text, 'x', sizeof(text));
	for (size_t len = 4093; len <= sizeof(text); len++) {
		struct process p = {.pid = 200, .ppid = 1, .comm = STR("sh"), .args = {text, len}};

		assert_int_equal(state_add_thread(live, 200, 200, &p), 0);
		write_events((struct capture_writer_options){0}, 0);
		struct capture *c = open_file(path);
		assert_int_equal(capture_next(c, &arena, &ev, &err), 0);
		assert_str(state_process_by_pid(seen, 200)->args,
			str_make(text, len < 4096 ? len : 4096));
		capture_close(c);
	}
}

static void check_event(bool gzip)
{
	write_events((struct capture_writer_options){.gzip = gzip}, 3);
	struct capture *c = open_file(path);
	struct event ev, wanted = made_openat(10000000000ULL);

	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_int_equal(capture_info(c)->is_gzip, gzip);
	assert_int_equal(ev.num, 1);
	assert_int_equal(ev.ts_ns, wanted.ts_ns);
	assert_int_equal(ev.enter_ns, wanted.enter_ns);
	assert_int_equal(ev.tid, 100);
	assert_int_equal(ev.cpu, 1);
	assert_int_equal(ev.code, EV_OPENAT);
	assert_int_equal(ev.nparams, wanted.nparams);
	for (unsigned i = 0; i < ev.nparams; i++)
		assert_str(ev.params[i], wanted.params[i]);
	capture_close(c);
	assert_int_equal(count(path), 3);
}

static void test_event(void **state)
{
	check_event(false);
}

static void test_gzip(void **state)
{
	check_event(true);
}

/* What is beyond the parameters: other names, the descriptor, another cgroup, whose copy. */
static void test_beyond(void **state)
{
	struct capture_writer_options o = {.path = path};
	struct capture_writer *w;
	struct event ev = made_openat(1000000000), moved = {.code = EVENT_CGROUP, .pid = 100};
	const struct process *p = state_process_by_pid(live, 100);

	assert_int_equal(capture_writer_open(&o, live, &w, &err), 0);
	assert_int_equal(capture_write(w, &moved, p, &err), 0);
	ev.path.real = STR("/real");
	ev.path.known = STR("/known");
	ev.target.real = STR("/target");
	ev.has_fd = true;
	ev.fd = (struct event_fd){.num = 3,
		.type = FD_IPV4,
		.flags = 2,
		.is_news = true,
		.sock = {.family = 2,
			.type = 1,
			.l4proto = 6,
			.role = ROLE_SERVER,
			.has_local = true,
			.local = {10, 0, 0, 1},
			.local_port = 80}};
	assert_int_equal(capture_write(w, &ev, p, &err), 0);
	ev.fd = (struct event_fd){.num = 3, .type = FD_FIFO, .is_news = true};
	ev.fd.other_name = STR("pipe:[7]");
	ev.path.real = ev.path.known = ev.target.real = STR_NULL;
	assert_int_equal(capture_write(w, &ev, p, &err), 0);
	struct event clone = {.ts_ns = 2000000000,
		.pid = 100,
		.tid = 100,
		.code = EV_CLONE,
		.def = event_def(EV_CLONE)};
	clone.fork.cloner_pid = 99;
	clone.fork.child_tid = 98;
	clone.nparams = clone.def->nparams;
	assert_int_equal(capture_write(w, &clone, p, &err), 0);
	assert_int_equal(capture_writer_close(w, &err), 0);

	struct capture *c = open_file(path);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_str(ev.path.real, STR("/real"));
	assert_str(ev.path.known, STR("/known"));
	assert_str(ev.target.real, STR("/target"));
	assert_str(ev.cgroups, STR("cpu=/x\0memory=/y"));
	assert_true(ev.fd.is_news && ev.fd.sock.has_local && !ev.fd.sock.has_remote);
	assert_int_equal(ev.fd.type, FD_IPV4);
	assert_int_equal(ev.fd.flags, 2);
	assert_int_equal(ev.fd.sock.local[3], 1);
	assert_int_equal(ev.fd.sock.local_port, 80);
	assert_int_equal(ev.fd.sock.role, ROLE_SERVER);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_str(ev.fd.other_name, STR("pipe:[7]"));
	assert_int_equal(ev.cgroups.len, 0); /* said once */
	assert_int_equal(ev.path.real.len, 0);
	assert_int_equal(ev.fork.cloner_pid, 0);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_int_equal(ev.fork.cloner_pid, 99);
	assert_int_equal(ev.fork.child_tid, 98);
	capture_close(c);
}

/* A machine's addresses outlive a file that is written anew. */
static void test_addresses(void **state)
{
	static const uint8_t v4[] = {192, 0, 2, 7}, v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 7};
	struct capture_machine machine = {.ncpus = 1};
	const uint8_t *ip;
	bool is_v6;
	size_t pos = 0;

	state_add_address(live, v6, true);
	state_add_address(live, v4, false);
	write_events((struct capture_writer_options){.machine = &machine}, 1);
	assert_int_equal(count(path), 1);
	ip = state_address_next(seen, &pos, &is_v6);
	assert_true(ip && !is_v6);
	assert_memory_equal(ip, v4, 4);
	ip = state_address_next(seen, &pos, &is_v6);
	assert_true(ip && is_v6);
	assert_memory_equal(ip, v6, 16);
	assert_null(state_address_next(seen, &pos, &is_v6));
}

/* A syscall that is younger than sysdig 0.29 keeps its id for koban, and is no crash for sysdig. */
static void test_young_syscall(void **state)
{
	struct capture_writer_options o = {.path = path};
	struct capture_writer *w;
	uint16_t id = 380, nr = 334, got;
	struct event ev = {.ts_ns = 1,
		.tid = 100,
		.code = EV_SYSCALL,
		.nparams = 2,
		.def = event_def(EV_SYSCALL)};

	ev.params[0] = str_make((char *)&id, 2);
	ev.params[1] = str_make((char *)&nr, 2);
	assert_int_equal(capture_writer_open(&o, live, &w, &err), 0);
	assert_int_equal(capture_write(w, &ev, NULL, &err), 0);
	assert_int_equal(capture_writer_close(w, &err), 0);
	struct capture *c = open_file(path);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_int_equal(ev.params[0].len, 2);
	memcpy(&got, ev.params[0].s, 2);
	assert_int_equal(got, id);
	assert_str(event_type_name(&ev), STR("rseq"));
	capture_close(c);
}

static void test_redaction(void **state)
{
	static const char *const patterns[] = {"AWS_*", "--token", "--password"};

	write_events((struct capture_writer_options){.redact = patterns, .nredact = 3}, 0);
	struct capture *c = open_file(path);
	const struct process *p = state_process_by_pid(seen, 100);
	struct event ev;

	capture_next(c, &arena, &ev, &err);
	assert_str(p->args, STR("-n\0--token=(redacted)\0--password\0(redacted)"));
	assert_str(p->env, STR("HOME=/root\0AWS_KEY=(redacted)"));
	capture_close(c);
}

static void test_no_environment(void **state)
{
	write_events((struct capture_writer_options){.no_environment = true}, 0);
	struct capture *c = open_file(path);
	const struct process *p = state_process_by_pid(seen, 100);

	assert_int_equal(p->env.len, 0);
	assert_true(p->args.len > 0);
	capture_close(c);
}

static unsigned exists(const char *suffix)
{
	char name[160];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return access(name, F_OK) == 0 ? count(name) : 0;
}

static void test_rotation_by_events(void **state)
{
	write_events((struct capture_writer_options){.rotate_events = 2}, 5);
	assert_int_equal(exists("0"), 2);
	assert_int_equal(exists("1"), 2);
	assert_int_equal(exists("2"), 1);
}

static void test_rotation_by_time(void **state)
{
	write_events((struct capture_writer_options){.rotate_s = 3}, 5);
	assert_int_equal(exists("0"), 3);
	assert_int_equal(exists("1"), 2);
}

static void test_rotation_by_size(void **state)
{
	write_events((struct capture_writer_options){.rotate_bytes = 1}, 3);
	assert_int_equal(exists("3"), 1);
}

/* Of five files, two are kept: the numbers begin again. */
static void test_ring_of_files(void **state)
{
	write_events((struct capture_writer_options){.rotate_events = 1, .max_files = 2}, 5);
	assert_int_equal(exists("0"), 1);
	assert_int_equal(exists("1"), 1);
	assert_int_equal(exists("2"), 0);
}

static void test_stdout_is_one_file(void **state)
{
	struct capture_writer_options o = {.path = "-", .rotate_s = 1};
	struct capture_writer *w;

	assert_int_equal(capture_writer_open(&o, live, &w, &err), -EINVAL);
}

static void test_full_disk(void **state)
{
	struct capture_writer_options o = {.path = "/dev/full"};
	struct capture_writer *w;
	struct event ev = made_openat(1);

	if (access("/dev/full", W_OK) < 0) {
		print_message("skipped: needs /dev/full\n");
		skip();
	}
	assert_int_equal(capture_writer_open(&o, live, &w, &err), 0);
	assert_int_equal(capture_write(w, &ev, NULL, &err), 0);
	assert_int_equal(capture_flush(w, &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "/dev/full: No space left on device, after 0 bytes"));
	assert_int_equal(capture_write(w, &ev, NULL, &err), -EIO);
	capture_writer_close(w, NULL);
	/* at the latest when it is closed */
	assert_int_equal(capture_writer_open(&o, live, &w, &err), 0);
	assert_int_equal(capture_writer_close(w, &err), -ENOSPC);
}

/* No room in the middle: the file ends with a whole block. */
static void test_no_room(void **state)
{
	struct capture_writer_options o = {.path = path};
	struct rlimit before, small = {.rlim_cur = 4096};
	struct capture_writer *w;
	int r = 0;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(capture_writer_open(&o, live, &w, &err), 0);
	for (unsigned i = 0; i < 100 && r == 0; i++) {
		struct event ev = made_openat(1000000 * (i + 1));

		r = capture_write(w, &ev, NULL, &err);
	}
	assert_int_equal(r, 0);
	assert_int_equal(capture_writer_close(w, &err), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	unsigned n = count(path);
	assert_true(n > 10 && n < 100);
}

/* Killed in the middle of a block: what came before is read. */
static void test_torn(void **state)
{
	struct stat st;
	struct event ev;

	write_events((struct capture_writer_options){0}, 3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 10), 0);
	struct capture *c = open_file(path);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_int_equal(capture_next(c, &arena, &ev, &err), 1);
	assert_true(capture_next(c, &arena, &ev, &err) < 0);
	capture_close(c);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_head), T(test_long_arguments), T(test_event),
		T(test_gzip), T(test_young_syscall), T(test_redaction), T(test_no_environment),
		T(test_beyond), T(test_addresses), T(test_rotation_by_events),
		T(test_rotation_by_time), T(test_rotation_by_size), T(test_ring_of_files),
		T(test_stdout_is_one_file), T(test_full_disk), T(test_no_room), T(test_torn)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
