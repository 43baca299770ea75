/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar: drawn from the second second on, ten times a second, gone at the end. */
#include "cmd/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { CALLS = 4096, WAIT_NS = 1000000000, STEP_NS = 100000000, BAR = 30 };

void progress_start(struct progress *p, bool wanted, bool forced)
{
	*p = (struct progress){.is_tty = isatty(STDERR_FILENO)};
	p->is_on = forced || (wanted && p->is_tty);
	p->started_ns = clock_boot_ns();
	p->next_ns = p->started_ns + WAIT_NS;
}

bool progress_is_time(struct progress *p)
{
	if (!p->is_on)
		return false;
	uint64_t now = clock_boot_ns();

	if (now < p->next_ns)
		return false;
	p->next_ns = now + STEP_NS;
	return true;
}

bool progress_is_due(struct progress *p)
{
	return p->is_on && ++p->calls % CALLS == 0 && progress_is_time(p);
}

static void add_blocks(double fraction)
{
	int full = (int)(fraction * BAR);

	for (int i = 0; i < BAR; i++)
		fputs(i < full ? "█" : "·", stderr);
}

static void draw_bar(double fraction, double rate, uint64_t left_s)
{
	fputs("\r\033[K  [", stderr);
	add_blocks(fraction);
	fprintf(stderr, "] %3.0f %%  %.2f M events/s  %llu s left ", fraction * 100, rate / 1e6,
		(unsigned long long)left_s);
}

void progress_draw(struct progress *p, double fraction, uint64_t events)
{
	double s = (double)(clock_boot_ns() - p->started_ns) / 1e9;
	double rate = s > 0 ? (double)events / s : 0;

	if (!p->is_tty) {
		if (fraction >= 0)
			fprintf(stderr, "\r%.2f", fraction * 100);
	} else if (fraction > 0) {
		draw_bar(fraction < 1 ? fraction : 1, rate, (uint64_t)(s / fraction - s));
	} else {
		fprintf(stderr, "\r\033[K  %.1f M events, %.2f M events/s ", (double)events / 1e6,
			rate / 1e6);
	}
	p->is_drawn = true;
	fflush(stderr);
}

void progress_draw_bytes(
	struct progress *p, const char *name, const char *what, uint64_t done, uint64_t all)
{
	double s = (double)(clock_boot_ns() - p->started_ns) / 1e9;
	double rate = s > 0 ? (double)done / s : 0;
	double fraction = all ? (double)done / (double)all : 0;

	fraction = fraction < 1 ? fraction : 1;
	if (!p->is_tty) {
		fprintf(stderr, "\r%.2f", fraction * 100);
	} else {
		fprintf(stderr, "\r\033[K  %.40s  %s [", name, what);
		add_blocks(fraction);
		fprintf(stderr, "] %3.0f %%  %.0f MB/s", fraction * 100, rate / 1e6);
		if (rate > 0 && all > done)
			fprintf(stderr, "  %.0f s left", (double)(all - done) / rate);
	}
	p->is_drawn = true;
	fflush(stderr);
}

void progress_hide(struct progress *p)
{
	if (p->is_drawn)
		fputs(p->is_tty ? "\r\033[K" : "\n", stderr);
	p->is_drawn = false;
	fflush(stderr);
}
