/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Making events by hand: parameters by name, encoded as a capture has them. */
#include "model/event/event.h"
#include "model/event/param.h"

struct made {
	struct event ev;
	char bytes[8192];
	size_t used;
};

static inline void make_event(struct made *m, uint16_t code)
{
	memset(m, 0, sizeof(*m));
	m->ev.code = code;
	m->ev.def = event_def(code);
	assert_non_null(m->ev.def);
	m->ev.nparams = m->ev.def->nparams;
	m->ev.fd.num = INT64_MIN;
}

static inline unsigned make_raw(struct made *m, const char *name, const void *data, size_t size)
{
	int i = event_param_index(m->ev.def, str_of(name));

	assert_true(i >= 0);
	assert_true(m->used + size <= sizeof(m->bytes));
	memcpy(m->bytes + m->used, data, size);
	m->ev.params[i] = str_make(m->bytes + m->used, size);
	m->used += size;
	return (unsigned)i;
}

static inline unsigned make_str(struct made *m, const char *name, const char *text)
{
	return make_raw(m, name, text, strlen(text) + 1);
}

static inline unsigned make_num(struct made *m, const char *name, uint64_t value)
{
	int i = event_param_index(m->ev.def, str_of(name));
	bool is_signed;

	assert_true(i >= 0);
	return make_raw(m, name, &value, param_type_size(m->ev.def->params[i].type, &is_signed));
}

#define assert_buf(b, text)                                                                        \
	do {                                                                                       \
		assert_string_equal((b)->s ? (b)->s : "", text);                                   \
		buf_clear(b);                                                                      \
	} while (0)
