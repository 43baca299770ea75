/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watch: koban's own sensor and rules over one container, the detonation's. The sensor sees the
 * whole machine; everything is applied to the state, and only what the container's processes do
 * behind the runtime's last step is judged and told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "engine/detect/detect.h"
#include "engine/indicator/indicator.h"
#include "scan/detonate/story.h"
#include "source/capture/capture.h"
#include "source/sensor/sensor.h"

enum {
	EVENT_ARENA_BYTES = 16 << 20,
	RING_BYTES = 64 << 20,
	RULE_PATHS_MAX = 64,
	EVENTS_AT_ONCE = 20000,
	REPORT_BYTES = 4096,
};

struct watch {
	const struct sandbox_plan *plan;
	struct indicators *known;
	struct ruleset *ruleset;
	struct detect *detect;
	struct state *state;
	struct sensor *sensor;
	struct capture_writer *writer; /* NULL = nothing is recorded */
	struct story story;
	struct arena arena; /* of one event */
	char bundle_glob[PATH_LEN];
	const char *globs[2];
	bool has_started, is_running; /* koban said go; the image's program runs */
	uint64_t events, next_tick_ns;
	struct sensor_counters before; /* the run began */
};

/* ---- rules --------------------------------------------------------------------------------- */

static int say_errors(const struct load_report *report, struct err *e)
{
	struct buf text = BUF_INIT(REPORT_BYTES);

	load_report_format_text(report, false, false, &text);
	int r = err_set(e, EINVAL, "the rules have errors: %.*s", STR_ARG(buf_str(&text)));
	buf_done(&text);
	return r;
}

static bool data_dir(const struct detonate_options *o, const char *name, char *out, size_t size)
{
	if (!o->data_dir)
		return io_data_dir(name, out, size);
	snprintf(out, size, "%s/%s", o->data_dir, name);
	return access(out, R_OK) == 0;
}

static int load_rules(struct watch *w, const struct detonate_options *o, struct err *e)
{
	char own[PATH_LEN], more[PATH_LEN];
	const char *paths[RULE_PATHS_MAX] = {own, more};
	struct load_report *report = NULL;
	size_t n = 2;

	if (!data_dir(o, "rules", own, sizeof(own)))
		return err_set(e, ENOENT, "%s: koban's rules are not there; is it installed?", own);
	if (!data_dir(o, "detonation", more, sizeof(more)))
		return err_set(
			e, ENOENT, "%s: koban's rules are not there; is it installed?", more);
	for (size_t i = 0; o->rules && o->rules[i]; i++) {
		if (n == RULE_PATHS_MAX)
			return err_set(e, E2BIG, "more than %d rule files", RULE_PATHS_MAX - 2);
		paths[n++] = o->rules[i];
	}
	struct ruleset_options ro = {.paths = paths, .npaths = n, .min_priority = PRIORITY_DEBUG};
	int r = ruleset_load(&ro, &w->ruleset, &report);

	if (r < 0)
		r = say_errors(report, e);
	load_report_free(report);
	return r;
}

/* ---- open ---------------------------------------------------------------------------------- */

static void want(uint64_t *codes, uint16_t code)
{
	codes[code / 64] |= 1ULL << (code % 64);
}

static void want_all(const struct watch *w, bool records, uint64_t codes[SENSOR_CODE_WORDS])
{
	static const uint16_t told[] = {EV_EXECVE, EV_EXECVEAT, EV_OPEN, EV_OPENAT, EV_OPENAT2,
		EV_CREAT, EV_RENAME, EV_RENAMEAT, EV_RENAMEAT2, EV_UNLINK, EV_UNLINKAT, EV_LINK,
		EV_LINKAT, EV_SYMLINK, EV_SYMLINKAT};

	memcpy(codes, w->ruleset->codes, sizeof(w->ruleset->codes));
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		want(codes, told[i]);
	for (unsigned i = 0; records && i < EVENT_CODE_MAX; i++)
		if (capture_is_needed((uint16_t)i))
			want(codes, (uint16_t)i);
}

static void know_paths(struct watch *w)
{
	const struct ruleset *rs = w->ruleset;
	struct sensor_path *paths = calloc(rs->npaths ? rs->npaths : 1, sizeof(*paths));

	for (size_t i = 0; paths && i < rs->npaths; i++)
		paths[i].path = rs->paths[i].path;
	if (paths)
		sensor_know(w->sensor, paths, rs->npaths);
	free(paths);
}

/* The container's bundle lies where no engine keeps its own. */
static void set_globs(struct watch *w, const struct sandbox_plan *p)
{
	const char *slash = strrchr(p->dir, '/');

	snprintf(w->bundle_glob, sizeof(w->bundle_glob), "%.*s/{id}/config.json",
		(int)(slash - p->dir - 1), p->dir + 1);
	w->globs[0] = w->bundle_glob;
}

static int open_sensor(struct watch *w, const struct detonate_options *o, struct err *e)
{
	uint64_t codes[SENSOR_CODE_WORDS];
	struct sensor_options so = {.codes = codes,
		.want_latency = w->ruleset->needs_latency,
		.ring_bytes = RING_BYTES,
		.snaplen = 256};
	struct state_options st = {
		.host_root = "/", .bundle_globs = w->globs, .descriptors = o->record_path != NULL};

	want_all(w, o->record_path != NULL, codes);
	int r = sensor_open(&so, &w->sensor, e);
	if (r < 0)
		return r;
	know_paths(w);
	w->state = state_new(&st, e);
	r = w->state ? state_seed(w->state, e) : -ENOMEM;
	if (r == 0 && st.descriptors)
		r = state_seed_descriptors(w->state, e);
	return r;
}

static int open_record(struct watch *w, const struct detonate_options *o, struct err *e)
{
	const struct capture_writer_options c = {.path = o->record_path};

	return o->record_path ? capture_writer_open(&c, w->state, &w->writer, e) : 0;
}

int watch_open(const struct detonate_options *o, const struct sandbox_plan *p, struct arena *a,
	struct watch **ret, struct err *e)
{
	const struct detect_options d = {.hostname = "detonation"};
	struct watch *w = calloc(1, sizeof(*w));

	if (!w || story_init(&w->story, a) < 0) {
		free(w);
		return err_set(e, ENOMEM, "out of memory");
	}
	w->plan = p;
	arena_init(&w->arena, EVENT_ARENA_BYTES);
	set_globs(w, p);
	int r = indicators_load(o->data_dir, o->feeds, &w->known, e);
	if (r == 0)
		r = load_rules(w, o, e);
	if (r == 0)
		r = open_sensor(w, o, e);
	if (r == 0 && !(w->detect = detect_new(w->ruleset, &d, e)))
		r = -ENOMEM;
	if (r == 0)
		r = open_record(w, o, e);
	if (r < 0) {
		watch_close(w);
		return r;
	}
	*ret = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	if (w->writer)
		capture_writer_close(w->writer, NULL);
	if (w->detect)
		detect_free(w->detect);
	sensor_close(w->sensor);
	if (w->state)
		state_free(w->state);
	if (w->ruleset)
		ruleset_unref(w->ruleset);
	indicators_free(w->known);
	arena_done(&w->arena);
	free(w);
}

/* ---- events -------------------------------------------------------------------------------- */

static void emit(const struct finding *f, const struct rule *rule, void *arg)
{
	struct watch *w = arg;

	(void)rule;
	story_hit(&w->story, f);
}

static bool is_exec(const struct event *ev)
{
	int64_t result;

	return (ev->code == EV_EXECVE || ev->code == EV_EXECVEAT) && event_result(ev, &result) &&
	       result == 0;
}

static bool is_inside(const struct watch *w, const struct process *p)
{
	return p->container && str_is(p->container->full_id, w->plan->id);
}

/* The files that rules name are looked for in the image as well. */
static void learn_root(struct watch *w, const struct process *p)
{
	char root[64];

	snprintf(root, sizeof(root), "/proc/%u/root", p->pid);
	int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	sensor_know_inside(w->sensor, fd);
	close(fd);
}

/* Users as the container knows them: nobody else has these numbers. */
static uint32_t inner_id(uint32_t id)
{
	return id - HOST_UID_BASE < UID_COUNT ? id - HOST_UID_BASE : id;
}

static int judge(struct watch *w, struct event *ev, struct err *e)
{
	int r = 0;

	ev->uid = inner_id(ev->uid);
	ev->gid = inner_id(ev->gid);

	if (w->writer)
		state_complete(w->state, &w->arena, ev);
	const struct process *p = state_apply(w->state, ev);

	if (!is_inside(w, p))
		return 0;
	state_fill(w->state, p, &w->arena, ev);
	if (w->writer)
		r = capture_write(w->writer, ev, p, e);
	/* until its exec, the container's first process is the runtime's */
	if (w->has_started && !w->is_running && is_exec(ev)) {
		w->is_running = true;
		learn_root(w, p);
	}
	if (!w->is_running || !ev->def)
		return r;
	w->events++;
	if (is_exec(ev))
		story_exec(&w->story, ev, p);
	else
		story_file(&w->story, ev, p);
	detect_event(w->detect, ev, p, w->state, emit, w);
	return r;
}

int watch_step(struct watch *w, int timeout_ms, struct err *e)
{
	struct event ev;

	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		arena_reset(&w->arena);
		int r = sensor_next(w->sensor, &w->arena, i ? 0 : timeout_ms, &ev);

		if (r < 0)
			return err_set(e, -r, "the sensor stopped: %s", strerror(-r));
		if (r == 0)
			break;
		r = judge(w, &ev, e);
		if (r < 0)
			return r;
	}
	if (clock_boot_ns() >= w->next_tick_ns) {
		sensor_tick(w->sensor);
		state_tick(w->state, clock_epoch_ns());
		w->next_tick_ns = clock_boot_ns() + NSEC_PER_SEC;
	}
	return 0;
}

void watch_started(struct watch *w)
{
	w->has_started = true;
	w->before = sensor_counters(w->sensor);
	w->story.started_boot_ns = clock_boot_ns();
	w->story.started_epoch_ns = clock_epoch_ns();
}

void watch_sink_line(struct watch *w, struct str line)
{
	story_sink_line(&w->story, line);
}

static void fill_story(const struct watch *w, struct detonate_story *s)
{
	const struct story *from = &w->story;
	struct sensor_counters now = sensor_counters(w->sensor);

	s->processes = from->processes;
	s->nprocesses = from->nprocesses;
	s->files = from->files;
	s->nfiles = from->nfiles;
	s->names = from->names;
	s->nnames = from->nnames;
	s->connections = from->connections;
	s->nconnections = from->nconnections;
	s->processes_left_out = from->processes_left_out;
	s->files_left_out = from->files_left_out;
	s->names_left_out = from->names_left_out;
	s->connections_left_out = from->connections_left_out;
	s->events = w->events;
	s->lost = now.drop_ring + now.drop_size - w->before.drop_ring - w->before.drop_size;
}

int watch_report(struct watch *w, struct artifact_report *r, struct detonate_story *s)
{
	fill_story(w, s);
	return evidence_add(&w->story, w->known, r);
}
