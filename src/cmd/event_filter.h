/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A condition of the command line, compiled, and asked about one event after the other. */
#include "base/err.h"
#include "engine/field/field.h"

struct event_filter;
/* An empty text is no filter: *ret is NULL. `what` names it in the error. 0 or -errno. */
int event_filter_open(struct str text, const char *what, struct event_filter **ret, struct err *e);
/* Events that can pass, as bits by code (stream_options.codes). */
const uint64_t *event_filter_codes(const struct event_filter *f);
/* Under any name of the event's file. NULL lets all pass. */
bool event_filter_passes(struct event_filter *f, struct field_subject *s);
void event_filter_close(struct event_filter *f);
/* "format:1:5: ..." with the text and a mark under the place. Returns -EINVAL. */
int event_filter_syntax_error(
	const char *what, struct str text, const struct filter_error *fe, struct err *e);
