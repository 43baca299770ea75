/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What koban writes behind an event in its block (block.h, enum event_option). Files of others have
 * nothing there; what is not understood is passed over, for it never holds what an event needs.
 */
#include "source/capture/read.h"

static void take_fd(struct str value, struct event *ret)
{
	struct cursor in = cursor_of(value.s, value.len);
	struct event_fd *fd = &ret->fd;
	struct event_sock *s = &fd->sock;

	uint8_t type = cursor_u8(&in), layer = cursor_u8(&in), role = cursor_u8(&in);
	uint8_t bits = cursor_u8(&in);
	fd->flags = cursor_u32(&in);
	fd->dev = cursor_u32(&in);
	fd->ino = cursor_u64(&in);
	s->family = cursor_u16(&in);
	s->type = cursor_u8(&in);
	s->l4proto = cursor_u8(&in);
	s->local_port = cursor_u16(&in);
	s->remote_port = cursor_u16(&in);
	const uint8_t *local = cursor_take(&in, 16), *remote = cursor_take(&in, 16);
	s->unix_local = cursor_u64(&in);
	s->unix_peer = cursor_u64(&in);
	if (in.bad || type > FD_IPV6_SERVER || layer > LAYER_LOWER || role > ROLE_SERVER) {
		*fd = (struct event_fd){.num = INT64_MIN};
		return;
	}
	memcpy(s->local, local, 16);
	memcpy(s->remote, remote, 16);
	fd->type = type;
	fd->layer = layer;
	s->role = role;
	s->has_local = bits & 1;
	s->has_remote = bits & 2;
	fd->connected = bits & 4;
	fd->is_news = true;
	fd->other_name = cursor_str(&in, cursor_left(&in));
}

static void apply(uint16_t code, struct str value, struct event *ret)
{
	struct cursor in = cursor_of(value.s, value.len);

	if (code == OPTION_ENTER && value.len == 8) {
		ret->enter_ns = cursor_u64(&in);
	} else if (code == OPTION_SYSCALL && value.len == 2 && ret->code == EV_SYSCALL &&
		   ret->nparams > 0) {
		ret->params[0] = value;
	} else if (code == OPTION_REAL) {
		ret->path.real = value;
	} else if (code == OPTION_KNOWN) {
		ret->path.known = value;
	} else if (code == OPTION_TARGET_REAL) {
		ret->target.real = value;
	} else if (code == OPTION_TARGET_KNOWN) {
		ret->target.known = value;
	} else if (code == OPTION_CGROUPS) {
		ret->cgroups = value;
	} else if (code == OPTION_CHILD && value.len == 4) {
		ret->fork.child_tid = cursor_u32(&in);
	} else if (code == OPTION_CLONER && value.len == 4) {
		ret->fork.cloner_pid = cursor_u32(&in);
	} else if (code == OPTION_FD) {
		take_fd(value, ret);
	} else if (code == OPTION_EMPTY && value.len == 4) {
		uint32_t empty = cursor_u32(&in);

		for (unsigned i; empty && (i = (unsigned)__builtin_ctz(empty)) < ret->nparams;
			empty &= empty - 1)
			ret->params[i] = STR_NULL;
	}
}

void read_options(const uint8_t *p, size_t len, struct event *ret)
{
	struct cursor in = cursor_of(p, len);

	/* what nearly every event has, first and alone */
	if (len >= 12 && load_u32(p) == (OPTION_ENTER | 8U << 16)) {
		ret->enter_ns = load_u64(p + 4);
		if (len == 12)
			return;
		cursor_take(&in, 12);
	}
	while (cursor_left(&in) >= 4) {
		uint16_t code = cursor_u16(&in), size = cursor_u16(&in);
		struct str value = cursor_str(&in, size);

		cursor_take(&in, (4 - size % 4u) % 4);
		if (in.bad || !code)
			return;
		apply(code, value, ret);
	}
}
