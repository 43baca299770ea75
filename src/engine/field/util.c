/* SPDX-License-Identifier: Apache-2.0 */
/* The util.* class: a counter. Getters change nothing, so it counts events, not its own calls. */
#include "engine/field/private.h"

GET(get_cnt)
{
	return give_u64(ret, event_of(ctx)->num);
}

static const struct field_def fields[] = {
	{"util.cnt", VT_U64, 0,
		"A number that grows with every event; here the number of the event itself.",
		get_cnt},
};

const struct field_class field_class_util = {
	.name = "util",
	.desc = "Helpers.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
};
