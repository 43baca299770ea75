/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that no rule can match, judged by what is left of the rules when only that is looked at
 * which the sensor tells calls by (engine/rules/project.c): opens one at a time or a folder at a
 * time, and remembered (opens.c), so that detect.c need not judge such an open at all; sockets and
 * connects of all processes, or of one. The live loop tells the kernel to leave the next ones out
 * (bpf/verdict.h, bpf/verdict_sock.h).
 */
#include "engine/detect/private.h"

static bool any_root(struct detect *d, const struct pushdown *push)
{
	for (size_t i = 0; i < push->nroots; i++)
		if (filter_eval_root(d->eval, push->roots[i]))
			return true;
	return false;
}

/* Nothing that the sensor can tell leaves a rule, under any name. */
static bool is_refused(struct detect *d, const struct pushdown *push, const struct event *ev,
	const struct process *proc, struct state *state)
{
	struct field_subject s = {
		.ev = ev,
		.proc = proc,
		.state = state,
		.hostname = d->hostname,
		.names = d->names,
	};
	enum name_kind kinds[EVENT_NAMES_MAX];
	unsigned nkinds = field_name_kinds(ev, kinds);

	filter_eval_begin(d->eval, &s);
	for (unsigned k = 0; k < nkinds; k++) {
		s.name = kinds[k];
		if (k)
			filter_eval_rename(d->eval);
		if (any_root(d, push))
			return false;
	}
	return true;
}

/* Puts an ordinary name in the place of the path's last one, which must be `name`. False where
 * rules tell names in that folder. */
static bool make_ordinary(struct detect *d, struct str name, struct str *path)
{
	if (!path->len)
		return true;
	struct str folder = str_head(*path, path->len - name.len);

	if (!str_ends(*path, name) || (folder.len && folder.s[folder.len - 1] != '/') ||
		ruleset_tells_names_in(d->rs, folder))
		return false;
	*path = arena_printf(&d->arena, "%.*s" ORDINARY_NAME, STR_ARG(folder));
	return path->len;
}

/* Of all opens like this one of files with an ordinary name in the same folder. */
static bool is_folder_dull(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state)
{
	struct event other = *ev;
	struct event_path *p = &other.path;
	ptrdiff_t slash = str_rfind_char(p->raw, '/');
	struct str name = str_skip(p->raw, (size_t)(slash + 1));
	int param = event_param_index(ev->def, STR("name"));

	if (!d->rs->can_push_folders || !name.len || param < 0)
		return false;
	if (d->arena_used)
		arena_reset(&d->arena);
	d->arena_used = true;
	if (!make_ordinary(d, name, &p->raw) || !make_ordinary(d, name, &p->name) ||
		!make_ordinary(d, name, &p->real) || !make_ordinary(d, name, &p->known))
		return false;
	other.params[param] = str_make(p->raw.s, p->raw.len + 1);
	return is_refused(d, &d->rs->push[PUSH_OPEN], &other, proc, state);
}

/* ---- with what is known --------------------------------------------------------------------- */

static bool is_remembered(const struct detect *d, const struct event *ev)
{
	return d->opens && opens_is_about(d->opens, ev);
}

static enum open_known ask_folder(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state)
{
	enum open_known how = opens_ask_folder(d->opens, ev);

	if (how != OPEN_NEW)
		return how;
	bool is_dull = is_folder_dull(d, ev, proc, state);

	opens_keep_folder(d->opens, is_dull);
	return is_dull ? OPEN_DULL : OPEN_KNOWN;
}

struct known_open dull_ask(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state)
{
	struct known_open o = {.how = OPEN_UNKNOWABLE};

	if (!is_remembered(d, ev))
		return o;
	o.how = ask_folder(d, ev, proc, state);
	if (o.how != OPEN_DULL)
		o.how = opens_ask(d->opens, ev, &o.mask);
	return o;
}

static bool is_open_dull(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state)
{
	enum open_known how = dull_ask(d, ev, proc, state).how;

	if (how == OPEN_DULL || how == OPEN_KNOWN)
		return how == OPEN_DULL;
	return is_refused(d, &d->rs->push[PUSH_OPEN], ev, proc, state);
}

enum dull detect_is_dull(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state)
{
	enum push_kind kind = ruleset_push_kind(ev->code), own = push_kind_of_one(kind);
	const struct pushdown *push = d->rs->push;

	if (kind == PUSH_OPEN)
		return push[kind].is_on && is_open_dull(d, ev, proc, state) ? DULL_OF_ALL
									    : DULL_NOT;
	if (kind < PUSH_KINDS && push[kind].is_on && is_refused(d, &push[kind], ev, proc, state))
		return DULL_OF_ALL;
	if (own < PUSH_KINDS && push[own].is_on && is_refused(d, &push[own], ev, proc, state))
		return DULL_OF_ONE;
	return DULL_NOT;
}

bool detect_is_folder_dull(
	struct detect *d, const struct event *ev, const struct process *proc, struct state *state)
{
	enum open_known how = OPEN_UNKNOWABLE;

	if (is_remembered(d, ev))
		how = ask_folder(d, ev, proc, state);
	return how == OPEN_UNKNOWABLE ? is_folder_dull(d, ev, proc, state) : how == OPEN_DULL;
}
