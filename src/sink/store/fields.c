/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of filters over findings: one row a field, and from the row both ways to read it: from
 * a row on its way in (mutes are judged in C) and as SQL. Names are Falco's where it has them.
 * Fields that are columns are fast; others are read from each record. Whatever else a rule's output
 * had is finding.field[NAME].
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "sink/store/read.h"

#define PRIORITY_SQL                                                                               \
	"(CASE f.priority WHEN 0 THEN 'Emergency' WHEN 1 THEN 'Alert' WHEN 2 THEN 'Critical' "     \
	"WHEN 3 THEN 'Error' WHEN 4 THEN 'Warning' WHEN 5 THEN 'Notice' "                          \
	"WHEN 6 THEN 'Informational' ELSE 'Debug' END)"
#define STATE_SQL                                                                                  \
	"(CASE f.state WHEN 0 THEN 'open' WHEN 1 THEN 'acknowledged' WHEN 2 THEN 'resolved' "      \
	"ELSE 'muted' END)"
#define FD_NAME_SQL "coalesce(f.file, f.local || '->' || f.remote)"

/* id, name, the row's text (C), SQL, in the index?, doc */
#define TEXTS(X)                                                                                   \
	X(id, "finding.id", row->id, "f.id", 0, "The finding's id.")                               \
	X(rule, "finding.rule", row->rule, "u.name", 1, "The rule that made the finding.")         \
	X(source, "finding.source", row->source, "u.source", 0,                                    \
		"The event source: syscall, internal …")                                           \
	X(output, "finding.output", row->output, "f.output", 1, "The rule's text.")                \
	X(priority, "finding.priority", str_of(priority_name(row->priority)), PRIORITY_SQL, 0,     \
		"Emergency, Alert, Critical, Error, Warning, Notice, Informational or Debug.")     \
	X(state, "finding.state", str_of(store_state_name(row->state)), STATE_SQL, 0,              \
		"open, acknowledged, resolved or muted.")                                          \
	X(assignee, "finding.assignee", row->assignee, "f.assignee", 0,                            \
		"Who looks after it; missing if nobody.")                                          \
	X(host, "finding.hostname", row->hostname, "f.hostname", 1, "The host it was seen on.")    \
	X(evt_host, "evt.hostname", row->hostname, "f.hostname", 1, "The host it was seen on.")    \
	X(evt_type, "evt.type", row->event, "f.event", 0, "The event: openat, execve …")           \
	X(proc_name, "proc.name", row->process, "f.process", 1, "The process's name.")             \
	X(proc_exe, "proc.exepath", row->exe, "f.exe", 1, "The path of its executable.")           \
	X(proc_cmdline, "proc.cmdline", row->cmdline, "f.cmdline", 1, "Its command line.")         \
	X(proc_pname, "proc.pname", row->parent, "f.parent", 1, "Its parent's name.")              \
	X(user_name, "user.name", row->username, "f.username", 1, "The user's name.")              \
	X(container_id, "container.id", row->container, "f.container", 1,                          \
		"The first twelve digits of the container's id; missing on the host.")             \
	X(container_name, "container.name", row->container_name, "f.container_name", 1,            \
		"The container's name.")                                                           \
	X(container_image, "container.image", row->image, "f.image", 1,                            \
		"The container's image as its engine names it.")                                   \
	X(repository, "container.image.repository", row->repository, "f.repository", 1,            \
		"The image without tag and digest.")                                               \
	X(pod, "k8s.pod.name", row->pod, "f.pod", 1, "The pod's name.")                            \
	X(ns, "k8s.ns.name", row->namespace, "f.namespace", 1, "The pod's namespace.")             \
	X(fd_name, "fd.name", row_fd_name(ctx->arena, row), FD_NAME_SQL, 0,                        \
		"The file's path, or the connection as local->remote.")                            \
	X(fd_l4, "fd.l4proto", row->proto, "f.proto", 0, "The connection's protocol: tcp, udp.")

/* id, name, the row's number (C), SQL, type, doc */
#define NUMBERS(X)                                                                                 \
	X(time, "finding.time", there(row->time_ns), "f.time_ns", VT_ABSTIME,                      \
		"When it happened, nanoseconds since 1970.")                                       \
	X(count, "finding.count", there(row->count), "f.count", VT_U64,                            \
		"How often it happened, repeats folded.")                                          \
	X(severity, "finding.severity", there(7 - (int64_t)row->priority), "(7 - f.priority)",     \
		VT_U64, "The priority as a number to compare: 7 Emergency … 0 Debug.")             \
	X(pid, "proc.pid", row->pid, "f.pid", VT_S64, "The process's id.")                         \
	X(uid, "user.uid", row->uid, "f.uid", VT_S64, "The user's id.")                            \
	X(lport, "fd.lport", row->local_port, "f.local_port", VT_PORT, "The local port.")          \
	X(rport, "fd.rport", row->remote_port, "f.remote_port", VT_PORT, "The remote port.")

/* id, name, the row's text, SQL, in the index?, doc */
#define ADDRESSES(X)                                                                               \
	X(lip, "fd.lip", row->local_ip, "f.local_ip", 0, "The local address.")                     \
	X(rip, "fd.rip", row->remote_ip, "f.remote_ip", 1, "The remote address.")

/* id, name, path, its length, doc */
#define RECORD_TEXTS(X)                                                                            \
	X(evt_args, "evt.args", ARRAY("event", "args"), 2, "The event's arguments.")               \
	X(evt_res, "evt.res", ARRAY("event", "res"), 2, "The event's result.")                     \
	X(proc_cwd, "proc.cwd", ARRAY("processes", "0", "cwd"), 3,                                 \
		"The process's working directory.")                                                \
	X(proc_tty, "proc.tty", ARRAY("processes", "0", "tty"), 3, "Its terminal.")                \
	X(proc_pexe, "proc.pexepath", ARRAY("processes", "1", "exe"), 3,                           \
		"The parent's executable.")                                                        \
	X(proc_pcmdline, "proc.pcmdline", ARRAY("processes", "1", "cmdline"), 3,                   \
		"The parent's command line.")                                                      \
	X(proc_gname, "proc.gpname", ARRAY("processes", "2", "name"), 3,                           \
		"The grandparent's name.")                                                         \
	X(container_digest, "container.image.digest", ARRAY("container", "digest"), 2,             \
		"The image's digest.")                                                             \
	X(container_engine, "container.type", ARRAY("container", "engine"), 2,                     \
		"The engine: docker, containerd …")                                                \
	X(container_privileged, "container.privileged", ARRAY("container", "privileged"), 2,       \
		"true or false.")                                                                  \
	X(pod_uid, "k8s.pod.uid", ARRAY("container", "pod_uid"), 2, "The pod's uid.")              \
	X(file_asked, "file.asked", ARRAY("file", "asked"), 2, "The path as it was asked for.")    \
	X(file_real, "file.real", ARRAY("file", "real"), 2, "The path as the kernel resolved it.") \
	X(file_known, "file.known", ARRAY("file", "known"), 2,                                     \
		"The name under which the rules know the file.")

#define RECORD_NUMBERS(X)                                                                          \
	X(ppid, "proc.ppid", ARRAY("processes", "1", "pid"), 3, "The parent's id.")                \
	X(vpid, "proc.vpid", ARRAY("processes", "0", "vpid"), 3,                                   \
		"The process's id inside its container.")                                          \
	X(loginuid, "user.loginuid", ARRAY("processes", "0", "loginuid"), 3,                       \
		"The id of the user that logged in.")

#define ARRAY(...)                                                                                 \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* ---- reading a row -------------------------------------------------------------------------- */

static struct number there(int64_t v)
{
	return (struct number){v, true};
}

static struct str row_fd_name(struct arena *a, const struct row *row)
{
	if (row->file.len || !row->local.len || !row->remote.len)
		return row->file;
	return arena_printf(a, "%.*s->%.*s", STR_ARG(row->local), STR_ARG(row->remote));
}

static bool give_text(struct str s, struct value *ret)
{
	*ret = (struct value){.type = VT_STR, .s = s};
	return s.len > 0;
}

static bool give_number(struct number n, enum value_type type, struct value *ret)
{
	*ret = (struct value){.type = type, .i = n.v};
	return n.there;
}

static bool parse_address(struct str s, struct value *ret)
{
	char text[INET6_ADDRSTRLEN];

	*ret = (struct value){.type = VT_IP};
	if (!str_copy(s, text, sizeof(text)))
		return false;
	if (inet_pton(AF_INET, text, ret->ip.bytes) == 1)
		return true;
	ret->ip.is_v6 = true;
	return inet_pton(AF_INET6, text, ret->ip.bytes) == 1;
}

static const struct node *member(const struct node *o, const char *const *path, size_t n)
{
	for (size_t i = 0; i < n && o; i++)
		o = path[i][0] >= '0' && path[i][0] <= '9'
			    ? node_at(o, (unsigned)(path[i][0] - '0'))
			    : node_get(o, path[i]);
	return o;
}

/* As dialect_json() has it: texts, integers and booleans; else missing. */
static bool member_text(const struct node *v, struct value *ret)
{
	bool is_raw = v && (v->type == NODE_INT || v->type == NODE_TRUE || v->type == NODE_FALSE);

	if (!v || (v->type != NODE_STR && !is_raw))
		return false;
	*ret = (struct value){.type = VT_STR, .s = is_raw ? v->raw : v->s};
	return true;
}

#define GETTER(id)                                                                                 \
	static bool get_##id(                                                                      \
		const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
#define X(id, name, c, sql, narrows, doc)                                                          \
	GETTER(id)                                                                                 \
	{                                                                                          \
		const struct row *row = ctx->subject;                                              \
		return give_text(c, ret);                                                          \
	}
TEXTS(X)
#undef X
#define X(id, name, c, sql, type, doc)                                                             \
	GETTER(id)                                                                                 \
	{                                                                                          \
		const struct row *row = ctx->subject;                                              \
		return give_number(c, type, ret);                                                  \
	}
NUMBERS(X)
#undef X
#define X(id, name, c, sql, narrows, doc)                                                          \
	GETTER(id)                                                                                 \
	{                                                                                          \
		const struct row *row = ctx->subject;                                              \
		return parse_address(c, ret);                                                      \
	}
ADDRESSES(X)
#undef X
#define X(id, name, p, n, doc)                                                                     \
	GETTER(id)                                                                                 \
	{                                                                                          \
		static const char *const path[] = p;                                               \
		const struct row *row = ctx->subject;                                              \
		return member_text(member(row->json, path, n), ret);                               \
	}
RECORD_TEXTS(X)
#undef X
#define X(id, name, p, n, doc)                                                                     \
	GETTER(id)                                                                                 \
	{                                                                                          \
		static const char *const path[] = p;                                               \
		const struct row *row = ctx->subject;                                              \
		const struct node *v = member(row->json, path, n);                                 \
		struct number x = {v ? v->i : 0, v && v->type == NODE_INT};                        \
		return give_number(x, VT_S64, ret);                                                \
	}
RECORD_NUMBERS(X)
#undef X

static bool get_tags(const struct field_ctx *ctx, const struct field_arg *arg, struct values *ret)
{
	const struct row *row = ctx->subject;
	struct value *v = arena_array(ctx->arena, struct value, row->ntags + 1);

	for (size_t i = 0; v && i < row->ntags; i++)
		v[i] = (struct value){.type = VT_STR, .s = row->tag[i]};
	*ret = (struct values){v, v ? row->ntags : 0};
	return ret->n > 0;
}

GETTER(field)
{
	const struct row *row = ctx->subject;
	char name[128];

	if (!str_copy(arg->text, name, sizeof(name)))
		return false;
	return member_text(node_get(node_get(row->json, "fields"), name), ret);
}

/* The name becomes part of a JSON path: only what field names are made of. */
static int resolve_field(struct field_arg *arg, struct err *e)
{
	if (arg->text.len > 100)
		return err_set(e, EINVAL, "the name is longer than 100 bytes");
	for (size_t i = 0; i < arg->text.len; i++) {
		char c = arg->text.s[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!strchr("_.-[]() ", c))
			return err_set(e, EINVAL, "a field's name has no '%c'",
				c >= ' ' && c < 127 ? c : '?');
	}
	if (arg->text.len && arg->text.s[0] >= '0' && arg->text.s[0] <= '9')
		return err_set(e, EINVAL, "a field's name begins with a letter");
	return 0;
}

/* ---- the tables, all in the same order ------------------------------------------------------ */

static const struct field_def fields[] = {
#define X(id, n, c, sql, narrows, d) {.name = n, .type = VT_STR, .doc = d, .get = get_##id},
	TEXTS(X)
#undef X
#define X(id, n, c, sql, t, d) {.name = n, .type = t, .doc = d, .get = get_##id},
		NUMBERS(X)
#undef X
#define X(id, n, c, sql, narrows, d) {.name = n, .type = VT_IP, .doc = d, .get = get_##id},
			ADDRESSES(X)
#undef X
#define X(id, n, p, np, d) {.name = n, .type = VT_STR, .doc = d, .get = get_##id},
				RECORD_TEXTS(X)
#undef X
#define X(id, n, p, np, d) {.name = n, .type = VT_S64, .doc = d, .get = get_##id},
					RECORD_NUMBERS(X)
#undef X
						{.name = "finding.tags",
							.type = VT_STR,
							.flags = FIELD_LIST,
							.doc = "The rule's tags: mitre_execution, "
							       "T1059 …",
							.get_list = get_tags},
	{.name = "finding.field",
		.type = VT_STR,
		.flags = FIELD_ARG_REQUIRED | FIELD_ARG_KEY,
		.doc = "A field that the rule's output had: finding.field[proc.tty].",
		.get = get_field,
		.resolve = resolve_field},
};

static const struct store_column columns[] = {
#define X(id, n, c, s, in_index, d) {.sql = s, .narrows = in_index},
	TEXTS(X)
#undef X
#define X(id, n, c, s, t, d) {.sql = s, .is_number = true},
		NUMBERS(X)
#undef X
#define X(id, n, c, s, in_index, d) {.sql = s, .narrows = in_index},
			ADDRESSES(X)
#undef X
#define X(id, n, p, np, d) {.path = p, .npath = np},
				RECORD_TEXTS(X)
#undef X
#define X(id, n, p, np, d) {.path = p, .npath = np, .is_number = true},
					RECORD_NUMBERS(X)
#undef X
						{.is_list = true},
	{.path = {"fields"}, .npath = 1},
};

enum { NFIELDS = sizeof(fields) / sizeof(*fields) };
_Static_assert(NFIELDS == sizeof(columns) / sizeof(*columns), "a column for each field");

static const struct field_class store_class = {.name = "finding",
	.desc = "What is stored of findings.",
	.fields = fields,
	.nfields = NFIELDS};
static const struct field_class *const classes[] = {&store_class};
const struct field_set store_field_set = {classes, 1};

const struct store_column *store_column_of(const struct field_def *f)
{
	return &columns[f - fields];
}

static const struct store_field listed[] = {
#define X(id, n, c, sql, narrows, d) {n, "string", d, true},
	TEXTS(X)
#undef X
#define X(id, n, c, sql, t, d) {n, "number", d, true},
		NUMBERS(X)
#undef X
#define X(id, n, c, sql, narrows, d) {n, "address", d, true},
			ADDRESSES(X)
#undef X
#define X(id, n, p, np, d) {n, "string", d, false},
				RECORD_TEXTS(X)
#undef X
#define X(id, n, p, np, d) {n, "number", d, false},
					RECORD_NUMBERS(X)
#undef X
						{"finding.tags", "list of strings",
							"The rule's tags: mitre_execution, T1059 …",
							true},
	{"finding.field", "string", "A field that the rule's output had: finding.field[proc.tty].",
		false},
};

const struct store_field *store_fields(size_t *ret_n)
{
	*ret_n = NFIELDS;
	return listed;
}
