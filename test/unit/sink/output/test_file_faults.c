/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file output on a disk that fails: whole lines, in order, none lost and none torn; and a
 * rotation that does not go through loses no older file.
 */
#include "common.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "fault.h"

enum { FINDINGS = 40 };

static const char *folder;

static struct outputs *open_it(uint64_t max_bytes)
{
	const struct output_config config = {.kind = OUTPUT_FILE,
		.path = in_dir(folder, "log"),
		.max_bytes = max_bytes,
		.keep_files = 20};
	const struct outputs_options options = {.outputs = &config, .noutputs = 1};
	struct outputs *o = NULL;
	struct err e = {0};

	assert_ok(&e, outputs_open_tuned(&options, &quick, &o, &e));
	return o;
}

/* Adds the numbers of one file; they follow each other. */
static void read_numbers(const char *path, unsigned *last)
{
	FILE *f = fopen(path, "r");
	char line[1000];

	while (f && fgets(line, sizeof(line), f)) {
		assert_int_equal(line[strlen(line) - 1], '\n');
		if (number_of(line) != *last + 1)
			fail_msg("%s: %u behind %u", path, number_of(line), *last);
		++*last;
	}
	if (f)
		fclose(f);
}

static void assert_all_there(unsigned want)
{
	unsigned last = 0;

	for (unsigned i = 20; i > 0; i--) {
		char name[16];

		snprintf(name, sizeof(name), "log.%u", i);
		read_numbers(in_dir(folder, name), &last);
		unlink(in_dir(folder, name));
	}
	read_numbers(in_dir(folder, "log"), &last);
	unlink(in_dir(folder, "log"));
	assert_int_equal(last, want);
}

static void at_each_step(enum fault_kind kind, int code, uint64_t max_bytes)
{
	bool was_reached = true;

	for (unsigned n = 1; was_reached; n++) {
		struct outputs *o = open_it(max_bytes);

		fault_arm(kind, n, code);
		for (unsigned i = 1; i <= FINDINGS; i++)
			emit_number(o, i);
		wait_until(o, now.sent == FINDINGS);
		was_reached = fault_was_reached();
		fault_disarm();
		outputs_close(o, 1000);
		assert_all_there(FINDINGS);
	}
}

static void writes_that_fail(void **state)
{
	folder = *state;
	at_each_step(FAULT_WRITE, ENOSPC, 0);
	at_each_step(FAULT_SHORT_WRITE, 0, 0);
	at_each_step(FAULT_WRITE, ENOSPC, 500);
}

static void rotations_that_fail(void **state)
{
	folder = *state;
	at_each_step(FAULT_UNLINK, EIO, 500);
	at_each_step(FAULT_OPEN, EMFILE, 500);
}

/* chattr +a: it can be written behind its end, but neither moved nor removed. */
static bool set_append_only(const char *path, bool on)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;
	bool ok = fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;

	flags = on ? flags | FS_APPEND_FL : flags & ~FS_APPEND_FL;
	ok = ok && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
	close(fd);
	return ok;
}

/* Each finding tries the rotation again; the older files stay where they are. */
static void a_file_that_cannot_be_moved(void **state)
{
	folder = *state;
	struct outputs *o = open_it(500);
	unsigned n = 0;

	while (access(in_dir(folder, "log.3"), F_OK) < 0 && n < 1000) {
		emit_number(o, ++n);
		wait_until(o, now.sent == n);
	}
	if (!set_append_only(in_dir(folder, "log"), true)) {
		outputs_close(o, 1000);
		print_message("# skipped: needs root and a file system with append-only files\n");
		skip();
	}
	for (unsigned i = 0; i < 30; i++)
		emit_number(o, ++n);
	wait_until(o, now.failed_tries > 40);
	assert_true(set_append_only(in_dir(folder, "log"), false));
	wait_until(o, now.sent == n);
	outputs_close(o, 1000);
	assert_all_there(n);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(writes_that_fail),
		IN_DIR(rotations_that_fail),
		IN_DIR(a_file_that_cannot_be_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
