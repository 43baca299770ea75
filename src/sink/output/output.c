/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the room: giving each finding to each output, counting, closing. Emitting folds,
 * formats and queues, on the engine's thread; it waits for no disk and no peer, and once the
 * buffers are warm it allocates nothing.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

void format_message(const struct output_config *c, const struct finding *f, struct buf *out)
{
	if (c->json)
		finding_format_json(f, &c->json_options, out);
	else
		finding_format_text(f, c->iso_time, out);
}

/* ---- emitting -------------------------------------------------------------------------------- */

/* Queues o->text; emit_lock is held. */
static void push_text(struct output *o)
{
	pthread_mutex_lock(&o->lock);
	/* a record that was cut is no record: half a JSON object helps nobody */
	bool fits = !o->text.cut && !atomic_load(&o->has_ended) &&
		    queue_push(&o->queue, buf_str(&o->text));
	bool is_half_full = o->queue.count > o->queue.max_count / 2 ||
			    queue_used(&o->queue) > o->queue.size / 2;
	if (fits && o->queue.count == 1)
		pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	if (!fits)
		atomic_fetch_add(&o->dropped, 1);
	if (o->spool && (is_half_full || atomic_load(&o->is_down)))
		keeper_wake(o->all);
}

/* emit_lock is held. */
static void push(struct output *o, const struct finding *f)
{
	buf_clear(&o->text);
	if (o->ops->format)
		o->ops->format(&o->config, f, &o->text);
	else
		format_message(&o->config, f, &o->text);
	push_text(o);
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

	/* what outlives a kill comes first: then nobody was told what is not kept */
	for (int is_kept = 1; is_kept >= 0; is_kept--)
		for (size_t i = 0; i < all->noutputs; i++)
			if ((all->outputs[i].queue.fd >= 0) == is_kept)
				emit_one(&all->outputs[i], f, now_ns);
}

bool outputs_has_kind(const struct outputs *all, enum output_kind kind)
{
	for (size_t i = 0; i < all->noutputs; i++)
		if (all->outputs[i].config.kind == kind)
			return true;
	return false;
}

void outputs_emit_record(struct outputs *all, struct str record)
{
	for (size_t i = 0; i < all->noutputs; i++) {
		struct output *o = &all->outputs[i];

		if (o->config.kind != OUTPUT_STORE)
			continue;
		pthread_mutex_lock(&o->emit_lock);
		atomic_fetch_add(&o->emitted, 1);
		buf_clear(&o->text);
		buf_add(&o->text, record);
		buf_add_char(&o->text, '\n');
		push_text(o);
		pthread_mutex_unlock(&o->emit_lock);
	}
}

void outputs_offer(struct outputs *all, enum outputs_offer_slot slot, struct str record)
{
	for (size_t i = 0; i < all->noutputs; i++) {
		struct output *o = &all->outputs[i];

		if (o->config.kind != OUTPUT_STORE)
			continue;
		pthread_mutex_lock(&o->lock);
		buf_clear(&o->offers[slot]);
		buf_add(&o->offers[slot], record);
		buf_add_char(&o->offers[slot], '\n');
		if (o->offers[slot].cut)
			o->offered &= ~(1U << slot);
		else
			o->offered |= 1U << slot;
		pthread_cond_signal(&o->wake);
		pthread_mutex_unlock(&o->lock);
	}
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
	for (unsigned i = 0; i < OFFER_SLOTS; i++)
		buf_done(&o->offers[i]);
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

/* No thread is left: what remains in memory goes to disk, or is lost and said. */
static void settle_rest(struct output *o)
{
	if (!atomic_load(&o->has_ended))
		output_spool_queue(o);
	/* in a file they wait for the next run */
	uint64_t lost = o->queue.fd >= 0 ? 0 : o->queue.count;
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
