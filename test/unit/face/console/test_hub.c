/* SPDX-License-Identifier: Apache-2.0 */
/* The hub without a network: places, what is kept, what a listener reads, who may not listen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "face/console/hub.h"
#include "face/console/private.h"

static struct connections *connections;

static struct hub *make(void)
{
	struct hub *h;
	struct err e = {0};

	assert_int_equal(hub_new(connections, &h, &e), 0);
	return h;
}

/* What it has to say now; there has to be something, as it would go to sleep on a connection. */
static size_t read_some(struct listener *l, char *out, size_t size)
{
	ssize_t n = listener_read(l, 0, out, size - 1);

	assert_true(n > 0);
	out[n] = 0;
	return (size_t)n;
}

static struct hub_place place_in(const char *text)
{
	struct hub_place p;
	const char *id = strstr(text, "id: ");

	assert_non_null(id);
	assert_true(hub_parse_place(str_make(id + 4, strcspn(id + 4, "\n")), &p));
	return p;
}

static void test_places(void **state)
{
	struct hub_place p;
	static const char *const bad[] = {
		"", "1", "1-2", "1-2-3-4", "x-1-1", "1--1", "-1-1-1", "11111111111111111-1-1"};

	assert_true(hub_parse_place(STR("a-ff-10"), &p));
	assert_true(p.run == 10 && p.sequence == 255 && p.time_ns == 16);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(hub_parse_place(str_of(bad[i]), &p));
}

static void test_resume(void **state)
{
	struct hub *h = make();
	struct listener *l = hub_listen(h, "ann", "s", NULL, NULL, NULL);
	char text[4096];

	hub_publish(h, "finding", STR("{\"n\":1}"), true, 7);
	hub_publish(h, "metrics", STR("{}"), false, 0);
	read_some(l, text, sizeof(text));
	assert_non_null(strstr(text, "event: finding\ndata: {\"n\":1}\n\n"));
	assert_non_null(strstr(text, "event: metrics\ndata: {}\n\n"));
	struct hub_place at = place_in(text);
	assert_true(at.time_ns == 7 && hub_has(h, &at));
	listener_free(l);
	/* away: two findings, and something that is not worth keeping */
	hub_publish(h, "finding", STR("{\"n\":2}"), true, 8);
	hub_publish(h, "metrics", STR("{}"), false, 0);
	hub_publish(h, "finding", STR("{\"n\":3}"), true, 9);
	l = hub_listen(h, "ann", "s", &at, NULL, NULL);
	read_some(l, text, sizeof(text));
	assert_null(strstr(text, "\"n\":1"));
	assert_non_null(strstr(text, "\"n\":2"));
	assert_non_null(strstr(text, "\"n\":3"));
	assert_null(strstr(text, "metrics"));
	/* a place of another run, or one that never was */
	struct hub_place other = {at.run + 1, at.sequence, 7}, future = {at.run, 99, 7};
	assert_false(hub_has(h, &other) || hub_has(h, &future));
	for (int i = 0; i < HUB_KEPT; i++)
		hub_publish(h, "finding", STR("{}"), true, 10);
	assert_false(hub_has(h, &at));
	listener_free(l);
	hub_free(h);
}

static void test_pieces(void **state)
{
	struct hub *h = make();
	struct listener *l = hub_listen(h, "ann", "s", NULL, NULL, NULL);
	char whole[512] = "", part[8];

	listener_add(l, STR("retry: 1\n\n"));
	hub_publish(h, "finding", STR("{\"n\":12345678}"), true, 7);
	while (!strstr(whole, "78}\n\n")) {
		read_some(l, part, sizeof(part));
		strcat(whole, part);
	}
	assert_true(str_starts(str_of(whole), STR("retry: 1\n\nid: ")));
	listener_free(l);
	hub_free(h);
}

static void test_slow(void **state)
{
	struct hub *h = make();
	struct listener *l = hub_listen(h, "ann", "s", NULL, NULL, NULL);
	char text[256];
	ssize_t n;

	for (int i = 0; i <= HUB_QUEUE_MAX; i++)
		hub_publish(h, "finding", STR("{}"), true, 7);
	assert_int_equal(hub_counts(h).slow, 1);
	/* it gets what fitted, then the end */
	while ((n = listener_read(l, 0, text, sizeof(text))) > 0)
		;
	assert_int_equal(n, MHD_CONTENT_READER_END_OF_STREAM);
	listener_free(l);
	hub_free(h);
}

static void test_ends(void **state)
{
	struct hub *h = make();
	struct listener *first = hub_listen(h, "ann", "one", NULL, NULL, NULL),
			*l[STREAMS_PER_USER];
	struct listener *bob = hub_listen(h, "bob", "two", NULL, NULL, NULL);
	char text[64];

	for (int i = 0; i < STREAMS_PER_USER; i++)
		l[i] = hub_listen(h, "ann", "three", NULL, NULL, NULL);
	/* the oldest of that user made room */
	assert_int_equal(
		listener_read(first, 0, text, sizeof(text)), MHD_CONTENT_READER_END_OF_STREAM);
	hub_publish(h, "ping", STR("{}"), false, 0);
	assert_true(listener_read(bob, 0, text, sizeof(text)) > 0);
	hub_end(h, NULL, "two");
	assert_int_equal(
		listener_read(bob, 0, text, sizeof(text)), MHD_CONTENT_READER_END_OF_STREAM);
	hub_end(h, "ann", NULL);
	for (int i = 0; i < STREAMS_PER_USER; i++) {
		while (listener_read(l[i], 0, text, sizeof(text)) > 0)
			;
		listener_free(l[i]);
	}
	listener_free(first);
	listener_free(bob);
	assert_int_equal(hub_counts(h).listeners, 0);
	hub_close(h);
	assert_null(hub_listen(h, "ann", "one", NULL, NULL, NULL));
	hub_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_ends),
	};

	if (connections_new(&connections) < 0)
		return 1;
	int failed = cmocka_run_group_tests_name("hub", tests, NULL, NULL);
	connections_free(connections);
	return failed;
}
