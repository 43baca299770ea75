/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* For tests of parsers: parses a text as the file of a path, and keeps what was called back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/package/package.h"

enum { PARSED_MAX = 64 };

struct parsed {
	struct arena a;
	struct artifact_package p[PARSED_MAX];
	size_t n;
	int r;
	struct err e;
};

static inline void parsed_take(void *arg, const struct artifact_package *p)
{
	struct parsed *x = arg;
	struct artifact_package c = *p;

	assert_true(x->n < PARSED_MAX);
	c.name = arena_str(&x->a, p->name);
	c.version = arena_str(&x->a, p->version);
	c.arch = arena_str(&x->a, p->arch);
	c.group = arena_str(&x->a, p->group);
	c.source = arena_str(&x->a, p->source);
	c.source_version = arena_str(&x->a, p->source_version);
	c.license = arena_str(&x->a, p->license);
	c.maintainer = arena_str(&x->a, p->maintainer);
	c.path = arena_str(&x->a, p->path);
	x->p[x->n++] = c;
}

/* The content is a copy of exactly its size, so that ASan sees a byte too far. */
static inline struct parsed *parsed_of(const char *path, struct str content)
{
	struct parsed *x = calloc(1, sizeof(*x));
	char *copy = malloc(content.len ? content.len : 1);
	const struct package_parser *p = package_parser_for(str_of(path));

	assert_non_null(p);
	if (content.len)
		memcpy(copy, content.s, content.len);
	arena_init(&x->a, 64 << 20);
	x->r = package_parse(
		p, str_of(path), str_make(copy, content.len), &x->a, parsed_take, x, &x->e);
	if (x->r < 0)
		assert_true(x->e.msg[0] != '\0');
	free(copy);
	return x;
}

static inline void parsed_done(struct parsed *x)
{
	arena_done(&x->a);
	free(x);
}

static inline bool parsed_owns(const struct artifact_package *p, const char *path)
{
	uint64_t hash = str_hash(str_of(path));

	for (size_t i = 0; i < p->nfiles; i++)
		if (p->files[i] == hash)
			return true;
	return false;
}

#define assert_str(s, text)                                                                        \
	do {                                                                                       \
		if (!str_is((s), (text)))                                                          \
			fail_msg("'%.*s' is not '%s'", STR_ARG(s), (text));                        \
	} while (0)
