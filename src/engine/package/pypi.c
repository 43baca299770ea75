/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Python packages as they are installed: METADATA of a .dist-info folder (PEP 376, PEP 566),
 * PKG-INFO of the older .egg-info, which may be a file itself, and RECORD, the list of files (PEP
 * 376: CSV of path, hash, size; paths relative to the folder in which the .dist-info lies).
 */
#include "engine/package/private.h"

bool pypi_wants_metadata(struct str path)
{
	struct str base = path_base(path), parent = path_parent(path);

	if (str_find_char(path, '!') >= 0)
		return false;
	if (str_is(base, "METADATA"))
		return str_ends(parent, STR(".dist-info"));
	if (str_is(base, "PKG-INFO"))
		return str_ends(parent, STR(".egg-info")) || str_is(parent, "EGG-INFO");
	return str_ends(base, STR(".egg-info"));
}

bool pypi_wants_record(struct str path)
{
	return str_is(path_base(path), "RECORD") &&
	       str_ends(path_parent(path), STR(".dist-info")) && str_find_char(path, '!') < 0;
}

int pypi_parse_metadata(struct package_job *j)
{
	struct artifact_package p = {0};
	struct str rest = j->content, key, value, author = STR_NULL;

	while (text_field(&rest, &key, &value)) {
		if (str_ieq(key, STR("Name")))
			p.name = value;
		else if (str_ieq(key, STR("Version")))
			p.version = value;
		else if (str_ieq(key, STR("License-Expression")) ||
			 (str_ieq(key, STR("License")) && !p.license.len))
			p.license = value;
		else if (str_ieq(key, STR("Author")) || str_ieq(key, STR("Author-email")))
			author = author.len ? author : value;
		else if (str_ieq(key, STR("Maintainer")))
			p.maintainer = value;
	}
	if (!p.name.len || !p.version.len)
		return job_bad(j, "has no Name or no Version");
	if (str_is(p.license, "UNKNOWN"))
		p.license = STR_NULL;
	if (!p.maintainer.len)
		p.maintainer = author;
	job_emit(j, &p);
	return 0;
}

/* A field of CSV (RFC 4180), without quotes if it has none inside. */
static struct str csv_field(struct str line)
{
	if (!str_starts(line, STR("\"")))
		return str_cut(&line, ',');
	line = str_skip(line, 1);
	ptrdiff_t quote = str_find_char(line, '"');
	return quote < 0 ? STR_NULL : str_head(line, (size_t)quote);
}

int pypi_parse_record(struct package_job *j)
{
	struct str rest = j->content, line, site = path_dir(path_dir(j->path));
	struct artifact_package p = {.name = path_parent(j->path)};

	while (text_line(&rest, &line)) {
		struct str file = csv_field(line), dir = site;

		while (str_starts(file, STR("../"))) {
			file = str_skip(file, 3);
			dir = path_dir(dir);
		}
		if (str_starts(file, STR("/")))
			job_own(j, file);
		else if (file.len && str_find(file, STR("../")) < 0)
			job_own_in(j, dir, file);
	}
	job_emit(j, &p);
	return 0;
}
