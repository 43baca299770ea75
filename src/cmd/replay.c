/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban replay: the rules over a capture. The same detector and the same outputs as the live watch;
 * only the source differs, so that a rule that fires here fires there. Nothing of this machine has
 * a part in it: no root, no /proc, no name server, and no output that was not asked for by name.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "cmd/options.h"
#include "cmd/progress.h"
#include "cmd/setup.h"
#include "cmd/stop.h"
#include "cmd/stream.h"
#include "cmd/verbs.h"

enum {
	DRAIN_MS = 10000,
	QUEUE_FINDINGS = 8192,
	LOOK_EVERY = QUEUE_FINDINGS / 4, /* findings, between two looks at the queues */
	STUCK_NS = 1000000000,           /* an output that takes nothing so long is left behind */
	OUTPUTS_LOOKED_AT = 64,
	NAP_NS = 100000000,
	NO_PRIORITY = -1,
};

static const char help[] =
	"usage: koban replay FILE [-r RULES]… [OPTION]…\n"
	"\n"
	"Judges a capture (.scap; \"-\" is standard input) by rules, as `koban watch` judges this\n"
	"machine: the same findings for the same events. Needs no root.\n"
	"Findings go to stdout, a summary to stderr.\n"
	"\n"
	"  -r, --rules PATH      a rule file or a folder of them; may be given often\n"
	"  -c, --config FILE     instead of /etc/koban/koban.yaml\n"
	"  -o, --option K=V      overrides a key of the configuration: -o priority=warning\n"
	"      --json            findings as JSON lines, Falco's keys\n"
	"      --realtime[=X]    as fast as it happened; X times as fast\n"
	"      --fail-on PRIO    exit with 1 when a finding has this priority or a higher one\n"
	"  -n, --events N        stop after N events\n"
	"  -q, --quiet           errors only on stderr\n"
	"  -h, --help            this text\n"
	"\n"
	"Outputs besides stdout are used only if -c or -o names them, so that old alerts do not\n"
	"reach whoever is on call.\n"
	"\n"
	"examples:\n"
	"  koban replay attack.scap -r my_rules.yaml\n"
	"  koban replay attack.scap -r my_rules.yaml --json | jq .rule\n"
	"  koban replay clean.scap -r my_rules.yaml --fail-on debug    for a pipeline: must be "
	"silent\n"
	"  zstdcat old.scap.zst | koban replay - -r my_rules.yaml\n";

struct replay_options {
	const char *path;
	struct live_options common; /* config_path, overrides, rules, json, is_quiet */
	double speed;               /* 0 = as fast as it can */
	uint64_t max_events;
	int fail_on; /* enum priority, or NO_PRIORITY */
};

struct replay {
	const struct replay_options *o;
	struct config *config;
	struct ruleset *ruleset;
	struct detect *detect;
	struct stream *stream;
	struct outputs *outputs;
	struct progress progress;
	uint64_t started_ns, first_ts_ns, took_ns;
	uint64_t events, shown, matched, findings; /* shown: those that are judged */
	enum priority worst;                       /* PRIORITY_COUNT = none */
};

/* ---- the loop ----------------------------------------------------------------------------- */

/* The findings that wait in the fullest queue; all that were taken, to see whether one moves. */
static uint64_t look_at_queues(const struct replay *r, uint64_t *ret_gone)
{
	struct output_counters rows[OUTPUTS_LOOKED_AT];
	size_t n = outputs_counters(r->outputs, rows, OUTPUTS_LOOKED_AT);
	uint64_t deepest = 0;

	*ret_gone = 0;
	for (size_t i = 0; i < n; i++) {
		deepest = rows[i].queue_depth > deepest ? rows[i].queue_depth : deepest;
		*ret_gone += rows[i].sent + rows[i].dropped;
	}
	return deepest;
}

/*
 * A watch never waits for an output, as the kernel does not wait for a watch. A replay can wait,
 * and must: a queue would overflow within a blink.
 */
static void wait_for_outputs(const struct replay *r)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	uint64_t gone, last_gone = 0, since_ns = clock_boot_ns();

	while (!stop_asked() && look_at_queues(r, &gone) > QUEUE_FINDINGS / 2) {
		if (gone != last_gone)
			since_ns = clock_boot_ns();
		else if (clock_boot_ns() - since_ns > STUCK_NS)
			return;
		last_gone = gone;
		nanosleep(&nap, NULL);
	}
}

static void emit(const struct finding *f, const struct rule *rule, void *arg)
{
	struct replay *r = arg;

	if (f->priority < r->worst)
		r->worst = f->priority;
	if (++r->findings % LOOK_EVERY == 0)
		wait_for_outputs(r);
	outputs_emit(r->outputs, f);
}

/* Sleeps until the event is due; short naps, so that a signal is not kept waiting. */
static void keep_time(struct replay *r, uint64_t ts_ns)
{
	if (!r->first_ts_ns)
		r->first_ts_ns = ts_ns;
	if (ts_ns <= r->first_ts_ns)
		return;
	uint64_t due_ns =
		r->started_ns + (uint64_t)((double)(ts_ns - r->first_ts_ns) / r->o->speed);
	for (uint64_t now = clock_boot_ns(); now < due_ns && !stop_asked(); now = clock_boot_ns()) {
		uint64_t rest = due_ns - now < NAP_NS ? due_ns - now : NAP_NS;
		struct timespec nap = {.tv_nsec = (long)rest};

		nanosleep(&nap, NULL);
	}
}

static void judge(struct replay *r, const struct field_subject *s)
{
	r->events++;
	if (r->o->speed > 0)
		keep_time(r, s->ev->ts_ns);
	if (!s->ev->def || s->ev->is_state_only)
		return;
	r->shown++;
	if (detect_event(r->detect, s->ev, s->proc, s->state, emit, r))
		r->matched++;
}

/* 0 at the end, -errno where the capture is damaged: what came before counts all the same. */
static int run(struct replay *r, struct err *e)
{
	struct field_subject s;
	int n = 0;

	r->started_ns = clock_boot_ns();
	progress_start(&r->progress, !r->o->common.is_quiet, false);
	while (!stop_asked() && (!r->o->max_events || r->events < r->o->max_events)) {
		n = stream_next(r->stream, 0, &s, e);
		if (n < 0)
			break;
		judge(r, &s);
		if (progress_is_due(&r->progress))
			progress_draw(&r->progress, stream_progress(r->stream), r->events);
	}
	r->took_ns = clock_boot_ns() - r->started_ns;
	progress_hide(&r->progress);
	return n < 0 && n != -ENODATA ? n : 0;
}

/* ---- the summary -------------------------------------------------------------------------- */

static int compare_rules(const void *a, const void *b, void *arg)
{
	const struct detect *d = arg;
	const struct rule *x = *(const struct rule *const *)a, *y = *(const struct rule *const *)b;
	uint64_t nx = detect_rule_stats(d, x->index)->matches;
	uint64_t ny = detect_rule_stats(d, y->index)->matches;

	return nx != ny ? (nx < ny) - (nx > ny) : (x->index > y->index) - (x->index < y->index);
}

static void add_rules(const struct replay *r, struct buf *out)
{
	const struct rule **hit = calloc(r->ruleset->nrules + 1, sizeof(*hit));
	size_t n = 0;

	for (size_t i = 0; hit && i < r->ruleset->nrules; i++)
		if (detect_rule_stats(r->detect, (uint32_t)i)->matches)
			hit[n++] = r->ruleset->rules[i];
	if (n)
		qsort_r((void *)hit, n, sizeof(*hit), compare_rules, r->detect);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%8llu  %-13s %.*s\n",
			(unsigned long long)detect_rule_stats(r->detect, hit[i]->index)->matches,
			priority_name(hit[i]->priority), STR_ARG(hit[i]->name));
	free((void *)hit);
}

static void add_odd(const char *what, uint64_t n, struct buf *out)
{
	if (n)
		buf_printf(out, "%8llu  %s\n", (unsigned long long)n, what);
}

static void summarise(const struct replay *r)
{
	const struct capture_info *c = stream_capture(r->stream);
	struct buf out = BUF_INIT(1 << 20);

	buf_printf(&out,
		"%llu events judged of %llu in the file, in %.3f s: %.0f a second; %llu matched, "
		"%llu findings\n",
		(unsigned long long)r->shown, (unsigned long long)c->events,
		(double)r->took_ns / 1e9,
		r->took_ns ? (double)c->events * 1e9 / (double)r->took_ns : 0.0,
		(unsigned long long)r->matched, (unsigned long long)r->findings);
	add_rules(r, &out);
	add_odd("events of a kind that koban does not know", c->unknown_events, &out);
	add_odd("calls whose end is not in the file", c->lone_enters, &out);
	add_odd("blocks of a kind that koban does not know", c->unknown_blocks, &out);
	add_odd("damaged processes, descriptors or users, passed over", c->bad_entries, &out);
	io_write_all(STDERR_FILENO, buf_str(&out));
	buf_done(&out);
}

/* ---- open and close ----------------------------------------------------------------------- */

/* Does -o name this output: "http_output.…", or the list "outputs"? */
static bool is_named(const struct replay *r, enum output_kind kind)
{
	static const char *const sections[OUTPUT_KIND_COUNT] = {"stdout_output", "file_output",
		"syslog_output", "program_output", "http_output", "store_output"};
	const struct live_options *o = &r->o->common;

	for (size_t i = 0; i < o->noverrides; i++) {
		struct str key = str_of(o->overrides[i]);

		if (str_starts(key, str_of(sections[kind])) || str_starts(key, STR("outputs[")) ||
			str_starts(key, STR("outputs=")))
			return true;
	}
	return o->config_path || kind == OUTPUT_STDOUT;
}

static void choose_outputs(struct replay *r)
{
	struct outputs_options *o = &r->config->outputs;
	struct output_config *oc = (struct output_config *)o->outputs;
	size_t n = 0;

	for (size_t i = 0; i < o->noutputs; i++) {
		if (!is_named(r, oc[i].kind))
			continue;
		oc[n] = oc[i];
		oc[n].json |= r->o->common.json;
		oc[n].fold = false; /* a second of a replay is a day of the capture */
		n++;
	}
	o->noutputs = n;
	o->spool_dir = NULL; /* a watch's */
	o->queue_capacity = QUEUE_FINDINGS;
}

/*
 * Only standard output can do without names, sockets and programs; another output was asked for by
 * name, and then the capture is read without a cell.
 */
static int open_stream(struct replay *r, struct err *e)
{
	const struct cell_options cell = {.threads = true};
	struct stream_options o = {.path = r->o->path, .state = &r->config->state, .cell = &cell};

	for (size_t i = 0; i < r->config->outputs.noutputs; i++)
		if (r->config->outputs.outputs[i].kind != OUTPUT_STDOUT)
			o.cell = NULL;
	return stream_open(&o, &r->stream, e);
}

static int open_all(struct replay *r, struct err *e)
{
	const struct live_options *o = &r->o->common;
	int n = setup_config(
		o->config_path, o->overrides, o->noverrides, o->is_quiet, &r->config, e);

	if (n < 0)
		return n;
	r->config->resolve_names = false; /* today's answers are not those of then */
	if ((n = setup_rules(r->config, o->rules, o->nrules, r->config->suggested_output,
		     &r->ruleset, e)) < 0)
		return n;
	choose_outputs(r);
	/* its cell comes before outputs start threads */
	if ((n = open_stream(r, e)) < 0 ||
		(n = outputs_open(&r->config->outputs, &r->outputs, e)) < 0)
		return n;
	const struct capture_info *c = stream_capture(r->stream);
	return setup_detect(
		r->config, r->ruleset, c->has_machine ? c->machine.hostname : "", &r->detect, e);
}

static uint64_t count_lost(const struct replay *r)
{
	struct output_counters rows[OUTPUTS_LOOKED_AT];
	size_t n = outputs_counters(r->outputs, rows, OUTPUTS_LOOKED_AT);
	uint64_t lost = 0;

	for (size_t i = 0; i < n; i++)
		lost += rows[i].dropped;
	return lost;
}

static void close_all(struct replay *r)
{
	if (r->outputs) {
		uint64_t lost = count_lost(r);

		if (lost)
			log_warn("%llu findings were not taken by an output",
				(unsigned long long)lost);
		outputs_close(r->outputs, DRAIN_MS);
	}
	detect_free(r->detect);
	stream_close(r->stream);
	if (r->ruleset)
		ruleset_unref(r->ruleset);
	if (r->config)
		config_free(r->config);
}

/* ---- the verb ----------------------------------------------------------------------------- */

static int wrong(const char *what, const char *arg)
{
	fprintf(stderr, "koban: %s '%s'; --help shows the usage\n", what, arg);
	return 2;
}

enum { OPT_JSON = 256, OPT_REALTIME, OPT_FAIL_ON };

/* -1 to go on, else the exit code. */
static int take_option(struct replay_options *o, int c)
{
	enum priority fail_on;

	switch (c) {
	case 'r':
	case 'o':
		live_options_add(&o->common, c, optarg);
		return -1;
	case 'c':
		o->common.config_path = optarg;
		return -1;
	case 'q':
		o->common.is_quiet = true;
		return -1;
	case 'n':
		return str_to_u64(str_of(optarg), 10, &o->max_events) && o->max_events
			       ? -1
			       : wrong("not a number of events:", optarg);
	case OPT_JSON:
		o->common.json = true;
		return -1;
	case OPT_REALTIME:
		o->speed = 1;
		return !optarg || (str_to_double(str_of(optarg), &o->speed) && o->speed > 0)
			       ? -1
			       : wrong("not a speed:", optarg);
	case OPT_FAIL_ON:
		if (!priority_parse(str_of(optarg), &fail_on))
			return wrong("not a priority:", optarg);
		o->fail_on = (int)fail_on;
		return -1;
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		fputs("--help shows the usage\n", stderr);
		return 2;
	}
}

static int parse(struct replay_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"rules", required_argument, NULL, 'r'},
		{"config", required_argument, NULL, 'c'},
		{"option", required_argument, NULL, 'o'},
		{"events", required_argument, NULL, 'n'},
		{"json", no_argument, NULL, OPT_JSON},
		{"realtime", optional_argument, NULL, OPT_REALTIME},
		{"fail-on", required_argument, NULL, OPT_FAIL_ON},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c, code = -1;

	while (code < 0 && (c = getopt_long(argc, argv, "r:c:o:n:qh", longs, NULL)) != -1)
		code = take_option(o, c);
	if (code >= 0)
		return code;
	if (optind == argc) {
		fputs("koban: which capture? koban replay FILE -r RULES; --help shows the usage\n",
			stderr);
		return 2;
	}
	o->path = argv[optind++];
	return optind < argc ? wrong("unexpected argument", argv[optind]) : -1;
}

static int replay(const struct replay_options *o)
{
	struct replay r = {.o = o, .worst = PRIORITY_COUNT};
	struct err e = {0};
	int n = open_all(&r, &e);

	if (n == 0) {
		n = run(&r, &e);
		wait_for_outputs(&r);
		if (!o->common.is_quiet)
			summarise(&r);
	}
	if (n < 0)
		log_error("%s", e.msg);
	close_all(&r);
	if (n < 0)
		return 2;
	return o->fail_on != NO_PRIORITY && (int)r.worst <= o->fail_on;
}

int cmd_replay(int argc, char **argv)
{
	struct replay_options o = {.fail_on = NO_PRIORITY};
	int code = parse(&o, argc, argv);

	if (code < 0) {
		stop_on_signals();
		code = replay(&o);
	}
	live_options_done(&o.common);
	return code;
}
