/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and listening ports, from /proc/PID/net of one process of each network namespace, and
 * who owns them, from /proc/PID/fd. To look through all descriptors costs most: it is done only
 * when there is a socket whose owner the last time does not tell. Everything is bounded; what is
 * beyond the bounds is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "source/inventory/private.h"

enum {
	NAMESPACES_MAX = INVENTORY_CONTAINERS_MAX + 1,
	FDS_OF_PROCESS_MAX = 1024,
	FDS_MAX = 1 << 17, /* of all processes, each time */
};

/* ---- /proc/PID/net ------------------------------------------------------------------------- */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "0100007F": words of four bytes, as the machine has them in memory. */
static bool parse_ip(struct str text, uint8_t *ret, size_t size)
{
	if (text.len != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text.s[2 * i]), low = hex_value(text.s[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[(i & ~(size_t)3) + 3 - (i & 3)] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool parse_end(struct str text, uint8_t ip[16], uint16_t *port, bool is_v6)
{
	struct str rest = text, host = str_cut(&rest, ':');
	uint64_t n;

	if (!parse_ip(host, ip, is_v6 ? 16 : 4) || !str_to_u64(rest, 16, &n) || n > UINT16_MAX)
		return false;
	*port = (uint16_t)n;
	return true;
}

static struct str next_word(struct str *rest)
{
	while (rest->len && rest->s[0] == ' ')
		*rest = str_skip(*rest, 1);
	return str_cut(rest, ' ');
}

/* An IPv4 peer of an IPv6 socket is shown as what it is. */
static void unmap(struct connection *c)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (!c->is_v6 || memcmp(c->local, mapped, 12) != 0 || memcmp(c->remote, mapped, 12) != 0)
		return;
	memmove(c->local, c->local + 12, 4);
	memmove(c->remote, c->remote + 12, 4);
	c->is_v6 = false;
}

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 12345 …" */
static bool parse_line(struct str line, struct connection *c)
{
	struct str word[10];
	uint64_t state;

	for (int i = 0; i < 10; i++)
		word[i] = next_word(&line);
	if (!parse_end(word[1], c->local, &c->local_port, c->is_v6) ||
		!parse_end(word[2], c->remote, &c->remote_port, c->is_v6) ||
		!str_to_u64(word[3], 16, &state) || !str_to_u64(word[9], 10, &c->inode))
		return false;
	c->state = (uint8_t)state;
	unmap(c);
	return true;
}

/* What is over, or not begun, is nobody's connection any more. */
static bool is_shown(const struct connection *c)
{
	return c->is_udp ? c->local_port != 0 : c->state != TCP_TIME_WAIT && c->state != TCP_CLOSE;
}

void sockets_parse(struct sockets *k, struct str text, bool is_udp, bool is_v6, int container)
{
	str_cut(&text, '\n'); /* the titles */
	while (text.len && k->n < INVENTORY_CONNECTIONS_MAX) {
		struct connection c = {
			.is_udp = is_udp, .is_v6 = is_v6, .container = (int16_t)container};

		if (parse_line(str_cut(&text, '\n'), &c) && is_shown(&c))
			k->all[k->n++] = c;
	}
}

static bool is_listening(const struct connection *c)
{
	return c->is_udp ? c->remote_port == 0 : c->state == TCP_LISTEN;
}

/* Of one namespace: whoever speaks from a port that listens there is the server. */
static void find_roles(struct sockets *k, size_t from)
{
	uint8_t listening[2][65536 / 8] = {0};

	for (size_t i = from; i < k->n; i++) {
		const struct connection *c = &k->all[i];

		if (is_listening(c))
			listening[c->is_udp][c->local_port / 8] |= 1U << (c->local_port % 8);
	}
	for (size_t i = from; i < k->n; i++) {
		struct connection *c = &k->all[i];

		c->is_server = listening[c->is_udp][c->local_port / 8] >> (c->local_port % 8) & 1;
	}
}

static void read_namespace(struct sockets *k, uint32_t pid, int container)
{
	static const struct {
		const char *name;
		bool is_udp, is_v6;
	} files[] = {{"tcp", false, false}, {"tcp6", false, true}, {"udp", true, false},
		{"udp6", true, true}};
	char path[64];
	size_t from = k->n;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, files[i].name);
		ptrdiff_t n = io_read_proc(path, k->text, sizeof(k->text) - 1);
		if (n > 0)
			sockets_parse(k, str_make(k->text, (size_t)n), files[i].is_udp,
				files[i].is_v6, container);
	}
	find_roles(k, from);
}

/* ---- namespaces ---------------------------------------------------------------------------- */

/* 0 when it cannot be told. */
static uint64_t namespace_of(uint32_t pid)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Each namespace once, under the first container that has it: its neighbours are told by owner. */
static void read_namespaces(struct sockets *k, const struct snapshot *n)
{
	uint64_t seen[NAMESPACES_MAX];
	uint64_t host = namespace_of(1), own = namespace_of((uint32_t)getpid());
	size_t nseen = 0;

	/* where the first process cannot be asked, this one stands for the machine */
	read_namespace(k, host ? 1 : (uint32_t)getpid(), HOST);
	seen[nseen++] = host ? host : own;
	for (size_t i = 0; i < n->ncontainers; i++) {
		const struct seen_container *c = &n->containers[i];
		uint64_t ns = c->first_pid ? namespace_of(c->first_pid) : 0;
		bool is_known = !ns || c->host_network;

		for (size_t j = 0; j < nseen && !is_known; j++)
			is_known = seen[j] == ns;
		if (is_known || nseen == NAMESPACES_MAX)
			continue;
		seen[nseen++] = ns;
		read_namespace(k, c->first_pid, (int)i);
	}
}

/* ---- owners -------------------------------------------------------------------------------- */

/* The inode's row, or the empty one where it goes; NULL when the table is full. */
static struct socket_owner *owner_row(struct socket_owner *rows, uint64_t inode)
{
	size_t i = hash_u64(inode) % OWNERS;

	for (size_t tries = 0; tries < OWNERS; tries++, i = (i + 1) % OWNERS)
		if (!rows[i].inode || rows[i].inode == inode)
			return &rows[i];
	return NULL;
}

static int compare_pids(const void *key, const void *row)
{
	uint32_t pid = *(const uint32_t *)key, other = ((const struct seen_process *)row)->pid;

	return (pid > other) - (pid < other);
}

static const struct seen_process *process_of(const struct snapshot *n, uint32_t pid)
{
	return bsearch(&pid, n->processes, n->nprocesses, sizeof(n->processes[0]), compare_pids);
}

static bool is_alive(const struct snapshot *n, const struct socket_owner *o)
{
	const struct seen_process *p = o->pid ? process_of(n, o->pid) : NULL;

	return !o->pid || (p && p->start_ns == o->start_ns);
}

/* A row for each socket, with what the last time knew; the number of those that it did not know. */
static size_t recall(struct sockets *k, const struct snapshot *n)
{
	struct socket_owner *rows = k->owners[k->now], *last = k->owners[!k->now];
	size_t unknown = 0;

	memset(rows, 0, sizeof(k->owners[0]));
	for (size_t i = 0; i < k->n; i++) {
		uint64_t inode = k->all[i].inode;
		struct socket_owner *row = inode ? owner_row(rows, inode) : NULL;
		struct socket_owner *old = inode ? owner_row(last, inode) : NULL;

		if (!row)
			continue;
		row->inode = inode;
		if (old && old->inode == inode && is_alive(n, old))
			*row = *old;
		else
			unknown++;
	}
	return unknown;
}

static void look_at(
	struct socket_owner *rows, const struct seen_process *p, int dir, const char *name)
{
	char link[64];
	ssize_t n = readlinkat(dir, name, link, sizeof(link));
	struct str s = str_make(link, n > 0 ? (size_t)n : 0);
	uint64_t inode;

	if (!str_starts(s, STR("socket:[")) || !str_ends(s, STR("]")) ||
		!str_to_u64(str_make(s.s + 8, s.len - 9), 10, &inode) || !inode)
		return;
	struct socket_owner *row = owner_row(rows, inode);
	/* of several that share it, the one that was started first */
	if (row && row->inode && (!row->pid || p->start_ns < row->start_ns)) {
		row->pid = p->pid;
		row->start_ns = p->start_ns;
	}
}

static void look_through(struct socket_owner *rows, const struct seen_process *p, size_t *budget)
{
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%u/fd", p->pid);
	DIR *d = opendir(path);
	if (!d)
		return;
	for (struct dirent *de; n < FDS_OF_PROCESS_MAX && *budget && (de = readdir(d));) {
		if (de->d_name[0] == '.')
			continue;
		look_at(rows, p, dirfd(d), de->d_name);
		n++;
		--*budget;
	}
	closedir(d);
}

static void find_owners(struct sockets *k, const struct snapshot *n)
{
	struct socket_owner *rows = k->owners[k->now];
	size_t budget = FDS_MAX;

	if (recall(k, n))
		for (size_t i = 0; i < n->nprocesses && budget; i++)
			look_through(rows, &n->processes[i], &budget);
	for (size_t i = 0; i < k->n; i++) {
		struct connection *c = &k->all[i];
		const struct socket_owner *row = c->inode ? owner_row(rows, c->inode) : NULL;
		const struct seen_process *p = row && row->pid ? process_of(n, row->pid) : NULL;

		if (!p)
			continue;
		c->pid = p->pid;
		c->comm = p->comm;
		c->container = p->container;
	}
	k->now = !k->now;
}

void sockets_read(struct sockets *k, const struct snapshot *n)
{
	k->n = 0;
	read_namespaces(k, n);
	find_owners(k, n);
}
