/* SPDX-License-Identifier: Apache-2.0 */
/* The reading end of a ring buffer over memory of the test's own: order, wrap, busy and discarded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/sensor/ring.h"

enum { SIZE = 4096 };

static struct ring ring;
static unsigned long consumer, producer;
static uint8_t *data;

/* The data lies twice in a row, so that a record that wraps can be read in one piece. */
static int set_up(void **state)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	data = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || data == MAP_FAILED || ftruncate(fd, SIZE) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (mmap(data + (ptrdiff_t)i * SIZE, SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			return -1;
	close(fd);
	consumer = producer = 0;
	ring = (struct ring){.map_fd = -1,
		.epoll_fd = -1,
		.size = SIZE,
		.mask = SIZE - 1,
		.consumer = &consumer,
		.producer = &producer,
		.data = data};
	return 0;
}

static int tear_down(void **state)
{
	return munmap(data, 2 * SIZE);
}

static unsigned long put(const void *bytes, uint32_t n, uint32_t flags)
{
	unsigned long at = producer;
	uint32_t word = n | flags;

	memcpy(data + (at & (SIZE - 1)), &word, 4);
	memcpy(data + (at & (SIZE - 1)) + BPF_RINGBUF_HDR_SZ, bytes, n);
	producer += (n + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
	return at;
}

static void expect(const char *text)
{
	size_t len = 0;
	const void *p = ring_next(&ring, &len);

	assert_non_null(p);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(p, text, len);
}

static void expect_none(void)
{
	size_t len;

	assert_null(ring_next(&ring, &len));
}

static void test_order(void **state)
{
	expect_none();
	put("one", 3, 0);
	put("second", 6, 0);
	assert_int_equal(ring_used(&ring), 32);
	expect("one");
	expect("second");
	expect_none();
	assert_int_equal(consumer, 0);
	ring_release(&ring);
	assert_int_equal(consumer, producer);
	assert_int_equal(ring_used(&ring), 0);
}

static void test_busy(void **state)
{
	put("one", 3, 0);
	unsigned long at = put("being written", 13, BPF_RINGBUF_BUSY_BIT);
	put("behind it", 9, 0);
	expect("one");
	expect_none();
	expect_none();
	uint32_t word = 13;
	memcpy(data + at, &word, 4);
	expect("being written");
	expect("behind it");
	expect_none();
}

static void test_discarded(void **state)
{
	put("thrown away", 11, BPF_RINGBUF_DISCARD_BIT);
	put("kept", 4, 0);
	put("too", 3, BPF_RINGBUF_DISCARD_BIT);
	expect("kept");
	expect_none();
	ring_release(&ring);
	assert_int_equal(consumer, producer);
}

static void test_wrap(void **state)
{
	char text[101] = {0};

	for (int i = 0; i < 1000; i++) {
		memset(text, 'a' + i % 26, 100);
		put(text, 100, 0);
		expect(text);
		expect_none();
		ring_release(&ring);
	}
	assert_true(producer > 10UL * SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discarded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrap, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
