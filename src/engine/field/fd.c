/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fd.* fields of any descriptor: number, type, names, device. Those of sockets' ends are in
 * fd_sock.c. A live event carries its descriptor with it, and captures get theirs from the state's
 * table: here both look the same. Fields that depend on a file's name are marked NAMED and answer
 * for the name that is under judgement.
 */
#include <errno.h>
#include <sys/socket.h>

#include "engine/field/private.h"

static bool has_file_name(const struct event *ev)
{
	return ev->path.name.len != 0;
}

static bool is_socket(const struct event_fd *fd)
{
	return field_fd_is_inet(fd) || fd->type == FD_UNIX || fd->type == FD_NETLINK ||
	       fd->type == FD_PACKET || fd->sock.family != 0;
}

struct str field_fd_name(const struct field_ctx *ctx)
{
	const struct field_subject *s = subject_of(ctx);
	const struct event *ev = s->ev;

	if (has_file_name(ev) && !is_socket(&ev->fd))
		return field_path_name(s, &ev->path);
	struct buf b = field_buf(ctx, 512 + ev->fd.other_name.len + ev->fd.sock.unix_path.len);

	event_fd_name_format_as(ev, field_path_name(s, &ev->path), &s->style, &b);
	return buf_str(&b);
}

/* The id of the process's container, empty on the host. */
static struct str container_id(const struct field_ctx *ctx)
{
	const struct process *p = process_of(ctx);

	return p && p->container ? p->container->id : STR_NULL;
}

static bool give_in_container(const struct field_ctx *ctx, struct str path, struct value *ret)
{
	struct str id = container_id(ctx);
	struct buf b = field_buf(ctx, id.len + 1 + path.len);

	buf_add(&b, id);
	buf_add_char(&b, ':');
	buf_add(&b, path);
	return give_path(ret, buf_str(&b));
}

GET(get_num)
{
	const struct event *ev = event_of(ctx);
	int64_t res;

	if (!field_has_fd(ev))
		return false;
	if (ev->has_fd && ev->fd.num >= 0)
		return give_s64(ret, ev->fd.num);
	/* a call that should have made one and failed */
	if (ev->def && ev->def->flags & EF_CREATES_FD)
		return event_result(ev, &res) && give_s64(ret, res < 0 ? -1 : res);
	return ev->has_fd && ev->fd.num != INT64_MIN && give_s64(ret, ev->fd.num);
}

GET(get_type)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_cstr(ret, fd_type_name(fd->type));
}

/* Without a descriptor, the type that the call would have made. */
static char typechar(const struct event *ev)
{
	const struct event_fd *fd = field_open_fd(ev);

	if (fd)
		return fd_type_char(fd->type);
	if (ev->code == EV_CREAT || (ev->def && (ev->def->flags & EF_OPEN)))
		return fd_type_char(FD_FILE);
	if (ev->code == EV_ACCEPT || ev->code == EV_ACCEPT4)
		return fd_type_char(FD_IPV4);
	return 'o';
}

GET(get_typechar)
{
	char *s;

	if (!field_has_fd(event_of(ctx)))
		return false;
	s = arena_alloc(ctx->arena, 2);
	if (!s)
		return false;
	s[0] = typechar(event_of(ctx));
	return give_str(ret, str_make(s, 1));
}

bool field_find_fd(const struct field_ctx *ctx, int64_t num, struct field_fd *ret)
{
	const struct event_fd *own = field_open_fd(event_of(ctx));

	*ret = (struct field_fd){.fd = own};
	if (own && own->num == num)
		return true;
	ret->row = state_descriptor_find(process_of(ctx), num);
	ret->fd = ret->row ? &ret->row->fd : NULL;
	return ret->row;
}

struct str field_found_name(const struct field_ctx *ctx, const struct field_fd *found)
{
	const struct descriptor *d = found->row;
	struct event ev;

	if (!d)
		return field_fd_name(ctx);
	if (!is_socket(&d->fd))
		return d->name;
	struct buf b = field_buf(ctx, 512 + d->name.len);

	ev.fd = d->fd; /* all that is looked at */
	event_fd_name_format_as(&ev, d->name, &subject_of(ctx)->style, &b);
	return buf_str(&b);
}

static bool add_type(struct value *list, size_t *n, size_t max, enum fd_type type)
{
	const char *name = fd_type_name(type);

	for (size_t i = 0; i < *n; i++)
		if (str_is(list[i].s, name))
			return false;
	return *n < max && give_cstr(&list[*n], name) && ++*n;
}

/* fd.types: of one descriptor, or of all that are open, each kind once. */
static bool list_types(const struct field_ctx *ctx, const struct field_arg *arg, struct values *ret)
{
	enum { TYPES_MAX = 32 };
	const struct process *p = process_of(ctx);
	struct value *list = arena_alloc(ctx->arena, TYPES_MAX * sizeof(*list));
	struct field_fd found;
	size_t n = 0, pos = 0;

	if (!list)
		return false;
	if (arg->is_index) {
		if (field_find_fd(ctx, (int64_t)arg->index, &found))
			add_type(list, &n, TYPES_MAX, found.fd->type);
	} else if (p) {
		for (const struct descriptor *d; (d = state_descriptor_next(p, &pos));)
			add_type(list, &n, TYPES_MAX, d->fd.type);
	}
	*ret = (struct values){list, n};
	return n != 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

GET(get_name)
{
	return field_has_fd(event_of(ctx)) && give_path(ret, field_fd_name(ctx));
}

GET(get_containername)
{
	return field_has_fd(event_of(ctx)) && give_in_container(ctx, field_fd_name(ctx), ret);
}

/* Runs of slashes become one; nothing else is touched. */
static struct str squeeze_slashes(const struct field_ctx *ctx, struct str s)
{
	if (str_find(s, STR("//")) < 0)
		return s;
	struct buf b = field_buf(ctx, s.len);

	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] != '/' || i == 0 || s.s[i - 1] != '/')
			buf_add_char(&b, s.s[i]);
	return buf_str(&b);
}

GET(get_nameraw)
{
	const struct event *ev = event_of(ctx);

	return field_has_fd(ev) && give_str(ret, squeeze_slashes(ctx, ev->path.raw));
}

/* The directory of a file; a directory is its own. False for what is neither. */
static bool directory(const struct field_ctx *ctx, struct str *ret)
{
	const struct field_subject *s = subject_of(ctx);
	const struct event_fd *fd = field_open_fd(s->ev);
	struct str path = field_path_name(s, &s->ev->path);

	if (!field_has_fd(s->ev) || (fd && fd->type != FD_FILE && fd->type != FD_DIRECTORY) ||
		(!fd && !path.len))
		return false;
	if (!fd || fd->type == FD_FILE) {
		ptrdiff_t slash = str_rfind_char(path, '/');

		if (slash <= 0)
			path = STR("/");
		else if ((size_t)slash + 1 < path.len)
			path = str_head(path, (size_t)slash);
	}
	*ret = path;
	return true;
}

GET(get_directory)
{
	struct str dir;

	return directory(ctx, &dir) && give_path(ret, dir);
}

GET(get_containerdirectory)
{
	struct str dir;

	return directory(ctx, &dir) && give_in_container(ctx, dir, ret);
}

GET(get_filename)
{
	const struct field_subject *s = subject_of(ctx);
	const struct event_fd *fd = field_open_fd(s->ev);

	if (!fd || fd->type != FD_FILE)
		return false;
	struct str path = field_path_name(s, &s->ev->path);
	ptrdiff_t slash = str_rfind_char(path, '/');

	if (slash < 0)
		return give_str(ret, path.len ? path : STR("/"));
	if ((size_t)slash + 1 == path.len)
		return give_str(ret, path);
	return give_str(ret, str_skip(path, (size_t)slash + 1));
}

GET(get_realpath)
{
	const struct event *ev = event_of(ctx);
	const struct event_path *p = &ev->path;

	if (!field_has_fd(ev) || !has_file_name(ev))
		return false;
	return give_path(ret, p->real.len ? p->real : p->name);
}

GET(get_knownpath)
{
	const struct event *ev = event_of(ctx);

	return field_has_fd(ev) && ev->path.known.len && give_path(ret, ev->path.known);
}

/* ---- what the descriptor is ----------------------------------------------------------------- */

GET(get_sockfamily)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	if (fd && field_fd_is_inet(fd))
		return give_str(ret, STR("ip"));
	return fd && fd->type == FD_UNIX && give_str(ret, STR("unix"));
}

GET(get_uid)
{
	const struct event *ev = event_of(ctx);
	struct buf b = field_buf(ctx, 48);

	if (!field_has_fd(ev))
		return false;
	buf_add_u64(&b, ev->tid);
	buf_add_s64(&b, ev->has_fd && ev->fd.num != INT64_MIN ? ev->fd.num : -1);
	return give_str(ret, buf_str(&b));
}

GET(get_connected)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_bool(ret, fd->connected);
}

GET(get_name_changed)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_bool(ret, fd->name_changed);
}

GET(get_dev)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_s64(ret, (int32_t)fd->dev);
}

GET(get_dev_major)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_s64(ret, fd->dev >> 20);
}

GET(get_dev_minor)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_s64(ret, fd->dev & 0xfffff);
}

GET(get_ino)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_s64(ret, (int64_t)fd->ino);
}

GET(get_is_upper_layer)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_bool(ret, fd->layer == LAYER_UPPER);
}

GET(get_is_lower_layer)
{
	const struct event_fd *fd = field_open_fd(event_of(ctx));

	return fd && give_bool(ret, fd->layer == LAYER_LOWER);
}

static const struct field_def fields[] = {
	{"fd.num", VT_S64, 0,
		"Number of the descriptor; -1 when the call was to make one and failed. Rules on "
		"successful opens say fd.num >= 0.",
		get_num},
	{"fd.type", VT_STR, 0,
		"What the descriptor is: file, directory, ipv4, ipv6, unix, pipe, event, signalfd, "
		"eventpoll, inotify, timerfd, netlink, bpf, memfd, pidfd and others.",
		get_type},
	{"fd.typechar", VT_STR, 0,
		"fd.type in one character: f file, d directory, 4 and 6 IP socket, u unix socket, "
		"p "
		"pipe, e event, s signalfd, l eventpoll, i inotify, t timerfd, o other.",
		get_typechar},
	{"fd.name", VT_PATH, NAMED,
		"Name of the descriptor: for a file its absolute path, for a socket both ends, "
		"client first: 10.0.0.1:40000->1.2.3.4:443. A rule on it is tried on every name of "
		"the file: as asked for, as the kernel resolved it, as rules know it.",
		get_name},
	{"fd.directory", VT_PATH, NAMED,
		"Directory of the file in fd.name: /etc for /etc/passwd. A directory is its own.",
		get_directory},
	{"fd.filename", VT_STR, NAMED,
		"Last part of the file's path: passwd for /etc/passwd. Only for open files.",
		get_filename},
	{"fd.sockfamily", VT_STR, 0, "ip or unix; missing for what is no such socket.",
		get_sockfamily},
	{"fd.uid", VT_STR, 0,
		"Thread id and descriptor number written together, an identifier of the descriptor "
		"on this host.",
		get_uid},
	{"fd.containername", VT_PATH, NAMED,
		"Container id, a colon, and fd.name; on the host nothing is before the colon.",
		get_containername},
	{"fd.containerdirectory", VT_PATH, NAMED, "Container id, a colon, and fd.directory.",
		get_containerdirectory},
	{"fd.connected", VT_BOOL, 0, "True when the socket is connected.", get_connected},
	{"fd.name_changed", VT_BOOL, 0,
		"True when this event changed the descriptor's name, as a UDP socket that sends to "
		"another address.",
		get_name_changed},
	{"fd.dev", VT_S64, 0, "Device of the file: major number times 2^20 plus minor.", get_dev},
	{"fd.dev.major", VT_S64, 0, "Major number of the file's device.", get_dev_major},
	{"fd.dev.minor", VT_S64, 0, "Minor number of the file's device.", get_dev_minor},
	{"fd.ino", VT_S64, 0, "Inode number of the file.", get_ino},
	{"fd.nameraw", VT_STR, 0,
		"Path as the program gave it, relative ones and .. included: ../etc/passwd. Empty "
		"for what is no file.",
		get_nameraw},
	{"fd.types", VT_STR, ARG_INDEX | FIELD_LIST | FIELD_NO_RHS,
		"Types of the process's descriptors: fd.types[1] = ipv4 is a standard output that "
		"goes to the network; without a number all kinds that are open." FIELD_OF_TABLE,
		NULL, .get_list = list_types},
	{"fd.is_upper_layer", VT_BOOL, 0,
		"True when the file was added or changed after the container's image was made "
		"(upper layer of overlayfs).",
		get_is_upper_layer},
	{"fd.is_lower_layer", VT_BOOL, 0,
		"True when the file comes unchanged from the container's image.",
		get_is_lower_layer},
	{"fd.realpath", VT_PATH, 0,
		"koban's own: path of the file that the kernel opened, symbolic links resolved; "
		"fd.name when there were none. Example: /etc/shadow where fd.name is /tmp/x.",
		get_realpath},
	{"fd.knownpath", VT_PATH, 0,
		"koban's own: the name under which a rule knows the file, by device and inode, "
		"when "
		"it was opened under another, as through a hard link. Missing otherwise.",
		get_knownpath},
};

const struct field_class field_class_fd = {
	.name = "fd",
	.desc = "The descriptor that the event is about: file, pipe, socket.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
