/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the values of parameters: numbers by the width of their type, strings up to their NUL.
 * The bytes come from a capture or the kernel's ring and may be short; a value that does not fill
 * its type is "not available". Prints nothing.
 */
#include "model/event/param.h"

#include "base/cursor.h"

unsigned param_type_size(enum param_type t, bool *is_signed)
{
	*is_signed = t == PT_INT8 || t == PT_INT16 || t == PT_INT32 || t == PT_INT64 ||
		     t == PT_ERRNO || t == PT_FD || t == PT_PID || t == PT_FD32 || t == PT_PID32;
	switch (t) {
	case PT_INT8:
	case PT_UINT8:
	case PT_SIGTYPE:
	case PT_L4PROTO:
	case PT_SOCKFAMILY:
	case PT_FLAGS8:
	case PT_ENUMFLAGS8:
		return 1;
	case PT_INT16:
	case PT_UINT16:
	case PT_SYSCALLID:
	case PT_PORT:
	case PT_FLAGS16:
	case PT_ENUMFLAGS16:
		return 2;
	case PT_INT32:
	case PT_UINT32:
	case PT_BOOL:
	case PT_FLAGS32:
	case PT_ENUMFLAGS32:
	case PT_UID:
	case PT_GID:
	case PT_SIGSET:
	case PT_MODE:
	case PT_FD32:
	case PT_PID32:
		return 4;
	case PT_INT64:
	case PT_UINT64:
	case PT_ERRNO:
	case PT_FD:
	case PT_PID:
	case PT_RELTIME:
	case PT_ABSTIME:
	case PT_DOUBLE:
		return 8;
	default:
		return 0;
	}
}

bool param_number(enum param_type t, struct str raw, uint64_t *ret)
{
	struct cursor c = cursor_of(raw.s, raw.len);
	bool is_signed;
	uint64_t v;

	switch (param_type_size(t, &is_signed)) {
	case 1:
		v = cursor_u8(&c);
		v = is_signed ? (uint64_t)(int64_t)(int8_t)v : v;
		break;
	case 2:
		v = cursor_u16(&c);
		v = is_signed ? (uint64_t)(int64_t)(int16_t)v : v;
		break;
	case 4:
		v = cursor_u32(&c);
		v = is_signed ? (uint64_t)(int64_t)(int32_t)v : v;
		break;
	case 8:
		v = cursor_u64(&c);
		break;
	default:
		return false;
	}
	if (!c.bad)
		*ret = v;
	return !c.bad;
}

bool param_value(const struct event *ev, unsigned i, struct param_value *ret)
{
	const struct event_def *def = ev->def;
	struct str raw = event_param(ev, i);

	if (!def || !def->params || i >= def->nparams)
		return false;
	*ret = (struct param_value){
		.def = &def->params[i], .type = def->params[i].type, .raw = raw};
	if (ret->type != PT_DYN || raw.len == 0)
		return true;
	/* the first byte says which of the kinds in the table follows */
	uint8_t index = (uint8_t)raw.s[0];

	for (const struct flag_name *f = ret->def->flags; f && f->name; f++, index--) {
		if (index == 0) {
			ret->type = (uint8_t)f->value;
			ret->raw = str_skip(raw, 1);
			break;
		}
	}
	return true;
}

bool event_param_u64(const struct event *ev, unsigned i, uint64_t *ret)
{
	struct param_value v;

	return param_value(ev, i, &v) && param_number(v.type, v.raw, ret);
}

bool event_param_s64(const struct event *ev, unsigned i, int64_t *ret)
{
	uint64_t u;

	if (!event_param_u64(ev, i, &u))
		return false;
	*ret = (int64_t)u;
	return true;
}

struct str param_until_nul(struct str raw)
{
	const char *nul = raw.len ? memchr(raw.s, 0, raw.len) : NULL;

	return nul ? str_make(raw.s, (size_t)(nul - raw.s)) : raw;
}

struct str event_param_str(const struct event *ev, unsigned i)
{
	struct param_value v;

	if (!param_value(ev, i, &v) || v.raw.len == 0)
		return STR_NULL;
	switch (v.type) {
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		return param_until_nul(v.raw);
	case PT_STRINGS: /* the separators stay, the last terminator goes */
		return v.raw.s[v.raw.len - 1] ? v.raw : str_head(v.raw, v.raw.len - 1);
	case PT_BYTEBUF:
		return v.raw;
	default:
		return STR_NULL;
	}
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
