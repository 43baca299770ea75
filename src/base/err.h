/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The message that a person will read. Filled once, at the deepest place that knows what is wrong,
 * with a sentence that names the thing, the place and the mend; callers may put context in front.
 * Functions return 0 or -errno; err_set() returns that number, so `return err_set(e, EINVAL, …)`.
 */
#include "base/str.h"

struct err {
	int code; /* errno, positive; 0 = no error */
	char msg[1000];
};

/* e may be NULL. Returns -code. The arguments may quote the message that is there. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/*
 * Puts "context: " in front of the message that is there. Returns -code; for NULL -EINVAL, never 0:
 * there was an error, and nobody wanted to know which.
 */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
