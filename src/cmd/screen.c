/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of `koban up`. The outputs write findings to standard output as ever; here that is a
 * pipe, and this thread prints each line above the panel.
 */
#include "cmd/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"

enum { LINE_MAX_BYTES = 65536, PAINT_MS = 1000 };

/* Where lines come from: the outputs, and messages of this and other processes. */
struct source {
	int fd;
	size_t n;
	char pending[LINE_MAX_BYTES];
};

struct screen {
	int tty;
	struct source outputs, notes;
	struct live *live;
	pthread_t thread;
	bool is_started;
	int panel_lines; /* on the terminal now */
};

static void add_bytes(struct buf *out, uint64_t n)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
	double v = (double)n;
	int u = 0;

	while (v >= 1024 && u < 3) {
		v /= 1024;
		u++;
	}
	buf_printf(out, "%.*f %s", v < 10 && u ? 1 : 0, v, units[u]);
}

static void add_up(struct buf *out, uint64_t s)
{
	buf_printf(out, "%llu:%02llu:%02llu", (unsigned long long)s / 3600,
		(unsigned long long)s / 60 % 60, (unsigned long long)s % 60);
}

static const char *const colours[PRIORITY_COUNT] = {
	"35;1", "35;1", "31;1", "31", "33", "36", "37", "2"};

static void add_found(const struct live_snapshot *s, bool colour, struct buf *out)
{
	buf_printf(out, " found    %llu", (unsigned long long)s->findings);
	for (int p = 0; p < PRIORITY_COUNT; p++) {
		if (!s->by_priority[p])
			continue;
		buf_printf(out, colour ? "   \033[%sm%llu %s\033[0m" : "%s   %llu %s",
			colour ? colours[p] : "", (unsigned long long)s->by_priority[p],
			priority_name(p));
	}
	if (!s->findings)
		buf_add_cstr(out, "   nothing so far. Try: cat /etc/shadow in another terminal");
	buf_add_char(out, '\n');
}

static void add_panel(const struct live_snapshot *s, bool colour, struct buf *out)
{
	uint64_t lost = s->sensor.drop_ring + s->sensor.drop_size + s->sensor.bad;

	buf_printf(out,
		" watches  %llu processes   %llu containers   %zu rules   %zu kinds of events   "
		"up ",
		(unsigned long long)s->state.processes, (unsigned long long)s->state.containers,
		s->nrules, s->nsyscalls);
	add_up(out, s->up_s);
	buf_add_char(out, '\n');
	add_found(s, colour, out);
	buf_printf(out, " costs    %.1f %% CPU   ", s->cpu_percent);
	add_bytes(out, s->rss_bytes);
	buf_printf(out, "   %llu events/s   %s%llu lost%s   (Ctrl-C ends it)\n",
		(unsigned long long)s->events_per_s, colour && lost ? "\033[31;1m" : "",
		(unsigned long long)lost, colour && lost ? "\033[0m" : "");
}

/* Cuts a line at `width` columns; escapes do not count, UTF-8 continuation bytes do not either. */
static void add_cut(struct buf *out, struct str line, int width)
{
	int at = 0;

	for (size_t i = 0; i < line.len && at < width; i++) {
		if (line.s[i] == '\033') {
			while (i < line.len && line.s[i] != 'm')
				buf_add_char(out, line.s[i++]);
		} else if ((line.s[i] & 0xc0) != 0x80) {
			at++;
		}
		if (i < line.len)
			buf_add_char(out, line.s[i]);
	}
}

static int format_panel(const struct live_snapshot *s, int width, bool colour, struct buf *out)
{
	struct buf panel = BUF_INIT(8192);
	int lines = 1;

	for (int i = 0; i < width; i++)
		buf_add_cstr(out, "─");
	buf_add_char(out, '\n');
	add_panel(s, colour, &panel);
	struct str rest = buf_str(&panel);
	while (rest.len) {
		add_cut(out, str_cut(&rest, '\n'), width);
		buf_add_cstr(out, colour ? "\033[0m\n" : "\n");
		lines++;
	}
	buf_done(&panel);
	return lines;
}

int screen_format_panel(const struct live_snapshot *s, int width, struct buf *out)
{
	return format_panel(s, width, false, out);
}

static int width_of(const struct screen *s)
{
	struct winsize w;

	return ioctl(s->tty, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

/* Everything between two paints goes out in one write, so that it does not flicker. */
static void paint(struct screen *s, struct str lines)
{
	struct buf out = BUF_INIT(1 << 20);
	struct live_snapshot snapshot = live_snapshot(s->live);

	if (s->panel_lines)
		buf_printf(&out, "\033[%dA\r\033[J", s->panel_lines);
	buf_add(&out, lines);
	s->panel_lines = format_panel(&snapshot, width_of(s), screen_is_colour(), &out);
	io_write_all(s->tty, buf_str(&out));
	buf_done(&out);
}

/* The complete lines that have come; false at the end. */
static bool read_lines(struct screen *s, struct source *from)
{
	ssize_t n = read(from->fd, from->pending + from->n, LINE_MAX_BYTES - from->n);

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	from->n += (size_t)n;
	ptrdiff_t end = str_rfind_char(str_make(from->pending, from->n), '\n');
	size_t whole = end >= 0 ? (size_t)end + 1 : from->n == LINE_MAX_BYTES ? from->n : 0;
	if (!whole)
		return true;
	paint(s, str_make(from->pending, whole));
	memmove(from->pending, from->pending + whole, from->n - whole);
	from->n -= whole;
	return true;
}

static void show_rest(struct screen *s, struct source *from)
{
	paint(s, str_make(from->pending, from->n));
	from->n = 0;
}

static void *run(void *arg)
{
	struct screen *s = arg;
	bool is_open = true;

	while (is_open) {
		struct pollfd p[2] = {{.fd = s->outputs.fd, .events = POLLIN},
			{.fd = s->notes.fd, .events = POLLIN}};
		int r = poll(p, 2, PAINT_MS);

		if (r > 0 && p[1].revents && !read_lines(s, &s->notes))
			s->notes.fd = -1;
		if (r > 0 && p[0].revents)
			is_open = read_lines(s, &s->outputs);
		else if (r == 0)
			paint(s, STR_NULL);
	}
	show_rest(s, &s->outputs);
	show_rest(s, &s->notes);
	return NULL;
}

bool screen_is_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return !(no && *no);
}

static int take_terminal(struct screen *s)
{
	int ends[2];

	s->tty = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (s->tty < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	s->outputs.fd = ends[0];
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	return 0;
}

struct screen *screen_open(int notes_fd)
{
	struct screen *s = isatty(STDOUT_FILENO) ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->notes.fd = notes_fd > 0 ? notes_fd : -1;
	if (s->notes.fd >= 0)
		fcntl(s->notes.fd, F_SETFD, FD_CLOEXEC);
	if (take_terminal(s) < 0) {
		if (s->tty >= 0)
			close(s->tty);
		free(s);
		return NULL;
	}
	return s;
}

int screen_start(struct screen *s, struct live *live)
{
	s->live = live;
	s->is_started = pthread_create(&s->thread, NULL, run, s) == 0;
	return s->is_started ? 0 : -EAGAIN;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	dup2(s->tty, STDOUT_FILENO); /* the pipe's last writer goes: the thread reads to the end */
	if (s->is_started)
		pthread_join(s->thread, NULL);
	close(s->tty);
	close(s->outputs.fd);
	free(s);
}
