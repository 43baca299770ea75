/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this room share. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "source/image/private.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D0    "sha256:" HEX64

static inline void assert_text(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("\"%.*s\" instead of \"%s\"", STR_ARG(got), want);
}

static inline void assert_says(const struct err *e, const char *words)
{
	if (str_find(str_of(e->msg), str_of(words)) < 0)
		fail_msg("\"%s\" does not say \"%s\"", e->msg, words);
}
