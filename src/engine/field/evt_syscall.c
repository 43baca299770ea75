/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evt.* fields of system calls: type, arguments, result, how a file was opened, latency. What
 * only counts (evt.count, evt.buflen, evt.is_io) is in evt_count.c. Arguments are as the
 * program gave them, but for relative paths, which evt.arg shows as absolute ones (evt.rawarg does
 * not); names by which a file was really opened are in fd.* and fs.path.*.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/digits.h"
#include "engine/field/private.h"

enum {
	FORMAT_MAX = 256 * 1024, /* most text of one event's arguments */
	/* open flags in .scap encoding */
	O_READ = 1 << 0,
	O_WRITE = 1 << 1,
	O_MAKE = 1 << 2,
	O_TEMPORARY = 1 << 13,
	O_MADE = 1 << 14,
	MODE_EXEC = 0111,
};

/* ---- time ----------------------------------------------------------------------------------- */

static bool latency(const struct field_ctx *ctx, uint64_t *ret)
{
	const struct event *ev = event_of(ctx);

	if (!ev->enter_ns || ev->ts_ns < ev->enter_ns)
		return false;
	*ret = ev->ts_ns - ev->enter_ns;
	return true;
}

GET(get_latency)
{
	uint64_t ns;

	return latency(ctx, &ns) && give_reltime(ret, ns);
}

GET(get_latency_s)
{
	uint64_t ns;

	return latency(ctx, &ns) && give_reltime(ret, ns / NSEC_PER_SEC);
}

GET(get_latency_ns)
{
	uint64_t ns;

	return latency(ctx, &ns) && give_reltime(ret, ns % NSEC_PER_SEC);
}

GET(get_latency_quantized)
{
	uint64_t ns;

	return latency(ctx, &ns) && give_u64(ret, ns ? 63 - (unsigned)__builtin_clzll(ns) : 0);
}

GET(get_latency_human)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"s", NSEC_PER_SEC}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	struct buf b = field_buf(ctx, 48);
	uint64_t ns;
	size_t i = 0;

	if (!latency(ctx, &ns))
		return false;
	while (i < COUNT_OF(units) - 1 && ns < units[i].ns)
		i++;
	buf_add_u64(&b, ns / units[i].ns);
	if (units[i].ns > 1) {
		uint64_t hundredths = ns % units[i].ns * 100 / units[i].ns;

		buf_add_char(&b, '.');
		buf_add_char(&b, (char)('0' + hundredths / 10));
		buf_add_char(&b, (char)('0' + hundredths % 10));
	}
	buf_add_cstr(&b, units[i].unit);
	return give_str(ret, buf_str(&b));
}

GET(get_wait_latency)
{
	const struct event *ev = event_of(ctx);

	return ev->def && (ev->def->flags & EF_WAITS) && get_latency(ctx, arg, ret);
}

static uint64_t delta_ns(const struct field_ctx *ctx)
{
	const struct field_subject *s = subject_of(ctx);

	return s->last_ts_ns && s->ev->ts_ns > s->last_ts_ns ? s->ev->ts_ns - s->last_ts_ns : 0;
}

GET(get_deltatime)
{
	return give_reltime(ret, delta_ns(ctx));
}

GET(get_deltatime_s)
{
	return give_reltime(ret, delta_ns(ctx) / NSEC_PER_SEC);
}

GET(get_deltatime_ns)
{
	return give_reltime(ret, delta_ns(ctx) % NSEC_PER_SEC);
}

/* "5.514763786": seconds and nanoseconds. */
static void add_seconds(struct buf *out, uint64_t ns)
{
	buf_add_u64(out, ns / NSEC_PER_SEC);
	clock_add_fraction(out, ns);
}

static bool print_outputtime(
	const struct field_ctx *ctx, const struct field_arg *arg, struct buf *out)
{
	const struct field_subject *s = subject_of(ctx);
	uint64_t ts = s->ev->ts_ns, ns = 0;

	switch (s->outputtime) {
	case TIME_EPOCH:
		add_seconds(out, ts);
		break;
	case TIME_RELATIVE:
		add_seconds(out, s->first_ts_ns && ts > s->first_ts_ns ? ts - s->first_ts_ns : 0);
		break;
	case TIME_LATENCY:
		latency(ctx, &ns);
		add_seconds(out, ns);
		break;
	case TIME_DELTA:
		add_seconds(out, delta_ns(ctx));
		break;
	default:
		field_add_time_of_day(s, out);
		break;
	}
	return true;
}

PUT(put_outputtime)
{
	const struct field_subject *s = subject_of(ctx);

	return s->outputtime == TIME_OF_DAY && s->clock ? field_put_time_of_day(s, to) : NULL;
}

GET(get_outputtime)
{
	struct buf b = field_buf(ctx, 64);

	return print_outputtime(ctx, arg, &b) && give_str(ret, buf_str(&b));
}

GET(get_outputtime_ns)
{
	return give_abstime(ret, event_of(ctx)->ts_ns);
}

/* evt.around[TS] = N: within N milliseconds of TS, which is in nanoseconds since the epoch. */
GET(get_around)
{
	return give_u64(ret, arg->resolved);
}

static bool compare_around(
	const struct field_ctx *ctx, const struct field_arg *arg, const struct comparison *c)
{
	uint64_t ts = event_of(ctx)->ts_ns, ms, delta;
	size_t n;
	const struct str *texts = comparison_texts(c, &n);

	if (n != 1 || !str_to_u64(texts[0], 10, &ms) || __builtin_mul_overflow(ms, 1000000, &delta))
		return false;
	return (ts > arg->resolved ? ts - arg->resolved : arg->resolved - ts) <= delta;
}

static int resolve_around(struct field_arg *arg, struct err *e)
{
	if (!str_to_u64(arg->text, 10, &arg->resolved))
		return err_set(e, EINVAL,
			"expected a time in nanoseconds since the epoch, not \"%.*s\"",
			STR_ARG(arg->text));
	return 0;
}

/* ---- type ----------------------------------------------------------------------------------- */

GET(get_dir)
{
	const struct event *ev = event_of(ctx);

	/* codes come in pairs, the begin first; what has no end (switch, signals) counts as one */
	return give_str(ret, ev->code & 1 ? STR("<") : STR(">"));
}

PUT(put_dir)
{
	*to = event_of(ctx)->code & 1 ? '<' : '>';
	return to + 1;
}

/* The name of a system call that has no event of its own. */
static struct str generic_name(const struct event *ev)
{
	uint64_t id;

	return event_param_u64(ev, 0, &id) && id <= UINT16_MAX
		       ? str_of(syscall_id_name((unsigned)id))
		       : STR_NULL;
}

static inline struct str type_of(const struct event *ev)
{
	if (event_is_generic(ev))
		return generic_name(ev);
	if (ev->code == EV_ASYNCEVENT)
		return event_param_str(ev, 1);
	return ev->def ? str_make(ev->def->name, ev->def->name_len) : STR_NULL;
}

GET(get_type)
{
	return give_some_str(ret, type_of(event_of(ctx)));
}

PUT(put_type)
{
	struct str type = type_of(event_of(ctx));

	return type.len ? put_text(to, type) : NULL;
}

GET(get_syscall_type)
{
	const struct event *ev = event_of(ctx);

	if (!ev->def || (ev->def->flags & EF_META))
		return false;
	return get_type(ctx, arg, ret);
}

GET(get_type_is)
{
	const struct event *ev = event_of(ctx);

	if (arg->is_index)
		return give_u64(ret, arg->index == ev->code);
	return give_u64(ret, ev->def && str_is(arg->text, ev->def->name));
}

static int resolve_type_is(struct field_arg *arg, struct err *e)
{
	if (arg->is_index && arg->index < EVENT_CODE_MAX)
		return 0;
	for (unsigned code = 0; code < EVENT_CODE_MAX && !arg->is_index; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (def && str_is(arg->text, def->name))
			return 0;
	}
	return err_set(e, EINVAL, "there is no event type \"%.*s\"", STR_ARG(arg->text));
}

/* Input and output are put down to what the descriptor is. */
static const char *io_category(const struct event *ev)
{
	if (!ev->has_fd)
		return "unknown";
	switch (ev->fd.type) {
	case FD_FILE:
	case FD_DIRECTORY:
		return "file";
	case FD_IPV4:
	case FD_IPV6:
	case FD_IPV4_SERVER:
	case FD_IPV6_SERVER:
		return "net";
	case FD_FIFO:
	case FD_UNIX:
	case FD_EVENT:
	case FD_SIGNAL:
	case FD_INOTIFY:
	case FD_USERFAULT:
		return "ipc";
	default:
		return "unknown";
	}
}

GET(get_category)
{
	const struct event *ev = event_of(ctx);

	if (!ev->def)
		return false;
	switch ((enum event_category)ev->def->category) {
	case EC_IO_READ:
	case EC_IO_WRITE:
	case EC_IO_OTHER:
		return give_cstr(ret, io_category(ev));
	default:
		return give_cstr(ret, event_category_name(ev->def->category));
	}
}

GET(get_cpu)
{
	return give_s64(ret, event_of(ctx)->cpu);
}

PUT(put_cpu)
{
	return digits_put_u64(to, event_of(ctx)->cpu);
}

/* ---- arguments ------------------------------------------------------------------------------ */

/* Room for text of n bytes of parameters: bytes may be written as \xHH. */
static struct buf text_buf(const struct field_ctx *ctx, size_t n)
{
	size_t max = 1024 + 4 * n;

	return field_buf(ctx, max < FORMAT_MAX ? max : FORMAT_MAX);
}

/* The parameter that arg names or counts; -1 when this event has no such one. */
static int param_of(const struct event *ev, const struct field_arg *arg)
{
	if (arg->is_index)
		return arg->index < ev->nparams ? (int)arg->index : -1;
	int i = ev->def ? event_param_index(ev->def, arg->text) : -1;

	return i < ev->nparams ? i : -1;
}

GET(get_args)
{
	const struct event *ev = event_of(ctx);
	size_t n = 0;

	/* a generic event's parameters are only the number of its system call */
	if (event_is_generic(ev) || !ev->def)
		return give_str(ret, STR(""));
	for (unsigned i = 0; i < ev->nparams; i++)
		n += 64 + event_param(ev, i).len;
	struct buf b = text_buf(ctx, n);

	event_args_format(ev, &b);
	return give_str(ret, buf_str(&b));
}

static struct str thread_name(const struct state *s, uint32_t tid)
{
	const struct thread *t = state_thread_find(s, tid);
	const struct process *p = t ? t->proc : state_process_by_pid(s, tid);

	return !p || p->is_stub ? STR_NULL : t ? t->comm : p->comm;
}

static bool is_clone_or_exec(uint16_t code)
{
	return code == EV_CLONE || code == EV_CLONE3 || code == EV_FORK || code == EV_VFORK ||
	       code == EV_EXECVE || code == EV_EXECVEAT;
}

/*
 * Does the number count within the process's own pid namespace? There 1 is its own first process,
 * and no name of this machine's is right. Clones and execs have both kinds, v for virtual.
 */
static bool is_namespaced(const struct field_subject *s, const struct param_def *def)
{
	const struct process *p = s->proc;

	if (!p->vpid || p->vpid == p->pid)
		return false;
	if (is_clone_or_exec(s->ev->code))
		return def->name[0] == 'v' || !strcmp(def->name, "res");
	return s->ev->code != EV_PROCEXIT && s->ev->code != EV_SWITCH &&
	       s->ev->code != EV_SIGNALDELIVER;
}

/* What the state knows of a number: "pid=17497(curl)", "uid=0(root)". */
static struct str name_of(const void *arg, const struct param_def *def, uint32_t id)
{
	const struct field_subject *s = arg;

	if (!s->state || !s->proc)
		return STR_NULL;
	if (def->type == PT_PID || def->type == PT_PID32)
		return is_namespaced(s, def) ? STR_NULL : thread_name(s->state, id);
	if (def->type == PT_UID) {
		const struct user *u = state_user(s->state, s->proc, id);

		return u ? u->name : STR("<NA>");
	}
	const struct group *g = state_group(s->state, s->proc, id);

	return g ? g->name : STR("<NA>");
}

/* The parameter is the number of a user, a group or a process that has a name. */
static bool name_of_number(const struct field_subject *s, unsigned i, struct str *ret)
{
	uint8_t type = s->ev->def->params[i].type;
	bool is_pid = type == PT_PID || type == PT_PID32;
	int64_t n;

	if ((!is_pid && type != PT_UID && type != PT_GID) || !event_param_s64(s->ev, i, &n))
		return false;
	if (is_pid ? n <= 0 || n > UINT32_MAX : (uint32_t)n == UINT32_MAX)
		return false;
	*ret = name_of(s, &s->ev->def->params[i], (uint32_t)n);
	return ret->len != 0;
}

GET(get_arg)
{
	const struct event *ev = event_of(ctx);
	int i = param_of(ev, arg);
	struct str name;

	if (i < 0)
		return false;
	if (name_of_number(subject_of(ctx), (unsigned)i, &name))
		return give_str(ret, name);
	struct buf b = text_buf(ctx, event_param(ev, (unsigned)i).len);

	event_param_format(ev, (unsigned)i, &b);
	return give_str(ret, buf_str(&b));
}

static const struct event_fd *fd_of(const void *arg, int64_t num, struct str *name)
{
	const struct field_subject *s = arg;
	const struct descriptor *d = s->proc ? state_descriptor_find(s->proc, num) : NULL;

	if (d)
		*name = d->name;
	return d ? &d->fd : NULL;
}

static struct event_style style_of(const struct field_subject *s)
{
	struct event_style style = s->style;

	style.name_of = s->names_ids ? name_of : NULL;
	style.fd_of = s->names_ids ? fd_of : NULL;
	style.arg = s;
	return style;
}

static bool print_args(const struct field_ctx *ctx, const struct field_arg *arg, struct buf *out)
{
	const struct field_subject *s = subject_of(ctx);
	const struct event_style style = style_of(s);

	event_args_format_as(s->ev, &style, out);
	return true;
}

static bool print_arg(const struct field_ctx *ctx, const struct field_arg *arg, struct buf *out)
{
	const struct field_subject *s = subject_of(ctx);
	const struct event_style style = style_of(s);
	int i = param_of(s->ev, arg);
	struct str name;

	if (i < 0)
		return false;
	if (name_of_number(s, (unsigned)i, &name))
		buf_add(out, name);
	else
		event_param_format_as(s->ev, (unsigned)i, &style, out);
	return true;
}

static bool known_param(struct str name)
{
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (def && event_param_index(def, name) >= 0)
			return true;
	}
	return false;
}

static int resolve_arg(struct field_arg *arg, struct err *e)
{
	if (arg->is_index && arg->index < EVENT_PARAMS_MAX)
		return 0;
	if (!arg->is_index && known_param(arg->text))
		return 0;
	return err_set(e, EINVAL, "no event has an argument \"%.*s\"", STR_ARG(arg->text));
}

static int resolve_rawarg(struct field_arg *arg, struct err *e)
{
	if (arg->is_index)
		return err_set(e, EINVAL, "expected the argument's name, not its number");
	return resolve_arg(arg, e);
}

/* A number with the type that its meaning gives it. */
static bool give_number(const struct event *ev, unsigned i, struct value *ret)
{
	int64_t s;
	uint64_t u;

	switch ((enum param_type)ev->def->params[i].type) {
	case PT_INT8:
	case PT_INT16:
	case PT_INT32:
	case PT_INT64:
	case PT_ERRNO:
	case PT_FD:
	case PT_PID:
	case PT_FD32:
	case PT_PID32:
		return event_param_s64(ev, i, &s) && give_s64(ret, s);
	case PT_BOOL:
		return event_param_u64(ev, i, &u) && give_bool(ret, u != 0);
	case PT_RELTIME:
		return event_param_u64(ev, i, &u) && give_reltime(ret, u);
	case PT_ABSTIME:
		return event_param_u64(ev, i, &u) && give_abstime(ret, u);
	case PT_PORT:
		if (!event_param_u64(ev, i, &u))
			return false;
		*ret = (struct value){.type = VT_PORT, .u = u};
		return true;
	default:
		return event_param_u64(ev, i, &u) && give_u64(ret, u);
	}
}

static bool give_bytes(struct value *ret, struct str bytes)
{
	*ret = (struct value){.type = VT_BYTES, .s = bytes};
	return bytes.len != 0;
}

GET(get_rawarg)
{
	const struct event *ev = event_of(ctx);
	int i = param_of(ev, arg);

	if (i < 0 || !event_param(ev, (unsigned)i).len)
		return false;
	switch ((enum param_type)ev->def->params[i].type) {
	case PT_CHARBUF:
		return give_str(ret, event_param_str(ev, (unsigned)i));
	case PT_FSPATH:
	case PT_FSRELPATH:
		return give_path(ret, event_param_str(ev, (unsigned)i));
	case PT_BYTEBUF:
	case PT_STRINGS:
	case PT_SOCKADDR:
	case PT_SOCKTUPLE:
	case PT_FDLIST:
	case PT_DYN:
		return give_bytes(ret, event_param(ev, (unsigned)i));
	case PT_DOUBLE: {
		double d;

		if (event_param(ev, (unsigned)i).len != sizeof(d))
			return false;
		memcpy(&d, event_param(ev, (unsigned)i).s, sizeof(d));
		return give_double(ret, d);
	}
	default:
		return give_number(ev, (unsigned)i, ret);
	}
}

GET(get_buffer)
{
	const struct event *ev = event_of(ctx);
	int i = ev->def ? event_param_index(ev->def, STR("data")) : -1;

	return i >= 0 && give_bytes(ret, event_param(ev, (unsigned)i));
}

static bool print_buffer(const struct field_ctx *ctx, const struct field_arg *arg, struct buf *out)
{
	struct value v;

	if (!get_buffer(ctx, arg, &v))
		return false;
	event_bytes_format(v.s, &subject_of(ctx)->style, out);
	return true;
}

static struct str abspath(const struct field_ctx *ctx, const struct field_arg *arg)
{
	const struct field_subject *s = subject_of(ctx);
	bool is_first = !arg->text.len || str_is(arg->text, "src");
	bool is_symlink = s->ev->code == EV_SYMLINKAT || s->ev->code == EV_SYMLINK;
	/* the linked name is what symlink makes; its target is only text */
	const struct event_path *p = is_first && !is_symlink ? &s->ev->path : &s->ev->target;

	/* a path that the call was given, not that of its descriptor */
	return p->raw.s ? field_path_name(s, p) : STR_NULL;
}

GET(get_abspath)
{
	struct str path = abspath(ctx, arg);

	return path.len && give_path(ret, path);
}

static int resolve_abspath(struct field_arg *arg, struct err *e)
{
	if (!arg->text.len || str_is(arg->text, "src") || str_is(arg->text, "dst"))
		return 0;
	return err_set(e, EINVAL, "expected src or dst, not \"%.*s\"", STR_ARG(arg->text));
}

/* ---- result --------------------------------------------------------------------------------- */

GET(get_rawres)
{
	int64_t res;

	return event_result(event_of(ctx), &res) && give_s64(ret, res);
}

GET(get_res)
{
	struct buf b = field_buf(ctx, 32);
	int64_t res;

	if (!event_result(event_of(ctx), &res))
		return false;
	if (res >= 0)
		return give_str(ret, STR("SUCCESS"));
	const char *name = res >= -4095 ? errno_name((int)-res) : NULL;

	if (name)
		return give_cstr(ret, name);
	buf_add_s64(&b, res);
	return give_str(ret, buf_str(&b));
}

GET(get_failed)
{
	int64_t res;

	return event_result(event_of(ctx), &res) && give_bool(ret, res < 0);
}

/* ---- how a file was opened ------------------------------------------------------------------ */

/* The open flags and the mode of an open; false for every other event. */
static bool open_args(const struct event *ev, uint64_t *flags, uint64_t *mode)
{
	unsigned at;

	*flags = *mode = 0;
	switch (ev->code) {
	case EV_OPEN:
	case EV_OPEN_BY_HANDLE_AT:
		at = 2;
		break;
	case EV_OPENAT:
	case EV_OPENAT2:
		at = 3;
		break;
	default:
		return false;
	}
	event_param_u64(ev, at, flags);
	if (ev->code != EV_OPEN_BY_HANDLE_AT) /* it has no mode */
		event_param_u64(ev, at + 1, mode);
	return true;
}

GET(get_is_open_read)
{
	uint64_t flags, mode;

	return give_bool(ret, open_args(event_of(ctx), &flags, &mode) && (flags & O_READ));
}

GET(get_is_open_write)
{
	uint64_t flags, mode;

	return give_bool(ret, open_args(event_of(ctx), &flags, &mode) && (flags & O_WRITE));
}

GET(get_is_open_exec)
{
	const struct event *ev = event_of(ctx);
	uint64_t flags, mode;

	if (open_args(ev, &flags, &mode))
		return give_bool(ret, (flags & (O_MAKE | O_TEMPORARY)) && (mode & MODE_EXEC));
	if (ev->code != EV_CREAT || !event_param_u64(ev, 2, &mode))
		mode = 0;
	return give_bool(ret, mode & MODE_EXEC);
}

GET(get_is_open_create)
{
	const struct event *ev = event_of(ctx);
	uint64_t flags, mode;
	int64_t res;

	if (!open_args(ev, &flags, &mode))
		return give_bool(ret, false);
	return give_bool(ret,
		(flags & O_MADE) || ((flags & O_TEMPORARY) && event_result(ev, &res) && res >= 0));
}

static const struct field_def fields[] = {
	{"evt.latency", VT_RELTIME, DEPRECATED,
		"Nanoseconds from the call's begin to its end. koban still measures it; it is "
		"missing when the begin was not recorded.",
		get_latency},
	{"evt.latency.s", VT_RELTIME, DEPRECATED, "Whole seconds of evt.latency.", get_latency_s},
	{"evt.latency.ns", VT_RELTIME, DEPRECATED,
		"The part of evt.latency below one second, in nanoseconds.", get_latency_ns},
	{"evt.latency.quantized", VT_U64, DEPRECATED | TABLE_ONLY,
		"Binary logarithm of evt.latency, rounded down: the column of a heat map.",
		get_latency_quantized},
	{"evt.latency.human", VT_STR, DEPRECATED,
		"evt.latency with a fitting unit, for people: 1.50ms.", get_latency_human},
	{"evt.deltatime", VT_RELTIME, 0, "Nanoseconds since the event before this one.",
		get_deltatime},
	{"evt.deltatime.s", VT_RELTIME, 0, "Whole seconds of evt.deltatime.", get_deltatime_s},
	{"evt.deltatime.ns", VT_RELTIME, 0,
		"The part of evt.deltatime below one second, in nanoseconds.", get_deltatime_ns},
	{"evt.outputtime", VT_STR, 0,
		"The time as outputs print it, as evt.time unless `koban read -t` says otherwise.",
		get_outputtime, .print = print_outputtime, .put = put_outputtime,
		.json = get_outputtime_ns},
	{"evt.dir", VT_STR, DEPRECATED,
		"< for the end of a call, > for its begin. Live events are ends, so rules need it "
		"no longer.",
		get_dir, .put = put_dir},
	{"evt.type", VT_STR, 0,
		"Name of the event, for a system call its name: openat. Name it in every rule: it "
		"decides which events a rule is tried on.",
		get_type, .put = put_type},
	{"evt.type.is", VT_U64, NEED_EITHER,
		"1 when the event has this type, else 0: evt.type.is.openat = 1. A number is an "
		"event code of the schema.",
		get_type_is, .resolve = resolve_type_is},
	{"syscall.type", VT_STR, 0, "As evt.type, but missing for events that are no system call.",
		get_syscall_type},
	{"evt.category", VT_STR, 0,
		"What the event is about: file, net, process, memory, signal, user, time and "
		"others. "
		"Reads and writes count as file, net or ipc by their descriptor.",
		get_category},
	{"evt.cpu", VT_S64, 0, "Number of the CPU on which the event was recorded.", get_cpu,
		.put = put_cpu},
	{"evt.args", VT_STR, 0, "All arguments as name=value, separated by blanks.", get_args,
		.print = print_args},
	{"evt.arg", VT_STR, NEED_EITHER,
		"One argument as text, by name or by number: evt.arg.flags contains O_CREAT, "
		"evt.arg[0]. Flags, errors and descriptors are spelt out, relative paths made "
		"absolute.",
		get_arg, .resolve = resolve_arg, .print = print_arg},
	{"evt.rawarg", VT_DYNAMIC, NEED_KEY | OWN_COMPARE,
		"One argument in its own type, so that numbers compare as numbers: "
		"evt.rawarg.mode = 511.",
		get_rawarg, .resolve = resolve_rawarg},
	{"evt.info", VT_STR, 0, "The same as evt.args.", get_args, .print = print_args},
	{"evt.buffer", VT_BYTES, 0,
		"The bytes that were read, written, sent or received, as far as they were captured "
		"(at first 80). Example: evt.buffer contains \"SSH-2.0\".",
		get_buffer, .print = print_buffer},
	{"evt.res", VT_STR, 0, "SUCCESS, or the name of the error: ENOENT.", get_res},
	{"evt.rawres", VT_S64, 0,
		"The returned number; negative is an error number, so evt.rawres >= 0 is success.",
		get_rawres},
	{"evt.failed", VT_BOOL, 0, "True when the call returned an error.", get_failed},
	{"evt.wait_latency", VT_RELTIME, DEPRECATED,
		"evt.latency of calls that wait for something, such as poll; missing for others.",
		get_wait_latency},
	{"evt.around", VT_U64, FIELD_ARG_REQUIRED | FIELD_ARG_INDEX | FILTER_ONLY,
		"True for events near a moment: evt.around[1700000000000000000] = 500 takes those "
		"within 500 ms of that time, which is in nanoseconds since the epoch.",
		get_around, .compare = compare_around, .resolve = resolve_around,
		.ops = OP_BIT(OP_EQ)},
	{"evt.abspath", VT_PATH, ARG_KEY | NAMED,
		"Absolute path of a call that has one; .src and .dst take one of the two paths of "
		"rename and link. Example: evt.abspath.dst startswith /etc.",
		get_abspath, .resolve = resolve_abspath, .arg_doc = "src | dst | nothing"},
	{"evt.is_open_read", VT_BOOL, 0, "True for an open that asks to read.", get_is_open_read},
	{"evt.is_open_write", VT_BOOL, 0, "True for an open that asks to write.",
		get_is_open_write},
	{"evt.is_open_exec", VT_BOOL, 0,
		"True for an open or creat that makes a file whose mode has an execute bit.",
		get_is_open_exec},
	{"evt.is_open_create", VT_BOOL, 0, "True for an open that really made a new file.",
		get_is_open_create},
};

const struct field_class field_class_evt_syscall = {
	.name = "evt",
	.desc = "System calls: type, arguments, result, time.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
