/* SPDX-License-Identifier: Apache-2.0 */
/* The bar of verbs that read long files: how far, how many events, how fast. */
#include "cmd/progress.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

enum { WIDTH = 30, EVERY_NS = 100000000 };

void progress_start(struct progress *p, bool is_quiet)
{
	*p = (struct progress){
		.is_on = !is_quiet && isatty(STDERR_FILENO) == 1,
		.started_ns = clock_boot_ns(),
	};
	p->next_ns = p->started_ns + NSEC_PER_SEC;
}

static void add_bar(struct buf *out, double done)
{
	int full = done >= 1 ? WIDTH : (int)(done * WIDTH);

	buf_add_char(out, '[');
	for (int i = 0; i < WIDTH; i++)
		buf_add_char(out, i < full ? '#' : ' ');
	buf_printf(out, "] %3.0f %%  ", done * 100);
}

void progress_show(struct progress *p, double done, uint64_t count)
{
	uint64_t now_ns = clock_boot_ns();
	struct buf line = BUF_INIT(256);

	if (!p->is_on || now_ns < p->next_ns)
		return;
	buf_add_cstr(&line, "\r");
	if (done >= 0)
		add_bar(&line, done);
	buf_printf(&line, "%llu events, %.2f million a second\033[K", (unsigned long long)count,
		(double)count * 1e3 / (double)(now_ns - p->started_ns));
	io_write_all(STDERR_FILENO, buf_str(&line));
	buf_done(&line);
	p->is_drawn = true;
	p->next_ns = now_ns + EVERY_NS;
}

void progress_end(struct progress *p)
{
	if (p->is_drawn)
		io_write_all(STDERR_FILENO, STR("\r\033[K"));
	p->is_drawn = false;
}
