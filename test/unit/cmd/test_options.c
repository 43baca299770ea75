/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `koban watch` and `koban up`; and that a changed rule file is noticed. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/options.h"
#include "cmd/reload.h"

static int parse(struct live_options *o, const char *line)
{
	char text[200], *argv[20] = {"watch"}, *rest = NULL;
	int argc = 1;

	*o = (struct live_options){0};
	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	optind = 0;
	int r = live_options_parse(o, argc, argv, "");

	live_options_done(o);
	return r;
}

static void good_ones_are_taken(void **state)
{
	struct live_options o;

	assert_int_equal(parse(&o, ""), -1);
	assert_int_equal(
		parse(&o, "-r a --rules b -o x=1 -M 5 -q --json --no-fold --all-events"), -1);
	assert_int_equal(o.nrules, 2);
	assert_int_equal(o.noverrides, 1);
	assert_int_equal(o.duration_s, 5);
	assert_true(o.is_quiet && o.json && o.no_fold && o.all_events);
	assert_int_equal(parse(&o, "--help"), 0);
}

static void bad_ones_are_refused(void **state)
{
	static const char *const bad[] = {"-M x", "-M -1", "-M", "--nonsense", "extra", "-r"};
	struct live_options o;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(&o, bad[i]), 2);
}

static void touch(const char *dir, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	unlink(path);
}

static void a_changed_rule_file_is_noticed_once(void **state)
{
	char dir[] = "/tmp/koban-reload-XXXXXX";
	const char *paths[] = {mkdtemp(dir)};
	struct reload *r = reload_new(true, paths, 1);

	assert_non_null(r);
	assert_null(reload_new(false, paths, 1));
	assert_false(reload_is_due(NULL));
	touch(dir, "x.swp");
	assert_false(reload_is_due(r));
	usleep(600000);
	assert_false(reload_is_due(r));
	touch(dir, "x.yaml");
	assert_false(reload_is_due(r)); /* its writer has not come to rest */
	usleep(600000);
	assert_true(reload_is_due(r));
	assert_false(reload_is_due(r));
	reload_free(r);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_taken),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(a_changed_rule_file_is_noticed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
