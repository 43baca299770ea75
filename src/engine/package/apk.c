/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apk, of Alpine, Wolfi and others: the installed database, a text of paragraphs whose keys are one
 * letter (apk-tools 2, "APKINDEX format" and "Installed DB" in its wiki and in src/database.c):
 * P name, V version, A architecture, L licence, o origin, m maintainer, F a folder, R a file in it.
 */
#include "engine/package/private.h"

bool apk_wants(struct str path)
{
	return str_is(path, "/lib/apk/db/installed") || str_is(path, "/usr/lib/apk/db/installed");
}

static void take_line(
	struct package_job *j, struct artifact_package *p, struct str *dir, struct str line)
{
	struct str value = str_skip(line, 2);

	switch (line.s[0]) {
	case 'P':
		p->name = value;
		break;
	case 'V':
		p->version = value;
		break;
	case 'A':
		p->arch = value;
		break;
	case 'L':
		p->license = value;
		break;
	case 'o':
		p->source = value;
		break;
	case 'm':
		p->maintainer = value;
		break;
	case 'F':
		*dir = value;
		break;
	case 'R':
		job_own_in(j, *dir, value);
		break;
	}
}

/* False: enough. */
static bool end_package(struct package_job *j, struct artifact_package *p, bool *bad)
{
	bool more = true;

	if (p->name.len && p->version.len) {
		if (!p->source.len)
			p->source = p->name;
		p->source_version = p->version;
		more = job_emit(j, p);
	} else {
		*bad |= p->name.len || p->version.len || j->nfiles;
		job_drop_files(j);
	}
	*p = (struct artifact_package){0};
	return more;
}

int apk_parse(struct package_job *j)
{
	struct artifact_package p = {0};
	struct str rest = j->content, line, dir = STR_NULL;
	bool bad = false, more = true;

	while (more && text_line(&rest, &line)) {
		if (!line.len) {
			more = end_package(j, &p, &bad);
			dir = STR_NULL;
		} else if (line.len > 2 && line.s[1] == ':') {
			take_line(j, &p, &dir, line);
		} else if (line.len != 2 || line.s[1] != ':') {
			bad = true;
		}
	}
	if (!more || !end_package(j, &p, &bad))
		return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	return bad ? job_bad(j, "has lines that apk does not write") : 0;
}
