/* SPDX-License-Identifier: Apache-2.0 */
/* The sinkhole's protocols over bytes in memory: what it answers, and what it writes down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scan/detonate/sink.h"

static struct sink *sink;

static int setup(void **state)
{
	(void)state;
	sink = calloc(1, sizeof(*sink));
	sink->names = calloc(NAMES_MAX, sizeof(*sink->names));
	sink->log = memfd_create("log", 0);
	sink->line = BUF_INIT(60 << 10);
	sink->fds[SINK_TCP6] = 1; /* there is IPv6 */
	return sink->log < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(sink->log);
	buf_done(&sink->line);
	free(sink->names);
	free(sink);
	return 0;
}

/* All that was logged; every line must be JSON. */
static json_t *logged(void)
{
	char *text = calloc(1, 1 << 20);
	json_t *list = json_array();
	ssize_t n = pread(sink->log, text, (1 << 20) - 1, 0);
	struct str rest = str_make(text, n > 0 ? (size_t)n : 0);

	while (rest.len) {
		struct str line = str_cut(&rest, '\n');
		json_t *one = json_loadb(line.s, line.len, 0, NULL);

		if (!line.len)
			continue;
		assert_non_null(one);
		json_array_append_new(list, one);
	}
	free(text);
	return list;
}

static const char *value(const json_t *list, size_t i, const char *key)
{
	const char *s = json_string_value(json_object_get(json_array_get(list, i), key));

	return s ? s : "";
}

/* ---- names ---------------------------------------------------------------------------------- */

static size_t question(uint8_t *out, const char *name, uint8_t type)
{
	size_t n = 12;

	memset(out, 0, 12);
	out[1] = 7;
	out[2] = 1;
	out[5] = 1;
	while (*name) {
		size_t len = strcspn(name, ".");

		out[n++] = (uint8_t)len;
		memcpy(out + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	out[n++] = 0;
	out[n++] = 0;
	out[n++] = type;
	out[n++] = 0;
	out[n++] = 1;
	return n;
}

static size_t ask(const char *name, uint8_t type, uint8_t *answer)
{
	uint8_t q[512];
	size_t n = question(q, name, type);

	return dns_answer(sink, str_make((char *)q, n), answer, 512);
}

static void gives_each_name_an_address(void **state)
{
	uint8_t a[512], b[512];
	size_t na = ask("One.Example.Invalid", 1, a), nb = ask("two.example.invalid", 1, b);

	(void)state;
	assert_int_equal(a[1], 7);
	assert_int_equal(a[3] & 15, 0);
	assert_int_equal(a[7], 1);
	assert_memory_equal(a + na - 4, "\xc6\x12\x00\x01", 4);
	assert_memory_equal(b + nb - 4, "\xc6\x12\x00\x02", 4);
	na = ask("one.example.invalid", 1, a);
	assert_memory_equal(a + na - 4, "\xc6\x12\x00\x01", 4);
	assert_string_equal(dns_name_of(sink, AF_INET, a + na - 4), "one.example.invalid");
	na = ask("two.example.invalid", 28, a);
	assert_string_equal(dns_name_of(sink, AF_INET6, a + na - 16), "two.example.invalid");
	assert_null(dns_name_of(sink, AF_INET, "\x01\x02\x03\x04"));
	/* other types: the name exists, and has no such record */
	ask("one.example.invalid", 15, a);
	assert_int_equal(a[3] & 15, 0);
	assert_int_equal(a[7], 0);
	json_t *log = logged();
	assert_string_equal(value(log, 0, "kind"), "dns");
	assert_string_equal(value(log, 0, "name"), "one.example.invalid");
	assert_string_equal(value(log, 0, "answer"), "198.18.0.1");
	assert_string_equal(value(log, 4, "type"), "MX");
	json_decref(log);
}

static void survives_bad_questions(void **state)
{
	uint8_t q[600] = {0}, a[600];
	size_t n = question(q, "a.example.invalid", 1);

	(void)state;
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(dns_answer(sink, str_make((char *)q, cut), a, sizeof(a)), 0);
	q[12] = 200; /* a label longer than labels are */
	assert_int_equal(dns_answer(sink, str_make((char *)q, n), a, sizeof(a)), 0);
	q[12] = 1;
	q[2] |= 0x80; /* an answer */
	assert_int_equal(dns_answer(sink, str_make((char *)q, n), a, sizeof(a)), 0);
	n = question(q, "a.example.invalid", 1);
	assert_int_equal(dns_answer(sink, str_make((char *)q, n), a, n + 10), 0);
}

static void shares_the_last_address(void **state)
{
	char name[32];
	uint8_t a[512];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < NAMES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "n%d.invalid", i);
		n = ask(name, 1, a);
	}
	assert_memory_equal(a + n - 4, "\xc6\x12\x10\x00", 4);
	assert_int_equal(sink->nnames, NAMES_MAX);
}

/* ---- conversations -------------------------------------------------------------------------- */

static struct talk talk_new(void)
{
	return (struct talk){.sink = sink,
		.fd = -1,
		.to = {.address = "198.18.0.1", .port = 3333, .name = "pool.example.invalid"},
		.pending = BUF_INIT(PENDING_MAX),
		.out = BUF_INIT(PENDING_MAX)};
}

/* What is answered to these bytes, given one at a time as the worst network would. */
static struct talk say(const char *text)
{
	struct talk t = talk_new();

	for (size_t n = strlen(text); n; n--, text++) {
		buf_add(&t.pending, str_make(text, 1));
		for (size_t i = 0; !t.protocol && protocols[i]; i++)
			if (protocols[i]->begins(buf_str(&t.pending)) > 0)
				t.protocol = protocols[i];
		if (t.protocol)
			t.protocol->go(&t);
	}
	return t;
}

static void talk_done(struct talk *t)
{
	buf_done(&t->pending);
	buf_done(&t->out);
}

static bool answered(const struct talk *t, const char *text)
{
	return str_find(buf_str(&t->out), str_of(text)) >= 0;
}

static void serves_http(void **state)
{
	struct talk t = say("GET /a/x.sh?y HTTP/1.1\r\nHost: h.invalid\r\nUser-Agent: w/1\r\n\r\n");

	(void)state;
	assert_true(answered(&t, "HTTP/1.1 200 OK\r\n"));
	assert_true(answered(&t, "\r\n\r\n#!/bin/sh\nexit 0\n"));
	assert_true(t.is_closing);
	json_t *log = logged();
	assert_string_equal(value(log, 0, "kind"), "http");
	assert_string_equal(value(log, 0, "path"), "/a/x.sh?y");
	assert_string_equal(value(log, 0, "host"), "h.invalid");
	assert_string_equal(value(log, 0, "agent"), "w/1");
	assert_string_equal(value(log, 0, "name"), "pool.example.invalid");
	json_decref(log);
	talk_done(&t);
	t = say("POST /api HTTP/1.1\nAccept: application/json\nContent-Length: 3\n\nabc");
	assert_true(answered(&t, "{}"));
	talk_done(&t);
	t = say("HEAD /x.tgz HTTP/1.0\r\n\r\n");
	assert_true(answered(&t, "application/gzip"));
	assert_false(answered(&t, "\x1f\x8b"));
	talk_done(&t);
}

static void gives_work(void **state)
{
	struct talk t =
		say("{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"W\",\"pass\":\"x\","
		    "\"agent\":\"a/1\",\"algo\":[\"rx/0\",\"cn/r\"]}}\n"
		    "{\"id\":\"two\",\"method\":\"submit\",\"params\":{}}\n");

	(void)state;
	assert_true(
		answered(&t, "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{\"id\":\"1\",\"job\":"));
	assert_true(
		answered(&t, "{\"id\":\"two\",\"jsonrpc\":\"2.0\",\"result\":{\"status\":\"OK\"}"));
	/* every line is JSON */
	struct str rest = buf_str(&t.out);
	while (rest.len) {
		struct str line = str_cut(&rest, '\n');
		json_t *j = json_loadb(line.s, line.len, 0, NULL);

		assert_true(j || !line.len);
		json_decref(j);
	}
	json_t *log = logged();
	assert_int_equal(json_array_size(log), 1);
	assert_string_equal(value(log, 0, "kind"), "pool");
	assert_string_equal(value(log, 0, "user"), "W");
	assert_string_equal(value(log, 0, "agent"), "a/1");
	assert_string_equal(value(log, 0, "algorithms"), "rx/0,cn/r");
	json_decref(log);
	talk_done(&t);
}

static void survives_bad_json(void **state)
{
	struct talk t =
		say("{\n{}\n[1]\n{\"method\":7,\"id\":{\"a\":[]}}\n"
		    "{\"method\":\"login\",\"params\":7}\n{\"method\":\"mining.authorize\"}\n");

	(void)state;
	assert_true(answered(&t, "\"result\":null"));
	talk_done(&t);
}

static void knows_little_protocols(void **state)
{
	struct talk t = say("NICK a\r\nUSER a 0 * :a\r\n");

	(void)state;
	assert_true(answered(&t, " 001 "));
	talk_done(&t);
	t = say("EHLO x\r\nMAIL FROM:<a@b>\r\nQUIT\r\n");
	assert_true(answered(&t, "250 ok\r\n250 ok\r\n221"));
	talk_done(&t);
	t = say("*1\r\n$4\r\nPING\r\n");
	assert_true(answered(&t, "+OK\r\n"));
	talk_done(&t);
	t = say("SSH-2.0-x\r\n");
	assert_true(answered(&t, "SSH-2.0-OpenSSH"));
	talk_done(&t);
}

/* ---- certificates --------------------------------------------------------------------------- */

static void makes_an_authority(void **state)
{
	struct sink_authority *a = NULL;
	struct str pem;

	(void)state;
	assert_int_equal(sink_authority_make(&a, &pem, NULL), 0);
	assert_true(str_starts(pem, STR("\n-----BEGIN CERTIFICATE-----\n")));
	sink_authority_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_each_name_an_address, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_bad_questions, setup, teardown),
		cmocka_unit_test_setup_teardown(shares_the_last_address, setup, teardown),
		cmocka_unit_test_setup_teardown(serves_http, setup, teardown),
		cmocka_unit_test_setup_teardown(gives_work, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_bad_json, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_little_protocols, setup, teardown),
		cmocka_unit_test(makes_an_authority),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
