/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text: what a call read or wrote, and vectors of strings. The forms and their layout are
 * those of sysdig's -A, -b, -x and -X. All of them are made of printable ASCII, tabs and newlines,
 * whatever the bytes are.
 */
#include <stdio.h>

#include "model/event/event.h"

enum { ROW_BYTES = 16 };

static bool is_print(char c)
{
	return (unsigned char)(c - 0x20) < 0x5f;
}

typedef unsigned char lane __attribute__((vector_size(16)));

/* Sixteen at a time: this is every byte that is read and written, as far as it was captured. */
static void dots(const char *from, size_t n, char *to)
{
	const lane none = {0}, blank = none + 0x20, span = none + 0x5f, dot = none + '.';

	for (; n >= sizeof(lane); n -= sizeof(lane), from += sizeof(lane), to += sizeof(lane)) {
		lane v, is;

		memcpy(&v, from, sizeof(v));
		is = (lane)(v - blank < span);
		v = (v & is) | (dot & ~is);
		memcpy(to, &v, sizeof(v));
	}
	for (size_t i = 0; i < n; i++)
		to[i] = is_print(from[i]) ? from[i] : '.';
}

static void add_dots(struct str raw, struct buf *out)
{
	char *room = buf_room(out, raw.len), tmp[256];

	if (room) {
		dots(raw.s, raw.len, room);
		buf_filled(out, raw.len);
		return;
	}
	while (raw.len) {
		size_t n = raw.len < sizeof(tmp) ? raw.len : sizeof(tmp);

		dots(raw.s, n, tmp);
		buf_add(out, str_make(tmp, n));
		raw = str_skip(raw, n);
	}
}

static void add_cut_dots(struct str raw, uint32_t max, struct buf *out)
{
	if (!max || raw.len <= max) {
		add_dots(raw, out);
		return;
	}
	add_dots(str_head(raw, max > 3 ? max - 3 : 0), out);
	buf_add(out, str_make("...", max < 3 ? max : 3));
}

/* A carriage return ends a line, and the newline behind it then does not. */
static void add_text(struct str raw, struct buf *out)
{
	buf_add_char(out, '\n');
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.s[i];

		if (is_print(c))
			buf_add_char(out, c);
		else if (c == '\r' || (c == '\n' && i > 0 && raw.s[i - 1] != '\r'))
			buf_add_char(out, '\n');
	}
}

/* RFC 4648 §4. */
static void add_base64(struct str raw, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < raw.len; i += 3) {
		uint32_t v = 0;
		char four[4];

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (i + k < raw.len ? (unsigned char)raw.s[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			four[k] = i + k > raw.len ? '=' : digits[v >> (18 - 6 * k) & 63];
		buf_add(out, str_make(four, sizeof(four)));
	}
}

static char *put_hex(char *p, unsigned byte)
{
	*p++ = "0123456789abcdef"[byte >> 4 & 15];
	*p++ = "0123456789abcdef"[byte & 15];
	return p;
}

/* "\n\t0x0010: 6572 2e2e 0a       er..." */
static void add_hex_row(struct str raw, size_t at, bool with_text, struct buf *out)
{
	struct str row = str_head(str_skip(raw, at), ROW_BYTES);
	char tmp[96], *p = tmp;

	p = mempcpy(p, "\n\t0x", 4);
	if (at >> 16)
		p += sprintf(p, "%zx", at >> 16);
	p = put_hex(p, (unsigned)at >> 8 & 0xff);
	p = put_hex(p, (unsigned)at & 0xff);
	*p++ = ':';
	for (size_t i = 0; i < row.len; i++) {
		if (i % 2 == 0)
			*p++ = ' ';
		p = put_hex(p, (unsigned char)row.s[i]);
	}
	if (with_text) {
		/* pairs that are missing count whole, a missing half does not */
		for (size_t i = (row.len + 1) / 2; i < ROW_BYTES / 2; i++)
			p = mempcpy(p, "     ", 5);
		p = mempcpy(p, "  ", 2);
		dots(row.s, row.len, p);
		p += row.len;
	}
	buf_add(out, str_make(tmp, (size_t)(p - tmp)));
}

void event_bytes_format(struct str bytes, const struct event_style *style, struct buf *out)
{
	if (!bytes.len)
		return;
	switch (style->bytes) {
	case BYTES_TEXT:
		add_text(bytes, out);
		break;
	case BYTES_BASE64:
		add_base64(bytes, out);
		break;
	case BYTES_HEX:
	case BYTES_HEX_TEXT:
		for (size_t at = 0; at < bytes.len && !out->cut; at += ROW_BYTES)
			add_hex_row(bytes, at, style->bytes == BYTES_HEX_TEXT, out);
		buf_add_char(out, '\n');
		break;
	default:
		add_cut_dots(bytes, style->max_bytes, out);
		break;
	}
}
