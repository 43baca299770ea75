/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live detection, wired. One thread owns the sensor, the state and the rules: next, apply, judge,
 * emit, reset. Once a second it does what is not on the event path: counters, named files, reload.
 */
#include "cmd/live.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "cmd/link.h"
#include "cmd/privileges.h"
#include "cmd/record.h"
#include "cmd/reload.h"
#include "cmd/setup.h"

enum {
	EVENT_ARENA_BYTES = 16 << 20,
	EVENT_ARENA_WARM = 256 << 10, /* more than an event of the longest strings takes */
	METRICS_BYTES = 4 << 20,
	TICK_NS = 1000000000,
	DRAIN_MS = 3000,
	CONTAINERS_MET = 512,
};

struct live {
	struct live_options options;
	struct config *config;
	const char **paths; /* of rules: -r's or the configuration's, then the console's */
	size_t npaths;
	struct ruleset *ruleset;
	struct detect *detect;
	struct state *state;
	struct sensor *sensor;
	struct outputs *outputs;
	struct metrics_server *metrics;
	struct reload *reload;
	struct recorder *recorder; /* NULL = off */
	uint64_t recorder_told;
	struct link *link;          /* to a store; NULL = none */
	const struct process *proc; /* who acted in the event at hand */
	struct arena arena;         /* of one event */
	char hostname[256];
	uint64_t started_ns, next_tick_ns, ends_ns;
	uint64_t last_events, last_cpu_ns, last_tick_ns;
	uint64_t names_stamp, dull_lost; /* when dull calls were last forgotten */
	bool paths_moved;
	const struct container *last_container; /* compared, never followed */
	uint64_t met[CONTAINERS_MET]; /* containers whose files are known: hashes of ids */
	size_t nmet;
	struct live_snapshot now; /* the owner's */
	pthread_mutex_t lock;     /* of what other threads read: */
	struct live_snapshot shared;
	struct buf metrics_text;
};

static volatile sig_atomic_t asked_to_stop, asked_to_reload, asked_to_reopen;

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		asked_to_reload = 1;
	else if (sig == SIGUSR1)
		asked_to_reopen = 1;
	else
		asked_to_stop = 1;
}

static void catch_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};
	const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void metrics_text(struct buf *out, void *arg)
{
	struct live *l = arg;

	pthread_mutex_lock(&l->lock);
	buf_add(out, buf_str(&l->metrics_text));
	pthread_mutex_unlock(&l->lock);
}

/* ---- rules ------------------------------------------------------------------------------- */

static int choose_paths(struct live *l, struct err *e)
{
	const struct live_options *o = &l->options;
	const char *const *paths = o->nrules ? o->rules : l->config->rules_files;
	size_t n = o->nrules ? o->nrules : l->config->nrules_files;
	const char *edited = l->config->store.rules_dir;

	l->paths = calloc(n + 2, sizeof(*l->paths));
	if (!l->paths)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		l->paths[l->npaths++] = paths[i];
	/* only beside others: a folder that may be empty is no set of rules */
	if (n && edited && access(edited, X_OK) == 0)
		l->paths[l->npaths++] = edited;
	return 0;
}

static int load_rules(struct live *l, struct ruleset **ret, struct err *e)
{
	bool suggested = l->config->suggested_output && !l->options.on_screen;

	return setup_rules(l->config, l->paths, l->npaths, suggested, ret, e);
}

static bool wants_all(const struct live *l)
{
	return l->options.all_events || l->config->sensor.all_events;
}

/* What the rules need, and what a recording does. */
static void want(const struct live *l, uint64_t codes[SENSOR_CODE_WORDS])
{
	memcpy(codes, l->ruleset->codes, sizeof(l->ruleset->codes));
	if (l->config->recorder.enabled)
		record_want(codes);
}

/* What no rule wants still belongs into a recording. */
static unsigned can_push(const struct live *l)
{
	static const unsigned bits[PUSH_KINDS] = {
		[PUSH_OPEN] = SENSOR_PUSH_OPENS,
		[PUSH_SOCKET] = SENSOR_PUSH_SOCKETS,
		[PUSH_CONNECT] = SENSOR_PUSH_CONNECTS,
		[PUSH_OWN_SOCKET] = SENSOR_PUSH_OWN_SOCKETS,
		[PUSH_OWN_CONNECT] = SENSOR_PUSH_OWN_CONNECTS,
	};
	unsigned push = 0;

	if (!l->config->sensor.pushdown || l->config->recorder.enabled)
		return 0;
	for (size_t i = 0; i < PUSH_KINDS; i++)
		push |= l->ruleset->push[i].is_on ? bits[i] : 0;
	/* whom a process spoke to is worth knowing around a finding */
	if (l->config->store.enabled && l->config->store.around)
		push &= ~(unsigned)(SENSOR_PUSH_CONNECTS | SENSOR_PUSH_OWN_CONNECTS);
	return push;
}

static void tell_names(struct live *l)
{
	const struct ruleset *rs = l->ruleset;
	static const int how[] = {[MARK_IS] = SENSOR_NAME_IS,
		[MARK_STARTS] = SENSOR_NAME_STARTS,
		[MARK_ENDS] = SENSOR_NAME_ENDS,
		[MARK_HAS] = SENSOR_NAME_HAS};
	struct sensor_name *names =
		rs->can_push_folders ? calloc(rs->nname_marks + 1, sizeof(*names)) : NULL;

	for (size_t i = 0; names && i < rs->nname_marks; i++) {
		names[i].how = how[rs->name_marks[i].kind];
		names[i].text = rs->name_marks[i].text;
	}
	sensor_tell_names(l->sensor, names, rs->nname_marks);
	free(names);
}

static void tell_sensor(struct live *l)
{
	const struct ruleset *rs = l->ruleset;
	uint64_t codes[SENSOR_CODE_WORDS];
	struct sensor_path *paths = calloc(rs->npaths ? rs->npaths : 1, sizeof(*paths));

	want(l, codes);
	tell_names(l);
	sensor_want(l->sensor, codes, wants_all(l), can_push(l));
	if (!paths)
		return;
	for (size_t i = 0; i < rs->npaths; i++)
		paths[i].path = rs->paths[i].path;
	l->now.nknown = sensor_know(l->sensor, paths, rs->npaths);
	memset(l->met, 0, sizeof(l->met)); /* what containers have is learnt anew */
	l->last_container = NULL;
	free(paths);
}

static void reload_rules(struct live *l)
{
	struct ruleset *rs = NULL;
	struct err e = {0};

	if (load_rules(l, &rs, &e) < 0 || detect_swap(l->detect, rs, &e) < 0) {
		if (rs)
			ruleset_unref(rs);
		l->now.failed_reloads++;
		log_error("reload: %s; the rules from before go on", e.msg);
		return;
	}
	ruleset_unref(l->ruleset);
	l->ruleset = rs;
	tell_sensor(l);
	l->now.reloads++;
	l->now.nrules = setup_count_rules(rs);
	l->now.nsyscalls = setup_count_codes(rs);
	log_info("reload: %zu rules are on", l->now.nrules);
}

/* ---- once a second ------------------------------------------------------------------------ */

static uint64_t read_rss(void)
{
	char text[256];
	ptrdiff_t n = io_read_proc("/proc/self/statm", text, sizeof(text) - 1);
	struct str s = str_make(text, n > 0 ? (size_t)n : 0);
	uint64_t pages = 0;

	str_cut(&s, ' ');
	str_to_u64(str_cut(&s, ' '), 10, &pages);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void share(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->shared = l->now;
	buf_clear(&l->metrics_text);
	live_format_metrics(&l->now, l->detect, l->outputs, &l->metrics_text);
	pthread_mutex_unlock(&l->lock);
}

static void measure(struct live *l, uint64_t now_ns)
{
	uint64_t cpu_ns = clock_cpu_ns(), wall_ns = now_ns - l->last_tick_ns;

	l->now.sensor = sensor_counters(l->sensor);
	l->now.state = state_counters(l->state);
	l->now.rss_bytes = read_rss();
	l->now.up_s = (now_ns - l->started_ns) / NSEC_PER_SEC;
	if (wall_ns) {
		l->now.cpu_percent = 100.0 * (double)(cpu_ns - l->last_cpu_ns) / (double)wall_ns;
		l->now.events_per_s = (l->now.events - l->last_events) * NSEC_PER_SEC / wall_ns;
	}
	l->last_cpu_ns = cpu_ns;
	l->last_events = l->now.events;
	l->last_tick_ns = now_ns;
	l->now.mallocs = l->arena.nmallocs + detect_mallocs(l->detect);
}

/* What was dull may not be so any more: a host name in a rule has other addresses, or a process is
 * not the one that it was taken for, since its exec was lost. */
static void forget_dull(struct live *l)
{
	uint64_t stamp = detect_names_stamp(l->detect);
	uint64_t lost = l->now.sensor.drop_ring + l->now.sensor.drop_size;

	if (stamp != l->names_stamp || lost != l->dull_lost)
		sensor_forget_dull(l->sensor, stamp == l->names_stamp);
	l->names_stamp = stamp;
	l->dull_lost = lost;
}

static void tick(struct live *l, uint64_t now_ns)
{
	measure(l, now_ns);
	sensor_tick(l->sensor);
	forget_dull(l);
	l->paths_moved = false;
	state_tick(l->state, clock_epoch_ns());
	if (l->recorder)
		record_tick(l->recorder, clock_epoch_ns(), &l->recorder_told);
	link_tick(l->link, &l->now, l->state);
	if (asked_to_reopen) {
		asked_to_reopen = 0;
		outputs_reopen(l->outputs);
	}
	if (reload_is_due(l->reload) || asked_to_reload) {
		asked_to_reload = 0;
		reload_rules(l);
	}
	share(l);
	l->next_tick_ns = now_ns + TICK_NS;
}

/* ---- the loop ----------------------------------------------------------------------------- */

static void emit(const struct finding *f, const struct rule *rule, void *arg)
{
	struct live *l = arg;

	l->now.findings++;
	l->now.by_priority[f->priority]++;
	if (l->recorder) {
		struct finding with = record_finding(l->recorder, l->config, f, rule, &l->arena);

		outputs_emit(l->outputs, &with);
	} else {
		outputs_emit(l->outputs, f);
	}
	link_finding(l->link, f, l->proc);
}

static bool has_host_root(int fd)
{
	struct stat host, theirs;

	return stat("/", &host) == 0 && fstat(fd, &theirs) == 0 && host.st_dev == theirs.st_dev &&
	       host.st_ino == theirs.st_ino;
}

/*
 * The first program that a container executes in its own root: what rules name is learnt in its
 * file system too. The runtime's own steps before that still see the host's.
 */
static void meet_container(struct live *l, const struct process *proc)
{
	uint64_t hash = str_hash(proc->container->full_id);
	char root[64];

	for (size_t i = 0; i < CONTAINERS_MET; i++)
		if (l->met[i] == hash)
			return;
	snprintf(root, sizeof(root), "/proc/%u/root", proc->pid);
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return; /* it ended already */
	if (!has_host_root(fd)) {
		sensor_know_inside(l->sensor, fd);
		l->met[l->nmet++ % CONTAINERS_MET] = hash;
		l->last_container = proc->container;
	}
	close(fd);
}

/* Which calls like this one can stay in the kernel from now on. */
static void judge_kind(
	struct live *l, const struct event *ev, const struct process *proc, bool has_matched)
{
	bool is_asked = sensor_asks_for_folder(l->sensor), is_folder_dull = false;

	if (is_asked) {
		is_folder_dull = detect_is_folder_dull(l->detect, ev, proc, l->state);
		sensor_tell_folder(l->sensor, is_folder_dull);
	}
	if (is_folder_dull || has_matched)
		return;
	enum dull dull = detect_is_dull(l->detect, ev, proc, l->state);
	if (dull)
		sensor_dull(l->sensor, dull == DULL_OF_ONE);
}

static void judge(struct live *l, struct event *ev)
{
	if (l->recorder)
		state_complete(l->state, &l->arena, ev);
	const struct process *proc = state_apply(l->state, ev);

	state_fill(l->state, proc, &l->arena, ev);
	if (l->recorder)
		recorder_event(l->recorder, ev, proc);
	link_event(l->link, ev, proc);
	l->proc = proc;

	l->now.events++;
	if (proc->container && ev->exepath.len && proc->container != l->last_container)
		meet_container(l, proc);
	if (!ev->def) {
		l->now.state_only++;
		return;
	}
	bool has_matched = detect_event(l->detect, ev, proc, l->state, emit, l) > 0;

	l->now.matched += has_matched;
	l->now.unmatched += !has_matched;
	if (sensor_can_be_dull(l->sensor))
		judge_kind(l, ev, proc, has_matched);
	l->paths_moved |= sensor_is_rename(ev);
}

int live_run(struct live *l, struct err *e)
{
	struct event ev;
	uint64_t now_ns = clock_boot_ns();

	while (!asked_to_stop && (!l->ends_ns || now_ns < l->ends_ns)) {
		arena_reset(&l->arena);
		int r = sensor_next(l->sensor, &l->arena, 100, &ev);

		if (r < 0)
			return err_set(e, -r, "the sensor stopped: %s", strerror(-r));
		if (r > 0)
			judge(l, &ev);
		/* a clock read every 64 events, and whenever nothing comes */
		if (r == 0 || (l->now.events & 63) == 0)
			now_ns = clock_boot_ns();
		if (now_ns >= l->next_tick_ns || (l->paths_moved && r == 0))
			tick(l, now_ns);
	}
	return 0;
}

/* What is still in the ring buffer is judged too; after it the counters add up. */
static void drain(struct live *l)
{
	struct event ev;
	uint64_t none[SENSOR_CODE_WORDS] = {0}, until_ns = clock_boot_ns() + NSEC_PER_SEC;

	sensor_stop(l->sensor);
	sensor_want(l->sensor, none, false, 0);
	while (clock_boot_ns() < until_ns) {
		arena_reset(&l->arena);
		if (sensor_next(l->sensor, &l->arena, 0, &ev) <= 0)
			break;
		judge(l, &ev);
	}
	measure(l, clock_boot_ns());
	l->now.final = true;
	share(l);
}

/* ---- open and close ----------------------------------------------------------------------- */

static int open_outputs(struct live *l, struct err *e)
{
	struct output_config *oc = (struct output_config *)l->config->outputs.outputs;

	for (size_t i = 0; i < l->config->outputs.noutputs; i++) {
		bool is_screen = l->options.on_screen && oc[i].kind == OUTPUT_STDOUT;

		oc[i].json |= l->options.json;
		oc[i].fold = (oc[i].fold || is_screen) && !l->options.no_fold && !l->options.json;
		oc[i].colour |= is_screen && l->options.colour;
	}
	return outputs_open(&l->config->outputs, &l->outputs, e);
}

static int open_rules(struct live *l, struct err *e)
{
	int r = load_rules(l, &l->ruleset, e);

	if (r < 0)
		return r;
	l->now.nrules = setup_count_rules(l->ruleset);
	l->now.nsyscalls = setup_count_codes(l->ruleset);
	return 0;
}

static int open_detect(struct live *l, struct err *e)
{
	return setup_detect(l->config, l->ruleset, l->hostname, &l->detect, e);
}

static int open_sensor(struct live *l, struct err *e)
{
	uint64_t codes[SENSOR_CODE_WORDS];
	struct state_options so = l->config->state;
	struct sensor_options o = {
		.codes = codes,
		.all_events = wants_all(l),
		.push = can_push(l),
		.want_latency = l->ruleset->needs_latency,
		.snaplen = l->config->sensor.snaplen,
		.ring_bytes = l->config->sensor.ring_bytes,
		.priority_boost = l->config->sensor.priority_boost,
	};
	want(l, codes);
	int r = sensor_open(&o, &l->sensor, e);

	if (r < 0)
		return r;
	tell_sensor(l);
	so.descriptors = l->config->recorder.enabled;
	l->state = state_new(&so, e);
	/* after the sensor is attached, so that no process falls between */
	r = l->state ? state_seed(l->state, e) : -ENOMEM;
	return r < 0 || !so.descriptors ? r : state_seed_descriptors(l->state, e);
}

static void read_hostname(struct live *l)
{
	const char *name = getenv("FALCO_HOSTNAME");

	if (name)
		snprintf(l->hostname, sizeof(l->hostname), "%s", name);
	else if (gethostname(l->hostname, sizeof(l->hostname) - 1) < 0)
		snprintf(l->hostname, sizeof(l->hostname), "localhost");
}

/* The names that Falco's /versions has, for those who ask by them. */
static int tell_versions(struct live *l, struct err *e)
{
	struct buf json = BUF_INIT(4096);

	buf_printf(&json, "{\"koban_version\":\"%s\",\"engine_version_semver\":\"%s\"}",
		KOBAN_VERSION, rules_engine_version);
	int r = metrics_server_set_versions(l->metrics, json.s);
	buf_done(&json);
	return r < 0 ? err_set(e, -r, "webserver: out of memory") : 0;
}

static int open_all(struct live *l, struct err *e)
{
	const struct live_options *o = &l->options;
	int r = setup_config(
		o->config_path, o->overrides, o->noverrides, o->is_quiet, &l->config, e);

	if (r < 0)
		return r;
	read_hostname(l);
	if ((r = choose_paths(l, e)) < 0)
		return r;
	/* capabilities are a thread's own: they go before outputs and resolver start theirs */
	if ((r = open_rules(l, e)) < 0 || (r = open_sensor(l, e)) < 0 ||
		(r = privileges_drop(e)) < 0 || (r = open_detect(l, e)) < 0 ||
		(r = record_open(l->config, l->state, &l->recorder, e)) < 0 ||
		(r = open_outputs(l, e)) < 0 ||
		(r = link_open(l->config, l->outputs, l->hostname, &l->link, e)) < 0)
		return r;
	if (l->config->webserver.enabled)
		r = metrics_server_open(l->config->webserver.listen_address,
			l->config->webserver.port, metrics_text, l, &l->metrics, e);
	if (r == 0 && l->metrics)
		r = tell_versions(l, e);
	if (r == 0)
		l->reload = reload_new(l->config->watch_config_files, l->paths, l->npaths);
	return r;
}

int live_open(const struct live_options *o, struct live **ret, struct err *e)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	l->options = *o;
	l->started_ns = l->last_tick_ns = clock_boot_ns();
	l->metrics_text = BUF_INIT(METRICS_BYTES);
	pthread_mutex_init(&l->lock, NULL);
	arena_init(&l->arena, EVENT_ARENA_BYTES);
	arena_reserve(&l->arena, EVENT_ARENA_WARM);
	catch_signals();
	int r = open_all(l, e);
	if (r < 0) {
		live_close(l);
		return r;
	}
	l->now.load_ms = (double)(clock_boot_ns() - l->started_ns) / 1e6;
	if (o->duration_s)
		l->ends_ns = clock_boot_ns() + o->duration_s * NSEC_PER_SEC;
	tick(l, clock_boot_ns());
	*ret = l;
	return 0;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	if (l->sensor && l->detect)
		drain(l);
	reload_free(l->reload);
	if (l->metrics)
		metrics_server_close(l->metrics);
	sensor_close(l->sensor);
	recorder_free(l->recorder);
	link_close(l->link);
	if (l->outputs)
		outputs_close(l->outputs, DRAIN_MS);
	if (!l->options.is_quiet && l->now.final) {
		struct buf text = BUF_INIT(4096);

		live_format_sum(&l->now, &text);
		log_info("%.*s", STR_ARG(buf_str(&text)));
		buf_done(&text);
	}
	if (l->detect)
		detect_free(l->detect);
	if (l->state)
		state_free(l->state);
	if (l->ruleset)
		ruleset_unref(l->ruleset);
	if (l->config)
		config_free(l->config);
	arena_done(&l->arena);
	free(l->paths);
	buf_done(&l->metrics_text);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

struct live_snapshot live_snapshot(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	struct live_snapshot s = l->shared;
	pthread_mutex_unlock(&l->lock);
	return s;
}
