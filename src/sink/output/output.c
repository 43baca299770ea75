/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room: opening all outputs, giving each finding to each of them, closing. Emitting
 * folds, formats and queues, on the engine's thread; it waits for no disk and no peer, and once the
 * buffers are warm it allocates nothing.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { DEFAULT_CAPACITY = 8192, FOLD_ENTRIES = 1024 };
#define DEFAULT_SPOOL_BYTES (256ULL << 20)
#define DEFAULT_FOLD_MS     30000
#define DEFAULT_TIMEOUT_MS  5000

static const struct output_ops *const kinds[OUTPUT_KIND_COUNT] = {
	[OUTPUT_STDOUT] = &output_stdout,
	[OUTPUT_FILE] = &output_file,
	[OUTPUT_SYSLOG] = &output_syslog,
	[OUTPUT_PROGRAM] = &output_program,
	[OUTPUT_HTTP] = &output_http,
};

void format_message(const struct output_config *c, const struct finding *f, struct buf *out)
{
	if (c->json)
		finding_format_json(f, &c->json_options, out);
	else
		finding_format_text(f, c->iso_time, out);
}

/* ---- emitting -------------------------------------------------------------------------------- */

/* emit_lock is held. */
static void push(struct output *o, const struct finding *f)
{
	buf_clear(&o->text);
	if (o->ops->format)
		o->ops->format(&o->config, f, &o->text);
	else
		format_message(&o->config, f, &o->text);

	pthread_mutex_lock(&o->lock);
	/* a record that was cut is no record: half a JSON object helps nobody */
	bool fits = !o->text.cut && !atomic_load(&o->has_ended) &&
		    queue_push(&o->queue, buf_str(&o->text));
	bool is_half_full =
		o->queue.count > o->queue.max_count / 2 || o->queue.used > o->queue.size / 2;
	if (fits && o->queue.count == 1)
		pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	if (!fits)
		atomic_fetch_add(&o->dropped, 1);
	if (o->spool && (is_half_full || atomic_load(&o->is_down)))
		keeper_wake(o->all);
}

static void emit_one(struct output *o, const struct finding *f, uint64_t now_ns)
{
	pthread_mutex_lock(&o->emit_lock);
	atomic_fetch_add(&o->emitted, 1);
	enum fold_result r = FOLD_EMIT;

	if (o->fold) {
		const struct finding *evicted;

		r = fold_add(o->fold, f, now_ns, &evicted);
		if (evicted)
			push(o, evicted);
	}
	if (r == FOLD_EMIT)
		push(o, f);
	else if (r == FOLD_FOLDED)
		atomic_fetch_add(&o->folded, 1);
	pthread_mutex_unlock(&o->emit_lock);
}

void outputs_emit(struct outputs *all, const struct finding *f)
{
	uint64_t now_ns = all->tuning.now_ns();

	for (size_t i = 0; i < all->noutputs; i++)
		emit_one(&all->outputs[i], f, now_ns);
}

void output_fold_tick(struct output *o, uint64_t now_ns)
{
	const struct finding *f;

	if (!o->fold)
		return;
	pthread_mutex_lock(&o->emit_lock);
	while ((f = fold_next(o->fold, now_ns)))
		push(o, f);
	pthread_mutex_unlock(&o->emit_lock);
}

void outputs_reopen(struct outputs *all)
{
	for (size_t i = 0; i < all->noutputs; i++) {
		struct output *o = &all->outputs[i];

		pthread_mutex_lock(&o->lock);
		atomic_store(&o->reopen, true);
		pthread_cond_signal(&o->wake);
		pthread_mutex_unlock(&o->lock);
	}
}

size_t outputs_counters(const struct outputs *all, struct output_counters *ret, size_t max)
{
	size_t n = 0;

	for (; n < all->noutputs && n < max; n++) {
		struct output *o = &all->outputs[n];

		ret[n] = (struct output_counters){.name = o->config.name,
			.emitted = atomic_load(&o->emitted),
			.sent = atomic_load(&o->sent),
			.failed_tries = atomic_load(&o->failed_tries),
			.refused = atomic_load(&o->refused),
			.dropped = atomic_load(&o->dropped),
			.folded = atomic_load(&o->folded),
			.spooled = atomic_load(&o->spooled),
			.spool_bytes = atomic_load(&o->spool_size),
			.spool_errors = atomic_load(&o->spool_errors),
			.is_up = !atomic_load(&o->is_down) && !atomic_load(&o->has_ended)};
		pthread_mutex_lock(&o->lock);
		ret[n].queue_depth = o->queue.count;
		pthread_mutex_unlock(&o->lock);
	}
	return n;
}

/* ---- opening --------------------------------------------------------------------------------- */

static const char *keep_str(struct arena *a, const char *s)
{
	return s ? arena_cstr(a, str_of(s)) : NULL;
}

static const char *const *keep_list(struct arena *a, const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	const char **copy = list ? arena_array(a, const char *, n + 1) : NULL;
	for (size_t i = 0; copy && i < n; i++)
		copy[i] = keep_str(a, list[i]);
	return copy;
}

/* A name that no earlier output has: counters and spools go by it. */
static const char *unique_name(struct outputs *all, const char *name)
{
	struct str want = str_of(name);

	for (unsigned n = 2;; n++) {
		bool taken = false;

		for (size_t i = 0; i < all->noutputs; i++)
			taken = taken || str_is(want, all->outputs[i].config.name);
		if (!taken)
			return arena_cstr(&all->arena, want);
		want = arena_printf(&all->arena, "%s-%u", name, n);
	}
}

static void copy_config(
	struct outputs *all, const struct output_config *from, struct output_config *to)
{
	struct arena *a = &all->arena;

	*to = *from;
	to->name = unique_name(all, from->name ? from->name : kinds[from->kind]->name);
	to->path = keep_str(a, from->path);
	to->address = keep_str(a, from->address);
	to->facility = keep_str(a, from->facility);
	to->command = keep_str(a, from->command);
	to->url = keep_str(a, from->url);
	to->user_agent = keep_str(a, from->user_agent);
	to->ca_cert = keep_str(a, from->ca_cert);
	to->ca_path = keep_str(a, from->ca_path);
	to->client_cert = keep_str(a, from->client_cert);
	to->client_key = keep_str(a, from->client_key);
	to->headers = keep_list(a, from->headers);
	to->timeout_ms = from->timeout_ms ? from->timeout_ms : DEFAULT_TIMEOUT_MS;
	to->fold_ms = from->fold_ms ? from->fold_ms : DEFAULT_FOLD_MS;
	to->keep_files = from->keep_files ? from->keep_files : 5;
}

static int open_spool(struct output *o, const struct outputs_options *opts, struct err *e)
{
	char path[4096], name[128];

	if (!opts->spool_dir || !o->ops->spools)
		return 0;
	/* a name is for people; as a folder it must not climb */
	str_copy(str_of(o->config.name), name, sizeof(name));
	for (char *p = name; *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
			!(*p >= '0' && *p <= '9') && *p != '-' && *p != '_')
			*p = '_';
	if (snprintf(path, sizeof(path), "%s/%s", opts->spool_dir, name) >= (int)sizeof(path))
		return err_set(
			e, ENAMETOOLONG, "%s: the path of the spool is too long", opts->spool_dir);
	uint64_t max = opts->spool_max_bytes ? opts->spool_max_bytes : DEFAULT_SPOOL_BYTES;
	int r = spool_open(path, max, &o->spool, e);
	if (r < 0)
		return r;
	uint64_t n = spool_count(o->spool);
	if (n)
		log_info("output %s: %llu findings of an earlier run wait in the spool",
			o->config.name, (unsigned long long)n);
	atomic_store(&o->emitted, n);
	atomic_store(&o->spooled, n);
	atomic_store(&o->spool_size, spool_bytes(o->spool));
	return 0;
}

static void init_locks(struct output *o)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&o->emit_lock, NULL);
	pthread_mutex_init(&o->lock, NULL);
	pthread_mutex_init(&o->spool_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static int open_output(struct outputs *all, const struct output_config *c,
	const struct outputs_options *opts, struct err *e)
{
	struct output *o = &all->outputs[all->noutputs];

	if ((unsigned)c->kind >= OUTPUT_KIND_COUNT)
		return err_set(e, EINVAL, "output: no such kind: %d", (int)c->kind);
	o->all = all;
	o->ops = kinds[c->kind];
	copy_config(all, c, &o->config);
	o->env = (struct sender_env){&o->config, all->stop_fd, o->config.timeout_ms};
	o->text = o->record = o->moved = BUF_INIT(RECORD_MAX);
	init_locks(o);
	all->noutputs++; /* from here on close_output() cleans up */

	if (getrandom(&o->random, sizeof(o->random), GRND_NONBLOCK) < 0 || !o->random)
		o->random = clock_epoch_ns() | 1;
	size_t count = opts->queue_capacity ? opts->queue_capacity : DEFAULT_CAPACITY;
	size_t bytes = all->tuning.queue_bytes ? all->tuning.queue_bytes : count * 1024;
	if (bytes < 2 * RECORD_MAX && !all->tuning.queue_bytes)
		bytes = 2 * RECORD_MAX;
	int r = queue_init(&o->queue, count, bytes);
	if (r < 0)
		return err_set(e, -r, "output %s: no memory for a queue of %zu findings",
			o->config.name, count);
	if (c->fold && !(o->fold = fold_new(FOLD_ENTRIES, o->config.fold_ms * 1000000)))
		return err_set(e, ENOMEM, "output %s: out of memory", o->config.name);
	if ((r = o->ops->open(&o->env, &o->state, e)) < 0) {
		err_context(e, "output %s", o->config.name);
		return r;
	}
	return open_spool(o, opts, e);
}

static void close_output(struct output *o)
{
	if (o->state)
		o->ops->close(o->state);
	spool_close(o->spool);
	queue_done(&o->queue);
	fold_free(o->fold);
	buf_done(&o->text);
	buf_done(&o->record);
	buf_done(&o->moved);
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->emit_lock);
	pthread_mutex_destroy(&o->lock);
	pthread_mutex_destroy(&o->spool_lock);
}

static void free_outputs(struct outputs *all)
{
	for (size_t i = 0; i < all->noutputs; i++)
		close_output(&all->outputs[i]);
	if (all->stop_fd >= 0)
		close(all->stop_fd);
	if (all->keeper_fd >= 0)
		close(all->keeper_fd);
	arena_done(&all->arena);
	free(all->outputs);
	free(all);
}

static void set_tuning(struct outputs *all, const struct outputs_tuning *t)
{
	if (t)
		all->tuning = *t;
	if (!all->tuning.backoff_min_ms)
		all->tuning.backoff_min_ms = 500;
	if (!all->tuning.backoff_max_ms)
		all->tuning.backoff_max_ms = 30000;
	if (!all->tuning.tick_ms)
		all->tuning.tick_ms = 500;
	if (!all->tuning.now_ns)
		all->tuning.now_ns = clock_boot_ns;
}

int outputs_open_tuned(const struct outputs_options *opts, const struct outputs_tuning *t,
	struct outputs **ret, struct err *e)
{
	struct outputs *all = calloc(1, sizeof(*all));
	int r = 0;

	if (!all)
		return err_set(e, ENOMEM, "outputs: out of memory");
	set_tuning(all, t);
	arena_init(&all->arena, 16 << 20);
	all->outputs = calloc(opts->noutputs + 1, sizeof(*all->outputs));
	all->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	all->keeper_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!all->outputs || all->stop_fd < 0 || all->keeper_fd < 0)
		r = err_set(e, errno, "outputs: %s", strerror(errno));
	for (size_t i = 0; r == 0 && i < opts->noutputs; i++)
		r = open_output(all, &opts->outputs[i], opts, e);
	for (size_t i = 0; r == 0 && i < all->noutputs; i++)
		r = worker_start(&all->outputs[i], e);
	if (r == 0)
		r = keeper_start(all, e);
	if (r < 0) {
		outputs_close(all, 0);
		return r;
	}
	*ret = all;
	return 0;
}

int outputs_open(const struct outputs_options *opts, struct outputs **ret, struct err *e)
{
	return outputs_open_tuned(opts, NULL, ret, e);
}

/* ---- closing --------------------------------------------------------------------------------- */

static void ask_to_close(struct output *o, uint64_t deadline_ns)
{
	pthread_mutex_lock(&o->lock);
	o->closing = true;
	o->close_deadline_ns = deadline_ns;
	pthread_cond_broadcast(&o->wake);
	pthread_mutex_unlock(&o->lock);
}

static void wait_done(struct output *o, uint64_t deadline_ns)
{
	pthread_mutex_lock(&o->lock);
	while (o->has_worker && !o->done) {
		struct timespec ts;
		uint64_t now = clock_boot_ns();

		if (now >= deadline_ns)
			break;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		uint64_t ns = (uint64_t)ts.tv_nsec + deadline_ns - now;
		ts.tv_sec += (time_t)(ns / NSEC_PER_SEC);
		ts.tv_nsec = (long)(ns % NSEC_PER_SEC);
		pthread_cond_timedwait(&o->wake, &o->lock, &ts);
	}
	pthread_mutex_unlock(&o->lock);
}

/* No thread is left: what remains in memory goes to disk, or is lost and said. */
static void settle_rest(struct output *o)
{
	if (!atomic_load(&o->has_ended))
		output_spool_queue(o);
	uint64_t lost = o->queue.count;
	atomic_fetch_add(&o->dropped, lost);
	if (lost && !atomic_load(&o->has_ended))
		log_warn("output %s: %llu findings could not be delivered and are lost",
			o->config.name, (unsigned long long)lost);
	if (atomic_load(&o->spooled))
		log_info("output %s: %llu findings stay in the spool for the next run",
			o->config.name, (unsigned long long)atomic_load(&o->spooled));
}

static void join_threads(struct outputs *all)
{
	uint64_t one = 1;

	if (write(all->stop_fd, &one, sizeof(one)) < 0)
		log_error("outputs: cannot stop: %s", strerror(errno));
	for (size_t i = 0; i < all->noutputs; i++)
		if (all->outputs[i].has_worker)
			pthread_join(all->outputs[i].worker, NULL);
	atomic_store(&all->keeper_stop, true);
	keeper_wake(all);
	if (all->has_keeper)
		pthread_join(all->keeper, NULL);
}

void outputs_close(struct outputs *all, uint64_t drain_ms)
{
	if (!all)
		return;
	uint64_t deadline_ns = clock_boot_ns() + drain_ms * 1000000;

	for (size_t i = 0; i < all->noutputs; i++) {
		output_fold_tick(&all->outputs[i], UINT64_MAX);
		ask_to_close(&all->outputs[i], deadline_ns);
	}
	for (size_t i = 0; i < all->noutputs; i++)
		wait_done(&all->outputs[i], deadline_ns);
	join_threads(all);
	for (size_t i = 0; i < all->noutputs; i++)
		settle_rest(&all->outputs[i]);
	free_outputs(all);
}
