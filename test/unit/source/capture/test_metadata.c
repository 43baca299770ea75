/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata blocks of every version, written by hand: what arrives at the state is what was written.
 * The state here is a notebook of this file's own, so that every value is seen as the reader gave
 * it. Entries that do not parse cost themselves and no more where the lengths allow it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "blocks.h"
#include "source/capture/capture.h"

struct noted_fd {
	uint32_t tid;
	struct event_fd fd;
	struct str name;
};

/* Strings are borrowed from the file, which is in memory and stays. */
struct state {
	struct process procs[40];
	uint32_t tids[40], vtids[40];
	size_t nprocs;
	struct noted_fd fds[40];
	size_t nfds;
	struct user users[10];
	struct group groups[10];
	size_t nusers, ngroups;
	uint8_t ips[10][16];
	bool is_v6[10];
	size_t nips;
	int refusal;
};

int state_add_thread(struct state *s, uint32_t tid, uint32_t vtid, const struct process *p)
{
	if (s->refusal)
		return s->refusal;
	s->tids[s->nprocs] = tid;
	s->vtids[s->nprocs] = vtid;
	s->procs[s->nprocs++] = *p;
	return 0;
}

int state_add_descriptor(struct state *s, uint32_t tid, const struct event_fd *fd, struct str name)
{
	if (s->refusal)
		return s->refusal;
	s->fds[s->nfds++] = (struct noted_fd){tid, *fd, name};
	return 0;
}

int state_add_user(struct state *s, struct str container_id, const struct user *u)
{
	assert_int_equal(container_id.len, 0);
	s->users[s->nusers++] = *u;
	return 0;
}

int state_add_group(struct state *s, struct str container_id, const struct group *g)
{
	s->groups[s->ngroups++] = *g;
	return 0;
}

int state_add_address(struct state *s, const uint8_t *ip, bool is_v6)
{
	s->is_v6[s->nips] = is_v6;
	memcpy(s->ips[s->nips++], ip, is_v6 ? 16 : 4);
	return 0;
}

static struct buf file;
static struct state notes;
static struct capture *capture;
static const struct capture_info *info;

static int set_up(void **state)
{
	file = BUF_INIT(MADE_MAX_BYTES);
	memset(&notes, 0, sizeof(notes));
	put_section(&file);
	return 0;
}

static int tear_down(void **state)
{
	capture_close(capture);
	capture = NULL;
	buf_done(&file);
	return 0;
}

static void read_made(void)
{
	struct capture_options o = {.state = &notes};
	struct err e = {0};
	int r = capture_open_memory(file.s, file.len, &o, &capture, &e);

	if (r < 0)
		print_error("%s\n", e.msg);
	assert_int_equal(r, 0);
	info = capture_info(capture);
}

#define assert_str(s, lit) assert_true(str_eq(s, STR(lit)))

static void machine(void **state)
{
	const uint32_t types[] = {BLOCK_MACHINE, BLOCK_MACHINE_OLD};

	for (int i = 0; i < 2; i++) {
		buf_clear(&file);
		put_section(&file);
		put_machine(&file, types[i]);
		read_made();
		assert_true(info->has_machine);
		assert_int_equal(info->machine.ncpus, 4);
		assert_int_equal(info->machine.memory_bytes, 8ULL << 30);
		assert_int_equal(info->machine.max_pid, 32768);
		assert_string_equal(info->machine.hostname, "lab");
		assert_int_equal(info->machine.boot_ns, 1600000000ULL * 1000000000);
		assert_int_equal(info->machine.flags, 3);
		tear_down(state);
		set_up(state);
	}
}

static const struct {
	uint32_t type;
	unsigned version;
} process_blocks[] = {
	{BLOCK_PROCESSES_V1, 1},
	{BLOCK_PROCESSES_V1_OLD, 1},
	{BLOCK_PROCESSES_V2, 2},
	{BLOCK_PROCESSES_V2_OLD, 2},
	{BLOCK_PROCESSES_V3, 3},
	{BLOCK_PROCESSES_V3_OLD, 3},
	{BLOCK_PROCESSES_V4, 4},
	{BLOCK_PROCESSES_V5, 5},
	{BLOCK_PROCESSES_V6, 6},
	{BLOCK_PROCESSES_V7, 7},
	{BLOCK_PROCESSES_V8, 8},
	{BLOCK_PROCESSES_V9, 9},
};

static void check_process(unsigned v, const struct process *p)
{
	assert_int_equal(p->pid, 100);
	assert_int_equal(p->ppid, 1);
	assert_int_equal(p->sid, v >= 6 ? 90 : 0);
	assert_int_equal(p->vpgid, v >= 8 ? 91 : 0);
	assert_str(p->comm, "nginx");
	assert_str(p->exe, "nginx: worker");
	assert_true(str_eq(p->exepath, v >= 7 ? STR("/usr/sbin/nginx") : STR("")));
	assert_str(p->args, "-g\0daemon off;");
	assert_str(p->cwd, "/srv");
	assert_int_equal(p->fdlimit, 1024);
	assert_int_equal(p->uid, 33);
	assert_int_equal(p->gid, 34);
	assert_int_equal(p->vmsize_kb, v >= 2 ? 5000 : 0);
	assert_int_equal(p->vmrss_kb, v >= 2 ? 4000 : 0);
	assert_int_equal(p->vmswap_kb, v >= 2 ? 300 : 0);
	assert_int_equal(p->pfmajor, v >= 2 ? 20 : 0);
	assert_int_equal(p->pfminor, v >= 2 ? 21 : 0);
	assert_true(str_eq(p->env, v >= 3 ? STR("HOME=/\0LANG=C") : STR("")));
	assert_int_equal(p->vpid, v >= 4 ? 8 : 100);
	assert_true(str_eq(p->cgroups, v >= 4 ? STR("cpu=/a\0mem=/b") : STR("")));
	assert_true(str_eq(p->root, v >= 5 ? STR("/root") : STR("")));
}

static void processes_of_every_version(void **state)
{
	for (size_t i = 0; i < sizeof(process_blocks) / sizeof(process_blocks[0]); i++) {
		unsigned v = process_blocks[i].version;
		size_t at = block_begin(&file, process_blocks[i].type);
		for (uint64_t tid = 100; tid < 103; tid++)
			put_process(&file, v, tid, SIZE_MAX);
		block_end(&file, at);
		read_made();
		assert_int_equal(info->threads, 3);
		assert_int_equal(info->bad_entries, 0);
		assert_int_equal(notes.nprocs, 3);
		for (unsigned k = 0; k < 3; k++) {
			assert_int_equal(notes.tids[k], 100 + k);
			assert_int_equal(notes.vtids[k], v >= 4 ? 7 : 100 + k);
			check_process(v, &notes.procs[k]);
		}
		tear_down(state);
		set_up(state);
	}
}

enum { TAIL_OLD = 29, TAIL_ALL = 8 + 4 + 29 + 1 + 3 * 8 + 1 + 1 + 8 };

/* What was appended comes field by field; an entry may end behind any of them. */
static void check_tail(size_t n, const struct process *p)
{
	size_t front = n > TAIL_OLD ? 12 : 0;

	assert_int_equal(p->pidns_init_start_ns, front ? 777 : 0);
	assert_int_equal(p->tty, front ? 34816 : 0);
	assert_int_equal(p->loginuid, n >= front + 4 ? 1000 : UINT32_MAX);
	assert_int_equal(p->exe_writable, n >= front + 5);
	assert_int_equal(p->cap_inheritable, n >= front + 13 ? 0x11 : 0);
	assert_int_equal(p->cap_permitted, n >= front + 21 ? 0x12 : 0);
	assert_int_equal(p->cap_effective, n >= front + 29 ? 0x13 : 0);
	assert_int_equal(p->exe_upper_layer, n >= front + 30);
	assert_int_equal(p->exe_ino, n >= front + 38 ? 555 : 0);
	assert_int_equal(p->exe_ino_ctime_ns, n >= front + 46 ? 556 : 0);
	assert_int_equal(p->exe_ino_mtime_ns, n >= front + 54 ? 557 : 0);
	assert_int_equal(p->exe_from_memfd, n >= front + 55);
	assert_int_equal(p->exe_lower_layer, n >= front + 56);
	assert_int_equal(p->pgid, n >= front + 64 ? 92 : 0);
}

static void appended_fields(void **state)
{
	for (size_t n = 0; n <= TAIL_ALL + 8; n++) {
		size_t at = block_begin(&file, BLOCK_PROCESSES_V9);
		put_process(&file, 9, 100, n);
		put_process(&file, 9, 101, n);
		block_end(&file, at);
		read_made();
		assert_int_equal(notes.nprocs, 2);
		check_process(9, &notes.procs[1]);
		check_tail(n, &notes.procs[1]);
		tear_down(state);
		set_up(state);
	}
}

static void ids_that_are_not_known(void **state)
{
	size_t at = block_begin(&file, BLOCK_PROCESSES_V9);
	size_t start = file.len;
	const uint64_t none = UINT64_MAX, large = 1ULL << 40;

	put_process(&file, 9, 100, 0);
	memcpy(file.s + start + 20, &none, 8); /* parent */
	memcpy(file.s + start + 28, &none, 8); /* session */
	put_process(&file, 9, large, 0);       /* no thread has such a number */
	block_end(&file, at);
	read_made();
	assert_int_equal(notes.nprocs, 1);
	assert_int_equal(notes.procs[0].ppid, 0);
	assert_int_equal(notes.procs[0].sid, 0);
	assert_int_equal(info->bad_entries, 1);
}

static void put_fd_payload(struct buf *b, uint8_t type, bool v2)
{
	uint8_t ip[4][16] = {{10, 0, 0, 1}, {10, 0, 0, 2}};

	inet_pton(AF_INET6, "2001:db8::1", ip[2]);
	inet_pton(AF_INET6, "2001:db8::2", ip[3]);
	switch (type) {
	case SCAP_FD_IPV4:
	case SCAP_FD_IPV6:
		put(b, type == SCAP_FD_IPV4 ? ip[0] : ip[2], type == SCAP_FD_IPV4 ? 4 : 16);
		put(b, type == SCAP_FD_IPV4 ? ip[1] : ip[3], type == SCAP_FD_IPV4 ? 4 : 16);
		put_u16(b, 40000);
		put_u16(b, 443);
		put_u8(b, type == SCAP_FD_IPV4 ? SCAP_L4_TCP : SCAP_L4_UDP);
		return;
	case SCAP_FD_IPV4_SERVER:
	case SCAP_FD_IPV6_SERVER:
		put(b, type == SCAP_FD_IPV4_SERVER ? ip[0] : ip[2],
			type == SCAP_FD_IPV4_SERVER ? 4 : 16);
		put_u16(b, 80);
		put_u8(b, SCAP_L4_TCP);
		return;
	case SCAP_FD_UNIX:
		put_u64(b, 0xaaaa);
		put_u64(b, 0xbbbb);
		put_str16(b, STR("/run/x.sock"));
		return;
	case SCAP_FD_FILE_V2:
		put_u32(b, 0x1001);
		put_str16(b, STR("/etc/passwd"));
		if (v2)
			put_u32(b, 0x801);
		return;
	default:
		put_str16(b, STR("name:[7]"));
		return;
	}
}

static void put_all_fds(uint32_t block, bool v2)
{
	size_t at = block_begin(&file, block);

	put_u64(&file, 4711);
	for (uint8_t type = SCAP_FD_FILE; type <= SCAP_FD_PIDFD; type++) {
		size_t entry = fd_begin(&file, v2, type, type);
		put_fd_payload(&file, type, v2);
		fd_end(&file, v2, entry);
	}
	block_end(&file, at);
}

static const enum fd_type expected_types[] = {
	[SCAP_FD_FILE] = FD_FILE,
	[SCAP_FD_DIRECTORY] = FD_DIRECTORY,
	[SCAP_FD_IPV4] = FD_IPV4,
	[SCAP_FD_IPV6] = FD_IPV6,
	[SCAP_FD_IPV4_SERVER] = FD_IPV4_SERVER,
	[SCAP_FD_IPV6_SERVER] = FD_IPV6_SERVER,
	[SCAP_FD_FIFO] = FD_FIFO,
	[SCAP_FD_UNIX] = FD_UNIX,
	[SCAP_FD_EVENT] = FD_EVENT,
	[SCAP_FD_UNSUPPORTED] = FD_OTHER,
	[SCAP_FD_SIGNAL] = FD_SIGNAL,
	[SCAP_FD_EVENTPOLL] = FD_EVENTPOLL,
	[SCAP_FD_INOTIFY] = FD_INOTIFY,
	[SCAP_FD_TIMER] = FD_TIMER,
	[SCAP_FD_NETLINK] = FD_NETLINK,
	[SCAP_FD_FILE_V2] = FD_FILE,
	[SCAP_FD_BPF] = FD_BPF,
	[SCAP_FD_USERFAULT] = FD_USERFAULT,
	[SCAP_FD_IO_URING] = FD_IO_URING,
	[SCAP_FD_MEMFD] = FD_MEMFD,
	[SCAP_FD_PIDFD] = FD_PIDFD,
};

static const struct event_fd *noted(uint8_t type)
{
	return &notes.fds[type - 1].fd;
}

static void check_sockets(void)
{
	const struct event_sock *s = &noted(SCAP_FD_IPV4)->sock;

	assert_true(s->has_local && s->has_remote);
	assert_int_equal(s->family, AF_INET);
	assert_memory_equal(s->local, "\12\0\0\1", 4);
	assert_memory_equal(s->remote, "\12\0\0\2", 4);
	assert_int_equal(s->local_port, 40000);
	assert_int_equal(s->remote_port, 443);
	assert_int_equal(s->l4proto, IPPROTO_TCP);
	assert_true(noted(SCAP_FD_IPV4)->connected);
	s = &noted(SCAP_FD_IPV6)->sock;
	assert_int_equal(s->family, AF_INET6);
	assert_int_equal(s->local[15], 1);
	assert_int_equal(s->remote[15], 2);
	assert_int_equal(s->l4proto, IPPROTO_UDP);
	s = &noted(SCAP_FD_IPV6_SERVER)->sock;
	assert_true(s->has_local && !s->has_remote);
	assert_int_equal(s->local_port, 80);
	assert_int_equal(s->role, ROLE_SERVER);
	s = &noted(SCAP_FD_UNIX)->sock;
	assert_int_equal(s->unix_local, 0xaaaa);
	assert_int_equal(s->unix_peer, 0xbbbb);
	assert_str(s->unix_path, "/run/x.sock");
}

static void descriptors_of_every_type(void **state)
{
	const uint32_t types[] = {BLOCK_FDS_V1, BLOCK_FDS_OLD, BLOCK_FDS_V2};

	for (int i = 0; i < 3; i++) {
		put_all_fds(types[i], i == 2);
		read_made();
		assert_int_equal(notes.nfds, SCAP_FD_PIDFD);
		assert_int_equal(info->descriptors, SCAP_FD_PIDFD);
		assert_int_equal(info->bad_entries, 0);
		for (uint8_t t = SCAP_FD_FILE; t <= SCAP_FD_PIDFD; t++) {
			assert_int_equal(notes.fds[t - 1].tid, 4711);
			assert_int_equal(noted(t)->num, t);
			assert_int_equal(noted(t)->ino, 900 + t);
			assert_int_equal(noted(t)->type, expected_types[t]);
		}
		check_sockets();
		assert_int_equal(noted(SCAP_FD_FILE_V2)->flags, 0x1001);
		assert_int_equal(noted(SCAP_FD_FILE_V2)->dev, i == 2 ? 0x801 : 0);
		assert_str(notes.fds[SCAP_FD_FILE_V2 - 1].name, "/etc/passwd");
		assert_str(notes.fds[SCAP_FD_DIRECTORY - 1].name, "name:[7]");
		assert_str(noted(SCAP_FD_FIFO)->other_name, "name:[7]");
		tear_down(state);
		set_up(state);
	}
}

/* IPv4 over an IPv6 socket. */
static void mapped_addresses(void **state)
{
	uint8_t ip[16];
	size_t at = block_begin(&file, BLOCK_FDS_V2), entry;

	inet_pton(AF_INET6, "::ffff:10.0.0.9", ip);
	put_u64(&file, 1);
	entry = fd_begin(&file, true, 3, SCAP_FD_IPV6);
	put(&file, ip, 16);
	put(&file, ip, 16);
	put_u16(&file, 1);
	put_u16(&file, 2);
	put_u8(&file, SCAP_L4_TCP);
	fd_end(&file, true, entry);
	block_end(&file, at);
	read_made();
	assert_int_equal(notes.fds[0].fd.type, FD_IPV4);
	assert_int_equal(notes.fds[0].fd.sock.family, AF_INET);
	assert_memory_equal(notes.fds[0].fd.sock.remote, "\12\0\0\11", 4);
}

static void interfaces(void **state)
{
	const uint32_t types[] = {BLOCK_INTERFACES_V1, BLOCK_INTERFACES_OLD, BLOCK_INTERFACES_V2};

	for (int i = 0; i < 3; i++) {
		size_t at = block_begin(&file, types[i]);
		put_interface(&file, i == 2, SCAP_IF_IPV4, "10.0.0.1");
		put_interface(&file, i == 2, SCAP_IF_IPV6, "2001:db8::7");
		put_interface(&file, i == 2, SCAP_IF_IPV4_NO_SPEED, "10.0.0.2");
		put_interface(&file, i == 2, SCAP_IF_IPV6_NO_SPEED, "2001:db8::8");
		block_end(&file, at);
		read_made();
		assert_int_equal(info->interfaces, 4);
		assert_int_equal(notes.nips, 4);
		assert_memory_equal(notes.ips[0], "\12\0\0\1", 4);
		assert_memory_equal(notes.ips[2], "\12\0\0\2", 4);
		assert_int_equal(notes.ips[3][15], 8);
		assert_true(notes.is_v6[1] && !notes.is_v6[2]);
		tear_down(state);
		set_up(state);
	}
}

static void users_and_groups(void **state)
{
	const uint32_t types[] = {BLOCK_USERS_V1, BLOCK_USERS_OLD, BLOCK_USERS_V2};

	for (int i = 0; i < 3; i++) {
		size_t at = block_begin(&file, types[i]);
		put_user(&file, i == 2, 0, "root");
		put_group(&file, i == 2, 5, "tty");
		put_user(&file, i == 2, 1000, "eve");
		block_end(&file, at);
		read_made();
		assert_int_equal(info->users, 3);
		assert_int_equal(notes.users[1].uid, 1000);
		assert_int_equal(notes.users[1].gid, 1001);
		assert_str(notes.users[1].name, "eve");
		assert_str(notes.users[1].home, "/home");
		assert_str(notes.users[1].shell, "/bin/sh");
		assert_int_equal(notes.groups[0].gid, 5);
		assert_str(notes.groups[0].name, "tty");
		tear_down(state);
		set_up(state);
	}
}

/* A bad entry costs itself: the length says where the next one is. */
static void bad_entries_are_skipped(void **state)
{
	size_t at = block_begin(&file, BLOCK_PROCESSES_V9), entry;

	put_process(&file, 9, 100, 29);
	entry = entry_begin(&file); /* too short for what it must have */
	put_u64(&file, 5);
	entry_end(&file, entry);
	put_process(&file, 9, 101, 29);
	block_end(&file, at);
	at = block_begin(&file, BLOCK_FDS_V2);
	put_u64(&file, 100);
	entry = fd_begin(&file, true, 3, SCAP_FD_FILE);
	put_u16(&file, 500); /* a name of 500 bytes that is not there */
	fd_end(&file, true, entry);
	entry = fd_begin(&file, true, 4, 99); /* a type of a later version */
	put_u64(&file, 1);
	fd_end(&file, true, entry);
	entry = fd_begin(&file, true, 5, SCAP_FD_FILE);
	put_str16(&file, STR("/x"));
	fd_end(&file, true, entry);
	block_end(&file, at);
	read_made();
	assert_int_equal(info->threads, 2);
	assert_int_equal(notes.tids[1], 101);
	assert_int_equal(info->bad_entries, 2);
	assert_int_equal(notes.nfds, 2);
	assert_int_equal(notes.fds[0].fd.type, FD_OTHER);
	assert_int_equal(notes.fds[1].fd.num, 5);
}

/* Without lengths the rest of the block is lost, and the next block is not. */
static void bad_entries_without_lengths(void **state)
{
	size_t at = block_begin(&file, BLOCK_FDS_V1);

	put_u64(&file, 100);
	fd_begin(&file, false, 3, 99);
	put_u64(&file, 0);
	fd_begin(&file, false, 4, SCAP_FD_FILE);
	put_str16(&file, STR("/x"));
	block_end(&file, at);
	put_machine(&file, BLOCK_MACHINE);
	read_made();
	assert_int_equal(notes.nfds, 0);
	assert_int_equal(info->bad_entries, 1);
	assert_true(info->has_machine);
}

static void entries_that_lie_about_their_length(void **state)
{
	const uint32_t lengths[] = {0, 3, 100000, UINT32_MAX};

	for (size_t i = 0; i < 4; i++) {
		size_t at = block_begin(&file, BLOCK_USERS_V2);
		size_t entry = file.len;
		put_user(&file, true, 1, "liar");
		patch_u32(&file, entry, lengths[i]);
		put_user(&file, true, 2, "eve");
		block_end(&file, at);
		put_machine(&file, BLOCK_MACHINE);
		read_made();
		assert_int_equal(notes.nusers, 0);
		assert_int_equal(info->bad_entries, 1);
		assert_true(info->has_machine);
		tear_down(state);
		set_up(state);
	}
}

/* A host with many threads has a list larger than any buffer. */
static void a_list_of_many_megabytes(void **state)
{
	char *env = malloc(60000);
	size_t at = block_begin(&file, BLOCK_USERS_V2), entry;

	memset(env, 'x', 60000);
	for (int i = 0; i < 100; i++) {
		entry = entry_begin(&file);
		put_u8(&file, SCAP_GROUP);
		put_u32(&file, 1);
		put_str16(&file, STR("g"));
		for (int k = 0; k < 8; k++)
			put(&file, env, 60000);
		entry_end(&file, entry);
	}
	block_end(&file, at);
	notes.ngroups = 0;
	free(env);
	struct capture_options o = {0};
	struct err e = {0};
	assert_int_equal(capture_open_memory(file.s, file.len, &o, &capture, &e), 0);
	assert_int_equal(capture_info(capture)->users, 100);
}

static void what_the_state_refuses_is_counted(void **state)
{
	size_t at = block_begin(&file, BLOCK_PROCESSES_V9);

	put_process(&file, 9, 100, 29);
	block_end(&file, at);
	notes.refusal = -ENOSPC;
	read_made();
	assert_int_equal(info->threads, 0);
	assert_int_equal(info->bad_entries, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(machine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(processes_of_every_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(appended_fields, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ids_that_are_not_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(descriptors_of_every_type, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mapped_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(interfaces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(users_and_groups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_entries_are_skipped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_entries_without_lengths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			entries_that_lie_about_their_length, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_list_of_many_megabytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_the_state_refuses_is_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
