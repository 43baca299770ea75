/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of strings: sharing, copy on write, the cap. */
#include "events.h"

static void shares_and_copies(void **unused)
{
	struct text_pool pool = {.max = 1 << 20};
	struct process a = {0}, b = {0};
	struct text_values v = {{STR("comm"), STR("exe"), STR("/exe"), STR("/"), STR("/"),
		STR("args"), STR("env"), STR("cpu=/")}};

	assert_true(text_set(&pool, &a, &v));
	text_share(&b, &a);
	assert_ptr_equal(a.text, b.text);
	v = text_get(&b);
	v.v[TEXT_COMM] = STR("other");
	assert_true(text_set(&pool, &b, &v));
	assert_str(a.comm, "comm");
	assert_str(b.comm, "other");
	assert_str(b.cgroups, "cpu=/");
	text_drop(&pool, &a);
	assert_str(b.env, "env");
	assert_int_equal(a.comm.len, 0);
	/* the block that went back is used again */
	uint64_t n = pool.nmallocs;
	v = text_get(&b);
	text_set(&pool, &a, &v);
	assert_true(pool.nmallocs == n);
	text_drop(&pool, &a);
	text_drop(&pool, &b);
	text_pool_done(&pool);
	assert_int_equal(pool.held, 0);
}

static void cap(void **unused)
{
	static char big[4000];
	struct text_pool pool = {.max = 20000};
	struct process p[10] = {0};
	struct text_values v = {{STR("comm"), STR("exe"), STR("/exe"), STR("/cwd"), STR("/"),
		str_make(big, sizeof(big)), STR("env"), STR_NULL}};
	int cut = 0;

	for (int i = 0; i < 10; i++)
		cut += !text_set(&pool, &p[i], &v);
	assert_true(cut > 0 && cut < 10);
	assert_true(pool.held <= pool.max);
	/* the name was kept */
	assert_str(p[9].comm, "comm");
	assert_int_equal(p[9].args.len, 0);
	for (int i = 0; i < 10; i++)
		text_drop(&pool, &p[i]);
	/* idle blocks of one class make room for another */
	v.v[TEXT_ENV] = str_make(big, sizeof(big));
	assert_true(text_set(&pool, &p[0], &v));
	assert_true(pool.held <= pool.max);
	text_drop(&pool, &p[0]);
	text_pool_done(&pool);
	assert_int_equal(pool.held, 0);
}

static void too_long(void **unused)
{
	static char huge[200 * 1024];
	struct text_pool pool = {.max = 1 << 20};
	struct process p = {0};
	struct text_values v = {{STR("comm")}};

	v.v[TEXT_ARGS] = str_make(huge, sizeof(huge));
	assert_false(text_set(&pool, &p, &v));
	assert_int_equal(p.args.len, 64 * 1024);
	text_drop(&pool, &p);
	text_pool_done(&pool);
}

static void counted(void **unused)
{
	struct state *s = new_state((struct state_options){.no_proc = true, .max_text_bytes = 200});
	char path[300];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[299] = 0;
	apply(s, make_exec(10, TICK, path, "a"));
	assert_true(state_counters(s).text_cut > 0);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_and_copies),
		cmocka_unit_test(cap),
		cmocka_unit_test(too_long),
		cmocka_unit_test(counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
