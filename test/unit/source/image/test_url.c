/* SPDX-License-Identifier: Apache-2.0 */
/* Where a Location or Link leads, and who is the same server. */
#include "common.h"
#include "source/image/fetch.h"

static void resolves(void **unused)
{
	static const char *const rows[][2] = {
		{"/v2/x", "https://r.io:5000/v2/x"},
		{"x", "https://r.io:5000/a/x"},
		{"?n=1", "https://r.io:5000/a/b?n=1"},
		{"https://other/x?s=1", "https://other/x?s=1"},
		{"http://other/x", "http://other/x"},
		{"//other/x", "https://other/x"},
		{"file:///etc/passwd", ""},
		{"gopher://x/", ""},
		{"javascript:1", ""},
		{"https://u:p@other/", ""},
		{"/a b", ""},
		{"/a\r\nX: y", ""},
		{"", ""},
		{"https://", ""},
	};
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_text(url_resolve(STR("https://r.io:5000/a/b"), str_of(rows[i][0]), &a),
			rows[i][1]);
	arena_done(&a);
}

static void knows_origins(void **unused)
{
	static const char *const rows[][2] = {
		{"https://r.io/x", "https://r.io:443"},
		{"https://R.IO:443", "https://r.io:443"},
		{"http://r.io/", "http://r.io:80"},
		{"https://r.io:5000/x", "https://r.io:5000"},
		{"https://r.io@evil/x", ""},
		{"https://r.io\\@evil/x", ""},
		{"ftp://r.io/", ""},
		{"nonsense", ""},
		{"", ""},
	};
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_text(url_origin(str_of(rows[i][0]), &a), rows[i][1]);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolves), cmocka_unit_test(knows_origins)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
