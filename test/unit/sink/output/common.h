/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the tests of the outputs share: findings with numbers, folders, waiting without sleeping
 * long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "sink/output/private.h"

#define assert_ok(e, call)                                                                         \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, (e)->msg);                                       \
	} while (0)

static const struct outputs_tuning quick = {
	.backoff_min_ms = 5, .backoff_max_ms = 20, .tick_ms = 10};

/* Finding n of a test: its text ends in "number N." */
static inline struct finding finding_number(unsigned n, char text[64])
{
	snprintf(text, 64, "number %u.", n);
	return (struct finding){.ts_ns = 1700000000ULL * NSEC_PER_SEC + n,
		.num = n,
		.priority = PRIORITY_WARNING,
		.rule = STR("A rule"),
		.source = STR("syscall"),
		.output = str_of(text),
		.hostname = STR("host1"),
		.fingerprint = n,
		.count = 1};
}

static inline void emit_number(struct outputs *o, unsigned n)
{
	char text[64];
	struct finding f = finding_number(n, text);

	outputs_emit(o, &f);
}

/* The N of "number N." in a line, or 0. */
static inline unsigned number_of(const char *line)
{
	const char *p = strstr(line, "number ");

	return p ? (unsigned)strtoul(p + 7, NULL, 10) : 0;
}

static inline struct output_counters counters_of(struct outputs *o)
{
	struct output_counters c = {0};

	outputs_counters(o, &c, 1);
	return c;
}

/* Every finding is somewhere: the sum that output.h promises. */
static inline void assert_balanced(struct outputs *o, uint64_t held)
{
	struct output_counters c = {0};

	for (int i = 0; i < 200; i++) {
		c = counters_of(o);
		if (c.emitted == c.sent + c.dropped + c.folded + c.spooled + c.queue_depth + held)
			return;
		usleep(5000); /* something is between two places */
	}
	fail_msg("emitted %lu, sent %lu, dropped %lu, folded %lu, spooled %lu, queued %lu",
		(unsigned long)c.emitted, (unsigned long)c.sent, (unsigned long)c.dropped,
		(unsigned long)c.folded, (unsigned long)c.spooled, (unsigned long)c.queue_depth);
}

/* Waits for a condition over `now`, the counters of the first output, for up to 10 s. */
#define wait_until(o, cond)                                                                        \
	do {                                                                                       \
		struct output_counters now = counters_of(o);                                       \
		for (int i_ = 0; i_ < 2000 && !(cond); i_++) {                                     \
			usleep(5000);                                                              \
			now = counters_of(o);                                                      \
		}                                                                                  \
		if (!(cond))                                                                       \
			fail_msg("never: %s (sent %lu, spooled %lu, dropped %lu, tries %lu)",      \
				#cond, (unsigned long)now.sent, (unsigned long)now.spooled,        \
				(unsigned long)now.dropped, (unsigned long)now.failed_tries);      \
	} while (0)

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new folder in *state; made_teardown() removes it. */
static inline int dir_setup(void **state)
{
	char template[] = "/tmp/koban-test-XXXXXX";

	if (!mkdtemp(template))
		return -1;
	*state = strdup(template);
	return 0;
}

static inline int dir_teardown(void **state)
{
	remove_tree(*state);
	free(*state);
	return 0;
}

/* Borrowed from a ring of buffers: good for some calls. */
static inline const char *in_dir(const char *dir, const char *name)
{
	static char paths[32][512];
	static unsigned n;
	char *p = paths[n++ % 32];

	snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

/* The file's content, to be freed; "" when it is not there. */
static inline char *slurp(const char *path)
{
	struct arena a;
	struct str s = STR_NULL;

	arena_init(&a, 64 << 20);
	int r = io_read_file(&a, AT_FDCWD, path, 32 << 20, &s, NULL);
	char *copy = strdup(r == 0 && s.s ? s.s : "");
	arena_done(&a);
	return copy;
}
