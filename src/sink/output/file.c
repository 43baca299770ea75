/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file: one line a finding, appended. It is rotated by size (path.1 is the newest old one), and
 * opened anew when somebody else rotates it: on SIGUSR1, or, unless keep_alive, as soon as the path
 * names another file. A line that the disk did not take whole is taken back, so that the next try
 * does not leave half a line behind.
 */
#include "sink/output/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

struct file_state {
	const struct output_config *config;
	struct sender_env env;
	int fd;
	dev_t dev;
	ino_t ino;
	bool is_regular;
	uint64_t size;
};

static void file_reopen(void *state)
{
	struct file_state *s = state;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void file_close(void *state)
{
	file_reopen(state);
	free(state);
}

static int open_path(struct file_state *s, struct err *e)
{
	const char *path = s->config->path;
	struct stat st;

	if (s->fd >= 0)
		return 0;
	/* non-blocking: a FIFO without a reader must not hold the thread */
	s->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	if (s->fd < 0)
		return err_set(e, errno, "%s: cannot open: %s", path, strerror(errno));
	if (fstat(s->fd, &st) < 0)
		return err_set(e, errno, "%s: cannot stat: %s", path, strerror(errno));
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->is_regular = S_ISREG(st.st_mode);
	s->size = s->is_regular ? (uint64_t)st.st_size : 0;
	return 0;
}

static int file_open(const struct sender_env *env, void **ret, struct err *e)
{
	struct file_state *s;

	if (!env->config->path || !*env->config->path)
		return err_set(e, EINVAL, "a file output needs a path");
	if (!(s = calloc(1, sizeof(*s))))
		return err_set(e, ENOMEM, "out of memory");
	s->config = env->config;
	s->env = *env;
	s->fd = -1;
	/* a path that can never work is better said at the start */
	int r = open_path(s, e);
	if (r < 0 && r != -ENOSPC && r != -EDQUOT && r != -ENXIO) {
		file_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void file_format(const struct output_config *c, const struct finding *f, struct buf *out)
{
	format_message(c, f, out);
	buf_add_char(out, '\n');
}

/* Did somebody move the file away? */
static void follow_path(struct file_state *s)
{
	struct stat st;

	if (s->fd < 0 || s->config->keep_alive)
		return;
	if (stat(s->config->path, &st) < 0 || st.st_dev != s->dev || st.st_ino != s->ino)
		file_reopen(s);
	else if (s->is_regular)
		s->size = (uint64_t)st.st_size;
}

/*
 * The first number without a file, at most keep_files: only the files below it have to move. A
 * rotation that fails half way is tried again with the next finding, and must not push an older
 * file over the end each time.
 */
static unsigned first_gap(const char *path, unsigned keep_files)
{
	char name[4096];

	for (unsigned i = 1; i < keep_files; i++) {
		struct stat st;
		int n = snprintf(name, sizeof(name), "%s.%u", path, i);

		if (n < (int)sizeof(name) && lstat(name, &st) < 0 && errno == ENOENT)
			return i;
	}
	return keep_files;
}

static int rotate(struct file_state *s, struct err *e)
{
	const char *path = s->config->path;
	char from[4096], to[4096];

	for (unsigned i = first_gap(path, s->config->keep_files); i > 0; i--) {
		int n = snprintf(to, sizeof(to), "%s.%u", path, i);
		int m = i > 1 ? snprintf(from, sizeof(from), "%s.%u", path, i - 1)
			      : snprintf(from, sizeof(from), "%s", path);

		if (n >= (int)sizeof(to) || m >= (int)sizeof(from))
			return err_set(e, ENAMETOOLONG, "%s: the path is too long", path);
		if (rename(from, to) < 0 && errno != ENOENT)
			return err_set(
				e, errno, "%s: cannot rotate to %s: %s", path, to, strerror(errno));
	}
	file_reopen(s);
	return open_path(s, e);
}

static enum send_result file_send(void *state, struct str record, struct err *e)
{
	struct file_state *s = state;
	uint64_t max = s->config->max_bytes;

	follow_path(s);
	if (open_path(s, e) < 0)
		return SEND_RETRY;
	if (max && s->is_regular && s->size && s->size + record.len > max && rotate(s, e) < 0)
		return SEND_RETRY;
	uint64_t deadline_ns = clock_boot_ns() + s->env.timeout_ms * 1000000;
	int r = write_fd(s->fd, record, s->env.stop_fd, deadline_ns, NULL);
	if (r == 0) {
		s->size += record.len;
		return SEND_OK;
	}
	err_set(e, -r, "%s: cannot write: %s", s->config->path, strerror(-r));
	/* half a line goes away again; a device or FIFO keeps what it has */
	if (s->is_regular && ftruncate(s->fd, (off_t)s->size) < 0)
		file_reopen(s);
	return SEND_RETRY;
}

const struct output_ops output_file = {
	.name = "file",
	.spools = true,
	.open = file_open,
	.format = file_format,
	.send = file_send,
	.reopen = file_reopen,
	.close = file_close,
};
