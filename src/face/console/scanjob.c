/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides: the console's thread sends one reference after the other and reads messages (kind,
 * length, bytes); the helper runs the program for each and passes on what it prints. The helper
 * ends with the console, whose end of the pair it reads.
 */
#include "face/console/scanjob.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "face/console/helper.h"

enum {
	REPORT_MAX = 64 << 20,
	COMPLAINT_MAX = 4000,
	ARGS_MAX = 80,
	WALL_S = 3600, /* of one image */
};

enum message { MESSAGE_PERCENT = 'P', MESSAGE_REPORT = 'R', MESSAGE_PROBLEM = 'E' };

struct head {
	uint32_t kind, len;
};

struct scanjobs {
	const struct scanjobs_options o;
	int fd;
	pid_t pid;
	pthread_t thread;
	bool has_thread, is_stopping;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct scanjob jobs[SCANJOBS_KEPT]; /* by id % SCANJOBS_KEPT */
	uint64_t last, next;                /* ids: of the newest, of the next to run */
};

const char *scanjob_state_name(enum scanjob_state s)
{
	static const char *const names[] = {"waiting", "running", "done", "failed"};

	return names[s];
}

static bool send_message(int fd, enum message kind, struct str text)
{
	struct head h = {(uint32_t)kind, (uint32_t)text.len};

	return io_write_all(fd, str_make((char *)&h, sizeof(h))) == 0 &&
	       io_write_all(fd, text) == 0;
}

/* ---- the helper's side -------------------------------------------------------------------- */

static _Noreturn void run_child(const struct scanjobs_options *o, const char *ref, int out, int err)
{
	const char *args[ARGS_MAX] = {o->program, "image", "scan", "--json", "--progress"};
	size_t n = 5;

	if (o->cache_dir) {
		args[n++] = "--cache";
		args[n++] = o->cache_dir;
	}
	for (size_t i = 0; o->insecure && o->insecure[i] && n + 4 < ARGS_MAX; i++) {
		args[n++] = "--insecure";
		args[n++] = o->insecure[i];
	}
	args[n++] = "--";
	args[n++] = ref;
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(o->program, (char *const *)args);
	dprintf(STDERR_FILENO, "%s: %s\n", o->program, strerror(errno));
	_exit(127);
}

struct child {
	int console, out, err; /* -1 = ended */
	struct buf report, said;
	uint64_t until_ns;
};

/* Standard error: "\r12.34" is how far it is, lines are what is wrong. */
static void take_said(struct child *c, struct str part)
{
	struct str last = STR_NULL, rest = part;

	while (rest.len) {
		struct str piece = str_cut(&rest, '\r');

		if (piece.len && isdigit((unsigned char)piece.s[0]))
			last = piece;
		else
			buf_add(&c->said, piece);
	}
	if (last.len)
		send_message(c->console, MESSAGE_PERCENT, str_trim(last));
}

static void take_output(struct child *c, struct pollfd *p, bool is_report)
{
	static char part[64 << 10];
	ssize_t n = read(p->fd, part, sizeof(part));

	if (n <= 0)
		p->fd = -1;
	else if (is_report)
		buf_add(&c->report, str_make(part, (size_t)n));
	else
		take_said(c, str_make(part, (size_t)n));
}

/* Until both pipes end; NULL, or why it was given up. */
static const char *collect(struct child *c)
{
	struct pollfd p[3] = {{.fd = c->out, .events = POLLIN}, {.fd = c->err, .events = POLLIN},
		{.fd = c->console, .events = POLLRDHUP}};

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		uint64_t now = clock_boot_ns();

		if (now >= c->until_ns)
			return "it took longer than an hour";
		if (poll(p, 3, (int)((c->until_ns - now) / 1000000) + 1) < 0 && errno != EINTR)
			return "poll failed";
		if (p[2].revents)
			return "the console ended";
		for (int i = 0; i < 2; i++)
			if (p[i].fd >= 0 && p[i].revents)
				take_output(c, &p[i], i == 0);
		if (c->report.cut)
			return "its report is too large";
	}
	return NULL;
}

static struct str last_line(struct str text)
{
	text = str_trim(text);
	ptrdiff_t nl = str_rfind_char(text, '\n');

	text = nl < 0 ? text : str_skip(text, (size_t)nl + 1);
	return str_starts(text, STR("koban: ")) ? str_skip(text, 7) : text;
}

static void answer(struct child *c, const char *why, int status)
{
	struct str said = last_line(buf_str(&c->said));

	if (why)
		send_message(c->console, MESSAGE_PROBLEM, str_of(why));
	else if (c->report.len && WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		send_message(c->console, MESSAGE_REPORT, buf_str(&c->report));
	else
		send_message(c->console, MESSAGE_PROBLEM,
			said.len ? said : STR("koban image scan ended without a report"));
}

static void run_one(const struct scanjobs_options *o, int console, const char *ref)
{
	struct child c = {.console = console,
		.report = BUF_INIT(REPORT_MAX),
		.said = BUF_INIT(COMPLAINT_MAX),
		.until_ns = clock_boot_ns() + WALL_S * NSEC_PER_SEC};
	int out[2], err[2], status = 0;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		_exit(1); /* the console says that the helper has ended */
	pid_t pid = fork();
	if (pid == 0)
		run_child(o, ref, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	c.out = out[0];
	c.err = err[0];
	const char *why = pid < 0 ? "no process could be started" : collect(&c);

	if (why && pid > 0)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close(out[0]);
	close(err[0]);
	answer(&c, why, status);
	buf_done(&c.report);
	buf_done(&c.said);
}

static _Noreturn void help(const struct scanjobs_options *o, int fd)
{
	static char ref[sizeof(((struct scanjob *)0)->ref)];
	uint32_t n;

	fd = helper_keep_only(fd);
	if (o->forget)
		o->forget(o->forget_arg);
	signal(SIGPIPE, SIG_IGN);
	while (helper_read(fd, &n, sizeof(n)) && n < sizeof(ref) && helper_read(fd, ref, n)) {
		ref[n] = 0;
		run_one(o, fd, ref);
	}
	_exit(0);
}

/* ---- the console's side ------------------------------------------------------------------- */

int scanjobs_new(const struct scanjobs_options *o, struct scanjobs **ret, struct err *e)
{
	struct scanjobs *j = calloc(1, sizeof(*j));
	int pair[2];

	if (!j)
		return err_set(e, ENOMEM, "out of memory");
	memcpy((void *)&j->o, o, sizeof(*o));
	j->next = 1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		free(j);
		return err_set(e, errno, "cannot make a socket: %s", strerror(errno));
	}
	j->pid = fork();
	if (j->pid == 0) {
		close(pair[0]);
		help(o, pair[1]);
	}
	int problem = errno;

	close(pair[1]);
	j->fd = pair[0];
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->more, NULL);
	if (j->pid < 0) {
		scanjobs_free(j);
		return err_set(e, problem, "cannot start a process: %s", strerror(problem));
	}
	*ret = j;
	return 0;
}

static struct scanjob *job_of(struct scanjobs *j, uint64_t id)
{
	return &j->jobs[id % SCANJOBS_KEPT];
}

static void end_job(struct scanjobs *j, uint64_t id, const char *problem)
{
	pthread_mutex_lock(&j->lock);
	struct scanjob *job = job_of(j, id);

	job->state = *problem ? SCANJOB_FAILED : SCANJOB_DONE;
	job->percent = *problem ? job->percent : 100;
	snprintf(job->problem, sizeof(job->problem), "%s", problem);
	job->ended_ns = clock_epoch_ns();
	pthread_mutex_unlock(&j->lock);
}

static void set_percent(struct scanjobs *j, uint64_t id, struct str text)
{
	double percent;

	if (!str_to_double(text, &percent) || !(percent >= 0 && percent <= 100))
		return;
	pthread_mutex_lock(&j->lock);
	job_of(j, id)->percent = percent;
	pthread_mutex_unlock(&j->lock);
}

/* The next message in `text`, or -errno when the helper has ended. */
static int next_message(struct scanjobs *j, struct buf *text)
{
	struct head h;

	buf_clear(text);
	if (!helper_read(j->fd, &h, sizeof(h)) || h.len > REPORT_MAX)
		return -EPIPE;
	buf_reserve(text, h.len);
	if (text->cap < h.len || !helper_read(j->fd, text->s, h.len))
		return -EPIPE;
	text->len = h.len;
	text->s[h.len] = 0;
	return (int)h.kind;
}

static void run_job(struct scanjobs *j, uint64_t id, const char *ref)
{
	struct buf text = BUF_INIT(REPORT_MAX + 1);
	uint32_t n = (uint32_t)strlen(ref);
	char problem[200] = "";
	int kind = io_write_all(j->fd, str_make((char *)&n, sizeof(n))) < 0 ||
				   io_write_all(j->fd, str_of(ref)) < 0
			   ? -EPIPE
			   : MESSAGE_PERCENT;

	while (kind == MESSAGE_PERCENT) {
		if (text.len)
			set_percent(j, id, buf_str(&text));
		kind = next_message(j, &text);
	}
	if (kind == MESSAGE_REPORT)
		j->o.done(j->o.done_arg, str_of(ref), buf_str(&text), problem);
	else if (kind == MESSAGE_PROBLEM)
		str_copy(str_head(buf_str(&text), sizeof(problem) - 1), problem, sizeof(problem));
	else
		snprintf(problem, sizeof(problem), "the helper process that scans has ended");
	end_job(j, id, problem);
	buf_done(&text);
}

static void *run_jobs(void *arg)
{
	struct scanjobs *j = arg;
	char ref[sizeof(j->jobs[0].ref)];

	pthread_mutex_lock(&j->lock);
	for (;;) {
		while (!j->is_stopping && j->next > j->last)
			pthread_cond_wait(&j->more, &j->lock);
		if (j->is_stopping)
			break;
		uint64_t id = j->next++;

		memcpy(ref, job_of(j, id)->ref, sizeof(ref));
		job_of(j, id)->state = SCANJOB_RUNNING;
		pthread_mutex_unlock(&j->lock);
		run_job(j, id, ref);
		pthread_mutex_lock(&j->lock);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

int scanjobs_start(struct scanjobs *j, struct err *e)
{
	int r = pthread_create(&j->thread, NULL, run_jobs, j);

	j->has_thread = r == 0;
	return r ? err_set(e, r, "cannot start a thread: %s", strerror(r)) : 0;
}

/* Printable, no path, no place of this machine ("dir:/"): what a registry's name can be. */
static bool is_registry_name(struct str ref)
{
	static const char *const places[] = {"docker-archive:", "oci:", "oci-archive:", "dir:",
		"containerd:", "podman:", "docker:"};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (str_starts(ref, str_of(places[i])))
			return false;
	for (size_t i = 0; i < ref.len; i++)
		if (!isalnum((unsigned char)ref.s[i]) && !strchr("._-/:@[]", ref.s[i]))
			return false;
	return ref.len && isalnum((unsigned char)ref.s[0]);
}

int scanjobs_add(struct scanjobs *j, struct str ref, struct str by, uint64_t *ret_id, struct err *e)
{
	struct scanjob job = {.state = SCANJOB_WAITING, .asked_ns = clock_epoch_ns()};
	int r = 0;

	if (!is_registry_name(ref) || !str_copy(ref, job.ref, sizeof(job.ref)))
		return err_set(e, EINVAL,
			"not the name of an image in a registry, such as debian:12 or "
			"registry.example.org/app:1.2");
	str_copy(by, job.by, sizeof(job.by));
	pthread_mutex_lock(&j->lock);
	if (j->last + 1 - j->next >= SCANJOBS_WAITING_MAX) {
		r = err_set(e, EBUSY, "%d scans wait already", SCANJOBS_WAITING_MAX);
	} else {
		job.id = *ret_id = ++j->last;
		*job_of(j, job.id) = job;
		pthread_cond_signal(&j->more);
	}
	pthread_mutex_unlock(&j->lock);
	return r;
}

size_t scanjobs_list(struct scanjobs *j, struct scanjob ret[SCANJOBS_KEPT])
{
	size_t n = 0;

	pthread_mutex_lock(&j->lock);
	for (uint64_t id = j->last; id > 0 && n < SCANJOBS_KEPT; id--)
		ret[n++] = *job_of(j, id);
	pthread_mutex_unlock(&j->lock);
	return n;
}

void scanjobs_stop(struct scanjobs *j)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->is_stopping = true;
	pthread_cond_signal(&j->more);
	pthread_mutex_unlock(&j->lock);
	shutdown(j->fd, SHUT_RDWR);
	if (j->has_thread)
		pthread_join(j->thread, NULL);
	j->has_thread = false;
}

void scanjobs_free(struct scanjobs *j)
{
	if (!j)
		return;
	scanjobs_stop(j);
	close(j->fd);
	if (j->pid > 0)
		waitpid(j->pid, NULL, 0);
	pthread_cond_destroy(&j->more);
	pthread_mutex_destroy(&j->lock);
	free(j);
}
