/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of one member: cut into windows, hashed once if somebody wants it, shown to the
 * analyzers that want it, and handed to nested.c when it is an archive. A file that lies in one
 * block of the stream is shown where it lies; everything else goes through the window of its level.
 *
 * An archive that is larger than a window cannot be shown and opened at the same time without
 * mixing up the analyzers, who see one file after the other. It is opened; only those of its
 * windows are shown that opening it did not need.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "scan/image/pass.h"

enum {
	FIRST_CAP = 256 << 10,
	HOLE_SHOWN =
		64 << 10, /* zeros of a sparse file that are shown; longer holes end a window */
	ZEROS = 64 << 10,
};

struct member {
	struct opened *o;
	struct pass *p;
	struct level *level;
	struct archive *a;
	const struct artifact_file *f;
	uint64_t number; /* in the layer */
	uint32_t want;
	enum layer_starter starter;
	/* the window at hand */
	const char *win;
	size_t len;
	uint64_t off;
	/* what was pulled, and did not fit */
	const char *rest;
	size_t rest_len;
	uint64_t rest_off;
	uint64_t end; /* behind what was pulled */
	bool is_end;  /* nothing comes behind the window at hand */
	bool is_cut;  /* not because the file is over */
	bool is_hashed, is_shown, is_text, is_elf;
	unsigned nwindows, ngiven;
};

static const char zeros[ZEROS];

/* ---- pulling -------------------------------------------------------------------------------- */

static void cut(struct member *m, const char *why, bool is_serious)
{
	m->is_cut = m->is_end = true;
	m->is_hashed = false;
	if (why)
		ledger_gap(m->p->ledger, why, is_serious);
}

static void hash_zeros(struct member *m, uint64_t n)
{
	while (m->is_hashed && n) {
		size_t some = n < ZEROS ? (size_t)n : ZEROS;

		EVP_DigestUpdate(m->level->sha, zeros, some);
		n -= some;
	}
}

/* A hole of a sparse file counts as what it unpacks to. */
static bool skip_hole(struct member *m, uint64_t hole)
{
	if (!pass_account(m->p, m->o, hole)) {
		cut(m, NULL, true);
		return false;
	}
	hash_zeros(m, hole);
	return true;
}

static void say_too_large(struct member *m)
{
	char why[128];

	snprintf(why, sizeof(why), "larger than %llu MiB: only what comes before was read",
		(unsigned long long)m->p->limits.max_file_bytes >> 20);
	cut(m, why, true);
}

/* The next block of content: false at its end. */
static bool pull(struct member *m)
{
	const void *block;
	size_t len;
	int64_t off;

	for (;;) {
		int r = archive_read_data_block(m->a, &block, &len, &off);

		if (r == ARCHIVE_EOF)
			break;
		if (r == ARCHIVE_RETRY)
			continue;
		if (r < ARCHIVE_WARN || off < 0 || (uint64_t)off < m->end) {
			char why[300];
			const char *text = archive_error_string(m->a);

			snprintf(why, sizeof(why), "its content was not read to the end: %s",
				r < ARCHIVE_WARN && text ? text : "it overlaps itself");
			/* archives inside are often odd on purpose: those of test suites */
			cut(m, m->o->failed ? NULL : why, m->o->depth == 0);
			return false;
		}
		if (!len)
			continue;
		if ((uint64_t)off + len > m->p->limits.max_file_bytes) {
			say_too_large(m);
			return false;
		}
		if ((uint64_t)off > m->end && !skip_hole(m, (uint64_t)off - m->end))
			return false;
		if (!pass_account(m->p, m->o, len)) {
			cut(m, NULL, true);
			return false;
		}
		if (m->is_hashed)
			EVP_DigestUpdate(m->level->sha, block, len);
		m->rest = block;
		m->rest_len = len;
		m->rest_off = (uint64_t)off;
		m->end = (uint64_t)off + len;
		return true;
	}
	m->is_end = true;
	/* a hole at the end */
	if (m->o->is_trusted_size && m->f->size > m->end) {
		if (m->f->size > m->p->limits.max_file_bytes)
			say_too_large(m);
		else
			skip_hole(m, m->f->size - m->end);
	}
	return false;
}

/* ---- windows -------------------------------------------------------------------------------- */

/* The level's window, for so many bytes, that nobody else looks at; what is at hand stays in it. */
static bool reserve(struct member *m, size_t size)
{
	struct window *w = m->level->window;

	if (w && size <= w->cap && window_is_alone(w))
		return true;
	size_t cap = FIRST_CAP;

	while (cap < size)
		cap *= 2;
	/* a tar says how much will come: it is not copied from small to large */
	if (m->o->is_trusted_size && m->f->size > cap)
		cap = (size_t)m->f->size;
	cap = cap < ANALYZER_WINDOW ? cap : ANALYZER_WINDOW;
	struct window *fresh = window_new(&m->p->crew.windows, cap);
	if (!fresh) {
		cut(m, "no memory left for its content", true);
		return false;
	}
	/* the window at hand may lie in it */
	if (w && m->win == w->bytes) {
		memcpy(fresh->bytes, w->bytes, m->len);
		m->win = fresh->bytes;
	}
	window_unref(w);
	m->level->window = fresh;
	return true;
}

/* Of the window at hand only its end stays, at the beginning of the next. */
static bool keep_end(struct member *m, size_t keep)
{
	const char *from = m->win + m->len - keep;
	struct window *w = m->level->window;

	m->off += m->len - keep;
	m->len = keep;
	if (!keep)
		return true;
	if (window_is_alone(w)) {
		memmove(w->bytes, from, keep);
		m->win = w->bytes;
		return true;
	}
	struct window *fresh = window_new(&m->p->crew.windows, w->cap);
	if (!fresh) {
		cut(m, "no memory left for its content", true);
		return false;
	}
	memcpy(fresh->bytes, from, keep);
	m->win = fresh->bytes;
	window_unref(w);
	m->level->window = fresh;
	return true;
}

/* The whole file in one block, shown where it lies: the block is good until the next is asked for.
 */
static bool take_whole(struct member *m)
{
	if (!m->o->is_trusted_size || m->rest_off || m->rest_len != m->f->size ||
		m->rest_len > ANALYZER_WINDOW)
		return false;
	m->win = m->rest;
	m->len = m->rest_len;
	m->rest_len = 0;
	m->is_end = true;
	return true;
}

/* Adds what was pulled to the window. False: the window is full, or the file goes on elsewhere. */
static bool append(struct member *m)
{
	uint64_t hole = m->rest_off - (m->off + m->len);

	if (m->len && hole > HOLE_SHOWN)
		return false;
	if (!m->len) {
		m->off = m->rest_off;
		hole = 0;
	}
	size_t room = ANALYZER_WINDOW - m->len, n = m->rest_len;

	if (hole >= room)
		return false;
	room -= (size_t)hole;
	n = n < room ? n : room;
	if (!reserve(m, m->len + (size_t)hole + n))
		return false;
	char *w = m->level->window->bytes;
	memset(w + m->len, 0, (size_t)hole);
	memcpy(w + m->len + hole, m->rest, n);
	m->win = w;
	m->len += (size_t)hole + n;
	m->rest += n;
	m->rest_off += n;
	m->rest_len -= n;
	return !m->rest_len;
}

/* The window behind the one at hand, with `overlap` bytes of that in front. False at the end. */
static bool next_window(struct member *m, size_t overlap)
{
	size_t keep = m->len < overlap ? m->len : overlap;

	if (m->is_end && !m->rest_len)
		return false;
	if (m->nwindows++ && !pass_has_time(m->p)) {
		cut(m, NULL, true);
		return false;
	}
	if (!keep_end(m, keep))
		return false;
	if (m->nwindows == 1 && pull(m) && take_whole(m))
		return true;
	/* behind a long hole nothing overlaps */
	if (m->rest_len && m->rest_off - (m->off + m->len) > HOLE_SHOWN)
		m->len = 0;
	size_t had = m->len;
	while ((m->rest_len || pull(m)) && append(m))
		;
	/* whether this is the last must be known when it is shown */
	if (!m->rest_len && !m->is_end)
		pull(m);
	return m->len > had;
}

/* ---- showing -------------------------------------------------------------------------------- */

static bool is_last(const struct member *m)
{
	return m->is_end && !m->rest_len;
}

static void show(struct member *m)
{
	struct pass *p = m->p;
	struct file_view v = {
		.file = m->f,
		.content = str_make(m->len ? m->win : "", m->len),
		.offset = m->off,
		.is_first = !m->is_shown,
		.is_last = is_last(m),
	};

	if (!m->is_shown) {
		m->is_text = m->off == 0 && content_is_text(v.content);
		m->is_elf = m->off == 0 && content_is_elf(v.content);
	}
	m->is_shown = true;
	v.is_text = m->is_text;
	v.is_elf = m->is_elf;
	v.has_sha256 =
		v.is_last && m->is_hashed && EVP_DigestFinal_ex(m->level->sha, v.sha256, NULL) == 1;
	if (v.is_first)
		m->starter = words_read(p, m->f, v.content, m->is_text);
	if (!m->want)
		return;
	crew_show(&p->crew,
		&(struct step){.file = *m->f,
			.view = v,
			.number = m->number,
			.want = m->want,
			.starter = m->starter,
			.has_view = true},
		m->level->window);
}

/* ---- archives ------------------------------------------------------------------------------- */

/* The member's bytes for who reads it as an archive: the window at hand, then those behind it. */
static ptrdiff_t give_windows(void *arg, const void **block)
{
	struct member *m = arg;

	if (m->ngiven++ && !next_window(m, 0))
		return 0;
	*block = m->win;
	return (ptrdiff_t)m->len;
}

static void open_archive(struct member *m, enum nested_kind kind)
{
	struct byte_source src = {give_windows, m};

	nested_read(m->o, m->f, kind, src, is_last(m) ? str_make(m->win, m->len) : STR_NULL);
	ledger_at_file(m->p->ledger, m->f, m->number);
	if (m->p->note)
		str_copy(m->f->path, m->p->note->path, sizeof(m->p->note->path));
}

static void show_all(struct member *m)
{
	do
		show(m);
	while (next_window(m, ANALYZER_OVERLAP));
}

void member_read(struct opened *o, struct archive *a, const struct artifact_file *f,
	uint64_t number, uint32_t want)
{
	struct pass *p = o->p;
	struct level *level = &p->levels[o->depth];
	struct member m = {.o = o,
		.p = p,
		.level = level,
		.a = a,
		.f = f,
		.number = number,
		.want = want,
		.is_hashed = (want & p->hashing) != 0};
	enum nested_kind kind = NESTED_NONE;

	if (m.is_hashed)
		EVP_DigestInit_ex(level->sha, p->md, NULL);
	next_window(&m, 0);
	if (m.len && m.off == 0)
		kind = nested_kind_of(str_make(m.win, m.len));
	bool is_large = !is_last(&m);
	if (kind && is_large)
		open_archive(&m, kind);
	/* the window at hand is the first, or the last that opening it needed */
	show_all(&m);
	if (kind && !is_large)
		open_archive(&m, kind);
	ledger_count(p->ledger, m.end, kind != NESTED_NONE);
	if (level->window && level->window->cap > FIRST_CAP) {
		window_unref(level->window);
		level->window = NULL;
	}
}
