/* SPDX-License-Identifier: Apache-2.0 */
/* What watch and replay begin with: errors are said in full, nothing half-made is handed out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/log.h"
#include "cmd/setup.h"
#include "said.h"

static char path[] = "/tmp/koban-setup-XXXXXX";

static void write_text(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	return close(fd);
}

static int tear_down(void **state)
{
	return unlink(path);
}

/* As verbs of their own, so that what they say can be read. */
static int load_config(int argc, char **argv)
{
	struct config *c = NULL;
	struct err e = {0};
	int r = setup_config(path, NULL, 0, argc > 1, &c, &e);

	printf("%s", e.msg);
	if (r < 0)
		return c ? 99 : -r;
	config_free(c);
	return 0;
}

static void config(void **state)
{
	struct said s;

	write_text("no_such_key: 1\nlog_level: [\n");
	said_run(&s, load_config, (const char *const[]){"", NULL});
	assert_int_equal(s.code, EINVAL);
	assert_string_equal(s.out, "the configuration has errors");
	assert_non_null(strstr(s.err, path)); /* which, and where in it */
	write_text("priority: warning\n");
	said_run(&s, load_config, (const char *const[]){"", NULL});
	assert_int_equal(s.code, 0);
	assert_string_equal(s.err, "");
}

static const char rules[] = "- rule: One\n  desc: d\n  priority: WARNING\n  output: o\n"
			    "  condition: evt.type in (openat, connect)\n"
			    "- rule: Two\n  desc: d\n  priority: WARNING\n  output: o\n"
			    "  condition: evt.type = kill\n  enabled: false\n";

static int load_rules(int argc, char **argv)
{
	const char *const paths[] = {path};
	struct ruleset *rs = NULL;
	struct config *c = NULL;
	struct detect *d = NULL;
	struct err e = {0};
	const char *const none[] = {"rules_files=[]"};

	struct buf errors = BUF_INIT(4096);

	if (config_load_report(NULL, none, 1, &c, &errors) < 0)
		return 98;
	buf_done(&errors);
	int r = setup_rules(c, paths, argc > 1, false, &rs, &e);

	if (r == 0 && (r = setup_detect(c, rs, "host", &d, &e)) == 0) {
		printf("%zu of %zu rules, %zu kinds", setup_count_rules(rs), rs->nrules,
			setup_count_codes(rs));
		detect_free(d);
	}
	printf("%s", e.msg);
	if (rs)
		ruleset_unref(rs);
	config_free(c);
	return -r;
}

static void ruleset(void **state)
{
	struct said s;

	write_text(rules);
	said_run(&s, load_rules, (const char *const[]){"", "given", NULL});
	assert_int_equal(s.code, 0);
	assert_ptr_equal(strstr(s.out, "1 of 2 rules, "), s.out); /* the other is off */
	int kinds = atoi(s.out + strlen("1 of 2 rules, "));
	assert_in_range(kinds, 2, 16); /* also old events of the two names */
	said_run(&s, load_rules, (const char *const[]){"", NULL});
	assert_int_equal(s.code, ENOENT);
	assert_non_null(strstr(s.out, "give a file or a folder with -r"));
	write_text("- rule: Nothing\n  desc: d\n  priority: WARNING\n  output: o\n"
		   "  condition: no.such.field = 1\n");
	said_run(&s, load_rules, (const char *const[]){"", "given", NULL});
	assert_int_equal(s.code, EINVAL);
	assert_string_equal(s.out, "the rules have 1 error: nothing was changed");
	assert_non_null(strstr(s.err, "no.such.field"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config),
		cmocka_unit_test(ruleset),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
