/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: golden cases (a YAML file and what the reader says of it), the shipped file
 * against the built-in defaults, files in their order, -o, the environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/config.h"

static const char cases_dir[] = "test/golden/config";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int dir_setup(void **state)
{
	char template[] = "/tmp/koban-test-XXXXXX";

	if (!mkdtemp(template))
		return -1;
	*state = strdup(template);
	return 0;
}

static int dir_teardown(void **state)
{
	nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static const char *write_file(const char *dir, const char *name, const char *text)
{
	static char paths[8][512];
	static unsigned n;
	char *path = paths[n++ % 8];

	snprintf(path, 512, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static struct config *load(const char *path, const char *const *overrides, size_t n)
{
	struct config *c = NULL;
	struct err e = {0};

	if (config_load(path, overrides, n, &c, &e) < 0)
		fail_msg("%s", e.msg);
	return c;
}

/* ---- golden cases ---------------------------------------------------------------------------- */

static void add_text(struct buf *b, const char *name, const char *value)
{
	if (value)
		buf_printf(b, " %s=%s", name, value);
}

static void describe_output(const struct output_config *o, struct buf *b)
{
	static const char *const kinds[] = {"stdout", "file", "syslog", "program", "http", "store"};

	buf_printf(b, "output %s", kinds[o->kind]);
	add_text(b, "name", o->name);
	add_text(b, "path", o->path);
	add_text(b, "address", o->address);
	add_text(b, "facility", o->facility);
	add_text(b, "command", o->command);
	add_text(b, "url", o->url);
	add_text(b, "user_agent", o->user_agent);
	add_text(b, "ca_cert", o->ca_cert);
	add_text(b, "ca_path", o->ca_path);
	add_text(b, "client_cert", o->client_cert);
	add_text(b, "client_key", o->client_key);
	for (const char *const *h = o->headers; h && *h; h++)
		add_text(b, "header", *h);
	buf_printf(b, "%s%s%s%s%s", o->json ? " json" : "", o->fold ? " fold" : "",
		o->keep_alive ? " keep_alive" : "", o->rfc3164 ? " rfc3164" : "",
		o->insecure ? " insecure" : "");
	if (o->max_bytes)
		buf_printf(b, " max=%llu keep=%u", (unsigned long long)o->max_bytes, o->keep_files);
	if (o->timeout_ms)
		buf_printf(b, " timeout=%llu", (unsigned long long)o->timeout_ms);
	buf_printf(b, " fold_ms=%llu\n", (unsigned long long)o->fold_ms);
}

/* Everything in it, a line each. */
static void describe(const struct config *c, struct buf *b)
{
	buf_printf(b, "priority %s, %s, %s%s\n", priority_name(c->priority),
		c->first_match_only ? "first" : "all", c->iso_time ? "iso" : "hms",
		c->watch_config_files ? ", watch" : "");
	for (size_t i = 0; i < c->nrules_files; i++)
		buf_printf(b, "rules %s\n", c->rules_files[i]);
	for (size_t i = 0; i < c->nselections; i++)
		buf_printf(b, "%s rule=%.*s tag=%.*s\n",
			c->selections[i].enable ? "enable" : "disable",
			STR_ARG(c->selections[i].rule_glob), STR_ARG(c->selections[i].tag));
	if (c->extra_output)
		buf_printf(b, "extra %s\n", c->extra_output);
	const struct finding_json_options *j = &c->json_options;
	buf_printf(b, "json %d: output %d message %d fields %d tags %d\n", c->json_output,
		j->output, j->message, j->output_fields, j->tags);
	for (size_t i = 0; i < c->outputs.noutputs; i++)
		describe_output(&c->outputs.outputs[i], b);
	buf_printf(b, "queue %zu, spool %s %llu\n", c->outputs.queue_capacity,
		c->outputs.spool_dir ? c->outputs.spool_dir : "-",
		(unsigned long long)c->outputs.spool_max_bytes);
	buf_printf(b, "state %zu %zu %zu %zu %s\n", c->state.max_processes, c->state.max_containers,
		c->state.max_text_bytes, c->state.max_user_files,
		c->state.host_root ? c->state.host_root : "-");
	buf_printf(b, "sensor %llu %s %u\n", (unsigned long long)c->sensor.ring_bytes,
		c->sensor.all_events ? "all" : "pushdown", c->sensor.snaplen);
	buf_printf(b, "webserver %s %s:%u\n", c->webserver.enabled ? "on" : "off",
		c->webserver.listen_address, c->webserver.port);
	buf_printf(b, "log %d\n", (int)c->log_level);
	for (size_t i = 0; i < c->nwarnings; i++)
		buf_printf(b, "warning: %s\n", c->warnings[i]);
}

static void run_case(struct arena *a, const char *name)
{
	struct buf got = BUF_INIT(1 << 20), errors = BUF_INIT(1 << 20);
	char path[512], expected_path[600];
	struct config *c = NULL;
	struct str expected = STR_NULL;
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/%s", cases_dir, name);
	snprintf(
		expected_path, sizeof(expected_path), "%.*s.expected", (int)strlen(path) - 5, path);
	if (config_load_report(path, NULL, 0, &c, &errors) == 0)
		describe(c, &got);
	buf_add(&got, buf_str(&errors));
	config_free(c);
	if (getenv("KOBAN_UPDATE_EXPECTED")) {
		FILE *f = fopen(expected_path, "w");

		assert_non_null(f);
		fwrite(got.s, 1, got.len, f);
		fclose(f);
	}
	if (io_read_file(a, AT_FDCWD, expected_path, 1 << 20, &expected, &e) < 0)
		fail_msg("%s", e.msg);
	if (!str_eq(expected, buf_str(&got)))
		fail_msg("%s: expected\n%.*sgot\n%.*s", path, STR_ARG(expected),
			STR_ARG(buf_str(&got)));
	buf_done(&got);
	buf_done(&errors);
}

static void golden_cases(void **state)
{
	static const char *const suffixes[] = {".yaml", NULL};
	struct arena a;
	struct str *names;
	size_t n = 0;
	struct err e = {0};

	setenv("KOBAN_TEST_PORT", "9999", 1);
	setenv("KOBAN_TEST_TRUE", "true", 1);
	unsetenv("KOBAN_TEST_UNSET");
	arena_init(&a, 16 << 20);
	if (io_list_dir(&a, cases_dir, suffixes, 1000, &names, &n, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(n >= 10);
	for (size_t i = 0; i < n; i++)
		run_case(&a, arena_cstr(&a, names[i]));
	arena_done(&a);
}

/* ---- the shipped file ------------------------------------------------------------------------ */

static void the_shipped_file_is_the_defaults(void **state)
{
	struct buf shipped = BUF_INIT(1 << 16), built_in = BUF_INIT(1 << 16);
	const char *empty = write_file(*state, "empty.yaml", "");
	struct config *a = load("data/koban.yaml", NULL, 0), *b = load(empty, NULL, 0);

	describe(a, &shipped);
	describe(b, &built_in);
	assert_string_equal(shipped.s, built_in.s);
	assert_int_equal(a->nwarnings, 0);
	config_free(a);
	config_free(b);
	buf_done(&shipped);
	buf_done(&built_in);
}

/* Takes "#key: value" as "key: value" too: what is commented out must be right as well. */
static struct str uncommented(struct arena *a, struct str text)
{
	struct buf b = BUF_INIT(1 << 16);

	while (text.len) {
		struct str line = str_cut(&text, '\n'), bare = line;
		size_t indent = 0;

		while (indent < line.len && line.s[indent] == ' ')
			indent++;
		bare = str_skip(line, indent);
		/* "#key" and "#  - item" are configuration, "# text" is prose */
		bool is_item = str_starts(bare, STR("#  "));
		if (bare.len > 1 && bare.s[0] == '#' && (bare.s[1] != ' ' || is_item)) {
			buf_add(&b, str_head(line, indent));
			buf_add(&b, str_skip(bare, 1));
		} else {
			buf_add(&b, line);
		}
		buf_add_char(&b, '\n');
	}
	struct str copy = arena_str(a, buf_str(&b));
	buf_done(&b);
	return copy;
}

/* Is there a value at the path "webserver.listen_port"? What all outputs take is shown once. */
static bool is_documented(const struct yaml_node *root, struct str path)
{
	static const char *const common[] = {"name", "format", "fold", "timeout", "type"};
	const struct yaml_node *n = root;
	char key[128] = "";

	while (n && path.len) {
		assert_true(str_copy(str_cut(&path, '.'), key, sizeof(key)));
		const struct yaml_node *below = yaml_get(n, key);

		if (!below && n != root)
			for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
				if (strcmp(key, common[i]) == 0)
					return true;
		n = below;
	}
	return n != NULL;
}

static void every_key_is_documented(void **state)
{
	struct buf key = BUF_INIT(256);
	struct yaml_node **docs;
	struct yaml_error ye;
	struct arena a;
	struct str text;
	size_t n = 0, ndocs;

	arena_init(&a, 1 << 20);
	assert_int_equal(io_read_file(&a, AT_FDCWD, "data/koban.yaml", 1 << 20, &text, NULL), 0);
	struct str all = uncommented(&a, text);
	assert_int_equal(yaml_parse(&a, all, NULL, &docs, &ndocs, &ye), 0);
	for (; config_key_at(n, &key); n++)
		if (!is_documented(docs[0], buf_str(&key)))
			fail_msg("data/koban.yaml says nothing of %.*s", STR_ARG(buf_str(&key)));
	assert_true(n > 60);

	struct config *c = load(write_file(*state, "all.yaml", all.s), NULL, 0);
	assert_string_equal(c->outputs.spool_dir, "/var/lib/koban/spool");
	assert_int_equal(c->outputs.noutputs, 2);
	assert_string_equal(c->outputs.outputs[1].name, "siem");
	assert_int_equal(c->nselections, 2);
	config_free(c);
	buf_done(&key);
	arena_done(&a);
}

/* ---- files in their order -------------------------------------------------------------------- */

static void drop_ins_come_later_in_byte_order(void **state)
{
	char dir[512];
	const char *main_file = write_file(
		*state, "koban.yaml", "priority: error\nrules_files: [/]\nlog_level: debug\n");

	snprintf(dir, sizeof(dir), "%s/config.d", (char *)*state);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(dir, "20.yaml", "priority: warning\nrules_files: [/tmp]\n");
	write_file(dir, "10.yml", "priority: notice\nrules_files: [/etc]\n");
	write_file(dir, "30.yaml.bak", "nonsense: true\n");
	write_file(dir, ".hidden.yaml", "nonsense: true\n");
	struct config *c = load(main_file, NULL, 0);
	assert_int_equal(c->priority, PRIORITY_WARNING);
	assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->nrules_files, 3);
	assert_string_equal(c->rules_files[1], "/etc");
	assert_string_equal(c->rules_files[2], "/tmp");
	assert_int_equal(c->nfiles, 3);
	config_free(c);
}

static void strategies_are_falcos(void **state)
{
	char text[2048];
	const char *a = write_file(*state, "a.yaml", "priority: notice\nrules_files: [/etc]\n");
	const char *b = write_file(
		*state, "b.yaml", "priority: alert\nlog_level: error\nrules_files: [/tmp]\n");

	static const struct {
		const char *strategy;
		enum priority priority;
		size_t nrules;
	} cases[] = {
		{"append", PRIORITY_ALERT, 3},
		{"override", PRIORITY_ALERT, 1},
		{"add-only", PRIORITY_NOTICE, 2},
	};
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
			"config_files: [%s, {path: %s, strategy: %s}, /nonexistent.yaml]\n"
			"rules_files: [/]\n",
			a, b, cases[i].strategy);
		struct config *c = load(write_file(*state, "main.yaml", text), NULL, 0);
		assert_int_equal(c->priority, cases[i].priority);
		assert_int_equal(c->nrules_files, cases[i].nrules);
		assert_int_equal(c->log_level, LOG_LEVEL_ERROR);
		config_free(c);
	}
}

static void flags_win(void **state)
{
	static const char *const flags[] = {"webserver.listen_port=8080", "webserver.enabled=true",
		"rules_files=[/]", "rules_files[]=/tmp", "json_output=true", "fold.window=5m",
		"file_output={enabled: true, filename: /tmp/x}",
		"append_output[]={extra_output: \"x=%proc.name\"}",
		"outputs[]={type: http, url: \"http://localhost/\"}", "priority=error"};
	const char *path =
		write_file(*state, "koban.yaml", "priority: debug\nrules_files: [/etc]\n");
	struct config *c = load(path, flags, sizeof(flags) / sizeof(flags[0]));

	assert_int_equal(c->webserver.port, 8080);
	assert_true(c->webserver.enabled && c->json_output);
	assert_int_equal(c->nrules_files, 2);
	assert_string_equal(c->rules_files[0], "/");
	assert_int_equal(c->outputs.noutputs, 3);
	assert_int_equal(c->outputs.outputs[0].fold_ms, 300000);
	assert_string_equal(c->extra_output, "x=%proc.name");
	assert_int_equal(c->priority, PRIORITY_ERROR);
	config_free(c);
}

static void bad_flags_are_named(void **state)
{
	static const struct {
		const char *flag, *says;
	} cases[] = {
		{"webserver", "-o webserver: write KEY=VALUE"},
		{"=x", "write KEY=VALUE"},
		{"webserver.listen_prt=1", "unknown key 'listen_prt'; did you mean 'listen_port'?"},
		{"webserver.listen_port=x",
			"webserver.listen_port: expected a number from 1 to 65535"},
		{"json_output={", "the value"},
		{"json_output.x=1", "expected true or false, not a map"},
	};
	const char *path = write_file(*state, "koban.yaml", "");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *c = NULL;
		struct err e = {0};

		assert_int_equal(config_load(path, &cases[i].flag, 1, &c, &e), -EINVAL);
		assert_null(c);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("'%s' does not say '%s'", e.msg, cases[i].says);
	}
}

static void a_missing_file_is_an_error(void **state)
{
	struct config *c = NULL;
	struct err e = {0};

	assert_true(config_load("/nonexistent/koban.yaml", NULL, 0, &c, &e) < 0);
	assert_non_null(strstr(e.msg, "/nonexistent/koban.yaml: cannot open"));
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_cases),
		IN_DIR(the_shipped_file_is_the_defaults),
		IN_DIR(every_key_is_documented),
		IN_DIR(drop_ins_come_later_in_byte_order),
		IN_DIR(strategies_are_falcos),
		IN_DIR(flags_win),
		IN_DIR(bad_flags_are_named),
		IN_DIR(a_missing_file_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
