/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings to disk, in a thread of its own: it takes pieces of work in their order, writes, and
 * after each file removes the oldest ones until the folder keeps within its limit.
 */
#include "source/capture/recorder_disk.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/capture/write.h"

enum work_kind { WORK_OPEN, WORK_WRITE, WORK_CLOSE, WORK_END };

struct work {
	struct work *next;
	enum work_kind kind;
	size_t size;
	uint8_t data[];
};

struct disk {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	struct work *first, **last;
	size_t pending;
	struct disk_counters n;
	bool is_gzip;
	size_t max_pending;
	uint64_t max_dir_bytes;
	char dir[PATH_MAX];
	/* the thread's own */
	struct out out;
	bool is_open;
};

static int add_work(struct disk *d, enum work_kind kind, const void *data, size_t size)
{
	struct work *w = malloc(sizeof(*w) + size);

	if (!w)
		return -ENOMEM;
	*w = (struct work){.kind = kind, .size = size};
	if (size)
		memcpy(w->data, data, size);
	pthread_mutex_lock(&d->lock);
	bool is_full = kind == WORK_WRITE && d->pending + size > d->max_pending;
	if (!is_full) {
		*d->last = w;
		d->last = &w->next;
		d->pending += size;
		pthread_cond_signal(&d->more);
	}
	pthread_mutex_unlock(&d->lock);
	if (is_full)
		free(w);
	return is_full ? -ENOBUFS : 0;
}

static struct work *take_work(struct disk *d)
{
	pthread_mutex_lock(&d->lock);
	while (!d->first)
		pthread_cond_wait(&d->more, &d->lock);
	struct work *w = d->first;
	d->first = w->next;
	if (!d->first)
		d->last = &d->first;
	d->pending -= w->size;
	pthread_mutex_unlock(&d->lock);
	return w;
}

static void count(struct disk *d, uint64_t files, uint64_t bytes, int error)
{
	pthread_mutex_lock(&d->lock);
	d->n.files += files;
	d->n.bytes += bytes;
	d->n.failed += error < 0;
	if (error < 0)
		d->n.last_error = error;
	pthread_mutex_unlock(&d->lock);
}

/* ---- the folder's limit ---- */

static int is_recording(const struct dirent *e)
{
	return fnmatch("[0-9]*.scap", e->d_name, 0) == 0 ||
	       fnmatch("[0-9]*.scap.gz", e->d_name, 0) == 0;
}

static uint64_t size_of(const struct disk *d, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

/* Names begin with their time: the first in order is the oldest. The newest one stays. */
static void keep_limit(struct disk *d)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct dirent **names;
	uint64_t total = 0, removed = 0;
	int n = scandir(d->dir, &names, is_recording, alphasort);

	for (int i = 0; i < n; i++)
		total += size_of(d, names[i]->d_name);
	for (int i = 0; i < n; i++) {
		if (total > d->max_dir_bytes && i + 1 < n) {
			uint64_t size = size_of(d, names[i]->d_name);

			snprintf(path, sizeof(path), "%s/%s", d->dir, names[i]->d_name);
			if (unlink(path) == 0) {
				total -= size;
				removed++;
			}
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	pthread_mutex_lock(&d->lock);
	d->n.removed += removed;
	pthread_mutex_unlock(&d->lock);
}

/* ---- the thread ---- */

static void close_file(struct disk *d)
{
	if (!d->is_open)
		return;
	d->is_open = false;
	int r = out_close(&d->out);
	count(d, 0, d->out.out_bytes, r);
	keep_limit(d);
}

static void open_file(struct disk *d, const char *path)
{
	close_file(d);
	int r = out_open(&d->out, path, d->is_gzip);
	d->is_open = r == 0;
	count(d, r == 0, 0, r);
}

static void write_blocks(struct disk *d, const uint8_t *p, size_t n)
{
	uint32_t length;

	while (d->is_open && n >= BLOCK_MIN_BYTES) {
		memcpy(&length, p + 4, sizeof(length));
		if (length < BLOCK_MIN_BYTES || length > n || out_block(&d->out, p, length) < 0)
			return;
		p += length;
		n -= length;
	}
}

static void *run(void *arg)
{
	struct disk *d = arg;
	bool go_on = true;

	while (go_on) {
		struct work *w = take_work(d);

		if (w->kind == WORK_OPEN)
			open_file(d, (const char *)w->data);
		else if (w->kind == WORK_WRITE)
			write_blocks(d, w->data, w->size);
		else
			close_file(d);
		go_on = w->kind != WORK_END;
		free(w);
	}
	return NULL;
}

struct disk *disk_new(const char *dir, uint64_t max_dir_bytes, bool is_gzip, size_t max_pending)
{
	struct disk *d = calloc(1, sizeof(*d));
	sigset_t all, before;

	if (!d)
		return NULL;
	d->last = &d->first;
	d->is_gzip = is_gzip;
	d->max_pending = max_pending;
	d->max_dir_bytes = max_dir_bytes;
	snprintf(d->dir, sizeof(d->dir), "%s", dir);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->more, NULL);
	/* signals are the main thread's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		free(d);
		return NULL;
	}
	return d;
}

int disk_open(struct disk *d, const char *path)
{
	return add_work(d, WORK_OPEN, path, strlen(path) + 1);
}

int disk_write(struct disk *d, const uint8_t *blocks, size_t size)
{
	return size ? add_work(d, WORK_WRITE, blocks, size) : 0;
}

int disk_close(struct disk *d)
{
	return add_work(d, WORK_CLOSE, NULL, 0);
}

void disk_free(struct disk *d)
{
	if (!d)
		return;
	if (add_work(d, WORK_END, NULL, 0) == 0)
		pthread_join(d->thread, NULL);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->more);
	free(d);
}

struct disk_counters disk_counters(struct disk *d)
{
	pthread_mutex_lock(&d->lock);
	struct disk_counters n = d->n;
	pthread_mutex_unlock(&d->lock);
	return n;
}
