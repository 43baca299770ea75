/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images in registries, split as Docker does (distribution/reference):
 * NAME[:TAG][@DIGEST]. The part before the first slash is a registry only if it looks like a host:
 * it has a dot, a colon or a capital in it, or is "localhost". What is left belongs to docker.io,
 * and a single word there to its library.
 */
#include <errno.h>

#include "source/image/private.h"

static bool is_digit_or_small(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

static bool is_host_char(char c)
{
	return is_digit_or_small(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == ':' ||
	       c == '[' || c == ']' || c == '_';
}

static bool is_host(struct str s)
{
	struct str port = STR_NULL;
	ptrdiff_t colon = str_rfind_char(s, ':');
	uint64_t n;

	for (size_t i = 0; i < s.len; i++)
		if (!is_host_char(s.s[i]))
			return false;
	if (s.s[0] == '[') { /* IPv6 */
		ptrdiff_t end = str_find_char(s, ']');

		if (end < 3)
			return false;
		s = str_skip(s, (size_t)end + 1);
		return !s.len || (s.s[0] == ':' && str_to_u64(str_skip(s, 1), 10, &n) && n < 65536);
	}
	if (colon >= 0) {
		port = str_skip(s, (size_t)colon + 1);
		s = str_head(s, (size_t)colon);
		if (!str_to_u64(port, 10, &n) || n == 0 || n > 65535)
			return false;
	}
	return s.len && s.len < 256 && str_find_char(s, ':') < 0 && s.s[0] != '.' && s.s[0] != '-';
}

/* Words of small letters and digits with one separator between two: "a", "a.b", "a__b", "a---b". */
static bool is_component(struct str s)
{
	size_t i = 0;

	for (;;) {
		size_t from = i;

		while (i < s.len && is_digit_or_small(s.s[i]))
			i++;
		if (i == from)
			return false;
		if (i == s.len)
			return true;
		if (s.s[i] == '-')
			while (i < s.len && s.s[i] == '-')
				i++;
		else if (str_starts(str_skip(s, i), STR("__")))
			i += 2;
		else if (s.s[i] == '.' || s.s[i] == '_')
			i++;
		else
			return false;
	}
}

static bool is_repository(struct str s)
{
	struct str rest = s;

	if (!s.len || s.len > 255)
		return false;
	while (rest.s)
		if (!is_component(str_cut(&rest, '/')))
			return false;
	return true;
}

static bool is_tag(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];
		bool is_word = is_digit_or_small(c) || (c >= 'A' && c <= 'Z') || c == '_';

		if (!is_word && (i == 0 || (c != '.' && c != '-')))
			return false;
	}
	return s.len > 0 && s.len <= 128;
}

static bool looks_like_host(struct str s)
{
	if (str_is(s, "localhost"))
		return true;
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] == '.' || s.s[i] == ':' || (s.s[i] >= 'A' && s.s[i] <= 'Z'))
			return true;
	return false;
}

static int split(struct str name, struct artifact_image *ret, struct err *e)
{
	ptrdiff_t at = str_find_char(name, '@'), slash, colon;
	struct str rest = name;

	if (at >= 0) {
		ret->digest = str_skip(rest, (size_t)at + 1);
		rest = str_head(rest, (size_t)at);
		if (!digest_is_valid(ret->digest))
			return err_set(e, EINVAL,
				"\"%.*s\" is no digest: it is sha256: and 64 hex digits",
				STR_ARG(str_head(ret->digest, 140)));
	}
	slash = str_rfind_char(rest, '/');
	colon = str_rfind_char(rest, ':');
	if (colon > slash) {
		ret->tag = str_skip(rest, (size_t)colon + 1);
		rest = str_head(rest, (size_t)colon);
		if (!is_tag(ret->tag))
			return err_set(e, EINVAL,
				"\"%.*s\" is no tag: at most 128 letters, digits, \"_\", \".\" and "
				"\"-\", not with \".\" or \"-\" in front",
				STR_ARG(str_head(ret->tag, 140)));
	}
	slash = str_find_char(rest, '/');
	ret->registry = STR("docker.io");
	ret->repository = rest;
	if (slash > 0 && looks_like_host(str_head(rest, (size_t)slash))) {
		ret->registry = str_head(rest, (size_t)slash);
		ret->repository = str_skip(rest, (size_t)slash + 1);
		if (!is_host(ret->registry))
			return err_set(e, EINVAL, "\"%.*s\" is no name of a registry (HOST[:PORT])",
				STR_ARG(str_head(ret->registry, 140)));
	}
	return 0;
}

int image_parse_name(struct str name, struct arena *a, struct artifact_image *ret, struct err *e)
{
	struct artifact_image got = {.ref = arena_str(a, name)};
	int r = split(got.ref, &got, e);

	if (r < 0)
		return r;
	if (str_is(got.registry, "index.docker.io") || str_is(got.registry, "registry-1.docker.io"))
		got.registry = STR("docker.io");
	if (!is_repository(got.repository))
		return err_set(e, EINVAL,
			"\"%.*s\" is no name of an image: names have lower-case letters, digits, "
			"and "
			"\".\", \"_\", \"-\" between them; for a file or folder write oci:PATH, "
			"docker-archive:PATH or dir:PATH",
			STR_ARG(str_head(name, 300)));
	if (str_is(got.registry, "docker.io") && str_find_char(got.repository, '/') < 0)
		got.repository = arena_printf(a, "library/%.*s", STR_ARG(got.repository));
	if (!got.tag.len && !got.digest.len)
		got.tag = STR("latest");
	if (a->failed)
		return err_set(e, ENOMEM, "out of memory");
	*ret = got;
	return 0;
}
