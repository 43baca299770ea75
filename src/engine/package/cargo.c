/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rust programs that cargo-auditable built: the section .dep-v0 holds zlib-compressed JSON
 * (github.com/rust-secure-code/cargo-auditable, PARSING.md): packages with name, version, source,
 * kind ("build" for what ran only while it was built) and root for the program itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "engine/package/private.h"

enum {
	CARGO_JSON_BYTES = 8 << 20, /* as the reference parser allows */
	CARGO_STEP_BYTES = 256 << 10,
};

/* Inflates into a buffer of the heap. What came before an error is kept. */
static char *inflate_section(struct str section, size_t *ret_len, bool *ret_whole)
{
	z_stream z = {.next_in = (Bytef *)section.s, .avail_in = (uInt)section.len};
	char *out = NULL;
	size_t len = 0, cap = 0;
	int r = Z_OK;

	if (inflateInit(&z) != Z_OK)
		return NULL;
	while (r == Z_OK && len < CARGO_JSON_BYTES) {
		if (len == cap) {
			char *more = realloc(out, cap + CARGO_STEP_BYTES);

			if (!more)
				break;
			out = more;
			cap += CARGO_STEP_BYTES;
		}
		z.next_out = (Bytef *)out + len;
		z.avail_out = (uInt)(cap - len);
		r = inflate(&z, Z_NO_FLUSH);
		len = cap - z.avail_out;
	}
	inflateEnd(&z);
	*ret_len = len;
	*ret_whole = r == Z_STREAM_END;
	return out;
}

static bool take_package(struct package_job *j, struct pull *v)
{
	struct artifact_package p = {0};
	struct str key, kind = STR_NULL, name = STR_NULL, version = STR_NULL;

	if (!pull_enter(v, '{')) {
		pull_skip(v);
		return true;
	}
	while (pull_key(v, &key)) {
		if (str_is(key, "name"))
			pull_text(v, j->a, &name);
		else if (str_is(key, "version"))
			pull_text(v, j->a, &version);
		else if (str_is(key, "kind"))
			pull_string(v, &kind);
		else
			pull_skip(v);
	}
	if (v->bad || str_is(kind, "build"))
		return true;
	/* the text is freed when the parser returns, the package may be kept in the arena */
	p.name = arena_str(j->a, name);
	p.version = arena_str(j->a, version);
	return job_emit(j, &p);
}

int cargo_parse(struct package_job *j, struct str section)
{
	size_t len = 0;
	bool whole = false;
	char *text = inflate_section(section, &len, &whole);
	struct pull v = pull_of(str_make(text, len));
	struct str key;

	if (text && pull_enter(&v, '{'))
		while (pull_key(&v, &key)) {
			if (!str_is(key, "packages") || !pull_enter(&v, '[')) {
				pull_skip(&v);
				continue;
			}
			while (pull_item(&v))
				if (!take_package(j, &v))
					v.bad = true;
		}
	free(text);
	return v.bad || !whole ? job_bad(j, "its section .dep-v0 is damaged") : 0;
}
