/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads and open descriptors of all processes from /proc, before a capture is written. What
 * goes away while it is read is left out. Which socket a descriptor is, its link says by inode; the
 * ends of all sockets are in /proc/PID/net, read once for each network namespace.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "engine/state/private.h"

enum {
	PATH_SIZE = 4096,
	LINE_SIZE = 1024,
	SOCKETS_MAX = 1 << 20,
	NAMESPACES_MAX = 4096,
	WORDS_MAX = 16,
	TCP_LISTEN = 10,            /* include/net/tcp_states.h */
	EPHEMERAL_PORT_MIN = 32768, /* as the live sensor guesses */
};

struct socket_row {
	uint64_t ino;
	struct event_fd fd;
	struct str path; /* of the arena */
};

struct seeding {
	struct state *s;
	struct arena arena; /* rows of sockets, their paths */
	struct table sockets;
	uint64_t namespaces[NAMESPACES_MAX]; /* net, that were read */
	size_t nnamespaces;
};

static bool socket_eq(const void *row, const void *key)
{
	return ((const struct socket_row *)row)->ino == *(const uint64_t *)key;
}

/* ---- the sockets of a network namespace ---- */

static size_t split(struct str line, struct str *words)
{
	size_t n = 0;

	while (line.len && n < WORDS_MAX) {
		line = str_trim(line);
		size_t i = 0;

		/* a path may hold blanks: the last word is the rest */
		while (i < line.len && (n + 1 == WORDS_MAX || !isspace((unsigned char)line.s[i])))
			i++;
		if (i)
			words[n++] = str_head(line, i);
		line = str_skip(line, i);
	}
	return n;
}

static uint64_t hex(struct str s)
{
	uint64_t v;

	return str_to_u64(s, 16, &v) ? v : 0;
}

static uint64_t decimal(struct str s)
{
	uint64_t v;

	return str_to_u64(s, 10, &v) ? v : 0;
}

/* "0100007F:1F90": words of 32 bits as the machine has them in memory */
static bool read_end(struct str text, uint8_t *ip, uint16_t *port)
{
	struct str addr = str_cut(&text, ':');
	bool is_set = false;

	for (size_t i = 0; i + 8 <= addr.len && i < 32; i += 8) {
		uint32_t word = (uint32_t)hex(str_make(addr.s + i, 8));

		memcpy(ip + i / 2, &word, 4);
		is_set |= word != 0;
	}
	*port = (uint16_t)hex(text);
	return is_set || *port;
}

static void add_socket(struct seeding *g, uint64_t ino, const struct event_fd *fd, struct str path)
{
	struct socket_row *row;

	if (!ino || table_find(&g->sockets, hash_u64(ino), &ino) ||
		!(row = arena_new(&g->arena, struct socket_row)))
		return;
	row->ino = ino;
	row->fd = *fd;
	row->fd.ino = ino;
	row->path = path.len ? arena_str(&g->arena, path) : STR_NULL;
	(void)!table_put(&g->sockets, hash_u64(ino), row);
}

struct net_file {
	const char *name;
	uint16_t family;
	uint8_t type, l4proto;
	uint8_t inode_at;
};

static void read_inet(struct seeding *g, const struct net_file *f, const struct str *w)
{
	struct event_fd fd = {.type = f->family == AF_INET ? FD_IPV4 : FD_IPV6,
		.sock = {.family = f->family, .type = f->type, .l4proto = f->l4proto}};
	struct event_sock *s = &fd.sock;

	s->has_local = read_end(w[1], s->local, &s->local_port);
	read_end(w[2], s->remote, &s->remote_port);
	s->has_remote = s->remote_port != 0;
	fd.connected = s->has_remote;
	if (s->has_remote)
		s->role = s->local_port < EPHEMERAL_PORT_MIN && s->local_port < s->remote_port
				  ? ROLE_SERVER
				  : ROLE_CLIENT;
	else if (f->l4proto != IPPROTO_TCP || hex(w[3]) == TCP_LISTEN)
		s->role = s->local_port ? ROLE_SERVER : ROLE_NONE;
	add_socket(g, decimal(w[f->inode_at]), &fd, STR_NULL);
}

static void read_unix(struct seeding *g, const struct net_file *f, const struct str *w, size_t n)
{
	struct event_fd fd = {.type = FD_UNIX, .sock = {.family = AF_UNIX}};

	fd.sock.type = (uint8_t)hex(w[4]);
	fd.sock.unix_local = hex(str_head(w[0], w[0].len - 1));
	add_socket(g, decimal(w[f->inode_at]), &fd, n > 7 ? w[7] : STR_NULL);
}

static void read_line(struct seeding *g, const struct net_file *f, struct str line)
{
	struct event_fd fd = {.type = f->family == AF_NETLINK ? FD_NETLINK : FD_PACKET,
		.sock = {.family = f->family, .type = f->type}};
	struct str w[WORDS_MAX];
	size_t n = split(line, w);

	if (n <= f->inode_at)
		return;
	if (f->family == AF_UNIX)
		read_unix(g, f, w, n);
	else if (f->family == AF_INET || f->family == AF_INET6)
		read_inet(g, f, w);
	else
		add_socket(g, decimal(w[f->inode_at]), &fd, STR_NULL);
}

static void read_net_file(struct seeding *g, uint32_t pid, const struct net_file *f)
{
	char path[PATH_SIZE], line[LINE_SIZE], name[32];
	FILE *in;

	snprintf(name, sizeof(name), "net/%s", f->name);
	path_in_proc(g->s, pid, name, path, sizeof(path));
	if (!(in = fopen(path, "re")))
		return;
	/* the first line is the heading */
	for (bool is_first = true; fgets(line, sizeof(line), in); is_first = false)
		if (!is_first && g->sockets.count < SOCKETS_MAX)
			read_line(g, f, str_trim(str_of(line)));
	fclose(in);
}

static void read_namespace(struct seeding *g, uint32_t pid)
{
	static const struct net_file files[] = {
		{"tcp", AF_INET, SOCK_STREAM, IPPROTO_TCP, 9},
		{"tcp6", AF_INET6, SOCK_STREAM, IPPROTO_TCP, 9},
		{"udp", AF_INET, SOCK_DGRAM, IPPROTO_UDP, 9},
		{"udp6", AF_INET6, SOCK_DGRAM, IPPROTO_UDP, 9},
		{"raw", AF_INET, SOCK_RAW, IPPROTO_RAW, 9},
		{"raw6", AF_INET6, SOCK_RAW, IPPROTO_RAW, 9},
		{"unix", AF_UNIX, 0, 0, 6},
		{"netlink", AF_NETLINK, SOCK_RAW, 0, 9},
		{"packet", AF_PACKET, SOCK_RAW, 0, 8},
	};
	char path[PATH_SIZE];
	struct stat st;

	path_in_proc(g->s, pid, "ns/net", path, sizeof(path));
	if (stat(path, &st) < 0)
		return;
	for (size_t i = 0; i < g->nnamespaces; i++)
		if (g->namespaces[i] == st.st_ino)
			return;
	if (g->nnamespaces == NAMESPACES_MAX)
		return;
	g->namespaces[g->nnamespaces++] = st.st_ino;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		read_net_file(g, pid, &files[i]);
}

/* ---- the descriptors of a process ---- */

static const struct {
	const char *link;
	enum fd_type type;
} anon_kinds[] = {
	{"anon_inode:[eventfd]", FD_EVENT}, {"anon_inode:[eventpoll]", FD_EVENTPOLL},
	{"anon_inode:[signalfd]", FD_SIGNAL}, {"anon_inode:[timerfd]", FD_TIMER},
	{"anon_inode:[io_uring]", FD_IO_URING}, {"anon_inode:[userfaultfd]", FD_USERFAULT},
	{"anon_inode:[pidfd]", FD_PIDFD}, {"anon_inode:inotify", FD_INOTIFY},
	{"anon_inode:bpf", FD_BPF}, /* bpf-map, bpf-prog, bpf_link … */
};

static enum fd_type kind_of(struct str link, mode_t mode)
{
	if (str_starts(link, STR("/memfd:")))
		return FD_MEMFD;
	for (size_t i = 0; i < sizeof(anon_kinds) / sizeof(*anon_kinds); i++)
		if (str_starts(link, str_of(anon_kinds[i].link)))
			return anon_kinds[i].type;
	if (link.len && link.s[0] == '/')
		return S_ISDIR(mode) ? FD_DIRECTORY : FD_FILE;
	return str_starts(link, STR("pipe:[")) ? FD_FIFO : FD_OTHER;
}

/* "flags:\t02100002": octal, the kernel's numbers */
static uint32_t read_flags(struct state *s, uint32_t pid, const char *num)
{
	char path[PATH_SIZE], name[64];
	uint64_t flags;

	snprintf(name, sizeof(name), "fdinfo/%s", num);
	path_in_proc(s, pid, name, path, sizeof(path));
	ptrdiff_t n = io_read_proc(path, s->proc_buf, 256);
	struct str text = n > 0 ? str_make(s->proc_buf, (size_t)n) : STR_NULL;
	ptrdiff_t at = str_find(text, STR("flags:"));

	if (at < 0)
		return 0;
	text = str_skip(text, (size_t)at + 6);
	return str_to_u64(str_trim(str_cut(&text, '\n')), 8, &flags)
		       ? (uint32_t)event_convert(CONV_open_flags, flags)
		       : 0;
}

static void seed_socket(
	struct seeding *g, struct row *r, int64_t num, struct str link, uint32_t flags)
{
	struct str text = str_skip(link, 8); /* socket:[ */
	uint64_t ino = decimal(str_cut(&text, ']'));
	const struct socket_row *sock = table_find(&g->sockets, hash_u64(ino), &ino);
	struct event_fd fd = sock ? sock->fd : (struct event_fd){.type = FD_OTHER, .ino = ino};

	fd.flags = flags;
	fd_put(g->s, r, num, &fd, sock ? sock->path : link, 0);
}

static void seed_fd(struct seeding *g, struct row *r, int dir, const char *name)
{
	char target[PATH_SIZE];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));
	uint64_t num;

	if (n <= 0 || !str_to_u64(str_of(name), 10, &num))
		return;
	struct str link = str_make(target, (size_t)n);
	uint32_t flags = read_flags(g->s, r->p.pid, name);

	if (str_starts(link, STR("socket:["))) {
		seed_socket(g, r, (int64_t)num, link, flags);
		return;
	}
	/* what the kernel has in its cache: a dead file server must not hold us up */
	struct statx st = {.stx_ino = 0};
	struct event_fd fd = {.flags = flags};

	(void)!statx(dir, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st);
	fd.type = kind_of(link, st.stx_mode);
	fd.ino = st.stx_ino;
	fd.dev = st.stx_dev_major << 20 | st.stx_dev_minor;
	fd_put(g->s, r, (int64_t)num, &fd, link, 0);
}

static void seed_fds(struct seeding *g, struct row *r)
{
	char path[PATH_SIZE];

	path_in_proc(g->s, r->p.pid, "fd", path, sizeof(path));
	DIR *dir = opendir(path);

	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (g->s->fds.count >= g->s->o.max_descriptors)
			break;
		seed_fd(g, r, dirfd(dir), e->d_name);
	}
	closedir(dir);
}

/* ---- its threads ---- */

static uint32_t read_vtid(struct state *s, uint32_t pid, const char *tid)
{
	char path[PATH_SIZE], name[64];

	snprintf(name, sizeof(name), "task/%s/status", tid);
	path_in_proc(s, pid, name, path, sizeof(path));
	ptrdiff_t n = io_read_proc(path, s->proc_buf, PATH_SIZE);
	struct str text = n > 0 ? str_make(s->proc_buf, (size_t)n) : STR_NULL;
	ptrdiff_t at = str_find(text, STR("\nNSpid:"));

	if (at < 0)
		return 0;
	text = str_skip(text, (size_t)at + 7);
	text = str_trim(str_cut(&text, '\n'));
	ptrdiff_t last = str_rfind_char(text, '\t');

	return (uint32_t)decimal(last < 0 ? text : str_skip(text, (size_t)last + 1));
}

static void seed_thread(struct state *s, struct row *r, const char *name)
{
	char path[PATH_SIZE], file[64];
	uint64_t tid;

	if (!str_to_u64(str_of(name), 10, &tid) || !tid || tid >= UINT32_MAX)
		return;
	bool in_ns = r->p.vpid && r->p.vpid != r->p.pid;
	struct thread_row *t =
		thread_add(s, (uint32_t)tid, in_ns ? read_vtid(s, r->p.pid, name) : 0, r);

	if (!t || tid == r->p.pid)
		return;
	snprintf(file, sizeof(file), "task/%s/comm", name);
	path_in_proc(s, r->p.pid, file, path, sizeof(path));
	ptrdiff_t n = io_read_proc(path, s->proc_buf, 64);
	struct str comm = n > 0 ? str_trim(str_make(s->proc_buf, (size_t)n)) : STR_NULL;

	if (comm.len && !str_eq(comm, r->p.comm))
		thread_rename(s, t, comm);
}

static void seed_threads(struct state *s, struct row *r)
{
	char path[PATH_SIZE];

	path_in_proc(s, r->p.pid, "task", path, sizeof(path));
	DIR *dir = opendir(path);

	if (!dir)
		return;
	for (struct dirent *e; (e = readdir(dir));)
		if (isdigit((unsigned char)e->d_name[0]))
			seed_thread(s, r, e->d_name);
	closedir(dir);
}

int state_seed_descriptors(struct state *s, struct err *e)
{
	struct seeding *g;
	size_t pos = 0;

	if (!s->o.descriptors || s->o.no_proc)
		return err_set(e, EINVAL, "the state keeps no live descriptors");
	if (!(g = calloc(1, sizeof(*g))))
		return err_set(e, ENOMEM, "open descriptors: out of memory");
	g->s = s;
	arena_init(&g->arena, 0);
	table_init(&g->sockets, socket_eq, SOCKETS_MAX);
	for (struct row *r; (r = table_next(&s->by_pid, &pos));) {
		read_namespace(g, r->p.pid);
		seed_threads(s, r);
		seed_fds(g, r);
	}
	(void)!state_user(s, NULL, 0); /* reads the host's users and groups */
	table_done(&g->sockets);
	arena_done(&g->arena);
	free(g);
	return 0;
}
