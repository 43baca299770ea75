/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, using and closing every kind of output when memory or descriptors run out, at each step:
 * an error with a sentence, or outputs that account for every finding.
 */
#include "common.h"

#include "fault.h"

enum { FINDINGS = 5 };

static const char *folder;
static unsigned refused;

/* Opens all kinds; what they send goes nowhere, which none of them may mind. */
static bool live(enum fault_kind kind, unsigned n, int code)
{
	const struct output_config configs[] = {
		{.kind = OUTPUT_FILE, .path = in_dir(folder, "log"), .fold = true},
		{.kind = OUTPUT_PROGRAM, .command = "cat >/dev/null", .keep_alive = true},
		{.kind = OUTPUT_SYSLOG, .address = "unix:/nonexistent/log", .json = true},
		{.kind = OUTPUT_HTTP, .url = "http://127.0.0.1:1/", .timeout_ms = 100},
	};
	const struct outputs_options options = {.outputs = configs,
		.noutputs = sizeof(configs) / sizeof(configs[0]),
		.spool_dir = in_dir(folder, "spool"),
		.queue_capacity = 64};
	struct output_counters c[8];
	struct outputs *o = NULL;
	struct err e = {0};

	fault_arm(kind, n, code);
	int r = outputs_open_tuned(&options, &quick, &o, &e);
	if (r < 0) {
		fault_disarm();
		refused++;
		if (!e.msg[0] || o)
			fail_msg("kind %d, call %u: %d without a word", kind, n, r);
		return fault_was_reached();
	}
	for (unsigned i = 1; i <= FINDINGS; i++)
		emit_number(o, i);
	usleep(20000);
	fault_disarm();
	for (int tries = 0; tries < 200; tries++) {
		size_t nc = outputs_counters(o, c, 8), settled = 0;

		assert_int_equal(nc, options.noutputs);
		for (size_t i = 0; i < nc; i++)
			settled += c[i].emitted == c[i].sent + c[i].dropped + c[i].folded +
							   c[i].spooled + c[i].queue_depth;
		if (settled == nc)
			break;
		if (tries == 199)
			fail_msg("kind %d, call %u: some findings are nowhere", kind, n);
		usleep(5000);
	}
	outputs_close(o, 0);
	return fault_was_reached();
}

/* Until a life has no such call left, or `most` calls were tried (threads call for ever). */
static void at_each_step(enum fault_kind kind, int code, unsigned most)
{
	for (unsigned n = 1; n <= most; n++) {
		if (!live(kind, n, code))
			break;
		remove_tree(in_dir(folder, "spool"));
	}
}

static void memory_that_is_out(void **state)
{
	folder = *state;
	refused = 0;
	at_each_step(FAULT_ALLOC, ENOMEM, 80);
	assert_true(refused > 10);
}

static void descriptors_that_are_out(void **state)
{
	folder = *state;
	refused = 0;
	at_each_step(FAULT_OPEN, EMFILE, 30);
	assert_true(refused > 2);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(memory_that_is_out),
		IN_DIR(descriptors_that_are_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
