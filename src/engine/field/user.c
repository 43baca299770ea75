/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user.* fields: the effective user at the event and the user who logged in. Names are those of
 * the process's own container, by the state's cache of passwd files.
 */
#include "engine/field/private.h"

/* The event knows best: ids can change between two events. */
static bool uid_of(const struct field_ctx *ctx, uint32_t *ret)
{
	const struct field_subject *s = subject_of(ctx);

	const struct process *p = process_of(ctx);

	if (!p || (s->ev->uid == UINT32_MAX && p->is_stub))
		return false;
	*ret = s->ev->uid != UINT32_MAX ? s->ev->uid : p->uid;
	return true;
}

static const struct user *find_user(const struct field_ctx *ctx, uint32_t uid)
{
	const struct field_subject *s = subject_of(ctx);

	return s->state && s->proc && uid != UINT32_MAX ? state_user(s->state, s->proc, uid) : NULL;
}

/* As Falco: what is not known is the text <NA>, except that user 0 is root everywhere. */
static bool give_or(struct value *ret, const struct user *u, struct str s, struct str fallback)
{
	return give_str(ret, u ? s : fallback);
}

GET(get_uid)
{
	uint32_t uid;

	return uid_of(ctx, &uid) && give_u64(ret, uid);
}

GET(get_name)
{
	uint32_t uid;

	if (!uid_of(ctx, &uid))
		return false;
	const struct user *u = find_user(ctx, uid);

	return give_or(ret, u, u ? u->name : STR_NULL, uid == 0 ? STR("root") : STR("<NA>"));
}

GET(get_homedir)
{
	uint32_t uid;

	if (!uid_of(ctx, &uid))
		return false;
	const struct user *u = find_user(ctx, uid);

	return give_or(ret, u, u ? u->home : STR_NULL, uid == 0 ? STR("/root") : STR("<NA>"));
}

GET(get_shell)
{
	uint32_t uid;

	if (!uid_of(ctx, &uid))
		return false;
	const struct user *u = find_user(ctx, uid);

	return give_or(ret, u, u ? u->shell : STR_NULL, STR("<NA>"));
}

GET(get_loginuid)
{
	const struct process *p = process_of(ctx);

	return p && give_s64(ret, p->loginuid == UINT32_MAX ? -1 : (int64_t)p->loginuid);
}

GET(get_loginname)
{
	const struct process *p = process_of(ctx);

	if (!p)
		return false;
	const struct user *u = find_user(ctx, p->loginuid);

	return give_or(
		ret, u, u ? u->name : STR_NULL, p->loginuid == 0 ? STR("root") : STR("<NA>"));
}

static const struct field_def fields[] = {
	{"user.uid", VT_U64, 0, "Effective user id: user.uid = 0 is root.", get_uid},
	{"user.name", VT_STR, 0,
		"Name of the effective user, as the process's container or the host calls it; <NA> "
		"when its passwd file does not have the id.",
		get_name},
	{"user.homedir", VT_STR, 0, "Home directory of the effective user: /root.", get_homedir},
	{"user.shell", VT_STR, 0, "Login shell of the effective user: /bin/bash.", get_shell},
	{"user.loginuid", VT_S64, 0,
		"Id of the user who logged in (audit user id), which su and sudo do not change; -1 "
		"when nobody did, as for services and containers.",
		get_loginuid},
	{"user.loginname", VT_STR, 0, "Name of the user in user.loginuid, <NA> for nobody.",
		get_loginname},
};

const struct field_class field_class_user = {
	.name = "user",
	.desc = "The user of the process that made the event.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
