/* SPDX-License-Identifier: Apache-2.0 */
/* The record that a store keeps: its members, its limits, and valid JSON whatever the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "model/finding/finding.h"

static struct finding sample(void)
{
	static const struct str tags[] = {STR("container"), STR("T1003")};
	static const struct finding_field fields[] = {
		{.name = STR("proc.name"), .type = FV_STR, .s = STR("cat")},
		{.name = STR("evt.time"), .type = FV_U64, .u = 1700000000123456789},
		{.name = STR("proc.name"), .type = FV_STR, .s = STR("twice")},
	};
	static const struct finding_process processes[] = {
		{.pid = 12,
			.vpid = 3,
			.loginuid = UINT32_MAX,
			.start_ns = 5000000000,
			.started_ns = 1700000000000000000,
			.flags = FINDING_MEMFD | FINDING_WRITABLE,
			.name = STR("cat"),
			.exe = STR("/usr/bin/cat"),
			.cmdline = STR("cat /etc/shadow"),
			.cwd = STR("/root"),
			.user = STR("root")},
		{.pid = 1, .loginuid = 1000, .name = STR("init")},
	};
	static const struct finding_mount mounts[] = {{STR("/srv"), STR("/data"), true}};
	static const struct finding_container container = {.id = STR("0123456789ab"),
		.full_id = STR("0123456789abcdef"),
		.name = STR("web"),
		.image = STR("docker.io/library/nginx:1"),
		.engine = "podman",
		.is_privileged = true,
		.mounts = mounts,
		.nmounts = 1};
	static const struct finding_context context = {.event_type = STR("openat"),
		.event_args = STR("fd=3 name=/etc/shadow"),
		.has_result = true,
		.result = -13,
		.cpu = 2,
		.file = {.asked = STR("/etc/shadow"), .real = STR("/srv/shadow")},
		.connection = {.proto = "tcp",
			.role = "client",
			.domain = "ipv4",
			.local = STR("10.0.0.1:4000"),
			.remote = STR("1.2.3.4:443")},
		.processes = processes,
		.nprocesses = 2,
		.container = &container,
		.capture = STR("/var/lib/koban/recordings/x.scap")};

	return (struct finding){.ts_ns = 1700000000123456789,
		.num = 7,
		.run = 0xabcdef,
		.priority = PRIORITY_CRITICAL,
		.rule = STR("Read sensitive file"),
		.source = STR("syscall"),
		.output = STR("A file was read"),
		.hostname = STR("node-1"),
		.tags = tags,
		.ntags = 2,
		.fields = fields,
		.nfields = 3,
		.fingerprint = 0x1234,
		.count = 1,
		.context = &context};
}

static json_t *record_of(const struct finding *f)
{
	struct buf out = BUF_INIT(1 << 20);
	json_error_t e;

	finding_format_record(f, &out);
	assert_false(out.cut);
	assert_true(out.len <= FINDING_RECORD_MAX);
	assert_null(memchr(out.s, '\n', out.len));
	json_t *j = json_loadb(out.s, out.len, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("%s at %d in %s", e.text, e.position, out.s);
	buf_done(&out);
	return j;
}

static const char *text_at(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void record_has_all(void **state)
{
	struct finding f = sample();
	json_t *j = record_of(&f);
	const json_t *p = json_array_get(json_object_get(j, "processes"), 0);
	const json_t *old = json_array_get(json_object_get(j, "processes"), 1);
	const json_t *k = json_object_get(j, "container");

	assert_int_equal(json_integer_value(json_object_get(j, "v")), 1);
	assert_string_equal(text_at(j, "type"), "finding");
	assert_string_equal(text_at(j, "id"), "0000000000abcdef0000000000000007");
	assert_int_equal(json_integer_value(json_object_get(j, "time_ns")), 1700000000123456789);
	assert_string_equal(text_at(j, "priority"), "Critical");
	assert_string_equal(text_at(j, "fingerprint"), "0000000000001234");
	assert_int_equal(json_array_size(json_object_get(j, "tags")), 2);
	assert_string_equal(text_at(json_object_get(j, "fields"), "proc.name"), "cat");
	assert_int_equal(json_object_size(json_object_get(j, "fields")), 2);
	assert_string_equal(text_at(json_object_get(j, "event"), "type"), "openat");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(j, "event"), "res")), -13);
	assert_string_equal(text_at(json_object_get(j, "file"), "real"), "/srv/shadow");
	assert_null(json_object_get(json_object_get(j, "file"), "known"));
	assert_string_equal(text_at(json_object_get(j, "connection"), "remote"), "1.2.3.4:443");
	assert_string_equal(text_at(p, "cmdline"), "cat /etc/shadow");
	assert_int_equal(json_integer_value(json_object_get(p, "loginuid")), -1);
	assert_int_equal(json_array_size(json_object_get(p, "flags")), 2);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(p, "flags"), 0)), "memfd");
	assert_int_equal(json_integer_value(json_object_get(old, "loginuid")), 1000);
	assert_true(json_is_true(json_object_get(k, "privileged")));
	assert_null(json_object_get(k, "pod"));
	assert_string_equal(
		text_at(json_array_get(json_object_get(k, "mounts"), 0), "dest"), "/data");
	assert_string_equal(text_at(j, "capture"), "/var/lib/koban/recordings/x.scap");
	json_decref(j);
}

static void record_without_context(void **state)
{
	struct finding f = sample();

	f.context = NULL;
	json_t *j = record_of(&f);
	assert_null(json_object_get(j, "event"));
	assert_null(json_object_get(j, "processes"));
	assert_non_null(text_at(j, "rule"));
	json_decref(j);
}

/* Everything as long as it can be, of bytes that grow most when they are escaped. */
static void record_is_bounded(void **state)
{
	enum { LONG = 1 << 20, MANY = 300 };
	static char worst[3][LONG];
	const unsigned char bytes[] = {1, 0xff, '"'};
	static struct finding_process processes[FINDING_PROCESSES_MAX];
	static struct finding_mount mounts[MANY];
	static struct finding_field fields[MANY];
	static struct str tags[MANY];
	static char names[MANY][600];

	for (int b = 0; b < 3; b++) {
		struct str s = str_make(worst[b], LONG);

		memset(worst[b], bytes[b], LONG);
		for (int i = 0; i < MANY; i++) {
			tags[i] = s;
			mounts[i] = (struct finding_mount){s, s, true};
			memset(names[i], bytes[b], sizeof(names[i]));
			snprintf(names[i], 8, "%07d", i);
			fields[i] =
				(struct finding_field){.name = str_make(names[i], sizeof(names[i])),
					.type = FV_STR,
					.s = s};
		}
		for (int i = 0; i < FINDING_PROCESSES_MAX; i++)
			processes[i] = (struct finding_process){UINT32_MAX, UINT32_MAX, UINT32_MAX,
				0, UINT32_MAX, UINT64_MAX, UINT64_MAX, 15, s, s, s, s, s};
		struct finding_container k = {
			s, s, s, s, s, s, s, s, worst[2], true, true, true, mounts, MANY};
		struct finding_context c = {s, s, true, INT64_MIN, 65535, {s, s, s},
			{"tcp", "client", "ipv4", s, s}, processes, FINDING_PROCESSES_MAX, &k, s};
		struct finding f = {UINT64_MAX, UINT64_MAX, UINT64_MAX, PRIORITY_CRITICAL, s, s, s,
			s, tags, MANY, fields, MANY, UINT64_MAX, UINT64_MAX, 0, &c};

		worst[2][LONG - 1] = 0;
		json_t *j = record_of(&f);
		assert_int_equal(
			json_array_size(json_object_get(j, "processes")), FINDING_PROCESSES_MAX);
		assert_true(json_array_size(json_object_get(j, "tags")) < MANY);
		json_decref(j);
	}
}

/* A long text is cut between characters and says so. */
static void cut_texts_end_in_dots(void **state)
{
	struct finding f = sample();
	static char many[200 << 10];
	size_t n = 0;

	while (n + 3 <= sizeof(many)) {
		memcpy(many + n, "\xe2\x82\xac", 3); /* the euro sign */
		n += 3;
	}
	for (size_t shift = 0; shift < 3; shift++) {
		char *start = many + shift;

		memset(many, 'a', shift);
		f.output = str_make(many, n);
		json_t *j = record_of(&f);
		const char *s = text_at(j, "output");
		size_t len = strlen(s);

		assert_true(len > 20000 && len < 30000);
		assert_string_equal(s + len - 3, "…");
		/* what was cut in two at the start by the letters becomes U+FFFD, nothing else */
		assert_true(strstr(s + 16, "\xef\xbf\xbd") == NULL);
		json_decref(j);
		assert_non_null(start);
	}
}

static void ids_differ(void **state)
{
	struct finding a = sample(), b = sample();
	char x[FINDING_ID_CHARS + 1], y[FINDING_ID_CHARS + 1];

	finding_format_id(&a, x);
	finding_format_id(&b, y);
	assert_string_equal(x, y);
	assert_int_equal(strlen(x), FINDING_ID_CHARS);
	b.num++;
	finding_format_id(&b, y);
	assert_string_not_equal(x, y);
	b = a;
	b.run++;
	finding_format_id(&b, y);
	assert_string_not_equal(x, y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_has_all),
		cmocka_unit_test(record_without_context),
		cmocka_unit_test(record_is_bounded),
		cmocka_unit_test(cut_texts_end_in_dots),
		cmocka_unit_test(ids_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
