/* SPDX-License-Identifier: Apache-2.0 */
/* Time: reading clocks and writing times down. */

#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_epoch_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_boot_to_epoch_ns(void)
{
	uint64_t before = clock_boot_ns(), epoch = clock_epoch_ns(), after = clock_boot_ns();

	return epoch - (before + (after - before) / 2);
}

void clock_add_strftime(struct buf *b, uint64_t epoch_ns, const char *fmt, bool utc)
{
	time_t sec = (time_t)(epoch_ns / NSEC_PER_SEC);
	struct tm tm;
	char tmp[64];

	if (utc ? !gmtime_r(&sec, &tm) : !localtime_r(&sec, &tm))
		return;
	buf_add(b, str_make(tmp, strftime(tmp, sizeof(tmp), fmt, &tm)));
}

static void add_fraction(struct buf *b, uint64_t epoch_ns)
{
	char tmp[10] = {[0] = '.'};
	uint64_t ns = epoch_ns % NSEC_PER_SEC;

	for (int i = 9; i > 0; i--, ns /= 10)
		tmp[i] = (char)('0' + ns % 10);
	buf_add(b, str_make(tmp, sizeof(tmp)));
}

void clock_add_hms(struct buf *b, uint64_t epoch_ns)
{
	clock_add_strftime(b, epoch_ns, "%H:%M:%S", false);
	add_fraction(b, epoch_ns);
}

void clock_add_iso8601(struct buf *b, uint64_t epoch_ns)
{
	clock_add_strftime(b, epoch_ns, "%Y-%m-%dT%H:%M:%S", true);
	add_fraction(b, epoch_ns);
	buf_add_char(b, 'Z');
}
