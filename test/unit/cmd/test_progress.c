/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar: when it is drawn, what it says, and that it goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pty.h>

#include "base/clock.h"
#include "cmd/progress.h"
#include "said.h"

/* Standard error is a terminal, or a file; what was written to it is in `text` afterwards. */
struct screen {
	int saved, master, fd;
	char text[4096];
};

static struct screen screen_open(bool is_tty)
{
	struct screen s = {.saved = dup(STDERR_FILENO), .master = -1};

	fflush(stderr);
	if (is_tty) {
		assert_int_equal(openpty(&s.master, &s.fd, NULL, NULL, NULL), 0);
	} else {
		FILE *f = tmpfile();

		s.fd = dup(fileno(f));
		fclose(f);
	}
	dup2(s.fd, STDERR_FILENO);
	return s;
}

static void screen_close(struct screen *s)
{
	int from = s->master < 0 ? s->fd : s->master;
	size_t len = 0;

	fflush(stderr);
	dup2(s->saved, STDERR_FILENO);
	close(s->saved);
	if (s->master < 0)
		lseek(s->fd, 0, SEEK_SET);
	else
		close(s->fd);
	/* what was written to a terminal comes in parts, and ends with EIO when its last writer
	 * went */
	for (ssize_t n; (n = read(from, s->text + len, sizeof(s->text) - 1 - len)) > 0;)
		len += (size_t)n;
	s->text[len] = 0;
	close(from);
}

static bool is_ever_due(struct progress *p)
{
	for (int i = 0; i < 10000; i++)
		if (progress_is_due(p))
			return true;
	return false;
}

static void nobody_looks(void **state)
{
	struct screen s = screen_open(false);
	struct progress p;

	progress_start(&p, true, false); /* wanted, but no terminal */
	p.next_ns = 0;
	assert_false(is_ever_due(&p));
	progress_hide(&p);
	screen_close(&s);
	assert_string_equal(s.text, "");
}

static void in_the_second_second(void **state)
{
	struct screen s = screen_open(false);
	struct progress p;

	progress_start(&p, false, true);
	p.next_ns = clock_boot_ns() + NSEC_PER_SEC * 1000;
	assert_false(is_ever_due(&p));
	p.next_ns = 0;
	assert_true(is_ever_due(&p));
	assert_true(p.next_ns > 0); /* and then not at once again */
	screen_close(&s);
}

static void percents_for_a_program(void **state)
{
	struct screen s = screen_open(false);
	struct progress p;

	progress_start(&p, false, true);
	progress_draw(&p, 0.25, 10);
	progress_draw(&p, -1, 20); /* unknown: nothing to say */
	progress_draw(&p, 0.5, 30);
	progress_hide(&p);
	progress_hide(&p);
	screen_close(&s);
	assert_string_equal(s.text, "\r25.00\r50.00\n");
}

static void bar_on_a_terminal(void **state)
{
	struct screen s = screen_open(true);
	struct progress p;

	progress_start(&p, true, false);
	assert_true(p.is_on);
	p.started_ns = clock_boot_ns() - 2 * NSEC_PER_SEC;
	progress_draw(&p, 0.5, 4000000);
	progress_draw(&p, 7, 4000000); /* a file that grew meanwhile */
	progress_draw(&p, -1, 4000000);
	progress_hide(&p);
	screen_close(&s);
	assert_non_null(strstr(s.text, "[███████████████···············]  50 %"));
	assert_non_null(strstr(s.text, "] 100 %"));
	assert_non_null(strstr(s.text, "4.0 M events"));
	assert_string_equal(s.text + strlen(s.text) - 4, "\r\033[K"); /* it takes itself away */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_looks),
		cmocka_unit_test(in_the_second_second),
		cmocka_unit_test(percents_for_a_program),
		cmocka_unit_test(bar_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
