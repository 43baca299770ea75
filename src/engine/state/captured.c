/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a capture's metadata blocks hold goes into the tables: processes and threads, open
 * descriptors, users, groups, the machine's addresses. All of it is copied. Blocks come in any
 * order within themselves, so parents are found when all are there.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "engine/state/private.h"

enum { LATE_SHARE = 16 };

/* ---- processes ---- */

static void copy_values(struct state *s, struct row *r, const struct process *from)
{
	struct process *p = &r->p;
	struct text_values text = text_get(from);

	row_copy_values(s, r, from);
	p->is_stub = false;
	p->is_from_proc = true;
	text.v[TEXT_CWD] = path_normalise(&s->scratch, STR_NULL, text.v[TEXT_CWD]);
	s->n.text_cut += !text_set(&s->texts, p, &text);
	if (!p->vpid)
		p->vpid = p->pid;
}

/* The file names the parent's thread. */
static void link_parent(struct state *s, struct row *r)
{
	struct thread_row *t;

	if (r->p.parent || !r->p.ppid || r->p.ppid == r->p.pid || !(t = thread_find(s, r->p.ppid)))
		return;
	r->p.ppid = t->row->p.pid;
	row_set_parent(s, r, t->row);
}

int state_add_thread(struct state *s, uint32_t tid, uint32_t vtid, const struct process *p)
{
	uint32_t pid = p->pid ? p->pid : tid;
	struct row *r = row_by_pid(s, pid);
	bool is_new = !r;

	if (!s->o.descriptors || !tid)
		return -EINVAL;
	if (is_new && s->by_key.count >= s->o.max_processes)
		return -ENOSPC;
	if (is_new && !(r = row_add(s, pid, p->start_ns)))
		return -ENOMEM;
	/* the leader's word counts; another thread's until it comes */
	if (is_new || tid == pid) {
		arena_reset(&s->scratch);
		copy_values(s, r, p);
		r->p.pid = pid;
		container_resolve(s, r, false);
	}
	struct thread_row *t = thread_find(s, tid);
	bool is_known = t && t->row == r;

	t = thread_add(s, tid, vtid, r);
	if (!t)
		return -ENOMEM;
	if (!is_known && r->threads->next)
		r->p.nthreads++;
	t->made_ns = 0;
	if (tid != pid && p->comm.len && !str_eq(p->comm, r->p.comm))
		thread_rename(s, t, p->comm);
	link_parent(s, r);
	s->nunlinked++;
	return 0;
}

static bool is_server_port(const struct state *s, uint16_t port)
{
	return s->server_ports[port / 64] >> (port % 64) & 1;
}

/* A connection whose own port somebody listens on was accepted. */
static void settle_roles(const struct state *s, const struct row *r)
{
	const struct fd_table *t = r->p.files ? r->p.files->t : NULL;

	for (uint32_t i = 0; t && i < t->nslots; i++) {
		struct event_fd *fd = t->slots[i] ? &t->slots[i]->d.fd : NULL;

		if (fd && (fd->type == FD_IPV4 || fd->type == FD_IPV6) && fd->sock.has_remote &&
			fd->sock.role == ROLE_CLIENT && is_server_port(s, fd->sock.local_port))
			fd->sock.role = ROLE_SERVER;
	}
}

void captured_link(struct state *s)
{
	size_t pos = 0;

	/* a few that come late do not make us look at all again and again */
	if (s->nunlinked < (s->by_pid.count + s->fds.count) / LATE_SHARE)
		return;
	s->nunlinked = 0;
	for (struct row *r; (r = table_next(&s->by_pid, &pos));) {
		link_parent(s, r);
		settle_roles(s, r);
	}
}

/* ---- descriptors ---- */

static bool is_own_address(const struct state *s, const uint8_t *ip, bool is_v6)
{
	/* all of 127.0.0.0/8 is, though an interface lists only one of it */
	if (!is_v6 && ip[0] == 127)
		return true;
	for (size_t i = 0; i < s->naddresses; i++)
		if (s->addresses[i].is_v6 == is_v6 &&
			memcmp(s->addresses[i].ip, ip, is_v6 ? 16 : 4) == 0)
			return true;
	return false;
}

/*
 * The local end is the first, as /proc has it; but the second where only that is an address of this
 * machine, for some writers put the client first. Which is the client is settled when all servers
 * are known.
 */
static void settle_ends(const struct state *s, struct event_sock *sock, bool is_v6)
{
	if (!sock->has_local || !sock->has_remote || sock->role != ROLE_NONE)
		return;
	sock->role = ROLE_CLIENT;
	if (is_own_address(s, sock->local, is_v6) || !is_own_address(s, sock->remote, is_v6))
		return;
	struct event_sock old = *sock;

	memcpy(sock->local, old.remote, 16);
	memcpy(sock->remote, old.local, 16);
	sock->local_port = old.remote_port;
	sock->remote_port = old.local_port;
	sock->role = ROLE_SERVER;
}

int state_add_descriptor(
	struct state *s, uint32_t tid, const struct event_fd *given, struct str name)
{
	struct thread_row *t = thread_find(s, tid);
	struct event_fd fd = *given;
	bool is_v6 = fd.type == FD_IPV6 || fd.type == FD_IPV6_SERVER;

	if (!t)
		return -ENOENT;
	if (fd.num < 0 || fd.num > INT32_MAX)
		return -EINVAL;
	if (!fd.sock.family && (fd.type == FD_IPV4 || fd.type == FD_IPV4_SERVER))
		fd.sock.family = AF_INET;
	if (!fd.sock.family && is_v6)
		fd.sock.family = AF_INET6;
	if (fd.type == FD_IPV4_SERVER || fd.type == FD_IPV6_SERVER) {
		fd.sock.role = ROLE_SERVER;
		s->server_ports[fd.sock.local_port / 64] |= 1ULL << (fd.sock.local_port % 64);
	} else {
		settle_ends(s, &fd.sock, is_v6);
	}
	s->nunlinked++;
	fd.connected = fd.sock.has_remote || fd.sock.unix_peer;
	if (!name.len)
		name = fd.type == FD_UNIX ? fd.sock.unix_path : fd.other_name;
	return fd_put(s, t->row, fd.num, &fd, name, 0) ? 0 : -ENOSPC;
}

int state_add_address(struct state *s, const uint8_t *ip, bool is_v6)
{
	if (is_own_address(s, ip, is_v6))
		return 0;
	if (s->naddresses == ADDRESSES_MAX)
		return -ENOSPC;
	s->addresses[s->naddresses].is_v6 = is_v6;
	memcpy(s->addresses[s->naddresses++].ip, ip, is_v6 ? 16 : 4);
	return 0;
}

const uint8_t *state_address_next(const struct state *s, size_t *pos, bool *ret_is_v6)
{
	if (*pos >= s->naddresses)
		return NULL;
	*ret_is_v6 = s->addresses[*pos].is_v6;
	return s->addresses[(*pos)++].ip;
}

/* ---- events of no thread ---- */

static void add_user(struct state *s, const struct event *ev)
{
	uint64_t uid = 0, gid = 0;
	struct user u = {.name = event_param_str(ev, 2),
		.home = event_param_str(ev, 3),
		.shell = event_param_str(ev, 4)};

	if (!event_param_u64(ev, 0, &uid))
		return;
	event_param_u64(ev, 1, &gid);
	u.uid = (uint32_t)uid;
	u.gid = (uint32_t)gid;
	(void)!state_add_user(s, event_param_str(ev, 5), &u);
}

static void add_group(struct state *s, const struct event *ev)
{
	struct group g = {.name = event_param_str(ev, 1)};
	uint64_t gid;

	if (!event_param_u64(ev, 0, &gid))
		return;
	g.gid = (uint32_t)gid;
	(void)!state_add_group(s, event_param_str(ev, 2), &g);
}

static void drop_account(struct state *s, const struct event *ev, int id_at, bool is_group)
{
	uint64_t id;

	if (event_param_u64(ev, 0, &id))
		account_drop(s, event_param_str(ev, (unsigned)id_at), (uint32_t)id, is_group);
}

static struct str text_at(const struct event *ev, unsigned i)
{
	struct str s = event_param(ev, i);

	s.len = s.len ? strnlen(s.s, s.len) : 0;
	return s;
}

static void add_container(struct state *s, struct str json)
{
	struct container *c = container_new(CONTAINER_UNKNOWN, STR_NULL);

	if (!c)
		return;
	if (container_from_json(c, json, NULL) < 0 || !c->id.len || str_is(c->id, "host"))
		container_unref(c);
	else
		container_learn(s, c);
}

/* id, type, name, image: before there was JSON */
static void add_oldest_container(struct state *s, const struct event *ev)
{
	struct str type = event_param(ev, 1), id = text_at(ev, 0);
	uint32_t number = CONTAINER_UNKNOWN;

	if (type.len == sizeof(number))
		memcpy(&number, type.s, sizeof(number));
	struct container *c = id.len ? container_new((enum container_type)number, id) : NULL;

	if (!c)
		return;
	c->name = arena_str(&c->arena, text_at(ev, 2));
	container_split_image(c, text_at(ev, 3));
	c->is_complete = true;
	container_learn(s, c);
}

static void drop_container(struct state *s, struct str json)
{
	struct container *c = container_new(CONTAINER_UNKNOWN, STR_NULL);

	if (c && container_from_json(c, json, NULL) == 0 && c->id.len)
		container_forget(s, c->id);
	container_unref(c);
}

static void async_event(struct state *s, const struct event *ev)
{
	struct str name = event_param_str(ev, 1);

	if (str_is(name, "container"))
		add_container(s, text_at(ev, 2));
	else if (str_is(name, "container_removed"))
		drop_container(s, text_at(ev, 2));
}

void captured_meta(struct state *s, const struct event *ev)
{
	enum { OLDEST_CONTAINER = 228, OLD_CONTAINER_JSON = 272 };

	switch (ev->code) {
	case EV_USERADDED:
		add_user(s, ev);
		break;
	case EV_USERDELETED:
		drop_account(s, ev, 5, false);
		break;
	case EV_GROUPADDED:
		add_group(s, ev);
		break;
	case EV_GROUPDELETED:
		drop_account(s, ev, 2, true);
		break;
	case EV_CONTAINER:
	case OLD_CONTAINER_JSON:
		add_container(s, text_at(ev, 0));
		break;
	case OLDEST_CONTAINER:
		add_oldest_container(s, ev);
		break;
	case EV_ASYNCEVENT:
		async_event(s, ev);
		break;
	default:
		break;
	}
}
