/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are texts: the first byte chooses whose. */
#include "package_check.h"

static const char *const paths[] = {
	"/var/lib/dpkg/status",
	"/var/lib/dpkg/info/a:b.list",
	"/var/lib/dpkg/info/a.md5sums",
	"/lib/apk/db/installed",
	"/node_modules/@a/b/package.json",
	"/s/a.dist-info/METADATA",
	"/s/a.dist-info/RECORD",
	"/specifications/a-1.gemspec",
	"/a.jar!/META-INF/maven/a/b/pom.properties",
	"/a.jar!/META-INF/MANIFEST.MF",
	"/vendor/composer/installed.json",
	"/app.deps.json",
	"/var/lib/rpmmanifest/container-manifest-2",
	"/etc/os-release",
	"/etc/redhat-release",
	"/etc/lsb-release",
};

static void check_distro(struct str path, struct str content)
{
	struct artifact_distro d;
	struct arena a;

	arena_init(&a, 1 << 20);
	if (package_parse_distro(path, content, &a, &d) && !d.id.len)
		abort();
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct str path = str_of(paths[data[0] % (sizeof(paths) / sizeof(paths[0]))]);
	struct str content = str_make((const char *)data + 1, size - 1);
	const struct package_parser *p = package_parser_for(path);

	if (p)
		check_parse(p, path, content);
	else
		check_distro(path, content);
	return 0;
}
