/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detonation from koban's side: settles the plan, feeds the layers to the unpacker, watches, ends
 * it, and writes down what was seen. It holds the sandbox by its ends (private.h) and never enters
 * it. Every way out of here goes through sandbox_end(), which leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "scan/detonate/private.h"

enum {
	STEP_MS = 50,
	LATE_MS = 600, /* for what is still on its way when the container has ended */
	END_S = 15,    /* from NOTE_STOP to NOTE_ENDED */
	MAKE_S = 180,  /* for network and container, once the image is unpacked */
	EARLY_MS = 5000,
	SINK_TEXT_MAX = 1 << 20,
};

struct run {
	const struct detonate_options *o;
	struct image_source *image;
	struct sandbox_plan plan;
	struct sandbox box;
	struct watch *watch;
	struct arena *a;
	detonate_progress progress;
	void *arg;
	struct artifact_report *report;
	struct detonate_story *story;
	struct buf sink_text, output;
	int sink_file; /* beside record_path; -1 */
	bool has_ended, timed_out, was_stopped, is_making;
	int status;
	uint64_t started_ns, told_s;
};

/* ---- gaps ---------------------------------------------------------------------------------- */

static void add_gap(struct run *x, const char *what, const char *why, uint64_t count, bool serious)
{
	struct artifact_coverage *c = &x->report->coverage;
	struct artifact_gap *all = arena_array(x->a, struct artifact_gap, c->ngaps + 1);

	if (!all)
		return;
	if (c->ngaps)
		memcpy(all, c->gaps, c->ngaps * sizeof(*all));
	all[c->ngaps] = (struct artifact_gap){.what = str_of(what),
		.why = arena_str(x->a, str_of(why)),
		.count = count,
		.is_serious = serious};
	c->gaps = all;
	c->ngaps++;
}

/* ---- the layers ---------------------------------------------------------------------------- */

static int send_all(int fd, const void *data, size_t n)
{
	for (const char *p = data; n;) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -EPIPE;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int send_frame(int fd, const char *bytes, uint32_t n)
{
	int r = send_all(fd, &n, sizeof(n));

	return r < 0 || n == LAYERS_END ? r : send_all(fd, bytes, n);
}

static bool is_stopped(const struct run *x)
{
	return x->o->stop && *x->o->stop;
}

/* Why the sandbox hung up. */
static int reason(struct run *x, struct err *e)
{
	struct note n;

	while (note_receive(x->box.notes, 2000, &n) > 0)
		if (n.kind == NOTE_FAILED)
			return err_set(e, EPERM, "%s", n.text);
	return err_set(e, EPIPE, "the sandbox ended before its time");
}

static int send_layer(struct run *x, size_t layer, struct err *e)
{
	static char bytes[FRAME_MAX];
	struct image_stream *st;
	int r = image_layer_open(x->image, layer, &st, e);

	if (r < 0)
		return r;
	while (r == 0) {
		ptrdiff_t n = image_stream_read(st, bytes, sizeof(bytes), e);

		if (n < 0)
			r = (int)n;
		else if (is_stopped(x))
			r = err_set(e, EINTR, "stopped");
		else if (send_frame(x->box.layers, bytes, (uint32_t)n) < 0)
			r = reason(x, e);
		if (n <= 0)
			break;
	}
	image_stream_close(st);
	return r;
}

static int send_layers(struct run *x, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->plan.image->nlayers; i++) {
		if (x->progress)
			x->progress(x->arg, "unpacking", 0, x->plan.seconds);
		r = send_layer(x, i, e);
	}
	if (r == 0 && send_frame(x->box.layers, NULL, LAYERS_END) < 0)
		r = reason(x, e);
	return r;
}

/* ---- what comes out ------------------------------------------------------------------------ */

static void take_lines(struct run *x)
{
	struct str rest = buf_str(&x->sink_text);
	size_t taken = 0;
	ptrdiff_t end;

	while ((end = str_find_char(rest, '\n')) >= 0) {
		watch_sink_line(x->watch, str_head(rest, (size_t)end));
		rest = str_skip(rest, (size_t)end + 1);
		taken += (size_t)end + 1;
	}
	if (x->sink_file >= 0 && taken)
		io_write_all(x->sink_file, str_make(x->sink_text.s, taken));
	memmove(x->sink_text.s, x->sink_text.s + taken, x->sink_text.len - taken);
	buf_cut(&x->sink_text, x->sink_text.len - taken);
	/* a line longer than any that the sinkhole writes: it is not itself any more */
	if (x->sink_text.len >= SINK_LINE_MAX * 2)
		buf_clear(&x->sink_text);
}

static void drain_sink(struct run *x)
{
	char bytes[65536];
	ssize_t n;

	for (int i = 0; i < 16 && (n = read(x->box.sink_log, bytes, sizeof(bytes))) > 0; i++) {
		buf_add(&x->sink_text, str_make(bytes, (size_t)n));
		take_lines(x);
	}
}

static void drain_output(struct run *x)
{
	char bytes[65536];
	ssize_t n;

	for (int i = 0; i < 16 && (n = read(x->box.output, bytes, sizeof(bytes))) > 0; i++)
		buf_add(&x->output, str_make(bytes, (size_t)n));
}

static int take_notes(struct run *x, struct err *e)
{
	struct note n;
	int r;

	while ((r = note_receive(x->box.notes, 0, &n)) > 0) {
		if (n.kind == NOTE_FAILED)
			return err_set(e, EPERM, "%s", n.text);
		if (n.kind == NOTE_UNPACKED && n.value)
			add_gap(x, "run", n.text, (uint64_t)n.value, false);
		if (n.kind == NOTE_GAP)
			add_gap(x, "run", n.text, 1, false);
		if (n.kind == NOTE_READY)
			x->is_making = false;
		if (n.kind == NOTE_TIMEOUT)
			x->timed_out = true;
		if (n.kind == NOTE_ENDED) {
			x->has_ended = true;
			x->status = n.value;
		}
	}
	if (r == -EPIPE && !x->has_ended)
		return err_set(e, EPIPE, "the sandbox ended before its time");
	return 0;
}

static int step(struct run *x, struct err *e)
{
	int r = watch_step(x->watch, STEP_MS, e);

	drain_sink(x);
	drain_output(x);
	return r < 0 ? r : take_notes(x, e);
}

/* ---- the run ------------------------------------------------------------------------------- */

static int wait_until_made(struct run *x, struct err *e)
{
	uint64_t until_ns = clock_boot_ns() + MAKE_S * NSEC_PER_SEC;
	int r = 0;

	x->is_making = true;
	while (r == 0 && x->is_making) {
		r = step(x, e);
		if (r == 0 && is_stopped(x))
			r = err_set(e, EINTR, "stopped before the image ran");
		if (r == 0 && clock_boot_ns() > until_ns)
			r = err_set(e, ETIMEDOUT, "the container was not made within %d seconds",
				MAKE_S);
	}
	return r;
}

static void tell_progress(struct run *x, uint64_t now_ns)
{
	uint64_t s = (now_ns - x->started_ns) / NSEC_PER_SEC;

	if (!x->progress || s == x->told_s)
		return;
	x->told_s = s;
	x->progress(x->arg, "running", (unsigned)s, x->plan.seconds);
}

static int run_container(struct run *x, struct err *e)
{
	uint64_t ends_ns, forced_ns = 0, now_ns;
	int r = 0;

	watch_started(x->watch);
	x->started_ns = now_ns = clock_boot_ns();
	ends_ns = now_ns + x->plan.seconds * NSEC_PER_SEC;
	if (note_send(x->box.notes, NOTE_START, 0, NULL) < 0)
		return reason(x, e);
	while (r == 0 && !x->has_ended) {
		r = step(x, e);
		now_ns = clock_boot_ns();
		tell_progress(x, now_ns);
		if (!forced_ns && (now_ns >= ends_ns || is_stopped(x))) {
			x->timed_out = now_ns >= ends_ns;
			x->was_stopped = !x->timed_out;
			forced_ns = now_ns + END_S * NSEC_PER_SEC;
			(void)note_send(x->box.notes, NOTE_STOP, 0, NULL);
		}
		if (r == 0 && forced_ns && now_ns > forced_ns)
			r = err_set(e, ETIMEDOUT, "the container did not end when it was killed");
	}
	x->story->ran_ms = (now_ns - x->started_ns) / 1000000;
	for (uint64_t until = now_ns + LATE_MS * 1000000ULL; r == 0 && clock_boot_ns() < until;)
		r = step(x, e);
	return r;
}

static void fill_story(struct run *x)
{
	struct detonate_story *s = x->story;
	const char *slash = strrchr(x->plan.runtime, '/');

	s->runtime = arena_str(x->a, str_of(slash ? slash + 1 : x->plan.runtime));
	s->exit_code = WIFSIGNALED(x->status) ? 128 + WTERMSIG(x->status) : WEXITSTATUS(x->status);
	s->ended = x->was_stopped           ? "stopped"
		   : x->timed_out           ? "time limit"
		   : WIFSIGNALED(x->status) ? "killed"
					    : "exited";
	s->output = arena_str(x->a, buf_str(&x->output));
	cgroup_measure(&x->plan, &s->memory_peak_bytes, &s->out_of_memory);
}

static void judge_watch(struct run *x)
{
	char text[200];
	const struct detonate_story *s = x->story;

	if (s->lost) {
		snprintf(text, sizeof(text), "%llu events of the machine were lost while it ran",
			(unsigned long long)s->lost);
		add_gap(x, "run", text, s->lost, true);
	}
	/* one that fails at once has shown nothing of what it is for */
	if (!x->timed_out && !x->was_stopped && s->exit_code != 0 && s->ran_ms < EARLY_MS) {
		snprintf(text, sizeof(text),
			"its first program ended with exit code %d after %.1f s: what it would do "
			"is "
			"not known%s",
			s->exit_code, (double)s->ran_ms / 1000,
			x->plan.has_rights ? "" : " (--rights may help)");
		add_gap(x, "run", text, 1, true);
	}
	if (!s->nprocesses)
		add_gap(x, "run", "no program of the image was seen to start", 1, true);
	if (x->timed_out)
		add_gap(x, "run", "it was ended by the time limit: what it does later is not known",
			1, false);
}

static int detonate(struct run *x, struct err *e)
{
	int r = sandbox_start(&x->plan, &x->box, e);

	if (r == 0)
		r = send_layers(x, e);
	if (r == 0 && x->progress)
		x->progress(x->arg, "loading rules", 0, x->plan.seconds);
	if (r == 0)
		r = watch_open(x->o, &x->plan, x->a, &x->watch, e);
	if (r == 0)
		r = wait_until_made(x, e);
	if (r == 0)
		r = run_container(x, e);
	if (r < 0)
		return r;
	fill_story(x);
	if (watch_report(x->watch, x->report, x->story) < 0)
		return err_set(e, ENOMEM, "out of memory");
	judge_watch(x);
	return 0;
}

static int open_sink_file(struct run *x, struct err *e)
{
	char path[PATH_LEN];

	x->sink_file = -1;
	if (!x->o->record_path)
		return 0;
	snprintf(path, sizeof(path), "%s.jsonl", x->o->record_path);
	x->sink_file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return x->sink_file < 0 ? err_set(e, errno, "%s: %s", path, strerror(errno)) : 0;
}

int detonate_run(struct image_source *image, const struct detonate_options *o, struct arena *a,
	detonate_progress progress, void *arg, struct artifact_report *r,
	struct detonate_story *story, struct err *e)
{
	struct run x = {.o = o,
		.image = image,
		.a = a,
		.progress = progress,
		.arg = arg,
		.report = r,
		.story = story,
		.sink_text = BUF_INIT(SINK_TEXT_MAX),
		.output = BUF_INIT(OUTPUT_MAX),
		.box = {0, -1, -1, -1, -1}};
	int result;

	*story = (struct detonate_story){.ended = "not run"};
	x.sink_file = -1;
	result = plan_make(o, image_describe(image), &x.plan, e);
	if (result == 0)
		result = open_sink_file(&x, e);
	if (result == 0)
		result = detonate(&x, e);
	sandbox_end(&x.box);
	watch_close(x.watch);
	plan_done(&x.plan);
	if (x.sink_file >= 0)
		close(x.sink_file);
	buf_done(&x.sink_text);
	buf_done(&x.output);
	return result;
}
