/* SPDX-License-Identifier: Apache-2.0 */
/* Events around a finding: whose they are, how many, before and after, and that it is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/sanitized.h"
#include "engine/around/around.h"

#define T0 (1700000000ULL * NSEC_PER_SEC)

/* ---- counting allocations ------------------------------------------------------------------ */

static unsigned long nmallocs;
#if !IS_SANITIZED
void *__libc_malloc(size_t);
void *malloc(size_t n)
{
	nmallocs++;
	return __libc_malloc(n);
}
#endif

/* ---- what was told ------------------------------------------------------------------------- */

struct heard {
	json_t *records;
};

static void hear(struct str record, void *arg)
{
	json_error_t e;
	json_t *j = json_loadb(record.s, record.len, 0, &e);

	if (!j)
		fail_msg("%s in %.*s", e.text, STR_ARG(record));
	assert_string_equal(json_string_value(json_object_get(j, "type")), "around");
	json_array_append_new(((struct heard *)arg)->records, j);
}

static void ignore(struct str record, void *arg)
{
	(*(unsigned *)arg)++;
}

static const char *text_of(const struct heard *h, size_t record, size_t event)
{
	const json_t *r = json_array_get(h->records, record);

	return json_string_value(
		json_object_get(json_array_get(json_object_get(r, "events"), event), "text"));
}

static size_t events_in(const struct heard *h, size_t record)
{
	return json_array_size(json_object_get(json_array_get(h->records, record), "events"));
}

static struct around *make(const struct around_options *o, struct heard *h)
{
	struct around *a = around_new(o, hear, h, NULL);

	assert_non_null(a);
	h->records = json_array();
	return a;
}

/* ---- events -------------------------------------------------------------------------------- */

static struct process process_of(uint32_t pid, uint32_t sid, struct process *parent)
{
	return (struct process){.pid = pid,
		.start_ns = pid * 1000ULL,
		.sid = sid,
		.comm = STR("worker"),
		.parent = parent};
}

static void open_file(struct around *a, const struct process *p, uint64_t ts_ns, const char *name)
{
	static int64_t fd = 3;
	static uint32_t flags = 1;
	struct event ev = {.ts_ns = ts_ns,
		.pid = p->pid,
		.code = EV_OPENAT,
		.def = event_def(EV_OPENAT),
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE},
		.path = {.name = str_of(name), .raw = str_of(name)}};

	ev.nparams = ev.def->nparams;
	ev.params[0] = str_make((const char *)&fd, sizeof(fd));
	ev.params[3] = str_make((const char *)&flags, sizeof(flags));
	around_event(a, &ev, p);
}

static void exec(struct around *a, const struct process *p, uint64_t ts_ns)
{
	static int64_t res;
	struct event ev = {
		.ts_ns = ts_ns, .pid = p->pid, .code = EV_EXECVE, .def = event_def(EV_EXECVE)};

	ev.nparams = ev.def->nparams;
	ev.params[0] = str_make((const char *)&res, sizeof(res));
	ev.params[1] = STR("/bin/sh\0");
	ev.params[2] = STR("-c\0id; uname\0");
	around_event(a, &ev, p);
}

static struct finding finding_at(uint64_t ts_ns, uint64_t fingerprint)
{
	return (struct finding){
		.ts_ns = ts_ns, .run = 1, .num = fingerprint, .fingerprint = fingerprint};
}

/* ---- tests --------------------------------------------------------------------------------- */

static void session_ancestors_and_nobody_else(void **state)
{
	struct heard h;
	struct around *a = make(&(struct around_options){0}, &h);
	struct process init = process_of(1, 1, NULL), sshd = process_of(10, 10, &init),
		       shell = process_of(20, 20, &sshd), other = process_of(21, 21, &init),
		       peer = process_of(22, 20, &init), me = process_of(30, 20, &shell);

	open_file(a, &init, T0, "/by-init");
	open_file(a, &sshd, T0 + 1, "/by-sshd");
	open_file(a, &other, T0 + 2, "/by-other");
	open_file(a, &peer, T0 + 3, "/by-peer");
	exec(a, &me, T0 + 4);
	open_file(a, &me, T0 + 5, "/lib/x86_64-linux-gnu/libc.so.6"); /* as every program does */
	open_file(a, &me, T0 + 5, "/etc/shadow");
	struct finding f = finding_at(T0 + 5, 7);
	around_finding(a, &f, &me);
	assert_int_equal(json_array_size(h.records), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(h.records, 0), "finding")),
		"00000000000000010000000000000007");
	assert_int_equal(events_in(&h, 0), 4);
	assert_non_null(strstr(text_of(&h, 0, 0), "/by-sshd"));
	assert_non_null(strstr(text_of(&h, 0, 1), "/by-peer"));
	assert_string_equal(text_of(&h, 0, 2), "/bin/sh -c id; uname");
	assert_non_null(strstr(text_of(&h, 0, 3), "/etc/shadow O_RDONLY"));
	const json_t *last =
		json_array_get(json_object_get(json_array_get(h.records, 0), "events"), 3);
	assert_int_equal(json_integer_value(json_object_get(last, "pid")), 30);
	assert_string_equal(json_string_value(json_object_get(last, "process")), "worker");
	assert_string_equal(json_string_value(json_object_get(last, "type")), "openat");
	around_free(a);
	json_decref(h.records);
}

static void what_comes_after(void **state)
{
	struct heard h;
	struct around *a = make(&(struct around_options){.after_ns = NSEC_PER_SEC}, &h);
	struct process me = process_of(30, 20, NULL), other = process_of(31, 21, NULL);
	struct finding f = finding_at(T0, 1);

	open_file(a, &me, T0, "/first");
	around_finding(a, &f, &me);
	open_file(a, &other, T0 + 1, "/other");
	open_file(a, &me, T0 + 2, "/second");
	open_file(a, &me, T0 + 2 * NSEC_PER_SEC, "/too-late");
	around_tick(a, T0 + 3);
	assert_int_equal(json_array_size(h.records), 1);
	around_tick(a, T0 + 2 * NSEC_PER_SEC);
	assert_int_equal(json_array_size(h.records), 2);
	assert_int_equal(events_in(&h, 1), 1);
	assert_non_null(strstr(text_of(&h, 1, 0), "/second"));
	around_tick(a, T0 + 9 * NSEC_PER_SEC);
	assert_int_equal(json_array_size(h.records), 2);
	around_free(a);
	json_decref(h.records);
}

static void a_container_is_one_circle(void **state)
{
	struct heard h;
	struct around *a = make(&(struct around_options){0}, &h);
	struct container k = {.id = STR("0123456789ab")}, l = {.id = STR("fedcba987654")};
	struct process p = process_of(30, 20, NULL), q = process_of(31, 21, NULL),
		       r = process_of(32, 20, NULL);
	struct finding f = finding_at(T0 + 9, 1);

	struct process shim = process_of(9, 9, NULL);

	p.parent = &shim; /* who runs the container is outside of it */
	open_file(a, &shim, T0, "/shim");
	p.container = q.container = &k;
	r.container = &l; /* the same session number elsewhere */
	open_file(a, &p, T0, "/p");
	open_file(a, &q, T0 + 1, "/q");
	open_file(a, &r, T0 + 2, "/r");
	around_finding(a, &f, &p);
	assert_int_equal(events_in(&h, 0), 2);
	around_free(a);
	json_decref(h.records);
}

/* The newest before, the oldest after; never more than is promised. */
static void numbers_are_bounded(void **state)
{
	struct heard h;
	struct around *a = make(&(struct around_options){0}, &h);
	struct process me = process_of(30, 20, NULL);
	struct finding f = finding_at(T0 + 999, 1);
	char name[32];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "/file-%u.", i);
		open_file(a, &me, T0 + i, name);
	}
	around_finding(a, &f, &me);
	assert_int_equal(events_in(&h, 0), AROUND_BEFORE_MAX);
	assert_non_null(strstr(text_of(&h, 0, 0), "/file-880."));
	assert_non_null(strstr(text_of(&h, 0, AROUND_BEFORE_MAX - 1), "/file-999."));
	for (unsigned i = 1000; i < 2000; i++) {
		snprintf(name, sizeof(name), "/file-%u.", i);
		open_file(a, &me, T0 + i, name);
	}
	around_tick(a, T0 + 60 * NSEC_PER_SEC);
	assert_int_equal(events_in(&h, 1), AROUND_AFTER_MAX);
	assert_non_null(strstr(text_of(&h, 1, 0), "/file-1000."));
	around_free(a);
	json_decref(h.records);
}

/* A ring that turns before the time is up: what came after is told early, not lost. */
static void a_fast_machine(void **state)
{
	struct heard h;
	struct around *a = make(&(struct around_options){.ring_bytes = 1 << 16}, &h);
	struct process me = process_of(30, 20, NULL), other = process_of(31, 21, NULL);
	struct finding f = finding_at(T0, 1);

	open_file(a, &me, T0, "/first");
	around_finding(a, &f, &me);
	open_file(a, &me, T0 + 1, "/second");
	for (unsigned i = 0; i < 5000; i++)
		open_file(a, &other, T0 + 2 + i, "/noise");
	assert_int_equal(json_array_size(h.records), 2);
	assert_non_null(strstr(text_of(&h, 1, 0), "/second"));
	assert_true(around_counters(a).evicted > 4000);
	/* and the watch goes on */
	open_file(a, &me, T0 + 6000, "/third");
	around_tick(a, T0 + 60 * NSEC_PER_SEC);
	assert_int_equal(json_array_size(h.records), 3);
	assert_int_equal(events_in(&h, 2), 1);
	assert_non_null(strstr(text_of(&h, 2, 0), "/third"));
	around_free(a);
	json_decref(h.records);
}

static void storms_are_bounded(void **state)
{
	struct heard h;
	struct around *a = make(&(struct around_options){0}, &h);
	struct process me = process_of(30, 20, NULL);

	/* the same alert, over and over */
	for (unsigned i = 0; i < 100; i++) {
		struct finding f = finding_at(T0 + i, 7);

		open_file(a, &me, T0 + i, "/same");
		around_finding(a, &f, &me);
	}
	assert_int_equal(around_counters(a).findings, 1);
	/* a thousand of them within a second */
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = T0 + NSEC_PER_SEC + i * NSEC_PER_SEC / 1000;
		struct finding f = finding_at(now, 1000 + i);

		open_file(a, &me, now, "/many");
		around_finding(a, &f, &me);
	}
	assert_true(around_counters(a).findings <= 1 + 20 + 5 + 5);
	assert_int_equal(around_counters(a).findings + around_counters(a).skipped, 1100);
	around_free(a);
	json_decref(h.records);
}

/* Bytes of all kinds in names and arguments; parameters that are cut. */
static void hostile_bytes(void **state)
{
	static char bytes[70000];
	struct heard h;
	struct around *a = make(&(struct around_options){0}, &h);
	struct process me = process_of(30, 20, NULL);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	me.comm = str_make(bytes, 300);
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		struct event ev = {.ts_ns = T0 + code,
			.code = (uint16_t)code,
			.def = event_def((uint16_t)code),
			.has_fd = code % 2,
			.fd = {.type = (enum fd_type)(code % 23),
				.other_name = str_make(bytes, 4000),
				.sock.unix_path = str_make(bytes, 4000)},
			.path = {.name = str_make(bytes, 60000), .raw = str_make(bytes, 60000)}};

		if (!ev.def)
			continue;
		ev.nparams = ev.def->nparams;
		for (unsigned i = 0; i < ev.nparams; i++)
			ev.params[i] = str_make(bytes + code, code * 140U % 65535);
		around_event(a, &ev, &me);
		struct finding f = finding_at(T0 + code * NSEC_PER_SEC, code + 1);
		around_finding(a, &f, &me);
	}
	around_tick(a, UINT64_MAX);
	assert_true(json_array_size(h.records) > 100);
	around_free(a);
	json_decref(h.records);
}

static void nothing_is_allocated_once_warm(void **state)
{
	unsigned n = 0;
	struct around *a = around_new(&(struct around_options){0}, ignore, &n, NULL);
	struct process me = process_of(30, 20, NULL);
	unsigned long warm = 0;

	for (unsigned i = 0; i < 2000; i++) {
		uint64_t now = T0 + i * NSEC_PER_SEC;
		struct finding f = finding_at(now, 1 + i);

		if (i == 1000)
			warm = nmallocs;
		exec(a, &me, now);
		open_file(a, &me, now, "/etc/shadow");
		around_finding(a, &f, &me);
		around_tick(a, now);
	}
	assert_int_equal(nmallocs, warm);
	assert_true(n > 2000);
	around_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_ancestors_and_nobody_else),
		cmocka_unit_test(what_comes_after),
		cmocka_unit_test(a_container_is_one_circle),
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(a_fast_machine),
		cmocka_unit_test(storms_are_bounded),
		cmocka_unit_test(hostile_bytes),
		cmocka_unit_test(nothing_is_allocated_once_warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
