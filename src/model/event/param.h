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

/* False when the event has no such parameter; raw.len 0 when it is not available. */
bool param_value(const struct event *ev, unsigned i, struct param_value *ret);
/* Sign-extended by its type; false when raw is too short or the type has no number. */
bool param_number(enum param_type t, struct str raw, uint64_t *ret);
struct str param_until_nul(struct str raw);
/* sock.c: addresses as .scap stores them; says INVALID … when they do not fit. */
void sockaddr_format(struct str raw, struct buf *out);
void socktuple_format(struct str raw, struct buf *out);
