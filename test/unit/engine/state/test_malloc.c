/* SPDX-License-Identifier: Apache-2.0 */
/* The event path asks for no memory: once warm, nothing that recurs calls malloc. */
#include "base/sanitized.h"
#include "captured.h"

#if IS_SANITIZED
#define CAN_COUNT 0
static uint64_t ncalls;
#else
#define CAN_COUNT 1
static uint64_t ncalls;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	ncalls++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	ncalls++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	ncalls++;
	return __libc_realloc(p, size);
}
#endif

static void known_process(void **unused)
{
	if (!CAN_COUNT) {
		print_message("# skipped: needs a build without sanitizers\n");
		return;
	}
	struct state *s = new_blind_state();

	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	apply(s, make_fork(10, TICK, 11, 2 * TICK));
	uint64_t before = ncalls;

	for (int i = 0; i < 10000; i++) {
		struct made_event *m =
			make(CODE_CLOSE, 10 + (i & 1), (1 + (uint64_t)(i & 1)) * TICK);

		m->ev.uid = 5;
		apply(s, m);
		m = make(CODE_CHDIR, 10, TICK);
		set_num(m, "res", 0);
		m->ev.cwd = STR("/same");
		apply(s, m);
		if (i == 0)
			before = ncalls;
	}
	assert_true(ncalls == before);
	state_free(s);
}

/* A storm of fork, exec, exit: rows and blocks come back to where they were. */
static void storm(void **unused)
{
	if (!CAN_COUNT) {
		print_message("# skipped: needs a build without sanitizers\n");
		return;
	}
	struct state *s = new_blind_state();
	uint64_t before = 0;

	apply(s, make_exec(10, TICK, "/bin/a", "a"));
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t start = (2 + i) * TICK;

		if (i == 2000)
			before = ncalls;
		apply(s, make_fork(10, TICK, 1000 + i % 500, start));
		apply(s, make_exec(1000 + i % 500, start, "/bin/id", "id"));
		apply(s, make_exit(1000 + i % 500, start, 1));
	}
	assert_true(ncalls == before);
	assert_int_equal(s->texts.nmallocs, 2);
	state_free(s);
}

/* A capture's opens, reads, closes, forks: after a while all memory is there. */
static void captured(void **unused)
{
	if (!CAN_COUNT) {
		print_message("# skipped: needs a build without sanitizers\n");
		return;
	}
	struct cap c = cap_new((struct state_options){0});
	uint64_t before = 0;

	cap_add(&c, 10, 10, 1, "a", "/home");
	for (int i = 0; i < 2000; i++) {
		if (i == 1000)
			before = ncalls;
		cap_open(&c, 10, 3, "../etc/passwd", 0);
		cap_fd(&c, "read", 10, 3);
		cap_fd(&c, "close", 10, 3);
	}
	assert_true(ncalls == before);
	cap_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_process),
		cmocka_unit_test(storm),
		cmocka_unit_test(captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
