/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor lists: what one thread's process had open when the capture began. u64 tid, then
 * entries [V2 u32 length (counts itself)], u64 number, u64 inode, u8 type and by type:
 *
 *	IPv4, IPv6        u32 or 16 bytes: source, destination, u16 ports of both, u8 protocol
 *	the same, server  address, u16 port, u8 protocol
 *	unix              u64 source, u64 destination, name (u16 + bytes)
 *	file V2           u32 open flags, name, u32 device if it fits
 *	the others        name
 *
 * (scap_fd_read_from_disk() in userspace/libscap/engine/savefile/scap_savefile.c.) The source is
 * the local end: the list is made from /proc/net.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "source/capture/read.h"

/* Of those that have a name and nothing else. */
static enum fd_type named_type(uint8_t type)
{
	static const uint8_t types[] = {
		[SCAP_FD_FILE] = FD_FILE,
		[SCAP_FD_DIRECTORY] = FD_DIRECTORY,
		[SCAP_FD_FIFO] = FD_FIFO,
		[SCAP_FD_EVENT] = FD_EVENT,
		[SCAP_FD_UNSUPPORTED] = FD_OTHER,
		[SCAP_FD_SIGNAL] = FD_SIGNAL,
		[SCAP_FD_EVENTPOLL] = FD_EVENTPOLL,
		[SCAP_FD_INOTIFY] = FD_INOTIFY,
		[SCAP_FD_TIMER] = FD_TIMER,
		[SCAP_FD_NETLINK] = FD_NETLINK,
		[SCAP_FD_BPF] = FD_BPF,
		[SCAP_FD_USERFAULT] = FD_USERFAULT,
		[SCAP_FD_IO_URING] = FD_IO_URING,
		[SCAP_FD_MEMFD] = FD_MEMFD,
		[SCAP_FD_PIDFD] = FD_PIDFD,
	};

	return type < sizeof(types) ? types[type] : FD_UNKNOWN;
}

static void set_protocol(uint8_t l4, struct event_sock *s)
{
	static const struct {
		uint8_t proto, type;
	} rows[] = {
		[SCAP_L4_TCP] = {IPPROTO_TCP, SOCK_STREAM},
		[SCAP_L4_UDP] = {IPPROTO_UDP, SOCK_DGRAM},
		[SCAP_L4_ICMP] = {IPPROTO_ICMP, SOCK_RAW},
		[SCAP_L4_RAW] = {IPPROTO_RAW, SOCK_RAW},
	};

	if (l4 < sizeof(rows) / sizeof(rows[0])) {
		s->l4proto = rows[l4].proto;
		s->type = rows[l4].type;
	}
}

static void take_ip(struct cursor *in, size_t size, uint8_t *ret)
{
	const uint8_t *p = cursor_take(in, size);

	if (p)
		memcpy(ret, p, size);
}

static bool is_mapped(const uint8_t *ip)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

/* IPv4 over a socket of IPv6 is IPv4 to everybody who reads it. */
static void unmap(struct event_fd *fd)
{
	struct event_sock *s = &fd->sock;

	if (!is_mapped(s->local) || !is_mapped(s->remote))
		return;
	memmove(s->local, s->local + 12, 4);
	memmove(s->remote, s->remote + 12, 4);
	memset(s->local + 4, 0, 12);
	memset(s->remote + 4, 0, 12);
	s->family = AF_INET;
	fd->type = FD_IPV4;
}

static void read_pair(struct cursor *in, bool is_v6, struct event_fd *fd)
{
	struct event_sock *s = &fd->sock;
	size_t size = is_v6 ? 16 : 4;

	fd->type = is_v6 ? FD_IPV6 : FD_IPV4;
	s->family = is_v6 ? AF_INET6 : AF_INET;
	take_ip(in, size, s->local);
	take_ip(in, size, s->remote);
	s->local_port = cursor_u16(in);
	s->remote_port = cursor_u16(in);
	set_protocol(cursor_u8(in), s);
	s->has_local = s->has_remote = true;
	fd->connected = s->l4proto == IPPROTO_TCP;
	if (is_v6)
		unmap(fd);
}

static void read_server(struct cursor *in, bool is_v6, struct event_fd *fd)
{
	struct event_sock *s = &fd->sock;

	fd->type = is_v6 ? FD_IPV6_SERVER : FD_IPV4_SERVER;
	s->family = is_v6 ? AF_INET6 : AF_INET;
	take_ip(in, is_v6 ? 16 : 4, s->local);
	s->local_port = cursor_u16(in);
	set_protocol(cursor_u8(in), s);
	s->has_local = true;
	s->role = ROLE_SERVER;
}

static void read_unix(struct cursor *in, struct event_fd *fd)
{
	struct event_sock *s = &fd->sock;

	fd->type = FD_UNIX;
	s->family = AF_UNIX;
	s->unix_local = cursor_u64(in);
	s->unix_peer = cursor_u64(in);
	s->unix_path = cursor_cstr16(in);
	/* who has the name is the one that others connect to */
	s->role = s->unix_path.len ? ROLE_SERVER : ROLE_CLIENT;
}

static void read_file(struct cursor *in, bool has_length, struct event_fd *fd, struct str *name)
{
	fd->type = FD_FILE;
	fd->flags = cursor_u32(in);
	*name = cursor_cstr16(in);
	if (has_length && cursor_left(in) >= 4)
		fd->dev = cursor_u32(in);
}

static bool is_path(enum fd_type t)
{
	return t == FD_FILE || t == FD_DIRECTORY;
}

static void read_by_type(
	struct cursor *in, uint8_t type, unsigned version, struct event_fd *fd, struct str *name)
{
	switch (type) {
	case SCAP_FD_IPV4:
	case SCAP_FD_IPV6:
		read_pair(in, type == SCAP_FD_IPV6, fd);
		return;
	case SCAP_FD_IPV4_SERVER:
	case SCAP_FD_IPV6_SERVER:
		read_server(in, type == SCAP_FD_IPV6_SERVER, fd);
		return;
	case SCAP_FD_UNIX:
		read_unix(in, fd);
		*name = fd->sock.unix_path;
		return;
	case SCAP_FD_FILE_V2:
		read_file(in, version >= 2, fd, name);
		return;
	}
	fd->type = named_type(type);
	if (fd->type == FD_UNKNOWN) {
		/* of a later version; its length says where the next one is, if it has one */
		fd->type = FD_OTHER;
		in->p = in->end;
		in->bad = version < 2;
		return;
	}
	*name = cursor_cstr16(in);
	if (!is_path(fd->type))
		fd->other_name = *name;
}

static bool read_fd(struct capture *c, struct cursor *in, unsigned version)
{
	struct event_fd fd = {.num = (int64_t)cursor_u64(in)};
	struct str name = STR_NULL;

	fd.ino = cursor_u64(in);
	uint8_t type = cursor_u8(in);
	read_by_type(in, type, version, &fd, &name);
	if (in->bad || (c->o.state && state_add_descriptor(c->o.state, c->fds_tid, &fd, name) < 0))
		return false;
	c->info.descriptors++;
	return true;
}

int read_fds(struct list *l, unsigned version, struct err *e)
{
	struct cursor in;
	bool is_cut;
	int r = list_window(l, &in, &is_cut, e);

	if (r <= 0)
		return r;
	uint64_t tid = cursor_u64(&in);
	if (in.bad)
		return is_cut ? read_cut_off(l->c, &l->block, e) : 0;
	r = list_skip(l, 8, e);
	if (r < 0)
		return r;
	l->c->fds_tid = tid <= UINT32_MAX ? (uint32_t)tid : 0;
	return read_list(l, (struct list_shape){version >= 2, true}, read_fd, version, e);
}
