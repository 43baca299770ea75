/* SPDX-License-Identifier: Apache-2.0 */
/* koban read -S: what was seen, counted by event type. Counts only; the stream is the caller's. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/read_private.h"

enum { SYSCALL_IDS = 1024, ROWS = EVENT_CODE_MAX + SYSCALL_IDS, BAR = 20 };

struct row {
	struct str name;
	uint64_t count, failed, bytes, time_ns;
	bool is_enter;
};

struct summary {
	struct row rows[ROWS]; /* by code; then the system calls without an event of their own */
	uint64_t events, first_ns, last_ns, bytes_in, bytes_out;
};

struct summary *summary_new(void)
{
	return calloc(1, sizeof(struct summary));
}

void summary_free(struct summary *s)
{
	free(s);
}

static struct row *row_of(struct summary *s, const struct event *ev)
{
	uint64_t id;

	if (ev->code == EV_SYSCALL && event_param_u64(ev, 0, &id) && id < SYSCALL_IDS)
		return &s->rows[EVENT_CODE_MAX + id];
	return ev->code < EVENT_CODE_MAX ? &s->rows[ev->code] : NULL;
}

void summary_event(struct summary *s, const struct field_subject *sub)
{
	const struct event *ev = sub->ev;
	struct row *r = row_of(s, ev);
	uint32_t io = ev->def ? ev->def->flags & (EF_READS_FD | EF_WRITES_FD) : 0;
	bool is_enter = ev->def && ev->def->flags & EF_ENTER;
	int64_t res;

	if (!r)
		return;
	s->events++;
	s->first_ns = s->first_ns ? s->first_ns : ev->ts_ns;
	s->last_ns = ev->ts_ns;
	r->name = event_type_name(ev);
	r->is_enter = is_enter;
	r->count++;
	if (ev->enter_ns && ev->enter_ns <= ev->ts_ns)
		r->time_ns += ev->ts_ns - ev->enter_ns;
	if (is_enter || !event_result(ev, &res))
		return;
	if (res < 0) {
		r->failed++;
	} else if (io) {
		r->bytes += (uint64_t)res;
		*(io & EF_READS_FD ? &s->bytes_in : &s->bytes_out) += (uint64_t)res;
	}
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return str_cmp(x->name, y->name);
}

static size_t sorted_rows(const struct summary *s, const struct row **out)
{
	size_t n = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (s->rows[i].count)
			out[n++] = &s->rows[i];
	qsort(out, n, sizeof(*out), compare_rows);
	return n;
}

/* ---- for people ----------------------------------------------------------------------------- */

/* "1.21M" with powers of the base; plain below it. */
static void add_scaled(
	struct buf *out, uint64_t n, unsigned base, const char *const *units, int width)
{
	double v = (double)n;
	char tmp[32];
	int u = 0;

	while (v >= base && units[u + 1]) {
		v /= base;
		u++;
	}
	snprintf(tmp, sizeof(tmp), "%.*f%s", u && v < 100 ? (v < 10 ? 2 : 1) : 0, v, units[u]);
	buf_printf(out, "%*s", width, tmp);
}

static void add_bytes(struct buf *out, uint64_t n, int width)
{
	static const char *const units[] = {" B  ", " KiB", " MiB", " GiB", " TiB", NULL};

	if (n)
		add_scaled(out, n, 1024, units, width);
	else
		buf_printf(out, "%*s", width, "");
}

static void add_time(struct buf *out, uint64_t ns)
{
	static const char *const units[] = {" ns", " us", " ms", " s ", NULL};

	if (ns)
		add_scaled(out, ns, 1000, units, 10);
	else
		buf_printf(out, "%10s", "");
}

static void add_bar(struct buf *out, uint64_t n, uint64_t max, bool colour)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	uint64_t length = n * BAR * 8 / max;

	buf_add_cstr(out, colour ? "  \033[34m" : "  ");
	for (uint64_t i = 0; i < length / 8; i++)
		buf_add_cstr(out, "█");
	buf_add_cstr(out, length || !n ? eighths[length % 8] : eighths[1]);
	buf_add_cstr(out, colour ? "\033[0m\n" : "\n");
}

static void add_row(struct buf *out, const struct row *r, uint64_t max, bool colour)
{
	buf_printf(out, "%c %-20.*s %12llu ", r->is_enter ? '>' : ' ', STR_ARG(r->name),
		(unsigned long long)r->count);
	if (r->failed)
		buf_printf(out, "%s%10llu%s", colour ? "\033[31m" : "",
			(unsigned long long)r->failed, colour ? "\033[0m" : "");
	else
		buf_printf(out, "%10s", "");
	add_bytes(out, r->bytes, 10);
	add_time(out, r->time_ns);
	add_bar(out, r->count, max, colour);
}

static void add_number(struct buf *out, const char *what, uint64_t n)
{
	buf_printf(out, "  %-12s %llu\n", what, (unsigned long long)n);
}

static void add_span(struct buf *out, uint64_t first_ns, uint64_t last_ns)
{
	buf_printf(out, "  %-12s ", "time");
	clock_add_strftime(out, first_ns, "%Y-%m-%d %H:%M:%S", false);
	buf_add_cstr(out, " to ");
	clock_add_strftime(out, last_ns, "%H:%M:%S", false);
	buf_printf(out, " (%.3f s)\n", (double)(last_ns - first_ns) / 1e9);
}

static void add_capture(struct buf *out, const struct capture_info *info)
{
	if (info->has_machine && info->machine.hostname[0])
		buf_printf(out, "  %-12s %s, %u CPUs\n", "machine", info->machine.hostname,
			info->machine.ncpus);
	add_number(out, "in the file", info->events);
	add_number(out, "threads", info->threads);
	add_number(out, "descriptors", info->descriptors);
	if (info->unknown_events)
		add_number(out, "unknown", info->unknown_events);
	if (info->lone_enters)
		add_number(out, "no exit", info->lone_enters);
}

static void add_table(const struct summary *s, const struct capture_info *info,
	const struct row **rows, size_t n, bool colour, struct buf *out)
{
	buf_printf(out, "%s\n  %-20s %12s %10s%10s%10s%s\n", colour ? "\033[1m" : "", "event",
		"count", "failed", "bytes", "time", colour ? "\033[0m" : "");
	for (size_t i = 0; i < n; i++)
		add_row(out, rows[i], rows[0]->count, colour);
	buf_add_char(out, '\n');
	add_number(out, "events", s->events);
	if (s->events)
		add_span(out, s->first_ns, s->last_ns > s->first_ns ? s->last_ns : s->first_ns);
	if (s->bytes_in || s->bytes_out) {
		buf_printf(out, "  %-12s ", "read");
		add_bytes(out, s->bytes_in, 0);
		buf_printf(out, "\n  %-12s ", "written");
		add_bytes(out, s->bytes_out, 0);
		buf_add_char(out, '\n');
	}
	if (info)
		add_capture(out, info);
}

/* ---- for machines --------------------------------------------------------------------------- */

static void add_member(struct buf *out, const char *name, uint64_t n)
{
	buf_printf(out, ",\"%s\":%llu", name, (unsigned long long)n);
}

static void add_json(const struct summary *s, const struct capture_info *info,
	const struct row **rows, size_t n, struct buf *out)
{
	buf_printf(out, "{\"summary\":{\"events\":%llu", (unsigned long long)s->events);
	add_member(out, "first_ns", s->first_ns);
	add_member(out, "last_ns", s->last_ns);
	add_member(out, "bytes_read", s->bytes_in);
	add_member(out, "bytes_written", s->bytes_out);
	if (info) {
		add_member(out, "file_events", info->events);
		add_member(out, "threads", info->threads);
		add_member(out, "descriptors", info->descriptors);
		add_member(out, "unknown_events", info->unknown_events);
		add_member(out, "lone_enters", info->lone_enters);
	}
	buf_add_cstr(out, ",\"types\":[");
	for (size_t i = 0; i < n; i++) {
		buf_add_cstr(out, i ? ",{\"type\":" : "{\"type\":");
		json_add_str(out, rows[i]->name);
		buf_printf(out, ",\"dir\":\"%c\"", rows[i]->is_enter ? '>' : '<');
		add_member(out, "count", rows[i]->count);
		add_member(out, "failed", rows[i]->failed);
		add_member(out, "bytes", rows[i]->bytes);
		add_member(out, "time_ns", rows[i]->time_ns);
		buf_add_char(out, '}');
	}
	buf_add_cstr(out, "]}}\n");
}

void summary_format(const struct summary *s, const struct capture_info *info, bool json,
	bool colour, struct buf *out)
{
	const struct row **rows = calloc(ROWS, sizeof(*rows));
	size_t n = rows ? sorted_rows(s, rows) : 0;

	if (json)
		add_json(s, info, rows, n, out);
	else
		add_table(s, info, rows, n, colour, out);
	free(rows);
}
