/* SPDX-License-Identifier: Apache-2.0 */
/* Time: reading clocks and writing times down. */

#include "base/clock.h"

#include <time.h>

#include "base/digits.h"

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
	char tmp[64], longer[4096]; /* a date; a file's path with a date in it */

	if (utc ? !gmtime_r(&sec, &tm) : !localtime_r(&sec, &tm))
		return;
	size_t n = strftime(tmp, sizeof(tmp), fmt, &tm);
	if (n)
		buf_add(b, str_make(tmp, n));
	else /* too long, or really nothing */
		buf_add(b, str_make(longer, strftime(longer, sizeof(longer), fmt, &tm)));
}

void clock_add_fraction(struct buf *b, uint64_t ns)
{
	char tmp[DIGITS_MAX];
	char *end = digits_put_fraction(tmp, (uint32_t)(ns % NSEC_PER_SEC));

	buf_add(b, str_make(tmp, (size_t)(end - tmp)));
}

void clock_add_hms(struct buf *b, uint64_t epoch_ns)
{
	clock_add_strftime(b, epoch_ns, "%H:%M:%S", false);
	clock_add_fraction(b, epoch_ns);
}

void clock_add_iso8601(struct buf *b, uint64_t epoch_ns)
{
	clock_add_strftime(b, epoch_ns, "%Y-%m-%dT%H:%M:%S", true);
	clock_add_fraction(b, epoch_ns);
	buf_add_char(b, 'Z');
}
