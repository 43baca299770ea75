/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .NET: NAME.deps.json beside a program (dotnet/sdk, "Runtime Configuration Files"): "libraries"
 * has a key NAME/VERSION for all that it was built with. Those of type "package" came from NuGet;
 * the program itself ("project") and parts of the runtime did not.
 */
#include "engine/package/private.h"

bool nuget_wants(struct str path)
{
	return str_ends(path, STR(".deps.json")) && str_find_char(path, '!') < 0;
}

static bool take_library(struct package_job *j, struct pull *v, struct str name)
{
	struct artifact_package p = {0};
	struct str key, type = STR_NULL;
	ptrdiff_t slash = str_find_char(name, '/');

	if (!pull_enter(v, '{')) {
		pull_skip(v);
		return true;
	}
	while (pull_key(v, &key))
		if (str_is(key, "type"))
			pull_string(v, &type);
		else
			pull_skip(v);
	if (v->bad || !str_is(type, "package") || slash <= 0)
		return true;
	p.name = str_head(name, (size_t)slash);
	p.version = str_skip(name, (size_t)slash + 1);
	return job_emit(j, &p);
}

int nuget_parse(struct package_job *j)
{
	struct pull v = pull_of(j->content);
	struct str key, name;

	if (!pull_enter(&v, '{'))
		return job_bad(j, "is no JSON object");
	while (pull_key(&v, &key)) {
		if (!str_is(key, "libraries") || !pull_enter(&v, '{')) {
			pull_skip(&v);
			continue;
		}
		while (pull_key(&v, &name))
			if (!take_library(j, &v, name))
				return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	}
	return v.bad ? job_bad(j, "is broken JSON") : 0;
}
