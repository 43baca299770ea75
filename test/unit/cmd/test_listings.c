/* SPDX-License-Identifier: Apache-2.0 */
/* What `koban fields`, `koban events` and `koban rules list` print for machines and for people. */
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/io.h"
#include "cmd/verbs.h"
#include "engine/field/field.h"

/* Runs a verb with its standard output in a file; the caller frees the text. */
static int run(int (*verb)(int, char **), const char *line, char **ret)
{
	char text[200], *argv[10], *rest = NULL;
	int argc = 0;
	FILE *f = tmpfile();
	int saved = dup(STDOUT_FILENO);

	assert_non_null(f);
	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	argv[argc] = NULL;
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	optind = 0;
	int code = verb(argc, argv);

	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	long size = (fseek(f, 0, SEEK_END), ftell(f));

	rewind(f);
	*ret = calloc(1, (size_t)size + 1);
	assert_int_equal(fread(*ret, 1, (size_t)size, f), size);
	fclose(f);
	return code;
}

static size_t rows_of(const char *line)
{
	size_t n = 0;
	char *text;

	assert_int_equal(run(cmd_fields, line, &text), 0);
	json_t *classes = json_loads(text, 0, NULL);

	assert_true(json_is_array(classes));
	for (size_t i = 0; i < json_array_size(classes); i++)
		n += json_array_size(json_object_get(json_array_get(classes, i), "fields"));
	json_decref(classes);
	free(text);
	return n;
}

static void every_field_is_listed(void **state)
{
	const struct field_set *set = &field_set_syscall;
	size_t visible = 0, all = 0;

	for (size_t i = 0; i < set->nclasses; i++)
		for (size_t k = 0; k < set->classes[i]->nfields; k++, all++)
			visible += !(set->classes[i]->fields[k].flags & FIELD_TABLE_ONLY);
	assert_int_equal(rows_of("fields --json"), visible);
	assert_int_equal(rows_of("fields --all --json"), all);
	assert_in_range(all, 297, 2000);
}

static void one_field_or_none(void **state)
{
	char *text;

	assert_int_equal(run(cmd_fields, "fields proc.aname", &text), 0);
	assert_non_null(strstr(text, "proc.aname"));
	assert_null(strstr(text, "fd.sip"));
	free(text);
	assert_int_not_equal(run(cmd_fields, "fields --nonsense", &text), 0);
	free(text);
}

static void every_event_is_a_line_of_json(void **state)
{
	char *text, *rest = NULL;
	size_t n = 0;

	assert_int_equal(run(cmd_events, "events --json", &text), 0);
	for (char *l = strtok_r(text, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest), n++) {
		json_t *o = json_loads(l, 0, NULL);

		assert_true(json_is_string(json_object_get(o, "name")));
		assert_true(json_is_array(json_object_get(o, "params")));
		json_decref(o);
	}
	assert_in_range(n, 150, EVENT_CODE_MAX);
	free(text);
	assert_int_equal(run(cmd_events, "events openat", &text), 0);
	assert_non_null(strstr(text, "dirfd"));
	free(text);
	assert_int_equal(run(cmd_events, "events no_such_event", &text), 2);
	free(text);
}

static void rules_are_listed_and_explained(void **state)
{
	char *text;

	assert_int_equal(run(cmd_rules, "rules list --json data/rules", &text), 0);
	json_t *o = json_loads(text, 0, NULL);

	assert_in_range(json_array_size(json_object_get(o, "rules")), 100, 10000);
	json_decref(o);
	free(text);
	assert_int_equal(run(cmd_rules, "rules explain data/rules", &text), 0);
	assert_non_null(strstr(text, "evt.type"));
	free(text);
	assert_int_equal(run(cmd_rules, "rules list /nonexistent.yaml", &text), 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_listed),
		cmocka_unit_test(one_field_or_none),
		cmocka_unit_test(every_event_is_a_line_of_json),
		cmocka_unit_test(rules_are_listed_and_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
