/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small metadata of a capture: the machine, its addresses, its users and groups. Layouts are in
 * block.h. Addresses matter because they tell which end of a connection was this machine.
 */
#include "source/capture/read.h"

int read_machine(struct list *l, struct err *e)
{
	struct capture_machine *m = &l->c->info.machine;
	struct cursor in;
	bool is_cut;
	int r = list_window(l, &in, &is_cut, e);

	if (r <= 0)
		return r;
	if (cursor_left(&in) < MACHINE_BYTES) {
		if (is_cut)
			return read_cut_off(l->c, &l->block, e);
		l->c->info.bad_entries++;
		return 0;
	}
	m->ncpus = cursor_u32(&in);
	m->memory_bytes = cursor_u64(&in);
	m->max_pid = cursor_u64(&in);
	struct str name = cursor_str(&in, HOSTNAME_BYTES);
	memcpy(m->hostname, name.s, HOSTNAME_BYTES - 1);
	m->boot_ns = cursor_u64(&in);
	m->flags = cursor_u64(&in);
	l->c->info.has_machine = true;
	return 0;
}

bool read_interface(struct capture *c, struct cursor *in, unsigned version)
{
	uint16_t kind = cursor_u16(in), name_len = cursor_u16(in);
	bool is_v6 = kind == SCAP_IF_IPV6 || kind == SCAP_IF_IPV6_NO_SPEED;
	size_t size = is_v6 ? 16 : 4;

	if (kind < SCAP_IF_IPV4 || kind > SCAP_IF_IPV6_NO_SPEED) {
		/* without its layout the next one cannot be found, unless lengths are told */
		in->bad = true;
		return false;
	}
	const uint8_t *ip = cursor_take(in, size);
	cursor_take(in, 2 * size); /* mask, broadcast */
	if (kind == SCAP_IF_IPV4 || kind == SCAP_IF_IPV6)
		cursor_u64(in);
	cursor_take(in, name_len);
	if (in->bad || (c->o.state && state_add_address(c->o.state, ip, is_v6) < 0))
		return false;
	c->info.interfaces++;
	return true;
}

static bool read_group(struct capture *c, struct cursor *in)
{
	struct group g = {.gid = cursor_u32(in)};

	g.name = cursor_cstr16(in);
	if (in->bad || (c->o.state && state_add_group(c->o.state, STR_NULL, &g) < 0))
		return false;
	c->info.users++;
	return true;
}

bool read_user(struct capture *c, struct cursor *in, unsigned version)
{
	struct user u = {0};

	/* as upstream: what is no user is a group */
	if (cursor_u8(in) != SCAP_USER)
		return read_group(c, in);
	u.uid = cursor_u32(in);
	u.gid = cursor_u32(in);
	u.name = cursor_cstr16(in);
	u.home = cursor_cstr16(in);
	u.shell = cursor_cstr16(in);
	if (in->bad || (c->o.state && state_add_user(c->o.state, STR_NULL, &u) < 0))
		return false;
	c->info.users++;
	return true;
}
