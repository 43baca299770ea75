/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One record of the ring buffer → one event. Pure: no system call, nothing kept. Fuzzed. */
#include "source/sensor/mounts.h"
#include "source/sensor/plan.h"
#include "source/sensor/sensor.h"

struct decoder {
	uint64_t epoch_offset_ns; /* boot time + this = time since the epoch */
	const struct str *known;  /* named paths by id */
	size_t nknown;
	const struct mounts *mounts;             /* NULL = bind mounts stay as they are */
	struct verdict_key verdict, folder, own; /* of the last record; zero = none */
	unsigned push;                           /* how the verdict's key was made */
	struct fact_mntns mnt_ns;           /* of the last record, if it names a file; 0 = none */
	uint64_t numbers[EVENT_PARAMS_MAX]; /* numeric parameters of the event at hand */
};

/* 0, or -EBADMSG when the record is no record. Strings borrow from it and from the arena. */
int decode_record(
	struct decoder *d, const void *record, size_t size, struct arena *a, struct event *ret);

/* Private to the decoder's files. */
struct record_view {
	const struct record_head *h;
	struct str reads[RECORD_READS_MAX];
	struct str facts[FACT_MAX];
};
/* The list of a record, written out: "unified=/a\0cpu=/a\0…", in the arena. */
struct str decode_cgroups(struct str items, struct arena *a);
void decode_exec(struct decoder *d, const struct record_view *v, struct arena *a, struct event *ev);
void decode_exec_failed(const struct record_view *v, struct event *ev);
void decode_exit(struct decoder *d, const struct record_view *v, struct event *ev);
void decode_fork(const struct record_view *v, struct event *ev);
void decode_socket(const struct record_view *v, struct event *ev);
void decode_addresses(const struct event_plan *ep, const struct record_view *v, struct arena *a,
	struct event *ev);
/* After all columns of the schema, what none of them can say. */
void decode_by_hand(struct decoder *d, const struct event_plan *ep, const struct record_view *v,
	struct arena *a, struct event *ev);
/* The name by which rules know the file: its identity's, or the one without the bind mount. */
struct str decode_known(
	struct decoder *d, const struct record_view *v, struct arena *a, uint32_t dev);
/* Sets a numeric parameter of the event at hand. */
void decode_number(struct decoder *d, struct event *ev, unsigned i, uint64_t value, size_t size);
size_t param_size(uint8_t type);
