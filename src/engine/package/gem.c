/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ruby gems: the specification that RubyGems writes when it installs one (guides.rubygems.org,
 * "Specification Reference"). It is a Ruby program, but a generated one: each attribute that is
 * wanted stands on a line of its own with a quoted value. Nothing is run.
 */
#include "engine/package/private.h"

bool gem_wants(struct str path)
{
	struct str dir = path_dir(path);

	if (!str_ends(path, STR(".gemspec")) || str_find_char(path, '!') >= 0)
		return false;
	return str_is(path_base(dir), "specifications") ||
	       (str_is(path_base(dir), "default") && str_is(path_parent(dir), "specifications"));
}

/* "s.KEY = …": the key, and what is behind the sign. */
static bool attribute(struct str line, struct str *key, struct str *value)
{
	ptrdiff_t dot = str_find_char(line, '.'), equals = str_find_char(line, '=');

	if (dot <= 0 || equals < dot)
		return false;
	*key = str_trim(str_make(line.s + dot + 1, (size_t)(equals - dot - 1)));
	*value = str_skip(line, (size_t)equals + 1);
	return true;
}

/* The first string in quotes: of `"MIT".freeze`, `["MIT"]`, `Gem::Version.new("1")`. */
static struct str quoted(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.s[i] == '"' || value.s[i] == '\'') {
			struct str rest = str_skip(value, i + 1);
			ptrdiff_t end = str_find_char(rest, value.s[i]);

			return end < 0 ? STR_NULL : str_head(rest, (size_t)end);
		}
	return STR_NULL;
}

static void take_if_empty(struct str *to, struct str value)
{
	if (!to->len)
		*to = quoted(value);
}

/* NAME-VERSION.gemspec, for what the text does not say. */
static void take_file_name(struct package_job *j, struct artifact_package *p)
{
	struct str base = path_base(j->path);

	base.len -= strlen(".gemspec");
	for (size_t i = base.len; i-- > 1;)
		if (base.s[i - 1] == '-' && base.s[i] >= '0' && base.s[i] <= '9') {
			p->name = p->name.len ? p->name : str_head(base, i - 1);
			p->version = p->version.len ? p->version : str_skip(base, i);
			return;
		}
}

int gem_parse(struct package_job *j)
{
	struct artifact_package p = {0};
	struct str rest = j->content, line, key, value;

	while (text_line(&rest, &line)) {
		if (!attribute(line, &key, &value))
			continue;
		if (str_is(key, "name"))
			take_if_empty(&p.name, value);
		else if (str_is(key, "version"))
			take_if_empty(&p.version, value);
		else if (str_is(key, "license") || str_is(key, "licenses"))
			take_if_empty(&p.license, value);
		else if (str_is(key, "author") || str_is(key, "authors"))
			take_if_empty(&p.maintainer, value);
		else if (str_is(key, "platform"))
			take_if_empty(&p.arch, value);
	}
	take_file_name(j, &p);
	if (!p.name.len || !p.version.len)
		return job_bad(j, "is a gem's specification without name or version");
	job_emit(j, &p);
	return 0;
}
