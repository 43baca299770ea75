/* SPDX-License-Identifier: Apache-2.0 */
/* The live source: ties the probe, its ring buffer, the named files and the decoder together. */
#include "source/sensor/sensor.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "source/sensor/decode.h"
#include "source/sensor/known.h"
#include "source/sensor/lookup.h"
#include "source/sensor/probe.h"
#include "source/sensor/ring.h"

enum {
	RING_BYTES = 16 << 20,
	BATCH = 256,       /* records read before their room is given back */
	POLL_BUSY_MS = 5,  /* how long the reader sleeps while events come … */
	POLL_IDLE_MS = 50, /* … and when none did: an alert is at most that late */
	SOCKETS_MET = 512,
};

struct sensor {
	struct sensor_bpf *skel;
	struct ring ring;
	struct decoder decoder;
	struct mounts mounts;
	struct known known;
	struct lookup lookup;
	struct verdict_key met[SOCKETS_MET]; /* dull so far, by their hash */
	uint64_t num, received, bad;
	uint64_t offset_checked_ns;
	unsigned in_batch;
	bool was_busy;
};

/*
 * Whoever burns enough CPU makes a reader of the same priority late: the ring fills, and what a
 * process left behind is gone when it is looked at. The flag keeps threads and programs that are
 * started later at the priority from before (sched(7)).
 */
static void raise_priority(unsigned boost)
{
	struct sched_param none = {0};

	if (!boost || sched_getscheduler(0) != SCHED_OTHER)
		return;
	errno = 0;
	int now = getpriority(PRIO_PROCESS, 0);

	if (errno == 0 && sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0)
		setpriority(PRIO_PROCESS, 0, now - (int)boost);
}

int sensor_open(const struct sensor_options *o, struct sensor **ret, struct err *e)
{
	size_t ring_bytes = o->ring_bytes ? o->ring_bytes : RING_BYTES;
	struct sensor *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	if (ring_bytes & (ring_bytes - 1) || ring_bytes < 4096 * 16 || ring_bytes > (1U << 30)) {
		free(s);
		return err_set(e, EINVAL,
			"sensor.ring_bytes: %zu is no power of two between 64 KiB and 1 GiB",
			ring_bytes);
	}
	s->ring.epoll_fd = -1;
	s->mounts.fd = -1;
	lookup_open(&s->lookup, &s->mounts);
	int r = probe_load(o, ring_bytes, &s->skel, e);
	if (r == 0)
		r = ring_open(&s->ring, probe_ring_fd(s->skel), ring_bytes, e);
	if (r < 0) {
		sensor_close(s);
		return r;
	}
	raise_priority(o->priority_boost);
	mounts_open(&s->mounts);
	s->decoder.mounts = &s->mounts;
	s->decoder.epoch_offset_ns = clock_boot_to_epoch_ns();
	*ret = s;
	return 0;
}

void sensor_close(struct sensor *s)
{
	if (!s)
		return;
	if (s->skel) {
		if (s->known.skel)
			known_done(&s->known);
		ring_close(&s->ring);
		probe_unload(s->skel);
	}
	if (s->mounts.fd >= 0)
		mounts_close(&s->mounts);
	lookup_close(&s->lookup);
	free(s);
}

void sensor_stop(struct sensor *s)
{
	probe_detach(s->skel);
}

void sensor_want(struct sensor *s, const uint64_t *codes, bool all_events, unsigned push)
{
	probe_want(s->skel, codes, all_events, push);
}

bool sensor_can_be_dull(const struct sensor *s)
{
	return s->decoder.verdict.a || s->decoder.verdict.b;
}

/* Most calls on sockets are made once, and what is never asked again need not be remembered. */
static bool was_met(struct sensor *s, const struct verdict_key *key)
{
	struct verdict_key *met = &s->met[key->a % SOCKETS_MET];
	bool is_same = memcmp(met, key, sizeof(*met)) == 0;

	*met = *key;
	return is_same;
}

void sensor_dull(struct sensor *s, bool of_one)
{
	const struct verdict_key *key = of_one ? &s->decoder.own : &s->decoder.verdict;

	if (!key->a && !key->b)
		return; /* the probe was not asked to tell calls so */
	if (s->decoder.push == SENSOR_PUSH_OPENS || was_met(s, key))
		probe_judge(s->skel, s->decoder.push, key, true);
}

void sensor_forget_dull(struct sensor *s, bool of_one)
{
	if (of_one)
		probe_new_own_epoch(s->skel);
	else
		probe_new_epoch(s->skel);
}

bool sensor_asks_for_folder(const struct sensor *s)
{
	return s->decoder.folder.a || s->decoder.folder.b;
}

void sensor_tell_folder(struct sensor *s, bool is_dull)
{
	probe_judge(s->skel, SENSOR_PUSH_OPENS, &s->decoder.folder, is_dull);
}

bool sensor_tell_names(struct sensor *s, const struct sensor_name *names, size_t n)
{
	return probe_tell_names(s->skel, names, n);
}

static void tell_decoder(struct sensor *s)
{
	s->decoder.known = s->known.paths;
	s->decoder.nknown = s->known.nrows;
}

size_t sensor_know(struct sensor *s, const struct sensor_path *paths, size_t n)
{
	if (known_set(&s->known, s->skel, paths, n) < 0)
		return 0;
	tell_decoder(s);
	size_t known = known_look(&s->known);

	probe_new_epoch(s->skel);
	return known;
}

size_t sensor_know_inside(struct sensor *s, int root)
{
	size_t n = known_look_inside(&s->known, root);

	if (n)
		probe_new_epoch(s->skel);
	return n;
}

void sensor_tick(struct sensor *s)
{
	size_t changes = s->known.changes;

	known_look(&s->known);
	/* another name for an inode, or another mount table: what was dull may not be so any more
	 */
	if (mounts_refresh(&s->mounts) || s->known.changes != changes)
		probe_new_epoch(s->skel);
	/* the wall clock may have been set */
	s->decoder.epoch_offset_ns = clock_boot_to_epoch_ns();
}

int sensor_next(struct sensor *s, struct arena *a, int timeout_ms, struct event *ret)
{
	size_t len;

	if (++s->in_batch >= BATCH) {
		ring_release(&s->ring);
		s->in_batch = 0;
	}
	for (;;) {
		const void *record = ring_next(&s->ring, &len);

		if (!record) {
			int pause = s->was_busy ? POLL_BUSY_MS : POLL_IDLE_MS;

			ring_release(&s->ring);
			s->in_batch = 0;
			if (timeout_ms <= 0)
				return 0;
			ring_wait(&s->ring, pause < timeout_ms ? pause : timeout_ms);
			timeout_ms -= pause;
			s->was_busy = false;
			if (ring_used(&s->ring) == 0 && timeout_ms <= 0)
				return 0;
			continue;
		}
		s->was_busy = true;
		s->received++;
		if (decode_record(&s->decoder, record, len, a, ret) == 0) {
			ret->num = ++s->num;
			if (s->decoder.mnt_ns.inum)
				lookup_names(&s->lookup, &s->decoder.mnt_ns, a, ret);
			return 1;
		}
		s->bad++;
	}
}

struct sensor_counters sensor_counters(const struct sensor *s)
{
	return (struct sensor_counters){
		.in = probe_counter_read(s->skel, COUNT_IN),
		.sent = probe_counter_read(s->skel, COUNT_SENT),
		.drop_ring = probe_counter_read(s->skel, COUNT_DROP_RING),
		.drop_size = probe_counter_read(s->skel, COUNT_DROP_SIZE),
		.state_in = probe_counter_read(s->skel, COUNT_STATE_IN),
		.drop_state = probe_counter_read(s->skel, COUNT_DROP_STATE),
		.path_cut = probe_counter_read(s->skel, COUNT_PATH_CUT),
		.dull = probe_counter_read(s->skel, COUNT_DULL),
		.own = probe_counter_read(s->skel, COUNT_IGNORED_SELF),
		.received = s->received,
		.bad = s->bad,
		.ring_used = ring_used(&s->ring),
		.ring_size = s->ring.size,
	};
}

bool sensor_is_rename(const struct event *ev)
{
	switch (ev->code) {
	case EV_RENAME:
	case EV_RENAMEAT:
	case EV_RENAMEAT2:
	case EV_LINK:
	case EV_LINKAT:
		return true;
	default:
		return false;
	}
}
