/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A growing byte buffer that names its maximum where it is made. Past it, nothing more is added and
 * `cut` is set: writers need not check each step. The content is always followed by a NUL that does
 * not count. A buffer that is cleared and reused does not allocate once it is warm.
 */
#include <stdarg.h>

#include "base/str.h"

struct buf {
	char *s;
	size_t len, cap, max;
	bool cut; /* something did not fit, or memory was out */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

void buf_done(struct buf *b);
void buf_clear(struct buf *b);
void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_add_cstr(struct buf *b, const char *s);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_add_s64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static inline struct str buf_str(const struct buf *b)
{
	return str_make(b->s ? b->s : "", b->len);
}
