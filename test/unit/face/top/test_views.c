/* SPDX-License-Identifier: Apache-2.0 */
/* Every shipped view loads; every mistake in one is named with file and line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "face/top/private.h"

static void test_shipped(void **state)
{
	static const char *const dirs[] = {"data/views"};
	static const char *const wanted[] = {"procs", "procs_cpu", "procs_errors", "procs_fd_usage",
		"threads", "containers", "containers_errors", "connections", "incoming_connections",
		"server_ports", "port_bindings", "files", "file_opens", "directories", "slow_io",
		"io_by_type", "errors", "page_faults", "cpus", "syscalls", "syscall_procs",
		"spectro_all", "spectro_file", "spy_users", "spy_syslog", "events", "echo",
		"k8s_pods", "k8s_namespaces", "k8s_deployments"};
	struct top_options o = {.dirs = dirs, .ndirs = 1};
	struct views views;
	struct err e = {0};

	if (views_load(&o, &views, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!views_find(&views, str_of(wanted[i])))
			fail_msg("no view %s", wanted[i]);
	for (size_t i = 0; i < views.n; i++)
		for (size_t k = 0; k < views.v[i].ncolumns; k++)
			if (!views.v[i].columns[k].desc.len)
				fail_msg("%.*s: column %.*s has no description",
					STR_ARG(views.v[i].id),
					STR_ARG(views.v[i].columns[k].name));
	const struct view *v;
	assert_int_equal(views_get(&views, STR("connectoins"), &v, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "did you mean \"connections\""));
	views_done(&views);
}

#define HEAD   "id: x\nname: X\ndescription: d\n"
#define COLUMN "columns:\n  - name: A\n    field: proc.name\n    key: true\n"

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"id: x\nname: [", "x.yaml:"},
		{"- a\n", "x.yaml:1: a view must be a map"},
		{HEAD "colums: []\n",
			"x.yaml:4: a view has no key \"colums\"; did you mean \"columns\""},
		{HEAD, "x.yaml:1: \"columns\" must be a list"},
		{"id: x\nname: X\n" COLUMN, "\"description\" is missing"},
		{HEAD "type: tabel\n" COLUMN,
			"x.yaml:4: \"type\" must be one of: table, list, spectrogram"},
		{HEAD "from: files\n" COLUMN, "x.yaml:4: \"from\" must be one of"},
		{HEAD "filter: proc.nam = x\n" COLUMN, "x.yaml:4: the filter, line 1, column 1"},
		{HEAD "drilldown: nowhere\n" COLUMN, "its drilldown \"nowhere\" is no view"},
		{HEAD "drilldown_key: fd.name\n" COLUMN, "x.yaml:4: \"drilldown_key\" must be"},
		{HEAD "type: spectrogram\n" COLUMN, "first column of a spectrogram"},
		{HEAD "tips: one\n" COLUMN, "x.yaml:4: \"tips\" must be a list"},
		{HEAD "columns:\n  - name: A\n    field: proc.name\n", "nothing tells rows apart"},
		{HEAD COLUMN "  - name: B\n    field: evt.coun\n", "x.yaml:8: column \"B\""},
		{HEAD COLUMN "  - name: B\n    field: proc.name\n    agg: sum\n",
			"x.yaml:8: column \"B\": proc.name is no number"},
		{HEAD COLUMN "    agg: sum\n", "x.yaml:8: a key tells rows apart"},
		{HEAD COLUMN "    width: wide\n", "x.yaml:8: \"width\" must be"},
		{HEAD COLUMN "    key2: 1\n", "x.yaml:8: a column has no key \"key2\""},
		{HEAD COLUMN "    sort: up\n", "x.yaml:8: \"sort\" must be one of"},
		{HEAD COLUMN "    hidden: perhaps\n", "x.yaml:8: \"hidden\" must be true or false"},
	};
	char dir[] = "/tmp/koban-views-XXXXXX", path[64];
	const char *dirs[] = {dir};
	struct top_options o = {.dirs = dirs, .ndirs = 1};

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.yaml", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct views views;
		struct err e = {0};
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(cases[i].text, f);
		fclose(f);
		if (views_load(&o, &views, &e) >= 0)
			fail_msg("accepted:\n%s", cases[i].text);
		if (!strstr(e.msg, cases[i].says) || !strstr(e.msg, dir))
			fail_msg("\"%s\" does not say \"%s\"", e.msg, cases[i].says);
	}
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
