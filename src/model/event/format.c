/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters as text, exactly as Falco prints them. A value has a plain form (a number, bytes, the
 * string as given) and may have a resolved one (resolve.c): evt.arg.NAME shows the resolved one
 * when there is one, evt.args both.
 */
#include "base/clock.h"
#include "base/cursor.h"
#include "base/digits.h"
#include "model/event/param.h"

/* "0644", and "0". */
static char *put_octal(char *to, uint64_t n)
{
	unsigned digits = (64 - (unsigned)__builtin_clzll(n | 1) + 2) / 3;
	char *end = to + (n ? digits + 1 : 1), *p = end;

	for (; p > to; n >>= 3)
		*--p = (char)('0' + (n & 7));
	return end;
}

/* Decimals are printed signed from 32 bits on, whatever the type says; hexadecimals in capitals. */
static char *put_in_base(char *to, const struct param_value *v, uint64_t n)
{
	bool is_signed;
	unsigned size = param_type_size(v->type, &is_signed);

	if (v->def->base == PB_DEC)
		return digits_put_s64(to, size == 4 ? (int32_t)n : (int64_t)n);
	if (size < 8)
		n &= (1ULL << (8 * size)) - 1;
	return v->def->base == PB_OCT ? put_octal(to, n) : digits_put_hex(to, n, DIGITS_CAPITALS);
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
		const struct event_fd *known = param_fd(ev, fd, false, style, &name);
		if (known)
			letter = fd_type_char(known->type);
		if (i)
			buf_add_char(out, ' ');
		buf_add_s64(out, fd);
		buf_add_char(out, ':');
		buf_add_char(out, letter);
		buf_add_hex(out, (unsigned)(int)flags, false);
	}
}

static void add_abstime(uint64_t ns, struct buf *out)
{
	clock_add_strftime(out, ns, "%Y-%m-%d %H:%M:%S", false);
	clock_add_fraction(out, ns);
	buf_add_char(out, ' ');
	clock_add_strftime(out, ns, "%z", false);
}

static void add_sigset(uint64_t set, struct buf *out)
{
	bool first = true;

	for (int sig = 1; sig <= 32; sig++) {
		if (!(set >> (sig - 1) & 1) || !signal_name(sig))
			continue;
		if (!first)
			buf_add_char(out, ' ');
		first = false;
		buf_add_cstr(out, signal_name(sig));
	}
}

static void add_address(const struct param_value *v, struct buf *out)
{
	bool is_v6 = v->type == PT_IPV6ADDR;

	if (v->raw.len < (is_v6 ? 16 : 4))
		buf_add_cstr(out, is_v6 ? "INVALID IPv6" : "INVALID IPv4");
	else
		ip_format((const uint8_t *)v->raw.s, is_v6, out);
}

enum { EMPTY_LEN = 4 };

/* Falco kept "NULL" for the types that could be empty before all could. */
static const char *empty_text(enum param_type t)
{
	return t == PT_BYTEBUF || t == PT_STRINGS || t == PT_SOCKTUPLE || t == PT_FDLIST ||
			       t == PT_DYN
		       ? "NULL"
		       : "<NA>";
}

/* At most DIGITS_MAX bytes; NULL for the two kinds of numbers that are more than digits. */
static inline char *put_number(char *to, const struct param_value *v, uint64_t n)
{
	switch (v->type) {
	case PT_FD:
	case PT_FD32:
	case PT_PID:
	case PT_PID32:
	case PT_ERRNO:
		return digits_put_s64(to, (int64_t)n);
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
		return digits_put_u64(to, n);
	case PT_RELTIME:
		return n == UINT64_MAX ? mempcpy(to, "none", 4) : digits_put_u64(to, n);
	case PT_UID:
	case PT_GID:
		return digits_put_s64(to, (int32_t)n);
	case PT_ABSTIME:
	case PT_SIGSET:
		return NULL;
	default:
		return put_in_base(to, v, n);
	}
}

static void add_number(const struct param_value *v, uint64_t n, struct buf *out)
{
	char tmp[DIGITS_MAX], *end = put_number(tmp, v, n);

	if (end)
		buf_add(out, str_make(tmp, (size_t)(end - tmp)));
	else if (v->type == PT_ABSTIME)
		add_abstime(n, out);
	else
		add_sigset(n, out);
}

/* A value that is no number. */
static void add_text(const struct event *ev, const struct param_value *v,
	const struct event_style *style, struct buf *out)
{
	switch (v->type) {
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		buf_add(out, param_until_nul(v->raw));
		break;
	case PT_BYTEBUF:
	case PT_STRINGS:
		event_bytes_format(v->raw, style, out);
		break;
	case PT_SOCKADDR:
		sockaddr_format(v->raw, style, ev->fd.sock.l4proto, out);
		break;
	case PT_SOCKTUPLE:
		socktuple_format(v->raw, style, ev->fd.sock.l4proto, out);
		break;
	case PT_FDLIST:
		add_fd_list(ev, v->raw, style, out);
		break;
	case PT_IPV4ADDR:
	case PT_IPV6ADDR:
		add_address(v, out);
		break;
	case PT_DYN:
		buf_add_cstr(out, "INVALID DYNAMIC PARAMETER");
		break;
	case PT_SIGSET: /* too short to be read as one: empty */
		break;
	default:
		buf_add_cstr(out, "<NA>");
		break;
	}
}

static void add_plain(const struct event *ev, const struct param_value *v,
	const struct event_style *style, struct buf *out)
{
	uint64_t n;

	if (param_number(v->type, v->raw, &n))
		add_number(v, n, out);
	else
		add_text(ev, v, style, out);
}

static void add_plain_or_empty(const struct event *ev, const struct param_value *v, bool is_empty,
	const struct event_style *style, struct buf *out)
{
	if (is_empty || v->raw.len == 0)
		buf_add_cstr(out, empty_text(v->def->type));
	else
		add_plain(ev, v, style, out);
}

static const struct event_style no_style;

void event_param_plain(const struct event *ev, unsigned i, struct buf *out)
{
	struct param_value v;

	if (param_value(ev, i, &v))
		add_plain_or_empty(ev, &v, event_param(ev, i).len == 0, &no_style, out);
}

static void resolve(const struct event *ev, const struct param_value *v,
	const struct event_style *style, struct buf *out)
{
	uint64_t n;

	if (v->raw.len == 0)
		return;
	if (v->type == PT_FSPATH || v->type == PT_FSRELPATH)
		param_resolve_path(ev, param_until_nul(v->raw), v->def->name, out);
	else if (param_number(v->type, v->raw, &n))
		param_resolve_number(ev, v, n, style, out);
}

void event_param_resolved(const struct event *ev, unsigned i, struct buf *out)
{
	struct param_value v;

	if (param_value(ev, i, &v))
		resolve(ev, &v, &no_style, out);
}

void event_param_format_as(
	const struct event *ev, unsigned i, const struct event_style *style, struct buf *out)
{
	size_t before = out->len;
	struct param_value v;

	if (!param_value(ev, i, &v))
		return;
	resolve(ev, &v, style, out);
	if (out->len == before && !out->cut)
		add_plain_or_empty(ev, &v, event_param(ev, i).len == 0, style, out);
}

void event_param_format(const struct event *ev, unsigned i, struct buf *out)
{
	event_param_format_as(ev, i, &no_style, out);
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* Whether a number of that type has a second form at all, so that none is looked for in vain. */
static bool may_have_name(enum param_type t, uint64_t n)
{
	switch (t) {
	case PT_ERRNO:
		return (int64_t)n < 0;
	case PT_INT8:
	case PT_INT16:
	case PT_INT32:
	case PT_INT64:
	case PT_UINT8:
	case PT_UINT16:
	case PT_UINT32:
	case PT_UINT64:
		return false;
	default:
		return true;
	}
}

/* The bracket that was opened at `open`: closed, or gone when there is nothing in it. */
static void close_bracket(struct buf *out, size_t open)
{
	if (out->len > open + 1)
		buf_add_char(out, ')');
	else
		buf_cut(out, open);
}

/* The second form of a value, in brackets, if it has one. */
static void add_number_name(const struct event *ev, const struct param_value *v, uint64_t n,
	const struct event_style *style, struct buf *out)
{
	size_t open = out->len;

	if (!may_have_name(v->type, n))
		return;
	buf_add_char(out, '(');
	param_resolve_number(ev, v, n, style, out);
	close_bracket(out, open);
}

static void add_path_name(const struct event *ev, const struct param_value *v, struct buf *out)
{
	size_t open = out->len;

	if ((v->type != PT_FSPATH && v->type != PT_FSRELPATH) || v->raw.s[0] == '/')
		return;
	buf_add_char(out, '(');
	param_resolve_path(ev, param_until_nul(v->raw), v->def->name, out);
	close_bracket(out, open);
}

/* How an argument is best made: what its text hangs on. */
enum arg_kind {
	ARG_OTHER,
	ARG_NUMBER, /* a number in its base */
	ARG_ERROR,  /* digits; names below zero */
	ARG_FD,     /* the same; and, from zero on, the file or the socket */
	ARG_NAMED,  /* all that the number alone says, if anything */
	ARG_TEXT,
	ARG_PATH,
};

static const uint8_t arg_kinds[PARAM_TYPES] = {
	[PT_INT8] = ARG_NUMBER,
	[PT_INT16] = ARG_NUMBER,
	[PT_INT32] = ARG_NUMBER,
	[PT_INT64] = ARG_NUMBER,
	[PT_UINT8] = ARG_NUMBER,
	[PT_UINT16] = ARG_NUMBER,
	[PT_UINT32] = ARG_NUMBER,
	[PT_UINT64] = ARG_NUMBER,
	[PT_PORT] = ARG_NAMED,
	[PT_L4PROTO] = ARG_NAMED,
	[PT_SOCKFAMILY] = ARG_NAMED,
	[PT_BOOL] = ARG_NAMED,
	[PT_ERRNO] = ARG_ERROR,
	[PT_FD] = ARG_FD,
	[PT_FD32] = ARG_FD,
	[PT_SYSCALLID] = ARG_NAMED,
	[PT_SIGTYPE] = ARG_NAMED,
	[PT_RELTIME] = ARG_NAMED,
	[PT_FLAGS8] = ARG_NAMED,
	[PT_FLAGS16] = ARG_NAMED,
	[PT_FLAGS32] = ARG_NAMED,
	[PT_MODE] = ARG_NAMED,
	[PT_ENUMFLAGS8] = ARG_NAMED,
	[PT_ENUMFLAGS16] = ARG_NAMED,
	[PT_ENUMFLAGS32] = ARG_NAMED,
	[PT_CHARBUF] = ARG_TEXT,
	[PT_FSPATH] = ARG_PATH,
	[PT_FSRELPATH] = ARG_PATH,
};

/* The label is copied whole, which takes no time, and then counts as far as it goes. */
static inline char *put_label(char *to, const struct param_def *def, bool is_first)
{
	memcpy(to, def->label + is_first, PARAM_LABEL_MAX - 1);
	return to + def->name_len + 2 - is_first;
}

/* " name=3(<f>/etc/passwd)", without the blank in front of the first. */
static void add_arg(const struct event *ev, const struct param_value *v, bool is_first,
	const struct event_style *style, struct buf *out)
{
	char label[PARAM_LABEL_MAX];
	uint64_t n;

	buf_add(out, str_make(label, (size_t)(put_label(label, v->def, is_first) - label)));
	if (v->raw.len && param_number(v->type, v->raw, &n)) {
		add_number(v, n, out);
		add_number_name(ev, v, n, style, out);
	} else if (v->raw.len) {
		add_text(ev, v, style, out);
		add_path_name(ev, v, out);
	} else {
		buf_add_cstr(out, empty_text(v->def->type));
	}
}

/* False when the text is too long to be kept. */
static __attribute__((noinline)) bool learn(
	const struct event *ev, const struct param_value *v, uint64_t n, struct event_memo_row *row)
{
	struct buf b = buf_fixed(row->text, sizeof(row->text));

	add_number(v, n, &b);
	add_number_name(ev, v, n, &no_style, &b);
	row->def = b.cut ? NULL : v->def;
	row->n = n;
	row->len = (uint8_t)b.len;
	return !b.cut;
}

/* At most EVENT_MEMO_TEXT bytes; NULL = there is no memo, or no room in it. */
static inline char *put_known(char *to, const struct event *ev, const struct param_value *v,
	uint64_t n, struct event_memo *memo)
{
	enum { MOST = 32 };
	uint64_t hash = ((uintptr_t)v->def ^ n) * 0x9e3779b97f4a7c15;
	struct event_memo_row *row = memo ? &memo->rows[hash >> 57] : NULL;

	_Static_assert(EVENT_MEMO_ROWS == 1 << (64 - 57), "a row for each value of the hash");
	if (!row || ((row->def != v->def || row->n != n) && !learn(ev, v, n, row)))
		return NULL;
	memcpy(to, row->text, MOST);
	if (row->len > MOST)
		memcpy(to + MOST, row->text + MOST, sizeof(row->text) - MOST);
	return to + row->len;
}

enum { ARG_ROOM = PARAM_LABEL_MAX + EVENT_MEMO_TEXT + DIGITS_MAX };

static inline bool add_quick_text(const struct event *ev, const struct param_value *v,
	bool is_first, bool is_path, struct buf *out)
{
	char *to = buf_room(out, ARG_ROOM);

	if (!to)
		return false;
	struct str text = param_until_nul(v->raw);

	buf_filled_to(out, put_label(to, v->def, is_first));
	buf_add(out, text);
	if (is_path && v->raw.s[0] != '/')
		add_path_name(ev, v, out);
	return true;
}

static inline bool add_quick_number(const struct event *ev, const struct param_value *v,
	enum arg_kind kind, bool is_first, const struct event_style *style, struct buf *out)
{
	char *to = buf_room(out, ARG_ROOM);
	uint64_t n;

	if (!to || !param_number(v->type, v->raw, &n))
		return false;
	to = put_label(to, v->def, is_first);
	if (kind == ARG_NUMBER)
		to = put_in_base(to, v, n);
	else if (kind != ARG_NAMED && (int64_t)n >= 0)
		to = digits_put_u64(to, n);
	else
		to = put_known(to, ev, v, n, style->memo);
	if (!to)
		return false;
	if (kind == ARG_FD && (int64_t)n >= 0) {
		*to = '(';
		buf_filled_to(out, to + 1);
		size_t open = out->len - 1;
		param_resolve_fd(ev, v->def, (int64_t)n, style, out);
		close_bracket(out, open);
		return true;
	}
	buf_filled_to(out, to);
	return true;
}

static inline bool add_quick_empty(const struct param_value *v, bool is_first, struct buf *out)
{
	char *to = buf_room(out, ARG_ROOM);

	if (to)
		buf_filled_to(out, mempcpy(put_label(to, v->def, is_first),
					   empty_text(v->def->type), EMPTY_LEN));
	return to;
}

/* The usual kinds, which need not ask much; false = nothing was added. */
static inline bool add_quick(const struct event *ev, const struct param_value *v, bool is_first,
	const struct event_style *style, struct buf *out)
{
	enum arg_kind kind = (unsigned)v->type < PARAM_TYPES ? arg_kinds[v->type] : ARG_OTHER;

	if (!v->raw.len)
		return add_quick_empty(v, is_first, out);
	if (kind == ARG_OTHER)
		return false;
	if (kind >= ARG_TEXT)
		return add_quick_text(ev, v, is_first, kind == ARG_PATH, out);
	return add_quick_number(ev, v, kind, is_first, style, out);
}

void event_args_format_as(const struct event *ev, const struct event_style *style, struct buf *out)
{
	unsigned n = ev->def && ev->def->params ? ev->def->nparams : 0;
	struct param_value v;

	/* the generic event holds numbers for machines only */
	if (event_is_generic(ev))
		return;
	n = n < ev->nparams ? n : ev->nparams;
	for (unsigned i = 0; i < n; i++) {
		v = (struct param_value){
			&ev->def->params[i], ev->def->params[i].type, ev->params[i]};
		if (add_quick(ev, &v, i == 0, style, out))
			continue;
		if (v.type == PT_DYN && v.raw.len)
			param_unwrap(&v);
		add_arg(ev, &v, i == 0, style, out);
	}
}

void event_args_format(const struct event *ev, struct buf *out)
{
	event_args_format_as(ev, &no_style, out);
}
