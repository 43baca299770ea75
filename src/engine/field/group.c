/* SPDX-License-Identifier: Apache-2.0 */
/* The group.* fields: the effective group at the event, named as user.c names users. */
#include "engine/field/private.h"

static bool gid_of(const struct field_ctx *ctx, uint32_t *ret)
{
	const struct field_subject *s = subject_of(ctx);

	const struct process *p = process_of(ctx);

	if (!p || (s->ev->gid == UINT32_MAX && p->is_stub))
		return false;
	*ret = s->ev->gid != UINT32_MAX ? s->ev->gid : p->gid;
	return true;
}

GET(get_gid)
{
	uint32_t gid;

	return gid_of(ctx, &gid) && give_u64(ret, gid);
}

GET(get_name)
{
	const struct field_subject *s = subject_of(ctx);
	const struct group *g = NULL;
	uint32_t gid;

	if (!gid_of(ctx, &gid))
		return false;
	if (s->state && gid != UINT32_MAX)
		g = state_group(s->state, s->proc, gid);
	if (g)
		return give_str(ret, g->name);
	return give_str(ret, gid == 0 ? STR("root") : STR("<NA>"));
}

static const struct field_def fields[] = {
	{"group.gid", VT_U64, 0, "Effective group id.", get_gid},
	{"group.name", VT_STR, 0,
		"Name of the effective group, as the process's container or the host calls it; "
		"<NA> "
		"when its group file does not have the id.",
		get_name},
};

const struct field_class field_class_group = {
	.name = "group",
	.desc = "The group of the process that made the event.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
	.source = "syscall",
};
