/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PHP packages: vendor/composer/installed.json, which Composer keeps of what it installed: since
 * version 2 {"packages": […]}, before it the list alone (getcomposer.org, "The composer.json
 * Schema").
 */
#include "engine/package/private.h"

bool composer_wants(struct str path)
{
	return str_ends(path, STR("/composer/installed.json")) && str_find_char(path, '!') < 0;
}

/* "MIT", or a list of which the first is taken. */
static void take_license(struct package_job *j, struct pull *v, struct artifact_package *p)
{
	if (!pull_enter(v, '[')) {
		pull_text(v, j->a, &p->license);
		return;
	}
	while (pull_item(v))
		if (p->license.len || !pull_text(v, j->a, &p->license))
			pull_skip(v);
}

static bool take_package(struct package_job *j, struct pull *v)
{
	struct artifact_package p = {0};
	struct str key;

	if (!pull_enter(v, '{')) {
		pull_skip(v);
		return true;
	}
	while (pull_key(v, &key)) {
		if (str_is(key, "name"))
			pull_text(v, j->a, &p.name);
		else if (str_is(key, "version"))
			pull_text(v, j->a, &p.version);
		else if (str_is(key, "license"))
			take_license(j, v, &p);
		else
			pull_skip(v);
	}
	ptrdiff_t slash = str_find_char(p.name, '/');
	if (slash > 0) {
		p.group = str_head(p.name, (size_t)slash);
		p.name = str_skip(p.name, (size_t)slash + 1);
	}
	return v->bad || job_emit(j, &p);
}

static int take_list(struct package_job *j, struct pull *v)
{
	while (pull_item(v))
		if (!take_package(j, v))
			return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	return v->bad ? job_bad(j, "is broken JSON") : 0;
}

int composer_parse(struct package_job *j)
{
	struct pull v = pull_of(j->content);
	struct str key;

	if (pull_enter(&v, '['))
		return take_list(j, &v);
	if (!pull_enter(&v, '{'))
		return job_bad(j, "is no list of packages");
	while (pull_key(&v, &key)) {
		if (str_is(key, "packages") && pull_enter(&v, '[')) {
			int r = take_list(j, &v);

			if (r < 0)
				return r;
		} else {
			pull_skip(&v);
		}
	}
	return v.bad ? job_bad(j, "is broken JSON") : 0;
}
