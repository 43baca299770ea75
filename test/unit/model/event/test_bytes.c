/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in sysdig's five forms, also where the buffer has little room. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/event/event.h"

static void expect(struct str bytes, enum event_bytes form, uint32_t max, const char *text)
{
	struct event_style style = {.bytes = form, .max_bytes = max};
	struct buf out = BUF_INIT(4096), small = BUF_INIT(7);

	event_bytes_format(bytes, &style, &out);
	assert_string_equal(out.s ? out.s : "", text);
	event_bytes_format(bytes, &style, &small);
	assert_int_equal(small.len, out.len < 7 ? out.len : 7);
	assert_memory_equal(small.s ? small.s : "", text, small.len);
	buf_done(&out);
	buf_done(&small);
}

static void test_dots(void **state)
{
	expect(STR(""), BYTES_DOTS, 0, "");
	expect(STR("a\n\0b\x7f\xc3\xa9~ "), BYTES_DOTS, 0, "a..b...~ ");
	expect(STR("0123456789abcde\x1f"
		   "0123456789abcdef\xff"),
		BYTES_DOTS, 0, "0123456789abcde.0123456789abcdef.");
	expect(STR("0123456789"), BYTES_DOTS, 10, "0123456789");
	expect(STR("0123456789"), BYTES_DOTS, 9, "012345...");
	expect(STR("0123456789"), BYTES_DOTS, 2, "..");
}

static void test_every_byte(void **state)
{
	char bytes[256], wanted[257] = {0};

	for (int i = 0; i < 256; i++) {
		bytes[i] = (char)i;
		wanted[i] = i >= 0x20 && i < 0x7f ? (char)i : '.';
	}
	expect(str_make(bytes, sizeof(bytes)), BYTES_DOTS, 0, wanted);
}

static void test_text(void **state)
{
	expect(STR("one\r\ntwo\nthree\x01\r"), BYTES_TEXT, 0, "\none\ntwo\nthree\n");
	/* as sysdig has it: a newline that is first is none */
	expect(STR("\nx"), BYTES_TEXT, 0, "\nx");
}

/* RFC 4648 §10 */
static void test_base64(void **state)
{
	expect(STR("f"), BYTES_BASE64, 0, "Zg==");
	expect(STR("fo"), BYTES_BASE64, 0, "Zm8=");
	expect(STR("foo"), BYTES_BASE64, 0, "Zm9v");
	expect(STR("foobar"), BYTES_BASE64, 0, "Zm9vYmFy");
	expect(STR("\xff\xfe\xfd"), BYTES_BASE64, 0, "//79");
}

static void test_hex(void **state)
{
	expect(STR("Server listening..\n"), BYTES_HEX, 0,
		"\n\t0x0000: 5365 7276 6572 206c 6973 7465 6e69 6e67"
		"\n\t0x0010: 2e2e 0a\n");
	expect(STR("Server listening..\n"), BYTES_HEX_TEXT, 0,
		"\n\t0x0000: 5365 7276 6572 206c 6973 7465 6e69 6e67  Server listening"
		"\n\t0x0010: 2e2e 0a                                ...\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dots),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
