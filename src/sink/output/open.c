/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening all outputs: what the configuration says is copied, each gets its spool and its queue,
 * then its thread. What an earlier run left in a spool or in a memory file is found here.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>

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
	[OUTPUT_STORE] = &output_store,
};

/* ---- copies of the configuration ----------------------------------------------------------- */

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
	uint64_t usual_ms = kinds[from->kind]->timeout_ms;
	to->timeout_ms = from->timeout_ms ? from->timeout_ms
			 : usual_ms       ? usual_ms
					  : DEFAULT_TIMEOUT_MS;
	to->fold_ms = from->fold_ms ? from->fold_ms : DEFAULT_FOLD_MS;
	to->keep_files = from->keep_files ? from->keep_files : 5;
}

/* The output's own place in a folder of all: a name is for people; as a path it must not climb. */
static int own_path(const struct output *o, const char *dir, char path[4096], struct err *e)
{
	char name[128];

	str_copy(str_of(o->config.name), name, sizeof(name));
	for (char *p = name; *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
			!(*p >= '0' && *p <= '9') && *p != '-' && *p != '_')
			*p = '_';
	if (snprintf(path, 4096, "%s/%s", dir, name) >= 4096)
		return err_set(e, ENAMETOOLONG, "%s: the path of the spool is too long", dir);
	return 0;
}

static int open_spool(struct output *o, const struct outputs_options *opts, struct err *e)
{
	char path[4096];

	if (!opts->spool_dir || !o->ops->spools)
		return 0;
	int r = own_path(o, opts->spool_dir, path, e);
	if (r < 0)
		return r;
	uint64_t max = opts->spool_max_bytes ? opts->spool_max_bytes : DEFAULT_SPOOL_BYTES;
	return spool_open(path, max, &o->spool, e);
}

static int keep_left(void *arg, struct str record)
{
	struct output *o = arg;

	return spool_append(o->spool, record);
}

static int open_memory(struct output *o, const char *dir, size_t count, size_t bytes, struct err *e)
{
	char path[4096];
	int r = own_path(o, dir, path, e);

	if (r < 0)
		return r;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(e, errno, "%s: cannot make the folder: %s", dir, strerror(errno));
	str_copy(STR(".queue"), path + strlen(path), sizeof(path) - strlen(path));
	r = queue_open_file(&o->queue, count, bytes, path, keep_left, o);
	if (r == -EWOULDBLOCK)
		return err_set(e, EBUSY,
			"%s: another koban is using it; give this one a spool.memory_dir of its "
			"own",
			path);
	/* a risk that was taken before, not a reason to watch nothing */
	if (r < 0)
		log_warn("output %s: %s: %s; what waits in memory will not outlive a crash",
			o->config.name, path, strerror(-r));
	return 0;
}

static int open_queue(struct output *o, const struct outputs_options *opts, struct err *e)
{
	const struct outputs_tuning *t = &o->all->tuning;
	size_t count = opts->queue_capacity ? opts->queue_capacity : DEFAULT_CAPACITY;
	size_t bytes = t->queue_bytes ? t->queue_bytes : count * 1024;
	int r = 0;

	if (bytes < 2 * RECORD_MAX && !t->queue_bytes)
		bytes = 2 * RECORD_MAX;
	if (o->spool && opts->memory_dir)
		r = open_memory(o, opts->memory_dir, count, bytes, e);
	if (r == 0 && !o->queue.ring) {
		r = queue_init(&o->queue, count, bytes);
		if (r < 0)
			err_set(e, -r, "output %s: no memory for a queue of %zu findings",
				o->config.name, count);
	}
	return r;
}

/* What an earlier run left counts as emitted. */
static void count_left(struct output *o)
{
	uint64_t n = spool_count(o->spool);

	if (n)
		log_info("output %s: %llu findings of an earlier run wait in the spool",
			o->config.name, (unsigned long long)n);
	o->damaged = spool_damaged(o->spool);
	atomic_store(&o->emitted, n);
	o->damaged = spool_damaged(o->spool);
	atomic_store(&o->spooled, n);
	atomic_store(&o->spool_size, spool_bytes(o->spool));
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
	o->text = o->moved = BUF_INIT(RECORD_MAX);
	o->record = BUF_INIT(WINDOW_BYTES + RECORD_MAX);
	for (unsigned i = 0; i < OFFER_SLOTS; i++)
		o->offers[i] = BUF_INIT(OFFER_MAX);
	o->queue.fd = -1;
	init_locks(o);
	all->noutputs++; /* from here on close_output() cleans up */

	if (getrandom(&o->random, sizeof(o->random), GRND_NONBLOCK) < 0 || !o->random)
		o->random = clock_epoch_ns() | 1;
	int r = open_spool(o, opts, e);
	if (r < 0 || (r = open_queue(o, opts, e)) < 0)
		return r;
	count_left(o);
	if (c->fold && !(o->fold = fold_new(FOLD_ENTRIES, o->config.fold_ms * 1000000)))
		return err_set(e, ENOMEM, "output %s: out of memory", o->config.name);
	if ((r = o->ops->open(&o->env, &o->state, e)) < 0) {
		err_context(e, "output %s", o->config.name);
		return r;
	}
	return 0;
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
	if (!all->outputs) {
		err_set(e, ENOMEM, "outputs: out of memory");
		r = -ENOMEM;
	} else if (all->stop_fd < 0 || all->keeper_fd < 0) {
		r = err_set(e, EMFILE, "outputs: cannot make an eventfd: %s", strerror(errno));
	}
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
