/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the SOURCE column of schema.def to what the probe does: which memory it reads for an event,
 * which argument is the descriptor, which reads are paths. Adding a syscall is a row there and
 * nothing here.
 */
#include "source/sensor/plan.h"

#include <pthread.h>

#include "source/sensor/sensor.h"

#define S_NONE                                                                                     \
	{                                                                                          \
		SRC_NONE                                                                           \
	}
#define S_RET                                                                                      \
	{                                                                                          \
		SRC_RET                                                                            \
	}
#define S_ARG(n)                                                                                   \
	{                                                                                          \
		SRC_ARG, n                                                                         \
	}
#define S_FDARG(n)                                                                                 \
	{                                                                                          \
		SRC_FDARG, n                                                                       \
	}
#define S_STR(n)                                                                                   \
	{                                                                                          \
		SRC_STR, n                                                                         \
	}
#define S_DATA(n, m)                                                                               \
	{                                                                                          \
		SRC_DATA, n, m                                                                     \
	}
#define S_IOV(n, m)                                                                                \
	{                                                                                          \
		SRC_IOV, n, m                                                                      \
	}
#define S_IOVSIZE(n, m)                                                                            \
	{                                                                                          \
		SRC_IOVSIZE, n, m                                                                  \
	}
#define S_MSG(n)                                                                                   \
	{                                                                                          \
		SRC_MSG, n                                                                         \
	}
#define S_MSGSIZE(n)                                                                               \
	{                                                                                          \
		SRC_MSGSIZE, n                                                                     \
	}
#define S_U32AT(n, i)                                                                              \
	{                                                                                          \
		SRC_U32AT, n, i                                                                    \
	}
#define S_U64AT(n, i)                                                                              \
	{                                                                                          \
		SRC_U64AT, n, i                                                                    \
	}
#define S_CONTROL(n)                                                                               \
	{                                                                                          \
		SRC_CONTROL, n                                                                     \
	}
#define S_POLL(n, m)                                                                               \
	{                                                                                          \
		SRC_POLL, n, m                                                                     \
	}
#define S_TIMESPEC(n)                                                                              \
	{                                                                                          \
		SRC_TIMESPEC, n                                                                    \
	}
#define S_TUPLE(n)                                                                                 \
	{                                                                                          \
		SRC_TUPLE, n                                                                       \
	}
#define S_TUPLE_RET                                                                                \
	{                                                                                          \
		SRC_TUPLE, 0                                                                       \
	}
#define S_SOCKADDR(n, m)                                                                           \
	{                                                                                          \
		SRC_SOCKADDR, n, m                                                                 \
	}
#define S_FILE_DEV                                                                                 \
	{                                                                                          \
		SRC_FILE_DEV                                                                       \
	}
#define S_FILE_INO                                                                                 \
	{                                                                                          \
		SRC_FILE_INO                                                                       \
	}
#define S_HAND                                                                                     \
	{                                                                                          \
		SRC_HAND                                                                           \
	}
#define S_CONV(n, what)                                                                            \
	{                                                                                          \
		SRC_CONV, n, 0, CONV_##what                                                        \
	}
#define S_CONV2(n, m, what)                                                                        \
	{                                                                                          \
		SRC_CONV2, n, m, CONV_##what                                                       \
	}
#define S_CONV_U32AT(n, i, what)                                                                   \
	{                                                                                          \
		SRC_CONV_U32AT, n, i, CONV_##what                                                  \
	}
#define S_CONV_U64AT(n, i, what)                                                                   \
	{                                                                                          \
		SRC_CONV_U64AT, n, i, CONV_##what                                                  \
	}

#define PARAM(name, type, base, flags, source) source,
#define EVENT(code, ID, ...)                   EVENT_SOURCES(ID, __VA_ARGS__)
#define EVENT_SOURCES(ID, name, category, flags, ...)                                              \
	static const struct param_source sources_##ID[] = {__VA_ARGS__};
#include "model/event/schema.def"

static const struct param_source *const sources[EVENT_CODE_MAX] = {
#define EVENT(code, ID, ...) [code] = sources_##ID,
#include "model/event/schema.def"
};

static struct event_plan plans[EVENT_CODE_MAX];

static uint8_t add_read(struct plan *p, uint8_t kind, uint8_t a, uint8_t b)
{
	for (uint8_t i = 0; i < p->nreads; i++) {
		if (p->reads[i].kind != kind || p->reads[i].a != a)
			continue;
		if (kind == READ_FIXED && p->reads[i].b < b)
			p->reads[i].b = b;
		if (kind == READ_FIXED || p->reads[i].b == b)
			return i;
	}
	if (p->nreads == RECORD_READS_MAX)
		return PLAN_NONE;
	p->reads[p->nreads] = (struct plan_read){.kind = kind, .a = a, .b = b};
	return p->nreads++;
}

static uint8_t read_for(struct plan *p, const struct param_source *s)
{
	switch ((enum source_kind)s->kind) {
	case SRC_STR:
		return add_read(p, READ_STR, s->a, 0);
	case SRC_DATA:
		return add_read(p, READ_DATA, s->a, s->b);
	case SRC_IOV:
		return add_read(p, READ_IOV, s->a, s->b);
	case SRC_MSG:
		return add_read(p, READ_MSG, s->a, 0);
	case SRC_U32AT:
	case SRC_CONV_U32AT:
		return add_read(p, READ_FIXED, s->a, (uint8_t)(4 * (s->b + 1)));
	case SRC_U64AT:
	case SRC_CONV_U64AT:
		return add_read(p, READ_FIXED, s->a, (uint8_t)(8 * (s->b + 1)));
	case SRC_TIMESPEC:
		return add_read(p, READ_FIXED, s->a, 16);
	case SRC_CONTROL:
		return add_read(p, READ_CONTROL, s->a, 0);
	case SRC_POLL:
		return add_read(p, READ_POLL, s->a, s->b);
	case SRC_SOCKADDR:
		return add_read(p, READ_SOCKADDR, s->a, s->b);
	default:
		return PLAN_NONE;
	}
}

/* The path's folder: the descriptor in the argument before it (openat(dirfd, path) and all its
 * kin), or the working folder. */
static void add_path(struct event_plan *ep, uint8_t param, const struct param_def *def)
{
	struct plan *p = &ep->plan;

	if (p->npaths == 2 || ep->slot[param] == PLAN_NONE)
		return;
	ep->path_param[p->npaths] = param;
	p->path_read[p->npaths] = ep->slot[param];
	p->path_dir[p->npaths] = def->type == PT_FSRELPATH && ep->sources[param].a > 0
					 ? ep->sources[param].a - 1
					 : PLAN_NONE;
	p->npaths++;
}

/* Where the address of one message is, for datagrams without a connection. */
static void add_address(struct plan *p, uint16_t code)
{
	p->addr_arg = p->addr_len_arg = p->msg_arg = PLAN_NONE;
	switch (code) {
	case EV_SENDTO:
		p->addr_arg = 4;
		p->addr_len_arg = 5;
		break;
	case EV_RECVFROM: /* the length is behind a pointer: as much as any address needs */
		p->addr_arg = 4;
		break;
	case EV_SENDMSG:
	case EV_RECVMSG:
		p->msg_arg = 1;
		break;
	default:
		return;
	}
	p->flags |= PLAN_ADDR;
}

static void plan_event(struct event_plan *ep, const struct event_def *def)
{
	struct plan *p = &ep->plan;

	ep->sources = sources[def->code];
	p->fd = def->flags & EF_CREATES_FD ? PLAN_FD_RET : PLAN_NONE;
	memset(p->path_read, PLAN_NONE, sizeof(p->path_read));
	for (uint8_t i = 0; i < def->nparams; i++) {
		const struct param_source *s = &ep->sources[i];

		ep->slot[i] = read_for(p, s);
		if (s->kind == SRC_FDARG && !(def->flags & EF_CREATES_FD) &&
			(def->flags & EF_USES_FD) &&
			(p->fd == PLAN_NONE || strcmp(def->params[i].name, "fd") == 0))
			p->fd = s->a;
		if (def->params[i].type == PT_FSPATH || def->params[i].type == PT_FSRELPATH)
			add_path(ep, i, &def->params[i]);
	}
	add_address(p, def->code);
	p->verdict_flags = def->code == EV_OPEN ? 1 : def->code == EV_OPENAT ? 2 : PLAN_NONE;
	if (def->code == EV_PIPE || def->code == EV_PIPE2 || def->code == EV_SOCKETPAIR)
		p->fd = PLAN_FD_PAIR; /* as Falco has it: the second one */
	if (def->code == EV_CHDIR || def->code == EV_FCHDIR || def->code == EV_CHROOT) {
		p->flags |= PLAN_CWD_AFTER;
		p->npaths = 0;
	}
	/* success has a tracepoint of its own; of a failure, what was to be run is worth keeping */
	if (def->code == EV_EXECVE || def->code == EV_EXECVEAT) {
		p->flags |= PLAN_FAIL_ONLY;
		p->nreads = p->npaths = 0;
		p->fd = PLAN_NONE;
		add_read(p, READ_STR, def->code == EV_EXECVE ? 0 : 1, 0);
	}
}

static void plan_all(void)
{
	for (uint16_t code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def(code);

		memset(plans[code].slot, PLAN_NONE, sizeof(plans[code].slot));
		if (def && sources[code])
			plan_event(&plans[code], def);
	}
}

const struct event_plan *event_plan(uint16_t code)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, plan_all);
	return code < EVENT_CODE_MAX && plans[code].sources ? &plans[code] : NULL;
}

unsigned event_push(uint16_t code)
{
	switch (code) {
	case EV_OPEN:
	case EV_OPENAT:
	case EV_CREAT: /* openat2 keeps its flags behind a pointer: its failures have no key */
		return SENSOR_PUSH_OPENS;
	case EV_SOCKET:
		return SENSOR_PUSH_SOCKETS | SENSOR_PUSH_OWN_SOCKETS;
	case EV_CONNECT:
		return SENSOR_PUSH_CONNECTS | SENSOR_PUSH_OWN_CONNECTS;
	default:
		return 0;
	}
}

unsigned syscall_id_by_number(uint16_t nr, bool is_compat)
{
	for (const struct syscall_row *r = is_compat ? syscalls_compat : syscalls_native; r->name;
		r++) {
		if (r->nr != nr)
			continue;
		int id = syscall_id_by_name(str_of(r->name));

		return id > 0 ? (unsigned)id : 0;
	}
	return 0;
}
