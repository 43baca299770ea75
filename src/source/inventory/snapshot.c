/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy of the state that the inventory works on. It is made on the thread that owns the state,
 * so it copies and counts, and looks nothing up.
 */
#include <stdlib.h>

#include "engine/detect/detect.h"
#include "source/inventory/private.h"

/* Containers by address while the copy is made. */
struct places {
	const struct container *at[2 * INVENTORY_CONTAINERS_MAX];
	int16_t index[2 * INVENTORY_CONTAINERS_MAX];
};

/* Its slot, or the empty one where it would go: there are twice as many as containers. */
static size_t slot_of(const struct places *p, const struct container *c)
{
	size_t i = hash_u64((uint64_t)(uintptr_t)c) % (2 * INVENTORY_CONTAINERS_MAX);

	while (p->at[i] && p->at[i] != c)
		i = (i + 1) % (2 * INVENTORY_CONTAINERS_MAX);
	return i;
}

/* HOST too for those that are beyond the limit. */
static int16_t index_of(const struct places *p, const struct container *c)
{
	size_t i = c ? slot_of(p, c) : 0;

	return c && p->at[i] ? p->index[i] : HOST;
}

static void copy_container(struct snapshot *n, const struct container *c)
{
	struct seen_container *to = &n->containers[n->ncontainers];
	struct finding_container d;

	detect_describe_container(c, &n->arena, &d);
	buf_clear(&n->text);
	finding_add_container(&d, &n->text);
	*to = (struct seen_container){
		.members = arena_str(&n->arena, buf_str(&n->text)),
		.full_id = arena_str(&n->arena, c->full_id),
		.started_ns = c->created_ns,
		.host_network = c->host_network,
	};
	n->ncontainers++;
}

static void count_process(struct seen_container *c, const struct process *p)
{
	c->nprocesses++;
	if (c->first_pid && c->first_start_ns <= p->start_ns)
		return;
	c->first_pid = p->pid;
	c->first_start_ns = p->start_ns;
	if (!c->started_ns || p->start_epoch_ns < c->started_ns)
		c->started_ns = p->start_epoch_ns;
}

static void copy_process(struct snapshot *n, const struct places *places, const struct process *p)
{
	int16_t container = index_of(places, p->container);

	n->nall++;
	n->nhost += container == HOST;
	if (container != HOST)
		count_process(&n->containers[container], p);
	if (n->nprocesses == INVENTORY_PROCESSES_MAX)
		return;
	struct seen_process *to = &n->processes[n->nprocesses++];
	*to = (struct seen_process){.pid = p->pid, .container = container, .start_ns = p->start_ns};
	str_copy(p->comm, to->comm, sizeof(to->comm));
}

void snapshot_take(struct snapshot *n, const struct state *s)
{
	struct places places = {0};
	const struct container *c;
	const struct process *p;

	arena_reset(&n->arena);
	n->ncontainers = n->nprocesses = n->nall = n->nhost = 0;
	for (size_t pos = 0;
		n->ncontainers < INVENTORY_CONTAINERS_MAX && (c = state_container_next(s, &pos));) {
		size_t slot = slot_of(&places, c);

		places.at[slot] = c;
		places.index[slot] = (int16_t)n->ncontainers;
		copy_container(n, c);
	}
	for (size_t pos = 0; (p = state_process_next(s, &pos));)
		if (!p->exit_epoch_ns && p->pid)
			copy_process(n, &places, p);
}

static int compare_processes(const void *a, const void *b)
{
	const struct seen_process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

void snapshot_sort(struct snapshot *n)
{
	qsort(n->processes, n->nprocesses, sizeof(n->processes[0]), compare_processes);
}
