/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program in one window, and in two that overlap: ELF's headers, Go's build information, the
 * modules in it, cargo-auditable's section.
 */
#include "package_check.h"

static void parse_windows(struct str file, size_t window, size_t overlap)
{
	struct package_binary b = {0};
	struct arena a;

	arena_init(&a, 64 << 20);
	for (size_t at = 0;; at += window - overlap) {
		struct str part = str_head(str_skip(file, at), window);
		struct err e = {0};
		int r = package_parse_binary(&b, STR("/a"), part, at, &a, check_package, &a, &e);

		if ((r != 0 && r != -EBADMSG && r != -ENOMEM) || (r < 0 && !e.msg[0]))
			abort();
		if (at + part.len == file.len)
			break;
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str file = str_make((const char *)data, size);

	parse_windows(file, size + 1, 0);
	if (size > 64)
		parse_windows(file, size * 2 / 3, size / 2);
	return 0;
}
