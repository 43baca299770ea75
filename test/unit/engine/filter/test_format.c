/* SPDX-License-Identifier: Apache-2.0 */
/* Output formats: tokens, widths, missing values, values as text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/filter/escape.h"
#include "test/unit/engine/filter/subject.h"

static struct arena arena;
static struct arena scratch;

static const struct {
	const char *format, *expected;
	bool complete;
} cases[] = {
	{"plain text", "plain text", true},
	{"%proc.name", "bash", true},
	{"a %proc.name b %fd.name.", "a bash b /etc/shadow.", true},
	{"%proc.nameless", "bashless", true},
	{"%proc.name.x", "bash.x", true},
	{"%proc.name[1]", "bash[1]", true},
	{"%evt.type%proc.name", "openatbash", true},
	{"[%10proc.name]", "[bash      ]", true},
	{"[%2proc.name]", "[ba]", true},
	{"[%5proc.pname]", "[<NA> ]", false},
	{"%proc.pname", "<NA>", false},
	{"*%proc.pname!", "<NA>!", true},
	{"%proc.aname[2]", "systemd", true},
	{"%evt.arg.none", "<NA>", false},
	{"%evt.rawarg.flags %evt.rawarg[res]", "65 -2", true},
	{"%evt.num %proc.pid %evt.latency", "7 -3 1500", true},
	{"%proc.fdusage %evt.failed", "2.5 true", true},
	{"%fd.cip:%fd.cport", "10.1.2.3:443", true},
	{"%evt.buffer", "GET /.. HTTP", true},
	{"%fd.types", "(file,ipv4)", true},
	{"%toupper(proc.name)", "BASH", true},
	{"%8toupper(proc.name)|", "BASH    |", true},
	{"%join(\",\", (proc.name, evt.type))", "bash,openat", true},
	{"%concat(proc.name, '=', 5) %len(fd.types)", "bash=5 2", true},
	{"%basename(fd.name)/", "shadow/", true},
	{"%getopt('-tx', 't:')[t]", "x", true},
	{"100%%", NULL, false},
	{"%", NULL, false},
	{"x %", NULL, false},
	{"x %10", NULL, false},
	{"%nosuch.field", NULL, false},
	{"%proc.nme", NULL, false},
	{"%fd.ip", NULL, false},
	{"%fd.cnet", NULL, false},
	{"%toupper(evt.num)", NULL, false},
	{"%tolower(proc.aname)", NULL, false},
	{"%(proc.name)", NULL, false},
	{"%evt.arg", NULL, false},
	{"", NULL, false},
};

static void test_cases(void **state)
{
	struct field_ctx ctx = {&usual, &scratch};
	struct buf out = BUF_INIT(65536);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct filter_error fe;
		struct format *f;
		int r = format_compile(&arena, str_of(cases[i].format), &test_options, &f, &fe);

		if (!r != (cases[i].expected != NULL))
			fail_msg("'%s': %s", cases[i].format, r ? fe.msg : "accepted");
		if (r) {
			assert_true(strlen(fe.msg) > 5);
			continue;
		}
		buf_clear(&out);
		bool complete = format_render(f, &ctx, &out);
		if (!str_is(buf_str(&out), cases[i].expected) || complete != cases[i].complete)
			fail_msg("'%s' gives '%s' (%d)", cases[i].format, out.s, complete);
	}
	buf_done(&out);
}

/*
 * Fields that put their text, in all company: alone, in runs, behind long texts, with a width. With
 * room in the buffer and without, and whether they can put it or must leave it to the getter.
 */
static void test_put(void **state)
{
	static const char long_name[] = "a name that is longer than what may be put at once, "
					"which is 64 bytes.";
	static const char *const formats[] = {
		"%proc.name",
		"%evt.num",
		"%evt.num %proc.name",
		"*%proc.name %evt.num %proc.name %proc.pid %proc.name",
		"%proc.pid %proc.name<%evt.num>",
		"a text of 16 byte%proc.name a text of 15 by%proc.name.",
		"%3proc.name%9evt.num%proc.name",
		"%proc.pname%proc.name%proc.pname%evt.num",
		"%toupper(proc.name) %proc.name",
		"\t%proc.name\n",
	};
	static const char *const names[] = {"", "b", "bash", "ba\nsh", long_name, NULL};
	struct buf out = BUF_INIT(4096), json = BUF_INIT(4096), got = BUF_INIT(4096);
	struct filter_error fe;
	struct format *f;
	bool is_complete = false;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats) * 6; i++) {
		struct subject s = usual;
		struct field_ctx ctx = {&s, &scratch};

		s.name = names[i % 6];
		put_fields = false;
		assert_int_equal(
			format_compile(&arena, str_of(formats[i / 6]), &test_options, &f, &fe), 0);
		for (int put = 0; put < 2; put++) {
			put_fields = put;
			for (size_t room = 0; room < 300; room += 20) {
				struct buf b = BUF_INIT(4096);

				buf_reserve(&b, room);
				bool complete = format_render(f, &ctx, &b);
				if (!put && !room) {
					buf_clear(&out);
					buf_add(&out, buf_str(&b));
					is_complete = complete;
				}
				assert_int_equal(complete, is_complete);
				assert_string_equal(b.s, out.s);
				buf_done(&b);
			}
		}
		buf_clear(&json);
		format_render_json(f, &ctx, &json);
		put_fields = false;
		buf_clear(&got);
		format_render_json(f, &ctx, &got);
		assert_string_equal(json.s, got.s);
	}
	assert_true(puts_done > 100);
	buf_done(&out);
	buf_done(&got);
	buf_done(&json);
}

static void test_tokens(void **state)
{
	struct field_ctx ctx = {&usual, &scratch};
	struct filter_error fe;
	struct format *f;
	struct value v;

	assert_int_equal(
		format_compile(&arena,
			STR("a %proc.aname[1] %toupper(proc.name) %fd.types %proc.pname %evt.num"),
			&test_options, &f, &fe),
		0);
	assert_int_equal(format_nfields(f), 5);
	assert_true(str_is(format_field_name(f, 0), "proc.aname[1]"));
	assert_true(str_is(format_field_name(f, 1), "toupper(proc.name)"));
	assert_int_equal(format_field_operand(f, 1)->kind, OPERAND_TRANSFORM);
	assert_string_equal(format_field_operand(f, 4)->field->name, "evt.num");
	assert_true(format_field_value(f, 0, &ctx, &v) && str_is(v.s, "sshd"));
	assert_true(format_field_value(f, 2, &ctx, &v) && str_is(v.s, "(file,ipv4)"));
	assert_false(format_field_value(f, 3, &ctx, &v));
	assert_true(format_field_value(f, 4, &ctx, &v) && v.type == VT_U64 && v.u == 7);
}

static void test_places(void **state)
{
	struct filter_error fe;
	struct format *f;

	assert_int_not_equal(
		format_compile(&arena, STR("ab\n%proc.nmae x"), &test_options, &f, &fe), 0);
	assert_true(fe.unknown_field);
	assert_int_equal(fe.pos.line, 2);
	assert_int_equal(fe.pos.column, 2);
	assert_non_null(strstr(fe.msg, "did you mean 'proc.name'?"));
	assert_int_not_equal(format_compile(&arena, STR("%fd.ip"), &test_options, &f, &fe), 0);
	assert_non_null(strstr(fe.msg, "cannot be printed"));
}

static void test_unknown_allowed(void **state)
{
	struct filter_parse_options o = {.fields = &test_fields, .allow_unknown_fields = true};
	struct field_ctx ctx = {&usual, &scratch};
	struct buf out = BUF_INIT(100);
	struct filter_error fe;
	struct format *f;

	assert_int_equal(format_compile(&arena, STR("*%x.y %proc.name"), &o, &f, &fe), 0);
	assert_true(format_render(f, &ctx, &out));
	assert_string_equal(out.s, "<NA> bash");
	buf_done(&out);
}

static void test_values(void **state)
{
	static const struct {
		struct value v;
		const char *text;
	} values[] = {
		{{.type = VT_DOUBLE, .d = 3}, "3.0"},
		{{.type = VT_DOUBLE, .d = 0.25}, "0.2"},
		{{.type = VT_ABSTIME, .u = UINT64_MAX}, "18446744073709551615"},
		{{.type = VT_S64, .i = INT64_MIN}, "-9223372036854775808"},
		{{.type = VT_BOOL, .u = 0}, "false"},
		{{.type = VT_IP, .ip = {.is_v6 = true, .bytes = {0x20, 1, 0xd, 0xb8}}},
			"2001:db8::"},
		{{.type = VT_NET, .net = {{.bytes = {10}}, 8}}, "10.0.0.0/8"},
		{{.type = VT_BYTES, .s = {"a\n\x7f\xc3~", 5}}, "a...~"},
		{{.type = VT_STR, .s = {"a\nb", 3}}, "a\nb"},
	};
	struct buf out = BUF_INIT(100);

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		buf_clear(&out);
		value_format(&values[i].v, &out);
		assert_string_equal(out.s, values[i].text);
	}
	buf_done(&out);
}

/* What a field holds, as a line has it, and as JSON has it. */
static void test_escapes(void **state)
{
	static const struct {
		struct str value;
		const char *line, *lines, *json;
	} escapes[] = {
		{STR("plain"), "plain", "plain", "plain"},
		{STR("sixteen and more of them"), "sixteen and more of them",
			"sixteen and more of them", "sixteen and more of them"},
		{STR("sixteen of them,\n"), "sixteen of them,\\n", "sixteen of them,\n",
			"sixteen of them,\\n"},
		{STR("a\tb\rc"), "a\\tb\\rc", "a\tb\\rc", "a\\tb\\rc"},
		{STR("\033[2J\x7f"), "\\x1b[2J\\x7f", "\\x1b[2J\\x7f", "\\u001b[2J\\u007f"},
		{STR("\xc3\xa9\xff\xc2\x9b"), "\xc3\xa9\\xff\\xc2\\x9b", "\xc3\xa9\\xff\\xc2\\x9b",
			"\xc3\xa9\xef\xbf\xbd\\u009b"},
		{STR("\"\\"), "\"\\", "\"\\", "\\\"\\\\"},
	};
	struct buf out = BUF_INIT(1000);

	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		struct str v = escapes[i].value;

		for (int lines = 0; lines < 2; lines++) {
			buf_clear(&out);
			buf_add_cstr(&out, "\n>");
			buf_add(&out, v);
			line_escape(&out, 2, lines, &scratch);
			assert_string_equal(out.s + 2, lines ? escapes[i].lines : escapes[i].line);
		}
		buf_clear(&out);
		buf_add(&out, v);
		json_escape(&out, 0, &scratch);
		assert_string_equal(out.s, escapes[i].json);
	}
	buf_done(&out);
}

/* A byte that must be escaped is seen wherever it stands in the text, and however long that is. */
static void test_escapes_everywhere(void **state)
{
	struct buf out = BUF_INIT(1000);
	char text[150];

	for (size_t n = 1; n < sizeof(text); n++) {
		for (size_t at = 0; at < n; at++) {
			memset(text, 'x', n);
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				assert_int_equal(
					text_is_plain(str_make(text, n)), c >= 0x20 && c <= 0x7e);
			}
			text[at] = '"';
			buf_clear(&out);
			buf_add(&out, str_make(text, n));
			json_escape(&out, 0, &scratch);
			assert_int_equal(out.len, n + 1);
			text[at] = '\n';
			buf_clear(&out);
			buf_add(&out, str_make(text, n));
			json_escape(&out, 0, &scratch);
			assert_int_equal(out.len, n + 1);
			/* at the very end of a buffer that cannot grow */
			struct buf full = buf_fixed(arena_raw(&scratch, n + 1), n + 1);

			buf_add(&full, str_make(text, n));
			line_escape(&full, 0, false, &scratch);
			assert_true(full.cut);
			assert_int_equal(full.s[at], '\\');
		}
		memset(text, '~', n);
		assert_true(text_is_plain(str_make(text, n)));
	}
	assert_true(text_is_plain(STR_NULL));
	buf_done(&out);
}

/* A line with something to be escaped is written twice, and nobody sees it. */
static void test_lines(void **state)
{
	static const struct {
		const char *format, *expected;
	} lines[] = {
		{"%proc.name:%evt.num", "ba\\nsh:7"},
		{"\t%3proc.name|%evt.num\n", "\tba\\|7\n"},
		{"%20proc.name|", "ba\\nsh              |"},
		{"a text of more than sixteen bytes: %proc.name",
			"a text of more than sixteen bytes: ba\\nsh"},
		{"%evt.num%evt.num", "77"},
		{"only text", "only text"},
	};
	struct subject odd = usual;
	struct field_ctx ctx = {&odd, &scratch};
	struct buf out = BUF_INIT(65536);
	struct filter_error fe;
	struct format *f;

	odd.name = "ba\nsh";
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_int_equal(
			format_compile(&arena, str_of(lines[i].format), &test_options, &f, &fe), 0);
		buf_clear(&out);
		buf_add_cstr(&out, "line before\n");
		format_render_line(f, &ctx, false, &out);
		assert_string_equal(out.s + strlen("line before\n"), lines[i].expected);
	}
	buf_done(&out);
}

static void test_json(void **state)
{
	static const struct {
		const char *format, *expected;
		bool complete;
	} lines[] = {
		{"*%proc.name %evt.num x %evt.failed %proc.name",
			"{\"evt.failed\":true,\"evt.num\":7,\"proc.name\":\"bash\"}", true},
		{"%proc.pid %proc.pname", "{\"proc.pid\":-3,\"proc.pname\":null}", false},
		{"%fd.cip %fd.types %proc.fdusage",
			"{\"fd.cip\":\"10.1.2.3\",\"fd.types\":\"(file,ipv4)\","
			"\"proc.fdusage\":2.5}",
			true},
		{"%toupper(proc.name)", "{\"toupper(proc.name)\":\"BASH\"}", true},
		{"no field", "{}", true},
	};
	struct field_ctx ctx = {&usual, &scratch};
	struct buf out = BUF_INIT(65536);
	struct filter_error fe;
	struct format *f;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_int_equal(
			format_compile(&arena, str_of(lines[i].format), &test_options, &f, &fe), 0);
		buf_clear(&out);
		assert_int_equal(format_render_json(f, &ctx, &out), lines[i].complete);
		assert_string_equal(out.s, lines[i].expected);
		buf_clear(&out);
		assert_int_equal(
			format_render_line(f, &ctx, false, &out), format_render(f, &ctx, &out));
	}
	buf_done(&out);
}

static int setup(void **state)
{
	arena_init(&arena, 0);
	arena_init(&scratch, 0);
	return 0;
}

static int teardown(void **state)
{
	arena_done(&arena);
	arena_done(&scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_unknown_allowed),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_escapes_everywhere),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests_name("format", tests, setup, teardown);
}
