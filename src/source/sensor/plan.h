/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the probe reads for each event, and where the decoder finds each parameter in it. */
#include <linux/types.h>

#include "bpf/record.h"
#include "model/event/event.h"

enum source_kind {
	SRC_NONE,
	SRC_RET,
	SRC_ARG,
	SRC_FDARG,
	SRC_STR,
	SRC_DATA,
	SRC_IOV,
	SRC_IOVSIZE,
	SRC_MSG,
	SRC_MSGSIZE,
	SRC_U32AT,
	SRC_U64AT,
	SRC_TIMESPEC,
	SRC_CONTROL,
	SRC_POLL,
	SRC_TUPLE,
	SRC_SOCKADDR,
	SRC_FILE_DEV,
	SRC_FILE_INO,
	SRC_HAND,
	SRC_CONV,
	SRC_CONV2,
	SRC_CONV_U32AT,
	SRC_CONV_U64AT,
};

/* SOURCE of a PARAM row of schema.def. */
struct param_source {
	uint8_t kind, a, b, conv;
};

/* One for every current syscall event. */
struct event_plan {
	const struct param_source *sources; /* by parameter */
	struct plan plan;                   /* for the probe */
	uint8_t slot[EVENT_PARAMS_MAX];     /* parameter → read, PLAN_NONE */
	uint8_t path_param[2];              /* parameters that are paths, in order */
};

/* Filled on the first call, then constant. NULL for codes without a plan. */
const struct event_plan *event_plan(uint16_t code);

/* How the probe tells such calls from others (enum sensor_push); 0: not at all. */
unsigned event_push(uint16_t code);

struct syscall_row {
	uint16_t nr, code;
	const char *name;
};
/* Syscall numbers of this machine, and of its 32-bit mode; ends in a NULL name. */
extern const struct syscall_row syscalls_native[], syscalls_compat[];
/* Falco's number for a syscall of this machine (parameter ID of event 1), 0 when it has none. */
unsigned syscall_id_by_number(uint16_t nr, bool is_compat);
