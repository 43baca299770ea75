/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evt.* fields that exist to be summed up or to sort events into input and output: evt.count,
 * evt.buflen, evt.is_io. They look at the event alone, not at its process.
 */
#include "engine/field/private.h"

static uint32_t flags_of(const struct event *ev)
{
	return ev->def ? ev->def->flags : 0;
}

static bool is_category(const struct event *ev, enum event_category c)
{
	return ev->def && ev->def->category == c;
}

static bool is_io(const struct event *ev)
{
	return is_category(ev, EC_IO_READ) || is_category(ev, EC_IO_WRITE) ||
	       is_category(ev, EC_IO_OTHER);
}

/* The length of what was moved: the result of a call that did not fail. */
static bool give_buflen(const struct event *ev, bool applies, struct value *ret)
{
	int64_t res;

	return applies && field_open_fd(ev) && event_result(ev, &res) && res >= 0 &&
	       give_u64(ret, (uint64_t)res);
}

static bool is_file(const struct event *ev)
{
	return ev->fd.type == FD_FILE;
}

static bool is_net(const struct event *ev)
{
	return field_fd_is_inet(&ev->fd);
}

GET(get_buflen)
{
	return give_buflen(event_of(ctx), is_io(event_of(ctx)), ret);
}

GET(get_buflen_in)
{
	return give_buflen(event_of(ctx), is_category(event_of(ctx), EC_IO_READ), ret);
}

GET(get_buflen_out)
{
	return give_buflen(event_of(ctx), is_category(event_of(ctx), EC_IO_WRITE), ret);
}

GET(get_buflen_file)
{
	const struct event *ev = event_of(ctx);

	return give_buflen(ev, is_file(ev) && is_io(ev), ret);
}

GET(get_buflen_file_in)
{
	const struct event *ev = event_of(ctx);

	return give_buflen(ev, is_file(ev) && is_category(ev, EC_IO_READ), ret);
}

GET(get_buflen_file_out)
{
	const struct event *ev = event_of(ctx);

	return give_buflen(ev, is_file(ev) && is_category(ev, EC_IO_WRITE), ret);
}

GET(get_buflen_net)
{
	const struct event *ev = event_of(ctx);

	return give_buflen(ev, is_net(ev) && is_io(ev), ret);
}

GET(get_buflen_net_in)
{
	const struct event *ev = event_of(ctx);

	return give_buflen(ev, is_net(ev) && is_category(ev, EC_IO_READ), ret);
}

GET(get_buflen_net_out)
{
	const struct event *ev = event_of(ctx);

	return give_buflen(ev, is_net(ev) && is_category(ev, EC_IO_WRITE), ret);
}

GET(get_is_io)
{
	return give_bool(ret, flags_of(event_of(ctx)) & (EF_READS_FD | EF_WRITES_FD));
}

GET(get_is_io_read)
{
	return give_bool(ret, flags_of(event_of(ctx)) & EF_READS_FD);
}

GET(get_is_io_write)
{
	return give_bool(ret, flags_of(event_of(ctx)) & EF_WRITES_FD);
}

GET(get_io_dir)
{
	uint32_t flags = flags_of(event_of(ctx));

	if (flags & EF_WRITES_FD)
		return give_str(ret, STR("write"));
	return (flags & EF_READS_FD) && give_str(ret, STR("read"));
}

GET(get_is_wait)
{
	return give_bool(ret, flags_of(event_of(ctx)) & EF_WAITS);
}

GET(get_is_syslog)
{
	const struct event *ev = event_of(ctx);
	struct str to = ev->fd.sock.unix_path;

	return give_bool(ret, (flags_of(ev) & EF_WRITES_FD) && ev->has_fd &&
				      (str_ends(to, STR("/dev/log")) ||
					      str_ends(ev->path.name, STR("/dev/log"))));
}

GET(get_count)
{
	return give_u64(ret, 1);
}

GET(get_count_error)
{
	int64_t res;

	return event_result(event_of(ctx), &res) && give_u64(ret, res < 0);
}

/* What an error is about, also where the call has no descriptor because it failed. */
enum error_kind { ERROR_FILE, ERROR_NET, ERROR_MEMORY, ERROR_OTHER };

static enum error_kind error_kind(const struct event *ev)
{
	const struct event_fd *fd = field_open_fd(ev);

	if (fd) {
		if (fd->type == FD_FILE || fd->type == FD_DIRECTORY)
			return ERROR_FILE;
		return field_fd_is_inet(fd) || fd->type == FD_UNIX ? ERROR_NET : ERROR_OTHER;
	}
	if ((flags_of(ev) & EF_OPEN) || ev->code == EV_CREAT)
		return ERROR_FILE;
	if (ev->code == EV_ACCEPT || ev->code == EV_ACCEPT4 || ev->code == EV_CONNECT)
		return ERROR_NET;
	return is_category(ev, EC_MEMORY) ? ERROR_MEMORY : ERROR_OTHER;
}

GET(get_count_error_file)
{
	return error_kind(event_of(ctx)) == ERROR_FILE && get_count_error(ctx, arg, ret);
}

GET(get_count_error_net)
{
	return error_kind(event_of(ctx)) == ERROR_NET && get_count_error(ctx, arg, ret);
}

GET(get_count_error_memory)
{
	return is_category(event_of(ctx), EC_MEMORY) && get_count_error(ctx, arg, ret);
}

GET(get_count_error_other)
{
	return error_kind(event_of(ctx)) == ERROR_OTHER && get_count_error(ctx, arg, ret);
}

GET(get_count_exit)
{
	return !(flags_of(event_of(ctx)) & EF_ENTER) && give_u64(ret, 1);
}

GET(get_count_procinfo)
{
	const struct event *ev = event_of(ctx);

	return give_u64(ret, ev->code == EV_PROCINFO && ev->pid == ev->tid);
}

GET(get_count_threadinfo)
{
	return give_u64(ret, event_of(ctx)->code == EV_PROCINFO);
}

/* "Name: value;Name: value" in the description of an old infrastructure event. */
static bool infra_part(const struct event *ev, const char *name, struct str *ret)
{
	struct str rest = ev->code == EV_INFRA ? event_param_str(ev, 2) : STR_NULL;

	while (rest.len) {
		struct str value = str_trim(str_cut(&rest, ';'));

		if (!str_starts(value, str_of(name)))
			continue;
		str_cut(&value, ':');
		*ret = str_trim(value);
		return ret->len != 0;
	}
	return false;
}

GET(get_infra_name)
{
	struct str s;

	return infra_part(event_of(ctx), "Event", &s) && give_str(ret, s);
}

GET(get_infra_id)
{
	struct str s;

	return infra_part(event_of(ctx), "ID", &s) && give_str(ret, str_head(s, 12));
}

GET(get_infra_container_name)
{
	struct str s;

	return infra_part(event_of(ctx), "name", &s) && give_str(ret, s);
}

GET(get_infra_image)
{
	struct str s;

	if (!infra_part(event_of(ctx), "Image", &s))
		return false;
	ptrdiff_t at = str_find_char(s, '@');

	return give_str(ret, at < 0 ? s : str_head(s, (size_t)at));
}

static const struct field_def fields[] = {
	{"evt.buflen", VT_U64, 0,
		"Bytes that a read, write, send or receive moved; missing for other calls and for "
		"failed ones.",
		get_buflen},
	{"evt.is_io", VT_BOOL, 0, "True when the call reads from or writes to a descriptor.",
		get_is_io},
	{"evt.is_io_read", VT_BOOL, 0, "True when the call reads from a descriptor.",
		get_is_io_read},
	{"evt.is_io_write", VT_BOOL, 0, "True when the call writes to a descriptor.",
		get_is_io_write},
	{"evt.io_dir", VT_STR, 0, "read or write; missing when the call does neither.", get_io_dir},
	{"evt.is_wait", VT_BOOL, 0, "True when the call waits, as poll and select do.",
		get_is_wait},
	{"evt.is_syslog", VT_BOOL, 0, "True for a write to /dev/log.", get_is_syslog},
	{"evt.count", VT_U64, 0, "Always 1, to be summed up.", get_count},
	{"evt.count.error", VT_U64, 0, "1 when the call failed, else 0.", get_count_error},
	{"evt.count.error.file", VT_U64, 0,
		"evt.count.error of calls on files; missing for others.", get_count_error_file},
	{"evt.count.error.net", VT_U64, 0,
		"evt.count.error of calls on sockets; missing for others.", get_count_error_net},
	{"evt.count.error.memory", VT_U64, 0,
		"evt.count.error of memory calls such as mmap; missing for others.",
		get_count_error_memory},
	{"evt.count.error.other", VT_U64, 0,
		"evt.count.error of calls on neither files, sockets nor memory; missing for those.",
		get_count_error_other},
	{"evt.count.exit", VT_U64, 0, "1 for the end of a call, which live events always are.",
		get_count_exit},
	{"evt.count.procinfo", VT_U64, TABLE_ONLY,
		"1 for the CPU-time event of a process's main thread, which only old captures "
		"hold.",
		get_count_procinfo},
	{"evt.count.threadinfo", VT_U64, TABLE_ONLY,
		"1 for a CPU-time event of a thread, which only old captures hold.",
		get_count_threadinfo},
	{"evt.buflen.in", VT_U64, TABLE_ONLY, "evt.buflen of reads and receives.", get_buflen_in},
	{"evt.buflen.out", VT_U64, TABLE_ONLY, "evt.buflen of writes and sends.", get_buflen_out},
	{"evt.buflen.file", VT_U64, TABLE_ONLY, "evt.buflen of files.", get_buflen_file},
	{"evt.buflen.file.in", VT_U64, TABLE_ONLY, "evt.buflen of reads from files.",
		get_buflen_file_in},
	{"evt.buflen.file.out", VT_U64, TABLE_ONLY, "evt.buflen of writes to files.",
		get_buflen_file_out},
	{"evt.buflen.net", VT_U64, TABLE_ONLY, "evt.buflen of network sockets.", get_buflen_net},
	{"evt.buflen.net.in", VT_U64, TABLE_ONLY, "evt.buflen of receives from the network.",
		get_buflen_net_in},
	{"evt.buflen.net.out", VT_U64, TABLE_ONLY, "evt.buflen of sends to the network.",
		get_buflen_net_out},
	{"evt.infra.docker.name", VT_STR, TABLE_ONLY,
		"Name of a Docker event in old captures; live, container.* tells more.",
		get_infra_name},
	{"evt.infra.docker.container.id", VT_STR, TABLE_ONLY,
		"Container id (12 characters) of a Docker event in old captures.", get_infra_id},
	{"evt.infra.docker.container.name", VT_STR, TABLE_ONLY,
		"Container name of a Docker event in old captures.", get_infra_container_name},
	{"evt.infra.docker.container.image", VT_STR, TABLE_ONLY,
		"Image of a Docker event in old captures, without its digest.", get_infra_image},
};

const struct field_class field_class_evt_count = {
	.name = "evt",
	.desc = "System calls to be counted: sizes, errors, input and output.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
