/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* How this room reads a parameter's bytes; private to it. */
#include "model/event/event.h"

/* A parameter with its PT_DYN wrapping taken off. */
struct param_value {
	const struct param_def *def; /* as declared: base and flag names */
	enum param_type type;        /* of the value; PT_DYN when its index is unknown */
	struct str raw;
};

enum { PARAM_SIGNED = 0x80, PARAM_TYPES = 64 };

/* Bytes of the types that are numbers, with PARAM_SIGNED; 0 = no number. */
extern const uint8_t param_widths[PARAM_TYPES];

/* Takes the wrapping of a PT_DYN off. */
void param_unwrap(struct param_value *v);

/* False when the event has no such parameter; raw.len 0 when it is not available. */
static inline bool param_value(const struct event *ev, unsigned i, struct param_value *ret)
{
	const struct event_def *def = ev->def;

	if (!def || !def->params || i >= def->nparams)
		return false;
	ret->def = &def->params[i];
	ret->type = ret->def->type;
	ret->raw = event_param(ev, i);
	if (ret->type == PT_DYN && ret->raw.len)
		param_unwrap(ret);
	return true;
}

/* Sign-extended by its type; false when raw is too short or the type has no number. */
static inline bool param_number(enum param_type t, struct str raw, uint64_t *ret)
{
	unsigned width = (unsigned)t < PARAM_TYPES ? param_widths[t] : 0;
	unsigned size = width & ~(unsigned)PARAM_SIGNED;
	uint64_t v = 0;

	if (!size || raw.len < size)
		return false;
	/* little-endian: what is read lies at the bottom, and the sign is moved up to the top */
	if (size == 8)
		memcpy(&v, raw.s, 8);
	else if (size == 4)
		memcpy(&v, raw.s, 4);
	else if (size == 2)
		memcpy(&v, raw.s, 2);
	else
		v = (unsigned char)raw.s[0];
	if (width & PARAM_SIGNED)
		v = (uint64_t)((int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size));
	*ret = v;
	return true;
}

struct str param_until_nul(struct str raw);
/* sock.c: addresses as .scap stores them; says INVALID … when they do not fit. */
/* l4proto is that of the socket, for names of ports. */
void sockaddr_format(
	struct str raw, const struct event_style *style, uint8_t l4proto, struct buf *out);
void socktuple_format(
	struct str raw, const struct event_style *style, uint8_t l4proto, struct buf *out);
/* sock.c: event_fd_name_format_as() of any descriptor. */
void fd_name_format(const struct event_fd *fd, struct str path, const struct event_style *style,
	struct buf *out);
/* resolve.c: the second form of a number and of a path; nothing where there is none. */
void param_resolve_number(const struct event *ev, const struct param_value *v, uint64_t n,
	const struct event_style *style, struct buf *out);
/* Of a descriptor alone. */
void param_resolve_fd(const struct event *ev, const struct param_def *def, int64_t fd,
	const struct event_style *style, struct buf *out);
void param_resolve_path(
	const struct event *ev, struct str path, const char *param, struct buf *out);
/*
 * What is known of a descriptor, and its name; NULL = nothing. The event's own names are those of
 * its path, not of the folder (is_folder) that the path is relative to.
 */
const struct event_fd *param_fd(const struct event *ev, int64_t num, bool is_folder,
	const struct event_style *style, struct str *name);
