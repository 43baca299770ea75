/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the flight recorder with the live loop. It keeps nothing itself; rules decide by Falco's
 * keys (capture, capture_duration) or by their priority.
 */
#include "cmd/record.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

int record_open(const struct config *c, const struct state *s, struct recorder **ret, struct err *e)
{
	struct recorder_options o = {
		.ring_bytes = c->recorder.ring_bytes,
		.before_ns = c->recorder.before_ms * 1000000,
		.after_ns = c->recorder.after_ms * 1000000,
		.dir = c->recorder.dir,
		.max_dir_bytes = c->recorder.max_dir_bytes,
		.writer =
			{
				.gzip = c->recorder.compress,
				.redact = c->recorder.redact,
				.nredact = c->recorder.nredact,
				.no_environment = !c->recorder.environment,
			},
	};

	*ret = NULL;
	return c->recorder.enabled ? recorder_new(&o, s, ret, e) : 0;
}

void record_want(uint64_t codes[SENSOR_CODE_WORDS])
{
	for (unsigned i = 0; i < EVENT_CODE_MAX; i++)
		if (capture_is_needed((uint16_t)i))
			codes[i / 64] |= 1ULL << (i % 64);
}

static bool is_recorded(const struct config *c, const struct finding *f, const struct rule *rule)
{
	if (rule && rule->capture)
		return true;
	return c->recorder.all_rules && f->priority <= c->recorder.priority;
}

static const struct finding_context *context_with(
	const struct finding_context *context, struct str path, struct arena *a)
{
	struct finding_context *with = context ? arena_new(a, struct finding_context) : NULL;

	if (!with)
		return context;
	*with = *context;
	with->capture = path;
	return with;
}

struct finding record_finding(struct recorder *r, const struct config *c, const struct finding *f,
	const struct rule *rule, struct arena *a)
{
	struct finding with = *f;

	if (!is_recorded(c, f, rule))
		return with;
	uint64_t after_ns = rule ? rule->capture_duration_ms * 1000000 : 0;
	struct str path = arena_str(a, recorder_fire(r, f->ts_ns, f->rule, after_ns));
	struct finding_field *fields = arena_array(a, struct finding_field, f->nfields + 1);
	if (!path.len || !fields)
		return with;
	if (f->nfields)
		memcpy(fields, f->fields, f->nfields * sizeof(*fields));
	fields[with.nfields++] =
		(struct finding_field){.name = STR("capture.file"), .type = FV_STR, .s = path};
	with.fields = fields;
	with.context = context_with(f->context, path, a);
	with.output = arena_printf(a, "%.*s capture=%.*s", STR_ARG(f->output), STR_ARG(path));
	return with;
}

void record_tick(struct recorder *r, uint64_t now_ns, uint64_t *told)
{
	recorder_tick(r, now_ns);
	struct recorder_counters n = recorder_counters(r);
	if (n.failed > *told)
		log_warn("recorder: a recording could not be written: %s", strerror(-n.last_error));
	*told = n.failed;
}
