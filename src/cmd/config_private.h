/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside the configuration reader: config_rows.c lists the options as rows, config_value.c reads
 * one value by its row, config.c walks files and puts the result together.
 */
#include "cmd/config.h"

enum { CONFIG_LIST_MAX = 4096 };

struct texts {
	const char **v;
	size_t n;
};

enum tri { TRI_AUTO, TRI_ON, TRI_OFF };
enum message_format { FORMAT_DEFAULT, FORMAT_TEXT, FORMAT_JSON };

/* One output as configured, before the common settings are known. */
struct output_setting {
	struct output_config c;
	bool enabled;
	unsigned format;      /* enum message_format */
	unsigned fold;        /* enum tri */
	unsigned syslog_form; /* 0 = by kind, 1 = RFC 5424, 2 = RFC 3164 */
	bool mtls;
	const char *ca_bundle;
	uint64_t keep_files;
	struct texts headers;
	bool around, inventory; /* store: events around findings, what runs */
	uint64_t around_bytes;
	const char *rules_dir;
	const char *where;   /* "file:line:column" of its section */
	const char *section; /* "http_output" */
};

struct settings {
	struct texts rules_files;
	struct rule_selection *selections;
	size_t nselections;
	struct buf extra_output;
	enum priority priority;
	unsigned rule_matching; /* 0 = first, 1 = all */
	bool iso_time, watch_config_files, suggested_output, resolve_names;
	bool json_output, json_include_output, json_include_message, json_include_output_fields,
		json_include_tags;
	uint64_t queue_capacity;
	struct output_setting stdout_output, file_output, syslog_output, program_output,
		http_output, store_output;
	struct output_setting *outputs;
	size_t noutputs;
	const char *spool_dir, *spool_memory_dir;
	uint64_t spool_max_bytes;
	unsigned fold_enabled; /* enum tri */
	uint64_t fold_window_ms;
	uint64_t max_processes, max_containers, max_text_bytes, max_user_files;
	const char *host_root;
	uint64_t ring_bytes, snaplen, buf_size_preset, priority_boost;
	bool all_events, pushdown;
	bool recorder_enabled, recorder_compress, recorder_environment;
	unsigned recorder_mode; /* 0 = rules, 1 = all_rules */
	enum priority recorder_priority;
	uint64_t recorder_before_ms, recorder_after_ms, recorder_ring, recorder_max_dir;
	const char *recorder_dir;
	struct texts recorder_redact;
	bool webserver_enabled;
	uint64_t webserver_port;
	const char *webserver_address;
	const char *console_listen, *console_data, *console_store, *console_ingest;
	const char *console_tls_cert, *console_tls_key, *console_user;
	struct texts console_hosts;
	uint64_t console_max_age_ms, console_max_bytes, console_idle_ms, console_max_ms;
	unsigned log_level; /* index into the row's choices */
};

/* How a later file goes together with what earlier ones said. */
enum strategy { STRATEGY_APPEND, STRATEGY_OVERRIDE, STRATEGY_ADD_ONLY };

struct config_file {
	const char *path;
	enum strategy strategy;
};

struct reader {
	struct arena *a;
	struct settings s;
	const char *file; /* that is being read */
	enum strategy strategy;
	struct buf path;   /* of the key at hand: "webserver.listen_port" */
	struct texts seen; /* paths that some file has set */
	struct texts warnings, files;
	struct buf errors;
	size_t nerrors;
	bool is_main; /* config_files counts in the main file alone */
	struct config_file *more;
	size_t nmore;
	bool has_config_files;
};

enum option_type {
	OPT_MAP, /* a section: rows */
	OPT_BOOL,
	OPT_NUMBER,   /* uint64_t between min and max */
	OPT_SIZE,     /* bytes: 4096, 64K, 8MiB */
	OPT_DURATION, /* milliseconds: 500ms, 30s, 1h30m */
	OPT_TEXT,
	OPT_TEXTS, /* list, or one scalar */
	OPT_PRIORITY,
	OPT_CHOICE, /* unsigned: index into choices */
	OPT_CUSTOM, /* read() */
	OPT_UNUSED, /* Falco has it, koban does not need it: why */
};

struct option {
	const char *key;
	enum option_type type;
	size_t offset; /* in the struct that the section fills */
	uint64_t min, max;
	const struct option *rows; /* ends in a NULL key */
	const char *const *choices;
	void (*read)(struct reader *r, const struct yaml_node *n, void *base);
	const char *why;
};

extern const struct option config_rows[];
void settings_init(struct settings *s);
/* config_value.c */
void config_read_map(
	struct reader *r, const struct option *rows, const struct yaml_node *map, void *base);
void config_read_value(
	struct reader *r, const struct option *o, const struct yaml_node *n, void *base);
/* Counts; the line begins with where n stands and the key's path. */
void config_error(struct reader *r, const struct yaml_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void config_warn(struct reader *r, const struct yaml_node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* False, and an error, when the list is too long or memory is out. */
bool texts_add(struct reader *r, struct texts *t, const char *text);
/* Replaces ${NAME} by the environment's value, in every scalar below n. */
void config_expand(struct reader *r, struct yaml_node *n);
/* "file:line:column" */
const char *config_where(struct reader *r, const struct yaml_node *n);
/* An array that doubles at powers of two; NULL, and an error, when it is full. */
void *config_grow(struct reader *r, void *items, size_t n, size_t size);
