/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What koban writes behind an event in its block (block.h, enum event_option). Files of others have
 * nothing there; what is not understood is passed over, for it never holds what an event needs.
 */
#include "source/capture/read.h"

static void apply(uint16_t code, struct str value, struct event *ret)
{
	struct cursor in = cursor_of(value.s, value.len);

	if (code == OPTION_ENTER && value.len == 8) {
		ret->enter_ns = cursor_u64(&in);
	} else if (code == OPTION_SYSCALL && value.len == 2 && ret->code == EV_SYSCALL &&
		   ret->nparams > 0) {
		ret->params[0] = value;
	} else if (code == OPTION_EMPTY && value.len == 4) {
		uint32_t empty = cursor_u32(&in);

		for (unsigned i = 0; i < ret->nparams && i < 32; i++)
			if (empty & 1U << i)
				ret->params[i] = STR_NULL;
	}
}

void read_options(const uint8_t *p, size_t len, struct event *ret)
{
	struct cursor in = cursor_of(p, len);

	while (cursor_left(&in) >= 4) {
		uint16_t code = cursor_u16(&in), size = cursor_u16(&in);
		struct str value = cursor_str(&in, size);

		cursor_take(&in, (4 - size % 4u) % 4);
		if (in.bad || !code)
			return;
		apply(code, value, ret);
	}
}
