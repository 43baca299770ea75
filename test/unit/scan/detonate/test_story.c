/* SPDX-License-Identifier: Apache-2.0 */
/* From the sinkhole's lines to findings and to the story's two forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include "engine/indicator/indicator.h"
#include "scan/detonate/story.h"

static struct arena arena;
static struct story story;
static struct indicators *known;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 64 << 20);
	return story_init(&story, &arena);
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void take(const char *line)
{
	story_sink_line(&story, str_of(line));
}

static struct artifact_report judge(void)
{
	struct artifact_report r = {0};

	assert_int_equal(evidence_add(&story, known, &r), 0);
	return r;
}

static const struct artifact_finding *find(const struct artifact_report *r, const char *check)
{
	for (size_t i = 0; i < r->nfindings; i++)
		if (str_is(r->findings[i].check, check))
			return &r->findings[i];
	return NULL;
}

static bool has_fact(const struct artifact_finding *f, const char *key, const char *value)
{
	return f && str_is(artifact_finding_fact(f, key), value);
}

static void tells_who_is_paid(void **state)
{
	(void)state;
	take("{\"kind\":\"pool\",\"at\":5,\"address\":\"198.18.0.1\",\"port\":3333,"
	     "\"name\":\"pool.invalid\",\"method\":\"mining.subscribe\",\"user\":\"\","
	     "\"agent\":\"m/1\",\"algorithms\":\"\"}");
	take("{\"kind\":\"pool\",\"at\":6,\"address\":\"198.18.0.1\",\"port\":3333,"
	     "\"name\":\"pool.invalid\",\"method\":\"mining.authorize\",\"user\":\"me.worker\","
	     "\"agent\":\"\",\"algorithms\":\"\"}");
	struct artifact_report r = judge();

	assert_int_equal(story.npools, 1);
	assert_true(has_fact(find(&r, "run-wallet"), "wallet", "me.worker"));
	assert_true(has_fact(find(&r, "run-pool"), "pool", "pool.invalid:3333"));
	assert_true(has_fact(find(&r, "run-pool"), "program", "m/1"));
	assert_int_equal(find(&r, "run-pool")->severity, ARTIFACT_CRITICAL);
	assert_int_equal(find(&r, "run-pool")->place, PLACE_RUN);
}

static void counts_what_repeats(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		take("{\"kind\":\"dns\",\"at\":5,\"name\":\"a.invalid\",\"type\":\"A\",\"answer\":"
		     "\"x\"}");
		take("{\"kind\":\"tcp\",\"at\":5,\"address\":\"1.2.3.4\",\"port\":80,\"in\":10,"
		     "\"out\":1,\"first_in\":\"R0VUIC8=\"}");
	}
	assert_int_equal(story.nnames, 1);
	assert_int_equal(story.names[0].count, 3);
	assert_int_equal(story.nconnections, 1);
	assert_int_equal(story.connections[0].in_bytes, 30);
	assert_true(str_is(story.connections[0].what, "GET /"));
	struct artifact_report r = judge();
	assert_int_equal(find(&r, "run-dns")->severity, ARTIFACT_INFO);
}

static void sees_a_scan(void **state)
{
	char line[200];

	(void)state;
	for (int i = 0; i < SCAN_ADDRESSES - 1; i++) {
		snprintf(line, sizeof(line),
			"{\"kind\":\"tcp\",\"at\":5,\"address\":\"10.9.0.%d\",\"port\":22}", i);
		take(line);
	}
	struct artifact_report r = judge();
	assert_null(find(&r, "run-scan"));
	take("{\"kind\":\"tcp\",\"at\":5,\"address\":\"10.9.1.1\",\"port\":22}");
	r = judge();
	assert_non_null(find(&r, "run-scan"));
}

static void keeps_its_limits(void **state)
{
	char line[200];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line),
			"{\"kind\":\"tcp\",\"at\":5,\"address\":\"10.%d.%d.1\",\"port\":%d}",
			i / 250, i % 250, i);
		take(line);
		snprintf(line, sizeof(line), "{\"kind\":\"dns\",\"at\":5,\"name\":\"n%d\"}", i);
		take(line);
		snprintf(line, sizeof(line),
			"{\"kind\":\"http\",\"at\":5,\"method\":\"GET\",\"path\":\"/%d\"}", i);
		take(line);
		snprintf(line, sizeof(line),
			"{\"kind\":\"pool\",\"at\":5,\"user\":\"u%d\",\"port\":1}", i);
		take(line);
	}
	assert_int_equal(story.nconnections + story.connections_left_out, 5000);
	assert_int_equal(story.nnames + story.names_left_out, 5000);
	assert_int_equal(story.nrequests + story.requests_left_out, 5000);
	assert_int_equal(story.npools, POOLS_MAX);
	struct artifact_report r = judge();
	assert_true(r.nfindings <= 500);
}

/* The sinkhole may have been taken over: its lines are a stranger's. */
static void survives_bad_lines(void **state)
{
	static const char *const lines[] = {"", "{", "null", "[]", "7", "{\"kind\":7}",
		"{\"kind\":\"tcp\"}",
		"{\"kind\":\"tcp\",\"at\":-5,\"port\":-1,\"in\":-9,\"first_in\":\"!!!!\"}",
		"{\"kind\":\"tcp\",\"first_in\":\"=\"}",
		"{\"kind\":\"tcp\",\"first_in\":7,\"name\":[]}",
		"{\"kind\":\"pool\",\"user\":{},\"algorithms\":7}",
		"{\"kind\":\"http\",\"path\":null}",
		"{\"kind\":\"dns\",\"name\":\"\\u0000\\u001b[2J\"}",
		"{\"kind\":\"left_out\",\"count\":\"x\"}",
		"{\"kind\":\"tcp\",\"first_in\":\"AAAA\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		take(lines[i]);
	judge();
}

static void writes_json_and_text(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	take("{\"kind\":\"dns\",\"at\":5,\"name\":\"\\u001b[2J.invalid\",\"type\":\"A\"}");
	take("{\"kind\":\"tcp\",\"at\":5,\"address\":\"1.2.3.4\",\"port\":80}");
	const struct detonate_story s = {.ended = "exited",
		.names = story.names,
		.nnames = story.nnames,
		.connections = story.connections,
		.nconnections = story.nconnections,
		.output = STR("a\xff\x1b\n")};

	detonate_story_to_json(&s, &b);
	json_t *j = json_loadb(b.s, b.len, 0, NULL);
	assert_non_null(j);
	assert_int_equal(json_array_size(json_object_get(j, "connections")), 1);
	json_decref(j);
	buf_clear(&b);
	detonate_story_to_text(&s, false, &b);
	assert_true(str_find_char(buf_str(&b), 27) < 0);
	assert_true(str_find(buf_str(&b), STR("1.2.3.4:80")) >= 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_who_is_paid, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_what_repeats, setup, teardown),
		cmocka_unit_test_setup_teardown(sees_a_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_its_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_bad_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_json_and_text, setup, teardown),
	};

	if (indicators_load(NULL, NULL, &known, NULL) < 0)
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	indicators_free(known);
	return r;
}
