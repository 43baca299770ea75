/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small subject with a field of every kind, for the tests of the expression language. Each call
 * of a getter is counted.
 */
#include <stdio.h>

#include "engine/filter/filter.h"

enum { ARGS_MAX = 4, ANCESTORS_MAX = 4 };

struct subject {
	/* NULL and has_… = false: missing */
	const char *type, *name, *pname, *cmdline, *path, *sanitised, *buffer;
	size_t buffer_len; /* 0 = strlen */
	bool has_num, has_pid, has_usage, has_flag, has_ip, has_port;
	uint64_t num, latency, port;
	int64_t pid;
	double usage;
	bool flag;
	const char *ip, *remote_ip;
	const char *ancestors[ANCESTORS_MAX];
	const char *list[ARGS_MAX];
	struct {
		const char *name;
		struct value value;
	} args[ARGS_MAX];
	unsigned *calls; /* counted getter calls; may be NULL */
};

static inline void count_call(const struct subject *s)
{
	if (s->calls)
		(*s->calls)++;
}

static inline bool give_text(
	const struct field_ctx *ctx, const char *text, enum value_type type, struct value *ret)
{
	count_call(ctx->subject);
	if (!text)
		return false;
	*ret = (struct value){.type = type, .s = str_of(text)};
	return true;
}

static inline bool give_u64(
	const struct field_ctx *ctx, bool has, enum value_type type, uint64_t u, struct value *ret)
{
	count_call(ctx->subject);
	*ret = (struct value){.type = type, .u = u};
	return has;
}

#define TEXT_FIELD(fn, member)                                                                     \
	static inline bool fn(                                                                     \
		const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)       \
	{                                                                                          \
		const struct subject *s = ctx->subject;                                            \
		(void)arg;                                                                         \
		return give_text(ctx, s->member, VT_STR, ret);                                     \
	}
TEXT_FIELD(get_type, type)
TEXT_FIELD(get_name, name)
TEXT_FIELD(get_pname, pname)
TEXT_FIELD(get_cmdline, cmdline)
TEXT_FIELD(get_path, path)
#undef TEXT_FIELD

#define NUMBER_FIELD(fn, has, type, member)                                                        \
	static inline bool fn(                                                                     \
		const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)       \
	{                                                                                          \
		const struct subject *s = ctx->subject;                                            \
		(void)arg;                                                                         \
		return give_u64(ctx, has, type, (uint64_t)(s->member), ret);                       \
	}
NUMBER_FIELD(get_num, s->has_num, VT_U64, num)
NUMBER_FIELD(get_latency, true, VT_RELTIME, latency)
NUMBER_FIELD(get_pid, s->has_pid, VT_S64, pid)
NUMBER_FIELD(get_flag, s->has_flag, VT_BOOL, flag)
NUMBER_FIELD(get_port, s->has_port, VT_PORT, port)
#undef NUMBER_FIELD

static inline bool get_usage(
	const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	const struct subject *s = ctx->subject;

	count_call(s);
	*ret = (struct value){.type = VT_DOUBLE, .d = s->usage};
	return s->has_usage;
}

static inline bool get_buffer(
	const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	const struct subject *s = ctx->subject;

	if (!give_text(ctx, s->buffer, VT_BYTES, ret))
		return false;
	if (s->buffer_len)
		ret->s.len = s->buffer_len;
	return true;
}

/* "1.2.3.4", or "X::Y" with one group each: enough here. */
static inline bool test_ip(const char *text, struct ip_addr *ret)
{
	unsigned b[4];

	*ret = (struct ip_addr){.is_v6 = strchr(text, ':') != NULL};
	if (ret->is_v6) {
		unsigned lo = 0, hi = 0;

		if (sscanf(text, "%x::%x", &hi, &lo) != 2)
			return false;
		ret->bytes[0] = (uint8_t)(hi >> 8);
		ret->bytes[1] = (uint8_t)hi;
		ret->bytes[14] = (uint8_t)(lo >> 8);
		ret->bytes[15] = (uint8_t)lo;
		return true;
	}
	if (sscanf(text, "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]) != 4)
		return false;
	for (int i = 0; i < 4; i++)
		ret->bytes[i] = (uint8_t)b[i];
	return true;
}

static inline bool give_ip(const struct field_ctx *ctx, const char *text, struct value *ret)
{
	count_call(ctx->subject);
	*ret = (struct value){.type = VT_IP};
	return text && test_ip(text, &ret->ip);
}

static inline bool get_ip(
	const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	return give_ip(ctx, ((const struct subject *)ctx->subject)->ip, ret);
}

static inline bool get_list(
	const struct field_ctx *ctx, const struct field_arg *arg, struct values *ret)
{
	const struct subject *s = ctx->subject;
	struct value *v = arena_alloc(ctx->arena, sizeof(*v) * ARGS_MAX);
	size_t n = 0;

	count_call(s);
	while (v && n < ARGS_MAX && s->list[n]) {
		v[n] = (struct value){.type = VT_STR, .s = str_of(s->list[n])};
		n++;
	}
	*ret = (struct values){v, n};
	return n > 0;
}

static inline bool get_arg(
	const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	const struct subject *s = ctx->subject;

	count_call(s);
	for (size_t i = 0; i < ARGS_MAX; i++) {
		if (!s->args[i].name)
			break;
		if (!(arg->is_index ? arg->index == i : str_is(arg->text, s->args[i].name)))
			continue;
		*ret = s->args[i].value;
		return true;
	}
	return false;
}

static inline bool get_arg_text(
	const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	return get_arg(ctx, arg, ret) && ret->type == VT_STR;
}

static inline bool get_ancestor(
	const struct field_ctx *ctx, const struct field_arg *arg, struct value *ret)
{
	const struct subject *s = ctx->subject;
	uint64_t i = arg->is_index ? arg->index : 1;

	return give_text(ctx, i < ANCESTORS_MAX ? s->ancestors[i] : NULL, VT_STR, ret);
}

/* Without an index: any ancestor from the parent on. */
static inline bool compare_ancestor(
	const struct field_ctx *ctx, const struct field_arg *arg, const struct comparison *c)
{
	const struct subject *s = ctx->subject;
	struct value v;

	if (arg->is_index)
		return get_ancestor(ctx, arg, &v) && comparison_holds(c, &v);
	for (size_t i = 1; i < ANCESTORS_MAX && s->ancestors[i]; i++) {
		give_text(ctx, s->ancestors[i], VT_STR, &v);
		if (comparison_holds(c, &v))
			return true;
	}
	return false;
}

/* Either end; != both ends. */
static inline bool compare_any_ip(
	const struct field_ctx *ctx, const struct field_arg *arg, const struct comparison *c)
{
	const struct subject *s = ctx->subject;
	struct value a, b;

	if (!give_ip(ctx, s->ip, &a) || !give_ip(ctx, s->remote_ip, &b))
		return false;
	if (comparison_op(c) == OP_NE)
		return comparison_holds(c, &a) && comparison_holds(c, &b);
	return comparison_holds(c, &a) || comparison_holds(c, &b);
}

static inline bool exists_any_ip(const struct field_ctx *ctx, const struct field_arg *arg)
{
	return ((const struct subject *)ctx->subject)->path != NULL;
}

/* Two fields put their text, while a test lets them. */
static bool put_fields;
static unsigned puts_done;

static inline char *put_text(char *to, const char *text)
{
	if (!put_fields || !text || strlen(text) > FIELD_PUT_MAX)
		return NULL;
	memset(to, '#', FIELD_PUT_MAX); /* more may be written than counts */
	puts_done++;
	return mempcpy(to, text, strlen(text));
}

static inline char *put_name(const struct field_ctx *ctx, char *to)
{
	return put_text(to, ((const struct subject *)ctx->subject)->name);
}

static inline char *put_num(const struct field_ctx *ctx, char *to)
{
	const struct subject *s = ctx->subject;
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)s->num);
	return put_text(to, s->has_num ? text : NULL);
}

static const struct field_def evt_fields[] = {
	{.name = "evt.num", .type = VT_U64, .get = get_num, .put = put_num},
	{.name = "evt.type", .type = VT_STR, .get = get_type},
	{.name = "evt.latency", .type = VT_RELTIME, .get = get_latency},
	{.name = "evt.failed", .type = VT_BOOL, .get = get_flag},
	{.name = "evt.buffer", .type = VT_BYTES, .get = get_buffer},
	{.name = "evt.arg",
		.type = VT_STR,
		.get = get_arg_text,
		.flags = FIELD_ARG_REQUIRED | FIELD_ARG_KEY | FIELD_ARG_INDEX},
	{.name = "evt.rawarg",
		.type = VT_DYNAMIC,
		.get = get_arg,
		.flags = FIELD_ARG_REQUIRED | FIELD_ARG_KEY | FIELD_NO_RHS | FIELD_NO_TRANSFORMER},
};

static const struct field_def proc_fields[] = {
	{.name = "proc.name", .type = VT_STR, .get = get_name, .put = put_name},
	{.name = "proc.pname", .type = VT_STR, .get = get_pname},
	{.name = "proc.cmdline", .type = VT_STR, .get = get_cmdline},
	{.name = "proc.pid", .type = VT_S64, .get = get_pid},
	{.name = "proc.fdusage", .type = VT_DOUBLE, .get = get_usage},
	{.name = "proc.aname",
		.type = VT_STR,
		.get = get_ancestor,
		.compare = compare_ancestor,
		.flags =
			FIELD_ARG_OPTIONAL | FIELD_ARG_INDEX | FIELD_NO_RHS | FIELD_NO_TRANSFORMER},
};

static const struct field_def fd_fields[] = {
	{.name = "fd.name", .type = VT_PATH, .get = get_path, .flags = FIELD_NAMED},
	{.name = "fd.cip", .type = VT_IP, .get = get_ip},
	{.name = "fd.cnet",
		.type = VT_NET,
		.get = get_ip,
		.flags = FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_FILTER_ONLY},
	{.name = "fd.ip",
		.type = VT_IP,
		.compare = compare_any_ip,
		.exists = exists_any_ip,
		.flags = FIELD_NO_RHS | FIELD_NO_TRANSFORMER | FIELD_FILTER_ONLY,
		.ops = 1 << OP_EQ | 1 << OP_NE | 1 << OP_IN},
	{.name = "fd.cport", .type = VT_PORT, .get = get_port},
	{.name = "fd.types", .type = VT_STR, .get_list = get_list, .flags = FIELD_LIST},
};

static const struct field_def ka_fields[] = {
	{.name = "ka.user", .type = VT_STR, .get = get_name},
};

static const struct field_class evt_class = {
	.name = "evt", .fields = evt_fields, .nfields = sizeof(evt_fields) / sizeof(*evt_fields)};
static const struct field_class proc_class = {.name = "process",
	.fields = proc_fields,
	.nfields = sizeof(proc_fields) / sizeof(*proc_fields),
	.source = "syscall"};
static const struct field_class fd_class = {.name = "fd",
	.fields = fd_fields,
	.nfields = sizeof(fd_fields) / sizeof(*fd_fields),
	.source = "syscall"};
static const struct field_class ka_class = {.name = "ka",
	.fields = ka_fields,
	.nfields = sizeof(ka_fields) / sizeof(*ka_fields),
	.source = "k8s_audit"};
static const struct field_class *const test_classes[] = {
	&evt_class, &proc_class, &fd_class, &ka_class};
static const struct field_set test_fields = {test_classes, 4};
static const struct filter_parse_options test_options = {.fields = &test_fields};

/* A process that opened a file and has a socket: what most cases are about. */
static const struct subject usual = {
	.type = "openat",
	.name = "bash",
	.cmdline = "bash -i -c 'Cat /etc/shadow'",
	.path = "/etc/shadow",
	.buffer = "GET /\x01\xff HTTP",
	.buffer_len = 12,
	.has_num = true,
	.num = 7,
	.latency = 1500,
	.has_pid = true,
	.pid = -3,
	.has_usage = true,
	.usage = 2.5,
	.has_flag = true,
	.flag = true,
	.ip = "10.1.2.3",
	.remote_ip = "192.0.2.7",
	.has_port = true,
	.port = 443,
	.ancestors = {"bash", "sshd", "systemd"},
	.list = {"file", "ipv4"},
	.args = {{"flags", {.type = VT_U64, .u = 65}}, {"path", {.type = VT_STR}},
		{"res", {.type = VT_S64, .i = -2}}},
};
