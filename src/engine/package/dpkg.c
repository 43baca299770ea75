/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg, of Debian and what comes from it: the status file (dpkg-query(1), deb822(5)), the fields
 * that distroless images keep one file a package in status.d/, and the lists of files beside them.
 * A package counts while any file of it can be there, so not one of which only the configuration is
 * left. Versions are not compared here.
 */
#include <stdlib.h>

#include "engine/package/private.h"

static bool is_status_dir(struct str dir)
{
	return str_is(dir, "/var/lib/dpkg/status.d");
}

bool dpkg_wants_status(struct str path)
{
	return str_is(path, "/var/lib/dpkg/status") ||
	       (is_status_dir(path_dir(path)) && !str_ends(path, STR(".md5sums")));
}

bool dpkg_wants_list(struct str path)
{
	return str_is(path_dir(path), "/var/lib/dpkg/info") && str_ends(path, STR(".list"));
}

bool dpkg_wants_md5sums(struct str path)
{
	struct str dir = path_dir(path);

	return (str_is(dir, "/var/lib/dpkg/info") || is_status_dir(dir)) &&
	       str_ends(path, STR(".md5sums"));
}

/* "name (version)", the version only where it differs from the package's own. */
static void take_source(struct artifact_package *p, struct str value)
{
	ptrdiff_t open = str_find_char(value, '(');

	p->source = str_trim(open < 0 ? value : str_head(value, (size_t)open));
	if (open >= 0 && value.s[value.len - 1] == ')') {
		struct str inside = str_skip(value, (size_t)open + 1);

		p->source_version = str_trim(str_head(inside, inside.len - 1));
	}
}

/* The third word of "install ok installed". Without a status (distroless) it is installed. */
static bool is_installed(struct str status)
{
	ptrdiff_t blank = str_rfind_char(status, ' ');
	struct str word = blank < 0 ? status : str_skip(status, (size_t)blank + 1);

	return !str_is(word, "not-installed") && !str_is(word, "config-files");
}

static void take_field(
	struct artifact_package *p, struct str *status, struct str key, struct str value)
{
	if (str_ieq(key, STR("Package")))
		p->name = value;
	else if (str_ieq(key, STR("Version")))
		p->version = value;
	else if (str_ieq(key, STR("Architecture")))
		p->arch = value;
	else if (str_ieq(key, STR("Source")))
		take_source(p, value);
	else if (str_ieq(key, STR("Maintainer")))
		p->maintainer = value;
	else if (str_ieq(key, STR("Status")))
		*status = value;
}

int dpkg_parse_status(struct package_job *j)
{
	struct str rest = j->content;
	bool bad = false;

	while (rest.len) {
		struct artifact_package p = {0};
		struct str key, value, status = STR_NULL;
		size_t nfields = 0;

		while (text_field(&rest, &key, &value)) {
			nfields++;
			take_field(&p, &status, key, value);
		}
		if (!p.name.len || !p.version.len) {
			/* a package that was purged keeps a paragraph without a version */
			bad |= nfields && is_installed(status);
			continue;
		}
		if (!is_installed(status))
			continue;
		if (!p.source.len)
			p.source = p.name;
		if (!p.source_version.len)
			p.source_version = p.version;
		if (!job_emit(j, &p))
			return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	}
	return bad ? job_bad(j, "a paragraph in it has no Package or no Version") : 0;
}

/* "libc6:amd64.list" is about libc6 of amd64. */
static struct artifact_package package_of_file(struct str path, size_t suffix)
{
	struct str base = path_base(path);
	struct artifact_package p = {.name = str_head(base, base.len - suffix)};
	ptrdiff_t colon = str_find_char(p.name, ':');

	if (colon >= 0) {
		p.arch = str_skip(p.name, (size_t)colon + 1);
		p.name = str_head(p.name, (size_t)colon);
	}
	return p;
}

/* The folders in which the files of a list lie, as sorted hashes. NULL: there are none. */
static uint64_t *list_folders(struct package_job *j, size_t *ret_n)
{
	struct str rest = j->content, line, last = STR_NULL;
	size_t n = 0, max = 0;

	for (struct str r = rest; text_line(&r, &line);)
		max++;
	uint64_t *folders = max ? arena_array(j->a, uint64_t, max) : NULL;
	while (folders && text_line(&rest, &line)) {
		struct str dir = path_dir(line);

		if (!dir.len || str_eq(dir, last))
			continue;
		folders[n++] = str_hash(dir);
		last = dir;
	}
	if (n)
		qsort(folders, n, sizeof(folders[0]), compare_hashes);
	*ret_n = n;
	return folders;
}

/* Folders are in the list, too; they belong to everybody and so to nobody. */
int dpkg_parse_list(struct package_job *j)
{
	struct artifact_package p = package_of_file(j->path, strlen(".list"));
	struct str rest = j->content, line;
	size_t n = 0;
	uint64_t *folders = list_folders(j, &n);

	while (text_line(&rest, &line)) {
		uint64_t hash = str_hash(line);

		if (str_starts(line, STR("/")) && !str_is(line, "/.") &&
			!(n && bsearch(&hash, folders, n, sizeof(hash), compare_hashes)))
			job_own(j, line);
	}
	job_emit(j, &p);
	return 0;
}

/* md5sum(1): 32 digits, two blanks, a path without its first "/". */
int dpkg_parse_md5sums(struct package_job *j)
{
	struct artifact_package p = package_of_file(j->path, strlen(".md5sums"));
	struct str rest = j->content, line;

	while (text_line(&rest, &line))
		if (line.len > 34 && line.s[32] == ' ')
			job_own(j, str_skip(line, 34));
	job_emit(j, &p);
	return 0;
}
