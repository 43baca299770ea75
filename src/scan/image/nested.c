/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives among the members of an archive: told by their first bytes, opened as a stream (or from
 * the window, when they fit into it), walked like a layer. Compressed single files are archives of
 * one member. Depth is limited; what lies deeper is said, not read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "scan/image/pass.h"

enum { CHUNK = 256 << 10, TAR_MAGIC_AT = 257 };

struct magic {
	size_t at, len;
	const char *bytes;
	enum nested_kind kind;
};

static const struct magic magics[] = {
	{0, 3, "\x1f\x8b\x08", NESTED_UNPACK},
	{0, 4, "\x28\xb5\x2f\xfd", NESTED_UNPACK},
	{0, 4, "PK\3\4", NESTED_PLAIN},
	{0, 6, "\3757zXZ", NESTED_FILTER},
	{0, 3, "BZh", NESTED_FILTER},
	{0, 4, "\xed\xab\xee\xdb", NESTED_FILTER}, /* rpm */
	{0, 8, "!<arch>\n", NESTED_PLAIN},
	{0, 6, "070701", NESTED_PLAIN}, /* cpio */
	{0, 6, "070702", NESTED_PLAIN},
	{0, 6, "070707", NESTED_PLAIN},
	{TAR_MAGIC_AT, 5, "ustar", NESTED_PLAIN},
};

enum nested_kind nested_kind_of(struct str head)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		const struct magic *m = &magics[i];

		if (head.len > m->at + m->len && memcmp(head.s + m->at, m->bytes, m->len) == 0)
			return m->kind;
	}
	return NESTED_NONE;
}

/* ---- where its bytes come from -------------------------------------------------------------- */

/* The member's bytes, as they are or unpacked. */
struct feed {
	struct opened *o;
	struct unpack *unpack; /* NULL = as they are */
	void *chunk;
};

static ptrdiff_t count_bytes(void *arg, const void **block)
{
	struct opened *o = arg;
	ptrdiff_t n = o->src.next(o->src.arg, block);

	if (n > 0)
		o->in += (uint64_t)n;
	return n;
}

static la_ssize_t read_block(struct archive *a, void *arg, const void **block)
{
	struct feed *f = arg;
	ptrdiff_t n;

	if (f->unpack) {
		n = unpack_read(f->unpack, f->chunk, CHUNK);
		*block = f->chunk;
	} else {
		n = count_bytes(f->o, block);
	}
	if (n >= 0)
		return n;
	archive_set_error(a, (int)-n, "%s",
		f->unpack && f->unpack->why ? f->unpack->why : "its bytes end early");
	return -1;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void support(struct archive *a, enum nested_kind kind)
{
	archive_read_support_format_tar(a);
	archive_read_support_format_cpio(a);
	if (kind != NESTED_PLAIN)
		archive_read_support_format_raw(a);
	else
		archive_read_support_format_ar(a);
	if (kind == NESTED_PLAIN) {
		archive_read_support_format_zip(a);
	} else if (kind == NESTED_FILTER) {
		archive_read_support_filter_xz(a);
		archive_read_support_filter_bzip2(a);
		archive_read_support_filter_gzip(a); /* inside an rpm */
		archive_read_support_filter_zstd(a);
		archive_read_support_filter_rpm(a);
	}
}

static void say_unreadable(struct opened *o, struct archive *a)
{
	char why[300];
	const char *text = archive_error_string(a);

	snprintf(why, sizeof(why), "it looks like an archive and cannot be opened: %s",
		text ? text : "unknown form");
	ledger_gap(o->p->ledger, why, false);
}

static void walk(struct opened *o, struct archive *a, int opened)
{
	if (opened == ARCHIVE_OK)
		pass_members(o, a);
	else
		say_unreadable(o, a);
}

static void read_plain(struct opened *o, enum nested_kind kind, struct str whole)
{
	struct feed f = {.o = o};
	struct archive *a = archive_read_new();

	if (!a)
		return;
	support(a, kind);
	if (whole.len) {
		/* seekable: a zip's own list of its members counts */
		o->in = whole.len;
		walk(o, a, archive_read_open_memory(a, whole.s, whole.len));
	} else {
		walk(o, a, archive_read_open(a, &f, NULL, read_block, NULL));
	}
	archive_read_free(a);
}

static void read_unpacked(struct opened *o)
{
	struct unpack u;
	struct feed f = {.o = o, .unpack = &u, .chunk = malloc(CHUNK)};
	struct archive *a = archive_read_new();
	struct byte_source src = {count_bytes, o};

	if (f.chunk && a && unpack_open(&u, src) == 0) {
		support(a, NESTED_UNPACK);
		walk(o, a, archive_read_open(a, &f, NULL, read_block, NULL));
		unpack_close(&u);
	}
	archive_read_free(a);
	free(f.chunk);
}

static void say_too_deep(struct pass *p)
{
	char title[160];

	snprintf(title, sizeof(title), "Archives lie more than %u deep in one another",
		p->limits.max_depth);
	hostile_say(p, "archive-depth", ARTIFACT_MEDIUM, 50, title,
		"Look into it by hand: few programs nest archives so deep.");
	ledger_gap(p->ledger, "an archive deeper than the limit was not opened", false);
}

/* Hands out one block, once. */
static ptrdiff_t give_once(void *arg, const void **block)
{
	struct str *s = arg;
	struct str now = *s;

	*block = now.s;
	s->len = 0;
	return (ptrdiff_t)now.len;
}

void nested_read(struct opened *outer, const struct artifact_file *f, enum nested_kind kind,
	struct byte_source src, struct str whole)
{
	struct pass *p = outer->p;
	struct str once = whole;
	struct buf prefix = BUF_INIT(PATH_BYTES);
	struct opened o = {.p = p, .src = src, .name = f->path, .depth = outer->depth + 1};

	if (o.depth > p->limits.max_depth) {
		say_too_deep(p);
		return;
	}
	buf_add(&prefix, f->path);
	buf_add_char(&prefix, '!');
	o.prefix = buf_str(&prefix);
	if (whole.len)
		o.src = (struct byte_source){give_once, &once};
	if (kind == NESTED_UNPACK)
		read_unpacked(&o);
	else
		read_plain(&o, kind, whole);
	buf_done(&prefix);
}
