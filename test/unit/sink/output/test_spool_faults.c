/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool on a disk that fails: at each open, read, write, sync, truncation and removal in turn,
 * once or from there on for a while, with a process that goes on, ends or dies. What spool_append()
 * took comes out, in order; a restart may repeat some of it; nothing comes out that was refused.
 */
#include "common.h"

#include <sys/mman.h>

#include "base/sanitized.h"
#include "fault.h"

int __real_open64(const char *path, int flags, ...);

static int open_real(const char *path)
{
	int fd = __real_open64(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	fcntl(fd, F_SETFL, 0);
	return fd;
}

enum { RECORDS = 14, TAKEN = 4, PADDING = 25000 };

/* What a child that dies leaves to know. */
static struct {
	unsigned accepted, taken;
	unsigned long calls;
	bool was_reached;
} * shared;

static const char *folder;
static bool is_lasting; /* the fault stays until the first error that is seen */

static int group_set_up(void **state)
{
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : 0;
}

static struct spool *open_again(void)
{
	struct spool *s = NULL;

	for (int i = 0; i < 2; i++) {
		struct err e = {0};

		if (spool_open(in_dir(folder, "s"), 1 << 20, &s, &e) == 0)
			return s;
		/* refused, with a sentence; nothing was lost by that */
		if (!e.msg[0])
			return NULL;
		fault_disarm();
	}
	return NULL;
}

/* As the keeper does: what is not taken waits, and is offered again. */
static bool put(struct spool *s, unsigned n)
{
	char text[PADDING + 64];

	int len = snprintf(text, sizeof(text), "number %u. %0*d", n, PADDING, 0);
	for (int i = 0; i < 2; i++) {
		if (spool_append(s, str_make(text, (size_t)len)) == 0) {
			shared->accepted = n;
			return true;
		}
		fault_disarm();
	}
	return false;
}

/* The number at the front, which stays; 0 = none, -1 = it cannot be read even on a good disk. */
static int look(struct spool *s)
{
	struct buf b = BUF_INIT(RECORD_MAX);
	int n = -1;

	for (int i = 0; i < 2 && n < 0; i++) {
		int r = spool_front(s, &b);

		if (r >= 0)
			n = r ? (int)number_of(b.s) : 0;
		else
			fault_disarm();
	}
	buf_done(&b);
	return n;
}

/* A life of the spool; 0, or the line of what was wrong. */
static int live(bool closes)
{
	struct spool *s = open_again();

	if (!s)
		return __LINE__;
	for (unsigned n = 1; n <= RECORDS; n++) {
		if (!put(s, n))
			return __LINE__;
		if (n % 3 != 0 || shared->taken == TAKEN)
			continue;
		if (look(s) != (int)shared->taken + 1)
			return __LINE__;
		spool_pop(s);
		shared->taken++;
	}
	if (spool_sync(s) < 0)
		fault_disarm();
	if (spool_count(s) != RECORDS - TAKEN || spool_damaged(s))
		return __LINE__;
	if (closes)
		spool_close(s);
	return 0;
}

static void arm(enum fault_kind kind, unsigned n)
{
	static const int codes[FAULT_KINDS] = {[FAULT_ALLOC] = ENOMEM,
		[FAULT_WRITE] = ENOSPC,
		[FAULT_READ] = EIO,
		[FAULT_OPEN] = EMFILE,
		[FAULT_SYNC] = EIO,
		[FAULT_TRUNCATE] = EIO,
		[FAULT_UNLINK] = EROFS};

	if (is_lasting)
		fault_arm_from(kind, n, codes[kind]);
	else
		fault_arm(kind, n, codes[kind]);
}

static void live_in_a_child(enum fault_kind kind, unsigned nth, bool closes)
{
	int status;

	memset(shared, 0, sizeof(*shared));
	pid_t pid = fork();
	if (pid == 0) {
		arm(kind, nth);
		int line = live(closes);
		shared->was_reached = fault_was_reached();
		if (line)
			fprintf(stderr, "# line %d: kind %d, call %u\n", line, kind, nth);
		_exit(line != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* All that was accepted and not taken, in order; after a restart some that was taken may repeat. */
static void drain(enum fault_kind kind, unsigned nth)
{
	struct spool *s = open_again();
	int first, n, last = 0;

	assert_non_null(s);
	if (spool_damaged(s) > 1) /* a torn tail is cut off */
		fail_msg("kind %d, call %u: damage", kind, nth);
	first = look(s);
	for (n = first; n > 0; n = look(s)) {
		if (last && n != last + 1)
			fail_msg("kind %d, call %u: %d behind %d", kind, nth, n, last);
		last = n;
		spool_pop(s);
	}
	assert_int_equal(n, 0);
	if (first < 1 || (unsigned)first > shared->taken + 1 || (unsigned)last != shared->accepted)
		fail_msg("kind %d, call %u: %d to %d, expected %u to %u", kind, nth, first, last,
			shared->taken + 1, shared->accepted);
	spool_close(s);
}

static void start_afresh(void)
{
	remove_tree(in_dir(folder, "s"));
}

static unsigned at_each_step(enum fault_kind kind, bool closes)
{
	unsigned n = 0;

	do {
		start_afresh();
		live_in_a_child(kind, ++n, closes);
		drain(kind, n);
	} while (shared->was_reached);
	return n - 1;
}

static void survives(enum fault_kind kind, void **state)
{
	folder = *state;
	/* for a while and killed, once and closed properly; the other two where forks are cheap */
	for (int i = 1; i < (IS_SANITIZED ? 3 : 5); i++) {
		is_lasting = i & 1;
		unsigned n = at_each_step(kind, i & 2);
		assert_true(n > 0);
	}
}

static void failing_writes(void **state)
{
	survives(FAULT_WRITE, state);
}

static void short_writes(void **state)
{
	survives(FAULT_SHORT_WRITE, state);
}

static void failing_opens(void **state)
{
	survives(FAULT_OPEN, state);
}

static void failing_reads(void **state)
{
	survives(FAULT_READ, state);
}

static void failing_syncs(void **state)
{
	survives(FAULT_SYNC, state);
}

static void failing_removals(void **state)
{
	survives(FAULT_UNLINK, state);
}

static void memory_that_is_out(void **state)
{
	survives(FAULT_ALLOC, state);
}

/* The n-th call of one kind fails, and what would mend it fails as well. */
static void cannot_be_mended(enum fault_kind kind, int code, enum fault_kind mend)
{
	for (unsigned n = 1; n <= 30; n++) {
		int status;

		start_afresh();
		memset(shared, 0, sizeof(*shared));
		pid_t pid = fork();
		if (pid == 0) {
			fault_arm(kind, n, code);
			fault_also_from(mend, 1, EIO);
			_exit(live(false) != 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		drain(kind, n);
	}
}

/* Half a record stays in the file: the next one is written over it. */
static void torn_records_that_stay(void **state)
{
	folder = *state;
	cannot_be_mended(FAULT_SHORT_WRITE, 0, FAULT_TRUNCATE);
}

/* A segment without its first bytes stays in the folder: it is in nobody's way. */
static void torn_segments_that_stay(void **state)
{
	folder = *state;
	cannot_be_mended(FAULT_WRITE, ENOSPC, FAULT_UNLINK);
	cannot_be_mended(FAULT_SHORT_WRITE, 0, FAULT_UNLINK);
}

/* Coming back after a restart while the disk fails: refused, or all there, but never half of it. */
static void a_restart_on_a_failing_disk(void **state)
{
	static const enum fault_kind kinds[] = {
		FAULT_OPEN, FAULT_READ, FAULT_ALLOC, FAULT_WRITE, FAULT_UNLINK, FAULT_TRUNCATE};

	folder = *state;
	is_lasting = false;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		bool was_reached = true;

		for (unsigned n = 1; was_reached; n++) {
			start_afresh();
			live_in_a_child(FAULT_WRITE, 100000, true);
			arm(kinds[k], n);
			drain(kinds[k], n);
			was_reached = fault_was_reached();
			fault_disarm();
		}
	}
}

/* A disk that cannot read one segment back holds up the others only for a while, and it is said. */
static void what_stays_unreadable_is_damage(void **state)
{
	struct buf b = BUF_INIT(RECORD_MAX);
	int tries = 0, r;

	folder = *state;
	memset(shared, 0, sizeof(*shared));
	struct spool *s = open_again();
	assert_non_null(s);
	for (unsigned n = 1; n <= RECORDS; n++)
		assert_true(put(s, n));
	fault_arm_from(FAULT_READ, 1, EIO);
	while ((r = spool_front(s, &b)) == -EIO && !spool_damaged(s) && tries < 100)
		tries++;
	fault_disarm();
	assert_true(tries > 3 && tries < 20);
	assert_true(spool_damaged(s) >= 1 && spool_damaged(s) < RECORDS);
	assert_int_equal(look(s), (int)spool_damaged(s) + 1);
	assert_int_equal(spool_count(s) + spool_damaged(s), RECORDS);
	spool_close(s);
	buf_done(&b);
}

/* ---- a whole output, whose reader is not there at first ------------------------------------ */

enum { FINDINGS = 20 };

static struct outputs *open_without_reader(const char *fifo)
{
	const struct output_config config = {.kind = OUTPUT_FILE, .path = fifo};
	const struct outputs_options options = {
		.outputs = &config, .noutputs = 1, .spool_dir = in_dir(folder, "spool")};
	struct outputs *o = NULL;
	struct err e = {0};

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_ok(&e, outputs_open_tuned(&options, &quick, &o, &e));
	for (unsigned n = 1; n <= FINDINGS; n++)
		emit_number(o, n);
	wait_until(o, now.spooled == FINDINGS);
	return o;
}

/* Without descriptors neither the spool nor the file can be opened: nothing is lost by that. */
static void no_descriptors_for_a_while(void **state)
{
	folder = *state;
	const char *fifo = in_dir(folder, "fifo");
	struct outputs *o = open_without_reader(fifo);
	char line[1000];

	fault_arm_from(FAULT_OPEN, 1, EMFILE);
	uint64_t tries = counters_of(o).failed_tries;
	FILE *f = fdopen(open_real(fifo), "r");
	assert_non_null(f);
	wait_until(o, now.failed_tries > tries + 5);
	fault_disarm();
	wait_until(o, now.sent == FINDINGS);
	for (unsigned n = 1; n <= FINDINGS; n++) {
		assert_non_null(fgets(line, sizeof(line), f));
		assert_int_equal(number_of(line), n);
	}
	assert_int_equal(counters_of(o).dropped, 0);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	fclose(f);
}

/* What the disk gives back wrong is lost, and counted as that. */
static void damage_is_counted(void **state)
{
	folder = *state;
	const char *fifo = in_dir(folder, "fifo");
	struct outputs *o = open_without_reader(fifo);
	const char *segment = in_dir(folder, "spool/file/0000000000000001.seg");

	int fd = open(segment, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xff\xff", 2, 30), 2);
	close(fd);
	fd = open_real(fifo);
	wait_until(o, now.dropped == FINDINGS);
	assert_int_equal(counters_of(o).spooled, 0);
	assert_balanced(o, 0);
	emit_number(o, FINDINGS + 1);
	wait_until(o, now.sent == 1);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	close(fd);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(failing_writes),
		IN_DIR(short_writes),
		IN_DIR(failing_opens),
		IN_DIR(failing_reads),
		IN_DIR(failing_syncs),
		IN_DIR(failing_removals),
		IN_DIR(memory_that_is_out),
		IN_DIR(torn_records_that_stay),
		IN_DIR(torn_segments_that_stay),
		IN_DIR(a_restart_on_a_failing_disk),
		IN_DIR(what_stays_unreadable_is_damage),
		IN_DIR(no_descriptors_for_a_while),
		IN_DIR(damage_is_counted),
	};

	return cmocka_run_group_tests(tests, group_set_up, NULL);
}
