/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of containers, and which of them a process is in. What a container is like is read by
 * place.c the moment that its id is first seen; when there is nothing to read yet, the next exec
 * in it and the tick try again, ever more rarely.
 *
 * A process that was in a container stays in it when it moves itself to a cgroup that names none:
 * leaving a cgroup is no way out of a container, and engines only ever move processes in.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/state/private.h"

enum { SHORT_ID = 12, TRIES_MAX = 6, CONTAINER_ARENA_MAX = 32 << 20, LEARNT_MAX = 256 << 20 };
#define FORGET_NS (30 * NSEC_PER_SEC)

static bool slot_eq(const void *row, const void *key)
{
	return str_eq(((const struct container_slot *)row)->key, *(const struct str *)key);
}

int containers_init(struct state *s)
{
	table_init(&s->containers, slot_eq, s->o.max_containers);
	return table_reserve(&s->containers, 64);
}

const char *container_type_name(enum container_type t)
{
	switch (t) {
	case CONTAINER_DOCKER:
		return "docker";
	case CONTAINER_LXC:
		return "lxc";
	case CONTAINER_LIBVIRT_LXC:
		return "libvirt-lxc";
	case CONTAINER_RKT:
		return "rkt";
	case CONTAINER_CUSTOM:
		return "custom";
	case CONTAINER_CRI:
		return "cri";
	case CONTAINER_CONTAINERD:
		return "containerd";
	case CONTAINER_CRIO:
		return "cri-o";
	case CONTAINER_BPM:
		return "bpm";
	case CONTAINER_STATIC:
		return "static";
	case CONTAINER_PODMAN:
		return "podman";
	case CONTAINER_HOST:
		return "host";
	case CONTAINER_UNKNOWN:
		return NULL;
	}
	return NULL;
}

struct container *container_new(enum container_type type, struct str full_id)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	arena_init(&c->arena, CONTAINER_ARENA_MAX);
	c->refs = 1;
	c->type = type;
	c->uid = UINT32_MAX;
	c->full_id = arena_str(&c->arena, full_id);
	c->id = str_head(c->full_id, 12);
	return c;
}

void container_unref(struct container *c)
{
	if (!c || --c->refs)
		return;
	arena_done(&c->arena);
	free(c);
}

static void slot_free(struct container_slot *slot)
{
	container_unref(slot->c);
	free((char *)slot->key.s);
	free(slot);
}

void containers_done(struct state *s)
{
	size_t pos = 0;

	for (struct container_slot *slot; (slot = table_next(&s->containers, &pos));)
		slot_free(slot);
	table_done(&s->containers);
}

static void slot_drop(struct state *s, struct container_slot *slot)
{
	table_take(&s->containers, str_hash(slot->key), &slot->key);
	s->n.containers -= slot->c != NULL;
	slot_free(slot);
}

static bool is_unused(const struct container_slot *slot)
{
	return !slot->c || slot->c->refs == 1;
}

/* At the cap: any that no process is in. False when all are in use. */
static bool drop_one(struct state *s)
{
	size_t pos = 0;

	for (struct container_slot *slot; (slot = table_next(&s->containers, &pos));)
		if (is_unused(slot)) {
			slot_drop(s, slot);
			return true;
		}
	return false;
}

static struct container_slot *slot_add(struct state *s, struct str key)
{
	struct container_slot *slot = calloc(1, sizeof(*slot));
	char *copy = slot ? malloc(key.len + 1) : NULL;

	if (!copy || !str_copy(key, copy, key.len + 1))
		goto fail;
	slot->key = str_make(copy, key.len);
	if (s->containers.count >= s->o.max_containers && !drop_one(s))
		goto fail;
	if (table_put(&s->containers, str_hash(key), slot) == 0)
		return slot;
fail:
	free(copy);
	free(slot);
	return NULL;
}

static void backoff(struct state *s, struct container_slot *slot)
{
	slot->tries += slot->tries < TRIES_MAX;
	slot->next_try_ns = s->now_ns + (NSEC_PER_SEC << (slot->tries - 1));
}

/* One look at the disk. A container, perhaps with nothing but its id; NULL when out of memory. */
static struct container *look_up(struct state *s, const struct cgroup_match *m, uint32_t uid)
{
	struct container *c = container_new(m->type, m->id);

	if (!c || s->o.no_proc)
		return c;
	s->n.container_lookups++;
	if (container_look_up(s, c, uid) == 0)
		c->is_complete = true;
	else
		s->n.container_misses++;
	/* ctr's ids are names */
	if (!c->is_complete && m->is_guess)
		c->name = c->full_id;
	return c;
}

static void replace_everywhere(struct state *s, struct container *old, struct container *c)
{
	size_t pos = 0;

	for (struct row *r; (r = table_next(&s->by_key, &pos));)
		if (r->p.container == old)
			row_set_container(&r->p, c);
}

static void retry(struct state *s, struct container_slot *slot)
{
	struct cgroup_match m = {slot->c->type, slot->c->full_id, STR_NULL, false};
	struct container *c = look_up(s, &m, slot->uid);

	if (!c || !c->is_complete) {
		container_unref(c);
		backoff(s, slot);
		return;
	}
	struct container *old = slot->c;

	slot->c = c;
	replace_everywhere(s, old, c);
	container_unref(old);
}

/* A guess holds when containerd has, or was seen starting, a task of that name; remembered either
 * way. */
static bool guess_holds(struct state *s, struct container_slot *slot, const struct cgroup_match *m)
{
	if (slot->c || slot->is_announced)
		return true;
	if (s->o.no_proc || s->now_ns < slot->next_try_ns)
		return false;
	if (containerd_has_task(s, m->ns, m->id))
		return true;
	backoff(s, slot);
	return false;
}

static struct container_slot *slot_of(struct state *s, const struct cgroup_match *m)
{
	char text[512];
	/* captures: what a file tells of a container names it by its short id */
	struct str key = is_captured(s) ? str_head(m->id, SHORT_ID) : m->id;

	if (m->is_guess) {
		int n = snprintf(text, sizeof(text), "%.*s/%.*s", STR_ARG(m->ns), STR_ARG(m->id));

		key = str_make(text, n > 0 && (size_t)n < sizeof(text) ? (size_t)n : 0);
	}
	struct container_slot *slot = table_find(&s->containers, str_hash(key), &key);

	return slot ? slot : slot_add(s, key);
}

static struct container *get(
	struct state *s, const struct cgroup_match *m, uint32_t uid, bool is_exec)
{
	struct container_slot *slot = slot_of(s, m);

	if (!slot)
		return NULL;
	slot->uid = uid;
	slot->unused_since_ns = 0;
	if (m->is_guess && !guess_holds(s, slot, m))
		return NULL;
	if (!slot->c) {
		slot->c = look_up(s, m, uid);
		s->n.containers += slot->c != NULL;
		if (slot->c && !slot->c->is_complete)
			backoff(s, slot);
	} else if (!slot->c->is_complete && !s->o.no_proc &&
		   (is_exec || s->now_ns >= slot->next_try_ns)) {
		retry(s, slot);
	}
	if (is_captured(s) && slot->c && slot->c->full_id.len < m->id.len)
		slot->c->full_id = arena_str(&slot->c->arena, m->id);
	return slot->c;
}

/* The first certain match of the "subsys=path" list; else the first guess. */
static bool match_cgroups(struct str cgroups, struct cgroup_match *ret)
{
	bool guessed = false;

	for (struct str rest = cgroups; rest.s;) {
		struct str one = str_cut(&rest, 0);
		ptrdiff_t eq = str_find_char(one, '/');
		struct cgroup_match m;

		if (eq < 0 || !cgroup_parse(str_skip(one, (size_t)eq), &m))
			continue;
		if (!m.is_guess) {
			*ret = m;
			return true;
		}
		if (!guessed)
			*ret = m;
		guessed = true;
	}
	return guessed;
}

void container_resolve(struct state *s, struct row *r, bool is_exec)
{
	struct cgroup_match m;

	if (!r->p.cgroups.len || !match_cgroups(r->p.cgroups, &m))
		return;
	if (r->p.container && r->p.container->is_complete && str_eq(r->p.container->full_id, m.id))
		return;
	struct container *c = get(s, &m, r->p.uid, is_exec);

	if (c)
		row_set_container(&r->p, c);
	else if (!m.is_guess && !r->p.container && (c = container_new(m.type, m.id))) {
		/* no room in the table: the process must not look like one of the host's */
		row_set_container(&r->p, c);
		container_unref(c);
	}
}

/*
 * Only the host's root is believed: it could make such a container anyhow. What is read is what the
 * disk has, and nothing when that is not there.
 */
void container_foresee(struct state *s, const struct process *p)
{
	struct cgroup_match m;

	if (s->o.no_proc || p->uid != 0 || p->container ||
		!container_announced(p->comm, p->args, &m))
		return;
	struct container_slot *slot = slot_of(s, &m);

	if (!slot)
		return;
	slot->is_announced = true;
	get(s, &m, p->uid, true);
}

/* ---- captures ---- */

void container_learn(struct state *s, struct container *c)
{
	struct str key = str_head(c->id, SHORT_ID);
	struct container_slot *slot = table_find(&s->containers, str_hash(key), &key);

	/* in a file of strangers each may say megabytes; what is known already stays */
	if (s->learnt_bytes + c->arena.held > LEARNT_MAX || (!slot && !(slot = slot_add(s, key)))) {
		s->n.container_misses++;
		container_unref(c);
		return;
	}
	s->learnt_bytes += c->arena.held;
	if (!slot->c) {
		slot->c = c;
		s->n.containers++;
		return;
	}
	/* in its place: the processes in it keep their pointer */
	struct container *old = slot->c, was = *old;
	bool had_full_id = was.full_id.len > c->full_id.len;

	*old = *c;
	old->refs = was.refs;
	if (had_full_id)
		old->full_id = arena_str(&old->arena, was.full_id);
	s->learnt_bytes -= was.arena.held < s->learnt_bytes ? was.arena.held : s->learnt_bytes;
	arena_done(&was.arena);
	free(c);
}

void container_forget(struct state *s, struct str id)
{
	struct str key = str_head(id, SHORT_ID);
	struct container_slot *slot = table_find(&s->containers, str_hash(key), &key);

	if (!slot || !is_unused(slot))
		return;
	size_t held = slot->c ? slot->c->arena.held : 0;

	s->learnt_bytes -= held < s->learnt_bytes ? held : s->learnt_bytes;
	slot_drop(s, slot);
}

void containers_tick(struct state *s, uint64_t now_ns)
{
	size_t pos = 0;

	/* a capture tells of a container once, and its processes may come later */
	if (is_captured(s))
		return;
	for (struct container_slot *slot; (slot = table_next(&s->containers, &pos));) {
		if (is_unused(slot)) {
			if (!slot->unused_since_ns)
				slot->unused_since_ns = now_ns;
			else if (now_ns - slot->unused_since_ns > FORGET_NS)
				slot_drop(s, slot);
		} else if (!slot->c->is_complete && !s->o.no_proc && now_ns >= slot->next_try_ns) {
			slot->unused_since_ns = 0;
			retry(s, slot);
		}
	}
}

const struct container *state_container_find(const struct state *s, struct str id)
{
	struct container_slot *slot = table_find(&s->containers, str_hash(id), &id);
	size_t pos = 0;

	if (slot && slot->c)
		return slot->c;
	while ((slot = table_next(&s->containers, &pos)))
		if (slot->c && (str_eq(slot->c->id, id) || str_eq(slot->c->full_id, id)))
			return slot->c;
	return NULL;
}

const struct container *state_container_next(const struct state *s, size_t *pos)
{
	for (struct container_slot *slot; (slot = table_next(&s->containers, pos));)
		if (slot->c)
			return slot->c;
	return NULL;
}
