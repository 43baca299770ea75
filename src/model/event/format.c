/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters as text, exactly as Falco prints them. A value has a plain form (a number, bytes, the
 * string as given) and may have a resolved one (names of flags, of an errno, of the descriptor's
 * file, the absolute path): evt.arg.NAME shows the resolved one when there is one, evt.args both.
 * Names that need the state of the machine (of users, of other processes) are not known here.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "model/event/param.h"
#include "model/event/write.h"

enum { FD_CWD = -100 }; /* AT_FDCWD, on disk too */

/* Decimals are printed signed from 32 bits on, whatever the type says; hexadecimals in capitals. */
static void add_number(const struct param_value *v, struct buf *out)
{
	bool is_signed;
	unsigned size = param_type_size(v->type, &is_signed);
	uint64_t n;

	if (!param_number(v->type, v->raw, &n)) {
		write_cstr(out, "<NA>");
		return;
	}
	if (v->def->base == PB_DEC) {
		write_s64(out, size == 4 ? (int32_t)n : (int64_t)n);
		return;
	}
	if (size < 8)
		n &= (1ULL << (8 * size)) - 1;
	if (v->def->base == PB_OCT)
		buf_printf(out, "%#llo", (unsigned long long)n);
	else
		write_hex(out, n);
}

static void add_unsigned(const struct param_value *v, struct buf *out)
{
	uint64_t n;

	if (param_number(v->type, v->raw, &n))
		write_u64(out, n);
	else
		write_cstr(out, "<NA>");
}

static void add_signed(const struct param_value *v, struct buf *out)
{
	uint64_t n;

	if (param_number(v->type, v->raw, &n))
		write_s64(out, (int64_t)n);
	else
		write_cstr(out, "<NA>");
}

/* The folder that a relative path starts from: the event's own names are those of the path. */
static bool is_folder_param(const struct param_def *def)
{
	return def->name[0] != 'f' && (strstr(def->name, "dirfd") || strstr(def->name, "dir"));
}

static const struct event_fd *find_fd(const struct event *ev, int64_t num, bool is_folder,
	const struct event_style *style, struct str *name)
{
	bool is_own = ev->has_fd && ev->fd.num == num && ev->fd.type != FD_UNKNOWN;
	const struct event_fd *other = NULL;

	*name = ev->path.name;
	if (style->fd_of && (!is_own || is_folder))
		other = style->fd_of(style->arg, num, name);
	return other ? other : is_own ? &ev->fd : NULL;
}

static void add_fd_list(
	const struct event *ev, struct str raw, const struct event_style *style, struct buf *out)
{
	struct cursor c = cursor_of(raw.s, raw.len);
	unsigned n = cursor_u16(&c);
	struct str name;

	for (unsigned i = 0; i < n; i++) {
		int64_t fd = (int64_t)cursor_u64(&c);
		int16_t flags = (int16_t)cursor_u16(&c);
		char letter = '?';

		if (c.bad)
			break;
		const struct event_fd *known = find_fd(ev, fd, false, style, &name);
		if (known)
			letter = fd_type_char(known->type);
		buf_printf(out, "%s%lld:%c%x", i ? " " : "", (long long)fd, letter,
			(unsigned)(int)flags);
	}
}

static void add_abstime(const struct param_value *v, struct buf *out)
{
	uint64_t ns;

	if (!param_number(v->type, v->raw, &ns)) {
		write_cstr(out, "<NA>");
		return;
	}
	clock_add_strftime(out, ns, "%Y-%m-%d %H:%M:%S", false);
	buf_printf(out, ".%09u ", (unsigned)(ns % NSEC_PER_SEC));
	clock_add_strftime(out, ns, "%z", false);
}

static void add_sigset(const struct param_value *v, struct buf *out)
{
	uint64_t set = 0;
	bool first = true;

	param_number(v->type, v->raw, &set);
	for (int sig = 1; sig <= 32; sig++) {
		if (!(set >> (sig - 1) & 1) || !signal_name(sig))
			continue;
		if (!first)
			write_char(out, ' ');
		first = false;
		write_cstr(out, signal_name(sig));
	}
}

static void add_id(const struct param_value *v, struct buf *out)
{
	uint64_t n;

	if (!param_number(v->type, v->raw, &n))
		write_cstr(out, "<NA>");
	else
		write_s64(out, (int32_t)n);
}

static void add_reltime(const struct param_value *v, struct buf *out)
{
	uint64_t ns;

	if (param_number(v->type, v->raw, &ns) && ns == UINT64_MAX)
		write_cstr(out, "none");
	else
		add_unsigned(v, out);
}

static void add_address(const struct param_value *v, struct buf *out)
{
	bool is_v6 = v->type == PT_IPV6ADDR;

	if (v->raw.len < (is_v6 ? 16 : 4))
		write_cstr(out, is_v6 ? "INVALID IPv6" : "INVALID IPv4");
	else
		ip_format((const uint8_t *)v->raw.s, is_v6, out);
}

/* Falco kept "NULL" for the types that could be empty before all could. */
static const char *empty_text(enum param_type t)
{
	return t == PT_BYTEBUF || t == PT_STRINGS || t == PT_SOCKTUPLE || t == PT_FDLIST ||
			       t == PT_DYN
		       ? "NULL"
		       : "<NA>";
}

static void add_plain(const struct event *ev, const struct param_value *v, struct event_style style,
	struct buf *out)
{
	switch (v->type) {
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		write_str(out, param_until_nul(v->raw));
		break;
	case PT_BYTEBUF:
	case PT_STRINGS:
		event_bytes_format(v->raw, style, out);
		break;
	case PT_SOCKADDR:
		sockaddr_format(v->raw, out);
		break;
	case PT_SOCKTUPLE:
		socktuple_format(v->raw, out);
		break;
	case PT_FDLIST:
		add_fd_list(ev, v->raw, &style, out);
		break;
	case PT_FD:
	case PT_FD32:
	case PT_PID:
	case PT_PID32:
	case PT_ERRNO:
		add_signed(v, out);
		break;
	case PT_SYSCALLID:
	case PT_SIGTYPE:
	case PT_FLAGS8:
	case PT_FLAGS16:
	case PT_FLAGS32:
	case PT_ENUMFLAGS8:
	case PT_ENUMFLAGS16:
	case PT_ENUMFLAGS32:
	case PT_L4PROTO:
	case PT_SOCKFAMILY:
	case PT_PORT:
	case PT_BOOL:
		add_unsigned(v, out);
		break;
	case PT_RELTIME:
		add_reltime(v, out);
		break;
	case PT_ABSTIME:
		add_abstime(v, out);
		break;
	case PT_SIGSET:
		add_sigset(v, out);
		break;
	case PT_UID:
	case PT_GID:
		add_id(v, out);
		break;
	case PT_IPV4ADDR:
	case PT_IPV6ADDR:
		add_address(v, out);
		break;
	case PT_DYN:
		write_cstr(out, "INVALID DYNAMIC PARAMETER");
		break;
	default:
		add_number(v, out);
		break;
	}
}

static void add_plain_or_empty(const struct event *ev, const struct param_value *v, bool is_empty,
	struct event_style style, struct buf *out)
{
	if (is_empty || v->raw.len == 0)
		write_cstr(out, empty_text(v->def->type));
	else
		add_plain(ev, v, style, out);
}

void event_param_plain(const struct event *ev, unsigned i, struct buf *out)
{
	struct param_value v;

	if (param_value(ev, i, &v))
		add_plain_or_empty(
			ev, &v, event_param(ev, i).len == 0, (struct event_style){0}, out);
}

static void add_name(struct buf *out, const char *name, const char **separator)
{
	write_cstr(out, *separator);
	write_cstr(out, name);
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

static void add_fd_name(
	const struct event *ev, const struct event_fd *fd, struct str name, struct buf *out)
{
	struct event other;

	if (fd == &ev->fd) {
		event_fd_name_format(ev, name, out);
		return;
	}
	other.fd = *fd; /* all that is looked at */
	event_fd_name_format(&other, name, out);
}

static void resolve_fd(const struct event *ev, const struct param_def *def, int64_t fd,
	const struct event_style *style, struct buf *out)
{
	struct str path;

	if (fd == FD_CWD) {
		write_cstr(out, "AT_FDCWD");
		return;
	}
	if (fd < 0) {
		const char *name = fd >= INT32_MIN ? errno_name((int)fd) : NULL;

		if (name)
			write_cstr(out, name);
		return;
	}
	const struct event_fd *f = find_fd(ev, fd, is_folder_param(def), style, &path);
	if (!f || f->type == FD_UNKNOWN)
		return;
	bool is_inet = f->type == FD_IPV4 || f->type == FD_IPV6 || f->type == FD_IPV4_SERVER ||
		       f->type == FD_IPV6_SERVER;
	char proto = is_inet ? proto_char(f) : '\0';

	write_char(out, '<');
	write_char(out, fd_type_char(f->type));
	if (proto)
		write_char(out, proto);
	write_char(out, '>');
	add_fd_name(ev, f, path, out);
}

/* A relative path is resolved to the name that the source made of it. */
static void resolve_path(
	const struct event *ev, struct str path, const char *param, struct buf *out)
{
	bool is_target = strcmp(param, "newpath") == 0 || strcmp(param, "linkpath") == 0;
	const struct event_path *p = is_target ? &ev->target : &ev->path;

	if (path.len && path.s[0] != '/' && str_eq(path, p->raw))
		write_str(out, p->name);
}

/* What only the state of the machine knows. */
static void resolve_id(
	enum param_type t, uint64_t n, const struct event_style *style, struct buf *out)
{
	bool is_pid = t == PT_PID || t == PT_PID32;

	if (!is_pid && n == UINT32_MAX)
		write_cstr(out, "<NONE>");
	else if (style->name_of && n <= UINT32_MAX)
		write_str(out, style->name_of(style->arg, is_pid ? PT_PID : t, (uint32_t)n));
}

static void resolve_number(const struct event *ev, const struct param_value *v, uint64_t n,
	const struct event_style *style, struct buf *out)
{
	const char *name = NULL;

	switch (v->type) {
	case PT_FD:
	case PT_FD32:
		resolve_fd(ev, v->def, (int64_t)n, style, out);
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
		resolve_id(v->type, n, style, out);
		break;
	default:
		break;
	}
	if (name)
		write_cstr(out, name);
}

static void resolve(const struct event *ev, const struct param_value *v,
	const struct event_style *style, struct buf *out)
{
	uint64_t n;

	if (v->raw.len == 0)
		return;
	if (v->type == PT_FSPATH || v->type == PT_FSRELPATH)
		resolve_path(ev, param_until_nul(v->raw), v->def->name, out);
	else if (param_number(v->type, v->raw, &n))
		resolve_number(ev, v, n, style, out);
}

void event_param_resolved(const struct event *ev, unsigned i, struct buf *out)
{
	struct param_value v;

	if (param_value(ev, i, &v))
		resolve(ev, &v, &(struct event_style){0}, out);
}

void event_param_format_as(
	const struct event *ev, unsigned i, struct event_style style, struct buf *out)
{
	size_t before = out->len;
	struct param_value v;

	if (!param_value(ev, i, &v))
		return;
	resolve(ev, &v, &style, out);
	if (out->len == before && !out->cut)
		add_plain_or_empty(ev, &v, event_param(ev, i).len == 0, style, out);
}

void event_param_format(const struct event *ev, unsigned i, struct buf *out)
{
	event_param_format_as(ev, i, (struct event_style){0}, out);
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* The types whose values never have a resolved form, so that none is looked for. */
static bool is_plain_only(enum param_type t)
{
	return (1ULL << t & (1ULL << PT_CHARBUF | 1ULL << PT_BYTEBUF | 1ULL << PT_INT8 |
				    1ULL << PT_INT16 | 1ULL << PT_INT32 | 1ULL << PT_INT64 |
				    1ULL << PT_UINT8 | 1ULL << PT_UINT16 | 1ULL << PT_UINT32 |
				    1ULL << PT_UINT64 | 1ULL << PT_SOCKADDR |
				    1ULL << PT_SOCKTUPLE)) != 0;
}

/* "(resolved)", or nothing when there is none. */
static void add_resolved(const struct event *ev, const struct param_value *v,
	const struct event_style *style, struct buf *out)
{
	size_t open = out->len;

	write_char(out, '(');
	resolve(ev, v, style, out);
	if (out->len > open + 1) {
		write_char(out, ')');
	} else if (out->s) {
		out->len = open; /* the bracket goes again */
		out->s[open] = '\0';
	}
}

void event_args_format_as(const struct event *ev, struct event_style style, struct buf *out)
{
	unsigned n = ev->def && ev->def->params ? ev->def->nparams : 0;
	struct param_value v;

	/* the generic event holds numbers for machines only */
	if (event_is_generic(ev))
		return;
	n = n < ev->nparams ? n : ev->nparams;
	for (unsigned i = 0; i < n && param_value(ev, i, &v); i++) {
		if (i)
			write_char(out, ' ');
		write_mem(out, v.def->name, v.def->name_len);
		write_char(out, '=');
		add_plain_or_empty(ev, &v, event_param(ev, i).len == 0, style, out);
		if (v.raw.len && (v.type >= 64 || !is_plain_only(v.type)))
			add_resolved(ev, &v, &style, out);
	}
}

void event_args_format(const struct event *ev, struct buf *out)
{
	event_args_format_as(ev, (struct event_style){0}, out);
}
