/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Tars in memory for tests of the pass, and an analyzer that writes down what it is shown. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "scan/image/pass.h"

struct tar {
	struct archive *a;
	char *memory;
	size_t used, cap;
};

static inline la_ssize_t tar_write(struct archive *a, void *arg, const void *from, size_t n)
{
	struct tar *t = arg;

	while (t->used + n > t->cap) {
		t->cap = t->cap ? t->cap * 2 : 1 << 16;
		t->memory = realloc(t->memory, t->cap);
	}
	memcpy(t->memory + t->used, from, n);
	t->used += n;
	return (la_ssize_t)n;
}

static inline void tar_open(struct tar *t, bool is_zip)
{
	*t = (struct tar){.a = archive_write_new()};
	if (is_zip)
		archive_write_set_format_zip(t->a);
	else
		archive_write_set_format_pax_restricted(t->a);
	archive_write_set_bytes_in_last_block(t->a, 1);
	archive_write_open(t->a, t, NULL, tar_write, NULL);
}

static inline void tar_add(struct tar *t, const char *path, mode_t kind, struct str content)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, kind | 0644);
	archive_entry_set_size(e, kind == S_IFREG ? (la_int64_t)content.len : 0);
	if (kind == S_IFLNK)
		archive_entry_set_symlink(e, content.s);
	archive_write_header(t->a, e);
	if (kind == S_IFREG)
		archive_write_data(t->a, content.s, content.len);
	archive_entry_free(e);
}

static inline struct str tar_end(struct tar *t)
{
	archive_write_close(t->a);
	archive_write_free(t->a);
	return str_make(t->memory, t->used);
}

static inline void tar_done(struct tar *t)
{
	free(t->memory);
}

/* A source of one string, in blocks of `step` bytes. */
struct blocks {
	struct str s;
	size_t at, step;
};

static inline ptrdiff_t blocks_next(void *arg, const void **block)
{
	struct blocks *b = arg;
	size_t left = b->s.len - b->at, n = left < b->step ? left : b->step;

	*block = b->s.s + b->at;
	b->at += n;
	return (ptrdiff_t)n;
}
