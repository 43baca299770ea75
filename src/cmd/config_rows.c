/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every option, one row each. To add one: a member in struct settings, a row here, its default in
 * settings_init(), its use in config.c, its documentation in data/koban.yaml (a test compares).
 * OPT_UNUSED rows are keys of a falco.yaml that koban does not need; each says why.
 */
#include "cmd/config_private.h"

#define AT(member)  offsetof(struct settings, member)
#define OUT(member) offsetof(struct output_setting, member)
#define BOOL(key_, at)                                                                             \
	{                                                                                          \
		.key = key_, .type = OPT_BOOL, .offset = at                                        \
	}
#define TEXT(key_, at)                                                                             \
	{                                                                                          \
		.key = key_, .type = OPT_TEXT, .offset = at                                        \
	}
#define NUMBER(key_, at, min_, max_)                                                               \
	{                                                                                          \
		.key = key_, .type = OPT_NUMBER, .offset = at, .min = min_, .max = max_            \
	}
#define SIZE(key_, at, min_, max_)                                                                 \
	{                                                                                          \
		.key = key_, .type = OPT_SIZE, .offset = at, .min = min_, .max = max_              \
	}
#define DURATION(key_, at, min_, max_)                                                             \
	{                                                                                          \
		.key = key_, .type = OPT_DURATION, .offset = at, .min = min_, .max = max_          \
	}
#define CHOICE(key_, at, list)                                                                     \
	{                                                                                          \
		.key = key_, .type = OPT_CHOICE, .offset = at, .choices = list                     \
	}
#define MAP(key_, at, rows_)                                                                       \
	{                                                                                          \
		.key = key_, .type = OPT_MAP, .offset = at, .rows = rows_                          \
	}
#define CUSTOM(key_, fn)                                                                           \
	{                                                                                          \
		.key = key_, .type = OPT_CUSTOM, .read = fn                                        \
	}
#define UNUSED(key_, why_)                                                                         \
	{                                                                                          \
		.key = key_, .type = OPT_UNUSED, .why = why_                                       \
	}

static const char *const tri_names[] = {"auto", "true", "false", NULL};
static const char *const format_names[] = {"default", "text", "json", NULL};
static const char *const recorder_modes[] = {"rules", "all_rules", NULL};
static const char *const syslog_forms[] = {"default", "rfc5424", "rfc3164", NULL};

/* ---- outputs: the same rows for Falco's sections and for the items of `outputs` -------------- */

#define COMMON_ROWS                                                                                \
	CUSTOM("enabled", read_enabled), TEXT("name", OUT(c.name)),                                \
		CHOICE("format", OUT(format), format_names), CHOICE("fold", OUT(fold), tri_names), \
		{.key = "timeout",                                                                 \
			.type = OPT_DURATION,                                                      \
			.offset = OUT(c.timeout_ms),                                               \
			.min = 1,                                                                  \
			.max = 600000},                                                            \
		TYPE_ROW
#define TLS_ROWS                                                                                   \
	BOOL("insecure", OUT(c.insecure)), TEXT("ca_cert", OUT(c.ca_cert)),                        \
		TEXT("ca_path", OUT(c.ca_path)), TEXT("client_cert", OUT(c.client_cert)),          \
		TEXT("client_key", OUT(c.client_key))
/* read by read_outputs() before the row is chosen */
#define TYPE_ROW                                                                                   \
	{                                                                                          \
		.key = "type", .type = OPT_CUSTOM, .read = ignore_type                             \
	}

static void ignore_type(struct reader *r, const struct yaml_node *n, void *base)
{
	/* in a section of its own ("http_output") the type is not to be said */
	if (!str_starts(buf_str(&r->path), STR("outputs")))
		config_error(r, n, "the section says the type already");
}

/* Remembers where: a section that is switched on may lack something. */
static void read_enabled(struct reader *r, const struct yaml_node *n, void *base)
{
	struct output_setting *o = base;

	if (!yaml_to_bool(n, &o->enabled))
		config_error(r, n, "expected true or false");
	else if (!str_is(str_of(o->section), "outputs"))
		o->where = config_where(r, n);
}

static const struct option stdout_rows[] = {COMMON_ROWS, {0}};
static const struct option file_rows[] = {COMMON_ROWS, TEXT("filename", OUT(c.path)),
	TEXT("path", OUT(c.path)), BOOL("keep_alive", OUT(c.keep_alive)),
	SIZE("max_size", OUT(c.max_bytes), 0, 0),
	{.key = "keep_files", .type = OPT_NUMBER, .offset = OUT(keep_files), .min = 1, .max = 1000},
	{0}};
static const struct option syslog_rows[] = {COMMON_ROWS, TLS_ROWS, TEXT("address", OUT(c.address)),
	TEXT("facility", OUT(c.facility)), CHOICE("syslog_format", OUT(syslog_form), syslog_forms),
	{0}};
static const struct option program_rows[] = {COMMON_ROWS, TEXT("program", OUT(c.command)),
	TEXT("command", OUT(c.command)), BOOL("keep_alive", OUT(c.keep_alive)), {0}};
static const struct option http_rows[] = {COMMON_ROWS, TLS_ROWS, TEXT("url", OUT(c.url)),
	TEXT("user_agent", OUT(c.user_agent)),
	{.key = "headers", .type = OPT_TEXTS, .offset = OUT(headers)},
	TEXT("ca_bundle", OUT(ca_bundle)), BOOL("mtls", OUT(mtls)),
	UNUSED("echo", "answers of the server are not printed"),
	UNUSED("compress_uploads", "a single finding is too small to gain by it"),
	UNUSED("keep_alive", "the connection is always kept"),
	UNUSED("max_consecutive_timeouts", "a server that is down is retried with backoff"), {0}};
/* what goes to the store is a record of its own form, and every repeat is one */
static const struct option store_rows[] = {CUSTOM("enabled", read_enabled),
	TEXT("name", OUT(c.name)),
	{.key = "timeout",
		.type = OPT_DURATION,
		.offset = OUT(c.timeout_ms),
		.min = 1,
		.max = 600000},
	TYPE_ROW, TEXT("address", OUT(c.address)), BOOL("around", OUT(around)),
	{.key = "around_memory",
		.type = OPT_SIZE,
		.offset = OUT(around_bytes),
		.min = 1 << 20,
		.max = 1 << 30},
	BOOL("inventory", OUT(inventory)), TEXT("rules_dir", OUT(rules_dir)), {0}};

static const struct kind_row {
	const char *type;
	enum output_kind kind;
	const struct option *rows;
} kind_rows[] = {
	{"stdout", OUTPUT_STDOUT, stdout_rows},
	{"file", OUTPUT_FILE, file_rows},
	{"syslog", OUTPUT_SYSLOG, syslog_rows},
	{"program", OUTPUT_PROGRAM, program_rows},
	{"http", OUTPUT_HTTP, http_rows},
	{"store", OUTPUT_STORE, store_rows},
};

static const struct kind_row *find_kind(struct reader *r, const struct yaml_node *item)
{
	const struct yaml_node *type = yaml_get(item, "type");

	if (item->kind != YAML_MAP || !type || type->kind != YAML_SCALAR) {
		config_error(r, item,
			"each output needs a type: stdout, file, syslog, program, http or store");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(kind_rows) / sizeof(kind_rows[0]); i++)
		if (str_is(type->text, kind_rows[i].type))
			return &kind_rows[i];
	config_error(r, type, "no such type '%.*s': stdout, file, syslog, program, http or store",
		STR_ARG(type->text));
	return NULL;
}

static void read_output(struct reader *r, const struct yaml_node *item)
{
	const struct kind_row *kind = find_kind(r, item);
	struct output_setting *v;

	if (!kind || !(v = config_grow(r, r->s.outputs, r->s.noutputs, sizeof(*v))))
		return;
	r->s.outputs = v;
	v += r->s.noutputs++;
	*v = (struct output_setting){.c.kind = kind->kind,
		.enabled = true,
		.around = true,
		.inventory = true,
		.where = config_where(r, item),
		.section = "outputs"};
	config_read_map(r, kind->rows, item, v);
}

static void read_outputs(struct reader *r, const struct yaml_node *n, void *base)
{
	enum strategy before = r->strategy;

	if (n->kind != YAML_SEQ) {
		config_error(r, n, "expected a list of outputs");
		return;
	}
	if (r->strategy == STRATEGY_OVERRIDE)
		r->s.noutputs = 0;
	/* inside one item nothing was said before */
	r->strategy = STRATEGY_APPEND;
	for (size_t i = 0; i < n->nitems; i++)
		read_output(r, n->items[i]);
	r->strategy = before;
}

/* ---- rules: enable, disable ------------------------------------------------------------------ */

static struct str selection_text(struct reader *r, const struct yaml_node *body, const char *key)
{
	const struct yaml_node *n = yaml_get(body, key);

	if (!n)
		return STR_NULL;
	if (n->kind != YAML_SCALAR || !n->text.len) {
		config_error(r, n, "%s must be a text", key);
		return STR_NULL;
	}
	return arena_str(r->a, n->text);
}

static void read_selection(struct reader *r, const struct yaml_node *item)
{
	struct rule_selection *v, s;
	bool is_map = item->kind == YAML_MAP && item->nitems == 1;
	struct str verb = is_map ? item->keys[0]->text : STR_NULL;
	const struct yaml_node *body = is_map ? item->items[0] : NULL;

	if (!is_map || (!str_is(verb, "enable") && !str_is(verb, "disable")) ||
		body->kind != YAML_MAP || body->nitems != 1) {
		config_error(
			r, item, "write \"enable\" or \"disable\" with a rule or a tag below it");
		return;
	}
	s = (struct rule_selection){.enable = str_is(verb, "enable"),
		.rule_glob = selection_text(r, body, "rule"),
		.tag = selection_text(r, body, "tag")};
	if (!s.rule_glob.len && !s.tag.len) {
		config_error(r, body, "expected \"rule: NAME\" or \"tag: NAME\"");
		return;
	}
	if (!(v = config_grow(r, r->s.selections, r->s.nselections, sizeof(*v))))
		return;
	r->s.selections = v;
	v[r->s.nselections++] = s;
}

static void read_rules(struct reader *r, const struct yaml_node *n, void *base)
{
	if (n->kind != YAML_SEQ) {
		config_error(r, n, "expected a list of \"enable\" and \"disable\"");
		return;
	}
	if (r->strategy == STRATEGY_OVERRIDE)
		r->s.nselections = 0;
	for (size_t i = 0; i < n->nitems; i++)
		read_selection(r, n->items[i]);
}

/* ---- append_output --------------------------------------------------------------------------- */

/* JSON-only fields become part of the text as well: every field of the text is a field of the JSON.
 */
static void read_extra_fields(struct reader *r, const struct yaml_node *n)
{
	struct buf *out = &r->s.extra_output;

	if (n->kind != YAML_SEQ) {
		config_error(r, n, "extra_fields: expected a list");
		return;
	}
	for (size_t i = 0; i < n->nitems; i++) {
		const struct yaml_node *f = n->items[i];

		if (f->kind == YAML_SCALAR)
			buf_printf(out, "%s%.*s=%%%.*s", out->len ? " " : "", STR_ARG(f->text),
				STR_ARG(f->text));
		else if (f->kind == YAML_MAP && f->nitems == 1 && f->keys[0]->kind == YAML_SCALAR &&
			 f->items[0]->kind == YAML_SCALAR)
			buf_printf(out, "%s%.*s=%.*s", out->len ? " " : "",
				STR_ARG(f->keys[0]->text), STR_ARG(f->items[0]->text));
		else
			config_error(r, f, "extra_fields: expected a field, or NAME: TEXT");
	}
}

static bool has_match(const struct yaml_node *item)
{
	const struct yaml_node *m = yaml_get(item, "match");

	return m && m->kind == YAML_MAP && m->nitems > 0;
}

static void read_append(struct reader *r, const struct yaml_node *item)
{
	const struct yaml_node *text = yaml_get(item, "extra_output");
	const struct yaml_node *fields = yaml_get(item, "extra_fields");
	const struct yaml_node *suggested = yaml_get(item, "suggested_output");
	struct buf *out = &r->s.extra_output;

	if (item->kind != YAML_MAP) {
		config_error(r, item, "expected a map with extra_output or extra_fields");
		return;
	}
	for (size_t i = 0; i < item->nitems; i++) {
		struct str key = item->keys[i]->text;

		if (!str_is(key, "match") && !str_is(key, "extra_output") &&
			!str_is(key, "extra_fields") && !str_is(key, "suggested_output"))
			config_error(r, item->keys[i], "unknown key '%.*s'", STR_ARG(key));
	}
	if (has_match(item)) {
		config_error(r, item,
			"an append_output for some rules only (match) is not offered; "
			"without match it is for all");
		return;
	}
	if (suggested && !yaml_to_bool(suggested, &r->s.suggested_output))
		config_error(r, suggested, "suggested_output: expected true or false");
	if (text && text->kind == YAML_SCALAR)
		buf_printf(out, "%s%.*s", out->len ? " " : "", STR_ARG(text->text));
	if (fields)
		read_extra_fields(r, fields);
}

static void read_append_output(struct reader *r, const struct yaml_node *n, void *base)
{
	if (n->kind != YAML_SEQ) {
		config_error(r, n, "expected a list");
		return;
	}
	if (r->strategy == STRATEGY_OVERRIDE)
		buf_clear(&r->s.extra_output);
	for (size_t i = 0; i < n->nitems; i++)
		read_append(r, n->items[i]);
}

/* ---- config_files ---------------------------------------------------------------------------- */

static void read_config_file(struct reader *r, const struct yaml_node *item)
{
	static const char *const names[] = {"append", "override", "add-only"};
	const struct yaml_node *path = item, *strategy = NULL;
	struct config_file *v, f = {0};

	if (item->kind == YAML_MAP) {
		path = yaml_get(item, "path");
		strategy = yaml_get(item, "strategy");
	}
	if (!path || path->kind != YAML_SCALAR || (strategy && strategy->kind != YAML_SCALAR)) {
		config_error(r, item, "expected a path, or a map of path and strategy");
		return;
	}
	f.path = arena_cstr(r->a, path->text);
	for (unsigned i = 0; strategy && i < 3; i++)
		if (str_is(strategy->text, names[i]))
			f.strategy = (enum strategy)i;
	if (strategy && !str_is(strategy->text, names[f.strategy]))
		config_error(r, strategy, "strategy must be append, override or add-only");
	if (!(v = config_grow(r, r->more, r->nmore, sizeof(*v))))
		return;
	r->more = v;
	v[r->nmore++] = f;
}

static void read_config_files(struct reader *r, const struct yaml_node *n, void *base)
{
	if (!r->is_main) {
		config_warn(r, n, "counts in the main file only");
		return;
	}
	r->has_config_files = true;
	if (n->kind != YAML_SEQ) {
		read_config_file(r, n);
		return;
	}
	for (size_t i = 0; i < n->nitems; i++)
		read_config_file(r, n->items[i]);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void read_ssl_enabled(struct reader *r, const struct yaml_node *n, void *base)
{
	bool wants = true;

	if (!yaml_to_bool(n, &wants) || wants)
		config_error(r, n,
			"TLS is not offered here; let it listen on loopback and put a "
			"proxy in front");
}

static void read_healthz(struct reader *r, const struct yaml_node *n, void *base)
{
	if (n->kind != YAML_SCALAR || !str_is(n->text, "/healthz"))
		config_warn(r, n, "the path is always /healthz");
}

static void read_engine_kind(struct reader *r, const struct yaml_node *n, void *base)
{
	if (n->kind == YAML_SCALAR && str_is(n->text, "replay"))
		config_error(r, n, "a capture is read by `koban replay FILE`");
	else if (n->kind != YAML_SCALAR || !str_is(n->text, "modern_ebpf"))
		config_warn(r, n, "the sensor is always eBPF (modern_ebpf)");
}

static const char *const matching_names[] = {"first", "all", NULL};
static const char *const level_names[] = {
	"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug", NULL};

static const struct option queue_rows[] = {NUMBER("capacity", AT(queue_capacity), 0, 1 << 20), {0}};
static const struct option spool_rows[] = {TEXT("dir", AT(spool_dir)),
	TEXT("memory_dir", AT(spool_memory_dir)),
	SIZE("max_bytes", AT(spool_max_bytes), 1 << 20, 1ULL << 40), {0}};
static const struct option fold_rows[] = {CHOICE("enabled", AT(fold_enabled), tri_names),
	{.key = "window",
		.type = OPT_DURATION,
		.offset = AT(fold_window_ms),
		.min = 1000,
		.max = 86400000},
	{0}};
static const struct option state_rows[] = {
	NUMBER("max_processes", AT(max_processes), 1024, 1 << 24),
	NUMBER("max_containers", AT(max_containers), 16, 1 << 20),
	SIZE("max_text_bytes", AT(max_text_bytes), 1 << 20, 1ULL << 40),
	NUMBER("max_user_files", AT(max_user_files), 16, 1 << 20), TEXT("host_root", AT(host_root)),
	{0}};
static const struct option sensor_rows[] = {SIZE("ring_bytes", AT(ring_bytes), 1 << 16, 1ULL << 32),
	BOOL("all_events", AT(all_events)), BOOL("pushdown", AT(pushdown)),
	NUMBER("snaplen", AT(snaplen), 0, 65535),
	NUMBER("priority_boost", AT(priority_boost), 0, 20), {0}};
static const struct option recorder_rows[] = {BOOL("enabled", AT(recorder_enabled)),
	CHOICE("mode", AT(recorder_mode), recorder_modes),
	{.key = "priority", .type = OPT_PRIORITY, .offset = AT(recorder_priority)},
	DURATION("before", AT(recorder_before_ms), 1000, 3600000),
	DURATION("after", AT(recorder_after_ms), 1000, 3600000),
	SIZE("ring_bytes", AT(recorder_ring), 1 << 20, 1ULL << 34), TEXT("dir", AT(recorder_dir)),
	SIZE("max_dir_bytes", AT(recorder_max_dir), 1 << 20, 1ULL << 44),
	BOOL("compress", AT(recorder_compress)), BOOL("environment", AT(recorder_environment)),
	{.key = "redact", .type = OPT_TEXTS, .offset = AT(recorder_redact)}, {0}};
static const struct option capture_rows[] = {BOOL("enabled", AT(recorder_enabled)),
	CHOICE("mode", AT(recorder_mode), recorder_modes),
	NUMBER("default_duration", AT(recorder_after_ms), 1, 3600000),
	UNUSED("path_prefix", "recorder.dir says where recordings go"),
	UNUSED("max_file_size_mb", "recorder.max_dir_bytes limits all recordings together"), {0}};
static const struct option webserver_rows[] = {BOOL("enabled", AT(webserver_enabled)),
	NUMBER("listen_port", AT(webserver_port), 1, 65535),
	TEXT("listen_address", AT(webserver_address)), CUSTOM("ssl_enabled", read_ssl_enabled),
	CUSTOM("k8s_healthz_endpoint", read_healthz),
	UNUSED("prometheus_metrics_enabled", "/metrics is always there"),
	UNUSED("threadiness", "one thread is enough"),
	UNUSED("ssl_certificate", "TLS is not offered here"), {0}};
static const struct option console_rows[] = {TEXT("listen", AT(console_listen)),
	TEXT("data", AT(console_data)), TEXT("store", AT(console_store)),
	TEXT("ingest", AT(console_ingest)), TEXT("tls_cert", AT(console_tls_cert)),
	TEXT("tls_key", AT(console_tls_key)),
	{.key = "hosts", .type = OPT_TEXTS, .offset = AT(console_hosts)},
	TEXT("user", AT(console_user)),
	DURATION("max_age", AT(console_max_age_ms), 0, 20ULL * 366 * 86400000),
	SIZE("max_bytes", AT(console_max_bytes), 0, 1ULL << 44),
	DURATION("session_idle", AT(console_idle_ms), 60000, 366ULL * 86400000),
	DURATION("session_max", AT(console_max_ms), 60000, 366ULL * 86400000), {0}};
static const struct option modern_ebpf_rows[] = {
	NUMBER("buf_size_preset", AT(buf_size_preset), 1, 10),
	UNUSED("cpus_for_each_buffer", "there is one ring for all CPUs"),
	UNUSED("drop_failed_exit", "the rules decide which events leave the kernel"),
	UNUSED("disable_iterators", "processes that run at the start are read from /proc"), {0}};
static const struct option engine_rows[] = {CUSTOM("kind", read_engine_kind),
	MAP("modern_ebpf", 0, modern_ebpf_rows), UNUSED("kmod", "there is no kernel module"),
	UNUSED("replay", "a capture is read by `koban replay FILE`"), {0}};
static const struct option falco_libs_rows[] = {
	NUMBER("thread_table_size", AT(max_processes), 1024, 1 << 24),
	NUMBER("snaplen", AT(snaplen), 0, 65535),
	UNUSED("thread_table_auto_purging_interval_s", "processes leave the table when they end"),
	UNUSED("thread_table_auto_purging_thread_timeout_s",
		"processes leave the table when they end"),
	{0}};
static const struct option base_syscalls_rows[] = {BOOL("all", AT(all_events)),
	UNUSED("custom_set", "the events are derived from the rules"),
	UNUSED("repair", "the state always gets the events that it needs"), {0}};

const struct option config_rows[] = {
	CUSTOM("config_files", read_config_files),
	BOOL("watch_config_files", AT(watch_config_files)),
	{.key = "rules_files", .type = OPT_TEXTS, .offset = AT(rules_files)},
	{.key = "rules_file", .type = OPT_TEXTS, .offset = AT(rules_files)},
	CUSTOM("rules", read_rules),
	{.key = "priority", .type = OPT_PRIORITY, .offset = AT(priority)},
	CHOICE("rule_matching", AT(rule_matching), matching_names),
	CUSTOM("append_output", read_append_output),
	BOOL("time_format_iso_8601", AT(iso_time)),
	BOOL("resolve_names", AT(resolve_names)),
	BOOL("json_output", AT(json_output)),
	BOOL("json_include_output_property", AT(json_include_output)),
	BOOL("json_include_message_property", AT(json_include_message)),
	BOOL("json_include_output_fields_property", AT(json_include_output_fields)),
	BOOL("json_include_tags_property", AT(json_include_tags)),
	MAP("outputs_queue", 0, queue_rows),
	MAP("spool", 0, spool_rows),
	MAP("fold", 0, fold_rows),
	MAP("stdout_output", AT(stdout_output), stdout_rows),
	MAP("file_output", AT(file_output), file_rows),
	MAP("syslog_output", AT(syslog_output), syslog_rows),
	MAP("program_output", AT(program_output), program_rows),
	MAP("http_output", AT(http_output), http_rows),
	MAP("store_output", AT(store_output), store_rows),
	CUSTOM("outputs", read_outputs),
	MAP("webserver", 0, webserver_rows),
	MAP("console", 0, console_rows),
	MAP("sensor", 0, sensor_rows),
	MAP("state", 0, state_rows),
	MAP("recorder", 0, recorder_rows),
	CHOICE("log_level", AT(log_level), level_names),
	MAP("engine", 0, engine_rows),
	MAP("falco_libs", 0, falco_libs_rows),
	MAP("base_syscalls", 0, base_syscalls_rows),
	UNUSED("buffered_outputs", "every finding is written at once"),
	UNUSED("buffer_format_base64", "buffers are printed as text"),
	MAP("capture", 0, capture_rows),
	UNUSED("load_plugins", "containers, users and Kubernetes need no plugin"),
	UNUSED("plugins", "containers, users and Kubernetes need no plugin"),
	UNUSED("plugins_hostinfo", "there are no plugins"),
	UNUSED("static_fields", "put them into append_output"),
	UNUSED("log_stderr", "messages always go to stderr"),
	UNUSED("log_syslog", "messages go to stderr; systemd keeps them in the journal"),
	UNUSED("libs_logger", "there is one log; see log_level"),
	UNUSED("output_timeout", "an output never holds up another; each has a timeout"),
	UNUSED("syscall_event_timeouts", "a quiet host is no error"),
	UNUSED("syscall_event_drops", "every loss is counted by name in /metrics"),
	UNUSED("metrics", "all counters are always in /metrics"),
	{0},
};

void settings_init(struct settings *s)
{
	*s = (struct settings){
		.extra_output = BUF_INIT(64 * 1024),
		.priority = PRIORITY_DEBUG,
		.watch_config_files = true,
		.suggested_output = true,
		.resolve_names = true,
		.pushdown = true,
		.json_include_output = true,
		.json_include_output_fields = true,
		.json_include_tags = true,
		.stdout_output = {.c.kind = OUTPUT_STDOUT,
			.section = "stdout_output",
			.enabled = true},
		.file_output = {.c.kind = OUTPUT_FILE, .section = "file_output"},
		.syslog_output = {.c.kind = OUTPUT_SYSLOG,
			.section = "syslog_output",
			.syslog_form = 2},
		.program_output = {.c.kind = OUTPUT_PROGRAM, .section = "program_output"},
		.http_output = {.c.kind = OUTPUT_HTTP, .section = "http_output"},
		.store_output = {.c.kind = OUTPUT_STORE,
			.section = "store_output",
			.around = true,
			.inventory = true},
		.spool_max_bytes = 256 << 20,
		.fold_window_ms = 30000,
		.snaplen = 80,
		.priority_boost = 10,
		.recorder_mode = 1,
		.recorder_priority = PRIORITY_WARNING,
		.recorder_before_ms = 30000,
		.recorder_after_ms = 10000,
		.recorder_ring = 64 << 20,
		.recorder_max_dir = 1 << 30,
		.recorder_dir = "/var/lib/koban/recordings",
		.recorder_compress = true,
		.recorder_environment = true,
		.webserver_port = 8765,
		.webserver_address = "127.0.0.1",
		.console_listen = "127.0.0.1:8766",
		.console_data = "/var/lib/koban/console",
		.console_user = "koban",
		.console_max_age_ms = 90ULL * 86400000,
		.console_max_bytes = 10ULL << 30,
		.console_idle_ms = 12ULL * 3600000,
		.console_max_ms = 7ULL * 86400000,
		.log_level = 6, /* info */
	};
}
