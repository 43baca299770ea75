/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Time. The kernel's events carry CLOCK_BOOTTIME; people and captures want nanoseconds since the
 * epoch. All text is UTC unless it says local.
 */
#include "base/buf.h"

#define NSEC_PER_SEC 1000000000ULL

uint64_t clock_epoch_ns(void); /* CLOCK_REALTIME */
uint64_t clock_boot_ns(void);  /* CLOCK_BOOTTIME */
uint64_t clock_cpu_ns(void);   /* CPU time of this process */
/* What to add to a boot time to get an epoch time; ask again now and then, the wall clock steps. */
uint64_t clock_boot_to_epoch_ns(void);
/* ".nnnnnnnnn": the part below one second. */
void clock_add_fraction(struct buf *b, uint64_t ns);
/* "HH:MM:SS.nnnnnnnnn" in local time. */
void clock_add_hms(struct buf *b, uint64_t epoch_ns);
/* "YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ" */
void clock_add_iso8601(struct buf *b, uint64_t epoch_ns);
/* strftime in local time, or UTC; what is longer than 4095 bytes is left out */
void clock_add_strftime(struct buf *b, uint64_t epoch_ns, const char *fmt, bool utc);
