/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event of any code with any parameter bytes, printed. Input: u16 code, then for each parameter
 * u8 length and that many bytes; what is left is joined and cleaned as a path.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "model/event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	struct event ev = {.code = cursor_u16(&c), .has_fd = true};
	struct buf out = BUF_INIT(1 << 16);
	struct arena a;
	int64_t result;

	arena_init(&a, 1 << 20);
	ev.def = event_def(ev.code);
	for (; ev.nparams < EVENT_PARAMS_MAX && cursor_left(&c); ev.nparams++)
		ev.params[ev.nparams] = cursor_str(&c, cursor_u8(&c));
	event_args_format(&ev, &out);
	event_result(&ev, &result);
	for (unsigned i = 0; i < ev.nparams; i++) {
		struct str s = event_param_str(&ev, i);

		event_param_format(&ev, i, &out);
		s = path_normalise(&a, i ? event_param_str(&ev, i - 1) : STR_NULL, s);
		if (s.len > 1 && s.s[0] == '/' && s.s[s.len - 1] == '/')
			abort(); /* a clean path has no slash at its end */
	}
	buf_done(&out);
	arena_done(&a);
	return 0;
}
