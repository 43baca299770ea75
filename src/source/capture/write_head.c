/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a capture begins with: the machine, its addresses, users, threads and what they have open,
 * as the state knows them now. Only the current blocks are made; long lists become several blocks
 * of the same kind. The layouts are described where they are read.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "source/capture/write.h"

enum { ENTRY_ROOM = 64 << 10 /* no entry is longer */ };

static void emit(struct head_writer *h, struct encoder *c)
{
	if (!h->error && !c->full)
		h->error = h->sink(h->arg, c->start, encoder_len(c));
	else if (!h->error)
		h->error = -E2BIG;
	*c = encoder_of(h->buf, h->size);
}

static struct encoder begin(struct head_writer *h)
{
	return encoder_of(h->buf, h->size);
}

/* Between two entries: a long list goes on in a new block. */
static void next_block(struct head_writer *h, struct encoder *c, size_t *at, uint32_t type)
{
	if (encoder_len(c) + ENTRY_ROOM < h->size)
		return;
	block_end(c, *at);
	emit(h, c);
	*at = block_begin(c, type);
}

static void write_section(struct head_writer *h)
{
	struct encoder c = begin(h);
	size_t at = block_begin(&c, BLOCK_SECTION);

	put_u32(&c, SECTION_MAGIC);
	put_u16(&c, SCAP_MAJOR);
	put_u16(&c, SCAP_MINOR);
	put_u64(&c, UINT64_MAX); /* how long the section is, nobody knows yet */
	block_end(&c, at);
	emit(h, &c);
}

/* ---- the machine ---- */

static struct capture_machine this_machine(void)
{
	struct capture_machine m = {
		.ncpus = (uint32_t)get_nprocs_conf(),
		.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.boot_ns = clock_boot_to_epoch_ns(),
	};
	char text[32];
	ptrdiff_t n = io_read_proc("/proc/sys/kernel/pid_max", text, sizeof(text));

	if (n > 0)
		str_to_u64(str_trim(str_make(text, (size_t)n)), 10, &m.max_pid);
	if (gethostname(m.hostname, sizeof(m.hostname) - 1) < 0)
		m.hostname[0] = 0;
	return m;
}

static void write_machine(struct head_writer *h)
{
	struct capture_machine m = h->machine ? *h->machine : this_machine();
	struct encoder c = begin(h);
	size_t at = block_begin(&c, BLOCK_MACHINE);

	put_u32(&c, m.ncpus);
	put_u64(&c, m.memory_bytes);
	put_u64(&c, m.max_pid);
	put_bytes(&c, m.hostname, HOSTNAME_BYTES);
	put_u64(&c, m.boot_ns);
	put_u64(&c, m.flags);
	put_u64(&c, 0);
	put_u64(&c, 0);
	block_end(&c, at);
	emit(h, &c);
}

/* ---- its addresses ---- */

static void put_address(struct encoder *c, const struct sockaddr *a, bool is_v6)
{
	static const uint8_t zeros[16];
	const void *p = zeros;

	if (a && is_v6)
		p = &((const struct sockaddr_in6 *)a)->sin6_addr;
	else if (a)
		p = &((const struct sockaddr_in *)a)->sin_addr;
	put_bytes(c, p, is_v6 ? 16 : 4);
}

static void write_interface(struct encoder *c, const struct ifaddrs *i)
{
	bool is_v6 = i->ifa_addr->sa_family == AF_INET6;
	struct str name = str_head(str_of(i->ifa_name), WRITE_NAME_MAX);

	put_u32(c, 2 + 2 + 3 * (is_v6 ? 16 : 4) + 8 + name.len); /* does not count itself */
	put_u16(c, is_v6 ? SCAP_IF_IPV6 : SCAP_IF_IPV4);
	put_u16(c, name.len);
	put_address(c, i->ifa_addr, is_v6);
	put_address(c, i->ifa_netmask, is_v6);
	put_address(c, is_v6 ? NULL : i->ifa_broadaddr, is_v6);
	put_u64(c, 0); /* speed */
	put_bytes(c, name.s, name.len);
}

/* Of a capture that is written anew its own, not this machine's: their names are not kept. */
static void write_known_addresses(struct head_writer *h, struct encoder *c, size_t *at)
{
	static const uint8_t ones[16] = {
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
	const uint8_t *ip;
	bool is_v6;

	for (int v6 = 0; v6 < 2; v6++) {
		size_t pos = 0, n = v6 ? 16 : 4;

		while ((ip = state_address_next(h->state, &pos, &is_v6))) {
			if (is_v6 != v6)
				continue;
			next_block(h, c, at, BLOCK_INTERFACES_V2);
			put_u32(c, 2 + 2 + 3 * n + 8);
			put_u16(c, v6 ? SCAP_IF_IPV6 : SCAP_IF_IPV4);
			put_u16(c, 0);
			put_bytes(c, ip, n);
			put_bytes(c, ones, n); /* mask */
			put_bytes(c, ip, n);   /* broadcast */
			put_u64(c, 0);
		}
	}
}

static void write_interfaces(struct head_writer *h)
{
	static const int families[] = {AF_INET, AF_INET6}; /* in this order, other readers expect */
	struct ifaddrs *all = NULL;
	struct encoder c = begin(h);
	size_t at = block_begin(&c, BLOCK_INTERFACES_V2);

	if (h->machine) {
		write_known_addresses(h, &c, &at);
		block_end(&c, at);
		emit(h, &c);
		return;
	}
	if (getifaddrs(&all) < 0)
		all = NULL;
	for (int f = 0; f < 2; f++)
		for (struct ifaddrs *i = all; i; i = i->ifa_next)
			if (i->ifa_addr && i->ifa_addr->sa_family == families[f]) {
				next_block(h, &c, &at, BLOCK_INTERFACES_V2);
				write_interface(&c, i);
			}
	if (all)
		freeifaddrs(all);
	block_end(&c, at);
	emit(h, &c);
}

/* ---- its users ---- */

static void write_user(struct encoder *c, const struct user *u)
{
	size_t at = entry_begin(c);

	put_u8(c, SCAP_USER);
	put_u32(c, u->uid);
	put_u32(c, u->gid);
	put_str16(c, u->name, WRITE_NAME_MAX - 1);
	put_str16(c, u->home, WRITE_PATH_MAX);
	put_str16(c, u->shell, WRITE_PATH_MAX);
	entry_end(c, at);
}

static void write_group(struct encoder *c, const struct group *g)
{
	size_t at = entry_begin(c);

	put_u8(c, SCAP_GROUP);
	put_u32(c, g->gid);
	put_str16(c, g->name, WRITE_NAME_MAX - 1);
	entry_end(c, at);
}

static void write_users(struct head_writer *h)
{
	struct encoder c = begin(h);
	size_t at = block_begin(&c, BLOCK_USERS_V2), pos = 0;
	const struct user *u;
	const struct group *g;

	while ((u = state_user_next(h->state, &pos))) {
		next_block(h, &c, &at, BLOCK_USERS_V2);
		write_user(&c, u);
	}
	pos = 0;
	while ((g = state_group_next(h->state, &pos))) {
		next_block(h, &c, &at, BLOCK_USERS_V2);
		write_group(&c, g);
	}
	block_end(&c, at);
	emit(h, &c);
}

/* ---- threads ---- */

/* Strings end in a NUL each, the last one too unless it was cut to what a table holds. */
static void put_vector(struct encoder *c, struct str v)
{
	v = str_head(v, WRITE_VECTOR_MAX);
	bool add = v.len && v.len < WRITE_VECTOR_MAX && v.s[v.len - 1];

	put_u16(c, v.len + add);
	put_bytes(c, v.s, v.len);
	if (add)
		put_u8(c, 0);
}

static void put_redacted(struct encoder *c, struct redact *r, struct str v, bool is_environment)
{
	char out[WRITE_VECTOR_MAX * 2];

	put_vector(c, r ? redact_vector(r, v, is_environment, out, sizeof(out)) : v);
}

static void write_process_tail(struct encoder *c, const struct process *p)
{
	put_u64(c, p->pidns_init_start_ns);
	put_u32(c, p->tty);
	put_u32(c, p->loginuid);
	put_u8(c, p->exe_writable);
	put_u64(c, p->cap_inheritable);
	put_u64(c, p->cap_permitted);
	put_u64(c, p->cap_effective);
	put_u8(c, p->exe_upper_layer);
	put_u64(c, p->exe_ino);
	put_u64(c, p->exe_ino_ctime_ns);
	put_u64(c, p->exe_ino_mtime_ns);
	put_u8(c, p->exe_from_memfd);
	put_u8(c, p->exe_lower_layer);
	put_u64(c, p->pgid);
}

void write_process(struct encoder *c, struct redact *r, const struct process *p, uint32_t tid,
	uint32_t vtid, struct str comm)
{
	enum { FILES = 0x1, FS = 0x2, SIGHAND = 0x800, THREAD = 0x2000, VM = 0x8000 };
	size_t at = entry_begin(c);

	put_u64(c, tid);
	put_u64(c, p->pid);
	put_u64(c, p->ppid);
	put_u64(c, p->sid);
	put_u64(c, p->vpgid);
	put_str16(c, comm.len ? comm : p->comm, WRITE_PATH_MAX);
	put_str16(c, p->exe, WRITE_PATH_MAX);
	put_str16(c, p->exepath, WRITE_PATH_MAX);
	put_redacted(c, r, p->args, false);
	put_str16(c, p->cwd, WRITE_PATH_MAX);
	put_u64(c, p->fdlimit);
	put_u32(c, tid == p->pid ? 0 : THREAD | SIGHAND | VM | FILES | FS);
	put_u32(c, p->uid);
	put_u32(c, p->gid);
	put_u32(c, p->vmsize_kb);
	put_u32(c, p->vmrss_kb);
	put_u32(c, p->vmswap_kb);
	put_u64(c, p->pfmajor);
	put_u64(c, p->pfminor);
	put_redacted(c, r, p->env, true);
	put_u64(c, vtid ? vtid : tid);
	put_u64(c, p->vpid ? p->vpid : p->pid);
	put_vector(c, p->cgroups);
	put_str16(c, p->root, WRITE_PATH_MAX);
	write_process_tail(c, p);
	entry_end(c, at);
}

static bool begins_later(const struct head_writer *h, const struct process *p)
{
	return h->until_ns && p->start_epoch_ns >= h->until_ns;
}

static void write_threads(struct head_writer *h)
{
	struct encoder c = begin(h);
	size_t at = block_begin(&c, BLOCK_PROCESSES_V9), pos = 0;
	const struct thread *t;

	while ((t = state_thread_next(h->state, &pos))) {
		if (begins_later(h, t->proc))
			continue;
		next_block(h, &c, &at, BLOCK_PROCESSES_V9);
		write_process(&c, h->redact, t->proc, t->tid, t->vtid, t->comm);
	}
	block_end(&c, at);
	emit(h, &c);
}

/* ---- what they have open ---- */

/*
 * Kinds above 16 are younger than 2022, and a reader from before stops at them with an error: what
 * they are is told by the name ("anon_inode:[pidfd]").
 */
static uint8_t fd_type_of(const struct event_fd *fd)
{
	static const uint8_t types[] = {
		[FD_UNKNOWN] = SCAP_FD_UNSUPPORTED,
		[FD_FILE] = SCAP_FD_FILE_V2,
		[FD_DIRECTORY] = SCAP_FD_DIRECTORY,
		[FD_IPV4] = SCAP_FD_IPV4,
		[FD_IPV6] = SCAP_FD_IPV6,
		[FD_UNIX] = SCAP_FD_UNIX,
		[FD_FIFO] = SCAP_FD_FIFO,
		[FD_EVENT] = SCAP_FD_EVENT,
		[FD_SIGNAL] = SCAP_FD_SIGNAL,
		[FD_EVENTPOLL] = SCAP_FD_EVENTPOLL,
		[FD_INOTIFY] = SCAP_FD_INOTIFY,
		[FD_TIMER] = SCAP_FD_TIMER,
		[FD_NETLINK] = SCAP_FD_NETLINK,
		[FD_PACKET] = SCAP_FD_UNSUPPORTED,
		[FD_BPF] = SCAP_FD_UNSUPPORTED,
		[FD_USERFAULT] = SCAP_FD_UNSUPPORTED,
		[FD_IO_URING] = SCAP_FD_UNSUPPORTED,
		[FD_MEMFD] = SCAP_FD_UNSUPPORTED,
		[FD_PIDFD] = SCAP_FD_UNSUPPORTED,
		[FD_DEVICE] = SCAP_FD_FILE_V2,
		[FD_OTHER] = SCAP_FD_UNSUPPORTED,
		[FD_IPV4_SERVER] = SCAP_FD_IPV4_SERVER,
		[FD_IPV6_SERVER] = SCAP_FD_IPV6_SERVER,
	};

	return fd->type < sizeof(types) ? types[fd->type] : SCAP_FD_UNSUPPORTED;
}

static uint8_t l4_of(const struct event_sock *s)
{
	switch (s->l4proto) {
	case IPPROTO_TCP:
		return SCAP_L4_TCP;
	case IPPROTO_UDP:
		return SCAP_L4_UDP;
	case IPPROTO_ICMP:
		return SCAP_L4_ICMP;
	case IPPROTO_RAW:
		return SCAP_L4_RAW;
	default:
		return s->l4proto ? SCAP_L4_NONE : SCAP_L4_UNKNOWN;
	}
}

/* The list's source is the local end, as in /proc/net. */
static void put_pair(struct encoder *c, const struct event_sock *s, size_t size)
{
	put_bytes(c, s->local, size);
	put_bytes(c, s->remote, size);
	put_u16(c, s->local_port);
	put_u16(c, s->remote_port);
	put_u8(c, l4_of(s));
}

static void put_server(struct encoder *c, const struct event_sock *s, size_t size)
{
	put_bytes(c, s->local, size);
	put_u16(c, s->local_port);
	put_u8(c, l4_of(s));
}

static void put_unix(struct encoder *c, const struct descriptor *d)
{
	put_u64(c, d->fd.sock.unix_local);
	put_u64(c, d->fd.sock.unix_peer);
	put_str16(c, d->fd.sock.unix_path.len ? d->fd.sock.unix_path : d->name, WRITE_PATH_MAX);
}

void write_descriptor(struct encoder *c, const struct descriptor *d)
{
	size_t at = entry_begin(c);
	uint8_t type = fd_type_of(&d->fd);

	put_u64(c, (uint64_t)d->fd.num);
	put_u64(c, d->fd.ino);
	put_u8(c, type);
	switch (type) {
	case SCAP_FD_IPV4:
	case SCAP_FD_IPV6:
		put_pair(c, &d->fd.sock, type == SCAP_FD_IPV6 ? 16 : 4);
		break;
	case SCAP_FD_IPV4_SERVER:
	case SCAP_FD_IPV6_SERVER:
		put_server(c, &d->fd.sock, type == SCAP_FD_IPV6_SERVER ? 16 : 4);
		break;
	case SCAP_FD_UNIX:
		put_unix(c, d);
		break;
	case SCAP_FD_FILE_V2:
		put_u32(c, d->fd.flags);
		put_str16(c, d->name, WRITE_PATH_MAX);
		put_u32(c, d->fd.dev);
		break;
	default:
		put_str16(c, d->name.len ? d->name : d->fd.other_name, WRITE_PATH_MAX);
	}
	entry_end(c, at);
}

/* A process's descriptors are its leader's; of the other threads other readers expect an empty
 * list. */
static void write_descriptors(struct head_writer *h, const struct thread *t)
{
	struct encoder c = begin(h);
	size_t at = block_begin(&c, BLOCK_FDS_V2), pos = 0;
	const struct descriptor *d;

	put_u64(&c, t->tid);
	while (t->tid == t->proc->pid && (d = state_descriptor_next(t->proc, &pos))) {
		if (encoder_len(&c) + ENTRY_ROOM >= h->size) {
			next_block(h, &c, &at, BLOCK_FDS_V2);
			put_u64(&c, t->tid);
		}
		write_descriptor(&c, d);
	}
	block_end(&c, at);
	emit(h, &c);
}

int write_head(struct head_writer *h)
{
	size_t pos = 0;
	const struct thread *t;

	h->error = 0;
	write_section(h);
	write_machine(h);
	write_interfaces(h);
	write_users(h);
	write_threads(h);
	while (!h->error && (t = state_thread_next(h->state, &pos)))
		if (!begins_later(h, t->proc))
			write_descriptors(h, t);
	return h->error;
}
