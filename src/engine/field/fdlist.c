/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fdlist.* fields: the descriptors that poll and ppoll wait for. The event holds their numbers;
 * what they are is in the state's table of descriptors, which captures have and live events do not.
 */
#include "base/cursor.h"
#include "engine/field/private.h"

enum { FDS_MAX = 1024, TEXT_MAX = 8192 };

typedef bool (*add_fn)(const struct field_ctx *ctx, int64_t num, struct buf *out);

/* Comma-separated, in the order of the call; missing when nothing is to be said of any. */
static bool give_list(const struct field_ctx *ctx, add_fn add, struct value *ret)
{
	const struct event *ev = event_of(ctx);

	if (!ev->def || event_param_index(ev->def, STR("fds")) < 0)
		return false;
	struct str list = event_param(ev, (unsigned)event_param_index(ev->def, STR("fds")));
	struct cursor c = cursor_of(list.s, list.len);
	struct buf b = field_buf(ctx, TEXT_MAX);
	unsigned n = cursor_u16(&c);

	for (unsigned i = 0; i < n && i < FDS_MAX; i++) {
		int64_t num = (int64_t)cursor_u64(&c);
		size_t before = b.len;

		cursor_u16(&c); /* poll flags */
		if (c.bad)
			break;
		if (b.len)
			buf_add_char(&b, ',');
		if (!add(ctx, num, &b) && b.s) {
			b.len = before;
			b.s[before] = 0;
		}
	}
	return b.len && give_str(ret, buf_str(&b));
}

static bool add_num(const struct field_ctx *ctx, int64_t num, struct buf *out)
{
	buf_add_s64(out, num);
	return true;
}

static bool add_name(const struct field_ctx *ctx, int64_t num, struct buf *out)
{
	struct field_fd found;

	struct str name =
		field_find_fd(ctx, num, &found) ? field_found_name(ctx, &found) : STR_NULL;

	buf_add(out, name.len ? name : STR("<NA>"));
	return true;
}

static bool ends_of(const struct field_ctx *ctx, int64_t num, struct sock_ends *ret, bool *is_v6)
{
	struct field_fd found;

	if (!field_find_fd(ctx, num, &found) || !field_fd_is_inet(found.fd))
		return false;
	*ret = event_sock_ends(&found.fd->sock);
	*is_v6 = found.fd->type == FD_IPV6 || found.fd->type == FD_IPV6_SERVER;
	return true;
}

static bool add_cip(const struct field_ctx *ctx, int64_t num, struct buf *out)
{
	struct sock_ends e;
	bool is_v6;

	if (!ends_of(ctx, num, &e, &is_v6) || !e.client_ip)
		return false;
	ip_format(e.client_ip, is_v6, out);
	return true;
}

static bool add_sip(const struct field_ctx *ctx, int64_t num, struct buf *out)
{
	struct sock_ends e;
	bool is_v6;

	if (!ends_of(ctx, num, &e, &is_v6) || !e.server_ip)
		return false;
	ip_format(e.server_ip, is_v6, out);
	return true;
}

static bool add_cport(const struct field_ctx *ctx, int64_t num, struct buf *out)
{
	struct sock_ends e;
	bool is_v6;

	if (!ends_of(ctx, num, &e, &is_v6) || !e.has_client)
		return false;
	buf_add_u64(out, e.client_port);
	return true;
}

static bool add_sport(const struct field_ctx *ctx, int64_t num, struct buf *out)
{
	struct sock_ends e;
	bool is_v6;

	if (!ends_of(ctx, num, &e, &is_v6) || !e.has_server)
		return false;
	buf_add_u64(out, e.server_port);
	return true;
}

GET(get_nums)
{
	return give_list(ctx, add_num, ret);
}

GET(get_names)
{
	return give_list(ctx, add_name, ret);
}

GET(get_cips)
{
	return give_list(ctx, add_cip, ret);
}

GET(get_sips)
{
	return give_list(ctx, add_sip, ret);
}

GET(get_cports)
{
	return give_list(ctx, add_cport, ret);
}

GET(get_sports)
{
	return give_list(ctx, add_sport, ret);
}

static const struct field_def fields[] = {
	{"fdlist.nums", VT_STR, 0, "Numbers of the descriptors of a poll, with commas: 3,4,7.",
		get_nums},
	{"fdlist.names", VT_STR, NAMED, "Their names, <NA> for unknown ones." FIELD_OF_TABLE,
		get_names},
	{"fdlist.cips", VT_STR, 0, "Addresses of their clients." FIELD_OF_TABLE, get_cips},
	{"fdlist.sips", VT_STR, 0, "Addresses of their servers." FIELD_OF_TABLE, get_sips},
	{"fdlist.cports", VT_STR, 0, "Ports of their clients." FIELD_OF_TABLE, get_cports},
	{"fdlist.sports", VT_STR, 0, "Ports of their servers." FIELD_OF_TABLE, get_sports},
};

const struct field_class field_class_fdlist = {
	.name = "fdlist",
	.desc = "The descriptors that poll and ppoll wait for.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
