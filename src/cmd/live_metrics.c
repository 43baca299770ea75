/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of a watch as Prometheus text (exposition format 0.0.4) and as one sentence. */
#include "cmd/live.h"

enum { OUTPUTS_SHOWN = 64 };

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP koban_%s %s\n# TYPE koban_%s %s\n", name, help, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
	head(out, name, type, help);
	buf_printf(out, "koban_%s %llu\n", name, (unsigned long long)v);
}

static void add_label(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '"' || s.s[i] == '\\')
			buf_add_char(out, '\\');
		buf_add(out, s.s[i] == '\n' ? STR("\\n") : str_make(s.s + i, 1));
	}
}

static void add_drops(const struct live_snapshot *s, struct buf *out)
{
	const struct {
		const char *cause;
		uint64_t n;
	} rows[] = {
		{"ring_full", s->sensor.drop_ring},
		{"record_size", s->sensor.drop_size},
		{"undecodable", s->sensor.bad},
	};

	head(out, "drops_total", "counter", "Events that were lost, by cause.");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		buf_printf(out, "koban_drops_total{cause=\"%s\"} %llu\n", rows[i].cause,
			(unsigned long long)rows[i].n);
}

static void add_rules(const struct detect *d, struct buf *out)
{
	const struct ruleset *rs = detect_ruleset(d);
	static const char *const names[] = {
		"rule_matches_total", "rule_evaluations_total", "rule_cost_nanoseconds_total"};
	static const char *const helps[] = {"Findings by rule.", "Events that a rule looked at.",
		"CPU time spent on a rule, from a sample of the events."};

	for (int k = 0; k < 3; k++) {
		head(out, names[k], "counter", helps[k]);
		for (size_t i = 0; i < rs->nrules; i++) {
			const struct rule *r = rs->rules[i];
			const struct rule_stats *st =
				r->enabled ? detect_rule_stats(d, r->index) : NULL;

			if (!st)
				continue;
			buf_printf(out, "koban_%s{rule=\"", names[k]);
			add_label(out, r->name);
			buf_printf(out, "\",priority=\"%s\"} %llu\n", priority_name(r->priority),
				(unsigned long long)(k == 0   ? st->matches
						     : k == 1 ? st->evals
							      : st->cost_ns));
		}
	}
}

static void add_outputs(const struct outputs *o, struct buf *out)
{
	struct output_counters rows[OUTPUTS_SHOWN];
	size_t n = o ? outputs_counters(o, rows, OUTPUTS_SHOWN) : 0;
	static const char *const names[] = {"output_sent_total", "output_dropped_total",
		"output_folded_total", "output_failed_tries_total", "output_spool_bytes",
		"output_queue_depth", "output_up"};

	for (int k = 0; k < 7; k++) {
		head(out, names[k], k < 4 ? "counter" : "gauge", "By output.");
		for (size_t i = 0; i < n; i++) {
			const uint64_t values[] = {rows[i].sent, rows[i].dropped, rows[i].folded,
				rows[i].failed_tries, rows[i].spool_bytes, rows[i].queue_depth,
				rows[i].is_up};

			buf_printf(out, "koban_%s{output=\"%s\"} %llu\n", names[k], rows[i].name,
				(unsigned long long)values[k]);
		}
	}
}

static void add_state(const struct live_snapshot *s, struct buf *out)
{
	one(out, "processes", "gauge", "Processes that are alive.", s->state.processes);
	one(out, "process_tombstones", "gauge", "Dead processes that children still name.",
		s->state.tombstones);
	one(out, "containers", "gauge", "Containers that are known.", s->state.containers);
	one(out, "evicted_processes_total", "counter", "Live processes forgotten at the cap.",
		s->state.evicted_live);
	one(out, "evicted_tombstones_total", "counter", "Dead processes forgotten at the cap.",
		s->state.evicted_tombstones);
	one(out, "repaired_processes_total", "counter", "Unknown processes read from /proc.",
		s->state.repaired);
	one(out, "stub_processes_total", "counter", "Unknown processes that were gone already.",
		s->state.stubs);
	one(out, "container_misses_total", "counter", "Containers whose bundle was not found.",
		s->state.container_misses);
}

void live_format_metrics(const struct live_snapshot *s, const struct detect *d,
	const struct outputs *outputs, struct buf *out)
{
	one(out, "events_in_total", "counter",
		"Wanted events that happened, counted in the kernel.", s->sensor.in);
	one(out, "events_total", "counter", "Events read from the kernel.", s->events);
	one(out, "events_matched_total", "counter", "Events that matched a rule.", s->matched);
	one(out, "events_unmatched_total", "counter", "Events that matched no rule.", s->unmatched);
	one(out, "events_dull_total", "counter",
		"Calls that no rule can match, kept in the kernel.", s->sensor.dull);
	one(out, "events_state_total", "counter", "Events that only change state.", s->state_only);
	add_drops(s, out);
	one(out, "findings_total", "counter", "Findings.", s->findings);
	one(out, "paths_cut_total", "counter", "Paths too deep to be resolved whole.",
		s->sensor.path_cut);
	one(out, "ring_bytes_used", "gauge", "Bytes waiting in the ring buffer.",
		s->sensor.ring_used);
	one(out, "ring_bytes_size", "gauge", "Size of the ring buffer.", s->sensor.ring_size);
	one(out, "memory_rss_bytes", "gauge", "Resident memory.", s->rss_bytes);
	head(out, "cpu_percent", "gauge", "CPU of the last second, of one core.");
	buf_printf(out, "koban_cpu_percent %.2f\n", s->cpu_percent);
	one(out, "rules_enabled", "gauge", "Rules that are on.", s->nrules);
	one(out, "known_paths", "gauge", "Named files that are known by inode.", s->nknown);
	one(out, "reloads_total", "counter", "Rule reloads.", s->reloads);
	one(out, "failed_reloads_total", "counter", "Rule reloads that had errors.",
		s->failed_reloads);
	one(out, "event_path_mallocs_total", "counter",
		"Allocations on the event path; stands still once it is warm.", s->mallocs);
	one(out, "uptime_seconds", "gauge", "Time since the start.", s->up_s);
	add_state(s, out);
	add_outputs(outputs, out);
	add_rules(d, out);
}

void live_format_sum(const struct live_snapshot *s, struct buf *out)
{
	uint64_t lost = s->sensor.drop_ring + s->sensor.drop_size + s->sensor.bad;
	uint64_t sum = s->matched + s->unmatched + s->state_only + s->sensor.dull + lost;

	buf_printf(out,
		"%llu events in = %llu matched + %llu unmatched + %llu dull + %llu state + "
		"%llu ring full + %llu too large + %llu undecodable",
		(unsigned long long)s->sensor.in, (unsigned long long)s->matched,
		(unsigned long long)s->unmatched, (unsigned long long)s->sensor.dull,
		(unsigned long long)s->state_only, (unsigned long long)s->sensor.drop_ring,
		(unsigned long long)s->sensor.drop_size, (unsigned long long)s->sensor.bad);
	if (sum != s->sensor.in)
		buf_printf(out, " (%lld not accounted for)", (long long)(s->sensor.in - sum));
	buf_printf(out, "; %llu findings", (unsigned long long)s->findings);
}
