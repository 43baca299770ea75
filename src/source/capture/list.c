/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List blocks (processes, descriptors, users, interfaces), entry by entry: a machine with many
 * threads makes a block of many megabytes, and a hostile file may say four gigabytes, so that no
 * block of them is ever held as a whole. What an entry holds is its reader's matter.
 */
#include <errno.h>

#include "source/capture/read.h"

int list_window(struct list *l, struct cursor *ret, bool *is_cut, struct err *e)
{
	size_t want = l->left < ENTRY_MAX_BYTES ? (size_t)l->left : ENTRY_MAX_BYTES;

	if (l->left < 4) /* padding */
		return 0;
	ssize_t have = input_want(&l->c->in, want, e);
	if (have < 0)
		return (int)have;
	*is_cut = (size_t)have < want;
	*ret = cursor_of(input_at(&l->c->in), *is_cut ? (size_t)have : want);
	return 1;
}

int list_skip(struct list *l, uint64_t n, struct err *e)
{
	ssize_t done = input_skip(&l->c->in, n, e);

	if (done < 0)
		return (int)done;
	if ((uint64_t)done < n)
		return read_cut_off(l->c, &l->block, e);
	l->left -= n;
	return 0;
}

/* An entry that says how long it is. */
static int read_sized(struct list *l, struct list_shape shape, entry_reader read, unsigned version,
	struct cursor in, bool is_cut, struct err *e)
{
	uint64_t size = (uint64_t)cursor_u32(&in) + (shape.counts_itself ? 0 : 4);

	if (in.bad)
		return read_cut_off(l->c, &l->block, e);
	if (size < 4 || size > l->left) {
		l->c->info.bad_entries++;
		return list_skip(l, l->left, e);
	}
	if (size - 4 > cursor_left(&in)) {
		if (is_cut)
			return read_cut_off(l->c, &l->block, e);
		l->c->info.bad_entries++;
		return list_skip(l, size, e);
	}
	struct cursor entry = cursor_of(in.p, (size_t)size - 4);
	if (!read(l->c, &entry, version))
		l->c->info.bad_entries++;
	return list_skip(l, size, e);
}

/* One that doesn't: the next begins where this one was read to. */
static int read_unsized(struct list *l, entry_reader read, unsigned version, struct cursor in,
	bool is_cut, struct err *e)
{
	const uint8_t *start = in.p;
	bool ok = read(l->c, &in, version);

	if (in.bad && is_cut)
		return read_cut_off(l->c, &l->block, e);
	if (!ok)
		l->c->info.bad_entries++;
	return list_skip(l, in.bad ? l->left : (uint64_t)(in.p - start), e);
}

int read_list(
	struct list *l, struct list_shape shape, entry_reader read, unsigned version, struct err *e)
{
	struct cursor in;
	bool is_cut;
	int r;

	while ((r = list_window(l, &in, &is_cut, e)) > 0) {
		r = shape.has_length ? read_sized(l, shape, read, version, in, is_cut, e)
				     : read_unsized(l, read, version, in, is_cut, e);
		if (r < 0)
			return r;
	}
	return r;
}

/* NULs at the end separate nothing. */
struct str cursor_str16(struct cursor *c)
{
	struct str s = cursor_str(c, cursor_u16(c));

	while (s.len && s.s[s.len - 1] == 0)
		s.len--;
	return s;
}

struct str cursor_cstr16(struct cursor *c)
{
	struct str s = cursor_str(c, cursor_u16(c));

	return s.len ? str_make(s.s, strnlen(s.s, s.len)) : s;
}
