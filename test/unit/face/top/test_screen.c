/* SPDX-License-Identifier: Apache-2.0 */
/* What is drawn and what keys do, over an invented capture; no terminal is needed. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "face/top/private.h"

#define SEC 1000000000ULL
enum { EVENTS = 60 };

static int64_t moved = 2048;

/* Three processes that read three files, one of them with a name that would clear a screen. */
struct invented {
	unsigned at, rewinds;
	struct state *state;
	struct process procs[3];
	struct event ev;
};

static const char *const names[] = {"web", "db", "\033[2Jevil"};
static const char *const files[] = {"/srv/index.html", "/var/db/table", "/tmp/\xff\n"};

static int next(void *arg, int timeout_ms, struct field_subject *ret, struct err *e)
{
	struct invented *in = arg;
	unsigned i = in->at % 3;

	if (in->at++ >= EVENTS)
		return -ENODATA;
	in->procs[i] = (struct process){.pid = 100 + i, .comm = str_of(names[i])};
	in->ev = (struct event){
		.num = in->at,
		.ts_ns = 1000 * SEC + in->at * 10000000ULL,
		.enter_ns = 1000 * SEC + in->at * 10000000ULL - 5000,
		.pid = 100 + i,
		.tid = 100 + i,
		.code = EV_READ,
		.def = event_def(EV_READ),
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE},
		.path = {.name = str_of(files[i])},
	};
	in->ev.nparams = in->ev.def->nparams;
	in->ev.params[event_param_index(in->ev.def, STR("res"))] =
		str_make((const char *)&moved, sizeof(moved));
	*ret = (struct field_subject){.ev = &in->ev, .proc = &in->procs[i], .state = in->state};
	return 1;
}

static int rewind_(void *arg, struct err *e)
{
	struct invented *in = arg;

	in->at = 0;
	in->rewinds++;
	return 0;
}

static struct state *state_(void *arg)
{
	return ((struct invented *)arg)->state;
}

static double progress(void *arg)
{
	return (double)((struct invented *)arg)->at / EVENTS;
}

struct fixture {
	struct invented in;
	struct top_feed feed;
	struct session session;
	struct ui ui;
	struct canvas canvas;
	struct buf text;
};

static void read_all(struct fixture *f)
{
	struct err e = {0};

	while (session_pump(&f->session, 50, &e) == 0)
		;
	session_refresh(&f->session, true);
}

static struct fixture *make(const char *view, const char *filter)
{
	static const char *const dirs[] = {"data/views"};
	struct fixture *f = calloc(1, sizeof(*f));
	struct state_options so = {.no_proc = true, .descriptors = true};
	struct top_options o = {
		.view = str_of(view), .filter = str_of(filter), .dirs = dirs, .ndirs = 1};
	struct err e = {0};

	f->in.state = state_new(&so, &e);
	assert_non_null(f->in.state);
	f->feed = (struct top_feed){.next = next,
		.progress = progress,
		.rewind = rewind_,
		.state = state_,
		.arg = &f->in,
		.name = "invented"};
	if (session_open(&f->session, &f->feed, &o, &e) < 0)
		fail_msg("%s", e.msg);
	f->ui.s = &f->session;
	f->text = BUF_INIT(1 << 16);
	assert_int_equal(canvas_init(&f->canvas, 24, 80), 0);
	read_all(f);
	return f;
}

static void drop(struct fixture *f)
{
	session_close(&f->session);
	state_free(f->in.state);
	canvas_done(&f->canvas);
	buf_done(&f->text);
	free(f);
}

static const char *draw(struct fixture *f)
{
	screen_draw(&f->ui, &f->canvas);
	buf_clear(&f->text);
	canvas_format(&f->canvas, &f->text);
	return f->text.s;
}

static void press(struct fixture *f, uint32_t key)
{
	keys_handle(&f->ui, &(struct key_event){.key = key}, f->canvas.columns);
	read_all(f);
}

static void type(struct fixture *f, const char *text)
{
	for (; *text; text++)
		press(f, (unsigned char)*text);
}

static void assert_shows(struct fixture *f, const char *text)
{
	if (!strstr(draw(f), text))
		fail_msg("the screen does not show \"%s\":\n%s", text, f->text.s);
}

static void assert_hides(struct fixture *f, const char *text)
{
	if (strstr(draw(f), text))
		fail_msg("the screen shows \"%s\":\n%s", text, f->text.s);
}

static void test_table(void **state)
{
	struct fixture *f = make("files", "");

	assert_shows(f, "koban top Files of invented");
	assert_shows(f, "60 events");
	assert_shows(f, "/srv/index.html");
	assert_shows(f, "40.0K");
	assert_shows(f, "F10Quit");
	assert_hides(f, "\033");
	assert_int_equal(session_count(&f->session), 3);
	drop(f);
}

static void test_hostile_names(void **state)
{
	struct fixture *f = make("procs", "");

	assert_shows(f, "\xc2\xb7[2Jevil");
	for (const char *p = draw(f); *p; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= 32);
	drop(f);
}

static void test_drill_and_back(void **state)
{
	struct fixture *f = make("files", "");

	press(f, KEY_ENTER_); /* the first file's processes */
	assert_int_equal(f->session.depth, 1);
	assert_int_equal(f->in.rewinds, 1);
	assert_int_equal(session_count(&f->session), 1);
	assert_shows(f, "In FILE ");
	press(f, KEY_ENTER_); /* its threads */
	press(f, KEY_ENTER_); /* their events */
	assert_int_equal(session_view(&f->session)->type, VIEW_LIST);
	assert_int_equal(session_count(&f->session), EVENTS / 3);
	assert_shows(f, "read");
	press(f, KEY_BACK);
	press(f, KEY_BACK);
	press(f, KEY_BACK);
	assert_int_equal(f->session.depth, 0);
	assert_int_equal(session_count(&f->session), 3);
	press(f, KEY_BACK); /* at the top there is nothing above */
	assert_int_equal(f->session.depth, 0);
	drop(f);
}

static void test_filter(void **state)
{
	struct fixture *f = make("files", "");

	press(f, KEY_FN + 4);
	type(f, "proc.nam=web");
	assert_shows(f, "Filter: proc.nam=web");
	press(f, KEY_ENTER_);
	assert_true(f->ui.message_is_error);
	assert_shows(f, "proc.name"); /* did you mean */
	assert_int_equal(f->ui.mode, MODE_FILTER);
	for (int i = 0; i < 4; i++)
		press(f, KEY_BACK);
	type(f, "e = web");
	press(f, KEY_ENTER_);
	assert_int_equal(f->ui.mode, MODE_ROWS);
	assert_int_equal(session_count(&f->session), 1);
	assert_shows(f, "Filter: proc.name = web");
	press(f, 'f');
	press(f, 'U' - 64);
	press(f, KEY_ENTER_);
	assert_int_equal(session_count(&f->session), 3);
	drop(f);
}

static void test_sort_and_search(void **state)
{
	struct fixture *f = make("procs", "");
	struct buf b = BUF_INIT(100);

	/* a header is clicked: PID, and again */
	draw(f);
	keys_handle(&f->ui, &(struct key_event){.key = KEY_CLICK, .x = 1, .y = 2}, 80);
	session_cell(&f->session, 0, 0, &b);
	assert_true(str_is(buf_str(&b), "100"));
	keys_handle(&f->ui, &(struct key_event){.key = KEY_CLICK, .x = 1, .y = 2}, 80);
	buf_clear(&b);
	session_cell(&f->session, 0, 0, &b);
	assert_true(str_is(buf_str(&b), "102"));
	press(f, '/');
	type(f, "DB");
	press(f, KEY_ENTER_);
	assert_int_equal(f->session.levels[0].selected, 1);
	press(f, KEY_END_);
	assert_int_equal(f->session.levels[0].selected, 2);
	press(f, KEY_DOWN_);
	assert_int_equal(f->session.levels[0].selected, 2);
	press(f, 's');
	assert_shows(f, "Sort by");
	press(f, KEY_ESCAPE);
	buf_done(&b);
	drop(f);
}

static void test_views_and_help(void **state)
{
	struct fixture *f = make("procs", "");

	press(f, 'v');
	assert_shows(f, "Views (Enter takes one");
	press(f, KEY_HOME_);
	press(f, KEY_ENTER_);
	assert_string_equal(f->ui.message, "");
	assert_int_equal(f->ui.mode, MODE_ROWS);
	assert_false(session_view(&f->session) == views_find(&f->session.views, STR("procs")));
	press(f, '?');
	assert_shows(f, "Backspace");
	press(f, 'q');
	assert_int_equal(f->ui.mode, MODE_ROWS);
	assert_false(f->ui.quit);
	press(f, 'q');
	assert_true(f->ui.quit);
	drop(f);
}

static void test_spectrogram(void **state)
{
	struct fixture *f = make("spectro_all", "");
	uint64_t sum = 0;

	for (size_t i = 0; i < f->session.nslices; i++)
		for (size_t k = 0; k < LATENCY_BUCKETS; k++)
			sum += f->session.slices[i].count[k];
	assert_int_equal(sum, EVENTS); /* merging loses nothing */
	assert_true(f->session.nslices <= SLICES_MAX);
	assert_shows(f, "|1ms");
	assert_shows(f, "a line is");
	drop(f);
}

/* Every view, every size, every mode: nothing is written outside the canvas (ASan watches). */
static void test_sizes(void **state)
{
	static const int sizes[][2] = {{24, 80}, {1, 1}, {2, 3}, {3, 10}, {4, 20}, {60, 300}};
	struct fixture *f = make("procs", "");
	size_t n = f->session.views.n;

	for (size_t v = 0; v < n; v++) {
		struct err e = {0};

		assert_int_equal(session_show(&f->session, &f->session.views.v[v], &e), 0);
		read_all(f);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			canvas_done(&f->canvas);
			canvas_init(&f->canvas, sizes[i][0], sizes[i][1]);
			for (int mode = MODE_ROWS; mode <= MODE_HELP; mode++) {
				f->ui.mode = mode;
				screen_draw(&f->ui, &f->canvas);
			}
			f->ui.mode = MODE_ROWS;
		}
	}
	drop(f);
}

static void test_print(void **state)
{
	struct fixture *f = make("syscalls", "proc.name = web");

	session_print(&f->session, false, &f->text);
	assert_non_null(strstr(f->text.s, "CALL"));
	assert_non_null(strstr(f->text.s, "read"));
	buf_clear(&f->text);
	session_print(&f->session, true, &f->text);
	assert_non_null(strstr(f->text.s, "{\"CALL\":\"read\",\"CALLS\":20,"));
	drop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_drill_and_back),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_sort_and_search),
		cmocka_unit_test(test_views_and_help),
		cmocka_unit_test(test_spectrogram),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_print),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
