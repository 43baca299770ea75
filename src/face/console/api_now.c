/* SPDX-License-Identifier: Apache-2.0 */
/* The state of things: of this moment, of the sensor over time, of the server and its store. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/json.h"
#include "face/console/api_query.h"
#include "face/console/hub.h"
#include "face/console/ingest.h"
#include "face/console/latest.h"
#include "face/console/write.h"

enum { RECENT = 20, MINUTES = 60, POINTS_DEFAULT = 300, NAMES_MAX = 64 };

/* ---- now ------------------------------------------------------------------------------------ */

static int add_counts(struct request *q, bool *first)
{
	const uint64_t minute = 60 * NSEC_PER_SEC, now = clock_epoch_ns();
	const struct store_query hour = {.from_ns = (now / minute - MINUTES + 1) * minute,
		.to_ns = (now / minute + 1) * minute};
	struct store_counts c;
	struct store_bucket *buckets;
	struct err e = {0};
	bool inner = true, k = true;
	int r = store_counts(q->console->store, &c, &e);

	if (r == 0)
		r = store_timeline(
			q->console->store, &hour, MINUTES, &q->arena, &buckets, NULL, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	json_add_key(&q->out, first, "counts");
	buf_add_char(&q->out, '{');
	write_u64(&q->out, &inner, "open", c.by_state[STORE_OPEN]);
	json_add_key(&q->out, &inner, "by_priority");
	buf_add_char(&q->out, '{');
	for (enum priority p = 0; p < PRIORITY_COUNT; p++)
		write_u64(&q->out, &k, priority_name(p), c.open_by_priority[p]);
	buf_add_cstr(&q->out, "},\"by_state\":{");
	k = true;
	for (enum store_state s = 0; s < STORE_STATE_COUNT; s++)
		write_u64(&q->out, &k, store_state_name(s), c.by_state[s]);
	buf_add_cstr(&q->out, "},\"last_hour\":[");
	for (int i = 0; i < MINUTES; i++) {
		uint64_t n = 0;

		for (enum priority p = 0; p < PRIORITY_COUNT; p++)
			n += buckets[i].by_priority[p];
		buf_printf(&q->out, "%s%llu", i ? "," : "", (unsigned long long)n);
	}
	buf_add_cstr(&q->out, "]}");
	return 0;
}

int api_now(struct request *q)
{
	const struct store_query latest = {
		.states = 1U << STORE_OPEN | 1U << STORE_ACKNOWLEDGED, .limit = RECENT};
	struct store_page page = {0};
	struct err e = {0};
	bool first = true;
	int r = store_findings(q->console->store, &latest, &q->arena, &page, NULL, &e), status;

	if (r < 0)
		return request_fail_err(q, r, &e);
	buf_add_cstr(&q->out, "{");
	json_add_key(&q->out, &first, "sensor");
	latest_add_sensor(q->console->latest, STR(""), &q->out);
	status = add_counts(q, &first);
	if (status)
		return status;
	json_add_key(&q->out, &first, "recent");
	buf_add_char(&q->out, '[');
	write_findings(&q->out, page.items, page.n);
	buf_add_cstr(&q->out, "]}");
	return 200;
}

/* ---- metrics over time ---------------------------------------------------------------------- */

static void add_series(struct buf *b, const struct store_series *s)
{
	bool first = true;

	buf_add_char(b, '{');
	write_str(b, &first, "name", s->name);
	write_str(b, &first, "hostname", s->hostname);
	json_add_key(b, &first, "points");
	buf_add_char(b, '[');
	for (size_t i = 0; i < s->npoints; i++) {
		bool inner = true;

		buf_add_cstr(b, i ? ",{" : "{");
		write_time(b, &inner, "time", s->points[i].time_ns);
		buf_add_cstr(b, ",\"mean\":");
		write_double(b, s->points[i].mean);
		buf_add_cstr(b, ",\"min\":");
		write_double(b, s->points[i].min);
		buf_add_cstr(b, ",\"max\":");
		write_double(b, s->points[i].max);
		buf_add_char(b, '}');
	}
	buf_add_cstr(b, "]}");
}

int api_metrics(struct request *q)
{
	struct str rest = request_query(q, "names"), host = request_query(q, "host");
	uint64_t to = request_query_time(q, "to"), from = request_query_time(q, "from");
	struct str names[NAMES_MAX];
	struct store_series *series;
	struct err e = {0};
	size_t n = 0, nseries = 0;

	while (rest.len && n < NAMES_MAX)
		names[n++] = str_trim(str_cut(&rest, ','));
	to = to ? to : clock_epoch_ns() + 1;
	from = from ? from : to - 3600 * NSEC_PER_SEC;
	int r = store_metrics(q->console->store, names, n, host.s ? host : STR(""), from, to,
		(unsigned)request_query_int(q, "points", POINTS_DEFAULT), &q->arena, &series,
		&nseries, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < nseries; i++) {
		if (i)
			buf_add_char(&q->out, ',');
		add_series(&q->out, &series[i]);
	}
	write_list_end(&q->out, STR_NULL, nseries, true);
	return 200;
}

/* ---- the system ----------------------------------------------------------------------------- */

static int add_store(struct request *q, bool *outer)
{
	struct store_stats s;
	struct err e = {0};
	struct buf *b = &q->out;
	bool first = true;
	int r = store_stats(q->console->store, &q->arena, &s, &e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	json_add_key(b, outer, "store");
	buf_add_char(b, '{');
	write_str(b, &first, "engine", str_of(s.engine));
	write_str(b, &first, "path", s.path);
	write_str(b, &first, "version", s.version);
	write_u64(b, &first, "size_bytes", s.size_bytes);
	write_u64(b, &first, "free_bytes", s.free_bytes);
	write_u64(b, &first, "findings", s.findings);
	write_u64(b, &first, "entities", s.entities);
	write_u64(b, &first, "relations", s.relations);
	write_time(b, &first, "oldest", s.oldest_ns);
	write_time(b, &first, "newest", s.newest_ns);
	write_u64(b, &first, "schema", s.schema);
	buf_printf(b, ",\"retention\":{\"age_s\":%llu,\"size_bytes\":%llu}",
		(unsigned long long)(s.retention.age_ns / NSEC_PER_SEC),
		(unsigned long long)s.retention.size_bytes);
	write_u64(b, &first, "commits", s.commits);
	write_u64(b, &first, "put_records", s.put_records);
	write_u64(b, &first, "put_refused", s.put_refused);
	write_u64(b, &first, "put_known", s.put_known);
	write_bool(b, &first, "was_unclean", s.was_unclean);
	buf_add_char(b, '}');
	return 0;
}

static struct ingest_counts counts_of(struct console *c)
{
	return c->ingest ? ingest_counts(c->ingest) : (struct ingest_counts){0};
}

static void add_ingest(struct request *q, bool *outer)
{
	struct ingest_counts i = counts_of(q->console);
	struct buf *b = &q->out;
	bool first = true;

	json_add_key(b, outer, "ingest");
	buf_add_char(b, '{');
	write_u64(b, &first, "clients", i.clients);
	write_u64(b, &first, "records", i.records);
	write_u64(b, &first, "refused", i.refused);
	write_u64(b, &first, "batches", i.batches);
	write_u64(b, &first, "retries", i.retries);
	write_bool(b, &first, "stuck", i.is_stuck);
	write_str_or_null(b, &first, "why", str_of(i.why));
	buf_add_char(b, '}');
}

static void add_server(struct request *q, bool *outer)
{
	struct console *c = q->console;
	struct buf *b = &q->out;
	bool first = true;

	json_add_key(b, outer, "server");
	buf_add_char(b, '{');
	write_str(b, &first, "address", str_of(c->address));
	write_bool(b, &first, "tls", c->is_tls);
	write_time(b, &first, "since", c->started_ns);
	write_u64(b, &first, "connections", connections_count(c->connections));
	write_u64(b, &first, "streams", hub_counts(c->hub).listeners);
	write_u64(b, &first, "requests", atomic_load(&c->count.requests));
	write_u64(b, &first, "errors", atomic_load(&c->count.by_class[5]));
	buf_add_char(b, '}');
}

int api_system(struct request *q)
{
	bool first = true;
	int status;

	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "version", str_of(q->console->o.version));
	status = add_store(q, &first);
	if (status)
		return status;
	json_add_key(&q->out, &first, "sensor");
	latest_add_sensor(q->console->latest, STR(""), &q->out);
	add_ingest(q, &first);
	add_server(q, &first);
	buf_add_char(&q->out, '}');
	return 200;
}

int api_backup(struct request *q)
{
	struct buf time = BUF_INIT(64), name = BUF_INIT(100);
	struct err e = {0};
	struct stat st = {0};
	bool first = true;
	int status, r;

	clock_add_strftime(&time, clock_epoch_ns(), "%Y%m%d-%H%M%S", true);
	buf_printf(&name, "koban-%s.db", time.s);
	struct str path = arena_printf(&q->arena, "%s/backups/%s", q->console->o.data_dir, name.s);
	status = audit(q, "backup", buf_str(&name), "%s", "");
	if (status == 0) {
		r = store_backup(q->console->store, path.s, NULL, NULL, &e);
		status = r < 0 ? request_fail_err(q, r, &e) : 0;
	}
	if (status == 0) {
		stat(path.s, &st);
		buf_add_char(&q->out, '{');
		write_str(&q->out, &first, "name", buf_str(&name));
		write_str(&q->out, &first, "path", path);
		write_u64(&q->out, &first, "size_bytes", (uint64_t)st.st_size);
		buf_add_char(&q->out, '}');
	}
	buf_done(&time);
	buf_done(&name);
	return status ? status : 200;
}

/* ---- for machines --------------------------------------------------------------------------- */

int api_health(struct request *q)
{
	bool is_well = !counts_of(q->console).is_stuck, first = true;

	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "status", is_well ? STR("ok") : STR("degraded"));
	write_str(&q->out, &first, "version", str_of(q->console->o.version));
	buf_add_char(&q->out, '}');
	return 200;
}

int api_openapi(struct request *q)
{
	buf_add(&q->out, router_openapi(q->console->router));
	return 200;
}

static void add_metric(
	struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	buf_printf(b,
		"# HELP koban_console_%s %s\n# TYPE koban_console_%s %s\n"
		"koban_console_%s %llu\n",
		name, help, name, type, name, (unsigned long long)v);
}

static void add_refusals(struct buf *b, const struct counters *n)
{
	const struct {
		const char *cause;
		uint64_t n;
	} rows[] = {
		{"rate", n->refused_rate},
		{"not_allowed", n->refused_auth},
		{"host", n->refused_host},
		{"busy", n->refused_full},
		{"body", n->too_large},
		{"deadline", n->timeouts},
	};

	buf_add_cstr(b, "# HELP koban_console_refused_total Requests refused, by cause.\n"
			"# TYPE koban_console_refused_total counter\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		buf_printf(b, "koban_console_refused_total{cause=\"%s\"} %llu\n", rows[i].cause,
			(unsigned long long)rows[i].n);
}

static void add_answers(struct buf *b, const struct counters *n)
{
	buf_add_cstr(b, "# HELP koban_console_answers_total Answers, by class of status.\n"
			"# TYPE koban_console_answers_total counter\n");
	for (unsigned i = 2; i < 6; i++)
		buf_printf(b, "koban_console_answers_total{class=\"%uxx\"} %llu\n", i,
			(unsigned long long)n->by_class[i]);
}

int api_prometheus(struct request *q)
{
	struct console *c = q->console;
	const struct counters *n = &c->count;
	struct ingest_counts in = counts_of(c);
	struct hub_counts hub = hub_counts(c->hub);
	struct buf *b = &q->out;

	q->type = "text/plain; version=0.0.4; charset=utf-8";
	add_metric(b, "requests_total", "counter", "Requests.", n->requests);
	add_answers(b, n);
	add_refusals(b, n);
	add_metric(b, "logins_total", "counter", "Sessions begun.", n->logins);
	add_metric(b, "logins_failed_total", "counter", "Attempts that failed.", n->logins_failed);
	add_metric(b, "csp_reports_total", "counter", "Breaches of the content security policy.",
		n->csp_reports);
	add_metric(
		b, "connections", "gauge", "Open connections.", connections_count(c->connections));
	add_metric(b, "requests_waiting", "gauge", "Requests that wait for a worker.",
		workers_waiting(c->workers));
	add_metric(b, "streams", "gauge", "Live streams.", hub.listeners);
	add_metric(
		b, "stream_messages_total", "counter", "Messages of live streams.", hub.messages);
	add_metric(b, "streams_slow_total", "counter",
		"Streams ended as their reader was too slow.", hub.slow);
	add_metric(b, "ingest_senders", "gauge", "Sensors that are connected.", in.clients);
	add_metric(b, "ingest_records_total", "counter", "Records put.", in.records);
	add_metric(b, "ingest_refused_total", "counter", "Records that can never be stored.",
		in.refused);
	add_metric(b, "ingest_batches_total", "counter", "Batches of records.", in.batches);
	add_metric(b, "ingest_retries_total", "counter",
		"Batches that the store did not take at once.", in.retries);
	add_metric(b, "ingest_strangers_total", "counter", "Connections refused at the socket.",
		in.strangers);
	add_metric(b, "ingest_stuck", "gauge", "1 while the store takes nothing.", in.is_stuck);
	return 200;
}
