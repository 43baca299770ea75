/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind "script": a Lua file written for sysdig's chisels. When which of its functions is called
 * is decided here; what it can call is in the other lua files.
 *
 *	load   the file's top, then on_set_arg() for each argument, on_init()
 *	       (chisel.exec() in there: the same again with another file in its place)
 *	start  on_capture_start(), before the first event
 *	event  on_interval() when one is due, the filter, on_event(), the formatter
 *	end    on_capture_end()
 */
#include <errno.h>

#include "base/clock.h"
#include "face/chisel/lua_private.h"

enum { CALLS_MAX = 100000 }; /* on_interval() calls that one event may cause */

/* A callback that must say true or false; raises when it says nothing. */
bool script_judge(lua_State *L, const char *name, int nargs, bool must_say)
{
	lua_call(L, nargs, 1);
	if (must_say && !lua_isboolean(L, -1))
		luaL_error(L, "%s() must return true or false, not %s", name, luaL_typename(L, -1));
	bool says = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return says;
}

/* Behind a filter of the command line it does not: the capture knows more of the time then. */
static bool gets_all(const struct script *s)
{
	return !s->env->filter.len && s->first_ns;
}

uint64_t script_first_ns(const struct script *s)
{
	const struct capture_info *info = s->env->capture;

	return !gets_all(s) && info && info->first_ns ? info->first_ns : s->first_ns;
}

uint64_t script_last_ns(const struct script *s)
{
	const struct capture_info *info = s->env->capture;

	return !gets_all(s) && info && info->last_ns ? info->last_ns : s->last_ns;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

/* Outside of events a script may still ask for the time. */
static void show_clock(struct script *s, uint64_t now_ns)
{
	s->clock_event = (struct event){
		.ts_ns = now_ns,
		.code = EV_PROCINFO,
		.def = event_def(EV_PROCINFO),
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.fd = {.num = INT64_MIN},
	};
	s->subject = (struct field_subject){
		.ev = &s->clock_event,
		.proc = &s->nobody,
		.state = s->env->state,
		.first_ts_ns = script_first_ns(s),
	};
}

static int call_start(lua_State *L)
{
	if (lua_getglobal(L, "on_capture_start") != LUA_TFUNCTION)
		return 0;
	if (!script_judge(L, "on_capture_start", 0, true))
		return luaL_error(L, "the script does not want to run: its on_capture_start() "
				     "returned false");
	return 0;
}

static int start(struct script *s, struct err *e)
{
	if (s->is_started)
		return 0;
	s->is_started = true;
	return script_vm_call(&s->vm, call_start, NULL, e);
}

struct moment {
	uint64_t ts_ns, delta_ns;
};

static void push_moment(lua_State *L, const struct moment *m)
{
	uint64_t whole_s = m->ts_ns / NSEC_PER_SEC, rest_ns = m->ts_ns % NSEC_PER_SEC;

	lua_pushnumber(L, (lua_Number)whole_s);
	lua_pushnumber(L, (lua_Number)rest_ns);
	lua_pushnumber(L, (lua_Number)m->delta_ns);
}

static int call_interval(lua_State *L)
{
	const struct moment *m = lua_touserdata(L, 1);

	if (lua_getglobal(L, "on_interval") != LUA_TFUNCTION)
		return luaL_error(L, "the script set an interval and has no on_interval()");
	push_moment(L, m);
	if (!script_judge(L, "on_interval", 3, false))
		return luaL_error(L,
			"the script ended the reading: its on_interval() did not return "
			"true");
	if (lua_getglobal(L, "on_end_of_sample") == LUA_TFUNCTION)
		lua_call(L, 0, 0);
	return 0;
}

/* Each time the clock enters another interval: so many since the epoch, as sysdig counts them. */
static int pass_interval(struct script *s, uint64_t ts_ns, struct err *e)
{
	uint64_t sample_ns = ts_ns - ts_ns % s->interval_ns;
	struct moment m = {ts_ns, s->last_interval_ns ? ts_ns - s->last_interval_ns : 0};

	if (sample_ns == s->sample_ns || (s->last_interval_ns && ts_ns <= s->last_interval_ns))
		return 0;
	int r = script_vm_call(&s->vm, call_interval, &m, e);
	s->sample_ns = sample_ns;
	s->last_interval_ns = ts_ns;
	return r;
}

/* Exactly so far apart from the first event on, also for times in which nothing happened. */
static int pass_precise(struct script *s, uint64_t ts_ns, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; !r && ts_ns >= s->sample_ns + s->precise_ns; i++) {
		struct moment m = {s->sample_ns, s->precise_ns};

		s->sample_ns += s->precise_ns;
		if (i >= CALLS_MAX) {
			s->sample_ns = ts_ns - ts_ns % s->precise_ns;
			break;
		}
		r = script_vm_call(&s->vm, call_interval, &m, e);
	}
	return r;
}

static int pass_time(struct script *s, uint64_t ts_ns, struct err *e)
{
	bool is_first = !s->first_ns;

	if (is_first)
		s->first_ns = ts_ns;
	if (ts_ns > s->last_ns)
		s->last_ns = ts_ns;
	if (is_first || !s->sample_ns) {
		s->sample_ns = s->interval_ns ? ts_ns - ts_ns % s->interval_ns : ts_ns;
		return 0;
	}
	if (s->interval_ns)
		return pass_interval(s, ts_ns, e);
	return s->precise_ns ? pass_precise(s, ts_ns, e) : 0;
}

static void print_formatted(struct script *s)
{
	struct field_ctx ctx = {&s->subject, &s->scratch};

	arena_reset(&s->scratch);
	buf_clear(&s->text);
	if (s->env->json || s->json
			? !format_render_json(s->formatter, &ctx, &s->text)
			: !format_render_line(s->formatter, &ctx, s->bytes != BYTES_DOTS, &s->text))
		return;
	buf_add_char(&s->text, '\n');
	script_output_write(s, buf_str(&s->text));
}

static int call_event(lua_State *L)
{
	struct script *s = script_of(L);

	if (lua_getglobal(L, "on_event") == LUA_TFUNCTION) {
		if (!script_judge(L, "on_event", 0, false) || s->is_over)
			return 0;
	}
	if (s->formatter)
		print_formatted(s);
	return 0;
}

/* After a failure nothing more is asked of it; os.exit() is none. */
static int failed(struct chisel *c, struct err *e)
{
	struct script *s = c->self;

	s->has_failed = true;
	return s->vm.end == SCRIPT_EXITED ? 1 : err_context(e, "%.*s", STR_ARG(c->info->name));
}

/* What the capture says of containers is read for the tables and shown to no script, as in sysdig.
 */
static bool is_bookkeeping(const struct event *ev)
{
	return !ev->def || ev->is_state_only ||
	       (ev->def->flags & EF_META && !strcmp(ev->def->name, "container"));
}

static int event(struct chisel *c, struct field_subject *subject, struct err *e)
{
	struct script *s = c->self;

	if (is_bookkeeping(subject->ev))
		return 0;
	s->subject = *subject;
	s->subject.style.bytes = s->bytes;
	s->subject.names_ids = true;
	/* threads of which only the scheduler speaks are nobody to sysdig */
	if (subject->proc && subject->proc->is_stub &&
		(subject->ev->code == EV_SWITCH || subject->ev->code == EV_PROCINFO))
		s->subject.proc = &s->nobody;
	int r = start(s, e);
	if (r == 0)
		r = pass_time(s, subject->ev->ts_ns, e);
	if (r == 0 && event_filter_passes(s->global_filter, &s->subject) &&
		event_filter_passes(s->filter, &s->subject))
		r = script_vm_call(&s->vm, call_event, NULL, e);
	show_clock(s, subject->ev->ts_ns);
	if (r < 0)
		return failed(c, e);
	return s->is_over;
}

static int tick(struct chisel *c, uint64_t now_ns, struct err *e)
{
	struct script *s = c->self;

	show_clock(s, now_ns);
	int r = start(s, e);
	if (r == 0)
		r = pass_time(s, now_ns, e);
	if (r < 0)
		return failed(c, e);
	return 0;
}

static int call_end(lua_State *L)
{
	if (lua_getglobal(L, "on_capture_end") != LUA_TFUNCTION)
		return 0;
	push_moment(L, lua_touserdata(L, 1));
	lua_call(L, 3, 0);
	return 0;
}

static int end(struct chisel *c, struct err *e)
{
	struct script *s = c->self;
	uint64_t first_ns = script_first_ns(s), last_ns = script_last_ns(s);
	struct moment m = {last_ns, last_ns - first_ns};

	if (s->has_failed)
		return 0;
	if (!s->subject.ev)
		show_clock(s, last_ns);
	int r = start(s, e);
	if (r == 0)
		r = script_vm_call(&s->vm, call_end, &m, e);
	return r < 0 && failed(c, e) < 0 ? -e->code : 0;
}

static void close_script(struct chisel *c)
{
	script_free(c->self);
	c->self = NULL;
}

const struct chisel_ops chisel_ops_script = {
	.kind = "script",
	.describe = script_describe,
	.open = script_open,
	.event = event,
	.tick = tick,
	.end = end,
	.close = close_script,
};
