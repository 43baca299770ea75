/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a request line and headers say, decoded once and strictly: a path that could mean two things
 * is refused, not repaired.
 */
#include "base/arena.h"

enum { PARAMS_MAX = 32, SEGMENTS_MAX = 8 };

struct param {
	struct str name, value; /* decoded, valid UTF-8, without NUL */
};

struct url_params {
	struct param p[PARAMS_MAX];
	size_t n;
};

struct path {
	struct str segment[SEGMENTS_MAX]; /* decoded; "/" has none */
	size_t n;
};

/*
 * Percent-decoding into the arena, '+' as a blank if is_form. False for half an escape, NUL, other
 * control bytes (a newline in a form's value is none), bad UTF-8.
 */
bool url_decode(struct arena *a, struct str s, bool is_form, struct str *ret);
/*
 * "/api/v1/findings/x%20y" to segments. False for what is empty ("//"), ".", "..", or holds a
 * control byte; a '/' at the end is one as well, except of the root. An escaped '/' is a part of
 * its segment, as names of rules have some: who makes a file's name of one checks it.
 */
bool url_parse_path(struct arena *a, struct str path, struct path *ret);
/* "a=1&b=%20", at most PARAMS_MAX; a name that comes twice is refused. */
bool url_parse_query(struct arena *a, struct str query, struct url_params *ret);
/* STR_NULL when it is not there. */
struct str params_get(const struct url_params *p, const char *name);
/* One cookie of a Cookie header (RFC 6265); STR_NULL when it is not there, or there twice. */
struct str cookie_get(struct str header, struct str name);
/* "name[:port]" (RFC 9110, 7.2): the name without brackets, the port or 0. False for another. */
bool host_parse(struct str header, struct str *name, uint16_t *port);
/* 127.0.0.0/8, ::1, localhost: what a browser on this machine says when it means this machine. */
bool host_is_loopback(struct str name);
