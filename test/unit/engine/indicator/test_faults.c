/* SPDX-License-Identifier: Apache-2.0 */
/* Loading lists when memory, reading or opening fails at each step: an error, and nothing leaks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/indicator/indicator.h"
#include "fault.h"

static char dir[64];

static void put(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/intel/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void fail_at_each_step(enum fault_kind kind, int code)
{
	unsigned n;

	for (n = 1; n; n = fault_was_reached() ? n + 1 : 0) {
		struct indicators *i = NULL;
		struct err e = {0};

		fault_arm(kind, n, code);
		int r = indicators_load(dir, NULL, &i, &e);
		fault_disarm();
		if (r < 0) {
			assert_null(i);
			assert_true(e.msg[0] != 0);
		} else {
			/* only giving back spare memory may fail without a word */
			assert_int_equal(indicators_domain(i, STR("a.pool.example.com"), NULL),
				NET_MINING_POOL);
			assert_true(indicators_is_miner_name(i, STR("m99")));
			indicators_free(i);
		}
		assert_true(n < 10000);
	}
}

static void test_memory(void **state)
{
	(void)state;
	fail_at_each_step(FAULT_ALLOC, ENOMEM);
}

static void test_files(void **state)
{
	(void)state;
	fail_at_each_step(FAULT_OPEN, EMFILE);
	fail_at_each_step(FAULT_READ, EIO);
}

static int make(void **state)
{
	char text[4000] = "#! kind: miner\n", path[80];

	(void)state;
	strcpy(dir, "/tmp/koban-faults-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/intel", dir);
	if (mkdir(path, 0700) < 0)
		return -1;
	put("pools.txt", "#! category: mining-pool\npool.example.com monero\n");
	for (unsigned k = 0; k < 200; k++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "m%u\n", k);
	put("miners.txt", text);
	return 0;
}

static int clean(void **state)
{
	static const char *const names[] = {
		"intel/pools.txt", "intel/miners.txt", "intel", "", NULL};
	char path[128];

	(void)state;
	for (size_t k = 0; names[k]; k++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[k]);
		remove(path);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
