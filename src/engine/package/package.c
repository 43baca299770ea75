/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of all parsers, and the way to them. It knows no format; binaries, which are found by
 * their content and come in windows, are in binary.c.
 */
#include <errno.h>

#include "engine/package/private.h"

#define DATABASE PACKAGE_DATABASE_BYTES
#define METADATA PACKAGE_METADATA_BYTES

static const struct package_parser parsers[] = {
	{"dpkg-status", "Debian's dpkg: var/lib/dpkg/status, status.d/* of distroless images",
		PACKAGE_DPKG, PACKAGE_SAYS_NAMES, DATABASE, dpkg_wants_status, dpkg_parse_status},
	{"dpkg-list", "files of a Debian package: var/lib/dpkg/info/*.list", PACKAGE_DPKG,
		PACKAGE_SAYS_FILES, DATABASE, dpkg_wants_list, dpkg_parse_list},
	{"dpkg-md5sums", "files of a Debian package: *.md5sums in info/ or status.d/", PACKAGE_DPKG,
		PACKAGE_SAYS_FILES, DATABASE, dpkg_wants_md5sums, dpkg_parse_md5sums},
	{"apk", "Alpine's apk: lib/apk/db/installed", PACKAGE_APK, PACKAGE_SAYS_ALL, DATABASE,
		apk_wants, apk_parse},
	{"rpm", "rpm: rpmdb.sqlite, Packages.db (ndb), Packages (Berkeley DB)", PACKAGE_RPM,
		PACKAGE_SAYS_ALL, DATABASE, rpm_wants, rpm_parse},
	{"rpm-log", "rpm: changes that were not put into rpmdb.sqlite; they are not read",
		PACKAGE_RPM, PACKAGE_SAYS_ALL, DATABASE, rpm_wants_log, rpm_parse_log},
	{"rpm-manifest", "rpm: the list of images without a database, container-manifest-2",
		PACKAGE_RPM, PACKAGE_SAYS_ALL, METADATA, rpm_wants_manifest, rpm_parse_manifest},
	{"npm", "Node.js modules: node_modules/*/package.json", PACKAGE_NPM, PACKAGE_SAYS_ALL,
		METADATA, npm_wants, npm_parse},
	{"pypi", "Python: *.dist-info/METADATA, *.egg-info/PKG-INFO", PACKAGE_PYPI,
		PACKAGE_SAYS_NAMES, METADATA, pypi_wants_metadata, pypi_parse_metadata},
	{"pypi-record", "files of a Python package: *.dist-info/RECORD", PACKAGE_PYPI,
		PACKAGE_SAYS_FILES, DATABASE, pypi_wants_record, pypi_parse_record},
	{"gem", "Ruby gems: specifications/*.gemspec", PACKAGE_GEM, PACKAGE_SAYS_ALL, METADATA,
		gem_wants, gem_parse},
	{"jar-pom", "Java: META-INF/maven/*/*/pom.properties in a jar", PACKAGE_JAR,
		PACKAGE_SAYS_ALL, METADATA, jar_wants_properties, jar_parse_properties},
	{"jar-manifest", "Java: META-INF/MANIFEST.MF of a jar without pom.properties", PACKAGE_JAR,
		PACKAGE_SAYS_HINT, METADATA, jar_wants_manifest, jar_parse_manifest},
	{"jar", "Java: the file name of a jar that says nothing else", PACKAGE_JAR,
		PACKAGE_SAYS_HINT, 0, jar_wants, jar_parse},
	{"composer", "PHP: vendor/composer/installed.json", PACKAGE_COMPOSER, PACKAGE_SAYS_ALL,
		DATABASE, composer_wants, composer_parse},
	{"nuget", ".NET: *.deps.json", PACKAGE_NUGET, PACKAGE_SAYS_ALL, DATABASE, nuget_wants,
		nuget_parse},
};

/* What binary.c reads, for whom the rows are listed. */
static const struct package_parser binaries[] = {
	{"go", "Go programs: the modules that the linker wrote into them"},
	{"cargo", "Rust programs built with cargo-auditable: section .dep-v0"},
};

enum {
	NPARSERS = sizeof(parsers) / sizeof(parsers[0]),
	NBINARIES = sizeof(binaries) / sizeof(binaries[0]),
};

const struct package_parser *package_parser_for(struct str path)
{
	for (size_t i = 0; i < NPARSERS; i++)
		if (parsers[i].wants(path))
			return &parsers[i];
	return NULL;
}

const char *package_parser_name(const struct package_parser *p)
{
	return p->name;
}

enum package_says package_parser_says(const struct package_parser *p)
{
	return p->says;
}

size_t package_parser_max_bytes(const struct package_parser *p)
{
	return p->max_bytes;
}

bool package_parser_row(size_t i, const char **name, const char **doc)
{
	if (i >= NPARSERS + NBINARIES)
		return false;
	const struct package_parser *p = i < NPARSERS ? &parsers[i] : &binaries[i - NPARSERS];

	*name = p->name;
	*doc = p->doc;
	return true;
}

int package_parse(const struct package_parser *p, struct str path, struct str content,
	struct arena *a, package_found found, void *arg, struct err *e)
{
	struct package_job j = {
		.row = p,
		.type = p->type,
		.path = path,
		.content = content,
		.a = a,
		.found = found,
		.arg = arg,
		.e = e,
	};
	int r = p->parse(&j);

	if (j.no_memory)
		r = err_set(e, ENOMEM, "%.*s: no memory for its packages", STR_ARG(path));
	job_done(&j);
	return r;
}

/* Where both stand: Python keeps the files beside the package, of a jar all is about one file. */
static struct str join_name(const struct artifact_package *p)
{
	if (p->type == PACKAGE_JAR)
		return p->path;
	return p->type == PACKAGE_PYPI ? path_dir(p->path) : p->name;
}

uint64_t package_key(const struct artifact_package *p)
{
	return str_hash(join_name(p)) ^ hash_u64(p->type);
}

bool package_is_same(const struct artifact_package *p, const struct artifact_package *files)
{
	return p->type == files->type && str_eq(join_name(p), join_name(files)) &&
	       (!files->arch.len || str_eq(p->arch, files->arch));
}
