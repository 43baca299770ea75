/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fs.path.* fields: paths of calls that act on names, with or without a descriptor. One table
 * says for each call which of the event's two paths is its name, source or target, and under which
 * argument the raw text is. The paths themselves were made absolute by the source of the event.
 */
#include "engine/field/private.h"

/* Which of the event's paths; FD: the name of the descriptor that the call is about. */
enum place { NO_PATH, FIRST, SECOND, FD };

struct path_of {
	enum place place;
	uint8_t param; /* index of the raw argument */
};

struct call {
	uint16_t code;
	bool also_failed; /* an open tells its path even when it failed */
	struct path_of name, source, target;
};

/*
 * Source and target as Falco has them: for links the source is the new name, the target the file
 * that it points to.
 */
static const struct call calls[] = {
	{EV_OPEN, true, .name = {FIRST, 1}},
	{EV_OPENAT, true, .name = {FIRST, 2}},
	{EV_OPENAT2, true, .name = {FIRST, 2}},
	{EV_MKDIR, false, .name = {FIRST, 1}},
	{EV_MKDIRAT, false, .name = {FIRST, 2}},
	{EV_RMDIR, false, .name = {FIRST, 1}},
	{EV_UNLINK, false, .name = {FIRST, 1}},
	{EV_UNLINKAT, false, .name = {FIRST, 2}},
	{EV_CHMOD, false, .name = {FIRST, 1}},
	{EV_FCHMODAT, false, .name = {FIRST, 2}},
	{EV_FCHMOD, false, .name = {FD, 0}},
	{EV_CHOWN, false, .name = {FIRST, 1}},
	{EV_LCHOWN, false, .name = {FIRST, 1}},
	{EV_FCHOWN, false, .name = {FD, 0}},
	{EV_FCHOWNAT, false, .name = {FIRST, 2}},
	{EV_QUOTACTL, false, .name = {FIRST, 1}},
	{EV_UMOUNT, false, .name = {FIRST, 1}},
	{EV_UMOUNT2, false, .name = {FIRST, 1}},
	{EV_RENAME, false, .source = {FIRST, 1}, .target = {SECOND, 2}},
	{EV_RENAMEAT, false, .source = {FIRST, 2}, .target = {SECOND, 4}},
	{EV_RENAMEAT2, false, .source = {FIRST, 2}, .target = {SECOND, 4}},
	{EV_LINK, false, .source = {SECOND, 2}, .target = {FIRST, 1}},
	{EV_LINKAT, false, .source = {SECOND, 4}, .target = {FIRST, 2}},
	{EV_SYMLINK, false, .source = {SECOND, 2}, .target = {FIRST, 1}},
	{EV_SYMLINKAT, false, .source = {SECOND, 3}, .target = {FIRST, 1}},
	{EV_MOUNT, false, .source = {FIRST, 1}, .target = {SECOND, 2}},
};

static const struct call *find_call(const struct event *ev)
{
	int64_t res;

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		if (calls[i].code != ev->code)
			continue;
		if (calls[i].also_failed || (event_result(ev, &res) && res >= 0))
			return &calls[i];
	}
	return NULL;
}

/* An absolute path from the raw argument, where the source of the event gave none. */
static struct str made_absolute(const struct field_ctx *ctx, unsigned param)
{
	const struct process *p = process_of(ctx);
	struct str raw = event_param_str(event_of(ctx), param);

	if (!raw.len)
		return STR_NULL;
	return path_normalise(ctx->arena, p ? p->cwd : STR_NULL, raw);
}

static bool give_resolved(const struct field_ctx *ctx, const struct path_of *of, struct value *ret)
{
	const struct field_subject *s = subject_of(ctx);
	struct str path;

	if (of->place == NO_PATH)
		return false;
	if (of->place == FD)
		return give_path(ret, field_fd_name(ctx));
	path = field_path_name(s, of->place == FIRST ? &s->ev->path : &s->ev->target);
	if (!path.len)
		path = made_absolute(ctx, of->param);
	return path.len && give_path(ret, path);
}

static bool give_raw(const struct field_ctx *ctx, const struct path_of *of, struct value *ret)
{
	if (of->place == NO_PATH)
		return false;
	if (of->place == FD)
		return give_path(ret, field_fd_name(ctx));
	struct str raw = event_param_str(event_of(ctx), of->param);

	return raw.len && give_path(ret, raw);
}

GET(get_name)
{
	const struct call *c = find_call(event_of(ctx));

	return c && give_resolved(ctx, &c->name, ret);
}

GET(get_nameraw)
{
	const struct call *c = find_call(event_of(ctx));

	return c && give_raw(ctx, &c->name, ret);
}

GET(get_source)
{
	const struct call *c = find_call(event_of(ctx));

	return c && give_resolved(ctx, &c->source, ret);
}

GET(get_sourceraw)
{
	const struct call *c = find_call(event_of(ctx));

	return c && give_raw(ctx, &c->source, ret);
}

GET(get_target)
{
	const struct call *c = find_call(event_of(ctx));

	return c && give_resolved(ctx, &c->target, ret);
}

GET(get_targetraw)
{
	const struct call *c = find_call(event_of(ctx));

	return c && give_raw(ctx, &c->target, ret);
}

static const struct field_def fields[] = {
	{"fs.path.name", VT_PATH, NAMED,
		"Absolute path of a call that acts on one path: open, unlink, mkdir, chmod, chown, "
		"umount and their kin. Only when the call succeeded, but for opens also when it "
		"failed.",
		get_name},
	{"fs.path.nameraw", VT_PATH, 0, "fs.path.name as the program gave it.", get_nameraw},
	{"fs.path.source", VT_PATH, NAMED,
		"Absolute source path of a successful call with two: the old name of a rename, the "
		"new name of a link or symlink, the device of a mount.",
		get_source},
	{"fs.path.sourceraw", VT_PATH, 0, "fs.path.source as the program gave it.", get_sourceraw},
	{"fs.path.target", VT_PATH, NAMED,
		"Absolute target path of a successful call with two: the new name of a rename, the "
		"file that a link or symlink points to, the directory of a mount.",
		get_target},
	{"fs.path.targetraw", VT_PATH, 0, "fs.path.target as the program gave it.", get_targetraw},
};

const struct field_class field_class_fspath = {
	.name = "fs.path",
	.desc = "Paths of calls that act on names of files, open or not.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
