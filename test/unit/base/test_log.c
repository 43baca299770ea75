/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on stderr: levels, length, colour, and what a hostile name in them cannot do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static char said[8192];

/* stderr goes into a pipe while f runs. */
static void listen_to(void (*f)(void))
{
	int fds[2], real = dup(STDERR_FILENO);

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fflush(stderr);
	dup2(fds[1], STDERR_FILENO);
	f();
	dup2(real, STDERR_FILENO);
	close(real);
	close(fds[1]);
	ssize_t n = read(fds[0], said, sizeof(said) - 1);
	close(fds[0]);
	said[n > 0 ? n : 0] = 0;
}

static void say_all(void)
{
	log_error("one %d", 1);
	log_warn("two");
	log_info("three");
	log_debug("four");
}

static void levels(void **state)
{
	listen_to(say_all);
	assert_string_equal(said, "koban: error: one 1\nkoban: warning: two\nkoban: three\n");
	log_set_level(LOG_LEVEL_ERROR);
	listen_to(say_all);
	assert_string_equal(said, "koban: error: one 1\n");
	log_set_level(LOG_LEVEL_DEBUG);
	listen_to(say_all);
	assert_non_null(strstr(said, "koban: debug: four\n"));
	log_set_level(LOG_LEVEL_INFO);
}

static size_t length;

static void say_something_long(void)
{
	log_warn("%0*d", (int)length, 7);
}

static void a_long_line_is_cut_and_ends(void **state)
{
	size_t head = strlen("koban: warning: ");

	for (length = 2000; length < 2100; length++) {
		listen_to(say_something_long);
		size_t n = strlen(said), whole = head + length + 1;

		assert_int_equal(n, whole < 2047 ? whole : 2047);
		assert_int_equal(said[n - 1], '\n');
		assert_ptr_equal(strchr(said, '\n'), said + n - 1);
		assert_int_equal(said[n - 2], whole <= 2047 ? '7' : '0');
	}
}

static void say_what_is_hostile(void)
{
	log_warn("%s: cannot open", "/tmp/a\nkoban: all is well\r\033[2J\x07\x7f\tb\xc2\x9b"
				    "31m");
}

/* A file's name begins no line of its own and does not speak to the terminal. */
static void a_name_cannot_forge_a_line(void **state)
{
	listen_to(say_what_is_hostile);
	assert_string_equal(
		said, "koban: warning: /tmp/a?koban: all is well??[2J??\tb??31m: cannot open\n");
}

static void say_where(void)
{
	log_error("-f:1:3: no field 'x'\n  a=x\n    ^\n");
}

/* Our own second line, which shows the place. */
static void a_place_may_be_shown_below(void **state)
{
	listen_to(say_where);
	assert_string_equal(said, "koban: error: -f:1:3: no field 'x'\n  a=x\n    ^?\n");
}

static void say_something_foreign(void)
{
	log_info("/srv/\xe4\xba\xa4\xe7\x95\xaa/\xc3\xa4");
}

static void other_scripts_stay(void **state)
{
	listen_to(say_something_foreign);
	assert_string_equal(said, "koban: /srv/\xe4\xba\xa4\xe7\x95\xaa/\xc3\xa4\n");
}

static void no_colour_into_a_pipe(void **state)
{
	listen_to(say_all);
	assert_null(strchr(said, '\033'));
}

/* On a terminal errors are red, unless NO_COLOR asks otherwise. */
static void colour_on_a_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) {
		print_message("# skipped: needs a pseudo-terminal\n");
		skip();
	}
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	int real = dup(STDERR_FILENO);
	assert_true(slave >= 0);
	for (int no_color = 0; no_color < 2; no_color++) {
		char text[200] = {0};

		if (no_color)
			setenv("NO_COLOR", "1", 1);
		else
			unsetenv("NO_COLOR");
		dup2(slave, STDERR_FILENO);
		int is_colour = log_is_colour();
		log_error("x");
		dup2(real, STDERR_FILENO);
		assert_true(read(master, text, sizeof(text) - 1) > 0);
		assert_int_equal(is_colour, !no_color);
		assert_int_equal(strchr(text, '\033') != NULL, !no_color);
	}
	close(real);
	close(slave);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(a_long_line_is_cut_and_ends),
		cmocka_unit_test(a_name_cannot_forge_a_line),
		cmocka_unit_test(a_place_may_be_shown_below),
		cmocka_unit_test(other_scripts_stay),
		cmocka_unit_test(no_colour_into_a_pipe),
		cmocka_unit_test(colour_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
