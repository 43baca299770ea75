/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths, lines and "Key: value" paragraphs, as several package managers write them (deb822(5), RFC
 * 822 as Python's core metadata uses it, jar manifests). It knows no key.
 */
#include "engine/package/private.h"

struct str path_dir(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? STR_NULL : str_head(path, (size_t)slash);
}

struct str path_base(struct str path)
{
	ptrdiff_t slash = str_rfind_char(path, '/');

	return slash < 0 ? path : str_skip(path, (size_t)slash + 1);
}

struct str path_parent(struct str path)
{
	return path_base(path_dir(path));
}

bool text_line(struct str *rest, struct str *line)
{
	if (!rest->len)
		return false;
	*line = str_cut(rest, '\n');
	if (line->len && line->s[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool is_blank(struct str line)
{
	return str_trim(line).len == 0;
}

bool text_field(struct str *rest, struct str *key, struct str *value)
{
	struct str line;

	while (text_line(rest, &line)) {
		if (is_blank(line)) {
			while (rest->len && (rest->s[0] == '\n' || rest->s[0] == '\r'))
				*rest = str_skip(*rest, 1);
			return false;
		}
		if (line.s[0] == ' ' || line.s[0] == '\t')
			continue;
		ptrdiff_t colon = str_find_char(line, ':');
		if (colon <= 0)
			continue;
		*key = str_head(line, (size_t)colon);
		*value = str_trim(str_skip(line, (size_t)colon + 1));
		return true;
	}
	return false;
}
