/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real captures: each is read to its end without a complaint, and where Debian's sysdig is
 * installed, every event that it shows is the same event here: number, thread, type, direction.
 * What sysdig does not show is of kinds that it never shows. The counts are printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "source/capture/capture.h"

enum { FILES_MAX = 100, EVENTS_MAX = 100000 };

struct seen {
	uint32_t tid;
	uint16_t code;
	bool is_shown; /* by sysdig */
};

static char dir[400];
static struct arena arena;
static struct event ev;
static struct seen *seen; /* by number */

static int set_up(void **state)
{
	const char *shared = getenv("KOBAN_SHARED");

	snprintf(dir, sizeof(dir), "%s/corpora/scap", shared ? shared : "../shared");
	arena_init(&arena, 8 << 20);
	seen = calloc(EVENTS_MAX, sizeof(*seen));
	return seen ? 0 : -1;
}

static int tear_down(void **state)
{
	arena_done(&arena);
	free(seen);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list_files(char **names)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d)) && n < FILES_MAX;)
		if (str_ends(str_of(de->d_name), STR(".scap")))
			names[n++] = strdup(de->d_name);
	closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	return n;
}

static struct capture_info read_all(const char *path, bool raw)
{
	struct capture_options o = {.raw = raw};
	struct err e = {0};
	struct capture *c = NULL;
	int r = capture_open(path, &o, &c, &e);

	if (r < 0)
		fail_msg("%s", e.msg);
	while ((r = capture_next(c, &arena, &ev, &e)) > 0) {
		arena_reset(&arena);
		assert_true(ev.num < EVENTS_MAX);
		if (raw)
			seen[ev.num] = (struct seen){ev.tid, ev.code, false};
	}
	if (r < 0)
		fail_msg("%s", e.msg);
	struct capture_info i = *capture_info(c);
	capture_close(c);
	return i;
}

static void check_counts(const char *path, const struct capture_info *i)
{
	assert_int_equal(i->bad_entries, 0);
	assert_int_equal(i->unknown_blocks, 0);
	assert_int_equal(i->unknown_events, 0);
	assert_int_equal(i->offset_bytes, i->size_bytes);
	assert_true(i->has_machine && i->threads > 0 && i->descriptors > 0);
	assert_true(i->first_ns <= i->last_ns);
	/* every event is given, completed another or waits for its exit in vain */
	assert_int_equal(i->events, i->given + i->joined + i->lone_enters);
}

static void every_file_is_read(void **state)
{
	char *names[FILES_MAX], path[800];
	size_t n = list_files(names);

	if (!n) {
		print_message("skipped: needs ../shared/corpora/scap\n");
		skip();
	}
	for (size_t k = 0; k < n; k++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[k]);
		struct capture_info i = read_all(path, false);
		print_message("# %s: %llu events, %llu given, %llu joined, %llu lone, %llu "
			      "threads, %llu descriptors\n",
			names[k], (unsigned long long)i.events, (unsigned long long)i.given,
			(unsigned long long)i.joined, (unsigned long long)i.lone_enters,
			(unsigned long long)i.threads, (unsigned long long)i.descriptors);
		check_counts(path, &i);
		free(names[k]);
	}
}

/* What sysdig uses for its own state and prints only when asked for "internal" events. */
static bool is_hidden(uint16_t code)
{
	return code == EV_PROCINFO || code == EV_SCAPEVENT || code == EV_CONTAINER ||
	       code == 272 /* container, old */ || (code >= EV_USERADDED && code <= 361);
}

/* "184 31699 socket >" */
static void compare_line(const char *file, char *line)
{
	char *rest = line, *num = strsep(&rest, " "), *tid = strsep(&rest, " "),
	     *type = strsep(&rest, " ");
	uint64_t n;

	if (!rest || !str_to_u64(str_of(num), 10, &n) || n >= EVENTS_MAX)
		fail_msg("%s: sysdig says \"%s\"", file, line);
	struct seen *s = &seen[n];
	const struct event_def *def = event_def(s->code);
	s->is_shown = true;
	/* events 0 and 1 stand for many calls and have a thread -1 as 0 */
	if (s->code > 1 && strcmp(def->name, type) != 0)
		fail_msg("%s: event %s is %s, for sysdig %s", file, num, def->name, type);
	if (strcmp(tid, "<NA>") != 0 && strcmp(tid, "-1") != 0 && strtoul(tid, NULL, 10) != s->tid)
		fail_msg("%s: event %s is of thread %u, for sysdig %s", file, num, s->tid, tid);
	if ((rest[0] == '<') != (s->code % 2 == 1))
		fail_msg("%s: event %s has the wrong direction", file, num);
}

static size_t compare(const char *path, const char *file)
{
	char cmd[1200], line[200];
	size_t n = 0;

	snprintf(cmd, sizeof(cmd),
		"sysdig -r '%s' -p '%%evt.num %%thread.tid %%evt.type %%evt.dir' 2>/dev/null",
		path);
	FILE *p = popen(cmd, "r");
	assert_non_null(p);
	for (; fgets(line, sizeof(line), p); n++) {
		line[strcspn(line, "\n")] = 0;
		compare_line(file, line);
	}
	pclose(p);
	return n;
}

static void same_events_as_sysdig(void **state)
{
	char *names[FILES_MAX], path[800];
	size_t n = list_files(names);

	if (!n || access("/usr/bin/sysdig", X_OK) < 0) {
		print_message("skipped: needs %s\n", n ? "sysdig" : "../shared/corpora/scap");
		skip();
	}
	for (size_t k = 0; k < n; k++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[k]);
		struct capture_info i = read_all(path, true);
		uint64_t last = i.events - i.initial_events, hidden = 0;
		size_t shown = compare(path, names[k]);
		/* the one that it cannot open: it does not skip pcapng options */
		bool is_refused =
			shown == 0 && str_is(str_of(names[k]), "curl_google_comments.scap");
		for (uint64_t num = 1; num <= last; num++) {
			hidden += !seen[num].is_shown;
			if (!is_refused && !seen[num].is_shown && !is_hidden(seen[num].code))
				fail_msg("%s: sysdig does not show event %llu, %s", names[k],
					(unsigned long long)num, event_def(seen[num].code)->name);
		}
		print_message("# %s: %zu shown by sysdig, %llu hidden, %llu initial\n", names[k],
			shown, (unsigned long long)hidden, (unsigned long long)i.initial_events);
		free(names[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_read),
		cmocka_unit_test(same_events_as_sysdig),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
