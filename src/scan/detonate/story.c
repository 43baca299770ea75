/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened in the container: processes and files from the sensor's events, names and
 * connections from the sinkhole's log. Everything is bounded; what does not fit is counted. It
 * judges nothing (evidence.c does).
 */
#include "scan/detonate/story.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
	COMMAND_MAX = 500,
	TEXT_MAX = 1024, /* of one value of the log */
	PATH_MAX_KEPT = 1024,
	WHAT_MAX = 200,
	OPEN_WRITES = 1 << 1, /* O_WRONLY of .scap, also set in its O_RDWR (model/event) */
};

int story_init(struct story *s, struct arena *a)
{
	*s = (struct story){.a = a,
		.processes = arena_array(a, struct detonate_process, PROCESSES_MAX),
		.files = arena_array(a, struct detonate_file, FILES_MAX_KEPT),
		.names = arena_array(a, struct detonate_name, NAMES_KEPT),
		.connections = arena_array(a, struct detonate_connection, CONNECTIONS_KEPT),
		.hits = arena_array(a, struct hit, HITS_MAX),
		.pools = arena_array(a, struct pool_talk, POOLS_MAX),
		.requests = arena_array(a, struct request, REQUESTS_MAX)};
	return s->requests ? 0 : -ENOMEM;
}

static struct str keep(struct story *s, struct str text, size_t max)
{
	return arena_str(s->a, str_head(text, max));
}

static uint64_t ms_since(uint64_t now_ns, uint64_t start_ns)
{
	return now_ns > start_ns ? (now_ns - start_ns) / 1000000 : 0;
}

/* ---- from the sensor ----------------------------------------------------------------------- */

/* The arguments as one line. */
static struct str command_of(struct story *s, const struct process *p)
{
	size_t n = p->args.len < COMMAND_MAX ? p->args.len : COMMAND_MAX;
	struct str exe = str_head(p->exe, COMMAND_MAX);
	char *line = arena_alloc(s->a, exe.len + n + 2);

	if (!line)
		return STR_NULL;
	memcpy(line, exe.s ? exe.s : "", exe.len);
	line[exe.len] = ' ';
	memcpy(line + exe.len + 1, n ? p->args.s : "", n);
	for (size_t i = exe.len + 1; i < exe.len + 1 + n; i++)
		if (!line[i])
			line[i] = ' ';
	return str_trim(str_make(line, exe.len + 1 + n));
}

static bool was_written(const struct story *s, struct str path)
{
	for (size_t i = 0; i < s->nfiles; i++)
		if (str_eq(s->files[i].path, path) && strcmp(s->files[i].deed, "removed") != 0)
			return true;
	return false;
}

static struct str base_name(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

static bool runs_scripts(struct str program)
{
	static const char *const names[] = {"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox",
		"python", "perl", "ruby", "node", "php", "lua", "tclsh"};
	struct str name = base_name(program);

	/* "python3.11" is python */
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_is(name, names[i]) ||
			(str_starts(name, str_of(names[i])) && name.len > strlen(names[i]) &&
				name.s[strlen(names[i])] >= '0' && name.s[strlen(names[i])] <= '9'))
			return true;
	return false;
}

/*
 * What is new about a program: its own file, or the script that an interpreter of the image was
 * given. Empty when nothing is.
 */
static struct str dropped_file(struct story *s, const struct process *p)
{
	struct str rest = p->args, first = str_cut(&rest, 0);

	if (p->exe_upper_layer || p->exe_from_memfd || was_written(s, p->exepath))
		return p->exepath.len ? p->exepath : STR("(memory)");
	if (!first.len || first.s[0] == '-')
		return STR_NULL;
	/* the kernel names a process that runs a script after the script */
	if (!runs_scripts(p->exe) && !str_eq(base_name(first), p->comm))
		return STR_NULL;
	first = path_normalise(s->a, p->cwd, first);
	return was_written(s, first) ? first : STR_NULL;
}

void story_exec(struct story *s, const struct event *ev, const struct process *p)
{
	if (s->nprocesses == PROCESSES_MAX) {
		s->processes_left_out++;
		return;
	}
	struct str dropped = dropped_file(s, p);
	s->processes[s->nprocesses++] = (struct detonate_process){
		.at_ms = ms_since(ev->ts_ns, s->started_epoch_ns),
		.pid = p->pid,
		.parent = p->ppid,
		.name = keep(s, p->comm, 64),
		.exe = keep(s, dropped.len ? dropped : p->exepath, PATH_MAX_KEPT),
		.command = command_of(s, p),
		.is_dropped = dropped.len > 0,
		.is_script = dropped.len && !str_eq(dropped, p->exepath),
	};
}

static void add_file(struct story *s, const struct event *ev, const struct process *p,
	struct str path, const char *deed)
{
	if (!path.len || str_starts(path, STR("/dev/")) || str_starts(path, STR("/proc/")) ||
		str_starts(path, STR("pipe:")))
		return;
	for (size_t i = 0; i < s->nfiles; i++)
		if (s->files[i].deed == deed && str_eq(s->files[i].path, path))
			return;
	if (s->nfiles == FILES_MAX_KEPT) {
		s->files_left_out++;
		return;
	}
	s->files[s->nfiles++] =
		(struct detonate_file){.at_ms = ms_since(ev->ts_ns, s->started_epoch_ns),
			.pid = p->pid,
			.path = keep(s, path, PATH_MAX_KEPT),
			.program = keep(s, p->comm, 64),
			.deed = deed};
}

static const char *deed_of(const struct event *ev)
{
	switch (ev->code) {
	case EV_RENAME:
	case EV_RENAMEAT:
	case EV_RENAMEAT2:
		return "renamed";
	case EV_UNLINK:
	case EV_UNLINKAT:
		return "removed";
	case EV_LINK:
	case EV_LINKAT:
	case EV_SYMLINK:
	case EV_SYMLINKAT:
		return "linked";
	case EV_CREAT:
		return "written";
	default:
		return (ev->def->flags & EF_OPEN) && (ev->fd.flags & OPEN_WRITES) ? "written"
										  : NULL;
	}
}

void story_file(struct story *s, const struct event *ev, const struct process *p)
{
	const char *deed = ev->def ? deed_of(ev) : NULL;
	int64_t result;

	if (!deed || !event_result(ev, &result) || result < 0)
		return;
	struct str path = ev->path.real.len ? ev->path.real : ev->path.name;

	if (ev->target.name.len)
		path = ev->target.name;
	add_file(s, ev, p, path, deed);
}

void story_hit(struct story *s, const struct finding *f)
{
	char tags[500] = "";
	size_t n = 0;

	for (size_t i = 0; i < s->nhits; i++)
		if (str_eq(s->hits[i].rule, f->rule)) {
			s->hits[i].count++;
			return;
		}
	if (s->nhits == HITS_MAX) {
		s->hits_left_out++;
		return;
	}
	for (size_t i = 0; i < f->ntags && n + f->tags[i].len + 2 < sizeof(tags); i++)
		n += (size_t)snprintf(
			tags + n, sizeof(tags) - n, "%s%.*s", n ? "," : "", STR_ARG(f->tags[i]));
	s->hits[s->nhits++] = (struct hit){.rule = keep(s, f->rule, 200),
		.output = keep(s, f->output, TEXT_MAX),
		.tags = keep(s, str_of(tags), sizeof(tags)),
		.priority = f->priority,
		.at_ms = ms_since(f->ts_ns, s->started_epoch_ns),
		.count = 1};
}

/* ---- from the sinkhole --------------------------------------------------------------------- */

static struct str text_in(struct story *s, const json_t *line, const char *key)
{
	const json_t *v = json_object_get(line, key);

	if (!json_is_string(v))
		return STR_NULL;
	return keep(s, str_make(json_string_value(v), json_string_length(v)), TEXT_MAX);
}

static uint64_t number_in(const json_t *line, const char *key)
{
	const json_t *v = json_object_get(line, key);

	return json_is_integer(v) && json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v)
							       : 0;
}

static void take_name(struct story *s, const json_t *line, uint64_t at_ms)
{
	struct str name = text_in(s, line, "name"), type = text_in(s, line, "type");

	for (size_t i = 0; i < s->nnames; i++)
		if (str_eq(s->names[i].name, name) && str_eq(s->names[i].type, type)) {
			s->names[i].count++;
			return;
		}
	if (s->nnames == NAMES_KEPT) {
		s->names_left_out++;
		return;
	}
	s->names[s->nnames++] = (struct detonate_name){.at_ms = at_ms,
		.name = name,
		.type = type,
		.answer = text_in(s, line, "answer"),
		.count = 1};
}

/* The first bytes, when they are a text that a person can read. */
static struct str readable(struct story *s, const json_t *line)
{
	const char *code = json_string_value(json_object_get(line, "first_in"));
	size_t len = code ? strlen(code) : 0;
	char *text = len && len <= 8192 ? arena_alloc(s->a, len) : NULL;

	if (!text)
		return STR_NULL;
	int n = EVP_DecodeBlock((unsigned char *)text, (const unsigned char *)code, (int)len);
	struct str first = str_make(text, n > 0 ? (size_t)n : 0);

	/* the decoder counts the padding as bytes */
	for (size_t i = 0; i < 2 && first.len && len > i && code[len - 1 - i] == '='; i++)
		first.len--;
	first = str_head(str_head(first, WHAT_MAX), WHAT_MAX);
	ptrdiff_t end = str_find_char(first, '\n');
	if (end >= 0)
		first.len = (size_t)end;
	first = str_trim(first);
	for (size_t i = 0; i < first.len; i++)
		if ((unsigned char)first.s[i] < ' ' || (unsigned char)first.s[i] > '~')
			return STR_NULL;
	return first;
}

static void count_address(struct story *s, struct str address, struct str name)
{
	uint64_t h = str_hash(address);

	if (name.len || s->naddresses == SCAN_ADDRESSES)
		return;
	for (size_t i = 0; i < s->naddresses; i++)
		if (s->addresses[i] == h)
			return;
	s->addresses[s->naddresses++] = h;
}

static void take_connection(
	struct story *s, const json_t *line, const char *transport, uint64_t at_ms)
{
	struct str address = text_in(s, line, "address"), name = text_in(s, line, "name");
	unsigned port = (unsigned)number_in(line, "port");
	bool is_tls = json_is_true(json_object_get(line, "tls"));
	uint64_t in = number_in(line, "in"), out = number_in(line, "out");
	uint64_t since = number_in(line, "since");

	count_address(s, address, name);
	for (size_t i = 0; i < s->nconnections; i++) {
		struct detonate_connection *c = &s->connections[i];

		if (c->port == port && str_eq(c->address, address) &&
			str_is(c->transport, transport)) {
			c->count++;
			c->in_bytes += in;
			c->out_bytes += out;
			return;
		}
	}
	if (s->nconnections == CONNECTIONS_KEPT) {
		s->connections_left_out++;
		return;
	}
	struct str protocol = text_in(s, line, "protocol");
	s->connections[s->nconnections++] = (struct detonate_connection){
		.at_ms = since ? ms_since(since, s->started_boot_ns) : at_ms,
		.address = address,
		.name = name.len ? name : text_in(s, line, "sni"),
		.port = port,
		.transport = str_of(transport),
		.protocol = !is_tls         ? protocol
			    : !protocol.len ? STR("tls")
					    : arena_printf(s->a, "tls+%.*s", STR_ARG(protocol)),
		.what = readable(s, line),
		.in_bytes = in,
		.out_bytes = out,
		.count = 1};
}

/* A miner says who it is, and who is paid, in two calls: one conversation is one row. */
static bool is_same_talk(const struct pool_talk *a, const struct pool_talk *b)
{
	return a->port == b->port && str_eq(a->address, b->address) &&
	       (!a->user.len || !b->user.len || str_eq(a->user, b->user));
}

static void add_missing(struct str *to, struct str from)
{
	if (!to->len)
		*to = from;
}

static void take_pool(struct story *s, const json_t *line, uint64_t at_ms)
{
	struct pool_talk p = {.address = text_in(s, line, "address"),
		.name = text_in(s, line, "name"),
		.port = (unsigned)number_in(line, "port"),
		.method = text_in(s, line, "method"),
		.user = text_in(s, line, "user"),
		.agent = text_in(s, line, "agent"),
		.algorithms = text_in(s, line, "algorithms"),
		.is_tls = json_is_true(json_object_get(line, "tls")),
		.at_ms = at_ms,
		.count = 1};

	for (size_t i = 0; i < s->npools; i++) {
		struct pool_talk *known = &s->pools[i];

		if (!is_same_talk(known, &p))
			continue;
		known->count++;
		add_missing(&known->user, p.user);
		add_missing(&known->agent, p.agent);
		add_missing(&known->algorithms, p.algorithms);
		return;
	}
	if (s->npools < POOLS_MAX)
		s->pools[s->npools++] = p;
}

static void take_request(struct story *s, const json_t *line, uint64_t at_ms)
{
	struct request q = {.address = text_in(s, line, "address"),
		.name = text_in(s, line, "name"),
		.port = (unsigned)number_in(line, "port"),
		.host = text_in(s, line, "host"),
		.method = text_in(s, line, "method"),
		.path = text_in(s, line, "path"),
		.agent = text_in(s, line, "agent"),
		.is_tls = json_is_true(json_object_get(line, "tls")),
		.at_ms = at_ms,
		.count = 1};

	for (size_t i = 0; i < s->nrequests; i++)
		if (str_eq(s->requests[i].host, q.host) && str_eq(s->requests[i].path, q.path) &&
			str_eq(s->requests[i].method, q.method)) {
			s->requests[i].count++;
			return;
		}
	if (s->nrequests < REQUESTS_MAX)
		s->requests[s->nrequests++] = q;
	else
		s->requests_left_out++;
}

void story_sink_line(struct story *s, struct str text)
{
	json_error_t je;
	json_t *line = json_loadb(text.s, text.len, 0, &je);
	const char *kind = json_string_value(json_object_get(line, "kind"));
	uint64_t at_ms = ms_since(number_in(line, "at"), s->started_boot_ns);

	if (!kind)
		;
	else if (!strcmp(kind, "dns"))
		take_name(s, line, at_ms);
	else if (!strcmp(kind, "tcp"))
		take_connection(s, line, "tcp", at_ms);
	else if (!strcmp(kind, "udp"))
		take_connection(s, line, "udp", at_ms);
	else if (!strcmp(kind, "pool"))
		take_pool(s, line, at_ms);
	else if (!strcmp(kind, "http"))
		take_request(s, line, at_ms);
	else if (!strcmp(kind, "left_out"))
		s->connections_left_out += number_in(line, "count");
	json_decref(line);
}
