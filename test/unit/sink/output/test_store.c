/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's output against a peer that answers as the protocol says, and against peers that are
 * down, slow, restart, refuse, answer in pieces or nonsense: what was not answered comes again, in
 * order, and every record is accounted for.
 */
#include "common.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- a store of the test's own ------------------------------------------------------------- */

enum { KEPT_MAX = 20000 };

struct shop {
	char path[128], address[160];
	int fd, stop[2];
	pthread_t thread;
	/* how it behaves */
	unsigned batch;       /* lines that one answer covers; 0 = 1 */
	unsigned die_after;   /* lines of a connection, unanswered ones too; 0 = never */
	unsigned forget;      /* of these, the last are read and never answered */
	unsigned slow_us;     /* before each answer */
	bool in_pieces;       /* answers come byte by byte */
	unsigned refuse;      /* the finding with this number; 0 = none */
	const char *nonsense; /* instead of the first answer of the first connection */
	/* what it saw; kept = answered with ok */
	pthread_mutex_t lock;
	unsigned kept[KEPT_MAX];
	unsigned nkept, nseen, nconnections, nothers;
	size_t longest;
};

static void say(struct shop *s, int fd, const char *text)
{
	size_t len = strlen(text);

	if (s->slow_us)
		usleep(s->slow_us);
	for (size_t i = 0; i < len; i += s->in_pieces ? 1 : len)
		if (send(fd, text + i, s->in_pieces ? 1 : len, MSG_NOSIGNAL) < 0)
			return;
}

static unsigned number_in(const char *line, size_t len)
{
	json_t *j = json_loadb(line, len, 0, NULL);
	const char *output = json_string_value(json_object_get(j, "output"));
	unsigned n = output ? number_of(output) : 0;

	assert_non_null(j);
	json_decref(j);
	return n;
}

/* One connection; false when the peer is to die. */
static bool serve(struct shop *s, int fd)
{
	static char buf[1 << 21];
	size_t len = 0;
	unsigned lines = 0, answered = 0;
	char text[64];

	for (;;) {
		struct pollfd p[2] = {
			{.fd = fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};

		poll(p, 2, -1);
		if (p[1].revents)
			return true;
		ssize_t got = read(fd, buf + len, sizeof(buf) - len);
		if (got <= 0)
			return true;
		len += (size_t)got;
		size_t at = 0;
		for (char *nl; (nl = memchr(buf + at, '\n', len - at));
			at = (size_t)(nl + 1 - buf)) {
			unsigned n = number_in(buf + at, (size_t)(nl - (buf + at)));

			lines++;
			pthread_mutex_lock(&s->lock);
			s->nseen++;
			s->nothers += n == 0;
			if ((size_t)(nl - (buf + at)) > s->longest)
				s->longest = (size_t)(nl - (buf + at));
			pthread_mutex_unlock(&s->lock);
			if (s->nonsense && s->nconnections == 1) {
				say(s, fd, s->nonsense);
				continue;
			}
			if (s->die_after && lines + s->forget > s->die_after) {
				if (lines == s->die_after)
					return false;
				continue;
			}
			if (n && n == s->refuse) {
				snprintf(text, sizeof(text), "no %u it is the wrong one\n", lines);
				say(s, fd, text);
				answered = lines;
				continue;
			}
			pthread_mutex_lock(&s->lock);
			if (n && s->nkept < KEPT_MAX)
				s->kept[s->nkept++] = n;
			pthread_mutex_unlock(&s->lock);
			if (lines - answered < s->batch &&
				memchr(nl + 1, '\n', (size_t)(buf + len - nl - 1)))
				continue;
			snprintf(text, sizeof(text), "ok %u\n", lines);
			say(s, fd, text);
			answered = lines;
		}
		memmove(buf, buf + at, len - at);
		len -= at;
	}
}

static void *run(void *arg)
{
	struct shop *s = arg;

	for (;;) {
		struct pollfd p[2] = {
			{.fd = s->fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};

		poll(p, 2, -1);
		if (p[1].revents)
			return NULL;
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		pthread_mutex_lock(&s->lock);
		s->nconnections++;
		pthread_mutex_unlock(&s->lock);
		serve(s, fd);
		close(fd);
	}
}

static void shop_at(struct shop *s, const char *dir)
{
	*s = (struct shop){.fd = -1};
	pthread_mutex_init(&s->lock, NULL);
	snprintf(s->path, sizeof(s->path), "%s/ingest.sock", dir);
	snprintf(s->address, sizeof(s->address), "unix:%s", s->path);
}

static void shop_up(struct shop *s)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	str_copy(str_of(s->path), sa.sun_path, sizeof(sa.sun_path));
	unlink(s->path);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(pipe2(s->stop, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

static void shop_down(struct shop *s)
{
	close(s->stop[1]);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->fd);
	unlink(s->path);
}

/* Every number from 1 to n was kept, and the first time each was kept is in order. */
static void assert_kept(struct shop *s, unsigned n, unsigned but)
{
	static bool seen[KEPT_MAX + 1];
	unsigned next = 1;

	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < s->nkept; i++) {
		if (next == but)
			next++;
		assert_true(s->kept[i] <= next);
		if (s->kept[i] == next)
			next++;
		seen[s->kept[i]] = true;
	}
	for (unsigned i = 1; i <= n; i++)
		if (seen[i] == (i == but))
			fail_msg("%u was %s", i, seen[i] ? "kept" : "not kept");
}

static struct outputs *open_store(const struct shop *s, const char *spool, uint64_t timeout_ms)
{
	struct output_config c = {
		.kind = OUTPUT_STORE, .address = s->address, .timeout_ms = timeout_ms};
	struct outputs_options o = {.outputs = &c, .noutputs = 1, .spool_dir = spool};
	struct outputs *all = NULL;
	struct err e = {0};

	assert_ok(&e, outputs_open_tuned(&o, &quick, &all, &e));
	return all;
}

static unsigned seen_by(struct shop *s)
{
	pthread_mutex_lock(&s->lock);
	unsigned n = s->nseen;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* ---- tests --------------------------------------------------------------------------------- */

static void takes_all_in_order(void **state)
{
	struct shop s;

	for (unsigned batch = 0; batch < 3; batch++) {
		shop_at(&s, *state);
		s.batch = batch * 100;
		s.in_pieces = batch == 1;
		shop_up(&s);
		struct outputs *o = open_store(&s, NULL, 0);
		for (unsigned n = 1; n <= 3000; n++)
			emit_number(o, n);
		wait_until(o, now.sent == 3000);
		assert_balanced(o, 0);
		outputs_close(o, 1000);
		shop_down(&s);
		assert_int_equal(s.nkept, 3000);
		assert_int_equal(s.nconnections, 1);
		assert_kept(&s, 3000, 0);
	}
}

static void down_then_up(void **state)
{
	struct shop s;

	shop_at(&s, *state);
	struct outputs *o = open_store(&s, in_dir(*state, "spool"), 0);
	for (unsigned n = 1; n <= 500; n++)
		emit_number(o, n);
	wait_until(o, now.spooled == 500 && !now.is_up);
	assert_balanced(o, 0);
	shop_up(&s);
	for (unsigned n = 501; n <= 600; n++)
		emit_number(o, n);
	wait_until(o, now.sent == 600 && now.is_up);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_int_equal(s.nkept, 600);
	assert_kept(&s, 600, 0);
}

/* It reads lines that it never answers, and goes away: they come again. */
static void restarts_in_the_middle(void **state)
{
	struct shop s;

	shop_at(&s, *state);
	s.die_after = 37;
	s.forget = 20;
	s.batch = 5;
	shop_up(&s);
	struct outputs *o = open_store(&s, in_dir(*state, "spool"), 200);
	for (unsigned n = 1; n <= 400; n++)
		emit_number(o, n);
	wait_until(o, now.sent == 400);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_kept(&s, 400, 0);
	assert_true(s.nconnections > 10);
	assert_true(s.nseen > 400);
}

static void both_sides_restart(void **state)
{
	struct shop s;

	shop_at(&s, *state);
	for (unsigned round = 0; round < 5; round++) {
		if (round % 2)
			shop_up(&s);
		struct outputs *o = open_store(&s, in_dir(*state, "spool"), 0);
		for (unsigned n = 1; n <= 200; n++)
			emit_number(o, round * 200 + n);
		if (round % 2)
			wait_until(o, now.spooled == 0 && now.queue_depth == 0);
		else
			wait_until(o, now.spooled + now.queue_depth >= 200);
		assert_balanced(o, 0);
		outputs_close(o, 1000);
		if (round % 2)
			shop_down(&s);
	}
	shop_up(&s);
	struct outputs *o = open_store(&s, in_dir(*state, "spool"), 0);
	wait_until(o, now.spooled == 0);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_kept(&s, 1000, 0);
}

static void a_refusal_drops_one(void **state)
{
	for (unsigned batch = 1; batch <= 50; batch += 49) {
		struct shop s;

		shop_at(&s, *state);
		s.refuse = 50;
		s.batch = batch;
		shop_up(&s);
		struct outputs *o = open_store(&s, NULL, 0);
		for (unsigned n = 1; n <= 100; n++)
			emit_number(o, n);
		wait_until(o, now.sent == 99 && now.refused == 1 && now.dropped == 1);
		assert_balanced(o, 0);
		outputs_close(o, 1000);
		shop_down(&s);
		assert_kept(&s, 100, 50);
		assert_int_equal(s.nconnections, 1);
	}
}

/* Each answer takes less than the timeout, all together many times as long. */
static void slow_is_not_dead(void **state)
{
	struct shop s;

	shop_at(&s, *state);
	s.slow_us = 20000;
	shop_up(&s);
	struct outputs *o = open_store(&s, NULL, 400);
	for (unsigned n = 1; n <= 60; n++)
		emit_number(o, n);
	wait_until(o, now.sent == 60);
	assert_int_equal(counters_of(o).failed_tries, 0);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_int_equal(s.nkept, 60);
}

static void nonsense_ends_the_connection(void **state)
{
	static const char *const lies[] = {"ok 5000\n", "ok 0\n", "ok\n", "yes 1\n", "no 9 x\n",
		"ok 18446744073709551616\n", "\n", "ok -1\n", "ok 1 \n" /* this one is fine */};

	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct shop s;

		shop_at(&s, *state);
		s.nonsense = lies[i];
		shop_up(&s);
		struct outputs *o = open_store(&s, NULL, 0);
		emit_number(o, 1);
		wait_until(o, now.sent == 1);
		assert_balanced(o, 0);
		outputs_close(o, 1000);
		shop_down(&s);
		assert_int_equal(s.nconnections, i + 1 < sizeof(lies) / sizeof(*lies) ? 2 : 1);
	}
}

static void an_answer_without_end(void **state)
{
	static char endless[4096];
	struct shop s;

	memset(endless, 'o', sizeof(endless) - 1);
	shop_at(&s, *state);
	s.nonsense = endless;
	shop_up(&s);
	struct outputs *o = open_store(&s, NULL, 0);
	emit_number(o, 1);
	wait_until(o, now.sent == 1);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_int_equal(s.nconnections, 2);
}

/* A peer that takes and never answers is left after the timeout; nothing is counted as sent. */
static void silence_is_a_failed_try(void **state)
{
	struct shop s;

	shop_at(&s, *state);
	s.nonsense = "";
	shop_up(&s);
	struct outputs *o = open_store(&s, NULL, 100);
	emit_number(o, 1);
	wait_until(o, now.failed_tries >= 1);
	wait_until(o, now.sent == 1);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_kept(&s, 1, 0);
}

static void records_and_offers(void **state)
{
	static char large[900 << 10];
	struct shop s;

	memset(large, ' ', sizeof(large));
	memcpy(large, "{}", 2);
	shop_at(&s, *state);
	struct outputs *o = open_store(&s, in_dir(*state, "spool"), 0);
	assert_true(outputs_has_kind(o, OUTPUT_STORE));
	assert_false(outputs_has_kind(o, OUTPUT_HTTP));
	/* nobody is there: the newest of a slot waits, and none of them counts */
	for (unsigned i = 0; i < 100; i++)
		outputs_offer(o, OFFER_METRICS, STR("{\"type\":\"metrics\"}"));
	outputs_offer(o, OFFER_INVENTORY, str_make(large, sizeof(large)));
	emit_number(o, 1);
	outputs_emit_record(o, STR("{\"type\":\"around\"}"));
	emit_number(o, 2);
	wait_until(o, now.spooled == 3);
	assert_int_equal(counters_of(o).emitted, 3);
	shop_up(&s);
	wait_until(o, now.sent == 3);
	outputs_offer(o, OFFER_INVENTORY, str_make(large, sizeof(large)));
	outputs_offer(o, OFFER_METRICS, STR("{\"type\":\"metrics\"}"));
	for (unsigned i = 0; i < 2000 && seen_by(&s) < 5; i++)
		usleep(5000);
	assert_true(seen_by(&s) >= 5);
	assert_int_equal(counters_of(o).sent, 3);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_int_equal(s.longest, sizeof(large));
	assert_kept(&s, 2, 0);
}

static void bad_addresses(void **state)
{
	static char longer[200];
	const char *const bad[] = {NULL, "", "unix:", "/run/x", "tcp://127.0.0.1:1", longer};

	memset(longer, 'x', sizeof(longer) - 1);
	memcpy(longer, "unix:", 5);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct output_config c = {.kind = OUTPUT_STORE, .address = bad[i]};
		struct outputs_options o = {.outputs = &c, .noutputs = 1};
		struct outputs *all = NULL;
		struct err e = {0};

		assert_int_equal(outputs_open(&o, &all, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "no address of a store"));
	}
}

/* ---- killed: what was emitted is in the memory file, and the next run sends it ------------- */

static struct outputs *open_memory(const struct shop *s, const char *dir)
{
	struct output_config c = {.kind = OUTPUT_STORE, .address = s->address};
	struct outputs_options o = {.outputs = &c,
		.noutputs = 1,
		.spool_dir = in_dir(dir, "spool"),
		.memory_dir = in_dir(dir, "memory")};
	struct outputs *all = NULL;
	struct err e = {0};

	assert_ok(&e, outputs_open_tuned(&o, &quick, &all, &e));
	return all;
}

static void survives_being_killed(void **state)
{
	struct shop s;

	shop_at(&s, *state);
	for (unsigned round = 0; round < 10; round++) {
		/* the peer is sometimes there */
		if (round % 3 == 2)
			shop_up(&s);
		pid_t pid = fork();
		if (pid == 0) {
			struct outputs *o = open_memory(&s, *state);

			for (unsigned n = 1; n <= 100; n++)
				emit_number(o, round * 100 + n);
			raise(SIGKILL);
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		if (round % 3 == 2)
			shop_down(&s);
	}
	shop_up(&s);
	struct outputs *o = open_memory(&s, *state);
	wait_until(o, now.spooled == 0 && now.queue_depth == 0);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	shop_down(&s);
	assert_kept(&s, 1000, 0);
}

int main(void)
{
#define IN_DIR(t) cmocka_unit_test_setup_teardown(t, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(takes_all_in_order),
		IN_DIR(down_then_up),
		IN_DIR(restarts_in_the_middle),
		IN_DIR(both_sides_restart),
		IN_DIR(a_refusal_drops_one),
		IN_DIR(slow_is_not_dead),
		IN_DIR(nonsense_ends_the_connection),
		IN_DIR(an_answer_without_end),
		IN_DIR(silence_is_a_failed_try),
		IN_DIR(records_and_offers),
		IN_DIR(bad_addresses),
		IN_DIR(survives_being_killed),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
