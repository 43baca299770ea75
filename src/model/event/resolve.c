/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second form of a parameter: names of flags, of an errno, of the descriptor's file, the
 * absolute path. Names that need the state of the machine (of users, of other processes) are not
 * known here: the style's functions are asked for them. Adds nothing where there is no such form.
 */
#include <netinet/in.h>

#include "model/event/param.h"

enum { FD_CWD = -100 }; /* AT_FDCWD, on disk too */

/* ---- descriptors ---------------------------------------------------------------------------- */

static bool ends_in(const struct param_def *def, const char *tail, size_t n)
{
	return def->name_len >= n && memcmp(def->name + def->name_len - n, tail, n) == 0;
}

/* The folder that a relative path starts from (dirfd, olddir): the event's own names are those of
 * the path. */
static bool is_folder_param(const struct param_def *def)
{
	return ends_in(def, "dirfd", 5) || ends_in(def, "dir", 3);
}

const struct event_fd *param_fd(const struct event *ev, int64_t num, bool is_folder,
	const struct event_style *style, struct str *name)
{
	bool is_own = ev->has_fd && ev->fd.num == num && ev->fd.type != FD_UNKNOWN;
	const struct event_fd *other = NULL;

	*name = ev->path.name;
	if (style->fd_of && (!is_own || is_folder))
		other = style->fd_of(style->arg, num, name);
	return other ? other : is_own ? &ev->fd : NULL;
}

/* ---- names of numbers ----------------------------------------------------------------------- */

static void add_name(struct buf *out, const char *name, const char **separator)
{
	buf_add_cstr(out, *separator);
	buf_add_cstr(out, name);
	*separator = "|";
}

/*
 * Bits are taken away once named, so that O_RDWR is not O_WRONLY too. A row of value 0 is the name
 * of an empty value only.
 */
static void add_flag_names(const struct flag_name *f, uint64_t value, struct buf *out)
{
	uint64_t left = value;
	const char *separator = "";

	for (; f && f->name && (left || !value); f++) {
		if (f->value ? left == 0 || (left & f->value) != f->value : value != 0)
			continue;
		left &= ~f->value;
		add_name(out, f->name, &separator);
		if (f->value == value)
			break;
	}
}

/* Permissions are bits, the file type above them is one of several numbers that share bits. */
static void add_mode_names(const struct flag_name *f, uint64_t mode, struct buf *out)
{
	enum { PERMISSIONS = 07777, TYPE = 0170000 };
	const char *separator = "";

	for (; f && f->name; f++)
		if (f->value > PERMISSIONS ? (mode & TYPE) == f->value : mode & f->value)
			add_name(out, f->name, &separator);
}

/* All names of a value are printed: "AF_LOCAL|AF_UNIX". */
static void add_enum_names(const struct flag_name *f, uint64_t value, struct buf *out)
{
	const char *separator = "";

	for (; f && f->name; f++)
		if (f->value == value)
			add_name(out, f->name, &separator);
}

static char proto_char(const struct event_fd *fd)
{
	switch (fd->sock.l4proto) {
	case IPPROTO_TCP:
		return 't';
	case IPPROTO_UDP:
		return 'u';
	case IPPROTO_ICMP:
		return 'i';
	case IPPROTO_RAW:
		return 'r';
	default:
		return '\0';
	}
}

/* "<f>", "<4t>" */
static void add_fd_kind(const struct event_fd *f, struct buf *out)
{
	bool is_inet = f->type == FD_IPV4 || f->type == FD_IPV6 || f->type == FD_IPV4_SERVER ||
		       f->type == FD_IPV6_SERVER;
	char proto = is_inet ? proto_char(f) : '\0';
	char text[4] = {'<', fd_type_char(f->type), '>', '>'};

	if (proto)
		text[2] = proto;
	buf_add(out, str_make(text, proto ? 4 : 3));
}

void param_resolve_fd(const struct event *ev, const struct param_def *def, int64_t fd,
	const struct event_style *style, struct buf *out)
{
	struct str path;

	if (fd == FD_CWD) {
		buf_add_cstr(out, "AT_FDCWD");
		return;
	}
	if (fd < 0) {
		const char *name = fd >= INT32_MIN ? errno_name((int)fd) : NULL;

		if (name)
			buf_add_cstr(out, name);
		return;
	}
	const struct event_fd *f = param_fd(ev, fd, is_folder_param(def), style, &path);
	if (!f || f->type == FD_UNKNOWN)
		return;
	add_fd_kind(f, out);
	fd_name_format(f, path, style, out);
}

/* A relative path is resolved to the name that the source made of it. */
void param_resolve_path(const struct event *ev, struct str path, const char *param, struct buf *out)
{
	if (!path.len || path.s[0] == '/')
		return;
	bool is_target = strcmp(param, "newpath") == 0 || strcmp(param, "linkpath") == 0;
	const struct event_path *p = is_target ? &ev->target : &ev->path;

	if (str_eq(path, p->raw))
		buf_add(out, p->name);
}

/* What only the state of the machine knows. */
static void resolve_id(const struct param_def *def, enum param_type t, uint64_t n,
	const struct event_style *style, struct buf *out)
{
	bool is_pid = t == PT_PID || t == PT_PID32;

	if (!is_pid && n == UINT32_MAX)
		buf_add_cstr(out, "<NONE>");
	else if (style->name_of && n <= UINT32_MAX)
		buf_add(out, style->name_of(style->arg, def, (uint32_t)n));
}

void param_resolve_number(const struct event *ev, const struct param_value *v, uint64_t n,
	const struct event_style *style, struct buf *out)
{
	const char *name = NULL;

	switch (v->type) {
	case PT_FD:
	case PT_FD32:
		param_resolve_fd(ev, v->def, (int64_t)n, style, out);
		break;
	case PT_ERRNO:
		if ((int64_t)n < 0 && (int64_t)n >= INT32_MIN)
			name = errno_name((int)(int64_t)n);
		break;
	case PT_SYSCALLID:
		name = syscall_id_name((unsigned)n);
		break;
	case PT_SIGTYPE:
		name = signal_name((int)n);
		break;
	case PT_RELTIME:
		if (n != UINT64_MAX)
			buf_printf(out, "%gs", (double)n / 1e9);
		break;
	case PT_FLAGS8:
	case PT_FLAGS16:
	case PT_FLAGS32:
		add_flag_names(v->def->flags, n, out);
		break;
	case PT_MODE:
		add_mode_names(v->def->flags, n, out);
		break;
	case PT_ENUMFLAGS8:
	case PT_ENUMFLAGS16:
	case PT_ENUMFLAGS32:
		add_enum_names(v->def->flags, n, out);
		break;
	case PT_UID:
	case PT_GID:
	case PT_PID:
	case PT_PID32:
		resolve_id(v->def, v->type, n, style, out);
		break;
	default:
		break;
	}
	if (name)
		buf_add_cstr(out, name);
}
