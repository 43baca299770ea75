/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine has now, as tables: sysdig.get_thread_table() and its sisters, threads with
 * their open descriptors nested, and get_container_table(). The keys are sysdig's. A filter is
 * asked once for each descriptor, in the clothes of a read of it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "face/chisel/lua_private.h"

/* ---- setting fields of the table on the top of the stack ----------------------------------- */

static void set_number(lua_State *L, const char *key, uint64_t n)
{
	lua_pushnumber(L, (lua_Number)n);
	lua_setfield(L, -2, key);
}

static void set_text(lua_State *L, const char *key, struct str text)
{
	script_push_text(L, text);
	lua_setfield(L, -2, key);
}

/* NUL-separated words as a list. */
static void set_words(lua_State *L, const char *key, struct str words)
{
	lua_Integer i = 0;

	lua_newtable(L);
	while (words.len) {
		struct str word = str_cut(&words, 0);

		script_push_text(L, word);
		lua_rawseti(L, -2, ++i);
	}
	lua_setfield(L, -2, key);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

struct listing {
	lua_State *L;
	struct script *s;
	struct event_filter *filter;
	bool with_fds, is_bare;
	struct event ev;
	struct field_subject subject;
};

static void dress(
	struct listing *l, const struct process *p, uint32_t tid, const struct descriptor *d)
{
	l->ev = (struct event){
		.ts_ns = script_last_ns(l->s),
		.code = EV_READ,
		.def = event_def(EV_READ),
		.pid = p->pid,
		.tid = tid,
		.start_ns = p->start_ns,
		.uid = p->uid,
		.gid = p->gid,
		.has_fd = true,
		.fd = d->fd,
		.path = {.name = d->name},
	};
	l->subject = (struct field_subject){
		.ev = &l->ev,
		.proc = p,
		.state = l->s->env->state,
		.hostname = l->s->subject.hostname,
		.first_ts_ns = script_first_ns(l->s),
	};
}

static bool is_wanted(
	struct listing *l, const struct process *p, uint32_t tid, const struct descriptor *d)
{
	script_vm_work(l->L, 16);
	dress(l, p, tid, d);
	return event_filter_passes(l->filter, &l->subject);
}

static const char *protocol(const struct event_sock *s)
{
	switch (s->l4proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_RAW:
		return "raw";
	default:
		return "<NA>";
	}
}

static void set_address(lua_State *L, const char *key, const uint8_t *ip, bool is_v6)
{
	static const uint8_t any[16];
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(is_v6 ? AF_INET6 : AF_INET, ip ? ip : any, text, sizeof(text));
	lua_pushstring(L, text);
	lua_setfield(L, -2, key);
}

static void set_socket(lua_State *L, const struct event_fd *fd)
{
	bool is_v6 = fd->type == FD_IPV6 || fd->type == FD_IPV6_SERVER;
	bool listens = fd->type == FD_IPV4_SERVER || fd->type == FD_IPV6_SERVER;
	struct sock_ends ends = event_sock_ends(&fd->sock);

	if (listens) {
		set_address(L, "sip", fd->sock.local, is_v6);
		set_number(L, "sport", fd->sock.local_port);
	} else {
		set_address(L, "cip", ends.client_ip, is_v6);
		set_address(L, "sip", ends.server_ip, is_v6);
		set_number(L, "cport", ends.client_port);
		set_number(L, "sport", ends.server_port);
	}
	lua_pushboolean(L, listens || fd->sock.role == ROLE_SERVER);
	lua_setfield(L, -2, "is_server");
	lua_pushstring(L, protocol(&fd->sock));
	lua_setfield(L, -2, "l4proto");
}

/* Control bytes are left out, as sysdig does: the kernel ends unix paths in a newline. */
static void set_name(struct listing *l, const struct descriptor *d)
{
	char text[4096];
	struct buf b = {.s = text, .cap = sizeof(text), .max = sizeof(text) - 1};
	size_t n = 0;

	l->ev.fd = d->fd;
	event_fd_name_format(&l->ev, d->name, &b);
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f)
			text[n++] = text[i];
	set_text(l->L, "name", str_make(text, n));
}

static void push_descriptor(struct listing *l, const struct descriptor *d)
{
	lua_State *L = l->L;
	enum fd_type type = d->fd.type;

	lua_newtable(L);
	if (!l->is_bare) {
		set_name(l, d);
		set_text(L, "type", str_of(fd_type_name(type)));
	}
	if (type == FD_IPV4 || type == FD_IPV6 || type == FD_IPV4_SERVER || type == FD_IPV6_SERVER)
		set_socket(L, &d->fd);
}

/* The table "fdtable" of a thread; those that the filter wants. */
static void set_descriptors(struct listing *l, const struct process *p, uint32_t tid)
{
	const struct descriptor *d;
	size_t pos = 0;

	lua_newtable(l->L);
	while (l->with_fds && (d = state_descriptor_next(p, &pos))) {
		if (!is_wanted(l, p, tid, d))
			continue;
		push_descriptor(l, d);
		lua_rawseti(l->L, -2, d->fd.num);
	}
	lua_setfield(l->L, -2, "fdtable");
}

static bool has_wanted(struct listing *l, const struct process *p, uint32_t tid)
{
	const struct descriptor *d;
	size_t pos = 0;

	while ((d = state_descriptor_next(p, &pos)))
		if (is_wanted(l, p, tid, d))
			return true;
	return false;
}

/* ---- threads --------------------------------------------------------------------------------- */

static void set_process(struct listing *l, const struct process *p, struct str comm)
{
	lua_State *L = l->L;
	const struct user *u =
		p->uid == UINT32_MAX ? NULL : state_user(l->s->env->state, p, p->uid);
	char clone_ts[24];

	set_number(L, "ptid", p->ppid);
	set_text(L, "comm", comm);
	set_text(L, "exe", p->exe);
	set_number(L, "flags", 0);
	set_number(L, "fdlimit", (uint32_t)p->fdlimit);
	set_number(L, "uid", p->uid);
	set_number(L, "gid", p->gid);
	set_number(L, "nchilds", p->nchildren);
	set_number(L, "vmsize_kb", p->vmsize_kb);
	set_number(L, "vmrss_kb", p->vmrss_kb);
	set_number(L, "vmswap_kb", p->vmswap_kb);
	set_number(L, "pfmajor", p->pfmajor);
	set_number(L, "pfminor", p->pfminor);
	snprintf(clone_ts, sizeof(clone_ts), "%llu", (unsigned long long)p->start_epoch_ns);
	set_text(L, "clone_ts", str_of(clone_ts));
	set_text(L, "username", u ? u->name : STR("<NA>"));
	set_words(L, "args", p->args);
	set_words(L, "env", p->env);
}

static void add_thread(struct listing *l, const struct process *p, uint32_t tid, struct str comm)
{
	lua_State *L = l->L;

	script_vm_work(L, 64);
	if (p->exit_epoch_ns || (l->filter && !has_wanted(l, p, tid)))
		return;
	lua_newtable(L);
	set_number(L, "tid", tid);
	set_number(L, "pid", p->pid);
	if (!l->is_bare)
		set_process(l, p, comm);
	set_descriptors(l, p, tid);
	lua_rawseti(L, -2, tid);
}

/* Live, threads are known only where descriptors are kept: then processes stand for them. */
static void add_all(struct listing *l)
{
	const struct state *state = l->s->env->state;
	const struct thread *t;
	const struct process *p;
	size_t pos = 0;
	bool any = false;

	while ((t = state_thread_next(state, &pos))) {
		if (t->proc)
			add_thread(l, t->proc, t->tid, t->comm.len ? t->comm : t->proc->comm);
		any = true;
	}
	for (pos = 0; !any && (p = state_process_next(state, &pos));)
		add_thread(l, p, p->pid, p->comm);
}

static int push_threads(lua_State *L)
{
	struct listing *l = lua_touserdata(L, 1);

	lua_newtable(L);
	add_all(l);
	return 1;
}

/* The filter is ours to free, whatever happens while the table grows. */
int script_threads_push(lua_State *L, bool with_fds, bool is_bare)
{
	struct listing l = {.L = L, .s = script_of(L), .with_fds = with_fds, .is_bare = is_bare};
	struct err e = {0};
	size_t len = 0;
	const char *text = lua_isstring(L, 1) ? lua_tolstring(L, 1, &len) : NULL;

	if (!l.s->env->state)
		return luaL_error(L, "sysdig.get_thread_table: nothing is known of threads before "
				     "on_capture_start()");
	script_check_filter(L, len);
	if (event_filter_open(str_make(text, len), "sysdig.get_thread_table", &l.filter, &e) < 0)
		return luaL_error(L, "%s", e.msg);
	lua_settop(L, 0);
	lua_pushcfunction(L, push_threads);
	lua_pushlightuserdata(L, &l);
	int status = lua_pcall(L, 1, 1, 0);
	event_filter_close(l.filter);
	return status == LUA_OK ? 1 : lua_error(L);
}

/* ---- containers ------------------------------------------------------------------------------ */

static const char *engine_name(enum container_type t)
{
	switch (t) {
	case CONTAINER_DOCKER:
		return "docker";
	case CONTAINER_LXC:
		return "lxc";
	case CONTAINER_LIBVIRT_LXC:
		return "libvirt_lxc";
	case CONTAINER_RKT:
		return "rkt";
	case CONTAINER_CRI:
		return "cri";
	case CONTAINER_CONTAINERD:
		return "containerd";
	case CONTAINER_CRIO:
		return "cri-o";
	case CONTAINER_BPM:
		return "bpm";
	case CONTAINER_PODMAN:
		return "podman";
	default:
		return "unknown";
	}
}

int script_containers_push(lua_State *L)
{
	const struct state *state = script_of(L)->env->state;
	const struct container *c;
	lua_Integer i = 0;
	size_t pos = 0;

	if (!state)
		return luaL_error(L, "sysdig.get_container_table: nothing is known of containers "
				     "before on_capture_start()");
	lua_newtable(L);
	while ((c = state_container_next(state, &pos))) {
		script_vm_work(L, 16);
		lua_newtable(L);
		set_text(L, "id", c->id);
		set_text(L, "name", c->name);
		set_text(L, "image", c->image);
		set_text(L, "type", str_of(engine_name(c->type)));
		lua_rawseti(L, -2, ++i);
	}
	return 1;
}
