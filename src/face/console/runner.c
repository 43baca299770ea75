/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides of the helper: the console asks over a socket pair with a rule text, the helper writes
 * it to a file, runs the program over captures one after the other and sends back what it printed.
 * The helper ends with the console, whose end of the pair it reads.
 */
#include "face/console/runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/sanitized.h"
#include "face/console/helper.h"

enum {
	TEXT_MAX = 2 << 20,
	OUTPUT_MAX = 4 << 20,
	COMPLAINT_MAX = 4000,
	CAPTURES_MAX = 8,
	CAPTURE_BYTES_MAX = 128 << 20,
	ARGS_MAX = 64,
	WALL_S = 20, /* for all captures together */
	CPU_S = 20,
	MEMORY_BYTES = 1 << 30,
	PATH_BYTES = 4200,
};

struct answer_head {
	uint32_t captures, is_demo, is_cut, output_len, complaint_len;
	uint64_t events;
};

struct runner {
	int fd;
	pid_t pid;
	pthread_mutex_t lock;
	bool is_busy;
};

/* ---- the helper's side ---------------------------------------------------------------------- */

struct capture_file {
	char path[PATH_BYTES];
	struct timespec time;
};

struct helper {
	const struct runner_options *o;
	int fd;
	char text_path[PATH_BYTES];
	struct capture_file captures[CAPTURES_MAX];
	unsigned ncaptures;
	struct answer_head head;
	struct buf out, complaint;
	uint64_t until_ns;
};

static bool is_newer(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Keeps the newest, newest first. */
static void offer_capture(struct helper *h, const char *path, const struct stat *st)
{
	unsigned at = h->ncaptures;

	while (at > 0 && is_newer(&st->st_mtim, &h->captures[at - 1].time))
		at--;
	if (at == CAPTURES_MAX)
		return;
	if (h->ncaptures < CAPTURES_MAX)
		h->ncaptures++;
	memmove(&h->captures[at + 1], &h->captures[at],
		(h->ncaptures - 1 - at) * sizeof(h->captures[0]));
	snprintf(h->captures[at].path, PATH_BYTES, "%s", path);
	h->captures[at].time = st->st_mtim;
}

static void find_captures(struct helper *h)
{
	DIR *d = h->o->captures_dir ? opendir(h->o->captures_dir) : NULL;
	struct dirent *entry;

	h->ncaptures = 0;
	while (d && (entry = readdir(d))) {
		char path[PATH_BYTES];
		struct stat st;

		if (!strstr(entry->d_name, ".scap") || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", h->o->captures_dir, entry->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0 &&
			st.st_size <= CAPTURE_BYTES_MAX)
			offer_capture(h, path, &st);
	}
	if (d)
		closedir(d);
	h->head.is_demo = h->ncaptures == 0;
	if (!h->ncaptures && h->o->demo_capture && access(h->o->demo_capture, R_OK) == 0)
		snprintf(h->captures[h->ncaptures++].path, PATH_BYTES, "%s", h->o->demo_capture);
}

static void set_limit(int what, rlim_t max)
{
	struct rlimit l = {max, max};

	setrlimit(what, &l);
}

static _Noreturn void run_child(const struct helper *h, const char *capture, int out, int err)
{
	const char *args[ARGS_MAX] = {h->o->program, "replay", "--json", "-o", "rule_matching=all",
		"-o", "suggested_output=false"};
	size_t n = 5;

	for (size_t i = 0; i < h->o->nrules && n < ARGS_MAX - 8; i++) {
		args[n++] = "-r";
		args[n++] = h->o->rules[i];
	}
	args[n++] = "-r";
	args[n++] = h->text_path;
	args[n++] = "--";
	args[n++] = capture;
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	set_limit(RLIMIT_CPU, CPU_S);
	if (!IS_SANITIZED)
		set_limit(RLIMIT_AS, MEMORY_BYTES);
	set_limit(RLIMIT_FSIZE, 0);
	set_limit(RLIMIT_CORE, 0);
	signal(SIGPIPE, SIG_DFL);
	execv(h->o->program, (char *const *)args);
	dprintf(STDERR_FILENO, "%s: %s\n", h->o->program, strerror(errno));
	_exit(127);
}

/* Reads both pipes until they end; false when the time or the room is over, or the console ends. */
static bool collect(struct helper *h, int out, int err, struct buf *messages)
{
	struct pollfd p[3] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN},
		{.fd = h->fd, .events = POLLRDHUP}};
	struct buf *into[2] = {&h->out, messages};
	unsigned open = 2;

	while (open) {
		uint64_t now = clock_boot_ns();
		char part[8192];

		if (now >= h->until_ns)
			return false;
		if (poll(p, 3, (int)((h->until_ns - now) / 1000000) + 1) < 0 && errno != EINTR)
			return false;
		if (p[2].revents)
			return false;
		for (int i = 0; i < 2; i++) {
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			ssize_t n = read(p[i].fd, part, sizeof(part));
			if (n > 0) {
				buf_add(into[i], str_make(part, (size_t)n));
			} else {
				p[i].fd = -1;
				open--;
			}
		}
		if (h->out.cut)
			return false;
	}
	return true;
}

/* "1234 events judged of …" */
static uint64_t events_of(struct str messages)
{
	ptrdiff_t at = str_find(messages, STR(" events judged"));
	size_t begin = at < 0 ? 0 : (size_t)at;
	uint64_t n = 0;

	while (begin > 0 && messages.s[begin - 1] >= '0' && messages.s[begin - 1] <= '9')
		begin--;
	if (at < 0 || !str_to_u64(str_make(messages.s + begin, (size_t)at - begin), 10, &n))
		return 0;
	return n;
}

static void run_one(struct helper *h, const char *capture)
{
	struct buf messages = BUF_INIT(64 << 10);
	int out[2], err[2], status = 0;

	if (pipe2(out, O_CLOEXEC) < 0)
		return;
	if (pipe2(err, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		run_child(h, capture, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	if (pid > 0) {
		bool whole = collect(h, out[0], err[0], &messages);

		if (!whole) {
			kill(pid, SIGKILL);
			h->head.is_cut = 1;
		}
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		h->head.captures++;
		h->head.events += events_of(buf_str(&messages));
		if (whole && status != 0)
			buf_add(&h->complaint, str_trim(buf_str(&messages)));
	}
	close(out[0]);
	close(err[0]);
	buf_done(&messages);
}

static void run_all(struct helper *h, struct str text)
{
	int fd;

	h->head = (struct answer_head){0};
	h->until_ns = clock_boot_ns() + WALL_S * NSEC_PER_SEC;
	find_captures(h);
	unlink(h->text_path);
	fd = open(h->text_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || io_write_all(fd, text) < 0)
		buf_printf(&h->complaint, "%s: %s", h->text_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	for (unsigned i = 0; i < h->ncaptures && !h->complaint.len && !h->head.is_cut; i++)
		run_one(h, h->captures[i].path);
	unlink(h->text_path);
}

static bool answer(struct helper *h)
{
	h->head.output_len = (uint32_t)h->out.len;
	h->head.complaint_len = (uint32_t)h->complaint.len;
	return io_write_all(h->fd, str_make((char *)&h->head, sizeof(h->head))) == 0 &&
	       io_write_all(h->fd, buf_str(&h->out)) == 0 &&
	       io_write_all(h->fd, buf_str(&h->complaint)) == 0;
}

static _Noreturn void help(const struct runner_options *o, int fd)
{
	struct helper *h = calloc(1, sizeof(*h));
	char *text = malloc(TEXT_MAX);
	uint32_t n;

	prctl(PR_SET_NAME, "koban-try");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* the console stops it by closing the socket */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	fd = helper_keep_only(fd);
	if (o->forget)
		o->forget(o->forget_arg);
	if (!h || !text)
		_exit(1);
	h->o = o;
	h->fd = fd;
	h->out = BUF_INIT(OUTPUT_MAX);
	h->complaint = BUF_INIT(COMPLAINT_MAX);
	snprintf(h->text_path, sizeof(h->text_path), "%s/try.yaml", o->temp_dir);
	while (helper_read(fd, &n, sizeof(n)) && n <= TEXT_MAX && helper_read(fd, text, n)) {
		buf_clear(&h->out);
		buf_clear(&h->complaint);
		run_all(h, str_make(text, n));
		if (!answer(h))
			break;
	}
	_exit(0);
}

/* ---- the console's side --------------------------------------------------------------------- */

int runner_new(const struct runner_options *o, struct runner **ret, struct err *e)
{
	struct runner *r = calloc(1, sizeof(*r));
	int pair[2];

	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		free(r);
		return err_set(e, errno, "cannot make a socket: %s", strerror(errno));
	}
	r->pid = fork();
	if (r->pid == 0) {
		close(pair[0]);
		help(o, pair[1]);
	}
	close(pair[1]);
	r->fd = pair[0];
	pthread_mutex_init(&r->lock, NULL);
	if (r->pid < 0) {
		int problem = errno;

		runner_free(r);
		return err_set(e, problem, "cannot start a process: %s", strerror(problem));
	}
	*ret = r;
	return 0;
}

static bool begin(struct runner *r)
{
	pthread_mutex_lock(&r->lock);
	bool is_free = !r->is_busy;
	r->is_busy = true;
	pthread_mutex_unlock(&r->lock);
	return is_free;
}

static int ask(struct runner *r, struct str rules, struct arena *a, struct trial *ret)
{
	uint32_t n = (uint32_t)rules.len;
	struct answer_head h;

	if (io_write_all(r->fd, str_make((char *)&n, sizeof(n))) < 0 ||
		io_write_all(r->fd, rules) < 0 || !helper_read(r->fd, &h, sizeof(h)) ||
		h.output_len > OUTPUT_MAX || h.complaint_len > COMPLAINT_MAX)
		return -EIO;
	char *out = arena_raw(a, h.output_len + 1), *complaint = arena_raw(a, h.complaint_len + 1);
	if (!out || !complaint)
		return -ENOMEM;
	if (!helper_read(r->fd, out, h.output_len) ||
		!helper_read(r->fd, complaint, h.complaint_len))
		return -EIO;
	*ret = (struct trial){.captures = h.captures,
		.events = h.events,
		.is_demo = h.is_demo,
		.is_cut = h.is_cut,
		.output = str_make(out, h.output_len),
		.complaint = str_make(complaint, h.complaint_len)};
	return 0;
}

int runner_try(
	struct runner *r, struct str rules, struct arena *a, struct trial *ret, struct err *e)
{
	if (rules.len > TEXT_MAX)
		return err_set(e, EFBIG, "the text is too long");
	if (!begin(r))
		return err_set(e, EBUSY, "another trial is under way");
	int n = ask(r, rules, a, ret);
	pthread_mutex_lock(&r->lock);
	/* after half an answer nothing fits any more */
	r->is_busy = n < 0;
	pthread_mutex_unlock(&r->lock);
	return n < 0 ? err_set(e, -n, "the helper process that tries rules has ended") : 0;
}

void runner_stop(struct runner *r)
{
	if (r)
		shutdown(r->fd, SHUT_RDWR);
}

void runner_free(struct runner *r)
{
	if (!r)
		return;
	close(r->fd);
	if (r->pid > 0)
		waitpid(r->pid, NULL, 0);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
