/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Old events of captures as today's. Until 2025 a call was two events: an enter event with the
 * arguments and an exit event with the result; and events were replaced as they grew. The schema
 * says which current event each became; parameters go over by name, and where names do not tell,
 * the tables below do. Nothing is asked of the state of the machine, and a value that the file does
 * not hold stays empty: a descriptor that was not recorded is not descriptor 0.
 */
#include <stdlib.h>

#include "base/json.h"
#include "model/event/param.h"

enum { NOWHERE = UINT8_MAX, CONTAINER_OLD = 228, CONTAINER_TEXT_MAX = 4096 };

/* Where a parameter of the current event comes from: indices in the exit and the enter event. */
struct origin {
	uint8_t exit, enter; /* or NOWHERE */
	uint8_t size;        /* in bytes when it is a number, else 0 */
};

struct upgrade {
	const struct event_def *to;    /* NULL: no current form */
	const struct event_def *enter; /* of the call; NULL: it has none */
	struct origin params[EVENT_PARAMS_MAX];
};

struct event_upgrader {
	struct upgrade from[EVENT_CODE_MAX];
};

/*
 * Where the name does not tell. The old brk's enter event has no row: its `size` was the low half
 * of the new end of the heap, which is neither a size nor an address.
 */
struct rename {
	uint16_t code; /* of the exit event in the file */
	const char *now;
	const char *was; /* NULL: what the enter event calls so is something else */
};

static const struct rename renames[] = {
	{125, "oldfd", "fd"},         /* dup */
	{297, "fd", "res_or_fd"},     /* bpf */
	{EV_EXECVEAT, "flags", NULL}, /* of the enter: the call's argument, not the new image's */
	{EV_DUP2, "oldfd", "fd"},     /* all three always had it in the exit too */
	{EV_DUP3, "oldfd", "fd"},
	{EV_DUP, "oldfd", "fd"},
};

static const struct rename *find_rename(uint16_t code, const char *now)
{
	for (size_t i = 0; i < sizeof(renames) / sizeof(renames[0]); i++)
		if (renames[i].code == code && strcmp(renames[i].now, now) == 0)
			return &renames[i];
	return NULL;
}

/* NOWHERE for no such event, name or parameter. */
static uint8_t index_of(const struct event_def *def, const char *name)
{
	int i = def && name ? event_param_index(def, str_of(name)) : -1;

	return i < 0 ? NOWHERE : (uint8_t)i;
}

static struct origin origin_of(
	const struct event_def *exit, const struct event_def *enter, const struct param_def *p)
{
	const struct rename *r = find_rename(exit->code, p->name);
	bool is_signed;
	struct origin o = {
		.exit = index_of(exit, p->name),
		.enter = index_of(enter, r ? r->was : p->name),
		.size = (uint8_t)param_type_size(p->type, &is_signed),
	};

	if (o.exit == NOWHERE && r)
		o.exit = index_of(exit, r->was);
	return o;
}

/* The enter event of an exit; even codes have none. */
static const struct event_def *enter_of(uint16_t code)
{
	const struct event_def *def = code % 2 ? event_def((uint16_t)(code - 1)) : NULL;

	return def && (def->flags & EF_ENTER) ? def : NULL;
}

static void prepare(struct upgrade *up, const struct event_def *def)
{
	if (def->flags & EF_ENTER)
		return;
	if (!(def->flags & EF_OLD))
		up->to = def;
	else if (def->next)
		up->to = event_def(def->next);
	up->enter = enter_of(def->code);
	for (unsigned i = 0; up->to && i < up->to->nparams; i++)
		up->params[i] = origin_of(def, up->enter, &up->to->params[i]);
}

struct event_upgrader *event_upgrader_new(void)
{
	struct event_upgrader *u = calloc(1, sizeof(*u));

	for (unsigned code = 0; u && code < EVENT_CODE_MAX; code++)
		if (event_def((uint16_t)code))
			prepare(&u->from[code], event_def((uint16_t)code));
	return u;
}

void event_upgrader_free(struct event_upgrader *u)
{
	free(u);
}

/* As wide as the current type: the low bytes of a wider number, a narrower one extended. */
static struct str fit(struct str raw, enum param_type type, unsigned size, struct arena *a)
{
	bool is_signed;
	bool is_number = param_type_size(type, &is_signed) > 0;

	if (!is_number || raw.len == 0)
		return STR_NULL;
	if (raw.len >= size)
		return str_head(raw, size);
	bool is_negative = is_signed && (raw.s[raw.len - 1] & 0x80);
	char *wide = arena_raw(a, size);

	if (!wide)
		return STR_NULL;
	memset(wide, is_negative ? 0xff : 0, size);
	memcpy(wide, raw.s, raw.len);
	return str_make(wide, size);
}

/* Parameter i of an event that may be of another type; `size` as in struct origin. */
static struct str take(const struct event *from, unsigned i, unsigned size, struct arena *a)
{
	struct str raw = event_param(from, i);
	struct param_value v;

	if (size == 0 || (raw.len == size && from->def->params[i].type != PT_DYN))
		return raw;
	if (!param_value(from, i, &v)) /* takes the wrapping of PT_DYN off */
		return STR_NULL;
	return fit(v.raw, v.type, size, a);
}

static struct str value_of(const struct origin *o, const struct event *exit,
	const struct event *enter, struct arena *a)
{
	if (o->exit < exit->nparams)
		return take(exit, o->exit, o->size, a);
	if (enter && o->enter < enter->nparams)
		return take(enter, o->enter, o->size, a);
	return STR_NULL;
}

static void add_text(struct buf *out, bool *first, const struct event *ev, const char *name)
{
	int i = event_param_index(ev->def, str_of(name));

	json_add_key(out, first, name);
	json_add_str(out, str_head(event_param_str(ev, (unsigned)i), CONTAINER_TEXT_MAX));
}

/* The oldest container event had parameters for what is JSON since. */
static struct str container_json(const struct event *ev, struct arena *a)
{
	/* three texts, each byte six characters at most ("\u0001"), and the rest */
	struct buf out = BUF_INIT(3 * 6 * CONTAINER_TEXT_MAX + 128);
	uint64_t type = 0;
	bool first = true;

	out.cap = out.max + 1; /* all of it: the buffer never grows, its memory is the arena's */
	out.s = arena_raw(a, out.cap);
	if (!out.s)
		return STR_NULL;
	event_param_u64(ev, 1, &type);
	buf_add_cstr(&out, "{\"container\":{");
	add_text(&out, &first, ev, "id");
	json_add_key(&out, &first, "type");
	buf_add_u64(&out, type);
	add_text(&out, &first, ev, "name");
	add_text(&out, &first, ev, "image");
	buf_add_cstr(&out, "}}");
	return str_make(out.s, out.len + 1);
}

static void replace(
	const struct upgrade *up, struct event *ev, const struct event *enter, struct arena *a)
{
	struct str params[EVENT_PARAMS_MAX];
	unsigned n = up->to->nparams;

	for (unsigned i = 0; i < n; i++)
		params[i] = value_of(&up->params[i], ev, enter, a);
	if (ev->code == CONTAINER_OLD)
		params[0] = container_json(ev, a);
	memcpy(ev->params, params, n * sizeof(params[0]));
}

bool event_upgrade(const struct event_upgrader *u, struct event *ev, const struct event *enter,
	struct arena *a)
{
	const struct upgrade *up = ev->code < EVENT_CODE_MAX ? &u->from[ev->code] : NULL;

	if (!up || !up->to)
		return false;
	if (enter && (!up->enter || enter->code != up->enter->code))
		enter = NULL;
	if (enter)
		ev->enter_ns = enter->ts_ns;
	if (up->to->code != ev->code) {
		replace(up, ev, enter, a);
	} else { /* what it has stays, and mostly that is all */
		for (unsigned i = ev->nparams; i < up->to->nparams; i++)
			ev->params[i] = value_of(&up->params[i], ev, enter, a);
	}
	ev->code = up->to->code;
	ev->def = up->to;
	ev->nparams = up->to->nparams;
	return true;
}

bool event_upgrade_wants_enter(const struct event_upgrader *u, uint16_t code, unsigned nparams)
{
	const struct upgrade *up = code < EVENT_CODE_MAX ? &u->from[code] : NULL;

	if (!up || !up->to)
		return false;
	for (unsigned i = up->to->code == code ? nparams : 0; i < up->to->nparams; i++)
		if (up->params[i].exit >= nparams && up->params[i].enter != NOWHERE)
			return true;
	return false;
}
