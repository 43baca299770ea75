/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a script: loaded, opened, given two events and an end, described. It has little
 * memory and time, and both must hold: an input that takes seconds is a finding.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "face/chisel/private.h"

enum { CALL_MS = 5, SLOW_S = 20 };

static void print(struct str text, void *arg)
{
	*(size_t *)arg += text.len;
}

static void give_events(struct chisel *c, struct err *e)
{
	struct process proc = {.pid = 7, .comm = STR("cat"), .args = STR("-n\0/x\0")};
	struct event ev = {.num = 1,
		.ts_ns = 1700000000 * NSEC_PER_SEC,
		.pid = 7,
		.tid = 7,
		.code = EV_OPENAT,
		.def = event_def(EV_OPENAT),
		.nparams = event_def(EV_OPENAT)->nparams,
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE},
		.path = {.name = STR("/tmp/\033[2Jx")}};
	struct field_subject s = {.ev = &ev, .proc = &proc};
	int r = 0;

	for (int i = 0; r == 0 && i < 2; i++) {
		r = c->ops->event(c, &s, e);
		ev.ts_ns += 3 * NSEC_PER_SEC;
	}
	if (r == 0)
		c->ops->tick(c, ev.ts_ns + NSEC_PER_SEC, e);
	c->ops->end(c, e);
}

static int open_and_run(struct chisel *c, struct err *e)
{
	const struct str args[] = {STR("1"), STR("x")};
	int r = c->ops->open(c, NULL, 0, e);

	if (r == -EINVAL) { /* it may want arguments */
		c->ops->close(c);
		r = c->ops->open(c, args, 2, e);
	}
	if (r == 0)
		give_events(c, e);
	c->ops->close(c);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("script", 0);
	uint64_t start_ns = clock_cpu_ns();
	char path[64];
	size_t printed = 0;
	struct err e = {0};
	struct arena a;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct chisel_env env = {.is_tty = size % 2,
		.print = print,
		.arg = &printed,
		.max_memory = 8 << 20,
		.max_call_ns = CALL_MS * 1000000ULL};
	struct chisel_info info = {.name = STR("x"), .path = str_of(path)};
	struct chisel c = {.ops = &chisel_ops_script, .info = &info, .env = &env};
	int r = open_and_run(&c, &e);

	arena_init(&a, 1 << 20);
	if (r == 0) /* its own limit is longer */
		chisel_ops_script.describe(path, &a, &info, &e);
	arena_done(&a);
	close(fd);
	if (clock_cpu_ns() - start_ns > SLOW_S * NSEC_PER_SEC)
		abort();
	return 0;
}
