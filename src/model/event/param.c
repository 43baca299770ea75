/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the values of parameters: numbers by the width of their type, strings up to their NUL.
 * The bytes come from a capture or the kernel's ring and may be short; a value that does not fill
 * its type is "not available". Prints nothing.
 */
#include "model/event/param.h"

const uint8_t param_widths[PARAM_TYPES] = {
	[PT_INT8] = PARAM_SIGNED | 1,
	[PT_UINT8] = 1,
	[PT_SIGTYPE] = 1,
	[PT_L4PROTO] = 1,
	[PT_SOCKFAMILY] = 1,
	[PT_FLAGS8] = 1,
	[PT_ENUMFLAGS8] = 1,
	[PT_INT16] = PARAM_SIGNED | 2,
	[PT_UINT16] = 2,
	[PT_SYSCALLID] = 2,
	[PT_PORT] = 2,
	[PT_FLAGS16] = 2,
	[PT_ENUMFLAGS16] = 2,
	[PT_INT32] = PARAM_SIGNED | 4,
	[PT_UINT32] = 4,
	[PT_BOOL] = 4,
	[PT_FLAGS32] = 4,
	[PT_ENUMFLAGS32] = 4,
	[PT_UID] = 4,
	[PT_GID] = 4,
	[PT_SIGSET] = 4,
	[PT_MODE] = 4,
	[PT_FD32] = PARAM_SIGNED | 4,
	[PT_PID32] = PARAM_SIGNED | 4,
	[PT_INT64] = PARAM_SIGNED | 8,
	[PT_UINT64] = 8,
	[PT_ERRNO] = PARAM_SIGNED | 8,
	[PT_FD] = PARAM_SIGNED | 8,
	[PT_PID] = PARAM_SIGNED | 8,
	[PT_RELTIME] = 8,
	[PT_ABSTIME] = 8,
	[PT_DOUBLE] = 8,
};

unsigned param_type_size(enum param_type t, bool *is_signed)
{
	unsigned width = (unsigned)t < PARAM_TYPES ? param_widths[t] : 0;

	*is_signed = width & PARAM_SIGNED;
	return width & ~(unsigned)PARAM_SIGNED;
}

/* The first byte says which of the kinds in the table follows. */
void param_unwrap(struct param_value *v)
{
	uint8_t index = (uint8_t)v->raw.s[0];

	for (const struct flag_name *f = v->def->flags; f && f->name; f++, index--) {
		if (index == 0) {
			v->type = (uint8_t)f->value;
			v->raw = str_skip(v->raw, 1);
			break;
		}
	}
}

static __attribute__((noinline)) bool wrapped_u64(const struct event *ev, unsigned i, uint64_t *ret)
{
	struct param_value v;

	return param_value(ev, i, &v) && param_number(v.type, v.raw, ret);
}

bool event_param_u64(const struct event *ev, unsigned i, uint64_t *ret)
{
	const struct event_def *def = ev->def;

	if (!def || !def->params || i >= def->nparams)
		return false;
	enum param_type t = def->params[i].type;

	return t == PT_DYN ? wrapped_u64(ev, i, ret) : param_number(t, event_param(ev, i), ret);
}

bool event_param_s64(const struct event *ev, unsigned i, int64_t *ret)
{
	return event_param_u64(ev, i, (uint64_t *)ret);
}

struct str param_until_nul(struct str raw)
{
	const char *nul = raw.len ? memchr(raw.s, 0, raw.len) : NULL;

	return nul ? str_make(raw.s, (size_t)(nul - raw.s)) : raw;
}

static inline struct str text_of(enum param_type t, struct str raw)
{
	if (raw.len == 0)
		return STR_NULL;
	switch (t) {
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		return param_until_nul(raw);
	case PT_STRINGS: /* the separators stay, the last terminator goes */
		return raw.s[raw.len - 1] ? raw : str_head(raw, raw.len - 1);
	case PT_BYTEBUF:
		return raw;
	default:
		return STR_NULL;
	}
}

static __attribute__((noinline)) struct str wrapped_str(const struct event *ev, unsigned i)
{
	struct param_value v;

	return param_value(ev, i, &v) ? text_of(v.type, v.raw) : STR_NULL;
}

struct str event_param_str(const struct event *ev, unsigned i)
{
	const struct event_def *def = ev->def;

	if (!def || !def->params || i >= def->nparams)
		return STR_NULL;
	enum param_type t = def->params[i].type;

	return t == PT_DYN ? wrapped_str(ev, i) : text_of(t, event_param(ev, i));
}

/* In the schema a result is always the first parameter (a test holds it to that). */
bool event_result(const struct event *ev, int64_t *ret)
{
	const struct event_def *def = ev->def;

	if (!def || !def->params || def->nparams == 0)
		return false;
	const char *name = def->params[0].name;

	if (strcmp(name, "res") != 0 && strcmp(name, "status") != 0 &&
		!((def->flags & EF_CREATES_FD) && strcmp(name, "fd") == 0 &&
			!(def->flags & EF_ENTER)))
		return false;
	return event_param_s64(ev, 0, ret);
}
