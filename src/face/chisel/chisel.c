/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: which kinds of chisels there are, and one chisel from its opening to its end. What it
 * does with events is its kind's work.
 */
#include "face/chisel/chisel.h"

#include <errno.h>
#include <stdlib.h>

#include "face/chisel/private.h"

/* Every kind, one row each. */
static const struct chisel_ops *const kinds[] = {
	&chisel_ops_table,
	&chisel_ops_list,
	&chisel_ops_lines,
	&chisel_ops_topology,
	&chisel_ops_script,
	&chisel_ops_spectrogram,
};

const struct chisel_ops *chisel_kind_find(struct str kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_is(kind, kinds[i]->kind))
			return kinds[i];
	return NULL;
}

/* Does it look at nothing but what sources tell of themselves and in samples (procinfo)? */
static bool is_internal_only(const uint64_t *codes)
{
	bool any = false;

	for (unsigned code = 0; codes && code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (!def || !(codes[code / 64] >> code % 64 & 1))
			continue;
		/* a type that no call has may be one that comes in the generic ones */
		if (def->category != EC_INTERNAL && code != EV_SYSCALL && code != EV_ASYNCEVENT)
			return false;
		any = any || def->category == EC_INTERNAL;
	}
	return any;
}

void chisel_opened(struct chisel *c)
{
	c->wants_internal = c->info->is_script || is_internal_only(c->codes);
}

int chisel_open(const struct chisel_info *info, const struct str *args, size_t nargs,
	const struct chisel_env *env, struct chisel **ret, struct err *e)
{
	struct chisel *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	c->ops = chisel_kind_find(info->kind);
	c->info = info;
	c->env = env;
	int r = c->ops ? c->ops->open(c, args, nargs, e)
		       : err_set(e, EINVAL, "there is no kind of chisel \"%.*s\"",
				 STR_ARG(info->kind));
	if (r < 0) {
		chisel_close(c);
		return r;
	}
	chisel_opened(c);
	*ret = c;
	return 0;
}

const uint64_t *chisel_codes(const struct chisel *c)
{
	return c->codes;
}

int chisel_event(struct chisel *c, struct field_subject *s, struct err *e)
{
	const struct event_def *def = s->ev->def;

	if (def && def->category == EC_INTERNAL && !c->wants_internal)
		return 0;
	return c->ops->event(c, s, e);
}

int chisel_tick(struct chisel *c, uint64_t now_ns, struct err *e)
{
	return c->ops->tick ? c->ops->tick(c, now_ns, e) : 0;
}

int chisel_end(struct chisel *c, struct err *e)
{
	return c->ops->end ? c->ops->end(c, e) : 0;
}

void chisel_close(struct chisel *c)
{
	if (!c)
		return;
	if (c->ops && c->ops->close)
		c->ops->close(c);
	free(c);
}
