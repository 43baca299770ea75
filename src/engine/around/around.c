/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events belong to a finding, and when they are told. A finding opens a watch for what comes
 * after it; nothing is compared when an event comes: when the watch's time is up, the ring is read.
 * If events come so fast that the ring would forget before that, it is read in between, too. How
 * often findings are told of is bounded, so that a storm of findings is not followed by a storm of
 * these.
 */
#include "engine/around/private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"

enum {
	RING_BYTES = 4 << 20,
	AFTER_S = 5,
	ANCESTORS = 8,
	WATCHES = 32,
	TEXT_BYTES = 600, /* of one event, as JSON */
	NAME_BYTES = 128,
	RECORD_BYTES = 240 << 10,
	/* findings that are told of: so many at once, then so many a second */
	BURST = 20,
	PER_SECOND = 5,
	/* the same alert again is told of anew after so long */
	AGAIN_S = 10,
	FINGERPRINTS = 256,
};

/* Whose events belong to a finding. */
struct circle {
	uint64_t group;
	uint32_t pids[ANCESTORS];
	uint64_t starts[ANCESTORS];
	unsigned n;
};

struct watch {
	struct circle circle;
	char id[FINDING_ID_CHARS + 1];
	uint64_t from_ns, ends_ns; /* events after, until */
	size_t left;               /* so many more of them */
};

struct around {
	struct around_options o;
	around_emit emit;
	void *arg;
	struct byte_ring ring;
	uint64_t pushed; /* bytes of the ring that passed since a watch was opened */
	struct watch watches[WATCHES];
	unsigned nwatches;
	struct {
		uint64_t fingerprint, at_ns;
	} told[FINGERPRINTS];
	uint64_t credit_ns, credit_at_ns; /* of the bound: PER_SECOND of them are a second */
	struct ring_piece found[AROUND_BEFORE_MAX];
	struct buf text, record;
	struct around_counters n;
};

struct around *around_new(
	const struct around_options *o, around_emit emit, void *arg, struct err *e)
{
	struct around *a = calloc(1, sizeof(*a));

	if (!a) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	a->o = *o;
	a->o.ring_bytes = o->ring_bytes ? o->ring_bytes : RING_BYTES;
	a->o.after_ns = o->after_ns ? o->after_ns : AFTER_S * NSEC_PER_SEC;
	a->emit = emit;
	a->arg = arg;
	a->text = BUF_INIT(4096);
	a->record = BUF_INIT(RECORD_BYTES);
	a->credit_ns = BURST * (NSEC_PER_SEC / PER_SECOND);
	if (byte_ring_init(&a->ring, a->o.ring_bytes) < 0) {
		free(a);
		err_set(e, ENOMEM, "no memory for %zu bytes of events", o->ring_bytes);
		return NULL;
	}
	return a;
}

void around_free(struct around *a)
{
	if (!a)
		return;
	byte_ring_done(&a->ring);
	buf_done(&a->text);
	buf_done(&a->record);
	free(a);
}

/* ---- whose events -------------------------------------------------------------------------- */

/*
 * Above the first process is the machine, which is everybody's ancestor; above a container's are
 * those who run containers, whose doings are not its own.
 */
static struct circle circle_of(const struct process *p)
{
	struct circle c = {.group = kept_group(p)};
	const struct container *k = p->container;

	for (; p && p->pid > 1 && p->container == k && c.n < ANCESTORS; p = p->parent) {
		c.pids[c.n] = p->pid;
		c.starts[c.n++] = p->start_ns;
	}
	return c;
}

static bool is_inside(const struct circle *c, const struct kept *k)
{
	if (c->group && c->group == k->group)
		return true;
	for (unsigned i = 0; i < c->n; i++)
		if (c->pids[i] == k->pid && c->starts[i] == k->start_ns)
			return true;
	return false;
}

/* ---- records ------------------------------------------------------------------------------- */

static void add_event(struct around *a, const struct ring_piece *piece, bool is_first)
{
	struct buf *out = &a->record;
	struct kept k;

	kept_head(piece, &k);
	buf_clear(&a->text);
	kept_format(piece, &a->text);
	buf_add_cstr(out, is_first ? "{\"time_ns\":" : ",{\"time_ns\":");
	buf_add_u64(out, piece->ts_ns);
	buf_add_cstr(out, ",\"pid\":");
	buf_add_u64(out, k.pid);
	buf_add_cstr(out, ",\"process\":");
	json_add_text(out, str_make(k.comm, k.comm_len), NAME_BYTES);
	buf_add_cstr(out, ",\"type\":");
	json_add_text(out, str_of(event_def(k.code)->name), NAME_BYTES);
	buf_add_cstr(out, ",\"text\":");
	json_add_text(out, buf_str(&a->text), TEXT_BYTES);
	buf_add_char(out, '}');
}

/* The newest of what passed through, oldest first. */
static void tell(struct around *a, const char *id, size_t nfound, size_t max)
{
	size_t n = nfound < max ? nfound : max, at = nfound < max ? 0 : nfound % max;

	if (!n)
		return;
	buf_clear(&a->record);
	buf_printf(&a->record, "{\"v\":1,\"type\":\"around\",\"finding\":\"%s\",\"events\":[", id);
	for (size_t i = 0; i < n; i++)
		add_event(a, &a->found[(at + i) % max], i == 0);
	buf_add_cstr(&a->record, "]}");
	if (!a->record.cut)
		a->emit(buf_str(&a->record), a->arg);
}

static void tell_before(struct around *a, const struct circle *c, const char *id, uint64_t ts_ns)
{
	struct ring_piece piece;
	size_t pos = 0, n = 0;
	struct kept k;

	while (byte_ring_next(&a->ring, &pos, &piece)) {
		kept_head(&piece, &k);
		if (piece.ts_ns <= ts_ns && is_inside(c, &k))
			a->found[n++ % AROUND_BEFORE_MAX] = piece;
	}
	tell(a, id, n, AROUND_BEFORE_MAX);
}

/* The oldest: what followed at once says more than what came at last. */
static void tell_after(struct around *a, struct watch *w)
{
	struct ring_piece piece;
	size_t pos = 0, n = 0;
	struct kept k;

	while (n < w->left && byte_ring_next(&a->ring, &pos, &piece)) {
		kept_head(&piece, &k);
		if (piece.ts_ns > w->from_ns && piece.ts_ns <= w->ends_ns &&
			is_inside(&w->circle, &k))
			a->found[n++] = piece;
	}
	tell(a, w->id, n, AROUND_BEFORE_MAX);
	if (n)
		w->from_ns = a->found[n - 1].ts_ns;
	w->left -= n;
}

/* What there is so far, before it is forgotten. */
static void read_watches(struct around *a)
{
	for (unsigned i = 0; i < a->nwatches; i++)
		if (a->watches[i].left)
			tell_after(a, &a->watches[i]);
	a->pushed = 0;
}

static void close_watches(struct around *a, uint64_t now_ns)
{
	unsigned left = 0;

	for (unsigned i = 0; i < a->nwatches; i++) {
		if (a->watches[i].ends_ns <= now_ns)
			tell_after(a, &a->watches[i]);
		else
			a->watches[left++] = a->watches[i];
	}
	a->nwatches = left;
}

/* ---- the door ------------------------------------------------------------------------------ */

void around_event(struct around *a, const struct event *ev, const struct process *proc)
{
	size_t before = a->ring.next;

	if (!kept_push(&a->ring, ev, proc))
		return;
	a->n.events++;
	if (!a->nwatches)
		return;
	a->pushed += a->ring.next + (a->ring.next > before ? 0 : a->ring.size) - before;
	/* what came after the first of them would be forgotten before its time is up */
	if (a->pushed > a->ring.size / 2)
		read_watches(a);
}

/* A bucket of time: each finding that is told of costs a share of a second. */
static bool may_tell(struct around *a, const struct finding *f)
{
	const uint64_t cost_ns = NSEC_PER_SEC / PER_SECOND, most_ns = BURST * cost_ns;
	size_t slot = f->fingerprint % FINGERPRINTS;

	if (f->ts_ns > a->credit_at_ns) {
		a->credit_ns += a->credit_at_ns ? f->ts_ns - a->credit_at_ns : 0;
		a->credit_at_ns = f->ts_ns;
	}
	if (a->credit_ns > most_ns)
		a->credit_ns = most_ns;
	if (a->told[slot].fingerprint == f->fingerprint && a->told[slot].at_ns &&
		f->ts_ns < a->told[slot].at_ns + AGAIN_S * NSEC_PER_SEC)
		return false;
	if (a->credit_ns < cost_ns)
		return false;
	a->credit_ns -= cost_ns;
	a->told[slot].fingerprint = f->fingerprint;
	a->told[slot].at_ns = f->ts_ns;
	return true;
}

void around_finding(struct around *a, const struct finding *f, const struct process *proc)
{
	struct watch w = {
		.from_ns = f->ts_ns, .ends_ns = f->ts_ns + a->o.after_ns, .left = AROUND_AFTER_MAX};

	if (!may_tell(a, f)) {
		a->n.skipped++;
		return;
	}
	a->n.findings++;
	w.circle = circle_of(proc);
	finding_format_id(f, w.id);
	tell_before(a, &w.circle, w.id, f->ts_ns);
	if (a->nwatches == WATCHES)
		close_watches(a, UINT64_MAX);
	if (!a->nwatches)
		a->pushed = 0;
	a->watches[a->nwatches++] = w;
}

void around_tick(struct around *a, uint64_t now_epoch_ns)
{
	close_watches(a, now_epoch_ns);
}

struct around_counters around_counters(const struct around *a)
{
	struct around_counters n = a->n;

	n.evicted = a->ring.evicted;
	return n;
}
