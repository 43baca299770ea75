/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way in: stored, known, refused, cleaned; what comes back is what was put. */
#include "common.h"

static void what_was_put_comes_back(void **state)
{
	struct fixture *f = *state;
	struct store_detail d;
	struct err e = {0};

	put_findings(f, {.id = "a1",
				.rule = "Read shadow",
				.priority = "Critical",
				.at_s = 1.5,
				.output = "shadow was read",
				.tags = "\"T1003\",\"host\"",
				.fingerprint = "00ff00ff00ff00ff",
				.count = 3,
				.process = "cat",
				.exe = "/bin/cat",
				.cmdline = "cat /etc/shadow",
				.user = "mallory",
				.uid = 1001,
				.file = "/etc/shadow",
				.container = "0123456789ab",
				.pod = "web-1",
				.ns = "shop",
				.fields = "\"proc.tty\":34816"});
	assert_ok(&e, store_finding_get(f->s, STR("a1"), &f->a, &d, &e));
	assert_str(d.finding.id, "a1");
	assert_str(d.finding.rule, "Read shadow");
	assert_int_equal(d.finding.priority, PRIORITY_CRITICAL);
	assert_true(d.finding.time_ns == T0_NS + 1500000000);
	assert_int_equal(d.finding.count, 3);
	assert_int_equal(d.finding.ntags, 2);
	assert_str(d.finding.tags[0], "T1003");
	assert_str(d.finding.fingerprint, "00ff00ff00ff00ff");
	assert_str(d.finding.container_id, "0123456789ab");
	assert_str(d.finding.image, "docker.io/library/nginx:1.25");
	assert_str(d.finding.pod, "web-1");
	assert_str(d.finding.namespace_name, "shop");
	assert_str(d.finding.process, "cat");
	assert_str(d.finding.user, "mallory");
	assert_str(d.finding.file, "/etc/shadow");
	assert_str(d.finding.event, "openat");
	assert_int_equal(d.finding.state, STORE_OPEN);
	assert_str(d.finding.assignee, "");
	json_t *record = json_loadb(d.record.s, d.record.len, 0, NULL);
	assert_non_null(record);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(record, "fields"), "proc.tty")),
		34816);
	json_decref(record);
	assert_int_equal(store_finding_get(f->s, STR("nope"), &f->a, &d, &e), -ENOENT);
}

static void the_same_id_is_known(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT(1 << 20);
	struct store_counts c;
	struct err e = {0};

	build_finding(&b, &(struct spec){.id = "x", .count = 1});
	assert_int_equal(put_line(f, b.s), STORE_STORED);
	assert_int_equal(put_line(f, b.s), STORE_KNOWN);
	buf_clear(&b);
	build_finding(&b, &(struct spec){.id = "x", .count = 7});
	assert_int_equal(put_line(f, b.s), STORE_KNOWN);
	buf_done(&b);
	assert_ok(&e, store_counts(f->s, &c, &e));
	assert_int_equal(c.findings, 1);
	struct store_detail d;
	assert_ok(&e, store_finding_get(f->s, STR("x"), &f->a, &d, &e));
	assert_int_equal(d.finding.count, 7); /* a summary of repeats */
	assert_ok(&e, store_check(f->s, &e));
}

static void a_batch_tells_of_each(void **state)
{
	struct fixture *f = *state;
	struct store_put_result r[5];
	struct buf b = BUF_INIT(1 << 20), c = BUF_INIT(1 << 20);
	struct err e = {0};

	build_finding(&b, &(struct spec){.id = "one"});
	build_finding(&c, &(struct spec){.id = "two", .at_s = 2});
	struct str lines[5] = {buf_str(&b), STR("not json"), buf_str(&b), buf_str(&c),
		STR("{\"v\":1,\"type\":\"weather\"}\n")};
	assert_ok(&e, store_put(f->s, lines, 5, r, &e));
	assert_int_equal(r[0].code, STORE_STORED);
	assert_int_equal(r[1].code, STORE_REFUSED);
	assert_non_null(strstr(r[1].reason, "JSON"));
	assert_int_equal(r[2].code, STORE_KNOWN);
	assert_int_equal(r[3].code, STORE_STORED);
	assert_int_equal(r[4].code, STORE_REFUSED);
	assert_non_null(strstr(r[4].reason, "unknown type 'weather'"));
	assert_string_equal(find_ids(f, .limit = 10), "two one");
	buf_done(&b);
	buf_done(&c);
}

static void a_batch_is_used_again(void **state)
{
	struct fixture *f = *state;
	struct store_batch *batch = store_batch_new(f->s);
	struct store_put_result r[2];
	struct buf b = BUF_INIT(1 << 20), c = BUF_INIT(1 << 20);
	struct err e = {0};

	build_finding(&b, &(struct spec){.id = "one"});
	build_finding(&c, &(struct spec){.id = "two", .at_s = 2});
	struct str first[2] = {buf_str(&b), STR("not json")}, second[1] = {buf_str(&c)};
	assert_non_null(batch);
	assert_ok(&e, store_batch_put(batch, &e)); /* nothing was read */
	assert_ok(&e, store_batch_read(batch, first, 2, r, &e));
	assert_string_equal(find_ids(f, .limit = 5), "");
	assert_ok(&e, store_batch_put(batch, &e));
	assert_int_equal(r[0].code, STORE_STORED);
	assert_int_equal(r[1].code, STORE_REFUSED);
	assert_ok(&e, store_batch_put(batch, &e));
	assert_int_equal(r[0].code, STORE_KNOWN);
	assert_int_equal(r[1].code, STORE_REFUSED);
	assert_ok(&e, store_batch_read(batch, second, 1, r, &e));
	assert_ok(&e, store_batch_put(batch, &e));
	assert_int_equal(r[0].code, STORE_STORED);
	assert_string_equal(find_ids(f, .limit = 5), "two one");
	assert_int_equal(store_batch_read(batch, first, STORE_BATCH_MAX + 1, r, &e), -EINVAL);
	assert_ok(&e, store_batch_put(batch, &e)); /* it holds nothing */
	assert_ok(&e, store_check(f->s, &e));
	store_batch_free(batch);
	store_batch_free(NULL);
	buf_done(&b);
	buf_done(&c);
}

static void what_is_refused_says_why(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *line, *reason;
	} rows[] = {
		{"", "no JSON"},
		{"[]", "no JSON object"},
		{"{\"v\":2,\"type\":\"finding\"}", "version 1"},
		{"{\"v\":1,\"type\":\"finding\"}", "\"id\""},
		{"{\"v\":1,\"type\":\"finding\",\"id\":\"a b\"}", "\"id\""},
		{"{\"v\":1,\"type\":\"finding\",\"id\":\"a\"}", "time_ns"},
		{"{\"v\":1,\"type\":\"finding\",\"id\":\"a\",\"time_ns\":-5}", "time_ns"},
		{"{\"v\":1,\"type\":\"finding\",\"id\":\"a\",\"time_ns\":1e30}", "time_ns"},
		{"{\"v\":1,\"type\":\"finding\",\"id\":\"a\",\"time_ns\":5000}", "\"rule\""},
		{"{\"v\":1,\"type\":\"finding\",\"id\":\"a\",\"time_ns\":5000,\"rule\":\"r\","
		 "\"priority\":\"Bad\\u001b[31m\"}",
			"unknown priority 'Bad?[31m'"},
		{"{\"v\":1,\"type\":\"finding\",\"id\":\"a\",\"time_ns\":5000,\"rule\":\"r\","
		 "\"priority\":\"Error\",\"fingerprint\":\"xyz\"}",
			"fingerprint"},
		{"{\"v\":1,\"type\":\"around\",\"finding\":\"a\"}", "events"},
		{"{\"v\":1,\"type\":\"inventory\",\"time_ns\":5000}", "hostname"},
		{"{\"v\":1,\"type\":\"metrics\",\"time_ns\":5000}", "values"},
		{"{\"v\":1,\"type\":\"scan\",\"id\":\"s\",\"time_ns\":5000,\"entities\":[{}]}",
			"entity"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct store_put_result r;
		struct str line = str_of(rows[i].line);
		struct err e = {0};

		assert_ok(&e, store_put(f->s, &line, 1, &r, &e));
		assert_int_equal(r.code, STORE_REFUSED);
		if (!strstr(r.reason, rows[i].reason))
			fail_msg("'%s' does not say '%s'", r.reason, rows[i].reason);
	}
}

static struct store_put_result put_raw(struct fixture *f, struct str line)
{
	struct store_put_result r;
	struct err e = {0};

	assert_ok(&e, store_put(f->s, &line, 1, &r, &e));
	return r;
}

#define HEAD                                                                                       \
	"{\"v\":1,\"type\":\"finding\",\"time_ns\":1800000000000000000,\"rule\":\"r\","            \
	"\"priority\":\"Error\","

static void hostile_text_is_made_harmless(void **state)
{
	struct fixture *f = *state;
	static const char bytes[] =
		HEAD "\"id\":\"h1\",\"output\":\"bad \xff\xfe, nul \\u0000 \0, lone \\ud800 end\","
		     "\"processes\":[{\"name\":\"\xc3\x28\",\"cmdline\":\"\\ud83d\\ude00\"}]}";
	struct store_detail d;
	struct err e = {0};

	assert_int_equal(put_raw(f, str_make(bytes, sizeof(bytes) - 1)).code, STORE_STORED);
	assert_ok(&e, store_finding_get(f->s, STR("h1"), &f->a, &d, &e));
	assert_str(d.finding.output, "bad \xef\xbf\xbd\xef\xbf\xbd, nul \xef\xbf\xbd \xef\xbf\xbd, "
				     "lone \xef\xbf\xbd end");
	assert_str(d.finding.process, "\xef\xbf\xbd(");
	assert_str(d.finding.cmdline, "\xf0\x9f\x98\x80");
}

static void huge_numbers_are_kept_as_text(void **state)
{
	struct fixture *f = *state;
	struct store_detail d;
	struct err e = {0};

	assert_int_equal(put_raw(f, STR(HEAD "\"id\":\"h2\",\"fields\":{\"a\":18446744073709551615,"
					     "\"b\":1e999,\"c\":123,\"d\":-1.5e3}}"))
				 .code,
		STORE_STORED);
	assert_ok(&e, store_finding_get(f->s, STR("h2"), &f->a, &d, &e));
	assert_non_null(strstr(d.record.s, "\"a\":\"18446744073709551615\""));
	assert_non_null(strstr(d.record.s, "\"b\":\"1e999\""));
	assert_non_null(strstr(d.record.s, "\"d\":-1.5e3"));
}

static void depth_and_size_have_limits(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT(4 << 20);

	buf_add_cstr(&b, HEAD "\"id\":\"deep\",\"x\":");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&b, '[');
	assert_non_null(strstr(put_raw(f, buf_str(&b)).reason, "nested deeper"));
	buf_clear(&b);
	buf_add_cstr(&b, HEAD "\"id\":\"long\",\"x\":\"");
	while (b.len < STORE_RECORD_MAX)
		buf_add_cstr(&b, "xxxxxxxxxxxxxxxx");
	buf_add_cstr(&b, "\"}");
	assert_non_null(strstr(put_raw(f, buf_str(&b)).reason, "longer than"));
	/* a long text in a column is cut, the record keeps it */
	buf_clear(&b);
	buf_add_cstr(&b, HEAD "\"id\":\"cut\",\"output\":\"");
	for (int i = 0; i < 4000; i++)
		buf_add_cstr(&b, "\xe2\x82\xac");
	buf_add_cstr(&b, "\"}");
	assert_int_equal(put_raw(f, buf_str(&b)).code, STORE_STORED);
	struct store_detail d;
	struct err e = {0};
	assert_ok(&e, store_finding_get(f->s, STR("cut"), &f->a, &d, &e));
	assert_int_equal(d.finding.output.len, 4095); /* 1365 whole characters */
	assert_true(d.record.len > 12000);
	buf_done(&b);
}

static void the_same_moment_has_room(void **state)
{
	struct fixture *f = *state;
	struct str lines[300];
	struct store_put_result r[300];
	struct store_page p;
	struct err e = {0};

	for (int i = 0; i < 300; i++) {
		struct buf b = BUF_INIT(1 << 20);
		char id[20];

		snprintf(id, sizeof(id), "m%d", i);
		build_finding(&b, &(struct spec){.id = id, .at_s = 5});
		lines[i] = arena_str(&f->a, buf_str(&b));
		buf_done(&b);
	}
	assert_ok(&e, store_put(f->s, lines, 300, r, &e));
	for (int i = 0; i < 300; i++)
		assert_int_equal(r[i].code, STORE_STORED);
	struct store_query q = {.limit = 1000,
		.from_ns = T0_NS + 5 * SEC,
		.to_ns = T0_NS + 5 * SEC + 1,
		.want_total = true};
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_int_equal(p.n, 300);
	assert_int_equal(p.total, 300);
	assert_ok(&e, store_check(f->s, &e));
}

static unsigned told_findings, told_others;
static char told_id[100];

static void on_put(const struct store_put_event *ev, void *arg)
{
	if (ev->finding) {
		told_findings++;
		snprintf(told_id, sizeof(told_id), "%.*s", STR_ARG(ev->finding->id));
	} else {
		told_others++;
	}
	assert_ptr_equal(arg, &told_id);
}

static void listeners_hear_what_is_new(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT(1 << 20);

	store_close(f->s);
	f->options.on_put = on_put;
	f->options.on_put_arg = &told_id;
	open_store(f);
	told_findings = told_others = 0;
	build_finding(&b, &(struct spec){.id = "heard"});
	put_line(f, b.s);
	put_line(f, b.s);
	put_line(f, "{\"v\":1,\"type\":\"metrics\",\"time_ns\":1800000000000000000,\"values\":{}}");
	put_line(f, "rubbish");
	assert_int_equal(told_findings, 1);
	assert_int_equal(told_others, 1);
	assert_string_equal(told_id, "heard");
	buf_done(&b);
}

static void it_is_there_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct arena a;
	struct store_stats st;
	struct err e = {0};

	put_findings(f, {.id = "before"});
	store_close(f->s);
	open_store(f);
	put_findings(f, {.id = "after", .at_s = 1});
	assert_string_equal(find_ids(f, .limit = 5), "after before");
	arena_init(&a, 0);
	assert_ok(&e, store_stats(f->s, &a, &st, &e));
	assert_int_equal(st.findings, 2);
	assert_false(st.was_unclean);
	assert_string_equal(st.engine, f->engine);
	assert_true(st.size_bytes > 0);
	arena_done(&a);
}

static void one_koban_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct store *second = NULL;
	struct err e = {0};

	assert_int_equal(store_open(&f->options, &second, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "another koban"));
	struct store_options o = f->options;
	o.read_only = true;
	assert_ok(&e, store_open(&o, &second, &e));
	struct store_put_result r;
	struct str line = STR("{}");
	assert_int_equal(store_put(second, &line, 1, &r, &e), -EROFS);
	store_close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_put_comes_back),
		TEST(the_same_id_is_known),
		TEST(a_batch_tells_of_each),
		TEST(a_batch_is_used_again),
		TEST(what_is_refused_says_why),
		TEST(hostile_text_is_made_harmless),
		TEST(huge_numbers_are_kept_as_text),
		TEST(depth_and_size_have_limits),
		TEST(the_same_moment_has_room),
		TEST(listeners_hear_what_is_new),
		TEST(it_is_there_after_a_restart),
		TEST(one_koban_at_a_time),
	};

	return run_both(tests);
}
