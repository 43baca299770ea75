/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in their order (main file, drop-ins, -o), and what follows from them: the arrays that the
 * rules, the outputs and the state take. Options are rows in config_rows.c; values are read in
 * config_value.c. A mistake does not stop the reading: all are reported at once.
 */
#include "cmd/config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { FILE_MAX = 1 << 20, DROPINS_MAX = 256, NODES_MAX = 100000 };
static const char default_path[] = "/etc/koban/koban.yaml";
static const char *const default_rules[] = {"/usr/share/koban/rules", "/etc/koban/rules.d"};

/* ---- reading files --------------------------------------------------------------------------- */

static void read_root(struct reader *r, struct yaml_node *root)
{
	if (yaml_is_null(root))
		return;
	config_expand(r, root);
	config_read_map(r, config_rows, root, &r->s);
}

static void read_text(struct reader *r, struct str text)
{
	struct yaml_limits limits = {.max_nodes = NODES_MAX, .max_depth = 32};
	struct yaml_error ye = {0};
	struct yaml_node **docs;
	size_t n = 0;

	if (yaml_parse(r->a, text, &limits, &docs, &n, &ye) < 0) {
		struct yaml_node at = {.line = ye.line, .column = ye.column};

		config_error(r, &at, "%s", ye.msg);
		return;
	}
	if (n > 1)
		config_error(r, docs[1], "a configuration is one document; remove the second ---");
	else if (n == 1)
		read_root(r, docs[0]);
}

static void read_file(struct reader *r, const char *path, enum strategy strategy)
{
	struct str text;
	struct err e = {0};

	r->file = path;
	r->strategy = strategy;
	if (io_read_file(r->a, AT_FDCWD, path, FILE_MAX, &text, &e) < 0) {
		r->nerrors++;
		buf_printf(&r->errors, "%s\n", e.msg);
		return;
	}
	texts_add(r, &r->files, path);
	read_text(r, text);
}

static void read_folder(struct reader *r, const char *dir, enum strategy strategy)
{
	static const char *const suffixes[] = {".yaml", ".yml", NULL};
	struct str *names;
	size_t n = 0;
	struct err e = {0};

	if (io_list_dir(r->a, dir, suffixes, DROPINS_MAX, &names, &n, &e) < 0) {
		r->nerrors++;
		buf_printf(&r->errors, "%s\n", e.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct str path = arena_printf(r->a, "%s/%.*s", dir, STR_ARG(names[i]));

		if (path.s)
			read_file(r, path.s, strategy);
	}
}

/* What is not there is passed over: a package may bring it later. */
static void read_path(struct reader *r, const char *path, enum strategy strategy)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		read_folder(r, path, strategy);
	else
		read_file(r, path, strategy);
}

static void read_main(struct reader *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str dir = slash ? str_make(path, (size_t)(slash - path)) : STR(".");

	r->is_main = true;
	read_file(r, path, STRATEGY_APPEND);
	r->is_main = false;
	if (!r->has_config_files) {
		struct str more = arena_printf(r->a, "%.*s/config.d", STR_ARG(dir));

		if (more.s)
			read_path(r, more.s, STRATEGY_APPEND);
	}
	for (size_t i = 0; i < r->nmore; i++)
		read_path(r, r->more[i].path, r->more[i].strategy);
}

/* ---- -o key.path=value ----------------------------------------------------------------------- */

static struct yaml_node *wrap(struct reader *r, struct str key, struct yaml_node *value)
{
	struct yaml_node *map = arena_new(r->a, struct yaml_node);
	struct yaml_node *name = arena_new(r->a, struct yaml_node);
	struct yaml_node **both = arena_array(r->a, struct yaml_node *, 2);

	if (!map || !name || !both)
		return NULL;
	*name = (struct yaml_node){.kind = YAML_SCALAR, .plain = true, .text = key};
	both[0] = name;
	both[1] = value;
	*map = (struct yaml_node){.kind = YAML_MAP, .nitems = 1, .keys = both, .items = both + 1};
	return map;
}

static struct yaml_node *as_list(struct reader *r, struct yaml_node *item)
{
	struct yaml_node *list = arena_new(r->a, struct yaml_node);
	struct yaml_node **items = arena_array(r->a, struct yaml_node *, 1);

	if (!item || item->kind == YAML_SEQ || !list || !items)
		return item;
	items[0] = item;
	*list = (struct yaml_node){.kind = YAML_SEQ, .nitems = 1, .items = items};
	return list;
}

static struct yaml_node *parse_override(struct reader *r, struct str value)
{
	struct yaml_limits limits = {.max_nodes = 1000, .max_depth = 16};
	struct yaml_error ye = {0};
	struct yaml_node **docs;
	size_t n = 0;

	if (yaml_parse(r->a, value, &limits, &docs, &n, &ye) == 0 && n == 1)
		return docs[0];
	config_error(r, NULL, "the value: %s", ye.msg[0] ? ye.msg : "is empty");
	return NULL;
}

/* "webserver.listen_port=8080" replaces, "rules_files[]=x.yaml" adds to a list. */
static void read_override(struct reader *r, const char *arg)
{
	struct str path = str_of(arg), value;
	ptrdiff_t eq = str_find_char(path, '=');

	struct str name = arena_printf(r->a, "-o %s", arg);

	r->file = name.s ? name.s : "-o";
	if (eq <= 0) {
		config_error(r, NULL, "write KEY=VALUE");
		return;
	}
	value = str_skip(path, (size_t)eq + 1);
	path = str_head(path, (size_t)eq);
	r->strategy = str_ends(path, STR("[]")) ? STRATEGY_APPEND : STRATEGY_OVERRIDE;
	struct yaml_node *node = value.len ? parse_override(r, value) : NULL;
	if (r->strategy == STRATEGY_APPEND) {
		path.len -= 2;
		node = as_list(r, node);
	}
	while (node && path.len) {
		ptrdiff_t dot = str_rfind_char(path, '.');

		node = wrap(r, dot < 0 ? path : str_skip(path, (size_t)dot + 1), node);
		path = str_head(path, dot < 0 ? 0 : (size_t)dot);
	}
	read_root(r, node);
}

/* ---- what follows ---------------------------------------------------------------------------- */

static void add_rules_file(struct reader *r, struct texts *to, const char *path, bool is_default)
{
	struct stat st;

	if (stat(path, &st) == 0)
		texts_add(r, to, path);
	else if (!is_default)
		config_warn(
			r, NULL, "rules_files: %s: %s; it is passed over", path, strerror(errno));
}

static void set_rules(struct reader *r, struct config *c)
{
	const struct settings *s = &r->s;
	struct texts found = {0};

	for (size_t i = 0; i < s->rules_files.n; i++)
		add_rules_file(r, &found, s->rules_files.v[i], false);
	for (size_t i = 0; !s->rules_files.n && i < 2; i++)
		add_rules_file(r, &found, default_rules[i], true);
	c->rules_files = found.v;
	c->nrules_files = found.n;
	c->selections = s->selections;
	c->nselections = s->nselections;
	c->priority = s->priority;
	if (s->extra_output.len)
		c->extra_output = arena_cstr(r->a, buf_str(&s->extra_output));
	c->first_match_only = s->rule_matching == 0;
	c->iso_time = s->iso_time;
	c->suggested_output = s->suggested_output;
	c->resolve_names = s->resolve_names;
	c->watch_config_files = s->watch_config_files;
	c->json_output = s->json_output;
	c->json_options = (struct finding_json_options){.output = s->json_include_output,
		.message = s->json_include_message,
		.output_fields = s->json_include_output_fields,
		.tags = s->json_include_tags,
		.iso_time = s->iso_time};
}

static const char *or_null(const char *s)
{
	return s && *s ? s : NULL;
}

static void need(
	struct reader *r, const struct output_setting *o, const char *value, const char *key)
{
	if (value && *value)
		return;
	r->nerrors++;
	buf_printf(&r->errors, "%s: %s: this output needs a %s\n",
		o->where ? o->where : "configuration", o->section, key);
}

static bool is_terminal(void)
{
	return isatty(STDOUT_FILENO) == 1;
}

static bool wants_fold(const struct settings *s, const struct output_setting *o)
{
	unsigned want = o->fold != TRI_AUTO ? o->fold : s->fold_enabled;

	if (o->c.kind == OUTPUT_STORE)
		return false; /* it counts by itself, and asks for every one */
	/* by itself only where a person watches the lines go by */
	if (want == TRI_AUTO)
		return o->c.kind == OUTPUT_STDOUT && !o->c.json && is_terminal();
	return want == TRI_ON;
}

static void set_tls(struct output_config *c, const struct output_setting *o)
{
	/* Falco's section names certificates that count only with mtls */
	bool is_falco = o->section && str_is(str_of(o->section), "http_output");

	c->ca_cert = or_null(c->ca_cert) ? c->ca_cert : or_null(o->ca_bundle);
	c->ca_path = c->ca_cert ? NULL : or_null(c->ca_path);
	c->client_cert = is_falco && !o->mtls ? NULL : or_null(c->client_cert);
	c->client_key = is_falco && !o->mtls ? NULL : or_null(c->client_key);
}

static void check_output(struct reader *r, const struct output_setting *o)
{
	if (o->c.kind == OUTPUT_FILE)
		need(r, o, o->c.path, "filename");
	else if (o->c.kind == OUTPUT_PROGRAM)
		need(r, o, o->c.command, "program");
	else if (o->c.kind == OUTPUT_HTTP)
		need(r, o, o->c.url, "url");
}

static void set_output(struct reader *r, struct output_setting *o, struct output_config *to)
{
	const struct settings *s = &r->s;
	const char *no_colour = getenv("NO_COLOR");

	check_output(r, o);
	set_tls(&o->c, o);
	o->c.json = o->format == FORMAT_DEFAULT ? s->json_output : o->format == FORMAT_JSON;
	o->c.fold = wants_fold(s, o);
	o->c.fold_ms = s->fold_window_ms;
	o->c.iso_time = s->iso_time;
	o->c.json_options = (struct finding_json_options){.output = s->json_include_output,
		.message = s->json_include_message,
		.output_fields = s->json_include_output_fields,
		.tags = s->json_include_tags,
		.iso_time = s->iso_time,
		.fold = o->c.fold};
	o->c.colour = o->c.kind == OUTPUT_STDOUT && is_terminal() && !(no_colour && *no_colour);
	o->c.rfc3164 = o->syslog_form == 2;
	o->c.keep_files = (unsigned)o->keep_files;
	o->c.user_agent = or_null(o->c.user_agent);
	if (o->c.kind == OUTPUT_STORE && !or_null(o->c.address))
		o->c.address = or_null(s->console_ingest)
				       ? arena_printf(r->a, "unix:%s", s->console_ingest).s
				       : "unix:/run/koban/ingest.sock";
	if (o->headers.n && texts_add(r, &o->headers, "")) {
		o->headers.v[--o->headers.n] = NULL;
		o->c.headers = o->headers.v;
	}
	*to = o->c;
}

/* Of several stores, what one of them wants is gathered, and all get it. */
static void set_store(const struct output_setting *o, struct config *c)
{
	if (o->c.kind != OUTPUT_STORE)
		return;
	c->store.enabled = true;
	c->store.around |= o->around;
	c->store.inventory |= o->inventory;
	if (or_null(o->rules_dir))
		c->store.rules_dir = o->rules_dir;
	if (o->around_bytes > c->store.around_bytes)
		c->store.around_bytes = o->around_bytes;
}

static void set_outputs(struct reader *r, struct config *c)
{
	struct settings *s = &r->s;
	struct output_setting *const falco[] = {&s->stdout_output, &s->file_output,
		&s->syslog_output, &s->program_output, &s->http_output, &s->store_output};
	const size_t nsections = sizeof(falco) / sizeof(*falco);
	struct output_config *to = arena_array(r->a, struct output_config, nsections + s->noutputs);
	size_t n = 0;

	if (!to)
		return;
	for (size_t i = 0; i < nsections + s->noutputs; i++) {
		struct output_setting *o = i < nsections ? falco[i] : &s->outputs[i - nsections];

		if (!o->enabled)
			continue;
		set_output(r, o, &to[n++]);
		set_store(o, c);
	}
	c->outputs = (struct outputs_options){.outputs = to,
		.noutputs = n,
		.queue_capacity = s->queue_capacity,
		.spool_dir = or_null(s->spool_dir),
		.spool_max_bytes = s->spool_max_bytes,
		.memory_dir = or_null(s->spool_memory_dir)};
}

/* A recording is made when nobody looks: what is likely a secret is left out unless told otherwise.
 */
static const char *const usual_secrets[] = {"*PASSWORD*", "*PASSWD*", "*SECRET*", "*TOKEN*",
	"*_KEY", "*CREDENTIAL*", "--password", "--token"};

static void put_recorder(struct reader *r, struct config *c)
{
	const struct settings *s = &r->s;
	bool is_told = false;

	for (size_t i = 0; i < r->seen.n; i++)
		is_told |= strcmp(r->seen.v[i], "recorder.redact") == 0;
	c->recorder.enabled = s->recorder_enabled;
	c->recorder.all_rules = s->recorder_mode == 1;
	c->recorder.priority = s->recorder_priority;
	c->recorder.before_ms = s->recorder_before_ms;
	c->recorder.after_ms = s->recorder_after_ms;
	c->recorder.ring_bytes = s->recorder_ring;
	c->recorder.max_dir_bytes = s->recorder_max_dir;
	c->recorder.dir = s->recorder_dir;
	c->recorder.compress = s->recorder_compress;
	c->recorder.environment = s->recorder_environment;
	c->recorder.redact = is_told ? s->recorder_redact.v : usual_secrets;
	c->recorder.nredact =
		is_told ? s->recorder_redact.n : sizeof(usual_secrets) / sizeof(*usual_secrets);
}

static void put_console(const struct settings *s, struct config *c)
{
	c->console.listen = s->console_listen;
	c->console.data_dir = s->console_data;
	c->console.store = or_null(s->console_store);
	c->console.ingest = or_null(s->console_ingest);
	c->console.tls_cert = or_null(s->console_tls_cert);
	c->console.tls_key = or_null(s->console_tls_key);
	c->console.hosts = s->console_hosts.v;
	c->console.nhosts = s->console_hosts.n;
	c->console.user = s->console_user;
	c->console.max_age_ms = s->console_max_age_ms;
	c->console.max_bytes = s->console_max_bytes;
	c->console.session_idle_ms = s->console_idle_ms;
	c->console.session_max_ms = s->console_max_ms;
}

static void set_rest(struct reader *r, struct config *c)
{
	/* emergency … error, warning, notice and info, debug */
	static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_ERROR, LOG_LEVEL_ERROR,
		LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
	const struct settings *s = &r->s;

	c->state = (struct state_options){.max_processes = s->max_processes,
		.max_containers = s->max_containers,
		.max_text_bytes = s->max_text_bytes,
		.max_user_files = s->max_user_files,
		.host_root = or_null(s->host_root)};
	c->sensor.ring_bytes = s->ring_bytes;
	/* Falco's presets 1 … 10 are 1 … 512 MiB */
	if (!c->sensor.ring_bytes && s->buf_size_preset)
		c->sensor.ring_bytes = 1ULL << (19 + s->buf_size_preset);
	c->sensor.all_events = s->all_events;
	c->sensor.pushdown = s->pushdown;
	c->sensor.snaplen = (uint32_t)s->snaplen;
	c->sensor.priority_boost = (unsigned)s->priority_boost;
	put_recorder(r, c);
	c->webserver.enabled = s->webserver_enabled;
	c->webserver.listen_address = s->webserver_address;
	c->webserver.port = (uint16_t)s->webserver_port;
	put_console(s, c);
	c->log_level = levels[s->log_level];
}

/* ---- the door -------------------------------------------------------------------------------- */

static void finish(struct reader *r, struct config *c)
{
	r->file = r->files.n ? r->files.v[0] : "configuration";
	buf_clear(&r->path);
	set_rules(r, c);
	set_outputs(r, c);
	set_rest(r, c);
	c->files = r->files.v;
	c->nfiles = r->files.n;
	c->warnings = r->warnings.v;
	c->nwarnings = r->warnings.n;
}

int config_load_report(const char *path, const char *const *overrides, size_t n,
	struct config **ret, struct buf *errors)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c) {
		buf_add_cstr(errors, "out of memory\n");
		return -ENOMEM;
	}
	arena_init(&c->arena, 64 << 20);
	struct reader r = {.a = &c->arena, .path = BUF_INIT(1024), .errors = BUF_INIT(1 << 20)};
	settings_init(&r.s);
	if (path)
		read_main(&r, arena_cstr(r.a, str_of(path)));
	else if (access(default_path, F_OK) == 0)
		read_main(&r, default_path);
	for (size_t i = 0; i < n; i++)
		read_override(&r, overrides[i]);
	finish(&r, c);
	buf_add(errors, buf_str(&r.errors));
	buf_done(&r.path);
	buf_done(&r.errors);
	buf_done(&r.s.extra_output);
	if (r.nerrors) {
		config_free(c);
		return -EINVAL;
	}
	*ret = c;
	return 0;
}

int config_load(const char *path, const char *const *overrides, size_t n, struct config **ret,
	struct err *e)
{
	struct buf errors = BUF_INIT(1 << 20);
	int r = config_load_report(path, overrides, n, ret, &errors);

	if (r < 0) {
		struct str text = buf_str(&errors);

		if (text.len && text.s[text.len - 1] == '\n')
			text.len--;
		err_set(e, -r, "%.*s", STR_ARG(text));
	}
	buf_done(&errors);
	return r;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	arena_done(&c->arena);
	free(c);
}

/* ---- the keys -------------------------------------------------------------------------------- */

static bool key_at(const struct option *rows, size_t *i, struct buf *path)
{
	size_t len = path->len;

	for (; rows->key; rows++) {
		path->len = len;
		buf_printf(path, "%s%s", len ? "." : "", rows->key);
		if (rows->type == OPT_UNUSED)
			continue;
		if (rows->type == OPT_MAP ? key_at(rows->rows, i, path) : (*i)-- == 0)
			return true;
	}
	path->len = len;
	return false;
}

bool config_key_at(size_t i, struct buf *ret)
{
	buf_clear(ret);
	return key_at(config_rows, &i, ret);
}
