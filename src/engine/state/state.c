/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole: making it, asking it, its periodic work. What events do is in apply.c, what /proc
 * tells in proc.c, what containers are in container.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/state/private.h"

enum {
	MIN_PROCESSES = 128, /* more than one event can add: a chain of ancestors */
	CHECK_PER_TICK = 64,
	TICK_MIN_NS = 100 * 1000 * 1000,
};
#define UNSEEN_NS (30 * NSEC_PER_SEC)

static void set_defaults(struct state_options *o)
{
	if (!o->max_processes)
		o->max_processes = 131072;
	if (o->max_processes < MIN_PROCESSES)
		o->max_processes = MIN_PROCESSES;
	if (!o->max_containers)
		o->max_containers = 4096;
	if (!o->max_text_bytes)
		o->max_text_bytes = (size_t)512 << 20;
	if (!o->max_user_files)
		o->max_user_files = 1024;
	if (!o->max_threads)
		o->max_threads = 262144;
	if (!o->max_descriptors)
		o->max_descriptors = 1 << 20;
}

/* host_root without the slashes at its end: "" for "/", so that it is a prefix of paths */
static char *clean_root(const char *root)
{
	struct str r = str_of(root ? root : "/");

	while (r.len && r.s[r.len - 1] == '/')
		r.len--;
	return strndup(r.s, r.len);
}

struct state *state_new(const struct state_options *o, struct err *e)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		goto no_memory;
	s->root_fd = -1;
	s->o = o ? *o : (struct state_options){0};
	set_defaults(&s->o);
	s->texts.max = s->o.max_text_bytes;
	s->fds.names.max = s->o.max_text_bytes;
	users_init(s);
	accounts_init(s);
	threads_init(s);
	arena_init(&s->scratch, 64 << 20);
	if (!(s->host_root = clean_root(s->o.host_root)) || !(s->proc_buf = malloc(PROC_BUF)) ||
		rows_init(s) < 0 || containers_init(s) < 0)
		goto no_memory;
	if (!s->o.no_proc) {
		const char *root = *s->host_root ? s->host_root : "/";

		s->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (s->root_fd < 0) {
			err_set(e, errno, "%s: cannot open the host's root: %s", root,
				strerror(errno));
			state_free(s);
			return NULL;
		}
	}
	apply_init(s);
	about_init(s);
	return s;
no_memory:
	err_set(e, ENOMEM, "the state table: out of memory");
	state_free(s);
	return NULL;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	rows_done(s);
	threads_done(s);
	accounts_done(s);
	fds_done(s);
	text_pool_done(&s->texts);
	containers_done(s);
	users_done(s);
	if (s->root_fd >= 0)
		close(s->root_fd);
	arena_done(&s->scratch);
	free(s->proc_buf);
	free(s->host_root);
	free(s);
}

const struct process *state_process_find(const struct state *s, uint32_t pid, uint64_t start_ns)
{
	struct row *r = start_ns ? row_find(s, pid, start_ns) : row_by_pid(s, pid);

	return r ? &r->p : NULL;
}

const struct process *state_process_by_pid(const struct state *s, uint32_t pid)
{
	struct row *r = row_by_pid(s, pid);

	return r ? &r->p : NULL;
}

const struct process *state_ancestor(const struct process *p, unsigned n)
{
	if (n > PROCESS_ANCESTORS_MAX)
		return NULL;
	while (p && n--)
		p = p->parent;
	return p;
}

const struct process *state_process_next(const struct state *s, size_t *pos)
{
	struct row *r = table_next(&s->by_pid, pos);

	return r ? &r->p : NULL;
}

struct state_counters state_counters(const struct state *s)
{
	return s->n;
}

/*
 * Exits can be lost. The processes that were not seen for half a minute are looked up in /proc, a
 * few each time; not earlier, for the events of one that has just ended may still be on their way.
 */
static void check_alive(struct state *s)
{
	for (unsigned i = 0; i < CHECK_PER_TICK && s->live.oldest; i++) {
		struct row *r = row_of(s->live.oldest);

		if (s->now_ns < r->seen_ns + UNSEEN_NS)
			break;
		if (proc_is_alive(s, r->p.pid))
			row_touch(s, r);
		else
			row_bury(s, r, s->now_ns);
	}
}

void state_tick(struct state *s, uint64_t now_epoch_ns)
{
	if (now_epoch_ns - s->last_tick_ns < TICK_MIN_NS && s->last_tick_ns)
		return;
	s->last_tick_ns = now_epoch_ns;
	if (now_epoch_ns > s->now_ns)
		s->now_ns = now_epoch_ns;
	if (s->dying) {
		struct row *r = s->dying;

		s->dying = NULL;
		row_bury(s, r, s->dying_ns);
	}
	if (!s->o.no_proc)
		check_alive(s);
	containers_tick(s, s->now_ns);
}
