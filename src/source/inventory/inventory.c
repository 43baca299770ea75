/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inventory's thread and its door. The owner of the state fills the snapshot while the thread
 * sleeps, then the thread has it; the two never touch it at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/io.h"
#include "source/inventory/private.h"

enum { EVERY_S = 10, CHANGED_S = 1, ARENA_BYTES = 64 << 20 };

struct inventory {
	struct inventory_options o;
	char host_root[4096];
	struct machine machine;
	inventory_emit emit;
	void *arg;
	struct snapshot snapshot;
	struct sockets sockets;
	struct buf record;
	/* the owner's */
	uint64_t taken_ns, containers; /* containers: a sum over who was there */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool is_full, is_ending;
};

/* ---- the machine --------------------------------------------------------------------------- */

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" of os-release(5). */
static void read_os(const char *root, char *ret, size_t size)
{
	char path[4200];
	struct arena a;
	struct str text;

	arena_init(&a, 1 << 20);
	snprintf(path, sizeof(path), "%s/etc/os-release", strcmp(root, "/") == 0 ? "" : root);
	*ret = 0;
	if (io_read_file(&a, AT_FDCWD, path, 64 << 10, &text, NULL) == 0) {
		while (text.len) {
			struct str line = str_cut(&text, '\n'), key = str_cut(&line, '=');

			if (!str_is(key, "PRETTY_NAME"))
				continue;
			if (line.len >= 2 && line.s[0] == '"')
				line = str_make(line.s + 1, line.len - 2);
			str_copy(line, ret, size);
		}
	}
	arena_done(&a);
}

static void read_machine(struct machine *m, const struct inventory_options *o, const char *root)
{
	struct utsname u;
	ptrdiff_t n =
		io_read_proc("/proc/sys/kernel/random/boot_id", m->boot_id, sizeof(m->boot_id) - 1);

	m->boot_id[n > 0 ? strcspn(m->boot_id, "\n") : 0] = 0;
	snprintf(m->hostname, sizeof(m->hostname), "%s", o->hostname ? o->hostname : "");
	snprintf(m->version, sizeof(m->version), "%s", o->version ? o->version : "");
	if (uname(&u) == 0)
		str_copy(str_of(u.release), m->kernel, sizeof(m->kernel));
	read_os(root, m->os, sizeof(m->os));
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void work_once(struct inventory *v)
{
	snapshot_sort(&v->snapshot);
	resources_read(&v->snapshot, v->host_root);
	sockets_read(&v->sockets, &v->snapshot);
	record_write(&v->snapshot, &v->sockets, &v->machine, clock_epoch_ns(), &v->record);
	if (!v->record.cut)
		v->emit(buf_str(&v->record), v->arg);
}

static void *work(void *arg)
{
	struct inventory *v = arg;

	pthread_mutex_lock(&v->lock);
	while (!v->is_ending) {
		if (!v->is_full) {
			pthread_cond_wait(&v->wake, &v->lock);
			continue;
		}
		pthread_mutex_unlock(&v->lock);
		work_once(v);
		pthread_mutex_lock(&v->lock);
		v->is_full = false;
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

/* ---- the owner's side ---------------------------------------------------------------------- */

static uint64_t sum_containers(const struct state *s)
{
	const struct container *c;
	uint64_t sum = 0;

	for (size_t pos = 0; (c = state_container_next(s, &pos));)
		sum += str_hash(c->id);
	return sum;
}

void inventory_tick(struct inventory *v, const struct state *s, uint64_t now_boot_ns)
{
	uint64_t containers = sum_containers(s), since_ns = now_boot_ns - v->taken_ns;
	bool is_due = !v->taken_ns || since_ns >= v->o.every_ns ||
		      (containers != v->containers && since_ns >= CHANGED_S * NSEC_PER_SEC);

	if (!is_due)
		return;
	pthread_mutex_lock(&v->lock);
	bool is_busy = v->is_full;
	pthread_mutex_unlock(&v->lock);
	if (is_busy)
		return;
	v->taken_ns = now_boot_ns;
	v->containers = containers;
	snapshot_take(&v->snapshot, s);
	pthread_mutex_lock(&v->lock);
	v->is_full = true;
	pthread_cond_signal(&v->wake);
	pthread_mutex_unlock(&v->lock);
}

/* ---- open and close ------------------------------------------------------------------------ */

int inventory_new(const struct inventory_options *o, inventory_emit emit, void *arg,
	struct inventory **ret, struct err *e)
{
	struct inventory *v = calloc(1, sizeof(*v));
	sigset_t all, before;

	if (!v)
		return err_set(e, ENOMEM, "out of memory");
	v->o = *o;
	v->o.every_ns = o->every_ns ? o->every_ns : EVERY_S * NSEC_PER_SEC;
	snprintf(v->host_root, sizeof(v->host_root), "%s", o->host_root ? o->host_root : "/");
	read_machine(&v->machine, o, v->host_root);
	v->emit = emit;
	v->arg = arg;
	v->record = BUF_INIT(INVENTORY_RECORD_MAX);
	arena_init(&v->snapshot.arena, ARENA_BYTES);
	v->snapshot.text = BUF_INIT(64 << 10);
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->wake, NULL);
	/* signals are the main thread's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&v->thread, NULL, work, v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		arena_done(&v->snapshot.arena);
		free(v);
		return err_set(e, r, "the inventory's thread cannot be started: %s", strerror(r));
	}
	pthread_setname_np(v->thread, "inventory");
	*ret = v;
	return 0;
}

void inventory_free(struct inventory *v)
{
	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->is_ending = true;
	pthread_cond_signal(&v->wake);
	pthread_mutex_unlock(&v->lock);
	pthread_join(v->thread, NULL);
	pthread_mutex_destroy(&v->lock);
	pthread_cond_destroy(&v->wake);
	arena_done(&v->snapshot.arena);
	buf_done(&v->snapshot.text);
	buf_done(&v->record);
	free(v);
}
