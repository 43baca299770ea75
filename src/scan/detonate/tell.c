/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a run, as one JSON object and as a timeline for people. */
#include <stdlib.h>

#include "base/json.h"
#include "scan/detonate/detonate.h"

enum { TEXT_MAX = 2000, LINES_MAX = 400 };

/* ---- JSON ---------------------------------------------------------------------------------- */

static void add_str(struct buf *b, bool *first, const char *key, struct str s)
{
	json_add_key(b, first, key);
	json_add_text(b, s, TEXT_MAX);
}

static void add_num(struct buf *b, bool *first, const char *key, uint64_t v)
{
	json_add_key(b, first, key);
	buf_add_u64(b, v);
}

static void begin(struct buf *b, size_t i, bool *first)
{
	buf_add_cstr(b, i ? ",{" : "{");
	*first = true;
}

static void add_processes(struct buf *b, const struct detonate_story *s)
{
	bool first;

	for (size_t i = 0; i < s->nprocesses; i++) {
		const struct detonate_process *p = &s->processes[i];

		begin(b, i, &first);
		add_num(b, &first, "at_ms", p->at_ms);
		add_num(b, &first, "pid", p->pid);
		add_num(b, &first, "parent", p->parent);
		add_str(b, &first, "name", p->name);
		add_str(b, &first, "exe", p->exe);
		add_str(b, &first, "command", p->command);
		json_add_key(b, &first, "dropped");
		buf_add_cstr(b, p->is_dropped ? "true}" : "false}");
	}
}

static void add_files(struct buf *b, const struct detonate_story *s)
{
	bool first;

	for (size_t i = 0; i < s->nfiles; i++) {
		const struct detonate_file *f = &s->files[i];

		begin(b, i, &first);
		add_num(b, &first, "at_ms", f->at_ms);
		add_num(b, &first, "pid", f->pid);
		add_str(b, &first, "path", f->path);
		add_str(b, &first, "deed", str_of(f->deed));
		add_str(b, &first, "program", f->program);
		buf_add_char(b, '}');
	}
}

static void add_names(struct buf *b, const struct detonate_story *s)
{
	bool first;

	for (size_t i = 0; i < s->nnames; i++) {
		const struct detonate_name *n = &s->names[i];

		begin(b, i, &first);
		add_num(b, &first, "at_ms", n->at_ms);
		add_str(b, &first, "name", n->name);
		add_str(b, &first, "type", n->type);
		add_str(b, &first, "answer", n->answer);
		add_num(b, &first, "count", n->count);
		buf_add_char(b, '}');
	}
}

static void add_connections(struct buf *b, const struct detonate_story *s)
{
	bool first;

	for (size_t i = 0; i < s->nconnections; i++) {
		const struct detonate_connection *c = &s->connections[i];

		begin(b, i, &first);
		add_num(b, &first, "at_ms", c->at_ms);
		add_str(b, &first, "address", c->address);
		add_num(b, &first, "port", c->port);
		add_str(b, &first, "name", c->name);
		add_str(b, &first, "transport", c->transport);
		add_str(b, &first, "protocol", c->protocol);
		add_str(b, &first, "what", c->what);
		add_num(b, &first, "in_bytes", c->in_bytes);
		add_num(b, &first, "out_bytes", c->out_bytes);
		add_num(b, &first, "count", c->count);
		buf_add_char(b, '}');
	}
}

static void add_list(struct buf *b, bool *first, const char *key,
	void (*add)(struct buf *b, const struct detonate_story *s), const struct detonate_story *s)
{
	json_add_key(b, first, key);
	buf_add_char(b, '[');
	add(b, s);
	buf_add_char(b, ']');
}

void detonate_story_to_json(const struct detonate_story *s, struct buf *b)
{
	bool first = true;

	buf_add_char(b, '{');
	add_str(b, &first, "ended", str_of(s->ended));
	json_add_key(b, &first, "exit_code");
	buf_add_s64(b, s->exit_code);
	add_num(b, &first, "ran_ms", s->ran_ms);
	add_str(b, &first, "runtime", s->runtime);
	add_num(b, &first, "events", s->events);
	add_num(b, &first, "lost", s->lost);
	add_num(b, &first, "memory_peak_bytes", s->memory_peak_bytes);
	add_num(b, &first, "out_of_memory", s->out_of_memory);
	add_list(b, &first, "processes", add_processes, s);
	add_list(b, &first, "files", add_files, s);
	add_list(b, &first, "names", add_names, s);
	add_list(b, &first, "connections", add_connections, s);
	add_num(b, &first, "processes_left_out", s->processes_left_out);
	add_num(b, &first, "files_left_out", s->files_left_out);
	add_num(b, &first, "names_left_out", s->names_left_out);
	add_num(b, &first, "connections_left_out", s->connections_left_out);
	json_add_key(b, &first, "output");
	json_add_text(b, s->output, 80 << 10);
	buf_add_char(b, '}');
}

/* ---- text ---------------------------------------------------------------------------------- */

enum kind { KIND_PROCESS, KIND_FILE, KIND_NAME, KIND_CONNECTION };

struct line {
	uint64_t at_ms;
	enum kind kind;
	size_t i;
};

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->i < y->i ? -1 : 1;
}

static struct line *collect(const struct detonate_story *s, size_t *ret_n)
{
	size_t n = 0, all = s->nprocesses + s->nfiles + s->nnames + s->nconnections;
	struct line *lines = calloc(all + 1, sizeof(*lines));

	for (size_t i = 0; lines && i < s->nprocesses; i++)
		lines[n++] = (struct line){s->processes[i].at_ms, KIND_PROCESS, i};
	for (size_t i = 0; lines && i < s->nfiles; i++)
		lines[n++] = (struct line){s->files[i].at_ms, KIND_FILE, i};
	for (size_t i = 0; lines && i < s->nnames; i++)
		lines[n++] = (struct line){s->names[i].at_ms, KIND_NAME, i};
	for (size_t i = 0; lines && i < s->nconnections; i++)
		lines[n++] = (struct line){s->connections[i].at_ms, KIND_CONNECTION, i};
	if (lines)
		qsort(lines, n, sizeof(*lines), by_time);
	*ret_n = n;
	return lines;
}

static void add_cut(struct buf *b, struct str s, size_t max)
{
	json_add_escaped(b, str_head(s, max));
	if (s.len > max)
		buf_add_cstr(b, "…");
}

static void write_connection(const struct detonate_connection *c, struct buf *b)
{
	buf_add_cstr(b, "connects  ");
	add_cut(b, c->name.len ? c->name : c->address, 100);
	buf_printf(b, ":%u", c->port);
	if (c->protocol.len) {
		buf_add_cstr(b, "  ");
		add_cut(b, c->protocol, 30);
	}
	if (c->what.len) {
		buf_add_cstr(b, "  ");
		add_cut(b, c->what, 80);
	}
	if (c->count > 1)
		buf_printf(b, "  (%llu times)", (unsigned long long)c->count);
}

static void write_line(const struct detonate_story *s, const struct line *l, struct buf *b)
{
	buf_printf(b, "  %6.2f s  ", (double)l->at_ms / 1000);
	switch (l->kind) {
	case KIND_PROCESS:
		buf_add_cstr(b, s->processes[l->i].is_dropped ? "runs NEW  " : "runs      ");
		add_cut(b, s->processes[l->i].command, 160);
		break;
	case KIND_FILE:
		buf_printf(b, "%-9s ", s->files[l->i].deed);
		add_cut(b, s->files[l->i].path, 120);
		buf_add_cstr(b, "  by ");
		add_cut(b, s->files[l->i].program, 40);
		break;
	case KIND_NAME:
		buf_add_cstr(b, "asks      ");
		add_cut(b, s->names[l->i].name, 120);
		buf_printf(b, " (%.*s)", STR_ARG(s->names[l->i].type));
		break;
	case KIND_CONNECTION:
		write_connection(&s->connections[l->i], b);
		break;
	}
	buf_add_char(b, '\n');
}

void detonate_story_to_text(const struct detonate_story *s, bool colour, struct buf *b)
{
	const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
	size_t n = 0;
	struct line *lines = collect(s, &n);

	buf_printf(b, "%sthe run%s  %.2f s in %.*s; %s, exit code %d; %llu events", bold, plain,
		(double)s->ran_ms / 1000, STR_ARG(s->runtime), s->ended, s->exit_code,
		(unsigned long long)s->events);
	if (s->memory_peak_bytes)
		buf_printf(b, "; %.1f MiB at most", (double)s->memory_peak_bytes / 1048576);
	if (s->out_of_memory)
		buf_printf(b, "; out of memory %llu times", (unsigned long long)s->out_of_memory);
	buf_add_char(b, '\n');
	for (size_t i = 0; lines && i < n && i < LINES_MAX; i++)
		write_line(s, &lines[i], b);
	if (n > LINES_MAX)
		buf_printf(b, "  … and %zu more; --json has them\n", n - LINES_MAX);
	free(lines);
}
