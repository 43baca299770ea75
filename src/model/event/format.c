/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters as text, exactly as Falco prints them. A value has a plain form (a number, bytes, the
 * string as given) and may have a resolved one (names of flags, of an errno, of the descriptor's
 * file, the absolute path): evt.arg.NAME shows the resolved one when there is one, evt.args both.
 * Names that need the state of the machine (of users, of other processes) are not known here.
 */
#include <ctype.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "model/event/param.h"

enum { FD_CWD = -100 }; /* AT_FDCWD, on disk too */

/* Decimals are printed signed from 32 bits on, whatever the type says; hexadecimals in capitals. */
static void add_number(const struct param_value *v, struct buf *out)
{
	bool is_signed;
	unsigned size = param_type_size(v->type, &is_signed);
	uint64_t n;

	if (!param_number(v->type, v->raw, &n)) {
		buf_add_cstr(out, "<NA>");
		return;
	}
	if (v->def->base == PB_DEC) {
		buf_add_s64(out, size == 4 ? (int32_t)n : (int64_t)n);
		return;
	}
	if (size < 8)
		n &= (1ULL << (8 * size)) - 1;
	buf_printf(out, v->def->base == PB_OCT ? "%#llo" : "%llX", (unsigned long long)n);
}

static void add_unsigned(const struct param_value *v, struct buf *out)
{
	uint64_t n;

	if (param_number(v->type, v->raw, &n))
		buf_add_u64(out, n);
	else
		buf_add_cstr(out, "<NA>");
}

static void add_signed(const struct param_value *v, struct buf *out)
{
	uint64_t n;

	if (param_number(v->type, v->raw, &n))
		buf_add_s64(out, (int64_t)n);
	else
		buf_add_cstr(out, "<NA>");
}

/* Bytes that are no printable ASCII become dots: one line, whatever they hold. */
static void add_bytes(struct str raw, struct buf *out)
{
	while (raw.len) {
		size_t run = 0;

		while (run < raw.len && raw.s[run] >= 0x20 && raw.s[run] < 0x7f)
			run++;
		buf_add(out, str_head(raw, run));
		if (run < raw.len)
			buf_add_char(out, '.');
		raw = str_skip(raw, run + 1);
	}
}

static void add_fd_list(const struct event *ev, struct str raw, struct buf *out)
{
	struct cursor c = cursor_of(raw.s, raw.len);
	unsigned n = cursor_u16(&c);

	for (unsigned i = 0; i < n; i++) {
		int64_t fd = (int64_t)cursor_u64(&c);
		int16_t flags = (int16_t)cursor_u16(&c);
		char letter = '?';

		if (c.bad)
			break;
		if (ev->has_fd && fd == ev->fd.num)
			letter = fd_type_char(ev->fd.type);
		buf_printf(out, "%s%lld:%c%x", i ? " " : "", (long long)fd, letter,
			(unsigned)(int)flags);
	}
}

static void add_abstime(const struct param_value *v, struct buf *out)
{
	uint64_t ns;

	if (!param_number(v->type, v->raw, &ns)) {
		buf_add_cstr(out, "<NA>");
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
			buf_add_char(out, ' ');
		first = false;
		buf_add_cstr(out, signal_name(sig));
	}
}

static void add_id(const struct param_value *v, struct buf *out)
{
	uint64_t n;

	if (!param_number(v->type, v->raw, &n))
		buf_add_cstr(out, "<NA>");
	else
		buf_add_s64(out, (int32_t)n);
}

static void add_reltime(const struct param_value *v, struct buf *out)
{
	uint64_t ns;

	if (param_number(v->type, v->raw, &ns) && ns == UINT64_MAX)
		buf_add_cstr(out, "none");
	else
		add_unsigned(v, out);
}

static void add_address(const struct param_value *v, struct buf *out)
{
	bool is_v6 = v->type == PT_IPV6ADDR;

	if (v->raw.len < (is_v6 ? 16 : 4))
		buf_add_cstr(out, is_v6 ? "INVALID IPv6" : "INVALID IPv4");
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

static void add_plain(const struct event *ev, const struct param_value *v, struct buf *out)
{
	switch (v->type) {
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		buf_add(out, param_until_nul(v->raw));
		break;
	case PT_BYTEBUF:
	case PT_STRINGS:
		add_bytes(v->raw, out);
		break;
	case PT_SOCKADDR:
		sockaddr_format(v->raw, out);
		break;
	case PT_SOCKTUPLE:
		socktuple_format(v->raw, out);
		break;
	case PT_FDLIST:
		add_fd_list(ev, v->raw, out);
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
		buf_add_cstr(out, "INVALID DYNAMIC PARAMETER");
		break;
	default:
		add_number(v, out);
		break;
	}
}

void event_param_plain(const struct event *ev, unsigned i, struct buf *out)
{
	struct param_value v;

	if (!param_value(ev, i, &v))
		return;
	if (event_param(ev, i).len == 0 || v.raw.len == 0)
		buf_add_cstr(out, empty_text(v.def->type));
	else
		add_plain(ev, &v, out);
}

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

	for (; f && f->name; f++) {
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

static void resolve_fd(const struct event *ev, int64_t fd, struct buf *out)
{
	const struct event_fd *f = &ev->fd;

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
	if (!ev->has_fd || f->num != fd || f->type == FD_UNKNOWN)
		return;
	bool is_inet = f->type == FD_IPV4 || f->type == FD_IPV6 || f->type == FD_IPV4_SERVER ||
		       f->type == FD_IPV6_SERVER;
	char proto = is_inet ? proto_char(f) : '\0';

	buf_add_char(out, '<');
	buf_add_char(out, fd_type_char(f->type));
	if (proto)
		buf_add_char(out, proto);
	buf_add_char(out, '>');
	event_fd_name_format(ev, ev->path.name, out);
}

/* A relative path is resolved to the name that the source made of it. */
static void resolve_path(
	const struct event *ev, struct str path, const char *param, struct buf *out)
{
	bool is_target = strcmp(param, "newpath") == 0 || strcmp(param, "linkpath") == 0;
	const struct event_path *p = is_target ? &ev->target : &ev->path;

	if (path.len && path.s[0] != '/' && str_eq(path, p->raw))
		buf_add(out, p->name);
}

static void resolve_number(
	const struct event *ev, const struct param_value *v, uint64_t n, struct buf *out)
{
	const char *name = NULL;

	switch (v->type) {
	case PT_FD:
	case PT_FD32:
		resolve_fd(ev, (int64_t)n, out);
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
		name = n == UINT32_MAX ? "<NONE>" : NULL;
		break;
	default:
		break;
	}
	if (name)
		buf_add_cstr(out, name);
}

void event_param_resolved(const struct event *ev, unsigned i, struct buf *out)
{
	struct param_value v;
	uint64_t n;

	if (!param_value(ev, i, &v) || v.raw.len == 0)
		return;
	if (v.type == PT_FSPATH || v.type == PT_FSRELPATH)
		resolve_path(ev, param_until_nul(v.raw), v.def->name, out);
	else if (param_number(v.type, v.raw, &n))
		resolve_number(ev, &v, n, out);
}

void event_param_format(const struct event *ev, unsigned i, struct buf *out)
{
	size_t before = out->len;

	event_param_resolved(ev, i, out);
	if (out->len == before && !out->cut)
		event_param_plain(ev, i, out);
}

/* "(resolved)", or nothing when there is none. */
static void add_resolved(const struct event *ev, unsigned i, struct buf *out)
{
	size_t open = out->len;

	buf_add_char(out, '(');
	event_param_resolved(ev, i, out);
	if (out->len > open + 1) {
		buf_add_char(out, ')');
	} else if (out->s) {
		out->len = open; /* the bracket goes again */
		out->s[open] = '\0';
	}
}

void event_args_format(const struct event *ev, struct buf *out)
{
	/* the generic event holds numbers for machines only */
	if (!ev->def || !ev->def->params || event_is_generic(ev))
		return;
	for (unsigned i = 0; i < ev->nparams && i < ev->def->nparams; i++) {
		if (i)
			buf_add_char(out, ' ');
		buf_add_cstr(out, ev->def->params[i].name);
		buf_add_char(out, '=');
		event_param_plain(ev, i, out);
		add_resolved(ev, i, out);
	}
}
