/* SPDX-License-Identifier: Apache-2.0 */
/* One error, one sentence: what is returned, what fits, and context in front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/err.h"

static void sets_code_and_sentence(void **state)
{
	struct err e = {0};

	assert_int_equal(err_set(&e, ENOENT, "%s:%d: gone", "a.yaml", 3), -ENOENT);
	assert_int_equal(e.code, ENOENT);
	assert_string_equal(e.msg, "a.yaml:3: gone");
	assert_int_equal(err_set(NULL, EINVAL, "nobody reads this"), -EINVAL);
}

static void context_comes_in_front(void **state)
{
	struct err e = {0};

	err_set(&e, EINVAL, "bad escape");
	assert_int_equal(err_context(&e, "rule %s", "A"), -EINVAL);
	assert_int_equal(err_context(&e, "file"), -EINVAL);
	assert_string_equal(e.msg, "file: rule A: bad escape");
	assert_int_equal(e.code, EINVAL);
	assert_true(err_context(NULL, "file") < 0);
}

static void a_sentence_may_quote_itself(void **state)
{
	struct err e = {0};

	err_set(&e, EINVAL, "old words");
	assert_int_equal(err_set(&e, EIO, "new: %s", e.msg), -EIO);
	assert_string_equal(e.msg, "new: old words");
	assert_int_equal(err_context(&e, "again %s", e.msg), -EIO);
	assert_string_equal(e.msg, "again new: old words: new: old words");
}

/* What is too long is cut, between characters: a message goes into JSON and onto terminals. */
static void what_is_too_long_is_cut(void **state)
{
	struct err e = {0};
	char longer[3000];

	for (size_t n = sizeof(e.msg) - 4; n < sizeof(e.msg) + 4; n++) {
		memset(longer, 'x', n);
		memcpy(longer + n, "\xe4\xba\xa4", 4);
		assert_int_equal(err_set(&e, EIO, "%s", longer), -EIO);
		size_t len = strlen(e.msg), whole = n + 3;
		assert_true(len < sizeof(e.msg));
		if (whole < sizeof(e.msg))
			assert_int_equal(len, whole);
		else
			assert_true(len >= sizeof(e.msg) - 4 && e.msg[len - 1] == 'x');
	}
	/* a long context leaves what it can of the cause */
	err_set(&e, EIO, "cause");
	memset(longer, 'y', sizeof(e.msg) - 5);
	longer[sizeof(e.msg) - 5] = 0;
	err_context(&e, "%s", longer);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_string_equal(e.msg + sizeof(e.msg) - 5, ": ca");
	/* bytes that are no text do not take the sentence with them */
	memset(longer, 0xff, 2000);
	longer[2000] = 0;
	err_set(&e, EIO, "%s", longer);
	assert_true(strlen(e.msg) >= sizeof(e.msg) - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_code_and_sentence),
		cmocka_unit_test(context_comes_in_front),
		cmocka_unit_test(a_sentence_may_quote_itself),
		cmocka_unit_test(what_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
