/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node.js modules: the package.json of what is installed (docs.npmjs.com, "package.json"): below
 * node_modules, and where Debian keeps modules. What an application asks for (its own package.json,
 * lock files) is not what is there, and is left out, as are modules' own tests and examples.
 */
#include "engine/package/private.h"

bool npm_wants(struct str path)
{
	if (!str_is(path_base(path), "package.json") || str_find_char(path, '!') >= 0)
		return false;
	struct str module = path_dir(path), dir = path_dir(module);

	if (str_starts(path_base(dir), STR("@")))
		dir = path_dir(dir);
	return str_is(path_base(dir), "node_modules") || str_is(dir, "/usr/share/nodejs") ||
	       str_is(dir, "/usr/lib/nodejs");
}

/* "MIT", or {"type": "MIT"} as old modules have it. */
static void take_license(struct package_job *j, struct pull *v, struct artifact_package *p)
{
	struct str key;

	if (!pull_enter(v, '{')) {
		pull_text(v, j->a, &p->license);
		return;
	}
	while (pull_key(v, &key))
		if (str_is(key, "type"))
			pull_text(v, j->a, &p->license);
		else
			pull_skip(v);
}

/* "A Name <mail>", or {"name": "A Name"}. */
static void take_author(struct package_job *j, struct pull *v, struct artifact_package *p)
{
	struct str key;

	if (!pull_enter(v, '{')) {
		pull_text(v, j->a, &p->maintainer);
		return;
	}
	while (pull_key(v, &key))
		if (str_is(key, "name"))
			pull_text(v, j->a, &p->maintainer);
		else
			pull_skip(v);
}

static void split_scope(struct artifact_package *p)
{
	ptrdiff_t slash = str_find_char(p->name, '/');

	if (str_starts(p->name, STR("@")) && slash > 1) {
		p->group = str_head(p->name, (size_t)slash);
		p->name = str_skip(p->name, (size_t)slash + 1);
	}
}

int npm_parse(struct package_job *j)
{
	struct pull v = pull_of(j->content);
	struct artifact_package p = {0};
	struct str key;

	if (!pull_enter(&v, '{'))
		return job_bad(j, "is no JSON object");
	while (pull_key(&v, &key)) {
		if (str_is(key, "name"))
			pull_text(&v, j->a, &p.name);
		else if (str_is(key, "version"))
			pull_text(&v, j->a, &p.version);
		else if (str_is(key, "license"))
			take_license(j, &v, &p);
		else if (str_is(key, "author"))
			take_author(j, &v, &p);
		else
			pull_skip(&v);
	}
	split_scope(&p);
	/* without a version it is no package but a mark in a folder ({"type": "module"}) */
	if (p.name.len && p.version.len)
		job_emit(j, &p);
	return v.bad ? job_bad(j, "is broken JSON") : 0;
}
