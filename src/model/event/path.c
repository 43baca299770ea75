/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining and cleaning paths as text. Never looks at a disk: a ".." goes up one name even where
 * the name is a symbolic link, as Falco does. Most paths are clean and are returned as they are.
 */
#include "model/event/event.h"

/* The next name of *p, slashes in front skipped; empty at the end. */
static struct str next_name(struct str *p)
{
	while (p->len && p->s[0] == '/')
		*p = str_skip(*p, 1);
	if (p->len == 0)
		return STR_NULL;
	ptrdiff_t end = str_find_char(*p, '/');
	struct str name = end < 0 ? *p : str_head(*p, (size_t)end);

	*p = str_skip(*p, name.len);
	return name;
}

static bool is_dots(struct str name)
{
	return str_eq(name, STR(".")) || str_eq(name, STR(".."));
}

typedef char lane __attribute__((vector_size(16)));

/* Not zero where a "//" or "/." begins, of the sixteen places from p on; p[16] is read as well. */
static inline lane bad_at(const char *p)
{
	const lane none = {0};
	lane at, behind;

	memcpy(&at, p, sizeof(at));
	memcpy(&behind, p + 1, sizeof(behind));
	return (lane)(at == none + '/') &
	       ((lane)(behind == none + '/') | (lane)(behind == none + '.'));
}

static bool is_long_clean(struct str p)
{
	/* the last places, some of which are looked at twice */
	lane bad = bad_at(p.s + p.len - sizeof(lane) - 1);
	uint64_t half[2];

	for (size_t i = 0; i + sizeof(lane) < p.len; i += sizeof(lane))
		bad |= bad_at(p.s + i);
	memcpy(half, &bad, sizeof(half));
	return (half[0] | half[1]) == 0;
}

/*
 * Nearly all paths: not one "//" or "/." in them, looked for in sixteen places at a time, and no
 * slash at the end. The others are for the exact look, name by name.
 */
static bool is_plainly_clean(struct str p)
{
	if (p.s[0] == '.' || p.s[p.len - 1] == '/')
		return false;
	if (p.len > sizeof(lane))
		return is_long_clean(p);
	for (size_t i = 0; i + 1 < p.len; i++)
		if (p.s[i] == '/' && (p.s[i + 1] == '/' || p.s[i + 1] == '.'))
			return false;
	return true;
}

static bool is_clean(struct str p)
{
	if (p.len == 0 || str_eq(p, STR("/")))
		return true;
	if (is_plainly_clean(p))
		return true;
	if (p.s[0] == '/')
		p = str_skip(p, 1);
	/* every name must be there: no "//", no slash at the end */
	for (;;) {
		ptrdiff_t end = str_find_char(p, '/');
		struct str name = end < 0 ? p : str_head(p, (size_t)end);

		if (name.len == 0 || is_dots(name))
			return false;
		if (end < 0)
			return true;
		p = str_skip(p, name.len + 1);
	}
}

/* Adds the names of p to out, which begins with `root` bytes that ".." cannot take away. */
static size_t add_names(char *out, size_t len, size_t root, struct str p)
{
	for (;;) {
		struct str name = next_name(&p);

		if (name.len == 0)
			return len;
		if (str_eq(name, STR(".")))
			continue;
		if (str_eq(name, STR(".."))) {
			while (len > root && out[--len] != '/')
				;
			continue;
		}
		if (len > root)
			out[len++] = '/';
		memcpy(out + len, name.s, name.len);
		len += name.len;
	}
}

static size_t join(char *out, struct str base, struct str path)
{
	char *end = str_put(out, base);

	*end++ = '/';
	return (size_t)(str_put(end, path) - out);
}

static size_t clean(char *out, struct str base, struct str path)
{
	size_t root = 0;

	if (base.len ? base.s[0] == '/' : path.s[0] == '/')
		out[root++] = '/';
	return add_names(out, add_names(out, root, root, base), root, path);
}

struct str path_normalise(struct arena *a, struct str base, struct str path)
{
	if (path.len && path.s[0] == '/')
		base = STR_NULL;
	if (base.len == 0 && is_clean(path))
		return path;
	if (path.len == 0 && is_clean(base))
		return base;
	char *out = arena_raw(a, base.len + path.len + 2);

	if (!out)
		return path;
	size_t len = base.len && is_plainly_clean(base) && is_plainly_clean(path)
			     ? join(out, base, path)
			     : clean(out, base, path);

	out[len] = '\0';
	return str_make(out, len);
}
