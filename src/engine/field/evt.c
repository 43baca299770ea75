/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evt.* fields that every source of events has: number, times, source, host. Fields of system
 * calls are in evt_syscall.c.
 */
#include "base/clock.h"
#include "base/digits.h"
#include "engine/field/private.h"

GET(get_num)
{
	return give_u64(ret, event_of(ctx)->num);
}

PUT(put_num)
{
	return digits_put_u64(to, event_of(ctx)->num);
}

/* Local time by strftime's fmt, with nanoseconds behind it if asked. */
static bool give_time(
	const struct field_ctx *ctx, const char *fmt, bool fraction, struct value *ret)
{
	uint64_t ts = event_of(ctx)->ts_ns;
	struct buf b = field_buf(ctx, 64);

	clock_add_strftime(&b, ts, fmt, false);
	if (fraction)
		clock_add_fraction(&b, ts);
	return b.len && give_str(ret, buf_str(&b));
}

/* The day's text changes with the second only; asking the C library takes longer than all else. */
static bool tell_second(struct field_clock *clock, uint64_t ts_ns)
{
	char text[sizeof(clock->text) + 1];
	struct buf b = buf_fixed(text, sizeof(text));

	clock_add_strftime(&b, ts_ns, "%H:%M:%S", false);
	if (b.len != sizeof(clock->text))
		return false;
	memcpy(clock->text, text, sizeof(clock->text));
	clock->begins_ns = ts_ns - ts_ns % NSEC_PER_SEC;
	return true;
}

char *field_put_time_of_day(const struct field_subject *s, char *to)
{
	struct field_clock *clock = s->clock;
	uint64_t ts = s->ev->ts_ns;

	if (!clock->text[0] || ts - clock->begins_ns >= NSEC_PER_SEC) {
		if (!tell_second(clock, ts))
			return NULL;
	}
	to = mempcpy(to, clock->text, sizeof(clock->text));
	return digits_put_fraction(to, (uint32_t)(ts - clock->begins_ns));
}

void field_add_time_of_day(const struct field_subject *s, struct buf *out)
{
	struct field_clock none = {0};
	struct field_subject timed = {.ev = s->ev, .clock = s->clock ? s->clock : &none};
	char text[FIELD_PUT_MAX], *end = field_put_time_of_day(&timed, text);

	if (end)
		buf_add(out, str_make(text, (size_t)(end - text)));
}

static bool print_time(const struct field_ctx *ctx, const struct field_arg *arg, struct buf *out)
{
	field_add_time_of_day(subject_of(ctx), out);
	return true;
}

GET(get_time)
{
	struct buf b = field_buf(ctx, 32);

	field_add_time_of_day(subject_of(ctx), &b);
	return b.len && give_str(ret, buf_str(&b));
}

GET(get_time_s)
{
	return give_time(ctx, "%H:%M:%S", false, ret);
}

GET(get_time_iso8601)
{
	struct buf b = field_buf(ctx, 64);

	clock_add_iso8601(&b, event_of(ctx)->ts_ns);
	return give_str(ret, buf_str(&b));
}

GET(get_datetime)
{
	return give_time(ctx, "%Y-%m-%d %H:%M:%S", true, ret);
}

GET(get_datetime_s)
{
	return give_time(ctx, "%Y-%m-%d %H:%M:%S", false, ret);
}

GET(get_rawtime)
{
	return give_abstime(ret, event_of(ctx)->ts_ns);
}

GET(get_rawtime_s)
{
	return give_abstime(ret, event_of(ctx)->ts_ns / NSEC_PER_SEC);
}

GET(get_rawtime_ns)
{
	return give_abstime(ret, event_of(ctx)->ts_ns % NSEC_PER_SEC);
}

/* Since the first event; an event that is older than the first counts as 0. */
static uint64_t relative_ns(const struct field_ctx *ctx)
{
	const struct field_subject *s = subject_of(ctx);

	return s->first_ts_ns && s->ev->ts_ns > s->first_ts_ns ? s->ev->ts_ns - s->first_ts_ns : 0;
}

GET(get_reltime)
{
	return give_reltime(ret, relative_ns(ctx));
}

GET(get_reltime_s)
{
	return give_reltime(ret, relative_ns(ctx) / NSEC_PER_SEC);
}

GET(get_reltime_ns)
{
	return give_reltime(ret, relative_ns(ctx) % NSEC_PER_SEC);
}

GET(get_source)
{
	return give_str(ret, STR("syscall"));
}

GET(get_is_async)
{
	const struct event *ev = event_of(ctx);

	return give_bool(ret, ev->def && (ev->def->flags & EF_META));
}

GET(get_asynctype)
{
	const struct event *ev = event_of(ctx);

	if (!ev->def || !(ev->def->flags & EF_META))
		return false;
	if (ev->code == EV_ASYNCEVENT)
		return give_some_str(ret, event_param_str(ev, 1));
	return give_cstr(ret, ev->def->name);
}

GET(get_hostname)
{
	const char *name = subject_of(ctx)->hostname;

	return name && *name && give_cstr(ret, name);
}

static const struct field_def fields[] = {
	{"evt.num", VT_U64, 0,
		"Number of the event, counted from 1 as events arrive. Example: evt.num > 1000.",
		get_num, .put = put_num},
	{"evt.time", VT_STR, 0, "Local time of day with nanoseconds: 14:03:11.000250000.", get_time,
		.print = print_time, .json = get_rawtime},
	{"evt.time.s", VT_STR, 0, "Local time of day in whole seconds: 14:03:11.", get_time_s,
		.json = get_rawtime},
	{"evt.time.iso8601", VT_STR, 0,
		"Date and time in UTC, ISO 8601 with nanoseconds: "
		"2026-01-31T14:03:11.000250000Z.",
		get_time_iso8601, .json = get_rawtime},
	{"evt.datetime", VT_STR, 0,
		"Local date and time with nanoseconds: 2026-01-31 14:03:11.000250000.",
		get_datetime, .json = get_rawtime},
	{"evt.datetime.s", VT_STR, 0, "Local date and time in whole seconds: 2026-01-31 14:03:11.",
		get_datetime_s, .json = get_rawtime},
	{"evt.rawtime", VT_ABSTIME, 0, "When the event ended, in nanoseconds since the epoch.",
		get_rawtime},
	{"evt.rawtime.s", VT_ABSTIME, 0, "When the event ended, in whole seconds since the epoch.",
		get_rawtime_s},
	{"evt.rawtime.ns", VT_ABSTIME, 0,
		"The part of evt.rawtime below one second, in nanoseconds.", get_rawtime_ns},
	{"evt.reltime", VT_RELTIME, 0, "Nanoseconds since the first event that was seen.",
		get_reltime},
	{"evt.reltime.s", VT_RELTIME, 0, "Whole seconds since the first event that was seen.",
		get_reltime_s},
	{"evt.reltime.ns", VT_RELTIME, 0,
		"The part of evt.reltime below one second, in nanoseconds.", get_reltime_ns},
	{"evt.pluginname", VT_STR, 0,
		"Name of the plugin that made the event. Missing for system calls, which come from "
		"no plugin.",
		field_get_missing},
	{"evt.plugininfo", VT_STR, 0,
		"The plugin's one-line summary of its event. Missing for system calls, which come "
		"from no plugin.",
		field_get_missing},
	{"evt.source", VT_STR, 0, "Where the event comes from: syscall for what the kernel saw.",
		get_source},
	{"evt.is_async", VT_BOOL, 0,
		"True for events that no system call made: container news, drops, plugin messages.",
		get_is_async},
	{"evt.asynctype", VT_STR, 0,
		"Name of an event that no system call made, such as container or drop; missing for "
		"system calls.",
		get_asynctype},
	{"evt.hostname", VT_STR, 0,
		"Name of the host where the event happened; FALCO_HOSTNAME overrides it.",
		get_hostname},
};

const struct field_class field_class_evt = {
	.name = "evt",
	.desc = "Every event, whatever its source: number, time, origin.",
	.fields = fields,
	.nfields = COUNT_OF(fields),
};
