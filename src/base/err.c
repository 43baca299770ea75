/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error, one sentence. It is written beside the old one first, which its arguments may quote,
 * and is cut between characters when it is too long.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Of the length n that was wanted, what snprintf() could write, without half a character. */
static size_t cut_length(const char *text, size_t size, int n)
{
	if (n < 0)
		return 0;
	if ((size_t)n < size)
		return (size_t)n;
	n = (int)size - 1;
	while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && (unsigned char)text[n - 1] >= 0xc0)
		n--;
	return (size_t)n;
}

static void set_message(struct err *e, const char *text, int n)
{
	size_t len = cut_length(text, sizeof(e->msg), n);

	memcpy(e->msg, text, len);
	e->msg[len] = 0;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	char text[sizeof(e->msg)];
	va_list ap;

	if (!e)
		return -code;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	set_message(e, text, n);
	e->code = code;
	return -code;
}

int err_context(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->msg)];
	va_list ap;

	if (!e)
		return -EINVAL;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(text))
		n += snprintf(text + n, sizeof(text) - (size_t)n, ": %s", e->msg);
	set_message(e, text, n);
	return -e->code;
}
