/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What holds of every package that a parser hands on, whatever it was given. */
#include <errno.h>
#include <stdlib.h>

#include "engine/package/package.h"

static inline void check_word(struct str s)
{
	if (s.len > 1024)
		abort();
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.s[i] < ' ' || s.s[i] == 0x7f)
			abort();
}

static inline void check_package(void *arg, const struct artifact_package *p)
{
	struct arena *a = arg;

	if (!p->name.len || p->deleted_in != -1 || !p->path.len || p->type >= PACKAGE_TYPE_COUNT)
		abort();
	check_word(p->name);
	check_word(p->version);
	check_word(p->group);
	for (size_t i = 1; i < p->nfiles; i++)
		if (p->files[i - 1] >= p->files[i])
			abort();
	struct str purl = package_purl(p, NULL, a);
	if (!purl.len && !a->failed && p->name.len < 256 && p->group.len < 256)
		abort();
	for (size_t i = 0; i < purl.len; i++)
		if (purl.s[i] <= ' ' || (unsigned char)purl.s[i] > 0x7e || purl.s[i] == '"')
			abort();
}

static inline void check_parse(const struct package_parser *p, struct str path, struct str content)
{
	struct arena a;
	struct err e = {0};

	arena_init(&a, 64 << 20);
	int r = package_parse(p, path, content, &a, check_package, &a, &e);
	if ((r != 0 && r != -EBADMSG && r != -ENOMEM) || (r < 0 && !e.msg[0]))
		abort();
	arena_done(&a);
}
