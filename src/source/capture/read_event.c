/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event block → struct event, in place. Checks the shape (userspace/libscap's validate_v2_event
 * has the same rules) and nothing of the meaning: what an old event says is event_upgrade()'s
 * matter, which process acted the state's.
 */
#include <errno.h>

#include "source/capture/read.h"

enum { OLD_PROCEXIT = 16 };

/* The header and what surrounds it, read but not yet believed. */
struct raw_event {
	const uint8_t *lengths, *end; /* of the parameters; of the event */
	const struct code_kind *kind;
	uint64_t ts_ns, tid;
	uint32_t nparams;
	uint16_t code;
};

static inline bool has_flags(uint32_t type)
{
	return type == BLOCK_EVENT_FLAGS || type == BLOCK_EVENT_FLAGS_LARGE ||
	       type == BLOCK_EVENT_FLAGS_V1;
}

static inline bool has_nparams(uint32_t type)
{
	return type == BLOCK_EVENT || type == BLOCK_EVENT_FLAGS || type == BLOCK_EVENT_LARGE ||
	       type == BLOCK_EVENT_FLAGS_LARGE;
}

/*
 * The oldest blocks don't say how many parameters there are: the schema's number, or, where it has
 * grown since, the one at which the lengths add up to the event's. -1 when none does.
 */
static int count_params(const struct raw_event *raw)
{
	size_t left = (size_t)(raw->end - raw->lengths);

	for (int n = raw->kind->def->nparams; n >= 0; n--) {
		size_t need = (size_t)n * 2;
		if (need > left)
			continue;
		for (int i = 0; i < n; i++)
			need += load_u16(raw->lengths + 2 * i);
		if (need == left)
			return n;
	}
	return -1;
}

/*
 * The parameters that the schema knows; false when one reaches beyond the event. Whether the last
 * one ends inside says so for all.
 */
static bool set_params(const struct raw_event *raw, struct event *ret)
{
	unsigned width = raw->kind->is_large ? 4 : 2;
	unsigned n = raw->nparams;
	const uint8_t *p = raw->lengths + (size_t)n * width;

	if (n > raw->kind->def->nparams)
		n = raw->kind->def->nparams;
	for (unsigned i = 0; i < n; i++) {
		size_t len = width == 4 ? load_u32(raw->lengths + 4 * i)
					: load_u16(raw->lengths + 2 * i);
		ret->params[i] = str_make((const char *)p, len);
		p += len;
	}
	ret->nparams = (uint8_t)n;
	return p <= raw->end;
}

/*
 * Everything but the parameters. The event is large and most of it stays empty in a capture: what
 * the state fills in is zeroed in one go, the array of parameters not at all.
 */
static void reset(struct event *ret)
{
	size_t n = sizeof(*ret) - offsetof(struct event, fd);

	/* the C library's, not a string instruction in its place, which starts slowly */
	__asm__("" : "+r"(n));
	memset(&ret->fd, 0, n);
	ret->fd.num = INT64_MIN;
	ret->enter_ns = 0;
	ret->start_ns = 0;
	ret->pid = 0;
	ret->uid = UINT32_MAX;
	ret->gid = UINT32_MAX;
	ret->has_fd = false;
	ret->is_io_uring = false;
	ret->is_compat = false;
}

static int bad_length(struct capture *c, const struct block *b, uint32_t len, size_t header,
	size_t have, struct err *e)
{
	return read_damage(c, b->offset, e,
		"event of %u bytes in a block that has room for %zu to %zu", len, header, have);
}

/* Notifications say three bytes too many in the oldest blocks. */
static uint32_t old_length(const struct raw_event *raw, uint32_t len)
{
	return (raw->code == EV_NOTIFICATION || raw->code == EV_INFRA) && len > 3 ? len - 3 : len;
}

/* The event header at p, `have` bytes up to the trailer. 1, 0 for an unknown code, -errno. */
static inline int read_header(struct capture *c, const struct block *b, uint32_t type,
	const uint8_t *p, size_t have, struct raw_event *raw, struct err *e)
{
	bool is_v2 = has_nparams(type);
	size_t header = is_v2 ? EVENT_HEADER_BYTES : EVENT_HEADER_V1_BYTES;

	if (have < header)
		return read_damage(
			c, b->offset, e, "block of %u bytes is too short for an event", b->length);
	raw->ts_ns = load_u64(p);
	raw->tid = load_u64(p + 8);
	uint32_t len = load_u32(p + 16);
	raw->code = load_u16(p + 20);
	raw->kind = raw->code < EVENT_CODE_MAX ? &c->kinds[raw->code] : NULL;
	if (!raw->kind || !raw->kind->def)
		return 0;
	if (!is_v2)
		len = old_length(raw, len);
	if (len < header || len > have)
		return bad_length(c, b, len, header, have, e);
	raw->lengths = p + header;
	raw->end = p + len;
	raw->nparams = is_v2 ? load_u32(p + 22) : 0;
	return 1;
}

static inline int check_nparams(struct capture *c, const struct block *b, uint32_t type,
	struct raw_event *raw, struct err *e)
{
	unsigned width = raw->kind->is_large ? 4 : 2;

	if (!has_nparams(type)) {
		int n = count_params(raw);
		if (n < 0)
			return read_damage(c, b->offset, e,
				"the parameters of event %u (%s) do not add up to its length",
				raw->code, raw->kind->def->name);
		raw->nparams = (uint32_t)n;
	} else if (raw->nparams > EVENT_PARAMS_MAX) {
		return read_damage(c, b->offset, e,
			"event %u (%s) says that it has %u parameters; at most %d are possible",
			raw->code, raw->kind->def->name, raw->nparams, EVENT_PARAMS_MAX);
	} else if ((size_t)raw->nparams * width > (size_t)(raw->end - raw->lengths)) {
		return read_damage(c, b->offset, e,
			"event %u (%s) is too short for its %u parameters", raw->code,
			raw->kind->def->name, raw->nparams);
	}
	return 0;
}

/* `type` is the block's. */
static inline __attribute__((always_inline)) int read_typed(struct capture *c,
	const struct block *b, uint32_t type, const uint8_t *p, struct event *ret, struct err *e)
{
	size_t have = b->length - BLOCK_MIN_BYTES, front = has_flags(type) ? 6 : 2;
	struct raw_event raw = {0};
	uint32_t flags = 0;

	if (have < front)
		return read_damage(
			c, b->offset, e, "block of %u bytes is too short for an event", b->length);
	p += BLOCK_HEADER_BYTES;
	if (front == 6)
		flags = load_u32(p + 2);
	int r = read_header(c, b, type, p + front, have - front, &raw, e);
	if (r <= 0)
		return r;
	r = check_nparams(c, b, type, &raw, e);
	if (r < 0)
		return r;
	reset(ret);
	if (!set_params(&raw, ret))
		return read_damage(c, b->offset, e,
			"a parameter of event %u (%s) reaches beyond the event", raw.code,
			raw.kind->def->name);
	ret->ts_ns = raw.ts_ns;
	/* what has no thread has -1, in either width */
	ret->tid = raw.tid <= UINT32_MAX ? (uint32_t)raw.tid : UINT32_MAX;
	ret->code = raw.code;
	ret->cpu = load_u16(p);
	ret->def = raw.kind->def;
	ret->is_state_only = flags & EVENT_STATE_ONLY;
	size_t used = ((size_t)(raw.end - p) + 3) & ~(size_t)3;
	if (used < have)
		read_options(p + used, have - used, ret);
	return 1;
}

/* Nearly all events are in one type of block: the compiler makes code for that one alone. */
int read_event(struct capture *c, const struct block *b, const uint8_t *p, struct event *ret,
	struct err *e)
{
	if (b->type == BLOCK_EVENT)
		return read_typed(c, b, BLOCK_EVENT, p, ret, e);
	return read_typed(c, b, b->type, p, ret, e);
}

void read_kinds(struct code_kind *kinds, const struct event_upgrader *u)
{
	for (unsigned i = 0; i < EVENT_CODE_MAX; i++) {
		const struct event_def *def = event_def((uint16_t)i);
		if (!def)
			continue;
		kinds[i].def = def;
		/* some old events of no syscall are even as well, but have no exit */
		kinds[i].is_enter = (def->flags & EF_ENTER) && event_def((uint16_t)(i + 1));
		kinds[i].is_exit = i % 2 && !(def->flags & EF_META);
		kinds[i].is_large = def->flags & EF_LARGE;
		kinds[i].is_plain = !(def->flags & EF_OLD);
		kinds[i].wants_enter = event_upgrade_wants_enter(u, (uint16_t)i, def->nparams);
		kinds[i].ends_thread = i == EV_PROCEXIT || i == OLD_PROCEXIT;
	}
}
